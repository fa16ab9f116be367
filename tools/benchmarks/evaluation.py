"""How long one evaluation of loss and gradient takes, compared with plain PyTorch and with the processor's limit."""

import itertools
import pathlib
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from stylelib import load_image, load_network
from stylelib.engine import engine
from stylelib.evaluation.evaluator import Evaluator
from stylelib.experiments import style_transfer
from stylelib.protocols.optimizer import Evaluation
from stylelib.protocols.term import Term
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS
from stylelib.vgg import block_of
from tools.benchmarks.reference import Reference

PAIR = ("riverside", "night_swirls")
ALPHA_BETA = 0.1


def square(name: str, size: int) -> Tensor:
    """Return the middle of a bundled picture, scaled to (1, 3, size, size)."""
    picture = load_image(name)
    side = min(picture.shape[-2:])
    top, left = (picture.shape[-2] - side) // 2, (picture.shape[-1] - side) // 2
    middle = picture[..., top : top + side, left : left + side]
    return torch.nn.functional.interpolate(middle, (size, size), mode="bicubic", antialias=True).clamp(0, 1)


def content_layer(network: str) -> str:
    """Return the paper's content layer, or the nearest one in a network of eleven layers."""
    return CONTENT_LAYER if "11" not in network else "conv4_1"


VARIANTS = ("plain PyTorch", "readable", *engine.PRECISIONS)


def variants(
    network: str, size: int, names: Sequence[str] = VARIANTS
) -> tuple[dict[str, Callable[[Tensor], Any]], Tensor]:
    """Return the variants that this machine can compute, and a picture.

    Each variant is a function of a picture that computes the loss and the gradient.
    """
    photo, painting = (square(name, size) for name in PAIR)
    layer = content_layer(network)
    found = {}
    for name in names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = load_network(network, precision=name if name in engine.PRECISIONS else "exact")
        if name in engine.PRECISIONS and (net.precision != name or net.engine is None):
            continue  # this machine cannot compute it
        if name not in engine.PRECISIONS:
            net.engine = None
        if name == "plain PyTorch":
            device = net.device
            found[name] = Reference(net, photo.to(device), painting.to(device), layer, STYLE_LAYERS, ALPHA_BETA)
        else:
            run = style_transfer(photo, painting, net, alpha_beta=ALPHA_BETA, content_layer=layer)
            found[name] = evaluate_with(run.terms)
    return found, photo.to(net.device)


def evaluate_with(terms: Sequence[Term]) -> Callable[[Tensor], Evaluation]:
    """Return a function that evaluates one run's picture, as `Synthesis` does."""
    evaluator = Evaluator(terms)
    return lambda picture: evaluator(picture)[0]


def milliseconds(network: str, size: int, rounds: int) -> dict[str, float]:
    """Return the median time of an evaluation, {variant: ms}. The variants take turns."""
    found, photo = variants(network, size)
    times = {name: [] for name in found}
    for turn in range(rounds + 1):
        for name, evaluate in found.items():
            started = time.perf_counter()
            evaluate(photo)
            if photo.is_cuda:
                torch.cuda.synchronize()
            if turn:  # not the first turn, which packs weights and allocates memory
                times[name].append(1000 * (time.perf_counter() - started))
    return {name: statistics.median(one) for name, one in times.items()}


def batches(network: str, size: int, rounds: int, count: int = 4) -> dict[str, float]:
    """Return the median time of `count` runs' evaluations, {"one by one": ms, "batch": ms}.

    They are computed with one thread, as a sweep's worker on a CPU does.
    """
    net = load_network(network)
    photo, painting = (square(name, size) for name in PAIR)
    runs = [
        style_transfer(photo, painting, net, alpha_beta=ALPHA_BETA * number, content_layer=content_layer(network))
        for number in range(1, count + 1)
    ]
    pictures, together = torch.cat([run.image for run in runs]), Evaluator(*[run.terms for run in runs])
    alone = [(evaluate_with(run.terms), run) for run in runs]
    found: dict[str, Callable[[], Any]] = {
        "one by one": lambda: [evaluate(run.image) for evaluate, run in alone],
        "batch": lambda: together(pictures),
    }
    times = {name: [] for name in found}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for turn in range(rounds + 1):
            for name, evaluate in found.items():
                started = time.perf_counter()
                evaluate()  # returns numbers, so it waits for a GPU
                if turn:
                    times[name].append(1000 * (time.perf_counter() - started))
    finally:
        torch.set_num_threads(threads)
    return {name: statistics.median(one) for name, one in times.items()}


