"""Draw the layers of the package, and list its files with a sentence for each: docs/architecture.svg and .md.

python tools/architecture.py

The layers are those that import-linter checks, in pyproject.toml; the sentences are the first of each docstring.
"""

import ast
import pathlib
import textwrap
import tomllib
from html import escape

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "stylelib"
PAGE, PICTURE = ROOT / "docs/architecture.md", ROOT / "docs/architecture.svg"

WIDTH, LEFT, GAP, HEAD, LINE = 860, 150, 8, 30, 15  # pixels of the drawing
BLACK, GREY = "#111827", "#6b7280"
FLOORS = {"shell": "uses", "recipes": "the method,\nand what it needs", "support": "helpers"}  # beside these layers

HEADER = """\
# Architecture

<!-- written by tools/architecture.py -->

**The method is at the top of `stylelib/`, with one short file for each part. Everything else is in folders.** To learn
the method, read the files of the first table in their order. A picture passes through `images`, `vgg`, `terms`,
`synthesis` and `figures`, in this order.

A file imports only from the layers below its own. Files in one layer do not import each other. The test suite checks
both with import-linter.

![The layers of stylelib, from the shell at the top to support at the bottom](architecture.svg)

As text, from top to bottom: LAYERS.

| to add | look at |
| --- | --- |
| a term, for example one with a mask | `protocols/term.py`; `terms.py` has examples |
| a statistic, which defines what style is | `protocols/statistic.py` |
| a network | `protocols/network.py`, `register_network` in `weights/networks.py` |
| an optimiser | `protocols/optimizer.py`; `optimizers.py` has examples |
| a parameterization, which makes pictures from numbers | `protocols/parameterization.py` |
| a notebook, an exercise, a panel | `notebooks/`, `exercises/`, `studio/panels.py` |

[CONTRIBUTING](../CONTRIBUTING.md) has a recipe for each.

## Where does … happen?

| what | where |
| --- | --- |
| the Gram matrix | `losses.py` writes it out; `protocols/statistic.py` divides it by the positions and applies a \
mask; `engine/engine.py` has its fast derivative, which `evaluation/evaluator.py` puts in its place in a run |
| a mask | `support/masks.py` checks it and scales it to a layer; `terms.py` applies it |
| the total loss | `terms.py` sums the terms; `evaluation/evaluator.py` computes the same for a run, with its gradient |
| one step | `synthesis.py` asks `optimizers.py` for the next parameters and sends it their evaluation |
| the initial picture | `initialization.py` |
| reading a network's file | `weights/store.py` finds it, `weights/formats.py` reads it |
| refusing a run that needs too much memory | `evaluation/memory.py`; `protocols/network.py` and `protocols/term.py` \
say what their objects need |
| checking a value before a run | `recipes.py` names a check for each field; the checks are in \
`storage/recipe_values.py` and `support/errors.py` |
| the studio's slider of α/β | `studio/app.py`, then `recipes.change_alpha_beta`, then `Synthesis.change_terms` |
| the shell's options | `shell/parser.py` makes them from the fields in `recipes.py` |
| captions | `storage/captions.py`; each object describes itself in its `describe()` |
| saving and resuming a run | `storage/checkpoints.py`; `protocols/rebuild.py` makes the objects again |
""".replace("\\\n", "")


def layers() -> list[list[str]]:
    """Return the names in each layer, from top to bottom."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def is_method(name: str) -> bool:
    """Return whether a name in a layer is a file of the method; the others are rooms, which are folders."""
    return (PACKAGE / f"{name}.py").exists()


def files(room: str) -> list[pathlib.Path]:
    """Return the modules of a room."""
    return sorted(path for path in (PACKAGE / room).glob("*.py") if path.name != "__init__.py")


def sentence(path: pathlib.Path) -> str:
    """Return the first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".:") + "."


