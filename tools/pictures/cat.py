"""A ginger cat by a window: the body of cat_model.py, covered with some hundred thousand hairs.

Every hair grows from a point that a ray has found, away from the nose on the head and down on the body, and has
the colour of its root.  Hairs that grow later in that direction lie below.
"""

import numpy as np
from cat_model import CENTRE, EYE, EYE_RADIUS, HEAD, VIEW, ear_distance, look, on_face
from PIL import Image, ImageDraw
from scenes import Noise, blur, dot, hash01, mix, smooth_step, unit, vector

SCALE = 2  # hairs are drawn at twice the size
GINGER, DARK, PALE = vector(0.60, 0.235, 0.060), vector(0.27, 0.080, 0.018), vector(0.80, 0.44, 0.165)
WHITE, PINK = vector(0.92, 0.86, 0.76), vector(0.66, 0.27, 0.22)
NOSE = vector(0.0, -0.19, 1.10)
# Half the outline of the nose, from the top down, in the head's x and y.
HALF_NOSE = np.array(
    [(0, -0.100), (0.05, -0.098), (0.105, -0.112), (0.128, -0.140), (0.105, -0.180), (0.06, -0.222), (0, -0.262)]
)


# ------------------------------------------------------------------------------------------------- colours


def coat(seen, noise):
    """The colour of the fur: ginger with darker stripes, white round the mouth and on the chest."""
    p = seen.point @ HEAD
    x, y, z = p[:, 0], p[:, 1], p[:, 2]
    wobble = noise.solid_clouds(p[:, 0] * 2.2 + 9, p[:, 1] * 2.2, p[:, 2] * 2.2, 3) - 0.5
    across = np.abs(x)
    # Over the forehead the stripes run up from the eyes, as an M; on the cheeks they run back from them.
    fan = np.arctan2(across, np.maximum(y + 0.55, 0.05))
    brow = np.cos(fan * 19 + 3.5 * wobble + 0.3) * smooth_step(0.18, 0.42, y) * smooth_step(1.0, 0.75, across)
    slant = y + 0.42 * across
    cheek = np.cos(slant * 15 + 4 * wobble + 1.2) * smooth_step(0.42, 0.66, across) * smooth_step(0.30, 0.05, y)
    back = np.cos(seen.point[:, 1] * 9 - 2.5 * seen.point[:, 0] + 6 * wobble) * (seen.part == 2)
    back = back * smooth_step(0.25, 0.7, seen.point[:, 0])
    stripes = np.maximum(smooth_step(-0.05, 0.5, brow), smooth_step(0.1, 0.65, np.maximum(cheek, back)))
    colour = mix(GINGER, PALE, smooth_step(-0.1, 0.35, wobble + 0.15 * (z - 0.3))[:, None])
    colour = mix(colour, DARK, 0.85 * stripes[:, None])
    muzzle = np.hypot(x / 1.05, (y + 0.46) / 0.80) + 0.35 * np.maximum(y + 0.24, 0)
    blaze = (across + 0.20 * np.maximum(y, 0) + 0.05 * wobble) / (z > 0.3).clip(1e-3)
    white = np.maximum(smooth_step(0.52, 0.34, muzzle + 0.10 * wobble), 0.7 * smooth_step(0.14, 0.02, blaze))
    from_eye = np.stack([across, y, z], -1) - EYE
    around_eye = np.sqrt(dot(from_eye, from_eye))
    colour = mix(colour, PALE * 1.08, (0.8 * smooth_step(0.42, 0.32, around_eye))[:, None])
    colour = mix(colour, WHITE, (white * (seen.part == 0) * (z > 0))[:, None])
    aside = np.abs(seen.point[:, 0] + 0.15) + 0.35 * wobble
    chest = smooth_step(0.62, 0.30, aside) * smooth_step(-0.5, -0.8, seen.point[:, 1])
    colour = mix(colour, WHITE, (chest * (seen.part == 2))[:, None])
    hollow = smooth_step(0.05, -0.03, ear_distance(p)[1]) * (seen.part == 1)
    return mix(colour, PINK, (0.9 * hollow)[:, None]), hollow


