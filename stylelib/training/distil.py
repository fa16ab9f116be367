"""What the student is trained for: the teacher's answers, the pixels, fine detail, and its visibility."""

import math
import random
from pathlib import Path

import torch
from networks import INPUT_STD, Student, Teacher, resample_like_student
from pictures import cut_crops
from torch import nn
from torch.nn import functional as F

# Which teacher stage each student layer learns to foretell (through a linear map that is thrown away).
# Linear, because then: teacher's Gram = A (student's Gram) A', so equal Gram matrices of the student
# imply equal Gram matrices of the teacher.
TAPS = {
    "compact": {
        "conv2_2": "conv1", "conv3_1": "fire2", "conv3_2": "fire4",
        "conv4_1": "fire6", "conv4_2": "fire8", "conv5_1": "fire9", "conv5_2": "fire9",
    },
    "compact11": {
        "conv2_1": "conv1", "conv3_1": "fire2", "conv3_2": "fire4",
        "conv4_1": "fire6", "conv4_2": "fire8", "conv5_1": "fire9", "conv5_2": "fire9",
    },
}  # fmt: skip
# These layers must moreover let a linear map read the crop's own pixels (stride x stride x 3 of them per
# cell): early layers have to keep them, or an optimisation has no reason to get them right.
PIXEL_TAPS = {
    "compact": ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2"],
    "compact11": ["conv1_1", "conv2_1", "conv3_1", "conv3_2"],
}


