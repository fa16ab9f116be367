"""Explanatory drawings: the method in one picture, and how the networks are built."""

from collections.abc import Sequence
from typing import Any

import matplotlib.axes
import numpy as np
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from torch import Tensor

from stylelib.figures import CONTENT_COLOUR, STYLE_COLOUR, Figure
from stylelib.images import to_array
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS
from stylelib.vgg import LAYOUTS, WIDTHS, block_of

GREY, BOX = "#555555", "#f4f4f4"
# The method's drawing, in inches: the middles of the three columns, the lowest block of a network and the distance to
# the next one.
LEFT, MIDDLE, RIGHT = 1.35, 5.0, 8.65
FIRST, BLOCK = 2.03, 0.27
# The drawing of a filter's answers, in inches: the middles of the map and of its magnified piece; and the piece's rows,
# columns and the side of a position in it.
MAP, PIECE = (4.75, 1.75), (8.35, 1.75)
ROWS, COLUMNS, CELL = 3, 4, 0.6
# The layouts' drawing, in inches: the heights of a network's heading, of a block's row and of the legend, the left edge
# of the first box, the width of a convolution and of a pooling, and the height of a box in each block.
HEADING, ROW, LEGEND, START, SLOT, GAP = 0.42, 0.6, 0.45, 1.2, 1.55, 0.3
HEIGHTS = (0.46, 0.42, 0.38, 0.34, 0.3)
POOLING = "#bbbbbb"
BELOW: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 12}
STYLE_EDGE = {"edgecolor": STYLE_COLOUR, "linewidth": 1.8}
CONTENT_EDGE = {"edgecolor": CONTENT_COLOUR, "linewidth": 1.8, "linestyle": "--"}


def method_diagram(content: Tensor, picture: Tensor, style: Tensor, parts: int = 3) -> Figure:
    """Draw the method, after the paper's Figure 2: three pictures, one network, two losses.

    Parameters
    ----------
    content, picture, style : Tensor
        (1, 3, H, W), RGB, 0 to 1. `picture` is the one that is optimised.
    parts : int
        1: the picture and the network; 2: the content loss as well; 3: the whole method.

    Returns
    -------
    Figure
        10 inches wide.
    """
    figure, axes = _canvas(4.4)
    pictures = [(MIDDLE, "picture x", picture), (LEFT, "content image p", content), (RIGHT, "style image a", style)]
    for x, label, image in pictures[:parts]:
        _thumbnail(axes, x, image)
        _network(axes, x)
        axes.text(x, 0.12, label, ha="center", fontsize=11, weight="bold" if x == MIDDLE else "normal")
        start = x - 0.25 if x == MIDDLE else x
        _arrow(axes, (start, 1.62), (start, 1.91), GREY)
    content_x, style_x = (LEFT + MIDDLE) / 2, (MIDDLE + RIGHT) / 2
    losses = [
        (content_x, "content loss", "same activations?", CONTENT_COLOUR),
        (style_x, "style loss", "same Gram matrices?", STYLE_COLOUR),
    ]
    for x, name, question, colour in losses[: parts - 1]:
        axes.text(x, 3.5, f"{name}\n{question}", ha="center", va="center", fontsize=10, color=colour)
        _arrow(axes, (x, 3.72), (MIDDLE + (x - MIDDLE) * 0.55, 3.93), colour)
    if parts > 1:
        _comparison(axes, content_x, 3, "conv4_2", CONTENT_COLOUR)
        axes.text(content_x, 1.5, "the gradient changes\npixels, never the network", ha="center", fontsize=9)
        axes.text(
            MIDDLE,
            4.1,
            "total loss  =  α · content loss" + ("  +  β · style loss" if parts > 2 else ""),
            ha="center",
            va="center",
            fontsize=12,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": BOX, "edgecolor": "#888888"},
        )
        _arrow(axes, (MIDDLE + 0.25, 3.92), (MIDDLE + 0.25, 1.62), "#000000", linestyle=(0, (4, 2)))
        axes.text(MIDDLE + 0.33, 3.5, "gradient", va="center", fontsize=9)
    if parts > 2:
        for block in range(5):
            _comparison(axes, style_x, block, "Gram", STYLE_COLOUR)
        axes.text(style_x, 1.5, "the same network,\nthree times", ha="center", fontsize=9, color=GREY)
    figure.description = (
        "The picture x goes through the network"
        + ", as the content image p does" * (parts > 1)
        + " and the style image a do" * (parts > 2)
        + "; their activations are compared" * (parts > 1)
    )
    return figure


