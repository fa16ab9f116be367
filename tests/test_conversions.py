"""Conversions: the algebra against each implementation's loss, computed from its formula on random activations."""

import dataclasses
import pathlib

import pytest
import torch

import stylelib
from stylelib import losses
from stylelib.analysis import conversions
from stylelib.analysis.conversions import IMPLEMENTATIONS, Implementation, convert
from stylelib.support.errors import InputError
from stylelib.vgg import layer_names

WIDTHS = (3, 4, 5, 6, 7)
SIZE = (48, 32)
FIRSTS = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]


def gram(x):
    return torch.einsum("ihw,jhw->ij", x, x)


def mse(a, b):
    return ((a - b) ** 2).mean()


def per_layer(seen, layers, loss):
    """Sum over the layers of loss(picture's activations, style image's activations, N, M)."""
    total = 0
    for layer in layers:
        f, p = seen[layer]
        total = total + loss(f, p, f.shape[0], f[0].numel())
    return total


# What each of them minimises, written out. seen: {layer: (picture's, target's activations), (N, h, w) each}.
FORMULAS = {
    "authors, normalised VGG": lambda seen: (
        1e6 * mse(*seen["conv4_2"])
        + per_layer(seen, FIRSTS, lambda f, p, n, m: 1e9 / 5 * mse(gram(f) / m, gram(p) / m))
    ),
    "authors, original VGG": lambda seen: (
        mse(*seen["conv4_2"]) + per_layer(seen, FIRSTS, lambda f, p, n, m: 1e3 / n**2 * mse(gram(f) / m, gram(p) / m))
    ),
    "neural-style": lambda seen: (
        5 * mse(*seen["conv4_2"])
        + 100 * per_layer(seen, FIRSTS, lambda f, p, n, m: mse(gram(f) / (n * m), gram(p) / (n * m)))
    ),
    "gordicaleksa": lambda seen: (
        1e5 * mse(*seen["conv4_2"])
        + 3e4
        * per_layer(seen, FIRSTS, lambda f, p, n, m: ((gram(f) / (n * m) - gram(p) / (n * m)) ** 2).sum())
        / len(FIRSTS)
    ),
    "PyTorch tutorial": lambda seen: (
        mse(*seen["conv2_2"])
        + 1e6
        * per_layer(
            seen,
            ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"],
            lambda f, p, n, m: mse(gram(f) / (n * m), gram(p) / (n * m)),
        )
    ),
    "Udacity": lambda seen: (
        mse(*seen["conv4_2"])
        + 1e6
        * sum(
            w * per_layer(seen, [layer], lambda f, p, n, m: mse(gram(f), gram(p)) / (n * m))
            for layer, w in zip(FIRSTS, [1, 0.75, 0.2, 0.2, 0.2], strict=True)
        )
    ),
    "D2L": lambda seen: (
        mse(*seen["conv4_4"])
        + 1e4 * per_layer(seen, FIRSTS, lambda f, p, n, m: mse(gram(f) / (n * m), gram(p) / (n * m)))
    ),
    "TensorFlow tutorial": lambda seen: (
        1e4 * mse(*seen["conv5_2"])
        + 1e-2 * per_layer(seen, FIRSTS, lambda f, p, n, m: mse(gram(f) / m, gram(p) / m)) / 5
    ),
}


def random_activations(seed):
    generator = torch.Generator().manual_seed(seed)
    layers = layer_names((2, 2, 4, 4, 4))
    shapes = {
        layer: (WIDTHS[int(layer[4]) - 1], SIZE[0] >> int(layer[4]) - 1, SIZE[1] >> int(layer[4]) - 1)
        for layer in layers
    }
    return {
        layer: tuple(torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(2))
        for layer, shape in shapes.items()
    }


def in_the_papers_units(weights, seen):
    """α · equation 1 + Σ β w_l · equation 4, by stylelib's losses."""
    f, p = (x[None] for x in seen[weights.content_layer])
    total = weights.alpha * losses.content_loss(f, p, "printed")
    for layer, weight in weights.style.items():
        f, p = (x[None] for x in seen[layer])
        total = total + weight * losses.style_layer_loss(f, losses.gram_matrix(p), "printed")
    return total


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_the_converted_weights_give_the_implementations_own_loss(name):
    weights = convert(IMPLEMENTATIONS[name], SIZE, WIDTHS)
    for seed in range(3):
        seen = random_activations(seed)
        expected, given = FORMULAS[name](seen), in_the_papers_units(weights, seen)
        assert given.item() == pytest.approx(expected.item(), rel=1e-10)


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_content_and_style_are_each_converted_right(name):
    """Each part, not only their sum: without a content error, only the style part is left."""
    weights = convert(IMPLEMENTATIONS[name], SIZE, WIDTHS)
    seen = random_activations(5)
    content = {layer: pair if layer == weights.content_layer else (pair[0], pair[0]) for layer, pair in seen.items()}
    if weights.content_layer not in weights.style:
        expected, given = FORMULAS[name](content), in_the_papers_units(weights, content)
        assert given.item() == pytest.approx(expected.item(), rel=1e-10)
    for changed in weights.style:
        style = {layer: pair if layer == changed else (pair[0], pair[0]) for layer, pair in seen.items()}
        expected, given = FORMULAS[name](style), in_the_papers_units(weights, style)
        assert given.item() == pytest.approx(expected.item(), rel=1e-10)


