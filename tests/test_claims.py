"""The table of claims: assertions are written down with their values, in a real kernel."""

import inspect
import pathlib
import subprocess
import sys

import nbformat
import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import stylelib
from tools import claims, recorder

CELLS = [
    new_markdown_cell("# A notebook"),
    new_code_cell("import stylelib, torch\nnet = stylelib.load_network()\nedges = [0.9, torch.tensor(0.41)]"),
    new_code_cell('assert edges[1] < 0.5 < edges[0], f"{net.name}: the deep layer lets edges go"'),
    new_code_cell('for edge in edges:\n    assert edge > 0.5, f"{edge:.1f}: every layer keeps its edges"'),
    new_code_cell('assert edges[7] > 0, "what cannot be computed is no claim that held"'),
    new_code_cell('assert torch.allclose(edges[1], torch.tensor(0.41)), "by hand as the library"'),
    new_code_cell('if net.name == "vgg19":\n    assert edges[0] > 1, "for another network only"'),
    new_code_cell("display(0, display_id=True).update(1)\ncalls = []"),
    new_code_cell('assert (calls.append(1) or len(calls)) == 1, "what is compared is computed once"'),
    new_code_cell('assert len(calls) == 1, "and it was"'),
    new_code_cell("1 / 0"),
    new_code_cell('assert True, "never reached"'),
]


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return claims.claims_of(new_notebook(cells=CELLS), "compact", "quick", folder=tmp_path_factory.mktemp("notebooks"))


def test_each_time_an_assertion_is_reached_is_written_down(result):
    said = [(claim["message"], claim["held"], claim["values"]) for claim in result["claims"]]
    assert said == [
        ("compact: the deep layer lets edges go", True, "0.41 < 0.5 < 0.9"),
        ("0.9: every layer keeps its edges", True, "0.9 > 0.5"),
        ("0.4: every layer keeps its edges", False, "0.41 > 0.5"),
        ("what cannot be computed is no claim that held", False, "IndexError: list index out of range"),
        ("by hand as the library", True, ""),
        ("what is compared is computed once", True, "1 = 1"),
        ("and it was", True, "1 = 1"),
    ]
    assert [claim["message"] for claim in result["claims"] if claim["exact"]] == ["by hand as the library"]


def test_what_computed_and_an_error_that_is_no_assertion_are_reported(result):
    about = result["about"]
    assert (about["network"], about["preset"], about["size"], about["steps"]) == ("compact", "quick", 64, 8)
    assert result["stopped"] == "cell 10, ZeroDivisionError: division by zero"


def test_a_kernel_that_dies_is_reported(tmp_path):
    cells = [new_code_cell('assert 1 < 2, "held before the end"'), new_code_cell("import os\nos._exit(1)")]
    result = claims.claims_of(new_notebook(cells=cells), "compact", "quick", folder=tmp_path)
    assert result["stopped"] == "cell 1, DeadKernelError: Kernel died"
    assert [claim["held"] for claim in result["claims"]] == [True]


def test_after_an_interrupt_nothing_half_done_is_kept(tmp_path):
    path = tmp_path / "02_content.ipynb"
    interrupt = "import os, signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(60)"
    nbformat.write(new_notebook(cells=[new_code_cell(interrupt)]), path)
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # also below a shell's `&`
    command = (
        f"{heard}; import pathlib; from tools import claims; claims.series = lambda: [pathlib.Path({str(path)!r})]"
    )
    arguments = [str(tmp_path), "--networks", "compact", "--preset", "quick"]
    done = subprocess.run(
        [sys.executable, "-c", f"{heard}; {command}; claims.main()", *arguments],
        cwd=claims.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "What was finished before 02 with compact is kept." in done.stderr
    assert not list(tmp_path.glob("*.json"))


def test_a_notebook_that_takes_another_network_is_no_result(monkeypatch, tmp_path):
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path))
    with pytest.raises(RuntimeError, match="took compact, not vgg19"):
        claims.claims_of(new_notebook(cells=CELLS[:1]), "vgg19", "quick", folder=tmp_path)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("a < 2 * b", "0.333 < 4"),
        ("rising == sorted(rising)", "[1, 2.5, 3] rising"),
        ("rising == sorted(rising, reverse=True)", "[1, 2.5, 3] falling"),
        ("a > b or b > a", "0.333 > 2; 2 > 0.333"),
        ("a < b or b < a", "0.333 < 2"),
        ("(large < 7).all()", "512 numbers from 0 to 6 < 7"),
        ("all(flags)", "[True, False]"),
        ("max(rising) > -1", "3 > -1"),
        ('name != "adam"', "lbfgs ≠ adam"),
    ],
)
def test_a_test_is_shown_with_its_values(test, expected, tmp_path):
    values = {"a": 1 / 3, "b": 2, "rising": [1, 2.5, 3.0], "large": torch.arange(512) % 7, "flags": [True, False]}
    written, record = [], object.__new__(recorder.Recorder)  # without a network
    record._write = written.append
    exec(recorder.rewritten(f"assert {test}, 'a claim'", 3), {recorder.NAME: record, "name": "lbfgs"} | values)
    assert written[0]["values"] == expected
    assert written[0]["held"] == bool(eval(test, {"name": "lbfgs"} | values))


