"""Just enough of Gatys' method to look at a network: pictures optimised through it with L-BFGS."""

import torch
from torch.nn import functional as F


def gram(activation: torch.Tensor) -> torch.Tensor:
    flat = activation.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[-1]


def relative_error(value: torch.Tensor, goal: torch.Tensor) -> torch.Tensor:
    """Mean squared error in units of the goal's mean square: comparable between layers and networks."""
    return F.mse_loss(value, goal) / goal.square().mean()


def paint(student, start, content=None, content_layer=None, style=None, style_layers=(), alpha_beta=0.05,
          evaluations=80):  # fmt: skip
    """Optimise `start` towards the content's activations and/or the style's Gram matrices."""
    student.requires_grad_(False)
    wanted = [layer for layer in ([content_layer] if content is not None else []) + list(style_layers)]
    deepest = max(wanted, key=student.names.index)
    with torch.no_grad():
        content_goal = student(content, until=content_layer)[content_layer] if content is not None else None
        style_goals = {}
        if style is not None:
            style_activations = student(style, until=deepest)
            style_goals = {layer: gram(style_activations[layer]) for layer in style_layers}
    picture = start.clone(memory_format=torch.contiguous_format).requires_grad_(True)
    optimiser = torch.optim.LBFGS(
        [picture], max_iter=evaluations, max_eval=evaluations, history_size=20, line_search_fn="strong_wolfe",
        tolerance_grad=0, tolerance_change=0,
    )  # fmt: skip

    def closure():
        optimiser.zero_grad()
        activations = student(picture, until=deepest)
        loss = torch.zeros(())
        if content is not None:
            weight = alpha_beta if style_goals else 1
            loss = loss + weight * relative_error(activations[content_layer], content_goal)
        if style_goals:
            errors = [relative_error(gram(activations[layer]), goal) for layer, goal in style_goals.items()]
            loss = loss + sum(errors) / len(errors)
        loss = 1e4 * loss
        loss.backward()
        return loss

    optimiser.step(closure)
    return picture.detach()


def fine_energy(picture: torch.Tensor) -> float:
    """Mean square of everything finer than about 4 pixels per period (hatching, checkerboard, noise)."""
    spectrum = torch.fft.rfft2(picture.float(), norm="ortho").abs().square()
    frequency = (torch.fft.fftfreq(picture.shape[-2])[:, None] ** 2 + torch.fft.rfftfreq(picture.shape[-1]) ** 2).sqrt()
    return (spectrum * (frequency > 0.25)).sum().item() / picture.numel()
