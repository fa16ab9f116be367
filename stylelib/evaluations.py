"""The loss of a picture and its gradient, from a list of terms; or of several runs' pictures at once."""

import collections
import contextlib
import itertools

import torch

from stylelib import engine, graphs
from stylelib import terms as term_kinds
from stylelib.errors import InputError
from stylelib.machine import computing
from stylelib.optimizers import Evaluation


class Evaluator:
    """Evaluates pictures of one size, again and again.

    lists: lists of terms, one for each run. The pictures of several runs, of each equally many, lie side by side in
    their order and go through the networks together, as deep as any of them needs. note: what could not be done as
    quickly as was asked for, a sentence, or "".
    """

    def __init__(self, *lists):
        self.lists, self.note = lists, ""
        self._graph, self._names = None, []  # names of each list's losses

    def __call__(self, pictures):
        """An Evaluation for each list of terms. pictures: (N, 3, H, W), those of all the lists."""
        if self._graph is None:
            self._graph = self._as_graph(pictures)
        values, gradients = (self._graph or self._values_and_gradient)(pictures)
        values = iter(values.tolist())  # all at once: a GPU waits only here
        found = []
        for names, gradient in zip(self._names, self._split(gradients), strict=True):
            total, *parts = itertools.islice(values, 1 + len(names))
            if len(self.lists) > 1:
                gradient = gradient.clone()  # a part would keep all of them in memory
            found.append(Evaluation(total, dict(zip(names, parts, strict=True)), gradient))
        return found

    def _split(self, pictures):
        """Each list's part of what there is for all pictures; for a single list the thing itself, see `gram_matrix`."""
        return pictures.split(len(pictures) // len(self.lists)) if len(self.lists) > 1 else [pictures]

    def _values_and_gradient(self, pictures):
        """Each list's total loss and its parts, all in one tensor, and the gradient; the parts' names become `_names`.

        Pictures do not look at each other, so the gradient of the sum is the gradient of each one's own total.
        """
        x = pictures.detach().requires_grad_(True)
        # a term of somebody's own may ask for other gradients on the way, or change them
        known = all(map(comes_with_stylelib, itertools.chain(*self.lists)))
        with computing(pictures), engine.only_the_picture() if known else contextlib.nullcontext():
            losses = self._losses(x)
            totals = [sum(one.values()) for one in losses]
            (gradient,) = torch.autograd.grad(sum(totals), x)
        self._names = [list(one) for one in losses]
        values = [value for total, one in zip(totals, losses, strict=True) for value in (total, *one.values())]
        return torch.stack([value.detach().reshape(()) for value in values]), gradient.contiguous()

    def _losses(self, x):
        """{name: loss} of each list. Each network runs once, as deep as any of the terms needs."""
        seen = {
            net: {layer: self._split(activation) for layer, activation in net(x, layers).items()}
            for net, layers in wanted_layers(*self.lists).items()
        }
        return [
            _named_losses(
                terms,
                picture,
                {net: {layer: parts[number] for layer, parts in layers.items()} for net, layers in seen.items()},
            )
            for number, (terms, picture) in enumerate(zip(self.lists, self._split(x), strict=True))
        ]

    def _as_graph(self, pictures):
        """`_values_and_gradient` as a CUDA graph where speed was asked for before exactness, else False."""
        nets = list(wanted_layers(*self.lists))
        quick = bool(nets) and all(getattr(net, "precision", "exact") != "exact" for net in nets)
        if pictures.device.type != "cuda" or not quick:
            return False
        try:
            replay = graphs.replayable(self._values_and_gradient, pictures)
        except RuntimeError as error:  # a term that asks for a number on the way, say
            reason = (str(error) or type(error).__name__).splitlines()[0]
            self.note = f"computed without a CUDA graph: {reason}"
            return False
        replay.reads = [net.engine.packed() for net in nets]
        return replay


def _named_losses(terms, x, seen):
    losses = {}
    for term in terms:
        for name, loss in term.losses(x, seen.get(term.net, {})).items():
            if not (isinstance(loss, torch.Tensor) and loss.numel() == 1):
                raise InputError(f"{type(term).__name__}.losses gives tensors of one number; {name!r} is not one.")
            count = sum(known.split(" #")[0] == name for known in losses)
            losses[f"{name} #{count + 1}" if count else name] = loss
    return losses


def wanted_layers(*lists):
    """{network: the layers that any term of these lists looks at}."""
    layers = collections.defaultdict(set)
    for term in itertools.chain(*lists):
        if term.net is not None:
            layers[term.net].update(term.layers)
    return layers


def comes_with_stylelib(term):
    return getattr(term_kinds, type(term).__name__, None) is type(term)
