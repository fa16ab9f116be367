"""The live panel of each notebook: its recipe, and the knobs that the notebook is about.

tools/record_panels.py records their runs.
"""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from stylelib.paper import recordings
from stylelib.recipes import Recipe
from stylelib.studio.app import Studio
from stylelib.support.errors import check_choice, warn
from stylelib.support.gallery import bundled_recordings
from stylelib.support.machine import preset
from stylelib.terms import STYLE_LAYERS

FOLDER = bundled_recordings()
SIZE, STEPS = 256, 100  # of every recording, as in the preset "laptop"
LAST_LAYERS = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")


@dataclasses.dataclass(frozen=True)
class Panel:
    """What a panel shows.

    Attributes
    ----------
    title : str
        The question that it answers.
    recipe : Recipe
        The values that no knob changes.
    knobs : Mapping
        {name of a recipe's value: {label: value}}.
    """

    title: str
    recipe: Recipe
    knobs: Mapping[str, Mapping[str, Any]]


def _named(*values: str | float) -> dict[str, Any]:
    return {f"{value:g}" if isinstance(value, float) else str(value).replace("_", " "): value for value in values}


def _layers(*layers: str) -> dict[str, str]:
    return {layer: layer for layer in layers}


def _cumulative(*counts: int) -> dict[str, tuple[str, ...]]:
    return {
        f"{STYLE_LAYERS[0]} … {STYLE_LAYERS[n - 1]}" if n > 1 else STYLE_LAYERS[0]: STYLE_LAYERS[:n] for n in counts
    }


START = Recipe(size=SIZE, steps=STEPS)
PANELS = {
    "02_content_reconstruction": Panel(
        "What does a layer still know?",
        dataclasses.replace(START, kind="content", init="noise"),
        {"content_layer": _layers(*LAST_LAYERS)},
    ),
    "03_style_reconstruction": Panel(
        "What does each further layer add?",
        dataclasses.replace(START, kind="style", init="noise"),
        {"style_layers": _cumulative(1, 2, 3, 4, 5)},
    ),
    "04_initialization": Panel(
        "What does the start leave in the result?",
        START,
        {"init": _named("content", "style", "noise"), "seed": {f"seed {seed}": seed for seed in (0, 1, 2)}},
    ),
    "05_style_transfer": Panel(
        "One photograph, many paintings",
        START,
        {
            "style": _named("night_swirls", "stormy_sea", "sunset_waves", "composition", "mosaic", "woodcut"),
            "optimizer": {"L-BFGS": "lbfgs", "Adam": "adam"},
        },
    ),
    "06_content_and_style_weights": Panel(
        "How much content, and how much of the style?",
        START,
        {"alpha_beta": _named(0.02, 0.06, 0.2, 0.6, 2.0), "style_layers": _cumulative(1, 3, 5)},
    ),
    "07_content_layer": Panel(
        "How literally should the photograph be taken?",
        START,
        {"content_layer": _layers(*LAST_LAYERS), "alpha_beta": _named(0.05, 0.2, 0.8)},
    ),
}


def panel(name: str, network: str | None = None, folder: str | os.PathLike[str] = FOLDER) -> Studio:
    """Return a notebook's live panel, with its recording if there is one.

    Parameters
    ----------
    name : str
        The notebook's name, without its ending.
    network : str, optional
        The name of the network to compute with.
    folder : path
        The folder of the recordings.

    Returns
    -------
    Studio
        Its runs have the preset's size and steps.

    Raises
    ------
    InputError
        If the name is unknown, or the recording is damaged.
    """
    chosen = PANELS[check_choice("panel", name, PANELS)]
    recipe = dataclasses.replace(chosen.recipe, size=preset().size, steps=preset().steps)
    if network is not None:
        recipe = dataclasses.replace(recipe, network=network)
    path = pathlib.Path(folder) / f"{name}.zip"
    if not path.exists():
        warn(f"There is no recording {path}; the panel shows pictures only after it has computed them.")
    return Studio(recipe, chosen.knobs, chosen.title, recordings.load(path) if path.exists() else None)
