"""Plots of numbers: lines, bars and matrices. Content and style have the same colours in all figures."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import matplotlib.axes
import matplotlib.colors
import numpy as np

from stylelib.support.lettering import as_label
from stylelib.support.page import Figure, page

# Curves and bars differ not only in colour but also in dashes, markers or hatches. The colours are Okabe and Ito's.
STYLE_COLOUR, CONTENT_COLOUR = "#0072B2", "#D55E00"
COLOURS = ("#000000", STYLE_COLOUR, CONTENT_COLOUR, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
MARKERS = "os^Dv*PX"  # one more than colours, so that an eighth curve does not look like the first
HATCHES = ("", "//", "..", "xx", "--")

Curve = Sequence[float] | tuple[Sequence[Any], Sequence[float]]  # y values, or x values (numbers, strings) and y values


def lines(
    curves: Mapping[str, Curve],
    xlabel: str,
    ylabel: str,
    title: str | None = None,
    note: str | None = None,
    logarithmic: str = "",
    labels: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """Draw curves with their points marked, in one plot.

    Parameters
    ----------
    curves : Mapping
        {label: (x values, y values)} or {label: y values}. x values may be strings, such as names of layers.
    xlabel, ylabel : str
        What the axes show.
    title, note : str, optional
        Text above and below the plot.
    logarithmic : str
        "y", "x" or "xy" for axes in powers of ten.
    labels : Mapping, optional
        {label of a curve: a text for each of its points}, written beside the points.

    Returns
    -------
    Figure
        With a legend if there are several curves.
    """
    figure, axes = plot(title, note)
    looks = curve_looks(list(curves))
    for index, (label, points) in enumerate(curves.items()):
        x, y = points if isinstance(points, tuple) else (range(len(points)), points)
        marker = MARKERS[index % len(MARKERS)]
        axes.plot(
            [as_label(one) if isinstance(one, str) else one for one in x],
            list(y),
            label=as_label(label),
            marker=marker,
            markersize=4,
            **looks[index],
        )
        for text, *point in zip((labels or {}).get(label, ()), list(x), list(y), strict=False):
            axes.annotate(text, (point[0], point[1]), (5, 5), textcoords="offset points", fontsize=8, parse_math=False)
    if "x" in logarithmic:
        axes.set_xscale("log")
    if "y" in logarithmic:
        axes.set_yscale("log")
    label_axes(axes, xlabel, ylabel)
    if len(curves) > 1:
        add_legend(axes)
    return figure


def bars(
    groups: Mapping[str, Mapping[str, float]],
    ylabel: str,
    title: str | None = None,
    note: str | None = None,
    logarithmic: bool = False,
) -> Figure:
    """Draw bars side by side in groups; bars of one label have one colour and hatch.

    Parameters
    ----------
    groups : Mapping
        {label of the group: {label of the bar: value}}. If a group lacks a bar, its place stays empty.
    ylabel : str
        What the values are.
    title, note : str, optional
        Text above and below the plot.
    logarithmic : bool
        Whether the axis of the values is in powers of ten.

    Returns
    -------
    Figure
        With a legend if a group has several bars.
    """
    figure, axes = plot(title, note)
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    width = 0.8 / len(names)
    colours = label_colours(names, (*COLOURS[1:], COLOURS[0]))
    for index, name in enumerate(names):
        places = [place + (index - (len(names) - 1) / 2) * width for place in range(len(groups))]
        heights = [values.get(name, math.nan) for values in groups.values()]
        hatch = HATCHES[index % len(HATCHES)]
        axes.bar(places, heights, width, label=as_label(name), edgecolor="white", color=colours[index], hatch=hatch)
    axes.set_xticks(range(len(groups)), list(map(as_label, groups)))
    if logarithmic:
        axes.set_yscale("log")
    label_axes(axes, "", ylabel)
    if len(names) > 1:
        add_legend(axes)
    return figure


def matrix(
    values: Any,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    title: str | None = None,
    note: str | None = None,
    digits: int = 2,
    by_column: bool = False,
) -> Figure:
    """Draw a table of numbers, each in a coloured square.

    The colours go from the smallest to the largest number. If a table compares its rows with each other, the zeros on
    its diagonal stay white and do not count, so that the colours show how the others differ.

    Parameters
    ----------
    values : array-like
        A list of rows, a 2-d array or a 2-d tensor.
    rows, columns : Sequence of str
        Their labels; the columns have the rows' labels by default.
    title, note : str, optional
        Text above and below the table.
    digits : int
        Number of digits after the decimal point.
    by_column : bool
        Whether the colours go from the smallest to the largest number of each column, as columns of other units need.

    Returns
    -------
    Figure
        The table, with the numbers written in.
    """
    numbers = np.asarray(values, dtype=float)
    coloured = numbers.copy()
    if columns is None and numbers.size > 1 and not numbers.diagonal().any():
        np.fill_diagonal(coloured, math.nan)
    lowest, highest = (end(coloured, axis=0 if by_column else None) for end in (np.nanmin, np.nanmax))
    coloured = (coloured - lowest) / np.maximum(highest - lowest, 1e-12)
    columns = rows if columns is None else columns
    figure, axes = plot(title, note, min(0.42 * len(rows) + 0.9, 6.5))
    cmap = matplotlib.colormaps["cividis"].with_extremes(bad="white")
    shown = axes.imshow(coloured, cmap=cmap, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), list(map(as_label, columns)), fontsize=8)
    axes.set_yticks(range(len(rows)), list(map(as_label, rows)), fontsize=8)
    axes.tick_params(length=0)
    for row, column in np.ndindex(numbers.shape):
        brightness = sum(shown.cmap(shown.norm(coloured[row, column]))[:3])
        ink = "black" if brightness > 1.5 else "white"
        axes.text(column, row, f"{numbers[row, column]:.{digits}f}", ha="center", va="center", color=ink, fontsize=8)
    axes.spines[:].set_visible(False)
    return figure


def plot(title: str | None, note: str | None, height: float = 3.4) -> tuple[Figure, matplotlib.axes.Axes]:
    """Make a figure with one plot, `height` inches high, between its title and its note."""
    figure, top, bottom = page(height, title, note)
    figure.set_layout_engine("constrained", rect=(0, bottom, 1, top - bottom))
    return figure, figure.add_subplot()


def label_axes(axes: matplotlib.axes.Axes, xlabel: str, ylabel: str) -> None:
    """Give a plot the labels, the grid and the frame that all plots here have."""
    axes.set_xlabel(xlabel, fontsize=9)
    axes.set_ylabel(ylabel, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def add_legend(axes: matplotlib.axes.Axes) -> None:
    """Put a legend to the right of a plot."""
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8, frameon=False)


def curve_looks(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return a colour and a dash for each label, as arguments of matplotlib's plot; no two pairs are equal."""
    colours, looks = label_colours(labels), []
    for index, colour in enumerate(colours):
        dash = colours.index(colour) + colours[:index].count(colour)  # a repeated colour gets another dash
        looks.append({"color": colour, "linestyle": DASHES[dash % len(DASHES)]})
    return looks


