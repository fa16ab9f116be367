"""The hub for a class: its settings, how a student's server starts, and, where JupyterHub is installed, a real hub."""

import contextlib
import importlib.util
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import time
import urllib.request

import pytest
import yaml
from traitlets.config import PyFileConfigLoader

from stylelib.support import turns

ROOT = pathlib.Path(__file__).parents[1]
HUB = ROOT / "tools" / "hub"
START = HUB / "start.py"
FIRST = "/lab/tree/style-transfer/00_start_here.ipynb"

posix = pytest.mark.skipif(sys.platform == "win32", reason="a hub runs on Linux")
needs_jupyterhub = pytest.mark.skipif(
    importlib.util.find_spec("jupyterhub") is None, reason="needs JupyterHub: pip install jupyterhub"
)


def settings(name, folder, monkeypatch):
    monkeypatch.setenv("STYLELIB_CLASS", str(folder))
    return PyFileConfigLoader(name, path=str(HUB)).load_config()


def started(home, *command, **environment):
    """What a command says that start.py becomes."""
    return subprocess.run(
        [sys.executable, START, *command], env={**os.environ, "HOME": str(home), **environment},
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def edition(tmp_path):
    folder = tmp_path / "class" / "student"
    (folder / "stylelib").mkdir(parents=True)
    (folder / "00_start_here.ipynb").write_text("as handed out")
    (folder / "stylelib" / "terms.py").write_text("the package")
    return folder


@posix
def test_every_server_gets_the_same_limits_and_the_class_folder(tmp_path, monkeypatch):
    found = settings("classroom.py", tmp_path, monkeypatch).Spawner
    assert (found.mem_limit, found.cpu_limit, found.default_url) == ("2G", 1, FIRST)
    assert found.cmd == ["python3", str(tmp_path / "start.py"), "jupyterhub-singleuser"]
    assert (tmp_path / "start.py").read_bytes() == START.read_bytes()
    assert found.environment["OMP_NUM_THREADS"] == "1"
    assert found.environment["STYLELIB_EDITION"] == str(tmp_path / "student")
    assert found.environment["STYLELIB_WEIGHTS"] == str(tmp_path / "weights")


@posix
@pytest.mark.skipif(importlib.util.find_spec("voila") is None, reason="needs Voilà: pip install voila")
def test_the_studio_is_shown_without_code_around_it(tmp_path, monkeypatch):
    """Behind the hub Voilà runs inside the student's server, with that server's settings."""
    arguments = settings("classroom.py", tmp_path, monkeypatch).Spawner.args
    shutil.copy(ROOT / "notebooks" / "studio.ipynb", tmp_path)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    environment = os.environ | own | {"PYTHONPATH": str(ROOT), "JUPYTER_PREFER_ENV_PATH": "1"}
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", f"--port={port}", "--IdentityProvider.token="]
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen([*command, *arguments], cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api/status", timeout=60).close()
                break
            time.sleep(0.2)
        page = urllib.request.urlopen(f"{address}/voila/render/studio.ipynb", timeout=300).read().decode()
    finally:
        server.terminate()
        server.wait(30)
    assert page.rstrip().endswith("</html>"), (tmp_path / "log").read_text()
    assert "This is what comes out" in page and "widget-view+json" in page
    assert "from stylelib" not in page


@posix
def test_a_place_in_line_can_be_taken_without_writing_into_the_folder(tmp_path, monkeypatch):
    value = settings("classroom.py", tmp_path, monkeypatch).Spawner.environment[turns.VARIABLE]
    monkeypatch.setenv(turns.VARIABLE, value)
    line = turns.line()
    places = sorted(path.name for path in (tmp_path / "turns").iterdir())
    assert line.at_once == os.cpu_count() and len(places) == line.at_once + turns.LENGTH
    assert all(stat.S_IMODE((tmp_path / "turns" / name).stat().st_mode) == 0o666 for name in places)
    assert turns.before() == 0
    turns.over()
    assert sorted(path.name for path in (tmp_path / "turns").iterdir()) == places


@posix
def test_a_hub_of_ones_own_limits_each_process_and_ends_idle_servers(tmp_path, monkeypatch):
    found = settings("jupyterhub_config.py", tmp_path, monkeypatch)
    assert found.Spawner.environment["STYLELIB_PROCESS_MEMORY"] == found.Spawner.mem_limit == "2G"
    assert found.Spawner.environment["PATH"].startswith(str(pathlib.Path(sys.executable).parent))
    (culler,), (role,) = found.JupyterHub.services, found.JupyterHub.load_roles
    assert culler["command"][1:3] == ["-m", "jupyterhub_idle_culler"] and "--timeout=3600" in culler["command"]
    assert role["services"] == [culler["name"]] and "delete:servers" in role["scopes"]


@posix
@needs_jupyterhub
def test_jupyterhub_knows_every_setting(tmp_path, monkeypatch):
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import PAMAuthenticator
    from jupyterhub.scopes import scope_definitions
    from jupyterhub.spawner import LocalProcessSpawner

    classes = {"JupyterHub": JupyterHub, "Spawner": LocalProcessSpawner, "PAMAuthenticator": PAMAuthenticator}
    found = settings("jupyterhub_config.py", tmp_path, monkeypatch)
    for name, values in found.items():
        made = classes[name]() if name != "JupyterHub" else None
        for trait, value in values.items():
            assert trait in classes[name].class_traits(config=True), f"{name}.{trait}"
            if made is not None:
                setattr(made, trait, value)  # raises if the value is wrong
    assert set(found.JupyterHub.load_roles[0]["scopes"]) <= set(scope_definitions)


def test_the_values_for_kubernetes_agree_with_the_other_hubs(tmp_path, monkeypatch):
    values = yaml.safe_load((HUB / "zero-to-jupyterhub.yaml").read_text(encoding="utf-8"))
    assert set(values) == {"singleuser", "hub", "cull", "scheduling"}
    one = values["singleuser"]
    assert one["memory"] == {"limit": "2G", "guarantee": "1G"} and one["cpu"]["guarantee"] < one["cpu"]["limit"]
    assert one["defaultUrl"] == FIRST
    assert one["cmd"][:3] == ["python3", "/srv/stylelib/start.py", "jupyterhub-singleuser"]
    assert all(isinstance(value, str) for value in one["extraEnv"].values()), "Kubernetes takes texts"
    (mount,), (volume,) = one["storage"]["extraVolumeMounts"], one["storage"]["extraVolumes"]
    assert mount["readOnly"] and volume["persistentVolumeClaim"]["readOnly"] and mount["name"] == volume["name"]
    claim, job = yaml.safe_load_all((HUB / "class-volume.yaml").read_text(encoding="utf-8"))
    assert claim["metadata"]["name"] == volume["persistentVolumeClaim"]["claimName"]
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == f"{one['image']['name']}:{one['image']['tag']}"
    assert container["volumeMounts"][0]["mountPath"] == mount["mountPath"]
    if sys.platform != "win32":
        spawner = settings("classroom.py", tmp_path, monkeypatch).Spawner
        assert one["cmd"][3:] == spawner.args and one["memory"]["limit"] == spawner.mem_limit
        for name, value in one["extraEnv"].items():
            assert spawner.environment[name] == value.replace("/srv/stylelib", str(tmp_path))


@posix
def test_a_student_gets_what_is_missing_and_keeps_what_is_there(edition, tmp_path):
    home, say = tmp_path / "ada", [sys.executable, "-c", "print('the server')"]
    home.mkdir()
    assert started(home, *say, STYLELIB_EDITION=str(edition)) == "the server"
    mine = home / "style-transfer"
    assert (mine / "stylelib" / "terms.py").read_text() == "the package"
    (mine / "00_start_here.ipynb").write_text("changed")
    (mine / "stylelib" / "terms.py").unlink()
    (edition / "01_new.ipynb").write_text("new")
    started(home, *say, STYLELIB_EDITION=str(edition))
    assert (mine / "00_start_here.ipynb").read_text() == "changed"
    assert (mine / "stylelib" / "terms.py").exists() and (mine / "01_new.ipynb").read_text() == "new"


@posix
def test_a_student_without_an_edition_or_room_can_log_in_all_the_same(edition, tmp_path):
    (tmp_path / "style-transfer").write_text("a file in the way")
    say = [sys.executable, "-c", "print('the server')"]
    assert started(tmp_path, *say, STYLELIB_EDITION=str(edition)) == "the server"
    assert started(tmp_path, *say) == "the server"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
@pytest.mark.parametrize(
    "text, limit", [("2G", 2**31), ("1.5G", 3 * 2**29), ("800M", 800 * 2**20), ("999999999", 999999999)]
)
def test_the_memory_of_a_process_is_limited(text, limit, tmp_path):
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0])"
    assert started(tmp_path, sys.executable, "-c", code, STYLELIB_PROCESS_MEMORY=text) == str(limit)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
