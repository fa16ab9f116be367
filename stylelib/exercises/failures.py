"""What stops a reader's function, in a plain sentence.

An error message of PyTorch or Python is written for somebody who knows the library. `explain` says the same for a
reader who is learning: where the function stops, why, and what to do.
"""

import builtins
import difflib
import re
import traceback
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from stylelib.support.errors import InputError, shorten

STILL_TO_DO = "Still to do: put your own code in place of the three dots."

SHAPES = (
    "two shapes do not fit together. Print the `.shape` of each tensor. Shapes are lined up from the right; "
    "`[:, None]` adds a dimension that is missing."
)
REASONS = (  # (words of an error message, what they mean)
    (r"imension (out of range|specified)|dimension.*out of bounds", "it names a dimension that the tensor lacks. "
     "Print the tensor's `.shape`; dimensions are counted from 0."),
    (r"out of (bounds|range)|too many indices", "it reads an entry that is not there. Print the tensor's `.shape`; "
     "entries are counted from 0."),
    (r"scalar type|same dtype", "two tensors have different number types. Give the new one the type of the other, "
     "with `dtype=`."),
    (r"grad|graph", "it asks for a gradient that is not there. Write the formula itself, without autograd."),
    (r"ambiguous|one element|converted to (Python )?[Ss]calar", "it needs one number, and a tensor has several. Write "
     "the calculation with tensors, without `float` and `if`."),
    (r"size|shape|broadcast|dimensions|must match|mat1|einsum", SHAPES),
    (r"division.* by zero", "it divides by zero. Check the divisor."),
    (r"recursion", "it calls itself without an end. Call the library's function, or give yours another name."),
    (r"not callable", "it calls something that is not a function. Look for a missing `*` before a bracket."),
    (r"NoneType", "it gets None where it needs a tensor or a number. A function without `return` gives None."),
    (r"positional argument|required", "it calls a function with too few or too many arguments. Count them."),
)  # fmt: skip


def near(word: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a question that names the nearest of some names, or nothing.

    Parameters
    ----------
    word : str
        What was written.
    names : iterable of str
        What may have been meant.
    cutoff : float
        How alike the two have to be, from 0 to 1.

    Returns
    -------
    str
        "; did you mean `dim`?" or ".".
    """
    matches = difflib.get_close_matches(word, list(names), n=1, cutoff=cutoff)
    return f"; did you mean `{matches[0]}`?" if matches else "."


def explain(error: BaseException, function: Callable[..., Any]) -> str:
    """Say why a reader's function stopped, and what to do.

    Parameters
    ----------
    error : BaseException
        What it raised.
    function : callable
        The reader's function.

    Returns
    -------
    str
        A sentence or two.
    """
    if "ellipsis" in str(error) and "einsum" not in str(error):
        return STILL_TO_DO
    return f"Your function stops{_place(error, function)}: {_reason(error, function)}"


def _place(error: BaseException, function: Callable[..., Any]) -> str:
    """Return the line of the reader's code that raised an error, if its source is known."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file and frame.line]
    return f" at `{shorten(lines[-1])}`" if lines else ""


def _reason(error: BaseException, function: Callable[..., Any]) -> str:
    text = str(error)
    if isinstance(error, InputError):
        return text  # one sentence already
    if isinstance(error, AttributeError) and error.name:
        owner = error.obj.__name__ if isinstance(error.obj, ModuleType) else f"a {type(error.obj).__name__}"
        return f"{owner} has no `{error.name}`{near(error.name, dir(error.obj))}"
    if isinstance(error, UnboundLocalError):
        return "it uses a name before it has a value. Assign to the name first."
    if isinstance(error, NameError):
        variables = getattr(getattr(function, "__code__", None), "co_varnames", ())
        names = {*variables, *getattr(function, "__globals__", {}), *dir(builtins)}
        return f"the name `{error.name}` is not defined{near(error.name or '', names)}"
    if keyword := _unknown_keyword(text):
        return keyword
    for words, reason in REASONS:
        if re.search(words, text):
            return reason
    if isinstance(error, TypeError):
        return "it combines values that do not go together, such as a tensor and a text. Print the `type` of each."
    reports = f"Python reports “{shorten(text)}”" if text else "Python gives no reason"
    return f"{reports}. Call the function yourself and print what it has computed so far."


def _unknown_keyword(text: str) -> str:
    """Return a sentence for a message about a keyword that a function does not have."""
    given = re.findall(r"unexpected keyword argument '(\w+)'", text)
    given += [word for got in re.findall(r"got \((.*?)\)", text) for word in re.findall(r"(\w+)=", got)]
    taken = {*re.findall(r"(\w+)(?: = \w+)?[,)]", text.partition("expected one of")[2])}
    unknown = [word for word in given if word not in taken]
    if unknown:
        return f"`{unknown[0]}=` is not an argument there{near(unknown[0], taken or ('dim', 'keepdim', 'correction'))}"
    return "it calls a function with arguments of the wrong kind." if "invalid combination" in text else ""
