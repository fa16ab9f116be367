"""A night of wind: the sky streams and curls, the stars stand in rings of light, a village sleeps below.

The sky is one stream function: a height map whose contour lines are the streamlines.  A slope makes a
steady wind, a bump makes an eddy.  Because the bands of light and dark are cut from the same map, every
stroke runs along them.
"""

import brushwork as bw
import numpy as np

SKY = [(9, 14, 46), (18, 36, 92), (30, 66, 146), (58, 116, 186), (120, 172, 204), (196, 214, 196)]
LIGHT = [(200, 92, 36), (238, 150, 34), (252, 202, 62), (255, 240, 168)]
MOONLIGHT = [(64, 118, 168), (176, 190, 130), (252, 206, 80), (255, 242, 172)]
PALE_LIGHT = [(64, 140, 150), (130, 186, 150), (226, 226, 140), (255, 250, 214)]
LAND = [(8, 14, 34), (14, 34, 52), (26, 62, 66), (54, 88, 62), (128, 122, 62), (186, 150, 76)]
ROOFS = [(140, 52, 40), (84, 40, 70), (176, 88, 44), (48, 56, 104)]

# Everything below is in parts of the picture's width (x, radius) and height (y).
EDDIES = [
    (0.33, 0.33, 0.140, 1.0),
    (0.57, 0.46, 0.090, -0.85),
    (0.12, 0.19, 0.070, -0.7),
    (0.83, 0.52, 0.070, 0.6),
    (0.10, 0.55, 0.065, 0.5),
]
STARS = [
    (0.045, 0.38, 0.022),
    (0.23, 0.07, 0.026),
    (0.43, 0.10, 0.017),
    (0.555, 0.205, 0.029),
    (0.685, 0.075, 0.018),
    (0.72, 0.36, 0.024),
    (0.955, 0.44, 0.020),
    (0.225, 0.575, 0.016),
    (0.425, 0.60, 0.020),
    (0.965, 0.07, 0.016),
    (0.60, 0.62, 0.013),
    (0.33, 0.105, 0.011),
]
MOON = (0.84, 0.215, 0.062)


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    horizon = _horizon(width, height)
    land = bw.smoothstep(-1, 1, y - horizon[None, :])

    colour, angle = _sky(x, y, width, height, rng)
    colour, angle, bright = _lights(colour, angle, x, y, width, height)
    land_colour, land_angle = _land(x, y, horizon, width, height, rng)
    colour = bw.blend(colour, land_colour, land)
    angle = np.where(land > 0.5, land_angle, angle)
    bright *= 1 - land

    canvas = bw.Canvas(width, height, (16, 22, 58), rng)
    canvas.cover(colour, angle, width=12, length=60, density=1.3, tone_jitter=11)
    canvas.cover(colour, angle, width=7.5, length=46, density=1.3, tone_jitter=13)
    canvas.cover(colour, angle, width=5, length=34, tone_jitter=16, body=1.3)
    canvas.cover(colour, angle, width=3, length=24, where=np.full_like(x, 0.6), tone_jitter=20, body=1.4)
    _village(canvas, horizon, width, height, rng)
    _windmill(canvas, 0.80 * width, horizon[int(0.80 * width)] + 6, 0.05 * width, rng)
    # The last and thickest paint: warm dabs where there is light, in the rings around the stars.
    canvas.cover(
        colour + 8, angle, width=3.8, length=15, where=bright, tolerance=32, tone_jitter=12, body=2.0, taper=0.4
    )
    return canvas.finish()


