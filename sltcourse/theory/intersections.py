"""What is known of λ where several f_i of K = Σ f_i² vanish at once, transversally, off the coordinate planes.

For weights ω ≥ 0 let f_i,ω be the terms of f_i of the least weight m_i(ω). Suppose that for all ω > 0, wherever some of
the f_i,ω vanish on the torus (R∖0)^d, their gradients are linearly independent there (Khovanskii's condition). Then at
every point of the toric blow-up above 0 each f_i is a monomial E^m_i times a unit, or times a coordinate y_i of its
own. The ideal is monomial there, and what it says of λ is no less than what the *lifted polyhedron* says. Its exponents
are those of w^α y_i for all w^α in f_i, without y_i where f_i,ω vanishes for no ω:

    2λ ≥ min over ω ≥ 0, η ≥ 0 of Σ (1 + h_j) ω_j + Σ η_i,   where ω·α + η_i ≥ 1 for all w^α in f_i.

The optimal (ω, η) are spanned by facets of the lifted polyhedron. Such a facet is seen at a point where the f_i,γ of a
compact face vanish for all i with η_i > 0, if the terms of all f_j,γ have the least weight ω·α. So λ is that number if
one optimal facet is seen, and m is the lifted polyhedron's if all of them are, at one point.

Source: Khovanskii 1977, "Newton polyhedra and toroidal varieties"; the lifted polyhedron is our own.
"""

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from sympy.polys.rings import PolyElement

from sltcourse.theory.faces import torus_coordinates
from sltcourse.theory.germ import Germ
from sltcourse.theory.polyhedron import Meeting, NewtonPolyhedron
from sltcourse.theory.real_zeros import has_real_zero

MOST_GENERATORS = 4
_MOST_FACES, _MOST_SUMS = 60, 400


class Intersection(NamedTuple):
    """2λ ≥ ``value``, and m ≤ ``multiplicity`` where they are equal; whether they are proved to be (``attained``), and
    m to be that as well (``sharp``)."""

    value: Fraction
    multiplicity: int
    attained: bool
    sharp: bool


class _Zero(NamedTuple):
    """All f_i,γ of a face that have the numbers ``where`` vanish at a point of the torus; ``parts``: all f_i,γ."""

    parts: tuple[PolyElement, ...]
    where: frozenset[int]


def least_value(germ: Germ) -> Fraction:
    """The least ``value`` that an `Intersection` of this ``germ`` can have: quick to find."""
    return 1 / _lifted(germ, [i for i, f in enumerate(germ.generators) if len(f) > 1])[1].distance


@lru_cache(maxsize=64)  # a search meets the same germ again
def intersection(germ: Germ) -> Intersection | None:
    """The `Intersection` of the generators of a ``germ``, a sum of squares; None if the condition is not proved.

    Raises ArithmeticError for too many generators or faces.
    """
    zeros: list[_Zero] = []
    vanishing: set[int] = set()
    for parts in _faces(germ.generators):
        open_ = [i for i, part in enumerate(parts) if len(part) > 1]
        for where in (some for size in range(1, len(open_) + 1) for some in itertools.combinations(open_, size)):
            moved = torus_coordinates([parts[i] for i in where])
            torus = moved[0].ring.gens
            found = has_real_zero(moved, torus)
            if found is not False:
                if has_real_zero([*moved, *_minors(moved)], torus) is not False:
                    return None
                vanishing.update(where)
                if found:
                    zeros.append(_Zero(parts, frozenset(where)))
    lifts = sorted(vanishing)
    polyhedron, entry, ray = _lifted(germ, lifts)
    optimal = [
        facet.normal
        for facet in polyhedron.facets
        if facet.level and entry.distance * sum(a * b for a, b in zip(facet.normal, ray, strict=True)) == facet.level
    ]
    seen = [[_is_seen(germ, lifts, normal, zero) for normal in optimal] for zero in zeros]
    return Intersection(1 / entry.distance, entry.codimension, any(map(any, seen)), any(map(all, seen)))


def _lifted(germ: Germ, lifts: Sequence[int]) -> tuple[NewtonPolyhedron, Meeting, list[Fraction]]:
    """The polyhedron with a variable y_i for each number of a generator in ``lifts``, and where the ray enters it."""
    exponents = [(*m, *(int(i == k) for k in lifts)) for i, f in enumerate(germ.generators) for m in f.monoms()]
    ray = [*(1 + h for h in germ.prior), *[Fraction(1)] * len(lifts)]
    polyhedron = NewtonPolyhedron(exponents)
    return polyhedron, polyhedron.meet(ray), ray


def _is_seen(germ: Germ, lifts: Sequence[int], normal: Sequence[int], zero: _Zero) -> bool:
    """Does a divisor with the weights ``normal`` = (ω, η) pass through the point of ``zero``?"""
    d = germ.ring.ngens
    if not {i for i, eta in zip(lifts, normal[d:], strict=True) if eta} <= zero.where:
        return False
    lightest = (_lightest(f, normal[:d]) for f in germ.generators)
    return all(set(part.monoms()) <= set(f.monoms()) for part, f in zip(zero.parts, lightest, strict=True))


def _faces(generators: Sequence[PolyElement]) -> Iterator[tuple[PolyElement, ...]]:
    """(f_1,ω, …, f_r,ω) for every compact face of the sum of the polyhedra but the vertices, where nothing vanishes."""
    if len(generators) > MOST_GENERATORS:
        raise ArithmeticError(f"more than {MOST_GENERATORS} generators")
    least = [NewtonPolyhedron(f.monoms()).exponents for f in generators]
    sums = {tuple(map(sum, zip(*some, strict=True))) for some in itertools.product(*least)}
    if len(sums) > _MOST_SUMS:
        raise ArithmeticError(f"more than {_MOST_SUMS} sums of exponents")
    polyhedron = NewtonPolyhedron(sums)
    faces = polyhedron.compact_faces(lambda face: len(face) > 1)
    if len(faces) > _MOST_FACES:
        raise ArithmeticError(f"more than {_MOST_FACES} faces")
    for face in faces:
        normals = [facet.normal for facet in polyhedron.facets if facet.on.issuperset(face)]
        weights = list(map(sum, zip(*normals, strict=True)))
        yield tuple(_lightest(f, weights) for f in generators)


def _lightest(f: PolyElement, weights: Sequence[int]) -> PolyElement:
    """The terms of f of the least weight."""
    heights = {m: sum(a * b for a, b in zip(m, weights, strict=True)) for m in f.monoms()}
    least = min(heights.values())
    return f.ring.from_dict({m: c for m, c in f.terms() if heights[m] == least})


def _minors(fs: Sequence[PolyElement]) -> list[PolyElement]:
    """The largest minors of the matrix (y_k ∂_k f_i); none if there are more f_i than variables."""
    rows = [[f.diff(y) * y for y in f.ring.gens] for f in fs]
    columns = range(len(rows[0]))
    return [_determinant(rows, some) for some in itertools.combinations(columns, len(rows))]


def _determinant(rows: Sequence[Sequence[PolyElement]], columns: tuple[int, ...]) -> PolyElement:
    """Of the matrix with these rows, and these columns of them."""
    if len(columns) == 1:
        return rows[0][columns[0]]
    parts = [
        (-1) ** k * rows[0][j] * _determinant(rows[1:], columns[:k] + columns[k + 1 :]) for k, j in enumerate(columns)
    ]
    return sum(parts, rows[0][0].ring.zero)
