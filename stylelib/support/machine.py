"""What this machine can do, in plain words: its device, and the sizes that suit it."""

import contextlib
import dataclasses
import os
import pathlib
import platform

import psutil
import torch

from stylelib.support.errors import InputError, check_choice


@dataclasses.dataclass(frozen=True)
class Preset:
    """How large and how long: `size` is the longer side of a picture in pixels, `steps` the steps of a full run."""

    name: str
    size: int
    steps: int
    minutes: str  # what to expect, for people

    def __str__(self):
        return f"{self.name}: pictures of {self.size} px, {self.steps} steps a run"


CONTAINER = pathlib.Path("/sys/fs/cgroup")  # where Linux tells a container its limits

PRESETS = {
    "quick": Preset("quick", 64, 8, "seconds a notebook; for tests, the pictures are not worth looking at"),
    "laptop": Preset("laptop", 256, 100, "a few minutes a notebook on two processor cores"),
    "paper": Preset("paper", 512, 500, "a few minutes a notebook on a GPU, hours without"),
}


def preset(name=None):
    """The preset by name; else by the environment variable STYLELIB_PRESET; else by what the machine has."""
    name = name or os.environ.get("STYLELIB_PRESET") or ("paper" if torch.cuda.is_available() else "laptop")
    return PRESETS[check_choice("preset", name, PRESETS)]


def pick_device(name=None):
    """The torch device to compute on: the one named, or the best there is (CUDA, then Apple's MPS, then CPU)."""
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"There is no device '{name}'; use 'cpu', 'cuda' or 'mps'.")
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}[device.type]
    if (device.index or 0) >= count:
        raise InputError(f"This machine has no {device} that torch can use; leave device out, or use 'cpu'.")
    return device


@contextlib.contextmanager
def computing(picture):
    """Around all that a network computes for a picture: exact, repeatable, and in words where memory is short.

    On an NVIDIA GPU cuDNN would round to 10 bits (TF32) and choose algorithms whose sums differ from run to run; here
    it does neither. Where memory is short, an InputError names a size that may fit.
    """
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    except (RuntimeError, MemoryError) as error:
        words = str(error).lower()
        short = isinstance(error, MemoryError) or "out of memory" in words or "can't allocate memory" in words
        if not short:
            raise
        height, width = picture.shape[-2:]
        smaller = max(height, width) * 2 // 3
        message = f"{width} × {height} pixels need more memory than there is; try size={smaller}."
        raise InputError(message) from None


def free_memory(device):
    """Bytes that a computation on the device can still take, or None where the device does not say.

    On the processor without what is swapped out, and within the limit of a container.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type != "cpu":
        return None
    try:
        free = psutil.virtual_memory().available
    except (OSError, RuntimeError, NotImplementedError):  # a system that keeps it to itself
        return None
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
        limit, used = (int((CONTAINER / name).read_text()) for name in ("memory.max", "memory.current"))
        statistics = dict(line.split() for line in (CONTAINER / "memory.stat").read_text().splitlines())
        free = min(free, limit - used + int(statistics.get("inactive_file", 0)))  # files read, and let go when needed
    return free


def describe():
    """A check of the machine in a few plain sentences."""
    device, chosen = pick_device(), preset()
    processor = {"cuda": "an NVIDIA GPU", "mps": "an Apple GPU", "cpu": "the processor; no GPU is needed"}
    threads = torch.get_num_threads()
    what = torch.cuda.get_device_name() if device.type == "cuda" else f"{threads} thread{'s' * (threads != 1)}"
    reason = "set by STYLELIB_PRESET" if os.environ.get("STYLELIB_PRESET") else "chosen for this machine"
    return (
        f"Python {platform.python_version()} and torch {torch.__version__}: fine.\n"
        f"Computing on {processor.get(device.type, device.type)} ({what}).\n"
        f"Preset {chosen} ({reason}): {chosen.minutes}."
    )
