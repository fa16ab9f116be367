"""A recipe: every parameter of a run as one value, kept in a small JSON file that makes the same picture again.

recipe = Recipe("transfer", "riverside", "night_swirls", network="compact", size=256, steps=100)
run = recipe.finish()
recipe.save("boats.json")
"""

import dataclasses
import hashlib
import importlib.metadata
import io
import itertools
import json
import os
import pathlib
import warnings

import PIL.Image

from stylelib import recipes
from stylelib.errors import InputError, check_choice, check_whole
from stylelib.images import bundled_images, check_writable, find_image, load_image, write_atomically
from stylelib.losses import CONVENTIONS
from stylelib.networks import POOLINGS, RANDOM, block_of, check_layers_by_name, check_name, load_network
from stylelib.optimizers import OPTIMIZERS
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content, check_weight
from stylelib.weights import find_weights

PICTURES = {"transfer": ("content", "style"), "content": ("content",), "style": ("style",)}  # by kind of recipe
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Every parameter of a run. A kind uses those that its function in `stylelib.recipes` takes, and ignores others.

    kind: "transfer", "content" or "style" (a reconstruction of it). content, style: bundled names, paths, or the
    bytes of a picture file. init: "content", "style" or "noise". changes: ((step, α/β), …), what was turned while the
    run went on.
    """

    kind: str = "transfer"
    content: str | bytes = "riverside"
    style: str | bytes = "night_swirls"
    network: str = "compact"
    pooling: str = "avg"
    size: int = 256
    steps: int = 100
    content_layer: str = CONTENT_LAYER
    style_layers: tuple = STYLE_LAYERS
    alpha_beta: float = recipes.ALPHA_BETA
    init: str = "content"
    optimizer: str = "lbfgs"
    seed: int = 0
    convention: str = "relative"
    changes: tuple = ()

    @property
    def pictures(self):
        """The pictures that are used, {"content" or "style": where from}."""
        check_choice("kind of recipe", self.kind, PICTURES)
        return {role: getattr(self, role) for role in PICTURES[self.kind]}

    def check(self):
        """Raise an InputError for what cannot work, before anything is loaded or computed."""
        wanted = {"content": [self.content_layer], "style": self.style_layers}
        wanted = {role: check_layers_by_name(self.network, wanted[role]) for role in self.pictures}
        for role, source in self.pictures.items():
            shorter = min(load_image(source, self.size).shape[-2:])
            seen = wanted.values() if role == "content" else [wanted[role]]  # the run has the content image's size
            least = 2 ** (max(map(block_of, itertools.chain(*seen))) - 1)
            if shorter < least:
                raise InputError(
                    f"These layers need at least {least} pixels on the shorter side, and the {role} image would have "
                    f"{shorter}. Use a larger size or layers less deep."
                )
        check_choice("start of such a run", self.init, (*self.pictures, "noise"))
        check_choice("pooling", self.pooling, POOLINGS)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("convention", self.convention, CONVENTIONS)
        check_whole("steps", self.steps, 0)
        check_whole("seed", self.seed, 0)
        check_weight(self.alpha_beta, "the ratio α/β")
        for change in self.changes:
            if not isinstance(change, tuple | list) or len(change) != 2:
                raise InputError(f"A change is a pair, (step, α/β); got {change!r}.")
            check_whole("the step of a change", change[0], 0)
            check_weight(change[1], "the ratio α/β")

    def prepare(self, network=None, **run):
        """The run, not started. network: `self.network`, loaded already. run: further arguments of Synthesis."""
        self.check()
        common = {
            "network": network or load_network(self.network, pooling=self.pooling),
            "size": self.size,
            "steps": self.steps,
            "init": self.init,
            "optimizer": self.optimizer,
            "seed": self.seed,
            "convention": self.convention,
            **run,
        }
        if self.kind == "content":
            return recipes.reconstruct_content(self.content, self.content_layer, **common)
        if self.kind == "style":
            return recipes.reconstruct_style(self.style, self.style_layers, **common)
        return recipes.style_transfer(
            self.content,
            self.style,
            alpha_beta=self.alpha_beta,
            content_layer=self.content_layer,
            style_layers=self.style_layers,
            **common,
        )

    def play(self, run):
        """Iterate over a prepared run, with the changes at their steps."""
        for number, alpha_beta in self.changes:
            while run.number < number and (step := next(run, None)) is not None:
                yield step
            if run.number == number:
                change_alpha_beta(run, alpha_beta)
        yield from run

    def finish(self, network=None):
        """Make the picture again; returns the finished run."""
        run = self.prepare(network)
        for _ in self.play(run):
            pass
        return run

    def code(self):
        """The lines of Python that make the picture, with what differs from the defaults.

        They need `stylelib`, and a picture that is known by its bytes alone under the name "content" or "style".
        """
        names = {"transfer": "style_transfer", "content": "reconstruct_content", "style": "reconstruct_style"}
        pictures = [repr(source) if isinstance(source, str) else role for role, source in self.pictures.items()]
        network = repr(self.network)
        if self.pooling != "avg":
            network = f"stylelib.load_network({network}, pooling={self.pooling!r})"
        changes = dict(self.changes)
        arguments = [*pictures, f"network={network}", f"size={self.size}", f"steps={self.steps}"]
        layers = ("layers" if self.kind == "style" else "style_layers", self.style_layers, STYLE_LAYERS)
        layer = ("layer" if self.kind == "content" else "content_layer", self.content_layer, CONTENT_LAYER)
        start = "content" if self.kind == "transfer" else "noise"
        optional = [
            *([layer] if self.kind != "style" else []),
            *([layers] if self.kind != "content" else []),
            *([("alpha_beta", changes.pop(0, self.alpha_beta), None)] if self.kind == "transfer" else []),
            ("init", self.init, start),
            ("optimizer", self.optimizer, "lbfgs"),
            ("seed", self.seed, 0),
            ("convention", self.convention, "relative"),
        ]
        arguments += [f"{name}={value!r}" for name, value, default in optional if value != default]
        lines = [f"run = stylelib.{names[self.kind]}({', '.join(arguments)})"]
        if changes:
            lines = [
                "from stylelib.recipe_files import change_alpha_beta",
                *lines,
                f"changes = {changes}",
                "for step in run:",
                "    if step.number in changes:",
                "        change_alpha_beta(run, changes[step.number])",
            ]
        return "\n".join([*lines, "run.finish()"])

    def save(self, path, network=None):
        """Write the recipe to `path` (.json), and beside it the pictures that are not bundled ones. Returns all paths.

        The SHA-256 of each picture and the network's fingerprint are noted, so that `load` can tell whether it has
        the same ones.
        """
        path = check_writable(path, (".json",))
        content, pictures = self.contents(lambda role, _: f"{path.stem}-{role}")
        network = network or load_network(self.network, pooling=self.pooling)
        content["network_fingerprint"] = network.fingerprint()
        files = {path.with_name(name): data for name, data in pictures.items()} | {path: to_json(content)}
        for one, data in files.items():
            with write_atomically(one) as file:
                file.write(data)
        return list(files)

    def contents(self, keep):
        """What the file says, the network's fingerprint excepted, and the pictures that belong beside it.

        keep: the name without an ending of a picture that is not a bundled one, from its role and SHA-256. Returns
        (a dict for JSON, {file name: bytes}).
        """
        used = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        used = {
            name: value for name, value in used.items() if name in self.pictures or name not in ("content", "style")
        }
        files, sums = {}, {}
        for role, source in self.pictures.items():
            data = source if isinstance(source, bytes) else find_image(source).read_bytes()
            sums[role] = hashlib.sha256(data).hexdigest()
            if source not in bundled_images():
                used[role] = f"{keep(role, sums[role])}{_ending(data)}"
                files[used[role]] = data
        about = {"format": FORMAT, "stylelib": importlib.metadata.version("stylelib")}
        return about | used | {"pictures": sums}, files

    @classmethod
    def load(cls, path):
        """The recipe that `save` wrote. Raises InputError where it cannot be made again."""
        path = pathlib.Path(path).expanduser()
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise InputError(f"{path} is a recipe of a newer stylelib; get that version to use it.")
            names = [field.name for field in dataclasses.fields(cls)]
            values = {name: content[name] for name in names if name in content}
            sums, fingerprint = content["pictures"], content["network_fingerprint"]
            values["style_layers"] = tuple(values["style_layers"])
            values["changes"] = tuple((number, alpha_beta) for number, alpha_beta in values["changes"])
            for role in sums:
                if values[role] not in bundled_images():
                    values[role] = os.fspath(path.with_name(values[role]))
            recipe = cls(**values)
            if set(sums) != set(recipe.pictures):
                raise ValueError("other pictures")
        except InputError:
            raise
        except FileNotFoundError:
            raise InputError(f"There is no recipe {path}.") from None
        except (OSError, AttributeError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a recipe, or it is damaged.") from error
        for role, digest in sums.items():
            source = getattr(recipe, role)
            if hashlib.sha256(find_image(source).read_bytes()).hexdigest() != digest:
                raise InputError(f"{source} is not the picture that {path.name} was made with.")
        name = check_name(recipe.network)
        here = name.endswith(RANDOM) or find_weights(name)  # reading a recipe downloads nothing
        if here and load_network(recipe.network, pooling=recipe.pooling).fingerprint() != fingerprint:
            warnings.warn(
                f"The weights of {recipe.network} are not the ones that {path.name} was made with; the "
                "picture will be another.",
                stacklevel=2,
            )
        return recipe


def change_alpha_beta(run, alpha_beta):
    """Go on with another α/β, from the picture as it is."""
    run.change_terms(
        [
            Content(term.net, **(term.arguments() | {"weight": alpha_beta})) if isinstance(term, Content) else term
            for term in run.terms
        ]
    )


def to_json(content):
    """The bytes of a file that people can read too."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _ending(data):
    """The ending for the bytes of a picture file, .jpg for a JPEG."""
    with PIL.Image.open(io.BytesIO(data)) as image:
        return {"JPEG": ".jpg"}.get(image.format, f".{image.format.lower()}")
