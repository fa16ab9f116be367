"""Saved runs: a run as a file, from which another process can continue it.

torch.save writes the file. It is read with weights_only=True, so it can hold numbers, strings and tensors, but no code.
"""

import dataclasses
import io
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import torch

from stylelib.evaluation.progress import Progress, Record
from stylelib.protocols.network import Network
from stylelib.protocols.optimizer import Evaluation, Optimizer, State
from stylelib.protocols.parameterization import Parameterization, Pixels
from stylelib.protocols.rebuild import Rebuildable, kind_of
from stylelib.protocols.term import Term
from stylelib.storage import recipe_files
from stylelib.storage.saved_values import check_run
from stylelib.support.ambient import settled
from stylelib.support.errors import InputError, warn
from stylelib.support.files import check_writable, existing_file, write_atomically
from stylelib.support.machine import pick_device
from stylelib.support.torch_files import check_archive, check_tensors
from stylelib.weights.networks import known_networks, load_network

R = TypeVar("R")
FORMAT = 2  # format 1 had only stylelib's own terms and optimisers
KEPT = (  # attributes of a run that are saved as they are; the first five are arguments of its constructor
    "steps",
    "seed",
    "tolerance",
    "keep_every",
    "first_size",
    "init",
    "frames",
    "notes",
    "stop_reason",
    "evaluations",
    "companions",
)


def save_run(run: Any, path: str | os.PathLike[str], recipe: Any = None) -> pathlib.Path:
    """Write a run to a .pt file, completely or not at all.

    Parameters
    ----------
    run : Synthesis
        A run at any step.
    path : path
        Ends in .pt.
    recipe : Recipe, optional
        The recipe that it is played with, for `read_recipe`.

    Returns
    -------
    pathlib.Path
        The file's path.
    """
    target = check_writable(path, (".pt",))
    optimizer = run.optimizer
    content = {
        "format": FORMAT,
        "terms": terms_to_dicts(run.terms),
        "optimizer": {
            "name": type(optimizer).__dict__.get("name") or kind_of(type(optimizer)),
            **optimizer.arguments(),
        },
        "parameterization": run.parameterization.to_dict(),
        "run": {name: getattr(run, name) for name in KEPT},
        "parameters": run.parameters,
        "picture": run.scales.start,
        "size": run.scales.index,
        "state": state_to_dict(run.progress.state),
        "best": state_to_dict(run.progress.best),
        "history": [vars(record) for record in run.history],
        "since": run.progress.since,
        "finished": run.finished,
    }
    if recipe is not None:
        content["recipe"] = recipe_files.pack(recipe)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with write_atomically(target) as file:
        file.write(buffer.getbuffer())
    return target


def read_recipe(cls: type, path: str | os.PathLike[str]) -> Any:
    """Return the recipe that a saved run was played with; None if it was saved without one.

    Parameters
    ----------
    cls : type
        Recipe, or a subclass.
    path : path
        A .pt file.
    """
    content = _read(path, mmap=True)  # the run's tensors are not read
    return recipe_files.unpack(cls, content["recipe"], f"{path}") if "recipe" in content else None


def steps_done(path: str | os.PathLike[str]) -> int:
    """Return the number of steps that a saved run has done."""
    history = _read(path, mmap=True)["history"]
    return int(history[-1]["number"]) if history else 0


@settled()
def load_run(
    cls: Callable[..., R],
    path: str | os.PathLike[str],
    terms: Sequence[Term] | None = None,
    optimizer: Optimizer | None = None,
    parameterization: Parameterization | None = None,
    networks: Iterable[Network] = (),
) -> R:
    """Return the run that `save_run` wrote, in this or an earlier version of stylelib.

    Parameters
    ----------
    cls : callable
        Synthesis.
    path : path
        A .pt file.
    terms, optimizer, parameterization : optional
        In the place of those in the file: needed for your own classes that have no `arguments` or another name now.
    networks : Iterable of Network
        Networks that are loaded already; the others that the run needs are loaded by their names.

    Returns
    -------
    Synthesis
        The run, after the step at which it was saved.

    Raises
    ------
    InputError
        If the file is missing, damaged, or not a saved run.
    """
    content = _read(path)
    try:
        kept = content["run"]
        run: Any = cls(
            terms or terms_from_dicts(content["terms"], networks),
            content["picture"],
            parameterization=parameterization or _parameterization(content),
            optimizer=optimizer or _optimizer(content["optimizer"]),
            **{name: kept.get(name, 0) for name in KEPT[:5]},
        )
        for name in KEPT[5:]:
            setattr(run, name, kept.get(name, 0))  # format 1 had no companions at first
        run.go_to(dataclasses.replace(run.scales, init=run.init, index=content.get("size", 0)))
        if "parameters" in content:
            run.parameters = content["parameters"].to(run.device)
        state, best = (state_from_dict(content[key], run.device) for key in ("state", "best"))
        history = [Record(**record) for record in content["history"]]
        run.progress = Progress(state, best, history, content.get("since", 0))
        run.finished = content["finished"]
        check_run(run)
    except InputError:
        raise
    except Exception as error:  # parts that do not belong together can raise anything
        raise InputError(f"{path} is not a run that this version of stylelib can read.") from error
    made: R = run
    return made


