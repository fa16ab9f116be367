"""Pictures: files, arrays and tensors are loaded as one kind of tensor, and saved completely or not at all."""

import io
import os

import numpy as np
import PIL.Image
import pytest
import torch

from stylelib.experiments import style_transfer
from stylelib.images import FORMATS, check_shape, load_image, save_image, to_array, to_jpeg, to_picture
from stylelib.support.errors import InputError
from tests.picture_files import colours, encoded, grey, loaded, sentence


def as_file(array, folder):
    path = folder / "picture.png"
    path.write_bytes(encoded(array))
    return path


SOURCES = {
    "a path": as_file,
    "a path as text": lambda array, folder: str(as_file(array, folder)),
    "bytes": lambda array, folder: encoded(array),
    "a bytearray": lambda array, folder: bytearray(encoded(array)),
    "a Pillow image": lambda array, folder: PIL.Image.fromarray(array),
    "an open Pillow file": lambda array, folder: PIL.Image.open(io.BytesIO(encoded(array))),
    "an array": lambda array, folder: array,
    "an array of int64": lambda array, folder: array.astype(np.int64),
    "an array of floats": lambda array, folder: array / 255,
    "an array of 16 bits": lambda array, folder: array.astype(np.uint16) * 257,
    "an opaque RGBA array": lambda array, folder: np.dstack([array, np.full_like(array[..., 0], 255)]),
    "a picture tensor": lambda array, folder: to_picture(array),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_of_source_gives_the_same_picture(kind, tmp_path):
    array = colours()
    picture = load_image(SOURCES[kind](array, tmp_path))
    assert (picture.shape, picture.dtype) == ((1, 3, 24, 40), torch.float32)
    np.testing.assert_array_equal(to_array(picture), array)


@pytest.mark.parametrize("array", [colours(channels=1), colours(channels=1)[..., None]], ids=["(H, W)", "(H, W, 1)"])
def test_grey_arrays_become_grey_pictures(array):
    np.testing.assert_array_equal(loaded(array), grey(array.reshape(24, 40)))


def test_an_array_of_truth_values_is_black_and_white():
    mask = colours(channels=1) > 127
    np.testing.assert_array_equal(loaded(mask), grey(mask * np.uint8(255)))


def test_floats_are_rounded_to_the_nearest_level():
    assert (loaded(np.full((16, 16), 100.7 / 255)) == 101).all()


def test_what_is_loaded_does_not_share_memory_with_its_source():
    array = colours()
    picture = load_image(array)
    picture.zero_()
    np.testing.assert_array_equal(array, colours())


@pytest.mark.parametrize(
    "width, height, size, wanted",
    [(120, 80, 60, (40, 60)), (80, 120, 60, (60, 40)), (100, 100, 64, (64, 64)), (101, 67, 64, (42, 64)),
     (120, 80, 120, (80, 120)), (120, 80, np.int64(60), (40, 60))],
)  # fmt: skip
def test_size_is_the_longer_side(width, height, size, wanted):
    assert load_image(colours(height, width), size).shape[-2:] == wanted


def test_a_fine_checkerboard_becomes_grey_when_it_is_made_small():
    board = np.indices((256, 256)).sum(axis=0) % 2 * np.uint8(255)
    small = loaded(board, 32)
    assert abs(int(small.min()) - 128) <= 3 and abs(int(small.max()) - 128) <= 3


def test_a_smaller_picture_keeps_its_size_and_says_so():
    with pytest.warns(UserWarning, match=r"is only 40 × 24 pixels and keeps that size .* 64") as caught:
        assert load_image(colours(), 64).shape[-2:] == (24, 40)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="keeps that size") as caught:
        style_transfer(colours(), colours(), "compact", 64)
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize("size", [0, -1, 7, 1.5, 64.0, True, "256", float("nan"), [64]])
def test_a_size_that_is_none_is_refused(size):
    assert "whole number of at least 8" in sentence(load_image, colours(), size)


