"""A mountain valley with a lake: a landscape of heights, looked at column by column, with trees and grass."""

from functools import cached_property
from itertools import pairwise

import numpy as np
from scenes import (
    FAR,
    SPREAD,
    Camera,
    Model,
    Noise,
    Sky,
    between,
    box,
    develop,
    dot,
    gather,
    hash01,
    leaves_of,
    look_up,
    mix,
    prism,
    shade_from,
    smooth_step,
    splat,
    unit,
    vector,
)

SUN = unit(vector(-0.80, 0.50, 0.16))
SUNLIGHT = vector(3.7, 3.0, 2.1)
SKYLIGHT = vector(0.42, 0.58, 0.90)
HAZE = vector(0.52, 0.66, 0.86)
EYE_ABOVE_GROUND = 3.2
HUT = (15.5, 44.0)  # x and z of the hut on the meadow
NEAREST, FURTHEST = 3.0, 17000.0
LAKE_BEGINS = 260.0  # nearer than this, nothing is mirrored in the lake


class Land:
    """The height of the ground at every place, and what grows there."""

    def __init__(self, seed):
        self.noise = Noise(seed)
        self.eye = float(self.height(vector(0), vector(0))[0]) + EYE_ABOVE_GROUND

    def ridges(self, x, z, octaves):
        """Mountain relief: noise folded at its middle, so that it forms sharp ridges and gullies."""
        total, weight, carry = 0, 0.5, 1.0
        for _ in range(octaves):
            fold = 1 - np.abs(2 * self.noise.flat(x, z) - 1)
            fold = fold * fold
            total = total + weight * fold * carry
            carry = np.clip(fold * 1.6, 0, 1)  # ridges grow rough, valley floors stay smooth
            weight *= 0.43
            x, z = 1.6 * x + 1.2 * z + 11.3, -1.2 * x + 1.6 * z + 7.7
        return total

    def height(self, x, z, octaves=11):
        """Metres above the lake."""
        noise = self.noise
        axis = 420 * np.sin(z / 2600 + 0.35) + 60
        aside = np.abs(x - axis) + 260 * (noise.clouds(x / 900 + 3, z / 900, 3) - 0.5)
        side = np.where(x < axis, 1.0, 0.88)
        walls = smooth_step(520, 4200, aside) * 1500 * side
        end = smooth_step(6200, 11500, z) * 1500
        bend_x = x + 300 * (noise.clouds(x / 1500, z / 1500 + 9, 2) - 0.5)
        bend_z = z + 300 * (noise.clouds(x / 1500 + 31, z / 1500, 2) - 0.5)
        relief = self.ridges(bend_x / 2300 + 1.7, bend_z / 2300 + 4.1, octaves)
        rocky = smooth_step(300, 1700, aside + smooth_step(5200, 8500, z) * 1600)
        mountains = walls * (0.42 + 0.72 * relief) + end * (0.36 + 0.9 * relief) + 480 * rocky * relief
        bed = -14 + 16 * smooth_step(380, 680, aside) + 20 * smooth_step(4200, 5600, z)
        valley = bed + mountains + 22 * smooth_step(350, 900, aside) * noise.clouds(x / 140, z / 140, 5)
        hill = 64 - 0.07 * x + 7 * (noise.clouds(x / 60 + 5, z / 60, 4) - 0.5)
        fall = 1 - smooth_step(15, 300, z + 30 * (noise.flat(x / 70, z / 70) - 0.5) + 0.15 * np.abs(x))
        return valley + (hill - valley) * fall * (z < 400)

    def forest(self, x, z, height, flat):
        """How densely trees stand: on the lower slopes, not on steep rock, with clearings."""
        patches = self.noise.clouds(x / 260 + 40, z / 260, 5)
        edge = 640 + 420 * (self.noise.clouds(x / 500, z / 500 + 70, 4) - 0.5)
        dense = smooth_step(0.40, 0.52, patches) * smooth_step(edge + 60, edge - 120, height)
        return dense * smooth_step(0.50, 0.68, flat) * smooth_step(2.0, 6.0, height)


