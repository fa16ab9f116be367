"""An optimiser: a plain function of a state. Subclass `Optimizer` to add your own."""

import dataclasses
import math
from collections.abc import Callable, Generator
from typing import Any, ClassVar, TypeVar

from torch import Tensor

from stylelib.protocols.rebuild import Rebuildable, kind_of

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The loss at some parameters.

    Attributes
    ----------
    loss : float
        The total.
    losses : dict
        Its parts by name.
    gradient : Tensor
        Of the total with respect to the parameters, with their shape.
    """

    loss: float
    losses: dict[str, float]
    gradient: Tensor

    @property
    def finite(self) -> bool:
        """Whether the loss and the gradient are finite numbers."""
        # a sum is finite only if all its parts are, and takes a fifth of the time of looking at each
        return math.isfinite(self.loss) and math.isfinite(self.gradient.sum().item())


@dataclasses.dataclass(frozen=True)
class State:
    """Where an optimiser is.

    Attributes
    ----------
    parameters : Tensor
        (N, …): the pictures' pixels, or what else a run optimises.
    evaluation : Evaluation
        The loss there.
    memory : dict
        What the optimiser remembers: numbers, tensors, and lists of them.
    """

    parameters: Tensor
    evaluation: Evaluation
    memory: dict[str, Any]


Asking = Generator[Tensor, Evaluation, T]  # yields parameters to be evaluated, is sent their Evaluation, returns a T


class NoBetterPicture(Exception):
    """No step from here lowers the loss; the message says why."""


class Optimizer(Rebuildable):
    """A rule for the next step. A subclass writes `start` and `step`, and `arguments` to have its runs saved.

    A step takes one state and returns the next, and changes nothing in the old one, so that a run can be interrupted
    anywhere, saved and resumed. It is a generator: it yields the parameters that it wants evaluated and is sent the
    Evaluation, so that the caller decides how to evaluate, and for how many runs at once.

    Attributes
    ----------
    name : str
        By which recipes, `Synthesis(optimizer=…)` and the shell know it.
    tensors : int
        How many tensors of the parameters' size a step holds at once, for the memory check.
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
            (N, …).
        evaluation : Evaluation
            The loss there.

        Returns
        -------
        State
            With nothing remembered.
        """
        return State(parameters, evaluation, {})

    def step(self, state: State) -> Asking[State]:
        """Return the next state, asking for evaluations on the way.

        Parameters
        ----------
        state : State
            Where the run is.

        Yields
        ------
        Tensor
            Parameters to be evaluated; their Evaluation is sent back.

        Returns
        -------
        State
            The next one.

        Raises
        ------
        NoBetterPicture
            If no step lowers the loss.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """Return a few words for captions."""
        return self.name or type(self).__name__


def answer(asking: Asking[T], evaluate: Callable[[Tensor], Evaluation]) -> T:
    """Drive a generator that asks for evaluations to its end.

    Parameters
    ----------
    asking : generator
        Such as an optimiser's `step`.
    evaluate : callable
        Parameters to their Evaluation.

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
    """Ask for one evaluation, and return it."""
    return (yield parameters)
