"""Captions, which say what made a picture."""

from collections.abc import Sequence
from typing import Any

from stylelib.protocols.term import Term


def describe_terms(terms: Sequence[Term]) -> str:
    """Return a description of a list of terms, for captions."""
    return "; ".join(term.describe() for term in terms)


def describe_run(run: Any) -> str:
    """Return everything that made a run's picture in one line: networks, terms, start, size, steps, seed and device.

    Parameters
    ----------
    run : Synthesis
        A run at any step.

    Returns
    -------
    str
        The parts, separated by " · ".
    """
    networks = dict.fromkeys(term.net.describe() for term in run.terms if term.net is not None)
    height, width = run.shape[-2:]
    beside = f" beside {run.companions} other run{'s' * (run.companions > 1)}" if run.companions else ""
    parts = [
        "; ".join(networks),
        describe_terms(run.terms),
        f"from {run.init}",
        run.parameterization.describe(),
        f"{width} × {height} px" + (f", the first steps at {run.first_size} px" if len(run.scales.factors) > 1 else ""),
        f"{run.number} steps of {run.optimizer.describe()}",
        f"seed {run.seed}",
        f"on {run.device.type}{beside}",
    ]
    return " · ".join(part for part in parts if part)


def describe_progress(run: Any) -> str:
    """Return which step a run is at, how long it has taken and why it stopped, for its repr."""
    best = run.progress.best
    loss = f", loss {best.evaluation.loss:.4g}" if best else ""
    state = run.stop_reason or ("under way" if run.history else "not started")
    return f"step {run.number} of {run.steps}{loss}, {run.seconds:.0f} s; {state}"
