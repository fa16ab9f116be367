"""Where a network's weights come from: torchvision's files, fetched once, or the file inside the package.

Every network ends up in the same form: a safetensors file of the convolutions alone, with a header that says
what it is and a fingerprint of its numbers. VGG-19 is 80 MB that way instead of torchvision's 548.
"""

import contextlib
import dataclasses
import json
import os
import warnings
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from stylelib.support.errors import InputError, check_choice
from stylelib.support.files import file_sha256
from stylelib.weights.download import (
    download_file,
    not_fetched,
    one_process,
    published_file,
    temporary_file,
    weights_folder,
    wrong_content,
)
from stylelib.weights.formats import from_safetensors, from_torchvision, read_weights

PRETRAINED = ("vgg11", "vgg13", "vgg16", "vgg19")  # torchvision's weights


EMBEDDED = ("compact", "compact11")  # inside this package


DATA = Path(__file__).with_name("data")


def load_weights(name, layer_names, path=None, download=True):
    """Return the Weights of `name`, one of PRETRAINED or EMBEDDED.

    layer_names: the architecture's convolutions in order, ["conv1_1", …]; each is 3 × 3.
    path: a file of yours instead: torchvision's .pth (trained on RGB in 0..1, as all of torchvision's are),
        whole or its features alone, or a file that this module made.
    download: whether a network that is not on this machine may be fetched.

    The first load of a pretrained network looks for torchvision's file in weights_folder() and in torch's own
    cache, else fetches it, and keeps a small file in weights_folder(), which later loads use.
    Raises InputError, in one sentence, when the weights cannot be had or do not fit.
    """
    check_choice("network", name, PRETRAINED + EMBEDDED)
    if path is not None:
        return _from_user(Path(path).expanduser(), name, layer_names)
    if name in EMBEDDED:
        return from_safetensors(read_weights(DATA / f"{name}.safetensors"), name, layer_names)
    return _kept(name, layer_names) or _from_checkpoint_here(name, layer_names) or _fetched(name, layer_names, download)


def find_weights(name):
    """The path of a file on this machine that should hold the weights of `name`, or None.

    Nothing is read or fetched: use load_weights(…, download=False) to find out whether it is whole.
    """
    check_choice("network", name, PRETRAINED + EMBEDDED)
    small = (DATA if name in EMBEDDED else weights_folder()) / f"{name}.safetensors"
    return next(iter([small] if os.path.isfile(small) else _checkpoints(name)), None)


# The three sources of a pretrained network, in the order in which they are tried ---------------------------


def _kept(name, layer_names):
    """The Weights of the small file made earlier, or None where there is none or it is damaged."""
    path = weights_folder() / f"{name}.safetensors"
    if not os.path.isfile(path):
        return None
    try:
        return from_safetensors(read_weights(path), name, layer_names)
    except InputError as error:
        warnings.warn(f"{error} It is made again.", stacklevel=3)
        return None


def _from_checkpoint_here(name, layer_names):
    """The Weights of a .pth of torchvision's that is on this machine already, or None."""
    for path in _checkpoints(name):
        if wrong := wrong_content(path, path.name):
            warnings.warn(f"The file {path} is damaged ({wrong}) and is not used.", stacklevel=3)
            continue
        weights = from_torchvision(read_weights(path), name, layer_names)
        with contextlib.suppress(OSError):  # a school's read-only folder: use it without keeping anything
            _keep(weights, published_file(name).url, path)
        return weights
    return None


def _fetched(name, layer_names, download):
    """The Weights of torchvision's file, downloaded; only the small file made of it is kept."""
    published, folder = published_file(name), weights_folder()
    if not download:
        raise not_fetched(published, name, "no download was asked for")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with one_process(folder / f"{name}.lock"):
            with contextlib.suppress(InputError):  # another process may have made it just now
                return from_safetensors(read_weights(folder / f"{name}.safetensors"), name, layer_names)
            for left_over in folder.glob(f"{published.file}.*.partial"):  # of a process that was killed
                left_over.unlink()
            with temporary_file(folder / published.file) as temporary:
                download_file(published, name, temporary)
                weights = from_torchvision(read_weights(temporary), name, layer_names)
                _keep(weights, published.url, temporary)
                return weights
    except OSError as error:
        raise InputError(
            f"The weights of {name} cannot be kept in {folder} ({error.strerror or error}): make room there, "
            f"or set STYLELIB_WEIGHTS to a folder that you can write to, or use load_network('compact')."
        ) from error


def _checkpoints(name):
    """torchvision's own files for `name` on this machine: in the weights' folder, in torch's cache."""
    folders = weights_folder(), Path(torch.hub.get_dir()) / "checkpoints"
    if not any(any(folder.glob(f"{name}-*.pth")) for folder in folders):
        return []  # most machines: torchvision need not be imported
    paths = [folder / published_file(name).file for folder in folders]
    return [path for path in paths if os.path.isfile(path)]


# Files -----------------------------------------------------------------------------------------------------


def _from_user(path, name, layer_names):
    """The Weights in a file that the user named, of either kind."""
    if not os.path.isfile(path):
        raise InputError(f"The file {path} is {'a folder' if os.path.isdir(path) else 'not there'}.")
    contents = read_weights(path)
    read_as = from_safetensors if "sha256" in contents.header or name in EMBEDDED else from_torchvision
    return dataclasses.replace(read_as(contents, name, layer_names), source=f"your file {path.name}")


def _keep(weights, url, source_file):
    """Write the small file into weights_folder(), whole or not at all; OSError if that cannot be."""
    header = {
        "name": weights.name,
        "source": weights.source,
        "url": url,
        "source_sha256": file_sha256(source_file),
        "input_mean": json.dumps(weights.mean),
        "input_std": json.dumps(weights.std),
        "sha256": weights.sha256,
        "made_by": "stylelib: the convolutions alone",
    }
    path = weights_folder() / f"{weights.name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_file(path) as temporary:
        temporary.write_bytes(safetensors.torch.save(weights.tensors, header))
        os.replace(temporary, path)
