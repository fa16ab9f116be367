"""Figures: contact sheets with captions, loss curves, a run's timeline, and animations.

Each function that draws returns a Figure, which a notebook shows at the end of a cell. A Figure is made without pyplot,
so it works in any thread and need not be closed. `lines`, `bars` and `matrix` plot your own numbers.
"""

import math
import os
import pathlib
from collections.abc import Iterable, Mapping

import matplotlib.axes
import matplotlib.ticker
import numpy as np
from torch import Tensor

from stylelib.images import to_array
from stylelib.support.animation import write_animation
from stylelib.support.errors import InputError, check_whole, shown
from stylelib.support.page import MARGIN, MAX_HEIGHT, Array, Figure, page, sheet
from stylelib.support.plots import (
    COLOURS,
    CONTENT_COLOUR,
    STYLE_COLOUR,
    add_legend,
    bars,
    curve_looks,
    label_axes,
    lines,
    matrix,
    plot,
)
from stylelib.synthesis import Synthesis

__all__ = [
    "ANIMATION_FRAMES",
    "COLOURS",
    "CONTENT_COLOUR",
    "MARGIN",
    "MAX_HEIGHT",
    "STYLE_COLOUR",
    "Figure",
    "bars",
    "contact_sheet",
    "draw_loss_curves",
    "keep_every",
    "kept_frames",
    "lines",
    "loss_curves",
    "matrix",
    "page",
    "save_animation",
    "timeline",
]

ANIMATION_FRAMES = 40  # number of frames that a run keeps for its animation, see `keep_every`


def contact_sheet(
    pictures: Iterable[Tensor] | Mapping[int, Tensor],
    captions: Iterable[str] | None = None,
    columns: int | None = None,
    title: str | None = None,
    note: str | None = None,
) -> Figure:
    """Show pictures side by side, each with its caption above; the pictures of a row have the same height.

    Parameters
    ----------
    pictures : iterable of Tensor, or Mapping
        (1, 3, H, W) each, of any shapes; a mapping such as `run.frames` is {step: picture}.
    captions : iterable of str, optional
        One for each picture.
    columns : int, optional
        Pictures in a row; by default all are in one row, up to five.
    title, note : str, optional
        Text above the pictures and, in small print, below them.

    Returns
    -------
    Figure
        At most 10 inches wide.

    Raises
    ------
    InputError
        If there are no pictures, not as many captions as pictures, or no columns, and for anything but pictures.
    """
    arrays = _arrays(pictures)
    if not arrays:
        raise InputError("A contact sheet needs at least one picture.")
    if isinstance(captions, str) or not isinstance(captions, Iterable | None):
        raise InputError(f"Give a list of captions, one for each picture; got {shown(captions)}.")
    captions = [""] * len(arrays) if captions is None else [str(caption) for caption in captions]
    if len(captions) != len(arrays):
        raise InputError(f"{len(arrays)} pictures need as many captions; got {len(captions)}.")
    columns = 5 if columns is None else check_whole("The number of columns", columns, 1)
    return sheet(arrays, captions, min(columns, len(arrays)), title, note)


def _arrays(pictures: Iterable[Tensor] | Mapping[int, Tensor]) -> list[Array]:
    """Return pictures as arrays (H, W, 3); raise an InputError for anything else."""
    if isinstance(pictures, str | bytes | Synthesis) or not isinstance(pictures, Iterable):
        raise InputError(f"Give a list of pictures, or a run's frames, run.frames; got {shown(pictures)}.")
    listed: list[Tensor] = list(pictures.values() if isinstance(pictures, Mapping) else pictures)
    for picture in listed:
        if not isinstance(picture, Tensor) or picture.ndim not in (3, 4) or picture.shape[-3] != 3:
            raise InputError(f"A picture is a tensor (1, 3, H, W), as load_image returns it; got {shown(picture)}.")
    return [to_array(picture) for picture in listed]