def _sky(x, y, width, height, rng):
    """The colour of the wind and the angle of the brush, without the stars."""
    stream = y + 0.045 * height * np.sin(x / width * 7.5 + 0.6)
    stream = stream + 7 * bw.fractal_noise(width, height, 130, 2, rng)
    for cx, cy, radius, strength in EDDIES:
        radius = radius * width
        distance = np.hypot(x - cx * width, y - cy * height)
        stream = stream + strength * 1.55 * radius * np.exp(-((distance / radius) ** 2))
    angle = bw.slope_angles(stream) + 0.12 * bw.fractal_noise(width, height, 60, 3, rng)

    # Bands of light and dark along the streamlines, and big clouds of tone across them.
    bands = np.sin(stream / height * 46) + 0.5 * np.sin(stream / height * 117 + 1)
    tone = 0.38 + 0.15 * bands + 0.12 * bw.fractal_noise(width, height, 190, 3, rng)
    colour = bw.from_palette(SKY, tone)

    for cx, cy, radius, strength in EDDIES:
        dx, dy = x - cx * width, y - cy * height
        ratio, around = np.hypot(dx, dy) / (radius * width), np.arctan2(dy, dx)
        turn = np.sign(strength)
        # Two arms wind into the middle on logarithmic spirals; the brush goes along them.
        phase = 2 * around - turn * 6.5 * np.log(ratio + 0.12)
        arm = 0.5 + 0.5 * np.sin(phase)
        pitch = np.arctan2(2 * (ratio + 0.12), 6.5 * (ratio + 1e-3))
        spiral = around + turn * (np.pi / 2 - pitch)
        reach = np.exp(-((ratio / 0.95) ** 4))
        angle = bw.mix_angles(angle, spiral, bw.smoothstep(1.15, 0.55, ratio))
        tones = bw.from_palette(SKY, 0.14 + 0.80 * arm + 0.10 * np.sin(phase * 3))
        colour = bw.blend(colour, tones, 0.85 * reach)
        pale = reach * bw.smoothstep(0.70, 1.0, arm) * bw.smoothstep(1.0, 0.35, ratio)
        colour = bw.blend(colour, (240, 220, 140), 0.8 * pale)
    return colour, angle


def _lights(colour, angle, x, y, width, height):
    """Stars and moon into the sky; also returns a map of how much light there is."""
    bright = np.zeros_like(x)
    for k, (cx, cy, radius) in enumerate([*STARS, MOON]):
        is_moon = k == len(STARS)
        dx, dy = x - cx * width, y - cy * height
        distance, around = np.hypot(dx, dy) / (radius * width), np.arctan2(dy, dx)
        reach = 2.6 if is_moon else 3.6
        fade = bw.smoothstep(reach, 0.4, distance + 0.25 * np.sin(3 * around + 2 * k))
        # Rings of light with the night showing between them, wider and weaker outward.
        rings = 0.5 + 0.5 * np.cos(2 * np.pi * np.sqrt(distance) * 2.3 + 0.5 * np.sin(4 * around + k))
        glow = np.clip(fade * (0.30 + 0.80 * rings), 0, 1)
        warm = MOONLIGHT if is_moon else LIGHT if k % 3 else PALE_LIGHT
        colour = bw.blend(colour, bw.from_palette(warm, fade * 0.75 + 0.1 * rings), glow)
        core = distance < 0.72
        if is_moon:  # a crescent: the part of the disc that a second, shifted disc leaves free
            second = np.hypot(dx + 0.46 * radius * width, dy + 0.20 * radius * width) / (radius * width)
            core = (distance < 1.05) & (second > 0.86)
            colour = bw.blend(colour, (70, 74, 120), 0.8 * ((distance < 1.05) & ~core))
        colour = np.where(core[..., None], bw.from_palette(warm, 0.82 + 0.18 * rings), colour)
        angle = bw.mix_angles(angle, around + np.pi / 2, bw.smoothstep(reach, 0.7 * reach, distance))
        bright = np.maximum(bright, np.where(core, 1, 0.8 * glow))
    return colour, angle, bright


def _horizon(width, height):
    """The y of the hills' upper edge for every column."""
    x = np.arange(width) / width
    hills = 0.05 * np.sin(5.2 * x + 0.3) + 0.02 * np.sin(13 * x + 1) - 0.03 * np.sin(2.2 * x)
    return height * (0.72 - hills)


