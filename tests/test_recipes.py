"""Recipes as files: the same picture again, bit by bit, or a sentence that says why not."""

import dataclasses
import io
import itertools
import json
import pathlib

import PIL.Image
import pytest
import torch

import stylelib
from stylelib import experiments, recipes
from stylelib.recipes import Recipe, change_alpha_beta
from stylelib.support.errors import InputError

RECIPES = {
    "transfer": Recipe(size=64, steps=3),
    "from noise": Recipe(size=64, steps=3, init="noise", seed=5, alpha_beta=1.0, style_layers=("conv1_1", "conv2_1")),
    "adam": Recipe("transfer", "valley", "mosaic", size=64, steps=3, optimizer="adam", content_layer="conv3_2"),
    "as printed": Recipe(size=64, steps=2, convention="printed", alpha_beta=1e-3),
    "max pooling": Recipe(size=64, steps=2, pooling="max"),
    "other network": Recipe(size=64, steps=2, network="compact11", content_layer="conv4_1"),
    "content": Recipe("content", size=64, steps=3, init="noise", content_layer="conv3_1"),
    "style": Recipe("style", size=64, steps=3, init="noise", style_layers=("conv1_1",)),
    "changed": Recipe(size=64, steps=6, changes=((2, 2.0), (4, 0.05))),
    "changed at the start": Recipe(size=64, steps=2, changes=((0, 3.0), (1, 0.05))),
    "changed after the end": Recipe(size=64, steps=2, changes=((2, 5.0), (9, 3.0))),
}


@pytest.fixture(autouse=True)
def each_network_is_loaded_once(monkeypatch):
    """Load each network only once, because loading takes a second."""
    for module in (experiments, recipes):
        monkeypatch.setattr(module, "load_network", loaded)


def loaded(name, pooling="avg", networks={}):  # noqa: B006 - it is what remembers
    key = f"{name!r} {pooling!r}"
    if key not in networks:
        networks[key] = stylelib.load_network(name, pooling=pooling)
    return networks[key]


@pytest.fixture(params=RECIPES)
def recipe(request):
    return RECIPES[request.param]


@pytest.fixture
def saved(tmp_path, net):
    """A saved recipe with a picture file and an uploaded picture; its path."""
    own = tmp_path / "holiday of mine.png"
    stylelib.save_image(stylelib.load_image("still_life", 80), own)
    (tmp_path / "kept").mkdir()
    return Recipe(content=str(own), style=picture_bytes("mosaic"), size=64, steps=2).save(
        tmp_path / "kept" / "boats.json", net
    )[-1]


def picture_bytes(name, kind="JPEG"):
    buffer = io.BytesIO()
    PIL.Image.open(stylelib.bundled_images()[name]).resize((90, 70)).save(buffer, kind)
    return buffer.getvalue()


def rewrite(path, **values):
    """Change some values in a saved recipe; ... takes one out."""
    content = json.loads(path.read_text(encoding="utf-8")) | values
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not ...}), "utf-8")


def expected(recipe):
    """The picture by plain calls, without Recipe.play."""
    run = recipe.prepare()
    for number in range(recipe.steps + 1):
        if number:
            next(run)
        if number in dict(recipe.changes):
            change_alpha_beta(run, dict(recipe.changes)[number])
    return run.image


# ---------------------------------------------------------------------------------------------------- the same picture


def test_a_recipe_makes_the_same_picture_again_also_from_its_file_and_its_code(recipe, tmp_path):
    run = recipe.finish()
    assert run.number == recipe.steps and torch.equal(run.image, expected(recipe))
    (path,) = recipe.save(tmp_path / "one.json")
    loaded = Recipe.load(path)
    assert loaded == (recipe if recipe.kind == "transfer" else dataclasses.replace(recipe, **unused(recipe)))
    assert torch.equal(loaded.finish().image, run.image)
    names = {"stylelib": stylelib}
    exec(recipe.code(), names)
    assert torch.equal(names["run"].image, run.image)


def unused(recipe):
    """The default of the picture that a kind of recipe does not use, which is not saved."""
    return {role: getattr(Recipe(), role) for role in ("content", "style") if role not in recipe.pictures}


