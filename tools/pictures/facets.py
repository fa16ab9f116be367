"""Analytic cubism: a table with a guitar, a bottle and a glass, taken apart into overlapping planes.

A plane is a polygon that is shaded from one edge and fades out before it reaches the other, so that it passes
into its neighbour.  Few directions, few colours, many planes; short dabs of the brush run along each plane.
"""

from dataclasses import dataclass

import brushwork as bw
import numpy as np

OCHRE = [(30, 22, 18), (78, 54, 32), (136, 98, 54), (188, 146, 84), (226, 196, 138), (248, 236, 204)]
GREY = [(20, 22, 28), (58, 64, 70), (106, 114, 114), (154, 158, 150), (204, 204, 190), (244, 242, 226)]
GREEN = [(18, 28, 26), (42, 58, 46), (78, 94, 66), (124, 134, 92), (180, 182, 136), (232, 228, 194)]
INK = np.array((26, 20, 20), np.float32)
# The few directions of the picture, in radians: nearly upright, nearly level, and three slants.
DIRECTIONS = np.array((1.52, 1.15, 0.60, 0.05, -0.50, -1.05))
PLANES = 420


@dataclass
class Plane:
    """A polygon with its colours, the edge it is darkest (or lightest) at, and the run of its dabs."""

    corners: np.ndarray
    palette: list
    light: float
    turned_to_light: bool
    fade: float
    dab: float

    def depths(self, x, y):
        """How far every pixel lies behind each of the edges (negative: outside)."""
        following = np.roll(self.corners, -1, axis=0)
        area = np.sum(self.corners[:, 0] * following[:, 1] - following[:, 0] * self.corners[:, 1])
        for a, b in zip(self.corners, following, strict=True):
            edge = (b - a) / max(np.hypot(*(b - a)), 1e-6) * np.sign(area)
            yield (y - a[1]) * edge[0] - (x - a[0]) * edge[1]


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    planes = _planes(width, height, rng)
    colour, angle = _shade(planes, x, y, width, height, rng)

    canvas = bw.Canvas(width, height, (110, 92, 66), rng)
    dabs = {"taper": 0.2, "colour_jitter": 4, "bristle_contrast": 10, "angle_jitter": 0.13}
    canvas.cover(colour, angle, width=10, length=22, density=1.5, tolerance=34, tone_jitter=8, **dabs)
    _contours(canvas, planes, width, rng, 0.8)
    # Short dabs, side by side: the stroke that makes the planes tremble.
    for size, chance in ((6, 0.85), (4.2, 0.75), (2.8, 0.5)):
        canvas.cover(
            colour,
            angle,
            width=size,
            length=size * 2.4,
            where=np.full_like(x, chance),
            tolerance=20,
            tone_jitter=13,
            body=1.4,
            **dabs,
        )
    _contours(canvas, planes[60:], width, rng, 0.40)
    _things(canvas, width, height, rng)
    return canvas.finish(light=0.95)


def _planes(width, height, rng):
    """Polygons of four or so corners; large ones first, small ones crowded towards the middle axis."""
    planes = []
    for k in range(PLANES):
        size = (0.36 * (1 - k / PLANES) ** 1.6 + 0.075) * width
        level = rng.uniform(-0.03, 1.03)
        spread = 0.13 + 0.28 * np.abs(level - 0.1)  # a tall pyramid: narrow above, wide below
        across = rng.normal(0.5, spread) if k > 0.55 * PLANES else rng.uniform(-0.05, 1.05)
        first, second = rng.choice(DIRECTIONS, 2, replace=False, p=(0.26, 0.2, 0.12, 0.18, 0.12, 0.12))
        one = np.array((np.cos(first), np.sin(first))) * size * rng.uniform(0.6, 1.3)
        two = np.array((np.cos(second), np.sin(second))) * size * rng.uniform(0.35, 0.8)
        corners = np.array([-one - two, one - two, one + two, two - one]) / 2
        if rng.random() < 0.35:
            corners[2] = corners[2] * rng.uniform(0.1, 0.5)  # a kite or a splinter, no parallelogram
        corners = np.roll(corners, rng.integers(4), axis=0) + np.array((across * width, level * height))
        turned_to_light = bool(rng.random() < 0.5)
        planes.append(
            Plane(
                corners=corners,
                palette=(OCHRE, GREY, GREEN)[rng.choice(3, p=(0.5, 0.33, 0.17))],
                light=float(np.clip(rng.normal(0.62 if turned_to_light else 0.48, 0.14), 0.1, 0.95)),
                turned_to_light=turned_to_light,
                fade=rng.uniform(0.45, 1.2),
                dab=rng.choice([first, second]) + rng.normal(0, 0.06),
            )
        )
    return planes


