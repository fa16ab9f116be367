"""Sweeps: the same pictures as one by one, on any executor; nothing is lost and nothing is computed twice."""

import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
import torch

import stylelib
from stylelib import InputError, Recipe
from stylelib.images import to_array
from stylelib.sweeps import SweepError, computing, contact_sheet, grid, jobs, sweep, sweeping
from stylelib.sweeps.workers import Workers

SMALL = Recipe(size=32, steps=2, init="noise", style_layers=("conv1_1", "conv2_1"))
FOUR = grid(SMALL, alpha_beta=[0.1, 1], seed=range(2))
HOPELESS = dataclasses.replace(SMALL, alpha_beta=1e30, seed=9)  # no check can know it
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


class Watched(concurrent.futures.Executor):
    """Another executor, with a note of every run that begins: in `log`, a line "PROCESS SEED" each.

    held: the seeds of runs that, when they are begun for the first time, do not end.
    """

    def __init__(self, executor, log, held=()):
        self.executor, self.log, self.held = executor, log, held
        log.touch()

    def submit(self, function, /, parcel):
        return self.executor.submit(watched, self.log, self.held, function, parcel)

    @property
    def began(self):
        """[(process, seed), …]"""
        return [tuple(map(int, line.split())) for line in self.log.read_text().splitlines()]

    @property
    def seeds(self):
        return sorted(seed for _, seed in self.began)


def watched(log, held, function, parcel):
    (recipe,) = parcel.recipes
    with open(log, "a") as file:
        file.write(f"{os.getpid()} {recipe.seed}\n")
    if recipe.seed in held and log.read_text().count(f" {recipe.seed}\n") == 1:
        time.sleep(1000)
    return function(parcel)


@pytest.fixture(scope="module")
def cluster():
    """A real Dask cluster of two processes, as a client's executor."""
    import distributed

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


@pytest.fixture(scope="module")
def two_workers():
    with Workers(2) as executor:
        yield executor


@pytest.fixture(params=["two_workers", "cluster"])
def workers(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def here(tmp_path):
    """A thread of this process: starts at once."""
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        yield Watched(executor, tmp_path / "log")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sweeps" / "mine"


@pytest.fixture(scope="module", autouse=True)
def two_threads():
    """So that the default is two workers of one thread each on every machine, because threads decide the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def one_by_one():
    torch.set_num_threads(1)
    runs = [recipe.finish() for recipe in FOUR]
    torch.set_num_threads(2)
    return runs


def same(results, runs):
    """Whether the results are the runs', to the bit: computed with as many threads."""
    return len(results) == len(runs) and all(
        np.array_equal(to_array(result.image), to_array(run.image))
        and result.losses == run.losses
        and [record.losses for record in result.history] == [record.losses for record in run.history]
        and result.stop_reason == run.stop_reason
        for result, run in zip(results, runs, strict=True)
    )


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


# -------------------------------------------------------------------------------------------------------------- results


def test_a_sweep_gives_what_the_recipes_give_one_by_one(folder, one_by_one):
    """On this machine's workers, the default; one at a time, because a batch may have other last bits."""
    results = sweep(FOUR, folder, together=1)
    assert same(results, one_by_one)
    assert [result.recipe for result in results] == FOUR
    assert len(list(folder.iterdir())) == 8
    for result, run in zip(results, one_by_one, strict=True):
        assert Recipe.load(result.path.with_suffix(".json")) == result.recipe
        assert result.made == run.describe()


def test_seeds_that_change_nothing_are_warned_of(folder, here):
    recipes = grid(dataclasses.replace(SMALL, init="content"), seed=range(2), alpha_beta=[0.1, 1])
    with pytest.warns(UserWarning, match="^Only 2 of 4 runs differ, because a seed changes nothing but the noise"):
        results = sweep([*recipes, recipes[0]], folder, here)
    assert np.array_equal(to_array(results[0].image), to_array(results[2].image)), "and it is true"


def test_a_pool_of_python_s_own_does_it_too(folder, one_by_one):
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, spawn, torch.set_num_threads, (1,)) as executor:
        assert same(sweep(FOUR, folder, executor), one_by_one)


