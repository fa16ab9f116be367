"""Every figure of the paper that shows pictures, as one named, seeded recipe.

    made = list(make("figure 4"))             # [(panel, run), …], each run finished
    save("figure 4", made, "figures")         # figures/figure_4.png, for print

On pretrained VGG-19 a figure is made with the numbers of its caption, in the mean convention of the authors' own code.
On any other network these numbers mean nothing (notebook 06 shows it): there the relative convention is taken, with
OTHER_NETWORKS times the caption's α/β, and most transfers start from the content image. The pictures are the paper's
where they have been fetched (`images.fetch_paper_image`), and otherwise the bundled ones; nothing is downloaded here.
"""

import dataclasses
import hashlib
import pathlib

from stylelib import experiments
from stylelib.figures import contact_sheet
from stylelib.images import load_image
from stylelib.support.errors import check_choice
from stylelib.support.files import check_writable, write_atomically
from stylelib.support.gallery import PAPER_IMAGES
from stylelib.support.machine import preset
from stylelib.support.tables import Table
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS
from stylelib.weights.networks import load_network

STAND_INS = {  # the paper's picture: the bundled one in its place
    "tubingen": "riverside",
    "shipwreck": "stormy_sea",
    "starry_night": "night_swirls",
    "the_scream": "sunset_waves",
    "seated_nude": "facets",
    "composition_vii": "composition",
    "city_by_day": "riverside",
    "city_by_night": "still_life",
}
OTHER_NETWORKS = 100  # relative α/β for a caption's α/β of 1: the paper's 1e-3 becomes the recipes' own 0.1
DPI = 300  # of a saved figure


@dataclasses.dataclass(frozen=True)
class Panel:
    """One run of a figure. content, style: names of the paper's pictures; a reconstruction has only one of them.

    ratio: α/β as the caption has it. init: where it starts. relative_ratio, relative_init: the same on networks other
    than VGG-19, where the ratio is OTHER_NETWORKS times the caption's if it is not given.
    """

    label: str
    content: str | None = None
    style: str | None = None
    ratio: float | None = None
    relative_ratio: float | None = None
    content_layer: str = CONTENT_LAYER
    style_layers: tuple = STYLE_LAYERS
    init: str = "noise"
    relative_init: str = "content"
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class PaperFigure:
    """A figure: its panels, and what is shown before them. originals: names of the paper's pictures."""

    title: str
    panels: tuple
    originals: tuple = ()
    columns: int = 3
    remark: str = ""


def _growing(layers):
    return [tuple(layers[: count + 1]) for count in range(len(layers))]


def _gallery(label, style, ratio):
    return Panel(label, "tubingen", style, ratio)


FIGURES = {
    "figure 1, style": PaperFigure(
        "Figure 1, style: more and more layers",
        tuple(
            Panel(f"{'up to ' * (len(layers) > 1)}{layers[-1]}", style="starry_night", style_layers=layers)
            for layers in _growing(STYLE_LAYERS)
        ),
        ("starry_night",),
    ),
    "figure 1, content": PaperFigure(
        "Figure 1, content: one layer at a time",
        tuple(
            Panel(layer, content="tubingen", content_layer=layer)
            for layer in ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")
        ),
        ("tubingen",),
    ),
    "figure 3": PaperFigure(
        "Figure 3: one view in the style of five paintings",
        (
            _gallery("B", "shipwreck", 1e-3),
            _gallery("C", "starry_night", 8e-4),
            _gallery("D", "the_scream", 5e-3),
            _gallery("E", "seated_nude", 5e-4),
            _gallery("F", "composition_vii", 5e-4),
        ),
        ("tubingen",),
    ),
    "figure 4": PaperFigure(
        "Figure 4: more and more content",
        tuple(Panel("", "tubingen", "composition_vii", ratio) for ratio in (1e-4, 1e-3, 1e-2, 1e-1)),
        columns=2,
    ),
    "figure 5": PaperFigure(
        "Figure 5: the content layer",
        tuple(Panel("", "tubingen", "composition_vii", 1e-3, content_layer=layer) for layer in ("conv2_2", "conv4_2")),
        columns=2,
        remark="Which painting to take was chosen here.",
    ),
    "figure 6": PaperFigure(
        "Figure 6: where the run starts",
        (
            Panel("A", "tubingen", "starry_night", 1e-3, init="content"),
            Panel("B", "tubingen", "starry_night", 1e-3, init="style", relative_init="style"),
            *(
                Panel(f"C{seed + 1}", "tubingen", "starry_night", 1e-3, relative_init="noise", seed=seed)
                for seed in range(4)
            ),
        ),
        remark="Which painting to take was chosen here.",
    ),
    "figure 7": PaperFigure(
        "Figure 7: from a photograph to a photograph",
        (
            Panel(
                "both",
                "city_by_day",
                "city_by_night",
                1e-2,
                relative_ratio=0.5,
                init="content",
            ),
        ),
        ("city_by_day", "city_by_night"),
        remark="The paper's two photographs, a city by day and by night, are not among those that can be fetched.",
    ),
}


