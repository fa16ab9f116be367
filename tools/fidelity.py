"""The paper's figures on the paper's network: pictures, numbers and recordings, from runs that are kept one by one.

python -m tools.fidelity OUT                            # everything; after an interrupt it goes on where it was
python -m tools.fidelity OUT "figure 4" "rounding"      # some parts
python -m tools.fidelity OUT --steps 1000               # takes the runs that are not finished further
python -m tools.fidelity OUT --docs docs --recordings notebooks/recordings/vgg19    # what the project shows
python -m tools.fidelity OUT --network compact --size 64 --steps 30                 # a rehearsal

A run is finished when twenty steps changed its loss by less than TOLERANCE of it, about 0.1 % in fifty steps, or stops
after --steps steps. STYLELIB_WEIGHTS names the folder with the network's weights. On one core with bfloat16 units
VGG-19 needs about a quarter of a second for a step at 256 px, and one at 512 px (fast precision). OUT/runs keeps the
runs, 30 and 110 MB each.
"""

import argparse
import json
import pathlib
import re
from collections.abc import Sequence

import safetensors.torch
import torch

import stylelib
from stylelib.analysis import measures
from stylelib.figures import contact_sheet
from stylelib.paper import figures, recorded, recordings
from stylelib.synthesis import Synthesis
from stylelib.weights.formats import fingerprint
from stylelib.weights.store import load_weights

TOLERANCE = 4e-4
FRAMES = (0, 1, 3, 6, 12, 25, 50, 100, 200, 400, 800, 1600)  # the steps whose pictures are kept for the recordings
SIZE, SIZES, STEPS = 256, {"figure 4": 512, "figure 5": 512, "figure 7": 512}, 500
SAVE_EVERY = 50  # steps
ROUNDING = "rounding"  # the part that makes pictures with changed weights; JUDGING only looks at pictures with them
ROUNDING_SIZE, ROUNDING_STEPS = 128, 300
ROUNDED = {"content": 0, "noise": 2}  # start: the panel of Figure 6
VARIANTS = {
    "moved": "conv4 and conv5 moved by up to half an 8-bit step",
    "7 bits": "conv4 and conv5 in 7 bits",
}
JUDGING, JUDGED, JUDGING_SIZE = "judging", {"mean": 1e-3, "relative": 0.2}, 192  # {convention: α/β}; pixels
SIZING, TRIED, TRIED_STEPS = "sizes", (128, 192, 256, 384, 512), 300  # the last panel of Figure 4 at several sizes
PARTS = (*figures.FIGURES, *recorded.SERIES, SIZING, JUDGING, ROUNDING)
SERIES_SIZE, SERIES_STEPS = 256, 100  # of a run that does not say its number of steps
QUALITY, DOTS_PER_INCH = 72, 80  # of the page's pictures


# --------------------------------------------------------------------------------------------------------------- runs


def compute(panel: figures.Panel, net: stylelib.Network, size: int, steps: int, folder: pathlib.Path) -> Synthesis:
    """Return a panel's run: read, continued or computed. Two figures that have a panel in common compute it once."""
    return finish(figures.prepare(panel, net, size, steps), folder / f"{file_name(panel, net, size)}.pt", TOLERANCE)


def finish(run: Synthesis, path: pathlib.Path, tolerance: float) -> Synthesis:
    """Return a run finished, from its file if it is there; the file is written every SAVE_EVERY steps."""
    if path.exists():
        steps, run = run.steps, Synthesis.load(path, run.terms)
        run.steps = max(steps, run.steps)
    run.tolerance = tolerance
    run.frames.setdefault(0, run.image.cpu())
    before = run.number
    for step in run:
        if step.number in FRAMES:
            run.frames[step.number] = step.image.cpu()
        if step.number % SAVE_EVERY == 0:
            run.save(path)
    if run.number > before or not path.exists():
        run.save(path)
    return run


def file_name(panel: figures.Panel, net: stylelib.Network, size: int) -> str:
    """Return a name that says what a panel computes."""
    chosen = figures.settings(panel, net)
    parts = [*map(figures.picture_name, panel.pictures)]
    if panel.content is not None:
        parts.append(panel.content_layer)
    if panel.style is not None:
        parts.append(f"{len(panel.style_layers)}-style-layers")
    if "alpha_beta" in chosen:
        parts.append(f"{chosen['alpha_beta']:g}")
    return "_".join([*parts, chosen["init"], f"seed{panel.seed}", net.name, net.precision, f"{size}px"])


