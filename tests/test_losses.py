"""The paper's equations, by definition, by autograd, and from one convention to another."""

import pytest
import torch

from stylelib import losses
from stylelib.support.errors import InputError

N, H, W = 5, 4, 6
M = H * W


@pytest.fixture
def pair(seeded):
    """Rectified activations of a picture and of its target, in float64: F and P, (1, N, H, W)."""
    return [torch.relu(torch.randn(1, N, H, W, generator=seeded, dtype=torch.float64)) for _ in range(2)]


def test_gram_matrix_is_equation_3_written_as_loops(pair):
    features = pair[0][0].flatten(1)
    gram = losses.gram_matrix(pair[0])
    assert gram.shape == (1, N, N)
    for i in range(N):
        for j in range(N):
            expected = sum(features[i, k] * features[j, k] for k in range(M))
            assert gram[0, i, j].item() == pytest.approx(expected.item(), rel=1e-12)


def test_gram_matrix_does_not_know_where_things_are(pair, seeded):
    shuffled = pair[0].flatten(2)[..., torch.randperm(M, generator=seeded)].reshape(1, N, H, W)
    assert not torch.equal(shuffled, pair[0])
    torch.testing.assert_close(losses.gram_matrix(shuffled), losses.gram_matrix(pair[0]), rtol=1e-12, atol=1e-12)


def test_content_loss_is_equation_1(pair):
    activations, target = pair
    expected = sum(0.5 * (a - b) ** 2 for a, b in zip(activations.flatten(), target.flatten(), strict=True))
    assert losses.content_loss(activations, target, "printed").item() == pytest.approx(expected.item(), rel=1e-12)


def test_style_layer_loss_is_equation_4(pair):
    activations, other = pair
    target = losses.gram_matrix(other)
    difference = losses.gram_matrix(activations) - target
    expected = (difference**2).sum() / (4 * N**2 * M**2)
    assert losses.style_layer_loss(activations, target, "printed").item() == pytest.approx(expected.item(), rel=1e-12)


def test_style_loss_is_equation_5_the_weighted_sum_of_the_layers(pair):
    activations = {"conv1_1": pair[0], "conv2_1": 2 * pair[0]}
    targets = {layer: losses.gram_matrix(pair[1]) for layer in activations}
    weights = {"conv1_1": 0.25, "conv2_1": 0.75}
    expected = sum(weights[one] * losses.style_layer_loss(activations[one], targets[one], "mean") for one in weights)
    torch.testing.assert_close(losses.style_loss(activations, targets, weights, "mean"), expected)


def gradient_through_relu(loss_of, before):
    """Activations F = ReLU(before) and the gradient of a loss with respect to `before`, by autograd."""
    before = before.clone().requires_grad_(True)
    activations = torch.relu(before)
    (gradient,) = torch.autograd.grad(loss_of(activations), before)
    return activations.detach(), gradient


def test_gradient_of_the_content_loss_is_equation_2(pair, seeded):
    before = torch.randn(1, N, H, W, generator=seeded, dtype=torch.float64)
    target = pair[1]
    activations, gradient = gradient_through_relu(lambda f: losses.content_loss(f, target, "printed"), before)
    expected = torch.where(activations > 0, activations - target, 0.0)
    torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-12)