def path_distance(x, z):
    """How far a place is from the middle of the path that winds down the meadow."""
    return np.abs(x - path_middle(z))


def path_middle(z):
    """Where the path is, at a distance z."""
    return -1.5 + 0.11 * z + 3.2 * np.sin(z / 13.0) + 1.2 * np.sin(z / 5.1)


def worn_short(x, z):
    """How much the grass is left alone: 0 in the ruts of the path, some between them, 1 away from it."""
    away = path_distance(x, z)
    return mix(0.35 * smooth_step(0.42, 0.1, away), 1.0, smooth_step(0.85, 1.7, away))


class Ground:
    """The land as the camera sees it: columns of the picture by distances, with the light on it."""

    def __init__(self, land, camera):
        self.camera, self.land = camera, land
        self.columns = int(camera.width * 2.2)
        self.edge = camera.width / 2 / camera.focal * 1.02
        self.tangents = np.linspace(-self.edge, self.edge, self.columns, dtype=np.float32)
        self.depths = np.geomspace(NEAREST, FURTHEST, 3000).astype(np.float32)
        z = np.broadcast_to(self.depths[:, None], (len(self.depths), self.columns))
        x = z * self.tangents[None]
        self.heights = land.height(x, z)
        self.wet = self.heights < 0
        self.slopes = (self.heights - land.eye) / z
        self.horizon = np.maximum.accumulate(self.slopes, 0)
        # In the lake's mirror only the far side can be seen, from a point as deep below as the eye is above.
        mirrored = np.where((z > LAKE_BEGINS) & ~self.wet, (self.heights + land.eye) / z, -1)
        self.mirror_horizon = np.maximum.accumulate(mirrored, 0)
        self.x, self.z = x, z

    def visible(self, x, z, top):
        """Whether something reaching up to the height `top` can be seen over the land before it."""
        column = np.clip(np.round((x / z / self.edge + 1) / 2 * (self.columns - 1)), 0, self.columns - 1)
        row = np.clip(np.searchsorted(self.depths, z) - 1, 0, len(self.depths) - 1)
        return (top - self.land.eye) / z > self.horizon[row, column.astype(int)]

    def paint(self, light_passing):
        """Compute the colour of every piece of ground; `light_passing` is the shade of the trees."""
        x, z, height, land = self.x.ravel(), self.z.ravel(), self.heights.ravel(), self.land
        step = np.maximum(0.0022 * z, 0.05)
        slope_x = (land.height(x + step, z) - height) / step
        slope_z = (land.height(x, z + step) - height) / step
        normal = unit(np.stack([-slope_x, np.ones_like(x), -slope_z], -1))
        colour = ground_colour(land, x, z, height, normal)
        points = np.stack([x, height, z], -1)
        sun = np.maximum(normal @ SUN, 0) * self.sunshine(points) * light_passing(points)
        sky_share = 0.55 + 0.45 * normal[:, 1]
        light = colour * (SUNLIGHT * sun[:, None] + SKYLIGHT * sky_share[:, None] + 0.04)
        self.light = hazy(light, z, height).reshape(*self.heights.shape, 3)

    @cached_property
    def map(self):
        """The heights of the whole country, on a coarse square grid, for the shadows of the mountains."""
        span = np.arange(-9000, 16000, 16, dtype=np.float32)
        return self.land.height(span[None, :], span[:, None], 8)

    def sunshine(self, points):
        """The share of sun that mountains and clouds let through to the points."""
        open_share = np.ones(len(points), np.float32)
        for distance in np.geomspace(25, 7000, 44):
            place = points + np.float32(distance) * SUN
            column = np.clip(((place[:, 0] + 9000) / 16).astype(np.int32), 0, self.map.shape[1] - 1)
            row = np.clip(((place[:, 2] + 9000) / 16).astype(np.int32), 0, self.map.shape[0] - 1)
            gap = (place[:, 1] - self.map[row, column] + 6) / np.float32(distance)
            np.minimum(open_share, np.clip(0.5 + gap * 18, 0, 1), out=open_share)
        above = points + SUN * ((2600 - points[:, 1]) / SUN[1])[:, None]
        clouds = self.land.noise.clouds(above[:, 0] / 2600 + 1.3, above[:, 2] / 2600 + 0.4, 4)
        return open_share * mix(1.0, 0.22, smooth_step(0.52, 0.64, clouds) * smooth_step(150, 900, points[:, 2]))

    def view(self, pixel_x, pixel_y, mirror=False):
        """Colour and depth of the ground in the pixels (depth FAR where there is sky)."""
        count = len(pixel_x)
        horizon = self.mirror_horizon if mirror else self.horizon
        tangent = (pixel_x - self.camera.width / 2) / self.camera.focal
        column = np.clip(np.round((tangent / self.edge + 1) / 2 * (self.columns - 1)), 0, self.columns - 1)
        column = column.astype(np.int32)
        slope = (self.camera.middle - pixel_y) / self.camera.focal
        row = np.zeros(count, np.int64)
        order = np.argsort(column, kind="stable")
        starts = np.searchsorted(column[order], np.arange(self.columns + 1))
        for number in range(self.columns):
            mine = order[starts[number] : starts[number + 1]]
            if len(mine):
                row[mine] = np.searchsorted(horizon[:, number], slope[mine])
        sky = row >= len(self.depths)
        row = np.minimum(row, len(self.depths) - 1)
        depth = np.where(sky, FAR, self.depths[row])
        return self.light[row, column], depth, ~sky & self.wet[row, column]