def test_results_are_reported_as_they_come_and_a_recipe_is_computed_once(folder, here):
    reported = []
    results = sweep([FOUR[1], FOUR[0], FOUR[1]], folder, here, report=lambda result: reported.append(times(folder)))
    assert [result.recipe for result in results] == [FOUR[1], FOUR[0], FOUR[1]]
    assert here.seeds == [0, 1] and [len(there) for there in reported] == [2, 4]


def test_a_single_recipe_is_a_sweep_too(folder, here):
    assert [result.recipe for result in sweep(SMALL, folder, here)] == [SMALL]


def test_printed_results_are_short(folder, here):
    (result,) = sweep(SMALL, folder, here)
    assert repr(result).startswith(f"Result({result.path.name}, {SMALL.steps} steps, loss ")
    assert len(repr(result)) < 200 and "Record" not in repr(result)


def test_the_contact_sheet_says_what_differs(folder, here):
    figure = contact_sheet(sweep(FOUR, folder, here), columns=2, title="α/β and noise")
    assert [axes.get_title() for axes in figure.axes] == [
        "α/β 0.1, seed 0", "α/β 0.1, seed 1", "α/β 1, seed 0", "α/β 1, seed 1"
    ]  # fmt: skip
    note = figure.texts[1].get_text().replace("\n", " ")
    assert "compact" in note and "from noise" in note and "seed" not in note
    with pytest.raises(InputError, match="at least one picture"):
        contact_sheet([])


# ------------------------------------------------------------------------------------------------------------- batches


@pytest.fixture
def sent(here, monkeypatch):
    """What is sent at once, as lists of seeds."""
    lists = []
    monkeypatch.setattr(sweeping, "Workers", lambda count: Sent(here.executor, lists))
    return lists


class Sent:
    def __init__(self, executor, lists):
        self.executor, self.lists = executor, lists

    def submit(self, function, parcel):
        self.lists.append([recipe.seed for recipe in parcel.recipes])
        return self.executor.submit(function, parcel)

    def stop(self):
        pass


def test_a_batch_gives_what_the_recipes_give_one_by_one(folder, one_by_one, sent, monkeypatch):
    monkeypatch.setattr(computing, "pays", lambda runs: True)
    results = sweep(FOUR, folder, together=4)
    assert sent == [[0, 1, 0, 1]]
    for result, run in zip(results, one_by_one, strict=True):
        assert np.abs(to_array(result.image).astype(int) - to_array(run.image)).max() <= 1
        assert result.losses == pytest.approx(run.losses, rel=1e-4)
        assert len(result.history) == len(run.history) and result.stop_reason == run.stop_reason
        assert result.made.endswith(" beside 3 other runs")


def test_a_batch_that_is_not_quicker_is_computed_one_by_one(folder, sent, monkeypatch):
    monkeypatch.setattr(computing, "pays", lambda runs: False)
    assert not any("beside" in result.made for result in sweep(FOUR, folder, together=4))
    assert sent == [[0, 1, 0, 1]]


def test_runs_that_are_not_alike_are_not_put_into_one_batch(folder, sent, monkeypatch):
    monkeypatch.setattr(computing, "pays", lambda runs: True)
    others = [
        dataclasses.replace(SMALL, content="still_life", seed=3),
        dataclasses.replace(SMALL, style_layers=("conv1_1", "conv5_1"), seed=4),
        dataclasses.replace(SMALL, changes=((1, 0.5),), seed=5),
        dataclasses.replace(SMALL, steps=3, seed=6),
        dataclasses.replace(SMALL, pooling="max", seed=7),
    ]
    results = sweep([*FOUR[:2], *others], folder, together=8)
    assert sent == [[0, 1, 3, 4, 5], [6], [7]]
    beside = [result.recipe.seed for result in results if result.made.endswith(" beside 1 other run")]
    assert beside == [0, 1]
    assert [r.losses for r in sweep(others, folder / "alone", together=1)] == [r.losses for r in results[2:]]


