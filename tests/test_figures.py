"""Figures: they show what they are given, and nothing overlaps."""

import io
import itertools

import numpy as np
import PIL.Image
import pytest
import torch

import stylelib
from stylelib import figures
from stylelib.figures import CONTENT_COLOUR, contact_sheet, keep_every, kept_frames, loss_curves, timeline
from stylelib.images import to_array
from stylelib.support.errors import InputError

LONG = "style conv1_1, conv2_1 and conv3_1 from white noise, relative convention, 200 steps of L-BFGS"


def picture(height=40, width=60, level=0.5):
    return torch.full((1, 3, height, width), level)


@pytest.fixture(scope="module")
def network():
    return stylelib.load_network("compact", device="cpu")


@pytest.fixture(scope="module")
def run(network):
    return stylelib.style_transfer("riverside", "night_swirls", network, 64, steps=7, keep_every=2).finish()


# ------------------------------------------------------------------------------------------------------ contact sheets


def boxes(figure):
    """What is drawn, as boxes in pixels: (pictures, captions, other texts)."""
    figure.draw_without_rendering()
    images = [axes.images[0].get_window_extent() for axes in figure.axes]
    captions = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
    return images, captions, [text.get_window_extent() for text in figure.texts if text.get_text()]


def apart(one, other):
    slack = 1  # pixel
    return (
        one.x1 <= other.x0 + slack
        or other.x1 <= one.x0 + slack
        or one.y1 <= other.y0 + slack
        or other.y1 <= one.y0 + slack
    )


SHEETS = {
    "one": ([picture()], ["content image"]),
    "one portrait": ([picture(90, 40)], [LONG]),
    "two": ([picture()] * 2, ["content", LONG]),
    "five": ([picture()] * 5, list("abcde")),
    "seven": ([picture()] * 7, [LONG] * 7),
    "ten of many shapes": ([picture(20 + 8 * i, 100 - 8 * i) for i in range(10)], [LONG, "short"] * 5),
    "strips": ([picture(8, 200), picture(200, 8), picture(50, 50)], [LONG, "tall", "square"]),
}


@pytest.mark.parametrize("kind", SHEETS)
@pytest.mark.parametrize("title, note", [(None, None), ("A title " * 25, "network, size and device " * 25)])
def test_nothing_overlaps_and_nothing_is_cut(kind, title, note):
    pictures, captions = SHEETS[kind]
    figure = contact_sheet(pictures, captions, title=title, note=note)
    images, titles, texts = boxes(figure)
    assert len(images) == len(pictures) and len(titles) == len(captions) and len(texts) == 2 * bool(title)
    for one, other in itertools.combinations([*images, *titles, *texts], 2):
        assert apart(one, other)
    width, height = figure.get_size_inches() * figure.dpi
    for box in [*images, *titles, *texts]:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    assert max(width, height) <= 11 * figure.dpi


def test_each_picture_has_its_own_caption_above_it():
    pictures = [picture(level=level / 10) for level in range(7)]
    figure = contact_sheet(pictures, [f"level {level}" for level in range(7)])
    for level, axes in enumerate(figure.axes):
        np.testing.assert_array_equal(axes.images[0].get_array(), to_array(pictures[level]))
        assert axes.get_title() == f"level {level}"
        assert axes.title.get_window_extent().y0 >= axes.images[0].get_window_extent().y1


def test_a_long_caption_is_wrapped_and_whole():
    (axes,) = contact_sheet([picture(90, 40)], [LONG]).axes
    assert axes.get_title().count("\n") >= 1
    assert axes.get_title().split() == LONG.split()


def test_a_caption_keeps_its_own_lines():
    (axes,) = contact_sheet([picture()], ["first\nsecond"]).axes
    assert axes.get_title() == "first\nsecond"


def test_title_and_note_are_whole():
    figure = contact_sheet([picture()], title="A title " * 20, note="A note " * 50)
    title, note = (text.get_text() for text in figure.texts)
    assert title.split() == ("A title " * 20).split() and note.split() == ("A note " * 50).split()


@pytest.mark.parametrize(
    "count, columns, rows", [(1, None, 1), (5, None, 1), (7, None, 2), (10, None, 2), (7, 3, 3), (2, 9, 1)]
)
def test_pictures_fill_the_rows_in_order(count, columns, rows):
    images, _, _ = boxes(contact_sheet([picture()] * count, columns=columns))
    tops = [round(box.y1) for box in images]
    assert tops == sorted(tops, reverse=True) and len(set(tops)) == rows


