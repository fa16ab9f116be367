"""A hub on one server: sudo jupyterhub -f tools/hub/jupyterhub_config.py. docs/teaching/hub.md has all steps.

Students log in with their accounts of this machine, and their servers run under these accounts.
"""

import os
import pathlib
import sys

c = get_config()  # noqa: F821, JupyterHub's
load_subconfig(str(pathlib.Path(__file__).with_name("classroom.py")))  # noqa: F821, JupyterHub's

IDLE_SERVER = 60 * 60  # seconds after which a server that nobody uses ends; files stay

c.JupyterHub.bind_url = "http://:8000"  # for HTTPS put a web server before it, see JupyterHub's documentation
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allow_all = True
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
# The local spawner sets no limits itself: tools/hub/start.py limits each process.
c.Spawner.environment["STYLELIB_PROCESS_MEMORY"] = str(c.Spawner.mem_limit)
c.Spawner.environment["PATH"] = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE_SERVER}", "--cull-every=300"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
