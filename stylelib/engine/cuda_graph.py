"""Repeat a computation on an NVIDIA GPU as one launch: it is captured once as a CUDA graph, then replayed.

Up to about 512 pixels, an evaluation consists of about two hundred small kernels, and launching each of them takes
longer than computing it. A graph launches all of them together.
"""

import dataclasses
from collections.abc import Callable
from typing import Generic, TypeVar, cast

import torch
from torch import Tensor

WARM_UP = 3  # calls before the capture, because what libraries set up at their first use must not be captured
Results = TypeVar("Results", bound=tuple[Tensor, ...])


@dataclasses.dataclass(frozen=True)
class Replay(Generic[Results]):
    """A captured computation: call it with a picture of the shape that it was captured with.

    Attributes
    ----------
    graph : torch.cuda.CUDAGraph
        The captured kernels.
    picture : Tensor
        The memory of their input.
    results : tuple of Tensor
        The memory of their results.
    kept : object
        Other memory that they read and that must not be freed.
    """

    graph: torch.cuda.CUDAGraph
    picture: Tensor
    results: Results
    kept: object

    def __call__(self, picture: Tensor) -> Results:
        """Compute the results for a picture, as new tensors, because the next replay overwrites the graph's own."""
        self.picture.copy_(picture)
        self.graph.replay()
        return cast(Results, tuple(result.clone() for result in self.results))


def replayable(
    function: Callable[[Tensor], Results], picture: Tensor, read: Callable[[], object] = lambda: None
) -> Replay[Results]:
    """Capture a function, so that it can be replayed.

    Python runs only during the capture. Tensors that the function reads, such as weights, must keep their addresses.

    Parameters
    ----------
    function : callable
        Takes a picture and returns a tuple of tensors, all on the GPU; it must not read a tensor's value.
    picture : Tensor
        An example of its argument: on the GPU, and of the same shape.
    read : callable
        Called after the capture; what it returns is kept alive as long as the graph.

    Returns
    -------
    Replay
        Computes the same as the function.

    Raises
    ------
    RuntimeError
        If there is no GPU, or the function cannot be captured.
    """
    picture = picture.clone()
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            function(picture)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # other threads may have runs of their own
        results = function(picture)
    return Replay(graph, picture, results, read())
