"""The exercises of notebook 02."""

from typing import Any

import torch
from torch import Tensor

from stylelib import losses
from stylelib.exercises.checking import Choice, Exercise, maps, random_activations
from stylelib.exercises.hidden import HIDDEN, hidden_reconstruction
from stylelib.vgg import LAYOUTS, layer_names

__all__ = ["EXERCISES", "hidden_reconstruction"]


def _squares(f: Tensor, p: Tensor) -> Tensor:
    return (f - p).square().sum()


def _two_layers(f1: Tensor, p1: Tensor, f2: Tensor, p2: Tensor, w: float) -> Tensor:
    return w * losses.content_loss(f1, p1) + (1 - w) * losses.content_loss(f2, p2)


def _random_layers(generator: torch.Generator) -> tuple[Any, ...]:
    """Return F and P of a wide layer, F and P of a coarse layer with larger activations, and a weight."""
    wide = [random_activations(generator)[:1] for _ in range(2)]
    coarse = [3 * random_activations(generator)[:1, :, :2, :2] for _ in range(2)]
    return *wide, *coarse, 0.2


EXERCISES = {
    "content_loss": Exercise(
        inputs=lambda generator: (random_activations(generator)[:1], random_activations(generator)[:1]),
        reference=lambda f, p: _squares(f, p) / 2,
        mistakes={
            "The 1/2 in front of the sum is missing.": _squares,
            "That is the mean over the entries; equation 1 as printed is half their sum.": (
                lambda f, p: (f - p).square().mean()
            ),
            "That is half the mean over the entries; equation 1 as printed sums them.": (
                lambda f, p: (f - p).square().mean() / 2
            ),
            "You divided by the target's size: that is the relative convention, and this asks for the printed one.": (
                losses.content_loss
            ),
            "That is each entry's error; equation 1 adds them all up.": lambda f, p: (f - p).square() / 2,
            "You took absolute values; square the differences instead.": lambda f, p: (f - p).abs().sum() / 2,
            "The differences are not squared, so opposite errors cancel.": lambda f, p: (f - p).sum() / 2,
            "You summed before you squared, so opposite errors cancel and almost any picture has a small loss.": (
                lambda f, p: (f - p).sum().square() / 2
            ),
            "The 1/2 is squared too; it stands in front of the square.": lambda f, p: ((f - p) / 2).square().sum(),
            "You took a square root at the end; the loss is the sum of squares itself.": (
                lambda f, p: _squares(f, p).sqrt() / 2
            ),
            "You subtracted the squares; square the difference.": lambda f, p: (f.square() - p.square()).sum() / 2,
            "You compared the Gram matrices. That is style, which ignores position; content compares each position.": (
                lambda f, p: _squares(losses.gram_matrix(f), losses.gram_matrix(p)) / 2
            ),
        },
        example={"F": maps((1, 2, 3)), "P": maps((0, 4, 3))},
        praise="Equation 1: how far the activations are from the target's, position by position, filter by filter.",
    ),
    "hidden_layer": Choice(
        right=HIDDEN,
        wrong={
            "conv1_2": "From conv1_2 even the grain of single pixels comes back; compare the pixel error with the "
            "table of Figure 1.",
            "conv2_2": "From conv2_2 the colours come back almost untouched; measure the error at conv2_2, and at the "
            "layer after it.",
            "conv4_2": "From conv4_2 most of the colours are lost; here the lemon is still yellow. Measure the error "
            "at conv4_2, and at the layer before it.",
            "conv5_2": "From conv5_2 hardly more than large shapes come back. Where, from the shallow layers to the "
            "deep ones, does the content error fall most steeply?",
        },
        otherwise="That layer is none of the five of Figure 1; the cell lists them.",
        praise="Its content error is near 0 from that layer on and large before it. A layer's activations determine "
        "those of every layer after it, and of none before it.",
        names=layer_names(LAYOUTS["vgg19"]),
    ),
    "two_layer_loss": Exercise(
        inputs=_random_layers,
        reference=_two_layers,
        mistakes={
            "The weights are swapped: w belongs to the first layer, 1 − w to the second.": (
                lambda f1, p1, f2, p2, w: _two_layers(f2, p2, f1, p1, w)
            ),
            "You used the weight w twice: it belongs to the first layer, and the second has 1 − w.": (
                lambda f1, p1, f2, p2, w: w * (losses.content_loss(f1, p1) + losses.content_loss(f2, p2))
            ),
            "You used the weight 1 − w twice: it belongs to the second layer, and the first has w.": (
                lambda f1, p1, f2, p2, w: (1 - w) * (losses.content_loss(f1, p1) + losses.content_loss(f2, p2))
            ),
            "The weights are squared too; they stand in front of the squares.": (
                lambda f1, p1, f2, p2, w: (
                    w**2 * losses.content_loss(f1, p1) + (1 - w) ** 2 * losses.content_loss(f2, p2)
                )
            ),
            "The weights w and 1 − w are missing, so both layers count the same.": (
                lambda f1, p1, f2, p2, w: _two_layers(f1, p1, f2, p2, 0.5) * 2
            ),
            "Both layers count by one half, whatever w is.": (
                lambda f1, p1, f2, p2, w: _two_layers(f1, p1, f2, p2, 0.5)
            ),
            "The first layer has its weight w; the second needs 1 − w.": (
                lambda f1, p1, f2, p2, w: w * losses.content_loss(f1, p1) + losses.content_loss(f2, p2)
            ),
            "The second layer is missing.": lambda f1, p1, f2, p2, w: w * losses.content_loss(f1, p1),
            "The errors are not divided by Σ P², so the layer with larger activations counts more.": (
                lambda f1, p1, f2, p2, w: w * _squares(f1, p1) + (1 - w) * _squares(f2, p2)
            ),
            "Those are the errors of equation 1 with its 1/2; divide each by Σ P² instead.": (
                lambda f1, p1, f2, p2, w: (w * _squares(f1, p1) + (1 - w) * _squares(f2, p2)) / 2
            ),
            "You took the means of the squares; divide their sums by Σ P², which makes them relative.": (
                lambda f1, p1, f2, p2, w: w * (f1 - p1).square().mean() + (1 - w) * (f2 - p2).square().mean()
            ),
            "You divided each error by Σ P; the divisor is Σ P², of the squares.": (
                lambda f1, p1, f2, p2, w: w * _squares(f1, p1) / p1.sum() + (1 - w) * _squares(f2, p2) / p2.sum()
            ),
            "You divided both errors by one common Σ P²; divide each by that of its own target.": (
                lambda f1, p1, f2, p2, w: (
                    (w * _squares(f1, p1) + (1 - w) * _squares(f2, p2)) / (p1.square().sum() + p2.square().sum())
                )
            ),
            "You divided by the picture's own Σ F²; divide by Σ P², because P stays the same during a run.": (
                lambda f1, p1, f2, p2, w: _two_layers(p1, f1, p2, f2, w)
            ),
            "You multiplied the two errors; add them, because a product is 0 as soon as one of them is.": (
                lambda f1, p1, f2, p2, w: w * losses.content_loss(f1, p1) * (1 - w) * losses.content_loss(f2, p2)
            ),
        },
        example={"F1": maps((1, 2)), "P1": maps((1, 1)), "F2": maps((3,)), "P2": maps((2,)), "w": 0.25},
        praise="Each layer has a loss in the same unit, and a weight; equation 5 does the same for style.",
    ),
}
