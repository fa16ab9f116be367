"""Pictures: whatever people have, read upright and in sRGB; saved whole or not at all; refused in one sentence."""

import contextlib
import hashlib
import http.server
import io
import os
import pathlib
import socket
import struct
import threading
import tracemalloc
import zlib

import numpy as np
import PIL.Image
import PIL.ImageCms
import pooch
import pytest
import torch

from stylelib import images
from stylelib.images import load_image, save_image, to_array, to_picture
from stylelib.support.errors import InputError
from stylelib.support.files import check_writable, write_atomically
from stylelib.support.gallery import bundled_images, fetch_paper_image

SRGB = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()


def colours(height=24, width=40, channels=3, seed=0):
    """Random pixels: any transposition, swap of channels or lost bit changes them."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    (image if isinstance(image, PIL.Image.Image) else PIL.Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def loaded(source, size=None):
    return to_array(load_image(source, size))


def grey(array):
    return np.repeat(array[..., None], 3, axis=2)


def sentence(call, *arguments, **options):
    """The message of the InputError that the call raises: one line, ended like a sentence."""
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message and message[-1] in ".?)", message
    return message


# ------------------------------------------------------------------------------------ kinds of sources


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


@pytest.mark.parametrize("name", ["riverside", "night_swirls", "grace_hopper"])
def test_a_bundled_picture_is_loaded_by_its_name(name):
    picture = load_image(name, 64)
    assert max(picture.shape) == 64
    assert torch.equal(picture, load_image(bundled_images()[name], 64))


def test_bundled_pictures_come_by_kind():
    content, style = bundled_images("content"), bundled_images("style")
    assert "riverside" in content and "night_swirls" in style
    assert not set(content) & set(style)
    assert set(content) | set(style) == set(bundled_images())


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


# ---------------------------------------------------------------------------- what Pillow's modes mean


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_mark_turns_a_picture_upright(orientation, kind):
    upright = colours()
    stored = {  # what a camera held that way writes down, by the EXIF standard: first row and first column of the scene
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    data = encoded(np.ascontiguousarray(stored), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    np.testing.assert_array_equal(loaded(data), upright)


def test_the_exif_mark_of_a_jpeg_counts_too():
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:, :16] = 255  # white on the left as stored: above, once turned
    array = loaded(encoded(stored, "JPEG", exif=exif))
    assert array.shape == (32, 16, 3)
    assert array[:12].min() > 240 and array[20:].max() < 15


def test_a_broken_exif_block_does_not_matter():
    np.testing.assert_array_equal(loaded(encoded(colours(), exif=b"Exif\0\0II*\0\xff\xff\xff\xff")), colours())


def test_a_palette_is_looked_up():
    image = PIL.Image.fromarray(colours()).quantize(16)
    np.testing.assert_array_equal(loaded(encoded(image)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_colour_of_a_palette_is_white(kind):
    image = PIL.Image.new("P", (16, 16), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 16, 8))
    array = loaded(encoded(image, kind, transparency=0))
    assert (array[8:] == 255).all() and (array[:8] == (0, 0, 255)).all()


def test_a_transparent_colour_of_an_rgb_png_is_white():
    array = np.zeros((16, 16, 3), np.uint8)
    array[:8] = (10, 20, 30)
    result = loaded(encoded(array, transparency=(10, 20, 30)))
    assert (result[:8] == 255).all() and (result[8:] == 0).all()


def test_one_bit_is_black_and_white():
    image = PIL.Image.fromarray(colours(channels=1)).convert("1")
    np.testing.assert_array_equal(loaded(encoded(image)), np.asarray(image.convert("RGB")))


def test_grey_is_three_equal_channels():
    np.testing.assert_array_equal(loaded(encoded(colours(channels=1))), grey(colours(channels=1)))


@pytest.mark.parametrize("opacity, shown", [(0, 255), (255, 100), (51, 224)])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "array"])
def test_transparency_is_laid_on_white(mode, opacity, shown):
    if mode == "array":
        source = np.full((16, 16, 4), 100, np.uint8)
        source[..., 3] = opacity
    else:
        source = encoded(PIL.Image.new(mode, (16, 16), (100, opacity) if mode == "LA" else (100, 100, 100, opacity)))
    assert (loaded(source) == shown).all()


@pytest.mark.parametrize("kind, byte_order", [("PNG", "<"), ("TIFF", "<"), ("TIFF", ">")])
def test_grey_of_16_bits_keeps_its_high_bits(kind, byte_order):
    values = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16) + 37
    image = PIL.Image.frombytes("I;16B" if byte_order == ">" else "I;16", (16, 16), values.astype(f"{byte_order}u2"))
    np.testing.assert_array_equal(loaded(encoded(image, kind)), grey((values / 257).round().astype(np.uint8)))


def test_rgb_of_16_bits_keeps_its_high_bits():
    values = colours(16, 16).astype(">u2") * 257  # Pillow writes none: a PNG by hand, rows without a filter
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    np.testing.assert_array_equal(loaded(png(16, 16, zlib.compress(rows), depth=16)), colours(16, 16))


@pytest.mark.parametrize("top", [1, 255, 65535])
def test_floating_point_tells_its_range_by_its_values(top):
    values = np.linspace(0, top, 256, dtype=np.float32).reshape(16, 16)
    result = loaded(encoded(PIL.Image.fromarray(values), "TIFF"))
    np.testing.assert_array_equal(result[..., 0].ravel(), range(256))


@pytest.mark.parametrize("factor", [1, 257])
def test_32_bit_integers_tell_their_range_by_their_values(factor):
    image = PIL.Image.fromarray(np.arange(256, dtype=np.int32).reshape(16, 16) * factor)
    assert image.mode == "I"
    np.testing.assert_array_equal(loaded(image)[..., 0].ravel(), range(256))


def test_floating_point_without_a_number_is_black_there():
    values = np.full((16, 16), 0.5, np.float32)
    values[0, 0] = np.nan
    result = loaded(PIL.Image.fromarray(values))
    assert (result[0, 0] == 0).all() and (result[1:] == 128).all()


@pytest.mark.parametrize("inks, red", [((0, 255, 255, 0), True), ((0, 0, 0, 255), False)])
def test_cmyk_jpegs_are_not_negatives(inks, red):
    data = encoded(PIL.Image.new("CMYK", (32, 32), inks), "JPEG", quality=95)
    assert b"Adobe" in data  # which means that the numbers in the file are inverted
    pixel = loaded(data)[16, 16]
    assert (pixel[0] > 200) == red and pixel[1:].max() < 60


def swapped_profile():
    """An sRGB profile whose red and green primaries have changed places: what it calls red is sRGB's green."""
    profile = bytearray(SRGB)
    count = struct.unpack(">I", profile[128:132])[0]
    entries = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "RGBA PNG", "palette PNG", "Pillow image"])