def _land(x, y, horizon, width, height, rng):
    """Hills behind hills: every ridge has its own tone, and the brush runs along its slope."""
    colour = np.zeros((height, width, 3), np.float32)
    angle = np.zeros((height, width), np.float32)
    columns = np.arange(width) / width
    for k in range(5):
        ridge = horizon + height * (0.066 * k + (k > 0) * 0.03 * np.sin((6 - k) * columns * 2 + 1.9 * k))
        depth = (y - ridge[None, :]) / height
        here = depth > 0
        furrows = 0.22 * np.sin(depth * 150 + 9 * np.sin(x / width * 5 + k))
        clouds = 0.12 * bw.fractal_noise(width, height, 60, 3, rng)
        tone = 0.62 - 3.6 * depth + 0.14 * (k % 2) + furrows + clouds
        colour = np.where(here[..., None], bw.from_palette(LAND, tone), colour)
        slope = np.arctan(np.gradient(ridge))[None, :]
        slope = slope * (1 + 3 * depth) + 2.2 * depth * np.sin(x / width * 9 + k)
        angle = np.where(here, slope, angle)
    return colour, angle + 0.12 * bw.fractal_noise(width, height, 50, 2, rng)


def _village(canvas, horizon, width, height, rng):
    """Houses in rows, far ones first, each painted with a few broad strokes, and a church among them."""
    unit = width / 720
    for row in range(4):
        if row == 2:
            x = 0.44 * width
            _church(canvas, x, horizon[int(x)] + 0.10 * height, 19 * unit)
        for column in np.arange(0.20 + 0.017 * row, 0.70, 0.056):
            if rng.random() < 0.25:
                continue
            size = unit * (20 + 4.5 * row) * rng.uniform(0.85, 1.2)
            left = (column + rng.uniform(-0.015, 0.015)) * width
            foot = horizon[int(left)] + height * (0.034 + 0.047 * row) + rng.uniform(-5, 5) * unit
            _house(canvas, left, foot, size, rng)
            _bush(canvas, left - 0.35 * size, foot + 2 * unit, 0.5 * size, rng)


def _house(canvas, left, foot, size, rng):
    """A gabled front in the light, a long side in shadow, a roof that sags; dark lines hold it together."""
    wall = bw.from_palette([(44, 66, 116), (104, 126, 152), (206, 184, 134)], rng.random())
    roof = np.array(ROOFS[rng.integers(len(ROOFS))], np.float32) * rng.uniform(0.9, 1.25)
    front, side, tall, rise = 0.50, rng.uniform(0.55, 0.85), rng.uniform(0.38, 0.55), rng.uniform(0.38, 0.52)
    facing = rng.choice((-1, 1))
    middle = left + 0.6 * size

    def at(across, high):
        return np.array((middle + facing * (across - 0.6) * size, foot - high * size))

    def mark(start, end, width, colour):
        bend = 0.5 * (start + end) + rng.normal(0, 0.02 * size, 2)
        canvas.stroke([start, bend, end], width * size, colour + rng.normal(0, 15), taper=0.25, body=1.2)

    for t in np.linspace(0, 1, 5):  # the long side, in level strokes
        high = 0.06 + t * (tall - 0.06)
        mark(at(front, high), at(front + side, high), 0.14, 0.55 * wall)
    for t in np.linspace(0.06, 0.94, 6):  # the front, upright strokes up to the slope of the gable
        top = tall + rise * (1 - abs(2 * t - 1))
        mark(at(front * t, 0), at(front * t, top), 0.12, wall * rng.uniform(0.95, 1.12))
    for t in np.linspace(0, 1, 7):  # the roof, strokes down from the ridge to the eaves
        sag = 0.05 * np.sin(np.pi * t)
        ridge = at(front / 2 + side * t, tall + rise - sag)
        eaves = at(front + side * t + 0.08, tall - 0.08 - sag)
        mark(ridge, eaves, 0.17, roof * rng.uniform(0.75, 1.15))
    line = np.array((18, 18, 44), np.float32)
    peak = at(front / 2, tall + rise + 0.04)
    for start, end in (
        (at(-0.06, tall - 0.06), peak),
        (peak, at(front + 0.06, tall - 0.08)),
        (peak, at(front / 2 + side, tall + rise)),
        (at(0, -0.02), at(front + side, -0.02)),
    ):
        mark(start, end, 0.06, line)
    for across in (0.14, 0.36, front + 0.3 * side, front + 0.7 * side):
        if rng.random() < 0.55:
            warm = bw.from_palette([(236, 140, 40), (255, 206, 80), (255, 238, 160)], rng.random())
            mark(at(across, tall * 0.30), at(across, tall * 0.78), 0.12, warm)


