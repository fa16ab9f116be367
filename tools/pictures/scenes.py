"""A small camera, ray tracer and leaf painter in numpy, shared by the content pictures.

All the pictures are made the way a photograph is: a scene in metres (x to the right, y up, z away from the
viewer), a sun, a sky, and a camera that adds up many slightly different exposures.  Colours are linear light
until `develop` turns them into an ordinary 8-bit picture.
"""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

FAR = np.float32(1e6)
# Multiples of these two numbers, without their whole parts, fill a square evenly.
SPREAD = np.array([0.754877, 0.569840])


# ---------------------------------------------------------------------------------------------------- vectors


def vector(*numbers):
    """A small float32 array; everything here is float32, which halves the memory traffic."""
    return np.array(numbers, np.float32)


def dot(a, b):
    """The scalar product along the last axis."""
    return np.einsum("...i,...i->...", a, b)


def unit(a):
    """The vectors of `a`, scaled to length one."""
    return a / np.maximum(np.sqrt(dot(a, a)), 1e-9)[..., None]


def mix(a, b, amount):
    """Go from a (amount 0) to b (amount 1)."""
    return a + (b - a) * amount


def smooth_step(low, high, x):
    """0 below `low`, 1 above `high`, an S-curve in between."""
    x = np.clip((x - low) / (high - low), 0, 1)
    return x * x * (3 - 2 * x)


def hash01(*integers):
    """A number in [0, 1) for every combination of integers: the same one every time, but without pattern."""
    state = np.uint32(0x9E3779B9)
    with np.errstate(over="ignore"):
        for number in integers:
            state = (state ^ np.asarray(number).astype(np.int64).astype(np.uint32)) * np.uint32(0x85EBCA6B)
            state = (state ^ (state >> np.uint32(15))) * np.uint32(0xC2B2AE35)
            state = state ^ (state >> np.uint32(13))
    return (state >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)


class Noise:
    """Smooth random functions of two or three coordinates: random numbers on a grid, interpolated."""

    SIZE = 256

    def __init__(self, seed):
        generator = np.random.default_rng(seed)
        self.table = generator.random(self.SIZE * self.SIZE, np.float32)

    def flat(self, x, y):
        """Noise in the plane, between 0 and 1, with features about one unit wide."""
        x_cell, y_cell = np.floor(x), np.floor(y)
        fx, fy = x - x_cell, y - y_cell
        fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
        column, row = x_cell.astype(np.int32) & 255, y_cell.astype(np.int32) & 255
        column_next, row, row_next = (column + 1) & 255, row << 8, ((row + 1) & 255) << 8
        top = mix(self.table.take(row + column), self.table.take(row + column_next), fx)
        bottom = mix(self.table.take(row_next + column), self.table.take(row_next + column_next), fx)
        return mix(top, bottom, fy)

    def solid(self, x, y, z):
        """Noise in space: two slices of the flat noise, far apart in the table, mixed along z."""
        z_cell = np.floor(z)
        fz = z - z_cell
        fz = fz * fz * (3 - 2 * fz)
        below = self.flat(x + 37 * z_cell, y + 59 * z_cell)
        above = self.flat(x + 37 * (z_cell + 1), y + 59 * (z_cell + 1))
        return mix(below, above, fz)

    def clouds(self, x, y, octaves=4, roughness=0.5):
        """Noise on several scales added up (fractal noise), between 0 and 1."""
        total, weight, weights = 0, 1.0, 0.0
        for _ in range(octaves):
            total = total + weight * self.flat(x, y)
            weights += weight
            weight *= roughness
            # Turning the grid between the scales hides its rows and columns.
            x, y = 1.6 * x + 1.2 * y + 17.3, -1.2 * x + 1.6 * y + 5.1
        return total / weights

    def solid_clouds(self, x, y, z, octaves=4, roughness=0.5):
        """Fractal noise in space, between 0 and 1."""
        total, weight, weights = 0, 1.0, 0.0
        for _ in range(octaves):
            total = total + weight * self.solid(x, y, z)
            weights += weight
            weight *= roughness
            x, y, z = 1.6 * x + 1.2 * y + 17.3, -1.2 * x + 1.6 * y + 5.1, 2.03 * z + 3.7
        return total / weights


