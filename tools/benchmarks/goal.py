"""The time to a good picture: evaluations and seconds until a loss that plain PyTorch reaches late.

The goal for a pair of pictures is 1.02 times the lowest loss that the reference reached (reference.py with torch's
L-BFGS at its defaults). Network, pictures, loss and start are the same for all optimisers. Evaluations are counted,
because other programs on the machine do not change their number; the time of an evaluation is measured separately, with
the optimisers taking turns.
"""

import itertools
import statistics
import time

from torch import Tensor

import stylelib
from stylelib import Network
from stylelib.experiments import ALPHA_BETA
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS
from tools.benchmarks.evaluation import square
from tools.benchmarks.reference import Reference

PAIRS = (
    ("riverside", "night_swirls"),
    ("still_life", "composition"),
    ("valley", "sunset_waves"),
    ("riverside", "woodcut"),
    ("still_life", "stormy_sea"),
)
PLAIN = "plain PyTorch, L-BFGS"
OPTIMIZERS = {
    "L-BFGS": lambda: stylelib.LBFGS(),
    "L-BFGS, history 10": lambda: stylelib.LBFGS(10),
    "Adam 0.02": lambda: stylelib.Adam(0.02),
    "Adam 0.05": lambda: stylelib.Adam(0.05),
    "Adam 0.1": lambda: stylelib.Adam(0.1),
}
COARSE_TO_FINE, COARSE_STEPS = "L-BFGS, coarse to fine", 60
STEPS = 400  # an optimiser that needs more counts as too slow


def evaluations(
    pair: tuple[str, str], init: str, seed: int = 0, network: str = "compact", size: int = 256, most: int = 1000
) -> dict[str, float | None]:
    """Return {name: evaluations until the goal is met, or None}, the reference first.

    Torch's L-BFGS has no line search by default, and now and then its second step diverges. Then there is no goal, and
    the result is {reference: None}.
    """
    net, photo, painting, start = problem(pair, init, seed, network, size)
    plain = Reference(net, photo, painting, CONTENT_LAYER, STYLE_LAYERS, ALPHA_BETA)
    curve = list(itertools.islice(plain.steps(start), most))
    goal = 1.02 * min(curve)
    if not all(loss < 100 * curve[0] for loss in curve):
        return {PLAIN: None}
    found: dict[str, float | None] = {PLAIN: next(number for number, loss in enumerate(curve, 1) if loss <= goal)}
    for name, make in OPTIMIZERS.items():
        run = stylelib.style_transfer(photo, painting, net, init=start, optimizer=make(), steps=STEPS, tolerance=0)
        found[name] = next((step.evaluations for step in run if step.loss <= goal), None)
    found[COARSE_TO_FINE] = coarse_to_fine(net, photo, painting, init, seed, goal, STEPS)
    return found


def coarse_to_fine(
    net: Network, photo: Tensor, painting: Tensor, init: str, seed: int, goal: float, steps: int
) -> float | None:
    """Return the evaluations until the goal is met, if the run starts with COARSE_STEPS at half the size.

    An evaluation at half the size counts as a quarter.
    """
    arguments = {"init": init, "seed": seed, "tolerance": 0, "first_size": max(photo.shape) // 2}
    run = stylelib.style_transfer(photo, painting, net, steps=2 * COARSE_STEPS, **arguments)
    while not run.scales.is_last:
        next(run)
    coarse, run.steps = run.history[COARSE_STEPS].evaluations, COARSE_STEPS + steps
    fine = itertools.chain(run.history[COARSE_STEPS + 1 :], run)
    return next((record.evaluations - 0.75 * coarse for record in fine if record.loss <= goal), None)


def milliseconds(network: str = "compact", size: int = 256, rounds: int = 5, warm: int = 110) -> dict[str, float]:
    """Return {name: median time of an evaluation in ms}, the optimiser's own time included. They take turns.

    Each makes `warm` evaluations before anything is measured, so that every L-BFGS history is full.
    """
    net, photo, painting, start = problem(PAIRS[0], "content", 0, network, size)
    plain = Reference(net, photo, painting, CONTENT_LAYER, STYLE_LAYERS, ALPHA_BETA)
    runs = {PLAIN: lambda: plain.steps(start)}
    for name, make in OPTIMIZERS.items():
        runs[name] = lambda make=make: stylelib.style_transfer(
            photo, painting, net, init=start, optimizer=make(), steps=10**6, tolerance=0
        )
    running = {name: iter(run()) for name, run in runs.items()}
    times = {name: [] for name in running}
    for turn in range(warm + rounds):
        for name, run in running.items():
            started = time.perf_counter()
            next(run)
            if turn >= warm:
                times[name].append(1000 * (time.perf_counter() - started))
    found = {name: statistics.median(one) for name, one in times.items()}
    return {**found, COARSE_TO_FINE: found["L-BFGS"]}


def problem(
    pair: tuple[str, str], init: str, seed: int, network: str, size: int
) -> tuple[Network, Tensor, Tensor, Tensor]:
    """Return the network, the content image, the style image, and the picture to start from."""
    photo, painting = (square(name, size) for name in pair)
    start = photo if init == "content" else stylelib.noise(size, size, seed)
    return stylelib.load_network(network, device="cpu"), photo, painting, start


def summary(results: list[dict[str, float | None]], milliseconds: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return the medians over several pairs, from the results of `evaluations` and of `milliseconds`.

    {name: {"evaluations": until the goal is met, "share": of the reference's time, "reached": how many pairs, "of": how
    many pairs there are}}. A run that missed the goal counts as slower than all others. Pairs without a goal are left
    out.
    """
    found, never = {}, float("inf")
    results = [one for one in results if one[PLAIN]]
    for name in results[0] if results else ():
        needed = [one[name] or never for one in results]
        shares = [
            count * milliseconds[name] / (one[PLAIN] * milliseconds[PLAIN])
            for count, one in zip(needed, results, strict=True)
        ]
        found[name] = {
            "evaluations": statistics.median(needed),
            "share": statistics.median(shares),
            "reached": sum(count < never for count in needed),
            "of": len(needed),
        }
    return found
