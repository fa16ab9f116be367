"""Build the explorables: a page of five ideas to touch. It uses the live page's network, pictures and modules."""

import pathlib
import re
import shutil

PAGE = pathlib.Path(__file__).parents[2] / "site" / "explore"
NOTEBOOKS = "../notebooks/"  # where the pages of the notebooks are, seen from this page


def build(folder: pathlib.Path, notebooks: str | None = NOTEBOOKS) -> None:
    """Write the page into a folder beside that of the live page.

    Parameters
    ----------
    folder
        The folder; files in it are replaced.
    notebooks
        Where the links to the notebooks lead; None leaves them out, for a page without the site around it.
    """
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    page = folder / "index.html"
    text = page.read_text(encoding="utf-8")
    if notebooks is None:
        text = re.sub(rf' <a href="{re.escape(NOTEBOOKS)}[^>]*>.*?</a>', "", text)
    else:
        text = text.replace(f'href="{NOTEBOOKS}', f'href="{notebooks}')
    page.write_text(text, encoding="utf-8")
