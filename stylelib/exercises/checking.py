"""The checks of answers, and the feedback for the reader."""

import copy
import dataclasses
import inspect
import numbers
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.exercises.failures import STILL_TO_DO, explain, near
from stylelib.support.errors import shown

RELATIVE_TOLERANCE = 1e-4
MOST_NUMBERS = 24  # that an example shows
CASES = 3


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Attributes
    ----------
    passed : bool
        Whether the answer is right.
    message : str
        A sentence for the reader; for a wrong function, also a line with an example.
    """

    passed: bool
    message: str

    def __repr__(self) -> str:
        return f"{'✓ Right.' if self.passed else '✗ Not yet.'} {self.message}"


class Unusable(Exception):
    """An answer whose numbers cannot be compared; the message is a sentence for the reader."""


@dataclasses.dataclass(frozen=True)
class Exercise:
    """An exercise whose answer is a function.

    Attributes
    ----------
    inputs : callable
        Takes a torch.Generator and returns random arguments for the function.
    reference : callable
        The right function; it returns a tensor, a number or several numbers.
    mistakes : Mapping
        {feedback: function that makes this mistake}.
    example : Mapping
        {name of an argument: its value}, small enough to compute by hand. Every mistake shows in it.
    praise : str
        The feedback for a right answer.
    wording : str
        How the example reads, where its numbers are too many to print.
    """

    inputs: Callable[[torch.Generator], tuple[Any, ...]]
    reference: Callable[..., Any]
    mistakes: Mapping[str, Callable[..., Any]]
    example: Mapping[str, Any]
    praise: str
    wording: str = ""

    def check(self, answer: Any, seed: int = 0) -> Verdict:
        """Compare a function with the reference on three sets of random arguments, from this seed on."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what PyTorch warns of is no feedback for a reader
            return self._verdict(answer, self.cases(seed))

    def cases(self, seed: int = 0) -> list[tuple[Any, ...]]:
        """Return the three sets of random arguments, with numbers that single precision can hold.

        Both functions get the same numbers so.
        """
        seeds = range(seed, seed + CASES)
        return [_single_precision(self.inputs(torch.Generator().manual_seed(one))) for one in seeds]

    def _verdict(self, answer: Any, cases: list[tuple[Any, ...]]) -> Verdict:
        expected = [numbers_of(self.reference(*case)) for case in cases]
        try:
            self._check_function(answer)
            given = [self._outcome(answer, case, right) for case, right in zip(cases, expected, strict=True)]
        except Unusable as reason:
            return Verdict(False, f"{reason}\n{self._compared(answer)}")
        if all(map(_close, given, expected)):
            return Verdict(True, self.praise)
        return Verdict(False, f"{self._diagnosis(cases, given, expected)}\n{self._compared(answer)}")

    def _check_function(self, answer: Any) -> None:
        """Raise Unusable for what cannot be called with the exercise's arguments."""
        if answer is ...:
            raise Unusable(STILL_TO_DO)
        if isinstance(answer, type) or not callable(answer):
            raise Unusable(f"Hand in a function, by its name and without calling it; got {_named(answer)}.")
        if inspect.iscoroutinefunction(answer):
            raise Unusable("Your function begins with `async def`; write `def`.")
        try:
            signature = inspect.signature(answer)
        except Exception:  # a built-in function may have none
            return
        try:
            signature.bind(*self.example)
        except TypeError:
            count = "one argument" if len(self.example) == 1 else f"{len(self.example)} arguments"
            begin = f"def my_function({', '.join(self.example)}):"
            raise Unusable(f"Your function has to take {count}. Begin it with `{begin}`.") from None

    def _outcome(self, answer: Callable[..., Any], arguments: Sequence[Any], right: Tensor) -> Tensor:
        """Return the numbers that the reader's function gives, or raise Unusable."""
        handed = [
            value.to(torch.float32, copy=True) if isinstance(value, Tensor) else copy.copy(value) for value in arguments
        ]
        try:
            returned = answer(*handed)
        except (Exception, SystemExit) as error:  # the reader's code may raise anything
            raise Unusable(explain(error, answer)) from None
        if returned is ... or (isinstance(returned, tuple | list) and any(entry is ... for entry in returned)):
            raise Unusable(STILL_TO_DO)
        if returned is None:
            raise Unusable("Your function returned nothing. End it with `return` and the result.")
        for name, before, after in zip(self.example, arguments, handed, strict=True):
            if not _same(before, after):
                copied = f"{name}.{'clone' if isinstance(before, Tensor) else 'copy'}()"
                raise Unusable(
                    f"Your function changes `{name}` itself, so a second call would get other values. Work on "
                    f"`{copied}`, or compute a new value: `x = x / 2` makes one, `x /= 2` does not."
                )
        try:
            return numbers_of(returned)
        except Exception:  # of many types, one for each kind of object
            wanted = f"a tensor of shape {tuple(right.shape)}" if right.dim() else "a number"
            raise Unusable(f"Your function returned {_kind(returned)}; it should return {wanted}.") from None

    def _diagnosis(self, cases: list[tuple[Any, ...]], given: list[Tensor], expected: list[Tensor]) -> str:
        """Say what is wrong with the numbers."""
        if not all(outcome.isfinite().all() for outcome in given):
            return "Your answer contains a NaN or an infinity. Look for a division by zero, or the root of a negative."
        factors = {
            sentence: _factor(given, [numbers_of(mistake(*case)) for case in cases])
            for sentence, mistake in self.mistakes.items()
        }
        for sentence, factor in factors.items():
            if factor is not None and abs(factor - 1) <= RELATIVE_TOLERANCE:
                return sentence
        if given[0].shape != expected[0].shape:
            return _wrong_shape(given[0], expected[0])
        if all(_close(outcome, given[0]) for outcome in given):
            return "Your function gives the same numbers for every input. Use its arguments."
        if factor := _factor(given, expected):
            return f"It is off by a constant factor: yours is {factor:.4g} times what it should be."
        for sentence, factor in factors.items():
            if factor:
                return f"{sentence} Besides, there is a wrong factor of {factor:.4g}."
        if all(_close(outcome, right, 0.01) for outcome, right in zip(given, expected, strict=True)):
            return "It is less than 1 % off. Look for rounding, or for a small number that you added."
        if all(_close(outcome, right.trunc()) for outcome, right in zip(given, expected, strict=True)):
            return "Your numbers are cut to whole ones. Return them with their fractions."
        return "The numbers are not the right ones yet. Compute the example below step by step."

    def _compared(self, answer: Any) -> str:
        """Return a line with the example: what the reader's function gives for it, and what it should give."""
        arguments = tuple(self.example.values())
        right = numbers_of(self.reference(*arguments))
        example = self.wording or ", ".join(f"{name} = {_written(value)}" for name, value in self.example.items())
        try:
            self._check_function(answer)
            given = self._outcome(answer, arguments, right)
        except Unusable:
            return f"Example: for {example} it should give {_written(right)}."
        if _close(given, right):
            return f"Example: for {example} yours gives {_written(right)}, which is right; for larger inputs it is not."
        alike = given.shape == right.shape
        return f"Example: for {example} yours gives {_written(given, alike)}; it should give {_written(right, alike)}."


