"""Which file a network's weights are read from: one that is on this machine, else a download that is kept.

Every network ends up in the same form: a safetensors file of the convolutions alone, with a header that says what it is
and a fingerprint of its numbers. VGG-19 takes 80 MB that way instead of torchvision's 548.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import warnings

import safetensors.torch
import torch

from stylelib.support.errors import InputError, check_choice
from stylelib.support.files import file_sha256, write_atomically
from stylelib.weights.download import downloaded, not_fetched, one_process, published_file, wrong_content
from stylelib.weights.formats import Weights, read_weights

PRETRAINED = ("vgg11", "vgg13", "vgg16", "vgg19")  # torchvision's weights
EMBEDDED = ("compact", "compact11")  # in this package
DATA = pathlib.Path(__file__).with_name("data")
WAYS_OUT = (
    ": make room there, or set STYLELIB_WEIGHTS to a folder that you can write to, or use load_network('compact')"
)


def load_weights(name: str, path: str | os.PathLike[str] | None = None, download: bool = True) -> Weights:
    """Return the weights of a network.

    The first load of a pretrained network looks for torchvision's file in `weights_folder()` and in torch's own cache,
    else downloads it, and keeps a small file in `weights_folder()`, which later loads use.

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
        return _from_your_file(pathlib.Path(path).expanduser(), name)
    if name in EMBEDDED:
        return read_weights(DATA / f"{name}.safetensors", name)
    return _kept(name) or _from_torchvisions_file(name) or _downloaded(name, download)


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
    small = _small_file(name)
    return next(iter([small] if os.path.isfile(small) else _torchvisions_files(name)), None)


def weights_folder() -> pathlib.Path:
    """Return the folder where weights are looked for first and kept: $STYLELIB_WEIGHTS, else the user's cache."""
    import pooch  # here, because it takes a while

    return pathlib.Path(os.environ.get("STYLELIB_WEIGHTS") or pooch.os_cache("stylelib")).expanduser()


def _small_file(name: str) -> pathlib.Path:
    return (DATA if name in EMBEDDED else weights_folder()) / f"{name}.safetensors"


def _torchvisions_files(name: str) -> list[pathlib.Path]:
    """Return torchvision's own files for a network on this machine: in the weights' folder, in torch's cache."""
    folders = weights_folder(), pathlib.Path(torch.hub.get_dir()) / "checkpoints"
    if not any(any(folder.glob(f"{name}-*.pth")) for folder in folders):
        return []  # as on most machines, so that torchvision need not be imported
    paths = [folder / published_file(name).file for folder in folders]
    return [path for path in paths if os.path.isfile(path)]


def _from_your_file(path: pathlib.Path, name: str) -> Weights:
    if not os.path.isfile(path):
        raise InputError(f"The file {path} is {'a folder' if os.path.isdir(path) else 'not there'}.")
    return dataclasses.replace(read_weights(path, name), source=f"your file {path.name}")


def _kept(name: str) -> Weights | None:
    """Return the weights in the small file made earlier; None if there is none or it is damaged."""
    path = _small_file(name)
    if not os.path.isfile(path):
        return None
    try:
        return read_weights(path, name)
    except InputError as error:
        warnings.warn(f"{error} It is made again.", stacklevel=3)
        return None


def _from_torchvisions_file(name: str) -> Weights | None:
    """Return the weights in a .pth of torchvision's that is on this machine, or None."""
    for path in _torchvisions_files(name):
        if wrong := wrong_content(path, path.name):
            warnings.warn(f"The file {path} is damaged ({wrong}) and is not used.", stacklevel=3)
            continue
        weights = dataclasses.replace(read_weights(path, name), source=published_file(name).source)
        with contextlib.suppress(InputError, OSError):  # a school's read-only folder: use the file, and keep nothing
            _keep(weights, path)
        return weights
    return None


def _downloaded(name: str, download: bool) -> Weights:
    """Download torchvision's file and return its weights; only the small file made from it is kept."""
    published, folder = published_file(name), weights_folder()
    if not download:
        raise not_fetched(name, published, folder, "no download was asked for")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with one_process(folder / f"{name}.lock"):
            with contextlib.suppress(InputError):  # another process may have made it just now
                return read_weights(_small_file(name), name)
            with downloaded(name, published, folder) as path:
                weights = dataclasses.replace(read_weights(path, name), source=published.source)
                _keep(weights, path)
                return weights
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror or error}){WAYS_OUT}.") from error


def _keep(weights: Weights, source_file: pathlib.Path) -> None:
    """Write the small file into `weights_folder()`; an InputError or OSError if that is not possible."""
    header = {
        "name": weights.name,
        "source": weights.source,
        "url": published_file(weights.name).url,
        "source_sha256": file_sha256(source_file),
        "input_mean": json.dumps(weights.mean),
        "input_std": json.dumps(weights.std),
        "sha256": weights.sha256,
        "made_by": "stylelib: the convolutions alone",
    }
    weights_folder().mkdir(parents=True, exist_ok=True)
    with write_atomically(_small_file(weights.name), advice=WAYS_OUT) as file:
        file.write(safetensors.torch.save(weights.tensors, header))
