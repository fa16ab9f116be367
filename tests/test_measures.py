"""Measures of pictures: on pictures whose numbers are known."""

import math

import pytest
import torch
import torch.nn.functional as F

from stylelib import load_image, noise
from stylelib.analysis import measures
from stylelib.support.errors import InputError


@pytest.fixture(scope="module")
def photo():
    return load_image("riverside", 128)


@pytest.fixture(scope="module")
def painting():
    return load_image("night_swirls", 128)


def test_pixel_error_is_the_root_mean_square(photo):
    assert measures.pixel_error(photo, photo) == 0
    assert measures.pixel_error(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)) == 1
    assert measures.pixel_error(photo, photo + 0.25) == pytest.approx(0.25, rel=1e-4)


def test_edges_agree_with_themselves_survive_recolouring_and_not_shifting(photo):
    assert measures.edge_agreement(photo, photo) == pytest.approx(1, abs=1e-5)
    assert measures.edge_agreement(1 - 0.5 * photo, photo) == pytest.approx(1, abs=1e-4)
    assert abs(measures.edge_agreement(noise(*photo.shape[-2:]), photo)) < 0.15
    assert measures.edge_agreement(photo.roll(40, dims=3), photo) < 0.4


def test_layout_survives_what_destroys_fine_detail(photo):
    soft = F.interpolate(F.avg_pool2d(photo, 8), photo.shape[-2:], mode="bilinear")
    assert measures.layout_agreement(photo, photo) == pytest.approx(1, abs=1e-5)
    assert measures.layout_agreement(soft, photo) > 0.95 > measures.edge_agreement(soft, photo)
    assert abs(measures.layout_agreement(noise(*photo.shape[-2:]), photo)) < 0.3


def test_patches_are_compared_wherever_they_lie(photo, painting):
    mirrored = painting.flip(3).roll(20, dims=3)
    other = measures.patch_distances(photo, painting)
    assert list(other) == [5, 10, 20, 40, 80][: len(other)] and len(other) >= 3
    for side, distance in measures.patch_distances(mirrored, painting).items():
        assert distance < 0.5 * other[side] or side >= 40
    assert all(distance == 0 for distance in measures.patch_distances(painting, painting).values())


def test_shuffled_pixels_keep_the_colours_and_lose_the_patches(painting):
    order = torch.randperm(painting[0, 0].numel(), generator=torch.Generator().manual_seed(0))
    shuffled = painting.flatten(2)[..., order].view_as(painting)
    assert measures.colour_distance(shuffled, painting) < 1e-4
    assert measures.patch_distances(shuffled, painting)[5] > 0.5
    assert measures.colour_distance(painting, 0.5 * painting) > 0.1


def test_distances_do_not_depend_on_the_size_of_a_picture():
    waves = torch.sin(torch.arange(256) / 3).expand(1, 3, 256, 256)
    assert max(measures.patch_distances(waves[..., :128, :128], waves, levels=3).values()) < 0.1


def test_spacings_are_those_of_the_details_wherever_they_lie(painting):
    assert set(measures.spacing_distances(painting, painting).values()) == {0.0}
    order = torch.randperm(painting[0, 0].numel(), generator=torch.Generator().manual_seed(0))
    shuffled = painting.flatten(2)[..., order].view_as(painting)
    for most, distance in measures.spacing_distances(shuffled, painting).items():
        assert 0.9 < distance < 1.5, most
    moved = measures.spacing_distances(painting.roll((20, 30), dims=(2, 3)), painting)
    assert list(moved) == [5, 10, 20, 40] and moved[5] < 0.2 > moved[10]


def test_spacings_tell_one_grid_from_another_at_its_own_distance():
    def grid(period, size):
        lines = (torch.arange(size) % period == 0).float()
        return torch.maximum(lines[:, None], lines[None]).expand(1, 3, size, size)

    same, other = (measures.spacing_distances(grid(period, 64), grid(8, 128)) for period in (8, 12))
    assert max(same.values()) < 0.3 and other[10] > 0.8
    assert all(math.isfinite(one) for one in measures.spacing_distances(torch.ones(1, 3, 64, 64), grid(8, 64)).values())


def test_fine_energy_counts_what_is_finer_than_four_pixels():
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    checkerboard = 0.5 + 0.1 * (-1.0) ** (rows + columns)
    coarse = 0.5 + 0.1 * torch.cos(math.tau * columns / 16)
    assert measures.fine_energy(checkerboard.expand(1, 3, 64, 64)) == pytest.approx(0.01, rel=0.1)
    assert measures.fine_energy(coarse.expand(1, 3, 64, 64)) < 1e-5


def test_strokes_are_coherent_and_noise_is_not():
    waves = torch.sin(torch.arange(96) / 2).expand(1, 3, 96, 96)
    noise = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    assert measures.stroke_coherence(waves) == pytest.approx(1, abs=0.01)
    assert measures.stroke_coherence(waves.mT) == pytest.approx(1, abs=0.01)
    assert measures.stroke_coherence(noise) < 0.25
    assert 0.4 < measures.stroke_coherence(load_image("night_swirls", 96)) < 0.6
    assert measures.stroke_coherence(torch.ones(1, 3, 32, 32)) == 0


def test_spectrum_slope_tells_photographs_from_noise(photo):
    assert measures.spectrum_slope(torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))) > -0.3
    assert -3.5 < measures.spectrum_slope(photo) < -1.2


def test_pictures_of_different_sizes_are_refused_in_a_sentence(photo):
    with pytest.raises(InputError, match="these are 128 × 85 and 64 × 43"):
        measures.pixel_error(photo, load_image("riverside", 64))
    with pytest.raises(InputError, match="no patches"):
        measures.patch_distances(photo[..., :8, :8], photo)
    with pytest.raises(InputError, match="no spacings"):
        measures.spacing_distances(photo, torch.ones(1, 3, 5, 8))
