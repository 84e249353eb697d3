"""A function that a learner wrote, tried on cases: a known answer, an edge, a random one.

The first case that goes wrong is told by its name, and how it goes wrong: the number got and the number wanted, the
shape, the error and its line, the time. Each call gets fresh copies of its arguments; what the function prints is
shown only where it fails; a call that comes to no end is stopped.
"""

import ast
import contextlib
import copy
import functools
import inspect
import io
import linecache
import textwrap
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sltcourse.kit.answers import Reason, expression, is_text, kind, untouched, within_limits
from sltcourse.kit.limit import TooLong, stopped_after

OURS = object()  # the wanted result is what our own function returns
_SHOWN = 300  # characters of what a function printed


@dataclass(frozen=True)
class Case:
    """One call of a learner's function, and what is wanted of its result.

    ``name`` is how a learner is told of it ("the one weight of section 2"); ``arguments`` a tuple, or a function
    without arguments that makes one (what takes time to make, or cannot be copied); ``wanted`` the result, or a test
    of it that returns None or the sentence that says what is wrong, or nothing, for what our own function returns.
    Numbers agree within ``rel`` or ``abs``, the call is stopped after ``seconds``.
    """

    name: str
    arguments: tuple[Any, ...] | Callable[[], tuple[Any, ...]]
    wanted: Any = OURS
    rel: float = 1e-6
    abs: float = 1e-9
    seconds: float = 10.0

    def called(self, function: Callable[..., Any]) -> Any:
        """What a function returns for fresh copies of the arguments."""
        if callable(self.arguments):
            return function(*self.arguments())
        return function(*map(_copied, self.arguments))

    def judged(self, got: Any, ours: Callable[..., Any]) -> Reason:
        """None if a result is the wanted one, else a clause or a sentence that says how it differs."""
        if not callable(self.wanted):
            return differs(got, self.called(ours) if self.wanted is OURS else self.wanted, self.rel, self.abs)
        try:
            said: Reason = self.wanted(got)
        except Exception:
            return f"your function returns {kind(got)}, which is not what is wanted."
        return said


def unfinished(function: object) -> bool:
    """Whether a ``...`` of the exercise still stands in a function, as a line, a value or a result of its own."""
    if not inspect.isfunction(function):
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):  # no source, or part of a line
        return False
    places = (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)
    return any(
        isinstance(node, places) and isinstance(node.value, ast.Constant) and node.value.value is ...
        for node in ast.walk(tree)
    )


def tried(
    function: Any, ours: Callable[..., Any], cases: Sequence[Case], common: Mapping[Callable[..., Any], str]
) -> Reason:
    """None if a function is right in all cases, else the sentence for the first in which it is not.

    ``common`` has a sentence for each tempting wrong function: it is told if the learner's gives the same results.
    """
    if not callable(function):
        return f"A function is wanted here, and this is {kind(function)}: hand over its name, without brackets."
    for case in cases:
        printed = io.StringIO()
        reason, result = _one(function, case, ours, printed)
        if reason is None:
            continue
        for wrong, reply in common.items():
            if result and all(_agrees(function, wrong, other, ours) for other in cases):
                return reply
        shown = " ".join(printed.getvalue().split())
        tail = f" It printed: {shown[:_SHOWN]}{'…' if len(shown) > _SHOWN else ''}" if shown else ""
        return f"In the case “{case.name}”, {reason}{tail}"
    return None


def _one(
    function: Callable[..., Any], case: Case, ours: Callable[..., Any], printed: io.StringIO
) -> tuple[Reason, bool]:
    """The reason why a case goes wrong, or None; and whether the function came to a result in it."""
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with stopped_after(case.seconds):
                got = case.called(function)
    except TooLong:
        return f"your function came to no end within {case.seconds:g} seconds. Does each of its loops end?", False
    except (Exception, SystemExit) as error:
        return _told(error, function, ours), False
    if got is None:
        return "your function returns None: end it with return and the result.", False
    if untouched(got):
        return "there is still a ... in what your function returns.", False
    return within_limits(functools.partial(case.judged, ours=ours), got), True


