"""The networks inside the package: their files, and what the series says can be seen with them, at a small size."""

import json

import pytest
import safetensors
import torch

import stylelib
from stylelib.analysis import measures
from stylelib.vgg import LAYOUTS
from stylelib.weights.formats import fingerprint
from stylelib.weights.store import DATA, find_weights

SIZE, STEPS = 96, 60
FIGURE_1 = ["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"]
STYLE_LAYERS = list(stylelib.STYLE_LAYERS)
LAYERS = {
    name: [f"conv{block}_{index}" for block, count in enumerate(LAYOUTS[name], 1) for index in range(1, count + 1)]
    for name in ("compact", "compact11")
}
CARD = DATA / "README.md"


@pytest.fixture(scope="module", params=LAYERS)
def net(request):
    return stylelib.load_network(request.param, device="cpu")


@pytest.fixture(scope="module")
def photo():
    return stylelib.load_image("riverside", SIZE)


@pytest.fixture(scope="module")
def painting():
    return stylelib.load_image("night_swirls", SIZE)


# ---------------------------------------------------------------------------------------------------------- the files


@pytest.mark.parametrize(("name", "megabytes"), [("compact", 6), ("compact11", 4)])
def test_a_file_is_small_whole_and_says_what_it_is(name, megabytes):
    path = find_weights(name)
    assert path.stat().st_size < megabytes * 1e6
    with safetensors.safe_open(path, "pt") as file:
        header = file.metadata()
        tensors = {f"{layer}.{kind}": file.get_tensor(f"{layer}.{kind}") for layer in LAYERS[name] for kind in
                   ("weight", "bias")}  # fmt: skip
        assert set(file.keys()) == set(tensors)
    assert all(tensor.dtype == torch.float16 for key, tensor in tensors.items() if key.endswith("weight"))
    assert header["sha256"] == fingerprint({key: tensor.float() for key, tensor in tensors.items()})
    assert (
        header["name"] == name and "not VGG-19" in header["source"] and "NOT one of the VGGs" in header["description"]
    )
    assert "VGG-19" in header["teacher"] and "CC BY 4.0" in header["teacher"] and "crops" in header["training"]
    assert len(json.loads(header["input_mean"])) == len(json.loads(header["input_std"])) == 3


@pytest.mark.parametrize("name", LAYERS)
def test_the_model_card_names_the_file(name):
    card = CARD.read_text(encoding="utf-8")
    with safetensors.safe_open(find_weights(name), "pt") as file:
        assert file.metadata()["sha256"] in card
    for heading in ("Architecture", "Data", "Teacher", "Objective", "Cost", "Quality", "Limits"):
        assert f"**{heading}" in card


def test_layers_have_the_papers_names(net):
    assert net.layers == LAYERS[net.name]


def test_loading_twice_gives_the_same_network_and_the_same_picture(net, photo):
    again = stylelib.load_network(net.name, device="cpu")
    assert again.fingerprint() == net.fingerprint()
    first, second = (
        stylelib.reconstruct_content(photo, "conv2_1", one, steps=3).finish().image for one in (net, again)
    )
    assert torch.equal(first, second)


# ------------------------------------------------------------------------------------------------- what can be seen


@pytest.fixture(scope="module")
def reconstructions(photo):
    net = stylelib.load_network("compact", device="cpu")
    return {
        layer: stylelib.reconstruct_content(photo, layer, net, steps=STEPS).finish().image.clamp(0, 1)
        for layer in FIGURE_1
    }


def test_the_error_of_a_content_reconstruction_grows_with_depth(reconstructions, photo):
    errors = [measures.pixel_error(picture, photo) for picture in reconstructions.values()]
    assert errors == sorted(errors)
    assert errors[0] < 0.07, "conv1_2 is no worse than VGG-19, which has 0.071 here"
    assert errors[4] > 4 * errors[0] and errors[4] > 0.1, "conv5_2 is not"


