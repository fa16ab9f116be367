"""Recorded figures: the file, the panels, and the sheet beside the reader's own pictures."""

import pathlib

import pytest
import torch

import stylelib
from stylelib.paper import figures, recorded, recordings
from stylelib.support.errors import InputError

FOLDER = pathlib.Path(__file__).parents[1] / "notebooks" / recorded.FOLDER


@pytest.fixture(scope="module")
def runs(net):
    """{caption: recorded run} of three panels of Figure 6; the last one has ended earlier."""
    figure = figures.FIGURES["figure 6"]
    captions, _ = figures.captions(figure, net)
    made = {}
    for caption, panel, steps in zip(captions, figure.panels[:3], (4, 4, 2), strict=False):
        run = figures.prepare(panel, net, 64, steps)
        run.keep_every = 2
        made[caption] = recordings.of_run(run.finish(), recorded.WIDTH, recorded.QUALITY)
    return made


@pytest.fixture
def folder(runs, tmp_path):
    recorded.save("figure 6", runs, tmp_path)
    return tmp_path


def titles(sheet):
    return [axes.get_title().replace("\n", " ") for axes in sheet.axes]


def test_a_recorded_figure_comes_back_as_it_was_saved(runs, folder):
    found = recorded.load("figure 6", folder=folder)
    assert found == runs and list(found) == list(runs)
    assert [list(run.frames) for run in found.values()] == [[0, 2, 4], [0, 2, 4], [0, 2]]


def test_panels_are_chosen_by_how_their_captions_begin(runs, folder):
    first, second, third = runs
    assert list(recorded.load("figure 6", ["C1", "A"], folder)) == [third, first]
    assert list(recorded.load("figure 6", [second], folder)) == [second]
    with pytest.raises(InputError, match=r"has no panel 'C'; it has A, .*; B, .*; C1, .*\.$"):
        recorded.load("figure 6", ["C"], folder)


def test_the_recorded_row_stands_below_the_readers_own(runs, folder, photo):
    own = {"mine": photo, "mine too": photo}
    sheet = recorded.beside("figure 6", own, note="made here", folder=folder)
    shown = titles(sheet)
    assert shown[:3] == ["mine", "mine too", ""], "a blank fills the shorter row"
    assert [title.startswith("VGG-19: ") for title in shown[3:]] == [True, True, True]
    assert shown[3].endswith(", 4 steps") and shown[5].endswith(", 2 steps"), "where they differ, each says its own"
    assert sheet.note.startswith("made here\n") and sheet.note.endswith(recorded.ATTRIBUTION)
    assert "compact" in sheet.note and "content conv4_2" in sheet.note and "from" not in sheet.note.split("recorded")[1]
    one = recorded.beside("figure 6", own, ["C1"], folder=folder)
    assert "2 steps of L-BFGS" in one.note and "64 ×" in one.note and len(titles(one)) == 4


def test_in_columns_the_recorded_pictures_follow_without_a_new_row(runs, folder, photo):
    sheet = recorded.beside("figure 6", {"the original": photo}, folder=folder, columns=2)
    assert [title.split(",")[0] for title in titles(sheet)] == ["the original", "VGG-19: A", "VGG-19: B", "VGG-19: C1"]
    assert len({round(axes.get_position().y0, 3) for axes in sheet.axes}) == 2, "two rows of two"
    assert "VGG-19, recorded: " in sheet.note and "row" not in sheet.note
    alone = recorded.beside("figure 6", {}, folder=folder, columns=3)
    assert len(alone.axes) == 3 and all(title.startswith("VGG-19: ") for title in titles(alone))


def test_without_the_recording_the_readers_own_row_is_shown(photo, tmp_path):
    sheet = recorded.beside("figure 4", {"mine": photo}, folder=tmp_path)
    assert titles(sheet) == ["mine"] and "recording is not here" in sheet.note


def test_steps_show_the_panels_side_by_side(runs, folder):
    pictures, labels = recorded.steps("figure 6", folder=folder)
    assert labels == ["0", "2", "4"]
    widths = [run.picture.shape[-1] for run in runs.values()]
    assert {picture.shape[-1] for picture in pictures} == {sum(widths) + 2 * recorded.GAP}
    ended = [picture[..., -widths[-1] :] for picture in pictures[1:]]
    assert torch.equal(*ended), "a run that has ended shows its end"


def test_the_last_pictures_are_larger_and_all_steps_are_shown_at_one_size(net, tmp_path):
    run = stylelib.style_transfer("riverside", "mosaic", net, 96, steps=4, keep_every=2).finish()
    sooner = stylelib.style_transfer("riverside", "mosaic", net, 96, steps=2, keep_every=1).finish()
    made = {name: recordings.of_run(one, 48, end_width=96) for name, one in {"A": run, "B": sooner}.items()}
    assert made["A"].picture.shape == (1, 3, 64, 96)
    assert [stylelib.load_image(frame).shape[-1] for frame in made["A"].frames.values()] == [48, 48, 96]
    recorded.save("figure 6", made, tmp_path)
    pictures, _ = recorded.steps("figure 6", folder=tmp_path)
    assert len({picture.shape for picture in pictures}) == 1


def test_an_unknown_figure_or_a_damaged_file_is_told(folder):
    with pytest.raises(InputError, match="figure 66"):
        recorded.load("figure 66", folder=folder)
    recorded.path_of("figure 6", folder).write_bytes(b"PK")
    with pytest.raises(InputError, match="is not a recording, or it is damaged"):
        recorded.load("figure 6", folder=folder)


# --------------------------------------------------------------------------------------------- those of the notebooks


@pytest.mark.parametrize("name", recorded.NAMES)
def test_each_figure_has_a_recording_made_with_the_papers_network(name):
    runs = recorded.load(name, folder=FOLDER)
    if name in figures.FIGURES:
        assert len(runs) == len(figures.FIGURES[name].panels)
    for run in runs.values():
        assert run.made.startswith("vgg19 (") and "conv4 and conv5 in 8 bit" in run.made
        assert 0 in run.frames and len(run.frames) >= 6 and set(run.losses) == set(run.frames)
        assert max(run.picture.shape[-2:]) <= recorded.END_WIDTH
        first, *_, last = (sum(losses.values()) for losses in run.losses.values())
        assert last < (first if name in recorded.SERIES else first / 2), "it did something"


def test_they_are_small():
    sizes = [path.stat().st_size for path in FOLDER.glob("*.zip")]
    assert len(sizes) == len(recorded.NAMES) and sum(sizes) < 10e6
