"""The loop: iterating, stopping, the losses that it reports, interrupts, saving and continuing."""

import gc
import itertools
import math
import weakref

import pytest
import torch

import stylelib
import stylelib.figures
from stylelib import Adam, Content, Smoothness, Style, Synthesis, Term, synthesis
from stylelib.evaluation.progress import Progress
from stylelib.support.errors import InputError


@pytest.fixture
def terms(net, photo, painting):
    return [Content(net, photo, "conv3_1", weight=0.05), Style(net, painting, ["conv1_1", "conv2_1", "conv3_1"])]


def same(a, b):
    return torch.equal(a, b)


# --------------------------------------------------------------------------------------------------------- an iterator


def test_nothing_is_computed_before_it_is_asked_for(terms, photo):
    run = Synthesis(terms, photo, steps=3)
    assert run.history == [] and run.stop_reason is None and run.number == 0
    assert same(run.image, photo)


def test_each_step_says_its_number_its_losses_its_picture_and_its_time(terms, photo):
    steps = list(Synthesis(terms, photo, steps=4))
    assert [step.number for step in steps] == [1, 2, 3, 4]
    for step in steps:
        assert set(step.losses) == {"content conv3_1", "style conv1_1", "style conv2_1", "style conv3_1"}
        assert step.loss == pytest.approx(sum(step.losses.values()), rel=1e-5)
        assert step.image.shape == photo.shape and step.image.min() >= 0 and step.image.max() <= 1
    assert [step.seconds for step in steps] == sorted(step.seconds for step in steps)


def test_the_losses_of_a_step_are_those_of_its_picture(net, photo, painting):
    """… and not of the picture before it, or of a trial that was rejected."""
    term = Style(net, painting, ["conv1_1"])
    for optimizer in ("lbfgs", Adam(step_size=1e-3)):
        for step in Synthesis(term, 0.4 + 0.2 * photo, steps=3, optimizer=optimizer):
            (loss,) = term.losses(step.image, net(step.image, term.layers)).values()
            assert loss.item() == pytest.approx(step.loss, rel=1e-3)  # no pixel left 0 to 1 in so few steps


def test_leaving_the_loop_pauses_and_going_back_in_resumes(terms, photo):
    whole = Synthesis(terms, photo, steps=6).finish()
    run = Synthesis(terms, photo, steps=6)
    for step in run:
        if step.number == 2:
            break
    assert run.number == 2 and run.stop_reason is None
    assert [step.number for step in run] == [3, 4, 5, 6]
    assert same(run.image, whole.image)
    assert run.stop_reason == "all 6 steps are done"


def test_more_steps_can_be_added_to_a_finished_run(terms, photo):
    run = Synthesis(terms, photo, steps=2).finish()
    run.steps = 5
    assert same(run.finish().image, Synthesis(terms, photo, steps=5).finish().image)
    assert run.number == 5


def test_it_starts_with_what_it_is_given_and_leaves_that_alone(terms, photo):
    before = photo.clone()
    run = Synthesis(terms, photo, steps=2).finish()
    assert same(photo, before) and not same(run.image, before)
    assert run.history[0].number == 0 and run.history[0].loss > run.history[-1].loss


def test_same_seed_same_picture_other_seed_another(terms):
    a, b, c = (Synthesis(terms, "noise", steps=3, seed=seed).finish().image for seed in (1, 1, 2))
    assert same(a, b) and not same(a, c)


def test_history_times_leave_out_the_pauses(terms, photo, monkeypatch):
    clock = iter(range(1000, 11_000, 5))  # every look at the clock is 5 seconds after the last
    monkeypatch.setattr(synthesis.time, "perf_counter", lambda: next(clock))
    run = Synthesis(terms, photo, steps=3)
    for _ in run:
        for _ in range(7):
            next(clock)  # the reader thinks for 35 seconds
    assert run.seconds == 4 * 5 and run.seconds_left == 0, "the initial picture and three steps"


def test_frames_are_kept_as_asked(terms, photo):
    run = Synthesis(terms, photo, steps=5, keep_every=2)
    seen = {step.number: step.image for step in run}
    assert list(run.frames) == [0, 2, 4]
    assert same(run.frames[4], seen[4]) and same(run.frames[0], photo)


