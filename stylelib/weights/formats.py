"""Files of weights: reading them, telling what they are, checking that they fit a network."""

import dataclasses
import hashlib
import json
import pathlib
import re
import zipfile
from collections.abc import Mapping

import safetensors
import torch
from torch import Tensor

from stylelib.support.errors import InputError, warn
from stylelib.support.files import looks_like_text
from stylelib.support.torch_files import check_archive, check_tensors
from stylelib.vgg import LAYOUTS, WIDTHS, block_of, layer_names
from stylelib.weights import hdf5
from stylelib.weights.trainings import MEAN, ORIGINAL, STD, Numbers, Training, training_of

RANDOM = "-random"  # "vgg19-random": the architecture with weights drawn from a seed
FROM_TORCHVISION = "-torchvision"  # "vgg19-torchvision": the architecture with torchvision's weights


@dataclasses.dataclass(frozen=True)
class Weights:
    """The numbers of one network, and what has to be known about them.

    Attributes
    ----------
    tensors : dict
        {"conv1_1.weight": (C_out, C_in, 3, 3), "conv1_1.bias": (C_out,), …} in the layers' order, float32, for RGB.
    mean, std : tuple of float
        Subtracted from an RGB picture of 0 to 1, and divided out.
    name : str
        The network's.
    source : str
        A line for captions, of where they come from; empty if that is not known.
    sha256 : str
        Fingerprint of the tensors: the same for a published file and the small file made from it.
    """

    tensors: dict[str, Tensor]
    mean: Numbers
    std: Numbers
    name: str
    source: str
    sha256: str


def architecture(name: str) -> str:
    """Return the name of a network's architecture, whose layers it has: "vgg19-random" → "vgg19"."""
    return name.removesuffix(RANDOM).removesuffix(FROM_TORCHVISION)


def read_weights(path: pathlib.Path, name: str, training: Training | None = None) -> Weights:
    """Read a file of weights, and convert it to float32, RGB and the layers' names.

    It may be a small file of stylelib's own, a VGG in torchvision's layout (whole or its features alone, also one
    converted from Caffe), in Keras' (.h5), or in that of L. Gatys. Nothing in a file is executed.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    name : str
        The network that it should hold, see `architecture`.
    training : Training, optional
        What is known of it; by default it is recognised, with a warning if it is none that is published.

    Returns
    -------
    Weights
        With the source, as far as the file tells.

    Raises
    ------
    InputError
        For a file that cannot be read, is damaged, or holds another network; the message says which one.
    """
    layout, state, header = _read(path, architecture(name))
    if layout == "stylelib":
        return _from_own_layout(state, header, path, name)
    if layout == "torchvision":
        state = _from_torchvisions_layout(state, path, architecture(name))
    tensors = _fit(state, path, architecture(name))
    first = tensors["conv1_1.weight"]
    training = training or training_of(path, architecture(name), first) or _assumed(layout, path)
    if training.bgr:
        tensors["conv1_1.weight"] = first.flip(1)
    return Weights(tensors, training.mean, training.std, name, training.source, fingerprint(tensors))


