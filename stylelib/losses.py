"""The paper's equations as plain functions of tensors.

Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.

Activations are tensors (B, N, h, w): B pictures, N filters (the paper's N_l), h × w positions (M_l = h·w). Each loss
is a scalar, the sum over the pictures of the batch.

A **convention** is one constant in front of a sum of squares. Three are in use:

==========  ===============================  =======================================  =================================
name        content                          style, per layer                         who
==========  ===============================  =======================================  =================================
printed     1/2 · Σ (F − P)²                 1/(4 N² M²) · Σ (G − A)²                 the paper's equations 1 and 4
mean        1/(N M) · Σ (F − P)²             1/(N² M²) · Σ (G − A)²                   the authors' own code
relative    Σ (F − P)² / Σ P²                Σ (G − A)² / Σ A²                        stylelib's recipes
==========  ===============================  =======================================  =================================

In the relative convention an error of 1 means "as wrong as an empty picture", on every layer of every network, so
one and the same α/β suits them all. `content_factor` and `style_factor` give the constants, and so the exact
conversion from one convention to another.
"""

from stylelib import engine
from stylelib.errors import check_choice

CONVENTIONS = ("relative", "mean", "printed")


def gram_matrix(activations):
    """Gram matrix G = F Fᵀ of each picture, equation 3.

    activations: (B, N, h, w). Returns (B, N, N): entry i, j sums, over all positions, what filters i and j say there.
    """
    # features @ features.transpose(1, 2) of features = activations.flatten(2), (B, N, M), with a quicker derivative
    return engine.gram_matrix(activations)


def content_factor(target, convention="relative"):
    """The constant c of a content loss c · Σ (F − P)², for the target P of shape (B, N, h, w).

    A number, or one for each picture as a tensor (B, 1, 1, 1).
    """
    check_choice("convention", convention, CONVENTIONS)
    if convention == "printed":
        return 0.5
    if convention == "mean":
        return 1 / target[0].numel()
    return 1 / _sum_of_squares(target)


def content_loss(activations, target, convention="relative"):
    """How far the activations are from the content image's, equation 1.

    activations, target: F and P, of the same shape (B, N, h, w). Equation 2, the gradient of the printed loss with
    respect to F, is F − P.
    """
    return (content_factor(target, convention) * (activations - target).square()).sum()


def style_factor(target, positions, convention="relative"):
    """The constant c of a layer's style loss c · Σ (G − A)², for the target Gram matrix A of shape (B, N, N).

    positions: M, the number of positions that the Gram matrices sum over. A number, or a tensor (B, 1, 1).
    """
    check_choice("convention", convention, CONVENTIONS)
    filters = target.shape[-1]
    if convention == "printed":
        return 1 / (4 * filters**2 * positions**2)
    if convention == "mean":
        return 1 / (filters**2 * positions**2)
    return 1 / _sum_of_squares(target)


def style_layer_loss(activations, target, convention="relative"):
    """One layer's share E_l of the style loss, equation 4.

    activations: F, (B, N, h, w). target: A, the style image's Gram matrix (B, N, N), summed over as many positions
    as F has. Equation 6, the gradient of the printed loss with respect to F, is (G − A) F / (N² M²).
    """
    positions = activations.shape[-2] * activations.shape[-1]
    factor = style_factor(target, positions, convention)
    return (factor * (gram_matrix(activations) - target).square()).sum()


def style_loss(activations, targets, layer_weights, convention="relative"):
    """Weighted sum of the layers' style losses, equation 5.

    activations, targets, layer_weights: dicts from layer name to F, A and w_l.
    """
    return sum(
        weight * style_layer_loss(activations[layer], targets[layer], convention)
        for layer, weight in layer_weights.items()
    )


def total_variation(pictures):
    """Mean squared difference between neighbouring pixels, (B, 3, H, W) → scalar summed over the pictures.

    Not in the paper; the usual term against noise. Mahendran and Vedaldi, CVPR 2015, with exponent 2.
    """
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).square().mean(dim=(1, 2, 3))
    right = (pictures[..., :, 1:] - pictures[..., :, :-1]).square().mean(dim=(1, 2, 3))
    return (down + right).sum()


def _sum_of_squares(target):
    """Σ target² of each picture, (B, …) → (B, 1, …); never zero, so that a silent layer does not divide by zero."""
    total = target.flatten(1).square().sum(dim=1).clamp(min=1e-20)
    return total.reshape(-1, *[1] * (target.ndim - 1))
