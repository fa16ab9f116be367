"""Recordings as scrubbers: a page shows every step of every run, without a kernel.

site/sphinx/_static/scrub.js adds the sliders, the losses and their curves.
"""

import dataclasses
import hashlib
import html
import itertools
import json
import pathlib

import PIL.Image

from stylelib.paper import recordings
from stylelib.paper.recordings import RecordedRun, Recording
from stylelib.recipes import Recipe

LABELS = {field.name: field.metadata.get("label", field.name) for field in dataclasses.fields(Recipe)}


def scrubber(recording: Recording, title: str, folder: pathlib.Path, url: str) -> str:
    """Write a recording's pictures into a folder, and return the HTML that shows them.

    `url` leads from the page to the folder. Without JavaScript the page shows the last picture of the first run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = about(recording, folder)
    run = data["runs"][data["grid"][position(data["knobs"], data["start"])]]
    with PIL.Image.open(folder / run["files"][-1]) as picture:
        width, height = picture.size
    text = json.dumps({**data, "url": url}, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<figure class="scrubber">\n'
        f'<div><img src="{url}/{run["files"][-1]}" alt="{html.escape(alt(data, run))}" '
        f'width="{width}" height="{height}"></div>\n'
        f'<div class="scrubber-side"><p class="scrubber-title">{html.escape(title)}</p></div>\n'
        f"<figcaption><span>Recorded: {html.escape(run['made'])}.</span> The notebook computes new runs.</figcaption>\n"
        f'<script type="application/json">{text}</script>\n'
        f"</figure>"
    )


def about(recording: Recording, folder: pathlib.Path) -> dict:
    """Return what the page has to know about a recording, and write its pictures.

    `runs[grid[i]]` is the run of the i-th combination of the knobs' choices; the last knob changes first.
    """
    runs, grid, known = [], [], []
    for values in itertools.product(*(choices.values() for choices in recording.knobs.values())):
        run = recording.runs[values]
        if run not in known:  # a knob that changes nothing here, such as the seed without noise, has equal runs
            known.append(run)
            runs.append(about_run(run, folder))
        grid.append(known.index(run))
    knobs = [{"label": LABELS[name], "choices": list(choices)} for name, choices in recording.knobs.items()]
    start = [
        list(choices.values()).index(getattr(recording.recipe, name))
        if getattr(recording.recipe, name) in choices.values()
        else 0
        for name, choices in recording.knobs.items()
    ]
    return {"knobs": knobs, "start": start, "grid": grid, "runs": runs}


def about_run(run: RecordedRun, folder: pathlib.Path) -> dict:
    """Return a run's steps, pictures, losses and caption, and write its pictures."""
    files = []
    for data in run.frames.values():
        files.append(f"{hashlib.sha256(data).hexdigest()[:16]}.jpg")
        (folder / files[-1]).write_bytes(data)
    steps = list(run.frames)
    losses = {name: [run.losses[step].get(name) for step in steps] for name in run.losses[steps[-1]]}
    return {"steps": steps, "files": files, "losses": losses, "made": run.made}


def position(knobs: list[dict], chosen: list[int]) -> int:
    """Return the number of a combination of choices."""
    place = 0
    for knob, choice in zip(knobs, chosen, strict=True):
        place = place * len(knob["choices"]) + choice
    return place


def alt(data: dict, run: dict) -> str:
    """Return what the first picture shows, for those who cannot see it; scrub.js says the same of the others."""
    values = [f"{knob['label']} {knob['choices'][at]}" for knob, at in zip(data["knobs"], data["start"], strict=True)]
    return f"The picture after step {run['steps'][-1]}: {', '.join(values)}"


def load(path: pathlib.Path) -> Recording | None:
    """Return a recording, or None if there is none."""
    return recordings.load(path) if path.exists() else None
