"""Many runs as one call: a grid of recipes, computed on all cores or on many machines, and kept in a folder.

recipes = grid(Recipe("transfer", "riverside", size=256), style=["night_swirls", "woodcut"], alpha_beta=[0.02, 0.2, 2])
results = sweep(recipes, "my_sweep")           # call it again after whatever happened: it goes on with what is missing
contact_sheet(results, columns=3)
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import io
import itertools
import json
import os
import pathlib
import warnings

import PIL.Image
from tqdm.auto import tqdm

from stylelib.batches import alike, finish_together, pays
from stylelib.errors import InputError, check_choice, check_whole
from stylelib.images import bundled_images, check_writable, load_image, to_array, write_atomically
from stylelib.machine import pick_device, preset
from stylelib.networks import RANDOM, check_name, load_network
from stylelib.processes import Processes, useful_processes
from stylelib.recipe_files import Recipe, to_json
from stylelib.synthesis import Record
from stylelib.terms import check_weight
from stylelib.weights import find_weights

SHOWN = 5  # failures that a sentence names
TOGETHER = 4  # runs that a process gets at once; more would gain little, and are lost together when it dies
SMALL = 64  # pixels up to which a batch is quicker on a processor, see stylelib/benchmarks


@dataclasses.dataclass(frozen=True)
class Result:
    """A run that is done.

    path: its picture, a PNG; the JSON file beside it holds all the rest, and is a recipe that `Recipe.load` reads.
    losses: the picture's weighted losses by name. history: a Record of each step. made: what made it, for a caption.
    """

    recipe: Recipe
    path: pathlib.Path
    losses: dict
    history: list
    stop_reason: str
    made: str

    @property
    def image(self):
        """The picture, (1, 3, H, W), 0 to 1, in steps of 1/255."""
        return load_image(self.path)


class SweepError(InputError):
    """Some runs failed. results: of all the others. failures: [(recipe, why), …]."""

    def __init__(self, message, results=(), failures=()):
        super().__init__(message)
        self.results, self.failures = list(results), list(failures)


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
    order = [_plan(recipe, one, folder) for recipe, one in zip(recipes, sent, strict=True)]
    jobs = {job.path: job for job in order}  # the same recipe only once
    done = _find_results(jobs.values())
    missing = [job for path, job in jobs.items() if path not in done]
    failures = {}  # {path: why}
    count = useful_processes() if processes is None else check_whole("processes", processes, 1)
    if together is not None:
        check_whole("together", together, 1)
    bundles = list(_bundles(missing, together, count if executor is None else None))
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
        raise _error([(jobs[path].recipe, why) for path, why in failures.items()], results, len(jobs), folder)
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
                    yield bundle, [_why(error)] * len(bundle)
            # with a timeout, since Windows hears of an interrupt only between two waits
            for future in concurrent.futures.wait(waiting, 1, concurrent.futures.FIRST_COMPLETED).done:
                bundle = waiting.pop(future)
                try:
                    made = future.result()
                except Exception as error:  # whatever a process, its machine or its network comes to
                    if len(bundle) > 1:
                        bundles += [[job] for job in bundle]
                        continue
                    made = [_why(error)]
                yield bundle, made
    finally:
        for future in waiting:
            future.cancel()


def compute(recipes):
    """What is sent to a process or a machine: one run or a few that are alike.

    Returns for each (the bytes of its PNG, all the rest for JSON), or why it failed, in a sentence.
    """
    runs, made = {}, {}  # by place
    for place, recipe in enumerate(recipes):
        try:
            runs[place] = recipe.prepare(_network(recipe.network, recipe.pooling))
        except Exception as error:
            made[place] = _why(error)
    _finish_batches([run for place, run in runs.items() if not recipes[place].changes])
    for place in list(runs):
        try:
            made[place] = _finish(recipes[place], runs.pop(place))  # and its memory is free
        except Exception as error:
            made[place] = _why(error)
    return [made[place] for place in range(len(recipes))]


def contact_sheet(results, columns=None, title=None):
    """The pictures of a sweep side by side, each with what tells it from the others; returns a figure."""
    from stylelib import figures  # matplotlib, which no worker needs

    parts = [result.made.split(" · ") for result in results]
    note = " · ".join(part for part in parts[0] if all(part in others for others in parts)) if parts else ""
    captions = _labels([result.recipe for result in results])
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
                    pictures[source, recipe.size] = _png(load_image(source, recipe.size))
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


@dataclasses.dataclass(frozen=True)
class _Job:
    """A recipe, as it is sent, and its place in the folder. content: what its file says of the recipe."""

    recipe: Recipe
    sent: Recipe
    path: pathlib.Path
    content: dict

    def write(self, png, rest):
        """Keep what `compute` gave. The JSON comes last: a picture without it is one that was being written."""
        rest["result"]["sha256"] = hashlib.sha256(png).hexdigest()
        for path, data in ((self.path, png), (self.path.with_suffix(".json"), to_json(self.content | rest))):
            with write_atomically(path) as file:
                file.write(data)
        return self._result(rest["result"])

    def read(self, fingerprint):
        """The result that was kept; None where it is missing, damaged, or another network's. fingerprint: or None."""
        try:
            saved = json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))
            same = all(saved[name] == value for name, value in self.content.items() if name != "stylelib")
            whole = saved["result"]["sha256"] == hashlib.sha256(self.path.read_bytes()).hexdigest()
            if same and whole and fingerprint in (None, saved["network_fingerprint"]):
                return self._result(saved["result"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # whatever is left of a damaged file
            pass
        return None

    def _result(self, result):
        history = [Record(**record) for record in result["history"]]
        return Result(self.recipe, self.path, result["losses"], history, result["stop_reason"], result["made"])


def _plan(recipe, sent, folder):
    """The job of a recipe. Pictures of one's own are kept in the folder, once each."""
    content, pictures = recipe.contents(lambda role, digest: f"picture-{digest[:16]}")
    for name, data in pictures.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            with write_atomically(path) as file:
                file.write(data)
    content = json.loads(to_json(content))  # as it is read from a file: lists for tuples
    what = {name: value for name, value in content.items() if name != "stylelib"}
    name = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
    return _Job(recipe, sent, folder / f"{recipe.kind}-{name}.png", content)


def _bundles(jobs, together, processes):
    """The jobs in lists, each to be sent at once. together: how many, or None; processes: of ours, or None."""
    groups = {}
    for job in jobs:
        one = job.sent  # a run waits until the others of its list are done: so all have as many steps
        groups.setdefault((one.size, one.steps, one.network, one.pooling), []).append(job)
    for (size, *_), group in groups.items():
        may_pay = processes and ((size or preset().size) <= SMALL or pick_device().type != "cpu")
        count = together or (max(1, min(TOGETHER, len(group) // processes)) if may_pay else 1)  # work for each process
        yield from (group[first : first + count] for first in range(0, len(group), count))


def _find_results(jobs):
    """{path: Result} of what is in the folder already."""
    kept = [job for job in jobs if job.path.with_suffix(".json").exists()]
    networks = {(job.recipe.network, job.recipe.pooling) for job in kept}
    prints = {}
    for name, pooling in networks:  # where the weights are not on this machine, the files are believed
        here = check_name(name).endswith(RANDOM) or find_weights(check_name(name))
        prints[name, pooling] = load_network(name, pooling=pooling).fingerprint() if here else None
    results = {job.path: job.read(prints[job.recipe.network, job.recipe.pooling]) for job in kept}
    return {path: result for path, result in results.items() if result is not None}


# ------------------------------------------------------------------------------------------------------------ computing


@functools.lru_cache(maxsize=2)
def _network(name, pooling):
    """A worker has many runs with the same one."""
    return load_network(name, pooling=pooling)


def _finish_batches(runs):
    """Finish those runs that are quicker together. What goes wrong with one does so again alone, and is said then."""
    for several in alike(runs):
        with contextlib.suppress(InputError, RuntimeError):
            if len(several) > 1 and pays(several):
                finish_together(several)


def _finish(recipe, run):
    """(The bytes of its PNG, all the rest for JSON); a run that is at its end already is only written down."""
    for _ in recipe.play(run):
        pass
    result = {"made": run.describe(), "stop_reason": run.stop_reason, "losses": run.losses}
    result["history"] = [vars(record) for record in run.history]
    return _png(run.image), {"network_fingerprint": run.terms[0].net.fingerprint(), "result": result}


def _png(picture):
    buffer = io.BytesIO()
    PIL.Image.fromarray(to_array(picture)).save(buffer, "PNG")
    return buffer.getvalue()


# --------------------------------------------------------------------------------------------------------------- words


def _labels(recipes):
    """What tells each recipe from the others."""
    names = [field.name for field in dataclasses.fields(Recipe)]
    names = [name for name in names if len({repr(getattr(recipe, name)) for recipe in recipes}) > 1]
    return [", ".join(_said(name, getattr(recipe, name)) for name in names) for recipe in recipes]


def _said(name, value):
    if isinstance(value, bytes):
        value = hashlib.sha256(value).hexdigest()[:6]
    elif name in ("content", "style"):
        value = pathlib.Path(value).name
    elif isinstance(value, tuple | list):
        value = "+".join(map(str, value))
    elif isinstance(value, float):
        value = f"{value:g}"
    return f"{'α/β' if name == 'alpha_beta' else name.replace('_', ' ')} {value}"


def _error(failures, results, count, folder):
    """The SweepError that says what failed. failures: [(recipe, why), …]."""
    labels = _labels([recipe for recipe, _ in failures] + [result.recipe for result in results])
    reasons = {}
    for label, (_, why) in zip(labels, failures, strict=False):
        reasons.setdefault(why.rstrip("."), []).append(label or "the run")
    said = _listed([f"{_listed(those)}: {why}" for why, those in reasons.items()])
    others = f"; the others are in {folder}" if results else ""
    said = f"{len(failures)} of {count} runs failed ({said}){others}."
    return SweepError(said, results, failures)


def _listed(texts):
    more = [f"and {len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return "; ".join(texts[:SHOWN] + more)


def _why(error):
    """An error in a line."""
    said = " ".join(str(error).split())
    return said if isinstance(error, InputError) else f"{type(error).__name__}: {said}"
