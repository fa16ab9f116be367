"""The table of faults: every row has a test, and the page says which."""

import re

import pytest

from tools import faults


def test_every_row_has_a_test_and_every_marker_a_row():
    assert sorted(faults.marked_tests()) == list(faults.ROWS) == list(range(1, 25))


def test_the_page_is_up_to_date():
    """After a change: python -m tools.faults docs"""
    page = faults.page(faults.marked_tests(), faults.read_figures())
    assert faults.PAGE.read_text(encoding="utf-8") == page


def test_the_counts_are_those_of_tests_that_exist():
    tests = {test for several in faults.marked_tests().values() for test in several}
    assert set(faults.read_figures()["cases"]) == tests
    assert all(count > 0 for count in faults.read_figures()["cases"].values())


@pytest.mark.parametrize("mutation", faults.MUTATIONS, ids=lambda mutation: f"row {mutation[0]}")
def test_a_protection_that_can_be_taken_out_is_there(mutation):
    row, file, before, _, tests, word = mutation
    assert before in (faults.ROOT / file).read_text(encoding="utf-8")
    names = [test.split("::")[1] for test in faults.marked_tests()[row] if f"tests/{test.split('::')[0]}" == tests]
    assert any(word in name for name in names)


def test_markers_are_found_on_functions_and_files():
    found = faults.marked_tests()
    assert "test_limits.py::test_the_tightest_limit_of_cores_counts" in found[18]
    assert "test_hostile_pictures.py::test_pixels_decide_and_metadata_do_not" in found[15]
    assert all(re.fullmatch(r"[\w/]+\.py::test_\w+", test) for tests in found.values() for test in tests)
