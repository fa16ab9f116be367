"""Workers: processes of this machine as a `concurrent.futures.Executor`. One that dies loses only its own call.

Each worker is a separate program, so a script needs no ``if __name__ == "__main__":`` and nothing is forked. The
executors of the standard library and of loky are not used, because they fail all calls when one process dies, and
because loky's workers continue to compute after their caller was killed.
"""

import concurrent.futures
import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import cloudpickle
import torch

from stylelib.support.errors import InputError, check_whole
from stylelib.support.limits import cores
from stylelib.support.machine import pick_device

ATTEMPTS = 3  # number of workers that a call may crash before it fails
# A terminal sends its interrupt to every process, but only the caller should act on it, so a worker ignores it first.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from stylelib.sweeps.workers import work; work(threads={})"
)

P = ParamSpec("P")
T = TypeVar("T")


def useful_workers() -> int:
    """Return how many workers keep this machine busy: one for each core that may be used, or a single one for a GPU."""
    return min(torch.get_num_threads(), cores()) if pick_device().type == "cpu" else 1


class Workers(concurrent.futures.Executor):
    """Up to `count` workers, started when they are needed; they share torch's threads evenly.

    Two workers with one thread each are faster than one with two threads, because two threads wait for each other at
    every layer. Each worker needs its own memory. A call whose worker dies is repeated in a new worker; after ATTEMPTS
    workers it fails with an InputError.

    Parameters
    ----------
    count : int, optional
        1 or more; `useful_workers()` by default.
    """

    def __init__(self, count: int | None = None) -> None:
        count = useful_workers() if count is None else check_whole("The number of workers", count, 1)
        self.threads_each = max(1, torch.get_num_threads() // count)
        self._callers = concurrent.futures.ThreadPoolExecutor(count, "stylelib worker")  # a thread for each worker
        self._lock = threading.Lock()  # guards the next three
        self._all: list[subprocess.Popen[bytes]] = []
        self._idle: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def submit(
        self, function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs
    ) -> concurrent.futures.Future[T]:
        """Call a function in a worker.

        Parameters
        ----------
        function : callable
            It and its arguments are packed by cloudpickle, so they may be defined in a notebook.
        *arguments, **named
            The arguments.

        Returns
        -------
        concurrent.futures.Future
            The future result.
        """
        return self._callers.submit(self._call, function, arguments, named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more calls, and end the workers when those that were submitted are done; `wait` for this."""
        self._callers.shutdown(False, cancel_futures=cancel_futures)
        if wait:
            self._callers.shutdown()
            self.stop()
        else:
            threading.Thread(target=self.shutdown, name="stylelib shutdown", daemon=True).start()

    def stop(self) -> None:
        """End the workers immediately. Calls that are being computed are lost, and waiting calls are cancelled."""
        with self._lock:
            self._stopped = True
            for worker in self._all:
                worker.kill()
        self._callers.shutdown(cancel_futures=True)
        for worker in self._all:
            _end(worker)

    def _call(self, function: Callable[..., T], arguments: tuple[Any, ...], named: dict[str, Any]) -> T:
        call = pickle.dumps(cloudpickle.dumps((function, arguments, named)))
        for _ in range(ATTEMPTS):
            worker = self._take()
            assert worker.stdin is not None and worker.stdout is not None
            try:
                worker.stdin.write(call)
                worker.stdin.flush()
                answer = pickle.load(worker.stdout)  # bytes, which are unpacked only after the pipe is empty
            except (OSError, EOFError, pickle.UnpicklingError):  # it is dead, or died in the middle of its answer
                _end(worker)
                continue
            with self._lock:
                self._idle.append(worker)
            value, error = pickle.loads(answer)
            if error is not None:
                raise error
            result: T = value
            return result
        raise InputError(
            f"{ATTEMPTS} workers crashed in this call (out of memory?); try fewer workers or smaller pictures."
        )

    def _take(self) -> subprocess.Popen[bytes]:
        """Return an idle worker, or start one."""
        with self._lock:
            if self._stopped:
                raise concurrent.futures.CancelledError
            if self._idle:
                return self._idle.pop()
            path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # to let it import the same modules
            worker = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", PROGRAM.format(self.threads_each)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": path},
            )
            self._all.append(worker)
            return worker


def _end(worker: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError), worker:  # closes the pipes and waits
        worker.kill()


def work(threads: int) -> None:
    """Answer calls until the caller is gone; this is all that a worker does.

    Parameters
    ----------
    threads : int
        Number of threads that torch may use in this worker.
    """
    torch.set_num_threads(threads)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a call prints must not get between the answers
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(calls,), daemon=True).start()
    while True:
        try:
            function, arguments, named = pickle.loads(calls.get())
            answer = cloudpickle.dumps((function(*arguments, **named), None))
        except (Exception, SystemExit) as error:
            answer = _as_answer(error)
        answers.write(pickle.dumps(answer))
        answers.flush()


def _as_answer(error: BaseException) -> bytes:
    """Return an error as bytes; only its text if it cannot be packed, cannot be unpacked, or would end the program."""
    text = pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
    try:
        answer: bytes = cloudpickle.dumps((None, error))
        pickle.loads(answer)
    except Exception:
        return text
    return answer if isinstance(error, Exception) else text


def _receive(calls: "queue.SimpleQueue[bytes]") -> None:
    try:
        while True:
            calls.put(pickle.load(sys.stdin.buffer))
    finally:  # the caller is gone, so an answer is no longer needed
        os._exit(0)