@dataclasses.dataclass(frozen=True)
class Choice:
    """A question whose answer is a name or a number. No message names the right one.

    Attributes
    ----------
    right : str or int
        The right answer, or an object that is equal to it.
    wrong : Mapping
        {wrong answer: feedback}.
    otherwise : str
        The feedback for any other answer.
    praise : str
        The feedback for a right answer.
    names : Sequence of str
        The names that exist, where the answer is one.
    """

    right: object
    wrong: Mapping[Any, str]
    otherwise: str
    praise: str
    names: Sequence[str] = ()

    def check(self, answer: Any, seed: int = 0) -> Verdict:
        """Compare an answer with the right one; the seed makes no difference."""
        if answer is ...:
            return Verdict(False, "Still to do: put your answer in place of the three dots.")
        plain = _plain(answer)
        if not isinstance(plain, str if self.names else numbers.Real) or isinstance(plain, bool):
            wanted = "a name in quotation marks" if self.names else "a number, without quotation marks"
            return Verdict(False, f"The answer is {wanted}; got {_named(answer)}.")
        if plain == self.right:
            return Verdict(True, self.praise)
        if isinstance(plain, str) and plain not in (*self.names, *self.wrong):
            meant = [name for name in self.names if _digits(name) == _digits(plain)]  # only what the reader wrote
            return Verdict(False, f"There is no layer {shown(answer)}{near(plain, meant, 0)} A name is like `conv5_4`.")
        return Verdict(False, self.wrong.get(plain, self.otherwise))


