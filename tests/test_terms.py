"""The terms against the equations computed by hand, and what they refuse."""

import pytest
import torch

import stylelib
from stylelib import losses
from stylelib.protocols.statistic import MeanStd
from stylelib.support.errors import InputError


def test_content_is_the_content_loss_of_its_layer(net, photo, painting):
    picture = torch.rand_like(photo)
    term = stylelib.Content(net, photo, "conv2_2", weight=3.0, convention="printed")
    (loss,) = term.losses(picture, net(picture, term.layers)).values()
    seen, target = (net(one, "conv2_2")["conv2_2"] for one in (picture, photo))
    torch.testing.assert_close(loss, 3.0 * 0.5 * (seen - target).square().sum())


@pytest.mark.parametrize("convention", losses.CONVENTIONS)
def test_style_is_the_style_loss_with_equal_layer_weights(net, painting, convention):
    picture = torch.rand_like(painting)
    layers = ["conv1_1", "conv3_1"]
    term = stylelib.Style(net, painting, layers, weight=2.0, convention=convention)
    found = term.losses(picture, net(picture, layers))
    seen, targets = net(picture, layers), net(painting, layers)
    for layer in layers:
        gram = losses.gram_matrix(targets[layer])
        expected = 2.0 * 0.5 * losses.style_layer_loss(seen[layer], gram, convention)
        torch.testing.assert_close(found[f"style {layer}"], expected, rtol=1e-4, atol=0)


def test_style_images_of_any_size_give_the_same_target_per_position(net, painting):
    """The same painting twice side by side has the same style, but the paper's sums would be twice as large."""
    picture = torch.rand_like(painting)
    double = torch.cat([painting, painting], dim=3)
    single, twice = (stylelib.Style(net, one, ["conv1_1"]) for one in (painting, double))
    a, b = (next(iter(term.losses(picture, net(picture, ["conv1_1"])).values())).item() for term in (single, twice))
    assert b == pytest.approx(a, rel=0.02)


def test_style_takes_a_weight_for_each_layer(net, painting):
    picture = torch.rand_like(painting)
    plain = stylelib.Style(net, painting, ["conv1_1", "conv2_1"])
    chosen = stylelib.Style(net, painting, {"conv1_1": 0.9, "conv2_1": 0.0})
    seen = net(picture, plain.layers)
    assert chosen.losses(picture, seen)["style conv2_1"] == 0
    ratio = chosen.losses(picture, seen)["style conv1_1"] / plain.losses(picture, seen)["style conv1_1"]
    assert ratio.item() == pytest.approx(0.9 / 0.5)


def test_smoothness_looks_at_the_picture_alone(photo):
    term = stylelib.Smoothness(0.1)
    assert term.net is None
    assert term.losses(photo, {})["smoothness"].item() == pytest.approx(0.1 * losses.total_variation(photo).item())


def test_terms_can_be_made_anew_from_their_arguments(net, photo, painting):
    picture = torch.rand_like(photo)
    for term in (stylelib.Content(net, photo, "conv3_1", 0.3, "mean"), stylelib.Style(net, painting, {"conv1_1": 0.7})):
        again = type(term)(net, **term.arguments())
        seen = net(picture, term.layers)
        assert {k: v.item() for k, v in term.losses(picture, seen).items()} == {
            k: v.item() for k, v in again.losses(picture, seen).items()
        }


def test_a_term_is_described_with_all_that_decides_it(net, photo, painting):
    assert stylelib.Content(net, photo, "conv2_2", 0.05).describe() == "content conv2_2 × 0.05 (relative)"
    assert stylelib.Style(net, painting, ["conv1_1", "conv2_1"]).describe() == "style conv1_1, conv2_1 × 1 (relative)"


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), "much", None])
def test_weights_that_are_not_numbers_from_zero_up_are_refused(net, photo, painting, weight):
    with pytest.raises(InputError, match="must be a number, zero or more"):
        stylelib.Content(net, photo, weight=weight)
    with pytest.raises(InputError, match="must be a number, zero or more"):
        stylelib.Style(net, painting, {"conv1_1": weight})
    with pytest.raises(InputError, match="must be a number, zero or more"):
        stylelib.Smoothness(weight)


def test_slips_of_the_hand_are_answered_in_a_sentence(net, photo):
    with pytest.raises(InputError, match="first argument is a network"):
        stylelib.Content("compact", photo)
    with pytest.raises(InputError, match="looks at one layer"):
        stylelib.Content(net, photo, ["conv4_1", "conv4_2"])
    with pytest.raises(InputError, match="Layers are given as a name"):
        stylelib.Style(net, photo, None)
    with pytest.raises(InputError, match="divide by 255"):
        stylelib.Content(net, 255 * photo)


def test_wrong_images_layers_and_conventions_are_refused(net, photo):
    with pytest.raises(InputError, match="The content image must be a picture"):
        stylelib.Content(net, photo[0])
    with pytest.raises(InputError, match="finite"):
        stylelib.Style(net, photo * float("nan"))
    with pytest.raises(InputError, match="no layer in compact 'conv6_1'"):
        stylelib.Style(net, photo, ["conv6_1"])
    with pytest.raises(InputError, match="no convention 'average'"):
        stylelib.Content(net, photo, convention="average")


