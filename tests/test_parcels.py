"""Sweeps over your own recipes, terms, optimisers and networks: they reach the workers, wherever they are defined."""

import concurrent.futures
import dataclasses
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

import stylelib
from stylelib import Network, Optimizer, Recipe, Term, register_network
from stylelib.images import to_array
from stylelib.sweeps import SweepError, grid, sweep
from stylelib.sweeps.parcels import Parcel, Registered
from stylelib.sweeps.workers import Workers
from stylelib.weights.networks import cached_network, registered

PLAIN = Recipe(size=32, steps=2, init="noise", style_layers=("conv1_1", "conv2_1"))


@pytest.fixture(autouse=True)
def nothing_stays_registered(monkeypatch):
    monkeypatch.setattr(Optimizer, "known", Optimizer.known.copy())
    before = registered.copy()
    yield
    registered.clear()
    registered.update(before)
    cached_network.cache_clear()


def number(value, recipe):
    """The check of a value of your own."""
    if not value >= 0:
        raise stylelib.InputError(f"The glow is a number, zero or more; got {value!r}.")


@pytest.fixture
def own():
    """A recipe with a term, an optimiser and a network, none of them in any module, as in a notebook."""

    class Darkness(Term):
        label = "darkness"

        def __init__(self, weight):
            self.weight = weight

        def losses(self, pictures, activations):
            return {"darkness": self.weight * (1 - pictures).square().mean()}

    class Descent(Optimizer):
        name = "descent"

        def step(self, state):
            parameters = state.parameters - 0.02 * state.evaluation.gradient.sign()
            return dataclasses.replace(state, parameters=parameters, evaluation=(yield parameters))

    class Blocks(Network):
        def __init__(self):
            super().__init__("blocks", ["conv1_1", "conv2_1"])

        def forward(self, pictures, layers):
            seen = {"conv1_1": pictures, "conv2_1": torch.nn.functional.avg_pool2d(pictures, 2).square()}
            return {layer: seen[layer] for layer in layers}

    @dataclasses.dataclass(frozen=True)
    class Glow(Recipe):
        glow: float = dataclasses.field(default=0.0, metadata={"check": number})

        def prepare(self, network=None, **run):
            made = super().prepare(network, **run)
            made.change_terms([*made.terms, Darkness(self.glow)])
            return made

    for cls in (Darkness, Descent, Blocks, Glow):
        cls.__qualname__ = cls.__name__  # as if they were at the top of a notebook
    register_network("blocks", Blocks)
    values = {"network": "blocks", "content_layer": "conv2_1", "optimizer": "descent"}
    return Glow(**{**vars(PLAIN), **values})


