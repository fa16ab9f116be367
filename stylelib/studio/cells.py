"""Notebook cells and the studios that they made. When a cell is run again, its earlier studios are closed."""

from typing import Protocol


class Closable(Protocol):
    """An object that can be closed."""

    def close(self) -> None:
        """Close it."""


_made: dict[str, tuple[str | None, list[Closable]]] = {}  # cell: (its last execution, what that made)


def close_earlier(new: Closable) -> None:
    """Close what earlier executions of the running cell made, and remember the new object."""
    cell, execution = running_cell()
    if cell is None:
        return
    last_execution, made = _made.get(cell, (None, []))
    if last_execution != execution:
        for earlier in made:
            earlier.close()
        made = []
    _made[cell] = execution, [*made, new]


def running_cell() -> tuple[str | None, str | None]:
    """Return the identifiers of the running cell and of this execution; None if the front end does not send them."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    request = kernel.get_parent() if kernel else {}
    return request.get("metadata", {}).get("cellId"), request.get("header", {}).get("msg_id")
