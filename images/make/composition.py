"""A vivid abstract: soft coloured bodies, arcs, rainbow ribbons, and black signs written over them.

Every shape is one small function: where it is (a map of 0 to 1), what colours it has, and which way the brush
goes in it.  The shapes are laid over each other, some of them transparent; then the brush covers all of it.
"""

import brushwork as bw
import numpy as np

CREAM = [(250, 238, 206), (244, 214, 168), (232, 226, 214), (214, 222, 226), (250, 226, 150), (240, 196, 178)]
RAINBOW = [(206, 34, 44), (244, 130, 28), (252, 212, 48), (70, 160, 78), (28, 128, 190), (36, 52, 150), (132, 52, 140)]
BLACK = np.array((20, 16, 24), np.float32)

# Centre x, y (parts of width, height), radius (part of width), the two colours it goes between, opacity.
BODIES = [
    (0.24, 0.30, 0.170, [(20, 48, 150), (58, 130, 214), (150, 206, 226)], 0.95),
    (0.72, 0.27, 0.165, [(170, 20, 34), (226, 60, 40), (250, 140, 60)], 0.95),
    (0.56, 0.60, 0.175, [(250, 190, 30), (252, 222, 90), (255, 246, 180)], 0.92),
    (0.86, 0.70, 0.140, [(16, 96, 92), (40, 150, 120), (160, 214, 150)], 0.92),
    (0.16, 0.76, 0.150, [(96, 24, 104), (168, 60, 130), (236, 150, 160)], 0.92),
    (0.38, 0.50, 0.095, [(214, 60, 30), (244, 120, 40), (252, 190, 100)], 0.75),
    (0.47, 0.16, 0.085, [(30, 110, 70), (90, 170, 80), (196, 216, 110)], 0.85),
    (0.40, 0.86, 0.110, [(16, 40, 110), (30, 90, 170), (90, 170, 214)], 0.85),
    (0.70, 0.88, 0.085, [(226, 80, 110), (244, 150, 150), (250, 210, 190)], 0.85),
    (0.92, 0.40, 0.075, [(40, 34, 110), (96, 80, 180), (180, 160, 220)], 0.85),
    (0.06, 0.50, 0.075, [(240, 150, 30), (250, 196, 70), (255, 232, 150)], 0.9),
    (0.93, 0.10, 0.090, [(240, 180, 30), (250, 214, 80), (255, 240, 170)], 0.9),
    (0.06, 0.08, 0.080, [(190, 40, 40), (230, 100, 60), (246, 170, 110)], 0.9),
    (0.60, 0.40, 0.060, [(24, 70, 150), (60, 140, 200), (170, 220, 230)], 0.8),
]
# Centre x, y, inner and outer radius, from angle, to angle (turns), colours from the inside out.
ARCS = [
    (0.50, 0.42, 0.22, 0.295, 0.52, 0.93, RAINBOW),
    (0.83, 0.62, 0.17, 0.225, 0.40, 0.80, RAINBOW[::-1]),
    (0.14, 0.60, 0.15, 0.215, 0.62, 1.02, [(252, 212, 48), (244, 130, 28), (206, 34, 44), (96, 24, 84)]),
    (0.44, 0.88, 0.13, 0.180, 0.50, 0.98, [(240, 240, 226), (28, 128, 190), (240, 240, 226), (36, 52, 150)]),
    (0.27, 0.10, 0.09, 0.140, 0.02, 0.45, [(250, 220, 90), (226, 60, 40), (250, 220, 90), (40, 140, 100)]),
]
# Middle x, y, half length, half width (parts of width), turn: ribbons of parallel colours.
RIBBONS = [
    (0.34, 0.68, 0.150, 0.042, -0.62, RAINBOW),
    (0.80, 0.47, 0.120, 0.034, 0.50, [(24, 30, 60), (240, 236, 214)] * 4),
    (0.10, 0.92, 0.120, 0.036, -0.25, RAINBOW[::-1]),
    (0.56, 0.93, 0.110, 0.030, 0.20, [(226, 60, 40), (250, 220, 90)] * 4),
    (0.64, 0.10, 0.110, 0.030, -0.42, [(28, 128, 190), (250, 238, 206), (132, 52, 140), (250, 238, 206)] * 2),
]


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    colour, angle = _ground(x, y, width, height, rng)
    for shape in [*BODIES[:6], *ARCS[:2], *RIBBONS[:2], *BODIES[6:], *RIBBONS[2:], *ARCS[2:]]:
        if shape in BODIES:
            layer = _body(shape, x, y, width, height, rng)
        else:
            layer = (_arc if shape in ARCS else _ribbon)(shape, x, y, width, height)
        cover, layer_colour, layer_angle = layer
        colour = bw.blend(colour, layer_colour, cover)
        angle = np.where(cover > 0.4, layer_angle, angle)

    canvas = bw.Canvas(width, height, (236, 220, 186), rng)
    canvas.cover(colour, angle, width=12, length=48, density=1.4, tolerance=50, tone_jitter=9)
    canvas.cover(colour, angle, width=7, length=36, density=1.2, tolerance=36, tone_jitter=11)
    canvas.cover(colour, angle, width=4.4, length=26, tolerance=30, tone_jitter=13, body=1.4)
    canvas.cover(colour, angle, width=2.8, length=18, where=np.full_like(x, 0.55), tolerance=28,
                 tone_jitter=17, colour_jitter=13, body=1.5)
    _signs(canvas, width, height, rng)
    return canvas.finish(light=0.9)


