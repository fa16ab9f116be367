"""The row that saves: files, links to them, and what is refused."""

import base64
import dataclasses
import html
import json
import re
import tempfile

import PIL.Image
import pytest
import torch

import stylelib
from stylelib.figures import keep_every
from stylelib.recipes import Recipe
from stylelib.shell.again import picture_recipe
from stylelib.studio import saving

RECIPE = Recipe(size=64, steps=3, style_layers=("conv1_1", "conv2_1"))


@pytest.fixture(autouse=True)
def no_loading(net, monkeypatch):
    monkeypatch.setattr(saving, "cached_network", lambda name, pooling: net)


@pytest.fixture
def row(net, tmp_path, monkeypatch):
    """With a run to save, and a folder to save it in."""
    monkeypatch.chdir(tmp_path)
    row = saving.Saving()
    row.name.value = "mine"
    row.offer(RECIPE.prepare(net, keep_every=keep_every(RECIPE.steps)).finish(), RECIPE)
    return row


def words(row):
    return html.unescape(re.sub(r"<[^>]*>", "", row.message.value))


def alert(row):
    """The sentence that says what is wrong."""
    message = row.message.value
    assert message.startswith('<span role="alert">') and "<nowhere>" not in message
    return html.unescape(message.removeprefix('<span role="alert">').removesuffix("</span>"))


def test_there_is_nothing_to_save_at_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = saving.Saving()
    row.offer(None, RECIPE)
    for button in row.buttons:
        assert button.disabled
        button.click()
    assert row.message.value == "" and list(tmp_path.iterdir()) == []


def test_picture_animation_and_recipe_are_saved_and_offered_as_downloads(row, net, tmp_path):
    run = RECIPE.finish(net)
    kinds = {".png": "image/png", ".gif": "image/gif", ".json": "application/json"}
    for button, (ending, kind) in zip(row.buttons, kinds.items(), strict=True):
        assert not button.disabled
        button.click()
        data = (tmp_path / f"mine{ending}").read_bytes()
        assert words(row) == f"Saved: mine{ending}"
        assert f'download="mine{ending}" href="data:{kind};base64,' in row.message.value
        assert base64.b64encode(data).decode() in row.message.value
    saved = stylelib.load_image(tmp_path / "mine.png")
    assert (saved - run.image).abs().max() <= 0.5 / 255 + 1e-6
    with PIL.Image.open(tmp_path / "mine.gif") as animation:
        assert animation.n_frames == 4
    again = Recipe.load(tmp_path / "mine.json")
    assert again == RECIPE and torch.equal(again.finish(net).image, run.image)


def test_a_recipe_has_the_steps_that_were_done(row, net, tmp_path):
    longer = dataclasses.replace(RECIPE, steps=9)
    run = longer.prepare(net)
    next(run)
    row.offer(run, longer)
    row.buttons[2].click()
    assert json.loads((tmp_path / "mine.json").read_text())["steps"] == 1


def test_a_run_that_grows_keeps_the_steps_that_decide_when(row, net, tmp_path):
    growing = dataclasses.replace(RECIPE, steps=9, first_size=RECIPE.size // 2)
    run = growing.prepare(net)
    next(run)
    row.offer(run, growing)
    row.buttons[2].click()
    again = Recipe.load(tmp_path / "mine.json").prepare(net)
    assert torch.equal(next(again).image, run.image) and again.steps == 9


def test_every_picture_that_is_not_bundled_is_saved_with_the_recipe(row, net, tmp_path):
    own = dataclasses.replace(
        RECIPE, style=tuple(stylelib.bundled_images()[name].read_bytes() for name in ("mosaic", "woodcut"))
    )
    row.offer(own.finish(net), own)
    row.buttons[2].click()
    names = ["mine-style.jpg", "mine-style-2.jpg", "mine.json"]
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    assert words(row) == f"Saved: {', '.join(names)}"
    assert row.message.value.count('href="data:image/jpeg;base64,') == 2


NO_NAMES = [
    "../mine",
    "/tmp/mine",
    "~/mine",
    "~mine",
    ".mine",
    "a/b",
    "a\\b",
    "C:mine",
    "a\0b",
    "x" * 81,
    "<b>mine</b>",
]


@pytest.mark.fault(9)
@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_is_never_a_path(row, name, number, tmp_path):
    before = sorted(tmp_path.parent.rglob("*"))
    row.name.value = name
    row.buttons[number].click()
    assert alert(row).startswith("⚠ A file's name has at most 80 characters") and "<b>" not in row.message.value
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.mark.parametrize("name", ["", "  ", ".png"])
def test_a_file_needs_a_name(row, name):
    row.name.value = name
    row.buttons[0].click()
    assert alert(row) == "⚠ Give the file a name first."


@pytest.mark.fault(9)
def test_nothing_is_overwritten(row, tmp_path):
    for _ in range(3):
        row.buttons[0].click()
    assert words(row) == "Saved: mine-3.png"
    assert {path.name for path in tmp_path.iterdir()} == {"mine.png", "mine-2.png", "mine-3.png"}


@pytest.mark.fault(9)
def test_a_visitor_of_a_web_page_gets_downloads_and_leaves_no_file(row, tmp_path, monkeypatch):
    monkeypatch.setenv("VOILA_REQUEST_URL", "http://localhost/")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for button in row.buttons:
        button.click()
        assert words(row).startswith("Download: mine.") and 'download="mine' in row.message.value
    assert list(tmp_path.iterdir()) == []


def test_a_picture_carries_its_recipe(row, net):
    row.buttons[0].click()
    recipe, done = picture_recipe("mine.png")
    assert (recipe, done) == (RECIPE, 3) and torch.equal(recipe.finish(net).image, RECIPE.finish(net).image)


def test_an_ending_that_is_typed_is_not_doubled(row, tmp_path):
    row.name.value = "mine.png"
    row.buttons[0].click()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.png"]


def test_a_link_is_no_html_of_the_files_name(tmp_path):
    path = tmp_path / "a<b>.json"
    path.write_text("{}")
    assert "<b>" not in saving.download_link(path) and 'download="a&lt;b&gt;.json"' in saving.download_link(path)
