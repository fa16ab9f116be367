"""The training pictures: reading them, drawing more of them, cutting crops, and spoiling some crops."""

import io
import math
import random
import tarfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.nn import functional as F

SIDE = 256  # every picture is kept in memory as SIDE x SIDE bytes per colour
HELD_OUT_EVERY = 20  # one picture in twenty is never trained on
SUFFIXES = (".jpg", ".jpeg", ".png")


def read_square(file) -> np.ndarray:
    """One picture as (3, SIDE, SIDE) bytes, cut to its central square if it is not one."""
    picture = Image.open(file).convert("RGB")
    short = min(picture.size)
    left, top = (picture.width - short) // 2, (picture.height - short) // 2
    if picture.size != (SIDE, SIDE):
        box = (left, top, left + short, top + short)
        picture = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box)
    return np.asarray(picture).transpose(2, 0, 1)


def read_pictures(sources: list[str | Path]) -> torch.Tensor:
    """All pictures of the given tar files and folders, in sorted order, as one uint8 tensor."""
    pictures = []
    for source in map(Path, sources):
        if source.is_dir():
            paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
            pictures += [read_square(path) for path in paths]
        else:
            with tarfile.open(source) as archive:
                members = sorted((m for m in archive if m.name.lower().endswith(SUFFIXES)), key=lambda m: m.name)
                pictures += [read_square(io.BytesIO(archive.extractfile(member).read())) for member in members]
    if not pictures:
        raise ValueError(f"no pictures ({', '.join(SUFFIXES)}) in {[str(source) for source in sources]}")
    return torch.from_numpy(np.stack(pictures))


