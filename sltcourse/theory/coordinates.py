"""Other coordinates for a germ: those in which the polynomials that are in the way become coordinates."""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import sympy as sp
from sympy.polys.rings import PolyElement

from sltcourse.progress import progress
from sltcourse.theory.analysis import LearningCoefficient, analyse, quick_bounds
from sltcourse.theory.germ import Germ, simplified
from sltcourse.theory.limits import Budget
from sltcourse.theory.real_zeros import by_power, factors, insert, sign, used
from sltcourse.theory.signs import lowest_form

_FEW_TERMS, _FEW_VARIABLES = 8, 4  # a polynomial with more of both is not factored in the search

_Change = tuple[int, PolyElement, PolyElement]
"""(i, c, s): the polynomial c + s·w_i becomes the coordinate in place of w_i."""
_Coordinates = dict[sp.Symbol, sp.Expr]
"""The original variables in the new coordinates, which bear the old names; empty before the first change."""
_Obstacles = tuple[tuple[PolyElement, ...], ...]


def search(start: Germ, proved: bool, budget: Budget, changes: int) -> LearningCoefficient:
    """The best answer in up to so many changes of coordinates, see `newton.search_coordinates`; ``proved``: K ≥ 0."""
    best: LearningCoefficient | None = None
    queue: list[tuple[Fraction, int, int, Germ, _Coordinates, _Change | None]] = [(Fraction(0), 0, 0, start, {}, None)]
    seen: set[frozenset[PolyElement]] = set()
    count = itertools.count(1)
    try:
        for _ in progress(range(changes), "changes of coordinates"):
            if not queue or (best and best.exact):
                break
            *_, germ, before, last = heapq.heappop(queue)
            coordinates = _composed(before, last) if last else before
            found = analyse(germ, proved, budget)
            answer = replace(found.answer, coordinates=coordinates)
            best = combined(best, answer) if best else answer
            for change, moved in budget.run(_moved, germ, found.obstacles):
                key = frozenset(f.monic() for f in moved.generators)
                size = _terms(moved)
                if key not in seen and _degree(moved) <= 2 * _degree(start) and size <= 2 * _terms(start) + 20:
                    seen.add(key)
                    heapq.heappush(queue, (answer.value, size, next(count), moved, coordinates, change))
    except TimeoutError as stopped:
        best = best or quick_bounds(start, proved)
        best = best if best.exact else replace(best, why=f"the search was {stopped}: {best.why}")
    except KeyboardInterrupt:
        if best is None:
            raise
        best = replace(best, why=f"partial, the search was interrupted: {best.why}")
    return best or quick_bounds(start, proved)


def _moved(germ: Germ, obstacles: _Obstacles) -> list[tuple[_Change, Germ]]:
    return [(change, change_coordinates(germ, change)) for change in _changes(germ, obstacles)]


def _changes(germ: Germ, obstacles: _Obstacles) -> Iterator[_Change]:
    """(i, c, s) such that c + s·w_i vanishes at 0, with s > 0 there, and may be worth taking for w_i."""
    ring = germ.ring
    forms = [part for parts in obstacles for part in parts] + [lowest_form(f) for f in germ.generators]
    if not germ.squares:  # where a form ≥ 0 vanishes, so does its gradient
        forms += [form.diff(x) for form in forms for x in ring.gens]
    candidates = [f for f in (*germ.generators, *forms) if len(f) <= _FEW_TERMS or len(used(f)) <= _FEW_VARIABLES]
    origin = (0,) * ring.ngens
    for factor in dict.fromkeys(g for f in candidates if f for g in sorted(factors(f), key=str)):
        for i, x in enumerate(ring.gens):
            if germ.prior[i] == 0 and factor.degree(x) == 1:
                c, s = by_power(factor, i)
                if c and origin in s and origin not in c:
                    yield (i, c, s) if sign(s[origin], ring.domain) > 0 else (i, -c, -s)


def change_coordinates(germ: Germ, change: _Change) -> Germ:
    """The germ after w_i → (w_i − c)/s; powers of s, which is positive near 0, are dropped."""
    i, c, s = change
    moved = germ._replace(generators=tuple(insert(f, i, f.ring.gens[i] - c, s) for f in germ.generators))
    return simplified(moved)


def _composed(coordinates: _Coordinates, change: _Change) -> _Coordinates:
    """The original w in the new coordinates."""
    i, c, s = change
    symbols = c.ring.symbols
    step = {symbols[i]: (symbols[i] - c.as_expr()) / s.as_expr()}
    return {w: sp.cancel(e.subs(step)) for w, e in (coordinates or {w: w for w in symbols}).items()}


def _degree(germ: Germ) -> int:
    return max(sum(m) for f in germ.generators for m in f.monoms())


def _terms(germ: Germ) -> int:
    return sum(map(len, germ.generators))


def combined(best: LearningCoefficient, other: LearningCoefficient) -> LearningCoefficient:
    """What two answers in different coordinates prove together; the coordinates are those of the better one."""
    first = min(best, other, key=lambda answer: (not answer.exact, answer.value, -answer.multiplicity, -answer.lower))
    return replace(first, lower=max(best.lower, other.lower))
