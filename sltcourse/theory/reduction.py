"""λ and m by taking a germ apart: linear forms, parts that share no variable, and blow-ups with a symmetry.

For an ideal (K = Σ f_i²) at the origin:

- A generator c + s·x with s ≠ 0 at the point, c and s free of x, is a coordinate. It adds 1/2 to λ, and x = 0 is put
  into the other generators.
- If the generators fall into groups that share no variable, λ and m − 1 add up. If a power of a variable is a factor of
  all of them, and occurs nowhere else, λ is the smaller of the two, and m adds up where they are equal.
- Blow up {x_j = 0, j in C}, where all generators have the same degree in these x_j. The points above the origin are
  many; but if the ideal is homogeneous for weights ω ≥ 0 with ω_j > 0 on the fibre, the torus action takes all of them
  into the chart's origin, and near that V(ε) is at least as large. So the charts' origins decide (this is how λ of
  reduced rank regression is found: the entries of a product of matrices are homogeneous in each factor).

A polynomial that is no sum of squares is taken apart where a variable occurs in degree two with a constant coefficient
(K = a(x + b/2a)² + (4ac − b²)/4a), and where parts share no variable. Both kinds may share none after a linear change
of coordinates, or be a product (`separation`), or a product of linear forms only (`arrangements`).

Source: Aoyagi & Watanabe 2005, "Stochastic complexities of reduced rank regression in Bayesian estimation".
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import sympy as sp
from scipy.optimize import linprog
from sympy.polys.rings import PolyElement

from sltcourse.theory.analysis import LearningCoefficient, analyse, quick_bounds
from sltcourse.theory.arrangements import arrangement
from sltcourse.theory.closed_forms import tanh_network
from sltcourse.theory.coordinates import combined, search
from sltcourse.theory.germ import Germ, simplified, square_root
from sltcourse.theory.limits import Budget
from sltcourse.theory.polyhedron import Exponent
from sltcourse.theory.real_zeros import by_power, grouped, insert, sign, terms_of, used
from sltcourse.theory.separation import echelon, product, separated
from sltcourse.theory.symmetry import representatives

T = TypeVar("T")
_CHANGES, _DEPTH, _MOST_CENTRES, _MOST_SYMMETRIC, _MOST_SUBTRACTED = 8, 6, 2, 20, 40
_SHARE = 0.2  # of the time left, for one look at factors or at linear coordinates
_FEW_UNITS = 4  # tanh units whose λ does not depend on their scales


def reduce(germ: Germ, proved: bool, budget: Budget, depth: int = _DEPTH) -> LearningCoefficient:
    """What can be proved about λ and m of a germ by taking it apart; ``proved``: K ≥ 0 is."""
    if not germ.squares and (roots := _square_roots(germ.generators[0])):
        germ, proved = germ._replace(generators=roots, squares=True), True
    bounds = quick_bounds(germ, proved)
    try:
        return combined(bounds, _apart(_in_used(germ), proved, budget, depth))
    except TimeoutError as stopped:
        return replace(bounds, why=f"not decided: {stopped}")


def _square_roots(f: PolyElement) -> tuple[PolyElement, ...]:
    """(g_k) with f = Σ c_k g_k², c_k > 0, where f is one such square or its part of each degree is; else nothing."""
    if root := square_root(f):
        return (root,)
    parts: dict[int, dict[Exponent, Any]] = {}
    for m, c in f.terms():
        parts.setdefault(sum(m), {})[m] = c
    roots = [square_root(f.ring.from_dict(part)) for part in parts.values()]
    return tuple(root for root in roots if root) if all(roots) else ()


def _apart(germ: Germ, proved: bool, budget: Budget, depth: int) -> LearningCoefficient:
    if known := _recognised(germ):
        return known
    if cut := budget.run(_linear, germ) if germ.squares else _square(germ):
        one = _exact(Fraction(1, 2), 1, "a linear form")
        return _sum([one, *([reduce(cut, proved, budget, depth)] if cut.generators else [])])
    if germ.squares and (pieces := _common_power(germ)):
        power, rest = pieces
        return _smaller([power, *([reduce(rest, proved, budget, depth)] if rest else [])])
    if len(parts := _independent(germ)) > 1:
        return _sum([reduce(part, proved, budget, depth) for part in parts])
    if germ.squares and (simpler := budget.run(_shorter, germ) or budget.run(_sheared, germ)):
        return reduce(simpler, proved, budget, depth)
    apart = _separated(germ, proved, budget, depth)
    if apart and apart.exact:
        return apart
    found = analyse(germ, proved, budget).answer
    found = combined(found, apart) if apart else found
    if found.exact:
        return found
    if germ.squares and (simpler := budget.run(_shorter_and_sheared, germ)):
        found = combined(found, reduce(simpler, proved, budget, depth))
        if found.exact:
            return found
    if germ.squares and depth:
        for centre in itertools.islice(budget.run(_centres, germ), _MOST_CENTRES):
            charts = list(_charts(germ, centre, budget.run(representatives, germ, centre)))
            if all(_flows_to_origin(chart, moving) for chart, moving in charts):
                answers = [reduce(simplified(chart), proved, budget, depth - 1) for chart, _ in charts]
                found = combined(found, _over_charts(answers, [str(germ.ring.symbols[i]) for i in centre]))
                if found.exact:
                    return found
    return combined(found, search(germ, proved, budget, _CHANGES))


# ------------------------------------------------------------------------------------------ putting together


def _exact(value: Fraction, multiplicity: int, why: str) -> LearningCoefficient:
    return LearningCoefficient(value, multiplicity, value, True, why, {}, ())


def _joined(parts: list[LearningCoefficient], value: Fraction, multiplicity: int, how: str) -> LearningCoefficient:
    """An answer that is exact where all parts are."""
    assumes = next((part.assumes for part in parts if part.assumes), "")
    why = how + ": " + "; ".join(dict.fromkeys(part.why for part in parts))
    exact = all(part.exact for part in parts)
    return LearningCoefficient(value, multiplicity, value, exact, why, {}, (), assumes)


def _sum(parts: list[LearningCoefficient]) -> LearningCoefficient:
    """Parts that share no variable, added: λ and m − 1 add up."""
    multiplicity = 1 + sum(part.multiplicity - 1 for part in parts)
    total = _joined(parts, sum((part.value for part in parts), Fraction(0)), multiplicity, "a sum")
    return replace(total, lower=sum((part.lower for part in parts), Fraction(0)))


def _smaller(parts: list[LearningCoefficient]) -> LearningCoefficient:
    """Parts that share no variable, multiplied: the smaller λ, and the sum of the m where they are equal."""
    value = min(part.value for part in parts)
    least = [part for part in parts if part.value == value]
    found = _joined(parts, value, sum(part.multiplicity for part in least), "a product")
    exact = all(part.exact for part in least) and all(part.lower > value for part in parts if part.value > value)
    return replace(found, exact=exact and not found.assumes, lower=min(part.lower for part in parts))


def _over_charts(charts: list[LearningCoefficient], centre: list[str]) -> LearningCoefficient:
    """The charts of one blow-up: the smallest λ, and the largest m among those that have it."""
    value = min(chart.value for chart in charts)
    least = [chart for chart in charts if chart.value == value]
    how = f"blow-up of {{{' = '.join(centre)} = 0}}"
    found = _joined(charts, value, max(chart.multiplicity for chart in least), how)
    exact = all(chart.exact for chart in least) and all(chart.lower > value for chart in charts if chart.value > value)
    return replace(found, exact=exact and not found.assumes, lower=min(chart.lower for chart in charts))


# -------------------------------------------------------------------------------------------- taking apart


def _separated(germ: Germ, proved: bool, budget: Budget, depth: int) -> LearningCoefficient | None:
    """The answer where factors, or other linear coordinates, take the germ apart, or where they are all it is."""

    def seen(look: Callable[[Germ], T | None]) -> T | None:
        try:
            return budget.run(look, germ, share=_SHARE)
        except (TimeoutError, ArithmeticError):
            return None

    if germ.squares and (simpler := seen(echelon)):
        return reduce(simpler, proved, budget, depth)
    if parts := seen(product):
        return _smaller([reduce(part, proved, budget, depth) for part in parts])
    if known := seen(arrangement):
        return _exact(*known, "a product of linear forms: the flats of its hyperplanes decide")
    if moved := seen(separated):
        return replace(reduce(moved, proved, budget, depth), coordinates={}, obstacles=())  # those of the moved germ
    return None


def _restricted(germ: Germ, generators: Iterable[PolyElement], kept: list[int], squares: bool | None = None) -> Germ:
    """These generators in the ring of the kept variables, with their prior."""
    ring = sp.ring([germ.ring.symbols[i] for i in kept], germ.ring.domain)[0] if kept else germ.ring
    moved = tuple(ring.from_dict({tuple(m[i] for i in kept): c for m, c in f.terms()}) for f in generators if f)
    squares = germ.squares if squares is None else squares
    return simplified(Germ(moved, squares, tuple(germ.prior[i] for i in kept))) if moved else Germ((), True, ())


def _in_used(germ: Germ) -> Germ:
    kept = sorted({i for f in germ.generators for i in used(f)})
    return germ if len(kept) == germ.ring.ngens else _restricted(germ, germ.generators, kept)


def _linear(germ: Germ) -> Germ | None:
    """The germ without a generator that is a coordinate, and without that; no generators if none are left."""
    ring, origin, best = germ.ring, (0,) * germ.ring.ngens, None
    for n, f in enumerate(germ.generators):
        for i, x in enumerate(ring.gens):
            if germ.prior[i] == 0 and f.degree(x) == 1:
                c, s = by_power(f, i)
                if origin in s:
                    size = (not s.is_ground, len(c) * len(s))
                    if best is None or size < best[0]:
                        best = (size, n, i, c, s)
    if best is None:
        return None
    _, n, i, c, s = best
    rest = [insert(f, i, -c, s) for k, f in enumerate(germ.generators) if k != n]
    return _restricted(germ, rest, [k for k in range(ring.ngens) if k != i])


def _shorter(germ: Germ) -> Germ | None:
    """The same ideal with a shorter generator: a multiple of another one subtracted, where that takes terms away."""
    return next((moved for moved, saved in _subtracted(germ) if saved > 0), None)


def _shorter_and_sheared(germ: Germ) -> Germ | None:
    """A germ with fewer terms after a multiple of another generator was subtracted and new coordinates were taken,
    where neither alone takes terms away (as b in the second column of W (1 b; c d), the first column being W (1 c))."""
    for moved in [moved for moved, saved in _subtracted(germ) if saved == 0][:_MOST_SUBTRACTED]:
        sheared = _sheared(moved)
        if sheared and sum(map(len, sheared.generators)) < sum(map(len, germ.generators)):
            return sheared
    return None


def _subtracted(germ: Germ) -> Iterator[tuple[Germ, int]]:
    """The germ with a multiple of one generator subtracted from another, so that a term vanishes; the terms saved."""
    for n, g in enumerate(germ.generators):
        for f in (f for k, f in enumerate(germ.generators) if k != n):
            seen = set()
            for (a, c), (b, e) in itertools.product(f.terms(), g.terms()):
                if all(x <= y for x, y in zip(a, b, strict=True)):
                    shift = tuple(y - x for x, y in zip(a, b, strict=True))
                    if (shift, e / c) not in seen:
                        seen.add((shift, e / c))
                        rest = g - f.mul_term((shift, e / c))
                        if len(rest) <= len(g):
                            others = [h for k, h in enumerate(germ.generators) if k != n]
                            moved = germ._replace(generators=(*others, *([rest] if rest else [])))
                            yield simplified(moved), len(g) - len(rest)


def _sheared(germ: Germ) -> Germ | None:
    """A germ with fewer terms, in which the coefficient of a variable in a generator has become a coordinate."""
    ring, origin = germ.ring, (0,) * germ.ring.ngens
    for f in germ.generators:
        for i, x in enumerate(ring.gens):
            p = by_power(f, i)[1] if f.degree(x) == 1 else ring.zero
            if len(p) < 2 or origin in p:
                continue
            lowest = tuple(map(min, zip(*p.monoms(), strict=True)))
            p = ring.from_dict({tuple(a - b for a, b in zip(m, lowest, strict=True)): c for m, c in p.terms()})
            if origin in p:
                continue
            for j, y in enumerate(ring.gens):
                if germ.prior[j] == 0 and p.degree(y) == 1:
                    c, s = by_power(p, j)
                    if s.is_ground:
                        moved = simplified(_moved(germ, j, (y - c) * (ring.domain.one / s.LC)))
                        if sum(map(len, moved.generators)) < sum(map(len, germ.generators)):
                            return moved
    return None


def _moved(germ: Germ, j: int, image: PolyElement) -> Germ:
    return germ._replace(generators=tuple(insert(f, j, image, f.ring.one) for f in germ.generators))


def _square(germ: Germ) -> Germ | None:
    """4ac − b² for K = a x² + b x + c with a constant a > 0, without x."""
    (f,), ring = germ.generators, germ.ring
    for i, x in enumerate(ring.gens):
        if germ.prior[i] == 0 and f.degree(x) == 2:
            c, b, a = by_power(f, i)
            if a.is_ground and sign(a.LC, ring.domain) > 0:
                rest = 4 * a * c - b**2
                return _restricted(germ, [rest], [k for k in range(ring.ngens) if k != i])
    return None


def _common_power(germ: Germ) -> tuple[LearningCoefficient, Germ | None] | None:
    """λ and m of the variables that are factors of all generators and nowhere else, and the rest (None for a unit)."""
    ring = germ.ring
    lowest = [min(m[i] for f in germ.generators for m in f.monoms()) for i in range(ring.ngens)]
    highest = [max(m[i] for f in germ.generators for m in f.monoms()) for i in range(ring.ngens)]
    alone = [i for i in range(ring.ngens) if lowest[i] and lowest[i] == highest[i]]
    kept = [i for i in range(ring.ngens) if i not in alone]
    if not alone or not kept:
        return None
    ratios = [(1 + germ.prior[i]) / (2 * lowest[i]) for i in alone]
    power = _exact(min(ratios), ratios.count(min(ratios)), "a monomial")
    rest = _restricted(germ, germ.generators, kept)
    return power, None if any((0,) * len(kept) in f for f in rest.generators) else rest


def _independent(germ: Germ) -> list[Germ]:
    """Parts that share no variable: groups of generators, or of terms of a polynomial."""
    if germ.squares:
        groups = grouped(germ.generators)
    else:
        groups = [[sum(terms, germ.ring.zero)] for terms in grouped(terms_of(germ.generators[0]))]
    if len(groups) == 1:
        return [germ]
    return [_restricted(germ, fs, sorted({i for f in fs for i in used(f)})) for fs in groups]


def _recognised(germ: Germ) -> LearningCoefficient | None:
    """The moments Σ c_ki a_i b_i^(2k+1) of a tanh network, k = 0, 1, …, with a flat prior.

    Of H ≤ 4 units nothing is asked of the c_ki ≠ 0. Blow up b = 0: b_i = u, the other b_j = u v_j. In place of a_i, the
    first moment over u is a coordinate α; the second is u³P less a multiple of the first, with P = Σ a_j p_j(v_j), and
    p_j(v) = v (g v² − h), h ≠ 0, has only simple zeros. So P is a coordinate at most points above 0, and Σ a_j V_j at
    the others, V_j = p_j being coordinates there. At all of them (uα, u³P) under the prior |u|^(H−1) has λ = (H + 2)/6,
    from the weights u = 1, α = 2; and m = 1, or 2 for H = 4. Higher moments are multiples of u⁵ modulo the first: they
    change nothing where P is a coordinate. Of more units this leaves λ ≥ 1, and λ is at most that of the formula.

    λ and m do not change where the weights are rescaled, a_i → α_i a_i and b_i → β_i b_i, and each moment by itself. So
    the c_ki are those of the network where c_ki c_00 c_0i⁻¹ c_k0⁻¹ = (β_i/β_0)^(2k), one square g_i > 0 for each unit.
    """
    if not germ.squares or any(germ.prior) or germ.ring.ngens % 2:
        return None
    hidden = germ.ring.ngens // 2
    by_degree = sorted(germ.generators, key=lambda f: sum(f.monoms()[0]))
    pairs = set()
    for k, f in enumerate(by_degree):
        degrees = [tuple(sorted(e for e in m if e)) for m in f.monoms()]
        if len(f) != hidden or set(degrees) != {(1, 2 * k + 1)}:
            return None
        if k:  # from the second on, a and b can be told apart
            pairs.add(frozenset((m.index(1), m.index(2 * k + 1)) for m in f.monoms()))
        elif any(len([i for i, e in enumerate(m) if e]) != 2 for m in f.monoms()):
            return None
    if len(pairs) != 1:
        return None
    units = sorted(next(iter(pairs)))
    first = {frozenset(i for i, e in enumerate(m) if e) for m in by_degree[0].monoms()}
    if len({i for unit in units for i in unit}) != 2 * hidden or first != {frozenset(unit) for unit in units}:
        return None
    lam, m = tanh_network(hidden)
    if hidden <= _FEW_UNITS or (len(by_degree) >= hidden and _one_scale(by_degree, units)):
        why = f"the moments of {hidden} tanh units: Aoyagi and Watanabe 2005 (`closed_forms.tanh_network`)"
        return _exact(lam, m, why)
    why = (
        f"not decided: the moments of {hidden} tanh units are too few, or no scales of the weights make the units equal"
    )
    return LearningCoefficient(lam, m, Fraction(1), False, why, {}, ())


def _one_scale(moments: list[PolyElement], units: list[tuple[int, int]]) -> bool:
    """Do scales of the weights take Σ c_ki a_i b_i^(2k+1) into the same without the c_ki? See ``_recognised``."""
    field = moments[0].ring.domain.get_field()
    by_unit = [
        {frozenset(i for i, e in enumerate(m) if e): field.convert_from(c, f.ring.domain) for m, c in f.terms()}
        for f in moments
    ]
    rows = [[row[frozenset(unit)] / by_unit[0][frozenset(unit)] for unit in units] for row in by_unit]
    scales = [ratio / rows[1][0] for ratio in rows[1]]
    same = all(ratio / row[0] == s**k for k, row in enumerate(rows) for ratio, s in zip(row, scales, strict=True))
    return same and all(sign(s, field) > 0 for s in scales)


# ------------------------------------------------------------------------------ blow-ups with a symmetry


def _centres(germ: Germ) -> Iterator[list[int]]:
    """Sets of variables in which all generators are homogeneous, of one and the same degree, smallest first."""
    d = germ.ring.ngens
    if d > _MOST_SYMMETRIC:
        return iter(())
    rows = [np.subtract(m, f.monoms()[0]) for f in germ.generators for m in f.monoms()[1:]]
    rows += [np.subtract(f.monoms()[0], germ.generators[0].monoms()[0]) for f in germ.generators[1:]]
    numbers = np.arange(1, 2**d)
    sets = np.stack([(numbers >> j & 1).astype(np.int8) for j in range(d)], 1)
    for row in np.unique(np.array(rows, int).reshape(-1, d), axis=0):
        sets = sets[sets @ row == 0]
    degrees = sets @ np.array(germ.generators[0].monoms()[0])
    sets = sets[(degrees > 0) & (sets.sum(1) > 1)]
    minimal = [s for s in sets if not any((o != s).any() and (o <= s).all() for o in sets)] if len(sets) < 200 else sets
    return iter(sorted(([int(i) for i in np.flatnonzero(s)] for s in minimal), key=len))


def _charts(germ: Germ, centre: list[int], chosen: list[int]) -> Iterator[tuple[Germ, list[int]]]:
    """Charts of the blow-up of {x_j = 0, j in the centre}, for the chosen x_i; and what moves along each fibre."""
    ring = germ.ring
    for i in chosen:
        moving = [j for j in centre if j != i]

        def pulled(m: Exponent, i: int = i) -> Exponent:
            return (*m[:i], sum(m[j] for j in centre), *m[i + 1 :])

        generators = tuple(ring.from_dict({pulled(m): c for m, c in f.terms()}) for f in germ.generators)
        prior = list(germ.prior)
        prior[i] = sum((1 + germ.prior[j] for j in centre), Fraction(0)) - 1
        yield Germ(generators, True, tuple(prior)), moving


def _flows_to_origin(chart: Germ, moving: list[int]) -> bool:
    """Are there weights ω ≥ 0, positive for what moves along the fibre, for which all generators are homogeneous?"""
    d = chart.ring.ngens
    rows = {tuple(np.subtract(m, f.monoms()[0]).tolist()) for f in chart.generators for m in f.monoms()[1:]}
    if not rows:
        return True
    bounds = [(1 if i in moving else 0, None) for i in range(d)]
    found = linprog(np.ones(d), A_eq=np.array(sorted(rows), float), b_eq=np.zeros(len(rows)), bounds=bounds)
    if found.status != 0:
        return False
    weights = [
        max(Fraction(float(x)).limit_denominator(1000), least) for x, (least, _) in zip(found.x, bounds, strict=True)
    ]
    return all(sum(a * b for a, b in zip(row, weights, strict=True)) == 0 for row in rows)
