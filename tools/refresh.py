"""Keep the notebooks as they are committed: run them, with fresh outputs, navigation and map.

python notebooks/refresh.py                     # all of them, at the laptop preset
python notebooks/refresh.py 05_style_transfer   # one
python notebooks/refresh.py --only-links        # navigation and map alone, nothing is run

The notebooks of solutions are made from the series: a code cell whose metadata has a `solution` (a text in the percent
format, "# %%" before each code cell and "# %% [markdown]" before each text) is an exercise, the cell before it asks it,
and the cells tagged `setup`, or else the first code cell, come first.

A cell tagged `navigation` or `series-map` is generated: its text is replaced by what the notebooks themselves say. A
picture that a text shows as `attachment:NAME` is taken from images/ into the notebook: a server started in this
folder cannot reach the one beside it.
"""

import argparse
import base64
import io
import os
import pathlib
import re
import sys

import nbformat
import PIL.Image
import PIL.ImageOps
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from stylelib.support import machine

FOLDER = pathlib.Path(__file__).parent
README = FOLDER.parent / "README.md"
MARKS = ("<!-- series -->", "<!-- /series -->")
MINUTES = 20
PAGE_WIDTH = 900  # pixels
WIDGET = "application/vnd.jupyter.widget-view+json"
CARD = (360, 240)  # pixels
LARGEST = 1_450_000  # characters of a notebook file


def series():
    """The numbered notebooks in reading order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def title_and_promise(notebook):
    """A notebook's title, and what it says one can do after it."""
    first = notebook.cells[0].source.replace("**", "")
    title = re.search(r"^# (.+)$", first, re.MULTILINE)[1]
    promise = re.search(r"^After this notebook you will (.+?)\.$", first, re.MULTILINE)[1]
    return title, promise.removeprefix("be able to ")


def navigation(path):
    """The line with the way back, to the map, and forth."""
    paths = series()
    index = paths.index(path)
    steps = []
    if index > 0:
        steps.append(f"← [{title_of(paths[index - 1])}]({paths[index - 1].name})")
    if index != 0:
        steps.append(f"[The series]({paths[0].name}#The-series)")
    if index + 1 < len(paths):
        steps.append(f"[{title_of(paths[index + 1])}]({paths[index + 1].name}) →")
    return "\u2002·\u2002".join(steps)


def series_map(prefix=""):
    """The table of the notebooks that exist. prefix: the way from where it stands to their folder."""
    rows = ["| notebook | after it you can |", "| --- | --- |"]
    for path in series():
        title, promise = title_and_promise(nbformat.read(path, as_version=4))
        rows.append(f"| **{path.stem[:2]}** [{title}]({prefix}{path.name}) | {promise} |")
    return "\n".join(rows)


def cards():
    """The same as cards, three in a row: a picture out of each notebook, its title, its promise."""
    rows = ["| | | |", "| --- | --- | --- |"]
    paths = series()[1:]
    for start in range(0, len(paths), 3):
        texts = []
        for path in paths[start : start + 3]:
            title, promise = title_and_promise(nbformat.read(path, as_version=4))
            number = path.stem[:2]
            picture = f"[![{title}](attachment:card_{number}.jpg)]({path.name})<br>" if card_picture(number) else ""
            texts.append(f"{picture}**{number} [{title}]({path.name})**<br>{promise[0].upper()}{promise[1:]}.")
        rows.append("| " + " | ".join(texts) + " |")
    return "\n".join(rows)


def card_picture(number):
    """What a notebook shows of itself: the output of its cell tagged `card`, as a PIL image; None before it has run."""
    (path,) = FOLDER.glob(f"{number}_*.ipynb")
    for cell in nbformat.read(path, as_version=4).cells:
        if "card" in cell.metadata.get("tags", []):
            for output in cell.outputs:
                if data := output.get("data", {}).get("image/jpeg"):
                    image = PIL.Image.open(io.BytesIO(base64.b64decode(data)))
                    return PIL.ImageOps.pad(image, CARD, color="white")
    return None


def title_of(path):
    """The title as a link says it: what stands before its colon."""
    return title_and_promise(nbformat.read(path, as_version=4))[0].split(":")[0]


def generated_cells(notebook, path):
    """Pairs of a generated cell and the text that it should have."""
    makers = {"navigation": lambda: navigation(path), "series-map": cards}
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag in makers:
                yield cell, makers[tag]()


