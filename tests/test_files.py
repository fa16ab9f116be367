"""Files: checked before a run starts, written completely or not at all."""

import hashlib
import os
import pathlib

import pytest

from stylelib.support.errors import InputError
from stylelib.support.files import check_writable, file_sha256, looks_like_text, write_atomically
from tests.picture_files import sentence

ENDINGS = (".png", ".jpg")


def write(path, content=b"new"):
    with write_atomically(path) as file:
        file.write(content)
    return path


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "file.bin"
    for content in (b"first", b"", b"third"):
        assert write(path, content).read_bytes() == content
    assert os.listdir(tmp_path) == ["file.bin"]


def test_a_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "ordinary").write_bytes(b"")
    assert write(tmp_path / "file").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("bug")])
def test_a_failure_in_the_middle_leaves_the_old_file_and_no_rubbish(error, tmp_path):
    path = write(tmp_path / "file", b"old")
    with (
        pytest.raises(InputError if isinstance(error, OSError) else type(error)) as caught,
        write_atomically(path, ": make room there") as file,
    ):
        file.write(b"half")
        raise error
    if isinstance(error, OSError):
        assert str(caught.value) == f"{path} could not be written (No space left on device): make room there."
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_a_folder_that_vanishes_while_a_run_goes_on_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="could not be written"), write_atomically(tmp_path / "gone" / "picture.png"):
        pass


@pytest.mark.parametrize(
    "name, said",
    [
        ("picture.gif", "must end in .png or .jpg"),
        ("picture", "must end in .png"),
        ("no/such/folder/picture.png", "does not exist; make it first"),
        ("x" * 300 + ".png", "too long"),
        ("folder.png", "is a folder; name a file in it"),
        ("file.txt/picture.png", "does not exist"),
    ],
)
def test_a_file_that_cannot_be_is_refused(name, said, tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.txt").write_text("")
    assert said in sentence(check_writable, tmp_path / name, ENDINGS)
    assert sorted(os.listdir(tmp_path)) == ["file.txt", "folder.png"]


@pytest.mark.parametrize("path", [None, 3, ["a.png"]])
def test_what_is_no_path_is_refused(path):
    said = "Give the path of a file, which ends in " + " or ".join(ENDINGS)
    assert sentence(check_writable, path, ENDINGS) == f"{said}; got {path}."


@pytest.mark.parametrize("name", ["x" * 5000, "x/" * 2500 + "picture.png", "x" * 5000 + ".png"])
def test_a_long_path_is_shortened_in_the_message(name, tmp_path):
    assert len(sentence(check_writable, tmp_path / name, ENDINGS)) < 330


def test_a_file_that_can_be_is_given_back_as_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert check_writable("~/Picture.PNG", ENDINGS) == tmp_path / "Picture.PNG"
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    forbidden = pathlib.Path("/proc") if os.access(tmp_path, os.W_OK) else tmp_path  # the superuser may write anywhere
    try:
        if not forbidden.is_dir():
            pytest.skip("this user may write everywhere")
        assert "cannot be written" in sentence(check_writable, forbidden / "picture.png", (".png",))
    finally:
        tmp_path.chmod(0o700)


def test_a_files_sha256(tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(256)) * 1000)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(bytes(range(256)) * 1000).hexdigest()


@pytest.mark.parametrize(
    "content, text",
    [
        (b"<!DOCTYPE html>", True),
        ("Grüße\n".encode(), True),
        (b"", False),
        (b"\x89PNG\r\n\x1a\n", False),
        (b"PK\3\4", False),
    ],
)
def test_text_is_told_from_data_by_its_beginning(content, text, tmp_path):
    (tmp_path / "file").write_bytes(content)
    assert looks_like_text(tmp_path / "file") == text
