"""The table of claims: assertions are written down with their values, in a real kernel."""

import json
import pathlib

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import claims

CELLS = [
    new_markdown_cell("# A notebook"),
    new_code_cell("import stylelib, torch\nnet = stylelib.load_network()\nedges = [0.9, torch.tensor(0.41)]"),
    new_code_cell('assert edges[1] < 0.5 < edges[0], f"{net.name}: the deep layer lets edges go"'),
    new_code_cell('for edge in edges:\n    assert edge > 0.5, "every layer keeps its edges"'),
    new_code_cell('assert edges[7] > 0, "what cannot be computed is no claim that held"'),
    new_code_cell('assert torch.allclose(edges[1], torch.tensor(0.41)), "by hand as the library"'),
    new_code_cell('if net.name == "vgg19":\n    assert edges[0] > 1, "for another network only"'),
    new_code_cell("print('still running')"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return claims.claims_of(new_notebook(cells=CELLS), "compact", "quick", tmp_path_factory.mktemp("notebooks"))


def test_each_assertion_is_written_down_once_with_its_values(found):
    assert [claim["held"] for claim in found] == [True, False, False, True]
    first, looped, broken, _ = found
    assert first["message"] == "compact: the deep layer lets edges go"
    assert first["values"] == {"edges[1]": "0.41", "edges[0]": "0.9"}
    assert looped["values"] == {"edge": "0.41"}, "the last time"
    assert "IndexError" in broken["values"]["error"]


def test_what_only_repeats_the_library_is_told_apart(found):
    assert [claims.is_exact(claim) for claim in found] == [False, False, False, True]


def test_an_error_that_is_no_assertion_is_not_swallowed(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("1 / 0"), new_code_cell("assert True")])
    with pytest.raises(Exception, match="ZeroDivisionError"):
        claims.claims_of(notebook, "compact", "quick", tmp_path)


def test_the_page_has_a_row_for_each_claim_and_a_column_for_each_network(tmp_path, found, monkeypatch):
    path = pathlib.Path("notebooks/02_content.ipynb")
    monkeypatch.setattr(claims, "series", lambda: [path])
    for network, rows in (("compact", found), ("vgg19", found[:1])):
        result = {"digest": "", "preset": "quick", "claims": rows}
        (tmp_path / f"{path.stem}-{network}.json").write_text(json.dumps(result))
    lines = [line for line in claims.page(tmp_path).splitlines() if line.startswith("| [02]")]
    assert len(lines) == 3, "the exact comparison is only counted"
    assert "edges[1] = 0.41" in lines[0] and lines[0].count("holds") == 2
    assert "**fails**" in lines[1] and lines[1].endswith("| – |")


def test_a_notebook_that_has_not_changed_is_not_run_again(tmp_path, monkeypatch):
    path = claims.series()[0]
    ran = []
    monkeypatch.setattr(claims, "claims_of", lambda *arguments: ran.append(arguments) or [])
    for preset in ("quick", "quick", "laptop"):
        claims.keep(path, "compact", preset, tmp_path)
    assert [arguments[2] for arguments in ran] == ["quick", "laptop"]


def test_every_assertion_of_the_series_can_be_rewritten():
    for path in claims.series():
        for cell in claims.read(path).cells:
            if cell.cell_type == "code" and "assert " in cell.source:
                compile(claims.recording(cell.source, 1), "cell", "exec", flags=8192)  # top-level await is allowed
