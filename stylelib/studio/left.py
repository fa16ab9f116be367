"""Runs that a kernel has left behind when it died: their files, and the offer to go on with one.

Each studio keeps its run in a file in the user's cache, see `stylelib.storage.keeping`. A lock on the file, which the
system takes away when the kernel dies, tells a run that is left from one that another kernel computes.
"""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import time
import uuid

import filelock

from stylelib.recipes import Recipe
from stylelib.storage.checkpoints import read_recipe, steps_done
from stylelib.storage.keeping import Keeper
from stylelib.studio.widgets import on_a_page
from stylelib.support.errors import InputError
from stylelib.support.files import cache_folder

DAYS = 30  # after which a run that nobody has gone on with is removed


@dataclasses.dataclass
class KeptRun:
    """The file of a run, which this kernel holds.

    Attributes
    ----------
    path : pathlib.Path
        The file; it may not exist yet.
    lock : filelock.BaseFileLock
        Says that a kernel holds it.
    """

    path: pathlib.Path
    lock: filelock.BaseFileLock

    def remove(self) -> None:
        """Remove the file, because the run is no longer needed."""
        self.path.unlink(missing_ok=True)
        self.lock.release()
        pathlib.Path(self.lock.lock_file).unlink(missing_ok=True)

    @property
    def offer(self) -> str:
        """One sentence that says what was left."""
        recipe, done = read_recipe(Recipe, self.path), steps_done(self.path)
        when = time.strftime("%d %B, %H:%M", time.localtime(self.path.stat().st_mtime))
        return f"A run was left at step {done} of {recipe.steps} ({when}); press Go on to continue it."


class KeptRuns:
    """The file of a studio's present run, and the run that an earlier kernel has left, if there is one.

    Parameters
    ----------
    *parts : object
        What the studio is known by when it is opened again in the same folder.

    Attributes
    ----------
    keeper : Keeper
        Keeps the present run.
    left : KeptRun or None
        What was left. Nothing is kept for the visitors of a web page, because it could not be told who comes back.
    """

    def __init__(self, *parts: object) -> None:
        self._name = hashlib.sha256(repr([os.getcwd(), *parts]).encode()).hexdigest()[:16]
        self._present: KeptRun | None = None
        self.keeper = Keeper(None)
        self.left = None if on_a_page() else find_left(self._name)

    def begin(self, recipe: Recipe) -> Keeper:
        """Return the keeper of a new run, in a file of its own."""
        self.forget()
        self._present = None if on_a_page() else new_run(self._name)
        return self._keep(recipe)

    def take_over(self) -> tuple[Recipe, pathlib.Path, Keeper] | None:
        """Return the recipe and the file of the run that was left, and a keeper that goes on with them."""
        if self.left is None:
            return None
        self.forget()
        self._present, self.left = self.left, None
        recipe = read_recipe(Recipe, self._present.path)
        return recipe, self._present.path, self._keep(recipe)

    def forget(self) -> None:
        """Remove the file of the present run, which is no longer wanted."""
        self.keeper.remove()
        if self._present is not None:
            self._present.remove()
        self._present, self.keeper = None, Keeper(None)

    def close(self) -> None:
        """Forget the present run; what was left is offered again when the studio is opened again."""
        self.forget()
        if self.left is not None:
            self.left.lock.release()

    def _keep(self, recipe: Recipe) -> Keeper:
        self.keeper = Keeper(None if self._present is None else self._present.path, recipe)
        return self.keeper


def runs_folder() -> pathlib.Path:
    """Return the folder of the runs: $STYLELIB_RUNS, else one in the user's cache."""
    return pathlib.Path(os.environ.get("STYLELIB_RUNS") or cache_folder() / "runs").expanduser()


def new_run(name: str) -> KeptRun | None:
    """Return a file for a new run of a studio; None if it cannot be kept, which is no reason not to run.

    Parameters
    ----------
    name : str
        The studio's name.
    """
    try:
        runs_folder().mkdir(parents=True, exist_ok=True)
        return _hold(runs_folder() / f"{name}-{uuid.uuid4().hex[:8]}.run.pt")
    except (OSError, RuntimeError):
        return None


def find_left(name: str) -> KeptRun | None:
    """Return the latest run of a studio that no kernel holds; earlier ones, and old ones of others, are removed.

    Parameters
    ----------
    name : str
        The studio's name.
    """
    found: KeptRun | None = None
    with contextlib.suppress(OSError, RuntimeError):
        for path in sorted(runs_folder().glob("*.lock"), key=lambda one: one.stat().st_mtime, reverse=True):
            kept = _hold(path.with_suffix(""))
            if kept is None:
                continue
            mine = path.name.startswith(f"{name}-") and found is None and _readable(kept.path)
            if mine:
                found = kept
            elif path.name.startswith(f"{name}-") or _is_old(kept.path):
                kept.remove()
            else:
                kept.lock.release()
    return found


def _hold(path: pathlib.Path) -> KeptRun | None:
    """Return the file if no other kernel holds it."""
    lock = filelock.FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return None
    return KeptRun(path, lock)


def _readable(path: pathlib.Path) -> bool:
    try:
        return read_recipe(Recipe, path) is not None
    except InputError:
        return False


def _is_old(path: pathlib.Path) -> bool:
    return not path.exists() or time.time() - path.stat().st_mtime > DAYS * 24 * 3600
