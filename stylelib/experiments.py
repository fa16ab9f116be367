"""The paper's experiments as one call each. Each prepares a run; iterate over it, or call its `finish()`.

run = style_transfer("riverside", "night_swirls", size=256, steps=100).finish()
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.images import Source, check_picture, load_image
from stylelib.initialization import continue_from
from stylelib.protocols.network import Network
from stylelib.protocols.term import check_weight
from stylelib.support.errors import InputError, check_whole
from stylelib.support.machine import preset
from stylelib.synthesis import Synthesis
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content, Style
from stylelib.weights.networks import check_layers_by_name, load_network

ALPHA_BETA = 0.1  # α/β of a transfer in the relative convention, chosen by looking; notebook 05 shows the range

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
    """Paint the content image in the style of the style image, equation 7.

    Parameters
    ----------
    content : Source
        Whatever `load_image` takes.
    style : Source or Sequence of Source
        One style image, or a list of several.
    network : str or Network, optional
        A name or a loaded network; `load_network`'s choice by default.
    size : int, optional
        Longer side of the pictures in pixels; the preset's by default, while a tensor stays as it is.
    alpha_beta : float
        The paper's α/β, with β = 1, in the given convention.
    content_layer : str
        One layer's name.
    style_layers : str, Sequence of str or dict
        Layers' names, or {name: w_l}.
    style_weights : Sequence of float
        β's share of each style image; equal shares by default.
    init : str or Tensor
        "content", "style", "noise" or a picture.
    convention : str
        See `stylelib.losses`.
    **run
        Further arguments of `Synthesis`: steps, optimizer, seed, keep_every and others.

    Returns
    -------
    Synthesis
        Nothing is computed yet.

    Raises
    ------
    InputError
        For pictures, layers and numbers that cannot work.
    """
    photo, paintings = _picture(content, size), [_picture(one, size) for one in as_list(style)]
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
    """Make a picture whose activations at one layer are the content image's. Figure 1, below.

    It shows what that layer still knows of the picture. Parameters as for `style_transfer`.
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
    """Make a picture whose Gram matrices at some layers are the style image's: its texture. Figure 1, above.

    Parameters as for `style_transfer`.
    """
    painting = _picture(style, size)
    return Synthesis(Style(_network(network, layers), painting, layers, convention=convention), init, **run)


def coarse_to_fine(
    experiment: Callable[..., Synthesis], sizes: Sequence[int], *pictures: Source, **arguments: Any
) -> Iterator[Synthesis]:
    """Run an experiment at one size after another, each run beginning with what the one before it made.

        for run in coarse_to_fine(style_transfer, (256, 512, 1024), "my_photo.jpg", "woodcut", steps=60):
            run.finish()

    For large pictures: a filter sees as many pixels at any size, so large shapes are painted while the picture is
    small, where a step costs little. A size above the pictures' own adds nothing and is left out.

    Parameters
    ----------
    experiment : callable
        A function of this module, or one like them.
    sizes : Sequence of int
        Longer sides in pixels, growing.
    *pictures : Source
        The experiment's pictures.
    **arguments
        Whatever else it takes: init by name, steps for each size.

    Yields
    ------
    Synthesis
        Prepared runs; finish each before asking for the next.

    Raises
    ------
    InputError
        For sizes that do not grow, and for a picture to start from.
    """
    sizes = check_sizes(sizes)
    if not isinstance(arguments.get("init", ""), str):
        raise InputError("Coarse to fine begins from 'content', 'style' or 'noise', which it can make at any size.")
    layers = [arguments[name] for name in ("layer", "layers", "content_layer", "style_layers") if name in arguments]
    arguments["network"] = _network(arguments.get("network"), *layers)
    return _growing(functools.partial(experiment, *pictures, **arguments), sizes)


def check_sizes(sizes: int | Sequence[int]) -> list[int]:
    """Return the sizes as a list; raise an InputError unless they are whole numbers that grow."""
    found = [check_whole("size", size, 1) for size in (sizes if isinstance(sizes, list | tuple) else [sizes])]
    if not found or found != sorted(set(found)):
        raise InputError(f"Coarse to fine takes sizes that grow, such as 256, 512; got {', '.join(map(str, found))}.")
    return found


def check_shares(weights: Sequence[float], count: int) -> list[float]:
    """Return β's share of each style image; raise an InputError unless there are as many weights as images."""
    if not isinstance(weights, Sequence) or isinstance(weights, str):
        raise InputError(f"Style weights are a list of numbers, one for each style image; got {weights!r}.")
    shares = [check_weight(weight, "a style's weight") for weight in weights] or [1 / count] * count
    if len(shares) != count:
        raise InputError(f"Give one weight for each style image: {count} images, {len(shares)} weights.")
    return shares


def as_list(style: Source | Sequence[Source]) -> list[Source]:
    """Return one style image or several as a list; raise an InputError for none."""
    several: list[Source] = list(style) if isinstance(style, list | tuple) else [style]  # type: ignore[list-item]
    if not several:
        raise InputError("A style transfer needs at least one style image.")
    return several


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
            run = Synthesis(run.terms, picture, run.steps, run.optimizer, run.seed, run.tolerance, run.keep_every)
            run.init = f"{init}, by way of {' and '.join(done)}"
        yield run
        coarse, coarse_start = run, start
        done.append(f"{max(start.shape)} px")


def _network(network: str | Network | None, *wanted: Layers) -> Network:
    """Return the network, by name or as it is. The names of the layers are checked before any download."""
    if not isinstance(network, str):
        return load_network() if network is None else network
    for layers in wanted:
        check_layers_by_name(network, layers)
    return load_network(network)


def _picture(source: Source, size: int | None) -> Tensor:
    """Load a picture at the size asked for; else at the preset's, but a tensor as it is."""
    if size is None and isinstance(source, Tensor):
        return check_picture(source)
    return load_image(source, preset().size if size is None else size)
