"""stylelib: neural style transfer after Gatys, Ecker and Bethge (CVPR 2016), small enough to read.

A picture is optimised against a list of terms, and a run is an iterator:

    import stylelib
    run = stylelib.style_transfer("riverside", "night_swirls").finish()
    stylelib.save_image(run.image, "out.png")
"""

import os
import signal
import sys

# Set before torch is imported, because its threads spin while they wait for each other. When another program used one
# of two cores, this made a run 20 times slower. Spinning briefly costs nothing when the cores are free.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
# `python -m stylelib` imports this first, for seconds, in which an interrupt should end it without a traceback.
_started = sys.argv[:1] == ["-m"] and "stylelib" in sys.orig_argv
if _started and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from stylelib.experiments import reconstruct_content, reconstruct_style, style_transfer
from stylelib.images import load_image, save_image
from stylelib.initialization import noise
from stylelib.optimizers import LBFGS, Adam
from stylelib.protocols import Gram, MeanStd, Network, Optimizer, Parameterization, Statistic, Term
from stylelib.recipes import Recipe
from stylelib.support.errors import InputError
from stylelib.support.gallery import bundled_images
from stylelib.support.machine import limit_threads, preset
from stylelib.synthesis import Synthesis
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content, Smoothness, Style, total_loss
from stylelib.weights.networks import load_network, register_network

limit_threads()

__all__ = [
    "CONTENT_LAYER",
    "LBFGS",
    "STYLE_LAYERS",
    "Adam",
    "Content",
    "Gram",
    "InputError",
    "MeanStd",
    "Network",
    "Optimizer",
    "Parameterization",
    "Recipe",
    "Smoothness",
    "Statistic",
    "Style",
    "Synthesis",
    "Term",
    "bundled_images",
    "load_image",
    "load_network",
    "noise",
    "preset",
    "reconstruct_content",
    "reconstruct_style",
    "register_network",
    "save_image",
    "style_transfer",
    "total_loss",
]
