"""The shell's commands and options. The options of a run are made from the fields of Recipe."""

import argparse
import dataclasses
import inspect
import typing
from collections.abc import Callable
from typing import Any, NoReturn

from stylelib import experiments
from stylelib.protocols.optimizer import Optimizer
from stylelib.recipes import Recipe
from stylelib.storage.recipe_code import EXPERIMENTS
from stylelib.support.errors import MOST, InputError, shorten
from stylelib.support.gallery import PAPER_IMAGES
from stylelib.vgg import LAYOUTS
from stylelib.weights.store import PRETRAINED

SUMMARIES = {  # of the commands that make a recipe, by its kind
    "transfer": "paint a content image in the style of one or more style images",
    "content": "reconstruct a content image from one layer (Figure 1, bottom row)",
    "style": "reconstruct a style image's texture (Figure 1, top row)",
}
DEFAULTS = {  # of the options whose default depends on the machine
    "network": "vgg19 if its weights are on this machine, else compact",
    "size": "the preset's",
    "steps": "the preset's",
}
EXAMPLES = {str: "NAME", int: "N", float: "X"}


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are InputErrors of one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise an InputError, see argparse."""
        message = shorten(message, MOST // 2).rstrip(".")
        raise InputError(f"{message[0].upper()}{message[1:]}; `{self.prog} --help` lists what is possible.")


def make_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="python -m stylelib", description="Neural style transfer after Gatys, Ecker and Bethge, 2016.")
    meaning = (
        "import a Python module of yours first, so that the networks, optimisers, terms and recipes that it defines "
        "are known by name; for example: --import my_module transfer CONTENT STYLE --optimizer mine -o OUT"
    )
    parser.add_argument("--import", dest="modules", metavar="MODULE", action="append", default=[], help=meaning)
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND", parser_class=Parser)

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")

    for kind, summary in SUMMARIES.items():
        command = add(kind, summary)
        _add_recipe(command, kind)
        _add_outputs(command)

    command = add("resume", "continue a run that --save-run wrote, or that was ended")
    command.add_argument("run", metavar="RUN.pt")
    command.add_argument("--steps", type=_whole, metavar="N", help="steps in all (default: the run's)")
    _add_outputs(command)

    command = add("recipe", "make the picture of a recipe file, such as the studio saves")
    command.add_argument("recipe", metavar="RECIPE.json")
    _add_outputs(command)

    command = add("again", "make a picture anew from the recipe that it carries")
    command.add_argument("picture", metavar="PICTURE", help="a .png or .jpg that stylelib wrote")
    meaning = "a folder to look for its input pictures, besides this one and the picture's; can be repeated"
    command.add_argument("--pictures", metavar="FOLDER", action="append", default=[], help=meaning)
    _add_outputs(command)

    command = add("sweep", "compute a recipe for many values on all cores; the same command again continues")
    command.add_argument("recipe", metavar="RECIPE.json")
    command.add_argument("folder", metavar="FOLDER", help="where the pictures are written")
    meaning = (
        "such as seed=0,1,2; a + joins the parts of a value, as in style_layers=conv1_1+conv2_1 or "
        "style=night_swirls+woodcut,mosaic; content=FOLDER or content='*.jpg' takes several pictures; the same NAME "
        "again adds values"
    )
    command.add_argument("values", nargs="+", metavar="NAME=V1,V2,…", help=meaning)
    command.add_argument("--workers", type=_whole, metavar="N", help="number of processes (default: one for each core)")
    meaning = "recipes that a worker gets at a time (default: 1, or up to 4 for small pictures)"
    command.add_argument("--together", type=_whole, metavar="N", help=meaning)
    command.add_argument("--sheet", metavar="FILE.jpg", help="also write all pictures side by side")

    command = add("studio", "serve the studio as a web page, for visitors who reach nothing else; Ctrl-C ends it")
    meaning = "the address to listen at; 0.0.0.0 for everybody who can reach this machine (default: %(default)s)"
    command.add_argument("--ip", default="127.0.0.1", metavar="ADDRESS", help=meaning)
    command.add_argument("--port", type=_whole, default=8866, metavar="N", help="(default: %(default)s)")

    command = add("table", "list the layers of a network")
    command.add_argument("network", metavar="NETWORK", help=", ".join(LAYOUTS))
    meaning = "side of the picture for which the cost is counted (default: %(default)s)"
    command.add_argument("--size", type=_whole, default=256, metavar="PX", help=meaning)

    add("pictures", "list the pictures that come with the project")
    command = add("fetch", "download and verify a network's weights or one of the paper's own pictures")
    command.add_argument("name", metavar="NAME", help=", ".join([*PRETRAINED, *PAPER_IMAGES]))
    meaning = "put the file into this folder, for example on a USB stick; STYLELIB_WEIGHTS=FOLDER uses it"
    command.add_argument("--to", metavar="FOLDER", help=meaning)
    add("check", "describe this machine and the preset that suits it")
    return parser


def recipe_of(options: argparse.Namespace, **values: Any) -> Recipe:
    """Return the recipe that the options of `transfer`, `content` or `style` describe.

    Parameters
    ----------
    options : argparse.Namespace
        The options that were given; the others have the experiment's defaults.
    **values
        Values for options that were not given.

    Returns
    -------
    Recipe
        The recipe, not checked.
    """
    given = {name: value for name, value in vars(options).items() if name in _fields()}
    if isinstance(given.get("style"), list):
        given["style"] = tuple(given["style"]) if len(given["style"]) > 1 else given["style"][0]
    return Recipe(**{"kind": options.command, "init": _start(options.command), **values, **given})


def from_text(cls: type[Recipe], name: str, text: str, separator: str = ",") -> Any:
    """Return a value of a recipe from its text.

    Parameters
    ----------
    cls : type
        Recipe, or a subclass.
    name : str
        The value's name; a value with an unknown name stays a string.
    text : str
        What was typed.
    separator : str
        The separator between the parts of a value that has several.

    Returns
    -------
    object
        A string, a number, or a tuple of these, as the class declares.

    Raises
    ------
    InputError
        If the text is not a number but should be.
    """
    kind = typing.get_type_hints(cls).get(name, str)
    if typing.get_origin(kind) is tuple:
        part = typing.get_args(kind)[0]
        return tuple(_converted(one.strip(), part) for one in text.split(separator))
    return _converted(text, kind)


def _converted(text: str, kind: Any) -> Any:
    if kind not in (int, float):
        return text
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise InputError(f"{wanted} is expected; got '{text}'") from None


def _as_type(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """Wrap a function for argparse's `type`, so that argparse names the option in the function's error message."""

    def converted(text: str) -> Any:
        try:
            return convert(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return converted


def _value_of(name: str) -> Callable[[str], Any]:
    return _as_type(lambda text: from_text(Recipe, name, text))


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a whole number, 0 or more, is expected; got '{text}'")
    return int(text)


def _fields() -> "dict[str, dataclasses.Field[Any]]":
    return {field.name: field for field in dataclasses.fields(Recipe)}


def _start(kind: str) -> str:
    """Return the name of an experiment's default initial picture."""
    start: str = inspect.signature(getattr(experiments, EXPERIMENTS[kind])).parameters["init"].default
    return start


