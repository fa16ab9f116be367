"""A computation captured as a CUDA graph, tested with stand-ins for torch's functions if there is no GPU."""

import contextlib
import types

import pytest
import torch

from stylelib.engine import cuda_graph

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


@pytest.fixture
def imitation(monkeypatch):
    """A GPU whose graph repeats what was called while it was captured, on the same tensors."""
    captured = []

    class Graph:
        def replay(self):
            captured[0]()

    @contextlib.contextmanager
    def graph(graph, capture_error_mode):
        captured.append(None)
        yield

    stream = types.SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    return captured


def test_it_is_warmed_up_captured_once_and_replayed_on_the_same_memory(imitation):
    calls, weights = [], torch.tensor([2.0, 3.0])

    def double(picture):
        result = picture * weights
        calls.append(bool(imitation))
        if imitation:
            imitation[0] = lambda: torch.mul(picture, weights, out=result)
        return (result,)

    replay = cuda_graph.replayable(double, torch.zeros(2), read=lambda: [weights])
    assert calls == [False] * cuda_graph.WARM_UP + [True]
    assert replay.kept == [weights]
    (first,), (second,) = replay(torch.tensor([1.0, 1.0])), replay(torch.tensor([5.0, 5.0]))
    assert first.tolist() == [2, 3] and second.tolist() == [10, 15], "a replay overwrote what an earlier one returned"
    assert len(calls) == cuda_graph.WARM_UP + 1, "Python ran again"


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without an NVIDIA GPU")
def test_without_a_gpu_it_is_an_error_that_the_evaluator_expects():
    with pytest.raises(RuntimeError):
        cuda_graph.replayable(lambda picture: (picture,), torch.zeros(2))


@needs_gpu
def test_a_graph_gives_the_functions_values():
    def function(picture):
        return picture.sum(), picture.square()

    replay = cuda_graph.replayable(function, torch.zeros(3, 4, device="cuda"))
    for seed in range(3):
        picture = torch.rand(3, 4, generator=torch.Generator().manual_seed(seed)).cuda()
        for result, expected in zip(replay(picture), function(picture), strict=True):
            assert torch.allclose(result, expected)


@needs_gpu
def test_a_function_that_asks_for_a_value_cannot_be_captured():
    with pytest.raises(RuntimeError):
        cuda_graph.replayable(lambda picture: (picture * picture.sum().item(),), torch.ones(2, device="cuda"))
