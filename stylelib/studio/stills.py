"""Pictures in place of the widgets, for a page that runs nothing."""

import base64
import html
import itertools

from stylelib.figures import contact_sheet
from stylelib.images import load_image


def _link(path):
    """A saved file's name, as a link that downloads it: the machine that computes may not be the reader's own."""
    kind = {".png": "image/png", ".gif": "image/gif", ".json": "application/json"}.get(path.suffix, "image/jpeg")
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<a download="{html.escape(path.name)}" href="data:{kind};base64,{data}">{html.escape(str(path))}</a>'


def strip(recording):
    """The last frames of a recording in rows, its first knob from left to right."""
    first, *others = recording.knobs.values()
    pictures, captions, shown = [], [], []
    for rest in itertools.product(*(choices.items() for choices in others)):
        for label, value in first.items():
            run = recording.runs[(value, *(other for _, other in rest))]
            if run in shown:  # a knob that changes nothing here, such as the seed without noise
                continue
            shown.append(run)
            pictures.append(load_image(list(run.frames.values())[-1]))
            captions.append(", ".join([label, *(other for other, _ in rest)]))
    made = next(iter(recording.runs.values())).made
    note = f"Recorded; the first: {made}\nOn a page that can compute, knobs stand here."
    return contact_sheet(pictures, captions, len(first), note=note)


def inputs(recipe):
    """The pictures that a recipe starts from."""
    pictures = [load_image(source, recipe.size) for source in recipe.pictures.values()]
    note = "Nothing is computed yet. On a page that can compute, the controls, the picture and its curves stand here."
    return contact_sheet(pictures, [f"{role} image" for role in recipe.pictures], note=note)
