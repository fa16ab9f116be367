"""The command that makes the fidelity page: runs are kept and continued, and the page is filled in."""

import json

import pytest
import torch

from stylelib.paper import figures, recorded
from tools import fidelity

SMALL = ("--network", "compact", "--size", "48", "--precision", "exact")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Figures 5 and 4 with two steps, then Figure 5 with four."""
    folder = tmp_path_factory.mktemp("fidelity")
    fidelity.main([str(folder), "figure 5", "figure 4", "--steps", "2", *SMALL])
    fidelity.main([str(folder), "figure 5", "--steps", "4", *SMALL])
    return folder


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(out, net, tmp_path):
    for panel in figures.FIGURES["figure 5"].panels:
        continued = fidelity.compute(panel, net, 48, 4, out / "runs")
        at_once = fidelity.compute(panel, net, 48, 4, tmp_path)
        assert continued.number == at_once.number == 4
        assert torch.allclose(continued.image, at_once.image, atol=1e-5)
        assert list(continued.frames) == list(at_once.frames) == [0, 1, 3]


def test_a_panel_that_two_figures_share_is_computed_once(out):
    assert len(list((out / "runs").glob("*.pt"))) == 5, "Figure 5's second panel is Figure 4's second"


def test_each_part_has_its_picture_its_recording_and_its_numbers(out):
    tables = json.loads((out / "numbers.json").read_text(encoding="utf-8"))
    assert list(tables) == ["figure 5", "figure 4"]
    assert [row["steps"] for row in tables["figure 5"]] == ["4, not finished", "4, not finished"]
    for row in tables["figure 4"]:
        _, _, alpha = row["panel"].partition(" = ")
        total = float(alpha.split()[0]) * float(row["content part, before α"]) + float(row["style part"])
        assert float(row["loss"]) == pytest.approx(total, rel=2e-3), "α times one part and the other"
    for name in tables:
        assert (out / f"{name.replace(' ', '_')}.jpg").stat().st_size > 5_000
        assert len(recorded.load(name, folder=out / "recordings")) == len(figures.FIGURES[name].panels)


def test_the_page_keeps_its_text_and_gets_new_numbers(tmp_path):
    page = "Before.\n<!-- figure 4 -->\nold\n<!-- end -->\nBetween.\n<!-- figure 5 -->\n<!-- end -->\n"
    filled = fidelity.fill(page, {"figure 4": [{"panel": "a", "loss": "1"}, {"panel": "b", "loss": "2"}]})
    assert "old" not in filled and "| panel | loss |\n| --- | --- |\n| a | 1 |\n| b | 2 |" in filled
    assert filled.startswith("Before.\n") and filled.endswith("Between.\n<!-- figure 5 -->\n<!-- end -->\n")


def test_one_panel_is_made_at_several_sizes(monkeypatch, tmp_path):
    monkeypatch.setattr(fidelity, "TRIED", (32, 48, 64))
    fidelity.main([str(tmp_path), "sizes", "--steps", "2", *SMALL])
    rows = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))["sizes"]
    assert [row["panel"] for row in rows] == ["32 px", "48 px"] and all(row["steps"][0] == "2" for row in rows)
    assert all(row["pixels"].startswith(row["panel"].split()[0]) for row in rows)
    assert (tmp_path / "sizes.jpg").stat().st_size > 3_000


def test_changed_weights_are_as_far_away_as_they_say(tmp_path):
    from stylelib.weights.store import load_weights

    original = load_weights("compact").tensors
    for variant, most in (("moved", 0.51), ("7 bits", 1.01)):
        changed = load_weights("compact", fidelity.varied("compact", variant, tmp_path)).tensors
        for key, weight in original.items():
            step = (weight.max() - weight.min()) / 255
            apart = ((changed[key] - weight).abs().max() / step).item()
            if key.startswith(("conv4", "conv5")) and key.endswith("weight"):
                assert most / 2 < apart < most, key
            else:
                assert apart == 0, key


def test_an_unknown_part_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        fidelity.main([str(tmp_path), "figure 9"])
    assert "there is no part figure 9; known: figure 1, style" in capsys.readouterr().err


@pytest.mark.parametrize("name", recorded.SERIES)
def test_the_notebooks_own_transfers_are_made_with_their_settings(name, net, tmp_path):
    fidelity.main([str(tmp_path), name, "--steps", "2", *SMALL])
    _, panels = recorded.SERIES[name]
    runs = recorded.load(name, folder=tmp_path / "recordings")
    assert list(runs) == list(panels)
    for caption, arguments in panels.items():
        made = runs[caption].made
        assert arguments.get("content_layer", "conv4_2") in made and f"from {arguments.get('init', 'content')}" in made
        assert f"× {arguments.get('alpha_beta', 0.2):g} (relative)" in made and "2 steps" in made
