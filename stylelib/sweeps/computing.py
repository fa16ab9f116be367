"""What a worker process does with the recipes that it is sent."""

import contextlib
import io

import PIL.Image

from stylelib.images import to_array
from stylelib.support.errors import InputError
from stylelib.sweeps.together import alike, finish_together, pays
from stylelib.weights.networks import cached_network


def compute(recipes):
    """What is sent to a process or a machine: one run or a few that are alike.

    Returns for each (the bytes of its PNG, all the rest for JSON), or why it failed, in a sentence.
    """
    runs, made = {}, {}  # by place
    for place, recipe in enumerate(recipes):
        try:
            runs[place] = recipe.prepare(cached_network(recipe.network, recipe.pooling))
        except Exception as error:
            made[place] = why(error)
    _finish_batches([run for place, run in runs.items() if not recipes[place].changes])
    for place in list(runs):
        try:
            made[place] = _finish(recipes[place], runs.pop(place))  # and its memory is free
        except Exception as error:
            made[place] = why(error)
    return [made[place] for place in range(len(recipes))]


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
    return png(run.image), {"network_fingerprint": run.terms[0].net.fingerprint(), "result": result}


def png(picture):
    buffer = io.BytesIO()
    PIL.Image.fromarray(to_array(picture)).save(buffer, "PNG")
    return buffer.getvalue()


def why(error):
    """An error in a line."""
    said = " ".join(str(error).split())
    return said if isinstance(error, InputError) else f"{type(error).__name__}: {said}"
