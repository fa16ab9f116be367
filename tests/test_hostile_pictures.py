"""Pictures that were made to do harm, or that a picture program would not open: no program is started, little memory is
used, pixels decide over metadata, and every refusal names the file's kind and the way out."""

import io
import os
import struct
import subprocess
import sys
import threading
import zlib

import numpy as np
import PIL.Image
import pytest

from stylelib.images import load_image
from tests.picture_files import colours, encoded, loaded, png, sentence

LOOP = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n{ } loop\nshowpage\n%%EOF\n"
DOS = b"\xc5\xd0\xd3\xc6" + struct.pack("<6I", 32, len(LOOP), 0, 0, 0, 0) + bytes(4)
WMF = b"\xd7\xcd\xc6\x9a" + struct.pack("<HhhhhHIH", 0, 0, 0, 640, 640, 96, 0, 0) + bytes(60)
PROGRAMS = {
    "a PostScript loop named holiday.jpg": ("holiday.jpg", LOOP, "PostScript"),
    "EPS with a DOS header": ("figure.eps", DOS + LOOP, "PostScript"),
    "a Windows metafile": ("drawing.png", WMF, "Windows metafile"),
    "PDF": ("page.png", b"%PDF-1.7\n1 0 obj\n<< /OpenAction << /S /Launch /F (calc) >> >>\n", "PDF"),
    "SVG": ("logo.png", b'<?xml version="1.0"?><svg><script>while(1);</script></svg>', "SVG"),
    "GIMP's": ("layers.xcf", b"gimp xcf v011\0" + bytes(40), "GIMP"),
}  # fmt: skip


@pytest.fixture
def traps(tmp_path, monkeypatch):
    """Programs that a decoder might start; they leave a mark."""
    mark = tmp_path / "started"
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gs", "gswin32c", "gswin64c", "inkscape", "convert", "magick", "xdg-open", "gunzip"):
        trap = folder / name
        trap.write_text(f"#!/bin/sh\ntouch {mark}\nexit 0\n")
        trap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # Pillow looks for the program once
    return mark


@pytest.mark.fault(1)
@pytest.mark.fault(16)
@pytest.mark.parametrize("kind", PROGRAMS)
@pytest.mark.parametrize("way", ["path", "bytes"])
def test_a_file_that_is_a_program_is_refused_by_its_name_and_starts_nothing(kind, way, traps, tmp_path):
    name, content, said = PROGRAMS[kind]
    path = tmp_path / name
    path.write_bytes(content)
    message = sentence(load_image, path if way == "path" else content)
    assert said in message and "export" in message
    assert not traps.exists()


@pytest.mark.fault(1)
def test_a_pillow_image_that_would_start_a_program_when_loaded_is_refused(traps):
    assert "is not made of pixels" in sentence(load_image, PIL.Image.open(io.BytesIO(LOOP)))
    assert not traps.exists()


@pytest.mark.fault(1)
def test_pillow_alone_would_start_one(traps):
    """The control: without the list of formats the trap above springs."""
    if sys.platform == "win32":
        pytest.skip("the traps are shell scripts")
    with pytest.raises(Exception):  # noqa: B017  # the trap draws nothing
        PIL.Image.open(io.BytesIO(LOOP)).load()
    assert traps.exists()


def with_chunks(data, *chunks):
    """A PNG with chunks after its header."""
    packed = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body) ^ wrong)
        for name, body, wrong in chunks
    )
    return data[:33] + packed + data[33:]


def with_segment(data, marker, body):
    """A JPEG with a segment after its start."""
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


