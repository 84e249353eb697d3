"""The workflows: what can be known of them without the host that runs them."""

import re
import shutil
import subprocess
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest
import yaml

from sltcourse.kit import authoring
from tests import colab_versions

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github" / "workflows"
FILES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
JOBS = [(name, job) for name, flow in FILES.items() for job in flow["jobs"]]
each = pytest.mark.parametrize("name", FILES)
each_job = pytest.mark.parametrize(("name", "job"), JOBS)
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")

# What GitHub knew in 2026: a major that is older runs on a Node that is gone.
ACTIONS = {
    "actions/checkout": "v6",
    "actions/setup-python": "v6",
    "actions/upload-artifact": "v7",
    "actions/download-artifact": "v8",
    "actions/upload-pages-artifact": "v5",
    "actions/deploy-pages": "v5",
    "pypa/gh-action-pypi-publish": "release/v1",
}
# All that is allowed beyond reading the repository, and to whom.
PERMISSIONS = {
    ("drift", "report"): {"issues": "write"},
    ("book", "publish"): {"pages": "write", "id-token": "write"},
    ("release", "pypi"): {"id-token": "write"},
    ("release", "lessons"): {"contents": "write"},
}


def triggers(flow):
    return flow[True]  # YAML 1.1 reads the key "on" as a truth value


def steps(name, job):
    return FILES[name]["jobs"][job]["steps"]


def scripts(name, job):
    """The shell commands of a job, one text a step, for each value of its matrix in turn."""
    axes = FILES[name]["jobs"][job].get("strategy", {}).get("matrix", {})
    axes = {key: values for key, values in axes.items() if key != "exclude"}
    for values in product(*axes.values()):
        for step in steps(name, job):
            script = step.get("run", "")
            for key, value in zip(axes, values, strict=True):
                script = script.replace("${{ matrix." + key + " }}", value)
            if script:
                yield script


@each_job
def test_every_target_of_make_is_there(name, job):
    for script in scripts(name, job):
        for target in re.findall(r"\bmake ([\w-]+)", script):
            done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, f"{target}: {done.stderr}"