def of_series(name: str, net: stylelib.Network, options: argparse.Namespace) -> dict[str, Synthesis]:
    """Return the notebooks' own transfers, {caption: run}: with the series' settings, and as many steps as there."""
    style, panels = recorded.SERIES[name]
    size, runs = options.size or SERIES_SIZE, {}
    for number, (caption, arguments) in enumerate(panels.items()):
        steps = min(arguments.get("steps", SERIES_STEPS), options.steps)
        small = {key: min(value, size) for key, value in arguments.items() if key == "first_size"}
        run = stylelib.style_transfer("riverside", style, net, size, **{**arguments, **small, "steps": steps})
        stem = f"{recorded.path_of(name).stem}_{number}_{net.name}_{net.precision}_{size}px"
        runs[caption] = finish(run, options.runs / f"{stem}.pt", run.tolerance)
    return runs


# ----------------------------------------------------------------------------------------------------------- rounding


def varied(name: str, variant: str, folder: pathlib.Path) -> pathlib.Path:
    """Write a network's weights with conv4 and conv5 changed, and return the file's path.

    "moved" adds to each weight a random number of at most half an 8-bit step: if the weights are in 8 bit, the original
    ones lie as far away as these. "7 bits" rounds to 128 values, which moves 8-bit weights 2.4 times as far.
    """
    path = folder / f"{name}-{variant.replace(' ', '-')}.safetensors"
    if not path.exists():
        found = load_weights(name, download=False)
        tensors = dict(found.tensors)
        generator = torch.Generator().manual_seed(0)
        for key, weight in tensors.items():
            if key.startswith(("conv4", "conv5")) and key.endswith("weight"):
                least, step = weight.min(), (weight.max() - weight.min()) / 255
                chance = torch.rand(weight.shape, generator=generator) - 0.5
                if variant == "moved":
                    tensors[key] = weight + step * chance
                else:  # chance decides between two equally near values; a rule would shift the mean of the weights
                    tensors[key] = ((weight - least) / (2 * step) + 0.01 * chance).round() * 2 * step + least
        header = {
            "source": f"{found.source}, then {VARIANTS[variant]}",
            "input_mean": json.dumps(found.mean),
            "input_std": json.dumps(found.std),
            "sha256": fingerprint(tensors),
        }
        path.write_bytes(safetensors.torch.save(tensors, header))
    return path


def rounding(options: argparse.Namespace) -> list[dict[str, str]]:
    """Make one pair from both starts with changed weights; compare losses, pictures, and how each network judges."""
    folder, size, steps = options.runs, options.size or ROUNDING_SIZE, min(options.steps, ROUNDING_STEPS)
    net = stylelib.load_network(options.network, precision=options.precision)
    panels = figures.FIGURES["figure 6"].panels
    rows = []
    for start, index in ROUNDED.items():
        reference = compute(panels[index], net, size, steps, folder)
        exact = stylelib.load_network(options.network, precision="exact")
        others = {"float32 throughout": compute(panels[index], exact, size, steps, folder)}
        if start == "noise":
            others["another seed"] = compute(panels[index + 1], net, size, steps, folder)
        for variant, label in VARIANTS.items():
            path = varied(options.network, variant, folder)
            changed = stylelib.load_network(options.network, path, precision=options.precision)
            inside = folder / path.stem
            inside.mkdir(exist_ok=True)
            others[label] = compute(panels[index], changed, size, steps, inside)
        for label, run in {"as it is": reference, **others}.items():
            rows.append(
                {
                    "from": start,
                    "network": label,
                    "its own loss": f"{run.history[-1].loss:.5f}",
                    "loss in the eyes of the network as it is": f"{_judged(reference, run):.5f}",
                    "pixel difference": f"{measures.pixel_error(run.image, reference.image):.3f}",
                    "edges that agree": f"{measures.edge_agreement(run.image, reference.image):.2f}",
                }
            )
            print(rows[-1], flush=True)
    sheet = contact_sheet([reference.image, *(run.image for run in others.values())], ["as it is", *others], 3)
    sheet.DOTS_PER_INCH = DOTS_PER_INCH
    (options.out / "rounding.jpg").write_bytes(sheet.jpeg(QUALITY))
    return rows


