"""The runner: a run in its own thread, told to pause, stop and take tasks; with runs whose steps the test lets through.

Nothing here waits for a time to pass: a step begins when the test opens its gate, and states arrive in a queue.
"""

import queue
import threading

import pytest
import torch

from stylelib.recipes import Recipe
from stylelib.studio.runner import FAILED, FINISHED, PAUSED, PREPARING, READY, RUNNING, STOPPED, Runner

LONG = 30  # seconds until a test that hangs gives up


class Gated:
    """A run whose steps wait for the test. `begun` says which step is under way."""

    def __init__(self, steps=10):
        self.number, self.steps, self.stop_reason = 0, steps, None
        self.gate, self.begun = threading.Semaphore(0), queue.Queue()

    def __iter__(self):
        return self

    def __next__(self):
        if self.number == self.steps:
            raise StopIteration
        self.begun.put(self.number + 1)
        assert self.gate.acquire(timeout=LONG)
        self.number += 1
        return self.number

    def stop(self, reason):
        self.stop_reason = reason


class Watched(Runner):
    """Its states, in the order in which it reported them."""

    def __init__(self, run, prepare=None, **more):
        self.states, self.steps = queue.Queue(), []
        more.setdefault("on_step", lambda run, step: self.steps.append(step))
        super().__init__(prepare or (lambda: run), on_change=lambda runner: self.states.put(runner.state), **more)

    def tell(self, *states):
        """Wait for the next states."""
        assert [self.states.get(timeout=LONG) for _ in states] == list(states)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(LONG)
        assert not thread.is_alive(), f"{thread.name} goes on"


@pytest.fixture
def run():
    return Gated()


@pytest.fixture
def runner(run):
    """One whose first step is under way."""
    runner = Watched(run).start()
    runner.tell(PREPARING, RUNNING)
    assert run.begun.get(timeout=LONG) == 1
    yield runner
    runner.stop()
    run.gate.release(run.steps)
    assert runner.wait(LONG)


def thread_of_the_run():
    (thread,) = (one for one in threading.enumerate() if one.name == "stylelib run")
    return thread


def hold(runner, run):
    """Pause while step 1 is under way, and let it finish."""
    runner.pause()
    run.gate.release()
    runner.tell(PAUSED)


def test_a_run_goes_through_its_states_to_the_end():
    run = Gated(steps=2)
    runner = Watched(run)
    assert runner.state == READY and not runner.active and runner.wait()
    run.gate.release(2)
    assert runner.start() is runner and runner.wait(LONG)
    runner.tell(PREPARING, RUNNING, FINISHED)
    assert runner.steps == [1, 2] and runner.run is run and runner.error is None and not runner.active
    assert runner.start().state == FINISHED  # it cannot be started again


def test_the_thread_is_a_daemon_that_does_not_keep_python_from_ending(runner):
    assert thread_of_the_run().daemon and thread_of_the_run() is not threading.current_thread()


def test_a_pause_holds_after_the_step_under_way_and_resume_goes_on(runner, run):
    hold(runner, run)
    run.gate.release(5)  # whatever could go on would
    seen = queue.Queue()
    runner.between_steps(lambda run: seen.put(run.number))  # and the thread has been round once more
    assert seen.get(timeout=LONG) == 1
    assert runner.steps == [1] and runner.active and run.begun.empty()
    runner.start()
    runner.tell(RUNNING)
    assert run.begun.get(timeout=LONG) == 2


def test_a_pause_during_the_preparation_holds_before_the_first_step(run):
    prepared = threading.Event()
    runner = Watched(run, lambda: prepared.wait(LONG) and run)
    runner.start().pause()
    prepared.set()
    runner.tell(PREPARING, PAUSED)
    assert run.begun.empty() and run.number == 0
    runner.stop()
    assert runner.wait(LONG)


