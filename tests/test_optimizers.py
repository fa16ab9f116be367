"""L-BFGS and Adam on functions whose answers are known, and against torch's own."""

import itertools
import math

import pytest
import torch

import stylelib
from stylelib import Optimizer
from stylelib.optimizers import LBFGS, Adam, make_optimizer
from stylelib.protocols.optimizer import Evaluation, NoBetterPicture, State, answer
from stylelib.support.errors import InputError


def evaluator(function, counter=None):
    """`evaluate` for an optimiser from a function of the picture, by autograd."""

    def evaluate(picture):
        x = picture.detach().requires_grad_(True)
        loss = function(x)
        (gradient,) = torch.autograd.grad(loss, x)
        if counter is not None:
            counter.append(loss.item())
        return Evaluation(loss.item(), {"all": loss.item()}, gradient)

    return evaluate


def run(optimizer, function, picture, steps, counter=None):
    evaluate = evaluator(function, counter)
    state = optimizer.start(picture, evaluate(picture))
    states = [state]
    for _ in range(steps):
        try:
            state = answer(optimizer.step(state), evaluate)
        except NoBetterPicture:
            break
        states.append(state)
    return states


@pytest.fixture
def valley(seeded):
    """A quadratic that is 300 times as steep in some directions as in others, and where its bottom is."""
    basis = torch.linalg.qr(torch.randn(48, 48, generator=seeded, dtype=torch.float64)).Q
    matrix = basis @ torch.diag(torch.logspace(0, 2.5, 48, dtype=torch.float64)) @ basis.T
    bottom = torch.randn(1, 3, 4, 4, generator=seeded, dtype=torch.float64)

    def function(x):
        away = (x - bottom).flatten()
        return 0.5 * away @ matrix @ away

    return function, bottom


def test_lbfgs_finds_the_bottom_of_a_steep_valley(valley):
    function, bottom = valley
    states = run(LBFGS(), function, torch.zeros_like(bottom), 150)
    assert (states[-1].parameters - bottom).abs().max() < 1e-5


def test_lbfgs_lowers_the_loss_at_every_step_and_nearly_always_at_the_first_trial(valley):
    function, bottom = valley
    counter = []
    states = run(LBFGS(), function, torch.zeros_like(bottom), 60, counter)
    losses = [state.evaluation.loss for state in states]
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))
    assert len(counter) <= 1.25 * len(states) + 8


def test_lbfgs_is_as_good_as_torchs_with_as_many_evaluations():
    def rosenbrock(x):
        a, b = x.flatten()[0::2], x.flatten()[1::2]
        return (100 * (b - a**2) ** 2 + (1 - a) ** 2).sum()

    start = torch.full((1, 3, 2, 2), -0.5, dtype=torch.float64)
    counter = []
    states = run(LBFGS(), rosenbrock, start, 60, counter)
    theirs = start.clone().requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [theirs],
        max_iter=60,
        max_eval=len(counter),
        history_size=20,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(theirs)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert states[-1].evaluation.loss <= max(rosenbrock(theirs).item(), 1e-12)


def test_lbfgs_does_not_care_about_the_scale_of_the_loss(valley):
    """torch's own stops at once, or never learns the curvature, when a loss is tiny."""
    function, bottom = valley
    large = run(LBFGS(), lambda x: 1e6 * function(x), torch.zeros_like(bottom), 30)
    tiny = run(LBFGS(), lambda x: 1e-14 * function(x), torch.zeros_like(bottom), 30)
    assert len(large) == len(tiny)
    torch.testing.assert_close(large[-1].parameters, tiny[-1].parameters, rtol=1e-4, atol=1e-6)


def test_adam_takes_the_same_steps_as_torchs(valley):
    function, bottom = valley
    states = run(Adam(step_size=0.05), function, torch.zeros_like(bottom), 40)
    theirs = torch.zeros_like(bottom).requires_grad_(True)
    optimizer = torch.optim.Adam([theirs], lr=0.05, eps=1e-12)
    for _ in range(40):
        optimizer.zero_grad()
        function(theirs).backward()
        optimizer.step()
    torch.testing.assert_close(states[-1].parameters, theirs.detach(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam()], ids=["lbfgs", "adam"])
def test_a_step_changes_nothing_in_the_state_before_it(optimizer, valley):
    function, bottom = valley
    states = run(optimizer, function, torch.zeros_like(bottom), 5)
    again = answer(optimizer.step(states[2]), evaluator(function))
    assert torch.equal(again.parameters, states[3].parameters)
    assert torch.equal(states[0].parameters, torch.zeros_like(bottom))


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam(step_size=0.5)], ids=["lbfgs", "adam"])
def test_steps_into_values_that_are_not_finite_are_taken_back(optimizer):
    def cliff(x):  # minus infinity's neighbour: not a number where any pixel is 0.3 or more, lowest just before it
        return torch.where(x < 0.3, -x, math.nan).mean()

    states = run(optimizer, cliff, torch.zeros(1, 3, 4, 4), 12)
    assert len(states) > 3
    assert all(state.evaluation.finite for state in states)
    assert states[-1].evaluation.loss < states[0].evaluation.loss


