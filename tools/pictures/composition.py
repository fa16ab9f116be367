"""A vivid abstract: bleeding clouds of colour, sharp wedges, rainbow arcs, and black signs written over them.

Every shape is one small function: where it is (a map of 0 to 1), what colours it has, and which way the brush
goes in it.  The shapes are laid over each other, some of them transparent; then the brush covers all of it.
"""

import brushwork as bw
import numpy as np

GROUND = [
    (250, 240, 212),
    (250, 222, 150),
    (236, 190, 168),
    (222, 226, 222),
    (170, 202, 214),
    (246, 232, 190),
    (214, 196, 214),
    (250, 236, 200),
]
# Red, orange, yellow, green, blue, indigo, violet.
RAINBOW = [
    (206, 34, 44),
    (244, 130, 28),
    (252, 212, 48),
    (70, 160, 78),
    (28, 128, 190),
    (36, 52, 150),
    (132, 52, 140),
]
BLACK = np.array((20, 16, 24), np.float32)

BLUE = [(14, 34, 120), (40, 100, 196), (150, 206, 230)]
RED = [(140, 14, 34), (220, 50, 36), (250, 150, 70)]
YELLOW = [(238, 160, 20), (252, 212, 60), (255, 244, 170)]
GREEN = [(10, 76, 70), (50, 146, 96), (180, 214, 120)]
VIOLET = [(70, 20, 96), (150, 60, 140), (232, 160, 190)]
ORANGE = [(200, 60, 20), (244, 130, 36), (252, 206, 110)]
PINK = [(210, 60, 100), (244, 140, 150), (252, 216, 196)]
NIGHT = [(16, 18, 50), (34, 44, 96), (90, 100, 160)]

