"""The checks of answers, and the feedback for the reader."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

RELATIVE_TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Attributes
    ----------
    passed : bool
        Whether the answer is right.
    message : str
        A sentence for the reader.
    """

    passed: bool
    message: str

    def __repr__(self) -> str:
        return f"{'✓ Right.' if self.passed else '✗ Not yet.'} {self.message}"


@dataclasses.dataclass(frozen=True)
class Exercise:
    """An exercise whose answer is a function.

    Attributes
    ----------
    inputs : callable
        Takes a torch.Generator and returns random arguments for the function.
    reference : callable
        The right function; it returns a tensor.
    mistakes : Mapping
        {feedback: function that makes this mistake}.
    praise : str
        The feedback for a right answer.
    """

    inputs: Callable[[torch.Generator], tuple[Any, ...]]
    reference: Callable[..., Tensor]
    mistakes: Mapping[str, Callable[..., Tensor]]
    praise: str

    def check(self, answer: Any) -> Verdict:
        """Compare a function with the reference on three sets of random arguments."""
        if not callable(answer):
            kind = type(answer).__name__
            return Verdict(False, f"Pass the function itself, without calling it; this is a {kind}.")
        factors = []  # given / expected, if the answer is a multiple of the right one
        for seed in range(3):
            arguments = self.inputs(torch.Generator().manual_seed(seed))
            try:
                given = answer(*[value.clone() if isinstance(value, Tensor) else value for value in arguments])
                if given is ...:
                    return Verdict(False, "Still to do: put your own line in place of the three dots.")
                if given is None:
                    return Verdict(False, "Your function returned nothing. Is there a `return` at its end?")
                given = torch.as_tensor(given, dtype=torch.float64)
            except Exception as error:  # the reader's code may raise anything
                return Verdict(False, f"Your function stopped with {type(error).__name__}: {error}")
            expected = self.reference(*arguments)
            if given.shape != expected.shape:
                shapes = f"{tuple(expected.shape)}; your function gave {tuple(given.shape)}"
                return Verdict(False, f"The shape should be {shapes}.")
            if not _close(given, expected):
                feedback = self._feedback(arguments, given)
                if feedback is not None:
                    return Verdict(False, feedback)
                factor = ((given * expected).sum() / expected.square().sum()).item()
                factors.append(factor if _close(given, factor * expected) else math.nan)
        if not factors:
            return Verdict(True, self.praise)
        if len(factors) == 3 and max(factors) - min(factors) <= RELATIVE_TOLERANCE * abs(factors[0]):
            return Verdict(False, f"It is off by a constant factor: yours is {factors[0]:.4g} times what it should be.")
        return Verdict(
            False, "The numbers are not those of the definition; work out a 2 × 2 example by hand and compare."
        )

    def _feedback(self, arguments: tuple[Any, ...], given: Tensor) -> str | None:
        """Return the feedback for a wrong answer if it is one of the known mistakes."""
        if not torch.isfinite(given).all():
            return "Your answer contains a NaN or an infinity. Is something divided by zero?"
        for feedback, mistake in self.mistakes.items():
            if _close(given, mistake(*arguments)):
                return feedback
        return None


@dataclasses.dataclass(frozen=True)
class Choice:
    """A multiple-choice question.

    Attributes
    ----------
    right : object
        The right answer.
    wrong : Mapping
        {wrong answer: feedback}.
    praise : str
        The feedback for a right answer.
    """

    right: Any
    wrong: Mapping[Any, str]
    praise: str

    def check(self, answer: Any) -> Verdict:
        """Compare an answer with the right one."""
        if answer is ...:
            return Verdict(False, "Still to do: put your answer in place of the three dots.")
        if isinstance(answer, str):
            answer = answer.strip()
        if answer == self.right:
            return Verdict(True, self.praise)
        known = ", ".join(repr(choice) for choice in sorted([self.right, *self.wrong], key=str))
        return Verdict(False, self.wrong.get(answer, f"The answer is one of {known}; got {answer!r}."))


def _close(given: Tensor, expected: Tensor) -> bool:
    """Return whether two tensors are equal up to rounding."""
    return given.shape == expected.shape and bool((given - expected).norm() <= RELATIVE_TOLERANCE * expected.norm())


def random_activations(generator: torch.Generator) -> Tensor:
    """Return activations of two pictures, four filters and 3 × 5 positions, for an exercise's inputs."""
    return torch.rand(2, 4, 3, 5, generator=generator, dtype=torch.float64)


def whole_number(generator: torch.Generator, low: int, high: int) -> Tensor:
    """Return a random whole number from `low` to `high` - 1, for an exercise's inputs."""
    return torch.randint(low, high, (), generator=generator).double()
