"""Weights: fetched once from a server, verified, kept small; the user's own files; the embedded network.

The server is on this machine. Its checkpoints have the keys, shapes and layouts of torchvision's own, with random
numbers (and a small classifier); `weights._published` is the one place where tests put its address in.
"""

import dataclasses
import hashlib
import http.server
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pooch
import pytest
import safetensors
import safetensors.torch
import torch

from stylelib.support.errors import InputError
from stylelib.weights import store as weights
from stylelib.weights.download import weights_folder
from stylelib.weights.store import find_weights, load_weights

ROOT = Path(__file__).parents[1]
LAYERS = {
    name: [f"conv{block}_{i}" for block, depth in enumerate(depths, 1) for i in range(1, depth + 1)]
    for name, depths in weights.LAYOUTS.items()
    if name in weights.PRETRAINED
}
COMPACT_LAYERS = [f"conv{block}_{i}" for block in range(1, 6) for i in (1, 2)]
PAGE = b"<!DOCTYPE html>\n<html><body>Please log in to the guest network.</body></html>\n"
THREE_WAYS_OUT = ("connect to the internet", "on another machine", "load_network('compact')")


# Checkpoints and the server that has them ------------------------------------------------------------------


def checkpoint(name, full=False):
    """A state dict in torchvision's layout: `full` with random numbers, else one number a tensor (a tiny file)."""
    generator = torch.Generator().manual_seed(int(name[3:]))

    def numbers(*shape):
        return (0.1 * torch.randn(shape if full else (), generator=generator)).expand(shape)

    state, index, channels = {}, 0, 3
    for width, depth in zip(weights.VGG_WIDTHS, weights.LAYOUTS[name], strict=True):
        for _ in range(depth):
            state[f"features.{index}.weight"] = numbers(width, channels, 3, 3)
            state[f"features.{index}.bias"] = numbers(width)
            index, channels = index + 2, width  # a convolution and its ReLU
        index += 1  # the pooling
    for layer in (0, 3, 6):
        state[f"classifier.{layer}.weight"], state[f"classifier.{layer}.bias"] = numbers(8, 16), numbers(8)
    return state


def expected_tensors(name, state):
    """The state dict's convolutions under their layers' names, by way of torchvision's own network."""
    from torchvision import models

    with torch.device("meta"):  # shapes without numbers: no time, no memory
        network = models.get_model(name, weights=None)
    convolutions = [layer for layer in network.features if isinstance(layer, torch.nn.Conv2d)]
    features = {key.removeprefix("features."): value for key, value in state.items() if key.startswith("features.")}
    network.features.load_state_dict(features, assign=True, strict=True)
    return {
        f"{layer}.{kind}": getattr(convolution, kind).detach()
        for layer, convolution in zip(LAYERS[name], convolutions, strict=True)
        for kind in ("weight", "bias")
    }


def assert_same(found, expected):
    assert list(found.tensors) == list(expected)
    for key, value in found.tensors.items():
        assert value.dtype == torch.float32 and value.is_contiguous() and not value.requires_grad
        assert torch.equal(value, expected[key]), key


def save(folder, name, state, **options):
    """Save a checkpoint as torchvision does, its name ending in the start of its SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / "new", **options)
    digest = hashlib.sha256((folder / "new").read_bytes()).hexdigest()
    return (folder / "new").replace(folder / f"{name}-{digest[:8]}.pth")


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`, {path: bytes or a function of the request's handler}, and remembers what was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.requests = {}, []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        reply = self.server.files.get(self.path)
        if reply is None:
            self.send_error(404)
        elif callable(reply):
            reply(self)
        else:
            self.send(reply)

    def send(self, content, length=None, kind="application/octet-stream"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if length != 0:
            self.send_header("Content-Length", length or len(content))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Copying and comparing is quicker on one thread than on several that wait for a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty weights' folder and an empty cache of torch's; no test sees the real ones."""
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("STYLELIB_MIRROR", raising=False)
    return tmp_path / "weights"


