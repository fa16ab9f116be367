"""Style transfer as the well-known tutorials write it; stylelib's speed is compared with this.

It is a `torch.nn.Sequential` of convolutions, ReLUs and poolings with the losses in between, frozen, cut off after the
deepest loss, and differentiated by PyTorch's autograd. (Code that does not freeze or cut off is slower still.) The
losses are in stylelib's relative convention, so that both optimise the same thing.
"""

from collections.abc import Iterator

import torch
from torch import Tensor


class ContentLoss(torch.nn.Module):
    """A layer that passes its input on and keeps its content loss."""

    def __init__(self, target, weight):
        super().__init__()
        self.target, self.factor, self.loss = target.detach(), weight / target.square().sum(), None

    def forward(self, x):
        self.loss = self.factor * (x - self.target).square().sum()
        return x


class StyleLoss(torch.nn.Module):
    """A layer that passes its input on and keeps its style loss."""

    def __init__(self, activations, weight):
        super().__init__()
        self.target, self.loss = self.gram(activations).detach(), None
        self.factor = weight / self.target.square().sum()

    @staticmethod
    def gram(activations):
        _, filters, height, width = activations.shape
        features = activations.reshape(filters, height * width)
        return features @ features.t() / (height * width)

    def forward(self, x):
        self.loss = self.factor * (self.gram(x) - self.target).square().sum()
        return x


class Reference:
    """Compute the loss of one picture and its gradient: `loss, gradient = reference(picture)`.

    net is a VGG of stylelib; photo and painting are pictures (1, 3, H, W); alpha_beta is α/β, with β = 1.
    """

    def __init__(self, net, photo, painting, content_layer, style_layers, alpha_beta):
        self.mean, self.std = net.mean.clone(), net.std.clone()
        self.losses, modules = [], []
        deepest = max(net.layers.index(layer) for layer in [content_layer, *style_layers])
        with torch.no_grad():
            content, style = (photo - self.mean) / self.std, (painting - self.mean) / self.std
            for layer in net.layers[: deepest + 1]:
                block = [net.convolutions[layer], torch.nn.ReLU()]
                if layer.endswith("_1") and layer != "conv1_1":
                    block.insert(0, torch.nn.AvgPool2d(2) if net.pooling == "avg" else torch.nn.MaxPool2d(2))
                for module in block:
                    content, style = module(content), module(style)
                modules += block
                if layer == content_layer:
                    self.losses.append(ContentLoss(content, alpha_beta))
                    modules.append(self.losses[-1])
                if layer in style_layers:
                    self.losses.append(StyleLoss(style, 1 / len(style_layers)))
                    modules.append(self.losses[-1])
        self.model = torch.nn.Sequential(*modules).requires_grad_(False).eval()

    def loss(self, picture: Tensor) -> Tensor:
        self.model((picture - self.mean) / self.std)
        return sum(module.loss for module in self.losses)

    def __call__(self, picture: Tensor) -> tuple[float, Tensor]:
        picture = picture.detach().requires_grad_(True)
        loss = self.loss(picture)
        loss.backward()
        return loss.item(), picture.grad

    def steps(self, picture: Tensor) -> Iterator[float]:
        """Run torch's L-BFGS at its defaults, as the tutorials do, and yield the loss of every evaluation.

        Its tolerances are absolute and the relative losses are small, so it gets a million times the loss, which is
        about the scale of the tutorials' weights.
        """
        picture = picture.detach().clone().requires_grad_(True)
        # one iteration a call, because the default of twenty evaluates one picture twice
        optimizer = torch.optim.LBFGS([picture], max_iter=1)

        def closure():
            optimizer.zero_grad()
            loss = 1e6 * self.loss(picture)
            loss.backward()
            return loss

        while True:
            yield optimizer.step(closure).item() / 1e6