def _plain(answer: Any) -> Any:
    """Return a name in lower case, and the number in a tensor or an array that has one."""
    if isinstance(answer, str):
        return answer.strip().lower()
    try:
        return answer.item()
    except Exception:  # it has no `item`, or several numbers
        return answer


def _digits(name: str) -> list[str]:
    return [letter for letter in name if letter.isdigit()]


def numbers_of(values: Any) -> Tensor:
    """Return values as a tensor of double precision; raise an error if they are not real numbers."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().to_dense()
    tensor = torch.as_tensor(values)
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise TypeError("not real numbers")
    return tensor.double()


def _single_precision(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments whose numbers single precision can hold."""
    return tuple(value.float().double() if isinstance(value, Tensor) else value for value in arguments)


def _named(answer: Any) -> str:
    """Return what was handed in, as text: a function or a class by its name, anything else as it is written."""
    name = getattr(answer, "__name__", "") if callable(answer) else ""
    return f"the {'class' if isinstance(answer, type) else 'function'} {name}" if name else shown(answer)


def _kind(returned: Any) -> str:
    """Return what an object is, in words."""
    if isinstance(returned, Tensor):
        return f"a tensor of {str(returned.dtype).removeprefix('torch.')} on {returned.device}"
    return f"{'an' if type(returned).__name__[0] in 'aeiou' else 'a'} {type(returned).__name__}"


def _same(before: Any, after: Any) -> bool:
    """Return whether an argument is as it was handed in."""
    return torch.equal(before.float(), after) if isinstance(before, Tensor) else bool(before == after)


def _close(given: Tensor, expected: Tensor, tolerance: float = RELATIVE_TOLERANCE) -> bool:
    """Return whether two tensors are equal up to rounding."""
    return given.shape == expected.shape and bool((given - expected).norm() <= tolerance * expected.norm())


def _factor(given: list[Tensor], others: list[Tensor]) -> float | None:
    """Return the constant c for which all the given tensors are c times the others; None if there is none."""
    if [one.shape for one in given] != [one.shape for one in others]:
        return None
    factor = ((given[0] * others[0]).sum() / others[0].square().sum()).item()
    return factor if all(_close(one, factor * other) for one, other in zip(given, others, strict=True)) else None


def _wrong_shape(given: Tensor, expected: Tensor) -> str:
    shapes = f"it should be {tuple(expected.shape)}, and yours is {tuple(given.shape)}"
    if given.dim() > 1 and _close(given.mT, expected):
        return f"Two dimensions are swapped: the shape is wrong, {shapes}."
    if _close(given.flatten(), expected.flatten()):
        return f"The numbers are right, the shape is not: {shapes}."
    return f"The shape is wrong: {shapes}."


def _written(value: Any, squeezed: bool = True) -> str:
    """Return a value as text, with rounded numbers and, of a tensor, without dimensions of size 1."""
    if isinstance(value, Tensor):
        if value.numel() > MOST_NUMBERS:
            return f"a tensor of shape {tuple(value.shape)}"
        value = (value.squeeze() if squeezed else value).tolist()
    if isinstance(value, list):
        return f"[{', '.join(_written(entry, squeezed) for entry in value)}]"
    if isinstance(value, str):
        return repr(value)
    return f"{round(value, 12) + 0.0:.4g}"  # 5e-17 is a 0 that was computed, and + 0.0 makes -0 one


# ------------------------------------------------------------------------------------------ inputs of exercises


def random_activations(generator: torch.Generator) -> Tensor:
    """Return activations of two pictures, four filters and 3 × 5 positions, for an exercise's inputs."""
    return torch.rand(2, 4, 3, 5, generator=generator, dtype=torch.float64)


def whole_number(generator: torch.Generator, low: int, high: int) -> int:
    """Return a random whole number from `low` to `high` - 1, for an exercise's inputs."""
    return int(torch.randint(low, high, (), generator=generator))


def table(*rows: Sequence[float]) -> Tensor:
    """Return rows of numbers as a tensor, for an example."""
    return torch.tensor(rows, dtype=torch.float64)


def maps(*rows: Sequence[float]) -> Tensor:
    """Return the maps (1, N, M, 1) of one picture, one row of M positions for each filter, for an example."""
    return table(*rows)[None, :, :, None]