# Clouds of colour: centre x, y, radius (parts of width, height, width), colours, softness, tilt.
BIG_CLOUDS = [
    (0.23, 0.31, 0.180, BLUE, 0.30, 0.5),
    (0.73, 0.25, 0.175, RED, 0.18, -0.7),
    (0.55, 0.62, 0.190, YELLOW, 0.30, 1.0),
    (0.86, 0.70, 0.155, GREEN, 0.22, -0.3),
    (0.15, 0.77, 0.165, VIOLET, 0.25, 0.9),
    (0.38, 0.47, 0.110, ORANGE, 0.12, -1.1),
    (0.46, 0.13, 0.100, GREEN, 0.25, 0.2),
    (0.38, 0.88, 0.125, BLUE, 0.12, -0.5),
    (0.69, 0.87, 0.100, PINK, 0.25, 0.4),
    (0.93, 0.42, 0.085, VIOLET, 0.12, 1.3),
    (0.05, 0.50, 0.090, YELLOW, 0.30, -0.9),
    (0.94, 0.08, 0.110, YELLOW, 0.25, 0.3),
    (0.05, 0.08, 0.100, RED, 0.25, 0.8),
]
SMALL_CLOUDS = [
    (0.61, 0.40, 0.070, NIGHT, 0.10, 0.1),
    (0.30, 0.62, 0.060, GREEN, 0.12, 0.6),
    (0.80, 0.50, 0.060, ORANGE, 0.12, -0.4),
    (0.52, 0.33, 0.055, PINK, 0.12, 1.2),
    (0.13, 0.20, 0.055, YELLOW, 0.10, 0.0),
    (0.72, 0.22, 0.060, YELLOW, 0.10, 0.4),
    (0.88, 0.74, 0.060, BLUE, 0.10, -0.9),
    (0.17, 0.80, 0.055, ORANGE, 0.10, 0.7),
    (0.56, 0.66, 0.055, RED, 0.10, -0.2),
    (0.985, 0.93, 0.090, ORANGE, 0.2, 0.6),
    (0.27, 0.98, 0.060, RED, 0.2, 0.1),
    (0.33, 0.20, 0.050, NIGHT, 0.10, 0.8),
    (0.07, 0.62, 0.050, NIGHT, 0.14, -0.3),
    (0.47, 0.78, 0.052, NIGHT, 0.12, 0.5),
    (0.93, 0.27, 0.040, RED, 0.10, 0.3),
    (0.78, 0.08, 0.050, NIGHT, 0.12, -0.6),
]
# Wedges: three or four corners, colours, and the direction in which they go from dark to light.
WEDGES = [
    ([(0.60, 0.02), (0.52, 0.36), (0.67, 0.30)], BLUE, 1.2),
    ([(0.02, 0.98), (0.13, 0.55), (0.20, 0.96)], ORANGE, -1.4),
    ([(0.76, 0.98), (0.83, 0.60), (0.90, 0.97)], NIGHT, -1.5),
    ([(0.30, 0.05), (0.36, 0.28), (0.24, 0.24)], YELLOW, 1.5),
    ([(0.42, 0.72), (0.54, 0.49), (0.50, 0.80)], VIOLET, 0.4),
    ([(0.88, 0.16), (0.99, 0.30), (0.84, 0.36)], GREEN, 0.7),
    ([(0.56, 0.99), (0.62, 0.74), (0.67, 0.99)], RED, -1.2),
    ([(0.01, 0.24), (0.12, 0.40), (0.02, 0.44)], PINK, 0.3),
]
# Arcs: centre x, y, inner and outer radius, from and to (turns), colours from the inside out.
ARCS = [
    (0.50, 0.42, 0.225, 0.290, 0.55, 0.86, RAINBOW),
    (0.84, 0.60, 0.170, 0.220, 0.42, 0.74, RAINBOW[::-1]),
    (0.13, 0.60, 0.150, 0.200, 0.66, 0.98, [YELLOW[1], ORANGE[1], RED[1], VIOLET[0]]),
    (0.44, 0.90, 0.135, 0.180, 0.55, 0.93, [GROUND[0], BLUE[1], GROUND[0], NIGHT[1]]),
    (0.27, 0.12, 0.090, 0.130, 0.05, 0.42, [YELLOW[1], RED[1], GROUND[0], GREEN[1]]),
]
# Ribbons: middle x, y, half length, half width (parts of width), turn, colours along them.
RIBBONS = [
    (0.35, 0.69, 0.140, 0.030, -0.62, RAINBOW),
    (0.79, 0.45, 0.105, 0.026, 0.50, [NIGHT[0], GROUND[0]] * 5),
    (0.10, 0.91, 0.105, 0.026, -0.25, RAINBOW[::-1]),
    (0.57, 0.94, 0.100, 0.022, 0.20, [RED[1], YELLOW[1]] * 5),
    (0.64, 0.10, 0.105, 0.024, -0.42, [BLUE[1], GROUND[0], VIOLET[1], GROUND[0]] * 3),
    (0.20, 0.44, 0.075, 0.020, 0.95, [GROUND[0], NIGHT[0]] * 4),
    (0.93, 0.87, 0.070, 0.022, 1.1, [GREEN[1], YELLOW[1]] * 4),
]
# Long lines: points they pass through (parts of width, height) and their weight in pixels.
SWEEPS = [
    ([(0.02, 0.64), (0.20, 0.43), (0.40, 0.60), (0.58, 0.36), (0.78, 0.45), (0.98, 0.20)], 10),
    ([(0.28, 0.98), (0.44, 0.74), (0.62, 0.80), (0.74, 0.58), (0.97, 0.55)], 8),
    ([(0.09, 0.08), (0.22, 0.22), (0.15, 0.36), (0.30, 0.42), (0.45, 0.28)], 7),
    ([(0.55, 0.05), (0.62, 0.20), (0.54, 0.30), (0.68, 0.40), (0.85, 0.32), (0.80, 0.14)], 7),
    ([(0.04, 0.87), (0.18, 0.66), (0.26, 0.84), (0.37, 0.75)], 7),
    ([(0.77, 0.96), (0.84, 0.78), (0.95, 0.84), (0.90, 0.66)], 6),
    ([(0.46, 0.71), (0.52, 0.52), (0.64, 0.56), (0.60, 0.70), (0.50, 0.64)], 5),
    ([(0.36, 0.02), (0.42, 0.16), (0.50, 0.06), (0.48, 0.22)], 5),
    ([(0.66, 0.93), (0.70, 0.78), (0.76, 0.86), (0.73, 0.70)], 5),
    ([(0.02, 0.30), (0.08, 0.18), (0.12, 0.30), (0.05, 0.40)], 3),
]
# Combs: place, turn, number of teeth.
COMBS = [
    (0.30, 0.24, 0.9, 7),
    (0.70, 0.66, -0.5, 9),
    (0.89, 0.26, 0.2, 6),
    (0.22, 0.58, 2.2, 6),
    (0.48, 0.88, 0.1, 7),
    (0.67, 0.17, 1.2, 5),
    (0.10, 0.70, 0.4, 5),
    (0.94, 0.64, 1.4, 6),
    (0.42, 0.38, -0.8, 5),
]
# Bundles of strings: place and turn.
STRINGS = [
    (0.57, 0.22, 0.3),
    (0.12, 0.88, -0.9),
    (0.83, 0.88, 0.7),
    (0.40, 0.30, -0.2),
    (0.90, 0.48, 1.2),
    (0.64, 0.72, -1.0),
    (0.27, 0.50, 0.2),
]


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    colour, angle = _ground(x, y, width, height, rng)
    shapes = [(_cloud, shape) for shape in BIG_CLOUDS] + [(_wedge, shape) for shape in WEDGES]
    shapes += [(_arc, shape) for shape in ARCS] + [(_cloud, shape) for shape in SMALL_CLOUDS]
    shapes += [(_ribbon, shape) for shape in RIBBONS]
    for draw, shape in shapes:
        cover, layer_colour, layer_angle = draw(shape, x, y, width, height, rng)
        colour = bw.blend(colour, layer_colour, cover)
        angle = np.where(cover > 0.4, layer_angle, angle)

    canvas = bw.Canvas(width, height, (236, 220, 186), rng)
    canvas.cover(colour, angle, width=13, length=52, density=1.4, tolerance=50, tone_jitter=9)
    canvas.cover(colour, angle, width=7.5, length=38, density=1.2, tolerance=34, tone_jitter=11)
    canvas.cover(colour, angle, width=4.4, length=26, tolerance=26, tone_jitter=13, body=1.4)
    canvas.cover(
        colour,
        angle,
        width=2.8,
        length=18,
        where=np.full_like(x, 0.5),
        tolerance=24,
        tone_jitter=17,
        colour_jitter=13,
        body=1.5,
    )
    _signs(canvas, width, height, rng)
    return canvas.finish(light=0.9)


