"""A coloured woodblock print: breakers before a range of mountains, under a rising sun.

Every ink has its own block, printed one after the other.  On a block the tone is made of carved lines: a line
map gives their run (they follow the form of rock, cloud and water), and where it should be darker the lines
are wider.  The blocks never meet quite exactly, the ink is thin in places, and the paper shows through.
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
SUN = (0.60, 0.27, 0.115)


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    big_width, big_height = width * SHARP, height * SHARP
    x, y = bw.pixel_grid(big_width, big_height)
    # The knife is guided by a hand: all forms and lines tremble a little.
    tremble = bw.fractal_noise(big_width, big_height, 60, 3, rng) * 1.6
    u = (x + tremble) / big_width
    v = (y + np.roll(tremble, 97, axis=1)) / big_width  # in parts of the width, both ways
    high = height / width
    blocks = {name: np.zeros_like(u) for name in INKS}
    _sky(blocks, u, v, high, rng)
    _mountains(blocks, u, v, high, rng)
    _sea(blocks, u, v, high, rng)
    return _print(blocks, width, height, rng)


def carve(lines, tone):
    """Ink (0 to 1) of parallel carved lines, one for every whole step of `lines`, that fill the part `tone`."""
    distance = np.abs(lines - np.round(lines)) * 2
    gradient = np.hypot(*np.gradient(lines))
    softness = np.clip(1.4 * gradient, 0.02, 0.6)  # about one pixel, however dense the lines are
    ink = bw.smoothstep(tone + softness, tone - softness, distance)
    return np.where(tone <= 0.04, 0, ink)


def cut(blocks, shape, **inks):
    """Clear a shape on all blocks, then give it the inks named (maps or numbers, 0 to 1)."""
    for name in blocks:
        blocks[name] = blocks[name] * (1 - shape) + shape * inks.get(name, 0)


def _outline(depth, thickness):
    """A line along the upper edge of a shape; `depth` is 0 on the edge."""
    return bw.smoothstep(thickness, 0.6 * thickness, np.abs(depth))


def _sky(blocks, u, v, high, rng):
    height, width = u.shape
    sx, sy, radius = SUN
    dx, dy = u - sx, v - sy
    distance, around = np.hypot(dx, dy), np.arctan2(dy, dx)
    rays = carve(around * 110 / (2 * np.pi), 0.62 - 0.9 * distance + 0.10 * np.sin(distance * 40))
    level = carve(v * 78 + 0.6 * np.sin(u * 17 + v * 9), 0.72 - 1.5 * v)
    blocks["ochre"] = np.clip(0.35 + 0.5 * rays * (distance > radius), 0, 1) * bw.smoothstep(-0.02, 0.30, v)
    blocks["ochre"] = np.maximum(blocks["ochre"], 0.5 * rays)
    blocks["sky"] = np.maximum(level * bw.smoothstep(0.34, 0.16, v), 0.85 * bw.smoothstep(0.10, -0.01, v))
    blocks["key"] = carve(v * 150 + 0.8 * np.sin(u * 17 + v * 9), 0.62 - 4.6 * v) * (v < 0.16)
    disc = bw.smoothstep(radius * 1.01, radius * 0.99, distance)
    inner = carve((dy + 0.012 * np.sin(dx * 60)) * 95, 0.72 - 2.2 * (dy + 0.06))
    cut(blocks, disc, red=0.72 + 0.28 * inner, ochre=0.5)
    blocks["key"] = np.maximum(blocks["key"], _outline(distance - radius, 0.0022))
    for cx, cy, size, kind in ((0.17, 0.13, 1.0, 0), (0.84, 0.16, 0.9, 1), (0.43, 0.065, 0.7, 1), (0.36, 0.245, 0.6, 0),
                               (0.76, 0.315, 0.75, 0), (0.98, 0.06, 0.7, 0), (0.03, 0.27, 0.7, 1)):
        _cloud(blocks, u, v, cx, cy, size, kind, rng)


def _cloud(blocks, u, v, cx, cy, size, kind, rng):
    """Scalloped puffs in a row, each engraved with arcs that turn about its own centre."""
    for k in range(6):
        px = cx + size * 0.052 * (k - 2.5) + rng.normal(0, 0.006)
        py = cy + size * (0.012 * abs(k - 2.5) - 0.02 * rng.random())
        r = size * (0.058 - 0.010 * abs(k - 2.5)) * rng.uniform(0.85, 1.15)
        dx, dy = u - px, (v - py) * 1.25
        distance = np.hypot(dx, dy)
        puff = bw.smoothstep(r * 1.02, r * 0.98, distance)
        shade = 0.52 * (distance / r) + 0.45 * (dy / r) - 0.12
        arcs = carve(distance / r * 7, shade)
        under = carve(distance / r * 7 + 0.3, shade + 0.12)
        if kind:
            cut(blocks, puff, sky=0.9 * under, key=0.9 * carve(distance / r * 7, shade - 0.22))
        else:
            cut(blocks, puff, red=0.85 * arcs, ochre=0.55 * under)
        blocks["key"] = np.maximum(blocks["key"], _outline(distance - r, 0.0016))


def _ridge(u, peaks, roughness, rng):
    """The skyline: the highest of a few peaks, roughened; also which way each point's peak lies."""
    line = np.full_like(u, 9.0)
    side = np.zeros_like(u)
    for px, py, steep in peaks:
        fall = py + steep * np.abs(u - px) ** 0.92
        side = np.where(fall < line, u - px, side)
        line = np.minimum(line, fall)
    for frequency in (23, 51, 113):
        line = line + roughness / frequency * np.sin(frequency * u + rng.uniform(0, 6.3))
    return line, side


