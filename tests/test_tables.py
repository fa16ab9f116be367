"""Tables: as text, and as HTML in a notebook."""

import pytest

from stylelib.support.tables import Table

TABLE = Table(("layer", "parameters"), [("conv1_1", 1234567), ("a < b", 0.5)], "weights & biases")


def test_as_text_columns_are_aligned_and_numbers_have_separators():
    assert str(TABLE) == repr(TABLE)
    assert str(TABLE).splitlines() == [
        "weights & biases",
        "  layer parameters",
        "conv1_1  1,234,567",
        "  a < b        0.5",
    ]


def test_as_html_everything_is_escaped():
    html = TABLE._repr_html_()
    assert html.startswith("<table><caption>weights &amp; biases</caption><thead><tr><th>layer</th>")
    assert "<td>a &lt; b</td><td>0.5</td>" in html and "1,234,567" in html


@pytest.mark.parametrize("rows", [[], [("conv1_1", 1)]])
def test_without_a_title_there_is_none(rows):
    table = Table(("layer", "count"), rows)
    assert str(table).splitlines()[0].split() == ["layer", "count"] and "caption" not in table._repr_html_()
