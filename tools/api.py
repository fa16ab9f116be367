"""Write the API reference, one HTML page for each module, from the docstrings.

python tools/api.py OUT   # OUT/index.html is the first page

It needs the extra `site`:  python -m pip install -e ".[site]"
"""

import argparse
import importlib.metadata
import pathlib
import pkgutil

import pdoc

import stylelib


def name_submodules(package: str = "stylelib") -> None:
    """Add the submodules of all packages to their `__all__`, because pdoc shows only what that names."""
    module = importlib.import_module(package)
    children = [child for child in pkgutil.iter_modules(module.__path__) if child.name != "__main__"]
    module.__all__ = [*getattr(module, "__all__", []), *(child.name for child in children)]
    for child in children:
        if child.ispkg:
            name_submodules(f"{package}.{child.name}")


def write(folder: pathlib.Path) -> None:
    """Write the pages into a folder. They need no network, neither to be made nor to be read."""
    name_submodules()
    pdoc.render.configure(docformat="numpy", footer_text=f"stylelib {importlib.metadata.version('stylelib')}")
    pdoc.pdoc(stylelib.__name__, output_directory=folder)


def main() -> None:
    """Read the command line and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="a folder for the pages")
    write(parser.parse_args().out)


if __name__ == "__main__":
    main()
