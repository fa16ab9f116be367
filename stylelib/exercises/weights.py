"""The exercises of notebook 06."""

import torch
from torch import Tensor

from stylelib.exercises.checking import Exercise, whole_number


def _five(generator: torch.Generator) -> Tensor:
    return 0.1 + torch.rand(5, generator=generator, dtype=torch.float64)


def _shares(values: Tensor) -> Tensor:
    return values / values.sum()


EXERCISES = {
    "printed_ratio": Exercise(
        inputs=lambda generator: (
            whole_number(generator, 1, 1000) / 1000,
            whole_number(generator, 32, 512),
            whole_number(generator, 100, 4096),
        ),
        reference=lambda ratio, filters, positions: ratio / (2 * filters * positions),
        mistakes={
            "That is from printed to mean, the opposite: the mean already divides by N·M, the printed sum does not.": (
                lambda ratio, filters, positions: ratio * 2 * filters * positions
            ),
            "The 2 is missing: α is multiplied by 2/(N·M) and β by 4.": (
                lambda ratio, filters, positions: ratio / (filters * positions)
            ),
            "You forgot style: β is multiplied by 4 (the 4 in front of N²M²).": (
                lambda ratio, filters, positions: 2 * ratio / (filters * positions)
            ),
            "You inverted the 1/2 of equation 1: α/2 = α_mean/(N·M), so α is twice that, not half.": (
                lambda ratio, filters, positions: ratio / (8 * filters * positions)
            ),
            "You inverted the 4 of equation 4: β/4 = β_mean, so β is four times that, not a quarter.": (
                lambda ratio, filters, positions: 8 * ratio / (filters * positions)
            ),
            "You squared N·M; the squares belong to style, where both conventions have them.": (
                lambda ratio, filters, positions: ratio / (2 * filters**2 * positions**2)
            ),
            "N is missing: the mean runs over all N·M entries, filters and positions.": (
                lambda ratio, filters, positions: ratio / (2 * positions)
            ),
            "M is missing: the mean runs over all N·M entries, filters and positions.": (
                lambda ratio, filters, positions: ratio / (2 * filters)
            ),
            "N·M is on the wrong side: the printed sum does not divide by N·M, so α has to.": (
                lambda ratio, filters, positions: ratio * filters * positions / 2
            ),
            "The conversion is missing: that is the ratio as it was.": lambda ratio, filters, positions: ratio,
        },
        example={"ratio": 2, "N": 2, "M": 5},
        praise="A caption's 1e-3 becomes a very small number in the printed equations, and depends on the picture's "
        "size.",
    ),
    "layer_shares": Exercise(
        inputs=lambda generator: (_five(generator), _five(generator)),
        reference=lambda weights, errors: _shares(weights * errors),
        mistakes={
            "Those are the shares of the weights alone; a layer counts as much as weight times error.": (
                lambda weights, errors: _shares(weights)
            ),
            "Those are the shares of the errors alone; a layer counts as much as weight times error.": (
                lambda weights, errors: _shares(errors)
            ),
            "Those are the layers' losses; divide by their sum, so that the shares add up to 1.": (
                lambda weights, errors: weights * errors
            ),
            "You divided by the largest; divide by the sum, so that the shares add up to 1.": (
                lambda weights, errors: weights * errors / (weights * errors).max()
            ),
            "You divided by the sum of the weights; divide by the sum of weight times error.": (
                lambda weights, errors: weights * errors / weights.sum()
            ),
            "You divided by the sum of the errors; divide by the sum of weight times error.": (
                lambda weights, errors: weights * errors / errors.sum()
            ),
            "You multiplied the two shares; that does not add up to 1. Multiply first, then divide by the sum.": (
                lambda weights, errors: _shares(weights) * _shares(errors)
            ),
            "A softmax adds up to 1 too, but it is not a share: divide by the sum.": (
                lambda weights, errors: torch.softmax(weights * errors, dim=0)
            ),
            "You divided weight by error; a layer counts as much as weight times error.": (
                lambda weights, errors: _shares(weights / errors)
            ),
            "That is the whole style loss; the exercise asks for each layer's share of it.": (
                lambda weights, errors: (weights * errors).sum()
            ),
            "You divided by the number of layers; divide by the sum, so that the shares add up to 1.": (
                lambda weights, errors: weights * errors / len(errors)
            ),
        },
        example={"weights": torch.tensor([1.0, 3.0]), "errors": torch.tensor([4.0, 2.0])},
        praise="How much a w_l counts depends on the network and on the pictures too.",
    ),
    "equal_weights": Exercise(
        inputs=lambda generator: (_five(generator),),
        reference=lambda errors: _shares(1 / errors),
        mistakes={
            "That gives the most weight to the layer that already counts most; it has to be the opposite.": _shares,
            "Now every layer counts the same, but the w_l have to add up to 1.": lambda errors: 1 / errors,
            "Those w_l are equal; w_l times the error has to be equal.": (
                lambda errors: torch.full_like(errors, 1 / len(errors))
            ),
            "The error already contains the squares: 1/E, not 1/E².": lambda errors: _shares(1 / errors**2),
            "Take no root: w_l times E has to be equal, so w_l is proportional to 1/E.": lambda errors: _shares(
                errors**-0.5
            ),
            "They add up to the number of layers; the w_l have to add up to 1.": (
                lambda errors: len(errors) * _shares(1 / errors)
            ),
            "You subtracted: 1 − share is not the same as 1 / share.": lambda errors: _shares(1 - _shares(errors)),
            "You divided by the sum of the errors; divide by the sum of the 1/E.": (
                lambda errors: 1 / errors / errors.sum()
            ),
            "You divided by the number of layers; divide by the sum of the 1/E, so that the w_l add up to 1.": (
                lambda errors: 1 / errors / len(errors)
            ),
            **{
                f"Every layer has the {size} of the errors now; divide by the sum of the 1/E, so that the w_l add "
                "up to 1.": lambda errors, reduce=reduce: reduce(errors) / errors
                for size, reduce in (
                    ("mean", torch.mean),
                    ("sum", torch.sum),
                    ("smallest", torch.min),
                    ("largest", torch.max),
                )
            },
        },
        example={"errors": torch.tensor([1.0, 2.0, 4.0])},
        praise="At this picture all layers count equally. During the run the errors change, and so do the shares.",
    ),
}
