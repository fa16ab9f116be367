"""Pictures without their metadata, for files whose pixels are whole while a text or a block beside them is not."""

from collections.abc import Iterator

TEXTS = (b"tEXt", b"zTXt", b"iTXt")
ESSENTIAL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
SCAN, ADOBE = 0xDA, 0xEE  # the JPEG's markers that begin the pixels, and that say how four colours are meant
ADOBES_LENGTH = 14  # bytes, with those of the length


def without_metadata(data: bytes, kind: str) -> Iterator[bytes]:
    """Yield a picture file with less and less metadata; nothing if there is none, or for formats other than PNG, JPEG.

    Parameters
    ----------
    data : bytes
        The file.
    kind : str
        Its format.
    """
    if kind == "PNG":
        chunks = list(_chunks(data))
        for kept in ([one for one in chunks if one[0] not in TEXTS], [one for one in chunks if one[0] in ESSENTIAL]):
            if len(kept) < len(chunks):
                yield data[:8] + b"".join(chunk for _, chunk in kept)
    if kind == "JPEG":
        yield data[:2] + b"".join(part for marker, part in _segments(data) if _is_essential(marker, part))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and bytes of each chunk of a PNG."""
    at = 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at:end]
        at = end


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and bytes of each segment of a JPEG; the last one is everything from the first scan on."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != SCAN:
        end = at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        yield data[at + 1], data[at:end]
        at = end
    yield SCAN, data[at:]


def _is_essential(marker: int, segment: bytes) -> bool:
    application = 0xE0 <= marker <= 0xEF or marker == 0xFE
    return not application or (marker == ADOBE and len(segment) >= 2 + ADOBES_LENGTH)
