"""Analytic cubism: a table with a guitar, a bottle and glasses, taken apart into overlapping planes.

A plane is a polygon that is shaded from one edge and fades out before it reaches the other, so that it passes
into its neighbour.  Few directions, few colours, many planes; short dabs of the brush run along each plane.
"""

import brushwork as bw
import numpy as np

OCHRE = [(40, 32, 26), (88, 66, 42), (140, 106, 62), (190, 152, 94), (226, 200, 148), (246, 234, 204)]
GREY = [(28, 30, 34), (70, 74, 76), (116, 120, 116), (160, 162, 152), (204, 202, 186), (240, 236, 220)]
GREEN = [(24, 34, 28), (54, 68, 48), (92, 104, 70), (138, 144, 98), (188, 186, 142), (232, 226, 192)]
INK = np.array((30, 24, 22), np.float32)
# The few directions of the picture, in radians: nearly upright, nearly level, and three slants.
DIRECTIONS = np.array((1.50, 1.12, 0.52, 0.06, -0.46, -1.08))


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    planes = _planes(width, height, rng)
    colour, angle = _shade(planes, x, y, width, height, rng)

    canvas = bw.Canvas(width, height, (110, 96, 74), rng)
    canvas.cover(colour, angle, width=11, length=24, density=1.4, tolerance=40, taper=0.25, colour_jitter=5)
    _lines(canvas, planes, width, height, rng, 0.75)
    # Short dabs, side by side: the stroke that makes the planes tremble.
    for size, chance in ((6.5, 0.9), (4.6, 0.8), (3.2, 0.55)):
        canvas.cover(colour, angle, width=size, length=size * 2.6, where=np.full_like(x, chance), tolerance=26,
                     taper=0.2, tone_jitter=14, colour_jitter=5, body=1.4, bristle_contrast=11)
    _lines(canvas, planes, width, height, rng, 0.42)
    _things(canvas, width, height, rng)
    return canvas.finish(light=0.95)


def _planes(width, height, rng):
    """Polygons of four or so corners; large ones first, small ones crowded towards the middle axis."""
    planes = []
    for k in range(230):
        size = (0.34 * (1 - k / 230) ** 1.3 + 0.065) * width
        level = rng.uniform(-0.03, 1.03)
        spread = 0.15 + 0.30 * np.abs(level - 0.15)  # a tall pyramid: narrow above, wide below
        across = rng.normal(0.5, spread) if k > 70 else rng.uniform(-0.05, 1.05)
        first, second = rng.choice(DIRECTIONS, 2, replace=False) + rng.normal(0, 0.05, 2)
        one = np.array((np.cos(first), np.sin(first))) * size * rng.uniform(0.5, 1.1)
        two = np.array((np.cos(second), np.sin(second))) * size * rng.uniform(0.35, 0.8)
        corners = np.array([-one - two, one - two, one + two, two - one]) / 2
        if rng.random() < 0.3:
            corners[2] = corners[2] * rng.uniform(0.1, 0.5)  # a kite or a splinter instead of a parallelogram
        planes.append({
            "corners": corners + (across * width, level * height),
            "palette": (OCHRE, GREY, GREEN)[rng.choice(3, p=(0.5, 0.34, 0.16))],
            "light": float(np.clip(rng.normal(0.5, 0.2) + 0.16 * (0.5 - np.abs(across - 0.5)), 0.05, 1)),
            "edge": int(rng.integers(4)),
            "fade": rng.uniform(0.5, 1.1),
            "dab": rng.choice(DIRECTIONS) + rng.normal(0, 0.1),
        })
    return planes


def _shade(planes, x, y, width, height, rng):
    """Lay the planes over each other; every one is darkest along one edge and dissolves away from it."""
    noise = bw.fractal_noise(width, height, 120, 4, rng)
    colour = bw.from_palette(GREY, 0.40 + 0.10 * noise)
    colour = bw.blend(colour, bw.from_palette(OCHRE, 0.42 + 0.12 * noise), bw.smoothstep(-0.6, 0.8, noise))
    angle = np.full_like(x, 0.05)
    for plane in planes:
        corners = plane["corners"]
        inside, along_edge = np.ones_like(x, bool), None
        sign = np.sign(np.sum(corners[:, 0] * np.roll(corners[:, 1], -1) - np.roll(corners[:, 0], -1) * corners[:, 1]))
        for k in range(4):
            a, b = corners[k], corners[(k + 1) % 4]
            edge = (b - a) / max(np.hypot(*(b - a)), 1e-6)
            depth = sign * ((y - a[1]) * edge[0] - (x - a[0]) * edge[1])
            inside &= depth > 0
            if k == plane["edge"]:
                along_edge = depth
        if not inside.any():
            continue
        reach = np.clip(along_edge / max(along_edge[inside].max(), 1), 0, 1)
        cover = inside * np.clip(1.15 - reach / plane["fade"], 0, 0.96)
        tone = plane["light"] + (0.34 * reach - 0.17) * (1 if plane["edge"] % 2 else -1) + 0.05 * noise
        colour = bw.blend(colour, bw.from_palette(plane["palette"], tone), cover)
        angle = np.where(cover > 0.45, plane["dab"], angle)
    # More contrast in the middle, quiet corners, but never flat.
    focus = np.exp(-(((x / width - 0.5) / 0.42) ** 2 + ((y / height - 0.5) / 0.55) ** 2))
    mean = np.array((128, 110, 84), np.float32)
    return mean + (colour - mean) * (0.80 + 0.50 * focus)[..., None], angle