# ------------------------------------------------------------------------------------------------------------ stopping


def test_it_stops_at_once_when_the_picture_already_fits(net, photo):
    run = Synthesis(Content(net, photo, "conv2_1"), photo, steps=5).finish()
    assert run.stop_reason == "the initial picture meets every term exactly"
    assert run.number == 0 and same(run.image, photo)


def test_it_stops_when_it_has_converged_and_says_so(photo):
    run = Synthesis(Smoothness(1.0), photo, steps=5000, tolerance=0.5).finish()
    assert "converged, because the loss changed by less than 0.5 of its value in 20 steps" in run.stop_reason
    assert 20 <= run.number < 5000
    assert list(run) == []  # going on is of no use


@pytest.mark.parametrize(
    ("steps", "reason"), [(0, "all 0 steps are done"), (1, "its one step is done"), (2, "all 2 steps are done")]
)
def test_it_says_that_its_steps_are_done(steps, reason, terms, photo):
    run = Synthesis(terms, photo, steps=steps).finish()
    assert (run.stop_reason, run.number, run.finished, run.companions) == (reason, steps, False, 0)


def test_a_run_with_fewer_steps_than_it_has_done_is_over(terms, photo):
    run = Synthesis(terms, photo, steps=3).finish()
    run.steps = 2
    assert list(run) == [] and run.number == 3 and run.stop_reason == "all 2 steps are done"


def test_told_to_stop_the_loop_ends_and_another_goes_on(terms, photo):
    run = Synthesis(terms, photo, steps=6)
    for step in run:
        if step.number == 2:
            run.stop("it is good enough")
    assert (run.number, run.stop_reason, run.finished) == (2, "it is good enough", False)
    assert run.finish().number == 6


def test_a_run_without_a_better_picture_is_finished(photo):
    run = Synthesis(Valley(), torch.full_like(photo, 0.5), steps=40, tolerance=0).finish()
    assert "after step" in run.stop_reason and run.finished and run.number < 40
    assert list(run) == [] and "after step" in run.stop_reason


def test_a_tiny_loss_does_not_stop_it(net, photo, painting):
    """torch's own L-BFGS returns the picture untouched here: every gradient entry is below its absolute tolerance."""
    run = Synthesis(Style(net, painting, ["conv1_1"], weight=1e-12), photo, steps=5).finish()
    assert run.number == 5
    assert run.history[-1].loss < 0.5 * run.history[0].loss


def test_the_best_picture_is_kept_when_the_loss_rises_again(terms, photo):
    run = Synthesis(terms, photo, steps=12, optimizer=Adam(step_size=0.3)).finish()
    losses = [record.loss for record in run.history]
    assert losses[-1] > min(losses)
    assert sum(run.losses.values()) == pytest.approx(min(losses), rel=1e-5)


class Valley(Term):
    """Says that the loss falls to one side, and is larger on both."""

    def losses(self, pictures, activations):
        here = (pictures - 0.5).abs().mean()
        return {"valley": 1 + here + 0.01 * (pictures - pictures.detach()).mean()}


class Cliff(Term):
    """Falls towards brighter pictures, and is not a number beyond 0.6."""

    def losses(self, pictures, activations):
        return {"cliff": torch.where(pictures < 0.6, 2 - pictures, math.nan).mean()}


@pytest.mark.parametrize("optimizer", ["lbfgs", Adam(step_size=0.2)], ids=["lbfgs", "adam"])
def test_values_that_are_not_finite_are_taken_back_and_noted(optimizer):
    run = Synthesis(Cliff(), torch.full((1, 3, 16, 16), 0.5), steps=30, optimizer=optimizer).finish()
    assert all(math.isfinite(record.loss) for record in run.history)
    assert run.history[-1].loss < run.history[0].loss
    assert run.notes and "not finite" in run.notes[0]
    assert torch.isfinite(run.image).all()


def test_a_rising_loss_is_not_called_converged(terms, photo):
    content = Content(terms[0].net, photo, "conv3_1", weight=50.0)
    run = Synthesis([content, terms[1]], photo, steps=40, optimizer=Adam(step_size=0.3)).finish()
    assert max(record.loss for record in run.history) > run.history[0].loss
    assert run.stop_reason == "all 40 steps are done"