def _agrees(function: Callable[..., Any], wrong: Callable[..., Any], case: Case, ours: Callable[..., Any]) -> bool:
    """Whether a learner's function gives what a tempting wrong one gives."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tempting wrong functions overflow, and divide by nothing
            wanted = case.called(wrong)
    except Exception:
        return False
    as_wrong = Case(case.name, case.arguments, wanted, case.rel, case.abs, case.seconds)
    return _one(function, as_wrong, ours, io.StringIO()) == (None, True)


def _told(error: BaseException, function: Callable[..., Any], ours: Callable[..., Any]) -> str:
    """What an error of a learner's function means, in a sentence, with the line where it came up."""
    frames = traceback.extract_tb(error.__traceback__)
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [frame.lineno for frame in frames if frame.filename == file and frame.lineno]
    if not lines and isinstance(error, TypeError):
        with contextlib.suppress(TypeError, ValueError):
            wanted = inspect.signature(ours)
            if len(inspect.signature(function).parameters) != len(wanted.parameters):
                return f"your function cannot be called: it must take ({', '.join(wanted.parameters)})."
    if isinstance(error, RecursionError):
        return "your function calls itself without an end."
    line = linecache.getline(file, lines[-1]).strip() if file and lines else ""
    where = f" in the line “{line}”" if line else ""
    said = f"{type(error).__name__}: {error}".strip().rstrip(".:")
    return f"your function stops with an error{where}: {said}."


def differs(got: Any, wanted: Any, rel: float, abs: float) -> Reason:
    """None if a result is the wanted one within a tolerance, else how it differs, after "In the case …,".

    Numbers, numpy arrays, torch tensors, sympy expressions, truth values and texts are compared, and tuples, lists and
    dicts of them.
    """
    import numpy as np

    if isinstance(wanted, (tuple, list)):
        if not isinstance(got, (tuple, list)) or len(got) != len(wanted):
            many = f" of {len(got)}" if isinstance(got, (tuple, list)) else ""
            return f"your function returns {kind(got)}{many}, and {len(wanted)} results are wanted, as a tuple."
        for place, pair in enumerate(zip(got, wanted, strict=True), 1):
            said = differs(*pair, rel, abs)
            if said is not None:
                return f"of the result's {len(wanted)} parts number {place} is not right: {said}"
        return None
    if isinstance(wanted, dict):
        if not isinstance(got, dict) or set(got) != set(wanted):
            return f"a dict with the keys {', '.join(map(str, wanted))} is wanted, and this is {kind(got)}."
        return differs([got[key] for key in wanted], list(wanted.values()), rel, abs)
    if isinstance(wanted, (bool, np.bool_, str)):
        same = isinstance(got, (bool, np.bool_, str)) and got == wanted
        return None if same else f"your function returns {got!r}, and {wanted!r} is wanted."
    if hasattr(wanted, "free_symbols"):
        said = expression(got, wanted)
        return said and f"your function returns {got}. {said}"
    return _numbers_differ(got, wanted, rel, abs)


def _numbers_differ(got: Any, wanted: Any, rel: float, abs: float) -> Reason:
    import numpy as np

    shape = tuple(getattr(wanted, "shape", ()))
    if shape and not hasattr(got, "shape"):
        return f"your function returns {kind(got)}, and an array of shape {shape} is wanted."
    try:
        values, right = (np.asarray(v.detach().cpu() if hasattr(v, "detach") else v) for v in (got, wanted))
        if is_text(values) or values.dtype.kind == "b":
            raise TypeError
        values, right = (v.astype(complex if v.dtype.kind == "c" else float) for v in (values, right))
    except (TypeError, ValueError, OverflowError):
        return f"your function returns {kind(got)} where numbers are wanted."
    if values.shape != right.shape:
        return f"the result has the shape {values.shape}, and {right.shape} is wanted."
    wrong = ~np.isclose(values, right, rtol=rel, atol=abs, equal_nan=True)
    if not wrong.any():
        return None
    if right.shape == ():
        return f"the result is {values:.6g}, and {right:.6g} is wanted."
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = ", ".join(map(str, place))
    return (
        f"the result at [{where}] is {values[place]:.6g}, and {right[place]:.6g} is wanted "
        f"({wrong.sum()} of {wrong.size} numbers differ)."
    )


def _copied(argument: Any) -> Any:
    try:
        return copy.deepcopy(argument)
    except Exception:  # a generator, an open file: it is handed over as it is
        return argument
