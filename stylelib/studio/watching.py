"""A run to look at while it goes: the picture and its loss curve, in place, in a notebook.

run = watch(stylelib.style_transfer("riverside", "night_swirls"))
"""

import base64
import time

import ipywidgets

from stylelib.figures import MARGIN, MAX_HEIGHT, contact_sheet, draw_loss_curves, page
from stylelib.images import to_array
from stylelib.studio.display import progress

SHARE = 0.05  # of the run's time that drawing may cost


def watch(run, title=None):
    """Finish a run while showing it, and return it.

    The output area holds one picture that is replaced as the run goes, but never so often that drawing costs more
    than a twentieth of the time. The kernel's interrupt (■) stops the run and keeps the picture; `watch` it again to
    go on. Outside a notebook nothing is shown.
    """
    from IPython import get_ipython
    from IPython.display import Image, display

    def frame():
        return Image(_draw(run, title).jpeg(), format="jpeg")

    in_notebook = hasattr(get_ipython(), "kernel")  # elsewhere `display` would print each picture's address
    shown = display(frame(), display_id=True) if in_notebook else None
    next_time = 0.0
    try:
        for _ in run:
            started = time.perf_counter()
            if shown is not None and started >= next_time:
                shown.update(frame())
                next_time = time.perf_counter() + (time.perf_counter() - started) / SHARE
    except KeyboardInterrupt:
        run.stop(f"interrupted after step {run.number}; watch it again to go on")
    if shown is not None:
        shown.update(frame())
    return run


def scrub(pictures, labels, name):
    """Show a slider through pictures that have been computed already; the arrow keys move it too. Returns the widget.

    On a page that runs nothing up to six of the pictures stand in the slider's place.

    pictures: tensors (1, 3, H, W). labels: a text for each. name: what the slider changes.
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
    return _Scrubbed(slider, picture, lambda: contact_sheet(*_some(pictures, labels), 3).jpeg())


class _Scrubbed(ipywidgets.VBox):
    """A slider above a picture, and a JPEG that stands for both where no widget can be shown."""

    def __init__(self, slider, picture, still):
        super().__init__([slider, picture])
        self.still = still

    def _repr_mimebundle_(self, **arguments):
        bundle = super()._repr_mimebundle_(**arguments)
        return bundle and {**bundle, "image/jpeg": base64.b64encode(self.still()).decode()}


def _some(pictures, labels, count=6):
    """At most `count` of the pictures, evenly spread, the first and the last among them, with their labels."""
    last = len(pictures) - 1
    chosen = sorted({round(index * last / (count - 1)) for index in range(count)}) if last >= count else range(last + 1)
    return [pictures[index] for index in chosen], [labels[index] for index in chosen]


def _draw(run, title):
    """One frame: the picture on the left, the curves on the right, the state below; always of the same size."""
    image = to_array(run.image)
    shape = image.shape[1] / image.shape[0]
    picture_width = min(5.6, MAX_HEIGHT * shape)
    height = max(3.0, picture_width / shape)
    figure, top, bottom = page(height + 0.06, title, f"{progress(run)}\n{run.describe()}")
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
