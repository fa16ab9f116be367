"""What VGG-19 made of the paper's figures, recorded, beside what your own network makes of them.

    beside("figure 4", {f"α/β {ratio:g}": run.image for ratio, run in runs.items()}, note=runs[0.2].describe())
    scrub(*steps("figure 4"), "step")   # with stylelib.studio.scrub: the recorded runs, step by step

tools/fidelity.py makes the recordings.
"""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.experiments import FIRST_SIZE
from stylelib.figures import Figure, contact_sheet
from stylelib.images import load_image
from stylelib.paper import recordings
from stylelib.paper.catalogue import FIGURES
from stylelib.paper.recordings import RecordedRun
from stylelib.support.errors import InputError, check_choice
from stylelib.support.gallery import bundled_recordings

FOLDER = bundled_recordings() / "vgg19"
# The notebooks' own transfers of the riverside, with the settings of the series and not those of the paper's captions:
# {name: (painting, {caption: what sets a run apart})}
SERIES: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "first transfer": ("night_swirls", {"riverside, night_swirls": {"steps": 160, "first_size": FIRST_SIZE}}),
    "figure 4, relative": ("composition", {f"α/β {ratio:g}": {"alpha_beta": ratio} for ratio in (0.02, 0.2, 2, 20)}),
    "figure 5, relative": (
        "night_swirls",
        {
            f"{layer}, from {start}": {"content_layer": layer, "init": start, "alpha_beta": ratio}
            for start, ratio in (("content", 0.2), ("noise", 0.8))
            for layer in ("conv2_2", "conv4_2")
        },
    ),
    "figure 6, relative": (
        "sunset_waves",
        {
            f"from {label}": {"init": start, "seed": seed, "alpha_beta": 0.8, "steps": 200}
            for label, start, seed in (
                ("content", "content", 0),
                ("style", "style", 0),
                ("noise 1", "noise", 1),
                ("noise 2", "noise", 2),
            )
        },
    ),
}
NAMES = (*SERIES, *FIGURES)
WIDTH, END_WIDTH, QUALITY = 256, 512, 80  # of a frame and of the last one, see `stylelib.paper.recordings.of_run`
GAP = 4  # pixels between the panels of a step
ATTRIBUTION = "Weights of VGG-19: K. Simonyan, A. Zisserman, arXiv:1409.1556, CC BY 4.0."


def path_of(name: str, folder: str | os.PathLike[str] = FOLDER) -> pathlib.Path:
    """Return the path of a figure's recording, whether it is there or not."""
    name = check_choice("recorded figure", name, NAMES)
    return pathlib.Path(folder) / f"{name.replace(', ', '_').replace(' ', '_')}.zip"


def save(name: str, runs: Mapping[str, RecordedRun], folder: str | os.PathLike[str] = FOLDER) -> pathlib.Path:
    """Write the recorded runs of a figure, {caption: run}, to its file in a folder; return the path."""
    return recordings.write({"name": name}, runs, path_of(name, folder))


def load(
    name: str, panels: Sequence[str] | None = None, folder: str | os.PathLike[str] = FOLDER
) -> dict[str, RecordedRun]:
    """Return the recorded runs of a figure.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    panels : Sequence of str, optional
        How the captions of the wanted panels begin; all panels by default.
    folder : path
        The folder of the recordings.

    Returns
    -------
    dict of str to RecordedRun
        {caption: run}.

    Raises
    ------
    InputError
        If the file is missing or damaged, or there is no such panel.
    """
    found = recordings.read(path_of(name, folder), lambda _, runs: runs)
    if panels is None:
        return found
    chosen = {}
    for panel in panels:
        matching = [caption for caption in found if caption == panel or caption.startswith(f"{panel},")]
        if not matching:
            raise InputError(f"The recording of {name} has no panel {panel!r}; it has {'; '.join(found)}.")
        chosen[matching[0]] = found[matching[0]]
    return chosen


def beside(
    name: str,
    pictures: Mapping[str, Tensor],
    panels: Sequence[str] | None = None,
    title: str | None = None,
    note: str | None = None,
    folder: str | os.PathLike[str] = FOLDER,
    columns: int | None = None,
) -> Figure:
    """Show your pictures in a row and the recorded ones of the same figure in the next row.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    pictures : Mapping
        {caption: picture (1, 3, H, W)}.
    panels : Sequence of str, optional
        As for `load`.
    title, note : str, optional
        As for `stylelib.figures.contact_sheet`; the note says what made your pictures.
    folder : path
        The folder of the recordings.
    columns : int, optional
        Pictures in a row. If it is given, the recorded pictures follow yours without a new row.

    Returns
    -------
    Figure
        Its note says what made the recorded pictures too. If the file is missing, the figure has your row alone, and
        the note says so.

    Raises
    ------
    InputError
        If the file is damaged, or there is no such panel.
    """
    rows, notes = [dict(pictures)], [note or ""]
    if path_of(name, folder).exists():
        runs = load(name, panels, folder)
        shared, apart = _shared([run.made for run in runs.values()])
        rows.append(
            {f"VGG-19: {label}{rest}": run.picture for (label, run), rest in zip(runs.items(), apart, strict=True)}
        )
        notes.append(f"{'Second row, recorded' if columns is None else 'VGG-19, recorded'}: {shared}. {ATTRIBUTION}")
    else:
        notes.append(f"VGG-19's recording is not here ({path_of(name, folder)}), so its pictures are missing.")
    longest = max(map(len, rows))
    shown: list[Tensor] = []
    captions: list[str] = []
    for row in rows:
        blanks = longest - len(row) if columns is None else 0
        shown += [*row.values(), *[torch.ones(1, 3, 16, 16, dtype=torch.float32)] * blanks]
        captions += [*row, *[""] * blanks]
    return contact_sheet(shown, captions, columns or longest, title, "\n".join(filter(None, notes)))


def steps(
    name: str, panels: Sequence[str] | None = None, folder: str | os.PathLike[str] = FOLDER
) -> tuple[list[Tensor], list[str]]:
    """Return a figure's recorded steps: for each, its panels side by side in one picture, and the step's number.

    The parameters are as for `load`. A run that ended before a step shows its end.
    """
    runs = load(name, panels, folder).values()
    numbers = sorted({number for run in runs for number in run.frames})
    width = max(load_image(next(iter(runs)).frames[0]).shape[-2:])  # the last pictures are larger
    pictures = []
    for number in numbers:
        found = [load_image(run.frames[max(kept for kept in run.frames if kept <= number)]) for run in runs]
        images = [load_image(one, width) for one in found]
        gap = torch.ones(1, 3, images[0].shape[-2], GAP, dtype=torch.float32)
        pictures.append(torch.cat([part for image in images for part in (gap, image)][1:], dim=3))
    return pictures, [str(number) for number in numbers]


def _shared(made: Sequence[str]) -> tuple[str, list[str]]:
    """Return what the captions of all runs have in common, and for each run its number of steps where these differ."""
    lines = []
    for one in made:
        network, terms, *rest = one.split(" · ")
        lines.append([network, *terms.split("; "), *rest])
    shared = [part for part in lines[0] if all(part in line for line in lines)]
    apart = []
    for line in lines:
        own = [part.partition(" of ")[0] for part in line if " steps of " in part and part not in shared]
        apart.append("".join(f", {part}" for part in own))
    return " · ".join(shared), apart
