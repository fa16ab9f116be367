"""Make the table of the series' claims: what each notebook asserts, and its value with each network.

python -m tools.claims claims/                                   # all notebooks, with compact and vgg19
python -m tools.claims claims/ --notebooks 02 03 --preset quick  # some of them, at another size
python -m tools.claims claims/ --table docs/claims.md            # the page, from everything that the folder has

The claims are the notebooks' own `assert` statements. Each notebook is run in a kernel of its own, unchanged except
that an assertion writes down its values instead of stopping the notebook. Results are kept in the folder, one file for
a notebook and a network; what is there already and has not changed is not run again. STYLELIB_WEIGHTS names the folder
with VGG-19's weights.
"""

import argparse
import ast
import hashlib
import json
import os
import pathlib
import tempfile
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tools.refresh import FOLDER, MINUTES, read, series, short_title

ROOT = pathlib.Path(__file__).parent.parent
PAGE = ROOT / "docs/claims.md"
NETWORKS = ("compact", "vgg19")
EXACT = ("allclose", "isclose", "equal", "array_equal", "assert_close")  # "the same as the library", not a claim
RECORDER = """
def _shown(value):
    import torch
    if isinstance(value, torch.Tensor) and value.numel() == 1 or type(value).__module__ == "numpy" and value.size == 1:
        value = value.item()
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, (list, tuple)) and len(value) <= 8:
        return "[" + ", ".join(map(_shown, value)) + "]"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]} …"

def _claim(line, source, message, operands, test):
    import json
    try:
        held, values = bool(test()), {name: _shown(value()) for name, value in operands.items()}
        record = dict(line=line, source=source, message=str(message()), values=values, held=held)
    except Exception as error:
        record = dict(line=line, source=source, message="", values={"error": f"{type(error).__name__}: {error}"[:200]},
                      held=False)
    with open(PATH, "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\\n")
"""


class Recording(ast.NodeTransformer):
    """Replaces each assertion by a call that writes it down.

    Parameters
    ----------
    cell
        Number of the cell, so that the claims of a notebook stay in order.
    """

    def __init__(self, cell: int):
        self.cell = cell

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        operands = ", ".join(f"{name!r}: lambda: {name}" for name in _operands(node.test))
        message = ast.unparse(node.msg) if node.msg else "''"
        source = ast.unparse(node.test)
        call = (
            f"_claim({self.cell * 1000 + node.lineno}, {source!r}, lambda: {message}, {{{operands}}}, lambda: {source})"
        )
        return ast.copy_location(ast.parse(call).body[0], node)


def _operands(test: ast.expr) -> list[str]:
    """Return the texts of what a test compares, without plain numbers."""
    if isinstance(test, ast.BoolOp):
        return list(dict.fromkeys(text for value in test.values for text in _operands(value)))
    if isinstance(test, ast.UnaryOp):
        return _operands(test.operand)
    if isinstance(test, ast.Compare):
        parts = [part for part in (test.left, *test.comparators) if not isinstance(part, ast.Constant)]
        return list(dict.fromkeys(ast.unparse(part) for part in parts))
    return []


