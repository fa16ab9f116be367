"""The paper's equations as plain functions of tensors.

Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.

Activations are tensors (B, N, h, w): B pictures, N filters (the paper's N_l), h × w positions (M_l = h·w). Each loss
is a scalar, the sum over the pictures of the batch.

A **convention** is the constant in front of a sum of squares. There are three:

==========  ===============================  =======================================  =================================
name        content                          style, per layer                         used by
==========  ===============================  =======================================  =================================
printed     1/2 · Σ (F − P)²                 1/(4 N² M²) · Σ (G − A)²                 the paper's equations 1 and 4
mean        1/(N M) · Σ (F − P)²             1/(N² M²) · Σ (G − A)²                   the authors' own code
relative    Σ (F − P)² / Σ P²                Σ (G − A)² / Σ A²                        stylelib, by default
==========  ===============================  =======================================  =================================

In the relative convention a loss of 1 means that the activations are as far from the target as if they were all 0. This
holds for every layer of every network, so the same α/β suits them all. `content_factor` and `style_factor` return the
constants; their quotient converts weights exactly from one convention to another.

These functions are for reading and for computing by hand. A run computes the same through `stylelib.terms`, with Gram
matrices from `stylelib.protocols.statistic` or, faster, from the engine; tests compare them.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from stylelib.support.errors import check_choice

CONVENTIONS = ("relative", "mean", "printed")


def gram_matrix(activations: Tensor) -> Tensor:
    """Gram matrix G = F Fᵀ of each picture, equation 3.

    Parameters
    ----------
    activations : Tensor
        F, of shape (B, N, h, w).

    Returns
    -------
    Tensor
        (B, N, N). Entry i, j is the sum, over all positions, of filter i's activation times filter j's.
    """
    features = activations.flatten(2)  # (B, N, M)
    return features @ features.transpose(1, 2)


def content_factor(target: Tensor, convention: str = "relative") -> float | Tensor:
    """Return the constant c in a content loss c · Σ (F − P)².

    Parameters
    ----------
    target : Tensor
        P, the content image's activations, (B, N, h, w).
    convention : str
        One of `CONVENTIONS`.

    Returns
    -------
    float or Tensor
        A number, or one number for each picture as a tensor (B, 1, 1, 1).
    """
    check_choice("convention", convention, CONVENTIONS)
    if convention == "printed":
        return 0.5
    if convention == "mean":
        return 1 / target[0].numel()
    return 1 / sum_of_squares(target)


def content_loss(activations: Tensor, target: Tensor, convention: str = "relative") -> Tensor:
    """Content loss, equation 1: how far the activations are from the content image's.

    Equation 2, the gradient of the printed loss with respect to F, is F − P.

    Parameters
    ----------
    activations, target : Tensor
        F and P, of the same shape (B, N, h, w).
    convention : str
        One of `CONVENTIONS`.

    Returns
    -------
    Tensor
        A scalar, summed over the pictures.
    """
    return (content_factor(target, convention) * (activations - target).square()).sum()


def style_factor(target: Tensor, positions: int, convention: str = "relative") -> float | Tensor:
    """Return the constant c in one layer's style loss c · Σ (G − A)².

    Parameters
    ----------
    target : Tensor
        A, the style image's Gram matrix, (B, N, N).
    positions : int
        M, the number of positions that the Gram matrices sum over.
    convention : str
        One of `CONVENTIONS`.

    Returns
    -------
    float or Tensor
        A number, or one number for each picture as a tensor (B, 1, 1).
    """
    check_choice("convention", convention, CONVENTIONS)
    filters = target.shape[-1]
    if convention == "printed":
        return 1 / (4 * filters**2 * positions**2)
    if convention == "mean":
        return 1 / (filters**2 * positions**2)
    return 1 / sum_of_squares(target)


def style_layer_loss(activations: Tensor, target: Tensor, convention: str = "relative") -> Tensor:
    """One layer's contribution E_l to the style loss, equation 4.

    Equation 6, the gradient of the printed loss with respect to F, is (G − A) F / (N² M²).

    Parameters
    ----------
    activations : Tensor
        F, (B, N, h, w).
    target : Tensor
        A, the style image's Gram matrix (B, N, N), summed over as many positions as F has.
    convention : str
        One of `CONVENTIONS`.

    Returns
    -------
    Tensor
        A scalar, summed over the pictures.
    """
    positions = activations.shape[-2] * activations.shape[-1]
    factor = style_factor(target, positions, convention)
    return (factor * (gram_matrix(activations) - target).square()).sum()


def style_loss(
    activations: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    layer_weights: Mapping[str, float],
    convention: str = "relative",
) -> Tensor:
    """Weighted sum of the layers' style losses, equation 5.

    Parameters
    ----------
    activations, targets : Mapping
        {layer: F} and {layer: A}.
    layer_weights : Mapping
        {layer: w_l}.
    convention : str
        One of `CONVENTIONS`.

    Returns
    -------
    Tensor
        A scalar, summed over the pictures.
    """
    losses = [
        weight * style_layer_loss(activations[layer], targets[layer], convention)
        for layer, weight in layer_weights.items()
    ]
    return torch.stack(losses).sum()


def total_variation(pictures: Tensor) -> Tensor:
    """Mean squared difference between neighbouring pixels.

    It is not in the paper. It is the usual penalty for noise, from Mahendran and Vedaldi, CVPR 2015, with exponent 2.

    Parameters
    ----------
    pictures : Tensor
        (B, 3, H, W).

    Returns
    -------
    Tensor
        A scalar, summed over the pictures.
    """
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).square().mean(dim=(1, 2, 3))
    right = (pictures[..., :, 1:] - pictures[..., :, :-1]).square().mean(dim=(1, 2, 3))
    return (down + right).sum()


def sum_of_squares(target: Tensor) -> Tensor:
    """Σ target² of each picture, but at least 1e-20, to avoid dividing by zero where no filter is active.

    Parameters
    ----------
    target : Tensor
        (B, …).

    Returns
    -------
    Tensor
        (B, 1, …), with as many dimensions as `target`.
    """
    total = target.flatten(1).square().sum(dim=1).clamp(min=1e-20)
    return total.reshape(-1, *[1] * (target.ndim - 1))
