"""How long one evaluation of loss and gradient takes, against plain PyTorch and against what the processor could do."""

import itertools
import pathlib
import statistics
import subprocess
import sys
import time
import warnings

import torch

from stylelib import load_image, load_network
from stylelib.engine import engine
from stylelib.evaluation.evaluator import Evaluator
from stylelib.experiments import style_transfer
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS
from stylelib.vgg import block_of
from tools.benchmarks.reference import Reference

PAIR = ("riverside", "night_swirls")
ALPHA_BETA = 0.1


def square(name, size):
    """The middle of a bundled picture, scaled to (1, 3, size, size)."""
    picture = load_image(name)
    side = min(picture.shape[-2:])
    top, left = (picture.shape[-2] - side) // 2, (picture.shape[-1] - side) // 2
    middle = picture[..., top : top + side, left : left + side]
    return torch.nn.functional.interpolate(middle, (size, size), mode="bicubic", antialias=True).clamp(0, 1)


def content_layer(network):
    """The paper's content layer, or what is nearest to it in the networks of eleven layers."""
    return CONTENT_LAYER if "11" not in network else "conv4_1"


VARIANTS = ("plain PyTorch", "readable", *engine.PRECISIONS)


def variants(network, size, names=VARIANTS):
    """({name: function of a picture that gives its loss and gradient}, a picture): those that this machine can do."""
    photo, painting = (square(name, size) for name in PAIR)
    layer = content_layer(network)
    found = {}
    for name in names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = load_network(network, precision=name if name in engine.PRECISIONS else "exact")
        if name in engine.PRECISIONS and (net.precision != name or net.engine is None):
            continue  # this machine lacks what it takes
        if name not in engine.PRECISIONS:
            net.engine = None
        if name == "plain PyTorch":
            device = net.device
            found[name] = Reference(net, photo.to(device), painting.to(device), layer, STYLE_LAYERS, ALPHA_BETA)
        else:
            run = style_transfer(photo, painting, net, alpha_beta=ALPHA_BETA, content_layer=layer)
            found[name] = run._evaluate
    return found, photo.to(net.device)


def milliseconds(network, size, rounds):
    """Median time of an evaluation, {variant: ms}, the variants taking turns."""
    found, photo = variants(network, size)
    times = {name: [] for name in found}
    for turn in range(rounds + 1):
        for name, evaluate in found.items():
            started = time.perf_counter()
            evaluate(photo)
            if photo.is_cuda:
                torch.cuda.synchronize()
            if turn:  # the first packs weights and asks the system for memory
                times[name].append(1000 * (time.perf_counter() - started))
    return {name: statistics.median(one) for name, one in times.items()}


def batches(network, size, rounds, count=4):
    """Median time of `count` runs' evaluations, {"one by one", "batch"}: ms, taking turns, as a process of a sweep's.

    On a processor such a process has one thread.
    """
    net = load_network(network)
    photo, painting = (square(name, size) for name in PAIR)
    runs = [
        style_transfer(photo, painting, net, alpha_beta=ALPHA_BETA * number, content_layer=content_layer(network))
        for number in range(1, count + 1)
    ]
    pictures, together = torch.cat([run.image for run in runs]), Evaluator(*[run.terms for run in runs])
    found = {
        "one by one": lambda: [run._evaluate(run.image) for run in runs],
        "batch": lambda: together(pictures),
    }
    times = {name: [] for name in found}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for turn in range(rounds + 1):
            for name, evaluate in found.items():
                started = time.perf_counter()
                evaluate()  # and hands out its losses: a GPU is waited for
                if turn:
                    times[name].append(1000 * (time.perf_counter() - started))
    finally:
        torch.set_num_threads(threads)
    return {name: statistics.median(one) for name, one in times.items()}


def tensors(network, size):
    """Most memory that the tensors of one evaluation hold at once, {variant: MB}: weights and targets not counted."""
    found, photo = variants(network, size)
    return {name: peak_memory(evaluate, photo) / 1e6 for name, evaluate in found.items()}


def peak_memory(evaluate, picture):
    """Bytes of tensors that evaluate(picture) holds at its worst moment, beyond what there was."""
    evaluate(picture)  # packs its weights
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


def memory(network, size):
    """Most memory that a process held while it evaluated, {variant: MB}, each in a process of its own.

    Empty on Windows, which does not tell a process its peak.
    """
    found = {}
    if sys.platform == "win32":
        return found
    load_network(network)  # keeps the mean activations: none of the processes has to take them
    for name in VARIANTS:
        command = [sys.executable, "-m", "tools.benchmarks.evaluation", network, str(size), name]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        if output:
            found[name] = float(output)
    return found


def operations(net, size):
    """Multiplications and additions of one evaluation: (convolutions forward, Gram matrices forward).

    The way back to the picture costs as much again.
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


def peak(dtype, device, seconds=1.0):
    """Operations a second that a large matrix product reaches here: the best of about a second."""
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


def floors(network, size):
    """Milliseconds that the operations alone need at the processor's measured peaks, {precision: ms}."""
    net = load_network(network)
    convolutions, grams = operations(net, size)
    exact = peak(torch.float32, net.device)
    found = {"exact": 2 * (convolutions + grams) / exact}
    if engine.multiplies_bfloat16(net.device):
        half = peak(torch.bfloat16, net.device)
        found["mixed"] = (convolutions + grams) * (1 / exact + 1 / half)
        found["fast"] = 2 * (convolutions + grams) / half
    return {name: 1000 * seconds for name, seconds in found.items()}


def main(network, size, name):
    """Print this process's peak memory in MB after two evaluations of one variant."""
    found, photo = variants(network, int(size), [name])
    if name in found:
        for _ in range(2):
            found[name](photo)
        print(peak_of_process())


def peak_of_process():
    """MB that this process held at its worst moment."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():  # what getrusage says on Linux is at least what the process held that started this one
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main(*sys.argv[1:])