def _mountains(blocks, u, v, high, rng):
    height, width = u.shape
    ranges = [
        ([(0.10, 0.26, 0.62), (0.30, 0.20, 0.72), (0.52, 0.30, 0.62), (0.93, 0.24, 0.70), (0.75, 0.33, 0.6)], 0.12, "far"),
        ([(0.02, 0.36, 0.55), (0.19, 0.33, 0.66), (0.44, 0.40, 0.5), (0.67, 0.405, 0.5), (0.84, 0.36, 0.62)], 0.16, "near"),
        ([(0.10, 0.46, 0.35), (0.33, 0.475, 0.3), (0.60, 0.48, 0.25), (0.90, 0.445, 0.40)], 0.20, "hills"),
    ]
    for peaks, roughness, kind in ranges:
        line, side = _ridge(u, peaks, roughness, rng)
        depth = v - line
        shape = bw.smoothstep(-0.001, 0.001, depth)
        # Ribs run down from the peaks and fan out; one flank of every rib is in shadow.
        crooked = 0.016 * bw.fractal_noise(width, height, 90, 3, rng)
        fan = (side + crooked) / (depth + 0.085)
        ribs = np.sin(fan * 9 + 2.2 * np.sin(depth * 22 + 6 * side))
        shadow = bw.smoothstep(-0.15, 0.35, ribs + 0.9 * np.tanh(side * 12))
        snow = bw.smoothstep(0.055, 0.035, depth + 0.022 * ribs) if kind != "hills" else np.zeros_like(u)
        hatch = fan * 26 + depth * 8
        across = depth * 150 + 2.4 * ribs
        dark = carve(hatch, 0.16 + 0.50 * shadow - 0.45 * snow * (1 - 0.6 * shadow))
        if kind == "far":
            cut(blocks, shape, sky=np.clip(0.85 * (1 - snow) + 0.55 * shadow * snow, 0, 1) * (1 - 1.2 * depth),
                ochre=0.5 * (1 - shadow) * (1 - snow), blue=0.75 * carve(hatch * 0.5 + 0.25, 0.75 * shadow - 0.1),
                key=0.8 * dark * (shadow > 0.35))
        elif kind == "near":
            cut(blocks, shape, blue=np.clip(0.85 * shadow * (1 - 0.5 * snow) + 0.2 * (1 - snow), 0, 1),
                sky=0.7 * (1 - snow), ochre=0.45 * (1 - shadow) * (1 - snow), key=dark)
        else:
            trees = carve(across + 1.3 * np.abs(np.sin(u * 210)), 0.45 + 0.35 * ribs)
            cut(blocks, shape, ochre=0.85, sky=0.75 * (ribs > -0.3) * (1 - 0.3 * shadow),
                red=0.35 * (ribs < -0.55), key=np.maximum(trees, 0.0))
        blocks["key"] = np.maximum(blocks["key"] * 1.0, _outline(depth, 0.0026))


def _sea(blocks, u, v, high, rng):
    """Waves in rows, larger towards us; each is a sharp crest with lines that follow its back."""
    rows = 7
    for k in range(rows):
        t = k / (rows - 1)
        base = 0.525 + (high - 0.535) * t**1.25
        size = 0.016 + 0.075 * t
        length = 0.12 + 0.30 * t
        drift = rng.uniform(0, 1)
        _wave_row(blocks, u, v, base, size, length, drift, rng)


