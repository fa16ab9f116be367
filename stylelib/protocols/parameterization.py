"""What is optimised: the pixels, or other numbers that make a picture. Subclass `Parameterization` to add your own."""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from stylelib.protocols.optimizer import Asking, Evaluation, T
from stylelib.protocols.rebuild import Rebuildable


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
        raise NotImplementedError

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
        raise NotImplementedError

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

    def describe(self) -> str:
        """Return a few words for captions."""
        return type(self).__name__


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