@pytest.mark.filterwarnings("ignore:mixed precision needs a processor")  # said where that is so
def test_another_precision_is_used_where_the_notebook_asks_for_none(tmp_path, monkeypatch):
    plain = inspect.unwrap(stylelib.load_network)
    monkeypatch.setattr(plain, "__defaults__", plain.__defaults__)  # which the recorder changes
    monkeypatch.setenv("STYLELIB_WEIGHTS", str(tmp_path))
    recorder.Recorder(str(tmp_path / "claims.jsonl"), "mixed")
    assert '"network": "compact"' in (tmp_path / "claims.jsonl").read_text(encoding="utf-8")
    assert inspect.signature(stylelib.load_network).parameters["precision"].default == "mixed"


def test_values_are_short():
    assert recorder.shown(np.float32(0.12345)) == "0.123" and recorder.shown(torch.ones(1, 1)) == "[[1]]"
    assert recorder.shown({"conv1_1": 0.5}) == "{conv1_1: 0.5}" and len(recorder.shown("x" * 200)) <= recorder.LONGEST


@pytest.fixture
def series(tmp_path, monkeypatch):
    """One notebook, and results of it with both networks."""
    path = tmp_path / "02_content.ipynb"
    nbformat.write(new_notebook(cells=CELLS), path)
    monkeypatch.setattr(claims, "series", lambda: [path])
    (tmp_path / "weights").touch()
    monkeypatch.setattr(claims, "find_weights", lambda network: tmp_path / "weights")
    return path


def run_with(result, path, network, monkeypatch, **changes):
    """Keep a result of a notebook and a network, and return whether the notebook was run for it."""
    ran = []
    made = result | changes
    monkeypatch.setattr(claims, "claims_of", lambda *arguments, **named: ran.append(arguments) or dict(made))
    claims.result_of(claims.Run(path, network, path.parent), "quick")
    return bool(ran)


def test_the_page_has_a_row_for_each_assertion_and_a_column_for_each_network(result, series, monkeypatch):
    run_with(result, series, "compact", monkeypatch, stopped="")
    run_with(result, series, "vgg19", monkeypatch, claims=result["claims"][:2], stopped="")
    text = claims.page(series.parent)
    rows = [line for line in text.splitlines() if line.startswith("| [02]")]
    assert len(rows) == 5, "the comparison with the library is only counted"
    assert "held: 0.41 &lt; 0.5 &lt; 0.9 | held: 0.41" in rows[0] and "compact: the deep layer" in rows[0]
    assert "| *edge*: every layer keeps its edges | **NOT** (1 of 2): 0.4: 0.41 > 0.5 | held: 0.9 > 0.5 |" in rows[1]
    assert rows[2].endswith("| **NOT**: IndexError: list index out of range | – |")
    assert "1 times with compact, 0 times with vgg19" in text and "64 px, 8 steps" in text


def test_what_is_missing_stopped_or_older_is_said(result, series, monkeypatch):
    run_with(result, series, "compact", monkeypatch)
    text = claims.page(series.parent)
    assert "- 02 with compact: cell 10, ZeroDivisionError" in text and "with their present code: vgg19 02." in text
    assert "| not run |" in text and "| – |" not in text
    nbformat.write(new_notebook(cells=[*CELLS, new_code_cell("2 + 2")]), series)
    assert "| [02]" not in claims.page(series.parent)


def test_a_notebook_is_run_again_only_when_it_has_to_be(result, series, monkeypatch):
    assert run_with(result, series, "compact", monkeypatch, stopped="")
    assert not run_with(result, series, "compact", monkeypatch, stopped="")
    changed = [*CELLS[:1], new_code_cell(f"# a comment\n{CELLS[1].source}"), *CELLS[2:], new_markdown_cell("a text")]
    nbformat.write(new_notebook(cells=changed), series)
    assert not run_with(result, series, "compact", monkeypatch), "comments and texts do not matter"
    nbformat.write(new_notebook(cells=CELLS[:-1]), series)
    assert run_with(result, series, "compact", monkeypatch), "code does"
    assert run_with(result, series, "compact", monkeypatch, stopped=""), "an error is tried again"
    (series.parent / "weights").write_text("other weights")
    assert run_with(result, series, "compact", monkeypatch), "and other weights make other values"


def test_the_command_tells_by_its_status_that_a_claim_failed(result, series, monkeypatch, capsys):
    monkeypatch.setattr(claims, "claims_of", lambda *arguments: dict(result))
    page = series.parent / "claims.md"
    monkeypatch.setattr(
        "sys.argv", ["claims", str(series.parent), "--networks", "compact", "--notebooks", "02", "--table", str(page)]
    )
    with pytest.raises(SystemExit, match="1"):
        claims.main()
    assert "2 failed" in capsys.readouterr().out and page.read_text(encoding="utf-8").startswith("# The series' claims")


def test_without_the_weights_nothing_is_run(monkeypatch, tmp_path):
    monkeypatch.setattr(claims, "find_weights", lambda network: None)
    monkeypatch.setattr("sys.argv", ["claims", str(tmp_path)])
    with pytest.raises(SystemExit, match="set STYLELIB_WEIGHTS"):
        claims.main()


def test_every_assertion_of_the_series_can_be_rewritten():
    for path in pathlib.Path(claims.FOLDER).glob("[0-9][0-9]_*.ipynb"):
        for cell in claims.read(path).cells:
            if cell.cell_type == "code" and "assert " in cell.source:
                compile(recorder.rewritten(cell.source, 1), "cell", "exec", flags=8192)  # top-level await is allowed
