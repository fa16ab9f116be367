"""Several runs at once: their pictures go through the networks as one batch, and everything else is each run's own."""

import contextlib
import time

import torch

from stylelib.evaluation.evaluator import Evaluator
from stylelib.evaluation.memory import check_memory
from stylelib.protocols.term import wanted_layers
from stylelib.support.errors import InputError

_tried = {}  # what `pays` has found out in this process


def finish_together(runs):
    """Finish several runs, all their pictures evaluated as one batch; returns the runs.

    For pictures so small that one does not keep a processor or GPU busy. Each stays a run of its own, with its own
    optimiser, line search and end, and makes the picture that it would make alone, but for the last bits. Their
    networks must be the same, and their pictures of one size; every picture goes as deep as the deepest run needs. An
    interrupt keeps what there is, and stops politely.

    Raises InputError for runs that do not go together, if memory is too short for all at once, or if one of them
    cannot start; then each is after a whole step, and can go on alone.
    """
    runs = list(runs)
    if not runs:
        return runs
    _check_together(runs)
    _check_memory(runs)
    steps = {run: _all_steps(run) for run in runs}
    try:
        pictures, evaluator = _go_on(steps, dict.fromkeys(runs)), None
        while pictures:
            if evaluator is None or len(evaluator.lists) > len(pictures):  # one of them has come to its end
                evaluator = Evaluator(*[run.terms for run in pictures])
            evaluations = dict(zip(pictures, evaluator(torch.cat(list(pictures.values()))), strict=True))
            for run in evaluations:
                if evaluator.note and evaluator.note not in run.notes:
                    run.notes.append(evaluator.note)
                run.companions = max(run.companions, len(pictures) - 1)
            pictures = _go_on(steps, evaluations)
    except KeyboardInterrupt:
        for run in runs:
            if run.stop_reason is None:
                run.stop(f"interrupted after step {run.number}; iterate or finish() again to go on")
    return runs


def alike(runs):
    """Lists of those runs that can be evaluated together: pictures of one size, and equally deep layers."""
    groups = {}
    for run in runs:
        groups.setdefault((run.image.shape, _depth(run)), []).append(run)
    return list(groups.values())


def pays(runs):
    """Whether one batch is quicker than one after the other: tried out, once for all that are like these."""
    first = runs[0]
    kind = first.terms[0].net.describe(), first.image.shape, _depth(first), len(runs)
    if kind not in _tried:
        _check_memory(runs)
        alone = _seconds(Evaluator(first.terms), first.image)
        together = _seconds(Evaluator(*[run.terms for run in runs]), torch.cat([run.image for run in runs]))
        _tried[kind] = together < len(runs) * alone
    return _tried[kind]


# ------------------------------------------------------------------------------------------------------------- inside


def _all_steps(run):
    while (yield from run.next_step()) is not None:
        pass


def _go_on(steps, evaluations):
    """Send each run its evaluation, None to begin; {run: the next picture that it asks about}, unless it has ended."""
    pictures = {}
    for run, evaluation in evaluations.items():
        with contextlib.suppress(StopIteration):
            pictures[run] = steps[run].send(evaluation)
    return pictures


def _check_together(runs):
    if len(set(runs)) < len(runs):
        raise InputError("A run is given twice.")
    for name, several in (
        ("pictures of one size, and equally many", {tuple(run.shape) for run in runs}),
        ("the same networks", {frozenset(wanted_layers(run.terms)) for run in runs}),
        ("one device", {run.device for run in runs}),
    ):
        if len(several) > 1:
            raise InputError(f"Runs that are finished together need {name}; these differ.")


def _check_memory(runs):
    tensors = sum(run.optimizer.tensors for run in runs)
    check_memory([run.terms for run in runs], runs[0].shape, tensors, runs[0].device)


def _depth(run):
    return max(term.net.layers.index(layer) for term in run.terms for layer in term.layers)


def _seconds(evaluator, pictures):
    """How long an evaluation takes, the first left out, in which all is set up."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        evaluator(pictures)
        times.append(time.perf_counter() - started)
    return min(times[1:])