def ground_colour(land, x, z, height, normal):
    """Meadow, forest floor, rock, scree and snow, by height and steepness."""
    noise = land.noise
    flat = normal[:, 1]
    broad = noise.clouds(x / 45, z / 45 + 3, 5)
    fine = noise.clouds(x / 1.7, z / 1.7, 4, 0.6)
    strata = noise.clouds(x / 300 + height / 25, height / 18, 4, 0.6)
    meadow = mix(vector(0.075, 0.125, 0.028), vector(0.17, 0.19, 0.055), broad[:, None])
    meadow = meadow * (0.6 + 0.8 * fine)[:, None]
    alpine = mix(meadow, vector(0.16, 0.15, 0.075), smooth_step(500, 1100, height)[:, None])
    woods = land.forest(x, z, height, flat)
    canopy = noise.clouds(x / 9, z / 9, 3, 0.7)
    forest = mix(vector(0.018, 0.036, 0.014), vector(0.055, 0.085, 0.025), canopy[:, None])
    colour = mix(alpine, forest, (woods * smooth_step(120, 500, z))[:, None])
    rock = vector(0.27, 0.25, 0.235) * (0.5 + 0.9 * strata * (0.6 + 0.8 * noise.clouds(x / 22, z / 22, 5)))[:, None]
    bare = smooth_step(0.80, 0.62, flat + 0.22 * (broad - 0.5) - smooth_step(700, 1500, height) * 0.16)
    colour = mix(colour, rock, bare[:, None])
    snow_line = 1230 + 520 * (noise.clouds(x / 420, z / 420 + 19, 4) - 0.5)
    snow = smooth_step(snow_line - 80, snow_line + 160, height) * smooth_step(0.50, 0.70, flat + 0.1 * (fine - 0.5))
    colour = mix(colour, vector(0.86, 0.88, 0.92), snow[:, None])
    shore = smooth_step(5.0, 0.5, height) * (z > 200)
    colour = mix(colour, vector(0.30, 0.27, 0.21), shore[:, None] * 0.8)
    rut = np.abs(path_distance(x, z) - 0.55) + 1.1 * (fine - 0.5) + 0.5 * (broad - 0.5)
    worn = smooth_step(0.50, 0.22, rut) * (z < 260)
    pebbles = noise.clouds(x / 0.12, z / 0.25, 3, 0.7)
    earth = vector(0.23, 0.175, 0.115) * (0.35 + 0.8 * fine + 0.6 * pebbles)[:, None]
    return mix(colour, earth, worn[:, None])


