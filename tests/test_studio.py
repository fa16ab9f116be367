"""The studio without a browser: buttons are clicked and values set from here; the tests let the steps through."""

import base64
import dataclasses
import datetime
import functools
import gc
import html
import io
import json
import os
import pathlib
import re
import threading
import weakref

import ipywidgets
import jupyter_client.manager
import PIL.Image
import pytest
import torch

import stylelib
from stylelib import recipes
from stylelib.paper import recordings
from stylelib.recipes import Recipe
from stylelib.studio import Studio, app, cells, display, picture_controls, saving, thumbnails
from stylelib.studio.controls import default_names
from stylelib.studio.runner import FAILED, FINISHED, PAUSED, RUNNING, STOPPED
from stylelib.support.errors import InputError
from stylelib.weights import networks
from tests.held_steps import LONG, until

DRAW = display.Display.draw_curves
SHORT = Recipe(size=64, steps=3, style_layers=("conv1_1", "conv2_1"))


@pytest.fixture(autouse=True)
def surroundings(net, monkeypatch, tmp_path):
    """What takes long, loading the network and drawing curves, is left out; and no test leaves a thread behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STYLELIB_RUNS", str(tmp_path.parent / f"runs of {tmp_path.name}"))
    for module in (app, saving):
        monkeypatch.setattr(module, "cached_network", lambda name, pooling: net)
    monkeypatch.setattr(recipes, "load_network", lambda name, pooling: net)
    monkeypatch.setattr(display.Display, "draw_curves", lambda self, run: None)
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:  # Jupyter starts one of its own, "… - runner"
        if thread.name.endswith("- runner"):
            continue
        thread.join(LONG)
        assert not thread.is_alive(), f"{thread.name} goes on"


@pytest.fixture
def studio():
    studio = Studio(SHORT)
    yield studio
    studio.close()


def click(button):
    button.click()


def words(widget):
    """The text of an HTML widget."""
    return html.unescape(re.sub(r"<[^>]*>", "", widget.value))


def status(studio):
    return words(studio.display.status)


def complaints(studio):
    return {name: words(one.complaint) for name, one in studio.controls.items() if one.complaint.value}


def turn(studio, name, value):
    studio.controls[name].widget.value = value


def upload(studio, name, data, file="mine.jpg"):
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    one = {"name": file, "type": "image/jpeg", "size": len(data), "content": memoryview(data), "last_modified": now}
    studio.controls[name].upload.value = (one,)


def picture_bytes(name="valley"):
    buffer = io.BytesIO()
    PIL.Image.open(stylelib.bundled_images()[name]).resize((90, 70)).save(buffer, "JPEG")
    return buffer.getvalue()


def widgets(studio):
    inside, waiting = [], [studio]
    while waiting:
        for widget in waiting.pop().children:
            inside.append(widget)
            waiting += [widget] if isinstance(widget, ipywidgets.Box) else []
    return inside


def shown(picture):
    return PIL.Image.open(io.BytesIO(picture.value)).size


# ----------------------------------------------------------------------------------------- refused, beside the control

ALIKE = {"network": "vgg11", "content_layer": "conv4_1", "style_layers": ("conv1_1",)}
REFUSED = [
    ("size", {"size": 4}, "Longer side (pixels) is a whole number, 8 or more; got 4."),
    ("size", {"size": -64}, "8 or more"),
    ("size", {"size": 20, "style_layers": ("conv5_1",)}, "at least 16 pixels on the shorter side"),
    ("size", {"size": 8}, "the shorter side must be at least 8"),
    ("size", {"size": 1_000_000}, "at most 16384 pixels; got 1000000."),
    ("steps", {"steps": -1}, "Steps is a whole number, 0 or more; got -1."),
    ("seed", {"seed": -1}, "Seed of the noise is a whole number, 0 or more; got -1."),
    ("seed", {"seed": 2**80}, "is at most 9223372036854775807"),
    ("content_layer", ALIKE | {"content_layer": "conv4_4"}, "There is no layer in vgg11 'conv4_4'."),
    ("style_layers", ALIKE | {"style_layers": ("conv1_1", "conv5_4")}, "There is no layer in vgg11 'conv5_4'."),
    ("style_layers", {"style_layers": ()}, "No layer was named; compact has conv1_1"),
    ("alpha_beta", {"alpha_beta": float("nan")}, "The ratio α/β must be a number, zero or more; got nan."),
]


@pytest.mark.parametrize("name, values, sentence", REFUSED, ids=[f"{one[0]} {one[2][:12]}" for one in REFUSED])
def test_what_cannot_work_is_refused_beside_its_control_before_anything_runs(studio, name, values, sentence):
    for one, value in values.items():
        turn(studio, one, value)
    click(studio.buttons["run"])
    assert studio.runner is None and studio.current is None
    assert list(complaints(studio)) == [name]
    assert complaints(studio)[name].startswith("⚠ ") and sentence in complaints(studio)[name]
    assert 'role="alert"' in studio.controls[name].complaint.value
    assert studio.controls[name].complaint in studio.controls[name].box.children
    assert status(studio) == "Not started: see the sentence marked ⚠."
    click(studio.buttons["reset"])
    assert complaints(studio) == {} and studio.chosen() == SHORT


def test_everything_that_is_wrong_is_told_at_once(studio):
    for name, value in (("steps", -1), ("seed", -1), ("style_layers", ())):
        turn(studio, name, value)
    assert studio.chosen() is None and set(complaints(studio)) == {"steps", "seed", "style_layers"}
    turn(studio, "steps", 3)
    assert set(complaints(studio)) == {"seed", "style_layers"}


def test_a_start_from_a_picture_that_there_is_not_is_refused():
    studio = Studio(Recipe("content", size=64, init="style"))
    assert studio.chosen() is None and "There is no style image here to start from" in complaints(studio)["init"]
    studio.close()


def test_a_file_that_is_gone_is_refused():
    studio = Studio(Recipe(content="gone.jpg", size=64))
    assert studio.run().runner is None and "There is no file gone.jpg" in complaints(studio)["content"]
    studio.close()


def test_knobs_that_are_sliders_are_checked_too():
    studio = Studio(Recipe(size=64, network="vgg11", content_layer="conv4_4"), {"content_layer": {"deep": "conv4_4"}})
    assert studio.run().runner is None and "There is no layer in vgg11" in complaints(studio)["content_layer"]
    studio.close()


def test_what_no_control_shows_is_refused_beside_another():
    studio = Studio(Recipe(size=20), ["alpha_beta"])
    assert studio.run().runner is None and "at least 16 pixels" in complaints(studio)["alpha_beta"]
    studio.close()


def test_a_picture_smaller_than_the_size_is_told_and_taken_all_the_same(studio):
    turn(studio, "size", 1000)
    assert studio.chosen().size == 1000
    assert "riverside is only 768 × 512 pixels and keeps that size" in complaints(studio)["size"]


# ------------------------------------------------------------------------------------------------ pictures of your own


def test_an_uploaded_picture_is_what_the_run_is_made_of(studio):
    upload(studio, "content", picture_bytes("valley"))
    upload(studio, "content", picture_bytes("still_life"), "another.jpg")
    upload(studio, "style", picture_bytes("mosaic"))
    chosen = studio.chosen()
    assert chosen.content == picture_bytes("still_life") and chosen.style == picture_bytes("mosaic")
    assert studio.run().wait(LONG) and studio.runner.state == FINISHED
    assert torch.equal(studio.current.image, chosen.finish().image)
    turn(studio, "content", "riverside")
    assert studio.chosen().content == "riverside"
    turn(studio, "content", picture_controls.OWN)
    assert studio.chosen().content == picture_bytes("still_life")


# ------------------------------------------------------------------------------- two styles, networks and optimisers


def test_a_second_style_is_what_the_run_is_made_of(studio, tmp_path):
    studio.controls["second_style"].widget.value = "mosaic"
    studio.controls["second_style"].share.value = 0.25
    expected = dataclasses.replace(SHORT, style=("night_swirls", "mosaic"), style_weights=(0.75, 0.25))
    assert studio.chosen() == expected
    assert "['night_swirls', 'mosaic']" in words(studio.code) and "style_weights=(0.75, 0.25)" in words(studio.code)
    assert studio.run().wait(LONG) and studio.runner.state == FINISHED
    assert [term.weight for term in studio.current.terms] == [SHORT.alpha_beta, 0.75, 0.25]
    assert "style 1 " in words(studio.display.caption) and "style 2 " in words(studio.display.caption)
    assert torch.equal(studio.current.image, expected.finish().image)
    assert torch.equal(replayed(studio, tmp_path).image, studio.current.image)
    loaded = Recipe.load(tmp_path / "again.json")
    assert loaded == expected
    again = Studio(loaded)
    assert again.chosen() == expected and again.controls["second_style"].value == "mosaic"
    again.close()


def test_the_ratio_can_be_turned_in_a_run_with_two_styles(gate, tmp_path):
    studio = Studio(dataclasses.replace(SHORT, style=("night_swirls", "mosaic")))
    click(studio.buttons["run"])
    gate.begins(1)
    turn(studio, "alpha_beta", 5.0)
    gate.let(9)
    assert studio.wait(LONG) and [term.weight for term in studio.current.terms] == [5.0, 0.5, 0.5]
    assert torch.equal(replayed(studio, tmp_path).image, studio.current.image)
    studio.close()


def test_a_network_of_yours_is_chosen_and_computes(net, studio, monkeypatch):
    monkeypatch.setitem(networks.registered, "mine", lambda **_: net)
    monkeypatch.setattr(app, "cached_network", networks.cached_network)
    other = Studio(SHORT)  # made after it was registered
    turn(other, "network", "mine")
    assert other.run().wait(LONG) and other.runner.state == FINISHED
    assert other.current_recipe.network == "mine" and "network='mine'" in words(other.code)
    assert torch.equal(other.current.image, SHORT.finish().image)
    other.close()
    networks.cached_network.cache_clear()


def test_no_steps_show_the_picture_that_a_run_starts_from(studio):
    turn(studio, "steps", 0)
    assert studio.run().wait(LONG) and studio.runner.state == FINISHED
    assert status(studio).endswith("all 0 steps are done.") and shown(studio.display.picture) == (64, 43)


# ------------------------------------------------------------------------------------------------------------- buttons


def disabled(studio):
    return {name for name, button in studio.buttons.items() if button.disabled}


def test_run_shows_the_picture_the_curves_and_the_end(studio, monkeypatch):
    monkeypatch.setattr(display.Display, "draw_curves", DRAW)
    assert disabled(studio) == {"pause", "stop"} and status(studio) == "Ready."
    assert shown(studio.display.picture)[1] == thumbnails.HEIGHT
    click(studio.buttons["run"])
    assert studio.wait(LONG) and studio.runner.state == FINISHED
    assert shown(studio.display.picture) == (64, 43) and shown(studio.display.curves)[0] > 400
    assert re.fullmatch(r"3 steps in \d+ s: all 3 steps are done\.", status(studio))
    assert "Computed here: compact" in words(studio.display.caption)
    assert studio.current.number == 3 and disabled(studio) == {"pause", "stop"}
    assert torch.equal(studio.current.image, SHORT.finish().image)


def test_pause_resume_and_stop(studio, gate):
    turn(studio, "steps", 9)
    click(studio.buttons["run"])
    gate.begins(1)
    assert studio.runner.state == RUNNING and disabled(studio) == {"run"}
    click(studio.buttons["pause"])
    assert status(studio) == "Pausing after the current step …"
    gate.let()
    until(lambda: studio.buttons["pause"].description == "Resume")
    until(lambda: status(studio).endswith("Step 1 of 9."))
    assert status(studio).startswith("Paused.") and studio.buttons["pause"].icon == "play"
    assert disabled(studio) == {"run"} and studio.runner.state == PAUSED
    gate.let()
    click(studio.buttons["pause"])  # Resume
    until(lambda: studio.current.number == 2)
    gate.begins(3)
    assert studio.buttons["pause"].description == "Pause" and studio.runner.state == RUNNING
    click(studio.buttons["stop"])
    assert status(studio) == "Stopping after the current step …"
    gate.let(9)
    assert studio.wait(LONG) and studio.runner.state == STOPPED
    assert studio.current.number == 3 and status(studio).endswith(": stopped after step 3.")
    assert disabled(studio) == {"pause", "stop"}
    assert [number for _, number in studio.display.menu.options] == [0, 1, 2, 3]


def test_a_click_too_many_does_nothing(studio, gate):
    for name in ("pause", "stop", "reset"):
        click(studio.buttons[name])
    assert status(studio) == "Ready."
    click(studio.buttons["run"])
    gate.begins(1)
    runner = studio.runner
    assert studio.run() is studio and studio.runner is runner
    gate.let(9)
    assert studio.wait(LONG)
    for name in ("pause", "stop"):
        click(studio.buttons[name])
    assert studio.runner is runner and runner.state == FINISHED


def test_reset_in_the_middle_of_a_step_leaves_a_studio_as_at_first(studio, gate):
    turn(studio, "alpha_beta", 2.0)
    turn(studio, "init", "noise")
    click(studio.buttons["run"])
    gate.begins(1)
    old = studio.runner
    click(studio.buttons["reset"])
    gate.let(9)
    assert old.wait(LONG) and old.state == STOPPED and old.run.number == 1
    assert studio.current is None and studio.chosen() == SHORT
    assert status(studio) == "Ready." and shown(studio.display.picture)[1] == thumbnails.HEIGHT
    assert disabled(studio) == {"pause", "stop"} and not studio.controls["size"].widget.disabled


def test_a_run_begun_while_the_old_one_ends_is_not_disturbed_by_it(studio, gate):
    click(studio.buttons["run"])
    gate.begins(1)
    old = studio.runner
    studio.stop()
    turn(studio, "init", "noise")
    click(studio.buttons["run"])
    gate.begins(1)
    gate.let(20)
    assert old.wait(LONG) and studio.wait(LONG)
    assert studio.runner is not old and old.state == STOPPED and studio.runner.state == FINISHED
    assert torch.equal(studio.current.image, dataclasses.replace(SHORT, init="noise").finish().image)
    assert status(studio).endswith("all 3 steps are done.")


def test_a_second_run_begins_anew_with_what_was_turned_meanwhile(studio):
    first = studio.run().wait(LONG) and studio.current
    turn(studio, "optimizer", "adam")
    second = studio.run().wait(LONG) and studio.current
    assert second is not first and second.optimizer.name == "adam" and second.number == 3
    assert torch.equal(second.image, dataclasses.replace(SHORT, optimizer="adam").finish().image)


def test_a_mistake_in_a_run_is_a_sentence_and_the_studio_goes_on(studio, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(Recipe, "play", lambda recipe, run: iter(functools.partial(divmod, 1, 0), None))
        assert studio.run().wait(LONG) and studio.runner.state == FAILED
        assert status(studio).startswith("⚠ The run failed (ZeroDivisionError: ") and disabled(studio) == {
            "pause",
            "stop",
        }
    assert studio.run().wait(LONG) and studio.runner.state == FINISHED


def test_a_network_that_cannot_be_had_is_a_sentence(studio, monkeypatch):
    def missing(name, pooling):
        raise InputError("There is no internet here.")

    monkeypatch.setattr(app, "cached_network", missing)
    assert studio.run().wait(LONG) and status(studio) == "⚠ There is no internet here."


def test_all_controls_but_the_ratio_are_disabled_while_a_run_is_active(studio, gate):
    def states():
        own = {name: one.widget.disabled for name, one in studio.controls.items()}
        assert all(one.slider is None or one.slider.disabled == own[name] for name, one in studio.controls.items())
        uploads = ("content", "style", "second_style")
        return own | {f"upload {name}": studio.controls[name].upload.disabled for name in uploads}

    click(studio.buttons["run"])
    gate.begins(1)
    assert {name for name, off in states().items() if not off} == {"alpha_beta"} and len(states()) == 13 + 3
    assert studio.controls["second_style"].share.disabled
    studio.pause()
    gate.let()
    until(lambda: studio.runner.state == PAUSED)
    assert {name for name, off in states().items() if not off} == {"alpha_beta"}
    studio.stop()
    assert studio.wait(LONG)
    assert not any(states().values())


# ---------------------------------------------------------------------------------------------- α/β while the run goes


def replayed(studio, tmp_path):
    """The picture of the recipe that the studio saves."""
    studio.saving.name.value = "again"
    *_, path = studio.saving.save_recipe(studio.current)
    return Recipe.load(path).finish()


def test_the_ratio_turned_while_paused_goes_on_from_the_picture_as_it_is(studio, gate, tmp_path):
    turn(studio, "steps", 5)
    click(studio.buttons["run"])
    gate.begins(1)
    gate.let(2)
    gate.begins(3)
    click(studio.buttons["pause"])
    gate.let()
    until(lambda: status(studio).startswith("Paused."))
    before = studio.current.progress.state.parameters
    turn(studio, "alpha_beta", 1.0)
    turn(studio, "alpha_beta", 5.0)
    until(lambda: "change_alpha_beta" in studio.code.value and "5.0" in studio.code.value)
    until(lambda: status(studio).endswith("Step 3 of 5."))
    assert status(studio).startswith("Paused.") and studio.current.number == 3
    assert torch.equal(studio.current.progress.state.parameters, before)
    click(studio.buttons["pause"])
    gate.let(9)
    assert studio.wait(LONG) and studio.runner.state == FINISHED
    assert studio.current.number == 5 and studio.current.terms[0].weight == 5.0
    assert studio.current_recipe.changes == ((3, 5.0),)
    again = replayed(studio, tmp_path)
    assert torch.equal(again.image, studio.current.image)
    plain = dataclasses.replace(SHORT, steps=5).finish()
    assert not torch.equal(again.image, plain.image)


def test_the_ratio_turned_while_running_reaches_the_next_step(studio, gate, tmp_path):
    click(studio.buttons["run"])
    gate.begins(1)
    turn(studio, "alpha_beta", 5.0)
    gate.let()
    gate.begins(2)
    assert studio.current.terms[0].weight == 5.0 and studio.current_recipe.changes == ((1, 5.0),)
    gate.let(9)
    assert studio.wait(LONG) and torch.equal(replayed(studio, tmp_path).image, studio.current.image)


def test_a_ratio_that_is_none_does_not_reach_the_run(studio, gate):
    click(studio.buttons["run"])
    gate.begins(1)
    turn(studio, "alpha_beta", float("nan"))
    assert "The ratio α/β must be a number" in complaints(studio)["alpha_beta"]
    gate.let(9)
    assert studio.wait(LONG) and studio.runner.state == FINISHED and studio.current_recipe.changes == ()


class Doubled(stylelib.Content):
    """A content term with a loss of its own."""

    def losses(self, pictures, activations):
        return {name: 2 * loss for name, loss in super().losses(pictures, activations).items()}


class DoubledRecipe(Recipe):
    """With that term in the place of the content term."""

    def prepare(self, network=None, **arguments):
        run = super().prepare(network, **arguments)
        content, *others = run.terms
        run.change_terms([Doubled(content.net, content.image, content.layer, content.weight), *others])
        return run


def test_the_ratio_can_be_turned_in_a_run_with_a_content_term_of_yours(gate):
    studio = Studio(DoubledRecipe(size=64, steps=3, style_layers=("conv1_1",)))
    click(studio.buttons["run"])
    gate.begins(1)
    assert type(studio.current.terms[0]) is Doubled
    turn(studio, "alpha_beta", 5.0)
    gate.let()
    gate.begins(2)
    content = studio.current.terms[0]
    assert type(content) is Doubled and content.weight == 5.0
    assert type(studio.current_recipe) is DoubledRecipe and studio.current_recipe.changes == ((1, 5.0),)
    gate.let(9)
    assert studio.wait(LONG)
    studio.close()


def test_a_recipe_with_changes_is_made_again_as_it_was_until_something_is_turned():
    recipe = dataclasses.replace(SHORT, changes=((1, 5.0),))
    studio = Studio(recipe)
    assert studio.run().wait(LONG) and torch.equal(studio.current.image, recipe.finish().image)
    turn(studio, "alpha_beta", 1.0)
    assert studio.chosen() == dataclasses.replace(SHORT, alpha_beta=1.0)
    studio.close()


# -------------------------------------------------------------------------------------- closing, cells, several at once


def test_closing_ends_the_run_and_lets_go_of_its_pictures(gate):
    studio = Studio(SHORT)
    studio.run()
    gate.begins(1)
    runner = studio.runner
    studio.close()
    gate.let(9)
    assert runner.wait(LONG) and runner.state == STOPPED and runner.run.number == 1
    kept = weakref.ref(runner.run)
    studio.close()  # again is no mistake
    del studio, runner
    gc.collect()
    assert kept() is None


def test_a_cell_that_is_run_again_ends_the_studios_that_it_made_before(monkeypatch, gate):
    cell = ["one", "first execution"]
    monkeypatch.setattr(cells, "running_cell", lambda: tuple(cell))
    old = [Studio(SHORT).run(), Studio(SHORT).run()]  # two in one cell live together
    cell[0] = "two"
    elsewhere = Studio(SHORT).run()
    for _ in range(3):
        gate.begins(1)
    assert all(one.runner.active for one in (*old, elsewhere))
    cell[:] = "one", "second execution"
    new = Studio(SHORT)
    assert not any(one.runner.active for one in old) and elsewhere.runner.active
    gate.let(99)
    for one in (*old, elsewhere):
        assert one.wait(LONG)
    assert [one.runner.state for one in (*old, elsewhere)] == [STOPPED, STOPPED, FINISHED]
    new.close()
    elsewhere.close()


def test_outside_a_notebook_no_studio_ends_another():
    assert cells.running_cell() == (None, None)
    first, second = Studio(SHORT).run(), Studio(SHORT).run()
    assert first.wait(LONG) and second.wait(LONG) and first.runner.state == second.runner.state == FINISHED
    first.close()
    second.close()


def test_two_studios_at_once_give_the_same_pictures_as_alone():
    recipes = [SHORT, dataclasses.replace(SHORT, init="noise", seed=4, optimizer="adam", steps=4)]
    studios = [Studio(recipe).run() for recipe in recipes]
    for studio, recipe in zip(studios, recipes, strict=True):
        assert studio.wait(LONG) and torch.equal(studio.current.image, recipe.finish().image)
        assert f"all {recipe.steps} steps are done" in status(studio)
        studio.close()


KERNEL = """
import threading, time
from stylelib.recipes import Recipe
from stylelib.studio import Studio
def threads():
    return [one for one in threading.enumerate() if one.name == "stylelib run"]
