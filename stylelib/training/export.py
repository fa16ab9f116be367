"""Write a checkpoint's student as the file that stylelib ships, its filters normalised, with its card in the header.

python stylelib/training/export.py checkpoints/compact.pt compact.safetensors --pictures my-photographs/
"""

import argparse
from pathlib import Path

import torch
from networks import Student, normalise_activations, save_student
from pictures import centre_crops, read_pictures, split


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--pictures", nargs="+", required=True, help="as in the training; the filters' means over them")
    export(parser.parse_args())


if __name__ == "__main__":
    main()
