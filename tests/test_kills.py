"""Workers are killed with SIGKILL while they compute: nothing is lost, and little is computed twice."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

import stylelib
from stylelib.sweeps import grid, sweep, workers
from stylelib.sweeps.workers import Workers
from tools.kills import NOTES, Killer, Noted, cluster, noted, same, twice

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals"),
    pytest.mark.fault(11),
]
STEPS = 30
RECIPES = grid(Noted(size=32, steps=STEPS, init="noise", style_layers=("conv1_1", "conv2_1")), seed=range(4))


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    return tmp_path / "notes"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    os.environ[NOTES] = str(tmp_path_factory.mktemp("undisturbed") / "notes")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    runs = [recipe.finish() for recipe in RECIPES]
    torch.set_num_threads(before)
    del os.environ[NOTES]
    return runs


def after(*counts):
    """A killer's `wait`: until so many steps are noted, for each kill."""
    waiting = list(counts)

    def wait(killer):
        if not waiting:
            return False
        count = waiting.pop(0)
        while len(noted(killer.path)) < count and not killer.done.is_set():
            time.sleep(0.005)
        return True

    return wait


@pytest.mark.parametrize("kind", ["processes", "dask"])
def test_killed_workers_cost_the_step_under_way(kind, path, tmp_path, undisturbed, monkeypatch):
    """With a checkpoint after each step. The first run dies more often than a call may, and than a task of Dask may."""
    monkeypatch.setattr(workers, "ATTEMPTS", 2)
    killer = Killer(path, after(5, 15, 45))
    with cluster(1) if kind == "dask" else Workers(1) as executor:
        killer.start()
        results = sweep(RECIPES, tmp_path / "sweep", executor, checkpoint_every=0)
        killer.done.set()
        killer.join()
    notes = noted(path)
    assert killer.kills == 3
    assert [result.recipe for result in results] == RECIPES
    assert all(map(same, results, undisturbed)), "to the bit"
    assert all(result.history[-1].number == STEPS for result in results)
    assert len({note[1:] for note in notes}) == len(RECIPES) * STEPS
    assert twice(notes) <= killer.kills
    assert not list((tmp_path / "sweep").glob("*.run.pt"))


SCRIPT = """
import sys, torch
torch.set_num_threads(1)
from stylelib.sweeps import sweep
from tests.test_kills import RECIPES
sweep(RECIPES, sys.argv[1], workers=1, checkpoint_every=0)
"""


def test_a_sweep_that_is_killed_as_a_whole_goes_on_when_it_is_started_again(path, tmp_path, undisturbed):
    root = os.path.dirname(os.path.dirname(stylelib.__file__))
    settings = os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "sweep")]
    with subprocess.Popen(command, env=settings, cwd=root) as process:
        while len(noted(path)) < 40:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    time.sleep(0.5)  # its worker ends when it notices
    assert list((tmp_path / "sweep").glob("*.run.pt"))
    with Workers(1) as executor:
        results = sweep(RECIPES, tmp_path / "sweep", executor, checkpoint_every=0)
    assert all(map(same, results, undisturbed))
    assert twice(noted(path)) <= 1
    assert not list((tmp_path / "sweep").glob("*.run.pt"))


def test_a_checkpoint_of_another_network_or_a_damaged_one_is_not_used(path, tmp_path, undisturbed):
    """The run begins again; one of another recipe has another name."""
    folder = tmp_path / "sweep"
    folder.mkdir()
    other = stylelib.Synthesis(
        stylelib.Content(stylelib.load_network("vgg11-random", device="cpu"), stylelib.load_image("riverside", 32)),
        "noise",
        steps=STEPS,
    )
    next(other)
    with Workers(1) as executor:
        (result,) = sweep(RECIPES[0], folder, executor)
        for damage in (lambda path: other.save(path), lambda path: path.write_bytes(b"PK")):
            result.path.with_suffix(".json").unlink()
            damage(result.path.with_suffix(".run.pt"))
            (result,) = sweep(RECIPES[0], folder, executor)
            assert same(result, undisturbed[0])