# ----------------------------------------------------------------------------------------------------- camera


class Camera:
    """A pinhole camera.  With `flip=-1` it sees the world as a mirror on the ground (y = 0) would show it."""

    def __init__(self, position, target, field_of_view, width, height, flip=1, horizon=0.5):
        self.base = np.asarray(position, np.float32)
        self.width, self.height, self.flip = width, height, flip
        self.forward = unit(np.asarray(target, np.float32) - self.base)
        self.right = unit(np.cross(vector(0, 1, 0), self.forward))
        self.up = np.cross(self.forward, self.right)
        self.focal = width / 2 / np.tan(np.radians(field_of_view) / 2)
        self.middle = height * horizon  # the row of the point the camera looks at
        self.settings = (position, target, field_of_view, width, height)
        self.horizon = horizon

    def mirrored(self):
        """The same camera, looking at the reflection in the water."""
        return Camera(*self.settings, flip=-1, horizon=self.horizon)

    @property
    def position(self):
        return self.base * vector(1, self.flip, 1)

    def rays(self, shift_x=0.5, shift_y=0.5):
        """One direction per pixel, through the point (shift_x, shift_y) of the pixel."""
        x = (np.arange(self.width, dtype=np.float32) + shift_x - self.width / 2) / self.focal
        y = (self.middle - np.arange(self.height, dtype=np.float32) - shift_y) / self.focal
        rays = self.forward + x[None, :, None] * self.right + y[:, None, None] * self.up
        return unit(rays.reshape(-1, 3).astype(np.float32)) * vector(1, self.flip, 1)

    def project(self, points):
        """Pixel x, pixel y and depth of points in space."""
        return self.project_direction(points - self.position)

    def project_direction(self, directions):
        """Pixel x, pixel y and depth of points given relative to the camera."""
        directions = directions * vector(1, self.flip, 1)
        depth = directions @ self.forward
        safe = np.where(depth > 0.05, depth, FAR)
        x = self.width / 2 + self.focal * (directions @ self.right) / safe
        y = self.middle - self.focal * (directions @ self.up) / safe
        return x, y, depth


# ---------------------------------------------------------------------------------------------- convex solids


@dataclass
class Solid:
    """A convex body: the points on the inner side of all its planes (normal . point <= offset)."""

    normals: np.ndarray
    offsets: np.ndarray
    centre: np.ndarray
    radius: float
    material: object = None


def convex(vertices, faces, material):
    """The convex body with these corners; each face lists the corners around it, in either direction."""
    vertices = np.asarray(vertices, np.float64)
    middle = vertices.mean(0)
    normals, offsets = [], []
    for face in faces:
        a, b, c = vertices[face[0]], vertices[face[1]], vertices[face[2]]
        normal = np.cross(b - a, c - a)
        normal /= np.linalg.norm(normal)
        if normal @ (a - middle) < 0:
            normal = -normal
        normals.append(normal)
        offsets.append(normal @ a)
    low, high = vertices.min(0), vertices.max(0)
    radius = np.sqrt(((vertices - (low + high) / 2) ** 2).sum(1).max())
    return Solid(vector(*normals), vector(*offsets), vector(*(low + high) / 2), float(radius), material)


def between(first, second, material):
    """The body between two polygons with equally many corners (a prism, a frustum, a boat's hull)."""
    count = len(first)
    sides = [[i, (i + 1) % count, count + (i + 1) % count] for i in range(count)]
    return convex([*first, *second], [range(count), range(count, 2 * count), *sides], material)


def prism(profile, axis, low, high, material):
    """A flat convex profile drawn out along an axis; the profile's numbers are the two other coordinates."""
    first = [np.insert(np.asarray(corner, float), axis, low) for corner in profile]
    second = [np.insert(np.asarray(corner, float), axis, high) for corner in profile]
    return between(first, second, material)


def box(x0, x1, y0, y1, z0, z1, material):
    """A box along the axes."""
    return prism([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], 2, z0, z1, material)


def pyramid(base, tip, material):
    """A body from a polygon to a point above it."""
    count = len(base)
    sides = [[i, (i + 1) % count, count] for i in range(count)]
    return convex([*base, tip], [range(count), *sides], material)


