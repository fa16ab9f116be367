"""A real JupyterLab and a real Voilà, driven by a real Chromium, offline. Skipped, with a reason, where one is missing.

Screenshots of what the tests saw are written to the folder named by STYLELIB_SCREENSHOTS, or else to a temporary one.
"""

import contextlib
import functools
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")

ROOT = pathlib.Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
PATIENCE = 60_000  # milliseconds
playwright.expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items):
    if CHROMIUM is None:
        for item in items:
            if pathlib.Path(item.fspath).parent.name == "browser":
                item.add_marker(pytest.mark.skip(reason="needs Chromium, such as Debian's package chromium"))


@pytest.fixture(scope="package")
def screenshots(tmp_path_factory):
    folder = os.environ.get("STYLELIB_SCREENSHOTS")
    folder = pathlib.Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def workplace(tmp_path_factory):
    """A copy of the notebooks' folder: nothing that a test saves ends up in the project."""
    folder = tmp_path_factory.mktemp("workplace") / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    shutil.copytree(ROOT / "images", folder.parent / "images")
    return folder


@contextlib.contextmanager
def serving(command, ready, folder, home):
    """A server, from its first answer on to the end of the block; gives its process."""
    environment = {
        **os.environ,
        "STYLELIB_PRESET": "quick",
        "PYTHONPATH": str(ROOT),
        "JUPYTER_PREFER_ENV_PATH": "1",
        **{name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "IPYTHONDIR",
                                               "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_RUNTIME_DIR")},
    }  # fmt: skip
    with open(home / "server.log", "wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(ready, timeout=60).close()
                    break
                except urllib.error.HTTPError as answer:
                    answer.close()
                    break
                except OSError:
                    pass
                assert server.poll() is None, (home / "server.log").read_text()
                time.sleep(0.2)
            yield server
        finally:
            server.terminate()
            server.wait(30)


DROP_PAINTING = """([name, bytes]) => {
    const files = new DataTransfer();
    files.items.add(new File([Uint8Array.from(bytes)], name, { type: "image/png" }));
    const event = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
    document.querySelector("[data-role=style] .preview").dispatchEvent(event);
}"""  # a picture file on the card of the painting


class Quiet(http.server.SimpleHTTPRequestHandler):
    """As `python -m http.server`, without its log."""

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def files_of(folder):
    """A plain server of a folder's files; gives its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="package")
def lab(workplace, tmp_path_factory):
    """The address of a JupyterLab whose root is the notebooks' folder."""
    port, home = free_port(), tmp_path_factory.mktemp("lab")
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.password=",
        f"--ServerApp.root_dir={workplace}", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    with serving(command, f"http://127.0.0.1:{port}/api/status", workplace, home):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="package")
def browser():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Watched:
    """A page, what its console complained of, and every request that left this machine."""

    def __init__(self, page):
        self.page, self.complaints, self.outside = page, [], []
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._requested)

    def _requested(self, request):
        if not request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "attachment:")):
            self.outside.append(request.url)


@pytest.fixture
def watched(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(PATIENCE)
    yield Watched(page)
    page.close()


@pytest.fixture
def in_lab(lab, watched, workplace):
    """Open a notebook by its name, or one made of given cells, in JupyterLab with its kernel ready."""
    import nbformat

    def open_notebook(name, cells=None):
        if cells is not None:
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
            notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
            nbformat.write(notebook, workplace / name)
        page = watched.page
        page.goto(f"{lab}/lab/tree/{name}?reset")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        page.get_by_text("(ipykernel) | Idle").wait_for()  # the toolbar says so before there is a kernel
        return watched

    return open_notebook


def run_all(page):
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
