"""A recipe: every parameter of a run as one value that fits into a small JSON file.

recipe = Recipe("transfer", "riverside", "night_swirls", network="compact", size=256, steps=100)
run = recipe.finish()
recipe.save("boats.json")

Each field below has a label, a help text and a check. The shell's options, the studio's controls and all checks are
made from these. Subclass Recipe and override `prepare` to sweep over parameters of your own.
"""

import dataclasses
import os
import pathlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Self

from stylelib import experiments
from stylelib.evaluation.progress import Step
from stylelib.experiments import as_list, check_shares, reconstruct_content, reconstruct_style, style_transfer
from stylelib.images import MIN_SIDE, load_image
from stylelib.initialization import INITIALIZATIONS
from stylelib.losses import CONVENTIONS
from stylelib.protocols.network import Network
from stylelib.protocols.optimizer import Optimizer
from stylelib.protocols.term import check_weight
from stylelib.storage import recipe_code, recipe_files
from stylelib.support.errors import InputError, check_choice, check_whole
from stylelib.synthesis import Synthesis
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content
from stylelib.vgg import POOLINGS
from stylelib.weights.networks import check_layers_by_name, check_name, check_size_by_name, is_here, load_network

PICTURES = {"transfer": ("content", "style"), "content": ("content",), "style": ("style",)}  # by kind of recipe
UNUSED = {  # values that a kind does not use
    "transfer": (),
    "content": ("style", "style_layers", "style_weights", "alpha_beta"),
    "style": ("content", "content_layer", "style_weights", "alpha_beta"),
}
LARGEST_SIDE = 16384  # pixels; more must be a typing error, because no GPU can compute it
PICTURE = "a picture file, or a bundled name such as riverside"
Check = Callable[[Any, "Recipe"], Any]


def _value(default: Any, label: str, help: str, check: Check, choices: Any = ()) -> Any:
    about = {"label": label, "help": help, "check": check, "choices": choices}
    return dataclasses.field(default=default, metadata=about)


def _one_of(label: str, choices: Any) -> Check:
    return lambda value, recipe: check_choice(label, value, choices)


def _load(several: Any) -> list[Any]:
    return [load_image(source) for source in as_list(several)]


def _check_init(init: Any, recipe: "Recipe") -> None:
    check_choice("start", init, INITIALIZATIONS)
    if init not in (*PICTURES[recipe.kind], "noise"):
        raise InputError(f"There is no {init} image here to start from; choose another start.")


def _check_size(size: Any, recipe: "Recipe") -> None:
    if check_whole("Longer side (pixels)", size, MIN_SIDE) > LARGEST_SIDE:
        raise InputError(f"The longer side is at most {LARGEST_SIDE} pixels; got {size}.")


def _check_changes(changes: Any, recipe: "Recipe") -> None:
    if not isinstance(changes, tuple | list):
        raise InputError(f"Changes are pairs, ((step, α/β), …); got {changes!r}.")
    for change in changes:
        if not isinstance(change, tuple | list) or len(change) != 2:
            raise InputError(f"A change is a pair, (step, α/β); got {change!r}.")
        check_whole("the step of a change", change[0], 0)
        check_weight(change[1], "the ratio α/β")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Every parameter of a run. A kind uses the values that its experiment takes, and ignores the others.

    Parameters
    ----------
    kind : str
        "transfer", or "content" or "style" for a reconstruction.
    content, style : str, bytes or tuple
        Bundled names, paths, or the bytes of a picture file; a tuple of them for several style images.
    network, pooling, size, steps, content_layer, style_layers, style_weights, alpha_beta, init, optimizer, seed, \
