"""The page of a figure: its size, title and note, and pictures in rows on it."""

import html
import io
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.figure
import numpy as np
from matplotlib.transforms import Bbox

from stylelib.support.lettering import draw_as_they_are

WIDTH = 10.0  # width of a figure; this and the next four are in inches
MAX_HEIGHT = 4.2  # of a picture
MARGIN = 0.06
GAP = 0.1  # between pictures
LINE = 0.17  # height of a caption's line

Array = np.ndarray[Any, np.dtype[np.uint8]]


class Figure(matplotlib.figure.Figure):
    """A matplotlib figure that a notebook shows as a JPEG, an eighth of the size of a PNG, with its note as text.

    It is made without pyplot, so it works in any thread and need not be closed.

    Attributes
    ----------
    title, note : str
        Text above and below the content. In a file the note is a part of the picture; a notebook shows it as text
        below, which is legible on a dark page and at any width.
    description : str
        What is to be seen, for those who cannot see it; the title by default.
    """

    DOTS_PER_INCH = 110
    title: str = ""
    note: str = ""
    description: str = ""
    note_height: float = 0  # in inches

    def draw(self, renderer: Any) -> None:
        """Draw everything, texts as they are."""
        draw_as_they_are(self)
        super().draw(renderer)

    def jpeg(self, quality: int = 78, with_note: bool = True) -> bytes:
        """Return the figure as the bytes of a JPEG file, with or without its note."""
        buffer = io.BytesIO()
        width, height = self.get_size_inches()
        box = Bbox([[0, 0 if with_note else self.note_height], [width, height]])
        options = {"dpi": self.DOTS_PER_INCH, "bbox_inches": box, "pil_kwargs": {"quality": quality}}
        self.savefig(buffer, format="jpeg", **options)  # type: ignore[arg-type]
        return buffer.getvalue()

    def image(self) -> Any:
        """Return the JPEG without the note as what IPython displays, with a text for those who cannot see it."""
        from IPython.display import Image

        return Image(self.jpeg(with_note=False), format="jpeg", alt=self.alt)  # type: ignore[no-untyped-call]

    @property
    def alt(self) -> str:
        """What stands in place of the picture for those who cannot see it."""
        return self.description or self.title or self.note

    def show_note(self) -> None:
        """Show the note as text, if there is one."""
        from IPython.display import Markdown, display

        if self.note:
            text = html.escape(self.note, quote=False).replace("\n", "<br>")
            display(Markdown(f"<small>{text}</small>"))  # type: ignore[no-untyped-call]

    def _ipython_display_(self) -> None:
        """Show the JPEG and the note. With _repr_jpeg_, a notebook that uses pyplot would store a PNG as well."""
        from IPython.display import display

        display(self.image())  # type: ignore[no-untyped-call]
        self.show_note()


def page(height: float, title: str | None, note: str | None, width: float = WIDTH) -> tuple[Figure, float, float]:
    """Make an empty figure with room for its content, title and note.

    Parameters
    ----------
    height : float
        Height of the content, in inches.
    title, note : str or None
        Text above and, in small print, below the content; wrapped to the width.
    width : float
        Width of the figure, in inches.

    Returns
    -------
    figure : Figure
        With title and note.
    top, bottom : float
        The upper and lower edge of the content, as fractions of the figure's height.
    """
    titles, notes = _wrap(title or "", 9 * width), _wrap(note or "", 18 * width)
    above = 0.16 + 0.2 * len(titles) if titles else 0.06
    below = 0.06 + 0.15 * len(notes)
    total = height + above + below
    figure = Figure(figsize=(width, total), facecolor="white")
    figure.text(MARGIN / width, 1 - 0.08 / total, "\n".join(titles), va="top", fontsize=12, weight="bold")
    figure.text(MARGIN / width, 0.04 / total, "\n".join(notes), va="bottom", fontsize=7.5, color="#444444")
    figure.title, figure.note = title or "", note or ""
    figure.note_height = 0.04 + 0.15 * len(notes) if notes else 0
    return figure, 1 - above / total, below / total


def sheet(
    arrays: Sequence[Array], captions: Sequence[str], columns: int, title: str | None, note: str | None
) -> Figure:
    """Show pictures in rows, each with its caption above; the pictures of a row have the same height.

    Parameters
    ----------
    arrays : Sequence of array
        (H, W, 3) each, of any shapes.
    captions : Sequence of str
        One for each picture.
    columns : int
        Pictures in a row.
    title, note : str or None
        Text above and below the pictures.

    Returns
    -------
    Figure
        At most WIDTH inches wide.
    """
    rows: list[_Row] = []
    for start in range(0, len(arrays), columns):
        highest = rows[-1].height if rows else MAX_HEIGHT  # so that a short last row is not larger than the others
        rows.append(_row(arrays[start : start + columns], captions[start : start + columns], highest))
    height = sum(row.above + row.height + GAP for row in rows)
    width = max(4.5, *(2 * MARGIN + sum(row.widths) + GAP * (len(row.widths) - 1) for row in rows))
    figure, top, _ = page(height, title, note, min(width, WIDTH))
    width, total = figure.get_size_inches()
    y = top * total
    for row in rows:
        x, y = MARGIN, y - row.above - row.height
        for array, cell, caption in zip(row.arrays, row.widths, row.captions, strict=True):
            axes = figure.add_axes((x / width, y / total, cell / width, row.height / total))
            axes.imshow(array, interpolation="lanczos")
            axes.set_axis_off()
            axes.set_title("\n".join(caption), fontsize=9, pad=3)
            x += cell + GAP
        y -= GAP
    listed = "; ".join(caption for caption in captions if caption)
    figure.description = ": ".join(part for part in (title, listed) if part)
    return figure


class _Row(NamedTuple):
    """A row of pictures; lengths in inches."""

    arrays: Sequence[Array]
    widths: list[float]  # of the pictures' cells
    captions: list[list[str]]  # each as its lines
    height: float  # of the pictures
    above: float  # height of the captions


def _row(arrays: Sequence[Array], texts: Sequence[str], highest: float) -> _Row:
    """Fit pictures into the width of a figure, at most `highest` inches high."""
    ratios = [min(max(array.shape[1] / array.shape[0], 0.4), 8) for array in arrays]  # width of a cell / its height
    height = min(highest, (WIDTH - 2 * MARGIN - GAP * (len(arrays) - 1)) / sum(ratios))
    widths = [height * ratio for ratio in ratios]
    captions = [_wrap(text, 13 * width) for text, width in zip(texts, widths, strict=True)]
    return _Row(arrays, widths, captions, height, LINE * max(len(caption) for caption in captions))


def _wrap(text: str, letters: float) -> list[str]:
    """Return the lines of a text, wrapped to a number of letters."""
    return [line for part in text.splitlines() for line in textwrap.wrap(part, int(letters))]
