"""All variants compute the same loss, and the report shows what was measured. No speed is tested."""

import itertools
import math
import pathlib
import shutil

import pytest
import torch

import stylelib
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS
from tools.benchmarks import evaluation, goal, report, start
from tools.benchmarks.reference import Reference


@pytest.mark.parametrize("network", ["compact", "vgg19-random"])
def test_every_variant_computes_the_same_loss_and_gradient(network):
    found, _ = evaluation.variants(network, 64)
    assert {"plain PyTorch", "readable"} <= set(found)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    loss, gradient = found["plain PyTorch"](picture)
    for name in set(found) & {"readable", "exact"}:
        evaluated = found[name](picture)
        assert evaluated.loss == pytest.approx(loss, rel=1e-4), name
        assert (evaluated.gradient - gradient).norm() < 5e-3 * gradient.norm(), name


def test_the_reference_runs_torchs_lbfgs_at_its_defaults(net):
    """One iteration per call makes the same steps as twenty iterations per call."""
    photo, painting = (evaluation.square(name, 48) for name in evaluation.PAIR)
    reference = Reference(net, photo, painting, CONTENT_LAYER, STYLE_LAYERS, 0.1)
    curve = list(itertools.islice(reference.steps(photo), 40))
    assert curve[-1] < 0.5 * curve[0]
    picture, seen = photo.clone().requires_grad_(True), []
    optimizer = torch.optim.LBFGS([picture])

    def closure():
        optimizer.zero_grad()
        loss = 1e6 * reference.loss(picture)
        loss.backward()
        seen.append(loss.item() / 1e6)
        return loss

    optimizer.step(closure)
    assert seen == pytest.approx(curve[: len(seen)], rel=1e-4)


def test_a_goal_is_met_by_some_and_not_by_others(monkeypatch):
    """Computed for real, but small: L-BFGS soon beats six steps of plain PyTorch, and Adam with tiny steps does not."""
    monkeypatch.setattr(goal, "OPTIMIZERS", {"L-BFGS": stylelib.LBFGS, "Adam 1e-6": lambda: stylelib.Adam(1e-6)})
    monkeypatch.setattr(goal, "STEPS", 18)
    found = goal.evaluations(goal.PAIRS[0], "content", size=32, most=6)
    assert 1 < found[goal.PLAIN] <= 6
    assert 1 < found["L-BFGS"] <= 20
    assert found["Adam 1e-6"] is None
    assert goal.COARSE_STEPS / 4 < found[goal.COARSE_TO_FINE] <= goal.COARSE_STEPS / 4 + 20
    assert set(goal.milliseconds(size=32, rounds=1, warm=1)) == set(found)


def test_a_run_that_misses_the_goal_counts_as_slower_than_all_others():
    results = [
        {goal.PLAIN: 100, "a": 10, "b": None},
        {goal.PLAIN: 50, "a": 10, "b": 5},
        {goal.PLAIN: 100, "a": None, "b": None},
    ]
    found = goal.summary(results, {goal.PLAIN: 10.0, "a": 5.0, "b": 5.0})
    assert found["a"] == {"evaluations": 10, "share": pytest.approx(0.1), "reached": 2, "of": 3}
    assert found["b"] == {"evaluations": math.inf, "share": math.inf, "reached": 1, "of": 3}


def test_there_is_no_goal_where_plain_pytorch_diverges(monkeypatch):
    monkeypatch.setattr(Reference, "steps", lambda self, start: iter([2.3, 2.29, 2.8e18, 2.29]))
    lost = goal.evaluations(goal.PAIRS[0], "noise", size=32, most=4)
    assert lost == {goal.PLAIN: None}
    assert goal.summary([lost, {goal.PLAIN: 10, "a": 5}], {goal.PLAIN: 1.0, "a": 1.0})["a"]["of"] == 1
    assert goal.summary([lost], {}) == {}


