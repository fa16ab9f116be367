"""Explanatory drawings: the method in one picture, and how the networks are built."""

from collections.abc import Sequence
from typing import Any

import matplotlib.axes
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from torch import Tensor

from stylelib.figures import CONTENT_COLOUR, STYLE_COLOUR, Figure
from stylelib.images import to_array
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS
from stylelib.vgg import LAYOUTS, WIDTHS

GREY, BOX = "#555555", "#f4f4f4"
# The method's drawing, in inches: the middles of the three columns, the lowest block of a network and the distance to
# the next one.
LEFT, MIDDLE, RIGHT = 1.35, 5.0, 8.65
FIRST, BLOCK = 2.03, 0.27
# The layouts' drawing, in inches: the space above the first network, the height of a network's row, the left edge of
# its first block, the width of a convolution and of a pooling, and the height of a box in each block.
ABOVE, ROW, START, SLOT, GAP = 0.5, 0.66, 1.12, 0.498, 0.21
HEIGHTS = (0.42, 0.35, 0.29, 0.23, 0.18)
POOLING = "#bbbbbb"
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


def vgg_diagram(names: Sequence[str] = ("vgg11", "vgg13", "vgg16", "vgg19", "compact")) -> Figure:
    """Draw how VGGs are built: a row for each network, a box for each convolution, poolings between the blocks.

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
    figure, axes = _canvas(ABOVE + ROW * len(names) + 0.42)
    height = figure.get_figheight()
    most = [max(LAYOUTS[name][block] for name in names) for block in range(5)]  # convolutions, for the columns
    starts = [START + SLOT * sum(most[:block]) + GAP * block for block in range(5)]
    for block, (x, count) in enumerate(zip(starts, most, strict=True)):
        label = f"block {block + 1}\n" + (f"1/{2**block} of the side" if block else "every pixel")
        axes.text(x + SLOT * count / 2, height - 0.1, label, va="top", ha="center", fontsize=8.5)
    for number, name in enumerate(names):
        _layout(axes, name, starts, height - ABOVE - ROW * (number + 0.5))
    for x, edge, colour, label in (
        (1.6, STYLE_EDGE, BOX, "the paper's style layers"),
        (4.1, CONTENT_EDGE, BOX, "its content layer"),
        (6.2, {"edgecolor": "none"}, POOLING, "pooling: half the width, half the height"),
    ):
        axes.add_patch(Rectangle((x, 0.12), 0.3, 0.16, facecolor=colour, **edge))
        axes.text(x + 0.38, 0.2, label, va="center", fontsize=8.5)
    figure.description = "Five blocks of convolutions with poolings between them, a row for each network: " + ", ".join(
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


def _layout(axes: matplotlib.axes.Axes, name: str, starts: Sequence[float], y: float) -> None:
    """Draw a network's row, with its blocks centred at the height y."""
    axes.text(0.1, y + 0.09, name, va="center", fontsize=9, weight="bold")
    axes.text(0.1, y - 0.09, f"{sum(LAYOUTS[name])} convolutions", va="center", fontsize=8)
    for block, (x, depth) in enumerate(zip(starts, LAYOUTS[name], strict=True)):
        tall, end = HEIGHTS[block], x + SLOT * depth
        for index in range(depth):
            layer = f"conv{block + 1}_{index + 1}"
            edge: dict[str, Any] = {"edgecolor": "#999999"}
            if layer in STYLE_LAYERS:
                edge = STYLE_EDGE
            elif layer == CONTENT_LAYER:
                edge = CONTENT_EDGE
            corner = (x + SLOT * index + 0.02, y - tall / 2)
            axes.add_patch(Rectangle(corner, SLOT - 0.04, tall, facecolor=BOX, **edge))
            axes.text(x + SLOT * (index + 0.5), y, layer, ha="center", va="center", fontsize=7)
        filters = f"{WIDTHS[name][block]} filters"
        axes.text((x + end) / 2, y - ROW / 2 + 0.01, filters, ha="center", fontsize=7.5, color=GREY)
        if block < 4:
            low, near, far = HEIGHTS[block + 1], end + 0.02, end + 0.14
            corners = [(near, y + tall / 2), (far, y + low / 2), (far, y - low / 2), (near, y - tall / 2)]
            axes.add_patch(Polygon(corners, facecolor=POOLING, edgecolor="none"))
            axes.plot((far, starts[block + 1] - 0.03), (y, y), color=POOLING, linewidth=1, zorder=0)
