"""Guesses: what is sent to the browser, and what a notebook without widgets shows."""

import numpy as np
import pytest

from sltcourse.kit import authoring, guess


@pytest.fixture
def which():
    return guess.choice("a", "Which is <larger>?", ["A. line", "B. point."], answer="B. point.", because="It is 1 & 2.")


def test_a_choice_as_the_browser_gets_it(which):
    assert which.spec == {
        "key": "a",
        "question": "Which is <larger>?",
        "because": "It is 1 & 2.",
        "options": ["A. line", "B. point."],
        "answer": 1,
    }
    assert which.widget().spec == which.spec and "slt-options" in which.widget()._esm


def test_nothing_gives_the_answer_away_but_what_is_folded(which):
    assert repr(which) == "[Guess] Which is <larger>?\n- A. line\n- B. point."
    shown, folded = which._repr_html_().split("<details><summary>Answer</summary>")
    assert shown == "<p><strong>Which is &lt;larger&gt;?</strong></p><ul><li>A. line</li><li>B. point.</li></ul>"
    assert folded == "<p>B. point. It is 1 &amp; 2.</p></details>"
    many = guess.number("b", "How many?", 0, 10, answer=7, unit="min")
    assert repr(many) == "[Guess] How many?"
    assert many._repr_html_() == (
        "<p><strong>How many?</strong></p><details><summary>Answer</summary><p>7 min.</p></details>"
    )


def test_a_number_on_its_axis():
    spec = guess.number("b", "How many?", 0, 10, answer=7.5, unit="min", because="So it is.").spec
    assert spec["answer"] == 0.75 and spec["answered"] == "7.5 min" and len(spec["texts"]) == 201
    assert [spec["texts"][k] for k in (0, 1, 100, 200)] == ["0 min", "0.05 min", "5 min", "10 min"]
    assert spec["ticks"] == [(0, "0"), (0.25, "2.5"), (0.5, "5"), (0.75, "7.5"), (1, "10")]


def test_a_number_on_a_log_axis():
    spec = guess.number("b", "At which ε?", 1e-6, 1, answer=1e-3, log=True).spec
    assert spec["answer"] == pytest.approx(0.5) and spec["answered"] == "0.001"
    assert [spec["texts"][k] for k in (0, 100, 200)] == ["10⁻⁶", "0.001", "1"]
    assert [text for _, text in spec["ticks"]] == ["10⁻⁶", "10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1", "1"]
    assert len(guess.number("b", "n?", 1, 1e12, answer=9, log=True).spec["ticks"]) <= 8
    narrow = guess.number("b", "n?", 2, 5, answer=3, log=True).spec
    assert [text for _, text in narrow["ticks"]] == ["2", "2.51", "3.16", "3.98", "5"]


def test_the_scale_of_a_slider():
    np.testing.assert_allclose(guess.scale(1, 3), np.linspace(1, 3, 201))
    np.testing.assert_allclose(guess.scale(1e-4, 1, log=True), np.geomspace(1e-4, 1, 201))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: guess.choice("a", "Which?", ["A"], "A"), "at least two options"),
        (lambda: guess.choice("a", "Which?", ["A", "A"], "A"), "all different"),
        (lambda: guess.choice("a", "Which?", ["A", "B"], "C"), "none of the options"),
        (lambda: guess.choice("", "Which?", ["A", "B"], "A"), "needs a key"),
        (lambda: guess.choice("a", " ", ["A", "B"], "A"), "needs a question"),
        (lambda: guess.number("a", "?", 2, 1, answer=1.5), "below the upper one"),
        (lambda: guess.number("a", "?", 0, float("inf"), answer=1.5), "both finite"),
        (lambda: guess.number("a", "?", 0, 1, answer=0.5, log=True), "limits above 0"),
        (lambda: guess.number("a", "?", 0, 1, answer=2), "not between 0 and 1"),
    ],
)
def test_a_guess_that_cannot_be_shown_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_stored_notebook_keeps_the_folded_answer_and_no_widget(which):
    pytest.importorskip("jupytext")  # notebooks are stored by maintainers, whose environment has it
    from nbclient import NotebookClient
    from nbformat import v4

    code = "from sltcourse.kit import guess\nguess.choice('a', 'Which?', ['A', 'B'], 'B')"
    notebook = v4.new_notebook(cells=[v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert authoring.WIDGET in output["data"]
    authoring.clean(notebook)
    assert set(notebook.cells[0].outputs[0]["data"]) == {"text/plain", "text/html"}
