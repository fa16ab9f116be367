"""Old houses on a river in the late afternoon, made by tracing rays through a small model of a town.

What shines on the town is a `Light`, so that riverside_night.py can render the same town at night.
"""

from dataclasses import dataclass

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
    branch,
    crown,
    develop,
    dot,
    gather,
    hash01,
    hemisphere,
    look_up,
    mix,
    prism,
    pyramid,
    shade_from,
    smooth_step,
    splat,
    tree,
    unit,
    vector,
)

SUN = unit(vector(-0.86, 0.47, -0.50))
PITCH = 1.95  # from window to window, in metres, or somewhat more
SILL = 0.85  # from the floor to the foot of the windows
CHURCH = (26.0, 44.0)  # x and z of the middle of the tower
QUAY = 2.6  # height of the quay above the water, in metres

PLASTERS = [
    (0.58, 0.41, 0.18),
    (0.64, 0.56, 0.42),
    (0.46, 0.23, 0.15),
    (0.62, 0.59, 0.53),
    (0.37, 0.41, 0.31),
    (0.58, 0.35, 0.24),
    (0.35, 0.40, 0.45),
    (0.63, 0.48, 0.28),
]
SHUTTERS = [
    (0.05, 0.13, 0.07),
    (0.16, 0.05, 0.03),
    (0.06, 0.10, 0.15),
    (0.22, 0.15, 0.08),
    (0.32, 0.30, 0.26),
]
ROOFS = [(0.27, 0.115, 0.07), (0.22, 0.095, 0.062), (0.29, 0.14, 0.085), (0.20, 0.105, 0.075)]


class Light:
    """What shines on the town by day: the sun, the sky, and what the ground throws back."""

    sunlight = vector(4.9, 3.65, 2.3)
    skylight = vector(0.36, 0.49, 0.76)
    bounce = vector(0.34, 0.28, 0.20)
    haze = vector(0.55, 0.66, 0.80)
    murk = vector(0.045, 0.055, 0.022), vector(0.02, 0.03, 0.02)  # of the water: in the sun, and anywhere
    leaves = 0.05  # what a leaf gets from everywhere
    mirrored = 1  # how bright the sky in the panes is

    def sky(self, noise):
        """A function that gives the light of the sky in any directions."""
        return Sky(noise, SUN, 0.49, (3.0, 1.0))

    def fixtures(self):
        """Bodies that are there for the sake of the light: none by day."""
        return []

    def sparks(self, generator, noise):
        """Leaves that shine by themselves: none by day."""
        return None

    def nearby(self, points, normals):
        """What lamps throw on points: none burns by day."""
        return 0

    def windows(self, facade):
        """What shines out of the windows: nothing by day."""
        return 0


@dataclass
class Wall:
    """The walls of one house and how its windows are laid out."""

    left: float
    right: float
    front: float
    base: float
    eave: float
    ridge: float
    gable_front: bool
    plaster: tuple
    shutter: tuple
    timbered: bool
    storey: float
    number: int

    @property
    def small(self):
        """Whether this is only a dormer."""
        return self.storey < 2.4

    @property
    def plinth(self):
        """The height of the lowest floor."""
        return -0.35 if self.small else 0.5

    @property
    def width(self):
        return self.right - self.left

    @property
    def pitch(self):
        """From the middle of one window to that of the next."""
        return self.width / max(1, int(self.width / PITCH))


@dataclass
class Surface:
    """Everything else: a colour and the kind of texture on it."""

    kind: str
    colour: tuple
    number: int = 0
    along_x: bool = True  # for roofs: whether the rows of tiles run along x


# ------------------------------------------------------------------------------------------------- the model


def roof_slabs(x0, x1, z0, z1, eave, ridge, gable_front, surface, overhang=0.45, thickness=0.22):
    """The two slopes of a roof, standing out over the walls."""
    low, high = (x0, x1) if gable_front else (z0, z1)
    start, end = (z0 - 0.35, z1 + 0.35) if gable_front else (x0 - 0.25, x1 + 0.25)
    middle = (low + high) / 2
    drop = overhang * (ridge - eave) / (middle - low)
    slabs = []
    for edge in (low - overhang, high + overhang):
        profile = [(edge, eave - drop), (middle, ridge), (middle, ridge + thickness * 1.4)]
        profile.append((edge, eave - drop + thickness))
        if not gable_front:
            profile = [(height, position) for position, height in profile]
        slabs.append(prism(profile, 2 if gable_front else 0, start, end, surface))
    return slabs


