"""VGG by name: pictures in, named activations out.

    net = load_network("compact")
    net(picture, ["conv1_1", "conv4_2"])    # {"conv1_1": tensor (1, 32, H, W), "conv4_2": tensor (1, 256, H/8, W/8)}

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014. A VGG is five blocks
of 3 × 3 convolutions, each followed by a ReLU; between the blocks a pooling halves the picture. The paper's layer names
count block and convolution: conv4_2 is the second convolution of the fourth block, and what is read there is the
rectified response, after the ReLU.
"""

import contextlib
import dataclasses
import hashlib
import html

import safetensors.torch
import torch
import torch.nn.functional as F

from stylelib.errors import InputError, check_choice
from stylelib.images import bundled_images, load_image, write_atomically
from stylelib.machine import pick_device
from stylelib.weights import DEPTHS, WIDTHS, Weights, find_weights, load_weights, weights_folder

LAYOUTS = {**DEPTHS, "compact": (2, 2, 2, 2, 2)}  # convolutions in each block
POOLINGS = {"avg": F.avg_pool2d, "max": F.max_pool2d}
RANDOM = "-random"  # "vgg19-random": the architecture with weights drawn from a seed


def block_of(layer):
    """Number of the block a layer is in: "conv4_2" → 4."""
    return int(layer.removeprefix("conv").split("_")[0])


def layer_names(layout):
    """Names of the convolutions of a layout, in order: (1, 2) → ["conv1_1", "conv2_1", "conv2_2"]."""
    return [f"conv{block}_{index}" for block, count in enumerate(layout, 1) for index in range(1, count + 1)]


