"""The two optimisers: L-BFGS, which the paper uses, and Adam.

Both are plain functions of a state: a step takes one state and returns the next, changing nothing in the old one. So a
run can be interrupted anywhere, saved, resumed, or sent back to an earlier state. A step is a generator: it yields each
picture that it wants evaluated and is sent the Evaluation, so that whoever drives it decides how, and for how many runs
at once; `answer` drives one. PyTorch's own optimisers change their tensors in place, and its L-BFGS stops by absolute
tolerances that a mean over a large picture can meet at once.
"""

import dataclasses
import math

import torch

from stylelib.errors import InputError, check_choice


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The loss at a picture. losses: its parts by name. gradient: like the picture."""

    loss: float
    losses: dict
    gradient: torch.Tensor

    @property
    def finite(self):
        # a sum is finite only if all its parts are, and is found in a fifth of the time of looking at each
        return math.isfinite(self.loss) and math.isfinite(self.gradient.sum().item())


@dataclasses.dataclass(frozen=True)
class State:
    """Where an optimiser is: the picture, its evaluation, and what the optimiser remembers (numbers and tensors)."""

    picture: torch.Tensor
    evaluation: Evaluation
    memory: dict


class NoBetterPicture(Exception):
    """No step from here lowers the loss; the message says why."""


def answer(asking, evaluate):
    """Drive a generator that asks for evaluations, such as an optimiser's step, to its end; returns what it returns."""
    evaluation = None  # begins a generator
    while True:
        try:
            picture = asking.send(evaluation)
        except StopIteration as end:
            return end.value
        evaluation = evaluate(picture)


class LBFGS:
    """Limited-memory BFGS with a backtracking line search; the loss falls at every step.

    Nocedal and Wright, "Numerical Optimization", algorithms 7.4 and 3.1. Nearly always the first trial of a step is
    accepted, so a step costs one evaluation. Each picture of a batch has its own direction, from its own past; the line
    search is over their total loss.

    history: how many past steps the curvature is estimated from; each costs two pictures of memory.
    """

    name = "lbfgs"
    FIRST_MOVE = 0.02  # root mean square change of a pixel in the very first step, when nothing is known yet
    SUFFICIENT = 1e-4  # part of the promised decrease that a step must keep (Armijo)
    TRIALS = 12

    def __init__(self, history=20):
        if not isinstance(history, int) or history < 1:
            raise InputError(f"L-BFGS's history is a whole number, 1 or more; got {history!r}.")
        self.history = history

    @property
    def pictures(self):
        """How many tensors of the picture's size a step holds at once."""
        return 2 * self.history + 8

    def start(self, picture, evaluation):
        return State(picture, evaluation, {"steps": [], "changes": [], "curvatures": []})

    def step(self, state):
        """The next state. Raises NoBetterPicture when the line search finds none, history forgotten or not."""
        if "curvatures" not in state.memory:  # of a run that was saved before they were kept
            curvatures = list(map(_dot, state.memory["steps"], state.memory["changes"]))
            state = dataclasses.replace(state, memory={**state.memory, "curvatures": curvatures})
        try:
            return (yield from self._search(state))
        except NoBetterPicture:
            if not state.memory["steps"]:
                raise
            return (yield from self._search(self.start(state.picture, state.evaluation)))

    def _search(self, state):
        gradient = state.evaluation.gradient
        direction = self._direction(gradient, state.memory)
        slope = _dot(gradient, direction).sum().item()
        if not slope < 0:
            raise NoBetterPicture("the gradient is zero")
        length = 1.0
        for _ in range(self.TRIALS):
            picture = torch.add(state.picture, direction, alpha=length)
            trial = yield picture
            if trial.finite and trial.loss <= state.evaluation.loss + self.SUFFICIENT * length * slope:
                memory = self._remember(state.memory, picture - state.picture, trial.gradient - gradient)
                return State(picture, trial, memory)
            length *= 0.5 if trial.finite else 0.1
        raise NoBetterPicture("no step along the search direction lowers the loss any further")

    def _direction(self, gradient, memory):
        """Minus the estimated inverse Hessian times the gradient, by the two loops over the remembered steps."""
        pairs = list(zip(memory["steps"], memory["changes"], memory["curvatures"], strict=True))
        first = _ratio(self.FIRST_MOVE, _typical(gradient))
        if not pairs:
            return -gradient * first
        direction, parts = -gradient, []
        for step, change, curvature in reversed(pairs):
            parts.append(_ratio(_dot(step, direction), curvature))
            direction.addcmul_(change, -parts[-1])  # in place: this is all the time that L-BFGS takes for itself
        _, change, curvature = pairs[-1]
        squares = _dot(change, change)
        direction.mul_(torch.where(squares > 0, curvature / squares, first))
        for (step, change, curvature), part in zip(pairs, reversed(parts), strict=True):
            direction.addcmul_(step, part - _ratio(_dot(change, direction), curvature))
        return direction

    def _remember(self, memory, step, change):
        curvature = _dot(step, change)
        good = curvature > 1e-8 * (_dot(step, step).sqrt() * _dot(change, change).sqrt())
        if not good.any():
            return memory  # the curvature along this step is not positive: it would spoil the estimate
        found = {"steps": step, "changes": change, "curvatures": curvature}
        if not good.all():  # some pictures of the batch stay with what they knew
            found = {
                name: torch.where(good, one, memory[name][-1] if memory[name] else 0) for name, one in found.items()
            }
        return {name: [*memory[name], one][-self.history :] for name, one in found.items()}

    def arguments(self):
        return {"history": self.history}

    def describe(self):
        return f"L-BFGS (history {self.history})"


