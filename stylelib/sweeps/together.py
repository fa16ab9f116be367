"""Batches: the pictures of several runs go through the networks together; everything else is separate."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from stylelib.evaluation.evaluator import Evaluator
from stylelib.evaluation.memory import check_memory
from stylelib.protocols.network import Network
from stylelib.protocols.optimizer import Evaluation
from stylelib.protocols.term import wanted_layers
from stylelib.support import turns
from stylelib.support.ambient import settled
from stylelib.support.errors import InputError
from stylelib.synthesis import Synthesis

Steps = Generator[Tensor, Evaluation | None, None]  # yields pictures, and is sent their evaluation

_tried: dict[tuple[object, ...], bool] = {}  # what `pays` has found out in this process


@settled()
def finish_together(
    runs: Iterable[Synthesis], after_step: Callable[[Synthesis], object] = lambda run: None
) -> list[Synthesis]:
    """Finish several runs, with all their pictures evaluated as one batch.

    This is faster if a single picture is too small to keep the processor or GPU busy. Each run has its own optimiser,
    line search and end, and makes the same picture as it would alone, except for the last bits. All pictures are
    computed down to the deepest layer that any run needs. An interrupt stops all runs, each after a whole step.

    Parameters
    ----------
    runs : Iterable of Synthesis
        Runs with the same networks and with pictures of one size.
    after_step : callable, optional
        Called with a run after each of its steps.

    Returns
    -------
    list of Synthesis
        The runs.

    Raises
    ------
    InputError
        If the runs do not fit together, there is too little memory, or a run cannot start. Each run is then after a
        whole step and can continue alone.
    """
    runs = list(runs)
    if len(runs) < 2:
        return [run.finish() for run in runs]
    _check_together(runs)
    _check_memory(runs)
    steps = {run: _all_steps(run, after_step) for run in runs}
    evaluator: Evaluator | None = None
    try:
        pictures = _go_on(steps, dict.fromkeys(runs))
        while pictures:
            if evaluator is None or len(evaluator.lists) > len(pictures):  # a run has ended
                evaluator = Evaluator(*[run.present_terms for run in pictures])
            with turns.turn():
                evaluations = dict(zip(pictures, evaluator(torch.cat(list(pictures.values()))), strict=True))
            for run in evaluations:
                if evaluator.note and evaluator.note not in run.notes:
                    run.notes.append(evaluator.note)
                run.companions = max(run.companions, len(pictures) - 1)
            pictures = _go_on(steps, evaluations)
    except KeyboardInterrupt:
        for run in runs:
            if run.stop_reason is None:
                run.stop(f"interrupted after step {run.number}; iterate or finish() again to continue")
    return runs


def alike(runs: Iterable[Synthesis]) -> list[list[Synthesis]]:
    """Return the runs in lists that can be evaluated as one batch: pictures of one size, equally deep networks."""
    groups: dict[tuple[object, ...], list[Synthesis]] = {}
    for run in runs:
        alone = None if run.scales.is_last else run  # its size is going to change
        groups.setdefault((run.shape, alone, frozenset(_depths(run).items())), []).append(run)
    return list(groups.values())


@settled()
def pays(runs: Sequence[Synthesis]) -> bool:
    """Return whether one batch is faster than one run after another, which is measured once for all similar runs.

    Parameters
    ----------
    runs : Sequence of Synthesis
        Runs that are `alike`.

    Returns
    -------
    bool
        What the first measurement showed.

    Raises
    ------
    InputError
        If there is too little memory for all of them together.
    """
    first = runs[0]
    depths = frozenset((net.describe(), depth) for net, depth in _depths(first).items())
    kind = (depths, first.shape, len(runs))
    if kind not in _tried:
        _check_memory(runs)
        alone = _seconds(Evaluator(first.terms), first.image)
        together = _seconds(Evaluator(*[run.terms for run in runs]), torch.cat([run.image for run in runs]))
        _tried[kind] = together < len(runs) * alone
    return _tried[kind]


def _all_steps(run: Synthesis, after_step: Callable[[Synthesis], object]) -> Steps:
    while (yield from run.next_step()) is not None:
        after_step(run)


def _go_on(
    steps: Mapping[Synthesis, Steps], evaluations: Mapping[Synthesis, Evaluation | None]
) -> dict[Synthesis, Tensor]:
    """Send each run its evaluation, None to begin; return the next pictures of those that have not ended."""
    pictures = {}
    for run, evaluation in evaluations.items():
        with contextlib.suppress(StopIteration):
            pictures[run] = steps[run].send(evaluation)
    return pictures


def _check_together(runs: Sequence[Synthesis]) -> None:
    if len(set(runs)) < len(runs):
        raise InputError("A run is given twice; give each run once.")
    if not all(run.scales.is_last for run in runs):
        raise InputError("Runs with a first_size change their size on the way, so finish them one after another.")
    for what, kinds in (
        ("pictures of one size, and equally many", {tuple(run.shape) for run in runs}),
        ("the same networks", {frozenset(wanted_layers(run.terms)) for run in runs}),
        ("one device", {run.device for run in runs}),
    ):
        if len(kinds) > 1:
            raise InputError(f"Runs that are finished together need {what}; these differ.")


def _check_memory(runs: Sequence[Synthesis]) -> None:
    tensors = sum(run.optimizer.tensors for run in runs)
    check_memory([run.terms for run in runs], runs[0].shape, tensors, runs[0].device)


def _depths(run: Synthesis) -> dict[Network, int]:
    """Return the number of the deepest layer that a run looks at, by network."""
    return {net: max(map(net.layers.index, layers)) for net, layers in wanted_layers(run.terms).items()}


def _seconds(evaluator: Evaluator, pictures: Tensor) -> float:
    """Return how long an evaluation takes. The first one is left out, because it sets everything up."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        evaluator(pictures)
        times.append(time.perf_counter() - started)
    return min(times[1:])
