"""The exercises of notebook 03."""

import torch

from stylelib.exercises.checking import Choice, Exercise, random_activations


def _rows(f):
    return f.flatten(1)


def _gram(f):
    return _rows(f) @ _rows(f).T


def _one_picture(generator):
    return (random_activations(generator)[0],)


def _difference_times(f, a):
    return (f @ f.T - a) @ f


def _style_gradient(f, a):
    return torch.where(f > 0, _difference_times(f, a) / f.numel() ** 2, 0.0)


def _activations_and_target(generator):
    """F of 4 × 15 with silent places, and a Gram matrix A as of another picture."""
    f, p = torch.relu(random_activations(generator) - 0.4).flatten(2)
    return f, p @ p.T


def _statistics(f, correction=0):
    rows = f.flatten(2)
    return torch.stack([rows.mean(dim=2), rows.std(dim=2, correction=correction)], dim=2)


EXERCISES = {
    "gram_as_printed": Exercise(
        inputs=_one_picture,
        reference=_gram,
        mistakes={
            "That is the mean over the places; equation 3 as printed is the sum.": lambda f: _gram(f) / f[0].numel(),
            "You divided by N·h·w; equation 3 as printed divides by nothing.": lambda f: _gram(f) / f.numel(),
            "You subtracted each filter's mean first: that is a covariance, and the paper does not.": (
                lambda f: _gram(f - f.mean(dim=(1, 2), keepdim=True))
            ),
            "You brought the rows to length 1 first: that is the cosine between them.": (
                lambda f: _gram(torch.nn.functional.normalize(_rows(f), dim=1)[..., None])
            ),
            "The filters got mixed: use flatten(1), so that each row holds one filter's places.": (
                lambda f: _gram(f.permute(1, 2, 0).reshape(f.shape))
            ),
            "You multiplied the sums of the maps; multiply place by place first, then add up.": (
                lambda f: _rows(f).sum(dim=1)[:, None] * _rows(f).sum(dim=1)[None]
            ),
            "Only the diagonal is right: the filters that meet others are missing.": lambda f: _gram(f).diag().diag(),
            "You added the maps up instead of multiplying them.": (
                lambda f: _rows(f).sum(dim=1)[:, None] + _rows(f).sum(dim=1)[None]
            ),
        },
        praise="Equation 3: a row for each filter, and every two rows multiplied and added up.",
    ),
    "gram_of_four_copies": Choice(
        right=4,
        wrong={
            1: "Equation 3 sums over the places, and there are more places now. (The mean would stay the same.)",
            2: "The picture is twice as wide and twice as high: how many times as many places is that?",
            16: "That is what Σ G² is multiplied by: each entry squared. One entry sums over the places once.",
            8: "Two factors F meet in each entry, but at one place: count the places.",
        },
        praise="Four times the places, four times the sum. Divided by the number of places, nothing would change.",
    ),
    "style_gradient": Exercise(
        inputs=_activations_and_target,
        reference=_style_gradient,
        mistakes={
            "Right where the filters fire; where F is 0 the ReLU passes nothing back, so the gradient is 0 there.": (
                lambda f, a: _difference_times(f, a) / f.numel() ** 2
            ),
            "Four times too small: the 2 of the square and the two places of F in G cancel the 1/4 of equation 4.": (
                lambda f, a: _style_gradient(f, a) / 4
            ),
            "Half of it is missing: F_ij occurs in row i of G and in column i.": lambda f, a: _style_gradient(f, a) / 2,
            "The 1/4 of equation 4 has been forgotten.": lambda f, a: 4 * _style_gradient(f, a),
            "The sign is turned round: the gradient points towards more loss, G − A.": (
                lambda f, a: -_style_gradient(f, a)
            ),
            "N and M are squared in equation 4; you divided by N·M once.": (
                lambda f, a: _style_gradient(f, a) * f.numel()
            ),
            "The factor 1/(N² M²) is missing.": lambda f, a: _style_gradient(f, a) * f.numel() ** 2,
            "The mask asks whether F is above 0, not whether the gradient is.": (
                lambda f, a: torch.relu(_difference_times(f, a)) / f.numel() ** 2
            ),
            "The target is missing: it is G − A that is multiplied by F, not G.": (
                lambda f, a: _style_gradient(f, torch.zeros_like(a))
            ),
            "You multiplied by A alone: what pulls is the difference G − A.": (
                lambda f, a: torch.where(f > 0, a @ f / f.numel() ** 2, 0.0)
            ),
        },
        praise="Equation 6: each filter is moved by those that it meets too often or too seldom.",
    ),
    "mean_and_deviation": Exercise(
        inputs=lambda generator: (random_activations(generator),),
        reference=_statistics,
        mistakes={
            "The deviation divides by one place less than there are; say correction=0.": (
                lambda f: _statistics(f, correction=1)
            ),
            "That is the variance; the deviation is its square root.": (
                lambda f: torch.stack([_statistics(f)[..., 0], _statistics(f)[..., 1].square()], dim=2)
            ),
            "The deviation comes first; the mean was asked for first.": lambda f: _statistics(f).flip(2),
            "You added up over the places; the mean divides by their number.": (
                lambda f: torch.stack([f.sum(dim=(2, 3)), _statistics(f)[..., 1]], dim=2)
            ),
            "You took the root of the mean square, without subtracting the mean first.": (
                lambda f: torch.stack([_statistics(f)[..., 0], f.square().mean(dim=(2, 3)).sqrt()], dim=2)
            ),
            "The filters got one mean all together; each has its own.": (
                lambda f: _statistics(f).mean(dim=1, keepdim=True).expand(-1, f.shape[1], -1)
            ),
            "The pictures of the batch got one mean all together; each has its own.": (
                lambda f: _statistics(f).mean(dim=0, keepdim=True).expand(len(f), -1, -1)
            ),
        },
        praise="Two numbers for each filter, and none of them knows of a place or of another filter.",
    ),
}
