"""One size, or from small to large? Both on every pair of bundled pictures, with equal work, as a table of measures.

python -m tools.schedule OUT                                         # compact, 256 px: OUT/numbers.json and pictures
python -m tools.schedule OUT --network vgg19 --precision fast --size 192
python -m tools.schedule OUT --paper                                 # Figure 3's own pictures, if they were fetched
python -m tools.schedule OUT --docs docs                             # fills in docs/schedule.md from all numbers

A run from small to large has so many steps that it computes as many pixels as the other.
"""

import argparse
import itertools
import json
import pathlib
from collections.abc import Sequence
from statistics import median

import stylelib
from stylelib.analysis import measures
from stylelib.experiments import FIRST_SIZE
from stylelib.figures import contact_sheet
from stylelib.paper import figures
from tools.fidelity import fill

STEPS, PATCH = 100, 40  # of the run at one size; pixels
SCHEDULES = {"one size": 0, f"from {FIRST_SIZE} px": FIRST_SIZE}
NOT_A_PAINTING = "riverside_night"
DROWNED = 0.05  # the edges agree hardly better with the photograph than with its mirror image


def pairs(paper: bool) -> list[tuple[str, str]]:
    """Return the pairs of content and style image; each picture comes early, so that a part of them says something."""
    if paper:
        return [(panel.content, panel.style) for panel in figures.FIGURES["figure 3"].panels]
    contents = list(stylelib.bundled_images("content"))
    styles = [name for name in stylelib.bundled_images("style") if name != NOT_A_PAINTING]
    turns = itertools.product(range(len(styles)), range(len(contents)))
    return [(contents[place], styles[(turn + place) % len(styles)]) for turn, place in turns]


def compare(content: str, style: str, net: stylelib.Network, size: int, out: pathlib.Path) -> dict[str, float | str]:
    """Make a pair in both ways; return the measures of both and write their pictures."""
    photo, painting = (stylelib.load_image(figures.source(name), size) for name in (content, style))
    row: dict[str, float | str] = {"content": content, "style": style}
    row["mirrored"] = measures.edge_agreement(photo.flip(-1), photo)
    made = []
    for label, first in SCHEDULES.items():
        steps = round(2 * STEPS / (1 + (first / size) ** 2)) if first else STEPS
        run = stylelib.style_transfer(photo, painting, net, size, steps=steps, first_size=first).finish()
        made.append(run.image)
        row[f"{label}: edges"] = measures.edge_agreement(run.image, photo)
        patches = measures.patch_distances(run.image, painting)
        row[f"{label}: patches"] = patches[min(patches, key=lambda side: abs(side - PATCH))]
        row[f"{label}: colours"] = measures.colour_distance(run.image, painting)
    sheet = contact_sheet(made, [f"{content}, {style}: {label}" for label in SCHEDULES], 2)
    (out / f"{content}-{style}-{net.name}.jpg").write_bytes(sheet.jpeg(80))
    return row


def summary(rows: Sequence[dict[str, float]]) -> list[dict[str, str]]:
    """Return what all pairs of a run have in common: medians, and in how many pairs small to large does better."""
    found = []
    for measure, better in (("patches", "smaller"), ("colours", "smaller"), ("edges", "larger")):
        one, other = ([row[f"{label}: {measure}"] for row in rows] for label in SCHEDULES)
        wins = sum((b < a) == (better == "smaller") for a, b in zip(one, other, strict=True))
        names = dict(zip(SCHEDULES, (f"{median(one):.3f}", f"{median(other):.3f}"), strict=True))
        found.append({"median": measure, **names, "small to large is better in": f"{wins} of {len(rows)}"})
    drowned = {
        label: f"{sum(row[f'{label}: edges'] < row['mirrored'] + DROWNED for row in rows)} of {len(rows)}"
        for label in SCHEDULES
    }
    return [*found, {"median": "pairs whose photograph drowns", **drowned, "small to large is better in": ""}]


def table(rows: Sequence[dict[str, float | str]]) -> list[dict[str, str]]:
    """Return the rows of the page's table: each measure at one size → from small to large."""
    return [
        {
            "pair": f"{row['content']}, {row['style']}",
            **{
                measure: " → ".join(f"{row[f'{label}: {measure}']:.3f}" for label in SCHEDULES)
                for measure in ("patches", "colours", "edges")
            },
            "edges of the mirrored photograph": f"{row['mirrored']:.3f}",
        }
        for row in rows
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare all pairs, or fill in the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, metavar="OUT", help="the folder for numbers and pictures")
    parser.add_argument("--network", default="compact", help="default %(default)s")
    parser.add_argument("--precision", default="exact", help="default %(default)s")
    parser.add_argument("--size", type=int, default=256, help="longer side in pixels; default %(default)s")
    parser.add_argument("--paper", action="store_true", help="the pictures of the paper's Figure 3")
    parser.add_argument("--docs", type=pathlib.Path, help="only fill in schedule.md in this folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "numbers.json"
    numbers = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    if options.docs:
        tables = {f"{name}: {part}": make(rows) for name, rows in numbers.items() for part, make in PARTS.items()}
        page = options.docs / "schedule.md"
        page.write_text(fill(page.read_text(encoding="utf-8"), tables), encoding="utf-8")
        return
    net = stylelib.load_network(options.network, precision=options.precision)
    name = f"{options.network}, {options.size} px" + ", the paper's pictures" * options.paper
    rows = numbers.setdefault(name, [])
    done = {(row["content"], row["style"]) for row in rows}  # after an interruption it goes on
    for content, style in (pair for pair in pairs(options.paper) if pair not in done):
        rows.append(compare(content, style, net, options.size, options.out))
        kept.write_text(json.dumps(numbers, indent=1, ensure_ascii=False), encoding="utf-8")
        print(rows[-1], flush=True)


PARTS = {"summary": summary, "pairs": table}

if __name__ == "__main__":
    main()
