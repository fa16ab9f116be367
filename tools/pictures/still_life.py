"""Fruit, a jug, a glass and books beside a window: a small path tracer for bodies given by their distance.

Lengths are in decimetres; the table top is y = 0, the window is in the wall on the left.  Light is followed
backwards, from the camera to the things and on to the window, as often as there are exposures.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scenes import (
    FAR,
    SPREAD,
    Bundle,
    Camera,
    Heap,
    Noise,
    blur,
    develop,
    dot,
    hash01,
    hemisphere,
    mix,
    near_things,
    smooth_step,
    unit,
    vector,
)

SUN = unit(vector(-0.80, 0.52, -0.34))
SUNLIGHT = vector(15.0, 11.6, 7.6)
SKYLIGHT = vector(8.0, 9.2, 11.0)
ROOM = vector(0.30, 0.26, 0.215)  # what comes from the dim rest of the room
WALL_Z, WINDOW_X = 6.5, -11.0
WINDOW = (1.6, 12.5, -6.5, 2.0)  # low, high, near, far
GLASS = 1.5  # refractive index


# ---------------------------------------------------------------------------------------------------- bodies


@dataclass
class Body:
    """A thing: where it stands, how it is turned, and a function for the distance from its surface."""

    kind: str
    centre: np.ndarray
    radius: float
    distance: object
    turn: np.ndarray
    number: int = 0

    def local(self, points):
        """Points of the room in the body's own coordinates."""
        return (points - self.centre) @ self.turn.T

    def normal(self, points):
        """The direction in which the distance grows fastest."""
        here = self.local(points)
        step = 0.006 if self.kind == "goblet" else 0.012
        corners = vector((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1))
        slope = sum(corner * self.distance(here + step * corner)[:, None] for corner in corners)
        return unit(slope) @ self.turn

    def march(self, origins, directions, start, end, inside=False):
        """Walk along the rays in steps as long as the distance to the surface; FAR where they miss."""
        result = np.full(len(start), FAR, np.float32)
        origins, directions = self.local(origins), directions @ self.turn.T
        number, along = np.arange(len(start)), start
        sign = np.float32(-1 if inside else 1)
        for _ in range(90):
            if not len(number):
                break
            gap = sign * self.distance(origins + along[:, None] * directions)
            hit = gap < 0.002
            result[number[hit]] = along[hit]
            along = along + gap
            going = ~hit & (along < end)
            number, along, end = number[going], along[going], end[going]
            origins, directions = origins[going], directions[going]
        return result


def rotation(turn, lean=0.0, side=0.0):
    """Turn about the upright axis, then lean over (radians)."""
    c, s = np.cos(turn), np.sin(turn)
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = np.cos(lean), np.sin(lean)
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    c, s = np.cos(side), np.sin(side)
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return (about_x @ about_z @ about_y).astype(np.float32)


def smooth_outline(corners, pieces=8):
    """A smooth curve through the corners (Catmull and Rom's); both its ends lie on the axis."""
    p = np.asarray(corners, float)
    # Beyond the axis the curve goes on as its own mirror image, so that it crosses the axis at a right angle.
    p = np.concatenate([p[1:2] * [-1, 1], p, p[-2:-1] * [-1, 1]])
    t = np.arange(pieces)[None, :, None] / pieces
    a, b, c, d = (p[start : len(p) - 3 + start, None] for start in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([np.maximum(curve.reshape(-1, 2), [0, -99]), p[-2:-1]])


class Lathe:
    """The distance from a turned body: its outline's distance, looked up in a table made once."""

    def __init__(self, corners, pieces=8, cell=0.012):
        self.cell = cell
        outline = smooth_outline(corners, pieces)
        self.low, self.high = outline[:, 1].min() - 0.1, outline[:, 1].max() + 0.1
        self.wide = outline[:, 0].max() + 0.1
        radius = np.arange(0, self.wide + self.cell, self.cell)
        height = np.arange(self.low, self.high + self.cell, self.cell)
        self.table = outline_distance(outline, *np.meshgrid(radius, height)).astype(np.float32)

    def __call__(self, points):
        radius = np.sqrt(points[:, 0] ** 2 + points[:, 2] ** 2)
        x = np.minimum(radius, self.wide - 0.01)
        y = np.clip(points[:, 1], self.low + 0.01, self.high - 0.01)
        outside = np.hypot(radius - x, points[:, 1] - y)
        x, y = x / self.cell, (y - self.low) / self.cell
        column, row = x.astype(np.int32), y.astype(np.int32)
        fx, fy = x - column, y - row
        width = self.table.shape[1]
        start, flat = row * width + column, self.table.ravel()
        top = mix(flat.take(start), flat.take(start + 1), fx)
        bottom = mix(flat.take(start + width), flat.take(start + width + 1), fx)
        # Beyond the table only this much is certain: the body lies inside it, by a margin of 0.1.
        return np.where(outside > 0, outside + 0.08, mix(top, bottom, fy)).astype(np.float32)

    @property
    def reach(self):
        """The radius of a ball around the origin that holds the body."""
        return float(np.hypot(self.wide, max(abs(self.low), abs(self.high))))


def outline_distance(outline, x, y):
    """Distance of grid points from an outline that starts and ends on the axis, negative inside."""
    nearest = np.full(x.shape, 1e9)
    inside = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in pairwise(outline):
        dx, dy = bx - ax, by - ay
        share = np.clip(((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - ax - share * dx, y - ay - share * dy))
        if ay != by:
            inside ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) * dx / dy)
    return np.where(inside, -nearest, nearest)


