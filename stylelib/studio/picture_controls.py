"""Controls for the pictures of a recipe: the content image, one style image or two, and the share of the second."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from stylelib.images import Source, load_image
from stylelib.recipes import Recipe, check_value
from stylelib.storage.recipe_values import as_list, check_shares
from stylelib.studio.widgets import BESIDE, LAYOUT, STYLE, Control, on_a_page
from stylelib.support.errors import InputError
from stylelib.support.gallery import bundled_images

LARGEST_UPLOAD = 50_000_000  # bytes; where the server takes so much, see `upload_limit`
SERVER_LIMIT = 10_000_000  # bytes of a message, above which a Jupyter server closes the connection without a word
OWN = "my own picture"
NONE = "none"


def upload_limit() -> int:
    """Return how many bytes an upload can have: what the settings that the project gives its server say, or less."""
    return min(LARGEST_UPLOAD, int(os.environ.get("STYLELIB_UPLOAD_LIMIT") or SERVER_LIMIT))


class PictureControl(Control):
    """A menu of bundled pictures, a button to upload your own, and a field for the path of a larger one.

    Parameters
    ----------
    name : str
        The control's name.
    label : str
        The menu's label.
    role : str
        "content" or "style": the recipe's field, and the kind of bundled pictures in the menu.
    recipe : Recipe
        The control starts with its picture.
    """

    def __init__(self, name: str, label: str, role: str, recipe: Recipe) -> None:
        self.role = role
        self.uploaded: bytes | None = None  # the last file that was chosen
        menu = ipywidgets.Dropdown(options=self.pictures(), description=label, layout=LAYOUT, style=STYLE)
        what = label[0].lower() + label[1:]
        self.upload = ipywidgets.FileUpload(
            accept="image/*",
            description=f"Own {what}",
            tooltip=f"Upload a picture of your own as the {what}",
            layout={"width": "14.5em", "margin": "2px 2px 2px 12.3em"},
        )
        limit = ipywidgets.HTML(f"<small>up to {upload_limit() // 10**6} MB</small>")
        self.path = ipywidgets.Text(
            description=f"{label}'s path",
            placeholder="of a file that is too large to upload",
            continuous_update=False,
            layout=LAYOUT,
            style=STYLE,
        )
        super().__init__(name, menu)
        self.own = [ipywidgets.HBox([self.upload, limit], layout={"flex_flow": "row wrap"})]
        if not on_a_page():  # there, a message from a browser must not be able to name a file of the server
            self.own.append(self.path)
            self.path.observe(self._take_path, names="value")
        self.box.children = (menu, *self.own, self.complaint)
        self.upload.observe(self._take, names="value")
        self.show(recipe)

    def pictures(self) -> list[str]:
        """Return the names that the menu offers."""
        return list(bundled_images(self.role))

    def picture_of(self, recipe: Recipe) -> Source | None:
        """Return the recipe's picture that this control sets."""
        picture: Source = getattr(recipe, self.role)
        return picture

    @property
    def value(self) -> Any:
        """A bundled name, a path, or the bytes of a file."""
        return self.uploaded if self.widget.value == OWN else self.widget.value

    def show(self, recipe: Recipe) -> None:
        """Set the menu to the recipe's picture."""
        picture = self.picture_of(recipe)
        if isinstance(picture, bytes):
            self._keep(picture)
        else:
            self._select(NONE if picture is None else picture)
        self.complain("")

    def check_value(self, recipe: Recipe) -> None:
        """Raise an InputError if the picture cannot be loaded."""
        check_value(self.role, dataclasses.replace(recipe, **{self.role: self.value}))

    def enable(self, enabled: bool) -> None:
        """Allow changes, or forbid them."""
        self.widget.disabled = self.upload.disabled = self.path.disabled = not enabled

    def _take(self, change: Mapping[str, Any]) -> None:
        """Keep an uploaded file if it is a picture; if not, say what is wrong and keep the previous picture."""
        if not change["new"]:
            return
        (file,) = change["new"]
        data = bytes(file["content"])
        try:
            if len(data) > upload_limit():
                raise InputError(f"it has more than {upload_limit() // 10**6} MB; save a smaller copy.")
            load_image(data)
        except InputError as error:
            self.complain(f"{file['name']}: {error}")
            self.upload.value = ()  # so that the button does not count it
            return
        self.complain("")
        self._keep(data)

    def _take_path(self, change: Mapping[str, Any]) -> None:
        """Use a file of this machine if it is a picture; if not, say what is wrong and keep the previous picture."""
        path = change["new"].strip()
        if not path:
            return
        try:
            load_image(path)
        except InputError as error:
            self.complain(str(error))
        else:
            self.complain("")
            self._select(path)
            self.path.value = ""

    def _keep(self, data: bytes) -> None:
        self.uploaded = data
        if self.widget.value == OWN:  # the menu does not report another file as a change, so leave it briefly
            self.widget.value = self.widget.options[0]
        self._select(OWN)

    def _select(self, option: Source) -> None:
        if option not in self.widget.options:
            self.widget.options = (*self.widget.options, option)
        self.widget.value = option