def test_the_total_loss_is_the_sum_of_the_terms_and_what_a_run_minimises(net, photo, painting):
    terms = [stylelib.Content(net, photo, weight=0.2), stylelib.Style(net, painting), stylelib.Smoothness(0.1)]
    total, parts = stylelib.total_loss(terms, photo)
    assert total.item() == pytest.approx(sum(part.item() for part in parts.values()), rel=1e-6)
    run = stylelib.Synthesis(terms, photo, steps=1)
    next(run)
    assert run.history[0].losses == pytest.approx(
        {name: part.item() for name, part in parts.items()}, rel=1e-4, abs=1e-7
    )


def test_a_network_is_trained_against_a_list_of_terms(net, painting):
    """Feed-forward style transfer needs no second loss: the total loss of batches, and any optimiser of torch's."""
    torch.manual_seed(0)
    generator = torch.nn.Conv2d(3, 3, 3, padding=1)
    style = stylelib.Style(net, painting, ["conv1_1", "conv2_1"])
    photos = torch.cat([stylelib.load_image(name, 64)[..., :32, :32] for name in ("riverside", "valley")])
    optimizer, totals = torch.optim.Adam(generator.parameters(), 0.02), []
    for _ in range(15):
        content = stylelib.Content(net, photos, "conv2_1", weight=0.05)
        total, _ = stylelib.total_loss([content, style], generator(photos))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert totals[-1] < 0.97 * totals[0]


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (lambda net, photo: [], "nothing to optimise"),
        (lambda net, photo: stylelib.Content(net, photo), "both to have the same size"),
        (lambda net, photo: ["content"], "A term such as Content or Style is expected; got str"),
    ],
)
def test_a_total_loss_that_cannot_be_is_refused(terms, sentence, net, photo, painting):
    with pytest.raises(InputError, match=sentence):
        stylelib.total_loss(terms(net, photo), painting[..., :32, :32])


@pytest.mark.parametrize("kind", [stylelib.Content, stylelib.Style])
@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (lambda photo: torch.ones(3, 3), "The mask is 3 × 3 and the picture 64 × 43; they need the same size"),
        (lambda photo: torch.zeros(photo.shape[-2:]), "at least one above 0"),
        (lambda photo: 2 * torch.ones(photo.shape[-2:]), "values from 0 to 1"),
        (lambda photo: photo, r"A mask is a tensor \(H, W\)"),
        (lambda photo: "sky", r"A mask is a tensor \(H, W\), 1 where the term counts and 0 where it does not; got str"),
    ],
)
def test_a_mask_that_cannot_be_is_refused(kind, mask, sentence, net, photo):
    with pytest.raises(InputError, match=sentence):
        stylelib.Synthesis(kind(net, photo, mask=mask(photo)), photo)


def test_masked_content_counts_inside_the_mask_alone(net, photo):
    mask = torch.zeros(photo.shape[-2:])
    mask[:, :20] = 1
    term = stylelib.Content(net, photo, "conv1_1", mask=mask)
    changed = photo.clone()
    changed[..., 24:] = 0.5
    total, _ = stylelib.total_loss(term, changed)
    assert total.item() == 0
    changed[..., :8] = 0.5
    total, _ = stylelib.total_loss(term, changed)
    assert total.item() > 0.01


@pytest.mark.parametrize("factor", [0.5, 2], ids=["smaller", "larger"])
def test_content_of_another_size_is_refused_with_both_sizes(factor, net, photo):
    other = torch.nn.functional.interpolate(photo, scale_factor=factor)
    sizes = [f"{one.shape[3]} × {one.shape[2]}" for one in (other, photo)]
    with pytest.raises(InputError, match=f"picture is {sizes[0]} and the content image {sizes[1]},"):
        stylelib.Content(net, photo).check(other)


def test_memory_is_counted_in_bytes_for_each_activation(net, photo, painting):
    """16 for content; for style, what the engine's Gram matrix does without."""
    layers = ["conv1_1", "conv3_1"]
    seen = net(photo, ["conv2_2", *layers])
    two = torch.cat([photo, photo])
    content = stylelib.Content(net, photo, "conv2_2")
    assert [content.memory(one) for one in (photo, two)] == [16 * seen["conv2_2"].numel() * n for n in (1, 2)]
    count = sum(seen[layer].numel() for layer in layers)
    mask, moments = torch.ones(photo.shape[-2:]), MeanStd()
    kinds = [{}, {"mask": mask}, {"statistic": moments}, {"mask": mask, "statistic": moments}]
    styles = [stylelib.Style(net, photo, layers, **kind) for kind in kinds]
    for pictures in (photo, two):
        found = [style.memory(pictures) / (count * len(pictures)) for style in styles]
        assert found == pytest.approx([0, 5, 10, 15], rel=0.01)
