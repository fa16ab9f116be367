"""The notebooks as they are committed. nbval runs each of them, too."""

import ast
import base64
import io
import pathlib
import re
import shutil
import statistics

import nbformat
import numpy as np
import PIL.Image
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from stylelib.exercises import EXERCISES
from stylelib.studio.panels import PANELS
from tools import address, refresh

FOLDER = pathlib.Path(__file__).parent.parent / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
SERIES = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
SOLUTIONS = sorted((FOLDER / "solutions").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def text(path):
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def test_the_series_is_there():
    assert [path.stem for path in SERIES][:1] == ["00_start_here"]
    assert {"05_style_transfer"} <= {path.stem for path in SERIES}


@pytest.mark.parametrize("path", [*SERIES, *SOLUTIONS], ids=lambda path: path.stem)
def test_outputs_are_committed_complete_in_order_and_small(path):
    nbformat.validate(read(path))
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any("image/jpeg" in output.get("data", {}) for cell in cells for output in cell.outputs)
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert "image/png" not in output.get("data", {}), "pictures are stored as JPEG"
            assert output.get("name") != "stderr", output.get("text")
            assert not refresh.says_nothing(output.get("data", {})), "run: python tools/refresh.py --only-links"
    assert path.stat().st_size < 1.5 * 2**20
    assert "widgets" not in read(path).metadata


@pytest.mark.parametrize("path", [*SERIES, *SOLUTIONS], ids=lambda path: path.stem)
def test_outputs_were_made_at_laptop_size_with_the_network_that_the_captions_name(path):
    printed = "".join(output.get("text", "") for cell in code_cells(path) for output in cell.outputs)
    assert read(path).metadata["stylelib"] == {"preset": "laptop"} and "Network: compact" in printed


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_a_notebook_has_the_parts_that_every_one_has(path):
    words = text(path)
    assert words.startswith("# ") and "After this notebook you will" in words.split("\n## ")[0]
    assert re.search(r"\d+ minutes to read", words) and "to run on a laptop" in words
    for heading in ("## Exercises", "## What we saw"):
        assert heading in words
    assert re.search(r"\*\*(Predict|Before you run it)", words), "a prediction is asked for before a result"
    assert f"solutions/{path.name}" in words
    tags = [tag for cell in read(path).cells for tag in cell.metadata.get("tags", [])]
    assert tags.count("navigation") == 2 and "assertion" in tags and "nbval-check-output" in tags


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_code_cells_are_short(path):
    shown = [cell for cell in code_cells(path) if "assertion" not in cell.metadata.get("tags", [])]  # these are folded
    lengths = [len(cell.source.splitlines()) for cell in shown]
    assert max(lengths) <= 20 and statistics.median(lengths) <= 7


def assertions(cell):
    """The assert statements of a cell; an exercise's cell, or one with a magic, need not be Python."""
    try:
        return [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Assert)]
    except SyntaxError:
        return []


def wrong_with_claims(cell):
    """What is wrong with a cell that asserts something; tools/claims.py makes a table of these claims."""
    claims, tags = assertions(cell), cell.metadata.get("tags", [])
    if not claims:
        return ["it is tagged `assertion` and asserts nothing"] if "assertion" in tags else []
    wrong = [] if "assertion" in tags else ["tag it `assertion`"]
    if cell.metadata.get("jupyter", {}).get("source_hidden") is not True:
        wrong.append("fold it: python tools/refresh.py --only-links")
    if not re.match(r"# Checks: \S.*\S", cell.source):
        wrong.append("its first line, which JupyterLab shows of a folded cell, says what it does: # Checks: …")
    for claim in claims:
        parts = getattr(claim.msg, "values", [claim.msg])  # of an f-string
        said = "".join(part.value if isinstance(part, ast.Constant) else " … " for part in parts if part)
        if len(re.findall(r"[^\W\d_]{2,}", said)) < 3 or said.rstrip().endswith("."):
            wrong.append(f"the message is a claim in words, without a full stop: {ast.unparse(claim)}")
    return wrong


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_claims_are_asserted_in_folded_cells_that_say_what_they_check(path):
    found = {cell.id: wrong for cell in code_cells(path) if (wrong := wrong_with_claims(cell))}
    assert not found, "\n".join(f"{cell}: {'; '.join(wrong)}" for cell, wrong in found.items())


