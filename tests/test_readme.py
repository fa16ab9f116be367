"""The README and the other pages: their commands, tables, links and names are right."""

import json
import pathlib
import pkgutil
import re
import subprocess
import sys
import tomllib

import nbformat
import pytest
import yaml

import stylelib
from stylelib.shell.parser import make_parser
from tools import address, architecture

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
USING = (ROOT / "docs/using.md").read_text(encoding="utf-8")
PAGES = [
    "README.md",
    "docs/using.md",
    "docs/symbols.md",
    "docs/conventions.md",
    "docs/fidelity.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/glossary.md",
]
PAGES += ["docs/claims.md", "tools/benchmarks/README.md"]
PAGES += [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs" / "teaching").rglob("*.md"))]
SOMEWHERE = "https://github.com/somebody/style-transfer"


needs_sed = pytest.mark.skipif(sys.platform == "win32", reason="a Windows bash may be another system's")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def command(mark):
    return re.search(rf"<!-- {mark} -->\n```sh\n(.+)\n```", README)[1]


def test_both_commands_set_up_in_the_same_way():
    start, test = command("start").split(" && "), command("test").split(" && ")
    assert test == [*start[:2], f'{start[2]} -e ".[test]"', "python -m pytest -n 2 --dist loadfile"]
    opened = re.search(r"jupyter lab (\S+)$", start[-1])[1]
    assert (ROOT / opened).is_file()


@needs_sed
def test_ci_runs_the_readmes_test_command():
    script = read(".ci/run")
    extract = re.search(r"^command=\$\((sed .+)\)$", script, re.MULTILINE)[1]
    found = subprocess.run(["bash", "-c", extract], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert found == command("test")


@needs_sed
def test_cis_environment_is_named_by_everything_that_is_installed_into_it():
    script = read(".ci/run")
    extract = re.search(r"; (sed -n .+ pyproject.toml)\)$", script, re.MULTILINE)[1]
    found = subprocess.run(["bash", "-c", extract], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    project = tomllib.loads(read("pyproject.toml"))["project"]
    for requirements in (project["dependencies"], *project["optional-dependencies"].values()):
        assert all(f'"{requirement}"' in found for requirement in requirements)
    assert "cat requirements.txt" in script


def test_hosted_ci_runs_the_same_on_three_systems_with_the_oldest_and_the_newest_dependencies():
    job = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]["tests"]
    assert job["steps"][-1]["run"] == ".ci/run"
    matrix = job["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["system"]} == {"ubuntu", "macos", "windows"}
    assert [*matrix["dependencies"], *(one["dependencies"] for one in matrix["include"])] == ["newest", "oldest"]


def test_the_site_is_built_and_published_and_the_series_runs_weekly_with_the_newest():
    site = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]["site"]
    assert site["needs"] == "tests" and "refs/heads/main" in site["if"]
    uses = [step.get("uses", step.get("run", "")) for step in site["steps"]]
    built, published = uses.index("python tools/site.py site_out"), [use.split("@")[0] for use in uses]
    assert published.index("actions/deploy-pages") > built
    assert site["steps"][published.index("actions/upload-pages-artifact")]["with"]["path"] == "site_out"
    weekly = yaml.safe_load(read(".github/workflows/weekly.yml"))
    (when,) = weekly[True]["schedule"]  # YAML reads the key "on" as a truth
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", when["cron"])
    *_, install, series = weekly["jobs"]["series"]["steps"]
    assert "--upgrade-strategy eager" in install["run"] and series["run"].endswith("notebooks")


def test_binder_and_the_dev_container_install_what_the_readme_installs():
    lines = read(".binder/requirements.txt").split()
    assert (ROOT / ".binder" / lines[lines.index("-r") + 1]).resolve() == ROOT / "requirements.txt"
    container = json.loads(read(".devcontainer/devcontainer.json"))
    small = re.search(r"python -m pip install torch torchvision --index-url \S+", README)[0]
    assert container["postCreateCommand"] == f"{small} && python -m pip install -r requirements.txt"
    assert lines[lines.index("--extra-index-url") + 1] == small.split()[-1]


def test_the_issue_form_asks_for_notebook_cell_and_machine():
    form = yaml.safe_load(read(".github/ISSUE_TEMPLATE/problem.yml"))
    fields = {field["id"]: field for field in form["body"]}
    assert "Notebook and cell" in fields["where"]["attributes"]["label"]
    check = re.search(r'python -c "(.+)"', fields["machine"]["attributes"]["placeholder"])[1]
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0 and "torch" in done.stdout


def test_requirements_are_what_the_notebooks_need_without_pins_or_index_lines():
    lines = [line.split("#")[0].strip() for line in read("requirements.txt").splitlines()]
    lines = [line for line in lines if line]
    for line in lines:
        assert line == "-e ." or re.fullmatch(r"[a-z-]+>=[\d.]+", line), line
    wanted = "torch torchvision pillow matplotlib numpy ipywidgets jupyter nbval"
    assert sorted(line.split(">")[0] for line in lines) == sorted(["-e .", *wanted.split()])


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", read(page)):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])  # which has the old ones, too
def test_paths_and_commands_on_the_pages_exist(page):
    for path in re.findall(r"[` ]((?:stylelib|tools|tests|notebooks|docs|images)/[\w/.-]*\w/?)", read(page)):
        if not path.startswith(
            ("notebooks/NN_", "notebooks/solutions/NN_", "stylelib/exercises/NAME", "docs/teaching/notes/NN_")
        ):
            assert (ROOT / path).exists(), path
    for module in re.findall(r"python -m ((?:stylelib|tools)[\w.]*)", read(page)):
        assert any((ROOT / module.replace(".", "/")).with_suffix(end).exists() for end in ("", ".py")), module


@pytest.mark.parametrize("page", [README, USING], ids=["README", "using"])
def test_the_python_example_runs_as_it_stands(page, tmp_path):
    code = re.search(r"```python\n(.+?)```", page, re.DOTALL)[1].replace("size=256", "size=48").replace("=100", "=2")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "painted.png").is_file()


def test_the_shells_commands_are_understood():
    commands = re.findall(r"^python -m stylelib (.+)$", README + USING, re.MULTILINE)
    assert len(commands) > 7
    for line in commands:
        if line != "--help":
            make_parser().parse_args(line.split())


def test_the_other_python_example_imports_what_there_is():
    code = re.search(r"```py\n(.+?)```", USING, re.DOTALL)[1]
    exec("\n".join(line for line in code.splitlines() if line.startswith(("from", "import"))), {})


def test_the_glossary_names_what_is_in_the_code():
    names = re.findall(r"`(stylelib\.[\w.]+)`", read("docs/glossary.md"))
    assert len(names) > 50
    for name in names:
        assert pkgutil.resolve_name(name) is not None, name
    for words in re.findall(r"^\| (.+?) \|", read("docs/glossary.md"), re.MULTILINE):
        assert read("docs/glossary.md").count(f"\n| {words} |") == 1 or words in ("word", "---"), words


def test_the_architecture_page_is_current():
    message = "run: python tools/architecture.py"
    assert architecture.PAGE.read_text(encoding="utf-8") == architecture.page(), message
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.picture(), message


def test_the_architecture_page_has_the_layers_as_text_and_names_files_that_exist():
    page = read("docs/architecture.md")
    words = page.split("from top to bottom: ")[1].split(".\n\n")[0]
    assert re.findall(r"`(\w+)(?:/|\.py)`", words) == [name for layer in architecture.layers() for name in layer]
    where = page.split("## Where does")[1].split("\n## ")[0]
    rows = [line for line in where.splitlines() if line.startswith("| ")]
    assert len(rows) > 8 and all(re.search(r"`\w+[./]\w+", row) for row in rows[2:])
    for path in re.findall(r"`([\w/]+\.py)`", where):
        assert (ROOT / "stylelib" / path).exists(), path
    for name in re.findall(r"`([A-Za-z]+\.[a-z_]+)`", where):
        if not name.endswith(".py"):
            assert hasattr(stylelib.Synthesis if name.startswith("Synthesis") else stylelib.recipes, name.split(".")[1])


def test_every_file_of_the_package_is_on_the_architecture_page_with_a_sentence():
    page = read("docs/architecture.md")
    for path in (ROOT / "stylelib").rglob("*.py"):
        if path.name not in ("__init__.py", "__main__.py"):
            (row,) = re.findall(
                rf"^\| \[{path.name}\]\(\.\./{path.relative_to(ROOT).as_posix()}\) \| (.+) \|$", page, re.MULTILINE
            )
            assert re.fullmatch(r".{12,140}\.", row), row


def test_the_api_reference_is_made_from_the_docstrings(tmp_path):
    pytest.importorskip("pdoc", reason="needs the extra site")
    done = subprocess.run([sys.executable, "tools/api.py", tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    page = (tmp_path / "stylelib/terms.html").read_text(encoding="utf-8")
    assert "Content loss" in page and "total_loss" in page
    assert "terms.html" in (tmp_path / "stylelib.html").read_text(encoding="utf-8")
    assert "<td>relative</td>" in (tmp_path / "stylelib/losses.html").read_text(encoding="utf-8"), "tables are tables"


def test_the_address_is_in_all_places():
    for name in ("README.md", "CITATION.cff"):
        assert address.with_address(read(name), address.repository()) == read(name), "run: python tools/address.py"
    for path in (ROOT / "notebooks").glob("**/*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        assert address.with_install_cell(notebook, address.repository()) == notebook, "run: python tools/address.py"


def test_without_an_address_nothing_points_to_one():
    text = address.with_address(README, "") + address.with_address(read("CITATION.cff"), "")
    for part in ("git clone", "[![", "colab.research", "mybinder", "github.io", "\nrepository-code", "OWNER"):
        assert part not in text
    assert "python tools/site.py" in text, "how to build the live page"


def test_an_address_makes_badges_clone_line_citation_and_install_cells():
    text = address.with_address(README, SOMEWHERE)
    assert f"git clone {SOMEWHERE} && cd style-transfer" in text and f"{SOMEWHERE}/actions/workflows/test.yml" in text
    assert "colab.research.google.com/github/somebody/style-transfer/blob/main/notebooks/00_start_here.ipynb" in text
    assert "mybinder.org/v2/gh/somebody/style-transfer/main?labpath=notebooks%2F00_start_here.ipynb" in text
    assert "[**The live page**](https://somebody.github.io/style-transfer/live/)" in text
    elsewhere = address.with_address(README, "https://example.org/a/b").split("## Start")[0]
    assert not re.search("colab|github.io", elsewhere) and "The live page optimises" in elsewhere
    assert "mybinder.org/v2/git/https%3A%2F%2Fexample.org%2Fa%2Fb/main" in elsewhere, "which Colab cannot open"
    assert address.with_address(text, SOMEWHERE) == text
    assert address.with_address(text, "") == address.with_address(README, "")
    citation = address.with_address(read("CITATION.cff"), SOMEWHERE)
    assert yaml.safe_load(citation)["repository-code"] == SOMEWHERE
    assert address.with_address(citation, "") == address.with_address(read("CITATION.cff"), "")
    notebook = nbformat.read(ROOT / "notebooks/05_style_transfer.ipynb", as_version=4)
    installing = address.with_install_cell(notebook, SOMEWHERE)
    first, second = [cell for cell in installing.cells if cell.cell_type == "code"][:2]
    assert f'%pip install -q "stylelib @ git+{SOMEWHERE}"' in first.source
    assert (first.execution_count, second.execution_count) == (1, 2)
    assert address.with_install_cell(installing, SOMEWHERE) == installing
    assert address.with_install_cell(installing, "") == address.with_install_cell(notebook, "")
    nbformat.validate(installing)


def test_the_versions_agree():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == project["version"]
    assert f"## {project['version']}" in read("CHANGELOG.md")
