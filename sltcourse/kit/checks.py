"""Checks for exercises: right, not yet and why, or not answered.

A lesson's module makes one ``Checks`` and registers a function per exercise::

    check = Checks("03_volume_scaling")

    @check.exercise("It is the exponent of V(ε): the learning coefficient.")
    def slope(answer):
        return number(answer, 0.5, hints={1.0: "that is d/2; the volume shrinks more slowly here"})

The function returns None when the answer is right, or the sentence that says why it is not yet. In the
notebook ``check.slope(answer)`` shows the verdict. An answer still at ``...`` is not answered, whatever the
function does, and an answer the function cannot digest gets a sentence, never a traceback. What was passed is
kept on this computer, see ``passed``.
"""

import functools
import html
import math

from sltcourse.kit import passed

_LOOKS = {"Right": "#008a64", "Not yet": "#b87a00", "Not answered": "#767676"}


class Verdict:
    """What a check says: ``state`` ("Right", "Not yet" or "Not answered") and ``reason``, a sentence."""

    def __init__(self, state, reason):
        self.state, self.reason = state, reason

    def __repr__(self):
        return f"{self.state}. {self.reason}".strip()

    def _repr_html_(self):
        look = f"border-left:4px solid {_LOOKS[self.state]};padding:.35em .8em;margin:.2em 0"
        return f'<div style="{look}"><strong>{self.state}.</strong> {html.escape(self.reason)}</div>'


class Checks:
    """The checks of one lesson, each an attribute: ``check.<exercise>(answer, …)`` returns a Verdict."""

    def __init__(self, lesson):
        self.lesson, self.names = lesson, []

    def exercise(self, praise):
        """Register an exercise; ``praise`` is what a right answer is told: what it means, in a sentence."""
        if not isinstance(praise, str):
            raise TypeError('use @check.exercise("what a right answer is told"), with the sentence')

        def register(function):
            @functools.wraps(function)
            def verdict(*answers):
                if not answers or any(untouched(a) for a in answers):
                    return Verdict("Not answered", "Put your answer where the ... stands and run the cell again.")
                try:
                    reason = function(*answers)
                except Exception:  # whatever it is, the learner gets a sentence
                    kinds = " and ".join(_kind(a) for a in answers)
                    reason = f"This check could not read {kinds}. Look again at what the exercise asks for."
                    if any(a is None for a in answers):
                        reason = "The answer is None: nothing was put in, or a function returned nothing."
                if reason is not None:
                    return Verdict("Not yet", reason)
                passed.remember(self.lesson, function.__name__)
                return Verdict("Right", praise)

            self.names.append(function.__name__)
            setattr(self, function.__name__, verdict)
            return verdict

        return register


def untouched(answer):
    """Whether an answer is still the exercise's ``...``, alone or inside a list, tuple or dict."""
    if answer is ...:
        return True
    if isinstance(answer, dict):
        answer = list(answer.values())
    return isinstance(answer, (list, tuple)) and any(untouched(a) for a in answer)


def _kind(answer):
    names = {
        "str": "a text",
        "list": "a list",
        "tuple": "a tuple",
        "dict": "a dict",
        "NoneType": "None",
        "ndarray": "an array",
        "function": "a function",
        "bool": "True or False",
    }
    return names.get(type(answer).__name__, f"an object of type {type(answer).__name__}")


def number(answer, expected, rel=1e-6, abs=1e-12, hints=None):
    """None if ``answer`` is the number ``expected`` within a tolerance, else why not.

    ``rel`` and ``abs`` are as in ``math.isclose``. ``hints`` maps tempting wrong values to sentences. Python,
    numpy and exact sympy numbers are read, and 0-dimensional arrays and tensors.
    """
    if isinstance(answer, bool) or isinstance(answer, (str, list, tuple, dict)) or callable(answer):
        return f"A number is wanted here, and this is {_kind(answer)}."
    if getattr(answer, "free_symbols", None):
        return f"A number is wanted here, and {answer} still has symbols in it: substitute their values."
    if getattr(answer, "shape", ()) not in ((), (1,)):
        return f"One number is wanted here, and this has the shape {tuple(answer.shape)}."
    try:
        value = float(answer[0] if getattr(answer, "shape", ()) == (1,) else answer)
    except (TypeError, ValueError):
        return f"A number is wanted here, and this is {_kind(answer)}."
    if math.isnan(value):
        return "This is not a number (NaN)."
    if math.isclose(value, expected, rel_tol=rel, abs_tol=abs):
        return None
    for wrong, why in (hints or {}).items():
        if math.isclose(value, wrong, rel_tol=rel, abs_tol=abs):
            return why
    return f"{value:.6g} is too {'large' if value > expected else 'small'}."


