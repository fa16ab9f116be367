"""The text that a picture file carries besides its pixels: in a PNG's text named "stylelib", in a JPEG's comment."""

import os

import PIL.Image
import PIL.PngImagePlugin

from stylelib.support.errors import InputError

NAME = "stylelib"


def png_text(text: str) -> PIL.PngImagePlugin.PngInfo:
    """Return the text of a PNG as Pillow takes it; nothing for an empty one."""
    info = PIL.PngImagePlugin.PngInfo()
    if text:
        info.add_itxt(NAME, text)
    return info


def text_of(path: str | os.PathLike[str]) -> str:
    """Return the text that a PNG or JPEG file carries, or an empty one; raise an InputError for any other file."""
    try:
        with PIL.Image.open(path, formats=("PNG", "JPEG")) as image:
            image.load()  # a PNG's text may follow its pixels
            text = image.info.get(NAME) or image.info.get("comment") or ""
    except FileNotFoundError:
        raise InputError(f"There is no picture {path}.") from None
    except Exception as error:  # a damaged file can raise anything in a decoder
        raise InputError(f"{path} is not a PNG or JPEG file that can be read ({error}).") from error
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
