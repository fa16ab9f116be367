"""Where a network's weights come from: torchvision's files, fetched once, or the file inside the package.

Every network ends up in the same form: a safetensors file of the convolutions alone, with a header that says
what it is and a fingerprint of its numbers. VGG-19 is 80 MB that way instead of torchvision's 548.
"""

import collections
import contextlib
import dataclasses
import hashlib
import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid
import warnings
from pathlib import Path

import filelock
import pooch
import safetensors
import safetensors.torch
import torch
from tqdm.auto import tqdm

from stylelib.errors import InputError, check_choice

PRETRAINED = ("vgg11", "vgg13", "vgg16", "vgg19")  # torchvision's weights
EMBEDDED = ("compact", "compact11")  # inside this package
DOWNLOADS = {"vgg11": 507, "vgg13": 508, "vgg16": 528, "vgg19": 548}  # MB, said before one is fetched
DATA = Path(__file__).with_name("data")

VGG_WIDTHS = (64, 128, 256, 512, 512)  # filters of a convolution in each of the five blocks
WIDTHS = {
    **dict.fromkeys(PRETRAINED, VGG_WIDTHS),
    "compact": (42, 86, 156, 284, 272),
    "compact11": (42, 86, 156, 222, 212),
}
LAYOUTS = {  # convolutions in each of the five blocks
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
    "compact": (2, 2, 2, 2, 2),
    "compact11": (1, 1, 2, 2, 2),
}


@dataclasses.dataclass(frozen=True)
class Weights:
    """The numbers of one network, and what has to be known about them."""

    tensors: dict[str, torch.Tensor]  # float32: "conv1_1.weight" (C_out, C_in, 3, 3), "conv1_1.bias" (C_out,) …
    mean: tuple[float, float, float]  # subtracted from an RGB picture in 0..1,
    std: tuple[float, float, float]  # which is then divided by this
    name: str
    source: str  # one line for captions
    sha256: str  # fingerprint of the tensors: the same for a .pth and the small file made of it


@dataclasses.dataclass(frozen=True)
class Published:
    """What torchvision says of one of its files."""

    url: str  # ends in the file's name, vgg19-dcbb9e9d.pth, and that in the start of its SHA-256
    size: float  # MB
    source: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def file(self):
        return self.url.rsplit("/", 1)[-1]


def load_weights(name, layer_names, path=None, download=True):
    """Return the Weights of `name`, one of PRETRAINED or EMBEDDED.

    layer_names: the architecture's convolutions in order, ["conv1_1", …]; each is 3 × 3.
    path: a file of yours instead: torchvision's .pth (trained on RGB in 0..1, as all of torchvision's are),
        whole or its features alone, or a file that this module made.
    download: whether a network that is not on this machine may be fetched.

    The first load of a pretrained network looks for torchvision's file in weights_folder() and in torch's own
    cache, else fetches it, and keeps a small file in weights_folder(), which later loads use.
    Raises InputError, in one sentence, when the weights cannot be had or do not fit.
    """
    check_choice("network", name, PRETRAINED + EMBEDDED)
    if path is not None:
        return _from_user(Path(path).expanduser(), name, layer_names)
    if name in EMBEDDED:
        return _from_ours(_read(DATA / f"{name}.safetensors"), name, layer_names)
    return _kept(name, layer_names) or _from_checkpoint_here(name, layer_names) or _fetched(name, layer_names, download)


def weights_folder():
    """The folder where weights are looked for first and kept: $STYLELIB_WEIGHTS, else the user's cache."""
    return Path(os.environ.get("STYLELIB_WEIGHTS") or pooch.os_cache("stylelib")).expanduser()


def find_weights(name):
    """The path of a file on this machine that should hold the weights of `name`, or None.

    Nothing is read or fetched: use load_weights(…, download=False) to find out whether it is whole.
    """
    check_choice("network", name, PRETRAINED + EMBEDDED)
    small = (DATA if name in EMBEDDED else weights_folder()) / f"{name}.safetensors"
    return next(iter([small] if os.path.isfile(small) else _checkpoints(name)), None)


