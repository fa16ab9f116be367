"""Files of weights in the published layouts, and a server on this machine that has them: a plugin for the tests.

They have the names, shapes and layouts of torchvision's and of Keras' own, with random numbers (and a small
classifier). `publish` lets `store.published_file` point to the server.

PYTEST_DONT_REWRITE, because tests import functions from here before it is loaded as a plugin.
"""

import hashlib
import http.server
import pathlib
import re
import threading

import pytest
import safetensors
import torch

from stylelib.support.fetching import RemoteFile
from stylelib.vgg import LAYOUTS, WIDTHS, layer_names
from stylelib.weights import store
from stylelib.weights.formats import architecture
from stylelib.weights.store import load_weights

ARCHITECTURES = ("vgg11", "vgg13", "vgg16", "vgg19")
LAYERS = {name: layer_names(LAYOUTS[name]) for name in ARCHITECTURES}
PAGE = b"<!DOCTYPE html>\n<html><body>Please log in to the guest network.</body></html>\n"
OXFORD = pathlib.Path(__file__).parents[2] / "shared" / "vgg19" / "vgg19_oxford.npz"  # the original weights, if here


def checkpoint(name, full=False):
    """A state dict in torchvision's layout: `full` with random numbers, else one number a tensor (a tiny file)."""
    generator = torch.Generator().manual_seed(int(name[3:5]))

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


def original(name, full=False):
    """The convolutions of a network by layer, OIHW, BGR: the original VGG-19 if its numbers are here, else random."""
    if name != "vgg19" or not full or not OXFORD.exists():
        values = checkpoint(name, full).items()
        keys = [f"{layer}.{kind}" for layer in LAYERS[name] for kind in ("weight", "bias")]
        return dict(zip(keys, (value for key, value in values if key.startswith("features")), strict=True))
    import numpy as np

    with np.load(OXFORD) as stored:
        tensors = {}
        for layer in LAYERS[name]:
            if f"{layer}.weight" in stored:
                weight = stored[f"{layer}.weight"].astype("float32")
            else:
                scale, least = stored[f"{layer}.scale_min"]
                weight = (stored[f"{layer}.weight_u8"].astype("float64") * scale + least).astype("float32")
            tensors[f"{layer}.weight"] = torch.from_numpy(weight)
            tensors[f"{layer}.bias"] = torch.from_numpy(stored[f"{layer}.bias"].astype("float32"))
    return tensors


def in_rgb(tensors):
    """The same for RGB, as stylelib keeps it."""
    return {key: value.flip(1) if key == "conv1_1.weight" else value for key, value in tensors.items()}


KERAS_NAMES = {  # how Keras' versions call the arrays of a layer
    "old": "{layer}/{layer}_{old}_1:0",
    "new": "{layer}/{layer}/{new}:0",
    "keras 3": "{layer}/{layer}/{new}",
    "model.save": "model_weights/{layer}/{layer}/{new}:0",
    ".weights.h5": "layers/conv2d{count}/vars/{number}",
    ".weights.h5, named": "layers/{layer}/vars/{number}",
}


def save_keras(path, tensors, naming="old", top=True):
    """Write an HDF5 file as Keras does; layers of one number take no room in it."""
    import h5py

    with h5py.File(path, "w") as file:
        for index, (key, value) in enumerate(tensors.items()):
            layer, kind = key.split(".")
            words = {
                "layer": f"block{layer[4]}_{layer[:4]}{layer[6]}",
                "old": {"weight": "W", "bias": "b"}[kind],
                "new": {"weight": "kernel", "bias": "bias"}[kind],
                "count": f"_{index // 2}" if index > 1 else "",
                "number": index % 2,
            }
            array = value.permute(2, 3, 1, 0) if value.ndim == 4 else value
            name = KERAS_NAMES[naming].format(**words)
            if value.stride()[0]:
                file.create_dataset(name, data=array.contiguous().numpy())
            else:
                file.create_dataset(name, array.shape, "float32", fillvalue=value.flatten()[0].item())
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.0.0"
        if top:
            file.create_dataset("fc1/fc1_W_1:0", (8, 16), "float32")
        if naming == "model.save":
            file.create_dataset("optimizer_weights/Adam/block1_conv1/kernel/m:0", (3, 3, 3, 64), "float32")
    return path


def expected_tensors(name, state):
    """The state dict's convolutions under their layers' names, by way of torchvision's own network."""
    from torchvision import models

    with torch.device("meta"):  # shapes without numbers: no time, no memory
        network = models.get_model(architecture(name), weights=None)
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
    """Serves `files`, {path: bytes or a function of the request's handler}, and remembers what was asked for.

    Its `requests` are paths, its `ranges` the beginnings that were asked for (0: everything).
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.requests, self.ranges, self.knows_ranges = {}, [], [], True
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        pass  # a client that has gone


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        self.start = int(asked[1]) if asked else 0
        self.server.requests.append(self.path)
        self.server.ranges.append(self.start)
        self.start *= self.server.knows_ranges
        reply = self.server.files.get(self.path)
        if reply is None:
            self.send_error(404)
        elif callable(reply):
            reply(self)
        else:
            self.send(reply)

    def send(self, content, length=None, kind="application/octet-stream"):
        """Send a file, or its rest; with a length, claim that the file has it; with length 0, claim nothing."""
        size = len(content) if length is None else length
        if self.start and self.start >= size:
            self.send_error(416)
            return
        self.send_response(206 if self.start else 200)
        self.send_header("Content-Type", kind)
        if self.start:
            self.send_header("Content-Range", f"bytes {self.start}-{size - 1}/{size}")
        if length != 0:
            self.send_header("Content-Length", size - self.start)
        self.end_headers()
        self.wfile.write(content[self.start :])

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
    """An empty weights' folder and empty caches of torch and Keras; no test sees the real ones."""
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("STYLELIB_MIRROR", raising=False)
    return tmp_path / "weights"


@pytest.fixture
def publish(server, monkeypatch):
    """Let the published file of a network be one on the server, at one address or at several."""
    real, entries = store.published_file, {}
    monkeypatch.setattr(store, "published_file", lambda name: entries.get(name) or real(name))

    def publish(name, path, mirrors=("models",)):
        addresses = [f"/{mirror}/{path.name}" for mirror in mirrors]
        server.files |= dict.fromkeys(addresses, path.read_bytes())
        kind = "md5" if path.suffix == ".h5" else "sha256"
        digest, size = hashlib.new(kind, path.read_bytes()).hexdigest(), path.stat().st_size
        urls = tuple(server.url + address for address in addresses)
        entries[name] = RemoteFile(urls, f"{kind}:{digest}", size + 1000, size / 2**20)
        if kind == "md5":
            files = ((path.name, f"md5:{digest}"), *store.ORIGINAL_FILES[name][1:])
            monkeypatch.setitem(store.ORIGINAL_FILES, name, files)
        return addresses[0] if len(addresses) == 1 else addresses

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


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    """A VGG-19 in Keras' layout, under the name of the published file: a tiny file."""
    path = tmp_path_factory.mktemp("keras") / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return save_keras(path, original("vgg19"), top=False)


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