def _enter(solid, origins, directions):
    """Where rays enter a solid: distance (FAR where they miss) and the number of the plane they cross."""
    entry = np.full(len(directions), -FAR, np.float32)
    leave = np.full(len(directions), FAR, np.float32)
    side = np.zeros(len(directions), np.int16)
    for number, (normal, offset) in enumerate(zip(solid.normals, solid.offsets, strict=True)):
        speed = directions @ normal
        distance = (offset - origins @ normal) / np.where(np.abs(speed) < 1e-9, np.float32(1e-9), speed)
        coming_in = speed < 0
        later = coming_in & (distance > entry)
        entry[later] = distance[later]
        side[later] = number
        leave = np.where(~coming_in & (distance < leave), distance, leave)
    return np.where((entry < leave) & (entry > 1e-3), entry, FAR), side


class Bundle:
    """Rays with the products that the test against many balls needs again and again."""

    def __init__(self, origins, directions):
        self.origins, self.directions = origins, directions
        self.start_along = np.einsum("ij,ij->i", np.broadcast_to(origins, directions.shape), directions)
        self.start_squared = np.einsum("ij,ij->i", origins, origins)

    def some(self, rays):
        """Some of the rays only."""
        part = object.__new__(Bundle)
        part.origins = self.origins if len(self.origins) == 1 else self.origins[rays]
        part.directions, part.start_along = self.directions[rays], self.start_along[rays]
        part.start_squared = self.start_squared if len(self.origins) == 1 else self.start_squared[rays]
        return part

    def near(self, solid):
        """Which rays pass through the ball around a solid (asking its planes is the slower question)."""
        along = self.directions @ solid.centre - self.start_along
        away = self.start_squared - 2 * (self.origins @ solid.centre) + solid.centre @ solid.centre
        return (away - along * along < solid.radius**2 + 0.1) & (along > -solid.radius)


class Heap:
    """Several things that stand together, and the ball around all of them, which is asked first."""

    def __init__(self, things, members):
        self.members = members
        self.centre = np.stack([things[number].centre for number in members]).mean(0)
        distances = [np.linalg.norm(things[number].centre - self.centre) + things[number].radius for number in members]
        self.radius = float(max(distances))


def near_things(heaps, things, bundle):
    """For each thing the rays that pass near it: its number and the numbers of the rays."""
    for heap in heaps:
        close = np.flatnonzero(bundle.near(heap))
        if not len(close):
            continue
        part = bundle.some(close)
        for number in heap.members:
            chosen = np.flatnonzero(part.near(things[number]))
            if len(chosen):
                yield number, close[chosen]


class Model:
    """All the solids of a scene, given as lists of solids that stand together."""

    def __init__(self, groups):
        self.solids, self.heaps = [], []
        for group in groups:
            members = range(len(self.solids), len(self.solids) + len(group))
            self.solids += group
            self.heaps.append(Heap(self.solids, members))

    def trace(self, origins, directions):
        """The first solid each ray meets: distance, number of the solid (-1 for none) and surface normal."""
        count = len(directions)
        distance = np.full(count, FAR, np.float32)
        which = np.full(count, -1, np.int32)
        normal = np.zeros((count, 3), np.float32)
        for number, rays in near_things(self.heaps, self.solids, Bundle(origins, directions)):
            solid = self.solids[number]
            entry, side = _enter(solid, origins if len(origins) == 1 else origins[rays], directions[rays])
            first = entry < distance[rays]
            rays = rays[first]
            distance[rays], which[rays] = entry[first], number
            normal[rays] = solid.normals[side[first]]
        return distance, which, normal

    def blocked(self, origins, directions, reach=FAR):
        """Whether anything stands in the way of the rays within `reach` metres."""
        result = np.zeros(len(directions), bool)
        for number, rays in near_things(self.heaps, self.solids, Bundle(origins, directions)):
            rays = rays[~result[rays]]
            result[rays] = _enter(self.solids[number], origins[rays], directions[rays])[0] < reach
        return result


def hemisphere(normal, first, second):
    """Directions around the normals, more of them near it (cosine law), from numbers in [0, 1)."""
    height = 1 - 2 * first
    ring = np.sqrt(np.maximum(1 - height * height, 0))
    angle = 2 * np.pi * second
    ball = np.stack([ring * np.cos(angle), height, ring * np.sin(angle)], -1).astype(np.float32)
    return unit(normal * np.float32(1.001) + ball)


