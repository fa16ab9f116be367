"""Printing from wood blocks, one for every ink.

On a block the tone is made of carved lines: where it should be darker the lines are wider.  The blocks never
meet quite exactly, the ink is thin in places, and the paper shows through.
"""

import brushwork as bw
import numpy as np
from PIL import Image

SHARP = 2  # carved lines are computed at twice the size

PAPER = (240, 226, 194)
INKS = {
    "ochre": (236, 172, 84),
    "red": (206, 62, 44),
    "sky": (120, 168, 178),
    "blue": (36, 84, 132),
    "key": (22, 26, 52),
}


def carve(lines, tone):
    """Ink (0 to 1) of carved lines, one for every whole step of `lines`; they fill the part `tone` of it."""
    distance = np.abs(lines - np.round(lines)) * 2
    gradient = np.hypot(*np.gradient(lines))
    softness = np.clip(1.4 * gradient, 0.02, 0.6)  # about one pixel, however dense the lines are
    ink = bw.smoothstep(tone + softness, tone - softness, distance)
    return np.where(tone <= 0.04, 0, ink)


def cut(blocks, shape, **inks):
    """Clear a shape on all blocks, then give it the inks named (maps or numbers, 0 to 1)."""
    for name in blocks:
        blocks[name][:] = blocks[name] * (1 - shape) + shape * inks.get(name, 0)


def outline(depth, thickness):
    """A line along the upper edge of a shape; `depth` is 0 on the edge."""
    return bw.smoothstep(thickness, 0.6 * thickness, np.abs(depth))


def press(blocks, width, height, rng):
    """Press the blocks on the paper one after the other, the dark key block last."""
    big_width, big_height = width * SHARP, height * SHARP
    fibres = bw.fractal_noise(big_width, big_height, 5, 2, rng) * 0.5
    fibres = (
        fibres
        + bw.smear(
            rng.standard_normal((big_height, big_width)).astype(np.float32), np.full((big_height, big_width), 0.2), 12
        )
        * 1.2
    )
    picture = np.asarray(PAPER, np.float32) + (3.2 * fibres)[..., None]
    wood = _wood_grain(big_width, big_height, rng)
    for name, ink in INKS.items():
        # Every block lies a little off: one or two pixels is what a good printer could not avoid.
        across, down = (0, 0) if name == "key" else np.round(rng.normal(0, 1.6, 2)).astype(int)
        block = np.roll(blocks[name], (down, across), axis=(0, 1))
        pressure = bw.fractal_noise(big_width, big_height, 180, 3, rng)
        thin = 0.90 + 0.07 * wood + 0.05 * pressure + 0.05 * fibres
        bare = bw.smoothstep(1.55, 2.3, fibres * 0.8 + 0.5 * wood + rng.normal(0, 0.3, wood.shape))
        thin = thin * (1 - 0.75 * bare)
        cover = np.clip(block * thin, 0, 1)[..., None]
        picture = picture * (1 - cover * (1 - np.asarray(ink, np.float32) / 250))
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _wood_grain(width, height, rng):
    """The rings of the plank the block was cut from: long level lines, here and there about a knot."""
    x, y = bw.pixel_grid(width, height)
    rings = y / 9 + 5 * np.sin(x / width * 4 + 1) + 2.5 * bw.fractal_noise(width, height, 300, 2, rng)
    return np.sin(rings) * 0.7 + 0.5 * np.sin(rings * 2.3 + 1)