def block(half_x, half_y, half_z, rounding):
    """The distance from a box with rounded edges."""
    half = vector(half_x, half_y, half_z) - np.float32(rounding)

    def distance(points):
        out = np.abs(points) - half
        return np.sqrt((np.maximum(out, 0) ** 2).sum(1)) + np.minimum(out.max(1), 0) - np.float32(rounding)

    return distance


# ------------------------------------------------------------------------------------------------- the things

# Outlines as (radius, height), from the foot of the axis around to its top.
# fmt: off
APPLE = [
    (0, -0.52), (0.12, -0.60), (0.30, -0.62), (0.52, -0.50), (0.72, -0.15), (0.76, 0.15), (0.66, 0.45),
    (0.42, 0.60), (0.20, 0.57), (0.08, 0.45), (0, 0.40),
]
PEAR = [
    (0, -0.62), (0.2, -0.70), (0.50, -0.60), (0.70, -0.25), (0.66, 0.10), (0.46, 0.45), (0.30, 0.80),
    (0.24, 1.05), (0.12, 1.17), (0, 1.16),
]
LEMON = [
    (0, -0.80), (0.10, -0.76), (0.22, -0.62), (0.45, -0.42), (0.56, 0), (0.45, 0.42), (0.22, 0.62),
    (0.13, 0.76), (0.08, 0.86), (0, 0.88),
]
BOWL = [
    (0, 0.22), (0.60, 0.20), (0.68, 0.02), (0.80, 0.0), (0.84, 0.06), (0.82, 0.22), (1.30, 0.42),
    (1.75, 0.85), (2.02, 1.30), (2.10, 1.36), (2.08, 1.42), (1.96, 1.38), (1.66, 0.95), (1.22, 0.55),
    (0.70, 0.36), (0, 0.34),
]
JUG = [
    (0, 0.0), (0.85, 0.0), (0.98, 0.10), (1.30, 0.70), (1.45, 1.40), (1.28, 2.20), (0.88, 2.85),
    (0.74, 3.35), (0.86, 3.85), (0.92, 3.93), (0.86, 3.97), (0.76, 3.88), (0.63, 3.35), (0.76, 2.85),
    (1.12, 2.20), (1.30, 1.40), (1.10, 0.60), (0, 0.3),
]
GOBLET = [
    (0, 0.0), (0.70, 0.0), (0.76, 0.03), (0.70, 0.07), (0.25, 0.13), (0.08, 0.26), (0.065, 0.6),
    (0.065, 1.1), (0.12, 1.30), (0.50, 1.52), (0.80, 1.95), (0.84, 2.45), (0.72, 3.05), (0.67, 3.28),
    (0.655, 3.30), (0.635, 3.28), (0.68, 3.03), (0.80, 2.45), (0.76, 1.97), (0.47, 1.56), (0, 1.42),
]
WINE = [
    (0, 1.38), (0.48, 1.54), (0.778, 1.96), (0.812, 2.28), (0.80, 2.33), (0.4, 2.325), (0, 2.325),
]
CANDLESTICK = [
    (0, 0), (0.80, 0), (0.92, 0.06), (0.86, 0.16), (0.45, 0.26), (0.24, 0.42), (0.17, 0.62),
    (0.30, 0.80), (0.17, 0.98), (0.13, 1.4), (0.19, 1.62), (0.40, 1.72), (0.43, 1.80), (0.30, 1.84),
    (0, 1.84),
]
CANDLE = [(0, 0), (0.24, 0), (0.24, 1.2), (0.23, 2.0), (0.19, 2.05), (0.1, 1.98), (0, 1.97)]
ORANGE = [(0, -0.72), (0.5, -0.56), (0.76, 0), (0.52, 0.55), (0.1, 0.71), (0, 0.69)]
GRAPE = [(0, -0.23), (0.15, -0.16), (0.205, 0), (0.15, 0.17), (0, 0.24)]
# fmt: on


def lumpy(lathe, lobes, depth):
    """A turned body pressed in along its meridians, like an apple with its five lobes."""

    def distance(points):
        angle = np.arctan2(points[:, 2], points[:, 0])
        radius = np.hypot(points[:, 0], points[:, 2])
        lobe = depth * np.sin(lobes * angle + 1) * np.minimum(radius, 0.6)
        return (lathe(points) - lobe) * np.float32(0.93)

    return distance


def jug_with_handle():
    """The jug's body and a bent round bar on its right side."""
    body = Lathe(JUG)

    def distance(points):
        across = points[:, 0] - 1.05
        ring = np.hypot(np.hypot(across, (points[:, 1] - 2.35) * 0.72) - 0.88, points[:, 2] * 0.8) - 0.125
        ring = np.maximum(ring, 0.6 - points[:, 0]) * np.float32(0.72)  # only the half outside the body
        closer = np.minimum(body(points), ring)
        near = np.maximum(0.16 - np.abs(body(points) - ring), 0)
        return (closer - near * near / 0.64).astype(np.float32)

    return distance


