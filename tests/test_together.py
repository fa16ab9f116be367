"""Several runs as one batch: the pictures that they make alone, each with its own end."""

import re

import pytest
import torch

from stylelib import Adam, Content, Smoothness, Style, Synthesis, Term, load_network, noise
from stylelib.evaluation import memory
from stylelib.support.errors import InputError
from stylelib.sweeps import together
from stylelib.sweeps.together import alike, finish_together, pays


@pytest.fixture
def terms(net, photo, painting):
    return [Content(net, photo, "conv3_1", weight=0.05), Style(net, painting, ["conv1_1", "conv2_1", "conv3_1"])]


@pytest.fixture
def runs(terms, net, photo, painting):
    """A function that makes three runs, other in terms, start, optimiser and number of steps."""

    def make():
        return [
            Synthesis(terms, photo, steps=6),
            Synthesis(Style(net, painting, ["conv1_1", "conv2_1"]), noise(*photo.shape[-2:]), steps=9, keep_every=3),
            Synthesis(terms, "noise", steps=4, optimizer=Adam(0.02), seed=3),
        ]

    return make


def test_runs_finished_together_make_the_pictures_that_they_make_alone(runs):
    batch, alone = finish_together(runs()), [run.finish() for run in runs()]
    for one, other in zip(batch, alone, strict=True):
        assert (one.number, one.evaluations, one.stop_reason) == (other.number, other.evaluations, other.stop_reason)
        assert [r.loss for r in one.history] == pytest.approx([r.loss for r in other.history], rel=1e-3)
        assert (one.image - other.image).abs().max() < 2e-3
        assert one.frames.keys() == other.frames.keys()
        assert re.search(r" on cpu beside 2 other runs$", one.describe()) and "beside" not in other.describe()


def test_a_run_that_ends_early_leaves_the_others_alone(photo, net):
    def exact():
        return Synthesis(Content(net, photo, "conv1_1"), photo, steps=5)

    def other():
        return Synthesis(Content(net, photo, "conv1_1"), "noise", steps=5)

    first, second, third = finish_together([exact(), other(), other()])
    assert first.stop_reason == "the initial picture meets every term exactly" and first.number == 0
    assert second.stop_reason == "all 5 steps are done" and torch.equal(second.image, third.image)


def test_an_interrupt_leaves_all_after_a_whole_step_and_able_to_go_on(runs, photo):
    class Interrupted(Term):
        calls = 0

        def losses(self, pictures, activations):
            self.calls += 1
            if self.calls == 4:
                raise KeyboardInterrupt
            return {"brightness": pictures.mean()}

    some = runs()
    some[0].change_terms([*some[0].terms, Interrupted()])
    finish_together(some)
    for run in some:
        assert run.number in (1, 2) and run.history[-1].loss == run.progress.state.evaluation.loss
        assert run.stop_reason == f"interrupted after step {run.number}; iterate or finish() again to continue"
    for run, other in zip(some[1:], runs()[1:], strict=True):
        assert run.finish().number == run.steps
        assert run.history[-1].loss == pytest.approx(other.finish().history[-1].loss, rel=1e-3)


def test_one_that_cannot_start_leaves_the_others_able_to_go_on_alone(runs, terms, photo):
    some, hopeless = runs(), Synthesis([*terms, Smoothness(1e30)], photo)
    next(some[0])
    with pytest.raises(InputError, match="too large to compute with"):
        finish_together([*some, hopeless])
    for run, other in zip(some, runs(), strict=True):
        assert run.finish().number == run.steps
        assert run.history[-1].loss == pytest.approx(other.finish().history[-1].loss, rel=1e-3)


def test_a_run_that_was_at_its_end_already_is_no_companion(runs):
    first, *others = runs()
    first.finish()
    finish_together([first, *others])
    assert [run.companions for run in (first, *others)] == [0, 1, 1]