# The three sources of a pretrained network, in the order in which they are tried ---------------------------


def _kept(name, layer_names):
    """The Weights of the small file made earlier, or None where there is none or it is damaged."""
    path = weights_folder() / f"{name}.safetensors"
    if not os.path.isfile(path):
        return None
    try:
        return _from_ours(_read(path), name, layer_names)
    except InputError as error:
        warnings.warn(f"{error} It is made again.", stacklevel=3)
        return None


def _from_checkpoint_here(name, layer_names):
    """The Weights of a .pth of torchvision's that is on this machine already, or None."""
    for path in _checkpoints(name):
        if wrong := _wrong_content(path, path.name):
            warnings.warn(f"The file {path} is damaged ({wrong}) and is not used.", stacklevel=3)
            continue
        weights = _from_torchvision(_read(path), name, layer_names)
        with contextlib.suppress(OSError):  # a school's read-only folder: use it without keeping anything
            _keep(weights, _published(name).url, path)
        return weights
    return None


def _fetched(name, layer_names, download):
    """The Weights of torchvision's file, downloaded; only the small file made of it is kept."""
    published, folder = _published(name), weights_folder()
    if not download:
        raise _not_fetched(published, name, "no download was asked for")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _one_process(folder / f"{name}.lock"):
            with contextlib.suppress(InputError):  # another process may have made it just now
                return _from_ours(_read(folder / f"{name}.safetensors"), name, layer_names)
            for left_over in folder.glob(f"{published.file}.*.partial"):  # of a process that was killed
                left_over.unlink()
            with _temporary(folder / published.file) as temporary:
                _download(published, name, temporary)
                weights = _from_torchvision(_read(temporary), name, layer_names)
                _keep(weights, published.url, temporary)
                return weights
    except OSError as error:
        raise InputError(
            f"The weights of {name} cannot be kept in {folder} ({error.strerror or error}): make room there, "
            f"or set STYLELIB_WEIGHTS to a folder that you can write to, or use load_network('compact')."
        ) from error


def _published(name):
    """What torchvision says of its weights for `name`. (Tests put their own server's file here.)"""
    from torchvision.models import get_model_weights  # here, because it takes two seconds

    entry = get_model_weights(name).IMAGENET1K_V1
    scale = entry.transforms()
    size = entry.meta["_file_size"]
    return Published(entry.url, size, f"torchvision {entry}", tuple(scale.mean), tuple(scale.std))


def _checkpoints(name):
    """torchvision's own files for `name` on this machine: in the weights' folder, in torch's cache."""
    folders = weights_folder(), Path(torch.hub.get_dir()) / "checkpoints"
    if not any(any(folder.glob(f"{name}-*.pth")) for folder in folders):
        return []  # most machines: torchvision need not be imported
    paths = [folder / _published(name).file for folder in folders]
    return [path for path in paths if os.path.isfile(path)]


# Fetching ------------------------------------------------------------------------------------------------


def _download(published, name, path):
    """Fetch torchvision's file to `path`, with a progress bar, and verify it; InputError if that fails."""
    url = _address(published)
    print(f"Downloading {name}, once: {published.size:.0f} MB from {url}", flush=True)

    def online(call, *arguments, **options):  # what fails in here is the network, outside it is the disk
        try:
            return call(*arguments, **options)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # it is an open connection too
            reason = str(error).removeprefix("<urlopen error ").removesuffix(">") or type(error).__name__
            raise _not_fetched(published, name, reason) from error

    # The timeout is for a connection that is silent for so long, not for the whole transfer.
    with online(urllib.request.urlopen, url, timeout=60) as reply, open(path, "wb") as file:
        total = int(reply.headers.get("Content-Length") or 0)
        with tqdm(total=total or None, desc=name, unit="B", unit_scale=True) as bar:
            while block := online(reply.read, 1 << 20):
                file.write(block)
                bar.update(len(block))
        size = file.tell()
    if size < total:
        raise _not_fetched(published, name, f"the transfer stopped after {size:,} of {total:,} bytes")
    if wrong := _wrong_content(path, published.file):
        raise _not_fetched(published, name, wrong)


