"""The student: a narrow VGG, the layouts it comes in, and its start in closed form."""

import torch
from torch import nn
from torch.nn import functional as F

import stylelib

# Convolutions in each of the five blocks, and how many filters each of them has.
LAYOUTS = {"compact": (2, 2, 4, 4, 2), "compact11": (1, 1, 2, 2, 2)}
WIDTHS = {"compact": (24, 48, 96, 176, 320), "compact11": (32, 64, 96, 176, 224)}
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
CONTENT_LAYER = "conv4_2"

# What is subtracted from an RGB picture in 0..1 is VGG-19's own mean, so that zero padding means the same to both
# networks; the division is only for the size of the first layer's weights.
INPUT_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
INPUT_STD = 0.27


def layer_names(layout: str) -> list[str]:
    """Names of a layout's convolutions in order: conv1_1, conv1_2, conv2_1 …"""
    return [f"conv{block}_{index}" for block, count in enumerate(LAYOUTS[layout], 1) for index in range(1, count + 1)]


def block_of(layer: str) -> int:
    """Number of the block that a layer is in: "conv4_2" gives 4."""
    return int(layer[4])


def begins_block(layer: str) -> bool:
    """Whether a pooling stands before this layer."""
    return layer.endswith("_1") and layer != "conv1_1"


class Student(stylelib.Network):
    """A narrow VGG: 3 × 3 convolutions, ReLU, 2 × 2 average pooling between blocks, nothing else.

    There is no batch normalisation: each filter imitates one filter of the teacher, so its scale is known. It is a
    stylelib.Network, so that stylelib can paint with a student in training.

    Parameters
    ----------
    layout
        A name from LAYOUTS.
    widths
        Filters in each block; those of WIDTHS if none are given.
    """

    def __init__(self, layout: str = "compact", widths: tuple[int, ...] | None = None):
        super().__init__(f"{layout} in training", layer_names(layout))
        self.layout, self.widths = layout, tuple(widths or WIDTHS[layout])
        self.convolutions = nn.ModuleDict()
        channels = 3
        for layer in self.layers:
            self.convolutions[layer] = nn.Conv2d(channels, self.widths[block_of(layer) - 1], 3, padding=1)
            channels = self.widths[block_of(layer) - 1]
        self.register_buffer("mean", torch.tensor(INPUT_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: torch.Tensor, layers: list[str] | None = None) -> dict[str, torch.Tensor]:
        """Activations after the ReLU of some layers, or of all. pictures: (N, 3, H, W), RGB, 0 to 1."""
        wanted = self.layers if layers is None else self.check_layers(layers)
        activations: dict[str, torch.Tensor] = {}
        x = (pictures - self.mean) / INPUT_STD
        for layer, convolution in self.convolutions.items():
            x = F.relu(convolution(F.avg_pool2d(x, 2) if begins_block(layer) else x))
            if layer in wanted:
                activations[layer] = x
            if len(activations) == len(wanted):
                break
        return activations

    def multiplications(self, size: int = 256, until: str = "conv5_1") -> int:
        """How many multiplications a square picture of this size costs up to a layer."""
        upto = self.layers[: self.layers.index(until) + 1]
        return sum(self.convolutions[layer].weight.numel() * (size >> block_of(layer) - 1) ** 2 for layer in upto)


def patches(x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The 3 × 3 surroundings of some places of each picture, and a 1: (N, C, h, w) to (N · places, 9 C + 1)."""
    found = F.unfold(x, 3, padding=1)[..., places].transpose(1, 2).flatten(0, 1)
    return torch.cat([found, torch.ones_like(found[:, :1])], 1)


@torch.no_grad()
def start_in_closed_form(
    student: Student,
    crops: torch.Tensor,
    goals: dict[str, torch.Tensor],
    ridge: float = 0.3,
    rounds: int = 12,
    places: int = 300,
) -> dict[str, float]:
    """Fit each layer to its goals by least squares, one after the other, each on the student's own layer before.

    Where a goal is above zero the convolution has to meet it; where it is zero, anything below zero is as good. So the
    goal there is what the last round foretold, but at most zero; a few rounds settle it.

    Parameters
    ----------
    student
        Changed in place.
    crops
        (N, 3, size, size), RGB, 0 to 1.
    goals
        For each layer the activations that its filters should give for these crops.
    ridge
        Added to the diagonal, as a share of its mean, times the number of unknowns over the number of equations.
    rounds
        Of least squares in each layer.
    places
        How many positions of each crop are used at most.

    Returns
    -------
    dict
        For each layer the mean square error, relative to the goals' mean square.
    """
    generator = torch.Generator().manual_seed(0)
    x, errors = (crops - student.mean) / INPUT_STD, {}
    for layer, convolution in student.convolutions.items():
        x = F.avg_pool2d(x, 2) if begins_block(layer) else x
        positions = x.shape[-2] * x.shape[-1]
        some = torch.randperm(positions, generator=generator)[:places]
        inputs = torch.cat([patches(one, some) for one in x.split(8)])
        goal = goals[layer].flatten(2)[..., some].transpose(1, 2).flatten(0, 1)
        product = inputs.T @ inputs
        product.diagonal().add_(ridge * product.diagonal().mean() * inputs.shape[1] / len(inputs))
        factor, wanted = torch.linalg.cholesky(product), goal
        for _ in range(rounds):
            solution = torch.cholesky_solve(inputs.T @ wanted, factor)
            wanted = torch.where(goal > 0, goal, (inputs @ solution).clamp(max=0))
        convolution.weight.copy_(solution[:-1].T.reshape(convolution.weight.shape))
        convolution.bias.copy_(solution[-1])
        x = torch.cat([F.relu(convolution(one)) for one in x.split(8)])
        errors[layer] = ((x - goals[layer]).square().mean() / goals[layer].square().mean()).item()
    return errors
