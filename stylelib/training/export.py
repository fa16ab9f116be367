"""Write the file that stylelib ships: a trained student's filters, those made by hand beside them, and the card.

python stylelib/training/export.py checkpoints/compact.pt compact.safetensors --pictures my-photographs/
python stylelib/training/export.py compact.npz compact11.safetensors --layout compact11 --pictures my-photographs/

With --layout, layers of another layout are copied from the student's in closed form: nothing is trained for it.
"""

import argparse
import random
from pathlib import Path

import torch
from handmade import KEPT, compose, kinds
from networks import LAYOUTS, Student, load_student, save_tensors
from pictures import blend_with_noise, cut_crops, half_paint, read_pictures, split


def student_of(path: Path) -> tuple[Student, str]:
    """A student from a checkpoint or a file, and how it was trained, as far as that is known."""
    if path.suffix != ".pt":
        return load_student(path), f"copied from {path.name}"
    state = torch.load(path, map_location="cpu", weights_only=False)
    student = Student(state["layout"])
    prefix = "student."
    student.load_state_dict(
        {key.removeprefix(prefix): value for key, value in state["distillation"].items() if key.startswith(prefix)}
    )
    errors = ", ".join(
        f"{name.removesuffix(' teacher')} {value:.3f}" for name, value in state["average"].items() if "teacher" in name
    )
    machine = "GPU" if state.get("device") == "cuda" else "processor core"
    return student, (
        f"{state['samples']:,} crops of 128 pixels, {state['seconds'] / 60:.0f} minutes on one {machine};"
        f" last training errors (mean square, relative): {errors}"
    )


def card(layout: str, training: str) -> dict[str, str]:
    """What the file says of itself; the page beside it (stylelib/data/README.md) says more."""
    trained = "-".join(map(str, KEPT[layout]))
    handmade = "-".join(str(len(kinds(block))) for block in range(1, 6))
    number = sum(len(widths) for widths in LAYOUTS[layout])
    return {
        "source": f"{layout}: small VGG distilled by this project; not VGG-19",
        "description": "A narrow VGG, NOT one of the VGGs of Simonyan and Zisserman:"
        f" {number} 3 x 3 convolutions in five blocks of {trained} trained filters"
        f" and {handmade} made by hand (colours, and second differences at the scale of each block), ReLU,"
        " 2 x 2 average pooling between blocks, no batch normalisation; weights float16, biases float32.",
        "teacher": "SqueezeNet v1.0, an ImageNet classifier, BSD 2-clause licence"
        " (github.com/songhan/SqueezeNet-Deep-Compression)",
        "made_by": "stylelib/training: distilled through linear maps of the layers that foretell the teacher's feature"
        " maps; then filters chosen and fitted anew in closed form, and hand-made ones put beside them",
        "training": training,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "student", type=Path, help="a checkpoint (.pt), or a .safetensors or .npz of the trained filters"
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--layout", choices=KEPT, help="default: the student's")
    parser.add_argument("--pictures", nargs="+", required=True, help="as in the training: what filters are fitted on")
    parser.add_argument("--crops", type=int, default=128)
    parser.add_argument("--training", help="how the student was trained, if its file does not know")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    torch.manual_seed(options.seed)
    student, training = student_of(options.student)
    pictures, _ = split(read_pictures(options.pictures))
    quarters = [cut_crops(pictures, options.crops // 4, 128, rng) for _ in range(4)]
    # An optimisation shows the network noise and half-painted pictures, too.
    crops = torch.cat([*quarters[:2], blend_with_noise(quarters[2], rng), half_paint(quarters[3], rng)])
    layout = options.layout or student.layout
    tensors = compose(student, layout, crops)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    sha256 = save_tensors(tensors, options.output, {"name": layout} | card(layout, options.training or training))
    print(f"{options.output}: {options.output.stat().st_size:,} bytes, numbers' SHA-256 {sha256}")


if __name__ == "__main__":
    main()
