"""A sweep: many recipes computed on all cores or on many machines, and kept in a folder."""

import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from stylelib.protocols.term import check_weight
from stylelib.recipes import Recipe
from stylelib.storage.keeping import EVERY
from stylelib.support.errors import InputError, check_whole, shorten, shown
from stylelib.support.files import check_writable
from stylelib.sweeps.computing import Made, compute, why
from stylelib.sweeps.jobs import Job, Result, batches_of, find_results, plan
from stylelib.sweeps.labels import labels_of, sweep_error
from stylelib.sweeps.parcels import Parcel, Registered, with_pictures
from stylelib.sweeps.workers import Workers, useful_workers

if TYPE_CHECKING:
    from stylelib.figures import Figure

AGAIN = 3  # times that a job is sent again without getting further


def sweep(
    recipes: Recipe | Iterable[Recipe],
    folder: str | os.PathLike[str],
    executor: concurrent.futures.Executor | None = None,
    workers: int | None = None,
    together: int | None = None,
    report: Callable[[Result], object] = lambda result: None,
    checkpoint_every: float = EVERY,
) -> list[Result]:
    """Compute every recipe and keep the results in a folder.

    Each result is written as soon as it is computed, under a name made from the recipe's content. Therefore equal
    recipes are computed once, and the same call again computes only what is missing, damaged, or made with other
    weights. An interrupt, such as that of the kernel, ends the sweep and returns the results so far.

    A run that a worker or the whole program leaves behind, whatever kills it, goes on from its last checkpoint, in
    another worker or when the call is repeated.

    Recipes can be of your own subclass and can name your own networks and optimisers, which are all sent to the
    workers. When you change their code, use another folder, because the names of the results do not depend on it.

    Parameters
    ----------
    recipes : Recipe or Iterable of Recipe
        Recipes such as `grid` returns. All are checked before the first one is computed.
    folder : path
        Created if it does not exist.
    executor : concurrent.futures.Executor, optional
        Where to compute instead of on this machine, such as ``distributed.Client(…).get_executor()`` for the machines
        of a Dask cluster. They need stylelib, but neither the folder nor your pictures. Where they reach the folder
        under the same path, runs have checkpoints there; elsewhere a run whose worker dies begins again.
    workers : int, optional
        Number of workers on this machine; by default one for each core, or one for a GPU. Fewer need less memory.
    together : int, optional
        Number of recipes in a parcel. They are evaluated as one batch if a measurement shows that this is faster, and
        written when all of them are done. By default up to 4 on a GPU or for pictures of at most 64 pixels, else 1;
        and 1 with an executor.
    report : callable, optional
        Called with each new Result.
    checkpoint_every : float
        Seconds between two checkpoints of a run, in the folder; 0 for one after each step, which takes more time.

    Returns
    -------
    list of Result
        In the order of the recipes.

    Raises
    ------
    InputError
        If a recipe or the folder is invalid.
    SweepError
        At the end, if some runs failed; it says which and why. All others are computed and kept.
    """
    if isinstance(recipes, str | bytes) or not isinstance(recipes, Recipe | Iterable):
        raise InputError(f"A sweep takes recipes, such as `grid` returns; got {shown(recipes)}.")
    recipes = [recipes] if isinstance(recipes, Recipe) else list(recipes)
    if not recipes:
        raise InputError("There is nothing to compute; give at least one recipe.")
    sent = _check(recipes)
    _warn_of_seeds(recipes)
    folder = _check_folder(folder)
    order = [plan(recipe, small, folder) for recipe, small in zip(recipes, sent, strict=True)]
    jobs = {job.path: job for job in order}  # equal recipes only once
    done = find_results(jobs.values())
    missing = [job for path, job in jobs.items() if path not in done]
    failures: dict[pathlib.Path, str] = {}
    count = useful_workers() if workers is None else check_whole("workers", workers, 1)
    if together is not None:
        check_whole("together", together, 1)
    every = check_weight(checkpoint_every, "checkpoint_every")
    batches = list(batches_of(missing, together, count if executor is None else None))
    own: Workers | None = None
    if executor is None:
        executor = own = Workers(max(1, min(len(batches), count)))
    try:
        with (
            tqdm(total=len(jobs), initial=len(done), unit="run", disable=None) as bar,
            contextlib.closing(_compute_all(batches, executor, Registered(sent), every)) as computed,
        ):
            for batch, made in computed:
                for job, one in zip(batch, made, strict=True):
                    if isinstance(one, str):
                        failures[job.path] = one
                    else:
                        done[job.path] = job.write(*one)
                bar.update(len(batch))
                for job in batch:  # after all of them are written, because an interrupt may come here
                    if job.path in done:
                        report(done[job.path])
    except KeyboardInterrupt:
        warnings.warn(
            f"Interrupted: {len(done)} of {len(jobs)} runs are done and kept in {folder}; repeat the call to continue.",
            stacklevel=2,
        )
        failures = {}  # repeating the call computes them again
    finally:
        if own:
            own.stop()
    results = [done[job.path] for job in order if job.path in done]
    if failures:
        failed = [(jobs[path].recipe, reason) for path, reason in failures.items()]
        raise sweep_error(failed, results, len(jobs), folder)
    return results


