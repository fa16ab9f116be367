"""Fixtures for all tests: small pictures and the embedded network."""

import os

import pytest
import torch

import stylelib
from stylelib.protocols.optimizer import Optimizer
from stylelib.protocols.rebuild import Rebuildable
from stylelib.shell.commands import main
from stylelib.weights import networks
from tests.held_steps import Gate

if "PYTEST_XDIST_WORKER" in os.environ:  # several test processes share the cores
    share = max(1, torch.get_num_threads() // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    torch.set_num_threads(share)
    os.environ["OMP_NUM_THREADS"] = str(share)  # for the kernels and all other processes that tests start


@pytest.fixture(scope="session")
def net():
    """The embedded network, activation-normalised, on the CPU, so that no result depends on the machine."""
    return stylelib.load_network("compact", device="cpu")


@pytest.fixture(scope="session")
def photo():
    return stylelib.load_image("riverside", 64)


@pytest.fixture(scope="session")
def painting():
    return stylelib.load_image("night_swirls", 64)


@pytest.fixture(autouse=True, scope="module")
def your_own_things_stay_in_their_file():
    """Networks, optimisers and other classes that a test defines are forgotten after the file that defines them."""
    tables = networks.registered, Optimizer.known, Rebuildable._kinds
    before = [dict(table) for table in tables]
    yield
    for table, kept in zip(tables, before, strict=True):
        table.clear()
        table.update(kept)


@pytest.fixture
def seeded():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def call(capsys):
    """Call the shell's `main` with these arguments; returns (exit code, stdout, stderr)."""

    def call(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def gate(monkeypatch):
    """Steps of recipes that wait until they are let through."""
    gate = Gate(monkeypatch)
    yield gate
    gate.let(1000)
