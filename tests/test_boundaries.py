"""Faults with several members each: links and modes, labels that are missing, words that fit, what is said or kept."""

import importlib.metadata
import io
import os
import stat
import sys
import threading
import warnings
import zipfile

import numpy as np
import pytest
import torch

import stylelib
from stylelib import Content, Smoothness, Style, Synthesis
from stylelib.figures import save_animation
from stylelib.optimizers import LBFGS, Adam
from stylelib.paper import recordings
from stylelib.protocols.optimizer import Evaluation, NoBetterPicture, answer
from stylelib.shell.commands import _values, main
from stylelib.storage import recipe_files
from stylelib.studio.panels import panel
from stylelib.support import plots
from stylelib.support.files import existing_file, write_atomically
from stylelib.support.page import sheet
from tests.picture_files import colours, encoded, sentence

unix = pytest.mark.skipif(sys.platform == "win32", reason="links and modes of Unix")


# ---- 13: what an output's path is


@pytest.fixture(scope="module")
def run(net, photo):
    run = Synthesis([Content(net, photo, "conv1_1"), Smoothness(1e-3)], "noise", steps=2, keep_every=1)
    return run.finish()


@pytest.fixture(scope="module")
def recording():
    run = recordings.RecordedRun({0: encoded(colours(), "JPEG")}, {0: {"content": 1.0}}, "by hand")
    return recordings.Recording(stylelib.Recipe(), {"seed": {"seed 0": 0}}, {(0,): run}, "abc")


OUTPUTS = {
    "a PNG": ("out.png", lambda run, path, _: stylelib.save_image(run.image, path)),
    "a JPEG": ("out.jpg", lambda run, path, _: stylelib.save_image(run.image, path)),
    "a GIF": ("out.gif", lambda run, path, _: save_animation(run.frames.values(), path)),
    "a video": ("out.mp4", lambda run, path, _: save_animation(run.frames.values(), path)),
    "a saved run": ("out.pt", lambda run, path, _: run.save(path)),
    "a recipe": ("out.json", lambda run, path, _: stylelib.Recipe(network="compact11-random").save(path)),
    "a recording": ("out.zip", lambda run, path, recording: recordings.save(recording, path)),
}


@unix
@pytest.mark.fault(13)
@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("chain", [1, 2])
def test_an_output_that_is_a_link_stays_one_and_its_files_mode_is_kept(kind, chain, run, recording, tmp_path):
    name, write = OUTPUTS[kind]
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / name
    target.write_bytes(b"old")
    target.chmod(0o600)
    link = tmp_path / name
    if chain == 2:
        (tmp_path / f"between-{name}").symlink_to(target)
        link.symlink_to(f"between-{name}")
    else:
        link.symlink_to(f"elsewhere/{name}")
    write(run, link, recording)
    assert link.is_symlink() and not target.is_symlink()
    assert target.read_bytes() == link.read_bytes() != b"old"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "elsewhere") == [name]