def hazy(light, distance, height):
    """Aerial perspective: the further, the paler and bluer; more so down in the valley."""
    thick = distance * np.exp(-np.maximum(height, 0) / 2600)
    loss = np.exp(-thick[:, None] * vector(0.75, 1.0, 1.45) / 20000)
    return light * loss + HAZE * 0.95 * (1 - loss)


# --------------------------------------------------------------------------------------------------- plants


def spruces(generator, x, foot, z, tall, count):
    """Conifers, each of `count` twigs: tiers of drooping branches around a tip."""
    trees = len(x)
    up = generator.random((trees, count)) ** 1.35
    turn = generator.uniform(0, 2 * np.pi, (trees, count))
    tiers = generator.uniform(11, 16, (trees, 1))
    tier = 0.52 + 0.48 * (1 - (up * tiers + generator.random((trees, 1))) % 1)
    lobes = 1 + 0.30 * np.sin(turn * generator.integers(5, 9, (trees, 1)) + np.floor(up * tiers) * 2.4)
    radius = tall[:, None] * generator.uniform(0.17, 0.23, (trees, 1)) * (1 - up) ** 0.9 * tier * lobes
    radius = radius * np.sqrt(generator.uniform(0.25, 1, (trees, count))) + 0.01 * tall[:, None]
    points = np.stack([
        x[:, None] + radius * np.cos(turn),
        foot[:, None] + tall[:, None] * (0.06 + 0.94 * up) - 0.18 * radius,
        z[:, None] + radius * np.sin(turn),
    ], -1).reshape(-1, 3)  # fmt: skip
    outwards = np.stack([np.cos(turn), np.full_like(turn, 0.55), np.sin(turn)], -1).reshape(-1, 3)
    normals = unit(outwards + 0.45 * generator.standard_normal(points.shape))
    size = np.sqrt(0.13 * tall[:, None] ** 2 / count) * generator.uniform(0.8, 1.3, (trees, count))
    warm = generator.random((trees, 1, 1)) ** 2
    green = mix(np.array([0.026, 0.056, 0.022]), np.array([0.075, 0.098, 0.028]), warm)
    colours = green * generator.uniform(0.6, 1.4, (trees, count, 1))
    droop = np.where(np.cos(turn) > 0, -0.5, 0.5 + np.pi) + generator.normal(0, 0.35, turn.shape)
    return leaves_of(points, normals, size.ravel(), colours.reshape(-1, 3), 0.45, 0.6, droop.ravel())


def forest(generator, land, ground):
    """Trees over the whole valley: many twigs for the near ones, few for the far ones."""
    count = 42000
    z = np.exp(generator.uniform(np.log(75), np.log(4200), count)).astype(np.float32)
    x = (generator.uniform(-1, 1, count) * ground.edge * 1.03 * z).astype(np.float32)
    foot = land.height(x, z)
    flat = 1 / np.sqrt(1 + ((land.height(x + 8, z) - foot) / 8) ** 2 + ((land.height(x, z + 8) - foot) / 8) ** 2)
    tall = generator.uniform(13, 24, count) * mix(1.0, 0.55, smooth_step(400, 900, foot))
    wanted = land.forest(x, z, foot, flat)
    # A few single trees and groups on the meadow, away from the view on lake and hut.
    lonely = (generator.random(count) < 0.012) & (foot > 3) & (z < 420) & (np.abs(x - 0.04 * z) > 0.16 * z)
    stands = (generator.random(count) < wanted) & (z > 230) | lonely
    stands &= ~((np.abs(x - HUT[0]) < 12) & (np.abs(z - HUT[1]) < 40))
    stands &= ground.visible(x, z, foot + tall)
    parts = []
    pixels = tall * ground.camera.focal / z
    for low, high, twigs in (
        (0, 7, 14),
        (7, 12, 36),
        (12, 22, 90),
        (22, 45, 300),
        (45, 90, 1300),
        (90, 999, 4200),
    ):
        mine = stands & (pixels >= low) & (pixels < high)
        if mine.any():
            parts.append(spruces(generator, x[mine], foot[mine], z[mine], tall[mine], twigs))
    # Trees left of the picture, which only throw their shadows into it.
    x, z = vector(-15.0, -20.0, -27.0, -33.0), vector(13.0, 20.0, 31.0, 34.0)
    parts.append(spruces(generator, x, land.height(x, z), z, vector(13, 17, 16, 19), 2600))
    return gather(parts)


