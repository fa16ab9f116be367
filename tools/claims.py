"""Make the table of the series' claims: what each notebook asserts, and its values with each network.

python -m tools.claims kept/ --table                            # runs what is missing, writes docs/claims.md
python -m tools.claims kept/ --notebooks 02 03 --preset quick   # some of them, at another size; no table
python -m tools.claims kept/ --table --no-run                   # the table from what the folder has

The claims are the notebooks' own `assert` statements: nothing is written twice. Each notebook runs in a kernel of its
own, unchanged except that an assertion writes its values down and never stops the notebook. The folder has one file for
a notebook and a network. A notebook is run again only after its code, the network's weights or an option has changed.
STYLELIB_WEIGHTS names the folder with VGG-19's weights. The exit status is 1 if an assertion failed or a cell stopped.
"""

import argparse
import ast
import dataclasses
import hashlib
import json
import os
import pathlib
import sys
import tempfile
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from stylelib.weights.store import find_weights
from tools.recorder import NAME, rewritten
from tools.refresh import FOLDER, read, series

ROOT = pathlib.Path(__file__).parent.parent
PAGE = ROOT / "docs/claims.md"
NETWORKS = ("compact", "vgg19")
HOURS = 4  # the time limit of one cell
BLANK = ast.dump(ast.parse("...").body[0])
MOST = 6  # of the times that a loop reaches an assertion, in the table
START = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from tools.recorder import Recorder
del sys.path[0]
{NAME} = Recorder(%r, %r)"""


@dataclasses.dataclass(frozen=True)
class Run:
    """A notebook's run with a network, and where its result is kept."""

    path: pathlib.Path
    network: str
    folder: pathlib.Path

    @property
    def file(self) -> pathlib.Path:
        return self.folder / f"{self.path.stem}-{self.network}.json"

    @property
    def name(self) -> str:
        return f"{self.path.stem[:2]} with {self.network}"

    def kept(self) -> dict[str, Any] | None:
        """Return the kept result, or None if there is none for the notebook's present code."""
        if not self.file.exists():
            return None
        result = json.loads(self.file.read_text(encoding="utf-8"))
        return result if result.get("code") == digest(read(self.path)) else None


def digest(notebook: NotebookNode) -> str:
    """Return a number for a notebook's statements: no comments, borders of cells, install cell, or blanks to fill."""
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "install" not in cell.metadata.get("tags", []):
            try:
                statements = map(ast.dump, ast.parse(cell.source).body)
                parts += [statement for statement in statements if statement != BLANK]
            except SyntaxError:  # a magic, or a text to complete
                parts.append(cell.source)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def result_of(run: Run, preset: str, precision: str = "exact") -> dict[str, Any]:
    """Return the result of a run: the kept one, or else a new one, which is kept.

    Parameters
    ----------
    run
        A notebook and a network.
    preset
        quick, laptop or paper.
    precision
        Of the network: exact, mixed or fast.

    Returns
    -------
    dict
        "about": what computed; "claims": see `Recorder.claim`; "stopped": "" or the error that ended the notebook.
    """
    with find_weights(run.network).open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    options = {"preset": preset, "precision": precision, "weights": weights}
    result = run.kept()
    if result is None or result["stopped"] or result["options"] != options:
        notebook = read(run.path)
        result = claims_of(notebook, run.network, preset, precision, run.path.parent)
        result |= {"code": digest(notebook), "options": options}
        run.file.write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")
    return result


