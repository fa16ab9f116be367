"""Decoding: pictures of pixels, turned upright and converted to sRGB, in little memory.

A large picture is converted and made smaller in strips, so that nothing but its decoded pixels is held at full size.
"""

import contextlib
import io
import os
import pathlib
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms

from stylelib.support.errors import InputError, warn
from stylelib.support.metadata import without_metadata
from stylelib.support.picture_kinds import DEVELOP, EXPORT, NAMES, first_bytes, kind_of_bytes, readable, what_else

STRIP = 4_000_000  # pixels that are converted at a time
LARGE = 16_000_000  # pixels; a larger JPEG is made smaller by its decoder, which needs less memory and time
GAP = 3  # a whole-numbered reduction may come before the resampling while this factor is left
LARGEST_METADATA = 500_000_000  # bytes; a larger file is not read a second time without its metadata
TURNS = {  # by the EXIF orientation
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}
# how decoders call what they do not know, as opposed to what is damaged
UNSUPPORTED = re.compile(r"unsupported|not supported|unknown|not available|not implemented|not yet|unhandled", re.I)

Source = pathlib.Path | io.BytesIO | PIL.Image.Image
Fit = Callable[[int, int], tuple[int, int]]  # (width, height) of the upright picture → those that are wanted


class OnlyAPreview(Exception):
    """All that can be read of a camera's raw file is its small preview."""


def decode(source: Source, label: str, fit: Fit = lambda width, height: (width, height)) -> PIL.Image.Image:
    """Read a picture, turn it upright, convert it to sRGB and resample it.

    Parameters
    ----------
    source : path, open file or Pillow image
        A picture in one of the formats in `picture_kinds.READ`.
    label : str
        Its name in error messages.
    fit : callable
        Takes width and height of the upright picture, and returns those that are wanted; all pixels by default.

    Returns
    -------
    PIL.Image.Image
        The picture, in mode RGB. Transparent parts are blended with white, with a warning.

    Raises
    ------
    InputError
        If it is not a picture, or is damaged, of a kind that is not supported, or beyond a limit.
    """
    try:
        picture, transparent = _decoded(source, fit)
    except InputError:
        raise
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
        raise _refusal(source, label, error) from error
    if transparent:
        warn(f"{label} has transparent parts; they count as white, because a picture here has no transparency.")
    return picture


def from_array(array: np.ndarray[Any, Any]) -> PIL.Image.Image:
    """Return an array of a picture as a Pillow image of 8 bits; raise an InputError if it is none."""
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
            raise InputError(
                "A picture's array of floats must have values from 0 to 1, without NaN; divide by 255 if they go up "
                "to 255."
            )
        array = (array.clip(0, 1) * 255).round()
    elif not np.issubdtype(array.dtype, np.integer) or array.min() < 0 or array.max() > 255:
        raise InputError("A picture's array holds integers 0 to 255, 16-bit unsigned integers, or floats 0 to 1.")
    return PIL.Image.fromarray(array.astype(np.uint8))


def _decoded(source: Source, fit: Fit) -> tuple[PIL.Image.Image, bool]:
    """Return the picture, and whether it has transparent parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd metadata and large sizes, but opens the file
        if isinstance(source, PIL.Image.Image):
            if source.format not in (None, *readable()):
                raise PIL.UnidentifiedImageError(f"format {source.format}")
            return _convert(source, fit)
        first: Exception | None = None
        for data in _readings(source):
            try:
                with PIL.Image.open(data, formats=readable()) as image:
                    return _convert(image, fit, opened_here=True)
            except (InputError, PIL.Image.DecompressionBombError, MemoryError, PermissionError):
                raise
            except Exception as error:
                first = first or error
        assert first is not None
        raise first


def _readings(source: pathlib.Path | io.BytesIO) -> Iterator[pathlib.Path | io.BytesIO]:
    """Yield a file as it is, then without its metadata, because pixels decide."""
    yield source
    size = source.getbuffer().nbytes if isinstance(source, io.BytesIO) else os.path.getsize(source)
    if size <= LARGEST_METADATA:
        for data in without_metadata(_all(source), kind_of_bytes(first_bytes(source))):
            yield io.BytesIO(data)


def _convert(image: PIL.Image.Image, fit: Fit, opened_here: bool = False) -> tuple[PIL.Image.Image, bool]:
    """Convert any of Pillow's modes to upright sRGB of the wanted size."""
    if image.format == "TIFF" and getattr(image, "tag_v2", {}).get(254) == 1:
        raise OnlyAPreview
    wanted, (width, height) = _wanted(image, fit), image.size
    box = None
    if opened_here and width * height > LARGE and image.format in ("JPEG", "MPO"):
        drawn = image.draft(image.mode, (GAP * wanted[0], GAP * wanted[1]))
        box = drawn and drawn[1]
    profile = image.info.get("icc_profile")
    image.load()
    turn = _orientation(image)  # after loading, because Pillow turns a TIFF by itself
    if box is None:
        wanted, box = _wanted(image, fit), (0, 0, *image.size)
    factors = (max(1, int(box[2] / wanted[0] / GAP)), max(1, int(box[3] / wanted[1] / GAP)))
    small, transparent = _reduced(image, factors, profile)
    if small.size != wanted:
        part = (0, 0, box[2] / factors[0], box[3] / factors[1])
        small = small.resize(wanted, PIL.Image.Resampling.LANCZOS, box=part)
    return small.transpose(TURNS[turn]) if turn > 1 else small, transparent


