"""The part of the studio that saves pictures, animations and recipes."""

import base64
import dataclasses
import functools
import html
import pathlib
from collections.abc import Callable

import ipywidgets

from stylelib.figures import kept_frames, save_animation
from stylelib.images import save_image
from stylelib.recipes import Recipe
from stylelib.studio.widgets import LAYOUT, STYLE
from stylelib.support.errors import InputError
from stylelib.synthesis import Synthesis
from stylelib.weights.networks import cached_network


class Saving:
    """A file name and three buttons, which save a run's picture, its animation and its recipe.

    Attributes
    ----------
    name : widget
        The file name, with or without its ending.
    buttons : list of widget
        Enabled while there is something to save.
    message : widget
        Which files were written, as links, or what is wrong.
    box : widget
        Holds them all.
    """

    def __init__(self) -> None:
        self._run: Synthesis | None = None
        self._recipe = Recipe()
        self.name = ipywidgets.Text(value="my_picture", description="Name to save as", layout=LAYOUT, style=STYLE)
        self.message = ipywidgets.HTML()
        self.buttons = []
        for text, tooltip, save in (
            ("Save picture", "Write the picture as a PNG file", self.save_picture),
            ("Save animation", "Write the run as a GIF file", self.save_animation),
            ("Save recipe", "Write every parameter to a small JSON file", self.save_recipe),
        ):
            button = ipywidgets.Button(description=text, tooltip=tooltip, layout={"width": "10em"})
            button.on_click(functools.partial(self._try, save))
            self.buttons.append(button)
        row = ipywidgets.HBox(self.buttons, layout={"flex_flow": "row wrap"})
        self.box = ipywidgets.VBox([self.name, row, self.message])

    def offer(self, run: Synthesis | None, recipe: Recipe) -> None:
        """Set what the buttons save.

        Parameters
        ----------
        run : Synthesis or None
            The run to save; None disables the buttons.
        recipe : Recipe
            The recipe that the run was made with.
        """
        self._run, self._recipe = run, recipe
        for button in self.buttons:
            button.disabled = run is None

    def save_picture(self, run: Synthesis) -> list[pathlib.Path]:
        """Write the best picture so far. Like the next two methods, return the paths of the files."""
        return [save_image(run.image, self._path(".png"))]

    def save_animation(self, run: Synthesis) -> list[pathlib.Path]:
        """Write the pictures that the run kept."""
        return [save_animation(kept_frames(run).values(), self._path(".gif"))]

    def save_recipe(self, run: Synthesis) -> list[pathlib.Path]:
        """Write the recipe, with the steps that were done, and the pictures that are not bundled."""
        recipe = dataclasses.replace(self._recipe, steps=min(run.number, self._recipe.steps))
        return recipe.save(self._path(".json"), cached_network(recipe.network, recipe.pooling))

    def _path(self, ending: str) -> pathlib.Path:
        name: str = self.name.value.strip()
        if not name:
            raise InputError("Give the file a name first.")
        return pathlib.Path(name if name.endswith(ending) else name + ending)

    def _try(self, save: Callable[[Synthesis], list[pathlib.Path]], button: ipywidgets.Button) -> None:
        if self._run is None:
            return
        try:
            paths = save(self._run)
        except InputError as error:
            self.message.value = f'<span role="alert">⚠ {html.escape(str(error))}</span>'
        else:
            self.message.value = "Saved: " + ", ".join(map(download_link, paths))


def download_link(path: pathlib.Path) -> str:
    """Return a link that contains a saved file, because the kernel may not run on the browser's machine.

    Parameters
    ----------
    path : pathlib.Path
        A picture, an animation or a recipe.

    Returns
    -------
    str
        HTML.
    """
    kind = {".png": "image/png", ".gif": "image/gif", ".json": "application/json"}.get(path.suffix, "image/jpeg")
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<a download="{html.escape(path.name)}" href="data:{kind};base64,{data}">{html.escape(str(path))}</a>'