def claims_of(
    notebook: NotebookNode, network: str, preset: str, precision: str = "exact", folder: pathlib.Path = FOLDER
) -> dict[str, Any]:
    """Run a notebook in a folder and return what it asserts; see `result_of`."""
    with tempfile.TemporaryDirectory() as temporary:
        lines = pathlib.Path(temporary) / "claims.jsonl"
        cells, places = [new_code_cell(START % (str(lines), precision))], {}
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                places[cell.id] = f"cell {number}"
                cells.append(new_code_cell(rewritten(cell.source, number), id=cell.id, metadata=cell.metadata))
        changed = nbformat.from_dict({**notebook, "cells": cells})
        environment = os.environ | {"STYLELIB_PRESET": preset, "TQDM_DISABLE": "1"}
        if network == "compact":  # which a notebook takes where it does not find VGG-19
            environment["STYLELIB_WEIGHTS"] = temporary
        client = NotebookClient(
            changed, timeout=3600 * HOURS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        stopped, place = "", "the kernel's start"
        try:
            with client.setup_kernel(env=environment):
                for index, cell in enumerate(changed.cells):
                    place = places.get(cell.id, "the recorder")
                    client.execute_cell(cell, index)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            name = getattr(error, "ename", type(error).__name__)
            value = getattr(error, "evalue", str(error))
            stopped = f"{place}, {name}: {value}".splitlines()[0]
        records = (
            [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()] if lines.exists() else []
        )
    if not records:
        raise RuntimeError(f"The notebook did not start: {stopped}")
    about, *claims = records
    if about["network"] != network:
        raise RuntimeError(f"The notebook took {about['network']}, not {network}: {about['described']}")
    return {"about": about, "claims": sorted(claims, key=lambda claim: claim["place"]), "stopped": stopped}


def by_assertion(claims: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return claims by the assertion that made them, which a loop can reach several times."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for claim in claims:
        found.setdefault((claim["source"], claim["template"]), []).append(claim)
    return found


def verdict(times: list[dict[str, Any]]) -> str:
    """Return a cell of the table: whether an assertion held each time, and its values; if not, those where not."""
    failed = [time for time in times if not time["held"]]
    several = len({str(time["fields"]) for time in times}) > 1
    texts = []
    for time in failed or times:
        fields = " ".join(time["fields"]) if several else ""
        texts.append(f"{fields}: {time['values']}" if fields and time["values"] else fields or time["values"])
    texts = list(dict.fromkeys(text for text in texts if text))
    if len(texts) > MOST:
        texts = [*texts[: MOST - 1], f"… ({len(texts)} in all)"]
    count = f" ({len(failed)} of {len(times)})" if failed and len(times) > 1 else ""
    said = "**NOT**" + count if failed else "held"
    return f"{said}: {', '.join(texts)}" if texts else said


def escaped(text: str) -> str:
    """Return a text for a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def rows_of(path: pathlib.Path, results: dict[str, dict[str, Any] | None]) -> list[str]:
    """Return the table's rows of a notebook, from its results by network; None where it has not been run."""
    found = {network: by_assertion(result["claims"]) if result else {} for network, result in results.items()}
    comparable = len({result["about"]["preset"] for result in results.values() if result}) == 1
    rows = []
    for key in dict.fromkeys(key for claims in found.values() for key in claims):
        reached = [claims[key] for claims in found.values() if key in claims]
        times = [time for one in reached for time in one]
        if all(time["exact"] and time["held"] for time in times):
            continue
        messages = {time["message"] for time in times}
        said = messages.pop() if len(messages) == 1 else key[1]
        cells = []
        for network, result in results.items():
            missing = "–" if comparable and result and not result["stopped"] else "not run"
            cells.append(escaped(verdict(found[network][key])) if key in found[network] else missing)
        said = escaped(said or f"`{key[0]}`")
        rows.append(f"| [{path.stem[:2]}](../notebooks/{path.name}) | {said} | {' | '.join(cells)} |")
    return rows


def computed_by(about: dict[str, Any]) -> str:
    """Return a phrase on what computed a result."""
    size = f"{about['preset']} ({about['size']} px, {about['steps']} steps a run)"
    return f"{about['described']} at {size} on {about['device']}"


def page(folder: pathlib.Path, networks: tuple[str, ...] = NETWORKS) -> str:
    """Return the page of everything in the folder, in Markdown."""
    rows, stopped = [], []
    used: dict[str, dict[str, None]] = {network: {} for network in networks}
    missing: dict[str, list[str]] = {}
    exact = dict.fromkeys(networks, 0)
    for path in series():
        runs = {network: Run(path, network, folder) for network in networks}
        results = {network: run.kept() for network, run in runs.items()}
        for network, result in results.items():
            if result is None:
                missing.setdefault(network, []).append(path.stem[:2])
                continue
            used[network][computed_by(result["about"])] = None
            exact[network] += sum(claim["exact"] and claim["held"] for claim in result["claims"])
            if result["stopped"]:
                stopped.append(f"- {runs[network].name}: {result['stopped']}")
        rows += rows_of(path, results)
    failed = sum("**NOT**" in row for row in rows)
    counted = ", ".join(f"{count} times with {network}" for network, count in exact.items())
    lines = [
        "# The series' claims, with each network",
        "",
        "Each notebook asserts what it says of its pictures. This table has every such assertion, whether it held, and",
        "the values that were compared. A loop can reach an assertion several times; if it failed, the values where it",
        'did are listed. "–" means that the claim is made for the other network only.',
        "",
        *(f"- {text}" for texts in used.values() for text in texts),
        "",
        f"{len(rows)} claims, {failed} of them fail on a network. Assertions that compare code written in a notebook",
        f"with the library, number by number, are not listed unless they fail; they held {counted}.",
    ]
    if missing:
        texts = "; ".join(f"{network} {' '.join(numbers)}" for network, numbers in missing.items())
        lines += ["", f"Not run with their present code: {texts}."]
    if stopped:
        lines += ["", "Stopped by an error that is no assertion:", "", *stopped]
    lines += ["", f"| notebook | claim | {' | '.join(networks)} |", f"| --- | --- |{' --- |' * len(networks)}", *rows]
    lines += ["", "Made by `python -m tools.claims`, from the notebooks' own assertions."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the command line, run what is missing, and write the page if it is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="for the results")
    parser.add_argument("--notebooks", nargs="+", help="numbers, such as 02 03; all by default")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS)
    parser.add_argument("--preset", default="laptop", help="default: %(default)s")
    parser.add_argument("--precision", default="exact", help="of the networks; fast takes half the time on some CPUs")
    parser.add_argument("--table", type=pathlib.Path, nargs="?", const=PAGE, help="write the page, docs/claims.md")
    parser.add_argument("--no-run", action="store_true", help="only from what the folder has")
    options = parser.parse_args()
    for network in [] if options.no_run else options.networks:
        if find_weights(network) is None:
            sys.exit(f"The weights of {network} are not on this machine: set STYLELIB_WEIGHTS to their folder.")
    options.folder.mkdir(parents=True, exist_ok=True)
    good = True
    for path in [] if options.no_run else series():
        if not options.notebooks or path.stem[:2] in options.notebooks:
            for network in options.networks:
                run = Run(path, network, options.folder)
                print(f"{run.name} …", flush=True)
                try:
                    good &= report(result_of(run, options.preset, options.precision))
                except KeyboardInterrupt:
                    sys.exit(f"Interrupted. What was finished before {run.name} is kept.")
    if options.table:
        options.table.write_text(page(options.folder), encoding="utf-8")
    sys.exit(0 if good else 1)


def report(result: dict[str, Any]) -> bool:
    """Print a result and return whether everything held."""
    found = by_assertion(result["claims"])
    failed = {key: times for key, times in found.items() if not all(time["held"] for time in times)}
    print(f"  {len(found)} assertions, {len(failed)} failed", flush=True)
    for (source, template), times in failed.items():
        print(f"  {template or source} {verdict(times)}", flush=True)
    if result["stopped"]:
        print(f"  stopped at {result['stopped']}", flush=True)
    return not failed and not result["stopped"]


if __name__ == "__main__":
    main()