def test_a_run_that_fails_in_a_batch_fails_alone(folder, sent, monkeypatch):
    monkeypatch.setattr(computing, "pays", lambda runs: True)
    with pytest.raises(SweepError, match=r"1 of 3 runs failed .*The weights are too large") as caught:
        sweep([FOUR[0], HOPELESS, FOUR[1]], folder, together=3)
    assert sent == [[0, 9, 1]] and [result.recipe for result in caught.value.results] == FOUR[:2]


class Deadly(Sent):
    """The run with seed 3 kills its worker."""

    def submit(self, function, parcel):
        future = super().submit(function, parcel)
        if 3 in self.lists[-1]:
            future = concurrent.futures.Future()
            future.set_exception(InputError("its worker died"))
        return future


def test_a_run_that_kills_its_worker_does_not_take_others_along(folder, here, monkeypatch):
    lists = []
    monkeypatch.setattr(sweeping, "Workers", lambda count: Deadly(here.executor, lists))
    with pytest.raises(SweepError, match=r"1 of 4 runs failed \(seed 3: its worker died\)") as caught:
        sweep(grid(SMALL, seed=range(4)), folder, together=4)
    assert lists == [[0, 1, 2, 3], [0], [1], [2], [3]]
    assert [result.recipe.seed for result in caught.value.results] == [0, 1, 2]


def test_a_real_worker_that_dies_in_a_batch_loses_nothing(folder):
    """Two workers have a batch of two each; one is killed in the middle."""
    recipes = grid(dataclasses.replace(SMALL, steps=60), seed=range(4))
    before = set(psutil.Process().children())

    def kill():
        while len(started := set(psutil.Process().children()) - before) < 2:
            time.sleep(0.02)
        time.sleep(1)  # it has begun, or is about to
        started.pop().kill()

    killer = threading.Thread(target=kill)
    killer.start()
    results = sweep(recipes, folder, workers=2, together=2)
    killer.join()
    assert [result.recipe for result in results] == recipes
    assert all(len(result.history) == 61 for result in results)


def test_all_of_a_finished_batch_is_written_before_anything_is_reported(folder, sent):
    with pytest.warns(UserWarning, match="^Interrupted: 4 of 4 runs are done"):
        sweep(FOUR, folder, together=4, report=stop_at_once)
    assert len(list(folder.glob("*.json"))) == 4


def stop_at_once(result):
    raise KeyboardInterrupt


# ---------------------------------------------------------------------------------------------------- your own pictures


def test_your_own_pictures_are_sent_small_and_kept_once(folder, here, tmp_path, monkeypatch):
    own = tmp_path / "holiday of mine.png"
    stylelib.save_image(stylelib.load_image("still_life", 200), own)
    recipes = grid(dataclasses.replace(SMALL, style=own.read_bytes()), content=[str(own), "valley"], seed=range(2))
    sent = []
    monkeypatch.setattr(here, "executor", Spy(here.executor, sent))
    runs = [recipe.finish() for recipe in recipes]
    results = sweep(recipes, folder, here)
    assert same(results, runs)
    assert {type(recipe.content) for recipe in sent[:2]} == {bytes} and sent[2].content == "valley"
    assert max(len(recipe.style) for recipe in sent) < 4000 < len(own.read_bytes())
    (kept,) = folder.glob("picture-*")
    assert kept.read_bytes() == own.read_bytes()
    own.unlink()
    assert np.array_equal(
        to_array(Recipe.load(results[0].path.with_suffix(".json")).finish().image), to_array(runs[0].image)
    )
    assert contact_sheet(results).axes[0].get_title().split() == ["content", "holiday", "of", "mine.png,", "seed", "0"]