class StyleControl(PictureControl):
    """The style image, or the first of several.

    Parameters
    ----------
    label : str
        The menu's label.
    recipe : Recipe
        The control starts with its picture.
    """

    def __init__(self, label: str, recipe: Recipe) -> None:
        super().__init__("style", label, "style", recipe)

    def picture_of(self, recipe: Recipe) -> Source | None:
        return as_list(recipe.style)[0]

    def apply(self, recipe: Recipe) -> Recipe:
        _, *others = as_list(recipe.style)
        return dataclasses.replace(recipe, style=(self.value, *others) if others else self.value)


class SecondStyleControl(PictureControl):
    """The second style image, or "none", and its share of the weights of the first two together.

    Parameters
    ----------
    recipe : Recipe
        The control starts with its picture and its share.

    Attributes
    ----------
    share, share_slider : widget
        A number from 0 to 1 and a slider for it; shown only if there is a second style image.
    """

    def __init__(self, recipe: Recipe) -> None:
        common = {"min": 0.0, "max": 1.0, "step": 0.05}
        self.share = ipywidgets.BoundedFloatText(
            description="Second style's share", layout=LAYOUT, style=STYLE, **common
        )
        self.share_slider = ipywidgets.FloatSlider(readout=False, layout=BESIDE, **common)
        ipywidgets.link((self.share, "value"), (self.share_slider, "value"))
        self.share_box = ipywidgets.VBox([self.share, self.share_slider])
        super().__init__("second_style", "Second style image", "style", recipe)
        self.upload.description = "Own second style"  # the whole label would not fit
        self.box.children = (self.widget, *self.own, self.share_box, self.complaint)
        self.widget.observe(lambda _: self._show_share(), names="value")
        self._show_share()

    def pictures(self) -> list[str]:
        return [NONE, *super().pictures()]

    def picture_of(self, recipe: Recipe) -> Source | None:
        _, *others = as_list(recipe.style)
        return others[0] if others else None

    @property
    def value(self) -> Any:
        """A bundled name, a path, the bytes of a file, or None for "none"."""
        value = super().value
        return None if value == NONE else value

    def show(self, recipe: Recipe) -> None:
        self.share.value = share_of_second(recipe)
        super().show(recipe)

    def apply(self, recipe: Recipe) -> Recipe:
        """Return the recipe with this second style image, or without one; a third one stays."""
        first, *others = as_list(recipe.style)
        weights = list(recipe.style_weights)
        if self.value is None and not others:
            return recipe
        if self.value is None:
            styles, weights = [first, *others[1:]], [*weights[:1], *weights[2:]]
            if len(styles) == 1:
                return dataclasses.replace(recipe, style=first, style_weights=())
        else:
            styles, weights = [first, self.value, *others[1:]], weights if others else []
        recipe = dataclasses.replace(recipe, style=tuple(styles), style_weights=tuple(weights))
        return recipe if self.value is None else self._with_share(recipe)

    def check_value(self, recipe: Recipe) -> None:
        if self.value is not None:
            super().check_value(recipe)
            check_value("style_weights", recipe)

    def enable(self, enabled: bool) -> None:
        super().enable(enabled)
        self.share.disabled = self.share_slider.disabled = not enabled

    def on_change(self, function: Callable[[Control], object]) -> None:
        super().on_change(function)
        self.share.observe(lambda _: function(self), names="value")

    def _show_share(self) -> None:
        self.share_box.layout.display = "none" if self.value is None else None

    def _with_share(self, recipe: Recipe) -> Recipe:
        if self.share.value == share_of_second(recipe):  # so weights that were left out stay left out
            return recipe
        weights = _weights(recipe)
        both = sum(weights[:2])
        weights[:2] = [round(both * share, 6) for share in (1 - self.share.value, self.share.value)]
        return dataclasses.replace(recipe, style_weights=tuple(weights))


def share_of_second(recipe: Recipe) -> float:
    """Return the second style's share of the first two weights together, 0 to 1; 0.5 if there is only one style."""
    weights = _weights(recipe)
    both = sum(weights[:2])
    return weights[1] / both if len(weights) > 1 and both else 0.5


def _weights(recipe: Recipe) -> list[float]:
    return check_shares(recipe.style_weights, len(as_list(recipe.style)))
