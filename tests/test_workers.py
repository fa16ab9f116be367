"""Workers: what they return, what happens when one dies, and how they end."""

import concurrent.futures
import os
import pickle
import signal
import sys
import threading
import time

import psutil
import pytest
import torch

from stylelib.support.errors import InputError
from stylelib.sweeps import workers
from stylelib.sweeps.workers import Workers

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.fixture(scope="module")
def executor():
    with Workers(1) as executor:
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
    with Workers(2) as executor:
        assert executor.threads_each == 2
    with Workers(9) as executor:
        assert executor.threads_each == 1
    monkeypatch.setattr(workers, "pick_device", lambda: torch.device("cuda"))
    assert workers.useful_workers() == 1


def test_arguments_results_and_errors_come_through(executor):
    assert executor.submit(sorted, [3, 1, 2], reverse=True).result() == [3, 2, 1]
    assert list(executor.map(abs, [-1, -2])) == [1, 2]
    with pytest.raises(ZeroDivisionError, match="division"):
        executor.submit(divmod, 1, 0).result()
    with pytest.raises((TypeError, pickle.PicklingError), match="pickle"):
        executor.submit(len, threading.Lock()).result()
    large = executor.submit(bytes, 10**6).result()  # more than fits into a pipe
    assert executor.submit(len, large).result() == 10**6


def test_functions_and_classes_that_are_in_no_module_come_through(executor):
    """As in a notebook. cloudpickle knows them again when they come back."""
    factor = 3

    class Mine(Exception):
        pass

    def fail():
        raise Mine("on purpose")

    assert executor.submit(lambda number: factor * number, 14).result() == 42
    with pytest.raises(Mine, match="on purpose"):
        executor.submit(fail).result()
    assert executor.submit(Mine, "made there").result().args == ("made there",)


def test_what_a_call_prints_does_not_disturb(executor):
    assert executor.submit(speak).result() == "said"


@posix
def test_a_dead_worker_is_replaced_and_its_call_made_again(executor, tmp_path):
    last = executor.submit(die, tmp_path / "pids", 1).result()
    tried = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(set(tried)) == 2 and tried[-1] == last


@posix
def test_a_call_that_ends_every_worker_is_given_up(executor, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "ATTEMPTS", 2)
    with pytest.raises(InputError, match=r"^2 workers crashed in this call \(out of memory\?\); try fewer"):
        executor.submit(die, tmp_path / "pids", 99).result()
    assert len((tmp_path / "pids").read_text().split()) == 2
    assert executor.submit(abs, -1).result() == 1  # the executor is as good as before


def test_stop_ends_the_workers_in_the_middle_of_a_call():
    executor = Workers(1)
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


def test_a_shutdown_that_does_not_wait_ends_the_workers_when_their_calls_are_done():
    executor = Workers(1)
    pid, _ = executor.submit(pid_and_threads).result()
    running, waits = executor.submit(time.sleep, 0.5), executor.submit(abs, -1)
    executor.shutdown(wait=False)
    assert running.result() is None and waits.result() == 1
    assert gone([pid])
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, 1)


def test_the_number_of_workers_is_checked():
    with pytest.raises(InputError, match="The number of workers is a whole number, 1 or more; got 0"):
        Workers(0)


class Odd(Exception):
    """An error that cannot be made again from what it says."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def fail_oddly():
    raise Odd("this", "that")


def leave():
    sys.exit(3)


def test_an_error_that_cannot_be_sent_arrives_as_text_and_its_worker_goes_on():
    with Workers(1) as executor:
        for function, words in ((fail_oddly, "Odd: this and that"), (leave, "SystemExit: 3")):
            error = executor.submit(function).exception()
            assert words in str(error)
        assert len(executor._all) == 1