def test_several_styles_are_sent_with_your_own_pictures_among_them(folder, here, tmp_path, monkeypatch):
    own = tmp_path / "mine.png"
    stylelib.save_image(stylelib.load_image("mosaic", 200), own)
    recipes = grid(SMALL, style=[("woodcut", str(own)), "mosaic"], style_weights=[()])
    recipes.append(dataclasses.replace(recipes[0], style_weights=(0.9, 0.1)))
    sent = []
    monkeypatch.setattr(here, "executor", Spy(here.executor, sent))
    runs = [recipe.finish() for recipe in recipes]
    results = sweep(recipes, folder, here)
    assert same(results, runs) and len({result.path for result in results}) == 3
    assert sent[0].style[0] == "woodcut" and type(sent[0].style[1]) is bytes and sent[1].style == "mosaic"
    labels = [" ".join(axes.get_title().split()) for axes in contact_sheet(results).axes]
    named = [label.partition(",")[0] for label in labels]
    assert named == ["style woodcut+mine.png", "style mosaic", "style woodcut+mine.png"]
    own.unlink()
    again = Recipe.load(results[2].path.with_suffix(".json"))
    assert np.array_equal(to_array(again.finish().image), to_array(runs[2].image)) and again.style_weights == (0.9, 0.1)


class Spy:
    def __init__(self, executor, sent):
        self.executor, self.sent = executor, sent

    def submit(self, function, *arguments):
        self.sent += arguments[-1].recipes
        return self.executor.submit(function, *arguments)


def test_a_picture_is_known_by_what_is_in_it(folder, here, tmp_path):
    own, moved = tmp_path / "a.png", tmp_path / "b.png"
    stylelib.save_image(stylelib.load_image("still_life", 40), own)
    sweep(dataclasses.replace(SMALL, content=str(own)), folder, here)
    own.rename(moved)
    sweep(dataclasses.replace(SMALL, content=str(moved)), folder, here)
    assert len(here.began) == 1
    stylelib.save_image(stylelib.load_image("valley", 40), moved)
    sweep(dataclasses.replace(SMALL, content=str(moved)), folder, here)
    assert len(here.began) == 2


# ------------------------------------------------------------------------------------------------------------- going on


def test_what_is_there_is_not_computed_again(folder, here):
    first = sweep(FOUR[:2], folder, here)
    before = times(folder)
    assert sweep(FOUR[:2], folder, here) == first and times(folder) == before
    more = sweep(FOUR, folder, here)
    assert more[:2] == first and len(here.began) == 4
    assert {name: times(folder)[name] for name in before} == before


DAMAGES = {
    "half a picture": lambda png, info: png.write_bytes(png.read_bytes()[:500]),
    "one wrong bit": lambda png, info: png.write_bytes(png.read_bytes()[:-1] + b"\0"),
    "no picture": lambda png, info: png.unlink(),
    "half a file": lambda png, info: info.write_bytes(info.read_bytes()[:1500]),
    "no file": lambda png, info: info.unlink(),
    "another file": lambda png, info: info.write_text("[7]"),
    "no text": lambda png, info: info.write_bytes(b"\xff\xfe\x00"),
    "another recipe": lambda png, info: rewrite(info, steps=5),
    "no result": lambda png, info: rewrite(info, result=None),
    "other weights": lambda png, info: rewrite(info, network_fingerprint="0" * 64),
}


