"""The initial picture of a run: the content image, the style image, or white noise."""

from collections.abc import Sequence

import torch
from torch import Tensor

from stylelib.protocols.term import Term
from stylelib.support.ambient import settled
from stylelib.support.errors import InputError, check_whole

INITIALIZATIONS = ("content", "style", "noise")
# Standard deviation of the white noise around mid-grey, on the scale of 0 to 1. The paper does not state its value.
# Stronger noise (0.25) leaves more grain, because what a deep layer does not see stays in the picture.
NOISE_CONTRAST = 0.1


def initial_picture(init: str, terms: Sequence[Term], seed: int = 0) -> Tensor:
    """Return the picture that a run starts from.

    Parameters
    ----------
    init : str
        "content" or "style": the image of the first term with that role; a style image is scaled and cropped to the
        content image's size. "noise": white noise of the content image's size, or of the style image's if there is no
        content image.
    terms : Sequence of Term
        The run's terms.
    seed : int
        Seed of the noise.

    Returns
    -------
    Tensor
        (N, 3, H, W), 0 to 1.

    Raises
    ------
    InputError
        For an unknown name, and if no term has such an image.
    """
    if init not in INITIALIZATIONS:
        names = "'content', 'style', 'noise'"
        raise InputError(f"A run starts from {names} or a picture; for a picture write load_image('{init}').")
    images = {term.role: term.image for term in reversed(terms) if term.image is not None}
    content, style = images.get("content"), images.get("style")
    if init == "noise":
        model = content if content is not None else style
        if model is None:
            raise InputError(
                "The noise needs a size, but no term has an image; pass init=stylelib.noise(height, width)."
            )
        return torch.cat([noise(model.shape[-2], model.shape[-1], seed + i) for i in range(len(model))])
    chosen = images.get(init)
    if chosen is None:
        raise InputError(f"The run cannot start from the {init} image, because none of its terms has one.")
    return chosen if content is None else _cover(chosen.cpu(), content.shape[-2], content.shape[-1])


@settled()
def noise(height: int, width: int, seed: int = 0) -> Tensor:
    """Return white noise around mid-grey, the same on every machine for the same seed.

    Parameters
    ----------
    height, width : int
        Size in pixels.
    seed : int
        Zero or more.

    Returns
    -------
    Tensor
        (1, 3, height, width), 0 to 1.
    """
    height, width = check_whole("height", height, 1), check_whole("width", width, 1)
    generator = torch.Generator().manual_seed(check_whole("seed", seed, 0))
    values = torch.randn(1, 3, height, width, generator=generator, dtype=torch.float32)
    return (0.5 + NOISE_CONTRAST * values).clamp(0, 1)


def continue_from(made: Tensor, coarse_start: Tensor, start: Tensor, init: str) -> Tensor:
    """Return the picture that a finer run starts from, so that it continues where a coarser one ended.

    If the runs start from the content or the style image, what the coarser run has changed is enlarged and added to the
    finer image, which keeps its detail. If they start from noise, the coarser run's picture is enlarged.

    Parameters
    ----------
    made, coarse_start : Tensor
        The coarser run's picture at its end and at its start, (N, 3, h, w).
    start : Tensor
        What the finer run would start from on its own, (N, 3, H, W).
    init : str
        "content", "style" or "noise".

    Returns
    -------
    Tensor
        (N, 3, H, W), 0 to 1.
    """
    kept = made if init == "noise" else made - coarse_start
    kept = torch.nn.functional.interpolate(kept, start.shape[-2:], mode="bicubic")
    return (kept if init == "noise" else start + kept).clamp(0, 1)


def _cover(picture: Tensor, height: int, width: int) -> Tensor:
    """Scale to cover height × width, then cut out the middle."""
    if picture.shape[-2:] == (height, width):
        return picture
    scale = max(height / picture.shape[-2], width / picture.shape[-1])
    size = [max(side, round(old * scale)) for old, side in zip(picture.shape[-2:], (height, width), strict=True)]
    picture = torch.nn.functional.interpolate(picture, size, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return picture[..., top : top + height, left : left + width]
