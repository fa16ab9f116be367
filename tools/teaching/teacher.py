"""The teacher's edition: solutions and notes in their places, the outputs, and the texts of docs/teaching."""

import pathlib
import re

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from tools.teaching import exercises, files, handout, notes
from tools.teaching.student import LEADS_TO_SOLUTIONS

NOTE = "> **For the teacher**"


def build(out: pathlib.Path) -> None:
    """Write the edition into a folder."""
    where = files.places(teaching())
    files.copy_texts(out, where)
    files.copy_package(out)
    (out / where[handout.SOURCE]).write_text(handout.page(), encoding="utf-8")
    (out / "requirements.txt").write_text(files.requirements(), encoding="utf-8")
    for source, place in where.items():
        if place.endswith(".ipynb"):
            notebook = nbformat.read(files.ROOT / source, as_version=4)
            nbformat.write(for_teachers(notebook, source, where), out / place)


def teaching() -> dict[str, str]:
    """Return where the teacher's texts lie in the edition."""
    texts = {path.relative_to(files.ROOT).as_posix() for path in files.TEXTS.rglob("*.md")}
    where = {source: source.removeprefix("docs/") for source in texts}
    where["docs/teaching/README.md"] = "README.md"
    where[handout.SOURCE] = "teaching/handout.html"
    return where


def for_teachers(notebook: NotebookNode, source: str, where: dict[str, str]) -> NotebookNode:
    """Return a notebook with the solutions and notes in their places."""
    path = files.ROOT / source
    notebook = nbformat.from_dict(notebook)
    tasks = {task.position: task for task in exercises.tasks(notebook)}
    shown = solved(path) if tasks else {}
    marked = {int(name[0]): text for name, text in notes.exercises(path.stem).items()} if tasks else {}
    said = notes.sections(path.stem) if tasks else {}
    cells = []
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            cell.source = files.relink(LEADS_TO_SOLUTIONS.sub("", cell.source), source, where).rstrip("\n")
        if position in tasks:
            task = tasks[position]
            cells += [noted(f"exercise {task.number}, {points(task.stars)}", marked[task.number])]
            cells += shown[position]
            continue
        cells.append(cell)
        if tasks and position == 0:
            cells.append(noted("timing", notes.parts(path.stem)["Timing"]))
            cells += [noted("opening", said[notes.OPENING])] if notes.OPENING in said else []
        elif tasks and cell.cell_type == "markdown":
            for heading in re.findall(r"^##+ (.+)$", cell.source, re.MULTILINE):
                cells += [noted(heading, said[heading])] if heading in said else []
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:03}"
    notebook.cells = cells
    return notebook


def points(stars: int) -> str:
    """Return what an exercise counts, in words: a point for each star."""
    return "1 point" if stars == 1 else f"{stars} points"


def noted(about: str, text: str) -> NotebookNode:
    """Return a cell with a note."""
    quoted = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    return new_markdown_cell(f"{NOTE} · {about}\n>\n{quoted}", metadata={"tags": ["teacher"]})


def solved(path: pathlib.Path) -> dict[int, list[NotebookNode]]:
    """Return the cells of each solution with their outputs: {position of the cell to complete: cells}."""
    made = nbformat.read(path.parent / "solutions" / path.name, as_version=4).cells
    found, start = {}, 0
    for task in exercises.tasks_of(path):
        wanted = exercises.solution_cells(task)
        start = next(index for index in range(start, len(made)) if _same(made[index : index + len(wanted)], wanted))
        found[task.position] = made[start : start + len(wanted)]
        start += len(wanted)
    return found


def _same(cells: list[NotebookNode], wanted: list[NotebookNode]) -> bool:
    """Return whether cells are these, but for spaces: the notebooks of solutions are formatted."""
    sources = [["".join(cell.source.split()) for cell in some] for some in (cells, wanted)]
    return sources[0] == sources[1]
