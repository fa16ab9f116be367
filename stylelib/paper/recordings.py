"""Recordings: small JPEG frames, losses and the recipe of recorded runs in one file.

A recording has a run for every combination of its knobs, which are a few values of its recipe. It shows them without
computing anything. All runs are recorded at the same steps. For runs that are no such combinations, as those of a
figure of the paper, see `stylelib.paper.recorded`.
"""

import dataclasses
import hashlib
import io
import itertools
import json
import os
import pathlib
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import Tensor

from stylelib.figures import kept_frames
from stylelib.images import load_image, to_jpeg
from stylelib.protocols.network import Network
from stylelib.recipes import Recipe
from stylelib.support.errors import InputError
from stylelib.support.files import check_writable, existing_file, write_atomically
from stylelib.synthesis import Synthesis
from stylelib.weights.networks import load_network

T = TypeVar("T")
SHARES = (0, 0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.65, 1)  # a frame is kept after these fractions of the steps
WIDTH, QUALITY = 240, 72  # of a frame: its longer side in pixels, and the JPEG's quality
INDEX = "recording.json"
LARGEST = 100_000_000  # bytes, packed or not

Knobs = Mapping[str, Mapping[str, Any]]  # {name of a recipe's value: {label: value}}


@dataclasses.dataclass(frozen=True)
class RecordedRun:
    """One run of a recording.

    Attributes
    ----------
    frames : dict of int to bytes
        {step: JPEG}.
    losses : dict of int to dict
        {step: {name: loss}}.
    made : str
        What made it, as a caption.
    """

    frames: dict[int, bytes]
    losses: dict[int, dict[str, float]]
    made: str

    @property
    def picture(self) -> Tensor:
        """The last frame, (1, 3, H, W)."""
        return load_image(self.frames[max(self.frames)])


@dataclasses.dataclass(frozen=True)
class Recording:
    """A run for every combination of the knobs' values.

    Attributes
    ----------
    recipe : Recipe
        What all runs share.
    knobs : Mapping
        {name of a recipe's value: {label: value}}.
    runs : dict of tuple to RecordedRun
        {the knobs' values, in order: the run}.
    fingerprint : str
        The network's fingerprint.
    """

    recipe: Recipe
    knobs: Knobs
    runs: dict[tuple[Any, ...], RecordedRun]
    fingerprint: str

    def find(self, recipe: Recipe) -> RecordedRun | None:
        """Return the run with a recipe's values of the knobs; its other values do not matter. None if there is none."""
        return self.runs.get(tuple(getattr(recipe, name) for name in self.knobs))


def make(
    recipe: Recipe, knobs: Knobs, network: Network | None = None, report: Callable[[str], object] | None = None
) -> Recording:
    """Compute a recording.

    Parameters
    ----------
    recipe : Recipe
        What all runs share.
    knobs : Mapping
        {name of a recipe's value: {label: value}}.
    network : Network, optional
        The recipe's network, if you have loaded it already.
    report : callable, optional
        Called with the caption of each run that has been computed.

    Returns
    -------
    Recording
        All combinations; one that only changes the seed of a run without noise is not computed again.
    """
    network = network or load_network(recipe.network, pooling=recipe.pooling)
    runs: dict[tuple[Any, ...], RecordedRun] = {}
    computed: dict[Recipe, RecordedRun] = {}
    for values in itertools.product(*(choices.values() for choices in knobs.values())):
        chosen = dataclasses.replace(recipe, **dict(zip(knobs, values, strict=True)))
        if chosen.init != "noise":
            chosen = dataclasses.replace(chosen, seed=0)  # only noise depends on the seed
        if chosen not in computed:
            computed[chosen] = _run(chosen, network)
            if report is not None:
                report(computed[chosen].made)
        runs[values] = computed[chosen]
    return Recording(recipe, knobs, runs, network.fingerprint())


def _run(recipe: Recipe, network: Network) -> RecordedRun:
    wanted = {round(share * recipe.steps) for share in SHARES}
    run = recipe.prepare(network)
    run.frames[0] = run.image.cpu()
    for step in run:
        if step.number in wanted:
            run.frames[step.number] = step.image.cpu()
    return of_run(run)


