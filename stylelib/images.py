"""Pictures as tensors: loading, checking, converting and saving them.

A picture is a float32 tensor of shape (N, 3, H, W): RGB (sRGB), 0 to 1. Everything in stylelib uses this format.
"""

import io
import os
import pathlib
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from stylelib.support.ambient import settled
from stylelib.support.decoding import decode, from_array
from stylelib.support.errors import InputError, shown, warn
from stylelib.support.files import check_writable, write_atomically
from stylelib.support.gallery import find_image
from stylelib.support.picture_text import png_text

# what load_image accepts
Source = str | os.PathLike[str] | bytes | bytearray | memoryview | PIL.Image.Image | np.ndarray[Any, Any] | Tensor
MIN_SIDE = 8  # pixels
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


@settled()
def load_image(source: Source, size: int | None = None) -> Tensor:
    """Load a picture.

    The picture is rotated as its EXIF orientation says and converted to sRGB with its ICC profile. Transparent pixels
    are blended with white, with a warning. Pictures of more than 8 bits are reduced to 8 bits per channel; a tensor
    keeps its values, unless it is made smaller.

    Parameters
    ----------
    source : path, bytes, Pillow image, array, tensor or str
        An array is (H, W), (H, W, 3) or (H, W, 4), of integers 0 to 255, 16-bit integers or floats 0 to 1; a tensor is
        (1, 3, H, W); a str is a path or the name of a bundled picture, such as "riverside" (see `bundled_images`).
    size : int, optional
        Scale the longer side to this many pixels, antialiased. A smaller picture keeps its size, with a warning.

    Returns
    -------
    Tensor
        (1, 3, H, W), float32, RGB, 0 to 1.

    Raises
    ------
    InputError
        If the source is not a picture, or the shorter side would have fewer than 8 pixels.
    """
    if size is not None and (not isinstance(size, int | np.integer) or size < MIN_SIDE):
        raise InputError(
            f"size is the longer side in pixels, a whole number of at least {MIN_SIDE}; got {shown(size)}."
        )
    tensor = check_picture(source, "this tensor") if isinstance(source, Tensor) else None
    if tensor is not None:
        source = _tensor_to_array(tensor)
    file: PIL.Image.Image | io.BytesIO | pathlib.Path
    if isinstance(source, np.ndarray):
        file, label = from_array(source), "This array"
    elif isinstance(source, PIL.Image.Image):
        file, label = source, "This picture"
    elif isinstance(source, bytes | bytearray | memoryview):
        file, label = io.BytesIO(source), "This data"
    elif isinstance(source, str | os.PathLike):
        file, label = find_image(source), str(source)
    else:
        raise InputError(
            f"A picture can be a path, a bundled name, bytes, a Pillow image, an array or a tensor; "
            f"got {type(source).__name__}."
        )
    if tensor is not None and (size is None or size >= max(tensor.shape[-2:])) and min(tensor.shape[-2:]) >= MIN_SIDE:
        picture = tensor.detach().to("cpu", torch.float32, copy=True).clamp(0, 1).contiguous()
    else:
        picture = to_picture(decode(file, label, lambda width, height: _fit(width, height, size, label)))
    height, width = picture.shape[-2:]
    if size is not None and size > max(height, width):
        warn(f"{label} is only {width} × {height} pixels and keeps that size instead of being enlarged to {size}.")
    return picture


def _fit(width: int, height: int, size: int | None, label: str) -> tuple[int, int]:
    """Return the width and height that a picture gets."""
    if size is not None and size < max(width, height):
        width, height = (max(1, round(side * size / max(width, height))) for side in (width, height))
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{label} would be {width} × {height} pixels; the shorter side must be at least {MIN_SIDE}.")
    return width, height


def _tensor_to_array(picture: Tensor) -> np.ndarray[Any, Any]:
    if picture.shape[0] != 1:
        raise InputError(f"One picture is expected; this tensor holds {picture.shape[0]}.")
    array: np.ndarray[Any, Any] = picture[0].detach().float().cpu().permute(1, 2, 0).numpy()
    return array


def check_shape(picture: Any, label: str) -> Tensor:
    """Return `picture` if it is a floating-point tensor (N, 3, H, W), else raise an InputError that calls it `label`.

    The values are not checked, because reading them makes a GPU wait; `check_picture` checks them too.
    """
    label = label[0].upper() + label[1:]
    if not isinstance(picture, Tensor) or picture.ndim != 4 or picture.shape[1] != 3 or not picture.numel():
        shape = tuple(picture.shape) if isinstance(picture, Tensor) else type(picture).__name__
        raise InputError(f"{label} must be a picture as load_image returns it, a tensor (N, 3, H, W); got {shape}.")
    if not picture.is_floating_point():
        raise InputError(f"{label} must have floating-point values from 0 to 1; convert it, and divide by 255.")
    tensor: Tensor = picture
    return tensor


