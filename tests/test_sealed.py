"""The students' edition of the checks: no functions and no answers in it, and the same verdicts."""

import pytest
import torch

from stylelib.exercises import EXERCISES, check
from stylelib.exercises.checking import CASES, Choice, Exercise
from stylelib.exercises.sealed import seal, unseal
from stylelib.support.errors import InputError

HIDDEN = 3  # the seed at which a course's hidden tests begin
FUNCTIONS = [name for name, exercise in EXERCISES.items() if isinstance(exercise, Exercise)]


@pytest.fixture(scope="module")
def content():
    return seal(EXERCISES)


@pytest.fixture(scope="module")
def unsealed(content):
    return unseal(content)


def answers(exercise):
    """Right, wrong in each way that is known, wrong in another way, and none."""
    if isinstance(exercise, Choice):
        return [exercise.right, *exercise.wrong, "conv9_9", 7, None, ...]
    return [exercise.reference, *exercise.mistakes.values(), lambda *arguments: 0.123, lambda: 1, None, ...]


@pytest.mark.parametrize("name", EXERCISES)
def test_a_sealed_exercise_gives_the_same_verdicts(name, unsealed):
    for answer in answers(EXERCISES[name]):
        assert unsealed[name].check(answer) == EXERCISES[name].check(answer)
    assert unsealed[name].check(answers(EXERCISES[name])[0]).passed


def test_a_sealed_question_does_not_hold_its_answer(unsealed):
    for name, exercise in EXERCISES.items():
        if isinstance(exercise, Choice):
            sealed = unsealed[name]
            assert sealed.right == exercise.right and list(vars(sealed.right)) == ["hexadecimal"]
            assert len(sealed.right.hexadecimal) == 64 and exercise.right not in sealed.wrong


def test_the_content_does_not_change_from_time_to_time(content):
    assert seal(EXERCISES) == content


def test_a_sealed_exercise_knows_its_own_inputs_only(unsealed):
    exercise = unsealed["mean_colour"]
    with pytest.raises(InputError, match="own inputs only"):
        exercise.check(lambda picture: picture.mean(dim=(0, 2, 3)), seed=HIDDEN)
    with pytest.raises(InputError, match="its own checks only"):
        exercise.reference(torch.rand(1, 3, 6, 8))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_with_another_seed_there_are_inputs_that_the_usual_check_does_not_use(name):
    exercise = EXERCISES[name]
    usual = [repr(case) for case in exercise.cases()]
    hidden = [repr(case) for case in exercise.cases(HIDDEN)]
    assert len(hidden) == CASES and not set(usual) & set(hidden)
    assert check(name, exercise.reference, seed=HIDDEN).passed
    assert not check(name, lambda *arguments: exercise.reference(*exercise.cases()[0]), seed=HIDDEN).passed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_answer_learned_by_heart_passes_the_usual_check_and_not_the_hidden_one(name):
    exercise = EXERCISES[name]
    known = [*exercise.cases(), tuple(exercise.example.values())]
    results = {repr([str(value) for value in case]): exercise.reference(*case) for case in known}

    def by_heart(*arguments):
        arguments = [value.double() if isinstance(value, torch.Tensor) else value for value in arguments]
        return next(
            (exercise.reference(*case) for case in known if all(map(same, case, arguments))),
            next(iter(results.values())),
        )

    assert check(name, by_heart).passed and not check(name, by_heart, seed=HIDDEN).passed


def same(one, other):
    return torch.equal(one.double(), other) if isinstance(one, torch.Tensor) else one == other
