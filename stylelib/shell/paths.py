"""Lists of pictures in the shell's words: files whose names contain the separator, folders, and patterns."""

import glob
import os

from stylelib.support.errors import InputError, shorten
from stylelib.support.picture_kinds import first_bytes, kind_of_bytes


def split_paths(text: str, separator: str) -> list[str]:
    """Split a text at a separator, but not inside the name of a file that exists.

    Parameters
    ----------
    text : str
        Such as "riverside,Paris, 2019.jpg".
    separator : str
        One character.

    Returns
    -------
    list of str
        The parts that are not empty: "riverside" and, if there is such a file, "Paris, 2019.jpg".
    """
    parts, found = text.split(separator), []
    while parts:
        lengths = range(len(parts), 1, -1)
        length = next((count for count in lengths if os.path.exists(separator.join(parts[:count]).strip())), 1)
        found.append(separator.join(parts[:length]).strip())
        parts = parts[length:]
    return [part for part in found if part]


def picture_values(text: str) -> list[str]:
    """Return the pictures of a list: names and paths as they are, the pictures in a folder, those that fit a pattern.

    Parameters
    ----------
    text : str
        What stands behind NAME=.

    Returns
    -------
    list of str
        Names and paths.

    Raises
    ------
    InputError
        For a folder without pictures, and for a pattern that fits none.
    """
    found: list[str] = []
    for part in split_paths(text, ","):
        if os.path.isdir(part):
            inside = sorted(os.path.join(part, name) for name in os.listdir(part))
            several = [path for path in inside if os.path.isfile(path) and kind_of_bytes(first_bytes(path))]
        elif not os.path.exists(part) and any(sign in part for sign in "*?["):
            several = sorted(path for path in glob.glob(part) if os.path.isfile(path))
        else:
            several = [part]
        if not several:
            raise InputError(f"There are no pictures in {shorten(part)}.")
        found += several
    return found
