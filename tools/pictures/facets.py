"""Analytic cubism: a seated woman with a guitar, taken apart into planes.

The canvas is cut by straight lines, again and again, along few directions.  Along a cut one side is dark and the
other light, and both fade away from it, so that every plane is shaded across and stands out from its neighbour as
in relief.  Where the figure is, the planes are smaller, lighter and warmer.
"""

import itertools

import brushwork as bw
import numpy as np

OCHRE = [(34, 24, 18), (92, 60, 34), (156, 110, 60), (204, 160, 98), (234, 206, 152), (250, 240, 212)]
GREY = [(24, 25, 30), (70, 74, 78), (120, 125, 122), (168, 170, 160), (212, 210, 196), (246, 244, 230)]
BLUE = [(16, 24, 36), (44, 64, 84), (84, 110, 128), (132, 156, 164), (190, 204, 200), (238, 242, 230)]
UMBER = [(26, 18, 16), (66, 44, 34), (112, 80, 58), (160, 126, 96), (206, 180, 146), (244, 230, 202)]
PALETTES = (OCHRE, GREY, BLUE, UMBER)
INK = np.array((24, 18, 18), np.float32)
# The few directions of the cuts, in radians: nearly upright, nearly level, and slants.
DIRECTIONS = np.array((1.50, 1.12, 0.72, 0.06, -0.52, -0.98, -1.30))

# The figure as ellipses: centre x, y, radii (parts of the width), turn, how much lighter it is.
FIGURE = [
    (0.51, 0.22, 0.115, 0.150, 0.10, 0.30),  # head
    (0.50, 0.50, 0.260, 0.190, -0.10, 0.20),  # shoulders and breast
    (0.36, 0.74, 0.120, 0.280, 0.45, 0.16),  # one arm
    (0.68, 0.72, 0.110, 0.260, -0.50, 0.14),  # the other
    (0.50, 1.02, 0.360, 0.210, 0.05, 0.18),  # lap
]
# Pieces of its outlines: centre x, y, radii, turn, from and to (radians), and how far their shading reaches.
ARCS = [
    (0.51, 0.22, 0.115, 0.150, 0.10, 1.7, 4.4, 0.06),
    (0.51, 0.22, 0.100, 0.160, 0.20, -1.2, 1.1, 0.05),
    (0.56, 0.22, 0.075, 0.120, 0.05, 1.9, 4.2, 0.04),
    (0.38, 0.50, 0.190, 0.150, -0.35, 2.5, 4.9, 0.09),
    (0.66, 0.50, 0.170, 0.150, 0.35, -1.9, 0.3, 0.09),
    (0.41, 0.60, 0.085, 0.075, 0.00, 0.2, 2.9, 0.05),
    (0.59, 0.62, 0.085, 0.080, 0.00, 0.1, 2.7, 0.05),
    (0.37, 0.83, 0.150, 0.130, 0.30, 1.2, 4.0, 0.08),
    (0.58, 0.88, 0.150, 0.120, 0.30, -1.4, 1.6, 0.08),
    (0.47, 0.84, 0.050, 0.046, 0.00, 0.4, 5.0, 0.04),
    (0.50, 1.06, 0.330, 0.150, 0.05, 3.5, 5.6, 0.10),
]


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    figure, tone = _figure(x, y, width)
    planes = _Planes(width, height, figure, tone, rng)
    planes.cut(np.arange(width * height), 0, 0.0, 0)
    colour = _colours(planes, x, y, width, height, rng)
    angle = planes.angle.reshape(height, width) + 0.05 * bw.fractal_noise(width, height, 0.1 * width, 2, rng)

    unit = width / 576
    canvas = bw.Canvas(width, height, (110, 96, 76), rng)
    dabs = {"taper": 0.15, "colour_jitter": 4, "angle_jitter": 0.10}
    canvas.cover(colour, angle, width=15 * unit, length=40 * unit, density=1.6, tolerance=20, tone_jitter=6, **dabs)
    # Broad dabs side by side, as bricks in a wall: the stroke that makes the planes tremble.
    canvas.cover(colour, angle, width=9 * unit, length=20 * unit, density=1.5, tolerance=12, tone_jitter=10, **dabs)
    canvas.cover(colour, angle, width=5 * unit, length=13 * unit, density=0.8, tolerance=10, tone_jitter=11, **dabs)
    for start, end, strength in planes.lines:
        if rng.random() < 0.55 + 0.45 * strength:
            _contour(canvas, start, end, (2.4 + 3.0 * strength) * unit, rng)
    for arc in ARCS:
        _outline(canvas, arc, width, unit, rng)
    _guitar(canvas, width, unit, rng)
    return canvas.finish(light=0.85)