def _lines(canvas, planes, width, height, rng, chance):
    """Contours, but never all the way round: each is drawn along the plane's dark edge and breaks off."""
    for plane in planes:
        if rng.random() > chance:
            continue
        corners = plane["corners"]
        a, b = corners[plane["edge"]], corners[(plane["edge"] + 1) % 4]
        start, end = np.sort(rng.uniform(0, 1, 2)) * (0.4, 1) + (0, 0.1)
        t = np.linspace(start, end, 8)[:, None]
        canvas.stroke(a + (b - a) * t, rng.uniform(1.2, 3.2) * width / 576, INK + rng.uniform(0, 30),
                      taper=0.8, bristle_contrast=8)


def _arc_path(cx, cy, rx, ry, start, end, turn, width, height):
    t = np.linspace(start, end, 40)
    px, py = rx * np.cos(t) * width, ry * np.sin(t) * width
    return np.stack([cx * width + px * np.cos(turn) - py * np.sin(turn),
                     cy * height + px * np.sin(turn) + py * np.cos(turn)], axis=1)


def _things(canvas, width, height, rng):
    """What is left of the things: curves of a guitar, its strings and sound hole, a bottle's neck, a glass."""
    unit = width / 576

    def curve(*shape, weight=3.4):
        canvas.stroke(_arc_path(*shape, width, height), weight * unit, INK, taper=0.75, bristle_contrast=8)

    curve(0.44, 0.66, 0.21, 0.15, 0.9, 3.6, -0.5)
    curve(0.52, 0.57, 0.15, 0.11, 3.2, 5.6, -0.5)
    curve(0.40, 0.68, 0.18, 0.13, 1.2, 2.9, -0.5, weight=1.8)
    curve(0.60, 0.60, 0.16, 0.12, -0.9, 0.9, -0.5)
    curve(0.49, 0.61, 0.062, 0.058, 0.2, 5.4, 0, weight=3)
    curve(0.49, 0.61, 0.047, 0.043, 1.0, 4.9, 0, weight=1.6)
    for k in range(6):  # strings, running up the neck
        offset = np.array((0.86, 0.50)) * (k - 2.5) * 5.2 * unit
        a, b = np.array((0.40 * width, 0.74 * height)), np.array((0.66 * width, 0.22 * height))
        t = np.linspace(0, 1, 10)[:, None]
        canvas.stroke(a + offset + (b - a) * t, 1.3 * unit, INK if k % 2 else np.array((236, 222, 186)), taper=0.4)
    for k in range(8):
        a = np.array((0.55 * width, 0.44 * height)) + np.array((0.015 * width, -0.030 * height)) * k
        canvas.stroke([a, a + (9 * unit, 5 * unit), a + (26 * unit, 13 * unit)], 2.2 * unit, INK)
    for side in (-1, 1):  # the bottle, left, cut in two and shifted
        x = 0.24 * width + side * 0.030 * width
        path = [(x, 0.18 * height), (x, 0.30 * height), (x + side * 0.045 * width, 0.38 * height),
                (x + side * 0.05 * width, 0.56 * height)]
        canvas.stroke(np.array(path) + (0, 12 * side * unit), 2.8 * unit, INK, taper=0.5)
    curve(0.24, 0.18, 0.030, 0.011, 0, 6.3, 0, weight=2)
    curve(0.24, 0.42, 0.075, 0.022, 0.2, 3.0, 0, weight=2)
    curve(0.78, 0.50, 0.066, 0.022, 0, 6.3, 0, weight=2.2)
    curve(0.78, 0.62, 0.050, 0.030, 0.1, 3.1, 0, weight=2.2)
    for side in (-1, 1):
        a = np.array((0.78 * width + side * 0.066 * width, 0.50 * height))
        canvas.stroke([a, a + (-side * 4 * unit, 40 * unit), a + (-side * 9 * unit, 84 * unit)], 2.2 * unit, INK)
    for k in range(7):  # the fringe of the tablecloth
        x = (0.30 + 0.035 * k) * width
        canvas.stroke([(x, 0.89 * height), (x + 4 * unit, 0.91 * height), (x + 3 * unit, 0.945 * height)], 2 * unit, INK)
