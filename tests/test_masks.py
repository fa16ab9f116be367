"""Masks: what is one, at a layer's resolution, and what a masked term leaves alone."""

import numpy as np
import pytest
import torch

import stylelib
from stylelib.support.errors import InputError
from stylelib.support.masks import check_mask, shrink_mask
from tests.picture_files import sentence

PICTURES = torch.zeros(2, 3, 6, 4)


def half(height=6, width=4):
    mask = torch.zeros(height, width)
    mask[:, : width // 2] = 1
    return mask


@pytest.mark.parametrize("shape", [(6, 4), (1, 6, 4), (1, 1, 6, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8, torch.bool])
def test_every_usual_form_becomes_one(shape, dtype):
    mask = check_mask(half().to(dtype).reshape(shape), PICTURES)
    assert mask.shape == (1, 1, 6, 4) and mask.dtype == torch.float32
    assert torch.equal(mask[0, 0], half())
    assert torch.equal(check_mask(half()), mask), "without pictures, any size will do"


NO_MASKS = {
    "one side": torch.ones(6),
    "two masks": torch.ones(2, 6, 4),
    "two masks in a batch": torch.ones(2, 1, 6, 4),
    "no pixels": torch.ones(0, 4),
    "an array": np.ones((6, 4)),
    "a word": "left",
}


@pytest.mark.parametrize("kind", NO_MASKS)
def test_what_is_no_mask_is_refused(kind):
    message = sentence(check_mask, NO_MASKS[kind])
    assert message.startswith("A mask is a tensor (H, W), 1 where the term counts and 0 where it does not; got")


@pytest.mark.parametrize("value", [255.0, -0.5, float("nan"), 0.0])
def test_numbers_that_mean_no_region_are_refused(value):
    message = sentence(check_mask, torch.full((6, 4), value))
    assert message == "A mask must have values from 0 to 1, and at least one above 0."


def test_another_size_than_the_pictures_is_refused():
    message = sentence(check_mask, half(6, 8), PICTURES)
    assert message == "The mask is 8 × 6 and the picture 4 × 6; they need the same size."


def test_the_callers_mask_is_not_changed_and_wants_no_gradient():
    mask = half().requires_grad_(True)
    checked = check_mask(mask)
    assert not checked.requires_grad and mask.requires_grad


def test_at_a_layers_resolution_each_position_has_the_mean_of_its_pixels():
    mask = check_mask(torch.tensor([[1.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]))
    small = shrink_mask(mask, torch.zeros(3, 5, 2, 2))
    assert small.shape == (1, 1, 2, 2)
    assert small[0, 0].tolist() == [[0.75, 0], [0, 0.25]]


def test_sides_that_a_pooling_cuts_are_covered_as_well():
    small = shrink_mask(check_mask(half(7, 5)), torch.zeros(1, 5, 3, 2))
    assert small.shape == (1, 1, 3, 2) and (small[..., 0] > small[..., 1]).all()


@pytest.mark.parametrize("kind", ["content", "style"])
def test_a_term_pulls_at_its_region_alone(kind, net, photo, painting):
    """On conv1_1 a pixel outside is seen only by its neighbours."""
    mask = half(*photo.shape[-2:])
    if kind == "content":
        term = stylelib.Content(net, photo.flip(3), "conv1_1", mask=mask)
    else:
        term = stylelib.Style(net, painting, ["conv1_1"], mask=mask)
    x = photo.clone().requires_grad_(True)
    total, _ = stylelib.total_loss(term, x)
    (gradient,) = torch.autograd.grad(total, x)
    edge = photo.shape[-1] // 2 + 2
    assert gradient[..., edge:].abs().max() < 1e-4 * gradient[..., : edge - 4].abs().max()
    assert "masked" in term.describe()


def test_a_region_of_everything_is_no_mask(net, photo, painting):
    everywhere = torch.ones(photo.shape[-2:])
    picture = photo.flip(3)
    for plain, masked in (
        (stylelib.Content(net, photo, "conv2_1"), stylelib.Content(net, photo, "conv2_1", mask=everywhere)),
        (stylelib.Style(net, painting), stylelib.Style(net, painting, mask=everywhere)),
    ):
        first, second = (stylelib.total_loss(term, picture)[0].item() for term in (plain, masked))
        assert first == pytest.approx(second, rel=1e-5)


def test_a_small_region_counts_on_every_layer(net, photo, painting):
    """One pixel's share of a deep layer's positions is tiny, but not nothing."""
    mask = torch.zeros(photo.shape[-2:])
    mask[5, 7] = 1
    _, losses = stylelib.total_loss(stylelib.Style(net, painting, mask=mask), photo)
    assert all(0 < loss.item() < 100 for loss in losses.values())


def test_a_mask_of_another_size_is_refused_before_a_run(net, photo, painting):
    with pytest.raises(InputError, match="they need the same size"):
        stylelib.Content(net, photo, mask=half(8, 8))
    with pytest.raises(InputError, match="The mask is 8 × 8 and the picture"):
        stylelib.Synthesis(stylelib.Style(net, painting, mask=half(8, 8)), photo)
