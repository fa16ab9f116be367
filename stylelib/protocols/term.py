"""The base class of terms, the parts of the loss. Subclass `Term` to add your own."""

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from stylelib.protocols.network import Network
from stylelib.protocols.rebuild import Rebuildable
from stylelib.support.errors import InputError, shown


class Term(Rebuildable):
    """A part of the loss. A subclass writes `losses`, and `arguments` so that it can be saved.

    Attributes
    ----------
    net : Network or None
        The network whose activations it looks at; None if it looks only at the picture.
    layers : Sequence of str
        The layers that it looks at.
    image : Tensor or None
        The picture that its target was taken from. A run may start from it.
    role : str
        "content" if the optimised picture has the image's size and layout, else "style".
    weight : float
        The factor in front of its losses.
    label : str
        Its name in losses and captions.
    """

    net: Network | None = None
    layers: Sequence[str] = ()
    image: Tensor | None = None
    role: ClassVar[str] = "style"
    weight: float = 1.0
    label: str = ""

    def check(self, pictures: Tensor) -> None:
        """Raise an InputError if this term cannot be computed for these pictures; called before a run starts.

        Parameters
        ----------
        pictures : Tensor
            (N, 3, H, W); only its shape is used.
        """
        if self.net is not None:
            self.net.check_size(pictures, self.layers)
        if self.image is not None and len(self.image) not in (1, len(pictures)):
            raise InputError(f"{len(self.image)} target images need as many pictures; got {len(pictures)}.")

    def losses(self, pictures: Tensor, activations: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the weighted losses by name.

        Parameters
        ----------
        pictures : Tensor
            (N, 3, H, W).
        activations : Mapping
            {layer: (N, C, h, w)} for this term's network and layers. All terms of a run share them, so do not change
            them, and do not hook them: which gradients a hook sees depends on the implementation.

        Returns
        -------
        dict of str to Tensor
            Scalars, summed over the pictures.
        """
        raise NotImplementedError("a Term writes losses(pictures, activations)")

    def with_weight(self, weight: float) -> Self:
        """Return the same term with another weight.

        Parameters
        ----------
        weight : float
            Zero or more.

        Returns
        -------
        Term
            A copy that shares the target.
        """
        twin = copy.copy(self)
        twin.weight = check_weight(weight, f"the weight of {self.label or type(self).__name__}")
        return twin

    def scaled(self, factor: float) -> Self:
        """Return the same term for a smaller picture, its image and mask shrunk; the term itself if it has neither.

        Parameters
        ----------
        factor : float
            By which the sides are multiplied, 0 to 1.

        Returns
        -------
        Term
            Made anew, with the target of the smaller image.

        Raises
        ------
        InputError
            For a term of your own with an image or a mask that does not write `arguments`.
        """
        if self.image is None and getattr(self, "mask", None) is None:
            return self
        arguments = self.arguments()
        for name in ("image", "mask"):
            if isinstance(value := arguments.get(name), Tensor):
                arguments[name] = shrink(value, factor)
        network = {} if self.net is None else {"net": self.net}
        return type(self)(**network, **arguments)

    def memory(self, pictures: Tensor) -> int:
        """Estimate the memory of its losses and their gradients, in addition to the network's.

        By default, a gradient of the pictures of its own, and the sum of it and the others.

        Parameters
        ----------
        pictures : Tensor
            (N, 3, H, W); only its shape is used.

        Returns
        -------
        int
            Bytes.
        """
        return 8 * pictures.numel()

    def describe(self) -> str:
        """Return a few words for captions."""
        return f"{self.label or type(self).__name__} × {self.weight:g}"


def wanted_layers(*lists: Sequence[Term]) -> dict[Network, list[str]]:
    """Return the layers that any term of these lists looks at, by network."""
    layers: dict[Network, list[str]] = {}
    for term in (term for terms in lists for term in terms):
        if term.net is not None:
            known = layers.setdefault(term.net, [])
            known.extend(layer for layer in term.layers if layer not in known)
    return layers


def named_losses(
    terms: Sequence[Term], pictures: Tensor, activations: Mapping[Network, Mapping[str, Tensor]]
) -> dict[str, Tensor]:
    """Return all terms' weighted losses by name; a second loss of the same name becomes "style conv1_1 #2".

    Parameters
    ----------
    terms : Sequence of Term
        The terms of one run.
    pictures : Tensor
        (N, 3, H, W).
    activations : Mapping
        {network: {layer: (N, C, h, w)}}, with at least the layers that the terms look at.

    Returns
    -------
    dict of str to Tensor
        Scalars.

    Raises
    ------
    InputError
        If a term's losses are not tensors of one number.
    """
    named: dict[str, Tensor] = {}
    for term in terms:
        seen = {} if term.net is None else activations[term.net]
        losses = term.losses(pictures, seen)
        if not isinstance(losses, Mapping) or not losses:
            raise InputError(f"{type(term).__name__}.losses must return {{name: loss}}; it returned {shown(losses)}.")
        for name, loss in losses.items():
            if not (isinstance(loss, Tensor) and loss.numel() == 1):
                raise InputError(f"{type(term).__name__}.losses must return tensors of one number; {name!r} is not.")
            count = sum(known.split(" #")[0] == name for known in named)
            named[f"{name} #{count + 1}" if count else name] = loss
    return named


def shrink(picture: Tensor, factor: float) -> Tensor:
    """Return a picture with its sides multiplied by a factor, (N, C, H, W) to (N, C, h, w), at least one pixel."""
    if factor == 1:
        return picture
    size = [max(1, round(side * factor)) for side in picture.shape[-2:]]
    smaller: Tensor = torch.nn.functional.interpolate(picture, size, mode="bicubic", antialias=True)
    return smaller.clamp(0, 1)


def check_terms(terms: Term | Sequence[Term]) -> list[Term]:
    """Return the terms, one or several, as a list; raise an InputError if there is nothing to optimise."""
    several: list[Term] = [terms] if isinstance(terms, Term) or not isinstance(terms, Sequence) else list(terms)
    if not several:
        raise InputError("There is nothing to optimise: give at least one term, such as Content or Style.")
    for term in several:
        if not isinstance(term, Term):
            raise InputError(f"A term such as Content or Style is expected; got {type(term).__name__}.")
    if all(term.weight == 0 for term in several):
        raise InputError("Every term's weight is 0, so there is nothing to optimise.")
    return several


def check_weight(weight: Any, label: str) -> float:
    """Return `weight` as a float; raise an InputError unless it is a finite number, zero or more."""
    try:
        number = float(weight)
    except Exception:  # whatever an object of another kind raises
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"{label[0].upper()}{label[1:]} must be a number, zero or more; got {shown(weight)}.")
    return number


def check_network(net: Any) -> Network:
    """Return `net`; raise an InputError unless it is a network."""
    if not isinstance(net, Network):
        raise InputError(
            f"A term's first argument is a network, which load_network returns, or your own subclass of "
            f"stylelib.Network; got {type(net).__name__}."
        )
    return net
