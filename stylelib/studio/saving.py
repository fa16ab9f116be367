"""The part of the studio that saves pictures, animations and recipes.

In a notebook the files are written beside it, and none is overwritten. On a web page a visitor gets them as downloads,
and nothing stays on the server.
"""

import base64
import contextlib
import dataclasses
import functools
import html
import pathlib
import tempfile
from collections.abc import Callable

import ipywidgets

from stylelib.figures import kept_frames, save_animation
from stylelib.images import save_image
from stylelib.recipes import Recipe
from stylelib.storage import carried
from stylelib.studio.widgets import LAYOUT, STYLE, on_a_page
from stylelib.support.errors import InputError, shown
from stylelib.synthesis import Synthesis
from stylelib.weights.networks import cached_network

LONGEST_NAME = 80  # characters
NOT_IN_NAMES = '/\\:*?"<>|'


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
        self._recipe, self._folder = Recipe(), pathlib.Path()
        self.name = ipywidgets.Text(value="my_picture", description="Name to save as", layout=LAYOUT, style=STYLE)
        self.message = ipywidgets.HTML()
        self.buttons = []
        for text, tooltip, save in (
            ("Save picture", "Write the picture as a PNG file, which carries its recipe", self.save_picture),
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
        return [save_image(run.image, self._path(".png"), text=carried.to_text(self._recipe, run))]

    def save_animation(self, run: Synthesis) -> list[pathlib.Path]:
        """Write the pictures that the run kept."""
        return [save_animation(kept_frames(run).values(), self._path(".gif"))]

    def save_recipe(self, run: Synthesis) -> list[pathlib.Path]:
        """Write the recipe, with the steps that were done, and the pictures that are not bundled.

        A run from small to large keeps the steps that were planned, because they decide when it grows.
        """
        done = self._recipe.steps if self._recipe.first_size else min(run.number, self._recipe.steps)
        recipe = dataclasses.replace(self._recipe, steps=done)
        return recipe.save(self._path(".json"), cached_network(recipe.network, recipe.pooling))

    def _path(self, ending: str) -> pathlib.Path:
        """Return the path of a new file in the folder."""
        name = file_name(self.name.value, ending)
        path, number = self._folder / f"{name}{ending}", 1
        while path.exists():
            number += 1
            path = self._folder / f"{name}-{number}{ending}"
        return path

    def _try(self, save: Callable[[Synthesis], list[pathlib.Path]], button: ipywidgets.Button) -> None:
        if self._run is None:
            return
        place = tempfile.TemporaryDirectory() if on_a_page() else contextlib.nullcontext(".")
        try:
            with place as folder:
                self._folder = pathlib.Path(folder)
                links = ", ".join(map(download_link, save(self._run)))
        except InputError as error:
            self.message.value = f'<span role="alert">⚠ {html.escape(str(error))}</span>'
        else:
            self.message.value = f"{'Download' if on_a_page() else 'Saved'}: {links}"


def file_name(text: str, ending: str) -> str:
    """Return the name of a file, without its ending, from what was typed.

    Parameters
    ----------
    text : str
        The name, with or without its ending.
    ending : str
        The ending, such as ".png".

    Returns
    -------
    str
        A name without folders.

    Raises
    ------
    InputError
        If it is none.
    """
    name = text.strip().removesuffix(ending)
    if not name:
        raise InputError("Give the file a name first.")
    if len(name) > LONGEST_NAME or name[0] in ".~" or any(sign in NOT_IN_NAMES or sign < " " for sign in name):
        raise InputError(
            f"A file's name has at most {LONGEST_NAME} characters, does not begin with . or ~, and has none of "
            f"{' '.join(NOT_IN_NAMES)}; got {shown(text)}."
        )
    return name


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
    return f'<a download="{html.escape(path.name)}" href="data:{kind};base64,{data}">{html.escape(path.name)}</a>'
