"""Measure, export and show students.

python evaluate.py export checkpoints/compact.pt new.safetensors --pictures photographs-256.tar
python evaluate.py errors old.npz new.safetensors --pictures photographs-256.tar --teacher squeezenet.npz
python evaluate.py sheet page.png old.npz new.safetensors --content town.jpg --styles night.jpg scream.jpg
"""

import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch
from distil import Distillation, measure_rms
from networks import Student, Teacher, load_student, normalise_activations, save_student
from pictures import blend_with_noise, centre_crops, half_paint, read_pictures, split
from PIL import Image, ImageDraw
from synthesis import fine_energy, paint

# ----------------------------------------------------------------------------------------------- export


def student_of_checkpoint(path: Path) -> tuple[Student, dict]:
    """The student alone, without its readers, and everything else that the checkpoint knows."""
    state = torch.load(path, map_location="cpu", weights_only=False)
    student = Student(state["layout"])
    prefix = "student."
    student.load_state_dict(
        {key.removeprefix(prefix): value for key, value in state["distillation"].items() if key.startswith(prefix)}
    )
    return student, state


def export(options: argparse.Namespace) -> None:
    student, state = student_of_checkpoint(options.checkpoint)
    photographs, _ = split(read_pictures(options.pictures))
    normalise_activations(student, centre_crops(photographs[:: max(1, len(photographs) // 48)], 128))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    sha256 = save_student(student, options.output, card(student, state))
    print(f"{options.output}: {options.output.stat().st_size:,} bytes, numbers' SHA-256 {sha256}")


def card(student: Student, state: dict) -> dict[str, str]:
    """What the file says of itself; the page beside it (stylelib/data/README.md) says more."""
    widths = ", ".join("-".join(str(student.width(name)) for name in student.names if name[4] == b) for b in "12345")
    errors = ", ".join(
        f"{name.removesuffix(' teacher')} {value:.3f}" for name, value in state["average"].items() if "teacher" in name
    )
    machine = "GPU" if state.get("device") == "cuda" else "processor core"
    return {
        "source": f"{student.layout}: small VGG distilled by this project; not VGG-19",
        "description": f"A narrow VGG, NOT one of the VGGs of Simonyan and Zisserman: {len(student.names)} 3 x 3"
        f" convolutions of {widths} filters in five blocks, ReLU, 2 x 2 average pooling between blocks, no batch"
        " normalisation; filters divided by their mean activation; weights float16, biases float32.",
        "teacher": "SqueezeNet v1.0, an ImageNet classifier, BSD 2-clause licence"
        " (github.com/songhan/SqueezeNet-Deep-Compression)",
        "made_by": "stylelib/training: linear maps of the layers foretell the teacher's feature maps and the pixels;"
        " fine gratings must be seen",
        "training": f"{state['samples']:,} crops of 128 pixels, {state['seconds'] / 60:.0f} minutes on one {machine};"
        f" last training errors (mean square, relative): {errors}",
    }


# ----------------------------------------------------------------------------------------------- errors


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
    """128-pixel tiles of the (large) pictures of a folder, reduced to a height of 384 pixels."""
    tiles = []
    for path in sorted(folder.glob("*.jpg")):
        picture = load_picture(path, 384)
        tiles += [tile for row in picture.split(128, 2) for tile in row.split(128, 3) if tile.shape[-2:] == (128, 128)]
    return torch.cat(tiles)


# ------------------------------------------------------------------------------------------------ sheet


def load_picture(path: str | Path, height: int, size: tuple[int, int] | None = None) -> torch.Tensor:
    picture = Image.open(path).convert("RGB")
    size = size or (round(picture.width * height / picture.height / 16) * 16, height)
    array = np.array(picture.resize(size, Image.Resampling.LANCZOS))
    return torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255


def sheet(options: argparse.Namespace) -> None:
    """Two rows of pictures for each student, optimised alike: reconstructions; styles and transfers."""
    torch.set_num_threads(options.threads)
    content = load_picture(options.content, options.height)
    size = (content.shape[3], content.shape[2])
    styles = [load_picture(path, options.height, size) for path in options.styles]
    torch.manual_seed(0)
    noise = (0.5 + 0.1 * torch.randn(content.shape)).clamp(0, 1)
    rows = []
    for path in options.students:
        student = load_student(path)
        begun = time.monotonic()
        common = {"evaluations": options.evaluations}
        # VGG-11 has no convK_2 in its first blocks: the last layer of each block stands for it.
        lasts = [max(name for name in student.names if name[4] == block) for block in "12345"]
        firsts = [f"conv{block}_1" for block in range(1, 6)]
        row = [("content", content)]
        for layer in lasts:
            picture = paint(student, noise, content=content, content_layer=layer, **common)
            error = (picture - content).square().mean().item()
            row.append((f"{layer} mse {error:.4f} fine {1000 * fine_energy(picture):.2f}", picture))
        rows.append((path, row))
        row = [
            (
                f"style 1..{depth}",
                paint(student, noise, style=styles[0], style_layers=firsts[:depth], **common),
            )
            for depth in options.depths
        ]
        for name, style in zip(options.styles, styles, strict=True):
            picture = paint(
                student,
                content,
                content=content,
                content_layer="conv4_2",
                style=style,
                style_layers=firsts,
                **common,
            )
            row.append((f"{Path(name).stem} fine {1000 * fine_energy(picture):.2f}", picture))
        rows.append((path, row[-6:]))
        print(
            f"{path}: {time.monotonic() - begun:.0f} s",
            [label for _, r in rows[-2:] for label, _ in r],
            flush=True,
        )
    across, down = size[0] + 4, size[1] + 16
    page = Image.new("RGB", (6 * across, len(rows) * down), "white")
    draw = ImageDraw.Draw(page)
    for y, (path, row) in enumerate(rows):
        for x, (label, picture) in enumerate(row):
            array = (picture[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
            page.paste(Image.fromarray(array), (x * across, y * down + 14))
            draw.text((x * across + 2, y * down + 1), (Path(path).stem + ": " if x == 0 else "") + label, "black")
    page.save(options.output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("export", help="write a checkpoint's student as safetensors")
    command.add_argument("checkpoint", type=Path)
    command.add_argument("output", type=Path)
    command.add_argument("--pictures", nargs="+", required=True)
    command.set_defaults(run=export)
    command = commands.add_parser("errors", help="held-out errors, measured alike for every student")
    command.add_argument("students", nargs="+")
    command.add_argument("--pictures", nargs="+", required=True)
    command.add_argument("--teacher", required=True)
    command.add_argument("--rms", type=Path, default=Path("checkpoints/teacher-rms.pt"))
    command.add_argument("--unseen", type=Path, help="a folder of pictures that no student was trained on")
    command.set_defaults(run=errors)
    command = commands.add_parser("sheet", help="a contact sheet of optimised pictures")
    command.add_argument("output")
    command.add_argument("students", nargs="+")
    command.add_argument("--content", required=True)
    command.add_argument("--styles", nargs="+", required=True)
    command.add_argument("--height", type=int, default=192)
    command.add_argument("--evaluations", type=int, default=100)
    command.add_argument("--depths", type=int, nargs="+", default=[1, 2, 3, 5])
    command.add_argument("--threads", type=int, default=1)
    command.set_defaults(run=sheet)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