def growth(seen):
    """The direction in which hair grows (in space), how long it is, and its order: the last lie on top."""
    p = seen.point @ HEAD
    side = np.sign(p[:, 0])
    from_nose = p - NOSE * vector(1, 1, 0.9)
    along = unit(from_nose) + vector(0, -0.25, -0.2) * smooth_step(0.1, -0.3, p[:, 1])[:, None]
    tip = np.stack([0.28 * side, np.ones_like(side), 0 * side], -1)
    head, ears, body = ((seen.part == k)[:, None] for k in range(3))
    spread = np.stack([0.35 * seen.point[:, 0], -np.ones_like(side), 0.15 + 0 * side], -1)
    along = (along * head + tip * ears) @ HEAD.T + spread * body
    along = along - 0.92 * dot(along, seen.normal)[:, None] * seen.normal
    reach = np.sqrt(dot(from_nose, from_nose))
    length = 0.045 + 0.115 * smooth_step(0.25, 1.1, reach)
    length = np.where(seen.part == 1, 0.10, np.where(seen.part == 2, 0.27, length))
    order = np.where(seen.part == 2, seen.point[:, 1] - 20, np.where(seen.part == 1, -10 - p[:, 1], -reach))
    return along / np.maximum(np.sqrt(dot(along, along)), 0.5)[:, None], length, order


# ------------------------------------------------------------------------------------------------- the picture


def ink(colour):
    """Linear light as 8-bit values."""
    tone = 1 - np.exp(-1.35 * np.clip(colour, 0, None))
    return np.clip(255 * (1.12 * tone) ** (1 / 2.2), 0, 255)


class Sheet:
    """Draws in the coordinates of the picture, at twice the size."""

    def __init__(self, background):
        self.height, self.width = background.shape[:2]
        size = (self.width * SCALE, self.height * SCALE)
        self.image = Image.fromarray(background.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
        self.pen = ImageDraw.Draw(self.image)
        self.unit = self.width * SCALE / VIEW

    def pixels(self, points):
        x = (points[..., 0] - CENTRE[0]) * self.unit + self.width * SCALE / 2
        return np.stack([x, self.height * SCALE / 2 - (points[..., 1] - CENTRE[1]) * self.unit], -1)

    def hair(self, path, width, colour):
        """A curved line that narrows to its tip; `width` in pixels of the picture."""
        path = self.pixels(np.asarray(path))
        along = np.gradient(path, axis=0)
        side = np.stack([-along[:, 1], along[:, 0]], 1) / np.maximum(np.hypot(*along.T), 1e-6)[:, None]
        side = side * (np.linspace(1, 0.12, len(path)) * width * SCALE / 2)[:, None]
        outline = np.concatenate([path + side, (path - side)[::-1]])
        self.pen.polygon(outline.ravel().tolist(), fill=tuple(int(v) for v in colour))

    def shape(self, points, colour):
        self.pen.polygon(self.pixels(points).ravel().tolist(), fill=tuple(int(v) for v in ink(vector(*colour))))


def background(width, height, noise, rng):
    """A garden out of focus, seen through a window: blue-green, with discs of light."""
    x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / width)
    x, y = x.astype(np.float32), y.astype(np.float32)
    bright = smooth_step(0.3, 0.75, noise.clouds(x * 3.1 + 4, y * 3.1 + 2, 3) + 0.35 * (0.5 - y))[..., None]
    leafy = smooth_step(0.45, 0.7, noise.clouds(x * 4 + 40, y * 4, 3))[..., None]
    picture = mix(vector(0.008, 0.034, 0.042), vector(0.055, 0.16, 0.165), bright)
    picture = mix(picture, vector(0.085, 0.165, 0.045), 0.75 * leafy)
    for _ in range(46):
        cx, cy, radius = rng.uniform(0, 1), rng.uniform(-0.05, 0.75) * height / width, rng.uniform(0.022, 0.060)
        tint = ((0.55, 0.60, 0.30), (0.25, 0.50, 0.50), (0.75, 0.55, 0.25))[rng.integers(3)]
        ratio = np.hypot(x - cx, y - cy) / radius
        disc = smooth_step(1.06, 0.94, ratio) * (0.75 + 0.35 * smooth_step(0.6, 1.0, ratio)) * rng.uniform(0.04, 0.26)
        picture = picture + disc[..., None] * vector(*tint)
    return blur(picture, 0.006 * width)


