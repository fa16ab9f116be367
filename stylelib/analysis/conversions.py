"""Other implementations' weights in the paper's units.

    conversions.table()                                   # all that are known, at 512 × 512 with VGG-19
    weights = convert(IMPLEMENTATIONS["neural-style"])    # weights.alpha, weights.style, weights.shares

Every implementation of the method minimises a · Σ (F − P)² + Σ_l b_l · Σ (G − A)², with constants of its own in the
place of a and b_l: it takes a mean or a sum, divides the Gram matrix by M or by N·M or not at all, and then come its
weights. The paper prints α/2 and β w_l / (4 N² M²) there, so α = 2 a and β w_l = 4 N² M² b_l: algebra, exact.

It holds for the activations as they are. A network that is shown pictures from 0 to 255 instead of 0 to 1, or whose
activations are not normalised, answers with other numbers, and then the same weights are another balance.
"""

import dataclasses
import math

from stylelib.support.errors import InputError, check_choice, check_whole
from stylelib.support.tables import Table
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content, Style
from stylelib.vgg import WIDTHS, block_of

ERRORS = ("mean", "sum")
DIVISORS = {"1": lambda n, m: 1, "M": lambda n, m: m, "N M": lambda n, m: n * m, "N²": lambda n, m: n**2}


@dataclasses.dataclass(frozen=True)
class Implementation:
    """What an implementation minimises, as facts. N and M are a layer's numbers of filters and of positions.

    content: the weight of Σ (F − P)², or of its mean over the N · M entries (content_error).
    style: a weight for each of the style layers, of Σ (G/d − A/d)², or of its mean over the N² entries (style_error).
    gram_divisor: d. layer_divisor: what each layer's style loss is divided by once more. sees: the scale of the
    pictures that its network is shown.
    """

    name: str
    content: float
    style: tuple
    gram_divisor: str = "N M"
    layer_divisor: str = "1"
    content_error: str = "mean"
    style_error: str = "mean"
    content_layer: str = CONTENT_LAYER
    style_layers: tuple = STYLE_LAYERS
    sees: str = "0 to 1"

    def __post_init__(self):
        check_choice("divisor of the Gram matrix", self.gram_divisor, DIVISORS)
        check_choice("divisor of a layer", self.layer_divisor, DIVISORS)
        check_choice("kind of error", self.content_error, ERRORS)
        check_choice("kind of error", self.style_error, ERRORS)
        if len(self.style) != len(self.style_layers):
            raise InputError(f"{len(self.style_layers)} style layers need as many weights; got {len(self.style)}.")


IMPLEMENTATIONS = {
    one.name: one
    for one in (
        Implementation("authors, normalised VGG", 1e6, (1e9 / 5,) * 5, "M", sees="0 to 255"),
        Implementation("authors, original VGG", 1, (1e3,) * 5, "M", "N²", sees="0 to 255"),
        Implementation("neural-style", 5, (100,) * 5, sees="0 to 255"),
        Implementation("gordicaleksa", 1e5, (3e4 / 5,) * 5, style_error="sum", sees="0 to 255"),
        Implementation(
            "PyTorch tutorial",
            1,
            (1e6,) * 5,
            content_layer="conv2_2",
            style_layers=("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"),
        ),
        Implementation("Udacity", 1, (1e6, 0.75e6, 0.2e6, 0.2e6, 0.2e6), "1", "N M"),
        Implementation("D2L", 1, (1e4,) * 5, content_layer="conv4_4"),
        Implementation("TensorFlow tutorial", 1e4, (1e-2 / 5,) * 5, "M", content_layer="conv5_2", sees="0 to 255"),
    )
}


@dataclasses.dataclass(frozen=True)
class PaperWeights:
    """Weights in the paper's units. alpha: α, at content_layer. style: {layer: β w_l}."""

    alpha: float
    content_layer: str
    style: dict

    @property
    def beta(self):
        """β, where the w_l add up to 1 as in the paper."""
        return sum(self.style.values())

    @property
    def shares(self):
        """{layer: w_l}, each layer's share of β."""
        return {layer: weight / self.beta for layer, weight in self.style.items()}

    def terms(self, net, content, style):
        """The terms that minimise this on a network, divided by β, which changes no minimum.

        content, style: pictures. A layer that the network does not have is replaced by the last one of its block, which
        has as many filters and positions.
        """
        layers = {}
        for layer, share in self.shares.items():
            layer = _layer_in(net, layer)
            layers[layer] = layers.get(layer, 0) + share
        return [
            Content(net, content, _layer_in(net, self.content_layer), self.alpha / self.beta, convention="printed"),
            Style(net, style, layers, convention="printed"),
        ]


def convert(implementation, size=512, widths=WIDTHS["vgg19"]):
    """An implementation's weights in the paper's units, as PaperWeights.

    size: side of the square picture in pixels, or (height, width). widths: the network's number of filters in each
    block, VGG-19's by default.
    """
    filters, positions = layer_size(implementation.content_layer, size, widths)
    mean = implementation.content_error == "mean"
    alpha = 2 * implementation.content / (filters * positions if mean else 1)
    style = {}
    for layer, weight in zip(implementation.style_layers, implementation.style, strict=True):
        filters, positions = layer_size(layer, size, widths)
        divisor = DIVISORS[implementation.gram_divisor](filters, positions) ** 2
        divisor *= DIVISORS[implementation.layer_divisor](filters, positions)
        divisor *= filters**2 if implementation.style_error == "mean" else 1
        style[layer] = weight / divisor * 4 * filters**2 * positions**2
    return PaperWeights(alpha, implementation.content_layer, style)


def layer_size(layer, size=512, widths=WIDTHS["vgg19"]):
    """(N, M) of a layer of a VGG: its filters, and its positions in a picture of this size (a side, or both)."""
    height, width = size if isinstance(size, tuple) else (size, size)
    stride = 2 ** (block_of(layer) - 1)
    positions = [check_whole("size", side, stride) // stride for side in (height, width)]
    return widths[block_of(layer) - 1], math.prod(positions)


def table(size=512, widths=WIDTHS["vgg19"]):
    """All known implementations' default settings in the paper's units."""
    rows = []
    for one in IMPLEMENTATIONS.values():
        weights = convert(one, size, widths)
        first, *_, last = weights.style.values()
        numbers = (weights.alpha, first, last, weights.alpha / weights.beta)
        alpha, first_text, last_text, ratio = (f"{number:.2g}" for number in numbers)
        rows.append(
            (one.name, one.content_layer, alpha, first_text, last_text, f"{first / last:,.0f} : 1", ratio, one.sees)
        )
    columns = ("implementation", "content layer", "α", "β·w first", "β·w last", "first : last", "α/β", "pictures")
    title = f"In the paper's units, for {size} × {size} px and {'–'.join(map(str, widths))} filters"
    return Table(columns, rows, title)


def _layer_in(net, layer):
    """The layer, or the last one of its block if the network does not have it."""
    if layer in net.layers:
        return layer
    return [known for known in net.layers if block_of(known) == block_of(layer)][-1]
