"""The paper's experiments as one call each.

    run = style_transfer("riverside", "night_swirls", size=256, steps=100).finish()

Each call prepares a run and computes nothing; iterate over the run, or call its `finish()`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from stylelib.images import Source, check_picture, load_image
from stylelib.protocols.network import Network
from stylelib.storage.recipe_values import as_list, check_shares
from stylelib.support.errors import InputError, shown
from stylelib.support.machine import preset
from stylelib.synthesis import Synthesis
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content, Style
from stylelib.weights.networks import check_layers_by_name, load_network

# Both were chosen on pairs of bundled pictures, with compact and VGG-19, by eye and by stylelib.analysis.measures.
ALPHA_BETA = 0.2  # of a transfer in the relative convention, from the content image
FIRST_SIZE = 96  # with which the shell, the studio and notebook 00 begin; 0 is the paper's single size

Layers = str | Sequence[str] | Mapping[str, float]


def style_transfer(
    content: Source,
    style: Source | Sequence[Source],
    network: str | Network | None = None,
    size: int | None = None,
    *,
    alpha_beta: float = ALPHA_BETA,
    content_layer: str = CONTENT_LAYER,
    style_layers: Layers = STYLE_LAYERS,
    style_weights: Sequence[float] = (),
    init: str | Tensor = "content",
    convention: str = "relative",
    **run: Any,
) -> Synthesis:
    """Prepare a style transfer: the content image painted in the style of the style image, equation 7.

    Parameters
    ----------
    content : Source
        Anything that `load_image` accepts.
    style : Source or Sequence of Source
        One style image, or a list of several.
    network : str or Network, optional
        A name or a loaded network; `load_network`'s choice by default.
    size : int, optional
        Longer side of the pictures in pixels. By default tensors keep their size, and other pictures get the preset's.
    alpha_beta : float
        The paper's α/β, with β = 1, in the given convention.
    content_layer : str
        The name of one layer.
    style_layers : str, Sequence of str or dict
        Names of layers, or {name: w_l}.
    style_weights : Sequence of float
        The weight of each style image, instead of β = 1; by default 1 divided by their number. They are taken as they
        are, so a sum above 1 gives the styles together more weight against the content.
    init : str or Tensor
        "content", "style", "noise" or a picture.
    convention : str
        See `stylelib.losses`.
    **run
        Further arguments of `Synthesis`: steps, optimizer, seed, first_size and others.

    Returns
    -------
    Synthesis
        The run, not started.

    Raises
    ------
    InputError
        For invalid pictures, layers or numbers.
    """
    photo, paintings = _picture(content, size), [_picture(source, size) for source in as_list(style)]
    net = _network(network, content_layer, style_layers)
    shares = check_shares(style_weights, len(paintings))
    labels = ["style"] if len(paintings) == 1 else [f"style {number}" for number in range(1, len(paintings) + 1)]
    return Synthesis(
        [
            Content(net, photo, content_layer, weight=alpha_beta, convention=convention),
            *(
                Style(net, painting, style_layers, weight=share, convention=convention, label=label)
                for painting, share, label in zip(paintings, shares, labels, strict=True)
            ),
        ],
        init,
        **run,
    )


def reconstruct_content(
    content: Source,
    layer: str = CONTENT_LAYER,
    network: str | Network | None = None,
    size: int | None = None,
    *,
    init: str | Tensor = "noise",
    convention: str = "relative",
    **run: Any,
) -> Synthesis:
    """Prepare the reconstruction of a content image from its activations at one layer: Figure 1, bottom row.

    It shows what the layer keeps of the picture. The parameters are as for `style_transfer`.
    """
    photo = _picture(content, size)
    return Synthesis(Content(_network(network, layer), photo, layer, convention=convention), init, **run)


def reconstruct_style(
    style: Source,
    layers: Layers = STYLE_LAYERS,
    network: str | Network | None = None,
    size: int | None = None,
    *,
    init: str | Tensor = "noise",
    convention: str = "relative",
    **run: Any,
) -> Synthesis:
    """Prepare the reconstruction of a style image's texture from its Gram matrices: Figure 1, top row.

    The parameters are as for `style_transfer`.
    """
    painting = _picture(style, size)
    return Synthesis(Style(_network(network, layers), painting, layers, convention=convention), init, **run)


def _network(network: str | Network | None, *wanted: Layers) -> Network:
    """Return the network, loaded if it is a name. Its layers are checked first, before any download."""
    if network is None or isinstance(network, list | tuple):
        return load_network(network)
    if isinstance(network, Network):
        return network
    if not isinstance(network, str):
        raise InputError(
            f"The network is a name, or what load_network returns; got {shown(network)}. A size is size=…."
        )
    for layers in wanted:
        check_layers_by_name(network, layers)
    return load_network(network)


def _picture(source: Source, size: int | None) -> Tensor:
    """Load a picture at a size. Without one, a tensor keeps its size and any other picture gets the preset's."""
    if size is None and isinstance(source, Tensor):
        return check_picture(source)
    return load_image(source, preset().size if size is None else size)
