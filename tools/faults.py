"""The table of faults: which tests hold each row, how many inputs they try, and what was measured by hand.

    python -m tools.faults docs            write docs/faults.md from the tests' markers and docs/faults.json
    python -m tools.faults fuzz 600        try inputs at random for so many seconds, and keep the counts
    python -m tools.faults mutate          take five protections out, one at a time: the row's tests must fail

A test says which row it holds: @pytest.mark.fault(8), or pytestmark = pytest.mark.fault(8) for a whole file.
"""

import argparse
import ast
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[1]
PAGE, FIGURES = ROOT / "docs/faults.md", ROOT / "docs/faults.json"

ROWS = {  # row: (kind of fault, one example, what holds)
    1: (
        "Pillow opens formats that start programs",
        "A PostScript file named holiday.jpg with an endless loop hangs the notebook.",
        "A list of formats of pixels; everything else is refused by its name, and nothing is started.",
    ),
    2: (
        "A limit outside of our code swallows input",
        "JupyterLab closes the connection at an upload of 11.6 MB, without a sentence.",
        "The page for visitors raises the limit; the button says which one holds; larger files are named by path.",
    ),
    3: (
        "Results depend on the caller's settings of torch",
        "`torch.set_default_dtype(torch.float64)` before a transfer ends it deep inside.",
        "The package computes in settings of its own, and every tensor that it makes names its type.",
    ),
    4: (
        "A user's text is taken for a formula",
        "A sweep over `a$_$b.jpg` computes everything and then draws no sheet.",
        "Texts are drawn as they are, in fonts that have the characters.",
    ),
    5: (
        "Advice that does not follow from the cause",
        "A refused certificate is answered with “connect to the internet”.",
        "One way of fetching, with advice for each cause, a largest size, a least speed, and resumption.",
    ),
    6: (
        "The right shape is taken for the right meaning",
        "The Caffe VGG-19 in torchvision's layout is used with torchvision's colours.",
        "A file's training is recognised by its first layer or its hash; others get a warning.",
    ),
    7: (
        "Pooling drops the rest",
        "Pictures carry a band at the top and a bright right edge.",
        "Zero padding stays, as in the paper; the frame and the gradient at the last row and column are bounded.",
    ),
    8: (
        "Much memory for small files",
        "A PNG of 0.3 MB with 13,000 × 13,000 pixels needs 5.2 GB at size 64.",
        "Pictures are converted and made smaller in strips: the decoded pixels and at most 150 MB.",
    ),
    9: (
        "A client's text becomes a path",
        "The studio writes `../x` and over existing files.",
        "A name is a name; in Voilà files are downloads.",
    ),
    10: (
        "A cache is trusted",
        "Mean activations that are not numbers load in silence.",
        "The cache is checked by fingerprint and shape, and made again.",
    ),
    11: (
        "Nothing is kept until the end",
        "kill -9 after a minute leaves an empty folder.",
        "A whole checkpoint, at most 30 seconds old.",
    ),
    12: (
        "The last seconds are unprotected",
        "A full disk at the end costs picture and run.",
        "Each output in an attempt of its own, the run first; interrupts wait while files are written.",
    ),
    13: (
        "Saving replaces what the path is",
        "An output that is a link becomes a file; mode 0600 becomes 0644.",
        "Links are followed, modes are kept.",
    ),
    14: (
        "Unforeseen errors reach the user raw",
        "A recipe that is nested 100,000 deep ends in a traceback.",
        "Every boundary answers with a result or one sentence, and is tried with inputs at random.",
    ),
    15: (
        "Metadata decide over pixels",
        "A PNG with 3 MB of compressed text is called damaged.",
        "Metadata that cannot be read are left out; damaged, not supported and too large are three sentences.",
    ),
    16: (
        "A refusal without a way out",
        "HEIC from a phone is “not a picture”.",
        "Each kind is refused by its name, with what to do; HEIC is read where pillow-heif is installed.",
    ),
    17: (
        "A separator that values contain",
        "`content=riverside,Paris, 2019.jpg` is three pictures.",
        "Names of files that exist stay whole; a name can be repeated; folders and patterns are lists.",
    ),
    18: (
        "Limits are read from one place",
        "A quota of a nested container is not seen.",
        "One function for memory and one for cores know all of them.",
    ),
    19: (
        "A label that may be missing stops the work",
        "Saving a recipe fails where the package is on the path but not installed.",
        "A fallback.",
    ),
    20: (
        "Work queued per event",
        "Twenty moves of a slider are twenty redraws.",
        "The last value counts.",
    ),
    21: (
        "Words that do not fit",
        "A run whose trials all fail says that no step lowers the loss, and one note stands 24 times.",
        "What happened is said, once.",
    ),
    22: (
        "Things left behind",
        "A closed studio leaves a hundred widgets.",
        "Everything is closed; idle kernels end.",
    ),
    23: (
        "A relative default that may be missing",
        "A panel from another folder has no recording, without a word.",
        "Recordings are found beside the package; a missing one is said.",
    ),
    24: (
        "Information is dropped in silence",
        "A transparent picture becomes opaque.",
        "It is said, or kept.",
    ),
}
PICTURES, BOUNDARIES, FILES = "tests/test_hostile_pictures.py", "tests/test_boundaries.py", "stylelib/support/files.py"
DECODING, MEANS = "stylelib/support/decoding.py", "stylelib/weights/normalization.py"
MUTATIONS = [  # (row, file, what stands there, what is put in its place, test file, word in the tests' names)
    (1, DECODING, "formats=readable()", "formats=None", PICTURES, "program"),
    (8, DECODING, "STRIP = 4_000_000", "STRIP = 4_000_000_000", PICTURES, "large_file"),
    (10, MEANS, 'about.get("sha256") == fingerprint(means)', "True", "tests/test_normalization.py", "not_the_ones"),
    (13, FILES, "os.path.realpath(path)", "path", BOUNDARIES, "link"),
    (14, FILES, "if not stat.S_ISREG(kind.st_mode):", "if False:", BOUNDARIES, "pipe"),
]