def _ellipse(x, y, width, cx, cy, rx, ry, turn):
    """Where points lie in an ellipse's own coordinates: 1 is on it; and the angle."""
    dx, dy = x / width - cx, y / width - cy
    u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    return np.hypot(u / rx, v / ry), np.arctan2(v / ry, u / rx)


def _figure(x, y, width):
    """How much a pixel belongs to the figure, and the tone before the cuts: light figure, darker room."""
    belongs, light = np.zeros_like(x), np.zeros_like(x)
    for cx, cy, rx, ry, turn, lighter in FIGURE:
        ratio, _ = _ellipse(x, y, width, cx, cy, rx, ry, turn)
        inside = bw.smoothstep(1.25, 0.75, ratio)
        belongs, light = np.maximum(belongs, inside), np.maximum(light, lighter * inside)
    tone = 0.40 + light - 0.10 * np.abs(x / width - 0.45)
    for cx, cy, rx, ry, turn, start, end, reach in ARCS:
        ratio, around = _ellipse(x, y, width, cx, cy, rx, ry, turn)
        along = ((around - start) % (2 * np.pi)) / (end - start)
        shown = bw.smoothstep(0, 0.2, along) * bw.smoothstep(1, 0.7, along)
        away = (ratio - 1) * min(rx, ry)
        # Light on the inner side of an outline, shadow on the outer.
        tone += shown * np.where(away < 0, 0.17, -0.24) * np.exp(-np.abs(away) / reach)
    return belongs, tone


class _Planes:
    """The planes that the cuts leave: for every pixel its tone, its palette and the run of the brush."""

    def __init__(self, width, height, figure, tone, rng):
        x, y = bw.pixel_grid(width, height)
        self.width, self.rng = width, rng
        self.x, self.y, self.figure = x.ravel(), y.ravel(), figure.ravel()
        self.tone = tone.ravel().copy()
        self.palette = np.zeros(width * height, int)
        self.angle = np.zeros(width * height, np.float32)
        self.lines = []  # start, end, strength

    def cut(self, pixels, depth, last, run):
        """Cut a plane in two, and those again, until they are small enough."""
        rng, x, y = self.rng, self.x[pixels], self.y[pixels]
        belongs = self.figure[pixels].mean()
        smallest = (0.155 - 0.060 * belongs) * self.width * rng.uniform(0.75, 1.3)
        if len(pixels) < smallest**2 or depth > 11:
            self.finish(pixels, belongs, run)
            return
        # Across the longer side, along one of the directions that is not that of the cut before.
        spread = np.cov(np.stack([x, y]))
        long = 0.5 * np.arctan2(2 * spread[0, 1], spread[0, 0] - spread[1, 1])
        across = np.abs(np.sin(DIRECTIONS - long)) ** 2.5 * (0.05 + np.abs(np.sin(DIRECTIONS - last)))
        direction = rng.choice(DIRECTIONS, p=across / across.sum()) + rng.normal(0, 0.05)
        along = (x - x.mean()) * np.cos(direction) + (y - y.mean()) * np.sin(direction)
        away = (y - y.mean()) * np.cos(direction) - (x - x.mean()) * np.sin(direction)
        away -= np.quantile(away, rng.uniform(0.35, 0.65))
        near = np.abs(away) < 1
        if near.sum() < 4:
            self.finish(pixels, belongs, run)
            return
        low, high = along[near].min(), along[near].max()
        # Strongest at one end of the cut; at the other the two planes may pass into each other.
        strength = rng.uniform(0.35, 1.0)
        part = (along - low) / max(high - low, 1)
        fade = 0.25 + 0.75 * (part if rng.random() < 0.5 else 1 - part)
        side = rng.choice((-1, 1)) * np.sign(away)
        reach = 0.34 * np.sqrt(len(pixels))
        self.tone[pixels] += strength * 0.36 * side * fade * np.exp(-np.abs(away) / reach)
        middle = np.array((x[near].mean(), y[near].mean()))
        half = np.array((np.cos(direction), np.sin(direction))) * (high - low) / 2
        self.lines.append((middle - half, middle + half, strength))
        for half_plane in (away < 0, away >= 0):
            self.cut(pixels[half_plane], depth + 1, direction, direction)

    def finish(self, pixels, belongs, run):
        """Give a plane its palette, its own tone, and the run of the brush."""
        chances = np.array((0.28, 0.27, 0.27, 0.18)) * (1 - belongs) + np.array((0.56, 0.20, 0.06, 0.18)) * belongs
        self.palette[pixels] = self.rng.choice(len(PALETTES), p=chances)
        self.tone[pixels] += self.rng.normal(0, 0.05)
        self.angle[pixels] = run + self.rng.choice((0, np.pi / 2), p=(0.7, 0.3))


