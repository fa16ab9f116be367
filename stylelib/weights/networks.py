"""Networks by name: `load_network`, and `register_network` for one of your own."""

import copy
import functools
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.engine import engine
from stylelib.protocols.network import Network, check_layers
from stylelib.support.ambient import settled
from stylelib.support.errors import InputError, check_choice, check_whole, warn
from stylelib.support.files import existing_file
from stylelib.support.machine import pick_device
from stylelib.vgg import LAYOUTS, VGG, layer_names, stride_of
from stylelib.weights.download import DOWNLOADS, ORIGINALS
from stylelib.weights.formats import FROM_TORCHVISION, Weights, architecture, tensor_shapes
from stylelib.weights.formats import RANDOM as RANDOM  # the studio takes it from here
from stylelib.weights.normalization import normalize_over_bundled_pictures
from stylelib.weights.store import EMBEDDED, PRETRAINED, find_weights, from_torchvision, load_weights
from stylelib.weights.trainings import MEAN, STD

DEFAULT = ("vgg19", "compact")  # without a name, load_network takes the first that is here
ALIASES = {f"{name}{FROM_TORCHVISION}": name for name in ("vgg11", "vgg13")}  # there are no others of these
DEFAULTS = {"weights": None, "pooling": "avg", "normalize": True, "precision": "exact", "device": None, "seed": 0}
registered: dict[str, Callable[..., Network]] = {}  # networks of your own, see register_network