def test_an_initial_picture_without_a_finite_loss_is_refused():
    with pytest.raises(InputError, match="initial picture is not a finite number"):
        Synthesis(Cliff(), torch.full((1, 3, 16, 16), 0.9), steps=3).finish()


class Interrupting(Term):
    """Presses the kernel's stop button in the middle of an evaluation, once."""

    def __init__(self, at):
        self.left = at

    def losses(self, pictures, activations):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return {"nothing": 0 * pictures.sum()}


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_an_interrupt_loses_nothing(terms, photo, optimizer):
    whole = Synthesis([*terms, Interrupting(at=0)], photo, steps=6, optimizer=optimizer).finish()
    run = Synthesis([*terms, Interrupting(at=4)], photo, steps=6, optimizer=optimizer).finish()
    assert "interrupted after step" in run.stop_reason and 0 < run.number < 6
    assert not same(run.image, photo)
    assert same(run.finish().image, whole.image)
    assert run.stop_reason == "all 6 steps are done"


@pytest.mark.parametrize("when", ["before it is accepted", "while its frame is kept", "after it is accepted"])
def test_an_interrupt_at_the_worst_moment_leaves_picture_and_number_together(terms, photo, monkeypatch, when):
    """Whenever the interrupt comes, the run continues to the same picture."""
    whole = Synthesis(terms, photo, steps=6, keep_every=1).finish()
    run = Synthesis(terms, photo, steps=6, keep_every=1)
    accept, shown, calls = Progress.accept, Synthesis._shown, itertools.count(1)

    def interrupted_accept(progress, *arguments):
        if when == "before it is accepted" and next(calls) == 4:
            raise KeyboardInterrupt
        return accept(progress, *arguments)

    def interrupted_shown(self, state):  # the first picture's frame, then each step's frame and the step's picture
        if when != "before it is accepted" and next(calls) == (6 if when == "while its frame is kept" else 7):
            raise KeyboardInterrupt
        return shown(self, state)

    monkeypatch.setattr(Progress, "accept", interrupted_accept)
    monkeypatch.setattr(Synthesis, "_shown", interrupted_shown)
    run.finish()
    assert f"interrupted after step {3 if when == 'after it is accepted' else 2}" in run.stop_reason
    assert same(run.finish().image, whole.image)
    assert [record.number for record in run.history] == list(range(7))
    assert list(run.frames) == list(range(7)) and same(run.frames[4], whole.frames[4])


# -------------------------------------------------------------------------------------------------------- other terms


def with_weight(terms, weight):
    return [Content(terms[0].net, terms[0].image, terms[0].layer, weight), *terms[1:]]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_changed_terms_go_on_from_the_picture_as_it_is(terms, photo, optimizer):
    """… as a run that begins there: what the optimiser knew of the other loss is forgotten."""
    run = Synthesis(terms, photo, steps=7, optimizer=optimizer)
    while run.number < 3:
        step = next(run)
    before, picture = run.history, run.progress.state.parameters
    other = with_weight(terms, 4.0)
    run.change_terms(other)
    fresh = Synthesis(other, picture, steps=4, optimizer=optimizer)
    assert same(run.image, step.image) and run.losses == Synthesis(other, picture, steps=0)._evaluate(picture).losses
    for a, b in zip(run, fresh, strict=True):
        assert same(a.image, b.image) and a.losses == b.losses
    assert [record.number for record in run.history] == list(range(8)) and run.history[:4] == before
    assert run.seconds == run.history[-1].seconds > before[-1].seconds
    assert run.stop_reason == "all 7 steps are done"


def test_a_change_of_terms_is_noted(terms, photo):
    run = Synthesis(terms, photo, steps=3)
    next(run)
    run.change_terms(with_weight(terms, 4.0))
    assert run.notes == [
        "after step 1 the run continued with: content conv3_1 × 4 (relative); style conv1_1, conv2_1, conv3_1 × 1 "
        "(relative)"
    ]
    assert "content conv3_1 × 4" in run.describe()


