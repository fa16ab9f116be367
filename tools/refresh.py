"""Keep the committed notebooks up to date: run them, and renew their outputs, links and map.

python tools/refresh.py                     # all notebooks, at the laptop preset
python tools/refresh.py 05_style_transfer   # run one notebook; links, map and README table are renewed in all
python tools/refresh.py --only-links        # links, map and README table only; nothing is run

The notebooks in notebooks/solutions are made from the series. A code cell is an exercise if its metadata has a
`solution`: a text in the percent format, with "# %%" before each code cell and "# %% [markdown]" before each text. The
question is the text cell before it. Each notebook of solutions begins with the cells tagged `setup` (or else with the
first code cell), without the imports that its solutions do not need.

The text of a cell tagged `navigation` or `series-map` is generated from the notebooks. A picture that a text shows as
`attachment:NAME` is copied from images/ into the notebook, because a server that is started in notebooks/ cannot reach
the folder beside it.
"""

import argparse
import base64
import io
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

import nbformat
import PIL.Image
import PIL.ImageOps
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import stylelib

ROOT = pathlib.Path(__file__).parent.parent
FOLDER = ROOT / "notebooks"
README = ROOT / "README.md"
MARKS = ("<!-- series -->", "<!-- /series -->")
MINUTES = 20  # the time limit of one cell
PAGE_WIDTH = 900  # pixels
WIDGET = "application/vnd.jupyter.widget-view+json"
CARD = (360, 240)  # pixels
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")
LARGEST = 1_450_000  # characters of a notebook file
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
UNUSED = "F401,F811,I001"  # ruff's names for unused, repeated and unsorted imports


def series() -> list[pathlib.Path]:
    """Return the numbered notebooks in reading order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def read(path: pathlib.Path) -> NotebookNode:
    """Read a notebook file."""
    return nbformat.read(path, as_version=4)


def tags(cell: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


def title_and_promise(notebook: NotebookNode) -> tuple[str, str]:
    """Return a notebook's title, and what readers can do after it: "you can read …" or "you will have made …"."""
    first = notebook.cells[0].source.replace("**", "")
    title = re.search(r"^# (.+)$", first, re.MULTILINE)[1]
    promise = re.search(r"^After this notebook (you will .+?)\.$", first, re.MULTILINE)[1]
    return title, re.sub("^you will be able to ", "you can ", promise)


def minutes(notebook: NotebookNode) -> str:
    """Return how long a notebook takes, as its first cell says: minutes of reading + minutes of running."""
    reading, running = re.search(r"(\d+) minutes to read. About (\w+) minutes", notebook.cells[0].source).groups()
    return f"{reading} + {NUMBERS.index(running)}"


def short_title(path: pathlib.Path) -> str:
    """Return the part of a notebook's title before its colon, as links show it."""
    return title_and_promise(read(path))[0].split(":")[0]


def navigation(path: pathlib.Path) -> str:
    """Return the line that links the previous notebook, the map and the next one."""
    paths = series()
    index = paths.index(path)
    links = []
    if index > 0:
        links.append(f"← [{short_title(paths[index - 1])}]({paths[index - 1].name})")
        links.append(f"[The series]({paths[0].name}#The-series)")
    if index + 1 < len(paths):
        links.append(f"[{short_title(paths[index + 1])}]({paths[index + 1].name}) →")
    return "\u2002·\u2002".join(links)


def series_table(folder: str = "") -> str:
    """Return the table of the notebooks. `folder` leads from the page it stands on to the notebooks."""
    rows = ["| notebook | minutes | after it |", "| --- | --- | --- |"]
    for path in series():
        title, promise = title_and_promise(read(path))
        rows.append(f"| **{path.stem[:2]}** [{title}]({folder}{path.name}) | {minutes(read(path))} | {promise} |")
    return "\n".join(rows)


