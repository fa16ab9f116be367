"""Checkpoints in torchvision's layout, and a server on this machine that has them: a plugin for the weights' tests.

They have the keys, shapes and layouts of torchvision's own, with random numbers (and a small classifier). Tests put the
server's address into `store.published_file`.

PYTEST_DONT_REWRITE, because tests import functions from here before it is loaded as a plugin.
"""

import dataclasses
import hashlib
import http.server
import threading

import pytest
import safetensors
import torch

from stylelib.vgg import LAYOUTS, WIDTHS, layer_names
from stylelib.weights import store
from stylelib.weights.store import PRETRAINED, load_weights

LAYERS = {name: layer_names(LAYOUTS[name]) for name in PRETRAINED}
PAGE = b"<!DOCTYPE html>\n<html><body>Please log in to the guest network.</body></html>\n"


def checkpoint(name, full=False):
    """A state dict in torchvision's layout: `full` with random numbers, else one number a tensor (a tiny file)."""
    generator = torch.Generator().manual_seed(int(name[3:]))

    def numbers(*shape):
        return (0.1 * torch.randn(shape if full else (), generator=generator)).expand(shape)

    state, index, channels = {}, 0, 3
    for width, depth in zip(WIDTHS[name], LAYOUTS[name], strict=True):
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


@pytest.fixture(scope="module")
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
    real = store.published_file

    def publish(name, path):
        server.files[f"/models/{path.name}"] = path.read_bytes()
        entry = dataclasses.replace(
            real(name), url=f"{server.url}/models/{path.name}", size=path.stat().st_size / 2**20
        )
        monkeypatch.setattr(store, "published_file", lambda _: entry)
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
    load_weights("vgg11")
    server.requests.clear()
    return folder / "vgg11.safetensors"


def files(folder):
    """What lies in a folder, lock files aside: they are empty and may stay."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def header(path):
    with safetensors.safe_open(path, "pt") as file:
        return file.metadata()