def _wave_row(blocks, u, v, base, size, length, drift, rng):
    height, width = u.shape
    # Lean the crests over: shift the phase where the wave is high.
    place = u / length + drift + 0.10 * np.sin(u * 9 + drift * 20)
    lean = place + 0.16 * np.sin(2 * np.pi * place)
    swing = np.abs(np.sin(np.pi * lean))
    crest = (1 - swing) ** 1.35
    vary = 0.78 + 0.30 * np.sin(u * 7.3 + 31 * drift)
    line = base - size * crest * vary
    depth = v - line
    shape = bw.smoothstep(-0.0008, 0.0008, depth)
    relative = depth / size
    steep = np.sin(2 * np.pi * lean)  # one face of the wave is in the light, the other in the dark
    hollow = relative * (1 + 0.5 * swing)
    lines = hollow * 8.5 * (1 + size * 9) + 0.5 * np.sin(lean * 2 * np.pi + 1)
    noise = bw.fractal_noise(width, height, 70, 3, rng)
    tone = 0.38 + 0.26 * steep + 0.16 * np.tanh(relative - 0.5) + 0.08 * noise
    # Foam on the crest, with fingers that reach down the face.
    fingers = 0.20 * np.abs(np.sin(u / length * 26 + 5 * noise * 0.3)) + 0.12 * np.sin(u / length * 61)
    foam = bw.smoothstep(0.05, -0.05, relative - (0.62 * crest**0.7 * vary + fingers * crest - 0.10))
    body = carve(lines, tone + 0.10)
    cut(blocks, shape,
        sky=(1 - foam) * 0.9,
        blue=(1 - foam) * np.clip(carve(lines * 0.5 + 0.2, 0.55 + 0.4 * steep) + 0.25, 0, 1),
        key=np.maximum((1 - foam) * body * 0.95, foam * carve(relative * 11 + 2 * noise, 0.10 + 0.18 * steep)),
        ochre=0.20 * foam * (steep > 0))
    edge = np.clip(1 - np.abs(foam - 0.5) * 2.2, 0, 1) * shape
    blocks["key"] = np.maximum(blocks["key"], np.maximum(edge, _outline(depth, 0.0016 + 0.012 * size)))
    # Drops above the crest.
    for _ in range(int(90 * size / 0.09) + 6):
        px = rng.uniform(0, 1)
        column = int(px * (width - 1))
        row_line = line[min(height - 1, int(base * width)), column]
        if base - row_line < 0.45 * size:
            continue
        py = row_line - abs(rng.normal(0, 0.28)) * size
        r = rng.uniform(0.0012, 0.0034) * (0.5 + size / 0.06)
        left, right = int((px - 2 * r) * width), int((px + 2 * r) * width) + 2
        top, bottom = int((py - 2 * r) * width), int((py + 2 * r) * width) + 2
        if left < 0 or top < 0 or right >= width or bottom >= height:
            continue
        patch = np.s_[top:bottom, left:right]
        distance = np.hypot(u[patch] - px, v[patch] - py)
        drop, rim = bw.smoothstep(r * 1.1, r * 0.9, distance), bw.smoothstep(0.0012, 0.0006, np.abs(distance - r))
        for name in blocks:
            blocks[name][patch] *= 1 - drop
        blocks["key"][patch] = np.maximum(blocks["key"][patch], rim)


def _print(blocks, width, height, rng):
    """Press the blocks on the paper one after the other, the dark key block last."""
    big_width, big_height = width * SHARP, height * SHARP
    fibres = bw.fractal_noise(big_width, big_height, 5, 2, rng) * 0.5
    fibres = fibres + bw.smear(rng.standard_normal((big_height, big_width)).astype(np.float32),
                               np.full((big_height, big_width), 0.2), 12) * 1.2
    picture = np.asarray(PAPER, np.float32) + (3.2 * fibres)[..., None]
    wood = _wood_grain(big_width, big_height, rng)
    for name, ink in INKS.items():
        # Every block lies a little off: one or two pixels is what a good printer could not avoid.
        across, down = (0, 0) if name == "key" else np.round(rng.normal(0, 1.6, 2)).astype(int)
        block = np.roll(blocks[name], (down, across), axis=(0, 1))
        thin = 0.90 + 0.07 * wood + 0.05 * bw.fractal_noise(big_width, big_height, 180, 3, rng) + 0.05 * fibres
        thin = thin * (1 - 0.75 * bw.smoothstep(1.55, 2.3, fibres * 0.8 + 0.5 * wood + rng.normal(0, 0.3, wood.shape)))
        cover = np.clip(block * thin, 0, 1)[..., None]
        picture = picture * (1 - cover * (1 - np.asarray(ink, np.float32) / 250))
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _wood_grain(width, height, rng):
    """The rings of the plank the block was cut from: long level lines, here and there about a knot."""
    x, y = bw.pixel_grid(width, height)
    rings = y / 9 + 5 * np.sin(x / width * 4 + 1) + 2.5 * bw.fractal_noise(width, height, 300, 2, rng)
    return np.sin(rings) * 0.7 + 0.5 * np.sin(rings * 2.3 + 1)
