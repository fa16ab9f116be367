"""The row of the studio that saves pictures, animations and recipes."""

import dataclasses
import functools
import html
import pathlib

import ipywidgets

from stylelib.figures import kept_frames, save_animation
from stylelib.images import save_image
from stylelib.studio.controls import LAYOUT, STYLE
from stylelib.studio.stills import _link
from stylelib.support.errors import InputError
from stylelib.weights.networks import cached_network


class Saving:
    """A name and three buttons: the picture, an animation and the recipe of the studio's last run."""

    def __init__(self, studio):
        self.studio = studio
        self.name = ipywidgets.Text(value="my_picture", description="Name to save as", layout=LAYOUT, style=STYLE)
        self.said = ipywidgets.HTML()
        self.buttons = []
        for text, tooltip, save in (
            ("Save picture", "Write the picture as a PNG file", self.save_picture),
            ("Save animation", "Write the run as a GIF file", self.save_animation),
            ("Save recipe", "Write every parameter as a small JSON file", self.save_recipe),
        ):
            button = ipywidgets.Button(description=text, tooltip=tooltip, layout={"width": "10em"})
            button.on_click(functools.partial(self._try, save))
            self.buttons.append(button)
        row = ipywidgets.HBox(self.buttons, layout={"flex_flow": "row wrap"})
        self.box = ipywidgets.VBox([self.name, row, self.said])

    def enable(self, enabled):
        for button in self.buttons:
            button.disabled = not enabled

    def save_picture(self):
        return [save_image(self.studio.current.image, self._path(".png"))]

    def save_animation(self):
        return [save_animation(kept_frames(self.studio.current).values(), self._path(".gif"))]

    def save_recipe(self):
        run = self.studio.current
        recipe = self.studio._cooked
        recipe = dataclasses.replace(recipe, steps=run.number) if run.number < recipe.steps else recipe
        return recipe.save(self._path(".json"), cached_network(recipe.network, recipe.pooling))

    def _path(self, ending):
        name = self.name.value.strip()
        if not name:
            raise InputError("Give the file a name first.")
        return pathlib.Path(name if name.endswith(ending) else name + ending)

    def _try(self, save, _):
        try:
            paths = save()
        except InputError as error:
            self.said.value = f'<span role="alert">⚠ {html.escape(str(error))}</span>'
            return
        self.said.value = "Saved: " + ", ".join(map(_link, paths))