def house(generator, number, x0, x1, z0, z1, base, eave, ridge, gable_front, plaster, timbered):
    """One house: walls, roof, chimneys, dormers."""
    wall = Wall(
        x0, x1, z0, base, eave, ridge, gable_front, plaster,
        SHUTTERS[generator.integers(len(SHUTTERS))], timbered, float(generator.uniform(2.65, 3.0)), number,
    )  # fmt: skip
    tiles = Surface("tiles", ROOFS[generator.integers(len(ROOFS))], number, not gable_front)
    middle_x, middle_z = (x0 + x1) / 2, (z0 + z1) / 2
    if gable_front:
        foot = base + wall.storey + 0.5 if timbered else base  # timbered houses jut out over their ground floor
        profile = [(x0, foot), (x1, foot), (x1, eave), (middle_x, ridge), (x0, eave)]
        solids = [prism(profile, 2, z0, z1, wall)]
        if timbered:
            solids.append(box(x0 + 0.1, x1 - 0.1, base, foot, z0 + 0.45, z1, wall))
    else:
        profile = [(base, z0), (base, z1), (eave, z1), (ridge, middle_z), (eave, z0)]
        solids = [prism(profile, 0, x0, x1, wall)]
    solids += roof_slabs(x0, x1, z0, z1, eave, ridge, gable_front, tiles)
    pipe = Surface("metal", (0.16, 0.17, 0.16), number)
    solids.append(box(x1 - 0.16, x1 - 0.06, base, eave - 0.4, z0 - 0.14, z0 - 0.03, pipe))
    if not gable_front:
        solids.append(box(x0 - 0.2, x1 + 0.2, eave - 0.42, eave - 0.28, z0 - 0.62, z0 - 0.46, pipe))
    elif not timbered and number % 4 == 0:
        solids += oriel(wall, middle_x)
    for _ in range(generator.integers(1, 3)):
        x = middle_x + generator.uniform(-0.3, 0.3) * (x1 - x0)
        z = generator.uniform(z0 + 1.5, middle_z + 1)
        across = abs(x - middle_x) / (x1 - x0) if gable_front else abs(z - middle_z) / (z1 - z0)
        foot = ridge - 2 * across * (ridge - eave)
        brick = Surface("brick", (0.34, 0.17, 0.11), number)
        top = max(foot + 1.6, ridge + 0.5)
        solids.append(box(x - 0.4, x + 0.4, foot - 1.5, top, z - 0.35, z + 0.35, brick))
        solids.append(box(x - 0.5, x + 0.5, top, top + 0.15, z - 0.45, z + 0.45, brick))
    if not gable_front:
        solids += dormers(generator, wall, tiles, middle_z)
    return solids


def oriel(wall, x):
    """A bay two storeys high that stands out from the front, with a little roof of its own."""
    low, high = wall.base + 0.5 + wall.storey, wall.base + 0.5 + 3 * wall.storey
    front, wide = wall.front - 0.75, 1.25
    bay = Wall(
        x - wide, x + wide, front, low - 0.5, high + 0.6, high + 1.4, False, wall.plaster, wall.shutter,
        False, wall.storey, 4 * wall.number + 1,
    )  # fmt: skip
    tiles = Surface("tiles", ROOFS[wall.number % len(ROOFS)], wall.number)
    roof = [(high, front - 0.2), (high + 1.1, wall.front + 0.1), (high, wall.front + 0.1)]
    return [
        box(x - wide, x + wide, low, high, front, wall.front + 0.1, bay),
        prism(roof, 0, x - wide - 0.2, x + wide + 0.2, tiles),
    ]


def dormers(generator, wall, tiles, middle_z):
    """Little gabled windows on a roof that slopes towards the river."""
    count = max(1, int((wall.right - wall.left) / 3.2))
    solids = []
    for number in range(count):
        x = wall.left + (number + 0.5) * (wall.right - wall.left) / count
        slope = (wall.ridge - wall.eave) / (middle_z - wall.front)
        z = wall.front + 0.9
        base = wall.eave + slope * 0.9 - 0.2
        side = Wall(
            x - 0.75, x + 0.75, z, base - 0.55, base + 1.5, base + 2.2, True, (0.74, 0.70, 0.62),
            wall.shutter, False, 2.3, wall.number + 500,
        )  # fmt: skip
        profile = [
            (x - 0.75, base),
            (x + 0.75, base),
            (x + 0.75, base + 1.5),
            (x, base + 2.2),
            (x - 0.75, base + 1.5),
        ]
        deep = min(z + 3.2 / slope + 0.4, middle_z)
        solids.append(prism(profile, 2, z, deep, side))
        roof = Surface("tiles", tiles.colour, wall.number, False)
        solids += roof_slabs(x - 0.75, x + 0.75, z, deep, base + 1.5, base + 2.2, True, roof, 0.22, 0.12)
    return solids


def row_of_houses(generator):
    """The row on the quay, from left to right, with a second row on the rising ground behind it."""
    groups = []
    plan = [  # width, eave, ridge above the eave, gable to the river, timbered
        (8.0, 9.0, 5.2, False, False),
        (6.2, 11.5, 5.4, True, True),
        (7.6, 10.2, 6.2, True, False),
        (9.5, 9.4, 5.2, False, False),
        (6.4, 12.8, 5.6, True, False),
        (7.2, 11.2, 6.4, True, True),
        (8.8, 12.0, 5.0, False, False),
        (6.0, 10.0, 5.8, True, False),
        (8.6, 13.2, 7.4, True, False),
        (7.0, 10.4, 5.6, True, True),
        (9.8, 11.0, 5.2, False, False),
        (7.0, 12.0, 6.0, True, False),
        (9.0, 10.5, 5.6, False, False),
        (8.0, 11.5, 6.4, True, False),
    ]
    x = -36.0
    for number, (width, eave, rise, gable_front, timbered) in enumerate(plan):
        front = float(generator.uniform(-0.9, 1.1))
        plaster = PLASTERS[(number * 3 + 1) % len(PLASTERS)]
        groups.append(house(
            generator, number, x, x + width, front, front + 11, QUAY - 0.2, QUAY + eave,
            QUAY + eave + rise, gable_front, plaster, timbered,
        ))  # fmt: skip
        x += width + (0.0 if number % 3 else 0.15)
    x = -60.0
    for number in range(20, 40):
        width = float(generator.uniform(8, 12))
        front = float(generator.uniform(15, 26))
        eave = 13 + float(generator.uniform(0, 4)) + (front - 15) * 0.3
        gable_front = generator.random() < 0.45
        plaster = PLASTERS[generator.integers(len(PLASTERS))]
        groups.append(house(
            generator, number, x, x + width, front, front + 10, 2.0, eave,
            eave + float(generator.uniform(4.5, 6)), gable_front, plaster, False,
        ))  # fmt: skip
        x += width + float(generator.uniform(-0.5, 3))
    return groups


