"""Many runs as one call: a grid of recipes, computed on all cores or on many machines, and kept in a folder.

recipes = grid(Recipe("transfer", "riverside", size=256), style=["night_swirls", "woodcut"], alpha_beta=[0.02, 0.2, 2])
results = sweep(recipes, "my_sweep")           # call it again after whatever happened: it goes on with what is missing
contact_sheet(results, columns=3)
"""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import os
import pathlib
import warnings

from tqdm.auto import tqdm

from stylelib.images import load_image
from stylelib.protocols.term import check_weight
from stylelib.recipes import Recipe
from stylelib.support.errors import InputError, check_choice, check_whole
from stylelib.support.files import check_writable
from stylelib.support.gallery import bundled_images
from stylelib.sweeps.computing import compute, png, why
from stylelib.sweeps.jobs import bundles_of, find_results, plan
from stylelib.sweeps.labels import labels_of, sweep_error
from stylelib.sweeps.workers import Processes, useful_processes


def grid(recipe, **values):
    """The recipes for every combination of some values, the last name's changing fastest.

    values: a list of values for each name of `Recipe`, such as alpha_beta=[0.1, 1], seed=range(3),
    style_layers=[("conv1_1",), ("conv1_1", "conv2_1")]. Raises InputError for an unknown name.
    """
    known = [field.name for field in dataclasses.fields(Recipe)]
    choices = [_choices(check_choice("value of a recipe", name, known), several) for name, several in values.items()]
    return [
        dataclasses.replace(recipe, **dict(zip(values, chosen, strict=True))) for chosen in itertools.product(*choices)
    ]


def _choices(name, several):
    if isinstance(several, str | bytes) or not hasattr(several, "__iter__"):
        raise InputError(f"Give a list of values for {name}, such as {name}=[{several!r:.40}].")
    chosen = [value.item() if hasattr(value, "item") else value for value in several]  # NumPy's numbers → Python's
    if not chosen:
        raise InputError(f"There are no values for {name}.")
    if name == "style_layers":
        return [(value,) if isinstance(value, str) else tuple(value) for value in chosen]
    return [check_weight(value, "the ratio α/β") for value in chosen] if name == "alpha_beta" else chosen


def sweep(recipes, folder, executor=None, processes=None, together=None, report=lambda result: None):
    """Compute every recipe and keep the results in a folder; returns them, a list of Results in the recipes' order.

    Each is written as soon as it is there, under a name made from the recipe's content. So the same recipe is computed
    once, and the same call again computes only what is missing, damaged, or made with other weights. The kernel's
    interrupt ends it and returns the results so far.

    processes: of this machine, one for each core by default; give fewer where memory is short. executor: where to
    compute instead: any `concurrent.futures.Executor`, such as `distributed.Client(…).get_executor()` for the machines
    of a Dask cluster, which need stylelib but neither the folder nor your pictures. together: this many runs are sent
    at once, evaluated as one batch if that turns out quicker, and written when they are all done; by default up to 4 on
    a GPU or of pictures of at most 64 pixels, else 1, and 1 with an executor. report: called with each Result.

    All recipes are checked before the first one is computed (InputError). Where some fail, the others are computed
    all the same, and a SweepError says at the end which and why.
    """
    recipes = [recipes] if isinstance(recipes, Recipe) else list(recipes)
    if not recipes:
        raise InputError("There is nothing to compute; give at least one recipe.")
    sent = _check(recipes)
    _warn_of_seeds(recipes)
    folder = _check_folder(folder)
    order = [plan(recipe, one, folder) for recipe, one in zip(recipes, sent, strict=True)]
    jobs = {job.path: job for job in order}  # the same recipe only once
    done = find_results(jobs.values())
    missing = [job for path, job in jobs.items() if path not in done]
    failures = {}  # {path: why}
    count = useful_processes() if processes is None else check_whole("processes", processes, 1)
    if together is not None:
        check_whole("together", together, 1)
    bundles = list(bundles_of(missing, together, count if executor is None else None))
    ours = Processes(min(len(bundles), count)) if executor is None and missing else None
    try:
        with (
            tqdm(total=len(jobs), initial=len(done), unit="run", disable=None) as bar,
            contextlib.closing(_compute_all(bundles, ours or executor)) as computed,
        ):
            for bundle, made in computed:
                for job, one in zip(bundle, made, strict=True):
                    if isinstance(one, str):
                        failures[job.path] = one
                    else:
                        done[job.path] = job.write(*one)
                bar.update(len(bundle))
                for job in bundle:
                    if job.path in done:
                        report(done[job.path])
    except KeyboardInterrupt:
        said = f"Interrupted: {len(done)} of {len(jobs)} runs are done and kept in {folder}; the same call goes on."
        warnings.warn(said, stacklevel=2)
        failures = {}  # the same call tries them again
    finally:
        if ours:
            ours.stop()
    results = [done[job.path] for job in order if job.path in done]
    if failures:
        raise sweep_error([(jobs[path].recipe, why) for path, why in failures.items()], results, len(jobs), folder)
    return results


