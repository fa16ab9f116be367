"""The loop: a picture is optimised against a list of terms, and a run is an iterator.

    run = Synthesis([Content(net, photo), Style(net, painting)], init=photo, steps=300)   # nothing is computed yet
    for step in run:
        print(step.number, step.losses)
    run.image, run.history, run.stop_reason

Pause by not asking for the next step, stop by leaving the loop, resume by going back in.
"""

import collections
import os
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Self

import torch
from torch import Tensor

from stylelib.evaluation.evaluator import Evaluator
from stylelib.evaluation.memory import check_memory
from stylelib.evaluation.progress import PATIENCE, Progress, RunProgress, Step, check_start
from stylelib.images import check_picture
from stylelib.initialization import initial_picture
from stylelib.optimizers import make_optimizer
from stylelib.protocols.optimizer import Asking, Evaluation, NoBetterPicture, Optimizer, State, T, answer, ask
from stylelib.protocols.parameterization import Parameterization, Pixels
from stylelib.protocols.term import Term, check_terms, check_weight
from stylelib.storage import captions, checkpoints
from stylelib.support.errors import check_whole
from stylelib.support.machine import preset


class Synthesis(RunProgress):
    """Optimise a picture against terms; iterate over it, or call `finish()`.

    Parameters
    ----------
    terms : Term or Sequence of Term
        What is minimised.
    init : str or Tensor
        A picture (1, 3, H, W), or "content", "style" or "noise", see `stylelib.initialization`.
    steps : int, optional
        How many at most; the preset's number by default.
    optimizer : str or Optimizer
        "lbfgs", "adam", or an object from `stylelib.optimizers`.
    seed : int
        Of the noise.
    tolerance : float
        The run stops when 20 steps have changed the loss by less than this part of it.
    keep_every : int, optional
        Keep the picture of every so many steps in `frames`.
    parameterization : Parameterization, optional
        What is optimised; the pixels by default.

    Attributes
    ----------
    frames : dict
        {step: picture}, see `keep_every`.
    stop_reason : str or None
        A sentence once the run has stopped.
    notes : list of str
        What happened on the way that a reader should know.

    Raises
    ------
    InputError
        For what cannot work, before anything is computed.
    """

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
    ) -> None:
        self.terms = check_terms(terms)
        self.seed = check_whole("seed", seed, 0)
        self.steps = preset().steps if steps is None else check_whole("steps", steps, 0)
        self.keep_every = None if keep_every is None else check_whole("keep_every", keep_every, 1)
        self.tolerance = check_weight(tolerance, "the tolerance")
        self.optimizer, self.parameterization = make_optimizer(optimizer), parameterization or Pixels()
        self.init = init if isinstance(init, str) else "a picture"
        self.device = next((term.net.device for term in self.terms if term.net is not None), torch.device("cpu"))
        if isinstance(init, str):
            picture = initial_picture(init, self.terms, seed)
        else:
            picture = check_picture(init, "the initial picture")
        picture = picture.detach().to(self.device, torch.float32).clone().contiguous()
        self.parameters = self.parameterization.encode(picture)  # that the run starts from
        self.shape = self.parameterization.decode(self.parameters).shape  # of the picture
        self._check(self.terms)
        self.progress = Progress()
        self.frames: dict[int, Tensor] = {}
        self.notes: list[str] = []
        self.evaluations, self.companions = 0, 0  # companions: other runs in the same batch, see finish_together
        self.stop_reason: str | None = None
        self.finished = False  # True once further steps cannot help
        self._fits = False  # whether the memory has been checked
        self._evaluator: Evaluator | None = None  # made when it is needed, because it may hold much of a GPU's memory

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        """Compute one step. An interrupt during it leaves the run as it was before the step."""
        step = answer(self.next_step(), self._evaluate)
        if step is None:
            raise StopIteration
        return step

    def next_step(self) -> Asking[Step | None]:
        """Compute one step as a generator, for a caller that evaluates the pictures itself.

        It yields pictures (N, 3, H, W), is sent their Evaluation, and returns the Step, or None when the run is over.
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
        if self.number >= self.steps:
            self._evaluator = None  # frees its memory
            self.stop_reason = f"all {self.steps} steps are done" if self.steps != 1 else "its one step is done"
            return None
        started = time.perf_counter()
        try:
            state = yield from self._in_pictures(self.optimizer.step(self.progress.state))
        except NoBetterPicture as reason:
            self.stop(f"{reason} (after step {self.number})", finished=True)
            return None
        self._accept(state, time.perf_counter() - started)
        if self.progress.converged(self.tolerance):
            changed = f"{PATIENCE} steps changed the loss by less than {self.tolerance:g} of it"
            self.stop(f"converged: {changed}", finished=True)
        return Step(**vars(self.history[-1]), image=self._shown(state))

    def finish(self) -> Self:
        """Compute all remaining steps and return the run. An interrupt keeps what there is and stops the run."""
        try:
            collections.deque(self, maxlen=0)
        except KeyboardInterrupt:
            self.stop(f"interrupted after step {self.number}; iterate or finish() again to go on")
        return self

    def stop(self, reason: str, finished: bool = False) -> None:
        """Note why the run has stopped. With `finished`, further steps cannot help; otherwise iterating goes on."""
        self.stop_reason = reason
        if finished:
            self.finished, self._evaluator = True, None

    def change_terms(self, terms: Term | Sequence[Term]) -> None:
        """Go on from the picture as it is, towards other terms: other weights, another layer, another style image.

        The optimiser starts anew and the best picture is forgotten, because their losses were of the old terms. Steps,
        seconds and history go on; `notes` says where the loss changed. Raises InputError for terms that do not suit the
        picture; the run is then as it was.
        """
        terms = check_terms(terms)
        self._check(terms)
        old, self.terms, self._evaluator = self.terms, terms, None
        try:
            check_memory([terms], self.shape, self.optimizer.tensors, self.device)
            if self.progress.state is None:  # nothing is computed yet, so there is nothing to forget
                return
            asking = self._first_state(self.progress.state.parameters, "picture as it is")
            state = answer(asking, self._evaluate)
        except BaseException:  # an interrupt, or too little memory: the run is as it was
            self.terms, self._evaluator = old, None
            raise
        self.progress = Progress(state, state, self.history)
        self.stop_reason, self.finished = None, False
        self.notes.append(f"after step {self.number} the run went on with: {captions.describe_terms(terms)}")

    @property
    def image(self) -> Tensor:
        """The best picture so far, (N, 3, H, W), 0 to 1: the accepted one of the lowest loss."""
        return self._shown(self.progress.best)

    def describe(self) -> str:
        """Everything that made this picture, in a line for its caption."""
        return captions.describe_run(self)

    def __repr__(self) -> str:
        return f"<Synthesis: {captions.describe_progress(self)}>"

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Save the whole run, so that `load` goes on as if it had not been interrupted. Returns the path, a .pt."""
        return checkpoints.save_run(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], terms: Sequence[Term] | None = None) -> Self:
        """Return the run that `save` wrote, on the device it was on if this machine has it.

        `terms` is needed only for terms of your own without `arguments`. Raises InputError for a file that is no run.
        """
        return checkpoints.load_run(cls, path, terms)

    def _check(self, terms: Sequence[Term]) -> None:
        for term in terms:
            term.check(torch.empty(self.shape, device="meta"))

    def _shown(self, state: State | None) -> Tensor:
        """Return the state's picture, clamped for display only: while it is optimised, it may leave 0 to 1."""
        with torch.no_grad():
            picture = self.parameterization.decode(self.parameters if state is None else state.parameters)
        return picture.detach().clamp(0, 1)

    def _first_state(self, parameters: Tensor, what: str) -> Asking[State]:
        """Return the optimiser's state before its first step; raise an InputError where it cannot begin."""
        evaluation = yield from self._in_pictures(ask(parameters))
        check_start(evaluation, what)
        return self.optimizer.start(parameters, evaluation)

    def _in_pictures(self, asking: Asking[T]) -> Asking[T]:
        """Turn an optimiser's questions about parameters into questions about pictures, and count them."""

        def count(evaluation: Evaluation) -> None:
            self.evaluations += 1
            if not evaluation.finite:
                self.notes.append(f"after step {self.number}, a trial gave values that are not finite and was undone")

        return self.parameterization.in_pictures(asking, count)

    def _accept(self, state: State, seconds: float) -> None:
        progress = self.progress.accept(state, seconds, self.evaluations)
        if self.keep_every and progress.number % self.keep_every == 0:
            self.frames[progress.number] = self._shown(state).cpu()
        self.progress = progress  # last, so that an interrupt leaves a whole step or none

    def _evaluate(self, pictures: Tensor) -> Evaluation:
        if self._evaluator is None:
            self._evaluator = Evaluator(self.terms)
        (evaluation,) = self._evaluator(pictures)
        if self._evaluator.note and self._evaluator.note not in self.notes:
            self.notes.append(self._evaluator.note)
        return evaluation
