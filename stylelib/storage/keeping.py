"""Keeping a run while it is computed, so that whatever ends the program costs little of it.

The shell, sweeps and the studio use the same Keeper:

    keeper = Keeper("picture.png.run.pt", recipe)
    for step in keeper.follow(run, recipe.play(run)):
        ...

The file is a saved run with its recipe. Going on from it gives the same picture, to the bit, as a run that nothing has
ended; in another process too.
"""

import os
import pathlib
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from stylelib.evaluation.progress import Step
from stylelib.support.errors import InputError, warn

EVERY = 30.0  # seconds; the file is never older while its run is computed, unless a single step takes longer


class Keeper:
    """Write a run to its file after a step, so often that the file is at most `every` seconds old.

    A file that cannot be written does not end the run: a warning says so once, and the next attempt follows later.

    Parameters
    ----------
    path : path or None
        Ends in .pt; None keeps nothing.
    recipe : Recipe, optional
        The run's recipe, with changes of α/β that may still be ahead. It can be replaced while the run goes on.
    every : float
        Seconds; 0 writes the file after every step.
    """

    def __init__(self, path: str | os.PathLike[str] | None, recipe: Any = None, every: float | None = None) -> None:
        self.path = None if path is None else pathlib.Path(path).expanduser()
        self.recipe, self.every = recipe, EVERY if every is None else every
        self._last: float | None = None  # when the last step, or writing, was done
        self._kept = 0.0  # when the state in the file was computed
        self._cost = self.every / 6  # seconds that its writing took; before the first, a cautious guess
        self._writing, self._warned = threading.Lock(), False

    def follow(self, run: Any, steps: Iterable[Step] | None = None) -> Iterator[Step]:
        """Yield the steps of a run, and keep the run.

        Parameters
        ----------
        run : Synthesis
            The run.
        steps : Iterable of Step, optional
            Its steps; the run itself by default.
        """
        self._begin()
        for step in run if steps is None else steps:
            self.after_step(run)
            yield step

    def after_step(self, run: Any) -> None:
        """Write the file, if it would be too old after one more step and one more writing."""
        now = time.monotonic()
        step, self._last = now - self._begin(), now
        if now - self._kept + 2 * (step + self._cost) >= self.every:  # twice, because the next may take longer
            self.write(run)

    def settle(self, run: Any) -> None:
        """Write the run as it pauses or ends, if it has a file; a shorter one needs none."""
        if self.path is not None and self.path.exists():
            self.write(run)

    def write(self, run: Any) -> None:
        """Write the run now."""
        with self._writing:
            if self.path is None:
                return
            begun = time.monotonic()
            try:
                run.save(self.path, self.recipe)
            except (InputError, OSError, MemoryError) as error:
                if not self._warned:
                    self._warned = True
                    warn(f"No checkpoint can be saved ({str(error).rstrip('.')}); the run goes on without one.")
            self._kept, self._last = begun, time.monotonic()
            self._cost = self._last - begun

    def remove(self) -> None:
        """Remove the file for good, because it is no longer needed; also if another thread still computes the run."""
        with self._writing:
            if self.path is not None:
                self.path.unlink(missing_ok=True)
            self.path = None

    def _begin(self) -> float:
        """Return when the last step was done; before the first, start the clock."""
        if self._last is None:
            self._last = self._kept = time.monotonic()
        return self._last