TEXT = b"Comment\0\0" + zlib.compress(b"a" * 3_000_000)
PNG, JPEG = encoded(colours()), encoded(np.full((24, 40, 3), 90, np.uint8), "JPEG")
METADATA = {
    "PNG, 3 MB of text": with_chunks(PNG, (b"zTXt", TEXT, 0)),
    "PNG, 100 texts of 1 MB": with_chunks(PNG, *[(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(10**6)), 0)] * 100),
    "PNG, text that is cut": with_chunks(PNG, (b"iTXt", b"Comment\0\1\0\0\0" + TEXT[9:40], 0)),
    "PNG, a text with a wrong checksum": with_chunks(PNG, (b"tEXt", b"a\0b", 1)),
    "PNG, a profile of 5 MB": with_chunks(PNG, (b"iCCP", b"p\0\0" + zlib.compress(bytes(5_000_000)), 0)),
    "PNG, a resolution that is cut": with_chunks(PNG, (b"pHYs", b"\0\1", 0)),
    "PNG, EXIF that is nonsense": with_chunks(PNG, (b"eXIf", b"II*\0\xff\xff\xff\xff", 0)),
    "PNG, an animation's chunk that is cut": with_chunks(PNG, (b"acTL", b"\0", 0)),
    "JPEG, EXIF that is nonsense": with_segment(JPEG, 0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "JPEG, a profile that is cut": with_segment(JPEG, 0xE2, b"ICC_PROFILE\0\1\2" + bytes(40)),
    "JPEG, a list of pictures that is nonsense": with_segment(JPEG, 0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
    "JPEG, Photoshop's data that is cut": with_segment(JPEG, 0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0"),
    "JPEG, Adobe's mark that is cut": with_segment(JPEG, 0xEE, b"Adobe\0"),
    "JPEG, a comment of 64 kB": with_segment(JPEG, 0xFE, bytes(65_000)),
    "WebP, EXIF that is nonsense": encoded(colours(), "WEBP", lossless=True, exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "GIF, a comment of 1 MB": encoded(PIL.Image.fromarray(colours()).quantize(16), "GIF", comment=bytes(10**6)),
}


@pytest.mark.fault(15)
@pytest.mark.parametrize("kind", METADATA)
def test_pixels_decide_and_metadata_do_not(kind):
    data = METADATA[kind]
    expected = {"P": colours(), "J": np.asarray(PIL.Image.open(io.BytesIO(JPEG))), "W": colours()}.get(kind[0])
    if kind.startswith("GIF"):
        expected = np.asarray(PIL.Image.fromarray(colours()).quantize(16).convert("RGB"))
    np.testing.assert_array_equal(loaded(data), expected)


def tiff(entries, data=b""):
    """A TIFF of one directory: (tag, type, value)."""
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + bytes(4) + data


RAW = [(254, 4, 1), (256, 4, 16), (257, 4, 16), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 200), (279, 4, 256)]
STRANGE = [(256, 4, 16), (257, 4, 16), (258, 3, 8), (259, 3, 1), (262, 3, 77), (273, 4, 200), (279, 4, 256)]
BMP = (
    b"BM"
    + struct.pack("<IHHI", 200, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 16, 16, 1, 24, 9, 0, 0, 0, 0, 0)
    + bytes(99)
)
THREE = {  # kind: (bytes, what is said)
    "PNG, cut off": (PNG[:200], "damaged or cut off"),
    "PNG, a header alone": (PNG[:20], "damaged or cut off"),
    "JPEG, cut off": (encoded(colours(128, 128), "JPEG")[:2000], "damaged or cut off"),
    "BMP, an unknown compression": (BMP, "of a rare kind that is not supported"),
    "TIFF, unknown colours": (tiff(STRANGE, bytes(400)), "of a rare kind that is not supported"),
    "PNG of 3600 million pixels": (png(60_000, 60_000, zlib.compress(bytes(1000))), "that are safe to open"),
    "PNG a pixel wide": (encoded(np.zeros((2000, 1), np.uint8)), "the shorter side must be at least 8"),
}  # fmt: skip


@pytest.mark.fault(15)
@pytest.mark.parametrize("kind", THREE)
def test_damaged_not_supported_and_beyond_a_limit_are_three_sentences(kind):
    data, said = THREE[kind]
    message = sentence(load_image, data)
    assert said in message
    assert sum(words in message for words in ("damaged", "not supported", "safe to open", "at least 8")) == 1


def container(brand):
    return struct.pack(">I4s4s", 24, b"ftyp", brand) + bytes(12) + bytes(100)


OTHERS = {
    "HEIC": (container(b"heic"), "HEIC, as iPhones save it", "pillow-heif"),
    "HEIC of several": (container(b"mif1"), "HEIC", "export it as JPEG"),
    "a video": (container(b"isom"), "a video", "save one of its frames"),
    "a video of QuickTime": (container(b"qt  "), "a video", "save one of its frames"),
    "a video of Matroska": (b"\x1aE\xdf\xa3" + bytes(99), "a video", "save one of its frames"),
    "Canon's raw file": (container(b"crx "), "camera's raw file", "export it as JPEG"),
    "Fujifilm's raw file": (b"FUJIFILMCCD-RAW 0201" + bytes(99), "camera's raw file", "export it as JPEG"),
    "a raw file in a TIFF": (tiff(RAW, bytes(600)), "camera's raw file", "export it as JPEG"),
    "JPEG XL": (b"\xff\x0a" + bytes(99), "JPEG XL", "export it as PNG or JPEG"),
    "OpenEXR": (b"v/1\x01" + bytes(99), "OpenEXR", "export it as PNG or JPEG"),
    "Radiance": (b"#?RADIANCE\n" + bytes(99), "Radiance HDR", "export it as PNG or JPEG"),
    "DjVu": (b"AT&TFORM" + bytes(99), "DjVu", "export it as PNG or JPEG"),
    "a Word document": (b"PK\3\4" + bytes(99), "a zip archive, or a document", "export the picture"),
    "a packed SVG": (b"\x1f\x8b" + bytes(99), "packed with gzip", "unpack it first"),
    "a plain SVG": (b"<svg width='9' height='9'/>" + bytes(99), "SVG, a drawing", "export it as PNG or JPEG"),
    "a web page": (b"<!DOCTYPE html><html></html>", "not a picture in any format", "PNG, JPEG, WebP"),
}


@pytest.mark.fault(16)
@pytest.mark.parametrize("kind", OTHERS)
def test_each_kind_of_file_is_refused_by_its_name_with_a_way_out(kind, monkeypatch):
    data, said, way_out = OTHERS[kind]
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as where it is not installed
    monkeypatch.delitem(PIL.Image.OPEN, "HEIF", raising=False)
    message = sentence(load_image, data)
    assert said in message and way_out in message and "damaged" not in message


@pytest.mark.fault(16)
def test_heic_is_read_where_its_package_is_installed(monkeypatch):
    """A stand-in for the package, which registers an opener of Pillow's in the same way."""

    class Opener(PIL.ImageFile.ImageFile):
        format = "HEIF"

        def _open(self):
            self._size, self._mode, self.tile = (16, 16), "RGB", []

        def load(self):
            self.im = PIL.Image.new("RGB", (16, 16), (9, 80, 200)).im

    class Package:
        @staticmethod
        def register_heif_opener():
            PIL.Image.register_open("HEIF", Opener, lambda start: start[4:12] == b"ftypheic")

    monkeypatch.delitem(PIL.Image.OPEN, "HEIF", raising=False)
    monkeypatch.setitem(sys.modules, "pillow_heif", Package)
    try:
        assert (loaded(container(b"heic")) == (9, 80, 200)).all()
    finally:
        PIL.Image.OPEN.pop("HEIF", None)
        PIL.Image.ID[:] = [name for name in PIL.Image.ID if name != "HEIF"]


def wide(channels, colour_type, depth=8, side=6000):
    """A PNG of 36 million equal pixels in a few kilobytes."""
    packer = zlib.compressobj()
    row = b"\0" + bytes(side * channels * depth // 8)
    pixels = b"".join(packer.compress(row * 100) for _ in range(side // 100)) + packer.flush()
    chunks = [
        (b"IHDR", struct.pack(">2I5B", side, side, depth, colour_type, 0, 0, 0)),
        (b"IDAT", pixels),
        (b"IEND", b""),
    ]
    if colour_type == 3:
        chunks.insert(1, (b"PLTE", bytes(48)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


MEASURE = """
import sys, threading, time, warnings, psutil
import stylelib
warnings.simplefilter("ignore")
process, peak, over = psutil.Process(), [0], []
def watch():
    while not over:
        peak[0] = max(peak[0], process.memory_info().rss)
        time.sleep(0.002)
stylelib.load_image("riverside", 64)
before = process.memory_info().rss
watcher = threading.Thread(target=watch)
watcher.start()
picture = stylelib.load_image(sys.argv[1], 64)
over.append(1)
watcher.join()
assert max(picture.shape[-2:]) == 64
print(max(0, peak[0] - before))
"""
ABOVE = 150_000_000  # bytes above the decoded picture: a strip, its copies, and the decoder's own
LARGE = {  # kind: (bytes of the decoded picture, how to make the file)
    "PNG, 16-bit grey": (2 * 36_000_000, lambda path: path.write_bytes(wide(1, 0, depth=16))),
    "PNG, RGBA": (4 * 36_000_000, lambda path: path.write_bytes(wide(4, 6))),
    "PNG, palette": (36_000_000, lambda path: path.write_bytes(wide(1, 3))),
    "TIFF, floating-point": (4 * 16_000_000, lambda path: PIL.Image.new("F", (4000, 4000)).save(path, "TIFF")),
    "JPEG": (1, lambda path: PIL.Image.new("RGB", (12_000, 5000)).save(path, "JPEG")),
}


@pytest.mark.fault(8)
@pytest.mark.parametrize("kind", LARGE)
def test_a_small_picture_of_a_large_file_needs_little_more_than_the_decoded_pixels(kind, tmp_path):
    own, make = LARGE[kind]
    make(tmp_path / "large")
    assert (tmp_path / "large").stat().st_size < 70_000_000
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "large"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout.split()[-1]) < own + ABOVE


@pytest.mark.fault(8)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "I;16", "F", "CMYK", "1"])
def test_a_picture_in_strips_is_the_same_as_in_one_piece(mode, monkeypatch):
    array = colours(301, 203)
    image = PIL.Image.fromarray(array)
    if mode == "I;16":
        image = PIL.Image.fromarray(array[..., 0].astype(np.uint16) * 257)
    elif mode == "P":
        image = image.quantize(200)
    elif mode != "RGB":
        image = image.convert(mode)
    whole = {size: load_image(image, size) for size in (20, 50, None)}
    monkeypatch.setattr("stylelib.support.decoding.STRIP", 203 * 7)
    for size, picture in whole.items():
        np.testing.assert_array_equal(load_image(image, size), picture)


@pytest.mark.fault(8)
def test_a_large_jpeg_made_smaller_by_its_decoder_looks_the_same(tmp_path, monkeypatch):
    smooth = np.outer(np.linspace(0, 255, 900), np.ones(1300))[..., None] * (1, 0.5, 0.2)
    data = encoded(smooth.astype(np.uint8), "JPEG", quality=95)
    expected = load_image(data, 64)
    monkeypatch.setattr("stylelib.support.decoding.LARGE", 1000)
    found = load_image(data, 64)
    assert found.shape == expected.shape and (found - expected).abs().max() < 0.02


@pytest.mark.fault(14)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names need Unix")
def test_a_pipe_or_a_device_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "picture.jpg")
    done = []
    waiting = threading.Thread(target=lambda: done.append(sentence(load_image, tmp_path / "picture.jpg")), daemon=True)
    waiting.start()
    waiting.join(10)
    assert done and "is not an ordinary file" in done[0]
    assert "is not an ordinary file" in sentence(load_image, "/dev/zero")
