"""Objects that can be saved and made again: terms, statistics, optimisers, parameterizations.

A file holds the name of a class and the arguments of its constructor, but no code. Your own class is found by its name
once it is defined, so define it, or import the module that defines it, before you load the file.
"""

from typing import Any, ClassVar, Self

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
        arguments = {
            name: value.to_dict() if isinstance(value, Rebuildable) else value
            for name, value in self.arguments().items()
        }
        return {"kind": kind_of(type(self)), "arguments": arguments}

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
        made: Self = found(**extra, **arguments)
        return made


def kind_of(cls: type) -> str:
    """Return a class's name in files; if it is not from stylelib, the name of its module comes first."""
    return cls.__name__ if cls.__module__.startswith("stylelib.") else f"{cls.__module__}.{cls.__qualname__}"
