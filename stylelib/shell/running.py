"""A run in the shell: progress bar, checkpoints, and files that are written when it ends or is interrupted.

Whatever ends the program, little of its computing is lost: the whole run is in a file beside the output, see
`stylelib.storage.keeping`, which `python -m stylelib resume` continues. It is removed once the picture is there.
"""

import argparse
import contextlib
import pathlib
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tqdm import tqdm

from stylelib.evaluation.progress import Step
from stylelib.figures import kept_frames, save_animation
from stylelib.images import FORMATS, save_image
from stylelib.recipes import Recipe
from stylelib.storage import carried
from stylelib.storage.keeping import Keeper
from stylelib.support.errors import InputError
from stylelib.support.files import check_writable
from stylelib.synthesis import Synthesis

INTERRUPTED = 130  # exit code


def checkpoint_of(options: argparse.Namespace) -> pathlib.Path:
    """Return the file that has the run while it is computed: --save-run's, or one beside the output."""
    return pathlib.Path(options.save_run or f"{options.output}.run.pt").expanduser()


def resume_command(options: argparse.Namespace) -> str:
    """Return the line that continues this command's run from its checkpoint."""
    return f"python -m stylelib resume {checkpoint_of(options)} -o {options.output}"


@contextlib.contextmanager
def signals(handler: Any, *names: str) -> Iterator[None]:
    """Answer some signals in another way for a while. One that is ignored, as SIGHUP by nohup, stays ignored."""
    main = threading.current_thread() is threading.main_thread()  # no other thread may
    numbers = [getattr(signal, name) for name in names if main and hasattr(signal, name)]  # Windows has no SIGHUP
    before = {number: signal.getsignal(number) for number in numbers}
    changed = [number for number, was in before.items() if was is not signal.SIG_IGN]
    for number in changed:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, before[number])


def check_outputs(options: argparse.Namespace) -> None:
    """Raise an InputError if one of the output files cannot be written."""
    check_writable(options.output, FORMATS)
    if options.animation:
        check_writable(options.animation, (".gif", ".mp4"))
    if options.save_run:
        check_writable(options.save_run, (".pt",))
    elif (left := checkpoint_of(options)).exists() and not _same(left, getattr(options, "run", None)):
        raise InputError(
            f"{left} is what an earlier run left when it was ended. Continue it with `{resume_command(options)}`, "
            "or remove it."
        )


def _same(checkpoint: pathlib.Path, resumed: str | None) -> bool:
    return resumed is not None and pathlib.Path(resumed).expanduser().resolve() == checkpoint.resolve()


def finish(
    run: Synthesis, options: argparse.Namespace, recipe: Recipe | None, steps: Iterable[Step] | None = None
) -> int:
    """Run to the end, then write the output files; after an interrupt, they have the picture so far.

    Parameters
    ----------
    run : Synthesis
        A run at any step.
    options : argparse.Namespace
        output, animation and save_run.
    recipe : Recipe or None
        What the run is played with; its files carry it.
    steps : Iterable of Step, optional
        The run's steps; those that the recipe plays by default.

    Returns
    -------
    int
        The exit code.
    """
    if steps is None:
        steps = run if recipe is None else recipe.play(run)
    with signals(signal.default_int_handler, "SIGTERM", "SIGHUP"):  # as Ctrl-C
        interrupted = _play(run, Keeper(checkpoint_of(options), recipe).follow(run, steps))
        with signals(signal.SIG_IGN, "SIGINT", "SIGTERM", "SIGHUP"):  # no second one spoils the files
            return _write(run, options, recipe, interrupted)


def _play(run: Synthesis, steps: Iterable[Step]) -> bool:
    """Run to the end with a progress bar; return whether it was interrupted."""
    try:
        with tqdm(total=run.steps, initial=run.number, unit="step", file=sys.stderr, disable=None) as bar:
            for step in steps:
                bar.update()
                bar.set_postfix_str(f"loss {step.loss:.4g}", refresh=False)
    except KeyboardInterrupt:
        run.stop(f"interrupted after step {run.number}")
        return True
    return False


def _write(run: Synthesis, options: argparse.Namespace, recipe: Recipe | None, interrupted: bool) -> int:
    """Write the output files, each in an attempt of its own; print what made them and return the exit code."""
    checkpoint = checkpoint_of(options)
    written: list[pathlib.Path] = []
    failed: list[str] = []

    def attempt(path: Any, write: Callable[[Any], pathlib.Path]) -> None:
        try:
            written.append(write(path))
        except (InputError, OSError) as error:
            failed.append(f"{path} could not be written ({error})")

    def save_run(path: Any) -> pathlib.Path:
        return run.save(path, recipe)

    if options.save_run:
        attempt(checkpoint, save_run)
    text = "" if recipe is None else carried.to_text(recipe, run)
    attempt(options.output, lambda path: save_image(run.image, path, text=text))
    if options.animation:
        attempt(options.animation, lambda path: save_animation(kept_frames(run).values(), path))
    if failed and not options.save_run:
        attempt(checkpoint, save_run)
    if failed:
        kept = f" The run is kept: `{resume_command(options)}`." if checkpoint in written else ""
        raise InputError(f"{'; '.join(failed)}.{kept}")
    if not options.save_run:
        checkpoint.unlink(missing_ok=True)
    print(f"{', '.join(map(str, written))}: {run.describe()}. Stopped: {run.stop_reason}.")
    return INTERRUPTED if interrupted else 0
