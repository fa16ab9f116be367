"""What a worker does with the recipes that it receives."""

import contextlib
from collections.abc import Sequence
from typing import Any

from stylelib.recipes import Recipe
from stylelib.support.errors import InputError
from stylelib.sweeps.parcels import ArrivedParcel, Parcel, to_png
from stylelib.sweeps.together import alike, finish_together, pays
from stylelib.synthesis import Synthesis
from stylelib.weights.networks import cached_network

Made = tuple[bytes, dict[str, Any]] | str  # for one recipe: its PNG and values for its JSON file, or why it failed


def compute(parcel: Parcel | ArrivedParcel) -> list[Made]:
    """Compute the recipes of a parcel.

    Parameters
    ----------
    parcel : Parcel
        Its runs are evaluated as one batch if they are alike and this is faster.

    Returns
    -------
    list
        For each recipe, (the bytes of its PNG, values for its JSON file) or a sentence that says why it failed.
    """
    recipes = parcel.recipes
    runs: dict[int, Synthesis] = {}  # by their place in the parcel
    made: dict[int, Made] = {}
    for place, recipe in enumerate(recipes):
        try:
            runs[place] = recipe.prepare(cached_network(recipe.network, recipe.pooling))
        except Exception as error:
            made[place] = why(error)
    _finish_batches([run for place, run in runs.items() if _steady(recipes[place])])
    for place in list(runs):
        try:
            made[place] = _finish(recipes[place], runs.pop(place))  # popped, to free its memory afterwards
        except Exception as error:
            made[place] = why(error)
    return [made[place] for place in range(len(recipes))]


def why(error: BaseException) -> str:
    """Return an error as one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"


def _steady(recipe: Recipe) -> bool:
    """Return whether a run never changes its terms, so that it can be part of a batch."""
    return not recipe.changes and type(recipe).play is Recipe.play


def _finish_batches(runs: Sequence[Synthesis]) -> None:
    """Finish the runs that are faster as one batch. A run that fails here fails again alone, which keeps its error."""
    for several in alike(runs):
        with contextlib.suppress(InputError, RuntimeError):
            if len(several) > 1 and pays(several):
                finish_together(several)


def _finish(recipe: Recipe, run: Synthesis) -> tuple[bytes, dict[str, Any]]:
    """Finish a run, unless it is finished already, and return what is kept of it."""
    for _ in recipe.play(run):
        pass
    result: dict[str, Any] = {"made": run.describe(), "stop_reason": run.stop_reason, "losses": run.losses}
    result["history"] = [vars(record) for record in run.history]
    fingerprint = cached_network(recipe.network, recipe.pooling).fingerprint()
    return to_png(run.image), {"network_fingerprint": fingerprint, "result": result}
