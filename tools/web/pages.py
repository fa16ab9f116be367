"""Prepare notebooks and texts of the repository for Sphinx. Nothing is run: the committed outputs are shown.

The pages lie in the site as their sources lie in the repository, so links between them stay as they are.
"""

import base64
import copy
import hashlib
import html
import os.path
import pathlib
import re
import urllib.parse
from pathlib import PurePosixPath

import PIL.Image
from nbformat import NotebookNode

from stylelib.studio.panels import PANELS
from tools.address import opened
from tools.web import scrub

WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif"}
PANEL = re.compile(r"\bpanel\(\s*[\"'](\w+)[\"']")
# code, in which nothing is a link; or a link or picture
LINK = re.compile(r"```.*?^```|`+[^`\n]*`+|(?P<picture>!?)\[(?P<label>(?:!\[[^\]]*\]\([^)]*\)|[^\]\[])*)\]"
                  r"\((?P<target>[^)\s]+)\)", re.DOTALL | re.MULTILINE)  # fmt: skip


class Site:
    """What the pages need to know about the repository and the site.

    Parameters
    ----------
    root
        The repository.
    out
        The site's folder, into which pictures are written.
    pages
        The sources that become pages, as paths in the repository.
    address
        The repository's address, or "".
    """

    def __init__(self, root: pathlib.Path, out: pathlib.Path, pages: set[str], address: str):
        self.root, self.out, self.pages, self.address = root, out, pages, address

    def picture(self, data: bytes, kind: str, page: PurePosixPath, alt: str) -> str:
        """Write a picture to the notebooks' pictures, and return the HTML that shows it on a page."""
        folder = PurePosixPath("notebooks", "pictures")
        path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.{PICTURES[kind]}"
        (self.out / folder).mkdir(parents=True, exist_ok=True)
        (self.out / path).write_bytes(data)
        with PIL.Image.open(self.out / path) as image:
            size = 'width="{}" height="{}"'.format(*image.size)
        return f'<img src="{self.url(path, page)}" alt="{html.escape(alt)}" {size} loading="lazy">'

    @staticmethod
    def url(path: PurePosixPath, page: PurePosixPath) -> str:
        """Return the relative address of a file from a page."""
        return urllib.parse.quote(os.path.relpath(path, page.parent).replace("\\", "/"))

    def linked(self, text: str, page: PurePosixPath) -> str:
        """Return a text whose links lead to pages, to the API reference, or to the repository, if it has an address."""
        return LINK.sub(lambda found: self._link(found, page), text)

    def _link(self, found: re.Match[str], page: PurePosixPath) -> str:
        label, target = found["label"], found["target"]
        if target is None or re.match(r"[a-z]+:", target):
            return found[0]
        name, _, fragment = target.partition("#")
        if not name:
            return f"[{label}](#{anchor(fragment)})"
        path = os.path.normpath(page.parent / name).replace("\\", "/")
        if not (self.root / path).exists():
            raise SystemExit(f"{page} links to {target}, which is not there.")
        if path in self.pages:
            there = f"{name}#{anchor(fragment)}" if fragment else name
            return f"[{label}]({there})"
        if found["picture"]:
            return found[0]
        if path.startswith("stylelib/") and path.endswith(".py"):
            return f'<a href="{self.url(PurePosixPath("api", path).with_suffix(".html"), page)}">{label}</a>'
        if self.address:
            kind = "tree" if (self.root / path).is_dir() else "blob"
            return f"[{label}]({self.address}/{kind}/main/{path})"
        return label


def anchor(fragment: str) -> str:
    """Return the name that a heading has on the site; Jupyter's has capitals and punctuation as well."""
    return re.sub(r"[^\w-]", "", fragment.lower())


