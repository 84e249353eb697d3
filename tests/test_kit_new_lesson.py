"""The template of a lesson keeps the contract as it is made."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sltcourse.kit import new_lesson as module
from sltcourse.kit.new_lesson import ROOT, new_lesson


def run(folder, *command):
    environment = {
        "PYTHONPATH": str(folder),
        "PATH": str(Path(sys.executable).parent),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
    }
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=280
    )


def test_a_new_lesson_passes_all_that_is_asked_of_a_lesson(tmp_path):
    skip = shutil.ignore_patterns(".*", "build", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=skip)
    done = run(tmp_path / "copy", "sltcourse.kit.new_lesson", "99_trial", "A trial")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["notebooks/99_trial.ipynb", "sltcourse/lessons/trial", "tests/test_trial.py"]
    held = [f"tests/{name}" for name in ("test_trial.py", "notebooks", "test_architecture.py", "test_readme.py")]
    names = "trial or listed or readme_lists or import_rules"
    done = run(tmp_path / "copy", "pytest", "-q", "-p", "no:cacheprovider", "-k", names, "-m", "", *held)
    assert done.returncode == 0, done.stdout
    assert "test_rhythm" in run(tmp_path / "copy", "pytest", "-k", "trial", "--co", "-q", "tests/notebooks").stdout
    again = run(tmp_path / "copy", "sltcourse.kit.new_lesson", "99_trial", "A trial")
    assert again.returncode == 1 and "there already" in again.stderr


@pytest.mark.parametrize("stem", ["grokking", "9_grokking", "09-grokking", "09_Grokking", "../09_x"])
def test_a_name_that_will_not_do(stem):
    with pytest.raises(ValueError, match="like 09_grokking"):
        new_lesson(stem, "Grokking")


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """The parts of a checkout that a new lesson is entered in."""
    for name in ("notebooks", "sltcourse/lessons", "tests", "assets"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("README.md", "pyproject.toml", "sltcourse/lessons/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("trouble", [RuntimeError("the cell failed"), KeyboardInterrupt()])
def test_a_lesson_that_cannot_be_run_leaves_nothing_behind(checkout, monkeypatch, trouble):
    def stops(path):
        assert path.is_file()
        raise trouble

    before = files(checkout)
    monkeypatch.setattr(module, "execute", stops)
    with pytest.raises(type(trouble)):
        new_lesson("99_trial", "A trial")
    assert files(checkout) == before and not (checkout / "assets" / "trial").exists()


@pytest.mark.parametrize(
    "missing", ["README.md", "pyproject.toml", "notebooks", "tests", "sltcourse/lessons/__init__.py"]
)
def test_an_installed_copy_is_left_as_it_is(checkout, missing):
    where = checkout / missing
    shutil.rmtree(where) if where.is_dir() else where.unlink()
    before = files(checkout)
    with pytest.raises(ValueError, match="checkout of the course"):
        new_lesson("99_trial", "A trial")
    assert files(checkout) == before


def test_a_table_without_a_place_for_the_lesson_leaves_nothing_behind(checkout):
    (checkout / "pyproject.toml").write_text("", encoding="utf-8")
    before = files(checkout)
    with pytest.raises(ValueError, match=r"pyproject\.toml has no place"):
        new_lesson("99_trial", "A trial")
    assert files(checkout) == before


def test_a_lesson_is_entered_once_it_runs(checkout, monkeypatch):
    monkeypatch.setattr(module, "execute", lambda path: None)
    new_lesson("99_trial", "A trial")
    assert "notebooks/99_trial.ipynb" in (checkout / "README.md").read_text(encoding="utf-8")
    assert '"sltcourse.lessons.trial",' in (checkout / "pyproject.toml").read_text(encoding="utf-8")
    assert "99  trial " in (checkout / "sltcourse/lessons/__init__.py").read_text(encoding="utf-8")
    made = {str(path.relative_to(checkout)) for path in checkout.rglob("*trial*")}
    assert made == {"notebooks/99_trial.ipynb", "sltcourse/lessons/trial", "tests/test_trial.py", "assets/trial"}