def cloth_distance(noise):
    """A crumpled cloth on the table: thin, with long folds, bounded by a turned square."""

    def height(x, z):
        fold = 0.5 + 0.5 * np.sin(2.3 * x + 1.1 * z + 2.4 * noise.clouds(x * 0.45, z * 0.45 + 4, 2))
        crossing = 0.5 + 0.5 * np.sin(-1.2 * x + 2.9 * z + 3.0 * noise.clouds(x * 0.4 + 9, z * 0.4, 2))
        crumple = noise.clouds(x * 1.1, z * 1.1 + 7, 2)
        # Flat under the bowl, which stands on it.
        free = smooth_step(0.9, 2.0, np.hypot(x - 2.0, z - 1.5))
        return 0.05 + free * (0.36 * fold**3 + 0.22 * crossing**4 + 0.22 * crumple**2)

    def distance(points):
        x, y, z = points[:, 0], points[:, 1], points[:, 2]
        top = height(x, z)
        edge = np.maximum(np.abs(x) - 2.9, np.abs(z) - 2.1) + 0.05 * (top - 0.1)
        return np.maximum(np.maximum(y - top, -(y - top) - 0.10), edge) * np.float32(0.55)

    return distance


def things(noise, generator):
    """All the bodies on the table."""
    upright = rotation(0)
    bodies = []

    def put(kind, place, distance, turn=upright, radius=None, number=None):
        radius = distance.reach if radius is None else radius
        number = len(bodies) if number is None else number
        bodies.append(Body(kind, vector(*place), radius, distance, turn, number))

    put("cloth", (-2.6, 0, -1.7), cloth_distance(noise), rotation(0.35), 3.8)
    put("bowl", (-1.2, 0.1, 0.4), Lathe(BOWL))
    apple, pear, lemon = lumpy(Lathe(APPLE), 5, 0.03), Lathe(PEAR), Lathe(LEMON)
    orange = lumpy(Lathe([(0, -0.72), (0.5, -0.56), (0.76, 0), (0.52, 0.55), (0.1, 0.71), (0, 0.69)]), 3, 0.01)
    stem = Lathe([(0, -0.3), (0.035, -0.3), (0.03, 0.1), (0.06, 0.2), (0, 0.22)])
    for kind, place, shape, turn in (
        ("apple", (-2.15, 1.32, -0.05), apple, rotation(0.6, 0.25, 0.35)),
        ("apple", (-0.55, 1.36, 1.25), apple, rotation(2.2, -0.2, -0.2)),
        ("orange", (-0.80, 1.38, -0.45), orange, rotation(1.0, 0.7, 0.2)),
        ("orange", (-1.75, 1.45, 1.25), orange, rotation(2.0, -0.5, 0.4)),
        ("pear", (-1.15, 2.05, 0.55), pear, rotation(0.4, -0.35, -0.95)),
        ("lemon", (2.35, 0.56, -2.15), lemon, rotation(0.75, 0.1, 1.45)),
        ("apple", (1.05, 0.62, -1.55), apple, rotation(3.9, 0.22, -0.15)),
    ):
        put(kind, place, shape, turn, 1.35)
        if kind in ("apple", "pear"):
            top = vector(0, 0.62 if kind == "apple" else 1.32, 0) @ turn
            put("stem", vector(*place) + top, stem, turn, 0.4)
    put("jug", (0.95, 0, 2.9), jug_with_handle(), rotation(2.75), 4.4)
    put("goblet", (2.75, 0, 0.1), Lathe(GOBLET, 20, 0.004))
    put("wine", (2.75, 0, 0.1), Lathe(WINE, 20, 0.006))
    put("book", (4.6, 0.30, 2.2), block(1.9, 0.30, 1.35, 0.03), rotation(-0.25), 2.4, 1)
    put("book", (4.5, 0.83, 2.2), block(1.65, 0.23, 1.2, 0.03), rotation(0.12), 2.1, 2)
    put("blade", (0.15, 0.05, -3.45), block(1.15, 0.016, 0.13, 0.012), rotation(-0.30), 1.3)
    put("handle", (1.85, 0.075, -2.92), block(0.66, 0.075, 0.11, 0.05), rotation(-0.30), 0.8)
    put("candlestick", (4.5, 1.06, 2.3), Lathe(CANDLESTICK))
    put("candle", (4.5, 2.86, 2.3), Lathe(CANDLE))
    put("wick", (4.5, 4.9, 2.3), Lathe([(0, -0.1), (0.02, -0.1), (0.02, 0.12), (0, 0.12)]))
    grape = Lathe(GRAPE)
    for place in grapes(generator):
        turn, lean, side = generator.uniform(0, 6), generator.uniform(-1, 1), generator.uniform(-1, 1)
        put("grape", place, grape, rotation(turn, lean, side))
    return bodies


def grapes(generator):
    """Centres of the grapes of one bunch: dropped one after the other where there is room."""
    places = []
    for _ in range(4000):
        along = generator.uniform(-1.25, 1.25)
        wide = 0.62 * (1 - 0.55 * (along + 1.25) / 2.5)
        across = generator.uniform(-wide, wide)
        height = 0.21 + generator.uniform(0, 0.75) * (wide / 0.62)
        place = np.array([-0.35 + along * 0.92 + 0.25 * across, height, -2.75 - 0.38 * along + across])
        if all(np.linalg.norm(place - other) > 0.37 for other in places):
            places.append(place)
        if len(places) >= 34:
            break
    return places


# ------------------------------------------------------------------------------------------------- materials


@dataclass
class Finish:
    """How surfaces answer to light."""

    colour: np.ndarray
    mirror: np.ndarray  # the share mirrored straight on
    rough: np.ndarray  # how blurred the mirroring is
    metal: np.ndarray

    def gloss(self, facing):
        """The share of light that is mirrored; most at a glancing angle (Schlick's formula)."""
        glancing = (1 - np.clip(facing, 0, 1)) ** 5 * (1 - self.rough) ** 3
        gloss = np.where(self.mirror > 0, self.mirror + (1 - self.mirror) * glancing, 0)
        return np.where(self.metal > 0, 1, gloss).astype(np.float32)