def prepare(notebook: NotebookNode, page: PurePosixPath, site: Site) -> NotebookNode:
    """Return a notebook as the page shows it; its pictures are written to files.

    Parameters
    ----------
    notebook
        As it is committed.
    page
        Its path in the repository.
    site
        Where the pages go.
    """
    notebook = copy.deepcopy(notebook)
    notebook.cells = [cell for cell in notebook.cells if "navigation" not in cell.metadata.get("tags", [])]
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = site.linked(attached(cell, page, site), page)
            heading = (re.findall(r"^#+ +(.+)$", cell.source, re.MULTILINE) or [heading])[-1]
        elif cell.cell_type == "code":
            if "assertion" in cell.metadata.get("tags", []) or cell.metadata.get("jupyter", {}).get("source_hidden"):
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
            cell.outputs = outputs(cell, page, site, heading)
        cell.pop("attachments", None)
    first = notebook.cells[0]
    title, _, rest = first.source.partition("\n")
    first.source = f"{title}\n\n{launch(page, site.address)}\n{rest}"
    notebook.metadata.pop("widgets", None)
    return notebook


def attached(cell: NotebookNode, page: PurePosixPath, site: Site) -> str:
    """Return a text with the pictures that are attached to its cell as files, because MyST-NB reads no attachments."""

    def shown(found: re.Match[str]) -> str:
        ((kind, data),) = cell.attachments[found["name"]].items()
        return site.picture(base64.b64decode(data), kind, page, found["alt"])

    return re.sub(r"!\[(?P<alt>[^\]]*)\]\(attachment:(?P<name>[^)]+)\)", shown, cell.source)


def outputs(cell: NotebookNode, page: PurePosixPath, site: Site, heading: str) -> list[NotebookNode]:
    """Return a cell's outputs: pictures as HTML with their text, a panel as a scrubber, and no widgets."""
    panel, shown = PANEL.search(cell.source), []
    for output in cell.outputs:
        data = output.get("data", {})
        if WIDGET in data and not set(data) & set(PICTURES):
            continue
        kind = next((kind for kind in PICTURES if kind in data), None)
        recording = panel and scrub.load(site.root / "notebooks" / "recordings" / f"{panel[1]}.zip")
        if kind and recording:
            folder = PurePosixPath("notebooks", "recordings", panel[1])
            url = site.url(folder, page)
            output.data = {"text/html": scrub.scrubber(recording, PANELS[panel[1]].title, site.out / folder, url)}
        elif kind:
            alt = output.metadata.get(kind, {}).get("alt") or f"Figure of the section “{plain(heading)}”"
            output.data = {"text/html": site.picture(base64.b64decode(data[kind]), kind, page, alt)}
        elif "text/html" in data:
            data["text/html"] = inlined(data["text/html"], page, site)
        shown.append(output)
    return shown


def inlined(text: str, page: PurePosixPath, site: Site) -> str:
    """Return HTML with the pictures that it holds as data in files."""

    def shown(found: re.Match[str]) -> str:
        alt = html.unescape((re.search(r'alt="([^"]*)"', found[0]) or ["", ""])[1])
        return site.picture(base64.b64decode(found["data"]), found["kind"], page, alt)

    return re.sub(r'<img [^>]*src="data:(?P<kind>image/\w+);base64,(?P<data>[^"]+)"[^>]*>', shown, text)


def plain(text: str) -> str:
    """Return a line of Markdown without its marks."""
    return re.sub(r"[*`]|\$", "", re.sub(r"<[^>]+>|\[([^\]]*)\]\([^)]*\)", r"\1", text)).strip()


def launch(page: PurePosixPath, address: str) -> str:
    """Return the links with which a reader runs a notebook: elsewhere, if the repository has an address; or at home."""
    links = [(url, f"Open in {name}", "") for name, url in opened(address, str(page)).items()]
    links.append((page.name, "Download", " download"))
    shown = " ".join(f'<a href="{html.escape(url)}"{more}>{text}</a>' for url, text, more in links)
    return f'<p class="launch">{shown}</p>\n'