def tensor_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of an architecture: {"conv1_1.weight": (64, 3, 3, 3), "conv1_1.bias": (64,), …}.

    Parameters
    ----------
    name : str
        A key of `LAYOUTS`.

    Returns
    -------
    dict
        In the layers' order.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for layer in layer_names(LAYOUTS[name]):
        filters = WIDTHS[name][block_of(layer) - 1]
        shapes[f"{layer}.weight"], shapes[f"{layer}.bias"] = (filters, channels, 3, 3), (filters,)
        channels = filters
    return shapes


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over names, shapes and float32 numbers, in order, as hexadecimal text."""
    digest = hashlib.sha256()
    for key, value in tensors.items():
        digest.update(f"{key} {tuple(value.shape)}".encode())
        digest.update(value.flatten().numpy().data)
    return digest.hexdigest()


def _assumed(layout: str, path: pathlib.Path) -> Training:
    """Return what is usual for a layout, with a warning."""
    bgr = layout != "torchvision"
    warn(
        f"The file {path} is none of the published ones that stylelib knows: it is used as a network that was trained "
        f"on {'BGR pictures of 0 to 255' if bgr else 'RGB pictures of 0 to 1'}, as is usual for this kind of file."
    )
    mean, std = (ORIGINAL.mean, ORIGINAL.std) if bgr else (MEAN, STD)
    return Training("", mean, std, bgr)


def _read(path: pathlib.Path, name: str) -> tuple[str, dict[str, Tensor], dict[str, str]]:
    """Return the kind of layout, tensors by name, and the header, which only a safetensors file has."""
    header: dict[str, str] = {}
    try:
        with open(path, "rb") as file:
            start = file.read(9)
        if start.startswith(hdf5.MAGIC):
            return "keras", hdf5.read_keras(path, layer_names(LAYOUTS[name])), header
        if start[8:] == b"{":
            with safetensors.safe_open(path, "pt") as tensors:
                state, header = {key: tensors.get_tensor(key) for key in tensors.keys()}, tensors.metadata() or {}  # noqa: SIM118
        else:
            check_archive(path)
            state = torch.load(path, map_location="cpu", weights_only=True)
            check_tensors(state)
    except InputError:
        raise
    except Exception as error:  # a damaged file can make its reader raise anything
        if isinstance(error, OSError) and error.errno:
            raise InputError(f"The file {path} cannot be read ({error.strerror or error}).") from error
        raise InputError(f"The file {path} cannot be read, because it is {_kind(path)}.") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):  # a training's checkpoint
        state = state["state_dict"]
    named = state if isinstance(state, dict) else {}
    state = {str(key): value for key, value in named.items() if isinstance(value, Tensor)}
    own = "stylelib" if start[8:] == b"{" else "gatys"
    return own if "conv1_1.weight" in state else "torchvision", state, header


def _kind(path: pathlib.Path) -> str:
    """Say what a file is that cannot be read."""
    if looks_like_text(path):
        return "a web page or a text"
    if zipfile.is_zipfile(path) and "model.weights.h5" in zipfile.ZipFile(path).namelist():
        return "a .keras archive; unzip it and take the file model.weights.h5 in it"
    with open(path, "rb") as file:
        if file.read(6) == b"MATLAB":
            return "MATLAB's; take the .h5 or .pth file of the same network"
    return "cut off, or not a file of weights (.safetensors, .pth, or Keras' .h5)"


def _from_own_layout(state: dict[str, Tensor], header: dict[str, str], path: pathlib.Path, name: str) -> Weights:
    tensors = _fit(state, path, architecture(name))
    sha256 = fingerprint(tensors)
    if header.get("sha256") != sha256:
        raise InputError(f"The file {path} is damaged, because its numbers do not match its own fingerprint.")
    try:
        (r, g, b), (r_std, g_std, b_std) = (json.loads(header[key]) for key in ("input_mean", "input_std"))
        return Weights(tensors, (r, g, b), (r_std, g_std, b_std), name, header["source"], sha256)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"The file {path} is damaged, because its header cannot be read ({error}).") from error


def _from_torchvisions_layout(state: dict[str, Tensor], path: pathlib.Path, name: str) -> dict[str, Tensor]:
    """Name the convolutions "features.0.weight", "features.2.weight", … by their layers.

    Surplus layers are named extra_*; `_fit` rejects them.
    """
    entries: dict[tuple[int, str], Tensor] = {}
    for key, value in state.items():
        if match := re.fullmatch(r"(?:module\.)?(?:features\.)?(\d+)\.(weight|bias|running_mean)", key):
            entries[int(match[1]), match[2]] = value
    if any(kind == "running_mean" for _, kind in entries):
        raise InputError(f"The file {path} is a VGG with batch normalisation (…_bn); take the one without.")
    convolutions = sorted(index for (index, kind), value in entries.items() if kind == "weight" and value.ndim == 4)
    if not convolutions:
        keys = ", ".join(list(state)[:3]) or "nothing"
        raise InputError(
            f"The file {path} is not a VGG in torchvision's layout, nor in that of Keras or L. Gatys: it has {keys} …"
        )
    names = [*layer_names(LAYOUTS[name]), *(f"extra_{index}" for index in convolutions)]
    return {
        f"{layer}.{kind}": entries[index, kind]
        for layer, index in zip(names, convolutions, strict=False)
        for kind in ("weight", "bias")
        if (index, kind) in entries
    }


def _fit(state: dict[str, Tensor], path: pathlib.Path, name: str) -> dict[str, Tensor]:
    """Return `state` in the layers' order as float32; an InputError names the first layer that does not fit."""
    tensors = {}
    for key, shape in tensor_shapes(name).items():
        given = tuple(state[key].shape) if key in state else "missing"
        if given != shape:
            raise InputError(
                f"The file {path} is not {name}: {key} is {given} where {name} has {shape}{_likeness(state, name)}."
            )
        # a copy, because the file may be mapped into memory and then be replaced
        tensors[key] = state[key].detach().to(torch.float32, copy=True).contiguous()
        if not tensors[key].isfinite().all():
            raise InputError(f"The file {path} is damaged: {key} holds values that are not finite.")
    if len(state) > len(tensors):
        raise InputError(f"The file {path} is not {name}: it has more layers{_likeness(state, name)}.")
    return tensors


def _likeness(state: dict[str, Tensor], name: str) -> str:
    """End a message: "; it looks like vgg16" if `state` has the filters of another VGG, else ""."""
    filters = [len(value) for value in state.values() if value.ndim == 4]
    for other in LAYOUTS:
        if other != name and filters == [shape[0] for shape in tensor_shapes(other).values() if len(shape) == 4]:
            return f"; it looks like {other}"
    return ""
