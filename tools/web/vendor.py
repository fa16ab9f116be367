"""Fetch onnxruntime-web from npm, once: a version that is pinned, and checked against its hash."""

import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

import pooch

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
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
LICENSE = pathlib.Path(__file__).parents[2] / "LICENSE"  # the MIT licence, which onnxruntime-web has too


def vendor(folder: pathlib.Path) -> None:
    """Put the files of onnxruntime-web that the page needs into a folder, with their licence."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive()) as files:
        for name in FILES:
            with files.extractfile(f"package/dist/{name}") as source, open(folder / name, "wb") as target:
                shutil.copyfileobj(source, target)
    lines = LICENSE.read_text(encoding="utf-8").splitlines()
    lines = ["Copyright (c) Microsoft Corporation" if line.startswith("Copyright") else line for line in lines]
    (folder / "LICENSE").write_text(f"{PACKAGE} {VERSION}\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


def archive() -> pathlib.Path:
    """Return the package's archive in the user's cache; npm fetches it the first time."""
    path = pathlib.Path(pooch.os_cache("stylelib")) / "npm" / f"{PACKAGE}-{VERSION}.tgz"
    if not path.exists() or _digest(path) != SHA512:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            fetched = _fetch(pathlib.Path(folder))
            if _digest(fetched) != SHA512:
                raise SystemExit(f"What npm gave for {PACKAGE} {VERSION} is not what it used to be; do not use it.")
            fetched.replace(path)
    return path


def _fetch(folder: pathlib.Path) -> pathlib.Path:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("The live page needs npm to fetch onnxruntime-web once; install Node.js, which brings it.")
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"npm could not fetch {PACKAGE} {VERSION}:\n{done.stderr.strip()}")
    return folder / json.loads(done.stdout)[0]["filename"]


def _digest(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
