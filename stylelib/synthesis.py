"""The loop: a picture is optimised against a list of terms, and a run is an iterator.

    run = Synthesis([Content(net, photo), Style(net, painting)], init=photo, steps=300)   # nothing is computed yet
    for step in run:
        print(step.number, step.losses)
    run.image, run.history, run.stop_reason

Pause by not asking for the next step, stop by leaving the loop, resume by going back in.
"""

import collections
import dataclasses
import io
import math
import pathlib
import time
import warnings

import torch

from stylelib import terms as term_kinds
from stylelib.errors import InputError, check_choice, check_whole
from stylelib.evaluations import Evaluator, comes_with_stylelib, wanted_layers
from stylelib.images import check_picture, check_writable, write_atomically
from stylelib.machine import free_memory, pick_device, preset
from stylelib.networks import load_network
from stylelib.optimizers import OPTIMIZERS, Evaluation, NoBetterPicture, State, answer, make_optimizer

INITIALIZATIONS = ("content", "style", "noise")
PATIENCE = 20  # steps over which the loss must have fallen, see `tolerance`
# Standard deviation of the white noise around mid-grey, on the scale of 0 to 1. The paper does not say its own. What a
# deep layer does not see stays in the picture as it was: louder noise (0.25) only leaves more grain there.
NOISE_CONTRAST = 0.1


@dataclasses.dataclass(frozen=True)
class Record:
    """What is known of one step. number 0 is the initial picture."""

    number: int
    loss: float  # the total
    losses: dict  # its parts by name, weighted, as they add up to it
    seconds: float  # computed so far, pauses not counted; in a batch, what it took for all
    evaluations: int  # of the loss and its gradient so far


@dataclasses.dataclass(frozen=True)
class Now:
    """Where a run is, replaced as a whole: an interrupt finds it before a step or after it, never in between."""

    state: State | None
    best: State | None  # the accepted state of the lowest loss
    history: list


@dataclasses.dataclass(frozen=True)
class Step(Record):
    """A record with the picture as it is after this step, (N, 3, H, W), 0 to 1."""

    image: torch.Tensor = dataclasses.field(repr=False)