def _address(published):
    """The file's URL: torchvision's, or the same path below STYLELIB_MIRROR, a class's own copy."""
    mirror = os.environ.get("STYLELIB_MIRROR")
    return mirror.rstrip("/") + urllib.parse.urlsplit(published.url).path if mirror else published.url


def _not_fetched(published, name, reason):
    """The InputError for a network that could not be fetched: why, and the three ways out."""
    return InputError(
        f"The weights of {name} could not be downloaded ({reason}): connect to the internet and run this "
        f"again, or fetch {_address(published)} on another machine and put it into {weights_folder()} "
        f"(or pass its path as weights=), or use load_network('compact'), which needs no download."
    )


def _wrong_content(path, file_name):
    """What is wrong with a file whose name should end in its hash, "vgg19-dcbb9e9d.pth"; "" if nothing."""
    expected = Path(file_name).stem.rsplit("-", 1)[-1]
    found = _file_sha256(path)
    if found.startswith(expected):
        return ""
    if _looks_like_text(path):
        return "a web page or a text came instead of the file"
    return f"its SHA-256 begins with {found[: len(expected)]}, not with {expected}"


@contextlib.contextmanager
def _one_process(path):
    """Hold the lock file at `path`, so that one process fetches while the others wait."""
    lock = filelock.FileLock(path)
    try:
        held = lock.acquire(timeout=0)
    except filelock.Timeout:
        print("Another process is fetching the same weights; waiting for it.", flush=True)
        held = lock.acquire()
    with held:
        yield


@contextlib.contextmanager
def _temporary(path):
    """A name beside `path` that nobody else uses; whatever is there at the end is removed."""
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


# Files -----------------------------------------------------------------------------------------------------


def _from_user(path, name, layer_names):
    """The Weights in a file that the user named, of either kind."""
    if not os.path.isfile(path):
        raise InputError(f"The file {path} is {'a folder' if os.path.isdir(path) else 'not there'}.")
    contents = _read(path)
    read_as = _from_ours if "sha256" in contents.header or name in EMBEDDED else _from_torchvision
    return dataclasses.replace(read_as(contents, name, layer_names), source=f"your file {path.name}")


def _from_ours(contents, name, layer_names):
    """The Weights in a file that _keep made; InputError if it is not whole."""
    path, state, header = contents
    tensors = _fit(state, path, name, layer_names)
    if header.get("sha256") != (sha256 := fingerprint(tensors)):
        raise InputError(f"The file {path} is damaged: its numbers do not match its own fingerprint.")
    try:
        mean, std = (tuple(json.loads(header[key])) for key in ("input_mean", "input_std"))
        return Weights(tensors, mean, std, name, header["source"], sha256)
    except (KeyError, ValueError) as error:
        raise InputError(f"The file {path} is damaged: its header cannot be read ({error}).") from error


def _from_torchvision(contents, name, layer_names):
    """The Weights in a file of torchvision's layout."""
    path, state, _ = contents
    published = _published(name)
    tensors = _fit(_by_layer(state, path, layer_names), path, name, layer_names)
    return Weights(tensors, published.mean, published.std, name, published.source, fingerprint(tensors))


def _keep(weights, url, source_file):
    """Write the small file into weights_folder(), whole or not at all; OSError if that cannot be."""
    header = {
        "name": weights.name,
        "source": weights.source,
        "url": url,
        "source_sha256": _file_sha256(source_file),
        "input_mean": json.dumps(weights.mean),
        "input_std": json.dumps(weights.std),
        "sha256": weights.sha256,
        "made_by": "stylelib: the convolutions alone",
    }
    path = weights_folder() / f"{weights.name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary(path) as temporary:
        temporary.write_bytes(safetensors.torch.save(weights.tensors, header))
        os.replace(temporary, path)


