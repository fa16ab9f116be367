"""The check of a saved run that was read: whether its parts belong together."""

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
    shape = run.parameters.shape
    for state in (run.progress.state, run.progress.best):
        if state is not None and not _fits(state, shape, type(run.optimizer).__module__.startswith("stylelib.")):
            raise ValueError("its optimiser's state is of another picture")
    if not isinstance(run.frames, dict) or not isinstance(run.notes, list):
        raise TypeError("its frames or its notes are something else")
    _ = run.image, run.describe(), repr(run), run.losses if run.history else {}


def _fits(state: State, shape: torch.Size, known: bool) -> bool:
    """Return whether a state has a picture's shape; the memory of an optimiser of your own is not looked at."""
    tensors = [state.parameters, state.evaluation.gradient]
    if any(tensor.shape != shape or tensor.dtype != torch.float32 for tensor in tensors):
        return False
    parts = [part for value in state.memory.values() for part in (value if isinstance(value, list) else [value])]
    remembered = [part for part in parts if isinstance(part, torch.Tensor)] if known else []
    return all(
        part.ndim in (0, len(shape)) and all(side in (1, whole) for side, whole in zip(part.shape, shape, strict=False))
        for part in remembered
    )