BUMPS = {  # the size of the unevenness, in decimetres, and how much it tilts the surface
    "orange": (0.075, 0.16),
    "lemon": (0.09, 0.22),
    "pear": (0.2, 0.05),
    "apple": (0.3, 0.03),
    "jug": (0.09, 0.10),
    "cloth": (0.06, 0.25),
    "book": (0.07, 0.15),
}


def spots(noise, points, size, salt):
    """Noise in a body's own space."""
    p = points / size + salt
    return noise.solid_clouds(p[:, 0], p[:, 1], p[:, 2], 3)


def blend(low, high, amount):
    """Between two colours, by an amount per point."""
    return mix(vector(*low), vector(*high), amount[:, None])


def fruit_colour(kind, p, noise, number):
    """The skins of the fruit."""
    angle = np.arctan2(p[:, 2], p[:, 0])
    blotch = spots(noise, p, 0.55, 3.7 * number)
    dots = smooth_step(0.80, 0.88, noise.solid(p[:, 0] * 22 + number, p[:, 1] * 22, p[:, 2] * 22))
    if kind == "apple":
        round_ = np.maximum(np.hypot(p[:, 0], p[:, 2]), 0.05)
        streaks = noise.solid_clouds(p[:, 0] / round_ * 4.5 + number, p[:, 2] / round_ * 4.5, p[:, 1] * 0.8, 3)
        red = 0.05 + 0.36 * np.sin(angle + 2.1 * number) + 0.9 * streaks + 0.5 * blotch
        colour = blend((0.56, 0.40, 0.07), (0.40, 0.022, 0.016), smooth_step(0.35, 0.95, red))
        calyx = smooth_step(0.30, 0.05, np.hypot(p[:, 0], p[:, 2]))
        colour = mix(colour, vector(0.36, 0.33, 0.08), calyx[:, None] * 0.8)
        return mix(colour, vector(0.60, 0.42, 0.20), 0.35 * dots[:, None])
    if kind == "pear":
        colour = blend((0.44, 0.44, 0.08), (0.58, 0.43, 0.09), blotch)
        blush = smooth_step(0.1, 0.9, np.sin(angle + 0.5)) * smooth_step(0.35, 0.6, blotch)
        colour = mix(colour, vector(0.52, 0.16, 0.04), 0.6 * blush[:, None])
        russet = smooth_step(0.70, 1.2, p[:, 1] + 0.4 * (blotch - 0.5)) * 0.8
        colour = mix(colour, vector(0.26, 0.15, 0.05), russet[:, None])
        return mix(colour, vector(0.20, 0.13, 0.04), 0.7 * dots[:, None])
    if kind == "orange":
        return blend((0.72, 0.22, 0.012), (0.84, 0.33, 0.02), blotch)
    if kind == "lemon":
        return blend((0.74, 0.53, 0.03), (0.86, 0.66, 0.06), blotch)
    bloom = smooth_step(0.42, 0.62, spots(noise, p, 0.16, number)) * 0.55
    return mix(blend((0.035, 0.008, 0.035), (0.09, 0.012, 0.04), blotch), vector(0.16, 0.17, 0.27), bloom[:, None])


def pottery_colour(kind, p, noise):
    """The painted bowl and the salt-glazed jug."""
    angle = np.arctan2(p[:, 2], p[:, 0])
    radius = np.hypot(p[:, 0], p[:, 2])
    cloud = spots(noise, p, 0.5, 2.0)
    if kind == "bowl":
        white = blend((0.62, 0.60, 0.54), (0.74, 0.72, 0.66), cloud)
        y = p[:, 1] + 0.02 * (cloud - 0.5)
        petals = 0.86 + 0.17 * np.abs(np.sin(angle * 7))
        band = (np.abs(y - 1.26) < 0.035) | (np.abs(y - 1.13) < 0.015) | (np.abs(y - 0.30) < 0.03)
        band |= (y < petals + 0.035) & (y > petals - 0.035)
        band |= (np.hypot((angle * 7 / np.pi % 1 - 0.5) * 0.7, y - 0.72) < 0.10) & (y > 0.5)
        blue = blend((0.02, 0.05, 0.22), (0.08, 0.15, 0.42), cloud)
        outer = p[:, 1] < 1.40
        return np.where((band & outer)[:, None], blue, white)
    grey = blend((0.20, 0.16, 0.125), (0.36, 0.31, 0.26), cloud)
    fine = noise.solid(p[:, 0] * 16, p[:, 1] * 16, p[:, 2] * 16)
    grey = grey * (0.75 + 0.5 * fine)[:, None]
    rings = (np.abs(p[:, 1] - 2.62) < 0.04) | (np.abs(p[:, 1] - 2.45) < 0.025) | (np.abs(p[:, 1] - 0.62) < 0.035)
    vine = np.abs(p[:, 1] - 1.55 - 0.28 * np.sin(angle * 4)) < 0.05
    leaf = np.hypot(
        (angle * 4 / np.pi % 1 - 0.5) * 0.9,
        p[:, 1] - 1.55 - 0.2 * np.cos(np.floor(angle * 4 / np.pi) * np.pi),
    )
    cobalt = (rings | vine | (leaf < 0.16)) & (radius > 0.9) & (radius < 1.5)
    return np.where(cobalt[:, None], blend((0.03, 0.05, 0.17), (0.08, 0.10, 0.24), fine), grey)


