"""On a GPU the numbers are the processor's, to stated tolerances; CUDA graphs, memory that runs out, repeatability.

Skipped without a GPU. STYLELIB_TEST_DEVICE=cpu runs those that need no GPU of their own on the processor, to test the
tests.
"""

import os

import pytest
import torch

import stylelib
from stylelib import Content, InputError, Smoothness, Style, Synthesis
from stylelib.evaluation import evaluator
from stylelib.evaluation.evaluator import Evaluator

DEVICE = os.environ.get("STYLELIB_TEST_DEVICE") or ("cuda" if torch.cuda.is_available() else None)
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(DEVICE is None, reason="needs an NVIDIA GPU")]
needs_cuda = pytest.mark.skipif(DEVICE != "cuda", reason="needs an NVIDIA GPU")
LAYERS = ["conv1_1", "conv2_1", "conv3_1", "conv4_2", "conv5_1"]
# Relative errors (norm over norm) against exact computation on the processor, of activations and of the gradient.
# bfloat16 has 8 bits; in the fast precision the rounded activations also change which ReLUs are open.
TOLERANCES = {"exact": (1e-5, 1e-3), "mixed": (1e-5, 0.03), "fast": (0.02, 0.3)}


def distance(a, b):
    return ((a.cpu() - b.cpu()).norm() / b.cpu().norm()).item()


def terms_on(device, precision="exact", pooling="avg", size=96):
    net = stylelib.load_network("compact", pooling=pooling, precision=precision, device=device)
    photo, painting = (stylelib.load_image(name, size) for name in ("riverside", "night_swirls"))
    return [Content(net, photo, weight=0.1), Style(net, painting), Smoothness(0.01)]


@pytest.fixture
def noisy():
    """Two pictures of noise: in a flat area sums near 0 decide a ReLU by rounding."""
    return torch.rand(2, 3, 96, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("precision", TOLERANCES)
def test_activations_are_the_processors(precision, pooling, noisy):
    here, there = (
        stylelib.load_network("compact", pooling=pooling, precision=kind, device=device)
        for kind, device in (("exact", "cpu"), (precision, DEVICE))
    )
    expected, found = here(noisy, LAYERS), there(noisy.to(DEVICE), LAYERS)
    for layer in LAYERS:
        assert found[layer].device.type == torch.device(DEVICE).type and found[layer].dtype == torch.float32
        assert distance(found[layer], expected[layer]) < TOLERANCES[precision][0], layer


@pytest.mark.parametrize("precision", TOLERANCES)
def test_losses_and_gradient_are_the_processors(precision):
    here, there = terms_on("cpu"), terms_on(DEVICE, precision)
    picture = torch.rand(1, *here[0].image.shape[1:], generator=torch.Generator().manual_seed(1))
    (expected,), (found,) = Evaluator(here)(picture), Evaluator(there)(picture.to(DEVICE))
    assert found.losses == pytest.approx(expected.losses, rel=10 * TOLERANCES[precision][0])
    assert distance(found.gradient, expected.gradient) < TOLERANCES[precision][1]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_run_repeats_itself_to_the_bit(optimizer):
    first, second = (Synthesis(terms_on(DEVICE), "noise", steps=8, seed=3, optimizer=optimizer) for _ in range(2))
    assert torch.equal(first.finish().image, second.finish().image)


def test_noise_is_the_processors():
    here, there = (Synthesis(terms_on(device), "noise", steps=1, seed=5) for device in ("cpu", DEVICE))
    assert torch.equal(here.image, there.image.cpu())


def test_a_run_reaches_the_loss_that_the_processors_run_reaches():
    here, there = (Synthesis(terms_on(device), "content", steps=40).finish() for device in ("cpu", DEVICE))
    assert there.history[-1].loss == pytest.approx(here.history[-1].loss, rel=0.05)
    assert f"on {torch.device(DEVICE).type}" in there.describe()


def test_a_run_saved_on_a_gpu_goes_on_on_it(tmp_path):
    run = Synthesis(terms_on(DEVICE), "content", steps=6)
    whole = Synthesis(terms_on(DEVICE), "content", steps=6).finish()
    for _ in range(3):
        next(run)
    loaded = Synthesis.load(run.save(tmp_path / "run.pt"))
    assert loaded.device.type == torch.device(DEVICE).type
    assert torch.equal(loaded.finish().image, whole.image)


@needs_cuda
@pytest.mark.parametrize("precision", ["mixed", "fast"])
def test_a_captured_evaluation_is_the_computed_one(precision, monkeypatch):
    terms = terms_on(DEVICE, precision)
    picture = torch.rand_like(terms[0].image)
    captured = Evaluator(terms)
    (replayed,) = captured(picture)
    (replayed_again,) = captured(picture)
    assert not captured.note, captured.note
    with monkeypatch.context() as patch:
        patch.setattr(evaluator.Evaluator, "_as_graph", lambda self, pictures: None)
        (computed,) = Evaluator(terms)(picture)
    assert replayed.losses == pytest.approx(computed.losses, rel=1e-3)
    assert distance(replayed.gradient, computed.gradient) < 1e-2
    assert torch.equal(replayed.gradient, replayed_again.gradient)


@needs_cuda
def test_a_term_that_cannot_be_captured_is_computed_and_noted():
    class Asking(stylelib.Term):
        def losses(self, pictures, activations):
            return {"asking": pictures.mean() * (1 if pictures.sum().item() > 0 else 2)}

    run = Synthesis([*terms_on(DEVICE, "fast"), Asking()], "content", steps=2).finish()
    assert run.number == 2 and "computed without a CUDA graph" in run.notes[0]


@needs_cuda
def test_memory_that_runs_out_is_one_sentence_with_a_size():
    torch.cuda.set_per_process_memory_fraction(0.01)
    try:
        with pytest.raises(InputError, match=r"(size=\d+ would fit|try size=\d+)"):
            Synthesis(terms_on(DEVICE, size=1200), "content", steps=1).finish()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()


@needs_cuda
def test_memory_is_foretold():
    terms = terms_on(DEVICE, size=384)
    picture, evaluate = torch.rand_like(terms[0].image), Evaluator(terms)
    evaluate(picture)
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    evaluate(picture)
    needed = terms[0].net.memory(picture, LAYERS) + terms[0].memory(picture)
    assert torch.cuda.max_memory_allocated() - before < 1.2 * needed
