"""No number depends on what the caller has set in torch, and no surrounding of a program ends it with a traceback."""

import contextlib
import hashlib
import os
import subprocess
import sys
import threading

import pytest
import torch

import stylelib
from stylelib.support.ambient import settled
from tests.picture_files import colours

pytestmark = pytest.mark.fault(3)


@contextlib.contextmanager
def switched(read, write, value):
    before = read()
    write(value)
    try:
        yield
    finally:
        write(before)


def default_type(dtype):
    return lambda: switched(torch.get_default_dtype, torch.set_default_dtype, dtype)


def rounded_products(value):
    return lambda: switched(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, value)


def strict():
    return switched(torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms, True)


SETTINGS = {
    "gradients off": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast to bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "float64 by default": default_type(torch.float64),
    "float16 by default": default_type(torch.float16),
    "bfloat16 by default": default_type(torch.bfloat16),
    "the meta device by default": lambda: torch.device("meta"),
    "deterministic algorithms": strict,
    "products rounded to TF32": rounded_products("high"),
    "products rounded to bfloat16": rounded_products("medium"),
    "gradients in one thread": lambda: torch.autograd.set_multithreading_enabled(False),
    "tensors for gradients kept elsewhere": torch.autograd.graph.save_on_cpu,
}


def digest(tensor):
    assert (tensor.dtype, tensor.device.type, tensor.is_inference()) == (torch.float32, "cpu", False)
    return hashlib.sha256(tensor.detach().numpy().tobytes()).hexdigest()[:12]


def numbers(folder):
    """What the package computes, from the network to a saved run, in a few numbers."""
    photo = stylelib.load_image("riverside", 48)
    net = stylelib.load_network("compact", device="cpu")
    run = stylelib.style_transfer("riverside", "night_swirls", net, size=64, steps=3, first_size=32).finish()
    path = run.save(folder / "run.pt")
    resumed = stylelib.Synthesis.load(path)
    resumed.steps = 4
    mask = torch.ones(photo.shape[-2:], dtype=torch.float32, device="cpu")
    terms = [stylelib.Content(net, photo, mask=mask), stylelib.Smoothness(1e-3)]
    masked = stylelib.Synthesis(terms, "noise", steps=2, optimizer="adam").finish()
    masked.change_terms(terms[:1])
    total, _ = stylelib.total_loss(terms, photo)
    drawn = stylelib.load_network("compact-random", device="cpu", normalize=False)
    with torch.inference_mode(False), torch.no_grad():
        return {
            "picture": digest(photo),
            "noise": digest(stylelib.noise(8, 8)),
            "array": digest(stylelib.load_image(colours())),
            "weights": digest(next(iter(net.parameters()))),
            "random weights": digest(next(iter(drawn.parameters()))),
            "transfer": digest(run.image),
            "resumed": digest(resumed.finish().image),
            "masked": digest(masked.image),
            "losses": (run.losses, masked.losses, total.item()),
        }


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return numbers(tmp_path_factory.mktemp("usual"))


@pytest.fixture
def one_thread():
    with switched(torch.get_num_threads, torch.set_num_threads, 1):
        yield


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_callers_settings_change_no_number(setting, usual, tmp_path):
    with SETTINGS[setting]():
        assert numbers(tmp_path) == usual


def test_the_callers_settings_are_put_back():
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), torch.device("meta"):
        with settled():
            assert not torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
            assert not torch.is_autocast_enabled("cpu") and torch.empty(1).device.type == "cpu"
        assert torch.is_inference_mode_enabled() and torch.is_autocast_enabled("cpu")
        assert torch.empty(1).device.type == "meta"
    with settled():
        assert torch.is_grad_enabled()


def test_a_loop_over_a_run_keeps_the_callers_settings_in_its_body(net, photo):
    with torch.inference_mode():
        for _ in stylelib.Synthesis(stylelib.Content(net, photo), "noise", steps=2):
            assert torch.is_inference_mode_enabled()


def test_pictures_made_in_inference_mode_can_be_optimised_outside_of_it(net):
    with torch.inference_mode():
        photo = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
        start = photo.flip(3)
    run = stylelib.Synthesis(stylelib.Content(net, photo), start, steps=2).finish()
    assert run.losses["content conv4_2"] < run.history[0].losses["content conv4_2"]


def test_settings_of_another_thread_do_not_matter(net, photo):
    found = []

    def compute():
        found.append(digest(stylelib.Synthesis(stylelib.Content(net, photo), "noise", steps=2).finish().image))

    compute()
    with torch.inference_mode():
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
    assert found[0] == found[1]


# ---- What surrounds a program

