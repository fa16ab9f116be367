"""The built-in terms (content, style, smoothness), and the total loss of a list of terms.

    terms = [Content(net, photo, "conv4_2", weight=alpha), Style(net, painting, STYLE_LAYERS, weight=beta)]
    total, losses = total_loss(terms, pictures)

A term names the layers of a network that it looks at, and turns their activations into named losses. The total loss is
the sum over all terms. With a content and a style term it is equation 7; any other list is allowed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from stylelib import losses
from stylelib.images import check_picture, check_shape
from stylelib.protocols.network import Network
from stylelib.protocols.statistic import Gram, Statistic
from stylelib.protocols.term import Term, check_network, check_terms, check_weight, named_losses, wanted_layers
from stylelib.support.ambient import settled
from stylelib.support.errors import InputError, check_choice, shown
from stylelib.support.machine import computing
from stylelib.support.masks import check_mask, shrink_mask

CONTENT_LAYER = "conv4_2"
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


class Content(Term):
    """Content loss: the picture's activations at one layer should match the content image's, equation 1.

    Parameters
    ----------
    net : Network
        What `load_network` returns, or a network of your own.
    image : Tensor
        The content image, (1, 3, H, W), RGB, 0 to 1; or (N, 3, H, W), one for each picture.
    layer : str
        The name of one layer.
    weight : float
        The paper's α.
    convention : str
        See `stylelib.losses`.
    mask : Tensor, optional
        Where the term counts: (H, W), (1, H, W) or (1, 1, H, W), 0 to 1; everywhere by default.
    label : str
        Its name in losses and captions.
    """

    role: ClassVar[str] = "content"

    def __init__(
        self,
        net: Network,
        image: Tensor,
        layer: str = CONTENT_LAYER,
        weight: float = 1.0,
        convention: str = "relative",
        mask: Tensor | None = None,
        label: str = "content",
    ) -> None:
        self.net, self.image = check_network(net), _on_device(net, image, "the content image")
        self.layers = net.check_layers(layer)
        if len(self.layers) > 1:
            raise InputError("A content term looks at one layer; give a list of terms, one for each layer.")
        (self.layer,) = self.layers
        self.weight, self.label = check_weight(weight, "the content weight"), label
        self.convention = check_choice("convention", convention, losses.CONVENTIONS)
        self.mask = None if mask is None else check_mask(mask, self.image)
        with computing(self.image), torch.no_grad():
            self.target = net(self.image, self.layers)[self.layer]

    def check(self, pictures: Tensor) -> None:
        super().check(pictures)
        if self.image is not None and pictures.shape[-2:] != self.image.shape[-2:]:
            raise InputError(
                f"The picture is {_size(pictures)} and the content image {_size(self.image)}, but a content term needs "
                f"both to have the same size; start from the content image or from noise of its size."
            )

    def losses(self, pictures: Tensor, activations: Mapping[str, Tensor]) -> dict[str, Tensor]:
        seen, target = activations[self.layer], self.target
        if self.mask is not None:  # the root, because the loss squares the difference
            root = shrink_mask(self.mask, seen).sqrt()
            seen, target = seen * root, target * root
        loss = losses.content_loss(seen, target, self.convention)
        return {f"{self.label} {self.layer}": self.weight * loss}

    def memory(self, pictures: Tensor) -> int:
        return 16 * len(pictures) * int(self.target[0].numel())  # F − P, its square, and the gradients of both

    def arguments(self) -> dict[str, Any]:
        names = ("image", "layer", "weight", "convention", "mask", "label")
        return {name: getattr(self, name) for name in names}

    def describe(self) -> str:
        where = "" if self.mask is None else ", masked"
        return f"{self.label} {self.layer} × {self.weight:g} ({self.convention}{where})"


class Style(Term):
    """Style loss: the picture's statistics at some layers should match the style image's, equations 3 to 5.

    Parameters
    ----------
    net : Network
        What `load_network` returns, or a network of your own.
    image : Tensor
        The style image, (1, 3, H, W), RGB, 0 to 1, of any size, because statistics are means over positions.
    layers : str, Sequence of str or dict
        Names, each with w_l = 1 / number of layers as in the paper; or {name: w_l}.
    weight : float
        The paper's β.
    convention : str
        See `stylelib.losses`.
    statistic : Statistic, optional
        The statistic of the activations that is compared, see `stylelib.protocols.statistic`; Gram() by default.
    mask : Tensor, optional
        Where the optimised picture gets this style: (H, W), (1, H, W) or (1, 1, H, W), 0 to 1, of the picture's size;
        everywhere by default.
    label : str
        Its name in losses and captions; give each of several styles its own.
    """

    def __init__(
        self,
        net: Network,
        image: Tensor,
        layers: str | Sequence[str] | Mapping[str, float] = STYLE_LAYERS,
        weight: float = 1.0,
        convention: str = "relative",
        statistic: Statistic | None = None,
        mask: Tensor | None = None,
        label: str = "style",
    ) -> None:
        self.net, self.image = check_network(net), _on_device(net, image, "the style image")
        self.layers = net.check_layers(layers)
        self.layer_weights = {
            layer: check_weight(layers[layer], f"the weight of {layer}")
            if isinstance(layers, Mapping)
            else 1 / len(self.layers)
            for layer in self.layers
        }
        self.weight, self.label = check_weight(weight, "the style weight"), label
        self.convention = check_choice("convention", convention, losses.CONVENTIONS)
        self.statistic = Gram() if statistic is None else statistic
        if not isinstance(self.statistic, Statistic):
            raise InputError(f"The statistic of a style is an object such as Gram(); got {shown(statistic)}.")
        self.mask = None if mask is None else check_mask(mask).to(net.device)
        with computing(self.image), torch.no_grad():
            activations = net(self.image, self.layers)
            self.targets = {layer: self.statistic(seen) for layer, seen in activations.items()}
        self._per_pixel = sum(seen.numel() for seen in activations.values()) / self.image[:, 0].numel()

    def check(self, pictures: Tensor) -> None:
        super().check(pictures)
        if self.mask is not None:
            check_mask(self.mask, pictures)

    def losses(self, pictures: Tensor, activations: Mapping[str, Tensor]) -> dict[str, Tensor]:
        named = {}
        for layer, layer_weight in self.layer_weights.items():
            seen, target = activations[layer], self.targets[layer]
            mask = None if self.mask is None else shrink_mask(self.mask, seen)
            factor = self.statistic.factor(target, self.convention)
            loss = (factor * (self.statistic(seen, mask) - target).square()).sum()
            named[f"{self.label} {layer}"] = self.weight * layer_weight * loss
        return named

    def memory(self, pictures: Tensor) -> int:
        # The engine's Gram matrix needs none of its own. The numbers were measured, in bytes for each activation.
        other = 10 * (type(self.statistic) is not Gram) + 5 * (self.mask is not None or type(self) is not Style)
        return int(other * self._per_pixel * pictures[:, 0].numel())

    def arguments(self) -> dict[str, Any]:
        names = ("image", "weight", "convention", "statistic", "mask", "label")
        return {"layers": self.layer_weights, **{name: getattr(self, name) for name in names}}

    def describe(self) -> str:
        statistic = "" if type(self.statistic) is Gram else f", {self.statistic.describe()}"
        where = "" if self.mask is None else ", masked"
        return f"{self.label} {', '.join(self.layers)} × {self.weight:g} ({self.convention}{statistic}{where})"


class Smoothness(Term):
    """Total variation, a penalty for noise. It is not in the paper.

    Parameters
    ----------
    weight : float
        Zero or more.
    """

    label = "smoothness"

    def __init__(self, weight: float) -> None:
        self.weight = check_weight(weight, "the smoothness weight")

    def losses(self, pictures: Tensor, activations: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {self.label: self.weight * losses.total_variation(pictures)}

    def arguments(self) -> dict[str, Any]:
        return {"weight": self.weight}


@settled()
def total_loss(terms: Term | Sequence[Term], pictures: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the total loss of pictures against a list of terms, equation 7.

    It is differentiable with respect to the pictures, and so with respect to whatever made them. You can therefore
    train a network with it.

    Parameters
    ----------
    terms : Term or Sequence of Term
        What is minimised.
    pictures : Tensor
        (N, 3, H, W).

    Returns
    -------
    total : Tensor
        A scalar, summed over the pictures.
    losses : dict of str to Tensor
        The weighted losses by name; `total` is their sum.

    Raises
    ------
    InputError
        If there are no terms, all weights are 0, or a term cannot be computed for these pictures.
    """
    terms = check_terms(terms)
    check_shape(pictures, "what total_loss is given")
    for term in terms:
        term.check(pictures)
    activations = {net: net(pictures, layers) for net, layers in wanted_layers(terms).items()}
    named = named_losses(terms, pictures, activations)
    return torch.stack(list(named.values())).sum(), named


def _on_device(net: Network, image: Tensor, label: str) -> Tensor:
    return check_picture(image, label).detach().to(net.device, torch.float32)


def _size(pictures: Tensor) -> str:
    return f"{pictures.shape[-1]} × {pictures.shape[-2]}"
