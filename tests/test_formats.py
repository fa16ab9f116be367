"""Files of weights in the forms that people have, and everything that is not one."""

import zipfile

import pytest
import safetensors.torch
import torch
from torchvision.models import get_model_weights

from stylelib.support.errors import InputError
from stylelib.vgg import LAYOUTS
from stylelib.weights import trainings
from stylelib.weights.formats import read_weights, tensor_shapes
from stylelib.weights.store import DATA, load_weights
from stylelib.weights.trainings import MEAN, ORIGINAL, STD
from tests.checkpoint_server import (
    ARCHITECTURES,
    KERAS_NAMES,
    OXFORD,
    PAGE,
    assert_same,
    checkpoint,
    expected_tensors,
    in_rgb,
    original,
    save_keras,
)

pytest_plugins = ["tests.checkpoint_server"]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_pictures_are_scaled_as_torchvision_says(name):
    scale = get_model_weights(name).IMAGENET1K_V1.transforms()
    assert (tuple(scale.mean), tuple(scale.std)) == (MEAN, STD)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architectures_shapes_are_torchvisions(name):
    state = checkpoint(name)
    expected = {key: tuple(value.shape) for key, value in expected_tensors(name, state).items()}
    assert tensor_shapes(name) == expected and list(tensor_shapes(name)) == list(expected)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in ARCHITECTURES])
def test_an_embedded_networks_file_has_its_shapes(name):
    weights = read_weights(DATA / f"{name}.safetensors", name)
    assert {key: tuple(value.shape) for key, value in weights.tensors.items()} == tensor_shapes(name)


NOT_PUBLISHED_RGB = "is none of the published ones .* RGB pictures of 0 to 1, as is usual for this kind of file"
NOT_PUBLISHED_BGR = "is none of the published ones .* BGR pictures of 0 to 255, as is usual for this kind of file"


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
    with pytest.warns(UserWarning, match=NOT_PUBLISHED_RGB):
        found = load_weights("vgg11", path=str(tmp_path / "mine.pth"))
    assert_same(found, expected_tensors("vgg11", state))
    assert found.source == "your file mine.pth" and found.mean == (0.485, 0.456, 0.406)
    assert not folder.exists(), "something was kept"


def test_half_precision_and_safetensors_of_the_users(folder, kept, light, tmp_path):
    state = {key: value.half().contiguous() for key, value in checkpoint("vgg11").items()}
    safetensors.torch.save_file(state, tmp_path / "half.safetensors")
    with pytest.warns(UserWarning, match=NOT_PUBLISHED_RGB):
        found = load_weights("vgg11", path=tmp_path / "half.safetensors")
    assert_same(found, {key: value.float() for key, value in expected_tensors("vgg11", state).items()})

    ours = load_weights("vgg11", path=kept)
    with pytest.warns(UserWarning, match=NOT_PUBLISHED_RGB):
        theirs = load_weights("vgg11", path=light)
    assert ours.sha256 == theirs.sha256
    assert ours.source == "your file vgg11.safetensors, torchvision IMAGENET1K_V1"
    assert ours.mean == theirs.mean and ours.std == theirs.std


# ---- The original weights in the files that have them


def in_torchvisions_layout(tensors):
    """The convolutions alone, as in the files that J. Johnson converted from Caffe."""
    keys = [key for key in checkpoint("vgg19") if key.startswith("features")]
    return dict(zip(keys, tensors.values(), strict=True))


@pytest.fixture(scope="module")
def oxford():
    """The original VGG-19 (BGR, 0 to 255), or random numbers, and whether they are the original ones."""
    tensors = {key: value.contiguous() for key, value in original("vgg19", full=True).items()}
    return tensors, OXFORD.exists()


def check_original(path, oxford, layout_is_bgr=True):
    """Load a file, which is told by its numbers; random ones are used as is usual for its layout, with a warning."""
    tensors, genuine = oxford
    if genuine:
        found = load_weights("vgg19", path=path)
        assert found.source == f"your file {path.name}, {ORIGINAL.source}"
    else:
        with pytest.warns(UserWarning, match=NOT_PUBLISHED_BGR if layout_is_bgr else NOT_PUBLISHED_RGB):
            found = load_weights("vgg19", path=path)
        assert found.source == f"your file {path.name}"
    bgr = genuine or layout_is_bgr
    assert_same(found, in_rgb(tensors) if bgr else tensors)
    assert found.mean == (ORIGINAL.mean if bgr else MEAN) and found.std == (ORIGINAL.std if bgr else STD)


@pytest.mark.fault(6)
@pytest.mark.parametrize("naming", KERAS_NAMES)
def test_a_file_of_keras_in_each_of_its_layouts(naming, oxford, tmp_path):
    path = save_keras(tmp_path / "some name.hdf5", oxford[0], naming, top=naming != "old")
    check_original(path, oxford)