def church(x, z):
    """A tower with a pointed spire, and the nave behind it."""
    stone = Surface("ashlar", (0.60, 0.52, 0.40), 90)
    slate = Surface("slate", (0.10, 0.13, 0.15), 91)
    half = 3.6
    top = 33.0
    solids = [box(x - half, x + half, 3, top, z - half, z + half, Surface("tower", (0.62, 0.53, 0.41), 92))]
    for height in (16.0, 24.5, top):
        solids.append(box(x - half - 0.3, x + half + 0.3, height, height + 0.5, z - half - 0.3, z + half + 0.3, stone))
    corners = np.radians(np.arange(8) * 45 + 22.5)
    ring = [(x + 3.7 * np.cos(a), top + 0.5, z + 3.7 * np.sin(a)) for a in corners]
    solids.append(pyramid(ring, (x, top + 19, z), slate))
    for side_x in (-1, 1):
        for side_z in (-1, 1):
            cx, cz = x + side_x * (half - 0.8), z + side_z * (half - 0.8)
            foot = [(cx + dx, top + 0.5, cz + dz) for dx, dz in ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9))]
            solids.append(pyramid(foot, (cx, top + 5.5, cz), slate))
    solids.append(box(x - 0.06, x + 0.06, top + 18, top + 21.5, z - 0.06, z + 0.06, slate))
    solids.append(box(x - 0.6, x + 0.6, top + 20.3, top + 20.5, z - 0.06, z + 0.06, slate))
    nave = Surface("tiles", (0.33, 0.14, 0.085), 93, True)
    solids.append(box(x + half, x + half + 26, 3, 19, z - 6, z + 6, stone))
    solids += roof_slabs(x + half - 0.5, x + half + 26, z - 6, z + 6, 19, 27.5, False, nave)
    return solids


def boat(x, z, length, colour, heading, number):
    """A punt: a long flat boat with raised ends and benches."""
    cos, sin = np.cos(heading), np.sin(heading)

    def ring(half_length, half_width, height, taper):
        plan = [
            (-1, -taper),
            (-0.7, -1),
            (0.7, -1),
            (1, -taper),
            (1, taper),
            (0.7, 1),
            (-0.7, 1),
            (-1, taper),
        ]
        return [
            (
                x + cos * a * half_length - sin * b * half_width,
                height,
                z + sin * a * half_length + cos * b * half_width,
            )
            for a, b in plan
        ]

    half = length / 2
    hull = Surface("boat", colour, number)
    inside = Surface("wood", (0.10, 0.07, 0.045), number + 1)
    bench = Surface("wood", (0.42, 0.28, 0.15), number + 2)
    solids = [between(ring(half * 0.86, 0.5, -0.1, 0.5), ring(half, 0.72, 0.42, 0.45), hull)]
    solids.append(between(ring(half * 0.9, 0.58, 0.40, 0.5), ring(half * 0.9, 0.58, 0.425, 0.5), inside))
    for place in (-0.55, -0.2, 0.15, 0.5):
        corners = [(-0.14, -0.66), (0.14, -0.66), (0.14, 0.66), (-0.14, 0.66)]
        low, high = (
            [(x + cos * (place * half + a) - sin * b, h, z + sin * (place * half + a) + cos * b) for a, b in corners]
            for h in (0.44, 0.50)
        )
        solids.append(between(low, high, bench))
    return solids


def town(seed):
    """All the solid bodies of the scene, in groups that stand together."""
    generator = np.random.default_rng(seed)
    stone, coping = Surface("quay", (0.36, 0.32, 0.26), 100), Surface("ashlar", (0.46, 0.42, 0.35), 101)
    quay = [
        box(-150, 200, -2, QUAY, -2.8, 6, stone),
        box(-150, 200, QUAY, QUAY + 0.75, -2.8, -2.4, stone),
        box(-150, 200, QUAY + 0.75, QUAY + 0.87, -2.88, -2.32, coping),
        box(-300, 400, -2, 3, 6, 60, Surface("earth", (0.20, 0.17, 0.11), 102)),
    ]
    boats = [
        boat(-6.5, -4.2, 8.5, (0.16, 0.07, 0.03), 0.05, 110),
        boat(-5.0, -31.0, 6.6, (0.05, 0.13, 0.10), 0.30, 120),
        boat(13.5, -4.4, 7.5, (0.30, 0.24, 0.15), -0.04, 130),
        boat(23.0, -4.5, 7.5, (0.10, 0.16, 0.24), 0.03, 140),
    ]
    return [*row_of_houses(generator), church(*CHURCH), quay, *boats]


# --------------------------------------------------------------------------------------------------- plants


def hill_height(x, z, noise):
    """The wooded hill behind the town; higher on the left."""
    rise = smooth_step(50, 300, z) * (80 - 0.07 * x + 12 * np.sin(x * 0.013 + 1.2))
    return 2 + rise + 9 * noise.flat(x / 60, z / 60) * smooth_step(60, 200, z)


def hill_forest(generator, noise):
    """Trees on the hill, each a few hundred patches of leaves."""
    count = 2600
    x = generator.uniform(-200, 480, count)
    z = generator.uniform(75, 330, count)
    parts = []
    for number in range(count):
        height = generator.uniform(7, 13)
        foot = hill_height(vector(x[number]), vector(z[number]), noise)[0]
        warm = generator.random()
        colour = mix(np.array([0.045, 0.085, 0.028]), np.array([0.12, 0.14, 0.04]), warm**2)
        size = generator.uniform(3.5, 5.5)
        near = z[number] < 160
        parts.append(
            crown(generator, (x[number], foot + height * 0.6, z[number]), (size, height * 0.55, size),
                  16, 26 if near else 13, 0.42 if near else 0.62, colour, 0.8)
        )  # fmt: skip
    return gather(parts)


