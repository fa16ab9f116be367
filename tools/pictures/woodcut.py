"""A coloured woodblock print: breakers before a range of mountains, under a rising sun.

The tone is made of carved lines that follow the form of rock, cloud and water.  A line map gives their run:
a line lies wherever it is a whole number.  How lines are cut and printed is in blockprint.py.
"""

import brushwork as bw
import numpy as np
from blockprint import INKS, SHARP, carve, cut, outline, press
from PIL import Image, ImageDraw

SUN = (0.60, 0.27, 0.115)
# Clouds: x, y, size, and 0 (lit red from below) or 1 (in the shadow).
CLOUDS = [
    (0.17, 0.13, 1.0, 0),
    (0.84, 0.16, 0.9, 1),
    (0.43, 0.065, 0.7, 1),
    (0.36, 0.245, 0.6, 0),
    (0.76, 0.315, 0.75, 0),
    (0.98, 0.06, 0.7, 0),
    (0.03, 0.27, 0.7, 1),
]
# Mountains, far ones first: how rough the ridge is, and the peaks (x, y, steepness).
RANGES = {
    "far": (0.12, [(0.10, 0.26, 0.62), (0.30, 0.20, 0.72), (0.52, 0.30, 0.62), (0.93, 0.24, 0.70), (0.75, 0.33, 0.60)]),
    "near": (
        0.16,
        [(0.02, 0.36, 0.55), (0.19, 0.33, 0.66), (0.44, 0.40, 0.50), (0.67, 0.405, 0.50), (0.84, 0.36, 0.62)],
    ),
    "hills": (0.20, [(0.10, 0.46, 0.35), (0.33, 0.475, 0.30), (0.60, 0.48, 0.25), (0.90, 0.445, 0.40)]),
}


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    big_width, big_height = width * SHARP, height * SHARP
    x, y = bw.pixel_grid(big_width, big_height)
    # The knife is guided by a hand: all forms and lines tremble a little.
    u = (x + 1.6 * bw.fractal_noise(big_width, big_height, 60, 3, rng)) / big_width
    v = (y + 1.6 * bw.fractal_noise(big_width, big_height, 60, 3, rng)) / big_width  # parts of the width, too
    blocks = {name: np.zeros_like(u) for name in INKS}
    _sky(blocks, u, v, rng)
    _mountains(blocks, u, v, rng)
    _sea(blocks, u, v, height / width, rng)
    return press(blocks, width, height, rng)


def _sky(blocks, u, v, rng):
    """Level lines that thin out downward, the sun's rays across them, and clouds."""
    sx, sy, radius = SUN
    dx, dy = u - sx, v - sy
    distance, around = np.hypot(dx, dy), np.arctan2(dy, dx)
    rays = carve(around * 110 / (2 * np.pi), 0.62 - 0.9 * distance + 0.10 * np.sin(distance * 40))
    level = carve(v * 78 + 0.6 * np.sin(u * 17 + v * 9), 0.72 - 1.5 * v)
    blocks["ochre"] = np.clip(0.35 + 0.5 * rays * (distance > radius), 0, 1) * bw.smoothstep(-0.02, 0.30, v)
    blocks["ochre"] = np.maximum(blocks["ochre"], 0.5 * rays)
    blocks["sky"] = np.maximum(level * bw.smoothstep(0.34, 0.16, v), 0.85 * bw.smoothstep(0.10, -0.01, v))
    blocks["key"] = carve(v * 150 + 0.8 * np.sin(u * 17 + v * 9), 0.62 - 4.6 * v) * (v < 0.16)
    disc = bw.smoothstep(radius * 1.01, radius * 0.99, distance)
    inner = carve((dy + 0.012 * np.sin(dx * 60)) * 95, 0.72 - 2.2 * (dy + 0.06))
    cut(blocks, disc, red=0.72 + 0.28 * inner, ochre=0.5)
    blocks["key"] = np.maximum(blocks["key"], outline(distance - radius, 0.0022))
    for cx, cy, size, kind in CLOUDS:
        _cloud(blocks, u, v, cx, cy, size, kind, rng)


