"""The exercises of notebook 05."""

import torch
from torch import Tensor

from stylelib import losses
from stylelib.exercises import gram
from stylelib.exercises.checking import Exercise, maps, random_activations


def _per_position(f: Tensor) -> Tensor:
    return losses.gram_matrix(f) / f[0, 0].numel()


def _squares(f: Tensor, p: Tensor) -> Tensor:
    return (losses.gram_matrix(f) - losses.gram_matrix(p)).square().sum()


def _style(f: Tensor, p: Tensor) -> Tensor:
    return losses.style_layer_loss(f, losses.gram_matrix(p))


def _content_gradient(f: Tensor, p: Tensor) -> Tensor:
    return torch.where(f > 0, f - p, 0.0)


EXERCISES = {
    "gram_matrix": Exercise(
        inputs=lambda generator: (random_activations(generator),),
        reference=_per_position,
        mistakes={
            "That is the sum over the positions, equation 3; the exercise asks for the mean: divide by h·w.": (
                losses.gram_matrix
            ),
            "You divided by N·h·w; the mean is over the positions, so divide by h·w.": (
                lambda f: losses.gram_matrix(f) / f[0].numel()
            ),
            "You divided by h·w twice.": lambda f: losses.gram_matrix(f) / f[0, 0].numel() ** 2,
            "You divided by one side only, not by h·w.": lambda f: losses.gram_matrix(f) / f.shape[-1],
            "You also divided by the number of pictures; each has its own mean.": lambda f: _per_position(f) / len(f),
            "You summed over the pictures of the batch; each has its own Gram matrix.": (
                lambda f: _per_position(f).sum(dim=0, keepdim=True).expand(len(f), -1, -1)
            ),
            "You made one Gram matrix of the whole batch; each picture has its own.": (
                lambda f: _per_position(f).sum(dim=0)
            ),
            "The pictures are mixed up: use flatten(2), which keeps each picture and each filter apart.": (
                lambda f: _per_position(f.transpose(0, 1).reshape(f.shape))
            ),
            **{
                sentence: lambda f, wrong=wrong: wrong(f) / f[0, 0].numel() for sentence, wrong in gram.MISTAKES.items()
            },
            **gram.SCALED_MISTAKES,
        },
        example={"activations": torch.cat([maps((1, 2, 0), (0, 3, 1)), maps((2, 0, 1), (1, 1, 0))])},
        praise="A Gram matrix says which filters are active together, regardless of position.",
    ),
    "style_loss": Exercise(
        inputs=lambda generator: (random_activations(generator)[:1], random_activations(generator)[:1]),
        reference=_style,
        mistakes={
            "You compared the activations themselves; style compares their Gram matrices.": losses.content_loss,
            "You did not divide by the target's size Σ A², which makes the loss relative.": _squares,
            "That is equation 4 as printed, with 1/(4 N² M²); divide by the target's Σ A² instead.": (
                lambda f, p: _squares(f, p) / (4 * f[0].numel() ** 2)
            ),
            "That is the mean of the squares, as mse_loss takes it; divide their sum by the target's Σ A².": (
                lambda f, p: _squares(f, p) / f.shape[1] ** 2
            ),
            "You divided by the picture's Σ G² instead of the target's Σ A²; the target stays the same during a run.": (
                lambda f, p: _style(p, f)
            ),
            "You divided by Σ P², of the activations; divide by Σ A², of their Gram matrix.": (
                lambda f, p: _squares(f, p) / p.square().sum()
            ),
            "You divided entry by entry and then summed; sum numerator and denominator first, then divide.": (
                lambda f, p: ((losses.gram_matrix(f) - losses.gram_matrix(p)) / losses.gram_matrix(p)).square().sum()
            ),
            "You summed before you squared, so opposite errors cancel.": (
                lambda f, p: (
                    (losses.gram_matrix(f) - losses.gram_matrix(p)).sum() ** 2 / losses.gram_matrix(p).square().sum()
                )
            ),
            "You took the mean above and the sum below; take the sum in both.": (
                lambda f, p: _style(f, p) / f.shape[1] ** 2
            ),
            "The divisor is not squared: it is Σ A², not Σ A.": (
                lambda f, p: _squares(f, p) / losses.gram_matrix(p).sum()
            ),
            "The divisor is squared too late: it is Σ A², not (Σ A)².": (
                lambda f, p: _squares(f, p) / losses.gram_matrix(p).sum() ** 2
            ),
            "The differences are not squared.": (
                lambda f, p: (losses.gram_matrix(f) - losses.gram_matrix(p)).abs().sum() / losses.gram_matrix(p).sum()
            ),
            "You took a square root at the end; the loss is the sum of squares itself.": (
                lambda f, p: _style(f, p).sqrt()
            ),
        },
        example={"F": maps((1, 2), (0, 1)), "P": maps((1, 1), (0, 2))},
        praise="The loss is 0 for the same texture, and 1 if no filter is active.",
    ),
    "content_gradient": Exercise(
        inputs=lambda generator: tuple(torch.relu(random_activations(generator) - 0.4) for _ in range(2)),
        reference=_content_gradient,
        mistakes={
            "The ReLU is missing: where F is 0 it passes nothing back, so the gradient is 0 there.": (
                lambda f, p: f - p
            ),
            "The mask asks whether the difference is above 0; it has to ask whether F is.": (
                lambda f, p: torch.relu(f - p)
            ),
            "The sign is wrong: the gradient points towards more loss, so the difference is F − P.": (
                lambda f, p: -_content_gradient(f, p)
            ),
            "Two times too large: the 1/2 in front of equation 1 cancels the 2 of the square.": (
                lambda f, p: 2 * _content_gradient(f, p)
            ),
            "You took the mask from the target P; take it from the picture's own F.": (
                lambda f, p: torch.where(p > 0, f - p, 0.0)
            ),
            "The target is missing: the gradient is F − P where F is above 0.": lambda f, p: f,
            "That is each entry's loss, not its derivative.": lambda f, p: (f - p).square() / 2,
            "That is the loss, equation 1; its gradient has a number for each entry of F.": (
                lambda f, p: (f - p).square().sum() / 2
            ),
        },
        example={"F": maps((0, 2, 3)), "P": maps((1, 1, 4))},
        praise="This is equation 2: the difference itself where the filter is active, else 0.",
    ),
}
