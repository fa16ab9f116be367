"""The page of a figure: what a notebook shows of it, and where its content lies."""

import io

import IPython.display
import numpy as np
import PIL.Image
import pytest

from stylelib.support.page import page, sheet


def displayed(figure, monkeypatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    figure._ipython_display_()
    return shown


def test_a_notebook_shows_a_figure_as_a_jpeg_alone(monkeypatch):
    figure, _, _ = page(1.0, "Title", None)
    (image,) = displayed(figure, monkeypatch)
    assert image.format == "jpeg" and image.data == figure.jpeg() and image.alt == "Title"


def test_a_notebook_shows_the_note_as_text_below_the_picture_and_a_file_has_it_in_the_picture(monkeypatch):
    figure, _, _ = page(1.0, "Title", "compact · α/β < 1\n8 steps")
    image, text = displayed(figure, monkeypatch)
    assert text.data == "<small>compact · α/β &lt; 1<br>8 steps</small>"
    whole, part = (PIL.Image.open(io.BytesIO(data)) for data in (figure.jpeg(), image.data))
    assert part.width == whole.width and part.height < whole.height
    below = np.asarray(whole.convert("L"))[part.height :]
    assert below.min() < 150, "the note's letters"
    assert np.abs(np.asarray(part.convert("L"))[-3:].astype(int) - 255).max() < 8, "nothing of it is left"


def test_a_sheet_is_described_by_its_captions():
    grey = np.full((20, 30, 3), 128, dtype=np.uint8)
    assert sheet([grey, grey], ["the photograph", "painted"], 2, "Both", "8 steps").description == (
        "Both: the photograph; painted"
    )


def test_the_content_lies_between_the_title_and_the_note():
    figure, top, bottom = page(2.0, "Title " * 40, "note " * 100)
    figure.draw_without_rendering()
    _, height = figure.get_size_inches() * figure.dpi
    title, note = (text.get_window_extent() for text in figure.texts)
    assert title.y0 >= top * height and note.y1 <= bottom * height
    assert (top - bottom) * figure.get_figheight() == pytest.approx(2.0)
