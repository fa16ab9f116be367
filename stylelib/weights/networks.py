"""Networks by name: `load_network`, and `register_network` for one of your own."""

import functools
import pathlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch

from stylelib.engine import engine
from stylelib.protocols.network import Network, check_layers
from stylelib.support.errors import InputError, check_choice, check_whole
from stylelib.support.machine import pick_device
from stylelib.vgg import LAYOUTS, VGG, WIDTHS, block_of, layer_names
from stylelib.weights.download import DOWNLOADS
from stylelib.weights.formats import Weights
from stylelib.weights.normalization import normalize_over_bundled_pictures
from stylelib.weights.store import EMBEDDED, PRETRAINED, find_weights, load_weights

DEFAULT = ("vgg19", "compact")  # where no name is given: the first of them that is here
RANDOM = "-random"  # "vgg19-random": the architecture with weights drawn from a seed
registered: dict[str, Callable[..., Network]] = {}  # networks of your own, see register_network


def load_network(
    name: str | Sequence[str] | None = None,
    weights: str | pathlib.Path | None = None,
    pooling: str = "avg",
    normalize: bool = True,
    precision: str = "exact",
    device: str | torch.device | None = None,
    seed: int = 0,
) -> Network:
    """Load a network by name, ready to use: frozen, activation-normalised as in the paper, on the best device.

    Parameters
    ----------
    name : str or Sequence of str, optional
        "vgg19", "vgg16", "vgg13", "vgg11" (torchvision's pretrained weights, downloaded once), "compact" and
        "compact11" (small ones, shipped with stylelib), one of these with "-random" (weights drawn from `seed`), or a
        name given to `register_network`. Several names mean the first whose weights are on this machine, never a
        download; no name means ["vgg19", "compact"].
    weights : path, optional
        A file in torchvision's layout that you have already.
    pooling : str
        "avg", as the paper prefers, or "max", as VGG was trained.
    normalize : bool
        Rescale so that each filter's mean activation over the bundled pictures is 1, as in the paper.
    precision : str
        "exact" is float32 throughout; "mixed" computes the gradient, and "fast" everything, in bfloat16 where the
        machine multiplies that in hardware, and warns where it does not. See `stylelib.engine.engine`.
    device : str, optional
        "cpu", "cuda" or "mps"; the best that this machine has by default.
    seed : int
        Of random weights.

    Returns
    -------
    Network
        A VGG, or what was registered.

    Raises
    ------
    InputError
        For unknown names and for weights that are not available.
    """
    options = {"pooling": pooling, "normalize": normalize, "precision": precision, "device": device, "seed": seed}
    if isinstance(name, str) and name in registered:
        return _load_registered(name, {"weights": weights, **options})
    check_choice("precision", precision, engine.PRECISIONS)
    device = pick_device(device)
    path = str(pathlib.Path(weights).expanduser().resolve()) if weights else ""
    if not isinstance(name, str) and (name is not None or not path):
        name, found = _first_here(name or DEFAULT)
    else:
        name = check_name(name or "vgg19")
        found = _find(name, path, seed)
    identity = {"name": name, "weights": path, **options, "device": str(device)}
    net = VGG(LAYOUTS[architecture(name)], found.tensors, found.mean, found.std, pooling, name, found.source, identity)
    if normalize:
        normalize_over_bundled_pictures(net)
    net.made_of = f"{name} {found.sha256 or seed} {'normalised' if normalize else 'as stored'}"
    net.precision, net.engine, missing = engine.choose(precision, device)
    net.identity["precision"] = net.precision
    if missing:
        warnings.warn(missing, stacklevel=2)
    return net.to(device)


@functools.lru_cache(maxsize=2)
def cached_network(name: str, pooling: str = "avg") -> Network:
    """`load_network` for a program that makes many runs: the last two networks are kept."""
    return load_network(name, pooling=pooling)


def register_network(name: str, load: Callable[..., Network]) -> None:
    """Make a network of your own known by a name: to load_network, recipes, saved runs and sweeps.

    Parameters
    ----------
    name : str
        Not one of stylelib's own.
    load : callable
        Returns a Network. It is called with those of load_network's options that differ from their defaults.
    """
    if name in known_networks() and name not in registered:
        raise InputError(f"'{name}' is the name of one of stylelib's own networks; choose another.")
    registered[name] = load


def known_networks() -> list[str]:
    """Return all names that load_network knows."""
    return [*LAYOUTS, *(f"{one}{RANDOM}" for one in LAYOUTS), *registered]


def _load_registered(name: str, options: dict[str, Any]) -> Network:
    defaults = {"weights": None, "pooling": "avg", "normalize": True, "precision": "exact", "device": None, "seed": 0}
    given = {option: value for option, value in options.items() if value != defaults[option]}
    net = registered[name](**given)
    if not isinstance(net, Network):
        raise InputError(
            f"The function registered for {name} must return a stylelib.Network; got {type(net).__name__}."
        )
    net.identity = {"name": name, **given}
    return net


def check_name(name):
    """Return the name if load_network knows it, else raise an InputError."""
    return check_choice("network", name, known_networks())


def check_layers_by_name(name, layers):
    """`check_layers` for a network that need not be loaded, let alone downloaded."""
    if name in registered:
        return load_network(name).check_layers(layers)
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