class Synthesis:
    """Optimise a picture against terms; iterate over it, or call `finish()`.

    terms: a list of terms, or one. init: a picture (1, 3, H, W), or "content", "style" or "noise" (white noise drawn
    from `seed`, as large as the content image or else the style image). steps: how many at most; the preset's
    number by default. optimizer: "lbfgs", "adam", or an object from `stylelib.optimizers`. tolerance: the run stops
    when PATIENCE steps have lowered the loss by less than this part of it. keep_every: keep the picture of every
    so many steps in `frames`, {number: picture}.

    Attributes: image (the best picture so far), losses (its weighted losses), history (a Record of each step), frames,
    number, seconds, seconds_left, stop_reason (a sentence once it has stopped), notes (what had to be mended on the
    way). Raises InputError for what cannot work, before anything is computed.
    """

    def __init__(self, terms, init, steps=None, optimizer="lbfgs", seed=0, tolerance=1e-5, keep_every=None):
        self.terms = check_terms(terms)
        self.seed = check_whole("seed", seed, 0)
        self.steps = preset().steps if steps is None else check_whole("steps", steps, 0)
        self.keep_every = None if keep_every is None else check_whole("keep_every", keep_every, 1)
        self.tolerance = term_kinds.check_weight(tolerance, "the tolerance")
        self.optimizer = make_optimizer(optimizer)
        self.init = init if isinstance(init, str) else "a picture"
        self.device = next((term.net.device for term in self.terms if term.net is not None), torch.device("cpu"))
        picture = (
            initial_picture(init, self.terms, seed)
            if isinstance(init, str)
            else check_picture(init, "the initial picture")
        )
        self._picture = picture.detach().to(self.device, torch.float32).clone().contiguous()
        for term in self.terms:
            term.check(self._picture)
        self.frames, self.notes, self.evaluations = {}, [], 0
        self._fits = False  # whether there is memory enough, as far as one can tell beforehand
        self._evaluator = None  # made when it is needed; it may hold much of a GPU's memory
        self.stop_reason = None  # a sentence once the run has stopped
        self.companions = 0  # other runs that it was evaluated with, see finish_together
        self._finished = False  # whether going on would be of no use
        self._now = Now(None, None, [])

    # ------------------------------------------------------------------------------------------------- as an iterator

    def __iter__(self):
        return self

    def __next__(self):
        """Compute one step. An interrupt in the middle of it leaves the run as it was before the step."""
        step = answer(self._next(), self._evaluate)
        if step is None:
            raise StopIteration
        return step

    def _next(self):
        """The next Step, or None when the run is over. Like an optimiser's step it asks for evaluations."""
        if not (self._fits or self._finished):
            check_memory([self])
            self._fits = True
        if self._now.state is None:
            yield from self._start()
        if self._finished:
            return None
        self.stop_reason = None
        if self.number >= self.steps:
            self._evaluator = None  # and its memory
            self.stop_reason = f"all {self.steps} steps are done" if self.steps != 1 else "its one step is done"
            return None
        started = time.perf_counter()
        try:
            state = yield from self.optimizer.step(self._now.state)
        except NoBetterPicture as stop:
            self._stop(f"{stop} (after step {self.number})")
            return None
        self._accept(state, time.perf_counter() - started)
        self._stop_if_converged()
        return Step(**vars(self.history[-1]), image=_shown(state.picture))

    def finish(self):
        """Compute all remaining steps and return the run. An interrupt keeps what there is, and stops politely."""
        try:
            collections.deque(self, maxlen=0)
        except KeyboardInterrupt:
            self._interrupted()
        return self

    def change_terms(self, terms):
        """Go on from the picture as it is, towards other terms: other weights, another layer, another style image.

        What the optimiser knew of the old loss is forgotten, and so is the best picture of before. Steps, seconds and
        history go on; `notes` says where the loss became another.
        """
        terms = check_terms(terms)
        for term in terms:
            term.check(self._picture)
        old, self.terms, self._evaluator = self.terms, terms, None
        try:
            check_memory([self])
            if self._now.state is None:  # nothing is computed yet, so there is nothing to forget
                return
            evaluation = self._evaluate(self._now.state.picture)
            _check_start(evaluation, "picture as it is")
        except BaseException:  # an interrupt, or too little memory: the run is as it was
            self.terms, self._evaluator = old, None
            raise
        state = self.optimizer.start(self._now.state.picture, evaluation)
        self._now = Now(state, state, self.history)
        self.stop_reason, self._finished = None, False
        self.notes.append(f"after step {self.number} the run went on with: {self._described_terms()}")

    @property
    def history(self):
        """A Record of each step so far, the initial picture's first."""
        return self._now.history

    @property
    def number(self):
        """Steps done so far."""
        return self.history[-1].number if self.history else 0

    @property
    def seconds(self):
        """Seconds computed so far, pauses not counted."""
        return self.history[-1].seconds if self.history else 0.0

    @property
    def seconds_left(self):
        """Estimate from the last steps; None before the third."""
        if self.number < 3:
            return None
        recent = self.history[-min(10, self.number) :]
        return (recent[-1].seconds - recent[0].seconds) / (len(recent) - 1) * (self.steps - self.number)

    @property
    def image(self):
        """The best picture so far, (N, 3, H, W), 0 to 1: the one of the lowest loss that was accepted."""
        return _shown(self._picture if self._now.best is None else self._now.best.picture)

    @property
    def losses(self):
        """The weighted losses of the best picture by name; empty before the first step."""
        return {} if self._now.best is None else dict(self._now.best.evaluation.losses)

    def _start(self):
        started = time.perf_counter()
        evaluation = yield self._picture
        _check_start(evaluation, "initial picture")
        state = self.optimizer.start(self._picture, evaluation)
        self._accept(state, time.perf_counter() - started, number=0)
        if evaluation.loss == 0:
            self._stop("the initial picture meets every term exactly")

    def _accept(self, state, seconds, number=None):
        number = self.number + 1 if number is None else number
        evaluation, best = state.evaluation, self._now.best
        record = Record(number, evaluation.loss, evaluation.losses, self.seconds + seconds, self.evaluations)
        if self.keep_every and number % self.keep_every == 0:
            self.frames[number] = _shown(state.picture).cpu()
        if best is None or evaluation.loss < best.evaluation.loss:
            best = state
        self._now = Now(state, best, [*self.history, record])

    def _interrupted(self):
        self.stop_reason = f"interrupted after step {self.number}; iterate or finish() again to go on"

    def _stop(self, reason):
        self.stop_reason, self._finished, self._evaluator = reason, True, None

    def _stop_if_converged(self):
        if self.number < PATIENCE:
            return
        recent = [record.loss for record in self.history[-PATIENCE - 1 :]]
        if max(recent) - min(recent) <= self.tolerance * abs(recent[0]):
            self._stop(f"converged: {PATIENCE} steps changed the loss by less than {self.tolerance:g} of it")

    def _evaluate(self, picture):
        """Total loss, its parts, and the gradient with respect to the picture."""
        if self._evaluator is None:
            self._evaluator = Evaluator(self.terms)
        (evaluation,) = self._evaluator(picture)
        return self._counted(evaluation, self._evaluator.note)

    def _counted(self, evaluation, note):
        self.evaluations += 1
        if note and note not in self.notes:
            self.notes.append(note)
        if not evaluation.finite:
            self.notes.append(f"after step {self.number}, a trial gave values that are not finite and was taken back")
        return evaluation

    # ------------------------------------------------------------------------------------------------ words and files

    def describe(self):
        """Everything that made this picture, in a line for its caption."""
        networks = dict.fromkeys(term.net.describe() for term in self.terms if term.net is not None)
        height, width = self._picture.shape[-2:]
        parts = [
            "; ".join(networks),
            self._described_terms(),
            f"from {self.init}",
            f"{width} × {height} px",
            f"{self.number} steps of {self.optimizer.describe()}",
            f"seed {self.seed}",
            f"{self.seconds:.0f} s on {self.device.type}{self._described_companions()}",
        ]
        return " · ".join(part for part in parts if part)

    def _described_companions(self):
        if not self.companions:
            return ""
        return f" beside {self.companions} other run{'s' if self.companions > 1 else ''}"

    def _described_terms(self):
        return "; ".join(term.describe() for term in self.terms)

    def __repr__(self):
        loss = f", loss {self._now.best.evaluation.loss:.4g}" if self._now.best else ""
        state = self.stop_reason or ("under way" if self.history else "not started")
        return f"<Synthesis: step {self.number} of {self.steps}{loss}; {state}>"

    def save(self, path):
        """Save the whole run, so that `Synthesis.load` goes on as if it had not been interrupted. Returns the path."""
        path = check_writable(path, (".pt",))
        content = {
            "format": 1,
            "terms": [_term_to_dict(term) for term in self.terms],
            "optimizer": {"name": self.optimizer.name, **self.optimizer.arguments()},
            "run": {
                name: getattr(self, name)
                for name in (
                    "steps",
                    "seed",
                    "tolerance",
                    "keep_every",
                    "init",
                    "frames",
                    "notes",
                    "stop_reason",
                    "evaluations",
                    "companions",
                )
            },
            "picture": self._picture,
            "state": _state_to_dict(self._now.state),
            "best": _state_to_dict(self._now.best),
            "history": [vars(record) for record in self.history],
            "finished": self._finished,
        }
        buffer = io.BytesIO()
        torch.save(content, buffer)
        with write_atomically(path) as file:
            file.write(buffer.getvalue())
        return path

    @classmethod
    def load(cls, path, terms=None):
        """The run that `save` wrote, ready to go on, on the device it was on if this machine has it.

        terms: needed only when the run had terms of your own kinds. Raises InputError for a file that is not a run.
        """
        content = _read(path)
        try:
            return cls._from_content(content, terms)
        except (KeyError, TypeError) as error:
            raise InputError(f"{path} is not a run that this version of stylelib can read.") from error

    @classmethod
    def _from_content(cls, content, terms):
        run_values = content["run"]
        optimizer = dict(content["optimizer"])
        check_choice("optimizer", optimizer["name"], OPTIMIZERS)
        run = cls(
            terms or _terms_from_dicts(content["terms"]),
            content["picture"],
            steps=run_values["steps"],
            optimizer=OPTIMIZERS[optimizer.pop("name")](**optimizer),
            seed=run_values["seed"],
            tolerance=run_values["tolerance"],
            keep_every=run_values["keep_every"],
        )
        for name in ("init", "frames", "notes", "stop_reason", "evaluations"):
            setattr(run, name, run_values[name])
        run.companions = run_values.get("companions", 0)  # older files know of none
        run._finished = content["finished"]
        state, best = (_state_from_dict(content[key], run.device) for key in ("state", "best"))
        run._now = Now(state, best, [Record(**record) for record in content["history"]])
        return run


