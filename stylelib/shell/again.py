"""A picture made anew from the recipe that it carries, and compared with it."""

import os
import pathlib
from collections.abc import Iterator, Sequence

from torch import Tensor

from stylelib.evaluation.progress import Step
from stylelib.images import to_array
from stylelib.recipes import Recipe, change_alpha_beta, compare_network
from stylelib.storage import carried
from stylelib.support.errors import InputError
from stylelib.synthesis import Synthesis


def picture_recipe(path: str | os.PathLike[str], folders: Sequence[str] = ()) -> tuple[Recipe, int]:
    """Return the recipe that a picture carries, and the number of steps that were done.

    Parameters
    ----------
    path : path
        A PNG or JPEG file.
    folders : Sequence of str
        Where its input pictures are looked for, besides the present folder and the picture's.
    """
    for folder in folders:
        if not pathlib.Path(folder).expanduser().is_dir():
            raise InputError(f"There is no folder {folder}; name the one that has the input pictures.")
    places: list[str | os.PathLike[str]] = [pathlib.Path(), pathlib.Path(path).expanduser().parent, *folders]
    recipe, fingerprint, steps = carried.read(Recipe, path, places)
    compare_network(recipe, fingerprint, path)
    return recipe, steps


def replay(recipe: Recipe, run: Synthesis, done: int) -> Iterator[Step]:
    """Yield a run's steps until as many are done as when its picture was saved, with the changes of α/β.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    run : Synthesis
        Its run, not started.
    done : int
        Number of steps; a run of several sizes cannot simply have fewer steps, because each size has its share.
    """
    if done >= recipe.steps:
        yield from recipe.play(run)
        return
    steps = recipe.play(run) if done else iter(())
    for step in steps:
        yield step
        if run.number >= done:
            break
    for number, alpha_beta in recipe.changes:
        if number == done == run.number:  # made before the picture was saved, and after its last step
            change_alpha_beta(run, alpha_beta)
    run.stop(f"as many steps are done as in the picture, {run.number}")


def compare(path: str | os.PathLike[str], before: Tensor, made: Tensor) -> str:
    """Return a sentence that says whether the picture is the same again.

    Parameters
    ----------
    path : path
        The earlier picture's file.
    before, made : Tensor
        The earlier picture and the new one.
    """
    if before.shape != made.shape:
        return f"It has not the size that {path} has, which has been scaled or cut since."
    largest = int(abs(to_array(before).astype(int) - to_array(made)).max())
    if largest == 0:
        return f"It is the same picture as {path}, in every pixel."
    if pathlib.Path(path).suffix.lower() != ".png":
        why = "a JPEG is not stored exactly"
    else:
        why = "other weights, another kind of machine or another version compute other last bits"
    return f"It differs from {path} by at most {largest} of 255 levels: {why}."