def rewrite(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_computed_again(damage, folder, here):
    first = sweep(FOUR[:2], folder, here)
    kept = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    DAMAGES[damage](first[0].path, first[0].path.with_suffix(".json"))
    again = sweep(FOUR[:2], folder, here)
    assert here.seeds == [0, 0, 1] and again[1] == first[1]
    assert {path.name: path.read_bytes() for path in folder.glob("*.png")} == kept
    assert Recipe.load(first[0].path.with_suffix(".json")) == FOUR[0]


def test_another_version_of_stylelib_or_weights_that_are_not_here_are_no_damage(folder, here, monkeypatch):
    (result,) = sweep(SMALL, folder, here)
    rewrite(result.path.with_suffix(".json"), stylelib="0.0.1")
    assert sweep(SMALL, folder, here) == [result]
    rewrite(result.path.with_suffix(".json"), network_fingerprint="of a cluster's own")
    monkeypatch.setattr(jobs, "is_here", lambda name: False)
    assert sweep(SMALL, folder, here) == [result] and len(here.began) == 1


# ------------------------------------------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"content": "riversid"}, "Did you mean 'riverside'"),
        ({"content": 7}, "The content image of a recipe is a name, a path or the bytes of a file"),
        ({"style": b"no picture"}, "This data is not a picture"),
        ({"content": "gone.jpg"}, "no file gone.jpg"),
        ({"network": "compcat"}, "Did you mean 'compact'"),
        ({"optimizer": "adan"}, "Did you mean 'adam'"),
        ({"init": "nosie"}, "There is no start 'nosie'"),
        ({"convention": "x"}, "no convention 'x'"),
        ({"pooling": "mean"}, "no pooling 'mean'"),
        ({"steps": -1}, "Steps is a whole number"),
        ({"seed": 0.5}, "Seed of the noise is a whole number"),
        ({"alpha_beta": -1}, "The ratio α/β must be"),
        ({"changes": (1,)}, r"A change is a pair, \(step, α/β\); got 1"),
        ({"changes": ((1, -1),)}, "The ratio α/β must be"),
        ({"size": 4}, r"Longer side \(pixels\) is a whole number, 8 or more; got 4"),
        ({"kind": "painting"}, "no kind of recipe 'painting'"),
    ],
)
def test_every_recipe_is_checked_before_the_first_one_is_computed(values, sentence, folder, here):
    with pytest.raises(InputError, match=sentence):
        sweep([SMALL, dataclasses.replace(SMALL, **values)], folder, here)
    assert here.began == [] and not folder.exists()


def test_what_is_no_sweep_is_refused(folder, here, tmp_path):
    with pytest.raises(InputError, match="nothing to compute"):
        sweep([], folder, here)
    with pytest.raises(InputError, match="takes recipes, such as `grid` returns; got str"):
        sweep(["riverside"], folder, here)
    with pytest.raises(InputError, match="workers is a whole number, 1 or more; got 0"):
        sweep(SMALL, folder, workers=0)
    with pytest.raises(InputError, match="together"):
        sweep(SMALL, folder, together=0)
    with pytest.raises(InputError, match="takes recipes, such as `grid` returns; got None"):
        sweep(None, folder, here)
    with pytest.raises(InputError, match="Give the path of a folder, in which the sweep keeps its results; got None"):
        sweep(SMALL, None, here)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file cannot be the folder of the sweep \(File exists\)|cannot be written"):
        sweep(SMALL, tmp_path / "file", here)


def test_the_others_go_on_where_one_fails(folder, here):
    with pytest.raises(SweepError) as caught:
        sweep([HOPELESS, *FOUR[:2]], folder, here)
    assert str(caught.value) == (
        "1 of 3 runs failed (α/β 1e+30, seed 9: The weights are too large to compute with; bring them near 1); "
        f"the others are in {folder}."
    )
    assert [result.recipe for result in caught.value.results] == FOUR[:2]
    assert caught.value.failures == [(HOPELESS, "The weights are too large to compute with; bring them near 1.")]
    with pytest.raises(SweepError, match=r"1 of 3 runs failed"):
        sweep([HOPELESS, *FOUR[:2]], folder, here)
    assert here.seeds == [0, 1, 9, 9]


