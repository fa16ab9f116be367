"""Paint the project's pictures again.

python tools/pictures                       # all of them
python tools/pictures night_swirls mosaic   # some

Style pictures go to images/style/, content pictures to images/content/.
"""

import importlib
import sys
from pathlib import Path

IMAGES = Path(__file__).resolve().parent.parent.parent / "images"

# Name: folder, width and height in pixels, seed.  The same seed gives the same picture again.
PICTURES = {
    "night_swirls": ("style", 720, 560, 3),
    "stormy_sea": ("style", 720, 560, 5),
    "sunset_waves": ("style", 720, 560, 7),
    "facets": ("style", 576, 704, 2),
    "composition": ("style", 720, 560, 13),
    "mosaic": ("style", 704, 560, 17),
    "woodcut": ("style", 720, 560, 19),
    "riverside_night": ("style", 768, 512, 23),
    "riverside": ("content", 768, 512, 23),
    "still_life": ("content", 768, 576, 29),
    "valley": ("content", 768, 512, 31),
    "cat": ("content", 640, 640, 37),
    "teaser": ("", 1100, 330, 0),  # these two last, because stylelib makes them from the others
    "gallery": ("", 1100, 0, 0),
}


def repaint(name: str) -> None:
    """Paint one picture, write its JPEG file and print the file's name."""
    folder, width, height, seed = PICTURES[name]
    module = importlib.import_module(name)
    picture = module.paint(width, height, seed)
    path = IMAGES / folder / f"{name}.jpg"
    path.parent.mkdir(exist_ok=True)
    picture.save(path, quality=90, optimize=True)
    if hasattr(module, "animate"):
        path.with_suffix(".webp").write_bytes(module.animate(seed))
    size = f"{picture.width} x {picture.height}"
    print(f"{path.relative_to(IMAGES.parent)}: {size}, {path.stat().st_size // 1000} kB")


def main(names: list[str]) -> int:
    """Paint the named pictures, or all. Return 0, or 2 for a name that is not a picture's."""
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