def page() -> str:
    """Return the text of docs/architecture.md."""
    names = [name for layer in layers() for name in layer]
    order = ["images", "vgg", "losses", "terms", "initialization", "optimizers", "synthesis", "experiments", "recipes"]
    order += [name for name in names if is_method(name) and name not in order]
    header = HEADER.replace("LAYERS", layers_as_text())
    parts = [header, "## The method\n", table([PACKAGE / f"{name}.py" for name in order])]
    for name in names:
        if not is_method(name):
            parts += [f"\n## {name}/\n", sentence(PACKAGE / name / "__init__.py") + "\n", table(files(name))]
    return "\n".join(parts) + "\n"


def layers_as_text() -> str:
    """Return the layers, from top to bottom, in one line."""

    def shown(name: str) -> str:
        return f"`{name}.py`" if is_method(name) else f"`{name}/`"

    return " → ".join(" and ".join(map(shown, layer)) for layer in layers())


def table(paths: list[pathlib.Path]) -> str:
    """Return a table of files with their sentences."""
    rows = [f"| [{path.name}](../{path.relative_to(ROOT).as_posix()}) | {sentence(path)} |" for path in paths]
    return "\n".join(["| file | what it holds |", "| --- | --- |", *rows])


def picture() -> str:
    """Return the drawing: a row for each layer, a box for each file of the method and for each room."""
    shapes, top = [], 40
    for layer in layers():
        width = (WIDTH - LEFT - 20 - GAP * (len(layer) - 1)) / len(layer)
        texts = [contents(name, width) for name in layer]
        most = max(map(len, texts))
        height = HEAD + (LINE * most + 6 if most else 0)
        if layer[0] in FLOORS:
            lines = enumerate(FLOORS[layer[0]].split("\n"))
            shapes += [text(20, top + 20 + LINE * row, line, 13, GREY) for row, line in lines]
        for number, (name, lines) in enumerate(zip(layer, texts, strict=True)):
            x = LEFT + number * (width + GAP)
            shapes.append(box(x, top, width, height, is_method(name)))
            shapes.append(text(x + 10, top + 20, f"{name}.py" if is_method(name) else f"{name}/", 14, BLACK, "bold"))
            shapes += [text(x + 10, top + HEAD + 8 + LINE * row, line, 12, GREY) for row, line in enumerate(lines)]
        top += height + GAP
    down = f'<path d="M 130 44 V {top - GAP}" stroke="{GREY}"/>'
    down += f'<path d="M 125 {top - GAP - 8} l 5 8 l 5 -8" stroke="{GREY}" fill="none"/>'
    legend = [
        text(20, 24, "imports point down", 13, GREY),
        box(LEFT, 12, 14, 14, True),
        text(LEFT + 20, 24, "the method: one file each", 13, BLACK),
        box(LEFT + 200, 12, 14, 14, False),
        text(LEFT + 220, 24, "folders, with their files", 13, BLACK),
    ]
    size = f'width="{WIDTH}" height="{top + GAP}"'
    first = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + GAP}" {size} font-family="sans-serif">'
    )
    return "\n".join([first, f'<rect {size} fill="white"/>', *legend, down, *shapes, "</svg>\n"])


def box(x: float, y: float, width: float, height: float, method: bool) -> str:
    """Return a rectangle of the drawing."""
    fill, edge = ("#dbeafe", "#2563eb") if method else ("#f3f4f6", "#9ca3af")
    place = f'x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<rect {place} rx="5" fill="{fill}" stroke="{edge}"/>'


def contents(name: str, width: float) -> list[str]:
    """Return the names of a room's files, in lines that fit into a box."""
    if is_method(name):
        return []
    return textwrap.wrap(", ".join(path.stem for path in files(name)), int((width - 20) / 6.3))


def text(x: float, y: float, content: str, size: int, colour: str, weight: str = "normal") -> str:
    """Return a text of the drawing."""
    style = f'font-size="{size}" fill="{colour}" font-weight="{weight}"'
    return f'<text x="{x:.0f}" y="{y:.0f}" {style}>{escape(content)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
