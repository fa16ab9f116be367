"""The exercises of notebook 05."""

import torch
from torch import Tensor

from stylelib import losses
from stylelib.exercises.checking import Exercise, random_activations


def _per_position(f: Tensor) -> Tensor:
    return losses.gram_matrix(f) / f[0, 0].numel()


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
            "You divided by N·h·w: the mean is over the positions alone, not over the filters.": (
                lambda f: losses.gram_matrix(f) / f[0].numel()
            ),
            "You divided by h·w twice.": lambda f: losses.gram_matrix(f) / f[0, 0].numel() ** 2,
            "You summed over the pictures of the batch; each has its own Gram matrix.": (
                lambda f: _per_position(f).sum(dim=0, keepdim=True).expand(len(f), -1, -1)
            ),
            "You also divided by the number of pictures; each has its own mean.": lambda f: _per_position(f) / len(f),
            "The pictures are mixed up: use flatten(2), which keeps each picture and each filter apart.": (
                lambda f: _per_position(f.transpose(0, 1).reshape(f.shape))
            ),
            "You divided by one side only, not by h·w.": lambda f: losses.gram_matrix(f) / f.shape[-1],
            "You subtracted each filter's mean first. That is the covariance; the paper does not do it.": (
                lambda f: _per_position(f - f.mean(dim=(2, 3), keepdim=True))
            ),
            "You scaled the rows to length 1 first; that gives the cosine similarity.": (
                lambda f: losses.gram_matrix(torch.nn.functional.normalize(f.flatten(2), dim=2)[..., None])
            ),
        },
        praise="A Gram matrix says which filters are active together, regardless of position.",
    ),
    "style_loss": Exercise(
        inputs=lambda generator: (random_activations(generator)[:1], random_activations(generator)[:1]),
        reference=_style,
        mistakes={
            "You compared the activations themselves; style compares their Gram matrices.": losses.content_loss,
            "You did not divide by the target's size Σ A², which makes the loss relative.": (
                lambda f, p: (losses.gram_matrix(f) - losses.gram_matrix(p)).square().sum()
            ),
            "You divided by the picture's Σ G² instead of the target's Σ A²; the target stays the same during a run.": (
                lambda f, p: _style(p, f)
            ),
            "You divided by Σ P², of the activations; divide by Σ A², of their Gram matrix.": (
                lambda f, p: (losses.gram_matrix(f) - losses.gram_matrix(p)).square().sum() / p.square().sum()
            ),
            "You divided entry by entry and then summed; sum numerator and denominator first, then divide.": (
                lambda f, p: ((losses.gram_matrix(f) - losses.gram_matrix(p)) / losses.gram_matrix(p)).square().sum()
            ),
            "You summed before you squared, so opposite errors cancel.": (
                lambda f, p: (
                    (losses.gram_matrix(f) - losses.gram_matrix(p)).sum() ** 2 / losses.gram_matrix(p).square().sum()
                )
            ),
            "The divisor is not squared: it is Σ A², not Σ A.": (
                lambda f, p: (
                    (losses.gram_matrix(f) - losses.gram_matrix(p)).square().sum() / losses.gram_matrix(p).sum()
                )
            ),
            "You squared the divisor too late: it is Σ A², not (Σ A)².": (
                lambda f, p: (
                    (losses.gram_matrix(f) - losses.gram_matrix(p)).square().sum() / losses.gram_matrix(p).sum() ** 2
                )
            ),
            "The differences are not squared.": (
                lambda f, p: (losses.gram_matrix(f) - losses.gram_matrix(p)).abs().sum() / losses.gram_matrix(p).sum()
            ),
            "You took a square root at the end; the loss is the sum of squares itself.": lambda f, p: _style(
                f, p
            ).sqrt(),
        },
        praise="The loss is 0 for the same texture, and 1 if no filter is active.",
    ),
    "content_gradient": Exercise(
        inputs=lambda generator: tuple(torch.relu(random_activations(generator) - 0.4) for _ in range(2)),
        reference=_content_gradient,
        mistakes={
            "Right where the filters fire; where F is 0 the ReLU passes nothing back, so the gradient is 0 there.": (
                lambda f, p: f - p
            ),
            "The sign is wrong, and the mask is missing: where F is 0 the gradient is 0.": lambda f, p: p - f,
            "Two times too large, and the mask is missing: where F is 0 the gradient is 0.": lambda f, p: 2 * (f - p),
            "The ReLU's mask asks whether F is above 0, not whether the difference is.": lambda f, p: torch.relu(f - p),
            "The sign is wrong: the gradient points towards more loss, F − P.": (lambda f, p: -_content_gradient(f, p)),
            "Two times too large: the 1/2 in front of equation 1 cancels the 2 of the square.": (
                lambda f, p: 2 * _content_gradient(f, p)
            ),
            "You took the mask from the target P; take it from the picture's own F.": (
                lambda f, p: torch.where(p > 0, f - p, 0.0)
            ),
            "That is each entry's loss, not its derivative.": lambda f, p: 0.5 * (f - p).square(),
        },
        praise="This is equation 2: the difference itself where the filter is active, else 0.",
    ),
}
