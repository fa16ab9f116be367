"""Setting a mosaic: stones in rows that follow the outlines of the regions of a cartoon.

The first row of a region runs along its edge, the next row beside the first, and so on inward, as in the
Roman technique called opus vermiculatum (worm-like work).  Gaps are filled with smaller stones.
"""

from collections import deque
from dataclasses import dataclass

import brushwork as bw
import numpy as np
from PIL import Image, ImageDraw


@dataclass
class Kind:
    """The stones of a region: colours from dark to light, size in pixels, and whether some flash (gold)."""

    palette: list
    size: float
    glints: bool = False


def mosaic(regions, kinds, rng):
    """The picture of a mosaic; `regions` holds, for every pixel, the index of its kind of stone."""
    distance, normal = _distance_to_border(regions)
    stones = _lay_stones(regions, kinds, distance, normal, rng)
    return _draw_stones(stones, kinds, distance, rng)


def _distance_to_border(regions):
    """For every pixel: how far the nearest edge of its region is, and the unit vector pointing away from it.

    Jump flooding: every pixel knows the nearest edge pixel it has heard of, and passes it on to pixels that
    are 512 away, then 256, and so on down to 1.
    """
    height, width = regions.shape
    x, y = bw.pixel_grid(width, height)
    edge = np.zeros(regions.shape, bool)
    edge[:, 1:] |= regions[:, 1:] != regions[:, :-1]
    edge[1:, :] |= regions[1:, :] != regions[:-1, :]
    far = 1e6
    near_x, near_y = np.where(edge, x, far), np.where(edge, y, far)
    jump = 512
    while jump >= 1:
        for dx in (-jump, 0, jump):
            for dy in (-jump, 0, jump):
                if abs(dx) >= width or abs(dy) >= height:
                    continue
                here = np.s_[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]
                there = np.s_[max(0, -dy) : height + min(0, -dy), max(0, -dx) : width + min(0, -dx)]
                heard_x, heard_y = near_x[there], near_y[there]
                better = np.hypot(x[here] - heard_x, y[here] - heard_y) < np.hypot(
                    x[here] - near_x[here], y[here] - near_y[here]
                )
                near_x[here] = np.where(better, heard_x, near_x[here])
                near_y[here] = np.where(better, heard_y, near_y[here])
        jump //= 2
    away_x, away_y = x - near_x, y - near_y
    distance = np.hypot(away_x, away_y)
    away = np.stack([bw.soften(away_x, 3), bw.soften(away_y, 3)], axis=2)
    return distance, away / np.maximum(np.hypot(away[..., 0], away[..., 1]), 1e-3)[..., None]


def _lay_stones(regions, kinds, distance, normal, rng):
    """A list of stones (x, y, angle, long side, short side, region); rows along the outlines come first."""
    taken = np.zeros(regions.shape, bool)
    sizes = [kind.size for kind in kinds]
    stones = []

    def try_stone(x, y, region, scale=1.0, snap=True, slack=0.12):
        height, width = regions.shape
        if not (0 <= x < width and 0 <= y < height):
            return None
        size = sizes[region] * scale
        away = normal[int(y), int(x)]
        if snap:  # into the row: rows are half a stone, one and a half, two and a half, ... from the edge
            depth = distance[int(y), int(x)]
            row = max(0, round(depth / size - 0.5))
            shift = (row + 0.5) * size - depth
            x, y = x + away[0] * shift, y + away[1] * shift
            if not (0 <= x < width and 0 <= y < height):
                return None
            away = normal[int(y), int(x)]
        angle = np.arctan2(away[1], away[0]) + np.pi / 2
        long, short = size * rng.uniform(0.85, 1.25), size
        rows, columns = _footprint(x, y, angle, long * 0.94, short * 0.94, regions.shape)
        if len(rows) < 8 or taken[rows, columns].mean() > slack:
            return None
        if (regions[rows, columns] != region).mean() > 0.30:
            return None
        taken[rows, columns] = True
        stone = (x, y, angle, long, short, region)
        stones.append(stone)
        return stone

    def grow(queue):
        while queue:
            x, y, angle, long, short, region = queue.popleft()
            cosine, sine = np.cos(angle), np.sin(angle)
            for along, across in ((long, 0), (-long, 0), (0, short), (0, -short)):
                next_x = x + along * cosine - across * sine
                next_y = y + along * sine + across * cosine
                stone = try_stone(next_x, next_y, region)
                if stone:
                    queue.append(stone)

    # Thin regions first (they are the drawing), then the figures, the ground last.
    order = sorted(range(len(kinds)), key=lambda region: sizes[region])
    for region in order:
        rows, columns = np.nonzero((regions == region) & (np.abs(distance - sizes[region] / 2) < 0.7))
        for index in rng.permutation(len(rows)):
            stone = try_stone(columns[index], rows[index], region)
            if stone:
                grow(deque([stone]))
    for scale, slack in ((0.85, 0.16), (0.68, 0.18), (0.52, 0.22), (0.40, 0.25)):  # splinters for the gaps
        rows, columns = np.nonzero(~taken)
        for index in rng.permutation(len(rows))[:: 2 if scale > 0.6 else 1]:
            if not taken[rows[index], columns[index]]:
                region = regions[rows[index], columns[index]]
                try_stone(columns[index], rows[index], region, scale, snap=False, slack=slack)
    return stones


