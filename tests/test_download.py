"""Downloads of weights: from both addresses, by one process at a time, resumed, and nothing half-written."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stylelib.support import fetching
from stylelib.support.errors import InputError
from stylelib.weights import download, hdf5, store
from stylelib.weights.store import PRETRAINED, load_weights
from tests.checkpoint_server import PAGE, assert_same, files, header, in_rgb, original, save_keras

pytest_plugins = ["tests.checkpoint_server"]
pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).parents[1]
WAYS_OUT = ("on another machine", "load_network('compact')", "pass its path as weights=")
BOTH = ("storage", "releases")  # two addresses, as Keras' files have


def cut_off(handler):
    handler.send(handler.server.whole[:20_000], length=len(handler.server.whole))


def test_the_original_vgg19_from_keras_file_with_its_real_layout(folder, publish, server, tmp_path, capsys):
    """The whole way: downloaded, verified, converted to RGB and torch's order, kept as 80 MB, and said what it is."""
    tensors = original("vgg19", full=True)
    path = save_keras(tmp_path / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5", tensors, top=False)
    first, _ = publish("vgg19", path, BOTH)
    found = load_weights("vgg19")
    assert_same(found, in_rgb(tensors))
    assert found.source == "original weights, Simonyan and Zisserman 2014, CC BY 4.0"
    assert found.mean == pytest.approx([123.68 / 255, 116.779 / 255, 103.939 / 255]) and set(found.std) == {1 / 255}
    assert server.requests == [first] and files(folder) == ["vgg19.safetensors"]
    assert 80.0e6 < (folder / "vgg19.safetensors").stat().st_size < 80.2e6
    shown = capsys.readouterr()
    assert "Downloading the weights of vgg19, once: 76 MB from" in shown.out and "100%" in shown.err
    about = header(folder / "vgg19.safetensors")
    assert about["name"] == "vgg19" and about["source"] == found.source and about["url"] == server.url + first
    again = load_weights("vgg19", download=False)
    assert again.sha256 == found.sha256 and again.mean == found.mean
    assert server.requests == [first], "the second load asked the server"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (cut_off, "IncompleteRead"),
        (bytes(5000), "its MD5 begins with [0-9a-f]{8}, not with [0-9a-f]{8}"),
        (PAGE, "a web page or a text came instead of the file"),
        (None, "404 Not Found"),
    ],
)
def test_a_bad_transfer_is_one_sentence_with_the_ways_out(reply, reason, folder, keras, publish, server):
    server.whole = keras.read_bytes()
    addresses = publish("vgg19", keras, BOTH)
    server.files = dict.fromkeys(addresses, reply)
    with pytest.raises(InputError, match=reason) as caught:
        load_weights("vgg19")
    assert all(way in str(caught.value) for way in WAYS_OUT) and "\n" not in str(caught.value)
    assert str(folder) in str(caught.value) and server.url + addresses[0] in str(caught.value)
    assert server.requests == addresses, "both addresses were tried"
    assert files(folder) == ([f"{keras.name}.partial"] if reply is cut_off else [])

    server.files[addresses[1]] = server.whole  # and the next attempt is not hindered by the first
    assert load_weights("vgg19").name == "vgg19"
    assert files(folder) == ["vgg19.safetensors"]
    assert (server.ranges[-1] > 0) == (reply is cut_off), "what had come was not fetched again"


def test_no_download_that_nobody_asked_for(folder, light, publish, server):
    publish("vgg11", light)
    with pytest.raises(InputError, match="`python -m stylelib fetch vgg11`"):
        load_weights("vgg11", download=False)
    assert server.requests == [] and not folder.exists()


def test_what_was_downloaded_and_cannot_be_used_leaves_nothing(folder, light, publish, monkeypatch):
    publish("vgg11", light)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "read_weights", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_weights("vgg11")
    assert files(folder) == []


def test_what_a_killed_process_left_is_used_or_removed(folder, light, publish, server):
    publish("vgg11", light)
    folder.mkdir()
    (folder / f"{light.name}.partial").write_bytes(light.read_bytes()[:1000])
    load_weights("vgg11")
    assert files(folder) == ["vgg11.safetensors"] and server.ranges == [1000]
    (folder / "vgg11.safetensors").unlink()
    (folder / f"{light.name}.partial").write_bytes(b"half")
    load_weights("vgg11")
    assert files(folder) == ["vgg11.safetensors"] and server.ranges == [1000, 4, 0]