# ----------------------------------------------------------------------------------------------------- leaves


@dataclass
class Leaves:
    """A cloud of small flat things: leaves, needles, grass blades, pieces of bark."""

    points: np.ndarray  # where they are
    normals: np.ndarray  # where they face
    sizes: np.ndarray  # half their length, in metres
    colours: np.ndarray  # the share of light they send back
    shapes: np.ndarray  # width divided by length; 1 is round
    opaque: np.ndarray  # 0 for leaves that light shines through, 1 for bark
    turns: np.ndarray  # how each is turned in the picture, in radians; 0 is level
    light: np.ndarray = field(default=None)  # the light that leaves them, once computed

    def __len__(self):
        return len(self.points)

    def chosen(self, which):
        """Some of the leaves only."""
        return Leaves(**{name: values[which] for name, values in vars(self).items()})


def gather(clouds):
    """Several clouds of leaves as one."""
    names = ["points", "normals", "sizes", "colours", "shapes", "opaque", "turns"]
    return Leaves(*[np.concatenate([getattr(cloud, name) for cloud in clouds]) for name in names])


class LeafShade:
    """How many leaves lie between a point and a far light, counted in columns along the light's direction."""

    def __init__(self, points, areas, light, cell=0.25):
        self.light, self.cell = light, cell
        self.side = unit(np.cross(light, vector(0.31, 0.9, 0.2)))
        self.other = np.cross(light, self.side)
        key, depth = self._column(points)
        order = np.lexsort((depth, key))
        self.keys, self.depths = key[order], depth[order]
        self.total = np.concatenate([[0], np.cumsum(areas[order].astype(np.float64))])
        self.combined = self.keys * 1e5 + self.depths

    def _column(self, points):
        column = np.floor(points @ self.side / self.cell).astype(np.int64) + 10000
        row = np.floor(points @ self.other / self.cell).astype(np.int64) + 10000
        # Depth grows away from the light and stays positive, so that key and depth fit into one number.
        return column * 20000 + row, 2e4 - (points @ self.light).astype(np.float64)

    def passing(self, points, gap=0.05, thinness=1.0):
        """The share of the light that gets through to the points."""
        key, depth = self._column(points)
        start = np.searchsorted(self.keys, key, side="left")
        end = np.searchsorted(self.combined, key * 1e5 + depth - gap, side="right")
        covered = self.total[np.maximum(end, start)] - self.total[start]
        return np.exp(-thinness * covered / self.cell**2).astype(np.float32)


def splat(camera, leaves, depth_limit, shift_x, shift_y, salt):
    """Draw the leaves into the picture: the number of the leaf each pixel shows (-1 for none) and its depth.

    `depth_limit` holds the depth of what is already there.  Leaves smaller than a pixel are drawn or left out
    at random; over many exposures they cover the right share of the pixel.
    """
    x, y, depth = camera.project(leaves.points)
    x, y = x + (0.5 - shift_x), y + (0.5 - shift_y)
    radius = leaves.sizes * camera.focal / np.maximum(depth, 0.05)
    seen = (depth > 0.3) & (leaves.points[:, 1] > 0) & (radius < 60)
    seen &= (x > -radius) & (x < camera.width + radius) & (y > -radius) & (y < camera.height + radius)
    number = np.flatnonzero(seen)
    angle = leaves.turns[number] * -camera.flip
    x, y, radius, depth = x[number], y[number], radius[number], depth[number]
    cos, sin = np.cos(angle), np.sin(angle)
    shape = leaves.shapes[number]
    pixels, depths, owners = [], [], []
    for reach in (0, 1, 2, 3, 5, 8, 12, 20, 32, 60):
        lowest = {0: 0, 1: 0.6, 2: 1.5, 3: 2.5, 5: 3.5, 8: 5.5, 12: 8.5, 20: 12.5, 32: 20.5, 60: 32.5}[reach]
        highest = {0: 0.6, 60: 1e9}.get(reach, reach + 0.5)
        group = np.flatnonzero((radius >= lowest) & (radius < highest))
        if not len(group):
            continue
        if reach == 0:
            area = 3.1 * radius[group] ** 2 * shape[group]
            group = group[hash01(number[group], salt) < area]
        column, row = np.floor(x[group]).astype(np.int32), np.floor(y[group]).astype(np.int32)
        for step_y in range(-reach, reach + 1):
            for step_x in range(-reach, reach + 1):
                px, py = column + step_x, row + step_y
                inside = (px >= 0) & (px < camera.width) & (py >= 0) & (py < camera.height)
                if reach:
                    dx, dy = px + 0.5 - x[group], py + 0.5 - y[group]
                    along = (dx * cos[group] + dy * sin[group]) / radius[group]
                    across = (dy * cos[group] - dx * sin[group]) / radius[group]
                    inside &= np.abs(across) < shape[group] * (1 - along * along)
                chosen = np.flatnonzero(inside)
                pixels.append(py[chosen] * camera.width + px[chosen])
                depths.append(depth[group[chosen]])
                owners.append(number[group[chosen]])
    owner = np.full(camera.width * camera.height, -1, np.int64)
    nearest = depth_limit.copy()
    if pixels:
        pixels, depths, owners = (np.concatenate(part) for part in (pixels, depths, owners))
        keep = depths < depth_limit[pixels]
        pixels, depths, owners = pixels[keep], depths[keep], owners[keep]
        order = np.argsort(-depths, kind="stable")  # the nearest is written last and stays
        owner[pixels[order]] = owners[order]
        nearest[pixels[order]] = depths[order]
    return owner, nearest


