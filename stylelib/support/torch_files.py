"""Files that torch.save wrote, checked before what they hold is used: they may be damaged or made to do harm."""

import pathlib
import zipfile
from typing import Any

import torch

LARGEST_VIEW = 10**8  # bytes that a tensor may show beyond those that it has, as an expanded mask does


def check_archive(path: pathlib.Path) -> None:
    """Raise a ValueError if entries of a file are packed: torch.save packs none, and a small file could unpack to much.

    Parameters
    ----------
    path : pathlib.Path
        A file of weights or a saved run.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("its entries are packed")


def check_tensors(content: Any) -> None:
    """Raise a ValueError for a tensor that would need far more memory than the file's, because it repeats its numbers.

    Parameters
    ----------
    content : object
        What torch.load returned.
    """
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, torch.Tensor):
            if value.layout != torch.strided:
                raise ValueError("a tensor is sparse")
            shown = value.numel() * value.element_size()
            if shown > LARGEST_VIEW and shown > value.untyped_storage().nbytes():
                raise ValueError("a tensor claims more numbers than the file has")
