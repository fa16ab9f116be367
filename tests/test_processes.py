"""Processes as an executor: what they give back, what dies in them, and how they end."""

import concurrent.futures
import os
import pickle
import signal
import sys
import time

import psutil
import pytest
import torch

from stylelib.support.errors import InputError
from stylelib.sweeps import workers as processes
from stylelib.sweeps.workers import Processes

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.fixture(scope="module")
def executor():
    with Processes(1) as executor:
        yield executor


def pid_and_threads():
    return os.getpid(), torch.get_num_threads()


def speak():
    print("this goes to stderr")
    os.write(1, b"and this\n")
    return "said"


def die(path, times):
    """Kill the process, the first few times."""
    with open(path, "a") as file:
        file.write(f"{os.getpid()}\n")
    if path.read_text().count("\n") <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def gone(pids, seconds=20):
    """Whether they all end, soon."""
    return not psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], seconds)[1]


def test_a_call_runs_in_another_process_which_is_kept(executor):
    (first, threads), (second, _) = (executor.submit(pid_and_threads).result() for _ in range(2))
    assert first == second != os.getpid() and threads == torch.get_num_threads()


def test_torch_s_threads_are_shared(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 5)
    with Processes(2) as executor:
        assert executor._each == 2
    with Processes(9) as executor:
        assert executor._each == 1
    monkeypatch.setattr(processes, "pick_device", lambda: torch.device("cuda"))
    assert processes.useful_processes() == 1


def test_arguments_results_and_errors_come_through(executor):
    assert executor.submit(sorted, [3, 1, 2], reverse=True).result() == [3, 2, 1]
    assert list(executor.map(abs, [-1, -2])) == [1, 2]
    with pytest.raises(ZeroDivisionError, match="division"):
        executor.submit(divmod, 1, 0).result()
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        executor.submit(lambda: 0).result()
    large = executor.submit(bytes, 10**6).result()  # more than fits into a pipe
    assert executor.submit(len, large).result() == 10**6


def test_what_a_call_prints_does_not_disturb(executor):
    assert executor.submit(speak).result() == "said"


@posix
def test_a_dead_process_is_replaced_and_its_call_made_again(executor, tmp_path):
    last = executor.submit(die, tmp_path / "pids", 1).result()
    tried = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(set(tried)) == 2 and tried[-1] == last


@posix
def test_a_call_that_ends_every_process_is_given_up(executor, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "ATTEMPTS", 2)
    with pytest.raises(InputError, match=r"^2 processes ended in the middle of it.*\?$"):
        executor.submit(die, tmp_path / "pids", 99).result()
    assert len((tmp_path / "pids").read_text().split()) == 2
    assert executor.submit(abs, -1).result() == 1  # the executor is as good as before


def test_stop_ends_the_processes_in_the_middle():
    executor = Processes(1)
    pid, _ = executor.submit(pid_and_threads).result()
    running, waits = executor.submit(time.sleep, 1000), executor.submit(abs, 1)
    while not running.running():
        time.sleep(0.01)
    executor.stop()
    assert gone([pid]) and waits.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        running.result()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, 1)


def test_the_number_of_processes_is_checked():
    with pytest.raises(InputError, match="count is a whole number, 1 or more; got 0"):
        Processes(0)


class Odd(Exception):
    """An error that cannot be made again from what it says."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def fail_oddly():
    raise Odd("this", "that")


def leave():
    sys.exit(3)


def test_an_error_that_cannot_be_sent_arrives_in_words_and_its_process_goes_on():
    with Processes(1) as executor:
        for function, words in ((fail_oddly, "Odd: this and that"), (leave, "SystemExit: 3")):
            error = executor.submit(function).exception()
            assert words in str(error)
        assert len(executor._all) == 1
