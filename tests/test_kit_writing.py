"""Exercises in which the learner writes a function: right, wrong, endless and unfinished ones."""

import linecache
import signal
import threading
import time
import warnings

import numpy as np
import pytest
import sympy as sp

from sltcourse.kit import checks, limit, writing
from sltcourse.kit.checks import Case, use


def total(rows, power=2):
    """Our own: the sum of the powers in each row."""
    return np.sum(np.asarray(rows) ** power, axis=1)


def mean(rows):
    """A tempting wrong one: it divides."""
    return np.mean(rows**2, axis=1)


rng = np.random.default_rng(1)
check = checks.Checks("test")
ROWS = np.array([[1.0, 2.0], [3.0, 4.0]])


@check.writing(
    "Rows, not columns.",
    ours=total,
    cases=[
        Case("two rows", (ROWS,), np.array([5.0, 25.0]), seconds=0.3),
        Case(
            "one column", (np.array([[2.0]]),), lambda got: None if got[0] > 3 else "it must be above 3.", seconds=0.3
        ),
        Case("a random table", lambda: (np.random.default_rng(1).normal(size=(3, 5)),), seconds=0.3),
    ],
    common={mean: "That is the mean of each row, and the sum is wanted."},
)
def rows(function):
    """Sums of squares."""
    return "It is right, but it is called wrong." if function.__name__ == "wrong_name" else None


def written(source, name="answer"):
    """A function as a notebook makes it: from a cell that has lines."""
    file = f"<cell {hash(source)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    space = {"np": np}
    exec(compile(source, file, "exec"), space)
    return space[name]


STUBS = [
    "def answer(rows):\n    ...\n",
    'def answer(rows):\n    """The sum: (n, d) -> (n,)."""\n    ...\n',
    "def answer(rows):\n    squares = ...\n    return squares.sum(axis=1)\n",
    "def answer(rows):\n    squares: object = ...\n    return squares\n",
    "def answer(rows):\n    return ...\n",
    "def answer(rows):\n    for row in rows:\n        ...\n    return rows\n",
]


@pytest.mark.parametrize("source", STUBS)
def test_a_stub_is_not_answered(source):
    assert rows(written(source)).state == "Not answered"


def test_three_dots_inside_brackets_are_no_stub():
    assert rows(written("def answer(rows):\n    return (rows**2)[..., :].sum(axis=1)\n")).state == "Right"


def test_a_right_function_is_right():
    assert repr(rows(lambda a: (a * a).sum(1))) == "Right. Rows, not columns."
    assert check.names == ["rows"] and check.rows.ours is total and check.rows.__doc__ == "Sums of squares."


def changes_its_argument(a):
    a *= a
    return a.sum(1)


def test_a_function_that_changes_its_arguments_gets_fresh_ones_each_time():
    for _ in range(2):
        assert rows(changes_its_argument).state == "Right"
    assert ROWS.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (mean, "That is the mean of each row, and the sum is wanted."),
        (lambda a: (a**2).mean(1), "That is the mean"),
        (lambda a: (a**2).mean(), "In the case “two rows”, the result has the shape (), and (2,) is wanted."),
        (lambda a: (a**2).sum(0), "the result at [0] is 10, and 5 is wanted (2 of 2 numbers differ)."),
        (lambda a: [1, 2], "your function returns a list, and an array of shape (2,) is wanted."),
        (lambda a: "x", "returns a text"),
        (lambda a: None, "In the case “two rows”, your function returns None: end it with return and the result."),
        (lambda a: {}, "returns a dict"),
        (lambda a: np.array([np.nan, 25]), "at [0] is nan, and 5 is wanted (1 of 2"),
        (lambda a: np.array([5.0, 25]) if len(a) == 2 else a[0], "In the case “one column”, it must be above 3."),
        (lambda a: np.array([5.0, 25]) if len(a) == 2 else 3, "In the case “one column”, your function returns an"),
        (lambda a: (a**2).sum(1) if len(a) < 3 else a[:, 0], "In the case “a random table”, the result at [0]"),
        (lambda: 1, "your function cannot be called: it must take (rows, power)."),
        (lambda a: exit(), "your function stops with an error"),
        (total(ROWS), "A function is wanted here, and this is an array: hand over its name, without brackets."),
        (None, "A function is wanted here, and this is None"),
        (np.linalg.norm, "(), and (2,) is wanted"),
    ],
)
def test_wrong_functions_are_told_where_and_how(function, words):
    verdict = rows(function)
    assert verdict.state == "Not yet" and words in verdict.reason, verdict