def test_the_best_picture_is_the_best_for_the_terms_of_now(terms, photo):
    """The loss rises with the weights, so the earlier picture must not be taken for the better one."""
    run = Synthesis(terms, photo, steps=6)
    while run.number < 3:
        next(run)
    run.change_terms(with_weight(terms, 400.0))
    run.finish()
    assert sum(run.losses.values()) == pytest.approx(run.history[-1].loss, rel=1e-5)
    assert run.history[-1].loss > run.history[3].loss


def test_terms_changed_before_the_first_step_are_as_if_given_at_first(terms, photo):
    run = Synthesis(terms, photo, steps=3)
    run.change_terms(with_weight(terms, 4.0))
    assert run.number == 0 and run.history == [] and run.notes == []
    assert same(run.finish().image, Synthesis(with_weight(terms, 4.0), photo, steps=3).finish().image)


def test_a_run_that_had_converged_goes_on_with_other_terms(net, photo, painting):
    run = Synthesis(Content(net, photo, "conv2_1"), photo, steps=3).finish()
    assert run.number == 0 and "exactly" in run.stop_reason
    run.change_terms(Style(net, painting, ["conv1_1"]))
    assert run.stop_reason is None
    assert run.finish().number == 3


class Hungry(Term):
    def losses(self, pictures, activations):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate …")


class Interrupted(Term):
    def losses(self, pictures, activations):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("other", "error", "sentence"),
    [
        (lambda net: [], InputError, "at least one term"),
        (
            lambda net: Content(net, torch.zeros(1, 3, 64, 32)),
            InputError,
            "a content term needs both to have the same size",
        ),
        (lambda net: Smoothness(0.0), InputError, "nothing to optimise"),
        (lambda net: Smoothness(1e300), InputError, "not a finite number; use smaller weights"),
        (lambda net: Smoothness(1e25), InputError, "weights are too large"),
        (lambda net: Hungry(), InputError, "more memory"),
        (lambda net: Interrupted(), KeyboardInterrupt, None),
    ],
    ids=["none", "wrong size", "no weight", "not finite", "too steep", "too large", "interrupt"],
)
def test_terms_that_cannot_be_are_refused_and_nothing_is_changed(terms, photo, net, other, error, sentence):
    whole = Synthesis(terms, photo, steps=4).finish()
    run = Synthesis(terms, photo, steps=4)
    while run.number < 2:
        next(run)
    with pytest.raises(error, match=sentence):
        run.change_terms(other(net))
    assert run.terms == terms and run.number == 2 and not any("continued with" in note for note in run.notes)
    assert same(run.finish().image, whole.image)


def test_curves_are_drawn_of_a_run_whose_terms_changed_their_names(terms, photo, net):
    run = Synthesis(terms, photo, steps=4)
    while run.number < 2:
        next(run)
    run.change_terms([Content(net, photo, "conv2_1"), *terms[1:]])
    run.finish()
    curves = {line.get_label(): line.get_ydata() for line in stylelib.figures.loss_curves(run).axes[0].lines}
    assert {"content conv3_1", "content conv2_1", "total"} < set(curves)
    assert [math.isfinite(y) for y in curves["content conv2_1"]] == [False] * 3 + [True] * 2


# --------------------------------------------------------------------------------------------------- saving and loading


def test_terms_of_ones_own_are_handed_over_when_loading(photo, tmp_path):
    path = Synthesis(Cliff(), photo * 0.5, steps=4).save(tmp_path / "run.pt")
    with pytest.raises(InputError, match=r"test_synthesis.Cliff, which could not be saved; pass terms"):
        Synthesis.load(path)
    assert Synthesis.load(path, terms=[Cliff()]).finish().number > 0


# ------------------------------------------------------------------------------------------------------ initialisations


# -------------------------------------------------------------------------------------------------------- what it takes


def test_each_network_runs_once_an_evaluation_however_many_terms_share_it(net, photo, painting):
    terms = [Content(net, photo, "conv2_1"), Style(net, painting, ["conv1_1"]), Style(net, photo, ["conv2_1"])]
    calls = []
    hook = net.register_forward_hook(lambda *_: calls.append(1))
    run = Synthesis(terms, photo * 0.9, steps=3, optimizer="adam").finish()
    hook.remove()
    assert len(calls) == run.history[-1].evaluations == 4  # the initial picture's, and one a step


