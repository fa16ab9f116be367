"""Pictures by name: the bundled ones, and the paper's, fetched once and checked."""

import hashlib
import http.server
import socket
import threading

import numpy as np
import pooch
import pytest
import torch

from stylelib.images import load_image
from stylelib.support import gallery
from stylelib.support.gallery import bundled_images, fetch_paper_image, find_image
from tests.picture_files import colours, encoded, loaded, sentence


@pytest.mark.parametrize("name", ["riverside", "night_swirls", "grace_hopper"])
def test_a_bundled_picture_is_loaded_by_its_name(name):
    picture = load_image(name, 64)
    assert max(picture.shape) == 64
    assert torch.equal(picture, load_image(bundled_images()[name], 64))


def test_bundled_pictures_come_by_kind():
    content, style = bundled_images("content"), bundled_images("style")
    assert "riverside" in content and "night_swirls" in style
    assert not set(content) & set(style)
    assert set(content) | set(style) == set(bundled_images())


def test_a_kind_of_picture_that_there_is_none_of_is_refused():
    assert "Did you mean 'content'?" in sentence(bundled_images, "contents")


@pytest.mark.parametrize(
    "source, said",
    [
        ("no/such/picture.jpg", "There is no file no/such/picture.jpg; check the path (the current folder is"),
        ("riverside.jpg", "the bundled picture is called 'riverside', without an ending"),
        ("https://example.org/picture.jpg", "is an address: save the picture, then give its path"),
        ("", "is a folder"),
        ("x" * 300, "too long"),
        ("~no_such_user_here/a.png", "home"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(source, said):
    assert said in sentence(find_image, source)


def test_a_folder_is_no_picture(tmp_path):
    assert "is a folder; name one picture in it" in sentence(load_image, tmp_path)


def test_a_misspelt_name_brings_a_suggestion():
    message = sentence(load_image, "riversid")
    assert "Did you mean 'riverside'?" in message and "night_swirls" in message


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def server():
    """A server on this machine with one file; yields (its address, the requests it got)."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(encoded(colours()))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=[0.02], daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/tubingen.jpg", requests
        httpd.shutdown()


def publish(monkeypatch, url, sha256="0" * 64):
    monkeypatch.setitem(gallery.PAPER_IMAGES, "tubingen", (url, sha256, "a test"))


def test_a_picture_of_the_paper_is_fetched_once(empty_cache, server, monkeypatch):
    publish(monkeypatch, server[0], hashlib.sha256(encoded(colours())).hexdigest())
    first, second = fetch_paper_image("tubingen"), fetch_paper_image("tubingen")
    assert first == second and len(server[1]) == 1
    np.testing.assert_array_equal(loaded(first), colours())


def test_another_file_than_the_papers_is_not_kept(empty_cache, server, monkeypatch):
    publish(monkeypatch, server[0])
    message = sentence(fetch_paper_image, "tubingen")
    assert "SHA-256" in message and server[0] in message
    assert [path for path in empty_cache.rglob("*") if path.is_file()] == []


def test_offline_the_way_out_is_named(empty_cache, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/tubingen.jpg"
        publish(monkeypatch, url)
        message = sentence(fetch_paper_image, "tubingen")
    assert "connect to the internet" in message and f"save {url} yourself" in message


def test_the_papers_pictures_are_pinned():
    for url, sha256, _ in gallery.PAPER_IMAGES.values():
        assert url.startswith("https://") and len(sha256) == 64 and int(sha256, 16)
    assert "Did you mean 'tubingen'?" in sentence(fetch_paper_image, "tubinge")
