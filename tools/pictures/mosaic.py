"""A mosaic: a peacock on gold among vine scrolls, over water, in a braided border.

Here is the cartoon: which region every pixel belongs to, and which stones a region has.  How the stones are
laid is in tesserae.py.
"""

import brushwork as bw
import numpy as np
import tesserae
from PIL import Image, ImageDraw

# Every region's stones: palette from dark to light, size of a stone in pixels.
STONES = {
    "gold": ([(150, 96, 26), (196, 138, 38), (226, 172, 60), (244, 202, 96), (255, 232, 150)], 8.0),
    "outline": ([(18, 16, 34), (34, 28, 52), (56, 36, 50)], 4.6),
    "blue": ([(10, 24, 84), (18, 52, 140), (30, 92, 186), (72, 150, 214), (160, 208, 226)], 5.4),
    "teal": ([(6, 56, 64), (14, 96, 96), (40, 142, 124), (110, 186, 140), (190, 220, 160)], 5.6),
    "navy": ([(8, 14, 50), (18, 30, 90), (30, 56, 130)], 5.0),
    "leaf": ([(20, 52, 30), (44, 92, 40), (90, 136, 50), (160, 180, 80)], 5.2),
    "lime": ([(120, 150, 60), (170, 190, 90), (214, 220, 140)], 4.8),
    "grape": ([(74, 12, 40), (126, 24, 52), (176, 50, 66), (220, 120, 116)], 5.0),
    "terracotta": ([(112, 36, 22), (160, 60, 34), (196, 92, 52), (220, 138, 92)], 6.2),
    "cream": ([(198, 178, 140), (226, 210, 174), (246, 236, 210)], 5.6),
    "sea_dark": ([(12, 40, 84), (20, 66, 116), (34, 96, 142)], 6.4),
    "sea_light": ([(50, 124, 160), (96, 168, 184), (160, 208, 204)], 6.0),
    "red": ([(140, 20, 26), (190, 36, 34), (226, 80, 56)], 5.0),
}
NAMES = list(STONES)

# The eyes of the peacock's train: x, y and radius, in hundredths of the width.
EYES = [
    (60, 37.2, 2.2),
    (67.5, 37.4, 2.4),
    (75.5, 40.6, 2.5),
    (83.5, 45.4, 2.5),
    (89, 51, 2.1),
    (62, 43.6, 2.3),
    (70, 44.6, 2.5),
    (78, 48.3, 2.5),
    (66, 50.4, 2.1),
    (74.5, 52.3, 1.9),
    (83, 52, 2.0),
]


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    kinds = [tesserae.Kind(*STONES[name], glints=name == "gold") for name in NAMES]
    return tesserae.mosaic(_cartoon(width, height), kinds, rng)


class _Cartoon:
    """Draws regions by name; coordinates in hundredths of the width, from the upper left corner."""

    def __init__(self, width, height):
        self.unit = width / 100
        self.image = Image.new("L", (width, height), NAMES.index("gold"))
        self.pen = ImageDraw.Draw(self.image)

    def shape(self, points, name, outline=True, closed_smoothly=True):
        points = bw.smooth_curve(points, 120, closed=True) if closed_smoothly else np.asarray(points, float)
        flat = (points * self.unit).ravel().tolist()
        self.pen.polygon(flat, fill=NAMES.index(name))
        if outline:
            self.pen.line(flat + flat[:2], fill=NAMES.index("outline"), width=round(0.72 * self.unit), joint="curve")

    def line(self, points, name, thickness):
        points = bw.smooth_curve(points, 160)
        self.pen.line(
            (points * self.unit).ravel().tolist(),
            fill=NAMES.index(name),
            width=max(2, round(thickness * self.unit)),
            joint="curve",
        )

    def disc(self, x, y, radius, name, flat=1.0):
        box = [
            (x - radius) * self.unit,
            (y - radius * flat) * self.unit,
            (x + radius) * self.unit,
            (y + radius * flat) * self.unit,
        ]
        self.pen.ellipse(box, fill=NAMES.index(name))


def _cartoon(width, height):
    art = _Cartoon(width, height)
    high = 100 * height / width
    _water(art, high)
    _vine(art, [(4, 58), (12, 55), (11, 43), (24, 40), (25, 29), (12, 27), (11, 16), (22, 12), (30, 15)], 1)
    _vine(art, [(98, 36), (90, 33), (84, 24), (90, 16), (82, 11), (73, 16), (66, 25), (58, 24), (56, 14)], -1)
    _vine(art, [(62, 60.5), (70, 58.6), (80, 60), (90, 58.4), (97, 60.5)], 1)
    _peacock(art)
    _border(art, high)
    return np.asarray(art.image).astype(int)


