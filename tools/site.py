"""Build the web site: python tools/site.py OUT, then python -m http.server --directory OUT.

It needs the extra `site` (python -m pip install -e ".[site]"), and npm, which fetches onnxruntime-web, MathJax and
reveal.js once; afterwards it works offline. The notebooks are shown as they are committed; nothing is run.
"""

import argparse
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools import slides  # noqa: E402
from tools.web import book, explore, links, live  # noqa: E402


def build(out: pathlib.Path, address: str | None = None) -> None:
    """Write the site into a folder, and check its links. `address` is the repository's, by default pyproject.toml's."""
    out.mkdir(parents=True, exist_ok=True)
    book.build(out, address)
    live.build(out / "live")
    explore.build(out / "explore")
    slides.build(out / "slides")
    if wrong := links.broken(out):
        raise SystemExit("\n".join(["Some links of the site are broken:", *wrong]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="the folder to write; files in it are replaced")
    build(parser.parse_args().out)