def _ground(x, y, width, height, rng):
    """Warm and cool creams in patches: even the ground is painted."""
    patches = bw.fractal_noise(width, height, 110, 4, rng)
    colour = bw.from_palette(CREAM, 0.5 + 0.3 * patches)
    colour = colour * (0.93 + 0.06 * bw.fractal_noise(width, height, 40, 3, rng))[..., None]
    return colour, bw.slope_angles(bw.fractal_noise(width, height, 160, 2, rng))


def _body(shape, x, y, width, height, rng):
    """A rounded body: its outline is a circle that waves, and it is shaded in rings like a shell."""
    cx, cy, radius, palette, opacity = shape
    dx, dy = x - cx * width, y - cy * height
    around = np.arctan2(dy, dx)
    wave = sum(rng.uniform(-0.16, 0.16) / k * np.sin(k * around + rng.uniform(0, 6.3)) * 1.6 for k in (2, 3, 4, 5))
    ratio = np.hypot(dx, dy) / (radius * width * (1 + wave))
    shade = 0.5 - 0.35 * (dx + 1.2 * dy) / (radius * width) + 0.16 * np.sin(ratio * 13)
    cover = opacity * bw.smoothstep(1.03, 0.97, ratio)
    colour = bw.from_palette(palette, shade)
    # A rim of the opposite temperature, as if another sheet of colour showed at the edge.
    rim = np.exp(-(((ratio - 0.93) / 0.055) ** 2))
    colour = bw.blend(colour, np.array(palette[0], np.float32)[::-1] * 0.9 + 20, 0.55 * rim)
    return cover, colour, bw.slope_angles(ratio)


def _arc(shape, x, y, width, height):
    """Part of a ring, striped along its length."""
    cx, cy, inner, outer, start, end, palette = shape
    dx, dy = x - cx * width, y - cy * height
    around = np.arctan2(dy, dx)
    across = (np.hypot(dx, dy) / width - inner) / (outer - inner)
    along = ((around / (2 * np.pi)) - start) % 1 / (end - start)
    cover = ((across > 0) & (across < 1) & (along < 1)).astype(np.float32)
    return cover, _stripe(palette, across), around + np.pi / 2


def _ribbon(shape, x, y, width, height):
    """A tilted bar, striped across."""
    cx, cy, half_length, half_width, turn, palette = shape
    dx, dy = x / width - cx, (y - cy * height) / width
    along = dx * np.cos(turn) + dy * np.sin(turn)
    across = -dx * np.sin(turn) + dy * np.cos(turn) + 0.012 * np.sin(along * 26)
    cover = ((np.abs(along) < half_length) & (np.abs(across) < half_width)).astype(np.float32)
    # The brush goes across the bar: one short stroke for every step of colour.
    return cover, _stripe(palette, 0.5 + along / half_length / 2), np.full_like(x, turn + np.pi / 2)