@pytest.fixture
def publish(server, monkeypatch):
    """Let torchvision's entry for a network point to a file on the server."""
    real = weights._published

    def publish(name, path):
        server.files[f"/models/{path.name}"] = path.read_bytes()
        entry = dataclasses.replace(
            real(name), url=f"{server.url}/models/{path.name}", size=path.stat().st_size / 2**20
        )
        monkeypatch.setattr(weights, "published_file", lambda _: entry)
        return f"/models/{path.name}"

    return publish


@pytest.fixture(scope="module")
def vgg11(tmp_path_factory):
    """A VGG-11 of random numbers in full size, 37 MB, and its state dict."""
    state = checkpoint("vgg11", full=True)
    return save(tmp_path_factory.mktemp("vgg11"), "vgg11", state), state


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """A VGG-11 whose file is tiny."""
    return save(tmp_path_factory.mktemp("light"), "vgg11", checkpoint("vgg11"))


@pytest.fixture
def kept(folder, light, publish, server):
    """The small file of a first load, with the server's requests counted from here on."""
    publish("vgg11", light)
    load_weights("vgg11", LAYERS["vgg11"])
    server.requests.clear()
    return folder / "vgg11.safetensors"


def files(folder):
    """What lies in a folder, lock files aside: they are empty and may stay."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def header(path):
    with safetensors.safe_open(path, "pt") as file:
        return file.metadata()


# A download ------------------------------------------------------------------------------------------------


def test_a_download_is_announced_verified_and_kept_as_a_small_file(folder, vgg11, publish, server, capsys):
    path, state = vgg11
    address = publish("vgg11", path)
    assert find_weights("vgg11") is None
    found = load_weights("vgg11", LAYERS["vgg11"])

    assert_same(found, expected_tensors("vgg11", state))
    assert (found.name, found.source) == ("vgg11", "torchvision VGG11_Weights.IMAGENET1K_V1")
    assert found.mean == (0.485, 0.456, 0.406) and found.std == (0.229, 0.224, 0.225)
    shown = capsys.readouterr()
    assert f"Downloading vgg11, once: 35 MB from {server.url}{address}" in shown.out
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

    again = load_weights("vgg11", LAYERS["vgg11"])
    assert server.requests == [address], "the second load asked the server"
    assert again.sha256 == found.sha256 and again.source == found.source and again.mean == found.mean
    assert_same(again, found.tensors)


def test_vgg19_has_16_convolutions_and_80_megabytes(folder, publish, tmp_path):
    state = checkpoint("vgg19", full=True)
    # torchvision's VGG files date from 2017 and have torch's older layout.
    path = save(tmp_path / "elsewhere", "vgg19", state, _use_new_zipfile_serialization=False)
    publish("vgg19", path)
    found = load_weights("vgg19", LAYERS["vgg19"])
    assert len(found.tensors) == 32
    assert_same(found, expected_tensors("vgg19", state))
    assert sum(value.numel() for value in found.tensors.values()) == 20_024_384
    assert 80.0e6 < (folder / "vgg19.safetensors").stat().st_size < 80.2e6


def test_a_later_load_needs_neither_torchvision_nor_the_network(kept):
    code = f"""
import sys
from stylelib.weights import find_weights, load_weights
assert find_weights("vgg11") and find_weights("vgg19") is None
print(load_weights("vgg11", {LAYERS["vgg11"]}).source)
assert "torchvision" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "torchvision VGG11_Weights.IMAGENET1K_V1"


def cut_off(handler):
    handler.send(bytes(1000), length=4000)


def cut_off_without_length(handler):
    handler.send(bytes(1000), length=0)


def cut_off_by_reset(handler):
    handler.send(bytes(1000), length=4_000_000)
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no farewell
    handler.connection.close()