def _shade(planes, x, y, width, height, rng):
    """Lay the planes over each other; strongest along its first edge, each dissolves away from it."""
    noise = bw.fractal_noise(width, height, 120, 4, rng)
    colour = bw.from_palette(GREY, 0.42 + 0.10 * noise)
    colour = bw.blend(colour, bw.from_palette(OCHRE, 0.44 + 0.12 * noise), bw.smoothstep(-0.6, 0.8, noise))
    angle = np.full_like(x, 0.05)
    margin = 0.08 * width
    for plane in planes:
        # Only the box round the plane (and its shadow) has to be looked at.
        left, top = np.clip(plane.corners.min(axis=0) - margin, 0, (width, height)).astype(int)
        right, bottom = np.clip(plane.corners.max(axis=0) + margin, 0, (width, height)).astype(int)
        box = np.s_[top:bottom, left:right]
        depths = list(plane.depths(x[box], y[box]))
        inside = np.minimum.reduce(depths) > 0
        if not inside.any():
            continue
        reach = np.clip(depths[0] / max(depths[0][inside].max(), 1), 0, 1)
        cover = inside * np.clip(1.2 - reach / plane.fade, 0, 0.97)
        # Towards its first edge a plane is much lighter or much darker: that makes it stand out as in relief.
        slope = (1 - reach) ** 1.5 * (0.34 if plane.turned_to_light else -0.34)
        tone = plane.light + slope + 0.04 * noise[box]
        below = bw.blend(colour[box], bw.from_palette(plane.palette, tone), cover)
        angle[box] = np.where(cover > 0.45, plane.dab, angle[box])
        # The shadow it throws on what lies beyond its first edge.
        beyond = (depths[0] < 0) & (np.minimum.reduce(depths[1:]) > 0)
        shadow = beyond * np.exp(depths[0] / (0.02 * width)) * 0.5
        colour[box] = below * (1 - shadow)[..., None]
    # More contrast in the middle, quieter corners, but never flat.
    focus = np.exp(-(((x / width - 0.5) / 0.42) ** 2 + ((y / height - 0.5) / 0.55) ** 2))
    mean = np.array((128, 108, 80), np.float32)
    return mean + (colour - mean) * (0.80 + 0.35 * focus)[..., None], angle


def _contours(canvas, planes, width, rng, chance):
    """Outlines, but never all the way round: each runs along the plane's first edge and breaks off."""
    for plane in planes:
        if rng.random() > chance:
            continue
        a, b = plane.corners[0], plane.corners[1]
        start, end = rng.uniform(-0.05, 0.35), rng.uniform(0.55, 1.1)
        t = np.linspace(start, end, 8)[:, None]
        canvas.stroke(
            a + (b - a) * t,
            rng.uniform(1.0, 2.8) * width / 576,
            INK + rng.uniform(0, 40),
            taper=0.85,
            bristle_contrast=8,
        )


