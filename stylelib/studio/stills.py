"""Pictures in place of widgets, for a page that cannot run them."""

import base64
import itertools
from typing import Any

import ipywidgets

from stylelib.figures import Figure, contact_sheet
from stylelib.images import load_image
from stylelib.paper.recordings import Recording
from stylelib.recipes import Recipe


class BoxWithStill(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A column of widgets, and a figure that replaces them on a page that cannot run them."""

    def still(self) -> Figure:
        """Return the figure."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle: dict[str, Any] | None = super()._repr_mimebundle_(**arguments)
        if not bundle:
            return None
        figure = self.still()
        bundle["image/jpeg"] = base64.b64encode(figure.jpeg()).decode()
        return bundle, {"image/jpeg": {"alt": figure.alt}}


def strip(recording: Recording) -> Figure:
    """Return the last frames of a recording in rows, with the values of its first knob from left to right.

    If it is the only knob, at most three stand in a row.
    """
    first, *others = recording.knobs.values()
    pictures, captions, shown = [], [], []
    for rest in itertools.product(*(choices.items() for choices in others)):
        for label, value in first.items():
            run = recording.runs[(value, *(other for _, other in rest))]
            if run in shown:  # a knob that changes nothing here, such as the seed without noise
                continue
            shown.append(run)
            pictures.append(load_image(list(run.frames.values())[-1]))
            captions.append(", ".join([label, *(other for other, _ in rest)]))
    made = next(iter(recording.runs.values())).made
    note = f"Recorded; the first: {made}\nA page that can run Python shows controls here."
    return contact_sheet(pictures, captions, len(first) if others else min(len(first), 3), note=note)


def inputs(recipe: Recipe) -> Figure:
    """Return the pictures that a recipe starts from."""
    pictures = [load_image(source, recipe.size) for source in recipe.pictures.values()]
    note = "Nothing is computed yet. A page that can run Python shows the controls, the picture and its curves here."
    return contact_sheet(pictures, [f"{role} image" for role in recipe.pictures], note=note)
