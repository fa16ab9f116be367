"""Which file a network's weights are read from: one that is on this machine, else a download that is kept.

Every network ends up in the same form: a safetensors file of the convolutions alone, with a header that says what it is
and a fingerprint of its numbers.
"""

import contextlib
import dataclasses
import glob
import json
import os
import pathlib
from collections.abc import Iterator

import safetensors.torch
import torch

from stylelib.support.errors import InputError, check_choice, shorten, warn
from stylelib.support.fetching import one_process, wrong_content
from stylelib.support.files import cache_folder, existing_file, file_sha256, write_atomically
from stylelib.weights.download import DOWNLOADS, ORIGINAL_FILES, ORIGINALS, download, not_asked_for, published_file
from stylelib.weights.formats import FROM_TORCHVISION, Weights, architecture, read_weights
from stylelib.weights.hdf5 import check_h5py
from stylelib.weights.trainings import ORIGINAL, TORCHVISION

PRETRAINED = tuple(DOWNLOADS)
EMBEDDED = ("compact", "compact11")  # in this package
DATA = pathlib.Path(__file__).with_name("data")
WAYS_OUT = (
    ": make room there, or set STYLELIB_WEIGHTS to a folder that you can write to, or use load_network('compact')"
)


def load_weights(name: str, path: str | os.PathLike[str] | None = None, download: bool = True) -> Weights:
    """Return the weights of a network.

    The first load of a pretrained network looks for a published file of it in `weights_folder()` and in the caches of
    Keras and torch, else downloads it, and keeps a small file in `weights_folder()`, which later loads use. Rather than
    download the original weights of VGG-16 or VGG-19 it takes torchvision's if those are here.

    Parameters
    ----------
    name : str
        One of `PRETRAINED` or `EMBEDDED`.
    path : path, optional
        A file of yours instead, see `read_weights`.
    download : bool
        Whether a network that is not on this machine may be downloaded.

    Returns
    -------
    Weights
        With a line that says where they come from.

    Raises
    ------
    InputError
        If the weights are not available or do not fit.
    """
    check_choice("network", name, PRETRAINED + EMBEDDED)
    if path is not None:
        return _from_your_file(existing_file(path, "file of weights"), name)
    if name in EMBEDDED:
        return read_weights(DATA / f"{name}.safetensors", name)
    for _, weights in _on_this_machine(name, weights_folder()):
        return weights
    if not download:
        raise not_asked_for(name, weights_folder())
    return _downloaded(name, weights_folder())


def fetch_weights(name: str, folder: pathlib.Path | None = None) -> tuple[pathlib.Path, Weights]:
    """Make sure that a folder has the small file of a network, of exactly the training that its name means.

    Parameters
    ----------
    name : str
        One of `PRETRAINED`.
    folder : pathlib.Path, optional
        Where the small file is put; `weights_folder()` by default.

    Returns
    -------
    pathlib.Path, Weights
        The small file and what it holds.

    Raises
    ------
    InputError
        If it is not on this machine and cannot be downloaded, or cannot be written.
    """
    check_choice("network", name, PRETRAINED)
    folder = folder or weights_folder()
    path = folder / f"{name}.safetensors"
    here = (found for found in _on_this_machine(name, folder) if _is_meant(found[1], name))
    file, weights = next(here, (None, None))
    if file is None or weights is None:
        return path, _downloaded(name, folder)
    if file != path:
        with _writing(folder):
            if file.suffix == path.suffix:
                _write(path, file.read_bytes())
            else:
                _keep(weights, file, folder)
    return path, weights


def find_weights(name: str) -> pathlib.Path | None:
    """Return a file on this machine that should hold the weights of a network; nothing is read or downloaded.

    Parameters
    ----------
    name : str
        One of `PRETRAINED` or `EMBEDDED`.

    Returns
    -------
    pathlib.Path or None
        The file; use `load_weights(…, download=False)` to find out whether it is complete.

    Raises
    ------
    InputError
        For another name.
    """
    check_choice("network", name, PRETRAINED + EMBEDDED)
    if name in EMBEDDED:
        return DATA / f"{name}.safetensors"
    return next((path for _, path, _ in _files(name, weights_folder())), None)


def weights_folder() -> pathlib.Path:
    """Return the folder where weights are looked for first and kept: $STYLELIB_WEIGHTS, else the user's cache."""
    given = os.environ.get("STYLELIB_WEIGHTS")
    try:
        return pathlib.Path(given).expanduser() if given else cache_folder()
    except RuntimeError as error:
        raise InputError(f"STYLELIB_WEIGHTS is {shorten(str(given))}, which names no folder ({error}).") from error


def from_torchvision(weights: Weights) -> bool:
    """Return whether weights are torchvision's."""
    return weights.source.startswith("torchvision")


def _is_meant(weights: Weights, name: str) -> bool:
    """Return whether weights are of the training that a name means; vgg19.safetensors used to be torchvision's."""
    return name not in ORIGINALS or not from_torchvision(weights)


