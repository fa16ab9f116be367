"""The picture at the head of the README: a content image, a style image, and the one painted like the other."""

import io

import PIL.Image

import stylelib
from stylelib import figures


def paint(width=1100, height=300, seed=0):
    """A contact sheet of the first transfer of the series, larger and longer than there, and with more of the style."""
    settings = {"alpha_beta": 0.05, "size": 384, "steps": 200, "seed": seed}
    run = stylelib.style_transfer("riverside", "night_swirls", "compact", **settings).finish()
    content, style = stylelib.load_image("riverside", 384), stylelib.load_image("night_swirls", 384)
    sheet = figures.contact_sheet(
        [content, style, run.image],
        ["what: the content image", "how: the style image", "both"],
        note=run.describe(),
    )
    return PIL.Image.open(io.BytesIO(sheet.jpeg(quality=90)))