def _ground(x, y, width, height, rng):
    """Warm and cool creams in patches: even the ground is painted."""
    patches = bw.fractal_noise(width, height, 120, 3, rng)
    colour = bw.from_palette(GROUND, 0.5 + 0.26 * patches)
    colour = colour * (0.94 + 0.06 * bw.fractal_noise(width, height, 40, 3, rng))[..., None]
    return colour, bw.slope_angles(bw.fractal_noise(width, height, 160, 2, rng))


def _cloud(shape, x, y, width, height, rng):
    """An irregular body; a soft one bleeds into what is around it, a hard one lies on it like cut paper."""
    cx, cy, radius, palette, softness, tilt = shape
    dx, dy = (x - cx * width) / (radius * width), (y - cy * height) / (radius * width)
    around = np.arctan2(dy, dx)
    wave = 0
    for k in (2, 3, 4, 6):
        wave = wave + rng.uniform(0.10, 0.26) / (k - 1) * np.sin(k * around + rng.uniform(0, 6.3))
    grain = bw.fractal_noise(width, height, 60, 3, rng)
    ratio = np.hypot(dx, dy) / (1 + wave) + 0.5 * softness * grain * 0.35
    along = dx * np.cos(tilt) + dy * np.sin(tilt)
    shade = 0.52 - 0.42 * along + 0.16 * grain + 0.10 * np.sin(7 * along + 2 * grain)
    colour = bw.from_palette(palette, 0.5 + 1.25 * (shade - 0.55))
    cover = 0.94 * bw.smoothstep(1 + softness, 1 - softness, ratio)
    if softness < 0.15:  # a rim of the opposite temperature, as if another sheet showed at the edge
        rim = np.exp(-(((ratio - 0.92) / 0.06) ** 2))
        colour = bw.blend(colour, np.array(palette[0], np.float32)[::-1] * 0.7, 0.75 * rim)
    # The hand swings in wide curves across the body rather than round it.
    swing = tilt + 1.1 + 0.9 * along + 0.25 * grain
    contour = bw.slope_angles(bw.soften(ratio, 5))
    return cover, colour, bw.mix_angles(swing, contour, bw.smoothstep(0.55, 0.95, ratio) * (softness < 0.2))


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
    colour = bw.from_palette(palette, 0.05 + 0.9 * along)
    return inside * np.clip(1.25 - 0.7 * along, 0, 0.95), colour, np.full_like(x, turn + np.pi / 2)


def _arc(shape, x, y, width, height, rng):
    """Part of a ring, striped along its length; it swells and narrows."""
    cx, cy, inner, outer, start, end, palette = shape
    dx, dy = x - cx * width, y - cy * height
    around = np.arctan2(dy, dx)
    along = ((around / (2 * np.pi)) - start) % 1 / (end - start)
    swell = 0.35 + 0.65 * np.sqrt(np.abs(np.sin(np.pi * np.clip(along, 0, 1))))
    across = ((np.hypot(dx, dy) / width - (inner + outer) / 2) / (outer - inner)) / swell + 0.5
    cover = ((across > 0) & (across < 1) & (along < 1)).astype(np.float32)
    return cover, _stripe(palette, across), around + np.pi / 2


