"""Turns: several processes share a folder, only so many compute at once, in the order in which they came."""

import os
import subprocess
import sys
import threading
import time

import pytest

import stylelib
from stylelib.studio.runner import FINISHED, PREPARING, RUNNING, STOPPED, Runner
from stylelib.support import turns
from stylelib.support.errors import InputError
from stylelib.support.turns import Line

LONG = 60  # seconds until a test that hangs gives up
PROGRAM = """
import os, sys, time, types
package = types.ModuleType("stylelib")  # without torch, for which five processes would need half a minute
package.__path__ = [sys.argv[3]]
sys.modules["stylelib"] = package
from stylelib.support import turns
turns.POLL = 0.02
for _ in range(2):
    with turns.turn(), open(sys.argv[1], "a") as log:
        print(os.getpid(), "in", file=log, flush=True)
        time.sleep(float(sys.argv[2]))
        print(os.getpid(), "out", file=log, flush=True)
    turns.over()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(turns, "POLL", 0.02)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """One process at once."""
    monkeypatch.setenv("STYLELIB_TURNS", f"{tmp_path}:1")
    yield tmp_path
    turns.over()


@pytest.fixture
def someone(folder):
    """Another process, as it were, whose turn it is."""
    line = Line(folder, 1)
    with line.kept():
        assert line.advance() == 0
        yield line
    line.leave()


def wait_until(true):
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def small_run(steps=2):
    return stylelib.style_transfer(
        stylelib.load_image("riverside", 32), stylelib.load_image("night_swirls", 32), "compact", steps=steps
    )


def test_nobody_waits_unless_it_is_switched_on(monkeypatch):
    monkeypatch.delenv("STYLELIB_TURNS", raising=False)
    assert turns.before() == 0 and turns.line() is None
    with turns.turn():
        turns.over()


def test_a_line_is_kept_in_order_and_closes_up(tmp_path):
    lines = [Line(tmp_path, 2) for _ in range(5)]
    assert [line.advance() for line in lines] == [0, 0, 2, 3, 4]
    assert [line.advance() for line in lines] == [0, 0, 2, 3, 4], "nobody overtakes"
    lines[3].leave()
    assert [lines[index].advance() for index in (0, 1, 2, 4)] == [0, 0, 2, 3]
    lines[0].leave()
    assert [lines[index].advance() for index in (4, 2, 4, 3)] == [3, 0, 2, 3], "who left comes last"
    for line in lines:
        line.leave()
    assert [line.advance() for line in reversed(lines)] == [0, 0, 2, 3, 4]


def test_who_comes_when_the_line_is_full_waits_outside(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "LENGTH", 2)
    lines = [Line(tmp_path, 1) for _ in range(4)]
    assert [line.advance() for line in lines] == [0, 1, 2, 3]
    lines[0].leave()
    assert [line.advance() for line in lines[1:]] == [0, 1, 2]


@pytest.mark.parametrize("at_once", [1, 2])
def test_processes_take_turns_and_one_that_is_killed_blocks_nobody(at_once, tmp_path):
    log, environment = tmp_path / "log", {**os.environ, "STYLELIB_TURNS": f"{tmp_path}:{at_once}"}
    processes = []

    def start(seconds):
        command = [sys.executable, "-c", PROGRAM, log, str(seconds), os.path.dirname(stylelib.__file__)]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))

    try:
        for _ in range(at_once):
            start(LONG)  # it would keep its turn too long for this test
        wait_until(lambda: log.exists() and log.read_text().count("in") == at_once)
        for _ in range(3):
            start(0.2)
        assert processes[-1].stdout.read(8) == b"\rWaiting"
        assert log.read_text().count("in") == at_once, "nobody computes beside them"
        processes[0].kill()
        said = [process.communicate(timeout=LONG)[0].decode() for process in processes[at_once:]]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert [process.returncode for process in processes[at_once:]] == [0, 0, 0]
    assert "before this one." in said[-1] + said[-2] and said[-1].rstrip().endswith("Now it is its turn.")
    inside, events = at_once - 1, log.read_text().splitlines()[at_once:]  # the killed one is no longer inside
    assert len(events) == 3 * 2 * 2
    for event in events:
        inside += 1 if event.endswith("in") else -1
        assert inside <= at_once


def test_the_turn_is_given_away_when_nothing_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "IDLE", 0.2)
    first, second = Line(tmp_path, 1), Line(tmp_path, 1)
    with first.kept():
        assert first.advance() == 0
        time.sleep(0.5)
        assert second.advance() == 1, "a long step keeps it"
    wait_until(lambda: second.advance() == 0)
    wait_until(lambda: second.advance() == 0 and sum(one.name == "stylelib turn" for one in threading.enumerate()) == 1)
    second.leave()
    wait_until(lambda: not any(one.name == "stylelib turn" for one in threading.enumerate()))


def test_a_run_waits_says_so_and_counts_only_its_own_seconds(folder, someone, capsys):
    run = small_run()
    threading.Timer(2, someone._lock.release).start()
    started = time.monotonic()
    run.finish()
    assert time.monotonic() - started > run.seconds + 1.5, "the two seconds of waiting do not count"
    assert run.stop_reason == "all 2 steps are done"
    assert capsys.readouterr().out == "\rWaiting: 1 run is before this one.\rNow it is its turn.               \n"
    assert Line(folder, 1).advance() == 0, "another process may compute, although this one has not ended"


def test_runs_of_one_process_do_not_wait_for_each_other(folder):
    for one, other in zip(small_run(), small_run(), strict=True):
        assert one.number == other.number


def test_who_waits_can_be_interrupted(folder, someone, monkeypatch):
    def interrupt(count):
        raise KeyboardInterrupt

    run = small_run()
    with monkeypatch.context() as patched:
        patched.setattr(turns, "sentence", interrupt)
        run.finish()
    assert run.stop_reason.startswith("interrupted after step 0")


def test_the_studios_run_waits_and_can_be_stopped_meanwhile(folder, someone):
    said = []
    runner = Runner(small_run, on_change=lambda runner: said.append((runner.state, runner.before))).start()
    wait_until(lambda: (RUNNING, 1) in said)
    runner.stop()
    assert runner.wait(LONG) and runner.run.number == 0
    assert said == [(PREPARING, 0), (RUNNING, 0), (RUNNING, 1), (STOPPED, 1)]
    turns.over()
    said.clear()
    runner = Runner(small_run, on_change=lambda runner: said.append((runner.state, runner.before))).start()
    wait_until(lambda: (RUNNING, 1) in said)
    someone._lock.release()
    assert runner.wait(LONG) and runner.run.number == 2
    assert said == [(PREPARING, 0), (RUNNING, 0), (RUNNING, 1), (RUNNING, 0), (FINISHED, 0)]


@pytest.mark.parametrize("value", ["4", "folder", "folder:", "folder:0", "folder:-1", ":4", "folder:x"])
def test_a_value_that_is_not_a_folder_and_a_number_is_refused(value, monkeypatch):
    monkeypatch.setenv("STYLELIB_TURNS", value)
    with pytest.raises(InputError, match=r"STYLELIB_TURNS must be FOLDER:NUMBER, such as /srv/stylelib/turns:4"):
        turns.before()


def test_a_folder_that_cannot_be_used_makes_nobody_wait(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("STYLELIB_TURNS", f"{tmp_path / 'file'}:1")
    with pytest.warns(UserWarning, match="Nobody waits in line, because .*file cannot be used"):
        assert turns.before() == 0
    assert turns.before() == 0, "and it is said once"
