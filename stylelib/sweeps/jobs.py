"""Recipes as jobs: each has a name made from its content, and files in the sweep's folder."""

import dataclasses
import hashlib
import json
import pathlib

from stylelib.evaluation.progress import Record
from stylelib.images import load_image
from stylelib.recipes import Recipe
from stylelib.storage.recipe_files import to_json
from stylelib.support.files import write_atomically
from stylelib.support.machine import pick_device, preset
from stylelib.weights.networks import RANDOM, check_name, load_network
from stylelib.weights.store import find_weights

TOGETHER = 4  # runs that a process gets at once; more would gain little, and are lost together when it dies


SMALL = 64  # pixels up to which a batch is quicker on a processor, see tools/benchmarks


@dataclasses.dataclass(frozen=True)
class Result:
    """A run that is done.

    path: its picture, a PNG; the JSON file beside it holds all the rest, and is a recipe that `Recipe.load` reads.
    losses: the picture's weighted losses by name. history: a Record of each step. made: what made it, for a caption.
    """

    recipe: Recipe
    path: pathlib.Path
    losses: dict
    history: list
    stop_reason: str
    made: str

    @property
    def image(self):
        """The picture, (1, 3, H, W), 0 to 1, in steps of 1/255."""
        return load_image(self.path)


@dataclasses.dataclass(frozen=True)
class Job:
    """A recipe, as it is sent, and its place in the folder. content: what its file says of the recipe."""

    recipe: Recipe
    sent: Recipe
    path: pathlib.Path
    content: dict

    def write(self, png, rest):
        """Keep what `compute` gave. The JSON comes last: a picture without it is one that was being written."""
        rest["result"]["sha256"] = hashlib.sha256(png).hexdigest()
        for path, data in ((self.path, png), (self.path.with_suffix(".json"), to_json(self.content | rest))):
            with write_atomically(path) as file:
                file.write(data)
        return self._result(rest["result"])

    def read(self, fingerprint):
        """The result that was kept; None where it is missing, damaged, or another network's. fingerprint: or None."""
        try:
            saved = json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))
            same = all(saved[name] == value for name, value in self.content.items() if name != "stylelib")
            whole = saved["result"]["sha256"] == hashlib.sha256(self.path.read_bytes()).hexdigest()
            if same and whole and fingerprint in (None, saved["network_fingerprint"]):
                return self._result(saved["result"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # whatever is left of a damaged file
            pass
        return None

    def _result(self, result):
        history = [Record(**record) for record in result["history"]]
        return Result(self.recipe, self.path, result["losses"], history, result["stop_reason"], result["made"])


def plan(recipe, sent, folder):
    """The job of a recipe. Pictures of one's own are kept in the folder, once each."""
    content, pictures = recipe.contents(lambda role, digest: f"picture-{digest[:16]}")
    for name, data in pictures.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            with write_atomically(path) as file:
                file.write(data)
    content = json.loads(to_json(content))  # as it is read from a file: lists for tuples
    what = {name: value for name, value in content.items() if name != "stylelib"}
    name = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
    return Job(recipe, sent, folder / f"{recipe.kind}-{name}.png", content)


def bundles_of(jobs, together, processes):
    """The jobs in lists, each to be sent at once. together: how many, or None; processes: of ours, or None."""
    groups = {}
    for job in jobs:
        one = job.sent  # a run waits until the others of its list are done: so all have as many steps
        groups.setdefault((one.size, one.steps, one.network, one.pooling), []).append(job)
    for (size, *_), group in groups.items():
        may_pay = processes and ((size or preset().size) <= SMALL or pick_device().type != "cpu")
        count = together or (max(1, min(TOGETHER, len(group) // processes)) if may_pay else 1)  # work for each process
        yield from (group[first : first + count] for first in range(0, len(group), count))


def find_results(jobs):
    """{path: Result} of what is in the folder already."""
    kept = [job for job in jobs if job.path.with_suffix(".json").exists()]
    networks = {(job.recipe.network, job.recipe.pooling) for job in kept}
    prints = {}
    for name, pooling in networks:  # where the weights are not on this machine, the files are believed
        here = check_name(name).endswith(RANDOM) or find_weights(check_name(name))
        prints[name, pooling] = load_network(name, pooling=pooling).fingerprint() if here else None
    results = {job.path: job.read(prints[job.recipe.network, job.recipe.pooling]) for job in kept}
    return {path: result for path, result in results.items() if result is not None}
