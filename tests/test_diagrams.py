"""The explanatory drawings: they name everything, nothing runs out of them, and their arrows do not cross."""

import itertools

import pytest
import torch

from stylelib.analysis.diagrams import filter_diagram, method_diagram, vgg_diagram
from stylelib.figures import CONTENT_COLOUR, STYLE_COLOUR
from stylelib.vgg import LAYOUTS, WIDTHS


def test_method_diagram_names_everything_in_the_total_loss(photo, painting):
    figure = method_diagram(photo, photo * 0.5, painting)
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    for one in ("style image a", "picture x", "content image p", "α", "β", "Gram", "conv4_2", "conv5", "gradient"):
        assert one in words
    assert len(figure.axes[0].images) == 3
    assert figure.jpeg()[:2] == b"\xff\xd8"


def test_a_filters_answers_are_shown_with_the_numbers_of_their_liveliest_piece(photo):
    answers = torch.zeros(8, 12)
    answers[2:5, 6] = 3
    axes = filter_diagram(photo, "conv2_1", answers).axes[0]
    words = [text.get_text() for text in axes.texts]
    assert words.count("3.0") == 3 and words.count("0.0") == 9
    assert len(axes.images) == 3 and any("conv2_1" in word for word in words)


def test_vgg_diagram_has_a_box_for_each_convolution_and_a_pooling_between_blocks():
    for names in (("vgg11", "vgg19"), ("compact",)):
        figure = vgg_diagram(names)
        words = [text.get_text() for text in figure.axes[0].texts]
        assert sum(word.startswith("conv") for word in words) == sum(sum(LAYOUTS[name]) for name in names)
        assert [word for word in words if word in LAYOUTS] == list(names)
        poolings = [patch for patch in figure.axes[0].patches if type(patch).__name__ == "Polygon"]
        assert len(poolings) == 4 * len(names)
    assert f"{WIDTHS['compact'][0]} filters" in words and "512 filters" not in words


def segments(figure):
    """(Start, end) of each arrow."""
    return [(text.xyann, text.xy) for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]


def side(point, start, end):
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def test_arrows_of_the_method_do_not_cross(photo, painting):
    arrows = segments(method_diagram(photo, photo, painting))
    assert len(arrows) == 10 + 2 + 2 + 3 + 1, "style, content, their losses, pictures into networks, the gradient"
    for (a, b), (c, d) in itertools.combinations(arrows, 2):
        apart = side(a, c, d) * side(b, c, d) > 0 or side(c, a, b) * side(d, a, b) > 0
        collinear = side(a, c, d) == side(b, c, d) == 0  # two halves of one comparison, with its name between them
        assert apart or (collinear and max(a[0], b[0]) < min(c[0], d[0]))


def test_content_and_style_have_their_colours(photo, painting):
    texts = method_diagram(photo, photo, painting).axes[0].texts
    colours = {text.get_text().split("\n")[0]: text.get_color() for text in texts}
    assert colours["style loss"] == colours["Gram"] == STYLE_COLOUR
    assert colours["content loss"] == colours["conv4_2"] == CONTENT_COLOUR


@pytest.mark.parametrize("kind", ["method", "filter", "vgg"])
def test_no_text_runs_out_of_a_figure(kind, photo, painting):
    if kind == "vgg":
        figure = vgg_diagram(["compact11", "vgg19"])
    elif kind == "method":
        figure = method_diagram(photo, photo, painting)
    else:
        figure = filter_diagram(photo, "conv1_1", torch.rand(30, 20))
    figure.jpeg()
    edges = figure.bbox
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert edges.x0 <= box.x0 and box.x1 <= edges.x1 and edges.y0 <= box.y0 and box.y1 <= edges.y1, text.get_text()
