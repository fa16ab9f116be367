"""What can be said of a picture in numbers that do not come from any network.

Each function takes picture tensors (1, 3, H, W), RGB, 0 to 1, and returns plain numbers, so that a claim about what one
sees can be checked.
"""

import itertools
import math

import torch
import torch.nn.functional as F

from stylelib.images import check_picture
from stylelib.support.errors import InputError

LIGHTNESS = (0.299, 0.587, 0.114)  # how much red, green and blue count in it (ITU-R BT.601)
PATCH = 5  # side of a patch, in pixels
DIRECTIONS = 128  # in which the patches' distributions are compared
SPACINGS = (5, 10, 20, 40)  # the largest of a range of distances, in pixels, which begins at half of it


def pixel_error(picture, other):
    """Root mean square difference of two pictures of one size: 0 for the same, 1 for black against white."""
    _same_size(picture, other)
    return (picture - other).square().mean().sqrt().item()


def edge_agreement(picture, photo, blur=1.0):
    """How far two pictures of one size have their edges in the same places: 1 the same, 0 no relation.

    It is the correlation of the strength of the lightness's gradient, after a Gaussian blur of `blur` pixels.
    """
    _same_size(picture, photo)
    strengths = torch.stack([_edges(picture, blur), _edges(photo, blur)])
    return torch.corrcoef(strengths)[0, 1].item()


def layout_agreement(picture, photo, cells=16):
    """How far two pictures of one size are light and dark in the same places: 1 the same, 0 no relation.

    It is the correlation of their lightness, averaged over a grid with `cells` cells along the longer side.
    """
    _same_size(picture, photo)
    height, width = picture.shape[-2:]
    grid = tuple(max(1, round(side * cells / max(height, width))) for side in (height, width))
    coarse = torch.stack([F.adaptive_avg_pool2d(_lightness(one), grid).flatten() for one in (picture, photo)])
    return torch.corrcoef(coarse)[0, 1].item()


def patch_distances(picture, style, levels=5, seed=0):
    """How unlike the patches of two pictures are, wherever they lie: {side of a patch in pixels: distance}.

    At each level of a pyramid, in which each picture is half of the one before, the distributions of all patches of
    5 × 5 cells, without their mean colour, are compared by the sliced Wasserstein distance (Rabin and others, 2011):
    the mean distance of their sorted projections onto random directions. 0: the same patches; the unit is that of a
    patch of the style image at that level, its root mean square, so that levels can be compared. The last entry,
    under 0, is for the colours of single pixels.
    """
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for level in range(levels):
        if min(*picture.shape[-2:], *style.shape[-2:]) < 2 * PATCH:
            break
        directions = torch.randn(3 * PATCH**2, DIRECTIONS, generator=generator)
        found[PATCH * 2**level] = _sliced_distance(_patches(picture), _patches(style), directions)
        picture, style = F.avg_pool2d(picture, 2), F.avg_pool2d(style, 2)
    if not found:
        raise InputError(f"Pictures of less than {2 * PATCH} pixels have no patches to compare.")
    return found


def colour_distance(picture, style, seed=0):
    """How unlike the colours of two pictures are, wherever they lie: sliced Wasserstein distance, 0 to about 1."""
    directions = torch.randn(3, DIRECTIONS, generator=torch.Generator().manual_seed(seed))
    directions = directions / directions.norm(dim=0)
    ends = [_quantiles(one[0].flatten(1).T.cpu() @ directions) for one in (picture, style)]
    return (ends[0] - ends[1]).square().mean().sqrt().item()


def spacing_distances(picture, style):
    """How unlike two pictures are in how their details are spaced: {largest distance in pixels: unlikeness}.

    Detail is how far a pixel is from the mean of the 5 × 5 pixels around it. Its autocorrelation says: where there is
    detail, how likely is there more of it at such a distance in such a direction? Compared are all displacements from
    half of the largest distance up to it. 0: the same spacings, wherever the details lie; 1: as unlike as white noise,
    which has none. Pictures of different sizes can be compared.
    """
    shorter = min(*picture.shape[-2:], *style.shape[-2:])
    found = {}
    for most in (most for most in SPACINGS if most < shorter):
        ends = [_autocorrelation(_detail(check_picture(one)), most) for one in (picture, style)]
        steps = torch.arange(-most, most + 1.0)
        length = torch.hypot(steps[:, None], steps[None])
        ends = [end[(length >= most / 2) & (length < most)] for end in ends]
        found[most] = ((ends[0] - ends[1]).norm() / ends[1].norm().clamp(min=1e-9)).item()
    if not found:
        raise InputError(f"Pictures of no more than {SPACINGS[0]} pixels have no spacings to compare.")
    return found