"""
CELL = "studio = Studio(Recipe(size=64, steps=10**6, style_layers=('conv1_1',), optimizer='adam')).run()"


def test_in_a_kernel_other_cells_run_meanwhile_and_a_cell_run_again_ends_its_old_run():
    root = str(pathlib.Path(stylelib.__file__).parents[1])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    manager, client = jupyter_client.manager.start_new_kernel(env={**os.environ, "PYTHONPATH": path})

    def run(source, cell):
        """As a front end does that names its cells. Gives what was printed."""
        message = client.session.msg(
            "execute_request", {"code": source, "allow_stdin": False, "stop_on_error": True}, metadata={"cellId": cell}
        )
        client.shell_channel.send(message)
        printed = ""
        while True:
            said = client.get_iopub_msg(timeout=2 * LONG)
            if said["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if said["msg_type"] == "stream":
                printed += said["content"]["text"]
            assert said["msg_type"] != "error", said["content"]["evalue"]
            if said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
                return printed

    try:
        run(KERNEL, "a")
        run(CELL, "b")
        assert run("while not studio.current or studio.current.number < 2: time.sleep(.01)\nprint(len(threads()))", "c")
        assert run("old = studio; print(old.runner.active)", "c") == "True\n"
        run(CELL, "b")
        assert run("print(old.wait(30), old.runner.state, studio.runner.active, len(threads()))", "c") == (
            "True stopped True 1\n"
        )
        assert run("studio.close(); print(studio.wait(30), threads())", "c") == "True []\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# -------------------------------------------------------------------------------------------------------------- saving


@pytest.fixture
def finished(studio, tmp_path):
    assert all(button.disabled for button in studio.saving.buttons)  # nothing to save yet
    studio.saving.name.value = "mine"
    assert studio.run().wait(LONG)
    return studio


def test_a_recipe_of_a_run_that_was_stopped_gives_the_picture_as_it_was_then(studio, gate, tmp_path):
    turn(studio, "steps", 9)
    studio.run()
    gate.begins(1)
    gate.let(1)
    gate.begins(2)
    studio.stop()
    gate.let(1)
    assert studio.wait(LONG) and studio.current.number == 2
    gate.let(99)
    assert torch.equal(replayed(studio, tmp_path).image, studio.current.image)


def test_a_recipe_is_that_of_the_picture_and_not_of_what_was_turned_since(finished, tmp_path):
    turn(finished, "steps", 77)
    assert replayed(finished, tmp_path).number == 3


def test_a_picture_of_your_own_is_saved_with_the_recipe(studio, tmp_path):
    upload(studio, "style", picture_bytes("mosaic"))
    assert studio.run().wait(LONG)
    studio.saving.name.value = "mine"
    click(studio.saving.buttons[2])
    assert {path.name for path in tmp_path.iterdir()} == {"mine.json", "mine-style.jpg"}
    assert words(studio.saving.message).count("mine") == 2
    assert json.loads((tmp_path / "mine.json").read_text())["style"] == "mine-style.jpg"


def test_a_paused_run_can_be_saved_and_a_running_one_not(studio, gate, tmp_path):
    studio.saving.name.value = "mine"
    studio.run()
    gate.begins(1)
    assert all(button.disabled for button in studio.saving.buttons)
    studio.pause()
    gate.let()
    until(lambda: not studio.saving.buttons[0].disabled)
    assert studio.runner.state == PAUSED
    click(studio.saving.buttons[0])
    assert (tmp_path / "mine.png").exists()
    studio.stop()


# ------------------------------------------------------------------------------------------------------- what is shown


def test_each_step_reaches_the_display(studio, gate, monkeypatch):
    seen = []
    monkeypatch.setattr(studio.display, "show", lambda run, step=None, force=False: step and seen.append(step.number))
    studio.run()
    gate.let(9)
    assert studio.wait(LONG) and seen == [1, 2, 3]


def test_the_code_beside_the_controls_is_that_of_the_recipe(studio):
    assert words(studio.code) == f"The same in Python:{SHORT.code()}"
    turn(studio, "seed", 7)
    assert "seed=7" in words(studio.code)


def test_every_control_has_a_name_and_every_button_says_what_it_does(studio):
    # Each slider stands below a menu or a number that has a name and the same value.
    beside = [studio.display.slider, studio.controls["second_style"].share_slider]
    beside += [one.slider for one in studio.controls.values()]
    inputs = [one for one in widgets(studio) if hasattr(one, "disabled") and one not in beside]
    # values, share, uploads, paths, buttons, step, file name, buttons to save
    assert len(inputs) == 13 + 1 + 3 + 3 + 5 + 1 + 1 + 3
    for one in inputs:
        assert one.description.strip(), type(one)
        assert not isinstance(one, ipywidgets.Button | ipywidgets.FileUpload) or one.tooltip, one.description
    assert len({one.description for one in inputs}) == len(inputs)
    for picture in (studio.display.picture, studio.display.curves):
        assert picture.tooltip is None, "ipywidgets 8.1 cannot show an Image that has one"


@pytest.mark.parametrize("kind, missing", [("content", {"style", "style_layers"}), ("style", {"content"})])
def test_a_reconstruction_has_the_controls_that_it_uses(kind, missing):
    studio = Studio(Recipe(kind, size=64, steps=2, init="noise"))
    assert not (missing | {"alpha_beta"}) & set(studio.controls)
    assert studio.run().wait(LONG) and studio.runner.state == FINISHED
    studio.close()


def test_without_a_recipe_it_has_the_presets_size_and_steps(monkeypatch):
    monkeypatch.setenv("STYLELIB_PRESET", "quick")
    studio = Studio()
    assert (studio.chosen().size, studio.chosen().steps) == (64, 8) and list(studio.controls) == default_names(Recipe())
    studio.close()


# ------------------------------------------------------------------------------------------------ recordings and panels


@pytest.fixture(scope="module")
def recording(net):
    return recordings.make(SHORT, {"init": {"content": "content", "noise": "noise"}}, net)


@pytest.fixture
def with_recording(recording):
    studio = Studio(SHORT, recording.knobs, "What <does> it do?", recording)
    yield studio
    studio.close()


def test_what_can_be_saved_is_what_is_shown(with_recording):
    assert with_recording.run().wait(LONG) and not with_recording.saving.buttons[0].disabled
    turn(with_recording, "init", "noise")
    assert status(with_recording) == "Recorded step 3 of 3." and with_recording.saving.buttons[0].disabled


def test_a_recording_is_shown_until_a_run_is_started(with_recording, recording):
    assert with_recording.display.picture.value == recording.runs["content",].frames[3]
    assert status(with_recording) == "Recorded step 3 of 3."
    assert words(with_recording.display.caption).startswith("Recorded: compact")
    turn(with_recording, "init", "noise")
    assert with_recording.display.picture.value == recording.runs["noise",].frames[3]
    with_recording.display.menu.value = 0
    assert with_recording.display.picture.value == recording.runs["noise",].frames[0]
    assert with_recording.run().wait(LONG) and "Computed here" in words(with_recording.display.caption)
    with_recording.reset()
    assert with_recording.display.picture.value == recording.runs["content",].frames[3]


def test_a_page_that_runs_nothing_shows_a_strip_of_the_recording(with_recording, studio):
    bundle, metadata = with_recording._repr_mimebundle_()
    image = PIL.Image.open(io.BytesIO(base64.b64decode(bundle["image/jpeg"])))
    assert image.format == "JPEG" and image.width > 400
    assert "application/vnd.jupyter.widget-view+json" in bundle
    without = studio._repr_mimebundle_()[0]["image/jpeg"]
    assert metadata["image/jpeg"]["alt"], "told in words as well"
    assert without.startswith("/9j/") and without != bundle["image/jpeg"], "the pictures to start from"


def test_a_title_stands_above(with_recording):
    assert "<h3>What &lt;does&gt; it do?</h3>" in [getattr(one, "value", None) for one in with_recording.children]