def test_lbfgs_says_when_the_gradient_is_zero():
    optimizer, evaluate, start = LBFGS(), evaluator(lambda x: (0 * x).sum()), torch.zeros(1, 3, 2, 2)
    with pytest.raises(NoBetterPicture, match="gradient is zero"):
        answer(optimizer.step(optimizer.start(start, evaluate(start))), evaluate)


def test_lbfgs_remembers_no_more_than_its_history(valley):
    function, bottom = valley
    states = run(LBFGS(history=4), function, torch.zeros_like(bottom), 12)
    assert {name: len(kept) for name, kept in states[-1].memory.items()} == dict(steps=4, changes=4, curvatures=4)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: make_optimizer("lbgfs"), "Did you mean 'lbfgs'"),
        (lambda: LBFGS(history=0), "history is a whole number"),
        (lambda: Adam(step_size=-1), "Adam's step size must be a number, zero or more; got -1"),
        (lambda: Adam(step_size=math.nan), "Adam's step size must be a number, zero or more; got nan"),
        (lambda: Adam(step_size=0), "step size is a number above zero; got 0"),
        (lambda: LBFGS(history=True), "history is a whole number"),
    ],
)
def test_wrong_optimizers_are_answered_in_a_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_lbfgs_gives_each_picture_of_a_batch_its_own_direction(valley):
    """Three problems of very different scale, one of them solved already, go as fast together as each alone."""
    function, bottom = valley
    scales = (1.0, 1e4, 1.0)
    start = torch.cat([torch.zeros_like(bottom), bottom + 1, bottom])

    def together(x):
        return sum(scale * function(one[None]) for scale, one in zip(scales, x, strict=True))

    states = run(LBFGS(), together, start, 60)
    assert torch.equal(states[-1].parameters[2:], bottom)
    for number, scale in enumerate(scales[:2]):
        alone = run(LBFGS(), lambda x, scale=scale: scale * function(x), start[number : number + 1], 60)
        left, begun = function(states[-1].parameters[number : number + 1]), function(start[number : number + 1])
        assert left < 1e-4 * begun
        assert left < 30 * function(alone[-1].parameters)


class Descent(Optimizer):
    """Plain gradient descent, as somebody outside would write it."""

    name = "test-descent"
    tensors = 3

    def __init__(self, rate=0.1):
        self.rate = rate

    def step(self, state):
        parameters = state.parameters - self.rate * state.evaluation.gradient
        return State(parameters, (yield parameters), {})

    def arguments(self):
        return {"rate": self.rate}

    def describe(self):
        return f"gradient descent (rate {self.rate:g})"


def test_an_optimiser_of_your_own_is_known_by_its_name_captioned_and_saved(photo, tmp_path):
    term = stylelib.Smoothness(1.0)
    by_name = stylelib.Synthesis(term, photo, steps=4, optimizer="test-descent").finish()
    assert by_name.history[-1].loss < by_name.history[0].loss
    assert "4 steps of gradient descent (rate 0.1)" in by_name.describe()
    run = stylelib.Synthesis(term, photo, steps=4, optimizer=Descent(0.2))
    whole = stylelib.Synthesis(term, photo, steps=4, optimizer=Descent(0.2)).finish()
    next(run)
    loaded = stylelib.Synthesis.load(run.save(tmp_path / "run.pt"))
    assert type(loaded.optimizer) is Descent and loaded.optimizer.rate == 0.2
    assert torch.equal(loaded.finish().image, whole.image)


def test_a_recipe_names_an_optimiser_of_your_own(net, tmp_path):
    recipe = stylelib.Recipe(size=48, steps=2, optimizer="test-descent")
    recipe.save(tmp_path / "recipe.json", net)
    assert type(stylelib.Recipe.load(tmp_path / "recipe.json").prepare(net).optimizer) is Descent


def test_a_file_with_an_optimiser_that_is_not_defined_says_so(photo, tmp_path, monkeypatch):
    path = (
        stylelib.Synthesis(stylelib.Smoothness(1.0), photo, steps=1, optimizer=Descent())
        .finish()
        .save(tmp_path / "r.pt")
    )
    monkeypatch.delitem(Optimizer.known, "test-descent")
    with pytest.raises(InputError, match="used an optimiser of your own, test-descent; define it, or import"):
        stylelib.Synthesis.load(path)
