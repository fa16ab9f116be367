"""The exercises of notebook 07."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from stylelib.exercises.checking import Choice, Exercise


def _share(content: Tensor, styles: Tensor, weights: Tensor, alpha: float, beta: float) -> Tensor:
    return alpha * content / (alpha * content + beta * (weights * styles).sum())


def _random_losses(generator: torch.Generator) -> tuple[Any, ...]:
    """Return a content loss, five style losses, their weights, α and β."""
    content, *styles = (torch.rand(6, generator=generator, dtype=torch.float64) + 0.1).unbind()
    weights = torch.tensor([0.1, 0.3, 0.2, 0.25, 0.15], dtype=torch.float64)
    return content, torch.stack(styles), weights, 0.2, 0.7


def _random_pictures(generator: torch.Generator) -> tuple[Any, ...]:
    """Return two pictures (1, 3, 12, 16) that are somewhat alike."""
    common = F.interpolate(torch.rand(1, 3, 3, 4, generator=generator, dtype=torch.float64), (12, 16))
    return tuple(
        (common + torch.rand(1, 3, 12, 16, generator=generator, dtype=torch.float64)) / 2 * scale for scale in (1, 0.5)
    )


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    return torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1]


def _blocks(picture: Tensor) -> Tensor:
    return F.avg_pool2d(picture.mean(dim=1, keepdim=True), 4)


def _layout(picture: Tensor, photo: Tensor) -> Tensor:
    return _correlation(_blocks(picture), _blocks(photo))


def _normalised(values: Tensor) -> Tensor:
    return F.normalize(values.flatten(), dim=0)


EXERCISES = {
    "tutorial_layer": Choice(
        right="conv2_2",
        wrong={
            "conv4_1": "The 4 counts convolutions from the start of the network, not blocks. Blocks one and two of "
            "VGG-19 have two convolutions each: count.",
            "conv4_2": "That is the paper's layer, and the name suggests it; but the 4 counts convolutions, and in "
            "VGG-19 conv4_2 is the tenth.",
            "conv3_1": "One too far: that is the fifth convolution. Blocks one and two have two each.",
            "conv2_1": "One too few: that is the third convolution.",
            "conv1_4": "Block one of VGG-19 has only two convolutions; the count continues in block two.",
        },
        praise="A tutorial that many people have learned from takes its content from a layer that keeps too much, as "
        "the paper shows. Name a layer by its block and index.",
    ),
    "content_share": Exercise(
        inputs=_random_losses,
        reference=_share,
        mistakes={
            "α and β are missing: the shares are those of the weighted losses.": (
                lambda content, styles, weights, alpha, beta: _share(content, styles, weights, 1, 1)
            ),
            "β is missing in front of the style loss.": (
                lambda content, styles, weights, alpha, beta: _share(content, styles, weights, alpha, 1)
            ),
            "The layers' weights w are missing: the style loss is Σ w E.": (
                lambda content, styles, weights, alpha, beta: _share(content, styles, torch.ones(5), alpha, beta)
            ),
            "You took the plain mean of the style losses; their weights w are given.": (
                lambda content, styles, weights, alpha, beta: _share(
                    content, styles, torch.full((5,), 0.2), alpha, beta
                )
            ),
            "That is the ratio of content to style; a share is a part of the whole, of both together.": (
                lambda content, styles, weights, alpha, beta: alpha * content / (beta * (weights * styles).sum())
            ),
            "That is the share of the style; the content's share is 1 minus it.": (
                lambda content, styles, weights, alpha, beta: 1 - _share(content, styles, weights, alpha, beta)
            ),
            "α and β are swapped: α belongs to the content.": (
                lambda content, styles, weights, alpha, beta: _share(content, styles, weights, beta, alpha)
            ),
            "You weighted the content loss in the numerator but not in the denominator.": (
                lambda content, styles, weights, alpha, beta: (
                    alpha * content / (content + beta * (weights * styles).sum())
                )
            ),
        },
        praise="A loss counts as much as its share of the total, and α/β alone does not determine that share.",
    ),
    "layout": Exercise(
        inputs=_random_pictures,
        reference=_layout,
        mistakes={
            "You compared pixel by pixel, so fine detail decides; average over blocks of 4 × 4 first.": (
                lambda picture, photo: _correlation(picture.mean(dim=1), photo.mean(dim=1))
            ),
            "You compared the colours one by one; take the mean of red, green and blue first.": (
                lambda picture, photo: _correlation(F.avg_pool2d(picture, 4), F.avg_pool2d(photo, 4))
            ),
            "That is the largest lightness of each block, not the mean.": (
                lambda picture, photo: _correlation(
                    *(F.max_pool2d(image.mean(dim=1, keepdim=True), 4) for image in (picture, photo))
                )
            ),
            "Your blocks overlap: they should stand side by side, with a stride of 4.": (
                lambda picture, photo: _correlation(
                    *(F.avg_pool2d(image.mean(dim=1, keepdim=True), 4, stride=1) for image in (picture, photo))
                )
            ),
            "Subtract each picture's mean first: yours is the cosine, which is near 1 for any two bright pictures.": (
                lambda picture, photo: (_normalised(_blocks(picture)) * _normalised(_blocks(photo))).sum()
            ),
            "That is the covariance; divide by both standard deviations, so that contrast does not count.": (
                lambda picture, photo: torch.cov(torch.stack([_blocks(picture).flatten(), _blocks(photo).flatten()]))[
                    0, 1
                ]
            ),
            "You squared the correlation, so a negative of the photograph would score like the photograph.": (
                lambda picture, photo: _layout(picture, photo) ** 2
            ),
            "You averaged over whole columns; a block is 4 pixels high and 4 wide.": (
                lambda picture, photo: _correlation(*(_blocks(image).mean(dim=2) for image in (picture, photo)))
            ),
        },
        praise="This number says only whether the same places are light and dark, and it needs no network.",
    ),
}
