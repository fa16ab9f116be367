"""VGG: checked against torchvision's own, its geometry against what the network does."""

import copy

import pytest
import torch
import torchvision

import stylelib
from stylelib.support.errors import InputError
from stylelib.vgg import LAYOUTS, POOLINGS, VGG, WIDTHS, begins_block, block_of, layer_names, stride_of

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def torchvision_twin(name, seed=0):
    """torchvision's VGG with random weights, and ours with the same ones."""
    torch.manual_seed(seed)
    theirs = torchvision.models.get_model(name, weights=None).features.eval()
    convolutions = [module for module in theirs if isinstance(module, torch.nn.Conv2d)]
    tensors = {}
    for layer, convolution in zip(layer_names(LAYOUTS[name]), convolutions, strict=True):
        torch.nn.init.normal_(convolution.bias, std=0.1)
        tensors[f"{layer}.weight"], tensors[f"{layer}.bias"] = convolution.weight.data, convolution.bias.data
    return theirs, VGG(LAYOUTS[name], tensors, MEAN, STD, pooling="max", name=name)


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19"])
def test_activations_are_torchvisions_after_every_relu(name, photo):
    theirs, ours = torchvision_twin(name)
    x = torchvision.transforms.functional.normalize(photo, MEAN, STD)
    expected = []
    with torch.no_grad():
        for module in theirs:
            x = module(x)
            if isinstance(module, torch.nn.ReLU):
                expected.append(x.clone())
        activations = ours(photo, ours.layers)
    assert len(expected) == len(ours.layers) == {"vgg11": 8, "vgg13": 10, "vgg16": 13, "vgg19": 16}[name]
    for layer, theirs_seen in zip(ours.layers, expected, strict=True):
        scale = theirs_seen.abs().max()
        assert (activations[layer] - theirs_seen).abs().max() <= 1e-5 * scale, layer


def test_average_pooling_averages(photo):
    _, net = torchvision_twin("vgg11")
    average = VGG(
        LAYOUTS["vgg11"],
        {
            f"{layer}.{kind}": getattr(net.convolutions[layer], kind)
            for layer in net.layers
            for kind in ("weight", "bias")
        },
        MEAN,
        STD,
        pooling="avg",
    )
    below = average(photo, "conv1_1")["conv1_1"]
    h, w = below.shape[-2] // 2 * 2, below.shape[-1] // 2 * 2
    blocks = below[..., :h, :w].reshape(1, 64, h // 2, 2, w // 2, 2).mean(dim=(3, 5))
    expected = torch.relu(average.convolutions["conv2_1"](blocks))
    torch.testing.assert_close(average(photo, "conv2_1")["conv2_1"], expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(net(photo, "conv2_1")["conv2_1"], expected, atol=1e-3)


def test_what_a_layers_name_says():
    assert [block_of(layer) for layer in ("conv1_1", "conv3_4", "conv5_2")] == [1, 3, 5]
    assert [stride_of(layer) for layer in ("conv1_1", "conv3_4", "conv5_2")] == [1, 4, 16]
    assert [begins_block(layer) for layer in ("conv1_1", "conv1_2", "conv2_1", "conv5_1")] == [False, False, True, True]


def test_each_architecture_has_five_blocks_with_a_width_each():
    assert LAYOUTS.keys() == WIDTHS.keys()
    assert {len(blocks) for blocks in (*LAYOUTS.values(), *WIDTHS.values())} == {5}


@pytest.mark.parametrize("pooling, pooled", [("avg", 2.5), ("max", 4.0)])
def test_poolings_halve_a_picture(pooling, pooled):
    assert POOLINGS[pooling](torch.tensor([[[[1.0, 2, 9], [3, 4, 9]]]]), 2).tolist() == [[[[pooled]]]]


def test_layer_names_are_the_papers():
    names = layer_names(LAYOUTS["vgg19"])
    assert names[:5] == ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]
    assert names[-4:] == ["conv5_1", "conv5_2", "conv5_3", "conv5_4"]
    assert layer_names(LAYOUTS["vgg11"])[2:4] == ["conv3_1", "conv3_2"]


def test_computation_stops_at_the_deepest_layer_asked_for(net, photo):
    ran = []
    hooks = [
        convolution.register_forward_hook(lambda *_, layer=layer: ran.append(layer))
        for layer, convolution in net.convolutions.items()
    ]
    net(photo, ["conv2_1", "conv1_1"])
    for hook in hooks:
        hook.remove()
    assert ran == ["conv1_1", "conv1_2", "conv2_1"]


def test_activations_are_rectified_and_stay_so(net, photo):
    """torchvision's in-place ReLU overwrites what was stored before it; here nothing that is returned changes later."""
    alone = net(photo, "conv2_1")["conv2_1"].clone()
    together = net(photo, net.layers)["conv2_1"]
    assert alone.min() == 0 and alone.max() > 0
    assert torch.equal(alone, together)


def test_weights_are_frozen_and_the_picture_gets_a_gradient(net, photo):
    x = photo.clone().requires_grad_(True)
    net(x, "conv5_2")["conv5_2"].sum().backward()
    assert torch.isfinite(x.grad).all() and x.grad.abs().sum() > 0
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in net.parameters())


