"""Judge students by VGG-19 itself: how much of what VGG-19 reaches do pictures reach that a student optimised?

python tools/training/evaluate.py out/ old=compact new=runs/compact/checkpoint.pt --pairs riverside,night_swirls

Each pair is optimised with VGG-19 and with each student, from the content image and from noise, and every result is
judged by VGG-19's loss. The number is the share of the fall in that loss: 1 is as good as VGG-19 itself, 0 is nothing.
"""

import argparse
import json
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from safetensors import safe_open
from student import Student

import stylelib

ALPHA_BETA = {"content": 0.1, "noise": 0.4}  # what the product takes for each start
PAIRS = ("riverside,night_swirls", "still_life,woodcut", "valley,stormy_sea", "riverside,composition")


def load(source: str):
    """A network by stylelib's name for it, or the averaged student of a checkpoint (.pt)."""
    if source.endswith(".safetensors"):
        with safe_open(source, "pt") as file:
            return stylelib.load_network(file.metadata()["name"], weights=source)
    if not source.endswith(".pt"):
        return stylelib.load_network(source)
    state = torch.load(source, weights_only=False)
    student = Student(state["layout"], state["widths"])
    student.load_state_dict(state["average"])
    return student.eval().requires_grad_(False)


class Judge:
    """VGG-19's loss of a picture for one pair, in the convention that the product uses."""

    def __init__(self, network, photo: torch.Tensor, painting: torch.Tensor, alpha_beta: float):
        self.network = network
        self.terms = [stylelib.Content(network, photo, weight=alpha_beta), stylelib.Style(network, painting)]

    @torch.no_grad()
    def __call__(self, picture: torch.Tensor) -> dict[str, float]:
        """The parts of the loss by name."""
        layers = list(dict.fromkeys(layer for term in self.terms for layer in term.layers))
        seen = self.network(picture, layers)
        found = {}
        for term in self.terms:
            found |= term.losses(picture, {layer: seen[layer] for layer in term.layers})
        return {name: float(value) for name, value in found.items()}


def optimise(network, photo, painting, init: str, steps: int) -> stylelib.Synthesis:
    return stylelib.style_transfer(
        photo, painting, network, alpha_beta=ALPHA_BETA[init], init=init, steps=steps
    ).finish()


def judge_pair(vgg, networks: dict, pair: str, init: str, options: argparse.Namespace) -> dict:
    """Optimise one pair with VGG-19 and with each network, and judge; what VGG-19 itself made is kept."""
    photo, painting = (stylelib.load_image(name, options.size) for name in pair.split(","))
    judge = Judge(vgg, photo, painting, ALPHA_BETA[init])
    kept = options.folder / f"vgg19-{pair.replace(',', '-')}-{init}-{options.size}px-{options.steps}.pt"
    if not kept.exists():
        run = optimise(vgg, photo, painting, init, options.steps)
        torch.save({"start": stylelib.style_transfer(photo, painting, vgg, init=init).image, "image": run.image}, kept)
    best = torch.load(kept)
    first, last = sum(judge(best["start"]).values()), sum(judge(best["image"]).values())
    found = {"pair": pair, "init": init, "first": first, "vgg19": judge(best["image"]), "shares": {}, "parts": {}}
    pictures = {"vgg19": best["image"]}
    for label, network in networks.items():
        picture = pictures[label] = optimise(network, photo, painting, init, options.steps).image
        found["parts"][label] = judge(picture)
        found["shares"][label] = (first - sum(found["parts"][label].values())) / (first - last)
        print(
            f"{pair} from {init}: {label} {found['shares'][label]:.3f}  {parts_line(found['parts'][label])}", flush=True
        )
    print(f"{' ' * 20} vgg19 1.000  {parts_line(found['vgg19'])}", flush=True)
    sheet(pictures, found).save(options.folder / f"{pair.replace(',', '-')}-{init}.png")
    return found


def parts_line(parts: dict[str, float]) -> str:
    return " ".join(f"{name.split()[-1].removeprefix('conv')} {value:.4f}" for name, value in parts.items())


def sheet(pictures: dict[str, torch.Tensor], found: dict) -> Image.Image:
    """The pictures side by side, each with its network's name and share."""
    tiles = []
    for picture in pictures.values():
        values = (picture[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        tiles.append(
            Image.fromarray(values).resize((2 * values.shape[1], 2 * values.shape[0]), Image.Resampling.LANCZOS)
        )
    page = Image.new("RGB", (sum(tile.width + 4 for tile in tiles), tiles[0].height + 16), "white")
    left = 0
    for label, tile in zip(pictures, tiles, strict=True):
        page.paste(tile, (left, 16))
        ImageDraw.Draw(page).text((left + 2, 2), f"{label} {found['shares'].get(label, 1):.2f}", "black")
        left += tile.width + 4
    return page


def table(results: list[dict]) -> str:
    """The shares as a table in Markdown: a line for each pair, and a column for each network and start."""
    labels = list(results[0]["shares"])
    inits = list(dict.fromkeys(one["init"] for one in results))
    columns = [(label, init) for init in inits for label in labels]
    lines = ["| pair | " + " | ".join(f"{label}, from {init}" for label, init in columns) + " |"]
    lines.append("| --- |" + " --- |" * len(columns))
    shares = {(one["pair"], label, one["init"]): one["shares"][label] for one in results for label in labels}
    pairs = list(dict.fromkeys(one["pair"] for one in results))
    for pair in pairs:
        cells = [f"{shares[pair, *column]:.2f}" if (pair, *column) in shares else "" for column in columns]
        lines.append(f"| {pair.replace(',', ', ')} | " + " | ".join(cells) + " |")
    means = []
    for column in columns:
        found = [shares[pair, *column] for pair in pairs if (pair, *column) in shares]
        means.append(f"{sum(found) / len(found):.2f}")
    return "\n".join([*lines, "| mean | " + " | ".join(means) + " |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("networks", nargs="+", metavar="LABEL=NETWORK", help="a name, a .pt or a .safetensors")
    parser.add_argument("--pairs", nargs="+", default=PAIRS, help="content,style")
    parser.add_argument("--inits", nargs="+", default=list(ALPHA_BETA), choices=list(ALPHA_BETA))
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    vgg = stylelib.load_network("vgg19")
    networks = {label: load(source) for label, source in (one.split("=", 1) for one in options.networks)}
    results = [judge_pair(vgg, networks, pair, init, options) for pair in options.pairs for init in options.inits]
    (options.folder / "shares.json").write_text(json.dumps(results, indent=1))
    print(table(results))


if __name__ == "__main__":
    main()
