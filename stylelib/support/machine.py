"""The machine: its device, its free memory, and the preset (size and steps) that suits it."""

import contextlib
import dataclasses
import os
import platform
from collections.abc import Iterator

import torch

from stylelib.support import limits
from stylelib.support.ambient import settled
from stylelib.support.errors import InputError, check_choice, shorten


@dataclasses.dataclass(frozen=True)
class Preset:
    """A picture size and a number of steps that suit a machine.

    Attributes
    ----------
    name : str
        "quick", "laptop" or "paper".
    size : int
        The longer side of a picture, in pixels.
    steps : int
        Number of steps of a full run.
    minutes : str
        Roughly how long a notebook takes, as a phrase.
    """

    name: str
    size: int
    steps: int
    minutes: str

    def __str__(self) -> str:
        return f"{self.name}: pictures of {self.size} px, {self.steps} steps a run"


PRESETS = {
    "quick": Preset("quick", 64, 8, "seconds a notebook; for tests, the pictures are not worth looking at"),
    "laptop": Preset("laptop", 256, 100, "a few minutes a notebook on two processor cores"),
    "paper": Preset("paper", 512, 500, "a few minutes a notebook on a GPU, hours without"),
}


def preset(name: str | None = None) -> Preset:
    """Return a preset.

    Parameters
    ----------
    name : str, optional
        "quick", "laptop" or "paper"; by default what the environment variable STYLELIB_PRESET says, or else "paper" on
        an NVIDIA GPU and "laptop" elsewhere.

    Returns
    -------
    Preset
        Size and steps.

    Raises
    ------
    InputError
        For an unknown name.
    """
    if name is None or (isinstance(name, str) and not name):
        name = os.environ.get("STYLELIB_PRESET") or ("paper" if torch.cuda.is_available() else "laptop")
    return PRESETS[check_choice("preset", name, PRESETS)]


def pick_device(name: str | torch.device | None = None) -> torch.device:
    """Return the torch device to compute on.

    Parameters
    ----------
    name : str or torch.device, optional
        "cpu", "cuda", "cuda:1" or "mps"; by default the best available one: CUDA, then Apple's MPS, then the CPU.

    Returns
    -------
    torch.device
        One that this machine has.

    Raises
    ------
    InputError
        For a device that does not exist or that this machine lacks.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"There is no device '{shorten(str(name))}'; use 'cpu', 'cuda' or 'mps'.")
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}[device.type]
    if (device.index or 0) >= count:
        raise InputError(f"This machine has no {device} that torch can use; leave device out, or use 'cpu'.")
    return device


@contextlib.contextmanager
def computing(picture: torch.Tensor) -> Iterator[None]:
    """Context manager: torch's settings as they are needed; turns out-of-memory into an InputError that names a size.

    Those of the caller's thread do not count, see `settled`, and cuDNN is exact and repeatable: without this it rounds
    to 10 bits (TF32) and chooses algorithms whose sums differ from run to run.

    Parameters
    ----------
    picture : Tensor
        The picture that the computation is for, (N, 3, H, W); the message names its size.
    """
    try:
        cudnn = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        with settled(), cudnn:
            yield
    except (RuntimeError, MemoryError) as error:
        message = str(error).lower()
        if not (isinstance(error, MemoryError) or "out of memory" in message or "can't allocate memory" in message):
            raise
        height, width = picture.shape[-2:]
        smaller = max(height, width) * 2 // 3
        raise InputError(f"{width} × {height} pixels need more memory than is free; try size={smaller}.") from None


def free_memory(device: torch.device) -> int | None:
    """Return how much memory a computation can still use.

    On the CPU, see `stylelib.support.limits`.

    Parameters
    ----------
    device : torch.device
        The device that computes.

    Returns
    -------
    int or None
        Bytes; None if neither the device nor the system says it.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return limits.free_main_memory() if device.type == "cpu" else None


def limit_threads() -> None:
    """Let torch use no more threads than a quota allows cores, unless OMP_NUM_THREADS says how many.

    In a container with a quota, torch starts a thread for each core of the machine, and they wait for each other.
    """
    if "OMP_NUM_THREADS" not in os.environ and torch.get_num_threads() > limits.cores():
        torch.set_num_threads(limits.cores())


def describe() -> str:
    """Describe the machine in a few plain sentences: versions, device, preset."""
    device, chosen = pick_device(), preset()
    processor = {"cuda": "an NVIDIA GPU", "mps": "an Apple GPU", "cpu": "the processor; no GPU is needed"}
    threads = torch.get_num_threads()
    count = "1 thread" if threads == 1 else f"{threads} threads"
    unit = torch.cuda.get_device_name() if device.type == "cuda" else count
    reason = "set by STYLELIB_PRESET" if os.environ.get("STYLELIB_PRESET") else "chosen for this machine"
    return (
        f"Python {platform.python_version()} and torch {torch.__version__}: fine.\n"
        f"Computing on {processor[device.type]} ({unit}).\n"
        f"Preset {chosen} ({reason}): {chosen.minutes}."
    )