def meadow(generator, land, ground):
    """Grass blades and flowers between the camera and the edge of the slope."""
    count = 130000
    z = np.exp(generator.uniform(np.log(4.2), np.log(75), count)).astype(np.float32)
    x = (generator.uniform(-1, 1, count) * ground.edge * 1.05 * z).astype(np.float32)
    tufts = land.noise.clouds(x / 0.9, z / 0.9, 3)
    keep = generator.random(count) < smooth_step(0.25, 0.5, tufts) * worn_short(x, z)
    x, z, tufts = x[keep], z[keep], tufts[keep]
    foot = land.height(x, z)
    tall = generator.uniform(0.18, 0.5, len(x)) * (0.45 + tufts) * (1 + z / 90) * worn_short(x, z) ** 0.7
    lean = generator.normal(0, 0.30, (len(x), 2)) + np.array([0.12, 0])
    dry = (generator.random((len(x), 1)) < 0.30) * generator.uniform(0.3, 1, (len(x), 1))
    colour = mix(np.array([0.052, 0.088, 0.024]), np.array([0.24, 0.20, 0.10]), dry)
    colour = (
        colour * generator.uniform(0.6, 1.5, (len(x), 1)) * (0.75 + 0.5 * land.noise.clouds(x / 6, z / 6, 3))[:, None]
    )
    parts = []
    pieces = 3
    for piece in range(pieces):  # each blade bends over, piece by piece
        up = (piece + 0.5) / pieces
        points = np.stack([x + lean[:, 0] * tall * up**2, foot + tall * up, z + lean[:, 1] * tall * up**2], -1)
        turns = np.pi / 2 - np.arctan(2 * lean[:, 0] * up)
        normals = unit(np.stack([lean[:, 0], np.full(len(x), 0.6), lean[:, 1] - 0.35], -1)
                       + 0.35 * generator.standard_normal((len(x), 3)))  # fmt: skip
        parts.append(leaves_of(points, normals, tall / pieces * 0.75, colour * (0.35 + 0.85 * up), 0.085, 0, turns))
    parts.append(flowers(generator, land, ground))
    return gather(parts)


def flowers(generator, land, ground):
    """White, yellow, blue and red blossoms in patches."""
    parts = []
    kinds = [((0.72, 0.71, 0.66), 0.022, 0), ((0.72, 0.50, 0.03), 0.019, 40), ((0.17, 0.12, 0.42), 0.021, 80),
             ((0.55, 0.04, 0.03), 0.032, 120), ((0.55, 0.22, 0.38), 0.020, 160)]  # fmt: skip
    for colour, size, salt in kinds:
        count = 15000
        z = np.exp(generator.uniform(np.log(4.5), np.log(70), count)).astype(np.float32)
        x = (generator.uniform(-1, 1, count) * ground.edge * 1.05 * z).astype(np.float32)
        patch = land.noise.clouds(x / 4.5 + salt, z / 4.5 + salt, 3)
        keep = generator.random(count) < 0.38 * smooth_step(0.50, 0.74, patch)
        keep &= path_distance(x, z) > 1.2
        x, z = x[keep], z[keep]
        tall = generator.uniform(0.25, 0.5, len(x)) * (1 + z / 90)
        points = np.stack([x, land.height(x, z) + tall, z], -1)
        normals = unit(np.array([-0.2, 0.8, -0.4]) + 0.4 * generator.standard_normal((len(x), 3)))
        colours = np.asarray(colour) * generator.uniform(0.7, 1.15, (len(x), 1))
        sizes = size * (1 + z / 60) * generator.uniform(0.7, 1.3, len(x))
        turns = generator.normal(0, 0.3, len(x))
        parts.append(leaves_of(points, normals, sizes, colours, 0.75, 0.5, turns))
    return gather(parts)


