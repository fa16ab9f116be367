"""Downloads: verified, resumed after an interruption, limited in size, with advice for each failure."""

import contextlib
import contextvars
import dataclasses
import hashlib
import pathlib
import socket
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import filelock

from stylelib.support.errors import InputError
from stylelib.support.files import looks_like_text

TIMEOUT = 60  # seconds that a connection may be silent, or take for a block; the whole transfer may take longer
BLOCK = 2**14  # bytes; what a cut loses
ENOUGH = 2**20  # bytes; an attempt that got at least these before it was cut off is repeated at the same address

CUT = "run this again to continue where it stopped"
OFFLINE = "connect to the internet and run this again"
LATER = "run this again later"
SLOW = "run this again with a better connection to continue where it stopped"
REFUSED = "ask the administrator of this network whether it blocks that server"
GONE = "update stylelib, which may know a newer address"
NO_ADDRESS = "correct the address, which must begin with https:// or http://"
LOGIN_PAGE = "log in to this network in a browser and run this again"
PROXY_LOGIN = "set HTTPS_PROXY to http://NAME:PASSWORD@HOST:PORT, because the proxy needs a name and a password"
PROXY_AWAY = "correct HTTPS_PROXY and HTTP_PROXY, or unset them if this network has no proxy"
CERTIFICATE = (
    "check this machine's clock, and if this network inspects connections, set REQUESTS_CA_BUNDLE to the file of its "
    "certificate"
)
STATUS = {401: REFUSED, 403: REFUSED, 404: GONE, 407: PROXY_LOGIN, 410: GONE, 451: REFUSED}
_report: contextvars.ContextVar[Callable[[int, int], None] | None] = contextvars.ContextVar("_report", default=None)


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Attributes
    ----------
    urls : tuple of str
        Its addresses, in the order in which they are tried; they end in its name.
    digest : str
        "md5:…" or "sha256:…", with the hexadecimal digest or its beginning.
    largest : int
        Maximum size in bytes; a larger download is refused.
    size : float
        Size in MB, for the message that announces the download; 0 means no message and no progress bar.
    """

    urls: tuple[str, ...]
    digest: str
    largest: int
    size: float = 0

    @property
    def file(self) -> str:
        """The file's name."""
        return self.urls[0].rsplit("/", 1)[-1]


@dataclasses.dataclass(frozen=True)
class Failure:
    """What went wrong at an address.

    Attributes
    ----------
    url : str
        The address.
    reason : str
        What the server or the library said.
    advice : str
        What to do about this cause.
    useless : bool
        Whether the bytes received so far are not the beginning of the file.
    """

    url: str
    reason: str
    advice: str
    useless: bool = False


class TooSlow(Exception):
    """A connection was cut because hardly anything came through it."""


@contextlib.contextmanager
def downloads_reported(report: Callable[[int, int], None]) -> Iterator[None]:
    """Context manager: report what this thread downloads, so that it can be cancelled.

    Parameters
    ----------
    report : callable
        Called several times a second with the number of bytes received and of the whole file (0 if unknown). If it
        raises an exception, the download ends, and the next one continues from there.
    """
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def fetch(remote: RemoteFile, path: pathlib.Path, title: str, otherwise: str) -> None:
    """Download a file from the first of its addresses that has it, and verify it.

    Parameters
    ----------
    remote : RemoteFile
        The file.
    path : pathlib.Path
        Where to put it. A file that exists there is the beginning from an earlier attempt and is completed.
    title : str
        What it is, for messages and the progress bar: "the weights of vgg19".
    otherwise : str
        The end of the error message: another way to get the file.

    Raises
    ------
    InputError
        If it cannot be downloaded from any address. After an interruption, its beginning stays at `path`.
    OSError
        If it cannot be written.
    """
    if path.exists() and not wrong_content(path, remote.digest):
        return
    failures = []
    for url in remote.urls:
        failure = _from_address(remote, url, path, title)
        if failure is None:
            return
        failures.append(failure)
    raise not_fetched(title, failures, otherwise)


def not_fetched(title: str, failures: list[Failure], otherwise: str) -> InputError:
    """Return the error for a file that could not be fetched: the causes, what to do about them, and another way."""
    reasons = "; ".join(f"{urllib.parse.urlsplit(one.url).netloc or one.url}: {one.reason}" for one in failures)
    advice = ", or ".join(dict.fromkeys(one.advice for one in failures))
    return InputError(f"{title[0].upper()}{title[1:]} could not be downloaded ({reasons}): {advice}, or {otherwise}.")


def wrong_content(path: pathlib.Path, digest: str) -> str:
    """Return what is wrong with a file, or "" if nothing is.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    digest : str
        "md5:…" or "sha256:…", with the hexadecimal digest or its beginning.

    Returns
    -------
    str
        A clause for an error message.
    """
    kind, _, expected = digest.partition(":")
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
    if found.startswith(expected):
        return ""
    if looks_like_text(path):
        return "a web page or a text came instead of the file"
    name = {"md5": "MD5", "sha256": "SHA-256"}[kind]
    return f"its {name} begins with {found[:8]}, not with {expected[:8]}"


@contextlib.contextmanager
def one_process(path: pathlib.Path, what: str) -> Iterator[bool]:
    """Hold a lock file, so that one process downloads while the others wait.

    Parameters
    ----------
    path : pathlib.Path
        The lock file.
    what : str
        What is downloaded, for the message that this process waits.

    Yields
    ------
    bool
        Whether this process had to wait for another one.
    """
    lock, waited = filelock.FileLock(path), False
    try:
        held = lock.acquire(timeout=0)
    except filelock.Timeout:
        waited = True
        print(f"Another process is fetching {what}; waiting for it.", flush=True)
        held = lock.acquire()
    with held:
        yield waited


