"""The evaluator: it computes the loss and its gradient for the pictures of one run, or of several runs together.

The result is that of `stylelib.terms.total_loss`, but it is computed faster: Gram matrices use the engine's derivative,
and on a GPU a whole evaluation can be one launch.
"""

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.engine import cuda_graph
from stylelib.engine.engine import gram_matrix
from stylelib.protocols.network import Network
from stylelib.protocols.optimizer import Evaluation
from stylelib.protocols.statistic import Gram
from stylelib.protocols.term import Term, named_losses, wanted_layers
from stylelib.support.machine import computing
from stylelib.terms import Style

ValuesAndGradient = tuple[Tensor, Tensor]


class Evaluator:
    """Compute evaluations for pictures of one size.

    Parameters
    ----------
    *lists : Sequence of Term
        A list of terms for each run. The pictures of several runs, equally many for each, are concatenated in the same
        order. They go through the networks together, down to the deepest layer that any run needs.

    Attributes
    ----------
    note : str
        Why something is computed more slowly than was asked for, or "".
    """

    def __init__(self, *lists: Sequence[Term]) -> None:
        self.lists = [[_with_fast_gram(term) for term in terms] for terms in lists]
        self.note = ""
        self._graph: Callable[[Tensor], ValuesAndGradient] | None = None
        self._names: list[list[str]] = []  # names of each list's losses

    def __call__(self, pictures: Tensor) -> list[Evaluation]:
        """Return an Evaluation for each list of terms.

        Parameters
        ----------
        pictures : Tensor
            The pictures of all lists, (N, 3, H, W).

        Returns
        -------
        list of Evaluation
            The gradients are with respect to the pictures.
        """
        if self._graph is None:
            self._graph = self._as_graph(pictures) or self._values_and_gradient
        values, gradients = self._graph(pictures)
        numbers = iter(values.tolist())  # all of them together, because each transfer makes a GPU wait
        evaluations = []
        for names, gradient in zip(self._names, self._split(gradients), strict=True):
            total, *parts = itertools.islice(numbers, 1 + len(names))
            if len(self.lists) > 1:
                gradient = gradient.clone()  # a view would keep the gradients of all lists in memory
            evaluations.append(Evaluation(total, dict(zip(names, parts, strict=True)), gradient))
        return evaluations

    def _split(self, pictures: Tensor) -> Sequence[Tensor]:
        """Return each list's part; for a single list the tensor itself, because the engine recognises its tensors."""
        return pictures.chunk(len(self.lists)) if len(self.lists) > 1 else [pictures]

    def _values_and_gradient(self, pictures: Tensor) -> ValuesAndGradient:
        """Return the total and the losses of each list, all in one tensor, and the gradient; store the losses' names.

        Pictures do not influence each other's losses, so the gradient of the sum is the gradient of each one's total.
        """
        with computing(pictures), torch.enable_grad():
            x = pictures.detach().requires_grad_(True)
            losses = self._losses(x)
            totals = [torch.stack([loss.reshape(()) for loss in named.values()]).sum() for named in losses]
            (gradient,) = torch.autograd.grad(torch.stack(totals).sum(), x)
        self._names = [list(named) for named in losses]
        values = [value for total, named in zip(totals, losses, strict=True) for value in (total, *named.values())]
        return torch.stack([value.detach().reshape(()) for value in values]), gradient.contiguous()

    def _losses(self, x: Tensor) -> list[dict[str, Tensor]]:
        """Return {name: loss} for each list. Each network runs once, down to the deepest layer that a term needs."""
        seen = {
            net: {layer: self._split(activation) for layer, activation in net(x, layers).items()}
            for net, layers in wanted_layers(*self.lists).items()
        }
        return [
            named_losses(terms, picture, _part(seen, number))
            for number, (terms, picture) in enumerate(zip(self.lists, self._split(x), strict=True))
        ]

    def _as_graph(self, pictures: Tensor) -> Callable[[Tensor], ValuesAndGradient] | None:
        """Return `_values_and_gradient` as a CUDA graph if every network has reduced precision, else None."""
        nets: list[Any] = list(wanted_layers(*self.lists))
        quick = bool(nets) and all(getattr(net, "precision", "exact") != "exact" for net in nets)
        if pictures.device.type != "cuda" or not quick:
            return None
        try:
            return cuda_graph.replayable(
                self._values_and_gradient, pictures, lambda: [net.engine.packed() for net in nets]
            )
        except RuntimeError as error:  # for example, because a term reads a value from the GPU
            reason = (str(error) or type(error).__name__).splitlines()[0]
            self.note = f"computed without a CUDA graph: {reason}"
            return None


class FastGram(Gram):
    """The Gram matrix per position, with the engine's derivative."""

    def __call__(self, activations: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            return super().__call__(activations, mask)
        gram: Tensor = gram_matrix(activations)
        return gram / activations[0, 0].numel()


def _with_fast_gram(term: Term) -> Term:
    """Return the term, with the engine's Gram matrix in the place of the written-out one."""
    if type(term) is not Style or type(term.statistic) is not Gram:  # a subclass may want gradients of activations
        return term
    twin = copy.copy(term)
    twin.statistic = FastGram()
    return twin


def _part(seen: Mapping[Network, Mapping[str, Sequence[Tensor]]], number: int) -> dict[Network, dict[str, Tensor]]:
    return {net: {layer: parts[number] for layer, parts in layers.items()} for net, layers in seen.items()}