def _compute_all(bundles, executor):
    """Yield (jobs, what `compute` made of each or why it failed), as they come.

    Jobs that were sent together and came to nothing are sent again one by one: one of them may have done it to all.
    """
    waiting = {}  # {future: jobs}
    try:
        while bundles or waiting:
            sending, bundles = bundles, []
            for bundle in sending:
                try:
                    waiting[executor.submit(compute, [job.sent for job in bundle])] = bundle
                except Exception as error:  # it takes no more
                    yield bundle, [why(error)] * len(bundle)
            # with a timeout, since Windows hears of an interrupt only between two waits
            for future in concurrent.futures.wait(waiting, 1, concurrent.futures.FIRST_COMPLETED).done:
                bundle = waiting.pop(future)
                try:
                    made = future.result()
                except Exception as error:  # whatever a process, its machine or its network comes to
                    if len(bundle) > 1:
                        bundles += [[job] for job in bundle]
                        continue
                    made = [why(error)]
                yield bundle, made
    finally:
        for future in waiting:
            future.cancel()


def contact_sheet(results, columns=None, title=None):
    """The pictures of a sweep side by side, each with what tells it from the others; returns a figure."""
    from stylelib import figures

    parts = [result.made.split(" · ") for result in results]
    note = " · ".join(part for part in parts[0] if all(part in others for others in parts)) if parts else ""
    captions = labels_of([result.recipe for result in results])
    return figures.contact_sheet([result.image for result in results], captions, columns, title, note)


# ----------------------------------------------------------------------------------------------- before it is computed


def _check(recipes):
    """Raise an InputError if one of them cannot work; return them as they are sent.

    A picture of one's own goes along as the run will see it: small, and no file of this machine.
    """
    pictures, sent = {}, []
    for recipe in recipes:
        if not isinstance(recipe, Recipe):
            raise InputError(f"A sweep is made of recipes, as `grid` gives; got {type(recipe).__name__}.")
        own = {}
        for role, source in recipe.pictures.items():
            if not isinstance(source, str | bytes | os.PathLike):
                raise InputError(f"A recipe has its {role} image as a name, a path or the bytes of a file.")
            if source not in bundled_images():
                if (source, recipe.size) not in pictures:
                    pictures[source, recipe.size] = png(load_image(source, recipe.size))
                own[role] = pictures[source, recipe.size]
        sent.append(dataclasses.replace(recipe, **own))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if own else "default")  # load_image has said it of the picture itself
            sent[-1].check()
    return sent


def _warn_of_seeds(recipes):
    everything = set(map(repr, recipes))
    different = {repr(one if one.init == "noise" else dataclasses.replace(one, seed=0)) for one in recipes}
    if len(different) < len(everything):
        said = (
            f"Only {len(different)} of {len(everything)} runs differ: a seed changes nothing but noise to start from."
        )
        warnings.warn(said, stacklevel=3)


def _check_folder(folder):
    folder = pathlib.Path(folder).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be the folder of the sweep ({error.strerror or error}).") from error
    return check_writable(folder / "picture.png", (".png",)).parent
