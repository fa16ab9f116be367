"""The memory check: an estimate of what runs need, compared with what is free."""

import math
from collections.abc import Sequence

import torch

from stylelib.protocols.term import Term, wanted_layers
from stylelib.support.errors import InputError
from stylelib.support.machine import free_memory


def check_memory(lists: Sequence[Sequence[Term]], shape: Sequence[int], tensors: int, device: torch.device) -> None:
    """Raise an InputError, before anything is computed, if runs together need more memory than is free.

    The message names a size that would fit, since nearly all of the memory is proportional to the number of pixels.

    Parameters
    ----------
    lists : Sequence of Sequence of Term
        The terms of each run.
    shape : Sequence of int
        The shape of each run's pictures, (N, 3, H, W).
    tensors : int
        How many tensors of that shape the optimisers hold: the sum of their `Optimizer.tensors`.
    device : torch.device
        The device that computes.
    """
    needed, free = memory_needed(lists, shape, tensors), free_memory(device)
    if free is None or needed <= free:
        return
    height, width = shape[-2:]
    fits = int(max(height, width) * math.sqrt(0.8 * max(0, free) / needed))
    advice = f"size={fits} would fit" if fits >= 32 else "no size would fit: close other programs"
    what = f"{width} × {height} pixels" if len(lists) == 1 else f"{len(lists)} runs of {width} × {height} pixels"
    gigabytes = [f"{value / 1e9:.1f} GB" for value in (needed, max(0, free))]
    raise InputError(f"{what} need about {gigabytes[0]} of memory, but only {gigabytes[1]} are free; {advice}.")


def memory_needed(lists: Sequence[Sequence[Term]], shape: Sequence[int], tensors: int) -> int:
    """Estimate the memory of runs that are evaluated together.

    Parameters
    ----------
    lists : Sequence of Sequence of Term
        The terms of each run.
    shape : Sequence of int
        The shape of each run's pictures, (N, 3, H, W).
    tensors : int
        How many tensors of that shape the optimisers hold.

    Returns
    -------
    int
        Bytes.
    """
    together = torch.empty(len(lists) * shape[0], *shape[1:], device="meta")
    alone = torch.empty(*shape, device="meta")
    networks = sum(net.memory(together, layers, len(lists)) for net, layers in wanted_layers(*lists).items())
    return 4 * tensors * alone.numel() + networks + sum(term.memory(alone) for terms in lists for term in terms)
