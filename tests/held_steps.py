"""For tests of runs in another thread: steps that wait until they are let through, and waiting for that thread."""

import queue
import threading
import time

import pytest

from stylelib.recipes import Recipe

LONG = 30  # seconds until a test that hangs gives up


class Gate:
    """Holds every step of every recipe until it is let through."""

    def __init__(self, monkeypatch):
        self.steps, self.begun, play = threading.Semaphore(0), queue.Queue(), Recipe.play

        def gated(recipe, run):
            steps = play(recipe, run)
            if threading.current_thread() is threading.main_thread():  # a test that makes a picture itself
                yield from steps
            while True:
                self.begun.put(run.number + 1)
                assert self.steps.acquire(timeout=LONG)
                step = next(steps, None)
                if step is None:
                    return
                yield step

        monkeypatch.setattr(Recipe, "play", gated)

    def let(self, count=1):
        self.steps.release(count)

    def begins(self, number):
        """Wait until that step is under way."""
        while self.begun.get(timeout=LONG) != number:
            pass


def until(condition):
    """Wait for what another thread will do."""
    for _ in range(100 * LONG):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never came")
