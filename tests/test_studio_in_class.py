"""The studio under many clicks, slow downloads and dying kernels: nothing stalls, is lost or stays behind."""

import dataclasses
import io
import json
import os
import threading
import time

import ipywidgets
import numpy as np
import PIL.Image
import pytest
import torch
from ipywidgets.widgets.widget import _instances as registered_widgets

import stylelib
from stylelib.recipes import Recipe
from stylelib.storage import keeping
from stylelib.studio import Studio, app, display, left, saving, thumbnails
from stylelib.studio.runner import FINISHED, PAUSED, PREPARING, RUNNING, STOPPED
from stylelib.support import fetching
from stylelib.synthesis import Synthesis
from tests.held_steps import LONG, until

SHORT = Recipe(size=48, steps=6, content_layer="conv2_1", style_layers=("conv1_1", "conv2_1"))


@pytest.fixture(autouse=True)
def surroundings(net, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STYLELIB_RUNS", str(tmp_path / "runs"))
    for module in (app, saving):
        monkeypatch.setattr(module, "cached_network", lambda name, pooling: net)
    monkeypatch.setattr(display.Display, "draw_curves", lambda self, run: None)


@pytest.fixture
def studio():
    studio = Studio(SHORT)
    yield studio
    studio.close()


def status(studio):
    return studio.display.status.value


# ------------------------------------------------------------------------------------------------- row 20: many clicks


@pytest.mark.fault(20)
@pytest.mark.parametrize("paused", [False, True])
def test_of_many_values_only_the_last_one_counts(paused, studio, gate, monkeypatch):
    """They are set while a step is under way: one change and one redraw, however many there were."""
    changes, drawings = [], []
    change, draw = app.change_alpha_beta, display.Display.draw_picture
    monkeypatch.setattr(app, "change_alpha_beta", lambda run, value: (changes.append(value), change(run, value)))
    studio.run()
    gate.begins(1)
    if paused:
        studio.pause()
    monkeypatch.setattr(display.Display, "draw_picture", lambda *given: (drawings.append(1), draw(*given)))
    values = [round(0.01 * number, 2) for number in range(30, 60)]
    for value in values:
        studio.controls["alpha_beta"].widget.value = value
    gate.let()
    if paused:
        until(lambda: studio.runner.state == PAUSED and changes)
        until(lambda: "Paused" in status(studio))
        assert "left" not in status(studio), "no time is left while it is paused"
    else:
        gate.begins(2)
    assert changes == [values[-1]]
    assert studio.current_recipe.changes == ((1, values[-1]),)
    assert len(drawings) <= 3, "the step, the pause and the change"


@pytest.mark.fault(20)
def test_a_stop_is_not_kept_waiting_by_changes(studio, gate, monkeypatch):
    changes = []
    monkeypatch.setattr(app, "change_alpha_beta", lambda run, value: changes.append(value))
    studio.run()
    gate.begins(1)
    for value in (0.3, 0.4, 0.5):
        studio.controls["alpha_beta"].widget.value = value
    studio.stop()
    gate.let()
    assert studio.wait(LONG) and studio.runner.state == STOPPED and studio.current.number == 1 and changes == []


@pytest.mark.fault(20)
def test_thirty_clicks_a_second_do_not_stall_a_run(studio):
    """A run of 100 steps under ceaseless clicks on everything: it ends, with one change a step at most."""
    studio.controls["steps"].widget.value = 100
    studio.run()
    number = 0
    while studio.runner.active and studio.runner.state in (PREPARING, RUNNING):
        number += 1
        studio.controls["alpha_beta"].widget.value = 0.1 + number % 17 / 10
        studio.controls["style"].widget.value = ("mosaic", "woodcut")[number % 2]
        studio.run()
        time.sleep(1 / 30)
    assert studio.wait(LONG) and studio.runner.state == FINISHED and studio.current.number == 100
    assert number >= 5 and len(studio.current_recipe.changes) <= number


# --------------------------------------------------------------------------------------------------------- before a run


def test_before_the_first_run_the_chosen_pictures_are_shown(studio):
    def shown():
        picture = np.asarray(PIL.Image.open(io.BytesIO(studio.display.picture.value)).convert("RGB")).astype(int)
        assert studio.display.picture.layout.display is None
        return picture

    first = shown()
    assert first.shape[0] == thumbnails.HEIGHT and first.std() > 20
    studio.controls["style"].widget.value = "mosaic"
    second = shown()
    assert first.shape != second.shape or np.abs(first - second).mean() > 5
    studio.controls["second_style"].widget.value = "woodcut"
    assert shown().shape[1] > second.shape[1]
    studio.run()
    assert studio.wait(LONG)
    assert PIL.Image.open(io.BytesIO(studio.display.picture.value)).size == (48, 32)
    studio.reset()
    assert shown().shape == first.shape


def test_there_is_never_an_empty_box(tmp_path):
    """Where no picture can be shown, there is no box for one."""
    studio = Studio(dataclasses.replace(SHORT, kind="content", init="noise", content=str(tmp_path / "missing.png")))
    assert studio.display.picture.layout.display == "none"
    studio.close()


# ------------------------------------------------------------------------------------------ stop while it is prepared


@pytest.mark.fault(5)
@pytest.mark.parametrize("busy", ["hangs", "fails"])
def test_stop_acts_at_once_while_the_run_is_prepared(busy, studio, monkeypatch):
    """A server that does not answer, or an answer that comes too late: the next run begins meanwhile."""
    begun, let = threading.Event(), threading.Event()

    def slow(name, pooling):
        begun.set()
        assert let.wait(LONG)
        if busy == "fails":
            raise OSError("too late")
        return stylelib.load_network("compact", device="cpu")

    quick = app.cached_network
    monkeypatch.setattr(app, "cached_network", slow)
    studio.run()
    assert begun.wait(LONG)
    thread = next(thread for thread in threading.enumerate() if thread.name == "stylelib run")
    studio.stop()
    assert studio.runner.state == STOPPED and "Stopped before the first step." in status(studio)
    assert studio.wait(0) and not studio.buttons["run"].disabled and studio.buttons["stop"].disabled
    monkeypatch.setattr(app, "cached_network", quick)
    stopped, second = studio.runner, studio.run()
    let.set()
    thread.join(LONG)
    assert stopped.run is None and stopped.state == STOPPED and stopped.error is None
    assert second.wait(LONG) and second.runner.state == FINISHED


@pytest.mark.fault(5)
def test_a_download_shows_how_far_it_is_and_obeys_stop(studio, net, monkeypatch):
    """The next one continues from there, see test_fetching."""
    told, ended = [], []

    def load(name, pooling):
        try:
            for done in range(1, 1000):
                fetching._report.get()(done * 10**6, 80 * 10**6)
                told.append(status(studio))
                if done == 5:
                    studio.stop()
        except BaseException as error:
            ended.append(type(error).__name__)
            raise
        return net

    monkeypatch.setattr(app, "cached_network", load)
    studio.run()
    until(lambda: ended)
    assert "Downloading the network: 1 of 80 MB" in told[0]
    assert ended == ["Stopped"] and len(told) == 5 and studio.runner.state == STOPPED


# ------------------------------------------------------------------------------------------ row 11: a kernel that dies


class Killed(BaseException):
    """What ends the thread of a run, as a kernel's end does."""


def die_after(monkeypatch, number):
    """A studio whose kernel dies after a step: nothing of it can do anything any more, and its locks are gone."""
    studio = Studio(SHORT)
    save = Synthesis.save

    def save_and_die(run, path, recipe):
        save(run, path, recipe)
        if run.number == number:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(keeping, "EVERY", 0)
        patch.setattr(Synthesis, "save", save_and_die)
        patch.setattr(threading, "excepthook", lambda _: None)
        studio.run()
        thread = studio.runner._thread
        thread.join(LONG)
    studio.kept._present.lock.release()  # as the system does
    return studio


@pytest.mark.fault(11)
def test_the_studio_opened_again_goes_on_with_a_run_that_was_left(monkeypatch):
    die_after(monkeypatch, 3)
    studio = Studio(SHORT)
    assert "A run was left at step 3 of 6 (" in status(studio) and "press Go on to continue it." in status(studio)
    button = studio.buttons["go on"]
    assert button.layout.display is None
    button.click()
    assert studio.wait(LONG) and studio.runner.state == FINISHED
    assert button.layout.display == "none"
    assert torch.equal(studio.current.image, SHORT.finish().image), "to the bit"
    assert studio.current.number == 6 and len(studio.current.history) == 7
    studio.close()
    assert list(left.runs_folder().iterdir()) == []


@pytest.mark.fault(11)
def test_a_run_of_a_kernel_that_lives_is_not_offered(monkeypatch, gate):
    monkeypatch.setattr(keeping, "EVERY", 0)
    first = Studio(SHORT)
    first.run()
    gate.begins(1)
    gate.let()
    gate.begins(2)
    assert list(left.runs_folder().glob("*.run.pt"))
    second = Studio(SHORT)
    assert second.kept.left is None and second.buttons["go on"].layout.display == "none"
    first.close()
    second.close()
    gate.let(99)
    assert first.wait(LONG)
    until(lambda: not list(left.runs_folder().glob("*.pt")))


@pytest.mark.fault(11)
def test_what_was_left_is_offered_until_somebody_goes_on(monkeypatch):
    die_after(monkeypatch, 2)
    for _ in range(2):
        studio = Studio(SHORT)
        assert "step 2 of 6" in status(studio)
        studio.close()
    assert Studio(dataclasses.replace(SHORT, seed=5)).kept.left is None, "another studio"
    studio = Studio(SHORT)
    studio.run()  # a new run, instead
    assert studio.wait(LONG) and studio.runner.state == FINISHED
    assert studio.buttons["go on"].layout.display == "none"
    studio.close()


@pytest.mark.fault(11)
@pytest.mark.parametrize("damage", [b"", b"PK", b"x" * 1000])
def test_a_file_that_is_damaged_is_not_offered(damage, monkeypatch):
    die_after(monkeypatch, 2)
    (path,) = left.runs_folder().glob("*.run.pt")
    path.write_bytes(damage)
    studio = Studio(SHORT)
    assert studio.kept.left is None and studio.buttons["go on"].layout.display == "none"
    studio.close()


@pytest.mark.fault(11)
def test_the_changes_of_a_run_that_was_left_are_known(monkeypatch, gate):
    monkeypatch.setattr(keeping, "EVERY", 0)
    studio = Studio(SHORT)
    studio.run()
    gate.begins(1)
    studio.controls["alpha_beta"].widget.value = 1.5
    gate.let(2)
    gate.begins(3)
    (path,) = left.runs_folder().glob("*.run.pt")
    assert stylelib.storage.checkpoints.read_recipe(Recipe, path).changes == ((1, 1.5),)
    studio.stop()
    gate.let()
    assert studio.wait(LONG)
    studio.close()


def test_nothing_is_kept_for_the_visitors_of_a_web_page(monkeypatch):
    """It could not be told who comes back."""
    die_after(monkeypatch, 2)
    monkeypatch.setenv("VOILA_REQUEST_URL", "http://localhost/")
    monkeypatch.setattr(keeping, "EVERY", 0)
    before = set(left.runs_folder().iterdir())
    studio = Studio(SHORT)
    assert studio.kept.left is None
    studio.run()
    assert studio.wait(LONG) and set(left.runs_folder().iterdir()) == before
    studio.close()


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_run(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STYLELIB_RUNS", str(tmp_path / "file" / "runs"))
    studio = Studio(SHORT)
    studio.run()
    assert studio.wait(LONG) and studio.runner.state == FINISHED
    studio.close()


def test_old_runs_of_others_are_removed(monkeypatch):
    die_after(monkeypatch, 2)
    (path,) = left.runs_folder().glob("*.run.pt")
    os.utime(path, (0, 0))
    Studio(dataclasses.replace(SHORT, seed=5)).close()
    assert list(left.runs_folder().iterdir()) == []


# ------------------------------------------------------------------------------------------------ row 22: left behind


@pytest.mark.fault(22)
@pytest.mark.parametrize("recipe", [SHORT, dataclasses.replace(SHORT, style=("mosaic", "woodcut")), None])
@pytest.mark.parametrize("after", ["nothing", "a run"])
def test_a_closed_studio_leaves_no_widget(recipe, after):
    before = set(registered_widgets)
    studio = Studio(recipe)
    if after == "a run" and recipe is not None:
        studio.run()
        assert studio.wait(LONG)
    assert len(set(registered_widgets) - before) > 50
    studio.close()
    assert set(registered_widgets) == before
    assert isinstance(studio, ipywidgets.VBox) and json.dumps(list(before)) is not None
