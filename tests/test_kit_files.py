"""What is written survives kill -9, a full disk, a file that cannot be read, and two notebooks at once."""

import json
import os
import random
import subprocess
import sys
import time

import pytest

from sltcourse.kit import assets, files, passed

pytest.importorskip("resource")  # limits as Unix has them

REMEMBER = """
import sys
import filelock  # its import would be the first thing to be hit
from sltcourse.kit import passed
print("ready", flush=True)
for k in range(int(sys.argv[2])):
    passed.remember(sys.argv[1], f"exercise {k}")
"""
RECORD = """
import sys
import filelock
from sltcourse.kit import assets
print("ready", flush=True)
for k in range(int(sys.argv[3])):
    assets.record(f"lesson/{sys.argv[2]}{k % 40}.txt", "make data", "cpu", place=sys.argv[1])
"""


def started(code, *arguments, **environment):
    """A process that runs ``code``, from the moment on at which it says that it is ready."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process):
    """How a process ended, once it has."""
    process.communicate()
    return process.returncode


@pytest.fixture
def place(tmp_path, monkeypatch):
    file = tmp_path / "passed.json"
    monkeypatch.setenv("SLTCOURSE_PASSED", str(file))
    return file


@pytest.fixture
def store(tmp_path):
    (tmp_path / "lesson").mkdir()
    for k in range(40):
        for name in "abcd":
            (tmp_path / "lesson" / f"{name}{k}.txt").write_text(str(k))
    return tmp_path


FULL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""


def on_a_full_disk(code):
    """The standard error of a process that runs ``code`` where no file may grow; its output goes through a pipe."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", FULL_DISK + code]
    return subprocess.run(command, env=environment, capture_output=True, text=True).stderr


LONG = {"a lesson": [f"exercise number {k}" for k in range(5000)]}  # writing it takes long enough to be hit


def killed(code, *arguments):
    process = started(code, *arguments)
    time.sleep(random.Random(str(arguments)).uniform(0, 0.08))
    process.kill()  # SIGKILL
    ended(process)


def test_a_process_killed_while_it_remembers_leaves_a_whole_record(place):
    place.write_text(json.dumps(LONG), encoding="utf-8")
    for k in range(25):
        killed(REMEMBER, f"lesson {k}", 10_000)
        known = json.loads(place.read_text(encoding="utf-8"))
        assert known["a lesson"] == LONG["a lesson"]
        for names in list(known.values())[1:]:
            assert names == [f"exercise {i}" for i in range(len(names))]
    assert len(known) > 5, "the processes had no time to write"
    passed.remember("after", "all")
    assert passed.passed()["after"] == ["all"], "a lock was left behind"
    assert not list(place.parent.glob("*.bad*"))


def test_a_process_killed_while_it_records_an_asset_leaves_a_whole_manifest(store):
    for name in "ab":
        for k in range(40):
            assets.record(f"lesson/{name}{k}.txt", "make data" + " " * 2000, "cpu", place=store)
    for k in range(25):
        killed(RECORD, store, "cd"[k % 2], 10_000)
        entries = json.loads((store / "manifest.json").read_text(encoding="utf-8"))
        assert len(entries) >= 80
    assert len(entries) > 80, "the processes had no time to write"
    for name in entries:
        assets.path(name, store)


def test_two_notebooks_at_once_lose_nothing(place):
    both = [started(REMEMBER, lesson, 100) for lesson in ("one", "two")]
    assert [ended(process) for process in both] == [0, 0]
    everything = [f"exercise {k}" for k in range(100)]
    assert passed.passed() == {"one": everything, "two": everything}


def test_two_notebooks_of_one_lesson_lose_nothing(place):
    code = REMEMBER.replace('f"exercise {k}"', 'f"{sys.argv[3]} {k}"')
    both = [started(code, "lesson", 100, name) for name in ("one", "two")]
    assert [ended(process) for process in both] == [0, 0]
    assert sorted(passed.passed()["lesson"]) == sorted(f"{name} {k}" for name in ("one", "two") for k in range(100))


def test_two_commands_at_once_lose_no_asset(store):
    both = [started(RECORD, store, name, 40) for name in "ab"]
    assert [ended(process) for process in both] == [0, 0]
    assert len(json.loads((store / "manifest.json").read_text(encoding="utf-8"))) == 80


def test_a_full_disk_keeps_the_record_as_it_was(place):
    passed.remember("lesson", "first")
    before = place.read_bytes()
    assert on_a_full_disk("from sltcourse.kit import passed; passed.remember('lesson', 'second')") == ""
    assert place.read_bytes() == before and passed.passed() == {"lesson": ["first"]}
    assert not [path for path in place.parent.iterdir() if path.suffix == ".tmp"]


def test_a_full_disk_keeps_the_manifest_as_it_was_and_is_said(store):
    assets.record("lesson/a0.txt", "make data", "cpu", place=store)
    before = (store / "manifest.json").read_bytes()
    record = f"assets.record('lesson/a1.txt', 'make data', 'cpu', place={str(store)!r})"
    assert "File too large" in on_a_full_disk(f"from sltcourse.kit import assets; {record}")
    assert (store / "manifest.json").read_bytes() == before
    assert {path.name for path in store.iterdir()} == {"lesson", "manifest.json"}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "3", '"text"', "[" * 100_000, '{"x": "\\ud800"}', b"\xff"])
