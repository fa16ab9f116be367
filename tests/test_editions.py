"""The editions for a class, as files: nothing is given away, nothing is missing, and both run where they lie."""

import gzip
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbclient import NotebookClient

from stylelib.exercises import EXERCISES
from tools import editions, refresh
from tools.teaching import exercises, files, notes

SERIES = refresh.series()
STATE = "import json; from stylelib.exercises import check; import stylelib; "


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("editions")
    editions.build(folder)
    return folder


def read(path):
    return nbformat.read(path, as_version=4)


def contents(data, name):
    """Every file in these bytes: what is packed in them too."""
    yield name, data
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.namelist():
                yield from contents(archive.read(entry), f"{name}/{entry}")
    elif name.endswith(".gz"):
        yield from contents(gzip.decompress(data), name.removesuffix(".gz"))


@pytest.fixture(scope="module")
def handed_out(out):
    """All that students get: {content: names of the files with it}; the folder and the zip hold the same."""
    found = {}
    for place in [*(out / "student").rglob("*"), out / "student.zip"]:
        if place.is_file():
            for name, data in contents(place.read_bytes(), place.relative_to(out).as_posix()):
                found.setdefault(data, []).append(name)
    return found


@pytest.fixture(scope="module")
def taught():
    """What students read anyway: the cells of the lesson, and the package without its exercises."""
    package = [path for path in (files.ROOT / "stylelib").rglob("*.py") if path.parent.name != "exercises"]
    cells = [cell.source for path in SERIES for cell in read(path).cells]
    return "\n".join([*cells, *(path.read_text(encoding="utf-8") for path in package)])


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_no_line_of_a_solution_is_in_the_bytes_that_students_get(path, handed_out, taught):
    for task in exercises.tasks_of(path):
        own = [line for line in task.lines if line not in taught]
        assert own, f"exercise {task.number}: its solution is taught in the lesson, line by line"
        for line in own:
            for form in {line, json.dumps(line, ensure_ascii=False)[1:-1]}:
                found = [names for data, names in handed_out.items() if form.encode() in data]
                assert not found, f"exercise {task.number}: {line!r} is in {found}"


def test_the_search_finds_what_is_there(handed_out):
    """In a notebook, in a zip and in a packed file."""
    line = json.dumps('check("gram_matrix", my_gram_matrix)')[1:-1]
    (names,) = [names for data, names in handed_out.items() if line.encode() in data]
    assert names == ["student/05_style_transfer.ipynb", "student.zip/student/05_style_transfer.ipynb"]
    assert any(name.endswith("exercises/sealed.json") for names in handed_out.values() for name in names)


def test_students_get_no_solutions_results_and_links_to_them(out):
    assert not list((out / "student").rglob("*solution*"))
    for path in (out / "student").glob("*.ipynb"):
        notebook = read(path)
        assert "solutions/" not in path.read_text(encoding="utf-8")
        for cell in notebook.cells:
            assert set(cell.metadata) <= {"tags", "jupyter"}
            assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_students_get_questions_hints_and_checks_as_in_the_lesson(path, out):
    lesson, student = read(path).cells, read(out / "student" / path.name).cells
    assert len(lesson) == len(student)
    for cell, handed in zip(lesson, student, strict=True):
        assert handed.cell_type == cell.cell_type and cell.get("attachments") == handed.get("attachments")
        if cell.cell_type == "code":
            assert handed.source.replace(".hidden ", ".content ") == cell.source
        else:
            assert handed.source.count("<details>") == cell.source.count("<details>")
            assert ASKED(handed.source) == ASKED(cell.source)


ASKED = re.compile(r"^\*\*\d\. ★+.*", re.MULTILINE).findall


