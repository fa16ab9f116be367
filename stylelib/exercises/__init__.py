"""The checks behind the notebooks' exercises.

    from stylelib.exercises import check
    check("gram_matrix", my_gram_matrix)

A check calls the reader's function with random inputs, compares the results with a reference, and says what is right or
wrong. It recognises the usual mistakes by their results: each is a function beside a sentence. An input that is small
enough to compute by hand shows the difference. There is one file for each notebook.
"""

import pathlib
from typing import Any

from stylelib.exercises.checking import Choice, Exercise, Verdict
from stylelib.exercises.sealed import unseal
from stylelib.support.errors import InputError, check_choice

__all__ = ["EXERCISES", "check"]

SEALED = pathlib.Path(__file__).with_name("sealed.json.gz")  # in the students' edition, in place of the files


def _collected() -> dict[str, Exercise | Choice]:
    """Return the exercises of all notebooks, from 00 to 08."""
    if SEALED.exists():
        return unseal(SEALED.read_bytes())
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

    files = (start, vgg, content, style, initialization, transfer, weights, content_layer, paper_figures)
    return {name: exercise for file in files for name, exercise in file.EXERCISES.items()}


EXERCISES = _collected()


def check(name: str, answer: Any, seed: int = 0) -> Verdict:
    """Check the reader's answer to an exercise.

    Parameters
    ----------
    name : str
        A key of `EXERCISES`.
    answer : object
        Usually a function; for a multiple-choice question, one of the choices.
    seed : int
        Of the random inputs; another one gives other inputs.

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
    return EXERCISES[check_choice("exercise", name, EXERCISES)].check(answer, seed)
