"""VGG by name: pictures in, named activations out.

    net = load_network("compact")
    net(picture, ["conv1_1", "conv4_2"])    # {"conv1_1": tensor (1, 38, H, W), "conv4_2": tensor (1, 276, H/8, W/8)}

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014. A VGG is five blocks
of 3 × 3 convolutions, each followed by a ReLU; between the blocks a pooling halves the picture. The paper's layer names
count block and convolution: conv4_2 is the second convolution of the fourth block, and what is read there is the
rectified response, after the ReLU.
"""

import contextlib
import dataclasses
import hashlib
import html
import pathlib
import warnings

import safetensors.torch
import torch

from stylelib import engine
from stylelib.errors import InputError, check_choice, check_whole
from stylelib.images import bundled_images, check_shape, load_image, write_atomically
from stylelib.machine import computing, pick_device
from stylelib.weights import (
    DOWNLOADS,
    EMBEDDED,
    LAYOUTS,
    PRETRAINED,
    WIDTHS,
    Weights,
    find_weights,
    load_weights,
    weights_folder,
)

POOLINGS = engine.POOLINGS
DEFAULT = ("vgg19", "compact")  # where no name is given: the first of them that is here
RANDOM = "-random"  # "vgg19-random": the architecture with weights drawn from a seed


def block_of(layer):
    """Number of the block a layer is in: "conv4_2" → 4."""
    return int(layer.removeprefix("conv").split("_")[0])


def layer_names(layout):
    """Names of the convolutions of a layout, in order: (1, 2) → ["conv1_1", "conv2_1", "conv2_2"]."""
    return [f"conv{block}_{index}" for block, count in enumerate(layout, 1) for index in range(1, count + 1)]


