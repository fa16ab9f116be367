"""The base class of optimisers, each of which is a plain function of a state. Subclass `Optimizer` to add your own."""

import dataclasses
import math
from collections.abc import Callable, Generator
from typing import Any, ClassVar, TypeVar

from torch import Tensor

from stylelib.protocols.rebuild import Rebuildable, kind_of

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The loss and its gradient at some parameters.

    Attributes
    ----------
    loss : float
        The total loss.
    losses : dict
        The weighted losses by name; `loss` is their sum.
    gradient : Tensor
        The gradient of the total loss with respect to the parameters, with the same shape.
    """

    loss: float
    losses: dict[str, float]
    gradient: Tensor

    @property
    def finite(self) -> bool:
        """Whether the loss and the gradient are finite numbers."""
        # a sum is finite only if all its parts are, and it takes a fifth of the time of checking each of them
        return math.isfinite(self.loss) and math.isfinite(self.gradient.sum().item())


@dataclasses.dataclass(frozen=True)
class State:
    """The state of an optimiser between two steps.

    Attributes
    ----------
    parameters : Tensor
        (N, …): the pictures' pixels, or the numbers that they are made from.
    evaluation : Evaluation
        Their loss and its gradient.
    memory : dict
        What the optimiser remembers: numbers, tensors, and lists of them.
    """

    parameters: Tensor
    evaluation: Evaluation
    memory: dict[str, Any]


Asking = Generator[Tensor, Evaluation, T]  # yields parameters, receives their Evaluation, returns a T


class NoBetterPicture(Exception):
    """No step from here lowers the loss; the message says why."""


class Optimizer(Rebuildable):
    """A rule for the next step. A subclass writes `start` and `step`, and `arguments` so that its runs can be saved.

    A step takes one state and returns the next. It does not change the old state, so a run can be interrupted at any
    point, saved and resumed. A step is a generator: it yields parameters and receives their Evaluation. So the caller
    decides how to evaluate them, and can do so for several runs together.

    Attributes
    ----------
    name : str
        Its name in recipes, in `Synthesis(optimizer=…)` and in the shell.
    tensors : int
        How many tensors as large as the parameters a step holds at a time, for the memory check.
    """

    name: ClassVar[str] = ""
    tensors: int = 10
    known: ClassVar[dict[str, type["Optimizer"]]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        Optimizer.known[cls.__dict__.get("name") or kind_of(cls)] = cls  # an inherited name belongs to the base class

    def start(self, parameters: Tensor, evaluation: Evaluation) -> State:
        """Return the state before the first step.

        Parameters
        ----------
        parameters : Tensor
            The parameters that the run starts from, (N, …).
        evaluation : Evaluation
            Their loss and its gradient.

        Returns
        -------
        State
            Its memory is empty by default.
        """
        return State(parameters, evaluation, {})

    def step(self, state: State) -> Asking[State]:
        """Return the next state, and ask the caller for the evaluations that this needs.

        Parameters
        ----------
        state : State
            The current state.

        Yields
        ------
        Tensor
            Parameters to evaluate; their Evaluation is sent back.

        Returns
        -------
        State
            The next state.

        Raises
        ------
        NoBetterPicture
            If no step lowers the loss.
        """
        raise NotImplementedError("an Optimizer writes step(state)")

    def describe(self) -> str:
        """Return a few words for captions."""
        return self.name or type(self).__name__


def answer(asking: Asking[T], evaluate: Callable[[Tensor], Evaluation]) -> T:
    """Run a generator that asks for evaluations, and answer each request.

    Parameters
    ----------
    asking : generator
        Such as an optimiser's `step`.
    evaluate : callable
        Takes parameters and returns their Evaluation.

    Returns
    -------
    object
        What the generator returns.
    """
    try:
        parameters = next(asking)
        while True:
            parameters = asking.send(evaluate(parameters))
    except StopIteration as end:
        result: T = end.value
        return result


def ask(parameters: Tensor) -> Asking[Evaluation]:
    """Ask for one evaluation and return it."""
    return (yield parameters)
