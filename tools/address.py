"""Put the repository's address in every place that needs it: badges, clone line, citation, install cells.

python tools/address.py

The address is `Repository` in pyproject.toml, under [project.urls]. While there is none, these places are empty, or say
what to do.
"""

import copy
import pathlib
import re
import tomllib
import urllib.parse

import nbformat
from nbformat import NotebookNode

ROOT = pathlib.Path(__file__).parent.parent
GITHUB, COLAB, BINDER = "https://github.com/", "https://colab.research.google.com", "https://mybinder.org"
FIRST = "notebooks/00_start_here.ipynb"  # opened by the badge
COLAB_BADGE, BINDER_BADGE = f"{COLAB}/assets/colab-badge.svg", f"{BINDER}/badge_logo.svg"
FIND = """\
import importlib.util

if importlib.util.find_spec("stylelib") is None:  # on Colab, for example
"""
INSTALL = """\
    print("Installing stylelib. This is needed once, and takes about a minute.")
    %pip install -q "stylelib @ git+{address}\""""
MISSING = """\
    raise ModuleNotFoundError(
        "stylelib is not installed here. Get the project, run `python -m pip install -r requirements.txt` in its "
        "folder, and open the notebook there."
    )"""
TOUCH = """Beside it, [five ideas of the method]({site}explore/) can be touched."""
BUILD = """The page, five ideas of the method to touch, and the site around them are built by one command, \
`python tools/site.py my_site`, and shown by `python -m http.server --directory my_site`."""
LIVE = """optimises a picture in your browser, with your own photograph if you like; nothing leaves your machine."""


def repository() -> str:
    """Return the address, or "" while there is none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "").removesuffix("/")


def opened(address: str, path: str) -> dict[str, str]:
    """Return where a notebook of the repository can be opened: {"Colab": …, "Binder": …}; Colab opens GitHub's only."""
    if not address:
        return {}
    name = address.removeprefix(GITHUB)
    project = f"gh/{name}" if address.startswith(GITHUB) else f"git/{urllib.parse.quote(address, safe='')}"
    binder = {"Binder": f"{BINDER}/v2/{project}/main?labpath={urllib.parse.quote(path, safe='')}"}
    colab = {"Colab": f"{COLAB}/github/{name}/blob/main/{path}"} if address.startswith(GITHUB) else {}
    return colab | binder


def site(address: str) -> str:
    """Return where the repository's workflow publishes the site, or "" if it is not on GitHub."""
    if not address.startswith(GITHUB):
        return ""
    owner, name = address.removeprefix(GITHUB).split("/")
    return f"https://{owner}.github.io/{name}/"


def badges(address: str) -> str:
    """Return the badges at the top of the README: the state of the tests, and links to Colab and Binder."""
    if not address:
        return ""
    tests = f"{address}/actions/workflows/test.yml"
    shown = [f"[![tests]({tests}/badge.svg)]({tests})"]
    for name, target in opened(address, FIRST).items():
        shown.append(f"[![Open in {name}]({COLAB_BADGE if name == 'Colab' else BINDER_BADGE})]({target})")
    return " ".join(shown)


def clone(address: str) -> str:
    """Return the lines of the README that clone the project."""
    folder = address.rsplit("/", 1)[-1]
    return address and f"Clone the project first:\n\n```sh\ngit clone {address} && cd {folder}\n```"


def live(address: str) -> str:
    """Return the lines of the README on the live page: a link, or how to build it."""
    page = f"[**The live page**]({site(address)}live/)" if site(address) else "The live page"
    touch = f" {TOUCH.format(site=site(address))}" if site(address) else ""
    read = f"{touch} [The whole series can be read there]({site(address)}), too." if site(address) else ""
    return f"{page} {LIVE}{read or ' ' + BUILD}"


def with_address(text: str, address: str) -> str:
    """Return a text in which the parts between marks are made for an address.

    The marks are <!-- badges -->, <!-- live --> and <!-- clone --> in Markdown, and "# address" in CITATION.cff.
    """
    for mark, make in {"badges": badges, "live": live, "clone": clone}.items():
        made = make(address)
        between = f"\\1\n{made}\n\\2" if made else r"\1\2"
        text = re.sub(rf"(<!-- {mark} -->).*?(<!-- /{mark} -->)", between, text, flags=re.DOTALL)
    line = f'repository-code: "{address}"\n' if address else ""
    return re.sub(r"^(# address.*\n)(repository-code: .*\n)?", rf"\1{line}", text, flags=re.MULTILINE)


def with_install_cell(notebook: NotebookNode, address: str) -> NotebookNode:
    """Return a notebook whose first code cell installs stylelib if it is missing or, with no address, says how to."""
    notebook = copy.deepcopy(notebook)
    cells = [cell for cell in notebook.cells if "install" not in cell.metadata.get("tags", [])]
    first = next(number for number, cell in enumerate(cells) if cell.cell_type == "code")
    source = FIND + (INSTALL.format(address=address) if address else MISSING)
    metadata = {"tags": ["install"], "jupyter": {"source_hidden": True}}
    cells.insert(first, nbformat.v4.new_code_cell(source, metadata=metadata))
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
