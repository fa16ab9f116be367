"""Files of weights: reading them, telling what they are, checking that they fit a network."""

import dataclasses
import hashlib
import json
import pathlib
import re
from collections.abc import Mapping

import safetensors
import torch
from torch import Tensor

from stylelib.support.errors import InputError
from stylelib.support.files import looks_like_text
from stylelib.vgg import LAYOUTS, WIDTHS, block_of, layer_names

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the pictures that torchvision's weights expect
Numbers = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Weights:
    """The numbers of one network, and what has to be known about them.

    Attributes
    ----------
    tensors : dict
        {"conv1_1.weight": (C_out, C_in, 3, 3), "conv1_1.bias": (C_out,), …} in the layers' order, float32.
    mean, std : tuple of float
        Subtracted from an RGB picture of 0 to 1, and divided out.
    name : str
        The network's.
    source : str
        A line for captions; empty if the file does not say.
    sha256 : str
        Fingerprint of the tensors: the same for torchvision's file and the small file made from it.
    """

    tensors: dict[str, Tensor]
    mean: Numbers
    std: Numbers
    name: str
    source: str
    sha256: str


def read_weights(path: pathlib.Path, name: str) -> Weights:
    """Read a file of weights: torchvision's .pth, complete or its features alone, or a small file of stylelib's own.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    name : str
        The network that it should hold, a key of `LAYOUTS`.

    Returns
    -------
    Weights
        With the source that the file itself states.

    Raises
    ------
    InputError
        For a file that cannot be read, is damaged, or holds another network; the message says which one.
    """
    state, header = _read(path)
    if "conv1_1.weight" in state:
        return _from_own_layout(state, header, path, name)
    tensors = _fit(_from_torchvisions_layout(state, path, name), path, name)
    return Weights(tensors, MEAN, STD, name, "", fingerprint(tensors))


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


def _read(path: pathlib.Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors by name, and the header, which is empty for a .pth."""
    header: dict[str, str] = {}
    try:
        if path.suffix == ".safetensors":
            with safetensors.safe_open(path, "pt") as file:
                state, header = {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # a damaged file can make its reader raise anything
        kind = "a web page or a text" if looks_like_text(path) else "cut off, or not a file of weights"
        raise InputError(f"The file {path} cannot be read, because it is {kind}.") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):  # a training's checkpoint
        state = state["state_dict"]
    named = state if isinstance(state, dict) else {}
    return {str(key): value for key, value in named.items() if isinstance(value, Tensor)}, header


def _from_own_layout(state: dict[str, Tensor], header: dict[str, str], path: pathlib.Path, name: str) -> Weights:
    tensors = _fit(state, path, name)
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
        raise InputError(f"The file {path} is not a VGG in torchvision's layout: it has {keys} …")
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
