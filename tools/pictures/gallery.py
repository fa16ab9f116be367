"""The README's gallery: six transfers with the embedded network."""

import io

import PIL.Image

import stylelib
from stylelib import figures
from stylelib.experiments import ALPHA_BETA, FIRST_SIZE

PAIRS = (
    ("valley", "sunset_waves"),
    ("cat", "mosaic"),
    ("still_life", "stormy_sea"),
    ("riverside", "woodcut"),
    ("cat", "composition"),
    ("valley", "night_swirls"),
)


def paint(width: int = 1100, height: int = 0, seed: int = 0) -> PIL.Image.Image:
    """Return a contact sheet; each caption names the two images."""
    settings = {"size": 320, "first_size": FIRST_SIZE, "steps": 160, "seed": seed}
    net = stylelib.load_network("compact")
    runs = {pair: stylelib.style_transfer(*pair, net, **settings).finish() for pair in PAIRS}
    described = (
        f"{net.describe()} · α/β {ALPHA_BETA:g}, from the content image · 320 px, the first steps at {FIRST_SIZE} px"
    )
    sheet = figures.contact_sheet(
        [run.image for run in runs.values()],
        [f"{content.replace('_', ' ')} + {style.replace('_', ' ')}" for content, style in runs],
        columns=3,
        note=f"{described} · 160 steps of L-BFGS",
    )
    return PIL.Image.open(io.BytesIO(sheet.jpeg(quality=88)))