@pytest.fixture(params=["workers", "spawned processes", "cluster"])
def executor(request):
    if request.param == "workers":
        with Workers(1) as executor:
            yield executor
    elif request.param == "spawned processes":
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
            yield executor
    else:
        import distributed

        with (
            distributed.LocalCluster(1, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client.get_executor()


def test_your_own_things_reach_every_kind_of_worker(own, executor, tmp_path):
    recipes = grid(own, glow=[0, 5.0])
    for recipe, result in zip(recipes, sweep(recipes, tmp_path, executor), strict=True):
        alone = recipe.finish()
        assert result.losses == pytest.approx(alone.losses, rel=1e-4) and "darkness" in result.losses
        assert np.abs(to_array(result.image).astype(int) - to_array(alone.image)).max() <= 1
        assert "blocks · " in result.made and " steps of descent · " in result.made


def test_a_value_of_your_own_is_part_of_what_a_result_is_known_by(own, tmp_path):
    folder = tmp_path / "sweep"
    first = sweep(grid(own, glow=[1, 2]), folder, workers=1)
    assert first[0].path != first[1].path and not np.array_equal(to_array(first[0].image), to_array(first[1].image))
    assert sweep(grid(own, glow=[1, 2.0]), folder, never) == first
    with pytest.raises(stylelib.InputError, match=r"The glow is a number, zero or more; got -1"):
        grid(own, glow=[-1])


def test_a_simple_class_of_your_own_is_enough(tmp_path):
    """A value without a check, and layers that are not called as VGG's."""

    class Edges(Network):
        def __init__(self):
            super().__init__("edges", ["edges"])

        def forward(self, pictures, layers):
            return {layer: pictures.diff(dim=3) for layer in layers}

    @dataclasses.dataclass(frozen=True)
    class Plain(Recipe):
        glow: float = 0.5

    Edges.__qualname__ = "Edges"
    register_network("edges", Edges)
    recipe = Plain(size=32, steps=1, network="edges", content_layer="edges", style_layers=("edges",))
    results = sweep(grid(recipe, glow=[0, 1]), tmp_path, workers=1)
    assert [result.recipe.glow for result in results] == [0, 1] and "edges" in results[0].made
    assert sweep(grid(recipe, glow=[0, 1]), tmp_path, never) == results


def test_an_optimiser_made_from_one_of_stylelib_s_leaves_that_one_alone():
    class Quick(stylelib.LBFGS):
        pass

    assert Optimizer.known["lbfgs"] is stylelib.LBFGS


def test_another_class_with_the_same_values_is_another_recipe(tmp_path):
    class Inverted(Recipe):
        def prepare(self, network=None, **run):
            return super().prepare(network, **run, parameterization=None, tolerance=0.5)

    recipes = [PLAIN, Inverted(**vars(PLAIN))]
    results = sweep(recipes, tmp_path, workers=1)
    assert len(list(tmp_path.glob("*.png"))) == 2 and [result.recipe for result in results] == recipes
    assert Recipe.load(results[0].path.with_suffix(".json")) == PLAIN
    assert Inverted.load(results[1].path.with_suffix(".json")) == recipes[1]


class Never(concurrent.futures.Executor):
    def submit(self, *_):
        raise AssertionError("this was there already")


never = Never()


def test_a_recipe_that_changes_its_steps_itself_is_no_part_of_a_batch(tmp_path, monkeypatch):
    """In a batch, its own `play` would not be called."""
    from stylelib.sweeps import computing

    class Short(Recipe):
        def play(self, run):
            yield next(run)

    monkeypatch.setattr(computing, "pays", lambda runs: True)
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        results = sweep(grid(Short(**vars(PLAIN)), seed=range(2)), tmp_path, executor, together=2)
    assert [len(result.history) for result in results] == [2, 2]


def test_a_value_that_json_cannot_hold_is_refused(own, tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Odd(Recipe):
        odd: object = dataclasses.field(default=object, metadata={"check": lambda value, recipe: None})

    with pytest.raises(stylelib.InputError, match="a value of this Odd is not a number, a string or a tuple of these"):
        sweep(Odd(**vars(PLAIN)), tmp_path, never)


# ------------------------------------------------------------------------------------------------------ what is sent


def test_a_plain_recipe_takes_along_what_it_names_and_your_own_recipe_everything(own):
    register_network("unused", lambda: None)
    plain = Recipe(network="blocks", optimizer="lbfgs")
    assert set(Registered([PLAIN]).things) == set()
    assert set(Registered([PLAIN, plain]).things) == {("network", "blocks")}
    everything = {("network", "blocks"), ("network", "unused"), ("optimizer", "descent")}
    assert set(Registered([own]).things) >= everything  # other tests in this process may have defined more


def test_a_parcel_is_packed_only_on_its_way_to_another_process(own):
    parcel = Parcel([own], Registered([own]), [""])
    assert parcel.recipes == [own] and parcel.recipes[0] is own
    assert pickle.loads(pickle.dumps(parcel)).recipes == [own]
    assert registered["blocks"]() is not None and type(registered["blocks"]) is type, "this process keeps its own"


def test_what_cannot_be_sent_is_said(own, tmp_path):
    lock = threading.Lock()
    register_network("locked", lambda: lock)
    with pytest.raises(
        SweepError, match=r"Your network locked cannot be sent to a worker \(TypeError: .*\); define it"
    ):
        sweep(own, tmp_path, workers=1)


def test_a_network_that_is_registered_anew_replaces_the_earlier_one_in_a_worker(tmp_path):
    class Constant(Network):
        def __init__(self, factor):
            super().__init__("constant", ["conv1_1"])
            self.register_buffer("factor", torch.tensor(factor))

        def forward(self, pictures, layers):
            return {layer: self.factor * pictures for layer in layers}

    recipe = dataclasses.replace(
        PLAIN, kind="content", network="constant", content_layer="conv1_1", convention="printed", steps=0
    )
    losses = []
    with Workers(1) as executor:
        for factor in (1.0, 3.0):
            register_network("constant", lambda factor=factor: Constant(factor))
            losses += [sweep(recipe, tmp_path, executor)[0].history[0].loss]  # the first result is of another network
    assert losses[1] == pytest.approx(9 * losses[0], rel=1e-4)


# ------------------------------------------------------------------------------------------------------ from a script

SCRIPT = """
import dataclasses

import stylelib
from stylelib.sweeps import grid, sweep


class Mean(stylelib.Statistic):
    def __call__(self, activations, mask=None):
        return activations.mean(dim=(2, 3))

    def arguments(self):
        return {}


class Warmth(stylelib.Term):
    def losses(self, pictures, activations):
        return {"warmth": (pictures[:, 2] - pictures[:, 0]).mean().exp()}


class Slow(stylelib.Optimizer):
    name = "slow"

    def step(self, state):
        parameters = state.parameters - 0.01 * state.evaluation.gradient.sign()
        return dataclasses.replace(state, parameters=parameters, evaluation=(yield parameters))


class Tiny(stylelib.Network):
    def __init__(self):
        super().__init__("tiny", ["conv1_1"])

    def forward(self, pictures, layers):
        return {layer: pictures.square() for layer in layers}


class Warm(stylelib.Recipe):
    def prepare(self, network=None, **run):
        content, style = super().prepare(network, **run).terms
        style = stylelib.Style(style.net, style.image, self.style_layers, statistic=Mean())
        return stylelib.Synthesis([content, style, Warmth()], "content", self.steps, self.optimizer)


stylelib.register_network("tiny", Tiny)
recipe = Warm(size=32, steps=3, network="tiny", content_layer="conv1_1", style_layers=("conv1_1",), optimizer="slow")
recipes = grid(recipe, content=["riverside", "valley"])
for result in sweep(recipes, "folder", workers=1):
    print(result.made.split(" · ")[0], *result.losses, result.history[-1].number, sep=", ")
print(len(sweep(recipes, "folder", workers=1)))
"""


def test_a_script_may_define_them_all_itself(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    root = os.path.dirname(os.path.dirname(stylelib.__file__))
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.stderr == "" and done.returncode == 0
    assert done.stdout.splitlines() == 2 * ["tiny, content conv1_1, style conv1_1, warmth, 3"] + ["2"]
