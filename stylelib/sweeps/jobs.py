"""Recipes as jobs: each has a name made from its content, and two files in the sweep's folder."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor

from stylelib.evaluation.progress import Record
from stylelib.images import load_image
from stylelib.recipes import Recipe
from stylelib.storage import carried, recipe_files
from stylelib.support.errors import InputError
from stylelib.support.files import write_atomically
from stylelib.support.machine import pick_device, preset
from stylelib.sweeps.parcels import to_png
from stylelib.weights.networks import is_here, load_network

TOGETHER = 4  # jobs that a worker gets in one parcel; more would gain little, and all are lost if the worker dies
SMALL = 64  # pixels; up to this size a batch is faster on a CPU, see tools/benchmarks


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of a job.

    Attributes
    ----------
    recipe : Recipe
        The recipe as it was given.
    path : pathlib.Path
        Its picture, a PNG. The JSON file beside it holds everything else, and is a recipe file too.
    losses : dict
        The picture's weighted losses by name.
    history : list of Record
        One for each step.
    stop_reason : str
        Why the run stopped.
    made : str
        What made the picture, for a caption.
    """

    recipe: Recipe
    path: pathlib.Path
    losses: dict[str, float]
    history: list[Record]
    stop_reason: str
    made: str

    def __repr__(self) -> str:
        """Return one short line; the recipe and the history are left out."""
        loss = sum(self.losses.values())
        return f"Result({self.path.name}, {len(self.history) - 1} steps, loss {loss:.4g}, {self.stop_reason})"

    @property
    def image(self) -> Tensor:
        """The picture, (1, 3, H, W), 0 to 1, in steps of 1/255."""
        return load_image(self.path)


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """A recipe in a sweep, with its files.

    Attributes
    ----------
    recipe : Recipe
        The recipe as it was given.
    sent : Recipe
        The recipe as a worker receives it.
    path : pathlib.Path
        Its picture.
    content : dict
        The recipe's part of its JSON file.
    """

    recipe: Recipe
    sent: Recipe
    path: pathlib.Path
    content: dict[str, Any]

    @property
    def checkpoint(self) -> pathlib.Path:
        """The file that keeps its run while a worker computes it, see `stylelib.storage.keeping`."""
        return self.path.with_suffix(".run.pt")

    def write(self, png: bytes, rest: dict[str, Any]) -> Result:
        """Write what a worker computed.

        Parameters
        ----------
        png : bytes
            The picture.
        rest : dict
            Further values for the JSON file. It is written last, so a picture without one is known to be incomplete.

        Returns
        -------
        Result
            The same that `read` returns.
        """
        steps = len(rest["result"]["history"]) - 1
        png = to_png(load_image(png), carried.with_result(self.content, rest["network_fingerprint"], steps))
        rest["result"]["sha256"] = hashlib.sha256(png).hexdigest()
        files = {self.path: png, self.path.with_suffix(".json"): recipe_files.to_json(self.content | rest)}
        for path, data in files.items():
            with write_atomically(path) as file:
                file.write(data)
        self.checkpoint.unlink(missing_ok=True)
        return self._result(rest["result"])

    def read(self, fingerprint: str | None) -> Result | None:
        """Return the result that was kept; None if it is missing, damaged, or was made with another network.

        Parameters
        ----------
        fingerprint : str or None
            The network's; None if its weights are not on this machine, in which case it is not compared.
        """
        try:
            saved = json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))
            same = all(saved[name] == value for name, value in self.content.items() if name != "stylelib")
            whole = saved["result"]["sha256"] == hashlib.sha256(self.path.read_bytes()).hexdigest()
            if same and whole and fingerprint in (None, saved["network_fingerprint"]):
                return self._result(saved["result"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # whatever a damaged file can raise
            pass
        return None

    def _result(self, result: dict[str, Any]) -> Result:
        history = [Record(**record) for record in result["history"]]
        return Result(self.recipe, self.path, result["losses"], history, result["stop_reason"], result["made"])


def plan(recipe: Recipe, sent: Recipe, folder: pathlib.Path) -> Job:
    """Return the job of a recipe, and write its pictures to the folder, each of them once.

    Parameters
    ----------
    recipe : Recipe
        The recipe as it was given.
    sent : Recipe
        The recipe as a worker receives it.
    folder : pathlib.Path
        The sweep's folder.

    Returns
    -------
    Job
        Its name depends on every value of the recipe, on its class and on the content of its pictures.

    Raises
    ------
    InputError
        For a value that JSON cannot hold.
    """
    content, pictures = recipe_files.contents(recipe, lambda role, digest: f"picture-{digest[:16]}")
    try:
        content = json.loads(recipe_files.to_json(content))  # as it is read from the file, with lists for tuples
    except (TypeError, ValueError) as error:
        raise InputError(
            f"A sweep keeps its recipes as JSON, but a value of this {type(recipe).__name__} is not a number, a string "
            f"or a tuple of these ({error})."
        ) from error
    for name, data in pictures.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            with write_atomically(path) as file:
                file.write(data)
    # a value that earlier versions did not have is left out where it means what they did
    hashed = {
        name: value for name, value in content.items() if name != "stylelib" and (name, value) != ("first_size", 0)
    }
    name = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()[:16]
    return Job(recipe, sent, folder / f"{recipe.kind}-{name}.png", content)


def batches_of(jobs: Iterable[Job], together: int | None, workers: int | None) -> Iterator[list[Job]]:
    """Yield the jobs in lists, each of which is sent as one parcel and evaluated as one batch if that is faster.

    Parameters
    ----------
    jobs : Iterable of Job
        In any order.
    together : int or None
        Number of jobs in a list; None chooses it.
    workers : int or None
        Number of workers on this machine; None if another executor computes.

    Yields
    ------
    list of Job
        Runs of one size, network and number of steps, because a run waits until the others of its list are done.
    """
    groups: dict[tuple[Any, ...], list[Job]] = {}
    for job in jobs:
        recipe = job.sent
        groups.setdefault((recipe.size, recipe.steps, recipe.network, recipe.pooling), []).append(job)
    for (size, *_), group in groups.items():
        count = together or 1
        if together is None and workers and ((size or preset().size) <= SMALL or pick_device().type != "cpu"):
            count = max(1, min(TOGETHER, len(group) // workers))  # so that every worker gets some
        yield from (group[first : first + count] for first in range(0, len(group), count))


def find_results(jobs: Iterable[Job]) -> dict[pathlib.Path, Result]:
    """Return the results that are in the folder already, by the paths of their pictures."""
    kept = [job for job in jobs if job.path.with_suffix(".json").exists()]
    networks = {(job.recipe.network, job.recipe.pooling) for job in kept}
    fingerprints = {(name, pooling): _fingerprint(name, pooling) for name, pooling in networks}
    results = {job: job.read(fingerprints[job.recipe.network, job.recipe.pooling]) for job in kept}
    for job, result in results.items():
        if result is not None:
            job.checkpoint.unlink(missing_ok=True)  # from a program that ended between the two
    return {job.path: result for job, result in results.items() if result is not None}


def _fingerprint(name: str, pooling: str) -> str | None:
    """Return a network's fingerprint; None if its weights are not on this machine, because none is downloaded here."""
    return load_network(name, pooling=pooling).fingerprint() if is_here(name) else None
