"""The picture of a run, its curves and its state, as widgets that are replaced in place without a flicker."""

import html
import time

import ipywidgets
import torch

from stylelib.figures import Figure, draw_loss_curves
from stylelib.images import to_jpeg

SHARE = 0.05  # of the run's time that drawing may cost, all of it together
GRACE = 0.1  # seconds between two pictures at least: more often, nobody sees more
NARROW = {"description_width": "3em"}
WIDTH = 480  # of the picture and of the curves, in CSS pixels


BLANK = to_jpeg(torch.ones(1, 3, 3, 4))  # an Image widget without a value shows a broken one


class Pace:
    """Says when it is time to draw again, so that drawing costs no more than its share of the time."""

    def __init__(self, share):
        self.share, self._next = share, 0.0

    def draw(self, function, *arguments, force=False):
        """Call the function if it is time to; the dearer it is, the later comes its next turn."""
        started = time.perf_counter()
        if force or started >= self._next:
            function(*arguments)
            finished = time.perf_counter()
            self._next = finished + max(GRACE, (finished - started) / self.share)


class Display:
    """What a run looks like: `picture`, `status`, `scrubber`, `curves` and `small` are widgets, `box` holds them."""

    def __init__(self):
        size = {"width": f"{WIDTH}px", "max_width": "100%"}
        # Without a tooltip: ipywidgets 8.1 cannot show an Image that has one.
        self.picture = ipywidgets.Image(format="jpeg", layout=size | {"object_fit": "contain"})
        self.curves = ipywidgets.Image(format="jpeg", layout=size)
        self.status = ipywidgets.HTML(layout={"min_height": "1.6em"})
        self.small = ipywidgets.HTML()
        self.menu = ipywidgets.Dropdown(options=[("0", 0)], description="Step", layout={"width": "9em"}, style=NARROW)
        self.slider = ipywidgets.SelectionSlider(options=[("0", 0)], readout=False, layout={"flex": "1 1 10em"})
        self.scrubber = ipywidgets.HBox([self.menu, self.slider], layout=size)
        self.menu.observe(self._scrub, names="value")
        self.slider.observe(lambda change: setattr(self.menu, "index", change["new"]), names="index")
        self.status.add_class("stylelib-status")
        self.small.add_class("stylelib-status")
        self.box = ipywidgets.VBox(
            [self.picture, self.status, self.scrubber, self.curves, self.small], layout={"flex": "1 1 320px"}
        )
        self._picture_pace, self._curves_pace = Pace(SHARE / 2), Pace(SHARE / 2)
        self.clear()

    def show(self, run, step=None, force=False):
        """Bring it up to date with a run, if it is time to. step: the newest one; the best picture so far if None."""
        picture = run.image if step is None else step.image
        self._picture_pace.draw(self._show_picture, picture, progress(run), force=force)
        self._curves_pace.draw(self._show_curves, run, force=force)

    def say(self, text):
        """The line below the picture."""
        self.status.value = f'<span role="status">{html.escape(text)}</span>'

    def clear(self):
        """As before the first run."""
        self.picture.value = BLANK
        self.curves.layout.display = "none"
        self.hold({}, "")
        self.say("")

    def hold(self, frames, made, word="Step"):
        """Keep the frames of a run that is over, {step: JPEG}, to be scrubbed through; the last one is shown.

        made: what made them, for the small print. word: before the step's number in the line of state.
        """
        self._frames, self._word = {}, word
        self.scrubber.layout.display = None if frames else "none"
        self.small.value = f"<small>{html.escape(made)}</small>"
        if frames:
            last = list(frames)[-1]
            self.menu.options = self.slider.options = [(str(number), number) for number in frames]
            self.menu.value = self.slider.value = last
            self._frames = frames  # only now: the slider's first option would flash up
            self._scrub({"new": last})

    def _scrub(self, change):
        number = change["new"]
        if number in self._frames:
            self.slider.value = number
            self.picture.value = self._frames[number]
            self.say(f"{self._word} {number} of {list(self._frames)[-1]}.")

    def _show_picture(self, picture, text):
        self.picture.value = to_jpeg(picture)
        self.say(text)

    def _show_curves(self, run):
        if len(run.history) < 2:
            return
        figure = Figure(figsize=(4.8, 2.6), layout="constrained")
        axes = figure.add_subplot()
        draw_loss_curves(axes, run)
        axes.set_xlim(0, max(1, run.steps))
        axes.legend(fontsize=6, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(-0.1, 1))
        self.curves.value = figure.jpeg()
        self.curves.layout.display = None


def progress(run):
    """Where a run is, in a few words."""
    if run.stop_reason:
        return f"{run.number} steps in {run.seconds:.0f} s: {run.stop_reason}."
    left = run.seconds_left
    return f"Step {run.number} of {run.steps}, {run.seconds:.0f} s" + (
        "" if left is None else f", about {left:.0f} s left"
    )