def test_an_icc_profile_is_converted_to_srgb(kind):
    image = PIL.Image.new("RGB", (16, 16), (255, 0, 0))
    if kind == "Pillow image":
        image.info["icc_profile"] = source = swapped_profile()
        source = image
    else:
        image = {"RGBA": image.convert("RGBA"), "palette": image.quantize(2)}.get(kind.split()[0], image)
        source = encoded(image, kind.split()[-1], icc_profile=swapped_profile())
    assert np.abs(loaded(source)[8, 8].astype(int) - (0, 255, 0)).max() <= 2


def test_an_srgb_profile_changes_nothing():
    assert np.abs(loaded(encoded(colours(), icc_profile=SRGB)).astype(int) - colours()).max() <= 1


def grey_profile():
    """A minimal ICC profile of grey with gamma 1, written by hand."""
    white, curve = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061), b"curv" + bytes(8)
    body = struct.pack(">I", 2) + b"wtpt" + struct.pack(">2I", 156, 20) + b"kTRC" + struct.pack(">2I", 176, 12)
    header = struct.pack(">I4sI4s4s4s", 188, b"\0" * 4, 0x02100000, b"mntr", b"GRAY", b"XYZ ") + bytes(12)
    header += b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    return header + body + white + curve


def test_a_grey_profile_of_gamma_1_brightens_a_grey_picture():
    pixel = loaded(encoded(np.full((16, 16), 55, np.uint8), icc_profile=grey_profile()))[8, 8]
    assert pixel.min() >= 125 and pixel.max() <= 131  # 55 / 255 of the light is sRGB's 128


LAB = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize("profile", [grey_profile(), LAB, SRGB[:200], b"rubbish"], ids=["grey", "Lab", "cut", "no"])
def test_a_profile_that_does_not_fit_is_passed_over(profile):
    np.testing.assert_array_equal(loaded(encoded(colours(), icc_profile=profile)), colours())


