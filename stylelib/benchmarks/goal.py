"""How soon a good picture is there: evaluations and seconds to a loss that plain PyTorch reaches late.

The goal of a pair is within 2 % of the loss that the reference (reference.py with torch's L-BFGS as it comes) has after
`evaluations` evaluations. Everything is the same for all: network, pictures, loss, start.
"""

import statistics
import time

import stylelib
from stylelib.benchmarks.evaluation import square
from stylelib.benchmarks.reference import Reference
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS

PAIRS = (
    ("riverside", "night_swirls"),
    ("still_life", "composition"),
    ("valley", "sunset_waves"),
    ("riverside", "woodcut"),
    ("still_life", "stormy_sea"),
)
OPTIMIZERS = {
    "L-BFGS": lambda: stylelib.LBFGS(),
    "Adam 0.01": lambda: stylelib.Adam(0.01),
    "Adam 0.02": lambda: stylelib.Adam(0.02),
    "Adam 0.05": lambda: stylelib.Adam(0.05),
    "Adam 0.1": lambda: stylelib.Adam(0.1),
}


def measure(
    network="compact",
    size=256,
    evaluations=1000,
    pairs=PAIRS,
    optimizers=OPTIMIZERS,
    init="content",
    seeds=(0,),
):
    """{name: {"evaluations": median to the goal, "seconds": median share of the reference's, "missed": pairs}}."""
    found = {name: [] for name in ("plain PyTorch", *optimizers)}
    for content, style in pairs:
        for seed in seeds:
            net = stylelib.load_network(network, device="cpu")
            photo, painting = square(content, size), square(style, size)
            start = photo if init == "content" else stylelib.noise(size, size, seed)
            plain = Reference(net, photo, painting, CONTENT_LAYER, STYLE_LAYERS, stylelib.recipes.ALPHA_BETA)
            curve = [
                (loss, seconds, number) for number, (loss, seconds) in enumerate(plain.optimize(start, evaluations), 1)
            ]
            goal = 1.02 * min(loss for loss, _ in curve)
            known = [curve]
            for make in optimizers.values():
                run = stylelib.style_transfer(
                    photo, painting, net, init=start, optimizer=make(), steps=evaluations, tolerance=0
                )
                started, one = time.perf_counter(), []
                for step in run:
                    one.append((step.loss, time.perf_counter() - started, step.evaluations))
                    if step.loss <= goal or run.evaluations >= evaluations:
                        break
                known.append(one)
            needed = reached(curve, goal)
            for name, one in zip(found, known, strict=True):
                there = reached(one, goal)
                found[name].append((there, there and there[1] / needed[1]))
                last = f"{there[0]} evaluations, {there[1]:.1f} s" if there else "not reached"
                print(f"{content} + {style}, seed {seed}, goal {goal:.4g}: {name} {last}", flush=True)
    return {name: summary(results) for name, results in found.items()}


def reached(curve, goal):
    """(evaluations, seconds) at which a curve of (loss, seconds, evaluations) first meets the goal, or None."""
    return next(((number, seconds) for loss, seconds, number in curve if loss <= goal), None)


def summary(results):
    there = [one for one in results if one[0]]
    return {
        "evaluations": statistics.median(one[0][0] for one in there) if there else None,
        "seconds": round(statistics.median(one[1] for one in there), 3) if there else None,
        "missed": len(results) - len(there),
        "of": len(results),
    }
