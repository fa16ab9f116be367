"""Keras' files of weights: what is refused, and that nothing outside the file is read."""

import random

import h5py
import numpy as np
import pytest
import torch

from stylelib.support.errors import InputError
from stylelib.weights.hdf5 import read_keras
from stylelib.weights.store import load_weights
from tests.checkpoint_server import LAYERS, original, save_keras

pytest_plugins = ["tests.checkpoint_server"]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.h5"


def sentence(path):
    with pytest.raises(InputError) as caught:
        load_weights("vgg11", path=path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_kernels_are_turned_into_torchs_order(path):
    with h5py.File(path, "w") as file:
        kernel = np.arange(9 * 3 * 64, dtype="float32").reshape(3, 3, 3, 64)  # row, column, in, out
        file["block1_conv1/block1_conv1_W_1:0"], file["block1_conv1/block1_conv1_b_1:0"] = kernel, np.zeros(64)
    tensors = read_keras(path, LAYERS["vgg19"])
    assert list(tensors) == ["conv1_1.weight", "conv1_1.bias"]
    assert tensors["conv1_1.weight"][5, 2, 0, 1] == kernel[0, 1, 2, 5]
    assert all(value.dtype == torch.float32 for value in tensors.values())


def test_theanos_order_is_refused_with_the_way_out(path):
    with h5py.File(path, "w") as file:
        for key, value in original("vgg11").items():
            file[f"block{key[4]}_conv{key[6]}/{key}"] = value.numpy()
    assert "take the one whose name contains tf_dim_ordering_tf_kernels" in sentence(path)


def test_another_network_is_refused(path):
    with h5py.File(path, "w") as file:
        file["conv1/kernel:0"] = np.zeros((7, 7, 3, 64))
    assert "whose layers are called block1_conv1, …: it has conv1/kernel:0 …" in sentence(path)
    with h5py.File(path, "w"):
        pass
    assert "it has nothing" in sentence(path)
    save_keras(path, original("vgg13"))
    assert "is not vgg11" in sentence(path) and "it looks like vgg13" in sentence(path)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((3, 3, 512, 100_000), "f4"), ((10**12,), "f4"), ((3, 3), "f4"), ((3, 3, 3, 64), "S5"), ((3, 3, 3, 64), "i4")],
)
def test_what_is_no_layer_is_not_read(shape, dtype, path):
    with h5py.File(path, "w") as file:
        file.create_dataset("block1_conv1/block1_conv1/kernel:0", shape, dtype)
    assert "/block1_conv1/block1_conv1/kernel:0 is not a layer of one" in sentence(path)


def test_the_largest_layer_of_a_vgg_is_read_and_a_larger_one_is_not(path):
    for kernel, is_read in (((3, 3, 512, 512), True), ((3, 3, 512, 513), False), ((3, 3, 3, 3), True)):
        with h5py.File(path, "w") as file:
            file.create_dataset("block1_conv1/kernel:0", kernel, "f4")
        if is_read:
            assert read_keras(path, LAYERS["vgg19"])["conv1_1.weight"].shape == (kernel[3], kernel[2], 3, 3)
        else:
            with pytest.raises(InputError, match="/block1_conv1/kernel:0 is not a layer of one"):
                read_keras(path, LAYERS["vgg19"])


@pytest.mark.parametrize("name", ["block1_conv1/part{}", "part{}/conv2d/vars/0"], ids=["named", "numbered"])
def test_a_file_of_very_many_arrays_is_not_read(name, path):
    for count, is_read in ((200, True), (201, False)):
        with h5py.File(path, "w") as file:
            for number in range(count):
                file[name.format(number)] = np.zeros(1, "float32")
        if is_read:
            assert read_keras(path, LAYERS["vgg19"])
        else:
            with pytest.raises(InputError, match="it has 201 arrays"):
                read_keras(path, LAYERS["vgg19"])


@pytest.mark.parametrize(
    "names",
    [["conv2d"] + [f"conv2d_{number}" for number in range(1, 17)], [f"conv2d_{number}" for number in range(7, 24)]],
    ids=["from 0", "from 7"],
)
def test_numbered_layers_are_taken_in_the_order_of_their_numbers(names, path):
    """Keras goes on counting in one session, and 10 stands before 9 in a list of names. The seventeenth is no layer."""
    with h5py.File(path, "w") as file:
        for position, name in enumerate(names):
            file[f"layers/{name}/vars/1"] = np.full(2, position, "float32")
    tensors = read_keras(path, LAYERS["vgg19"])
    expected = [f"{layer}.bias" for layer in LAYERS["vgg19"]] + ["extra_16.bias"]
    assert {key: int(value[0]) for key, value in tensors.items()} == {key: n for n, key in enumerate(expected)}


def test_what_a_file_has_instead_is_said(path):
    with h5py.File(path, "w") as file:
        for name in ("a", "b", "c", "d"):
            file[name] = np.zeros(1, "float32")
    assert sentence(path).endswith("it has a, b, c …")


def test_nothing_outside_the_file_is_read(path, tmp_path):
    secret = save_keras(tmp_path / "secret.h5", original("vgg11"))
    with h5py.File(path, "w") as file:
        file["block1_conv1"] = h5py.ExternalLink(secret.name, "block1_conv1")
        file["block1_conv2"] = h5py.SoftLink("/block1_conv1")
    assert "it has nothing" in sentence(path)

    (tmp_path / "numbers").write_bytes(bytes(4 * 9 * 3 * 64))
    with h5py.File(path, "w") as file:
        external = [(str(tmp_path / "numbers"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("block1_conv1/kernel:0", (3, 3, 3, 64), "f4", external=external)
    assert "is not a layer of one" in sentence(path)

    layout = h5py.VirtualLayout((3, 3, 3, 64), "f4")
    layout[:] = h5py.VirtualSource(secret, "block1_conv1/block1_conv1_W_1:0", (3, 3, 3, 64))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("block1_conv1/kernel:0", layout)
    assert "is not a layer of one" in sentence(path)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.filterwarnings("ignore:.*none of the published ones")
def test_a_damaged_file_is_one_sentence(seed, path):
    """Bytes changed at random, or the end cut off: what can still be read is numbers, and all else is a sentence."""
    content = bytearray(save_keras(path, original("vgg11")).read_bytes())
    chance = random.Random(seed)
    if seed % 2:
        content = content[: chance.randrange(8, len(content))]
    for _ in range(seed):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)
    try:
        load_weights("vgg11", path=path)
    except InputError as error:
        assert "\n" not in str(error)
