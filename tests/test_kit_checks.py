import copy
import os
import time
import warnings

import numpy as np
import pytest
import sympy as sp

from sltcourse.kit import checks, limit
from sltcourse.kit.writing import differs, tried

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
        (sp.Matrix([x]), "x is not equal"),  # a matrix of one element is its element
        (sp.Matrix([[(x + 1) ** 2]]), None),
        (np.array([(x + 1) ** 2]), None),
        (sp.Matrix([x, x]), "shape"),
        (2.0 * (0.5 * x**2 + x + 0.5), None),  # a decimal number with all its digits
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


def test_an_exercise_needs_its_praise():
    with pytest.raises(TypeError, match="what a right answer is told"):
        check.exercise(half)


@pytest.mark.parametrize("answer", [0.5051, 0.989, 1.011])
def test_no_hint_is_given_at_a_looser_tolerance_than_the_answers(answer):
    """The tolerance is 1 %, of the answer 0.5 and of the hint's 1."""
    said = "0.5051 is too large." if answer < 0.6 else f"{answer:.6g} is too large."
    assert half(answer).reason == said
    assert half(0.991).reason == half(1.009).reason == "that is the whole." and half(0.5049).state == "Right"


def test_the_tolerances_of_a_number_are_those_of_isclose():
    assert checks.number(1e-13, 0) is None and "too large" in checks.number(1e-11, 0)
    assert checks.number(0.05, 0, abs=0.1) is None and "too small" in checks.number(-0.15, 0, abs=0.1)
    assert checks.number(1 + 5e-7, 1) is None and "too large" in checks.number(1 + 2e-6, 1)
    assert checks.number(0.45, 1, abs=0.1, hints={0.5: "half"}) == "half"


# ---- a text is never evaluated -------------------------------------------------------------------------------

EVIL = "open('{}', 'w').close()"


class Text(str):
    """A text of another class."""


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda text: text,
        Text,
        lambda text: {text},
        lambda text: frozenset({text}),
        lambda text: [text],
        lambda text: (text,),
        lambda text: {"a": text},
        lambda text: {text: 1},
        lambda text: np.array(text),
        lambda text: np.array([text]),
        lambda text: np.array([[text, "1"]]),
        lambda text: np.array([text], dtype=object),
        lambda text: np.array([[x, text]], dtype=object),
        lambda text: np.array(text, dtype=object),
        lambda text: np.array({text}, dtype=object),
        lambda text: np.str_(text),
        lambda text: text.encode(),
        lambda text: bytearray(text.encode()),
        lambda text: [x, {text}],
        lambda text: {x, text},
        lambda text: range(3),
        lambda text: map(str, [text]),
        lambda text: {"a": text}.values(),
    ],
)
def test_no_text_in_an_answer_is_ever_run(wrapped, tmp_path):
    for check_of in (
        lambda answer: checks.expression(answer, x),
        lambda answer: checks.expression(answer, sp.Matrix([[x, 1]])),
        lambda answer: checks.number(answer, 1),
        lambda answer: differs(answer, 1.0, 0.1, 0.1),
    ):
        assert isinstance(check_of(wrapped(EVIL.format(tmp_path / "ran"))), str)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["1", b"1", np.str_("1"), np.array("1"), np.array(["1"]), np.array(b"1")])
def test_a_text_is_no_number_and_no_expression(text):
    assert "A number is wanted" in checks.number(text, 1) or "is wanted here" in checks.number(text, 1)
    assert "A sympy expression is wanted" in checks.expression(text, sp.Integer(1))
    assert "where numbers are wanted" in differs(text, 1.0, 0.1, 0.1)


def test_arrays_of_numbers_and_symbols_are_expressions():
    wanted = sp.Matrix([[1, x]])
    assert checks.expression(np.array([[1, x]]), wanted) is None
    assert checks.expression(sp.Array([[1, x]]), wanted) is None
    assert checks.expression(sp.MutableDenseNDimArray([[1, x]]), wanted) is None
    assert checks.expression(sp.ImmutableMatrix([[1, x]]), wanted) is None
    assert "not equal" in checks.expression(np.array([[1, 2]]), wanted)
    assert "shape" in checks.expression(np.array([1, 2]), wanted)
    assert checks.expression(np.array(2), sp.Integer(2)) is None and checks.expression(np.float64(2), 2.0) is None
    matrix = sp.MatrixSymbol("M", 2, 2)
    assert checks.expression(matrix + matrix, 2 * matrix) is None
    assert "not equal" in checks.expression(3 * matrix, 2 * matrix)


# ---- a right answer never ends in a traceback ----------------------------------------------------------------


