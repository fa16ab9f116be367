"""A run in its own thread, so that the kernel stays free. This module does not depend on widgets."""

import threading
from collections.abc import Callable, Iterator

from stylelib.evaluation.progress import Step
from stylelib.support import turns
from stylelib.synthesis import Synthesis

READY, PREPARING, RUNNING, PAUSED = "ready", "preparing", "running", "paused"
STOPPED, FINISHED, FAILED = "stopped", "finished", "failed"

Task = Callable[[Synthesis], object]


class Stopped(Exception):
    """Raised in the preparation, to end it soon after a stop."""


class Runner:
    """Prepare one run and advance it, step by step, in a daemon thread.

    `pause`, `stop` and `between_steps` are requests. The thread handles them before the next step, so that no step is
    interrupted. A stop during the preparation acts at once: the thread ends by itself, later, and what it prepares is
    not used.

    Parameters
    ----------
    prepare : callable
        Returns the run. It may take long, for example because it loads a network.
    play : callable
        Takes the run and returns an iterator over its steps.
    on_step : callable, optional
        Called with the run and the step after each step; the time that it takes delays the run.
    on_change : callable, optional
        Called with the runner whenever its state changes.

    Attributes
    ----------
    run : Synthesis or None
        None until it is prepared.
    state : str
        One of the constants of this module.
    error : Exception or None
        Why the run failed.
    before : int
        How many runs of other processes it waits for, see `stylelib.support.turns`.
    """

    def __init__(
        self,
        prepare: Callable[[], Synthesis],
        play: Callable[[Synthesis], Iterator[Step]] = iter,
        on_step: Callable[[Synthesis, Step], object] | None = None,
        on_change: Callable[["Runner"], object] | None = None,
    ) -> None:
        self.run: Synthesis | None = None
        self.state = READY
        self.error: Exception | None = None
        self.before = 0
        self._prepare, self._play, self._on_step, self._on_change = prepare, play, on_step, on_change
        self._condition = threading.Condition()  # guards `_wanted` and `_tasks`
        self._wanted = RUNNING
        self._tasks: dict[object, Task] = {}
        self._thread = threading.Thread(target=self._work, name="stylelib run", daemon=True)

    def start(self) -> "Runner":
        """Start the run, or continue it after a pause. Return the runner."""
        if self.state == READY:
            self._set_state(PREPARING)
            self._thread.start()
        elif self._wanted == PAUSED:
            self._request(RUNNING)
        return self

    def pause(self) -> None:
        """Pause before the next step."""
        if self.active:
            self._request(PAUSED)

    def stop(self) -> None:
        """End the run after the current step; its picture stays."""
        if self.active:
            self._request(STOPPED)
            if self.run is None:
                self._set_state(STOPPED)

    def between_steps(self, task: Task, name: str | None = None) -> None:
        """Let the thread call `task(run)` before the next step, also while the run is paused.

        Parameters
        ----------
        task : callable
            What to do.
        name : str, optional
            An earlier task of this name that is still waiting is dropped.
        """
        with self._condition:
            self._tasks.pop(name, None)
            self._tasks[object() if name is None else name] = task
            self._condition.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the thread has ended. An interrupt stops the run.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.

        Returns
        -------
        bool
            True if the thread has ended. False immediately if the run is paused, because it cannot be resumed while the
            kernel waits.
        """
        if self.state == READY or (self.stopping and self.run is None):
            return True
        if self.active and self._wanted == PAUSED:
            return False
        try:
            self._thread.join(timeout)
        except KeyboardInterrupt:
            self.stop()
            self._thread.join()
        return not self._thread.is_alive()

    @property
    def active(self) -> bool:
        """Whether the run can still continue."""
        return self.state in (PREPARING, RUNNING, PAUSED) and self._wanted != STOPPED

    @property
    def stopping(self) -> bool:
        """Whether the run is to end, or has been stopped."""
        return self._wanted == STOPPED

    def _request(self, state: str) -> None:
        with self._condition:
            self._wanted = state
            self._condition.notify_all()

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            if self._on_change:
                self._on_change(self)

    def _work(self) -> None:
        try:
            run = self._prepare()
            with self._condition:
                if self.stopping:
                    return
                self.run = run
            steps = self._play(run)
            while self._may_go_on(run):
                if self._must_wait():
                    continue
                step = next(steps, None)
                if step is None:
                    return self._set_state(FINISHED)
                if self._on_step:
                    self._on_step(run, step)
            run.stop(f"stopped after step {run.number}")
            self._set_state(STOPPED)
        except Exception as error:  # shown beside the controls, because a thread's traceback is not
            if self.run is None and self.stopping:
                return
            self.error = error
            self._set_state(FAILED)

    def _must_wait(self) -> bool:
        """Walk forward in line; report a change of the number of runs before this one, and sleep if there are any."""
        before, self.before = self.before, turns.before()
        if before != self.before and self._on_change:
            self._on_change(self)
        if self.before:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted != RUNNING or self._tasks, turns.POLL)
        return self.before > 0

    def _may_go_on(self, run: Synthesis) -> bool:
        """Run the tasks, and sleep while paused. Return False once the run should end."""
        while True:
            with self._condition:
                wanted, tasks, self._tasks = self._wanted, self._tasks, {}
            if wanted == STOPPED:
                return False
            for task in tasks.values():
                task(run)
            self._set_state(wanted)
            if wanted == RUNNING:
                return True
            with self._condition:
                self._condition.wait_for(lambda: self._wanted != PAUSED or self._tasks)
