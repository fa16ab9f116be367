"""The recipes of a sweep: every combination of some values."""

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any, TypeVar

from stylelib.recipes import Recipe
from stylelib.support.errors import InputError, check_choice, shown

R = TypeVar("R", bound=Recipe)


def grid(recipe: R, **values: Iterable[Any]) -> list[R]:
    """Return a recipe for every combination of some values; those of the last name change fastest.

    Parameters
    ----------
    recipe : Recipe
        All other values come from it. It can be an object of your own subclass.
    **values
        A list of values for each name that varies, such as alpha_beta=[0.1, 1], seed=range(3) or
        style_layers=[("conv1_1",), ("conv1_1", "conv2_1")]. In style=[("night_swirls", "woodcut"), "mosaic"], the first
        value has two style images.

    Returns
    -------
    list of Recipe
        One for each combination.

    Raises
    ------
    InputError
        If `recipe` is not a recipe, a name is unknown, or its values are not a list or an empty one.
    """
    if not isinstance(recipe, Recipe):
        raise InputError(f"A grid varies a recipe, such as grid(Recipe(), seed=range(3)); got {shown(recipe)}.")
    fields = {field.name: field for field in dataclasses.fields(recipe)}
    choices = []
    for name, several in values.items():
        field = fields[check_choice("value of a recipe", name, fields)]
        if isinstance(several, str | bytes) or not isinstance(several, Iterable):
            raise InputError(f"Give a list of values for {name}, such as {name}=[{several!r:.40}].")
        choices.append([_adapted(value, field, recipe) for value in several])
        if not choices[-1]:
            raise InputError(f"There are no values for {name}.")
    return [
        dataclasses.replace(recipe, **dict(zip(values, chosen, strict=True))) for chosen in itertools.product(*choices)
    ]


def _adapted(value: Any, field: "dataclasses.Field[Any]", recipe: Recipe) -> Any:
    """Return a value as recipes store it, so that equal values, such as 1 and 1.0, make equal recipes."""
    if hasattr(value, "tolist"):  # a number or an array of NumPy or torch
        value = value.tolist()
    if isinstance(field.default, tuple) and isinstance(value, str):
        return (value,)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(value)
    if isinstance(field.default, float) and "check" in field.metadata:
        field.metadata["check"](value, recipe)
    return float(value) if isinstance(field.default, float) and isinstance(value, int | str) else value
