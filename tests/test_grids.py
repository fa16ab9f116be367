"""Grids: every combination of some values, in the form that recipes keep."""

import dataclasses
import json

import numpy as np
import pytest

from stylelib import InputError, Recipe
from stylelib.sweeps import grid

SMALL = Recipe(size=32, steps=2, init="noise", style_layers=("conv1_1", "conv2_1"))
FOUR = grid(SMALL, alpha_beta=[0.1, 1], seed=range(2))


def test_a_grid_is_every_combination_with_the_last_name_changing_fastest():
    assert [(recipe.alpha_beta, recipe.seed) for recipe in FOUR] == [(0.1, 0), (0.1, 1), (1.0, 0), (1.0, 1)]
    assert {dataclasses.replace(recipe, alpha_beta=0.1, seed=0) for recipe in FOUR} == {
        dataclasses.replace(SMALL, alpha_beta=0.1)
    }
    assert grid(SMALL) == [SMALL]


def test_a_grid_takes_numpys_numbers_generators_and_lists_of_layers():
    recipes = grid(SMALL, seed=np.arange(2), alpha_beta=np.logspace(-1, 0, 2, dtype="float32"))
    assert recipes[1] == dataclasses.replace(SMALL, seed=0, alpha_beta=1.0)
    assert {type(recipe.seed) for recipe in recipes} == {int} and json.dumps(dataclasses.asdict(recipes[0]))
    recipes = grid(SMALL, style_layers=(layers for layers in ["conv1_1", ["conv1_1", "conv2_1"]]))
    assert [recipe.style_layers for recipe in recipes] == [("conv1_1",), ("conv1_1", "conv2_1")]


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"alphabeta": [1]}, r"no value of a recipe 'alphabeta'\. Did you mean 'alpha_beta'\? Known: kind, "),
        ({"seed": 3}, r"Give a list of values for seed, such as seed=\[3\]\.$"),
        ({"content": "riverside"}, r"Give a list of values for content, such as content=\['riverside'\]\.$"),
        ({"content": b"picture" * 99}, "Give a list of values for content"),
        ({"seed": []}, r"There are no values for seed\.$"),
        ({"alpha_beta": [1, "much"]}, "The ratio α/β must be a number, zero or more; got 'much'"),
    ],
)
def test_a_grid_refuses_in_one_sentence(values, sentence):
    with pytest.raises(InputError, match=sentence):
        grid(SMALL, **values)


@pytest.mark.parametrize("recipe", [None, "riverside", Recipe])
def test_a_grid_varies_a_recipe(recipe):
    with pytest.raises(InputError, match="A grid varies a recipe, such as grid"):
        grid(recipe, seed=[1])


def test_a_grid_takes_several_styles():
    recipes = grid(SMALL, style=[("night_swirls", "woodcut"), ["woodcut"], "mosaic"])
    assert [recipe.style for recipe in recipes] == [("night_swirls", "woodcut"), ("woodcut",), "mosaic"]
    recipes = grid(recipes[0], style_weights=[[0.7, 0.3], np.array([0.5, 0.5])])
    assert [recipe.style_weights for recipe in recipes] == [(0.7, 0.3), (0.5, 0.5)]


def test_a_grid_knows_the_values_of_your_own_recipe():
    @dataclasses.dataclass(frozen=True)
    class Glow(Recipe):
        glow: float = 0.0
        where: tuple[str, ...] = ()

    recipes = grid(Glow(steps=3), glow=[1, 0.5], where=["sky", ["sky", "water"]])
    assert {type(recipe) for recipe in recipes} == {Glow} and [recipe.steps for recipe in recipes] == [3] * 4
    assert recipes[0] == Glow(steps=3, glow=1.0, where=("sky",)) and type(recipes[0].glow) is float
    assert recipes[3].where == ("sky", "water")
    with pytest.raises(InputError, match="no value of a recipe 'glow'"):
        grid(SMALL, glow=[1])