def test_conv4_2_keeps_the_arrangement_and_conv2_2_the_pixels(reconstructions, photo):
    deep, shallow = reconstructions["conv4_2"], reconstructions["conv2_2"]
    assert measures.pixel_error(shallow, photo) < 0.5 * measures.pixel_error(deep, photo)
    assert measures.layout_agreement(deep, photo) > 0.4, "after 60 steps; it goes on growing"
    assert measures.edge_agreement(shallow, photo) > 0.9


def test_fine_gratings_are_seen_better_than_by_vgg19():
    """An optimisation leaves in the picture what no layer sees, such as a coloured hatching.

    VGG-19's own conv1_2 has 0.00075 for a light and dark grating, and 0.00004 for a red and green one.
    """
    net = stylelib.load_network("compact", device="cpu")
    assert grating_visibility(net, "conv1_2", (1.0, 1.0, 1.0)) > 0.003
    assert grating_visibility(net, "conv1_2", (1.0, -1.0, 0.0)) > 0.003


def grating_visibility(net, layer, colour):
    """How much gratings near the checkerboard change a layer, as a part of what coarse ones do (mean squares)."""
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    sky = torch.tensor([0.35, 0.5, 0.7]).view(1, 3, 1, 1).expand(1, 3, 64, 64)
    tint = 0.03 * torch.tensor(colour).view(1, 3, 1, 1)

    def change(periods):
        grated = torch.cat([sky + tint * torch.cos(torch.pi * (a * rows + b * columns) + 0.7) for a, b in periods])
        seen, plain = (net(one, [layer])[layer][:, :, 4:-4, 4:-4] for one in (grated, sky))
        return (seen - plain).square().mean().item()

    return change([(1, 0.75), (0.75, 1), (0.875, 0.875)]) / change([(0.25, 0), (0, 0.25), (0.25, 0.25)])


def test_hardly_a_filter_is_silent(net):
    pictures = [stylelib.load_image(name, 128) for name in ("riverside", "night_swirls", "mosaic", "still_life")]
    with torch.no_grad():
        seen = [net(picture, net.layers) for picture in pictures]
    for layer in net.layers:
        loudest = torch.stack([one[layer].amax(dim=(0, 2, 3)) for one in seen]).amax(dim=0)
        assert (loudest > 0).float().mean() > 0.98, layer


@pytest.fixture(scope="module")
def textures(painting):
    """The style reconstructed from the first one, two, three layers and from all five, and with random filters."""
    trained, random = (stylelib.load_network(name, device="cpu") for name in ("compact", "compact-random"))
    wanted = {1: trained, 2: trained, 3: trained, 5: trained, "random": random}
    return {
        count: stylelib.reconstruct_style(painting, STYLE_LAYERS[: count if count != "random" else 5], net, steps=STEPS)
        .finish()
        .image
        for count, net in wanted.items()
    }


def test_style_layers_match_structure_of_growing_scale(textures, painting):
    """Each of the first three layers corrects what the ones before left wrong, most of all in larger patches."""
    one, two, three = (measures.patch_distances(textures[count], painting) for count in (1, 2, 3))
    for size in (5, 10, 20):
        assert three[size] < two[size] < one[size]
    assert three[10] < 0.8 * one[10]


def test_trained_filters_carry_strokes_and_random_ones_do_not(textures, painting):
    """Judged by measures of the picture that use no network."""
    coherence = {count: measures.stroke_coherence(picture) for count, picture in textures.items()}
    goal = measures.stroke_coherence(painting)
    assert coherence[1] < 0.75 * goal, "the first layer alone makes specks"
    assert coherence[5] > 0.85 * goal
    assert coherence["random"] < 0.7 * goal


def test_a_transfer_takes_the_strokes_and_keeps_the_scene(photo, painting):
    run = stylelib.style_transfer(photo, painting, stylelib.load_network("compact", device="cpu"), steps=STEPS).finish()
    before, after = (sum(measures.patch_distances(one, painting).values()) for one in (photo, run.image))
    assert after < 0.7 * before
    assert measures.layout_agreement(run.image, photo) > 0.7
