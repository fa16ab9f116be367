"""The pictures at the top of the README: a content image, a style image, and a transfer of them, still and forming."""

import functools
import io

import numpy as np
import PIL.Image

import stylelib
from stylelib import figures
from stylelib.experiments import FIRST_SIZE
from stylelib.images import to_array
from stylelib.support.animation import looping
from stylelib.synthesis import Synthesis

SIZE, STEPS = 384, 240
GAP = 8  # pixels between the pictures of the animation


@functools.cache
def transfer(seed: int) -> Synthesis:
    """Return notebook 00's transfer, finished, at a larger size and with more steps."""
    settings = {"size": SIZE, "first_size": FIRST_SIZE, "steps": STEPS, "seed": seed, "keep_every": 8}
    return stylelib.style_transfer("riverside", "night_swirls", "compact", **settings).finish()


def paint(width: int = 1100, height: int = 330, seed: int = 0) -> PIL.Image.Image:
    """Return a contact sheet of the transfer."""
    content, style = stylelib.load_image("riverside", SIZE), stylelib.load_image("night_swirls", SIZE)
    sheet = figures.contact_sheet(
        [content, style, transfer(seed).image],
        ["what: the content image", "how: the style image", "both"],
        note=transfer(seed).describe(),
    )
    return PIL.Image.open(io.BytesIO(sheet.jpeg(quality=90)))


def animate(seed: int = 0) -> bytes:
    """Return the transfer as a looping WebP: the two images, and beside them the picture as it forms."""
    frames = [to_array(picture) for picture in figures.kept_frames(transfer(seed)).values()]
    height, width, _ = frames[0].shape
    style = np.asarray(PIL.Image.fromarray(to_array(stylelib.load_image("night_swirls", 512))).resize((width, height)))
    gap = np.full((height, GAP, 3), 255, np.uint8)
    content = to_array(stylelib.load_image("riverside", SIZE))
    rows = [np.concatenate([content, gap, style, gap, frame], axis=1) for frame in frames]
    return looping(rows, seconds=5, hold=3, width=960)
