"""Points at which densities are looked at: exact assignments {symbol: number}, and values with 60 digits."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import mpmath
import sympy as sp

from sltcourse.theory.integrals import Supports

DIGITS = 60  # decimal digits of every numerical check
ZERO = sp.Float(10) ** -30  # what counts as zero at that many digits
Assignment = dict[sp.Symbol, sp.Expr]


def names_of(symbols: Iterable[sp.Symbol]) -> str:
    """The symbols, with commas."""
    return ", ".join(str(symbol) for symbol in symbols)


def shown(values: Mapping[sp.Symbol, Any]) -> str:
    """x = 1, y = 2: an assignment in words."""
    return ", ".join(f"{symbol} = {value}" for symbol, value in values.items())


def evaluator(expressions: list[sp.Expr], symbols: list[sp.Symbol]) -> Callable[[Assignment], list[Any]]:
    """A function from {symbol: exact number} to the expressions' values with 60 digits; NaN where one has none."""
    evaluate = sp.lambdify(symbols, expressions, "mpmath")

    def values(assignment: Assignment) -> list[Any]:
        with mpmath.workdps(DIGITS):
            try:
                return evaluate(*(_mpf(assignment[symbol]) for symbol in symbols))
            except ZeroDivisionError:
                return [mpmath.nan] * len(expressions)

    return values


def _mpf(number: sp.Expr) -> mpmath.mpf:
    if number.is_Rational:
        return mpmath.mpf(number.p) / number.q
    return mpmath.mpmathify(sp.N(number, DIGITS))


def split(sets: Supports) -> tuple[Supports, Supports]:
    """The finite supports, and the others."""
    finite = {x: support for x, support in sets.items() if isinstance(support, sp.FiniteSet)}
    return finite, {x: support for x, support in sets.items() if x not in finite}


def assignments(finite: Supports) -> list[Assignment]:
    """All assignments {symbol: value} of finitely many values."""
    return [dict(zip(finite, values, strict=True)) for values in itertools.product(*finite.values())]


def sample_points(sets: Supports, count: int, prime: int = 97) -> list[Assignment]:
    """About `count` rational assignments {symbol: value}, spread over the sets; all values of the finite ones."""
    finite, rest = split(sets)
    combinations = assignments(finite)
    repeats = min(prime, -(-count // len(combinations))) if rest else 1
    samples = []
    for k in range(1, repeats + 1):
        spread = {x: _place(support, k, i, prime) for i, (x, support) in enumerate(rest.items())}
        samples += [{x: {**values, **spread}[x] for x in sets} for values in combinations]
    return samples


def _place(support: sp.Set, k: int, i: int, prime: int) -> sp.Expr:
    """The k-th of a spread of rational points in an infinite set, a different spread for each coordinate i."""
    step = (37, 23, 61, 11, 71, 53, 5, 83)[i % 8]
    place = step * k % prime or prime // 2
    u = sp.Rational(place, prime)
    if support is sp.S.Reals:
        return sp.Rational(place - prime // 2, prime // 7)
    if isinstance(support, sp.Interval):
        if support.inf.is_finite and support.sup.is_finite:
            return support.inf + (support.sup - support.inf) * u
        return support.inf + u / (1 - u) if support.inf.is_finite else support.sup - u / (1 - u)
    return support.inf + (k - 1 if i == 0 else step * k % prime)
