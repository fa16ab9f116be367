"""The sizes that a run goes through, from coarse to fine.

A filter sees equally many pixels at any size. So a small picture gets its large shapes and colours first, and its steps
are cheap; at the next size the finer strokes follow. The paper has one size. Larger pictures made in this way are in
Gatys and others, "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017.
"""

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from stylelib.evaluation.evaluator import Evaluator
from stylelib.evaluation.progress import RunProgress, check_start
from stylelib.initialization import continue_from, initial_picture
from stylelib.protocols.optimizer import Asking, Evaluation, Optimizer, State, T, ask
from stylelib.protocols.parameterization import Parameterization
from stylelib.protocols.term import Term, shrink

LARGEST_STEP = 3  # one size is at most this many times the one before it


@dataclasses.dataclass(frozen=True)
class Scales:
    """The sizes of a run, the one that it is at, and how a picture is handed on to the next.

    Attributes
    ----------
    start : Tensor
        The initial picture at full size, (N, 3, H, W).
    init : str
        "noise", or where else the run starts.
    factors : list of float
        Each size as a part of the full size; the last is 1.
    index : int
        Number of the present size.
    """

    start: Tensor
    init: str
    factors: list[float]
    index: int = 0

    @property
    def factor(self) -> float:
        """The present size as a part of the full size."""
        return self.factors[self.index]

    @property
    def is_last(self) -> bool:
        """Whether the present size is the full size."""
        return self.index == len(self.factors) - 1

    def grown(self) -> "Scales":
        """Return the same sizes at the next one."""
        return dataclasses.replace(self, index=self.index + 1)

    def last_step(self, steps: int) -> int:
        """Return the step at which the present size ends, if a run of `steps` steps has equally many at each size."""
        return steps * (self.index + 1) // len(self.factors)

    def terms(self, terms: Sequence[Term]) -> list[Term]:
        """Return a run's terms at the present size."""
        return list(terms) if self.is_last else [term.scaled(self.factor) for term in terms]

    def picture(self) -> Tensor:
        """Return the initial picture at the present size."""
        return shrink(self.start, self.factor)

    def handed_on(self, made: Tensor, scales: "Scales") -> Tensor:
        """Return a picture made at the present size as it is handed on to another size, see `continue_from`."""
        if scales.factor == self.factor:
            return made
        return continue_from(made, self.picture(), scales.picture(), self.init)

    def full(self, made: Tensor) -> Tensor:
        """Return a picture made at the present size at full size."""
        return self.handed_on(made, dataclasses.replace(self, index=len(self.factors) - 1))


def shrinking(longest: int, first_size: int) -> list[float]:
    """Return each size as a part of the full size, the last of them 1.

    Parameters
    ----------
    longest : int
        Longer side of the full size in pixels.
    first_size : int
        Longer side of the first size; 0 for the full size alone.

    Returns
    -------
    list of float
        Increasing by equal factors of at most LARGEST_STEP.
    """
    if not 0 < first_size < longest:
        return [1.0]
    count = math.ceil(math.log(longest / first_size) / math.log(LARGEST_STEP) - 1e-9)
    return [(first_size / longest) ** (1 - index / count) for index in range(count)] + [1.0]


def check_all(terms: Sequence[Term], shape: torch.Size) -> None:
    """Raise an InputError if a term cannot be computed for pictures of this shape, (N, 3, H, W)."""
    for term in terms:
        term.check(torch.empty(shape, device="meta"))


class Growing(RunProgress):
    """Base of Synthesis: the picture at the present size, and the way to the next size."""

    terms: list[Term]
    init: str
    seed: int
    device: torch.device
    evaluations: int
    notes: list[str]
    optimizer: Optimizer
    parameterization: Parameterization
    parameters: Tensor
    scales: Scales
    present_terms: list[Term]
    evaluator: Evaluator | None

    def go_to(self, scales: Scales, picture: Tensor | None = None) -> None:
        """Put the run at one of its sizes, with a picture of that size; by default with the initial picture."""
        present = scales.terms(self.terms)
        if picture is None:  # smaller noise is drawn anew, because shrunk noise would be weaker
            noise = self.init == "noise" and scales.factor < 1
            picture = initial_picture("noise", present, self.seed).to(self.device) if noise else scales.picture()
        check_all(present, picture.shape)
        self.parameters = self.parameterization.begin(picture)
        self.scales, self.present_terms, self.evaluator = scales, present, None

    def _grow(self) -> Asking[None]:
        """Continue at the next size. If it is interrupted, the run stays at the present one."""
        old = self.scales, self.present_terms, self.parameters
        made, scales = self._made(self.progress.best), self.scales.grown()
        try:
            self.go_to(scales, self.scales.handed_on(made, scales))
            state = yield from self._first_state(self.parameters, "enlarged picture")
        except BaseException:
            (self.scales, self.present_terms, self.parameters), self.evaluator = old, None
            raise
        self.progress = self.progress.restart(state)
        self.notes.append(f"after step {self.number} the run continued at {round(scales.factor * 100)} % of its size")

    def _made(self, state: State | None) -> Tensor:
        """Return the state's picture at the present size, clamped, because the optimiser may leave 0 to 1."""
        with torch.no_grad():
            picture = self.parameterization.decode(self.parameters if state is None else state.parameters)
        return picture.detach().clamp(0, 1)

    def _shown(self, state: State | None) -> Tensor:
        return self.scales.full(self._made(state))

    def _first_state(self, parameters: Tensor, what: str) -> Asking[State]:
        """Return the optimiser's state before its first step; raise an InputError if it cannot start there."""
        evaluation = yield from self._in_pictures(ask(parameters))
        check_start(evaluation, what)
        return self.optimizer.start(parameters, evaluation)

    def _in_pictures(self, asking: Asking[T]) -> Asking[T]:
        """Turn requests to evaluate parameters into requests to evaluate pictures, and count the answers."""

        def count(evaluation: Evaluation) -> None:
            self.evaluations += 1
            if not evaluation.finite:
                note = f"after step {self.number}, a trial gave values that are not finite and was undone"
                self.notes += [note] if note not in self.notes else []

        return self.parameterization.in_pictures(asking, count)
