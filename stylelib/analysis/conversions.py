"""Other implementations' weights in the paper's units.

    conversions.table()                                   # all known implementations, at 512 × 512 with VGG-19
    weights = convert(IMPLEMENTATIONS["neural-style"])    # weights.alpha, weights.style, weights.shares

Every implementation of the method minimises a · Σ (F − P)² + Σ_l b_l · Σ (G − A)². The constants a and b_l differ,
because an implementation takes means or sums, divides the Gram matrix by M, by N·M or not at all, and has its own
weights. In the paper they are α/2 and β w_l / (4 N² M²), so α = 2 a and β w_l = 4 N² M² b_l exactly.

The conversion assumes equal activations. If a network's pictures go from 0 to 255 instead of 0 to 1, or if it is not
normalised, its activations differ, and the same weights then balance content and style differently.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

from torch import Tensor

from stylelib.protocols.network import Network
from stylelib.protocols.term import Term
from stylelib.support.errors import InputError, check_choice, check_whole
from stylelib.support.tables import Table
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content, Style
from stylelib.vgg import WIDTHS, block_of, stride_of

VGG19_WIDTHS = WIDTHS["vgg19"]
ERRORS = ("mean", "sum")
DIVISORS: dict[str, Callable[[int, int], int]] = {
    "1": lambda n, m: 1,
    "M": lambda n, m: m,
    "N M": lambda n, m: n * m,
    "N²": lambda n, m: n * n,
}


@dataclasses.dataclass(frozen=True)
class Implementation:
    """What an implementation minimises. N and M are a layer's numbers of filters and of positions.

    Attributes
    ----------
    name : str
        Its name.
    content : float
        The weight of Σ (F − P)², or of its mean over the N · M entries, see `content_error`.
    style : tuple of float
        For each style layer the weight of Σ (G/d − A/d)², or of its mean over the N² entries, see `style_error`.
    gram_divisor : str
        d, a key of `DIVISORS`.
    layer_divisor : str
        What each layer's style loss is divided by as well, a key of `DIVISORS`.
    content_error, style_error : str
        "mean" or "sum".
    content_layer : str
        The layer at which content is compared.
    style_layers : tuple of str
        The layers at which style is compared.
    sees : str
        The range of the pictures that its network gets.

    Raises
    ------
    InputError
        For unknown divisors and kinds of error, and if there are not as many weights as style layers.
    """

    name: str
    content: float
    style: tuple[float, ...]
    gram_divisor: str = "N M"
    layer_divisor: str = "1"
    content_error: str = "mean"
    style_error: str = "mean"
    content_layer: str = CONTENT_LAYER
    style_layers: tuple[str, ...] = STYLE_LAYERS
    sees: str = "0 to 1"

    def __post_init__(self) -> None:
        check_choice("divisor of the Gram matrix", self.gram_divisor, DIVISORS)
        check_choice("divisor of a layer", self.layer_divisor, DIVISORS)
        check_choice("kind of error", self.content_error, ERRORS)
        check_choice("kind of error", self.style_error, ERRORS)
        if len(self.style) != len(self.style_layers):
            raise InputError(f"{len(self.style_layers)} style layers need as many weights; got {len(self.style)}.")


IMPLEMENTATIONS = {
    implementation.name: implementation
    for implementation in (
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
    """Weights in the paper's units.

    Attributes
    ----------
    alpha : float
        α.
    content_layer : str
        The layer at which content is compared.
    style : dict of str to float
        {layer: β w_l}.
    """

    alpha: float
    content_layer: str
    style: dict[str, float]

    @property
    def beta(self) -> float:
        """β, such that the w_l add up to 1, as in the paper."""
        return sum(self.style.values())

    @property
    def shares(self) -> dict[str, float]:
        """{layer: w_l}, each layer's share of β."""
        return {layer: weight / self.beta for layer, weight in self.style.items()}

    def terms(self, net: Network, content: Tensor, style: Tensor) -> list[Term]:
        """Return the terms of this loss on a network, divided by β, which does not move its minimum.

        Parameters
        ----------
        net : Network
            A VGG. A layer that it does not have is replaced by the last one of the same block, which has as many
            filters and positions.
        content, style : Tensor
            (1, 3, H, W), RGB, 0 to 1.

        Returns
        -------
        list of Term
            A Content and a Style, in the printed convention.
        """
        layers: dict[str, float] = {}
        for wanted, share in self.shares.items():
            layer = _layer_in(net, wanted)
            layers[layer] = layers.get(layer, 0) + share
        return [
            Content(net, content, _layer_in(net, self.content_layer), self.alpha / self.beta, convention="printed"),
            Style(net, style, layers, convention="printed"),
        ]


def convert(
    implementation: Implementation, size: int | tuple[int, int] = 512, widths: Sequence[int] = VGG19_WIDTHS
) -> PaperWeights:
    """Return an implementation's weights in the paper's units.

    Parameters
    ----------
    implementation : Implementation
        One of `IMPLEMENTATIONS`, or yours.
    size : int or tuple
        Side of the square picture in pixels, or (height, width).
    widths : Sequence of int
        The network's number of filters in each of its five blocks.

    Returns
    -------
    PaperWeights
        The weights for pictures of this size.

    Raises
    ------
    InputError
        If the picture is too small for a layer.
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


def layer_size(layer: str, size: int | tuple[int, int] = 512, widths: Sequence[int] = VGG19_WIDTHS) -> tuple[int, int]:
    """Return N and M of a VGG's layer: its number of filters, and of positions in a picture of this size.

    Parameters
    ----------
    layer : str
        Its name, such as "conv4_2".
    size, widths
        As for `convert`.

    Returns
    -------
    filters, positions : int
        N and M.

    Raises
    ------
    InputError
        If the picture is too small for the layer.
    """
    height, width = size if isinstance(size, tuple) else (size, size)
    stride = stride_of(layer)
    positions = [check_whole("size", side, stride) // stride for side in (height, width)]
    return widths[block_of(layer) - 1], math.prod(positions)


def table(size: int = 512, widths: Sequence[int] = VGG19_WIDTHS) -> Table:
    """Return all known implementations' default settings in the paper's units, for a square picture.

    Parameters
    ----------
    size : int
        Side of the picture in pixels.
    widths : Sequence of int
        The network's number of filters in each of its five blocks.

    Returns
    -------
    Table
        A row for each implementation.
    """
    rows = []
    for implementation in IMPLEMENTATIONS.values():
        weights = convert(implementation, size, widths)
        first, *_, last = weights.style.values()
        numbers = (weights.alpha, first, last, weights.alpha / weights.beta)
        alpha, first_text, last_text, ratio = (f"{number:.2g}" for number in numbers)
        balance = f"{first / last:,.0f} : 1"
        name, layer = implementation.name, implementation.content_layer
        rows.append((name, layer, alpha, first_text, last_text, balance, ratio, implementation.sees))
    columns = ("implementation", "content layer", "α", "β·w first", "β·w last", "first : last", "α/β", "pictures")
    title = f"In the paper's units, for {size} × {size} px and {'–'.join(map(str, widths))} filters"
    return Table(columns, rows, title)


def _layer_in(net: Network, layer: str) -> str:
    """Return the layer, or the last one of its block if the network does not have it."""
    if layer in net.layers:
        return layer
    return [known for known in net.layers if block_of(known) == block_of(layer)][-1]
