"""A picture carries its recipe: `again` makes it anew, or says what is missing."""

import dataclasses
import json
import pathlib

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest
import torch

import stylelib
from stylelib import InputError, Recipe
from stylelib.images import save_image, to_array
from stylelib.recipes import change_alpha_beta
from stylelib.shell.again import picture_recipe, replay
from stylelib.storage import carried
from stylelib.support.picture_text import text_of
from stylelib.sweeps import sweep

LAYERS = {"content_layer": "conv2_1", "style_layers": ("conv1_1", "conv2_1")}
SMALL = ["--network", "compact", "--device", "cpu", "--size", "40", "--content-layer", "conv2_1"]
SIZE = [*SMALL, "--style-layers", "conv1_1,conv2_1", "--first-size", "20", "--steps", "4"]


@pytest.fixture(autouse=True)
def own_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    save_image(stylelib.load_image("still_life", 60), "photos/mine.png")
    save_image(stylelib.load_image("mosaic", 60), "style.jpg")


def pixels(path):
    with PIL.Image.open(path) as image:
        return np.asarray(image)


def carry(path, text):
    save_image(stylelib.load_image("still_life", 60), path, text=text)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_picture_is_made_again(ending, call, tmp_path):
    made, anew = f"made.{ending}", f"anew.{ending}"
    assert call("transfer", "photos/mine.png", "style.jpg", "woodcut", *SIZE, "-o", made)[0] == 0
    code, out, err = call("again", made, "-o", anew)
    assert (code, err) == (0, "") and (pixels(made) == pixels(anew)).all()
    assert text_of(made) == text_of(anew)
    if ending == "png":
        assert f"It is the same picture as {made}, in every pixel." in out
    else:
        assert "a JPEG is not stored exactly" in out


def test_it_can_take_the_place_of_the_picture(call):
    call("content", "riverside", *SMALL, "--steps", "2", "-o", "made.png")
    before = pixels("made.png")
    code, out, _ = call("again", "made.png", "-o", "made.png")
    assert code == 0 and "in every pixel" in out and (pixels("made.png") == before).all()


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_run_that_was_stopped_is_made_again_up_to_there(done, call):
    """At its first size, too; with a change of α/β just before it was saved."""
    recipe = Recipe(size=40, first_size=20, steps=6, changes=((1, 1.0), (3, 0.02)), **LAYERS)
    run = recipe.prepare()
    for _ in replay(recipe, run, done):
        pass
    assert run.number == done
    by_hand = dataclasses.replace(recipe, changes=()).prepare()
    while by_hand.number < done:
        if by_hand.number == 1:
            change_alpha_beta(by_hand, 1.0)
        next(by_hand)
    for number, alpha_beta in recipe.changes:
        if number == done:
            change_alpha_beta(by_hand, alpha_beta)
    assert torch.equal(run.image, by_hand.image)
    save_image(run.image, "made.png", text=carried.to_text(recipe, run))
    code, out, _ = call("again", "made.png", "-o", "anew.png")
    assert code == 0 and "in every pixel" in out


def test_a_sweep_s_pictures_can_be_made_again_too(call):
    recipe = Recipe(content="photos/mine.png", size=32, steps=2, **LAYERS)
    (result,) = sweep(recipe, "sweep", workers=1)
    code, out, _ = call("again", result.path, "-o", "anew.png")
    assert code == 0 and "in every pixel" in out


