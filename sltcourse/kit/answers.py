"""Whether an answer is the wanted one: a number, a formula, one of some options. Else a sentence that says why not."""

import functools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from sltcourse.kit.limit import CPU_SECONDS, TooLong, is_symbolic, limited, parts

Reason = str | None


def within_limits(function: Callable[..., Reason], *answers: Any) -> Reason:
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


def kind(answer: object) -> str:
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


def is_text(answer: object) -> bool:
    """Whether a value is a text or an array of texts, which numpy would read as numbers."""
    return isinstance(answer, (str, bytes)) or getattr(getattr(answer, "dtype", None), "kind", "") in ("U", "S", "T")


def number(
    answer: object, expected: float, rel: float = 1e-6, abs: float = 1e-12, hints: Mapping[float, str] | None = None
) -> Reason:
    """None if ``answer`` is the number ``expected`` within a tolerance, else why not.

    ``rel`` and ``abs`` are as in ``math.isclose``. ``hints`` maps tempting wrong values to sentences: the nearest
    within the same tolerance is given, of at most 5 %, so that a wide tolerance gives no sentence for another value.
    Python, numpy and exact sympy numbers are read, and 0-dimensional arrays and tensors.
    """
    return within_limits(functools.partial(_number, expected=expected, rel=rel, abs=abs, hints=hints or {}), answer)


def _number(answer: Any, expected: float, rel: float, abs: float, hints: Mapping[float, str]) -> Reason:
    if isinstance(answer, str) and re.fullmatch(r"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*(/\s*[\d.]+\s*)?", answer):
        return f"A number is wanted here, and this is a text: write {answer.strip()} without quotes."
    if isinstance(answer, (bool, list, tuple, dict)) or is_text(answer) or callable(answer):
        return f"A number is wanted here, and this is {kind(answer)}."
    if getattr(answer, "free_symbols", None):
        return f"A number is wanted here, and {answer} still has symbols in it: substitute their values."
    if getattr(answer, "shape", ()) not in ((), (1,)):
        return f"One number is wanted here, and this has the shape {tuple(answer.shape)}."
    try:
        value = float(answer[0] if getattr(answer, "shape", ()) == (1,) else answer)
    except (TypeError, ValueError, OverflowError):
        return f"A number is wanted here, and this is {kind(answer)}."
    if math.isnan(value):
        return "This is not a number (NaN)."
    if math.isclose(value, expected, rel_tol=rel, abs_tol=abs):
        return None
    for wrong in sorted(hints, key=lambda wrong: math.fabs(value - wrong)):
        if math.isclose(value, wrong, rel_tol=min(rel, 0.05), abs_tol=abs):
            return hints[wrong]
    return f"{value:.6g} is too {'large' if value > expected else 'small'}."


_ALSO = {"lam": "lambda", "eps": "epsilon"}  # Python reserves the one, and the other is long


def expression(answer: object, expected: Any, hints: Mapping[Any, str] | None = None) -> Reason:
    """None if the sympy expression ``answer`` equals ``expected`` (their difference simplifies to 0), else why not.

    Numbers, expressions, matrices and arrays of them are read; a text is refused, wherever it stands. A decimal
    number is right to eleven digits, a matrix of one element counts as its element. A symbol of
    the answer counts as the one of ``expected`` or ``hints`` that has its name, whatever their assumptions; ``lam``
    and ``eps`` count as lambda and epsilon. ``hints`` maps tempting wrong expressions to sentences. Comparing takes
    some seconds at most, see ``limit``.
    """
    return within_limits(functools.partial(_expression, expected=expected, hints=hints or {}), answer)


def _expression(answer: Any, expected: Any, hints: Mapping[Any, str]) -> Reason:
    import sympy as sp

    if isinstance(answer, (list, tuple)) and len(answer) == 1 and isinstance(answer[0], sp.Basic):
        return f"This is {kind(answer)} with one element (solve returns a list): take its element [0]."
    if isinstance(answer, (sp.logic.boolalg.BooleanAtom, sp.core.relational.Relational)):
        return f"A sympy expression is wanted here, and {answer} is an equation or a truth value."
    try:
        answer = _sympified(answer)
    except (sp.SympifyError, TypeError):
        return f"A sympy expression is wanted here, and this is {kind(answer)}."
    expected = sp.sympify(expected, strict=True)
    hints = {sp.sympify(wrong, strict=True): why for wrong, why in hints.items()}
    own = {s.name: s for e in (*hints, expected) for s in e.free_symbols}
    names = {s: s.name if s.name in own else _ALSO.get(s.name, "") for s in answer.free_symbols}
    answer = answer.xreplace({s: own[name] for s, name in names.items() if name in own})
    if not hasattr(expected, "shape") and getattr(answer, "shape", None) in ((1,), (1, 1)):
        answer = sp.flatten(answer.tolist())[0]
    same_shape = getattr(answer, "shape", None) == getattr(expected, "shape", None)

    def equal(a: Any, b: Any) -> bool:
        if hasattr(a, "tolist") and hasattr(b, "tolist"):  # a matrix and an array may stand for each other
            return all(equal(one, other) for one, other in zip(*map(sp.flatten, (a.tolist(), b.tolist())), strict=True))
        if a.has(sp.Float) and not b.has(sp.Float) and not hasattr(a, "shape"):
            return _agree_in_numbers(a, b)
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


def _agree_in_numbers(a: Any, b: Any) -> bool:
    """Whether two expressions have the same values at some points, to eleven digits: for those with decimal numbers."""
    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    for k in (1, 2, 3):
        point = {s: math.sqrt(2 + (k + i) * math.e) for i, s in enumerate(symbols)}
        one, other = (complex(e.subs(point).evalf()) for e in (a, b))
        if not math.isclose(math.dist((one.real, one.imag), (other.real, other.imag)), 0, abs_tol=1e-11 * abs(other)):
            return False
    return True


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
    """None if ``answer`` is the option ``right``, else the sentence that ``wrong`` has for the option chosen.

    Capitals do not matter, True and False count as yes and no and the other way round, and "model A" as A where no
    other option stands in it.
    """
    options = {str(k).lower(): v for k, v in wrong.items()}
    names = {str(right).lower(), *options}
    said = str(answer).strip().lower()
    for other in ({"true": "yes", "false": "no"}, {"yes": "true", "no": "false"}):
        said = other.get(said, said) if said not in names else said
    within = [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said)]
    said = within[0] if said not in names and len(within) == 1 else said
    if said == str(right).lower():
        return None
    return options.get(said, "Choose one of: " + ", ".join(sorted([str(right), *map(str, wrong)])) + ".")


def reasoned_choice(
    answer: object, because: object, right: object, reason: object, wrong: Mapping[Any, str], idle: Mapping[Any, str]
) -> Reason:
    """A choice and its reason: None if ``answer`` is the option ``right`` and ``because`` the option ``reason``.

    ``wrong`` has a sentence for each wrong option, ``idle`` for each reason that does not carry the right one; all
    reasons are written out in the exercise, as A, B, C.
    """
    said = choice(answer, right, wrong)
    if said is None:
        said = choice(because, reason, idle)
        return (
            said if said is None or said.startswith("Choose") else f"{right} is right, but not for this reason. {said}"
        )
    return said
