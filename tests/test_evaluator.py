"""Evaluations: of one run's picture or several runs' at once, and as a CUDA graph."""

import types

import pytest
import torch

import stylelib
from stylelib import Content, Smoothness, Style
from stylelib.evaluation import evaluator as module
from stylelib.evaluation.evaluator import Evaluator


@pytest.fixture
def lists(net, photo, painting):
    """Three runs' terms: other weights, other layers, another kind."""
    return [
        [Content(net, photo, "conv3_1", weight=0.05), Style(net, painting, ["conv1_1", "conv2_1"])],
        [Content(net, photo, "conv2_2"), Style(net, photo, ["conv3_1"]), Smoothness(0.1)],
        [Style(net, painting, ["conv1_1"], convention="mean")],
    ]


def test_runs_evaluated_together_are_evaluated_as_alone(lists, photo):
    generator = torch.Generator().manual_seed(0)
    pictures = list(
        torch.rand(3, 1, *photo.shape[1:], generator=generator)
    )  # flat areas round to either side of a ReLU
    together = Evaluator(*lists)(torch.cat(pictures))
    for terms, picture, found in zip(lists, pictures, together, strict=True):
        (alone,) = Evaluator(terms)(picture)
        assert found.losses.keys() == alone.losses.keys()
        assert found.losses == pytest.approx(alone.losses, rel=1e-5)
        assert found.loss == pytest.approx(sum(found.losses.values()), rel=1e-6)
        assert found.gradient.shape == picture.shape
        assert (found.gradient - alone.gradient).norm() < 1e-4 * alone.gradient.norm()


def test_each_run_may_have_several_pictures(lists, photo):
    pairs = [torch.cat([photo, photo.flip(3)]), torch.cat([photo.flip(2), photo])]
    together = Evaluator(*lists[:2])(torch.cat(pairs))
    for terms, pair, found in zip(lists, pairs, together, strict=False):
        (alone,) = Evaluator(terms)(pair)
        assert found.loss == pytest.approx(alone.loss, rel=1e-5) and found.gradient.shape == pair.shape


def test_each_network_runs_once_for_all(lists, photo, net, monkeypatch):
    calls, forward = [], type(net).forward
    monkeypatch.setattr(
        type(net), "forward", lambda self, x, layers: calls.append((len(x), set(layers))) or forward(self, x, layers)
    )
    Evaluator(*lists)(torch.cat([photo] * 3))
    assert calls == [(3, {"conv1_1", "conv2_1", "conv2_2", "conv3_1"})]


# ---------------------------------------------------------------------------------------------------------- CUDA graphs


def on_a_gpu(picture):
    """A stand-in for a picture on a GPU, as far as the choice of a graph looks at it."""
    return types.SimpleNamespace(device=torch.device("cuda"), numel=picture.numel)


def test_a_graph_is_recorded_only_where_speed_was_asked_for_and_keeps_what_it_reads(net, photo, monkeypatch):
    evaluator, kept = Evaluator([Content(net, photo)]), []
    assert evaluator._as_graph(on_a_gpu(photo)) is None, "exact: no graph"
    monkeypatch.setattr(net, "precision", "fast")
    assert evaluator._as_graph(photo) is None, "a processor: no graph"

    def replayable(function, picture, read):
        kept.extend(read())
        return "recorded"

    monkeypatch.setattr(module.cuda_graph, "replayable", replayable)
    monkeypatch.setattr(net, "engine", types.SimpleNamespace(packed=lambda: ["weights"]))
    assert evaluator._as_graph(on_a_gpu(photo)) == "recorded" and kept == [["weights"]]


@pytest.mark.parametrize("message, said", [("not permitted\nmore", "not permitted"), ("", "RuntimeError")])
def test_where_no_graph_can_be_recorded_it_is_said(message, said, net, photo, monkeypatch):
    def fail(*arguments):
        raise RuntimeError(message)

    monkeypatch.setattr(net, "precision", "mixed")
    monkeypatch.setattr(module.cuda_graph, "replayable", fail)
    evaluator = Evaluator([Content(net, photo)])
    assert evaluator._as_graph(on_a_gpu(photo)) is None
    assert evaluator.note == f"computed without a CUDA graph: {said}"


def test_the_runs_notes_hold_what_the_evaluator_could_not_do_once(net, photo, monkeypatch):
    monkeypatch.setattr(Evaluator, "_as_graph", lambda self, pictures: setattr(self, "note", "slowly"))
    run = stylelib.Synthesis(Content(net, photo), "noise", steps=2).finish()
    assert run.notes == ["slowly"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("runs", [1, 3])
def test_a_replayed_evaluation_is_the_computed_one(runs):
    net = stylelib.load_network("compact", precision="fast", device="cuda")
    photo = stylelib.load_image("riverside", 64)
    evaluator = Evaluator(*[[Content(net, photo), Style(net, photo.flip(3), weight=1 + i)] for i in range(runs)])
    for picture in (photo.cuda(), photo.flip(2).cuda()):
        pictures = torch.cat([picture] * runs)
        values, gradient = evaluator._values_and_gradient(pictures)
        replayed = evaluator._as_graph(pictures)(pictures)
        assert torch.allclose(replayed[0], values, rtol=1e-3) and torch.allclose(replayed[1], gradient, rtol=1e-2)
    assert not evaluator.note
