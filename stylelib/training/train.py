"""Train a narrow VGG to answer like SqueezeNet. Start it again after an interruption and it goes on.

python train.py compact --pictures photographs-256.tar --teacher squeezenet1_0.npz --minutes 90
"""

import argparse
import math
import os
import random
import time
from pathlib import Path

import torch
from distil import TAPS, Distillation, disturb, invisibility, loudness, measure_rms
from networks import Student, Teacher, load_student, start_from_data, wake
from pictures import blend_with_noise, cut_crops, draw_pictures, half_paint, read_pictures, split


class Training:
    """A run: its pictures, its networks, its optimiser, and how far it has come."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.rng = random.Random(options.seed)
        torch.manual_seed(options.seed)
        self.path = options.checkpoints / f"{options.name or options.layout}.pt"
        self.step = self.samples = 0
        self.seconds = 0.0
        self.average: dict[str, float] = {}  # of the parts of the loss, over the last hundred steps or so

        photographs, _ = split(read_pictures(options.pictures))
        drawings = draw_pictures(options.drawings, options.seed)
        self.pictures = torch.cat([photographs, drawings]).to(self.device)
        teacher = Teacher(options.teacher).to(self.device).eval().to(memory_format=torch.channels_last)
        rms = measure_rms(teacher, photographs.to(self.device), options.checkpoints / "teacher-rms.pt")
        student = load_student(options.start) if options.start else Student(options.layout)
        if student.layout != options.layout:
            raise ValueError(f"{options.start} is a {student.layout}, not a {options.layout}")
        self.distillation = Distillation(student, teacher, rms, None if options.float32 else torch.bfloat16)
        self.distillation.to(self.device).to(memory_format=torch.channels_last)

        # Weight decay is for filters; pulling biases to zero would only do harm.
        parameters = list(self.distillation.parameters())
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in parameters if p.dim() > 1], "weight_decay": options.weight_decay},
                {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0},
            ],
            lr=options.learning_rate,
            betas=(0.9, 0.98),
        )
        if self.path.exists():
            self.go_on()
        else:
            first = cut_crops(self.pictures, 256, options.size, self.rng)
            if options.start:
                print(f"{wake(student, first[:64])} sleeping filters started anew", flush=True)
            else:
                start_from_data(student, first[:64])
            self.distillation.fit_readers(first)

    # ------------------------------------------------------------------------------------- checkpoints

    def save(self) -> None:
        """Written beside the old one and then renamed: a crash never leaves half a checkpoint behind."""
        state = {
            "layout": self.options.layout,
            "device": self.device.type,
            "distillation": self.distillation.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "samples": self.samples,
            "seconds": self.seconds,
            "average": self.average,
            "rng": self.rng.getstate(),
            "torch_rng": torch.get_rng_state(),
            "options": {name: str(value) for name, value in vars(self.options).items()},
        }
        unfinished = self.path.with_suffix(".new")
        torch.save(state, unfinished)
        os.replace(unfinished, self.path)

    def go_on(self) -> None:
        state = torch.load(self.path, map_location=self.device, weights_only=False)
        self.distillation.load_state_dict(state["distillation"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.samples, self.seconds = state["step"], state["samples"], state["seconds"]
        self.average = state["average"]
        self.rng.setstate(state["rng"])
        torch.set_rng_state(state["torch_rng"].cpu())
        print(f"going on from step {self.step} ({self.samples} crops)", flush=True)

    # ---------------------------------------------------------------------------------------- one step

    def progress(self) -> float:
        """From 0 to 1, by the clock or by the number of crops, whichever was asked for."""
        options = self.options
        by_clock = self.seconds / (60 * options.minutes) if options.minutes else 0
        by_crops = self.samples / options.samples if options.samples else 0
        return max(by_clock, by_crops)

    def learning_rate(self) -> float:
        """A hundred steps of warm-up, then a cosine down to 0."""
        warm_up = min(1, (self.step + 1) / 100)
        return self.options.learning_rate * warm_up * 0.5 * (1 + math.cos(math.pi * self.progress()))

    def take_step(self) -> None:
        options, rng, distillation = self.options, self.rng, self.distillation
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()

        # A quarter of the batch fades into noise, a quarter is half-painted: the optimiser that will use
        # this network shows it such pictures, so it must be right there too.
        crops = cut_crops(self.pictures, options.batch, options.size, rng)
        quarter = options.batch // 4
        clean, noisy, painted = crops.split([options.batch - 2 * quarter, quarter, quarter])
        crops = torch.cat([clean, blend_with_noise(noisy, rng), half_paint(painted, rng)])
        crops = crops.contiguous(memory_format=torch.channels_last)

        goals = distillation.teacher_goals(crops)
        if options.disturb:
            some = slice(0, None, 4)  # every fourth crop: a quarter of the price
            few_goals = {name: value[some] for name, value in goals.items()}
            crops[some] = disturb(distillation, crops[some], few_goals, options.disturb * rng.random())
        goals |= distillation.picture_goals(crops)
        with distillation.precision(self.device):
            activations = distillation.student(crops)
            parts = distillation.errors(activations, goals)
        if options.visibility:
            # Corners of a few clean crops are enough, and cheap.
            parts["visibility"] = invisibility(distillation, clean[: max(2, len(clean) // 2), :, :64, :64], rng)
        if options.loudness:
            parts["loudness"] = loudness(activations, slice(len(clean)), slice(len(clean), -quarter))
        weights = vars(options) | {"teacher": 1, "classes": 0.03}
        loss = sum(weights[name.split()[-1]] * value for name, value in parts.items())

        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(distillation.parameters(), options.clip)
        self.optimiser.step()
        self.step, self.samples = self.step + 1, self.samples + len(crops)
        for name, value in parts.items():
            value = value.item()
            self.average[name] = self.average.get(name, value) * 0.98 + value * 0.02

    # ------------------------------------------------------------------------------------------ the run

    def run(self) -> None:
        parameters = sum(value.numel() for value in self.distillation.student.parameters())
        print(f"{len(self.pictures)} pictures, {parameters} parameters, on {self.device}", flush=True)
        before = saved = told = time.monotonic()
        while self.progress() < 1:
            self.take_step()
            now = time.monotonic()
            self.seconds, before = self.seconds + now - before, now
            if now - told > self.options.line_seconds:
                self.tell()
                told = now
            if now - saved > 60 * self.options.save_minutes:
                self.save()
                saved = now
        self.save()
        self.tell()
        print(f"done: {self.path}", flush=True)

    def tell(self) -> None:
        figures = "  ".join(f"{name} {value:.3f}" for name, value in self.average.items())
        bar = "#" * round(20 * self.progress())
        speed = self.samples / self.seconds
        print(f"[{bar:20}] {self.samples} crops, {speed:.1f}/s, step {self.step}  {figures}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("layout", choices=TAPS)
    add("--pictures", nargs="+", required=True, help="tar files and folders of pictures")
    add("--teacher", required=True, help="squeezenet1_0.npz")
    add("--start", help="a student (.npz or .safetensors) to go on from, instead of random weights")
    add("--name", help="name of the run, and of its checkpoint (default: the layout)")
    add("--checkpoints", type=Path, default=Path("checkpoints"), help="folder for checkpoints")
    add("--minutes", type=float, default=0, help="train that long, interruptions not counted")
    add("--samples", type=int, default=0, help="or: train on that many crops (reproducible)")
    add("--batch", type=int, default=16)
    add("--size", type=int, default=128, help="side of a crop")
    add("--drawings", type=int, default=300, help="how many pictures of our own drawing to add")
    add("--learning-rate", type=float, default=1e-3)
    add("--weight-decay", type=float, default=0.01)
    add("--clip", type=float, default=5.0, help="longest gradient that is not shortened")
    add("--gram", type=float, default=0.1, help="weight of the centred Gram errors")
    add("--pixels", type=float, default=0.5, help="weight of reading the crop's pixels")
    add("--detail", type=float, default=0.1, help="weight of telling how much fine detail there is")
    add("--visibility", type=float, default=0.2, help="weight of the visibility of fine gratings")
    add("--loudness", type=float, default=0.2, help="weight of not shouting at noise")
    add("--disturb", type=float, default=0.02, help="largest worst-case disturbance (rms of a pixel, 0 to 1)")
    add("--float32", action="store_true", help="no bfloat16: for processors that cannot multiply it natively")
    add("--threads", type=int, default=1)
    add("--seed", type=int, default=1)
    add("--line-seconds", type=float, default=30, help="how often to print a line")
    add("--save-minutes", type=float, default=5, help="how often to write a checkpoint")
    options = parser.parse_args()
    if not options.minutes and not options.samples:
        parser.error("say how long: --minutes or --samples")
    torch.set_num_threads(options.threads)
    options.checkpoints.mkdir(parents=True, exist_ok=True)
    Training(options).run()


if __name__ == "__main__":
    main()
