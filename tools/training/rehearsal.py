"""Pictures that the student itself paints. What it did while it was not looking, the teacher shows it afterwards."""

import random

import torch
from pictures import cut_crops, product_noise
from student import Student

import stylelib


class Rehearsal:
    """A store of pictures from the midst of optimisations through the student, the newest taking the oldest's place.

    Parameters
    ----------
    capacity
        How many pictures are kept.
    size
        Side of a picture.
    at_once
        How many pictures are painted together.
    """

    def __init__(self, capacity: int, size: int, at_once: int = 2):
        self.store = torch.zeros(capacity, 3, size, size, dtype=torch.float16)
        self.count = 0  # of pictures that were ever put in
        self.at_once, self.run = at_once, None

    def __len__(self) -> int:
        return min(self.count, len(self.store))

    def add(self, pictures: torch.Tensor) -> None:
        """Put pictures in, (N, 3, size, size)."""
        for picture in pictures:
            self.store[self.count % len(self.store)] = picture.clamp(-2, 3)
            self.count += 1

    def draw(self, number: int, size: int, rng: random.Random) -> torch.Tensor:
        """Squares of some of the pictures at random, (number, 3, size, size), half of the time mirrored."""
        found, room = [], self.store.shape[-1] - size
        for _ in range(number):
            picture, top, left = self.store[rng.randrange(len(self))], rng.randint(0, room), rng.randint(0, room)
            found.append(picture[:, top : top + size, left : left + size])
        drawn = torch.stack(found).float()
        return drawn.flip(3) if rng.random() < 0.5 else drawn

    def state(self) -> dict:
        """What a checkpoint keeps."""
        return {"store": self.store, "count": self.count}

    def restore(self, state: dict) -> None:
        """Take up what `state` gave, unless it is of another size or number."""
        if state["store"].shape == self.store.shape:
            self.store, self.count = state["store"], state["count"]

    def paint(
        self, steps: int, student: Student, photographs: torch.Tensor, styles: torch.Tensor, rng: random.Random
    ) -> None:
        """Go on with the run under way for some steps, or begin another, and keep pictures from on the way.

        Parameters
        ----------
        student
            What a new run paints with; it must not change any more.
        photographs, styles
            Pictures to cut crops from, (N, 3, side, side), bytes.
        """
        if self.run is None:
            self.run = self.begin(student, photographs, styles, rng)
        for _ in range(steps):
            step = next(self.run, None)
            if step is None:
                self.run = None
                return
            if step.number in self.run.frames:
                self.add(self.run.frames.pop(step.number))

    def begin(
        self, student: Student, photographs: torch.Tensor, styles: torch.Tensor, rng: random.Random
    ) -> stylelib.Synthesis:
        """A transfer of a few crops, half of the time from noise, with an α/β about as the product takes it."""
        size = self.store.shape[-1]
        content = cut_crops(photographs, self.at_once, size, rng)
        style = cut_crops(styles, self.at_once, size, rng)
        noisy = rng.random() < 0.5
        alpha_beta = (0.4 if noisy else 0.1) * 3 ** rng.uniform(-1, 1)
        steps = rng.choice((12, 24, 48, 100))
        return stylelib.Synthesis(
            [stylelib.Content(student, content, weight=alpha_beta), stylelib.Style(student, style)],
            product_noise(content.shape) if noisy else content,
            steps=steps,
            keep_every=max(6, steps // 6),
        )