def window_boxes(generator, walls):
    """Geraniums under some of the windows of some of the houses."""
    parts = []
    for wall in walls:
        if wall.small or wall.front > 3 or generator.random() < 0.35:
            continue
        floors = int((wall.eave - wall.base - wall.plinth) / wall.storey)
        bloom = [(0.62, 0.03, 0.03), (0.62, 0.10, 0.20), (0.70, 0.30, 0.38)][generator.integers(3)]
        for floor in range(1, floors):
            for column in range(round(wall.width / wall.pitch)):
                if generator.random() < 0.45:
                    continue
                x = wall.left + (column + 0.5) * wall.pitch
                place = (x, wall.base + wall.plinth + floor * wall.storey + SILL, wall.front - 0.14)
                parts.append(crown(generator, place, (0.50, 0.16, 0.12), 12, 9, 0.06, (0.05, 0.10, 0.025)))
                place = (x, place[1] + 0.07, place[2] - 0.04)
                parts.append(crown(generator, place, (0.50, 0.14, 0.12), 12, 7, 0.05, bloom, 0.9))
    return gather(parts)


def hanging_plants(generator):
    """Ivy and flowers over the quay wall, bushes and small trees on the terrace."""
    parts = []
    for _ in range(70):
        x = generator.uniform(-40, 75)
        wide, deep = generator.uniform(0.4, 2.2), generator.uniform(0.25, 1.0) ** 1.5 * 2.2
        green = mix(np.array([0.035, 0.07, 0.022]), np.array([0.13, 0.15, 0.045]), generator.random())
        place = (x, QUAY + 0.75 - deep * 0.6, -2.92)
        parts.append(crown(generator, place, (wide, deep, 0.22), int(12 * wide) + 4, 45, 0.09, green, 0.6))
        if generator.random() < 0.4:
            bloom = [(0.60, 0.06, 0.10), (0.65, 0.45, 0.58), (0.7, 0.5, 0.08)][generator.integers(3)]
            place = (x, QUAY + 0.9, -2.8)
            parts.append(crown(generator, place, (wide * 0.8, 0.25, 0.3), int(6 * wide) + 2, 14, 0.05, bloom, 0.9))
    for _ in range(16):
        size = generator.uniform(0.5, 1.5)
        place = (generator.uniform(-38, 70), QUAY + 0.5 + size * 0.6, generator.uniform(-2.2, -1.2))
        green = mix(np.array([0.045, 0.085, 0.028]), np.array([0.13, 0.15, 0.05]), generator.random())
        parts.append(crown(generator, place, (size, size * generator.uniform(0.7, 1.4), 0.8), 60, 60, 0.10, green))
    for x, height, spread, green in (
        (-16.5, 7.5, 2.7, (0.075, 0.125, 0.035)),
        (11.5, 8.5, 3.2, (0.095, 0.145, 0.04)),
        (36.0, 9.5, 3.6, (0.065, 0.11, 0.035)),
        (58.0, 9.0, 3.4, (0.09, 0.13, 0.04)),
    ):
        parts.append(tree(generator, (x, QUAY, -1.4), height, spread, 0.11, green, 190, 90))
    return gather(parts)


def framing_tree(generator, camera):
    """The near tree at the left edge, with branches reaching into the picture, and bushes below it."""

    def place(right, up, ahead):
        return camera.base + right * camera.right + ahead * camera.forward * vector(1, 0, 1) + vector(0, up, 0)

    fork = place(-8.2, 2.0, 13)
    parts = [branch(generator, place(-8.6, -5, 13), fork, 0.36, 0.28)]
    tips = [
        (-6.3, 5.6, 12),
        (-4.6, 5.4, 12.5),
        (-7.8, 3.6, 13),
        (-7.2, 6.4, 14),
        (-5.6, 4.4, 13.5),
        (-3.2, 6.3, 13),
    ]
    for tip in tips:
        parts.append(branch(generator, fork, place(*tip), 0.13, 0.03))
        parts.append(crown(generator, place(*tip), (1.5, 0.8, 1.4), 110, 70, 0.06, (0.085, 0.135, 0.035), 0.42))
    for right, ahead, size in ((-6.7, 12, 1.5), (-5.4, 11, 0.8), (-4.4, 10.4, 0.5), (6.6, 11, 0.9)):
        foot = place(right, -camera.base[1] + 1.0 + 0.3 * size, ahead)
        parts.append(crown(generator, foot, (size, size * 0.9, size), 150, 90, 0.055, (0.09, 0.14, 0.035), 0.25))
    return gather(parts)


# ------------------------------------------------------------------------------------------------- surfaces


def speckled(colour, amount, spots):
    """A colour made lighter and darker by a noise between 0 and 1."""
    return np.asarray(colour, np.float32) * (1 + amount * (spots - 0.5))[..., None]


def bricks(u, v, width, height, gap, salt):
    """Courses of stones: a random number per stone, and 1 inside a stone, 0 in the joint."""
    row = np.floor(v / height)
    width = width * (0.75 + 0.6 * hash01(row, salt + 1))
    u = u / width + 0.5 * (row % 2) + 0.3 * hash01(row, salt)
    stone = hash01(np.floor(u), row, salt)
    across = np.minimum(u % 1, 1 - u % 1) * width
    up = np.minimum(v / height % 1, 1 - v / height % 1) * height
    return stone, smooth_step(gap * 0.4, gap, np.minimum(across, up))


