"""Controls for a recipe's values: what they offer, show and refuse."""

import dataclasses
import html
import re

import pytest

import stylelib
from stylelib.protocols.optimizer import Optimizer
from stylelib.recipes import Recipe
from stylelib.studio.controls import apply_all, default_names, make_control, make_controls
from stylelib.vgg import LAYOUTS
from stylelib.weights import networks

RECIPE = Recipe(size=64, steps=3)


def complaint(control):
    """The sentence below a control."""
    return html.unescape(re.sub(r"<[^>]*>", "", control.complaint.value))


@pytest.mark.parametrize(
    "kind, missing",
    [
        ("transfer", set()),
        ("content", {"style", "second_style", "style_layers", "alpha_beta"}),
        ("style", {"content", "second_style", "content_layer", "alpha_beta"}),
    ],
)
def test_a_recipe_has_the_controls_that_its_kind_uses(kind, missing):
    everything = default_names(RECIPE)
    assert len(everything) == 13 and missing <= set(everything)
    recipe = Recipe(kind, init="noise")
    assert default_names(recipe) == [name for name in everything if name not in missing]
    assert list(make_controls(recipe)) == default_names(recipe)


def test_controls_show_a_recipe_and_give_it_back():
    recipe = Recipe(
        content="valley", style="mosaic", network="compact11", size=80, steps=7, content_layer="conv3_1",
        style_layers=("conv1_1", "conv3_1"), alpha_beta=0.3, init="noise", optimizer="adam", seed=5,
    )  # fmt: skip
    controls = make_controls(RECIPE)
    assert apply_all(RECIPE, controls) == RECIPE
    for control in controls.values():
        control.show(recipe)
    assert apply_all(RECIPE, controls) == recipe


def test_labels_are_those_of_the_recipes_fields():
    labels = {field.name: field.metadata["label"] for field in dataclasses.fields(Recipe)}
    for name, control in make_controls(RECIPE).items():
        if not name.startswith("second"):
            assert control.widget.description == labels[name]


@pytest.mark.parametrize("name, values", [("pooling", ("avg", "max")), ("convention", None)])
def test_a_value_with_choices_can_be_a_knob_too(name, values):
    control = make_control(name, RECIPE)
    assert control.widget.options == (values or control.widget.options)
    control.widget.value = control.widget.options[-1]
    assert getattr(control.apply(RECIPE), name) == control.widget.options[-1] != getattr(RECIPE, name)


@pytest.mark.parametrize("choices", [None, {"little": 0.01, "much": 1.0, "as at first": 0.2}])
def test_the_slider_below_a_control_sets_its_value_and_follows_it(choices):
    control = make_control("alpha_beta", RECIPE, choices)
    control.slider.value = 1.0
    assert control.value == 1.0 and control.apply(RECIPE).alpha_beta == 1.0
    control.widget.value = 0.2
    assert control.slider.value == 0.2
    control.show(dataclasses.replace(RECIPE, alpha_beta=1.0))
    assert control.slider.value == 1.0


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_a_ratio_beside_the_slider_can_be_typed_and_is_checked(value):
    control = make_control("alpha_beta", dataclasses.replace(RECIPE, alpha_beta=0.0))
    assert control.value == 0.0 and control.check(control.apply(RECIPE))
    control.widget.value = value
    assert not control.check(control.apply(RECIPE))
    assert complaint(control) == f"⚠ The ratio α/β must be a number, zero or more; got {value}."
    control.widget.value = 1e6
    assert control.check(control.apply(RECIPE)) and complaint(control) == ""


@pytest.mark.parametrize(
    "name, value",
    [
        ("network", "vgg20"),
        ("content_layer", "conv9_9"),
        ("style_layers", ("conv1_1", "conv9_9")),
        ("optimizer", "sgd"),
    ],
)
def test_a_wrong_value_in_a_recipe_is_shown_and_refused_below_its_control(name, value):
    recipe = dataclasses.replace(RECIPE, **{name: value})
    control = make_control(name, recipe)
    assert control.value == value and not control.check(control.apply(recipe))
    assert complaint(control).startswith("⚠ There is no ")


# ------------------------------------------------------------------------------------- networks and optimisers of yours


class Named(stylelib.Network):
    """The embedded network, with names of its own for two layers."""

    NAMES = {"shallow": "conv1_1", "deep": "conv4_2"}  # noqa: RUF012

    def __init__(self, net):
        super().__init__("named", list(self.NAMES))
        self.net = net

    def forward(self, pictures, layers):
        found = self.net(pictures, [self.NAMES[layer] for layer in layers])
        return {layer: found[self.NAMES[layer]] for layer in layers}


@pytest.fixture
def named(net):
    stylelib.register_network("my-network", lambda **_: Named(net))
    yield "my-network"
    del networks.registered["my-network"]
    networks.cached_network.cache_clear()


def values(control):
    """What a menu offers."""
    return [option[1] if isinstance(option, tuple) else option for option in control.widget.options]


def test_the_menu_of_networks_offers_registered_ones_and_no_random_ones_unless_one_is_chosen(named):
    known = [*LAYOUTS, "vgg16-torchvision", "vgg19-torchvision", named]
    assert values(make_control("network", RECIPE)) == known
    chosen = dataclasses.replace(RECIPE, network="vgg11-random")
    assert values(make_control("network", chosen)) == [*known, "vgg11-random"]


def test_a_network_that_is_not_here_is_marked(tmp_path, monkeypatch):
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    labels = {name: label for label, name in make_control("network", RECIPE).widget.options}
    assert labels["compact"] == "compact" and labels["vgg19"] == "vgg19 (needs a download)"


def test_the_menus_of_layers_follow_a_network_of_yours(named):
    controls = make_controls(RECIPE)
    before = values(controls["content_layer"])
    assert len(before) == 16
    controls["network"].widget.value = "vgg16"
    assert values(controls["content_layer"]) == before
    controls["network"].widget.value = named
    assert values(controls["content_layer"]) == ["shallow", "deep", "conv4_2"]
    assert controls["content_layer"].value == "conv4_2" and controls["style_layers"].value == RECIPE.style_layers
    controls["content_layer"].widget.value = "deep"
    controls["style_layers"].widget.value = ("shallow", "deep")
    recipe = apply_all(RECIPE, controls)
    assert recipe.style_layers == ("shallow", "deep") and all(one.check(recipe) for one in controls.values())
    assert apply_all(RECIPE, make_controls(recipe)) == recipe, "a recipe that was saved with it"


def test_a_network_of_yours_that_cannot_be_loaded_is_told_below_the_menu():
    def load(**_):
        raise stylelib.InputError("The file of my network is gone.")

    stylelib.register_network("broken", load)
    try:
        controls = make_controls(RECIPE)
        controls["network"].widget.value = "broken"
        assert complaint(controls["network"]) == "⚠ The file of my network is gone."
    finally:
        del networks.registered["broken"]


def test_the_menu_of_optimisers_offers_yours():
    class Own(stylelib.Adam):
        name = "own"

    try:
        control = make_control("optimizer", RECIPE)
        assert {"L-BFGS, as in the paper": "lbfgs", "Adam": "adam", "own": "own"}.items() <= dict(
            control.widget.options
        ).items()
        control.widget.value = "own"
        assert control.check(control.apply(RECIPE))
    finally:
        del Optimizer.known["own"]
