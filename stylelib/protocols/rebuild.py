"""Objects that can be saved and made again: terms, statistics, optimisers, parameterizations.

A file holds the name of a class and the arguments of its constructor, but no code. Your own class is found by its name
once it is defined, so define it, or import the module that defines it, before you load the file.
"""

import inspect
from typing import Any, ClassVar, Self

from torch import Tensor

from stylelib.support.errors import InputError


class Rebuildable:
    """Base of the classes whose objects can be saved. A subclass writes `arguments`."""

    _kinds: ClassVar[dict[str, type]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        Rebuildable._kinds[kind_of(cls)] = cls

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments by name: numbers, strings, tensors, or other objects that can be saved.

        Raises
        ------
        InputError
            If a subclass does not override this method; its objects cannot be saved then.
        """
        raise InputError(
            f"{type(self).__name__} cannot be saved, because it has no method arguments(); write one that returns the "
            f"arguments of its constructor."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the object as a dict of plain values, for a file."""
        kind, arguments = kind_of(type(self)), self.arguments()
        taken = inspect.signature(type(self)).parameters
        unknown = set(arguments) - set(taken)
        if unknown and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values()):
            raise InputError(f"{kind}.arguments() names {', '.join(unknown)}, which its constructor does not take.")
        for name, value in arguments.items():
            if not _is_plain(value):
                raise InputError(
                    f"{kind} cannot be saved, because its argument {name} is a {type(value).__name__}; arguments() "
                    f"returns numbers, strings, tensors, or lists and dicts of them."
                )
        plain = {
            name: value.to_dict() if isinstance(value, Rebuildable) else value for name, value in arguments.items()
        }
        return {"kind": kind, "arguments": plain}

    @classmethod
    def from_dict(cls, content: dict[str, Any], **extra: Any) -> Self:
        """Make the object that `to_dict` described.

        Parameters
        ----------
        content : dict
            What `to_dict` returned.
        **extra
            Further arguments of its constructor.

        Returns
        -------
        Rebuildable
            The object, of a subclass of the class that this is called on.

        Raises
        ------
        InputError
            If no class of that name has been defined in this program.
        """
        kind = content["kind"]
        if not issubclass(found := Rebuildable._kinds.get(kind, object), cls):
            raise InputError(
                f"This file needs your class {kind}; define it, or import the module that defines it, before you load "
                f"the file."
            )
        arguments = {
            name: Rebuildable.from_dict(value)
            if isinstance(value, dict) and set(value) == {"kind", "arguments"}
            else value
            for name, value in content["arguments"].items()
        }
        try:
            made: Self = found(**extra, **arguments)
        except TypeError as error:
            raise InputError(f"{kind} cannot be made again from the arguments in the file ({error}).") from error
        return made

    def describe(self) -> str:
        """Return a few words for captions."""
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.describe()}>"


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(one) for name, one in value.items())
    return value is None or isinstance(value, bool | int | float | str | bytes | Tensor | Rebuildable)


def kind_of(cls: type) -> str:
    """Return a class's name in files; if it is not from stylelib, the name of its module comes first."""
    return cls.__name__ if cls.__module__.startswith("stylelib.") else f"{cls.__module__}.{cls.__qualname__}"
