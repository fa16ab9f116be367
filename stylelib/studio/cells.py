"""Which notebook cell made which studio, so that running the cell again closes the studios that it made before."""

from typing import Protocol


class Closable(Protocol):
    """Whatever can be closed."""

    def close(self) -> None:
        """Close it."""


_made: dict[str, tuple[str | None, list[Closable]]] = {}  # cell: (its last execution, what that made)


def close_earlier(new: Closable) -> None:
    """Close what an earlier execution of the running cell made, and note the new one."""
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
    """Return the identifiers of the cell that is running and of this execution; None where the front end has none."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    request = kernel.get_parent() if kernel else {}
    return request.get("metadata", {}).get("cellId"), request.get("header", {}).get("msg_id")
