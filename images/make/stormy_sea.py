"""A storm: sea and sky turn about one bright gap in the clouds, and a ship is caught in the turning.

Everything hangs on one direction map, a spiral about the light.  Noise dragged along it becomes the sweep of
rain and cloud; the sea below follows it too, broken into waves.  Dark paint is thin here, light paint thick.
"""

import brushwork as bw
import numpy as np

CLOUD = [(16, 18, 16), (38, 36, 26), (76, 62, 36), (132, 104, 56), (190, 158, 96), (226, 206, 152), (252, 244, 214)]
COLD = [(14, 22, 26), (36, 52, 56), (78, 98, 98), (138, 154, 146), (204, 210, 194), (246, 244, 228)]
SEA = [(8, 14, 12), (18, 34, 28), (38, 60, 46), (74, 92, 66), (128, 132, 92), (196, 190, 150), (246, 240, 216)]
LIGHT = (0.58, 0.40)  # the bright gap, in parts of the width and height
SHIP = (0.455, 0.565)


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    colour, angle, foam = _storm(x, y, width, height, rng)

    canvas = bw.Canvas(width, height, (60, 50, 30), rng)
    canvas.cover(colour, angle, width=22, length=90, density=1.5, tone_jitter=8, tolerance=90, body=0.5)
    canvas.cover(colour, angle, width=11, length=64, density=1.2, tone_jitter=11, body=0.8)
    _ship(canvas, SHIP[0] * width, SHIP[1] * height, 0.085 * width, rng)
    brightness = colour.mean(axis=2) / 255
    canvas.cover(colour, angle, width=6, length=44, where=0.25 + 0.75 * brightness, tone_jitter=16)
    canvas.cover(colour, angle, width=3, length=30, where=0.15 + 0.6 * brightness, tone_jitter=22, body=1.4)
    # The palette knife: short, thick, pale slabs in the light, and foam on the crests.
    knife = np.clip(1.7 * (brightness - 0.52), 0, 0.8)
    canvas.cover(colour + 22, angle, width=9, length=22, where=knife, density=1.1, taper=0.15, body=2.6,
                 angle_jitter=0.35, bristle_contrast=9)
    canvas.cover(np.full_like(colour, 236) - [0, 4, 22], angle, width=3.4, length=16, where=0.75 * foam,
                 taper=0.5, body=2.4, angle_jitter=0.35, tone_jitter=16)
    _ship(canvas, SHIP[0] * width, SHIP[1] * height, 0.085 * width, rng, rigging_only=True)
    _spray(canvas, foam, angle, rng)
    return canvas.finish(light=1.0)


def _storm(x, y, width, height, rng):
    """Colour, brush angle, and where there is foam."""
    cx, cy = LIGHT[0] * width, LIGHT[1] * height
    dx, dy = (x - cx) / width, (y - cy) / width * 1.25
    tilt = -0.22
    dx, dy = dx * np.cos(tilt) - dy * np.sin(tilt), dx * np.sin(tilt) + dy * np.cos(tilt)
    distance, around = np.hypot(dx, dy), np.arctan2(dy, dx)
    # Around the light, and a little inward: a spiral.  Far below it flattens into the run of the sea.
    swirl = around + np.pi / 2 - 0.30 - tilt
    swirl = swirl + 0.20 * bw.fractal_noise(width, height, 120, 3, rng)

    sea_line = height * 0.60 + 0.05 * height * np.sin(x / width * 5.0 + 2.4) - 0.09 * (x - cx)
    sea = bw.smoothstep(-0.045, 0.05, (y - sea_line) / height)
    heave = 30 * np.sin(x / width * 11 + y / height * 9 + 1.2 * np.sin(y / height * 13))
    swell = y + heave * (0.5 + 0.9 * sea) + 9 * bw.fractal_noise(width, height, 90, 3, rng)
    wave_angle = bw.slope_angles(swell)
    angle = bw.mix_angles(swirl, wave_angle + np.pi, 0.78 * sea)

    streaks = bw.smear(bw.fractal_noise(width, height, 46, 5, rng), angle, 150)
    streaks = streaks / streaks.std()
    clouds = bw.smear(bw.fractal_noise(width, height, 150, 3, rng), angle, 120)
    clouds = clouds / clouds.std()
    arms = np.sin(2 * around + 5.2 * np.log(distance + 0.06) + 0.6 * clouds)

    glow = np.exp(-((distance / 0.15) ** 2)) + 0.52 * np.exp(-((distance / 0.36) ** 2))
    tone = 0.12 + 0.72 * glow + 0.13 * arms + 0.085 * streaks + 0.075 * clouds
    warm = bw.from_palette(CLOUD, tone)
    cold = bw.from_palette(COLD, tone)
    sky = bw.blend(warm, cold, bw.smoothstep(0.1, 1.3, clouds + 1.3 * (dx > 0) * dx * 3 - 0.3 * arms))

    # The sea: long backs of waves, lit on the side of the light, with torn crests.
    crest = np.sin(swell / height * 52 + 0.8 * clouds)
    path = np.exp(-((dx / 0.13) ** 2)) * np.exp(-dy / 0.24)
    depth = 0.30 + 0.17 * crest + 0.11 * streaks + 0.55 * path * (0.6 + 0.5 * crest) - 0.10 * np.abs(dx)
    water = bw.from_palette(SEA, depth)
    water = bw.blend(water, (196, 142, 66), 0.55 * path)
    colour = bw.blend(sky, water, sea)
    foam = sea * bw.smoothstep(0.75, 1.5, crest + 0.42 * streaks) * (0.35 + 0.65 * np.exp(-distance / 0.3))
    foam = foam + 0.8 * np.exp(-(((y - sea_line) / (0.03 * height)) ** 2)) * bw.smoothstep(0.4, 1.6, streaks + arms)
    foam = np.clip(foam, 0, 1)
    colour = bw.blend(colour, (234, 228, 204), 0.6 * foam)
    return colour, angle, foam