# ------------------------------------------------------------------------------------------------------- which pictures


def paper_folder():
    """Where `images.fetch_paper_image` keeps the paper's pictures."""
    import pooch

    return pathlib.Path(pooch.os_cache("stylelib")) / "paper"


def source(name):
    """What to load for one of the paper's pictures: its file if it is here and whole, else a bundled name.

    Any other name is passed on to `load_image` as it is: a figure of your own may have pictures of your own.
    """
    path = paper_folder() / f"{name}.jpg"
    if name in PAPER_IMAGES and path.is_file():
        _, sha256, _ = PAPER_IMAGES[name]
        if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return path
    return STAND_INS.get(name, name)


def picture_name(name):
    """What a caption calls it: the paper's name, or the name of the bundled picture that stands in for it."""
    return pathlib.Path(source(name)).stem


# ----------------------------------------------------------------------------------------------------- which parameters


def settings(panel, net):
    """The arguments of the recipe that makes a panel on a network, pictures and size left out."""
    captions = net.name == "vgg19"  # the captions' numbers belong to it
    run = {"convention": "mean" if captions else "relative", "seed": panel.seed}
    if panel.content is None:
        return {"layers": list(panel.style_layers), "init": "noise", **run}
    if panel.style is None:
        return {"layer": panel.content_layer, "init": "noise", **run}
    return {
        "alpha_beta": panel.ratio if captions else panel.relative_ratio or OTHER_NETWORKS * panel.ratio,
        "content_layer": panel.content_layer,
        "style_layers": list(panel.style_layers),
        "init": panel.init if captions else panel.relative_init,
        **run,
    }


def captions(figure, net):
    """For each panel the words above it: what sets it apart from the others. And a list of what they share."""
    facts = [_facts(panel, net) for panel in figure.panels]
    shared = [fact for fact in facts[0] if all(fact in others for others in facts)]
    apart = [[fact for fact in one if fact not in shared] for one in facts]
    words = [", ".join(filter(None, [panel.label, *one])) for panel, one in zip(figure.panels, apart, strict=True)]
    return words, shared


def _facts(panel, net):
    """The parameters of a transfer in words; a reconstruction's label says enough."""
    if panel.content is None or panel.style is None:
        return []
    found = settings(panel, net)
    ratio = f"α/β = {found['alpha_beta']:g} ({found['convention']})"
    facts = [picture_name(panel.style), ratio, f"content from {panel.content_layer}", f"from {found['init']}"]
    return [*facts, f"seed {panel.seed}"]


def table(net):
    """Every panel of every figure with its parameters on this network."""
    rows = []
    for name, figure in FIGURES.items():
        for panel in figure.panels:
            found = settings(panel, net)
            both = panel.content is not None and panel.style is not None
            layers = [panel.content_layer] * (panel.content is not None)
            count = len(panel.style_layers)
            layers += [f"{count} style layer{'s' * (count > 1)}"] * (panel.style is not None)
            pictures = [picture_name(one) for one in (panel.content, panel.style) if one]
            ratios = [f"{panel.ratio:g}", f"{found['alpha_beta']:g}"] if both else ["–", "–"]
            rows.append((name, " + ".join(pictures), " + ".join(layers), *ratios, found["init"], str(panel.seed)))
    convention = settings(FIGURES["figure 4"].panels[0], net)["convention"]
    columns = ("figure", "pictures", "layers", "α/β in the caption", f"α/β here ({convention})", "from", "seed")
    return Table(columns, rows, f"The paper's figures on {net.describe()}")