def shade_tiles(surface, point, normal, noise):
    """Roof tiles: overlapping rows, every tile a little different, lichen in patches."""
    along, across = (point[:, 0], point[:, 2]) if surface.along_x else (point[:, 2], point[:, 0])
    slope = across / np.maximum(np.abs(normal[:, 1]), 0.3)
    row = np.floor(slope / 0.34)
    tile = hash01(np.floor(along / 0.24 + 0.5 * (row % 2)), row, surface.number + 7)
    edge = smooth_step(0.0, 0.3, slope / 0.34 % 1) * 0.5 + 0.5
    patches = noise.clouds(point[:, 0] * 0.35, point[:, 1] * 0.35 + 3.1 * surface.number, 4)
    colour = speckled(surface.colour, 0.75, tile) * edge[:, None] * (0.65 + 0.7 * patches)[:, None]
    lichen = smooth_step(0.52, 0.72, noise.clouds(point[:, 0] * 0.9, point[:, 1] * 0.9 + 50, 3))
    return mix(colour, vector(0.21, 0.19, 0.12), 0.45 * lichen[:, None])


def shade_surface(surface, point, normal, noise):
    """The colour of everything that is not a house wall."""
    x, y, z = point[:, 0], point[:, 1], point[:, 2]
    sideways = np.where(np.abs(normal[:, 0]) > 0.7, z, x)
    if surface.kind == "tiles":
        return shade_tiles(surface, point, normal, noise)
    rough = noise.clouds(sideways * 1.3 + 9, y * 1.3 + surface.number, 5, 0.6)
    if surface.kind in ("quay", "ashlar", "tower", "brick"):
        wide, high = {"quay": (0.62, 0.31), "brick": (0.26, 0.1)}.get(surface.kind, (0.9, 0.45))
        stone, body = bricks(sideways, y + 0.03 * rough, wide, high, 0.05, surface.number)
        colour = speckled(surface.colour, 0.55, stone)
        colour = colour * ((0.55 + 0.45 * body) * (0.30 + 1.4 * rough))[:, None]
        if surface.kind == "quay":
            damp = noise.clouds(sideways * 0.22, y * 0.5 + 40, 4)
            colour = mix(colour, colour * vector(0.55, 0.62, 0.42), smooth_step(0.45, 0.65, damp)[:, None])
            wet = smooth_step(1.0, 0.15, y + 0.8 * (rough - 0.5))
            colour = mix(colour, vector(0.045, 0.055, 0.03), 0.85 * wet[:, None])
        if surface.kind == "tower":
            colour = tower_openings(sideways, y, normal, colour)
        return colour
    if surface.kind == "slate":
        tile = hash01(np.floor(sideways / 0.4 + np.floor(y / 0.35) * 0.5), np.floor(y / 0.35))
        return speckled(surface.colour, 0.6, tile) * (0.6 + 0.8 * rough)[:, None]
    if surface.kind in ("wood", "boat"):
        grain = noise.clouds(sideways * 1.5, y * 18 + z * 9, 4)
        return speckled(surface.colour, 0.9, grain)
    return speckled(surface.colour, 0.9, rough)


def tower_openings(sideways, y, normal, colour):
    """Belfry windows with round arches, a clock, and narrow slits below."""
    u = sideways - np.where(np.abs(normal[:, 0]) > 0.7, CHURCH[1], CHURCH[0])
    dark = (np.abs(u) < 0.25) & (np.abs(y - 21.8) < 1.1)
    for centre in (-1.3, 1.3):
        across = np.abs(u - centre)
        arch = np.where(y < 31.0, across < 0.7, across**2 + (y - 31.0) ** 2 < 0.7**2)
        dark |= arch & (y > 28.8)
    louvres = 0.25 + 0.55 * (y / 0.35 % 1 > 0.6)
    colour = np.where(dark[:, None], vector(0.06, 0.05, 0.045) * louvres[:, None], colour)
    radius, angle = np.hypot(u, y - 26.8), np.arctan2(u, y - 26.8)
    marks = (radius > 0.95) & (np.abs((angle * 6 / np.pi + 0.5) % 1 - 0.5) < 0.16)
    marks |= (np.abs(angle - 0.6) * radius < 0.09) & (radius < 0.95) | (radius > 1.25)  # a hand; the rim
    marks |= (np.abs(angle + 2.2) * radius < 0.11) & (radius < 0.7)
    face = np.where(marks[:, None], vector(0.50, 0.36, 0.10), vector(0.035, 0.04, 0.06))
    return np.where((radius < 1.35)[:, None], face, colour)


def inside(a, b, half_width, low, high):
    """Whether points of a facade lie in a rectangle of a window's own coordinates."""
    return (np.abs(a) < half_width) & (b > low) & (b < high)


