"""Files: checked before a long run starts, written completely or not at all."""

import contextlib
import hashlib
import os
import pathlib
import stat
import tempfile
import uuid
from collections.abc import Collection, Iterator
from typing import BinaryIO

from stylelib.support.errors import InputError, shorten, shown


def check_writable(path: str | os.PathLike[str], endings: Collection[str]) -> pathlib.Path:
    """Check, before anything long is computed, that a file can be written.

    Parameters
    ----------
    path : path
        The file, which need not exist.
    endings : Collection of str
        The endings that it may have, such as ".png".

    Returns
    -------
    pathlib.Path
        The path, with ~ replaced.

    Raises
    ------
    InputError
        If this is not a path, the ending is not allowed, the folder is missing, or this user may not write there.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"Give the path of a file, which ends in {' or '.join(endings)}; got {shown(path)}.")
    try:
        path = pathlib.Path(path).expanduser()
        if path.suffix.lower() not in endings:
            raise InputError(f"{shown(path)} must end in {' or '.join(endings)}.")
        if os.path.isdir(path):
            raise InputError(f"{shown(path)} is a folder; name a file in it.")
        if not os.path.isdir(path.parent):
            raise InputError(f"The folder {shown(path.parent)} does not exist; make it first, or save somewhere else.")
        with contextlib.suppress(FileNotFoundError):
            path.lstat()  # fails if the name is too long
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{shorten(str(path))} cannot be written ({reason}).") from error
    return path


def existing_file(path: str | os.PathLike[str], what: str, largest: int | None = None) -> pathlib.Path:
    """Check that a file can be read, before it is opened: opening a pipe or a device can wait without end.

    Parameters
    ----------
    path : path
        The file.
    what : str
        What it should hold, for error messages: "recipe".
    largest : int, optional
        The number of bytes that it may have.

    Returns
    -------
    pathlib.Path
        The path, with ~ replaced.

    Raises
    ------
    InputError
        If this is not a path, or there is no such file, no ordinary one or a larger one.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"Give the path of a {what}; got {shown(path)}.")
    try:
        path = pathlib.Path(path).expanduser()
        kind = path.stat()
    except FileNotFoundError:
        raise InputError(f"There is no {what} {shorten(str(path))}.") from None
    except (OSError, RuntimeError, ValueError) as error:  # ~nobody, a name that is too long, a character that is none
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{shorten(str(path))} cannot be opened ({reason}).") from error
    if not stat.S_ISREG(kind.st_mode):
        is_what = "a folder" if stat.S_ISDIR(kind.st_mode) else "not an ordinary file"
        raise InputError(f"{shown(path)} is {is_what}; name a {what}.")
    if largest is not None and kind.st_size > largest:
        raise InputError(f"{shown(path)} has more than {largest // 10**6} MB, so it is not a {what}.")
    return path


def cache_folder() -> pathlib.Path:
    """Return the user's folder for what can be made or downloaded again; one that cannot exist if there is no user."""
    import pooch  # here, because it takes a while

    try:
        return pathlib.Path(pooch.os_cache("stylelib"))
    except RuntimeError:  # a user without a home, as in some containers
        return pathlib.Path(os.devnull) / "stylelib"


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike[str], advice: str = "") -> Iterator[BinaryIO]:
    """Write a file completely or not at all.

    The bytes go into a temporary file beside it, which is renamed at the end and removed after any error. If the path
    is a link, the file that it leads to is written; an older file's permissions are kept.

    Parameters
    ----------
    path : path
        The file; an older one is replaced.
    advice : str
        What the message adds if the file cannot be written, such as ": choose another folder".

    Yields
    ------
    BinaryIO
        The temporary file, open for writing.

    Raises
    ------
    InputError
        If the disk is full or the folder cannot be written.
    """
    path = pathlib.Path(path)
    target = pathlib.Path(os.path.realpath(path))
    temporary = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with open(temporary, "xb") as file:
            with contextlib.suppress(OSError):  # there is no older one, or its permissions cannot be given
                os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            yield file
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise InputError(f"{path} could not be written ({error.strerror or error}){advice}.") from error
        raise


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def looks_like_text(path: str | os.PathLike[str]) -> bool:
    """Return whether a file begins with text, such as HTML or an error message; no file of weights does."""
    with open(path, "rb") as file:
        start = file.read(256)
    return bool(start) and all(byte >= 32 or byte in b"\t\n\r\f" for byte in start)
