"""Kinds of picture files, told by their first bytes: those that are read, and what to do about the others."""

import contextlib
import importlib
import io

import PIL.Image

# Only formats of pixels. Pillow opens others as well: it starts a program for PostScript, draws WMF on Windows, and
# decodes some rare formats so slowly that a small file takes minutes.
READ = (
    *("PNG", "JPEG", "MPO", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "HEIF"),
    *("JPEG2000", "PPM", "TGA", "ICO", "PCX", "PSD", "SGI"),
)
NAMES = "PNG, JPEG, WebP, GIF, TIFF, BMP, AVIF and a few older ones"
EXPORT = "open it in the program that made it and export it as PNG or JPEG"
DEVELOP = "open it in a program for photographs and export it as JPEG"
TEXT = "it is a text or a web page; save the picture itself"
STARTS = 512  # bytes that tell the kind

BEGINNINGS = {  # of the files that are read, by Pillow's name
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"\0\0\0\x0cjP  ": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",
    b"8BPS": "PSD",
    b"\x01\xda": "SGI",
    b"\0\0\1\0": "ICO",
}
OTHERS = {  # by their first bytes: what they are, and what to do
    b"%!PS": ("PostScript, a program that draws", EXPORT),
    b"\xc5\xd0\xd3\xc6": ("PostScript (EPS), a program that draws", EXPORT),
    b"%PDF": ("a PDF", "open it in a viewer and export the page as PNG or JPEG"),
    b"\xd7\xcd\xc6\x9a": ("a Windows metafile (WMF), a list of drawing commands", EXPORT),
    b"FUJIFILMCCD-RAW": ("a camera's raw file", DEVELOP),
    b"IIRO": ("a camera's raw file", DEVELOP),
    b"IIRS": ("a camera's raw file", DEVELOP),
    b"IIU\0": ("a camera's raw file", DEVELOP),
    b"MMOR": ("a camera's raw file", DEVELOP),
    b"v/1\x01": ("OpenEXR, which has more than 8 bits per channel", EXPORT),
    b"#?RADIANCE": ("Radiance HDR, which has more than 8 bits per channel", EXPORT),
    b"#?RGBE": ("Radiance HDR, which has more than 8 bits per channel", EXPORT),
    b"\xff\x0a": ("JPEG XL", EXPORT),
    b"\0\0\0\x0cJXL ": ("JPEG XL", EXPORT),
    b"II\xbc": ("JPEG XR", EXPORT),
    b"gimp xcf": ("GIMP's own format", "open it in GIMP and export it as PNG or JPEG"),
    b"AT&TFORM": ("DjVu", EXPORT),
    b"PK\3\4": ("a zip archive, or a document that is one", "unpack it, or export the picture as PNG or JPEG"),
    b"\x1f\x8b": ("packed with gzip", "unpack it first"),
    b"\x1aE\xdf\xa3": ("a video", "save one of its frames as PNG or JPEG"),
    b"DDS ": ("a texture of a game (DDS)", EXPORT),
    b"qoif": ("QOI", EXPORT),
    b"icns": ("an icon of macOS", EXPORT),
    b"SIMPLE  =": ("FITS, measurements of astronomy", EXPORT),
    b"/* XPM": ("XPM, a program text", EXPORT),
    b"\x89HDF": ("HDF5, a file of numbers", "load the array and pass it to load_image"),
    b"\x93NUMPY": ("an array of NumPy", "load it with numpy.load and pass the array to load_image"),
}
HEIC = "export it as JPEG, or run `python -m pip install pillow-heif`, which lets stylelib read it"
BRANDS = {  # what follows "ftyp" in files of the ISO's container
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), ("HEIC, as iPhones save it", HEIC)
    ),
    **dict.fromkeys((b"avif", b"avis"), ("AVIF, which this version of Pillow does not read", EXPORT)),
    b"crx ": ("a camera's raw file", DEVELOP),
}


def readable() -> list[str]:
    """Return the names of the formats that are read here: HEIC only where the package pillow-heif is installed."""
    PIL.Image.init()
    if "HEIF" not in PIL.Image.OPEN:
        with contextlib.suppress(Exception):  # not installed, or broken; the picture's own sentence says how to get it
            importlib.import_module("pillow_heif").register_heif_opener()
    return [name for name in READ if name in PIL.Image.OPEN]


def kind_of_bytes(start: bytes) -> str:
    """Return Pillow's name of the format that a file begins like, or "" if it is none of those that are read."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[4:8] == b"ftyp":
        name = {b"avif": "AVIF", b"avis": "AVIF"}.get(start[8:12], "HEIF" if start[8:12] in BRANDS else "")
        return name if name in readable() else ""
    return next((name for beginning, name in BEGINNINGS.items() if start.startswith(beginning)), "")


def what_else(start: bytes) -> tuple[str, str]:
    """Return what a file is that is not read, and what to do about it; two empty strings if that is unknown."""
    if start[4:8] == b"ftyp":
        return BRANDS.get(start[8:12], ("a video", "save one of its frames as PNG or JPEG"))
    if start[40:44] == b" EMF":
        return "a Windows metafile (EMF), a list of drawing commands", EXPORT
    for beginning, found in OTHERS.items():
        if start.startswith(beginning):
            return found
    if b"<svg" in start.lower() or start.lstrip().startswith(b"<?xml"):
        return "SVG, a drawing and not pixels", EXPORT
    return "", ""


def first_bytes(source: object) -> bytes:
    """Return the first bytes of a path or an open file, which is put back to its start; b"" if unreadable."""
    try:
        if isinstance(source, io.BytesIO):
            source.seek(0)
            start = source.read(STARTS)
            source.seek(0)
            return start
        with open(source, "rb") as file:  # type: ignore[call-overload]
            return bytes(file.read(STARTS))
    except (OSError, TypeError, ValueError):
        return b""
