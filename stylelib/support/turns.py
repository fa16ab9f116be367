"""Turns: on a machine that many share, only so many processes compute at once, and the others wait in line.

The environment variable STYLELIB_TURNS switches it on: FOLDER:NUMBER, such as /srv/stylelib/turns:4. Every place, at
the front and in the line, is a lock file in that folder. A process walks forward while the place before it is free, so
nobody overtakes. The system frees the locks of a process that dies, so a place is never lost.
"""

import contextlib
import os
import pathlib
import threading
import time
from collections.abc import Iterator

import filelock

from stylelib.support.errors import InputError, shown, warn

VARIABLE = "STYLELIB_TURNS"
LENGTH = 64  # places in line; who comes later waits outside, in no order
POLL = 0.25  # seconds between two attempts to walk forward
IDLE = 3.0  # seconds without a step after which a process gives its place away


class Line:
    """The place of this process among all processes that use the same folder.

    Parameters
    ----------
    folder : pathlib.Path
        Where the lock files are.
    at_once : int
        How many processes may compute at once.
    """

    def __init__(self, folder: pathlib.Path, at_once: int) -> None:
        self.folder, self.at_once = folder, at_once
        self._place: int | None = None  # below at_once: at the front; from there on: in line; None: outside
        self._lock: filelock.BaseFileLock | None = None
        self._users, self._used, self._watched = 0, 0.0, False
        self._guard = threading.RLock()

    def advance(self) -> int:
        """Walk forward as far as possible; return how many processes are before this one, 0 if it may compute."""
        with self._guard:
            self._used = time.monotonic()
            if self._place is None and not self._move(self.at_once + LENGTH - 1):
                return self.at_once + LENGTH
            assert self._place is not None
            while self._place > self.at_once and self._move(self._place - 1):
                pass
            if self._place == self.at_once:
                any(self._move(front) for front in range(self.at_once))
            return 0 if self._place < self.at_once else self._place

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Context manager: the place is kept, however long the block takes."""
        with self._guard:
            self._users += 1
        try:
            yield
        finally:
            with self._guard:
                self._users -= 1
                self._used = time.monotonic()

    def leave(self) -> None:
        """Give the place away, unless a block still keeps it."""
        with self._guard:
            if self._users:
                return
            if self._lock is not None:
                self._lock.release()
            self._lock = self._place = None

    def _move(self, place: int) -> bool:
        """Take a place and give the present one away; return False if another process has it."""
        lock = filelock.FileLock(self.folder / f"place-{place:03}.lock", mode=0o666, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return False
        if self._lock is not None:
            self._lock.release()
        self._lock, self._place = lock, place
        if not self._watched:
            self._watched = True
            threading.Thread(target=self._watch, name="stylelib turn", daemon=True).start()
        return True

    def _watch(self) -> None:
        """Leave when nothing has been computed for a while: a run may be paused, or its cell interrupted."""
        while True:
            time.sleep(IDLE / 4)
            with self._guard:
                if time.monotonic() - self._used > IDLE:
                    self.leave()
                if self._place is None:
                    self._watched = False
                    return


_lines: dict[str, Line | None] = {}


def line() -> Line | None:
    """Return this process's line; None if nobody has to wait.

    Raises
    ------
    InputError
        If STYLELIB_TURNS is not a folder and a number.
    """
    value = os.environ.get(VARIABLE)
    if not value:
        return None
    if value not in _lines:
        folder, _, number = value.rpartition(":")
        if not folder or not number.isdecimal() or int(number) < 1:
            raise InputError(f"{VARIABLE} must be FOLDER:NUMBER, such as /srv/stylelib/turns:4; it is {shown(value)}.")
        _lines[value] = Line(pathlib.Path(folder).expanduser(), int(number))
    return _lines[value]


def before() -> int:
    """Return how many runs are before this process's; 0 if it may compute now. Call it again until it may."""
    mine = line()
    if mine is None:
        return 0
    try:
        return mine.advance()
    except OSError as error:  # a class must not stand still because of a folder
        warn(f"Nobody waits in line, because {mine.folder} cannot be used ({error.strerror or error}).")
        _lines[os.environ[VARIABLE]] = None
        return 0


def sentence(count: int) -> str:
    """Return what to tell who waits."""
    return f"Waiting: {count} {'run is' if count == 1 else 'runs are'} before this one."


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Context manager: wait in line until this process may compute, say so, and keep the turn during the block.

    Between two blocks that follow each other, the turn is kept as well. Runs of one process never wait for each other.
    """
    mine, told = line(), ""
    with mine.kept() if mine is not None else contextlib.nullcontext():
        while count := before():
            if told != (text := sentence(count)):
                print(f"\r{text:{len(told)}}", end="", flush=True)
                told = text
            time.sleep(POLL)
        if told:
            print(f"\r{'Now it is its turn.':{len(told)}}", flush=True)
        yield


def over() -> None:
    """Let another process compute before this one's next run, because a run is over."""
    mine = line()
    if mine is not None:
        mine.leave()
