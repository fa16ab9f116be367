"""Pictures: files, bytes, arrays and Pillow images ↔ tensors.

A picture is a float32 tensor of shape (N, 3, H, W): RGB (sRGB), 0 to 1. Everything in stylelib speaks this one format.
"""

import contextlib
import io
import os
import pathlib
import tempfile
import uuid
import warnings

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps
import torch

from stylelib.errors import InputError, check_choice

PACKAGE = pathlib.Path(__file__).parent
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
    except ValueError as error:
        raise InputError(
            f"What {url} sends is not the paper's picture (its SHA-256 is another): nothing was kept; save "
            f"the picture from elsewhere and pass its path."
        ) from error
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
    if size is not None and (not isinstance(size, int | np.integer) or size < MIN_SIDE):
        raise InputError(f"size is the longer side in pixels, a whole number of at least {MIN_SIDE}; got {size!r}.")
    if isinstance(source, torch.Tensor):
        source = _tensor_to_array(source)
    if isinstance(source, np.ndarray):
        source, label = _array_to_pil(source), "This array"
    elif isinstance(source, PIL.Image.Image):
        label = "This picture"
    elif isinstance(source, bytes | bytearray | memoryview):
        source, label = io.BytesIO(source), "This data"
    elif isinstance(source, str | os.PathLike):
        source, label = find_image(source), str(source)
    else:
        raise InputError(
            f"A picture can be a path, bytes, a Pillow image, an array or a bundled name; got {type(source).__name__}."
        )
    return to_picture(_resize(_decode(source, label), size, label))


def find_image(source):
    """The file of a picture that is named by its path or by its bundled name."""
    try:
        path = pathlib.Path(source).expanduser()
        if path.is_dir():
            raise InputError(f"'{source}' is a folder; name one picture in it.")
        if path.exists():
            return path
    except (OSError, RuntimeError) as error:  # a name that is too long, a folder that may not be entered, ~nobody
        raise InputError(f"{source} cannot be opened ({getattr(error, 'strerror', None) or error}).") from error
    name = str(source)
    if path.name == name and not path.suffix:
        return bundled_images()[check_choice("picture file or bundled picture", name, bundled_images())]
    if path.stem in bundled_images():
        raise InputError(f"There is no file {source}; the bundled picture is called '{path.stem}', without an ending.")
    if "://" in name:
        raise InputError(f"{source} is an address: save the picture, then give its path.")
    raise InputError(f"There is no file {source}; check the path (the current folder is {pathlib.Path.cwd()}).")


def _decode(source, label):
    """A file or a Pillow image → upright sRGB; every way in which Pillow fails at it becomes one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of odd metadata and of large sizes that it opens all the same
            if isinstance(source, PIL.Image.Image):
                return _to_rgb(source)
            with PIL.Image.open(source) as image:
                return _to_rgb(image)
    except PIL.UnidentifiedImageError as error:
        raise InputError(f"{label} is not a picture in any format that Pillow reads.") from error
    except PIL.Image.DecompressionBombError as error:
        safe = 2 * PIL.Image.MAX_IMAGE_PIXELS // 10**6
        raise InputError(
            f"{label} claims to have more than the {safe} million pixels that are safe to open; "
            f"save a smaller copy and use that."
        ) from error
    except PermissionError as error:
        raise InputError(f"{label} may not be read by this user: {error.strerror}.") from error
    except MemoryError as error:
        raise InputError(f"{label} is too large for the memory there is; save a smaller copy and use that.") from error
    except Exception as error:  # whatever a decoder makes of a damaged file
        raise InputError(f"{label} is damaged or cut off and cannot be read ({error}).") from error


def _to_rgb(image):
    """Any Pillow mode → upright sRGB."""
    profile = image.info.get("icc_profile")
    image.load()
    with contextlib.suppress(Exception):  # a broken EXIF block is no reason to refuse the picture
        image = PIL.ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _wide_grey_to_8_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
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
    """Grey of 16 bits, 32 bits or floating point → mode L. The wider two say no range, so their values have to."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    peak = values.max(initial=0)
    if image.mode.startswith("I;16") or peak > 255:
        values = values / 257
    elif image.mode == "F" and peak <= 1:
        values = values * 255
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


def check_shape(picture, label):
    """Return `picture` if it is a floating-point tensor (N, 3, H, W), else raise an InputError."""
    label = label[0].upper() + label[1:]
    if not isinstance(picture, torch.Tensor) or picture.ndim != 4 or picture.shape[1] != 3 or not picture.numel():
        what = tuple(picture.shape) if isinstance(picture, torch.Tensor) else type(picture).__name__
        raise InputError(f"{label} must be a picture, a tensor of shape (N, 3, H, W) as load_image gives; got {what}.")
    if not picture.is_floating_point():
        raise InputError(f"{label} must hold floating-point numbers, 0 to 1; divide by 255 first?")
    return picture


def check_picture(picture, label="picture"):
    """Return `picture` if it is a tensor (N, 3, H, W) of finite numbers on the scale of 0 to 1, else raise InputError.

    Some may lie outside, as in a picture that is being optimised; 0 to 255 is another scale and refused.
    """
    check_shape(picture, label)
    low, high = (extreme.item() for extreme in picture.detach().aminmax())
    if not (low >= -5 and high <= 5):  # a NaN is neither
        label = label[0].upper() + label[1:]
        raise InputError(f"{label} must hold finite numbers, 0 to 1; it has {low:g} to {high:g}: divide by 255 first?")
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


def to_jpeg(picture, size=None, quality=85):
    """Picture tensor (1, 3, H, W) → the bytes of a JPEG file. size: the longer side in pixels at most."""
    image = PIL.Image.fromarray(to_array(picture))
    if size is not None:
        image.thumbnail((size, size), PIL.Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


# -------------------------------------------------------------------------------------------------------------- saving


def save_image(picture, path, quality=95):
    """Save a picture as PNG or JPEG, by the path's ending. All of the file appears at once, or none of it.

    picture: tensor (1, 3, H, W). Returns the path. Raises InputError when the place cannot be written.
    """
    path = check_writable(path, FORMATS)
    check_picture(picture, "what is saved")
    if picture.shape[0] != 1:
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
    try:
        path = pathlib.Path(path).expanduser()
        if path.suffix.lower() not in endings:
            raise InputError(f"{path} must end in {' or '.join(endings)}.")
        if os.path.isdir(path):
            raise InputError(f"{path} is a folder; name a file in it.")
        if not os.path.isdir(path.parent):
            raise InputError(f"The folder {path.parent} does not exist; make it first, or save somewhere else.")
        with contextlib.suppress(FileNotFoundError):
            path.lstat()  # complains of a name that is too long
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path} cannot be written ({getattr(error, 'strerror', None) or error}).") from error
    return path


@contextlib.contextmanager
def write_atomically(path):
    """Open a temporary file beside `path` for bytes; rename it to `path` at the end, or remove it on any error."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with open(temporary, "xb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise InputError(f"{path} could not be written ({error.strerror or error}).") from error
        raise
