"""Paint training pictures with the painters of tools/pictures, with seeds that the bundled pictures do not have.

python tools/training/paintings.py paintings/ --each 6

Tiles of paintings are what a style network meets, and photographs do not contain them. The bundled pictures
themselves are never trained on: the pages that show the network use them.
"""

import argparse
import importlib
import sys
from pathlib import Path

from PIL import Image

MAKE = Path(__file__).resolve().parents[2] / "tools/pictures"
PAINTERS = (
    "night_swirls", "stormy_sea", "sunset_waves", "facets", "composition", "mosaic", "woodcut",
    "riverside", "still_life", "valley",
)  # fmt: skip
SIDE = 256  # of a tile, as the training keeps it


def tiles(picture: Image.Image) -> list[Image.Image]:
    """Six squares of the picture, reduced to SIDE x SIDE: its four corners, and its left and right at full height."""
    squares = []
    for side in (picture.width // 2, picture.height):
        corners = [(left, top) for top in {0, picture.height - side} for left in (0, picture.width - side)]
        squares += [picture.crop((x, y, x + side, y + side)) for x, y in corners]
    return [square.resize((SIDE, SIDE), Image.Resampling.LANCZOS) for square in squares]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=6, help="how many pictures of each painter")
    parser.add_argument("--painters", nargs="+", default=PAINTERS, choices=PAINTERS)
    parser.add_argument("--seed", type=int, default=1000, help="the first seed")
    options = parser.parse_args()
    sys.path.insert(0, str(MAKE))
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.painters:
        paint = importlib.import_module(name).paint
        for seed in range(options.seed, options.seed + options.each):
            paths = [options.folder / f"{name}-{seed}-{index}.png" for index in range(6)]
            if paths[0].exists():
                continue
            picture = paint(720, 540, seed)
            for path, tile in zip(paths, tiles(picture), strict=True):
                tile.save(path)
            print(f"{name}, seed {seed}", flush=True)


if __name__ == "__main__":
    main()
