"""A run to look at while it goes: the picture and its loss curve, in place, in a notebook.

run = watch(stylelib.style_transfer("riverside", "night_swirls"))
"""

import time

from stylelib.figures import Figure, draw_loss_curves
from stylelib.images import to_array

SHARE = 0.05  # of the run's time that drawing may cost


def watch(run, title=None):
    """Finish a run while showing it, and return it.

    The output area holds one picture that is replaced as the run goes, often at first and never so often that drawing
    costs more than a twentieth of the time. The kernel's interrupt (■) stops the run and keeps the picture; `watch`
    it again to go on. Outside a notebook nothing is shown.
    """
    from IPython.display import Image, display

    def frame():
        return Image(_draw(run, title).jpeg(), format="jpeg")

    shown = display(frame(), display_id=True)
    next_time = 0.0
    try:
        for _ in run:
            started = time.perf_counter()
            if shown is not None and started >= next_time:
                shown.update(frame())
                next_time = time.perf_counter() + (time.perf_counter() - started) / SHARE
    except KeyboardInterrupt:
        run.stop_reason = f"interrupted after step {run.number}; watch it again to go on"
    if shown is not None:
        shown.update(frame())
    return run


def _draw(run, title):
    """One frame: the picture on the left, the curves on the right, the state below; always of the same size."""
    image = to_array(run.image)
    height, width = image.shape[:2]
    page_width = 10.0
    picture_width = min(5.6, 4.2 * width / height)
    picture_height = picture_width * height / width
    page_height = picture_height + 0.75
    figure = Figure(figsize=(page_width, page_height), facecolor="white")
    left = figure.add_axes((0.005, 0.42 / page_height, picture_width / page_width, picture_height / page_height))
    left.imshow(image, interpolation="lanczos")
    left.set_axis_off()
    edge = picture_width / page_width + 0.085
    right = figure.add_axes((edge, 0.95 / page_height, 0.985 - edge, (picture_height - 0.6) / page_height))
    if run.history:
        draw_loss_curves(right, run)
        right.legend(fontsize=7, frameon=False, loc="upper right")
    right.set_xlim(0, max(1, run.steps))
    figure.text(0.008, 1 - 0.06 / page_height, title or "", va="top", fontsize=11, weight="bold")
    figure.text(0.008, 0.1 / page_height, _status(run), va="bottom", fontsize=8.5, color="#333333")
    return figure


def _status(run):
    if run.stop_reason:
        return f"{run.number} steps in {run.seconds:.0f} s: {run.stop_reason}."
    left = run.seconds_left
    remaining = "" if left is None else f", about {left:.0f} s left"
    return f"step {run.number} of {run.steps}, {run.seconds:.0f} s{remaining}"
