"""Build the pages of the site with Sphinx: the notebooks as they are committed, the texts, and the API reference."""

import base64
import html
import importlib.metadata
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import PurePosixPath

import nbformat

from tools import refresh
from tools.address import repository
from tools.web import pages, vendor

ROOT = pathlib.Path(__file__).parents[2]
CONFIGURATION = ROOT / "site" / "sphinx"
REFERENCE = {  # after the series, in this order; other texts in docs/ come last
    "The method": {
        "docs/glossary.md": "Glossary",
        "docs/symbols.md": "Symbols",
        "docs/conventions.md": "Conventions of the losses",
        "docs/fidelity.md": "Beside the paper",
        "docs/claims.md": "Claims, with each network",
        "docs/schedule.md": "One size, or from small to large?",
        "stylelib/weights/data/README.md": "Model card",
    },
    "The package": {
        "docs/architecture.md": "Architecture",
        "tools/benchmarks/README.md": "Benchmarks",
        "CONTRIBUTING.md": "Contributing",
        "CHANGELOG.md": "Changes",
    },
}
TEACHING = "docs/teaching/README.md"  # the teacher's page; the other texts beside it are below it in the side bar
SHORTER = {"for-students": "What students read first", "handout": "Handout"}  # titles in the side bar
ON_THE_SITE = """\
## On this site

<a href="../../slides/index.html">The slides</a> of every notebook, <a href="../../live/index.html">the live page</a>, \
which needs nothing but a browser, and <a href="../../explore/index.html">five ideas to touch</a>.
"""
PICTURES = ("docs/**/*.svg", "docs/**/*.jpg", "docs/**/*.png", "tools/benchmarks/*.png")  # that the texts show
NEEDED = ("sphinx", "myst_nb", "sphinx_book_theme", "pdoc")
USELESS = (".doctrees", ".buildinfo", "_sources", "_static/**/*.map", "_static/*macros.html", "_static/locales")
MENDED = {  # what keeps people who listen to a page from using it, in the pages that the theme and MyST-NB write
    '<summary aria-label="Toggle hidden content">': "<summary>",  # it has a text
    '<summary><span class="toctree-toggle" role="presentation">': '<summary aria-label="Pages below"><span '
    'class="toctree-toggle" role="presentation">',
    '<th class="head"><p></p></th>': '<td class="head"></td>',  # the empty corner of a table names nothing
    '<div id="pst-primary-sidebar"': '<div id="pst-primary-sidebar" role="region" aria-label="Side bar"',
    'title="Search" aria-label="Search" data-bs-placement="bottom" data-bs-toggle="tooltip">\n '
    '<i class="fa-solid fa-magnifying-glass"></i>\n <span': '><i class="fa-solid fa-magnifying-glass"></i> <span',
}
NO_ADDRESS = (
    "The project has no address yet. Write it into pyproject.toml, as Repository under [project.urls], and build the "
    "site again: then each notebook opens in Colab and Binder."
)


def build(out: pathlib.Path, address: str | None = None) -> None:
    """Write the pages into a folder.

    Parameters
    ----------
    out
        The folder; files in it are replaced.
    address
        The repository's address, "" for none; by default what pyproject.toml says.
    """
    if not all(importlib.util.find_spec(name) for name in NEEDED):
        raise SystemExit('The pages need the extra "site"; install it with: python -m pip install -e ".[site]"')
    address = repository() if address is None else address
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "source")
        stage(source, out, address)
        settings = {
            "version": importlib.metadata.version("stylelib"),
            "html_theme_options.extra_footer": footer(address),
        }
        command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-c", CONFIGURATION]
        command += [part for name, value in settings.items() for part in ("-D", f"{name}={value}")]
        done = subprocess.run([*command, source, out], capture_output=True, encoding="utf-8")
        if done.returncode:
            raise SystemExit(f"Sphinx could not write the pages:\n{done.stdout}{done.stderr}")
    for pattern in USELESS:
        for path in out.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in out.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for found, better in MENDED.items():
            text = text.replace(found, better)
        path.write_text(text, encoding="utf-8")
    (out / ".nojekyll").touch()  # GitHub Pages would leave out the folders that begin with _
    vendor.vendor_mathjax(out / "_static" / "mathjax")
    subprocess.run([sys.executable, ROOT / "tools" / "api.py", out / "api"], check=True)


def footer(address: str) -> str:
    """Return what stands below each page: where the source is, or what to do while there is no address."""
    return f'<p>Source: <a href="{address}">{address}</a></p>' if address else f"<p>{NO_ADDRESS}</p>"


def texts() -> dict[str, dict[str, str]]:
    """Return the texts that become pages, in groups: {path in the repository: title in the side bar}."""
    listed = {name for group in REFERENCE.values() for name in group}
    others = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.glob("docs/*.md"))}
    more = {name: first_heading(path) for name, path in others.items() if name not in listed}
    return {**REFERENCE, "The package": REFERENCE["The package"] | more}


def teaching() -> dict[str, str]:
    """Return the texts below the teacher's page: {path in the repository: title in the side bar}."""
    folder = (ROOT / TEACHING).parent
    texts = {path: SHORTER.get(path.stem, first_heading(path)) for path in sorted(folder.glob("*.md"))}
    texts |= {path: f"Notes on {first_heading(path)}" for path in sorted(folder.glob("notes/*.md"))}
    return {path.relative_to(ROOT).as_posix(): title for path, title in texts.items() if path != ROOT / TEACHING}