def cards() -> str:
    """Return the map in notebook 00: three notebooks in a row, a row of pictures and below it their titles."""
    lines, paths = [], series()[1:]
    for start in range(0, len(paths), 3):
        pictures, texts = [], []
        for path in paths[start : start + 3]:
            title, promise = title_and_promise(read(path))
            number, promise = path.stem[:2], promise.removeprefix("you can ")
            linked = f"[![{title}](attachment:card_{number}.jpg)]({path.name})"
            pictures.append(linked if card_picture(number) else f"**{number}**")
            texts.append(f"**{number} [{title}]({path.name})**<br>{promise[0].upper()}{promise[1:]}.")
        missing = [""] * (3 - len(texts))  # nbconvert shows no table if a row is short
        lines += [f"| {' | '.join(row + missing)} |" for row in (pictures, texts)]
    return "\n".join([lines[0], "| --- | --- | --- |", *lines[1:]])


def card_picture(number: str) -> PIL.Image.Image | None:
    """Return the output of a notebook's cell tagged `card`, or None if it has none yet."""
    (path,) = FOLDER.glob(f"{number}_*.ipynb")
    for cell in read(path).cells:
        if "card" in tags(cell):
            for output in cell.outputs:
                if data := output.get("data", {}).get("image/jpeg"):
                    image = PIL.Image.open(io.BytesIO(base64.b64decode(data)))
                    return PIL.ImageOps.pad(image, CARD, color="white")
    return None


def generated_cells(notebook: NotebookNode, path: pathlib.Path) -> Iterator[tuple[NotebookNode, str]]:
    """Yield each generated cell of a notebook with the text that it should have."""
    makers = {"navigation": lambda: navigation(path), "series-map": cards}
    for cell in notebook.cells:
        for tag in tags(cell):
            if tag in makers:
                yield cell, makers[tag]()


def readme_with_table() -> str:
    """Return the README's text with a new table of the notebooks."""
    before, rest = README.read_text(encoding="utf-8").split(MARKS[0])
    return f"{before}{MARKS[0]}\n{series_table('notebooks/')}\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def solutions_of(notebook: NotebookNode, path: pathlib.Path) -> NotebookNode:
    """Make the notebook of solutions: each exercise's question without its hints, and its solution."""
    title, back = f"# Solutions: {short_title(path)}", f"Back to [the notebook](../{path.name})."
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    install = [cell for cell in code if "install" in tags(cell)]  # see tools/address.py
    setup = [cell for cell in code if "setup" in tags(cell)] or [cell for cell in code if cell not in install][:1]
    cells = [new_markdown_cell(f"{title}\n\nOne way each; yours may be better. {back}")]
    cells += [new_code_cell(cell.source, metadata=cell.metadata) for cell in install]
    cells += [new_code_cell(cell.source) for cell in setup]
    question = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            question = cell.source
        if "solution" in cell.metadata:
            asked = re.sub(r"<details>.*?</details>|^---$", "", question, flags=re.DOTALL | re.MULTILINE)
            cells.append(new_markdown_cell(re.sub(r"^#+ .*\n", "", asked, flags=re.MULTILINE).strip()))
            cells += solution_cells(cell.metadata["solution"])
    return without_unused_imports(new_notebook(cells=cells, metadata=METADATA))