def book_colour(p, number, noise):
    """Leather covers with a gold line; the edges of the pages between them."""
    half = vector(1.9, 0.30, 1.35) if number == 1 else vector(1.65, 0.23, 1.2)
    leather = spots(noise, p, 0.13, number)
    cover = blend((0.16, 0.022, 0.018), (0.26, 0.045, 0.03), leather) if number == 1 else blend(
        (0.02, 0.055, 0.045), (0.04, 0.10, 0.075), leather)  # fmt: skip
    pages = (np.abs(p[:, 1]) < half[1] - 0.055) & (p[:, 0] > -half[0] + 0.1)
    sheets = 0.55 + 0.45 * hash01(np.floor(p[:, 1] * 95), number) + 0.12 * (leather - 0.5)
    colour = np.where(pages[:, None], vector(0.62, 0.52, 0.36) * sheets[:, None], cover)
    spine = p[:, 0] < -half[0] + 0.1
    gold = spine & (np.abs(np.abs(p[:, 2]) - 0.75 * half[2]) < 0.04)
    return np.where(gold[:, None], vector(0.55, 0.38, 0.12), colour)


def cloth_colour(p, noise):
    """Linen with blue stripes along the hem; threads both ways."""
    threads = 0.5 + 0.25 * np.sin(p[:, 0] * 95) + 0.25 * np.sin(p[:, 2] * 95)
    slubs = noise.clouds(p[:, 0] * 3, p[:, 2] * 40, 2) + noise.clouds(p[:, 0] * 40, p[:, 2] * 3 + 8, 2)
    linen = vector(0.66, 0.61, 0.52) * (0.62 + 0.22 * threads + 0.22 * slubs)[:, None]
    edge = np.minimum(2.9 - np.abs(p[:, 0]), 2.1 - np.abs(p[:, 2]))
    stripe = (np.abs(edge - 0.42) < 0.11) | (np.abs(edge - 0.66) < 0.035) | (np.abs(edge - 0.20) < 0.03)
    return np.where(stripe[:, None], linen * vector(0.16, 0.26, 0.52), linen)


def table_colour(p, noise):
    """Oak boards with grain, gaps and worn places."""
    board = np.floor(p[:, 2] / 2.3)
    x, z = p[:, 0] + 7.3 * board, p[:, 2]
    bend = noise.clouds(x * 0.16, z * 0.5 + 11 * board, 3)
    rings = noise.clouds(x * 0.22 + 5, z * 3.2 + 6 * bend, 3)
    fibres = noise.clouds(x * 1.1, z * 34, 3, 0.6)
    colour = blend((0.085, 0.040, 0.018), (0.27, 0.145, 0.068), 0.62 * rings + 0.38 * fibres)
    colour = colour * (0.70 + 0.5 * hash01(board, 5) + 0.3 * (noise.clouds(p[:, 0] * 0.4, z * 0.4, 4) - 0.5))[:, None]
    pores = smooth_step(0.66, 0.74, noise.flat(x * 2.2, z * 46))
    colour = colour * (1 - 0.45 * pores)[:, None]
    gap = np.abs((z / 2.3 + 0.5) % 1 - 0.5) * 2.3
    return colour * smooth_step(0.0, 0.028, gap)[:, None], fibres


def finish_of(kind, number, local, noise):
    """The finish of a body at points given in its own coordinates."""
    count = len(local)
    mirror, rough, metal = 0.04, 0.10, 0.0
    if kind in ("apple", "pear", "orange", "lemon", "grape"):
        colour = fruit_colour(kind, local, noise, number)
        rough = {"apple": 0.10, "pear": 0.22, "orange": 0.20, "lemon": 0.20, "grape": 0.14}[kind]
    elif kind in ("bowl", "jug"):
        colour, rough = pottery_colour(kind, local, noise), 0.03 if kind == "bowl" else 0.12
    elif kind == "book":
        colour, rough, mirror = book_colour(local, number, noise), 0.3, 0.03
    elif kind == "cloth":
        colour, mirror = cloth_colour(local, noise), 0.0
    elif kind == "candlestick":
        tarnish = spots(noise, local, 0.3, 5)
        colour, rough, metal = blend((0.42, 0.27, 0.10), (0.78, 0.58, 0.26), tarnish), 0.12, 1.0
    elif kind == "blade":
        colour, rough, metal = np.tile(vector(0.62, 0.62, 0.63), (count, 1)), 0.07, 1.0
    elif kind == "handle":
        grain = noise.clouds(local[:, 0] * 2, local[:, 2] * 30 + local[:, 1] * 20, 3)
        colour, rough = blend((0.06, 0.025, 0.012), (0.17, 0.08, 0.035), grain), 0.15
    elif kind == "candle":
        colour, rough = blend((0.70, 0.62, 0.46), (0.78, 0.71, 0.56), spots(noise, local, 0.4, 1)), 0.3
    elif kind == "wine":
        colour, rough = np.tile(vector(0.085, 0.004, 0.010), (count, 1)), 0.0
    else:
        colour, mirror = np.tile(vector(0.07, 0.045, 0.025), (count, 1)), 0.02
    full = np.ones(count, np.float32)
    return Finish(
        colour.astype(np.float32),
        full * np.float32(mirror),
        full * np.float32(rough),
        full * np.float32(metal),
    )


# -------------------------------------------------------------------------------------------------- the room

