"""The shell: python -m stylelib, its results, exit codes and messages.

What belongs to the process (exit codes, signals, streams, the terminal) is tested in processes of their own; all else
calls the same `main` in this one, because starting torch takes seconds.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import zlib

import av
import numpy as np
import PIL.Image
import pooch
import pytest
import torch

import stylelib
from stylelib import Recipe, images, sweeps
from stylelib.shell import commands, running
from stylelib.shell.commands import main
from stylelib.storage import keeping
from stylelib.support import gallery
from stylelib.weights import networks

ROOT = pathlib.Path(stylelib.__file__).parents[1]
SMALL = ["--network", "compact", "--device", "cpu", "--size", "64"]
TRANSFER = ["transfer", "riverside", "night_swirls", *SMALL]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setenv("STYLELIB_PRESET", "quick")


def environment():
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"}


def start(*arguments, **options):
    """A process that can be interrupted, even if the tests themselves cannot (as a shell's background job)."""
    command = [sys.executable, "-m", "stylelib", *map(str, arguments)]
    if sys.platform != "win32":
        options["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(command, env=environment(), text=True, encoding="utf-8", **options)


def pixels(path):
    with PIL.Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


# ----------------------------------------------------------------------------------------------------- in a process


def test_a_transfer_writes_its_picture_and_says_what_made_it(tmp_path):
    process = start(*TRANSFER, "-o", "out.png", cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    assert process.returncode == 0
    assert out.startswith("out.png: compact") and "Stopped: all 8 steps are done." in out
    assert err == ""  # no progress bar where nobody looks
    assert os.listdir(tmp_path) == ["out.png"]
    result, photo = pixels(tmp_path / "out.png"), stylelib.load_image("riverside", 64)
    assert result.shape == (*photo.shape[-2:], 3)
    assert np.abs(result - 255 * photo[0].permute(1, 2, 0).numpy()).mean() > 5


def test_a_mistake_is_one_sentence_on_stderr_and_exit_code_2(tmp_path):
    process = start("transfer", "riversid", "night_swirls", "-o", "out.png", cwd=tmp_path,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert re.fullmatch(r"stylelib: There is no .* 'riversid'\. Did you mean 'riverside'\? Known: .*\.\n", err)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals of this kind")
def test_an_interrupt_on_a_terminal_saves_the_picture_and_the_run(tmp_path):
    import pty
    import termios

    terminal, other_end = pty.openpty()
    termios.tcsetwinsize(other_end, (24, 100))
    process = start(
        *[*TRANSFER, "-o", tmp_path / "out.png", "--save-run", tmp_path / "run.pt", "--steps", "100000"],
        stdout=subprocess.PIPE,
        stderr=other_end,
    )
    os.close(other_end)
    seen, interrupted = "", False
    with open(terminal, "rb", buffering=0) as screen, contextlib.suppress(OSError):  # with which Linux ends a terminal
        while piece := screen.read(1000):
            seen += piece.decode(errors="replace")
            if not interrupted and re.search(r"\b([3-9]|\d\d+)/100000", seen):  # the bar counts the steps
                process.send_signal(signal.SIGINT)
                interrupted = True
    out, _ = process.communicate()
    assert process.returncode == 130
    assert re.search(r"\[\d\d:\d\d<.*step.*loss", seen)  # time gone and left, speed
    assert "Traceback" not in seen
    steps = int(re.search(r"Stopped: interrupted after step (\d+)\.", out)[1])
    run = stylelib.Synthesis.load(tmp_path / "run.pt")
    assert run.number == steps >= 3
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), images.to_array(run.image))
    assert sorted(os.listdir(tmp_path)) == ["out.png", "run.pt"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
@pytest.mark.fault(11)
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGHUP"])
def test_whatever_ends_it_the_run_can_be_continued_to_the_bit(name, tmp_path):
    """Ended after its first checkpoint, and continued: the picture is the one of a run that nothing has ended."""
    code = (
        "import sys; from stylelib.shell import commands; from stylelib.storage import keeping; keeping.EVERY = 0.2; "
        "sys.exit(commands.run())"
    )
    arguments = [*TRANSFER, "--size", "48", "--steps", "40", "-o", "out.png"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, env=environment(), text=True, stderr=subprocess.PIPE
    )
    checkpoint = tmp_path / "out.png.run.pt"
    while not checkpoint.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(getattr(signal, name))
    process.communicate()
    if name == "SIGKILL":
        assert process.returncode == -signal.SIGKILL and not (tmp_path / "out.png").exists()
        left = str(checkpoint)
    else:
        assert process.returncode in (0, 130) and (tmp_path / "out.png").exists() and not checkpoint.exists()
        return
    assert main([*arguments[:-1], str(tmp_path / "out.png")]) == 2, "the same command does not write over it"
    # in processes as well, because another number of threads adds up in another order
    assert start("resume", left, "-o", tmp_path / "out.png").wait() == 0
    assert start(*arguments[:-1], tmp_path / "whole.png").wait() == 0
    assert (pixels(tmp_path / "out.png") == pixels(tmp_path / "whole.png")).all()
    assert sorted(os.listdir(tmp_path)) == ["out.png", "whole.png"]


@pytest.mark.fault(12)
def test_a_file_that_cannot_be_written_costs_neither_the_others_nor_the_run(call, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(running, "save_image", full)
    out, animation = tmp_path / "out.png", tmp_path / "out.gif"
    code, _, err = call(*TRANSFER, "--steps", "3", "-o", out, "--animation", animation)
    assert code == 2 and "No space left on device" in err and "python -m stylelib resume" in err
    assert animation.exists() and stylelib.Synthesis.load(tmp_path / "out.png.run.pt").number == 3
    monkeypatch.undo()
    assert call("resume", tmp_path / "out.png.run.pt", "-o", out)[0] == 0 and out.exists()


def test_a_recipe_s_later_changes_are_made_after_an_end_too(call, tmp_path, monkeypatch):
    """Ended between two changes of α/β, and continued with the recipe: to the bit as if it had not been ended."""
    recipe = Recipe(size=48, steps=9, changes=((2, 1.0), (6, 0.05)))
    path, out, whole = tmp_path / "mine.json", tmp_path / "out.png", tmp_path / "whole.png"
    recipe.save(path)
    assert call("recipe", path, "-o", whole)[0] == 0
    save = stylelib.Synthesis.save

    def save_and_die(run, path, recipe):
        save(run, path, recipe)
        if run.number == 4:
            raise SystemExit("killed")

    monkeypatch.setattr(keeping, "EVERY", 0)
    monkeypatch.setattr(stylelib.Synthesis, "save", save_and_die)
    with pytest.raises(SystemExit):
        call("recipe", path, "-o", out)
    monkeypatch.undo()
    code, _, err = call("recipe", path, "-o", out)
    assert code == 2 and not out.exists()
    line = re.search("`python -m stylelib (.+?)`", err)[1]
    assert call(*line.split())[0] == 0
    assert (pixels(out) == pixels(whole)).all()


@pytest.mark.fault(12)
@pytest.mark.parametrize("kept", [True, False])
def test_it_is_said_whether_the_run_is_kept_where_an_output_fails(kept, call, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(running, "save_image", full)
    if not kept:
        monkeypatch.setattr(stylelib.Synthesis, "save", full)
    code, _, err = call(*TRANSFER, "--steps", "2", "-o", tmp_path / "out.png", "--save-run", tmp_path / "run.pt")
    assert code == 2 and "out.png could not be written" in err
    assert ("The run is kept: `python -m stylelib resume" in err) is kept is (tmp_path / "run.pt").exists()
    assert ("run.pt could not be written" in err) is not kept


@pytest.mark.filterwarnings("default")
def test_a_run_that_cannot_be_saved_goes_on(call, tmp_path, monkeypatch):
    def unsaved(self, path, recipe):
        raise stylelib.support.errors.InputError("this term has no arguments().")

    monkeypatch.setattr(keeping, "EVERY", 0)
    monkeypatch.setattr(stylelib.Synthesis, "save", unsaved)
    code, _, err = call(*TRANSFER, "--steps", "3", "-o", tmp_path / "out.png")
    assert code == 0 and err.count("No checkpoint can be saved") == 1 and (tmp_path / "out.png").exists()


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with running.signals(signal.default_int_handler, "SIGTERM"):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


# ------------------------------------------------------------------------------------------------- what commands do


@pytest.mark.parametrize("command", [["content", "riverside"], ["style", "night_swirls"]])
def test_the_paper_s_reconstructions_can_be_made(command, call, tmp_path):
    code, out, err = call(*command, *SMALL, "--steps", "2", "-o", tmp_path / "out.jpg")
    assert (code, err) == (0, "")
    assert f"{command[0]} conv" in out and "from noise" in out and "2 steps" in out
    assert pixels(tmp_path / "out.jpg").std() > 10


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(optimizer, call, tmp_path):
    files = {name: tmp_path / f"{name}.png" for name in ("one", "same", "other")}
    for name, path in files.items():
        seed = "7" if name == "other" else "3"
        options = ["--init", "noise", "--optimizer", optimizer, "--steps", "3", "--seed", seed, "-o", path]
        code, out, _ = call(*TRANSFER, *options)
        assert code == 0 and {"lbfgs": "L-BFGS", "adam": "Adam"}[optimizer] in out and f"seed {seed}" in out
    one, same, other = (path.read_bytes() for path in files.values())
    assert one == same != other


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_resumed_run_equals_an_uninterrupted_one(optimizer, call, tmp_path):
    options = [*TRANSFER, "--optimizer", optimizer, "--init", "noise"]
    whole, first, second = (tmp_path / f"{name}.png" for name in ("whole", "first", "second"))
    assert call(*options, "--steps", "6", "-o", whole, "--save-run", tmp_path / "whole.pt")[0] == 0
    assert call(*options, "--steps", "3", "-o", first, "--save-run", tmp_path / "first.pt")[0] == 0
    resumed = call("resume", tmp_path / "first.pt", "--steps", "6", "-o", second, "--save-run", tmp_path / "second.pt")
    assert resumed[0] == 0 and "6 steps" in resumed[1]
    assert whole.read_bytes() == second.read_bytes() != first.read_bytes()
    runs = [stylelib.Synthesis.load(tmp_path / f"{name}.pt") for name in ("whole", "second")]
    assert torch.equal(runs[0].image, runs[1].image)
    assert [record.loss for record in runs[0].history] == [record.loss for record in runs[1].history]


def test_a_finished_run_can_be_resumed_for_its_picture(call, tmp_path):
    call(*TRANSFER, "--steps", "1", "-o", tmp_path / "one.png", "--save-run", tmp_path / "run.pt")
    outputs = ["-o", tmp_path / "again.png", "--animation", tmp_path / "run.gif"]
    assert call("resume", tmp_path / "run.pt", *outputs)[0] == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "one.png").read_bytes()


def test_a_sweep_computes_a_recipe_for_every_combination_of_values(call, tmp_path):
    recipe, folder, sheet = tmp_path / "recipe.json", tmp_path / "sweep", tmp_path / "all.jpg"
    Recipe(size=32, steps=1, init="noise").save(recipe)
    values = ["alpha_beta=0.1,1", "style_layers=conv1_1,conv1_1+conv2_1"]
    assert call("sweep", recipe, folder, *values, "--sheet", sheet)[:2] == (0, f"{folder}: 4 of 4 pictures\n")
    assert len(list(folder.glob("*.png"))) == 4 and pixels(sheet).std() > 10
    made = {Recipe.load(path).style_layers for path in folder.glob("*.json")}
    assert made == {("conv1_1",), ("conv1_1", "conv2_1")}
    code, _, err = call("sweep", recipe, folder, "alpha_beta=1,1e30", "style_layers=conv1_1")
    assert code == 2 and "1 of 2 runs failed (α/β 1e+30: The weights are too large" in err


def test_several_styles_are_painted_with_at_once(call, tmp_path):
    two = ["transfer", "riverside", "night_swirls", "woodcut", *SMALL, "--steps", "1"]
    code, out, _ = call(*two, "-o", tmp_path / "even.png")
    assert code == 0 and out.count(" × 0.5 (relative)") == 2
    code, out, _ = call(*two, "--style-weights", "0.7, 0.3", "-o", tmp_path / "uneven.png")
    assert code == 0 and re.search(r"style 1 .* × 0\.7 .*; style 2 .* × 0\.3 ", out)
    assert (tmp_path / "even.png").read_bytes() != (tmp_path / "uneven.png").read_bytes()


def test_a_sweep_may_have_several_styles(call, tmp_path):
    Recipe(size=32, steps=1, init="noise").save(tmp_path / "recipe.json")
    values = ["style=night_swirls+woodcut,mosaic"]
    assert call("sweep", tmp_path / "recipe.json", tmp_path / "sweep", *values)[0] == 0
    made = {Recipe.load(path).style for path in (tmp_path / "sweep").glob("*.json")}
    assert made == {("night_swirls", "woodcut"), "mosaic"}


@pytest.mark.parametrize("kind", ["transfer", "content", "style"])
def test_every_value_of_a_recipe_is_an_option_with_the_recipe_s_help_and_the_experiment_s_default(kind, capsys):
    with pytest.raises(SystemExit):
        main([kind, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(Recipe):
        about, option = field.metadata, f" --{field.name.replace('_', '-')} "
        if field.name in ("kind", "content", "style") or not about["help"]:
            assert option not in text
        else:
            assert (option in text) == (field.name in Recipe(kind=kind).values)
            assert option not in text or about["help"] in text
    assert f"(default: {'content' if kind == 'transfer' else 'noise'})" in text
    assert kind != "transfer" or f"(default: {Recipe().alpha_beta})" in text


MODULE = """
import dataclasses

import stylelib


class Small(stylelib.Optimizer):
    name = "small"

    def step(self, state):
        parameters = state.parameters - 0.01 * state.evaluation.gradient.sign()
        return dataclasses.replace(state, parameters=parameters, evaluation=(yield parameters))


class Pixels(stylelib.Network):
    def __init__(self):
        super().__init__("pixels", ["conv1_1"])

    def forward(self, pictures, layers):
        return {layer: pictures.square() for layer in layers}


class Warmth(stylelib.Term):
    def losses(self, pictures, activations):
        return {"warmth": (pictures[:, 2] - pictures[:, 0]).mean().exp()}


class Warm(stylelib.Recipe):
    def prepare(self, network=None, **run):
        made = super().prepare(network, **run)
        made.change_terms([*made.terms, Warmth()])
        return made


stylelib.register_network("pixels", Pixels)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's, in the current folder; its name."""
    (tmp_path / "my_things.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(stylelib.Optimizer, "known", stylelib.Optimizer.known.copy())
    before = networks.registered.copy()
    yield "my_things"
    sys.modules.pop("my_things", None)
    networks.registered.clear()
    networks.registered.update(before)


def test_a_module_of_yours_is_imported_first_so_that_what_it_defines_is_known(call, module, tmp_path):
    command = ["transfer", "riverside", "woodcut", "--size", "32", "--steps", "2", "-o", tmp_path / "out.png"]
    own = ["--network", "pixels", "--optimizer", "small", "--content-layer", "conv1_1", "--style-layers", "conv1_1"]
    assert call(*command, *own)[0] == 2
    code, out, _ = call("--import", module, *command, *own)
    assert code == 0 and ": pixels · " in out and "2 steps of small" in out


def test_recipes_of_a_module_of_yours_are_known(call, module, tmp_path, monkeypatch):
    """They are in the folder of a sweep, with the names of their classes."""
    things = __import__(module)
    recipe = things.Warm(size=32, steps=1, optimizer="small", network="compact")
    sweeps.sweep(recipe, tmp_path / "first", workers=1)
    (path,) = (tmp_path / "first").glob("*.json")
    code, out, _ = call("--import", module, "recipe", path, "-o", tmp_path / "again.png")
    assert code == 0 and "; Warmth × 1 · " in out
    assert call("--import", module, "sweep", path, tmp_path / "second", "seed=0,1", "init=noise")[0] == 0
    made = [json.loads(path.read_text())["result"]["losses"] for path in (tmp_path / "second").glob("*.json")]
    assert len(made) == 2 and all("warmth" in losses for losses in made)


def test_a_module_is_found_in_the_current_folder(module, tmp_path):
    """Where Python itself is started; here pytest is."""
    command = ["--import", module, "transfer", "riverside", "woodcut", "--optimizer", "small", *SMALL]
    process = start(*command, "--steps", "1", "-o", "out.png", cwd=tmp_path, stdout=subprocess.PIPE)
    out, _ = process.communicate()
    assert process.returncode == 0 and "steps of small" in out


@pytest.mark.parametrize(
    "name, text, sentence",
    [
        ("gone", None, "There is no module 'gone'; give its name without .py, and run this in the folder that has it."),
        ("broken.py", "", "There is no module 'broken.py'; give its name without .py, and"),
        ("broken", "1 / 0", "The module broken cannot be imported (ZeroDivisionError: division by zero)"),
        ("broken", "import not_there", "broken cannot be imported (ModuleNotFoundError: No module named 'not_there')"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named(name, text, sentence, call, tmp_path, monkeypatch):
    if text is not None:
        (tmp_path / "broken.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    code, out, err = call("--import", name, "check")
    assert code == 2 and out == "" and sentence in err and err.count("\n") == 1
    sys.modules.pop("broken", None)


@pytest.mark.parametrize(
    "values, sentence",
    [
        ("alpa_beta=1", "Did you mean 'alpha_beta'"),
        ("seed=one", "seed takes numbers, such as seed=1,2; got 'one'."),
        ("style_weights=0.5+x", "style_weights takes numbers, such as style_weights=1,2; got '0.5+x'."),
        ("seed", "There are no values for seed."),
        ("seed=-1", "Seed of the noise is a whole number, 0 or more; got -1."),
    ],
)
def test_a_sweep_that_cannot_work_is_refused(values, sentence, call, tmp_path):
    Recipe(size=32, steps=1).save(tmp_path / "recipe.json")
    code, out, err = call("sweep", tmp_path / "recipe.json", tmp_path / "sweep", values)
    assert code == 2 and out == "" and sentence in err and os.listdir(tmp_path) == ["recipe.json"]


def test_a_resumed_run_can_be_animated_from_there_on(call, tmp_path):
    call(*TRANSFER, "--steps", "1", "-o", tmp_path / "one.png", "--save-run", tmp_path / "run.pt")
    outputs = ["-o", tmp_path / "four.png", "--animation", tmp_path / "run.gif"]
    assert call("resume", tmp_path / "run.pt", "--steps", "4", *outputs)[0] == 0
    with PIL.Image.open(tmp_path / "run.gif") as animation:
        assert animation.n_frames == 3


def test_an_animation_shows_every_step_of_a_short_run(call, tmp_path):
    outputs = ["-o", tmp_path / "out.png", "--animation", tmp_path / "run.gif"]
    assert call(*TRANSFER, "--steps", "4", *outputs)[0] == 0
    with PIL.Image.open(tmp_path / "run.gif") as animation:
        assert animation.n_frames == 5
        animation.seek(4)
        last = np.asarray(animation.convert("RGB")).astype(int)
    assert np.abs(last - pixels(tmp_path / "out.png")).mean() < 10  # a GIF has 256 colours


def test_a_long_run_makes_a_film_of_forty_odd_frames(call, tmp_path):
    outputs = ["-o", tmp_path / "out.png", "--animation", tmp_path / "run.mp4"]
    assert call("style", "night_swirls", *SMALL, "--style-layers", "conv1_1", "--steps", "83", *outputs)[0] == 0
    with av.open(str(tmp_path / "run.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert 40 <= len(frames) <= 60
    result = pixels(tmp_path / "out.png")
    error = frames[-1] - result[: frames[-1].shape[0], : frames[-1].shape[1]].astype(int)
    assert np.abs(error.mean(axis=2)).mean() < 10, "in lightness; films have colours at half the resolution"


def test_zero_steps_write_the_initial_picture(call, tmp_path):
    assert call(*TRANSFER, "--steps", "0", "-o", tmp_path / "out.png")[0] == 0
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), images.to_array(stylelib.load_image("riverside", 64)))


@pytest.mark.filterwarnings("default")
def test_a_small_picture_is_noted_once(call, tmp_path):
    PIL.Image.new("RGB", (40, 40), "red").save(tmp_path / "small.png")
    code, _, err = call("style", tmp_path / "small.png", *SMALL, "--steps", "1", "-o", tmp_path / "out.png")
    assert code == 0
    note = f"{tmp_path / 'small.png'} is only 40 × 40 pixels and keeps that size instead of being enlarged to 64."
    assert err == f"Note: {note}\n"


def test_table_lists_the_layers(call):
    code, out, err = call("table", "vgg19", "--size", "128")
    assert (code, err) == (0, "")
    assert re.search(r"^ *conv4_2 +512 +8 ", out, re.MULTILINE)
    assert len(re.findall(r"\bconv\d_\d", out)) == 16 and "at 128 px" in out


def test_pictures_lists_what_can_be_named(call):
    code, out, _ = call("pictures")
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    assert code == 0 and {name for _, name, _ in lines} == set(stylelib.bundled_images())
    assert all(pathlib.Path(path).is_file() for _, _, path in lines)


def test_check_describes_the_machine(call):
    code, out, _ = call("check")
    assert code == 0 and torch.__version__ in out and "set by STYLELIB_PRESET" in out


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert all(name in text for name in commands.COMMANDS) and "--import MODULE" in text


# -------------------------------------------------------------------------------------------------------- mistakes


@pytest.fixture
def bad(tmp_path):
    """A folder with bad pictures and other people's files in it."""
    folder = tmp_path / "bad"
    folder.mkdir()
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8)).save(folder / "a.jpg")
    (folder / "cut.jpg").write_bytes((folder / "a.jpg").read_bytes()[:2000])
    (folder / "text.jpg").write_text("This is not a picture.")
    (folder / "page.png").write_text("<!DOCTYPE html><html></html>")
    (folder / "empty.png").write_bytes(b"")
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    crc = zlib.crc32(header).to_bytes(4, "big")
    (folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + header + crc + b"\0\0\0\x01IDAT\0\0\0\0\0")
    (folder / "foreign.pt").write_bytes(b"\0" * 100)
    torch.save({"x": torch.zeros(1)}, folder / "other.pt")
    return folder


MISTAKES = {  # arguments after `transfer riverside night_swirls`, or a whole command line → a part of the sentence
    "no command": ([], "arguments are required: COMMAND"),
    "an unknown command": (["tranfer"], "invalid choice: 'tranfer'"),
    "no output": (["transfer", "riverside", "night_swirls"], "-o/--output"),
    "a missing picture": (["transfer", "{bad}/none.jpg", "night_swirls", "-o", "{out}.png"], "There is no file"),
    "a missing style": (["transfer", "riverside", "{bad}/none.jpg", "-o", "{out}.png"], "There is no file"),
    "an unknown picture": (["style", "night_swirl", "-o", "{out}.png"], "Did you mean 'night_swirls'?"),
    "a cut-off picture": (["content", "{bad}/cut.jpg", "-o", "{out}.png"], "damaged or cut off"),
    "an absurd picture": (["content", "{bad}/bomb.png", "-o", "{out}.png"], "save a smaller copy"),
    "a text named .jpg": (["content", "{bad}/text.jpg", "-o", "{out}.png"], "is not a picture"),
    "a page named .png": (["content", "{bad}/page.png", "-o", "{out}.png"], "is not a picture"),
    "an empty file": (["content", "{bad}/empty.png", "-o", "{out}.png"], "is not a picture"),
    "a folder": (["content", "{bad}", "-o", "{out}.png"], "is a folder"),
    "the input as output": (["content", "{bad}/a.jpg", "-o", "{bad}/a.jpg"], "choose another name for the output"),
    "an unknown network": (["-o", "{out}.png", "--network", "vgg91"], "Did you mean 'vgg19'?"),
    "an unknown layer": (["-o", "{out}.png", *SMALL, "--content-layer", "conv4-2"], "Did you mean 'conv4_2'?"),
    "an unknown style layer": (["-o", "{out}.png", *SMALL, "--style-layers", "conv1_1,conv9_9"], "'conv9_9'"),
    "no style layer": (["-o", "{out}.png", *SMALL, "--style-layers", ""], "no layer"),
    "an unknown init": (["-o", "{out}.png", "--init", "nois"], "Did you mean 'noise'?"),
    "an init without its image": (["style", "night_swirls", "-o", "{out}.png", *SMALL, "--init", "content"], "content"),
    "an unknown optimizer": (["-o", "{out}.png", "--optimizer", "sgd"], "There is no optimizer 'sgd'. Known: "),
    "an unknown device": (["-o", "{out}.png", "--device", "gpu"], "There is no device 'gpu'"),
    "missing weights": (["-o", "{out}.png", "--network", "vgg19", "--weights", "{bad}/none.pth"], "none.pth"),
    "a size of nothing": (
        ["-o", "{out}.png", "--size", "0"],
        "Longer side (pixels) is a whole number, 8 or more; got 0",
    ),
    "a tiny size": (["-o", "{out}.png", "--size", "8"], "at least 8"),
    "a size below the deepest layer": (
        ["style", "mosaic", "-o", "{out}.png", *SMALL[:-1], "12"],
        "need at least 16 pixels",
    ),
    "half a pixel": (["-o", "{out}.png", "--size", "64.5"], "a whole number"),
    "a negative size": (["-o", "{out}.png", "--size", "-64"], "a whole number"),
    "steps in words": (["-o", "{out}.png", "--steps", "many"], "a whole number"),
    "a negative weight": (["-o", "{out}.png", "--alpha-beta", "-1"], "zero or more; got -1.0"),
    "a weight that is none": (["-o", "{out}.png", "--alpha-beta", "nan"], "zero or more; got nan"),
    "an infinite weight": (["-o", "{out}.png", "--alpha-beta", "inf"], "zero or more; got inf"),
    "an output of no format": (["-o", "{out}.bmp"], "must end in .png or .jpg or .jpeg"),
    "an output in no folder": (["-o", "{out}/no/out.png"], "does not exist"),
    "an output that is a folder": (["-o", "{bad}"], "must end in"),
    "an animation of no format": (["-o", "{out}.png", "--animation", "{out}.avi"], "must end in .gif or .mp4"),
    "an animation in no folder": (["-o", "{out}.png", "--animation", "{out}/no/run.gif"], "does not exist"),
    "a run of no format": (["-o", "{out}.png", "--save-run", "{out}.zip"], "must end in .pt"),
    "a missing run": (["resume", "{bad}/none.pt", "-o", "{out}.png"], "There is no saved run"),
    "a run that is none": (["resume", "{bad}/foreign.pt", "-o", "{out}.png"], "not a saved run"),
    "a run of something else": (["resume", "{bad}/other.pt", "-o", "{out}.png"], "not a run"),
    "a picture as a run": (["resume", "{bad}/a.jpg", "-o", "{out}.png"], "not a saved run"),
    "a negative number of steps": (["-o", "{out}.png", "--steps", "-1"], "Steps is a whole number, 0 or more; got -1"),
    "resumed backwards": (["resume", "{bad}/other.pt", "-o", "{out}.png", "--steps", "-1"], "0 or more, is expected"),
    "a table of minus one pixel": (["table", "vgg19", "--size", "-1"], "0 or more, is expected; got '-1'"),
    "too few style weights": (["-o", "{out}.png", *SMALL, "--style-weights", "1,2"], "1 images, 2 weights"),
    "a style weight in words": (["-o", "{out}.png", "--style-weights", "much"], "a number is expected; got 'much'"),
    "two styles of a texture": (["style", "mosaic", "woodcut", "-o", "{out}.png"], "Unrecognized arguments: woodcut"),
    "the second style as output": (
        ["transfer", "riverside", "woodcut", "{bad}/a.jpg", "-o", "{bad}/a.jpg"],
        "choose another name for the output",
    ),
    "a table of nothing": (["table", "compakt"], "Did you mean 'compact'?"),
    "an unknown paper picture": (["fetch", "tubinge"], "Did you mean 'tubingen'?"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_nothing_behind(kind, bad, call, tmp_path):
    arguments, said = MISTAKES[kind]
    arguments = [one.format(bad=bad, out=tmp_path / "out") for one in arguments]
    if arguments and arguments[0].startswith("-"):
        arguments = ["transfer", "riverside", "night_swirls", *arguments]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, _, err = call(*arguments)
    assert code == 2
    assert err.startswith("stylelib: ") and err.count("\n") == 1 and said in err and ".;" not in err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_unknown_preset_is_refused(call, tmp_path, monkeypatch):
    monkeypatch.setenv("STYLELIB_PRESET", "labtop")
    for command in (["check"], [*TRANSFER, "-o", tmp_path / "out.png"]):
        code, _, err = call(*command)
        assert code == 2 and "Did you mean 'laptop'?" in err


def never(*_, **__):
    raise AssertionError("this was not to be reached")


@pytest.mark.parametrize(
    "outputs", ["-o {0}/out.png", "-o {1}/a.png --animation {0}/a.gif", "-o {1}/a.png --save-run {0}/a.pt"]
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_computed(outputs, call, tmp_path, monkeypatch):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    if os.access(locked, os.W_OK):  # the superuser may write everywhere, but in few places of the system's own
        locked = pathlib.Path("/proc")
    if not locked.is_dir():
        pytest.skip("this user may write everywhere")
    monkeypatch.setattr(commands, "load_network", never)
    code, _, err = call(*TRANSFER, *outputs.format(locked, tmp_path).split())
    assert code == 2 and "cannot be written" in err and str(locked) in err


def test_a_misspelt_picture_is_noticed_before_a_network_is_loaded(call, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "load_network", never)
    assert call("transfer", "riverside", "night_swirl", "-o", tmp_path / "out.png")[0] == 2


def test_offline_fetch_says_so(call, tmp_path, monkeypatch):
    monkeypatch.setitem(gallery.PAPER_IMAGES, "tubingen", ("http://127.0.0.1:9/tubingen.jpg", "0" * 64, "a test"))
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path)
    code, out, err = call("fetch", "tubingen")
    assert code == 2 and out == "" and "connect to the internet" in err.splitlines()[-1]


def test_a_run_can_begin_at_a_smaller_size(call, tmp_path):
    path = tmp_path / "out.png"
    code, out, _ = call(*TRANSFER, "--first-size", "32", "--steps", "2", "-o", path)
    assert code == 0 and "64 × 43 px, the first steps at 32 px" in out
    assert max(pixels(path).shape) == 64


# ------------------------------------------------------------------------------------------------------ interrupts


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_an_interrupt_before_the_run_writes_nothing(call, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "load_network", interrupt)
    code, out, err = call(*TRANSFER, "-o", tmp_path / "out.png")
    assert (code, out) == (130, "") and err.startswith("stylelib: interrupted") and err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_an_interrupt_in_the_first_step_saves_the_initial_picture(call, tmp_path, monkeypatch):
    monkeypatch.setattr(stylelib.Synthesis, "_evaluate", interrupt)
    outputs = ["-o", tmp_path / "out.png", "--animation", tmp_path / "run.gif"]
    code, out, _ = call(*TRANSFER, *outputs)
    assert code == 130 and "interrupted after step 0" in out
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), images.to_array(stylelib.load_image("riverside", 64)))


@pytest.mark.fault(12)
def test_an_interrupt_while_the_animation_is_written_keeps_the_picture(call, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "save_animation", interrupt)
    code, _, err = call(*TRANSFER, "-o", tmp_path / "out.png", "--animation", tmp_path / "run.gif")
    assert code == 130 and "Traceback" not in err
    assert os.listdir(tmp_path) == ["out.png"]
