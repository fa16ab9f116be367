"""What the student is trained for: to answer like the teacher's chosen filters, and to have their Gram matrices."""

import torch
from student import CONTENT_LAYER, STYLE_LAYERS

Parts = dict[str, dict[str, torch.Tensor]]  # {"filters": {layer: error}, "grams": {layer: error}}


def gram_matrices(activations: torch.Tensor) -> torch.Tensor:
    """Gram matrix of each picture for one position, (N, C, h, w) to (N, C, C)."""
    flat = activations.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def errors(seen: dict[str, torch.Tensor], goals: dict[str, torch.Tensor], usual: dict[str, float]) -> Parts:
    """The parts of the loss, each near 1 for a student that knows nothing, and 0 for a perfect one.

    Each is the mean square of a picture's difference over that of its goal, averaged over the pictures.

    Parameters
    ----------
    seen, goals
        The student's activations, and what they should be. The first layer is left out: it is a copy.
    usual
        The usual mean square of each layer's goal. Half of it stands in the denominator, so that a picture that hardly
        excites a layer does not count for more than others.
    """
    parts: Parts = {"filters": {}, "grams": {}}
    for layer, activation in list(seen.items())[1:]:
        activation, goal = activation.float(), goals[layer]
        differences = (activation - goal).flatten(1).square().mean(1)
        squares = goal.flatten(1).square().mean(1)
        parts["filters"][layer] = (differences / (0.5 * squares + 0.5 * usual[layer])).mean()
        if layer in STYLE_LAYERS:
            ours, theirs = gram_matrices(activation), gram_matrices(goal)
            squares = theirs.flatten(1).square().sum(1)
            parts["grams"][layer] = ((ours - theirs).flatten(1).square().sum(1) / squares).mean()
    return parts


def total(parts: Parts, grams: float) -> torch.Tensor:
    """The loss. grams: the weight of the Gram matrices' errors."""
    filters = sum(error * weight_of(layer) for layer, error in parts["filters"].items())
    return filters + grams * sum(parts["grams"].values())


def weight_of(layer: str) -> float:
    """Most for the layers that a transfer looks at, the deep ones above all, which are the hardest; least between."""
    if layer in (*STYLE_LAYERS, CONTENT_LAYER):
        return 2.0 if layer in (CONTENT_LAYER, "conv5_1") else 1.0
    return 0.2 if layer.endswith("_2") else 0.03


def flat(parts: Parts) -> dict[str, float]:
    """{"filters": {"conv2_1": …}} as {"filters conv2_1": number}."""
    return {f"{kind} {layer}": value.item() for kind, found in parts.items() for layer, value in found.items()}


def line(numbers: dict[str, float]) -> str:
    """The numbers in one line, each kind named once."""
    words, kind = [], ""
    for name, value in numbers.items():
        first, layer = name.rsplit(" ", 1)
        words += [] if first == kind else [f"| {first}"]
        kind = first
        words.append(f"{layer.removeprefix('conv')} {value:.3f}")
    return " ".join(words)
