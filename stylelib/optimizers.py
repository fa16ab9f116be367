"""The two optimisers: L-BFGS, which the paper uses, and Adam.

Both are plain functions of a state, see `stylelib.protocols.optimizer`. PyTorch's own optimisers are not used, because
they change their tensors in place, and because its L-BFGS stops at absolute tolerances, which the small gradients of a
large picture can meet at the first step.
"""

import dataclasses
from typing import Any, ClassVar

import torch
from torch import Tensor

from stylelib.protocols.optimizer import Asking, Evaluation, NoBetterPicture, Optimizer, State
from stylelib.protocols.term import check_weight
from stylelib.support.errors import InputError, check_choice, check_whole


class LBFGS(Optimizer):
    """Limited-memory BFGS with a backtracking line search; the loss falls at every step.

    Nocedal and Wright, "Numerical Optimization", algorithms 7.4 and 3.1. The first trial of a step is nearly always
    accepted, so most steps cost one evaluation. If a run has several pictures, each has its own direction, from its own
    history, and the line search uses their total loss.

    Parameters
    ----------
    history : int
        Number of past steps that the curvature is estimated from, 1 or more; each takes the memory of two pictures.
    """

    name: ClassVar[str] = "lbfgs"
    FIRST_MOVE = 0.02  # root mean square change of a pixel in the very first step, when there is no history
    SUFFICIENT = 1e-4  # fraction of the predicted decrease that a step must reach (Armijo)
    TRIALS = 12  # step lengths that are tried before the search gives up

    def __init__(self, history: int = 20) -> None:
        self.history = check_whole("L-BFGS's history", history, 1)
        self.tensors = 2 * self.history + 8

    def start(self, parameters: Tensor, evaluation: Evaluation) -> State:
        return State(parameters, evaluation, {"steps": [], "changes": [], "curvatures": []})

    def step(self, state: State) -> Asking[State]:
        if "curvatures" not in state.memory:  # the run was saved by an earlier version
            curvatures = list(map(_dot, state.memory["steps"], state.memory["changes"]))
            state = dataclasses.replace(state, memory={**state.memory, "curvatures": curvatures})
        try:
            return (yield from self._search(state))
        except NoBetterPicture:
            if not state.memory["steps"]:
                raise
            return (yield from self._search(self.start(state.parameters, state.evaluation)))

    def _search(self, state: State) -> Asking[State]:
        gradient = state.evaluation.gradient
        direction = self._direction(gradient, state.memory)
        slope = _dot(gradient, direction).sum().item()
        if not slope < 0:
            raise NoBetterPicture("the gradient is zero")
        length, finite = 1.0, False
        for _ in range(self.TRIALS):
            parameters = torch.add(state.parameters, direction, alpha=length)
            trial = yield parameters
            if trial.finite and trial.loss <= state.evaluation.loss + self.SUFFICIENT * length * slope:
                memory = self._remember(state.memory, parameters - state.parameters, trial.gradient - gradient)
                return State(parameters, trial, memory)
            finite |= trial.finite
            length *= 0.5 if trial.finite else 0.1
        if not finite:
            raise NoBetterPicture("every step along the search direction leads to values that are not finite")
        raise NoBetterPicture("no step along the search direction lowers the loss any further")

    def _direction(self, gradient: Tensor, memory: dict[str, Any]) -> Tensor:
        """Return minus the estimated inverse Hessian times the gradient, by the two-loop recursion."""
        pairs = list(zip(memory["steps"], memory["changes"], memory["curvatures"], strict=True))
        first = _ratio(self.FIRST_MOVE, _typical(gradient))
        if not pairs:
            return -gradient * first
        direction, parts = -gradient, []
        for step, change, curvature in reversed(pairs):
            parts.append(_ratio(_dot(step, direction), curvature))
            direction.addcmul_(change, -parts[-1])  # in place, because most of L-BFGS's own time is spent here
        _, change, curvature = pairs[-1]
        squares = _dot(change, change)
        direction.mul_(torch.where(squares > 0, curvature / squares, first))
        for (step, change, curvature), part in zip(pairs, reversed(parts), strict=True):
            direction.addcmul_(step, part - _ratio(_dot(change, direction), curvature))
        return direction

    def _remember(self, memory: dict[str, Any], step: Tensor, change: Tensor) -> dict[str, Any]:
        curvature = _dot(step, change)
        good = curvature > 1e-8 * (_dot(step, step).sqrt() * _dot(change, change).sqrt())
        if not good.any():
            return memory  # without positive curvature along this step, it would spoil the estimate
        new = {"steps": step, "changes": change, "curvatures": curvature}
        if not good.all():  # the other pictures repeat their last pair
            last = {name: memory[name][-1] if memory[name] else 0 for name in new}
            new = {name: torch.where(good, value, last[name]) for name, value in new.items()}
        return {name: [*memory[name], value][-self.history :] for name, value in new.items()}

    def arguments(self) -> dict[str, Any]:
        return {"history": self.history}

    def describe(self) -> str:
        return f"L-BFGS (history {self.history})"


