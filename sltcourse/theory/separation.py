"""Linear coordinates in which a germ falls into parts that share no variable, and products of such parts.

- A polynomial f depends on the linear forms of a space E only: E is spanned by the rows (∂f/∂w_1, …, ∂f/∂w_d), one for
  each monomial. Where the spaces of several polynomials are independent, their bases are coordinates in which the
  polynomials share no variable (``_independent_forms``).
- One polynomial f is a sum of such parts if H·X is symmetric, where H is the Hessian of f, for some matrix X whose
  characteristic polynomial has coprime factors p and q: for v, w in the null spaces of p(X) and q(X), vᵀ H w = 0. So f
  is a sum of functions on these spaces (``_sum_of_parts``). Of x²y, say, all X have one eigenvalue only: it is no sum.
- If all f_i have a common factor h that shares no variable with the quotients, K = h²·Σ (f_i/h)² is a product, its zeta
  function is the product of two, and λ is the smaller one; where they are equal, m is the sum (``product``).

What is found is checked by nothing but the change of coordinates itself, which is exact.

Source: Harrison 1975, "A Grothendieck ring of higher degree forms" (the matrices X).
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import sympy as sp
from sympy.polys.matrices import DomainMatrix
from sympy.polys.rings import PolyElement

from sltcourse.theory.germ import Germ, simplified
from sltcourse.theory.real_zeros import grouped, sign, used, value
from sltcourse.theory.signs import lowest_form, nonzero_point

_Rows = list[list[Any]]
_MOST_TERMS, _MOST_VARIABLES = 500, 8  # of one polynomial that is looked at as a sum of parts


def echelon(germ: Germ) -> Germ | None:
    """The same ideal by generators in row echelon form, lowest terms first; None if they have no fewer terms."""
    if not germ.squares or len(germ.generators) == 1:
        return None
    monomials = sorted({m for f in germ.generators for m in f.monoms()}, key=lambda m: (sum(m), m))
    rows = [[f.get(m, germ.ring.domain.zero) for m in monomials] for f in germ.generators]
    found = tuple(
        germ.ring.from_dict({m: c for m, c in zip(monomials, row, strict=True) if c}) for row in _basis(rows, germ)
    )
    fewer = sum(map(len, found)) < sum(map(len, germ.generators))
    return simplified(germ._replace(generators=found)) if fewer else None


def separated(germ: Germ) -> Germ | None:
    """The germ in linear coordinates in which it falls into more parts than before, or has fewer variables; or None.

    The prior must be flat. Parts are groups of generators, of the terms of a polynomial, or of factors.
    """
    if any(germ.prior) or germ.ring.ngens < 2:
        return None
    pieces: list[Sequence[PolyElement]] = [[f] for f in germ.generators]
    if (found := _independent_forms(germ, pieces)) or (found := _sum_of_parts(germ)):
        return found
    factors, rest = common_factors(germ)
    return _independent_forms(germ, [*([f] for f, _ in factors), *([rest] if rest else [])])


def common_factors(germ: Germ) -> tuple[list[tuple[PolyElement, int]], list[PolyElement]]:
    """(f, power) for the factors of the generators' gcd that vanish at 0, irreducible; the quotients by the gcd.

    No quotients if one of them does not vanish at 0: it is a unit.
    """
    origin = (0,) * germ.ring.ngens
    common = reduce(lambda f, g: f.gcd(g), germ.generators)
    if common.is_ground:
        return [], list(germ.generators)
    rest = [f.exquo(common) for f in germ.generators]
    factors = [(f, power) for f, power in common.factor_list()[1] if origin not in f]
    return factors, [] if any(origin in f for f in rest) else rest


def product(germ: Germ) -> list[Germ] | None:
    """The germs of the parts of a product that share no variable, units left out; None if there is but one of them.

    K itself where it is no sum of squares: K and each part get the sign + at one point, and then K ≥ 0 if the parts
    are. None if K is negative there.
    """
    factors, rest = common_factors(germ)
    if not factors or (not germ.squares and _sign(germ.generators[0]) < 0):
        return None
    together = _mixed(rest) if rest else None
    groups, parts = grouped([*(f for f, _ in factors), *([together] if rest else [])]), []
    for group in groups:
        common = sp.prod([f**power for f, power in factors if f in group]) * germ.ring.one
        if not germ.squares:
            common *= _sign(common)
        several = rest if rest and together in group else [germ.ring.one]
        parts.append(germ._replace(generators=tuple(common * f for f in several)))
    whole = sum(map(len, germ.generators))
    return parts if len(parts) > 1 or sum(map(len, parts[0].generators)) < whole else None


def _sign(f: PolyElement) -> int:
    """The sign of f's lowest form at one point: that of f wherever f ≠ 0, if f has but one near 0."""
    form = lowest_form(f)
    return sign(value(form, nonzero_point(form)), f.ring.domain)


def _mixed(polynomials: Iterable[PolyElement]) -> PolyElement:
    """A polynomial in which all variables of these occur: a sum of their monomials."""
    ring = next(iter(polynomials)).ring
    return ring.from_dict({m: ring.domain.one for f in polynomials for m in f.monoms()})


