"""What is optimised: the pixels, or other numbers that make a picture. Subclass `Parameterization` to add your own."""

import dataclasses
from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import Tensor

from stylelib.protocols.optimizer import Asking, Evaluation, T
from stylelib.protocols.rebuild import Rebuildable
from stylelib.support.errors import InputError, shown


class Parameterization(Rebuildable):
    """A way to make pictures from numbers: the optimiser changes the numbers, and the terms look at the picture.

    Such numbers are, for example, the lightness of a photograph, Fourier coefficients, or the input of a generator.
    """

    def encode(self, picture: Tensor) -> Tensor:
        """Return the numbers that a run starts from.

        Parameters
        ----------
        picture : Tensor
            The initial picture, (N, 3, H, W), RGB, 0 to 1.

        Returns
        -------
        Tensor
            (N, …), float32.
        """
        raise NotImplementedError("a Parameterization writes encode(picture)")

    def decode(self, parameters: Tensor) -> Tensor:
        """Return the picture that the numbers make, differentiable with respect to them.

        Parameters
        ----------
        parameters : Tensor
            (N, …), as `encode` gives.

        Returns
        -------
        Tensor
            (N, 3, H, W). Values may leave 0 to 1; they are clamped for display only.
        """
        raise NotImplementedError("a Parameterization writes decode(parameters)")

    def begin(self, picture: Tensor) -> Tensor:
        """Return the numbers that a run starts from, after a check that they make a picture of this size.

        Parameters
        ----------
        picture : Tensor
            The initial picture, (N, 3, H, W).

        Returns
        -------
        Tensor
            What `encode` returns.

        Raises
        ------
        InputError
            If `encode` and `decode` do not make a picture of the initial picture's size.
        """
        name = type(self).__name__
        try:
            parameters = self.encode(picture)
            made = self.decode(parameters.detach().requires_grad_(True))
        except (RuntimeError, AttributeError) as error:
            size = f"{picture.shape[-1]} × {picture.shape[-2]}"
            raise InputError(f"{name} cannot make a picture of {size} pixels ({error}).") from error
        if made.shape != picture.shape or not made.requires_grad:
            raise InputError(
                f"{name}.decode must return a picture of shape {tuple(picture.shape)}, differentiable with respect to "
                f"the parameters; it returned {tuple(made.shape)}{'' if made.requires_grad else ', detached'}."
            )
        return parameters

    def in_pictures(self, asking: Asking[T], seen: Callable[[Evaluation], None]) -> Asking[T]:
        """Turn requests to evaluate parameters into requests to evaluate pictures, by the chain rule.

        Parameters
        ----------
        asking : generator
            Yields parameters and receives Evaluations with respect to them.
        seen : callable
            Called with each Evaluation before the optimiser gets it.

        Yields
        ------
        Tensor
            Pictures, (N, 3, H, W); their Evaluation is sent back.

        Returns
        -------
        object
            What `asking` returns.
        """
        evaluation = None
        if not isinstance(asking, Generator):
            raise InputError("An optimiser's step must be a generator: it yields parameters and returns a State.")
        while True:
            try:
                parameters = asking.send(evaluation)  # type: ignore[arg-type]  # None starts a generator
            except StopIteration as end:
                result: T = end.value
                return result
            with torch.enable_grad():
                leaf = parameters.detach().requires_grad_(True)
                picture = self.decode(leaf)
            evaluation = yield picture.detach()
            if picture is not leaf:
                (gradient,) = torch.autograd.grad(picture, leaf, evaluation.gradient)
                evaluation = dataclasses.replace(evaluation, gradient=gradient)
            seen(evaluation)


class Pixels(Parameterization):
    """The pixels themselves, as in the paper."""

    def encode(self, picture: Tensor) -> Tensor:
        return picture

    def decode(self, parameters: Tensor) -> Tensor:
        return parameters

    def arguments(self) -> dict[str, Any]:
        return {}

    def describe(self) -> str:
        return ""


def check_parameterization(parameterization: Parameterization | None) -> Parameterization:
    """Return the parameterization, pixels for None; raise an InputError for anything else."""
    if parameterization is None:
        return Pixels()
    if not isinstance(parameterization, Parameterization):
        raise InputError(
            f"The parameterization is an object of a subclass of stylelib.Parameterization; "
            f"got {shown(parameterization)}."
        )
    return parameterization
