"""Paint training pictures with the painters of images/make, with seeds that the bundled pictures do not have.

python stylelib/training/paintings.py paintings/ --each 6

Tiles of paintings are what a style network meets, and photographs do not contain them. The bundled pictures
themselves are never trained on: the pages that show the network use them.
"""

import argparse
import importlib
import sys
from pathlib import Path

from PIL import Image

MAKE = Path(__file__).resolve().parents[2] / "images/make"
PAINTERS = (
    "night_swirls", "stormy_sea", "sunset_waves", "facets", "composition", "mosaic", "woodcut",
    "riverside", "still_life", "valley",
)  # fmt: skip
SIDE = 256  # of a tile, as the training keeps it


def tiles(picture: Image.Image, across: int = 2) -> list[Image.Image]:
    """The picture's squares, `across` in a row, each reduced to SIDE x SIDE."""
    side = picture.width // across
    corners = [
        (left * side, top)
        for top in range(0, picture.height - side + 1, max(1, (picture.height - side) // 1 or 1))
        for left in range(across)
    ]
    return [picture.crop((x, y, x + side, y + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS) for x, y in corners]


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
            paths = [options.folder / f"{name}-{seed}-{index}.png" for index in range(4)]
            if paths[0].exists():
                continue
            picture = paint(720, 540, seed)
            for path, tile in zip(paths, tiles(picture), strict=False):
                tile.save(path)
            print(f"{name}, seed {seed}", flush=True)


if __name__ == "__main__":
    main()
