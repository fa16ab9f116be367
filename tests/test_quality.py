"""The checks that keep the code as it is: linter, types, direction of imports, docstrings, size of files."""

import ast
import functools
import importlib
import inspect
import os
import pathlib
import re
import subprocess
import sys

import matplotlib
import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "stylelib"
FILES = sorted(PACKAGE.rglob("*.py"))
SELF = {"self", "cls"}
LONGEST_OF_THE_METHOD, LONGEST_OF_THE_PACKAGE = 250, 350  # lines


def check(*arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_ruff_finds_nothing():
    """Notebooks and the convention of the package's docstrings (NumPy's) included."""
    check("-m", "ruff", "check", ".")


def test_ruff_would_format_nothing():
    check("-m", "ruff", "format", "--check", ".")


@pytest.mark.skipif(matplotlib.__version_info__ < (3, 10), reason="older libraries have fewer types")
def test_the_package_is_fully_annotated_and_the_types_are_right():
    check("-m", "mypy")
    assert (PACKAGE / "py.typed").exists()


def test_imports_lead_down():
    """The layers are in pyproject.toml, and drawn in docs/architecture.md."""
    check("-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache")


def test_files_are_short():
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    too_long = [sentence for path, count in lengths.items() if (sentence := why_too_long(path, count))]
    assert not too_long, "\n".join(too_long)


def why_too_long(path, count):
    """What is wrong with a file's length, and what to do; None if it is short enough."""
    if path.parent.name == "stylelib" and count > LONGEST_OF_THE_METHOD:
        advice = "move what is not the method itself into a folder, such as stylelib/support"
        return (
            f"{path.as_posix()} has {count} lines; a file of the method has at most {LONGEST_OF_THE_METHOD}: {advice}."
        )
    if count > LONGEST_OF_THE_PACKAGE:
        return f"{path.as_posix()} has {count} lines; a file has at most {LONGEST_OF_THE_PACKAGE}: split it by subject."
    return None


def test_a_file_that_is_too_long_is_told_what_to_do():
    path = pathlib.Path("stylelib/terms.py")
    assert why_too_long(path, 250) is None
    assert why_too_long(path, 251) == (
        "stylelib/terms.py has 251 lines; a file of the method has at most 250: "
        "move what is not the method itself into a folder, such as stylelib/support."
    )
    assert why_too_long(pathlib.Path("stylelib/support/files.py"), 350) is None
    assert "at most 350: split it by subject" in why_too_long(pathlib.Path("stylelib/support/files.py"), 351)


def test_examples_in_a_modules_docstring_are_indented():
    """Otherwise the API reference shows them as prose."""
    for path in (path for path in FILES if path.parent != PACKAGE):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert not re.search(r"^[\w.]+( = [\w.]+)?\(.*\)( *#.*)?$", text, re.MULTILINE), path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_imports_nothing_from_tools_and_describes_the_parameters_that_there_are(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not [name for name in names if name.split(".")[0] == "tools"]
        if described := described_parameters(node):
            assert described == parameters(node), f"line {node.lineno}, {node.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_public_method_has_a_docstring_or_inherits_one(path):
    if path.name == "__main__.py":
        return
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    for cls in vars(module).values():
        if inspect.isclass(cls) and cls.__module__ == module.__name__:
            for name, member in vars(cls).items():
                method = inspect.isroutine(member) or isinstance(member, property | functools.cached_property)
                if method and not name.startswith("_"):
                    assert inspect.getdoc(getattr(cls, name)), f"{cls.__name__}.{name}"


def described_parameters(node):
    """The names in the section Parameters of a docstring, {"net", "image", …}."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return set()
    section = re.search(r"^Parameters\n-{10}\n(.*?)(?=\n\n\w+\n---|\Z)", ast.get_docstring(node) or "", re.M | re.S)
    heads = re.findall(r"^\S.*?(?= :|$)", section[1].replace("\\\n", ""), re.M) if section else []
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")} - SELF


def parameters(node):
    """The names that a function takes; for a class, what its constructor or its dataclass takes."""
    if isinstance(node, ast.ClassDef):
        constructor = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
        if not constructor:
            return {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}
        (node,) = constructor
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return {argument.arg for argument in every if argument is not None} - SELF