class Facade:
    """The visible points of one house's walls: their colour, the sun they get, and what they reflect.

    `u` and `v` run along and up the wall, in metres; `a` and `b` start at the foot of the nearest window.
    """

    def __init__(self, wall, point, normal, direction, noise):
        self.wall, self.normal, self.direction = wall, normal, direction
        self.front = np.abs(normal[:, 2]) > 0.7  # else it is a side wall
        self.u = np.where(self.front, point[:, 0] - wall.left, point[:, 2] - wall.front)
        self.v = point[:, 1] - wall.base
        self.sun = np.ones(len(point), np.float32)
        self.shine = np.zeros((len(point), 3), np.float32)
        self.colour = self.plaster(point, noise)
        if wall.timbered:
            self.add_timber()
        self.lay_out_windows()
        self.add_windows()
        self.add_trim()
        if wall.number % 4 != 1 and not wall.small:
            self.add_shutters()

    def put(self, where, colour):
        """Give some of the points a new colour."""
        self.colour = np.where(where[:, None], colour, self.colour)

    def plaster(self, point, noise):
        """Plaster with stains, streaks left by the rain, and a damp foot."""
        number, x, y, z = self.wall.number, *point.T
        stains = noise.clouds((x + z) * 0.5, y * 0.35 + 13.7 * number, 5, 0.6)
        streaks = noise.clouds(self.u * 2.2 + 31 * number, self.v * 0.12, 3)
        fine = noise.clouds(self.u * 9, self.v * 9, 2)
        foot = 0.62 + 0.38 * smooth_step(0.0, 2.2, self.v + 1.6 * (stains - 0.5))
        colour = speckled(self.wall.plaster, 0.55, stains)
        return colour * ((0.82 + 0.2 * streaks + 0.16 * fine) * foot)[:, None]

    def add_timber(self):
        """Dark beams: sills at the floors, posts, and slanting braces, above the ground floor."""
        wall, u, v = self.wall, self.u, self.v
        part, floor = (v - wall.plinth) / wall.storey % 1, np.floor((v - wall.plinth) / wall.storey)
        beam = (part < 0.075) | (part > 0.965) | (np.abs(part - 0.27) < 0.025) | (np.abs(part - 0.86) < 0.022)
        pitch = wall.pitch / 2
        beam |= np.abs((u / pitch + 0.5) % 1 - 0.5) * pitch < 0.09
        bay = np.floor(u / pitch)
        leaning = np.where(hash01(bay, floor, wall.number) > 0.5, part, 1 - part)
        braced = (hash01(bay, floor, wall.number + 1) > 0.45) & (part < 0.27)
        beam |= braced & (np.abs(u / pitch % 1 - leaning) < 0.085)
        beam &= v > wall.plinth + wall.storey
        self.put(beam, speckled((0.10, 0.055, 0.032), 0.7, hash01(np.floor(u / 0.07), np.floor(v / 0.6))))

    def lay_out_windows(self):
        """Find for every point the nearest window, and whether there is one at all."""
        wall = self.wall
        self.tall, self.half = (1.0, 0.42) if wall.small else (1.45, 0.50)
        floor, column = np.floor((self.v - wall.plinth) / wall.storey), np.floor(self.u / wall.pitch)
        self.a = self.u - (column + 0.5) * wall.pitch
        self.b = self.v - wall.plinth - floor * wall.storey - SILL
        # In the gable, windows appear only where the slope leaves room for them.
        top = wall.plinth + floor * wall.storey + SILL + self.tall + 0.35
        eave = wall.eave - wall.base
        self.in_gable = top > eave
        room = wall.width / 2 * (1 - np.maximum(top - eave, 0) / (wall.ridge - wall.eave))
        aside = np.abs((column + 0.5) * wall.pitch - wall.width / 2)
        self.chance = hash01(wall.number, column, floor, 3)
        self.exists = (aside + self.half + 0.15 < room) & (self.v > wall.plinth) & (self.chance > 0.06)
        self.exists &= self.front | (self.chance > 0.55)
        if not wall.gable_front:
            self.exists &= top < eave + 0.3

    def within(self, half, low, high, shift_a=0.0, shift_b=0.0):
        """Whether the points lie in a rectangle about the window, seen from a little to the side."""
        return inside(self.a + shift_a, self.b + shift_b, half, low, high)

    def add_windows(self):
        """Panes with frames and curtains, set back into the wall by the depth of the reveal."""
        tall, half, depth = self.tall, self.half, 0.16
        sideways = np.where(self.front, self.direction[:, 0], self.direction[:, 2])
        inwards = np.maximum(-dot(self.direction, self.normal), 0.15)
        opening = self.exists & self.within(half, 0, tall)
        # Look through the opening onto the pane, which lies a hand's breadth deeper.
        a = self.a + sideways / inwards * depth
        b = self.b + self.direction[:, 1] / inwards * depth
        pane = opening & inside(a, b, half, 0, tall)
        self.put(opening & ~pane, self.colour * 0.75 + 0.05)
        self.sun = np.where(opening & ~pane, self.sun * 0.35, self.sun)
        frame = (np.abs(a) > half - 0.075) | (np.abs(a) < 0.04) | (b < 0.08) | (b > tall - 0.075)
        frame |= np.abs(b - tall * 0.66) < 0.03
        curtain = (self.chance > 0.68) & (b > tall * (0.15 + 0.8 * (self.chance * 7.3 % 1)))
        curtain |= (self.chance < 0.3) & (np.abs(a) > half * 0.55)
        self.pane, self.curtain, self.height = pane & ~frame, curtain, b / tall
        glass = np.where(curtain[:, None], vector(0.27, 0.25, 0.22), vector(0.018, 0.017, 0.016))
        self.put(pane, np.where(frame[:, None], vector(0.74, 0.72, 0.66), glass))
        # The sun reaches the pane where the way back to it leads out through the opening.
        sun_side = np.where(self.front, SUN[0], SUN[2])
        sun_in = np.maximum(self.normal @ SUN, 0.08)
        lit = inside(a + sun_side / sun_in * depth, b + SUN[1] / sun_in * depth, half, 0, tall)
        self.sun = np.where(pane, lit, self.sun)
        # Old panes are never quite flat: each reflects its own patch of the evening sky.
        tilt = hash01(self.wall.number, np.floor(self.chance * 4096), a > 0, b > tall * 0.66)
        reflection = mix(vector(0.10, 0.12, 0.14), vector(0.75, 0.85, 1.0), (tilt**3)[:, None]) * 0.26
        self.shine = np.where(self.pane[:, None], reflection, self.shine)

    def add_trim(self):
        """The stone around the windows; the sills and their shadows."""
        tall, half = self.tall, self.half
        surround = self.exists & ~self.within(half, 0, tall) & self.within(half + 0.09, -0.09, tall + 0.09)
        self.put(surround, mix(self.colour, vector(0.56, 0.52, 0.46), 0.6))
        sill = self.exists & self.within(half + 0.16, -0.16, -0.04)
        self.put(sill, vector(0.55, 0.51, 0.45))
        under = self.exists & ~sill & self.within(half + 0.16, -0.16, -0.04, 0.05, 0.17)
        self.sun = np.where(under, self.sun * 0.3, self.sun)

    def add_shutters(self):
        """Wooden shutters with slats on both sides of the windows, and the shadows they throw."""
        tall, middle, wide = self.tall, self.half + 0.33, 0.24
        hung = self.exists & ~self.in_gable & (self.chance * 5.7 % 1 > 0.12)
        aside = np.abs(self.a) - middle
        board = hung & inside(aside, self.b, wide, -0.04, tall + 0.04)
        rim = (np.abs(aside) > wide - 0.05) | (self.b < 0.04) | (self.b > tall - 0.04)
        rim |= np.abs(self.b - tall / 2) < 0.05
        slats = np.where(rim, 1.15, 0.65 + 0.5 * (self.b / 0.09 % 1))
        self.put(board, np.asarray(self.wall.shutter, np.float32) * slats[:, None])
        shadow = inside(np.abs(self.a - 0.09) - middle, self.b + 0.07, wide, -0.04, tall + 0.04)
        shadow &= hung & ~board & (np.abs(self.a) > self.half)
        self.sun = np.where(shadow, self.sun * 0.25, self.sun)