_ALSO = {"lam": "lambda", "eps": "epsilon"}  # Python reserves the one, and the other is long


def expression(answer, expected, hints=None):
    """None if the sympy expression ``answer`` equals ``expected`` (their difference simplifies to 0), else why not.

    A symbol of the answer counts as the one of ``expected`` or ``hints`` that has its name, whatever their
    assumptions; ``lam`` and ``eps`` count as lambda and epsilon. ``hints`` maps tempting wrong expressions to
    sentences.
    """
    import sympy as sp

    if isinstance(answer, (list, tuple)) and len(answer) == 1 and isinstance(answer[0], sp.Basic):
        return f"This is {_kind(answer)} with one element (solve returns a list): take its element [0]."
    if isinstance(answer, (sp.logic.boolalg.BooleanAtom, sp.core.relational.Relational)):
        return f"A sympy expression is wanted here, and {answer} is an equation or a truth value."
    no_expression = answer is None or isinstance(answer, (bool, str, list, tuple, dict))
    if no_expression or (callable(answer) and not isinstance(answer, sp.Basic)):
        return f"A sympy expression is wanted here, and this is {_kind(answer)}."
    try:
        answer, expected = sp.sympify(answer), sp.sympify(expected)
    except sp.SympifyError:
        return f"A sympy expression is wanted here, and this is {_kind(answer)}."
    hints = {sp.sympify(wrong): why for wrong, why in (hints or {}).items()}
    own = {s.name: s for e in (*hints, expected) for s in e.free_symbols}
    if hasattr(answer, "xreplace"):
        names = {s: s.name if s.name in own else _ALSO.get(s.name) for s in answer.free_symbols}
        answer = answer.xreplace({s: own[name] for s, name in names.items() if name in own})
    same_shape = getattr(answer, "shape", None) == getattr(expected, "shape", None)

    def equal(a, b):
        return sp.simplify(a - b).is_zero_matrix if hasattr(b, "shape") else sp.simplify(a - b) == 0

    if same_shape and equal(answer, expected):
        return None
    for wrong, why in hints.items():
        if getattr(wrong, "shape", None) == getattr(answer, "shape", None) and equal(answer, wrong):
            return why
    unknown = getattr(answer, "free_symbols", set()) - expected.free_symbols
    if unknown and expected.free_symbols:
        names = ", ".join(sorted(str(s) for s in unknown))
        wanted = ", ".join(sorted(str(s) for s in expected.free_symbols))
        return f"The answer contains {names}; it should contain only {wanted} (the lesson's own symbols)."
    if not same_shape:
        return "The shape differs from what is wanted: compare a matrix with a matrix, a number with a number."
    if hasattr(answer, "has") and answer.has(sp.Float) and not expected.has(sp.Float):
        return f"{answer} contains decimal numbers. Give it exactly, with sp.Rational."
    return f"{answer} is not equal to what is wanted."


def choice(answer, right, wrong):
    """None if ``answer`` is the option ``right``, else the sentence that ``wrong`` has for the option chosen."""
    said = str(answer).strip().lower()
    options = {str(k).lower(): v for k, v in wrong.items()}
    if said == str(right).lower():
        return None
    return options.get(said, "Choose one of: " + ", ".join(sorted([str(right), *map(str, wrong)])) + ".")


def function(answer, reference, inputs, rel=1e-6):
    """None if the learner's function agrees with ``reference`` at every one of ``inputs`` (tuples), else where not.

    A function that still returns ``...`` raises no alarm: the verdict says that it returns nothing yet.
    """
    import numpy as np

    if not callable(answer):
        return f"A function is wanted here, and this is {_kind(answer)}."
    for arguments in inputs:
        shown = ", ".join(map(str, arguments))
        try:
            got = answer(*arguments)
        except Exception as error:
            return f"Called with ({shown}), the function stops: {type(error).__name__}: {error}."
        if got is ... or got is None:
            return f"Called with ({shown}), the function returns {got}: it has no answer yet."
        wanted = reference(*arguments)
        try:
            close = np.shape(got) == np.shape(wanted) and np.allclose(
                np.asarray(got, float), wanted, rtol=rel, atol=1e-12
            )
        except (TypeError, ValueError):
            return f"Called with ({shown}), the function returns {_kind(got)} where numbers are wanted."
        if np.shape(got) != np.shape(wanted):
            return f"Called with ({shown}), the result has the shape {np.shape(got)}; {np.shape(wanted)} is wanted."
        if not close:
            return f"Called with ({shown}), the result is {np.round(got, 6)}, and it should be {np.round(wanted, 6)}."
    return None