def test_the_exercises_own_last_word():
    def wrong_name(a):
        return (a**2).sum(1)

    assert repr(rows(wrong_name)) == "Not yet. It is right, but it is called wrong."


def test_an_error_is_told_with_its_line_and_without_a_traceback():
    stops = written("def answer(rows):\n    squares = rows**2\n    return squares[:, 9].sum()\n")
    said = rows(stops).reason
    assert said.startswith(
        "In the case “two rows”, your function stops with an error in the line “return squares[:, 9]"
    )
    assert "IndexError: index 9 is out of bounds" in said and "Traceback" not in said and "\n" not in said


def test_an_endless_recursion_is_told():
    def again(a):
        return again(a)

    assert "calls itself without an end" in rows(again).reason


def test_what_a_function_prints_stays_out_of_the_lesson_and_is_shown_where_it_fails(capsys):
    def prints(a, shift=1):
        print("so far", a.shape)
        return (a**2).sum(1) + shift

    said = rows(prints).reason
    assert said.endswith("It printed: so far (2, 2)")
    assert rows(lambda a: prints(a, 0)).state == "Right"
    assert len(rows(lambda a: print("x" * 10_000)).reason) < 500
    assert capsys.readouterr().out == ""


def test_warnings_of_a_function_stay_out_of_the_lesson():
    def warns(a):
        warnings.warn("old", stacklevel=1)
        return (a**2).sum(1) + 0 * np.log(np.zeros(1))[0]

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        rows(warns)
    assert seen == []


def loops(a):
    while True:
        pass


def loops_in_numpy(a):
    while True:
        a[:2] = np.linalg.qr(np.ones((50, 50)))[0][:2, :2]


def sleeps(a):
    time.sleep(30)


def catches_everything(a):
    while True:
        try:
            time.sleep(0.001)
        except:  # noqa: E722 - as learners write it
            pass


def catches_exceptions(a):
    while True:
        try:
            a = a + 1
        except Exception:
            pass


needs_signals = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a clock's signal, as Unix has it")
ENDLESS = [
    loops,
    loops_in_numpy,
    pytest.param(sleeps, marks=needs_signals),
    pytest.param(catches_everything, marks=needs_signals),
    catches_exceptions,
]


@pytest.mark.parametrize("function", ENDLESS)
def test_a_function_without_an_end_is_stopped_kindly(function):
    started = time.monotonic()
    verdict = rows(function)
    assert time.monotonic() - started < 8
    assert verdict.state == "Not yet" and "came to no end within 0.3 seconds" in verdict.reason


@pytest.mark.parametrize("function", [loops, loops_in_numpy, catches_exceptions])
def test_in_another_thread_too(function):
    said = []
    thread = threading.Thread(target=lambda: said.append(rows(function)))
    thread.start()
    thread.join(10)
    assert "came to no end" in said[0].reason


def test_where_there_are_no_such_signals_too(monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)  # as on Windows
    assert "came to no end" in rows(loops).reason and rows(total).state == "Right"


@needs_signals
def test_the_clock_of_somebody_else_goes_on():
    fired, before = [], signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
    outer = signal.setitimer(signal.ITIMER_REAL, 0.6)
    try:
        with pytest.raises(limit.TooLong), limit.stopped_after(0.1):
            time.sleep(10)
        with limit.stopped_after(100):
            assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.5 and fired == []
        time.sleep(0.7)
        assert fired == [1]
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *outer)