def _water(art, high):
    """Bands of waves along the lower edge, and two fish."""
    x = np.linspace(-2, 102, 120)
    bands = ("cream", "sea_light", "sea_dark", "cream", "sea_dark", "sea_light", "navy", "cream", "sea_dark")
    top = high - 19.5
    for k, name in enumerate(bands):
        y = top + 1.0 * np.sin(x / 5.2 + 1.3 * k) + 0.4 * np.sin(x / 2.3 + k)
        band = np.concatenate([np.stack([x, y], 1), [(102, high + 2), (-2, high + 2)]])
        art.shape(band, name, outline=False, closed_smoothly=False)
        top += {"cream": 0.95, "navy": 1.2}.get(name, 2.4)
    for x0, y0, s in ((24, high - 13.0, 1), (52, high - 12.2, 1), (79, high - 13.2, -1)):
        body = [
            (x0 - 7 * s, y0),
            (x0 - 3 * s, y0 - 2.4),
            (x0 + 3 * s, y0 - 1.8),
            (x0 + 6 * s, y0),
            (x0 + 9.5 * s, y0 - 2.6),
            (x0 + 8.6 * s, y0 + 0.2),
            (x0 + 9.5 * s, y0 + 2.6),
            (x0 + 6 * s, y0 + 0.8),
            (x0 + 2 * s, y0 + 2.2),
            (x0 - 4 * s, y0 + 1.8),
        ]
        art.shape(body, "terracotta")
        art.line([(x0 - 3 * s, y0 - 1.9), (x0 - 2.2 * s, y0), (x0 - 3 * s, y0 + 1.9)], "cream", 0.8)
        art.line([(x0 - 1 * s, y0), (x0 + 2 * s, y0 - 0.3), (x0 + 5 * s, y0)], "red", 0.9)
        art.disc(x0 - 4.9 * s, y0 - 0.5, 0.75, "cream")


def _vine(art, points, turn):
    """A winding stem; leaves, tendrils and bunches of grapes to its left and right in turn."""
    path = bw.smooth_curve(points, 240)
    art.line(points, "outline", 1.9)
    art.line(points, "leaf", 1.0)
    heading = np.gradient(path, axis=0)
    heading = heading / np.hypot(heading[:, 0], heading[:, 1])[:, None]
    steps = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    side = turn
    for k, place in enumerate(np.arange(3.0, steps[-1], 5.2)):
        i = int(np.searchsorted(steps, place))
        i = min(i, len(path) - 1)
        out = np.array((-heading[i, 1], heading[i, 0])) * side
        kind = k % 3
        if kind == 0:
            _leaf(art, path[i] + out * 0.4, out + 0.55 * heading[i], 5.0)
        elif kind == 1:
            _tendril(art, path[i], out, side)
        else:
            _grapes(art, path[i] + out * 2.6, out)
        side = -side


def _leaf(art, base, direction, size):
    """A vine leaf: three lobes about a stem, with a lighter rib."""
    along = direction / np.hypot(*direction)
    across = np.array((-along[1], along[0]))
    outline = [
        (0, 0),
        (0.18, 0.42),
        (0.45, 0.30),
        (0.62, 0.46),
        (0.78, 0.20),
        (1.05, 0.0),
        (0.78, -0.20),
        (0.62, -0.46),
        (0.45, -0.30),
        (0.18, -0.42),
    ]
    art.shape([base + size * (a * along + b * across) for a, b in outline], "leaf")
    art.line([base + 0.1 * size * along, base + 0.45 * size * along, base + 0.85 * size * along], "lime", 0.7)


def _tendril(art, base, out, turn):
    """A thin shoot that rolls up."""
    start = np.arctan2(out[1], out[0])
    t = np.linspace(0, 1, 24)
    radius = 2.1 * (1 - 0.75 * t)
    centre = base + out * 2.6
    around = start + np.pi + turn * 7.0 * t
    points = np.stack([centre[0] + radius * np.cos(around), centre[1] + radius * np.sin(around)], 1)
    art.line(np.concatenate([[base], points]), "outline", 0.75)


def _grapes(art, centre, out):
    """Ten grapes in rows of four, three, two, one."""
    across = np.array((-out[1], out[0]))
    for row in range(4):
        for k in range(4 - row):
            x, y = centre + out * (1.5 * row - 1.2) + across * 1.6 * (k - (3 - row) / 2)
            art.disc(x, y, 1.12, "outline")
            art.disc(x, y, 0.78, "grape" if (row + k) % 2 else "red")