# ------------------------------------------------------------------------------------------------------ hut


def hut(land):
    """A wooden hut on stone footings, with a shingle roof and a chimney."""
    x, z = HUT
    foot = float(land.height(vector(x), vector(z))[0]) - 0.8
    solids = [
        box(x - 3.4, x + 3.4, foot - 2, foot + 1.3, z - 2.7, z + 2.7, "stone"),
        prism([(foot + 1.3, z - 2.6), (foot + 3.6, z - 2.6), (foot + 5.5, z), (foot + 3.6, z + 2.6),
               (foot + 1.3, z + 2.6)], 0, x - 3.3, x + 3.3, "logs"),
        box(x + 1.4, x + 2.0, foot + 4, foot + 6.4, z + 0.3, z + 0.9, "stone"),
    ]  # fmt: skip
    for edge in (z - 3.5, z + 3.5):
        profile = [(foot + 2.95, edge), (foot + 5.5, z), (foot + 5.78, z), (foot + 3.15, edge)]
        solids.append(prism(profile, 0, x - 4.1, x + 4.1, "shingles"))
    return solids


def fence(land):
    """A weathered fence of posts and two rails along the right side of the path."""
    solids, tops = [], []
    for z in np.arange(9.0, 41.0, 2.7):
        x = float(path_middle(z)) + 2.6
        ground = float(land.height(vector(x), vector(z))[0])
        lean = 0.07 * np.sin(5 * z)
        corners = [(-0.07, -0.06), (0.07, -0.06), (0.07, 0.06), (-0.07, 0.06)]
        low = [(x + a, ground - 0.3, z + b) for a, b in corners]
        high = [(x + a + lean, ground + 1.15 + 0.1 * np.sin(7 * z), z + b) for a, b in corners]
        solids.append(between(low, high, "posts"))
        tops.append((x, ground, z))
    for start, end in pairwise(tops):
        for height in (0.5, 0.92):
            ends = []
            for (x, y, z), sag in ((start, 0.03), (end, -0.03)):
                y = y + height + sag
                ends.append(
                    [
                        (x - 0.03, y - 0.06, z),
                        (x + 0.03, y - 0.06, z),
                        (x + 0.03, y + 0.06, z),
                        (x - 0.03, y + 0.06, z),
                    ]
                )
            solids.append(between(*ends, "posts"))
    return solids


def hut_colour(solid, point, normal, noise):
    """Stone, sun-burnt logs with a door and windows, grey shingles."""
    x, y, z = point[:, 0], point[:, 1], point[:, 2]
    rough = noise.clouds(x * 3 + z * 3, y * 3, 4, 0.6)
    if solid.material == "shingles":
        row = np.floor(z * 4)
        shingle = hash01(row, np.floor(x * 5 + 0.5 * row))
        return (
            vector(0.15, 0.125, 0.105)
            * ((0.45 + 0.7 * shingle + 0.5 * rough) * (0.55 + 0.45 * smooth_step(0, 0.4, z * 4 % 1)))[:, None]
        )
    if solid.material == "posts":
        return vector(0.23, 0.205, 0.175) * (0.35 + 1.1 * noise.clouds(x * 9 + z * 2, y * 9, 4, 0.6))[:, None]
    if solid.material == "stone":
        stone = hash01(np.floor(x * 2.2 + np.floor(y * 3) * 0.5), np.floor(y * 3), np.floor(z * 2.2))
        return vector(0.24, 0.225, 0.205) * (0.4 + 0.5 * stone + 0.6 * rough)[:, None]
    base = solid.centre[1] - 2.1
    along = np.where(np.abs(normal[:, 0]) > 0.7, z - HUT[1], x - HUT[0])
    groove = smooth_step(0.0, 0.06, np.minimum((y * 4) % 1, 1 - (y * 4) % 1))
    wood = mix(vector(0.15, 0.075, 0.035), vector(0.27, 0.15, 0.07), rough[:, None]) * (0.35 + 0.65 * groove)[:, None]
    for centre in (-1.9, 1.5):
        a, b = np.abs(along - centre), y - base
        frame = (a < 0.62) & (b > 0.45) & (b < 1.75)
        pane = (a < 0.5) & (b > 0.57) & (b < 1.63) & (a > 0.04) & (np.abs(b - 1.1) > 0.03)
        wood = np.where(frame[:, None], vector(0.5, 0.46, 0.38), wood)
        wood = np.where(pane[:, None], vector(0.03, 0.035, 0.045), wood)
        shutter = (np.abs(a - 0.88) < 0.24) & (b > 0.45) & (b < 1.75)
        wood = np.where(shutter[:, None], vector(0.30, 0.05, 0.035), wood)
    door = (np.abs(along + 0.2) < 0.45) & (y - base < 1.9)
    return np.where(door[:, None], vector(0.09, 0.05, 0.025), wood)


