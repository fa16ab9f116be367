"""Where the weights of each network are published, and downloading them."""

import os
import pathlib
import urllib.parse

from stylelib.support.errors import InputError
from stylelib.support.fetching import RemoteFile, fetch
from stylelib.weights.formats import architecture

DOWNLOADS = {  # MB
    "vgg11": 507,
    "vgg13": 508,
    "vgg16": 59,
    "vgg19": 80,
    "vgg16-torchvision": 528,
    "vgg19-torchvision": 548,
}
KERAS = (
    "https://storage.googleapis.com/tensorflow/keras-applications/{name}/{file}",
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.1/{file}",
)
ORIGINAL_FILES = {  # name and digest of the files that have them, the one that is downloaded first
    "vgg16": (
        ("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "md5:6d6bbae143d832006294945121d1f1fc"),
        ("vgg16_weights_tf_dim_ordering_tf_kernels.h5", "md5:64373286793e3c8b2b4e3219cbf3544b"),
        ("vgg16-00b39a1b.pth", "sha256:00b39a1b"),  # converted from Caffe by J. Johnson
    ),
    "vgg19": (
        ("vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5", "md5:253f8cb515780f3b799900260a226db6"),
        ("vgg19_weights_tf_dim_ordering_tf_kernels.h5", "md5:cbe5617147190e668d6c5d5026f83318"),
        ("vgg19-d01eb7cb.pth", "sha256:d01eb7cb"),
    ),
}
ORIGINALS = tuple(ORIGINAL_FILES)  # the weights of Simonyan and Zisserman; the others' are torchvision's


def published_file(name: str) -> RemoteFile:
    """Return the published file of a network's weights.

    Parameters
    ----------
    name : str
        A key of `DOWNLOADS`.

    Returns
    -------
    RemoteFile
        For the original weights Keras' file without the classifier, else what torchvision says of its own, whose name
        ends in the beginning of its SHA-256: vgg19-dcbb9e9d.pth.
    """
    if name in ORIGINALS:
        file, digest = ORIGINAL_FILES[name][0]
        urls = tuple(url.format(name=name, file=file) for url in KERAS)
        return RemoteFile(urls, digest, _with_a_margin(1e6 * DOWNLOADS[name]), DOWNLOADS[name])
    from torchvision.models import get_model_weights  # here, because it takes two seconds

    entry = get_model_weights(architecture(name)).IMAGENET1K_V1
    size, sha256 = entry.meta["_file_size"], pathlib.Path(entry.url).stem.rsplit("-", 1)[-1]
    return RemoteFile((entry.url,), f"sha256:{sha256}", _with_a_margin(2**20 * size), size)


def _with_a_margin(size: float) -> int:
    return int(1.02 * size) + 2**16


def mirrored(remote: RemoteFile) -> RemoteFile:
    """Return a file with the address that is asked: the same path below STYLELIB_MIRROR, a class's own copy, if set."""
    mirror = os.environ.get("STYLELIB_MIRROR")
    if not mirror:
        return remote
    url = mirror.rstrip("/") + urllib.parse.urlsplit(remote.urls[0]).path
    return RemoteFile((url,), remote.digest, remote.largest, remote.size)


def download(name: str, remote: RemoteFile, folder: pathlib.Path) -> pathlib.Path:
    """Download a network's file, or the rest of it, and verify it; one process at a time may do so.

    Parameters
    ----------
    name : str
        The network's, for messages.
    remote : RemoteFile
        The file.
    folder : pathlib.Path
        Where it is put.

    Returns
    -------
    pathlib.Path
        The complete, verified file, whose name ends in ".partial".

    Raises
    ------
    InputError
        If it cannot be fetched or is another file; see `stylelib.support.fetching.fetch`.
    OSError
        If it cannot be written.
    """
    path = folder / f"{remote.file}.partial"
    fetch(mirrored(remote), path, f"the weights of {name}", other_ways(remote, folder))
    return path


def other_ways(remote: RemoteFile, folder: pathlib.Path) -> str:
    """Return the end of a message: how to have a network without this download."""
    return (
        f"fetch {mirrored(remote).urls[0]} on another machine and put it into {folder} (or pass its path as weights=), "
        f"or use load_network('compact'), which needs no download"
    )


def not_asked_for(name: str, folder: pathlib.Path) -> InputError:
    """Return the error for a network that is not on this machine where nothing may be downloaded."""
    return InputError(
        f"The weights of {name} are not on this machine, and no download was asked for: run `python -m stylelib fetch "
        f"{name}`, or {other_ways(published_file(name), folder)}."
    )