def fine_energy(picture):
    """Mean square of all that is finer than 4 pixels per period: hatching, checkerboards, noise."""
    spectrum, frequency = _spectrum(check_picture(picture))
    return (spectrum * (frequency > 0.25)).sum().item()


def stroke_coherence(picture, reach=2.0):
    """How far neighbouring edges lie along one direction, as in brush strokes: 0 any direction to 1 all the same.

    (λ₁ − λ₂) / (λ₁ + λ₂) of the structure tensor (Bigün and Granlund, 1987), where edges are strong above all.
    reach: standard deviation in pixels of the neighbourhood, a Gaussian.
    """
    lightness = _lightness(check_picture(picture))
    right = lightness[..., 1:-1, 2:] - lightness[..., 1:-1, :-2]
    down = lightness[..., 2:, 1:-1] - lightness[..., :-2, 1:-1]
    rows, mixed, columns = (_blur(product, reach) for product in (down * down, down * right, right * right))
    difference = ((columns - rows).square() + 4 * mixed.square()).sqrt()
    return (difference.sum() / (columns + rows).sum().clamp(min=1e-12)).item()


def spectrum_slope(picture):
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
    x, y = torch.tensor(points).T
    return (((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()).item()


# ----------------------------------------------------------------------------------------------------------------------


def _same_size(picture, other):
    check_picture(picture), check_picture(other, "the other picture")
    if picture.shape != other.shape:
        sizes = " and ".join(f"{one.shape[-1]} × {one.shape[-2]}" for one in (picture, other))
        raise InputError(f"Two pictures can be compared place by place if they have one size; these are {sizes}.")


def _lightness(picture):
    weights = torch.tensor(LIGHTNESS, device=picture.device).view(1, 3, 1, 1)
    return (picture * weights).sum(dim=1, keepdim=True)


def _edges(picture, blur):
    down, right = torch.gradient(_blur(_lightness(picture), blur)[0, 0])
    return (down.square() + right.square()).sqrt().flatten()


def _blur(values, deviation):
    """(1, 1, H, W) under a Gaussian window, the same size."""
    reach = math.ceil(3 * deviation)
    window = torch.exp(-torch.arange(-reach, reach + 1.0, device=values.device).square() / (2 * deviation**2))
    window = window / window.sum()
    values = F.pad(values, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(values, window.view(1, 1, 1, -1)), window.view(1, 1, -1, 1))


def _patches(picture):
    """All patches, each without its mean colour: (number, 3 · PATCH²)."""
    patches = F.unfold(picture.cpu(), PATCH)[0].T.unflatten(1, (3, PATCH**2))
    return (patches - patches.mean(dim=2, keepdim=True)).flatten(1)


def _sliced_distance(patches, goals, directions):
    ends = [_quantiles(one @ directions) for one in (patches, goals)]
    return ((ends[0] - ends[1]).square().mean().sqrt() / (goals @ directions).square().mean().sqrt()).item()


def _quantiles(values, count=512):
    """Sorted columns at `count` even places: comparable between pictures of different sizes."""
    places = torch.linspace(0, len(values) - 1, count).round().long()
    return values.sort(dim=0).values[places]


def _detail(picture):
    """How much each pixel stands out from its surroundings, colours added up; without its mean: (H, W)."""
    surroundings = F.avg_pool2d(picture, PATCH, stride=1, padding=PATCH // 2, count_include_pad=False)
    detail = (picture - surroundings).abs().sum(dim=1)[0].cpu()
    return detail - detail.mean()


def _autocorrelation(values, most):
    """Of a field (H, W), for displacements of up to `most` pixels either way: (2 most + 1)², 1 in the middle."""
    size = [2 * side for side in values.shape]  # room for all displacements without coming round the other side
    sums, pairs = (
        torch.fft.irfft2(torch.fft.rfft2(one, s=size).abs().square(), s=size)
        for one in (values, torch.ones_like(values))
    )
    mean = sums / pairs.clamp(min=0.5)
    steps = torch.arange(-most, most + 1)
    return mean[steps][:, steps] / mean[0, 0].clamp(min=1e-12)


def _spectrum(picture):
    """(power per pixel, frequency in periods per pixel) of all plane waves in the picture, colours added up.

    A window that fades out towards the borders keeps the jump between opposite borders from counting as fine detail.
    """
    height, width = picture.shape[-2:]
    window = torch.hann_window(height, False)[:, None] * torch.hann_window(width, False)[None]
    centred = (picture - picture.mean(dim=(2, 3), keepdim=True)).cpu() * window / window.square().mean().sqrt()
    power = torch.fft.fft2(centred, norm="ortho").abs().square().mean(dim=(0, 1)) / (height * width)
    return power, torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None])
