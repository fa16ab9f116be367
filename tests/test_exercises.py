"""Each exercise's check: the right solution passes, usual mistakes fail with their own words."""

import re

import pytest
import torch

from stylelib.exercises import EXERCISES, check
from stylelib.exercises.checking import Choice, Exercise
from stylelib.support.errors import InputError

FUNCTIONS = [name for name, exercise in EXERCISES.items() if isinstance(exercise, Exercise)]
CHOICES = [name for name, exercise in EXERCISES.items() if isinstance(exercise, Choice)]


def gram_matrix(f):
    return torch.einsum("bihw,bjhw->bij", f, f) / (f.shape[2] * f.shape[3])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_reference_passes(name):
    """The notebooks of solutions run what a reader would write."""
    verdict = check(name, EXERCISES[name].reference)
    assert verdict.passed and verdict.message == EXERCISES[name].praise
    assert repr(verdict).startswith("✓ Right.")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_least_five_mistakes_are_recognised_each_in_its_own_words(name):
    messages = [check(name, mistake).message for mistake in EXERCISES[name].mistakes.values()]
    assert messages == list(EXERCISES[name].mistakes)
    assert len(set(messages)) == len(messages) >= 5
    assert not any(check(name, mistake).passed for mistake in EXERCISES[name].mistakes.values())


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_has_one_right_answer_and_says_why_the_others_are_wrong(name):
    exercise = EXERCISES[name]
    assert check(name, exercise.right).passed and exercise.right not in exercise.wrong
    messages = [check(name, wrong).message for wrong in exercise.wrong]
    assert messages == list(exercise.wrong.values()) and len(set(messages)) == len(messages) >= 3
    assert not any(check(name, wrong).passed for wrong in exercise.wrong)
    assert "Still to do" in check(name, ...).message
    assert "The answer is one of" in check(name, "nonsense").message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "Pass the function itself"),
        (torch.zeros(1), "Pass the function itself"),
        (lambda f: None, "returned nothing"),
        (lambda f: ..., "Still to do"),
        (lambda f: f.nonsense, "stopped with AttributeError"),
        (lambda: 0, "stopped with TypeError"),
        (lambda f: "a text", "stopped with"),
        (lambda f: f, r"The shape should be \(2, 4, 4\); your function gave \(2, 4, 3, 5\)"),
        (lambda f: gram_matrix(f) * float("nan"), "NaN or an infinity"),
        (lambda f: 7 * gram_matrix(f), "yours is 7 times what it should be"),
        (lambda f: gram_matrix(f).sqrt(), "not those of the definition"),
        (lambda f: f.mean() * gram_matrix(f), "not those of the definition"),
    ],
)
def test_other_answers_get_words_that_help(answer, words):
    verdict = check("gram_matrix", answer)
    assert not verdict.passed
    assert repr(verdict).startswith("✗ Not yet.")
    assert re.search(words, verdict.message)


def test_an_answer_cannot_pass_by_changing_what_it_is_given():
    def cheat(f):
        f.zero_()
        return torch.zeros(2, 4, 4)

    assert not check("gram_matrix", cheat).passed


def test_unknown_exercises_are_named_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'gram_matrix'"):
        check("gram", lambda f: f)