def _peacock(art):
    """Body and neck in blue, a train of eyed feathers sweeping down to the right."""
    train = [(47, 38), (56, 32), (67, 31.5), (78, 36), (86, 43.5), (89.5, 51), (83, 54.5), (72, 55), (60, 52), (50, 48)]
    art.shape(train, "teal")
    for start, end in (((52, 40), (90, 50)), ((53, 43), (86, 54)), ((56, 37), (84, 42))):
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - 1.5)
        art.line([start, middle, end], "leaf", 0.9)
    for x, y, r in EYES:
        for scale, name in ((1.2, "outline"), (1.0, "gold"), (0.68, "terracotta"), (0.44, "blue")):
            art.disc(x, y, r * scale, name)
    body = [
        (40, 24),
        (43, 21.5),
        (46.5, 24),
        (47, 29),
        (50, 33),
        (57, 36),
        (60, 41),
        (57, 47),
        (50, 51),
        (43, 50),
        (37.5, 45),
        (36, 38),
        (38.5, 31),
    ]
    art.shape(body, "blue")
    art.shape([(47, 38), (54, 37), (60, 42), (56, 47), (49, 46)], "terracotta")
    for k in range(3):
        art.line([(48.5 + 2.4 * k, 39.0), (50.8 + 2.4 * k, 42.5), (49.5 + 2.4 * k, 46)], "cream", 0.8)
    art.line([(39, 34), (42.5, 36), (46, 34)], "cream", 0.85)
    art.line([(38.2, 37), (42, 39.2), (46, 37.4)], "gold", 0.85)
    art.shape([(36.5, 22.5), (39.5, 18.6), (44.5, 18.4), (47, 21.5), (45.6, 25.4), (40.5, 25.6)], "blue")
    art.shape([(30.5, 24.6), (36.8, 21.4), (37.2, 24.2)], "terracotta", closed_smoothly=False)
    art.disc(41, 21.6, 1.5, "cream")
    art.disc(40.8, 21.7, 0.75, "outline")
    for k in range(4):
        tip = (41.0 + 3.4 * k, 12.2 + 0.35 * k * k)
        art.line([(42.5 + 0.7 * k, 18.6), (42.2 + 1.8 * k, 15.2), tip], "outline", 0.65)
        art.disc(*tip, 1.25, "outline")
        art.disc(*tip, 0.8, "teal")
    for x in (46, 51):
        art.line([(x, 50), (x - 0.8, 54.5), (x - 0.4, 58.5)], "outline", 1.0)
        for toe in (-2.6, 0, 2.6):
            art.line([(x - 0.4, 58.2), (x + toe * 0.6, 59.4), (x + toe, 60)], "outline", 0.8)


def _border(art, high):
    """A braid of two strands between dark bands, all round."""
    deep = 8.2
    pieces = [((0, 0), (100, 0)), ((100, 0), (100, high)), ((100, high), (0, high)), ((0, high), (0, 0))]
    for (x0, y0), (x1, y1) in pieces:
        along = np.array((x1 - x0, y1 - y0))
        length = np.hypot(*along)
        along = along / length
        inward = np.array((-along[1], along[0]))

        def at(s, depth, origin=(x0, y0), along=along, inward=inward):
            return np.array(origin) + np.outer(s, along) + np.outer(depth, inward)

        ends = np.array((0, length))
        bands = ((deep / 2, deep, "navy"), (deep - 0.6, 1.2, "cream"), (0.5, 1.4, "terracotta"))
        for depth, thick, name in bands:
            art.pen.line(
                (at(ends, np.full(2, depth)) * art.unit).ravel().tolist(),
                fill=NAMES.index(name),
                width=round(thick * art.unit),
            )
        waves = round((length - deep) / 8.6)
        wave_length = (length - deep) / waves
        s = np.linspace(deep / 2 - 2, length - deep / 2 + 2, 400)
        phase = (s - deep / 2) / wave_length * 2 * np.pi
        # The strands change places: each half wave the other one is on top.
        for half in range(2 * waves + 2):
            here = (phase >= (half - 0.55) * np.pi) & (phase <= (half + 0.55) * np.pi)
            if here.sum() < 3:
                continue
            for strand in (0, 1) if half % 2 else (1, 0):
                depth = deep / 2 - 0.25 + (1 if strand else -1) * 1.9 * np.sin(phase[here])
                path = (at(s[here], depth) * art.unit).ravel().tolist()
                for thick, name in ((2.5, "outline"), (1.9, ("terracotta", "gold")[strand])):
                    art.pen.line(path, fill=NAMES.index(name), width=round(thick * art.unit), joint="curve")
        for k in range(2 * waves):
            x, y = at([deep / 2 + (k + 0.5) * wave_length / 2], [deep / 2 - 0.25])[0]
            art.disc(x, y, 0.75, "cream")
    for x, y in (
        (deep / 2, deep / 2),
        (100 - deep / 2, deep / 2),
        (deep / 2, high - deep / 2),
        (100 - deep / 2, high - deep / 2),
    ):
        for radius, name in ((4.5, "outline"), (3.7, "gold"), (2.7, "red"), (1.6, "cream"), (0.8, "navy")):
            art.disc(x, y, radius, name)
