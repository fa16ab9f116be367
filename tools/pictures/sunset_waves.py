"""A burning sky over a dark fjord: long sinuous lines, side by side, from one edge to the other.

Sky, water and shore are three families of parallel curves.  Each family is a height map; its contour lines
are where the brush goes, and the value of the map decides the colour, so that every line has its own.
"""

import brushwork as bw
import numpy as np

# The colours of neighbouring lines, in the order in which they lie beside each other.
SKY = [
    (122, 18, 24),
    (206, 40, 24),
    (240, 92, 22),
    (252, 160, 34),
    (255, 212, 84),
    (244, 128, 30),
    (150, 30, 40),
    (246, 178, 60),
    (224, 66, 28),
    (96, 142, 140),
    (250, 140, 36),
    (214, 50, 30),
    (255, 226, 120),
    (236, 104, 30),
    (70, 104, 130),
    (216, 60, 34),
    (110, 24, 44),
]
HILLS = [(16, 20, 58), (50, 40, 92), (26, 52, 96), (112, 56, 92), (18, 24, 66)]
WATER = [
    (8, 16, 46),
    (18, 40, 96),
    (36, 80, 146),
    (12, 22, 60),
    (60, 128, 172),
    (20, 44, 104),
    (130, 172, 168),
    (14, 28, 72),
    (84, 48, 108),
    (28, 66, 134),
    (10, 20, 52),
]
SHORE = [
    (20, 12, 34),
    (72, 30, 52),
    (28, 44, 60),
    (120, 56, 40),
    (34, 20, 46),
    (70, 84, 56),
    (176, 100, 48),
    (30, 18, 40),
]
SUN = (0.665, 0.345, 0.046)


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    colour, angle = _scene(x, y, width, height, rng)
    canvas = bw.Canvas(width, height, (150, 40, 26), rng)
    canvas.cover(colour, angle, width=11, length=150, density=1.8, tolerance=42, tone_jitter=9)
    canvas.cover(colour, angle, width=6.5, length=120, density=1.5, tolerance=36, tone_jitter=13)
    canvas.cover(colour, angle, width=4, length=90, tolerance=36, tone_jitter=16, body=1.3)
    canvas.cover(
        colour,
        angle,
        width=2.6,
        length=60,
        where=np.full_like(x, 0.5),
        tolerance=36,
        tone_jitter=22,
        colour_jitter=12,
        body=1.5,
    )
    _boats(canvas, width, height, rng)
    return canvas.finish(light=0.85)


def _stripes(palette, lines, rng, spread=0.16):
    """A colour for every value of `lines`: the palette's colours in turn, each line mixed a little anew."""
    count = int(np.ceil(lines.max() - lines.min())) + 2
    position = (np.arange(count) * 0.62 + rng.normal(0, spread, count) * 2) % (len(palette) - 1)
    tone = position / (len(palette) - 1)
    table = bw.from_palette(palette, tone) + rng.normal(0, 9, (count, 3))
    value = lines - lines.min()
    index = value.astype(int)
    # Dark paint between two lines: the seam that makes them lines.
    seam = bw.smoothstep(0.70, 0.95, np.abs(value - index - 0.5) * 2)
    return table[index] * (1 - 0.55 * seam)[..., None]


