"""VGG: the network that turns pictures into named activations.

    net = load_network("compact")
    net(picture, ["conv1_1", "conv4_2"])    # {"conv1_1": tensor (1, 42, H, W), "conv4_2": tensor (1, 284, H/8, W/8)}

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014. A VGG is five blocks
of 3 × 3 convolutions, each followed by a ReLU; between the blocks a pooling halves height and width. The paper names a
layer by block and convolution: conv4_2 is the second convolution of the fourth block. Its activations are read after
the ReLU.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from stylelib.images import check_shape
from stylelib.protocols.network import Network
from stylelib.support.errors import InputError, check_choice
from stylelib.support.tables import Table

LAYOUTS = {  # convolutions in each of the five blocks
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
    "compact": (2, 2, 4, 4, 2),
    "compact11": (1, 1, 2, 2, 2),
}
WIDTHS = {  # filters of each convolution, by block
    **dict.fromkeys(("vgg11", "vgg13", "vgg16", "vgg19"), (64, 128, 256, 512, 512)),
    "compact": (24, 48, 96, 176, 320),
    "compact11": (32, 64, 96, 176, 224),
}
POOLINGS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "avg": torch.nn.functional.avg_pool2d,
    "max": torch.nn.functional.max_pool2d,
}


def block_of(layer: str) -> int:
    """Return the number of the block a layer is in: "conv4_2" → 4."""
    return int(layer.removeprefix("conv").split("_")[0])


def stride_of(layer: str) -> int:
    """Return the distance in pixels between neighbouring positions of a layer; it doubles at each pooling."""
    return int(2 ** (block_of(layer) - 1))


def begins_block(layer: str) -> bool:
    """Return whether a pooling comes before this layer."""
    return layer.endswith("_1") and layer != "conv1_1"


def layer_names(layout: Sequence[int]) -> list[str]:
    """Return the names of a layout's convolutions, in order: (1, 2) → ["conv1_1", "conv2_1", "conv2_2"]."""
    return [f"conv{block}_{index}" for block, count in enumerate(layout, 1) for index in range(1, count + 1)]


