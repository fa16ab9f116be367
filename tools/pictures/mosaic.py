"""A mosaic of large stones: a fish leaps over the waves in front of a setting sun.

Here is the cartoon: which region every pixel belongs to, and which stones a region has.  How the stones are
laid is in tesserae.py.  The stones are so large that each can be seen when the picture is only 256 pixels wide.
"""

import brushwork as bw
import numpy as np
import tesserae
from PIL import Image, ImageDraw

# Every region's stones: palette from dark to light, size of a stone in hundredths of the width.
STONES = {
    "sky": ([(58, 140, 150), (104, 178, 176), (158, 208, 196), (206, 228, 208)], 4.3),
    "halo": ([(214, 160, 84), (238, 196, 116), (250, 222, 154), (252, 238, 198)], 4.2),
    "sun": ([(196, 74, 28), (232, 116, 34), (248, 160, 50), (254, 200, 88)], 4.0),
    "core": ([(150, 24, 24), (194, 44, 34), (226, 84, 50)], 3.8),
    "outline": ([(14, 16, 40), (26, 28, 62), (46, 42, 74)], 3.1),
    "blue": ([(12, 34, 112), (20, 62, 160), (42, 104, 198), (104, 168, 222)], 4.1),
    "teal": ([(8, 74, 84), (18, 112, 108), (52, 156, 132), (124, 198, 154)], 4.0),
    "belly": ([(206, 176, 118), (232, 208, 150), (248, 234, 196), (255, 250, 230)], 3.9),
    "fin": ([(140, 40, 20), (190, 66, 32), (222, 104, 54), (240, 154, 96)], 3.8),
    "foam": ([(196, 206, 200), (226, 232, 222), (248, 248, 240)], 3.7),
    "sea": ([(10, 48, 108), (18, 78, 146), (40, 116, 176), (98, 164, 198)], 4.4),
    "deep": ([(10, 20, 66), (16, 34, 98), (30, 58, 132)], 4.4),
    "white": ([(236, 232, 214), (252, 250, 240)], 2.9),
}
NAMES = list(STONES)


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    warm = ("halo", "sun", "core")
    kinds = [tesserae.Kind(palette, size * width / 100, name in warm) for name, (palette, size) in STONES.items()]
    return tesserae.mosaic(_cartoon(width, height), kinds, rng)


class _Cartoon:
    """Draws regions by name; coordinates in hundredths of the width, from the upper left corner."""

    def __init__(self, width, height):
        self.unit = width / 100
        self.image = Image.new("L", (width, height), NAMES.index("sky"))
        self.pen = ImageDraw.Draw(self.image)

    def shape(self, points, name, smoothly=True):
        points = bw.smooth_curve(points, 160, closed=True) if smoothly else np.asarray(points, float)
        self.pen.polygon((points * self.unit).ravel().tolist(), fill=NAMES.index(name))

    def line(self, points, name, thickness):
        points = bw.smooth_curve(points, 200) * self.unit
        reach = thickness * self.unit / 2
        for x, y in points:
            self.pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=NAMES.index(name))

    def disc(self, x, y, radius, name):
        box = (x - radius, y - radius, x + radius, y + radius)
        self.pen.ellipse([value * self.unit for value in box], fill=NAMES.index(name))


def _cartoon(width, height):
    art = _Cartoon(width, height)
    high = 100 * height / width
    for radius, name in ((22.6, "halo"), (14.2, "sun"), (6.2, "core")):
        art.disc(75, 20, radius, name)
    _waves(art, high)
    _fish(art)
    return np.asarray(art.image).astype(int)


def _waves(art, high):
    """Three waves, one before the other, each with a crest of foam."""
    x = np.linspace(-6, 106, 60)
    for level, name, shift in ((high - 23, "sea", 0.0), (high - 14.5, "deep", 2.2), (high - 6, "sea", 4.0)):
        y = level + 2.4 * np.sin(x / 7.6 + shift)
        art.shape(np.concatenate([np.stack([x, y], 1), [(108, high + 6), (-8, high + 6)]]), name, smoothly=False)
        art.line(np.stack([x, y], 1), "foam", 3.7)


def _fish(art):
    """Curved like a bow, its head down to the left, its tail up to the right."""
    tail = [(66, 45), (74, 43), (86, 33), (88, 39), (83, 47), (90, 55), (88, 61), (77, 54), (66, 52)]
    fins = [
        [(28, 33), (35, 21), (48, 18), (60, 25), (62, 34), (45, 30)],
        [(38, 56), (47, 56), (52, 68), (44, 66)],
    ]
    body = [(8, 49), (15, 39), (27, 31), (41, 28), (55, 32), (66, 41), (72, 48), (64, 53), (50, 58), (34, 61), (18, 58)]
    for points in (tail, *fins):
        art.shape(points, "fin")
        art.line([*points, points[0]], "outline", 3.1)
    art.shape(body, "blue")
    art.shape([(15, 52), (26, 47), (42, 45), (58, 46), (70, 48.5), (60, 54), (46, 58), (32, 60), (18, 58)], "belly")
    art.shape([(31, 32), (38, 29), (41, 38), (40, 48), (33, 49), (34, 40)], "teal")
    art.shape([(48, 31), (55, 33), (57, 40), (55, 48), (48, 49), (51, 40)], "teal")
    art.line([*body, body[0]], "outline", 3.1)
    art.line([(28, 37), (31, 45), (28, 54)], "outline", 2.9)  # the gill
    art.line([(8.5, 50), (12, 52), (16, 51.5)], "outline", 2.6)  # the mouth
    art.disc(20, 43.5, 4.1, "white")
    art.disc(20, 43.5, 1.8, "outline")