def _from_address(remote: RemoteFile, url: str, path: pathlib.Path, title: str) -> Failure | None:
    """Download and verify a file from one address; retry after an interruption, and once without a useless start."""
    again = True
    while True:
        start = _size(path)
        failure = _attempt(remote, url, path, title)
        if failure is None and (wrong := wrong_content(path, remote.digest)):
            failure = Failure(url, wrong, LOGIN_PAGE if wrong.startswith("a web page") else LATER, useless=True)
        if failure is None:
            return None
        if failure.useless:
            path.unlink(missing_ok=True)
            if not (start and again):
                return failure
            again = False
        elif failure.advice != CUT or _size(path) < start + ENOUGH:
            return failure


def _attempt(remote: RemoteFile, url: str, path: pathlib.Path, title: str) -> Failure | None:
    """Request the missing part of a file from one address, once."""
    import requests  # type: ignore[import-untyped, unused-ignore]  # here, because it takes a while

    start, handled = _size(path), sys.exception()
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    if remote.size:
        done = f"continuing at {start / 1e6:.0f} MB" if start else "once"
        print(f"Downloading {title}, {done}: {remote.size:.0f} MB from {url}", flush=True)
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT, headers=headers) as reply:
            return _refused(remote, url, reply, start) or _save(remote, url, reply, path, title)
    except TooSlow:
        return Failure(url, f"less than {BLOCK // 1024} kB came in {TIMEOUT:g} seconds", SLOW)
    except requests.RequestException as error:
        return _network_failure(url, error, handled)
    except OSError as error:
        if error.errno is None:  # REQUESTS_CA_BUNDLE names a file that does not exist
            return Failure(url, str(error).rstrip("."), CERTIFICATE)
        path.unlink(missing_ok=True)  # frees space on a full disk
        raise


def _refused(remote: RemoteFile, url: str, reply: Any, start: int) -> Failure | None:
    """Return what is wrong with a server's reply, before any of it is written."""
    if not reply.ok:
        reason, advice = f"{reply.status_code} {reply.reason}", STATUS.get(reply.status_code, LATER)
        return Failure(url, reason, advice, useless=reply.status_code == 416)  # the server has no further bytes
    if "text/html" in reply.headers.get("Content-Type", ""):
        return Failure(url, "a web page came instead of the file", LOGIN_PAGE)
    if reply.status_code == 206 and not reply.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        return Failure(url, "the server sent another part of the file than requested", LATER, useless=True)
    return None


def _save(remote: RemoteFile, url: str, reply: Any, path: pathlib.Path, title: str) -> Failure | None:
    """Write what a server sends, with a progress bar, unless it is too large."""
    from tqdm.auto import tqdm

    start = _size(path) if reply.status_code == 206 else 0  # a server without support for ranges sends everything
    length = int(reply.headers.get("Content-Length") or 0)
    total, report = start + length if length else 0, _report.get()
    too_large = Failure(url, f"the download is larger than expected, {remote.largest:,} bytes", LATER, useless=True)
    if total > remote.largest:
        return too_large
    size = [start]
    bar = tqdm(total=total or None, initial=start, desc=title, unit="B", unit_scale=True, disable=not remote.size)
    with bar, open(path, "ab" if start else "wb") as file, _least_speed(reply, size):
        for block in reply.iter_content(BLOCK):
            file.write(block)
            size[0] = file.tell()
            bar.update(len(block))
            if report is not None:
                report(file.tell(), total)
            if file.tell() > remote.largest:
                return too_large
    return None


@contextlib.contextmanager
def _least_speed(reply: Any, size: list[int]) -> Iterator[None]:
    """Cut a connection through which less than a block comes in TIMEOUT seconds, as from a server that sends drops.

    Parameters
    ----------
    reply : requests.Response
        What is read.
    size : list of int
        One number, which grows with what was read.
    """
    over, slow = threading.Event(), threading.Event()

    def watch() -> None:
        before = -1
        while not over.wait(TIMEOUT):
            if size[0] == before:
                slow.set()
                with contextlib.suppress(OSError, ValueError):
                    connection = socket.fromfd(reply.raw.fileno(), socket.AF_INET, socket.SOCK_STREAM)
                    connection.shutdown(socket.SHUT_RDWR)
                    connection.close()
                return
            before = size[0]

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if slow.is_set():
            raise TooSlow from error
        raise
    finally:
        over.set()
        watcher.join()
    if slow.is_set():
        raise TooSlow


def _network_failure(url: str, error: BaseException, handled: BaseException | None) -> Failure:
    """Return the cause of an error of requests, which can be three errors deep, such as "Connection refused"."""
    from requests import exceptions as kinds

    reason = error
    while reason.__context__ not in (None, handled):
        reason = reason.__context__
    text, everything = str(reason).split(" for url: ")[0].rstrip("."), f"{error} {reason}".lower()
    if isinstance(error, kinds.ProxyError | kinds.InvalidProxyURL):
        advice = PROXY_LOGIN if "407" in everything else PROXY_AWAY
    elif isinstance(error, kinds.SSLError):
        advice = CERTIFICATE if "certificate" in everything else REFUSED
    elif isinstance(error, kinds.InvalidURL | kinds.MissingSchema | kinds.InvalidSchema):
        advice = NO_ADDRESS
    elif isinstance(error, kinds.Timeout) or "timed out" in everything:
        advice = SLOW
    elif isinstance(error, kinds.ChunkedEncodingError) or "reset by" in everything or "aborted" in everything:
        advice = CUT
    else:
        advice = OFFLINE if isinstance(error, kinds.ConnectionError) else LATER
    return Failure(url, text or type(reason).__name__, advice)


def _size(path: pathlib.Path) -> int:
    return path.stat().st_size if path.exists() else 0
