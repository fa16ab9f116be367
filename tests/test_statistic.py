"""The statistic of a style can be exchanged: the Gram matrix, means and deviations, or your own."""

import pytest
import torch

import stylelib
from stylelib import Gram, MeanStd, Statistic, Style, Synthesis, losses
from stylelib.support.errors import InputError


class Mean(Statistic):
    """Each filter's mean alone."""

    def __call__(self, activations, mask=None):
        if mask is None:
            return activations.mean(dim=(2, 3))
        return (activations * mask).sum(dim=(2, 3)) / mask.sum()


@pytest.fixture
def activations(seeded):
    return torch.rand(2, 5, 6, 4, generator=seeded)


def test_gram_is_the_papers_per_position(activations):
    torch.testing.assert_close(Gram()(activations), losses.gram_matrix(activations) / 24)


def test_mean_and_deviation_are_numpys(activations):
    mean, deviation = MeanStd()(activations).split(5, dim=1)
    torch.testing.assert_close(mean, activations.mean(dim=(2, 3)))
    torch.testing.assert_close(deviation, activations.std(dim=(2, 3), correction=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("statistic", [Gram(), MeanStd(), Mean()])
def test_a_mask_leaves_what_the_region_alone_would_give(statistic, activations):
    mask = torch.zeros(1, 1, 6, 4)
    mask[..., :2, :] = 1
    torch.testing.assert_close(statistic(activations, mask), statistic(activations[:, :, :2]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("convention", losses.CONVENTIONS)
def test_factors_are_the_papers(convention, activations):
    target = losses.gram_matrix(activations[:1])
    papers = losses.style_factor(target, 24, convention) * 24**2  # the M² that a mean over positions has cancelled
    torch.testing.assert_close(torch.as_tensor(Gram().factor(target / 24, convention)), torch.as_tensor(papers))


@pytest.mark.parametrize("statistic", [MeanStd(), Mean()])
def test_a_style_with_another_statistic_is_optimised_captioned_and_saved(statistic, net, photo, painting, tmp_path):
    run = Synthesis(Style(net, painting, ["conv1_1", "conv2_1"], statistic=statistic), photo, steps=4).finish()
    assert run.history[-1].loss < 0.5 * run.history[0].loss
    assert f"(relative, {type(statistic).__name__})" in run.describe()
    loaded = Synthesis.load(run.save(tmp_path / "run.pt"))
    assert type(loaded.terms[0].statistic) is type(statistic)
    loaded.steps = run.steps = 6
    assert torch.equal(loaded.finish().image, run.finish().image)


def test_what_is_no_statistic_is_refused(net, painting):
    with pytest.raises(InputError, match=r"such as Gram\(\); got 'gram'"):
        Style(net, painting, statistic="gram")


def test_a_masked_style_paints_its_region_alone(net, photo, painting):
    """The gradient outside the mask is what leaks through the receptive fields; far from it there is none."""
    mask = torch.zeros(photo.shape[-2:])
    mask[:, :16] = 1
    term = Style(net, painting, ["conv1_1", "conv2_1"], mask=mask)
    pictures = photo.clone().requires_grad_(True)
    total, _ = stylelib.total_loss(term, pictures)
    (gradient,) = torch.autograd.grad(total, pictures)
    inside, outside = gradient[..., :16].square().mean(), gradient[..., 32:].square().mean()
    assert inside > 0 and outside < 1e-6 * inside
