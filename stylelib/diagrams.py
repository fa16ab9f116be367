"""Drawings that explain: the method in one picture."""

import matplotlib.patches

from stylelib.figures import COLOURS, Figure
from stylelib.images import to_array

STYLE, CONTENT = COLOURS[1], COLOURS[2]
BLOCK, FIRST = 0.27, 1.93  # distance between the blocks' middles, and the first one's height


def method_diagram(content, picture, style):
    """The method in one drawing, after the paper's Figure 2: three pictures through one network, two losses.

    content, picture, style: picture tensors (1, 3, H, W); `picture` is the one that is optimised.
    """
    figure = Figure(figsize=(10, 4.3), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 10), ylim=(0, 4.3))
    axes.set_axis_off()
    for x, label, one in (
        (1.35, "style image a", style),
        (5, "picture x", picture),
        (8.65, "content image p", content),
    ):
        _thumbnail(axes, x, 0.98, one)
        _network(axes, x)
        _arrow(axes, (x, 1.6), (x, 1.81), "#555555")
        axes.text(x, 0.12, label, ha="center", fontsize=11, weight="bold" if x == 5 else "normal")
    for block in range(5):
        _comparison(axes, 3.175, FIRST + BLOCK * block, "Gram", STYLE)
    _comparison(axes, 6.825, FIRST + BLOCK * 3, "conv4_2", CONTENT, reach=0.72)
    for x, colour in ((3.175, STYLE), (6.825, CONTENT)):
        _arrow(axes, (x, 3.62), (5 + (x - 5) * 0.55, 3.86), colour)
    axes.text(3.175, 1.4, "three times one and\nthe same network", ha="center", fontsize=9, color="#555555")
    axes.text(3.175, 3.4, "style loss\nsame Gram matrices?", ha="center", va="center", fontsize=10, color=STYLE)
    axes.text(6.825, 3.4, "content loss\nsame activations?", ha="center", va="center", fontsize=10, color=CONTENT)
    axes.text(
        5,
        4,
        "total loss  =  α · content loss  +  β · style loss",
        ha="center",
        va="center",
        fontsize=12,
        bbox={"boxstyle": "round,pad=0.35", "facecolor": "#f4f4f4", "edgecolor": "#888888"},
    )
    way = {"arrowstyle": "-|>", "color": "#444444", "linestyle": (0, (4, 2)), "shrinkA": 0}
    axes.annotate("", (5.8, 1.3), (6.02, 3.83), arrowprops=way)
    axes.text(6.05, 1.6, "gradient:\nchange the pixels,\nnever the network", fontsize=9, color="#444444", va="top")
    return figure


def _thumbnail(axes, x, y, picture):
    image = to_array(picture)
    shape = image.shape[0] / image.shape[1]
    width = min(1.75, 1.2 / shape)
    height = width * shape
    axes.imshow(image, extent=(x - width / 2, x + width / 2, y - height / 2, y + height / 2), aspect="auto", zorder=2)


def _network(axes, x):
    """Five blocks, each seeing the picture at half the width of the one below it."""
    for block in range(5):
        half, y = 0.78 - 0.1 * block, FIRST + BLOCK * block
        box = matplotlib.patches.FancyBboxPatch(
            (x - half, y - 0.1), 2 * half, 0.2, boxstyle="round,pad=0.01", facecolor="#e8e8e8", edgecolor="#999999"
        )
        axes.add_patch(box)
        axes.text(x, y, f"conv{block + 1}", ha="center", va="center", fontsize=7.5, color="#333333")


def _comparison(axes, x, y, label, colour, reach=1.0):
    """Two arrows from both sides to what is compared."""
    axes.text(x, y, label, ha="center", va="center", fontsize=8.5, color=colour)
    for side in (-1, 1):
        _arrow(axes, (x + reach * side, y), (x + 0.38 * side, y), colour)


def _arrow(axes, start, end, colour):
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=arrow)
