"""A vivid abstract: large fields of colour that bleed into each other, circles, wedges and arcs, and black lines.

Every shape is one small function: where it is (a map of 0 to 1), what colours it has, and which way the brush
goes in it.  The shapes are laid over each other, some of them transparent; then the brush covers all of it.
Lines are so heavy and fields so large that both are there when the picture is only 256 pixels wide.
"""

import brushwork as bw
import numpy as np

CREAM = [(232, 212, 170), (248, 236, 204), (255, 248, 228)]
BLUE = [(16, 40, 130), (36, 92, 190), (120, 180, 222)]
RED = [(150, 20, 34), (214, 46, 36), (242, 120, 64)]
YELLOW = [(232, 150, 24), (252, 206, 50), (255, 238, 140)]
GREEN = [(10, 84, 70), (46, 142, 92), (160, 204, 110)]
VIOLET = [(66, 22, 100), (134, 56, 142), (214, 150, 190)]
ORANGE = [(196, 66, 20), (240, 126, 36), (252, 188, 92)]
PINK = [(206, 76, 104), (240, 144, 150), (250, 206, 190)]
NIGHT = [(14, 16, 44), (28, 38, 88), (70, 84, 146)]
SKY = [(84, 150, 190), (142, 196, 214), (204, 228, 226)]
BLACK = np.array((18, 15, 22), np.float32)

