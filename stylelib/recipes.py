"""A recipe: every parameter of a run as one value that fits into a small JSON file.

    recipe = Recipe("transfer", "riverside", "night_swirls", network="compact", size=256, steps=100)
    run = recipe.finish()
    recipe.save("boats.json")

Each field below has a label, a help text and a check. The shell's options, the studio's controls and all checks are
made from these. Subclass Recipe and override `prepare` to sweep over parameters of your own.
"""

import dataclasses
import inspect
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, Self

from stylelib import experiments
from stylelib.evaluation.progress import Step
from stylelib.images import load_image
from stylelib.initialization import INITIALIZATIONS
from stylelib.losses import CONVENTIONS
from stylelib.protocols.network import Network
from stylelib.protocols.optimizer import Optimizer
from stylelib.protocols.term import check_weight
from stylelib.storage import recipe_code, recipe_files
from stylelib.storage.recipe_values import (
    PICTURE,
    PICTURES,
    as_list,
    check_changes,
    check_content_layer,
    check_init,
    check_shares,
    check_size,
    load_styles,
    one_of,
    value,
)
from stylelib.support.errors import check_choice, check_whole, warn
from stylelib.synthesis import Synthesis
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS, Content
from stylelib.vgg import POOLINGS
from stylelib.weights.networks import check_layers_by_name, check_name, check_size_by_name, is_here, load_network

UNUSED = {  # values that a kind does not use
    "transfer": (),
    "content": ("style", "style_layers", "style_weights", "alpha_beta"),
    "style": ("content", "content_layer", "style_weights", "alpha_beta"),
}
NO_ARGUMENTS = ("kind", "content", "style", "network", "pooling", "changes")  # see `Recipe.arguments`
RENAMED = {("content", "content_layer"): "layer", ("style", "style_layers"): "layers"}  # as the experiment has them


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Every parameter of a run. A kind uses the values that its experiment takes, and ignores the others.

    Parameters
    ----------
    kind : str
        "transfer", or "content" or "style" for a reconstruction.
    content, style : str, bytes or tuple
        Bundled names, paths, or the bytes of a picture file; a tuple of them for several style images.
    network, pooling, size, first_size, steps, content_layer, style_layers, style_weights, alpha_beta, init, \
optimizer, seed, convention
        As for `stylelib.experiments.style_transfer`, by name.
    changes : tuple
        ((step, α/β), …): the changes of α/β during the run.
    """

    kind: str = value("transfer", "Kind", "transfer, content or style", one_of("kind of recipe", PICTURES))
    content: Any = value("riverside", "Content image", PICTURE, lambda one, _: load_image(one))  # noqa: RUF009
    style: Any = value("night_swirls", "Style image", PICTURE, lambda several, _: load_styles(several))  # noqa: RUF009
    network: str = value("compact", "Network", "name of the network", lambda name, _: check_name(name))
    pooling: str = value("avg", "Pooling", "avg as in the paper, or max", one_of("pooling", POOLINGS), POOLINGS)
    size: int = value(256, "Longer side (pixels)", "longer side in pixels", check_size)
    first_size: int = value(
        0,
        "First size (pixels)",
        "longer side at the first steps, in pixels; the picture grows; 0 means one size, as in the paper",
        lambda size, _: check_whole("First size (pixels)", size, 0),
    )
    steps: int = value(100, "Steps", "number of steps", lambda steps, _: check_whole("Steps", steps, 0))
    content_layer: str = value(
        CONTENT_LAYER,
        "Content layer",
        "layer at which content is compared",
        check_content_layer,
    )
    style_layers: tuple[str, ...] = value(
        STYLE_LAYERS,
        "Style layers",
        "layers at which style is compared",
        lambda layers, recipe: check_layers_by_name(recipe.network, layers),
    )
    alpha_beta: float = value(
        experiments.ALPHA_BETA,
        "α/β",
        "larger values keep more of the content image",
        lambda number, _: check_weight(number, "the ratio α/β"),
    )
    init: str = value("content", "Start from", "initial picture", check_init, INITIALIZATIONS)
    optimizer: str = value(
        "lbfgs",
        "Optimiser",
        "optimiser; the paper uses lbfgs",
        lambda name, _: check_choice("optimizer", name, Optimizer.known),
        ("lbfgs", "adam"),
    )
    seed: int = value(
        0, "Seed of the noise", "seed of the noise", lambda seed, _: check_whole("Seed of the noise", seed, 0)
    )
    convention: str = value(
        "relative", "Convention", "how losses are scaled", one_of("convention", CONVENTIONS), CONVENTIONS
    )
    changes: tuple[tuple[int, float], ...] = value((), "Changes", "", check_changes)
    style_weights: tuple[float, ...] = value(
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
        names = {"content": self.content_layer, "style": self.style_layers}
        layers = {role: check_layers_by_name(self.network, names[role]) for role in PICTURES[self.kind]}
        wanted = [layer for one_role in layers.values() for layer in one_role]
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
        arguments = self.arguments() | {"network": network or load_network(self.network, pooling=self.pooling)} | run
        styles = as_list(self.style)
        pictures = {"transfer": [self.content, styles], "content": [self.content], "style": styles[:1]}
        experiment: Callable[..., Synthesis] = getattr(experiments, recipe_code.EXPERIMENTS[self.kind])
        return experiment(*pictures[self.kind], **arguments)

    def arguments(self) -> dict[str, Any]:
        """Return what the experiment, or Synthesis behind it, takes by name, without pictures and network."""
        named = {RENAMED.get((self.kind, name), name): name for name in self.values if name not in NO_ARGUMENTS}
        experiment = getattr(experiments, recipe_code.EXPERIMENTS[self.kind])
        taken = {*inspect.signature(experiment).parameters, *inspect.signature(Synthesis).parameters}
        return {argument: getattr(self, name) for argument, name in named.items() if argument in taken}

    def play(self, run: Synthesis) -> Iterator[Step]:
        """Yield the steps of a prepared or resumed run, and make the changes of α/β that are still ahead."""
        begun, steps = run.number, iter(run)
        for number, alpha_beta in (change for change in self.changes if change[0] >= begun):
            while run.number < number and (step := next(steps, None)) is not None:
                yield step
            if run.number == number:
                change_alpha_beta(run, alpha_beta)
            else:
                run.notes.append(f"the run ended before step {number}, where α/β changes to {alpha_beta:g}")
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
        compare_network(recipe, fingerprint, path)
        return recipe


def compare_network(recipe: Recipe, fingerprint: str, path: str | os.PathLike[str]) -> None:
    """Warn if the weights on this machine are not the ones that a file was made with; nothing is downloaded."""
    if (
        is_here(check_name(recipe.network))
        and load_network(recipe.network, pooling=recipe.pooling).fingerprint() != fingerprint
    ):
        warn(
            f"The weights of {recipe.network} are not the ones that {pathlib.Path(path).name} was made with, so the "
            "picture will be different."
        )


def check_value(name: str, recipe: Recipe) -> None:
    """Raise an InputError if a value of a recipe is invalid on its own or together with the others."""
    field = next(field for field in dataclasses.fields(recipe) if field.name == name)
    if check := field.metadata.get("check"):  # a subclass may add values without one
        check(getattr(recipe, name), recipe)


def change_alpha_beta(run: Synthesis, alpha_beta: float) -> None:
    """Continue a run from its current picture with another α/β, which becomes the weight of each content term."""
    run.change_terms([term.with_weight(alpha_beta) if isinstance(term, Content) else term for term in run.terms])
