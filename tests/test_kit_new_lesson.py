"""The template of a lesson keeps the contract as it is made."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
    done = run(tmp_path / "copy", "pytest", "-q", "-p", "no:cacheprovider", "-k", "trial or readme or import_rules",
               "tests/test_trial.py", "tests/notebooks", "tests/test_architecture.py")  # fmt: skip
    assert done.returncode == 0, done.stdout
    again = run(tmp_path / "copy", "sltcourse.kit.new_lesson", "99_trial", "A trial")
    assert again.returncode == 1 and "there already" in again.stderr


@pytest.mark.parametrize("stem", ["grokking", "9_grokking", "09-grokking", "09_Grokking", "../09_x"])
def test_a_name_that_will_not_do(stem):
    with pytest.raises(ValueError, match="like 09_grokking"):
        new_lesson(stem, "Grokking")