@pytest.mark.parametrize("edition", ["student", "teacher"])
def test_links_of_an_edition_lead_to_its_own_files(edition, out):
    for path in [*(out / edition).rglob("*.ipynb"), *(out / edition).rglob("*.md")]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
        for _, _, target, _ in files.LINK.findall(text):
            if target and not target.startswith(("http", "attachment:")) and "stylelib/" not in path.as_posix():
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def in_edition(folder, code):
    """Run code in an edition's folder, as a kernel there does; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("edition", ["student", "teacher"])
def test_an_edition_runs_with_the_package_beside_it(edition, out):
    code = (
        STATE + "recipe = stylelib.Recipe('transfer', network='compact', size=64, steps=1); recipe.save('r.json');"
        "print(json.dumps([stylelib.__file__, sorted(stylelib.bundled_images()),"
        "str(check('gram_of_four_copies', 2)), check('gram_of_four_copies', 4).passed,"
        "check('content_loss', lambda F, P: ((F - P) ** 2).sum() / 2).passed]))"
    )
    where, pictures, said, *passed = json.loads(in_edition(out / edition, code))
    (out / edition / "r.json").unlink()
    assert pathlib.Path(where).is_relative_to(out / edition) and {"riverside", "night_swirls"} <= set(pictures)
    assert said == str(EXERCISES["gram_of_four_copies"].check(2)) and passed == [True, True]


def run(notebook, folder):
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=300, startup_timeout=300, allow_errors=True, resources=resources)
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    wrong = [output for output in outputs if output.output_type == "error"]
    assert not wrong, wrong[0].evalue
    return [output.data["text/plain"] for output in outputs if "text/plain" in output.get("data", {})]


@pytest.mark.parametrize("solved", [False, True], ids=["empty", "solved"])
def test_a_students_notebook_runs_and_its_checks_say_what_is_missing(solved, out, monkeypatch):
    """The exercises of 01 with what stands before them that they need: neither a run nor a figure."""
    monkeypatch.setenv("STYLELIB_PRESET", "quick")
    monkeypatch.delenv("PYTHONPATH", raising=False)  # the package beside the notebook is the one that is tested
    path = next(path for path in SERIES if path.stem.startswith("01"))
    notebook = read(out / "student" / path.name)
    tasks = {task.position: task for task in exercises.tasks_of(path) if task.check}
    kept = [cell for cell in notebook.cells if cell.cell_type == "code"][:2]  # install, and what is imported
    for position, task in tasks.items():
        cell = notebook.cells[position]
        if solved:
            first = next(cell for cell in exercises.solution_cells(task) if "check(" in cell.source)
            cell.source = re.sub(r"verdict = (check\(.*\))\nassert .*", r"\1", first.source, flags=re.DOTALL)
        kept.append(cell)
    notebook.cells = kept
    said = run(notebook, out / "student")
    assert len(said) == len(tasks) == 4
    assert all(text.startswith("✓ Right." if solved else "✗ Not yet. Still to do") for text in said)


# --------------------------------------------------------------------------------------- the teacher's edition


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_teachers_get_each_solution_with_its_points_and_note(path, out):
    cells = read(out / "teacher" / path.name).cells
    text = "\n".join(cell.source for cell in cells)
    for task in exercises.tasks_of(path):
        note = f"> **For the teacher** · exercise {task.number}, {task.stars} point"
        index = next(index for index, cell in enumerate(cells) if cell.source.startswith(note))
        wanted = exercises.solution_cells(task)
        got = cells[index + 1 : index + 1 + len(wanted)]
        assert ["".join(cell.source.split()) for cell in got] == ["".join(cell.source.split()) for cell in wanted]
        assert any(cell.get("outputs") for cell in got if cell.cell_type == "code")
        assert task.start not in [cell.source for cell in cells]
    for heading, said in notes.sections(path.stem).items():
        assert f"· {heading.lower() if heading == notes.OPENING else heading}\n" in text
        assert f"> {said.splitlines()[0]}" in text
    assert f"> {notes.parts(path.stem)['Timing'].splitlines()[0]}" in text


def test_teachers_get_the_texts_and_the_pages(out):
    folder = out / "teacher" / "teaching"
    assert {path.name for path in folder.glob("*.*")} == {
        path.name for path in files.TEXTS.glob("*.md") if path.name not in ("README.md", "handout.md")
    } | {"handout.html"}
    assert [path.stem for path in sorted((folder / "notes").glob("*.md"))] == [path.stem for path in SERIES]
    assert (out / "teacher" / "README.md").read_text(encoding="utf-8").startswith("# Teaching")


def test_a_zip_has_what_its_folder_has_and_is_the_same_each_time(out):
    for edition, most in {"student": 25, "teacher": 35}.items():
        path = out / f"{edition}.zip"
        inside = zipfile.ZipFile(path).namelist()
        files_there = [one for one in (out / edition).rglob("*") if one.is_file() and "__pycache__" not in one.parts]
        assert set(inside) == {one.relative_to(out).as_posix() for one in files_there}
        assert not any(name.endswith(".whl") for name in inside) and path.stat().st_size < most * 1e6
    before = (out / "student.zip").read_bytes()
    assert files.pack(files_without_caches(out / "student")).read_bytes() == before


def files_without_caches(folder):
    for cache in folder.rglob("__pycache__"):
        for path in cache.iterdir():
            path.unlink()
        cache.rmdir()
    return folder


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "thesis.txt").write_text("mine")
    with pytest.raises(SystemExit, match="holds other files"):
        editions.build(tmp_path)
    assert (tmp_path / "student" / "thesis.txt").read_text() == "mine"
