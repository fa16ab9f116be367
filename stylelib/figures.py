"""Figures: contact sheets with captions, curves, bars, tables of numbers, a run's timeline, and animations.

Every function that draws returns a matplotlib Figure made without pyplot: it shows itself at the end of a notebook
cell, in any thread, and nothing is left open.
"""

import fractions
import io
import math
import textwrap

import matplotlib.figure
import matplotlib.ticker
import numpy as np
import PIL.Image

from stylelib.images import to_array
from stylelib.support.errors import InputError
from stylelib.support.files import check_writable, write_atomically

WIDTH = 10.0  # of a figure, in inches, as are the next four
MAX_HEIGHT = 4.2  # of a picture
MARGIN = 0.06
GAP = 0.1  # between pictures
LINE = 0.17  # of a caption
# Colours and dashes together, so that no curve is told by its colour alone (Okabe and Ito's colours).
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


class Figure(matplotlib.figure.Figure):
    """A matplotlib figure that a notebook shows as a JPEG, an eighth of a PNG's size."""

    DOTS_PER_INCH = 110

    def jpeg(self, quality=78):
        """The figure as the bytes of a JPEG file."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="jpeg", dpi=self.DOTS_PER_INCH, pil_kwargs={"quality": quality})
        return buffer.getvalue()

    def _ipython_display_(self):  # with _repr_jpeg_, a notebook that uses pyplot would keep a PNG beside the JPEG
        from IPython.display import Image, display

        display(Image(self.jpeg(), format="jpeg"))


def contact_sheet(pictures, captions=None, columns=None, title=None, note=None):
    """Pictures side by side, each with its caption above; those of a row are equally high, whatever their shapes.

    pictures: a list of picture tensors (1, 3, H, W). captions: as many texts. columns: all in one row by default, up to
    five. title: above the whole. note: below the whole, small: network, size, device and whatever else made it.
    """
    pictures = list(pictures)
    if not pictures:
        raise InputError("A contact sheet needs at least one picture.")
    captions = [""] * len(pictures) if captions is None else list(captions)
    if len(captions) != len(pictures):
        raise InputError(f"{len(pictures)} pictures need as many captions; got {len(captions)}.")
    if columns is not None and columns < 1:
        raise InputError(f"A contact sheet needs at least one column; got {columns}.")
    columns = min(columns or 5, len(pictures))
    rows, tallest = [], MAX_HEIGHT
    for start in range(0, len(pictures), columns):
        arrays = [to_array(picture) for picture in pictures[start : start + columns]]
        shapes = [min(max(array.shape[1] / array.shape[0], 0.4), 8) for array in arrays]  # width of a cell / its height
        tallest = min(tallest, (WIDTH - 2 * MARGIN - GAP * (len(shapes) - 1)) / sum(shapes))  # a last row not larger
        widths = [tallest * shape for shape in shapes]
        texts = [_wrap(text, 13 * width) for text, width in zip(captions[start:], widths, strict=False)]
        rows.append((arrays, widths, texts, tallest, LINE * max(len(lines) for lines in texts)))
    width = max(4.5, *(2 * MARGIN + sum(row[1]) + GAP * (len(row[1]) - 1) for row in rows))
    height = sum(height + above + GAP for *_, height, above in rows)
    figure, top, _ = page(height, title, note, min(width, WIDTH))
    width, total = figure.get_size_inches()
    y = top * total
    for arrays, widths, texts, height, above in rows:
        x, y = MARGIN, y - above - height
        for array, cell, lines in zip(arrays, widths, texts, strict=True):
            axes = figure.add_axes((x / width, y / total, cell / width, height / total))
            axes.imshow(array, interpolation="lanczos")
            axes.set_axis_off()
            axes.set_title("\n".join(lines), fontsize=9, pad=3)
            x += cell + GAP
        y -= GAP
    return figure


def loss_curves(run, title=None):
    """The weighted loss of every term of a run, and their sum, against the steps; logarithmic.

    run: a Synthesis, or a dict {label: Synthesis} to compare the totals of several.
    """
    runs = list(run.values()) if isinstance(run, dict) else [run]
    if not any(one.history for one in runs):
        raise InputError("There are no losses yet; take a step of the run first.")
    described = [one.describe().split(" · ") for one in runs]
    common = [part for part in described[0] if all(part in parts for parts in described)]
    figure, axes = _plot(title, " · ".join(common))
    draw_loss_curves(axes, run)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8, frameon=False)
    return figure


def draw_loss_curves(axes, run):
    """Draw the curves of `loss_curves` into the axes of a figure of your own."""
    if isinstance(run, dict):
        curves = {label: [(record.number, record.loss) for record in one.history] for label, one in run.items()}
    else:
        names = dict.fromkeys(name for record in run.history for name in record.losses)  # they may change on the way
        curves = {"total": [(record.number, record.loss) for record in run.history]} if len(names) != 1 else {}
        for name in names:
            curves[name] = [(record.number, record.losses.get(name, math.nan)) for record in run.history]
    for index, (label, points) in enumerate(curves.items()):
        dash = DASHES[(index + index // 7) % 7]  # with more than seven curves, a colour returns with another dash
        style = {"color": COLOURS[index % 7], "linestyle": dash, "linewidth": 1.8 if index == 0 else 1.2}
        losses = [loss if loss > 0 else math.nan for _, loss in points]  # zero has no place on a logarithmic scale
        axes.plot([number for number, _ in points], losses, label=label, **style)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    _finish(axes, "step", "loss, weighted", legend=False)


def lines(curves, xlabel, ylabel, title=None, note=None, logarithmic=False):
    """Curves with their points marked, in one plot.

    curves: {label: (x values, y values)} or {label: y values}. x values may be texts, such as names of layers.
    logarithmic: "y", "x" or "xy" for axes in powers of ten.
    """
    figure, axes = _plot(title, note)
    for index, (label, points) in enumerate(curves.items()):
        x, y = points if isinstance(points, tuple) else (range(len(points)), points)
        marker = "os^Dv*P"[index % 7]
        style = {"color": COLOURS[index % 7], "linestyle": DASHES[index % 7], "marker": marker, "markersize": 4}
        axes.plot(list(x), list(y), label=label, **style)
    for axis in logarithmic or "":
        getattr(axes, f"set_{axis}scale")("log")
    _finish(axes, xlabel, ylabel, len(curves) > 1)
    return figure


def bars(groups, ylabel, title=None, note=None, logarithmic=False):
    """Bars side by side: {label of the group: {label of the bar: value}}; each bar label has one colour and hatch."""
    figure, axes = _plot(title, note)
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    width = 0.8 / len(names)
    for index, name in enumerate(names):
        places = [place + (index - (len(names) - 1) / 2) * width for place in range(len(groups))]
        heights = [values.get(name, math.nan) for values in groups.values()]
        style = {"color": COLOURS[(index + 1) % 7], "hatch": ("", "//", "..", "xx", "--")[index % 5]}
        axes.bar(places, heights, width, label=name, edgecolor="white", **style)
    axes.set_xticks(range(len(groups)), list(groups))
    if logarithmic:
        axes.set_yscale("log")
    _finish(axes, "", ylabel, len(names) > 1)
    return figure


def matrix(values, rows, columns=None, title=None, note=None, digits=2):
    """A table of numbers, each in a coloured square. values: a list of rows, or a 2-d tensor."""
    values = np.asarray(values, dtype=float)
    columns = rows if columns is None else columns
    figure, top, bottom = page(min(0.42 * len(rows) + 0.9, 6.5), title, note)
    figure.set_layout_engine("constrained", rect=(0, bottom, 1, top - bottom))
    axes = figure.add_subplot()
    shown = axes.imshow(values, cmap="cividis", aspect="auto")
    axes.set_xticks(range(len(columns)), columns, fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.tick_params(length=0)
    for row, column in np.ndindex(values.shape):
        bright = sum(shown.cmap(shown.norm(values[row, column]))[:3]) > 1.5
        ink = "black" if bright else "white"
        axes.text(column, row, f"{values[row, column]:.{digits}f}", ha="center", va="center", color=ink, fontsize=8)
    axes.spines[:].set_visible(False)
    return figure


def _plot(title, note):
    figure, top, bottom = page(3.4, title, note)
    figure.set_layout_engine("constrained", rect=(0, bottom, 1, top - bottom))
    return figure, figure.add_subplot()


def _finish(axes, xlabel, ylabel, legend):
    axes.set_xlabel(xlabel, fontsize=9)
    axes.set_ylabel(ylabel, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if legend:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8, frameon=False)


def timeline(run, count=6, title=None, columns=None):
    """A run as a strip of pictures: up to `count` of the frames it kept (`keep_every`), first and last included.

    They stand closer at the beginning, where a run changes the picture most. columns: all in one row by default.
    """
    if not run.frames:
        raise InputError("This run kept no frames; make it with keep_every=… to see its timeline.")
    frames = kept_frames(run)
    numbers = list(frames)
    count = min(count, len(numbers))
    chosen, index = [], -1
    for place, wanted in enumerate(np.geomspace(1, len(numbers), count)):
        index = min(max(index + 1, round(wanted) - 1), len(numbers) - count + place)
        chosen.append(numbers[index])
    captions = [f"step {number}" for number in chosen]
    return contact_sheet([frames[number] for number in chosen], captions, columns or count, title, run.describe())


def kept_frames(run):
    """The pictures that a run kept and the one it has now, in order: {step: picture}."""
    return dict(sorted({**run.frames, run.number: run.image.cpu()}.items()))


def save_animation(frames, path, seconds=6.0, hold=1.5):
    """Write pictures as an animation: .gif, or .mp4 (H.264). Returns the path.

    frames: picture tensors of one size, in order. seconds: how long they last together. hold: how long the last
    one stays, in seconds.
    """
    path = check_writable(path, (".gif", ".mp4"))
    arrays = [to_array(frame) for frame in frames]
    if not arrays:
        raise InputError("An animation needs at least one frame; make the run with keep_every=… .")
    if len({array.shape for array in arrays}) > 1:
        raise InputError("The frames of an animation must all have the same size.")
    if not (seconds > 0 and hold >= 0):
        raise InputError(f"An animation lasts more than 0 seconds; got seconds={seconds}, hold={hold}.")
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


def page(height, title, note, width=WIDTH):
    """An empty figure with room for its content, title and note; returns (figure, top, bottom) of the content."""
    titles, notes = _wrap(title or "", 9 * width), _wrap(note or "", 18 * width)
    above, below = (0.16 + 0.2 * len(titles) if titles else 0.06), 0.06 + 0.15 * len(notes)
    total = height + above + below
    figure = Figure(figsize=(width, total), facecolor="white")
    figure.text(MARGIN / width, 1 - 0.08 / total, "\n".join(titles), va="top", fontsize=12, weight="bold")
    figure.text(MARGIN / width, 0.04 / total, "\n".join(notes), va="bottom", fontsize=7.5, color="#444444")
    return figure, 1 - above / total, below / total


def _wrap(text, letters):
    """The lines of a text, none longer than so many letters."""
    return [line for part in text.splitlines() for line in textwrap.wrap(part, int(letters))]
