"""What the values of a recipe are called and how each is checked; `stylelib.recipes` puts them together."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from stylelib.images import MIN_SIDE, Source, load_image
from stylelib.initialization import INITIALIZATIONS
from stylelib.protocols.term import check_weight
from stylelib.support.errors import InputError, check_choice, check_whole, shown
from stylelib.weights.networks import check_layers_by_name

PICTURES = {"transfer": ("content", "style"), "content": ("content",), "style": ("style",)}  # by kind of recipe
LARGEST_SIDE = 16384  # pixels; more must be a typing error, because no GPU can compute it
PICTURE = "a picture file, or a bundled name such as riverside"
Check = Callable[[Any, Any], Any]  # called with the value and the recipe


def value(default: Any, label: str, help: str, check: Check, choices: Any = ()) -> Any:
    """Describe a value of a recipe: its default, label, help text, check, and choices if there are few."""
    about = {"label": label, "help": help, "check": check, "choices": choices}
    return dataclasses.field(default=default, metadata=about)


def one_of(label: str, choices: Any) -> Check:
    """Return a check that accepts these choices alone."""
    return lambda value, recipe: check_choice(label, value, choices)


def load_styles(several: Any) -> list[Any]:
    """Load one style image or several."""
    return [load_image(source) for source in as_list(several)]


def check_init(init: Any, recipe: Any) -> None:
    """Raise an InputError for a start that this kind of recipe does not have."""
    check_choice("start", init, INITIALIZATIONS)
    if init not in (*PICTURES[recipe.kind], "noise"):
        raise InputError(f"There is no {init} image here to start from; choose another start.")


def check_content_layer(layer: Any, recipe: Any) -> None:
    """Raise an InputError unless it is one layer of the recipe's network."""
    if len(check_layers_by_name(recipe.network, layer)) > 1:
        raise InputError(f"The content layer is one layer's name; got {shown(layer)}.")


def check_size(size: Any, recipe: Any) -> None:
    """Raise an InputError for a size that cannot be meant."""
    if check_whole("Longer side (pixels)", size, MIN_SIDE) > LARGEST_SIDE:
        raise InputError(f"The longer side is at most {LARGEST_SIDE} pixels; got {size}.")


def check_changes(changes: Any, recipe: Any) -> None:
    """Raise an InputError unless the changes are pairs (step, α/β) with growing steps."""
    if not isinstance(changes, tuple | list):
        raise InputError(f"Changes are pairs, ((step, α/β), …); got {shown(changes)}.")
    for change in changes:
        if not isinstance(change, tuple | list) or len(change) != 2:
            raise InputError(f"A change is a pair, (step, α/β); got {shown(change)}.")
        check_whole("the step of a change", change[0], 0)
        check_weight(change[1], "the ratio α/β")
    if [step for step, _ in changes] != sorted({step for step, _ in changes}):
        raise InputError(f"The steps of the changes must grow; got {shown(changes)}.")


def check_shares(weights: Sequence[float], count: int) -> list[float]:
    """Return the weight of each style image; raise an InputError unless there are as many weights as images."""
    if not isinstance(weights, Sequence) or isinstance(weights, str):
        raise InputError(f"Style weights are a list of numbers, one for each style image; got {shown(weights)}.")
    shares = [check_weight(weight, "a style's weight") for weight in weights] or [1 / count] * count
    if len(shares) != count:
        raise InputError(f"Give one weight for each style image: {count} images, {len(shares)} weights.")
    return shares


def as_list(style: Source | Sequence[Source]) -> list[Source]:
    """Return one style image or several as a list; raise an InputError if there is none."""
    several: list[Source] = list(style) if isinstance(style, list | tuple) else [style]  # type: ignore[list-item]
    if not several:
        raise InputError("A style transfer needs at least one style image.")
    return several
