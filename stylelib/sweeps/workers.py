"""Processes of this machine as a `concurrent.futures.Executor`, in which a process that dies loses only what it was at.

A ProcessPoolExecutor breaks as a whole when one of its processes dies. These are programs of their own besides: no
script needs an `if __name__ == "__main__":` for them, and nothing that runs in the caller is forked.
"""

import concurrent.futures
import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading

import torch

from stylelib.support.errors import InputError, check_whole
from stylelib.support.machine import pick_device

ATTEMPTS = 3  # processes that one call may cost
# An interrupt on a terminal reaches every process; it is the caller's to act upon, from the first moment on.
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); import stylelib.sweeps.workers as p; p.work({})"
)


def useful_processes():
    """How many processes keep this machine busy: one for each of torch's threads, or a single one for a GPU."""
    return torch.get_num_threads() if pick_device().type == "cpu" else 1


class Processes(concurrent.futures.Executor):
    """Up to `count` processes, started when they are needed; they share torch's threads evenly.

    Two processes of one thread do more than one of two threads, which wait for each other at every layer; each needs
    memory of its own, though. A call whose process dies is tried again in a new one, ATTEMPTS times in all, and then
    ends with an InputError.
    """

    def __init__(self, count=None):
        count = useful_processes() if count is None else check_whole("count", count, 1)
        self._each = max(1, torch.get_num_threads() // count)
        self._threads = concurrent.futures.ThreadPoolExecutor(count, "stylelib process")  # each waits for one process
        self._lock = threading.Lock()  # guards the next three
        self._all, self._idle, self._stopped = [], [], False

    def submit(self, function, /, *arguments, **named):
        """A future of the call. The function and all that it takes and gives are pickled."""
        return self._threads.submit(self._call, function, arguments, named)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Take no more calls; end the processes when those submitted are done. wait: until then."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            self.stop()

    def stop(self):
        """End at once: what is being computed is lost, what waits is cancelled."""
        with self._lock:
            self._stopped = True
            for process in self._all:
                process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._all:
            _end(process)

    def _call(self, function, arguments, named):
        call = pickle.dumps(pickle.dumps((function, arguments, named)))
        for _ in range(ATTEMPTS):
            process = self._take()
            try:
                process.stdin.write(call)
                process.stdin.flush()
                answer = pickle.load(process.stdout)  # bytes: the stream stays whole, whatever is in them
            except (OSError, EOFError, pickle.UnpicklingError):  # it is dead, or died in the middle of its answer
                _end(process)
                continue
            with self._lock:
                self._idle.append(process)
            value, error = pickle.loads(answer)
            if error is not None:
                raise error
            return value
        raise InputError(
            f"{ATTEMPTS} processes ended in the middle of it, each time without a word; too little memory?"
        )

    def _take(self):
        """A process that has nothing to do."""
        with self._lock:
            if self._stopped:
                raise concurrent.futures.CancelledError
            if self._idle:
                return self._idle.pop()
            path = os.pathsep.join(
                entry or os.getcwd() for entry in sys.path
            )  # what can be imported here, can be there
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", PROGRAM.format(self._each)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": path},
            )
            self._all.append(process)
            return process


def _end(process):
    with contextlib.suppress(OSError), process:  # closes the pipes and waits
        process.kill()


def work(threads):
    """What such a process does: calls come in, answers go out, until the caller is gone."""
    torch.set_num_threads(threads)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a call prints must not get between the answers
    calls = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(calls,), daemon=True).start()
    while True:
        try:
            function, arguments, named = pickle.loads(calls.get())
            answer = pickle.dumps((function(*arguments, **named), None))
        except (Exception, SystemExit) as error:
            answer = _as_answer(error)
        answers.write(pickle.dumps(answer))
        answers.flush()


def _as_answer(error):
    """An error as bytes; one that cannot be sent, or not be made again, or that would end a program, in words."""
    words = pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
    try:
        answer = pickle.dumps((None, error))
        pickle.loads(answer)
    except Exception:
        return words
    return answer if isinstance(error, Exception) else words


def _receive(calls):
    try:
        while True:
            calls.put(pickle.load(sys.stdin.buffer))
    finally:  # the caller is gone, however that came about: nobody waits for an answer
        os._exit(0)
