"""Build the explorables: a page of five ideas to touch. It uses the live page's network, pictures and modules."""

import pathlib
import shutil

PAGE = pathlib.Path(__file__).parents[2] / "site" / "explore"


def build(folder: pathlib.Path) -> None:
    """Write the page into a folder beside that of the live page."""
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