def loss_curves(run: Synthesis | Mapping[str, Synthesis], title: str | None = None) -> Figure:
    """Plot a run's weighted losses and their sum against the steps, on a logarithmic scale.

    Parameters
    ----------
    run : Synthesis or Mapping
        One run, or {label: run} to compare the total losses of several.
    title : str, optional
        Text above the plot.

    Returns
    -------
    Figure
        Its note says what made the run, or what all the runs have in common.

    Raises
    ------
    InputError
        If no step has been computed, and for anything but runs.
    """
    runs = list(run.values()) if isinstance(run, Mapping) else [run]
    for each in runs:
        _check_run(each, ", or {label: run, …} for several")
    if not any(each.history for each in runs):
        raise InputError("There are no losses yet; take a step of the run first.")
    described = [each.describe().split(" · ") for each in runs]
    common = [part for part in described[0] if all(part in parts for parts in described)]
    figure, axes = plot(title, " · ".join(common))
    draw_loss_curves(axes, run)
    add_legend(axes)
    return figure


def _check_run(run: object, or_else: str = "") -> None:
    if not isinstance(run, Synthesis):
        raise InputError(f"Give a run, such as style_transfer returns{or_else}; got {shown(run)}.")


def draw_loss_curves(axes: matplotlib.axes.Axes, run: Synthesis | Mapping[str, Synthesis]) -> None:
    """Draw the curves of `loss_curves` into the axes of a figure of your own."""
    if isinstance(run, Mapping):
        curves = {label: [(record.number, record.loss) for record in each.history] for label, each in run.items()}
    else:
        names = dict.fromkeys(name for record in run.history for name in record.losses)  # a run's terms may change
        curves = {"total": [(record.number, record.loss) for record in run.history]} if len(names) != 1 else {}
        for name in names:
            curves[name] = [(record.number, record.losses.get(name, math.nan)) for record in run.history]
    for index, (label, look) in enumerate(zip(curves, curve_looks(list(curves)), strict=True)):
        numbers = [number for number, _ in curves[label]]
        losses = [loss if loss > 0 else math.nan for _, loss in curves[label]]  # a logarithmic scale has no zero
        axes.plot(numbers, losses, label=label, linewidth=1.2 if index else 1.8, **look)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    label_axes(axes, "step", "weighted loss")


def timeline(run: Synthesis, count: int = 6, title: str | None = None, columns: int | None = None) -> Figure:
    """Show a run as a strip of pictures, closer together at the beginning, where a run changes the picture most.

    Parameters
    ----------
    run : Synthesis
        Made with `keep_every`.
    count : int
        Maximum number of its kept frames to show, including the first and the last.
    title : str, optional
        Text above the strip.
    columns : int, optional
        Pictures in a row; all are in one row by default.

    Returns
    -------
    Figure
        A contact sheet.

    Raises
    ------
    InputError
        If the run kept no frames, and for invalid numbers.
    """
    _check_run(run)
    count = check_whole("The number of frames to show", count, 1)
    if not run.frames:
        raise InputError("This run kept no frames; make it with keep_every=… to see its timeline.")
    frames = kept_frames(run)
    numbers = list(frames)
    count = min(count, len(numbers))
    chosen: list[int] = []
    index = -1
    for place, wanted in enumerate(np.geomspace(1, len(numbers), count)):
        index = min(max(index + 1, round(wanted) - 1), len(numbers) - count + place)
        chosen.append(numbers[index])
    captions = [f"step {number}" for number in chosen]
    return contact_sheet(
        [frames[number] for number in chosen], captions, count if columns is None else columns, title, run.describe()
    )


def kept_frames(run: Synthesis) -> dict[int, Tensor]:
    """Return the frames that a run kept and its best picture so far, in order: {step: picture}."""
    return dict(sorted({**run.frames, run.number: run.image.cpu()}.items()))


def keep_every(steps: int) -> int:
    """Return the `keep_every` with which a run of this many steps keeps about ANIMATION_FRAMES frames."""
    return max(1, steps // ANIMATION_FRAMES)


def save_animation(
    frames: Iterable[Tensor] | Mapping[int, Tensor],
    path: str | os.PathLike[str],
    seconds: float = 6.0,
    hold: float = 1.5,
) -> pathlib.Path:
    """Write pictures as an animation, .gif or .mp4 (H.264).

    Parameters
    ----------
    frames : iterable of Tensor, or Mapping
        (1, 3, H, W) each, of one size, in order; a mapping such as `run.frames` is {step: picture}.
    path : path
        Ends in .gif or .mp4.
    seconds : float
        Duration of all frames together.
    hold : float
        Extra duration of the last frame, in seconds.

    Returns
    -------
    pathlib.Path
        The file's path.

    Raises
    ------
    InputError
        If there are no frames or their sizes differ, and for invalid durations and paths.
    """
    return write_animation(_arrays(frames), path, seconds, hold)