def _cloud(blocks, u, v, cx, cy, size, kind, rng):
    """Scalloped puffs in a row, each engraved with arcs that turn about its own centre."""
    for k in range(6):
        px = cx + size * 0.052 * (k - 2.5) + rng.normal(0, 0.006)
        py = cy + size * (0.012 * abs(k - 2.5) - 0.02 * rng.random())
        r = size * (0.058 - 0.010 * abs(k - 2.5)) * rng.uniform(0.85, 1.15)
        dx, dy = u - px, (v - py) * 1.25
        distance = np.hypot(dx, dy)
        puff = bw.smoothstep(r * 1.02, r * 0.98, distance)
        shade = 0.52 * (distance / r) + 0.45 * (dy / r) - 0.12
        arcs = carve(distance / r * 7, shade)
        under = carve(distance / r * 7 + 0.3, shade + 0.12)
        if kind:
            cut(blocks, puff, sky=0.9 * under, key=0.9 * carve(distance / r * 7, shade - 0.22))
        else:
            cut(blocks, puff, red=0.85 * arcs, ochre=0.55 * under)
        blocks["key"] = np.maximum(blocks["key"], outline(distance - r, 0.0016))


def _ridge(u, peaks, roughness, rng):
    """The skyline: the highest of a few peaks, roughened; also which way each point's peak lies."""
    line = np.full_like(u, 9.0)
    side = np.zeros_like(u)
    for px, py, steep in peaks:
        fall = py + steep * np.abs(u - px) ** 0.92
        side = np.where(fall < line, u - px, side)
        line = np.minimum(line, fall)
    for frequency in (23, 51, 113):
        line = line + roughness / frequency * np.sin(frequency * u + rng.uniform(0, 6.3))
    return line, side


def _mountains(blocks, u, v, rng):
    """Ranges behind ranges, each with snow, a lit and a dark flank, and lines that run down the slopes."""
    height, width = u.shape
    for kind, (roughness, peaks) in RANGES.items():
        line, side = _ridge(u, peaks, roughness, rng)
        depth = v - line
        shape = bw.smoothstep(-0.001, 0.001, depth)
        # Ribs run down from the peaks and fan out; one flank of every rib is in shadow.
        crooked = 0.016 * bw.fractal_noise(width, height, 90, 3, rng)
        fan = (side + crooked) / (depth + 0.085)
        ribs = np.sin(fan * 9 + 2.2 * np.sin(depth * 22 + 6 * side))
        shadow = bw.smoothstep(-0.15, 0.35, ribs + 0.9 * np.tanh(side * 12))
        snow = bw.smoothstep(0.055, 0.035, depth + 0.022 * ribs) if kind != "hills" else np.zeros_like(u)
        hatch = fan * 26 + depth * 8
        across = depth * 150 + 2.4 * ribs
        dark = carve(hatch, 0.16 + 0.50 * shadow - 0.45 * snow * (1 - 0.6 * shadow))
        if kind == "far":
            slopes = 0.40 + 0.55 * carve(hatch * 0.6, 0.5 + 0.2 * ribs)
            haze = 1 - 1.2 * depth
            cut(
                blocks,
                shape,
                sky=np.clip(slopes * (1 - snow) + 0.55 * shadow * snow, 0, 1) * haze,
                ochre=0.5 * (1 - shadow) * (1 - snow),
                blue=0.75 * carve(hatch * 0.5 + 0.25, 0.75 * shadow - 0.1),
                key=0.8 * dark * (shadow > 0.35),
            )
        elif kind == "near":
            cut(
                blocks,
                shape,
                blue=np.clip(0.85 * shadow * (1 - 0.5 * snow) + 0.2 * (1 - snow), 0, 1),
                sky=(0.4 + 0.5 * carve(hatch * 0.6, 0.5 + 0.2 * ribs)) * (1 - snow),
                ochre=0.55 * (1 - shadow) * (1 - snow),
                key=dark,
            )
        else:
            trees = carve(across + 1.3 * np.abs(np.sin(u * 210)), 0.45 + 0.35 * ribs)
            cut(
                blocks,
                shape,
                ochre=0.85,
                sky=0.75 * (ribs > -0.3) * (1 - 0.3 * shadow),
                red=0.35 * (ribs < -0.55),
                key=trees,
            )
        blocks["key"] = np.maximum(blocks["key"], outline(depth, 0.0026))


# ---------------------------------------------------------------- water

