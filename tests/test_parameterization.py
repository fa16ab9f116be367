"""What is optimised need not be pixels: lightness alone, Fourier coefficients, the weights of a generator."""

import pytest
import torch

from stylelib import (
    Content,
    InputError,
    Parameterization,
    Smoothness,
    Style,
    Synthesis,
    load_image,
    style_transfer,
)
from stylelib.evaluation.evaluator import Evaluator


class Lightness(Parameterization):
    """The lightness alone; the colours stay the photograph's."""

    def __init__(self, photo):
        self.photo = photo

    def encode(self, picture):
        return picture.mean(dim=1, keepdim=True)

    def decode(self, parameters):
        return parameters + self.photo - self.photo.mean(dim=1, keepdim=True)

    def arguments(self):
        return {"photo": self.photo}


class Fourier(Parameterization):
    """Fourier coefficients, so that a step changes all positions at once."""

    def __init__(self, height, width):
        self.size = (height, width)

    def encode(self, picture):
        return torch.view_as_real(torch.fft.rfft2(picture, norm="ortho"))

    def decode(self, parameters):
        return torch.fft.irfft2(torch.view_as_complex(parameters), s=self.size, norm="ortho")

    def arguments(self):
        return dict(zip(("height", "width"), self.size, strict=True))


class Generator(Parameterization):
    """The weights of a small convolutional network that draws the picture from fixed noise."""

    def __init__(self, height, width, seed=0):
        self.height, self.width, self.seed = height, width, seed
        generator = torch.Generator().manual_seed(seed)
        self.noise = torch.randn(1, 8, height, width, generator=generator)
        self.start = 0.1 * torch.randn(1, 3 * 8 * 9 + 3, generator=generator)

    def encode(self, picture):
        return self.start

    def decode(self, parameters):
        weight, bias = parameters[0, :-3].reshape(3, 8, 3, 3), parameters[0, -3:]
        return torch.sigmoid(torch.nn.functional.conv2d(self.noise, weight, bias, padding=1))

    def arguments(self):
        return {"height": self.height, "width": self.width, "seed": self.seed}


def of(kind, photo):
    return Lightness(photo) if kind is Lightness else kind(*photo.shape[-2:])


@pytest.fixture
def terms(net, photo, painting):
    return [Content(net, photo, "conv3_1", weight=0.1), Style(net, painting, ["conv1_1", "conv2_1"])]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("kind", [Lightness, Fourier, Generator])
def test_the_same_loop_optimises_it(kind, optimizer, terms, photo):
    run = Synthesis(terms, "content", steps=8, optimizer=optimizer, parameterization=of(kind, photo)).finish()
    assert min(record.loss for record in run.history) < 0.9 * run.history[0].loss
    assert run.image.shape == photo.shape and kind.__name__ in run.describe()


def test_lightness_alone_keeps_the_colours(terms, photo):
    run = Synthesis(terms, "content", steps=8, parameterization=Lightness(photo))
    for _ in run:
        pass
    picture = run.parameterization.decode(run.progress.best.parameters)
    for left, right in ((0, 1), (1, 2)):
        torch.testing.assert_close(picture[:, left] - picture[:, right], photo[:, left] - photo[:, right])
    assert not torch.allclose(picture, photo, atol=1e-2)


def test_the_gradient_is_that_of_the_chain_rule(terms, photo):
    fourier = Fourier(*photo.shape[-2:])
    run = Synthesis(terms, "content", steps=1, parameterization=fourier)
    asking = run.next_step()
    pictures = next(asking)
    (evaluation,) = Evaluator(terms)(pictures)
    asking.send(evaluation)
    torch.testing.assert_close(pictures, photo, rtol=1e-4, atol=1e-5)
    leaf = fourier.encode(photo).requires_grad_(True)
    (expected,) = torch.autograd.grad(fourier.decode(leaf), leaf, evaluation.gradient)
    torch.testing.assert_close(run.progress.state.evaluation.gradient, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", [Lightness, Fourier, Generator])
def test_it_is_saved_and_goes_on_to_the_same_picture(kind, terms, photo, tmp_path):
    whole = Synthesis(terms, "content", steps=6, parameterization=of(kind, photo)).finish()
    run = Synthesis(terms, "content", steps=6, parameterization=of(kind, photo))
    for step in run:
        if step.number == 3:
            break
    loaded = Synthesis.load(run.save(tmp_path / "run.pt"))
    assert type(loaded.parameterization) is kind
    assert torch.equal(loaded.finish().image, whole.image)


def test_pixels_are_the_default_and_not_mentioned(photo):
    run = Synthesis(Smoothness(1.0), photo, steps=1)
    assert torch.equal(run.parameters, photo) and "Pixels" not in run.describe()


def test_an_experiment_takes_it_too(net, photo, painting):
    run = style_transfer(photo, painting, net, steps=2, parameterization=Lightness(photo)).finish()
    assert run.number == 2 and "Lightness" in run.describe()


class Fixed(Parameterization):
    """Makes pictures of one size alone."""

    def __init__(self, what):
        self.what = what

    def encode(self, picture):
        return picture

    def decode(self, parameters):
        return self.what(parameters)


@pytest.mark.parametrize(
    ("parameterization", "sentence"),
    [
        ("pixels", "an object of a subclass of stylelib.Parameterization; got 'pixels'"),
        (Fixed(lambda parameters: parameters[..., :5]), r"must return a picture of shape \(1, 3, 43, 64\)"),
        (Fixed(lambda parameters: parameters.detach()), "detached"),
        (Fixed(lambda parameters: parameters + torch.zeros(7, 7)), "Fixed cannot make a picture of 64 × 43 pixels"),
        (Fixed(lambda parameters: parameters.gone), "Fixed cannot make a picture of 64 × 43 pixels"),
    ],
)
def test_one_that_makes_no_picture_is_refused_before_anything_runs(parameterization, sentence, terms):
    with pytest.raises(InputError, match=sentence):
        Synthesis(terms, "content", parameterization=parameterization)


class Bright(Parameterization):
    """Of any size: the pixels' logarithms."""

    def encode(self, picture):
        return picture.clamp(min=0.01).log()

    def decode(self, parameters):
        return parameters.exp()


def test_a_growing_run_keeps_it_at_every_size(net):
    run = style_transfer("riverside", "woodcut", net, 64, steps=2, first_size=32, parameterization=Bright()).finish()
    assert "· Bright ·" in run.describe() and run.scales.is_last


def test_a_growing_run_refuses_one_that_belongs_to_one_size(net):
    lightness = Lightness(load_image("riverside", 64))
    with pytest.raises(InputError, match="Lightness cannot make a picture of 32 × 22 pixels"):
        style_transfer("riverside", "woodcut", net, 64, steps=2, first_size=32, parameterization=lightness)


def test_a_run_is_loaded_with_one_whose_class_has_another_name_now(terms, photo, tmp_path, monkeypatch):
    run = Synthesis(terms, "content", steps=3, parameterization=Lightness(photo))
    next(run)
    path = run.save(tmp_path / "run.pt")
    monkeypatch.delitem(Parameterization._kinds, "test_parameterization.Lightness")
    with pytest.raises(InputError, match=r"needs your class test_parameterization\.Lightness"):
        Synthesis.load(path)
    assert torch.equal(Synthesis.load(path, parameterization=Lightness(photo)).finish().image, run.finish().image)
