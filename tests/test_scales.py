"""Runs that begin with a smaller picture and grow."""

import pytest
import torch

import stylelib
from stylelib import scales
from stylelib.evaluation.progress import PATIENCE
from stylelib.sweeps.together import alike, finish_together

SIZE, FIRST = 96, 36


@pytest.fixture(scope="module")
def net():
    return stylelib.load_network("compact", device="cpu")


def transfer(net, **more):
    more = {"steps": 8, "first_size": FIRST} | more
    return stylelib.style_transfer("riverside", "night_swirls", net, SIZE, **more)


@pytest.mark.parametrize(
    ("longest", "first", "sizes"),
    [
        (256, 0, [256]),
        (256, 256, [256]),
        (256, 300, [256]),
        (256, 96, [96, 256]),
        (512, 96, [96, 222, 512]),
        (288, 96, [96, 288]),
        (1024, 96, [96, 211, 465, 1024]),
    ],
)
def test_sizes_grow_by_equal_factors_of_three_at_most(longest, first, sizes):
    assert [round(factor * longest) for factor in scales.shrinking(longest, first)] == sizes


def test_each_size_has_equally_many_steps_and_every_picture_is_shown_at_full_size(net):
    run, shapes, factors = transfer(net, keep_every=2), set(), []
    full = run.image.shape
    for step in run:
        shapes.add(step.image.shape)
        factors.append(run.scales.factor)
    assert shapes == {full} and run.image.shape == full and {frame.shape for frame in run.frames.values()} == {full}
    assert factors == [FIRST / SIZE] * 4 + [1] * 4
    assert [record.number for record in run.history] == list(range(9)) and run.stop_reason == "all 8 steps are done"
    assert f"{SIZE} × 64 px, the first steps at {FIRST} px" in run.describe()
    assert "after step 4" in run.notes[0]


@pytest.mark.parametrize(("init", "part"), [("content", 0.75), ("noise", 0.75), ("style", 1)])
def test_the_full_size_starts_from_what_the_smaller_one_has_made(net, init, part):
    run, direct = transfer(net, init=init, steps=24), transfer(net, init=init, first_size=0, steps=1)
    next(direct)
    while run.scales.factor < 1:
        next(run)
    assert run.progress.best.evaluation.loss < part * direct.history[0].loss


def test_from_the_content_image_the_finer_detail_is_kept(net):
    def detail(picture):  # what a picture of half the size cannot hold
        half = torch.nn.functional.interpolate(picture, scale_factor=0.5, mode="area")
        return picture - torch.nn.functional.interpolate(half, scale_factor=2, mode="nearest")

    run, photo = transfer(net), stylelib.load_image("riverside", SIZE)
    step = next(run)
    assert (step.image - photo).abs().mean() > 0.005
    assert torch.corrcoef(torch.stack([detail(step.image).flatten(), detail(photo).flatten()]))[0, 1] > 0.7


@pytest.mark.parametrize("init", ["content", "noise"])
@pytest.mark.parametrize("steps", [2, 4, 6])
def test_a_saved_run_continues_to_the_bit(net, init, steps, tmp_path):
    run = transfer(net, init=init, seed=3)
    for _ in range(steps):
        next(run)
    again = stylelib.Synthesis.load(run.save(tmp_path / "run.pt"))
    assert torch.equal(again.image, run.image) and again.describe() == run.describe()
    assert torch.equal(again.finish().image, run.finish().image)
    assert again.notes == run.notes


def test_an_interrupt_while_it_grows_leaves_it_as_it_was(net, monkeypatch):
    run, undisturbed = transfer(net), transfer(net).finish()
    for _ in range(4):
        next(run)
    picture, evaluate = run.image, run._evaluate

    def interrupted(pictures):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(run)
    assert torch.equal(run.image, picture) and run.scales.factor < 1 and run.notes == []
    monkeypatch.setattr(run, "_evaluate", evaluate)
    assert torch.equal(run.finish().image, undisturbed.image)


def test_terms_can_change_at_any_size(net):
    run = transfer(net)
    for alpha_beta in (1, 2):
        next(run)
        stylelib.recipes.change_alpha_beta(run, alpha_beta)
        assert [term.weight for term in run.present_terms] == [alpha_beta, 1]
        assert run.present_terms[0].image.shape[-1] == FIRST
    assert run.finish().terms[0].weight == run.present_terms[0].weight == 2


def test_a_run_that_has_converged_grows_at_once_and_its_patience_begins_anew(net, tmp_path):
    run = transfer(net, tolerance=1, steps=100)  # with which any PATIENCE steps are enough
    for _ in range(PATIENCE + 1):
        next(run)
    assert run.scales.is_last and run.stop_reason is None
    again = stylelib.Synthesis.load(run.save(tmp_path / "run.pt")).finish()
    assert again.number == 2 * PATIENCE + 1 and again.stop_reason.startswith("converged")


def test_changed_terms_begin_the_patience_anew(net):
    run = transfer(net, tolerance=1, steps=100, first_size=0)
    for _ in range(PATIENCE - 1):
        next(run)
    stylelib.recipes.change_alpha_beta(run, 2)
    assert run.finish().number == 2 * PATIENCE


def test_masks_shrink_with_the_picture_and_terms_without_an_image_stay(net):
    photo, painting = (stylelib.load_image(name, SIZE) for name in ("riverside", "woodcut"))
    mask = torch.zeros(photo.shape[-2:])
    mask[:, : SIZE // 2] = 1
    smoothness = stylelib.Smoothness(1e-3)
    terms = [stylelib.Content(net, photo), stylelib.Style(net, painting, mask=mask), smoothness]
    run = stylelib.Synthesis(terms, "content", steps=2, first_size=48)
    _, style, third = run.present_terms
    assert style.mask.shape[-2:] == (32, 48) and style.mask[..., :22].min() > 0.9 and style.mask[..., 26:].max() < 0.1
    assert third is smoothness
    run.finish()


def test_a_term_of_your_own_needs_arguments_to_shrink(net):
    class Brightness(stylelib.Term):
        role = "content"

        def __init__(self, image):
            self.image = image

        def losses(self, pictures, activations):
            return {"brightness": (pictures.mean() - self.image.mean()).square()}

    photo = stylelib.load_image("riverside", SIZE)
    assert stylelib.Synthesis(Brightness(photo), "noise", steps=1).finish().number == 1
    with pytest.raises(stylelib.InputError, match=r"Brightness .* has no method arguments"):
        stylelib.Synthesis(Brightness(photo), "noise", steps=1, first_size=FIRST)


def test_a_first_size_that_the_network_cannot_see_is_refused_before_anything_is_computed(net):
    with pytest.raises(stylelib.InputError, match=r"15 × 10|too small|at least"):
        transfer(net, first_size=15)
    for wrong in (-1, 2.5, "96", None):
        with pytest.raises(stylelib.InputError, match="first_size is a whole number"):
            transfer(net, first_size=wrong)


def test_growing_runs_are_not_put_into_one_batch(net):
    runs = [transfer(net, steps=2), transfer(net, steps=2), transfer(net, steps=2, first_size=0)]
    assert sorted(map(len, alike(runs))) == [1, 1, 1]
    with pytest.raises(stylelib.InputError, match="finish them one after another"):
        finish_together(runs[:2])
    finish_together(runs[:1])
    assert runs[0].number == 2