def test_a_run_that_exceeds_the_limit_is_told_a_smaller_size_and_the_kernel_lives(tmp_path):
    code = (
        "import torch, stylelib\n"
        "from stylelib.support.machine import computing\n"
        "try:\n"
        "    with computing(torch.empty(1, 3, 900, 900, device='meta')):\n"
        "        torch.ones(2**29)\n"  # 2 GiB
        "except stylelib.InputError as error:\n"
        "    print(error)\n"
    )
    environment = {"STYLELIB_PROCESS_MEMORY": "2G", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    said = started(tmp_path, sys.executable, "-W", "ignore", "-c", code, **environment)
    assert said == "900 × 900 pixels need more memory than is free; try size=600."


@posix
@needs_jupyterhub
@pytest.mark.skipif(shutil.which("configurable-http-proxy") is None, reason="needs npm's configurable-http-proxy")
def test_two_students_run_a_notebook_in_a_real_hub_and_one_waits_for_the_other(tmp_path):
    command = [sys.executable, HUB / "measure.py", tmp_path / "out", "--users", "2", "--at-once", "1"]
    done = subprocess.run([*command, "--preset", "quick"], capture_output=True, text=True, timeout=900)
    log = tmp_path / "out" / "hub.log"
    assert done.returncode == 0, f"{done.stderr}\n{log.read_text() if log.exists() else ''}"
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    students = [one for name, one in found.items() if name.startswith("student")]
    assert len(students) == 2 and all(one["seconds"] > 0 for one in students)
    assert "Waiting: 1 run is before this one." in {one.get("said") for one in students}
    assert all(one["idle pss"] < one["peak pss"] < 2000 for one in students)
    assert "For 30 users" in done.stdout