def test_of_an_animation_the_first_frame_is_taken():
    first, second = (PIL.Image.new("P", (16, 16), value) for value in (0, 1))
    for frame in (first, second):
        frame.putpalette([255, 0, 0, 0, 0, 255])
    data = encoded(first, "GIF", save_all=True, append_images=[second], duration=100)
    assert PIL.Image.open(io.BytesIO(data)).n_frames == 2
    assert (loaded(data) == (255, 0, 0)).all()


@pytest.mark.parametrize("kind, options", [("WEBP", {"lossless": True}), ("BMP", {}), ("TIFF", {}), ("PPM", {})])
def test_other_formats_are_read_too(kind, options):
    np.testing.assert_array_equal(loaded(encoded(colours(), kind, **options)), colours())


# ------------------------------------------------------------------------------------------------ size


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
    with pytest.warns(UserWarning, match=r"This array is 40 × 24: it keeps that size instead of .* 64") as caught:
        assert load_image(colours(), 64).shape[-2:] == (24, 40)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("size", [0, -1, 7, 1.5, 64.0, True, "256", float("nan"), [64]])
def test_a_size_that_is_none_is_refused(size):
    assert "whole number of at least 8" in sentence(load_image, colours(), size)


@pytest.mark.parametrize("shape, size", [((1, 1), None), ((4, 400), None), ((100, 4000), 64), ((4000, 100), 64)])
def test_a_picture_with_hardly_any_pixels_is_refused(shape, size):
    assert "the shorter side must be at least 8" in sentence(load_image, colours(*shape), size)


def test_a_long_strip_is_fine_as_long_as_pixels_are_left():
    assert load_image(colours(8, 2000), None).shape[-2:] == (8, 2000)


# ---------------------------------------------------------------------------------- what is no picture


def png(width, height, pixels, depth=8):
    """A PNG file of RGB by hand, so that it can claim whatever it likes."""
    chunks = [(b"IHDR", struct.pack(">2I5B", width, height, depth, 2, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_a_picture_that_claims_to_be_enormous_is_refused_before_it_eats_the_memory():
    bomb = png(60_000, 60_000, zlib.compress(bytes(1000)))
    tracemalloc.start()
    try:
        assert "save a smaller copy" in sentence(load_image, bomb, 64)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_picture_that_pillow_only_wonders_at_is_opened(monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 24 * 40 - 1)
    np.testing.assert_array_equal(loaded(encoded(colours())), colours())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_cut_off_file_is_refused(kind, share, tmp_path):
    data = encoded(colours(128, 128), kind)
    path = tmp_path / "cut.jpg"
    path.write_bytes(data[: int(share * len(data))])
    message = sentence(load_image, path)
    assert message.startswith(str(path)) and ("cut off" in message or "not a picture" in message)


def test_a_cut_off_file_that_was_opened_already_is_refused_as_well():
    data = encoded(colours(128, 128), "JPEG")
    assert "This picture is damaged or cut off" in sentence(load_image, PIL.Image.open(io.BytesIO(data[:3000])))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "JPEG2000"])
def test_no_damage_to_a_file_raises_anything_but_a_sentence(kind):
    whole, random = encoded(colours(), kind), np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(whole[: random.integers(1, len(whole) + 1)])
        for place in random.integers(0, len(damaged), 4):
            damaged[place] = random.integers(0, 256)
        with contextlib.suppress(InputError):  # anything else fails the test
            load_image(bytes(damaged))


@pytest.mark.parametrize(
    "name, content",
    [("empty.png", b""), ("text.jpg", b"Not a picture at all.\n" * 50), ("page.png", b"<!DOCTYPE html><html></html>")],
)
def test_a_file_that_is_no_picture_is_refused(name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    assert sentence(load_image, path) == f"{path} is not a picture in any format that Pillow reads."


@pytest.mark.parametrize(
    "source, said",
    [
        ("no/such/picture.jpg", "There is no file no/such/picture.jpg"),
        ("", "is a folder"),
        ("x" * 300, "too long"),
        ("~no_such_user_here/a.png", "home"),
        (b"", "This data is not a picture"),
        (None, "got NoneType"),
        (3, "got int"),
        (["riverside"], "got list"),
    ],
)
def test_a_source_that_leads_nowhere_is_named(source, said):
    assert said in sentence(load_image, source)


def test_a_folder_is_no_picture(tmp_path):
    assert "is a folder; name one picture in it" in sentence(load_image, tmp_path)


def test_a_misspelt_name_brings_a_suggestion():
    message = sentence(load_image, "riversid")
    assert "Did you mean 'riverside'?" in message and "night_swirls" in message


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    path = as_file(colours(), tmp_path)
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser may read everything, and Windows knows no such mark

        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(PIL.Image, "open", refuse)
    assert "may not be read by this user" in sentence(load_image, path)


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
    assert "divide by 255 first?" in sentence(load_image, torch.full((1, 3, 16, 16), 200.0))


# ------------------------------------------------------------------------------------- the conversions


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


# ---------------------------------------------------------------------------------------------- saving


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


def test_a_saved_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "ordinary").write_bytes(b"")
    path = save_image(to_picture(colours()), tmp_path / "picture.png")
    assert path.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


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


def test_a_folder_that_vanishes_while_a_run_goes_on_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="could not be written"), write_atomically(tmp_path / "gone" / "picture.png"):
        pass