# -------------------------------------------------------------------------------------------------- rendering


class Scene:
    """The model, its plants and the light on them."""

    def __init__(self, seed, camera, light):
        self.noise, self.light = Noise(seed), light
        self.sky = light.sky(self.noise)
        generator = np.random.default_rng(seed + 1)
        self.model = Model([*town(seed), *light.fixtures()])
        walls = {id(solid.material): solid.material for solid in self.model.solids}
        walls = [wall for wall in walls.values() if isinstance(wall, Wall)]
        near = gather([
            hanging_plants(generator), window_boxes(generator, walls), framing_tree(generator, camera)
        ])  # fmt: skip
        far = hill_forest(generator, self.noise)
        self.near_shade = shade_from(near, SUN, 0.22)
        self.leaves = gather([near, far])
        self.leaves.light = np.concatenate([
            self.light_on(near, self.model, self.near_shade, shade_from(near, vector(0, 1, 0), 0.35)),
            self.light_on(far, Model([]), shade_from(far, SUN, 0.9), shade_from(far, vector(0, 1, 0), 1.2)),
        ])  # fmt: skip
        sparks = light.sparks(generator, self.noise)
        if sparks:
            shining = np.concatenate([self.leaves.light, sparks.light])
            self.leaves = gather([self.leaves, sparks])
            self.leaves.light = shining

    def light_on(self, leaves, model, sun_shade, sky_shade):
        """The light each leaf sends to the camera: sun from the front, sun shining through, sky."""
        facing = leaves.normals @ SUN
        sun = sun_shade.passing(leaves.points, 0.12, 0.55)
        sun = sun * ~model.blocked(leaves.points, np.broadcast_to(SUN, leaves.points.shape))
        through = (0.45 * np.maximum(-facing, 0) + 0.16) * (1 - leaves.opaque)
        front = np.maximum(facing, 0)
        open_sky = sky_shade.passing(leaves.points, 0.15, 0.22) * (0.65 + 0.35 * leaves.normals[:, 1])
        tint = leaves.colours
        shining = np.sqrt(tint * tint.mean(1, keepdims=True)) * vector(1.0, 1.15, 0.35)
        direct = self.light.sunlight * (tint * front[:, None] + shining * through[:, None]) * sun[:, None]
        gloss = 0.05 * self.light.sunlight * (front**4 * sun * (1 - leaves.opaque))[:, None]
        lamps = self.light.nearby(leaves.points, leaves.normals)
        return direct + gloss + tint * (self.light.skylight * open_sky[:, None] + self.light.leaves + lamps)

    def colours(self, origins, directions, distance, which, normal, chance, sun):
        """The light of the points that rays have met on solids."""
        light = np.zeros((len(directions), 3), np.float32)
        hit = np.flatnonzero(which >= 0)
        place = (origins if len(origins) == 1 else origins[hit]) + distance[hit, None] * directions[hit]
        normal, chance = normal[hit], chance[hit]
        albedo = np.zeros((len(hit), 3), np.float32)
        shine = np.zeros((len(hit), 3), np.float32)
        let_in = np.ones(len(hit), np.float32)
        for number in np.unique(which[hit]):
            mine = np.flatnonzero(which[hit] == number)
            material = self.model.solids[number].material
            if isinstance(material, Wall):
                facade = Facade(material, place[mine], normal[mine], directions[hit][mine], self.noise)
                albedo[mine], let_in[mine] = facade.colour, facade.sun
                shine[mine] = self.light.mirrored * facade.shine + self.light.windows(facade)
            else:
                albedo[mine] = shade_surface(material, place[mine], normal[mine], self.noise)
        facing = np.maximum(normal @ sun, 0)
        start = place + 0.01 * normal
        lit = np.flatnonzero(facing > 0)
        shadow = np.zeros(len(hit), np.float32)
        shadow[lit] = ~self.model.blocked(start[lit], np.broadcast_to(sun, (len(lit), 3)))
        shadow *= self.near_shade.passing(start, 0.1, 0.8)
        shadow *= let_in
        outwards = hemisphere(normal, chance[:, 0], chance[:, 1])
        closed = self.model.blocked(start, outwards, 14)
        ambient = np.where(
            (closed | (outwards[:, 1] < -0.05))[:, None],
            self.light.bounce * 0.55,
            self.light.skylight * (0.75 + 0.25 * outwards[:, 1:2]),
        )
        lamps = self.light.nearby(place, normal)
        light[hit] = albedo * (self.light.sunlight * (facing * shadow)[:, None] + ambient + lamps) + shine
        return light

    def view(self, camera, exposure):
        """One exposure of everything but the water, and its depth."""
        shift = SPREAD * (exposure + 1) % 1
        directions = camera.rays(*shift)
        ahead = directions * vector(1, camera.flip, 1) @ camera.forward
        origins, start = camera.position[None], np.zeros(1, np.float32)
        if camera.flip < 0:  # begin at the water, not under it
            start = -camera.position[1] / np.maximum(directions[:, 1], 1e-4)
            origins = origins + start[:, None] * directions
        distance, which, normal = self.model.trace(origins, directions)
        pixel = np.arange(len(directions))
        chance = np.stack([hash01(pixel, 5), hash01(pixel, 6)], -1) + vector(*SPREAD) * exposure
        # The sun is not a point: each exposure has it at another place of a small disc.
        wobble = vector(hash01(exposure, 1), hash01(exposure, 2), hash01(exposure, 3)) - 0.5
        sun = unit(SUN + 0.012 * wobble)
        light = self.colours(origins, directions, distance, which, normal, chance % 1, sun)
        empty = which < 0
        light[empty] = self.sky(directions[empty])
        owner, depth = splat(camera, self.leaves, (distance + start) * ahead, *shift, exposure)
        leafy = owner >= 0
        light[leafy] = self.leaves.light[owner[leafy]]
        away = depth / ahead
        haze = (1 - np.exp(-np.maximum(away - 40, 0) / 1300)) * (away < FAR / 10)
        light = mix(light, self.light.haze, haze[:, None].astype(np.float32))
        return light, away, directions

    def photograph(self, camera, exposures):
        """The mean of many exposures, with the water put in."""
        total = 0
        for exposure in range(exposures):
            light, away, directions = self.view(camera, exposure)
            mirror, mirror_away, _ = self.view(camera.mirrored(), exposure)
            total = total + self.with_water(camera, light, away, directions, mirror, mirror_away)
        return (total / exposures).reshape(camera.height, camera.width, 3)

    def with_water(self, camera, light, away, directions, mirror, mirror_away):
        """Replace what lies below the water by the water."""
        reach = -camera.position[1] / np.minimum(directions[:, 1], -1e-4)
        wet = np.flatnonzero((directions[:, 1] < -1e-4) & (reach < away))
        ray, reach = directions[wet], reach[wet]
        place = camera.position + reach[:, None] * ray
        normal = ripples(place, self.noise)
        reflected = ray - 2 * dot(ray, normal)[:, None] * normal
        flat = ray * vector(1, -1, 1)
        far = mirror_away[wet]
        # A ripple moves the image of a thing the more, the further the thing is from the water.
        share = np.clip((far - reach) / np.maximum(far, 1), 0, 1)
        bent = flat + share[:, None] * (reflected - flat)
        bent[:, 1] = np.maximum(bent[:, 1], 0.004)
        x, y, _ = camera.mirrored().project_direction(bent)
        image = look_up(mirror.reshape(camera.height, camera.width, 3), x, y)
        facing = np.clip(-dot(ray, normal), 0, 1)
        fresnel = 0.02 + 0.98 * (1 - facing) ** 5
        sunny = self.near_shade.passing(place, 0.1, 0.8)[:, None]
        murk = sunny * self.light.murk[0] + self.light.murk[1]
        light[wet] = mix(murk, image * 0.95, np.clip(fresnel * 1.25, 0, 1)[:, None])
        return light


