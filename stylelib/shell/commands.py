"""The same from a shell: python -m stylelib transfer CONTENT STYLE -o OUT

Exit code 0: done. 2: something asked for cannot be done; one sentence on stderr says what to do. 130: interrupted; the
picture so far has been saved.
"""

import argparse
import contextlib
import dataclasses
import os
import sys
import warnings

from tqdm import tqdm

from stylelib import experiments
from stylelib.figures import kept_frames, save_animation
from stylelib.images import FORMATS, load_image, save_image
from stylelib.initialization import INITIALIZATIONS
from stylelib.losses import CONVENTIONS
from stylelib.protocols.optimizer import Optimizer
from stylelib.protocols.term import check_weight
from stylelib.recipes import Recipe
from stylelib.support.errors import InputError, check_choice
from stylelib.support.files import check_writable, write_atomically
from stylelib.support.gallery import PAPER_IMAGES, bundled_images, fetch_paper_image
from stylelib.support.machine import describe, preset
from stylelib.sweeps import sweep as sweeps
from stylelib.synthesis import Synthesis
from stylelib.terms import CONTENT_LAYER, STYLE_LAYERS
from stylelib.vgg import LAYOUTS, POOLINGS
from stylelib.weights.networks import check_layers_by_name, load_network

ANIMATION_FRAMES = 40


class Parser(argparse.ArgumentParser):
    """argparse, with its complaints as one sentence."""

    def error(self, message):
        message = message.rstrip(".")
        raise InputError(f"{message[0].upper()}{message[1:]}; `{self.prog} --help` lists what is possible.")


