"""A run in a thread of its own, so that the kernel stays free; knows nothing of widgets."""

import threading

READY, PREPARING, RUNNING, PAUSED = "ready", "preparing", "running", "paused"
STOPPED, FINISHED, FAILED = "stopped", "finished", "failed"


class Runner:
    """Prepares one run and advances it, step by step, in a daemon thread.

    prepare: gives the run, a Synthesis; it may load networks and take its time. play: maps the run to an iterator
    over its steps. on_step: called with the run and each step. on_change: called with the runner whenever its `state`
    changes. Both are called with no step under way; what they cost delays the run.

    pause, stop and `between_steps` ask, and the thread acts on it before the next step: no step is cut in half.
    """

    def __init__(self, prepare, play=iter, on_step=None, on_change=None):
        self.run, self.state, self.error = None, READY, None
        self._prepare, self._play, self._on_step, self._on_change = prepare, play, on_step, on_change
        self._condition = threading.Condition()  # guards `_wanted` and `_tasks`
        self._wanted, self._tasks = RUNNING, []
        self._thread = threading.Thread(target=self._work, name="stylelib run", daemon=True)

    def start(self):
        """Begin, or go on after a pause. Returns the runner."""
        if self.state == READY:
            self._set(PREPARING)
            self._thread.start()
        elif self._wanted == PAUSED:
            self._want(RUNNING)
        return self

    def pause(self):
        """Hold before the next step."""
        if self.active:
            self._want(PAUSED)

    def stop(self):
        """End the run after the step under way; its picture stays."""
        if self.active:
            self._want(STOPPED)

    def between_steps(self, task):
        """Have the thread call `task(run)` when no step is under way, before the next one; also while paused."""
        with self._condition:
            self._tasks.append(task)
            self._condition.notify_all()

    def wait(self, timeout=None):
        """Wait until the thread has ended, at most `timeout` seconds; True if it has. An interrupt stops the run.

        One that is paused already is not waited for: whoever waits cannot let it go on.
        """
        if self.state == READY:
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
    def active(self):
        """Whether the run can still go on."""
        return self.state in (PREPARING, RUNNING, PAUSED) and self._wanted != STOPPED

    def _want(self, state):
        with self._condition:
            self._wanted = state
            self._condition.notify_all()

    def _set(self, state):
        if state != self.state:
            self.state = state
            if self._on_change:
                self._on_change(self)

    def _work(self):
        try:
            self.run = self._prepare()
            steps = self._play(self.run)
            while self._may_go_on():
                step = next(steps, None)
                if step is None:
                    return self._set(FINISHED)
                if self._on_step:
                    self._on_step(self.run, step)
            self.run.stop(f"stopped after step {self.run.number}")
            self._set(STOPPED)
        except Exception as error:  # shown beside the controls: nobody sees what a thread prints
            self.error = error
            self._set(FAILED)

    def _may_go_on(self):
        """Do the tasks, and sleep while paused. False once the run shall end."""
        while True:
            with self._condition:
                wanted, tasks, self._tasks = self._wanted, self._tasks, []
            if wanted == STOPPED:
                return False
            for task in tasks:
                task(self.run)
            self._set(wanted)
            if wanted == RUNNING:
                return True
            with self._condition:
                self._condition.wait_for(lambda: self._wanted != PAUSED or self._tasks)
