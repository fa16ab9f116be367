"""Masks: where in the picture a term counts."""

import torch
from torch import Tensor

from stylelib.support.errors import InputError


def check_mask(mask: Tensor, pictures: Tensor | None = None) -> Tensor:
    """Return a mask as a float32 tensor (1, 1, H, W).

    Parameters
    ----------
    mask : Tensor
        (H, W), (1, H, W) or (1, 1, H, W), 0 to 1.
    pictures : Tensor, optional
        The pictures that it belongs to, (N, 3, H, W).

    Returns
    -------
    Tensor
        The mask, on the pictures' device.

    Raises
    ------
    InputError
        For anything else, for another size, and for a mask that is 0 everywhere.
    """
    shape = tuple(mask.shape) if isinstance(mask, Tensor) else type(mask).__name__
    if not isinstance(mask, Tensor) or mask.ndim < 2 or mask.numel() != mask.shape[-2] * mask.shape[-1]:
        raise InputError(f"A mask is a tensor (H, W), 1 where the term counts and 0 where not; got {shape}.")
    mask = mask.detach().to(torch.float32).reshape(1, 1, *mask.shape[-2:])
    if not (mask.min() >= 0 and mask.max() <= 1 and mask.any()):
        raise InputError("A mask holds numbers from 0 to 1, and some of them above 0.")
    if pictures is None:
        return mask
    if mask.shape[-2:] != pictures.shape[-2:]:
        sizes = [f"{shape[-1]} × {shape[-2]}" for shape in (mask.shape, pictures.shape)]
        raise InputError(f"The mask is {sizes[0]} and the picture {sizes[1]}; they need the same size.")
    return mask.to(pictures.device)


def shrink_mask(mask: Tensor, activations: Tensor) -> Tensor:
    """Return the mask at a layer's resolution: the mean over the pixels that belong to each position.

    Parameters
    ----------
    mask : Tensor
        (1, 1, H, W).
    activations : Tensor
        (B, N, h, w).

    Returns
    -------
    Tensor
        (1, 1, h, w), never 0 everywhere.
    """
    small = torch.nn.functional.adaptive_avg_pool2d(mask, activations.shape[-2:])
    return small.clamp(min=1e-6)