@pytest.mark.parametrize("shape, size", [((1, 1), None), ((4, 400), None), ((100, 4000), 64), ((4000, 100), 64)])
def test_a_picture_with_hardly_any_pixels_is_refused(shape, size):
    assert "the shorter side must be at least 8" in sentence(load_image, colours(*shape), size)


def test_a_long_strip_is_fine_as_long_as_pixels_are_left():
    assert load_image(colours(8, 2000), None).shape[-2:] == (8, 2000)


@pytest.mark.parametrize(
    "source, said",
    [
        ("no/such/picture.jpg", "There is no file no/such/picture.jpg"),
        (b"", "This data is not a picture"),
        (None, "got NoneType"),
        (3, "got int"),
        (["riverside"], "got list"),
    ],
)
def test_a_source_that_is_no_picture_is_refused(source, said):
    assert said in sentence(load_image, source)


ARRAYS = {
    "channels first": np.zeros((3, 16, 16), np.uint8),
    "two channels": np.zeros((16, 16, 2), np.uint8),
    "four dimensions": np.zeros((1, 16, 16, 3), np.uint8),
    "no dimensions": np.array(5),
    "no pixels": np.zeros((0, 16, 3), np.uint8),
    "above 255": np.full((16, 16), 256),
    "negative": np.full((16, 16), -1),
    "floats above 1": np.full((16, 16), 255.0),
    "floats below 0": np.full((16, 16), -0.5),
    "not a number": np.full((16, 16), np.nan),
    "infinite": np.full((16, 16), np.inf),
    "complex": np.zeros((16, 16), complex),
    "objects": np.full((16, 16), None),
    "text": np.full((16, 16), "a"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_that_is_no_picture_is_refused(kind):
    assert "array" in sentence(load_image, ARRAYS[kind])


TENSORS = {
    "no batch": torch.zeros(3, 16, 16),
    "one channel": torch.zeros(1, 1, 16, 16),
    "two pictures": torch.zeros(2, 3, 16, 16),
    "no pixels": torch.zeros(1, 3, 0, 16),
    "integers": torch.zeros(1, 3, 16, 16, dtype=torch.uint8),
    "not a number": torch.full((1, 3, 16, 16), torch.nan),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_a_tensor_that_is_no_picture_is_refused(kind):
    sentence(load_image, TENSORS[kind])


def test_a_tensor_of_0_to_255_is_refused():
    assert "divide by 255 if" in sentence(load_image, torch.full((1, 3, 16, 16), 200.0))


def test_the_shape_alone_can_be_checked():
    dark = torch.full((1, 3, 8, 8), 300.0)
    assert check_shape(dark, "this") is dark
    with pytest.raises(InputError, match="This must have floating-point values"):
        check_shape(dark.int(), "this")


def test_all_256_values_survive_the_round_trip():
    array = np.arange(768, dtype=np.uint32).astype(np.uint8).reshape(16, 16, 3)
    np.testing.assert_array_equal(to_array(to_picture(array)), array)
    np.testing.assert_array_equal(loaded(to_picture(array)), array)


def test_values_outside_0_to_1_are_clipped_and_nothing_is_stretched():
    picture = torch.tensor([-0.2, 0.25, 1.7]).reshape(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert (to_array(picture) == (0, 64, 255)).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_pictures_of_another_precision_become_arrays_too(dtype):
    assert (to_array(torch.full((1, 3, 8, 8), 0.5, dtype=dtype, requires_grad=True)) == 128).all()


def test_a_jpegs_bytes_are_a_picture_of_at_most_that_size():
    smooth = load_image(np.linspace(0, 1, 64)[:, None, None] * np.ones((1, 48, 3)))
    assert np.abs(loaded(to_jpeg(smooth)).astype(int) - to_array(smooth)).max() < 8
    assert loaded(to_jpeg(smooth, size=32)).shape == (32, 24, 3)
    assert loaded(to_jpeg(smooth, size=500)).shape == (64, 48, 3)


def test_a_saved_png_is_exact(tmp_path):
    path = save_image(to_picture(colours()), tmp_path / "picture.PNG")
    np.testing.assert_array_equal(loaded(path), colours())


@pytest.mark.parametrize("ending", [".jpg", ".jpeg"])
def test_a_saved_jpeg_is_within_a_few_levels(ending, tmp_path):
    smooth = np.linspace(0, 1, 64)[:, None, None] * np.linspace(0, 1, 48)[None, :, None] * np.array([1, 0.6, 0.3])
    path = save_image(load_image(smooth), str(tmp_path / f"picture{ending}"))
    assert path.read_bytes()[:3] == b"\xff\xd8\xff"
    assert np.abs(loaded(path) - 255 * smooth).max() < 6


def test_a_saved_jpeg_keeps_its_colours_at_full_resolution(tmp_path):
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 255  # red and blue, a pixel wide
    result = loaded(save_image(load_image(stripes), tmp_path / "stripes.jpg"))
    assert np.abs(result.astype(int) - stripes).max() < 40


def test_saving_and_loading_change_nothing_in_the_callers_tensor(tmp_path):
    picture = torch.linspace(-0.5, 1.5, 3 * 16 * 16).reshape(1, 3, 16, 16)
    before = picture.clone()
    save_image(picture, tmp_path / "picture.png")
    load_image(picture.clamp(0, 1), 8)
    to_array(picture)
    assert torch.equal(picture, before)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("bug")])
def test_a_failure_in_the_middle_leaves_the_old_file_and_no_rubbish(error, tmp_path, monkeypatch):
    path = save_image(to_picture(colours(seed=1)), tmp_path / "picture.png")
    before = path.read_bytes()

    def fail_half_way(image, file, *_, **__):
        file.write(before[:100])
        raise error

    monkeypatch.setattr(PIL.Image.Image, "save", fail_half_way)
    with pytest.raises(InputError if isinstance(error, OSError) else type(error)) as caught:
        save_image(to_picture(colours(seed=2)), path)
    if isinstance(error, OSError):
        assert str(caught.value) == f"{path} could not be written (No space left on device)."
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["picture.png"]


@pytest.mark.parametrize(
    "name, said",
    [("picture.gif", "must end in .png or .jpg or .jpeg"), ("no/such/folder/picture.png", "does not exist")],
)
def test_an_output_that_cannot_be_is_refused(name, said, tmp_path):
    assert list(FORMATS) == [".png", ".jpg", ".jpeg"]
    assert said in sentence(save_image, to_picture(colours()), tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", [None, 3])
def test_what_is_no_path_is_refused(path):
    said = f"Give the path of a file, which ends in .png or .jpg or .jpeg; got {path}."
    assert sentence(save_image, to_picture(colours()), path) == said


@pytest.mark.parametrize("quality", [0, 101, -5, 80.0, "80", None, True])
def test_a_quality_is_a_whole_number_from_1_to_100(quality, tmp_path):
    for write in (save_image, lambda picture, path, quality: to_jpeg(picture, None, quality)):
        said = sentence(write, to_picture(colours()), tmp_path / "picture.jpg", quality)
        assert said == f"quality is a whole number from 1 to 100; got {quality!r}."
    assert os.listdir(tmp_path) == []
    save_image(to_picture(colours()), tmp_path / "picture.jpg", np.int64(80))


def test_a_name_as_long_as_the_file_system_allows_is_fine(tmp_path):
    assert save_image(to_picture(colours()), tmp_path / ("x" * 240 + ".png")).is_file()


@pytest.mark.parametrize("picture", [None, np.zeros((16, 16, 3)), *TENSORS.values()])
def test_what_is_no_picture_is_not_saved(picture, tmp_path):
    sentence(save_image, picture, tmp_path / "picture.png")
    assert os.listdir(tmp_path) == []
