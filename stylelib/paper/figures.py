"""Every figure of the paper that shows pictures, as a list of runs with their parameters and seeds.

    made = list(make("figure 4"))             # [(panel, run), …], each run finished
    save("figure 4", made, "figures")         # figures/figure_4-….png, for print

On pretrained VGG-19, a figure is made with the numbers of its caption, in the mean convention of the authors' own code.
On any other network these numbers mean nothing, as notebook 06 shows. Then the relative convention is used, with 200
times the caption's α/β, and most transfers start from the content image. The pictures are the paper's if you have
downloaded them with `stylelib.support.gallery.fetch_paper_image`, else bundled ones. Nothing is downloaded here.
"""

import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from stylelib import experiments
from stylelib.evaluation.progress import Step
from stylelib.figures import Figure, contact_sheet
from stylelib.images import load_image
from stylelib.paper.catalogue import (
    FIGURES,
    STAND_INS,
    Panel,
    PaperFigure,
    credit,
    paper_folder,
    picture_name,
    source,
)
from stylelib.protocols.network import Network
from stylelib.support.errors import check_choice
from stylelib.support.files import check_writable, write_atomically
from stylelib.support.machine import preset
from stylelib.support.tables import Table
from stylelib.synthesis import Synthesis
from stylelib.weights.networks import load_network

__all__ = [
    "FIGURES",
    "STAND_INS",
    "Panel",
    "PaperFigure",
    "captions",
    "credit",
    "describe",
    "make",
    "paper_folder",
    "picture_name",
    "prepare",
    "save",
    "settings",
    "sheet",
    "source",
    "table",
]

DPI = 300  # of a saved figure

Made = Sequence[tuple[Panel, Synthesis]]  # a figure's panels with their runs


def settings(panel: Panel, net: Network) -> dict[str, Any]:
    """Return the arguments of the experiment that makes a panel on a network, without pictures and size."""
    as_printed = net.name == "vgg19"  # the captions' numbers are for VGG-19
    common = {"convention": "mean" if as_printed else "relative", "seed": panel.seed}
    if panel.content is None:
        return {"layers": list(panel.style_layers), "init": "noise", **common}
    if panel.style is None:
        return {"layer": panel.content_layer, "init": "noise", **common}
    return {
        "alpha_beta": panel.alpha_beta(as_printed),
        "content_layer": panel.content_layer,
        "style_layers": list(panel.style_layers),
        "init": panel.init if as_printed else panel.relative_init,
        "first_size": 0 if as_printed else panel.relative_first_size,
        **common,
    }


def make(
    name: str,
    net: Network | None = None,
    size: int | None = None,
    steps: int | None = None,
    progress: Callable[[Panel, Step], None] | None = None,
) -> Iterator[tuple[Panel, Synthesis]]:
    """Make a figure, panel by panel.

    Parameters
    ----------
    name : str
        One of `FIGURES`.
    net : Network, optional
        A loaded network; `load_network`'s choice by default.
    size, steps : int, optional
        Longer side of the pictures in pixels, and steps of a run; the preset's by default.
    progress : callable, optional
        Called as progress(panel, step) after every step of every run.

    Yields
    ------
    panel : Panel
        The figure's panels, one after another.
    run : Synthesis
        Its run, finished.

    Raises
    ------
    InputError
        If the figure is unknown.
    """
    figure = FIGURES[check_choice("figure", name, FIGURES)]
    net = load_network() if net is None else net
    for panel in figure.panels:
        run = prepare(panel, net, size, steps)
        for step in run:
            if progress is not None:
                progress(panel, step)
        yield panel, run


def prepare(panel: Panel, net: Network, size: int | None = None, steps: int | None = None) -> Synthesis:
    """Return the run of one panel, not started; the parameters are as for `make`."""
    arguments = {"network": net, "steps": steps, **settings(panel, net)}
    size = preset().size if size is None else size
    pictures = [load_image(source(name), size) for name in panel.pictures]
    if panel.content is None:
        return experiments.reconstruct_style(pictures[0], **arguments)
    if panel.style is None:
        return experiments.reconstruct_content(pictures[0], **arguments)
    return experiments.style_transfer(pictures[0], pictures[1], **arguments)


def sheet(name: str, made: Made) -> Figure:
    """Return the figure of finished runs, with a note that says everything that made it.

    Parameters
    ----------
    name : str
        One of `FIGURES`.
    made : Sequence of pairs
        What `make` yields.

    Returns
    -------
    Figure
        A contact sheet.
    """
    figure, runs = FIGURES[check_choice("figure", name, FIGURES)], [run for _, run in made]
    size = max(runs[0].image.shape[-2:])
    pictures = [load_image(source(original), size) for original in figure.originals] + [run.image for run in runs]
    labels, _ = captions(figure, _network(made))
    labels = [*map(picture_name, figure.originals), *labels]
    return contact_sheet(pictures, labels, figure.columns, figure.title, describe(name, made))