def test_gradient_of_the_style_loss_is_equation_6(pair, seeded):
    before = torch.randn(1, N, H, W, generator=seeded, dtype=torch.float64)
    target = losses.gram_matrix(pair[1])
    activations, gradient = gradient_through_relu(lambda f: losses.style_layer_loss(f, target, "printed"), before)
    features = activations.flatten(2)
    formula = ((losses.gram_matrix(activations) - target) @ features / (N**2 * M**2)).reshape(activations.shape)
    torch.testing.assert_close(gradient, torch.where(activations > 0, formula, 0.0), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("convention", losses.CONVENTIONS)
def test_losses_pass_gradcheck_in_every_convention(pair, convention):
    activations, other = pair[0] + 0.1, pair[1]
    target = losses.gram_matrix(other)
    assert torch.autograd.gradcheck(
        lambda f: losses.content_loss(f, other, convention) + losses.style_layer_loss(f, target, convention),
        activations.requires_grad_(True),
    )


def test_conventions_differ_by_one_constant_a_layer_the_one_that_the_factors_say(pair):
    activations, other = pair
    gram = losses.gram_matrix(other)
    for a in losses.CONVENTIONS:
        for b in losses.CONVENTIONS:
            content = [losses.content_loss(activations, other, one).item() for one in (a, b)]
            factors = [float(losses.content_factor(other, one)) for one in (a, b)]
            assert content[0] / content[1] == pytest.approx(factors[0] / factors[1], rel=1e-12)
            style = [losses.style_layer_loss(activations, gram, one).item() for one in (a, b)]
            factors = [float(losses.style_factor(gram, M, one)) for one in (a, b)]
            assert style[0] / style[1] == pytest.approx(factors[0] / factors[1], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "content", "style"),
    [("printed", 1 / 2, 1 / (4 * N**2 * M**2)), ("mean", 1 / (N * M), 1 / (N**2 * M**2))],
)
def test_constants_are_those_of_the_table(pair, name, content, style):
    assert losses.content_factor(pair[1], name) == pytest.approx(content)
    assert losses.style_factor(losses.gram_matrix(pair[1]), M, name) == pytest.approx(style)


def test_printed_style_is_a_quarter_of_mean_style_whatever_the_layer(pair):
    gram = losses.gram_matrix(pair[1])
    printed, mean = (losses.style_layer_loss(pair[0], gram, name) for name in ("printed", "mean"))
    assert mean.item() == pytest.approx(4 * printed.item())


def test_relative_losses_of_an_empty_picture_are_1(pair):
    nothing = torch.zeros_like(pair[0])
    assert losses.content_loss(nothing, pair[1]).item() == pytest.approx(1)
    assert losses.style_layer_loss(nothing, losses.gram_matrix(pair[1])).item() == pytest.approx(1)


def test_relative_losses_do_not_change_when_a_network_is_rescaled(pair):
    for scale in (0.01, 100):
        scaled = [scale * one for one in pair]
        assert losses.content_loss(*scaled).item() == pytest.approx(losses.content_loss(*pair).item())
        style, same = (losses.style_layer_loss(a, losses.gram_matrix(b)).item() for a, b in (scaled, pair))
        assert style == pytest.approx(same)


@pytest.mark.parametrize("convention", losses.CONVENTIONS)
def test_loss_of_a_batch_is_the_sum_over_its_pictures(seeded, convention):
    activations, target = torch.rand(3, N, H, W, generator=seeded), torch.rand(3, N, H, W, generator=seeded)
    gram = losses.gram_matrix(target)
    content = [losses.content_loss(activations[[i]], target[[i]], convention) for i in range(3)]
    style = [losses.style_layer_loss(activations[[i]], gram[[i]], convention) for i in range(3)]
    torch.testing.assert_close(losses.content_loss(activations, target, convention), sum(content))
    torch.testing.assert_close(losses.style_layer_loss(activations, gram, convention), sum(style))


def test_a_silent_target_gives_a_finite_loss():
    assert losses.content_loss(torch.zeros(1, N, H, W), torch.zeros(1, N, H, W)).item() == 0


def test_total_variation_counts_steps_between_neighbours():
    flat, edge = torch.full((1, 3, 8, 8), 0.3), torch.zeros(1, 3, 8, 8)
    edge[..., 4:] = 1  # one step in each of 8 rows, out of 8 × 7 neighbours
    assert losses.total_variation(flat).item() == 0
    assert losses.total_variation(edge).item() == pytest.approx(1 / 7)


def test_unknown_convention_is_named_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'relative'"):
        losses.content_loss(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1), "relativ")
