"""User errors: one sentence, in a notebook as in a shell, that says how to fix them."""

import numpy as np
import pytest

from stylelib.support.errors import InputError, check_choice, check_whole

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


@pytest.mark.parametrize("value", [2, -1, 3.0, 4.5, "5", True, None, [3], float("nan"), 2**63])
def test_what_is_no_whole_number_from_there_on_is_refused(value):
    with pytest.raises(InputError) as caught:
        check_whole("steps", value, 3)
    assert str(caught.value) == f"steps is a whole number, 3 or more; got {value!r}."
