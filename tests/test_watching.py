"""A run that shows itself, in a real kernel; how much of the time its drawing may take; and pictures on a slider."""

import base64
import io
import os
import pathlib
import re

import IPython
import IPython.display
import nbclient
import nbformat
import numpy as np
import PIL.Image
import pytest
import torch

import stylelib
from stylelib import images
from stylelib.studio import play, watching

PREPARE = """
import signal
import matplotlib.pyplot as plt
plt.figure(); plt.close()  # from here on, IPython would like to show every figure as a PNG
import stylelib
from stylelib import figures
from stylelib.studio import watching

watching.SHARE = 100.0  # draw at every step

class Interrupting(stylelib.Smoothness):
    "At its fourth evaluation somebody presses the button."
    evaluations = 0
    def losses(self, pictures, activations):
        self.evaluations += 1
        if self.evaluations == 4:
            signal.raise_signal(signal.SIGINT)  # as Jupyter does
        return super().losses(pictures, activations)

photo = stylelib.load_image("riverside", 64)
net = stylelib.load_network("compact", device="cpu")
"""
CELLS = {
    "prepare": PREPARE,
    "watch": "run = watching.watch(stylelib.style_transfer(photo, 'night_swirls', net, 64, steps=4), 'A title')",
    "interrupt": "terms = [Interrupting(1.0), stylelib.Style(net, photo)]\n"
    "run = stylelib.Synthesis(terms, photo, steps=5, optimizer='adam')\n"
    "watching.watch(run)\nprint(run.number, run.stop_reason)",
    "again": "watching.watch(run)\nprint(run.number, run.stop_reason)",
    "sheet": "figures.contact_sheet([photo, photo])",
    "mistake": "stylelib.load_image('riversid')",
}


class Client(nbclient.NotebookClient):
    """Remembers the kinds of messages that each cell sent."""

    def process_message(self, message, cell, index):
        self.kinds = getattr(self, "kinds", {})
        self.kinds.setdefault(index, []).append(message["msg_type"])
        return super().process_message(message, cell, index)


