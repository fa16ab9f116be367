"""Controls for the values of a recipe, with labels, choices and checks from the recipe's fields.

Each control has a line below it that says what is wrong with its value. One control, "second_style", has no field of
its own; it changes `style` and `style_weights`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets

from stylelib.protocols.optimizer import Optimizer
from stylelib.recipes import Recipe
from stylelib.studio.picture_controls import PictureControl, SecondStyleControl, StyleControl
from stylelib.studio.widgets import BESIDE, LAYOUT, STYLE, Control
from stylelib.support.errors import InputError
from stylelib.vgg import LAYOUTS, layer_names
from stylelib.weights.networks import RANDOM, cached_network, known_networks, registered
from stylelib.weights.store import find_weights

SHOWN = (  # in this order, if the kind of recipe uses them
    "content",
    "style",
    "second_style",
    "network",
    "content_layer",
    "style_layers",
    "alpha_beta",
    "init",
    "seed",
    "optimizer",
    "size",
    "first_size",
    "steps",
)
OPTIMIZERS = {"lbfgs": "L-BFGS, as in the paper", "adam": "Adam"}  # their names in the menu

Choices = Mapping[str, Any]  # {label: value}
Knobs = Mapping[str, Choices | None] | Sequence[str]


class LayerControl(Control):
    """A menu of layers, which can change when another network is chosen."""

    def offer(self, layers: Sequence[str]) -> None:
        """Offer other layers. The selected ones stay, even if the network does not have them."""
        value = self.value
        options = tuple(dict.fromkeys([*layers, *([value] if isinstance(value, str) else value)]))
        if options != tuple(self.widget.options):
            self.widget.options = options
            self.widget.value = value


def make_controls(recipe: Recipe, knobs: Knobs | None = None) -> dict[str, Control]:
    """Return the controls for a recipe by name.

    Parameters
    ----------
    recipe : Recipe
        The controls start with its values.
    knobs : Mapping or Sequence of str, optional
        Names of controls, or {name: None} or {name: {label: value}} for a menu and a slider with only these values; by
        default all controls that the kind of recipe uses.

    Returns
    -------
    dict of str to Control
        In the order given.
    """
    names = default_names(recipe) if knobs is None else list(knobs)
    choices = knobs if isinstance(knobs, Mapping) else {}
    controls = {name: make_control(name, recipe, choices.get(name)) for name in names}
    if "network" in controls:
        layers = [control for control in controls.values() if isinstance(control, LayerControl)]
        controls["network"].on_change(lambda network: _follow(network, layers))
    return controls


def apply_all(recipe: Recipe, controls: Mapping[str, Control]) -> Recipe:
    """Return the recipe with the values of all controls, not checked."""
    for control in controls.values():
        recipe = control.apply(recipe)
    return recipe


def default_names(recipe: Recipe) -> list[str]:
    """Return the names of the controls for all values that a recipe's kind uses."""
    fields = {"second_style": "style_weights"}  # only a kind with style weights can have two styles
    return [name for name in SHOWN if fields.get(name, name) in recipe.values]


def make_control(name: str, recipe: Recipe, choices: Choices | None = None) -> Control:
    """Return one control for a recipe.

    Parameters
    ----------
    name : str
        The name of a field, or "second_style".
    recipe : Recipe
        The control starts with its value.
    choices : Mapping, optional
        {label: value}, for a menu and a slider with only these values.

    Returns
    -------
    Control
        Showing the recipe's value.
    """
    if name == "second_style":
        return SecondStyleControl(recipe)
    field = next(field for field in dataclasses.fields(recipe) if field.name == name)
    value, label = getattr(recipe, name), field.metadata.get("label", name)
    if choices:
        return _menu_with_slider(name, label, value, choices)
    if name == "content":
        return PictureControl(name, label, name, recipe)
    if name == "style":
        return StyleControl(label, recipe)
    if name == "alpha_beta":
        return Control(name, *_ratio(label, value))
    if name in ("content_layer", "style_layers"):
        widget = _menu if isinstance(value, str) else _list
        return LayerControl(name, widget(label, value, layers_of(recipe.network)))
    options = {"network": _networks, "optimizer": _optimizers}.get(name, lambda: field.metadata.get("choices"))()
    if options:
        return Control(name, _menu(label, value, options))
    number = ipywidgets.IntText if isinstance(value, int) else ipywidgets.FloatText
    return Control(name, number(value=value, description=label, layout=LAYOUT, style=STYLE))


def layers_of(network: str) -> list[str]:
    """Return the layers to offer for a network: its own if you registered it, else those of VGG-19, the deepest."""
    return list(cached_network(network).layers) if network in registered else layer_names(LAYOUTS["vgg19"])


def _follow(network: Control, layers: Sequence[LayerControl]) -> None:
    """Offer the layers of the network that was chosen."""
    try:
        offered = layers_of(network.value)
    except InputError as error:
        network.complain(str(error))
        return
    for control in layers:
        control.offer(offered)


def _networks() -> list[tuple[str, str]]:
    """Return the label and the name of each network in the menu; those with random weights are left out."""
    names = [name for name in known_networks() if not name.endswith(RANDOM)]
    here = {name: name in registered or find_weights(name) for name in names}
    return [(name if here[name] else f"{name} (needs a download)", name) for name in names]


def _optimizers() -> list[tuple[str, str]]:
    return [(OPTIMIZERS.get(name, name), name) for name in Optimizer.known]


def _menu(label: str, value: Any, options: Sequence[Any]) -> ipywidgets.Dropdown:
    values = [option[1] if isinstance(option, tuple) else option for option in options]
    options = list(options) if value in values else [*options, value]  # its check refuses an invalid value
    return ipywidgets.Dropdown(options=options, value=value, description=label, layout=LAYOUT, style=STYLE)


def _list(label: str, value: Sequence[str], options: Sequence[str]) -> ipywidgets.SelectMultiple:
    options = list(dict.fromkeys([*options, *value]))
    return ipywidgets.SelectMultiple(
        options=options, value=value, rows=6, description=label, layout=LAYOUT, style=STYLE
    )


def _menu_with_slider(name: str, label: str, value: Any, choices: Choices) -> Control:
    """Return a menu with a label for screen readers, and a slider without a label for the same options."""
    menu = _menu(label, value, list(choices.items()))
    slider = ipywidgets.SelectionSlider(options=menu.options, index=menu.index, readout=False, layout=BESIDE)
    ipywidgets.link((slider, "index"), (menu, "index"))
    return Control(name, menu, slider)


def _ratio(label: str, value: float) -> tuple[ipywidgets.FloatText, ipywidgets.FloatLogSlider]:
    """Return a field for a number, and a slider for the usual range below it."""
    text = ipywidgets.FloatText(value=value, description=label, layout=LAYOUT, style=STYLE)
    low, high = -3, 2
    start = min(max(value, 10.0**low), 10.0**high)
    slider = ipywidgets.FloatLogSlider(
        value=start, min=low, max=high, step=0.05, readout=False, continuous_update=False, layout=BESIDE
    )

    def to_text(change: Mapping[str, Any]) -> None:
        if abs(change["new"] - text.value) > 0.01 * abs(text.value):  # moved by hand, not by the text
            text.value = float(f"{change['new']:.3g}")

    def to_slider(change: Mapping[str, Any]) -> None:
        if 10.0**low <= change["new"] <= 10.0**high:
            slider.value = change["new"]

    slider.observe(to_text, names="value")
    text.observe(to_slider, names="value")
    return text, slider
