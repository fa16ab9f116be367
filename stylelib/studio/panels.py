"""The live panel of each notebook: its recipe, and the knobs that the notebook is about.

python -m stylelib.panels notebooks/recordings                             # records them all, minutes each
python -m stylelib.panels notebooks/recordings 02_content_reconstruction   # or one
"""

import argparse
import dataclasses
import pathlib

from stylelib.paper import recordings
from stylelib.recipes import Recipe
from stylelib.support.errors import check_choice
from stylelib.terms import STYLE_LAYERS

SIZE, STEPS = 256, 100  # of every recording, as the preset "laptop"
LAST_LAYERS = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")


@dataclasses.dataclass(frozen=True)
class Panel:
    """title: what can be tried here. knobs: {a recipe's value: {label: value}}."""

    title: str
    recipe: Recipe
    knobs: dict


def _named(*values):
    return {f"{value:g}" if isinstance(value, float) else str(value).replace("_", " "): value for value in values}


def _layers(*layers):
    return {layer: layer for layer in layers}


def _cumulative(*counts):
    return {
        f"{STYLE_LAYERS[0]} … {STYLE_LAYERS[n - 1]}" if n > 1 else STYLE_LAYERS[0]: STYLE_LAYERS[:n] for n in counts
    }


_START = Recipe(size=SIZE, steps=STEPS)
PANELS = {
    "02_content_reconstruction": Panel(
        "What does a layer still know?",
        dataclasses.replace(_START, kind="content", init="noise"),
        {"content_layer": _layers(*LAST_LAYERS)},
    ),
    "03_style_reconstruction": Panel(
        "What does each further layer add?",
        dataclasses.replace(_START, kind="style", init="noise"),
        {"style_layers": _cumulative(1, 2, 3, 4, 5)},
    ),
    "04_initialization": Panel(
        "What does the start leave in the result?",
        _START,
        {"init": _named("content", "style", "noise"), "seed": {f"seed {seed}": seed for seed in (0, 1, 2)}},
    ),
    "05_style_transfer": Panel(
        "One photograph, many paintings",
        _START,
        {
            "style": _named("night_swirls", "stormy_sea", "sunset_waves", "composition", "mosaic", "woodcut"),
            "optimizer": {"L-BFGS": "lbfgs", "Adam": "adam"},
        },
    ),
    "06_content_and_style_weights": Panel(
        "How much content, and how much of the style?",
        _START,
        {"alpha_beta": _named(0.01, 0.03, 0.1, 0.3, 1.0), "style_layers": _cumulative(1, 3, 5)},
    ),
    "07_content_layer": Panel(
        "How literally shall the photograph be taken?",
        _START,
        {"content_layer": _layers(*LAST_LAYERS), "alpha_beta": _named(0.02, 0.1, 0.5)},
    ),
}


def main():
    parser = argparse.ArgumentParser(description="Record the runs of the notebooks' live panels.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(PANELS)}; default: all of them")
    options = parser.parse_args()
    for name in [check_choice("panel", name, PANELS) for name in options.names] or PANELS:
        recording = recordings.record(
            PANELS[name].recipe, PANELS[name].knobs, report=lambda made: print(made, flush=True)
        )
        path = recordings.save(recording, options.folder / f"{name}.zip")
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
