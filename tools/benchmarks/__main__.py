"""Measure stylelib's speed on this machine, and update the tables and the plot in this folder's README.

python -m tools.benchmarks                         # everything; let nothing else run meanwhile
python -m tools.benchmarks evaluation --rounds 3   # one part
python -m tools.benchmarks evaluation --network vgg19-random --sizes 256
python -m tools.benchmarks start --network vgg19   # needs its weights; other programs may run meanwhile
"""

import argparse
import itertools
import json
import pathlib
import platform
import shutil
from typing import Any

import torch

from stylelib.engine import engine
from stylelib.support.errors import check_choice
from stylelib.weights.networks import load_network
from tools.benchmarks import evaluation, goal, report, start
from tools.schedule import pairs

PARTS = ("evaluation", "memory", "batches", "goal", "start")
BATCHED = (32, 64, 128, 256)  # sizes at which batches are measured
FOLDER = pathlib.Path(__file__).parent


def main() -> None:
    """Read the command line, measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all of them")
    parser.add_argument("--network", action="append", help="default: vgg19-random and compact")
    parser.add_argument(
        "--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[128, 256, 512, 1024]
    )
    parser.add_argument("--rounds", type=int, default=7, help="evaluations of each kind; default: %(default)s")
    three = {"nargs": 3, "type": int, "metavar": ("PX", "EVALUATIONS", "SEEDS"), "default": [256, 1000, 3]}
    parser.add_argument("--goal", **three, help="size, the reference's evaluations, seeds; default: %(default)s")
    parser.add_argument("--start", choices=("content", "noise"), help="of the goal; default: both")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=FOLDER, help="default: beside this file")
    options = parser.parse_args()
    parts = [check_choice("part", part, PARTS) for part in options.parts] or PARTS
    networks = options.network or ["vgg19-random", "compact"]
    options.output.mkdir(parents=True, exist_ok=True)
    if not (options.output / "README.md").exists():
        shutil.copy(FOLDER / "README.md", options.output)
    path = options.output / "numbers.json"
    numbers = json.loads(path.read_text()) if path.exists() else {}
    numbers["machine"] = machine()
    for network in networks:
        for size in options.sizes:
            if "evaluation" in parts:
                found = evaluation.milliseconds(network, size, options.rounds if size < 1024 else 2)
                keep(numbers, "milliseconds", network, size, found)
                keep(numbers, "floor", network, size, evaluation.floors(network, size))
            if "memory" in parts:
                keep(numbers, "tensors", network, size, evaluation.tensors(network, size))
                keep(numbers, "megabytes", network, size, evaluation.memory(network, size))
            path.write_text(json.dumps(numbers, indent=1))
        for size in BATCHED if "batches" in parts else ():
            keep(numbers, "batches", network, size, evaluation.batches(network, size, options.rounds))
            path.write_text(json.dumps(numbers, indent=1))
    if "goal" in parts:
        for init in [options.start] if options.start else ("content", "noise"):
            measure_goal(numbers, path, init, *options.goal)
    if "start" in parts:
        for network in options.network or ["compact"]:
            measure_start(numbers, path, network)
    report.write(numbers, options.output)


def measure_goal(
    numbers: dict[str, Any], path: pathlib.Path, start: str, size: int, evaluations: int, seeds: int
) -> None:
    """Measure the time to a good picture.

    This takes hours, so each result is written immediately, and existing results are not computed again.
    """
    asked = {"size": size, "evaluations": evaluations}
    key = f"{start} {size}"
    found = numbers.setdefault("goal", {}).get(key, {})
    if found.get("asked") != asked:
        found = numbers["goal"][key] = {"asked": asked, "results": {}}
    for seed in range(seeds if start == "noise" else 1):
        for pair in goal.PAIRS:
            name = f"{' + '.join(pair)}, seed {seed}"
            if name not in found["results"]:
                found["results"][name] = goal.evaluations(pair, start, seed, size=size, most=evaluations)
                print(f"goal from {start}, {name}: {found['results'][name]}", flush=True)
                path.write_text(json.dumps(numbers, indent=1))
    found["milliseconds"] = goal.milliseconds(size=size)
    path.write_text(json.dumps(numbers, indent=1))


def measure_start(numbers: dict[str, Any], path: pathlib.Path, network: str) -> None:
    """Compare the ways to start L-BFGS on all pairs; each result is written immediately, as for the goal."""
    net = load_network(network, precision="fast" if network.startswith("vgg19") else "exact")
    for pair, init in itertools.product(pairs(paper=False), start.ALPHA_BETAS):
        found = numbers.setdefault("start", {}).setdefault(f"{network} {init}", {})
        if " + ".join(pair) not in found:
            found[" + ".join(pair)] = start.compare(pair, init, net)
            path.write_text(json.dumps(numbers, indent=1))


def keep(numbers: dict[str, Any], kind: str, network: str, size: int, measured: dict[str, float]) -> None:
    """Add what was measured to the numbers, and print it."""
    rounded = {name: round(value, 1) for name, value in measured.items()}
    numbers.setdefault(kind, {}).setdefault(network, {})[str(size)] = rounded
    values = ", ".join(f"{name} {value:.0f}" for name, value in measured.items())
    print(f"{kind}, {network}, {size} px: {values}", flush=True)


def machine() -> str:
    """Describe the machine, as far as the numbers depend on it."""
    name = platform.processor() or platform.machine()
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = lines[0] if lines else name
    bfloat16 = "with" if engine.multiplies_bfloat16(torch.device("cpu")) else "without"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{name}, {bfloat16} bfloat16 units"
    return f"{device}; {torch.get_num_threads()} threads; torch {torch.__version__}"


if __name__ == "__main__":
    main()
