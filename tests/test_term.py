"""Your own terms work like the built-in ones: weights, captions, memory estimates, saving, initial pictures."""

import pytest
import torch

import stylelib
from stylelib import Content, Smoothness, Style, Synthesis, Term, noise
from stylelib.evaluation.evaluator import Evaluator
from stylelib.evaluation.memory import memory_needed
from stylelib.recipes import change_alpha_beta
from stylelib.support.errors import InputError
from tools.benchmarks.evaluation import peak_memory


class Bright(Term):
    """The picture's mean lightness should be a number."""

    def __init__(self, goal, weight=1.0, label="bright"):
        self.goal, self.weight, self.label = goal, weight, label

    def losses(self, pictures, activations):
        return {self.label: self.weight * (pictures.mean() - self.goal).square()}

    def arguments(self):
        return {"goal": self.goal, "weight": self.weight, "label": self.label}


class Echo(Term):
    """Has a target image, of no role that stylelib knows."""

    def __init__(self, image):
        self.image = image

    def losses(self, pictures, activations):
        return {"echo": (pictures - self.image).square().mean()}


class Warm(Content):
    """A content term with an argument of its own."""

    def __init__(self, net, image, layer="conv2_1", weight=1.0, warmth=0.0, **others):
        super().__init__(net, image, layer, weight, **others)
        self.warmth = warmth

    def losses(self, pictures, activations):
        return super().losses(pictures, activations) | {"warmth": -self.warmth * pictures[:, 0].mean()}

    def arguments(self):
        return {**super().arguments(), "warmth": self.warmth}


@pytest.fixture
def bright_run(photo):
    return Synthesis([Bright(0.9, weight=2.0), Smoothness(0.1)], photo, steps=4)


def test_a_term_of_your_own_is_saved_and_goes_on_as_if_nothing_had_happened(bright_run, photo, tmp_path):
    whole = Synthesis([Bright(0.9, weight=2.0), Smoothness(0.1)], photo, steps=4).finish()
    next(bright_run)
    loaded = Synthesis.load(bright_run.save(tmp_path / "run.pt"))
    (bright, _) = loaded.terms
    assert isinstance(bright, Bright) and (bright.goal, bright.weight) == (0.9, 2.0)
    assert torch.equal(loaded.finish().image, whole.image)


def test_a_subclass_of_a_built_in_term_is_saved_with_its_own_arguments(net, photo, tmp_path):
    run = Synthesis(Warm(net, photo, warmth=0.3), "noise", steps=2).finish()
    (term,) = Synthesis.load(run.save(tmp_path / "run.pt")).terms
    assert type(term) is Warm and term.warmth == 0.3 and torch.equal(term.target, run.terms[0].target)


def test_a_file_with_a_class_that_is_not_defined_says_what_to_do(bright_run, tmp_path, monkeypatch):
    path = bright_run.save(tmp_path / "run.pt")
    monkeypatch.delitem(Term._kinds, "test_term.Bright")
    with pytest.raises(InputError, match=r"needs your class test_term\.Bright; define it, or import"):
        Synthesis.load(path)


def test_a_term_without_arguments_is_handed_over(photo, tmp_path):
    run = Synthesis(Echo(noise(*photo.shape[-2:])), photo, steps=2).finish()
    path = run.save(tmp_path / "run.pt")
    with pytest.raises(InputError, match=r"a term of your own, test_term\.Echo, which could not be saved; pass terms"):
        Synthesis.load(path)
    assert Synthesis.load(path, run.terms).number == 2


def test_the_same_term_with_another_weight_is_of_the_same_class(net, photo):
    term = Warm(net, photo, warmth=0.3)
    twin = term.with_weight(5)
    assert type(twin) is Warm and (twin.weight, term.weight) == (5.0, 1.0)
    assert twin.target is term.target and twin.warmth == 0.3
    with pytest.raises(InputError, match="zero or more"):
        term.with_weight(-1)


def test_turning_alpha_beta_keeps_a_content_term_of_your_own(net, photo, painting):
    run = Synthesis([Warm(net, photo, warmth=0.3), Style(net, painting, ["conv1_1"])], photo, steps=4)
    next(run)
    change_alpha_beta(run, 0.5)
    assert type(run.terms[0]) is Warm and run.terms[0].weight == 0.5 and run.terms[0].warmth == 0.3
    next(run)


