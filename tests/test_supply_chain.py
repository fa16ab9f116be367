"""What comes from outside: nothing is unpickled, nothing is run, and the network is used only where that was asked."""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.fault(5)
ROOT = pathlib.Path(__file__).parents[1]
FILES = sorted((ROOT / "stylelib").rglob("*.py"))

# Workers are processes that the caller has started itself, and speak with it through a pipe.
OWN_PROCESSES = {"sweeps/workers.py", "sweeps/parcels.py"}
NEVER = {"eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "marshal.loads", "shelve.open", "joblib.load"}
UNPICKLING = {"pickle.load", "pickle.loads", "cloudpickle.load", "cloudpickle.loads", "pickle.Unpickler"}


def calls(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}, node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT / "stylelib").as_posix())
def test_nothing_from_outside_is_unpickled_or_run(path):
    name = path.relative_to(ROOT / "stylelib").as_posix()
    for function, named, line in calls(path):
        where = f"{name}, line {line}: {function}"
        assert function not in NEVER, where
        assert function not in UNPICKLING or name in OWN_PROCESSES, where
        assert function != "torch.load" or named.get("weights_only") == "True", where
        assert not function.endswith("np.load") or "allow_pickle" not in named, where
        assert named.get("shell") != "True", where
        assert function != "PIL.Image.open" or "formats" in named, where


def test_the_scan_finds_what_it_looks_for():
    found = {function for path in FILES for function, _, _ in calls(path)}
    assert {"torch.load", "pickle.loads", "PIL.Image.open", "subprocess.Popen"} <= found


# ---- The network is not used unasked

REFUSE = """
import os, socket, sys, warnings
asked = []
def refuse(*arguments, **named):
    asked.append(arguments)
    raise OSError("no network in this test")
real = socket.socket.connect
def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        refuse(address)
    return real(self, address)
socket.socket.connect = socket.socket.connect_ex = connect
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
"""
USES = {
    "the import": "import stylelib",
    "a transfer": (
        "import stylelib\n"
        "run = stylelib.style_transfer('riverside', 'night_swirls', size=48, steps=1).finish()\n"
        "run.describe(); stylelib.save_image(run.image, 'out.png')"
    ),
    "a default network": "import stylelib; stylelib.load_network()",
    "a recipe of a network that is not here": (
        "import stylelib\n"
        "recipe = stylelib.Recipe(network='vgg19', size=48)\n"
        "recipe.check(); recipe.code()"
    ),
    "a sweep": (
        "import stylelib\n"
        "from stylelib.sweeps import grid, sweep\n"
        "recipe = stylelib.Recipe(size=32, steps=1, network='compact11-random')\n"
        "assert len(sweep(grid(recipe, alpha_beta=[0.1, 1]), 'folder', workers=1)) == 2"
    ),
    "the studio": (
        "from stylelib.studio.app import Studio\n"
        "from stylelib.studio.panels import panel\n"
        "Studio().close(); panel('07_content_layer').close()"
    ),
    "figures and recordings": (
        "import stylelib, stylelib.figures\n"
        "from stylelib.paper import recorded\n"
        "stylelib.figures.contact_sheet([stylelib.load_image('riverside', 32)]).jpeg()\n"
        "stylelib.preset(); stylelib.bundled_images()"
    ),
    "the shell": "from stylelib.shell.commands import main; main(['check']); main(['table', 'vgg19'])",
}  # fmt: skip


@pytest.mark.parametrize("use", USES)
def test_the_network_is_not_used_unasked(use, tmp_path):
    code = f"{REFUSE}\nwarnings.simplefilter('ignore')\n{USES[use]}\nassert not asked, asked\nprint('done')"
    environment = {**os.environ, "STYLELIB_WEIGHTS": str(tmp_path / "weights"), "PYTHONPATH": path_of_the_package()}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.endswith("done\n"), done.stderr


def test_a_download_would_be_noticed(tmp_path):
    """The control: what was asked for does use the network."""
    asking = (
        "try:\n    stylelib.load_network('vgg11')\nexcept stylelib.InputError as error:\n    print(len(asked), error)"
    )
    code = f"{REFUSE}\nimport stylelib\n{asking}"
    environment = {**os.environ, "STYLELIB_WEIGHTS": str(tmp_path / "weights"), "PYTHONPATH": path_of_the_package()}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    count, _, said = done.stdout.splitlines()[-1].partition(" ")
    assert int(count) > 0 and "could not be downloaded" in said


def path_of_the_package():
    return os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