def test_many_failures_are_one_sentence(folder, here):
    with pytest.raises(
        SweepError, match=r"^7 of 7 runs failed \(seed 0; .*; seed 4; and 2 more: The .* near 1\)\.$"
    ) as caught:
        sweep(grid(HOPELESS, seed=range(7)), folder, here)
    assert len(caught.value.failures) == 7 and caught.value.results == []


def test_a_foreign_error_is_named(folder, here, monkeypatch):
    monkeypatch.setattr(Recipe, "prepare", lambda *_, **__: [][1])
    with pytest.raises(SweepError, match=r"\(the run: IndexError: list index out of range\)"):
        sweep(SMALL, folder, here)


@posix
def test_a_killed_worker_loses_only_the_run_it_was_at(workers, folder, tmp_path, one_by_one):
    """Its first run hangs; it is killed when the other worker has brought two results."""
    recipes = grid(SMALL, seed=range(5))
    watched, reported = Watched(workers, tmp_path / "log", held=[0]), []

    def report(result):
        reported.append(result.recipe.seed)
        if len(reported) == 2:
            while 0 not in watched.seeds:  # a worker may be slow to begin
                time.sleep(0.05)
            (victim,) = [process for process, seed in watched.began if seed == 0]
            os.kill(victim, signal.SIGKILL)

    results = sweep(recipes, folder, watched, report=report)
    assert [result.recipe for result in results] == recipes and sorted(reported) == [0, 1, 2, 3, 4]
    assert watched.seeds == [0, 0, 1, 2, 3, 4]
    assert len({process for process, _ in watched.began}) >= 2


@posix
def test_an_interrupt_keeps_what_is_done_and_ends_the_rest(folder, tmp_path, monkeypatch):
    """The second run hangs."""
    log, started = tmp_path / "log", []

    def ours(count):
        started.append(Watched(Workers(1), log, held=[1]))
        return started[-1]

    monkeypatch.setattr(sweeping, "Workers", ours)
    monkeypatch.setattr(Watched, "stop", lambda self: self.executor.stop(), raising=False)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell has none
    try:
        recipes = grid(SMALL, seed=range(4))
        with pytest.warns(UserWarning, match=r"^Interrupted: 1 of 4 runs are done and kept in .*; repeat the call"):
            results = sweep(recipes, folder, together=1, report=interrupt_after(0))
    finally:
        signal.signal(signal.SIGINT, before)
    assert [result.recipe.seed for result in results] == [0]
    assert not any(psutil.pid_exists(process) for process, _ in started[0].began)
    assert len(list(folder.iterdir())) == 2
    done = times(folder)
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        again = Watched(executor, tmp_path / "again")
        assert [result.recipe for result in sweep(recipes, folder, again)] == recipes
    assert again.seeds == [1, 2, 3] and {name: times(folder)[name] for name in done} == done


def interrupt_after(last):
    """A `report` that causes an interrupt a little later than a run's result, while the sweep waits."""
    interrupt = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    return lambda result: interrupt.start() if result.recipe.seed == last else None


SCRIPT = """
import sys
from stylelib import Recipe
from stylelib.sweeps import grid, sweep

assert not {"dask", "distributed", "matplotlib.figure"} & set(sys.modules)
recipes = grid(Recipe(size=32), steps=[2, 10**9])
sweep(recipes, "folder", report=lambda result: print(result.recipe.steps, flush=True))
"""


@posix
def test_a_script_needs_no_guard_and_its_workers_do_not_outlive_it(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path, env=environment(), **pipes) as script:
        assert script.stdout.readline() == "2\n"
        assert len(list((tmp_path / "folder").glob("*.png"))) == 1
        workers = psutil.Process(script.pid).children()
        script.kill()
        assert script.stderr.read() == ""  # no bar where nobody looks; read to the end of what the workers had to say
    assert workers and not psutil.wait_procs(workers, timeout=30)[1]


def environment():
    root = os.path.dirname(os.path.dirname(stylelib.__file__))
    return os.environ | {"PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])}
