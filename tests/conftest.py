"""What every test shares: the quick preset, small pictures, the embedded network, and no cache of the user."""

import os
import tempfile

os.environ.setdefault("STYLELIB_PRESET", "quick")
os.environ["STYLELIB_WEIGHTS"] = os.environ.get("STYLELIB_TEST_WEIGHTS") or tempfile.mkdtemp(prefix="stylelib-tests-")

import pytest
import torch

import stylelib


@pytest.fixture(scope="session")
def net():
    """The embedded network, activation-normalised, on the CPU: what is tested must not depend on the machine."""
    return stylelib.load_network("compact", device="cpu")


@pytest.fixture(scope="session")
def photo():
    return stylelib.load_image("riverside", 64)


@pytest.fixture(scope="session")
def painting():
    return stylelib.load_image("night_swirls", 64)


@pytest.fixture
def seeded():
    return torch.Generator().manual_seed(0)