def main(arguments=None):
    """Run one command; returns the exit code."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: print(f"Note: {message}", file=sys.stderr)
            options = make_parser().parse_args(arguments)
            return options.command(options) or 0
    except InputError as error:
        print(f"stylelib: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has gone, as `| head` does
        sys.stdout = None
        return 0
    except KeyboardInterrupt:
        print("stylelib: interrupted; what was not finished was not written.", file=sys.stderr)
        return 130


def make_parser():
    parser = Parser(prog="python -m stylelib", description="Neural style transfer after Gatys, Ecker and Bethge, 2016.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def add(name, command, summary, *groups):
        one = commands.add_parser(name, help=summary, description=summary)
        one.set_defaults(command=command)
        for group in groups:
            group(one)
        return one

    one = add("transfer", transfer, "paint a content image in the style of a style image", add_run_options)
    add_inputs(one, content=True, style=True)
    one.add_argument("--alpha-beta", type=weight, default=experiments.ALPHA_BETA, help="α/β: more keeps more content")
    add_init(one, "content")

    one = add("content", content, "reconstruct a content image from one layer (Figure 1, below)", add_run_options)
    add_inputs(one, content=True)
    add_init(one, "noise")

    one = add("style", style, "reconstruct a style image's texture (Figure 1, above)", add_run_options)
    add_inputs(one, style=True)
    add_init(one, "noise")

    one = add("resume", resume, "go on with a run that --save-run kept", add_output)
    one.add_argument("run", metavar="RUN.pt")
    one.add_argument("--steps", type=whole, help="how many steps in all (default: as the run had)")

    one = add("recipe", recipe, "make the picture of a recipe that the studio saved", add_output)
    one.add_argument("recipe", metavar="RECIPE.json")

    one = add("sweep", sweep, "compute a recipe for many values on all cores; called again, it goes on")
    one.add_argument("recipe", metavar="RECIPE.json")
    one.add_argument("folder", metavar="FOLDER", help="where the pictures go")
    one.add_argument(
        "values", nargs="+", metavar="NAME=V1,V2,…", help="such as seed=0,1,2 or style_layers=conv1_1+conv2_1"
    )
    one.add_argument("--processes", type=whole, metavar="N", help="at a time (default: one for each core)")
    one.add_argument("--together", type=whole, metavar="N", help="runs a process gets at once (default: 1, 4 if small)")
    one.add_argument("--sheet", metavar="FILE.jpg", help="write all pictures side by side too")

    one = add("table", table, "the layers of a network")
    one.add_argument("network", metavar="NETWORK", help=", ".join(LAYOUTS))
    one.add_argument("--size", type=whole, default=256, help="side of the picture that the cost is counted for")

    add("pictures", pictures, "the pictures that come with the project")
    one = add("fetch", fetch, "download one of the paper's own pictures, checked by its SHA-256")
    one.add_argument("name", metavar="NAME", help=", ".join(PAPER_IMAGES))
    add("check", lambda options: print(describe()), "what this machine can do")
    return parser


def add_inputs(parser, content=False, style=False):
    if content:
        parser.add_argument("content", metavar="CONTENT", help="a picture file, or a bundled name such as riverside")
        parser.add_argument("--content-layer", default=CONTENT_LAYER, metavar="LAYER", help="default %(default)s")
    if style:
        parser.add_argument("style", metavar="STYLE", help="a picture file, or a bundled name such as night_swirls")
        layers = ",".join(STYLE_LAYERS)
        parser.add_argument("--style-layers", default=layers, metavar="L1,L2,…", help="default %(default)s")


def add_init(parser, default):
    parser.add_argument("--init", choices=INITIALIZATIONS, default=default, help="start from (default %(default)s)")


def add_network(parser):
    parser.add_argument("--network", metavar="NAME", help=f"{', '.join(LAYOUTS)}; default: vgg19 if it is here")
    parser.add_argument("--weights", metavar="FILE", help="weights in torchvision's layout that you have already")
    parser.add_argument("--pooling", choices=POOLINGS, default="avg", help="default %(default)s, as the paper")


def add_output(parser):
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="the picture to write, .png or .jpg")
    parser.add_argument("--animation", metavar="FILE", help="write the run (at its last size) as a .gif or .mp4 too")
    parser.add_argument("--save-run", metavar="RUN.pt", help="keep the run, for `resume`")


def add_run_options(parser):
    add_output(parser)
    add_network(parser)
    meaning = (
        "longer side in pixels (default: the preset's); several, such as 256,512,1024: coarse to fine, --steps at each"
    )
    parser.add_argument("--size", type=sizes, metavar="PX", help=meaning)
    parser.add_argument("--steps", type=whole, help="how many steps (default: the preset's)")
    parser.add_argument(
        "--optimizer", choices=Optimizer.known, default="lbfgs", help="default %(default)s, as the paper"
    )
    parser.add_argument("--convention", choices=CONVENTIONS, default="relative", help="how losses are scaled")
    parser.add_argument("--seed", type=whole, default=0, help="of the noise (default %(default)s)")
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda or mps (default: the best there is)")


def whole(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a whole number, 0 or more, is wanted; got '{text}'")
    return int(text)


def sizes(text):
    several = [whole(one.strip()) for one in text.split(",")]
    try:
        return several if len(several) == 1 else experiments.check_sizes(several)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def weight(text):
    try:
        return check_weight(text, "the weight")
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


# ----------------------------------------------------------------------------------------------------------- commands


def transfer(options):
    return compute(
        options,
        lambda **common: experiments.style_transfer(
            options.content,
            options.style,
            content_layer=options.content_layer,
            style_layers=options.style_layers.split(","),
            alpha_beta=options.alpha_beta,
            **common,
        ),
    )


def content(options):
    return compute(
        options, lambda **common: experiments.reconstruct_content(options.content, options.content_layer, **common)
    )


def style(options):
    return compute(
        options, lambda **common: experiments.reconstruct_style(options.style, options.style_layers.split(","), **common)
    )


def compute(options, recipe):
    """Check where the results shall go and what they are made of, then make the run and finish it."""
    check_outputs(options)
    check_inputs(options)
    if options.network:
        check_layers_by_name(options.network, wanted_layers(options))
    steps = preset().steps if options.steps is None else options.steps
    network = load_network(options.network, options.weights, options.pooling, device=options.device)
    common = {
        "network": network,
        "init": options.init,
        "steps": steps,
        "optimizer": options.optimizer,
        "convention": options.convention,
        "seed": options.seed,
        "keep_every": max(1, steps // ANIMATION_FRAMES) if options.animation else None,
    }
    if options.size is None or len(options.size) == 1:
        return finish(recipe(size=options.size and options.size[0], **common), options)
    return finish_all(experiments.coarse_to_fine(recipe, options.size, **common), options)


def wanted_layers(options):
    content, style = getattr(options, "content_layer", None), getattr(options, "style_layers", None)
    return [*([content] if content else []), *(style.split(",") if style else [])]


def resume(options):
    check_outputs(options)
    run = Synthesis.load(options.run)
    if options.steps is not None:
        run.steps = options.steps
    if options.animation and not run.keep_every:
        run.keep_every = max(1, run.steps // ANIMATION_FRAMES)
    return finish(run, options)


def recipe(options):
    check_outputs(options)
    chosen = Recipe.load(options.recipe)
    run = chosen.prepare(keep_every=max(1, chosen.steps // ANIMATION_FRAMES) if options.animation else None)
    return finish(run, options, chosen.play(run))


def sweep(options):
    if options.sheet:
        check_writable(options.sheet, (".jpg", ".jpeg"))
    several = dict(map(choices, options.values))
    recipes = sweeps.grid(Recipe.load(options.recipe), **several)
    results = sweeps.sweep(recipes, options.folder, processes=options.processes, together=options.together)
    print(f"{options.folder}: {len(results)} of {len(recipes)} pictures")
    if options.sheet and results:
        sheet = sweeps.contact_sheet(results, columns=len(list(several.values())[-1]))
        with write_atomically(options.sheet) as file:
            file.write(sheet.jpeg())
    return 0 if len(results) == len(recipes) else 130


def choices(text):
    """NAME=V1,V2,… → (name, [value, …]), each of the kind that a recipe has under that name."""
    name, _, several = text.partition("=")
    kind = type(getattr(Recipe(), name, ""))
    try:
        return name, [tuple(one.split("+")) if kind is tuple else kind(one) for one in several.split(",") if one]
    except ValueError:
        raise InputError(f"{name} takes numbers, such as {name}=1,2; got '{several}'.") from None


def check_outputs(options):
    check_writable(options.output, FORMATS)
    if options.animation:
        check_writable(options.animation, (".gif", ".mp4"))
    if options.save_run:
        check_writable(options.save_run, (".pt",))


def check_inputs(options):
    """Try the pictures before the network: nobody shall wait for a download to learn of a misspelt name."""
    for picture in (getattr(options, "content", None), getattr(options, "style", None)):
        if picture is None:
            continue
        if os.path.exists(picture) and os.path.exists(options.output) and os.path.samefile(picture, options.output):
            raise InputError(f"{options.output} is one of the pictures to start from; save under another name.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the run itself says it
            load_image(picture, options.size and max(options.size))


def finish(run, options, steps=None):
    """Run to the end, then write what was asked for; an interrupt writes what there is. steps: as for `play`."""
    return write(run, options, play(run, steps))


def finish_all(runs, options):
    """The same for runs that each begin where the last one ended. Whatever stops them, a picture is written."""
    last, interrupted = None, False
    try:
        for run in runs:
            interrupted = play(run)
            last = run if run.number or last is None else last
            if interrupted:
                break
    except KeyboardInterrupt:  # while the next one was being prepared
        if last is None:
            raise
        interrupted = True
    except InputError as error:
        if last is None:
            raise
        write(last, options, interrupted=False)
        raise InputError(f"{error} What had been made until then is in {options.output}.") from None
    return write(last, options, interrupted)


def play(run, steps=None):
    """Run to the end with a progress bar; was it interrupted? steps: the run's steps, the run itself if None."""
    interrupted = False
    with tqdm(total=run.steps, initial=run.number, unit="step", file=sys.stderr, disable=None) as bar:
        try:
            for step in steps or run:
                bar.update()
                bar.set_postfix_str(f"loss {step.loss:.4g}", refresh=False)
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        run.stop(f"interrupted after step {run.number}")
    return interrupted


def write(run, options, interrupted):
    """Write the picture and whatever else was asked for, say what it is, and return the exit code."""
    saved = [save_image(run.image, options.output)]
    if options.save_run:
        saved.append(run.save(options.save_run))
    if options.animation:
        saved.append(save_animation(kept_frames(run).values(), options.animation))
    print(f"{', '.join(map(str, saved))}: {run.describe()}. Stopped: {run.stop_reason}.")
    return 130 if interrupted else 0


def table(options):
    name = check_choice("network", options.network, LAYOUTS)
    architecture = load_network(f"{name}-random", normalize=False, device="cpu")  # the layers need no trained weights
    print(dataclasses.replace(architecture.table(options.size), title=f"The convolutions of {name}"))


def pictures(options):
    for kind in ("content", "style"):
        for name, path in bundled_images(kind).items():
            print(f"{kind:8} {name:16} {path}")


def fetch(options):
    path = fetch_paper_image(options.name)
    print(f"{path}: {PAPER_IMAGES[options.name][2]}")


def run():
    """`main` for a program of its own; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):  # a Windows console may not know the letter β
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")
    return main()
