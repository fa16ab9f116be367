"""Picture files of any kind that Pillow reads, as upright sRGB."""

import contextlib
import io
import warnings

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps

from stylelib.support.errors import InputError


def decode(source, label):
    """A file or a Pillow image → upright sRGB; every way in which Pillow fails at it becomes one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of odd metadata and of large sizes that it opens all the same
            if isinstance(source, PIL.Image.Image):
                return _to_rgb(source)
            with PIL.Image.open(source) as image:
                return _to_rgb(image)
    except PIL.UnidentifiedImageError as error:
        raise InputError(f"{label} is not a picture in any format that Pillow reads.") from error
    except PIL.Image.DecompressionBombError as error:
        safe = 2 * PIL.Image.MAX_IMAGE_PIXELS // 10**6
        raise InputError(
            f"{label} claims to have more than the {safe} million pixels that are safe to open; "
            f"save a smaller copy and use that."
        ) from error
    except PermissionError as error:
        raise InputError(f"{label} may not be read by this user: {error.strerror}.") from error
    except MemoryError as error:
        raise InputError(f"{label} is too large for the memory there is; save a smaller copy and use that.") from error
    except Exception as error:  # whatever a decoder makes of a damaged file
        raise InputError(f"{label} is damaged or cut off and cannot be read ({error}).") from error


def _to_rgb(image):
    """Any Pillow mode → upright sRGB."""
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
        with contextlib.suppress(PIL.ImageCms.PyCMSError, OSError):  # a broken profile: take the numbers as sRGB
            source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = PIL.ImageCms.profileToProfile(image, source, PIL.ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB")


def _wide_grey_to_8_bits(image):
    """Grey of 16 bits, 32 bits or floating point → mode L. The wider two say no range, so their values have to."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    peak = values.max(initial=0)
    if image.mode.startswith("I;16") or peak > 255:
        values = values / 257
    elif image.mode == "F" and peak <= 1:
        values = values * 255
    return PIL.Image.fromarray(np.clip(values.round(), 0, 255).astype(np.uint8))
