"""What a picture is optimised against: a list of terms.

    terms = [Content(net, photo, "conv4_2", weight=alpha), Style(net, painting, STYLE_LAYERS, weight=beta)]

A term says which layers of which network it wants to see, and turns their activations into named losses. The total is
the sum over all terms (equation 7 with two of them); any list is allowed.
"""

import math

import torch

from stylelib import losses
from stylelib.errors import InputError, check_choice
from stylelib.images import check_picture
from stylelib.machine import computing

CONTENT_LAYER = "conv4_2"
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


class Term:
    """A part of the loss. Subclass it to add your own; `net` None means that it looks at the picture alone."""

    net = None
    layers = ()
    image = None  # the picture that the term's target was taken from: an initialisation may start from it

    def check(self, pictures):
        """Raise an InputError if this term cannot be computed for pictures of this size; asked before a run starts."""
        if self.net is not None:
            self.net.check_size(pictures, self.layers)
        if self.image is not None and len(self.image) not in (1, len(pictures)):
            raise InputError(f"{len(self.image)} target images need as many pictures, or be one; got {len(pictures)}.")

    def losses(self, pictures, activations):
        """Weighted losses by name, {label: scalar tensor}.

        pictures: (N, 3, H, W). activations: {layer: (N, C, h, w)}, this term's layers of this term's network.
        """
        raise NotImplementedError

    def arguments(self):
        """What the constructor was called with, besides the network: a saved run makes its terms anew from it."""
        raise InputError(f"A {type(self).__name__} does not say how it is made; hand it to Synthesis.load yourself.")

    def describe(self):
        """A few words for captions."""
        return type(self).__name__


class Content(Term):
    """Content loss: the picture's activations at one layer shall be the content image's (equation 1).

    image: (1, 3, H, W). weight: the paper's α. convention: see `stylelib.losses`.
    """

    def __init__(self, net, image, layer=CONTENT_LAYER, weight=1.0, convention="relative"):
        self.net, self.image = check_network(net), _on_device(net, image, "the content image")
        self.layers = net.check_layers(layer)
        if len(self.layers) > 1:
            raise InputError("A content term looks at one layer; give a list of terms, one for each layer.")
        (self.layer,) = self.layers
        self.weight = check_weight(weight, "the content weight")
        self.convention = check_choice("convention", convention, losses.CONVENTIONS)
        with torch.no_grad(), computing(self.image):
            self.target = net(self.image, self.layers)[self.layer]

    def check(self, pictures):
        super().check(pictures)
        if pictures.shape[-2:] != self.image.shape[-2:]:
            raise InputError(
                f"The picture is {_size(pictures)} and the content image {_size(self.image)}: a content term needs "
                f"both alike; start from the content image or from noise of its size."
            )

    def losses(self, pictures, activations):
        loss = losses.content_loss(activations[self.layer], self.target, self.convention)
        return {f"content {self.layer}": self.weight * loss}

    def arguments(self):
        return {"image": self.image, "layer": self.layer, "weight": self.weight, "convention": self.convention}

    def describe(self):
        return f"content {self.layer} × {self.weight:g} ({self.convention})"


class Style(Term):
    """Style loss: the picture's Gram matrices at some layers shall be the style image's (equations 3 to 5).

    image: (1, 3, H, W), of any size: the Gram matrices are compared per position. layers: names, each with weight
    w_l = 1 / number of layers as in the paper, or a dict {name: w_l}. weight: the paper's β.
    """

    def __init__(self, net, image, layers=STYLE_LAYERS, weight=1.0, convention="relative"):
        self.net, self.image = check_network(net), _on_device(net, image, "the style image")
        self.layers = net.check_layers(layers)
        self.layer_weights = {
            layer: check_weight(layers[layer], f"the weight of {layer}")
            if isinstance(layers, dict)
            else 1 / len(self.layers)
            for layer in self.layers
        }
        self.weight = check_weight(weight, "the style weight")
        self.convention = check_choice("convention", convention, losses.CONVENTIONS)
        with torch.no_grad(), computing(self.image):  # for one position: M times it is the paper's A
            self.targets = {
                layer: losses.gram_matrix(seen) / seen[0, 0].numel()
                for layer, seen in net(self.image, self.layers).items()
            }

    def losses(self, pictures, activations):
        found = {}
        for layer, layer_weight in self.layer_weights.items():
            seen = activations[layer]
            target = self.targets[layer] * seen[0, 0].numel()
            loss = losses.style_layer_loss(seen, target, self.convention)
            found[f"style {layer}"] = self.weight * layer_weight * loss
        return found

    def arguments(self):
        return {"image": self.image, "layers": self.layer_weights, "weight": self.weight, "convention": self.convention}

    def describe(self):
        return f"style {', '.join(self.layers)} × {self.weight:g} ({self.convention})"


class Smoothness(Term):
    """Total variation, against noise. Not in the paper."""

    def __init__(self, weight):
        self.weight = check_weight(weight, "the smoothness weight")

    def losses(self, pictures, activations):
        return {"smoothness": self.weight * losses.total_variation(pictures)}

    def arguments(self):
        return {"weight": self.weight}

    def describe(self):
        return f"smoothness × {self.weight:g}"


def check_weight(weight, label):
    """Return `weight` as a float if it is a finite number and not negative, else raise an InputError."""
    try:
        number = float(weight)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"{label[0].upper()}{label[1:]} must be a number, zero or more; got {weight!r}.")
    return number


def check_network(net):
    """Return `net` if it is a network as load_network gives, else raise an InputError."""
    if not hasattr(net, "check_layers"):
        raise InputError(f"A term's first argument is a network, as load_network gives; got {type(net).__name__}.")
    return net


def _on_device(net, image, label):
    return check_picture(image, label).detach().to(net.device, torch.float32)


def _size(pictures):
    return f"{pictures.shape[-1]} × {pictures.shape[-2]}"
