"""The checks behind the notebooks' exercises.

    from stylelib.exercises import check
    check("gram_matrix", my_gram_matrix)

A check calls the reader's function on random inputs, compares with a reference, and says in a sentence what is right or
wrong. The usual mistakes are recognised by what they compute. One file here for each notebook.
"""

from stylelib.exercises import content, content_layer, initialization, start, style, transfer, vgg, weights
from stylelib.exercises.checking import Verdict
from stylelib.support.errors import check_choice

FILES = (start, vgg, content, style, initialization, transfer, weights, content_layer)
EXERCISES = {name: exercise for file in FILES for name, exercise in file.EXERCISES.items()}


def check(name, answer) -> Verdict:
    """Check the reader's answer, most often a function; returns a Verdict, which shows itself at the end of a cell."""
    return EXERCISES[check_choice("exercise", name, EXERCISES)].check(answer)