@pytest.mark.parametrize("content", ["[]", "null", "3", '{"test": null}', '{"test": {"half": 1}}', "{", ""])
def test_a_damaged_record_spoils_no_right_answer(content, tmp_path, monkeypatch):
    (tmp_path / "passed.json").write_text(content, encoding="utf-8")
    monkeypatch.setenv("SLTCOURSE_PASSED", str(tmp_path / "passed.json"))
    assert repr(half(0.5)) == "Right. Half of it."


def test_no_home_and_no_name_spoil_no_right_answer(monkeypatch):
    pwd = pytest.importorskip("pwd")  # Windows has no such names

    def unknown(_):
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("SLTCOURSE_PASSED", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert repr(half(0.5)) == "Right. Half of it."


def test_whatever_remembering_raises_a_right_answer_is_right(monkeypatch):
    def broken(*_):
        raise RuntimeError("no memory of anything")

    monkeypatch.setattr(checks.passed, "remember", broken)
    assert repr(half(0.5)) == "Right. Half of it."


def test_an_exercise_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(AttributeError, match=r"test has no exercise 'halve'; it has half, clumsy"):
        check.halve(0.5)
    assert copy.copy(check).half(0.5).state == "Right"


# ---- no answer takes for ever --------------------------------------------------------------------------------


needs_copies = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be copied")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(limit, "CPU_SECONDS", 1)
    monkeypatch.setattr(limit, "SECONDS", 10.0)


big = sp.Pow(10, sp.Pow(10, 10, evaluate=False), evaluate=False)
ENDLESS = [
    sp.Integral(sp.exp(-(x**4)) * sp.sin(sp.exp(x) * y) * sp.log(1 + x**2 + sp.cos(y)), (x, 0, sp.oo), (y, 0, 1)),
    sp.Pow(sp.Pow(10, 10**9, evaluate=False), x),
    big + x,
    sp.Mul(big, x, evaluate=False),
    sp.Sum(sp.sin(x**y) / (1 + sp.exp(x)), (x, 1, sp.oo)),
]


@needs_copies
@pytest.mark.parametrize("answer", ENDLESS, ids=range(len(ENDLESS)))
def test_no_expression_takes_for_ever(answer, quick):
    started = time.monotonic()
    assert isinstance(checks.expression(answer, x**2, hints={x: "no.", x**3: "no."}), str)
    assert time.monotonic() - started < 12


@needs_copies
@pytest.mark.parametrize("answer", [sp.Integral(sp.exp(sp.sin(sp.exp(x * 9))), (x, 0, 9)), big])
def test_no_number_takes_for_ever(answer, quick):
    started = time.monotonic()
    assert half(answer).state == "Not yet"
    assert isinstance(tried(lambda: answer, lambda: 0.5, [checks.Case("it", ())], {}), str)
    assert time.monotonic() - started < 24


@needs_copies
def test_what_takes_too_long_is_told_what_to_do(quick):
    @check.exercise("Never.")
    def endless(answer):
        while True:
            pass

    verdict = endless(x)
    assert verdict.state == "Not yet" and ".doit()" in verdict.reason
    check.names.remove("endless")


def test_an_unevaluated_integral_that_can_be_compared_is_right():
    assert checks.expression(sp.Integral(2 * x, x), x**2) is None


@needs_copies
def test_the_limit_is_of_computing_and_of_waiting(monkeypatch):
    monkeypatch.setattr(limit, "SECONDS", 0.3)
    with pytest.raises(limit.TooLong):
        limit.limited(lambda: time.sleep(60))
    monkeypatch.setattr(limit, "SECONDS", 60.0)
    monkeypatch.setattr(limit, "CPU_SECONDS", 1)
    started = time.monotonic()
    with pytest.raises(limit.TooLong):
        limit.limited(lambda: str(10 ** (10**9)))
    assert time.monotonic() - started < 30


@needs_copies
def test_what_is_computed_within_the_limit_comes_back():
    assert limit.limited(lambda a: f"ε is {a}" * 50_000, 2) == "ε is 2" * 50_000
    assert limit.limited(lambda: None) is None
    with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero"):
        limit.limited(lambda: 1 / 0)
    assert limit.limited(lambda: limit.limited(lambda: "twice")) == "twice"


@needs_copies
def test_a_copy_leaves_nothing_behind(capfd):
    def noisy():
        print("printed")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("warned", stacklevel=1)
        checks.half_done = True
        return str(os.getpid())

    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    assert limit.limited(noisy) != str(os.getpid()) and not hasattr(checks, "half_done")
    assert capfd.readouterr() == ("", "")
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@needs_copies
def test_where_no_process_can_be_copied_the_check_still_answers(monkeypatch):
    def no_room():
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_room)
    assert checks.expression(x + x, 2 * x) is None
    monkeypatch.delattr(os, "fork")
    assert checks.expression(x + x, 2 * x) is None