def marked_tests() -> dict[int, list[str]]:
    """Return the tests of each row, as "file.py::name", read from the sources."""
    found: dict[int, list[str]] = collections.defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "mark.fault" not in source:
            continue
        tree = ast.parse(source)
        whole = {row for node in tree.body if isinstance(node, ast.Assign) for row in _rows(node)}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for row in whole.union(*(_rows(one) for one in node.decorator_list)):
                    found[row].append(f"{path.relative_to(ROOT / 'tests').as_posix()}::{node.name}")
    return dict(found)


def _rows(node: ast.AST) -> set[int]:
    """Return the rows that a decorator, or an assignment to pytestmark, names."""
    if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] != ["pytestmark"]:
        return set()
    return {int(row) for row in re.findall(r"mark\.fault\((\d+)\)", ast.unparse(node))}


def count_cases() -> dict[str, int]:
    """Return how many cases each marked test has, as pytest collects them."""
    files = sorted({test.split("::")[0] for tests in marked_tests().values() for test in tests})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "fault", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *(f"tests/{file}" for file in files)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    names = [line.split("[")[0].removeprefix("tests/") for line in done.stdout.splitlines() if "::" in line]
    return dict(sorted(collections.Counter(names).items()))


def page(tests: dict[int, list[str]], figures: dict) -> str:
    """Return docs/faults.md."""
    cases, fuzz, mutations = (figures.get(name, {}) for name in ("cases", "fuzz", "mutations"))
    lines = [
        "# Faults",
        "",
        "<!-- written by python -m tools.faults docs -->",
        "",
        "The project was attacked on purpose, and tried on public bug reports. Each row is a kind of fault that was "
        "found, with one example of it; the tests try several. `python -m pytest -m fault tests` runs all. Lost: a "
        "traceback, a hang, a wrong number or a file that is gone, in a case that its test tries.",
        "",
        "| row | kind of fault, and an example | what holds now | tests | cases tried | lost |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row, (kind, example, holds) in ROWS.items():
        names = sorted(tests.get(row, []))
        files = collections.Counter(name.split("::")[0] for name in names)
        where = ", ".join(f"[{file}](../tests/{file}) ({count})" for file, count in files.items())
        tried = sum(cases.get(name, 1) for name in names)
        lines.append(
            f"| {row} | **{kind}.** {example} | {holds} | {where or '–'} | {tried} | {'none' if names else '–'} |"
        )
    lines += ["", "## Measured by hand", ""]
    lines += [
        f"- Row {row}: {text}" for row, text in sorted(figures.get("figures", {}).items(), key=lambda one: int(one[0]))
    ]
    if fuzz:
        total = sum(fuzz["inputs"].values())
        lines += [
            "",
            f"`python -m tools.faults fuzz {fuzz['seconds']}` tried {total:,} inputs at random at the boundaries "
            f"({fuzz['rounds']} rounds; lost: {fuzz['lost'] or 'none'}):",
            "",
            "| boundary | inputs |",
            "| --- | --- |",
            *(
                f"| {name.removeprefix('test_').replace('_', ' ')} | {count:,} |"
                for name, count in fuzz["inputs"].items()
            ),
        ]
    if mutations:
        lines += [
            "",
            "`python -m tools.faults mutate` takes a protection out, and the row's tests have to fail:",
            "",
            "| row | taken out | tests that failed |",
            "| --- | --- | --- |",
            *(
                f"| {one['row']} | `{one['before']}` in {one['file']} | {one['failed']} of {one['tests']} |"
                for one in mutations
            ),
        ]
    if mutants := figures.get("mutants"):
        lines += [
            "",
            "`python -m tools.mutation` puts small mistakes (mutants) into a module, one at a time, and its tests must "
            "notice. Those tried are drawn with a fixed seed:",
            "",
            "| module | mutants | tried | noticed |",
            "| --- | --- | --- | --- |",
            *(
                f"| {name} | {all_} | {tried} | {killed / tried:.0%} |"
                for name, (killed, tried, all_) in mutants.items()
            ),
        ]
    lines += ["", "## The tests by name", ""]
    for row in ROWS:
        lines.append(f"{row}. " + (", ".join(f"`{name.split('::')[1]}`" for name in sorted(tests.get(row, []))) or "–"))
    return "\n".join(lines) + "\n"


def read_figures() -> dict:
    """Return what docs/faults.json holds."""
    return json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}


