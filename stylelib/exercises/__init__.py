"""The checks behind the notebooks' exercises.

    from stylelib.exercises import check
    check("gram_matrix", my_gram_matrix)

A check calls the reader's function with random inputs, compares the results with a reference, and says what is right or
wrong. It recognises the usual mistakes by their results: each is a function beside a sentence. An input that is small
enough to compute by hand shows the difference. There is one file for each notebook.
"""

from typing import Any

from stylelib.exercises import (
    content,
    content_layer,
    initialization,
    paper_figures,
    start,
    style,
    transfer,
    vgg,
    weights,
)
from stylelib.exercises.checking import Choice, Exercise, Verdict
from stylelib.support.errors import InputError, check_choice

__all__ = ["EXERCISES", "check"]

FILES = (start, vgg, content, style, initialization, transfer, weights, content_layer, paper_figures)  # 00 to 08
EXERCISES: dict[str, Exercise | Choice] = {
    name: exercise for file in FILES for name, exercise in file.EXERCISES.items()
}


def check(name: str, answer: Any) -> Verdict:
    """Check the reader's answer to an exercise.

    Parameters
    ----------
    name : str
        A key of `EXERCISES`.
    answer : object
        Usually a function; for a multiple-choice question, one of the choices.

    Returns
    -------
    Verdict
        A notebook shows it at the end of a cell.

    Raises
    ------
    InputError
        If there is no such exercise.
    """
    if not isinstance(name, str):
        raise InputError('The exercise\'s name comes first, in quotation marks: check("gram_matrix", my_function).')
    return EXERCISES[check_choice("exercise", name, EXERCISES)].check(answer)