def _ship(canvas, x, y, size, rng, rigging_only=False):
    """No more than a suggestion: a leaning hull, two masts, a rag of sail and the smoke of a funnel."""
    lean = np.array((0.26, -0.97))  # the direction of the masts
    along = np.array((0.97, 0.26))
    foot = np.array((x, y))
    dark = np.array((22, 18, 16), np.float32)
    if not rigging_only:
        for k in range(26):  # the smoke is torn off and taken round by the storm
            t = k / 25
            start = foot + lean * size * 0.7 + np.array((-1.0 * t - 0.5 * t * t, -0.55 * t + 0.1 * t * t)) * size * 2.1
            side = rng.normal(0, 0.10 + 0.20 * t, 2) * size
            path = start + side + np.array([(0, 0), (-0.30, -0.10), (-0.62, -0.12)]) * size * (0.6 + 0.6 * t)
            canvas.stroke(path, size * (0.10 + 0.16 * t), dark + 26 * t + rng.normal(0, 9), body=0.4)
        for k in range(5):
            half = size * (0.95 - 0.07 * k)
            middle = foot - lean * size * (0.07 * k - 0.1)
            path = [middle - along * half - lean * -0.10 * size, middle, middle + along * half + lean * 0.12 * size]
            canvas.stroke(path, size * 0.13, dark + 8 * (4 - k) + [10, 3, 0], taper=0.5)
    for place, tall in ((-0.45, 1.15), (0.12, 1.5), (0.6, 1.0)):
        base = foot + along * size * place
        top = base + lean * size * tall
        canvas.stroke([base, 0.5 * (base + top), top], size * 0.055, dark, taper=0.5, bristle_contrast=4)
        yard = base + lean * size * tall * 0.68
        canvas.stroke([yard - along * size * 0.24, yard, yard + along * size * 0.24], size * 0.04, dark, taper=0.6)
    canvas.stroke([foot + lean * size * 0.1, foot + lean * size * 0.35, foot + lean * size * 0.6],
                  size * 0.12, dark + [26, 12, 4], taper=0)
    canvas.dab(*(foot + lean * size * 0.16 - along * 0.2 * size), size * 0.07, (240, 150, 60))


def _spray(canvas, foam, angle, rng):
    """Drops thrown off the crests: many small, few large, most of them near the foam."""
    height, width = foam.shape
    chance = bw.soften(foam, 16)
    points = rng.uniform((0, 0), (width, height), (9000, 2))
    keep = rng.random(len(points)) < 0.6 * bw.look_up(chance, points[:, 0], points[:, 1])
    for x, y in points[keep]:
        drift = bw.look_up(angle, x, y) + rng.normal(0, 0.5)
        x, y = x + 14 * np.cos(drift), y - abs(rng.normal(0, 14))
        canvas.dab(x, y, 1.0 + 1.6 * rng.pareto(3), np.array((240, 234, 212)) - rng.uniform(0, 40))
