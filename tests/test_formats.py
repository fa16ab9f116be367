"""Files of weights in the forms that people have, and everything that is not one."""

import pytest
import safetensors.torch
import torch
from torchvision.models import get_model_weights

from stylelib.support.errors import InputError
from stylelib.vgg import LAYOUTS
from stylelib.weights.formats import MEAN, STD, read_weights, tensor_shapes
from stylelib.weights.store import DATA, PRETRAINED, load_weights
from tests.checkpoint_server import PAGE, assert_same, checkpoint, expected_tensors

pytest_plugins = ["tests.checkpoint_server"]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", PRETRAINED)
def test_pictures_are_scaled_as_torchvision_says(name):
    scale = get_model_weights(name).IMAGENET1K_V1.transforms()
    assert (tuple(scale.mean), tuple(scale.std)) == (MEAN, STD)


@pytest.mark.parametrize("name", PRETRAINED)
def test_an_architectures_shapes_are_torchvisions(name):
    state = checkpoint(name)
    expected = {key: tuple(value.shape) for key, value in expected_tensors(name, state).items()}
    assert tensor_shapes(name) == expected and list(tensor_shapes(name)) == list(expected)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in PRETRAINED])
def test_an_embedded_networks_file_has_its_shapes(name):
    weights = read_weights(DATA / f"{name}.safetensors", name)
    assert {key: tuple(value.shape) for key, value in weights.tensors.items()} == tensor_shapes(name)


def features_only(state):
    return {key.removeprefix("features."): value for key, value in state.items() if key.startswith("features.")}


VARIANTS = {
    "whole": lambda state: state,
    "features": features_only,
    "wrapped": lambda state: {"state_dict": state, "epoch": 3},
    "parallel": lambda state: {f"module.{key}": value for key, value in state.items()},
    "another order": lambda state: dict(reversed(state.items())),
    "trained further": lambda state: {key: torch.nn.Parameter(value) for key, value in state.items()},
    "channels last": lambda state: {
        key: value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value
        for key, value in state.items()
    },
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_users_file_in_its_usual_forms(variant, folder, tmp_path):
    state = checkpoint("vgg11")
    torch.save(VARIANTS[variant](state), tmp_path / "mine.pth")
    found = load_weights("vgg11", path=str(tmp_path / "mine.pth"))
    assert_same(found, expected_tensors("vgg11", state))
    assert found.source == "your file mine.pth" and found.mean == (0.485, 0.456, 0.406)
    assert not folder.exists(), "something was kept"


def test_half_precision_and_safetensors_of_the_users(folder, kept, light, tmp_path):
    state = {key: value.half().contiguous() for key, value in checkpoint("vgg11").items()}
    safetensors.torch.save_file(state, tmp_path / "half.safetensors")
    found = load_weights("vgg11", path=tmp_path / "half.safetensors")
    assert_same(found, {key: value.float() for key, value in expected_tensors("vgg11", state).items()})

    ours = load_weights("vgg11", path=kept)
    theirs = load_weights("vgg11", path=light)
    assert ours.sha256 == theirs.sha256 and ours.source == "your file vgg11.safetensors"
    assert ours.mean == theirs.mean and ours.std == theirs.std


def write(content):
    return lambda path: path.write_bytes(content)


def save_cut_off(**options):
    def make(path):
        torch.save(features_only(checkpoint("vgg11", full=True)), path, **options)
        path.write_bytes(path.read_bytes()[:-100_000])

    return make


def save_state(**changes):
    return lambda path: torch.save({**checkpoint("vgg11"), **changes}, path)


WRONG_FILES = {
    "missing": (lambda path: None, r"mine\.pth is not there"),
    "folder": (lambda path: path.mkdir(), r"mine\.pth is a folder"),
    "text": (write("Grüße\n".encode()), "a web page or a text"),
    "page": (write(PAGE), "a web page or a text"),
    "empty": (write(b""), "cut off, or not a file of weights"),
    "picture": (write(b"\x89PNG\r\n\x1a\n" + bytes(99)), "cut off, or not a file of weights"),
    "cut off": (save_cut_off(), "cut off, or not a file of weights"),
    "cut off, old layout": (save_cut_off(_use_new_zipfile_serialization=False), "cut off, or not"),
    "pickled model": (lambda path: torch.save(torch.nn.Conv2d(3, 64, 3), path), "not a file of weights"),
    "a list": (lambda path: torch.save([1, 2], path), "not a VGG in torchvision's layout: it has nothing"),
    "a resnet": (
        lambda path: torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7), "bn1.weight": torch.zeros(64)}, path),
        "not a VGG in torchvision's layout: it has conv1.weight, bn1.weight",
    ),
    "an alexnet": (
        lambda path: torch.save({"features.0.weight": torch.zeros(64, 3, 11, 11)}, path),
        r"is not vgg11: conv1_1\.weight is \(64, 3, 11, 11\) where vgg11 has \(64, 3, 3, 3\)\.$",
    ),
    "batch normalisation": (
        save_state(**{"features.1.running_mean": torch.zeros(64)}),
        "batch normalisation",
    ),
    "not a number": (
        save_state(**{"features.3.bias": torch.full((128,), torch.nan)}),
        r"conv2_1\.bias holds values that are not finite",
    ),
    "no bias": (
        lambda path: torch.save({k: v for k, v in checkpoint("vgg11").items() if k != "features.3.bias"}, path),
        r"conv2_1\.bias is missing where vgg11 has \(128,\)\.$",
    ),
    "one layer more": (
        save_state(**{"features.99.weight": torch.zeros(512, 512, 3, 3)}),
        "is not vgg11: it has more layers",
    ),
}


@pytest.mark.parametrize("kind", WRONG_FILES)
def test_a_wrong_file_of_the_users_is_one_sentence(kind, folder, tmp_path):
    make, message = WRONG_FILES[kind]
    make(tmp_path / "mine.pth")
    with pytest.raises(InputError, match=message) as caught:
        load_weights("vgg11", path=tmp_path / "mine.pth")
    assert str(tmp_path / "mine.pth") in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "given", "layer"),
    [
        ("vgg11", "vgg13", "conv2_1"),
        ("vgg13", "vgg11", "conv1_2"),
        ("vgg16", "vgg19", "conv4_1"),
        ("vgg19", "vgg16", "conv3_4"),
        ("compact", "vgg13", "conv1_1"),
    ],
)
def test_another_architecture_is_recognised(wanted, given, layer, folder, tmp_path):
    torch.save(checkpoint(given), tmp_path / "other.pth")
    with pytest.raises(InputError, match=rf"is not {wanted}: {layer}\.weight is .*; it looks like {given}\.$"):
        load_weights(wanted, path=tmp_path / "other.pth")