class Adam:
    """Adam, Kingma and Ba, 2015. The loss may rise now and then.

    step_size: about how far a pixel moves in a step, on the scale of 0 to 1.
    """

    name = "adam"
    pictures = 10  # tensors of the picture's size that a step holds at once
    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, step_size=0.05):
        if not (isinstance(step_size, int | float) and math.isfinite(step_size) and step_size > 0):
            raise InputError(f"Adam's step size is a number above zero; got {step_size!r}.")
        self.step_size = float(step_size)

    def start(self, picture, evaluation):
        zeros = torch.zeros_like(picture)
        return State(picture, evaluation, {"number": 0, "mean": zeros, "square": zeros, "scale": 1.0})

    def step(self, state):
        """The next state. A step into non-finite values is taken back, the averages forgotten, and the size halved."""
        memory, gradient = state.memory, state.evaluation.gradient
        number, scale = memory["number"] + 1, memory["scale"]
        mean = torch.lerp(memory["mean"], gradient, 1 - self.BETAS[0])
        square = torch.lerp(memory["square"], gradient.square(), 1 - self.BETAS[1])
        for _ in range(12):
            average = mean / (1 - self.BETAS[0] ** number)
            spread = (square / (1 - self.BETAS[1] ** number)).sqrt() + self.EPSILON * _typical(gradient).clamp(
                min=1e-30
            )
            picture = state.picture - self.step_size * scale * average / spread
            trial = yield picture
            if trial.finite:
                memory = {"number": number, "mean": mean, "square": square, "scale": scale}
                return State(picture, trial, memory)
            number, scale = 1, scale / 2
            mean, square = (1 - self.BETAS[0]) * gradient, (1 - self.BETAS[1]) * gradient.square()
        raise NoBetterPicture("every step leads to values that are not finite")

    def arguments(self):
        return {"step_size": self.step_size}

    def describe(self):
        return f"Adam (step size {self.step_size:g})"


OPTIMIZERS = {"lbfgs": LBFGS, "adam": Adam}


def make_optimizer(optimizer):
    """An optimiser from its name, or the optimiser itself: "lbfgs", "adam", LBFGS(history=10), Adam(step_size=0.05)."""
    if isinstance(optimizer, str):
        return OPTIMIZERS[check_choice("optimizer", optimizer, OPTIMIZERS)]()
    if not isinstance(optimizer, tuple(OPTIMIZERS.values())):
        raise InputError('The optimizer is "lbfgs", "adam", or an object such as stylelib.Adam(step_size=0.05).')
    return optimizer


def _dot(a, b):
    """Inner product of each picture, (N, 3, H, W) → (N, 1, 1, 1), or one number for one picture.

    A tensor, not a number: asking a GPU for a number would make it wait, forty times a step.
    """
    if len(a) == 1:
        return torch.dot(a.flatten(), b.flatten())
    return torch.linalg.vecdot(a.flatten(1), b.flatten(1))[:, None, None, None]


def _typical(gradient):
    """Size of each picture's gradient, root mean square: what makes a step independent of the loss's scale."""
    return gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()


def _ratio(a, b):
    """a / b, or 0 for a picture of the batch whose b is none: one that is where it shall be, or has no past yet."""
    return torch.where(b > 0, a / b, 0)