def shade_from(leaves, light, cell):
    """The shade of the leaves for a light in the given direction; 2.6 is for the shape of a leaf."""
    return LeafShade(leaves.points, 2.6 * leaves.sizes**2 * leaves.shapes, light, cell)


def crown(generator, centre, spread, clusters, leaves_each, leaf, colour, shape=0.55):
    """The leaves of a tree or bush: clusters scattered through a ball, brighter and denser outside."""
    direction = unit(generator.standard_normal((clusters, 3)))
    distance = generator.random((clusters, 1)) ** 0.4
    heart = direction * distance
    lumps = 0.22 * generator.random((clusters, 1)) + 0.12
    local = generator.standard_normal((clusters, leaves_each, 3)) * lumps[:, None]
    relative = (heart[:, None] + local * 0.8).reshape(-1, 3)
    points = np.asarray(centre) + relative * np.asarray(spread)
    outwards = unit(relative + 0.8 * unit(local.reshape(-1, 3)) + np.array([0, 0.35, 0]))
    normals = unit(outwards + 0.6 * generator.standard_normal(points.shape))
    tint = generator.normal(1, 0.10, (clusters, 1, 1)) * np.ones((1, leaves_each, 1))
    colours = np.asarray(colour) * (tint.reshape(-1, 1) + generator.normal(0, 0.12, (len(points), 1)))
    colours[:, 0] *= generator.normal(1, 0.12, len(points))
    return leaves_of(points, normals, leaf * generator.uniform(0.7, 1.25, len(points)), colours, shape, 0)


def leaves_of(points, normals, sizes, colours, shape, opaque, turns=None):
    """Pack arrays into a Leaves object, in float32."""
    count = len(points)
    full = np.ones(count, np.float32)
    return Leaves(
        points.astype(np.float32), normals.astype(np.float32), np.asarray(sizes).astype(np.float32),
        np.clip(colours, 0.005, 1).astype(np.float32), full * np.float32(shape), full * np.float32(opaque),
        np.asarray(2 * np.pi * hash01(np.arange(count), 11) if turns is None else turns).astype(np.float32),
    )  # fmt: skip


