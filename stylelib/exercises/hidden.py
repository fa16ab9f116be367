"""The run behind exercise 2 of notebook 02: a photo, reconstructed from a layer that is not named."""

from torch import Tensor

from stylelib.experiments import reconstruct_content
from stylelib.protocols.network import Network
from stylelib.synthesis import Synthesis

HIDDEN = bytes.fromhex("636f6e76335f32").decode()  # the answer; not in plain words, because students have this file


def hidden_reconstruction(photo: Tensor, net: Network) -> Synthesis:
    """Return the run of exercise 2: the photo, reconstructed from a layer that is not named."""
    return reconstruct_content(photo, HIDDEN, net, seed=7)
