"""Mutation testing: small mistakes are put into a module, one at a time; its tests must notice.

    python -m tools.mutation                            # every module below; takes hours
    python -m tools.mutation stylelib/losses.py         # one of them
    python -m tools.faults docs                         # the page of faults, with the counts

cosmic-ray makes the mutants, in a copy of the project (pip install cosmic-ray; where it is in another environment, name
its program with --program). The tests of each run in a copy of this process, which has
loaded torch already. A mutant of an annotation is left out: it would fail at the import. Of the others, SAMPLE
are drawn with a fixed seed. A survivor is printed with its line, to be looked at.
"""

import argparse
import ast
import contextlib
import importlib
import os
import pathlib
import random
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading

import pytest

from tools import faults

ROOT = pathlib.Path(__file__).parents[1]
SAMPLE, SEED = 60, 0
SECONDS = 45  # of computing for the tests of one mutant; one that hangs counts as killed
MODULES = {  # {module: the test files that must notice}
    "stylelib/losses.py": ["losses"],
    "stylelib/terms.py": ["terms", "memory"],
    "stylelib/synthesis.py": ["synthesis", "memory", "scales"],
    "stylelib/weights/hdf5.py": ["hdf5"],
    "stylelib/weights/formats.py": ["formats"],
    "stylelib/weights/normalization.py": ["normalization"],
    "stylelib/weights/store.py": ["store"],
    "stylelib/storage/checkpoints.py": ["checkpoints"],
}
ASK = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); sys.exit(s.recv(1)[0])"
CONFIG = """[cosmic-ray]
module-path = "{module}"
timeout = {timeout}
excluded-modules = []
test-command = "{python} -S -E {ask} {address}"
[cosmic-ray.distributor]
name = "local"
"""


def annotations(path):
    """Return the (line, column) ranges of all annotations in a file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for one in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if one is not None:
                found.append(((one.lineno, one.col_offset), (one.end_lineno, one.end_col_offset)))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp | ast.Subscript):  # names of types
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if names and names[0][0].isupper() and not names[0].isupper():
                found.append(((node.lineno, 0), (node.end_lineno, node.end_col_offset)))
    return found


def sample(session, path, count):
    """Leave a seeded sample of the mutants in a session; return (how many are left, how many there were)."""
    ranges = annotations(path)
    with sqlite3.connect(session) as database:
        rows = database.execute(
            "SELECT job_id, start_pos_row, start_pos_col FROM mutation_specs ORDER BY operator_name, occurrence"
        ).fetchall()
        useful = [job for job, row, column in rows if not any(a <= (row, column) < b for a, b in ranges)]
        kept = set(useful if len(useful) <= count else random.Random(SEED).sample(useful, count))
        for job, *_ in rows:
            if job not in kept:
                for table in ("mutation_specs", "work_items"):
                    database.execute(f"DELETE FROM {table} WHERE job_id = ?", (job,))
    return len(kept), len(useful)


def test(copy, files):
    """Run the tests of a mutant in a copy of this process; return its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            os.chdir(copy)
            sys.path[:] = [str(copy), *(path for path in sys.path if path not in ("", str(ROOT)))]
            for stream in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *files]))
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return min(255, os.waitstatus_to_exitcode(status) % 256)


def answer(server, copy, files):
    """Test the present mutant whenever cosmic-ray asks, until the socket is closed."""
    while True:
        try:
            one = server.accept()[0]
        except OSError:
            return
        with one, contextlib.suppress(OSError):
            one.sendall(bytes([test(copy, files)]))


def mutate(module, tests, program, count):
    """Test one module; print the survivors and keep the counts."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = pathlib.Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "site", "*.ipynb", ".*cache", "__pycache__"))
        files = [f"tests/test_{name}.py" for name in tests]
        if test(copy, files):
            sys.exit(f"{module}: its tests fail without a mutant")
        config, session = copy / "mutation.toml", copy / "mutation.sqlite"
        address, ask = f"{folder}/s", copy / "ask.py"
        ask.write_text(ASK)
        config.write_text(
            CONFIG.format(module=module, timeout=100 * SECONDS, python=sys.executable, ask=ask, address=address)
        )
        subprocess.run([program, "init", config, session], cwd=copy, check=True)
        tried, useful = sample(session, copy / module, count)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(address)
            server.listen()
            asking = subprocess.Popen([program, "exec", config, session], cwd=copy)
            threading.Thread(target=lambda: (asking.wait(), server.shutdown(socket.SHUT_RDWR))).start()
            answer(server, copy, files)
        with sqlite3.connect(session) as database:
            survivors = database.execute(
                "SELECT start_pos_row, diff FROM work_results JOIN mutation_specs USING (job_id) "
                "WHERE test_outcome = 'SURVIVED' ORDER BY start_pos_row"
            ).fetchall()
    killed = tried - len(survivors)
    for row, diff in survivors:
        changes = [line for line in (diff or "").splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        print(f"  survived in line {row}:", *changes, sep="\n    ")
    print(f"{module}: {killed} of {tried} killed, {killed / tried:.0%} (of {useful} mutants)", flush=True)
    kept = faults.read_figures().get("mutants", {})
    faults.write_figures(mutants=dict(sorted((kept | {module: [killed, tried, useful]}).items())))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help=", ".join(MODULES))
    parser.add_argument("--program", default="cosmic-ray")
    parser.add_argument("--sample", type=int, default=SAMPLE)
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    os.environ["PYTHONPATH"] = ""  # the copy comes first in each test
    for heavy in ("torch", "torchvision", "matplotlib.figure", "PIL.Image", "h5py", "requests", "safetensors.torch"):
        importlib.import_module(heavy)
    for module in options.modules or MODULES:
        mutate(module, MODULES[module], options.program, options.sample)


if __name__ == "__main__":
    main()
