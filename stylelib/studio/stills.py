"""Pictures in place of widgets, for a page that cannot run them."""

import base64
import itertools
import math
from collections.abc import Sequence
from typing import Any

import ipywidgets
from torch.nn.functional import interpolate

from stylelib.analysis.measures import edge_agreement
from stylelib.figures import Figure, contact_sheet
from stylelib.images import load_image
from stylelib.paper.recordings import Recording
from stylelib.recipes import Recipe

MOST = 4  # pictures in a row, where several knobs are recorded
CAPTIONS = {"init": "from {}", "alpha_beta": "α/β {}"}  # of values whose label alone does not say what they are


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
    """Return the last frames of a recording, each with how well its edges agree with the photograph's.

    The values of the first knob follow each other, at most three in a row; if there are other knobs, their values stand
    side by side, at most MOST in a row.
    """
    first, *others = recording.knobs.values()
    pictures, captions, shown = [], [], []
    for choices in itertools.product(*(knob.items() for knob in recording.knobs.values())):
        run = recording.runs[tuple(value for _, value in choices)]
        if run in shown:  # a knob that changes nothing here, such as the seed without noise
            continue
        shown.append(run)
        pictures.append(run.picture)
        captions.append(_caption(recording, choices))
    note = f"Recorded; the first: {shown[0].made}\n"
    recipe = recording.recipe
    if "content" in recipe.pictures and "content" not in recording.knobs:
        for index, picture in enumerate(pictures):
            photo = load_image(recipe.content, max(picture.shape))
            photo = interpolate(photo, picture.shape[-2:])  # a row more or less, where sides were rounded
            captions[index] += f": edges {edge_agreement(picture, photo):.2f}"
        note += "Edges: how well they agree with the photograph's (1: all at the same positions).\n"
    across = math.prod(len(knob) for knob in others)
    columns = max(1, MOST // across) * across if others else min(len(first), 3)
    return contact_sheet(pictures, captions, columns, note=f"{note}A page that can run Python shows controls here.")


def _caption(recording: Recording, choices: Sequence[tuple[str, Any]]) -> str:
    """Return the labels of a run's values, without those that change nothing there, such as the seed without noise."""
    values = [value for _, value in choices]
    said = []
    for place, (name, knob) in enumerate(recording.knobs.items()):
        runs = [recording.runs[(*values[:place], value, *values[place + 1 :])] for value in knob.values()]
        if len(runs) == 1 or any(run != runs[0] for run in runs):
            said.append(CAPTIONS.get(name, "{}").format(choices[place][0]))
    return ", ".join(said)


def inputs(recipe: Recipe) -> Figure:
    """Return the pictures that a recipe starts from."""
    pictures = [load_image(source, recipe.size) for source in recipe.pictures.values()]
    note = "Nothing is computed yet. A page that can run Python shows the controls, the picture and its curves here."
    return contact_sheet(pictures, [f"{role} image" for role in recipe.pictures], note=note)
