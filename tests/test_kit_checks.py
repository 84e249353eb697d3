import numpy as np
import pytest
import sympy as sp

from sltcourse.kit import checks

x, y = sp.symbols("x y")
check = checks.Checks("test")


@check.exercise("Half of it.")
def half(answer):
    return checks.number(answer, 0.5, rel=0.01, hints={1.0: "that is the whole."})


@check.exercise("Yes.")
def clumsy(answer):
    return None if answer["key"] > 1 else "too small"


@pytest.mark.parametrize("answer", [..., [1, ...], (..., 2), {"a": ...}])
def test_an_untouched_answer_is_not_answered(answer):
    assert half(answer).state == "Not answered"
    assert repr(half(answer)).startswith("Not answered.")


def test_no_answer_at_all_is_not_answered():
    assert half().state == "Not answered"


@pytest.mark.parametrize("answer", [0.5, 0.501, np.float64(0.5), sp.Rational(1, 2), np.array(0.5), np.array([0.5])])
def test_right_numbers(answer):
    assert repr(half(answer)) == "Right. Half of it."


@pytest.mark.parametrize(
    "answer, reason",
    [
        (1.0, "that is the whole."),
        (0.7, "0.7 is too large."),
        (0.3, "0.3 is too small."),
        (float("nan"), "NaN"),
        (float("inf"), "too large"),
        (True, "True or False"),
        ("0.5", "a text"),
        ([0.5], "a list"),
        (None, "None"),
        (np.zeros(3), "shape (3,)"),
        (x, "still has symbols"),
        (lambda: 0.5, "a function"),
        (1j, "complex"),
    ],
)
def test_wrong_numbers_get_a_sentence(answer, reason):
    verdict = half(answer)
    assert verdict.state == "Not yet" and reason in verdict.reason


def test_an_answer_the_check_cannot_digest_gets_a_sentence_and_no_error_message():
    verdict = clumsy([1])
    assert verdict.state == "Not yet" and "could not read a list" in verdict.reason and "indices" not in repr(verdict)


def test_none_is_no_answer_of_any_exercise():
    verdict = clumsy(None)
    assert verdict.state == "Not yet" and "The answer is None" in verdict.reason


def test_a_verdict_is_shown_as_html_without_markup_from_the_answer():
    assert "&lt;b&gt;" in checks.Verdict("Not yet", "<b>")._repr_html_()


@pytest.mark.parametrize(
    "answer, reason",
    [
        ((x + 1) ** 2, None),
        (x**2 + 2 * x + 1, None),
        (x**2 + 1, "the cross term"),
        (x**3, "not equal"),
        (x + y, "should contain only x"),
        ("x**2", "a text"),
        (sp.Matrix([x]), "shape"),
        (lambda x: x, "a function"),
        ((sp.Symbol("x", positive=True) + 1) ** 2, None),  # the same name is the same symbol
        (sp.Symbol("x", real=True) ** 2 + 1, "the cross term"),
        (sp.Symbol("y", positive=True), "should contain only x"),
        ([(x + 1) ** 2], "take its element [0]"),
        ([x, y], "a list"),
        ((x + 1.5) ** 2, "sp.Rational"),
        (0.5, "sp.Rational"),
        (None, "None"),
        (True, "True or False"),
        (object(), "an object of type"),
        (sp.Eq(x, 1), "an equation or a truth value"),
        (sp.true, "an equation or a truth value"),
    ],
)
def test_expressions(answer, reason):
    said = checks.expression(answer, x**2 + 2 * x + 1, hints={x**2 + 1: "the cross term is missing."})
    assert said is None if reason is None else reason in said


def test_matrices_are_expressions():
    assert checks.expression(sp.Matrix([[1, x]]), sp.Matrix([[1, x]])) is None
    assert "shape" in checks.expression(sp.Matrix([1, x]), sp.Matrix([[1, x]]))
    assert "not equal" in checks.expression(sp.Matrix([[1, y]]), sp.Matrix([[y, x]]))


def test_a_symbol_without_assumptions_is_simplified_as_the_wanted_one():
    n, plain = sp.Symbol("n", positive=True), sp.Symbol("n")
    assert checks.expression(sp.sqrt(plain**2), n) is None
    assert "not equal" in checks.expression(2 * plain, n)
    assert "sp.Rational" in checks.expression(plain**0.333, sp.cbrt(n))


@pytest.mark.parametrize("name", ["lambda", "lam"])
def test_lambda_may_be_called_lam(name):
    assert checks.expression(2 * sp.Symbol(name), 2 * sp.Symbol("lambda", positive=True)) is None


def test_a_hint_may_contain_a_symbol_that_a_right_answer_has_not():
    hints = {x / y: "divide no more."}
    assert checks.expression(x / sp.Symbol("y", positive=True), x, hints) == "divide no more."
    assert "should contain only x" in checks.expression(x * y, x, hints)


def test_choices():
    wrong = {"b": "b is smaller."}
    assert checks.choice("A", "a", wrong) is None
    assert checks.choice("b", "a", wrong) == "b is smaller."
    assert "Choose one of: a, b" in checks.choice(3, "a", wrong)


@pytest.mark.parametrize(
    "answer, reason",
    [
        (lambda n: n**2, None),
        (lambda n: n, "it should be 4"),
        (lambda n: ..., "no answer yet"),
        (lambda n: None, "no answer yet"),
        (lambda n: 1 / 0, "stops: ZeroDivisionError"),
        (lambda n: [n, n], "shape (2,)"),
        (lambda n: "four", "a text"),
        (4, "A function is wanted"),
    ],
)
def test_functions(answer, reason):
    said = checks.function(answer, lambda n: n**2, [(2,), (3,)])
    assert said is None if reason is None else reason in said


def test_an_exercise_needs_its_praise():
    with pytest.raises(TypeError, match="what a right answer is told"):
        check.exercise(half)