@settled()
def load_network(
    name: str | Sequence[str] | None = None,
    weights: str | os.PathLike[str] | None = None,
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
        "vgg19" and "vgg16" (the original weights, which the paper used), "vgg19-torchvision", "vgg16-torchvision",
        "vgg13" and "vgg11" (torchvision's weights), all of them downloaded once; "compact" and "compact11" (small ones,
        shipped with stylelib); an architecture with "-random" (weights drawn from `seed`); or a name given to
        `register_network`. Several names mean the first whose weights are on this machine, never a download; no name
        means ["vgg19", "compact"].
    weights : path, optional
        A file of yours: in Keras' layout (.h5), in torchvision's, also converted from Caffe (.pth), in that of
        L. Gatys (.pth), or a small file that stylelib has kept.
    pooling : str
        "avg", as the paper prefers, or "max", as VGG was trained.
    normalize : bool
        Rescale so that each filter's mean activation over the bundled pictures is 1, as in the paper.
    precision : str
        "exact" is float32 throughout; "mixed" computes the gradient, and "fast" everything, in bfloat16 if the machine
        multiplies that in hardware, and warns if it does not. See `stylelib.engine.engine`.
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
    try:
        path = str(pathlib.Path(weights).expanduser().resolve()) if weights else ""
    except (OSError, RuntimeError, TypeError, ValueError):
        existing_file(weights, "file of weights")  # type: ignore[arg-type]  # says what is wrong with it
        raise
    options = {"pooling": pooling, "normalize": normalize, "precision": precision, "device": device, "seed": seed}
    numbers: Weights | None = None
    if isinstance(name, list | tuple) or (name is None and not path):
        name, numbers = _first_here(name or DEFAULT)
    name = check_name("vgg19" if name is None else name)
    if name in registered:
        return _load_registered(name, {"weights": path or None, **options})
    check_choice("precision", precision, engine.PRECISIONS)
    device = pick_device(device)
    if numbers is None:
        numbers = _find(name, path, seed)
        if not path and _stands_in(name, numbers):
            print(f"Network: {_why(name, [name], numbers)}")
    identity = {"name": name, "weights": path, **options, "device": str(device)}
    layout = LAYOUTS[architecture(name)]
    net = VGG(layout, numbers.tensors, numbers.mean, numbers.std, pooling, name, numbers.source, identity)
    if normalize:
        normalize_over_bundled_pictures(net)
    net.made_of = f"{name} {numbers.sha256 or seed} {'normalised' if normalize else 'as stored'}"
    net.precision, net.engine, note = engine.choose(precision, device)
    net.identity["precision"] = net.precision
    if note:
        warn(note)
    return net.to(device)


@functools.lru_cache(maxsize=2)
def cached_network(name: str, pooling: str = "avg") -> Network:
    """Load a network for a program that makes many runs: the last two are kept."""
    return load_network(name, pooling=pooling)


def register_network(name: str, load: Callable[..., Network]) -> None:
    """Make a network of your own known by a name: to load_network, recipes, saved runs and sweeps.

    Parameters
    ----------
    name : str
        Not one of stylelib's own.
    load : callable
        Returns a Network. It is called with those of load_network's options that differ from their defaults.

    Raises
    ------
    InputError
        For the name of one of stylelib's own networks.
    """
    if not isinstance(name, str) or not name:
        raise InputError(f"A network's name is a text; got {name!r}.")
    if isinstance(load, Network) or not callable(load):
        raise InputError(
            f"register_network takes a function that returns the network, such as lambda **options: MyNet(**options); "
            f"got {type(load).__name__}."
        )
    if name in known_networks() and name not in registered:
        raise InputError(f"'{name}' is the name of one of stylelib's own networks; choose another.")
    registered[name] = load
    cached_network.cache_clear()  # it may hold what was registered under this name before


def known_networks() -> list[str]:
    """Return all names that load_network knows."""
    trained = [*LAYOUTS, *(name for name in PRETRAINED if name not in LAYOUTS)]
    return [*trained, *(f"{name}{RANDOM}" for name in LAYOUTS), *registered]


def check_name(name: object) -> str:
    """Return the name if load_network knows it ("vgg11" for "vgg11-torchvision"), else raise an InputError."""
    return check_choice("network", ALIASES.get(name, name) if isinstance(name, str) else name, known_networks())


def is_here(name: str) -> bool:
    """Return whether load_network gives this network without a download."""
    name = check_name(name)
    return name in registered or name.endswith(RANDOM) or find_weights(name) is not None


def check_layers_by_name(name: str, layers: str | Iterable[str]) -> list[str]:
    """Return the layers as a list, or raise an InputError if the network lacks one; stylelib's own is not loaded."""
    if check_name(name) in registered:
        return cached_network(name).check_layers(layers)
    return check_layers(layers, layer_names(LAYOUTS[architecture(name)]), name)


def check_size_by_name(name: str, picture: Tensor, layers: Sequence[str], what: str) -> None:
    """Raise an InputError if a picture is too small for a network that need not be loaded.

    Parameters
    ----------
    name : str
        A network's name.
    picture : Tensor
        (1, 3, H, W).
    layers : Sequence of str
        The layers that will be asked for.
    what : str
        What the picture is called in the message.
    """
    if name in registered:
        cached_network(name).check_size(picture, layers)
        return
    least, shorter = max(map(stride_of, layers)), min(picture.shape[-2:])
    if shorter < least:
        raise InputError(
            f"These layers need at least {least} pixels on the shorter side, and {what} would have {shorter}. "
            f"Use a larger size or layers less deep."
        )


def _load_registered(name: str, options: dict[str, Any]) -> Network:
    given = {option: value for option, value in options.items() if value != DEFAULTS[option]}
    try:
        net = registered[name](**given)
    except TypeError as error:
        if not given:
            raise
        raise InputError(f"The function registered for {name} does not take {', '.join(given)} ({error}).") from error
    if not isinstance(net, Network):
        raise InputError(
            f"The function registered for {name} must return a stylelib.Network; got {type(net).__name__}."
        )
    if "device" in given:
        given["device"] = str(given["device"])  # an identity goes into files
    net = copy.copy(net)  # the function may return the same object again, or one that has another identity
    net.identity = {"name": name, **given}
    return net


def _first_here(names: Sequence[str]) -> tuple[str, Weights | None]:
    """Choose the first network that is here and complete, and print which one; never download.

    Returned are its name, and its weights unless it is a network of your own.
    """
    for name in [check_name(name) for name in names]:
        if not is_here(name):
            continue
        try:
            weights = None if name in registered else _find(name, "", 0, download=False)
        except InputError as error:
            warn(f"{error} Another network is taken instead.")
            continue
        print(f"Network: {_why(name, names, weights)}")
        return name, weights
    raise InputError(
        f"None of {', '.join(names)} has its weights on this machine; load_network('{names[0]}') downloads them, "
        f"load_network('compact') needs no download."
    )


def _stands_in(name: str, weights: Weights | None) -> bool:
    """Return whether torchvision's weights are used in place of the original ones."""
    return name in ORIGINALS and weights is not None and from_torchvision(weights)


def _why(name: str, names: Sequence[str], weights: Weights | None) -> str:
    """Say which network was taken, why, and how to have the other, in a line."""
    if name in registered:
        return f"{name}, a network of your own."
    if _stands_in(name, weights):
        return (
            f"{name} as torchvision trained it, because those weights are on this machine; `python -m stylelib fetch "
            f"{name}` downloads the original ones, which the paper used, {DOWNLOADS[name]} MB once."
        )
    if name not in EMBEDDED:
        return f"{name}, whose weights are on this machine; load_network('compact') is a small one."
    missing = next((other for other in names if other in PRETRAINED), None)
    if missing is None:
        return f"{name}, a small one that comes with stylelib."
    return (
        f"{name}, a small one that comes with stylelib (no pretrained {missing} on this machine); "
        f"load_network('{missing}') downloads it, {DOWNLOADS[missing]} MB once."
    )


def _find(name: str, path: str, seed: int, download: bool = True) -> Weights:
    if not name.endswith(RANDOM):
        return load_weights(name, path or None, download)
    if path:
        raise InputError(f"{name} draws its weights from a seed: leave out the file, or name {architecture(name)}.")
    return _random_weights(name, seed)


def _random_weights(name: str, seed: int) -> Weights:
    """Draw weights by He initialisation: the same architecture, with nothing learned."""
    generator = torch.Generator().manual_seed(check_whole("seed", seed, 0))
    tensors = {}
    for key, shape in tensor_shapes(architecture(name)).items():
        if key.endswith(".bias"):
            tensors[key] = torch.zeros(shape, dtype=torch.float32)
        else:
            _, channels, height, width = shape
            drawn = torch.randn(shape, generator=generator, dtype=torch.float32)
            tensors[key] = drawn * (2 / (height * width * channels)) ** 0.5
    return Weights(tensors, MEAN, STD, name, f"random weights, seed {seed}", "")
