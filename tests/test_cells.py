"""A cell that is run again closes what it made before."""

import pytest

from stylelib.studio import cells


class Made:
    closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def running(monkeypatch):
    """The cell that is running and its execution, to be changed."""
    running = ["a cell of this test", "first execution"]
    monkeypatch.setattr(cells, "running_cell", lambda: tuple(running))
    return running


def test_a_cell_that_is_run_again_closes_what_it_made_and_nothing_else(running):
    made = [Made(), Made()]
    for one in made:
        cells.close_earlier(one)
    running[0] = "another cell of this test"
    elsewhere = Made()
    cells.close_earlier(elsewhere)
    assert not any(one.closed for one in made)
    running[:] = "a cell of this test", "second execution"
    new = Made()
    cells.close_earlier(new)
    assert all(one.closed for one in made) and not elsewhere.closed and not new.closed


def test_where_cells_have_no_names_nothing_is_closed(running):
    running[:] = None, None
    first, second = Made(), Made()
    cells.close_earlier(first)
    running[1] = "later"
    cells.close_earlier(second)
    assert not first.closed and not second.closed


def test_outside_a_notebook_there_is_no_cell():
    assert cells.running_cell() == (None, None)