# Fields of colour: centre x, y, radius (parts of width, height, width), colours, softness, tilt.
FIELDS = [
    (0.16, 0.20, 0.250, SKY, 0.35, 0.5),
    (0.80, 0.16, 0.260, YELLOW, 0.30, -0.7),
    (0.50, 0.52, 0.230, RED, 0.22, 1.0),
    (0.88, 0.66, 0.210, BLUE, 0.25, -0.3),
    (0.12, 0.74, 0.220, ORANGE, 0.25, 0.9),
    (0.46, 0.06, 0.150, PINK, 0.30, -1.1),
    (0.56, 0.92, 0.180, GREEN, 0.25, 0.2),
    (0.30, 0.44, 0.135, VIOLET, 0.18, -0.5),
    (0.70, 0.42, 0.110, CREAM, 0.25, 0.4),
    (0.34, 0.84, 0.120, YELLOW, 0.20, 1.3),
    (0.97, 0.34, 0.110, RED, 0.25, -0.9),
    (0.03, 0.45, 0.100, GREEN, 0.25, 0.3),
    (0.80, 0.95, 0.120, PINK, 0.25, 0.8),
    (0.06, 0.97, 0.090, NIGHT, 0.22, 0.2),
]
# Wedges: three or four corners, colours, and the direction in which they go from dark to light.
WEDGES = [
    ([(0.56, 0.02), (0.44, 0.42), (0.64, 0.34)], BLUE, 1.2),
    ([(0.02, 0.98), (0.15, 0.52), (0.25, 0.92)], NIGHT, -1.4),
    ([(0.66, 0.99), (0.76, 0.56), (0.86, 0.92)], YELLOW, -1.5),
    ([(0.24, 0.04), (0.34, 0.30), (0.14, 0.26)], RED, 1.5),
    ([(0.36, 0.70), (0.58, 0.50), (0.50, 0.82)], ORANGE, 0.4),
    ([(0.84, 0.16), (0.99, 0.26), (0.82, 0.40)], GREEN, 0.7),
    ([(0.00, 0.30), (0.16, 0.42), (0.02, 0.56)], CREAM, 0.3),
    ([(0.88, 0.78), (0.99, 0.72), (0.96, 0.98)], RED, 0.9),
]
# Circles: centre, radius, and colours from the middle outwards.
CIRCLES = [
    (0.17, 0.22, 0.098, [NIGHT[0], VIOLET[1], NIGHT[0], BLUE[1], CREAM[2]]),
    (0.84, 0.60, 0.080, [YELLOW[1], RED[1], NIGHT[1]]),
    (0.66, 0.17, 0.062, [RED[1], CREAM[2], NIGHT[0]]),
    (0.41, 0.33, 0.050, [SKY[2], BLUE[0]]),
    (0.35, 0.62, 0.058, [GREEN[0], YELLOW[2], RED[0]]),
    (0.62, 0.70, 0.046, [NIGHT[0], SKY[2]]),
    (0.91, 0.12, 0.055, [BLUE[1], CREAM[2], ORANGE[1]]),
    (0.08, 0.67, 0.042, [CREAM[2], NIGHT[0]]),
    (0.47, 0.92, 0.050, [VIOLET[1], YELLOW[1], NIGHT[0]]),
    (0.76, 0.82, 0.034, [RED[1], NIGHT[0]]),
    (0.30, 0.12, 0.030, [YELLOW[1], NIGHT[0]]),
    (0.95, 0.88, 0.036, [YELLOW[1], BLUE[0]]),
]
# Arcs: centre x, y, inner and outer radius, from and to (turns), colours from the inside out.
ARCS = [
    (0.52, 0.46, 0.235, 0.320, 0.56, 0.88, [YELLOW[1], ORANGE[1], RED[1], VIOLET[0]]),
    (0.80, 0.66, 0.150, 0.215, 0.10, 0.42, [CREAM[2], GREEN[1], NIGHT[1]]),
    (0.20, 0.80, 0.145, 0.205, 0.60, 0.93, [BLUE[1], CREAM[2], RED[1]]),
]
# Chequered bars: middle x, y, half length, half width (parts of width), turn, two colours.
CHEQUERS = [
    (0.73, 0.44, 0.105, 0.040, 0.45, NIGHT[0], CREAM[2]),
    (0.24, 0.93, 0.085, 0.036, -0.30, RED[1], CREAM[2]),
    (0.43, 0.17, 0.075, 0.034, -0.80, YELLOW[1], NIGHT[0]),
]
# Lines drawn by hand: points they pass through (parts of width, height) and their weight in pixels.
SWEEPS = [
    ([(0.02, 0.62), (0.20, 0.40), (0.40, 0.58), (0.58, 0.30), (0.78, 0.36), (0.98, 0.08)], 15),
    ([(0.24, 0.99), (0.42, 0.74), (0.60, 0.80), (0.72, 0.58), (0.97, 0.50)], 13),
    ([(0.06, 0.06), (0.26, 0.10), (0.28, 0.30), (0.10, 0.38), (0.24, 0.50)], 11),
    ([(0.55, 0.04), (0.70, 0.06), (0.76, 0.20), (0.64, 0.28), (0.56, 0.20)], 10),
    ([(0.03, 0.86), (0.16, 0.64), (0.24, 0.80), (0.36, 0.72)], 11),
    ([(0.68, 0.97), (0.84, 0.78), (0.95, 0.82), (0.90, 0.66)], 10),
    ([(0.44, 0.72), (0.48, 0.50), (0.62, 0.52), (0.60, 0.68), (0.49, 0.63)], 9),
]
# Ruled lines: from, to, weight in pixels.
RULED = [
    ((0.03, 0.52), (0.56, 0.08), 7),
    ((0.30, 0.96), (0.66, 0.42), 8),
    ((0.62, 0.90), (0.98, 0.56), 7),
    ((0.58, 0.40), (0.97, 0.30), 6),
    ((0.60, 0.45), (0.98, 0.38), 5),
    ((0.08, 0.30), (0.40, 0.48), 6),
    ((0.84, 0.04), (0.74, 0.48), 7),
    ((0.12, 0.94), (0.46, 0.88), 6),
    ((0.38, 0.02), (0.52, 0.28), 7),
    ((0.88, 0.96), (0.98, 0.68), 6),
]
# Combs: place, turn, number of teeth.
COMBS = [(0.29, 0.26, 0.9, 5), (0.69, 0.64, -0.5, 6), (0.91, 0.44, 0.2, 5), (0.14, 0.56, 2.2, 5), (0.55, 0.86, 0.1, 5)]


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    colour, angle = _ground(x, width, height, rng)
    for draw, shapes in ((_field, FIELDS), (_wedge, WEDGES), (_arc, ARCS), (_chequers, CHEQUERS), (_circle, CIRCLES)):
        for shape in shapes:
            cover, layer_colour, layer_angle = draw(shape, x, y, width, height, rng)
            colour = bw.blend(colour, layer_colour, cover)
            angle = np.where(cover > 0.5, layer_angle, angle)

    unit = width / 720
    canvas = bw.Canvas(width, height, (236, 220, 186), rng)
    paint_box = {"colour_jitter": 5, "bristle_contrast": 11}
    canvas.cover(
        colour, angle, width=22 * unit, length=70 * unit, density=1.5, tolerance=40, tone_jitter=7, **paint_box
    )
    canvas.cover(
        colour, angle, width=14 * unit, length=44 * unit, density=1.4, tolerance=22, tone_jitter=9, **paint_box
    )
    canvas.cover(colour, angle, width=8 * unit, length=24 * unit, density=1.8, tolerance=15, tone_jitter=8, **paint_box)
    _signs(canvas, width, height, unit, rng)
    return canvas.finish(light=0.85)


