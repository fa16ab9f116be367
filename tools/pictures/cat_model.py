"""The cat of cat.py as a body: given by its distance function, found by rays, lit from a window and from behind.

The head has its own coordinates, in half its width: x to the right, y up, z out of the face.
"""

from dataclasses import dataclass

import numpy as np
from scenes import dot, mix, unit, vector

VIEW = 3.62  # width of the picture, in half widths of the head
CENTRE = vector(0.04, -0.16, 0)  # what the picture's middle shows
KEY, KEY_LIGHT = unit(vector(-0.62, 0.55, 0.62)), vector(1.80, 1.52, 1.14)
RIM, RIM_LIGHT = unit(vector(0.80, 0.35, -0.48)), vector(0.50, 0.68, 0.92)
AMBIENT = vector(0.24, 0.28, 0.34)
EYE, EYE_RADIUS = vector(0.395, 0.075, 0.645), 0.300


def turned(yaw, pitch, roll):
    """The rotation from the head's coordinates to those of the picture."""
    (cy, cp, cr), (sy, sp, sr) = np.cos((yaw, pitch, roll)), np.sin((yaw, pitch, roll))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (about_z @ about_x @ about_y).astype(np.float32)


HEAD = turned(-0.36, 0.06, 0.10)  # a three-quarter view, a little tilted


# ------------------------------------------------------------------------------------------------- the body


def ellipsoid(p, centre, radii):
    """About the distance to an ellipsoid."""
    q = (p - vector(*centre)) / vector(*radii)
    length = np.sqrt(dot(q, q))
    return (length - 1) * min(radii) * np.maximum(length, 0.6) ** 0.3


def cone(p, start, end, first, last, flat=1.0):
    """The distance to a rod that narrows from one radius to another; `flat` presses it together along z."""
    p, a, b = (np.asarray(v, np.float32) * vector(1, 1, flat) for v in (p, start, end))
    t = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    away = p - a - t[:, None] * (b - a)
    return (np.sqrt(dot(away, away)) - (first + (last - first) * t)) / flat


def join(a, b, width):
    """The union of two bodies, with a rounded seam."""
    t = np.clip(0.5 + 0.5 * (b - a) / width, 0, 1)
    return mix(b, a, t) - width * t * (1 - t)


def head_distance(p):
    """The head without its ears; the face is the same on both sides."""
    p = np.stack([np.abs(p[:, 0]), p[:, 1], p[:, 2]], -1)
    d = ellipsoid(p, (0, 0.08, 0.0), (0.94, 0.83, 0.84))
    d = join(d, ellipsoid(p, (0.52, -0.30, 0.20), (0.46, 0.40, 0.50)), 0.25)
    d = join(d, cone(p, (0, 0.42, 0.62), (0, -0.14, 0.95), 0.25, 0.15), 0.22)
    d = join(d, ellipsoid(p, (0.18, -0.37, 0.82), (0.25, 0.20, 0.25)), 0.10)
    d = join(d, ellipsoid(p, (0, -0.56, 0.70), (0.20, 0.16, 0.22)), 0.12)
    socket = ellipsoid(p, EYE + vector(0.0, 0.0, 0.33), (0.27, 0.21, 0.22))
    d = -join(-d, socket, 0.14)
    return join(d, ellipsoid(p, EYE, (EYE_RADIUS,) * 3), 0.035)


def ear_distance(p):
    """Both ears, and how deep a point lies in their hollow (positive inside)."""
    p = np.stack([np.abs(p[:, 0]), p[:, 1], p[:, 2]], -1)
    outer = cone(p, (0.52, 0.42, -0.02), (0.80, 1.20, -0.04), 0.58, 0.04, 2.6)
    hollow = cone(p, (0.575, 0.56, 0.24), (0.78, 1.10, 0.14), 0.43, 0.03, 2.2)
    return np.maximum(outer, -hollow), hollow


def body_distance(p):
    """Neck, chest and shoulders, in the coordinates of the picture."""
    d = cone(p, (0.0, -0.5, -0.35), (0.10, -1.6, -0.45), 0.66, 0.95)
    d = join(d, ellipsoid(p, (0.12, -2.05, -0.25), (1.12, 1.05, 0.80)), 0.3)
    return join(d, ellipsoid(p, (0.85, -2.1, -0.75), (0.85, 1.15, 0.8)), 0.3)


def distance(p):
    """The distance to the cat and which part is nearest: 0 head, 1 ears, 2 body."""
    local = p @ HEAD
    parts = np.stack([head_distance(local), ear_distance(local)[0], body_distance(p)])
    return parts.min(0), parts.argmin(0)


# ------------------------------------------------------------------------------------------------- what rays find


@dataclass
class Seen:
    """For every pixel: whether the cat is there, the point, its normal, its part, and the light on it."""

    there: np.ndarray
    point: np.ndarray
    normal: np.ndarray
    part: np.ndarray
    light: np.ndarray


def look(width, height):
    """Send a ray through every pixel, straight ahead."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width - 0.5, (0.5 * height - np.arange(height) - 0.5) / width)
    point = np.stack([x * VIEW, y * VIEW, np.full(x.shape, 2.2)], -1).reshape(-1, 3).astype(np.float32) + CENTRE
    going = np.arange(len(point))
    for _ in range(70):
        gap, _ = distance(point[going])
        point[going, 2] -= 0.75 * gap
        going = going[(gap > 0.002) & (point[going, 2] > -2.2)]
    there = np.flatnonzero(point[:, 2] > -1.9)
    here = point[there]
    steps = 0.02 * vector((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1))
    normal = unit(sum(step * distance(here + step)[0][:, None] for step in steps))
    shadow = np.ones(len(here), np.float32)
    for reach in np.arange(0.06, 0.9, 0.07):
        shadow = np.minimum(shadow, np.clip(0.5 + 7 * distance(here + 0.03 * normal + reach * KEY)[0] / reach, 0, 1))
    open_sky = np.ones(len(here), np.float32)
    for reach in (0.08, 0.2, 0.4):
        open_sky -= 0.5 * np.clip(reach - distance(here + reach * normal)[0], 0, None)
    facing = np.clip((normal @ KEY + 0.10) / 1.10, 0, 1) * (0.25 + 0.75 * shadow)
    rim = np.clip(normal @ RIM, 0, 1) ** 1.5
    light = facing[:, None] * KEY_LIGHT + rim[:, None] * RIM_LIGHT
    light += (AMBIENT * (0.7 + 0.3 * normal[:, 1:2])) * np.clip(open_sky, 0.25, 1)[:, None]
    return Seen(there, here, normal, distance(here)[1], light.astype(np.float32))


def on_face(x, y):
    """Where points of the face, given by x and y of the head, are in the picture (its coordinates, not pixels)."""
    p = np.stack([np.asarray(x, float), np.asarray(y, float), np.full(len(x), 1.6)], -1).astype(np.float32)
    for _ in range(60):
        p[:, 2] -= 0.7 * head_distance(p)
    return p @ HEAD.T
