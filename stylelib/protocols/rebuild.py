"""Objects that a saved run makes anew: terms, statistics, optimisers, parameterizations.

A file holds the name of a class and the arguments of its constructor, never code. A class of your own is known by its
name as soon as it is defined, so define it, or import the module that does, before you load the file.
"""

from typing import Any, ClassVar, Self

from stylelib.support.errors import InputError


class Rebuildable:
    """Base of the classes whose objects can be saved: subclass it, and write `arguments`."""

    _kinds: ClassVar[dict[str, type]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        Rebuildable._kinds[kind_of(cls)] = cls

    def arguments(self) -> dict[str, Any]:
        """Return what the constructor was called with: numbers, texts, tensors, or other objects of this kind.

        Raises
        ------
        InputError
            If the class does not say; override this method to have its objects saved.
        """
        raise InputError(
            f"{type(self).__name__} has no arguments() that say how it is made, so it cannot be saved; write that "
            f"method, or hand the object over again when the run is loaded."
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
            What `to_dict` gave.
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
                f"This file needs your class {kind}: define it, or import the module that does, before you load the "
                f"file, or hand the object over."
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
    """Return the name by which a file knows a class: its own if it comes with stylelib, else with its module's."""
    return cls.__name__ if cls.__module__.startswith("stylelib.") else f"{cls.__module__}.{cls.__qualname__}"