def _scene(x, y, width, height, rng):
    u, v = x / width, y / height
    noise = bw.fractal_noise(width, height, 200, 2, rng)

    sweep = v + 0.070 * np.sin(5.0 * u + 0.4 + 3 * v) + 0.038 * np.sin(11 * u - 2 + 6 * v) + 0.006 * noise
    sky_lines = sweep - 0.10 * np.exp(-(((u - 0.26) / 0.16) ** 2 + ((v - 0.20) / 0.13) ** 2))
    sky_lines = sky_lines + 0.075 * np.exp(-(((u - 0.86) / 0.13) ** 2 + ((v - 0.14) / 0.11) ** 2))
    sx, sy, radius = SUN
    from_sun = np.hypot(u - sx, (v - sy) * height / width)
    sky_lines = sky_lines + 0.09 * np.exp(-((from_sun / 0.12) ** 2))
    sky = _stripes(SKY, sky_lines * 36, rng)
    sky = bw.blend(sky, (255, 220, 90), 0.55 * np.exp(-((from_sun / 0.11) ** 2)))
    sky = bw.blend(sky, (84, 18, 44), 0.55 * bw.smoothstep(0.17, -0.05, v + 0.05 * np.sin(6 * u)))
    sky_angle = bw.slope_angles(sky_lines)
    disc = bw.smoothstep(1.05, 0.95, from_sun / radius)
    sky = bw.blend(sky, (255, 240, 176), disc)
    sky_angle = bw.mix_angles(
        sky_angle,
        np.arctan2((v - sy) * height, (u - sx) * width) + np.pi / 2,
        bw.smoothstep(2.2, 1.3, from_sun / radius),
    )

    # Far hills: dark, between sky and water.
    ridge = 0.455 - 0.05 * np.sin(3.2 * u + 2.4) - 0.02 * np.sin(9.5 * u + 0.5) - 0.012 * np.sin(21 * u)
    hill_lines = (v - ridge) + 0.02 * np.sin(14 * u + 20 * v)
    hill = _stripes(HILLS, hill_lines * 70, rng)
    # The fjord, with the sun's path lying on it.
    coast = 0.51 + 0.016 * np.sin(7 * u + 1)
    water_lines = v + 0.030 * np.sin(6.5 * u + 9 * v) + 0.014 * np.sin(17 * u - 7 * v + 2) + 0.006 * noise
    water_lines = water_lines + 0.06 * np.exp(-(((u - 0.30) / 0.17) ** 2 + ((v - 0.70) / 0.10) ** 2))
    water = _stripes(WATER, water_lines * 42, rng)
    path = np.exp(-(((u - sx + 0.012 * np.sin(40 * v)) / (0.034 + 0.12 * (v - 0.5))) ** 2))
    glint = bw.smoothstep(-0.6, 0.4, np.sin(water_lines * 42 * 2 * np.pi)) * path
    water = bw.blend(water, bw.from_palette([(255, 216, 110), (240, 110, 40)], (v - 0.5) * 2.6), 0.85 * glint)
    reflected = bw.smoothstep(0.45, 1.0, np.sin(water_lines * 33 + 1)) * bw.smoothstep(0.85, 0.6, v)
    water = bw.blend(water, (214, 78, 44), 0.45 * reflected)
    # The near shore, a great curve from the lower left.
    bank = 0.985 - 0.34 * np.exp(-(((u - 0.02) / 0.30) ** 2)) - 0.16 * bw.smoothstep(0.62, 1.05, u)
    bank = bank + 0.012 * np.sin(14 * u)
    shore_lines = (v - bank) * 0.8 + 0.05 * np.sin(5 * u + 5 * v) + 0.018 * np.sin(13 * u + 17 * v)
    shore = _stripes(SHORE, shore_lines * 46, rng)

    def edge(line):
        return bw.smoothstep(-0.002, 0.002, v - line)

    colour, angle = sky, sky_angle
    layers = ((hill, hill_lines, ridge), (water, water_lines, coast), (shore, shore_lines, bank))
    for layer, lines, line in layers:
        colour = bw.blend(colour, layer, edge(line))
        angle = np.where(v > line, bw.slope_angles(lines), angle)
    return colour, angle


def _boats(canvas, width, height, rng):
    """Two small sails that are dark against the fire."""
    for bx, by, size in ((0.40, 0.60, 0.060), (0.515, 0.555, 0.036)):
        x, y, size = bx * width, by * height, size * width
        hull = np.array((14, 12, 30), np.float32)
        for k in range(3):
            deck = np.array([(-0.8 + 0.14 * k, 0), (0, 0.08), (0.8 - 0.14 * k, -0.04)]) * size
            canvas.stroke(deck + np.array((x, y + k * size * 0.09)), size * 0.16, hull + 10 * k)
        for k in range(7):
            t = k / 6
            foot, head = (0.02 + 0.52 * t, -0.1), (0.03, -1.6 + 1.1 * t)
            path = np.array([foot, (0.04 + 0.34 * t, -0.75 + 0.2 * t), head])
            sail = bw.from_palette([(96, 26, 36), (226, 96, 40), (255, 190, 90)], t + rng.normal(0, 0.1))
            canvas.stroke(path * size + (x, y), size * 0.13, sail, taper=0.4)
        canvas.stroke(np.array([(0, 0), (0.01, -0.8), (0.02, -1.75)]) * size + (x, y), size * 0.07, hull)