@unix
@pytest.mark.fault(13)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_that_is_written_again_keeps_its_mode(mode, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    with write_atomically(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == mode


@unix
@pytest.mark.fault(13)
def test_a_link_that_leads_nowhere_makes_its_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with write_atomically(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"new" and (tmp_path / "link").is_symlink()


# ---- 14: files that are read

READERS = {
    "a recipe": stylelib.Recipe.load,
    "a saved run": Synthesis.load,
    "a recording": recordings.load,
    "weights": lambda path: stylelib.load_network("compact11", path),
    "a picture": stylelib.load_image,
}


@unix
@pytest.mark.fault(14)
@pytest.mark.parametrize("kind", READERS)
def test_a_pipe_is_refused_and_not_waited_for(kind, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    said = []
    read = threading.Thread(target=lambda: said.append(sentence(READERS[kind], tmp_path / "pipe")), daemon=True)
    read.start()
    read.join(20)
    if not said:  # frees the thread
        os.close(os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK))
    assert said and "not an ordinary file" in said[0]


@pytest.mark.fault(14)
@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("path", ["~nobody-of-that-name/file", "a\0b", "x" * 5000, "", "no/such/file"])
def test_a_path_that_leads_nowhere_is_one_sentence(kind, path):
    if not path and kind == "weights":
        return  # no weights are named then
    assert len(sentence(READERS[kind], path)) < 600


@pytest.mark.fault(14)
def test_a_file_that_is_too_large_to_be_what_it_should_is_not_read(tmp_path):
    with open(tmp_path / "recipe.json", "wb") as file:
        file.truncate(recipe_files.LARGEST + 1)
    assert "has more than 20 MB, so it is not a recipe" in sentence(stylelib.Recipe.load, tmp_path / "recipe.json")
    assert existing_file(tmp_path / "recipe.json", "file") == tmp_path / "recipe.json"


def packed(path, content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with zipfile.ZipFile(buffer) as stored, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in stored.namelist():
            archive.writestr(name, stored.read(name))


BOMBS = {
    "a saved run that is packed": (lambda path: packed(path, {"format": 2, "a": torch.zeros(10**6)}), Synthesis.load),
    "weights that are packed": (lambda path: packed(path, {"a": torch.zeros(10**6)}), READERS["weights"]),
    "a saved run that repeats a number": (
        lambda path: torch.save({"format": 2, "picture": torch.zeros(()).expand(10**5, 10**5)}, path), Synthesis.load,
    ),
    "weights that repeat a number": (
        lambda path: torch.save({"features.0.weight": torch.zeros(()).expand(10**5, 10**5)}, path), READERS["weights"],
    ),
    "a sparse tensor": (
        lambda path: torch.save({"features.0.weight": torch.zeros(2, 2).to_sparse()}, path), READERS["weights"],
    ),
}  # fmt: skip


@pytest.mark.fault(8)
@pytest.mark.fault(14)
@pytest.mark.parametrize("kind", BOMBS)
def test_a_small_file_that_would_become_large_is_refused(kind, tmp_path):
    write, read = BOMBS[kind]
    write(tmp_path / "file.pt")
    sentence(read, tmp_path / "file.pt")


@pytest.mark.fault(8)
def test_a_recording_that_would_unpack_to_much_is_not_unpacked(recording, tmp_path):
    path = recordings.save(recording, tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("frame.jpg", bytes(recordings.LARGEST))
    assert path.stat().st_size < 10**6
    assert "is not a recording" in sentence(recordings.load, path)


@pytest.fixture(scope="module", params=["lbfgs", "adam"])
def saved(request, net, photo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    run = Synthesis(Content(net, photo, "conv1_1"), "noise", steps=3, optimizer=request.param).finish()
    return torch.load(run.save(folder / "run.pt"), weights_only=True)


def other(value):
    """A remembered tensor, or a list of them, of another picture."""
    return [torch.zeros(1, 3, 9, 9)] if isinstance(value, list) else torch.zeros(1, 3, 9, 9)


PARTS = {
    "the state's parameters": lambda state: state | {"parameters": torch.zeros(1, 3, 9, 9)},
    "the gradient": lambda state: state | {"evaluation": state["evaluation"] | {"gradient": torch.zeros(1, 3, 9, 9)}},
    "the memory": lambda state: state | {"memory": {name: other(value) for name, value in state["memory"].items()}},
    "no memory": lambda state: state | {"memory": None},
    "no evaluation": lambda state: {name: value for name, value in state.items() if name != "evaluation"},
}


@pytest.mark.fault(14)
@pytest.mark.parametrize("part", PARTS)
def test_a_saved_run_with_parts_of_another_one_is_one_sentence(part, saved, tmp_path):
    torch.save(saved | {"state": PARTS[part](saved["state"])}, tmp_path / "run.pt")
    assert "is not a run that this version" in sentence(Synthesis.load, tmp_path / "run.pt")


# ---- 19: a label that may be missing


@pytest.mark.fault(19)
@pytest.mark.parametrize("use", ["a recipe", "a sweep", "the shell"])
def test_a_package_that_is_not_installed_has_no_version_and_works(use, tmp_path, monkeypatch, capsys):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    recipe = stylelib.Recipe(size=16, steps=0, network="compact11-random")
    recipe.save(tmp_path / "recipe.json")
    if use == "a recipe":
        assert stylelib.Recipe.load(tmp_path / "recipe.json") == recipe
    elif use == "a sweep":
        from stylelib.sweeps.jobs import plan

        assert plan(recipe, recipe, tmp_path).content["stylelib"] == "not installed"
    else:
        assert main(["check"]) == 0 and "torch" in capsys.readouterr().out


# ---- 4: texts of figures

FORMULAS = ["a$_$b.jpg", "$", "$$", "\\frac{$", "$\\notacommand$", "_^{}"]
SCRIPTS = ["照片.jpg", "写真", "사진", "Фото", "🎨.png", "\udcff", "\x01", ""]


@pytest.mark.fault(4)
@pytest.mark.parametrize("text", FORMULAS + SCRIPTS, ids=ascii)
def test_a_text_is_drawn_as_it_is_without_a_warning(text):
    array = np.zeros((20, 30, 3), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("default", r"'\w+' .*deprecated", DeprecationWarning)  # Matplotlib 3.8 to its parser
        figures = [
            sheet([array, array], [text, "b"], 2, text, text),
            plots.lines({text: [1, 10, 100], f"{text} ": [3, 2, 1]}, text, text, text, text, logarithmic="y"),
            plots.bars({text: {text: 1.0, "b": 2.0}}, text, text, text),
            plots.matrix([[1, 2], [3, 4]], [text, "b"], None, text),
        ]
        assert all(figure.jpeg()[:2] == b"\xff\xd8" for figure in figures)


@pytest.mark.fault(4)
def test_a_dollar_sign_is_drawn_and_powers_of_ten_are_still_formulas():
    drawn = [plots.lines({"a": [1, 10, 100]}, text, "y", logarithmic="y") for text in ("$x$", "x")]
    pictures = [figure.jpeg() for figure in drawn]
    assert pictures[0] != pictures[1], "the dollar signs are visible"
    labels = drawn[1].axes[0].get_yticklabels()
    assert any("10^" in label.get_text() and label.get_parse_math() for label in labels)


# ---- 17: a separator that values contain


@pytest.mark.fault(17)
def test_names_with_separators_folders_and_patterns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("Paris, 2019.jpg", "a,b,c.png", "a+b.png", "x=1.png", "[1].png"):
        (tmp_path / name).write_bytes(encoded(colours()))
    (tmp_path / "many").mkdir()
    for name in ("2.png", "1.jpg", "notes.txt", ".hidden"):
        (tmp_path / "many" / name).write_bytes(b"text" if name in ("notes.txt", ".hidden") else encoded(colours()))

    def values(text):
        return _values(stylelib.Recipe, text)[1]

    assert values("content=riverside,Paris, 2019.jpg") == ["riverside", "Paris, 2019.jpg"]
    assert values("content=a,b,c.png,riverside") == ["a,b,c.png", "riverside"]
    assert values("content=Paris, 2019.jpg,a,b,c.png") == ["Paris, 2019.jpg", "a,b,c.png"]
    assert values("content=x=1.png") == ["x=1.png"]
    assert values("content=[1].png") == ["[1].png"]
    assert values("style=a+b.png+woodcut,mosaic") == [("a+b.png", "woodcut"), "mosaic"]
    assert values("style=a+b.png") == ["a+b.png"]
    assert values("content=many") == [os.path.join("many", "1.jpg"), os.path.join("many", "2.png")]
    assert values("content=many/*.png") == [os.path.join("many", "2.png")]
    for nothing in ("content=*.gif", "content=many/*.gif"):
        assert "There are no pictures in" in sentence(values, nothing)
    (tmp_path / "empty").mkdir()
    assert "There are no pictures in empty" in sentence(values, "content=empty")


@pytest.mark.fault(17)
def test_a_name_that_is_given_twice_has_the_values_of_both(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stylelib.Recipe(size=16, steps=0, network="compact11-random", init="noise").save("recipe.json")
    found = []
    monkeypatch.setattr("stylelib.sweeps.sweep", lambda recipes, *_, **__: found.extend(recipes) or [])
    main(["sweep", "recipe.json", "folder", "seed=1,2", "alpha_beta=1", "seed=5"])
    assert [recipe.seed for recipe in found] == [1, 2, 5]


# ---- 21: words that fit


class NeverFinite(stylelib.Term):
    """A loss that is finite at the start alone."""

    calls = 0

    def losses(self, pictures, activations):
        NeverFinite.calls += 1
        value = pictures.sum() * (1.0 if NeverFinite.calls == 1 else float("nan"))
        return {"loss": value + 1.0}


@pytest.mark.fault(21)
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_when_every_trial_fails_that_is_said_once(optimizer, photo):
    NeverFinite.calls = 0
    run = Synthesis(NeverFinite(), photo, steps=5, optimizer=optimizer).finish()
    assert "leads to values that are not finite" in run.stop_reason and "any further" not in run.stop_reason
    assert len(run.notes) == len(set(run.notes)) == 1


@pytest.mark.fault(21)
@pytest.mark.parametrize("rule", [LBFGS(), Adam()], ids=["lbfgs", "adam"])
@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 2.0])
def test_the_reason_is_that_of_the_trials(rule, loss):
    start = torch.zeros(1, 3, 8, 8)
    state = rule.start(start, Evaluation(1.0, {}, torch.ones_like(start)))
    if isinstance(rule, Adam) and loss == 2.0:
        return  # Adam accepts a loss that rises
    with pytest.raises(NoBetterPicture) as raised:
        answer(rule.step(state), lambda _: Evaluation(loss, {}, torch.ones_like(start)))
    assert ("not finite" in str(raised.value)) == (loss != 2.0)


@pytest.mark.fault(21)
@pytest.mark.parametrize("how", ["a loop", "finish", "a second loop"])
def test_a_run_that_is_told_to_stop_stops_and_can_go_on(how, net, photo):
    run = Synthesis(Content(net, photo, "conv1_1"), "noise", steps=6)
    for step in run:
        if step.number == 2:
            run.stop("that is enough")
    assert run.number == 2 and run.stop_reason == "that is enough"
    if how == "finish":
        run.finish()
    elif how == "a second loop":
        assert [step.number for step in run] == [3, 4, 5, 6]
    else:
        for _ in run:
            run.stop("again")
        assert run.number == 3 and run.stop_reason == "again"
        return
    assert run.number == 6 and run.stop_reason == "all 6 steps are done"


# ---- 23 and 24: what is missing or changed is said


@pytest.mark.fault(23)
def test_a_panel_finds_its_recording_from_any_folder_and_says_when_there_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    studio = panel("07_content_layer")
    assert studio.recording is not None
    studio.close()
    for folder in (tmp_path, "no/such/folder"):
        with pytest.warns(UserWarning, match="There is no recording"):
            panel("07_content_layer", folder=folder).close()


@pytest.mark.fault(24)
def test_a_tensor_keeps_its_values_and_is_a_copy():
    values = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    for size in (None, 40):
        found = stylelib.load_image(values, size)
        assert torch.equal(found, values) and found.data_ptr() != values.data_ptr()
    assert (stylelib.load_image(values, 20) * 255 % 1 < 1e-3).float().mean() > 0.4, "made smaller, in 8 bits"


@pytest.mark.fault(24)
@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_recipe_does_not_overwrite_a_picture_of_yours_beside_it(ending, tmp_path):
    yours = tmp_path / f"boats-content{ending}"
    yours.write_bytes(encoded(colours(seed=1), "PNG" if ending == ".png" else "JPEG"))
    before = yours.read_bytes()
    recipe = stylelib.Recipe(content=encoded(colours(seed=2)), network="compact11-random", size=24)
    for _ in range(2):  # the same again changes nothing
        *pictures, path = recipe.save(tmp_path / "boats.json")
        assert yours.read_bytes() == before and yours not in pictures
        assert len(os.listdir(tmp_path)) == 3
        assert stylelib.Recipe.load(path).content == str(pictures[0])


# ---- 7: the frame


@pytest.mark.fault(7)
@pytest.mark.parametrize("side", [48, 49, 55, 63])
def test_the_last_row_and_column_have_a_gradient_whatever_the_size(side, net):
    """It is smaller where a pooling drops them, but other layers still see them."""
    noise = stylelib.noise(side, side, 1)
    terms = [
        Style(net, stylelib.load_image("night_swirls", 64)),
        Content(net, stylelib.noise(side, side, 2), "conv4_2"),
    ]
    x = noise.clone().requires_grad_(True)
    stylelib.total_loss(terms, x)[0].backward()
    size = x.grad[0].square().mean(dim=0).sqrt()
    inside = size[16:-16, 16:-16].mean()
    for edge in (size[0], size[-1], size[:, 0], size[:, -1]):
        assert 0.03 < edge.mean() / inside < 3


@pytest.mark.fault(7)
@pytest.mark.parametrize("size", [96, 90])
def test_a_transfer_leaves_no_frame(size, net):
    photo = stylelib.load_image("riverside", size)
    run = stylelib.style_transfer(photo, "night_swirls", net, size=size, steps=25).finish()
    made, own = brighter_frame(run.image), brighter_frame(photo)
    assert abs(made - own) < 0.06


def brighter_frame(picture):
    """How much brighter the outer 4 pixels are than the 8 pixels inside of them."""
    grey = picture[0].mean(dim=0)
    frame, ring = torch.ones_like(grey, dtype=torch.bool), torch.zeros_like(grey, dtype=torch.bool)
    frame[4:-4, 4:-4] = False
    ring[4:-4, 4:-4] = True
    ring[12:-12, 12:-12] = False
    return (grey[frame].mean() - grey[ring].mean()).item()
