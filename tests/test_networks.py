"""Networks by name: stylelib's own, and those that a user registers."""

import pytest
import torch

import stylelib
from stylelib.support.errors import InputError
from stylelib.weights import networks, normalization
from stylelib.weights.normalization import normalize_activations
from tests.checkpoint_server import OXFORD, checkpoint, original, save, save_keras

pytest_plugins = ["tests.checkpoint_server"]


def test_without_a_name_it_takes_what_is_here_and_says_so(capsys):
    net = stylelib.load_network(device="cpu")
    said = capsys.readouterr().out
    assert net.name == "compact" and "compact" in said and "load_network('vgg19')" in said


def test_a_damaged_vgg19_counts_as_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path))
    (tmp_path / "vgg19.safetensors").write_bytes(b"cut off")
    with pytest.warns(UserWarning, match="vgg19"):
        net = stylelib.load_network(device="cpu")
    assert net.name == "compact" and "whose weights are on this machine" not in capsys.readouterr().out


def test_a_fingerprint_tells_networks_apart_and_knows_no_last_bits(monkeypatch, tmp_path):
    plain = stylelib.load_network("compact", device="cpu").fingerprint()
    same, stored, other, sharp, small = (
        stylelib.load_network(device="cpu", **settings).fingerprint()
        for settings in (
            {"name": "compact"},
            {"name": "compact", "normalize": False},
            {"name": "compact-random"},
            {"name": "compact", "pooling": "max"},
            {"name": "compact11"},
        )
    )
    assert same == plain and len({plain, stored, other, sharp, small}) == 5
    exact = normalization.mean_activations
    monkeypatch.setattr(
        normalization, "mean_activations", lambda *all: {layer: one * (1 + 1e-6) for layer, one in exact(*all).items()}
    )
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path))  # so that the means are computed anew
    assert stylelib.load_network("compact", device="cpu").fingerprint() == plain
    again = stylelib.load_network("compact", device="cpu")
    normalize_activations(again, {layer: torch.full((again.filters(layer),), 2.0) for layer in again.layers})
    assert again.fingerprint() != plain