def _read(path: str | os.PathLike[str], mmap: bool = False) -> dict[str, Any]:
    path = existing_file(path, "saved run")
    try:
        check_archive(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
        check_tensors(content)
    except Exception as error:  # a damaged or foreign file can raise anything
        raise InputError(f"{path} is not a saved run, or it is damaged.") from error
    known = isinstance(content, dict) and isinstance(content.get("format"), int) and content["format"] in (1, FORMAT)
    if not isinstance(content, dict) or not known:
        raise InputError(f"{path} is not a run that this version of stylelib can read.")
    return content


def _optimizer(content: dict[str, Any]) -> Optimizer:
    arguments = dict(content)
    name = arguments.pop("name")
    if name not in Optimizer.known:
        raise InputError(
            f"This run used an optimiser of your own, {name}; define it, or import the module that defines it, before "
            f"you load the file, or pass optimizer=…."
        )
    return Optimizer.known[name](**arguments)


def _parameterization(content: dict[str, Any]) -> Parameterization:
    return Parameterization.from_dict(content["parameterization"]) if "parameterization" in content else Pixels()


def terms_to_dicts(terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Return terms as plain values; a term without `arguments` becomes just the name of its class.

    Parameters
    ----------
    terms : Sequence of Term
        A run's terms.

    Returns
    -------
    list of dict
        One for each term, from which `terms_from_dicts` makes it again.
    """
    found = []
    for term in terms:
        saved = type(term).arguments is not Rebuildable.arguments
        content: dict[str, Any] = term.to_dict() if saved else {"kind": kind_of(type(term))}
        net = term.net
        if net is not None:
            content["network"] = {"class": kind_of(type(net)), "fingerprint": net.fingerprint(), **net.identity}
        found.append(content)
    return found


def terms_from_dicts(contents: Sequence[dict[str, Any]], networks: Iterable[Network] = ()) -> list[Term]:
    """Make the terms that `terms_to_dicts` described, with their networks.

    Parameters
    ----------
    contents : Sequence of dict
        What `terms_to_dicts` returned.
    networks : Iterable of Network
        Networks that are loaded already.

    Returns
    -------
    list of Term
        The terms, with their targets computed again.

    Raises
    ------
    InputError
        If the class of a term, or a network, is unknown in this program.
    """
    known = {net.fingerprint(): net for net in networks}
    terms = []
    for content in contents:
        if "arguments" not in content:
            raise InputError(
                f"This run has a term of your own, {content['kind']}, which could not be saved; pass terms=[…] to load "
                f"the run."
            )
        identity = dict(content.get("network") or {})
        extra = {}
        if identity:
            fingerprint = identity.pop("fingerprint")
            if fingerprint not in known:
                known[fingerprint] = _load_same_network(identity, fingerprint)
            extra["net"] = known[fingerprint]
        terms.append(Term.from_dict(content, **extra))
    return terms


def state_to_dict(state: State | None) -> dict[str, Any] | None:
    """Return an optimiser's state as plain values."""
    return None if state is None else {**vars(state), "evaluation": vars(state.evaluation)}


def state_from_dict(values: dict[str, Any] | None, device: torch.device) -> State | None:
    """Make the state that `state_to_dict` described, on a device."""
    if values is None:
        return None

    def move(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(device)
        return [move(one) for one in value] if isinstance(value, list) else value

    evaluation = Evaluation(**{name: move(value) for name, value in values["evaluation"].items()})
    memory = {name: move(value) for name, value in values["memory"].items()}
    parameters = values["parameters"] if "parameters" in values else values["picture"]  # as format 1 called them
    return State(move(parameters), evaluation, memory)


def _load_same_network(identity: dict[str, Any], fingerprint: str) -> Network:
    """Load the network that a run used; warn if the device or the weights are different."""
    kind = identity.pop("class", "VGG")
    if "name" not in identity:
        raise InputError(
            f"This run used a network of your own ({kind}) without a name; pass terms=[…] to load the run, or name the "
            f"network with stylelib.register_network before you save a run."
        )
    try:
        pick_device(identity.get("device"))
    except InputError as error:
        warn(f"{error} The run continues on another device.")
        identity["device"] = None
    if identity["name"] not in known_networks():
        raise InputError(
            f"This run used a network of your own, {identity['name']}; register it with stylelib.register_network "
            f"before you load the file, or pass terms=[…]."
        )
    net = load_network(**{**identity, "weights": identity.get("weights") or None})
    if kind_of(type(net)) != kind:
        raise InputError(
            f"This run used a network of your own, {kind}, under the name {identity['name']}; register it with "
            f"stylelib.register_network before you load the file, or pass terms=[…]."
        )
    if getattr(net, "precision", "exact") == identity.get("precision", "exact") and net.fingerprint() != fingerprint:
        warn(
            f"The weights of {identity['name']} are not the ones that this run started with; it continues with those "
            f"on this machine."
        )
    return net
