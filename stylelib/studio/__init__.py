"""Live pictures in a notebook, of ipywidgets alone."""

from stylelib.studio.watching import scrub, watch

__all__ = ["scrub", "watch"]
