"""Files of weights: reading them, naming their layers, checking that they fit."""

import collections
import dataclasses
import hashlib
import json
import re

import safetensors
import safetensors.torch
import torch

from stylelib.support.errors import InputError
from stylelib.support.files import looks_like_text
from stylelib.vgg import LAYOUTS, WIDTHS
from stylelib.weights.download import published_file


@dataclasses.dataclass(frozen=True)
class Weights:
    """The numbers of one network, and what has to be known about them."""

    tensors: dict[str, torch.Tensor]  # float32: "conv1_1.weight" (C_out, C_in, 3, 3), "conv1_1.bias" (C_out,) …
    mean: tuple[float, float, float]  # subtracted from an RGB picture in 0..1,
    std: tuple[float, float, float]  # which is then divided by this
    name: str
    source: str  # one line for captions
    sha256: str  # fingerprint of the tensors: the same for a .pth and the small file made of it


def from_safetensors(contents, name, layer_names):
    """The Weights in a file that _keep made; InputError if it is not whole."""
    path, state, header = contents
    tensors = _fit(state, path, name, layer_names)
    if header.get("sha256") != (sha256 := fingerprint(tensors)):
        raise InputError(f"The file {path} is damaged: its numbers do not match its own fingerprint.")
    try:
        mean, std = (tuple(json.loads(header[key])) for key in ("input_mean", "input_std"))
        return Weights(tensors, mean, std, name, header["source"], sha256)
    except (KeyError, ValueError) as error:
        raise InputError(f"The file {path} is damaged: its header cannot be read ({error}).") from error


def from_torchvision(contents, name, layer_names):
    """The Weights in a file of torchvision's layout."""
    path, state, _ = contents
    published = published_file(name)
    tensors = _fit(_by_layer(state, path, layer_names), path, name, layer_names)
    return Weights(tensors, published.mean, published.std, name, published.source, fingerprint(tensors))


Contents = collections.namedtuple("Contents", "path state header")  # state: tensors by name


def read_weights(path):
    """Return the Contents of a file, with an empty header for a .pth; InputError if it cannot be read."""
    try:
        if path.suffix == ".safetensors":
            with safetensors.safe_open(path, "pt") as file:
                state, header = {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
        else:
            state, header = torch.load(path, map_location="cpu", weights_only=True), {}
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # a damaged file can lead its reader to any exception at all
        kind = "a web page or a text" if looks_like_text(path) else "cut off, or not a file of weights"
        raise InputError(f"The file {path} cannot be read: it is {kind}.") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    named = state.items() if isinstance(state, dict) else ()
    return Contents(path, {str(key): v for key, v in named if isinstance(v, torch.Tensor)}, header)


def _by_layer(state, path, layer_names):
    """Give torchvision's convolutions, "features.0.weight", "features.2.weight" …, their layers' names.

    What is too much for `layer_names` is called extra; _fit complains of it.
    """
    found = {}
    for key, value in state.items():
        if match := re.fullmatch(r"(?:module\.)?(?:features\.)?(\d+)\.(weight|bias|running_mean)", key):
            found[int(match[1]), match[2]] = value
    if any(kind == "running_mean" for _, kind in found):
        raise InputError(f"The file {path} is a VGG with batch normalisation (…_bn): take the one without.")
    convolutions = sorted(i for (i, kind), value in found.items() if kind == "weight" and value.ndim == 4)
    if not convolutions:
        entries = ", ".join(list(state)[:3]) or "nothing"
        raise InputError(f"The file {path} is not a VGG in torchvision's layout: it has {entries} …")
    names = [*layer_names, *(f"extra_{i}" for i in convolutions)]
    return {
        f"{layer}.{kind}": found[i, kind]
        for layer, i in zip(names, convolutions, strict=False)
        for kind in ("weight", "bias")
        if (i, kind) in found
    }


def _fit(state, path, name, layer_names):
    """Return `state` in the layers' order as float32; InputError names the first layer that misfits."""
    tensors, channels = {}, 3
    for layer in layer_names:
        width = WIDTHS[name][int(layer[4]) - 1]
        for key, shape in ((f"{layer}.weight", (width, channels, 3, 3)), (f"{layer}.bias", (width,))):
            found = tuple(state[key].shape) if key in state else "missing"
            if found != shape:
                raise InputError(
                    f"The file {path} is not {name}: {key} is {found} where {name} has {shape}{_likeness(state, name)}."
                )
            # A copy: the file may be a mapping that is to be replaced, its numbers half precision.
            tensors[key] = state[key].detach().to(torch.float32, copy=True).contiguous()
            if not tensors[key].isfinite().all():
                raise InputError(f"The file {path} is damaged: {key} holds values that are not finite.")
        channels = width
    if len(state) > len(tensors):
        raise InputError(f"The file {path} is not {name}: it has more layers{_likeness(state, name)}.")
    return tensors


def _likeness(state, name):
    """The end of a complaint: "; it looks like vgg16" if `state` has the filters of another VGG, else ""."""
    filters = [len(value) for value in state.values() if value.ndim == 4]
    for other, depths in LAYOUTS.items():
        repeated = [width for width, depth in zip(WIDTHS[other], depths, strict=True) for _ in range(depth)]
        if filters == repeated and other != name:
            return f"; it looks like {other}"
    return ""


def fingerprint(tensors):
    """SHA-256 over names, shapes and float32 numbers, in order."""
    digest = hashlib.sha256()
    for key, value in tensors.items():
        digest.update(f"{key} {tuple(value.shape)}".encode())
        digest.update(value.flatten().numpy())
    return digest.hexdigest()