def split(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(training pictures, held-out pictures): every twentieth picture is held out."""
    held_out = torch.arange(len(pictures)) % HELD_OUT_EVERY == 0
    return pictures[~held_out], pictures[held_out]


# ------------------------------------------------------------------------------------- drawn pictures


def draw_flat_art(rng: random.Random) -> np.ndarray:
    """Flat coloured shapes with crisp outlines: what posters contain and photographs hardly do."""
    scale = 2  # drawn at twice the size and reduced, so that edges are smooth
    size = SIDE * scale
    palette = [tuple(rng.randrange(256) for _ in range(3)) for _ in range(rng.randint(3, 9))]
    picture = Image.new("RGB", (size, size), rng.choice(palette))
    draw = ImageDraw.Draw(picture)
    outline_width = rng.choice([0, 0, 2, 4, 8])
    outline = rng.choice([(0, 0, 0), (20, 20, 40), (255, 255, 255), rng.choice(palette)])
    for _ in range(rng.randint(20, 220)):
        radius = min(size / 2.5, 10 * (1 - rng.random()) ** -0.7)  # many small shapes, few large: "dead leaves"
        x, y, colour = rng.random() * size, rng.random() * size, rng.choice(palette)
        if rng.random() < 0.4:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour, outline, outline_width)
            continue
        corners, turn, stretch = rng.randint(3, 6), rng.random() * math.tau, rng.uniform(0.2, 1)
        points = []
        for corner in range(corners):
            angle = math.tau * corner / corners
            across, along = radius * math.cos(angle), radius * stretch * math.sin(angle)
            points.append((
                x + across * math.cos(turn) - along * math.sin(turn),
                y + across * math.sin(turn) + along * math.cos(turn),
            ))  # fmt: skip
        draw.polygon(points, colour, outline, outline_width)
    return np.asarray(picture.reduce(scale)).transpose(2, 0, 1)


def draw_strokes(rng: random.Random) -> np.ndarray:
    """Curved brush strokes that follow a smooth random flow, each in a slightly varied palette colour."""
    scale = 2
    size = SIDE * scale
    palette = [tuple(rng.randrange(256) for _ in range(3)) for _ in range(rng.randint(2, 6))]
    picture = Image.new("RGB", (size, size), rng.choice(palette))
    draw = ImageDraw.Draw(picture)
    waves = [
        (rng.gauss(0, 1), rng.gauss(0, 8) / size, rng.gauss(0, 8) / size, rng.random() * math.tau) for _ in range(4)
    ]
    width, length = rng.choice([3, 5, 8, 12, 18]), rng.randint(4, 14)
    for _ in range(60000 // (width * length)):
        x, y = rng.random() * size, rng.random() * size
        mood = math.sin(3 * x / size + waves[0][3]) + math.cos(4 * y / size + waves[1][3]) + rng.gauss(0, 0.6)
        base = palette[int(mood * 1.5) % len(palette)]
        colour = tuple(max(0, min(255, int(value + rng.gauss(0, 18)))) for value in base)
        points = [(x, y)]
        for _ in range(length):
            angle = sum(a * math.sin(u * x + v * y + phase) for a, u, v, phase in waves)
            x, y = x + 6 * math.cos(angle), y + 6 * math.sin(angle)
            points.append((x, y))
        draw.line(points, colour, width, joint="curve")
    return np.asarray(picture.reduce(scale)).transpose(2, 0, 1)


def draw_pictures(number: int, seed: int) -> torch.Tensor:
    """Pictures of our own making, half flat art, half brush strokes. They need nobody's permission."""
    rng = random.Random(seed)
    drawings = [(draw_flat_art if index % 2 else draw_strokes)(rng) for index in range(number)]
    return torch.from_numpy(np.stack(drawings)) if drawings else torch.empty(0, 3, SIDE, SIDE, dtype=torch.uint8)


# ------------------------------------------------------------------------------------------------ crops


def cut_crops(pictures: torch.Tensor, number: int, size: int, rng: random.Random) -> torch.Tensor:
    """Random square crops, resized to `size`, some mirrored, with their colours slightly changed."""
    crops = []
    for _ in range(number):
        picture = pictures[rng.randrange(len(pictures))]
        side = round(rng.triangular(110, SIDE, SIDE))  # mostly large, since reduced pictures are sharp
        top, left = rng.randint(0, SIDE - side), rng.randint(0, SIDE - side)
        crop = picture[None, :, top : top + side, left : left + side].float() / 255
        crop = F.interpolate(crop, (size, size), mode="bilinear", antialias=True)
        crop = crop.flip(3) if rng.random() < 0.5 else crop
        gain = torch.tensor([rng.uniform(0.85, 1.15) for _ in range(3)], device=crop.device).view(1, 3, 1, 1)
        crops.append(crop * gain + rng.uniform(-0.1, 0.1))
    return torch.cat(crops).clamp(0, 1)


def centre_crops(pictures: torch.Tensor, size: int) -> torch.Tensor:
    """The whole pictures, resized: the same every time, for measuring."""
    return F.interpolate(pictures.float() / 255, (size, size), mode="bilinear", antialias=True).clamp(0, 1)


# ------------------------------------------------------------- pictures as an optimisation meets them


def product_noise(shape: tuple) -> torch.Tensor:
    """White noise around middle grey, as stylelib begins with: seeded by torch's own generator."""
    return (0.5 + 0.1 * torch.randn(shape)).clamp(0, 1)


def cloud_noise(shape: tuple, rng: random.Random, device="cpu") -> torch.Tensor:
    """Coloured noise around middle grey: white at one end, soft clouds at the other."""
    number, channels, height, width = shape
    coarse = rng.choice([1, 1, 2, 4, 8, 16])
    noise = torch.randn(number, channels, max(2, height // coarse), max(2, width // coarse), device=device)
    noise = F.interpolate(noise, (height, width), mode="bicubic", align_corners=False)
    return 0.5 + rng.uniform(0.1, 0.35) * noise


def blend_with_noise(crops: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """Each crop fades into noise by a random amount. An optimisation from noise starts there."""
    spoilt = []
    for crop in crops.split(1):
        part = rng.random()
        if rng.random() < 0.3:
            spoilt.append((1 - part) * crop + part * product_noise(crop.shape))
            continue
        spoilt.append((1 - part) * crop + part * cloud_noise(crop.shape, rng, crop.device))
    return torch.cat(spoilt)


def hatch(crop: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """Lay one to three coloured gratings over a crop, everywhere or in a soft-edged part of it.

    All fine frequencies are equally likely, up to the checkerboard in the corner of the spectrum:
    photographs do not contain it, and a network that never met it cannot see it.
    """
    size = crop.shape[-1]
    axis = torch.arange(size, device=crop.device)
    for _ in range(rng.randint(1, 3)):
        down, right = rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)
        while math.hypot(down, right) < 0.15:
            down, right = rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)
        wave = torch.cos(math.tau * (down * axis[:, None] + right * axis[None, :] + rng.random()))
        if rng.random() < 0.5:
            mask = torch.randn(1, 1, 4, 4, device=crop.device)
            wave = wave * F.interpolate(mask, (size, size), mode="bicubic", align_corners=False).clamp(0, 1)
        strength = 0.01 * 20 ** rng.random()
        lightness = rng.gauss(0, 1)
        colour = torch.tensor([lightness + rng.gauss(0, 0.7) for _ in range(3)], device=crop.device).view(1, 3, 1, 1)
        crop = crop + strength * colour * wave
    return crop


def half_paint(crops: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """Crops as they look in the middle of an optimisation, each in one of three ways.

    Hatched by fine coloured gratings; sharpened too far; or keeping their own coarse shapes while the
    fine texture comes from another crop of the batch.
    """
    size = crops.shape[-1]
    spoilt = []
    for index, crop in enumerate(crops.split(1)):
        way = rng.random()
        soft = F.interpolate(F.avg_pool2d(crop, 4), (size, size), mode="bicubic", align_corners=False)
        if way < 0.6:
            crop = hatch(crop, rng)
        elif way < 0.75:
            crop = crop + rng.uniform(0.5, 3) * (crop - soft)
        else:
            other = crops[(index + 1) % len(crops)][None]
            fine = other - F.interpolate(F.avg_pool2d(other, 4), (size, size), mode="bicubic", align_corners=False)
            crop = soft + rng.uniform(0.5, 1.5) * fine
        spoilt.append(crop)
    return torch.cat(spoilt).clamp(-0.2, 1.2)