def teachers_page(text: str) -> str:
    """Return the teacher's page with links to what only the site has, and with the pages below it."""
    folder = PurePosixPath(TEACHING).parent
    lines = [
        f"{shown} <{PurePosixPath(name).relative_to(folder).with_suffix('')}>" for name, shown in teaching().items()
    ]
    tree = "\n".join(["```{toctree}", ":hidden:", "", *lines, "```"])
    before, mark, after = text.partition("\n## ")
    return f"{before}\n{ON_THE_SITE}{mark}{after}\n\n{tree}\n"


def first_heading(path: pathlib.Path) -> str:
    """Return a text's title, up to its colon."""
    return path.read_text(encoding="utf-8").removeprefix("# ").split("\n")[0].split(":")[0]


def stage(source: pathlib.Path, out: pathlib.Path, address: str) -> None:
    """Write what Sphinx reads into a folder, and pictures, recordings and downloads into the site."""
    notebooks = [
        *refresh.series(),
        *sorted((refresh.FOLDER / "solutions").glob("*.ipynb")),
        refresh.FOLDER / "studio.ipynb",
    ]
    written = [TEACHING, *teaching(), *(name for group in texts().values() for name in group)]
    names = {path.relative_to(ROOT).as_posix() for path in notebooks}
    site = pages.Site(ROOT, out, names | set(written), address)
    for path in notebooks:
        page = PurePosixPath(path.relative_to(ROOT).as_posix())
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        (out / page).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(pages.prepare(refresh.read(path), page, site), source / page)
        shutil.copyfile(path, out / page)
    for name in written:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        text = site.linked((ROOT / name).read_text(encoding="utf-8"), PurePosixPath(name))
        text = teachers_page(text) if name == TEACHING else text
        (source / name).write_text(text, encoding="utf-8")
    for picture in (path for pattern in PICTURES for path in ROOT.glob(pattern)):
        (source / picture.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, source / picture.relative_to(ROOT))
    (source / "index.md").write_text(landing(site), encoding="utf-8")
    (source / "solutions.md").write_text(solutions(), encoding="utf-8")
    (source / "reference.md").write_text(reference(), encoding="utf-8")


def landing(site: pages.Site) -> str:
    """Return the first page: what it is, the live page, the series as cards, and the table of contents."""
    for name in ("teaser.jpg", "teaser.webp"):
        (site.out / "images").mkdir(exist_ok=True)
        shutil.copyfile(ROOT / "images" / name, site.out / "images" / name)
    cards = "\n".join(card(path, site) for path in refresh.series())
    text = (CONFIGURATION / "index.md").read_text(encoding="utf-8")
    return text.replace("<!-- cards -->", cards).replace("<!-- contents -->", contents())


def card(path: pathlib.Path, site: pages.Site) -> str:
    """Return a notebook's card: a picture, its title, and what one can do after it."""
    notebook, index = refresh.read(path), PurePosixPath("index.md")
    title, promise = refresh.title_and_promise(notebook)
    picture = ""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if not picture and "card" in refresh.tags(cell) and "image/jpeg" in output.get("data", {}):
                picture = site.picture(base64.b64decode(output.data["image/jpeg"]), "image/jpeg", index, "")
    name = path.relative_to(ROOT).with_suffix(".html").as_posix()
    return (
        f'<a class="card-link" href="{name}">{picture}<span class="card-number">{path.stem[:2]}</span>'
        f"<strong>{html.escape(title.split(':')[0])}</strong>"
        f'<span class="card-text">{html.escape(promise[0].upper() + promise[1:])}.</span></a>'
    )


def contents() -> str:
    """Return the side bar's trees of pages."""
    groups = {"The series": {path.relative_to(ROOT).as_posix(): f"{path.stem[:2]} · {refresh.short_title(path)}"
                             for path in refresh.series()}}  # fmt: skip
    groups["The series"] |= {
        "solutions.md": "Solutions",
        "notebooks/studio.ipynb": "The studio",
        TEACHING: "For teachers",
    }
    groups |= texts()
    groups["The package"] = {"reference.md": "API reference", **groups["The package"]}
    trees = []
    for caption, entries in groups.items():
        lines = [f"{shown} <{name.rsplit('.', 1)[0]}>" for name, shown in entries.items()]
        trees.append("\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *lines, "```"]))
    return "\n\n".join(trees)


def solutions() -> str:
    """Return the page that lists the solutions."""
    lines = [
        f"{path.stem[:2]} · {refresh.short_title(path)} <notebooks/solutions/{path.stem}>" for path in refresh.series()
    ]
    tree = "\n".join(["```{toctree}", ":maxdepth: 1", "", *lines, "```"])
    return f"# Solutions\n\nOne way for each exercise of the series. Try first; each exercise has hints.\n\n{tree}\n"


def reference() -> str:
    """Return the page that leads to the API reference."""
    lines = []
    for path in sorted((ROOT / "stylelib").glob("*.py")):
        if path.stem.startswith("_"):
            continue
        first = path.read_text(encoding="utf-8").split('"""')[1].strip().split("\n")[0]
        lines.append(f'- <a href="api/stylelib/{path.stem}.html"><code>stylelib.{path.stem}</code></a>: {first}')
    listed = "\n".join(lines)
    return (
        "# API reference\n\nEvery module, class and function with its docstring and source is in "
        '<a href="api/stylelib.html">the reference</a>, which has a search of its own. The method is in these modules; '
        f"[Architecture](docs/architecture.md) shows the rest.\n\n{listed}\n"
    )
