"""The exercises of notebook 08."""

import torch
from torch import Tensor

from stylelib.exercises.checking import Exercise, table, whole_number

# of red, green and blue in the lightness (ITU-R BT.601)
WEIGHTS = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1)


def _ones(count: int) -> Tensor:
    """Return a triangle of ones: row r has the first r layers."""
    return torch.ones(count, count, dtype=torch.float64).tril()


def _growing(count: int) -> Tensor:
    return _ones(count) / _ones(count).sum(dim=1, keepdim=True)


def _lightness(picture: Tensor) -> Tensor:
    return (WEIGHTS * picture).sum(dim=1, keepdim=True)


EXERCISES = {
    "keep_colours": Exercise(
        inputs=lambda generator: (
            torch.rand(1, 3, 4, 5, generator=generator, dtype=torch.float64),
            torch.rand(1, 3, 4, 5, generator=generator, dtype=torch.float64),
        ),
        reference=lambda result, photo: photo + _lightness(result - photo),
        mistakes={
            "The two are swapped: the colours come from the photograph, the lightness from the result.": (
                lambda result, photo: result + _lightness(photo - result)
            ),
            "That is the result's lightness alone, a grey picture; the photograph's colours are missing.": (
                lambda result, photo: _lightness(result).expand_as(photo)
            ),
            "The mean of the channels is not the lightness; green counts most, blue least.": (
                lambda result, photo: photo + (result - photo).mean(dim=1, keepdim=True)
            ),
            "You added the result's lightness, but the photograph's own is still there; add the difference.": (
                lambda result, photo: photo + _lightness(result)
            ),
            "That is the result with its own colours.": lambda result, photo: result,
            "That is the photograph itself.": lambda result, photo: photo,
            "You kept the photograph's lightness away but did not bring the result's in.": (
                lambda result, photo: photo - _lightness(photo)
            ),
            "The sign is wrong: add the result's lightness and subtract the photograph's.": (
                lambda result, photo: photo - _lightness(result - photo)
            ),
            "That is the difference of the lightnesses alone; add it to the photograph.": (
                lambda result, photo: _lightness(result - photo)
            ),
            "You added to each colour its own part; add the sum of the three parts to every colour.": (
                lambda result, photo: photo + WEIGHTS * (result - photo)
            ),
        },
        example={
            "result": table((0.2,), (0.4,), (0.6,))[None, ..., None],
            "photo": table((0.8,), (0.5,), (0.1,))[None, ..., None],
        },
        praise="Lightness holds the strokes, colour is kept. Gatys and others published it in 2017.",
    ),
    "growing_sets": Exercise(
        inputs=lambda generator: (whole_number(generator, 3, 30),),
        reference=_growing,
        mistakes={
            "Every row has to add up to 1: a set of r layers gives each of them 1/r.": _ones,
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
                lambda count: _ones(count) / count
            ),
            "The sets grow from the deep end; the paper's begin with conv1_1, the first column.": (
                lambda count: _growing(count).flip(1)
            ),
            "You divided by the sums of the columns; every row has to add up to 1.": (
                lambda count: _ones(count) / _ones(count).sum(dim=0)
            ),
            "You divided by all the weights together; every row has to add up to 1.": (
                lambda count: _ones(count) / _ones(count).sum()
            ),
        },
        example={"n": 2},
        praise="This is the style row of Figure 1 as a table, with one more layer in each row and w_l = 1/r.",
    ),
}
