"""Recorded runs: small JPEG frames, losses and the recipe, in one file, to look at without computing anything.

A recording holds a run for every combination of a few values of its recipe (its knobs), each at the same steps.
"""

import dataclasses
import hashlib
import io
import itertools
import json
import pathlib
import zipfile

from stylelib.images import to_jpeg
from stylelib.recipes import Recipe
from stylelib.support.errors import InputError
from stylelib.support.files import check_writable, write_atomically
from stylelib.weights.networks import load_network

SHARES = (0, 0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.65, 1)  # of the steps, at which a frame is kept
WIDTH, QUALITY = 240, 72  # of a frame: in pixels, and as a JPEG
INDEX = "recording.json"


@dataclasses.dataclass(frozen=True)
class Recording:
    """knobs: {name: {label: value}}. runs: {the knobs' values, in order: a Recorded}. fingerprint: the network's."""

    recipe: Recipe
    knobs: dict
    runs: dict
    fingerprint: str

    def find(self, recipe):
        """The recorded run with a recipe's knobs, whatever its other values are; None where there is none."""
        return self.runs.get(tuple(getattr(recipe, name) for name in self.knobs))


@dataclasses.dataclass(frozen=True)
class Recorded:
    """One run. frames: {step: JPEG}. losses: {step: {name: loss}}. made: what made it, as a caption says it."""

    frames: dict
    losses: dict
    made: str


def record(recipe, knobs, network=None, report=lambda made: None):
    """Compute a recording. knobs: {name: {label: value}}. report: called with each run's caption."""
    network = network or load_network(recipe.network, pooling=recipe.pooling)
    wanted = sorted({round(share * recipe.steps) for share in SHARES})
    runs, done = {}, {}
    for values in itertools.product(*(choices.values() for choices in knobs.values())):
        one = dataclasses.replace(recipe, **dict(zip(knobs, values, strict=True)))
        one = one if one.init == "noise" else dataclasses.replace(one, seed=0)  # a seed is for noise alone
        if one not in done:
            done[one] = _record(one, network, wanted)
            report(done[one].made)
        runs[values] = done[one]
    return Recording(recipe, knobs, runs, network.fingerprint())


def _record(recipe, network, wanted):
    run = recipe.prepare(network)
    frames, losses = {0: frame(run.image)}, {}
    for step in run:
        if step.number in wanted:
            frames[step.number] = frame(step.image)
    frames.setdefault(run.number, frame(run.image))  # the end of a run that converged before
    for record in run.history:
        if record.number in frames:
            losses[record.number] = {name: float(f"{loss:.4g}") for name, loss in record.losses.items()}
    return Recorded(frames, losses, run.describe())


def frame(picture):
    """A picture tensor as a small JPEG."""
    return to_jpeg(picture, WIDTH, QUALITY)


def save(recording, path):
    """Write a recording to one file (.zip): equal frames are stored once."""
    path = check_writable(path, (".zip",))
    files, runs = {}, []
    for values, run in recording.runs.items():
        names = {}
        for number, data in run.frames.items():
            names[number] = f"{hashlib.sha256(data).hexdigest()[:16]}.jpg"
            files[names[number]] = data
        runs.append({"values": values, "frames": names, "losses": run.losses, "made": run.made})
    index = {"recipe": dataclasses.asdict(recording.recipe), "fingerprint": recording.fingerprint}
    index |= {"knobs": _listed(recording.knobs), "runs": runs}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # with a fixed date: the same recording is the same file
        for name, data in {INDEX: json.dumps(index, ensure_ascii=False).encode(), **files}.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    with write_atomically(path) as file:
        file.write(buffer.getvalue())
    return path


def load(path):
    """The recording that `save` wrote; InputError in a sentence if there is none."""
    path = pathlib.Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            index = json.loads(archive.read(INDEX))
            data = {name: archive.read(name) for name in archive.namelist()}
        runs = {
            _hashable(run["values"]): Recorded(
                {int(number): data[name] for number, name in run["frames"].items()},
                {int(number): losses for number, losses in run["losses"].items()},
                run["made"],
            )
            for run in index["runs"]
        }
        knobs = {name: {label: _hashable(value) for label, value in pairs} for name, pairs in index["knobs"]}
        recipe = Recipe(**{name: _hashable(value) for name, value in index["recipe"].items()})
        return Recording(recipe, knobs, runs, index["fingerprint"])
    except FileNotFoundError:
        raise InputError(f"There is no recording {path}.") from None
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise InputError(f"{path} is not a recording, or it is damaged.") from error


def _listed(knobs):
    return [[name, [[label, value] for label, value in choices.items()]] for name, choices in knobs.items()]


def _hashable(value):
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
