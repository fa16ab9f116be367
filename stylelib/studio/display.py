"""The display of a run: its picture, loss curves and status, updated in place without flicker."""

import html
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from stylelib.evaluation.progress import Step
from stylelib.figures import Figure, draw_loss_curves
from stylelib.images import to_jpeg
from stylelib.synthesis import Synthesis

SHARE = 0.05  # of the run's time that all drawing together may take
SHORTEST_INTERVAL = 0.1  # seconds between two pictures, because more of them could not be seen
NARROW = {"description_width": "3em"}
WIDTH = 480  # of the picture and of the curves, in CSS pixels
BLANK = to_jpeg(torch.ones(1, 3, 3, 4))  # an Image widget without a value shows a broken one


class Pace:
    """Decide when it is time to draw again, so that drawing takes no more than its share of the time.

    Parameters
    ----------
    share : float
        The share of the time, 0 to 1.
    """

    def __init__(self, share: float) -> None:
        self.share, self._next = share, 0.0

    def draw(self, function: Callable[..., object], *arguments: Any, force: bool = False) -> None:
        """Call the function if it is time to draw. The longer it takes, the later it is called again."""
        started = time.perf_counter()
        if force or started >= self._next:
            function(*arguments)
            finished = time.perf_counter()
            self._next = finished + max(SHORTEST_INTERVAL, (finished - started) / self.share)


class Display:
    """The widgets that show a run.

    Attributes
    ----------
    picture, status, scrubber, curves, caption : widget
        From top to bottom; `scrubber` holds `menu` and `slider`, which go through the frames of a run that is over.
    box : widget
        Holds them all.
    """

    def __init__(self) -> None:
        size = {"width": f"{WIDTH}px", "max_width": "100%"}
        # Without a tooltip, because ipywidgets 8.1 cannot show an Image that has one.
        self.picture = ipywidgets.Image(format="jpeg", layout=size | {"object_fit": "contain"})
        self.curves = ipywidgets.Image(format="jpeg", layout=size)
        self.status = ipywidgets.HTML(layout={"min_height": "1.6em"})
        self.caption = ipywidgets.HTML()
        self.menu = ipywidgets.Dropdown(options=[("0", 0)], description="Step", layout={"width": "9em"}, style=NARROW)
        self.slider = ipywidgets.SelectionSlider(options=[("0", 0)], readout=False, layout={"flex": "1 1 10em"})
        self.scrubber = ipywidgets.HBox([self.menu, self.slider], layout=size)
        self.menu.observe(lambda change: self._show_frame(change["new"]), names="value")
        self.slider.observe(lambda change: setattr(self.menu, "index", change["new"]), names="index")
        self.status.add_class("stylelib-status")
        self.caption.add_class("stylelib-status")
        self.box = ipywidgets.VBox(
            [self.picture, self.status, self.scrubber, self.curves, self.caption], layout={"flex": "1 1 320px"}
        )
        self._frames: Mapping[int, bytes] = {}
        self._word = ""
        self._picture_pace, self._curves_pace = Pace(SHARE / 2), Pace(SHARE / 2)
        self.clear()

    def show(self, run: Synthesis, step: Step | None = None, force: bool = False) -> None:
        """Update the display with a run, if it is time to draw.

        Parameters
        ----------
        run : Synthesis
            The run.
        step : Step, optional
            The step whose picture is shown; by default the best picture so far.
        force : bool
            Whether to draw even if it is not time.
        """
        picture = run.image if step is None else step.image
        self._picture_pace.draw(self.draw_picture, picture, describe_progress(run), force=force)
        self._curves_pace.draw(self.draw_curves, run, force=force)

    def say(self, text: str) -> None:
        """Write the line below the picture."""
        self.status.value = f'<span role="status">{html.escape(text)}</span>'

    def clear(self, picture: bytes | None = None) -> None:
        """Show what is displayed before the first step.

        Parameters
        ----------
        picture : bytes, optional
            A JPEG of what is chosen; without one there is no box for a picture.
        """
        self.picture.value = picture or BLANK
        self.picture.layout.display = None if picture else "none"
        self.curves.layout.display = "none"
        self.hold({}, "")
        self.say("")

    def hold(self, frames: Mapping[int, bytes], caption: str, word: str = "Step") -> None:
        """Offer the frames of a run that is over, and show the last one.

        Parameters
        ----------
        frames : Mapping of int to bytes
            {step: JPEG}.
        caption : str
            What made them.
        word : str
            The word before the step's number in the status line.
        """
        self._frames, self._word = {}, word
        self.scrubber.layout.display = None if frames else "none"
        self.caption.value = f"<small>{html.escape(caption)}</small>"
        if frames:
            last = list(frames)[-1]
            self.menu.options = self.slider.options = [(str(number), number) for number in frames]
            self.menu.value = self.slider.value = last
            self.picture.layout.display = None
            self._frames = frames  # only now, because new options select the first frame, which would flash up
            self._show_frame(last)

    def draw_picture(self, picture: Tensor, text: str) -> None:
        """Show a picture (1, 3, H, W), with a status line."""
        self.picture.value = to_jpeg(picture)
        self.picture.layout.display = None
        self.say(text)

    def draw_curves(self, run: Synthesis) -> None:
        """Show the loss curves, once there are two points."""
        if len(run.history) < 2:
            return
        figure = Figure(figsize=(4.8, 2.6), layout="constrained")
        axes = figure.add_subplot()
        draw_loss_curves(axes, run)
        axes.set_xlim(0, max(1, run.steps))
        axes.legend(fontsize=6, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(-0.1, 1))
        self.curves.value = figure.jpeg()
        self.curves.layout.display = None

    def _show_frame(self, number: int) -> None:
        if number in self._frames:
            self.slider.value = number
            self.picture.value = self._frames[number]
            self.say(f"{self._word} {number} of {list(self._frames)[-1]}.")


def describe_progress(run: Synthesis) -> str:
    """Return a line that says which step a run is at, or why it stopped."""
    if run.stop_reason:
        return f"{run.number} steps in {run.seconds:.0f} s: {run.stop_reason}."
    left = run.seconds_left
    text = f"Step {run.number} of {run.steps}, {run.seconds:.0f} s"
    return text if left is None else f"{text}, about {left:.0f} s left"