def ripples(place, noise):
    """The normals of the water: small waves everywhere, stronger where a breeze touches the river."""
    x, z = place[:, 0], place[:, 2]
    breeze = 0.35 + 1.3 * smooth_step(0.42, 0.7, noise.clouds(x * 0.05 + 7, z * 0.16, 3))
    slope_x, slope_z = np.zeros_like(x), np.zeros_like(z)
    for length, weight in ((2.6, 0.014), (0.9, 0.018), (0.33, 0.016)):
        step = 0.05
        u, w = x / length * 0.6, z / length
        middle = noise.flat(u + 3 * length, w)
        slope_x += weight * (noise.flat(u + step + 3 * length, w) - middle) / step
        slope_z += weight * (noise.flat(u + 3 * length, w + step) - middle) / step
    return unit(np.stack([-slope_x * breeze, np.ones_like(x), -slope_z * breeze], -1).astype(np.float32))


def photograph(width, height, seed, exposures, light):
    """The light that the camera on the other bank gets."""
    camera = Camera((-22, 4.8, -58), (1.5, 10.6, 0), 56, width, height)
    return Scene(seed, camera, light).photograph(camera, exposures)


def paint(width=768, height=512, seed=23, exposures=18):
    """The riverside picture."""
    return develop(photograph(width, height, seed, exposures, Light()), 0.66, seed, saturation=0.95)
