"""The training code runs from pictures to a file that is small and whole, and knows when it is done."""

import importlib
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import safetensors
import torch

import stylelib

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
    run("export.py", tmp_path / f"{layout}.pt", path, "--pictures", ROOT / "images" / "content", "--crops", 8)
    assert path.stat().st_size < megabytes * 1e6
    with safetensors.safe_open(path, "np") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert "NOT one of the VGGs" in header["description"]
    assert len(json.loads(header["input_mean"])) == 3
    assert len([name for name in tensors if name.endswith(".weight")]) == layers
    assert all(np.isfinite(values).all() for values in tensors.values())


@pytest.fixture
def handmade(monkeypatch):
    monkeypatch.syspath_prepend(str(TRAINING))
    return importlib.import_module("handmade")


def test_hand_made_filters_answer_to_what_their_names_say(handmade):
    """In the shipped network: colours to flat colours in every block, bands to gratings of their scale."""
    net = stylelib.load_network("compact", normalize=False, device="cpu")

    def answers(picture, layer):
        seen = net(picture, [layer])[layer][0, -len(handmade.kinds(int(layer[4]))) :, 4:-4, 4:-4].mean(dim=(1, 2))
        return dict(zip(handmade.kinds(int(layer[4])), seen.tolist(), strict=True))

    red = torch.tensor([0.9, 0.2, 0.2]).view(1, 3, 1, 1).expand(1, 3, 128, 128)
    for layer in ("conv1_1", "conv3_2", "conv4_1"):
        seen = answers(red, layer)
        assert seen["colour", "red-green", 1, 0] > 1, "each in units of its own mean"
        assert seen["colour", "red-green", -1, 0] == pytest.approx(0, abs=0.01)
        assert seen["colour", "lightness", -1, 0.5] > 0 and seen["colour", "lightness", 1, 0.5] == 0, "a dark red"
        assert all(
            value < 0.01 * seen["colour", "red-green", 1, 0] for kind, value in seen.items() if kind[0] == "band"
        )
    stripes = (0.5 + 0.3 * torch.cos(torch.pi * torch.arange(128) / 2)).expand(
        1, 3, 128, 128
    )  # vertical lines, 4 pixels
    seen = answers(stripes, "conv1_2")
    for tone in ("light", "dark"):
        assert seen["band", 1, tone, 1] < 0.01 * seen["band", 1, tone, 0], "along the lines, across them"
    assert seen["band", 1, "red-green", 0] < 0.01 * seen["band", 1, "light", 0]


def test_composing_keeps_what_the_source_answers(handmade):
    """A layer's trained filters answer as the source's do, each in units of its own mean."""
    networks = importlib.import_module("networks")
    torch.manual_seed(0)
    source = networks.Student("compact11")
    pictures = torch.rand(8, 3, 48, 48)
    networks.start_from_data(source, pictures)
    tensors = handmade.compose(source, "compact11", pictures)
    first = torch.relu(torch.nn.functional.conv2d(
        (pictures - source.mean) / networks.INPUT_STD, tensors["conv1_1.weight"], tensors["conv1_1.bias"], padding=1
    ))  # fmt: skip
    goals = torch.relu(source.answers(pictures)["conv1_1"])
    kept = goals.mean((0, 2, 3)).argsort(descending=True)[: handmade.KEPT["compact11"][0]].sort().values
    wanted = goals[:, kept] / goals[:, kept].mean((0, 2, 3), keepdim=True)
    assert torch.allclose(first[:, : len(kept)], wanted, atol=0.05)
    tensors = handmade.equalize(tensors, pictures, source)  # once more changes nothing
    again = torch.relu(torch.nn.functional.conv2d(
        (pictures - source.mean) / networks.INPUT_STD, tensors["conv1_1.weight"], tensors["conv1_1.bias"], padding=1
    ))  # fmt: skip
    assert torch.allclose(again, first, rtol=1e-3, atol=1e-4)
