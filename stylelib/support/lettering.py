"""Texts of figures, drawn as they are: a file's name is no formula, and may be in any script."""

import functools

import matplotlib.figure
import matplotlib.font_manager
import matplotlib.ft2font
import matplotlib.text

# matplotlib's own font, then those of Linux, Windows and macOS that have Chinese, Japanese and Korean characters
FAMILIES = (
    *("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Droid Sans Fallback"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans", "Arial Unicode MS"),
)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def draw_as_they_are(figure: matplotlib.figure.Figure) -> None:
    """Prepare all texts of a figure: no dollar sign begins a formula, and no character is one that no font here has.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        It is changed. The labels of logarithmic axes are matplotlib's own formulas and stay so.
    """
    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) if axis.get_scale() == "log"]
    formulas = {id(label) for axis in axes for label in axis.get_ticklabels(which="both")}
    for text in figure.findobj(matplotlib.text.Text):
        if isinstance(text, matplotlib.text.Text) and id(text) not in formulas:
            text.set_parse_math(False)
            if not text.get_text().isascii():
                text.set_fontfamily(list(families()))
            text.set_text(drawable(text.get_text()))


def drawable(text: str) -> str:
    """Return a text in which another sign stands for the characters that no font here has."""
    if text.isprintable() and text.isascii():
        return text
    return "".join(sign if ord(sign) in characters() else REPLACEMENT for sign in text)


def as_label(text: object) -> str:
    """Return a text as the label of a curve or of a place on an axis; matplotlib leaves out what begins with a line."""
    label = drawable(str(text))
    return f"\N{HAIR SPACE}{label}" if label.startswith("_") else label


@functools.cache
def families() -> tuple[str, ...]:
    """Return those of FAMILIES that this machine has."""
    here = set(matplotlib.font_manager.get_font_names())
    return tuple(name for name in FAMILIES if name in here)


@functools.cache
def characters() -> frozenset[int]:
    """Return the characters that these fonts have, and the line break."""
    find = matplotlib.font_manager.findfont
    fonts = [matplotlib.ft2font.FT2Font(str(find(name))) for name in families()]
    return frozenset({ord("\n")}.union(*(font.get_charmap() for font in fonts)))