def test_each_value_of_a_recipe_reaches_the_run(net):
    plain = RECIPES["transfer"].prepare(net)
    assert plain.describe().split(" · ")[:4] == [
        net.describe(),
        "content conv4_2 × 0.2 (relative); style conv1_1, conv2_1, conv3_1, conv4_1, conv5_1 × 1 (relative)",
        "from content",
        "64 × 43 px",
    ]
    assert plain.steps == 3 and plain.number == 0
    other = dataclasses.replace(RECIPES["from noise"], convention="printed", optimizer="adam").prepare(
        net, keep_every=2
    )
    assert other.seed == 5 and other.keep_every == 2 and other.optimizer.name == "adam" and other.init == "noise"
    assert [term.describe() for term in other.terms] == [
        "content conv4_2 × 1 (printed)",
        "style conv1_1, conv2_1 × 1 (printed)",
    ]


def test_a_change_takes_effect_at_its_step_and_not_before(net):
    changed, plain = RECIPES["changed"].prepare(net), dataclasses.replace(RECIPES["changed"], changes=()).prepare(net)
    pairs = list(zip(RECIPES["changed"].play(changed), plain, strict=True))
    assert [torch.equal(a.image, b.image) for a, b in pairs] == [True, True, False, False, False, False]
    assert [note[:30] for note in changed.notes] == [
        "after step 2 the run continued",
        "after step 4 the run continued",
    ]


def test_changing_the_ratio_leaves_the_style_terms_as_they_are(net):
    run = RECIPES["transfer"].prepare(net)
    style = run.terms[1]
    change_alpha_beta(run, 7.0)
    assert run.terms[0].weight == 7.0 and run.terms[0].layer == "conv4_2" and run.terms[1] is style


def test_code_names_a_picture_that_is_known_by_its_bytes_by_its_role():
    recipe = Recipe(content=picture_bytes("valley"), size=64, steps=2)
    names = {"stylelib": stylelib, "content": recipe.content}
    exec(recipe.code(), names)
    assert torch.equal(names["run"].image, recipe.finish().image)


def test_code_leaves_out_what_is_the_default():
    assert Recipe().code() == (
        "run = stylelib.style_transfer('riverside', 'night_swirls', network='compact', size=256, steps=100, "
        "alpha_beta=0.2)\nrun.finish()"
    )


# ------------------------------------------------------------------------------------------------------------- the file


def test_pictures_of_ones_own_are_written_beside_the_recipe_and_found_again(saved, tmp_path):
    content, style = saved.with_name("boats-content.png"), saved.with_name("boats-style.jpg")
    assert set(saved.parent.iterdir()) == {saved, content, style}
    assert content.read_bytes() == (tmp_path / "holiday of mine.png").read_bytes()
    assert style.read_bytes() == picture_bytes("mosaic")
    first = Recipe(content=str(content), style=str(style), size=64, steps=2).finish().image
    (tmp_path / "holiday of mine.png").unlink()
    moved = saved.parent.rename(tmp_path / "moved")  # the folder as a whole can go anywhere
    assert torch.equal(Recipe.load(moved / "boats.json").finish().image, first)


def test_a_recipe_is_found_from_another_folder(saved, monkeypatch):
    monkeypatch.chdir(saved.parent)
    assert Recipe.load("boats.json").finish().number == 2


def test_the_file_says_nothing_of_the_machine(saved, tmp_path):
    text = saved.read_text(encoding="utf-8")
    for secret in (str(tmp_path), str(pathlib.Path.home()), "holiday", "/", "\\"):
        assert secret not in text
    content = json.loads(text)
    assert content["content"] == "boats-content.png" and content["style"] == "boats-style.jpg"
    assert {"format", "stylelib", "network", "network_fingerprint", "seed", "pictures"} < set(content)


def test_bundled_pictures_stay_names(tmp_path, net):
    (path,) = RECIPES["transfer"].save(tmp_path / "a.json", net)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["content"] == "riverside" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind, ending", [("JPEG", ".jpg"), ("PNG", ".png"), ("GIF", ".gif"), ("TIFF", ".tiff")])
