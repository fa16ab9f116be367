"""Recipe files: a recipe as a small JSON file, with the pictures that are not bundled beside it."""

import dataclasses
import glob
import hashlib
import importlib.metadata
import io
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import PIL.Image

from stylelib.protocols.rebuild import kind_of
from stylelib.support.errors import InputError
from stylelib.support.files import check_writable, existing_file, write_atomically
from stylelib.support.gallery import bundled_images, find_image
from stylelib.support.picture_kinds import readable

FORMAT = 1
LARGEST = 20_000_000  # bytes of a recipe; its pictures lie beside it
Find = Callable[[str, str, Any], Any]  # see `parse`


def save(recipe: Any, path: str | os.PathLike[str], fingerprint: str) -> list[pathlib.Path]:
    """Write a recipe.

    The file includes the SHA-256 of each picture and the network's fingerprint, so that `load` can check whether they
    are the same.

    Parameters
    ----------
    recipe : Recipe
        Any recipe.
    path : path
        Ends in .json.
    fingerprint : str
        The network's fingerprint.

    Returns
    -------
    list of pathlib.Path
        The paths of the pictures and, last, of the recipe.
    """
    target = check_writable(path, (".json",))
    content, pictures = contents(recipe, lambda role, sha256: _free_name(target, role, sha256))
    content["network_fingerprint"] = fingerprint
    files = {target.with_name(name): data for name, data in pictures.items()} | {target: to_json(content)}
    for one, data in files.items():
        with write_atomically(one) as file:
            file.write(data)
    return list(files)


def _free_name(target: pathlib.Path, role: str, sha256: str) -> str:
    """Return the name of a picture beside a recipe; not that of another file, which the recipe does not belong to."""
    name = f"{target.stem}-{role.replace(' ', '-')}"
    others = [path for path in target.parent.glob(f"{glob.escape(name)}.*") if path.suffix != ".json"]
    same = all(hashlib.sha256(path.read_bytes()).hexdigest() == sha256 for path in others if path.is_file())
    return name if same else f"{name}-{sha256[:8]}"