def web_page(handler):
    handler.send(PAGE, kind="text/html")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (cut_off, "the transfer stopped after 1,000 of 4,000 bytes|IncompleteRead"),
        (cut_off_without_length, "its SHA-256 begins with"),
        (cut_off_by_reset, r"reset by peer|stopped after|IncompleteRead"),
        (bytes(5000), "its SHA-256 begins with [0-9a-f]{8}, not with [0-9a-f]{8}"),
        (web_page, "a web page or a text came instead of the file"),
        (b"", "its SHA-256 begins with e3b0c442"),
        (None, "HTTP Error 404: Not Found"),
    ],
)
def test_a_bad_transfer_says_what_was_wrong_and_leaves_nothing(reply, reason, folder, light, publish, server):
    address = publish("vgg11", light)
    server.files[address] = reply
    with pytest.raises(InputError, match=reason) as caught:
        load_weights("vgg11", LAYERS["vgg11"])
    assert all(way in str(caught.value) for way in THREE_WAYS_OUT) and "\n" not in str(caught.value)
    assert str(folder) in str(caught.value) and light.name in str(caught.value)
    assert files(folder) == []

    server.files[address] = light.read_bytes()  # and the next attempt is not hindered by the first
    assert load_weights("vgg11", LAYERS["vgg11"]).name == "vgg11"


def test_offline_is_one_sentence_with_three_ways_out(folder, light, publish, server):
    publish("vgg11", light)
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match=r"Connection refused|actively refused") as caught:
        load_weights("vgg11", LAYERS["vgg11"])
    assert all(way in str(caught.value) for way in THREE_WAYS_OUT)
    assert files(folder) == []


def test_no_download_that_nobody_asked_for(folder, light, publish, server):
    publish("vgg11", light)
    with pytest.raises(InputError, match="no download was asked for"):
        load_weights("vgg11", LAYERS["vgg11"], download=False)
    assert server.requests == [] and not folder.exists()


def test_an_interrupted_download_leaves_nothing(folder, light, publish, monkeypatch):
    publish("vgg11", light)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(weights, "wrong_content", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_weights("vgg11", LAYERS["vgg11"])
    assert files(folder) == []


def test_what_a_killed_process_left_is_removed(folder, light, publish):
    publish("vgg11", light)
    folder.mkdir()
    (folder / f"{light.name}.0123.partial").write_bytes(b"half")
    load_weights("vgg11", LAYERS["vgg11"])
    assert files(folder) == ["vgg11.safetensors"]


def test_two_processes_at_once_download_once(folder, light, publish, server):
    address = publish("vgg11", light)
    asked, release = threading.Event(), threading.Event()

    def slow(handler):
        asked.set()
        release.wait(60)
        handler.send(light.read_bytes())

    server.files[address] = slow
    code = f"""
import dataclasses
from stylelib import weights
entry = dataclasses.replace(weights._published("vgg11"), url={server.url + address!r})
weights._published = lambda name: entry
print(weights.load_weights("vgg11", {LAYERS["vgg11"]}).sha256)
"""

    def start():
        return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)

    with start() as first, start() as second:  # together, since importing torchvision takes its time
        try:
            assert asked.wait(60)
            lines = {process: process.stdout.readline() for process in (first, second)}
            release.set()
            ends = [process.communicate(timeout=60)[0].strip() for process in (first, second)]
        finally:
            release.set()
    assert sorted(line.split()[0] for line in lines.values()) == ["Another", "Downloading"]
    assert ends[0] == ends[1] == load_weights("vgg11", LAYERS["vgg11"]).sha256
    assert server.requests == [address]
    assert files(folder) == ["vgg11.safetensors"]


def test_a_mirror_takes_the_place_of_torchvisions_host(folder, light, publish, server, monkeypatch):
    address = publish("vgg11", light)
    server.files = {f"/class/copy{address}": light.read_bytes()}
    monkeypatch.setenv("STYLELIB_MIRROR", f"{server.url}/class/copy/")
    load_weights("vgg11", LAYERS["vgg11"])
    assert server.requests == [f"/class/copy{address}"]

    monkeypatch.setenv("STYLELIB_MIRROR", "our-server")
    (folder / "vgg11.safetensors").unlink()
    with pytest.raises(InputError, match="unknown url type: 'our-server"):
        load_weights("vgg11", LAYERS["vgg11"])


