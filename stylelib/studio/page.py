"""The studio as a web page for visitors: Voilà, with settings under which they reach nothing but the studio.

    python -m stylelib studio

The page is served from a folder that has nothing else. Visitors can reach no file, get theirs as downloads, and leave
no kernel behind. The browser is told to ask no other server for anything.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from stylelib.studio.picture_controls import LARGEST_UPLOAD
from stylelib.support.errors import InputError

IDLE = 120  # seconds after which the kernel of a page that nobody looks at any more ends
NOWHERE_ELSE = (  # a Content-Security-Policy; Voilà's own page needs the two that are called unsafe
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'self'; form-action 'none'"
)
CELL = "from stylelib import studio\n\nstudio.Studio()"


def settings(ip: str, port: int) -> dict[str, object]:
    """Return Voilà's settings.

    Parameters
    ----------
    ip : str
        The address to listen at: 127.0.0.1 for this machine alone, 0.0.0.0 for everybody who reaches it.
    port : int
        The port.
    """
    return {
        "Voila": {
            "ip": ip,
            "port": port,
            "open_browser": False,
            "tornado_settings": {
                "websocket_max_message_size": LARGEST_UPLOAD + 10**6,  # a message has a little more than the file
                "headers": {"Content-Security-Policy": NOWHERE_ELSE},
            },
        },
        "VoilaConfiguration": {"file_allowlist": [], "show_tracebacks": False},
        "MappingKernelManager": {"cull_idle_timeout": IDLE, "cull_interval": IDLE // 4, "cull_connected": False},
    }


def notebook() -> dict[str, object]:
    """Return a notebook that shows the studio and nothing else."""
    cell: dict[str, object] = {"cell_type": "code", "id": "studio", "metadata": {}, "source": CELL}
    cell |= {"execution_count": None, "outputs": []}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}, "title": "The studio"}
    return {"cells": [cell], "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def serve(ip: str, port: int) -> int:
    """Serve the page until the program is interrupted; return the exit code.

    Parameters
    ----------
    ip, port : str, int
        See `settings`.

    Raises
    ------
    InputError
        If Voilà is not installed.
    """
    if importlib.util.find_spec("voila") is None:
        raise InputError("The page needs Voilà; install it with `python -m pip install voila`.")
    package = pathlib.Path(__file__).parents[2]
    known = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
    surroundings = {"PYTHONPATH": known, "STYLELIB_UPLOAD_LIMIT": str(LARGEST_UPLOAD), "JUPYTER_PREFER_ENV_PATH": "1"}
    with tempfile.TemporaryDirectory(prefix="stylelib-page-") as folder:
        pathlib.Path(folder, "studio.ipynb").write_text(json.dumps(notebook()), encoding="utf-8")
        pathlib.Path(folder, "voila.json").write_text(json.dumps(settings(ip, port)), encoding="utf-8")
        command = [sys.executable, "-c", f"from {__name__} import launch; launch()", "studio.ipynb"]
        with subprocess.Popen(command, cwd=folder, env=os.environ | surroundings) as server:
            try:
                return server.wait()
            finally:  # an interrupt reaches it from the terminal; any other end does not
                server.terminate()


def launch() -> None:
    """Run Voilà in this process, so that no visitor can hold it up.

    Voilà 0.5 looks for the header of each message as the present protocol of websockets has it. A client that speaks
    the former one makes it count to a number of eighteen digits, during which it serves nobody.
    """
    from voila import app
    from voila.tornado import kernel_websocket_handler

    read = kernel_websocket_handler.read_header_from_binary_message

    def checked(message: bytes) -> object:
        count = int.from_bytes(message[:8], "little")
        return read(message) if 8 * (count + 1) <= len(message) else None

    kernel_websocket_handler.read_header_from_binary_message = checked
    app.main()
