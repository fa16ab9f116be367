"""Labels that tell the runs of a sweep apart, and the error that says which of them failed."""

import hashlib
import pathlib
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from stylelib.recipes import Recipe
from stylelib.support.errors import InputError
from stylelib.sweeps.jobs import Result

SHOWN = 5  # failures that a message names

Failure = tuple[Recipe, str]  # a recipe and why it failed


class SweepError(InputError):
    """Some runs of a sweep failed.

    Attributes
    ----------
    results : list of Result
        The results of all other runs.
    failures : list of (Recipe, str)
        The recipes that failed, each with its reason.
    """

    def __init__(self, message: str, results: Iterable[Result] = (), failures: Iterable[Failure] = ()) -> None:
        super().__init__(message)
        self.results, self.failures = list(results), list(failures)


def labels_of(recipes: Sequence[Recipe]) -> list[str]:
    """Return for each recipe the values in which it differs from the others, such as "α/β 0.1, seed 2"."""
    values = [_values(recipe) for recipe in recipes]
    names = list(dict.fromkeys(name for each in values for name in each))
    names = [name for name in names if len({repr(each.get(name)) for each in values}) > 1]
    return [", ".join(_label(name, each[name]) for name in names if name in each) for each in values]


def sweep_error(failures: Sequence[Failure], results: Sequence[Result], count: int, folder: pathlib.Path) -> SweepError:
    """Return the error that says what failed.

    Parameters
    ----------
    failures : Sequence of (Recipe, str)
        The recipes that failed, with their reasons.
    results : Sequence of Result
        The results of the others.
    count : int
        Number of all runs.
    folder : pathlib.Path
        The folder of the results.

    Returns
    -------
    SweepError
        The error, for the caller to raise.
    """
    labels = labels_of([recipe for recipe, _ in failures] + [result.recipe for result in results])
    failed: dict[str, list[str]] = {}  # {reason: labels}
    for label, (_, reason) in zip(labels, failures, strict=False):
        failed.setdefault(reason.rstrip("."), []).append(label or "the run")
    reasons = _listed([f"{_listed(several)}: {reason}" for reason, several in failed.items()])
    others = f"; the others are in {folder}" if results else ""
    return SweepError(f"{len(failures)} of {count} runs failed ({reasons}){others}.", results, failures)


def _values(recipe: Recipe) -> dict[str, Any]:
    return {"recipe": type(recipe).__name__} | {field.name: getattr(recipe, field.name) for field in fields(recipe)}


def _label(name: str, value: Any) -> str:
    several = value if isinstance(value, tuple | list) else [value]
    text = "+".join(_text(name, part) for part in several)
    return f"{'α/β' if name == 'alpha_beta' else name.replace('_', ' ')} {text}"


def _text(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()[:6]
    if name in ("content", "style"):
        return pathlib.Path(value).name
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return "; ".join([*texts[:SHOWN], *more])