def _ground(x, width, height, rng):
    """Warm and cool creams in large patches: even the ground is painted."""
    patches = bw.fractal_noise(width, height, 0.3 * width, 2, rng)
    colour = bw.blend(bw.from_palette(CREAM, 0.5 + 0.3 * patches), SKY[2], bw.smoothstep(0.2, 1.4, patches))
    return colour, bw.slope_angles(bw.fractal_noise(width, height, 0.4 * width, 1, rng))


def _field(shape, x, y, width, height, rng):
    """An irregular body of colour that bleeds into what is around it."""
    cx, cy, radius, palette, softness, tilt = shape
    dx, dy = (x - cx * width) / (radius * width), (y - cy * height) / (radius * width)
    around = np.arctan2(dy, dx)
    wave = 0
    for k in (2, 3, 4):
        wave = wave + rng.uniform(0.10, 0.24) / (k - 1) * np.sin(k * around + rng.uniform(0, 6.3))
    grain = bw.fractal_noise(width, height, 0.12 * width, 2, rng)
    ratio = np.hypot(dx, dy) / (1 + wave) + 0.10 * softness * grain
    along = dx * np.cos(tilt) + dy * np.sin(tilt)
    colour = bw.from_palette(palette, 0.45 - 0.42 * along + 0.08 * grain)
    cover = 0.96 * bw.smoothstep(1 + softness, 1 - softness, ratio)
    return cover, colour, tilt + 1.1 + 0.7 * along  # the hand swings in wide curves across it


def _wedge(shape, x, y, width, height, rng):
    """A sharp triangle, dark at one side and fading to transparent at the other."""
    corners, palette, turn = shape
    corners = np.array(corners) * (width, height)
    inside = np.ones_like(x)
    middle = corners.mean(axis=0)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        edge = (b - a) / np.hypot(*(b - a))
        side = np.sign((middle[1] - a[1]) * edge[0] - (middle[0] - a[0]) * edge[1])
        inside = inside * bw.smoothstep(-0.7, 0.7, side * ((y - a[1]) * edge[0] - (x - a[0]) * edge[1]))
    span = np.ptp(corners @ (np.cos(turn), np.sin(turn)))
    along = ((x - middle[0]) * np.cos(turn) + (y - middle[1]) * np.sin(turn)) / span + 0.5
    return (
        inside * np.clip(1.3 - 0.7 * along, 0, 1),
        bw.from_palette(palette, 0.9 * along),
        np.full_like(x, turn + 1.57),
    )


def _circle(shape, x, y, width, height, rng):
    """A disc of rings; the outermost is narrow, as a frame."""
    cx, cy, radius, palette = shape
    dx, dy = x - cx * width, y - cy * height
    ratio = np.hypot(dx, dy) / (radius * width)
    edges = np.append(np.linspace(0, 0.80, len(palette))[1:], 1.0)
    ring = np.clip(np.searchsorted(edges, ratio), 0, len(palette) - 1)
    return bw.smoothstep(1.01, 0.99, ratio), np.asarray(palette, np.float32)[ring], np.arctan2(dy, dx) + np.pi / 2


