"""The paper's experiments as one call each. A recipe prepares a run; iterate over it, or call its `finish()`.

run = style_transfer("riverside", "night_swirls", size=256, steps=100).finish()
"""

import functools

import torch

from stylelib.errors import InputError, check_whole
from stylelib.images import check_picture, load_image
from stylelib.machine import preset
from stylelib.networks import check_layers_by_name, load_network
from stylelib.synthesis import Synthesis
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content, Style

ALPHA_BETA = 0.1  # α/β of a transfer in the relative convention, chosen by looking; notebook 05 shows the range


def style_transfer(
    content,
    style,
    network=None,
    size=None,
    *,
    alpha_beta=ALPHA_BETA,
    content_layer=CONTENT_LAYER,
    style_layers=STYLE_LAYERS,
    init="content",
    convention="relative",
    **run,
):
    """The content image painted in the style of the style image, equation 7.

    content, style: whatever `load_image` takes. network: a name or a loaded network; `load_network`'s choice if None.
    size: longer side of both pictures in pixels; the preset's if None, while a tensor stays as it is. alpha_beta: the
    paper's α/β, with β = 1, in the given convention. init: "content", "style", "noise" or a picture. run: further
    arguments of `Synthesis` (steps, optimizer, seed, keep_every, …).
    """
    photo, painting = _picture(content, size), _picture(style, size)
    net = _network(network, content_layer, style_layers)
    terms = [
        Content(net, photo, content_layer, weight=alpha_beta, convention=convention),
        Style(net, painting, style_layers, convention=convention),
    ]
    return Synthesis(terms, init, **run)


def reconstruct_content(
    content, layer=CONTENT_LAYER, network=None, size=None, *, init="noise", convention="relative", **run
):
    """A picture whose activations at one layer are the content image's: what that layer still knows. Figure 1, below.

    Arguments as for `style_transfer`.
    """
    photo = _picture(content, size)
    return Synthesis(Content(_network(network, layer), photo, layer, convention=convention), init, **run)


def reconstruct_style(
    style, layers=STYLE_LAYERS, network=None, size=None, *, init="noise", convention="relative", **run
):
    """A picture whose Gram matrices at some layers are the style image's: its texture. Figure 1, above.

    Arguments as for `style_transfer`.
    """
    painting = _picture(style, size)
    return Synthesis(Style(_network(network, layers), painting, layers, convention=convention), init, **run)


def coarse_to_fine(recipe, sizes, *pictures, **arguments):
    """A recipe at one size after another, each run beginning with what the one before it made: yields prepared runs.

        for run in coarse_to_fine(style_transfer, (256, 512, 1024), "my_photo.jpg", "woodcut", steps=60):
            run.finish()

    For large pictures. A filter sees as many pixels at any size, so large shapes are painted while they are small,
    where a step costs little. From the content or style image a run hands on what it changed, so that the finer image's
    own detail stays; from noise it hands on its picture. A size above the pictures' own adds nothing and is left out.

    recipe: a function of this module, with its pictures, and by name whatever else it takes: init by name, steps for
    each size. sizes: longer sides in pixels, growing. Raises InputError.
    """
    sizes = check_sizes(sizes)
    if not isinstance(arguments.get("init", ""), str):
        raise InputError("Coarse to fine begins from 'content', 'style' or 'noise', which it can make at any size.")
    layers = [arguments[name] for name in ("layer", "layers", "content_layer", "style_layers") if name in arguments]
    arguments["network"] = _network(arguments.get("network"), *layers)
    return _growing(functools.partial(recipe, *pictures, **arguments), sizes)


def check_sizes(sizes):
    """Return the sizes as a list of whole numbers if they grow, else raise an InputError."""
    sizes = [check_whole("size", size, 1) for size in (sizes if isinstance(sizes, list | tuple) else [sizes])]
    if not sizes or sizes != sorted(set(sizes)):
        raise InputError(f"Coarse to fine takes sizes that grow, such as 256, 512; got {', '.join(map(str, sizes))}.")
    return sizes


def _growing(recipe, sizes):
    coarse, coarse_start, gone_through = None, None, []
    for size in sizes:
        run = recipe(size=size)
        init, start = run.init, run.image
        if coarse is not None:
            if start.shape == coarse_start.shape:
                continue
            made = coarse.image if init == "noise" else coarse.image - coarse_start
            made = torch.nn.functional.interpolate(made, start.shape[-2:], mode="bicubic")
            picture = (made if init == "noise" else start + made).clamp(0, 1)
            run = Synthesis(run.terms, picture, run.steps, run.optimizer, run.seed, run.tolerance, run.keep_every)
            run.init = f"{init}, by way of {' and '.join(gone_through)}"
        yield run
        coarse, coarse_start = run, start
        gone_through.append(f"{max(start.shape)} px")


def _network(network, *wanted):
    """The network, by name or as it is. The names of the layers are checked before any download."""
    if not isinstance(network, str):
        return load_network() if network is None else network
    for layers in wanted:
        check_layers_by_name(network, layers)
    return load_network(network)


def _picture(source, size):
    """Load a picture at the size asked for; else at the preset's, but a tensor as it is."""
    if size is None and isinstance(source, torch.Tensor):
        return check_picture(source)
    return load_image(source, preset().size if size is None else size)
