"""Pictures in place of the widgets."""

import base64
import io

import ipywidgets
import PIL.Image
import pytest
import torch

from stylelib.figures import contact_sheet
from stylelib.recipes import Recipe
from stylelib.studio.stills import BoxWithStill, inputs


class Box(BoxWithStill):
    def still(self):
        return contact_sheet([torch.zeros(1, 3, 16, 24)], ["black"])


def test_a_box_shows_its_widgets_or_else_its_still():
    box = Box([ipywidgets.HTML("text")])
    bundle, metadata = box._repr_mimebundle_()  # as Jupyter asks for it
    assert base64.b64decode(bundle["image/jpeg"]) == box.still().jpeg()
    assert metadata == {"image/jpeg": {"alt": "black"}}, "and for those who cannot see it, its text"
    assert "application/vnd.jupyter.widget-view+json" in bundle
    with pytest.raises(NotImplementedError):
        BoxWithStill().still()


@pytest.mark.parametrize(
    "recipe, titles",
    [
        (Recipe(size=64), ["content image", "style image"]),
        (Recipe(size=64, style=("mosaic", "woodcut")), ["content image", "style image", "style 2 image"]),
        (Recipe("style", size=64), ["style image"]),
    ],
    ids=["transfer", "two styles", "style"],
)
def test_a_recipe_shows_the_pictures_that_it_starts_from(recipe, titles):
    sheet = inputs(recipe)
    assert [axes.get_title() for axes in sheet.axes] == titles
    assert "Nothing is computed yet" in sheet.texts[-1].get_text()
    assert PIL.Image.open(io.BytesIO(sheet.jpeg())).format == "JPEG"
