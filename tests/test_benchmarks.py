"""What the benchmarks compare is the same thing, and their report says what was measured. No speeds are tested here."""

import pathlib
import shutil

import pytest
import torch

import stylelib
from stylelib.benchmarks import evaluation, goal, report
from stylelib.benchmarks.reference import Reference
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS


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


def test_the_references_lbfgs_lowers_the_loss(net):
    photo, painting = (evaluation.square(name, 48) for name in evaluation.PAIR)
    reference = Reference(net, photo, painting, CONTENT_LAYER, STYLE_LAYERS, 0.1)
    curve = reference.optimize(photo, 40)
    assert len(curve) >= 40 and curve[-1][0] < 0.5 * curve[0][0]
    assert [seconds for _, seconds in curve] == sorted(seconds for _, seconds in curve)


def test_a_goal_is_met_where_a_curve_first_falls_below_it():
    curve = [(3.0, 0.1, 1), (1.0, 0.2, 3), (2.0, 0.3, 4), (0.5, 0.4, 6)]
    assert goal.reached(curve, 1.5) == (3, 0.2)
    assert goal.reached(curve, 0.1) is None
    assert goal.summary([((10, 1.0), 0.5), ((20, 2.0), 0.1), (None, None)]) == {
        "evaluations": 15,
        "seconds": 0.3,
        "missed": 1,
        "of": 3,
    }


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
        "megabytes": {"compact": {"64": measured}},
        "goal": {
            "size": 64,
            "evaluations": 100,
            "pairs": 5,
            "starts": {"content": {"Adam": {"evaluations": 12, "seconds": 0.07, "missed": 1, "of": 5}}},
        },
    }
    report.write(numbers, tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "a machine of this test" in text
    assert "| compact | 128 | 400 | 1.10 | 0.75 | – | – | 0.50 |" in text
    assert "64 px, 100 evaluations, 5 pairs:" in text
    assert "| content | Adam | 12 | 0.07 | 4 of 5 |" in text
    assert (tmp_path / "time.png").stat().st_size > 5000
    report.write(numbers, tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == text, "writing it again changes nothing"
