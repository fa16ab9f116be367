"""Measure what a class needs: start the hub of jupyterhub_config.py, and let some users run a notebook at once.

python tools/hub/measure.py OUT --users 3      # OUT gets report.md, report.json and the hub's log

It needs: python -m pip install jupyterhub jupyterhub-idle-culler, and npm install -g configurable-http-proxy. Users
need no accounts: each has a folder below OUT, and all run as whoever starts this. Every cell goes through the proxy and
the kernel's websocket, as from a browser.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import platform
import secrets
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator

import nbformat
import psutil
import torch
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tools.teaching import student  # noqa: E402

ISOLATED = {"JUPYTER_PREFER_ENV_PATH": "1"}  # kernels of this environment, not of the user who measures
NOTEBOOK = "00_start_here.ipynb"
WAITING = "before this one"  # in the sentence of stylelib.support.turns
CLASS = 30
MB = 1e6
LONG = 3600  # seconds that a cell may take
SETTINGS = """
load_subconfig({config!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.db_url = "sqlite:///{out}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{out}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = "{out}/proxy.pid"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{out}/homes/{{username}}"
c.Spawner.mem_limit = None  # which is for all of an account's processes; here all users have one account
c.Spawner.args = [*c.Spawner.args, "--allow-root"]
c.Spawner.environment |= {environment!r}
c.JupyterHub.services.append({{"name": "measure", "api_token": {token!r}}})
c.JupyterHub.load_roles.append(
    {{"name": "measure", "scopes": ["admin:users", "admin:servers", "access:servers"], "services": ["measure"]}}
)
"""


class Hub:
    """A running hub.

    Parameters
    ----------
    process
        The hub's process.
    address
        Of its proxy.
    token
        Which may do everything.
    """

    def __init__(self, process: psutil.Process, address: str, token: str):
        self.process, self.address, self.token = process, address, token

    async def ask(self, path: str, method: str = "GET", body: dict | None = None) -> dict | None:
        """Ask the hub or a user's server for something."""
        request = HTTPRequest(
            self.address + path, method, {"Authorization": f"token {self.token}"}, request_timeout=LONG,
            body=json.dumps(body) if body is not None else "" if method == "POST" else None,
        )  # fmt: skip
        answer = await AsyncHTTPClient().fetch(request)
        return json.loads(answer.body) if answer.body else None

    async def start_server(self, name: str) -> float:
        """Start a user's server; return how many seconds it took until it answered."""
        started = time.monotonic()
        await self.ask(f"/hub/api/users/{name}", "POST")
        await self.ask(f"/hub/api/users/{name}/server", "POST")
        while not (await self.ask(f"/hub/api/users/{name}"))["servers"].get("", {}).get("ready"):
            if time.monotonic() - started > LONG:
                raise SystemExit(f"The server of {name} did not start.")
            await asyncio.sleep(0.5)
        return time.monotonic() - started

    def processes_of(self, name: str) -> list[psutil.Process]:
        """Return the processes of a user: the server and its kernels."""
        found = []
        for one in self.process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if one.environ().get("JUPYTERHUB_USER") == name:
                    found.append(one)
        return found


@contextlib.contextmanager
def running_hub(out: pathlib.Path, environment: dict[str, str]) -> Iterator[Hub]:
    """Start the hub with the settings of jupyterhub_config.py, on free ports of this machine; end it afterwards.

    Parameters
    ----------
    out
        The folder of everything that it writes.
    environment
        More variables for the users' servers.
    """
    proxy = shutil.which("configurable-http-proxy")
    if proxy is None:
        raise SystemExit("This needs the proxy: npm install -g configurable-http-proxy")
    ports, token = free_ports(3), secrets.token_hex(16)
    values = {
        "environment": environment, "config": str(HERE / "jupyterhub_config.py"),
        "out": str(out), "token": token, "proxy": [proxy],
        "port": ports[0], "hub_port": ports[1], "proxy_port": ports[2],
    }  # fmt: skip
    settings = out / "settings.py"
    settings.write_text(SETTINGS.format(**values), encoding="utf-8")
    command = [sys.executable, "-m", "jupyterhub", "-f", str(settings)]
    with open(out / "hub.log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=out, env=os.environ | {"STYLELIB_CLASS": f"{out}/class"}, stdout=log, stderr=log
        )
        hub = Hub(psutil.Process(process.pid), f"http://127.0.0.1:{ports[0]}", token)
        try:
            yield hub
        finally:
            left = hub.process.children(recursive=True)
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            for one in (hub.process, *left):
                with contextlib.suppress(psutil.Error):
                    one.kill()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody uses."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


async def until_ready(hub: Hub) -> None:
    """Wait for the hub's first answer."""
    for _ in range(600):
        if not hub.process.is_running() or hub.process.status() == psutil.STATUS_ZOMBIE:
            raise SystemExit("The hub ended; its log says why.")
        with contextlib.suppress(HTTPClientError, OSError):
            await hub.ask("/hub/api/")
            return
        await asyncio.sleep(0.3)
    raise SystemExit("The hub does not answer; its log may say why.")


async def run_notebook(hub: Hub, name: str, path: str, events: dict) -> None:
    """Run all cells of a notebook in a user's server, as JupyterLab does; stop at an error."""
    base = f"/user/{name}/api"
    document = await hub.ask(f"{base}/contents/{path}")
    notebook = nbformat.from_dict(document["content"])
    session = {"path": path, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
    kernel = (await hub.ask(f"{base}/sessions", "POST", session))["kernel"]["id"]
    address = hub.address.replace("http", "ws", 1) + f"{base}/kernels/{kernel}/channels"
    request = HTTPRequest(address, headers={"Authorization": f"token {hub.token}"})
    socket = await websocket_connect(request, max_message_size=2**30, ping_interval=None)
    started = time.monotonic()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            async for kind, content in execute(socket, cell.source):
                text = content.get("text", "")
                now = time.monotonic() - started
                if kind == "stream" and WAITING in text:
                    events.setdefault("waited from", now)
                    events["said"] = text.strip().split("\r")[-1]
                if kind in ("display_data", "execute_result") and any(part in content["data"] for part in PICTURES):
                    events.setdefault("first picture", now)
                if kind == "error":
                    raise SystemExit(f"{name}: {content['ename']}: {content['evalue']}")
    events["seconds"] = time.monotonic() - started
    socket.close()


PICTURES = ("image/jpeg", "image/png", "text/html")


async def execute(socket, code: str) -> AsyncIterator[tuple[str, dict]]:
    """Run a cell; yield what it outputs, as (kind, content)."""
    message = uuid.uuid4().hex
    header = {"msg_id": message, "msg_type": "execute_request", "username": "", "session": message, "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
    await socket.write_message(
        json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
    )
    while True:
        text = await asyncio.wait_for(socket.read_message(), LONG)
        if text is None:
            raise SystemExit("The kernel's connection was closed: the kernel may have died.")
        answer = json.loads(text)
        kind = answer["header"]["msg_type"]
        if kind == "status" and answer["content"]["execution_state"] in ("dead", "restarting", "autorestarting"):
            raise SystemExit("The kernel died.")
        if answer["parent_header"].get("msg_id") == message:
            if kind == "status" and answer["content"]["execution_state"] == "idle":
                return
            yield kind, answer["content"]


def memory_of(processes: list[psutil.Process]) -> dict[str, float]:
    """Return the memory of processes in MB: pss shares what several have, uss is what would be free without them."""
    total = {"pss": 0.0, "uss": 0.0}
    for one in processes:
        with contextlib.suppress(psutil.Error):
            used = one.memory_full_info()
            total["pss"] += used.pss / MB
            total["uss"] += used.uss / MB
    return total


def cpu_of(processes: list[psutil.Process]) -> float:
    """Return the CPU seconds of processes."""
    total = 0.0
    for one in processes:
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            total += times.user + times.system
    return total


async def sample(hub: Hub, names: list[str], found: dict[str, dict]) -> None:
    """Once in two seconds, note each user's memory and CPU seconds, until this task is cancelled."""
    while True:
        everybody = 0.0
        for name in names:
            processes = hub.processes_of(name)
            used, one = memory_of(processes), found[name]
            one["peak pss"] = max(one.get("peak pss", 0), used["pss"])
            one["peak uss"] = max(one.get("peak uss", 0), used["uss"])
            one["cpu"] = max(one.get("cpu", 0), cpu_of(processes))
            everybody += used["pss"]
        found["all"]["peak pss"] = max(found["all"].get("peak pss", 0), everybody)
        found["all"].setdefault("load", []).append(os.getloadavg()[0])
        await asyncio.sleep(2)


async def measure(hub: Hub, names: list[str], path: str) -> dict[str, dict]:
    """Start the servers at the same second, then the notebooks at the same second; return what was seen."""
    await until_ready(hub)
    found: dict[str, dict] = {name: {} for name in (*names, "all", "hub")}
    ready = await asyncio.gather(*(hub.start_server(name) for name in names))
    await asyncio.sleep(5)
    for name, seconds in zip(names, ready, strict=True):
        found[name]["server ready"] = seconds
        found[name]["idle pss"] = memory_of(hub.processes_of(name))["pss"]
    sampling = asyncio.create_task(sample(hub, names, found))
    try:
        await asyncio.gather(*(run_notebook(hub, name, path, found[name]) for name in names))
        await asyncio.sleep(3)
    finally:
        sampling.cancel()
    users = {one.pid for name in names for one in hub.processes_of(name)}
    rest = [one for one in (hub.process, *hub.process.children(recursive=True)) if one.pid not in users]
    found["hub"] = memory_of(rest)
    return found


def edition(out: pathlib.Path) -> None:
    """Put what students get into the class's folder: the students' edition of the notebooks, with its package."""
    folder = out / "class" / "student"
    folder.mkdir(parents=True)
    student.build(folder)


def report(found: dict[str, dict], names: list[str], at_once: int, preset: str) -> str:
    """Return the measurement as a page, with the arithmetic for a class."""
    mean = {
        key: sum(found[name].get(key, 0) for name in names) / len(names)
        for key in ("idle pss", "peak pss", "peak uss", "cpu", "seconds", "first picture", "server ready")
    }
    shared = max(0.0, mean["peak pss"] - mean["peak uss"]) * len(names)
    memory = (CLASS * mean["peak uss"] + shared + found["hub"]["pss"]) / 1000
    load = found["all"]["load"]
    rows = "\n".join(
        f"| {name} | {one['server ready']:.0f} | {one['idle pss']:.0f} | {one['peak pss']:.0f} | {one['peak uss']:.0f} "
        f"| {one['cpu']:.0f} | {one.get('first picture', 0):.0f} | {one['seconds']:.0f} | {one.get('said', '')} |"
        for name, one in ((name, found[name]) for name in names)
    )
    return f"""\
{len(names)} users ran {NOTEBOOK} at the same time (preset {preset}), at most {at_once} computing at once.
Python {platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} cores. Load average during the
run: {min(load):.1f} to {max(load):.1f}.

| user | server ready, s | PSS idle, MB | PSS peak, MB | USS peak, MB | CPU s | first picture, s | all cells, s | told |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

Hub, proxy and culler: {found["hub"]["pss"]:.0f} MB. All users together, at most: {found["all"]["peak pss"]:.0f} MB.

For {CLASS} users:

- memory: {CLASS} × {mean["peak uss"]:.0f} MB of their own + {shared:.0f} MB shared + {found["hub"]["pss"]:.0f} MB hub
  = {memory:.1f} GB
- computing: {CLASS} × {mean["cpu"]:.0f} CPU s = {CLASS * mean["cpu"]:.0f} CPU s; until all have finished, on 16 cores
  {CLASS * mean["cpu"] / 16 / 60:.1f} minutes, on 8 cores {CLASS * mean["cpu"] / 8 / 60:.1f} minutes
"""


def main() -> None:
    """Read the command line, measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="a new folder")
    parser.add_argument("--users", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--at-once", type=int, default=os.cpu_count(), help="runs at once; default: as many as cores")
    parser.add_argument("--preset", default="laptop", help="default: %(default)s")
    options = parser.parse_args()
    out = options.out.resolve()
    (out / "homes").mkdir(parents=True)
    edition(out)
    turns = f"{out}/class/turns:{options.at_once}"
    environment = {"STYLELIB_PRESET": options.preset, "STYLELIB_TURNS": turns, **ISOLATED}
    names = [f"student-{number + 1}" for number in range(options.users)]
    with running_hub(out, environment) as hub:
        found = asyncio.run(measure(hub, names, f"style-transfer/{NOTEBOOK}"))
    (out / "report.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    text = report(found, names, options.at_once, options.preset)
    (out / "report.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
