"""A storm: sea and sky turn about one bright gap in the clouds, and a ship is caught in the turning.

Everything hangs on one direction map, a spiral about the light.  Noise dragged along it becomes the sweep
of rain and cloud; the sea below follows it too, broken into waves.  Dark paint is thin here, light paint
thick.
"""

import brushwork as bw
import numpy as np

# Palettes, from dark to light.
WARM = [(18, 15, 12), (46, 34, 22), (92, 64, 32), (150, 106, 50), (206, 158, 84), (238, 206, 136), (252, 238, 200)]
COLD = [(12, 18, 22), (30, 44, 50), (62, 84, 90), (116, 138, 138), (176, 188, 178), (224, 222, 200), (252, 242, 212)]
SEA = [(8, 12, 12), (16, 30, 28), (32, 56, 46), (62, 84, 62), (112, 116, 76), (182, 164, 112), (240, 220, 168)]
FOAM = [(96, 104, 92), (166, 164, 140), (222, 214, 186), (250, 244, 226)]
LIGHT = (0.58, 0.40)  # the bright gap, in parts of the width and height
SHIP = (0.405, 0.585, 0.082)  # and the ship: place and size


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    x, y = bw.pixel_grid(width, height)
    colour, angle, foam = _storm(x, y, width, height, rng)
    brightness = colour.mean(axis=2) / 255
    quiet = {"colour_jitter": 4, "angle_jitter": 0.16}

    canvas = bw.Canvas(width, height, (60, 46, 28), rng)
    canvas.cover(colour, angle, width=26, length=110, density=1.6, tone_jitter=6, body=0.5, **quiet)
    canvas.cover(colour, angle, width=15, length=80, density=1.4, tone_jitter=9, tolerance=50, body=0.8, **quiet)
    canvas.cover(colour, angle, width=8, length=52, density=1.1, tone_jitter=11, tolerance=40, **quiet)
    canvas.cover(
        colour,
        angle,
        width=4.5,
        length=34,
        where=0.25 + 0.5 * brightness,
        tone_jitter=13,
        tolerance=36,
        body=1.3,
        **quiet,
    )
    # Dry brush: thin pale streaks that leave the paint below visible.
    canvas.cover(colour + 20, angle, width=2.2, length=40, where=0.35 * brightness, tone_jitter=12, **quiet)
    _ship(canvas, width, height, rng)
    # The palette knife: short, thick, pale slabs in the light.
    near = np.exp(-(((x / width - LIGHT[0]) / 0.17) ** 2 + ((y / height - LIGHT[1]) / 0.2) ** 2))
    knife = np.clip(2.0 * (brightness - 0.55), 0, 0.9) * near
    paler = colour + np.array((10, 7, 2), np.float32)
    for size in (11, 6.5):
        canvas.cover(
            paler,
            angle,
            width=size,
            length=size * 2.6,
            where=knife,
            taper=0.35,
            body=2.6,
            colour_jitter=5,
            tone_jitter=10,
            angle_jitter=0.35,
            bristle_contrast=8,
        )
    _foam(canvas, foam, brightness, angle, rng)
    _spray(canvas, foam, angle, rng)
    return canvas.finish(light=1.0)


