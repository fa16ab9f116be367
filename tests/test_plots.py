"""Plots of numbers: what is drawn is what was given, told apart by more than colour."""

import colorsys

import matplotlib.colors
import pytest

from stylelib import figures
from stylelib.support import plots
from stylelib.support.plots import COLOURS, CONTENT_COLOUR, STYLE_COLOUR, curve_looks, label_colours


def hue(colour):
    return colorsys.rgb_to_hsv(*matplotlib.colors.to_rgb(colour))[0]


def test_lines_are_told_apart_without_colours_and_take_names_of_layers():
    figure = figures.lines({"a": (["conv1_1", "conv2_1"], [1, 2]), "b": [3, 4]}, "layer", "error", logarithmic="y")
    (axes,) = figure.axes
    first, second = axes.lines
    assert list(first.get_ydata()) == [1, 2] and first.get_marker() != second.get_marker()
    assert axes.get_yscale() == "log" and axes.get_xscale() == "linear"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]


def test_bars_stand_in_groups_and_a_missing_one_leaves_its_place():
    figure = figures.bars({"one": {"a": 1, "b": 2}, "two": {"b": 3}}, "how much")
    (axes,) = figure.axes
    heights = [bar.get_height() for bar in axes.patches]
    assert heights[0] == 1 and heights[2:] == [2, 3] and heights[1] != heights[1]
    assert axes.patches[0].get_hatch() != axes.patches[2].get_hatch()


def test_a_matrix_writes_its_numbers():
    figure = figures.matrix([[0, 1], [0.25, 0]], ["x", "y"], title="how far", note="compact")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["0.00", "1.00", "0.25", "0.00"]
    assert figure.jpeg()[:2] == b"\xff\xd8"


@pytest.mark.parametrize("columns, smallest", [(None, 0.23), (["p", "q", "r"], 0.0)], ids=["each other", "others"])
def test_zeros_on_the_diagonal_do_not_count_for_the_colours_where_each_is_compared_with_each(columns, smallest):
    figure = figures.matrix([[0, 0.23, 0.25], [0.23, 0, 0.27], [0.25, 0.27, 0]], ["x", "y", "z"], columns)
    (axes,) = figure.axes
    shades = axes.images[0].get_array()
    assert shades[1, 2] == 1 and abs(shades[0, 1] - (0.23 - smallest) / (0.27 - smallest)) < 1e-6
    first, second = axes.texts[:2]
    assert first.get_text() == "0.00" and second.get_color() == ("white" if columns is None else "black")
    assert first.get_color() == ("black" if columns is None else "white"), "legible on white"


def test_columns_of_other_units_have_colours_of_their_own():
    numbers = [[0.1, 50], [0.2, 100], [0.2, 75]]
    shades = [
        figures.matrix(numbers, "xyz", "pq", by_column=own).axes[0].images[0].get_array() for own in (True, False)
    ]
    assert shades[0].tolist() == [[0, 0], [1, 1], [1, 0.5]] and shades[1][:, 0].max() < 0.01


def test_a_matrix_of_one_zero_is_drawn():
    assert figures.matrix([[0]], ["x"]).jpeg()[:2] == b"\xff\xd8"


def test_labels_of_content_and_style_get_their_colours_and_the_others_the_rest():
    assert label_colours(["total", "content conv4_2", "style", "edges"]) == [
        COLOURS[0],
        CONTENT_COLOUR,
        STYLE_COLOUR,
        COLOURS[3],
    ]
    assert label_colours(["content, weighted", "style"], COLOURS[1:]) == [CONTENT_COLOUR, STYLE_COLOUR]
    assert label_colours(["contents", "stylish", "from style"]) == list(COLOURS[:3])


def test_several_styles_are_shades_of_one_colour_from_light_to_dark():
    shades = label_colours([f"style conv{block}_1" for block in range(1, 6)])
    brightness = [max(matplotlib.colors.to_rgb(colour)) for colour in shades]
    assert brightness == sorted(brightness, reverse=True) and len(set(shades)) == 5
    assert all(abs(hue(colour) - hue(STYLE_COLOUR)) < 0.02 for colour in shades)


def test_forty_curves_all_look_different():
    labels = ["total", "content conv4_2", *[f"style {index}" for index in range(10)], *map(str, range(28))]
    assert len({str(look) for look in curve_looks(labels)}) == 40


def test_bars_of_content_and_style_have_their_colours():
    (axes,) = figures.bars({"a": {"content, weighted": 1, "style": 2}}, "loss").axes
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in axes.patches]
    assert colours == [CONTENT_COLOUR, STYLE_COLOUR]


def test_a_single_curve_or_bar_needs_no_legend_and_scales_are_as_asked():
    (axes,) = figures.lines({"a": ([1, 10], [2, 20])}, "x", "y", logarithmic="x").axes
    assert axes.get_legend() is None and (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    (axes,) = figures.bars({"one": {"a": 1}, "two": {"a": 100}}, "how much", logarithmic=True).axes
    assert axes.get_legend() is None and axes.get_yscale() == "log"


def test_the_points_of_a_curve_can_have_labels():
    figure = plots.lines({"a": ([1, 2], [3, 4]), "b": [5, 6]}, "x", "y", labels={"a": ["first", "$second$"]})
    texts = {text.get_text(): text.xy for text in figure.axes[0].texts}
    assert texts == {"first": (1, 3), "$second$": (2, 4)}, "beside their points, and not read as formulas"
