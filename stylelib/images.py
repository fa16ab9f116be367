"""Pictures: files, bytes, arrays and Pillow images ↔ tensors.

A picture is a float32 tensor of shape (N, 3, H, W): RGB (sRGB), 0 to 1. Everything in stylelib speaks this one format.
"""

import contextlib
import io
import os
import pathlib
import tempfile
import warnings

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps
import torch

from stylelib.errors import InputError, check_choice

PACKAGE = pathlib.Path(__file__).parent
MAX_PIXELS = 300_000_000  # 17,000 × 17,000: more is a mistake or an attack, and would not fit in memory
MIN_SIDE = 8
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

# The paper's pictures, for who is online: never shipped, fetched on request and checked byte for byte.
_NEURAL_STYLE = (
    "https://raw.githubusercontent.com/jcjohnson/neural-style/07c4b8299f8fbdafec0c514fc820ff1d7ff62e46/examples/inputs/"
)
_FAST_NEURAL_STYLE = (
    "https://raw.githubusercontent.com/jcjohnson/fast-neural-style/"
    "813c83441953ead2adb3f65f4cc2d5599d735fa7/images/styles/"
)
PAPER_IMAGES = {  # name: (URL, SHA-256, what it is)
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


# ---------------------------------------------------------------------------------------------- the bundled pictures


def bundled_images(kind=None):
    """Names of the pictures that come with the project → their files. kind: "content", "style" or None for both."""
    folders = [PACKAGE / "pictures", PACKAGE.parent / "images"]  # installed as a wheel; from a checkout
    kinds = ("content", "style") if kind is None else (check_choice("kind of picture", kind, ("content", "style")),)
    found = {}
    for folder in folders:
        for one in kinds:
            for path in sorted((folder / one).glob("*.jpg")):
                found.setdefault(path.stem, path)
    if kind != "style":
        found["grace_hopper"] = _matplotlib_photograph()
    return found


def _matplotlib_photograph():
    """A real photograph that every machine with matplotlib has: Grace Hopper, US Navy, public domain."""
    import matplotlib.cbook

    return pathlib.Path(str(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))


def fetch_paper_image(name):
    """Download one of the paper's pictures once, check its SHA-256, and return its path."""
    check_choice("picture of the paper", name, PAPER_IMAGES)
    import pooch

    url, sha256, _ = PAPER_IMAGES[name]
    try:
        path = pooch.retrieve(
            url, f"sha256:{sha256}", fname=f"{name}.jpg", path=pooch.os_cache("stylelib") / "paper", progressbar=False
        )
    except Exception as error:  # pooch passes on whatever requests, sockets and the disk raise
        raise InputError(
            f"The paper's picture '{name}' could not be fetched ({type(error).__name__}): connect to the internet "
            f"and run this again, or save {url} yourself and pass its path."
        ) from error
    return pathlib.Path(path)


# ------------------------------------------------------------------------------------------------------------- loading


def load_image(source, size=None):
    """Load a picture as a float32 tensor (1, 3, H, W), RGB, 0 to 1.

    source: a path, bytes, a Pillow image, an array (H, W), (H, W, 3) or (H, W, 4) of integers or of floats 0 to 1,
        a picture tensor, or the name of a bundled picture such as "riverside" (`bundled_images` lists them).
    size: the longer side in pixels afterwards (antialiased). A smaller picture keeps its own size, with a warning.

    Turned upright by its EXIF mark; converted to sRGB by its ICC profile; transparency is laid on white; 16-bit
    pictures are reduced to 8 bits a channel. Raises InputError in one sentence for anything that is not a picture.
    """
    if size is not None and (not isinstance(size, int | np.integer) or isinstance(size, bool) or size < MIN_SIDE):
        raise InputError(f"size is the longer side in pixels, a whole number of at least {MIN_SIDE}; got {size!r}.")
    if isinstance(source, torch.Tensor):
        source = _tensor_to_array(source)
    if isinstance(source, np.ndarray):
        image, label = _array_to_pil(source), "this array"
    elif isinstance(source, PIL.Image.Image):
        image, label = source, "this picture"
    elif isinstance(source, bytes | bytearray | memoryview):
        image, label = _open(io.BytesIO(source), "these bytes"), "these bytes"
    elif isinstance(source, str | os.PathLike):
        path = _find(source)
        image, label = _open(path, str(source)), str(source)
    else:
        raise InputError(
            f"A picture can be a path, bytes, a Pillow image, an array or a bundled name; got {type(source).__name__}."
        )
    return to_picture(_resize(_to_rgb(image, label), size, label))


def _find(source):
    path = pathlib.Path(source).expanduser()
    if path.is_dir():
        raise InputError(f"{source} is a folder; name one picture in it.")
    if path.exists():
        return path
    name = str(source)
    if pathlib.Path(name).name == name and not pathlib.Path(name).suffix:
        return bundled_images()[check_choice("picture file or bundled picture", name, bundled_images())]
    raise InputError(f"There is no file {source}; check the path (the current folder is {pathlib.Path.cwd()}).")


def _open(file, label):
    """Open and decode with Pillow; every way in which that fails becomes one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # our own limit is checked below
            image = PIL.Image.open(file)
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(
                    f"{label} is {image.width} × {image.height} pixels, more than the {MAX_PIXELS // 10**6} million "
                    f"that are safe to open; save a smaller copy and use that."
                )
            image.load()
            return image.copy() if not image.info else _copy_with_info(image)
    except PIL.UnidentifiedImageError as error:
        raise InputError(f"{label} is not a picture in any format that Pillow reads.") from error
    except PIL.Image.DecompressionBombError as error:
        raise InputError(f"{label} claims to be absurdly large ({error}); save a smaller copy and use that.") from error
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"{label} may not be read by this user: {error.strerror}.") from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise InputError(f"{label} is damaged or cut off and cannot be read ({error}).") from error


def _copy_with_info(image):
    copy = image.copy()
    copy.info = dict(image.info)
    return copy


def _to_rgb(image, label):
    """Any Pillow mode → upright sRGB."""
    if min(image.size) < 1:
        raise InputError(f"{label} has no pixels.")
    profile = image.info.get("icc_profile")
    with contextlib.suppress(Exception):  # a broken EXIF block is no reason to refuse the picture
        image = PIL.ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _wide_grey_to_8_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = PIL.Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = PIL.Image.alpha_composite(white, image).convert("RGB")
    elif image.mode == "P":
        image = image.convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        with contextlib.suppress(PIL.ImageCms.PyCMSError, OSError):  # a broken profile: take the numbers as sRGB
            source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = PIL.ImageCms.profileToProfile(image, source, PIL.ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB")


def _wide_grey_to_8_bits(image):
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    if image.mode == "F" and values.max(initial=0) <= 1:  # floating-point pictures say no range: these are the usual
        values = values * 255
    elif image.mode != "F":  # 16 bits; mode I holds such files too
        values = values / 257
    return PIL.Image.fromarray(np.clip(values.round(), 0, 255).astype(np.uint8))


def _resize(image, size, label):
    if size is None:
        width, height = image.size
    elif size > max(image.size):
        warnings.warn(
            f"{label} is {image.width} × {image.height}: it keeps that size instead of being blown up to {size}.",
            stacklevel=3,
        )
        width, height = image.size
    else:
        scale = size / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{label} would be {width} × {height} pixels; the shorter side must be at least {MIN_SIDE}.")
    if (width, height) == image.size:
        return image
    return image.resize((width, height), PIL.Image.Resampling.LANCZOS, reducing_gap=3)


def _array_to_pil(array):
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise InputError(
            f"A picture's array has the shape (H, W), (H, W, 3) or (H, W, 4); this one has {tuple(array.shape)}."
        )
    if array.dtype == np.uint16:
        array = (array / 257).round()
    elif array.dtype == bool:
        array = array * 255
    elif np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < -1e-3 or array.max() > 1 + 1e-3:
            raise InputError("A picture's array of floats must lie between 0 and 1, without NaN; divide by 255 first?")
        array = (array.clip(0, 1) * 255).round()
    elif not np.issubdtype(array.dtype, np.integer) or array.min() < 0 or array.max() > 255:
        raise InputError("A picture's array holds integers 0 to 255, 16-bit unsigned integers, or floats 0 to 1.")
    return PIL.Image.fromarray(array.astype(np.uint8))


def _tensor_to_array(picture):
    check_picture(picture, "this tensor")
    if picture.shape[0] != 1:
        raise InputError(f"One picture is wanted; this tensor holds {picture.shape[0]}.")
    return picture[0].detach().float().cpu().permute(1, 2, 0).numpy()


def check_picture(picture, label="picture"):
    """Raise InputError unless `picture` is a float tensor (N, 3, H, W) with finite values."""
    if not isinstance(picture, torch.Tensor) or picture.ndim != 4 or picture.shape[1] != 3:
        what = tuple(picture.shape) if isinstance(picture, torch.Tensor) else type(picture).__name__
        raise InputError(f"{label} must be a picture, a tensor of shape (N, 3, H, W) as load_image gives; got {what}.")
    if not picture.is_floating_point() or not torch.isfinite(picture).all():
        raise InputError(f"{label} must hold finite floating-point numbers, 0 to 1.")
    return picture


# ------------------------------------------------------------------------------------------------ the two conversions


def to_picture(image):
    """Pillow image or uint8 array (H, W, 3) → picture tensor (1, 3, H, W), float32, 0 to 1."""
    array = np.array(image, dtype=np.uint8)
    return torch.from_numpy(array).permute(2, 0, 1)[None].to(torch.float32).div(255).contiguous()


def to_array(picture):
    """Picture tensor (1, 3, H, W) or (3, H, W) → uint8 array (H, W, 3). Values outside 0 to 1 are clipped.

    Nothing is stretched: the same tensor values give the same colours in every picture of a run.
    """
    picture = picture[0] if picture.ndim == 4 else picture
    return picture.detach().float().cpu().clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()


# -------------------------------------------------------------------------------------------------------------- saving


def save_image(picture, path, quality=95):
    """Save a picture as PNG or JPEG, by the path's ending. All of the file appears at once, or none of it.

    picture: tensor (1, 3, H, W). Returns the path. Raises InputError when the place cannot be written.
    """
    path = check_writable(path, FORMATS)
    check_picture(picture if picture.ndim == 4 else picture[None], "what is saved")
    if picture.ndim == 4 and picture.shape[0] != 1:
        raise InputError(f"save_image saves one picture; this tensor holds {picture.shape[0]}.")
    image = PIL.Image.fromarray(to_array(picture))
    with write_atomically(path) as file:
        if FORMATS[path.suffix.lower()] == "JPEG":
            image.save(file, "JPEG", quality=quality, subsampling=0)
        else:
            image.save(file, "PNG")
    return path


def check_writable(path, endings):
    """Return `path` as a Path if a file with one of `endings` can be made there, else raise InputError.

    Asked before a run starts, so that nobody waits an hour for a picture that cannot be saved.
    """
    path = pathlib.Path(path).expanduser()
    if path.suffix.lower() not in endings:
        raise InputError(f"{path} must end in {' or '.join(endings)}.")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} does not exist; make it first, or save somewhere else.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise InputError(f"Nothing can be written in {path.parent}: {error.strerror}.") from error
    return path


@contextlib.contextmanager
def write_atomically(path):
    """Open a temporary file beside `path` for bytes; rename it to `path` at the end, or remove it on any error."""
    path = pathlib.Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes private files; a saved picture is an ordinary one
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise InputError(f"{path} could not be written: {error.strerror or error}.") from error
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
