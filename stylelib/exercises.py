"""The checks behind the notebooks' exercises.

    from stylelib.exercises import check
    check("gram_matrix", my_gram_matrix)

A check calls the reader's function on random inputs, compares with a reference, and says in a sentence what is right or
wrong. The usual mistakes are recognised by what they compute.
"""

import dataclasses
import math
from collections.abc import Callable

import torch

from stylelib import losses
from stylelib.errors import check_choice

RELATIVE_TOLERANCE = 1e-4


def close(given, expected):
    """Equal up to rounding."""
    return given.shape == expected.shape and bool((given - expected).norm() <= RELATIVE_TOLERANCE * expected.norm())


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise.

    inputs: makes random arguments from a generator. reference: the right function. mistakes: {what to say to who makes
    one: the function that makes it}.
    """

    inputs: Callable
    reference: Callable
    mistakes: dict
    praise: str


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a check found: `passed`, and a sentence."""

    passed: bool
    message: str

    def __repr__(self):
        return f"{'✓ Right.' if self.passed else '✗ Not yet.'} {self.message}"


def check(name, answer):
    """Check the reader's function; returns a Verdict, which shows itself at the end of a cell."""
    exercise = EXERCISES[check_choice("exercise", name, EXERCISES)]
    if not callable(answer):
        return Verdict(False, f"Hand over the function itself, without calling it; this is a {type(answer).__name__}.")
    factors = []
    for seed in range(3):
        arguments = exercise.inputs(torch.Generator().manual_seed(seed))
        try:
            given = answer(*[one.clone() for one in arguments])
            if given is ...:
                return Verdict(False, "Still to do: put your own line in the place of the three dots.")
            if given is None:
                return Verdict(False, "Your function returned nothing: is there a `return` at its end?")
            given = torch.as_tensor(given, dtype=torch.float64)
        except Exception as error:  # the reader's code may raise anything
            return Verdict(False, f"Your function stopped with {type(error).__name__}: {error}")
        expected = exercise.reference(*arguments)
        if given.shape != expected.shape:
            return Verdict(False, _wrong_shape(given, expected))
        if not close(given, expected):
            factor = ((given * expected).sum() / expected.square().sum()).item()
            factors.append(factor if close(given, factor * expected) else math.nan)
            wrong = _mistake(exercise, arguments, given)
            if wrong:
                return Verdict(False, wrong)
    if not factors:
        return Verdict(True, exercise.praise)
    if len(factors) == 3 and max(factors) - min(factors) <= RELATIVE_TOLERANCE * abs(factors[0]):
        return Verdict(False, f"It is off by a constant factor: yours is {factors[0]:.4g} times what it should be.")
    return Verdict(False, "The numbers are not those of the definition; work a 2 × 2 example out by hand and compare.")


def _wrong_shape(given, expected):
    return f"The shape should be {tuple(expected.shape)}; your function gave {tuple(given.shape)}."


def _mistake(exercise, arguments, given):
    """What to say of a wrong answer, if it is one of the known mistakes; else None."""
    if not torch.isfinite(given).all():
        return "There is a NaN or an infinity in it: is something divided by zero?"
    for sentence, mistake in exercise.mistakes.items():
        if close(given, mistake(*arguments)):
            return sentence
    return None


# ------------------------------------------------------------------------------------------------------ the exercises


def _activations(generator):
    return torch.rand(2, 4, 3, 5, generator=generator, dtype=torch.float64)


def _per_position(f):
    return losses.gram_matrix(f) / f[0, 0].numel()


def _style(f, p):
    return losses.style_layer_loss(f, losses.gram_matrix(p))


def _content_gradient(f, p):
    return torch.where(f > 0, f - p, 0.0)