convention
        As for `stylelib.experiments.style_transfer`, by name.
    changes : tuple
        ((step, α/β), …): the changes of α/β during the run.
    """

    kind: str = _value("transfer", "Kind", "transfer, content or style", _one_of("kind of recipe", PICTURES))
    content: Any = _value("riverside", "Content image", PICTURE, lambda one, _: load_image(one))  # noqa: RUF009
    style: Any = _value("night_swirls", "Style image", PICTURE, lambda several, _: _load(several))  # noqa: RUF009
    network: str = _value("compact", "Network", "name of the network", lambda name, _: check_name(name))
    pooling: str = _value("avg", "Pooling", "avg as in the paper, or max", _one_of("pooling", POOLINGS), POOLINGS)
    size: int = _value(256, "Longer side (pixels)", "longer side in pixels", _check_size)
    steps: int = _value(100, "Steps", "number of steps", lambda steps, _: check_whole("Steps", steps, 0))
    content_layer: str = _value(
        CONTENT_LAYER,
        "Content layer",
        "layer at which content is compared",
        lambda layer, recipe: check_layers_by_name(recipe.network, layer),
    )
    style_layers: tuple[str, ...] = _value(
        STYLE_LAYERS,
        "Style layers",
        "layers at which style is compared",
        lambda layers, recipe: check_layers_by_name(recipe.network, layers),
    )
    alpha_beta: float = _value(
        experiments.ALPHA_BETA,
        "α/β",
        "larger values keep more of the content image",
        lambda number, _: check_weight(number, "the ratio α/β"),
    )
    init: str = _value("content", "Start from", "initial picture", _check_init, INITIALIZATIONS)
    optimizer: str = _value(
        "lbfgs",
        "Optimiser",
        "optimiser; the paper uses lbfgs",
        lambda name, _: check_choice("optimizer", name, Optimizer.known),
        ("lbfgs", "adam"),
    )
    seed: int = _value(
        0, "Seed of the noise", "seed of the noise", lambda seed, _: check_whole("Seed of the noise", seed, 0)
    )
    convention: str = _value(
        "relative", "Convention", "how losses are scaled", _one_of("convention", CONVENTIONS), CONVENTIONS
    )
    changes: tuple[tuple[int, float], ...] = _value((), "Changes", "", _check_changes)
    style_weights: tuple[float, ...] = _value(
        (),
        "Style weights",
        "weight of each style image, instead of β = 1",
        lambda weights, recipe: check_shares(weights, len(as_list(recipe.style))),
    )

    @property
    def pictures(self) -> dict[str, Any]:
        """The pictures that this kind of recipe uses: {"content": source, "style": source, "style 2": source, …}."""
        roles = PICTURES[check_choice("kind of recipe", self.kind, PICTURES)]
        found = {"content": self.content} if "content" in roles else {}
        if "style" in roles:
            for number, source in enumerate(as_list(self.style), 1):
                found[f"style {number}" if number > 1 else "style"] = source
        return found

    @property
    def values(self) -> list[str]:
        """The names of the values that this kind of recipe uses."""
        unused = UNUSED[check_choice("kind of recipe", self.kind, PICTURES)]
        return [field.name for field in dataclasses.fields(self) if field.name not in unused]

    def check(self) -> None:
        """Raise an InputError for invalid values, before a network is downloaded and before anything is computed."""
        for name in self.values:
            if name not in ("content", "style"):
                check_value(name, self)
        layers = {"content": [self.content_layer], "style": list(self.style_layers)}
        wanted = [layer for kind in PICTURES[self.kind] for layer in layers[kind]]
        for role, source in self.pictures.items():
            seen = wanted if role == "content" else layers["style"]  # a run has the content image's size
            check_size_by_name(self.network, load_image(source, self.size), seen, f"the {role} image")

    def prepare(self, network: Network | None = None, **run: Any) -> Synthesis:
        """Return the run, not started.

        Parameters
        ----------
        network : Network, optional
            The network of this recipe, if you have loaded it already.
        **run
            Further arguments of Synthesis.

        Returns
        -------
        Synthesis
            The run, not started.
        """
        self.check()
        names = ["size", "steps", "init", "optimizer", "seed", "convention"]
        common = {name: getattr(self, name) for name in names} | run
        common["network"] = network or load_network(self.network, pooling=self.pooling)
        if self.kind == "content":
            return reconstruct_content(self.content, self.content_layer, **common)
        if self.kind == "style":
            return reconstruct_style(as_list(self.style)[0], self.style_layers, **common)
        names = ["alpha_beta", "content_layer", "style_layers", "style_weights"]
        return style_transfer(self.content, self.style, **common, **{name: getattr(self, name) for name in names})

    def play(self, run: Synthesis) -> Iterator[Step]:
        """Yield the steps of a prepared run, and make the changes of α/β at their steps."""
        for number, alpha_beta in self.changes:
            while run.number < number and (step := next(run, None)) is not None:
                yield step
            if run.number == number:
                change_alpha_beta(run, alpha_beta)
        yield from run

    def finish(self, network: Network | None = None) -> Synthesis:
        """Make the picture; return the finished run."""
        run = self.prepare(network)
        for _ in self.play(run):
            pass
        return run

    def code(self) -> str:
        """Return the lines of Python that make the picture."""
        return recipe_code.python(self)

    def save(self, path: str | os.PathLike[str], network: Network | None = None) -> list[pathlib.Path]:
        """Write the recipe to a .json file and its own pictures beside it; return all paths."""
        network = network or load_network(self.network, pooling=self.pooling)
        return recipe_files.save(self, path, network.fingerprint())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the recipe that `save` wrote; raise an InputError if the file or a picture is damaged or missing."""
        recipe: Self
        recipe, fingerprint = recipe_files.load(cls, path)
        # reading a recipe must not start a download
        if (
            is_here(check_name(recipe.network))
            and load_network(recipe.network, pooling=recipe.pooling).fingerprint() != fingerprint
        ):
            warnings.warn(
                f"The weights of {recipe.network} are not the ones that {pathlib.Path(path).name} was made with, so "
                "the picture will be different.",
                stacklevel=2,
            )
        return recipe


def check_value(name: str, recipe: Recipe) -> None:
    """Raise an InputError if a value of a recipe is invalid on its own or together with the others."""
    field = next(field for field in dataclasses.fields(recipe) if field.name == name)
    if check := field.metadata.get("check"):  # a subclass may add values without one
        check(getattr(recipe, name), recipe)


def change_alpha_beta(run: Synthesis, alpha_beta: float) -> None:
    """Continue a run from its current picture with another α/β, which becomes the weight of each content term."""
    run.change_terms([term.with_weight(alpha_beta) if isinstance(term, Content) else term for term in run.terms])