class Adam(Optimizer):
    """Adam, Kingma and Ba, 2015. The loss can rise from one step to the next.

    Parameters
    ----------
    step_size : float
        About how far a pixel moves in a step, on the scale of 0 to 1; above zero.
    """

    name: ClassVar[str] = "adam"
    BETAS = (0.9, 0.999)
    EPSILON = 1e-8  # times the typical gradient, so that the loss's scale does not matter

    def __init__(self, step_size: float = 0.05) -> None:
        self.step_size = check_weight(step_size, "Adam's step size")
        if self.step_size == 0:
            raise InputError("Adam's step size is a number above zero; got 0.")

    def start(self, parameters: Tensor, evaluation: Evaluation) -> State:
        zeros = torch.zeros_like(parameters)
        return State(parameters, evaluation, {"number": 0, "mean": zeros, "square": zeros, "scale": 1.0})

    def step(self, state: State) -> Asking[State]:
        """Return the next state, see `Optimizer.step`.

        A step to values that are not finite is undone; the averages then start anew and the step size is halved.
        """
        memory, gradient = state.memory, state.evaluation.gradient
        number, scale = memory["number"] + 1, memory["scale"]
        mean = torch.lerp(memory["mean"], gradient, 1 - self.BETAS[0])
        square = torch.lerp(memory["square"], gradient.square(), 1 - self.BETAS[1])
        for _ in range(12):
            average = mean / (1 - self.BETAS[0] ** number)
            least = self.EPSILON * _typical(gradient).clamp(min=1e-30)  # avoids dividing by zero
            spread = (square / (1 - self.BETAS[1] ** number)).sqrt() + least
            parameters = state.parameters - self.step_size * scale * average / spread
            trial = yield parameters
            if trial.finite:
                memory = {"number": number, "mean": mean, "square": square, "scale": scale}
                return State(parameters, trial, memory)
            number, scale = 1, scale / 2
            mean, square = (1 - self.BETAS[0]) * gradient, (1 - self.BETAS[1]) * gradient.square()
        raise NoBetterPicture("every step leads to values that are not finite")

    def arguments(self) -> dict[str, Any]:
        return {"step_size": self.step_size}

    def describe(self) -> str:
        return f"Adam (step size {self.step_size:g})"


def make_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """Return an optimiser from its name, or the optimiser itself.

    Parameters
    ----------
    optimizer : str or Optimizer
        "lbfgs", "adam", the name of your own subclass, or an object such as Adam(step_size=0.05).

    Returns
    -------
    Optimizer
        Ready to use.

    Raises
    ------
    InputError
        For anything else.
    """
    if isinstance(optimizer, str):
        return Optimizer.known[check_choice("optimizer", optimizer, Optimizer.known)]()
    if not isinstance(optimizer, Optimizer):
        raise InputError('The optimizer is "lbfgs", "adam", or an object such as stylelib.Adam(step_size=0.05).')
    return optimizer


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the inner product for each picture, (N, …) → (N, 1, …); a scalar tensor if there is one picture.

    It stays a tensor, because reading a number from a GPU makes it wait, and a step has about forty of these products.
    """
    if len(a) == 1:
        return torch.dot(a.flatten(), b.flatten())
    products: Tensor = torch.linalg.vecdot(a.flatten(1), b.flatten(1))
    return products.reshape(-1, *[1] * (a.ndim - 1))


def _typical(gradient: Tensor) -> Tensor:
    """Return the root mean square of each picture's gradient. Dividing by it cancels the loss's scale."""
    return gradient.square().mean(dim=tuple(range(1, gradient.ndim)), keepdim=True).sqrt()


def _ratio(a: Tensor | float, b: Tensor) -> Tensor:
    """Return a / b, but 0 where b is 0, as for a picture that has converged or has no history yet."""
    return torch.where(b > 0, a / b, 0)
