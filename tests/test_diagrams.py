"""The drawings that explain."""

from stylelib.diagrams import method_diagram


def test_method_diagram_names_everything_in_the_total_loss(photo, painting):
    figure = method_diagram(photo, photo * 0.5, painting)
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    for one in ("style image a", "picture x", "content image p", "α", "β", "Gram", "conv4_2", "conv5", "gradient"):
        assert one in words
    assert len(figure.axes[0].images) == 3
    assert figure.jpeg()[:2] == b"\xff\xd8"
