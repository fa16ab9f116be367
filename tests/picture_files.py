"""Pictures as files, made by hand: what the tests of images, decoding and the gallery share."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from stylelib.images import load_image, to_array
from stylelib.support.errors import InputError


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


def png(width, height, pixels, depth=8):
    """A PNG file of RGB by hand, so that it can claim whatever it likes."""
    chunks = [(b"IHDR", struct.pack(">2I5B", width, height, depth, 2, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)
