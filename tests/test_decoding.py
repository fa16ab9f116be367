"""Whatever Pillow reads becomes upright sRGB; everything else is refused in one sentence."""

import contextlib
import io
import os
import struct
import tracemalloc
import zlib

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from stylelib.images import load_image
from stylelib.support.errors import InputError
from tests.picture_files import colours, encoded, grey, loaded, png, sentence

SRGB = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()


def loaded_with_a_note(source):
    """What is transparent cannot be kept, so it is said."""
    with pytest.warns(UserWarning, match="has transparent parts; they count as white"):
        return loaded(source)


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


@pytest.mark.fault(24)
@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_colour_of_a_palette_is_white(kind):
    image = PIL.Image.new("P", (16, 16), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 16, 8))
    array = loaded_with_a_note(encoded(image, kind, transparency=0))
    assert (array[8:] == 255).all() and (array[:8] == (0, 0, 255)).all()


@pytest.mark.fault(24)
def test_a_transparent_colour_of_an_rgb_png_is_white():
    array = np.zeros((16, 16, 3), np.uint8)
    array[:8] = (10, 20, 30)
    result = loaded_with_a_note(encoded(array, transparency=(10, 20, 30)))
    assert (result[:8] == 255).all() and (result[8:] == 0).all()


def test_one_bit_is_black_and_white():
    image = PIL.Image.fromarray(colours(channels=1)).convert("1")
    np.testing.assert_array_equal(loaded(encoded(image)), np.asarray(image.convert("RGB")))


def test_grey_is_three_equal_channels():
    np.testing.assert_array_equal(loaded(encoded(colours(channels=1))), grey(colours(channels=1)))


@pytest.mark.fault(24)
@pytest.mark.parametrize("opacity, shown", [(0, 255), (255, 100), (51, 224)])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "array"])
def test_transparency_is_laid_on_white(mode, opacity, shown):
    if mode == "array":
        source = np.full((16, 16, 4), 100, np.uint8)
        source[..., 3] = opacity
    else:
        source = encoded(PIL.Image.new(mode, (16, 16), (100, opacity) if mode == "LA" else (100, 100, 100, opacity)))
    assert ((loaded if opacity == 255 else loaded_with_a_note)(source) == shown).all()


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
    assert sentence(load_image, path).startswith(f"{path} is not a picture in any format that stylelib reads")


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(colours()))
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser may read everything, and Windows knows no such mark

        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(PIL.Image, "open", refuse)
    assert "may not be read by this user" in sentence(load_image, path)
