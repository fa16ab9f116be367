"""What a worker does with the recipes that it receives."""

import contextlib
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from stylelib.recipes import Recipe
from stylelib.storage.keeping import Keeper
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
    paths = map(_within_reach, parcel.checkpoints)
    keepers = [Keeper(path, recipe, parcel.every) for path, recipe in zip(paths, recipes, strict=True)]
    for place, recipe in enumerate(recipes):
        try:
            runs[place] = _begin(recipe, keepers[place].path)
        except Exception as error:
            made[place] = why(error)
    _finish_batches({run: keepers[place] for place, run in runs.items() if _steady(recipes[place])})
    for place in list(runs):
        try:
            made[place] = _finish(recipes[place], runs.pop(place), keepers[place])  # popped, to free its memory
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


def _finish_batches(runs: Mapping[Synthesis, Keeper]) -> None:
    """Finish the runs that are faster as one batch. A run that fails here fails again alone, which keeps its error."""
    for several in alike(runs):
        with contextlib.suppress(InputError, RuntimeError):
            if len(several) > 1 and pays(several):
                finish_together(several, lambda run: runs[run].after_step(run))


def _within_reach(path: str) -> pathlib.Path | None:
    """Return the path of a checkpoint, or None on a machine that does not have the sweep's folder."""
    return pathlib.Path(path) if os.path.isdir(os.path.dirname(path)) else None


def _begin(recipe: Recipe, checkpoint: pathlib.Path | None) -> Synthesis:
    """Return the run of a recipe: from its checkpoint, if another worker has left one, else from the start."""
    network = cached_network(recipe.network, recipe.pooling)
    run = recipe.prepare(network)
    if checkpoint is not None and checkpoint.exists():
        with contextlib.suppress(Exception):  # a file that is damaged, or was made with other classes, is not used
            kept = type(run).load(checkpoint, networks=[network])
            if kept.steps == run.steps and all(term.net in (None, network) for term in kept.terms):
                return kept
    return run


def _finish(recipe: Recipe, run: Synthesis, keeper: Keeper) -> tuple[bytes, dict[str, Any]]:
    """Finish a run, unless it is finished already, and return what is kept of it."""
    for _ in keeper.follow(run, recipe.play(run)):
        pass
    keeper.settle(run)  # the worker may die before its answer has arrived
    result: dict[str, Any] = {"made": run.describe(), "stop_reason": run.stop_reason, "losses": run.losses}
    result["history"] = [vars(record) for record in run.history]
    fingerprint = cached_network(recipe.network, recipe.pooling).fingerprint()
    return to_png(run.image), {"network_fingerprint": fingerprint, "result": result}