def test_a_formula_is_found_wherever_it_stands():
    within = [x, [x], (1, x), {x}, {"a": x}, {x: 1}, np.array([x]), sp.Matrix([1]), sp.Array([1]), [[[sp.Integer(1)]]]]
    assert all(map(limit.is_symbolic, within))
    assert not any(map(limit.is_symbolic, [1, "x", [1], {"a": 1}, np.array([1.0]), None, len]))


def test_a_set_or_an_array_with_dots_is_not_answered():
    assert half({...}).state == half(np.array([..., 1], dtype=object)).state == "Not answered"
    assert half({1: {2: [...]}}).state == "Not answered"


def a_function():
    pass


@pytest.mark.parametrize(
    "answer, kind",
    [
        ("one", "a text"),
        ([1], "a list"),
        ((1,), "a tuple"),
        ({"a": 1}, "a dict"),
        ({1}, "a set"),
        (frozenset({1}), "a set"),
        (None, "None"),
        (np.array(["1"]), "an array"),
        (a_function, "a function"),
        (True, "True or False"),
        (1j, "an object of type complex"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_called_by_its_name(answer, kind):
    assert checks.number(answer, 1.0) == f"A number is wanted here, and this is {kind}."


def test_a_verdict_is_framed_in_the_colour_of_its_state():
    colors = {"Right": "#008a64", "Not yet": "#b87a00", "Not answered": "#767676"}
    for state, color in colors.items():
        shown = checks.Verdict(state, "Why.")._repr_html_()
        assert shown.startswith(f'<div style="border-left:4px solid {color};')
        assert shown.endswith(f"><strong>{state}.</strong> Why.</div>")


def test_the_lessons_name_goes_into_the_record(monkeypatch):
    noted = []
    monkeypatch.setattr(checks.passed, "remember", lambda *words: noted.append(words))
    half(0.5)
    assert noted == [("test", "half")] and half.__name__ == "half"


def test_what_is_no_option_is_told_the_options():
    assert checks.choice("c", "b", {"a": "no."}) == "Choose one of: a, b."
    assert checks.choice(" B ", "b", {}) is None and checks.choice("A", "b", {"a": "no."}) == "no."


@pytest.mark.parametrize("text", ["11/12", " 0.5", "-3", "1e-3", "1 / 3"])
def test_a_number_in_quotes_is_told_to_leave_them(text):
    assert checks.number(text, 0.5).endswith(f"this is a text: write {text.strip()} without quotes.")
    assert checks.number("a/b", 0.5).endswith("this is a text.")


def test_a_wide_tolerance_gives_no_hint_meant_for_another_value():
    """log 17 is asked for within a factor; 40 has its own sentence, and 100 has none."""
    hints = {40.0: "forty.", 17.0: "seventeen.", 41.0: "forty-one."}
    said = [checks.number(value, 5e4, rel=0.8, hints=hints) for value in (40, 17, 40.9, 41, 100)]
    assert said == ["forty.", "seventeen.", "forty-one.", "forty-one.", "100 is too small."]


def test_a_decimal_number_is_right_if_it_is_exact():
    n = sp.Symbol("n", positive=True)
    assert checks.expression((7 / (6 * n)) ** (1 / 6), (7 / (6 * n)) ** sp.Rational(1, 6)) is None
    assert "sp.Rational" in checks.expression(n**0.1667, n ** sp.Rational(1, 6))
    assert checks.expression(0.1 * n, 0.1 * n) is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("Yes", None),
        (True, None),
        ("no", "no."),
        (False, "no."),
        ("it is no", "no."),
        ("knows", "Choose one of: no, yes."),
    ],
)
def test_a_choice_is_read_kindly(answer, said):
    assert checks.choice(answer, "yes", {"no": "no."}) == said


def test_an_option_is_found_within_a_longer_answer_if_it_is_the_only_one():
    assert checks.choice("Model A", "A", {"B": "no."}) is None
    assert checks.choice("A or B", "A", {"B": "no."}) == "Choose one of: A, B."
    assert checks.choice("no", False, {True: "no."}) is None


def test_a_choice_with_its_reason():
    def said(answer, because):
        wrong, idle = {True: "w = 0 is in it."}, {"A": "d does not matter.", "C": "n does not."}
        return checks.reasoned_choice(answer, because, False, "B", wrong, idle)

    assert said(False, "B") is None and said("false", "b") is None
    assert said(True, "B") == "w = 0 is in it."
    assert said(False, "A") == "False is right, but not for this reason. d does not matter."
    assert said(False, "because of B") is None and said(False, "why") == "Choose one of: A, B, C."
