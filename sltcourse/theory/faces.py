"""The polynomials of the faces of a Newton polyhedron: common zeros off the coordinate planes, and their order."""

import itertools
from collections.abc import Sequence

import sympy as sp
from sympy.polys.rings import PolyElement

from sltcourse.theory.real_zeros import has_real_zero
from sltcourse.theory.sums_of_squares import is_positive


def has_torus_zero(parts: Sequence[PolyElement]) -> bool | None:
    """Have the polynomials of a face a common zero with no coordinate 0? True or False, both proved; None if open."""
    verdict = has_real_zero(parts, parts[0].ring.gens)
    if verdict is None:
        moved = torus_coordinates(parts)
        verdict = has_real_zero(moved, moved[0].ring.gens)
    if verdict is None:
        total = parts[0] if len(parts) == 1 else sum((f**2 for f in parts), parts[0].ring.zero)
        if is_positive(total) or (len(parts) == 1 and is_positive(-total)):
            return False
    return verdict


def order_of_zeros(parts: Sequence[PolyElement], nonnegative: bool) -> tuple[int, bool]:
    """(o, proved): no common zero of the polynomials ``parts`` of a face, on the torus (R∖0)^d, has an order above o
    (if o = 0 there is none); ``proved`` says whether there is one of that order.

    ``nonnegative``: the only part is ≥ 0 on the torus, so that the orders are even. A simple zero of it, which proves
    that it is not, gives (1, True).
    """
    first = has_torus_zero(parts)
    if first is False:
        return 0, True
    moved, proved = torus_coordinates(parts), bool(first)
    j = 0
    while True:
        j += 1
        verdict = has_real_zero([g for f in moved for g in jet(f, j)], moved[0].ring.gens)
        if verdict is False:
            if not nonnegative or (j == 1 and proved):
                return j, proved
            return j - j % 2, proved
        proved &= bool(verdict)


def torus_coordinates(parts: Sequence[PolyElement]) -> list[PolyElement]:
    """The polynomials of a face in as few variables y_i = w^b_i as they need, up to monomial factors.

    Integer column operations bring the differences of the exponents to echelon form: an automorphism of the torus.
    """
    monomials = [f.monoms() for f in parts]
    rows = [[x - y for x, y in zip(m, ms[0], strict=True)] for ms in monomials for m in ms]
    columns, done = [list(column) for column in zip(*rows, strict=True)], 0
    for r in range(len(rows)):
        while len(live := [k for k in range(done, len(columns)) if columns[k][r]]) > 1:
            pivot = min(live, key=lambda k: abs(columns[k][r]))
            for k in live:
                if k != pivot:
                    times = columns[k][r] // columns[pivot][r]
                    columns[k] = [x - times * y for x, y in zip(columns[k], columns[pivot], strict=True)]
        if live:
            columns[done], columns[live[0]] = columns[live[0]], columns[done]
            done += 1
    done = max(done, 1)
    torus = sp.ring([f"y{i + 1}" for i in range(done)], parts[0].ring.domain)[0]
    exponents, moved = zip(*columns[:done], strict=True), []
    for f, ms in zip(parts, monomials, strict=True):
        here = list(itertools.islice(exponents, len(ms)))
        least = list(map(min, zip(*here, strict=True)))
        shifted = [tuple(x - y for x, y in zip(e, least, strict=True)) for e in here]
        moved.append(torus.from_dict({e: f[m] for e, m in zip(shifted, ms, strict=True)}))
    return moved


def jet(f: PolyElement, order: int) -> list[PolyElement]:
    """Polynomials whose common zeros on the torus are the zeros of f of an order above ``order``.

    They span all (y_i ∂_i)(y_j ∂_j)… f with up to ``order`` derivatives, and are brought to row echelon form.
    """
    if order == 0:
        return [f]
    monomials = f.monoms()
    products = itertools.combinations_with_replacement([None, *range(f.ring.ngens)], order)
    rows = [[c * sp.prod(m[i] for i in product if i is not None) for m, c in f.terms()] for product in products]
    rows = [[f.ring.domain.convert(x) for x in row] for row in rows]
    echelon, pivots = sp.polys.matrices.DomainMatrix(rows, (len(rows), len(monomials)), f.ring.domain).rref()
    kept = echelon.to_list()[: len(pivots)]
    return [f.ring.from_dict({m: c for m, c in zip(monomials, row, strict=True) if c}) for row in kept]
