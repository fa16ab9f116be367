"""Build the web site: python tools/site.py OUT, then python -m http.server --directory OUT.

It needs npm, which fetches onnxruntime-web once; afterwards it works offline.
"""

import argparse
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.web import live  # noqa: E402


def build(out: pathlib.Path) -> None:
    """Write the site into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    live.build(out / "live")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="the folder to write; files in it are replaced")
    build(parser.parse_args().out)
