"""Files written whole or not at all, and checked before a long run starts."""

import contextlib
import os
import pathlib
import tempfile
import uuid

from stylelib.support.errors import InputError


def check_writable(path, endings):
    """Return `path` as a Path if a file with one of `endings` can be made there, else raise InputError.

    Asked before a run starts, so that nobody waits an hour for a picture that cannot be saved.
    """
    try:
        path = pathlib.Path(path).expanduser()
        if path.suffix.lower() not in endings:
            raise InputError(f"{path} must end in {' or '.join(endings)}.")
        if os.path.isdir(path):
            raise InputError(f"{path} is a folder; name a file in it.")
        if not os.path.isdir(path.parent):
            raise InputError(f"The folder {path.parent} does not exist; make it first, or save somewhere else.")
        with contextlib.suppress(FileNotFoundError):
            path.lstat()  # complains of a name that is too long
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path} cannot be written ({getattr(error, 'strerror', None) or error}).") from error
    return path


@contextlib.contextmanager
def write_atomically(path):
    """Open a temporary file beside `path` for bytes; rename it to `path` at the end, or remove it on any error."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with open(temporary, "xb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise InputError(f"{path} could not be written ({error.strerror or error}).") from error
        raise


import contextlib
import hashlib


def file_sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def looks_like_text(path):
    """Whether a file begins with text (HTML, an error message), which no file of weights does."""
    with open(path, "rb") as file:
        start = file.read(256)
    return bool(start) and all(byte >= 32 or byte in b"\t\n\r\f" for byte in start)
