"""Measure pictures that networks make, by measures that no network takes part in: the table of the model card.

python tools/training/measure.py measured/ vgg19 compact compact11 compact-random

Every run's picture is kept in the folder; started again, the command goes on where it was.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from evaluate import load

import stylelib
from stylelib.analysis import measures
from stylelib.vgg import LAYOUTS

PHOTO, PAINTING, STYLES = "riverside", "night_swirls", ("night_swirls", "stormy_sea", "woodcut")
CONTENT = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")


def patch_distance(picture: torch.Tensor, painting: torch.Tensor) -> float:
    distances = measures.patch_distances(picture, painting)
    return sum(distances.values()) / len(distances)


class Measured:
    """The pictures of one network, each made once and kept.

    Parameters
    ----------
    folder
        Where the pictures are.
    name
        A network's name, or a file's.
    """

    def __init__(self, folder: Path, name: str, options: argparse.Namespace):
        self.folder, self.name, self.options = folder / Path(name).stem, name, options
        self.folder.mkdir(parents=True, exist_ok=True)
        self.network = load(name)
        self.photo = stylelib.load_image(PHOTO, options.size)

    def picture(self, experiment: Callable[..., stylelib.Synthesis], *arguments, **more) -> torch.Tensor:
        """What an experiment makes, or made."""
        words = [str(len(one) if isinstance(one, tuple) else one) for one in (*arguments, *more.values())]
        path = self.folder / f"{experiment.__name__}-{'-'.join(words)}.pt"
        if not path.exists():
            run = experiment(*arguments, self.network, self.options.size, steps=self.options.steps, **more).finish()
            torch.save(run.image.half(), path)
            stylelib.save_image(run.image, path.with_suffix(".png"))
        return torch.load(path).float()

    def rows(self) -> dict[str, float]:
        """All lines of the table."""
        found: dict[str, float] = {}
        for block, layer in enumerate(CONTENT, 1):
            layer = layer if layer in self.network.layers else layer[:-1] + "1"
            picture = self.picture(stylelib.reconstruct_content, PHOTO, layer)
            found[f"content, block {block}: pixel error"] = measures.pixel_error(picture, self.photo)
            found[f"content, block {block}: fine energy / photo's"] = measures.fine_energy(
                picture
            ) / measures.fine_energy(self.photo)
            found[f"content, block {block}: edge agreement"] = measures.edge_agreement(picture, self.photo)
        painting = stylelib.load_image(PAINTING, self.options.size)
        for count in range(1, 6):
            picture = self.picture(stylelib.reconstruct_style, PAINTING, stylelib.STYLE_LAYERS[:count])
            found[f"style, first {count}: patch distance"] = patch_distance(picture, painting)
            found[f"style, first {count}: stroke coherence / style's"] = measures.stroke_coherence(
                picture
            ) / measures.stroke_coherence(painting)
        for init, alpha_beta in (("content", 0.1), ("noise", 0.4)):
            for name, measure in (
                ("patch distance to style", patch_distance),
                ("colour distance to style", measures.colour_distance),
                ("edge agreement with content", measures.edge_agreement),
                ("layout agreement with content", measures.layout_agreement),
            ):
                values = []
                for style in STYLES:
                    picture = self.picture(stylelib.style_transfer, PHOTO, style, init=init, alpha_beta=alpha_beta)
                    other = self.photo if name.endswith("content") else stylelib.load_image(style, self.options.size)
                    values.append(measure(picture, other))
                found[f"transfer from {init}: {name}"] = sum(values) / len(values)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("networks", nargs="+", help=f"names ({', '.join(LAYOUTS)}, …-random), .pt or .safetensors")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    columns = {name: Measured(options.folder, name, options).rows() for name in options.networks}
    print("| measure | " + " | ".join(columns) + " |")
    print("| --- |" + " --- |" * len(columns))
    for row in next(iter(columns.values())):
        print(f"| {row} | " + " | ".join(f"{found[row]:.3f}" for found in columns.values()) + " |")


if __name__ == "__main__":
    main()
