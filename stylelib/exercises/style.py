"""The exercises of notebook 03."""

from typing import Any

import torch
from torch import Tensor

from stylelib.exercises import gram
from stylelib.exercises.checking import Choice, Exercise, maps, random_activations, table


def _gram(f: Tensor) -> Tensor:
    return gram.product(gram.rows(f))


def _difference_times(f: Tensor, a: Tensor) -> Tensor:
    return (f @ f.T - a) @ f


def _style_gradient(f: Tensor, a: Tensor) -> Tensor:
    return torch.where(f > 0, _difference_times(f, a) / f.numel() ** 2, 0.0)


def _activations_and_target(generator: torch.Generator) -> tuple[Any, ...]:
    """Return F, 4 × 15 with some zeros, and the Gram matrix A of other activations."""
    f, p = torch.relu(random_activations(generator) - 0.4).flatten(2)
    return f, p @ p.T


def _statistics(f: Tensor, correction: int = 0) -> Tensor:
    rows = f.flatten(2)
    return torch.stack([rows.mean(dim=2), rows.std(dim=2, correction=correction)], dim=2)


EXERCISES = {
    "gram_as_printed": Exercise(
        inputs=lambda generator: (random_activations(generator)[0],),
        reference=_gram,
        mistakes={
            "That is the mean over the positions; equation 3 as printed is the sum.": lambda f: _gram(f) / f[0].numel(),
            "You divided by N·h·w; equation 3 as printed does not divide.": lambda f: _gram(f) / f.numel(),
            "You added a batch dimension; the exercise has one picture, without one.": lambda f: _gram(f)[None],
            **gram.MISTAKES,
            **gram.SCALED_MISTAKES,
        },
        example={"F": maps((1, 2, 0), (0, 3, 1))[0]},
        praise="This is equation 3: there is a row for each filter, and each pair of rows is multiplied and summed.",
    ),
    "gram_of_four_copies": Choice(
        right=4,
        wrong={
            1: "Equation 3 sums over the positions, and there are more of them now. (The mean would stay the same.)",
            2: "The picture is twice as wide and twice as high: how many times as many positions is that?",
            16: "That is the factor of Σ G², which squares each entry. One entry sums over the positions once.",
            8: "Each entry has two factors F, but at the same position: count the positions.",
            0.25: "That is the inverse. There are more positions now, and an entry is a sum over them.",
        },
        otherwise="An entry is a sum over the positions: how many times as many positions are there?",
        praise="Four times as many positions make the sum four times as large. Their mean would not change.",
    ),
    "style_gradient": Exercise(
        inputs=_activations_and_target,
        reference=_style_gradient,
        mistakes={
            "The ReLU is missing: where F is 0 it passes nothing back, so the gradient is 0 there.": (
                lambda f, a: _difference_times(f, a) / f.numel() ** 2
            ),
            "Four times too small: the 2 of the square and the two factors F in G cancel the 1/4 of equation 4.": (
                lambda f, a: _style_gradient(f, a) / 4
            ),
            "Half of it is missing: F_ij occurs in row i of G and in column i.": lambda f, a: _style_gradient(f, a) / 2,
            "You forgot the 1/4 of equation 4.": lambda f, a: 4 * _style_gradient(f, a),
            "The sign is wrong: the gradient points towards more loss, so the difference is G − A.": (
                lambda f, a: -_style_gradient(f, a)
            ),
            "N and M are squared in equation 4; you divided by N·M once.": (
                lambda f, a: _style_gradient(f, a) * f.numel()
            ),
            "The factor 1/(N² M²) is missing.": lambda f, a: _style_gradient(f, a) * f.numel() ** 2,
            "You divided G by M; A is not divided, so the two have different units. Use G = F Fᵀ as printed.": (
                lambda f, a: torch.where(f > 0, (f @ f.T / f.shape[1] - a) @ f / f.numel() ** 2, 0.0)
            ),
            "You divided G by M; A is not divided. And the ReLU is missing: the gradient is 0 where F is 0.": (
                lambda f, a: (f @ f.T / f.shape[1] - a) @ f / f.numel() ** 2
            ),
            "The mask asks whether the gradient is above 0; it has to ask whether F is.": (
                lambda f, a: torch.relu(_difference_times(f, a)) / f.numel() ** 2
            ),
            "The target is missing: multiply F by G − A, not by G.": (
                lambda f, a: _style_gradient(f, torch.zeros_like(a))
            ),
            "You multiplied by A alone; take the difference G − A.": (
                lambda f, a: torch.where(f > 0, a @ f / f.numel() ** 2, 0.0)
            ),
            "That is the loss, equation 4; its gradient has a number for each entry of F.": (
                lambda f, a: (f @ f.T - a).square().sum() / (4 * f.numel() ** 2)
            ),
            "That is G − A alone; the chain rule multiplies it by F.": lambda f, a: (f @ f.T - a) / f.numel() ** 2,
        },
        example={"F": table((1, 2), (0, 1)), "A": table((4, 0), (0, 2))},
        praise="Equation 6: each filter changes with those that it is active with too often or too seldom.",
    ),
    "mean_and_deviation": Exercise(
        inputs=lambda generator: (random_activations(generator),),
        reference=_statistics,
        mistakes={
            "Your deviation divides by the number of positions minus 1; use correction=0.": (
                lambda f: _statistics(f, correction=1)
            ),
            "That is the variance; the deviation is its square root.": (
                lambda f: torch.stack([_statistics(f)[..., 0], _statistics(f)[..., 1].square()], dim=2)
            ),
            "Your deviation comes first; the exercise asks for the mean first.": lambda f: _statistics(f).flip(2),
            "You summed over the positions; the mean divides by their number.": (
                lambda f: torch.stack([f.sum(dim=(2, 3)), _statistics(f)[..., 1]], dim=2)
            ),
            "You took the root of the mean square, without subtracting the mean first.": (
                lambda f: torch.stack([_statistics(f)[..., 0], f.square().mean(dim=(2, 3)).sqrt()], dim=2)
            ),
            "You took one mean of all filters; each has its own.": (
                lambda f: _statistics(f).mean(dim=1, keepdim=True).expand(-1, f.shape[1], -1)
            ),
            "You took one mean of all pictures in the batch; each has its own.": (
                lambda f: _statistics(f).mean(dim=0, keepdim=True).expand(len(f), -1, -1)
            ),
            "You averaged over the filters, dimension 1; average over the positions.": (
                lambda f: _statistics(f.flatten(2).mT[..., None])
            ),
            "You stacked along the first dimension; use dim=2, so that each filter has its two numbers side by side.": (
                lambda f: torch.stack([_statistics(f)[..., 0], _statistics(f)[..., 1]])
            ),
            "You joined the two with torch.cat; torch.stack puts them side by side in a new dimension.": (
                lambda f: torch.cat([_statistics(f)[..., 0], _statistics(f)[..., 1]], dim=1)
            ),
        },
        example={"F": torch.cat([maps((1, 3), (0, 4)), maps((2, 2), (5, 1))])},
        praise="These are two numbers for each filter, and they say nothing about positions or about other filters.",
    ),
}
