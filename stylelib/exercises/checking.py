"""How an answer is checked, and what is said of it."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch

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

    def check(self, answer):
        if not callable(answer):
            return Verdict(
                False, f"Hand over the function itself, without calling it; this is a {type(answer).__name__}."
            )
        factors = []
        for seed in range(3):
            arguments = self.inputs(torch.Generator().manual_seed(seed))
            try:
                given = answer(*[one.clone() if isinstance(one, torch.Tensor) else one for one in arguments])
                if given is ...:
                    return Verdict(False, "Still to do: put your own line in the place of the three dots.")
                if given is None:
                    return Verdict(False, "Your function returned nothing: is there a `return` at its end?")
                given = torch.as_tensor(given, dtype=torch.float64)
            except Exception as error:  # the reader's code may raise anything
                return Verdict(False, f"Your function stopped with {type(error).__name__}: {error}")
            expected = self.reference(*arguments)
            if given.shape != expected.shape:
                return Verdict(False, _wrong_shape(given, expected))
            if not close(given, expected):
                factor = ((given * expected).sum() / expected.square().sum()).item()
                factors.append(factor if close(given, factor * expected) else math.nan)
                wrong = _mistake(self, arguments, given)
                if wrong:
                    return Verdict(False, wrong)
        if not factors:
            return Verdict(True, self.praise)
        if len(factors) == 3 and max(factors) - min(factors) <= RELATIVE_TOLERANCE * abs(factors[0]):
            return Verdict(False, f"It is off by a constant factor: yours is {factors[0]:.4g} times what it should be.")
        return Verdict(
            False, "The numbers are not those of the definition; work a 2 × 2 example out by hand and compare."
        )


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a check found: `passed`, and a sentence."""

    passed: bool
    message: str

    def __repr__(self):
        return f"{'✓ Right.' if self.passed else '✗ Not yet.'} {self.message}"


@dataclasses.dataclass(frozen=True)
class Choice:
    """A question with a few answers to choose from. wrong: {answer: what to say to who gives it}."""

    right: Any
    wrong: dict
    praise: str

    def check(self, answer):
        if answer is ...:
            return Verdict(False, "Still to do: put your answer in the place of the three dots.")
        if isinstance(answer, str):
            answer = answer.strip()
        if answer == self.right:
            return Verdict(True, self.praise)
        known = ", ".join(repr(one) for one in sorted([self.right, *self.wrong], key=str))
        return Verdict(False, self.wrong.get(answer, f"The answer is one of {known}; got {answer!r}."))


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


def random_activations(generator):
    """Activations of two pictures, four filters and 3 × 5 places, for an exercise's inputs."""
    return torch.rand(2, 4, 3, 5, generator=generator, dtype=torch.float64)
