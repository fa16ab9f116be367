"""The base class of the studio's controls, and the sizes that they share."""

import dataclasses
import html
import os
from collections.abc import Callable
from typing import Any

import ipywidgets

from stylelib.recipes import Recipe, check_value
from stylelib.support.errors import InputError

PAGE = "VOILA_REQUEST_URL"  # Voilà sets it in the kernels of its pages
LAYOUT = {"width": "27em", "max_width": "100%"}
STYLE = {"description_width": "12em"}  # of the labels
BESIDE = {"width": "14.7em", "margin": "0 0 0 12.3em", "max_width": "100%"}  # of what stands below a control


def on_a_page() -> bool:
    """Return whether this kernel belongs to a web page, whose visitors may reach no file of this machine."""
    return PAGE in os.environ


def explain(error: Exception) -> str:
    """Return what went wrong in a run, as one sentence."""
    return str(error) if isinstance(error, InputError) else f"The run failed ({type(error).__name__}: {error})."


def close_all(widget: ipywidgets.Widget) -> None:
    """Close a widget and all that belong to it: inside it, and its layout and style, which ipywidgets would keep."""
    values = list(widget.trait_values().values())
    ipywidgets.Widget.close(widget)  # first, so that none is closed twice
    for value in values:
        for one in value if isinstance(value, tuple | list) else [value]:
            if isinstance(one, ipywidgets.Widget) and one.comm is not None:
                close_all(one)


def make_button(text: str, icon: str, tooltip: str, act: Callable[[], object], style: str = "") -> ipywidgets.Button:
    """Return a button.

    Parameters
    ----------
    text, icon, tooltip : str
        Its text, its icon (on a web page it has none, because the icons' font comes from outside) and what it does.
    act : callable
        Called when it is clicked.
    style : str
        Its colour, see ipywidgets.
    """
    button = ipywidgets.Button(
        description=text,
        icon="" if on_a_page() else icon,
        tooltip=tooltip,
        button_style=style,
        layout={"width": "7.5em"},
    )
    button.on_click(lambda _: act())
    return button


class Control:
    """A widget for one value of a recipe.

    Parameters
    ----------
    name : str
        The recipe's field that it sets.
    widget : widget
        Holds the value.
    slider : widget, optional
        Another way to set the same value, below the widget.

    Attributes
    ----------
    complaint : widget
        The line that says what is wrong with the value.
    box : widget
        Holds them all.
    """

    def __init__(self, name: str, widget: ipywidgets.Widget, slider: ipywidgets.Widget | None = None) -> None:
        self.name, self.widget, self.slider = name, widget, slider
        self.complaint = ipywidgets.HTML()
        self.complaint.add_class("stylelib-complaint")
        self.box = ipywidgets.VBox([*filter(None, (widget, slider)), self.complaint])

    @property
    def value(self) -> Any:
        """The widget's value."""
        return self.widget.value

    def show(self, recipe: Recipe) -> None:
        """Set the widget to a recipe's value."""
        self.widget.value = getattr(recipe, self.name)
        self.complain("")

    def apply(self, recipe: Recipe) -> Recipe:
        """Return the recipe with the widget's value."""
        return dataclasses.replace(recipe, **{self.name: self.value})

    def check(self, recipe: Recipe) -> bool:
        """Return whether a recipe with the value is valid; if not, a sentence below the widget says why."""
        try:
            self.check_value(recipe)
        except InputError as error:
            self.complain(str(error))
            return False
        self.complain("")
        return True

    def check_value(self, recipe: Recipe) -> None:
        """Raise an InputError if the value is invalid."""
        check_value(self.name, recipe)

    def complain(self, sentence: str) -> None:
        """Write the line below the widget; an empty text removes it."""
        self.complaint.value = f'<span role="alert">⚠ {html.escape(sentence)}</span>' if sentence else ""

    def enable(self, enabled: bool) -> None:
        """Allow changes, or forbid them."""
        for widget in filter(None, (self.widget, self.slider)):
            widget.disabled = not enabled

    def on_change(self, function: Callable[["Control"], object]) -> None:
        """Call `function(control)` whenever the value changes."""
        self.widget.observe(lambda _: function(self), names="value")