# -------------------------------------------------------------------------------------------------- rendering


class Valley:
    """The whole scene and its light."""

    def __init__(self, seed, width, height):
        generator = np.random.default_rng(seed)
        self.land = Land(seed)
        self.sky = Sky(self.land.noise, SUN, 0.49, (9.0, 2.0))
        eye = (0, self.land.eye, 0)
        self.camera = Camera(eye, (0, self.land.eye, 10), 58, width, height, horizon=0.50)
        self.ground = Ground(self.land, self.camera)
        trees = forest(generator, self.land, self.ground)
        grass = meadow(generator, self.land, self.ground)
        self.model = Model([hut(self.land), fence(self.land)])
        self.shade = shade_from(trees, SUN, 1.2)
        self.ground.paint(self.passing)
        self.leaves = gather([trees, grass])
        self.leaves.light = np.concatenate([
            self.light_on(trees, shade_from(trees, vector(0, 1, 0), 1.6), 0.5, 0.22),
            self.light_on(grass, shade_from(grass, vector(0, 1, 0), 0.3), 0.9, 0.30),
        ])  # fmt: skip
        far = self.leaves.points[:, 2] > LAKE_BEGINS
        self.mirror_leaves = self.leaves.chosen(far)

    def passing(self, points):
        """The sun that trees and hut let through."""
        share = self.shade.passing(points, 0.5, 0.9)
        near = np.flatnonzero(points[:, 2] < 140)
        share[near] *= ~self.model.blocked(points[near], np.broadcast_to(SUN, (len(near), 3)))
        return share

    def light_on(self, leaves, sky_shade, clear, shining_through):
        """The light each twig, blade or blossom sends to the camera."""
        facing = leaves.normals @ SUN
        sun = self.passing(leaves.points) * self.ground.sunshine(leaves.points)
        front, back = np.maximum(facing, 0), np.maximum(-facing, 0)
        through = (0.6 * back + shining_through) * (1 - leaves.opaque)
        open_sky = sky_shade.passing(leaves.points, 0.1, 0.5) * (1 - clear) + clear
        shining = leaves.colours * vector(1.2, 1.15, 0.5)
        light = SUNLIGHT * (leaves.colours * front[:, None] + shining * through[:, None]) * sun[:, None]
        light += leaves.colours * (SKYLIGHT * (open_sky * (0.6 + 0.4 * leaves.normals[:, 1]))[:, None] + 0.03)
        return hazy(light, leaves.points[:, 2], leaves.points[:, 1])

    def view(self, exposure, mirror=False):
        """One exposure of the land or, with `mirror`, of what the lake shows."""
        shift = SPREAD * (exposure + 1) % 1
        camera = self.camera
        row, column = np.divmod(np.arange(camera.width * camera.height), camera.width)
        # In the mirror, a row below the horizon shows what is as far above it.
        pixel_x, pixel_y = column + np.float32(shift[0]), row + np.float32(shift[1])
        straight = 2 * camera.middle - pixel_y if mirror else pixel_y
        light, depth, wet = self.ground.view(pixel_x, straight, mirror)
        directions = camera.rays(*shift)
        if mirror:
            camera = camera.mirrored()
            directions = directions * vector(1, -1, 1)
        empty = depth >= FAR
        light = light.copy()
        light[empty] = self.sky(directions[empty])
        if not mirror:
            depth, wet = self.add_hut(light, depth, wet, directions)
        leaves = self.mirror_leaves if mirror else self.leaves
        owner, _ = splat(camera, leaves, depth, *shift, exposure)
        leafy = owner >= 0
        light[leafy] = leaves.light[owner[leafy]]
        return light, directions, wet & ~leafy

    def add_hut(self, light, depth, wet, directions):
        """Draw the hut over the ground where it is nearer."""
        distance, which, normal = self.model.trace(self.camera.position[None], directions)
        depths = distance * directions[:, 2]
        mine = np.flatnonzero((which >= 0) & (depths < depth + 0.3))
        place = self.camera.position + distance[mine, None] * directions[mine]
        colour = np.zeros((len(mine), 3), np.float32)
        for number in np.unique(which[mine]):
            chosen = which[mine] == number
            colour[chosen] = hut_colour(self.model.solids[number], place[chosen], normal[mine][chosen], self.land.noise)
        sun = np.maximum(normal[mine] @ SUN, 0) * self.passing(place + 0.02 * normal[mine])
        sky_share = 0.5 + 0.4 * normal[mine, 1]
        ground = vector(0.16, 0.17, 0.06)
        light[mine] = colour * (SUNLIGHT * sun[:, None] + SKYLIGHT * sky_share[:, None] + ground)
        depth = depth.copy()
        depth[mine] = depths[mine]
        wet[mine] = False
        return depth, wet

    def photograph(self, exposures):
        """The mean of many exposures, with the lake put in."""
        camera = self.camera
        total = 0
        for exposure in range(exposures):
            light, directions, wet = self.view(exposure)
            mirror, _, _ = self.view(exposure, mirror=True)
            wet = np.flatnonzero(wet)
            light[wet] = self.lake(directions[wet], mirror.reshape(camera.height, camera.width, 3))
            total = total + light
        return (total / exposures).reshape(camera.height, camera.width, 3)

    def lake(self, ray, mirror):
        """The colour of the water: the mirrored land, bent by small waves, over deep green."""
        reach = -self.camera.position[1] / np.minimum(ray[:, 1], -1e-4)
        place = self.camera.position + reach[:, None] * ray
        x, z = place[:, 0], place[:, 2]
        noise = self.land.noise
        breeze = smooth_step(0.45, 0.62, noise.clouds(x / 300 + 3, z / 110, 4))
        waves = noise.clouds(x / 5, z / 3.2, 3) - 0.5
        waves_aside = noise.clouds(x / 5 + 70, z / 3.2 + 30, 3) - 0.5
        strength = 0.004 + 0.022 * breeze
        normal = unit(np.stack([waves_aside * strength, np.ones_like(x), waves * strength], -1))
        bent = ray - 2 * dot(ray, normal)[:, None] * normal
        bent[:, 1] = np.maximum(bent[:, 1], 0.002)
        pixel_x, pixel_y, _ = self.camera.mirrored().project_direction(bent)
        image = look_up(mirror, pixel_x, pixel_y)
        fresnel = 0.02 + 0.98 * (1 - np.clip(-ray[:, 1], 0, 1)) ** 5
        deep = vector(0.02, 0.075, 0.085)
        water = mix(np.broadcast_to(deep, image.shape), image, np.clip(fresnel * 1.1, 0, 1)[:, None])
        return hazy(water, reach * 0.6, np.zeros_like(reach))


def paint(width=768, height=512, seed=31, exposures=12):
    """The valley picture."""
    light = Valley(seed, width, height).photograph(exposures)
    return develop(light, 0.78, seed, saturation=0.95)


if __name__ == "__main__":
    paint().save("valley.jpg", quality=90)