def _arc(shape, x, y, width, height, rng):
    """Part of a ring, striped along its length; it swells and narrows."""
    cx, cy, inner, outer, start, end, palette = shape
    dx, dy = x - cx * width, y - cy * height
    around = np.arctan2(dy, dx)
    along = ((around / (2 * np.pi)) - start) % 1 / (end - start)
    swell = 0.35 + 0.65 * np.sqrt(np.abs(np.sin(np.pi * np.clip(along, 0, 1))))
    across = ((np.hypot(dx, dy) / width - (inner + outer) / 2) / (outer - inner)) / swell + 0.5
    cover = ((across > 0) & (across < 1) & (along < 1)).astype(np.float32)
    stripe = np.clip((across * len(palette)).astype(int), 0, len(palette) - 1)
    return cover, np.asarray(palette, np.float32)[stripe], around + np.pi / 2


def _chequers(shape, x, y, width, height, rng):
    """A tilted bar of squares in two colours, two rows of them; it narrows to one end."""
    cx, cy, half_length, half_width, turn, first, second = shape
    dx, dy = x / width - cx, (y - cy * height) / width
    along = dx * np.cos(turn) + dy * np.sin(turn)
    across = (-dx * np.sin(turn) + dy * np.cos(turn)) / (half_width * (0.8 + 0.3 * along / half_length))
    cover = ((np.abs(along) < half_length) & (np.abs(across) < 1)).astype(np.float32)
    square = (np.floor(along / half_width) + np.floor(across)) % 2
    colour = np.where((square > 0)[..., None], np.asarray(first, np.float32), np.asarray(second, np.float32))
    return cover, colour, np.full_like(x, turn)


def _signs(canvas, width, height, unit, rng):
    """What is written over it in black: sweeps, ruled lines, combs, dots."""
    size = np.array((width, height))
    for start, end, weight in RULED:
        t = np.linspace(0, 1, 12)[:, None]
        path = np.array(start) * size * (1 - t) + np.array(end) * size * t
        canvas.stroke(path, weight * unit, BLACK + rng.uniform(0, 12), taper=0.4, bristle_contrast=8, body=1.5)
    for points, weight in SWEEPS:
        _written(canvas, bw.smooth_curve(np.array(points) * size, 70), weight * unit)
    for cx, cy, turn, teeth in COMBS:
        _comb(canvas, np.array((cx, cy)) * size, turn, teeth, 40 * unit, rng)
    for _ in range(26):
        place = rng.uniform(0.03, 0.97, 2) * size
        big = unit * rng.uniform(9, 22)
        canvas.dab(*place, big, BLACK + rng.uniform(0, 14))
        if big > 15 * unit:
            canvas.dab(*(place - 0.06 * big), 0.5 * big, (RED, YELLOW, SKY, CREAM)[rng.integers(4)][1])


def _written(canvas, path, weight):
    """A calligraphic line: the pen presses where the line turns and lifts where it runs straight."""
    heading = np.unwrap(np.arctan2(*np.gradient(path, axis=0).T[::-1]))
    press = np.abs(np.gradient(heading))
    press = np.convolve(press / (press.max() + 1e-6), np.ones(9) / 9, mode="same")
    for k in range(0, len(path) - 3, 2):
        canvas.stroke(path[k : k + 5], weight * (0.5 + press[k]), BLACK, taper=0.15, bristle_contrast=9, body=1.6)


def _comb(canvas, place, turn, teeth, size, rng):
    """A slightly bent line crossed by short ones."""
    along = np.array((np.cos(turn), np.sin(turn)))
    across = np.array((-along[1], along[0]))
    spine = [place - along * size * 1.3, place + across * size * 0.15, place + along * size * 1.3]
    canvas.stroke(bw.smooth_curve(spine, 20), size * 0.15, BLACK, taper=0.6)
    for k in range(teeth):
        middle = place + along * size * (2.2 * (k + 0.5) / teeth - 1.1)
        half = across * size * (0.35 + 0.30 * np.sin(np.pi * (k + 0.5) / teeth)) * rng.uniform(0.8, 1.2)
        canvas.stroke([middle - half, middle, middle + half], size * 0.13, BLACK, taper=0.5)
