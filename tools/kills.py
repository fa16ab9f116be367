"""Kill the workers of a sweep while it computes, and count what was lost and what was computed twice.

    python -m tools.kills                                 # 100 runs on a Dask cluster, a kill -9 every 20 s
    python -m tools.kills --runs 20 --seconds 10 --workers processes

With a checkpoint after each step, a kill costs the step that is under way. Every step is noted when it is computed, so
that the notes say what was computed twice. Three results are compared with runs that nothing has disturbed.
"""

import argparse
import collections
import contextlib
import os
import pathlib
import random
import signal
import tempfile
import threading
import time

import numpy as np
import torch

from stylelib import Recipe
from stylelib.images import to_array
from stylelib.sweeps import grid, sweep
from stylelib.sweeps.workers import Workers

NOTES = "STYLELIB_NOTES"  # names the file of the notes, in the workers' environment


class Noted(Recipe):
    """A recipe whose steps are noted: a line "PROCESS SEED STEP" each."""

    def play(self, run):
        for step in super().play(run):
            with open(os.environ[NOTES], "a") as file:
                file.write(f"{os.getpid()} {self.seed} {step.number}\n")
            yield step


def noted(path):
    """Return all notes: [(process, seed, step), …]."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [tuple(map(int, line.split())) for line in lines if line.count(" ") == 2]


def twice(notes):
    """Return how many steps were computed more than once."""
    return sum(count - 1 for count in collections.Counter(note[1:] for note in notes).values())


class Killer(threading.Thread):
    """Kill a worker that is computing, again and again, until `done` is set.

    wait: called before each kill; returns False when there should be no more.
    """

    def __init__(self, path, wait):
        super().__init__(daemon=True)
        self.path, self.wait = path, wait
        self.kills, self.done = 0, threading.Event()

    def run(self):
        while self.wait(self) and not self.done.is_set():
            for process, *_ in reversed(noted(self.path)):  # the one that computed last, if it is alive
                with contextlib.suppress(OSError):
                    if process != os.getpid():
                        os.kill(process, signal.SIGKILL)
                        self.kills += 1
                        break


@contextlib.contextmanager
def cluster(count):
    """A Dask cluster of processes of this machine, as an executor; it gives a task up when its worker has died once."""
    import dask
    import distributed

    with (
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 0,
                "distributed.deploy.lost-worker-timeout": "1 hour",  # a busy machine needs longer than Dask's 15 s
            }
        ),
        distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


def same(result, run):
    return np.array_equal(to_array(result.image), to_array(run.image)) and result.losses == run.losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--seconds", type=float, default=20, help="between two kills")
    parser.add_argument("--workers", choices=("dask", "processes"), default="dask")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipes = grid(Noted(size=options.size, steps=options.steps, init="noise"), seed=range(options.runs))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "notes")
        os.environ[NOTES] = str(path)
        killer = Killer(path, lambda self: not self.done.wait(options.seconds))
        begun = time.monotonic()
        with cluster(2) if options.workers == "dask" else Workers(2) as executor:
            killer.start()
            results = sweep(recipes, pathlib.Path(folder, "sweep"), executor, checkpoint_every=0)
            killer.done.set()
        notes = noted(path)
        left = len(list(pathlib.Path(folder, "sweep").glob("*.run.pt")))
        checked = random.Random(0).sample(results, min(3, len(results)))
        wrong = sum(not same(result, result.recipe.finish()) for result in checked)
    print(
        f"{len(results)} of {options.runs} runs done in {time.monotonic() - begun:.0f} s with {killer.kills} kills of "
        f"workers ({options.workers}): {options.runs - len(results)} lost, {len(set(n[1:] for n in notes))} steps, of "
        f"which {twice(notes)} were computed twice, at most one for each kill: {twice(notes) <= killer.kills}; "
        f"{len(checked) - wrong} of {len(checked)} compared results are the same to the bit as without kills; "
        f"{left} checkpoints left behind."
    )


if __name__ == "__main__":
    main()
