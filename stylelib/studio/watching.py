"""Watching a run in a notebook: its picture and its loss curves are updated in place.

`watch` computes the run and returns it:

    run = watch(stylelib.style_transfer("riverside", "night_swirls"))
"""

import base64
import html
import time
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from torch import Tensor

from stylelib.figures import MARGIN, MAX_HEIGHT, Figure, contact_sheet, draw_loss_curves, kept_frames, page
from stylelib.images import to_array
from stylelib.studio.display import describe_progress
from stylelib.studio.stills import BoxWithStill
from stylelib.support.animation import looping
from stylelib.synthesis import Synthesis

SHARE = 0.05  # of the run's time that drawing may take
STILL_PICTURES = 6  # of a slider, on a page that cannot run it


def watch(run: Synthesis, title: str | None = None) -> Synthesis:
    """Finish a run while showing it.

    The cell's output is one picture, which is updated only so often that drawing takes at most a twentieth of the time.
    Interrupting the kernel (■) stops the run and keeps the picture; `watch` it again to continue. Outside a notebook
    nothing is shown.

    Parameters
    ----------
    run : Synthesis
        A run at any step.
    title : str, optional
        Text above the picture.

    Returns
    -------
    Synthesis
        The same run.
    """
    from IPython import get_ipython
    from IPython.display import display

    in_notebook = hasattr(get_ipython(), "kernel")  # elsewhere `display` would print each picture's repr
    shown = display(draw_frame(run, title).image(), display_id=True) if in_notebook else None  # type: ignore[no-untyped-call]
    next_time = 0.0
    try:
        for _ in run:
            started = time.perf_counter()
            if shown is not None and started >= next_time:
                shown.update(draw_frame(run, title).image())
                next_time = time.perf_counter() + (time.perf_counter() - started) / SHARE
    except KeyboardInterrupt:
        run.stop(f"interrupted after step {run.number}; watch it again to continue")
    if shown is not None:
        last = draw_frame(run, title)
        shown.update(last.image())
        last.show_note()
    return run


def play(run: Synthesis, description: str, width: int = 360, seconds: float = 4.0, hold: float = 1.5) -> Any:
    """Return a run's frames as a looping animation for a notebook, with what made it below.

    Parameters
    ----------
    run : Synthesis
        With frames, see `keep_every`.
    description : str
        What is to be seen, for those who cannot see it.
    width : int
        In pixels.
    seconds, hold : float
        Duration of all frames together, and extra duration of the last one.

    Returns
    -------
    IPython.display.HTML
        The output of a cell.
    """
    from IPython.display import HTML

    arrays = [to_array(picture) for picture in kept_frames(run).values()]
    data = base64.b64encode(looping(arrays, seconds, hold, width)).decode()
    picture = f'<img src="data:image/webp;base64,{data}" alt="{html.escape(description)}" style="max-width: 100%">'
    caption = f"<figcaption><small>{html.escape(run.describe())}</small></figcaption>"
    return HTML(f'<figure style="margin: 0">{picture}{caption}</figure>')  # type: ignore[no-untyped-call]


def scrub(
    pictures: Sequence[Tensor], labels: Sequence[str], name: str, still: Sequence[str] | None = None
) -> "Scrubbed":
    """Show a slider through pictures that have been computed already; the arrow keys move it too.

    A page that cannot run it shows some of the pictures instead.

    Parameters
    ----------
    pictures : Sequence of Tensor
        (1, 3, H, W) each.
    labels : Sequence of str
        One for each picture.
    name : str
        What the slider changes.
    still : Sequence of str, optional
        The labels of the pictures for a page that cannot run it; evenly spread ones by default.

    Returns
    -------
    Scrubbed
        The widget.
    """
    frames = [contact_sheet([picture]).jpeg() for picture in pictures]
    slider = ipywidgets.SelectionSlider(
        options=[(label, index) for index, label in enumerate(labels)],
        description=name,
        continuous_update=True,
        layout={"width": "30em"},
    )
    picture = ipywidgets.Image(
        value=frames[0], format="jpeg", layout={"width": "640px", "max_width": "100%", "object_fit": "contain"}
    )
    slider.observe(lambda change: setattr(picture, "value", frames[change["new"]]), names="value")
    chosen = _spread(len(pictures)) if still is None else [list(labels).index(label) for label in still]
    sheet = [pictures[index] for index in chosen], [labels[index] for index in chosen]
    columns = 3 if all(one.shape[-1] <= 2 * one.shape[-2] for one in sheet[0]) else 2
    return Scrubbed(slider, picture, lambda: contact_sheet(*sheet, columns))


class Scrubbed(BoxWithStill):
    """A slider above a picture.

    Parameters
    ----------
    slider : widget
        The slider.
    picture : widget
        The picture.
    draw_still : callable
        Returns the figure that replaces both on a page that cannot run them.
    """

    def __init__(self, slider: ipywidgets.Widget, picture: ipywidgets.Widget, draw_still: Callable[[], Figure]) -> None:
        super().__init__([slider, picture])
        self.draw_still = draw_still

    def still(self) -> Figure:
        return self.draw_still()


def _spread(count: int) -> list[int]:
    """Return at most STILL_PICTURES evenly spread indices, including the first and the last."""
    if count <= STILL_PICTURES:
        return list(range(count))
    return sorted({round(index * (count - 1) / (STILL_PICTURES - 1)) for index in range(STILL_PICTURES)})


def draw_frame(run: Synthesis, title: str | None = None) -> Figure:
    """Draw the picture on the left, the curves on the right and the status below; the size never changes."""
    image = to_array(run.image)
    shape = image.shape[1] / image.shape[0]
    picture_width = min(5.6, MAX_HEIGHT * shape)
    height = max(3.0, picture_width / shape)
    figure, top, bottom = page(height + 0.06, title, f"{describe_progress(run)}\n{run.describe()}")
    figure.description = f"{title or 'The picture'} after {run.number} steps, and its loss curves"
    width, total = figure.get_size_inches()
    left = figure.add_axes((MARGIN / width, top - height / total, picture_width / width, height / total), anchor="N")
    left.imshow(image, interpolation="lanczos")
    left.set_axis_off()
    if run.history:
        start = (2 * MARGIN + picture_width) / width
        figure.set_layout_engine("constrained", rect=(start, bottom, 1 - start, top - bottom))
        axes = figure.add_subplot()
        draw_loss_curves(axes, run)
        axes.set_xlim(0, max(1, run.steps))
        axes.legend(fontsize=7, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure
