"""Drawings that explain: the method in one picture, and how the networks are built."""

import matplotlib.patches

from stylelib.figures import COLOURS, Figure
from stylelib.images import to_array
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS
from stylelib.vgg import LAYOUTS, WIDTHS

STYLE, CONTENT = COLOURS[1], COLOURS[2]
BLOCK, FIRST = 0.27, 1.93  # distance between the blocks' middles, and the first one's height
# Of the layouts, in inches: what stands above the first network, a network's row, where its first block begins, a
# convolution, a pooling, and the height of a box in each block.
ABOVE, ROW, LEFT, SLOT, GAP = 0.5, 0.66, 1.12, 0.498, 0.21
HEIGHTS = (0.42, 0.35, 0.29, 0.23, 0.18)
POOLING = "#bbbbbb"


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


def vgg_diagram(names=("vgg11", "vgg13", "vgg16", "vgg19", "compact")):
    """How VGGs are built: a row for each network, a box for each convolution, and between the blocks the poolings.

    A box is as high as its feature maps are large, if not to scale. The paper's style layers and its content layer are
    marked.
    """
    height = ABOVE + ROW * len(names) + 0.42
    figure = Figure(figsize=(10, height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 10), ylim=(0, height))
    axes.set_axis_off()
    most = [max(LAYOUTS[name][block] for name in names) for block in range(5)]  # convolutions, for the columns
    starts = [LEFT + SLOT * sum(most[:block]) + GAP * block for block in range(5)]
    for block, (x, count) in enumerate(zip(starts, most, strict=True)):
        words = "every pixel" if block == 0 else f"1/{2**block} of the side"
        axes.text(
            x + SLOT * count / 2, height - 0.1, f"block {block + 1}\n{words}", va="top", ha="center", fontsize=8.5
        )
    for number, name in enumerate(names):
        _layout(axes, name, starts, most, height - ABOVE - ROW * (number + 0.5))
    for x, style, label in (
        (1.6, {"edgecolor": STYLE, "linewidth": 1.8}, "the paper's style layers"),
        (4.1, {"edgecolor": CONTENT, "linewidth": 1.8, "linestyle": "--"}, "its content layer"),
        (6.2, {"edgecolor": "none", "facecolor": POOLING}, "pooling: half the width, half the height"),
    ):
        axes.add_patch(matplotlib.patches.Rectangle((x, 0.12), 0.3, 0.16, **{"facecolor": "#f4f4f4", **style}))
        axes.text(x + 0.38, 0.2, label, va="center", fontsize=8.5)
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


def _layout(axes, name, starts, most, y):
    """One network's row: its blocks around the height y."""
    total = sum(LAYOUTS[name])
    axes.text(0.1, y + 0.09, name, va="center", fontsize=9, weight="bold")
    axes.text(0.1, y - 0.09, f"{total} convolutions", va="center", fontsize=8)
    for block, (x, depth) in enumerate(zip(starts, LAYOUTS[name], strict=True)):
        tall, end = HEIGHTS[block], x + SLOT * depth
        for index in range(1, depth + 1):
            layer = f"conv{block + 1}_{index}"
            mark = {"edgecolor": "#999999"}
            if layer in STYLE_LAYERS:
                mark = {"edgecolor": STYLE, "linewidth": 1.8}
            elif layer == CONTENT_LAYER:
                mark = {"edgecolor": CONTENT, "linewidth": 1.8, "linestyle": "--"}
            corner = (x + SLOT * (index - 1) + 0.02, y - tall / 2)
            box = matplotlib.patches.Rectangle(corner, SLOT - 0.04, tall, facecolor="#f4f4f4", **mark)
            axes.add_patch(box)
            axes.text(corner[0] + SLOT / 2 - 0.02, y, layer, ha="center", va="center", fontsize=6.5)
        axes.text(
            (x + end) / 2,
            y - ROW / 2 + 0.01,
            f"{WIDTHS[name][block]} filters",
            ha="center",
            fontsize=6,
            color="#555555",
        )
        if block < 4:
            reach, low = starts[block + 1] - 0.03, HEIGHTS[block + 1]
            corners = [
                (end + 0.02, y + tall / 2),
                (end + 0.14, y + low / 2),
                (end + 0.14, y - low / 2),
                (end + 0.02, y - tall / 2),
            ]
            axes.add_patch(matplotlib.patches.Polygon(corners, facecolor=POOLING, edgecolor="none"))
            axes.plot((end + 0.14, reach), (y, y), color="#bbbbbb", linewidth=1, zorder=0)
