"""The README's promises: its commands, its table, its links."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def command(mark):
    return re.search(rf"<!-- {mark} -->\n```sh\n(.+)\n```", README)[1]


def test_both_commands_set_up_in_the_same_way():
    start, test = command("start"), command("test")
    assert start.split(" && ")[:3] == test.split(" && ")[:3]
    assert test.endswith(" && python -m pytest -n 2 --dist loadfile")
    opened = re.search(r"jupyter lab (\S+)$", start)[1]
    assert (ROOT / opened).is_file()


def test_ci_runs_the_readmes_test_command():
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    extract = re.search(r"^command=\$\((sed .+)\)$", script, re.MULTILINE)[1]
    found = subprocess.run(["bash", "-c", extract], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert found == command("test")


def test_requirements_have_floors_and_no_pins_or_index_lines():
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    for line in filter(None, lines):
        assert line == "-e ." or re.fullmatch(r"[a-z-]+>=[\d.]+", line), line
    wanted = "torch torchvision pillow matplotlib numpy ipywidgets jupyter nbval pytest"
    assert set(wanted.split()) <= {line.split(">")[0] for line in lines}


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_python_example_runs_as_it_stands(tmp_path):
    code = re.search(r"```python\n(.+?)```", README, re.DOTALL)[1].replace("size=256", "size=48").replace("=100", "=2")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "painted.png").is_file()
