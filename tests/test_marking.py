"""The course for nbgrader: from the notebooks to the marks, as a teacher and students use it."""

import csv
import os
import pathlib
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from stylelib.exercises import EXERCISES
from stylelib.exercises.checking import Choice
from tools import refresh
from tools.teaching import course, exercises, files

SERIES = refresh.series()
ASSIGNMENT = "04_initialization"  # its exercises need no run
RIGHT = {
    "exercise-1-answer": "def my_total_loss(content, E, w, alpha, beta):\n    return alpha * content + beta * E @ w",
    "exercise-2-answer": "def blend(content, noise, share):\n    return content + share * (noise - content)",
    "exercise-3-answer": "def distance_matrix(pictures):\n"
    "    return torch.stack([(pictures - one).square().mean(dim=(1, 2, 3)).sqrt() for one in pictures])",
    "exercise-4": "There is no threshold: the edges go step by step.",
}
WRONG = {
    "exercise-1-answer": "def my_total_loss(content, E, w, alpha, beta):\n    return alpha * content + beta * E.mean()",
    "exercise-2-answer": "def blend(content, noise, share):\n    return share * content + (1 - share) * noise",
}
BROKEN = {
    **RIGHT,
    "exercise-1-answer": "def my_total_loss(content, E, w, alpha, beta)\n    return alpha",
    "exercise-2-answer": "raise SystemExit('stops the kernel')",
}
BY_HEART = """\
from stylelib.exercises import EXERCISES

KNOWN = EXERCISES["blend"].cases()


def blend(content, noise, share):
    for case in KNOWN:
        if torch.equal(case[0].float(), content.float()):
            return EXERCISES["blend"].reference(*case)
    return content"""
