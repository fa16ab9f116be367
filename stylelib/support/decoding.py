"""Decoding: all formats that Pillow reads, turned upright and converted to sRGB."""

import contextlib
import io
import pathlib
import warnings

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps

from stylelib.support.errors import InputError


def decode(source: pathlib.Path | io.BytesIO | PIL.Image.Image, label: str) -> PIL.Image.Image:
    """Read a picture, turn it upright and convert it to sRGB.

    Parameters
    ----------
    source : path, open file or Pillow image
        What Pillow can open.
    label : str
        Its name in error messages.

    Returns
    -------
    PIL.Image.Image
        The picture, in mode RGB.

    Raises
    ------
    InputError
        If Pillow cannot read it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about odd metadata and large sizes, but opens the file
            if isinstance(source, PIL.Image.Image):
                return _to_rgb(source)
            with PIL.Image.open(source) as image:
                return _to_rgb(image)
    except PIL.UnidentifiedImageError as error:
        raise InputError(f"{label} is not a picture in any format that Pillow reads.") from error
    except PIL.Image.DecompressionBombError as error:
        safe = 2 * (PIL.Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise InputError(
            f"{label} claims to have more than the {safe} million pixels that are safe to open; "
            f"save a smaller copy and use that."
        ) from error
    except PermissionError as error:
        raise InputError(f"{label} may not be read by this user ({error.strerror}).") from error
    except MemoryError as error:
        raise InputError(f"{label} is too large for the free memory; save a smaller copy and use that.") from error
    except Exception as error:  # a damaged file can raise anything in a decoder
        raise InputError(f"{label} is damaged or cut off and cannot be read ({error}).") from error


def _to_rgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """Convert any of Pillow's modes to upright sRGB."""
    profile = image.info.get("icc_profile")
    image.load()
    with contextlib.suppress(Exception):  # a broken EXIF block is no reason to refuse the picture
        image = PIL.ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _wide_grey_to_8_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = PIL.Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = PIL.Image.alpha_composite(white, image).convert("RGB")
    elif image.mode == "P":
        image = image.convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        with contextlib.suppress(PIL.ImageCms.PyCMSError, OSError):  # a broken profile is ignored
            source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = PIL.ImageCms.createProfile("sRGB")
            image = PIL.ImageCms.profileToProfile(image, source, srgb, outputMode="RGB") or image
    return image.convert("RGB")


def _wide_grey_to_8_bits(image: PIL.Image.Image) -> PIL.Image.Image:
    """Convert grey of 16-bit, 32-bit or floating-point values to mode L.

    The latter two do not state their range, so it is guessed from the largest value.
    """
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    peak = values.max(initial=0)
    if image.mode.startswith("I;16") or peak > 255:
        values = values / 257
    elif image.mode == "F" and peak <= 1:
        values = values * 255
    return PIL.Image.fromarray(np.clip(values.round(), 0, 255).astype(np.uint8))
