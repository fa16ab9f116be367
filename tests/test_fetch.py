"""python -m stylelib fetch: networks and the paper's pictures, into the cache or onto a stick."""

import pytest

from stylelib.support import gallery
from stylelib.weights.store import load_weights, weights_folder

pytest_plugins = ["tests.checkpoint_server"]


def test_a_network_is_fetched_the_evening_before(call, folder, keras, publish, server):
    address = publish("vgg19", keras)
    code, out, _ = call("fetch", "vgg19")
    said = f"{folder}/vgg19.safetensors: vgg19, original weights, Simonyan and Zisserman 2014, CC BY 4.0 (80 MB)"
    assert code == 0 and out.splitlines()[-1] == said
    assert call("fetch", "vgg19")[1] == f"{said}\n" and server.requests == [address]
    assert load_weights("vgg19", download=False).source.startswith("original weights")


def test_it_is_put_onto_a_stick_which_the_others_use(call, folder, keras, publish, server, tmp_path, monkeypatch):
    publish("vgg19", keras)
    stick = tmp_path / "stick"
    stick.mkdir()
    code, out, _ = call("fetch", "vgg19", "--to", stick)
    assert code == 0 and f"{stick}/vgg19.safetensors: vgg19, original weights" in out
    assert "set the environment variable STYLELIB_WEIGHTS to this folder" in out and str(weights_folder()) in out
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(stick))
    assert load_weights("vgg19", download=False).source.startswith("original weights")


def test_torchvisions_are_fetched_by_their_name(call, folder, light, publish):
    publish("vgg11", light)
    for name in ("vgg11", "vgg11-torchvision"):
        code, out, _ = call("fetch", name)
        assert code == 0 and f"{folder}/vgg11.safetensors: vgg11, torchvision IMAGENET1K_V1 (37 MB)" in out


@pytest.mark.parametrize("name", ["compact", "vgg19-random"])
def test_what_needs_no_download_is_said(call, name):
    assert call("fetch", name) == (0, f"{name}: needs no download\n", "")


def test_a_picture_is_fetched_and_put_onto_a_stick(call, tmp_path, monkeypatch):
    picture = tmp_path / "tubingen.jpg"
    picture.write_bytes(b"a picture")
    monkeypatch.setattr("stylelib.shell.commands.fetch_paper_image", lambda name: picture)
    assert call("fetch", "tubingen")[1] == f"{picture}: {gallery.PAPER_IMAGES['tubingen'][2]}\n"
    (tmp_path / "stick").mkdir()
    assert str(tmp_path / "stick" / "tubingen.jpg") in call("fetch", "tubingen", "--to", tmp_path / "stick")[1]
    assert (tmp_path / "stick" / "tubingen.jpg").read_bytes() == b"a picture"


def test_what_cannot_be_fetched_is_one_sentence(call, folder, keras, publish, server, tmp_path):
    server.files[publish("vgg19", keras)] = None
    code, _, error = call("fetch", "vgg19")
    assert code == 2 and error.splitlines()[-1].startswith("stylelib: The weights of vgg19 could not be downloaded (")
    code, _, error = call("fetch", "vgg91")
    assert code == 2 and "Did you mean 'vgg19'?" in error and "tubingen" in error
    code, _, error = call("fetch", "vgg19", "--to", tmp_path / "missing")
    assert code == 2 and f"There is no folder {tmp_path / 'missing'}; make it first" in error