def _things(canvas, width, height, rng):
    """What is left of the things: pieces of curves, strings, pegs; each broken off and shifted."""
    unit = width / 576

    def curve(cx, cy, rx, ry, start, end, weight=4.2):
        """Part of an ellipse, in two pieces that do not quite meet."""
        cut = rng.uniform(0.4, 0.6)
        for low, high in ((0, cut - 0.03), (cut + 0.03, 1)):
            t = start + (end - start) * np.linspace(low, high, 24)
            shift = rng.normal(0, 3.5, 2) * unit
            px, py = rx * np.cos(t) * width, ry * np.sin(t) * width
            turned = np.stack([px * 0.88 + py * 0.48, -px * 0.48 + py * 0.88], axis=1)
            path = turned + np.array((cx * width, cy * height)) + shift
            for k in range(1, 4):  # dabs of light or shadow along its inner side make the curve a body
                inner = (path + np.array((2.2, 2.8)) * k * unit)[3 * k : -3 * k]
                tone = np.array(OCHRE[4] if low else GREY[1], np.float32) - 12 * k
                for first in range(0, len(inner) - 2, 3):
                    canvas.stroke(inner[first : first + 3], 2.4 * unit, tone + rng.normal(0, 14), taper=0.4)
            canvas.stroke(path, weight * unit, INK + rng.uniform(0, 20), taper=0.85, bristle_contrast=8)

    curve(0.44, 0.66, 0.200, 0.150, 0.9, 2.4)
    curve(0.42, 0.67, 0.205, 0.150, 2.5, 3.6)
    curve(0.53, 0.57, 0.150, 0.110, 3.3, 4.6)
    curve(0.60, 0.60, 0.160, 0.120, -0.8, 0.6)
    curve(0.49, 0.61, 0.062, 0.058, 0.2, 3.4)
    curve(0.50, 0.61, 0.047, 0.043, 2.6, 5.4, weight=1.8)
    curve(0.25, 0.42, 0.075, 0.030, 0.3, 3.0, weight=2)
    curve(0.26, 0.19, 0.034, 0.014, 0.2, 5.8, weight=2)
    curve(0.78, 0.50, 0.066, 0.024, 0.4, 5.6, weight=2)
    curve(0.77, 0.62, 0.050, 0.034, 0.1, 2.9, weight=2)
    curve(0.16, 0.80, 0.070, 0.060, 3.4, 5.6, weight=2)
    curve(0.84, 0.83, 0.080, 0.050, 0.4, 2.6, weight=2)

    def line(points, weight, colour=INK):
        path = np.array(points) * (width, height)
        canvas.stroke(path, weight * unit, colour, taper=0.5, bristle_contrast=8)

    for k in range(6):  # strings, interrupted where planes cross them
        shift = 0.0075 * (k - 2.5)
        for start, end in ((0.0, 0.34), (0.40, 0.72), (0.76, 1.0)):
            a, b = np.array((0.40 + shift * 1.6, 0.74 + shift)), np.array((0.66 + shift * 1.6, 0.22 + shift))
            side = rng.normal(0, 0.003)
            piece = [a + (b - a) * t + side for t in np.linspace(start, end, 6)]
            line(piece, 1.2, INK if (k + (start > 0.3)) % 2 else np.array((244, 232, 196)))
    for k in range(9):  # frets and pegs
        x, y = 0.545 + 0.0155 * k, 0.455 - 0.031 * k
        line([(x - 0.02, y - 0.012), (x + 0.01, y + 0.003), (x + 0.045, y + 0.018)], 1.8)
    for side, drop in ((-1, -0.015), (1, 0.02)):  # the bottle, cut in two and shifted
        x = 0.255 + side * 0.032
        line([(x, 0.18 + drop), (x, 0.25 + drop), (x, 0.31 + drop)], 2.4)
        belly = x + side * 0.045
        line([(x + side * 0.03, 0.37 + drop), (belly, 0.46 + drop), (belly, 0.57 + drop)], 2.4)
        x = 0.78 + side * 0.062
        line([(x, 0.50), (x - side * 0.008, 0.56), (x - side * 0.018, 0.62)], 2)
    for k in range(9):  # the fringe of the tablecloth, and lines as of a newspaper
        x = 0.28 + 0.03 * k
        line([(x, 0.89), (x + 0.008, 0.91), (x + 0.004, 0.945)], 1.8)
        if k < 7:
            y = 0.705 + 0.0125 * k
            line([(0.66, y), (0.72, y - 0.006), (0.66 + rng.uniform(0.08, 0.15), y - 0.014)], 1.3)
    for k in range(5):  # the scroll of the guitar's head
        t = np.linspace(0, 4.6, 20)
        r = 0.030 - 0.0055 * t
        if k == 0:
            line(np.stack([0.70 + r * np.cos(t), 0.175 + r * 0.8 * np.sin(t)], axis=1), 2.6)
        line([(0.625 + 0.018 * k, 0.165 + 0.012 * k), (0.64 + 0.018 * k, 0.15 + 0.012 * k)], 3)
