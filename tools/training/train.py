"""Train a narrow VGG to answer like VGG-19. Start it again after an interruption and it goes on.

python tools/training/train.py compact --photographs photographs-256.tar --paintings paintings/ --run runs/compact

The learning rate stays the same for as long as the run goes, and an average of the weights is kept beside them; what is
exported is a short branch of the run in which the rate falls to nothing (`--anneal 20`, in minutes).
"""

import argparse
import copy
import math
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from export import read_exported
from goals import Parts, errors, flat, line, total
from optimiser import TurnedAdam
from pictures import blend_with_noise, cut_crops, draw_pictures, half_paint, read_pictures, split
from rehearsal import Rehearsal
from student import LAYOUTS, Student, start_in_closed_form
from teacher import Teacher, choose_filters


class Training:
    """A run: its pictures, its networks, its optimiser, and how far it has come."""

    def __init__(self, options: argparse.Namespace, teacher: Teacher):
        self.options, self.teacher = options, teacher
        self.rng = random.Random(options.seed)
        torch.manual_seed(options.seed)
        self.path = options.run / "checkpoint.pt"
        self.step = self.crops = 0
        self.seconds = 0.0
        self.shown: dict[str, float] = {}  # the parts of the loss, averaged over the last hundred steps or so
        self.found: dict[str, float] = {}  # the parts of the loss on pictures held out, of the averaged student

        photographs, held_out = split(read_pictures([options.photographs]))
        paintings = [read_pictures([options.paintings])] if options.paintings else []
        drawings = draw_pictures(options.drawings, options.seed)
        self.photographs, self.held_out = photographs, held_out
        self.styles = torch.cat([*paintings * 2, drawings, photographs[-len(photographs) // 4 :]])
        self.pictures = torch.cat([photographs, *paintings * 4, drawings])

        self.student = Student(options.layout, options.widths)
        self.rehearsal = Rehearsal(options.rehearsed, options.paint_size)
        if self.path.exists():
            self.go_on()
        else:
            self.begin()
        self.average.requires_grad_(False)
        self.beside = ThreadPoolExecutor(1)  # prepares a batch while the student learns from the one before
        self.next = None

    def begin(self) -> None:
        """Choose the filters and start in closed form, or with the filters of a file; begin the average."""
        options, student = self.options, self.student
        crops = self.next_crops(options.first_crops)
        if options.start:
            self.chosen = read_exported(student, options.start)
        else:
            self.chosen = choose_filters(self.teacher, crops, student.widths)
        answers = [self.goals(batch) for batch in crops.split(8)]
        goals = {layer: torch.cat([one[layer] for one in answers]) for layer in student.layers}
        self.usual = {layer: goal.square().mean().item() for layer, goal in goals.items()}
        if not options.start:
            found = start_in_closed_form(student, crops, goals)
            print("closed form:", "  ".join(f"{layer} {error:.3f}" for layer, error in found.items()), flush=True)
        self.average = copy.deepcopy(student)
        self.optimiser = TurnedAdam(student)

    # ------------------------------------------------------------------------------------- checkpoints

    def save(self, path: Path | None = None) -> None:
        """Written beside the old one and then renamed: a crash never leaves half a checkpoint behind."""
        self.settle()
        state = {
            "layout": self.student.layout,
            "widths": self.student.widths,
            "chosen": self.chosen,
            "usual": self.usual,
            "student": self.student.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state(),
            "rehearsal": self.rehearsal.state(),
            "counts": (self.step, self.crops, self.seconds),
            "shown": self.shown,
            "held_out": self.found,
            "random": (self.rng.getstate(), torch.get_rng_state()),
        }
        path = path or self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        torch.save(state, unfinished)
        os.replace(unfinished, path)

    def settle(self) -> None:
        """Wait for what is being prepared, and forget it: it will be prepared again, here as after a restart."""
        if self.next is not None:
            self.next.result()
            self.set_random(self.random)
            self.next = self.rehearsal.run = None

    def set_random(self, state: tuple) -> None:
        self.rng.setstate(state[0])
        torch.set_rng_state(state[1])

    def go_on(self) -> None:
        state = torch.load(self.path, weights_only=False)
        self.chosen, self.usual = state["chosen"], state["usual"]
        self.average = copy.deepcopy(self.student)
        self.student.load_state_dict(state["student"])
        self.average.load_state_dict(state["average"])
        self.optimiser = TurnedAdam(self.student)
        self.optimiser.restore(state["optimiser"])
        self.rehearsal.restore(state["rehearsal"])
        self.step, self.crops, self.seconds = state["counts"]
        self.shown, self.found = state["shown"], state.get("held_out", {})
        self.set_random(state["random"])
        print(f"going on from step {self.step} ({self.crops} crops)", flush=True)

    # ---------------------------------------------------------------------------------------- one step

    def next_crops(self, number: int) -> torch.Tensor:
        """Crops as they are, fading into noise, half painted, and, once there are any, painted by the student."""
        size, rng = self.options.size, self.rng
        painted = torch.empty(0, 3, size, size)
        if len(self.rehearsal) >= number:
            painted = self.rehearsal.draw(3 * number // 8, size, rng)
        crops = cut_crops(self.pictures, number - len(painted), size, rng)
        few = max(1, number // 8)
        noisy, half, clean = crops.split([few, few, len(crops) - 2 * few])
        return torch.cat([clean, blend_with_noise(noisy, rng), half_paint(half, rng), painted])

    def goals(self, crops: torch.Tensor) -> dict[str, torch.Tensor]:
        """What the student should answer to some crops: the teacher's chosen filters."""
        return {layer: seen[:, self.chosen[layer]] for layer, seen in self.teacher(crops).items()}

    def prepare(self) -> None:
        """Begin, on another thread, to paint a little and to put the next batch before the teacher."""
        self.random = self.rng.getstate(), torch.get_rng_state()
        painter = copy.deepcopy(self.average) if self.rehearsal.run is None else None

        def batch() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            self.rehearsal.paint(self.options.paint, painter, self.photographs, self.styles, self.rng)
            crops = self.next_crops(self.options.batch)
            return crops, self.goals(crops)

        self.next = self.beside.submit(batch)

    def errors(self, crops: torch.Tensor, goals: dict[str, torch.Tensor], student: Student) -> Parts:
        """The parts of the loss of a student, for some crops and what it should answer to them."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bfloat16):
            seen = student(crops.contiguous(memory_format=torch.channels_last))
        return errors(seen, goals, self.usual)

    def take_step(self, falling: float = 1.0) -> None:
        """Learn from one batch. falling: by what the learning rate is multiplied."""
        options = self.options
        if self.step % options.look_every == 0:
            self.settle()
            self.optimiser.look(self.next_crops(options.look_crops))
        if self.next is None:
            self.prepare()
        batch = self.next.result()
        self.prepare()
        parts = self.errors(*batch, self.student)
        self.student.zero_grad()
        total(parts, options.grams).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.optimiser.parameters(), options.clip).item()
        self.optimiser.step(options.learning_rate * falling)
        self.step, self.crops = self.step + 1, self.crops + options.batch
        keep = min(options.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for mean, new in zip(self.average.parameters(), self.student.parameters(), strict=True):
                mean.lerp_(new, 1 - keep)
        for name, value in (flat(parts) | {"gradient norm": norm}).items():
            self.shown[name] = 0.99 * self.shown.get(name, value) + 0.01 * value

    # ------------------------------------------------------------------------------------------ the run

    @torch.no_grad()
    def tell_held_out(self) -> None:
        """Errors of the averaged student on the middles of pictures that nobody trained on."""
        middle = self.held_out[: self.options.held_out, :, 16:240, 16:240].float() / 255
        crops = torch.nn.functional.interpolate(middle, (self.options.size,) * 2, mode="bilinear", antialias=True)
        found = [flat(self.errors(batch, self.goals(batch), self.average)) for batch in crops.split(16)]
        self.found = {name: sum(one[name] for one in found) / len(found) for name in found[0]}
        print(f"held out after {self.crops} crops:  {line(self.found)}", flush=True)

    def run(self) -> None:
        """Train until the time or the number of crops is over."""
        options = self.options
        begun = before = saved = told = time.monotonic()
        first_crops = self.crops

        def progress() -> float:
            spent = (time.monotonic() - begun) / 60
            by_clock = spent / (options.anneal or options.minutes) if options.anneal or options.minutes else 0
            by_crops = (self.crops - (first_crops if options.anneal else 0)) / options.crops if options.crops else 0
            return max(by_clock, by_crops)

        while (done := progress()) < 1:
            self.take_step(0.5 * (1 + math.cos(math.pi * done)) if options.anneal else 1.0)
            now = time.monotonic()
            self.seconds, before = self.seconds + now - before, now
            if now - told > options.line_seconds:
                speed = self.crops / self.seconds
                print(f"{self.crops} crops, {speed:.1f}/s, step {self.step}  {line(self.shown)}", flush=True)
                told = now
            if now - saved > 60 * options.save_minutes:
                self.tell_held_out()
                self.save()
                saved = before = time.monotonic()
        self.tell_held_out()
        self.save()
        print(f"done: {self.path}", flush=True)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("layout", choices=LAYOUTS)
    add("--photographs", type=Path, required=True, help="a tar file or a folder")
    add("--paintings", type=Path, help="a folder of paintings, see paintings.py")
    add("--start", type=Path, help="begin with the filters of a file that export.py wrote, not in closed form")
    add("--run", type=Path, required=True, help="folder for the checkpoint")
    add("--widths", type=lambda text: tuple(map(int, text.split("-"))), help="filters in each block, 24-48-96-176-320")
    add("--minutes", type=float, default=0, help="train that long")
    add("--crops", type=int, default=0, help="or: train on that many crops")
    add("--anneal", type=float, default=0, help="minutes in which the learning rate falls to nothing")
    add("--batch", type=int, default=16)
    add("--size", type=int, default=112, help="side of a crop")
    add("--drawings", type=int, default=300, help="how many pictures of our own drawing to add")
    add("--first-crops", type=int, default=160, help="crops for the start in closed form")
    add("--held-out", type=int, default=48, help="pictures to measure on")
    add("--rehearsed", type=int, default=900, help="how many pictures painted by the student are kept")
    add("--paint-size", type=int, default=160, help="side of such a picture; squares of it are learned from")
    add("--paint", type=int, default=2, help="steps of painting for each step of training")
    add("--learning-rate", type=float, default=0.006, help="change in a step, relative to a filter's size")
    add("--average", type=float, default=0.999, help="how much of the averaged weights stays in a step")
    add("--look-every", type=int, default=600, help="steps after which the optimiser finds its coordinates anew")
    add("--look-crops", type=int, default=96, help="crops by which it finds them")
    add("--clip", type=float, default=50.0, help="longest gradient that is not shortened")
    add("--grams", type=float, default=2.0, help="weight of the Gram errors")
    add("--bfloat16", action="store_true", help="train in mixed precision: for processors that multiply bfloat16")
    add("--threads", type=int, default=1, help="of each of the two threads, the student's and the teacher's")
    add("--seed", type=int, default=1)
    add("--line-seconds", type=float, default=60, help="how often to print a line")
    add("--save-minutes", type=float, default=4, help="how often to write a checkpoint")
    options = parser.parse_args(arguments)
    if not (options.minutes or options.crops or options.anneal):
        parser.error("say how long: --minutes, --crops or --anneal")
    return options


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    Training(options, Teacher.load(options.layout)).run()


if __name__ == "__main__":
    main()
