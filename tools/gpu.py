"""Everything that needs a GPU, in one command and one folder; each step also runs by itself.

python -m tools.gpu OUT                               # all steps, at most nine minutes
python -m tools.gpu OUT speed transfers               # some of them
python -m tools.gpu OUT --network compact --size 64 --minutes 3   # a rehearsal on a processor

tests       the tests marked gpu: the processor's values, CUDA graphs, memory, repeatability
speed       milliseconds an evaluation at several sizes, compared with plain PyTorch and the measured peak
transfers   the first transfer in three styles at the paper's size, finished, with times
figures     the paper's figures, finished, and their recordings for the notebooks (tools/fidelity.py)
training    minutes of the embedded network's training, if its code and pictures are there (STYLELIB_TRAINING)

A run is finished when twenty steps changed its loss by less than fidelity.TOLERANCE of it.
STYLELIB_WEIGHTS names the folder with the network's weights. Results are in OUT, numbers in OUT/report.json.
"""

import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

import stylelib
from stylelib.figures import contact_sheet
from stylelib.support.machine import describe
from tools import fidelity

MOST_STEPS = 2000
STYLES = ("night_swirls", "woodcut", "mosaic")
ROOT = pathlib.Path(__file__).resolve().parent.parent


def tests(options: argparse.Namespace) -> dict[str, Any]:
    """Run the tests that are marked gpu."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu", "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    (options.out / "tests.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return {"exit code": done.returncode, "summary": done.stdout.strip().splitlines()[-1:]}


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """Measure an evaluation of loss and gradient."""
    from tools.benchmarks import evaluation

    sizes = [options.size // 2, options.size, 2 * options.size]
    measured = {}
    for size in sizes:
        found = evaluation.milliseconds(options.network, size, rounds=10)
        plain = found["plain PyTorch"]
        measured[f"{size} px"] = {
            "milliseconds": found,
            "share of plain PyTorch": {name: value / plain for name, value in found.items()},
            "milliseconds at the measured peak": evaluation.floors(options.network, size),
        }
    return measured


def transfers(options: argparse.Namespace) -> dict[str, Any]:
    """Finish a transfer in each of three styles, from the content image."""
    net = stylelib.load_network(options.network, precision=options.precision)
    pictures, captions, report = [], [], {}
    for style in STYLES:
        started = time.perf_counter()
        run = stylelib.style_transfer(
            "riverside", style, net, options.size, steps=MOST_STEPS, tolerance=fidelity.TOLERANCE
        )
        run.finish()
        seconds = time.perf_counter() - started
        report[style] = {"seconds": seconds, "steps": run.number, "stopped": run.stop_reason, "made": run.describe()}
        stylelib.save_image(run.image, options.out / f"transfer-{style}.png")
        pictures.append(run.image)
        captions.append(f"{style}: {run.number} steps, {seconds:.0f} s")
    sheet = contact_sheet(pictures, captions, note=run.describe())
    (options.out / "transfers.jpg").write_bytes(sheet.jpeg())
    return report


def paper(options: argparse.Namespace) -> dict[str, Any]:
    """Finish every panel of the paper's figures, and record them. The large files of the runs stay on this machine."""
    out = options.out / "fidelity"
    passed = [f"--{option}={getattr(options, option)}" for option in ("network", "precision", "size")]
    fidelity.main([str(out), f"--steps={MOST_STEPS}", f"--runs={ROOT / 'build' / 'fidelity'}", *passed])
    report: dict[str, Any] = json.loads((out / "numbers.json").read_text(encoding="utf-8"))
    return report


def training(options: argparse.Namespace) -> dict[str, Any]:
    """Run the command line in STYLELIB_TRAINING from the repository's root, for as long as there is time."""
    command = os.environ.get("STYLELIB_TRAINING")
    if not command:
        return {"left out": "STYLELIB_TRAINING names no command, such as: python tools/training/train.py compact …"}
    with open(options.out / "training.txt", "w", encoding="utf-8") as log:
        done = subprocess.run(shlex.split(command), cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    return {"exit code": done.returncode}


STEPS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "tests": tests,
    "speed": speed,
    "transfers": transfers,
    "figures": paper,
    "training": training,
}


def main() -> None:
    """Run the steps, each as a process of its own, so that one that fails or takes too long costs no other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, metavar="OUT", help="the folder for all results")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"{', '.join(STEPS)}; all of them by default")
    parser.add_argument("--network", default="vgg19", help="default %(default)s")
    parser.add_argument("--precision", default="mixed", help="of transfers and figures; default %(default)s")
    parser.add_argument("--size", type=int, default=512, help="longer side in pixels; default %(default)s")
    parser.add_argument("--minutes", type=float, default=9, help="for all steps together; default %(default)s")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # one step, in this process
    options = parser.parse_args()
    unknown = set(options.steps) - set(STEPS)
    if unknown:
        parser.error(f"there is no step {', '.join(unknown)}; known: {', '.join(STEPS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    if options.here:
        (name,) = options.steps
        (options.out / f"{name}.json").write_text(json.dumps(STEPS[name](options), indent=1), encoding="utf-8")
        return
    end, report = time.monotonic() + 60 * options.minutes, {"machine": describe(), "torch": torch.__version__}
    for name in options.steps or STEPS:
        report[name] = _in_a_process(name, options, end - time.monotonic())
        (options.out / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
        print(f"{name}: {json.dumps(report[name], ensure_ascii=False)[:2000]}", flush=True)


def _in_a_process(name: str, options: argparse.Namespace, seconds: float) -> dict[str, Any]:
    if seconds <= 0:
        return {"left out": "no time was left"}
    passed = [f"--{option}={getattr(options, option)}" for option in ("network", "precision", "size")]
    command = [sys.executable, "-m", "tools.gpu", str(options.out.resolve()), name, "--here", *passed]
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, timeout=seconds, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        return {"stopped": f"after {seconds:.0f} s; what was written until then is in the folder"}
    result = options.out / f"{name}.json"
    if done.returncode != 0 or not result.exists():
        return {"failed": done.stderr.strip().splitlines()[-12:]}
    report: dict[str, Any] = {"seconds": round(time.monotonic() - started, 1), **json.loads(result.read_text("utf-8"))}
    result.unlink()
    return report


if __name__ == "__main__":
    main()
