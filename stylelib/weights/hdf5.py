"""Keras' files of weights (HDF5), read without Keras."""

import pathlib
import re
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from stylelib.support.errors import InputError

if TYPE_CHECKING:
    import h5py

MAGIC = b"\x89HDF\r\n\x1a\n"
MOST = 512 * 512 * 9  # numbers in the largest layer of a VGG
MOST_ARRAYS = 200  # in a file; a VGG has two for each layer
LAYER = re.compile(r"(?:^|/)block(\d)_conv(\d)(?:/|$)")  # Keras' names of a VGG's layers
UNNAMED = re.compile(r"(?:^|/)conv2d(?:_(\d+))?/vars/[01]$")  # Keras 3 numbers the layers of a .weights.h5


def check_h5py() -> None:
    """Raise an InputError if h5py is not installed."""
    try:
        import h5py  # noqa: F401  # here, because it takes a while
    except ImportError as error:
        raise InputError(
            "Keras' files of weights need the package h5py, which cannot be imported here: run "
            "`python -m pip install h5py`, or use load_network('vgg19-torchvision') or load_network('compact')."
        ) from error


def read_keras(path: pathlib.Path, layers: list[str]) -> dict[str, Tensor]:
    """Read the convolutions of a VGG that Keras saved, with or without the classifier, by save_weights or by save.

    Parameters
    ----------
    path : pathlib.Path
        An HDF5 file.
    layers : list of str
        The names of the network's layers, in order.

    Returns
    -------
    dict of str to Tensor
        {"conv1_1.weight": (C_out, C_in, 3, 3), "conv1_1.bias": (C_out,), …}, whatever layers the file has.

    Raises
    ------
    InputError
        Without h5py, and for a file in another layout. A damaged file makes h5py raise other errors.
    """
    check_h5py()
    import h5py

    tensors: dict[str, Tensor] = {}
    with h5py.File(path, "r") as file:
        found = _datasets(file)
        named = {name: dataset for name, dataset in found.items() if LAYER.search(name)}
        counted = {} if named else {name: dataset for name, dataset in found.items() if UNNAMED.search(name)}
        if len(named) + len(counted) > MOST_ARRAYS:
            raise InputError(f"The file {path} is not a VGG in Keras' layout: it has {len(found)} arrays.")
        numbers = sorted({_count(name) for name in counted})
        for name, dataset in {**named, **counted}.items():
            if match := LAYER.search(name):
                layer = f"conv{match[1]}_{match[2]}"
            else:
                position = numbers.index(_count(name))
                layer = layers[position] if position < len(layers) else f"extra_{position}"
            _check(dataset, path)
            values = torch.from_numpy(dataset[()].astype("float32"))
            if values.ndim == 4:
                tensors[f"{layer}.weight"] = values.permute(
                    3, 2, 0, 1
                )  # height, width, in, out → out, in, height, width
            else:
                tensors[f"{layer}.bias"] = values
    if not tensors:
        names = ", ".join(list(found)[:3]) or "nothing"
        raise InputError(
            f"The file {path} is not a VGG in Keras' layout, whose layers are called block1_conv1, …: it has {names} …"
        )
    return tensors


def _count(name: str) -> int:
    match = UNNAMED.search(name)
    return int(match[1] or 0) if match else 0


def _datasets(file: "h5py.File") -> dict[str, "h5py.Dataset"]:
    """Return the file's own arrays by name; links to other files are not followed."""
    import h5py

    found: dict[str, Any] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            found[name] = item

    file.visititems(visit)
    return found


def _check(dataset: "h5py.Dataset", path: pathlib.Path) -> None:
    """Raise an InputError for an array that is no layer of a VGG, before it is read."""
    if dataset.ndim == 4 and dataset.shape[:2] != (3, 3) and dataset.shape[2:] == (3, 3):
        raise InputError(
            f"The file {path} has Theano's order, in which kernels are turned; take the one whose name contains "
            f"tf_dim_ordering_tf_kernels, or leave weights out to download it."
        )
    usual = dataset.dtype.kind == "f" and not dataset.is_virtual and not dataset.external
    if not usual or dataset.ndim not in (1, 4) or dataset.size > MOST:
        raise InputError(f"The file {path} is not a VGG in Keras' layout: {dataset.name} is not a layer of one.")