def _bush(canvas, x, foot, size, rng):
    """A dark round shrub beside a house: short strokes that fan out from its foot, lighter above."""
    for _ in range(16):
        turn, reach = rng.uniform(-2.8, -0.3), size * rng.uniform(0.3, 1.0)
        tip = np.array((x + reach * np.cos(turn), foot + reach * np.sin(turn)))
        light = 0.5 - 0.5 * np.cos(turn)  # from the left
        colour = bw.from_palette(LAND, 0.25 + 0.35 * light * reach / size + rng.normal(0, 0.06))
        start = 0.6 * tip + 0.4 * np.array((x, foot))
        canvas.stroke([start, tip, tip + np.array((1.5, 1))], size * 0.28, colour)


def _church(canvas, x, foot, size):
    stone = np.array((118, 132, 156), np.float32)
    for k in range(6):
        column = x + size * (k - 2.5) * 0.19
        path = [(column, foot), (column, foot - size), (column, foot - 2.2 * size)]
        canvas.stroke(path, size * 0.22, stone * (1.2 if k < 4 else 0.6), taper=0, bristle_contrast=22)
    for k in range(8):  # the spire: strokes that meet in the tip
        base = x + size * (k - 3.5) * 0.18
        path = [(base, foot - 2.0 * size), (0.5 * (base + x), foot - 3.4 * size), (x, foot - 5.0 * size)]
        tone = (1.5, 1.2, 1.35, 1.1, 1.2, 0.7, 0.8, 0.6)[k]
        canvas.stroke(path, size * 0.22, np.array((86, 66, 120)) * tone, taper=0.5, bristle_contrast=22)
    for level in (0.8, 1.6):
        y = foot - level * size
        canvas.stroke([(x, y - 4), (x, y), (x, y + 4)], size * 0.24, np.array((255, 214, 110)), taper=0.2)


def _windmill(canvas, x, foot, size, rng):
    """A dark tower on the hill whose four sails stand in the wind."""
    for k in range(8):
        base, top = x + size * (k - 3.5) * 0.13, x + size * (k - 3.5) * 0.085
        path = [(base, foot), (0.5 * (base + top), foot - 0.7 * size), (top, foot - 1.5 * size)]
        canvas.stroke(path, size * 0.17, np.array((92, 66, 70)) * (1.35 - 0.14 * k), taper=0)
    for k in range(4):
        y, half = foot - size * (1.5 + 0.09 * k), size * (0.42 - 0.1 * k)
        canvas.stroke(
            [(x - half, y), (x, y - 2), (x + half, y)], size * 0.14, np.array((150, 64, 44)) * (0.8 + 0.15 * k)
        )
    hub = np.array((x, foot - 1.55 * size))
    for turn in np.array((0.35, 1.92, 3.49, 5.06)):
        arm = np.array((np.cos(turn), np.sin(turn)))
        side = np.array((-arm[1], arm[0]))
        for k in range(9):  # the cloth of the sail, in short strokes across the spar
            inner = hub + arm * size * (0.35 + 0.13 * k)
            path = [inner, inner + side * size * 0.15, inner + side * size * 0.3]
            canvas.stroke(path, size * 0.13, np.array((226, 200, 150)) * rng.uniform(0.7, 1.1), taper=0.2)
        canvas.stroke(
            [hub, hub + arm * size * 0.75, hub + arm * size * 1.5], size * 0.09, np.array((58, 40, 48)), taper=0.2
        )
