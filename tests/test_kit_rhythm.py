"""The counters of words, lines, minutes and verdicts, on notebooks small enough to count by hand."""

import pytest
from nbformat import v4

from sltcourse.kit import rhythm


def text(source):
    return v4.new_markdown_cell(source)


def code(source, *tags, prints=""):
    cell = v4.new_code_cell(source, metadata={"tags": list(tags)})
    cell.outputs = [v4.new_output("stream", text=prints)] if prints else []
    return cell


def measured(*cells):
    return rhythm.measured(v4.new_notebook(cells=[text("# Title"), text("**Time** ~30 min, all of it 60 min"), *cells]))


EMPTY = measured()


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("One two, three: don’t.", 4),
        ("The volume $V(\\varepsilon) \\sim c\\,\\varepsilon^\\lambda$ falls.", 4),
        ("So:\n\n$$\nZ = \\int e^{-nK}\n$$\n\nEnd.", 3),
        ("Call `estimate_llc(model, data)` now.", 3),
        ("A [link of words](https://example.org/a/b-c) here.", 5),
        ("Before <details><summary>Deeper: more</summary>\n\nmany words here\n\n</details> after", 2),
        ("```python\nx = 1\n```\nOne.", 1),
        ("![a picture](a.png) <b>bold</b> **too** <!-- badge -->", 2),
        ("| a | b |\n|---|---|\n| 1.5 | two |", 4),
        ("", 0),
    ],
)
def test_words_in_sight(source, count):
    assert rhythm.words(source) == count


def test_lines_of_code_without_comments_the_set_up_and_what_is_deeper():
    counted = measured(
        code("import sltcourse\nimport torch", "setup"),
        code("# a comment\nx = 1\n\ny = 2  # two"),
        code("z = 3", "deeper"),
    )
    assert counted.lines == 2


def test_an_exercise_counts_as_the_lines_that_the_learner_writes():
    stub = code("def f(x):\n    ...\n\nf = use(check.f, f)", "exercise")
    answer = text(
        "<details><summary>Hint</summary>h</details><details><summary>Solution</summary>\n\n"
        "```python\ndef f(x):\n    y = x\n    return y\n\nf = use(check.f, f)\n```\n</details>"
    )
    counted = measured(stub, answer, code("answer = ...\ncheck.g(answer)", "exercise"))
    assert counted.lines == 4 + 2 and counted.written == 1 and counted.words == EMPTY.words


def test_lines_that_make_text():
    counted = measured(code("x = 1\nprint(x)\ny = f'{x:.3f}'\nz = style.table([[x]], ['x'])\nreprint = x"))
    assert counted.formatting == 3 and counted.formatting_share == 3 / 5


def test_minutes_are_words_exercises_guesses_and_what_the_text_says():
    words = "word " * 360
    before = EMPTY.minutes
    assert measured(text(words)).minutes == pytest.approx(before + 2)
    assert measured(text("### Exercise 1. A b c (★, ~8 min)")).minutes == pytest.approx(before + 8 + 7 / 180)
    assert measured(text("### Exercise 1. A b c (★, ~8 min, deeper)")).minutes == pytest.approx(before + 8 / 180)
    assert measured(text("<details>~8 min</details>")).minutes == pytest.approx(before)
    assert measured(code("g", prints="[Guess] Which?")).minutes == pytest.approx(before + 1)
    assert measured(code("g", prints="[Live figure with a guess, at n = 1] Where?")).guesses == 1
    assert measured(code("g", prints="[Live figure, at n = 1] Here.")).guesses == 0


def test_the_stated_minutes_are_the_first_of_the_head():
    assert EMPTY.stated == 30
    assert rhythm.measured(v4.new_notebook(cells=[text("# Title"), text("No time")])).stated == 0


def test_verdicts_where_a_number_could_stand():
    said = "yes, 0.5 agrees within 3 % and it is True; eyes, yesterday, 0.4974 ± 0.0014"
    counted = measured(code("f()", prints=said), code("f()", "exercise", prints="Not answered. yes"))
    assert counted.verdicts == 4
    assert measured(code("f()", prints="[Guess] Is it so?\n- yes\n- no")).verdicts == 0


def test_words_a_line_of_a_lesson_without_code_and_the_report(tmp_path):
    import nbformat

    assert EMPTY.words_a_line == EMPTY.words and EMPTY.formatting_share == 0
    lesson = v4.new_notebook(cells=[text("# A b c d"), text("**Time** 5 min"), code("x = 1\nprint(x)")])
    nbformat.write(lesson, tmp_path / "09_x.ipynb")
    row = repr(rhythm.report([tmp_path / "09_x.ipynb"])).splitlines()[1].split("  ")
    assert [cell.strip() for cell in row if cell] == ["09_x", "7", "2", "3.5", "50 %", "0", "0", "0", "5", "0"]
