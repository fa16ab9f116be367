"""Workers: processes of this machine as a `concurrent.futures.Executor`. One that dies loses only its own call.

They are programs of their own, so a script needs no ``if __name__ == "__main__":`` and nothing of the caller is forked.
They are written by hand because the executors of the standard library and of loky fail all calls when one process dies,
and because a worker of loky's goes on computing after its caller was killed.
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
from stylelib.support.machine import pick_device

ATTEMPTS = 3  # workers that one call may cost
# A terminal sends its interrupt to every process, but only the caller acts on it, from the first moment on.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from stylelib.sweeps.workers import work; work(threads={})"
)

P = ParamSpec("P")
T = TypeVar("T")


def useful_workers() -> int:
    """Return how many workers keep this machine busy: one for each of torch's threads, or a single one for a GPU."""
    return torch.get_num_threads() if pick_device().type == "cpu" else 1


class Workers(concurrent.futures.Executor):
    """Up to `count` workers, started when they are needed; they share torch's threads evenly.

    Two workers of one thread each do more than one of two threads, because two threads wait for each other at every
    layer. Each worker needs memory of its own. A call whose worker dies is tried again in a new one, ATTEMPTS times in
    all, and then ends with an InputError.

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
            What it is called with.

        Returns
        -------
        concurrent.futures.Future
            Of what it returns.
        """
        return self._callers.submit(self._call, function, arguments, named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; end the workers when those submitted are done. With `wait`, return after that."""
        self._callers.shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            self.stop()

    def stop(self) -> None:
        """End the workers at once: calls under way are lost, and waiting calls are cancelled."""
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
                answer = pickle.load(worker.stdout)  # bytes, so an answer that cannot be unpacked ends where it should
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
        """Return a worker that has nothing to do."""
        with self._lock:
            if self._stopped:
                raise concurrent.futures.CancelledError
            if self._idle:
                return self._idle.pop()
            path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # so that it can import what we can
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
        That torch may use here.
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
    """Return an error as bytes; its text alone if it cannot be sent, cannot be made again, or would end a program."""
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
    finally:  # the caller is gone, for whatever reason, so nobody waits for an answer
        os._exit(0)
