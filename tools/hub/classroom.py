"""What every student's server gets: notebooks, weights, limits, threads, and a place in line.

JupyterHub's settings, for a hub of one's own (jupyterhub_config.py loads this file) and for The Littlest JupyterHub
(link it into /opt/tljh/config/jupyterhub_config.d). docs/teaching/hub.md says what the numbers come from.
"""

import os
import pathlib
import shutil

c = get_config()  # noqa: F821, JupyterHub's

MEMORY = "2G"  # of a student's whole server; one notebook needs less than half of it
AT_ONCE = os.cpu_count()  # runs that compute at once; the others wait in line and say so
IDLE_KERNEL = 15 * 60  # seconds after which the kernel of a closed notebook ends, because it keeps its memory
# With the manager of files that is Jupyter's default, Voilà cannot show a notebook that has a picture in its text.
FILES = "jupyter_server.services.contents.largefilemanager.LargeFileManager"
FOLDER = pathlib.Path(os.environ.get("STYLELIB_CLASS", "/srv/stylelib"))  # of the class, readable by all

START = FOLDER / "start.py"
TURNS = FOLDER / "turns"
TURNS.mkdir(parents=True, exist_ok=True)
shutil.copyfile(pathlib.Path(__file__).resolve().with_name("start.py"), START)  # so students need not see this folder
for number in range(AT_ONCE + 64):  # made here, so that students need not write into a folder of others
    place = TURNS / f"place-{number:03}.lock"
    place.touch()
    place.chmod(0o666)

c.Spawner.environment = {
    "STYLELIB_EDITION": str(FOLDER / "student"),
    "STYLELIB_WEIGHTS": str(FOLDER / "weights"),
    "STYLELIB_TURNS": f"{TURNS}:{AT_ONCE}",
    "OMP_NUM_THREADS": "1",  # the cores are shared by those who compute, not by the threads of one
    "GOMP_SPINCOUNT": "1000",
}
c.Spawner.cmd = ["python3", str(START), "jupyterhub-singleuser"]
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={IDLE_KERNEL}",
    f"--ServerApp.contents_manager_class={FILES}",
]
c.Spawner.mem_limit = MEMORY
c.Spawner.cpu_limit = 1
c.Spawner.default_url = "/lab/tree/style-transfer/00_start_here.ipynb"
c.Spawner.start_timeout = 300  # thirty servers that start together need longer than one
c.Spawner.http_timeout = 300
c.JupyterHub.concurrent_spawn_limit = 2 * AT_ONCE
