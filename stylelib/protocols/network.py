"""The base class of networks. Subclass `Network` to use your own."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib.support.errors import InputError, check_choice, shown


class Network(torch.nn.Module):
    """A function from pictures to named activations.

    A subclass writes `forward(pictures, layers)`, which returns {layer: activations (N, C, h, w)} and is differentiable
    with respect to the pictures. The other methods have defaults. If you give the network a name with
    `stylelib.register_network`, saved runs, recipes and sweeps can load it.

    Parameters
    ----------
    name : str
        Its name in captions.
    layers : Sequence of str
        The names of its layers, from the shallowest to the deepest.

    Attributes
    ----------
    identity : dict
        The arguments of `load_network` that made it, so that a saved run can load the same network; empty if it was
        made in another way.
    """

    name: str
    layers: list[str]
    identity: dict[str, Any]

    def __init__(self, name: str, layers: Sequence[str]) -> None:
        super().__init__()
        self.name, self.layers, self.identity = name, list(layers), {}

    def check_layers(self, layers: str | Iterable[str]) -> list[str]:
        """Return the layers as a list.

        Parameters
        ----------
        layers : str or iterable of str
            One name or several.

        Returns
        -------
        list of str
            The names, each once, in the order given.

        Raises
        ------
        InputError
            For a layer that this network does not have, and if no layer is named.
        """
        return check_layers(layers, self.layers, self.name)

    def check_size(self, pictures: Tensor, layers: Sequence[str]) -> None:
        """Raise an InputError if the pictures are too small for a layer. By default any size is accepted.

        Parameters
        ----------
        pictures : Tensor
            (N, 3, H, W); only its shape is used.
        layers : Sequence of str
            The layers that will be computed.
        """

    def memory(self, pictures: Tensor, layers: Sequence[str], runs: int = 1) -> int:
        """Estimate how much memory the gradient of a loss at some layers needs, for the check before a run.

        Parameters
        ----------
        pictures : Tensor
            (N, 3, H, W); only its shape is used.
        layers : Sequence of str
            The layers that the loss looks at.
        runs : int
            The number of runs that the pictures belong to.

        Returns
        -------
        int
            Bytes, without the weights. The default, 0, leaves the network out of the check.
        """
        return 0

    @property
    def device(self) -> torch.device:
        """The device of its weights; the CPU if it has none."""
        tensors: list[Tensor] = [*self.parameters(), *self.buffers()]
        return tensors[0].device if tensors else torch.device("cpu")

    def describe(self) -> str:
        """Return one line for captions."""
        return self.name

    def fingerprint(self) -> str:
        """Return the SHA-256 of what the activations depend on, in hexadecimal: class, name, parameters and buffers."""
        digest = hashlib.sha256(f"{type(self).__name__} {self.name}".encode())
        for tensor in (*self.buffers(), *self.parameters()):
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def check_layers(layers: str | Iterable[str], known: Sequence[str], name: str) -> list[str]:
    """Return the layers, one name or several, as a list.

    Parameters
    ----------
    layers : str or iterable of str
        The layers that were asked for.
    known : Sequence of str
        The network's layers.
    name : str
        The network's name, for the error message.

    Returns
    -------
    list of str
        The names, each once, in the order given.

    Raises
    ------
    InputError
        For a layer that the network does not have, and if no layer is named.
    """
    if not isinstance(layers, str) and (not hasattr(layers, "__iter__") or getattr(layers, "ndim", 1) == 0):
        raise InputError(f"Layers are given as a name or a list of names, such as 'conv4_2'; got {shown(layers)}.")
    names: list[object] = [layers] if isinstance(layers, str) else list(layers)
    if not names:
        raise InputError(f"No layer was named; {name} has {', '.join(known)}.")
    return list(dict.fromkeys(check_choice(f"layer in {name}", layer, known) for layer in names))