def _judged(reference: Synthesis, run: Synthesis) -> float:
    """Return the loss that the network of one run finds in the picture of another."""
    return _evaluate(reference.terms, run.image)[0]


def judging(options: argparse.Namespace) -> list[dict[str, str]]:
    """Show the same pictures to the network, to the changed ones and in bfloat16: losses, and gradients' directions."""
    folder, size = options.runs, options.size or JUDGING_SIZE
    exact = stylelib.load_network(options.network)
    nets = {"bfloat16": stylelib.load_network(options.network, precision="fast")} | {
        variant: stylelib.load_network(options.network, varied(options.network, variant, folder))
        for variant in VARIANTS
    }
    made = stylelib.load_network(options.network, precision=options.precision)
    panels = figures.FIGURES["figure 6"].panels[:4]
    finished = {f"Figure 6, {panel.label}": compute(panel, made, size, options.steps, folder) for panel in panels}
    photo = stylelib.load_image(figures.source("tubingen"), size)
    pictures = {"the photograph": photo, "noise": stylelib.noise(*photo.shape[-2:])}
    pictures |= {label: run.image for label, run in finished.items()}
    rows = []
    for convention, alpha_beta in JUDGED.items():
        terms = {
            name: stylelib.style_transfer(
                photo, "night_swirls", net, size, alpha_beta=alpha_beta, convention=convention, steps=0
            ).terms
            for name, net in {"": exact, **nets}.items()
        }
        for label, picture in pictures.items():
            loss, gradient = _evaluate(terms[""], picture)
            row = {"α/β": f"{alpha_beta:g} ({convention})", "picture": label, "loss": f"{loss:.4f}"}
            for name in nets:
                other, direction = _evaluate(terms[name], picture)
                cosine = torch.nn.functional.cosine_similarity(gradient, direction, dim=0).item()
                row[name] = f"{other / loss - 1:+.2%}, {cosine:.3f}"
            rows.append(row)
    return rows