def first_size(kind: str) -> int:
    """Return the default first size of an experiment: transfers begin small, reconstructions do not."""
    return experiments.FIRST_SIZE if kind == "transfer" else 0


def _add_recipe(parser: argparse.ArgumentParser, kind: str) -> None:
    used, fields = Recipe(kind=kind).values, _fields()
    for role in ("content", "style"):
        if role in used:
            several = "+" if role == "style" and kind == "transfer" else None
            parser.add_argument(role, metavar=role.upper(), nargs=several, help=fields[role].metadata["help"])
    for name in used:
        if name in ("kind", "content", "style") or not fields[name].metadata["help"]:
            continue
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            default=argparse.SUPPRESS,
            type=_value_of(name),
            metavar=_metavar(name),
            help=_help(name, kind).replace("%", "%%"),
        )
    parser.add_argument("--weights", metavar="FILE", help="a file of weights that you have: .h5, .pth or .safetensors")
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda or mps (default: the best available)")


def _metavar(name: str) -> str:
    choices = Optimizer.known if name == "optimizer" else _fields()[name].metadata["choices"]
    if choices:
        return f"{{{','.join(choices)}}}"
    kind = typing.get_type_hints(Recipe)[name]
    part = EXAMPLES[typing.get_args(kind)[0] if typing.get_args(kind) else kind]
    return f"{part},{part},…" if typing.get_origin(kind) is tuple else part


def _help(name: str, kind: str) -> str:
    of_kind = {"init": _start(kind), "first_size": first_size(kind)}
    default: Any = DEFAULTS.get(name) or of_kind.get(name, _fields()[name].default)
    text: str = _fields()[name].metadata["help"]
    if name == "network":
        trained = [*LAYOUTS, *(one for one in PRETRAINED if one not in LAYOUTS)]
        text += f": {', '.join(trained)}, an architecture with -random, or one of yours"
    default = ",".join(map(str, default)) if isinstance(default, tuple) else default
    return f"{text} (default: {default})" if default != "" else text


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="the picture to write, .png or .jpg")
    parser.add_argument("--animation", metavar="FILE", help="also write the run as a .gif or .mp4")
    parser.add_argument("--save-run", metavar="RUN.pt", help="also write the run itself, for `resume`")