CODE = """
import hashlib, torch
torch.set_num_threads(1)
import stylelib
run = stylelib.style_transfer("riverside", "night_swirls", "compact", size=48, steps=2).finish()
digest = hashlib.sha256(run.image.numpy().tobytes()).hexdigest()
"""
FORKED = """
import multiprocessing
def compute(queue):
    run = stylelib.style_transfer("riverside", "night_swirls", "compact", size=48, steps=2).finish()
    queue.put(hashlib.sha256(run.image.numpy().tobytes()).hexdigest())
if __name__ == "__main__":
    context = multiprocessing.get_context({!r})
    queue = context.Queue()
    process = context.Process(target=compute, args=(queue,))
    process.start()
    print(queue.get(timeout=100))
    process.join()
"""
unix = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A folder for weights of its own, in which the means have been kept already."""
    folder = tmp_path_factory.mktemp("weights")
    return {**os.environ, "STYLELIB_WEIGHTS": str(folder), "OMP_NUM_THREADS": "1", "MPLCONFIGDIR": str(folder)}


def python(*arguments, environment, **options):
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, timeout=200, **options)
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    return done


@pytest.fixture(scope="module")
def usual_process(environment):
    return python("-c", CODE + "print(digest)", environment=environment).stdout.decode().split()[-1]


@pytest.mark.parametrize("method", [pytest.param("fork", marks=unix), "spawn"])
def test_a_process_that_was_forked_or_spawned_computes_the_same(method, environment, usual_process, tmp_path):
    (tmp_path / "program.py").write_text(CODE + FORKED.format(method), encoding="utf-8")
    done = python(tmp_path / "program.py", environment=environment)
    assert done.stdout.decode().split()[-1] == usual_process


COMMAND = (
    "-m",
    "stylelib",
    "transfer",
    "riverside",
    "night_swirls",
    "--network",
    "compact",
    "--size",
    "48",
    "--steps",
    "2",
)


def shell(environment, folder, *more, **options):
    done = python(*COMMAND, "-o", folder / "out.png", *more, environment=environment, **options)
    assert done.returncode in (0, 2)
    return done


@pytest.fixture(scope="module")
def usual_picture(environment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("usual")
    assert shell(environment, folder).returncode == 0
    return pixels(folder)


def pixels(folder):
    return stylelib.load_image(folder / "out.png").numpy().tobytes()


CLOSED = """
import os, sys
for number in sys.argv[1].split(","):
    os.close(int(number))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
AROUND = {
    "locale C": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a locale that is not there": {"LC_ALL": "xx_YY.UTF-8"},
    "no HOME": {"HOME": None, "USERPROFILE": None, "STYLELIB_WEIGHTS": None, "XDG_CACHE_HOME": None},
    "HOME is a file": {"HOME": os.devnull, "STYLELIB_WEIGHTS": None},
    "a weights folder that is a file": {"STYLELIB_WEIGHTS": sys.executable},
    "an encoding of bytes": {"PYTHONIOENCODING": "ascii"},
    "threads that are nonsense": {"OMP_NUM_THREADS": "many"},
    "no environment but PATH": None,
}


@pytest.mark.fault(14)
@pytest.mark.parametrize("kind", AROUND)
def test_an_environment_changes_no_pixel(kind, environment, usual_picture, tmp_path):
    changes = AROUND[kind]
    if changes is None:
        kept = ("PATH", "PYTHONPATH", "SYSTEMROOT", "OMP_NUM_THREADS")
        environment = {name: environment[name] for name in kept if name in environment}
    else:
        environment = {name: value for name, value in {**environment, **changes}.items() if value is not None}
    assert shell(environment, tmp_path).returncode == 0
    if kind == "threads that are nonsense":  # torch then takes all cores, whose sums differ in the last bits
        return
    assert pixels(tmp_path) == usual_picture


@unix
@pytest.mark.fault(14)
@pytest.mark.parametrize("closed", ["0", "1", "2", "1,2", "0,1,2"])
def test_streams_that_are_closed_change_no_pixel(closed, environment, usual_picture, tmp_path):
    shell_of_python = [sys.executable, "-c", CLOSED, closed, *COMMAND, "-o", tmp_path / "out.png"]
    done = subprocess.run(shell_of_python, env=environment, capture_output=True, timeout=200)
    assert done.returncode == 0 and b"Traceback" not in done.stderr
    assert pixels(tmp_path) == usual_picture


@unix
@pytest.mark.fault(14)
def test_output_to_a_full_device_is_one_sentence_and_the_picture_is_there(environment, usual_picture, tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("needs a device that is always full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, *COMMAND, "-o", tmp_path / "out.png"], env=environment, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2 and pixels(tmp_path) == usual_picture
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith("stylelib: ") and "No space left" in last and b"Traceback" not in done.stderr


NOBODY = """
import os, pwd, runpy, sys
def unknown(*_):
    raise KeyError("getpwuid(): uid not found")
pwd.getpwuid = unknown
del sys.argv[0]
runpy.run_module("stylelib", run_name="__main__", alter_sys=True)
"""


@unix
@pytest.mark.fault(14)
def test_a_user_without_a_name_and_a_home_gets_the_picture_and_is_told_where_weights_can_be(
    environment, usual_picture, tmp_path
):
    """As in a container that runs with a number that no user has."""
    known = ("HOME", "XDG_CACHE_HOME", "STYLELIB_WEIGHTS")  # all that could name a folder for weights
    alone = {name: value for name, value in environment.items() if name not in known}
    done = python("-c", NOBODY, *COMMAND[1:], "-o", tmp_path / "out.png", environment=alone)
    assert done.returncode == 0 and pixels(tmp_path) == usual_picture
    done = python("-c", NOBODY, "stylelib", "fetch", "vgg11", environment=alone)
    assert done.returncode == 2 and b"set STYLELIB_WEIGHTS to a folder" in done.stderr


@unix
@pytest.mark.fault(14)
def test_an_interrupt_while_torch_is_imported_prints_no_traceback(environment, tmp_path):
    """A package of the same name stands in, because the moment cannot be hit otherwise."""
    (tmp_path / "torch.py").write_text(
        "import os, signal; os.kill(os.getpid(), signal.SIGINT)\nimport time; time.sleep(60)"
    )
    path = os.pathsep.join([str(tmp_path), environment.get("PYTHONPATH", ""), os.getcwd()])
    done = subprocess.run(
        [sys.executable, "-m", "stylelib", "check"],
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in (-2, 130) and done.stderr == b""