def write_figures(**new: object) -> None:
    """Add figures to docs/faults.json."""
    FIGURES.write_text(json.dumps(read_figures() | new, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def docs() -> None:
    """Count the cases and write the page."""
    write_figures(cases=count_cases())
    PAGE.write_text(page(marked_tests(), read_figures()), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written.")


def fuzz(seconds: int, examples: int = 100) -> None:
    """Try the boundaries with other inputs in each round, until the time is over; keep the counts."""
    started, rounds, lost = time.monotonic(), 0, 0
    inputs: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        counts = pathlib.Path(folder) / "counts"
        while time.monotonic() - started < seconds:
            rounds += 1
            environment = {**os.environ, "STYLELIB_FUZZ": str(examples), "STYLELIB_FUZZ_COUNTS": str(counts)}
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_fuzz.py"]
            done = subprocess.run(
                [*command, f"--hypothesis-seed={rounds}"], cwd=ROOT, env=environment, capture_output=True, text=True
            )
            lost += len(re.findall(r"^FAILED", done.stdout, re.M))
            if done.returncode:
                print(done.stdout[-6000:])
        for line in counts.read_text(encoding="utf-8").splitlines():
            name, count = line.split()
            inputs[name] += int(count)
    known = {name: count for name, count in sorted(inputs.items()) if count}
    write_figures(fuzz={"seconds": seconds, "rounds": rounds, "lost": lost, "inputs": known})
    print(f"{sum(known.values())} inputs in {rounds} rounds; lost: {lost}")


def mutate() -> None:
    """Take each protection of MUTATIONS out, run its tests, and put it back; every one must make a test fail."""
    found = []
    for row, file, before, after, tests, word in MUTATIONS:
        path = ROOT / file
        source = path.read_text(encoding="utf-8")
        if before not in source:
            raise SystemExit(f"{file} has no {before}")
        path.write_text(source.replace(before, after), encoding="utf-8")
        try:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests, "-k", word]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200)
        finally:
            path.write_text(source, encoding="utf-8")
        counts = {kind: int(count) for count, kind in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
        failed = counts.get("failed", 0) + counts.get("error", 0)
        print(f"row {row}: {failed} of {sum(counts.values())} tests fail without `{before}`")
        if not failed:
            raise SystemExit(f"row {row} has no test that notices")
        found.append({"row": row, "file": file, "before": before, "failed": failed, "tests": sum(counts.values())})
    write_figures(mutations=found)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("docs")
    commands.add_parser("fuzz").add_argument("seconds", type=int)
    commands.add_parser("mutate")
    options = parser.parse_args()
    {"docs": docs, "fuzz": lambda: fuzz(options.seconds), "mutate": mutate}[options.command]()


if __name__ == "__main__":
    main()
