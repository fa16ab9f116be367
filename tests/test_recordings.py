"""Recordings: what is kept, the file, damage to it; and whether those of the notebooks are up to date."""

import dataclasses
import io
import pathlib
import random

import PIL.Image
import pytest

from stylelib.analysis.measures import edge_agreement
from stylelib.figures import MAX_HEIGHT
from stylelib.images import load_image
from stylelib.paper import recordings
from stylelib.recipes import Recipe
from stylelib.studio.panels import PANELS
from stylelib.studio.stills import strip
from stylelib.support.errors import InputError

FOLDER = pathlib.Path(__file__).parents[1] / "notebooks" / "recordings"
KNOBS = {"init": {"content": "content", "noise": "noise"}, "seed": {"0": 0, "1": 1}}


@pytest.fixture(scope="module")
def made(net):
    """(A recording of four runs, the captions that were reported while it was made.)"""
    told = []
    return recordings.make(Recipe(size=64, steps=5), KNOBS, net, told.append), told


@pytest.fixture(scope="module")
def recording(made):
    return made[0]


class Early(Recipe):
    """A recipe whose run converges early."""

    def prepare(self, network=None, **run):
        return super().prepare(network, tolerance=0.9, **run)


def small(steps=2, **values):
    return dataclasses.replace(Recipe(size=64, steps=steps, style_layers=("conv1_1",)), **values)


# ------------------------------------------------------------------------------------------------------------ recording


def test_there_is_a_run_for_every_combination_of_the_knobs(recording):
    assert list(recording.runs) == [("content", 0), ("content", 1), ("noise", 0), ("noise", 1)]


def test_a_seed_that_changes_nothing_is_not_computed_again(made):
    recording, told = made
    assert len(told) == 3
    assert recording.runs["content", 0] is recording.runs["content", 1]
    assert recording.runs["noise", 0].frames != recording.runs["noise", 1].frames


def test_a_recorded_run_is_the_one_that_its_recipe_makes(recording, net):
    run = dataclasses.replace(recording.recipe, init="noise", seed=1).prepare(net)
    frames = {0: recordings.frame(run.image)} | {step.number: recordings.frame(step.image) for step in run}
    recorded = recording.runs["noise", 1]
    assert recorded.frames == {number: frames[number] for number in recorded.frames}
    assert {0, 1, 3, 5} <= set(recorded.frames)
    for number, losses in recorded.losses.items():
        assert losses == pytest.approx(run.history[number].losses, rel=1e-3)
    assert set(recorded.losses) == set(recorded.frames)
    assert recorded.made == run.describe()


def test_frames_lie_closer_together_at_the_start_where_most_happens(net):
    (run,) = recordings.make(small(steps=30), {"seed": {"0": 0}}, net).runs.values()
    assert list(run.frames) == [0, 1, 2, 4, 8, 12, 20, 30]


def test_the_last_frame_of_a_run_that_converged_early_is_kept(net):
    (run,) = recordings.make(small(kind="content", init="content"), {"seed": {"0": 0}}, net).runs.values()
    assert list(run.frames) == [0]
    recipe = Early(size=64, steps=100, style_layers=("conv1_1",))
    (run,) = recordings.make(recipe, {"seed": {"0": 0}}, net).runs.values()
    first, *_, last = run.frames
    assert first == 0 and 0 < last < 100 and last not in {round(share * 100) for share in recordings.SHARES}
    assert list(run.losses) == list(run.frames)


def test_a_recipes_run_is_found_by_its_knobs_alone(recording):
    wanted = dataclasses.replace(recording.recipe, init="noise", seed=1, size=999, steps=7)
    assert recording.find(wanted) is recording.runs["noise", 1]
    assert recording.find(dataclasses.replace(wanted, seed=2)) is None


def test_frames_are_small_jpegs(recording, photo):
    for run in recording.runs.values():
        for data in run.frames.values():
            assert PIL.Image.open(io.BytesIO(data)).format == "JPEG" and len(data) < 6_000
    large = recordings.frame(photo.repeat(1, 1, 12, 12))
    assert max(PIL.Image.open(io.BytesIO(large)).size) == recordings.WIDTH and len(large) < 30_000


# ------------------------------------------------------------------------------------------------------------- the file


def test_a_recording_comes_back_as_it_was_saved(recording, tmp_path):
    assert recordings.load(recordings.save(recording, tmp_path / "a.zip")) == recording


def test_knobs_of_layers_come_back_too(net, tmp_path):
    knobs = {"style_layers": {"one": ("conv1_1",), "two": ("conv1_1", "conv2_1")}, "alpha_beta": {"little": 0.1}}
    recording = recordings.make(small(steps=1), knobs, net)
    loaded = recordings.load(recordings.save(recording, tmp_path / "a.zip"))
    assert loaded == recording and loaded.knobs == knobs
    assert loaded.find(small(style_layers=("conv1_1", "conv2_1"), alpha_beta=0.1)) is not None


def test_the_same_recording_is_the_same_file(recording, tmp_path):
    first = recordings.save(recording, tmp_path / "a.zip").read_bytes()
    again = recordings.save(recordings.load(tmp_path / "a.zip"), tmp_path / "b.zip").read_bytes()
    assert first == again


def test_equal_frames_are_stored_once(recording, tmp_path):
    once = dataclasses.replace(recording, runs={("content", 0): recording.runs["content", 0]})
    twice = dataclasses.replace(recording, runs={key: recording.runs["content", 0] for key in recording.runs})
    sizes = [recordings.save(one, tmp_path / "a.zip").stat().st_size for one in (once, twice)]
    assert sizes[1] < 1.5 * sizes[0]


