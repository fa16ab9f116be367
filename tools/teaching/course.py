"""The exercises as a course for nbgrader: one assignment for each notebook, with visible and hidden tests.

An exercise with a check is marked by it: the visible test is the check that students run themselves, the hidden one the
same with other inputs. The others are marked by a person, from what the student writes below the code. A star is a
point.
"""

import json
import pathlib
import re
import shutil
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from stylelib.exercises import EXERCISES
from stylelib.exercises.checking import Choice
from tools import refresh
from tools.teaching import exercises, files
from tools.teaching.exercises import Task
from tools.teaching.student import LEADS_TO_SOLUTIONS

HIDDEN_SEED = 3  # the visible checks use the seeds 0, 1 and 2
INTRODUCTION = """# {title}: exercises

Complete the cells below. Run all of them (menu **Run → Restart Kernel and Run All Cells …**), save, and hand in.

- A star is a point. {points} points in all.
- `check(…)` says whether an answer is right, and what to look at if it is not. The tests below the answers do \
the same when your work is marked, also with inputs that you do not see.
- What a question calls *above* stands in the lesson's notebook; copy from there what you need.
- Where you are asked for words, write them into the cell below your code. A person reads them.
- Change only these cells; the others are restored when your work is marked."""
VISIBLE = """\
from stylelib.exercises import check

verdict = check("{check}", {answer})
assert verdict.passed, verdict"""
HIDDEN = """\
verdict = check("{check}", {answer}, seed={seed})
assert verdict.passed, f"With other inputs: {{verdict}}\""""
OWN = {  # exercises that mark themselves without `check`: {(notebook, number): (visible test, hidden test)}
    ("05", 5): (
        """\
def left_over(content, style):
    \"\"\"How much of the photograph's loss is left after 60 steps of my_transfer.\"\"\"
    photo, painting = (stylelib.load_image(name, 96) for name in (content, style))
    picture = my_transfer(net, photo, painting, 60)
    assert 0 <= picture.min() and picture.max() <= 1, "The picture has values below 0 or above 1: clamp it."
    terms = [stylelib.Content(net, photo, weight=0.2), stylelib.Style(net, painting)]
    with torch.no_grad():
        before, after = (stylelib.total_loss(terms, one)[0].item() for one in (photo, picture))
    return after / before


share = left_over("riverside", "sunset_waves")
assert share < 0.5, f"{share:.0%} of the photograph's loss is left, more than half. Does it fall at each step?\"""",
        """\
share = left_over("cat", "woodcut")
assert share < 0.5, f"With other pictures {share:.0%} of the loss is left. Does my_transfer use its arguments?\"""",
    )
}


def build(out: pathlib.Path) -> None:
    """Write the course into a folder."""
    shutil.copy(files.ROOT / "tools" / "teaching" / "nbgrader_config.py", out)
    for path in refresh.series():
        notebook = nbformat.read(path, as_version=4)
        folder = out / "source" / path.stem
        folder.mkdir(parents=True)
        nbformat.write(assignment(notebook, path), folder / path.name)


def assignment(notebook: NotebookNode, path: pathlib.Path) -> NotebookNode:
    """Return a notebook's exercises as an assignment with solutions and tests."""
    tasks = {task.position: task for task in exercises.tasks(notebook)}
    title = refresh.short_title(path)
    points = sum(task.stars for task in tasks.values())
    cells = [locked(new_markdown_cell(INTRODUCTION.format(title=title, points=points)), "introduction")]
    for number, cell in enumerate(setup(notebook)):
        cells.append(locked(new_code_cell(cell.source), f"setup-{number}"))
    for position, cell in section(notebook):
        if position in tasks:
            cells += answer_cells(tasks[position], path)
        elif cell.cell_type == "markdown":
            cells.append(locked(new_markdown_cell(plain(cell.source, path).rstrip()), f"text-{position}"))
        else:
            cells.append(locked(new_code_cell(cell.source), f"code-{position}"))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:02}"
    return new_notebook(cells=cells, metadata=refresh.METADATA)


