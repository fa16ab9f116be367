"""The notebooks' live panels, and the tool that records them."""

import threading

import pytest

from stylelib.paper import recordings
from stylelib.recipes import Recipe
from stylelib.studio import app, panel, panels
from stylelib.studio.panels import PANELS
from stylelib.studio.runner import FINISHED
from stylelib.support.errors import InputError
from tools import record_panels

LONG = 30  # seconds until a test that hangs gives up
SHORT = Recipe(size=64, steps=3, style_layers=("conv1_1", "conv2_1"))


@pytest.fixture(autouse=True)
def quick(net, monkeypatch):
    """A small preset, and a network that is loaded already; no test leaves a thread behind."""
    monkeypatch.setenv("STYLELIB_PRESET", "quick")
    monkeypatch.setattr(app, "cached_network", lambda name, pooling: net)
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(LONG)
        assert not thread.is_alive(), f"{thread.name} goes on"


@pytest.mark.parametrize("name", PANELS)
def test_each_panel_builds_with_its_knobs_and_runs_its_preset_to_the_end(name, tmp_path):
    with pytest.warns(UserWarning, match="There is no recording"):
        studio = panel(name, folder=tmp_path)
    assert list(studio.controls) == list(PANELS[name].knobs) and studio.recording is None
    assert (studio.recipe.size, studio.recipe.steps) == (64, 8)
    for knob, choices in PANELS[name].knobs.items():
        assert dict(studio.controls[knob].widget.options) == choices
    assert studio.run().wait(LONG) and studio.runner.state == FINISHED
    studio.close()


def test_a_panel_finds_its_recording_and_takes_another_network(net, tmp_path):
    recording = recordings.make(SHORT, {"init": {"content": "content", "noise": "noise"}}, net)
    recordings.save(recording, tmp_path / "04_initialization.zip")
    studio = panel("04_initialization", "compact11", tmp_path)
    assert studio.recording == recording and studio.recipe.network == "compact11"
    studio.close()


def test_an_unknown_panel_is_told():
    with pytest.raises(InputError, match="Did you mean '04_initialization'"):
        panel("04_initialisation")


def test_panels_are_recorded_by_name_or_all(net, tmp_path, monkeypatch, capsys):
    small = {
        name: panels.Panel("What?", SHORT, {"init": {"content": "content"}}) for name in ("one_panel", "another_panel")
    }
    monkeypatch.setattr(record_panels, "PANELS", small)
    monkeypatch.setattr(recordings, "load_network", lambda name, pooling: net)
    record_panels.main([str(tmp_path), "one_panel"])
    assert recordings.load(tmp_path / "one_panel.zip").recipe == SHORT
    assert [path.name for path in tmp_path.iterdir()] == ["one_panel.zip"]
    assert "one_panel.zip: 0.0 MB" in capsys.readouterr().out
    record_panels.main([str(tmp_path)])
    assert {path.stem for path in tmp_path.iterdir()} == set(small)
    with pytest.raises(InputError, match="Did you mean 'one_panel'"):
        record_panels.main([str(tmp_path), "on_panel"])