def contact_sheet(results: Sequence[Result], columns: int | None = None, title: str | None = None) -> "Figure":
    """Show the pictures of a sweep side by side, each with the values in which it differs from the others.

    Parameters
    ----------
    results : Sequence of Result
        What `sweep` returned.
    columns : int, optional
        Pictures in a row; up to five by default.
    title : str, optional
        Text above the pictures.

    Returns
    -------
    stylelib.figures.Figure
        Its note says what all the pictures have in common.
    """
    from stylelib import figures  # here, because it loads matplotlib, which a sweep does not need

    parts = [result.made.split(" · ") for result in results]
    note = " · ".join(part for part in parts[0] if all(part in others for others in parts)) if parts else ""
    captions = labels_of([result.recipe for result in results])
    return figures.contact_sheet([result.image for result in results], captions, columns, title, note)


def _compute_all(
    batches: list[list[Job]], executor: concurrent.futures.Executor, own: Registered, every: float
) -> Generator[tuple[list[Job], list[Made]], None, None]:
    """Yield (jobs, what was made of each or why it failed) as soon as they are done.

    If jobs that were sent together fail together, they are sent again one by one, because one of them may have been the
    cause. A single one is sent again if it has got further than before, because then it was not the cause; and a few
    times if an executor such as Dask's says that its worker has died, because it may not even have begun there.
    """
    fruitless: dict[pathlib.Path, int] = {}  # how often a job has failed without getting further
    waiting: dict[concurrent.futures.Future[list[Made]], tuple[list[Job], list[int]]] = {}
    try:
        while batches or waiting:
            sending, batches = batches, []
            for batch in sending:
                files = [os.fspath(job.checkpoint.absolute()) for job in batch]
                parcel = Parcel([job.sent for job in batch], own, files, every)
                try:
                    waiting[executor.submit(compute, parcel)] = batch, list(map(_written, files))
                except Exception as error:  # the executor accepts no more jobs
                    yield batch, [why(error)] * len(batch)
            # with a timeout, because Windows handles an interrupt only between two waits
            for future in concurrent.futures.wait(waiting, 1, concurrent.futures.FIRST_COMPLETED).done:
                batch, before = waiting.pop(future)
                try:
                    made = future.result()
                except Exception as error:  # whatever happens to a worker, its machine or its network
                    further = [_written(job.checkpoint) for job in batch] != before
                    count = 0 if further else fruitless.get(batch[0].path, 0) + 1
                    fruitless[batch[0].path] = count
                    known = isinstance(error, InputError)  # our own workers have tried it several times
                    if len(batch) > 1 or further or (not known and count <= AGAIN):
                        batches += [[job] for job in batch]
                        continue
                    made = [why(error)]
                yield batch, made
    finally:
        for future in waiting:
            future.cancel()


def _written(checkpoint: str | os.PathLike[str]) -> int:
    """Return when a checkpoint was written; 0 if there is none."""
    try:
        return os.stat(checkpoint).st_mtime_ns
    except OSError:
        return 0


def _check(recipes: Sequence[Recipe]) -> list[Recipe]:
    """Return the recipes as they are sent; raise an InputError if one of them is invalid."""
    loaded: dict[Any, bytes] = {}
    sent = []
    for recipe in recipes:
        if not isinstance(recipe, Recipe):
            raise InputError(f"A sweep takes recipes, such as `grid` returns; got {type(recipe).__name__}.")
        small = with_pictures(recipe, loaded)
        with warnings.catch_warnings():
            if small != recipe:  # `load_image` has warned about the original picture
                warnings.simplefilter("ignore")
            small.check()
        sent.append(small)
    return sent


def _warn_of_seeds(recipes: Sequence[Recipe]) -> None:
    different = {
        repr(recipe if recipe.init == "noise" or type(recipe) is not Recipe else dataclasses.replace(recipe, seed=0))
        for recipe in recipes
    }
    count = len(set(map(repr, recipes)))
    if len(different) < count:
        warnings.warn(
            f"Only {len(different)} of {count} runs differ, because a seed changes nothing but the noise that a run "
            f"starts from.",
            stacklevel=3,
        )


def _check_folder(folder: str | os.PathLike[str]) -> pathlib.Path:
    if not isinstance(folder, str | os.PathLike):
        raise InputError(f"Give the path of a folder, in which the sweep keeps its results; got {shown(folder)}.")
    folder = pathlib.Path(folder).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{shorten(str(folder))} cannot be the folder of the sweep ({error.strerror or error})."
        ) from error
    return check_writable(folder / "picture.png", (".png",)).parent