def setup(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that a notebook begins with, as in its notebook of solutions."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and "install" not in refresh.tags(cell)]
    return [cell for cell in code if "setup" in refresh.tags(cell)] or code[:1]


def section(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """Return the cells from the heading Exercises to the next heading, with their positions."""
    chosen: list[tuple[int, NotebookNode]] = []
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and chosen and (end := re.search("^## ", cell.source, re.MULTILINE)):
            last = new_markdown_cell(cell.source[: end.start()])
            return [*chosen, (position, last)] if plain(last.source).strip() else chosen
        if chosen or (cell.cell_type == "markdown" and cell.source.startswith("## Exercises")):
            chosen.append((position, cell))
    return chosen


def plain(text: str, path: pathlib.Path | None = None) -> str:
    """Return a text without its link to the solutions, and without links to other files."""
    text = LEADS_TO_SOLUTIONS.sub("", text)
    source = f"notebooks/{path.name}" if path else "notebooks/any.ipynb"
    return files.relink(text, source, {source: pathlib.PurePosixPath(source).name})


def answer_cells(task: Task, path: pathlib.Path) -> list[NotebookNode]:
    """Return the cells in which an exercise is answered and marked."""
    name = f"exercise-{task.number}"
    tests = tests_of(task, path.stem[:2])
    if tests:
        visible, hidden = tests
        answer = graded(new_code_cell(with_solution(task.start, solution_code(task))), f"{name}-answer", solution=True)
        source = f"{visible}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS" if hidden else visible
        goes_on = {"tags": ["raises-exception"]}  # "Run All" does not stop where an answer is missing
        return [answer, graded(new_code_cell(source, metadata=goes_on), name, points=task.stars)]
    parts = exercises.solution_cells(task)
    code, words = ("\n\n".join(one.source for one in parts if one.cell_type == kind) for kind in ("code", "markdown"))
    work = graded(new_code_cell(with_solution(task.start, code)), f"{name}-code", solution=True)
    text = new_markdown_cell(f"### BEGIN SOLUTION\n{words or 'See the code.'}\n### END SOLUTION")
    return [work, graded(text, name, solution=True, points=task.stars)]


def tests_of(task: Task, number: str) -> tuple[str, str] | None:
    """Return the visible and the hidden test of an exercise; None where a person marks it.

    A question has no inputs, so its hidden test is empty.
    """
    if task.check:
        values = {"check": task.check, "answer": task.answer, "seed": HIDDEN_SEED}
        question = isinstance(EXERCISES[task.check], Choice)
        return VISIBLE.format(**values), "" if question else HIDDEN.format(**values)
    return OWN.get((number, task.number))


def solution_code(task: Task) -> str:
    """Return the part of a solution that the tests need."""
    exercise = EXERCISES.get(task.check)
    if isinstance(exercise, Choice):
        return f"{task.answer} = {json.dumps(exercise.right)}"
    parts = [cell.source for cell in exercises.solution_cells(task) if cell.cell_type == "code"]
    return next(part for part in parts if f"def {task.answer or 'my_transfer'}(" in part)


def with_solution(start: str, solution: str) -> str:
    """Return the source of a cell to complete: what a student begins with, and the solution, which nbgrader cuts out.

    The solution comes second, so that it counts when the course's own notebook is run.
    """
    return f"{start}\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION"


def graded(cell: NotebookNode, name: str, *, solution: bool = False, points: int | None = None) -> NotebookNode:
    """Return a cell with nbgrader's metadata: it is completed by students, or counts, or both."""
    about: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
        "cell_type": cell.cell_type,
    }
    if points is not None:
        about["points"] = points
    cell.metadata["nbgrader"] = about
    return cell


def locked(cell: NotebookNode, name: str) -> NotebookNode:
    """Return a cell that nbgrader restores before marking."""
    return graded(cell, name)