def test_a_kept_picture_has_the_ending_of_its_format(kind, ending, tmp_path, net):
    data = picture_bytes("valley", kind)
    picture, _ = Recipe(content=data, size=64).save(tmp_path / "a.json", net)
    assert picture.name == f"a-content{ending}" and picture.read_bytes() == data


def test_a_recipe_cannot_be_saved_where_nothing_can_be_written(tmp_path, net):
    with pytest.raises(InputError, match=r"folder .* does not exist"):
        RECIPES["transfer"].save(tmp_path / "nowhere" / "a.json", net)
    with pytest.raises(InputError, match=r"must end in \.json"):
        RECIPES["transfer"].save(tmp_path / "a.txt", net)
    with pytest.raises(InputError, match="no file"):
        Recipe(content="gone.jpg").save(tmp_path / "a.json", net)
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------------------- what cannot be made again


def test_another_picture_under_the_same_name_is_told(saved):
    saved.with_name("boats-style.jpg").write_bytes(picture_bytes("woodcut"))
    with pytest.raises(InputError, match=r"boats-style\.jpg is not the picture that boats\.json was made with\.$"):
        Recipe.load(saved)


def test_another_bundled_picture_is_told(tmp_path, net):
    (path,) = RECIPES["transfer"].save(tmp_path / "a.json", net)
    rewrite(path, style="mosaic")
    with pytest.raises(InputError, match=r"mosaic is not the picture that a\.json was made with"):
        Recipe.load(path)


def test_a_missing_picture_is_told(saved):
    saved.with_name("boats-content.png").unlink()
    with pytest.raises(InputError, match=r"There is no file .*boats-content\.png"):
        Recipe.load(saved)


def test_a_missing_recipe_is_told(tmp_path):
    with pytest.raises(InputError, match=r"There is no recipe .*gone\.json\.$"):
        Recipe.load(tmp_path / "gone.json")


