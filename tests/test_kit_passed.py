"""A learner's record of passed checks."""

import pytest

from sltcourse.kit import checks, passed

check = checks.Checks("03_volume_scaling")


@check.exercise("Yes.")
def slope(answer):
    return checks.number(answer, 0.5)


@pytest.fixture
def place(tmp_path, monkeypatch):
    file = tmp_path / "home" / "passed.json"
    monkeypatch.setenv("SLTCOURSE_PASSED", str(file))
    return file


def test_only_right_answers_are_remembered_once(place):
    slope(0.7), slope(...)
    assert passed.passed() == {} and not place.exists()
    slope(0.5), slope(0.5)
    assert passed.passed() == {"03_volume_scaling": ["slope"]}


def test_the_table_lists_every_lesson_and_what_is_left(place):
    everything = passed.exercises()
    assert len(everything["03_volume_scaling"]) >= 3 and "06_free_energy" in everything
    name = everything["03_volume_scaling"][0]
    passed.remember("03_volume_scaling", name)
    shown = repr(passed.my_progress())
    assert f"1 of {len(everything['03_volume_scaling'])}" in shown
    (row,) = [line for line in shown.splitlines() if line.startswith("03 ") or "03_volume" in line]
    assert name.replace("_", " ") not in row


def test_a_damaged_record_or_a_home_that_cannot_be_written_to_disturbs_nobody(tmp_path, monkeypatch):
    broken = tmp_path / "passed.json"
    broken.write_text("{", encoding="utf-8")
    monkeypatch.setenv("SLTCOURSE_PASSED", str(broken / "below"))  # a file where a folder should be
    assert slope(0.5).state == "Right" and passed.passed() == {}
    monkeypatch.setenv("SLTCOURSE_PASSED", str(broken))
    assert passed.passed() == {}


def test_an_empty_place_keeps_nothing(monkeypatch):
    monkeypatch.setenv("SLTCOURSE_PASSED", "")
    assert passed.file() is None and slope(0.5).state == "Right" and passed.passed() == {}


def test_both_kinds_of_exercises_are_counted(tmp_path, monkeypatch):
    text = 'check = Checks("09_x")\n@check.exercise("a")\ndef one(a): ...\n@check.writing("b", ours=f, cases=[])\n'
    (tmp_path / "checks.py").write_text(text + "def two(a): ...\ndef three(a): ...\n", encoding="utf-8")
    monkeypatch.setattr(passed, "_LESSONS", tmp_path)
    assert passed.exercises() == {"09_x": ["one", "two"]}
