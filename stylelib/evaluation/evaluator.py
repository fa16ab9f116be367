"""The loss of a picture and its gradient, from a list of terms; or of several runs' pictures at once.

`stylelib.terms.total_loss` says what is computed. Here it is computed faster: Gram matrices have the engine's
derivative, and on a GPU a whole evaluation can be one launch.
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
    """Evaluates pictures of one size, again and again.

    Parameters
    ----------
    *lists : Sequence of Term
        A list of terms for each run. The pictures of several runs, the same number for each, lie side by side in their
        order and go through the networks together, as deep as any of them needs.

    Attributes
    ----------
    note : str
        What could not be done as fast as was asked for, a sentence, or "".
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
            (N, 3, H, W): those of all the lists.

        Returns
        -------
        list of Evaluation
            Their gradients are with respect to the pictures.
        """
        if self._graph is None:
            self._graph = self._as_graph(pictures) or self._values_and_gradient
        values, gradients = self._graph(pictures)
        numbers = iter(values.tolist())  # all at once, because a GPU waits here
        found = []
        for names, gradient in zip(self._names, self._split(gradients), strict=True):
            total, *parts = itertools.islice(numbers, 1 + len(names))
            if len(self.lists) > 1:
                gradient = gradient.clone()  # a view would keep all of them in memory
            found.append(Evaluation(total, dict(zip(names, parts, strict=True)), gradient))
        return found

    def _split(self, pictures: Tensor) -> Sequence[Tensor]:
        """Return each list's part. For a single list the tensor itself, so that the engine recognises its own."""
        return pictures.chunk(len(self.lists)) if len(self.lists) > 1 else [pictures]

    def _values_and_gradient(self, pictures: Tensor) -> ValuesAndGradient:
        """Return each list's total and its parts, all in one tensor, and the gradient; keep the parts' names.

        Pictures do not influence each other's losses, so the gradient of the sum is the gradient of each one's total.
        """
        x = pictures.detach().requires_grad_(True)
        with torch.enable_grad(), computing(pictures):
            losses = self._losses(x)
            totals = [torch.stack([loss.reshape(()) for loss in one.values()]).sum() for one in losses]
            (gradient,) = torch.autograd.grad(torch.stack(totals).sum(), x)
        self._names = [list(one) for one in losses]
        values = [value for total, one in zip(totals, losses, strict=True) for value in (total, *one.values())]
        return torch.stack([value.detach().reshape(()) for value in values]), gradient.contiguous()

    def _losses(self, x: Tensor) -> list[dict[str, Tensor]]:
        """{name: loss} of each list. Each network runs once, as deep as any of the terms needs."""
        seen = {
            net: {layer: self._split(activation) for layer, activation in net(x, layers).items()}
            for net, layers in wanted_layers(*self.lists).items()
        }
        return [
            named_losses(terms, picture, _part(seen, number))
            for number, (terms, picture) in enumerate(zip(self.lists, self._split(x), strict=True))
        ]

    def _as_graph(self, pictures: Tensor) -> Callable[[Tensor], ValuesAndGradient] | None:
        """`_values_and_gradient` as a CUDA graph where speed was asked for before exactness, else None."""
        nets: list[Any] = list(wanted_layers(*self.lists))
        quick = bool(nets) and all(getattr(net, "precision", "exact") != "exact" for net in nets)
        if pictures.device.type != "cuda" or not quick:
            return None
        try:
            return cuda_graph.replayable(
                self._values_and_gradient, pictures, lambda: [net.engine.packed() for net in nets]
            )
        except RuntimeError as error:  # for example from a term that asks for a number on the way
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
