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
    """K = Σ w^α for some exponents α in the plane: its polygon's corners, the plan that minimises x₁ + x₂, λ and m.

    ``corners`` of the polygon and ``plans``, the corners of {x ≥ 0, α·x ≥ 1 for all α}, run from left to right;
    ``best`` are the one or two of these where x₁ + x₂ is smallest.
    """

    dots: list
    corners: list
    plans: list
    best: list
    lam: Fraction
    m: int


def polygon(*dots: tuple[int, int]) -> Polygon:
    """The `Polygon` of the exponents ``dots``, pairs of whole numbers. A facet n·α ≥ level is a plan n/level."""
    polyhedron = NewtonPolyhedron(dots)
    facets = [facet for facet in polyhedron.facets if facet.level]
    plans = sorted(tuple(Fraction(a, facet.level) for a in facet.normal) for facet in facets)
    lam = min(plan[0] + plan[1] for plan in plans)
    best = [plan for plan in plans if sum(plan) == lam]
    return Polygon(sorted(set(dots)), list(polyhedron.vertices), plans, best, lam, len(best))
