"""Live pictures in a notebook: watch a run, go through pictures with a slider, change a run's values."""

from stylelib.studio.app import Studio
from stylelib.studio.panels import panel
from stylelib.studio.watching import play, scrub, watch

__all__ = ["Studio", "panel", "play", "scrub", "watch"]
