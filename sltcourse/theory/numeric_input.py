"""What the numerical routines take: a loss, as a function of arrays or a sympy expression, and a box; checked."""

import functools
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

ArrayFunction = Callable[[np.ndarray], np.ndarray]
"""A function that maps points w of shape (N, d), one a row, to one number a row, shape (N,)."""


def reals(values: ArrayLike, name: str) -> np.ndarray:
    """``values`` as a float array. Raises ValueError for text, complex numbers, None and all else that is no number."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O" and not any(value is None for value in array.ravel()):
            array = array.astype(float)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # RuntimeError: a tensor that asks for its gradient
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be a real number or an array of numbers, not {reprlib.repr(values)}")
    return array.astype(float, copy=False)


def real(value: Any, name: str) -> float:
    """``value`` as a float. Raises ValueError unless it is one finite number."""
    array = reals(value, name)
    if array.ndim or not np.isfinite(array):
        raise ValueError(f"{name} must be one finite number, not {reprlib.repr(value)}")
    return float(array)


def above_zero(value: Any, name: str) -> float:
    """``value`` as a float. Raises ValueError unless it is one finite number > 0."""
    array = reals(value, name)
    if array.ndim or not 0 < array < np.inf:
        raise ValueError(f"{name} must be one number, finite and greater than 0, not {reprlib.repr(value)}")
    return float(array)


def positive(eps: ArrayLike) -> np.ndarray:
    """ε as a float array. Raises ValueError unless every entry is a finite number > 0."""
    eps = reals(eps, "ε")
    if not np.all((eps > 0) & np.isfinite(eps)):
        wrong = eps[~((eps > 0) & np.isfinite(eps))].ravel()[0]
        raise ValueError(f"ε must be positive and finite, got {wrong}: V(ε) is studied as ε ↓ 0")
    return eps


def checked_box(box: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper ends of a box of (low, high) pairs, two arrays of shape (d,). Raises ValueError."""
    ends = reals(box, "box")
    if ends.ndim != 2 or ends.shape[1] != 2 or not np.all(np.isfinite(ends)) or not np.all(ends[:, 0] < ends[:, 1]):
        raise ValueError("box must be a sequence of finite (low, high) with low < high, one pair a coordinate")
    return ends[:, 0], ends[:, 1]


def array_function(
    f: ArrayFunction | sp.Expr, d: int, variables: Sequence[sp.Symbol] | None = None, name: str = "loss"
) -> ArrayFunction:
    """f as a function of points (N, d) that cannot change its argument: it is handed a view that is read-only.

    ``f`` is such a function already, or a sympy expression (or number) in at most ``d`` symbols: the coordinates are
    ``variables`` in the order given, or, when that is left out, the symbols of the expression sorted by name (w2
    before w10). Text is refused, not evaluated. Raises TypeError for anything else; ValueError where the symbols do
    not fit the box.
    """
    if isinstance(f, str):
        raise TypeError(f"the {name} is text, which is never evaluated: give a function of w, or a sympy expression")
    if isinstance(f, sp.Expr) or (isinstance(f, (int, float)) and not isinstance(f, bool) and variables is not None):
        return _read_only(_lambdified(sp.sympify(f), d, variables, name))
    if not callable(f):
        raise TypeError(
            f"the {name} must be a function of w, an array of shape (N, d), or a sympy expression, not {f!r}"
        )
    if variables is not None:
        raise TypeError(f"variables= names the symbols of a sympy expression; this {name} is a function of w already")
    return _read_only(f)


def _read_only(f: ArrayFunction) -> ArrayFunction:
    def call(w: np.ndarray) -> np.ndarray:
        w = w.view()
        w.flags.writeable = False
        return f(w)

    return call


