"""Checks for exercises: right, not yet and why, or not answered.

A lesson's module makes one ``Checks`` and registers a function per exercise::

    check = Checks("03_volume_scaling")

    @check.exercise("It is the exponent of V(ε): the learning coefficient.")
    def slope(answer):
        return number(answer, 0.5, hints={1.0: "that is d/2; the volume shrinks more slowly here"})

The function returns None when the answer is right, or the sentence that says why it is not yet. In the
notebook ``check.slope(answer)`` shows the verdict. An answer still at ``...`` is not answered, whatever the
function does; an answer the function cannot digest gets a sentence, never a traceback; a formula is computed with for
some seconds at most; a text is never evaluated. What was passed is kept on this computer, see ``passed``.
"""

import contextlib
import functools
import html
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from sltcourse.kit import passed
from sltcourse.kit.limit import CPU_SECONDS, TooLong, is_symbolic, limited, parts

State = Literal["Right", "Not yet", "Not answered"]
Reason = str | None

_LOOKS = {"Right": "#008a64", "Not yet": "#b87a00", "Not answered": "#767676"}


class Verdict:
    """What a check says: ``state`` ("Right", "Not yet" or "Not answered") and ``reason``, a sentence."""

    def __init__(self, state: State, reason: str) -> None:
        self.state, self.reason = state, reason

    def __repr__(self) -> str:
        return f"{self.state}. {self.reason}".strip()

    def _repr_html_(self) -> str:
        look = f"border-left:4px solid {_LOOKS[self.state]};padding:.35em .8em;margin:.2em 0"
        return f'<div style="{look}"><strong>{self.state}.</strong> {html.escape(self.reason)}</div>'


class Checks:
    """The checks of one lesson, each an attribute: ``check.<exercise>(answer, …)`` returns a Verdict.

    ``lesson`` is the notebook's name ("03_volume_scaling"), ``names`` the exercises in the order of their making.
    """

    def __init__(self, lesson: str) -> None:
        self.lesson, self.names = lesson, list[str]()

    def __getattr__(self, name: str) -> Callable[..., Verdict]:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"{self.lesson} has no exercise {name!r}; it has {', '.join(self.names)}")

    def exercise(self, praise: str) -> Callable[[Callable[..., Reason]], Callable[..., Verdict]]:
        """Register an exercise; ``praise`` is what a right answer is told: what it means, in a sentence.

        Raises TypeError when the sentence is missing.
        """
        if not isinstance(praise, str):
            raise TypeError('use @check.exercise("what a right answer is told"), with the sentence')

        def register(function: Callable[..., Reason]) -> Callable[..., Verdict]:
            @functools.wraps(function)
            def verdict(*answers: Any) -> Verdict:
                if not answers or any(untouched(a) for a in answers):
                    return Verdict("Not answered", "Put your answer where the ... stands and run the cell again.")
                try:
                    reason = _within_limits(function, *answers)
                except Exception:  # whatever it is, the learner gets a sentence
                    kinds = " and ".join(_kind(a) for a in answers)
                    reason = f"This check could not read {kinds}. Look again at what the exercise asks for."
                    if any(a is None for a in answers):
                        reason = "The answer is None: nothing was put in, or a function returned nothing."
                if reason is not None:
                    return Verdict("Not yet", reason)
                with contextlib.suppress(Exception):  # a record that cannot be kept spoils no right answer
                    passed.remember(self.lesson, function.__name__)
                return Verdict("Right", praise)

            self.names.append(function.__name__)
            setattr(self, function.__name__, verdict)
            return verdict

        return register


def _within_limits(function: Callable[..., Reason], *answers: Any) -> Reason:
    """The reason that a check gives; with a formula among the answers, within a limit of time.

    A function that a learner wrote runs as it is: it may compute with what cannot be copied to another process.
    """
    if not any(map(is_symbolic, answers)) or any(callable(a) and not is_symbolic(a) for a in answers):
        return function(*answers)
    try:
        return limited(function, *answers)
    except TooLong:
        return (
            f"To compare this with what is wanted takes more than {CPU_SECONDS} seconds. Work out what is left to be "
            "worked out in it (integrals and sums with .doit()), simplify it, and run the cell again."
        )


def untouched(answer: object) -> bool:
    """Whether an answer is still the exercise's ``...``, alone or inside a list, tuple, set, dict or array."""
    return answer is ... or any(untouched(a) for a in parts(answer))


