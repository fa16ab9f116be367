"""The base class of the studio's controls, and the sizes that they share."""

import dataclasses
import html
from collections.abc import Callable
from typing import Any

import ipywidgets

from stylelib.recipes import Recipe, check_value
from stylelib.support.errors import InputError

LAYOUT = {"width": "27em", "max_width": "100%"}
STYLE = {"description_width": "12em"}  # of the labels
BESIDE = {"width": "14.7em", "margin": "0 0 0 12.3em", "max_width": "100%"}  # of what stands below a control


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