class VGG(Network):
    """The convolutions of a VGG, with their ReLUs and poolings; the weights are frozen.

    Parameters
    ----------
    layout : Sequence of int
        The number of convolutions in each block.
    tensors : Mapping
        The weights: {"conv1_1.weight": (C, 3, 3, 3), "conv1_1.bias": (C,), …}.
    mean, std : Sequence of float
        Three numbers each, for R, G and B. The weights expect (picture − mean) / std, where the picture is 0 to 1.
    pooling : str
        "avg" or "max".
    name, source : str
        Its name in captions, and where its weights come from.
    identity : dict, optional
        See `Network`.

    Attributes
    ----------
    convolutions : ModuleDict
        {layer: Conv2d}, each with a buffer `scale`, see `scales`.
    engine : object or None
        A faster implementation of `forward` (`stylelib.engine`); None means the code below.
    precision : str
        "exact", "mixed" or "fast", see `stylelib.engine.engine`.
    """

    def __init__(
        self,
        layout: Sequence[int],
        tensors: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        pooling: str = "avg",
        name: str = "",
        source: str = "",
        identity: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(name, layer_names(layout))
        self.pool = POOLINGS[check_choice("pooling", pooling, POOLINGS)]
        self.pooling, self.source, self.identity = pooling, source, identity or {}
        self.precision, self.engine = "exact", None  # type: str, Any
        self.made_of = ""  # which weights, and how they were normalised; set by load_network
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).reshape(1, 3, 1, 1))
        made = {layer: _convolution(tensors[f"{layer}.weight"], tensors[f"{layer}.bias"]) for layer in self.layers}
        self.convolutions = cast("Mapping[str, torch.nn.Conv2d]", torch.nn.ModuleDict(made))
        self.eval().requires_grad_(False)

    def forward(self, pictures: Tensor, layers: str | Sequence[str]) -> dict[str, Tensor]:
        """Return the rectified activations of the named layers.

        Parameters
        ----------
        pictures : Tensor
            (N, 3, H, W), RGB, 0 to 1, on any device.
        layers : str or Sequence of str
            Layer names; the computation stops at the deepest one.

        Returns
        -------
        dict of str to Tensor
            {layer: (N, C, h, w)} on the network's device, in the order of the network, differentiable with respect to
            the pictures.

        Raises
        ------
        InputError
            For unknown layers, and for pictures too small for the deepest one.
        """
        wanted = self.check_layers(layers)
        self.check_size(check_shape(pictures, "the network's input"), wanted)
        activations = {}
        x = (pictures.to(self.mean) - self.mean) / self.std  # .to(mean) gives the network's device and precision
        if self.engine is not None and self.engine.takes(self, x):
            return dict(self.engine(self, x, wanted))  # the same as below, but faster
        for layer, convolution in self.convolutions.items():
            if begins_block(layer):
                x = self.pool(x, 2)
            x = torch.relu(convolution(x))
            if layer in wanted:
                activations[layer] = x
            if len(activations) == len(wanted):
                break
        return activations

    def check_size(self, pictures: Tensor, layers: Sequence[str]) -> None:
        deepest = max(layers, key=self.layers.index)
        least, shorter = stride_of(deepest), min(pictures.shape[-2:])
        if shorter < least:
            raise InputError(
                f"{deepest} of {self.name} needs pictures of at least {least} pixels on the shorter side; "
                f"this one has {shorter}. Use a larger size or a shallower layer."
            )

    @property
    def scales(self) -> dict[str, Tensor]:
        """The numbers that the normalisation divided each filter's activations by, {layer: (C,)}."""
        return {layer: convolution.get_buffer("scale") for layer, convolution in self.convolutions.items()}

    def filters(self, layer: str) -> int:
        """Return the number of filters of a layer, the paper's N_l."""
        return int(self.convolutions[check_choice(f"layer in {self.name}", layer, self.layers)].out_channels)

    def stride(self, layer: str) -> int:
        """Return the distance in pixels between neighbouring positions of a layer."""
        return stride_of(check_choice(f"layer in {self.name}", layer, self.layers))

    def receptive_field(self, layer: str) -> int:
        """Return the side, in pixels, of the square of the picture that one position of the layer depends on."""
        check_choice(f"layer in {self.name}", layer, self.layers)
        field, stride = 1, 1
        for name in self.layers[: self.layers.index(layer) + 1]:
            if begins_block(name):
                field, stride = field + stride, 2 * stride  # a 2 × 2 pooling adds one step of the resolution before it
            field += 2 * stride  # a 3 × 3 convolution adds one step on either side
        return field

    def memory(self, pictures: Tensor, layers: Sequence[str], runs: int = 1) -> int:
        """Estimate the memory of a loss's gradient, see `Network.memory`; the measured need is 0.7 to 1 times that.

        Without an engine, it is the size of all activations, of two gradients as large as the largest layer, and of a
        gradient for each layer that the loss looks at.
        """
        count, _, height, width = pictures.shape
        numbers = {
            layer: count * self.filters(layer) * (height // stride_of(layer)) * (width // stride_of(layer))
            for layer in self.layers[: max(map(self.layers.index, layers)) + 1]
        }
        if self.engine is not None:
            return int(self.engine.memory(self, pictures, numbers, layers, runs))
        return 4 * (sum(numbers.values()) + 2 * max(numbers.values()) + sum(numbers[layer] for layer in layers))

    def table(self, size: int = 256) -> Table:
        """Return a table of the layers, for a terminal or a notebook.

        Parameters
        ----------
        size : int
            Side of a square picture in pixels, for which the cost is counted.

        Returns
        -------
        Table
            A row for each layer.
        """
        rows = []
        for layer, convolution in self.convolutions.items():
            parameters = sum(tensor.numel() for tensor in convolution.parameters())
            cost = round(convolution.weight.numel() * (size // stride_of(layer)) ** 2 / 1e6, 1)
            rows.append((layer, self.filters(layer), stride_of(layer), self.receptive_field(layer), parameters, cost))
        cost_title = f"million multiplications at {size} px"
        columns = ("layer", "channels", "stride", "receptive field", "parameters", cost_title)
        return Table(columns, rows, f"{self.describe()}, {sum(row[4] for row in rows):,} parameters")

    def describe(self) -> str:
        """Return one line for captions: the network, its weights and its pooling."""
        precision = "" if self.precision == "exact" else f"; {self.precision} precision"
        return f"{self.name} ({self.source.removeprefix(f'{self.name}: ')}; {self.pooling} pooling{precision})"

    def __repr__(self) -> str:
        return f"VGG({self.describe()}: {self.layers[0]} … {self.layers[-1]})"

    def fingerprint(self) -> str:
        """Return the SHA-256 of everything that the activations depend on, in hexadecimal; equal on every machine.

        It hashes the weights as they were stored, because their last bits after the normalisation depend on the CPU.
        """
        rounded = " fast" if self.precision == "fast" else ""
        digest = hashlib.sha256(f"{self.pooling} {self.made_of}{rounded}".encode())
        if self.made_of:
            return digest.hexdigest()
        for tensor in (self.mean, self.std, *self.parameters()):
            digest.update(tensor.detach().cpu().numpy().tobytes())
        return digest.hexdigest()


def _convolution(weight: Tensor, bias: Tensor) -> torch.nn.Conv2d:
    convolution = torch.nn.Conv2d(weight.shape[1], weight.shape[0], kernel_size=3, padding=1, dtype=torch.float32)
    convolution.load_state_dict({"weight": weight, "bias": bias})
    convolution.register_buffer("scale", torch.ones(weight.shape[0], dtype=torch.float32))
    return convolution
