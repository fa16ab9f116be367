"""The paper's figures as data. Each is a list of panels, and a panel is a run with its parameters and seed."""

import dataclasses
import hashlib
import pathlib

from stylelib.experiments import FIRST_SIZE
from stylelib.support.files import cache_folder
from stylelib.support.gallery import PAPER_IMAGES
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS

STAND_INS = {  # the paper's picture: the bundled one in its place
    "tubingen": "riverside",
    "shipwreck": "stormy_sea",
    "starry_night": "night_swirls",
    "the_scream": "sunset_waves",
    "seated_nude": "facets",
    "composition_vii": "composition",
    "city_by_day": "riverside",
    "city_by_night": "riverside_night",
}
OTHER_NETWORKS = 200  # times the caption's α/β is the relative α/β, so 1e-3 becomes style_transfer's default, 0.2


@dataclasses.dataclass(frozen=True)
class Panel:
    """One run of a figure.

    Attributes
    ----------
    label : str
        The start of its caption.
    content, style : str or None
        Names of the paper's pictures; a reconstruction has only one of them.
    ratio : float or None
        α/β in the paper's caption.
    relative_ratio : float or None
        α/β for networks other than VGG-19; OTHER_NETWORKS times the caption's by default.
    content_layer : str
        The layer at which content is compared.
    style_layers : tuple of str
        The layers at which style is compared.
    init, relative_init : str
        Where the run starts: on VGG-19, and on other networks.
    seed : int
        Seed of the noise.
    relative_first_size : int
        The first size on other networks, see `stylelib.Synthesis`; on VGG-19 there is one size, as in the paper.
    """

    label: str
    content: str | None = None
    style: str | None = None
    ratio: float | None = None
    relative_ratio: float | None = None
    content_layer: str = CONTENT_LAYER
    style_layers: tuple[str, ...] = STYLE_LAYERS
    init: str = "noise"
    relative_init: str = "content"
    seed: int = 0
    relative_first_size: int = 0

    @property
    def pictures(self) -> list[str]:
        """The names of its pictures, content image first."""
        return [name for name in (self.content, self.style) if name is not None]

    def alpha_beta(self, as_printed: bool) -> float | None:
        """Return α/β from the paper's caption, or the one for other networks."""
        if as_printed or self.ratio is None:
            return self.ratio
        return OTHER_NETWORKS * self.ratio if self.relative_ratio is None else self.relative_ratio


@dataclasses.dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper.

    Attributes
    ----------
    title : str
        Text above it.
    panels : tuple of Panel
        Its runs.
    originals : tuple of str
        Names of the paper's pictures that are shown before the panels.
    columns : int
        Pictures in a row.
    remark : str
        A last sentence for its note.
    """

    title: str
    panels: tuple[Panel, ...]
    originals: tuple[str, ...] = ()
    columns: int = 3
    remark: str = ""


def _first_styles(count: int) -> Panel:
    """Return the style reconstruction from the first `count` style layers."""
    last = STYLE_LAYERS[count - 1]
    label = last if count == 1 else f"up to {last}"
    return Panel(label, style="starry_night", style_layers=STYLE_LAYERS[:count])


FIGURES = {
    "figure 1, style": PaperFigure(
        "Figure 1, style: more and more layers",
        tuple(_first_styles(count) for count in range(1, len(STYLE_LAYERS) + 1)),
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
        tuple(
            Panel(label, "tubingen", style, ratio, relative_first_size=FIRST_SIZE)
            for label, style, ratio in (
                ("B", "shipwreck", 1e-3),
                ("C", "starry_night", 8e-4),
                ("D", "the_scream", 5e-3),
                ("E", "seated_nude", 5e-4),
                ("F", "composition_vii", 5e-4),
            )
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
        remark="The painting was chosen here.",
    ),
    "figure 6": PaperFigure(
        "Figure 6: where the run starts",
        (
            Panel("A", "tubingen", "starry_night", 1e-3, relative_ratio=0.8, init="content"),
            Panel("B", "tubingen", "starry_night", 1e-3, relative_ratio=0.8, init="style", relative_init="style"),
            *(
                Panel(f"C{n + 1}", "tubingen", "starry_night", 1e-3, relative_ratio=0.8, relative_init="noise", seed=n)
                for n in range(4)
            ),
        ),
        remark="The painting was chosen here.",
    ),
    "figure 7": PaperFigure(
        "Figure 7: from a photograph to a photograph",
        (Panel("both", "city_by_day", "city_by_night", 1e-2, relative_ratio=0.2, init="content"),),
        ("city_by_day", "city_by_night"),
        remark="The paper's two photographs, a city by day and by night, are not among those that can be fetched.",
    ),
}


def paper_folder() -> pathlib.Path:
    """Return the folder in which `fetch_paper_image` keeps the paper's pictures."""
    return cache_folder() / "paper"


def source(name: str) -> pathlib.Path | str:
    """Return what to load for one of the paper's pictures.

    Parameters
    ----------
    name : str
        A name in `STAND_INS`; any other is returned as it is, because your own figure may have your own pictures.

    Returns
    -------
    Path or str
        The paper's picture if its file is here and undamaged, else a bundled picture's name.
    """
    path = paper_folder() / f"{name}.jpg"
    if name in PAPER_IMAGES and path.is_file():
        _, sha256, _ = PAPER_IMAGES[name]
        if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return path
    return STAND_INS.get(name, name)


def picture_name(name: str) -> str:
    """Return what a caption calls a picture: the paper's name, or that of the bundled picture in its place."""
    return pathlib.Path(source(name)).stem


def credit(figure: PaperFigure) -> str:
    """Return whose pictures a figure is made of, in a sentence or two."""
    used = dict.fromkeys([*figure.originals, *(name for panel in figure.panels for name in panel.pictures)])
    sources = {name: source(name) for name in used}
    papers = [PAPER_IMAGES[name][2] for name, found in sources.items() if isinstance(found, pathlib.Path)]
    bundled = [found for name, found in sources.items() if name in STAND_INS and isinstance(found, str)]
    sentences = []
    if papers:
        sentences.append(f"The paper's pictures: {'; '.join(papers)}.")
    if bundled:
        sentences.append(f"Bundled pictures in place of the paper's: {', '.join(bundled)}.")
    return " ".join(sentences)