@pytest.mark.parametrize("init", ["noise", "style"])
def test_a_run_starts_from_the_image_of_a_term_of_your_own(init, photo):
    run = Synthesis(Echo(photo), init, steps=1)
    assert run.shape == photo.shape
    assert init == "noise" or torch.equal(run.image, photo)
    with pytest.raises(InputError, match="from the content image, because none of its terms has one"):
        Synthesis(Echo(photo), "content")


def test_labels_tell_two_terms_of_a_kind_apart(net, photo, painting):
    half = torch.zeros(photo.shape[-2:])
    half[:, : photo.shape[-1] // 2] = 1
    terms = [Style(net, painting, ["conv1_1"], mask=half, label="left"), Style(net, photo, ["conv1_1"], mask=1 - half)]
    run = Synthesis(terms, photo, steps=1)
    assert set(next(run).losses) == {"left conv1_1", "style conv1_1"}
    assert "left conv1_1 × 1 (relative, masked); style conv1_1 × 1 (relative, masked)" in run.describe()
    twice = Synthesis([terms[1], terms[1]], photo, steps=1)
    assert set(next(twice).losses) == {"style conv1_1", "style conv1_1 #2"}


def test_a_term_of_your_own_costs_no_memory_beside_its_own(net, photo):
    """The peak memory of an evaluation, with and without a trivial term beside the style."""
    photo = stylelib.load_image("riverside", 128)
    style = Style(net, photo.flip(3))
    alone, beside = peak([style], photo), peak([style, Bright(0.5)], photo)
    assert beside < 1.05 * alone
    assert beside < memory_needed([[style, Bright(0.5)]], photo.shape, 2)


class Mine(Style):
    """A subclass of a built-in term, whose Gram matrix is the written-out one."""


def test_memory_is_foretold_for_masks_other_statistics_and_subclasses(net):
    photo = stylelib.load_image("riverside", 128)
    left = torch.zeros(photo.shape[-2:])
    left[:, :50] = 1
    cases = {
        "statistic": [Style(net, photo, statistic=stylelib.MeanStd())],
        "masks": [Style(net, photo, mask=left), Style(net, photo.flip(3), mask=1 - left)],
        "subclass": [Mine(net, photo)],
        "masked content": [Content(net, photo, "conv2_1", mask=left)],
    }
    for name, terms in cases.items():
        needed = memory_needed([terms], photo.shape, 2)
        assert 0.5 * needed < peak(terms, photo) < needed, name


def peak(terms, photo):
    return peak_memory(Evaluator(terms), photo)


def test_terms_that_do_not_say_a_loss_are_refused(photo):
    class Wrong(Term):
        def losses(self, pictures, activations):
            return {"wrong": pictures.mean(dim=(1, 2))}

    with pytest.raises(InputError, match="of one number; 'wrong' is not"):
        Synthesis(Wrong(), photo, steps=1).finish()


class Mistaken(Bright):
    """Says an argument that its constructor does not take."""

    def arguments(self):
        return {**super().arguments(), "gaol": 0.9}


class Calling(Bright):
    """Says an argument that no file can hold."""

    def arguments(self):
        return {**super().arguments(), "label": len}


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [(Mistaken, "Mistaken.arguments.. names gaol, which its constructor does not take"),
     (Calling, "Calling cannot be saved, because its argument label is a builtin_function_or_method")],
)  # fmt: skip
def test_arguments_that_would_lose_the_run_are_refused_when_it_is_saved(kind, sentence, photo, tmp_path):
    with pytest.raises(InputError, match=sentence):
        Synthesis(kind(0.5), photo, steps=1).finish().save(tmp_path / "run.pt")


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [(3.0, "must return {name: loss}; it returned 3.0"), ({}, "must return {name: loss}"), ({"a": 1.0}, "'a' is not")],
)
def test_what_losses_must_return_is_said(returned, sentence, photo):
    class Wrong(Term):
        def losses(self, pictures, activations):
            return returned

    with pytest.raises(InputError, match=sentence):
        Synthesis(Wrong(), photo, steps=1).finish()


def test_terms_show_what_they_are(net, photo):
    assert repr(Content(net, photo)) == "<Content: content conv4_2 × 1 (relative)>"
    assert repr(stylelib.Adam(0.1)) == "<Adam: Adam (step size 0.1)>" and repr(stylelib.Gram()) == "<Gram: Gram>"
