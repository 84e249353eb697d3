"""The losses of lesson 04, the coefficient of log n, and Newton polygons in the plane."""

import itertools
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import sympy as sp
from scipy.optimize import curve_fit

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


def log_n_coefficient(n, F, m):
    """The coefficient λ of log n in free energies F(n), fitted with the multiplicity m given.

    F is modelled as λ log n − (m − 1) log(a + log n) + c − log(1 + b n^−δ): the leading terms, a constant for the scale
    of the logarithm, and the next pole. ``n`` and ``F`` have shape (k,), k ≥ 8, without noise.
    """
    s = np.log(n)

    def model(s, lam, c, a, b, delta):
        return lam * s - (m - 1) * np.log(s + a) + c - np.log1p(b * np.exp(-delta * (s - s[0])))

    bounds = ([0, -50, -2, -0.9, 0.05], [5, 50, 50, 5, 2])
    fits = [curve_fit(model, s, F, [0.5, 1, 1, 0, d], bounds=bounds, max_nfev=4000)[0] for d in (0.1, 0.3, 0.6)]
    return min(fits, key=lambda fitted: np.sum((model(s, *fitted) - F) ** 2))[0]


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


def polygon(*dots):
    dots = sorted(set(dots))
    corners = [min(dots)]
    while low := [a for a in dots if a[1] < corners[-1][1]]:
        x, y = corners[-1]
        corners.append(min(low, key=lambda a: (Fraction(a[1] - y, a[0] - x) if a[0] > x else -99, -a[0])))
    walls = [*((*a, 1) for a in dots), (1, 0, 0), (0, 1, 0)]
    plans = set()
    for (a, b, e), (c, d, f) in itertools.combinations(walls, 2):
        if det := a * d - b * c:
            x, y = Fraction(e * d - b * f, det), Fraction(a * f - e * c, det)
            if all(p * x + q * y >= r for p, q, r in walls):
                plans.add((x, y))
    lam = min(map(sum, plans))
    best = sorted(plan for plan in plans if sum(plan) == lam)
    return Polygon(dots, corners, sorted(plans), best, lam, len(best))
