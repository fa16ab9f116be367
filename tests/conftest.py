"""What every test shares: small pictures and the embedded network."""

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