def test_the_text_has_no_folders_of_others(tmp_path, monkeypatch):
    """Only those below the folder that the program was started in."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    own = {"content": str(tmp_path / "photos" / "mine.png"), "style": (tmp_path / "style.jpg").read_bytes()}
    recipe = Recipe(**own, size=32, steps=1, **LAYERS)
    content = json.loads(carried.to_text(recipe, recipe.prepare()))
    assert content["content"] == "mine.png" and content["style"] == "" and str(tmp_path) not in json.dumps(content)


def test_inputs_that_moved_are_found_by_their_content(call, tmp_path):
    call("transfer", "photos/mine.png", "style.jpg", *SIZE, "-o", "made.png")
    attic = tmp_path / "attic"
    attic.mkdir()
    pathlib.Path("photos/mine.png").rename(attic / "renamed.png")
    code, _, err = call("again", "made.png", "-o", "anew.png")
    assert code == 2 and "mine.png, the content image of made.png, is not in" in err and "--pictures" in err
    assert not pathlib.Path("anew.png").exists()
    code, out, _ = call("again", "made.png", "--pictures", attic, "-o", "anew.png")
    assert code == 0 and "in every pixel" in out
    code, _, err = call("again", "made.png", "--pictures", "nowhere", "-o", "anew.png")
    assert code == 2 and "There is no folder nowhere" in err


def test_an_input_that_has_changed_is_named(call):
    call("transfer", "photos/mine.png", "style.jpg", *SIZE, "-o", "made.png")
    save_image(stylelib.load_image("riverside", 60), "photos/mine.png")
    code, _, err = call("again", "made.png", "-o", "anew.png")
    assert code == 2 and "mine.png, the content image of made.png, has changed since" in err


def test_an_upload_that_is_nowhere_is_named(call):
    recipe = Recipe(content=pathlib.Path("photos/mine.png").read_bytes(), size=32, steps=1, **LAYERS)
    pathlib.Path("photos/mine.png").unlink()
    run = recipe.finish()
    save_image(run.image, "made.png", text=carried.to_text(recipe, run))
    code, _, err = call("again", "made.png", "-o", "anew.png")
    assert code == 2 and "The content image of made.png, which was uploaded, is not in" in err


@pytest.mark.filterwarnings("default")
def test_another_network_is_noted(call):
    call("transfer", "riverside", "mosaic", *SIZE, "-o", "made.png")
    text = json.loads(text_of("made.png"))
    carry("made.png", json.dumps(text | {"network_fingerprint": "other"}))
    code, out, err = call("again", "made.png", "-o", "anew.png")
    assert code == 0 and "Note: The weights of compact are not the ones that made.png was made with" in err
    assert "size" in out
    carry("made.png", json.dumps(text | {"network": "mine"}))
    code, _, err = call("again", "made.png", "-o", "anew.png")
    assert code == 2 and "There is no network 'mine'" in err


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "carries no recipe"),
        ("Created with GIMP", "carries no recipe"),
        ("{}", "is not a recipe, or it is damaged"),
        ("{", "is not a recipe, or it is damaged"),
        ("[" * 100_000, "carries no recipe"),
        ('{"format":' * 20_000, "is not a recipe, or it is damaged"),
        ('{"format": 2}', "was made by a newer version"),
    ],
)
def test_a_picture_without_a_recipe_is_one_sentence(text, sentence, call):
    carry("made.png", text)
    code, _, err = call("again", "made.png", "-o", "anew.png")
    assert code == 2 and sentence in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"content": "../secret.png"},
        {"content": "/etc/hostname"},
        {"content": ["photos/mine.png", "style.jpg"]},
        {"content": 3},
        {"pictures": {"content": None}},
        {"pictures": []},
        {"steps_done": "many"},
        {"style": []},
    ],
)
def test_a_recipe_that_someone_has_changed_reaches_no_other_file(change, call):
    call("transfer", "photos/mine.png", "style.jpg", *SIZE, "-o", "made.png")
    carry("made.png", json.dumps(json.loads(text_of("made.png")) | change))
    code, _, err = call("again", "made.png", "-o", "anew.png")
    assert code in (0, 2) and "Traceback" not in err
    if code == 0:  # the content is found under its own name, by what is in it
        assert to_array(stylelib.load_image("anew.png")).shape


def test_other_files_are_one_sentence(call):
    for name, sentence in (("missing.png", "There is no picture"), ("text.png", "is not a PNG or JPEG file")):
        pathlib.Path("text.png").write_text("text")
        code, _, err = call("again", name, "-o", "anew.png")
        assert code == 2 and sentence in err


def test_a_text_that_is_too_long_is_left_out():
    changes = tuple((step, 0.5) for step in range(6000))
    recipe = Recipe(size=32, steps=6001, changes=changes, **LAYERS)
    assert carried.to_text(recipe, recipe.prepare()) == ""
    with pytest.raises(InputError, match="carries no recipe"):
        carry("made.jpg", carried.to_text(recipe, recipe.prepare()))
        picture_recipe("made.jpg")
