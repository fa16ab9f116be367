"""The engine's building blocks: convolutions with packed weights, the gradient of a pooling, and memory layouts.

oneDNN can pack a convolution's weights once for the processor. torch's operations for this are private and may change,
so `packs` tries them before the engine uses them.
"""

import functools
from collections.abc import Sequence

import torch
from torch import Tensor


@functools.cache
def packs(dtype: torch.dtype) -> bool:
    """Return whether a convolution with packed weights works on this machine, by computing one.

    macOS and some builds of torch lack it, and bfloat16 also needs AVX-512 or AVX-NE-CONVERT.

    Parameters
    ----------
    dtype : torch.dtype
        The type of the weights and of their input.

    Returns
    -------
    bool
        False if it fails or its result is wrong.
    """
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(shape, generator=generator, dtype=torch.float32) for shape in ((1, 5, 6, 7), (4, 5, 3, 3)))
    expected = torch.nn.functional.conv2d(x, weight, torch.ones(4, dtype=torch.float32), padding=1).relu()
    x, weight = (tensor.to(dtype).contiguous(memory_format=torch.channels_last) for tensor in (x, weight))
    try:
        result = convolve(x, pack(weight, x.shape), torch.ones(4, dtype=dtype), relu=True)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(result.float(), expected, atol=1e-4 if dtype == torch.float32 else 0.2)


def packed_for(x: Tensor) -> bool:
    """Return whether the weights for this input are packed: on a CPU that can do so."""
    return x.device.type == "cpu" and packs(x.dtype)


def pack(weight: Tensor, shape: Sequence[int]) -> Tensor:
    """Pack the weights of a 3 × 3 convolution.

    Parameters
    ----------
    weight : Tensor
        (C_out, C_in, 3, 3), channels last.
    shape : Sequence of int
        The shape of their input, (N, C_in, h, w).

    Returns
    -------
    Tensor
        In oneDNN's own layout, which only `convolve` can use.
    """
    packed: Tensor = torch.ops.mkldnn._reorder_convolution_weight(weight, [1, 1], [1, 1], [1, 1], 1, list(shape))
    return packed


def convolve(x: Tensor, packed: Tensor, bias: Tensor | None, relu: bool) -> Tensor:
    """Convolve, and apply the ReLU while the result is written.

    Parameters
    ----------
    x : Tensor
        (N, C_in, h, w), channels last.
    packed : Tensor
        What `pack` returned for this shape.
    bias : Tensor, optional
        (C_out,).
    relu : bool
        Whether to apply the ReLU.

    Returns
    -------
    Tensor
        (N, C_out, h, w), channels last.
    """
    then, ones = "relu" if relu else "none", [1, 1]
    result: Tensor = torch.ops.mkldnn._convolution_pointwise(x, packed, bias, ones, ones, ones, 1, then, [], "")
    return result


def before_pooling(pooling: str, gradient: Tensor, activation: Tensor, unrounded: Tensor) -> Tensor:
    """Return the gradient with respect to the input of a ReLU that is followed by a 2 × 2 pooling.

    Parameters
    ----------
    pooling : str
        "avg" or "max". The factor of "avg", 1/4, is left out, because `Engine` puts it into the filters.
    gradient : Tensor
        With respect to the pooling's output, (N, C, h, w).
    activation : Tensor
        The ReLU's output, (N, C, H, W), channels last.
    unrounded : Tensor
        The same before it was rounded to the gradient's type. Max pooling needs it, because after rounding another
        pixel may be the largest.

    Returns
    -------
    Tensor
        With respect to the ReLU's input, (N, C, H, W).
    """
    if pooling == "max":
        sides = ([2, 2], [2, 2], [0, 0], [1, 1], False)
        _, places = torch.ops.aten.max_pool2d_with_indices(unrounded, *sides)
        gradient = torch.ops.aten.max_pool2d_with_indices_backward(gradient, activation, *sides, places)
        masked: Tensor = torch.ops.aten.threshold_backward(gradient, activation, 0)
        return masked
    height, width = gradient.shape[-2:]
    complete = activation.shape[-2:] == (2 * height, 2 * width)  # else the pooling leaves out the last row or column
    result = torch.empty_like(activation) if complete else torch.zeros_like(activation)
    target, source = _in_squares(result, height, width), _in_squares(activation, height, width)  # (N, h, 2, w, 2, C)
    repeated = gradient.permute(0, 2, 3, 1)[:, :, None, :, None].expand_as(source)  # (N, h, 1 → 2, w, 1 → 2, C)
    torch.ops.aten.threshold_backward.grad_input(repeated, source, 0, grad_input=target)
    return result


def _in_squares(tensor: Tensor, height: int, width: int) -> Tensor:
    """(N, C, H, W) → (N, h, 2, w, 2, C): the same memory, where the two axes of length 2 are the pooled squares."""
    batch, filters = tensor.shape[:2]
    pooled = tensor.permute(0, 2, 3, 1)[:, : 2 * height, : 2 * width]  # (N, 2 h, 2 w, C)
    return pooled.view(batch, height, 2, width, 2, filters)


def rows(activations: Tensor) -> Tensor:
    """(B, N, h, w), channels last → (B, h·w, N): the same memory, a row for each position."""
    batch, filters, height, width = activations.shape
    return activations.permute(0, 2, 3, 1).view(batch, height * width, filters)


def from_rows(matrix: Tensor, shape: Sequence[int]) -> Tensor:
    """(B, h·w, N) → (B, N, h, w), which is `shape`: the inverse of `rows`."""
    batch, filters, height, width = shape
    return matrix.view(batch, height, width, filters).permute(0, 3, 1, 2)