TABLE, WALL, SIDE = -1, -2, -3  # the numbers of the flat things, next to those of the bodies
NOTHING = -9


class Room:
    """The bodies, the table, the walls, the window, and the paths of light among them."""

    def __init__(self, seed):
        self.noise = Noise(seed)
        self.bodies = things(self.noise, np.random.default_rng(seed))
        heaps = {}
        for number, body in enumerate(self.bodies):
            heaps.setdefault(body.kind if body.kind == "grape" else number, []).append(number)
        self.heaps = [Heap(self.bodies, members) for members in heaps.values()]

    def meetings(self, origins, directions):
        """For each body the rays that pass near it: body, numbers of the rays, first and last distance."""
        for number, rays in near_things(self.heaps, self.bodies, Bundle(origins, directions)):
            body = self.bodies[number]
            towards = body.centre - origins[rays]
            along = dot(towards, directions[rays])
            half = np.sqrt(np.maximum(body.radius**2 - dot(towards, towards) + along * along, 0))
            yield number, rays, np.maximum(along - half, 0), along + half

    def trace(self, origins, directions, within=None):
        """The nearest thing on each ray; `within` tells which body a ray runs inside of, if any."""
        distance, which = self.flat_things(origins, directions)
        for number, rays, start, end in self.meetings(origins, directions):
            inner = np.zeros(len(rays), bool) if within is None else within[rays] == number
            end = np.minimum(end, distance[rays])
            for inside in (False, True):
                mine = np.flatnonzero((inner == inside) & (start < end))
                if not len(mine):
                    continue
                chosen = rays[mine]
                found = self.bodies[number].march(origins[chosen], directions[chosen], start[mine], end[mine], inside)
                nearer = found < distance[chosen]
                distance[chosen[nearer]] = found[nearer]
                which[chosen[nearer]] = number
        return distance, which

    def flat_things(self, origins, directions):
        """The table, the wall behind it and the wall with the window."""
        distance = np.full(len(directions), FAR, np.float32)
        which = np.full(len(directions), NOTHING, np.int32)
        for axis, offset, number in ((1, 0.0, TABLE), (2, WALL_Z, WALL), (0, WINDOW_X, SIDE)):
            speed = directions[:, axis]
            reach = (offset - origins[:, axis]) / np.where(np.abs(speed) < 1e-6, 1e-6, speed)
            hit = (reach > 1e-3) & (reach < distance)
            if number == TABLE:
                hit &= (directions[:, 1] < 0) & (origins[:, 2] + reach * directions[:, 2] > -5.0)
            distance[hit], which[hit] = reach[hit], number
        return distance, which

    def open_way(self, origins, directions, limit):
        """The share of light that gets along the rays: none past solid things, some through glass."""
        share = np.ones((len(directions), 3), np.float32)
        for number, rays, start, end in self.meetings(origins, directions):
            body = self.bodies[number]
            still = (share[rays, 0] > 0) & (start < limit[rays])
            if body.kind == "wine" or not still.any():
                continue
            rays = rays[still]
            hit = rays[body.march(origins[rays], directions[rays], start[still], end[still]) < FAR]
            share[hit] = share[hit] * vector(0.62, 0.58, 0.56) if body.kind == "goblet" else 0
        return share

    def direct(self, points, normals, chance):
        """Light that comes straight from the sun and from the sky in the window."""
        sun = unit(SUN + 0.012 * (chance[:, 2:5] - 0.5))
        facing = np.maximum(dot(normals, sun), 0)
        light = np.zeros_like(points)
        reach = (WINDOW_X - points[:, 0]) / sun[:, 0]
        lit = np.flatnonzero((facing > 0) & window_pane(points + reach[:, None] * sun))
        share = self.open_way(points[lit], sun[lit], reach[lit])
        light[lit] = SUNLIGHT * facing[lit, None] * share / np.pi
        low, high, near, far = WINDOW
        target = np.stack(
            [np.full(len(points), WINDOW_X), mix(low, high, chance[:, 0]), mix(near, far, chance[:, 1])], -1
        )
        towards = (target - points).astype(np.float32)
        length = np.sqrt(dot(towards, towards))
        towards /= length[:, None]
        weight = np.maximum(dot(normals, towards), 0) * -towards[:, 0] * (high - low) * (far - near) / length**2 / np.pi
        seen = np.flatnonzero((weight > 1e-5) & window_pane(target))
        share = self.open_way(points[seen], towards[seen], length[seen])
        light[seen] += SKYLIGHT * weight[seen, None] * share / 1.0
        return light

    def surface(self, points, which):
        """Normals and finish where rays have ended."""
        count = len(points)
        normals = np.zeros((count, 3), np.float32)
        finish = Finish(np.zeros((count, 3), np.float32), *(np.zeros(count, np.float32) for _ in range(3)))
        for number in np.unique(which):
            mine = np.flatnonzero(which == number)
            if number >= 0:
                body = self.bodies[number]
                part = finish_of(body.kind, body.number, body.local(points[mine]), self.noise)
                normals[mine] = self.bumps(body, points[mine], body.normal(points[mine]))
            else:
                part, normals[mine] = self.flat_surface(number, points[mine])
            for name in ("colour", "mirror", "rough", "metal"):
                getattr(finish, name)[mine] = getattr(part, name)
        return normals, finish

    def flat_surface(self, number, points):
        """The finish and normal of table and walls."""
        full = np.ones(len(points), np.float32)
        if number == TABLE:
            colour, fibres = table_colour(points, self.noise)
            normal = unit(np.stack([0 * full, full, 0.10 * (fibres - 0.5)], -1))
            return Finish(colour, 0.035 * full, 0.10 + 0.22 * fibres, 0 * full), normal
        u = points[:, 0] if number == WALL else points[:, 2]
        cloud = self.noise.clouds(u * 0.35 + 3, points[:, 1] * 0.35, 5, 0.55)
        grit = self.noise.clouds(u * 4, points[:, 1] * 4, 4, 0.7)
        colour = blend((0.20, 0.19, 0.155), (0.36, 0.33, 0.27), cloud) * (0.75 + 0.5 * grit)[:, None]
        slope_u = self.noise.clouds(u * 4 + 0.1, points[:, 1] * 4, 4, 0.7) - grit
        slope_v = self.noise.clouds(u * 4, points[:, 1] * 4 + 0.1, 4, 0.7) - grit
        normal = np.stack([-1.2 * slope_u, -1.2 * slope_v, -full], -1)
        if number == SIDE:
            normal = np.stack([full, -1.2 * slope_v, -1.2 * slope_u], -1)
        return Finish(colour, 0 * full, full, 0 * full), unit(normal)

    def bumps(self, body, points, normals):
        """Pores of oranges and lemons, dimples of pears, threads of the cloth."""
        size, depth = BUMPS.get(body.kind, (1, 0))
        if not depth:
            return normals
        p = points / size
        parts = [self.noise.solid(p[:, 0] + 7 * k, p[:, 1] + 3 * k, p[:, 2]) - 0.5 for k in range(3)]
        return unit(normals + depth * np.stack(parts, -1))

    def follow(self, origins, directions, chance):
        """The light that comes back along the rays; colour, normal and distance of what they meet first."""
        count = len(directions)
        light, seen = np.zeros((count, 3), np.float32), np.zeros((count, 7), np.float32)
        rays = Rays(
            np.arange(count), origins, directions, np.ones((count, 3), np.float32),
            np.full(count, -1, np.int32), np.ones(count, bool), np.zeros(count, np.int8),
        )  # fmt: skip
        for bounce in range(9):
            rays, points, which, distance = self.meet(rays, light)
            if not len(rays.pixel):
                break
            normals, finish = self.surface(points, which)
            normals = np.where((dot(normals, rays.directions) > 0)[:, None], -normals, normals)
            glass = self.is_glass(which)
            if bounce == 0:
                pattern = np.where((glass | (finish.metal > 0))[:, None], 0.5, finish.colour)
                seen[rays.pixel] = np.concatenate([pattern, normals, distance[:, None]], 1)
            dice = (chance[rays.pixel] + hash01(rays.pixel, bounce * 7 + 1)[:, None] * (bounce > 0)) % 1
            gloss = finish.gloss(-dot(rays.directions, normals))
            plain = np.flatnonzero(~glass)
            lamp = self.direct((points + 0.012 * normals)[plain], normals[plain], dice[plain])
            lamp = lamp + ROOM * (rays.scattered[plain] > 0)[:, None]  # stands for all later bounces
            matt = (rays.weight * finish.colour * (1 - gloss)[:, None])[plain]
            # The limit keeps single paths of rare luck from leaving bright dots.
            light[rays.pixel[plain]] += np.minimum(matt * lamp, 4)
            onward = reflect(rays, points, normals, finish, gloss, dice)
            if glass.any():
                onward = merge(glass, refract(rays, points, normals, which, dice[:, 5]), onward)
            rays = onward.some(np.flatnonzero((onward.scattered < 2) & (onward.weight.max(1) > 0.01)))
        return light, seen

    def meet(self, rays, light):
        """Find what the rays meet; those that leave or reach the window end there and give their light."""
        distance, which = self.trace(rays.origins, rays.directions, rays.within)
        points = rays.origins + distance[:, None] * rays.directions
        leaving = which == NOTHING
        light[rays.pixel[leaving]] += rays.weight[leaving] * ROOM
        pane = (which == SIDE) & window_pane(points)
        bright = pane & rays.sharp  # for scattered rays the window has been counted in `direct`
        light[rays.pixel[bright]] += rays.weight[bright] * SKYLIGHT * 0.7
        on = np.flatnonzero(~leaving & ~pane)
        return rays.some(on), points[on], which[on], distance[on]

    def is_glass(self, which):
        """Which of the things hit are of clear glass."""
        kinds = np.array([body.kind == "goblet" for body in self.bodies])
        return (which >= 0) & kinds[np.maximum(which, 0)]


