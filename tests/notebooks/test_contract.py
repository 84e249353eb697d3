"""What every lesson promises: its parts, its exercises, clean stored outputs."""

import json
import re

import pytest

from sltcourse import lessons as lessons_package
from sltcourse.kit import authoring
from tests.notebooks.lessons import NAMES, PATHS, ROOT, asked, read, solution, tagged

lessons = pytest.mark.parametrize("path", PATHS, ids=NAMES)


def test_there_are_lessons_and_nothing_else_in_their_folder():
    assert PATHS
    strangers = [p.name for p in (ROOT / "notebooks").iterdir() if not re.fullmatch(r"\d\d_[a-z_]+\.ipynb", p.name)]
    assert [s for s in strangers if not s.startswith(".")] == []


@lessons
def test_a_lesson_has_its_folder_and_its_tests(path):
    lesson = path.stem[3:]
    for file in ("__init__.py", "figures.py", "checks.py"):
        assert (ROOT / "sltcourse" / "lessons" / lesson / file).is_file()
    assert (ROOT / "tests" / f"test_{lesson}.py").is_file()


def test_the_folder_of_lessons_tells_their_order():
    folders = {p.parent.name for p in (ROOT / "sltcourse" / "lessons").glob("*/__init__.py")}
    assert re.findall(r"^(\d\d)  (\w+)  ", lessons_package.__doc__, re.M) == [(n[:2], n[3:]) for n in NAMES]
    assert folders == {name[3:] for name in NAMES}


@lessons
def test_the_head(path):
    first, box, *_ = read(path).cells
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    assert authoring.badge(path.name) in first.source, "stamp the badge: make notebooks"
    assert box.cell_type == "markdown"
    assert re.search(r"\*\*Time\*\*\D{0,4}\d+ min", box.source), "the box says how many minutes"
    assert "**You need**" in box.source and "**You will be able to**" in box.source
    assert len(re.findall(r"^[-*] ", box.source, re.M)) >= 3, "the box lists what you will be able to do"


@lessons
def test_one_set_up_cell_and_it_is_the_first_code(path):
    notebook = read(path)
    (setup,) = tagged(notebook, "setup")
    assert setup == next(i for i, c in enumerate(notebook.cells) if c.cell_type == "code")
    assert notebook.cells[setup].source == authoring.setup_source(), "stamp the set-up cell: make notebooks"
    assert notebook.cells[setup].outputs == [], "the set-up cell is silent"


@lessons
def test_headings_lead_from_sections_to_the_end(path):
    cells = [c for c in read(path).cells if c.cell_type == "markdown"]
    headings = re.findall(
        r"^(#{1,3}) (.+)$", "\n".join(re.sub(r"```.*?```", "", c.source, flags=re.S) for c in cells), re.M
    )
    assert [h for level, h in headings if level == "#"] == [headings[0][1]], "one title"
    sections = [h for level, h in headings if level == "##"]
    numbered = [h for h in sections if re.match(r"\d+\. ", h)]
    assert [int(h.split(".")[0]) for h in numbered] == list(range(1, len(numbered) + 1))
    assert len(numbered) >= 4
    assert sections[len(numbered) :] == ["Three questions", "What you now know", "Where this comes from", "Next"]
    (quiz,) = [c.source for c in cells if "## Three questions" in c.source]
    assert quiz.count("<summary>Answer</summary>") == quiz.count("</details>") == 3
    assert "<summary>For the teacher</summary>" in cells[-1].source


@lessons
def test_code_is_short_and_prose_comes_before_it(path):
    cells = read(path).cells
    for i, cell in enumerate(cells):
        if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", []):
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert 0 < len(lines) <= 20, f"cell {i} has {len(lines)} lines"
            after_setup = "setup" in cells[i - 1].metadata.get("tags", [])
            assert cells[i - 1].cell_type == "markdown" or after_setup, f"no prose before code cell {i}"


@lessons
def test_exercises_have_check_hint_and_solution(path):
    notebook = read(path)
    exercises = tagged(notebook, "exercise")
    assert 3 <= len(exercises) <= 6
    for i in exercises:
        before, cell, after = notebook.cells[i - 1 : i + 2]
        assert re.search(r"^### Exercise \d+\. .*\(★+, ~\d+ min\)", before.source, re.M), f"heading before cell {i}"
        assert "..." in cell.source and asked(cell), f"cell {i} waits and checks"
        assert cell.outputs[0]["data"]["text/plain"].startswith("Not answered."), f"cell {i} is untouched"
        assert after.source.count("<details>") == after.source.count("</details>") == 2
        assert "<summary>Hint</summary>" in after.source and solution(after), f"hint and solution after cell {i}"


@lessons
def test_every_check_of_the_lesson_is_an_exercise(path):
    import importlib

    check = importlib.import_module(f"sltcourse.lessons.{path.stem[3:]}").check
    notebook = read(path)
    used = [asked(notebook.cells[i]) for i in tagged(notebook, "exercise")]
    assert sorted(used) == sorted(check.names)


@lessons
def test_stored_outputs_are_clean(path):
    notebook = read(path)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec == authoring.KERNEL
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1)), "run from a fresh kernel: make notebooks"
    for i, cell in enumerate(code, 1):
        for output in cell.outputs:
            data = {k: v for k, v in output.get("data", {}).items() if k != "image/png"}
            text = json.dumps([data, output.get("text", "")], ensure_ascii=False)
            assert output.output_type != "error", f"cell {i} stores an error"
            assert output.get("name") != "stderr", f"cell {i} stores stderr: {text[:200]}"
            assert not re.search(r"Warning|Traceback|site-packages|/\w+/| at 0x", text), f"cell {i}: {text[:200]}"
            assert authoring.WIDGET not in data, f"cell {i} stores a widget's id"
            assert "<Figure" not in text, f"cell {i} shows a figure without alternative text: use style.show"


@lessons
def test_cleaning_changes_nothing(path):
    notebook = read(path)
    before = json.dumps(notebook, sort_keys=True)
    authoring.clean(notebook)
    authoring.stamp(notebook, path.name)
    assert json.dumps(notebook, sort_keys=True) == before


@lessons
def test_there_is_a_live_figure_with_a_still_picture(path):
    outputs = [o for c in read(path).cells if c.cell_type == "code" for o in c.outputs]
    live = [o for o in outputs if o.get("data", {}).get("text/plain", "").startswith("[Live figure")]
    assert live and all("image/png" in o["data"] for o in live)