def contents(recipe: Any, keep: Callable[[str, str], str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the content of a recipe file, without the network's fingerprint, and the pictures to put beside it.

    Parameters
    ----------
    recipe : Recipe
        Any recipe.
    keep : callable
        Takes a picture's role and SHA-256, and returns its file name without an extension.

    Returns
    -------
    content : dict
        What becomes the JSON file.
    files : dict
        {file name: bytes}.
    """
    pictures = recipe.pictures
    unused = {name for name in ("content", "style") if name not in pictures}
    used = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    used = {name: value for name, value in used.items() if name not in unused}
    if not used.get("style_weights"):
        used.pop("style_weights", None)  # older versions can read the file then
    names, files, sums = {}, {}, {}
    for role, source in pictures.items():
        data = source if isinstance(source, bytes) else find_image(source).read_bytes()
        sums[role] = hashlib.sha256(data).hexdigest()
        names[role] = source
        if source not in bundled_images():
            names[role] = f"{keep(role, sums[role])}{_ending(data)}"
            files[names[role]] = data
    styles = [name for role, name in names.items() if role != "content"]
    used |= {"content": names["content"]} if "content" in names else {}
    used |= {"style": styles[0] if len(styles) == 1 else styles} if styles else {}
    about = {"format": FORMAT, "stylelib": version()}
    if kind_of(type(recipe)) != "Recipe":
        about["class"] = kind_of(type(recipe))  # a subclass can make another picture from the same values
    return about | used | {"pictures": sums}, files


def load(cls: type, path: str | os.PathLike[str]) -> tuple[Any, str]:
    """Read what `save` wrote.

    Parameters
    ----------
    cls : type
        Recipe, or a subclass.
    path : path
        A .json file.

    Returns
    -------
    recipe : Recipe
        The recipe, with paths for the pictures beside the file.
    fingerprint : str
        The network's fingerprint.

    Raises
    ------
    InputError
        If the file is missing or is not a recipe, or if a picture is not the one that the recipe was made with.
    """
    path = existing_file(path, "recipe", LARGEST)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} is not a recipe, or it is damaged.") from error
    recipe, content = parse(cls, text, str(path), lambda name, *_: _beside(path, name))
    for role, source in recipe.pictures.items():
        if hashlib.sha256(find_image(source).read_bytes()).hexdigest() != content["pictures"][role]:
            raise InputError(f"{source} is not the picture that {path.name} was made with.")
    return recipe, str(content["network_fingerprint"])


def parse(cls: type, text: str | bytes, label: str, find: Find) -> tuple[Any, dict[str, Any]]:
    """Return the recipe of a JSON text, and the text's whole content.

    Parameters
    ----------
    cls : type
        Recipe, or a subclass.
    text : str or bytes
        What `to_json` returned.
    label : str
        Where the text comes from, for error messages.
    find : callable
        Takes the name that the text has for a picture, the picture's role and its SHA-256; returns its source.

    Raises
    ------
    InputError
        If the text is not a recipe.
    """
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise InputError(f"{label} was made by a newer version of stylelib; install that version to use it.")
        cls = _class_of(content, cls)
        names = [field.name for field in dataclasses.fields(cls) if field.name in content]
        values = {name: _with_tuples(content[name]) for name in names}
        for role in {"content", "style"} & set(values):
            several = values[role] if isinstance(values[role], tuple) else (values[role],)
            roles = [f"{role} {number}" if number > 1 else role for number in range(1, len(several) + 1)]
            if not all(isinstance(name, str) for name in several):
                raise TypeError("a picture without a name")
            found = tuple(find(name, one, content["pictures"][one]) for name, one in zip(several, roles, strict=True))
            values[role] = found if isinstance(values[role], tuple) else found[0]
        recipe = cls(**values)
        if set(content["pictures"]) != set(recipe.pictures) or "network_fingerprint" not in content:
            raise ValueError("other pictures, or no network")
    except InputError:
        raise
    except Exception as error:  # a damaged or hostile file can raise anything, such as a RecursionError
        raise InputError(f"{label} is not a recipe, or it is damaged.") from error
    return recipe, content


def pack(recipe: Any) -> dict[str, Any]:
    """Return a recipe with its pictures as plain values, for a saved run."""
    content, files = contents(recipe, lambda role, _: role)
    return {"content": to_json(content | {"network_fingerprint": ""}).decode(), "files": files}


def unpack(cls: type, packed: dict[str, Any], label: str) -> Any:
    """Return the recipe that `pack` described; its own pictures are the bytes of their files."""
    try:
        text, files = packed["content"], dict(packed["files"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{label} is not a run that this version of stylelib can read.") from error
    return parse(cls, text, label, lambda name, *_: files.get(name, name))[0]


def version() -> str:
    """Return stylelib's version; a label must not stop the work where the package is on the path, but not installed."""
    try:
        return importlib.metadata.version("stylelib")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def to_json(content: Any) -> bytes:
    """Return the bytes of a JSON file, indented so that people can read it."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _class_of(content: dict[str, Any], cls: type) -> type:
    """Return the class that a file names, `cls` or a subclass of it."""
    name = content.get("class", "Recipe")
    known, waiting = {}, [cls]
    while waiting:
        known[kind_of(waiting[-1])] = waiting[-1]
        waiting.extend(waiting.pop().__subclasses__())
    if name == "Recipe":
        return cls
    if name not in known:
        raise InputError(
            f"This file needs your class {name}; define it, or import the module that defines it, and load the file "
            f"again."
        )
    return known[name]


def _with_tuples(value: Any) -> Any:
    """Return a value from JSON with tuples in place of lists, as recipes have it."""
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def _beside(path: pathlib.Path, name: str) -> str:
    return name if name in bundled_images() else os.fspath(path.with_name(name))


def _ending(data: bytes) -> str:
    """Return the file extension for the bytes of a picture file, such as .jpg."""
    with PIL.Image.open(io.BytesIO(data), formats=readable()) as image:
        return {"JPEG": ".jpg"}.get(str(image.format), f".{str(image.format).lower()}")