def _kind(answer: object) -> str:
    names = {
        "str": "a text",
        "list": "a list",
        "tuple": "a tuple",
        "dict": "a dict",
        "set": "a set",
        "frozenset": "a set",
        "NoneType": "None",
        "ndarray": "an array",
        "function": "a function",
        "bool": "True or False",
    }
    return names.get(type(answer).__name__, f"an object of type {type(answer).__name__}")


def _is_text(answer: object) -> bool:
    """Whether a value is a text or an array of texts, which numpy would read as numbers."""
    return isinstance(answer, (str, bytes)) or getattr(getattr(answer, "dtype", None), "kind", "") in ("U", "S", "T")


def number(
    answer: object, expected: float, rel: float = 1e-6, abs: float = 1e-12, hints: Mapping[float, str] | None = None
) -> Reason:
    """None if ``answer`` is the number ``expected`` within a tolerance, else why not.

    ``rel`` and ``abs`` are as in ``math.isclose``. ``hints`` maps tempting wrong values to sentences, within the
    same tolerance. Python, numpy and exact sympy numbers are read, and 0-dimensional arrays and tensors.
    """
    return _within_limits(functools.partial(_number, expected=expected, rel=rel, abs=abs, hints=hints or {}), answer)


def _number(answer: Any, expected: float, rel: float, abs: float, hints: Mapping[float, str]) -> Reason:
    if isinstance(answer, (bool, list, tuple, dict)) or _is_text(answer) or callable(answer):
        return f"A number is wanted here, and this is {_kind(answer)}."
    if getattr(answer, "free_symbols", None):
        return f"A number is wanted here, and {answer} still has symbols in it: substitute their values."
    if getattr(answer, "shape", ()) not in ((), (1,)):
        return f"One number is wanted here, and this has the shape {tuple(answer.shape)}."
    try:
        value = float(answer[0] if getattr(answer, "shape", ()) == (1,) else answer)
    except (TypeError, ValueError, OverflowError):
        return f"A number is wanted here, and this is {_kind(answer)}."
    if math.isnan(value):
        return "This is not a number (NaN)."
    if math.isclose(value, expected, rel_tol=rel, abs_tol=abs):
        return None
    for wrong, why in hints.items():
        if math.isclose(value, wrong, rel_tol=rel, abs_tol=abs):
            return why
    return f"{value:.6g} is too {'large' if value > expected else 'small'}."


_ALSO = {"lam": "lambda", "eps": "epsilon"}  # Python reserves the one, and the other is long


def expression(answer: object, expected: Any, hints: Mapping[Any, str] | None = None) -> Reason:
    """None if the sympy expression ``answer`` equals ``expected`` (their difference simplifies to 0), else why not.

    Numbers, expressions, matrices and arrays of them are read; a text is refused, wherever it stands. A symbol of
    the answer counts as the one of ``expected`` or ``hints`` that has its name, whatever their assumptions; ``lam``
    and ``eps`` count as lambda and epsilon. ``hints`` maps tempting wrong expressions to sentences. Comparing takes
    some seconds at most, see ``limit``.
    """
    return _within_limits(functools.partial(_expression, expected=expected, hints=hints or {}), answer)