Contents = collections.namedtuple("Contents", "path state header")  # state: tensors by name


def _read(path):
    """Return the Contents of a file, with an empty header for a .pth; InputError if it cannot be read."""
    try:
        if path.suffix == ".safetensors":
            with safetensors.safe_open(path, "pt") as file:
                state, header = {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
        else:
            state, header = torch.load(path, map_location="cpu", weights_only=True), {}
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # a damaged file can lead its reader to any exception at all
        kind = "a web page or a text" if _looks_like_text(path) else "cut off, or not a file of weights"
        raise InputError(f"The file {path} cannot be read: it is {kind}.") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    named = state.items() if isinstance(state, dict) else ()
    return Contents(path, {str(key): v for key, v in named if isinstance(v, torch.Tensor)}, header)


def _by_layer(state, path, layer_names):
    """Give torchvision's convolutions, "features.0.weight", "features.2.weight" …, their layers' names.

    What is too much for `layer_names` is called extra; _fit complains of it.
    """
    found = {}
    for key, value in state.items():
        if match := re.fullmatch(r"(?:module\.)?(?:features\.)?(\d+)\.(weight|bias|running_mean)", key):
            found[int(match[1]), match[2]] = value
    if any(kind == "running_mean" for _, kind in found):
        raise InputError(f"The file {path} is a VGG with batch normalisation (…_bn): take the one without.")
    convolutions = sorted(i for (i, kind), value in found.items() if kind == "weight" and value.ndim == 4)
    if not convolutions:
        entries = ", ".join(list(state)[:3]) or "nothing"
        raise InputError(f"The file {path} is not a VGG in torchvision's layout: it has {entries} …")
    names = [*layer_names, *(f"extra_{i}" for i in convolutions)]
    return {
        f"{layer}.{kind}": found[i, kind]
        for layer, i in zip(names, convolutions, strict=False)
        for kind in ("weight", "bias")
        if (i, kind) in found
    }


def _fit(state, path, name, layer_names):
    """Return `state` in the layers' order as float32; InputError names the first layer that misfits."""
    tensors, channels = {}, 3
    for layer in layer_names:
        width = WIDTHS[name][int(layer[4]) - 1]
        for key, shape in ((f"{layer}.weight", (width, channels, 3, 3)), (f"{layer}.bias", (width,))):
            found = tuple(state[key].shape) if key in state else "missing"
            if found != shape:
                raise InputError(
                    f"The file {path} is not {name}: {key} is {found} where {name} has {shape}{_likeness(state, name)}."
                )
            # A copy: the file may be a mapping that is to be replaced, its numbers half precision.
            tensors[key] = state[key].detach().to(torch.float32, copy=True).contiguous()
            if not tensors[key].isfinite().all():
                raise InputError(f"The file {path} is damaged: {key} holds values that are not finite.")
        channels = width
    if len(state) > len(tensors):
        raise InputError(f"The file {path} is not {name}: it has more layers{_likeness(state, name)}.")
    return tensors


def _likeness(state, name):
    """The end of a complaint: "; it looks like vgg16" if `state` has the filters of another VGG, else ""."""
    filters = [len(value) for value in state.values() if value.ndim == 4]
    for other, depths in LAYOUTS.items():
        repeated = [width for width, depth in zip(WIDTHS[other], depths, strict=True) for _ in range(depth)]
        if filters == repeated and other != name:
            return f"; it looks like {other}"
    return ""


def fingerprint(tensors):
    """SHA-256 over names, shapes and float32 numbers, in order."""
    digest = hashlib.sha256()
    for key, value in tensors.items():
        digest.update(f"{key} {tuple(value.shape)}".encode())
        digest.update(value.flatten().numpy())
    return digest.hexdigest()


def _file_sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _looks_like_text(path):
    """Whether a file begins with text (HTML, an error message), which no file of weights does."""
    with open(path, "rb") as file:
        start = file.read(256)
    return bool(start) and all(byte >= 32 or byte in b"\t\n\r\f" for byte in start)
