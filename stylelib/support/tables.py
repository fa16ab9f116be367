"""Tables that print as text and are shown as HTML in a notebook."""

import dataclasses
import html
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows under column names.

    Attributes
    ----------
    columns : Sequence of str
        The column names.
    rows : Sequence of Sequence
        A value for each column; numbers get thousands separators.
    title : str
        Text above the table.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""

    def _cells(self) -> list[list[str]]:
        return [[f"{value:,}" if isinstance(value, int | float) else str(value) for value in row] for row in self.rows]

    def __str__(self) -> str:
        lines = [list(self.columns), *self._cells()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [" ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([self.title, *text] if self.title else text)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        rows = "".join(line(cells, "td") for cells in self._cells())
        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}<thead>{line(self.columns, 'th')}</thead><tbody>{rows}</tbody></table>"
