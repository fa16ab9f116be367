"""A run in a thread of its own, so that the kernel stays free; knows nothing of widgets."""

import threading

READY, PREPARING, RUNNING, PAUSED = "ready", "preparing", "running", "paused"
STOPPED, FINISHED, FAILED = "stopped", "finished", "failed"


class Runner:
    """Prepares one run and advances it, step by step, in a daemon thread.

    prepare: gives the run, a Synthesis; it may load networks and take its time. play: maps the run to an iterator
    over its steps. on_step: called after each step in the runner's thread; what it costs delays the run. on_change:
    called with the runner whenever its `state` changes.

    pause, stop and `between_steps` act before the next step begins: no step is cut in half.
    """

    def __init__(self, prepare, play=iter, on_step=None, on_change=None):
        self.run, self.state, self.error = None, READY, None
        self._prepare, self._play, self._on_step, self._on_change = prepare, play, on_step, on_change
        self._condition = threading.Condition()  # guards `state` and `_tasks`
        self._tasks = []
        self._thread = threading.Thread(target=self._work, name="stylelib run", daemon=True)

    def start(self):
        """Begin, or go on after a pause. Returns the runner."""
        with self._condition:
            if self.state == READY:
                self._set(PREPARING)
                self._thread.start()
            elif self.state == PAUSED:
                self._set(RUNNING)
        return self

    def pause(self):
        with self._condition:
            if self.state == RUNNING:
                self._set(PAUSED)

    def stop(self):
        """End the run after the step under way; its picture stays."""
        with self._condition:
            if self.active:
                self._set(STOPPED)

    def between_steps(self, task):
        """Have the thread call `task(run)` when no step is under way, before the next one; also while paused."""
        with self._condition:
            self._tasks.append(task)
            self._condition.notify_all()

    def wait(self, timeout=None):
        """Wait until the thread has ended, at most `timeout` seconds; True if it has. An interrupt stops the run."""
        if self.state == READY:
            return True
        try:
            self._thread.join(timeout)
        except KeyboardInterrupt:
            self.stop()
            self._thread.join()
        return not self._thread.is_alive()

    @property
    def active(self):
        """Whether the run can still go on."""
        return self.state in (PREPARING, RUNNING, PAUSED)

    def _set(self, state):
        self.state = state
        self._condition.notify_all()
        if self._on_change:
            self._on_change(self)

    def _work(self):
        try:
            self.run = self._prepare()
            self._turn(PREPARING, RUNNING)
            steps = self._play(self.run)
            while self._may_go_on():
                step = next(steps, None)
                if step is None:
                    return self._turn(RUNNING, FINISHED)
                if self._on_step:
                    self._on_step(step)
            self.run.stop_reason = f"stopped after step {self.run.number}"
        except Exception as error:  # shown beside the controls: nobody sees what a thread prints
            self.error = error
            with self._condition:
                self._set(FAILED)

    def _turn(self, old, new):
        with self._condition:
            if self.state == old or (new == FINISHED and self.state == PAUSED):
                self._set(new)

    def _may_go_on(self):
        """Do the tasks, and sleep while paused. False once the run shall end."""
        while True:
            with self._condition:
                tasks, self._tasks = self._tasks, []
                if not tasks:
                    if self.state != PAUSED:
                        return self.state == RUNNING
                    self._condition.wait()
                    continue
            for task in tasks:
                task(self.run)