def solution_cells(text: str) -> Iterator[NotebookNode]:
    """Yield the cells of a text in the percent format. A check at the end of a cell becomes one that must pass."""
    text = text if text.startswith("# %%") else f"# %%\n{text}"
    for part in re.split(r"^# %%", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        body = body.strip("\n")
        if "[markdown]" in head:
            yield new_markdown_cell(body)
        else:
            passes = r"verdict = \1\nassert verdict.passed\nverdict"
            yield new_code_cell(re.sub(r"^(check\(.*\))\Z", passes, body, flags=re.MULTILINE))


def without_unused_imports(notebook: NotebookNode) -> NotebookNode:
    """Remove the imports that a notebook does not use, and format its code, with ruff."""
    text = nbformat.writes(notebook)
    for command in (("check", "--fix-only", "--select", UNUSED), ("format",)):
        ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--stdin-filename", "notebooks/solutions/made.ipynb"]
        made = subprocess.run([*ruff, "-"], cwd=ROOT, input=text.encode(), capture_output=True, check=True)
        text = made.stdout.decode()
    return nbformat.reads(text, as_version=4)


def attach_pictures(notebook: NotebookNode) -> None:
    """Copy the pictures that the texts show into their cells, scaled for the page."""
    for cell in notebook.cells:
        names = re.findall(r"\(attachment:([\w.]+)\)", cell.source)
        if names:
            cell.attachments = {name: {"image/jpeg": _for_page(name)} for name in names}


def _for_page(name: str) -> str:
    """Return a picture from images/, or a notebook's card, as base64 text."""
    card = re.fullmatch(r"card_(\d\d)\.jpg", name)
    image = card_picture(card[1]) if card else PIL.Image.open(ROOT / "images" / name)
    image.thumbnail((PAGE_WIDTH, PAGE_WIDTH))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode()


def run(notebook: NotebookNode, preset: str) -> None:
    """Run all cells. Progress bars and times are left out of the file, because they differ from run to run."""
    from nbclient import NotebookClient

    os.environ.pop("STYLELIB_PRESET", None)
    if stylelib.preset().name != preset:  # otherwise not set, because a notebook prints where a preset comes from
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


def says_nothing(data: dict[str, str]) -> bool:
    """Return whether an output is only the name of an object: a widget's, or Ellipsis where a reader's code goes."""
    return (WIDGET in data and "image/jpeg" not in data) or data.get("text/plain") == "Ellipsis"


def tidy(notebook: NotebookNode, preset: str) -> None:
    """Remove what differs from machine to machine, and note the preset that the outputs were made at."""
    notebook.metadata = nbformat.from_dict({"stylelib": {"preset": preset}, **METADATA})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        if "assertion" in tags(cell):  # folded, behind the text that says what it checks
            cell.metadata["jupyter"] = {"source_hidden": True}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not says_nothing(output.get("data", {}))]
            for output in cell.outputs:
                if "metadata" in output:  # the text for those who cannot see a picture stays
                    output.metadata = {kind: about for kind, about in output.metadata.items() if "alt" in about}
                if "image/jpeg" in output.get("data", {}):  # shown on pages that cannot run the widget
                    output.data.pop(WIDGET, None)


def squeeze(notebook: NotebookNode) -> None:
    """Lower the quality of the pictures until the file is small enough for a page."""
    for quality, scale in ((70, 1), (60, 1), (60, 0.8), (60, 0.8)):
        if len(nbformat.writes(notebook)) <= LARGEST:
            return
        for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
            if data := output.get("data", {}).get("image/jpeg"):
                image = PIL.Image.open(io.BytesIO(base64.b64decode(data)))
                image = PIL.ImageOps.scale(image, scale)
                buffer = io.BytesIO()
                image.save(buffer, "JPEG", quality=quality, optimize=True)
                output.data["image/jpeg"] = base64.b64encode(buffer.getvalue()).decode()


def refresh(path: pathlib.Path, preset: str) -> None:
    """Run a notebook, and make and run its notebook of solutions."""
    notebook = read(path)
    run(notebook, preset)
    answers = solutions_of(notebook, path)
    run(answers, preset)
    for made, file in ((notebook, path), (answers, FOLDER / "solutions" / path.name)):
        tidy(made, preset)
        nbformat.write(made, file)


def renew_links() -> None:
    """Renew what one notebook shows of the others, in all of them: links, map and pictures; and the README's table."""
    paths = series()
    for path in [*paths[1:], *paths[:1]]:  # the first comes last, because it shows pictures from the others
        notebook = read(path)
        for cell, text in generated_cells(notebook, path):
            cell.source = text
        attach_pictures(notebook)
        tidy(notebook, notebook.metadata.get("stylelib", {}).get("preset", "none"))
        squeeze(notebook)
        nbformat.write(notebook, path)
    README.write_text(readme_with_table(), encoding="utf-8")


def main() -> None:
    """Read the command line and refresh the notebooks that it names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="such as 05_style_transfer; all by default")
    parser.add_argument("--preset", default="laptop", help="default: %(default)s, as the committed outputs")
    parser.add_argument("--only-links", action="store_true", help="links, map and README table only")
    options = parser.parse_args()
    chosen = [path for path in series() if not options.names or path.stem in options.names]
    if not chosen:
        sys.exit(f"There is no notebook {', '.join(options.names)} in {FOLDER.name}/.")
    for path in [] if options.only_links else chosen:
        print(path.relative_to(FOLDER), flush=True)
        refresh(path, options.preset)
    renew_links()


if __name__ == "__main__":
    main()