def test_pictures_of_a_row_are_equally_high_and_not_distorted():
    shapes = [(40, 60), (60, 40), (50, 50)]
    images, _, _ = boxes(contact_sheet([picture(*shape) for shape in shapes]))
    assert len({round(box.height) for box in images}) == 1
    for box, (height, width) in zip(images, shapes, strict=True):
        assert box.width / box.height == pytest.approx(width / height, rel=0.01)


@pytest.mark.parametrize(
    "pictures, options, said",
    [
        ([], {}, "at least one picture"),
        ([picture()], {"captions": []}, "1 pictures need as many captions; got 0"),
        ([picture()], {"captions": ["a", "b"]}, "got 2"),
        ([picture()], {"captions": "a"}, "Give a list of captions, one for each picture; got 'a'"),
        ([picture()], {"captions": 3}, "Give a list of captions"),
        ([picture()], {"columns": 0}, "number of columns is a whole number, 1 or more; got 0"),
        ([picture()], {"columns": "a"}, "number of columns is a whole number, 1 or more; got 'a'"),
        (None, {}, "Give a list of pictures, or a run's frames, run.frames; got None"),
        ("riverside", {}, "Give a list of pictures"),
        (["riverside"], {}, "as load_image returns it; got 'riverside'"),
        ([np.zeros((8, 8, 3))], {}, "as load_image returns it"),
    ],
)
def test_a_sheet_that_cannot_be_is_refused(pictures, options, said):
    with pytest.raises(InputError, match=said):
        contact_sheet(pictures, **options)


def test_a_figure_can_be_had_as_a_small_jpeg():
    data = contact_sheet([picture()]).jpeg()
    assert data[:3] == b"\xff\xd8\xff" and len(data) < 100_000


# --------------------------------------------------------------------------------------------------------- loss curves


def curves(figure):
    return {line.get_label(): line.get_xydata() for line in figure.axes[0].lines}


