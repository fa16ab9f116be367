"""What tells the runs of a sweep apart, and what failed, in words."""

import dataclasses
import hashlib
import pathlib

from stylelib.recipes import Recipe
from stylelib.support.errors import InputError

SHOWN = 5  # failures that a sentence names


class SweepError(InputError):
    """Some runs failed. results: of all the others. failures: [(recipe, why), …]."""

    def __init__(self, message, results=(), failures=()):
        super().__init__(message)
        self.results, self.failures = list(results), list(failures)


def labels_of(recipes):
    """What tells each recipe from the others."""
    names = [field.name for field in dataclasses.fields(Recipe)]
    names = [name for name in names if len({repr(getattr(recipe, name)) for recipe in recipes}) > 1]
    return [", ".join(_said(name, getattr(recipe, name)) for name in names) for recipe in recipes]


def _said(name, value):
    if isinstance(value, bytes):
        value = hashlib.sha256(value).hexdigest()[:6]
    elif name in ("content", "style"):
        value = pathlib.Path(value).name
    elif isinstance(value, tuple | list):
        value = "+".join(map(str, value))
    elif isinstance(value, float):
        value = f"{value:g}"
    return f"{'α/β' if name == 'alpha_beta' else name.replace('_', ' ')} {value}"


def sweep_error(failures, results, count, folder):
    """The SweepError that says what failed. failures: [(recipe, why), …]."""
    labels = labels_of([recipe for recipe, _ in failures] + [result.recipe for result in results])
    reasons = {}
    for label, (_, why) in zip(labels, failures, strict=False):
        reasons.setdefault(why.rstrip("."), []).append(label or "the run")
    said = _listed([f"{_listed(those)}: {why}" for why, those in reasons.items()])
    others = f"; the others are in {folder}" if results else ""
    said = f"{len(failures)} of {count} runs failed ({said}){others}."
    return SweepError(said, results, failures)


def _listed(texts):
    more = [f"and {len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return "; ".join(texts[:SHOWN] + more)
