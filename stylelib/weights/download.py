"""Fetching torchvision's files."""

import contextlib
import dataclasses
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import filelock
import pooch
from tqdm.auto import tqdm

from stylelib.support.errors import InputError
from stylelib.support.files import file_sha256, looks_like_text

DOWNLOADS = {"vgg11": 507, "vgg13": 508, "vgg16": 528, "vgg19": 548}  # MB, said before one is fetched


@dataclasses.dataclass(frozen=True)
class Published:
    """What torchvision says of one of its files."""

    url: str  # ends in the file's name, vgg19-dcbb9e9d.pth, and that in the start of its SHA-256
    size: float  # MB
    source: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def file(self):
        return self.url.rsplit("/", 1)[-1]


def published_file(name):
    """What torchvision says of its weights for `name`. (Tests put their own server's file here.)"""
    from torchvision.models import get_model_weights  # here, because it takes two seconds

    entry = get_model_weights(name).IMAGENET1K_V1
    scale = entry.transforms()
    size = entry.meta["_file_size"]
    return Published(entry.url, size, f"torchvision {entry}", tuple(scale.mean), tuple(scale.std))


# Fetching ------------------------------------------------------------------------------------------------


def download_file(published, name, path):
    """Fetch torchvision's file to `path`, with a progress bar, and verify it; InputError if that fails."""
    url = address(published)
    print(f"Downloading {name}, once: {published.size:.0f} MB from {url}", flush=True)

    def online(call, *arguments, **options):  # what fails in here is the network, outside it is the disk
        try:
            return call(*arguments, **options)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # it is an open connection too
            reason = str(error).removeprefix("<urlopen error ").removesuffix(">") or type(error).__name__
            raise not_fetched(published, name, reason) from error

    # The timeout is for a connection that is silent for so long, not for the whole transfer.
    with online(urllib.request.urlopen, url, timeout=60) as reply, open(path, "wb") as file:
        total = int(reply.headers.get("Content-Length") or 0)
        with tqdm(total=total or None, desc=name, unit="B", unit_scale=True) as bar:
            while block := online(reply.read, 1 << 20):
                file.write(block)
                bar.update(len(block))
        size = file.tell()
    if size < total:
        raise not_fetched(published, name, f"the transfer stopped after {size:,} of {total:,} bytes")
    if wrong := wrong_content(path, published.file):
        raise not_fetched(published, name, wrong)


def address(published):
    """The file's URL: torchvision's, or the same path below STYLELIB_MIRROR, a class's own copy."""
    mirror = os.environ.get("STYLELIB_MIRROR")
    return mirror.rstrip("/") + urllib.parse.urlsplit(published.url).path if mirror else published.url


def not_fetched(published, name, reason):
    """The InputError for a network that could not be fetched: why, and the three ways out."""
    return InputError(
        f"The weights of {name} could not be downloaded ({reason}): connect to the internet and run this "
        f"again, or fetch {address(published)} on another machine and put it into {weights_folder()} "
        f"(or pass its path as weights=), or use load_network('compact'), which needs no download."
    )


def wrong_content(path, file_name):
    """What is wrong with a file whose name should end in its hash, "vgg19-dcbb9e9d.pth"; "" if nothing."""
    expected = Path(file_name).stem.rsplit("-", 1)[-1]
    found = file_sha256(path)
    if found.startswith(expected):
        return ""
    if looks_like_text(path):
        return "a web page or a text came instead of the file"
    return f"its SHA-256 begins with {found[: len(expected)]}, not with {expected}"


@contextlib.contextmanager
def one_process(path):
    """Hold the lock file at `path`, so that one process fetches while the others wait."""
    lock = filelock.FileLock(path)
    try:
        held = lock.acquire(timeout=0)
    except filelock.Timeout:
        print("Another process is fetching the same weights; waiting for it.", flush=True)
        held = lock.acquire()
    with held:
        yield


@contextlib.contextmanager
def temporary_file(path):
    """A name beside `path` that nobody else uses; whatever is there at the end is removed."""
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


import contextlib
import dataclasses
import urllib.error
import urllib.parse
import urllib.request


def weights_folder():
    """The folder where weights are looked for first and kept: $STYLELIB_WEIGHTS, else the user's cache."""
    return Path(os.environ.get("STYLELIB_WEIGHTS") or pooch.os_cache("stylelib")).expanduser()