def test_a_newer_format_is_told(saved):
    rewrite(saved, format=2)
    with pytest.raises(InputError, match=r"was made by a newer version of stylelib; install that version to use it\.$"):
        Recipe.load(saved)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"7", b"null", b"{}", b'{"format": 1}', b"\xff\xd8\xff", b"[" * 99]
)
def test_what_is_no_recipe_is_told(content, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json is not a recipe, or it is damaged\.$"):
        Recipe.load(path)
    with pytest.raises(InputError, match="is a folder; name a recipe"):
        Recipe.load(tmp_path)


NAMES = (
    "pictures", "style_layers", "style_weights", "changes", "kind", "network", "content", "style", "pooling", "size",
    "steps", "init", "optimizer", "seed", "alpha_beta", "content_layer", "convention", "class",
)  # fmt: skip
HARMLESS = [("style_weights", [1]), ("size", 7), ("steps", 7), ("seed", 7), ("alpha_beta", 7)]
DAMAGES = [*itertools.product(NAMES, [None, 7, "x", [1], {"x": 1}, ...]), ("network_fingerprint", ...)]


@pytest.mark.filterwarnings("ignore:.*keeps that size")
@pytest.mark.parametrize("name, value", DAMAGES)
def test_damage_to_any_value_is_a_sentence(name, value, saved):
    """Or it is harmless, because the default is the same."""
    rewrite(saved, **{name: value})
    try:
        recipe = Recipe.load(saved)
        recipe.prepare()
    except InputError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
    else:
        assert value is ... or (name, value) in HARMLESS


def test_a_picture_outside_the_recipes_folder_is_not_opened(saved):
    rewrite(saved, content="../holiday of mine.png")
    with pytest.raises(InputError, match="is not a recipe"):
        Recipe.load(saved)


def test_other_weights_are_told_and_the_recipe_is_there_all_the_same(saved):
    rewrite(saved, network_fingerprint="0" * 64)
    with pytest.warns(UserWarning, match="weights of compact are not the ones that boats.json was made with"):
        assert Recipe.load(saved).network == "compact"


# ------------------------------------------------------------------------------------------------- before anything runs


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"kind": "painting"}, "no kind of recipe 'painting'"),
        ({"content": "gone.jpg"}, "no file gone.jpg"),
        ({"style": b"no picture"}, "not a picture"),
        ({"network": "compcat"}, "Did you mean 'compact'"),
        ({"network": "vgg11", "content_layer": "conv4_4"}, "no layer in vgg11 'conv4_4'"),
        ({"style_layers": ()}, "No layer was named"),
        ({"size": 4}, r"Longer side \(pixels\) is a whole number, 8 or more; got 4"),
        ({"size": 20}, "at least 16 pixels on the shorter side, and the content image would have 13"),
        ({"init": "photo"}, r"no start 'photo'\..* Known: content, style, noise\.$"),
        ({"init": "content", "kind": "style"}, "There is no content image here to start from"),
        ({"pooling": "mean"}, "no pooling 'mean'"),
        ({"optimizer": "adan"}, "Did you mean 'adam'"),
        ({"convention": "paper"}, "no convention 'paper'"),
        ({"steps": -1}, "Steps is a whole number, 0 or more"),
        ({"seed": 1.5}, "Seed of the noise is a whole number, 0 or more"),
        ({"alpha_beta": float("nan")}, "The ratio α/β must be a number, zero or more; got nan"),
        ({"changes": (1, 2)}, r"A change is a pair, \(step, α/β\); got 1"),
        ({"changes": ((1, "much"),)}, "The ratio α/β must be"),
        (
            {"size": 16, "kind": "style", "init": "noise"},
            "at least 16 pixels on the shorter side, and the style image would have",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_a_network_is_loaded(values, sentence, monkeypatch):
    monkeypatch.setattr(recipes, "load_network", lambda *_, **__: pytest.fail("a network was loaded"))
    with pytest.raises(InputError, match=sentence):
        Recipe(**values).prepare()


def test_layers_less_deep_do_with_smaller_pictures(net):
    Recipe(size=20, steps=1, content_layer="conv2_1", style_layers=("conv1_1",)).finish(net)


# ------------------------------------------------------------------------------------------------------- several styles


def test_a_recipe_with_several_styles_is_saved_found_again_and_written_as_code(tmp_path, net):
    own = tmp_path / "own.png"
    stylelib.save_image(stylelib.noise(60, 60), own)
    recipe = Recipe(style=("night_swirls", str(own)), style_weights=(0.7, 0.3), size=48, steps=2)
    assert list(recipe.pictures) == ["content", "style", "style 2"]
    paths = recipe.save(tmp_path / "two.json", net)
    assert [path.name for path in paths] == ["two-style-2.png", "two.json"]
    again = Recipe.load(tmp_path / "two.json")
    assert again.style == ("night_swirls", str(tmp_path / "two-style-2.png")) and again.style_weights == (0.7, 0.3)
    run = again.finish(net)
    assert torch.equal(run.image, recipe.finish(net).image)
    assert f"'riverside', ['night_swirls', '{own}']" in recipe.code() and "style_weights=(0.7, 0.3)" in recipe.code()
    names = {"stylelib": stylelib}
    exec(recipe.code(), names)
    assert torch.equal(names["run"].image, run.image)


def test_weights_that_do_not_suit_the_styles_are_refused(net):
    with pytest.raises(InputError, match="one weight for each style image: 2 images, 1 weights"):
        Recipe(style=("mosaic", "woodcut"), style_weights=(1.0,)).prepare(net)


class Smoothed(Recipe):
    """A recipe with a value of its own."""

    def prepare(self, network=None, **run):
        prepared = super().prepare(network, **run)
        prepared.change_terms([*prepared.terms, stylelib.Smoothness(2.0)])
        return prepared


def test_a_recipe_of_your_own_prepares_its_own_run(net):
    run = Smoothed(size=48, steps=1).finish(net)
    assert "smoothness × 2" in run.describe()


def test_every_value_says_what_it_is_and_how_it_is_checked():
    for field in dataclasses.fields(Recipe):
        assert field.metadata["label"] and callable(field.metadata["check"])
        recipes.check_value(field.name, Recipe())


class Grey(stylelib.Network):
    """A network of your own with layer names of its own."""

    def __init__(self, net):
        super().__init__("grey", ["shallow", "deep"])
        self.net = net

    def forward(self, pictures, layers):
        names = {"shallow": "conv1_1", "deep": "conv2_1"}
        seen = self.net(pictures.mean(dim=1, keepdim=True).expand_as(pictures), [names[layer] for layer in layers])
        return {layer: seen[names[layer]] for layer in layers}

    def check_size(self, pictures, layers):
        if min(pictures.shape[-2:]) < 30:
            raise InputError("Grey wants at least 30 pixels.")


def test_a_recipe_names_a_network_of_your_own(net, tmp_path, monkeypatch):
    monkeypatch.setattr("stylelib.weights.networks.registered", {})
    stylelib.register_network("grey", lambda **options: Grey(net))
    recipe = Recipe(network="grey", content_layer="deep", style_layers=("shallow", "deep"), size=48, steps=2)
    run = recipe.finish()
    assert run.history[-1].loss < run.history[0].loss and "grey" in run.describe()
    recipe.save(tmp_path / "grey.json")
    assert torch.equal(Recipe.load(tmp_path / "grey.json").finish().image, run.image)
    with pytest.raises(InputError, match="Grey wants at least 30 pixels"):
        dataclasses.replace(recipe, size=40).check()
    with pytest.raises(InputError, match="no layer in grey 'conv4_2'"):
        Recipe(network="grey").check()


@dataclasses.dataclass(frozen=True)
class Extended(Recipe):
    smoothness: float = 0.0


def test_a_value_of_a_subclass_needs_no_description():
    Extended(size=48, smoothness=3.0).check()


@dataclasses.dataclass(frozen=True)
class Washed(Recipe):
    """A subclass with values of its own, one of them a tuple."""

    wash: tuple = ((1, 0.5),)


def test_a_recipe_of_your_own_class_is_read_as_what_it_was(tmp_path, net, monkeypatch):
    recipe = Washed(size=48, wash=((2, 0.25), (3, 0.1)))
    path = recipe.save(tmp_path / "washed.json", net)[-1]
    assert Recipe.load(path) == recipe and type(Recipe.load(path)) is Washed and Washed.load(path) == recipe
    rewrite(path, **{"class": "my_module.Gone"})
    with pytest.raises(InputError, match=r"needs your class my_module\.Gone; define it, or import the module"):
        Recipe.load(path)


@dataclasses.dataclass(frozen=True)
class Patient(Recipe):
    """A described value reaches the experiment, and through it Synthesis, by its name."""

    tolerance: float = dataclasses.field(
        default=1e-5, metadata={"label": "Tolerance", "help": "", "check": lambda *_: None, "choices": ()}
    )


def test_a_described_value_of_a_subclass_reaches_the_run(net):
    recipe = Patient(size=48, steps=1, tolerance=0.25)
    assert recipe.prepare(net).tolerance == 0.25
    assert recipe.code() == f"run = {recipe!r}.finish()"


@pytest.mark.parametrize("kind", ["transfer", "content", "style"])
def test_every_value_is_an_argument_of_its_experiment(kind):
    """So that a new field needs no second place: only those that the recipe itself handles are left out."""
    recipe = Recipe(kind=kind, init="noise")
    handled = {"kind", "content", "style", "network", "pooling", "changes"}
    names = {"layer": "content_layer", "layers": "style_layers"}
    given = {names.get(name, name) if kind != "transfer" else name for name in recipe.arguments()}
    assert given == set(recipe.values) - handled


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"changes": ((3, 0.1), (1, 3.0))}, "The steps of the changes must grow"),
        ({"content_layer": ("conv2_1", "conv4_2")}, "The content layer is one layer's name"),
        ({"style_layers": 7}, "Layers are given as"),
    ],
)
def test_values_that_would_be_ignored_are_refused(values, sentence):
    with pytest.raises(InputError, match=sentence):
        Recipe(**values).check()


def test_style_layers_may_be_one_name(net):
    assert Recipe(size=48, steps=1, style_layers="conv1_1").finish(net).terms[1].layers == ["conv1_1"]


def test_a_change_after_the_end_is_noted(net):
    run = Recipe(size=48, steps=2, changes=((1, 0.5), (9, 1.0))).finish(net)
    assert run.notes[-1] == "the run ended before step 9, where α/β changes to 1"