def test_runs_hold_no_more_after_a_batch_than_alone(runs):
    """They do not keep a view that holds the gradient of the whole batch in memory; nor does a saved run."""
    for run in finish_together(runs()):
        for state in (run.progress.state, run.progress.best):
            assert state.evaluation.gradient.untyped_storage().nbytes() == 4 * run.image.numel()


def test_runs_that_do_not_go_together_are_refused_in_a_sentence(runs, net, photo):
    one, other, _ = runs()
    pair = Synthesis(Smoothness(1), torch.cat([photo] * 2))
    small = Synthesis(Content(net, photo[..., :32, :32]), photo[..., :32, :32])
    for wrong, said in (
        ([one, small], "need pictures of one size, and equally many; these differ"),
        ([one, pair], "need pictures of one size, and equally many; these differ"),
        ([one, Synthesis(Smoothness(1), photo)], "need the same networks; these differ"),
        ([one, other, one], "A run is given twice"),
    ):
        with pytest.raises(InputError, match=said):
            finish_together(wrong)
        assert not any(run.history for run in wrong)
    assert finish_together([]) == []
    assert [run.number for run in finish_together(run for run in (one, other))] == [6, 9]


def test_too_little_memory_for_all_at_once_is_said_before_any_begins(runs, monkeypatch):
    some = runs()
    tensors = sum(run.optimizer.tensors for run in some)
    needed = memory.memory_needed([run.terms for run in some], some[0].shape, tensors)
    monkeypatch.setattr(memory, "free_memory", lambda device: needed - 1)
    with pytest.raises(InputError, match=r"^3 runs of 64 × 43 pixels need about 0\.0 GB"):
        finish_together(some)
    assert not any(run.history for run in some)
    assert finish_together(some[:2])[1].number == 9


def test_alike_are_runs_of_one_size_network_and_depth(net, photo, painting):
    other = load_network("compact11", device="cpu")

    def run(picture, layer, net=net):
        return Synthesis([Smoothness(1), Style(net, painting, [layer])], picture)

    runs = [
        run(photo, "conv2_1"), run(photo, "conv3_1"), run(painting, "conv2_1"), run(photo.flip(3), "conv2_1"),
        run(photo, "conv2_1", other), Synthesis(Smoothness(1), photo),
    ]  # fmt: skip
    assert alike(runs) == [[runs[0], runs[3]], [runs[1]], [runs[2]], [runs[4]], [runs[5]]]


class Brightness(Term):
    """A term from outside, without a network."""

    def losses(self, pictures, activations):
        return {"brightness": pictures.mean()}


def test_terms_of_your_own_need_no_network(runs, photo):
    """Neither when `pays` measures a batch nor in the batch."""
    some, alone = ([Synthesis(Brightness(), photo, steps=3) for _ in range(2)] for _ in range(2))
    assert pays(some) in (True, False)
    for one, other in zip(finish_together(some), alone, strict=True):
        assert torch.allclose(one.image, other.finish().image, atol=1e-5)


@pytest.mark.parametrize("seconds, quicker", [({1: 1.0, 3: 2.9}, True), ({1: 1.0, 3: 3.1}, False)])
def test_whether_a_batch_pays_is_tried_once_for_all_that_are_alike(runs, seconds, quicker, monkeypatch):
    tried = []
    monkeypatch.setattr(together, "_tried", {})
    monkeypatch.setattr(together, "_seconds", lambda _, pictures: tried.append(len(pictures)) or seconds[len(pictures)])
    assert pays(runs()) == pays(runs()) == quicker and tried == [1, 3]


def test_where_memory_is_short_for_all_at_once_nothing_is_tried(runs, monkeypatch):
    monkeypatch.setattr(together, "_tried", {})
    monkeypatch.setattr(together, "_seconds", None)
    monkeypatch.setattr(memory, "free_memory", lambda device: 1000)
    with pytest.raises(InputError, match="3 runs of"):
        pays(runs())
