"""A mosaic: a peacock on gold among vine scrolls, over water, in a braided border.

First a cartoon: which region every pixel belongs to.  Then the setter's work: stones are laid in rows that
follow the outline of their region, the next row beside the first, and so on, as in the Roman technique
called opus vermiculatum (worm-like work).  What is left between the rows is filled with smaller stones.
"""

from collections import deque

import brushwork as bw
import numpy as np
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


def paint(width, height, seed):
    """Return the picture as a PIL image."""
    rng = np.random.default_rng(seed)
    regions = _cartoon(width, height)
    distance, normal = _distance_to_border(regions)
    stones = _lay_stones(regions, distance, normal, rng)
    return _draw_stones(stones, regions, distance, width, height, rng)


# ---------------------------------------------------------------- the cartoon

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
        self.pen.line((points * self.unit).ravel().tolist(), fill=NAMES.index(name),
                      width=max(2, round(thickness * self.unit)), joint="curve")

    def disc(self, x, y, radius, name, flat=1.0):
        box = [(x - radius) * self.unit, (y - radius * flat) * self.unit,
               (x + radius) * self.unit, (y + radius * flat) * self.unit]
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
        body = [(x0 - 7 * s, y0), (x0 - 3 * s, y0 - 2.4), (x0 + 3 * s, y0 - 1.8), (x0 + 6 * s, y0),
                (x0 + 9.5 * s, y0 - 2.6), (x0 + 8.6 * s, y0 + 0.2), (x0 + 9.5 * s, y0 + 2.6),
                (x0 + 6 * s, y0 + 0.8), (x0 + 2 * s, y0 + 2.2), (x0 - 4 * s, y0 + 1.8)]
        art.shape(body, "terracotta")
        art.line([(x0 - 3 * s, y0 - 1.9), (x0 - 2.2 * s, y0), (x0 - 3 * s, y0 + 1.9)], "cream", 0.8)
        art.line([(x0 - 1 * s, y0), (x0 + 2 * s, y0 - 0.3), (x0 + 5 * s, y0)], "red", 0.9)
        art.disc(x0 - 4.9 * s, y0 - 0.5, 0.75, "cream")


def _vine(art, points, turn):
    """A winding stem; at every bend a curled tendril, a leaf, or a bunch of grapes, left and right in turn."""
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
    outline = [(0, 0), (0.18, 0.42), (0.45, 0.30), (0.62, 0.46), (0.78, 0.20), (1.05, 0.0),
               (0.78, -0.20), (0.62, -0.46), (0.45, -0.30), (0.18, -0.42)]
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
    art.shape([(47, 38), (56, 32), (67, 31.5), (78, 36), (86, 43.5), (89.5, 51), (83, 54.5), (72, 55), (60, 52),
               (50, 48)], "teal")
    for start, end in (((52, 40), (90, 50)), ((53, 43), (86, 54)), ((56, 37), (84, 42))):
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - 1.5)
        art.line([start, middle, end], "leaf", 0.9)
    for x, y, r in ((60, 37.2, 2.2), (67.5, 37.4, 2.4), (75.5, 40.6, 2.5), (83.5, 45.4, 2.5), (89, 51, 2.1),
                    (62, 43.6, 2.3), (70, 44.6, 2.5), (78, 48.3, 2.5), (66, 50.4, 2.1), (74.5, 52.3, 1.9), (83, 52, 2.0)):
        for scale, name in ((1.2, "outline"), (1.0, "gold"), (0.68, "terracotta"), (0.44, "blue")):
            art.disc(x, y, r * scale, name)
    body = [(40, 24), (43, 21.5), (46.5, 24), (47, 29), (50, 33), (57, 36), (60, 41), (57, 47), (50, 51), (43, 50),
            (37.5, 45), (36, 38), (38.5, 31)]
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
        for depth, thick, name in ((deep / 2, deep, "navy"), (deep - 0.6, 1.2, "cream"), (0.5, 1.4, "terracotta")):
            art.pen.line((at(ends, np.full(2, depth)) * art.unit).ravel().tolist(), fill=NAMES.index(name),
                         width=round(thick * art.unit))
        waves = round((length - deep) / 8.6)
        wave_length = (length - deep) / waves
        s = np.linspace(deep / 2 - 2, length - deep / 2 + 2, 400)
        phase = (s - deep / 2) / wave_length * 2 * np.pi
        # The strands change places: each half wave the other one is on top.
        for half in range(2 * waves + 2):
            here = (phase >= (half - 0.55) * np.pi) & (phase <= (half + 0.55) * np.pi)
            if here.sum() < 3:
                continue
            for strand in ((0, 1) if half % 2 else (1, 0)):
                depth = deep / 2 - 0.25 + (1 if strand else -1) * 1.9 * np.sin(phase[here])
                path = (at(s[here], depth) * art.unit).ravel().tolist()
                for thick, name in ((2.5, "outline"), (1.9, ("terracotta", "gold")[strand])):
                    art.pen.line(path, fill=NAMES.index(name), width=round(thick * art.unit), joint="curve")
        for k in range(2 * waves):
            x, y = at([deep / 2 + (k + 0.5) * wave_length / 2], [deep / 2 - 0.25])[0]
            art.disc(x, y, 0.75, "cream")
    for x, y in ((deep / 2, deep / 2), (100 - deep / 2, deep / 2), (deep / 2, high - deep / 2),
                 (100 - deep / 2, high - deep / 2)):
        for radius, name in ((deep / 2 + 0.4, "outline"), (3.7, "gold"), (2.7, "red"), (1.6, "cream"), (0.8, "navy")):
            art.disc(x, y, radius, name)


