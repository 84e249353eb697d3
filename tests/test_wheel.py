"""The wheel, installed alone in another folder: lessons, assets, rooms and notebooks work from it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import sltcourse
from sltcourse import __main__ as command

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
SOURCES = ("sltcourse", "assets", "notebooks", "labextension", "pyproject.toml", "README.md", "LICENSE", "LICENSES")

ROOMS = """
import importlib, json, sys
from pathlib import Path
import sltcourse
from sltcourse import lessons
from sltcourse.kit import assets
assert Path(sltcourse.__file__).is_relative_to(sys.argv[1]), sltcourse.__file__
assert assets.folder().is_relative_to(sys.argv[1])
names = [n for n in json.loads((assets.folder() / "manifest.json").read_text("utf-8")) if not n.startswith("readme/")]
for name in names:
    assets.path(name)
for folder in sorted(Path(lessons.__file__).parent.glob("*/__init__.py")):
    importlib.import_module(f"sltcourse.lessons.{folder.parent.name}")
from sltcourse.llc import estimate_llc, llc_map, sample
from sltcourse.theory.models import MODELS
from sltcourse.lessons import volume_scaling
live = volume_scaling.live_shrinking_set()
spec, tables = live.encode()
for copy in sorted(Path(sys.argv[2]).glob("*.ipynb")):
    cells = json.loads(copy.read_text("utf-8"))["cells"]
    (setup,) = ["".join(c["source"]) for c in cells if "setup" in c["metadata"].get("tags", [])]
    assert "%" in setup or exec(setup) is None
print(MODELS["cusp"].lam, len(names), len(spec["parts"]), repr(live))
"""


def run(folder, site, *arguments):
    """Python in ``folder``, with the installed wheel before all else on its path; (exit code, its output)."""
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"}
    done = subprocess.run([sys.executable, *map(str, arguments)], cwd=folder, env=environment,
                          capture_output=True, text=True, encoding="utf-8", timeout=120)  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree, built from a copy: without network, and without what an earlier build left here."""
    copy, there = (tmp_path_factory.mktemp(name) for name in ("tree", "wheel"))
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(ROOT / name, copy / name)
    build = ["wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation", "-w", there, copy]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True, capture_output=True)
    (found,) = there.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    install = ["install", "-q", "--no-deps", "--no-index", "--no-compile", "--target", folder, wheel]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True, capture_output=True)
    return folder


def test_the_wheel_holds_all_that_is_needed_and_is_small(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    needed = {"sltcourse/assets/manifest.json"} | {f"sltcourse/notebooks/{name}" for name in NOTEBOOKS}
    files = [path for kind in ("py", "js", "css") for path in (ROOT / "sltcourse").rglob(f"*.{kind}")]
    needed |= {path.relative_to(ROOT).as_posix() for path in files}
    data = f"sltcourse-{sltcourse.__version__}.data/data/share/jupyter/labextensions/sltcourse/"
    needed |= {data + path.name for path in (ROOT / "labextension").iterdir()}
    needed |= {
        f"sltcourse-{sltcourse.__version__}.dist-info/licenses/{file}" for file in ("LICENSE", "LICENSES/Python.txt")
    }
    assert needed <= held
    assert [name for name in held if not name.startswith(("sltcourse/", f"sltcourse-{sltcourse.__version__}."))] == []
    assert wheel.stat().st_size < 12_000_000


def test_the_installed_course_copies_its_notebooks_out_and_runs_beside_them(site, tmp_path):
    code, said = run(tmp_path, site, "-m", "sltcourse", "notebooks", "out")
    assert code == 0 and said.startswith(f"{len(NOTEBOOKS)} notebooks copied to {(tmp_path / 'out').resolve()}\n"), said
    assert "jupyter lab" in said and NOTEBOOKS[0] in said
    for name in NOTEBOOKS:
        assert (tmp_path / "out" / name).read_bytes() == (ROOT / "notebooks" / name).read_bytes()
    code, said = run(tmp_path, site, "-c", ROOMS, site, tmp_path / "out")
    assert code == 0, said
    assert said.startswith("5/12 ") and "[Live figure, at " in said


def test_an_installed_copy_is_no_checkout(site, tmp_path):
    code, said = run(tmp_path, site, "-m", "sltcourse.kit.new_lesson", "99_trial", "A trial")
    assert code == 1 and "clone the repository" in said
    assert not any(site.rglob("*trial*"))


# ---- the command, without an installation ----------------------------------------------------------------------------


def test_the_lessons_are_listed_with_their_minutes(capsys):
    assert command.main(["lessons"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:2] for line in lines] == [name[:2] for name in NOTEBOOKS]
    assert "03   60 min  Volume scaling: how fast the good parameters run out" in lines


@pytest.mark.skipif(sys.platform == "win32", reason="there a closed pipe looks like any other error")
def test_a_reader_that_has_seen_enough_is_no_error():
    lessons = [sys.executable, "-m", "sltcourse", "lessons"]
    with subprocess.Popen(lessons, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 0)


def test_without_a_command_it_says_what_there_is(capsys):
    assert command.main([]) == 0
    assert {"lessons", "notebooks"} <= set(capsys.readouterr().out.split())


def test_nothing_is_overwritten_unless_asked(tmp_path, capsys):
    mine = tmp_path / "03_volume_scaling.ipynb"
    mine.write_text("my answers")
    assert command.main(["notebooks", str(tmp_path)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == [mine.name] and mine.read_text() == "my answers"
    assert command.main(["notebooks", str(tmp_path), "--lesson", "3", "--overwrite"]) == 0
    assert json.loads(mine.read_text(encoding="utf-8"))["nbformat"] == 4


@pytest.mark.parametrize(("asked", "copies"), [(["1"], {"01"}), (["00", "12"], {"00", "12"})])
def test_only_some_lessons_are_copied(tmp_path, asked, copies):
    options = [word for number in asked for word in ("--lesson", number)]
    assert command.main(["notebooks", str(tmp_path / "deep" / "down"), *options]) == 0
    assert {path.name[:2] for path in (tmp_path / "deep" / "down").iterdir()} == copies


@pytest.mark.parametrize("number", ["99", "x", "3x", "03_volume_scaling.ipynb"])
def test_a_lesson_that_is_not_there(tmp_path, capsys, number):
    assert command.main(["notebooks", str(tmp_path / "out"), "--lesson", number]) == 1
    assert "no lesson is numbered" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_file_is_no_folder(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert command.main(["notebooks", str(tmp_path / "file")]) == 1
    assert "is a file" in capsys.readouterr().err
    assert command.main(["notebooks", str(tmp_path / "file" / "inside")]) == 1
    assert "cannot be copied to" in (said := capsys.readouterr().err) and "name another folder" in said


def test_how_to_open_depends_on_what_is_there(monkeypatch):
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: None)
    assert "pip install jupyterlab" in command.how_to_open(Path("a b/00.ipynb"))
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: True)
    assert command.how_to_open(Path("a b/00.ipynb")) == 'To open it:\n  jupyter lab "a b/00.ipynb"'


def test_a_package_without_notebooks_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "_PACKAGE", tmp_path / "sltcourse")
    assert command.main(["lessons"]) == 1
    assert "install sltcourse again" in capsys.readouterr().err