@pytest.mark.parametrize("dots", [60, 85, 110])
@pytest.mark.parametrize("lines", [1, 2, 3, 4])
def test_without_its_note_nothing_of_it_is_left(dots, lines, monkeypatch):
    monkeypatch.setattr(figures.Figure, "DOTS_PER_INCH", dots)
    figure = contact_sheet([torch.ones(1, 3, 20, 30)] * 2, ["a", "b"], note="\n".join(["gjpqy (Agjp) 123"] * lines))
    shown = PIL.Image.open(io.BytesIO(figure.jpeg(with_note=False)))
    assert np.asarray(shown.convert("L"))[-2:].min() > 250
    whole = PIL.Image.open(io.BytesIO(figure.jpeg()))
    assert np.asarray(whole.convert("L"))[-whole.height // 5 :].min() < 200, "with it there is something"


def test_the_curves_are_the_runs_history(run):
    drawn = curves(loss_curves(run))
    assert list(drawn) == ["total", *run.history[0].losses]
    for name, points in drawn.items():
        wanted = [record.loss if name == "total" else record.losses[name] for record in run.history]
        assert list(points[:, 0]) == [record.number for record in run.history]
        np.testing.assert_array_equal(points[:, 1], [np.nan if loss == 0 else loss for loss in wanted])


def test_a_loss_of_zero_is_a_gap_and_does_not_stretch_the_scale(run):
    figure = loss_curves(run)
    assert run.history[0].losses["content conv4_2"] == 0
    assert np.isnan(curves(figure)["content conv4_2"][0, 1])
    assert figure.axes[0].get_ylim()[0] > 1e-6


def test_a_single_term_has_no_total_beside_it(network):
    run = stylelib.reconstruct_content("riverside", "conv2_1", network, 64, steps=1).finish()
    assert list(curves(loss_curves(run))) == ["content conv2_1"]


def test_runs_are_compared_by_their_totals(run, network):
    other = stylelib.style_transfer("riverside", "night_swirls", network, 64, steps=2, optimizer="adam").finish()
    figure = loss_curves({"L-BFGS": run, "Adam": other})
    drawn = curves(figure)
    np.testing.assert_array_equal(drawn["Adam"][:, 1], [record.loss for record in other.history])
    np.testing.assert_array_equal(drawn["L-BFGS"][:, 1], [record.loss for record in run.history])
    note = figure.texts[-1].get_text()  # says what both have in common, and nothing else
    assert "compact" in note and "seed 0" in note and "steps" not in note


def test_the_curves_name_the_network_that_made_them(run):
    figure = loss_curves(run, title="Curves")
    assert figure.texts[0].get_text() == "Curves"
    assert figure.texts[1].get_text().split() == run.describe().split()


def test_content_and_style_have_the_same_colours_in_every_plot(run):
    colours = {line.get_label(): line.get_color() for line in loss_curves(run).axes[0].lines}
    assert colours["content conv4_2"] == CONTENT_COLOUR and colours["total"] == figures.COLOURS[0]
    shades = [colour for label, colour in colours.items() if label.startswith("style")]
    assert len(set(shades)) == len(shades) == 5 and CONTENT_COLOUR not in shades


def test_twenty_curves_all_look_different(run):
    axes = figures.Figure().add_subplot()
    figures.draw_loss_curves(axes, {str(index): run for index in range(20)})
    assert len({(line.get_color(), str(line._dash_pattern)) for line in axes.lines}) == 20


def test_the_curves_and_their_legend_fit(run):
    figure = loss_curves({LONG[:40]: run, "b": run}, title="Title")
    figure.draw_without_rendering()
    box = figure.axes[0].get_tightbbox()
    width, height = figure.get_size_inches() * figure.dpi
    assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height
    assert all(apart(box, text.get_window_extent()) for text in figure.texts)


def test_a_run_without_a_step_has_no_curves(network):
    run = stylelib.style_transfer("riverside", "night_swirls", network, 64)
    with pytest.raises(InputError, match="take a step of the run first"):
        loss_curves(run)


def test_curves_and_timelines_are_of_runs(run):
    for runs in (None, [run, run], {"one": run, "two": None}, "run"):
        with pytest.raises(InputError, match=r"Give a run, such as style_transfer returns, or \{label: run, …\}"):
            loss_curves(runs)
    with pytest.raises(InputError, match="Give a run, such as style_transfer returns; got None"):
        timeline(None)
    with pytest.raises(InputError, match=r"Give a list of pictures, or a run's frames, run\.frames"):
        contact_sheet(run)


@pytest.mark.parametrize("options", [{"count": 0}, {"count": "a"}, {"count": None}, {"columns": 0}, {"columns": "a"}])
def test_a_timeline_that_cannot_be_is_refused(run, options):
    with pytest.raises(InputError, match="is a whole number, 1 or more; got "):
        timeline(run, **options)


def test_a_runs_frames_are_a_contact_sheet_as_they_are(run):
    assert len(contact_sheet(run.frames).axes) == len(run.frames)


# ------------------------------------------------------------------------------------------- timelines and animations


@pytest.mark.parametrize(
    "count, steps",
    [(6, [0, 2, 4, 6, 7]), (5, [0, 2, 4, 6, 7]), (2, [0, 7]), (3, [0, 2, 7]), (1, [0]), (99, [0, 2, 4, 6, 7])],
)
def test_a_timeline_goes_from_the_first_frame_to_the_result(run, count, steps):
    figure = timeline(run, count, title="Timeline")
    assert [axes.get_title() for axes in figure.axes] == [f"step {step}" for step in steps]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), to_array(run.frames[0]))
    if count > 1:
        np.testing.assert_array_equal(figure.axes[-1].images[0].get_array(), to_array(run.image))
    assert figure.texts[-1].get_text().split() == run.describe().split()


def test_a_run_that_kept_nothing_has_no_timeline(network):
    run = stylelib.style_transfer("riverside", "night_swirls", network, 64)
    with pytest.raises(InputError, match="keep_every"):
        timeline(run)
    assert list(kept_frames(run)) == [0]


def test_kept_frames_end_with_the_result(run):
    frames = kept_frames(run)
    assert list(frames) == [0, 2, 4, 6, 7]
    assert torch.equal(frames[7], run.image)
    assert list(run.frames) == [0, 2, 4, 6]


@pytest.mark.parametrize(("steps", "every", "frames"), [(0, 1, 0), (5, 1, 5), (40, 1, 40), (100, 2, 50), (400, 10, 40)])
def test_an_animation_has_about_forty_frames_however_long_the_run(steps, every, frames):
    assert keep_every(steps) == every and steps // every == frames