@pytest.mark.parametrize("name", ["vgg19-random", "compact"])
def test_table_agrees_with_what_the_network_does(name):
    net = stylelib.load_network(name, normalize=False, device="cpu")
    table = net.table(size=64)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        activations = net(picture, net.layers)
    for layer, channels, stride, _, parameters, cost in table.rows:
        seen = activations[layer]
        assert seen.shape == (1, channels, 64 // stride, 64 // stride)
        convolution = net.convolutions[layer]
        assert parameters == sum(one.numel() for one in convolution.parameters())
        assert cost == pytest.approx(convolution.weight.numel() * seen[0, 0].numel() / 1e6, abs=0.06)
    assert "conv4_2" in str(table) and "<td>conv4_2</td>" in table._repr_html_()


@pytest.mark.parametrize("layer", ["conv1_1", "conv1_2", "conv2_1", "conv3_1", "conv3_2", "conv4_2"])
def test_receptive_field_is_the_one_that_the_gradient_reaches(layer):
    torch.manual_seed(0)
    net = stylelib.load_network("compact-random", normalize=False, device="cpu")
    picture = torch.rand(1, 3, 128, 128).requires_grad_(True)
    activations = net(picture, layer)[layer]
    middle = activations.shape[-1] // 2
    activations[0, :, middle, middle].sum().backward()
    rows = picture.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == net.receptive_field(layer)


def test_receptive_fields_of_vgg16_are_the_published_ones():
    net = stylelib.load_network("vgg16-random", normalize=False, device="cpu")
    published = {"conv1_2": 5, "conv2_2": 14, "conv3_3": 40, "conv4_3": 92, "conv5_3": 196}
    assert {layer: net.receptive_field(layer) for layer in published} == published


def test_pictures_come_to_the_network_from_any_device_and_precision(net, photo):
    """The meta device computes shapes alone; what would mix two devices on a GPU mixes them here."""
    elsewhere = copy.deepcopy(net).to("meta")
    assert elsewhere(photo, ["conv2_1"])["conv2_1"].device.type == "meta"
    assert {scale.device.type for scale in elsewhere.scales.values()} == {"meta"}
    torch.testing.assert_close(net(photo.double(), "conv1_1")["conv1_1"], net(photo, "conv1_1")["conv1_1"])


def test_unknown_layer_is_named_with_the_nearest(net, photo):
    with pytest.raises(InputError, match=r"no layer in compact 'conv5_3'.*Did you mean 'conv"):
        net(photo, ["conv1_1", "conv5_3"])
    with pytest.raises(InputError, match="No layer was named"):
        net(photo, [])
    with pytest.raises(InputError, match="Layers are given as a name"):
        net(photo, 5)
    with pytest.raises(InputError, match="no layer in compact"):
        net.receptive_field("pool4")


@pytest.mark.parametrize("shown", ["riverside", torch.zeros(3, 32, 32), torch.zeros(1, 1, 32, 32)])
def test_what_is_not_a_picture_is_refused(net, shown):
    with pytest.raises(InputError, match="The network's input must be a picture"):
        net(shown, "conv1_1")


def test_pictures_too_small_for_the_deepest_layer_are_refused(net):
    small = torch.zeros(1, 3, 40, 12)
    assert net(small, "conv4_1")["conv4_1"].shape[-2:] == (5, 1)
    with pytest.raises(InputError, match=r"conv5_1 of compact needs pictures of at least 16 pixels.*has 12"):
        net(small, "conv5_1")


def test_what_it_is_called_says_where_its_weights_come_from(net):
    assert net.describe() == "compact (a small VGG of this project, taught by VGG-19; not VGG-19; avg pooling)"
    assert repr(net) == f"VGG({net.describe()}: conv1_1 … conv5_2)"
    assert net.stride("conv4_2") == 8 and net.filters("conv1_1") == WIDTHS["compact"][0]


def test_a_fingerprint_of_weights_made_by_hand_is_of_their_numbers():
    _, net = torchvision_twin("vgg11")
    _, again = torchvision_twin("vgg11")
    _, other = torchvision_twin("vgg11", seed=1)
    assert net.fingerprint() == again.fingerprint() != other.fingerprint()


@pytest.mark.parametrize("layers", [["conv1_1"], ["conv1_2", "conv4_1"]])
def test_memory_grows_with_pixels_pictures_and_depth(layers, net):
    bare = copy.deepcopy(net)
    bare.engine = None
    for one in (net, bare):
        small, large = (one.memory(torch.empty(1, 3, side, side, device="meta"), layers) for side in (64, 128))
        assert 3.9 * small < large < 4.1 * small
        assert one.memory(torch.empty(2, 3, 64, 64, device="meta"), layers) == pytest.approx(2 * small, rel=0.01)
        assert one.memory(torch.empty(1, 3, 64, 64, device="meta"), [*layers, "conv5_1"]) > small
