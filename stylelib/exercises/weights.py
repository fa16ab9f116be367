"""The exercises of notebooks 06 and 08."""

import torch

from stylelib.exercises.checking import Exercise


def _number(generator, low, high):
    return low + (high - low) * torch.rand((), generator=generator, dtype=torch.float64)


def _whole(generator, low, high):
    return torch.randint(low, high, (), generator=generator).double()


def _five(generator):
    return 0.1 + torch.rand(5, generator=generator, dtype=torch.float64)


def _growing(count):
    rows = torch.arange(1, count + 1, dtype=torch.float64)[:, None]
    return torch.ones(count, count, dtype=torch.float64).tril() / rows


def _shares(values):
    return values / values.sum()


EXERCISES = {
    "printed_ratio": Exercise(
        inputs=lambda generator: (
            _number(generator, 1e-3, 1.0),
            _whole(generator, 32, 512),
            _whole(generator, 100, 4096),
        ),
        reference=lambda ratio, filters, positions: ratio / (2 * filters * positions),
        mistakes={
            "That is the way back, from printed to mean: the mean already divides by N·M, the printed sum does not.": (
                lambda ratio, filters, positions: ratio * 2 * filters * positions
            ),
            "The 2 is missing: α becomes 2/(N·M) of itself and β four times itself.": (
                lambda ratio, filters, positions: ratio / (filters * positions)
            ),
            "You forgot style: β changes too, it becomes four times itself (the 4 in front of N²M²).": (
                lambda ratio, filters, positions: 2 * ratio / (filters * positions)
            ),
            "You turned the 1/2 of equation 1 round: α/2 = α_mean/(N·M), so α is twice that and not half.": (
                lambda ratio, filters, positions: ratio / (8 * filters * positions)
            ),
            "You turned the 4 of equation 4 round: β/4 = β_mean, so β is four times it and not a quarter.": (
                lambda ratio, filters, positions: 8 * ratio / (filters * positions)
            ),
            "You squared N·M: the squares belong to style, and there they are in both conventions.": (
                lambda ratio, filters, positions: ratio / (2 * filters**2 * positions**2)
            ),
            "N is missing: the mean runs over all N·M entries, filters and positions.": (
                lambda ratio, filters, positions: ratio / (2 * positions)
            ),
            "M is missing: the mean runs over all N·M entries, filters and positions.": (
                lambda ratio, filters, positions: ratio / (2 * filters)
            ),
        },
        praise="So a caption's 1e-3 is a very small number in the printed equations, and the picture's size is in it.",
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
            "A softmax adds up to 1 too, but it is no share: divide by the sum.": (
                lambda weights, errors: torch.softmax(weights * errors, dim=0)
            ),
            "You divided weight by error; a layer counts as much as weight times error.": (
                lambda weights, errors: _shares(weights / errors)
            ),
        },
        praise="That is what a w_l is worth: it depends on the network and on the pictures, not on the setting alone.",
    ),
    "equal_weights": Exercise(
        inputs=lambda generator: (_five(generator),),
        reference=lambda errors: _shares(1 / errors),
        mistakes={
            "That gives the most weight to the layer that counts most already; turn it round.": _shares,
            "Now every layer counts the same, but the w_l have to add up to 1.": lambda errors: 1 / errors,
            "Those w_l are equal; what has to be equal is w_l times the error.": (
                lambda errors: torch.full_like(errors, 1 / len(errors))
            ),
            "The squares are in the error already: 1/E, not 1/E².": lambda errors: _shares(1 / errors**2),
            "No root is wanted: w_l times E is to be equal, so w_l goes as 1/E.": lambda errors: _shares(errors**-0.5),
            "They add up to the number of layers; the w_l have to add up to 1.": (
                lambda errors: len(errors) * _shares(1 / errors)
            ),
            "You subtracted: 1 − share is not the same as 1 / share.": lambda errors: _shares(1 - _shares(errors)),
            "You divided by the sum of the errors; divide by the sum of what you have, the 1/E.": (
                lambda errors: 1 / errors / errors.sum()
            ),
        },
        praise="At that picture every layer counts the same. During the run the errors change, and so do the shares.",
    ),
    "printed_width": Exercise(
        inputs=lambda generator: (_whole(generator, 700, 4000), _whole(generator, 72, 600)),
        reference=lambda pixels, dpi: 2.54 * pixels / dpi,
        mistakes={
            "That is in inches; an inch is 2.54 cm.": lambda pixels, dpi: pixels / dpi,
            "Turned round: more pixels make it wider, more dots per inch make it smaller.": (
                lambda pixels, dpi: 2.54 * dpi / pixels
            ),
            "An inch is longer than a centimetre: multiply by 2.54 instead of dividing.": (
                lambda pixels, dpi: pixels / dpi / 2.54
            ),
            "That is how many pixels so many centimetres have; the question is the other way.": (
                lambda pixels, dpi: pixels * dpi / 2.54
            ),
            "That is in millimetres.": lambda pixels, dpi: 25.4 * pixels / dpi,
            "`//` cuts off what is behind the point; divide with `/`.": lambda pixels, dpi: 2.54 * (pixels // dpi),
            "You rounded; leave the number as it is.": lambda pixels, dpi: (2.54 * pixels / dpi).round(),
        },
        praise="At 300 dots per inch a panel of 512 pixels is 4.3 cm wide, about half of a journal's column.",
    ),
    "growing_sets": Exercise(
        inputs=lambda generator: (int(_whole(generator, 3, 8)),),
        reference=_growing,
        mistakes={
            "Every row has to add up to 1: a set of r layers gives each of them 1/r.": (
                lambda count: torch.ones(count, count, dtype=torch.float64).tril()
            ),
            "Those sets shrink from above; the first row has the first layer alone.": lambda count: _growing(
                count
            ).flip(0),
            "Rows and columns are swapped: a row is a set, a column is a layer.": lambda count: _growing(count).T,
            "Each row has one layer alone; the sets are to grow: the layers before stay in.": (
                lambda count: torch.eye(count, dtype=torch.float64)
            ),
            "Every row has all layers; the first has only the first.": (
                lambda count: torch.full((count, count), 1 / count, dtype=torch.float64)
            ),
            "You divided by the number of all layers; divide by the number of those in the set.": (
                lambda count: torch.ones(count, count, dtype=torch.float64).tril() / count
            ),
            "The sets grow from the deep end; the paper's begin with conv1_1, the first column.": (
                lambda count: _growing(count).flip(1)
            ),
        },
        praise="The style row of Figure 1 as one table: row by row another layer, and w_l = 1/r.",
    ),
}