@pytest.mark.parametrize(
    ("name", "alpha", "first", "last"),
    [
        ("authors, normalised VGG", 0.95, 8e8, 8e8),
        ("authors, original VGG", 9.5e-7, 0.98, 0.015),
        ("neural-style", 4.8e-6, 0.098, 0.0015),
        ("gordicaleksa", 0.095, 2.4e4, 2.4e4),
        ("PyTorch tutorial", 2.4e-7, 977, 61),
        ("Udacity", 9.5e-7, 1.6e10, 1.6e6),
        ("D2L", 9.5e-7, 9.8, 0.15),
        ("TensorFlow tutorial", 0.038, 0.008, 0.008),
    ],
)
def test_at_512_pixels_with_vgg_19_the_numbers_are_those_worked_out_by_hand(name, alpha, first, last):
    weights = convert(IMPLEMENTATIONS[name])
    found = [weights.alpha, *[list(weights.style.values())[index] for index in (0, -1)]]
    assert found == pytest.approx([alpha, first, last], rel=0.05)


def test_one_implementations_style_grows_with_the_picture_and_no_others():
    for name, implementation in IMPLEMENTATIONS.items():
        small, large = (convert(implementation, size).beta for size in (256, 512))
        assert large / small == pytest.approx(4 if name == "Udacity" else 1)


def test_the_w_l_add_up_to_one_and_the_rest_is_beta():
    weights = convert(IMPLEMENTATIONS["neural-style"])
    assert sum(weights.shares.values()) == pytest.approx(1)
    assert {layer: weights.beta * share for layer, share in weights.shares.items()} == pytest.approx(weights.style)


def test_layer_size_is_that_of_the_activations(net, photo):
    for layer, seen in net(photo, net.layers).items():
        widths = stylelib.vgg.WIDTHS["compact"]
        assert conversions.layer_size(layer, tuple(photo.shape[-2:]), widths) == (seen.shape[1], seen[0, 0].numel())


def test_the_terms_are_the_converted_loss_divided_by_beta(net, photo):
    weights = convert(IMPLEMENTATIONS["D2L"], tuple(photo.shape[-2:]), stylelib.vgg.WIDTHS["compact"])
    picture, painting = (stylelib.noise(*photo.shape[-2:], seed=seed) for seed in range(2))
    terms = weights.terms(net, photo, painting)
    assert terms[0].layer == "conv4_4", "as in VGG-19"
    found = sum(loss.item() for term in terms for loss in term.losses(picture, net(picture, term.layers)).values())
    layers = [*weights.style, "conv4_4"]
    seen = {
        layer: (x[0], y[0])
        for (layer, x), y in zip(net(picture, layers).items(), net(painting, layers).values(), strict=True)
    }
    seen["conv4_4"] = (seen["conv4_4"][0], net(photo, "conv4_4")["conv4_4"][0])
    expected = in_the_papers_units(dataclasses.replace(weights, content_layer="conv4_4"), seen)
    assert found == pytest.approx(expected.item() / weights.beta, rel=1e-4)


def test_layers_that_fall_together_in_a_shallow_network_add_up(photo, painting):
    shallow = stylelib.load_network("compact11", device="cpu")
    weights = convert(IMPLEMENTATIONS["PyTorch tutorial"])
    style = weights.terms(shallow, photo, painting)[1]
    assert style.layers == ["conv1_1", "conv2_1", "conv3_1"]
    assert style.layer_weights["conv1_1"] == pytest.approx(weights.shares["conv1_1"] + weights.shares["conv1_2"])


def test_the_table_has_a_row_for_each_and_names_its_size():
    found = conversions.table()
    assert [row[0] for row in found.rows] == list(IMPLEMENTATIONS)
    assert "512 × 512" in found.title and "64–128–256–512–512" in found.title
    assert "10,240 : 1" in str(found)


def test_the_page_on_conventions_says_what_each_divides_by():
    page = pathlib.Path(__file__).parent.parent / "docs/conventions.md"
    lines = page.read_text(encoding="utf-8").split("## The eight in the table")[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]
    assert [row[0] for row in rows] == list(IMPLEMENTATIONS)
    for (*_, gram_divisor, squares, more, balance), counted in zip(rows, conversions.table().rows, strict=True):
        one = IMPLEMENTATIONS[counted[0]]
        assert (gram_divisor, squares, more.replace("–", "1")) == (one.gram_divisor, one.style_error, one.layer_divisor)
        assert one.content_error == "mean" and balance == counted[5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gram_divisor": "M²"}, "There is no divisor of the Gram matrix"),
        ({"layer_divisor": "N"}, "There is no divisor of a layer"),
        ({"content_error": "average"}, "There is no kind of error"),
        ({"style_error": "total"}, "There is no kind of error"),
        ({"style": (1, 2)}, "5 style layers need as many weights; got 2"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(change, words):
    with pytest.raises(InputError, match=words):
        dataclasses.replace(IMPLEMENTATIONS["D2L"], **change)


def test_a_picture_too_small_for_a_layer_is_refused():
    with pytest.raises(InputError, match="size is a whole number, 16 or more"):
        convert(Implementation("mine", 1, (1,) * 5), size=8)