def _storm(x, y, width, height, rng):
    """Colour, brush angle, and where there is foam."""
    cx, cy = LIGHT[0] * width, LIGHT[1] * height
    dx, dy = (x - cx) / width, (y - cy) / width * 1.25
    tilt = -0.24
    dx, dy = dx * np.cos(tilt) - dy * np.sin(tilt), dx * np.sin(tilt) + dy * np.cos(tilt)
    distance, around = np.hypot(dx, dy), np.arctan2(dy, dx)
    # Around the light, and a little inward: a spiral.  Below it flattens into the run of the sea.
    swirl = around + np.pi / 2 - 0.30 - tilt
    swirl = swirl + (0.22 + 0.35 * np.exp(-distance / 0.12)) * bw.fractal_noise(width, height, 110, 3, rng)

    sea_line = height * 0.62 + 0.05 * height * np.sin(x / width * 5.0 + 2.4) - 0.10 * (x - cx)
    below = (y - sea_line) / height
    sea = bw.smoothstep(-0.05, 0.05, below)
    # Waves: the swell grows towards us; its contour lines are the brush's way.
    size = np.clip(0.35 + 3.2 * below, 0.2, 1.6)
    heave = np.sin(x / width * 13 + y / height * 6 + 1.1 * np.sin(y / height * 12))
    heave = heave + 0.45 * np.sin(x / width * 29 - 4)
    swell = y + 24 * size * heave + 8 * bw.fractal_noise(width, height, 90, 3, rng)
    angle = bw.mix_angles(swirl, bw.slope_angles(swell) + np.pi, 0.82 * sea)

    streaks = bw.smear(bw.fractal_noise(width, height, 46, 5, rng), angle, 150)
    streaks = streaks / streaks.std()
    clouds = bw.smear(bw.fractal_noise(width, height, 150, 3, rng), angle, 120)
    clouds = clouds / clouds.std()
    arms = np.sin(2 * around + 5.2 * np.log(distance + 0.06) + 0.7 * clouds)

    glow = 0.75 * np.exp(-((distance / 0.16) ** 2)) + 0.55 * np.exp(-((distance / 0.36) ** 2))
    tone = 0.22 + 0.66 * glow + 0.13 * arms + 0.07 * streaks + 0.12 * clouds
    # The left of the sky burns, the right is cold rain; they are torn into each other.
    coldness = bw.smoothstep(-0.5, 0.7, 4.0 * dx + 0.55 * clouds - 0.35 * arms - 2.2 * glow + 0.35)
    sky = bw.blend(bw.from_palette(WARM, tone), bw.from_palette(COLD, tone * 0.95), coldness)

    # Smoke, torn off the ship's funnel and taken round by the storm.
    reach = np.clip((SHIP[0] * width - x) / (0.30 * width), 0, 1)
    spine = SHIP[1] * height - (0.10 + 0.16 * np.sqrt(reach) - 0.05 * reach**2) * height
    plume = np.exp(-(((y - spine) / ((0.012 + 0.055 * reach) * height)) ** 2)) * bw.smoothstep(0, 0.04, reach)
    plume = plume * bw.smoothstep(1.0, 0.3, reach) * bw.smoothstep(-1.5, 0.3, streaks + 1.2 - 1.6 * reach)
    sky = bw.blend(sky, (30, 24, 24), 0.9 * plume)

    # The sea: long backs of waves, lit on the side of the light, with torn crests.
    crest = np.sin(swell / height * 50 + 0.8 * clouds)
    path = np.exp(-((dx / 0.15) ** 2)) * np.exp(-np.maximum(dy, 0) / 0.26)
    shade = 0.33 + 0.20 * crest + 0.09 * streaks + 0.07 * clouds - 0.16 * np.abs(dx)
    water = bw.from_palette(SEA, shade + 0.42 * path * (0.75 + 0.5 * crest))
    water = bw.blend(water, (206, 146, 66), 0.42 * path)
    colour = bw.blend(sky, water, sea)

    lace = bw.smear(bw.fractal_noise(width, height, 13, 3, rng), angle, 34)
    lace = lace / lace.std()
    foam = sea * bw.smoothstep(0.25, 1.0, crest + 0.28 * streaks - 0.25) * bw.smoothstep(-0.5, 0.9, lace)
    rim = np.exp(-((below / 0.03) ** 2)) * bw.smoothstep(0.2, 1.4, streaks + arms + 0.5 * lace)
    foam = np.clip(foam * (0.45 + 0.75 * np.exp(-distance / 0.35)) + 0.6 * rim, 0, 1)
    veil = bw.soften(foam, 7) * bw.smoothstep(-0.9, 0.5, lace)  # thin foam lies wider than the thick
    colour = bw.blend(colour, bw.from_palette(FOAM, 0.15 + 0.6 * np.exp(-distance / 0.4)), 0.75 * veil)
    return colour, angle, foam


