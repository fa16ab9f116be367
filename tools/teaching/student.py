"""The students' edition: the notebooks without outputs and solutions, and the package with sealed checks."""

import pathlib
import re

import nbformat
from nbformat import NotebookNode

from stylelib.exercises import EXERCISES
from stylelib.exercises.sealed import seal
from tools.teaching import files, handout

OPEN = ("__init__.py", "checking.py", "failures.py", "hidden.py", "sealed.py")  # of the exercises, without solutions
LEADS_TO_SOLUTIONS = re.compile(r"^(The s|S)olutions are in \[.*?\]\(solutions/.*?\)\.\n*", re.MULTILINE)
KEPT = ("tags", "jupyter")  # of a cell's metadata


def build(out: pathlib.Path) -> None:
    """Write the edition into a folder."""
    where = files.places({"docs/teaching/for-students.md": "README.md", handout.SOURCE: "handout.html"})
    files.copy_texts(out, where)
    files.copy_package(out)
    for path in (out / "stylelib" / "exercises").glob("*.py"):
        if path.name not in OPEN:
            path.unlink()
    (out / "stylelib" / "exercises" / "sealed.json.gz").write_bytes(seal(EXERCISES))
    (out / "handout.html").write_text(handout.page(), encoding="utf-8")
    (out / "requirements.txt").write_text(files.requirements(), encoding="utf-8")
    for source, place in where.items():
        if place.endswith(".ipynb"):
            notebook = nbformat.read(files.ROOT / source, as_version=4)
            nbformat.write(for_students(notebook, source, where), out / place)


def for_students(notebook: NotebookNode, source: str, where: dict[str, str]) -> NotebookNode:
    """Return a notebook without outputs, solutions and links to them."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = {name: notebook.metadata[name] for name in ("kernelspec", "language_info")}
    for cell in notebook.cells:
        cell.metadata = {name: value for name, value in cell.metadata.items() if name in KEPT}
        if cell.cell_type == "markdown":
            cell.source = files.relink(LEADS_TO_SOLUTIONS.sub("", cell.source), source, where).rstrip("\n")
        else:
            cell.outputs, cell.execution_count = [], None
            cell.source = cell.source.replace("stylelib.exercises.content ", "stylelib.exercises.hidden ")
    return notebook
