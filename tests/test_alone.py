"""A notebook alone in an empty folder, on a machine without stylelib: its first cell installs the package."""

import pathlib
import shutil
import subprocess
import sys
import sysconfig

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools import address

ROOT = pathlib.Path(__file__).parent.parent
NOTEBOOK = "02_content_reconstruction.ipynb"  # it shows a recording and has a panel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links to packages need a right on Windows")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """An environment that has everything but stylelib, and the command of its Python."""
    folder = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
    ).stdout.strip()
    others = folder / "others"  # links to all installed packages but stylelib
    others.mkdir()
    for package in pathlib.Path(sysconfig.get_path("purelib")).iterdir():
        if "stylelib" not in package.name and package.suffix != ".pth":
            (others / package.name).symlink_to(package)
    (pathlib.Path(purelib) / "others.pth").write_text(str(others), encoding="utf-8")
    missing = subprocess.run(
        [python, "-c", "import torch, ipykernel, stylelib"], capture_output=True, text=True, cwd=folder
    )
    assert "No module named 'stylelib'" in missing.stderr
    return folder, python


def run(notebook, folder, python):
    """Run a notebook in a folder, in a kernel of that Python."""
    kernel = folder / "share/jupyter/kernels/elsewhere"
    kernel.mkdir(parents=True, exist_ok=True)
    command = f'{{"argv": ["{python.as_posix()}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], '
    (kernel / "kernel.json").write_text(
        command + '"display_name": "elsewhere", "language": "python"}', encoding="utf-8"
    )
    return NotebookClient(
        notebook, timeout=300, kernel_name="elsewhere", resources={"metadata": {"path": str(folder / "lesson")}}
    )


@pytest.fixture
def lesson(elsewhere, monkeypatch):
    folder, python = elsewhere
    shutil.rmtree(folder / "lesson", ignore_errors=True)
    (folder / "lesson").mkdir()
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "share/jupyter"))
    monkeypatch.setenv("STYLELIB_PRESET", "quick")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return lambda notebook: run(notebook, folder, python).execute()


def notebook_for(where):
    return address.with_install_cell(nbformat.read(ROOT / "notebooks" / NOTEBOOK, as_version=4), where)


def test_without_an_address_it_says_what_to_do(lesson):
    with pytest.raises(
        CellExecutionError, match=r"stylelib is not installed here\. Get the project, run `python -m pip"
    ):
        lesson(notebook_for(""))


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs a git checkout")
def test_with_an_address_it_installs_once_and_the_whole_notebook_runs(lesson):
    notebook = lesson(notebook_for(f"file://localhost{ROOT.as_posix()}"))
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.outputs[0].text.startswith("Installing stylelib.")
    assert "VGG-19's recording is not here" not in str(notebook.cells), "recordings came with the package"
    again = lesson(nbformat.v4.new_notebook(cells=notebook.cells[: notebook.cells.index(first) + 1]))
    assert again.cells[-1].outputs == [], "the second time nothing is installed"