def _lambdified(expression: sp.Expr, d: int, variables: Sequence[sp.Symbol] | None, name: str) -> ArrayFunction:
    """A sympy expression as a function of points (N, d); errors as `array_function`."""
    free = expression.free_symbols
    if variables is None:
        variables = sorted(free, key=_by_name)
        if len(variables) != d:
            raise ValueError(
                f"the {name} has the variables {variables or 'none'} and the box has {d} coordinates: "
                "say with variables= which symbol is which coordinate, in the order of the box"
            )
    variables = list(variables)
    if not all(isinstance(v, sp.Symbol) for v in variables) or len(set(variables)) != len(variables):
        raise TypeError(f"variables must be different sympy symbols, not {variables}")
    if len(variables) != d:
        raise ValueError(f"{len(variables)} variables for the {d} coordinates of the box: give one for each")
    if free - set(variables):
        missing = ", ".join(sorted(map(str, free - set(variables))))
        raise ValueError(f"the {name} contains {missing}, which is not among the variables {variables}")
    pairwise = {sp.Max: sp.Function("maximum"), sp.Min: sp.Function("minimum")}  # older sympy stacks the arguments
    for kind, two in pairwise.items():
        expression = expression.replace(kind, lambda *terms, two=two: functools.reduce(two, terms))
    compiled = sp.lambdify(variables, expression, [{"maximum": np.maximum, "minimum": np.minimum}, "numpy"])

    def call(w: np.ndarray) -> np.ndarray:
        return np.broadcast_to(compiled(*w.T), len(w))

    return call


def _by_name(symbol: sp.Symbol) -> tuple[str, int, str]:
    """Symbols as people count: w2 before w10."""
    head = symbol.name.rstrip("0123456789")
    return head, int(symbol.name[len(head) :] or -1), symbol.name


def real_column(values: ArrayLike, w: np.ndarray, name: str) -> np.ndarray:
    """What ``name`` returned at points w, as floats of shape (N,). Raises ValueError for a wrong shape or complex."""
    values = np.asarray(values)
    if values.shape != (len(w),) or values.dtype.kind not in "fiub":
        hint = (
            "its imaginary part would be lost" if values.dtype.kind == "c" else "write w[:, 0] for the first coordinate"
        )
        raise ValueError(
            f"the {name} must return one real number for each of the N rows of w: for w of shape {w.shape} it "
            f"returned shape {values.shape}, type {values.dtype} ({hint})"
        )
    return np.array(values, dtype=float)


def whole(value: Any, least: int, name: str, why: str = "") -> int:
    """``value`` as an int (numpy's integers and 1e5 are whole too). Raises ValueError if it is none ≥ ``least``."""
    try:
        number = int(value)
        good = bool(number == value and number >= least and not isinstance(value, (bool, str)) and not np.ndim(value))
    except (TypeError, ValueError, OverflowError, RuntimeError):
        good = False
    if not good:
        raise ValueError(f"{name} must be a whole number, at least {least}{why}, not {value!r}")
    return number


def seeded(seed: Any) -> np.random.Generator:
    """numpy's random generator of a whole number ≥ 0. Raises ValueError for any other seed."""
    return np.random.default_rng(whole(seed, 0, "seed"))


ROUNDING = 1e-30


def where(w: np.ndarray) -> str:
    """A point, written out for an error message."""
    return "(" + ", ".join(f"{x:.6g}" for x in w) + ")"


def nonnegative_loss(K: ArrayFunction | sp.Expr, d: int, variables: Sequence[sp.Symbol] | None = None) -> ArrayFunction:
    """K as ``array_function``, with an error at once where it is complex, of the wrong shape, NaN or negative.

    A value between −10⁻³⁰ and 0 is the rounding of a square that was multiplied out, and counts as 0.
    """
    K = array_function(K, d, variables)

    def checked(w: np.ndarray) -> np.ndarray:
        values = real_column(K(w), w, "loss")
        wrong = ~(values >= -ROUNDING)
        if wrong.any():
            if np.isnan(values).any():
                point = where(w[np.isnan(values)][0])
                raise ValueError(f"the loss is NaN at w = {point}; make it finite (or +inf) on the whole box")
            raise ValueError(
                f"the loss is negative ({values[wrong][0]:.3g}) at w = {where(w[wrong][0])}; V(ε) needs K ≥ 0: "
                "subtract its minimum, or write squares as squares (multiplied out, they are rounded to below 0)"
            )
        return np.maximum(values, 0)

    return checked