def of_run(run: Synthesis, width: int = WIDTH, quality: int = QUALITY, end_width: int | None = None) -> RecordedRun:
    """Return what a recording keeps of a run: the frames that it kept and its best picture, as small JPEGs.

    Parameters
    ----------
    run : Synthesis
        A run with `frames`.
    width, quality : int
        As for `frame`.
    end_width : int, optional
        The width of the last frame; that of the others by default.

    Returns
    -------
    RecordedRun
        With the losses of the same steps.
    """
    pictures = kept_frames(run)
    widths = dict.fromkeys(pictures, width) | {max(pictures): end_width or width}
    frames = {number: frame(picture, widths[number], quality) for number, picture in pictures.items()}
    losses = {
        record.number: {name: float(f"{loss:.4g}") for name, loss in record.losses.items()}
        for record in run.history
        if record.number in frames
    }
    return RecordedRun(frames, losses, run.describe())


def frame(picture: Tensor, width: int = WIDTH, quality: int = QUALITY) -> bytes:
    """Return a picture tensor (1, 3, H, W) as a small JPEG: its longer side in pixels, and the JPEG's quality."""
    return to_jpeg(picture, width, quality)


def save(recording: Recording, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write a recording to one file; equal frames are stored once.

    Parameters
    ----------
    recording : Recording
        What `make` returns. The same recording is always the same file, byte for byte.
    path : path
        Ends in .zip.

    Returns
    -------
    pathlib.Path
        The file's path.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    index = {
        "recipe": dataclasses.asdict(recording.recipe),
        "fingerprint": recording.fingerprint,
        "knobs": [(name, list(choices.items())) for name, choices in recording.knobs.items()],
    }
    return write(index, recording.runs, path)


def write(index: Mapping[str, Any], recorded: Mapping[Any, RecordedRun], path: str | os.PathLike[str]) -> pathlib.Path:
    """Write runs to a .zip file, each with its values, beside what the index holds already; return the path."""
    path = check_writable(path, (".zip",))
    files, runs = {}, []
    for values, run in recorded.items():
        names = {}
        for number, data in run.frames.items():
            names[number] = f"{hashlib.sha256(data).hexdigest()[:16]}.jpg"
            files[names[number]] = data
        runs.append({"values": values, "frames": names, "losses": run.losses, "made": run.made})
    index = {**index, "runs": runs}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {INDEX: json.dumps(index, ensure_ascii=False).encode(), **files}.items():
            archive.writestr(zipfile.ZipInfo(name), data)  # a ZipInfo has a fixed date
    with write_atomically(path) as file:
        file.write(buffer.getvalue())
    return path


def load(path: str | os.PathLike[str]) -> Recording:
    """Return the recording that `save` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Recording
        Equal to the one that was saved.

    Raises
    ------
    InputError
        If the file is missing, or is not a recording.
    """
    return read(path, _recording)


def _recording(index: dict[str, Any], runs: dict[Any, RecordedRun]) -> Recording:
    knobs = {name: {label: _hashable(value) for label, value in pairs} for name, pairs in index["knobs"]}
    recipe = Recipe(**{name: _hashable(value) for name, value in index["recipe"].items()})
    return Recording(recipe, knobs, runs, index["fingerprint"])


def read(path: str | os.PathLike[str], make: Callable[[dict[str, Any], dict[Any, RecordedRun]], T]) -> T:
    """Return what `make` makes of a file's index and its runs, {values: run}; raise an InputError if it cannot."""
    path = existing_file(path, "recording", LARGEST)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise ValueError("it would unpack to more")
            index = json.loads(archive.read(INDEX))
            data = {name: archive.read(name) for name in archive.namelist()}
        runs = {
            _hashable(run["values"]): RecordedRun(
                {int(number): data[name] for number, name in run["frames"].items()},
                {int(number): losses for number, losses in run["losses"].items()},
                run["made"],
            )
            for run in index["runs"]
        }
        return make(index, runs)
    except Exception as error:  # a damaged file can make its reader raise anything
        raise InputError(f"{path} is not a recording, or it is damaged.") from error


def _hashable(value: Any) -> Any:
    """Return a value from JSON with tuples in place of lists."""
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