@each_job
@needs_bash
def test_every_script_is_bash_and_names_files_that_are_there(name, job):
    for script in scripts(name, job):
        plain = re.sub(r"\$\{\{.*?\}\}", "value", script)
        done = subprocess.run(["bash", "-n", "-c", plain], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        for path in re.findall(r"\b(?:tests/[\w/]+\.py|constraints[\w-]*\.txt)", script):
            assert (ROOT / path).is_file(), path
        for module in re.findall(r"python -m (tests\.\w+|sltcourse[\w.]*)", script):
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
        for extras in re.findall(r'-e "\.\[([\w,]+)\]"', script):
            assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


@each_job
def test_a_job_has_a_limit_of_time_and_least_permissions(name, job):
    found = FILES[name]["jobs"][job]
    assert 0 < found["timeout-minutes"] <= 60
    assert FILES[name]["permissions"] == {"contents": "read"}
    assert found.get("permissions", {}) == PERMISSIONS.get((name, job), {})
    needs = found.get("needs", [])
    assert set([needs] if isinstance(needs, str) else needs) <= set(FILES[name]["jobs"]) - {job}


@each_job
def test_actions_have_the_pinned_major(name, job):
    used = [step["uses"].split("@") for step in steps(name, job) if "uses" in step]
    assert {action: major for action, major in used} == {action: ACTIONS[action] for action, _ in used}


@each
def test_what_comes_from_outside_stands_in_no_script(name):
    """What a stranger can write (a branch's name, a title) reaches a script only through the environment."""
    for job in FILES[name]["jobs"]:
        for step in steps(name, job):
            assert set(re.findall(r"\$\{\{ (\S+) \}\}", step.get("run", ""))) <= {"matrix.target"}


def test_tests_run_where_the_project_says_it_works():
    assert triggers(FILES["test"]) == {"push": {"branches": ["main"]}, "pull_request": None}
    whole, matrix = (FILES["test"]["jobs"][job]["strategy"]["matrix"] for job in ("whole", "elsewhere"))
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert whole["target"] == re.findall(r"^make ([\w-]+)$", ci, re.M)
    assert [system.split("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]
    pythons = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert matrix["python"] == pythons == ["3.11", "3.12", "3.13", "3.14"]
    assert matrix["exclude"] == [{"os": "ubuntu-latest", "python": "3.11"}]
    for script in scripts("test", "elsewhere"):  # Windows has neither make nor a bin folder
        assert not re.search(r"\bmake\b|/bin/|\|", script)


def test_drift_is_looked_for_every_week_and_told():
    flow = FILES["drift"]
    (when,) = triggers(flow)["schedule"]
    minute, hour, day, month, weekday = when["cron"].split()
    assert (day, month) == ("*", "*") and weekday.isdigit() and minute.isdigit() and hour.isdigit()
    assert "workflow_dispatch" in triggers(flow)
    colab = "\n".join(scripts("drift", "colab"))
    order = ["googlecolab/backend-info/main/pip-freeze.txt", "tests.colab_versions colab.txt", "make test-colab"]
    assert [colab.index(words) for words in order] == sorted(colab.index(words) for words in order)
    newest = "\n".join(scripts("drift", "newest"))
    assert "constraints" not in newest and "--nbval" in newest
    told = flow["jobs"]["report"]
    assert told["needs"] == ["colab", "newest"] and told["if"] == "failure()"
    python = re.search(r"Python (3\.\d+) there", colab_versions.CONSTRAINTS.read_text(encoding="utf-8"))[1]
    assert steps("drift", "colab")[1]["with"]["python-version"] == python


def test_a_release_is_made_by_a_tag_and_published_without_a_password():
    flow = FILES["release"]
    assert triggers(flow) == {"push": {"tags": ["v*"]}}
    assert flow["jobs"]["pypi"]["environment"] == "pypi"
    assert flow["jobs"]["pypi"]["needs"] == flow["jobs"]["lessons"]["needs"] == "build"
    assert "secrets." not in (FOLDER / "release.yml").read_text(encoding="utf-8")
    assert "make wheel" in "\n".join(scripts("release", "build"))
    lessons = "\n".join(scripts("release", "lessons"))
    assert lessons.index("make colab") < lessons.index("build/colab/*.ipynb")


@needs_bash
@pytest.mark.parametrize(("tag", "code"), [(f"v{authoring.project()[0]}", 0), ("v99", 1)])
def test_a_tag_that_is_not_the_version_stops_the_release(tag, code):
    (script,) = [s["run"] for s in steps("release", "build") if s.get("name") == "the tag is the version"]
    folder = Path(sys.executable).parent
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "GITHUB_REF_NAME": tag}
    assert subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, env=environment).returncode == code


@needs_bash
@pytest.mark.skipif(sys.platform != "linux", reason="the host's sed is GNU's")
def test_on_pypi_every_link_of_the_readme_is_whole(tmp_path):
    shutil.copy(ROOT / "README.md", tmp_path)
    (script,) = [s["run"] for s in steps("release", "build") if "README" in s.get("name", "")]
    environment = {"PATH": "/usr/bin:/bin", "GITHUB_REPOSITORY": "some/course", "GITHUB_REF_NAME": "v1.2"}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=True)
    before, after = ((folder / "README.md").read_text(encoding="utf-8") for folder in (ROOT, tmp_path))
    links = re.findall(r"\]\(([^)\s]+)\)", after)
    assert len(links) == len(re.findall(r"\]\(", before)) and all(link.startswith("https://") for link in links)
    assert "](https://raw.githubusercontent.com/some/course/v1.2/assets/readme/volume_scaling.gif)" in after
    assert "](https://github.com/some/course/blob/v1.2/docs/teachers.md#the-slide-deck)" in after
    assert re.sub(r"\]\([^)]*\)", "", after) == re.sub(r"\]\([^)]*\)", "", before)


GH = """#!/bin/sh
echo "$@" >> "$SAID"
case "$1 $2" in "issue list") echo "$OPEN";; esac
"""