# ------------------------------------------------------------------------------------------ linear coordinates


def _basis(rows: _Rows, germ: Germ) -> _Rows:
    """A basis of the space of these rows, in reduced row echelon form."""
    if not rows:
        return []
    reduced, pivots = DomainMatrix(rows, (len(rows), len(rows[0])), germ.ring.domain).rref()
    return reduced.to_list()[: len(pivots)]


def _forms(polynomials: Iterable[PolyElement], germ: Germ) -> _Rows:
    """A basis of the linear forms on which the polynomials depend: each row is one form."""
    zero, rows = germ.ring.domain.zero, []
    for f in polynomials:
        slopes = [f.diff(x) for x in germ.ring.gens]
        rows += [[slope.get(m, zero) for slope in slopes] for m in {m for slope in slopes for m in slope.monoms()}]
    return _basis(rows, germ)


def _independent_forms(germ: Germ, pieces: Sequence[Sequence[PolyElement]]) -> Germ | None:
    """The germ in coordinates in which groups of ``pieces`` share no variable, if there are more than before."""
    spaces = [_forms(piece, germ) for piece in pieces]
    stacked = [row for space in spaces for row in space]
    if not stacked:
        return None
    owner = [k for k, space in enumerate(spaces) for _ in space]
    groups = [{k} for k in range(len(spaces))]
    relations = DomainMatrix(stacked, (len(stacked), germ.ring.ngens), germ.ring.domain).transpose().nullspace()
    for relation in relations.to_list():
        touched = {owner[i] for i, c in enumerate(relation) if c}
        joined = set().union(*(group for group in groups if group & touched))
        groups = [group for group in groups if not group & touched] + [joined]
    bases = [_basis([row for k in group for row in spaces[k]], germ) for group in groups]
    rank = sum(map(len, bases))
    seen = len({i for piece in pieces for f in piece for i in used(f)})  # not those of units, which are in no piece
    before = len(grouped([_mixed(piece) for piece in pieces]))
    if len(groups) <= before and rank >= seen:
        return None
    rows = [row for basis in bases for row in basis]
    return _in_forms(germ, rows)


def _in_forms(germ: Germ, rows: _Rows) -> Germ:
    """The germ with the linear forms ``rows`` as its first coordinates."""
    d, domain = germ.ring.ngens, germ.ring.domain
    unit = [[domain.one if i == k else domain.zero for i in range(d)] for k in range(d)]
    for row in unit:
        if len(rows) < d and DomainMatrix([*rows, row], (len(rows) + 1, d), domain).rank() > len(rows):
            rows = [*rows, row]
    return _in_columns(germ, DomainMatrix(rows, (d, d), domain).inv().to_list())


def _in_columns(germ: Germ, matrix: _Rows) -> Germ:
    """The germ after w = matrix · u."""
    ring = germ.ring
    images = [sum((x * c for x, c in zip(ring.gens, row, strict=True) if c), ring.zero) for row in matrix]
    pairs = list(zip(ring.gens, images, strict=True))
    return simplified(germ._replace(generators=tuple(f.compose(pairs) for f in germ.generators)))


def _sum_of_parts(germ: Germ) -> Germ | None:
    """A single polynomial in coordinates in which it is a sum of parts that share no variable; None if it is none."""
    f, ring, d = germ.generators[0], germ.ring, germ.ring.ngens
    if len(germ.generators) > 1 or d > _MOST_VARIABLES or len(f) > _MOST_TERMS or len(used(f)) < d:
        return None
    if len(grouped([ring.from_dict({m: c}) for m, c in f.terms()])) > 1:
        return None  # it is separated as it stands
    hessian = [[f.diff(x).diff(y) for y in ring.gens] for x in ring.gens]
    rows = []
    for i in range(d):
        for j in range(i):
            seen = {m for k in range(d) for m in (*hessian[i][k].monoms(), *hessian[j][k].monoms())}
            for m in seen:
                row = [ring.domain.zero] * d**2
                for k in range(d):
                    row[k * d + j] += hessian[i][k].get(m, ring.domain.zero)
                    row[k * d + i] -= hessian[j][k].get(m, ring.domain.zero)
                rows.append(row)
    if not rows:
        return None
    solutions = DomainMatrix(rows, (len(rows), d**2), ring.domain).nullspace().to_list()
    if len(solutions) < 2:
        return None
    mixed = [
        sum((c * (k + 1) for k, c in enumerate(column)), ring.domain.zero) for column in zip(*solutions, strict=True)
    ]
    X = DomainMatrix([mixed[k * d : (k + 1) * d] for k in range(d)], (d, d), ring.domain)
    charpoly = sp.ring("t", ring.domain)[0].from_list(X.charpoly())
    parts = [factor**power for factor, power in charpoly.factor_list()[1]]
    if len(parts) < 2:
        return None
    columns: _Rows = []
    for part in parts:
        applied = DomainMatrix.zeros((d, d), ring.domain)
        for c in part.to_dense():
            applied = applied * X + DomainMatrix.eye(d, ring.domain) * c
        columns += applied.to_dense().nullspace().to_list()
    return _in_columns(germ, [list(row) for row in zip(*columns, strict=True)])