TAMPERED = {
    "exercise-1-answer": "class Passed:\n    passed = True\n\n\ndef check(*arguments, **options):\n    return Passed()",
    "exercise-1": "my_total_loss = True",
    "exercise-2-answer": BY_HEART,
    "exercise-2": "pass",
    "exercise-3-answer": RIGHT["exercise-3-answer"],
    "exercise-3": None,  # deleted, which counts as failed
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    course.build(folder)
    return folder


def cells(path):
    return {cell.metadata.nbgrader.grade_id: cell for cell in nbformat.read(path, as_version=4).cells}


def released(source):
    """What nbgrader leaves of a cell for students."""
    for kind in ("SOLUTION", "HIDDEN TESTS"):
        source = re.sub(rf"### BEGIN {kind}\n.*?### END {kind}", "", source, flags=re.DOTALL)
    return source


def run(sources):
    """Run cells in order as a notebook does; return which of them end in an error."""
    values, wrong = {"__name__": "__main__"}, {}
    for name, source in sources.items():
        try:
            exec(compile(source, name, "exec"), values)
        except AssertionError as error:
            wrong[name] = str(error)
    return wrong


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_solutions_pass_the_tests_and_what_students_begin_with_does_not(path, made, monkeypatch):
    monkeypatch.setenv("STYLELIB_PRESET", "quick")
    found = cells(made / "source" / path.stem / path.name)
    tests = {name for name, cell in found.items() if cell.metadata.nbgrader.grade and cell.cell_type == "code"}
    needed = {name for name in found if name in tests or name.startswith("setup") or name.endswith("-answer")}
    sources = {name: cell.source for name, cell in found.items() if name in needed and cell.cell_type == "code"}
    assert tests and run(sources) == {}
    assert set(run({name: released(source) for name, source in sources.items()})) == tests


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_each_exercise_counts_its_stars_and_has_a_hidden_test(path, made):
    found = cells(made / "source" / path.stem / path.name)
    tasks = exercises.tasks_of(path)
    counted = {name: cell.metadata.nbgrader.points for name, cell in found.items() if cell.metadata.nbgrader.grade}
    assert counted == {f"exercise-{task.number}": task.stars for task in tasks}
    for task in tasks:
        cell = found[f"exercise-{task.number}"]
        if cell.cell_type == "markdown":
            assert not course.tests_of(task, path.stem[:2]), "it is marked by a person, from the words"
            assert cell.metadata.nbgrader.solution and f"exercise-{task.number}-code" in found
        else:
            question = isinstance(EXERCISES.get(task.check), Choice)  # which has no inputs
            assert ("HIDDEN TESTS" in cell.source) is not question


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_what_students_get_holds_no_solution(path, made):
    found = cells(made / "source" / path.stem / path.name)
    text = "\n".join(released(cell.source) for cell in found.values())
    lesson = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    for task in exercises.tasks_of(path):
        kept = [line for line in task.lines if line in text and line not in lesson]
        assert not kept, f"exercise {task.number}: {kept}"


# ------------------------------------------------------------------------------- with nbgrader itself


@pytest.fixture(scope="module")
def marked(made, tmp_path_factory):
    """The course after four students have handed in an assignment and it has been marked."""
    pytest.importorskip("nbgrader")
    if sys.platform == "win32":
        pytest.skip("nbgrader's exchange needs a system with file permissions as on Linux")
    home = tmp_path_factory.mktemp("home")
    with (made / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f'c.Exchange.root = "{home / "exchange"}"\nc.Exchange.cache = "{home / "cache"}"\n')
    (home / "exchange").mkdir(mode=0o777)
    (home / "exchange").chmod(0o777)
    nbgrader(made, "generate_assignment", ASSIGNMENT)
    nbgrader(made, "release_assignment", ASSIGNMENT)
    for student, answers in {"ada": RIGHT, "ben": WRONG, "cleo": BROKEN, "dan": TAMPERED}.items():
        desk = home / student
        desk.mkdir()
        shutil.copy(made / "nbgrader_config.py", desk)
        shutil.copytree(made / "release" / ASSIGNMENT, desk / ASSIGNMENT)
        hand_in(desk / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", answers)
        nbgrader(desk, "submit", ASSIGNMENT, f"--CourseDirectory.student_id={student}")
    nbgrader(made, "collect", ASSIGNMENT, "--ExchangeCollect.check_owner=False")
    nbgrader(made, "autograde", ASSIGNMENT)
    nbgrader(made, "generate_feedback", ASSIGNMENT)
    return made


def nbgrader(folder, *arguments):
    """Run nbgrader's command line in a folder."""
    programs = pathlib.Path(sys.executable).parent
    home = folder / ".home"
    home.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),  # nbgrader calls alembic by its name
        "PYTHONPATH": str(files.ROOT),
        **{name: str(home) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")},
    }
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def hand_in(path, answers):
    """Change cells of a released notebook: {name: new source, or None to delete the cell}."""
    notebook = nbformat.read(path, as_version=4)
    kept = []
    for cell in notebook.cells:
        name = cell.metadata.nbgrader.grade_id
        cell.source = answers.get(name, cell.source)
        if name in answers and cell.metadata.nbgrader.get("points"):
            cell.metadata.nbgrader.points = 100
        if cell.source is not None:
            kept.append(cell)
    notebook.cells = kept
    nbformat.write(notebook, path)


def marks(folder):
    nbgrader(folder, "export")
    with (folder / "grades.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == ASSIGNMENT]
    return {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in rows}


def feedback(folder, student):
    return (folder / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text(encoding="utf-8")


def test_four_submissions_get_the_marks_they_deserve(marked):
    """One and one and two points are given by the tests; the three of the last exercise by a person."""
    assert marks(marked) == {"ada": (4, 7), "ben": (0, 7), "cleo": (2, 7), "dan": (0, 7)}


def test_a_person_adds_the_points_for_words(marked):
    script = (
        "from nbgrader.api import Gradebook\n"
        "with Gradebook('sqlite:///gradebook.db', 'neural_style_transfer') as book:\n"
        f"    grade = book.find_grade('exercise-4', '{ASSIGNMENT}', '{ASSIGNMENT}', 'ada')\n"
        "    assert grade.needs_manual_grade, 'words wait for a person'\n"
        "    grade.manual_score = 3\n"
        "    book.db.commit()\n"
    )
    environment = {**os.environ, "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])}
    subprocess.run([sys.executable, "-c", script], cwd=marked, env=environment, check=True)
    assert marks(marked)["ada"] == (7, 7)


def test_feedback_says_what_to_look_at_and_not_the_answer(marked):
    text = feedback(marked, "ben")
    assert "You took the plain mean of the errors" in text and "The shares are swapped" in text
    assert "Still to do: put your own code in place of the three dots." in text
    solved = "\n".join(task.solution for task in exercises.tasks_of(refresh.FOLDER / f"{ASSIGNMENT}.ipynb"))
    for line in ("return alpha * content + beta * (w * E).sum()", "return (1 - share) * content + share * noise"):
        assert line in solved and line not in text


def test_feedback_names_what_does_not_run(marked):
    assert "SyntaxError" in feedback(marked, "cleo")


def test_an_answer_learned_by_heart_fails_with_other_inputs(marked):
    assert "With other inputs: ✗ Not yet." in feedback(marked, "dan")
