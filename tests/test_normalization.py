"""The paper's activation normalisation: every filter's mean activation becomes 1, and nothing else changes."""

import copy

import pytest
import safetensors
import safetensors.torch
import torch

import stylelib
from stylelib.weights import normalization
from stylelib.weights.normalization import LEAST_SHARE, mean_activations, normalize_activations


@pytest.fixture(scope="module")
def before_and_after():
    """compact as it is stored, and normalised over two pictures."""
    pictures = [stylelib.load_image(name, 96) for name in ("riverside", "night_swirls")]
    before = stylelib.load_network("compact", normalize=False, device="cpu")
    after = stylelib.load_network("compact", normalize=False, device="cpu")
    means = mean_activations(before, pictures)
    return before, normalize_activations(after, means), pictures, means


def test_every_filters_mean_activation_is_1_afterwards(before_and_after):
    _, after, pictures, means = before_and_after
    for layer, mean in mean_activations(after, pictures).items():
        held = means[layer] < LEAST_SHARE * means[layer].mean()  # rarely firing filters are held in check
        torch.testing.assert_close(mean[~held], torch.ones((~held).sum()), rtol=1e-3, atol=0)
        assert (mean[held] < 1).all()
        assert held.float().mean() < 0.4, layer  # the first blocks' hand-made bands are among the held ones


def test_the_networks_function_is_unchanged_up_to_each_filters_scale(before_and_after):
    before, after, _, _ = before_and_after
    unseen = stylelib.load_image("stormy_sea", 96)
    with torch.no_grad():
        old, new = before(unseen, before.layers), after(unseen, after.layers)
    for layer in before.layers:
        restored = new[layer] * after.scales[layer].reshape(1, -1, 1, 1)
        assert (restored - old[layer]).abs().max() <= 1e-4 * old[layer].abs().max(), layer


def test_scales_are_not_all_alike_so_that_the_two_tests_above_test_something(before_and_after):
    _, after, _, _ = before_and_after
    assert all(after.scales[layer].max() > 1.5 * after.scales[layer].min() for layer in after.layers)


@pytest.mark.fault(10)
def test_load_network_normalises_over_the_bundled_pictures_and_remembers(tmp_path, monkeypatch):
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path))
    first = stylelib.load_network("compact", device="cpu")
    (kept,) = tmp_path.glob("mean-activations-compact-*.safetensors")
    monkeypatch.setattr(normalization, "mean_activations", lambda *_: pytest.fail("the means were computed again"))
    second = stylelib.load_network("compact", device="cpu")
    assert first.fingerprint() == second.fingerprint()
    monkeypatch.undo()
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path))
    kept.write_bytes(b"damaged")
    assert stylelib.load_network("compact", device="cpu").fingerprint() == first.fingerprint()


def not_a_number(means):
    return {layer: mean * torch.nan for layer, mean in means.items()}


def of_another_network(means):
    return {layer: mean[:-1] for layer, mean in means.items()}


def without_a_layer(means):
    return dict(list(means.items())[1:])


def of_another_type(means):
    return {layer: mean.double() for layer, mean in means.items()}


@pytest.mark.fault(10)
@pytest.mark.parametrize("damage", [not_a_number, of_another_network, without_a_layer, of_another_type])
@pytest.mark.parametrize("about", ["none", "kept"])
def test_means_that_are_not_the_ones_that_were_kept_are_computed_again(damage, about, tmp_path, monkeypatch):
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path))
    first = stylelib.load_network("compact11", device="cpu")
    (kept,) = tmp_path.glob("mean-activations-compact11-*.safetensors")
    with safetensors.safe_open(kept, "pt") as file:
        header = file.metadata() if about == "kept" else None
    whole = kept.read_bytes()
    kept.write_bytes(safetensors.torch.save(damage(safetensors.torch.load_file(kept)), header))
    again = stylelib.load_network("compact11", device="cpu")
    assert all(torch.equal(again.scales[layer], scale) for layer, scale in first.scales.items())
    assert kept.read_bytes() == whole


def test_means_weigh_each_picture_the_same_whatever_its_size(net):
    small, large = stylelib.load_image("riverside", 48), stylelib.load_image("night_swirls", 96)
    together = mean_activations(net, [small, large])
    apart = [mean_activations(net, [picture]) for picture in (small, large)]
    for layer in net.layers:
        torch.testing.assert_close(together[layer], (apart[0][layer] + apart[1][layer]) / 2)


def test_a_layer_that_never_fires_stays_as_it_is():
    net = stylelib.load_network("compact-random", normalize=False, device="cpu")
    before = net.convolutions["conv1_2"].weight.clone()
    normalize_activations(net, {layer: torch.zeros(net.filters(layer)) for layer in net.layers})
    assert torch.equal(net.convolutions["conv1_2"].weight, before) and (net.scales["conv1_2"] == 1).all()


def test_means_from_another_device_are_taken(net):
    """The meta device computes shapes alone; an operation that mixes two devices on a GPU fails here too."""
    elsewhere = copy.deepcopy(net).to("meta")
    normalize_activations(elsewhere, {layer: torch.ones(net.filters(layer)) for layer in net.layers})
    assert {scale.device.type for scale in elsewhere.scales.values()} == {"meta"}


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path / "file" / "inside"))
    assert stylelib.load_network("compact", device="cpu").scales["conv1_1"].max() > 0
    assert (tmp_path / "file").read_text() == ""


def test_every_picture_of_the_project_counts_once_and_a_new_folder_is_made_for_the_means(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(
        normalization,
        "mean_activations",
        lambda net, pictures: taken.extend(pictures) or mean_activations(net, pictures),
    )
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path / "new" / "folder"))
    stylelib.load_network("compact11", device="cpu")
    own = set(stylelib.bundled_images()) - {"grace_hopper"}
    assert len(taken) == len(own) > 10 and {max(picture.shape) for picture in taken} == {
        normalization.NORMALIZATION_SIZE
    }
    assert len(list((tmp_path / "new" / "folder").glob("mean-activations-compact11-*.safetensors"))) == 1
