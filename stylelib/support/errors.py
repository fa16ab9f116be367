"""User errors; the message says how to fix them."""

import difflib
import operator
import os
import sys
import warnings
from collections.abc import Collection
from typing import Any

LONGEST = 200  # characters of a value in a message
MOST = 1000  # characters of a message
LARGEST = 2**63 - 1  # because torch's seeds have 63 bits


class InputError(ValueError):
    """A request that cannot be carried out; the message is one sentence that says what to do instead.

    Whatever is in it, such as a part of a damaged file, the message has one line and at most MOST characters.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(shorten(str(message), MOST))

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone in a notebook: IPython calls this instead of printing a traceback."""
        return [f"{type(self).__name__}: {self}"]


def shown(value: object) -> str:
    """Return a value as text for a message, in one line and at most LONGEST characters; an array as its shape."""
    if getattr(value, "shape", ()):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"  # type: ignore[attr-defined]
    try:
        text = str(value) if isinstance(value, os.PathLike) else repr(value)
    except Exception:  # an int of more than 4300 digits has no repr
        text = type(value).__name__
    return shorten(text)


def shorten(text: str, most: int = LONGEST) -> str:
    """Return a text in one line of at most so many characters; the middle of a long one is left out."""
    text = " ".join(text.split()) if "\n" in text else text
    half = most // 2
    return text if len(text) <= most else f"{text[: half - 1]}…{text[-half:]}"


def warn(message: str) -> None:
    """Give a warning that points at the line outside the package that the call came from."""
    frame, level = sys._getframe(), 1
    inside = ("stylelib", "contextlib")  # a decorator of the package's puts a frame of contextlib between
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in inside:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def check_choice(kind: str, value: object, valid: Collection[str]) -> str:
    """Return a value if it is one of the valid ones.

    Parameters
    ----------
    kind : str
        What is being chosen, for the error message: "layer", "network", …
    value : object
        The choice.
    valid : Collection of str
        The valid names.

    Returns
    -------
    str
        The value.

    Raises
    ------
    InputError
        For any other value; the message suggests the nearest name.
    """
    if isinstance(value, str) and value in valid:
        return value
    names = [str(name) for name in valid]
    text = shorten(value) if isinstance(value, str) else shown(value)
    near = difflib.get_close_matches(text.lower(), names, n=1, cutoff=0.5) if value is not None else []
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise InputError(f"There is no {kind} '{text}'.{hint} Known: {', '.join(names)}.")


def check_whole(name: str, value: Any, least: int) -> int:
    """Return a value as an int if it is a whole number.

    Parameters
    ----------
    name : str
        What the number is, for the error message.
    value : object
        An int, or a NumPy integer.
    least : int
        The smallest number allowed. The largest is LARGEST.

    Returns
    -------
    int
        The number.

    Raises
    ------
    InputError
        For anything else.
    """
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except (TypeError, ValueError, RuntimeError):  # also an array of several numbers
        number = least - 1
    if number < least:
        raise InputError(f"{name} is a whole number, {least} or more; got {shown(value)}.")
    if number > LARGEST:
        raise InputError(f"{name} is at most {LARGEST}; got {shown(value)}.")
    return number