def readme_with_map():
    """The README's text with the table between its two marks made anew."""
    before, rest = README.read_text(encoding="utf-8").split(MARKS[0])
    return f"{before}{MARKS[0]}\n{series_map('notebooks/')}\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def solutions_of(notebook, path):
    """The notebook of solutions: for each exercise its question, without hints, and what its cell's metadata hold."""
    title = title_of(path)
    first = f"# Solutions: {title}\n\nOne way each; yours may be better. Back to [the notebook](../{path.name})."
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    setup = [cell for cell in code if "setup" in cell.metadata.get("tags", [])] or code[:1]
    cells = [new_markdown_cell(first), *(new_code_cell(cell.source) for cell in setup)]
    question = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            question = cell.source
        if "solution" in cell.metadata:
            asked = re.sub(r"<details>.*?</details>", "", question, flags=re.DOTALL)
            cells.append(new_markdown_cell(re.sub(r"^#+ .*\n", "", asked, flags=re.MULTILINE).strip()))
            cells += parts(cell.metadata["solution"])
    return new_notebook(cells=cells)


def parts(text):
    """Cells of a text in the percent format; a check at the end of one must pass."""
    for part in re.split(r"^# %%", text if text.startswith("# %%") else f"# %%\n{text}", flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        body = body.strip("\n")
        if "[markdown]" in head:
            yield new_markdown_cell(body)
        else:
            passes = r"verdict = \1\nassert verdict.passed\nverdict"
            yield new_code_cell(re.sub(r"^(check\(.*\))\Z", passes, body, flags=re.MULTILINE))


def attach_pictures(notebook):
    """Put the pictures that the texts show into their cells, in a size for the page."""
    for cell in notebook.cells:
        names = re.findall(r"\(attachment:([\w.]+)\)", cell.source)
        if names:
            cell.attachments = {name: {"image/jpeg": _for_page(name)} for name in names}


def _for_page(name):
    """A picture of images/, or a notebook's card, as base64 text."""
    card = re.fullmatch(r"card_(\d\d)\.jpg", name)
    image = card_picture(card[1]) if card else PIL.Image.open(README.parent / "images" / name)
    image.thumbnail((PAGE_WIDTH, PAGE_WIDTH))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode()


def run(notebook, preset):
    """Execute all cells; what is only of this machine or this moment is left out of the file."""
    from nbclient import NotebookClient

    os.environ.pop("STYLELIB_PRESET", None)
    if machine.preset().name != preset:  # what the machine would choose anyway need not be said
        os.environ["STYLELIB_PRESET"] = preset
    os.environ["TQDM_DISABLE"] = "1"
    client = NotebookClient(
        notebook,
        timeout=60 * MINUTES,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
        store_widget_state=False,
        record_timing=False,
    )
    client.execute()


def tidy(notebook, preset):
    notebook.metadata = {
        "stylelib": {"preset": preset},  # that the outputs were made at
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        if cell.cell_type == "code":
            for output in cell.outputs:
                output.get("metadata", {}).clear()
                if "image/jpeg" in output.get("data", {}):  # stands for a widget on a page that runs nothing
                    output.data.pop(WIDGET, None)


def squeeze(notebook):
    """Store pictures at a lower quality where the file would be larger than a page should load."""
    for quality, scale in ((70, 1), (60, 1), (60, 0.8)):
        if len(nbformat.writes(notebook)) <= LARGEST:
            return
        for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
            if data := output.get("data", {}).get("image/jpeg"):
                image = PIL.Image.open(io.BytesIO(base64.b64decode(data)))
                image = PIL.ImageOps.scale(image, scale)
                buffer = io.BytesIO()
                image.save(buffer, "JPEG", quality=quality, optimize=True)
                output.data["image/jpeg"] = base64.b64encode(buffer.getvalue()).decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="such as 05_style_transfer; all by default")
    parser.add_argument("--preset", default="laptop", help="default: %(default)s, as the committed outputs")
    parser.add_argument("--only-links", action="store_true", help="navigation and map alone")
    options = parser.parse_args()
    chosen = [path for path in series() if not options.names or path.stem in options.names]
    if not chosen:
        sys.exit(f"There is no notebook {', '.join(options.names)} in {FOLDER.name}/.")
    for path in [*chosen[1:], *chosen[:1]]:  # the first shows the others' pictures
        print(path.relative_to(FOLDER), flush=True)
        notebook = nbformat.read(path, as_version=4)
        for cell, text in generated_cells(notebook, path):
            cell.source = text
        solutions = FOLDER / "solutions" / path.name
        preset = notebook.metadata.get("stylelib", {}).get("preset", "none")
        if not options.only_links:
            preset = options.preset
            run(notebook, preset)
            answers = solutions_of(notebook, path)
            run(answers, preset)
            tidy(answers, preset)
            nbformat.write(answers, solutions)
        attach_pictures(notebook)
        tidy(notebook, preset)
        squeeze(notebook)
        nbformat.write(notebook, path)
    README.write_text(readme_with_map(), encoding="utf-8")


if __name__ == "__main__":
    main()
