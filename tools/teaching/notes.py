"""The teacher's notes on each notebook, as docs/teaching/notes has them.

A file has the parts Timing, Sections and Exercises. The headings below Sections are those of the notebook, word for
word, and "Opening" for what stands before its first heading. The headings below Exercises are like
"1. `gram_matrix` ★", without a name where no check marks the exercise.
"""

import re

from nbformat import NotebookNode

from tools.teaching import files

FOLDER = files.TEXTS / "notes"
LESSON = 90  # minutes
OPENING = "Opening"
ROW = re.compile(r"^\| (?!section|---)(.+?) \| (.*?) \| (.*?) \|$", re.MULTILINE)


def parts(stem: str) -> dict[str, str]:
    """Return the parts of a notebook's notes: {heading: text}; "" is what stands before the first heading."""
    return _split((FOLDER / f"{stem}.md").read_text(encoding="utf-8"), "## ")


def sections(stem: str) -> dict[str, str]:
    """Return what to say and to ask at each section: {heading of the notebook: text}."""
    return {name: text for name, text in _split(parts(stem)["Sections"], "### ").items() if name}


def exercises(stem: str) -> dict[str, str]:
    """Return what to look for in each exercise: {"1. `name` ★": text}."""
    return {name: text for name, text in _split(parts(stem)["Exercises"], "### ").items() if name}


def timing(stem: str) -> list[tuple[str, int, dict[int, int]]]:
    """Return a lesson's rows: what is done, minutes in one lesson, and minutes in two: {lesson: minutes}."""
    rows = []
    for name, one, two in ROW.findall(parts(stem)["Timing"]):
        in_two = {int(lesson): int(minutes) for lesson, minutes in re.findall(r"(\d): (\d+)", two)}
        rows.append((name, int(one or 0), in_two))
    return rows


def headings(notebook: NotebookNode) -> list[str]:
    """Return the headings of a notebook below its title, and "Opening" before them."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [OPENING, *(heading for text in texts for heading in re.findall(r"^##+ (.+)$", text, re.MULTILINE))]


def _split(text: str, mark: str) -> dict[str, str]:
    pieces = re.split(f"^{mark}", text, flags=re.MULTILINE)
    found = {"": pieces[0].strip()}
    for piece in pieces[1:]:
        name, _, body = piece.partition("\n")
        found[name.strip()] = body.strip()
    return found