def _wanted(image: PIL.Image.Image, fit: Fit) -> tuple[int, int]:
    """Return the width and height that are wanted of the picture as it is stored, before it is turned."""
    width, height = image.size
    if _orientation(image) < 5:
        return fit(width, height)
    height, width = fit(height, width)
    return width, height


def _orientation(image: PIL.Image.Image) -> int:
    with contextlib.suppress(Exception):  # a broken EXIF block is no reason to refuse the picture
        turn = int(image.getexif().get(0x0112, 1))
        return turn if turn in TURNS else 1
    return 1


def _reduced(image: PIL.Image.Image, factors: tuple[int, int], profile: Any) -> tuple[PIL.Image.Image, bool]:
    """Convert to sRGB and average blocks of pixels, strip by strip; say whether there are transparent parts."""
    (across, down), (width, height) = factors, image.size
    small = PIL.Image.new("RGB", (-(-width // across), -(-height // down)))
    rows = max(1, STRIP // width // down) * down
    scale = _scale_of_grey(image, rows) if _is_wide_grey(image) else 1.0
    transparent = False
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        if _is_wide_grey(strip):
            strip = PIL.Image.fromarray(np.clip((_values(strip) * scale).round(), 0, 255).astype(np.uint8))
        strip, clear = _to_rgb(strip, profile)
        transparent |= clear
        small.paste(strip.reduce(factors) if factors != (1, 1) else strip, (0, top // down))
    return small, transparent


def _to_rgb(image: PIL.Image.Image, profile: Any) -> tuple[PIL.Image.Image, bool]:
    """Convert 8-bit modes to sRGB; say whether there are transparent parts, which are blended with white."""
    transparent = False
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        opacity: Any = image.getchannel("A").getextrema()
        transparent = opacity[0] < 255
        if transparent:
            white = PIL.Image.new("RGBA", image.size, (255, 255, 255, 255))
            image = PIL.Image.alpha_composite(white, image)
        image = image.convert("RGB")
    elif image.mode == "P":
        image = image.convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        with contextlib.suppress(PIL.ImageCms.PyCMSError, OSError):  # a broken profile is ignored
            source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = PIL.ImageCms.createProfile("sRGB")
            image = PIL.ImageCms.profileToProfile(image, source, srgb, outputMode="RGB") or image
    return image.convert("RGB"), transparent


def _is_wide_grey(image: PIL.Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _values(image: PIL.Image.Image) -> np.ndarray[Any, Any]:
    return np.nan_to_num(np.asarray(image).astype(np.float64))


def _scale_of_grey(image: PIL.Image.Image, rows: int) -> float:
    """Return what 16-bit, 32-bit or floating-point grey is multiplied with to become 0 to 255.

    The latter two do not state their range, so it is guessed from the largest value.
    """
    if image.mode.startswith("I;16"):
        return 1 / 257
    width, height = image.size
    strips = (image.crop((0, top, width, min(height, top + rows))) for top in range(0, height, rows))
    peak = max(float(_values(strip).max(initial=0)) for strip in strips)
    if peak > 255:
        return 1 / 257
    return 255 if image.mode == "F" and peak <= 1 else 1


def _refusal(source: Source, label: str, error: Exception) -> InputError:
    """Return the sentence for a picture that cannot be read: what it is, or what is wrong with it."""
    if isinstance(error, OnlyAPreview):
        return InputError(f"{label} is a camera's raw file: {DEVELOP}.")
    start = b"" if isinstance(source, PIL.Image.Image) else first_bytes(source)
    kind, (what, advice) = kind_of_bytes(start), what_else(start)
    if isinstance(error, PIL.UnidentifiedImageError) and not isinstance(source, PIL.Image.Image):
        if what and not kind:
            return InputError(f"{label} is {what}: {advice}.")
        if not kind:
            return InputError(f"{label} is not a picture in any format that stylelib reads ({NAMES}).")
        with contextlib.suppress(KeyError):  # Pillow does not say why it did not take it, but its plugin does
            try:
                PIL.Image.OPEN[kind][0](io.BytesIO(_all(source)), "")
            except Exception as inner:
                error = inner
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(source, PIL.Image.Image) and isinstance(error, PIL.UnidentifiedImageError):
        return InputError(f"{label} is not made of pixels ({reason}): {EXPORT}.")
    if isinstance(error, NotImplementedError) or UNSUPPORTED.search(reason):
        return InputError(f"{label} is of a rare kind that is not supported ({reason}): {EXPORT}.")
    return InputError(f"{label} is damaged or cut off and cannot be read ({reason}).")


def _all(source: pathlib.Path | io.BytesIO) -> bytes:
    return source.getvalue() if isinstance(source, io.BytesIO) else source.read_bytes()
