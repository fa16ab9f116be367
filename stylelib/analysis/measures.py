"""Measures of pictures that need no network.

Each function takes picture tensors (1, 3, H, W), RGB, 0 to 1, and returns plain numbers, which can support or refute a
statement about how pictures look.
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from stylelib.images import check_picture
from stylelib.support.errors import InputError

LIGHTNESS = (0.299, 0.587, 0.114)  # weights of red, green and blue (ITU-R BT.601)
PATCH = 5  # side of a patch, in pixels
DIRECTIONS = 128  # number of random directions along which distributions are compared
SPACINGS = (5, 10, 20, 40)  # pixels; each is the upper end of a range of distances that starts at half of it


def pixel_error(picture: Tensor, other: Tensor) -> float:
    """Root mean square difference of two pictures of the same size.

    Parameters
    ----------
    picture, other : Tensor
        (1, 3, H, W), RGB, 0 to 1.

    Returns
    -------
    float
        0 for equal pictures, 1 for black against white.

    Raises
    ------
    InputError
        For pictures of different sizes.
    """
    _check_same_size(picture, other)
    return (picture - other).square().mean().sqrt().item()


def edge_agreement(picture: Tensor, photo: Tensor, blur: float = 1.0) -> float:
    """How well the edges of two pictures of the same size coincide.

    It is the correlation between the magnitudes of their lightness gradients.

    Parameters
    ----------
    picture, photo : Tensor
        (1, 3, H, W), RGB, 0 to 1.
    blur : float
        Standard deviation, in pixels, of the Gaussian blur before the gradient is taken.

    Returns
    -------
    float
        1 for the same edges, 0 for unrelated ones.

    Raises
    ------
    InputError
        For pictures of different sizes.
    """
    _check_same_size(picture, photo)
    strengths = torch.stack([_edges(picture, blur), _edges(photo, blur)])
    return torch.corrcoef(strengths)[0, 1].item()


def layout_agreement(picture: Tensor, photo: Tensor, cells: int = 16) -> float:
    """How well the light and dark regions of two pictures of the same size coincide.

    It is the correlation between their lightness, averaged over the cells of a grid.

    Parameters
    ----------
    picture, photo : Tensor
        (1, 3, H, W), RGB, 0 to 1.
    cells : int
        Number of cells along the longer side.

    Returns
    -------
    float
        1 for the same layout, 0 for unrelated ones.

    Raises
    ------
    InputError
        For pictures of different sizes.
    """
    _check_same_size(picture, photo)
    height, width = picture.shape[-2:]
    longer = max(height, width)
    grid = (max(1, round(height * cells / longer)), max(1, round(width * cells / longer)))
    coarse = torch.stack([F.adaptive_avg_pool2d(_lightness(image), grid).flatten() for image in (picture, photo)])
    return torch.corrcoef(coarse)[0, 1].item()


def patch_distances(picture: Tensor, style: Tensor, levels: int = 5, seed: int = 0) -> dict[int, float]:
    """How different the patches of two pictures are, regardless of position.

    Both pictures are halved again and again. At each level, all patches of 5 × 5 cells are compared without their mean
    colour, by the sliced Wasserstein distance (Rabin et al., 2011), which is the distance between sorted projections
    onto random directions.

    Parameters
    ----------
    picture, style : Tensor
        (1, 3, H, W), RGB, 0 to 1, of any sizes.
    levels : int
        Maximum number of levels.
    seed : int
        Seed of the random directions.

    Returns
    -------
    dict of int to float
        {side of a patch in pixels: distance}. 0 means the same patches. The unit is the root mean square of the style
        image's own patches at that level, so that levels can be compared.

    Raises
    ------
    InputError
        If the pictures are too small to have patches.
    """
    generator = torch.Generator().manual_seed(seed)
    distances: dict[int, float] = {}
    for level in range(levels):
        if min(*picture.shape[-2:], *style.shape[-2:]) < 2 * PATCH:
            break
        directions = torch.randn(3 * PATCH**2, DIRECTIONS, generator=generator, dtype=torch.float32)
        seen, goal = _patches(picture) @ directions, _patches(style) @ directions
        distances[PATCH * 2**level] = (_quantile_distance(seen, goal) / goal.square().mean().sqrt()).item()
        picture, style = F.avg_pool2d(picture, 2), F.avg_pool2d(style, 2)
    if not distances:
        raise InputError(f"Pictures of less than {2 * PATCH} pixels have no patches to compare.")
    return distances


def colour_distance(picture: Tensor, style: Tensor, seed: int = 0) -> float:
    """How different the colours of two pictures are, regardless of position: the sliced Wasserstein distance.

    Parameters
    ----------
    picture, style : Tensor
        (1, 3, H, W), RGB, 0 to 1, of any sizes.
    seed : int
        Seed of the random directions.

    Returns
    -------
    float
        0 for the same colours, up to about 1.
    """
    directions = torch.randn(3, DIRECTIONS, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
    directions = directions / directions.norm(dim=0)
    seen, goal = (image[0].flatten(1).T.cpu() @ directions for image in (picture, style))
    return _quantile_distance(seen, goal).item()


def spacing_distances(picture: Tensor, style: Tensor) -> dict[int, float]:
    """How different the spacing of details is in two pictures.

    Detail is the difference between a pixel and the mean of the 5 × 5 pixels around it. Its autocorrelation says how
    likely it is to find more detail at a displacement from a detail. For each distance, all displacements from half of
    it up to it are compared.

    Parameters
    ----------
    picture, style : Tensor
        (1, 3, H, W), RGB, 0 to 1, of any sizes.

    Returns
    -------
    dict of int to float
        {largest distance in pixels: difference}. 0 means the same spacing, regardless of position; 1 means as different
        as white noise, which has no spacing.

    Raises
    ------
    InputError
        If the pictures are smaller than the smallest distance.
    """
    shorter = min(*picture.shape[-2:], *style.shape[-2:])
    pair = [_detail(check_picture(image)) for image in (picture, style)]
    distances: dict[int, float] = {}
    for most in (spacing for spacing in SPACINGS if spacing < shorter):
        steps = torch.arange(-most, most + 1.0, dtype=torch.float32)
        length = torch.hypot(steps[:, None], steps[None])
        ring = (length >= most / 2) & (length < most)
        seen, goal = (_autocorrelation(detail, most)[ring] for detail in pair)
        distances[most] = ((seen - goal).norm() / goal.norm().clamp(min=1e-9)).item()
    if not distances:
        raise InputError(f"Pictures of no more than {SPACINGS[0]} pixels have no spacings to compare.")
    return distances


def fine_energy(picture: Tensor) -> float:
    """Mean square of all waves that are finer than 4 pixels per period: hatching, checkerboards, noise."""
    spectrum, frequency = _spectrum(check_picture(picture))
    return (spectrum * (frequency > 0.25)).sum().item()


def stroke_coherence(picture: Tensor, reach: float = 2.0) -> float:
    """How strongly neighbouring edges share one direction, as brush strokes do.

    It is (λ₁ − λ₂) / (λ₁ + λ₂) of the structure tensor (Bigün and Granlund, 1987), averaged with the strength of the
    edges as the weight.

    Parameters
    ----------
    picture : Tensor
        (1, 3, H, W), RGB, 0 to 1.
    reach : float
        Standard deviation, in pixels, of the Gaussian that is the neighbourhood.

    Returns
    -------
    float
        From 0, all directions, to 1, one direction.
    """
    lightness = _lightness(check_picture(picture))
    right = lightness[..., 1:-1, 2:] - lightness[..., 1:-1, :-2]
    down = lightness[..., 2:, 1:-1] - lightness[..., :-2, 1:-1]
    rows, mixed, columns = (_blur(product, reach) for product in (down * down, down * right, right * right))
    difference = ((columns - rows).square() + 4 * mixed.square()).sqrt()
    return (difference.sum() / (columns + rows).sum().clamp(min=1e-12)).item()


def spectrum_slope(picture: Tensor) -> float:
    """Exponent with which power falls with frequency, between 1/32 and 1/3 of a period per pixel.

    Photographs have about −2 (Field, 1987); white noise has 0.
    """
    spectrum, frequency = _spectrum(check_picture(picture))
    edges = torch.logspace(math.log10(1 / 32), math.log10(1 / 3), 13)
    points = []
    for low, high in itertools.pairwise(edges):
        ring = (frequency >= low) & (frequency < high)
        if ring.any():
            points.append((math.log((low * high).sqrt()), math.log(spectrum[ring].mean().clamp(min=1e-20))))
    x, y = torch.tensor(points, dtype=torch.float32).T
    return float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())


# ----------------------------------------------------------------------------------------------------------------------


def _check_same_size(picture: Tensor, other: Tensor) -> None:
    check_picture(picture)
    check_picture(other, "the other picture")
    if picture.shape != other.shape:
        sizes = " and ".join(f"{image.shape[-1]} × {image.shape[-2]}" for image in (picture, other))
        raise InputError(f"Pictures can be compared pixel by pixel only if they have the same size; these are {sizes}.")


def _lightness(picture: Tensor) -> Tensor:
    weights = torch.tensor(LIGHTNESS, device=picture.device, dtype=torch.float32).view(1, 3, 1, 1)
    return (picture * weights).sum(dim=1, keepdim=True)


def _edges(picture: Tensor, blur: float) -> Tensor:
    down, right = torch.gradient(_blur(_lightness(picture), blur)[0, 0])
    return (down.square() + right.square()).sqrt().flatten()


def _blur(values: Tensor, deviation: float) -> Tensor:
    """Blur (1, 1, H, W) with a Gaussian window; the size stays the same."""
    reach = math.ceil(3 * deviation)
    places = torch.arange(-reach, reach + 1.0, device=values.device, dtype=torch.float32)
    window = torch.exp(-places.square() / (2 * deviation**2))
    window = window / window.sum()
    values = F.pad(values, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(values, window.view(1, 1, 1, -1)), window.view(1, 1, -1, 1))


def _patches(picture: Tensor) -> Tensor:
    """All patches, each without its mean colour: (number, 3 · PATCH²)."""
    patches = F.unfold(picture.cpu(), PATCH)[0].T.reshape(-1, 3, PATCH**2)
    return (patches - patches.mean(dim=2, keepdim=True)).flatten(1)


def _quantile_distance(values: Tensor, goals: Tensor) -> Tensor:
    """Root mean square distance of the sorted columns of two matrices, which may differ in length."""
    return (_quantiles(values) - _quantiles(goals)).square().mean().sqrt()


def _quantiles(values: Tensor, count: int = 512) -> Tensor:
    """Return `count` evenly spaced quantiles of each column, which can be compared between pictures of any sizes."""
    places = torch.linspace(0, len(values) - 1, count, dtype=torch.float32).round().long()
    return values.sort(dim=0).values[places]


def _detail(picture: Tensor) -> Tensor:
    """Return how much each pixel differs from its surroundings, summed over the colours, minus its mean: (H, W)."""
    surroundings = F.avg_pool2d(picture, PATCH, stride=1, padding=PATCH // 2, count_include_pad=False)
    detail = (picture - surroundings).abs().sum(dim=1)[0].cpu()
    return detail - detail.mean()


def _autocorrelation(values: Tensor, most: int) -> Tensor:
    """Return the autocorrelation of a field (H, W) for displacements of up to `most` pixels: (2 most + 1)², 1 at 0."""
    size = [2 * side for side in values.shape]  # so large that no displacement wraps around
    sums, pairs = (
        torch.fft.irfft2(torch.fft.rfft2(field, s=size).abs().square(), s=size)
        for field in (values, torch.ones_like(values))
    )
    mean: Tensor = sums / pairs.clamp(min=0.5)
    steps = torch.arange(-most, most + 1)
    return mean[steps][:, steps] / mean[0, 0].clamp(min=1e-12)


def _spectrum(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Return the power per pixel and the frequency (periods per pixel) of all plane waves, summed over the colours.

    A window that fades out towards the borders prevents the jump between opposite borders from counting as fine detail.
    """
    height, width = picture.shape[-2:]
    window = torch.hann_window(height, False)[:, None] * torch.hann_window(width, False)[None]
    centred = (picture - picture.mean(dim=(2, 3), keepdim=True)).cpu() * window / window.square().mean().sqrt()
    power = torch.fft.fft2(centred, norm="ortho").abs().square().mean(dim=(0, 1)) / (height * width)
    return power, torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None])
