"""Saved runs continue as if they had not been interrupted, and files that are not runs are refused."""

import numpy as np
import pytest
import safetensors.torch
import torch

import stylelib
import stylelib.figures
from stylelib import Adam, Content, Recipe, Smoothness, Style, Synthesis
from stylelib.storage.checkpoints import read_recipe, save_run, steps_done
from stylelib.support.errors import InputError
from stylelib.weights.formats import fingerprint


@pytest.fixture
def terms(net, photo, painting):
    return [Content(net, photo, "conv3_1", weight=0.05), Style(net, painting, ["conv1_1", "conv2_1", "conv3_1"])]


def same(a, b):
    return torch.equal(a, b)


def with_weight(terms, weight):
    return [Content(terms[0].net, terms[0].image, terms[0].layer, weight), *terms[1:]]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_run_saved_after_a_change_goes_on_as_if_it_had_not_been(terms, photo, optimizer, tmp_path):
    run = Synthesis(terms, photo, steps=6, optimizer=optimizer)
    while run.number < 2:
        next(run)
    run.change_terms(with_weight(terms, 4.0))
    loaded = [Synthesis.load(run.save(tmp_path / "run.pt"))]
    next(run)
    loaded.append(Synthesis.load(run.save(tmp_path / "run.pt")))
    for one in loaded:
        assert one.notes == run.notes and one.describe().startswith(run.describe().split(" · from")[0])
        assert same(one.finish().image, run.finish().image)


@pytest.mark.parametrize("optimizer", ["lbfgs", Adam(step_size=0.03)], ids=["lbfgs", "adam"])
def test_a_run_saved_and_loaded_goes_on_as_if_it_had_not_been_interrupted(terms, photo, optimizer, tmp_path):
    whole = Synthesis([*terms, Smoothness(0.1)], photo, steps=8, optimizer=optimizer, keep_every=3).finish()
    run = Synthesis([*terms, Smoothness(0.1)], photo, steps=8, optimizer=optimizer, keep_every=3)
    while run.number < 4:
        next(run)
    loaded = Synthesis.load(run.save(tmp_path / "run.pt"))
    assert loaded.number == 4 and same(loaded.image, run.image)
    loaded.finish()
    assert same(loaded.image, whole.image)
    assert [record.losses for record in loaded.history] == [record.losses for record in whole.history]
    assert list(loaded.frames) == list(whole.frames)
    assert loaded.describe() == whole.describe()


def test_a_run_can_be_saved_before_its_first_step_and_after_its_last(terms, tmp_path):
    unstarted = Synthesis.load(Synthesis(terms, "noise", steps=2, seed=3).save(tmp_path / "a.pt"))
    finished = Synthesis(terms, "noise", steps=2, seed=3).finish()
    again = Synthesis.load(finished.save(tmp_path / "b.pt"))
    assert again.stop_reason == finished.stop_reason and list(again) == []
    assert same(unstarted.finish().image, again.image)
    assert "from noise" in again.describe() and "seed 3" in again.describe()


def test_a_run_is_found_again_from_another_folder_and_with_numpys_numbers(net, photo, tmp_path, monkeypatch):
    weights = {
        f"{name}.{kind}": getattr(net.convolutions[name], kind) for name in net.layers for kind in ("weight", "bias")
    }
    header = {"input_mean": "[0.5,0.5,0.5]", "input_std": "[1,1,1]", "source": "mine", "sha256": fingerprint(weights)}
    safetensors.torch.save_file(weights, tmp_path / "mine.safetensors", header)
    monkeypatch.chdir(tmp_path)
    mine = stylelib.load_network("compact", "mine.safetensors", normalize=False, device="cpu")
    run = Synthesis(Content(mine, photo, "conv1_1"), "noise", steps=np.int64(3), tolerance=np.float64(1e-7))
    next(run)
    run.save("run.pt")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert same(Synthesis.load("../run.pt").finish().image, run.finish().image)


def test_saving_takes_the_place_of_the_old_file_or_leaves_it_alone(terms, photo, tmp_path, monkeypatch):
    path = Synthesis(terms, photo, steps=2).save(tmp_path / "run.pt")
    before = path.read_bytes()
    monkeypatch.setattr(torch, "save", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        Synthesis(terms, photo, steps=2).finish().save(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"not a run", b"PK\x03\x04 cut off"])