def test_a_file_that_is_no_record_is_kept_aside(place, content):
    content = content if isinstance(content, bytes) else content.encode()
    place.write_bytes(content)
    assert passed.passed() == {} and place.read_bytes() == content, "reading changes nothing"
    passed.remember("lesson", "first")
    assert passed.passed() == {"lesson": ["first"]}
    assert place.with_name("passed.json.bad").read_bytes() == content


def test_the_table_names_the_files_kept_aside(place, monkeypatch):
    monkeypatch.setattr(passed, "exercises", lambda: {"lesson": ["first"]})
    assert "kept" not in repr(passed.my_progress())
    place.with_name("passed.json.bad").touch()
    shown = passed.my_progress()
    assert repr(shown).endswith(f"kept as {place}.bad.") and f"<p>{shown.note}</p>" in shown._repr_html_()


def test_what_can_be_read_of_a_damaged_record_is_kept(place):
    damaged = '{"x": null, "y": [1], "z": "first", "lesson": ["first"]}'
    place.write_text(damaged, encoding="utf-8")
    assert passed.passed() == {"lesson": ["first"]}
    passed.remember("z", "other")
    assert passed.passed() == {"lesson": ["first"], "z": ["other"]}
    assert place.with_name("passed.json.bad").read_text(encoding="utf-8") == damaged


def test_no_file_kept_aside_is_ever_overwritten(place):
    for content in ("[1]", "[2]", "[3]"):
        place.write_text(content, encoding="utf-8")
        passed.remember("lesson", "first")
    kept = [place.with_name(f"passed.json.bad{k}").read_text(encoding="utf-8") for k in ("", "2", "3")]
    assert kept == ["[1]", "[2]", "[3]"]


def test_a_record_without_the_right_to_read_it_is_kept_aside(place, monkeypatch):
    place.write_text('{"lesson": ["first"]}', encoding="utf-8")
    real = type(place).read_text

    def read_text(self, **words):
        if self == place and not self.with_name("passed.json.bad").exists():
            raise PermissionError(13, "Permission denied")
        return real(self, **words)

    monkeypatch.setattr(type(place), "read_text", read_text)
    passed.remember("lesson", "second")
    assert json.loads(place.with_name("passed.json.bad").read_bytes()) == {"lesson": ["first"]}
    assert json.loads(place.read_bytes()) == {"lesson": ["second"]}


def test_a_disk_that_fails_to_read_keeps_what_it_has(place, monkeypatch):
    place.write_text('{"lesson": ["first"]}', encoding="utf-8")

    def fails(self, **words):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(type(place), "read_text", fails)
        passed.remember("lesson", "second")
        assert passed.passed() == {}
    assert passed.passed() == {"lesson": ["first"]} and not list(place.parent.glob("*.bad*"))


def test_a_folder_in_the_files_place_stays(place):
    place.mkdir()
    passed.remember("lesson", "first")
    assert place.is_dir() and passed.passed() == {} and not list(place.parent.glob("*.bad*"))


def test_a_file_system_without_locks_still_remembers(place, monkeypatch):
    def refuses(*_, **__):
        raise NotImplementedError("no locks here")

    monkeypatch.setattr("filelock.FileLock", refuses)
    passed.remember("lesson", "first")
    assert passed.passed() == {"lesson": ["first"]}


def test_a_notebook_that_never_lets_go_of_the_lock_is_not_waited_for(place, monkeypatch):
    monkeypatch.setattr(passed, "_PATIENCE", 0.05)
    with files.locked(place.with_name("passed.json.lock"), 1):
        holder = started(REMEMBER.replace("print", "passed._PATIENCE = 0.05; print"), "a", 1)
        assert ended(holder) == 0
    assert passed.passed() == {"a": ["exercise 0"]}


def test_no_home_folder_keeps_nothing(monkeypatch):
    monkeypatch.delenv("SLTCOURSE_PASSED", raising=False)

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(passed.Path, "home", no_home)
    passed.remember("lesson", "first")
    assert passed.file() is None and passed.passed() == {} and "0 of" in repr(passed.my_progress())


@pytest.mark.parametrize("content", ["{", "[]", "null", "3", '{"x": null}', '{"x": {"sha256": "1"}}', '{"x": []}'])
def test_a_damaged_manifest_is_refused_and_stays(store, content):
    (store / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"is damaged.*git checkout"):
        assets.path("lesson/a0.txt", store)
    with pytest.raises(ValueError, match="is damaged"):
        assets.record("lesson/a0.txt", "make data", "cpu", place=store)
    assert (store / "manifest.json").read_text(encoding="utf-8") == content


def test_an_asset_that_was_not_made_is_not_recorded(store):
    with pytest.raises(FileNotFoundError):
        assets.record("lesson/none.txt", "make data", "cpu", place=store)
    assert not (store / "manifest.json").exists()


def test_a_new_content_keeps_the_permissions_and_the_link(tmp_path):
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    files.write(link, "new ε\n")
    assert link.is_symlink() and file.read_bytes() == "new ε\n".encode() and file.stat().st_mode & 0o777 == 0o640


def test_an_interrupt_while_writing_leaves_the_old_content(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("old")

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write(file, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and file.read_text() == "old"


def test_only_one_at_a_time_holds_a_lock(tmp_path):
    hold = "import sys, time\nfrom sltcourse.kit import files\nwith files.locked(sys.argv[1], 1):\n"
    holder = started(hold + "    print('ready', flush=True)\n    time.sleep(60)\n", tmp_path / "lock")
    with pytest.raises(TimeoutError), files.locked(tmp_path / "lock", 0.05):
        pass
    holder.kill()
    ended(holder)
    with files.locked(tmp_path / "lock", 5):
        pass