def test_terms_of_one_kind_keep_their_losses_apart(net, photo, painting):
    terms = [Style(net, painting, ["conv1_1"]), Style(net, photo, ["conv1_1"])]
    step = next(Synthesis(terms, photo, steps=1))
    assert set(step.losses) == {"style conv1_1", "style conv1_1 #2"}


def test_gradients_are_those_of_the_total(net, photo, painting):
    """Equation 7: the total's gradient is the weighted sum of its parts', here against a difference quotient."""
    terms = [Content(net, photo, "conv2_1", 0.3), Style(net, painting, ["conv1_1", "conv2_1"], 2.0)]
    run = Synthesis(terms, "noise", steps=1)
    picture = run.parameters
    gradient = run._evaluate(picture).gradient
    direction = gradient / gradient.square().mean().sqrt()
    h = 1e-3
    slope = (run._evaluate(picture + h * direction).loss - run._evaluate(picture - h * direction).loss) / (2 * h)
    assert (gradient * direction).sum().item() == pytest.approx(slope, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"terms": []}, "at least one term"),
        ({"terms": ["content"]}, "term such as Content or Style is expected; got str"),
        ({"init": torch.zeros(3, 8, 8)}, "The initial picture must be a picture"),
        ({"init": torch.full((1, 3, 43, 64), 200.0)}, "divide by 255"),
        ({"init": torch.zeros(1, 3, 64, 32)}, "a content term needs both to have the same size"),
        ({"steps": -1}, "steps is a whole number"),
        ({"steps": 2.5}, "steps is a whole number"),
        ({"seed": "one"}, "seed is a whole number"),
        ({"seed": 2**70}, "seed is at most 9223372036854775807"),
        ({"tolerance": float("nan")}, "The tolerance must be a number"),
        ({"optimizer": "sgd"}, "no optimizer 'sgd'"),
        ({"optimizer": stylelib.Adam}, "an object such as"),
        ({"terms": [Smoothness(0.0)]}, "Every term's weight is 0"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(terms, photo, arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        Synthesis(**{"terms": terms, "init": photo, **arguments})


@pytest.mark.parametrize(("weight", "word"), [(1e-25, "small"), (1e25, "large")])
def test_weights_beyond_what_can_be_computed_with_are_refused(photo, weight, word):
    with pytest.raises(InputError, match=f"weights are too {word}"):
        Synthesis(Smoothness(weight), photo, steps=3).finish()


def test_a_batch_is_as_many_pictures_and_targets_must_fit_it(net, photo):
    three = torch.cat([photo, photo.flip(3), photo.flip(2)])
    run = Synthesis(Content(net, three, "conv2_1"), "noise", steps=2).finish()
    assert run.image.shape == three.shape and not same(run.image[0], run.image[1])
    with pytest.raises(InputError, match="3 target images need as many pictures"):
        Synthesis(Content(net, three, "conv2_1"), photo)


def test_too_small_a_picture_is_refused_before_anything_runs(net, painting):
    with pytest.raises(InputError, match="needs pictures of at least 16 pixels"):
        Synthesis(Style(net, painting), torch.zeros(1, 3, 12, 40), steps=1)


def test_a_finished_run_that_nobody_holds_is_gone_at_once(net, photo):
    gc.disable()
    try:
        run = Synthesis(Content(net, photo), photo.flip(3), steps=2).finish()
        alive = weakref.ref(run)
        del run
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("loss", [lambda x: 0.5, lambda x: x.mean(dim=(1, 2, 3)).repeat(2)])
def test_a_term_whose_loss_is_not_one_number_is_named(loss, photo):
    class Odd(Term):
        def losses(self, pictures, activations):
            return {"odd": loss(pictures)}

    with pytest.raises(InputError, match=r"Odd.losses must return tensors of one number; 'odd' is not"):
        next(Synthesis(Odd(), photo))


def test_a_loss_of_shape_one_is_a_number(photo):
    class Mean(Term):
        def losses(self, pictures, activations):
            return {"mean": pictures.mean().reshape(1)}

    assert Synthesis(Mean(), photo, steps=1).finish().number == 1