def test_files_that_are_not_runs_are_refused(content, tmp_path):
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a saved run"):
        Synthesis.load(path)
    with pytest.raises(InputError, match="no saved run"):
        Synthesis.load(tmp_path / "missing.pt")


def test_a_run_of_the_first_format_is_read_and_goes_on_as_ever(terms, photo, tmp_path):
    """As version 0.1.0 wrote it: the optimised tensor was called picture, and terms had fewer arguments."""
    run = Synthesis(terms, photo, steps=6)
    for _ in range(4):
        next(run)
    content = torch.load(run.save(tmp_path / "run.pt"), weights_only=True)
    content["format"] = 1
    for name in ("parameters", "parameterization"):
        del content[name]
    del content["run"]["companions"]
    for term in content["terms"]:
        del term["network"]["class"]
        for name in ("mask", "label", "statistic"):
            term["arguments"].pop(name, None)
    for state in ("state", "best"):
        content[state]["picture"] = content[state].pop("parameters")
        content[state]["memory"].pop("curvatures", None)
    torch.save(content, tmp_path / "old.pt")
    old = Synthesis.load(tmp_path / "old.pt")
    assert len(old.progress.state.memory["steps"]) == 4 and "curvatures" not in old.progress.state.memory
    assert same(old.finish().image, run.finish().image)


def test_what_a_file_says_of_its_run_without_loading_it(terms, photo, tmp_path):
    run = Synthesis(terms, photo, steps=5)
    assert steps_done(run.save(tmp_path / "run.pt")) == 0
    while run.number < 3:
        next(run)
    assert steps_done(run.save(tmp_path / "run.pt")) == 3 and read_recipe(Recipe, tmp_path / "run.pt") is None
    recipe = Recipe(steps=5, alpha_beta=0.7)
    assert read_recipe(Recipe, save_run(run, tmp_path / "run.pt", recipe)) == recipe


def changed(path, **values):
    """Change parts of a saved run's file, named as path__to__it; None removes one."""
    content = torch.load(path, weights_only=True)
    for name, value in values.items():
        *way, last = (int(key) if key.isdigit() else key for key in name.split("__"))
        part = content
        for key in way:
            part = part[key]
        if value is None:
            del part[last]
        else:
            part[last] = value
    torch.save(content, path)
    return path


def test_what_older_files_lack_has_its_first_value(terms, photo, tmp_path):
    path = Synthesis(terms, photo, steps=3).finish().save(tmp_path / "run.pt")
    missing = dict.fromkeys(["since", "size", "run__first_size", "run__companions"])
    old = Synthesis.load(changed(path, **missing))
    assert (old.progress.since, old.scales.index, old.first_size, old.companions) == (0, 0, 0, 0)


@pytest.mark.parametrize("form", [0, 3, "2", [2]])
def test_a_file_of_an_unknown_format_is_refused(form, terms, photo, tmp_path):
    path = Synthesis(terms, photo, steps=3).save(tmp_path / "run.pt")
    assert torch.load(path, weights_only=True)["format"] == 2
    for read in (Synthesis.load, steps_done):
        with pytest.raises(InputError, match="not a run that this version of stylelib can read"):
            read(changed(path, format=form))


@pytest.mark.parametrize("fingerprint", ["", "~"], ids=["before", "after"])
def test_other_weights_than_the_runs_are_said(fingerprint, terms, photo, tmp_path):
    path = changed(
        Synthesis(terms, photo, steps=3).save(tmp_path / "run.pt"), terms__0__network__fingerprint=fingerprint
    )
    with pytest.warns(UserWarning, match="not the ones that this run started with"):
        Synthesis.load(path)


def test_a_device_that_is_not_here_is_said_and_the_run_continues_on_another(terms, photo, tmp_path):
    run = Synthesis(terms, photo, steps=3)
    away = {f"terms__{index}__network__device": "cuda:99" for index in (0, 1)}
    with pytest.warns(UserWarning, match="The run continues on another device"):
        again = Synthesis.load(changed(run.save(tmp_path / "run.pt"), **away))
    assert same(again.finish().image, run.finish().image)
