"""Adam in coordinates in which a layer's inputs are independent and equally strong.

Activations after a ReLU are all positive, and neighbours say nearly the same: seen from the filters, a few directions
of the input hold nearly all of its strength, and Adam learns the others slowly. Here each layer's gradient is turned
into the main directions of its input patches, each weighed by the inverse root of its strength; Adam's step is taken
there, and turned back. What is fitted in closed form at the start uses the same products of inputs.
"""

import torch
from student import INPUT_STD, Student, begins_block, patches
from torch.nn import functional as F

WARM_UP = 30  # steps
LARGEST = 2000  # inputs of a filter, up to which its coordinates are sought: it takes their cube in time


class Layer:
    """One convolution's coordinates, and what Adam remembers in them.

    Parameters
    ----------
    convolution
        Its weight and bias are changed.
    """

    def __init__(self, convolution: torch.nn.Conv2d):
        self.convolution = convolution
        filters, inputs = convolution.weight.flatten(1).shape
        self.turn: torch.Tensor | None = None  # its columns are the directions; None: as the inputs are
        self.mean, self.square = torch.zeros(filters, inputs + 1), torch.zeros(filters, inputs + 1)
        self.size = 1.0

    @torch.no_grad()
    def look(self, inputs: torch.Tensor, damping: float) -> None:
        """Find the coordinates anew. inputs: (places, inputs + 1)."""
        joined = torch.cat([self.convolution.weight.flatten(1), self.convolution.bias[:, None]], 1)
        if inputs.shape[1] > LARGEST:
            self.turn = None
        else:
            strengths, directions = torch.linalg.eigh(inputs.T @ inputs / len(inputs))
            weights = (strengths.clamp(min=0) + damping * strengths.mean()).sqrt()
            self.turn = directions / weights
            joined = joined @ directions * weights
        self.size = joined.square().mean().sqrt().item()
        self.mean.zero_()
        self.square.zero_()

    @torch.no_grad()
    def step(self, rate: float, betas: tuple[float, float], number: int) -> None:
        """One step of Adam; number: how many since the coordinates were found."""
        weight, bias = self.convolution.weight, self.convolution.bias
        gradient = torch.cat([weight.grad.flatten(1), bias.grad[:, None]], 1)
        gradient = gradient if self.turn is None else gradient @ self.turn
        self.mean.lerp_(gradient, 1 - betas[0])
        self.square.lerp_(gradient.square(), 1 - betas[1])
        spread = (self.square / (1 - betas[1] ** number)).sqrt() + 1e-12
        move = self.mean / (1 - betas[0] ** number) / spread
        move = move if self.turn is None else move @ self.turn.T
        weight.sub_(move[:, :-1].reshape(weight.shape), alpha=rate * self.size)
        bias.sub_(move[:, -1], alpha=rate * self.size)


class TurnedAdam:
    """Adam for a student's convolutions, but for conv1_1, which is the teacher's already.

    Parameters
    ----------
    student
        Its weights are changed.
    damping
        Added to each direction's strength, as a share of their mean.
    """

    BETAS = (0.9, 0.99)

    def __init__(self, student: Student, damping: float = 0.03):
        self.student, self.damping, self.number = student, damping, 0
        student.convolutions["conv1_1"].requires_grad_(False)
        self.layers = {layer: Layer(student.convolutions[layer]) for layer in student.layers[1:]}

    @torch.no_grad()
    def look(self, crops: torch.Tensor, places: int = 150) -> None:
        """Find each layer's coordinates for the student as it is, from some places of some crops."""
        self.number = 0
        x = (crops - self.student.mean) / INPUT_STD
        for layer, convolution in self.student.convolutions.items():
            x = F.avg_pool2d(x, 2) if begins_block(layer) else x
            some = torch.arange(0, x.shape[-2] * x.shape[-1], max(1, x.shape[-2] * x.shape[-1] // places))
            if layer in self.layers:
                self.layers[layer].look(torch.cat([patches(one, some) for one in x.split(8)]), self.damping)
            x = F.relu(convolution(x))

    def parameters(self) -> list[torch.nn.Parameter]:
        return [value for layer in self.layers.values() for value in layer.convolution.parameters()]

    def step(self, rate: float) -> None:
        """One step; rate: how far a filter moves, relative to its size. After each look it grows from nothing."""
        self.number += 1
        for layer in self.layers.values():
            layer.step(rate * min(1, self.number / WARM_UP), self.BETAS, self.number)

    def state(self) -> dict:
        kept = ("turn", "mean", "square", "size")
        layers = {name: {key: getattr(layer, key) for key in kept} for name, layer in self.layers.items()}
        return {"number": self.number, "layers": layers}

    def restore(self, state: dict) -> None:
        self.number = state["number"]
        for name, layer in self.layers.items():
            vars(layer).update(state["layers"][name])