# ---------------------------------------------------------------- laying the stones

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
                here = np.s_[max(0, dy):height + min(0, dy), max(0, dx):width + min(0, dx)]
                there = np.s_[max(0, -dy):height + min(0, -dy), max(0, -dx):width + min(0, -dx)]
                heard_x, heard_y = near_x[there], near_y[there]
                better = np.hypot(x[here] - heard_x, y[here] - heard_y) < np.hypot(
                    x[here] - near_x[here], y[here] - near_y[here])
                near_x[here] = np.where(better, heard_x, near_x[here])
                near_y[here] = np.where(better, heard_y, near_y[here])
        jump //= 2
    away_x, away_y = x - near_x, y - near_y
    distance = np.hypot(away_x, away_y)
    away = np.stack([bw.soften(away_x, 3), bw.soften(away_y, 3)], axis=2)
    return distance, away / np.maximum(np.hypot(away[..., 0], away[..., 1]), 1e-3)[..., None]


def _lay_stones(regions, distance, normal, rng):
    """A list of stones (x, y, angle, long side, short side, region); rows along the outlines come first."""
    taken = np.zeros(regions.shape, bool)
    sizes = np.array([STONES[name][1] for name in NAMES])
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
        if len(rows) < 8 or taken[rows, columns].mean() > slack or (regions[rows, columns] != region).mean() > 0.30:
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
                stone = try_stone(x + along * cosine - across * sine, y + along * sine + across * cosine, region)
                if stone:
                    queue.append(stone)

    # Thin regions first (they are the drawing), then the figures, the ground last.
    order = sorted(range(len(NAMES)), key=lambda region: sizes[region])
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
    rows, columns = np.mgrid[top:top + 2 * reach + 1, left:left + 2 * reach + 1]
    dx, dy = columns - x, rows - y
    cosine, sine = np.cos(angle), np.sin(angle)
    inside = (np.abs(dx * cosine + dy * sine) < long / 2) & (np.abs(dy * cosine - dx * sine) < short / 2)
    inside &= (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    return rows[inside], columns[inside]


# ---------------------------------------------------------------- drawing them

def _draw_stones(stones, regions, distance, width, height, rng):
    """Grout, then every stone with its own colour, its own tilt to the light, and chipped corners."""
    scale = 3
    grain = bw.fractal_noise(width, height, 20, 4, rng)[..., None]
    grout = np.clip(np.array((92, 76, 62)) + 14 * grain, 0, 255).astype(np.uint8)
    image = Image.fromarray(grout).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    clouds = bw.fractal_noise(width, height, 70, 3, rng)
    for x, y, angle, long, short, region in stones:
        name = NAMES[region]
        palette = STONES[name][0]
        column, row = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        # Lighter from the edge of a region to its middle, which makes it round; clouds and chance on top.
        tone = 0.30 + 0.45 * np.tanh(distance[row, column] / 26) + 0.13 * clouds[row, column] + rng.normal(0, 0.15)
        tilt = rng.normal(0, 1, 2)
        colour = bw.from_palette(palette, np.array(tone)) + rng.normal(0, 7, 3) + 7 * tilt[0]
        if name == "gold" and rng.random() < 0.13:  # a gold stone that happens to face the lamp
            colour = colour * 0.4 + np.array((255, 246, 200)) * 0.6
        elif rng.random() < 0.03:
            colour = colour * 0.6 + 100
        _draw_stone(pen, x, y, angle, long - 1.25, short - 1.25, colour, tilt, scale, rng)
    picture = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS), np.float32)
    picture = picture + rng.normal(0, 3, (height, width, 1))
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def _draw_stone(pen, x, y, angle, long, short, colour, tilt, scale, rng):
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (long / 2, short / 2)
    corners = corners + rng.normal(0, 0.05 * short, (4, 2))
    cosine, sine = np.cos(angle), np.sin(angle)
    corners = np.stack([x + corners[:, 0] * cosine - corners[:, 1] * sine,
                        y + corners[:, 0] * sine + corners[:, 1] * cosine], 1) * scale

    def ink(value):
        return tuple(int(v) for v in np.clip(value, 0, 255))

    pen.polygon((corners + 0.35 * scale).ravel().tolist(), fill=ink(np.array((40, 32, 30))))  # its shadow in the grout
    pen.polygon(corners.ravel().tolist(), fill=ink(colour))
    # The broken face: a lighter facet towards one corner, placed by the stone's tilt.
    middle = corners.mean(axis=0)
    facet = middle + (corners - middle) * 0.62 + tilt * 0.10 * short * scale
    pen.polygon(facet.ravel().tolist(), fill=ink(colour * 1.06 + 8))
    for k in range(4):  # edges that look up and left catch light
        a, b = corners[k], corners[(k + 1) % 4]
        outward = (a + b) / 2 - middle
        bright = -(outward[0] + outward[1]) / max(np.hypot(*outward), 1e-6)
        if bright > 0.3:
            pen.line([*a, *b], fill=ink(colour + 46 * bright), width=2)
