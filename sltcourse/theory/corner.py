"""λ and m of a sum of monomials on the corner h ≥ 0: the cheapest fractional guard, by linear programming.

K is comparable with Σ h^α near the corner h = 0 of the orthant {h ≥ 0} in R^d, that is c·Σ h^α ≤ K ≤ C·Σ h^α with
0 < c ≤ C, and the prior has a continuous positive density in h. Then V(ε) = Prob{K ≤ ε} behaves like
ε^λ (−log ε)^(m−1) with

    λ = min { Σ u_e : u ≥ 0, u·α ≥ 1 for each α }      (a *guard*: h_e ≤ ε^(u_e) makes all monomials at most ε)
      = max { Σ y_α : y ≥ 0, Σ y_α α ≤ 1 }             (a *packing* of the monomials, by duality)
    m = 1 + the dimension of the face of optimal guards.

With h_e = exp(−t_e) the set {Σ h^α ≤ ε} is, up to constants, {t : t·α ≥ −log ε for each α}, and its volume the integral
of exp(−Σ t) over it: a Laplace integral over a polyhedron. It is the theorem on monomial ideals of
Howald (2001, arXiv:math/0003232), for real h ≥ 0; the linear program is the meeting of the diagonal with the Newton
polyhedron, see ``theory.polyhedron``.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from sltcourse.theory.polyhedron import NewtonPolyhedron

__all__ = ["Corner", "monomials_on_the_corner"]

_DENOMINATOR = 10_000  # of the entries of a vertex, at most


class Corner(NamedTuple):
    """λ (``lam``, a Fraction) and m of Σ h^α on the corner, with an optimal guard and an optimal packing.

    ``monomials`` are the exponents α that no other one divides, sorted; ``guard`` has a Fraction for each of the d
    coordinates, ``packing`` one for each of ``monomials``: both add up to λ. Where several are optimal they are one of
    them.
    """

    lam: Fraction
    m: int
    monomials: tuple[tuple[int, ...], ...]
    guard: tuple[Fraction, ...]
    packing: tuple[Fraction, ...]


def monomials_on_the_corner(exponents: Iterable[Sequence[int]]) -> Corner:
    """λ, m, guard and packing of Σ h^α on {h ≥ 0} near 0, for ``exponents`` α: tuples of d whole numbers ≥ 0.

    Exact: λ and m come from the Newton polyhedron in fractions, guard and packing from ``scipy.optimize.linprog``, and
    that they are what they should be is checked in fractions. Raises ValueError for no exponents, for exponents that
    are no tuples of d whole numbers ≥ 0, and for the exponent 0 (then K does not vanish at the corner);
    ArithmeticError where guard and packing do not pass that check.

    >>> from sltcourse.theory.corner import monomials_on_the_corner
    >>> found = monomials_on_the_corner([(1, 0, 0), (0, 2, 0), (0, 1, 1)])
    >>> found.lam, found.m
    (Fraction(2, 1), 2)
    >>> found.guard
    (Fraction(1, 1), Fraction(1, 1), Fraction(0, 1))
    """
    polyhedron = NewtonPolyhedron(exponents)
    meeting = polyhedron.meet([1] * polyhedron.dimension)
    lam, A = 1 / meeting.distance, np.array(polyhedron.exponents)
    rows, d = A.shape
    guard = _vertex(linprog(np.ones(d), A_ub=-A, b_ub=-np.ones(rows)).x)
    packing = _vertex(linprog(-np.ones(rows), A_ub=A.T, b_ub=np.ones(d)).x)
    covered = all(sum(u * a for u, a in zip(guard, alpha, strict=True)) >= 1 for alpha in polyhedron.exponents)
    apart = all(sum(y * int(a) for y, a in zip(packing, column, strict=True)) <= 1 for column in A.T)
    if not (covered and apart and sum(guard) == sum(packing) == lam):
        raise ArithmeticError("the linear program was not solved to a vertex that can be read as fractions")
    return Corner(lam, meeting.codimension, polyhedron.exponents, guard, packing)


def _vertex(values: np.ndarray) -> tuple[Fraction, ...]:
    return tuple(Fraction(float(value)).limit_denominator(_DENOMINATOR) for value in values)