@pytest.mark.fault(6)
def test_a_conversion_from_caffe_in_torchvisions_layout(oxford, tmp_path):
    torch.save(in_torchvisions_layout(oxford[0]), tmp_path / "vgg19.pth")  # whatever its name
    check_original(tmp_path / "vgg19.pth", oxford, layout_is_bgr=False)


@pytest.mark.fault(6)
def test_the_file_that_gatys_publishes(oxford, tmp_path):
    torch.save(oxford[0], tmp_path / "vgg_conv.pth")
    check_original(tmp_path / "vgg_conv.pth", oxford)


@pytest.mark.fault(6)
def test_all_of_them_are_the_same_network(oxford, tmp_path):
    tensors, genuine = oxford
    if not genuine:
        pytest.skip("the original weights are not here")
    torch.save(tensors, tmp_path / "gatys.pth")
    torch.save(in_torchvisions_layout(tensors), tmp_path / "caffe.pth")
    torch.save(in_torchvisions_layout(in_rgb(tensors)), tmp_path / "caffe-rgb.pth")
    save_keras(tmp_path / "keras.h5", tensors)
    assert len({read_weights(path, "vgg19").sha256 for path in tmp_path.iterdir()}) == 1


@pytest.mark.fault(6)
def test_another_network_in_gatyss_layout_is_used_as_usual_with_a_warning(folder, tmp_path):
    torch.save(original("vgg16"), tmp_path / "mine.pth")
    with pytest.warns(UserWarning, match=NOT_PUBLISHED_BGR):
        found = load_weights("vgg16", path=tmp_path / "mine.pth")
    assert_same(found, in_rgb(original("vgg16")))


@pytest.mark.fault(6)
def test_a_published_file_is_known_by_its_sha256_whatever_its_name(folder, light, tmp_path, monkeypatch):
    path = tmp_path / "renamed.pth"
    path.write_bytes(light.read_bytes())
    monkeypatch.setitem(trainings.PUBLISHED, light.stem[-8:], trainings.TORCHVISION)
    found = load_weights("vgg11", path=path)
    assert found.source == "your file renamed.pth, torchvision IMAGENET1K_V1" and found.mean == MEAN


def test_a_file_of_keras_is_refused_as_another_network(folder, keras, tmp_path):
    with pytest.raises(
        InputError, match=r"is not vgg16: conv3_4|is not vgg16: it has more layers; it looks like vgg19"
    ):
        load_weights("vgg16", path=keras)


def write(content):
    return lambda path: path.write_bytes(content)


def save_cut_off(**options):
    def make(path):
        torch.save(features_only(checkpoint("vgg11", full=True)), path, **options)
        path.write_bytes(path.read_bytes()[:-100_000])

    return make


def save_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", b"")


def save_state(**changes):
    return lambda path: torch.save({**checkpoint("vgg11"), **changes}, path)


WRONG_FILES = {
    "missing": (lambda path: None, r"There is no file of weights .*mine\.pth"),
    "folder": (lambda path: path.mkdir(), r"mine\.pth is a folder"),
    "text": (write("Grüße\n".encode()), "a web page or a text"),
    "page": (write(PAGE), "a web page or a text"),
    "empty": (write(b""), "cut off, or not a file of weights"),
    "matlab": (write(b"MATLAB 5.0 MAT-file, made on a Tuesday" + bytes(400)), "it is MATLAB's; take the .h5 or .pth"),
    "a .keras archive": (save_archive, "a .keras archive; unzip it and take the file model.weights.h5"),
    "hdf5, cut off": (write(b"\x89HDF\r\n\x1a\n" + bytes(400)), "cut off, or not a file of weights"),
    "hdf5, begun": (write(b"\x89HDF\r\n\x1a\n"), "cut off, or not a file of weights"),
    "picture": (write(b"\x89PNG\r\n\x1a\n" + bytes(99)), "cut off, or not a file of weights"),
    "cut off": (save_cut_off(), "cut off, or not a file of weights"),
    "cut off, old layout": (save_cut_off(_use_new_zipfile_serialization=False), "cut off, or not"),
    "pickled model": (lambda path: torch.save(torch.nn.Conv2d(3, 64, 3), path), "not a file of weights"),
    "a list": (
        lambda path: torch.save([1, 2], path),
        "not a VGG in torchvision's layout, nor in that of Keras or L. Gatys: it has nothing",
    ),
    "a resnet": (
        lambda path: torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7), "bn1.weight": torch.zeros(64)}, path),
        "not a VGG in torchvision's layout, nor .*: it has conv1.weight, bn1.weight",
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


@pytest.mark.fault(6)
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
