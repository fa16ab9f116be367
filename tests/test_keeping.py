"""A run is kept while it is computed: often enough, whole whatever ends its process, and continued to the bit."""

import dataclasses
import multiprocessing
import os
import random
import signal
import sys
import time
import types

import pytest
import torch

from stylelib import Recipe, Synthesis
from stylelib.storage import keeping
from stylelib.storage.checkpoints import read_recipe
from stylelib.storage.keeping import Keeper
from stylelib.support.errors import InputError

pytestmark = pytest.mark.fault(11)
RECIPE = Recipe(
    size=40,
    first_size=20,
    steps=60,
    init="noise",
    changes=((25, 1.0),),
    content_layer="conv2_1",
    style_layers=("conv1_1", "conv2_1"),
)
SEEDS = range(5)


def compute(recipe, path):
    torch.set_num_threads(1)
    run = recipe.prepare()
    for _ in Keeper(path, recipe, every=0).follow(run, recipe.play(run)):
        pass


@pytest.fixture(scope="module")
def processes():
    """New processes, quickly: copies of one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["stylelib", "tests.test_keeping"])
    return context


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_any_moment_it_goes_on_to_the_bit(seed, processes, tmp_path):
    """kill -9 at a random moment, also while the file is being written; then this process goes on."""
    recipe, path = dataclasses.replace(RECIPE, seed=seed), tmp_path / "run.pt"
    process = processes.Process(target=compute, args=(recipe, path))
    process.start()
    while not path.exists():
        assert process.is_alive()
        time.sleep(0.001)
    time.sleep(random.Random(seed).uniform(0, 0.5))
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run, kept = Synthesis.load(path), read_recipe(Recipe, path)
        assert kept == recipe and run.number >= 1
        for _ in kept.play(run):
            pass
        whole = recipe.finish()
    finally:
        torch.set_num_threads(before)
    assert torch.equal(run.image, whole.image)
    assert [record.losses for record in run.history] == [record.losses for record in whole.history]
    assert (run.stop_reason, run.notes, run.evaluations) == (whole.stop_reason, whole.notes, whole.evaluations)


# ------------------------------------------------------------------------------------------------------------ how often


class Clock:
    """A run on a clock of its own: its steps and its saving take given seconds."""

    def __init__(self, monkeypatch, step, saving=0.0):
        self.now, self.step, self.saving, self.saved = 0.0, step, saving, []
        monkeypatch.setattr(keeping, "time", types.SimpleNamespace(monotonic=lambda: self.now))

    def steps(self, count):
        for number in range(count):
            self.now += self.step
            yield number

    def save(self, path, recipe):
        state = self.now
        self.now += self.saving
        self.saved.append((state, self.now))
        path.write_bytes(b"kept")


def oldest(clock, end):
    """How old the file's state was at most, from the first step to the end."""
    states = [0.0, *(state for state, _ in clock.saved)]
    written = [*(done for _, done in clock.saved), end]
    return max(done - state for state, done in zip(states, written, strict=True))


@pytest.mark.parametrize("step, saving", [(0.01, 0.001), (1, 0.1), (1, 4), (7, 0.5), (9, 3), (0.5, 9)])
def test_the_file_is_at_most_thirty_seconds_old(step, saving, monkeypatch, tmp_path):
    """Whatever the steps and the saving take, as long as both together leave room; and it is not written in vain."""
    clock = Clock(monkeypatch, step, saving)
    for _ in Keeper(tmp_path / "run.pt").follow(clock, clock.steps(int(300 / step))):
        pass
    assert oldest(clock, clock.now) <= 30
    assert len(clock.saved) <= clock.now / 10, "and not much more often"


def test_a_step_that_takes_longer_is_kept_when_it_is_done(monkeypatch, tmp_path):
    clock = Clock(monkeypatch, 45)
    for _ in Keeper(tmp_path / "run.pt").follow(clock, clock.steps(3)):
        pass
    assert [state for state, _ in clock.saved] == [45, 90, 135]


def test_a_short_run_needs_no_file(monkeypatch, tmp_path):
    clock, keeper = Clock(monkeypatch, 1), Keeper(tmp_path / "run.pt")
    for _ in keeper.follow(clock, clock.steps(15)):
        pass
    keeper.settle(clock)
    assert clock.saved == [] and not (tmp_path / "run.pt").exists()


def test_the_clock_starts_with_the_run(monkeypatch, tmp_path):
    """A download, or another run, between the keeper and its run does not count."""
    clock, keeper = Clock(monkeypatch, 1), Keeper(tmp_path / "run.pt")
    clock.now = 1000
    keeper.after_step(clock)
    assert clock.saved == []
    for _ in keeper.follow(clock, clock.steps(40)):
        pass
    assert len(clock.saved) == 1
    keeper.settle(clock)
    assert len(clock.saved) == 2, "a run that has a file is written at its end, too"
    keeper.remove()
    assert not (tmp_path / "run.pt").exists()
    keeper.remove()


def test_no_path_keeps_nothing(monkeypatch):
    clock, keeper = Clock(monkeypatch, 50), Keeper(None)
    assert list(keeper.follow(clock, clock.steps(3))) == [0, 1, 2]
    keeper.settle(clock)
    keeper.remove()
    assert clock.saved == []


@pytest.mark.parametrize("error", [InputError("The disk is full."), OSError(28, "No space left"), MemoryError()])
def test_a_file_that_cannot_be_written_is_said_once_and_tried_again(error, monkeypatch, tmp_path):
    clock, tries = Clock(monkeypatch, 10), []

    def save(path, recipe):
        tries.append(clock.now)
        if len(tries) < 3:
            raise error

    clock.save = save
    with pytest.warns(UserWarning, match=r"^No checkpoint can be saved \(.*\); the run goes on without one") as warned:
        for _ in Keeper(tmp_path / "run.pt").follow(clock, clock.steps(9)):
            pass
    assert len(warned) == 1 and len(tries) >= 3