@pytest.mark.parametrize("paused", [False, True])
def test_stop_acts_within_one_step_and_keeps_the_run(runner, run, paused):
    if paused:
        hold(runner, run)
    runner.stop()
    assert not runner.active
    run.gate.release(5)
    assert runner.wait(LONG)
    runner.tell(STOPPED)
    assert runner.run is run and run.number == 1 and run.stop_reason == "stopped after step 1"
    runner.pause()
    assert runner.start().state == STOPPED


def test_stop_during_the_preparation_computes_no_step(run):
    prepared = threading.Event()
    runner = Watched(run, lambda: prepared.wait(LONG) and run)
    runner.start().stop()
    prepared.set()
    assert runner.wait(LONG)
    runner.tell(PREPARING, STOPPED)
    assert run.begun.empty()


def test_tasks_are_done_between_two_steps(runner, run):
    seen = []
    runner.between_steps(lambda run: seen.append((run.number, threading.current_thread().name)))
    runner.between_steps(lambda run: seen.append(run.number))
    assert seen == []  # a step is under way
    run.gate.release()
    assert run.begun.get(timeout=LONG) == 2
    assert seen == [(1, "stylelib run"), 1]


def test_tasks_are_done_while_paused(runner, run):
    hold(runner, run)
    done = queue.Queue()
    for _ in range(2):
        runner.between_steps(lambda run: done.put(run.number))
        assert done.get(timeout=LONG) == 1
    assert runner.state == PAUSED and runner.states.empty()


def test_tasks_are_left_undone_once_the_run_is_to_stop(runner, run):
    seen = []
    runner.between_steps(seen.append)
    runner.stop()
    run.gate.release()
    assert runner.wait(LONG) and seen == []


@pytest.mark.parametrize("place", ["prepare", "play", "on_step", "task"])
def test_a_mistake_anywhere_ends_in_failed_and_is_kept(run, place):
    def broken(*_):
        raise ZeroDivisionError("by zero")

    arguments = {"prepare": broken, "on_step": broken, "play": lambda run: iter(broken, None)}
    runner = Watched(run, **{name: function for name, function in arguments.items() if name == place})
    if place == "task":
        runner.between_steps(broken)
    run.gate.release(run.steps)
    assert runner.start().wait(LONG)
    assert runner.state == FAILED and isinstance(runner.error, ZeroDivisionError) and not runner.active
    assert (runner.run is None) == (place == "prepare")


def test_waiting_for_a_time_says_whether_the_run_has_ended(runner, run):
    assert runner.wait(0) is False
    runner.stop()
    run.gate.release()
    assert runner.wait(LONG) is True


def test_a_paused_run_is_not_waited_for(runner, run):
    """Waiting blocks the kernel, and with it the button that would resume the run."""
    hold(runner, run)
    assert runner.wait() is False
    runner.stop()
    assert runner.wait() is True


def test_an_interrupt_while_waiting_stops_the_run_and_keeps_it(runner, run, monkeypatch):
    thread, interrupts = thread_of_the_run(), iter([KeyboardInterrupt])
    join = thread.join

    def interrupted(timeout=None):
        for interrupt in interrupts:
            run.gate.release()  # the step under way ends meanwhile
            raise interrupt
        join(timeout)

    monkeypatch.setattr(thread, "join", interrupted)
    assert runner.wait() is True
    assert runner.state == STOPPED and runner.run is run and run.number >= 1
    assert run.stop_reason == f"stopped after step {run.number}"


def test_two_runners_at_once_give_the_same_pictures_as_alone(net):
    recipes = [Recipe(size=64, steps=4), Recipe(size=64, steps=4, init="noise", seed=3, optimizer="adam")]
    alone = [recipe.finish(net).image for recipe in recipes]
    runners = [Runner(lambda recipe=recipe: recipe.prepare(net), recipe.play) for recipe in recipes]
    for runner in runners:
        runner.start()
    for runner, image in zip(runners, alone, strict=True):
        assert runner.wait(LONG) and torch.equal(runner.run.image, image)