def test_random_networks_repeat_by_seed():
    a, b, c = (stylelib.load_network("compact-random", normalize=False, device="cpu", seed=seed) for seed in (1, 1, 2))
    assert a.fingerprint() == b.fingerprint() != c.fingerprint()
    assert "random" in a.describe()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: stylelib.load_network("vgg91"), "Did you mean 'vgg19'"),
        (lambda: stylelib.load_network("compact", pooling="average"), "no pooling 'average'"),
        (lambda: stylelib.load_network("compact", precision="half"), "no precision 'half'"),
        (lambda: stylelib.load_network("compact-random", "file.pth"), "draws its weights from a seed"),
        (lambda: stylelib.load_network("compact-random", seed=-1), "seed is a whole number"),
        (lambda: stylelib.load_network("compact", device="gpu"), "no device 'gpu'"),
    ],
)
def test_wrong_names_are_answered_in_a_sentence(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


@pytest.mark.parametrize("name", ["", 5, {"compact"}])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(InputError, match="There is no network"):
        stylelib.load_network(name)


def test_of_several_names_the_first_that_is_here_is_taken(capsys):
    assert stylelib.load_network(["vgg19", "compact-random", "compact"], device="cpu").name == "compact-random"
    assert stylelib.load_network(("vgg16", "compact11"), device="cpu").name == "compact11"
    assert "no pretrained vgg16 on this machine); load_network('vgg16') downloads it, 59 MB" in capsys.readouterr().out
    with pytest.raises(
        InputError, match=r"None of vgg16, vgg19 has its weights on this machine; load_network\('vgg16'"
    ):
        stylelib.load_network(["vgg16", "vgg19"])


def test_random_weights_keep_the_activations_size():
    """He's initialisation: the variance is 2 / (9 C_in), the biases are 0."""
    net = stylelib.load_network("vgg11-random", normalize=False, device="cpu")
    weight, bias = net.convolutions["conv4_1"].parameters()
    assert weight.var().item() == pytest.approx(2 / (9 * 256), rel=0.01) and not bias.any()


@pytest.mark.parametrize(
    ("name", "here"), [("compact", True), ("compact11", True), ("vgg19", False), ("vgg19-random", True)]
)
def test_whether_a_network_needs_a_download(name, here):
    assert networks.is_here(name) == here


def test_layers_are_checked_without_loading_anything(monkeypatch):
    monkeypatch.setattr(networks, "load_network", None)
    assert networks.check_layers_by_name("vgg19-random", ["conv5_4", "conv1_1"]) == ["conv5_4", "conv1_1"]
    with pytest.raises(InputError, match=r"no layer in vgg16 'conv5_4'.*Did you mean"):
        networks.check_layers_by_name("vgg16", "conv5_4")
    with pytest.raises(InputError, match="no network 'vgg17'"):
        networks.check_layers_by_name("vgg17", "conv5_4")


def test_a_programs_last_networks_are_kept():
    assert networks.cached_network("compact") is networks.cached_network("compact")
    assert networks.cached_network("compact", "max").pooling == "max"


# ---------------------------------------------------------------------- the original VGG-19 and torchvision's


def test_a_caption_says_which_training_it_is(folder, keras, publish):
    publish("vgg19", keras)
    net = stylelib.load_network("vgg19", normalize=False, device="cpu")
    assert net.describe() == "vgg19 (original weights, Simonyan and Zisserman 2014, CC BY 4.0; avg pooling)"
    assert net.std.flatten().tolist() == pytest.approx([1 / 255] * 3)


def test_torchvisions_in_place_of_the_original_are_said_in_a_line(folder, publish, capsys):
    path = save(folder, "vgg19", checkpoint("vgg19"))
    publish("vgg19-torchvision", path)
    line = (
        "Network: vgg19 as torchvision trained it, because those weights are on this machine; `python -m stylelib "
        "fetch vgg19` downloads the original ones, which the paper used, 80 MB once.\n"
    )
    for name in ("vgg19", None):
        net = stylelib.load_network(name, normalize=False, device="cpu")
        assert capsys.readouterr().out == line
        assert net.name == "vgg19" and net.describe() == "vgg19 (torchvision IMAGENET1K_V1; avg pooling)"
    net = stylelib.load_network("vgg19-torchvision", normalize=False, device="cpu")
    assert capsys.readouterr().out == ""
    assert net.describe() == "vgg19-torchvision (torchvision IMAGENET1K_V1; avg pooling)"
    assert net.layers[-1] == "conv5_4" and net.identity["name"] == "vgg19-torchvision"


def test_vgg11_torchvision_is_another_name_of_vgg11(kept):
    assert networks.check_name("vgg13-torchvision") == "vgg13" and networks.is_here("vgg11-torchvision")
    net = stylelib.load_network("vgg11-torchvision", normalize=False, device="cpu")
    assert net.name == net.identity["name"] == "vgg11"
    assert networks.check_layers_by_name("vgg16-torchvision", "conv5_3") == ["conv5_3"]
    assert "vgg11-torchvision" not in networks.known_networks()


def test_a_file_of_yours_is_named_in_the_caption(keras, recwarn):
    net = stylelib.load_network(weights=keras, normalize=False, device="cpu")
    assert net.name == "vgg19" and net.describe() == f"vgg19 (your file {keras.name}; avg pooling)"
    assert "none of the published ones" in str(recwarn.pop(UserWarning).message)


@pytest.fixture(scope="module")
def oxford_file(tmp_path_factory):
    """The original VGG-19 in Keras' layout, made of the numbers that lie beside the repository."""
    if not OXFORD.exists():
        pytest.skip("the original weights are not here")
    return save_keras(tmp_path_factory.mktemp("oxford") / "vgg19.h5", original("vgg19", full=True))


def test_the_original_vgg19s_activations_are_those_of_the_published_definition(oxford_file):
    """Written out: BGR, 0 to 255, the mean colour subtracted, zero padding, average pooling between the blocks."""
    tensors, picture = original("vgg19", full=True), stylelib.load_image("riverside", 96)
    net = stylelib.load_network("vgg19", weights=oxford_file, normalize=False, device="cpu")
    assert net.describe().startswith("vgg19 (your file vgg19.h5, original weights, Simonyan and Zisserman 2014")
    found = net(picture, net.layers)
    x = 255 * picture.flip(1) - torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)
    for layer in net.layers:
        if layer.endswith("_1") and layer != "conv1_1":
            x = torch.nn.functional.avg_pool2d(x, 2)
        x = torch.nn.functional.conv2d(x, tensors[f"{layer}.weight"], tensors[f"{layer}.bias"], padding=1).relu()
        assert (found[layer] - x).norm() < 1e-4 * x.norm(), layer


