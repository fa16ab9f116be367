"""Write the API reference, one HTML page for each module, from the docstrings.

python tools/api.py OUT   # OUT/index.html is the first page

It needs the extra `site`:  python -m pip install -e ".[site]"
"""

import argparse
import importlib.metadata
import pathlib
import pkgutil
import re

import pdoc

import stylelib

TABLE = r"^=+ .*\n(?:.+\n)+?=+ .*\n(?:.+\n)+?=+ .*$"  # a table whose columns are marked by lines of =


def prepare(name: str = "stylelib") -> None:
    """Prepare a module and its submodules for pdoc, which needs tables in Markdown and submodules in `__all__`."""
    module = importlib.import_module(name)
    module.__doc__ = re.sub(TABLE, markdown_table, module.__doc__ or "", flags=re.MULTILINE)
    if not hasattr(module, "__path__"):
        return
    children = [child.name for child in pkgutil.iter_modules(module.__path__) if child.name != "__main__"]
    module.__all__ = [*getattr(module, "__all__", []), *children]
    for child in children:
        prepare(f"{name}.{child}")


def markdown_table(found: re.Match[str]) -> str:
    """Return a match of TABLE as a table in Markdown."""
    marks, head, _, *rows, _ = found[0].splitlines()
    columns = [slice(*mark.span()) for mark in re.finditer("=+", marks)]
    columns[-1] = slice(columns[-1].start, None)
    cells = [[row[column].strip() for column in columns] for row in (head, *rows)]
    cells.insert(1, ["---"] * len(columns))
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def write(folder: pathlib.Path) -> None:
    """Write the pages into a folder. Neither writing nor reading them needs a network connection."""
    prepare()
    pdoc.render.configure(docformat="numpy", footer_text=f"stylelib {importlib.metadata.version('stylelib')}")
    pdoc.pdoc(stylelib.__name__, output_directory=folder)


def main() -> None:
    """Read the command line and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="a folder for the pages")
    write(parser.parse_args().out)


if __name__ == "__main__":
    main()