def _evaluate(terms: Sequence[stylelib.Term], picture: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Return the loss of a picture and its gradient as a vector."""
    run = Synthesis(terms, picture, steps=0).finish()
    assert run.progress.state is not None
    return run.history[0].loss, run.progress.state.evaluation.gradient.flatten()


# -------------------------------------------------------------------------------------------------------------- sizes


def sizes(options: argparse.Namespace) -> list[dict[str, str]]:
    """Make the panel of Figure 4 with the largest α/β at several sizes, up to `options.size`; everything else equal."""
    net = stylelib.load_network(options.network, precision=options.precision)
    panel, steps = figures.FIGURES["figure 4"].panels[-1], min(options.steps, TRIED_STEPS)
    runs, rows = {}, []
    for size in (tried for tried in TRIED if tried <= (options.size or max(TRIED))):
        run = runs[f"{size} px"] = compute(panel, net, size, steps, options.runs)
        photo = stylelib.load_image(figures.source(panel.content), size)
        mirrored = measures.edge_agreement(photo.flip(-1), photo)
        rows.append({**_row(f"{size} px", run), "edges of the mirrored photograph": f"{mirrored:.2f}"})
        print(rows[-1], flush=True)
    sheet = contact_sheet([run.image for run in runs.values()], list(runs), 3)
    sheet.DOTS_PER_INCH = DOTS_PER_INCH
    (options.out / "sizes.jpg").write_bytes(sheet.jpeg(QUALITY))
    return rows


# -------------------------------------------------------------------------------------------------------------- a part


def part(name: str, options: argparse.Namespace) -> list[dict[str, str]]:
    """Make a figure: its picture, its recording and a row of numbers for each panel."""
    net = stylelib.load_network(options.network, precision=options.precision)
    if name in recorded.SERIES:
        made, originals = of_series(name, net, options), ()
    else:
        figure, size = figures.FIGURES[name], options.size or SIZES.get(name, SIZE)
        captions, _ = figures.captions(figure, net)
        runs = [compute(panel, net, size, options.steps, options.runs) for panel in figure.panels]
        made, originals = dict(zip(captions, runs, strict=True)), figure.originals
    for caption, run in made.items():
        print(f"{name}, {caption}: {run!r}", flush=True)
    shown = [stylelib.load_image(figures.source(original), max(run.shape[-2:])) for original in originals]
    labels = [*map(figures.picture_name, originals), *made]
    sheet = contact_sheet([*shown, *(run.image for run in made.values())], labels, 2 if len(labels) in (2, 4) else 3)
    sheet.DOTS_PER_INCH = DOTS_PER_INCH
    (options.out / f"{recorded.path_of(name).stem}.jpg").write_bytes(sheet.jpeg(QUALITY))
    (options.out / "recordings").mkdir(exist_ok=True)
    kept = {
        caption: recordings.of_run(run, recorded.WIDTH, recorded.QUALITY, recorded.END_WIDTH)
        for caption, run in made.items()
    }
    recorded.save(name, kept, options.out / "recordings")
    return [_row(caption, run) for caption, run in made.items()]


def _row(caption: str, run: Synthesis) -> dict[str, str]:
    last = min(run.history, key=lambda record: record.loss)
    content = [loss / _weight(run, name) for name, loss in last.losses.items() if name.startswith("content")]
    style = [loss for name, loss in last.losses.items() if name.startswith("style")]
    photo = [term.image for term in run.terms if isinstance(term, stylelib.Content)]
    return {
        "panel": caption,
        "pixels": f"{run.shape[-1]} × {run.shape[-2]}",
        "steps": f"{run.number}, {_ending(run)}",
        "loss": f"{last.loss:.4g}",
        "its fall in the last 20 steps": f"{100 * run.progress.fall(20):.2f} %",
        "content part, before α": f"{content[0]:.4g}" if content else "–",
        "style part": f"{sum(style):.4g}" if style else "–",
        "edges of the photograph": f"{measures.edge_agreement(run.image, photo[0]):.2f}" if photo else "–",
    }


def _ending(run: Synthesis) -> str:
    """Return how a run ended, in few words."""
    if not run.finished:
        return "not finished"
    return "finished" if (run.stop_reason or "").startswith("converged") else "no better step found"


def _weight(run: Synthesis, name: str) -> float:
    return next(term.weight for term in run.terms if name.startswith(term.label)) or 1.0


# ------------------------------------------------------------------------------------------------------------ the page


def fill(page: str, tables: dict[str, list[dict[str, str]]]) -> str:
    """Return a page with the tables between its marks, <!-- NAME --> … <!-- end -->."""
    for name, rows in tables.items():
        lines = [" | ".join(rows[0]), " | ".join("---" for _ in rows[0]), *(" | ".join(row.values()) for row in rows)]
        table = "\n".join(f"| {line} |" for line in lines)
        page = re.sub(rf"(<!-- {name} -->).*?(<!-- end -->)", rf"\1\n\n{table}\n\n\2", page, flags=re.DOTALL)
    return page


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the named parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, metavar="OUT", help="the folder for the runs and all results")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them by default")
    parser.add_argument("--network", default="vgg19", help="default %(default)s")
    parser.add_argument("--precision", default="fast", help="default %(default)s")
    parser.add_argument("--size", type=int, help=f"longer side in pixels; default {SIZE}, of some figures {SIZES}")
    parser.add_argument("--steps", type=int, default=STEPS, help="the most steps of a run; default %(default)s")
    parser.add_argument("--runs", type=pathlib.Path, help="the folder that keeps the runs; default OUT/runs")
    parser.add_argument("--docs", type=pathlib.Path, help="also fill in the page in this folder, and copy its pictures")
    parser.add_argument("--recordings", type=pathlib.Path, help="also copy the recordings into this folder")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}; known: {', '.join(PARTS)}")
    options.runs = options.runs or options.out / "runs"
    for folder in (options.out, options.runs):
        folder.mkdir(parents=True, exist_ok=True)
    kept = options.out / "numbers.json"
    tables = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for name in options.parts or PARTS:
        make = {SIZING: sizes, JUDGING: judging, ROUNDING: rounding}.get(name)
        tables[name] = make(options) if make else part(name, options)
        kept.write_text(json.dumps(tables, indent=1, ensure_ascii=False), encoding="utf-8")
    if options.docs:
        page = options.docs / "fidelity.md"
        page.write_text(fill(page.read_text(encoding="utf-8"), tables), encoding="utf-8")
        _copy(options.out, options.docs / "fidelity", "*.jpg")
    if options.recordings:
        _copy(options.out / "recordings", options.recordings, "*.zip")


def _copy(source: pathlib.Path, target: pathlib.Path, pattern: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob(pattern):
        (target / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    main()
