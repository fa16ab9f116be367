"""The loop that optimises a picture against a list of terms. A run is an iterator over its steps.

    run = Synthesis([Content(net, photo), Style(net, painting)], init=photo, steps=300)   # nothing is computed yet
    for step in run:
        print(step.number, step.losses)
    run.image, run.history, run.stop_reason

Leave the loop to pause or to stop the run; iterate over it again to continue.
"""

import collections
import os
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from stylelib.evaluation.evaluator import Evaluator
from stylelib.evaluation.memory import check_memory
from stylelib.evaluation.progress import PATIENCE, Progress, Step
from stylelib.images import check_picture
from stylelib.initialization import initial_picture
from stylelib.optimizers import make_optimizer
from stylelib.protocols.optimizer import Asking, Evaluation, NoBetterPicture, Optimizer, State, answer
from stylelib.protocols.parameterization import Parameterization, check_parameterization
from stylelib.protocols.term import Term, check_terms, check_weight
from stylelib.scales import Growing, Scales, check_all, shrinking
from stylelib.storage import captions, checkpoints
from stylelib.support import turns
from stylelib.support.ambient import settled
from stylelib.support.errors import check_whole
from stylelib.support.machine import preset


class Synthesis(Growing):
    """Optimise a picture against terms; iterate over it, or call `finish()`.

    Parameters
    ----------
    terms : Term or Sequence of Term
        What is minimised.
    init : str or Tensor
        A picture (N, 3, H, W), or "content", "style" or "noise", see `stylelib.initialization`.
    steps : int, optional
        Maximum number of steps; the preset's by default.
    optimizer : str or Optimizer
        "lbfgs", "adam", or an object from `stylelib.optimizers`.
    seed : int
        Seed of the noise.
    tolerance : float
        The run stops when the loss has changed by less than this fraction of its value in 20 steps.
    keep_every : int, optional
        Keep the pictures of step 0 and of every `keep_every`-th step in `frames`.
    parameterization : Parameterization, optional
        What is optimised; the pixels by default.
    first_size : int
        Longer side in pixels of the picture that the run begins with, see `stylelib.scales`. It grows to the full size,
        with equally many steps at each size. 0: all steps are at the full size, as in the paper.

    Attributes
    ----------
    frames : dict
        {step: picture on the CPU}, see `keep_every`.
    stop_reason : str or None
        Why the run has stopped; None while it has not.
    notes : list of str
        Events that affect the result, such as a change of terms.

    Raises
    ------
    InputError
        For invalid arguments, before anything is computed.
    """

    @settled()
    def __init__(
        self,
        terms: Term | Sequence[Term],
        init: str | Tensor,
        steps: int | None = None,
        optimizer: str | Optimizer = "lbfgs",
        seed: int = 0,
        tolerance: float = 1e-5,
        keep_every: int | None = None,
        parameterization: Parameterization | None = None,
        first_size: int = 0,
    ) -> None:
        self.terms = check_terms(terms)
        self.seed = check_whole("seed", seed, 0)
        self.steps = preset().steps if steps is None else check_whole("steps", steps, 0)
        self.keep_every = None if keep_every is None else check_whole("keep_every", keep_every, 1)
        self.tolerance = check_weight(tolerance, "the tolerance")
        self.optimizer, self.parameterization = make_optimizer(optimizer), check_parameterization(parameterization)
        self.init = init if isinstance(init, str) else "a picture"
        self.device = next((term.net.device for term in self.terms if term.net is not None), torch.device("cpu"))
        if isinstance(init, str):
            picture = initial_picture(init, self.terms, seed)
        else:
            picture = check_picture(init, "the initial picture")
        picture = picture.detach().to(self.device, torch.float32).clone().contiguous()
        self.shape, self.first_size = picture.shape, check_whole("first_size", first_size, 0)
        check_all(self.terms, self.shape)
        self.go_to(Scales(picture, self.init, shrinking(max(self.shape[-2:]), self.first_size)))
        self.progress = Progress()
        self.frames: dict[int, Tensor] = {}
        self.notes: list[str] = []
        self.evaluations, self.companions = 0, 0  # companions: other runs in the same batch, see finish_together
        self.stop_reason: str | None = None
        self.finished = False  # True once further steps cannot help
        self._told_to_stop = False  # a loop over the run ends
        self._fits = False  # whether the memory has been checked
        self.evaluator: Evaluator | None = None  # made when it is needed, because it may hold much of a GPU's memory

    def __iter__(self) -> Iterator[Step]:
        self._told_to_stop = False
        return self

    @settled()
    def __next__(self) -> Step:
        """Compute one step. If it is interrupted, the run stays as it was before the step."""
        told, self._told_to_stop = self._told_to_stop and not self.finished, False  # by the body of the loop
        with turns.turn():  # on a machine that many share, see there
            step = None if told else answer(self.next_step(), self._evaluate)
        if step is None:
            turns.over()
            raise StopIteration
        return step

    def next_step(self) -> Asking[Step | None]:
        """Compute one step as a generator, for a caller that evaluates the pictures itself.

        It yields pictures (N, 3, H, W), receives their Evaluation, and returns the Step, or None when the run is over.
        """
        if not (self._fits or self.finished):
            check_memory([self.terms], self.shape, self.optimizer.tensors, self.device)
            self._fits = True
        started = time.perf_counter()
        if self.progress.state is None:
            state = yield from self._first_state(self.parameters, "initial picture")
            self._accept(state, time.perf_counter() - started)
            if state.evaluation.loss == 0:
                self.stop("the initial picture meets every term exactly", finished=True)
        if self.finished or self.progress.state is None:
            return None
        self.stop_reason = None
        if not self.scales.is_last and self.number >= self.scales.last_step(self.steps):
            yield from self._grow()
        if self.number >= self.steps:
            self.evaluator = None  # frees its memory
            self.stop_reason = f"all {self.steps} steps are done" if self.steps != 1 else "its one step is done"
            return None
        started = time.perf_counter()
        try:
            state = yield from self._in_pictures(self.optimizer.step(self.progress.state))
        except NoBetterPicture as reason:
            if not self.scales.is_last:
                yield from self._grow()
                return (yield from self.next_step())
            self.stop(f"{reason} (after step {self.number})", finished=True)
            return None
        self._accept(state, time.perf_counter() - started)
        step = Step(**vars(self.history[-1]), image=self._shown(state))
        if self.progress.converged(self.tolerance) and not self.scales.is_last:
            yield from self._grow()
        elif self.progress.converged(self.tolerance):
            change = f"the loss changed by less than {self.tolerance:g} of its value in {PATIENCE} steps"
            self.stop(f"converged, because {change}", finished=True)
        return step

    def finish(self) -> Self:
        """Compute all remaining steps and return the run. An interrupt stops it and keeps the picture so far."""
        try:
            collections.deque(self, maxlen=0)
        except KeyboardInterrupt:
            self.stop(f"interrupted after step {self.number}; iterate or finish() again to continue")
        return self

    def stop(self, reason: str, finished: bool = False) -> None:
        """Stop the run and note why: a loop over it ends. If `finished`, it is over; else another loop continues it."""
        self.stop_reason, self._told_to_stop = reason, True
        if finished:
            self.finished, self.evaluator = True, None

    @settled()
    def change_terms(self, terms: Term | Sequence[Term]) -> None:
        """Continue from the current picture with other terms: other weights, another layer, another style image.

        The optimiser starts anew and the best picture is forgotten, because their losses belong to the old terms.
        Steps, seconds and history continue, and `notes` says after which step the terms changed. Terms that do not suit
        the picture raise an InputError and leave the run as it was.
        """
        terms = check_terms(terms)
        check_all(terms, self.shape)
        old, self.terms, self.evaluator = self.terms, terms, None
        try:
            self.present_terms = self.scales.terms(terms)
            check_memory([terms], self.shape, self.optimizer.tensors, self.device)
            if self.progress.state is None:  # nothing is computed yet, so there is nothing to forget
                return
            asking = self._first_state(self.progress.state.parameters, "current picture")
            state = answer(asking, self._evaluate)
        except BaseException:  # also after an interrupt, the run must be as it was
            self.terms, self.present_terms, self.evaluator = old, self.scales.terms(old), None
            raise
        self.progress = self.progress.restart(state)
        self.stop_reason, self.finished = None, False
        self.notes.append(f"after step {self.number} the run continued with: {captions.describe_terms(terms)}")

    @property
    def image(self) -> Tensor:
        """The accepted picture with the lowest loss so far, (N, 3, H, W), 0 to 1."""
        return self._shown(self.progress.best)

    def describe(self) -> str:
        """Return everything that made this picture, in one line for its caption."""
        return captions.describe_run(self)

    def __repr__(self) -> str:
        return f"<Synthesis: {captions.describe_progress(self)}>"

    def save(self, path: str | os.PathLike[str], recipe: Any = None) -> pathlib.Path:
        """Save the whole run to a .pt file and return its path. After `load`, it continues as if never stopped."""
        return checkpoints.save_run(self, path, recipe)

    @classmethod
    def load(cls, path: str | os.PathLike[str], terms: Sequence[Term] | None = None, **own: Any) -> Self:
        """Return the run that `save` wrote, on its former device if this machine has it.

        `terms` is needed only for your own terms without `arguments`. A file that is not a run raises an InputError.
        """
        return checkpoints.load_run(cls, path, terms, **own)

    def _accept(self, state: State, seconds: float) -> None:
        progress = self.progress.accept(state, seconds, self.evaluations)
        if self.keep_every and progress.number % self.keep_every == 0:
            self.frames[progress.number] = self._shown(state).cpu()
        self.progress = progress  # last, so that an interrupt leaves a whole step or none

    def _evaluate(self, pictures: Tensor) -> Evaluation:
        if self.evaluator is None:
            self.evaluator = Evaluator(self.present_terms)
        (evaluation,) = self.evaluator(pictures)
        if self.evaluator.note and self.evaluator.note not in self.notes:
            self.notes.append(self.evaluator.note)
        return evaluation