def tensors(network: str, size: int) -> dict[str, float]:
    """Return the peak memory of one evaluation's tensors, {variant: MB}, without weights and targets."""
    found, photo = variants(network, size)
    return {name: peak_memory(evaluate, photo) / 1e6 for name, evaluate in found.items()}


def peak_memory(evaluate: Callable[[Tensor], Any], picture: Tensor) -> int:
    """Return the bytes of tensors that evaluate(picture) holds at its peak, beyond what was held before."""
    evaluate(picture)  # packs the weights
    if picture.is_cuda:
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        evaluate(picture)
        return torch.cuda.max_memory_allocated() - before
    cpu = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=cpu, profile_memory=True) as profile:
        evaluate(picture)
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return max(itertools.accumulate(event.nbytes() for event in events))


def memory(network: str, size: int) -> dict[str, float]:
    """Return the peak memory of a process that evaluates one variant, {variant: MB}.

    Empty on Windows, where a process cannot ask for its peak.
    """
    found: dict[str, float] = {}
    if sys.platform == "win32":
        return found
    load_network(network)  # caches the mean activations, so the processes below need not compute them
    for name in VARIANTS:
        command = [sys.executable, "-m", "tools.benchmarks.evaluation", network, str(size), name]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        if output:
            found[name] = float(output)
    return found


def operations(net: Any, size: int) -> tuple[int, int]:
    """Count multiplications and additions of one forward pass: (in convolutions, in Gram matrices).

    The backward pass to the picture costs as much again.
    """
    convolutions = grams = 0
    channels = 3
    for layer in net.layers:
        filters, positions = net.filters(layer), (size // 2 ** (block_of(layer) - 1)) ** 2
        convolutions += 2 * 9 * channels * filters * positions
        if layer in STYLE_LAYERS:
            grams += 2 * filters**2 * positions
        channels = filters
        if layer == STYLE_LAYERS[-1]:
            return convolutions, grams
    return convolutions, grams


def peak(dtype: torch.dtype, device: torch.device, seconds: float = 1.0) -> float:
    """Return the operations per second that a large matrix product reaches here, the best of about a second."""
    side = 2048 if device.type == "cpu" else 8192
    a = torch.randn(side, side, device=device).to(dtype)
    best, started = 0.0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        before = time.perf_counter()
        a @ a
        if a.is_cuda:
            torch.cuda.synchronize()
        best = max(best, 2 * side**3 / (time.perf_counter() - before))
    return best


def floors(network: str, size: int) -> dict[str, float]:
    """Return the time that the operations alone need at the processor's measured peak, {precision: ms}."""
    net = load_network(network)
    convolutions, grams = operations(net, size)
    exact = peak(torch.float32, net.device)
    found = {"exact": 2 * (convolutions + grams) / exact}
    if engine.multiplies_bfloat16(net.device):
        half = peak(torch.bfloat16, net.device)
        found["mixed"] = (convolutions + grams) * (1 / exact + 1 / half)
        found["fast"] = 2 * (convolutions + grams) / half
    return {name: 1000 * seconds for name, seconds in found.items()}


def main(network: str, size: str, name: str) -> None:
    """Print this process's peak memory in MB after two evaluations of one variant."""
    found, photo = variants(network, int(size), [name])
    if name in found:
        for _ in range(2):
            found[name](photo)
        print(peak_of_process())


def peak_of_process() -> float:
    """Return this process's peak memory in MB."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():  # on Linux getrusage gives at least the peak of the process that started this one
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main(*sys.argv[1:])
