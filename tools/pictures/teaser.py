"""The picture at the top of the README: a content image, a style image, and a transfer of them."""

import io

import PIL.Image

import stylelib
from stylelib import figures
from stylelib.experiments import FIRST_SIZE


def paint(width: int = 1100, height: int = 330, seed: int = 0) -> PIL.Image.Image:
    """Return a contact sheet of notebook 00's transfer, at a larger size and with more steps."""
    settings = {"size": 384, "first_size": FIRST_SIZE, "steps": 240, "seed": seed}
    run = stylelib.style_transfer("riverside", "night_swirls", "compact", **settings).finish()
    content, style = stylelib.load_image("riverside", 384), stylelib.load_image("night_swirls", 384)
    sheet = figures.contact_sheet(
        [content, style, run.image],
        ["what: the content image", "how: the style image", "both"],
        note=run.describe(),
    )
    return PIL.Image.open(io.BytesIO(sheet.jpeg(quality=90)))
