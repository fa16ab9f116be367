"""Write the file that stylelib ships: the averaged weights of a checkpoint in float16, and what they are.

python tools/training/export.py runs/compact/checkpoint.pt compact.safetensors
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from student import INPUT_MEAN, INPUT_STD, Student

ATTRIBUTION = "VGG-19: K. Simonyan, A. Zisserman, arXiv:1409.1556, CC BY 4.0"


def fingerprint(tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 over names, shapes and float32 numbers, in order, by which stylelib knows that a file is whole."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.float().flatten().numpy())
    return digest.hexdigest()


def card(student: Student, training: str) -> dict[str, str]:
    """What the file says of itself."""
    layout = "-".join(str(sum(layer[4] == block for layer in student.layers)) for block in "12345")
    return {
        "name": student.layout,
        "source": f"{student.layout}: a small VGG of this project, taught by VGG-19; not VGG-19",
        "description": "A narrow VGG, NOT one of the VGGs of Simonyan and Zisserman:"
        f" {layout} 3 x 3 convolutions in five blocks of {'-'.join(map(str, student.widths))} filters, each of which"
        " imitates one filter of VGG-19's layer of the same name (activation-normalised, average pooling); ReLU,"
        " 2 x 2 average pooling between blocks; weights float16, biases float32.",
        "teacher": ATTRIBUTION,
        "made_by": "tools/training: filters chosen by a pivoted factorisation, a start in closed form, then trained on"
        " crops, noise and pictures that the student itself had painted",
        "training": training,
        "input_mean": json.dumps(INPUT_MEAN),
        "input_std": json.dumps([INPUT_STD] * 3),
    }


def export(state: dict, output: Path) -> Path:
    """Write the averaged student of a checkpoint.

    Parameters
    ----------
    state
        A checkpoint as train.py writes it.
    output
        Path of the .safetensors file.
    """
    student = Student(state["layout"], state["widths"])
    tensors = {}
    for layer in student.layers:
        tensors[f"{layer}.weight"] = state["average"][f"convolutions.{layer}.weight"].half().contiguous()
        tensors[f"{layer}.bias"] = state["average"][f"convolutions.{layer}.bias"].float().contiguous()
    _, crops, seconds = state["counts"]
    errors = " ".join(
        f"{name.split()[1]} {value:.3f}" for name, value in state["held_out"].items() if name.startswith("filters")
    )
    training = f"{crops:,} crops, {seconds / 60:.0f} minutes; held-out errors (mean square, relative): {errors}"
    chosen = {layer: state["chosen"][layer].tolist() for layer in student.layers}
    header = card(student, training) | {"chosen": json.dumps(chosen), "sha256": fingerprint(tensors)}
    output.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, output, header)
    return output


def read_exported(student: Student, path: Path) -> dict[str, torch.Tensor]:
    """Give a student the filters of a file that `export` wrote, and return which of the teacher's they imitate."""
    with safe_open(path, "pt") as file:
        chosen = {layer: torch.tensor(numbers) for layer, numbers in json.loads(file.metadata()["chosen"]).items()}
        for layer, convolution in student.convolutions.items():
            convolution.weight.data.copy_(file.get_tensor(f"{layer}.weight").float())
            convolution.bias.data.copy_(file.get_tensor(f"{layer}.bias"))
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    state = torch.load(options.checkpoint, map_location="cpu", weights_only=False)
    path = export(state, options.output)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