def filter_diagram(picture: Tensor, layer: str, answers: Tensor) -> Figure:
    """Draw a picture and the network, the answers of one filter as a map, and the numbers of its liveliest piece.

    Parameters
    ----------
    picture : Tensor
        (1, 3, H, W), RGB, 0 to 1.
    layer : str
        The filter's layer, such as conv1_2.
    answers : Tensor
        (h, w), its feature map.

    Returns
    -------
    Figure
        10 inches wide.
    """
    figure, axes = _canvas(3.4)
    _thumbnail(axes, LEFT, picture)
    _network(axes, LEFT)
    axes.text(LEFT, 0.12, "picture x", ha="center", fontsize=11, weight="bold")
    _arrow(axes, (LEFT, 1.62), (LEFT, 1.91), GREY)
    numbers = answers.detach().cpu().numpy()
    pieces = np.lib.stride_tricks.sliding_window_view(numbers, (ROWS, COLUMNS))
    top, left = divmod(int(pieces.std(axis=(2, 3)).argmax()), pieces.shape[1])
    piece = pieces[top, left]
    high, wide = numbers.shape
    cell = min(3.2 / wide, 2.2 / high)  # a position of the map, in inches
    frame: dict[str, Any] = {"fill": False, "edgecolor": CONTENT_COLOUR, "linewidth": 1.5, "zorder": 3}
    x, y = MAP[0] + cell * (left - wide / 2), MAP[1] + cell * (high / 2 - top - ROWS)  # the piece's corner in the map
    low, near = PIECE[1] - CELL * ROWS / 2, PIECE[0] - CELL * COLUMNS / 2  # and in its magnified drawing
    for corner, side in (((x, y), cell), ((near, low), CELL)):
        axes.add_patch(Rectangle(corner, side * COLUMNS, side * ROWS, **frame))
    for row in (0, ROWS):
        axes.plot((x + cell * COLUMNS, near), (y + cell * row, low + CELL * row), color=CONTENT_COLOUR, linewidth=1)
    for middle, shown, side in ((MAP, numbers, cell), (PIECE, piece, CELL)):
        reach = [side * count / 2 for count in shown.shape]
        extent = (middle[0] - reach[1], middle[0] + reach[1], middle[1] - reach[0], middle[1] + reach[0])
        axes.imshow(shown, cmap="gray", vmin=0, vmax=float(numbers.max()), extent=extent, aspect="auto")
    for row, column in np.ndindex(ROWS, COLUMNS):
        place = near + CELL * (column + 0.5), low + CELL * (ROWS - row - 0.5)
        ink = "black" if piece[row, column] > 0.5 * numbers.max() else "white"
        axes.text(*place, f"{piece[row, column]:.1f}", ha="center", va="center", fontsize=13, color=ink)
    block = block_of(layer) - 1
    y = FIRST + BLOCK * block
    _arrow(axes, (LEFT + _half_width(block) + 0.05, y), (MAP[0] - cell * wide / 2 - 0.05, y), GREY)
    axes.text(MAP[0], 0.3, f"the answers of one filter of {layer}:\na map, bright where they are large", **BELOW)
    axes.text(PIECE[0], 0.3, "a small piece of it:\na number at every position", **BELOW)
    figure.description = f"The picture x goes through the network; one filter of {layer} answers with a map of numbers"
    return figure


def vgg_diagram(names: Sequence[str] = ("vgg19",)) -> Figure:
    """Draw how VGGs are built: a row for each block, a box for each convolution, poolings between the blocks.

    A smaller feature map has a lower box, but not to scale. The paper's style layers and its content layer are marked.

    Parameters
    ----------
    names : Sequence of str
        Names in `stylelib.vgg.LAYOUTS`.

    Returns
    -------
    Figure
        10 inches wide.
    """
    each = HEADING + ROW * 5
    figure, axes = _canvas(each * len(names) + LEGEND)
    for number, name in enumerate(names):
        _layout(axes, name, figure.get_figheight() - each * number)
    for x, edge, colour, label in (
        (0.1, STYLE_EDGE, BOX, "the paper's style layers"),
        (3.55, CONTENT_EDGE, BOX, "its content layer"),
        (6.2, {"edgecolor": "none"}, POOLING, "pooling: half as wide and high"),
    ):
        axes.add_patch(Rectangle((x, 0.12), 0.3, 0.2, facecolor=colour, **edge))
        axes.text(x + 0.4, 0.22, label, va="center", fontsize=14)
    figure.description = "Five blocks of convolutions, a row for each, with poolings between them: " + ", ".join(
        f"{name} has {sum(LAYOUTS[name])} convolutions" for name in names
    )
    return figure


