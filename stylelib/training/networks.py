"""The two networks of the distillation: the teacher (SqueezeNet v1.0) and the student (a narrow VGG).

Both take pictures as RGB in [0, 1], shape (batch, 3, height, width); each one applies its own input
normalisation, so that nobody else has to remember which network wants what.
"""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from stylelib.weights import fingerprint

# --------------------------------------------------------------------------------------------- student

# Each network is a list of blocks; each block lists the widths of its convolutions. Between two blocks
# the picture is halved by 2x2 average pooling.
LAYOUTS = {
    "compact": [[32, 32], [64, 64], [128, 128], [256, 256], [256, 256]],
    "compact11": [[32], [64], [128, 128], [224, 224], [224, 224]],
}

INPUT_MEAN = (0.48, 0.457, 0.408)
INPUT_STD = 0.27


def layer_names(layout: str) -> list[str]:
    """The VGG names of a layout's convolutions in order: conv1_1, conv1_2, conv2_1, ..."""
    return [
        f"conv{block}_{index}"
        for block, widths in enumerate(LAYOUTS[layout], start=1)
        for index in range(1, len(widths) + 1)
    ]


class Student(nn.Module):
    """A narrow VGG without batch normalisation: 3x3 convolution, ReLU, average pooling, nothing else.

    Batch normalisation would have to be folded away afterwards, and its statistics would mix clean
    pictures with noisy ones. A careful start (`start_from_data`) or a warm start makes it unnecessary.
    """

    def __init__(self, layout: str = "compact", widths: list[int] | None = None):
        super().__init__()
        self.layout = layout
        self.names = layer_names(layout)
        widths = widths or [width for block in LAYOUTS[layout] for width in block]
        for name, before, after in zip(self.names, [3, *widths[:-1]], widths, strict=True):
            setattr(self, name, nn.Conv2d(before, after, 3, padding=1))
        self.register_buffer("mean", torch.tensor(INPUT_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: torch.Tensor, until: str | None = None) -> dict[str, torch.Tensor]:
        """The activations (after the ReLU) of every layer, or of every layer up to `until`."""
        activations = {}
        current = (pictures - self.mean) / INPUT_STD
        for name in self.names:
            if name.endswith("_1") and name != "conv1_1":
                current = F.avg_pool2d(current, 2)
            current = F.relu(getattr(self, name)(current))
            activations[name] = current
            if name == until:
                break
        return activations

    def answers(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """What every layer says before its ReLU."""
        answers = {}
        current = (pictures - self.mean) / INPUT_STD
        for name in self.names:
            if name.endswith("_1") and name != "conv1_1":
                current = F.avg_pool2d(current, 2)
            answers[name] = getattr(self, name)(current)
            current = F.relu(answers[name])
        return answers

    def width(self, name: str) -> int:
        return getattr(self, name).out_channels

    @staticmethod
    def stride(name: str) -> int:
        """How many picture pixels one cell of the layer is wide: 1, 2, 4, 8, 16 for the blocks 1 to 5."""
        return 2 ** (int(name[4]) - 1)


@torch.no_grad()
def start_from_data(student: Student, pictures: torch.Tensor) -> None:
    """Random start: He weights, then each filter shifted and scaled to mean 0 and variance 1 on `pictures`.

    This is what batch normalisation would do in the very first step. Without it all activations of a
    deep random network share one common mode and training starts very slowly.
    """
    for module in student.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)
    current = (pictures - student.mean) / INPUT_STD
    for name in student.names:
        if name.endswith("_1") and name != "conv1_1":
            current = F.avg_pool2d(current, 2)
        convolution = getattr(student, name)
        answers = convolution(current)
        mean, deviation = answers.mean((0, 2, 3)), answers.std((0, 2, 3)) + 1e-5
        convolution.weight /= deviation.view(-1, 1, 1, 1)
        convolution.bias.copy_(-mean / deviation)
        current = F.relu(convolution(current))


@torch.no_grad()
def wake(student: Student, pictures: torch.Tensor, share: float = 0.02) -> int:
    """Start filters anew that hardly answer to `pictures` (below `share` of their layer's mean); how many they were.

    A filter that is silent everywhere gets no gradient and would stay so for ever.
    """
    current, woken = (pictures - student.mean) / INPUT_STD, 0
    for name in student.names:
        if name.endswith("_1") and name != "conv1_1":
            current = F.avg_pool2d(current, 2)
        convolution = getattr(student, name)
        answers = convolution(current)
        means = F.relu(answers).mean((0, 2, 3))
        asleep = means < share * means.mean()
        if asleep.any():
            fresh = torch.empty_like(convolution.weight[asleep])
            nn.init.kaiming_normal_(fresh)
            found = F.conv2d(current, fresh, padding=1)
            scale = answers[:, ~asleep].std() / (found.std((0, 2, 3)) + 1e-5)
            convolution.weight[asleep] = fresh * scale.view(-1, 1, 1, 1)
            convolution.bias[asleep] = -found.mean((0, 2, 3)) * scale
            following = student.names[student.names.index(name) + 1 :][:1]
            for after in following:  # what follows must not be startled
                getattr(student, after).weight[:, asleep] *= 0.1
            woken += int(asleep.sum())
        current = F.relu(convolution(current))
    return woken


def load_student(path: str | Path) -> Student:
    """Read a student from .safetensors (our export) or .npz (the feasibility study)."""
    if str(path).endswith(".npz"):
        with np.load(path) as archive:
            tensors = {key: torch.from_numpy(archive[key]) for key in archive if key.startswith("conv")}
    else:
        with safe_open(path, "pt") as archive:
            tensors = {key: archive.get_tensor(key) for key in archive.keys()}  # noqa: SIM118 (not a dict)
    names = sorted({key.rsplit(".", 1)[0] for key in tensors})
    layout = next((layout for layout in LAYOUTS if sorted(layer_names(layout)) == names), None)
    if layout is None:
        raise ValueError(f"{path} holds the layers {names}, which is none of the layouts {list(LAYOUTS)}")
    student = Student(layout, [len(tensors[f"{name}.bias"]) for name in layer_names(layout)])
    student.load_state_dict({key: value.float() for key, value in tensors.items()})
    return student


def save_tensors(tensors: dict[str, torch.Tensor], path: str | Path, card: dict[str, str]) -> str:
    """Write the file that stylelib ships: fp16 weights, fp32 biases, and the card as its header; its fingerprint."""
    tensors = {
        key: value.detach().to("cpu", torch.float16 if key.endswith("weight") else torch.float32).contiguous()
        for key, value in tensors.items()
    }
    header = {
        "input_mean": json.dumps(INPUT_MEAN),
        "input_std": json.dumps([INPUT_STD] * 3),
        "sha256": fingerprint({key: value.float() for key, value in tensors.items()}),
    }
    save_file(tensors, str(path), metadata=header | card)
    return header["sha256"]


# --------------------------------------------------------------------------------------------- teacher


class Teacher(nn.Module):
    """SqueezeNet v1.0, an ImageNet classifier, frozen. Its answers are what the student learns to give."""

    # For each stage we use: the number of channels, and where its cell i sits in the picture,
    # as pixel = stride * i + offset. (conv1 is padded by 3 here, the poolings are 3 wide, so the
    # offsets grow; the student's cells sit elsewhere, and off by 0.4 of a cell is a visible error.)
    CHANNELS: ClassVar = {"conv1": 96, "fire2": 128, "fire4": 256, "fire6": 384, "fire8": 512, "fire9": 512}
    POSITIONS: ClassVar = {
        "conv1": (2, 0), "fire2": (4, 2), "fire4": (4, 2),
        "fire6": (8, 6), "fire8": (8, 6), "fire9": (16, 14),
    }  # fmt: skip

    def __init__(self, path: str | Path):
        super().__init__()
        with np.load(path) as archive:
            for key in archive:
                self.register_buffer(key.replace(".", "_"), torch.from_numpy(archive[key]).float())
        self.register_buffer("mean", torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1))

    def convolve(self, x: torch.Tensor, name: str, **options) -> torch.Tensor:
        return F.relu(F.conv2d(x, getattr(self, name + "_weight"), getattr(self, name + "_bias"), **options))

    def fire(self, x: torch.Tensor, name: str) -> torch.Tensor:
        squeezed = self.convolve(x, name + "_squeeze")
        return torch.cat([self.convolve(squeezed, name + "_e1"), self.convolve(squeezed, name + "_e3", padding=1)], 1)

    @torch.no_grad()
    def forward(self, pictures: torch.Tensor, padding: int = 3) -> dict[str, torch.Tensor]:
        """Activations by stage, and the 1000 class scores under "logits". (The original has padding 0.)"""
        x = 255 * pictures.flip(1) - self.mean  # it wants BGR, 0 to 255
        if padding:
            x = F.pad(x, (padding,) * 4, mode="reflect")
        answers = {"conv1": self.convolve(x, "conv1", stride=2)}
        x = F.max_pool2d(answers["conv1"], 3, 2, ceil_mode=True)
        for number in range(2, 10):
            x = answers[f"fire{number}"] = self.fire(x, f"fire{number}")
            if number in (4, 8):
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        answers["logits"] = self.convolve(answers["fire9"], "conv10").mean((2, 3))
        return answers


def resample_like_student(
    answers: torch.Tensor, stage: str, student_stride: int, cells: tuple[int, int]
) -> torch.Tensor:
    """Teacher activations read off, bilinearly, at the centres of the student's cells."""
    stride, offset = Teacher.POSITIONS[stage]
    axes = []
    for teacher_cells, student_cells in zip(answers.shape[-2:], cells, strict=True):
        pixels = student_stride * torch.arange(student_cells, device=answers.device) + (student_stride - 1) / 2
        axes.append(2 * ((pixels - offset) / stride) / (teacher_cells - 1) - 1)
    rows, columns = torch.meshgrid(*axes, indexing="ij")
    grid = torch.stack([columns, rows], -1).expand(len(answers), -1, -1, -1)
    return F.grid_sample(answers.float(), grid, padding_mode="border", align_corners=True)
