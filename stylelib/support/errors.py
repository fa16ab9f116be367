"""User errors; the message says how to fix them."""

import difflib
from collections.abc import Collection
from typing import Any


class InputError(ValueError):
    """A request that cannot be carried out; the message is one sentence that says what to do instead."""

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone in a notebook: IPython calls this instead of printing a traceback."""
        return [f"{type(self).__name__}: {self}"]


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
    near = difflib.get_close_matches(str(value).lower(), names, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise InputError(f"There is no {kind} '{value}'.{hint} Known: {', '.join(names)}.")


def check_whole(name: str, value: Any, least: int) -> int:
    """Return a value as an int if it is a whole number.

    Parameters
    ----------
    name : str
        What the number is, for the error message.
    value : object
        An int, or a NumPy integer.
    least : int
        The smallest number allowed. The largest is 2**63 - 1, because torch's seeds have 63 bits.

    Returns
    -------
    int
        The number.

    Raises
    ------
    InputError
        For anything else.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or not least <= value < 2**63:
        raise InputError(f"{name} is a whole number, {least} or more; got {value!r}.")
    return int(value)