def _colours(planes, x, y, width, height, rng):
    """The colours of the planes, with a little of the neighbours' palette and an uneven ground."""
    clouds = bw.fractal_noise(width, height, 0.2 * width, 4, rng)
    tone = np.clip(planes.tone.reshape(height, width), 0.03, 0.99) + 0.03 * clouds
    palette = planes.palette.reshape(height, width)
    colour = np.zeros((height, width, 3), np.float32)
    for number, stops in enumerate(PALETTES):
        colour = np.where((palette == number)[..., None], bw.from_palette(stops, tone), colour)
    warm = bw.from_palette(OCHRE, tone)
    return bw.blend(colour, warm, 0.15 + 0.10 * bw.smoothstep(-1, 1, clouds))


def _contour(canvas, start, end, weight, rng):
    """A dark line along a part of a cut; it breaks off before the end."""
    first, last = rng.uniform(-0.05, 0.30), rng.uniform(0.60, 1.06)
    t = np.linspace(first, last, 8)[:, None]
    canvas.stroke(start + (end - start) * t, weight, INK + rng.uniform(0, 26), taper=0.8, bristle_contrast=7)


def _outline(canvas, arc, width, unit, rng):
    """A piece of the figure's outline, in two strokes that do not quite meet."""
    cx, cy, rx, ry, turn, start, end, _ = arc
    for low, high in ((0.0, 0.52), (0.57, 1.0)):
        t = start + (end - start) * np.linspace(low, high, 4)  # few points: an angular line, as if cut as well
        u, v = rx * np.cos(t), ry * np.sin(t)
        path = np.stack([u * np.cos(turn) - v * np.sin(turn) + cx, u * np.sin(turn) + v * np.cos(turn) + cy], axis=1)
        path = path * width + rng.normal(0, 2.5, 2) * unit
        for a, b in itertools.pairwise(path):
            t = np.linspace(-0.06, 1.06, 8)[:, None]
            weight = rng.uniform(2.6, 5.2) * unit
            canvas.stroke(a + (b - a) * t, weight, INK + rng.uniform(0, 24), taper=0.7, bristle_contrast=8)


def _guitar(canvas, width, unit, rng):
    """The neck and the strings, interrupted where planes cross them; eyes, nose and mouth as angles."""

    def line(points, weight, colour=INK):
        for a, b in itertools.pairwise(np.array(points) * width):
            t = np.linspace(0, 1, 6)[:, None]
            canvas.stroke(a + (b - a) * t, weight * unit, colour, taper=0.5, bristle_contrast=8)

    light = np.array((246, 234, 202), np.float32)
    for side in (-0.024, 0.024):
        line([(0.50 + side, 0.80), (0.73 + side, 0.44)], 4.5)
    for k in range(4):
        shift = 0.011 * (k - 1.5)
        for start, end in ((0.0, 0.36), (0.42, 0.70), (0.75, 1.0)):
            a, b = np.array((0.44 + shift, 0.91)), np.array((0.735 + shift, 0.43))
            piece = [a + (b - a) * t + rng.normal(0, 0.003) for t in (start, end)]
            line(piece, 2.2, light if (k + (start > 0.3)) % 2 else INK)
    line([(0.446, 0.216), (0.478, 0.196), (0.504, 0.212)], 4)
    line([(0.556, 0.232), (0.590, 0.222)], 4)
    line([(0.530, 0.160), (0.545, 0.262), (0.512, 0.266)], 4.5)
    line([(0.492, 0.316), (0.548, 0.306)], 3.5)
