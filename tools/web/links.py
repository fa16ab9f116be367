"""Check the links of a folder of pages: they lead to what is there, and nothing is loaded from outside."""

import functools
import html.parser
import pathlib
import re
import urllib.parse

LOADED = {
    ("img", "src"),
    ("script", "src"),
    ("link", "href"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("video", "src"),
}
URL = re.compile(r"""url\(\s*["']?([^"')]+)""")


class Page(html.parser.HTMLParser):
    """What a page leads to, what it loads, and its places: names to which a link can lead."""

    def __init__(self, text: str):
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if not value:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.places.add(value)
            elif (tag, name) in LOADED and dict(attributes).get("rel") not in ("next", "prev", "search", "canonical"):
                self.loaded.add(value)
            elif name in ("href", "src"):
                self.links.add(value)


def broken(folder: pathlib.Path) -> list[str]:
    """Return what is wrong with the links of all pages and style sheets in a folder: one sentence each, sorted."""
    read = functools.cache(lambda path: Page(path.read_text(encoding="utf-8")))
    wrong = []
    for path in sorted(folder.rglob("*.html")):
        page, name = read(path), path.relative_to(folder).as_posix()
        wrong += [f"{name} loads {url} from outside" for url in sorted(page.loaded) if is_outside(url)]
        for url in sorted(page.links | page.loaded):
            if not is_outside(url) and (missing := missing_part(path, url, read)):
                wrong.append(f"{name} leads to {url}, but there is no {missing}")
    for path in sorted(folder.rglob("*.css")):
        name = path.relative_to(folder).as_posix()
        for url in sorted(set(URL.findall(path.read_text(encoding="utf-8")))):
            if is_outside(url) and not url.startswith(("data:", "#")):
                wrong.append(f"{name} loads {url} from outside")
            elif not is_outside(url) and (missing := missing_part(path, url, read)):
                wrong.append(f"{name} loads {url}, but there is no {missing}")
    return wrong


def is_outside(url: str) -> bool:
    """Return whether an address names a server, or is no address of a file at all, such as mailto:."""
    return bool(re.match(r"[a-z][a-z+.-]*:|//", url, re.IGNORECASE)) and not url.startswith("data:")


def missing_part(path: pathlib.Path, url: str, read) -> str | None:
    """Return what a relative address leads to in vain: a file, or a place in a page. None if it is there."""
    if url.startswith("data:"):
        return None
    parts = urllib.parse.urlsplit(url)
    target = path.parent / urllib.parse.unquote(parts.path) if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "such file"
    place = urllib.parse.unquote(parts.fragment)
    if place and target.suffix == ".html" and place not in read(target).places and place != "top":
        return f"place {place} in it"
    return None
