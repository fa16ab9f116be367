"""Pictures that carry the recipe they were made with: in a PNG's text, in a JPEG's comment.

The text is a recipe file without its pictures, of which it has the names and the SHA-256. So nobody's own pictures are
in it, nor the names of folders outside the one that the program was started in.
"""

import hashlib
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from stylelib.storage import recipe_files
from stylelib.support.errors import InputError
from stylelib.support.gallery import bundled_images
from stylelib.support.picture_text import text_of

LONGEST = 60_000  # bytes of the text; a JPEG's comment holds no more than 65,533
MOST_FILES = 1000  # that are looked at in a folder
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif")


def to_text(recipe: Any, run: Any) -> str:
    """Return a recipe as the text that a picture carries; an empty one if it would be too long.

    Parameters
    ----------
    recipe : Recipe
        What made the picture.
    run : Synthesis
        Its run, at the step whose picture is saved.

    Returns
    -------
    str
        JSON.
    """
    content, _ = recipe_files.contents(recipe, lambda role, _: role)
    names = {role: _name(source) for role, source in recipe.pictures.items()}
    if "content" in names:
        content["content"] = names["content"]
    if styles := [name for role, name in names.items() if role != "content"]:
        content["style"] = styles[0] if len(styles) == 1 else styles
    nets = [term.net for term in run.terms if term.net is not None]
    return with_result(content, nets[0].fingerprint() if nets else "", run.number)


def with_result(content: dict[str, Any], fingerprint: str, steps: int) -> str:
    """Return the text from a recipe's content, its network's fingerprint and the number of steps that were done."""
    data = recipe_files.to_json(content | {"network_fingerprint": fingerprint, "steps_done": steps})
    return data.decode() if len(data) <= LONGEST else ""


def read(cls: type, path: str | os.PathLike[str], folders: Iterable[str | os.PathLike[str]]) -> tuple[Any, str, int]:
    """Return the recipe that a picture carries.

    Parameters
    ----------
    cls : type
        Recipe, or a subclass.
    path : path
        A PNG or JPEG file.
    folders : Iterable of path
        Where its input pictures are looked for, under their names and then under any other name.

    Returns
    -------
    recipe : Recipe
        With the paths of its pictures on this machine.
    fingerprint : str
        Of the network that made the picture.
    steps : int
        The number of steps that were done.

    Raises
    ------
    InputError
        If the file carries no recipe, or an input picture is not found or has changed.
    """
    path = pathlib.Path(path).expanduser()
    text = text_of(path)
    if not text.lstrip().startswith("{"):  # a comment of another program
        raise InputError(
            f"{path} carries no recipe: another program made or saved it, or stylelib did from Python code. "
            "A recipe file beside it can be computed with `python -m stylelib recipe`."
        )
    label = f"What {path} carries"
    places = [pathlib.Path(folder).expanduser() for folder in folders]

    def find(name: str, role: str, digest: Any) -> str:
        return _find(name, role, digest, places, path)

    recipe, content = recipe_files.parse(cls, text, label, find)
    steps = content.get("steps_done")
    if not isinstance(steps, int):
        raise InputError(f"{label} is not a recipe, or it is damaged.")
    return recipe, str(content["network_fingerprint"]), steps


def _name(source: Any) -> str:
    """Return a picture's name for others to read: without folders, unless it is inside the present one."""
    if isinstance(source, bytes):
        return ""
    if source in bundled_images():
        return str(source)
    full, here = pathlib.Path(source).expanduser().resolve(), pathlib.Path.cwd().resolve()
    return full.relative_to(here).as_posix() if full.is_relative_to(here) else full.name


def _find(name: str, role: str, digest: Any, folders: list[pathlib.Path], picture: pathlib.Path) -> str:
    """Return where an input picture is: under its name, or under another name with the same content."""
    if name in bundled_images():
        path = bundled_images()[name]
        if _digest(path) != digest:
            raise InputError(f"The bundled picture {name} is another one than when {picture} was made.")
        return name
    inside = not pathlib.PurePath(name).is_absolute() and ".." not in pathlib.PurePath(name).parts
    named = [place / part for place in folders for part in (name, pathlib.PurePath(name).name) if name and inside]
    for path in named:
        if path.is_file() and _digest(path) == digest:
            return os.fspath(path)
    for path in _pictures_in(folders):
        if _digest(path) == digest:
            return os.fspath(path)
    where = ", ".join(dict.fromkeys(str(place) for place in folders))
    what = f"the {role} image of {picture}"
    if changed := [path for path in named if path.is_file()]:
        raise InputError(f"{changed[0]}, {what}, has changed since; put the earlier file there again.")
    called = f"{pathlib.PurePath(name).name}, {what}," if name else f"{what[0].upper()}{what[1:]}, which was uploaded,"
    raise InputError(f"{called} is not in {where}; name its folder with --pictures.")


def _pictures_in(folders: list[pathlib.Path]) -> Iterator[pathlib.Path]:
    for place in folders:
        if place.is_dir():
            yield from sorted(path for path in place.iterdir() if path.suffix.lower() in ENDINGS)[:MOST_FILES]


def _digest(path: pathlib.Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
