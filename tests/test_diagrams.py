"""The drawings that explain."""

from stylelib.analysis.diagrams import method_diagram, vgg_diagram
from stylelib.vgg import LAYOUTS, WIDTHS


def test_method_diagram_names_everything_in_the_total_loss(photo, painting):
    figure = method_diagram(photo, photo * 0.5, painting)
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    for one in ("style image a", "picture x", "content image p", "α", "β", "Gram", "conv4_2", "conv5", "gradient"):
        assert one in words
    assert len(figure.axes[0].images) == 3
    assert figure.jpeg()[:2] == b"\xff\xd8"


def test_vgg_diagram_has_a_box_for_each_convolution_and_a_pooling_between_blocks():
    for names in (("vgg11", "vgg19"), ("compact",)):
        figure = vgg_diagram(names)
        words = [text.get_text() for text in figure.axes[0].texts]
        assert sum(word.startswith("conv") for word in words) == sum(sum(LAYOUTS[name]) for name in names)
        assert [word for word in words if word in LAYOUTS] == list(names)
        poolings = [patch for patch in figure.axes[0].patches if type(patch).__name__ == "Polygon"]
        assert len(poolings) == 4 * len(names)
    assert f"{WIDTHS['compact'][0]} filters" in words and "512 filters" not in words


def test_no_text_of_the_vgg_diagram_runs_out_of_the_figure():
    figure = vgg_diagram()
    figure.jpeg()
    edges = figure.bbox
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert edges.x0 <= box.x0 and box.x1 <= edges.x1 and edges.y0 <= box.y0 and box.y1 <= edges.y1, text.get_text()
