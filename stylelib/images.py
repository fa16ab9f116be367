"""Pictures: files, bytes, arrays and Pillow images ↔ tensors.

A picture is a float32 tensor of shape (N, 3, H, W): RGB (sRGB), 0 to 1. Everything in stylelib speaks this one format.
"""

import io
import os
import warnings

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps
import torch

from stylelib.support.decoding import decode
from stylelib.support.errors import InputError
from stylelib.support.files import check_writable, write_atomically
from stylelib.support.gallery import find_image

Source = str | os.PathLike[str] | bytes | PIL.Image.Image | np.ndarray | torch.Tensor  # what load_image takes
MIN_SIDE = 8


FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


# ------------------------------------------------------------------------------------------------------------- loading


def load_image(source, size=None):
    """Load a picture as a float32 tensor (1, 3, H, W), RGB, 0 to 1.

    source: a path, bytes, a Pillow image, an array (H, W), (H, W, 3) or (H, W, 4) of integers or of floats 0 to 1,
        a picture tensor, or the name of a bundled picture such as "riverside" (`bundled_images` lists them).
    size: the longer side in pixels afterwards (antialiased). A smaller picture keeps its own size, with a warning.

    Turned upright by its EXIF mark; converted to sRGB by its ICC profile; transparency is laid on white; 16-bit
    pictures are reduced to 8 bits a channel. Raises InputError in one sentence for anything that is not a picture.
    """
    if size is not None and (not isinstance(size, int | np.integer) or size < MIN_SIDE):
        raise InputError(f"size is the longer side in pixels, a whole number of at least {MIN_SIDE}; got {size!r}.")
    if isinstance(source, torch.Tensor):
        source = _tensor_to_array(source)
    if isinstance(source, np.ndarray):
        source, label = _array_to_pil(source), "This array"
    elif isinstance(source, PIL.Image.Image):
        label = "This picture"
    elif isinstance(source, bytes | bytearray | memoryview):
        source, label = io.BytesIO(source), "This data"
    elif isinstance(source, str | os.PathLike):
        source, label = find_image(source), str(source)
    else:
        raise InputError(
            f"A picture can be a path, bytes, a Pillow image, an array or a bundled name; got {type(source).__name__}."
        )
    return to_picture(_resize(decode(source, label), size, label))


def _resize(image, size, label):
    if size is None:
        width, height = image.size
    elif size > max(image.size):
        warnings.warn(
            f"{label} is {image.width} × {image.height}: it keeps that size instead of being blown up to {size}.",
            stacklevel=3,
        )
        width, height = image.size
    else:
        scale = size / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{label} would be {width} × {height} pixels; the shorter side must be at least {MIN_SIDE}.")
    if (width, height) == image.size:
        return image
    return image.resize((width, height), PIL.Image.Resampling.LANCZOS, reducing_gap=3)


def _array_to_pil(array):
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise InputError(
            f"A picture's array has the shape (H, W), (H, W, 3) or (H, W, 4); this one has {tuple(array.shape)}."
        )
    if array.dtype == np.uint16:
        array = (array / 257).round()
    elif array.dtype == bool:
        array = array * 255
    elif np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < -1e-3 or array.max() > 1 + 1e-3:
            raise InputError("A picture's array of floats must lie between 0 and 1, without NaN; divide by 255 first?")
        array = (array.clip(0, 1) * 255).round()
    elif not np.issubdtype(array.dtype, np.integer) or array.min() < 0 or array.max() > 255:
        raise InputError("A picture's array holds integers 0 to 255, 16-bit unsigned integers, or floats 0 to 1.")
    return PIL.Image.fromarray(array.astype(np.uint8))


def _tensor_to_array(picture):
    check_picture(picture, "this tensor")
    if picture.shape[0] != 1:
        raise InputError(f"One picture is wanted; this tensor holds {picture.shape[0]}.")
    return picture[0].detach().float().cpu().permute(1, 2, 0).numpy()


def check_shape(picture, label):
    """Return `picture` if it is a floating-point tensor (N, 3, H, W), else raise an InputError."""
    label = label[0].upper() + label[1:]
    if not isinstance(picture, torch.Tensor) or picture.ndim != 4 or picture.shape[1] != 3 or not picture.numel():
        what = tuple(picture.shape) if isinstance(picture, torch.Tensor) else type(picture).__name__
        raise InputError(f"{label} must be a picture, a tensor of shape (N, 3, H, W) as load_image gives; got {what}.")
    if not picture.is_floating_point():
        raise InputError(f"{label} must hold floating-point numbers, 0 to 1; divide by 255 first?")
    return picture


def check_picture(picture, label="picture"):
    """Return `picture` if it is a tensor (N, 3, H, W) of finite numbers on the scale of 0 to 1, else raise InputError.

    Some may lie outside, as in a picture that is being optimised; 0 to 255 is another scale and refused.
    """
    check_shape(picture, label)
    low, high = (extreme.item() for extreme in picture.detach().aminmax())
    if not (low >= -5 and high <= 5):  # a NaN is neither
        label = label[0].upper() + label[1:]
        raise InputError(f"{label} must hold finite numbers, 0 to 1; it has {low:g} to {high:g}: divide by 255 first?")
    return picture


# ------------------------------------------------------------------------------------------------ the two conversions


def to_picture(image):
    """Pillow image or uint8 array (H, W, 3) → picture tensor (1, 3, H, W), float32, 0 to 1."""
    array = np.array(image, dtype=np.uint8)
    return torch.from_numpy(array).permute(2, 0, 1)[None].to(torch.float32).div(255).contiguous()


def to_array(picture):
    """Picture tensor (1, 3, H, W) or (3, H, W) → uint8 array (H, W, 3). Values outside 0 to 1 are clipped.

    Nothing is stretched: the same tensor values give the same colours in every picture of a run.
    """
    picture = picture[0] if picture.ndim == 4 else picture
    return picture.detach().float().cpu().clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def to_jpeg(picture, size=None, quality=85):
    """Picture tensor (1, 3, H, W) → the bytes of a JPEG file. size: the longer side in pixels at most."""
    image = PIL.Image.fromarray(to_array(picture))
    if size is not None:
        image.thumbnail((size, size), PIL.Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


# -------------------------------------------------------------------------------------------------------------- saving


def save_image(picture, path, quality=95):
    """Save a picture as PNG or JPEG, by the path's ending. All of the file appears at once, or none of it.

    picture: tensor (1, 3, H, W). Returns the path. Raises InputError when the place cannot be written.
    """
    path = check_writable(path, FORMATS)
    check_picture(picture, "what is saved")
    if picture.shape[0] != 1:
        raise InputError(f"save_image saves one picture; this tensor holds {picture.shape[0]}.")
    image = PIL.Image.fromarray(to_array(picture))
    with write_atomically(path) as file:
        if FORMATS[path.suffix.lower()] == "JPEG":
            image.save(file, "JPEG", quality=quality, subsampling=0)
        else:
            image.save(file, "PNG")
    return path