@pytest.mark.parametrize(
    "name, said",
    [
        ("picture.gif", "must end in .png or .jpg or .jpeg"),
        ("picture", "must end in .png"),
        ("no/such/folder/picture.png", "does not exist; make it first"),
        ("x" * 300 + ".png", "too long"),
        ("folder.png", "is a folder; name a file in it"),
        ("file.txt/picture.png", "does not exist"),
    ],
)
def test_an_output_that_cannot_be_is_refused(name, said, tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.txt").write_text("")
    assert said in sentence(save_image, to_picture(colours()), tmp_path / name)
    assert said in sentence(check_writable, tmp_path / name, images.FORMATS)
    assert sorted(os.listdir(tmp_path)) == ["file.txt", "folder.png"]


def test_a_name_as_long_as_the_file_system_allows_is_fine(tmp_path):
    assert save_image(to_picture(colours()), tmp_path / ("x" * 240 + ".png")).is_file()


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    forbidden = pathlib.Path("/proc") if os.access(tmp_path, os.W_OK) else tmp_path  # the superuser may write anywhere
    try:
        if not forbidden.is_dir():
            pytest.skip("this user may write everywhere")
        assert "cannot be written" in sentence(check_writable, forbidden / "picture.png", (".png",))
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("picture", [None, np.zeros((16, 16, 3)), *TENSORS.values()])
def test_what_is_no_picture_is_not_saved(picture, tmp_path):
    sentence(save_image, picture, tmp_path / "picture.png")
    assert os.listdir(tmp_path) == []


# -------------------------------------------------------------------------------- the paper's pictures


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def server():
    """A server on this machine with one file; yields (its address, the requests it got)."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(encoded(colours()))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=[0.02], daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/tubingen.jpg", requests
        httpd.shutdown()


def publish(monkeypatch, url, sha256="0" * 64):
    monkeypatch.setitem(images.PAPER_IMAGES, "tubingen", (url, sha256, "a test"))


def test_a_picture_of_the_paper_is_fetched_once(empty_cache, server, monkeypatch):
    publish(monkeypatch, server[0], hashlib.sha256(encoded(colours())).hexdigest())
    first, second = fetch_paper_image("tubingen"), fetch_paper_image("tubingen")
    assert first == second and len(server[1]) == 1
    np.testing.assert_array_equal(loaded(first), colours())


def test_another_file_than_the_papers_is_not_kept(empty_cache, server, monkeypatch):
    publish(monkeypatch, server[0])
    message = sentence(fetch_paper_image, "tubingen")
    assert "SHA-256" in message and server[0] in message
    assert [path for path in empty_cache.rglob("*") if path.is_file()] == []


def test_offline_the_way_out_is_named(empty_cache, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/tubingen.jpg"
        publish(monkeypatch, url)
        message = sentence(fetch_paper_image, "tubingen")
    assert "connect to the internet" in message and f"save {url} yourself" in message


def test_the_papers_pictures_are_pinned():
    for url, sha256, _ in images.PAPER_IMAGES.values():
        assert url.startswith("https://") and len(sha256) == 64 and int(sha256, 16)
    assert "Did you mean 'tubingen'?" in sentence(fetch_paper_image, "tubinge")