def test_a_transfer_with_the_original_vgg19_runs(oxford_file, photo, painting):
    net = stylelib.load_network("vgg19", weights=oxford_file, device="cpu")
    run = stylelib.style_transfer(photo, painting, net, steps=10).finish()
    assert run.history[-1].loss < 0.7 * run.history[0].loss
    assert "original weights, Simonyan and Zisserman 2014, CC BY 4.0" in run.describe()


# ------------------------------------------------------------------------------------------------ a network of your own


class GridMeans(stylelib.Network):
    """Colours, and their means over squares of 2 and of 4 pixels, mixed by a matrix."""

    def __init__(self, seed=0, pooling="avg"):
        super().__init__("grid means", ["pixels", "pairs", "fours"])
        generator = torch.Generator().manual_seed(seed)
        self.pool = {"avg": torch.nn.functional.avg_pool2d, "max": torch.nn.functional.max_pool2d}[pooling]
        self.register_buffer("mixture", torch.rand(5, 3, 1, 1, generator=generator))

    def forward(self, pictures, layers):
        mixed = torch.nn.functional.conv2d(pictures, self.mixture)
        return {layer: self.pool(mixed, 2 ** self.layers.index(layer)) for layer in layers}

    def check_size(self, pictures, layers):
        if "fours" in layers and min(pictures.shape[-2:]) < 4:
            raise InputError("fours needs 4 pixels.")

    def describe(self):
        return "grid means (made by hand)"


@pytest.fixture
def grid_means():
    """The network's name, for as long as a test lasts."""
    before = networks.registered.copy()
    stylelib.register_network("grid-means", GridMeans)
    yield "grid-means"
    networks.registered.clear()
    networks.registered.update(before)


def terms(net):
    photo, painting = stylelib.load_image("riverside", 32), stylelib.load_image("night_swirls", 32)
    return [stylelib.Content(net, photo, "fours"), stylelib.Style(net, painting, ["pixels", "pairs"], weight=0.1)]


def test_a_network_of_your_own_works_in_terms_and_captions_without_a_name(tmp_path):
    run = stylelib.Synthesis(terms(GridMeans()), "noise", steps=4).finish()
    assert run.history[-1].loss < 0.5 * run.history[0].loss
    assert run.describe().startswith("grid means (made by hand) · content fours × 1")
    assert set(run.losses) == {"content fours", "style pixels", "style pairs"}
    with pytest.raises(InputError, match="no layer in grid means 'conv1_1'"):
        stylelib.Content(GridMeans(), run.image, "conv1_1")
    with pytest.raises(InputError, match="fours needs 4 pixels"):
        stylelib.Synthesis(terms(GridMeans())[0], stylelib.noise(2, 32))


def test_its_fingerprint_tells_weights_apart_and_repeats():
    first, again, other = GridMeans(), GridMeans(), GridMeans(seed=1)
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    assert len(first.fingerprint()) == 64
    again.name = "another name"
    assert again.fingerprint() != first.fingerprint()


def test_by_its_name_it_is_loaded_with_the_options_that_were_given(grid_means):
    net = stylelib.load_network(grid_means)
    assert type(net) is GridMeans and net.identity == {"name": "grid-means"}
    net = stylelib.load_network(grid_means, pooling="max", seed=3)
    assert net.identity == {"name": "grid-means", "pooling": "max", "seed": 3}
    assert net.fingerprint() == GridMeans(seed=3).fingerprint() != GridMeans().fingerprint()
    stylelib.register_network(grid_means, lambda device: GridMeans().to(device))
    net = stylelib.load_network(grid_means, device=torch.device("cpu"))
    assert net.identity == {"name": "grid-means", "device": "cpu"}, "an identity goes into files"


