"""The command for a lent GPU: steps by themselves, one that fails costs no other, results in one folder."""

import json
import subprocess
import sys


def run(*arguments):
    command = [sys.executable, "-m", "tools.gpu", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_steps_are_reported_also_where_one_fails(tmp_path):
    done = run(tmp_path / "out", "transfers", "training", "--network", "no-such-network", "--size", "32")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert "There is no network 'no-such-network'" in " ".join(report["transfers"]["failed"])
    assert "STYLELIB_TRAINING" in report["training"]["left out"]
    assert "torch" in report["machine"]


def test_an_unknown_step_is_refused(tmp_path):
    done = run(tmp_path, "speeds")
    assert done.returncode == 2 and "there is no step speeds; known: tests, speed" in done.stderr