@pytest.mark.parametrize(
    ("source", "metadata", "sentence"),
    [
        ("# Checks: one\nassert a < b, 'more edges are kept'", {}, "tag it"),
        ("# Checks: one\nassert a < b, 'more edges are kept'", {"tags": ["assertion"]}, "fold it"),
        ("a = 1\nassert a < b, 'more edges are kept'", {}, "first line"),
        ("# Checks: one\nassert a < b", {}, "in words"),
        ("# Checks: one\nassert a < b, f'{layer}: {value:.3f}'", {}, "in words"),
        ("# Checks: one\nassert a < b, 'more edges are kept.'", {}, "full stop"),
        ("# Checks: nothing", {"tags": ["assertion"]}, "asserts nothing"),
    ],
)
def test_what_is_wrong_with_a_cell_that_asserts_something_is_said(source, metadata, sentence):
    assert sentence in "; ".join(wrong_with_claims(new_code_cell(source, metadata=metadata)))


def test_a_cell_that_asserts_something_is_right_in_this_form():
    metadata = {"tags": ["assertion"], "jupyter": {"source_hidden": True}}
    source = "# Checks: edges\nfor layer in layers:\n    assert a < b, f'{layer}: more edges are kept'"
    assert wrong_with_claims(new_code_cell(source, metadata=metadata)) == []
    assert wrong_with_claims(new_code_cell("%matplotlib inline\n1 + 1")) == []


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_navigation_and_map_are_current(path):
    for cell, expected in refresh.generated_cells(read(path), path):
        assert cell.source == expected, "run: python tools/refresh.py --only-links"


def test_the_cards_show_what_the_notebooks_show():
    """The map's pictures are the notebooks' own outputs, made again when these change; JPEG costs up to 3 of 255."""
    (cell,) = [cell for cell in read(SERIES[0]).cells if "series-map" in cell.metadata.get("tags", [])]
    assert set(cell.attachments) == {f"card_{path.stem[:2]}.jpg" for path in SERIES[1:]}
    for name, data in cell.attachments.items():
        kept = PIL.Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"]))).convert("RGB").reduce(4)
        made = refresh.card_picture(name[5:7]).convert("RGB").reduce(4)
        difference = np.abs(np.asarray(kept, float) - np.asarray(made, float)).mean()
        assert difference < 4, "run: python tools/refresh.py --only-links"


def test_every_row_of_the_map_has_three_cells():
    """Otherwise nbconvert shows the whole table as text."""
    assert {len(row.strip("|").split("|")) for row in refresh.cards().splitlines()} == {3}


def test_the_readmes_table_is_current():
    assert refresh.README.read_text(encoding="utf-8") == refresh.readme_with_table()


def test_a_new_notebook_is_linked_from_all_others_when_it_alone_is_run(tmp_path, monkeypatch):
    folder, ran = tmp_path / "notebooks", []
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("recordings"))
    shutil.copy(refresh.README, tmp_path / "README.md")
    new = read(folder / SERIES[-1].name)
    new.cells[0].source = re.sub("^# .*", "# Another one: and more", new.cells[0].source)
    nbformat.write(new, folder / "99_another.ipynb")
    monkeypatch.setattr(refresh, "FOLDER", folder)
    monkeypatch.setattr(refresh, "README", tmp_path / "README.md")
    monkeypatch.setattr(refresh, "run", lambda notebook, preset: ran.append(preset))
    monkeypatch.setattr("sys.argv", ["refresh.py", "99_another", "--preset", "quick"])
    refresh.main()
    assert ran == ["quick", "quick"] and (folder / "solutions" / "99_another.ipynb").exists()
    assert read(folder / "99_another.ipynb").metadata["stylelib"] == {"preset": "quick"}
    for path in refresh.series():
        assert all(cell.source == expected for cell, expected in refresh.generated_cells(read(path), path))
    assert "[Another one](99_another.ipynb) →" in refresh.navigation(folder / SERIES[-1].name)
    (cards,) = [cell for cell in read(folder / SERIES[0].name).cells if "series-map" in cell.metadata.get("tags", [])]
    assert "card_99.jpg" in cards.attachments
    assert "99_another.ipynb" in (tmp_path / "README.md").read_text(encoding="utf-8")
    for path in SERIES:
        counts = [[cell.get("execution_count") for cell in read(file).cells] for file in (path, folder / path.name)]
        assert counts[0] == counts[1], "the others were not run"


