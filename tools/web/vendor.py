"""Fetch what the pages need from npm, once: versions that are pinned, and checked against their hashes."""

import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from typing import NamedTuple

import pooch


class Package(NamedTuple):
    """A package of npm, with the SHA-512 of its archive."""

    name: str
    version: str
    sha512: str


ONNXRUNTIME = Package(
    "onnxruntime-web",
    "1.30.0",
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
)
MATHJAX = Package(
    "mathjax",
    "3.2.2",
    "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
)
REVEAL = Package(  # slides
    "reveal.js",
    "6.0.2",
    "JYIg5D9aoxoaLeb84O+OvAwsKWdIavVgEDScxtYEXFCT6t6TQrhNtSgogcjdCpdLsWglhJn3zyE3fUOwiH5KEg==",
)
AXE = Package(  # for tests/browser: it finds what keeps people from using a page
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
VERSION = ONNXRUNTIME.version
FILES = (
    # for every browser: WebAssembly
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
    # loaded only where there is a GPU
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)
FORMULAS = "tex-chtml-full.js"  # of MathJax: TeX, shown with the fonts beside it
FONTS = "output/chtml/fonts/woff-v2/"
LICENSE = pathlib.Path(__file__).parents[2] / "LICENSE"  # the MIT licence, which onnxruntime-web has too


def vendor(folder: pathlib.Path) -> None:
    """Put the files of onnxruntime-web that the page needs into a folder, with their licence."""
    extract(ONNXRUNTIME, {f"dist/{name}": name for name in FILES}, folder)
    lines = LICENSE.read_text(encoding="utf-8").splitlines()
    lines = ["Copyright (c) Microsoft Corporation" if line.startswith("Copyright") else line for line in lines]
    text = f"{ONNXRUNTIME.name} {ONNXRUNTIME.version}\n\n" + "\n".join(lines) + "\n"
    (folder / "LICENSE").write_text(text, encoding="utf-8")


def vendor_mathjax(folder: pathlib.Path) -> None:
    """Put MathJax, its fonts and its licence into a folder."""
    fonts = [name for name in names(MATHJAX) if name.startswith(f"es5/{FONTS}")]
    wanted = {name: name.removeprefix("es5/") for name in (f"es5/{FORMULAS}", *fonts)}
    extract(MATHJAX, {**wanted, "LICENSE": "LICENSE"}, folder)


def vendor_reveal(folder: pathlib.Path) -> None:
    """Put reveal.js, its speaker's view and its licence into a folder."""
    wanted = ("reveal.js", "reveal.css", "plugin/notes.js")
    extract(REVEAL, {**{f"dist/{name}": name for name in wanted}, "LICENSE": "LICENSE"}, folder)


def names(package: Package) -> Iterable[str]:
    """Return the names of a package's files."""
    with tarfile.open(archive(package)) as files:
        return [name.removeprefix("package/") for name in files.getnames()]


def extract(package: Package, wanted: dict[str, str], folder: pathlib.Path) -> None:
    """Put some files of a package into a folder: {their name in the package: their name in the folder}."""
    with tarfile.open(archive(package)) as files:
        for name, target in wanted.items():
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            with files.extractfile(f"package/{name}") as source, open(folder / target, "wb") as file:
                shutil.copyfileobj(source, file)


def archive(package: Package) -> pathlib.Path:
    """Return the package's archive in the user's cache; npm fetches it the first time."""
    path = pathlib.Path(pooch.os_cache("stylelib")) / "npm" / f"{package.name}-{package.version}.tgz"
    if not path.exists() or _digest(path) != package.sha512:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            fetched = _fetch(package, pathlib.Path(folder))
            if _digest(fetched) != package.sha512:
                raise SystemExit(f"What npm gave for {package.name} {package.version} is not what it used to be.")
            fetched.replace(path)
    return path


def _fetch(package: Package, folder: pathlib.Path) -> pathlib.Path:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(f"This needs npm to fetch {package.name} once; install Node.js, which brings it.")
    command = [npm, "pack", f"{package.name}@{package.version}", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"npm could not fetch {package.name} {package.version}:\n{done.stderr.strip()}")
    return folder / json.loads(done.stdout)[0]["filename"]


def _digest(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
