"""The handout of symbols and equations as a page that prints on two sides, from docs/teaching/handout.md."""

import base64
import functools
import html
import io
import re

import matplotlib
from matplotlib import mathtext
from matplotlib.font_manager import FontProperties
from nbconvert.filters import markdown2html

import stylelib
from stylelib.vgg import LAYOUTS, WIDTHS, layer_names, stride_of
from tools.teaching import files

SOURCE = "docs/teaching/handout.md"
SIZE = 12  # points, of the formulas
BETWEEN = "<!-- {0} -->.*?<!-- /{0} -->"
STYLE = """
@page { size: A4; margin: 11mm 13mm; }
* { box-sizing: border-box; }
body { font: 9.8pt/1.36 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #111; max-width: 184mm;
       margin: 8mm auto; padding: 0 4mm; }
h1 { font-size: 15pt; margin: 0 0 2mm; }
h2 { font-size: 10.5pt; margin: 3.2mm 0 1mm; border-bottom: 0.6pt solid #111; break-after: avoid; }
p { margin: 1mm 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: middle; padding: 0.45mm 2mm 0.45mm 0; border-bottom: 0.3pt solid #bbb; }
tr { break-inside: avoid; }
thead:not(:has(th:not(:empty))) { display: none; }
td:first-child:has(code) { max-width: 112mm; }
img { vertical-align: middle; }
pre { font-size: 8.4pt; line-height: 1.25; margin: 1mm 0; padding: 1.5mm 2mm; border: 0.4pt solid #bbb;
      white-space: pre-wrap; break-inside: avoid; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.88em; }
.turn { break-before: page; }
.highlight span { color: inherit !important; }
@media print { body { margin: 0; padding: 0; max-width: none; } }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def page() -> str:
    """Return the page, with everything in it."""
    text = (files.ROOT / SOURCE).read_text(encoding="utf-8")
    table = re.search(r"^\|.*?(?=\n\n)", symbols(), re.MULTILINE | re.DOTALL)[0]
    text = re.sub(BETWEEN.format("symbols"), lambda _: table, text, flags=re.DOTALL)
    text = text.replace("<!-- blocks -->", "\n".join(blocks()))
    text = text.replace("<!-- turn -->", '<div class="turn"></div>')
    text = re.sub("<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"\$(.+?)\$", lambda formula: picture(formula[1]), text)
    body = re.sub('<a class="anchor-link".*?</a>', "", markdown2html(text))
    return PAGE.format(title="Neural style transfer on two sides", style=STYLE, body=body)


def symbols() -> str:
    """Return the text of the page of symbols."""
    return (files.ROOT / "docs" / "symbols.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    """Return the rows of the table of VGG-19's blocks."""
    net = stylelib.load_network("compact")  # its blocks 1 to 4 are VGG-19's, so the fields are the same
    rows = []
    for number, width in enumerate(WIDTHS["vgg19"], 1):
        layers = [layer for layer in layer_names(LAYOUTS["vgg19"]) if layer.startswith(f"conv{number}_")]
        side = 256 // stride_of(layers[0])
        field = net.receptive_field(layers[0])
        rows.append(
            f"| {number} | `{layers[0]}` to `{layers[-1]}` | {width} | {side} × {side} | {field} × {field} px |"
        )
    return rows


@functools.cache
def picture(formula: str) -> str:
    """Return a formula as a picture in the text, on the line's height, with its source as its text."""
    parser = mathtext.MathTextParser("path")
    with matplotlib.rc_context({"mathtext.fontset": "dejavuserif", "svg.fonttype": "path"}):
        properties = FontProperties(size=SIZE)
        _, height, depth, *_ = parser.parse(f"${simple(formula)}$", dpi=72, prop=properties)
        buffer = io.BytesIO()
        mathtext.math_to_image(f"${simple(formula)}$", buffer, prop=properties, dpi=72, format="svg")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    style = f"height:{height:.1f}pt;vertical-align:{-depth:.1f}pt"
    return f'<img alt="{html.escape(formula)}" style="{style}" src="data:image/svg+xml;base64,{encoded}">'


def simple(formula: str) -> str:
    """Return a formula in the part of TeX that matplotlib draws."""
    upright = re.sub(r"_\\text\{(\w+)\}", r"_{\\mathrm{\1}}", formula)
    return upright.replace(r"\mathcal L", r"\mathcal{L}")
