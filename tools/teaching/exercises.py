"""The exercises as they stand in the notebooks: questions, starts, solutions, stars and checks."""

import dataclasses
import pathlib
import re

import nbformat
from nbformat import NotebookNode

from tools import refresh

ASKED = re.compile(r"^\*\*(\d)\. (★+)", re.MULTILINE)
CHECKED = re.compile(r'^check\("(\w+)", (\w+)\)', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Task:
    """An exercise of a notebook.

    Attributes
    ----------
    number, stars
        As its question says them; the stars are its points.
    position
        Of the cell to complete, in the notebook.
    start
        The cell's source: what a student begins with.
    solution
        In the percent format; see tools/refresh.py.
    check
        The name of its check, or "" where a person has to mark it.
    answer
        The name of the function or variable that is checked.
    """

    number: int
    stars: int
    position: int
    start: str
    solution: str
    check: str = ""
    answer: str = ""

    @property
    def lines(self) -> list[str]:
        """The lines of the solution, without the marks between its cells."""
        lines = (line.strip() for line in self.solution.splitlines())
        return [line for line in lines if line and not line.startswith("# %%")]


def tasks(notebook: NotebookNode) -> list[Task]:
    """Return the exercises of a notebook in their order."""
    found: list[Task] = []
    question: tuple[int, int] | None = None
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and (asked := ASKED.search(cell.source)):
            question = int(asked[1]), len(asked[2])
        if "solution" in cell.metadata:
            if question is None:
                raise ValueError(f"cell {position} has a solution and no question with stars before it")
            checked = CHECKED.search(cell.source)
            names = checked.groups() if checked else ("", "")
            found.append(Task(*question, position, cell.source, cell.metadata["solution"], *names))
            question = None
    return found


def tasks_of(path: pathlib.Path) -> list[Task]:
    """Return the exercises of a notebook file."""
    return tasks(nbformat.read(path, as_version=4))


def solution_cells(task: Task) -> list[NotebookNode]:
    """Return the cells of an exercise's solution."""
    return list(refresh.solution_cells(task.solution))
