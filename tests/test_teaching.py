"""The texts for teachers: they name what the notebooks have, and their minutes add up."""

import re

import nbformat
import pytest

from tools import refresh
from tools.teaching import exercises, files, handout, notes

SERIES = refresh.series()
LABELS = re.compile(r"^\*\*(Say|Prediction|Often wrong|Discuss)\.\*\* \S", re.MULTILINE)
SHORT = ["00", "02", "03", "05"]  # the notebooks of the short route
ASKED = re.compile(r"\*\*(?:Predict|Before you run it)")


def read(path):
    return nbformat.read(path, as_version=4)


def text(name):
    return (files.TEXTS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_the_minutes_of_a_notebook_add_up_to_one_and_to_two_lessons(path):
    rows = notes.timing(path.stem)
    assert sum(one for _, one, _ in rows) == notes.LESSON
    for lesson in (1, 2):
        assert sum(two.get(lesson, 0) for *_, two in rows) == notes.LESSON
    order = [min(two) for *_, two in rows]
    assert order == sorted(order), "the second lesson comes after the first"


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_notes_name_sections_that_the_notebook_has_in_its_order(path):
    there = notes.headings(read(path))
    for named in ([name for name, *_ in notes.timing(path.stem)], list(notes.sections(path.stem))):
        assert set(named) <= set(there), set(named) - set(there)
        assert named == [name for name in there if name in named]


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_each_prediction_is_answered_and_each_section_says_something(path):
    said, asked, heading = notes.sections(path.stem), {}, notes.OPENING
    for line in "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown").splitlines():
        heading = line.lstrip("# ") if re.match("##+ ", line) else heading
        asked[heading] = asked.get(heading, 0) + len(ASKED.findall(line))
    for heading, count in asked.items():
        answers = said.get(heading, "").count("**Prediction.**")
        assert (answers > 0) is (count > 0), f"{heading}: {count} asked, {answers} answered"
    for heading, words in said.items():
        for paragraph in words.split("\n\n"):
            assert LABELS.match(paragraph), f"{heading}: {paragraph[:60]}"
        assert all("→" in answer for answer in words.split("\n\n") if answer.startswith("**Prediction"))


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_each_exercise_has_its_note(path):
    names = [
        f"{task.number}. " + (f"`{task.check}` " if task.check else "") + "★" * task.stars
        for task in exercises.tasks_of(path)
    ]
    said = notes.exercises(path.stem)
    assert list(said) == names
    for name, words in said.items():
        assert words.startswith("**Right.** ") and "\n\n**Often wrong.** " in words, name
        if name.endswith("★★★") and path.stem[:2] != "05":
            assert "3 points: 1 for" in words, "what each point of an exercise without a check is for"


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_numbers_in_the_notes_are_the_notebooks(path):
    """A decimal in the notes is one that the notebook prints or says or asserts, rounded."""
    claims = (files.ROOT / "docs" / "claims.md").read_text(encoding="utf-8").splitlines()
    shown = [line for line in claims if path.name in line]
    shown += [str(cell.source) for cell in read(path).cells]
    for cell in read(path).cells:
        for output in cell.get("outputs", []):
            shown += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    numbers = [float(number) for number in re.findall(r"\d+\.\d+", "\n".join(shown))]
    for said in re.findall(r"(?<![\d.])\d+\.\d+", (notes.FOLDER / f"{path.stem}.md").read_text(encoding="utf-8")):
        digits = len(said.partition(".")[2])
        assert any(abs(number - float(said)) <= 0.5000001 * 10**-digits for number in numbers), said


def headings_of(path):
    return re.findall("^##+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def rows(section):
    """The rows of the tables below a heading of the routes, as lists of cells."""
    body = text("routes.md").split(f"## {section}")[1].split("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_routes_last_as_long_as_they_say():
    assert sum(int(minutes) for _, minutes, _ in rows("45 minutes")) == 45
    lesson = rows("90 minutes")
    assert sum(int(minutes) for *_, minutes, _ in lesson) == 90
    assert list(dict.fromkeys(re.findall(r"\[(\d\d)\]", " ".join(row[0] for row in lesson)))) == SHORT
    for link, section, *_ in lesson:
        path = files.TEXTS / re.search(r"\((.+?)\)", link)[1]
        assert section in notes.headings(read(path))


def test_the_short_route_says_how_long_its_notebooks_run():
    running = [int(refresh.minutes(read(path)).split("+")[1]) for path in SERIES if path.stem[:2] in SHORT]
    assert f"about {sum(running)} minutes on two cores" in text("routes.md")


def test_two_weeks_have_ten_lessons_and_each_lesson_of_a_pair():
    lessons = rows("Two weeks")
    assert [row[0] for row in lessons] == [str(number) for number in range(1, 11)]
    plans = {}
    for _, notebook, plan, _ in lessons:
        plans.setdefault(notebook, []).append(plan)
    assert list(plans) == sorted(plans)
    assert all(found in (["one lesson"], ["two lessons, first", "two lessons, second"]) for found in plans.values())


@pytest.mark.parametrize("path", sorted(files.TEXTS.rglob("*.md")), ids=lambda path: path.stem)
def test_links_lead_somewhere_and_to_headings_that_are_there(path):
    for _, words, target, anchor in files.LINK.findall(path.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        goal = (path.parent / target).resolve() if target else path
        assert goal.exists(), f"{words}: {target}"
        if anchor:
            found = notes.headings(read(goal)) if goal.suffix == ".ipynb" else headings_of(goal)
            assert anchor[1:].lower() in [heading.replace("`", "").replace(" ", "-").lower() for heading in found]


def test_the_misconceptions_come_from_every_notebook():
    assert set(re.findall(r"\[(\d\d),", text("misconceptions.md"))) == {path.stem[:2] for path in SERIES}


def test_the_rubric_adds_up():
    criteria = re.findall(r"^\| \*\*(.+?)\*\*", text("project.md"), re.MULTILINE)
    assert len(criteria) * 4 == 20 and "20 points" in text("project.md")


def test_the_syllabus_has_every_notebook():
    assert re.findall(r"^\| (\d\d) \|", text("syllabus.md"), re.MULTILINE) == [path.stem[:2] for path in SERIES]


def test_the_handout_has_every_symbol_as_a_picture_with_its_words():
    page = handout.page()
    symbols = set(re.findall(r"^\| \$(.+?)\$ \|", handout.symbols(), re.MULTILINE))
    assert len(symbols) > 10
    assert all(f'alt="{symbol}"' in page for symbol in symbols if "&" not in symbol)
    assert "$" not in re.sub("<style>.*?</style>", "", page, flags=re.DOTALL) and "http" not in page.split("<body>")[1]
    assert [number for number in "1234567" if f"<td>{number}</td>" in page] == list("1234567")
    assert "156 × 156 px" in page