# Along these steps (rows, columns) fine detail is measured: distances 1 and 2, four directions.
DETAIL_STEPS = [(0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (2, 2), (2, -2)]


@torch.no_grad()
def fine_detail(crops: torch.Tensor) -> torch.Tensor:
    """How strong fine detail is around each pixel: 8 kinds of second differences in 3 colour axes.

    The teacher starts with stride 2 and does not see such detail properly; nor does a student that only
    copies it, because average pooling lets fine oscillations cancel. What a network does not see, an
    optimisation through it does not clean up: that is the hatching. Therefore the layers of the
    blocks 2 and 3 must also be able to tell how much fine detail there is (only its strength).
    """
    red, green, blue = crops.float().split(1, 1)
    colours = torch.cat([(red + green + blue) / 3, (red - green) / 2, (red + green) / 4 - blue / 2], 1)
    height, width = colours.shape[-2:]
    padded = F.pad(colours, (2, 2, 2, 2), mode="reflect")

    def moved(down: int, right: int) -> torch.Tensor:
        return padded[..., 2 + down : 2 + down + height, 2 + right : 2 + right + width]

    return torch.cat([(colours - (moved(y, x) + moved(-y, -x)) / 2).abs() for y, x in DETAIL_STEPS], 1)


@torch.no_grad()
def measure_rms(teacher: Teacher, pictures: torch.Tensor, path: Path) -> dict[str, torch.Tensor]:
    """Per-channel size of the teacher's activations, measured once and kept in a file.

    Measured anew in every run, losses of different runs would not be comparable.
    """
    if not path.exists():
        crops = cut_crops(pictures, 512, 128, random.Random(0))
        squares = [
            {stage: answers.square().mean((0, 2, 3)) for stage, answers in teacher(batch).items() if stage != "logits"}
            for batch in crops.split(32)
        ]
        rms = {stage: torch.stack([each[stage] for each in squares]).mean(0).sqrt() for stage in Teacher.CHANNELS}
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(rms, path)
    rms = torch.load(path, weights_only=True)
    # Five per cent of the mean keep channels that hardly ever answer from being blown up.
    return {stage: (value + 0.05 * value.mean()).view(1, -1, 1, 1) for stage, value in rms.items()}


class Distillation(nn.Module):
    """Student, frozen teacher, the linear readers of the student's layers, and the loss."""

    def __init__(
        self,
        student: Student,
        teacher: Teacher,
        rms: dict[str, torch.Tensor],
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.student, self.dtype = student, dtype
        self.teacher = [teacher]  # in a list, so that its weights are not counted among ours
        self.rms = {stage: value.to(teacher.mean.device) for stage, value in rms.items()}
        self.taps = TAPS[student.layout]
        # A reader is a 1x1 convolution that must foretell a goal; its name says from what it reads what.
        readers = {f"{layer} teacher": Teacher.CHANNELS[stage] for layer, stage in self.taps.items()}
        readers |= {f"{layer} pixels": 3 * Student.stride(layer) ** 2 for layer in PIXEL_TAPS[student.layout]}
        readers |= {
            f"{layer} detail": 3 * len(DETAIL_STEPS) for layer in student.names if Student.stride(layer) in (2, 4)
        }
        self.readers = nn.ModuleDict(
            {name: nn.Conv2d(student.width(name.split()[0]), number, 1) for name, number in readers.items()}
        )
        self.classes = nn.Linear(student.width(student.names[-1]), 1000)

    def precision(self, device: torch.device) -> torch.autocast:
        """Mixed precision where it was asked for: twice as fast as float32 on processors with bfloat16."""
        return torch.autocast(device.type, self.dtype or torch.bfloat16, enabled=self.dtype is not None)

    @torch.no_grad()
    def teacher_goals(self, crops: torch.Tensor) -> dict[str, torch.Tensor]:
        """The teacher's answers in units of their rms, where the student's cells are, and its scores."""
        with self.precision(crops.device):
            answers = self.teacher[0](crops)
        size = crops.shape[-1]
        goals = {"classes": answers["logits"].float()}
        for layer, stage in self.taps.items():
            stride = Student.stride(layer)
            goals[f"{layer} teacher"] = resample_like_student(
                answers[stage].float() / self.rms[stage], stage, stride, (size // stride, size // stride)
            )
        return goals

    @torch.no_grad()
    def picture_goals(self, crops: torch.Tensor) -> dict[str, torch.Tensor]:
        """What the readers of pixels and of fine detail should find in these crops."""
        crops = crops.contiguous()
        strengths = F.avg_pool2d(fine_detail(crops), 2)
        pixels = (crops - self.student.mean) / INPUT_STD
        # Sharpened, because otherwise the coarse shapes decide the error and fine detail does not matter.
        # The same goes for colour against lightness.
        grey = pixels.mean(1, keepdim=True)
        pixels = grey + 2.5 * (pixels - grey)
        pixels = pixels + (pixels - F.avg_pool2d(F.pad(pixels, (1, 1, 1, 1), mode="reflect"), 3, 1))
        strides = {Student.stride(layer) for layer in self.student.names}
        by_stride = {"pixels": {stride: F.pixel_unshuffle(pixels, stride) for stride in strides if stride <= 4}}
        by_stride["detail"] = {  # the logarithm makes faint hatching in a flat sky count
            stride: torch.log1p(F.avg_pool2d(strengths, stride // 2) / 0.02) for stride in strides if stride > 1
        }
        readers = [(name, *name.split()) for name in self.readers]
        return {name: by_stride[kind][Student.stride(layer)] for name, layer, kind in readers if kind in by_stride}

    @torch.no_grad()
    def fit_readers(self, crops: torch.Tensor, ridge: float = 1e-3) -> None:
        """The best linear maps for the student as it is: ridge regression, in closed form."""
        products: dict[str, torch.Tensor] = {}
        answers: dict[str, torch.Tensor] = {}
        for batch in crops.split(16):
            goals = self.teacher_goals(batch) | self.picture_goals(batch)
            activations = self.student(batch)
            for name in self.readers:
                inputs = activations[name.split()[0]].transpose(0, 1).flatten(1)
                inputs = torch.cat([inputs, torch.ones_like(inputs[:1])])
                wanted = goals[name].transpose(0, 1).flatten(1)
                products[name] = products.get(name, 0) + inputs @ inputs.T
                answers[name] = answers.get(name, 0) + inputs @ wanted.T
        for name, reader in self.readers.items():
            product = products[name]
            product += ridge * product.diagonal().mean() * torch.eye(len(product), device=product.device)
            solution = torch.linalg.solve(product, answers[name]).T
            reader.weight.copy_(solution[:, :-1, None, None])
            reader.bias.copy_(solution[:, -1])

    def errors(self, activations: dict, goals: dict) -> dict[str, torch.Tensor]:
        """The parts of the loss, each near 1 for a student that knows nothing and 0 for a perfect one."""
        parts = {}
        for name, reader in self.readers.items():
            answer, goal = reader(activations[name.split()[0]]).float(), goals[name]
            parts[name] = F.mse_loss(answer, goal) / goal.square().mean()
            if name.endswith("teacher"):
                parts[name.replace("teacher", "gram")] = texture_error(answer, goal)
        logits = self.classes(activations[self.student.names[-1]].mean((2, 3))).float()
        parts["classes"] = F.kl_div(
            F.log_softmax(logits / 2, 1), F.softmax(goals["classes"] / 2, 1), reduction="batchmean"
        )
        return parts


def texture_error(answer: torch.Tensor, goal: torch.Tensor, directions: int = 48) -> torch.Tensor:
    """Relative error of each crop's centred Gram matrix, seen in a few random directions.

    Centred, because otherwise the mean activation dominates every entry. Random directions, because
    512 x 512 Gram matrices would cost as much as the whole student.
    """
    projection = torch.randn(answer.shape[1], directions, device=answer.device)
    projection /= projection.norm(dim=0)
    grams = []
    for activation in (answer, goal):
        flat = torch.einsum("bchw,cd->bdhw", activation, projection).flatten(2)
        flat = flat - flat.mean(2, keepdim=True)
        grams.append(flat @ flat.transpose(1, 2) / flat.shape[2])
    return F.mse_loss(*grams) / (grams[1].square().mean() + 1e-4)


# How visible a fine grating should be, compared with a coarse one of the same colour, in each block: at
# least this much, and at most 2.5 times this much. Block 5 is for shapes: nothing is asked of it, and asking
# put a third of its filters to sleep.
VISIBILITY = {1: 0.5, 2: 0.5, 3: 0.4, 4: 0.25}


def invisibility(distillation: Distillation, crops: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """How far the visibility of fine gratings is from what it should be (0: right in every layer).

    Lay a fine and a coarse grating of the same colour and strength over the same crop, and compare how
    much each one changes a layer. In a network that merely imitates the teacher, fine lightness
    gratings near the checkerboard change the layers 3 times, and fine red-green ones 40 times, less
    than coarse ones do (in squares). An optimisation through such a network leaves them in the picture.
    A third of the gratings are so coarse that they only tint the crop: the colour of a flat sky must
    not get lost either.
    """
    number = len(crops)
    axis = torch.arange(crops.shape[-1], device=crops.device)
    fine, coarse = [], []
    for crop in crops.split(1):
        colour = torch.randn(1, 3, 1, 1, device=crop.device)
        colour = colour / colour.norm() * 0.02 * 8 ** rng.random()
        tested = (0.2, 0.7) if rng.random() < 0.67 else (0.0, 0.01)
        for versions, (low, high) in ((fine, tested), (coarse, (0.03, 0.12))):
            down = right = 1.0
            while not low < math.hypot(down, right) < high:
                down, right = (rng.uniform(-min(0.5, high), min(0.5, high)) for _ in range(2))
            phase = rng.random() if low else 0.125
            wave = torch.cos(math.tau * (down * axis[:, None] + right * axis[None, :] + phase))
            versions.append(crop + colour * wave)
    with distillation.precision(crops.device):
        deepest = [name for name in distillation.student.names if int(name[4]) in VISIBILITY][-1]
        activations = distillation.student(torch.cat([crops, *fine, *coarse]), until=deepest)
    penalty = torch.zeros((), device=crops.device)
    for name, activation in activations.items():
        if int(name[4]) not in VISIBILITY:
            continue
        plain, with_fine, with_coarse = activation.float().split(number)
        change = (with_fine - plain).square().mean((1, 2, 3)) / ((with_coarse - plain).square().mean((1, 2, 3)) + 1e-9)
        excess = (change + 1e-4).log() - math.log(VISIBILITY[int(name[4])])
        penalty = penalty + (F.relu(-excess) + 0.5 * F.relu(excess - math.log(2.5))).mean()
    return penalty / len(activations)


def loudness(activations: dict[str, torch.Tensor], clean: slice, noisy: slice) -> torch.Tensor:
    """How far filters are from being about equally loud (0: none needs mending).

    Filters that sleep on pictures and shout at noise would rule the Gram matrices of everything that is painted
    from noise: the optimiser would spend its time on silencing them. Hence: noise at most five times as loud as
    clean pictures are (blocks 1 to 4), and no filter below a tenth of its layer's mean on clean pictures.
    """
    penalty = torch.zeros((), device=next(iter(activations.values())).device)
    for name, activation in activations.items():
        usual = activation[clean].float().mean((0, 2, 3))
        penalty = penalty + F.relu((0.1 * usual.mean() / (usual + 1e-3 * usual.mean())).log()).mean()
        if int(name[4]) in VISIBILITY:
            energies = activation.float().square().mean((2, 3)) / (usual + 0.1 * usual.mean()).square()
            usual_size = energies[clean].mean(0).square().mean()  # the diagonals of the Gram matrices
            penalty = penalty + F.relu((energies[noisy].square().mean(1) / (5 * usual_size)).log()).mean()
    return penalty / len(activations)


def disturb(distillation: Distillation, crops: torch.Tensor, goals: dict, size: float) -> torch.Tensor:
    """The crops, each changed by `size` (rms, in pixel units) in the direction that hurts the student most.

    The student must still answer as the teacher does to the clean crop. Networks trained like this are
    known to have picture gradients that look like pictures instead of noise.
    """
    changed = (crops + 0.3 * size * torch.randn_like(crops)).requires_grad_(True)
    with distillation.precision(crops.device):
        activations = distillation.student(changed)
        loss = sum(
            F.mse_loss(reader(activations[name.split()[0]]).float(), goals[name]) / goals[name].square().mean()
            for name, reader in distillation.readers.items()
            if name.endswith("teacher")
        )
    (gradient,) = torch.autograd.grad(loss, changed)
    gradient = gradient / (gradient.square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-20)
    return (crops + size * gradient).detach()