def test_batches_are_measured_against_the_same_runs_one_by_one():
    threads = torch.get_num_threads()
    found = evaluation.batches("compact", 32, rounds=2, count=2)
    assert found.keys() == {"one by one", "batch"} and all(one > 0 for one in found.values())
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("power", [0, *start.POWERS])
def test_scaled_frequencies_make_the_picture_again_and_move_slow_waves_further(power):
    picture = torch.rand(1, 3, 20, 31, generator=torch.Generator().manual_seed(0))
    frequencies = start.Frequencies(20, 31, power)
    numbers = frequencies.encode(picture).requires_grad_()
    assert torch.allclose(frequencies.decode(numbers), picture, atol=1e-5)
    wave = torch.zeros_like(numbers)
    wave[0, 0, 0, [1, 8]] = 1  # the same step in a slow and in a fast wave
    slow, fast = (frequencies.decode(wave * (torch.arange(16) == place)[:, None]).norm() for place in (1, 8))
    assert slow / fast == pytest.approx(8**power, rel=1e-4), "the slow wave moves further"


def test_the_starts_of_lbfgs_are_compared_with_the_pixels(net, monkeypatch):
    monkeypatch.setattr(start, "STEPS", 4)
    found = start.compare(("cat", "mosaic"), "content", net, 48)
    losses = {power: loss for power, (loss, _) in found.items()}
    assert losses.keys() == {"0", "0.25", "0.5", "1"} and len(set(losses.values())) == 4
    row = {"0": [2.0, 10.0], "0.25": [1.0, 10.0], "0.5": [2.5, 5.0], "1": [4.0, 2.0]}
    assert start.table({"compact noise": {"a": row, "b": row}}).endswith(
        "| compact | noise | 2 | 0.500 (1.00), lower in 2 | 1.250 (0.50), lower in 0 | 2.000 (0.20), lower in 0 |"
    )


def test_the_operations_of_vgg19_are_the_known_ones():
    convolutions, grams = evaluation.operations(
        stylelib.load_network("vgg19-random", device="cpu", normalize=False), 256
    )
    assert 2 * convolutions == pytest.approx(94.7e9, rel=0.01)
    assert 2 * grams == pytest.approx(4.6e9, rel=0.01)


def test_the_report_writes_what_was_measured(tmp_path):
    shutil.copy(pathlib.Path(evaluation.__file__).with_name("README.md"), tmp_path)
    measured = {"plain PyTorch": 400.0, "readable": 440.0, "exact": 300.0}
    numbers = {
        "machine": "a machine of this test",
        "milliseconds": {"compact": {"64": measured, "128": measured}},
        "floor": {"compact": {"64": {"exact": 200.0}, "128": {"exact": 200.0}}},
        "megabytes": {"compact": {"64": {"plain PyTorch": 800.0, "exact": 600.0}}},
        "tensors": {"compact": {"64": {"plain PyTorch": 100.0, "exact": 80.0}, "128": measured}},
        "batches": {"compact": {"32": {"one by one": 200.0, "batch": 110.0}}},
        "goal": {
            "content 64": {
                "asked": {"size": 64, "evaluations": 100},
                "results": {"a pair": {goal.PLAIN: 60, "Adam": 12, "never": None}},
                "milliseconds": {goal.PLAIN: 10, "Adam": 5, "never": 5},
            }
        },
    }
    report.write(numbers, tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "a machine of this test" in text
    assert "| compact | 128 | 400 | 1.10 | 0.75 | – | – | 0.50 |" in text
    assert "| compact | 64 | 100 | – | 0.80 | – | – | 800 | 0.75 |" in text
    assert "| compact | 128 | 400 | 1.10 | 0.75 | – | – | – | – |" in text
    assert "| compact | 32 | 200 | 0.55 |" in text
    assert "| content | 64 | Adam | 12 | 0.10 | 1 of 1 |" in text
    assert "| content | 64 | never | – | – | 0 of 1 |" in text
    assert (tmp_path / "time.png").stat().st_size > 5000
    report.write(numbers, tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == text, "writing it again changes nothing"