def _canvas(height: float) -> tuple[Figure, matplotlib.axes.Axes]:
    """Make an empty figure, 10 inches wide, whose coordinates are inches."""
    figure = Figure(figsize=(10, height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 10), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def _thumbnail(axes: matplotlib.axes.Axes, x: float, picture: Tensor) -> None:
    image, y = to_array(picture), 0.98
    ratio = image.shape[0] / image.shape[1]
    width = min(1.75, 1.2 / ratio)
    height = width * ratio
    axes.imshow(image, extent=(x - width / 2, x + width / 2, y - height / 2, y + height / 2), aspect="auto", zorder=2)


def _network(axes: matplotlib.axes.Axes, x: float) -> None:
    """Draw five blocks; the feature maps of each are half as wide as those of the one below it."""
    for block in range(5):
        half, y = _half_width(block), FIRST + BLOCK * block
        corner, style = (x - half, y - 0.1), "round,pad=0.01"
        axes.add_patch(FancyBboxPatch(corner, 2 * half, 0.2, style, facecolor="#e8e8e8", edgecolor="#999999"))
        axes.text(x, y, f"conv{block + 1}", ha="center", va="center", fontsize=7.5, color="#333333")


def _half_width(block: int) -> float:
    return 0.78 - 0.1 * block


def _comparison(axes: matplotlib.axes.Axes, x: float, block: int, label: str, colour: str) -> None:
    """Draw two arrows, from a block of the networks on both sides to what is compared."""
    y = FIRST + BLOCK * block
    axes.text(x, y, label, ha="center", va="center", fontsize=8.5, color=colour)
    reach = (RIGHT - MIDDLE) / 2 - _half_width(block) - 0.05
    for side in (-1, 1):
        _arrow(axes, (x + reach * side, y), (x + 0.38 * side, y), colour)


def _arrow(
    axes: matplotlib.axes.Axes, start: tuple[float, float], end: tuple[float, float], colour: str, **look: Any
) -> None:
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0, **look}
    axes.annotate("", end, start, arrowprops=arrow)


def _layout(axes: matplotlib.axes.Axes, name: str, top: float) -> None:
    """Draw a network from the height `top` downwards, a row for each block."""
    axes.text(0.1, top - 0.22, name, va="center", fontsize=15, weight="bold")
    axes.text(START + 0.45, top - 0.22, f"{sum(LAYOUTS[name])} convolutions", va="center", fontsize=15)
    for block, depth in enumerate(LAYOUTS[name]):
        y, tall, end = top - HEADING - ROW * (block + 0.5), HEIGHTS[block], START + SLOT * depth
        axes.text(0.1, y, f"block {block + 1}", va="center", fontsize=15)
        for index in range(depth):
            layer = f"conv{block + 1}_{index + 1}"
            edge: dict[str, Any] = {"edgecolor": "#999999"}
            if layer in STYLE_LAYERS:
                edge = STYLE_EDGE
            elif layer == CONTENT_LAYER:
                edge = CONTENT_EDGE
            corner = (START + SLOT * index + 0.03, y - tall / 2)
            axes.add_patch(Rectangle(corner, SLOT - 0.06, tall, facecolor=BOX, zorder=2, **edge))
            axes.text(START + SLOT * (index + 0.5), y - 0.02, layer, ha="center", va="center", fontsize=17, zorder=3)
        side = f"1/{2**block} of the side" if block else "every pixel"
        axes.text(7.95, y + 0.13, f"{WIDTHS[name][block]} filters", va="center", fontsize=14)
        axes.text(7.95, y - 0.13, side, va="center", fontsize=14, color=GREY)
        if block < 4:
            low, near, far, between = HEIGHTS[block + 1], end + 0.03, end + 0.18, y - ROW / 2
            corners = [(near, y + tall / 2), (far, y + low / 2), (far, y - low / 2), (near, y - tall / 2)]
            axes.add_patch(Polygon(corners, facecolor=POOLING, edgecolor="none", zorder=2))
            x = (far, end + GAP, end + GAP, START - 0.15, START - 0.15, START)
            axes.plot(x, (y, y, between, between, y - ROW, y - ROW), color=POOLING, linewidth=1.5, zorder=0)