class VGG(torch.nn.Module):
    """The convolutions of a VGG, frozen.

    layout: convolutions in each block. tensors: {"conv1_1.weight": (C, 3, 3, 3), "conv1_1.bias": (C,), …}.
    mean, std: three numbers each; what the weights expect to be subtracted from an RGB picture and divided out.
    """

    def __init__(self, layout, tensors, mean, std, pooling="avg", name="", source="", identity=None):
        super().__init__()
        self.layers = layer_names(layout)
        self.pool = POOLINGS[check_choice("pooling", pooling, POOLINGS)]
        self.pooling, self.name, self.source = pooling, name, source
        self.identity = identity or {}  # what load_network was asked for: a saved run finds its network by it
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1))
        self.convolutions = torch.nn.ModuleDict()
        for layer in self.layers:
            weight, bias = tensors[f"{layer}.weight"], tensors[f"{layer}.bias"]
            convolution = torch.nn.Conv2d(weight.shape[1], weight.shape[0], kernel_size=3, padding=1)
            convolution.weight.data, convolution.bias.data = weight.float().clone(), bias.float().clone()
            self.convolutions[layer] = convolution
        self.scales = {layer: torch.ones(self.filters(layer)) for layer in self.layers}  # see normalize_activations
        self.eval().requires_grad_(False)

    def forward(self, pictures, layers):
        """Rectified activations of the named layers.

        pictures: (N, 3, H, W), RGB, 0 to 1. Returns {layer: (N, C, h, w)}, in the order of the network; the
        computation stops at the deepest layer asked for. Differentiable with respect to the pictures.
        """
        wanted = self.check_layers(layers)
        self.check_size(pictures, wanted)
        activations = {}
        x = (pictures - self.mean) / self.std
        for layer, convolution in self.convolutions.items():
            if layer.endswith("_1") and layer != "conv1_1":  # a new block begins
                x = self.pool(x, 2)
            x = torch.relu(convolution(x))
            if layer in wanted:
                activations[layer] = x
            if len(activations) == len(wanted):
                return activations

    def check_layers(self, layers):
        """Return the layers as a list, or raise an InputError that names the one that this network does not have."""
        layers = [layers] if isinstance(layers, str) else list(layers)
        if not layers:
            raise InputError(f"No layer was named; {self.name} has {', '.join(self.layers)}.")
        return [check_choice(f"layer in {self.name}", layer, self.layers) for layer in dict.fromkeys(layers)]

    def check_size(self, pictures, layers):
        """Raise InputError if the pictures are too small to have anything left at the deepest of the layers."""
        deepest = max(layers, key=self.layers.index)
        least, shorter = self.stride(deepest), min(pictures.shape[-2:])
        if shorter < least:
            raise InputError(
                f"{deepest} of {self.name} needs pictures of at least {least} pixels on the shorter side; "
                f"this one has {shorter}. Use a larger size or a layer less deep."
            )

    def filters(self, layer):
        """Number of filters of a layer, the paper's N_l."""
        return self.convolutions[layer].out_channels

    def stride(self, layer):
        """How many pixels of the picture lie between two positions of a layer: it doubles at each pooling."""
        return 2 ** (block_of(layer) - 1)

    def receptive_field(self, layer):
        """Side, in pixels, of the square of the picture that one position of the layer can see."""
        field, stride = 1, 1
        for name in self.layers[: self.layers.index(layer) + 1]:
            if self.stride(name) != stride:  # a 2 × 2 pooling adds one step of the resolution before it
                field, stride = field + stride, self.stride(name)
            field += 2 * stride  # a 3 × 3 convolution adds one step on either side
        return field

    def table(self, size=256):
        """What each layer is, as a table that prints and shows itself in a notebook.

        size: side of the square picture for which the cost is counted, in pixels.
        """
        rows = []
        for layer, convolution in self.convolutions.items():
            stride = self.stride(layer)
            parameters = convolution.weight.numel() + convolution.bias.numel()
            cost = convolution.weight.numel() * (size // stride) ** 2 / 1e6
            rows.append((layer, self.filters(layer), stride, self.receptive_field(layer), parameters, round(cost, 1)))
        cost_title = f"million multiplications at {size} px"
        columns = ("layer", "channels", "stride", "receptive field", "parameters", cost_title)
        return Table(columns, rows, f"{self.describe()}, {sum(row[4] for row in rows):,} parameters")

    def describe(self):
        """One line for captions: which network, whose weights, what pooling."""
        return f"{self.name} ({self.source.removeprefix(f'{self.name}: ')}; {self.pooling} pooling)"

    def __repr__(self):
        return f"VGG({self.describe()}: {self.layers[0]} … {self.layers[-1]})"

    def fingerprint(self):
        """SHA-256 of everything that decides the activations, as hexadecimal text."""
        digest = hashlib.sha256(self.pooling.encode())
        for tensor in (self.mean, self.std, *self.parameters()):
            digest.update(tensor.detach().cpu().numpy().tobytes())
        return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows under column names; prints as text, shows as HTML in a notebook."""

    columns: tuple
    rows: list
    title: str = ""

    def _cells(self):
        return [[f"{value:,}" if isinstance(value, int | float) else str(value) for value in row] for row in self.rows]

    def __str__(self):
        lines = [list(self.columns), *self._cells()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [" ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([self.title, *text] if self.title else text)

    __repr__ = __str__

    def _repr_html_(self):
        def line(cells, tag):
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        rows = "".join(line(cells, "td") for cells in self._cells())
        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}<thead>{line(self.columns, 'th')}</thead><tbody>{rows}</tbody></table>"


# ------------------------------------------------------------------------------------------- activation normalisation

NORMALIZATION_SIZE = 256  # longer side, in pixels, of the pictures that the means are taken over
LEAST_SHARE = 0.05  # a filter's mean counts as at least this share of its layer's mean


def mean_activations(net, pictures):
    """Mean activation of each filter over pictures and positions: {layer: (C,)}.

    pictures: a list of picture tensors, which may differ in size; each weighs the same.
    """
    with torch.no_grad():
        means = [{layer: x.mean(dim=(0, 2, 3)) for layer, x in net(p, net.layers).items()} for p in pictures]
    return {layer: torch.stack([one[layer] for one in means]).mean(dim=0) for layer in net.layers}


def normalize_activations(net, means):
    """Rescale the weights so that the mean activation of each filter is 1, section 2 of the paper. In place.

    means: {layer: (C,)} as `mean_activations` gives. Every filter is divided by its mean, and the next layer's
    weights for it are multiplied by the same number: a ReLU passes a positive factor through, so each activation is
    its old value divided by `net.scales[layer]` and nothing else changes. A filter that hardly ever fires would be
    blown up to mostly noise; its mean counts as LEAST_SHARE of its layer's, and it stays below 1.
    """
    incoming = torch.ones(3)
    for layer, convolution in net.convolutions.items():
        scale = means[layer].clamp(min=LEAST_SHARE * means[layer].mean().item())
        scale = torch.where(scale > 0, scale, 1.0)  # a layer that never fires stays as it is
        convolution.weight.data *= incoming[:, None, None] / scale[:, None, None, None]
        convolution.bias.data /= scale
        net.scales[layer] = net.scales[layer] * scale
        incoming = scale
    return net


def _normalize_over_bundled_pictures(net):
    """Normalise over the project's own pictures; the means are kept in the cache, since they cost seconds."""
    paths = [path for name, path in sorted(bundled_images().items()) if name != "grace_hopper"]
    key = hashlib.sha256(f"{net.fingerprint()} {NORMALIZATION_SIZE}".encode())
    for path in paths:
        key.update(path.read_bytes())
    cached = weights_folder() / f"mean-activations-{net.name}-{key.hexdigest()[:16]}.safetensors"
    try:
        means = safetensors.torch.load_file(cached)
    except (OSError, safetensors.SafetensorError):  # not there yet, or damaged
        means = mean_activations(net, [load_image(path, NORMALIZATION_SIZE) for path in paths])
        with contextlib.suppress(OSError, InputError):  # a folder that cannot be written costs seconds, no more
            cached.parent.mkdir(parents=True, exist_ok=True)
            with write_atomically(cached) as file:
                file.write(safetensors.torch.save(means))
    return normalize_activations(net, means)


# ------------------------------------------------------------------------------------------------------ loading by name


def load_network(name=None, weights=None, pooling="avg", normalize=True, precision="exact", device=None, seed=0):
    """Load a VGG by name, ready to use: frozen, activation-normalised as in the paper, on the best device.

    name: "vgg19", "vgg16", "vgg13", "vgg11" (torchvision's pretrained weights, downloaded once), "compact" (small,
        shipped with stylelib), or one of these with "-random" (weights drawn from `seed`). Without a name: VGG-19
        if its weights are on this machine, else compact; never a download.
    weights: path of a file in torchvision's layout that you have already.
    pooling: "avg", as the paper prefers, or "max", as VGG was trained.
    normalize: rescale so that each filter's mean activation over the bundled pictures is 1, as in the paper.
    precision: "exact" is float32 throughout.
    device: "cpu", "cuda", "mps" or None for the best that this machine has.

    Raises InputError, in one sentence, for unknown names and for weights that cannot be had.
    """
    chosen_here = name is None and weights is None
    if name is None:
        name = _choose_network() if chosen_here else "vgg19"
    check_choice("network", name, [*LAYOUTS, *(f"{one}{RANDOM}" for one in LAYOUTS)])
    check_choice("precision", precision, ("exact",))
    device = pick_device(device)
    layout = LAYOUTS[name.removesuffix(RANDOM)]
    if name.endswith(RANDOM):
        found = _random_weights(name, layout, seed)
    else:
        found = load_weights(name, layer_names(layout), weights, download=not chosen_here)
    identity = {"name": name, "weights": str(weights or ""), "pooling": pooling, "normalize": normalize, "seed": seed}
    net = VGG(layout, found.tensors, found.mean, found.std, pooling, name, found.source, identity)
    if normalize:
        _normalize_over_bundled_pictures(net)
    return net.to(device)


def _choose_network():
    if find_weights("vgg19"):
        print("Network: vgg19, whose pretrained weights are on this machine; load_network('compact') is the small one.")
        return "vgg19"
    print(
        "Network: compact, the small one that comes with stylelib (no pretrained VGG-19 on this machine); "
        "load_network('vgg19') downloads the paper's, 548 MB once."
    )
    return "compact"


def _random_weights(name, layout, seed):
    """He initialisation: the same architecture, with nothing learned."""
    generator = torch.Generator().manual_seed(seed)
    channels, tensors = 3, {}
    widths = WIDTHS[name.removesuffix(RANDOM)]
    for layer in layer_names(layout):
        filters = widths[block_of(layer) - 1]
        deviation = (2 / (9 * channels)) ** 0.5
        tensors[f"{layer}.weight"] = torch.randn(filters, channels, 3, 3, generator=generator) * deviation
        tensors[f"{layer}.bias"] = torch.zeros(filters)
        channels = filters
    source = f"random weights, seed {seed}"
    return Weights(tensors, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), name, source, "")
