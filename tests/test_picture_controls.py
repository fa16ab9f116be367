"""Controls for pictures: bundled ones and uploads, and the second style image with its share."""

import dataclasses
import datetime
import html
import io
import re

import ipywidgets
import PIL.Image
import pytest

import stylelib
from stylelib.recipes import Recipe
from stylelib.studio import picture_controls
from stylelib.studio.controls import apply_all, make_controls
from stylelib.studio.picture_controls import NONE, OWN, share_of_second

RECIPE = Recipe(size=64, steps=3, style="mosaic")
TWO = dataclasses.replace(RECIPE, style=("mosaic", "woodcut"))
SHARES = dataclasses.replace(TWO, style_weights=(0.6, 0.2))
THREE = dataclasses.replace(RECIPE, style=("mosaic", "woodcut", "stormy_sea"), style_weights=(0.6, 0.2, 0.1))


def complaint(control):
    """The sentence below a control."""
    return html.unescape(re.sub(r"<[^>]*>", "", control.complaint.value))


def upload(control, data, file="mine.jpg"):
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    one = {"name": file, "type": "image/jpeg", "size": len(data), "content": memoryview(data), "last_modified": now}
    control.upload.value = (one,)


def picture_bytes(name="valley"):
    buffer = io.BytesIO()
    PIL.Image.open(stylelib.bundled_images()[name]).resize((90, 70)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def controls():
    return make_controls(RECIPE)


# -------------------------------------------------------------------------------------------------------------- uploads


@pytest.mark.parametrize("data", [b"", b"no picture", picture_bytes()[:900]], ids=["empty", "text", "cut off"])
@pytest.mark.parametrize("name, before", [("content", "riverside"), ("style", "mosaic"), ("second_style", None)])
def test_a_damaged_upload_is_told_by_its_name_and_the_picture_of_before_stays(controls, data, name, before):
    control = controls[name]
    upload(control, data, "<holiday>.jpg")
    assert complaint(control).startswith("⚠ <holiday>.jpg: ")
    assert "<holiday>" not in control.complaint.value  # not as HTML
    assert control.value == before
    upload(control, picture_bytes())
    assert complaint(control) == "" and control.value == picture_bytes()


def test_an_upload_of_too_many_bytes_is_told(controls, monkeypatch):
    monkeypatch.setattr(picture_controls, "LARGEST_UPLOAD", 1_000)
    upload(controls["style"], picture_bytes())
    control = controls["style"]
    assert "mine.jpg: it has more than 0 MB" in complaint(control) and control.value == "mosaic"
    assert control.upload.value == (), "the button does not count it"


@pytest.mark.fault(2)
@pytest.mark.parametrize("setting, megabytes", [(None, 10), ("50000000", 50), ("70000000", 50), ("2000000", 2)])
def test_the_limit_that_holds_is_said_at_the_button(setting, megabytes, monkeypatch):
    """What the project's own settings of the server let through, else what every server lets through."""
    if setting is None:
        monkeypatch.delenv("STYLELIB_UPLOAD_LIMIT", raising=False)
    else:
        monkeypatch.setenv("STYLELIB_UPLOAD_LIMIT", setting)
    control = make_controls(Recipe())["content"]
    texts = [one.value for box in control.box.children if isinstance(box, ipywidgets.HBox) for one in box.children[1:]]
    assert texts == [f"<small>up to {megabytes} MB</small>"]


@pytest.mark.fault(2)
def test_a_larger_picture_is_named_by_its_path(controls, tmp_path):
    control, path = controls["content"], tmp_path / "large.png"
    path.write_bytes(picture_bytes())
    control.path.value = str(tmp_path / "missing.png")
    assert "missing.png" in complaint(control) and control.value == "riverside"
    control.path.value = str(path)
    assert complaint(control) == "" and control.value == str(path)


@pytest.mark.fault(9)
def test_a_visitor_of_a_web_page_cannot_name_a_path(monkeypatch):
    monkeypatch.setenv("VOILA_REQUEST_URL", "http://localhost/")
    control = make_controls(Recipe())["content"]
    assert control.path not in control.box.children
    control.path.value = __file__  # as a browser that was changed could say
    assert control.value == "riverside" and complaint(control) == ""


def test_another_upload_is_told_as_a_change(controls):
    seen = []
    controls["content"].on_change(lambda control: seen.append(control.value))
    upload(controls["content"], picture_bytes("valley"))
    upload(controls["content"], picture_bytes("still_life"), "another.jpg")
    assert seen[-1] == picture_bytes("still_life") and picture_bytes("valley") in seen
    controls["content"].widget.value = "riverside"
    controls["content"].widget.value = OWN
    assert controls["content"].value == picture_bytes("still_life")


def test_a_picture_that_cannot_be_loaded_is_refused_below_its_own_control():
    recipe = dataclasses.replace(RECIPE, style=("mosaic", "gone.jpg"))
    controls = make_controls(recipe)
    assert [name for name, control in controls.items() if not control.check(recipe)] == ["second_style"]
    assert "There is no file gone.jpg" in complaint(controls["second_style"])


def test_every_upload_button_says_what_it_is_for(controls):
    for name, what in (("content", "content image"), ("style", "style image"), ("second_style", "second style image")):
        assert controls[name].upload.description.startswith(f"Own {what.removesuffix(' image')}")
        assert controls[name].upload.tooltip == f"Upload a picture of your own as the {what}"


# ----------------------------------------------------------------------------------------------- the second style image


def test_there_is_no_second_style_image_at_first(controls):
    assert controls["second_style"].widget.description == "Second style image"
    assert controls["second_style"].widget.value == NONE and controls["second_style"].share_box.layout.display == "none"
    assert apply_all(RECIPE, controls) == RECIPE


def test_a_second_style_image_shares_the_weight_with_the_first(controls):
    controls["second_style"].widget.value = "woodcut"
    assert controls["second_style"].share_box.layout.display is None
    assert apply_all(RECIPE, controls) == TWO, "equal shares, as by default"
    seen = []
    controls["second_style"].on_change(seen.append)
    controls["second_style"].share_slider.value = 0.3
    assert seen == [controls["second_style"]]
    assert controls["second_style"].share.value == 0.3
    chosen = apply_all(RECIPE, controls)
    assert chosen == dataclasses.replace(TWO, style_weights=(0.7, 0.3))
    assert all(control.check(chosen) for control in controls.values())
    controls["style"].widget.value = "stormy_sea"
    assert apply_all(RECIPE, controls).style == ("stormy_sea", "woodcut")
    controls["second_style"].widget.value = NONE
    assert controls["second_style"].share_box.layout.display == "none"
    assert apply_all(RECIPE, controls) == dataclasses.replace(RECIPE, style="stormy_sea")


@pytest.mark.parametrize("recipe", [TWO, SHARES, THREE], ids=["equal shares", "weights", "three"])
def test_a_recipe_with_several_styles_is_shown_and_given_back_unchanged(recipe, controls):
    assert apply_all(recipe, make_controls(recipe)) == recipe
    for control in controls.values():
        control.show(recipe)
    assert controls["second_style"].share_box.layout.display is None
    assert controls["second_style"].share.value == share_of_second(recipe)


def test_the_share_keeps_what_both_styles_weigh_together_and_leaves_a_third_alone():
    controls = make_controls(THREE)
    assert controls["second_style"].share.value == 0.25
    controls["second_style"].share.value = 0.75
    assert apply_all(THREE, controls).style_weights == (0.2, 0.6, 0.1)
    controls["second_style"].widget.value = NONE
    without = apply_all(THREE, controls)
    assert without.style == ("mosaic", "stormy_sea") and without.style_weights == (0.6, 0.1)


@pytest.mark.parametrize("weights, share", [((), 0.5), ((1.0, 0.0), 0.0), ((0.0, 1.0), 1.0), ((0.0, 0.0), 0.5)])
def test_the_share_of_the_second_style(weights, share):
    recipe = dataclasses.replace(TWO, style_weights=weights)
    assert share_of_second(recipe) == share and apply_all(recipe, make_controls(recipe)) == recipe
    assert share_of_second(RECIPE) == 0.5


def test_an_upload_can_be_the_second_style_image(controls):
    upload(controls["second_style"], picture_bytes("composition"))
    chosen = apply_all(RECIPE, controls)
    assert chosen.style == ("mosaic", picture_bytes("composition"))
    assert "[" in chosen.code() and "style_2" in chosen.code()


def test_the_first_style_alone_can_be_a_knob_of_a_recipe_with_two():
    controls = make_controls(SHARES, ["style"])
    controls["style"].widget.value = "stormy_sea"
    assert apply_all(SHARES, controls) == dataclasses.replace(SHARES, style=("stormy_sea", "woodcut"))


def test_several_styles_can_be_one_choice_of_a_knob():
    controls = make_controls(TWO, {"style": {"one": "mosaic", "both": TWO.style}})
    assert controls["style"].value == TWO.style and apply_all(TWO, controls) == TWO
    controls["style"].widget.label = "one"
    assert apply_all(TWO, controls).style == "mosaic"
