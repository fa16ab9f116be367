"""The exercises of notebook 08."""

import torch
from torch import Tensor

from stylelib.exercises.checking import Exercise, whole_number


def _growing(count: int) -> Tensor:
    rows = torch.arange(1, count + 1, dtype=torch.float64)[:, None]
    return torch.ones(count, count, dtype=torch.float64).tril() / rows


EXERCISES = {
    "printed_width": Exercise(
        inputs=lambda generator: (whole_number(generator, 700, 4000), whole_number(generator, 72, 600)),
        reference=lambda pixels, dpi: 2.54 * pixels / dpi,
        mistakes={
            "That is in inches; an inch is 2.54 cm.": lambda pixels, dpi: pixels / dpi,
            "That is inverted: more pixels make it wider, more dots per inch make it smaller.": (
                lambda pixels, dpi: 2.54 * dpi / pixels
            ),
            "An inch is longer than a centimetre: multiply by 2.54 instead of dividing.": (
                lambda pixels, dpi: pixels / dpi / 2.54
            ),
            "That converts centimetres to pixels; the question asks for the opposite.": (
                lambda pixels, dpi: pixels * dpi / 2.54
            ),
            "That is in millimetres.": lambda pixels, dpi: 25.4 * pixels / dpi,
            "`//` drops everything after the decimal point; divide with `/`.": lambda pixels, dpi: (
                2.54 * (pixels // dpi)
            ),
            "You rounded; leave the number as it is.": lambda pixels, dpi: (2.54 * pixels / dpi).round(),
        },
        praise="At 300 dots per inch a panel of 512 pixels is 4.3 cm wide, about half of a journal's column.",
    ),
    "growing_sets": Exercise(
        inputs=lambda generator: (int(whole_number(generator, 3, 8)),),
        reference=_growing,
        mistakes={
            "Every row has to add up to 1: a set of r layers gives each of them 1/r.": (
                lambda count: torch.ones(count, count, dtype=torch.float64).tril()
            ),
            "Your sets shrink from the first row on; the first row has the first layer alone.": lambda count: _growing(
                count
            ).flip(0),
            "Rows and columns are swapped: a row is a set, a column is a layer.": lambda count: _growing(count).T,
            "Each row has one layer alone; the sets have to grow, so earlier layers stay in.": (
                lambda count: torch.eye(count, dtype=torch.float64)
            ),
            "Every row has all layers; the first row has only the first.": (
                lambda count: torch.full((count, count), 1 / count, dtype=torch.float64)
            ),
            "You divided by the number of all layers; divide by the number of those in the set.": (
                lambda count: torch.ones(count, count, dtype=torch.float64).tril() / count
            ),
            "The sets grow from the deep end; the paper's begin with conv1_1, the first column.": (
                lambda count: _growing(count).flip(1)
            ),
        },
        praise="This is the style row of Figure 1 as a table, with one more layer in each row and w_l = 1/r.",
    ),
}
