"""The exercises of notebook 01."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.exercises.checking import Exercise, table
from stylelib.vgg import block_of, stride_of

# ---------------------------------------------------------------------------------- the size of a layer's maps

# one for each seed; a course's hidden tests begin at the fourth
PICTURES = (
    ("conv4_2", 187, 250),
    ("conv2_1", 75, 101),
    ("conv5_1", 240, 173),
    ("conv3_4", 133, 99),
    ("conv1_2", 61, 88),
    ("conv4_1", 350, 219),
)


def _map_size(layer: str, height: int, width: int) -> tuple[int, int]:
    stride = stride_of(layer)
    return height // stride, width // stride


def _halved(layer: str, height: int, width: int, times: Callable[[str], int]) -> tuple[int, int]:
    return height // 2 ** times(layer), width // 2 ** times(layer)


# --------------------------------------------------------------------------------------- the receptive field

STEPS = (
    ("conv", "conv", "pool", "conv", "conv", "pool", "conv"),
    ("conv", "pool", "conv", "pool", "conv", "conv"),
    ("conv", "conv", "pool", "conv", "pool", "conv", "pool", "conv"),
    ("conv", "pool", "conv", "conv", "conv", "pool", "conv", "conv"),
    ("conv", "conv", "conv", "pool", "conv", "pool"),
    ("pool", "conv", "pool", "conv", "pool", "conv"),
)


def _field(steps: Sequence[str], conv: int = 2, start: int = 1, pool: int = 1, grow: int = 2) -> int:
    """Return the receptive field; each parameter can be set to a usual mistake."""
    field, stride = start, 1
    for step in steps:
        if step == "conv":
            field += conv * stride
        else:
            field += pool * stride
            stride *= grow
    return field


def _field_that_pooling_doubles(steps: Sequence[str]) -> int:
    field = 1
    for step in steps:
        field = field + 2 if step == "conv" else 2 * field
    return field


# ---------------------------------------------------------------------------------- the activation normalisation


def _two_layers(generator: torch.Generator) -> tuple[Any, ...]:
    """Return the weights of two layers with equally many filters, so that a wrong axis does not change a shape."""
    weight, following = (torch.randn(4, 4, 3, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    bias = torch.randn(4, generator=generator, dtype=torch.float64)
    return weight, bias, following, 0.5 + 3 * torch.rand(4, generator=generator, dtype=torch.float64)


def _rows(mean: Tensor) -> Tensor:
    return mean[:, None, None, None]


def _columns(mean: Tensor) -> Tensor:
    return mean[None, :, None, None]


def _packed(*tensors: Tensor) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


# ---------------------------------------------------------------------------------------- a layer's parameters

COUNTS = ((3, 24), (24, 48), (5, 7), (64, 128), (96, 176), (12, 20))  # maps that come in, and filters


def _parameters(maps: int, filters: int, side: float = 9, biases: float | None = None) -> float:
    """Return a layer's parameters; each of the last two can be set to a usual mistake."""
    return side * maps * filters + (filters if biases is None else biases)


