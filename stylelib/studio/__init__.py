"""Live pictures in a notebook, of ipywidgets alone: watch a run, scrub through pictures, turn the knobs."""

from stylelib.studio.app import Studio, panel
from stylelib.studio.watching import scrub, watch

__all__ = ["Studio", "panel", "scrub", "watch"]
