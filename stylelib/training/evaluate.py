"""Judge networks: by what the teacher says of them on held-out pictures, and by the pictures made with them.

python stylelib/training/evaluate.py errors old.safetensors new.safetensors --pictures photos/ --teacher squeezenet.npz
python stylelib/training/evaluate.py page out/ random=compact-random study=old.safetensors new=compact --teacher …
"""

import argparse
import json
import random
from pathlib import Path

import torch
from distil import Distillation, measure_rms
from networks import INPUT_MEAN, INPUT_STD, Student, Teacher, load_student
from pictures import blend_with_noise, centre_crops, half_paint, read_pictures, split

import stylelib
from stylelib import figures, losses, measures
from stylelib.networks import NORMALIZATION_SIZE, VGG, mean_activations, normalize_activations
from stylelib.weights import LAYOUTS

# ----------------------------------------------------------------------------------------------- held-out errors


def errors(options: argparse.Namespace) -> None:
    """How well a linear map can read the goals off each student, on pictures nobody trained on.

    The readers are fitted in closed form on training pictures, in the same way for every student: so
    students trained by different programs can be compared.
    """
    training, held_out = split(read_pictures(options.pictures))
    teacher = Teacher(options.teacher).eval()
    rms = measure_rms(teacher, training, options.rms)
    fitted = centre_crops(training[:: max(1, len(training) // 400)], 128)
    rng = random.Random(7)
    torch.manual_seed(7)
    fitted = torch.cat([fitted[::2], blend_with_noise(fitted[1::4], rng), half_paint(fitted[3::4], rng)])
    clean = centre_crops(held_out, 128)
    kinds = {
        "held out": clean,
        "in noise": blend_with_noise(clean, rng),
        "half painted": half_paint(clean, rng),
    }
    if options.unseen:
        kinds["unseen pictures"] = unseen_tiles(options.unseen)
    for path in options.students:
        distillation = Distillation(load_student(path), teacher, rms)
        distillation.fit_readers(fitted)
        print(f"\n{path}")
        for kind, crops in kinds.items():
            sums: dict[str, float] = {}
            torch.manual_seed(0)  # for the random directions of the texture error
            with torch.no_grad():
                for batch in crops.split(16):
                    goals = distillation.teacher_goals(batch) | distillation.picture_goals(batch)
                    for name, value in distillation.errors(distillation.student(batch), goals).items():
                        sums[name] = sums.get(name, 0) + value.item() * len(batch) / len(crops)
            for reading in ("teacher", "gram", "pixels", "detail"):
                figures = "  ".join(f"{n.split()[0]} {v:.3f}" for n, v in sums.items() if n.endswith(reading))
                print(f"  {kind:16} {reading:8} {figures}")
        for colour, values in {"grey": (1, 1, 1), "red-green": (1, -1, 0)}.items():
            figures = "  ".join(f"{n} {v:.3f}" for n, v in visibility(distillation.student, values).items())
            print(f"  visibility of fine {colour} gratings: {figures}", flush=True)


@torch.no_grad()
def visibility(student: Student, colour: tuple[float, ...], strength: float = 0.03) -> dict[str, float]:
    """How much the finest gratings change each layer, compared with coarse ones (mean squares).

    The gratings lie over a flat sky blue. Finest: more than half a period per pixel along the diagonal,
    near the checkerboard. What a layer does not see there, an optimisation leaves there as hatching.
    """
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    sky = torch.tensor([0.35, 0.5, 0.7]).view(1, 3, 1, 1).expand(1, 3, 64, 64)
    tint = strength * torch.tensor(colour, dtype=torch.float32).view(1, 3, 1, 1)
    frequencies = [(down / 16, right / 16) for down in range(9) for right in range(9) if down + right]
    gratings = [torch.cos(2 * torch.pi * (down * rows + right * columns) + 0.7) for down, right in frequencies]
    plain, grated = student(sky), student(torch.cat([sky + tint * grating for grating in gratings]))
    radius = torch.tensor(frequencies).norm(dim=1)
    answers = {}
    for name in student.names:
        border = max(1, 4 // Student.stride(name))  # where the convolutions' zero padding does not reach
        inside = slice(border, -border)
        change = (grated[name] - plain[name])[:, :, inside, inside].square().mean((1, 2, 3))
        answers[name] = (change[radius > 0.5].mean() / change[radius < 0.25].mean()).item()
    return answers


def unseen_tiles(folder: Path) -> torch.Tensor:
    """128-pixel tiles of the (large) pictures of a folder, reduced to a height of about 384 pixels."""
    tiles = []
    for path in sorted(folder.glob("*.jpg")):
        picture = stylelib.load_image(path, 512)
        tiles += [tile for row in picture.split(128, 2) for tile in row.split(128, 3) if tile.shape[-2:] == (128, 128)]
    return torch.cat(tiles)


# ---------------------------------------------------------------------------------------------- pictures made


# What is compared: bundled pictures, on which no network was trained, unless others are named.
CONTENT = "riverside"
STYLES = ("night_swirls", "stormy_sea", "composition")
JUDGES = ("conv1", "fire2", "fire4", "fire6", "fire8")  # the teacher's stages


def page(options: argparse.Namespace) -> None:
    """For each network three sheets (content row, style row, transfers) and a table of numbers."""
    options.folder.mkdir(parents=True, exist_ok=True)
    judge = Judge(options.teacher)
    content = stylelib.load_image(options.content, options.size)
    styles = {Path(name).stem: stylelib.load_image(name, options.size) for name in options.styles}
    kept = options.folder / "numbers.json"  # so that networks can be added to a page
    numbers: dict[str, dict[str, float]] = json.loads(kept.read_text()) if kept.exists() else {}
    for pair in options.networks:
        label, _, source = pair.partition("=")
        net = load(source)
        found = numbers[label] = {}
        rows = (
            content_row(net, content, judge, found, options.steps),
            style_row(net, next(iter(styles.values())), judge, found, options.steps),
            transfers(net, content, styles, judge, found, options.steps),
        )
        for name, (pictures, captions, note) in zip(("content", "style", "transfer"), rows, strict=True):
            sheet = figures.contact_sheet(pictures, captions, columns=6, title=f"{label}: {name}", note=note)
            path = options.folder / f"{label}-{name}.jpg"
            path.write_bytes(sheet.jpeg(quality=85))
            print(path, flush=True)
        kept.write_text(json.dumps(numbers, indent=1))
    print(table(numbers))


def load(source: str):
    """A network by stylelib's name for it, or from a file that `export.py` wrote."""
    if not source.endswith((".safetensors", ".npz")):
        return stylelib.load_network(source)
    student = load_student(source)  # of whatever widths
    layout, std = LAYOUTS[student.layout], (INPUT_STD,) * 3
    net = VGG(layout, student.state_dict(), INPUT_MEAN, std, name=Path(source).stem, source="a student")
    pictures = [stylelib.load_image(path, NORMALIZATION_SIZE) for path in stylelib.bundled_images().values()]
    return normalize_activations(net, mean_activations(net, pictures))


def last_layers(net) -> list[str]:
    """The last layer of each block: the paper's conv1_2 … conv5_2 where the blocks have two."""
    return [[layer for layer in net.layers if layer[4] == block][-1] for block in "12345"]


class Judge:
    """The teacher's opinion of a picture: relative errors of its own Gram matrices and activations."""

    def __init__(self, path: str):
        self.teacher = Teacher(path).eval()

    def style_error(self, picture: torch.Tensor, style: torch.Tensor) -> float:
        ours, theirs = self.teacher(picture), self.teacher(style)
        errors = []
        for stage in JUDGES:
            grams = [losses.gram_matrix(seen[stage]) / seen[stage][0, 0].numel() for seen in (ours, theirs)]
            errors.append(((grams[0] - grams[1]).square().sum() / grams[1].square().sum()).item())
        return sum(errors) / len(errors)

    def content_error(self, picture: torch.Tensor, photo: torch.Tensor) -> float:
        ours, theirs = self.teacher(picture)["fire8"], self.teacher(photo)["fire8"]
        return ((ours - theirs).square().sum() / theirs.square().sum()).item()


def content_row(net, content, judge, found, steps):
    """Reconstructions of the content image from the last layer of each block, from noise."""
    pictures, captions = [content], ["content image"]
    for layer in last_layers(net):
        run = stylelib.reconstruct_content(content, layer, net, steps=steps).finish()
        error = found[f"content {layer[:5]}: pixel error"] = measures.pixel_error(run.image, content)
        fine = found[f"content {layer[:5]}: fine energy / photo's"] = relative_fine_energy(run.image, content)
        found[f"content {layer[:5]}: edge agreement"] = measures.edge_agreement(run.image, content)
        found[f"content {layer[:5]}: teacher's content error"] = judge.content_error(run.image, content)
        pictures.append(run.image)
        captions.append(f"{layer}: pixel error {error:.3f}, fine energy × {fine:.1f}")
    return pictures, captions, run.describe()


def style_row(net, style, judge, found, steps):
    """Reconstructions of a style from conv1_1, then with each next block's first layer, from noise."""
    layers = [f"conv{block}_1" for block in range(1, 6)]
    pictures, captions = [style], ["style image"]
    for count in range(1, 6):
        run = stylelib.reconstruct_style(style, layers[:count], net, steps=steps).finish()
        distances = measures.patch_distances(run.image, style)
        found[f"style 1..{count}: patch distance"] = sum(distances.values()) / len(distances)
        found[f"style 1..{count}: teacher's Gram error"] = judge.style_error(run.image, style)
        found[f"style 1..{count}: fine energy / style's"] = relative_fine_energy(run.image, style)
        coherence = measures.stroke_coherence(run.image) / measures.stroke_coherence(style)
        found[f"style 1..{count}: stroke coherence / style's"] = coherence
        pictures.append(run.image)
        captions.append(f"{'+ ' if count > 1 else ''}{layers[count - 1]}: strokes × {coherence:.2f}")
    return pictures, captions, run.describe()


def transfers(net, content, styles, judge, found, steps):
    """The content image in each style, from itself and from noise."""
    pictures, captions = [], []
    for init, ratio in (("content", 0.2), ("noise", 0.8)):
        results = []
        for name, style in styles.items():
            run = stylelib.style_transfer(content, style, net, init=init, alpha_beta=ratio, steps=steps).finish()
            distances = measures.patch_distances(run.image, style)
            slopes = measures.spectrum_slope(run.image) - measures.spectrum_slope(style)
            results.append((
                sum(distances.values()) / len(distances), measures.colour_distance(run.image, style),
                measures.edge_agreement(run.image, content), measures.layout_agreement(run.image, content), abs(slopes),
                judge.style_error(run.image, style), judge.content_error(run.image, content),
            ))  # fmt: skip
            pictures.append(run.image)
            captions.append(f"{name}, from {init}")
        names = (
            "patch distance to style", "colour distance to style", "edge agreement with content",
            "layout agreement with content", "spectrum slope, distance to style's", "teacher's Gram error",
            "teacher's content error",
        )  # fmt: skip
        for name, values in zip(names, zip(*results, strict=True), strict=True):
            found[f"transfer from {init}: {name}"] = sum(values) / len(values)
    return pictures, captions, run.describe()


def relative_fine_energy(picture: torch.Tensor, goal: torch.Tensor) -> float:
    return measures.fine_energy(picture) / measures.fine_energy(goal)


def table(numbers: dict[str, dict[str, float]]) -> str:
    """The numbers as a table in Markdown, a column for each network."""
    lines = ["| measure | " + " | ".join(numbers) + " |", "| --- |" + " --- |" * len(numbers)]
    for name in next(iter(numbers.values())):
        lines.append(f"| {name} | " + " | ".join(f"{found[name]:.3f}" for found in numbers.values()) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("errors", help="held-out errors, measured alike for every student")
    command.add_argument("students", nargs="+")
    command.add_argument("--pictures", nargs="+", required=True)
    command.add_argument("--teacher", required=True)
    command.add_argument("--rms", type=Path, default=Path("checkpoints/teacher-rms.pt"))
    command.add_argument("--unseen", type=Path, help="a folder of pictures that no student was trained on")
    command.set_defaults(run=errors)
    command = commands.add_parser("page", help="sheets of optimised pictures, and numbers that say what is seen")
    command.add_argument("folder", type=Path)
    command.add_argument("networks", nargs="+", metavar="LABEL=NETWORK", help="a name, or a .safetensors")
    command.add_argument("--teacher", required=True)
    command.add_argument("--content", default=CONTENT)
    command.add_argument("--styles", nargs="+", default=STYLES)
    command.add_argument("--size", type=int, default=256)
    command.add_argument("--steps", type=int, default=100)
    command.set_defaults(run=page)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
