"""Where a run starts: the content image, the style image, noise."""

import pytest
import torch

import stylelib
import stylelib.figures
from stylelib import Content, Smoothness, Style, Synthesis
from stylelib.initialization import INITIALIZATIONS, initial_picture
from stylelib.support.errors import InputError


@pytest.fixture
def terms(net, photo, painting):
    return [Content(net, photo, "conv3_1", weight=0.05), Style(net, painting, ["conv1_1", "conv2_1", "conv3_1"])]


def same(a, b):
    return torch.equal(a, b)


def test_initialisations_by_name(net, photo):
    tall = stylelib.load_image("facets", 80)
    terms = [Content(net, photo, "conv2_1"), Style(net, tall, ["conv1_1"])]
    content, style, noise = (initial_picture(name, terms, seed=5) for name in INITIALIZATIONS)
    assert same(content, photo)
    assert style.shape == noise.shape == photo.shape
    assert 0.4 < noise.mean() < 0.6 and 0.09 < noise.std() < 0.11
    neighbours = torch.corrcoef(torch.stack([noise[..., :-1].flatten(), noise[..., 1:].flatten()]))[0, 1]
    assert abs(neighbours) < 0.05  # white: a pixel says nothing about the next


def test_initialisations_that_no_term_can_give_are_refused(net, photo):
    with pytest.raises(InputError, match="cannot start from the style image"):
        Synthesis(Content(net, photo), "style")
    with pytest.raises(InputError, match="The noise needs a size, but no term has an image"):
        Synthesis(Smoothness(1.0), "noise")
    with pytest.raises(
        InputError, match=r"starts from 'content', 'style', 'noise' or a picture.*load_image\('riverside'\)"
    ):
        Synthesis(Content(net, photo), "riverside")