def branch(generator, start, end, thick, thin, colour=(0.13, 0.10, 0.075)):
    """A bent branch of overlapping scales of bark."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    length = np.linalg.norm(end - start)
    count = int(length / (0.16 * thin) * 1.5) + 8
    along = np.sort(generator.random(count))[:, None]
    bend = generator.normal(0, 0.05 * length, 3)
    radius = thick + (thin - thick) * along
    normals = unit(generator.standard_normal((count, 3)))
    points = start + (end - start) * along + bend * np.sin(np.pi * along) + normals * radius * 0.8
    colours = np.asarray(colour) * generator.uniform(0.6, 1.4, (count, 1))
    return leaves_of(points, normals, radius[:, 0] * 0.45 + 0.01, colours, 0.9, 1)


def tree(generator, foot, height, spread, leaf, colour, clusters, leaves_each):
    """A broad-leaved tree: trunk, main branches, and a crown of several balls at their ends."""
    foot = np.asarray(foot, float)
    fork = foot + np.array([0, height * 0.35, 0])
    parts = [branch(generator, foot, fork, height * 0.03, height * 0.022)]
    count = 9
    for number in range(count):
        turn = 2 * np.pi * number / count + generator.normal(0, 0.3)
        reach = spread * generator.uniform(0.35, 0.75)
        rise = height * generator.uniform(0.5, 0.88)
        if number == 0:
            reach, rise = 0, height * 0.85
        tip = foot + np.array([np.cos(turn) * reach, rise, np.sin(turn) * reach])
        parts.append(branch(generator, fork, tip, height * 0.014, height * 0.005))
        ball = spread * generator.uniform(0.36, 0.52)
        size = (ball, ball * 0.75, ball)
        parts.append(crown(generator, tip, size, clusters // count, leaves_each, leaf, colour))
    return gather(parts)


# ------------------------------------------------------------------------------------------------------- sky


class Sky:
    """A blue sky with heaped clouds: a layer of fog-like noise, crossed by rays and lit by the sun.

    The clouds are computed once, for a grid of compass and height angles, and looked up afterwards.
    """

    LOW, HIGH = 1.1, 2.0  # the layer of clouds, in kilometres
    LEFT, RIGHT, TOP = -64.0, 76.0, 52.0  # what part of the sky is kept, in degrees
    STEP = 0.14

    def __init__(self, noise, sun, cover=0.5, place=(0.0, 0.0), horizon=(0.58, 0.72, 0.90)):
        self.noise, self.sun, self.cover, self.place = noise, sun, cover, place
        self.horizon = vector(*horizon)
        turn, rise = np.meshgrid(
            np.radians(np.arange(self.LEFT, self.RIGHT, self.STEP)),
            np.radians(np.arange(0, self.TOP, self.STEP)),
        )
        directions = np.stack([np.cos(rise) * np.sin(turn), np.sin(rise), np.cos(rise) * np.cos(turn)], -1)
        self.map = self.clouds(directions.reshape(-1, 3).astype(np.float32)).reshape(*turn.shape, 4)

    def density(self, points, octaves):
        """How thick the cloud is at points in space: flat below, billowing above."""
        rise = (points[:, 1] - self.LOW) / (self.HIGH - self.LOW)
        profile = smooth_step(0.0, 0.10, rise) * smooth_step(1.05, 0.15, rise)
        x, z = points[:, 0] * 0.75 + self.place[0], points[:, 2] * 0.75 + self.place[1]
        fog = self.noise.solid_clouds(x, z, points[:, 1] * 0.9, octaves, 0.52)
        return np.clip((fog + 0.30 * (profile - 1) - (0.75 - 0.5 * self.cover)) * 5.5, 0, 1) * (profile > 0)

    def clouds(self, directions, steps=40):
        """Colour and cover of the clouds in the given directions."""
        colour = np.zeros((len(directions), 3), np.float32)
        clear = np.ones(len(directions), np.float32)
        start = self.LOW / np.maximum(directions[:, 1], 0.045)
        length = np.minimum((self.HIGH - self.LOW) / np.maximum(directions[:, 1], 0.045), 9.0) / steps
        offset = hash01(np.arange(len(directions)), 77)
        glow = 0.75 + 0.5 * np.maximum(directions @ self.sun, 0) ** 4
        for step in range(steps):
            rays = np.flatnonzero(clear > 0.02)
            reach = start[rays] + length[rays] * (step + offset[rays])
            points = directions[rays] * reach[:, None]
            thick = self.density(points, 6)
            full = thick > 0
            rays, points, thick = rays[full], points[full], thick[full]
            towards_sun = sum(self.density(points + np.float32(part) * self.sun, 4) for part in (0.05, 0.14, 0.30))
            lit = np.exp(-1.3 * towards_sun) * (1 - 0.5 * np.exp(-6 * thick)) * glow[rays]
            rise = ((points[:, 1] - self.LOW) / (self.HIGH - self.LOW))[:, None]
            bright = lit[:, None] * vector(2.5, 2.2, 1.85) + mix(
                vector(0.32, 0.36, 0.44), vector(0.48, 0.56, 0.70), rise
            )
            taken = clear[rays] * (1 - np.exp(-thick * length[rays] * 26))
            colour[rays] += taken[:, None] * bright
            clear[rays] -= taken
        # Far clouds drown in the haze over the horizon.
        near = np.exp(-start / 16)[:, None]
        cover = (1 - clear)[:, None]
        colour = colour * near + cover * (1 - near) * self.horizon
        fade = smooth_step(0.03, 0.10, directions[:, 1])[:, None]
        return np.concatenate([colour * fade, cover * fade], 1)

    def __call__(self, directions):
        """The light from the sky in the given directions."""
        up = np.maximum(directions[:, 1], 0.0)
        blue = mix(self.horizon, vector(0.105, 0.25, 0.62), smooth_step(-0.04, 0.60, up)[:, None] ** 0.85)
        blue = blue + (np.maximum(directions @ self.sun, 0) ** 5)[:, None] * vector(0.35, 0.26, 0.13)
        turn = np.degrees(np.arctan2(directions[:, 0], directions[:, 2]))
        rise = np.degrees(np.arcsin(np.clip(up, 0, 1)))
        cloud = look_up(self.map, (turn - self.LEFT) / self.STEP + 0.5, rise / self.STEP + 0.5)
        return blue * (1 - cloud[:, 3:]) + cloud[:, :3]


# ------------------------------------------------------------------------------------------------ development


def blur(picture, radius):
    """A Gaussian blur along both axes."""
    reach = max(1, int(3 * radius))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        padding = [(reach, reach) if number == axis else (0, 0) for number in range(picture.ndim)]
        padded = np.pad(picture, padding, mode="edge")
        size = picture.shape[axis]
        picture = sum(
            weight * padded.take(np.arange(start, start + size), axis) for start, weight in enumerate(weights)
        )
    return picture


def film_curve(light):
    """Bright parts bend over softly, as on film, instead of being cut off (a rational S-curve)."""
    light = np.maximum(light, 0)
    return np.clip(light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14), 0, 1)


def develop(light, exposure=1.0, seed=0, grain=0.0065, vignette=0.25, softness=0.45, saturation=1.0):
    """Turn linear light into a photograph: lens glow and softness, vignette, film curve, grain."""
    height, width = light.shape[:2]
    light = light * np.float32(exposure)
    light = light + 0.035 * (blur(np.minimum(light, 6), width / 60) - light)
    light = blur(light, softness)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light = light * (1 - vignette * ((x * x + y * y) / 2) ** 1.3)[..., None]
    grey = light @ vector(0.25, 0.65, 0.10)
    light = grey[..., None] + saturation * (light - grey[..., None])
    picture = film_curve(light * 0.8)
    picture = np.where(picture < 0.0031308, 12.92 * picture, 1.055 * picture ** (1 / 2.4) - 0.055)
    generator = np.random.default_rng(seed + 991)
    speckle = blur(generator.standard_normal((height, width, 1)).astype(np.float32), 0.6) * 2
    colour_speckle = blur(generator.standard_normal((height, width, 3)).astype(np.float32), 0.8)
    # Grain shows most in the middle tones.
    strength = grain * (0.4 + 2.4 * picture * (1 - picture))
    picture = picture + strength * (speckle + 0.5 * colour_speckle)
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def look_up(picture, x, y):
    """The colours of a picture at pixel positions with fractions (pixel centres at .5)."""
    height, width = picture.shape[:2]
    x = np.clip(x - 0.5, 0, width - 1.001)
    y = np.clip(y - 0.5, 0, height - 1.001)
    column, row = x.astype(np.int32), y.astype(np.int32)
    fx, fy = (x - column)[..., None], (y - row)[..., None]
    flat = picture.reshape(height * width, -1)
    start = row * width + column
    top = mix(flat[start], flat[start + 1], fx)
    bottom = mix(flat[start + width], flat[start + width + 1], fx)
    return mix(top, bottom, fy)
