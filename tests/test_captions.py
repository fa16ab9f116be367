"""A run says everything that made its picture."""

import pytest
import torch

from stylelib import Adam, Content, Style, Synthesis


@pytest.fixture
def terms(net, photo, painting):
    return [Content(net, photo, "conv3_1", weight=0.05), Style(net, painting, ["conv1_1", "conv2_1", "conv3_1"])]


def same(a, b):
    return torch.equal(a, b)


def test_a_picture_says_everything_that_made_it(terms, net):
    words = Synthesis(terms, "noise", steps=2, optimizer=Adam(step_size=0.05), seed=7).finish().describe()
    for one in (
        net.describe(),
        terms[0].describe(),
        terms[1].describe(),
        "from noise",
        "64 × 43 px",
        "2 steps of Adam",
    ):
        assert one in words
    assert "step size 0.05" in words and "seed 7" in words and "on cpu" in words
