"""Figures: contact sheets with captions, loss curves, a run's timeline as a strip, and animations.

Every function that draws returns a matplotlib Figure made without pyplot: it shows itself at the end of a notebook
cell, in any thread, and nothing is left open.
"""

import fractions
import io
import math
import textwrap

import matplotlib.figure
import numpy as np
import PIL.Image

from stylelib.errors import InputError
from stylelib.images import check_writable, to_array, write_atomically

WIDTH = 10.0  # of a figure, in inches
# Colours and dashes together, so that no curve is told by its colour alone (Okabe and Ito's colours).
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


class Figure(matplotlib.figure.Figure):
    """A matplotlib figure that a notebook shows as a JPEG, an eighth of a PNG's size."""

    DOTS_PER_INCH = 110

    def jpeg(self, quality=85):
        """The figure as the bytes of a JPEG file."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="jpeg", dpi=self.DOTS_PER_INCH, pil_kwargs={"quality": quality})
        return buffer.getvalue()

    def _repr_jpeg_(self):
        return self.jpeg()

    def _repr_html_(self):
        return None


def contact_sheet(pictures, captions=None, columns=None, title=None, note=None):
    """Pictures side by side, each with its caption above.

    pictures: a list of picture tensors (1, 3, H, W). captions: as many texts. columns: all in one row by default, up to
    five. title: above the whole. note: below the whole, small: network, size, device and whatever else made it.
    """
    pictures = list(pictures)
    if not pictures:
        raise InputError("A contact sheet needs at least one picture.")
    captions = [""] * len(pictures) if captions is None else list(captions)
    if len(captions) != len(pictures):
        raise InputError(f"{len(pictures)} pictures need as many captions; got {len(captions)}.")
    columns = min(columns or 5, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    cell = WIDTH / columns
    tallest = max(picture.shape[-2] / picture.shape[-1] for picture in pictures)
    letters = int(cell * 13)  # that fit into a line over a picture
    lines = max((len(textwrap.wrap(caption, letters)) for caption in captions), default=0)
    figure, top, bottom = _page(rows * (cell * 0.97 * tallest + 0.17 * lines + 0.08), title, note)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, picture, caption in zip(grid.flat, pictures, captions, strict=False):
        axes.imshow(to_array(picture), interpolation="lanczos")
        axes.set_title(textwrap.fill(caption, letters), fontsize=9, pad=3)
    spread = {"wspace": 0.03, "hspace": (0.17 * lines + 0.08) / (cell * tallest)}
    figure.subplots_adjust(
        left=0.005, right=0.995, top=top - 0.17 * lines / figure.get_figheight(), bottom=bottom, **spread
    )
    return figure


def loss_curves(run, title=None):
    """The weighted loss of every term of a run, and their sum, against the steps; logarithmic.

    run: a Synthesis, or a dict {label: Synthesis} to compare the totals of several.
    """
    figure, top, bottom = _page(3.6, title, None)
    axes = figure.add_axes((0.08, bottom + 0.13, 0.66, top - bottom - 0.16))
    draw_loss_curves(axes, run)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8, frameon=False)
    return figure


def draw_loss_curves(axes, run):
    """Draw the curves of `loss_curves` into the axes of a figure of your own."""
    if isinstance(run, dict):
        curves = {label: [(record.number, record.loss) for record in one.history] for label, one in run.items()}
    else:
        names = run.history[0].losses if run.history else {}
        curves = {"total": [(record.number, record.loss) for record in run.history]} if len(names) != 1 else {}
        for name in names:
            curves[name] = [(record.number, record.losses[name]) for record in run.history]
    for index, (label, points) in enumerate(curves.items()):
        style = {"color": COLOURS[index % 7], "linestyle": DASHES[index % 7], "linewidth": 1.8 if index == 0 else 1.2}
        axes.plot([number for number, _ in points], [max(loss, 1e-30) for _, loss in points], label=label, **style)
    axes.set_yscale("log")
    axes.set_xlabel("step", fontsize=9)
    axes.set_ylabel("loss, weighted", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def timeline(run, count=6, title=None):
    """A run as a strip of pictures: the frames it kept (`keep_every`), `count` of them, first and last included."""
    numbers = sorted(run.frames)
    if not numbers:
        raise InputError("This run kept no frames; make it with keep_every=… to see its timeline.")
    chosen = sorted({numbers[round(i * (len(numbers) - 1) / max(1, count - 1))] for i in range(count)})
    captions = [f"step {number}" for number in chosen]
    return contact_sheet([run.frames[number] for number in chosen], captions, count, title, run.describe())


def save_animation(frames, path, seconds=6.0, hold=1.5):
    """Write pictures as an animation: .gif, or .mp4 (H.264). Returns the path.

    frames: picture tensors of one size, in order. seconds: how long they last together. hold: how long the last
    one stays, in seconds.
    """
    path = check_writable(path, (".gif", ".mp4"))
    arrays = [to_array(frame) for frame in frames]
    if not arrays:
        raise InputError("An animation needs at least one frame; make the run with keep_every=… .")
    with write_atomically(path) as file:
        write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
        write(arrays, file, seconds, hold)
    return path


def _write_gif(arrays, file, seconds, hold):
    images = [PIL.Image.fromarray(array) for array in arrays]
    each = max(20, round(1000 * seconds / len(images)))  # browsers slow anything faster than 20 ms down to 100
    durations = [each] * (len(images) - 1) + [each + round(1000 * hold)]
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)


def _write_mp4(arrays, file, seconds, hold):
    import av  # a large library, for this alone

    rate = fractions.Fraction(len(arrays) / seconds).limit_denominator(1000)
    height, width = (side - side % 2 for side in arrays[0].shape[:2])  # H.264 stores colour for 2 × 2 pixels at once
    # FFmpeg's muxer needs to seek in what it writes, and to know the kind that a temporary name does not say.
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for array in [*arrays, *[arrays[-1]] * math.ceil(hold * rate)]:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array[:height, :width]), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _page(height, title, note):
    """An empty figure with room for its content, title and note; returns (figure, top, bottom) of the content."""
    note_lines = textwrap.wrap(note, 165) if note else []
    above, below = (0.36 if title else 0.06), 0.06 + 0.15 * len(note_lines)
    total = height + above + below
    figure = Figure(figsize=(WIDTH, total), facecolor="white")
    if title:
        figure.text(0.008, 1 - 0.08 / total, title, va="top", ha="left", fontsize=12, weight="bold")
    if note_lines:
        figure.text(0.008, 0.04 / total, "\n".join(note_lines), va="bottom", ha="left", fontsize=7.5, color="#444444")
    return figure, 1 - above / total, below / total
