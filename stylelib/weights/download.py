"""Downloading torchvision's files: by one process at a time, with a progress bar, and verified."""

import contextlib
import dataclasses
import os
import pathlib
import sys
import urllib.parse
from collections.abc import Iterator

import filelock

from stylelib.support.errors import InputError
from stylelib.support.files import file_sha256, looks_like_text

DOWNLOADS = {"vgg11": 507, "vgg13": 508, "vgg16": 528, "vgg19": 548}  # MB
TIMEOUT = 60  # seconds that a connection may be silent; the whole transfer may take longer


@dataclasses.dataclass(frozen=True)
class Published:
    """One of torchvision's files.

    Attributes
    ----------
    url : str
        Ends in the file's name, vgg19-dcbb9e9d.pth, which ends in the beginning of its SHA-256.
    size : float
        MB.
    source : str
        A line for captions.
    """

    url: str
    size: float
    source: str

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]


def published_file(name: str) -> Published:
    """Return what torchvision says of its weights for a network, "vgg19" for example."""
    from torchvision.models import get_model_weights  # here, because it takes two seconds

    entry = get_model_weights(name).IMAGENET1K_V1
    return Published(entry.url, entry.meta["_file_size"], f"torchvision {entry}")


@contextlib.contextmanager
def downloaded(name: str, published: Published, folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Download a file for as long as the context lasts, and verify it.

    Parameters
    ----------
    name : str
        The network's, for messages.
    published : Published
        The file.
    folder : pathlib.Path
        Where it is put; nothing stays there.

    Yields
    ------
    pathlib.Path
        The complete, verified file.

    Raises
    ------
    InputError
        If it cannot be fetched or is another file.
    OSError
        If it cannot be written.
    """
    path = folder / f"{published.file}.partial"  # one name, because one process at a time downloads
    try:
        _transfer(name, published, path)
        if wrong := wrong_content(path, published.file):
            raise not_fetched(name, published, folder, wrong)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _transfer(name: str, published: Published, path: pathlib.Path) -> None:
    """Fetch a file with a progress bar; an InputError says why the network failed, an OSError why the disk did."""
    import requests  # type: ignore[import-untyped, unused-ignore]  # here, because they take a while
    from tqdm.auto import tqdm

    url, handled = address(published), sys.exception()
    print(f"Downloading {name}, once: {published.size:.0f} MB from {url}", flush=True)
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT) as reply, open(path, "wb") as file:
            reply.raise_for_status()
            total = int(reply.headers.get("Content-Length") or 0)
            with tqdm(total=total or None, desc=name, unit="B", unit_scale=True) as bar:
                for block in reply.iter_content(2**20):
                    file.write(block)
                    bar.update(len(block))
    except requests.RequestException as error:
        reason: BaseException = error
        while reason.__context__ not in (None, handled):  # "Connection refused" is three errors deep
            reason = reason.__context__
        raise not_fetched(name, published, path.parent, str(reason).split(" for url: ")[0]) from error


def address(published: Published) -> str:
    """Return a file's address: torchvision's, or the same path below STYLELIB_MIRROR, a class's own copy."""
    mirror = os.environ.get("STYLELIB_MIRROR")
    return mirror.rstrip("/") + urllib.parse.urlsplit(published.url).path if mirror else published.url


def not_fetched(name: str, published: Published, folder: pathlib.Path, reason: str) -> InputError:
    """Return the error for a network that could not be fetched: why, and the three ways out."""
    return InputError(
        f"The weights of {name} could not be downloaded ({reason}): connect to the internet and run this "
        f"again, or fetch {address(published)} on another machine and put it into {folder} "
        f"(or pass its path as weights=), or use load_network('compact'), which needs no download."
    )


def wrong_content(path: pathlib.Path, file_name: str) -> str:
    """Check a file whose name ends in the beginning of its SHA-256.

    Parameters
    ----------
    path : pathlib.Path
        Where it is.
    file_name : str
        How it should be called, "vgg19-dcbb9e9d.pth".

    Returns
    -------
    str
        What is wrong with it; "" if nothing is.
    """
    expected = pathlib.Path(file_name).stem.rsplit("-", 1)[-1]
    sha256 = file_sha256(path)
    if sha256.startswith(expected):
        return ""
    if looks_like_text(path):
        return "a web page or a text came instead of the file"
    return f"its SHA-256 begins with {sha256[: len(expected)]}, not with {expected}"


@contextlib.contextmanager
def one_process(path: pathlib.Path) -> Iterator[None]:
    """Hold a lock file, so that one process downloads while the others wait."""
    lock = filelock.FileLock(path)
    try:
        held = lock.acquire(timeout=0)
    except filelock.Timeout:
        print("Another process is fetching the same weights; waiting for it.", flush=True)
        held = lock.acquire()
    with held:
        yield
