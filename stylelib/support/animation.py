"""Animations: pictures as an animated GIF or an MP4."""

import fractions
import io
import math
import numbers
import os
import pathlib
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import PIL.Image

from stylelib.support.errors import InputError, shown
from stylelib.support.files import check_writable, write_atomically
from stylelib.support.page import Array


def write_animation(arrays: Sequence[Array], path: str | os.PathLike[str], seconds: float, hold: float) -> pathlib.Path:
    """Write pictures as an animation; see `stylelib.figures.save_animation`.

    Parameters
    ----------
    arrays : Sequence of array
        (H, W, 3), all of one size.
    path : path
        Ends in .gif or .mp4.
    seconds, hold : float
        Duration of all pictures together, and extra duration of the last one.

    Returns
    -------
    pathlib.Path
        The file's path; the file is written completely or not at all.

    Raises
    ------
    InputError
        If there are no pictures or their sizes differ, and for invalid durations and paths.
    """
    path = check_writable(path, (".gif", ".mp4"))
    if not arrays:
        raise InputError("An animation needs at least one frame; set keep_every when you make the run.")
    if len({array.shape for array in arrays}) > 1:
        raise InputError("The frames of an animation must all have the same size.")
    finite = all(isinstance(number, numbers.Real) and math.isfinite(number) for number in (seconds, hold))
    if not (finite and seconds > 0 and hold >= 0):
        got = f"seconds={shown(seconds)}, hold={shown(hold)}"
        raise InputError(f"An animation lasts more than 0 seconds, and hold is 0 or more; got {got}.")
    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    with write_atomically(path) as file:
        write(arrays, file, seconds, hold)
    return path


def looping(arrays: Sequence[Array], seconds: float, hold: float, width: int, quality: int = 55) -> bytes:
    """Return pictures as a looping WebP for a page. It begins with the last one, which is what a printed page shows.

    Parameters
    ----------
    arrays : Sequence of array
        (H, W, 3), all of one size.
    seconds, hold : float
        Duration of all pictures together, and extra duration of the last one.
    width : int
        In pixels; smaller pictures are not enlarged.
    quality : int
        Of the WebP, 0 to 100.

    Returns
    -------
    bytes
        The file.
    """
    images = [PIL.Image.fromarray(array) for array in (arrays[-1], *arrays)]
    for image in images:
        image.thumbnail((width, width), PIL.Image.Resampling.LANCZOS)
    each = round(1000 * seconds / len(arrays))
    durations = [1000 * hold, *[each] * len(arrays)]
    buffer = io.BytesIO()
    options = {"duration": [int(one) for one in durations], "loop": 0, "quality": quality, "method": 4}
    images[0].save(buffer, "WEBP", save_all=True, append_images=images[1:], **options)
    return buffer.getvalue()


def _write_gif(arrays: Sequence[Array], file: BinaryIO, seconds: float, hold: float) -> None:
    images = [PIL.Image.fromarray(array) for array in arrays]
    each = max(20, round(1000 * seconds / len(images)))  # browsers show a shorter frame for 100 ms
    durations = [each] * (len(images) - 1) + [each + round(1000 * hold)]
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)


def _write_mp4(arrays: Sequence[Array], file: BinaryIO, seconds: float, hold: float) -> None:
    import av  # a large library that only this function needs

    rate = fractions.Fraction(len(arrays) / seconds).limit_denominator(1000)
    height, width = (side - side % 2 for side in arrays[0].shape[:2])  # H.264 stores one colour for 2 × 2 pixels
    # The format is named, because the temporary file's name does not show it.
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for array in [*arrays, *[arrays[-1]] * math.ceil(hold * rate)]:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array[:height, :width]), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
