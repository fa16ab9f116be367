"""User errors: one sentence, in a notebook as in a shell, that says how to fix them."""

import pathlib

import numpy as np
import pytest
import torch

from stylelib.support.errors import InputError, check_choice, check_whole, shown

NETWORKS = {"vgg19": 1, "vgg16": 2, "compact": 3}


@pytest.mark.parametrize("valid", [NETWORKS, list(NETWORKS), tuple(NETWORKS)], ids=["dict", "list", "tuple"])
def test_a_valid_choice_is_given_back(valid):
    assert check_choice("network", "vgg16", valid) == "vgg16"


@pytest.mark.parametrize(
    "value, suggestion",
    [("vgg91", "vgg19"), ("VGG16", "vgg16"), ("kompakt", "compact"), ("resnet", None), ("", None), (19, "vgg19")],
)
def test_the_nearest_valid_choice_is_suggested(value, suggestion):
    with pytest.raises(InputError) as caught:
        check_choice("network", value, NETWORKS)
    hint = f" Did you mean '{suggestion}'?" if suggestion else ""
    assert str(caught.value) == f"There is no network '{value}'.{hint} Known: vgg19, vgg16, compact."


@pytest.mark.parametrize("value", [None, ["vgg19"], {"vgg19"}, float("nan")])
def test_a_choice_that_is_no_text_is_refused_as_politely(value):
    with pytest.raises(InputError, match="There is no network"):
        check_choice("network", value, NETWORKS)


def test_it_is_a_value_error():  # so that code which never heard of stylelib can catch it
    assert issubclass(InputError, ValueError)


def test_ipython_is_told_to_show_the_sentence_alone():  # tests/test_studio.py has it done by a kernel
    assert InputError("Use another name.")._render_traceback_() == ["InputError: Use another name."]


@pytest.mark.parametrize("value", [3, 1000, np.int64(7), 2**63 - 1])
def test_a_whole_number_is_given_back_as_an_int(value):
    assert check_whole("steps", value, 3) == value and type(check_whole("steps", value, 3)) is int


@pytest.mark.parametrize("value", [2, -1, 3.0, 4.5, "5", True, None, [3], float("nan")])
def test_what_is_no_whole_number_from_there_on_is_refused(value):
    with pytest.raises(InputError) as caught:
        check_whole("steps", value, 3)
    assert str(caught.value) == f"steps is a whole number, 3 or more; got {value!r}."


@pytest.mark.parametrize("value", [2**63, 10**5000], ids=["2**63", "10**5000"])
def test_a_number_that_is_too_large_is_told_the_largest(value):
    with pytest.raises(InputError, match=rf"steps is at most {2**63 - 1}; got ") as caught:
        check_whole("steps", value, 3)
    assert len(str(caught.value)) < 300


def test_no_name_is_suggested_for_none():
    with pytest.raises(InputError) as caught:
        check_choice("thing", None, ["none", "one"])
    assert str(caught.value) == "There is no thing 'None'. Known: none, one."


@pytest.mark.parametrize(
    "value", ["a" * 5000, torch.rand(30, 40), np.ones(5), list(range(5000)), pathlib.Path("b" * 999)]
)
def test_a_long_value_is_one_short_line_in_a_message(value):
    for check in (lambda: check_choice("network", value, NETWORKS), lambda: check_whole("steps", value, 3)):
        with pytest.raises(InputError) as caught:
            check()
        assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


def test_a_short_value_is_shown_as_it_is():
    assert [shown(value) for value in (3, "a", None, pathlib.Path("a"))] == ["3", "'a'", "None", "a"]
    assert shown(torch.ones(2, 3)) == "Tensor of shape (2, 3)"
