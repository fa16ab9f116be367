"""How soon a good picture is there: evaluations and time to a loss that plain PyTorch reaches late.

The goal of a pair is within 2 % of the least loss that the reference (reference.py with torch's L-BFGS as it comes) saw
in its evaluations. Everything else is the same for all: network, pictures, loss, start. Evaluations are counted, which
no other program on the machine can falsify; what a step costs is measured on its own, everybody taking turns.
"""

import itertools
import statistics
import time

import stylelib
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
STEPS = 400  # of an optimiser, after which it counts as too slow


def evaluations(pair, init, seed=0, network="compact", size=256, most=1000):
    """{name: evaluations until the goal is met, or None}, the reference's first.

    Torch's L-BFGS has no line search, and now and then its second step leads out of all bounds and never back. Then
    there is no goal, and {reference: None} is all there is to say.
    """
    net, photo, painting, start = problem(pair, init, seed, network, size)
    plain = Reference(net, photo, painting, CONTENT_LAYER, STYLE_LAYERS, ALPHA_BETA)
    curve = list(itertools.islice(plain.steps(start), most))
    goal = 1.02 * min(curve)
    if not all(loss < 100 * curve[0] for loss in curve):
        return {PLAIN: None}
    found = {PLAIN: next(number for number, loss in enumerate(curve, 1) if loss <= goal)}
    for name, make in OPTIMIZERS.items():
        run = stylelib.style_transfer(photo, painting, net, init=start, optimizer=make(), steps=STEPS, tolerance=0)
        found[name] = next((step.evaluations for step in run if step.loss <= goal), None)
    found[COARSE_TO_FINE] = by_way_of_half(net, photo, painting, init, seed, goal, STEPS)
    return found


def by_way_of_half(net, photo, painting, init, seed, goal, steps):
    """Evaluations until the goal is met after COARSE_STEPS at half the size, each of which counts as a quarter."""
    size = max(photo.shape)
    arguments = {"network": net, "init": init, "seed": seed, "steps": COARSE_STEPS, "tolerance": 0}
    runs = stylelib.coarse_to_fine(stylelib.style_transfer, (size // 2, size), photo, painting, **arguments)
    coarse, fine = next(runs).finish(), next(runs)
    fine.steps = steps
    return next((coarse.evaluations / 4 + step.evaluations for step in fine if step.loss <= goal), None)


def milliseconds(network="compact", size=256, rounds=5, warm=110):
    """{name: median time of an evaluation, what the optimiser itself takes included}, all taking turns.

    warm: evaluations of each before anything is measured, so that every history is full.
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


def problem(pair, init, seed, network, size):
    """(network, content image, style image, picture to start from)."""
    photo, painting = (square(name, size) for name in pair)
    start = photo if init == "content" else stylelib.noise(size, size, seed)
    return stylelib.load_network(network, device="cpu"), photo, painting, start


def summary(results, milliseconds):
    """{name: medians over the results}, of `evaluations` of several pairs and of `milliseconds`.

    "evaluations" to the goal; "share" of the reference's time, each result against the reference's own; "reached" by
    how many of "of". Who missed the goal counts as slower than all others; without a goal a result is left out.
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
