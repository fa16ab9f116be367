"""How finished runs are: why they stopped, and by how much their losses still fell."""

from collections.abc import Iterable, Mapping
from typing import Any

from stylelib.evaluation.progress import PATIENCE
from stylelib.support.errors import InputError
from stylelib.synthesis import Synthesis

MOST = 6  # numbers that a sentence lists; of more it gives the smallest and the largest


def how_finished(runs: Synthesis | Mapping[Any, Synthesis] | Iterable[Synthesis]) -> str:
    """Return a sentence that says why runs stopped, and by how much the losses still fell in the last steps.

    Parameters
    ----------
    runs : Synthesis, or Mapping or iterable of Synthesis
        One run or several, with at least one step each.

    Returns
    -------
    str
        Such as "All 100 steps are done; in the last 20 the loss fell by 1.4 %." Steps before a run has grown or its
        terms have changed do not count, because their losses are others.

    Raises
    ------
    InputError
        If there is no run.
    """
    listed = [runs] if isinstance(runs, Synthesis) else list(runs.values() if isinstance(runs, Mapping) else runs)
    if not listed:
        raise InputError("Give at least one run.")
    reasons = " or ".join(dict.fromkeys(run.stop_reason or "under way" for run in listed))
    count = min([PATIENCE, *(run.progress.comparable for run in listed)])
    if count < 1:
        return f"{reasons[:1].upper()}{reasons[1:]}."
    falls = [run.progress.fall(count) for run in listed]
    if len(falls) > MOST:
        falls, between = [min(falls), max(falls)], " to "
    else:
        between = ", "
    losses = "loss" if len(listed) == 1 else "losses"
    said = between.join(f"{100 * fall:.1f} %" for fall in falls)
    return f"{reasons[:1].upper()}{reasons[1:]}; in the last {count} the {losses} fell by {said}."