EXERCISES = {
    "map_size": Exercise(
        inputs=lambda generator: PICTURES[generator.initial_seed() % len(PICTURES)],
        reference=_map_size,
        mistakes={
            "One pooling too many: before block 1 there is none, so block b has b − 1 poolings before it.": (
                lambda layer, height, width: _halved(layer, height, width, block_of)
            ),
            "One pooling too few: before block b there are b − 1.": (
                lambda layer, height, width: _halved(layer, height, width, lambda name: max(0, block_of(name) - 2))
            ),
            "Height comes first, then width.": lambda layer, height, width: _map_size(layer, width, height),
            "Each pooling turns 2 × 2 positions into one and halves both sides; you halved only the height.": (
                lambda layer, height, width: (_map_size(layer, height, width)[0], width)
            ),
            "A pooling drops a row or column that is left over: round down, not up.": (
                lambda layer, height, width: tuple(math.ceil(side / stride_of(layer)) for side in (height, width))
            ),
            "There is no fraction of a position: use //, which rounds down, instead of /.": (
                lambda layer, height, width: tuple(side / stride_of(layer) for side in (height, width))
            ),
            "You divided by the number of poolings; each one divides by 2, all of them by a power of 2.": (
                lambda layer, height, width: tuple(side // max(1, block_of(layer) - 1) for side in (height, width))
            ),
            "You divided by the block's number; each pooling before the block divides by 2.": (
                lambda layer, height, width: (height // block_of(layer), width // block_of(layer))
            ),
            "That is the number of positions; return the height and the width, (height, width).": (
                lambda layer, height, width: math.prod(_map_size(layer, height, width))
            ),
            "That is the picture's own size: every pooling before the layer halves it.": (
                lambda layer, height, width: (height, width)
            ),
            "A pooling halves each side, which leaves a quarter of the positions; you divided each side by 4.": (
                lambda layer, height, width: _halved(layer, height, width, lambda name: 2 * (block_of(name) - 1))
            ),
        },
        example={"layer": "conv3_1", "height": 11, "width": 14},
        praise="Only the block matters, because convolutions pad the border and keep the size.",
    ),
    "receptive_field": Exercise(
        inputs=lambda generator: (list(STEPS[generator.initial_seed() % len(STEPS)]),),
        reference=_field,
        mistakes={
            "You forgot the stride: after a pooling, a step to the neighbour is 2 pixels long, then 4, then 8.": (
                lambda steps: _field(steps, grow=1)
            ),
            "You forgot that a pooling itself looks at two neighbours: it adds one step to the field.": (
                lambda steps: _field(steps, pool=0)
            ),
            "A 3 × 3 convolution adds one step on either side, so 2, not 3.": lambda steps: _field(steps, conv=3),
            "A 3 × 3 convolution adds one step on either side, so 2, not 1.": lambda steps: _field(steps, conv=1),
            "Start from 1: with no layer at all, a position sees its own pixel.": lambda steps: _field(steps, start=0),
            "Start from 1, not from 3: the first convolution is in the list as well.": (
                lambda steps: _field(steps, start=3)
            ),
            "A 2 × 2 pooling adds one step of the resolution before it: add first, then double the stride.": (
                lambda steps: _field(steps, pool=2)
            ),
            "The poolings are missing: a pooling adds to the field too, and it changes the stride.": (
                lambda steps: _field(steps, pool=0, grow=1)
            ),
            "The field does not multiply: a layer adds its steps, and only the stride is multiplied.": (
                lambda steps: math.prod(3 if step == "conv" else 2 for step in steps)
            ),
            "A convolution's neighbours are a stride away too: add 2 times the stride, not 2.": (
                lambda steps: 1 + 2 * list(steps).count("conv") + 2 ** list(steps).count("pool") - 1
            ),
            "A pooling does not double the field so far; it doubles the steps that come after it.": (
                _field_that_pooling_doubles
            ),
            "That is the stride, the distance between two positions; the field is what one of them sees.": (
                lambda steps: 2 ** list(steps).count("pool")
            ),
        },
        example={"steps": ["conv", "pool", "conv", "conv"]},
        praise="The steps are small before the poolings and large after them, so the field grows faster and faster.",
    ),
    "normalise_filters": Exercise(
        inputs=_two_layers,
        reference=lambda weight, bias, following, mean: _packed(
            weight / _rows(mean), bias / mean, following * _columns(mean)
        ),
        mistakes={
            "Still to do: these are the weights as they were.": lambda weight, bias, following, mean: _packed(
                weight, bias, following
            ),
            "The filters are divided, but the next layer is unchanged: multiply its weights for them by the mean.": (
                lambda weight, bias, following, mean: _packed(weight / _rows(mean), bias / mean, following)
            ),
            "Divide the bias too: a filter's response is weights times input plus bias.": (
                lambda weight, bias, following, mean: _packed(weight / _rows(mean), bias, following * _columns(mean))
            ),
            "You scaled the next layer's rows, which are its own filters; its columns (dimension 1) are its inputs.": (
                lambda weight, bias, following, mean: _packed(
                    weight / _rows(mean), bias / mean, following * _rows(mean)
                )
            ),
            "You divided this layer's columns (dimension 1), which are its inputs; its filters are the rows.": (
                lambda weight, bias, following, mean: _packed(
                    weight / _columns(mean), bias / mean, following * _columns(mean)
                )
            ),
            "The next layer must undo the division: multiply its weights by the mean.": (
                lambda weight, bias, following, mean: _packed(
                    weight / _rows(mean), bias / mean, following / _columns(mean)
                )
            ),
            "It is the other way round: divide the filters by their mean, multiply the next layer's weights.": (
                lambda weight, bias, following, mean: _packed(
                    weight * _rows(mean), bias * mean, following / _columns(mean)
                )
            ),
            "One number for the whole layer is not enough: each filter is divided by its own mean.": (
                lambda weight, bias, following, mean: _packed(
                    weight / mean.mean(), bias / mean.mean(), following * mean.mean()
                )
            ),
            "The next layer makes up for a division that is missing: divide the filters and the bias by the mean.": (
                lambda weight, bias, following, mean: _packed(weight, bias, following * _columns(mean))
            ),
            "Only the bias is divided; divide the filters' weights too, and multiply the next layer's.": (
                lambda weight, bias, following, mean: _packed(weight, bias / mean, following)
            ),
            "You subtracted the mean everywhere; divide by it, because a ReLU lets a factor pass through.": (
                lambda weight, bias, following, mean: _packed(weight - _rows(mean), bias - mean, following)
            ),
            "You subtracted the mean here and added it to the next layer; divide here, and multiply there.": (
                lambda weight, bias, following, mean: _packed(
                    weight - _rows(mean), bias - mean, following + _columns(mean)
                )
            ),
            "You subtracted the mean in both layers; divide the first by it, and multiply the next.": (
                lambda weight, bias, following, mean: _packed(
                    weight - _rows(mean), bias - mean, following - _columns(mean)
                )
            ),
            "You subtracted the mean; a ReLU lets a factor pass through, but not a difference.": (
                lambda weight, bias, following, mean: _packed(weight, bias - mean, following)
            ),
        },
        example={
            "weight": table((2, 4), (8, 4))[..., None, None],
            "bias": torch.tensor([2.0, 4.0]),
            "next_weight": table((1, 1), (3, 0))[..., None, None],
            "mean": torch.tensor([2.0, 4.0]),
        },
        praise="Each filter's mean is 1 now, and the next layer's activations are unchanged.",
    ),
    "layer_parameters": Exercise(
        inputs=lambda generator: COUNTS[generator.initial_seed() % len(COUNTS)],
        reference=_parameters,
        mistakes={
            "The biases are missing: each filter adds one number of its own to its sum.": (
                lambda maps, filters: _parameters(maps, filters, biases=0)
            ),
            "A filter has 3 × 3 weights for each map that comes in; you counted one set of nine for all maps.": (
                lambda maps, filters: _parameters(1, filters)
            ),
            "A bias belongs to a filter, not to a map that comes in.": (
                lambda maps, filters: _parameters(maps, filters, biases=maps)
            ),
            "You gave each 3 × 3 square its own bias; a filter adds up all its squares and has one bias.": (
                lambda maps, filters: _parameters(maps, filters, biases=maps * filters)
            ),
            "The layer has more than one bias: there is one for each filter.": (
                lambda maps, filters: _parameters(maps, filters, biases=1)
            ),
            "You counted one weight for each map; a filter looks at 3 × 3 positions, so there are nine.": (
                lambda maps, filters: _parameters(maps, filters, side=1)
            ),
            "A square of 3 × 3 has nine weights, not three.": lambda maps, filters: _parameters(maps, filters, side=3),
            "A square of 3 × 3 has nine weights, not six.": lambda maps, filters: _parameters(maps, filters, side=6),
            "That is one filter; the layer has more of them.": lambda maps, filters: _parameters(maps, 1),
            "Every filter looks at every map, so their numbers are multiplied, not added.": (
                lambda maps, filters: 9 * (maps + filters) + filters
            ),
            "You forgot the maps that come in: a filter has nine weights for each of them, and one bias.": (
                lambda maps, filters: _parameters(1, filters, biases=0)
            ),
        },
        example={"maps": 2, "filters": 3},
        praise="The picture's size is not in it: the same filters slide over a picture of any size.",
    ),
}