def test_without_h5py_nothing_is_downloaded(folder, keras, publish, server, monkeypatch):
    publish("vgg19", keras)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"`python -m pip install h5py`.*vgg19-torchvision.*load_network\('compact'\)"):
        load_weights("vgg19")
    assert server.requests == [] and not folder.exists()
    with pytest.raises(InputError, match="h5py"):
        hdf5.read_keras(keras, [])


def test_two_processes_at_once_download_once(folder, keras, publish, server):
    address = publish("vgg19", keras)
    asked, release = threading.Event(), threading.Event()

    def slow(handler):
        asked.set()
        release.wait(60)
        handler.send(keras.read_bytes())

    server.files[address] = slow
    code = f"""
from stylelib.weights import store
from stylelib.support.fetching import RemoteFile
entry = {store.published_file("vgg19")!r}
store.published_file = lambda name: entry
print(store.load_weights("vgg19").sha256)
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
    assert ends[0] == ends[1] == load_weights("vgg19").sha256
    assert server.requests == [address]
    assert files(folder) == ["vgg19.safetensors"]


def test_who_waited_in_vain_does_not_repeat_what_failed(folder, keras, publish, server):
    address, asked, over = publish("vgg19", keras), threading.Event(), threading.Event()

    def slow(handler):
        asked.set()
        over.wait(60)
        handler.send_error(503)

    server.files[address], said = slow, []

    def load():
        with pytest.raises(InputError) as caught:
            load_weights("vgg19")
        said.append(str(caught.value))

    first, second = (threading.Thread(target=load) for _ in range(2))
    first.start()
    assert asked.wait(60)
    waiting = threading.Event()
    second.start()
    waiting.wait(0.5)
    over.set()
    first.join()
    second.join()
    assert server.requests == [address]
    assert sorted("did not finish; see what it says, then run this again" in one for one in said) == [False, True]


def test_a_mirror_takes_the_place_of_the_published_addresses(folder, light, publish, server, monkeypatch):
    address = publish("vgg11", light)
    server.files = {f"/class/copy{address}": light.read_bytes()}
    monkeypatch.setenv("STYLELIB_MIRROR", f"{server.url}/class/copy/")
    load_weights("vgg11")
    assert server.requests == [f"/class/copy{address}"]

    monkeypatch.setenv("STYLELIB_MIRROR", "our-server")
    (folder / "vgg11.safetensors").unlink()
    with pytest.raises(InputError, match=f"Invalid URL 'our-server.*{fetching.NO_ADDRESS}"):
        load_weights("vgg11")


@pytest.mark.parametrize("name", [name for name in PRETRAINED if name not in store.ORIGINALS])
def test_what_torchvision_publishes(name):
    entry = download.published_file(name)
    assert re.fullmatch(rf"https://.*/models/{name.split('-')[0]}-[0-9a-f]{{8}}\.pth", entry.urls[0])
    assert entry.digest == f"sha256:{entry.file[6:14]}" and len(entry.urls) == 1
    assert 500 < entry.size < 550 and round(entry.size) == download.DOWNLOADS[name]
    assert 2**20 * entry.size < entry.largest < 1.03 * 2**20 * entry.size


@pytest.mark.parametrize(
    ("name", "md5", "size"),
    [
        ("vgg19", "253f8cb515780f3b799900260a226db6", 80_134_624),
        ("vgg16", "6d6bbae143d832006294945121d1f1fc", 58_889_256),
    ],
)
def test_what_keras_publishes(name, md5, size):
    entry = download.published_file(name)
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert entry.urls == (
        f"https://storage.googleapis.com/tensorflow/keras-applications/{name}/{file}",
        f"https://github.com/fchollet/deep-learning-models/releases/download/v0.1/{file}",
    )
    assert entry.digest == f"md5:{md5}" and entry.file == file
    assert round(size / 1e6) == entry.size == download.DOWNLOADS[name] and size < entry.largest < 1.03 * size
