"""The exercises of notebook 01."""

import math

import torch

from stylelib.exercises.checking import Choice, Exercise
from stylelib.vgg import block_of

# ---------------------------------------------------------------------------------- how large a layer's maps are

PLACES = (("conv4_2", 187, 250), ("conv2_1", 75, 101), ("conv5_1", 240, 173))  # one for each seed


def _numbers(function):
    """The function with its answer as a tensor, which is what checks compare."""
    return lambda *arguments: torch.as_tensor(function(*arguments), dtype=torch.float64)


def _in_numbers(mistakes):
    return {sentence: _numbers(mistake) for sentence, mistake in mistakes.items()}


def _map_size(layer, height, width):
    stride = 2 ** (block_of(layer) - 1)
    return height // stride, width // stride


def _halved(layer, height, width, times):
    return height // 2 ** times(layer), width // 2 ** times(layer)


# ------------------------------------------------------------------------------- how much of the picture it sees

STEPS = (
    ("conv", "conv", "pool", "conv", "conv", "pool", "conv"),
    ("conv", "pool", "conv", "pool", "conv", "conv"),
    ("conv", "conv", "pool", "conv", "pool", "conv", "pool", "conv"),
)


def _field(steps, conv=2, start=1, pool=1, grow=2):
    """The receptive field, with a knob for each mistake."""
    field, stride = start, 1
    for step in steps:
        if step == "conv":
            field += conv * stride
        else:
            field += pool * stride
            stride *= grow
    return field


def _field_that_pooling_doubles(steps):
    field = 1
    for step in steps:
        field = field + 2 if step == "conv" else 2 * field
    return field


# ---------------------------------------------------------------------------------- the activation normalisation


def _two_layers(generator):
    """Two layers' weights, with as many filters in each, so that a wrong axis does not show in a shape."""
    weight, following = (torch.randn(4, 4, 3, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    bias = torch.randn(4, generator=generator, dtype=torch.float64)
    return weight, bias, following, 0.5 + 3 * torch.rand(4, generator=generator, dtype=torch.float64)


def _rows(mean):
    return mean[:, None, None, None]


def _columns(mean):
    return mean[None, :, None, None]


def _packed(*tensors):
    return torch.cat([tensor.flatten() for tensor in tensors])


EXERCISES = {
    "map_size": Exercise(
        inputs=lambda generator: PLACES[generator.initial_seed() % len(PLACES)],
        reference=_numbers(_map_size),
        mistakes=_in_numbers(
            {
                "One pooling too many: before block 1 there is none, so block b has b − 1 poolings before it.": (
                    lambda layer, height, width: _halved(layer, height, width, block_of)
                ),
                "One pooling too few: before block b there are b − 1.": (
                    lambda layer, height, width: _halved(layer, height, width, lambda name: max(0, block_of(name) - 2))
                ),
                "Height comes first, then width.": lambda layer, height, width: _map_size(layer, width, height),
                "Each pooling makes 2 × 2 places into one: both sides are halved, you halved only the height.": (
                    lambda layer, height, width: (_map_size(layer, height, width)[0], width)
                ),
                "A row or column that is left over is dropped by a pooling: round down, not up.": (
                    lambda layer, height, width: tuple(
                        math.ceil(side / 2 ** (block_of(layer) - 1)) for side in (height, width)
                    )
                ),
                "There are no parts of a place: use //, which rounds down, instead of /.": (
                    lambda layer, height, width: tuple(side / 2 ** (block_of(layer) - 1) for side in (height, width))
                ),
                "You divided by the number of poolings; each one divides by 2, so together by a power of 2.": (
                    lambda layer, height, width: tuple(side // max(1, block_of(layer) - 1) for side in (height, width))
                ),
                "That is the picture's own size: every pooling before the layer halves it.": (
                    lambda layer, height, width: (height, width)
                ),
                "A pooling halves each side, which leaves a quarter of the places; you divided each side by 4.": (
                    lambda layer, height, width: _halved(layer, height, width, lambda name: 2 * (block_of(name) - 1))
                ),
            }
        ),
        praise="Only the block decides, and the convolutions change nothing: they pad the border.",
    ),
    "receptive_field": Exercise(
        inputs=lambda generator: (list(STEPS[generator.initial_seed() % len(STEPS)]),),
        reference=_numbers(_field),
        mistakes=_in_numbers(
            {
                "You forgot the stride: after a pooling, a step to the neighbour is 2 pixels long, then 4, then 8.": (
                    lambda steps: _field(steps, grow=1)
                ),
                "You forgot that a pooling itself looks at two neighbours: it adds one step to the field.": (
                    lambda steps: _field(steps, pool=0)
                ),
                "A 3 × 3 convolution adds one step on either side, so 2, not 3.": lambda steps: _field(steps, conv=3),
                "A 3 × 3 convolution adds one step on *either* side, so 2, not 1.": lambda steps: _field(steps, conv=1),
                "Start from 1: with no layer at all, a place sees its own pixel.": lambda steps: _field(steps, start=0),
                "Start from 1, not from 3: the first convolution is in the list as well.": (
                    lambda steps: _field(steps, start=3)
                ),
                "A 2 × 2 pooling adds one step of the resolution before it: add first, then double the stride.": (
                    lambda steps: _field(steps, pool=2)
                ),
                "A pooling does not double what has been seen so far; it doubles the steps that come after it.": (
                    _field_that_pooling_doubles
                ),
                "That is the stride, how far apart two places are; the field is how much one of them sees.": (
                    lambda steps: 2 ** list(steps).count("pool")
                ),
            }
        ),
        praise="Small steps before the poolings, large ones after: that is why the field grows faster and faster.",
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
            "The filters are divided, but the next layer does not know: multiply its weights for them by the mean.": (
                lambda weight, bias, following, mean: _packed(weight / _rows(mean), bias / mean, following)
            ),
            "The bias has to be divided too: what a filter answers is weights times picture plus bias.": (
                lambda weight, bias, following, mean: _packed(weight / _rows(mean), bias, following * _columns(mean))
            ),
            "You scaled the next layer's rows, which are its own filters; its columns (dimension 1) are yours.": (
                lambda weight, bias, following, mean: _packed(
                    weight / _rows(mean), bias / mean, following * _rows(mean)
                )
            ),
            "You divided this layer's columns (dimension 1), which are its inputs; its filters are the rows.": (
                lambda weight, bias, following, mean: _packed(
                    weight / _columns(mean), bias / mean, following * _columns(mean)
                )
            ),
            "The next layer must *undo* the division: multiply its weights by the mean.": (
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
            "You subtracted the mean; a ReLU lets a *factor* pass through, but not a difference.": (
                lambda weight, bias, following, mean: _packed(weight, bias - mean, following)
            ),
        },
        praise="Every mean is 1 now, and the layer after next cannot tell the difference.",
    ),
    "conv_4": Choice(
        right="conv2_2",
        wrong={
            "conv4_1": "That is the first of block *four*. Count convolutions one after another: 1 is conv1_1, 2 is …",
            "conv4_2": "That is the paper's content layer, but it is VGG-19's tenth convolution, not its fourth.",
            "conv2_1": "That is the third: block 1 has two convolutions, and this is the first one after them.",
            "conv3_1": "That is the fifth: blocks 1 and 2 have two convolutions each, so four come before it.",
            "conv1_4": "Block 1 of VGG-19 has only two convolutions; go on counting in block 2.",
        },
        praise="Block 1 has two, so the fourth is the second of block 2: far less deep than the paper's conv4_2.",
    ),
}