def grow_fur(sheet, seen, colour, hollow, rng):
    """Draw the hairs, those below first."""
    along, length, order = growth(seen)
    root = np.flatnonzero((rng.random(len(order)) > 0.42 * (seen.part == 2)) & (hollow < 0.75))
    root = root[np.argsort(order[root] + rng.normal(0, 0.012, len(root)))]
    bend = rng.normal(0, 0.16, (len(root), 3)) * vector(1, 1, 0)
    reach = length[root] * rng.uniform(0.6, 1.25, len(root))
    tone = rng.normal(1, 0.22, len(root)).clip(0.45, 1.7)
    # Hairs in one tuft are alike: light and dark tufts make the coat look combed.
    tuft = hash01(*np.floor((seen.point[root] @ HEAD) * 13).T)
    shade = ink(colour[root] * seen.light[root] * (tone * (0.84 + 0.32 * tuft))[:, None])
    thick = np.where(seen.part[root] == 2, 2.1, 1.25) + 0.3 * rng.random(len(root))
    t = np.array((0, 0.4, 0.75, 1.0))[:, None]
    for start, way, turn, long, width, value in zip(
        seen.point[root], along[root], bend, reach, thick, shade, strict=True
    ):
        sheet.hair(start + (way * t + turn * t**2) * long, width, value)


def lid_distance(local, side):
    """How far points of an eyeball lie inside the opening between the lids (negative: below a lid), and how high."""
    forward = unit(vector(0.20 * side, -0.02, 1.0))
    right = unit(np.cross(vector(0, 1, 0), forward)) * side
    u, v = local @ right, local @ np.cross(forward, right) * side
    u, v = u * np.cos(0.17) + v * np.sin(0.17) - 0.02, v * np.cos(0.17) - u * np.sin(0.17)  # the outer corner is higher
    # The upper lid is rounder than the lower; both meet in the corners.
    bow = np.clip(1 - (u / 0.84) ** 2, 0, None)
    lid = np.where(v > 0, 0.72, 0.58) * bow ** np.where(v > 0, 0.60, 0.75) - np.abs(v)
    return np.minimum(lid, 0.86 - np.abs(u)), v


def iris(n, side):
    """The light from points of an eyeball: iris, upright pupil, and what is mirrored on it."""
    gaze = unit(0.55 * (HEAD @ unit(vector(0.20 * side, -0.02, 1.0))) + 0.45 * vector(0, 0, 1))
    a, b = n @ unit(np.cross(vector(0, 1, 0), gaze)), n[:, 1] - gaze[1]
    rho, turn = np.hypot(a, b) / 0.72, np.arctan2(b, a)
    fibres = np.cos(turn * 37 + 3 * np.sin(turn * 11)) * 0.5 + np.cos(turn * 71 + side) * 0.3
    light = mix(vector(0.62, 0.46, 0.06), vector(0.17, 0.29, 0.075), smooth_step(0.30, 0.85, rho)[:, None])
    light = light * ((1 + 0.16 * fibres) * (1 - 0.75 * smooth_step(0.80, 1.02, rho)))[:, None]
    pupil = (a / 0.23) ** 2 + (b / 0.54) ** 2
    light = mix(light, vector(0.006, 0.006, 0.008), smooth_step(1.12, 0.92, pupil)[:, None])
    glow = np.exp(-(((a - 0.22) / 0.24) ** 2) - ((b + 0.26) / 0.16) ** 2)
    glint = smooth_step(1.15, 0.85, np.hypot((a + 0.20) / 0.125, (b - 0.22) / 0.155))
    glint = glint + 0.45 * smooth_step(1.2, 0.6, np.hypot((a - 0.17) / 0.06, (b + 0.24) / 0.05))
    return light, glow[:, None] * vector(0.09, 0.126, 0.03) + glint[:, None] * vector(1.9, 2.0, 2.1)


