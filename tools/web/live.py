"""Build the live page: the page itself, the embedded networks, the bundled pictures, and onnxruntime-web."""

import hashlib
import importlib.metadata
import json
import pathlib
import shutil

import PIL.Image
import PIL.ImageOps
import safetensors.torch
import torch

import stylelib
from stylelib.evaluation.evaluator import Evaluator
from stylelib.experiments import FIRST_SIZE
from stylelib.recipes import Recipe
from stylelib.storage.recipe_files import FORMAT
from stylelib.support.gallery import bundled_images
from stylelib.support.plots import CONTENT_COLOUR, STYLE_COLOUR
from stylelib.vgg import VGG, begins_block
from stylelib.weights.store import DATA, EMBEDDED
from tools.web import vendor

PAGE = pathlib.Path(__file__).parents[2] / "site" / "live"
STEPS = 60  # enough for a picture, and few enough for a processor
PROBE_SIDE = 32  # pixels of the picture with which the page tests whether a GPU computes what it should
SMALL_SIDE = 112  # pixels of a picture in the row from which a visitor chooses
PROBE_STRIDE = 97  # every 97th value of the gradient is compared


def build(folder: pathlib.Path) -> None:
    """Write the live page into a folder, which is ready for any server of files."""
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    for name in ("networks", "pictures"):
        (folder / name).mkdir(exist_ok=True)
    about = {
        "stylelib": importlib.metadata.version("stylelib"),
        "format": FORMAT,
        "onnxruntime": vendor.VERSION,
        "colours": {"content": CONTENT_COLOUR, "style": STYLE_COLOUR},
        "recipe": default_recipe(),
        "networks": [network(name, folder) for name in EMBEDDED],
        "pictures": [picture(kind, path, folder) for kind in ("content", "style") for path in pictures(kind)],
    }
    text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
    (folder / "live.json").write_text(text, encoding="utf-8")
    vendor.vendor(folder / "vendor")


def default_recipe() -> dict:
    """Return the values of a recipe that the page starts from, by name."""
    recipe = Recipe()
    names = [name for name in recipe.values if name not in ("style_weights", "changes")]
    return {name: getattr(recipe, name) for name in names} | {"first_size": FIRST_SIZE, "steps": STEPS}


def network(name: str, folder: pathlib.Path) -> dict:
    """Write a network's file, and return what the page has to know about it.

    The file has the weights as the package has them, in float16, and the numbers by which the normalisation divides
    each filter's activations. The page multiplies them in float32. Rounding the normalised weights to float16 instead
    would change the gradient by 3 %.
    """
    net = stylelib.load_network(name, device="cpu")
    assert isinstance(net, VGG)
    tensors = safetensors.torch.load_file(DATA / f"{name}.safetensors")
    tensors |= {f"{layer}.scale": scale.clone() for layer, scale in net.scales.items()}
    file = pathlib.Path("networks") / f"{name}.safetensors"
    (folder / file).write_bytes(safetensors.torch.save(tensors))
    layers = [
        {
            "name": layer,
            "filters": net.filters(layer),
            "stride": net.stride(layer),
            "receptive_field": net.receptive_field(layer),
            "pooled": begins_block(layer),
            "before": net.layers[number - 1] if number else None,
        }
        for number, layer in enumerate(net.layers)
    ]
    return {
        "name": name,
        "file": file.as_posix(),
        "bytes": (folder / file).stat().st_size,
        "source": net.source.removeprefix(f"{name}: "),
        "fingerprint": net.fingerprint(),
        "mean": net.mean.flatten().tolist(),
        "std": net.std.flatten().tolist(),
        "layers": layers,
        "probe": probe(net),
    }


def probe(net: VGG) -> dict:
    """Return losses and some values of the gradient of a picture that the page can make, for testing a GPU."""
    terms = [stylelib.Content(net, waves(0)), stylelib.Style(net, waves(1))]
    (evaluation,) = Evaluator(terms)(waves(2))
    gradient = evaluation.gradient.flatten()
    losses, some = list(evaluation.losses.values()), gradient[::PROBE_STRIDE].tolist()
    return {"side": PROBE_SIDE, "losses": losses, "gradient": some, "stride": PROBE_STRIDE}


def waves(number: int) -> torch.Tensor:
    """Return a picture of waves, which the page computes in the same way: (1, 3, PROBE_SIDE, PROBE_SIDE)."""
    index = torch.arange(3 * PROBE_SIDE**2, dtype=torch.float64)
    values = 0.5 + 0.4 * torch.sin(index * (0.11 + 0.07 * number)) * torch.cos(index * index * 1e-4 * (number + 1))
    return values.float().reshape(1, 3, PROBE_SIDE, PROBE_SIDE)


def pictures(kind: str) -> list[pathlib.Path]:
    """Return the files of the bundled pictures of a kind."""
    return list(bundled_images(kind).values())


def picture(kind: str, path: pathlib.Path, folder: pathlib.Path) -> dict:
    """Copy a picture, make a small one of it, and return what the page has to know about it."""
    file, small = f"pictures/{path.name}", f"pictures/small-{path.name}"
    shutil.copyfile(path, folder / file)
    with PIL.Image.open(path) as image:
        side = min(image.size)
        square = PIL.ImageOps.fit(image.convert("RGB"), (min(side, SMALL_SIDE),) * 2)
        square.save(folder / small, quality=80)
    name = next(name for name, one in bundled_images().items() if one == path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"kind": kind, "name": name, "file": file, "small": small, "sha256": digest}
