"""The progress of a run: what it has computed so far."""

import dataclasses

from torch import Tensor

from stylelib.protocols.optimizer import Evaluation, State
from stylelib.support.errors import InputError, shown

PATIENCE = 20  # steps over which the loss must have fallen, see `Synthesis`'s tolerance


@dataclasses.dataclass(frozen=True)
class Record:
    """What is known about one step.

    Attributes
    ----------
    number : int
        The step's number; 0 is the initial picture.
    loss : float
        The total loss.
    losses : dict
        The weighted losses by name; `loss` is their sum.
    seconds : float
        Computing time up to this step, without pauses; in a batch, the time of the whole batch.
    evaluations : int
        Number of evaluations up to this step.
    """

    number: int
    loss: float
    losses: dict[str, float]
    seconds: float
    evaluations: int


@dataclasses.dataclass(frozen=True)
class Step(Record):
    """A record and the picture after this step, (N, 3, H, W), 0 to 1."""

    image: Tensor = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Progress:
    """A snapshot of a run, replaced as a whole, so that an interrupt never sees half a step.

    Attributes
    ----------
    state : State or None
        The optimiser's state; None before the first evaluation.
    best : State or None
        The accepted state with the lowest loss.
    history : list of Record
        One for each step; the first is the initial picture's.
    since : int
        Number of the first step whose loss can be compared with the last one's: the run has grown or its terms have
        changed before it.
    """

    state: State | None = None
    best: State | None = None
    history: list[Record] = dataclasses.field(default_factory=list)
    since: int = 0

    @property
    def number(self) -> int:
        """Number of steps done so far."""
        return self.history[-1].number if self.history else 0

    @property
    def seconds(self) -> float:
        """Computing time so far, in seconds."""
        return self.history[-1].seconds if self.history else 0.0

    def accept(self, state: State, seconds: float, evaluations: int) -> "Progress":
        """Return the progress after one more step, or after the initial picture.

        Parameters
        ----------
        state : State
            The optimiser's new state.
        seconds : float
            The step's computing time.
        evaluations : int
            Number of the run's evaluations so far.

        Returns
        -------
        Progress
            A new snapshot with one more record.
        """
        if not isinstance(state, State):
            raise InputError(f"An optimiser's step must return a State; it returned {shown(state)}.")
        number = self.number + 1 if self.history else 0
        evaluation, best = state.evaluation, self.best
        record = Record(number, evaluation.loss, evaluation.losses, self.seconds + seconds, evaluations)
        if best is None or evaluation.loss < best.evaluation.loss:
            best = state
        return Progress(state, best, [*self.history, record], self.since)

    def restart(self, state: State) -> "Progress":
        """Return the progress of a run that goes on from this state with other losses: none before it was better."""
        return Progress(state, state, self.history, self.number + 1)

    def seconds_left(self, steps: int) -> float | None:
        """Estimate the seconds that the remaining steps take, from the last ones; None before step 3."""
        if self.number < 3:
            return None
        recent = self.history[-min(10, self.number) :]
        return (recent[-1].seconds - recent[0].seconds) / (len(recent) - 1) * (steps - self.number)

    @property
    def comparable(self) -> int:
        """Number of steps so far whose losses can be compared with each other, see `since`."""
        return max(0, len(self.history[self.since :]) - 1)

    def fall(self, steps: int = PATIENCE) -> float:
        """Return by what share of its value the loss fell in the last steps that can be compared; negative if it rose.

        0 if there is no such step yet.
        """
        recent = [record.loss for record in self.history[self.since :][-steps - 1 :]]
        return 1 - recent[-1] / recent[0] if len(recent) > 1 and recent[0] else 0.0

    def converged(self, tolerance: float) -> bool:
        """Return whether the last PATIENCE steps changed the loss by at most this fraction of its value."""
        recent = [record.loss for record in self.history[self.since :][-PATIENCE - 1 :]]
        return len(recent) > PATIENCE and max(recent) - min(recent) <= tolerance * abs(recent[0])


class RunProgress:
    """Base of Synthesis: properties that follow from `progress` and `steps`."""

    progress: Progress
    steps: int

    @property
    def history(self) -> list[Record]:
        """A Record of each step so far; the first is the initial picture's."""
        return self.progress.history

    @property
    def number(self) -> int:
        """Number of steps done so far."""
        return self.progress.number

    @property
    def seconds(self) -> float:
        """Computing time so far in seconds, without pauses."""
        return self.progress.seconds

    @property
    def seconds_left(self) -> float | None:
        """Estimated computing time of the remaining steps, in seconds; None before step 3."""
        return self.progress.seconds_left(self.steps)

    @property
    def losses(self) -> dict[str, float]:
        """The weighted losses of the best picture by name; empty before the first evaluation."""
        return {} if self.progress.best is None else dict(self.progress.best.evaluation.losses)


def check_start(evaluation: Evaluation, what: str) -> None:
    """Raise an InputError if an optimiser cannot start, because the numbers are not finite or out of range.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation of the picture to start from.
    what : str
        The picture's name in the error message.
    """
    steepest = evaluation.gradient.abs().max().item()
    if not evaluation.finite:
        raise InputError(f"The loss of the {what} is not a finite number; use smaller weights.")
    if steepest > 1e15 or 0 < steepest < 1e-16:  # its squares would leave the range of float32
        size = "large" if steepest > 1 else "small"
        raise InputError(f"The weights are too {size} to compute with; bring them near 1.")