# A breaker, in its own measure: up its back to the crest and over to the lip, and back through the hollow.
BACK = [
    (-3.6, 1.35),
    (-2.4, 0.75),
    (-1.45, 0.0),
    (-0.75, -0.72),
    (0.0, -1.02),
    (0.62, -0.86),
    (0.98, -0.42),
    (1.0, -0.12),
]
HOLLOW = [
    (1.0, -0.12),
    (0.78, -0.36),
    (0.46, -0.52),
    (0.12, -0.46),
    (-0.12, -0.16),
    (-0.12, 0.28),
    (0.22, 0.70),
    (0.95, 0.98),
    (2.2, 1.16),
    (3.6, 1.35),
]
# Where the breakers stand: x, y, size, and 1 or -1 for the way they fall.  Far ones first.
BREAKERS = [
    (0.60, 0.545, 0.030, 1),
    (0.93, 0.555, 0.040, -1),
    (0.43, 0.585, 0.045, -1),
    (0.79, 0.625, 0.068, -1),
    (0.24, 0.60, 0.130, 1),
    (0.98, 0.70, 0.080, -1),
    (0.57, 0.735, 0.070, 1),
]


def _sea(blocks, u, v, high, rng):
    """Swell in rows, larger towards us, and the breakers between the rows."""
    waiting = list(BREAKERS)
    rows = 8
    for k in range(rows):
        t = k / (rows - 1)
        base = 0.520 + (high - 0.53) * t**1.15
        while waiting and waiting[0][1] + 0.6 * waiting[0][2] < base:
            _breaker(blocks, u, v, *waiting.pop(0), rng)
        _swell(blocks, u, v, base, 0.008 + 0.026 * t, 0.10 + 0.22 * t, rng)
    for breaker in waiting:
        _breaker(blocks, u, v, *breaker, rng)


def _swell(blocks, u, v, base, size, length, rng):
    """One row of low waves, with lines that follow their backs."""
    height, width = u.shape
    drift = rng.uniform(0, 1)
    place = u / length + drift + 0.14 * np.sin(u * 9 + drift * 20)
    place = place + 0.13 * np.sin(2 * np.pi * place)  # lean the crests over
    crest = (0.5 + 0.5 * np.cos(2 * np.pi * place)) ** 1.6
    depth = v - base + size * crest * (0.75 + 0.35 * np.sin(u * 7.3 + 31 * drift))
    shape = bw.smoothstep(-0.0008, 0.0008, depth)
    lit = np.sin(2 * np.pi * place)  # one face of the wave is in the light, the other in the dark
    noise = bw.fractal_noise(width, height, 90, 3, rng)
    relative = depth / size
    lines = relative * (2.6 + 70 * size) + 0.35 * lit + 0.25 * noise
    dark = 0.30 + 0.24 * lit + 0.10 * np.tanh(relative - 1) + 0.07 * noise
    stripes = carve(lines * 0.5 + 0.25, 0.52 + 0.30 * lit + 0.1 * noise)
    fringe = 0.6 + 0.5 * np.abs(np.sin(u / length * 23 + noise))
    foam = bw.smoothstep(0.02, -0.02, relative - 0.42 * crest * fringe)
    foam = foam * (crest > 0.45)
    water = 1 - foam
    cut(
        blocks,
        shape,
        sky=0.62 * water,
        blue=0.95 * stripes * water,
        ochre=0.25 * (lit < -0.3) * water,
        key=carve(lines * 1.5, dark) * water + 0.8 * foam * carve(lines * 2, 0.16),
    )
    rim = np.clip(1 - np.abs(foam - 0.5) * 2.2, 0, 1) * shape * (crest > 0.45)
    blocks["key"] = np.maximum(blocks["key"], np.maximum(rim, outline(depth, 0.0018)))


def _nearest(u, v, curve):
    """The distance of every point to a curve given by its points, and how far along it the nearest one is.

    Both maps are smooth, so a third of the pixels is enough to compute them; the rest is interpolated.
    """
    some_u, some_v = u[::3, ::3], v[::3, ::3]
    best, along = np.full(some_u.shape, 9.0, np.float32), np.zeros(some_u.shape, np.float32)
    for k, (px, py) in enumerate(curve):
        distance = np.hypot(some_u - px, some_v - py)
        along = np.where(distance < best, k / (len(curve) - 1), along)
        best = np.minimum(best, distance)
    height, width = u.shape
    full = (3 * best.shape[1], 3 * best.shape[0])
    return tuple(
        np.asarray(Image.fromarray(part).resize(full, Image.Resampling.BICUBIC))[:height, :width]
        for part in (best.astype(np.float32), along.astype(np.float32))
    )