EXERCISES = {
    "mean_colour": Exercise(
        inputs=lambda generator: (torch.rand(1, 3, 6, 8, generator=generator, dtype=torch.float64),),
        reference=lambda picture: picture.mean(dim=(0, 2, 3)),
        mistakes={
            "That is the sum; divide by the number of pixels, or use .mean.": lambda picture: picture.sum(
                dim=(0, 2, 3)
            ),
            "Red and blue are swapped: the colours stand in the order red, green, blue.": (
                lambda picture: picture.mean(dim=(0, 2, 3)).flip(0)
            ),
            "All three numbers are the mean over all colours; keep the colours apart.": (
                lambda picture: picture.mean().expand(3)
            ),
            "That is the brightest value of each colour, not the mean.": lambda picture: picture.amax(dim=(0, 2, 3)),
            "That is the colour of one pixel alone.": lambda picture: picture[0, :, 0, 0],
            "That is the median; it is close, but it is not the mean.": (
                lambda picture: picture.flatten(2).median(dim=2).values[0]
            ),
        },
        praise="The crudest style there is: it says which colours, and nothing about where. The Gram matrix says more.",
    ),
    "gram_matrix": Exercise(
        inputs=lambda generator: (_activations(generator),),
        reference=_per_position,
        mistakes={
            "That is the sum over the places, equation 3; the exercise asks for the mean: divide by h·w.": (
                losses.gram_matrix
            ),
            "You divided by N·h·w: the mean is over the places alone, not over the filters.": (
                lambda f: losses.gram_matrix(f) / f[0].numel()
            ),
            "You divided by h·w twice.": lambda f: losses.gram_matrix(f) / f[0, 0].numel() ** 2,
            "You added the pictures of the batch up: each has a Gram matrix of its own.": (
                lambda f: _per_position(f).sum(dim=0, keepdim=True).expand(len(f), -1, -1)
            ),
            "You divided by the number of pictures too: each has a mean of its own.": lambda f: (
                _per_position(f) / len(f)
            ),
            "The pictures got mixed: use flatten(2), which keeps each picture and each filter apart.": (
                lambda f: _per_position(f.transpose(0, 1).reshape(f.shape))
            ),
            "You divided by one side only, not by h·w.": lambda f: losses.gram_matrix(f) / f.shape[-1],
            "You subtracted each filter's mean first: that is the covariance, and the paper does not.": (
                lambda f: _per_position(f - f.mean(dim=(2, 3), keepdim=True))
            ),
            "You brought the rows to length 1 first: that is the cosine similarity.": (
                lambda f: losses.gram_matrix(torch.nn.functional.normalize(f.flatten(2), dim=2)[..., None])
            ),
        },
        praise="A Gram matrix: which filters fire together, wherever that is.",
    ),
    "style_loss": Exercise(
        inputs=lambda generator: (_activations(generator)[:1], _activations(generator)[:1]),
        reference=_style,
        mistakes={
            "You compared the activations themselves; style compares their Gram matrices.": losses.content_loss,
            "You did not divide by the target's own size Σ A², which is what makes the loss relative.": (
                lambda f, p: (losses.gram_matrix(f) - losses.gram_matrix(p)).square().sum()
            ),
            "You divided by the picture's Σ G² instead of the target's Σ A²; the target stays the same in a run.": (
                lambda f, p: _style(p, f)
            ),
            "You divided by the activations P; divide by the size of their Gram matrix A.": (
                lambda f, p: (losses.gram_matrix(f) - losses.gram_matrix(p)).square().sum() / p.square().sum()
            ),
            "You divided entry by entry and added up afterwards; add up first, above and below, then divide.": (
                lambda f, p: ((losses.gram_matrix(f) - losses.gram_matrix(p)) / losses.gram_matrix(p)).square().sum()
            ),
            "You added up before you squared: opposite errors cancel.": (
                lambda f, p: (
                    (losses.gram_matrix(f) - losses.gram_matrix(p)).sum() ** 2 / losses.gram_matrix(p).square().sum()
                )
            ),
            "What you divide by has to be squared too: Σ A², not Σ A.": (
                lambda f, p: (
                    (losses.gram_matrix(f) - losses.gram_matrix(p)).square().sum() / losses.gram_matrix(p).sum()
                )
            ),
            "What you divide by is squared too late: Σ A², not (Σ A)².": (
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
        praise="0 for the same texture, 1 for an empty picture.",
    ),
    "content_gradient": Exercise(
        inputs=lambda generator: tuple(torch.relu(_activations(generator) - 0.4) for _ in range(2)),
        reference=_content_gradient,
        mistakes={
            "Right where the filters fire; where F is 0 the ReLU passes nothing back, so the gradient is 0 there.": (
                lambda f, p: f - p
            ),
            "The sign is turned round, and the mask is missing: where F is 0 the gradient is 0.": lambda f, p: p - f,
            "Twice too much, and the mask is missing: where F is 0 the gradient is 0.": lambda f, p: 2 * (f - p),
            "The ReLU's mask asks whether F is above 0, not whether the difference is.": lambda f, p: torch.relu(f - p),
            "The sign is turned round: the gradient points towards more loss, F − P.": (
                lambda f, p: -_content_gradient(f, p)
            ),
            "Twice too much: the 1/2 in front of equation 1 takes the 2 of the square away.": (
                lambda f, p: 2 * _content_gradient(f, p)
            ),
            "You took the mask from the target P; it is the picture's own F that has to fire.": (
                lambda f, p: torch.where(p > 0, f - p, 0.0)
            ),
            "That is each entry's loss, not its derivative.": lambda f, p: 0.5 * (f - p).square(),
        },
        praise="Equation 2: the error itself, where there is something to change.",
    ),
}
