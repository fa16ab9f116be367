"""Mistakes of a Gram matrix that two exercises share, in notebooks 03 and 05.

Each function takes activations (…, N, h, w) and returns sums over the positions; the exercise divides them or not.
"""

from torch import Tensor
from torch.nn.functional import normalize


def rows(f: Tensor) -> Tensor:
    """Return activations as one row of positions for each filter, (…, N, M)."""
    return f.flatten(-2)


def product(first: Tensor, second: Tensor | None = None) -> Tensor:
    """Return the product of the rows of one matrix with those of another, or of its own."""
    return first @ (first if second is None else second).mT


def _centred(f: Tensor) -> Tensor:
    return rows(f) - rows(f).mean(dim=-1, keepdim=True)


def _reshaped(f: Tensor) -> Tensor:
    """Return what `F.reshape(-1, N)` gives: (…, M, N), in which the filters are mixed up."""
    return f.reshape(*f.shape[:-3], -1, f.shape[-3])


MISTAKES = {
    "`reshape(-1, N)` mixes the filters up: a row has to hold one filter's positions, as in `reshape(N, -1)`.": (
        lambda f: product(_reshaped(f).mT)
    ),
    "`reshape(-1, N)` mixes the filters up, and the result is M × M. Use `reshape(N, -1)`.": (
        lambda f: product(_reshaped(f))
    ),
    "The filters are mixed up: flatten the last two dimensions, so that each row holds one filter's positions.": (
        lambda f: product(rows(f.movedim(-3, -1).reshape(f.shape)))
    ),
    "You multiplied positions with positions, which gives M × M; the second factor is the one to transpose.": (
        lambda f: product(rows(f).mT)
    ),
    "You subtracted each filter's mean first. That is a covariance; the paper does not subtract it.": (
        lambda f: product(_centred(f))
    ),
    "You multiplied the sums of the maps; multiply position by position first, then sum.": (
        lambda f: product(rows(f).sum(dim=-1, keepdim=True))
    ),
    "The pairs of different filters are missing: only the diagonal is right.": (
        lambda f: product(rows(f)).diagonal(dim1=-2, dim2=-1).diag_embed()
    ),
    "The pairs of different filters are missing: multiply every filter with every other.": (
        lambda f: rows(f).square().sum(dim=-1)
    ),
    "You added the maps; multiply them.": (
        lambda f: rows(f).sum(dim=-1)[..., :, None] + rows(f).sum(dim=-1)[..., None, :]
    ),
}
SCALED_MISTAKES = {  # whose size does not depend on what the exercise divides by
    "You scaled the rows to length 1 first. That gives the cosine between them; leave them as they are.": (
        lambda f: product(normalize(rows(f), dim=-1))
    ),
    "That is the correlation: you subtracted the means and scaled the rows. Leave them as they are.": (
        lambda f: product(normalize(_centred(f), dim=-1))
    ),
}