def test_an_interrupt_by_the_learner_is_not_swallowed():
    def interrupted(a):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rows(interrupted)


def test_use_goes_on_with_the_learners_function_once_it_is_right(capsys):
    def mine(a):
        return (a**2).sum(1)

    assert use(check.rows, mine) is mine
    assert capsys.readouterr().out == "Right. Rows, not columns.\n"
    assert use(check.rows, mean) is total
    assert capsys.readouterr().out == (
        "Not yet. That is the mean of each row, and the sum is wanted. Until then, what follows uses ours.\n"
    )
    assert use(check.rows, written(STUBS[0])) is total
    assert capsys.readouterr().out.startswith("Not answered. Put your answer where the ... stands")
    with pytest.raises(TypeError, match=r"check\.writing"):
        use(total, mine)


def test_an_exercise_needs_three_cases():
    with pytest.raises(ValueError, match="at least three cases"):
        check.writing("Praise.", ours=total, cases=[Case("one", (ROWS,))])


class Spring:
    """Cannot be copied."""

    def __deepcopy__(self, memo):
        raise TypeError


def test_what_cannot_be_copied_is_handed_over_as_it_is():
    spring = Spring()
    assert Case("a spring", (spring,)).called(lambda s: s) is spring


class Tensor:
    """As torch has them: with its graph, on a device."""

    shape = (2,)

    def detach(self):
        return self

    def cpu(self):
        return np.array([1.0, 2.0])


x = sp.Symbol("x")


@pytest.mark.parametrize(
    ("got", "wanted", "words"),
    [
        (1.0, 1, None),
        (np.float64(1), 1.0, None),
        (np.array(1.0), 1.0, None),
        (1 + 9e-7, 1.0, None),
        (1 + 2e-6, 1.0, "the result is 1, and 1 is wanted"),
        (9e-10, 0.0, None),
        (2e-9, 0.0, "the result is 2e-09, and 0 is wanted."),
        (sp.Rational(1, 2), 0.5, None),
        (True, 1.0, "True or False where numbers are wanted"),
        (1.0, True, "returns 1.0, and True is wanted"),
        (np.True_, True, None),
        ("trust", "trust", None),
        ("don't", "trust", "returns \"don't\", and 'trust' is wanted."),
        (Tensor(), np.array([1.0, 2.0]), None),
        (np.array([1.0, 2.0]), Tensor(), None),
        ((1, 2), (1, 2.0), None),
        ([1, 2], (1, 2), None),
        ((1, 3), (1, 2), "of the result's 2 parts number 2 is not right: the result is 3, and 2 is wanted."),
        ((1,), (1, 2), "returns a tuple of 1, and 2 results are wanted, as a tuple."),
        (1, (1, 2), "2 results are wanted"),
        ({"a": 1}, {"a": 1.0}, None),
        ({"b": 1}, {"a": 1.0}, "the keys a is wanted"),
        ({"a": 2}, {"a": 1.0}, "the result is 2"),
        (2 * x, x + x, None),
        (x, 2 * x, "your function returns x. x is not equal"),
        (np.array([np.nan]), np.array([np.nan]), None),
        (np.array([1.0]), np.array([np.nan]), "and nan is wanted"),
        (1j, np.array(1j), None),
        (np.ones((2, 3)), np.array([[1, 1, 1], [1, 1, 2]]), "at [1, 2] is 1, and 2 is wanted (1 of 6"),
    ],
)  # fmt: skip
def test_results_are_compared(got, wanted, words):
    said = writing.differs(got, wanted, 1e-6, 1e-9)
    assert said is None if words is None else words in said, said


def test_a_function_that_is_stopped_leaves_numpys_settings_as_they_were():
    before = np.geterr()
    with pytest.raises(limit.TooLong), limit.stopped_after(0.05):
        np.seterr(invalid="raise")
        while True:
            pass
    assert np.geterr() == before and before["invalid"] != "raise"
