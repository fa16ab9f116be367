"""Figures: contact sheets with captions, loss curves, a run's timeline, and animations.

Every function that draws returns a Figure: it shows itself at the end of a notebook cell, and is made without pyplot,
so it works in any thread and nothing is left open. Plots of your own numbers are made by `lines`, `bars` and `matrix`.
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
from stylelib.support.errors import InputError
from stylelib.support.page import MARGIN, MAX_HEIGHT, Figure, page, sheet
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

ANIMATION_FRAMES = 40  # that a run keeps for its animation, see `keep_every`


def contact_sheet(
    pictures: Iterable[Tensor],
    captions: Iterable[str] | None = None,
    columns: int | None = None,
    title: str | None = None,
    note: str | None = None,
) -> Figure:
    """Show pictures side by side, each with its caption above; those of a row are equally high.

    Parameters
    ----------
    pictures : iterable of Tensor
        (1, 3, H, W) each, of any shapes.
    captions : iterable of str, optional
        One for each picture.
    columns : int, optional
        Pictures in a row; by default all are in one row, up to five.
    title, note : str, optional
        What stands above and, in small letters, below the whole.

    Returns
    -------
    Figure
        At most 10 inches wide.

    Raises
    ------
    InputError
        For no pictures, and for another number of captions than of pictures.
    """
    arrays = [to_array(picture) for picture in pictures]
    if not arrays:
        raise InputError("A contact sheet needs at least one picture.")
    captions = [""] * len(arrays) if captions is None else list(captions)
    if len(captions) != len(arrays):
        raise InputError(f"{len(arrays)} pictures need as many captions; got {len(captions)}.")
    if columns is not None and columns < 1:
        raise InputError(f"A contact sheet needs at least one column; got {columns}.")
    return sheet(arrays, captions, min(columns or 5, len(arrays)), title, note)


def loss_curves(run: Synthesis | Mapping[str, Synthesis], title: str | None = None) -> Figure:
    """Plot the weighted loss of every term of a run, and their sum, against the steps; logarithmic.

    Parameters
    ----------
    run : Synthesis or Mapping
        One run, or {label: run} to compare the totals of several.
    title : str, optional
        What stands above the plot.

    Returns
    -------
    Figure
        Its note says what made the run, or what all the runs have in common.

    Raises
    ------
    InputError
        For runs without a step.
    """
    runs = list(run.values()) if isinstance(run, Mapping) else [run]
    if not any(each.history for each in runs):
        raise InputError("There are no losses yet; take a step of the run first.")
    described = [each.describe().split(" · ") for each in runs]
    common = [part for part in described[0] if all(part in parts for parts in described)]
    figure, axes = plot(title, " · ".join(common))
    draw_loss_curves(axes, run)
    add_legend(axes)
    return figure


def draw_loss_curves(axes: matplotlib.axes.Axes, run: Synthesis | Mapping[str, Synthesis]) -> None:
    """Draw the curves of `loss_curves` into the axes of a figure of your own."""
    if isinstance(run, Mapping):
        curves = {label: [(record.number, record.loss) for record in each.history] for label, each in run.items()}
    else:
        names = dict.fromkeys(name for record in run.history for name in record.losses)  # they may change on the way
        curves = {"total": [(record.number, record.loss) for record in run.history]} if len(names) != 1 else {}
        for name in names:
            curves[name] = [(record.number, record.losses.get(name, math.nan)) for record in run.history]
    for index, (label, look) in enumerate(zip(curves, curve_looks(list(curves)), strict=True)):
        numbers = [number for number, _ in curves[label]]
        losses = [loss if loss > 0 else math.nan for _, loss in curves[label]]  # a logarithmic scale has no zero
        axes.plot(numbers, losses, label=label, linewidth=1.2 if index else 1.8, **look)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    label_axes(axes, "step", "loss, weighted")


def timeline(run: Synthesis, count: int = 6, title: str | None = None, columns: int | None = None) -> Figure:
    """Show a run as a strip of pictures, closer together at the beginning, where a run changes the picture most.

    Parameters
    ----------
    run : Synthesis
        Made with `keep_every`.
    count : int
        How many of the frames that it kept are shown at most, first and last included.
    title : str, optional
        What stands above the strip.
    columns : int, optional
        Pictures in a row; all are in one row by default.

    Returns
    -------
    Figure
        A contact sheet.

    Raises
    ------
    InputError
        For a run that kept no frames.
    """
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
    return contact_sheet([frames[number] for number in chosen], captions, columns or count, title, run.describe())


def kept_frames(run: Synthesis) -> dict[int, Tensor]:
    """Return the pictures that a run kept and the one it has now, in order: {step: picture}."""
    return dict(sorted({**run.frames, run.number: run.image.cpu()}.items()))


def keep_every(steps: int) -> int:
    """Return the `keep_every` with which a run of so many steps keeps about ANIMATION_FRAMES frames."""
    return max(1, steps // ANIMATION_FRAMES)


def save_animation(
    frames: Iterable[Tensor], path: str | os.PathLike[str], seconds: float = 6.0, hold: float = 1.5
) -> pathlib.Path:
    """Write pictures as an animation, .gif or .mp4 (H.264).

    Parameters
    ----------
    frames : iterable of Tensor
        (1, 3, H, W) each, of one size, in order.
    path : path
        It ends in .gif or .mp4.
    seconds : float
        How long they last together.
    hold : float
        How much longer the last one stays, in seconds.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        For frames, times and places that cannot work.
    """
    return write_animation([to_array(frame) for frame in frames], path, seconds, hold)
