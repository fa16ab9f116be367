"""The exercises of notebook 04."""

from typing import Any

import torch
from torch import Tensor

from stylelib.exercises.checking import Exercise, table


def _total(content: Tensor | float, e: Tensor, w: Tensor, alpha: float, beta: float) -> Tensor:
    return alpha * content + beta * (w * e).sum()


def _losses_and_weights(generator: torch.Generator) -> tuple[Any, ...]:
    content, e = 3 * torch.rand((), generator=generator), torch.rand(5, generator=generator)
    w = torch.rand(5, generator=generator)
    alpha, beta = (0.5 + 2 * torch.rand(2, generator=generator)).tolist()
    return content.double(), e.double(), w.double(), alpha, beta


def _blend(content: Tensor, noise: Tensor, share: float) -> Tensor:
    return (1 - share) * content + share * noise


def _content_noise_and_share(generator: torch.Generator) -> tuple[Any, ...]:
    content, noise = torch.rand(2, 1, 3, 4, 6, generator=generator, dtype=torch.float64)
    return content, noise, (0.1 + 0.3 * torch.rand((), generator=generator)).item()


def _differences(pictures: Tensor) -> Tensor:
    return pictures[:, None] - pictures[None]


def _distances(pictures: Tensor) -> Tensor:
    return _differences(pictures).square().mean(dim=(2, 3, 4)).sqrt()


EXERCISES = {
    "total_loss": Exercise(
        inputs=_losses_and_weights,
        reference=_total,
        mistakes={
            "The weights w_l are missing: equation 5 is Σ w_l E_l.": (
                lambda content, e, w, alpha, beta: alpha * content + beta * e.sum()
            ),
            "That is the mean over the layers; equation 5 is a sum, and w_l already contains the 1/5.": (
                lambda content, e, w, alpha, beta: alpha * content + beta * (w * e).mean()
            ),
            "You took the plain mean of the errors; each layer has its own weight w_l.": (
                lambda content, e, w, alpha, beta: alpha * content + beta * e.mean()
            ),
            "α and β are swapped: α belongs to content, β to style.": (
                lambda content, e, w, alpha, beta: _total(content, e, w, beta, alpha)
            ),
            "β is missing in front of the style loss.": (
                lambda content, e, w, alpha, beta: _total(content, e, w, alpha, 1)
            ),
            "α is missing in front of the content loss.": (
                lambda content, e, w, alpha, beta: _total(content, e, w, 1, beta)
            ),
            "α and β are both missing.": lambda content, e, w, alpha, beta: _total(content, e, w, 1, 1),
            "α multiplies everything; it belongs to the content loss alone.": (
                lambda content, e, w, alpha, beta: alpha * _total(content, e, w, 1, beta)
            ),
            "β multiplies everything; it belongs to the style loss alone.": (
                lambda content, e, w, alpha, beta: beta * _total(content, e, w, alpha, 1)
            ),
            "The content loss is added once for each layer; add it once, after the sum.": (
                lambda content, e, w, alpha, beta: (alpha * content + beta * w * e).sum()
            ),
            "That is one number for each layer; equation 5 adds the layers up.": (
                lambda content, e, w, alpha, beta: alpha * content + beta * w * e
            ),
            "You multiplied the sum of the weights by the sum of the errors; multiply layer by layer, then add up.": (
                lambda content, e, w, alpha, beta: alpha * content + beta * w.sum() * e.sum()
            ),
            "You used the ratio α/β alone; that has the same minima, but it is not equation 7.": (
                lambda content, e, w, alpha, beta: _total(content, e, w, alpha / beta, 1)
            ),
            "The content loss is missing.": lambda content, e, w, alpha, beta: _total(0, e, w, alpha, beta),
            "The style loss is missing.": lambda content, e, w, alpha, beta: alpha * content,
        },
        example={
            "content": torch.tensor(2.0),
            "E": torch.tensor([1.0, 3.0]),
            "w": torch.tensor([0.5, 0.25]),
            "alpha": 3,
            "beta": 2,
        },
        praise="This is equation 7 with equation 5 in it. It is the height of the landscape at one picture.",
    ),
    "blend": Exercise(
        inputs=_content_noise_and_share,
        reference=_blend,
        mistakes={
            "The shares are swapped: with a share of 0 there is no noise.": (
                lambda content, noise, share: _blend(noise, content, share)
            ),
            "The content image has its full weight; the two weights have to add up to 1.": (
                lambda content, noise, share: content + share * noise
            ),
            "The noise has its full weight; it should have `share`.": (
                lambda content, noise, share: (1 - share) * content + noise
            ),
            "Both have the weight `share`; the content image has 1 - share.": (
                lambda content, noise, share: share * (content + noise)
            ),
            "That is always half of each; use `share`.": lambda content, noise, share: (content + noise) / 2,
            "You multiplied the two pictures; mix them by adding.": (
                lambda content, noise, share: content ** (1 - share) * noise**share
            ),
            "The difference has the wrong sign: from content to noise it is noise − content.": (
                lambda content, noise, share: content + share * (content - noise)
            ),
        },
        example={
            "content": table((0.2,), (0.4,), (0.6,))[None, ..., None],
            "noise": table((1,), (0,), (0.5,))[None, ..., None],
            "share": 0.25,
        },
        praise="The blends lie on a straight line from one start to the other.",
    ),
    "distance_matrix": Exercise(
        inputs=lambda generator: (torch.rand(4, 3, 5, 6, generator=generator, dtype=torch.float64),),
        reference=_distances,
        mistakes={
            "The root is missing: that is the mean square difference.": lambda pictures: _distances(pictures) ** 2,
            "You summed the squares; take their mean, which does not grow with the picture's size.": (
                lambda pictures: _differences(pictures).flatten(2).norm(dim=2)
            ),
            "You summed the squares and took no root; take their mean, then the root.": (
                lambda pictures: _differences(pictures).square().sum(dim=(2, 3, 4))
            ),
            "That is the mean of the absolute differences; square before the mean, root after it.": (
                lambda pictures: _differences(pictures).abs().mean(dim=(2, 3, 4))
            ),
            "You took the mean before the square: differences of opposite sign cancel.": (
                lambda pictures: _differences(pictures).mean(dim=(2, 3, 4)).abs()
            ),
            "The differences are not squared, so they cancel; and a distance has no sign.": (
                lambda pictures: _differences(pictures).mean(dim=(2, 3, 4))
            ),
            "You took the root for each colour and then the mean; take the mean over everything first.": (
                lambda pictures: _differences(pictures).square().mean(dim=(3, 4)).sqrt().mean(dim=2)
            ),
            "You took the root before the mean, pixel by pixel; take the mean over everything first.": (
                lambda pictures: _differences(pictures).square().mean(dim=2).sqrt().mean(dim=(2, 3))
            ),
            "You averaged over the pictures as well; each pair has its own distance.": (
                lambda pictures: _differences(pictures).square().mean().sqrt()
            ),
            "Only half of the matrix is filled; a distance is the same both ways.": (
                lambda pictures: _distances(pictures).triu()
            ),
        },
        example={"pictures": torch.stack([torch.zeros(3, 1, 2), table((0.3, 0), (0, 0), (0.6, 0.3))[:, None]])},
        praise="The matrix is symmetric with zeros on its diagonal, and shows how far each picture is from each other.",
    ),
}
