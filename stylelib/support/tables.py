"""Tables that print as text and show as HTML in a notebook."""

import dataclasses
import html


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows under column names; prints as text, shows as HTML in a notebook."""

    columns: tuple
    rows: list
    title: str = ""

    def _cells(self):
        return [[f"{value:,}" if isinstance(value, int | float) else str(value) for value in row] for row in self.rows]

    def __str__(self):
        lines = [list(self.columns), *self._cells()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [" ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([self.title, *text] if self.title else text)

    __repr__ = __str__

    def _repr_html_(self):
        def line(cells, tag):
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        rows = "".join(line(cells, "td") for cells in self._cells())
        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}<thead>{line(self.columns, 'th')}</thead><tbody>{rows}</tbody></table>"