def _foam(canvas, foam, brightness, angle, rng):
    """Broken foam: grey in the shadow of the waves, white in the light, thickest on the crests."""
    light = np.clip(0.10 + 0.9 * bw.soften(brightness, 30) + 0.45 * foam, 0, 1)
    for size, chance, lift in ((5.0, 0.5, -0.25), (3.2, 0.7, -0.05), (2.0, 0.8, 0.15)):
        colour = bw.from_palette(FOAM, light + lift)
        canvas.cover(
            colour,
            angle,
            width=size,
            length=size * 4.5,
            where=chance * foam,
            density=1.2,
            taper=0.9,
            body=1.2,
            angle_jitter=0.4,
            tone_jitter=22,
            colour_jitter=6,
        )
    thick = bw.smoothstep(0.55, 1.0, foam)
    white = np.ones_like(colour) * (246, 241, 222)
    canvas.cover(
        white, angle, width=3.2, length=8, where=0.5 * thick, taper=0.5, body=2.4, angle_jitter=0.7, tone_jitter=10
    )


def _spray(canvas, foam, angle, rng):
    """Drops thrown off the crests: many small, few large, most of them near the foam."""
    height, width = foam.shape
    chance = bw.soften(foam, 16)
    points = rng.uniform((0, 0), (width, height), (9000, 2))
    keep = rng.random(len(points)) < 0.8 * bw.look_up(chance, points[:, 0], points[:, 1])
    for x, y in points[keep]:
        drift = bw.look_up(angle, x, y) + rng.normal(0, 0.5)
        x, y = x + 14 * np.cos(drift), y - abs(rng.normal(0, 12))
        canvas.dab(x, y, min(1.0 + 1.0 * rng.pareto(3), 4.5), np.array((244, 238, 216)) - rng.uniform(0, 50))


def _ship(canvas, width, height, rng):
    """No more than a suggestion: a leaning hull, three masts, a rag of sail and the smoke of a funnel."""
    foot = np.array((SHIP[0] * width, SHIP[1] * height))
    size = SHIP[2] * width
    up, along = np.array((0.24, -0.97)), np.array((0.97, 0.24))
    dark = np.array((26, 20, 18), np.float32)

    def place(forward, high):
        return foot + along * size * forward + up * size * high

    for k in range(6):  # the hull
        half = 0.95 - 0.06 * k
        path = [place(-half, 0.20 - 0.07 * k), place(0, 0.10 - 0.07 * k), place(half, 0.24 - 0.07 * k)]
        canvas.stroke(path, size * 0.17, dark + np.array((14 - 3 * k, 6 - k, 2)), taper=0.8)
    for forward, tall in ((-0.5, 1.15), (0.12, 1.55), (0.62, 1.0)):
        path = [place(forward, 0.1), place(forward - 0.02, tall / 2), place(forward, tall)]
        canvas.stroke(path, size * 0.05, dark, taper=0.6, bristle_contrast=4)
        for level in (0.45, 0.75):
            yard = [
                place(forward - 0.22, tall * level),
                place(forward, tall * level + 0.03),
                place(forward + 0.22, tall * level + 0.02),
            ]
            canvas.stroke(yard, size * 0.035, dark, taper=0.7, bristle_contrast=4)
    for k in range(6):  # one torn sail, bright against the dark
        t = k / 5
        path = [place(0.62 + 0.30 * t, 0.25), place(0.64 + 0.22 * t, 0.55), place(0.62 + 0.05 * t, 0.92)]
        canvas.stroke(path, size * 0.07, np.array((222, 190, 132)) * (0.75 + 0.3 * t), taper=0.6, body=1.6)
    funnel = [place(-0.15, 0.1), place(-0.15, 0.4), place(-0.15, 0.7)]
    canvas.stroke(funnel, size * 0.13, np.array((66, 36, 24)), taper=0)
    canvas.dab(*place(-0.42, 0.14), size * 0.08, (246, 160, 66))
