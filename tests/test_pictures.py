"""The project's own pictures: enough of them, large enough, small enough as files, and nowhere flat."""

import importlib
import pathlib
import sys

import numpy as np
import PIL.Image
import pytest

from stylelib.support.gallery import bundled_images

MAKE = pathlib.Path(__file__).parent.parent / "tools" / "pictures"
OWN = {name: path for name, path in bundled_images().items() if name != "grace_hopper"}
STYLES = list(bundled_images("style"))


def load(name):
    return np.asarray(PIL.Image.open(OWN[name]).convert("RGB")).astype(float)


def blocks(picture, side):
    """Cut a picture (H, W, 3) into squares: (count, side × side, 3)."""
    height, width = (length // side * side for length in picture.shape[:2])
    cut = picture[:height, :width].reshape(height // side, side, width // side, side, 3)
    return cut.transpose(0, 2, 1, 3, 4).reshape(-1, side * side, 3)


def test_there_are_enough_and_they_are_small_files():
    assert len(bundled_images("content")) >= 4 + 1 and len(STYLES) >= 8
    assert max(path.stat().st_size for path in OWN.values()) < 250_000
    assert sum(path.stat().st_size for path in OWN.values()) < 6 * 2**20


@pytest.mark.parametrize("name", OWN)
def test_each_is_large_enough(name):
    with PIL.Image.open(OWN[name]) as image:
        assert max(image.size) >= 512 and min(image.size) >= 480 and image.mode == "RGB"


@pytest.mark.parametrize("name", STYLES)
def test_a_style_image_has_structure_everywhere_and_at_several_scales(name):
    """In nearly every square of 16 pixels something varies, and so do the means of larger squares."""
    picture = load(name)
    assert (blocks(picture, 16).std(axis=1).mean(axis=1) > 4).mean() > 0.9
    for side in (4, 16, 64):
        assert blocks(picture, side).mean(axis=1).std(axis=0).mean() > 15, side


def test_each_style_has_a_palette_of_its_own():
    """Mean and spread of the colours, six numbers a picture: no two pictures are near each other."""
    palettes = np.array([[*load(name).mean(axis=(0, 1)), *load(name).std(axis=(0, 1))] for name in STYLES])
    distances = np.linalg.norm(palettes[:, None] - palettes[None], axis=2)
    assert distances[~np.eye(len(STYLES), dtype=bool)].min() > 12


def test_the_town_at_night_is_the_same_town_dark_and_with_lights():
    """What Figure 7 needs: the houses stand where they stood, but most is dark and some of it shines."""
    day, night = load("riverside").mean(axis=2), load("riverside_night").mean(axis=2)
    assert night.mean() < 0.6 * day.mean() and (night > 180).mean() > 0.005
    houses = np.s_[190:330, 210:]  # without the tree in front, the sky and the water
    steps = [np.hypot(*np.gradient(np.log(picture[houses] + 10))).ravel() for picture in (day, night)]
    assert np.corrcoef(steps)[0, 1] > 0.3
    moved = np.hypot(*np.gradient(np.log(np.roll(night, 12, axis=1)[houses] + 10))).ravel()
    assert np.corrcoef(steps[0], moved)[0, 1] < 0.15


def test_the_stones_of_the_mosaic_can_be_seen_at_256_pixels():
    """A stone is 10 to 14 pixels wide there, and dark grout lies between it and the next."""
    with PIL.Image.open(OWN["mosaic"]) as image:
        image.thumbnail((256, 256), PIL.Image.Resampling.BOX)
        grey = np.asarray(image.convert("L")).astype(float)
    sky = grey[8:56, 4:100] - grey[8:56, 4:100].mean()
    spectrum = np.abs(np.fft.rfft2(sky * np.outer(np.hanning(48), np.hanning(96)))) ** 2
    period = 1 / np.maximum(np.hypot(np.fft.fftfreq(48)[:, None], np.fft.rfftfreq(96)[None]), 1e-9)
    wide = np.array([spectrum[(period >= low) & (period < low * 1.4)].mean() for low in (3, 5, 9.5, 16)])
    assert wide.argmax() == 2, wide


@pytest.fixture
def make(monkeypatch):
    monkeypatch.syspath_prepend(str(MAKE))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(MAKE) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_the_code_beside_them_paints_the_same_picture_for_the_same_seed(make):
    paint = make("night_swirls").paint
    first, again, other = (np.asarray(paint(160, 120, seed)) for seed in (3, 3, 4))
    assert first.shape == (120, 160, 3)
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_every_picture_has_its_code():
    assert {path.stem for path in MAKE.glob("*.py")} >= set(OWN)