def _ribbon(shape, x, y, width, height, rng):
    """A tilted, slightly wavy bar; the brush goes across it, one short stroke for every step of colour."""
    cx, cy, half_length, half_width, turn, palette = shape
    dx, dy = x / width - cx, (y - cy * height) / width
    along = dx * np.cos(turn) + dy * np.sin(turn)
    across = -dx * np.sin(turn) + dy * np.cos(turn) + 0.012 * np.sin(along * 26)
    narrow = half_width * (0.75 + 0.35 * along / half_length)
    cover = ((np.abs(along) < half_length) & (np.abs(across) < narrow)).astype(np.float32)
    return cover, _stripe(palette, 0.5 + along / half_length / 2), np.full_like(x, turn + np.pi / 2)


def _stripe(palette, value):
    index = np.clip((value * len(palette)).astype(int), 0, len(palette) - 1)
    return np.asarray(palette, np.float32)[index]


def _signs(canvas, width, height, rng):
    """What is written over it in black: long sweeps, combs, bundles of strings, blots and dots."""
    unit = width / 720
    for points, weight in SWEEPS:
        path = bw.smooth_curve(np.array(points) * (width, height), 70)
        _written(canvas, path, weight * unit)
        canvas.stroke(path + 6 * unit, 0.28 * weight * unit, BLACK + 20, taper=0.8, body=1.5)
    for cx, cy, turn, teeth in COMBS:
        _comb(canvas, np.array((cx * width, cy * height)), turn, teeth, 26 * unit, rng)
    for cx, cy, turn in STRINGS:
        _strings(canvas, np.array((cx * width, cy * height)), turn, 70 * unit, rng)
    for _ in range(70):
        x, y = rng.uniform(0.02, 0.98) * width, rng.uniform(0.02, 0.98) * height
        size = min(unit * (2.4 + 3.2 * rng.pareto(2.2)), 16 * unit)
        canvas.dab(x, y, size, BLACK + rng.uniform(0, 14))
        if size > 6 * unit:
            canvas.dab(x - 0.1 * size, y - 0.1 * size, 0.5 * size, RAINBOW[rng.integers(7)])


def _written(canvas, path, weight):
    """A calligraphic line: the pen presses where the line turns and lifts where it runs straight."""
    heading = np.unwrap(np.arctan2(*np.gradient(path, axis=0).T[::-1]))
    press = np.abs(np.gradient(heading))
    press = np.convolve(press / (press.max() + 1e-6), np.ones(9) / 9, mode="same")
    for k in range(0, len(path) - 3, 2):
        piece = path[k : k + 5]
        canvas.stroke(piece, weight * (0.45 + press[k]), BLACK, taper=0.15, bristle_contrast=9, body=1.6)


def _strings(canvas, place, turn, length, rng):
    """A few thin parallel lines, as of a harp."""
    along = np.array((np.cos(turn), np.sin(turn)))
    across = np.array((-along[1], along[0]))
    for k in range(int(rng.integers(4, 7))):
        start = place + across * k * 0.085 * length + along * rng.uniform(-0.1, 0.1) * length
        reach = along * length * rng.uniform(0.6, 1.0)
        path = [start, start + 0.5 * reach + across * 0.05 * length, start + reach]
        canvas.stroke(bw.smooth_curve(path, 16), 0.022 * length, BLACK + 10, taper=0.7)


def _comb(canvas, place, turn, teeth, size, rng):
    """A slightly bent line crossed by short ones, with a dot at every second end."""
    along = np.array((np.cos(turn), np.sin(turn)))
    across = np.array((-along[1], along[0]))
    spine = [place - along * size * 1.6, place + across * size * 0.18, place + along * size * 1.6]
    canvas.stroke(bw.smooth_curve(spine, 20), size * 0.11, BLACK, taper=0.7)
    for k in range(teeth):
        middle = place + along * size * (2.6 * (k + 0.5) / teeth - 1.3)
        half = across * size * (0.25 + 0.35 * np.sin(np.pi * (k + 0.5) / teeth)) * rng.uniform(0.8, 1.2)
        canvas.stroke([middle - half, middle, middle + half], size * 0.085, BLACK, taper=0.6)
        if k % 2:
            canvas.dab(*(middle + half * 1.25), size * 0.16, RAINBOW[rng.integers(7)])