def test_the_table_says_in_whole_sentences_what_a_reader_gains():
    promises = [refresh.title_and_promise(read(path))[1] for path in SERIES]
    assert all(re.match("you (can|will) [a-z]", promise) for promise in promises)
    assert not any(re.match("you can (have|be able)", promise) for promise in promises)


@pytest.mark.parametrize("path", [*SERIES, *SOLUTIONS], ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text(path)):
        if not target.startswith(("http", "attachment:")):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", [*SERIES, *SOLUTIONS], ids=lambda path: path.stem)
def test_pictures_in_the_text_are_inside_the_notebook(path):
    """A server started in the notebooks' folder shows nothing from outside of it."""
    for cell in read(path).cells:
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", cell.source):
            assert target.startswith("attachment:")
            assert cell.attachments[target.removeprefix("attachment:")]["image/jpeg"].startswith("/9j/")


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_every_exercise_that_is_checked_exists_and_is_solved(path):
    asked = set(re.findall(r'check\("(\w+)"', "\n".join(cell.source for cell in code_cells(path))))
    solution = path.parent / "solutions" / path.name
    solved = set(re.findall(r'check\("(\w+)"', "\n".join(cell.source for cell in code_cells(solution))))
    assert asked and asked <= set(EXERCISES)
    assert asked == solved


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_solutions_are_made_from_the_exercises(path):
    made = refresh.solutions_of(read(path), path)
    kept = read(path.parent / "solutions" / path.name)
    assert [cell.source for cell in made.cells] == [cell.source for cell in kept.cells], "run: python tools/refresh.py"


def test_solutions_import_what_they_use_and_install_where_the_notebook_does():
    setup = "import torch\n\nimport stylelib\nfrom stylelib import figures, losses\n\nfigures.lines"
    solution = "# %%\nfrom stylelib import figures\nfigures.bars"
    notebook = new_notebook(cells=[new_code_cell(setup), new_code_cell("...", metadata={"solution": solution})])
    notebook = address.with_install_cell(notebook, "https://example.org/a/b")
    _, install, start, _, answer = refresh.solutions_of(notebook, SERIES[0]).cells
    assert install.source == notebook.cells[0].source and install.metadata.tags == ["install"]
    assert start.source == "from stylelib import figures\n\nfigures.lines"
    assert answer.source == "from stylelib import figures\n\nfigures.bars"


@pytest.mark.parametrize("name", PANELS)
def test_each_panel_stands_in_its_notebook_and_shows_a_picture_where_nothing_runs(name):
    (cell,) = [
        cell for cell in code_cells(FOLDER / f"{name}.ipynb") if f'studio.panel("{name}", net.name)' in cell.source
    ]
    (output,) = cell.outputs
    assert output.data["image/jpeg"].startswith("/9j/") and WIDGET not in output.data


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_every_cell_can_be_run_twice(path):
    notebook = read(path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = [nbformat.from_dict({**cell, "id": f"{cell.id}-{turn}"}) for cell in cells for turn in (1, 2)]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()


def test_the_studios_page_shows_what_it_is_where_nothing_runs():
    cells = read(FOLDER / "studio.ipynb").cells
    (output,) = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    assert output.data["image/jpeg"].startswith("/9j/") and WIDGET not in output.data
    assert any("teaser.jpg" in cell.get("attachments", {}) for cell in cells), "and a picture that it made"
