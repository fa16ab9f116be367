"""Labels: what tells the runs of a sweep apart, and the sentence that says which of them failed."""

import dataclasses
import pathlib

from stylelib import Recipe
from stylelib.sweeps import grid
from stylelib.sweeps.labels import labels_of, sweep_error

SMALL = Recipe(size=32)


def test_a_label_says_what_differs():
    assert labels_of(grid(SMALL, alpha_beta=[0.1, 1e30], seed=[0])) == ["α/β 0.1", "α/β 1e+30"]
    assert labels_of(grid(SMALL, style_layers=["conv1_1", ("conv1_1", "conv2_1")])) == [
        "style layers conv1_1", "style layers conv1_1+conv2_1"
    ]  # fmt: skip
    assert labels_of([SMALL]) == [""]


def test_pictures_are_called_by_their_names_or_by_what_is_in_them():
    recipes = grid(SMALL, style=["pictures/mine.png", b"1234", ("woodcut", "pictures/mine.png", b"1234")])
    assert labels_of(recipes) == ["style mine.png", "style 03ac67", "style woodcut+mine.png+03ac67"]


def test_values_and_classes_of_your_own_are_named():
    @dataclasses.dataclass(frozen=True)
    class Glow(Recipe):
        glow: float = 0.5

    assert labels_of(grid(Glow(), glow=[0.5, 1])) == ["glow 0.5", "glow 1"]
    assert labels_of([Recipe(), Glow()]) == ["recipe Recipe", "recipe Glow, glow 0.5"]


def test_many_failures_are_one_sentence():
    failures = [(recipe, "It was dark.") for recipe in grid(SMALL, seed=range(6))] + [(SMALL, "It was late")]
    error = sweep_error(failures, [], 9, pathlib.Path("folder"))
    assert str(error) == (
        "7 of 9 runs failed (seed 0; seed 1; seed 2; seed 3; seed 4; and 1 more: It was dark; seed 0: It was late)."
    )
    assert error.failures == failures and error.results == []
