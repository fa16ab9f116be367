"""The page of a figure: what a notebook shows of it, and where its content lies."""

import IPython.display
import pytest

from stylelib.support.page import page


def test_a_notebook_shows_a_figure_as_a_jpeg_alone(monkeypatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    figure, _, _ = page(1.0, "Title", None)
    figure._ipython_display_()
    (image,) = shown
    assert image.format == "jpeg" and image.data == figure.jpeg()


def test_the_content_lies_between_the_title_and_the_note():
    figure, top, bottom = page(2.0, "Title " * 40, "note " * 100)
    figure.draw_without_rendering()
    _, height = figure.get_size_inches() * figure.dpi
    title, note = (text.get_window_extent() for text in figure.texts)
    assert title.y0 >= top * height and note.y1 <= bottom * height
    assert (top - bottom) * figure.get_figheight() == pytest.approx(2.0)
