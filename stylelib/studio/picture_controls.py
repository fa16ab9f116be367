"""Controls for the pictures of a recipe: the content image, one style image or two, and the share of the second."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import ipywidgets

from stylelib.experiments import as_list, check_shares
from stylelib.images import Source, load_image
from stylelib.recipes import Recipe, check_value
from stylelib.studio.widgets import BESIDE, LAYOUT, STYLE, Control
from stylelib.support.errors import InputError
from stylelib.support.gallery import bundled_images

LARGEST_UPLOAD = 50_000_000  # bytes
OWN = "my own picture"
NONE = "none"


class PictureControl(Control):
    """A menu of bundled pictures, and a button to upload your own.

    Parameters
    ----------
    name : str
        Of the control.
    label : str
        Of the menu.
    role : str
        "content" or "style": the recipe's field, and which bundled pictures are offered.
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
            layout={"width": "14.5em", "margin": "2px 2px 2px 10.3em"},
        )
        super().__init__(name, menu)
        self.box.children = (menu, self.upload, self.complaint)
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
        self.widget.disabled = self.upload.disabled = not enabled

    def _take(self, change: Mapping[str, Any]) -> None:
        """Keep an uploaded file if it is a picture; else say what is wrong and stay with the picture of before."""
        if not change["new"]:
            return
        (file,) = change["new"]
        data = bytes(file["content"])
        try:
            if len(data) > LARGEST_UPLOAD:
                raise InputError(f"{file['name']} has more than {LARGEST_UPLOAD // 10**6} MB; save a smaller copy.")
            load_image(data)
        except InputError as error:
            self.complain(f"{file['name']}: {error}")
            return
        self.complain("")
        self._keep(data)

    def _keep(self, data: bytes) -> None:
        self.uploaded = data
        if self.widget.value == OWN:  # the menu does not tell another file as a change, so leave it for a moment
            self.widget.value = self.widget.options[0]
        self._select(OWN)

    def _select(self, option: Source) -> None:
        if option not in self.widget.options:
            self.widget.options = (*self.widget.options, option)
        self.widget.value = option


class StyleControl(PictureControl):
    """A style image; there may be several, and every one but the first may be "none".

    Parameters
    ----------
    name : str
        Of the control.
    label : str
        Of the menu.
    index : int
        0 is the first.
    recipe : Recipe
        The control starts with its picture.
    """

    def __init__(self, name: str, label: str, index: int, recipe: Recipe) -> None:
        self.index = index
        super().__init__(name, label, "style", recipe)

    def pictures(self) -> list[str]:  # noqa: D102 (see PictureControl)
        return [NONE, *super().pictures()] if self.index else super().pictures()

    def picture_of(self, recipe: Recipe) -> Source | None:  # noqa: D102
        styles = as_list(recipe.style)
        return styles[self.index] if self.index < len(styles) else None

    @property
    def value(self) -> Any:  # noqa: D102
        value = super().value
        return None if self.index and value == NONE else value

    def apply(self, recipe: Recipe) -> Recipe:
        """Return the recipe with this style image. Without it, the others keep their weights."""
        styles, weights = as_list(recipe.style), list(recipe.style_weights)
        if self.value is None:
            del styles[self.index : self.index + 1], weights[self.index : self.index + 1]
        elif self.index < len(styles):
            styles[self.index] = self.value
        else:
            styles, weights = [*styles, self.value], []
        if len(styles) == 1:
            return dataclasses.replace(recipe, style=styles[0], style_weights=())
        return dataclasses.replace(recipe, style=tuple(styles), style_weights=tuple(weights))

    def check_value(self, recipe: Recipe) -> None:  # noqa: D102
        if self.value is not None:
            super().check_value(recipe)


class ShareControl(Control):
    """The second style's share of the weight that the first two have together: a number, and a slider below it.

    Parameters
    ----------
    recipe : Recipe
        The control starts with its share, or with a half.
    """

    def __init__(self, recipe: Recipe) -> None:
        common = {"min": 0.0, "max": 1.0, "step": 0.05}
        text = ipywidgets.BoundedFloatText(
            description="Share of the second style", layout=LAYOUT, style=STYLE, **common
        )
        slider = ipywidgets.FloatSlider(readout=False, layout=BESIDE, **common)
        ipywidgets.link((text, "value"), (slider, "value"))
        super().__init__("second_share", text, slider)
        self.show(recipe)

    def show(self, recipe: Recipe) -> None:  # noqa: D102 (see Control)
        self.widget.value = share_of_second(recipe)
        self.complain("")
        self.show_box(recipe)

    def show_box(self, recipe: Recipe) -> None:
        """Show the control only where there are two styles."""
        self.box.layout.display = None if len(as_list(recipe.style)) > 1 else "none"

    def apply(self, recipe: Recipe) -> Recipe:  # noqa: D102
        if len(as_list(recipe.style)) < 2 or self.value == share_of_second(recipe):
            return recipe
        weights = _weights(recipe)
        both = sum(weights[:2])
        weights[:2] = [round(both * share, 6) for share in (1 - self.value, self.value)]
        return dataclasses.replace(recipe, style_weights=tuple(weights))

    def check_value(self, recipe: Recipe) -> None:  # noqa: D102
        check_value("style_weights", recipe)


def share_of_second(recipe: Recipe) -> float:
    """Return the second style's share of what the first two weigh together, 0 to 1; a half where there is one style."""
    weights = _weights(recipe)
    both = sum(weights[:2])
    return weights[1] / both if len(weights) > 1 and both else 0.5


def _weights(recipe: Recipe) -> list[float]:
    return check_shares(recipe.style_weights, len(as_list(recipe.style)))
