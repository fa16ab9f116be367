"""Put the repository's address in every place that needs it: badges, clone line, citation, install cells.

python tools/address.py

The address is `Repository` in pyproject.toml, under [project.urls]. While there is none, these places are left empty.
"""

import copy
import pathlib
import re
import tomllib

import nbformat
from nbformat import NotebookNode

ROOT = pathlib.Path(__file__).parent.parent
GITHUB, COLAB = "https://github.com/", "https://colab.research.google.com"
FIRST = "notebooks/00_start_here.ipynb"  # opened by the badge
INSTALL = """\
import importlib.util

if importlib.util.find_spec("stylelib") is None:  # on Colab, for example
    %pip install -q "stylelib @ git+{address}\""""


def repository() -> str:
    """Return the address, or "" while there is none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "").removesuffix("/")


def badges(address: str) -> str:
    """Return the badges at the top of the README: the state of the tests, and a link to Colab."""
    tests = f"{address}/actions/workflows/test.yml"
    shown = [f"[![tests]({tests}/badge.svg)]({tests})"]
    if address.startswith(GITHUB):
        opened = f"{COLAB}/github/{address.removeprefix(GITHUB)}/blob/main/{FIRST}"
        shown.append(f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({opened})")
    return " ".join(shown)


def clone(address: str) -> str:
    """Return the lines of the README that clone the project."""
    folder = address.rsplit("/", 1)[1]
    return f"Clone the project first:\n\n```sh\ngit clone {address} && cd {folder}\n```"


def with_address(text: str, address: str) -> str:
    """Return a text in which the parts between marks are made for an address.

    The marks are <!-- badges --> and <!-- clone --> in Markdown, and "# address" in CITATION.cff.
    """
    for mark, make in {"badges": badges, "clone": clone}.items():
        between = f"\\1\n{make(address)}\n\\2" if address else r"\1\2"
        text = re.sub(rf"(<!-- {mark} -->).*?(<!-- /{mark} -->)", between, text, flags=re.DOTALL)
    line = f'repository-code: "{address}"\n' if address else ""
    return re.sub(r"^(# address.*\n)(repository-code: .*\n)?", rf"\1{line}", text, flags=re.MULTILINE)


def with_install_cell(notebook: NotebookNode, address: str) -> NotebookNode:
    """Return a notebook with a cell that installs stylelib if it is missing; with no address, one without that cell."""
    notebook = copy.deepcopy(notebook)
    cells = [cell for cell in notebook.cells if "install" not in cell.metadata.get("tags", [])]
    if address:
        first = next(number for number, cell in enumerate(cells) if cell.cell_type == "code")
        cell = nbformat.v4.new_code_cell(INSTALL.format(address=address), metadata={"tags": ["install"]})
        cells.insert(first, cell)
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:02}"
    for number, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), 1):
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number
    notebook.cells = cells
    return notebook


def main() -> None:
    """Write the address into all files."""
    address = repository()
    for name in ("README.md", "CITATION.cff"):
        path = ROOT / name
        path.write_text(with_address(path.read_text(encoding="utf-8"), address), encoding="utf-8")
    for path in sorted((ROOT / "notebooks").glob("**/*.ipynb")):
        nbformat.write(with_install_cell(nbformat.read(path, as_version=4), address), path)


if __name__ == "__main__":
    main()
