"""Paint the project's own pictures again:  python images/make [NAME ...]

Without a name, all of them.  Style pictures go to images/style/, content pictures to images/content/.
"""

import importlib
import sys
from pathlib import Path

IMAGES = Path(__file__).resolve().parent.parent

# Name: folder, width, height, seed.  The same seed gives the same picture again.
PICTURES = {
    "night_swirls": ("style", 720, 560, 3),
    "stormy_sea": ("style", 720, 560, 5),
    "sunset_waves": ("style", 720, 560, 7),
    "facets": ("style", 576, 704, 11),
    "composition": ("style", 720, 560, 13),
    "mosaic": ("style", 704, 560, 17),
    "woodcut": ("style", 720, 560, 19),
    "riverside": ("content", 768, 512, 23),
    "still_life": ("content", 768, 576, 29),
    "valley": ("content", 768, 512, 31),
    "teaser": ("", 1100, 330, 0),  # made of the others, with stylelib: last
}


def repaint(name):
    """Paint one picture and write its JPEG; says which file it wrote."""
    folder, width, height, seed = PICTURES[name]
    picture = importlib.import_module(name).paint(width, height, seed)
    path = IMAGES / folder / f"{name}.jpg"
    path.parent.mkdir(exist_ok=True)
    picture.save(path, quality=90, optimize=True)
    size = f"{picture.width} x {picture.height}"
    print(f"{path.relative_to(IMAGES.parent)}: {size}, {path.stat().st_size // 1000} kB")


def main(names):
    """Paint the named pictures, or all; 2 when a name is not one of them."""
    unknown = [name for name in names if name not in PICTURES]
    if unknown:
        message = f"No picture is called {', '.join(unknown)}; there are: {', '.join(PICTURES)}."
        print(message, file=sys.stderr)
        return 2
    for name in names or PICTURES:
        repaint(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
