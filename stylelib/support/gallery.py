"""Pictures by name: those bundled with the project, and those of the paper."""

import contextlib
import os
import pathlib
import uuid

from stylelib.support.errors import InputError, check_choice, shorten
from stylelib.support.fetching import RemoteFile, fetch, wrong_content
from stylelib.support.files import cache_folder

PACKAGE = pathlib.Path(__file__).parents[1]
_NEURAL_STYLE = (
    "https://raw.githubusercontent.com/jcjohnson/neural-style/07c4b8299f8fbdafec0c514fc820ff1d7ff62e46/examples/inputs/"
)
_FAST_NEURAL_STYLE = (
    "https://raw.githubusercontent.com/jcjohnson/fast-neural-style/"
    "813c83441953ead2adb3f65f4cc2d5599d735fa7/images/styles/"
)
LARGEST_PICTURE = 20_000_000  # bytes
PAPER_IMAGES = {  # name: (address, SHA-256, what it is); fetched on request, never part of the package
    "tubingen": (
        _NEURAL_STYLE + "tubingen.jpg",
        "e67d1869f01fd805385c681a80d9ebcf0f70ea4a5fe6127f0606bb1c7f4bf506",
        "Tübingen Neckarfront, photograph by Andreas Praefcke",
    ),
    "starry_night": (
        _NEURAL_STYLE + "starry_night.jpg",
        "0592ab0f7b51b3ce72608a95e53880bd93971e5b48f93a0ce8dfd3cbccf3d098",
        "The Starry Night, Vincent van Gogh, 1889",
    ),
    "shipwreck": (
        _NEURAL_STYLE + "shipwreck.jpg",
        "4f7cf34e3cd4a5daaf3f421f059ca9a01aaa2a3afd7243d6670c9c8bc001a213",
        "The Shipwreck of the Minotaur, J. M. W. Turner, c. 1805",
    ),
    "the_scream": (
        _NEURAL_STYLE + "the_scream.jpg",
        "f3075cddeb974a9ee1d6418f7f33fd05185a7ac7dcb4288bd2805d499a9dcaee",
        "The Scream, Edvard Munch, 1893",
    ),
    "seated_nude": (
        _NEURAL_STYLE + "seated-nude.jpg",
        "f398757cfb5346842c3bc309ca65d03381b38b1f5f8d7c60abe68a804a405cf1",
        "Femme nue assise, Pablo Picasso, 1910",
    ),
    "composition_vii": (
        _FAST_NEURAL_STYLE + "composition_vii.jpg",
        "8f992ed4aecd6dd56972d7bc8166761de7c94e670ee6effa8fd05f3daeb33409",
        "Composition VII, Wassily Kandinsky, 1913",
    ),
}


def bundled_images(kind: str | None = None) -> dict[str, pathlib.Path]:
    """Return the pictures that come with the project.

    Parameters
    ----------
    kind : str, optional
        "content" or "style"; both by default.

    Returns
    -------
    dict
        {name: file}.

    Raises
    ------
    InputError
        For an unknown kind.
    """
    folders = [PACKAGE / "pictures", PACKAGE.parent / "images"]  # installed as a wheel; from a checkout
    kinds = ("content", "style") if kind is None else (check_choice("kind of picture", kind, ("content", "style")),)
    pictures: dict[str, pathlib.Path] = {}
    for folder in folders:
        for subfolder in kinds:
            for path in sorted((folder / subfolder).glob("*.jpg")):
                pictures.setdefault(path.stem, path)
    if kind != "style":
        pictures["grace_hopper"] = _matplotlib_photograph()
    return pictures


def bundled_recordings() -> pathlib.Path:
    """Return the folder of the recordings that come with the project."""
    installed = PACKAGE / "recordings"  # as a wheel; otherwise from a checkout
    return installed if installed.is_dir() else PACKAGE.parent / "notebooks" / "recordings"


def _matplotlib_photograph() -> pathlib.Path:
    """Return a real photograph that comes with matplotlib: Grace Hopper, US Navy, public domain."""
    import matplotlib.cbook  # here, because it takes a while

    return pathlib.Path(str(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))


def fetch_paper_image(name: str) -> pathlib.Path:
    """Download one of the paper's pictures, once, and check its SHA-256.

    Parameters
    ----------
    name : str
        A key of `PAPER_IMAGES`.

    Returns
    -------
    pathlib.Path
        The file, in the user's cache.

    Raises
    ------
    InputError
        For an unknown name, and if the picture cannot be downloaded or is not the paper's.
    """
    url, sha256, _ = PAPER_IMAGES[check_choice("picture of the paper", name, PAPER_IMAGES)]
    picture = RemoteFile((url,), f"sha256:{sha256}", LARGEST_PICTURE)
    path = cache_folder() / "paper" / f"{name}.jpg"
    if path.is_file() and not wrong_content(path, picture.digest):
        return path
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fetch(picture, temporary, f"the paper's picture '{name}'", f"save {url} yourself and pass its path")
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} could not be written ({error.strerror or error}); make room there.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path


def find_image(source: str | os.PathLike[str]) -> pathlib.Path:
    """Return the file of a picture.

    Parameters
    ----------
    source : path
        The file's path, or a bundled picture's name.

    Returns
    -------
    pathlib.Path
        A file that exists.

    Raises
    ------
    InputError
        If there is no such file; the message suggests the nearest bundled name.
    """
    try:
        path = pathlib.Path(source).expanduser()
        if path.is_dir():
            raise InputError(f"'{shorten(str(source))}' is a folder; name one picture in it.")
        if path.exists() and not path.is_file():  # a pipe or a device could be waited for without end
            raise InputError(f"{shorten(str(source))} is not an ordinary file; name a picture file.")
        if path.exists():
            return path
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, a folder not to be entered, ~nobody
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{shorten(str(source))} cannot be opened ({reason}).") from error
    name, bundled = str(source), bundled_images()
    if path.name == name and not path.suffix:
        return bundled[check_choice("picture file or bundled picture", name, bundled)]
    if path.stem in bundled:
        raise InputError(
            f"There is no file {shorten(name)}; the bundled picture is called '{path.stem}', without an ending."
        )
    if "://" in name:
        raise InputError(f"{shorten(name)} is an address: save the picture, then give its path.")
    raise InputError(f"There is no file {shorten(name)}; check the path (the current folder is {pathlib.Path.cwd()}).")
