"""The exercises of notebook 08."""

import torch
from torch import Tensor

from stylelib.exercises.checking import Exercise, table, whole_number


def _ones(count: int) -> Tensor:
    """Return a triangle of ones: row r has the first r layers."""
    return torch.ones(count, count, dtype=torch.float64).tril()


def _growing(count: int) -> Tensor:
    return _ones(count) / _ones(count).sum(dim=1, keepdim=True)


def _spread(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Return each channel's mean and standard deviation, (1, 3, 1, 1) each."""
    return picture.mean(dim=(2, 3), keepdim=True), picture.std(dim=(2, 3), keepdim=True, correction=0)


def _recoloured(painting: Tensor, photo: Tensor) -> Tensor:
    (mean, deviation), (wanted, goal) = _spread(painting), _spread(photo)
    return (painting - mean) / deviation * goal + wanted


EXERCISES = {
    "recolour": Exercise(
        inputs=lambda generator: (
            torch.rand(1, 3, 4, 5, generator=generator, dtype=torch.float64),
            0.2 + 0.5 * torch.rand(1, 3, 5, 4, generator=generator, dtype=torch.float64),  # as many pixels
        ),
        reference=_recoloured,
        mistakes={
            "Only the means are the photograph's; each channel still varies as much as the painting's.": (
                lambda painting, photo: painting - _spread(painting)[0] + _spread(photo)[0]
            ),
            "The two are swapped: the painting is to get the photograph's colours.": (
                lambda painting, photo: _recoloured(photo, painting)
            ),
            "You took one mean and one deviation for all three channels; each channel has its own.": (
                lambda painting, photo: (
                    (painting - painting.mean()) / painting.std(correction=0) * photo.std(correction=0) + photo.mean()
                )
            ),
            "You divided variances; take their roots, the standard deviations.": (
                lambda painting, photo: (
                    (painting - _spread(painting)[0]) * (_spread(photo)[1] / _spread(painting)[1]).square()
                    + _spread(photo)[0]
                )
            ),
            "The painting's mean is still in it: subtract it before you scale.": (
                lambda painting, photo: painting / _spread(painting)[1] * _spread(photo)[1] + _spread(photo)[0]
            ),
            "The quotient is upside down: divide by the painting's deviation, multiply by the photograph's.": (
                lambda painting, photo: (
                    (painting - _spread(painting)[0]) * _spread(painting)[1] / _spread(photo)[1] + _spread(photo)[0]
                )
            ),
            "The photograph's mean is missing; add it at the end.": (
                lambda painting, photo: _recoloured(painting, photo) - _spread(photo)[0]
            ),
            "You scaled after adding the photograph's mean; scale first, then add it.": (
                lambda painting, photo: (
                    (painting - _spread(painting)[0] + _spread(photo)[0]) / _spread(painting)[1] * _spread(photo)[1]
                )
            ),
            "Each channel has mean 0 and deviation 1 now; give it the photograph's deviation and mean.": (
                lambda painting, photo: (painting - _spread(painting)[0]) / _spread(painting)[1]
            ),
            "The deviation is right, the mean is still the painting's.": (
                lambda painting, photo: _recoloured(painting, photo) - _spread(photo)[0] + _spread(painting)[0]
            ),
            "That is the painting with its own colours.": lambda painting, photo: painting,
        },
        example={
            "painting": table((0, 0, 0.3), (0.5, 0.2, 0.5), (0.1, 0.3, 0.2))[None, ..., None],
            "photo": table((1, 0.4, 0.4), (0.8, 0.2, 0.2), (0.3, 0.6, 0.9))[None, ..., None],
        },
        praise="Each channel has the photograph's mean and deviation now. Gatys and others published it in 2017.",
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
