"""The base class of statistics, which say what style is: the Gram matrix in the paper. Subclass it to add your own.

A statistic is a mean over positions, so pictures of different sizes can be compared, and regions of a picture too.
"""

from typing import Any

import torch
from torch import Tensor

from stylelib import losses
from stylelib.protocols.rebuild import Rebuildable


class Statistic(Rebuildable):
    """A statistic of activations. A subclass writes `__call__`."""

    def __call__(self, activations: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the statistic of each picture.

        Parameters
        ----------
        activations : Tensor
            (B, N, h, w).
        mask : Tensor, optional
            How much each position counts, (1, 1, h, w), 0 to 1; all positions count fully by default.

        Returns
        -------
        Tensor
            (B, …).
        """
        raise NotImplementedError("a Statistic writes __call__(activations, mask)")

    def factor(self, target: Tensor, convention: str) -> float | Tensor:
        """Return the constant in front of the sum of squared differences.

        For the Gram matrix these are the constants of `losses.style_factor` without M², which is part of the mean over
        positions. Other statistics have the number of their entries in place of N².

        Parameters
        ----------
        target : Tensor
            The style image's statistic.
        convention : str
            "relative", "mean" or "printed".

        Returns
        -------
        float or Tensor
            A number, or one for each picture.
        """
        if convention == "relative":
            return losses.sum_of_squares(target) ** -1
        return 1 / target[0].numel() if convention == "mean" else 1 / (4 * target[0].numel())

    def arguments(self) -> dict[str, Any]:
        return {}


class Gram(Statistic):
    """The Gram matrix per position, (B, N, N): which filters are active together. Equation 3, divided by M."""

    def __call__(self, activations: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return losses.gram_matrix(activations) / activations[0, 0].numel()
        return losses.gram_matrix(activations * mask.sqrt()) / mask.sum()  # the root, because each entry is a product


class MeanStd(Statistic):
    """Each filter's mean and standard deviation, (B, 2 N); how filters vary together does not count.

    Li, Wang, Liu, Hou, "Demystifying Neural Style Transfer", IJCAI 2017.
    """

    def __call__(self, activations: Tensor, mask: Tensor | None = None) -> Tensor:
        counts = torch.ones_like(activations[:1, :1]) if mask is None else mask
        total = counts.sum()
        mean = (activations * counts).sum(dim=(2, 3), keepdim=True) / total
        variance = ((activations - mean).square() * counts).sum(dim=(2, 3)) / total
        return torch.cat([mean[..., 0, 0], (variance + 1e-8).sqrt()], dim=1)
