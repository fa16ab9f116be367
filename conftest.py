"""Settings for all tests and for the kernels of the notebooks: the quick preset, and an empty folder for weights."""

import os
import tempfile

_folder = tempfile.mkdtemp(prefix="stylelib-tests-")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # stylelib sets it, too, but a test may import torch first
os.environ["STYLELIB_PRESET"] = "quick"
os.environ["STYLELIB_WEIGHTS"] = _folder  # a test must not depend on what this machine has downloaded
os.environ["TORCH_HOME"] = os.environ["KERAS_HOME"] = _folder
