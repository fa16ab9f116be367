"""Jobs: their names, and which are sent together."""

import dataclasses
import json
import types

import pytest
import torch

from stylelib import Recipe, load_image, save_image
from stylelib.sweeps import grid, jobs

SMALL = Recipe(size=32, steps=2)


@pytest.mark.parametrize(
    "size, device, lists",
    [
        (64, "cpu", [[0, 1, 2], [3, 4, 5], [6]]),
        (65, "cpu", [[i] for i in range(7)]),
        (300, "cuda", [[0, 1, 2], [3, 4, 5], [6]]),
    ],
)
def test_small_pictures_and_gpus_get_batches_by_default_and_every_worker_its_share(size, device, lists, monkeypatch):
    monkeypatch.setattr(jobs, "pick_device", lambda: torch.device(device))
    some = [types.SimpleNamespace(sent=recipe) for recipe in grid(SMALL, size=[size], seed=range(7))]

    def seeds(batches):
        return [[job.sent.seed for job in batch] for batch in batches]

    assert seeds(jobs.batches_of(some, None, 2)) == lists
    assert seeds(jobs.batches_of(some, None, None)) == [[i] for i in range(7)], "who computes is unknown"
    assert seeds(jobs.batches_of(some, 4, None)) == [[0, 1, 2, 3], [4, 5, 6]]
    assert max(map(len, jobs.batches_of(some * 9, None, 2))) == (1 if size == 65 else jobs.TOGETHER)


def test_the_presets_size_counts_where_a_recipe_has_none(monkeypatch):
    monkeypatch.setenv("STYLELIB_PRESET", "quick")
    monkeypatch.setattr(jobs, "pick_device", lambda: torch.device("cpu"))
    some = [types.SimpleNamespace(sent=recipe) for recipe in grid(SMALL, size=[None], seed=range(2))]
    assert list(jobs.batches_of(some, None, 1)) == [some]


def test_a_jobs_name_depends_on_its_values_and_its_pictures_and_on_nothing_else(tmp_path):
    save_image(load_image("still_life", 40), tmp_path / "mine.png")
    save_image(load_image("still_life", 40), tmp_path / "the same.png")
    mine, same, other = (
        jobs.plan(dataclasses.replace(SMALL, style=source), SMALL, tmp_path)
        for source in (str(tmp_path / "mine.png"), (tmp_path / "the same.png").read_bytes(), "woodcut")
    )
    assert mine.path == same.path != other.path and mine.path.parent == tmp_path
    assert len(list(tmp_path.glob("picture-*"))) == 1, "the picture is kept once"


def test_a_job_keeps_the_name_that_it_had_in_earlier_versions(tmp_path):
    """So that the results of sweeps by earlier versions are still found."""
    recipe = Recipe(alpha_beta=0.1, first_size=0)
    assert jobs.plan(recipe, recipe, tmp_path).path.name == "transfer-3062701ef0e642f5.png"


@dataclasses.dataclass(frozen=True)
class Glow(Recipe):
    glow: float = 0.5


def test_the_file_of_a_job_is_a_recipe_of_your_class(tmp_path):
    job = jobs.plan(Glow(), Glow(), tmp_path)
    path = tmp_path / "glow.json"
    path.write_text(json.dumps(job.content | {"network_fingerprint": "0"}))
    with pytest.warns(UserWarning, match="weights of compact are not the ones"):
        assert Recipe.load(path) == Glow()
