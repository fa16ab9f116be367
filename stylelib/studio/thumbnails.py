"""What is shown before the first step: the pictures that a run is made of, small and side by side."""

import functools
import io
from collections.abc import Hashable
from typing import cast

import PIL.Image

from stylelib.images import Source, load_image, to_array
from stylelib.recipes import Recipe
from stylelib.support.errors import InputError

HEIGHT, GAP = 150, 10  # pixels
MOST = 4  # pictures


def thumbnails(recipe: Recipe) -> bytes | None:
    """Return the pictures of a recipe side by side on white, as a JPEG; None if none can be loaded.

    Parameters
    ----------
    recipe : Recipe
        Its values need not be valid.
    """
    try:
        sources = list(recipe.pictures.values())[:MOST]
    except InputError:
        return None
    pictures = [picture for source in sources if (picture := _small(source)) is not None]
    if not pictures:
        return None
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    sheet, left = PIL.Image.new("RGB", (width, HEIGHT), "white"), 0
    for picture in pictures:
        sheet.paste(picture, (left, 0))
        left += picture.width + GAP
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _small(source: Source) -> PIL.Image.Image | None:
    if not isinstance(source, str | bytes):
        return None
    try:
        return _loaded(source)
    except InputError:
        return None


@functools.lru_cache(maxsize=32)
def _loaded(source: Hashable) -> PIL.Image.Image:
    image = PIL.Image.fromarray(to_array(load_image(cast(Source, source))))
    image.thumbnail((4 * HEIGHT, HEIGHT), PIL.Image.Resampling.LANCZOS)
    return image.resize((max(1, round(image.width * HEIGHT / image.height)), HEIGHT))
