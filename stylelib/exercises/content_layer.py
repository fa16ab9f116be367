"""The exercises of notebook 07."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from stylelib.exercises.checking import Choice, Exercise
from stylelib.vgg import LAYOUTS, layer_names

# of red, green and blue in the lightness (ITU-R BT.601)
WEIGHTS = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1)

NUMBERS = torch.arange(192, dtype=torch.float64).view(1, 3, 8, 8)  # for an example


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


VGG19 = layer_names(LAYOUTS["vgg19"])
FOURTH = VGG19[3]


def _fourth_convolution(praise: str) -> Choice:
    """Return the question for the name of VGG-19's fourth convolution."""
    wrong = {
        name: f"{name} is convolution {number} of VGG-19, counted from the first; you need number 4."
        for number, name in enumerate(VGG19, 1)
        if name != FOURTH
    }
    wrong["conv4_1"] = "That is the first of block four. The 4 counts convolutions from the start of the network."
    wrong["conv4_2"] = "That is the paper's content layer, but it is VGG-19's tenth convolution, not its fourth."
    wrong["conv1_4"] = "Block 1 of VGG-19 has only two convolutions; continue to count in block 2."
    return Choice(FOURTH, wrong, "Count the convolutions from the start: conv1_1 is the first.", praise, VGG19)


EXERCISES = {
    "tutorial_layer": _fourth_convolution(
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
                lambda content, styles, weights, alpha, beta: _share(
                    content, styles, torch.ones_like(styles), alpha, beta
                )
            ),
            "You took the plain mean of the style losses; their weights w are given.": (
                lambda content, styles, weights, alpha, beta: _share(content, styles.mean(), torch.ones(1), alpha, beta)
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
            "You weighted the content loss in the denominator but not in the numerator.": (
                lambda content, styles, weights, alpha, beta: _share(content, styles, weights, alpha, beta) / alpha
            ),
            "You took the mean over the layers; the style loss is the sum Σ w E.": (
                lambda content, styles, weights, alpha, beta: _share(
                    content, styles, weights / len(styles), alpha, beta
                )
            ),
            "That is one number for each layer; add the layers up to the style loss first.": (
                lambda content, styles, weights, alpha, beta: (
                    alpha * content / (alpha * content + beta * weights * styles)
                )
            ),
        },
        example={
            "content": torch.tensor(2.0),
            "styles": torch.tensor([1.0, 3.0]),
            "w": torch.tensor([0.5, 0.25]),
            "alpha": 3,
            "beta": 2,
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
            "You weighted the colours as the eye does; take the plain mean of red, green and blue.": (
                lambda picture, photo: _correlation(
                    *(F.avg_pool2d((WEIGHTS * image).sum(dim=1, keepdim=True), 4) for image in (picture, photo))
                )
            ),
            "The corner [0, 0] is a picture's correlation with itself, which is always 1; take [0, 1].": (
                lambda picture, photo: torch.ones(())
            ),
            "torch.corrcoef gives a matrix of all pairs; take the entry [0, 1].": (
                lambda picture, photo: torch.corrcoef(
                    torch.stack([_blocks(picture).flatten(), _blocks(photo).flatten()])
                )
            ),
        },
        example={"picture": NUMBERS % 14, "photo": NUMBERS % 19},
        wording="n = torch.arange(192.).view(1, 3, 8, 8), picture = n % 14, photo = n % 19",
        praise="This number says only whether the same places are light and dark, and it needs no network.",
    ),
}
