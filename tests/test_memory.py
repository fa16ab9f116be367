"""A run that needs more memory than is free is refused before it starts."""

import re

import pytest
import torch

import stylelib
import stylelib.figures
from stylelib import Content, Style, Synthesis, Term
from stylelib.evaluation import memory
from stylelib.support.errors import InputError


@pytest.fixture
def terms(net, photo, painting):
    return [Content(net, photo, "conv3_1", weight=0.05), Style(net, painting, ["conv1_1", "conv2_1", "conv3_1"])]


def same(a, b):
    return torch.equal(a, b)


class Hungry(Term):
    """Asks for more memory than there is."""

    def losses(self, pictures, activations):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate …")


def test_out_of_memory_names_a_size_that_may_fit(photo):
    with pytest.raises(InputError, match=r"64 × \d+ pixels need more memory than is free; try size=42"):
        Synthesis(Hungry(), photo, steps=1).finish()


def test_a_run_that_will_not_fit_into_memory_is_refused_with_a_size_that_fits(net, photo, painting, monkeypatch):
    terms = [stylelib.Content(net, photo), stylelib.Style(net, painting)]
    monkeypatch.setattr(memory, "free_memory", lambda device: 3_000_000)
    run = Synthesis(terms, photo, steps=1)
    with pytest.raises(InputError, match=r"64 × 43 pixels need about .* GB of memory.* size=\d+ would fit") as refused:
        next(run)
    assert run.history == [] and run.evaluations == 0, "before anything is computed"
    fits = int(re.search(r"size=(\d+)", str(refused.value))[1])
    assert 32 <= fits < 64
    smaller = stylelib.load_image("riverside", fits)
    Synthesis([stylelib.Content(net, smaller), stylelib.Style(net, painting)], smaller, steps=1).finish()
    monkeypatch.setattr(memory, "free_memory", lambda device: 1000)
    with pytest.raises(InputError, match="no size would fit"):
        next(Synthesis(terms, photo, steps=1))


def test_where_a_device_does_not_say_what_is_free_a_run_is_tried(net, photo, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda device: None)
    next(Synthesis(stylelib.Content(net, photo), photo.flip(3)))
