"""What a run has computed so far."""

import dataclasses

from torch import Tensor

from stylelib.protocols.optimizer import Evaluation, State
from stylelib.support.errors import InputError

PATIENCE = 20  # steps over which the loss must have fallen, see `Synthesis`'s tolerance


@dataclasses.dataclass(frozen=True)
class Record:
    """What is known of one step.

    Attributes
    ----------
    number : int
        0 is the initial picture.
    loss : float
        The total.
    losses : dict
        Its parts by name, weighted, as they add up to it.
    seconds : float
        Computed so far, pauses not counted; in a batch, what it took for all.
    evaluations : int
        Of the loss and its gradient, so far.
    """

    number: int
    loss: float
    losses: dict[str, float]
    seconds: float
    evaluations: int


@dataclasses.dataclass(frozen=True)
class Step(Record):
    """A record with the picture as it is after this step, (N, 3, H, W), 0 to 1."""

    image: Tensor = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Progress:
    """Snapshot of a run, replaced as a whole, so that an interrupt never sees half a step.

    Attributes
    ----------
    state : State or None
        Where the optimiser is; None before the first evaluation.
    best : State or None
        The accepted state of the lowest loss.
    history : list of Record
        One for each step, the initial picture's first.
    """

    state: State | None = None
    best: State | None = None
    history: list[Record] = dataclasses.field(default_factory=list)

    @property
    def number(self) -> int:
        """Steps done so far."""
        return self.history[-1].number if self.history else 0

    @property
    def seconds(self) -> float:
        """Seconds computed so far."""
        return self.history[-1].seconds if self.history else 0.0

    def accept(self, state: State, seconds: float, evaluations: int) -> "Progress":
        """Return the progress after one more step, or after the initial picture.

        Parameters
        ----------
        state : State
            What the optimiser returned.
        seconds : float
            What it took.
        evaluations : int
            All of the run's so far.

        Returns
        -------
        Progress
            With a record more.
        """
        number = self.number + 1 if self.history else 0
        evaluation, best = state.evaluation, self.best
        record = Record(number, evaluation.loss, evaluation.losses, self.seconds + seconds, evaluations)
        if best is None or evaluation.loss < best.evaluation.loss:
            best = state
        return Progress(state, best, [*self.history, record])

    def seconds_left(self, steps: int) -> float | None:
        """Estimate how long the remaining steps take, from the last ones; None before the third."""
        if self.number < 3:
            return None
        recent = self.history[-min(10, self.number) :]
        return (recent[-1].seconds - recent[0].seconds) / (len(recent) - 1) * (steps - self.number)

    def converged(self, tolerance: float) -> bool:
        """Return whether the last PATIENCE steps changed the loss by less than this part of it."""
        recent = [record.loss for record in self.history[-PATIENCE - 1 :]]
        return len(recent) > PATIENCE and max(recent) - min(recent) <= tolerance * abs(recent[0])


class RunProgress:
    """What can be asked of a run that has a `progress` and a number of `steps`: base of Synthesis."""

    progress: Progress
    steps: int

    @property
    def history(self) -> list[Record]:
        """A Record of each step so far, the initial picture's first."""
        return self.progress.history

    @property
    def number(self) -> int:
        """Steps done so far."""
        return self.progress.number

    @property
    def seconds(self) -> float:
        """Seconds computed so far, pauses not counted."""
        return self.progress.seconds

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the last steps; None before the third."""
        return self.progress.seconds_left(self.steps)

    @property
    def losses(self) -> dict[str, float]:
        """The weighted losses of the best picture by name; empty before the first step."""
        return {} if self.progress.best is None else dict(self.progress.best.evaluation.losses)


def check_start(evaluation: Evaluation, what: str) -> None:
    """Raise an InputError where an optimiser cannot begin.

    Parameters
    ----------
    evaluation : Evaluation
        At the start.
    what : str
        What the picture is called in the message.
    """
    steepest = evaluation.gradient.abs().max().item()
    if not evaluation.finite:
        raise InputError(f"The loss of the {what} is not a finite number; use smaller weights.")
    if steepest > 1e15 or 0 < steepest < 1e-16:  # squares of it would leave the range of float32
        size = "large" if steepest > 1 else "small"
        raise InputError(f"The weights are too {size} to compute with; bring them near 1.")
