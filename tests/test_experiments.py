"""The paper's experiments as one call each, and measures of the pictures that they make."""

import pytest
import torch

import stylelib
from stylelib import experiments


def gram_error(net, picture, painting, layers=stylelib.STYLE_LAYERS):
    """Relative style loss of a picture, without weights."""
    term = stylelib.Style(net, painting, layers)
    return sum(loss.item() for loss in term.losses(picture, net(picture, term.layers)).values())


@pytest.fixture(scope="module")
def transferred(net):
    return stylelib.style_transfer("riverside", "night_swirls", net, size=96, steps=40).finish()


def test_transfer_takes_the_style_and_keeps_the_content(net, transferred):
    photo, painting = stylelib.load_image("riverside", 96), stylelib.load_image("night_swirls", 96)
    before, after = (gram_error(net, picture, painting) for picture in (photo, transferred.image))
    assert after < 0.15 * before
    seen = net(torch.cat([photo, transferred.image]), "conv4_2")["conv4_2"]
    others = net(stylelib.load_image("grace_hopper", 96)[..., : photo.shape[-2], :], "conv4_2")["conv4_2"]
    kept = torch.cosine_similarity(seen[0].flatten(), seen[1].flatten(), dim=0)
    width = min(seen.shape[-1], others.shape[-1])
    unrelated = torch.cosine_similarity(seen[0][..., :width].flatten(), others[0][..., :width].flatten(), dim=0)
    assert kept > unrelated + 0.1


def test_more_alpha_keeps_more_content_and_takes_less_style(net):
    runs = {
        alpha_beta: stylelib.style_transfer(
            "riverside", "night_swirls", net, size=64, steps=25, alpha_beta=alpha_beta
        ).finish()
        for alpha_beta in (0.01, 1.0)
    }
    content = {key: run.losses["content conv4_2"] / key for key, run in runs.items()}
    style = {key: sum(loss for name, loss in run.losses.items() if "style" in name) for key, run in runs.items()}
    assert content[1.0] < 0.8 * content[0.01]
    assert style[1.0] > 1.5 * style[0.01]


def test_content_reconstruction_loses_more_pixels_the_deeper_the_layer(net):
    photo = stylelib.load_image("riverside", 64)
    errors = []
    for layer in ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"):
        run = stylelib.reconstruct_content("riverside", layer, net, size=64, steps=40).finish()
        errors.append((run.image - photo).square().mean().item())
    assert errors == sorted(errors)
    assert errors[-1] > 5 * errors[0]


def test_style_reconstruction_from_noise_takes_the_style(net):
    run = stylelib.reconstruct_style("night_swirls", network=net, size=64, steps=30).finish()
    painting = stylelib.load_image("night_swirls", 64)
    assert gram_error(net, run.image, painting) < 0.1 * gram_error(net, stylelib.noise(*painting.shape[-2:]), painting)


def test_a_recipe_is_the_terms_written_out(net, photo, painting):
    by_recipe = stylelib.style_transfer("riverside", "night_swirls", net, size=64, steps=3, alpha_beta=0.1).finish()
    terms = [stylelib.Content(net, photo, "conv4_2", 0.1), stylelib.Style(net, painting)]
    by_hand = stylelib.Synthesis(terms, photo, steps=3).finish()
    assert torch.equal(by_recipe.image, by_hand.image)


def test_sizes_and_steps_come_from_the_preset(net, monkeypatch):
    monkeypatch.setenv("STYLELIB_PRESET", "quick")
    run = experiments.reconstruct_style("night_swirls", network=net)
    assert max(run.image.shape) == stylelib.preset().size == 64 and run.steps == stylelib.preset().steps
    assert stylelib.style_transfer("riverside", "facets", net, init="style").number == 0


def test_names_are_checked_before_a_network_is_fetched(monkeypatch):
    monkeypatch.setattr(experiments, "load_network", lambda name: pytest.fail("a network was loaded"))
    with pytest.raises(stylelib.InputError, match="no picture file or bundled picture 'riversid'"):
        stylelib.style_transfer("riversid", "facets", "vgg19")
    with pytest.raises(stylelib.InputError, match="no layer in vgg11 'conv1_2'"):
        stylelib.reconstruct_content("riverside", "conv1_2", "vgg11")


def test_layers_can_be_one_name_a_list_or_a_dict_of_weights():
    one = stylelib.reconstruct_style("facets", "conv1_1", "compact", size=32, steps=0)
    assert one.terms[0].layer_weights == {"conv1_1": 1.0}
    both = stylelib.style_transfer("riverside", "facets", "compact", 32, style_layers={"conv1_1": 0.3, "conv2_1": 0.7})
    assert both.terms[1].layer_weights == {"conv1_1": 0.3, "conv2_1": 0.7}


def test_a_network_can_be_named(capsys):
    run = stylelib.reconstruct_style("facets", ["conv1_1"], "compact-random", size=32, steps=1).finish()
    assert "random weights" in run.describe() and "style conv1_1 × 1" in run.describe()


def test_several_styles_share_beta_and_each_has_its_losses(net, photo, painting):
    mosaic = stylelib.load_image("mosaic", 64)
    run = stylelib.style_transfer(photo, [painting, mosaic], net, steps=2, style_weights=[0.7, 0.3]).finish()
    _, first, second = run.terms
    assert (first.weight, second.weight) == (0.7, 0.3) and (first.label, second.label) == ("style 1", "style 2")
    assert {"style 1 conv1_1", "style 2 conv1_1"} < set(run.losses)
    assert "style 2 conv1_1, conv2_1, conv3_1, conv4_1, conv5_1 × 0.3" in run.describe()
    equal = stylelib.style_transfer(photo, [painting, mosaic], net, steps=2)
    assert [term.weight for term in equal.terms[1:]] == [0.5, 0.5]


def test_two_styles_look_like_both(net):
    """The Gram error to each style lies below that of a transfer of the other style alone."""
    names = ("night_swirls", "woodcut")
    runs = [stylelib.style_transfer("riverside", name, net, 64, steps=25).finish() for name in (*names, names)]
    for number, name in enumerate(names):
        errors = [gram_error(net, run.image, stylelib.load_image(name, 64)) for run in runs]
        assert errors[number] < errors[2] < errors[1 - number]


@pytest.mark.parametrize(
    ("style", "weights", "sentence"),
    [([], (), "at least one style image"), (["mosaic"], (0.5, 0.5), "one weight for each style image: 1 images, 2")],
)
def test_styles_and_weights_that_do_not_go_together_are_refused(style, weights, sentence, net):
    with pytest.raises(stylelib.InputError, match=sentence):
        stylelib.style_transfer("riverside", style, net, 48, style_weights=weights)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"network": 64}, r"The network is a name, or what load_network returns; got 64\. A size is size="),
        ({"network": ["no-such", "compact"]}, "no network 'no-such'"),
    ],
)
def test_what_is_no_network_is_refused(arguments, sentence):
    with pytest.raises(stylelib.InputError, match=sentence):
        stylelib.style_transfer("riverside", "woodcut", **arguments)


def test_several_names_of_networks_mean_the_first_that_is_here():
    run = stylelib.style_transfer("riverside", "woodcut", ["vgg19", "compact"], 48, steps=1)
    assert run.terms[0].net.name in ("vgg19", "compact")
