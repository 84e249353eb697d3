"""The losses of lesson 04, the coefficient of log n, and Newton polygons in the plane."""

from fractions import Fraction
from typing import NamedTuple

import sympy as sp

from sltcourse.theory.models import MODELS
from sltcourse.theory.polyhedron import NewtonPolyhedron

w1, w2, w3 = sp.symbols("w1 w2 w3")
_MEASURED = (
    "disc",
    "flat valley",
    "cross",
    "uneven cross",
    "flat cross",
    "three planes",
    "line plus cross",
    "rounded cross",
    "Newton edge",
    "bent valley",
    "cusp",
    "tanh unit",
)

FOUR_WAYS = {
    name: MODELS[name].sum_of_squares.subs(dict(zip(MODELS[name].variables, (w1, w2, w3), strict=False)))
    for name in _MEASURED
}
"""Losses of the catalogue by name, as polynomials in w1, w2, w3; for the tanh unit one that K compares with at 0."""


# ---- the Newton polygon ----------------------------------------------------------------------------------------------


class Polygon(NamedTuple):
    """K = Σ w^α for some exponents α in the plane, under the prior |w₁|^h₁ |w₂|^h₂: its polygon, its plans, λ and m.

    ``corners`` of the polygon and ``plans``, the corners of {x ≥ 0, α·x ≥ 1 for all α}, run from left to right;
    ``best`` are the one or two of these where (1 + h)·x is smallest, and ``sides`` the exponents on the sides of the
    polygon that they stand for, with those sides' directions to infinity as points far out. ``hit`` is where the ray
    along 1 + h enters. ``lam`` = 1/t and ``m`` are λ and m where K is nondegenerate.
    """

    dots: list[tuple[int, int]]
    corners: list[tuple[int, int]]
    plans: list[tuple[Fraction, Fraction]]
    best: list[tuple[Fraction, Fraction]]
    sides: list[tuple[int, int]]
    hit: tuple[Fraction, Fraction]
    lam: Fraction
    m: int


_INFINITY = 1000  # an exponent beyond all pictures


def polygon(*dots: tuple[int, int], prior: tuple[int, int] = (0, 0)) -> Polygon:
    """The `Polygon` of the exponents ``dots``, pairs of whole numbers. A facet n·α ≥ level is a plan n/level.

    ``prior`` holds h₁ and h₂. Raises ValueError for no dots, or for the dot (0, 0), from `NewtonPolyhedron`.
    """
    polyhedron, cost = NewtonPolyhedron(dots), [1 + h for h in prior]
    facets = [facet for facet in polyhedron.facets if facet.level]
    if not facets:
        raise ValueError("the exponent (0, 0) means that K does not vanish: there is no ray to follow")
    plans = {(Fraction(f.normal[0], f.level), Fraction(f.normal[1], f.level)): f for f in facets}
    lam = min(cost[0] * x + cost[1] * y for x, y in plans)
    best = sorted((x, y) for x, y in plans if cost[0] * x + cost[1] * y == lam)
    ends = {(a, b) for plan in best for a, b in plans[plan].on}
    for x, y in best:
        level = plans[x, y].on
        ends |= {(_INFINITY, min(b for _, b in level))} if x == 0 else set()
        ends |= {(min(a for a, _ in level), _INFINITY)} if y == 0 else set()
    sides = sorted(ends, key=lambda alpha: (alpha[0], -alpha[1]))
    hit = (cost[0] / lam, cost[1] / lam)
    return Polygon(
        sorted(set(dots)), [(a, b) for a, b in polyhedron.vertices], sorted(plans), best, sides, hit, lam, len(best)
    )