def test_it_is_known_wherever_names_are(grid_means, capsys):
    assert grid_means in networks.known_networks() and networks.is_here(grid_means)
    assert networks.check_layers_by_name(grid_means, "pairs") == ["pairs"]
    with pytest.raises(InputError, match="no layer in grid means 'sixes'"):
        networks.check_layers_by_name(grid_means, "sixes")
    assert type(stylelib.load_network(["vgg19", grid_means, "compact"])) is GridMeans
    assert "Network: grid-means, a network of your own." in capsys.readouterr().out


def test_a_run_with_it_is_saved_and_goes_on(grid_means, tmp_path):
    run = stylelib.Synthesis(terms(stylelib.load_network(grid_means, pooling="max")), "content", steps=6)
    for _ in range(3):
        next(run)
    loaded = stylelib.Synthesis.load(run.save(tmp_path / "run.pt"))
    assert type(loaded.terms[0].net) is GridMeans and loaded.terms[0].net is loaded.terms[1].net
    assert loaded.terms[0].net.identity == {"name": "grid-means", "pooling": "max"}
    assert torch.equal(loaded.finish().image, run.finish().image)
    assert loaded.describe() == run.describe()


def test_a_run_whose_network_has_no_name_asks_for_one_or_for_the_terms(tmp_path):
    net = GridMeans()
    path = stylelib.Synthesis(terms(net), "content", steps=2).finish().save(tmp_path / "run.pt")
    with pytest.raises(InputError, match=r"a network of your own \(.*GridMeans\) without a name.*register_network"):
        stylelib.Synthesis.load(path)
    assert stylelib.Synthesis.load(path, terms=terms(net)).number == 2


def test_a_run_whose_network_is_not_registered_here_is_refused_and_says_its_name(grid_means, tmp_path):
    path = stylelib.Synthesis(terms(stylelib.load_network(grid_means)), "content", steps=2).save(tmp_path / "run.pt")
    del networks.registered[grid_means]  # as in a program that has not registered it
    with pytest.raises(InputError, match="grid-means"):
        stylelib.Synthesis.load(path)


def test_other_weights_under_the_same_name_are_told(grid_means, tmp_path):
    path = stylelib.Synthesis(terms(stylelib.load_network(grid_means)), "content", steps=2).save(tmp_path / "run.pt")
    stylelib.register_network(grid_means, lambda: GridMeans(seed=9))
    with pytest.warns(UserWarning, match="The weights of grid-means are not the ones"):
        stylelib.Synthesis.load(path)


def test_registering_a_name_again_replaces_the_network(grid_means):
    first = networks.cached_network(grid_means)
    stylelib.register_network(grid_means, lambda: GridMeans(seed=9))
    assert networks.cached_network(grid_means).fingerprint() != first.fingerprint()


@pytest.mark.parametrize("name", ["compact", "vgg19-random"])
def test_stylelibs_own_names_are_taken(name):
    with pytest.raises(InputError, match=f"'{name}' is the name of one of stylelib's own networks; choose another"):
        stylelib.register_network(name, GridMeans)


def test_what_is_no_network_is_refused_when_it_is_loaded(grid_means):
    stylelib.register_network(grid_means, lambda: torch.nn.Conv2d(3, 5, 3))
    with pytest.raises(InputError, match=r"registered for grid-means must return a stylelib\.Network; got Conv2d"):
        stylelib.load_network(grid_means)


@pytest.mark.parametrize(
    ("name", "load", "sentence"),
    [
        ("", lambda **options: None, "A network's name is a text; got ''"),
        (3, lambda **options: None, "A network's name is a text; got 3"),
        ("mine", 3, "takes a function that returns the network, .* got int"),
    ],
)
def test_what_cannot_be_registered_is_refused(name, load, sentence):
    with pytest.raises(InputError, match=sentence):
        stylelib.register_network(name, load)


def test_a_network_in_place_of_a_function_is_refused(net):
    with pytest.raises(InputError, match=r"such as lambda \*\*options: MyNet\(\*\*options\); got VGG"):
        stylelib.register_network("mine", net)


def test_an_option_that_a_registered_function_does_not_take_is_named(net):
    stylelib.register_network("plain", lambda: net)
    with pytest.raises(InputError, match="The function registered for plain does not take pooling"):
        stylelib.load_network("plain", pooling="max")