@needs_bash
@pytest.mark.parametrize(("opened", "done"), [("", "issue create --title A lesson drifts"), ("7", "issue comment 7")])
def test_drift_opens_one_issue_and_no_second(tmp_path, opened, done):
    """The script itself, with a ``gh`` that writes down what it is asked."""
    ((step),) = steps("drift", "report")
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SAID": str(tmp_path / "said"), "OPEN": opened}
    environment |= {"COLAB": "failure", "NEWEST": "success", "RUN": "https://a.host/run/1"}
    subprocess.run(["bash", "-e", "-c", step["run"]], env=environment, check=True)
    listed, told = (tmp_path / "said").read_text().splitlines()
    assert listed.startswith("issue list") and told.startswith(done)
    assert "Colab's versions of today: failure. At the newest releases: success." in told and "run/1" in told


# ---- Colab's list ----------------------------------------------------------------------------------------------------

SAMPLE = """\
# Do not modify this file directly; it is generated via
#  $ python3 -m pip freeze
absl-py==1.4.0
en_core_web_sm @ https://a.host/download/en_core_web_sm-3.8.0/en_core_web_sm-3.8.0-py3-none-any.whl#sha256=1932
google-colab @ file:///colabtools/dist/google_colab-1.0.0.tar.gz
Jinja2==3.2.0
jupyter-client==7.4.9
numpy==2.3.5
PyDrive2 @ git+https://a.host/PyDrive2@0123abc
torch @ https://download.a.host/whl/cu128/torch-2.12.1%2Bcu128-cp313-cp313-manylinux_2_28_x86_64.whl#sha256=a81b
scipy==1.17.0
matplotlib===3.11.0
tensorflow==2.20.0+nv25
-e git+https://a.host/one@main#egg=one
""" + "".join(f"filler-{k}==1.{k}\n" for k in range(100))


def test_colabs_list_is_read_in_all_its_spellings():
    found = colab_versions.published(SAMPLE)
    assert found["torch"] == "2.12.1" and found["jinja2"] == "3.2.0" and found["jupyter-client"] == "7.4.9"
    assert found["en-core-web-sm"] == "3.8.0" and found["matplotlib"] == "3.11.0" and found["tensorflow"] == "2.20.0"
    assert not {"google-colab", "pydrive2", "one", "-e"} & set(found)


def test_our_packages_get_colabs_versions_and_all_else_stays():
    before = colab_versions.CONSTRAINTS.read_text(encoding="utf-8")
    text, moved = colab_versions.renewed(before, colab_versions.published(SAMPLE))
    assert {name for name, _, _ in moved} == {"Jinja2", "numpy", "torch", "scipy", "matplotlib"}
    assert "\nnumpy==2.3.5\n" in text and "\ntorch==2.12.1\n" in text and "\njupyter_client==7.4.9\n" in text
    assert "\nnbval==0.11.0\n" in text
    changed = [new for old, new in zip(before.splitlines(), text.splitlines(), strict=True) if old != new]
    assert len(changed) == len(moved) == 5
    assert colab_versions.renewed(text, colab_versions.published(SAMPLE)) == (text, [])


@pytest.mark.parametrize("text", ["", "<html>404: Not Found</html>", "numpy==2.3.5\n"])
def test_what_is_no_list_changes_nothing(text, tmp_path, monkeypatch):
    (tmp_path / "list").write_text(text)
    (tmp_path / "ours").write_text("numpy==1.0\n")
    monkeypatch.setattr(colab_versions, "CONSTRAINTS", tmp_path / "ours")
    with pytest.raises(SystemExit, match="not Colab's list"):
        colab_versions.main([str(tmp_path / "list")])
    assert (tmp_path / "ours").read_text() == "numpy==1.0\n"


def test_the_command_writes_and_says_what_moved(tmp_path, monkeypatch, capsys):
    (tmp_path / "list").write_text(SAMPLE)
    (tmp_path / "ours").write_text("# head\nnumpy==1.0\nnbval==0.11.0\n")
    monkeypatch.setattr(colab_versions, "CONSTRAINTS", tmp_path / "ours")
    colab_versions.main([str(tmp_path / "list")])
    assert (tmp_path / "ours").read_text() == "# head\nnumpy==2.3.5\nnbval==0.11.0\n"
    assert capsys.readouterr().out == "numpy: 1.0 -> 2.3.5\n1 versions moved\n"
