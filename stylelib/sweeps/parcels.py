"""Parcels, which are sent to workers: recipes, and your own networks and optimisers that they may name.

cloudpickle packs them, so that classes and functions from a notebook or a script arrive too, no matter how the executor
sends its data.
"""

import dataclasses
import functools
import io
import os
import pickle
import uuid
from collections.abc import Iterable
from typing import Any

import cloudpickle
import PIL.Image
from torch import Tensor

from stylelib.images import load_image, to_array
from stylelib.protocols.network import Network
from stylelib.protocols.optimizer import Optimizer
from stylelib.recipes import Recipe
from stylelib.storage.keeping import EVERY
from stylelib.support.errors import InputError
from stylelib.support.gallery import bundled_images
from stylelib.support.picture_text import png_text
from stylelib.weights.networks import register_network, registered

Packed = dict[tuple[str, str], bytes]  # {("network" or "optimizer", name): what was registered under it}

_received: Packed = {}  # what this process has received and registered


class Registered:
    """Your own networks and optimisers that some recipes may name.

    Parameters
    ----------
    recipes : Iterable of Recipe
        A plain Recipe names them in its values. The code of a subclass may name others, so all are sent with it.
    """

    def __init__(self, recipes: Iterable[Recipe]) -> None:
        recipes = list(recipes)
        own_code = any(type(recipe) is not Recipe for recipe in recipes)
        named = {name for recipe in recipes for name in (recipe.network, recipe.optimizer)}
        optimizers = {name: cls for name, cls in Optimizer.known.items() if not cls.__module__.startswith("stylelib.")}
        self.things: dict[tuple[str, str], Any] = {
            (kind, name): thing
            for kind, things in (("network", registered), ("optimizer", optimizers))
            for name, thing in things.items()
            if own_code or name in named
        }

    @functools.cached_property
    def packed(self) -> Packed:
        """The same as bytes, made only once, so that a worker recognises what it has already."""
        return {name: _pack(thing, *name) for name, thing in self.things.items()}


@dataclasses.dataclass(frozen=True)
class Parcel:
    """Recipes that are sent to a worker.

    Attributes
    ----------
    recipes : list of Recipe
        They are computed one after another, or as one batch.
    own : Registered
        What they may name.
    checkpoints : list of str
        For each recipe, the file that keeps its run while it is computed, if the worker can reach the sweep's folder.
    every : float
        Seconds between two checkpoints of a run.
    name : str
        Tells the parcel from another one with the same recipes, because Dask takes equal calls for one, and would
        repeat the failure of the first.
    """

    recipes: list[Recipe]
    own: Registered
    checkpoints: list[str]
    every: float = EVERY
    name: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)

    def __reduce__(self) -> tuple[Any, ...]:
        packed = cloudpickle.dumps(self.recipes)
        return ArrivedParcel, (packed, self.own.packed, self.checkpoints, self.every, self.name)


@dataclasses.dataclass(frozen=True)
class ArrivedParcel:
    """A Parcel in another process, where it is unpacked when its recipes are read."""

    packed: bytes
    own: Packed
    checkpoints: list[str]
    every: float
    name: str

    @property
    def recipes(self) -> list[Recipe]:
        """The recipes; what they may name is registered first."""
        _register(self.own)
        recipes: list[Recipe] = pickle.loads(self.packed)
        return recipes


def with_pictures(recipe: Recipe, loaded: dict[Any, bytes]) -> Recipe:
    """Return a recipe as it is sent: your own pictures are scaled to the recipe's size and included as bytes.

    Parameters
    ----------
    recipe : Recipe
        Any recipe.
    loaded : dict
        {(source, size): bytes}: the pictures that were loaded for other recipes; new ones are added.

    Returns
    -------
    Recipe
        A recipe without paths on this machine.

    Raises
    ------
    InputError
        For a picture that cannot be sent.
    """
    sent = {}
    for role, source in recipe.pictures.items():
        if not isinstance(source, str | bytes | os.PathLike):
            raise InputError(
                f"The {role} image of a recipe is a name, a path or the bytes of a file; got {type(source).__name__}."
            )
        sent[role] = source
        if source not in bundled_images():
            if (source, recipe.size) not in loaded:
                loaded[source, recipe.size] = to_png(load_image(source, recipe.size))
            sent[role] = loaded[source, recipe.size]
    styles = tuple(source for role, source in sent.items() if role.startswith("style"))
    values: dict[str, Any] = {"content": sent["content"]} if "content" in sent else {}
    if styles:
        values["style"] = styles if len(styles) > 1 else styles[0]
    return dataclasses.replace(recipe, **values)


def to_png(picture: Tensor, text: str = "") -> bytes:
    """Return a picture (1, 3, H, W) as the bytes of a PNG file, which carries the text."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(to_array(picture)).save(buffer, "PNG", pnginfo=png_text(text))
    return buffer.getvalue()


def _pack(thing: Any, kind: str, name: str) -> bytes:
    try:
        packed: bytes = cloudpickle.dumps(thing)
    except Exception as error:  # packing an object can raise anything
        raise InputError(
            f"Your {kind} {name} cannot be sent to a worker ({type(error).__name__}: {error}); define it in a module "
            f"and import it from there."
        ) from error
    return packed


def _register(things: Packed) -> None:
    """Register what was sent, unless it is here already or this process has its own object of that name."""
    for (kind, name), data in things.items():
        known = registered if kind == "network" else Optimizer.known
        if _received.get((kind, name)) == data or (name in known and (kind, name) not in _received):
            continue
        if kind == "network":
            register_network(name, functools.partial(_load_network, data))
        else:
            Optimizer.known[name] = pickle.loads(data)
        _received[kind, name] = data


def _load_network(data: bytes, **options: Any) -> Network:
    """Make a network with the function that was sent, which is unpacked only now, because it may never be needed."""
    net: Network = pickle.loads(data)(**options)
    return net
