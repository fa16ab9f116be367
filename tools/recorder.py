"""Write down what a notebook asserts, inside its kernel: whether it held, and the values that it compared.

`rewritten` turns each `assert` of a cell into a call of `Recorder.claim`, which never raises. What is compared is
computed once. `tools/claims.py` runs the notebooks and reads what was written.
"""

import ast
import inspect
import json
import pathlib
from collections.abc import Callable
from typing import Any

NAME = "_claims"  # of the recorder in the kernel
EXACT = ("allclose", "isclose", "equal", "array_equal", "assert_close")  # by hand against the library
OPERATORS = {ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠", ast.Is: "is"}
OPERATORS |= {ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"}
LONGEST = 60  # characters of a value


class Recorder:
    """Writes claims to a file, one JSON object a line; the first line says what computes.

    Parameters
    ----------
    path
        The file, which does not exist yet.
    precision
        What `load_network` uses where the notebook asks for none.
    """

    def __init__(self, path: str, precision: str = "exact"):
        import stylelib

        self.path = pathlib.Path(path)
        load_network = inspect.unwrap(stylelib.load_network)
        defaults = [precision if value == "exact" else value for value in load_network.__defaults__]
        load_network.__defaults__ = tuple(defaults)
        network, preset = stylelib.load_network(), stylelib.preset()
        about = {"network": network.name, "described": network.describe(), "device": str(network.device)}
        self._write(about | {"preset": preset.name, "size": preset.size, "steps": preset.steps})

    def claim(self, about: dict[str, Any], said: Callable[[], list[str]], test: Callable[..., Any]) -> None:
        """Write one assertion down.

        Parameters
        ----------
        about
            "place", "source", "template" and "exact" as they are; and "pieces": the test as text, with a number for
            each value that is compared.
        said
            Returns the message, and then the values in it.
        test
            Called with a function of a number and a value, through which it hands what it compares.
        """
        values: dict[int, str] = {}

        def see(number: int, value: Any) -> Any:
            try:
                values[number] = shown(value)
            except Exception:  # a value that cannot be shown is no reason to fail
                values[number] = type(value).__name__
            return value

        problem, message = "", [""]
        try:
            held = bool(test(see))
        except Exception as error:
            held, problem = False, f"{type(error).__name__}: {error}"[:200]
        try:
            message = [str(part) for part in said()]
        except Exception as error:
            held, problem = False, problem or f"its message fails, {type(error).__name__}: {error}"[:200]
        texts = [as_text(piece, values) for piece in about["pieces"]]
        record = {key: value for key, value in about.items() if key != "pieces"}
        record |= {"message": message[0], "fields": message[1:], "held": held}
        self._write(record | {"values": problem or "; ".join(text for text in texts if text)})

    def _write(self, record: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def as_text(piece: list[str | int], values: dict[int, str]) -> str:
    """Return a part of a test with its values; "" if one of them was not needed, as after `or`."""
    numbers = [part for part in piece if isinstance(part, int)]
    if any(number not in values for number in numbers):
        return ""
    return "".join(values[part] if isinstance(part, int) else part for part in piece)


def shown(value: Any) -> str:
    """Return a value as a table shows it: numbers with 3 digits, a large array by its range."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if type(value).__module__ == "numpy":
        if value.size > 8:
            return f"{value.size} numbers from {float(value.min()):.3g} to {float(value.max()):.3g}"
        value = value.tolist()
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dict) and len(value) <= 8:
        return "{" + ", ".join(f"{key}: {shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple) and len(value) <= 8:
        return "[" + ", ".join(map(shown, value)) + "]"
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"


def rewritten(source: str, cell: int) -> str:
    """Return a cell's code with its assertions replaced; one with magics or without assertions stays as it is.

    Parameters
    ----------
    source
        The cell's code.
    cell
        Its number, by which claims stay in order.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    if not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        return source
    return ast.unparse(ast.fix_missing_locations(_Rewriting(source, cell).visit(tree)))


class _Rewriting(ast.NodeTransformer):
    """Replaces each assertion by a call of the recorder."""

    def __init__(self, source: str, cell: int):
        self.source, self.cell = source, cell

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        source = " ".join(ast.get_source_segment(self.source, node.test).split())
        template, fields = _message(node.msg)
        message = ast.unparse(node.msg) if node.msg else "''"
        exact = any(f"{name}(" in source for name in EXACT)
        test = _Test(self.source)
        seeing = ast.unparse(test.see(node.test))
        about = {"place": [self.cell, node.lineno], "source": source, "template": template, "exact": exact}
        about["pieces"] = test.pieces
        said = f"lambda: [{', '.join([message, *fields])}]"
        return ast.parse(f"{NAME}.claim({about!r}, {said}, lambda _see: {seeing})").body[0]


def _message(node: ast.expr | None) -> tuple[str, list[str]]:
    """Return a message with a word for each value in it, and the code of these values."""
    if isinstance(node, ast.Constant):
        return str(node.value), []
    if not isinstance(node, ast.JoinedStr):
        return ("…", [ast.unparse(node)]) if node else ("", [])
    words, fields = [], []
    for part in node.values:
        if isinstance(part, ast.Constant):
            words.append(part.value)
        else:
            words.append(f"*{part.value.id}*" if isinstance(part.value, ast.Name) else "…")
            fields.append(ast.unparse(ast.JoinedStr([part])))
    return "".join(words), fields


class _Test:
    """A test whose compared values are handed through `_see(number, value)`.

    Parameters
    ----------
    source
        The cell's code.

    Attributes
    ----------
    pieces
        The comparisons as text, with numbers in place of values.
    """

    def __init__(self, source: str):
        self.source, self.count, self.pieces = source, 0, []

    def see(self, node: ast.expr) -> ast.expr:
        """Return a test with calls of `_see`, and note its pieces."""
        if isinstance(node, ast.BoolOp):
            return ast.BoolOp(node.op, [self.see(value) for value in node.values])
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
            inner = node.func.value  # such as (a < b).all()
            if isinstance(inner, ast.Compare):
                return ast.Call(ast.Attribute(self.see(inner), node.func.attr), [], node.keywords)
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("all", "any")
            and isinstance(node.args[0], ast.Name)
        ):
            self.pieces.append([])
            return ast.Call(node.func, [self._value(node.args[0], self.pieces[-1])], [])
        return node

    def _compared(self, node: ast.Compare) -> ast.expr:
        piece: list[str | int] = []
        left = self._value(node.left, piece)
        others = []
        for operator, other in zip(node.ops, node.comparators, strict=True):
            order = _order(node.left, other)
            if order:
                piece.append(order)
                others.append(other)
            else:
                piece.append(f" {OPERATORS[type(operator)]} ")
                others.append(self._value(other, piece))
        self.pieces.append(piece)
        return ast.Compare(left, node.ops, others)

    def _value(self, node: ast.expr, piece: list[str | int]) -> ast.expr:
        if not any(isinstance(part, ast.Name) for part in ast.walk(node)):
            piece.append(str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node))
            return node
        number, self.count = self.count, self.count + 1
        piece.append(number)
        return ast.Call(ast.Name("_see"), [ast.Constant(number), node], [])


def _order(left: ast.expr, right: ast.expr) -> str:
    """Return how to say that a list is compared with itself sorted; "" for anything else."""
    text, list_of = ast.unparse(right), ast.unparse(left)
    return {f"sorted({list_of})": " rising", f"sorted({list_of}, reverse=True)": " falling"}.get(text, "")