def _breaker(blocks, u, v, cx, cy, size, way, rng):
    """A falling wave: water runs up its face and over in stripes, and its lip breaks into foam."""
    height, width = u.shape
    left, right = (int(np.clip((cx + side * 3.7 * size) * width, 0, width)) for side in (-1, 1))
    top, bottom = (int(np.clip((cy + side * size) * width, 0, height)) for side in (-2.0, 1.45))
    box = np.s_[top:bottom, left:right]
    here = {name: block[box] for name, block in blocks.items()}
    lu, lv = (u[box] - cx) / size * way, (v[box] - cy) / size

    back, hollow = bw.smooth_curve(BACK, 240), bw.smooth_curve(HOLLOW, 240)
    silhouette = np.concatenate([back, hollow])

    def drawn(points, line=0):
        """A map of a polygon, or of a line along it."""
        pixels = (points * (way, 1) * size + np.array((cx, cy))) * width - np.array((left, top))
        mask = Image.new("L", (right - left, bottom - top))
        pen = ImageDraw.Draw(mask)
        if line:
            pen.line(pixels.ravel().tolist(), fill=255, width=line, joint="curve")
        else:
            pen.polygon(pixels.ravel().tolist(), fill=255)
        return np.asarray(mask, np.float32) / 255

    shape = drawn(silhouette)
    to_back, _ = _nearest(lu, lv, back)
    to_hollow, along = _nearest(lu, lv, hollow)
    across = to_back / (to_back + to_hollow + 1e-3)  # 0 on the back, 1 in the hollow
    detail = np.clip(size / 0.07, 0.45, 1.6)
    ripple = 0.035 * np.sin(along * 26) * across
    broad = carve((across + ripple) * 5 * detail + 0.3, 0.50 + 0.25 * across)
    fine = carve((across + ripple) * 20 * detail, 0.14 + 0.42 * across**2 + 0.10 * np.sin(along * 9))
    cut(here, shape, sky=0.75 * (across > 0.12), blue=0.95 * broad + 0.15, key=fine)
    here["key"][:] = np.maximum(here["key"], drawn(silhouette, line=3 if size > 0.06 else 2))
    # The shadow in the hollow, under the lip: lines that repeat its curve and thin out.
    inside = drawn(hollow[: int(0.82 * len(hollow))]) * (1 - shape)
    depth = to_hollow + 0.05 * np.sin(lu * 5 + lv * 3)
    shaded = carve(depth * 13 * detail, 0.86 - 0.55 * depth)
    cut(here, inside, sky=0.7, blue=np.clip(1.0 - 0.6 * depth, 0, 1), key=shaded)
    _foam(here, lu, lv, back, detail, rng)


def _foam(here, lu, lv, back, detail, rng):
    """Foam: scalloped balls along the crest, small claws under the lip, and drops thrown ahead of it."""
    balls = []
    for t in np.linspace(0.44, 0.98, int(15 * detail) + 5):
        x, y = back[int(t * (len(back) - 1))]
        spread = 0.5 + 0.5 * np.sin(np.pi * (t - 0.44) / 0.56)
        dx, dy = rng.normal(0, 0.04, 2)
        balls.append((x + dx, y + dy, rng.uniform(0.07, 0.13) * (0.6 + spread)))
        balls.append((x - 0.10 - dy, y + 0.13 + dx, rng.uniform(0.05, 0.09)))
    for k in range(int(13 * detail) + 5):  # the claws
        t = rng.uniform(0, 1)
        balls.append((1.02 + 0.22 * t * rng.uniform(-1, 1) + 0.1 * t, -0.15 + 0.36 * t, 0.085 * (1.15 - t)))
        balls.append((0.50 + 0.5 * rng.random(), -0.48 + 0.36 * rng.random() ** 2, 0.05 + 0.025 * (k % 2)))
    for _ in range(int(34 * detail)):  # the drops
        balls.append((rng.uniform(-0.2, 1.7), -0.95 + rng.normal(0.15, 0.42), rng.uniform(0.012, 0.036)))
    for x, y, r in balls:
        dx, dy = lu - x, lv - y
        distance = np.hypot(dx, dy)
        if not (distance < r).any():
            continue
        ball = bw.smoothstep(r * 1.04, r * 0.96, distance)
        shade = 0.55 * distance / r + 0.55 * (dy + dx * 0.4) / r - 0.42
        cut(here, ball, sky=0.75 * carve(distance / r * (2 + 26 * r), shade))
        here["key"][:] = np.maximum(here["key"], outline(distance - r, 0.020 / detail))