def _expression(answer: Any, expected: Any, hints: Mapping[Any, str]) -> Reason:
    import sympy as sp

    if isinstance(answer, (list, tuple)) and len(answer) == 1 and isinstance(answer[0], sp.Basic):
        return f"This is {_kind(answer)} with one element (solve returns a list): take its element [0]."
    if isinstance(answer, (sp.logic.boolalg.BooleanAtom, sp.core.relational.Relational)):
        return f"A sympy expression is wanted here, and {answer} is an equation or a truth value."
    try:
        answer = _sympified(answer)
    except (sp.SympifyError, TypeError):
        return f"A sympy expression is wanted here, and this is {_kind(answer)}."
    expected = sp.sympify(expected, strict=True)
    hints = {sp.sympify(wrong, strict=True): why for wrong, why in hints.items()}
    own = {s.name: s for e in (*hints, expected) for s in e.free_symbols}
    names = {s: s.name if s.name in own else _ALSO.get(s.name, "") for s in answer.free_symbols}
    answer = answer.xreplace({s: own[name] for s, name in names.items() if name in own})
    same_shape = getattr(answer, "shape", None) == getattr(expected, "shape", None)

    def equal(a: Any, b: Any) -> bool:
        if hasattr(a, "tolist") and hasattr(b, "tolist"):  # a matrix and an array may stand for each other
            return all(equal(one, other) for one, other in zip(*map(sp.flatten, (a.tolist(), b.tolist())), strict=True))
        difference = sp.simplify(a - b)
        return bool(difference == 0 or getattr(difference, "is_ZeroMatrix", False))

    if same_shape and equal(answer, expected):
        return None
    for wrong, why in hints.items():
        if getattr(wrong, "shape", None) == getattr(answer, "shape", None) and equal(answer, wrong):
            return why
    unknown = answer.free_symbols - expected.free_symbols
    if unknown and expected.free_symbols:
        symbols = ", ".join(sorted(str(s) for s in unknown))
        wanted = ", ".join(sorted(str(s) for s in expected.free_symbols))
        return f"The answer contains {symbols}; it should contain only {wanted} (the lesson's own symbols)."
    if not same_shape:
        return "The shape differs from what is wanted: compare a matrix with a matrix, a number with a number."
    if answer.has(sp.Float) and not expected.has(sp.Float):
        return f"{answer} contains decimal numbers. Give it exactly, with sp.Rational."
    return f"{answer} is not equal to what is wanted."


def _sympified(answer: Any) -> Any:
    """A number, an expression, a matrix or an array of them as sympy has it; no text is ever parsed.

    Raises sympy's SympifyError or a TypeError for anything else.
    """
    import numpy as np
    import sympy as sp

    if isinstance(answer, (sp.Basic, sp.MatrixBase)):
        return answer
    if isinstance(answer, sp.NDimArray):
        return sp.ImmutableDenseNDimArray(answer)
    if not isinstance(answer, np.ndarray):
        of_many = hasattr(answer, "__iter__") and getattr(answer, "shape", None) != ()
        if isinstance(answer, bool) or callable(answer) or of_many:
            raise TypeError  # sympy turns a set, a dict or a range into its own kind, and parses the texts in it
        return sp.sympify(answer, strict=True)  # strict: a text is refused
    if answer.shape == ():
        return _sympified(answer.item())
    return sp.Array([_sympified(item) for item in answer.ravel().tolist()], answer.shape)


def choice(answer: object, right: object, wrong: Mapping[Any, str]) -> Reason:
    """None if ``answer`` is the option ``right``, else the sentence that ``wrong`` has for the option chosen."""
    said = str(answer).strip().lower()
    options = {str(k).lower(): v for k, v in wrong.items()}
    if said == str(right).lower():
        return None
    return options.get(said, "Choose one of: " + ", ".join(sorted([str(right), *map(str, wrong)])) + ".")


def function(
    answer: object, reference: Callable[..., Any], inputs: Iterable[tuple[Any, ...]], rel: float = 1e-6
) -> Reason:
    """None if the learner's function agrees with ``reference`` at every one of ``inputs`` (tuples), else where not.

    ``rel`` is the relative tolerance, beside an absolute one of 1e-12. A function that still returns ``...`` raises
    no alarm: the verdict says that it returns nothing yet.
    """
    if not callable(answer):
        return f"A function is wanted here, and this is {_kind(answer)}."
    for arguments in inputs:
        call = f"Called with ({', '.join(map(str, arguments))}), the "
        try:
            got = answer(*arguments)
        except Exception as error:
            return f"{call}function stops: {type(error).__name__}: {error}."
        if got is ... or got is None:
            return f"{call}function returns {got}: it has no answer yet."
        wrong = _within_limits(functools.partial(_differs, wanted=reference(*arguments), rel=rel), got)
        if wrong is not None:
            return call + wrong if wrong.startswith(("function", "result")) else wrong
    return None


def _differs(got: Any, wanted: Any, rel: float) -> Reason:
    """None if what a function returned is close to what is wanted, else how it differs, after "the"."""
    import numpy as np

    try:
        values = np.asarray(got)
        if _is_text(values):
            raise TypeError
        values = values.astype(float)
    except (TypeError, ValueError, OverflowError):
        return f"function returns {_kind(got)} where numbers are wanted."
    if values.shape != np.shape(wanted):
        return f"result has the shape {values.shape}; {np.shape(wanted)} is wanted."
    if not np.allclose(values, wanted, rtol=rel, atol=1e-12):
        return f"result is {np.round(values, 6)}, and it should be {np.round(wanted, 6)}."
    return None
