"""Make the tables and the plot in this folder's README from the measured numbers."""

import math
import pathlib
from typing import Any

import matplotlib.figure

from tools.benchmarks import goal as goals
from tools.benchmarks import start as starts

Numbers = dict[str, Any]  # see numbers.json


def write(numbers: Numbers, folder: pathlib.Path) -> None:
    """Replace the tables between the marks in README.md, and write time.png."""
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8")
    found = {"machine": numbers["machine"], "evaluation": evaluations(numbers), "memory": memory(numbers)}
    if "batches" in numbers:
        found["batches"] = batches(numbers["batches"])
    if "goal" in numbers:
        found["goal"] = goal(numbers["goal"])
    if "start" in numbers:
        found["start"] = starts.table(numbers["start"])
    for name, table in found.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        text = f"{before}<!-- {name} -->\n{table}\n<!-- /{name} -->{rest.split(f'<!-- /{name} -->')[1]}"
    path.write_text(text, encoding="utf-8")
    if "milliseconds" in numbers:
        plot(numbers).savefig(folder / "time.png", dpi=120)


def evaluations(numbers: Numbers) -> str:
    """Return the table of times."""
    rows = [
        "| network | px | plain PyTorch, ms | readable | exact | mixed | fast | floor, float32 |",
        "| --- " * 8 + "|",
    ]
    for network, sizes in numbers.get("milliseconds", {}).items():
        for size, found in sizes.items():
            plain = found["plain PyTorch"]
            shares = [
                f"{found[one] / plain:.2f}" if one in found else "–" for one in ("readable", "exact", "mixed", "fast")
            ]
            floor = numbers.get("floor", {}).get(network, {}).get(size)
            floor = f"{floor['exact'] / plain:.2f}" if floor else "–"
            rows.append(f"| {network} | {size} | {plain:.0f} | {' | '.join(shares)} | {floor} |")
    return "\n".join(rows)


def memory(numbers: Numbers) -> str:
    """Return the table of memory."""
    rows = [
        "| network | px | plain PyTorch, MB | readable | exact | mixed | fast | whole process, MB | exact |",
        "| --- " * 9 + "|",
    ]
    for network, sizes in numbers.get("tensors", {}).items():
        for size, found in sizes.items():
            plain, process = found["plain PyTorch"], numbers.get("megabytes", {}).get(network, {}).get(size, {})
            shares = [
                f"{found[one] / plain:.2f}" if one in found else "–" for one in ("readable", "exact", "mixed", "fast")
            ]
            whole = [f"{process['plain PyTorch']:.0f}" if process else "–"]
            whole.append(f"{process['exact'] / process['plain PyTorch']:.2f}" if "exact" in process else "–")
            rows.append(f"| {network} | {size} | {plain:.0f} | {' | '.join([*shares, *whole])} |")
    return "\n".join(rows)


def batches(found: Numbers) -> str:
    """Return the table of batches."""
    rows = ["| network | px | one by one, ms | as one batch |", "| --- " * 4 + "|"]
    for network, sizes in found.items():
        for size, times in sizes.items():
            alone = times["one by one"]
            rows.append(f"| {network} | {size} | {alone:.0f} | {times['batch'] / alone:.2f} |")
    return "\n".join(rows)


def goal(found: Numbers) -> str:
    """Return the table of evaluations and time until the goal is met."""
    rows = [
        "| start | px | optimiser | evaluations to the goal | share of plain PyTorch's time | reached |",
        "| --- " * 6 + "|",
    ]
    for key, measured in found.items():
        start = key.split()[0]
        if "milliseconds" not in measured:  # this measurement was interrupted
            continue
        results, size = list(measured["results"].values()), measured["asked"]["size"]
        for name, one in goals.summary(results, measured["milliseconds"]).items():
            values = [
                f"{one[key]:{form}}" if one[key] < math.inf else "–"
                for key, form in (("evaluations", ".0f"), ("share", ".2f"))
            ]
            rows.append(f"| {start} | {size} | {name} | {' | '.join(values)} | {one['reached']} of {one['of']} |")
    asked = "; ".join(
        f"from {key.split()[0]} {len(measured['results'])} problems at {measured['asked']['size']} px, "
        f"{measured['asked']['evaluations']} evaluations of plain PyTorch (left out where it diverged: "
        f"{sum(one[goals.PLAIN] is None for one in measured['results'].values())})"
        for key, measured in found.items()
    )
    return "\n".join([f"Measured: {asked}.", "", *rows])


LOOKS = {
    "plain PyTorch": ("o", "tab:gray"),
    "exact": ("s", "tab:blue"),
    "mixed": ("^", "tab:orange"),
    "fast": ("v", "tab:red"),
}
DASHES = ("-", "--", ":")


def plot(numbers: Numbers) -> matplotlib.figure.Figure:
    """Plot time and memory of an evaluation over the number of pixels, with a line in proportion to the pixels."""
    figure = matplotlib.figure.Figure(figsize=(9, 4.6), layout="constrained")
    networks = sorted({network for kind in ("milliseconds", "tensors") for network in numbers.get(kind, {})})
    panels = (("milliseconds", "ms an evaluation"), ("tensors", "MB of an evaluation's tensors"))
    for axes, (kind, label) in zip(figure.subplots(1, 2), panels, strict=True):
        least = []
        for network, sizes in numbers.get(kind, {}).items():
            for name, (marker, colour) in LOOKS.items():
                points = sorted((int(size) ** 2, found[name]) for size, found in sizes.items() if name in found)
                if points:
                    style = {"linestyle": DASHES[networks.index(network) % 3], "marker": marker, "color": colour}
                    axes.plot(*zip(*points, strict=True), **style, label=f"{network}, {name}")
                    least.append(points)
        if least:
            x, y = zip(*min(least, key=lambda points: points[0][1]), strict=True)
            proportional = [0.6 * y[0] * one / x[0] for one in x]
            axes.plot(x, proportional, color="lightgray", linewidth=1, label="in proportion to the pixels")
        axes.set(xscale="log", yscale="log", xlabel="pixels", ylabel=label)
    lines = {line.get_label(): line for axes in figure.axes for line in axes.lines}
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    figure.suptitle(numbers["machine"], fontsize=8)
    return figure
