"""What the commands of the shell do.

    python -m stylelib transfer CONTENT STYLE -o OUT

The exit code is 0 after success; 2 after a mistake, with one sentence on stderr that says what to do; and 130 after an
interrupt, with the picture so far saved.
"""

import argparse
import contextlib
import dataclasses
import importlib
import os
import pathlib
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from stylelib import sweeps
from stylelib.figures import keep_every
from stylelib.images import load_image
from stylelib.recipes import Recipe, check_value
from stylelib.shell.again import compare, picture_recipe, replay
from stylelib.shell.parser import first_size, from_text, make_parser, recipe_of
from stylelib.shell.paths import picture_values, split_paths
from stylelib.shell.running import INTERRUPTED, check_outputs, finish, signals
from stylelib.storage.checkpoints import read_recipe
from stylelib.support.errors import InputError, check_choice
from stylelib.support.files import check_writable, write_atomically
from stylelib.support.gallery import PAPER_IMAGES, bundled_images, fetch_paper_image
from stylelib.support.machine import describe, preset
from stylelib.synthesis import Synthesis
from stylelib.vgg import LAYOUTS, VGG
from stylelib.weights.networks import ALIASES, check_name, known_networks, load_network
from stylelib.weights.store import PRETRAINED, fetch_weights, weights_folder


