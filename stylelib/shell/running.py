"""A run in the shell: it shows a progress bar, and its files are written when it ends or is interrupted."""

import argparse
import sys
from collections.abc import Iterable

from tqdm import tqdm

from stylelib.evaluation.progress import Step
from stylelib.figures import kept_frames, save_animation
from stylelib.images import FORMATS, save_image
from stylelib.support.files import check_writable
from stylelib.synthesis import Synthesis

INTERRUPTED = 130  # exit code


def check_outputs(options: argparse.Namespace) -> None:
    """Raise an InputError if one of the output files cannot be written."""
    check_writable(options.output, FORMATS)
    if options.animation:
        check_writable(options.animation, (".gif", ".mp4"))
    if options.save_run:
        check_writable(options.save_run, (".pt",))


def finish(run: Synthesis, options: argparse.Namespace, steps: Iterable[Step] | None = None) -> int:
    """Run to the end, then write the output files; after an interrupt, they have the picture so far.

    Parameters
    ----------
    run : Synthesis
        A run at any step.
    options : argparse.Namespace
        output, animation and save_run.
    steps : Iterable of Step, optional
        The run's steps; the run itself by default.

    Returns
    -------
    int
        The exit code.
    """
    return _write(run, options, _play(run, steps))


def _play(run: Synthesis, steps: Iterable[Step] | None = None) -> bool:
    """Run to the end with a progress bar; return whether it was interrupted."""
    try:
        with tqdm(total=run.steps, initial=run.number, unit="step", file=sys.stderr, disable=None) as bar:
            for step in steps or run:
                bar.update()
                bar.set_postfix_str(f"loss {step.loss:.4g}", refresh=False)
    except KeyboardInterrupt:
        run.stop(f"interrupted after step {run.number}")
        return True
    return False


def _write(run: Synthesis, options: argparse.Namespace, interrupted: bool) -> int:
    """Write the output files, print what made them, and return the exit code."""
    written = [save_image(run.image, options.output)]
    if options.save_run:
        written.append(run.save(options.save_run))
    if options.animation:
        written.append(save_animation(kept_frames(run).values(), options.animation))
    print(f"{', '.join(map(str, written))}: {run.describe()}. Stopped: {run.stop_reason}.")
    return INTERRUPTED if interrupted else 0
