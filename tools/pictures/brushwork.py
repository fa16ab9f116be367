"""A small paint box: noise, flow fields, palettes, and a canvas that takes brush strokes.

Every picture here is painted the way a person might do it.  First decide what is where (a colour map)
and how the hand moves (an angle at every point); then cover the canvas with strokes, broad ones first
and ever finer ones on top.  The canvas keeps two images: the colour, and the height of the paint.  The
height catches the light at the end, which is what turns flat marks into paint.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SUPERSAMPLING = 2  # the canvas is painted at twice the size and shrunk at the end: smooth edges


# ---------------------------------------------------------------- maps: one value for every pixel


def pixel_grid(width, height):
    """Two arrays (height, width): the x and the y of every pixel."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return x, y


def smoothstep(low, high, value):
    """0 below `low`, 1 above `high`, and a soft S between them (`low` may be the larger one)."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def fractal_noise(width, height, cell, octaves, rng):
    """Clouds: smooth noise whose largest lumps are about `cell` pixels, about -2 to 2, with mean 0."""
    total = np.zeros((height, width), np.float32)
    amplitude = 1.0
    for _ in range(octaves):
        columns, rows = int(width / cell) + 3, int(height / cell) + 3
        grid = rng.standard_normal((rows, columns)).astype(np.float32)
        size = (max(width, int(columns * cell)), max(height, int(rows * cell)))
        smooth = Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)
        total += amplitude * np.asarray(smooth)[:height, :width]
        amplitude *= 0.5
        cell = max(cell / 2, 2)
    return (total - total.mean()) / total.std()


def soften(values, radius):
    """A Gaussian blur of an array (height, width) or (height, width, 3)."""
    if values.ndim == 3:
        return np.stack([soften(values[..., channel], radius) for channel in range(values.shape[2])], axis=2)
    # Pillow blurs 8-bit images only, so blur by shrinking and growing: exact enough for a soft map.
    height, width = values.shape
    small = (max(2, round(width / radius)), max(2, round(height / radius)))
    image = Image.fromarray(values.astype(np.float32)).resize(small, Image.Resampling.BOX)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def look_up(array, x, y):
    """The values of a map at the points (x, y); a point outside gets the nearest pixel."""
    height, width = array.shape[:2]
    column = np.clip(np.round(x), 0, width - 1).astype(int)
    row = np.clip(np.round(y), 0, height - 1).astype(int)
    return array[row, column]


# ---------------------------------------------------------------- colour


def from_palette(palette, tone):
    """Colours along a list of RGB stops: tone 0 is the first, 1 the last, and between them a blend."""
    stops = np.asarray(palette, np.float32)
    position = np.clip(tone, 0, 1) * (len(stops) - 1)
    return np.stack([np.interp(position, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=-1)


def blend(below, above, amount):
    """`above` over `below`; `amount` is a map from 0 (nothing of it) to 1 (all of it)."""
    return below + (np.asarray(above, np.float32) - below) * np.asarray(amount)[..., None]


# ---------------------------------------------------------------- directions


def slope_angles(height_map):
    """The angle along the contour lines of a map: a brush that follows it never climbs."""
    down, across = np.gradient(height_map)
    return np.arctan2(-across, down)


def mix_angles(first, second, amount):
    """Turn from one angle map to another; `amount` goes from 0 (first) to 1 (second)."""
    x = (1 - amount) * np.cos(first) + amount * np.cos(second)
    y = (1 - amount) * np.sin(first) + amount * np.sin(second)
    return np.arctan2(y, x)


def trace(angles, x, y, steps, step_length):
    """Walk from the points (x, y) along the angle map; gives an array (points, steps + 1, 2)."""
    cosine, sine = np.cos(angles), np.sin(angles)
    path = [np.stack([x, y], axis=1)]
    for _ in range(steps):
        x = x + step_length * look_up(cosine, x, y)
        y = y + step_length * look_up(sine, x, y)
        path.append(np.stack([x, y], axis=1))
    return np.stack(path, axis=1)


def smear(values, angles, length, step=2.0):
    """Drag a map along the directions, as a wet brush drags paint: the mean over `length` pixels."""
    height, width = angles.shape
    x, y = (grid.ravel() for grid in pixel_grid(width, height))
    cosine, sine = np.cos(angles), np.sin(angles)
    total, count = values.astype(np.float32), 1
    for direction in (-step, step):
        here_x, here_y = x, y
        for _ in range(int(length / 2 / step)):
            move_x, move_y = look_up(cosine, here_x, here_y), look_up(sine, here_x, here_y)
            here_x, here_y = here_x + direction * move_x, here_y + direction * move_y
            total = total + look_up(values, here_x, here_y).reshape(values.shape)
            count += 1
    return total / count


def scattered_points(width, height, spacing, rng, margin=12):
    """Points over the whole frame, one somewhere in every square of a grid, in random order."""
    columns = np.arange(-margin, width + margin, spacing)
    rows = np.arange(-margin, height + margin, spacing)
    x, y = np.meshgrid(columns, rows)
    points = np.stack([x.ravel(), y.ravel()], axis=1) + rng.uniform(0, spacing, (x.size, 2))
    return rng.permutation(points)


def smooth_curve(points, count=60, closed=False):
    """About `count` points on a smooth path through the given ones (Catmull-Rom splines)."""
    p = np.asarray(points, np.float32)
    before, after = (p[-1:], p[:2]) if closed else (2 * p[:1] - p[1:2], 2 * p[-1:] - p[-2:-1])
    p = np.concatenate([before, p, after])
    spans = len(p) - 3
    t = np.linspace(0, 1, max(2, count // spans), endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        bend = 2 * a - 5 * b + 4 * c - d
        pieces.append(0.5 * (2 * b + (c - a) * t + bend * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*pieces, p[-2:-1]])


# ---------------------------------------------------------------- the canvas


class Canvas:
    """Paint in two images of the same size: what colour it has, and how thick it lies."""

    def __init__(self, width, height, ground, rng):
        self.width, self.height, self.rng = width, height, rng
        size = (width * SUPERSAMPLING, height * SUPERSAMPLING)
        self.colour = Image.new("RGB", size, tuple(int(c) for c in ground))
        self.relief = Image.new("L", size, 100)
        self._draw_colour = ImageDraw.Draw(self.colour)
        self._draw_relief = ImageDraw.Draw(self.relief)

    def stroke(self, path, width, colour, *, taper=0.6, bristle_contrast=16, body=1.0):
        """One brush stroke along `path` (points, 2): a ribbon of paint, then the furrows of the bristles.

        `taper` is how much the ends narrow (0: blunt, 1: to a point) and `body` how thick the paint is.
        """
        path = np.asarray(path, np.float32) * SUPERSAMPLING
        width = width * SUPERSAMPLING
        along = np.gradient(path, axis=0)
        along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
        t = np.linspace(0, 1, len(path))
        profile = 1 - taper * np.abs(2 * t - 1) ** 3
        side = normal * (profile * width / 2)[:, None]

        outline = np.concatenate([path + side, (path - side)[::-1]])
        thickness = 110 + body * self.rng.uniform(-25, 45)
        self._polygon(outline, colour, thickness)

        # Wider strokes have more bristles; each drags its own streak of lighter or darker paint.
        bristles = int(np.clip(width / 3, 1, 7))
        offsets = np.linspace(-0.8, 0.8, bristles) if bristles > 1 else [0.3]
        streaks = self.rng.normal(0, bristle_contrast, bristles)
        for offset, streak in zip(offsets, streaks, strict=True):
            start = self.rng.integers(0, max(1, len(path) // 3))
            line = (path + side * offset)[start:]
            self._line(line, colour + streak, thickness + body * streak * 2.2, max(1, round(width / 9)))

    def dab(self, x, y, size, colour, body=1.6):
        """A touch with the tip of the brush: a small blob of thick paint."""
        turn = np.linspace(0, 2 * np.pi, 9)[:-1]
        radius = size / 2 * self.rng.uniform(0.75, 1.2, 8)
        ring = np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1) * SUPERSAMPLING
        self._polygon(ring, np.asarray(colour, np.float32), 130 + 40 * body)

    def cover(
        self,
        colour_map,
        angles,
        *,
        width,
        length,
        density=1.0,
        where=None,
        colour_jitter=9,
        tone_jitter=10,
        tolerance=70,
        angle_jitter=0.1,
        **style,
    ):
        """Cover the canvas with strokes that follow `angles` and take their colours from `colour_map`.

        A stroke ends early where the map's colour has moved away from its own by more than `tolerance`:
        that keeps the edges of things.  `where` (a map of 0 to 1) is the chance of a stroke at a point.
        """
        rng = self.rng
        spacing = np.sqrt(width * length * 0.5 / density)
        points = scattered_points(self.width, self.height, spacing, rng, margin=length * 0.6)
        if where is not None:
            points = points[rng.random(len(points)) < look_up(where, points[:, 0], points[:, 1])]
        if len(points) == 0:
            return
        step = max(1.5, min(width * 0.8, length / 5))
        steps = max(3, int(length / step))
        # Half of a stroke lies behind its point: walk back first, then draw forward from there.
        behind = trace(angles + np.pi, points[:, 0], points[:, 1], steps // 2, step)
        ahead = trace(angles, points[:, 0], points[:, 1], steps - steps // 2, step)
        own = look_up(colour_map, points[:, 0], points[:, 1]).astype(np.float32)
        behind_count = self._count_alike(colour_map, behind, own, tolerance)
        ahead_count = self._count_alike(colour_map, ahead, own, tolerance)

        lean = rng.normal(0, angle_jitter, len(points))
        for i in range(len(points)):
            path = np.concatenate([behind[i, 1 : behind_count[i]][::-1], ahead[i, : ahead_count[i]]])
            if len(path) < 2:
                continue
            path = _turned(path, lean[i])
            colour = own[i] + rng.normal(0, tone_jitter) + rng.normal(0, colour_jitter, 3)
            self.stroke(path, width * rng.uniform(0.65, 1.25), colour, **style)

    def finish(self, light=0.9, weave=2.0, weave_cell=3):
        """Shrink the canvas to its size and let light fall on the paint from the upper left."""
        size = (self.width, self.height)
        colour = np.asarray(self.colour.resize(size, Image.Resampling.LANCZOS), np.float32)
        relief = self.relief.filter(ImageFilter.GaussianBlur(0.7 * SUPERSAMPLING))
        relief = np.asarray(relief.resize(size, Image.Resampling.BOX), np.float32)
        down, across = np.gradient(relief)
        shade = np.clip(-(across + down) * light, -34, 34)
        # Dark paint takes less light than bright paint, but it takes some: wet oil shines.
        lit = colour + shade[..., None] * (0.55 + 0.45 * colour / 255)
        return Image.fromarray(np.clip(lit + self._weave(weave, weave_cell), 0, 255).astype(np.uint8))

    def _weave(self, strength, cell):
        """The threads of the linen, over and under, with a little irregularity."""
        x, y = pixel_grid(self.width, self.height)
        threads = np.sin(np.pi * x * 2 / cell) * np.sin(np.pi * y * 2 / cell)
        grain = self.rng.normal(0, 1, (self.height, self.width))
        return (strength * (0.6 * threads + 0.7 * grain))[..., None]

    @staticmethod
    def _count_alike(colour_map, paths, own, tolerance):
        """For every path, how many points from its start have nearly the colour `own`."""
        colours = look_up(colour_map, paths[..., 0], paths[..., 1])
        alike = np.abs(colours - own[:, None]).sum(axis=2) < 3 * tolerance
        return np.cumprod(alike, axis=1).sum(axis=1)

    def _polygon(self, points, colour, thickness):
        flat = points.ravel().tolist()
        self._draw_colour.polygon(flat, fill=_ink(colour))
        self._draw_relief.polygon(flat, fill=int(min(max(thickness, 0), 255)))

    def _line(self, points, colour, thickness, width):
        flat = points.ravel().tolist()
        self._draw_colour.line(flat, fill=_ink(colour), width=width)
        self._draw_relief.line(flat, fill=int(min(max(thickness, 0), 255)), width=width)


def _ink(colour):
    red, green, blue = colour
    return (int(min(max(red, 0), 255)), int(min(max(green, 0), 255)), int(min(max(blue, 0), 255)))


def _turned(path, angle):
    """The path turned about its middle: no hand follows a direction exactly."""
    middle = path[len(path) // 2]
    cosine, sine = np.cos(angle), np.sin(angle)
    offset = path - middle
    return middle + np.stack(
        [offset[:, 0] * cosine - offset[:, 1] * sine, offset[:, 0] * sine + offset[:, 1] * cosine], axis=1
    )
