"""Newton polyhedra in exact arithmetic: facets, compact faces, and where a ray enters."""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
import sympy as sp

Exponent = tuple[int, ...]
_MOST_FACETS, _MOST_FACES = 800, 8000
_PAIRS = 4096  # of rays, looked at together


class Facet(NamedTuple):
    """The inequality normal·α ≥ level, with integers normal ≥ 0, and the exponents ``on`` it, with equality."""

    normal: tuple[int, ...]
    level: int
    on: frozenset[Exponent]


class Meeting(NamedTuple):
    """Where the ray t·direction enters the polyhedron: the distance t, and the smallest face at that point, by its
    codimension and its exponents."""

    distance: Fraction
    codimension: int
    face: tuple[Exponent, ...]


class NewtonPolyhedron:
    """The convex hull of all α + R^d_{≥0} for a set of exponents α, in exact arithmetic.

    Parameters: ``exponents``, tuples of d integers ≥ 0. Attributes: ``dimension`` d, and ``exponents``, sorted, without
    those that are another one plus something ≥ 0: they lie on no compact face. Raises ValueError for exponents that are
    none.

    >>> from sltcourse.theory.polyhedron import NewtonPolyhedron
    >>> cusp = NewtonPolyhedron([(4, 0), (0, 6)])
    >>> meeting = cusp.meet([1, 1])
    >>> 1 / meeting.distance, meeting.codimension
    (Fraction(5, 12), 1)
    """

    def __init__(self, exponents: Iterable[Sequence[int]]):
        try:
            given = [list(alpha) for alpha in exponents]
            distinct: set[Exponent] = {tuple(int(e) for e in alpha) for alpha in given}
            whole = all(int(e) == e for alpha in given for e in alpha)
        except (TypeError, ValueError, OverflowError):
            distinct, whole = set(), False
        if not whole or not distinct or len({len(alpha) for alpha in distinct}) != 1 or min(map(min, distinct)) < 0:
            raise ValueError("exponents must be tuples of d integers ≥ 0, one for each monomial")
        self.exponents = _least(sorted(distinct))
        self.dimension = len(self.exponents[0])

    @cached_property
    def facets(self) -> tuple[Facet, ...]:
        """All facets, as a tuple of `Facet`. Raises ArithmeticError if there are more than a few hundred.

        The pairs (normal, level) with normal ≥ 0 and normal·α ≥ level for all α form a cone; its extreme rays are
        found by the double description method, one inequality after another (Motzkin et al. 1953).
        """
        d, (first, *others) = self.dimension, self.exponents
        unit = [tuple(int(i == j) for j in range(d)) for i in range(d)]
        everything = (1 << d) - 1  # bit i of a mask: normal_i = 0; bit d + k: equality at the k-th exponent
        rays = [(*unit[i], first[i], everything ^ (1 << i) | 1 << d) for i in range(d)]
        rays.append((*[0] * d, -1, everything))
        for k, alpha in enumerate(others, 1):
            heights = [sum(a * b for a, b in zip(ray, alpha, strict=False)) - ray[d] for ray in rays]
            above = [(h, r) for h, r in zip(heights, rays, strict=True) if h > 0]
            under = [(h, r) for h, r in zip(heights, rays, strict=True) if h < 0]
            new = [(*r[:-1], r[-1] | 1 << d + k) for h, r in zip(heights, rays, strict=True) if h == 0]
            masks = [r[-1] for r in rays]
            for i, j in _neighbours([r[-1] for _, r in above], [r[-1] for _, r in under], masks, d + k, d - 1):
                (h, r), (g, s) = above[i], under[j]
                mix = [h * b - g * a for a, b in zip(r[:-1], s[:-1], strict=True)]
                scale = math.gcd(*mix)
                new.append((*(x // scale for x in mix), r[-1] & s[-1] | 1 << d + k))
            rays = [r for _, r in above] + new
            if len(rays) > _MOST_FACETS:
                raise ArithmeticError(f"the Newton polyhedron has too many facets to list them (over {_MOST_FACETS})")
        facets = [
            Facet(r[:d], r[d], frozenset(a for k, a in enumerate(self.exponents) if r[-1] >> d + k & 1))
            for r in rays
            if any(r[:d])
        ]
        return tuple(sorted(facets, key=lambda facet: facet[:2]))

    @cached_property
    def vertices(self) -> tuple[Exponent, ...]:
        """The exponents that are vertices: the compact faces of dimension 0."""
        return tuple(face[0] for face in self.compact_faces() if len(face) == 1)

    def compact_faces(
        self, wanted: Callable[[tuple[Exponent, ...]], bool] = lambda face: True
    ) -> list[tuple[Exponent, ...]]:
        """The compact faces, each a sorted tuple of the exponents on it, smallest first.

        Faces for which ``wanted(exponents)`` is false are left out together with all their faces. Raises
        ArithmeticError if there are too many.
        """
        if not wanted(self.exponents):
            return []
        d = self.dimension
        bits = {alpha: 1 << d + k for k, alpha in enumerate(self.exponents)}
        facets = [sum(bits[a] for a in f.on) | sum(1 << i for i in range(d) if not f.normal[i]) for f in self.facets]
        found: set[int] = set()
        fresh = set(facets)

        @functools.cache
        def exponents(shared: int) -> tuple[Exponent, ...]:
            return tuple(alpha for k, alpha in enumerate(self.exponents) if shared >> k & 1)

        @functools.cache
        def counts(shared: int) -> bool:
            return bool(shared) and wanted(exponents(shared))

        while fresh:
            fresh = {mask for mask in fresh - found if counts(mask >> d)}
            found |= fresh
            if len(found) > _MOST_FACES:
                raise ArithmeticError(f"the Newton polyhedron has too many faces to list them (over {_MOST_FACES})")
            fresh = {mask & facet for mask in fresh for facet in facets}
        recession = (1 << d) - 1
        faces = (exponents(mask >> d) for mask in found if not mask & recession)
        return sorted(faces, key=lambda face: (len(face), face))

    def meet(self, direction: Sequence[Fraction | int] | None = None) -> Meeting:
        """Where the ray through ``direction`` (d positive rationals; the diagonal if left out) enters, a `Meeting`.

        1/t is the largest Σ μ_α with μ ≥ 0 and Σ μ_α α ≤ direction: a linear program, solved exactly. The face at
        t·direction is spanned by all the α, and all the axes with slack in ≤, that occur in some optimal solution.
        Raises ValueError for a direction that is not d positive numbers, and for the exponent 0: there is no distance
        then.
        """
        ray = [Fraction(x) for x in direction or [1] * self.dimension]
        if len(ray) != self.dimension or min(ray) <= 0:
            raise ValueError(f"direction must be {self.dimension} positive numbers")
        if not any(map(any, self.exponents)):
            raise ValueError("the exponent 0 means that the polynomial does not vanish: there is no distance")
        d, n = self.dimension, len(self.exponents)
        columns = [*self.exponents, *(tuple(int(i == j) for j in range(d)) for i in range(d))]
        table = [[Fraction(column[i]) for column in columns] + [ray[i]] for i in range(d)]
        basis = list(range(n, n + d))
        gain = _maximise(table, basis, [1] * n + [0] * d)
        shares = {j: row[-1] for j, row in zip(basis, table, strict=True)}
        threshold = sum((share for j, share in shares.items() if j < n), Fraction(0))
        optimal = [j for j in range(n + d) if not gain[j]]
        used = set()
        while True:
            used |= {j for j, row in zip(basis, table, strict=True) if row[-1]}
            _maximise(table, basis, [int(j not in used) for j in range(n + d)], optimal)
            if used.issuperset(j for j, row in zip(basis, table, strict=True) if row[-1]):
                break
        rank = sp.Matrix([(int(j < n), *columns[j]) for j in used]).rank()
        return Meeting(1 / threshold, d + 1 - rank, tuple(sorted(columns[j] for j in used if j < n)))


def _least(exponents: list[Exponent]) -> tuple[Exponent, ...]:
    """The exponents that are not another one plus something ≥ 0; no two are equal."""
    if max(map(max, exponents)) >= 2**62:
        return tuple(a for a in exponents if not any(b != a and below(b, a) for b in exponents))
    rows = np.array(exponents, dtype=np.int64)
    return tuple(a for a, row in zip(exponents, rows, strict=True) if (rows <= row).all(1).sum() == 1)


def _neighbours(
    above: list[int], under: list[int], masks: list[int], bits: int, least: int
) -> Iterator[tuple[int, int]]:
    """The pairs (i, j) of rays, given as masks of the equalities that hold on them, that span a face with no third ray
    of ``masks`` in it."""
    if not above or not under:
        return
    first, second, everyone = (_as_rows(some, bits) for some in (above, under, masks))
    sizes = first @ second.T
    i, j = np.nonzero(sizes >= least)  # so many equalities leave a face of dimension 2
    for begin in range(0, len(i), _PAIRS):
        here = slice(begin, begin + _PAIRS)
        shared = (first[i[here]] * second[j[here]]) @ everyone.T
        alone = (shared == sizes[i[here], j[here]][:, None]).sum(1) == 2
        yield from zip(i[here][alone].tolist(), j[here][alone].tolist(), strict=True)


def _as_rows(masks: list[int], bits: int) -> np.ndarray:
    """Each mask as a row of zeros and ones."""
    size = -(-bits // 8)
    numbers = np.frombuffer(b"".join(mask.to_bytes(size, "little") for mask in masks), np.uint8)
    return np.unpackbits(numbers.reshape(-1, size), axis=1, bitorder="little").astype(np.float32)


def _maximise(
    table: list[list[Fraction]], basis: list[int], gain: Sequence[int], allowed: list[int] | None = None
) -> list[Fraction]:
    """Primal simplex method with Bland's rule on a tableau in canonical form, which it changes in place.

    Maximises Σ gain_j x_j, where the rows of ``table`` state Σ_j row_j x_j = row_{-1} and x ≥ 0; only the ``allowed``
    j (all, if left out) enter the basis. Returns the reduced gains.
    """
    # a row is whole numbers over one denominator: much faster than a Fraction for each entry
    rows, objective = [_cleared(row) for row in table], _cleared([*(Fraction(g) for g in gain), Fraction(0)])
    for j, row in zip(basis, rows, strict=True):
        objective = _eliminated(objective, row, j)
    while True:
        entering = next((j for j in (allowed or range(len(gain))) if objective[0][j] > 0), None)
        if entering is None:
            break
        entries = [(row[-1], row[entering]) for row, _ in rows]
        _, _, i = min((Fraction(x, y), basis[i], i) for i, (x, y) in enumerate(entries) if y > 0)
        pivot = rows[i] = rows[i][0], rows[i][0][entering]
        rows = [row if k == i else _eliminated(row, pivot, entering) for k, row in enumerate(rows)]
        objective = _eliminated(objective, pivot, entering)
        basis[i] = entering
    table[:] = [[Fraction(x, denominator) for x in row] for row, denominator in rows]
    return [Fraction(x, objective[1]) for x in objective[0][:-1]]


def _cleared(row: Sequence[Fraction]) -> tuple[list[int], int]:
    """``row`` as whole numbers and their common denominator."""
    denominator = math.lcm(*(x.denominator for x in row))
    return [x.numerator * (denominator // x.denominator) for x in row], denominator


def _eliminated(row: tuple[list[int], int], pivot: tuple[list[int], int], j: int) -> tuple[list[int], int]:
    """``row`` less the multiple of ``pivot``, whose entry j is 1, that makes its entry j 0."""
    (numbers, denominator), (other, _) = row, pivot
    factor, size = numbers[j], other[j]
    if not factor:
        return row
    numbers, denominator = [size * x - factor * y for x, y in zip(numbers, other, strict=True)], denominator * size
    common = math.gcd(denominator, *numbers)
    return [x // common for x in numbers], denominator // common


def below(alpha: Exponent, beta: Exponent) -> bool:
    """Whether ``alpha`` ≤ ``beta`` in every coordinate: w^α divides w^β."""
    return all(a <= b for a, b in zip(alpha, beta, strict=True))
