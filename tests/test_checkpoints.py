"""Saved runs continue as if they had not been interrupted, and files that are not runs are refused."""

import numpy as np
import pytest
import safetensors.torch
import torch

import stylelib
import stylelib.figures
from stylelib import Adam, Content, Smoothness, Style, Synthesis
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