def eyes(sheet, rng):
    """Both eyes, looking at the viewer, and the fur round them."""
    width, height = sheet.width * SCALE, sheet.height * SCALE
    x, y = np.meshgrid((np.arange(width) + 0.5) / width - 0.5, (0.5 * height - np.arange(height) - 0.5) / width)
    flat = np.stack([x * VIEW + CENTRE[0], y * VIEW + CENTRE[1]], -1).astype(np.float32)
    picture = np.asarray(sheet.image, np.float32).reshape(-1, 3).copy()
    middles = {side: HEAD @ (EYE * vector(side, 1, 1)) for side in (-1, 1)}
    for side, middle in middles.items():
        away = (flat - middle[:2]).reshape(-1, 2) / EYE_RADIUS
        inside = np.flatnonzero((away**2).sum(1) < 0.98)
        n = away[inside]
        n = np.concatenate([n, np.sqrt(1 - (n**2).sum(1, keepdims=True))], 1)
        lid, v = lid_distance(n @ HEAD, side)
        light, mirrored = iris(n, side)
        shade = 0.40 + 0.95 * smooth_step(0.02, 0.42, np.where(v > 0, lid, 0.5)) - 0.25 * (v > 0.1)  # of the upper lid
        colour = light * shade[:, None] + mirrored
        colour = mix(vector(0.030, 0.014, 0.010), colour, smooth_step(0.045, 0.085, lid)[:, None])
        cover = np.zeros(len(picture), np.float32)
        cover[inside] = smooth_step(-0.055, -0.015, lid)
        picture[inside] = mix(picture[inside], ink(colour), cover[inside, None])
        # The fur lies in the shade of the brow just above the lid.
        socket = np.exp(-((((away - (0.10 * side, 0.12)) / (1.15, 1.0)) ** 2).sum(1) ** 1.5))
        picture *= (1 - 0.24 * socket * (1 - cover))[:, None]
    sheet.image.paste(Image.fromarray(picture.reshape(height, width, 3).astype(np.uint8)))
    t = np.linspace(0, 1, 4)[:, None]
    for side, middle in middles.items():  # short hairs of the brow and the cheek hang over the rim
        for turn in rng.uniform(0, 2 * np.pi, 260):
            way = np.array((np.cos(turn), np.sin(turn)))
            if way[0] * side < -0.35:
                continue
            start = middle[:2] + EYE_RADIUS * way * (0.90, 0.76) * rng.uniform(0.94, 1.12)
            drift = np.array((0.8 * side, 0.1 + 0.5 * way[1])) * rng.uniform(0.03, 0.07)
            tone = rng.uniform(0.35, 0.95) * (1.05 if way[1] < 0 else 0.85)
            sheet.hair(start + t * drift, 1.2, ink(mix(GINGER, PALE, rng.random()) * tone))


