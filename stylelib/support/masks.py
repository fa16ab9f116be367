"""Masks: where in the picture a term counts."""

import torch
from torch import Tensor

from stylelib.support.errors import InputError


def check_mask(mask: Tensor, pictures: Tensor | None = None) -> Tensor:
    """Check a mask and return it in a uniform shape.

    Parameters
    ----------
    mask : Tensor
        (H, W), (1, H, W) or (1, 1, H, W), 0 to 1.
    pictures : Tensor, optional
        The pictures that it belongs to, (N, 3, H, W).

    Returns
    -------
    Tensor
        (1, 1, H, W), float32, on the pictures' device if they are given.

    Raises
    ------
    InputError
        If the mask has another shape, values outside 0 to 1, only zeros, or another size than the pictures.
    """
    if not isinstance(mask, Tensor) or mask.ndim < 2 or not mask.numel() or mask.shape[:-2].numel() != 1:
        shape = tuple(mask.shape) if isinstance(mask, Tensor) else type(mask).__name__
        raise InputError(f"A mask is a tensor (H, W), 1 where the term counts and 0 where it does not; got {shape}.")
    if mask.layout != torch.strided or mask.is_meta or mask.is_complex():
        raise InputError("A mask must have its values in memory: real numbers, not sparse and not on 'meta'.")
    mask = mask.detach().to(torch.float32).reshape(1, 1, *mask.shape[-2:])
    if not (mask.min() >= 0 and mask.max() <= 1 and mask.any()):
        raise InputError("A mask must have values from 0 to 1, and at least one above 0.")
    if pictures is None:
        return mask
    if mask.shape[-2:] != pictures.shape[-2:]:
        sizes = [f"{tensor.shape[-1]} × {tensor.shape[-2]}" for tensor in (mask, pictures)]
        raise InputError(f"The mask is {sizes[0]} and the picture {sizes[1]}; they need the same size.")
    return mask.to(pictures.device)


def shrink_mask(mask: Tensor, activations: Tensor) -> Tensor:
    """Scale a mask to a layer's resolution, where each position gets the mean of its pixels.

    Parameters
    ----------
    mask : Tensor
        (1, 1, H, W).
    activations : Tensor
        (B, N, h, w).

    Returns
    -------
    Tensor
        (1, 1, h, w). Every pixel belongs to a position, so a mask that is not 0 everywhere stays so.
    """
    height, width = activations.shape[-2:]
    return torch.nn.functional.adaptive_avg_pool2d(mask, (height, width))
