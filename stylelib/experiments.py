"""The paper's experiments as one call each.

    run = style_transfer("riverside", "night_swirls", size=256, steps=100).finish()

Each call prepares a run and computes nothing; iterate over the run, or call its `finish()`.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.images import Source, check_picture, load_image
from stylelib.initialization import continue_from
from stylelib.protocols.network import Network
from stylelib.storage.recipe_values import as_list, check_shares
from stylelib.support.errors import InputError, check_whole
from stylelib.support.machine import preset
from stylelib.synthesis import Synthesis
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content, Style
from stylelib.weights.networks import check_layers_by_name, load_network

ALPHA_BETA = 0.1  # α/β of a transfer in the relative convention, chosen by eye; notebook 05 shows other values

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
        The weight of each style image, instead of β = 1; by default 1 divided by their number.
    init : str or Tensor
        "content", "style", "noise" or a picture.
    convention : str
        See `stylelib.losses`.
    **run
        Further arguments of `Synthesis`: steps, optimizer, seed, keep_every and others.

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


def coarse_to_fine(
    experiment: Callable[..., Synthesis], sizes: Sequence[int], *pictures: Source, **arguments: Any
) -> Iterator[Synthesis]:
    """Prepare an experiment at one size after another; each run starts from the result of the one before it.

        for run in coarse_to_fine(style_transfer, (256, 512, 1024), "my_photo.jpg", "woodcut", steps=60):
            run.finish()

    This helps with large pictures. A filter sees equally many pixels at any size, so large shapes form while the
    picture is small, where a step costs little. A size above the pictures' own is skipped, because they are never
    enlarged.

    Parameters
    ----------
    experiment : callable
        A function of this module, or one with the same arguments `size`, `network` and `init`.
    sizes : Sequence of int
        Longer sides in pixels, in increasing order.
    *pictures : Source
        The experiment's pictures.
    **arguments
        Its other arguments. `init` must be a name, and `steps` are for each size.

    Yields
    ------
    Synthesis
        Prepared runs; finish each before asking for the next.

    Raises
    ------
    InputError
        If the sizes do not increase, or if `init` is a picture.
    """
    sizes = check_sizes(sizes)
    if not callable(experiment):
        raise InputError(f"Coarse to fine takes a function such as style_transfer; got {experiment!r}.")
    if not isinstance(arguments.get("init", ""), str):
        raise InputError("Coarse to fine starts from 'content', 'style' or 'noise', which exist at any size.")
    layers = [arguments[name] for name in ("layer", "layers", "content_layer", "style_layers") if name in arguments]
    arguments["network"] = _network(arguments.get("network"), *layers)
    return _growing(functools.partial(experiment, *pictures, **arguments), sizes)


def check_sizes(sizes: int | Sequence[int]) -> list[int]:
    """Return the sizes as a list; raise an InputError unless they are whole numbers in increasing order."""
    found = [check_whole("size", size, 1) for size in (sizes if isinstance(sizes, Sequence) else [sizes])]
    if not found or found != sorted(set(found)):
        raise InputError(f"Coarse to fine takes increasing sizes, such as 256, 512; got {', '.join(map(str, found))}.")
    return found


def _growing(experiment: Callable[..., Synthesis], sizes: Sequence[int]) -> Iterator[Synthesis]:
    coarse: Synthesis | None = None
    done: list[str] = []
    coarse_start = torch.empty(0)
    for size in sizes:
        run = experiment(size=size)
        init, start = run.init, run.image
        if coarse is not None:
            if start.shape == coarse_start.shape:
                continue
            picture = continue_from(coarse.image, coarse_start, start, init)
            names = ("steps", "optimizer", "seed", "tolerance", "keep_every", "parameterization")
            run = Synthesis(run.terms, picture, **{name: getattr(run, name) for name in names})
            run.init = f"{init}, by way of {' and '.join(done)}"
        yield run
        coarse, coarse_start = run, start
        done.append(f"{max(start.shape)} px")


def _network(network: str | Network | None, *wanted: Layers) -> Network:
    """Return the network, loaded if it is a name. Its layers are checked first, before any download."""
    if network is None or isinstance(network, list | tuple):
        return load_network(network)
    if isinstance(network, Network):
        return network
    if not isinstance(network, str):
        raise InputError(f"The network is a name, or what load_network returns; got {network!r}. A size is size=….")
    for layers in wanted:
        check_layers_by_name(network, layers)
    return load_network(network)


def _picture(source: Source, size: int | None) -> Tensor:
    """Load a picture at a size. Without one, a tensor keeps its size and any other picture gets the preset's."""
    if size is None and isinstance(source, Tensor):
        return check_picture(source)
    return load_image(source, preset().size if size is None else size)