def check_picture(picture: Any, label: str = "picture") -> Tensor:
    """Check a picture: its shape and the range of its values.

    Parameters
    ----------
    picture : object
        Should be a tensor (N, 3, H, W). Values from -5 to 5 are accepted, because a picture that is being optimised may
        leave 0 to 1; a range of 0 to 255 is refused.
    label : str
        Its name in the error message.

    Returns
    -------
    Tensor
        The picture.

    Raises
    ------
    InputError
        For anything else, and for values that are not finite.
    """
    tensor = check_shape(picture, label)
    if tensor.layout != torch.strided or tensor.is_meta:
        raise InputError(f"{label[0].upper()}{label[1:]} must have its values in memory, not sparse and not on 'meta'.")
    low, high = (extreme.item() for extreme in tensor.detach().aminmax())
    if not (low >= -5 and high <= 5):  # False for NaN as well
        label = label[0].upper() + label[1:]
        raise InputError(
            f"{label} must have finite values from 0 to 1, but has {low:g} to {high:g}; divide by 255 if they go up to "
            f"255."
        )
    return tensor


def to_picture(image: PIL.Image.Image | np.ndarray[Any, Any]) -> Tensor:
    """Convert a Pillow image or a uint8 array (H, W, 3) to a picture tensor (1, 3, H, W), float32, 0 to 1."""
    return (
        torch.from_numpy(np.array(image, dtype=np.uint8)).permute(2, 0, 1)[None].to(torch.float32).div(255).contiguous()
    )


def to_array(picture: Tensor) -> np.ndarray[Any, Any]:
    """Convert a picture tensor (1, 3, H, W) or (3, H, W) to a uint8 array (H, W, 3).

    Values outside 0 to 1 are clipped. The contrast is not stretched, so equal values look equal in all pictures.
    """
    picture = picture[0] if picture.ndim == 4 else picture
    levels = picture.detach().float().cpu().clamp(0, 1).mul(255).round().to(torch.uint8)
    array: np.ndarray[Any, Any] = levels.permute(1, 2, 0).numpy()
    return array


def _check_quality(quality: Any) -> None:
    if isinstance(quality, bool) or not isinstance(quality, int | np.integer) or not 1 <= quality <= 100:
        raise InputError(f"quality is a whole number from 1 to 100; got {shown(quality)}.")


def to_jpeg(picture: Tensor, size: int | None = None, quality: int = 85) -> bytes:
    """Convert a picture to the bytes of a JPEG file.

    Parameters
    ----------
    picture : Tensor
        (1, 3, H, W), 0 to 1.
    size : int, optional
        Maximum length of the longer side, in pixels.
    quality : int
        JPEG quality, 1 to 100.

    Returns
    -------
    bytes
        The file's content.
    """
    _check_quality(quality)
    image = PIL.Image.fromarray(to_array(picture))
    if size is not None:
        image.thumbnail((size, size), PIL.Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(quality), optimize=True)
    return buffer.getvalue()


def save_image(picture: Tensor, path: str | os.PathLike[str], quality: int = 95, text: str = "") -> pathlib.Path:
    """Save a picture as PNG or JPEG, completely or not at all.

    Parameters
    ----------
    picture : Tensor
        (1, 3, H, W), 0 to 1; values outside are clipped.
    path : path
        Ends in .png, .jpg or .jpeg, which decides the format.
    quality : int
        JPEG quality, 1 to 100.
    text : str
        What the file carries, such as its recipe: a PNG's text named "stylelib", a JPEG's comment.

    Returns
    -------
    pathlib.Path
        The file's path.

    Raises
    ------
    InputError
        If `picture` is not one picture, for another quality, and if the file cannot be written.
    """
    path = check_writable(path, FORMATS)
    _check_quality(quality)
    check_picture(picture, "the picture to save")
    if picture.shape[0] != 1:
        raise InputError(f"save_image saves one picture; this tensor holds {picture.shape[0]}.")
    image, kind = PIL.Image.fromarray(to_array(picture)), FORMATS[path.suffix.lower()]
    jpeg: dict[str, Any] = {"quality": int(quality), "subsampling": 0, "comment": text.encode()}
    with write_atomically(path) as file:
        image.save(file, kind, **(jpeg if kind == "JPEG" else {"pnginfo": png_text(text)}))
    return path