def recording(source: str, cell: int) -> str:
    """Return a cell's source with its assertions replaced; a cell with magics or without assertions stays as it is."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    if not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        return source
    return ast.unparse(ast.fix_missing_locations(Recording(cell).visit(tree)))


def code_of(notebook: NotebookNode) -> str:
    """Return a notebook's code, by which a result is known to be its own."""
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def claims_of(notebook: NotebookNode, network: str, preset: str, folder: pathlib.Path = FOLDER) -> list[dict[str, Any]]:
    """Run a notebook with a network and return its assertions.

    Parameters
    ----------
    notebook
        A notebook; it is not changed.
    network
        "vgg19", whose weights must be found; with any other name the notebook takes the embedded network.
    preset
        quick, laptop or paper.
    folder
        In which it runs.

    Returns
    -------
    list of dict
        Each assertion once: "message", "source", "values" of the last time it was reached, "held" every time.
    """
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / "claims.jsonl"
        changed = nbformat.from_dict(notebook)
        changed.cells = [new_code_cell(f"PATH = {str(path)!r}\n{RECORDER}")]
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                changed.cells.append(new_code_cell(recording(cell.source, number), metadata=cell.metadata))
        environment = os.environ | {"STYLELIB_PRESET": preset, "TQDM_DISABLE": "1"}
        if network != "vgg19":
            environment["STYLELIB_WEIGHTS"] = temporary
        NotebookClient(
            changed, timeout=60 * MINUTES, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute(env=environment)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for record in map(json.loads, lines):
        key = record.pop("line"), record["source"]
        held = found.get(key, record)["held"] and record["held"]
        found[key] = record | {"held": held}
    return [found[key] for key in sorted(found)]


def keep(path: pathlib.Path, network: str, preset: str, folder: pathlib.Path) -> pathlib.Path:
    """Run a notebook unless the folder has its result, and return the result's path."""
    notebook = read(path)
    digest = hashlib.sha256(f"{preset} {code_of(notebook)}".encode()).hexdigest()
    file = folder / f"{path.stem}-{network}.json"
    if not file.exists() or json.loads(file.read_text(encoding="utf-8"))["digest"] != digest:
        result = {"digest": digest, "preset": preset, "claims": claims_of(notebook, network, preset, path.parent)}
        file.write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")
    return file


def is_exact(claim: dict[str, Any]) -> bool:
    """Whether an assertion compares code written in the notebook with the library, number by number."""
    return any(f"{name}(" in claim["source"] for name in EXACT)


def cell_of(claim: dict[str, Any] | None) -> str:
    """Return a cell of the table: whether the claim held, and its values."""
    if claim is None:
        return "–"
    alone = len(claim["values"]) == 1
    values = "; ".join(value if alone else f"{name} = {value}" for name, value in claim["values"].items())
    return f"{'holds' if claim['held'] else '**fails**'} {values}".strip().replace("|", "\\|")


def page(folder: pathlib.Path, networks: tuple[str, ...] = NETWORKS) -> str:
    """Return the table of everything in the folder, in Markdown."""
    lines, presets, failed, exact = [], {}, 0, 0
    for path in series():
        results = {}
        for network in networks:
            file = folder / f"{path.stem}-{network}.json"
            if file.exists():
                results[network] = json.loads(file.read_text(encoding="utf-8"))
                presets.setdefault(network, set()).add(results[network]["preset"])
        rows: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        for network, result in results.items():
            for claim in result["claims"]:
                exact += is_exact(claim)
                failed += not claim["held"]
                if not is_exact(claim):
                    rows.setdefault((claim["source"], claim["message"]), {})[network] = claim
        for (source, message), row in rows.items():
            said = (message or f"`{source}`").replace("|", "\\|").replace("\n", " ")
            cells = " | ".join(cell_of(row.get(network)) for network in networks)
            lines.append(f"| [{path.stem[:2]}](../notebooks/{path.name}) | {said} | {cells} |")
    sizes = ", ".join(f"{network} at {' and '.join(sorted(found))}" for network, found in presets.items())
    return f"""# The series' claims, with each network

Each notebook asserts what it says of its pictures. This table has every such assertion, with the values that it found
with the embedded network and with VGG-19 (the original weights; conv4 and conv5 in 8 bit). "–" means that the claim is
made for the other network only. Presets: {sizes}. {failed} of the assertions failed; {exact} more compare code in a
notebook with the library and are not listed. `python -m tools.claims` makes this page.

| notebook | claim | {" | ".join(networks)} |
| --- | --- |{" --- |" * len(networks)}
{chr(10).join(lines)}
"""


def main() -> None:
    """Read the command line, run what is missing, and write the page if one is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="for the results")
    parser.add_argument("--notebooks", nargs="*", help="numbers, such as 02 03; all by default")
    parser.add_argument("--networks", nargs="*", default=NETWORKS, choices=NETWORKS)
    parser.add_argument("--preset", default="laptop", help="default: %(default)s")
    parser.add_argument("--table", type=pathlib.Path, nargs="?", const=PAGE, help="write the page, docs/claims.md")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.table is None:
        for path in series():
            if not options.notebooks or path.stem[:2] in options.notebooks:
                for network in options.networks:
                    file = keep(path, network, options.preset, options.folder)
                    claims = json.loads(file.read_text(encoding="utf-8"))["claims"]
                    failed = [claim for claim in claims if not claim["held"]]
                    print(f"{short_title(path)}, {network}: {len(claims)} assertions, {len(failed)} failed", flush=True)
                    for claim in failed:
                        print(f"  {claim['message'] or claim['source']}: {claim['values']}", flush=True)
        return
    options.table.write_text(page(options.folder), encoding="utf-8")


if __name__ == "__main__":
    main()
