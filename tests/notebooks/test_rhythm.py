"""What the lessons promise beyond the contract: they are done, not read."""

import pytest

from sltcourse.kit.rhythm import measured
from tests.notebooks.lessons import NAMES, PATHS, read

every_lesson = pytest.mark.parametrize("path", PATHS, ids=NAMES)


def shown(cell):
    return [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", [])]


@every_lesson
def test_the_core_path_takes_an_hour_and_the_head_says_so(path):
    lesson = measured(read(path))
    assert lesson.minutes <= 60, f"{lesson.minutes:.0f} minutes: fold what can be skipped under Deeper"
    assert abs(lesson.stated - lesson.minutes) <= 0.15 * lesson.minutes, (
        f"the head says {lesson.stated} min, and it is {lesson.minutes:.0f}"
    )


@every_lesson
def test_there_is_code_to_read_and_to_write(path):
    lesson = measured(read(path))
    assert lesson.words_a_line <= 16, f"{lesson.words_a_line:.1f} words of prose for a line of code"
    assert lesson.formatting_share <= 0.2, f"{lesson.formatting_share:.0%} of the lines make text: that goes to the kit"
    assert lesson.written >= 2, "at least two exercises ask for a function: f = use(check.f, f)"
    assert lesson.guesses >= 2, "at least two guesses are made"


@every_lesson
def test_no_verdict_stands_where_a_number_could(path):
    assert measured(read(path)).verdicts == 0


@every_lesson
def test_an_answer_is_folded(path):
    """What comes up after a guess or a "Predict" is tagged "answer" (or "deeper"), and so stored folded."""
    waiting = None
    for i, cell in enumerate(read(path).cells):
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            waiting = i if "**Predict" in cell.source else waiting
        elif any(text.startswith("[Guess]") for text in shown(cell)):
            waiting = i
        elif waiting is not None and shown(cell) and "exercise" not in tags:
            own = any(text.startswith("[Live figure with a guess") for text in shown(cell))
            assert own or {"answer", "deeper"} & set(tags), f"cell {i} shows what cell {waiting} asks: tag it answer"
            waiting = None


@every_lesson
def test_no_code_in_sight_gives_an_answer_away(path):
    for i, cell in enumerate(read(path).cells):
        if cell.cell_type == "code" and "deeper" not in cell.metadata.get("tags", []):
            assert "because=" not in cell.source, f"cell {i}: a guess is made in the lesson's module"
            assert "alt=" not in cell.source, f"cell {i}: the figure's function in the module gives it its alt"
