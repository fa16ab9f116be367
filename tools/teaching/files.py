"""What both editions hold, where it lies in them, and links that fit.

The notebooks lie at the top of an edition with the package beside them, so that they run without installing it.
"""

import pathlib
import posixpath
import re
import shutil
import tomllib
import zipfile
from collections.abc import Mapping

from tools.refresh import FOLDER as NOTEBOOKS
from tools.refresh import series

ROOT = pathlib.Path(__file__).parents[2]
TEXTS = ROOT / "docs" / "teaching"
READ_BESIDE = (
    "docs/glossary.md",
    "docs/symbols.md",
    "docs/conventions.md",
    "docs/fidelity.md",
    "docs/fidelity/*.jpg",
    "LICENSE",
)
NEVER = ("__pycache__", ".DS_Store", ".ipynb_checkpoints")
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the time of every file in a zip, so that the same content gives the same zip
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]*)(#[^)\s]*)?\)")


def places(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return where the project's files lie in an edition: {path in the project: path in the edition}."""
    found = {f"notebooks/{path.name}": path.name for path in [*series(), NOTEBOOKS / "studio.ipynb"]}
    for pattern in READ_BESIDE:
        found |= {path.relative_to(ROOT).as_posix(): path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}
    return found | dict(extra or {})


def relink(text: str, source: str, where: Mapping[str, str]) -> str:
    """Return a text whose links lead to the places in an edition; of a link to anything else the words are left.

    Parameters
    ----------
    text
        Markdown.
    source
        The text's path in the project.
    where
        {path in the project: path in the edition}.
    """
    here = posixpath.dirname(where[source])

    def changed(link: re.Match[str]) -> str:
        picture, words, target, anchor = link.groups(default="")
        if not target or target.startswith(("http", "attachment:", "mailto:")):
            return link[0]
        goal = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if goal not in where:
            return words
        return f"{picture}[{words}]({posixpath.relpath(where[goal], here or '.')}{anchor})"

    return LINK.sub(changed, text)


def copy_texts(out: pathlib.Path, where: Mapping[str, str]) -> None:
    """Copy the files of an edition that are copied as they are; links in Markdown are changed."""
    for source, place in where.items():
        path = out / place
        if path.suffix != pathlib.PurePosixPath(source).suffix:
            continue  # a page that is made of a text
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            path.write_text(relink((ROOT / source).read_text(encoding="utf-8"), source, where), encoding="utf-8")
        elif path.suffix != ".ipynb":
            shutil.copy(ROOT / source, path)


def copy_package(out: pathlib.Path) -> None:
    """Copy the package with its pictures and recordings inside, as in its wheel."""
    package = out / "stylelib"
    shutil.copytree(ROOT / "stylelib", package, ignore=shutil.ignore_patterns(*NEVER))
    for kind in ("content", "style"):
        shutil.copytree(ROOT / "images" / kind, package / "pictures" / kind)
    shutil.copytree(NOTEBOOKS / "recordings", package / "recordings")


def requirements() -> str:
    """Return the packages that an edition needs, one a line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return "\n".join([*project["dependencies"], "jupyter>=1.1", ""])


def empty(folder: pathlib.Path) -> pathlib.Path:
    """Return a folder that is new, or that this tool made before; what was in it is removed."""
    mark = folder / "stylelib"
    if folder.exists() and any(folder.iterdir()) and not mark.exists() and not (folder / "source").exists():
        raise SystemExit(f"{folder} holds other files. Name another folder, or remove it.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def pack(folder: pathlib.Path) -> pathlib.Path:
    """Write a folder as a zip beside it."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder.parent).as_posix(), EARLIEST)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return path