def run() -> int:
    """Run the program's own command line; return the exit code."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # see stylelib/__init__.py
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _open_streams()
    for stream in (sys.stdout, sys.stderr):  # a Windows console may be unable to print β
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    return main()


def _open_streams() -> None:
    """Put an empty device in the place of streams that were closed, so that no file gets their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : Sequence of str, optional
        The words after ``python -m stylelib``; this program's by default.

    Returns
    -------
    int
        The exit code.
    """
    notes: set[str] = set()

    def note(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in notes:
            notes.add(str(message))
            print(f"Note: {message}", file=sys.stderr)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = note
            options = make_parser().parse_args(arguments)
            for module in options.modules:
                _import(module)
            code = COMMANDS[options.command](options) or 0
            if sys.stdout is not None:
                sys.stdout.flush()  # an error of the last lines comes here, not after the end
            return code
    except InputError as error:
        print(f"stylelib: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of the output has ended, as `| head` does
        sys.stdout = None
        return 0
    except OSError as error:  # such as a full device behind stdout
        sys.stdout = None
        print(f"stylelib: a file or a stream could not be used ({error.strerror or error}).", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stylelib: interrupted; unfinished files were not written.", file=sys.stderr)
        return INTERRUPTED


def paint(options: argparse.Namespace) -> int:
    """Make a picture with one of the experiments."""
    check_outputs(options)
    recipe = recipe_of(options, size=preset().size, first_size=first_size(options.command), steps=preset().steps)
    _check_pictures(recipe, options.output)
    name = getattr(options, "network", None)
    if name is not None:  # everything is checked before its weights are downloaded
        recipe.check()
    network = load_network(name, options.weights, recipe.pooling, device=options.device)
    if name is None:
        recipe = dataclasses.replace(recipe, network=network.identity["name"])
        recipe.check()
    keep = keep_every(recipe.steps) if options.animation else None
    return finish(recipe.prepare(network, keep_every=keep), options, recipe)


def resume(options: argparse.Namespace) -> int:
    """Continue a saved run."""
    check_outputs(options)
    saved, recipe = Synthesis.load(options.run), read_recipe(Recipe, options.run)
    if options.steps is not None:
        saved.steps = options.steps
        recipe = None if recipe is None else dataclasses.replace(recipe, steps=options.steps)
    if options.animation and not saved.keep_every:
        saved.keep_every = keep_every(saved.steps)
    return finish(saved, options, recipe)


def make(options: argparse.Namespace) -> int:
    """Make the picture of a recipe file."""
    check_outputs(options)
    recipe = Recipe.load(options.recipe)
    prepared = recipe.prepare(keep_every=keep_every(recipe.steps) if options.animation else None)
    return finish(prepared, options, recipe)


def again(options: argparse.Namespace) -> int:
    """Make a picture anew from the recipe that it carries."""
    check_outputs(options)
    recipe, done = picture_recipe(options.picture, options.pictures)
    before = load_image(options.picture)
    _check_pictures(recipe, options.output)
    prepared = recipe.prepare(keep_every=keep_every(recipe.steps) if options.animation else None)
    code = finish(prepared, options, recipe, replay(recipe, prepared, done))
    if code != INTERRUPTED:
        print(compare(options.picture, before, prepared.image))
    return code


def sweep(options: argparse.Namespace) -> int:
    """Compute a recipe for every combination of some values."""
    if options.sheet:
        check_writable(options.sheet, (".jpg", ".jpeg"))
    recipe = Recipe.load(options.recipe)
    values: dict[str, list[Any]] = {}
    for text in options.values:
        name, several = _values(type(recipe), text)
        values[name] = values.get(name, []) + several
    recipes = sweeps.grid(recipe, **values)
    results = sweeps.sweep(recipes, options.folder, workers=options.workers, together=options.together)
    print(f"{options.folder}: {len(results)} of {len(recipes)} pictures")
    if options.sheet and results:
        sheet = sweeps.contact_sheet(results, columns=len(list(values.values())[-1]))
        with write_atomically(options.sheet) as file:
            file.write(sheet.jpeg())
    return 0 if len(results) == len(recipes) else INTERRUPTED


def studio(options: argparse.Namespace) -> int:
    """Serve the studio as a web page."""
    from stylelib.studio import page  # here, because its widgets take a while

    with signals(signal.default_int_handler, "SIGTERM", "SIGHUP"):
        return page.serve(options.ip, options.port)


def table(options: argparse.Namespace) -> None:
    """Print the layers of a network."""
    name = check_choice("network", options.network, LAYOUTS)
    architecture = load_network(f"{name}-random", normalize=False, device="cpu")  # the layers need no trained weights
    assert isinstance(architecture, VGG)
    print(dataclasses.replace(architecture.table(options.size), title=f"The convolutions of {name}"))


def pictures(options: argparse.Namespace) -> None:
    """Print the bundled pictures."""
    for kind in ("content", "style"):
        for name, path in bundled_images(kind).items():
            print(f"{kind:8} {name:16} {path}")


def fetch(options: argparse.Namespace) -> None:
    """Download a network's weights, or one of the paper's pictures; put them into a folder if one is named."""
    folder = None if options.to is None else pathlib.Path(options.to).expanduser()
    if folder is not None and not folder.is_dir():
        raise InputError(f"There is no folder {folder}; make it first, or name another.")
    if options.name in PAPER_IMAGES:
        path = fetch_paper_image(options.name)
        if folder is not None:
            copy = folder / path.name
            with write_atomically(copy) as file:
                file.write(path.read_bytes())
            path = copy
        print(f"{path}: {PAPER_IMAGES[options.name][2]}")
        return
    check_choice("network or picture of the paper", options.name, [*known_networks(), *ALIASES, *PAPER_IMAGES])
    name = check_name(options.name)
    if name not in PRETRAINED:
        print(f"{name}: needs no download")
        return
    path, weights = fetch_weights(name, folder)
    print(f"{path}: {name}, {weights.source} ({path.stat().st_size / 1e6:.0f} MB)")
    if folder is not None:
        print(
            f"The others set the environment variable STYLELIB_WEIGHTS to this folder, or copy the file into their own "
            f"(here {weights_folder()})."
        )


def check(options: argparse.Namespace) -> None:
    """Print what this machine can do."""
    print(describe())


COMMANDS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "transfer": paint,
    "content": paint,
    "style": paint,
    "resume": resume,
    "recipe": make,
    "again": again,
    "sweep": sweep,
    "studio": studio,
    "table": table,
    "pictures": pictures,
    "fetch": fetch,
    "check": check,
}


def _import(module: str) -> None:
    """Import a module of the user's, so that what it defines is known."""
    try:
        importlib.import_module(module)
    except InputError:
        raise
    except Exception as error:  # whatever the module's own code raises
        if isinstance(error, ModuleNotFoundError) and error.name == module:
            raise InputError(
                f"There is no module '{module}'; give its name without .py, and run this in the folder that has it."
            ) from None
        raise InputError(
            f"The module {module} cannot be imported ({type(error).__name__}: {error}); correct it first."
        ) from error


def _check_pictures(recipe: Recipe, output: str) -> None:
    """Check the pictures before the network, so that a misspelt name is noticed before a download."""
    for picture in recipe.pictures.values():
        if os.path.exists(picture) and os.path.exists(output) and os.path.samefile(picture, output):
            raise InputError(f"{output} is one of the input pictures; choose another name for the output.")
    for name in {"content", "style"} & set(recipe.values):
        check_value(name, recipe)


def _values(cls: type[Recipe], text: str) -> tuple[str, list[Any]]:
    """Turn NAME=V1,V2,… into (name, [value, …]). The parts of a value are joined by "+"."""
    name, _, listed = text.partition("=")
    if name == "content":
        return name, picture_values(listed)
    if name == "style":
        several = [split_paths(one, "+") for one in picture_values(listed)]
        return name, [tuple(parts) if len(parts) > 1 else parts[0] for parts in several if parts]
    texts = [one for one in listed.split(",") if one]
    try:
        return name, [from_text(cls, name, one, "+") for one in texts]
    except InputError:
        raise InputError(f"{name} takes numbers, such as {name}=1,2; got '{listed}'.") from None