def _footprint(x, y, angle, long, short, shape):
    """The pixels under a stone."""
    reach = int(max(long, short) * 0.75) + 1
    left, top = int(x) - reach, int(y) - reach
    rows, columns = np.mgrid[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
    dx, dy = columns - x, rows - y
    cosine, sine = np.cos(angle), np.sin(angle)
    inside = (np.abs(dx * cosine + dy * sine) < long / 2) & (np.abs(dy * cosine - dx * sine) < short / 2)
    inside &= (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    return rows[inside], columns[inside]


# ---------------------------------------------------------------- drawing them

GROUT = 0.08  # the part of a stone's size that is left free round it
SCALE = 3  # stones are drawn at three times the size and shrunk: smooth edges


def _draw_stones(stones, kinds, distance, rng):
    """Grout, then every stone with its own colour, its own tilt to the light, and chipped corners."""
    height, width = distance.shape
    grain = bw.fractal_noise(width, height, 20, 4, rng)[..., None]
    grout = np.clip(np.array((84, 72, 64)) + 12 * grain, 0, 255).astype(np.uint8)
    image = Image.fromarray(grout).resize((width * SCALE, height * SCALE), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    clouds = bw.fractal_noise(width, height, 0.16 * width, 3, rng)
    for x, y, angle, long, short, region in stones:
        kind = kinds[region]
        column, row = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        # Lighter from the edge of a region to its middle, which makes it round; clouds and chance on top.
        tone = 0.28 + 0.42 * np.tanh(distance[row, column] / (0.09 * width)) + 0.12 * clouds[row, column]
        tilt = rng.normal(0, 1, 2)
        colour = bw.from_palette(kind.palette, np.array(tone + rng.normal(0, 0.20))) + rng.normal(0, 8, 3)
        if kind.glints and rng.random() < 0.12:  # it happens to face the lamp
            colour = colour * 0.45 + np.array((255, 246, 200)) * 0.55
        elif rng.random() < 0.05:  # a stone from another box
            other = kinds[rng.integers(len(kinds))].palette
            colour = colour * 0.55 + 0.45 * bw.from_palette(other, np.array(tone))
        gap = GROUT * kind.size
        _draw_stone(pen, x, y, angle, long - gap, short - gap, colour, tilt, rng)
    picture = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS), np.float32)
    # The faces are rough, as glass is where it was broken.
    rough = bw.fractal_noise(width, height, 7, 3, rng)
    picture = picture * (1 + 0.035 * rough[..., None]) + rng.normal(0, 2, (height, width, 1))
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def _draw_stone(pen, x, y, angle, long, short, colour, tilt, rng):
    """One stone: a quadrangle without its corners, a shadow, a rim that catches light, a broken face."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (long / 2, short / 2)
    corners = corners + rng.normal(0, 0.035 * short, (4, 2))
    ring = []
    for before, here, after in zip(np.roll(corners, 1, 0), corners, np.roll(corners, -1, 0), strict=True):
        chip = rng.uniform(0.04, 0.20, 2)
        ring += [here + chip[0] * (before - here), here + chip[1] * (after - here)]
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    ring = (np.array(ring) @ turn + (x, y)) * SCALE

    def fill(points, value):
        pen.polygon(points.ravel().tolist(), fill=tuple(int(v) for v in np.clip(value, 0, 255)))

    middle = ring.mean(axis=0)
    fill(ring + 0.05 * short * SCALE, (38, 30, 30))  # its shadow on the grout, below and to the right
    fill(ring, colour * 0.92)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):  # edges that look up and left are in the light
        outward = (a + b) / 2 - middle
        bright = -outward.sum() / max(np.hypot(*outward), 1e-6)
        inner = np.array((a, b)) + 0.14 * (middle - np.array((a, b)))
        fill(np.array((a, b, inner[1], inner[0])), colour * (1 + 0.10 * bright) + 15 * bright)
    for size, lift in ((0.80, 3), (0.52, 8), (0.26, 14)):
        facet = middle + (ring - middle) * size + tilt * (0.86 - size) * 0.22 * short * SCALE
        fill(facet, colour * (1 + 0.003 * lift) + lift)