@dataclass
class Rays:
    """Rays under way."""

    pixel: np.ndarray  # where their light will be seen
    origins: np.ndarray
    directions: np.ndarray
    weight: np.ndarray  # the share of their light that reaches the camera, per colour
    within: np.ndarray  # the number of the glass body they run inside of, or -1
    sharp: np.ndarray  # whether they have only been mirrored or refracted so far, never scattered
    scattered: np.ndarray  # how often they have been scattered

    def some(self, which):
        """Some of the rays only."""
        return Rays(*(values[which] for values in vars(self).values()))


def merge(choice, first, second):
    """The rays of `first` where the choice is true, else those of `second`."""
    parts = []
    for a, b in zip(vars(first).values(), vars(second).values(), strict=True):
        parts.append(np.where(choice[:, None] if a.ndim > 1 else choice, a, b))
    return Rays(*parts)


def reflect(rays, points, normals, finish, gloss, dice):
    """Send each ray on in one direction, by chance either mirrored or scattered."""
    odds = np.clip(np.maximum(gloss, 0.25 * (gloss > 0)), 0, 1)
    mirrored = dice[:, 5] < odds
    bounced = rays.directions - 2 * dot(rays.directions, normals)[:, None] * normals
    blurred = unit(bounced + finish.rough[:, None] * 0.9 * (dice[:, 6:9] - 0.5))
    spread = hemisphere(normals, dice[:, 6], dice[:, 7])
    # What is chosen rarely counts the more when it is chosen.
    share = np.where(mirrored, gloss / np.maximum(odds, 1e-3), (1 - gloss) / np.maximum(1 - odds, 1e-3))
    tint = np.where(((finish.metal > 0) | ~mirrored)[:, None], finish.colour, 1.0)
    return Rays(
        rays.pixel, (points + 0.012 * normals).astype(np.float32),
        np.where(mirrored[:, None], blurred, spread).astype(np.float32),
        (rays.weight * share[:, None] * tint).astype(np.float32),
        rays.within, mirrored, rays.scattered + ~mirrored,
    )  # fmt: skip


