"""Activation normalisation, section 2 of the paper: the mean activation of every filter becomes 1."""

import contextlib
import hashlib
import pathlib
from collections.abc import Mapping, Sequence

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from stylelib.images import load_image
from stylelib.protocols.network import Network
from stylelib.support.errors import InputError
from stylelib.support.files import write_atomically
from stylelib.support.gallery import bundled_images
from stylelib.support.machine import computing
from stylelib.vgg import VGG
from stylelib.weights.formats import fingerprint
from stylelib.weights.store import weights_folder

NORMALIZATION_SIZE = 256  # longer side, in pixels, of the pictures that the means are taken over
LEAST_SHARE = 0.05  # a filter's mean counts as at least this share of its layer's mean


def mean_activations(net: Network, pictures: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return the mean activation of each filter over pictures and positions.

    Parameters
    ----------
    net : Network
        The network.
    pictures : Sequence of Tensor
        (1, 3, H, W) each; they may differ in size, and each weighs the same.

    Returns
    -------
    dict of str to Tensor
        {layer: (C,)}.
    """
    means = []
    for picture in pictures:
        with computing(picture), torch.no_grad():
            means.append({layer: seen.mean(dim=(0, 2, 3)) for layer, seen in net(picture, net.layers).items()})
    return {layer: torch.stack([mean[layer] for mean in means]).mean(dim=0) for layer in net.layers}


@torch.no_grad()
def normalize_activations(net: VGG, means: Mapping[str, Tensor]) -> VGG:
    """Rescale the weights in place, so that the mean activation of each filter is 1: section 2 of the paper.

    Every filter is divided by its mean, and the next layer's weights for it are multiplied by the same number. Because
    a ReLU passes a positive factor through, each activation becomes its old value divided by `net.scales[layer]`, and
    nothing else changes. A filter that hardly ever fires would be scaled up to mostly noise, so its mean counts as
    `LEAST_SHARE` of its layer's, and it stays below 1.

    Parameters
    ----------
    net : VGG
        The network.
    means : Mapping
        {layer: (C,)}, as `mean_activations` gives.

    Returns
    -------
    VGG
        The same network.
    """
    net.made_of = ""
    incoming = torch.ones(3, device=net.device, dtype=torch.float32)
    for layer, convolution in net.convolutions.items():
        scale = means[layer].to(net.device).clamp(min=LEAST_SHARE * means[layer].mean().item())
        scale = torch.where(scale > 0, scale, 1.0)  # a layer that never fires stays as it is
        weight, bias = convolution.parameters()
        weight.mul_(incoming[:, None, None] / scale[:, None, None, None])
        bias.div_(scale)
        convolution.get_buffer("scale").mul_(scale)
        incoming = scale
    return net


def normalize_over_bundled_pictures(net: VGG) -> VGG:
    """Normalise in place over the project's own pictures. The means take seconds, so they are kept in the cache."""
    paths = [path for name, path in sorted(bundled_images().items()) if name != "grace_hopper"]
    key = hashlib.sha256(f"{net.fingerprint()} {NORMALIZATION_SIZE}".encode())
    for path in paths:
        key.update(path.read_bytes())
    cached = weights_folder() / f"mean-activations-{net.name}-{key.hexdigest()[:16]}.safetensors"
    means = _cached_means(cached, net)
    if means is None:
        means = mean_activations(net, [load_image(path, NORMALIZATION_SIZE) for path in paths])
        with contextlib.suppress(OSError, InputError):  # a folder that cannot be written costs seconds, no more
            cached.parent.mkdir(parents=True, exist_ok=True)
            with write_atomically(cached) as file:
                file.write(safetensors.torch.save(means, {"sha256": fingerprint(means)}))
    return normalize_activations(net, means)


def _cached_means(path: pathlib.Path, net: VGG) -> dict[str, Tensor] | None:
    """Return the means in a file of the cache; None if it is not there, damaged, or of another network."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            about = file.metadata() or {}
            means = {layer: file.get_tensor(layer) for layer in net.layers}
    except (OSError, safetensors.SafetensorError):
        return None
    fits = all(mean.dtype == torch.float32 and mean.shape == (net.filters(layer),) for layer, mean in means.items())
    return means if fits and about.get("sha256") == fingerprint(means) else None
