"""The display: how often it draws, and the frames of a run that is over."""

import html
import io
import re

import PIL.Image
import pytest

import stylelib
from stylelib.studio import display


class Clock:
    """A clock that moves only when somebody works."""

    now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(display, "time", clock)
    return clock


@pytest.fixture
def shown():
    """A display with four frames."""
    shown = display.Display()
    shown.hold({number: f"frame {number}".encode() for number in range(4)}, "Computed <here>.")
    return shown


def status(shown):
    return html.unescape(re.sub(r"<[^>]*>", "", shown.status.value))


@pytest.mark.parametrize("step_seconds, draw_seconds", [(0.01, 0.2), (0.1, 0.2), (1.0, 0.2), (30.0, 0.2), (0.1, 3.0)])
def test_drawing_takes_a_twentieth_of_the_time_at_most(step_seconds, draw_seconds, clock):
    drawn = []

    def draw(*_):
        clock.now += draw_seconds
        drawn.append(clock.now)

    one = display.Display()
    one.draw_picture = one.draw_curves = draw
    run = type("Run", (), {"stop_reason": None, "seconds_left": None, "number": 0, "steps": 1, "seconds": 0.0})
    step = type("Step", (), {"image": None})
    for _ in range(1000):
        clock.now += step_seconds
        one.show(run, step)
    working = 1000 * step_seconds
    assert draw_seconds * (len(drawn) - 4) <= 1.02 * display.SHARE * clock.now  # besides the first and the last ones
    wanted = min(2000, working * display.SHARE / draw_seconds)  # and it does take it: the picture is live
    assert len(drawn) >= 0.5 * wanted
    before = len(drawn)
    one.show(run, step, force=True)
    assert len(drawn) == before + 2


def test_cheap_drawing_is_not_done_more_often_than_anybody_sees(clock):
    drawn = []
    pace = display.Pace(0.05)
    for _ in range(1000):
        clock.now += 0.001
        pace.draw(lambda: drawn.append(clock.now))
    assert 8 <= len(drawn) <= 11


@pytest.mark.parametrize("way", ["menu", "slider"])
def test_menu_and_slider_go_through_the_frames(shown, way):
    moved, other = getattr(shown, way), shown.slider if way == "menu" else shown.menu
    assert [number for _, number in moved.options] == [0, 1, 2, 3] and moved.value == 3
    assert shown.scrubber.layout.display is None
    for number in range(4):
        moved.value = number
        assert shown.picture.value == f"frame {number}".encode()
        assert status(shown) == f"Step {number} of 3." and other.value == number
    shown.clear()
    assert shown.scrubber.layout.display == "none" and status(shown) == "" and shown.picture.value == display.BLANK


def test_the_frames_of_a_run_that_is_over_do_not_flash_up(shown):
    seen = []
    shown.picture.observe(lambda change: seen.append(bytes(change["new"])), "value")
    shown.hold({0: b"first", 2: b"last"}, "")
    assert seen == [b"last"]


def test_the_caption_is_no_html(shown):
    assert shown.caption.value == "<small>Computed &lt;here&gt;.</small>"


def test_the_curves_appear_with_the_second_point_and_say_how_far_the_run_is(net):
    shown = display.Display()
    run = stylelib.style_transfer("riverside", "night_swirls", net, 64, steps=5)
    states = []
    for _ in range(5):
        shown.show(run, force=True)
        assert shown.curves.layout.display == (None if run.number else "none")
        states.append(status(shown))
        next(run)
    assert PIL.Image.open(io.BytesIO(shown.curves.value)).width > 400
    assert states[0] == "Step 0 of 5, 0 s" and re.fullmatch(r"Step 4 of 5, \d+ s, about \d+ s left", states[4])
    run.stop("stopped by hand")
    assert re.fullmatch(r"5 steps in \d+ s: stopped by hand\.", display.describe_progress(run))