@pytest.fixture(scope="module")
def executed():
    """{name of the cell: (its outputs, the kinds of the messages it sent)}."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    client = Client(nbformat.v4.new_notebook(cells=cells), timeout=60, allow_errors=True)
    root = str(pathlib.Path(stylelib.__file__).parents[1])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    client.execute(env={**os.environ, "PYTHONPATH": path})
    return {
        name: (cell.outputs, client.kinds[index]) for index, (name, cell) in enumerate(zip(CELLS, cells, strict=True))
    }


def only_picture(outputs):
    """The one picture of a cell, as an array; there must be no other, and in no other format."""
    shown = [output.data for output in outputs if "data" in output]
    assert set(shown[0]) == {"image/jpeg", "text/plain"}
    assert all(set(text) == {"text/markdown", "text/plain"} for text in shown[1:]), "what made it, below"
    return np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(shown[0]["image/jpeg"]))))


def text(outputs):
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


def test_the_notebook_prepares_without_a_word(executed):
    assert executed["prepare"][0] == []


def test_a_watched_run_shows_one_jpeg_that_is_replaced_in_place(executed):
    outputs, kinds = executed["watch"]
    assert only_picture(outputs).shape[1] == 1100
    assert kinds.count("display_data") == 2, "the picture, and what made it"
    assert kinds.count("update_display_data") == 4 + 1  # each step, and the end
    assert text(outputs) == ""


def test_an_interrupt_keeps_the_picture_and_says_so(executed):
    outputs, _ = executed["interrupt"]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert text(outputs) == "2 interrupted after step 2; watch it again to continue\n"
    only_picture(outputs)


def test_watching_again_goes_on_to_the_end(executed):
    outputs, kinds = executed["again"]
    assert text(outputs) == "5 all 5 steps are done\n"
    assert kinds.count("update_display_data") == 3 + 1
    only_picture(outputs)


def test_a_figure_at_the_end_of_a_cell_is_a_jpeg_alone(executed):
    only_picture(executed["sheet"][0])


def test_a_mistake_is_one_sentence_without_a_traceback(executed):
    (error,) = executed["mistake"][0]
    assert error.ename == "InputError" and "Did you mean 'riverside'?" in error.evalue
    assert error.traceback == [f"InputError: {error.evalue}"]


# ----------------------------------------------------------------------------------------------------- without a kernel


@pytest.fixture(scope="module")
def network():
    return stylelib.load_network("compact", device="cpu")


def test_outside_a_notebook_nothing_is_shown(network, capsys):
    run = stylelib.style_transfer("riverside", "night_swirls", network, 64, steps=2)
    assert watching.watch(run) is run and run.number == 2
    assert capsys.readouterr() == ("", "")


def test_a_mistake_in_a_run_is_not_swallowed():
    class Broken(stylelib.Smoothness):
        def losses(self, pictures, activations):
            return 1 / 0

    run = stylelib.Synthesis(Broken(1.0), stylelib.noise(64, 64), steps=2)
    with pytest.raises(ZeroDivisionError):
        watching.watch(run)


class Clock:
    """A clock that moves only when somebody works."""

    now = 0.0

    def perf_counter(self):
        return self.now


@pytest.mark.parametrize("step_seconds, draw_seconds", [(0.01, 0.2), (0.1, 0.2), (1.0, 0.2), (30.0, 0.2), (0.1, 3.0)])
def test_drawing_takes_a_twentieth_of_the_time_at_most(step_seconds, draw_seconds, monkeypatch):
    clock, drawn = Clock(), []

    class Run:
        number = 0

        def __iter__(self):
            for self.number in range(1, 1001):
                clock.now += step_seconds
                yield self.number

    class Frame:
        def image(self):
            clock.now += draw_seconds
            drawn.append(run.number)
            return "a picture"

        def show_note(self):
            pass

    class Handle:
        def update(self, shown):
            assert shown == "a picture"

    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": object()}))
    monkeypatch.setattr(IPython.display, "display", lambda *_, **__: Handle())
    monkeypatch.setattr(watching, "time", clock)
    monkeypatch.setattr(watching, "draw_frame", lambda run, title: Frame())
    run = Run()
    watching.watch(run)
    while_running = [number for number in drawn if number > 0][1:-1]  # besides the first step and the end
    assert drawn[0] == 0 and drawn[-1] == 1000
    assert draw_seconds * len(while_running) <= 1.01 * watching.SHARE * clock.now
    wanted = min(
        1000, 1000 * step_seconds / (draw_seconds / watching.SHARE)
    )  # and it does take it: the picture is live
    assert len(while_running) >= 0.5 * wanted - 2


# ---------------------------------------------------------------------------------------------------------- one frame


@pytest.mark.parametrize("height, width", [(64, 64), (40, 64), (64, 40), (16, 128), (128, 16)])
def test_a_frame_keeps_its_size_and_overlaps_nothing(network, height, width):
    photo = stylelib.noise(height, width)
    run = stylelib.style_transfer(photo, "night_swirls", network, max(height, width), steps=3)
    sizes = set()
    for _ in range(4):
        figure = watching.draw_frame(
            run, "A title that is as long as titles get when their writer does not think of the reader"
        )
        figure.draw_without_rendering()
        sizes.add(tuple(figure.get_size_inches()))
        boxes = [axes.get_tightbbox() for axes in figure.axes]
        boxes += [text.get_window_extent() for text in figure.texts]
        page_width, page_height = figure.get_size_inches() * figure.dpi
        for index, box in enumerate(boxes):
            assert box.x0 >= -1 and box.x1 <= page_width + 1 and box.y0 >= -1 and box.y1 <= page_height + 1
            for other in boxes[:index]:
                assert (
                    min(box.x1, other.x1) <= max(box.x0, other.x0) + 1
                    or min(box.y1, other.y1) <= max(box.y0, other.y0) + 1
                )
        next(run, None)
    assert len(sizes) == 1


def test_a_frame_says_how_far_the_run_is_and_what_made_it(network):
    run = stylelib.style_transfer("riverside", "night_swirls", network, 64, steps=5)
    states = []
    assert len(watching.draw_frame(run).axes) == 1  # no empty curves before the first step
    for _ in range(7):
        states.append(watching.draw_frame(run).texts[-1].get_text())
        next(run, None)
    assert states[0].startswith("Step 0 of 5, 0 s\n")
    assert states[3].startswith("Step 3 of 5") and "s left" in states[3]
    assert ": all 5 steps are done." in states[6]
    assert all("compact" in state and "seed 0" in state for state in states)


def test_scrub_shows_the_picture_that_the_slider_names(photo, painting):
    panel = watching.scrub([photo, painting, photo * 0], ["a", "b", "c"], "which")
    slider, picture = panel.children
    assert slider.description == "which" and [label for label, _ in slider.options] == ["a", "b", "c"]
    shown = {}
    for label in ("a", "b", "c"):
        slider.label = label
        shown[label] = bytes(picture.value)
    assert len(set(shown.values())) == 3 and all(one.startswith(b"\xff\xd8") for one in shown.values())
    slider.label = "a"
    assert bytes(picture.value) == shown["a"]


@pytest.mark.parametrize("count, labels", [(1, "0"), (3, "0 1 2"), (6, "0 1 2 3 4 5"), (11, "0 2 4 6 8 10")])
def test_a_page_that_runs_nothing_shows_some_of_what_scrub_shows(count, labels, photo, monkeypatch):
    sheets = []
    contact_sheet = watching.contact_sheet
    monkeypatch.setattr(watching, "contact_sheet", lambda *given: sheets.append(given) or contact_sheet(*given))
    scrubbed = watching.scrub([photo * number / count for number in range(count)], [*map(str, range(count))], "number")
    bundle, _ = scrubbed._repr_mimebundle_()
    assert base64.b64decode(bundle["image/jpeg"]).startswith(b"\xff\xd8")
    pictures, shown, _ = sheets[-1]
    assert " ".join(shown) == labels
    assert all(torch.equal(one, photo * int(label) / count) for one, label in zip(pictures, shown, strict=True))


def test_a_page_that_runs_nothing_shows_the_pictures_asked_for_and_fewer_wide_ones_in_a_row(photo, painting):
    wide = torch.cat([photo, photo, photo], dim=3)
    for pictures, columns in (([photo, painting, photo * 0, photo], 3), ([wide] * 4, 2)):
        sheet = watching.scrub(pictures, ["a", "b", "c", "d"], "which", still=["a", "c", "d"]).still()
        assert [axes.get_title() for axes in sheet.axes] == ["a", "c", "d"]
        heights = [axes.get_position().y0 for axes in sheet.axes]
        assert heights.count(heights[0]) == columns


def test_a_run_is_played_as_a_looping_animation_that_begins_with_its_end(network):
    run = stylelib.style_transfer("riverside", "night_swirls", network, size=64, steps=4, keep_every=1).finish()
    shown = play(run, "The riverside, painted step by step").data
    assert 'alt="The riverside, painted step by step"' in shown and run.describe().split(" · ")[0] in shown
    data = base64.b64decode(re.search(r"data:image/webp;base64,([^\"]+)", shown)[1])
    animation = PIL.Image.open(io.BytesIO(data))
    assert animation.n_frames >= 5 and animation.info["loop"] == 0
    first = np.asarray(animation.convert("RGB")).astype(int)
    end, start = (images.to_array(picture).astype(int) for picture in (run.image, run.frames[0]))
    assert np.abs(first - end).mean() < np.abs(first - start).mean()
