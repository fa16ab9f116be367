"""What this machine can do: presets and devices."""

import os
import subprocess
import sys

import pytest
import torch

from stylelib.support import machine
from stylelib.support.errors import InputError
from stylelib.support.machine import PRESETS, describe, pick_device, preset


@pytest.fixture(autouse=True)
def no_preset_from_outside(monkeypatch):
    monkeypatch.delenv("STYLELIB_PRESET", raising=False)


def pretend(monkeypatch, cuda=0, mps=False):
    """A machine with so many CUDA devices, and with or without Apple's."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "A Large One")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize("cuda, mps, chosen", [(0, False, "laptop"), (0, True, "laptop"), (1, False, "paper")])
def test_the_preset_suits_the_machine(cuda, mps, chosen, monkeypatch):
    pretend(monkeypatch, cuda, mps)
    assert preset().name == chosen


def test_the_environment_overrides_the_preset_and_an_argument_overrides_both(monkeypatch):
    monkeypatch.setenv("STYLELIB_PRESET", "quick")
    assert preset() == PRESETS["quick"]
    assert preset("paper") == PRESETS["paper"]


def test_an_unknown_preset_brings_a_suggestion(monkeypatch):
    monkeypatch.setenv("STYLELIB_PRESET", "labtop")
    with pytest.raises(InputError, match=r"no preset 'labtop'. Did you mean 'laptop'\? Known: quick, laptop, paper"):
        preset()


def test_presets_grow():
    sizes = [(one.size, one.steps) for one in PRESETS.values()]
    assert sizes == sorted(sizes) and [one.name for one in PRESETS.values()] == list(PRESETS)


@pytest.mark.parametrize(
    "cuda, mps, best", [(0, False, "cpu"), (0, True, "mps"), (2, False, "cuda"), (1, True, "cuda")]
)
def test_the_best_device_is_taken(cuda, mps, best, monkeypatch):
    pretend(monkeypatch, cuda, mps)
    assert pick_device() == torch.device(best)


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:1", "mps", torch.device("cpu")])
def test_a_device_that_is_there_can_be_named(name, monkeypatch):
    pretend(monkeypatch, cuda=2, mps=True)
    assert pick_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_there_is_refused(name, monkeypatch):
    pretend(monkeypatch)
    with pytest.raises(InputError, match=f"This machine has no {name} that torch can use"):
        pick_device(name)


def test_the_third_of_two_gpus_is_refused(monkeypatch):
    pretend(monkeypatch, cuda=2)
    with pytest.raises(InputError, match="This machine has no cuda:2"):
        pick_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "meta", "xpu", [], 1.5])
def test_a_device_that_does_not_exist_is_refused(name):
    with pytest.raises(InputError, match="use 'cpu', 'cuda' or 'mps'"):
        pick_device(name)


@pytest.mark.parametrize(
    "cuda, mps, said", [(0, False, "no GPU is needed"), (0, True, "an Apple GPU"), (1, False, "A Large One")]
)
def test_the_check_says_in_plain_words_what_there_is(cuda, mps, said, monkeypatch):
    pretend(monkeypatch, cuda, mps)
    text = describe()
    assert said in text and torch.__version__ in text and str(preset()) in text
    assert "chosen for this machine" in text


def test_the_check_says_when_the_preset_was_set(monkeypatch):
    monkeypatch.setenv("STYLELIB_PRESET", "quick")
    monkeypatch.setattr(machine.torch, "get_num_threads", lambda: 1)
    assert "set by STYLELIB_PRESET" in describe() and "(1 thread)" in describe()


@pytest.mark.parametrize(("before", "after"), [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_threads_are_told_to_wait_politely_before_torch_is_there_unless_the_user_said_otherwise(before, after):
    environment = {key: value for key, value in os.environ.items() if key != "GOMP_SPINCOUNT"} | before
    code = "import sys; assert 'torch' not in sys.modules; import stylelib, os; print(os.environ['GOMP_SPINCOUNT'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == after


def test_free_memory_is_a_number_of_bytes_that_this_process_could_have():
    assert 1e8 < machine.free_memory(torch.device("cpu")) < 1e14


@pytest.mark.parametrize("limit, free", [("3000\n", 1000), ("max\n", None), ("99999999999999999\n", None)])
@pytest.mark.parametrize("group", ["", "system.slice/jupyter-ada.service"])
def test_the_limit_of_a_container_or_a_users_service_counts(limit, free, group, tmp_path, monkeypatch):
    folder = tmp_path / "groups" / group
    folder.mkdir(parents=True)
    (folder / "memory.max").write_text(limit)
    (folder / "memory.current").write_text("2500\n")
    (folder / "memory.stat").write_text("anon 1500\ninactive_file 500\n")
    (tmp_path / "own").write_text(f"1:name=elogind:/2\n0::/{group}\n")
    monkeypatch.setattr(machine, "CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "OWN_GROUP", tmp_path / "own")
    found = machine.free_memory(torch.device("cpu"))
    assert found == free if free else found > 1e8


def test_a_device_or_a_system_that_does_not_say_what_is_free(monkeypatch):
    assert machine.free_memory(torch.device("mps")) is None

    def refuse():
        raise PermissionError("/proc")

    monkeypatch.setattr(machine.psutil, "virtual_memory", refuse)
    assert machine.free_memory(torch.device("cpu")) is None


def test_on_a_gpu_what_torch_keeps_for_itself_is_free_as_well(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 9000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 200)
    assert machine.free_memory(torch.device("cuda")) == 1500


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried …"),
    ],
)
def test_out_of_memory_is_a_sentence_that_names_a_smaller_size(error):
    with pytest.raises(InputError) as caught, machine.computing(torch.empty(1, 3, 600, 900, device="meta")):
        raise error
    assert str(caught.value) == "900 × 600 pixels need more memory than is free; try size=600."


def test_other_errors_pass_and_cudnn_is_exact_and_repeatable_meanwhile():
    before = torch.backends.cudnn.deterministic
    with pytest.raises(RuntimeError, match="another"), machine.computing(torch.empty(1, 3, 8, 8)):
        assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.allow_tf32
        raise RuntimeError("another")
    assert torch.backends.cudnn.deterministic == before
