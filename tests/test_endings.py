"""A sentence says how finished runs are."""

import dataclasses
import re

import pytest

from stylelib import Content, Synthesis
from stylelib.analysis.endings import how_finished
from stylelib.evaluation.progress import Progress, Record
from stylelib.support.errors import InputError


def progress(*losses, since=0):
    return Progress(None, None, [Record(number, loss, {}, 0.0, 0) for number, loss in enumerate(losses)], since)


@pytest.fixture
def run(net, photo):
    return Synthesis(Content(net, photo, "conv3_1"), "noise", steps=3).finish()


def test_one_run_says_why_it_stopped_and_by_how_much_its_loss_fell(run):
    run.progress = progress(8, 4, 3, 2)
    assert how_finished(run) == "All 3 steps are done; in the last 3 the loss fell by 75.0 %."


def test_only_the_last_twenty_steps_count(run):
    run.progress = progress(1000, *[4] * 20, 3)
    assert "in the last 20 the loss fell by 25.0 %" in how_finished(run)


def test_several_runs_are_listed_in_order_and_many_as_a_range(run):
    run.progress = progress(8, 4, 3, 2)
    assert "the losses fell by 75.0 %, 75.0 %." in how_finished({"one": run, "other": run})
    assert "the losses fell by 75.0 % to 75.0 %." in how_finished([run] * 7)


def test_steps_before_a_run_has_grown_do_not_count(run):
    run.progress = dataclasses.replace(progress(8, 4, 10, 9), since=2)
    assert "in the last 1 the loss fell by 10.0 %" in how_finished(run)
    run.progress = dataclasses.replace(run.progress, since=3)
    assert how_finished(run) == "All 3 steps are done."


def test_a_loss_of_zero_has_not_fallen():
    assert progress(0, 0).fall() == 0 and progress().fall() == 0 and progress(2, 3).fall() == -0.5


def test_runs_that_ended_in_different_ways_say_both_and_one_under_way_says_so(net, photo, run):
    other = Synthesis(Content(net, photo, "conv3_1"), "noise", steps=3)
    next(other)
    assert re.match("All 3 steps are done or under way; in the last 1 the losses fell by", how_finished([run, other]))


def test_no_runs_are_refused():
    with pytest.raises(InputError, match="at least one run"):
        how_finished([])