def check_terms(terms):
    """Return the terms, one or several, as a list if there is something to optimise, else raise an InputError."""
    terms = list(terms) if isinstance(terms, list | tuple) else [terms]
    if not terms:
        raise InputError("There is nothing to optimise: give at least one term, such as Content or Style.")
    for term in terms:
        if not isinstance(term, term_kinds.Term):
            raise InputError(f"A term such as Content or Style is wanted; got {type(term).__name__}.")
    if all(getattr(term, "weight", None) == 0 for term in terms):
        raise InputError("Every term's weight is 0, so there is nothing to optimise.")
    return terms


def check_memory(runs):
    """Raise an InputError, before anything is computed, if runs, all at once, will need more memory than is free.

    The sentence names a size that fits: nearly everything grows in step with the number of pixels.
    """
    needed, free = _memory(runs), free_memory(runs[0].device)
    if free is None or needed <= free:
        return
    height, width = runs[0]._picture.shape[-2:]
    needed, free = needed / 1e9, max(0, free) / 1e9
    fits = int(max(height, width) * math.sqrt(0.8 * free / needed))
    advice = f"size={fits} would fit" if fits >= 32 else "no size would fit: close other programs"
    what = f"{width} × {height} pixels" if len(runs) == 1 else f"{len(runs)} runs of {width} × {height} pixels"
    raise InputError(f"{what} need about {needed:.1f} GB of memory, and {free:.1f} GB are free; {advice}.")