# -------------------------------------------------------------------------------------------------- make, show and save


def make(name, net=None, size=None, steps=None, progress=None):
    """Make a figure, panel by panel: yields (panel, run), each run finished when it comes.

    name: one of FIGURES. net: a loaded network, or `load_network`'s choice. size, steps: the preset's by default.
    progress: called as progress(panel, step) after every step of every run.
    """
    figure = FIGURES[check_choice("figure", name, FIGURES)]
    net = load_network() if net is None else net
    for panel in figure.panels:
        run = prepare(panel, net, size, steps)
        for step in run:
            if progress is not None:
                progress(panel, step)
        yield panel, run


def prepare(panel, net, size=None, steps=None):
    """The run of one panel, not yet started."""
    arguments = {"network": net, "steps": steps, **settings(panel, net)}
    size = preset().size if size is None else size
    pictures = [load_image(source(one), size) for one in (panel.content, panel.style) if one]
    if panel.content is None:
        return experiments.reconstruct_style(*pictures, **arguments)
    if panel.style is None:
        return experiments.reconstruct_content(*pictures, **arguments)
    return experiments.style_transfer(*pictures, **arguments)


def sheet(name, made):
    """The figure of finished runs, with everything that made it in its caption. made: pairs (panel, run)."""
    figure, runs = FIGURES[check_choice("figure", name, FIGURES)], [run for _, run in made]
    size = max(runs[0].image.shape[-2:])
    pictures = [load_image(source(one), size) for one in figure.originals] + [run.image for run in runs]
    words, _ = captions(figure, runs[0].terms[0].net)
    words = [*map(picture_name, figure.originals), *words]
    return contact_sheet(pictures, words, figure.columns, figure.title, describe(name, made))


def describe(name, made):
    """What all runs of a figure have in common, whose pictures they are, and how long they took."""
    figure, runs = FIGURES[name], [run for _, run in made]
    lines = []
    for run in runs:
        network, terms, *rest = run.describe().split(" · ")
        lines.append([network, *terms.split("; "), *rest])
    common = [part for part in lines[0] if all(part in line for line in lines) and " s on " not in part]
    seconds = f"{sum(run.seconds for run in runs):.0f} s on {runs[0].device.type}"
    _, shared = captions(figure, runs[0].terms[0].net)
    parts = dict.fromkeys([*common[:1], *_not_said_twice(shared, common), *common[1:], seconds])
    return "\n".join(filter(None, [" · ".join(parts), credit(figure), figure.remark]))


def _not_said_twice(shared, common):
    """The shared facts without the content layer where a term's own words have it too."""
    said = any(part.startswith("content ") for part in common)
    return [fact for fact in shared if not (said and fact.startswith("content from"))]


def credit(figure):
    """Whose pictures a figure is made of, in a sentence or two."""
    names = [*figure.originals, *[one for panel in figure.panels for one in (panel.content, panel.style)]]
    used = dict.fromkeys(filter(None, names))
    papers = [PAPER_IMAGES[one][2] for one in used if isinstance(source(one), pathlib.Path)]
    bundled = [source(one) for one in used if one in STAND_INS and isinstance(source(one), str)]
    sentences = [f"The paper's pictures: {'; '.join(papers)}."] * bool(papers)
    sentences += [f"Bundled pictures in place of the paper's: {', '.join(bundled)}."] * bool(bundled)
    return " ".join(sentences)


def save(name, made, folder, dpi=DPI):
    """Write a figure as a PNG for print into a folder, which is made if need be. Returns the path.

    The file's name says network, size and steps, so that a quick try does not take a better print's place.
    """
    made = list(made)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _, run = made[0]
    stem = f"{name.replace(', ', '_').replace(' ', '_')}-{run.terms[0].net.name}"
    path = check_writable(folder / f"{stem}-{max(run.image.shape[-2:])}px-{run.steps}steps.png", (".png",))
    words = {"Title": FIGURES[name].title, "Description": describe(name, made)}
    with write_atomically(path) as file:
        options = {"compress_level": 3}  # half the time of the default, a sixth larger
        sheet(name, made).savefig(file, format="png", dpi=dpi, metadata=words, pil_kwargs=options)
    return path