def save(
    name: str, made: Iterable[tuple[Panel, Synthesis]], folder: str | os.PathLike[str], dpi: int = DPI
) -> pathlib.Path:
    """Write a figure as a PNG for print.

    Parameters
    ----------
    name : str
        One of `FIGURES`.
    made : iterable of pairs
        What `make` yields.
    folder : path
        Created if it does not exist.
    dpi : int
        Dots per inch.

    Returns
    -------
    pathlib.Path
        The file's path. Its name contains network, size and steps, so that a quick test does not replace a better
        figure.
    """
    made, folder = list(made), pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _, run = made[0]
    stem = f"{name.replace(', ', '_').replace(' ', '_')}-{_network(made).name}"
    path = check_writable(folder / f"{stem}-{max(run.image.shape[-2:])}px-{run.steps}steps.png", (".png",))
    metadata = {"Title": FIGURES[name].title, "Description": describe(name, made)}
    with write_atomically(path) as file:
        options = {"compress_level": 3}  # half the default's time, for a file that is a sixth larger
        sheet(name, made).savefig(file, format="png", dpi=dpi, metadata=metadata, pil_kwargs=options)
    return path


# -------------------------------------------------------------------------------------------------- tables and captions


def table(net: Network) -> Table:
    """Return every panel of every figure with its parameters on this network."""
    rows = []
    for name, figure in FIGURES.items():
        for panel in figure.panels:
            chosen, layers = settings(panel, net), []
            if panel.content is not None:
                layers.append(panel.content_layer)
            if panel.style is not None:
                count = len(panel.style_layers)
                layers.append("1 style layer" if count == 1 else f"{count} style layers")
            ratios = ["–", "–"] if panel.ratio is None else [f"{panel.ratio:g}", f"{chosen['alpha_beta']:g}"]
            pictures = " + ".join(map(picture_name, panel.pictures))
            rows.append((name, pictures, " + ".join(layers), *ratios, chosen["init"], str(panel.seed)))
    convention = settings(FIGURES["figure 4"].panels[0], net)["convention"]
    columns = ("figure", "pictures", "layers", "α/β in the caption", f"α/β here ({convention})", "from", "seed")
    return Table(columns, rows, f"The paper's figures on {net.describe()}")


def captions(figure: PaperFigure, net: Network) -> tuple[list[str], list[str]]:
    """Return what sets each panel apart from the others, and what they share.

    Parameters
    ----------
    figure : PaperFigure
        One of `FIGURES`, or yours.
    net : Network
        The network, which decides the convention.

    Returns
    -------
    captions : list of str
        One for each panel.
    shared : list of str
        Facts that are true of all panels.
    """
    facts = [_facts(panel, net) for panel in figure.panels]
    shared = [fact for fact in facts[0] if all(fact in others for others in facts)]
    labels = []
    for panel, known in zip(figure.panels, facts, strict=True):
        apart = [panel.label, *(fact for fact in known if fact not in shared)]
        labels.append(", ".join(filter(None, apart)))
    return labels, shared


def _facts(panel: Panel, net: Network) -> list[str]:
    """Return the parameters of a transfer; a reconstruction's label says enough."""
    if panel.content is None or panel.style is None:
        return []
    chosen = settings(panel, net)
    ratio = f"α/β = {chosen['alpha_beta']:g} ({chosen['convention']})"
    layer = f"content from {panel.content_layer}"
    return [picture_name(panel.style), ratio, layer, f"from {chosen['init']}", f"seed {panel.seed}"]


def describe(name: str, made: Made) -> str:
    """Return what all runs of a figure have in common, and whose pictures they use."""
    figure, runs = FIGURES[name], [run for _, run in made]
    lines = []
    for run in runs:
        network, terms, *rest = run.describe().split(" · ")
        lines.append([network, *terms.split("; "), *rest])
    common = [part for part in lines[0] if all(part in line for line in lines)]
    _, shared = captions(figure, _network(made))
    if any(part.startswith("content ") for part in common):  # the content term names its layer already
        shared = [fact for fact in shared if not fact.startswith("content from")]
    parts = dict.fromkeys([*common[:1], *shared, *common[1:]])
    return "\n".join(filter(None, [" · ".join(parts), credit(figure), figure.remark]))


def _network(made: Made) -> Network:
    net = made[0][1].terms[0].net
    assert net is not None, "every panel's terms look at a network"
    return net