def check_layers(layers, known, name):
    """Return the layers, one name or several, as a list; InputError for one that the network `name` does not have."""
    if not isinstance(layers, str) and not hasattr(layers, "__iter__"):
        raise InputError(f"Layers are named by a text or a list of texts, such as 'conv4_2'; got {layers!r}.")
    layers = [layers] if isinstance(layers, str) else list(layers)
    if not layers:
        raise InputError(f"No layer was named; {name} has {', '.join(known)}.")
    return [check_choice(f"layer in {name}", layer, known) for layer in dict.fromkeys(layers)]


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
        self.precision, self.engine = "exact", None  # an engine computes what `forward` says, faster; see engine.py
        self.made_of = ""  # which weights, and how they were normalised, as far as load_network knows
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1))
        self.convolutions = torch.nn.ModuleDict()
        for layer in self.layers:
            weight, bias = tensors[f"{layer}.weight"], tensors[f"{layer}.bias"]
            convolution = torch.nn.Conv2d(weight.shape[1], weight.shape[0], kernel_size=3, padding=1)
            convolution.weight.data, convolution.bias.data = weight.float().clone(), bias.float().clone()
            convolution.register_buffer("scale", torch.ones(weight.shape[0]))  # see normalize_activations
            self.convolutions[layer] = convolution
        self.eval().requires_grad_(False)

    def forward(self, pictures, layers):
        """Rectified activations of the named layers.

        pictures: (N, 3, H, W), RGB, 0 to 1, on any device. Returns {layer: (N, C, h, w)} on the network's device, in
        the order of the network; the computation stops at the deepest layer asked for. Differentiable with respect
        to the pictures. Raises InputError for unknown layers and for pictures too small for the deepest.
        """
        wanted = self.check_layers(layers)
        self.check_size(check_shape(pictures, "what the network is shown"), wanted)
        activations = {}
        x = (pictures.to(self.mean) - self.mean) / self.std  # .to: the device and the precision of the network
        if self.engine is not None and self.engine.takes(self, x):
            return self.engine(self, x, wanted)  # the same as what follows, faster
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
        return check_layers(layers, self.layers, self.name)

    def check_size(self, pictures, layers):
        """Raise InputError if the pictures are too small to have anything left at the deepest of the layers."""
        deepest = max(layers, key=self.layers.index)
        least, shorter = self.stride(deepest), min(pictures.shape[-2:])
        if shorter < least:
            raise InputError(
                f"{deepest} of {self.name} needs pictures of at least {least} pixels on the shorter side; "
                f"this one has {shorter}. Use a larger size or a layer less deep."
            )

    @property
    def device(self):
        return self.mean.device

    @property
    def scales(self):
        """What each filter's activations were divided by in the normalisation, {layer: (C,)}."""
        return {layer: convolution.scale for layer, convolution in self.convolutions.items()}

    def filters(self, layer):
        """Number of filters of a layer, the paper's N_l."""
        return self.convolutions[check_choice(f"layer in {self.name}", layer, self.layers)].out_channels

    def stride(self, layer):
        """How many pixels of the picture lie between two positions of a layer: it doubles at each pooling."""
        return 2 ** (block_of(check_choice(f"layer in {self.name}", layer, self.layers)) - 1)

    def receptive_field(self, layer):
        """Side, in pixels, of the square of the picture that one position of the layer can see."""
        check_choice(f"layer in {self.name}", layer, self.layers)
        field, stride = 1, 1
        for name in self.layers[: self.layers.index(layer) + 1]:
            if self.stride(name) != stride:  # a 2 × 2 pooling adds one step of the resolution before it
                field, stride = field + stride, self.stride(name)
            field += 2 * stride  # a 3 × 3 convolution adds one step on either side
        return field

    def memory(self, pictures, layers, runs=1):
        """Bytes that the gradient of a loss at some layers needs at its worst moment, the weights not counted.

        All activations up to the deepest layer, two gradients as large as the largest, and on the readable way, or for
        the pictures of several runs, each wanted layer's gradient too. An estimate for Content and Style: the measured
        need is 0.7 to 1 of it.
        """
        (count, _, height, width), size = pictures.shape, 2 if self.precision == "fast" else 4
        last = max(map(self.layers.index, layers))
        numbers = {
            layer: count * self.filters(layer) * (height // self.stride(layer)) * (width // self.stride(layer))
            for layer in self.layers[: last + 1]
        }
        largest, handed_out = max(numbers.values()), sum(numbers[layer] for layer in layers)
        if self.engine is None:
            return 4 * (sum(numbers.values()) + 2 * largest + handed_out)
        held = sum(one for layer, one in numbers.items() if layer in layers or engine.keeps(self, layer, pictures))
        largest *= 4 if self.pooling == "max" else 2  # places of the maxima, and a gradient before and after the ReLU
        return size * (held + largest) + (4 * handed_out if self.precision == "fast" or runs > 1 else 0)

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
        precision = "" if self.precision == "exact" else f"; {self.precision} precision"
        return f"{self.name} ({self.source.removeprefix(f'{self.name}: ')}; {self.pooling} pooling{precision})"

    def __repr__(self):
        return f"VGG({self.describe()}: {self.layers[0]} … {self.layers[-1]})"

    def fingerprint(self):
        """SHA-256 of everything that decides the activations, as hexadecimal text; the same on every machine.

        So it is taken of the weights as they were stored: normalising leaves last bits that depend on the processor.
        """
        rounded = " fast" if self.precision == "fast" else ""
        digest = hashlib.sha256(f"{self.pooling} {self.made_of}{rounded}".encode())
        if self.made_of:
            return digest.hexdigest()
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
    means = []
    for picture in pictures:
        with torch.no_grad(), computing(picture):
            means.append({layer: x.mean(dim=(0, 2, 3)) for layer, x in net(picture, net.layers).items()})
    return {layer: torch.stack([one[layer] for one in means]).mean(dim=0) for layer in net.layers}


@torch.no_grad()
def normalize_activations(net, means):
    """Rescale the weights so that the mean activation of each filter is 1, section 2 of the paper. In place.

    means: {layer: (C,)} as `mean_activations` gives. Every filter is divided by its mean, and the next layer's
    weights for it are multiplied by the same number: a ReLU passes a positive factor through, so each activation is
    its old value divided by `net.scales[layer]` and nothing else changes. A filter that hardly ever fires would be
    blown up to mostly noise; its mean counts as LEAST_SHARE of its layer's, and it stays below 1.
    """
    net.made_of = ""
    incoming = torch.ones(3, device=net.device)
    for layer, convolution in net.convolutions.items():
        scale = means[layer].to(net.device).clamp(min=LEAST_SHARE * means[layer].mean().item())
        scale = torch.where(scale > 0, scale, 1.0)  # a layer that never fires stays as it is
        convolution.weight *= incoming[:, None, None] / scale[:, None, None, None]
        convolution.bias /= scale
        convolution.scale *= scale
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

    name: "vgg19", "vgg16", "vgg13", "vgg11" (torchvision's pretrained weights, downloaded once), "compact" and
        "compact11" (small ones, shipped with stylelib), or one of these with "-random" (weights drawn from `seed`).
        A list of names means the first whose weights are on this machine, never a download; no name means
        ["vgg19", "compact"].
    weights: path of a file in torchvision's layout that you have already.
    pooling: "avg", as the paper prefers, or "max", as VGG was trained.
    normalize: rescale so that each filter's mean activation over the bundled pictures is 1, as in the paper.
    precision: "exact" is float32 throughout; "mixed" computes the gradient, and "fast" everything, in bfloat16 where
        the machine multiplies that in hardware, and warns where it does not. See `stylelib.engine`.
    device: "cpu", "cuda", "mps" or None for the best that this machine has.

    Raises InputError, in one sentence, for unknown names and for weights that cannot be had.
    """
    check_choice("precision", precision, engine.PRECISIONS)
    device = pick_device(device)
    path = str(pathlib.Path(weights).expanduser().resolve()) if weights else ""
    if isinstance(name, list | tuple) or (name is None and not path):
        name, found = _first_here(name or DEFAULT)
    else:
        name = check_name(name or "vgg19")
        found = _find(name, path, seed)
    identity = {"name": name, "weights": path, "pooling": pooling, "normalize": normalize, "seed": seed}
    identity["device"] = str(device)
    net = VGG(LAYOUTS[architecture(name)], found.tensors, found.mean, found.std, pooling, name, found.source, identity)
    if normalize:
        _normalize_over_bundled_pictures(net)
    net.made_of = f"{name} {found.sha256 or seed} {'normalised' if normalize else 'as stored'}"
    net.precision, net.engine, missing = engine.choose(precision, device)
    net.identity["precision"] = net.precision
    if missing:
        warnings.warn(missing, stacklevel=2)
    return net.to(device)


def check_name(name):
    """Return the name if load_network knows it, else raise an InputError."""
    return check_choice("network", name, [*LAYOUTS, *(f"{one}{RANDOM}" for one in LAYOUTS)])


def check_layers_by_name(name, layers):
    """`check_layers` for a network that need not be loaded, let alone downloaded."""
    return check_layers(layers, layer_names(LAYOUTS[architecture(check_name(name))]), name)


def architecture(name):
    """ "vgg19-random" → "vgg19": two networks of one architecture have the same layers."""
    return name.removesuffix(RANDOM)


def _first_here(names):
    """The first of the networks whose weights are here and whole, with a line that says which; never a download."""
    for name in [check_name(name) for name in names]:
        here = name.endswith(RANDOM) or find_weights(name)
        try:
            found = _find(name, "", 0, download=False) if here else None
        except InputError as error:
            warnings.warn(f"{error} Another network is taken instead.", stacklevel=3)
            continue
        if here:
            print(f"Network: {_why(name, names)}")
            return name, found
    raise InputError(
        f"None of {', '.join(names)} has its weights on this machine; load_network('{names[0]}') downloads them, "
        f"load_network('compact') needs no download."
    )


def _why(name, names):
    """Which network was taken, why, and how to have the other, in a line."""
    if name not in EMBEDDED:
        return f"{name}, whose weights are on this machine; load_network('compact') is a small one."
    missing = next((other for other in names if other in PRETRAINED), None)
    other = f" (no pretrained {missing} on this machine); load_network('{missing}') downloads it" if missing else ""
    size = f", {DOWNLOADS[missing]} MB once" if missing else ""
    return f"{name}, a small one that comes with stylelib{other}{size}."


def _find(name, path, seed, download=True):
    if not name.endswith(RANDOM):
        return load_weights(name, layer_names(LAYOUTS[name]), path or None, download)
    if path:
        raise InputError(f"{name} draws its weights from a seed: leave out the file, or name {architecture(name)}.")
    return _random_weights(name, seed)


def _random_weights(name, seed):
    """He initialisation: the same architecture, with nothing learned."""
    generator = torch.Generator().manual_seed(check_whole("seed", seed, 0))
    channels, tensors = 3, {}
    for layer in layer_names(LAYOUTS[architecture(name)]):
        filters = WIDTHS[architecture(name)][block_of(layer) - 1]
        deviation = (2 / (9 * channels)) ** 0.5
        tensors[f"{layer}.weight"] = torch.randn(filters, channels, 3, 3, generator=generator) * deviation
        tensors[f"{layer}.bias"] = torch.zeros(filters)
        channels = filters
    source = f"random weights, seed {seed}"
    return Weights(tensors, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), name, source, "")