def test_a_missing_recording_is_told(tmp_path):
    with pytest.raises(InputError, match=r"There is no recording .*gone\.zip\.$"):
        recordings.load(tmp_path / "gone.zip")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\xff\xd8\xff no zip"])
def test_what_is_no_recording_is_told(content, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.zip is not a recording, or it is damaged\.$"):
        recordings.load(path)


def test_damage_anywhere_is_a_sentence_or_harmless(recording, tmp_path):
    """Bytes turned at random, and the file cut short."""
    path = recordings.save(recording, tmp_path / "a.zip")
    whole, chance = path.read_bytes(), random.Random(0)
    places = [chance.randrange(len(whole)) for _ in range(150)]
    places += [whole.rindex(b"PK\x01\x02") + offset for offset in range(46)]  # an entry of the list of contents
    places += [len(whole) - 22 + offset for offset in range(22)]  # where that list is said to be
    told = 0
    for place in places:
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]):
            path.write_bytes(damaged)
            try:
                assert recordings.load(path) == recording
            except InputError as error:
                told += 1
                assert str(error).endswith("is not a recording, or it is damaged.")
    assert told > 1.6 * len(places)


def test_a_recording_is_saved_where_a_file_can_be(recording, tmp_path):
    with pytest.raises(InputError, match=r"folder .* does not exist"):
        recordings.save(recording, tmp_path / "nowhere" / "a.zip")
    with pytest.raises(InputError, match=r"must end in \.zip"):
        recordings.save(recording, tmp_path / "a.png")


def test_a_strip_shows_the_end_of_each_run_in_rows(recording):
    figure = strip(recording)
    titles = [axes.get_title() for axes in figure.axes]
    assert [title.split(":")[0] for title in titles] == ["from content", "from noise, 0", "from noise, 1"], (
        "a seed needs noise"
    )
    assert "Recorded" in figure.texts[-1].get_text() and "compact" in figure.texts[-1].get_text()
    assert figure.get_size_inches()[1] < 2 * MAX_HEIGHT + 2


def test_a_strip_says_how_well_the_edges_agree_with_the_photograph_if_there_is_one(recording, net):
    photo = load_image("riverside", 64)
    edges = [edge_agreement(recording.runs[values].picture, photo) for values in list(recording.runs)[1:]]
    assert [axes.get_title().split(": ")[1] for axes in strip(recording).axes] == [f"edges {one:.2f}" for one in edges]
    texture = recordings.make(Recipe("style", init="noise", size=64, steps=1), {"seed": {"0": 0, "1": 1}}, net)
    assert [axes.get_title() for axes in strip(texture).axes] == ["0", "1"]


def test_a_strip_names_a_ratio_and_the_only_value_of_a_knob(net):
    one = recordings.make(small(), {"alpha_beta": {"0.2": 0.2}, "content_layer": {"conv1_2": "conv1_2"}}, net)
    assert [axes.get_title().split(": ")[0] for axes in strip(one).axes] == ["α/β 0.2, conv1_2"]


@pytest.mark.parametrize("name", PANELS)
def test_a_strip_has_at_most_four_pictures_in_a_row_and_groups_stay_together(name):
    figure = strip(recordings.load(FOLDER / f"{name}.zip"))
    lefts = [round(axes.get_position().x0, 2) for axes in figure.axes]
    across = len(set(lefts))
    knobs = list(PANELS[name].knobs.values())
    assert across == min(len(knobs[0]), 3) if len(knobs) == 1 else across <= 4 and across % len(knobs[1]) == 0


# ----------------------------------------------------------------------------------------------------------- the panels


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_prepares_and_runs_with_every_value_of_its_knobs(name, net):
    panel = PANELS[name]
    for knob, choices in panel.knobs.items():
        assert getattr(panel.recipe, knob) in choices.values()  # a slider has to stand somewhere
        for value in choices.values():
            dataclasses.replace(panel.recipe, **{knob: value}, size=64, steps=2).check()
    assert dataclasses.replace(panel.recipe, size=64, steps=2).finish(net).number == 2


def test_panels_ask_a_question_and_are_named_as_notebooks():
    for name, panel in PANELS.items():
        assert (FOLDER.parent / f"{name}.ipynb").exists() and panel.title.endswith(("?", "paintings"))


@pytest.fixture(params=PANELS)
def of_today(request):
    """(The panel, its recording.)"""
    return PANELS[request.param], recordings.load(FOLDER / f"{request.param}.zip")


def test_each_panels_recording_is_of_its_recipe_and_its_knobs(of_today):
    panel, recording = of_today
    assert recording.recipe == panel.recipe and recording.knobs == panel.knobs
    assert [list(choices) for choices in recording.knobs.values()] == [list(one) for one in panel.knobs.values()]
    for run in recording.runs.values():
        assert len(run.frames) >= 2 and next(iter(run.frames)) == 0


def test_each_panels_recording_is_of_the_network_and_the_pictures_that_are_here(of_today, net):
    """The initial losses identify the pictures, because they are the same on every machine up to rounding."""
    panel, recording = of_today
    assert recording.fingerprint == net.fingerprint()
    values = next(reversed(recording.runs))
    run = dataclasses.replace(panel.recipe, **dict(zip(panel.knobs, values, strict=True)), steps=0).prepare(net)
    assert run.finish().history[0].losses == pytest.approx(recording.runs[values].losses[0], rel=2e-3)


def test_all_recordings_together_are_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.zip")) < 12e6
    assert {path.name for path in FOLDER.glob("*.zip")} <= {f"{name}.zip" for name in PANELS}