@pytest.mark.parametrize("name", weights.PRETRAINED)
def test_what_torchvision_publishes(name):
    entry = weights._published(name)
    assert re.fullmatch(rf"https://.*/models/{name}-[0-9a-f]{{8}}\.pth", entry.url)
    assert 500 < entry.size < 550 and entry.source == f"torchvision {name.upper()}_Weights.IMAGENET1K_V1"
    assert entry.mean == (0.485, 0.456, 0.406) and entry.std == (0.229, 0.224, 0.225)


# Files that are here already -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["torch/hub/checkpoints", "weights"])
def test_torchvisions_file_on_this_machine_saves_the_download(place, folder, light, publish, server, tmp_path):
    publish("vgg11", light)
    here = tmp_path / place / light.name
    here.parent.mkdir(parents=True)
    here.write_bytes(light.read_bytes())
    assert find_weights("vgg11") == here
    found = load_weights("vgg11", LAYERS["vgg11"], download=False)
    assert found.source == "torchvision VGG11_Weights.IMAGENET1K_V1"
    assert server.requests == [] and here.read_bytes() == light.read_bytes()
    assert find_weights("vgg11") == folder / "vgg11.safetensors"
    assert load_weights("vgg11", LAYERS["vgg11"]).sha256 == found.sha256


def test_a_damaged_file_in_torchs_cache_is_told_and_left_alone(folder, light, publish, server, tmp_path):
    address = publish("vgg11", light)
    here = tmp_path / "torch/hub/checkpoints" / light.name
    here.parent.mkdir(parents=True)
    here.write_bytes(light.read_bytes()[:-100])
    with pytest.warns(UserWarning, match=re.escape(str(here)) + " is damaged.*its SHA-256 begins with"):
        load_weights("vgg11", LAYERS["vgg11"])
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
    assert load_weights("vgg11", LAYERS["vgg11"]).name == "vgg11"
    assert server.requests == [] and files(folder) == [light.name, "vgg11.safetensors"]


def test_a_read_only_folder_serves_its_file_and_refuses_a_download(folder, light, publish, server):
    publish("vgg11", light)
    folder.mkdir()
    folder.chmod(0o555)
    if os.access(folder, os.W_OK):
        pytest.skip("this user (root, or anyone on Windows) may write into read-only folders")
    with pytest.raises(InputError, match=r"cannot be kept in .*\(Permission denied"):
        load_weights("vgg11", LAYERS["vgg11"])
    folder.chmod(0o755)
    (folder / light.name).write_bytes(light.read_bytes())
    folder.chmod(0o555)
    assert load_weights("vgg11", LAYERS["vgg11"]).name == "vgg11"
    assert server.requests == [] and files(folder) == [light.name]


def test_a_folder_that_cannot_be_made_is_one_sentence_before_any_transfer(light, publish, server, folder, monkeypatch):
    publish("vgg11", light)
    folder.write_text("a file where the folder's parent should be")
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(folder / "inside"))
    with pytest.raises(InputError, match=r"cannot be kept in .*inside \(Not a directory\).*STYLELIB_WEIGHTS"):
        load_weights("vgg11", LAYERS["vgg11"])
    assert server.requests == []


@pytest.mark.parametrize("limit", [10_000_000, 1000])  # the small file does not fit; not even the download does
def test_a_full_disk_is_one_sentence_and_nothing_half_written(limit, folder, light, publish):
    resource = pytest.importorskip("resource", reason="a limit on file sizes, to stand for a full disk, needs Unix")
    publish("vgg11", light)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(InputError, match=r"cannot be kept in .* \(File too large\): make room there"):
            load_weights("vgg11", LAYERS["vgg11"])
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


