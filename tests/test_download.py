"""Downloads: announced, verified, by one process at a time, and nothing half-written."""

import re
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stylelib.support.errors import InputError
from stylelib.weights import download
from stylelib.weights.store import PRETRAINED, load_weights
from tests.checkpoint_server import PAGE, files

pytest_plugins = ["tests.checkpoint_server"]
pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).parents[1]
THREE_WAYS_OUT = ("connect to the internet", "on another machine", "load_network('compact')")


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
        (cut_off, "IncompleteRead.*3000 more expected|its SHA-256 begins with"),
        (cut_off_without_length, "its SHA-256 begins with"),
        (cut_off_by_reset, r"reset by peer|IncompleteRead"),
        (bytes(5000), "its SHA-256 begins with [0-9a-f]{8}, not with [0-9a-f]{8}"),
        (web_page, "a web page or a text came instead of the file"),
        (b"", "its SHA-256 begins with e3b0c442"),
        (None, r"404 Client Error: Not Found\)"),
    ],
)
def test_a_bad_transfer_says_what_was_wrong_and_leaves_nothing(reply, reason, folder, light, publish, server):
    address = publish("vgg11", light)
    server.files[address] = reply
    with pytest.raises(InputError, match=reason) as caught:
        load_weights("vgg11")
    assert all(way in str(caught.value) for way in THREE_WAYS_OUT) and "\n" not in str(caught.value)
    assert str(folder) in str(caught.value) and light.name in str(caught.value)
    assert files(folder) == []

    server.files[address] = light.read_bytes()  # and the next attempt is not hindered by the first
    assert load_weights("vgg11").name == "vgg11"


def test_offline_is_one_sentence_with_three_ways_out(folder, light, publish, server):
    publish("vgg11", light)
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match=r"Connection refused|actively refused") as caught:
        load_weights("vgg11")
    assert all(way in str(caught.value) for way in THREE_WAYS_OUT)
    assert files(folder) == []


def test_a_server_that_falls_silent_is_given_up(folder, light, publish, server, monkeypatch):
    over = threading.Event()

    def silent(handler):
        handler.send(bytes(1000), length=4000)
        over.wait(60)

    server.files[publish("vgg11", light)] = silent
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with pytest.raises(InputError, match=r"could not be downloaded \(.*timed out"):
        load_weights("vgg11")
    over.set()
    assert files(folder) == []


def test_the_reason_is_the_networks_own_also_while_another_error_is_handled(folder, light, publish, server):
    server.files[publish("vgg11", light)] = None
    try:
        raise KeyError("another error")
    except KeyError:
        with pytest.raises(InputError, match="404 Client Error"):
            load_weights("vgg11")


def test_no_download_that_nobody_asked_for(folder, light, publish, server):
    publish("vgg11", light)
    with pytest.raises(InputError, match="no download was asked for"):
        load_weights("vgg11", download=False)
    assert server.requests == [] and not folder.exists()


def test_an_interrupted_download_leaves_nothing(folder, light, publish, monkeypatch):
    publish("vgg11", light)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "wrong_content", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_weights("vgg11")
    assert files(folder) == []


def test_what_a_killed_process_left_is_removed(folder, light, publish):
    publish("vgg11", light)
    folder.mkdir()
    (folder / f"{light.name}.partial").write_bytes(b"half")
    load_weights("vgg11")
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
from stylelib.weights import store
entry = dataclasses.replace(store.published_file("vgg11"), url={server.url + address!r})
store.published_file = lambda name: entry
print(store.load_weights("vgg11").sha256)
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
    assert ends[0] == ends[1] == load_weights("vgg11").sha256
    assert server.requests == [address]
    assert files(folder) == ["vgg11.safetensors"]


def test_a_mirror_takes_the_place_of_torchvisions_host(folder, light, publish, server, monkeypatch):
    address = publish("vgg11", light)
    server.files = {f"/class/copy{address}": light.read_bytes()}
    monkeypatch.setenv("STYLELIB_MIRROR", f"{server.url}/class/copy/")
    load_weights("vgg11")
    assert server.requests == [f"/class/copy{address}"]

    monkeypatch.setenv("STYLELIB_MIRROR", "our-server")
    (folder / "vgg11.safetensors").unlink()
    with pytest.raises(InputError, match="Invalid URL 'our-server"):
        load_weights("vgg11")


@pytest.mark.parametrize("name", PRETRAINED)
def test_what_torchvision_publishes(name):
    entry = download.published_file(name)
    assert re.fullmatch(rf"https://.*/models/{name}-[0-9a-f]{{8}}\.pth", entry.url)
    assert 500 < entry.size < 550 and entry.source == f"torchvision {name.upper()}_Weights.IMAGENET1K_V1"
    assert 500 < download.DOWNLOADS[name] < 550 and round(entry.size) == download.DOWNLOADS[name]