def _stripe(palette, value):
    index = np.clip((value * len(palette)).astype(int), 0, len(palette) - 1)
    return np.asarray(palette, np.float32)[index]


def _curve(points, width, height, count=60):
    """A smooth path through a few points (Catmull-Rom), given in parts of the picture."""
    p = np.asarray(points, np.float32) * (width, height)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    pieces = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        t = np.linspace(0, 1, count // (len(p) - 3), endpoint=False)[:, None]
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                             + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*pieces, p[-2:-1]])


def _signs(canvas, width, height, rng):
    """What is written over it in black: long sweeps, whips, ladders, combs, and dots."""
    unit = width / 720
    sweeps = [
        ([(0.03, 0.62), (0.20, 0.44), (0.40, 0.60), (0.58, 0.36), (0.78, 0.46), (0.97, 0.22)], 8),
        ([(0.30, 0.97), (0.44, 0.74), (0.62, 0.80), (0.74, 0.58), (0.96, 0.56)], 6),
        ([(0.10, 0.10), (0.22, 0.22), (0.16, 0.36), (0.30, 0.42), (0.44, 0.30)], 6),
        ([(0.55, 0.06), (0.62, 0.20), (0.54, 0.30), (0.68, 0.40), (0.84, 0.32), (0.80, 0.16)], 5),
        ([(0.05, 0.86), (0.18, 0.66), (0.26, 0.84), (0.36, 0.76)], 5),
        ([(0.78, 0.95), (0.84, 0.78), (0.95, 0.84), (0.90, 0.66)], 5),
        ([(0.46, 0.70), (0.52, 0.52), (0.64, 0.56), (0.60, 0.70), (0.50, 0.64)], 4),
    ]
    for points, weight in sweeps:
        path = _curve(points, width, height)
        canvas.stroke(path, weight * unit, BLACK, taper=0.85, bristle_contrast=12, body=2)
        canvas.stroke(path + 7 * unit, weight * 0.3 * unit, BLACK + 20, taper=0.8, body=1.5)
    for cx, cy, turn, teeth in ((0.30, 0.24, 0.9, 7), (0.70, 0.66, -0.5, 9), (0.88, 0.26, 0.2, 6), (0.22, 0.58, 2.2, 6),
                                (0.48, 0.88, 0.1, 7), (0.66, 0.20, 1.2, 5)):
        _comb(canvas, np.array((cx * width, cy * height)), turn, teeth, 26 * unit, rng)
    for _ in range(46):
        x, y = rng.uniform(0.03, 0.97) * width, rng.uniform(0.03, 0.97) * height
        size = unit * (3 + 3.2 * rng.pareto(2.5))
        canvas.dab(x, y, min(size, 15 * unit), BLACK + rng.uniform(0, 14))
        if size > 6 * unit:
            canvas.dab(x - 0.1 * size, y - 0.1 * size, 0.45 * min(size, 15 * unit), RAINBOW[rng.integers(7)])


def _comb(canvas, place, turn, teeth, size, rng):
    """A slightly bent line crossed by short ones, with a dot at every second end."""
    along = np.array((np.cos(turn), np.sin(turn)))
    across = np.array((-along[1], along[0]))
    spine = [place - along * size * 1.6, place + across * size * 0.18, place + along * size * 1.6]
    canvas.stroke(_curve(np.array(spine), 1, 1, 20), size * 0.11, BLACK, taper=0.7)
    for k in range(teeth):
        middle = place + along * size * (2.6 * (k + 0.5) / teeth - 1.3)
        half = across * size * (0.25 + 0.35 * np.sin(np.pi * (k + 0.5) / teeth)) * rng.uniform(0.8, 1.2)
        canvas.stroke([middle - half, middle, middle + half], size * 0.085, BLACK, taper=0.6)
        if k % 2:
            canvas.dab(*(middle + half * 1.25), size * 0.16, RAINBOW[rng.integers(7)])