def _memory(runs):
    """Bytes that runs evaluated together are going to need, about."""
    size = runs[0]._picture.shape
    pictures = torch.empty(len(runs) * size[0], *size[1:], device="meta")
    needed = sum(run.optimizer.pictures for run in runs) * 4 * size.numel()
    for net, layers in wanted_layers(*[run.terms for run in runs]).items():
        needed += net.memory(pictures, layers, len(runs)) if hasattr(net, "memory") else 0
    contents = [term for run in runs for term in run.terms if isinstance(term, term_kinds.Content)]
    return needed + sum(16 * size[0] * one.target[0].numel() for one in contents)  # F − P, its square, two gradients


def _check_start(evaluation, picture):
    """Raise an InputError where an optimiser cannot begin. picture: what it is called in the sentence."""
    if not evaluation.finite:
        raise InputError(f"The loss of the {picture} is not a finite number; use smaller weights.")
    steepest = evaluation.gradient.abs().max().item()
    if steepest > 1e15 or 0 < steepest < 1e-16:  # squares of it would leave the range of float32
        raise InputError(
            f"The weights are too {'large' if steepest > 1 else 'small'} to compute with; bring them near 1."
        )


def initial_picture(init, terms, seed=0):
    """The picture that a run starts from, by name.

    "content" and "style": the image of the first such term; a style image is scaled and cropped to the content
    image's size. "noise": white noise, as large as the content image, or else as the style image.
    """
    if init not in INITIALIZATIONS:
        names = "'content', 'style', 'noise'"
        raise InputError(f"A run starts from {names} or a picture; for a picture write load_image('{init}').")
    content = next((term.image for term in terms if isinstance(term, term_kinds.Content)), None)
    style = next((term.image for term in terms if isinstance(term, term_kinds.Style)), None)
    if init == "noise":
        model = content if content is not None else style
        if model is None:
            raise InputError("Noise of what size? No term has an image; hand over stylelib.noise(height, width).")
        return torch.cat([noise(*model.shape[-2:], seed=seed + i) for i in range(len(model))])
    chosen = content if init == "content" else style
    if chosen is None:
        raise InputError(f"The run cannot start from the {init} image: none of its terms is a {init} term.")
    return chosen if content is None else _cover(chosen.cpu(), *content.shape[-2:])