def face(sheet):
    """Nose and mouth, and the dots that the whiskers grow from."""
    for size, rise, colour in (
        (1.10, 0, (0.16, 0.05, 0.04)),
        (1.0, 0, (0.52, 0.20, 0.16)),
        (0.80, 0.012, (0.68, 0.30, 0.25)),
        (0.52, 0.03, (0.86, 0.46, 0.40)),
    ):
        x, y = HALF_NOSE[:, 0] * size, HALF_NOSE[:, 1] * size - 0.175 * (1 - size) + rise
        sheet.shape(on_face(np.append(x, -x[::-1]), np.append(y, y[::-1])), colour)
    t = np.linspace(0, 2 * np.pi, 14)
    for side in (-1, 1):
        across, up = 0.036 * np.cos(t) + 0.012 * np.sin(t), 0.016 * np.sin(t) + 0.010 * np.cos(t)
        sheet.shape(on_face(side * (0.066 + across), -0.188 + up), (0.03, 0.008, 0.008))
        x = side * np.array((0.0, 0.006, 0.05, 0.12, 0.20, 0.27))
        y = np.array((-0.26, -0.345, -0.415, -0.440, -0.425, -0.385))
        sheet.hair(on_face(x, y), 3.4, (78, 42, 32))
        for row in range(3):
            for k in range(4):
                x, y = 0.15 + 0.055 * k, -0.315 - 0.042 * row - 0.012 * k
                sheet.shape(on_face(side * (x + 0.008 * np.cos(t)), y + 0.008 * np.sin(t)), (0.25, 0.14, 0.08))


def whiskers(sheet, rng):
    """Beside the mouth and above the eyes."""
    t = np.linspace(0, 1, 14)[:, None]
    for side in (-1, 1):
        for _ in range(11):
            start = on_face([side * rng.uniform(0.19, 0.33)], [rng.uniform(-0.43, -0.31)])[0]
            way = HEAD @ unit(vector(side, rng.uniform(-0.32, 0.22), 0.25)) * rng.uniform(0.8, 1.25)
            path = start + t * way + t**2 * vector(0, rng.uniform(-0.26, 0.02), 0)
            sheet.hair(path, rng.uniform(1.2, 2.1), (242, 238, 230))
        for _ in range(4):
            start = on_face([side * rng.uniform(0.30, 0.42)], [rng.uniform(0.40, 0.46)])[0]
            way = HEAD @ unit(vector(0.45 * side, 1, 0.5)) * rng.uniform(0.35, 0.6)
            sheet.hair(start + t * way + t**2 * vector(0.12 * side, -0.04, 0), 1.2, (232, 214, 186))


def ear_tufts(sheet, rng):
    """Long pale hairs that cover the inner half of each ear."""
    for side in (-1, 1):
        for _ in range(90):
            t = rng.random()
            start = vector(side * (0.42 + 0.20 * t + rng.normal(0, 0.025)), 0.80 + 0.20 * t + rng.normal(0, 0.02), 0.16)
            way = unit(vector(side * rng.uniform(0.35, 0.9), rng.uniform(0.5, 1.0), 0.2)) * rng.uniform(0.12, 0.30)
            s = np.linspace(0, 1, 6)[:, None]
            shade = ink(mix(PALE, WHITE, 0.8 * rng.random()) * rng.uniform(0.6, 1.2))
            sheet.hair((start + s * way + s**2 * vector(0.05 * side, -0.05, 0)) @ HEAD.T, 1.2, shade)


def paint(width=640, height=640, seed=37):
    """Return the picture as a PIL image."""
    rng, noise = np.random.default_rng(seed), Noise(seed)
    seen = look(width, height)
    colour, hollow = coat(seen, noise)
    picture = background(width, height, noise, rng).reshape(-1, 3)
    picture[seen.there] = 0.75 * colour * seen.light
    sheet = Sheet(ink(picture.reshape(height, width, 3)))
    grow_fur(sheet, seen, colour, hollow, rng)
    ear_tufts(sheet, rng)
    eyes(sheet, rng)
    face(sheet)
    whiskers(sheet, rng)
    picture = np.asarray(sheet.image.resize((width, height), Image.Resampling.LANCZOS), np.float32)
    picture = blur(picture, 0.45) + blur(rng.normal(0, 2.5, (height, width, 1)).astype(np.float32), 0.6)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
