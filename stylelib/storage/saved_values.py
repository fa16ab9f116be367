"""The check of a saved run that was read: whether its parts belong together."""

from numbers import Real
from typing import Any

import torch

from stylelib.protocols.optimizer import State


def check_run(run: Any) -> None:
    """Raise an error of any kind if the parts of a run that was read do not belong together.

    Parameters
    ----------
    run : Synthesis
        A run with its state.
    """
    counts = (run.evaluations, run.companions, run.progress.since, *(record.number for record in run.history))
    numbers = [number for record in run.history for number in (record.loss, record.seconds, *record.losses.values())]
    texts = [*run.notes, run.stop_reason or "", run.init]
    for kind, values in (
        (bool, [run.finished]),
        (int, counts),
        (Real, numbers),
        (str, texts),
        (torch.Tensor, run.frames.values()),
    ):
        if not all(isinstance(value, kind) for value in values):
            raise TypeError(f"something else than a {kind.__name__}")
    for state in (run.progress.state, run.progress.best):
        if state is not None and not _fits(state, run):
            raise ValueError("its optimiser's state is of another picture")
    _ = run.image, run.describe(), repr(run), run.losses if run.history else {}


def _fits(state: State, run: Any) -> bool:
    """Return whether a state has the run's shape; the memory of an optimiser of your own is not looked at."""
    shape, evaluation = run.parameters.shape, state.evaluation
    if any(one.shape != shape or one.dtype != torch.float32 for one in (state.parameters, evaluation.gradient)):
        return False
    if not all(isinstance(number, Real) for number in (evaluation.loss, *evaluation.losses.values())):
        return False
    if not type(run.optimizer).__module__.startswith("stylelib."):
        return True
    usual = run.optimizer.start(state.parameters, evaluation).memory
    lists = {name: value for name, value in state.memory.items() if isinstance(value, list)}
    tensors = [one for value in lists.values() for one in value]
    tensors += [value for name, value in state.memory.items() if isinstance(usual[name], torch.Tensor)]
    return (
        len({len(value) for value in lists.values()}) <= 1
        and all(isinstance(value, Real | list | torch.Tensor) for value in state.memory.values())
        and all(isinstance(value, list) == isinstance(usual[name], list) for name, value in state.memory.items())
        and all(name in state.memory for name in usual if name != "curvatures")  # which older files do not have
        and all(_broadcasts(tensor, shape) for tensor in tensors)
    )


def _broadcasts(tensor: torch.Tensor, shape: torch.Size) -> bool:
    """Return whether a tensor can be combined with one of this shape and gives the same shape."""
    sides = zip(tensor.shape, shape, strict=False)
    return tensor.ndim in (0, len(shape)) and all(side in (1, whole) for side, whole in sides)