def noise(height, width, seed=0):
    """White noise around mid-grey, (1, 3, height, width), the same on every machine for the same seed."""
    height, width = check_whole("height", height, 1), check_whole("width", width, 1)
    generator = torch.Generator().manual_seed(check_whole("seed", seed, 0))
    return (0.5 + NOISE_CONTRAST * torch.randn(1, 3, height, width, generator=generator)).clamp(0, 1)


def _cover(picture, height, width):
    """Scale to cover height × width, then cut out the middle."""
    if picture.shape[-2:] == (height, width):
        return picture
    scale = max(height / picture.shape[-2], width / picture.shape[-1])
    size = [max(side, round(old * scale)) for old, side in zip(picture.shape[-2:], (height, width), strict=True)]
    picture = torch.nn.functional.interpolate(picture, size, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return picture[..., top : top + height, left : left + width]


def _shown(picture):
    """A copy within 0 to 1. Pixels are free to leave the range while they are optimised, and cut for the eye only."""
    return picture.detach().clamp(0, 1)


# ---------------------------------------------------------------------------------------------- saved runs, inside


def _term_to_dict(term):
    kind = type(term).__name__
    if not comes_with_stylelib(term):
        return {"kind": kind}
    network = None if term.net is None else {"fingerprint": term.net.fingerprint(), **term.net.identity}
    return {"kind": kind, "network": network, "arguments": term.arguments()}


def _terms_from_dicts(dicts):
    networks = {}
    terms = []
    for one in dicts:
        if "arguments" not in one:
            raise InputError(f"This run has a term of your own, {one['kind']}: hand over terms=[…] to load it.")
        network = one["network"]
        if network is None:
            terms.append(getattr(term_kinds, one["kind"])(**one["arguments"]))
            continue
        identity = dict(network)
        fingerprint = identity.pop("fingerprint")
        if fingerprint not in networks:
            networks[fingerprint] = _load_same_network(identity, fingerprint)
        terms.append(getattr(term_kinds, one["kind"])(networks[fingerprint], **one["arguments"]))
    return terms


def _load_same_network(identity, fingerprint):
    if "name" not in identity:
        raise InputError("This run used a network of your own: hand over terms=[…] to load it.")
    try:
        pick_device(identity["device"])
    except InputError as error:
        warnings.warn(f"{error} The run goes on with the device that there is.", stacklevel=4)
        identity["device"] = None
    net = load_network(**{**identity, "weights": identity["weights"] or None})
    if net.precision != identity.get("precision", "exact"):
        return net  # load_network has said so
    if net.fingerprint() != fingerprint:
        warnings.warn(
            f"The weights of {identity['name']} are not the ones that this run began with; it goes on with those here.",
            stacklevel=4,
        )
    return net


def _state_to_dict(state):
    if state is None:
        return None
    return {**vars(state), "evaluation": vars(state.evaluation)}


def _state_from_dict(values, device):
    if values is None:
        return None

    def move(value):
        if isinstance(value, torch.Tensor):
            return value.to(device)
        return [move(one) for one in value] if isinstance(value, list) else value

    evaluation = Evaluation(**{name: move(value) for name, value in values["evaluation"].items()})
    memory = {name: move(value) for name, value in values["memory"].items()}
    return State(move(values["picture"]), evaluation, memory)


def _read(path):
    path = pathlib.Path(path).expanduser()
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"There is no saved run {path}.") from None
    except Exception as error:  # whatever a damaged or foreign file makes the reader raise
        raise InputError(f"{path} is not a saved run, or it is damaged.") from error
    if not isinstance(content, dict) or content.get("format") != 1:
        raise InputError(f"{path} is not a run that this version of stylelib can read.")
    return content