def label_colours(labels: Sequence[str], palette: Sequence[str] = COLOURS) -> list[str]:
    """Return a colour for each label: content and style have the same colours in all figures.

    Parameters
    ----------
    labels : Sequence of str
        One that begins with the word "content" or "style" gets a shade of CONTENT_COLOUR or STYLE_COLOUR.
    palette : Sequence of str
        The colours of all others, in order.

    Returns
    -------
    list of str
        As hexadecimal numbers. The shades of several content or style labels go from light to dark.
    """
    role_colours = {"content": CONTENT_COLOUR, "style": STYLE_COLOUR}
    roles = [match[0] if (match := re.match(r"(content|style)\b", str(label))) else "" for label in labels]
    others = itertools.cycle(colour for colour in palette if colour not in {role_colours.get(role) for role in roles})
    return [
        _shade(role_colours[role], roles[:index].count(role), roles.count(role)) if role else next(others)
        for index, role in enumerate(roles)
    ]


def _shade(colour: str, index: int, count: int) -> str:
    """Return one of `count` shades of a colour, from light to dark; the colour itself if `count` is 1."""
    if count == 1:
        return colour
    amount = 0.75 * index / (count - 1) - 0.3  # of white where it is negative, else of black
    towards = 1.0 if amount < 0 else 0.0
    mixed = [part + (towards - part) * abs(amount) for part in matplotlib.colors.to_rgb(colour)]
    return matplotlib.colors.to_hex((mixed[0], mixed[1], mixed[2]))