def _files(name: str, folder: pathlib.Path) -> Iterator[tuple[str, pathlib.Path, str]]:
    """Yield the files on this machine that a pretrained network can be read from, the best first.

    Each comes with its kind, "small", "original" or "torchvision", and the digest that it has to have.
    """
    folders = list(dict.fromkeys([folder, weights_folder()]))
    torchvisions = f"{name}{FROM_TORCHVISION}" if name in ORIGINALS else name
    for place in folders:
        if os.path.isfile(path := place / f"{name}.safetensors"):
            yield "small", path, ""
    torchs_cache = pathlib.Path(torch.hub.get_dir()) / "checkpoints"
    for place in [*folders, _kerass_cache(), torchs_cache]:
        for file, digest in ORIGINAL_FILES.get(name, ()):
            if os.path.isfile(path := place / file):
                yield "original", path, digest
    for place in folders:
        if name in ORIGINALS and os.path.isfile(path := place / f"{torchvisions}.safetensors"):
            yield "small", path, ""
        if name not in ORIGINALS and _holds_torchvisions(path := place / f"{architecture(name)}.safetensors"):
            yield "small", path, ""
    for place in [*folders, torchs_cache]:
        if glob.glob(f"{glob.escape(str(place))}/{architecture(name)}-*.pth"):  # else torchvision need not be imported
            published = published_file(torchvisions)
            if os.path.isfile(path := place / published.file):
                yield "torchvision", path, published.digest


def _on_this_machine(name: str, folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, Weights]]:
    """Yield what can be read of a pretrained network here, with its file; nothing is downloaded."""
    for kind, path, digest in _files(name, folder):
        if digest and (wrong := wrong_content(path, digest)):
            warn(f"The file {path} is damaged ({wrong}) and is not used.")
            continue
        training = {"original": ORIGINAL, "torchvision": TORCHVISION}.get(kind)
        try:
            weights = read_weights(path, name, training)
        except InputError as error:
            warn(f"{error} It is {'made again' if kind == 'small' else 'not used'}.")
            continue
        if kind == "torchvision" and name in ORIGINALS:
            weights = dataclasses.replace(weights, name=f"{name}{FROM_TORCHVISION}")
        if kind != "small":
            with contextlib.suppress(InputError, OSError):  # a school's read-only folder: use the file, keep nothing
                _keep(weights, path, weights_folder())
        yield path, weights


def _kerass_cache() -> pathlib.Path:
    return pathlib.Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras")) / "models"


def _holds_torchvisions(path: pathlib.Path) -> bool:
    """Return whether a small file says that it was made from torchvision's."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            return str((file.metadata() or {}).get("source")).startswith("torchvision")
    except (OSError, safetensors.SafetensorError):
        return False


def _from_your_file(path: pathlib.Path, name: str) -> Weights:
    weights = read_weights(path, name)
    return dataclasses.replace(weights, source=", ".join(filter(None, [f"your file {path.name}", weights.source])))


def _downloaded(name: str, folder: pathlib.Path) -> Weights:
    """Download a published file and return its weights; only the small file made from it is kept."""
    if name in ORIGINALS:
        check_h5py()
    what = f"the weights of {name}"
    with _writing(folder), one_process(folder / f"{name}.lock", what) as waited:
        with contextlib.suppress(InputError):
            weights = read_weights(folder / f"{name}.safetensors", name)
            if _is_meant(weights, name):  # another process has made it just now
                return weights
        if waited:  # thirty processes do not repeat in turn what has failed
            raise InputError(
                f"Another process fetched {what} and did not finish; see what it says, then run this again."
            )
        file = download(name, published_file(name), folder)
        try:
            weights = read_weights(file, name, ORIGINAL if name in ORIGINALS else TORCHVISION)
            _keep(weights, file, folder)
        finally:
            file.unlink(missing_ok=True)
        return weights


@contextlib.contextmanager
def _writing(folder: pathlib.Path) -> Iterator[None]:
    """Make a folder, and say in a sentence why it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror or error}){WAYS_OUT}.") from error


def _keep(weights: Weights, file: pathlib.Path, folder: pathlib.Path) -> None:
    """Write the small file of a published one into a folder; an InputError or OSError if that is not possible."""
    header = {
        "name": weights.name,
        "source": weights.source,
        "url": published_file(weights.name).urls[0],
        "source_sha256": file_sha256(file),
        "input_mean": json.dumps(weights.mean),
        "input_std": json.dumps(weights.std),
        "sha256": weights.sha256,
        "made_by": "stylelib: the convolutions alone, for RGB",
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{weights.name}.safetensors", safetensors.torch.save(weights.tensors, header))


def _write(path: pathlib.Path, content: bytes) -> None:
    """Write a small file; an older one with torchvision's weights moves aside if the original ones come."""
    if path.stem in ORIGINALS and _holds_torchvisions(path):
        os.replace(path, path.with_stem(f"{path.stem}{FROM_TORCHVISION}"))
    with write_atomically(path, advice=WAYS_OUT) as file:
        file.write(content)
