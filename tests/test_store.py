"""Which file the weights come from: the small one kept earlier, one that is here, a download, or the package's own."""

import hashlib
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pooch
import pytest
import safetensors.torch
import torch

from stylelib.support.errors import InputError
from stylelib.vgg import LAYOUTS, layer_names
from stylelib.weights import store, trainings
from stylelib.weights.formats import fingerprint
from stylelib.weights.store import fetch_weights, find_weights, load_weights, weights_folder
from tests.checkpoint_server import (
    PAGE,
    assert_same,
    checkpoint,
    expected_tensors,
    files,
    header,
    in_rgb,
    original,
    save,
    save_keras,
)

pytest_plugins = ["tests.checkpoint_server"]
pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).parents[1]


def test_a_download_is_announced_verified_and_kept_as_a_small_file(folder, vgg11, publish, server, capsys):
    path, state = vgg11
    address = publish("vgg11", path)
    assert find_weights("vgg11") is None
    found = load_weights("vgg11")

    assert_same(found, expected_tensors("vgg11", state))
    assert (found.name, found.source) == ("vgg11", "torchvision IMAGENET1K_V1")
    assert found.mean == (0.485, 0.456, 0.406) and found.std == (0.229, 0.224, 0.225)
    shown = capsys.readouterr()
    assert f"Downloading the weights of vgg11, once: 35 MB from {server.url}{address}" in shown.out
    assert "100%" in shown.err  # the progress bar
    assert server.requests == [address]

    small = folder / "vgg11.safetensors"
    assert files(folder) == [small.name] and find_weights("vgg11") == small
    about = header(small)
    assert about["name"] == "vgg11" and about["source"] == found.source and about["url"] == server.url + address
    assert about["source_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert about["sha256"] == found.sha256 and "stylelib" in about["made_by"]
    assert tuple(json.loads(about["input_mean"])) == found.mean
    assert tuple(json.loads(about["input_std"])) == found.std

    again = load_weights("vgg11")
    assert server.requests == [address], "the second load asked the server"
    assert again.sha256 == found.sha256 and again.source == found.source and again.mean == found.mean
    assert_same(again, found.tensors)


def test_torchvisions_vgg19_has_16_convolutions_and_80_megabytes(folder, publish, tmp_path):
    state = checkpoint("vgg19", full=True)
    # torchvision's VGG files date from 2017 and have torch's older layout.
    path = save(tmp_path / "elsewhere", "vgg19", state, _use_new_zipfile_serialization=False)
    publish("vgg19-torchvision", path)
    found = load_weights("vgg19-torchvision")
    assert len(found.tensors) == 32
    assert_same(found, expected_tensors("vgg19", state))
    assert sum(value.numel() for value in found.tensors.values()) == 20_024_384
    assert 80.0e6 < (folder / "vgg19-torchvision.safetensors").stat().st_size < 80.2e6
    assert find_weights("vgg19-torchvision") == folder / "vgg19-torchvision.safetensors"


def test_a_later_load_needs_neither_torchvision_nor_the_network(kept):
    code = """
import sys
from stylelib.weights.store import find_weights, load_weights
assert find_weights("vgg11") and find_weights("vgg19") is None
print(load_weights("vgg11").source)
assert "torchvision" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "torchvision IMAGENET1K_V1"


# ---- Files that are here already


@pytest.mark.parametrize("place", ["torch/hub/checkpoints", "weights"])
def test_torchvisions_file_on_this_machine_saves_the_download(place, folder, light, publish, server, tmp_path):
    publish("vgg11", light)
    here = tmp_path / place / light.name
    here.parent.mkdir(parents=True)
    here.write_bytes(light.read_bytes())
    assert find_weights("vgg11") == here
    found = load_weights("vgg11", download=False)
    assert found.source == "torchvision IMAGENET1K_V1"
    assert server.requests == [] and here.read_bytes() == light.read_bytes()
    assert find_weights("vgg11") == folder / "vgg11.safetensors"
    assert load_weights("vgg11").sha256 == found.sha256


def test_a_damaged_file_in_torchs_cache_is_told_and_left_alone(folder, light, publish, server, tmp_path):
    address = publish("vgg11", light)
    here = tmp_path / "torch/hub/checkpoints" / light.name
    here.parent.mkdir(parents=True)
    here.write_bytes(light.read_bytes()[:-100])
    with pytest.warns(UserWarning, match=re.escape(str(here)) + " is damaged.*its SHA-256 begins with"):
        load_weights("vgg11")
    assert server.requests == [address] and here.stat().st_size == light.stat().st_size - 100


def test_files_of_other_networks_are_not_mistaken_for_it(folder, light, publish):
    publish("vgg11", light)
    folder.mkdir()
    for other in ("vgg11_bn-6002323d.pth", "vgg11-d01eb7cb.pth", "vgg11.pth"):  # the second has Caffe's scale
        (folder / other).write_bytes(light.read_bytes())
    assert find_weights("vgg11") is None


def test_a_folder_that_cannot_keep_anything_still_serves_its_file(folder, light, publish, server, tmp_path):
    publish("vgg11", light)
    folder.mkdir()
    (folder / light.name).write_bytes(light.read_bytes())
    (folder / "vgg11.safetensors").mkdir()  # no file can take this name, not even for root
    assert load_weights("vgg11").name == "vgg11"
    assert server.requests == [] and files(folder) == [light.name, "vgg11.safetensors"]


def test_a_read_only_folder_serves_its_file_and_refuses_a_download(folder, light, publish, server):
    publish("vgg11", light)
    folder.mkdir()
    folder.chmod(0o555)
    if os.access(folder, os.W_OK):
        pytest.skip("this user (root, or anyone on Windows) may write into read-only folders")
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\).*STYLELIB_WEIGHTS"):
        load_weights("vgg11")
    folder.chmod(0o755)
    (folder / light.name).write_bytes(light.read_bytes())
    folder.chmod(0o555)
    assert load_weights("vgg11").name == "vgg11"
    assert server.requests == [] and files(folder) == [light.name]


def test_a_folder_that_cannot_be_made_is_one_sentence_before_any_transfer(light, publish, server, folder, monkeypatch):
    publish("vgg11", light)
    folder.write_text("a file where the folder's parent should be")
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(folder / "inside"))
    with pytest.raises(InputError, match=r"inside cannot be written \(Not a directory\).*STYLELIB_WEIGHTS"):
        load_weights("vgg11")
    assert server.requests == []


@pytest.mark.parametrize("limit", [10_000_000, 1000])  # the small file does not fit; not even the download does
def test_a_full_disk_is_one_sentence_and_nothing_half_written(limit, folder, light, publish):
    resource = pytest.importorskip("resource", reason="a limit on file sizes, to stand for a full disk, needs Unix")
    publish("vgg11", light)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(InputError, match=r"(cannot|could not) be written \(File too large\): make room there"):
            load_weights("vgg11")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files(folder) == []


def test_the_folder_is_the_users_cache_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path))
    assert weights_folder() == tmp_path
    monkeypatch.setenv("STYLELIB_WEIGHTS", "~/weights")
    assert weights_folder() == Path.home() / "weights"
    monkeypatch.setenv("STYLELIB_WEIGHTS", "")
    assert weights_folder() == Path(pooch.os_cache("stylelib"))
    monkeypatch.delenv("STYLELIB_WEIGHTS")
    assert weights_folder() == Path(pooch.os_cache("stylelib"))


# ---- Two trainings of one architecture


@pytest.fixture
def torchvisions(tmp_path, publish):
    """torchvision's file of a VGG-19 in torch's cache, and what it holds."""
    state = checkpoint("vgg19")
    path = save(tmp_path / "torch/hub/checkpoints", "vgg19", state)
    publish("vgg19-torchvision", path)
    return path, expected_tensors("vgg19", state)


def kept_before(folder, tensors):
    """A small file as stylelib kept it when vgg19 meant torchvision's weights."""
    folder.mkdir()
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    about = {"name": "vgg19", "source": "torchvision VGG19_Weights.IMAGENET1K_V1", "sha256": fingerprint(tensors)}
    about |= {"input_mean": "[0.485, 0.456, 0.406]", "input_std": "[0.229, 0.224, 0.225]"}
    safetensors.torch.save_file(tensors, folder / "vgg19.safetensors", about)


@pytest.mark.parametrize("place", ["weights", "keras/models"])
def test_keras_file_on_this_machine_saves_the_download(place, folder, keras, publish, server, tmp_path, torchvisions):
    publish("vgg19", keras)
    here = tmp_path / place / keras.name
    here.parent.mkdir(parents=True)
    here.write_bytes(keras.read_bytes())
    assert find_weights("vgg19") == here
    found = load_weights("vgg19", download=False)
    assert found.source == trainings.ORIGINAL.source
    assert_same(found, in_rgb(original("vgg19")))
    assert server.requests == [] and here.read_bytes() == keras.read_bytes()
    assert find_weights("vgg19") == folder / "vgg19.safetensors"
    assert load_weights("vgg19").sha256 == found.sha256


def test_keras_file_with_the_classifier_is_known_too(folder, keras, publish, tmp_path, monkeypatch):
    publish("vgg19", keras)
    whole = save_keras(tmp_path / "vgg19_weights_tf_dim_ordering_tf_kernels.h5", original("vgg19"))
    digest = hashlib.md5(whole.read_bytes()).hexdigest()
    monkeypatch.setitem(
        store.ORIGINAL_FILES, "vgg19", (store.ORIGINAL_FILES["vgg19"][0], (whole.name, f"md5:{digest}"))
    )
    folder.mkdir()
    whole.rename(folder / whole.name)
    assert_same(load_weights("vgg19", download=False), in_rgb(original("vgg19")))


def test_a_conversion_from_caffe_on_this_machine_saves_the_download(folder, tmp_path, monkeypatch):
    state = checkpoint("vgg19")
    path = save(tmp_path / "torch/hub/checkpoints", "vgg19", state)
    monkeypatch.setitem(store.ORIGINAL_FILES, "vgg19", ((path.name, f"sha256:{path.stem[-8:]}"),))
    found = load_weights("vgg19", download=False)
    assert found.source == trainings.ORIGINAL.source and files(folder) == ["vgg19.safetensors"]
    assert_same(found, in_rgb(expected_tensors("vgg19", state)))


def test_a_damaged_file_of_keras_is_told_and_not_used(folder, keras, publish, server, tmp_path):
    address = publish("vgg19", keras)
    folder.mkdir()
    (folder / keras.name).write_bytes(keras.read_bytes()[:-100])
    with pytest.warns(UserWarning, match=re.escape(str(folder / keras.name)) + " is damaged.*its MD5 begins with"):
        load_weights("vgg19")
    assert server.requests == [address]


def test_torchvisions_vgg19_is_used_rather_than_downloading_the_original(folder, keras, publish, server, torchvisions):
    path, tensors = torchvisions
    address = publish("vgg19", keras)
    assert find_weights("vgg19") == path
    found = load_weights("vgg19")
    assert found.source == "torchvision IMAGENET1K_V1" and server.requests == []
    assert_same(found, tensors)
    assert files(folder) == ["vgg19-torchvision.safetensors"], "it is not kept as the original"
    assert load_weights("vgg19-torchvision", download=False).sha256 == found.sha256
    assert find_weights("vgg19") == find_weights("vgg19-torchvision") == folder / "vgg19-torchvision.safetensors"

    small, fetched = fetch_weights("vgg19")  # who asks for the original gets it
    assert fetched.source == trainings.ORIGINAL.source and server.requests == [address]
    assert small == find_weights("vgg19") == folder / "vgg19.safetensors"
    assert load_weights("vgg19").sha256 == fetched.sha256
    assert load_weights("vgg19-torchvision").sha256 == found.sha256


def test_a_file_that_was_kept_when_vgg19_meant_torchvisions_is_read_and_says_so(folder, keras, publish, server):
    tensors = expected_tensors("vgg19", checkpoint("vgg19"))
    kept_before(folder, tensors)
    address = publish("vgg19", keras)
    for name in ("vgg19", "vgg19-torchvision"):
        assert find_weights(name) == folder / "vgg19.safetensors"
        assert load_weights(name).source == "torchvision VGG19_Weights.IMAGENET1K_V1"
    assert server.requests == []

    _, fetched = fetch_weights("vgg19")
    assert server.requests == [address] and load_weights("vgg19").sha256 == fetched.sha256
    assert files(folder) == ["vgg19-torchvision.safetensors", "vgg19.safetensors"]
    assert_same(load_weights("vgg19-torchvision", download=False), tensors)


def test_fetching_puts_the_small_file_into_a_folder_and_downloads_once(folder, keras, publish, server, tmp_path):
    address, stick = publish("vgg19", keras), tmp_path / "stick"
    path, weights = fetch_weights("vgg19", stick)
    assert path == stick / "vgg19.safetensors" and files(stick) == ["vgg19.safetensors"]
    assert fetch_weights("vgg19", stick)[1].sha256 == weights.sha256 and server.requests == [address]
    assert find_weights("vgg19") is None, "nothing but the folder is written to"

    fetch_weights("vgg19")
    fetch_weights("vgg19", tmp_path / "second")
    assert (tmp_path / "second/vgg19.safetensors").read_bytes() == (folder / "vgg19.safetensors").read_bytes()
    assert len(server.requests) == 2


def test_fetching_renews_a_damaged_file(folder, keras, publish, server):
    publish("vgg19", keras)
    path, weights = fetch_weights("vgg19")
    truncate(path)
    with pytest.warns(UserWarning, match="cut off.* made again"):
        assert fetch_weights("vgg19")[1].sha256 == weights.sha256
    assert load_weights("vgg19").sha256 == weights.sha256 and len(server.requests) == 2


def test_fetching_into_a_folder_that_cannot_be_written_is_one_sentence(folder, keras, publish, tmp_path):
    publish("vgg19", keras)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        fetch_weights("vgg19", tmp_path / "file" / "inside")
    fetch_weights("vgg19")
    with pytest.raises(InputError, match="cannot be written"):
        fetch_weights("vgg19", tmp_path / "file" / "inside")


@pytest.mark.parametrize("limit", [10_000_000, 1000])  # the small file does not fit; not even the download does
def test_a_full_disk_leaves_nothing_of_keras_file_either(limit, folder, keras, publish):
    resource = pytest.importorskip("resource", reason="a limit on file sizes, to stand for a full disk, needs Unix")
    publish("vgg19", keras)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(InputError, match=r"(cannot|could not) be written \(File too large\): make room there"):
            load_weights("vgg19")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files(folder) == []


def test_vgg16_comes_from_keras_too(folder, publish, tmp_path):
    path = save_keras(tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", original("vgg16"), top=False)
    publish("vgg16", path)
    found = load_weights("vgg16")
    assert_same(found, in_rgb(original("vgg16")))
    assert found.source == trainings.ORIGINAL.source and files(folder) == ["vgg16.safetensors"]


# ---- The small file, damaged


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)


def replace_by_page(path):
    path.write_bytes(PAGE)


def lose_the_header(path):
    path.write_bytes(safetensors.torch.save(safetensors.torch.load_file(path)))


def lose_the_mean(path):
    about = header(path)
    del about["input_mean"]
    path.write_bytes(safetensors.torch.save(safetensors.torch.load_file(path), about))


def lose_a_layer(path):
    tensors, about = safetensors.torch.load_file(path), header(path)
    del tensors["conv3_2.bias"]
    path.write_bytes(safetensors.torch.save(tensors, about))


DAMAGES = {
    truncate: "it is cut off",
    flip_a_bit: "its numbers do not match its own fingerprint",
    replace_by_page: "it is a web page or a text",
    lose_the_header: "its numbers do not match its own fingerprint",
    lose_the_mean: "its header cannot be read .*input_mean",
    lose_a_layer: "conv3_2.bias is missing",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_small_file_is_told_and_made_again(damage, kept, server):
    good = load_weights("vgg11").sha256
    damage(kept)
    with pytest.warns(UserWarning, match=f"{re.escape(str(kept))}.*{DAMAGES[damage]}.* made again"):
        assert load_weights("vgg11").sha256 == good
    assert len(server.requests) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_weights("vgg11").sha256 == good
    assert len(server.requests) == 1


def test_a_damaged_small_file_is_not_used_when_nothing_else_is_there(kept, server):
    truncate(kept)
    server.files.clear()
    with pytest.warns(UserWarning, match="cut off"), pytest.raises(InputError, match="404"):
        load_weights("vgg11")


# ---- The embedded network


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'vgg19'"):
        load_weights("vgg-19", [])
    with pytest.raises(InputError, match="Known: vgg11"):
        find_weights("resnet50")


def test_the_embedded_network_is_in_the_package_and_says_what_it_is(folder, monkeypatch):
    monkeypatch.setattr(store, "download", None)
    found = load_weights("compact")
    assert find_weights("compact") == store.DATA / "compact.safetensors"
    assert not folder.exists()
    assert found.name == "compact" and found.source.startswith("compact: ") and "not VGG-19" in found.source
    assert found.mean == pytest.approx((123.68 / 255, 116.779 / 255, 103.939 / 255)) and found.std == (0.27, 0.27, 0.27)
    layers = layer_names(LAYOUTS["compact"])
    assert list(found.tensors) == [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    assert all(value.dtype == torch.float32 for value in found.tensors.values())
    assert [len(found.tensors[f"conv{block}_1.bias"]) for block in range(1, 6)] == [24, 48, 96, 176, 320]
    assert sum(value.numel() for value in found.tensors.values()) == 2_746_008

    about = header(find_weights("compact"))
    assert about["sha256"] == found.sha256 and about["name"] == "compact"
    assert "NOT" in about["description"] and "VGG-19" in about["description"]
    assert "VGG-19" in about["teacher"] and "CC BY 4.0" in about["teacher"]
    assert find_weights("compact").stat().st_size < 6e6


def test_a_damaged_package_is_told(monkeypatch, tmp_path):
    (tmp_path / "compact.safetensors").write_bytes((store.DATA / "compact.safetensors").read_bytes())
    monkeypatch.setattr(store, "DATA", tmp_path)
    flip_a_bit(tmp_path / "compact.safetensors")
    with pytest.raises(InputError, match="damaged"):
        load_weights("compact")
