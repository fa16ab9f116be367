"""The training code runs from pictures to a file that is small and whole, and knows when it is done."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import safetensors

ROOT = pathlib.Path(__file__).parent.parent
TRAINING = ROOT / "stylelib" / "training"
FIRE_MODULES = {  # of SqueezeNet 1.0: channels in, squeezed, of the 1 × 1 and of the 3 × 3 convolutions
    2: (96, 16, 64, 64),
    3: (128, 16, 64, 64),
    4: (128, 32, 128, 128),
    5: (256, 32, 128, 128),
    6: (256, 48, 192, 192),
    7: (384, 48, 192, 192),
    8: (384, 64, 256, 256),
    9: (512, 64, 256, 256),
}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A file in the teacher's layout with random weights: what is tested is the way, not what is learned."""
    rng, arrays = np.random.default_rng(0), {}

    def convolution(name, filters, channels, side):
        shape = (filters, channels, side, side)
        arrays[f"{name}.weight"] = (rng.standard_normal(shape) * (2 / (channels * side**2)) ** 0.5).astype("f4")
        arrays[f"{name}.bias"] = np.zeros(filters, "f4")

    convolution("conv1", 96, 3, 7)
    for number, (channels, squeezed, small, large) in FIRE_MODULES.items():
        convolution(f"fire{number}.squeeze", squeezed, channels, 1)
        convolution(f"fire{number}.e1", small, squeezed, 1)
        convolution(f"fire{number}.e3", large, squeezed, 3)
    convolution("conv10", 1000, 512, 1)
    path = tmp_path_factory.mktemp("teacher") / "teacher.npz"
    np.savez(path, **arrays)
    return path


def run(script, *arguments):
    command = [sys.executable, TRAINING / script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def train(folder, teacher, layout="compact"):
    pictures = ROOT / "images" / "content", ROOT / "images" / "style"
    options = ["--samples", "32", "--size", "64", "--drawings", "2", "--float32", "--line-seconds", "0"]
    return run("train.py", layout, "--pictures", *pictures, "--teacher", teacher, "--checkpoints", folder, *options)


@pytest.mark.parametrize(("layout", "layers", "megabytes"), [("compact", 10, 6), ("compact11", 8, 4)])
def test_from_pictures_to_a_file(tmp_path, teacher, layout, layers, megabytes):
    said = train(tmp_path, teacher, layout)
    assert "32 crops" in said and "done" in said
    again = train(tmp_path, teacher, layout)  # from the checkpoint: there is nothing left to do
    assert "step 1 " not in again and "done" in again
    path = tmp_path / f"{layout}.safetensors"
    run("export.py", tmp_path / f"{layout}.pt", path, "--pictures", ROOT / "images" / "content")
    assert path.stat().st_size < megabytes * 1e6
    with safetensors.safe_open(path, "np") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert "NOT one of the VGGs" in header["description"]
    assert len(json.loads(header["input_mean"])) == 3
    assert len([name for name in tensors if name.endswith(".weight")]) == layers
    assert all(np.isfinite(values).all() for values in tensors.values())