# The small file, damaged -----------------------------------------------------------------------------------


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
    good = load_weights("vgg11", LAYERS["vgg11"]).sha256
    damage(kept)
    with pytest.warns(UserWarning, match=f"{re.escape(str(kept))}.*{DAMAGES[damage]}.* made again"):
        assert load_weights("vgg11", LAYERS["vgg11"]).sha256 == good
    assert len(server.requests) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_weights("vgg11", LAYERS["vgg11"]).sha256 == good
    assert len(server.requests) == 1


def test_a_damaged_small_file_is_not_used_when_nothing_else_is_there(kept, server):
    truncate(kept)
    server.files.clear()
    with pytest.warns(UserWarning, match="cut off"), pytest.raises(InputError, match="404"):
        load_weights("vgg11", LAYERS["vgg11"])


# A file of the user's --------------------------------------------------------------------------------------


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
    found = load_weights("vgg11", LAYERS["vgg11"], path=str(tmp_path / "mine.pth"))
    assert_same(found, expected_tensors("vgg11", state))
    assert found.source == "your file mine.pth" and found.mean == (0.485, 0.456, 0.406)
    assert not folder.exists(), "something was kept"


def test_half_precision_and_safetensors_of_the_users(folder, kept, light, tmp_path):
    state = {key: value.half().contiguous() for key, value in checkpoint("vgg11").items()}
    safetensors.torch.save_file(state, tmp_path / "half.safetensors")
    found = load_weights("vgg11", LAYERS["vgg11"], path=tmp_path / "half.safetensors")
    assert_same(found, {key: value.float() for key, value in expected_tensors("vgg11", state).items()})

    ours = load_weights("vgg11", LAYERS["vgg11"], path=kept)
    theirs = load_weights("vgg11", LAYERS["vgg11"], path=light)
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
        load_weights("vgg11", LAYERS["vgg11"], path=tmp_path / "mine.pth")
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
    layers = LAYERS.get(wanted, COMPACT_LAYERS)
    with pytest.raises(InputError, match=rf"is not {wanted}: {layer}\.weight is .*; it looks like {given}\.$"):
        load_weights(wanted, layers, path=tmp_path / "other.pth")


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'vgg19'"):
        load_weights("vgg-19", [])
    with pytest.raises(InputError, match="Known: vgg11"):
        find_weights("resnet50")


# The embedded network --------------------------------------------------------------------------------------


def test_the_embedded_network_is_in_the_package_and_says_what_it_is(folder, monkeypatch):
    monkeypatch.setattr(weights.urllib.request, "urlopen", None)
    found = load_weights("compact", COMPACT_LAYERS)
    assert find_weights("compact") == ROOT / "stylelib/data/compact.safetensors"
    assert not folder.exists()
    assert found.name == "compact" and found.source.startswith("compact: ") and "not VGG-19" in found.source
    assert found.mean == (0.48, 0.457, 0.408) and found.std == (0.27, 0.27, 0.27)
    assert list(found.tensors) == [f"{layer}.{kind}" for layer in COMPACT_LAYERS for kind in ("weight", "bias")]
    assert all(value.dtype == torch.float32 for value in found.tensors.values())
    assert [len(found.tensors[f"conv{block}_1.bias"]) for block in range(1, 6)] == [42, 86, 156, 284, 272]
    assert sum(value.numel() for value in found.tensors.values()) == 2_943_258

    about = header(find_weights("compact"))
    assert about["sha256"] == found.sha256 and about["name"] == "compact"
    assert "NOT" in about["description"] and "made by hand" in about["description"]
    assert "SqueezeNet v1.0" in about["teacher"] and "BSD" in about["teacher"]
    assert find_weights("compact").stat().st_size < 6e6


def test_a_damaged_package_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "DATA", tmp_path)
    (tmp_path / "compact.safetensors").write_bytes((ROOT / "stylelib/data/compact.safetensors").read_bytes())
    flip_a_bit(tmp_path / "compact.safetensors")
    with pytest.raises(InputError, match="damaged"):
        load_weights("compact", COMPACT_LAYERS)
