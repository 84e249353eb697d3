"""The losses of lesson 04, the coefficient of log n, and Newton polygons in the plane."""

from fractions import Fraction
from typing import NamedTuple

import sympy as sp

from sltcourse.theory.polyhedron import NewtonPolyhedron

w1, w2, w3 = sp.symbols("w1 w2 w3")
FOUR_WAYS = {
    "disc": w1**2 + w2**2,
    "flat valley": w1**2 + w2**4,
    "cross": w1**2 * w2**2,
    "uneven cross": w1**2 * w2**4,
    "flat cross": w1**4 * w2**4,
    "three planes": w1**2 * w2**2 * w3**2,
    "line plus cross": w1**2 + w2**2 * w3**2,
    "rounded cross": w1**2 * w2**2 + w1**6 + w2**6,
    "Newton edge": w1**2 * w2**4 + w1**6,
    "bent valley": (w2 - w1**2) ** 2 + w1**6,
    "cusp": (w1**2 + w2**3) ** 2,
    "tanh unit": w1**2 * w2**2,
}
"""Losses of ``theory.losses.CATALOGUE`` by name, as polynomials; for the tanh unit one that K compares with at 0."""


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
    lam = min(map(sum, plans))
    best = [plan for plan in plans if sum(plan) == lam]
    return Polygon(sorted(set(dots)), list(polyhedron.vertices), plans, best, lam, len(best))