def refract(rays, points, normals, which, dice):
    """Send the rays through a surface of glass or, by chance and Fresnel's law, back from it."""
    inside = rays.within == which
    facing = np.clip(-dot(rays.directions, normals), 0, 1)
    ratio = np.where(inside, GLASS, 1 / GLASS).astype(np.float32)
    under = 1 - ratio**2 * (1 - facing**2)
    steep = np.sqrt(np.maximum(under, 0))
    fresnel = np.where(under < 0, 1.0, 0.04 + 0.96 * (1 - np.where(inside, steep, facing)) ** 5)
    back = dice < fresnel
    bent = ratio[:, None] * rays.directions + (ratio * facing - steep)[:, None] * normals
    bounced = rays.directions + 2 * facing[:, None] * normals
    onward = unit(np.where(back[:, None], bounced, bent)).astype(np.float32)
    start = points + np.where(back, 0.006, -0.006)[:, None] * normals
    within = np.where(back, rays.within, np.where(inside, -1, which))
    return Rays(
        rays.pixel, start.astype(np.float32), onward, rays.weight * vector(0.985, 0.99, 0.985),
        within, rays.sharp, rays.scattered,
    )  # fmt: skip


def window_pane(points):
    """Whether points in the wall on the left lie in the glass of the window and not on its bars."""
    low, high, near, far = WINDOW
    y, z = points[:, 1], points[:, 2]
    inside = (y > low) & (y < high) & (z > near) & (z < far)
    bars = np.abs(z - (near + far) / 2) < 0.28
    for part in (1, 2):
        bars |= np.abs(y - mix(low, high, part / 3)) < 0.18
    return inside & ~bars


def paint(width=768, height=576, seed=29, exposures=20):
    """The still life."""
    room = Room(seed)
    camera = Camera((0.6, 4.6, -15.0), (0.75, 1.75, 0), 33, width, height)
    pixel = np.arange(width * height)
    first = np.stack([hash01(pixel, 50 + k) for k in range(9)], -1)
    # The generalised golden ratio in nine dimensions: each exposure looks where the others have not.
    golden = np.float32(1.0) / vector(*[1.0757661] * 9) ** np.arange(1, 10, dtype=np.float32)
    total, squares, guide = 0, 0, 0
    for exposure in range(exposures):
        directions = camera.rays(*(SPREAD * (exposure + 1) % 1))
        origins = np.broadcast_to(camera.position, directions.shape)
        chance = ((first + golden * exposure) % 1).astype(np.float32)
        light, seen = room.follow(origins, directions, chance)
        total, guide = total + light, guide + seen
        squares = squares + light.mean(1) ** 2
    light, guide = total / exposures, guide / exposures
    doubt = np.maximum(squares / exposures - light.mean(1) ** 2, 0) / exposures
    light = without_noise(*(part.reshape(height, width, -1) for part in (light, guide, doubt)))
    return develop(light, 0.9, seed, grain=0.009, vignette=0.35)


def without_noise(light, guide, doubt):
    """Smooth the light of each surface but not its pattern, nor across edges and the rims of shadows.

    `guide` holds colour, normal and distance of what is seen; `doubt` says how uncertain the light is.
    """
    colour = guide[..., :3] + 0.02
    light = light / colour
    doubt = doubt / colour.mean(-1, keepdims=True) ** 2
    scale = vector(6, 6, 6, 5, 5, 5, 1.2)
    guide = guide * scale
    for level in range(4):
        spread = 3.0 * np.sqrt(blur(doubt, 1.2)) + 0.01
        total, weights, doubts = 0, 0, 0
        for step_y in range(-2, 3):
            for step_x in range(-2, 3):
                shift = (step_y * 2**level, step_x * 2**level)
                there, there_guide = np.roll(light, shift, (0, 1)), np.roll(guide, shift, (0, 1))
                brightness = np.abs((there - light).mean(-1, keepdims=True)) / spread
                unlike = ((there_guide - guide) ** 2).sum(-1, keepdims=True)
                weight = np.exp(-brightness - unlike - 0.25 * (step_x**2 + step_y**2))
                total, weights = total + weight * there, weights + weight
                doubts = doubts + weight**2 * np.roll(doubt, shift, (0, 1))
        light, doubt = total / weights, doubts / weights**2
    return light * colour


if __name__ == "__main__":
    paint().save("still_life.jpg", quality=90)
