"""Mixtures of two components, with λ and m; the truth is a mixture whose components coincide, or are not in use."""

from fractions import Fraction

import numpy as np
import sympy as sp

from sltcourse.theory.models import families
from sltcourse.theory.models.record import Model

_a, _b, _c = sp.symbols("a b c", real=True)
_p, _q, _p1, _p2, _q1, _q2, _mu = sp.symbols("p q p1 p2 q1 q2 mu", real=True)
_half, _third = sp.Rational(1, 2), sp.Rational(1, 3)
_x, _weight = np.polynomial.hermite_e.hermegauss(16)  # outcomes x ~ N(0, 1)
_weight = _weight / np.sqrt(2 * np.pi)


def kl(ratio: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """KL(q‖p) = E_q[r − log(1 + r)] for p = q (1 + r) with E_q[r] = 0; ratio r has shape (N, outcomes).

    Below |r| = 10⁻³ the Taylor series replaces the difference, which would cancel.
    """
    series = ratio**2 * (1 / 2 - ratio * (1 / 3 - ratio * (1 / 4 - ratio * (1 / 5 - ratio / 6))))
    return np.where(np.abs(ratio) < 1e-3, series, ratio - np.log1p(ratio)) @ weights


def _shifted(b: np.ndarray) -> np.ndarray:
    """N(b, 1)/N(0, 1) − 1 at the Gauss–Hermite nodes, shape (N, nodes)."""
    return np.expm1(b[:, None] * _x - b[:, None] ** 2 / 2)


def _moment(share: sp.Expr, first: sp.Expr, second: sp.Expr, k: int) -> sp.Expr:
    """The k-th moment of two points ``first`` and ``second`` with shares 1 − share and share."""
    return (1 - share) * first**k + share * second**k


MIXTURES = (
    Model(
        "normal mixture",
        r"\mathrm{KL}(N(0,1)\,\|\,(1-a)N(0,1)+aN(b,1))",
        (_a, _b),
        (_a * _b,),
        (0, 0),
        Fraction(1, 2),
        2,
        "p/q − 1 = a(e^(bx − b²/2) − 1) = ab times a function that vanishes nowhere identically: K ~ a²b².",
        ((0.0, 1.0), (-1.0, 1.0)),
        lambda w: kl(w[:, :1] * _shifted(w[:, 1]), _weight),
        lambda: families.normal_mixture().density,
    ),
    Model(
        "full normal mixture",
        r"\mathrm{KL}(N(0,1)\,\|\,(1-a)N(b,1)+aN(c,1))",
        (_a, _b, _c),
        (_moment(_a, _b, _c, 1), _moment(_a, _b, _c, 2)),
        (_half, 0, 0),
        Fraction(3, 4),
        1,
        "With u = (1 − a)b + ac, K compares with u² + c⁴ at b = c = 0 for 0 < a < 1: 1/2 + 1/4 (Yamazaki & Watanabe "
        "2003 have it as an upper bound).",
        ((0.0, 1.0), (-1.0, 1.0), (-1.0, 1.0)),
        lambda w: kl((1 - w[:, :1]) * _shifted(w[:, 1]) + w[:, :1] * _shifted(w[:, 2]), _weight),
    ),
    Model(
        "binomial mixture",
        r"(1-a)\,\mathrm{Bin}(3,p)+a\,\mathrm{Bin}(3,q)",
        (_a, _p, _q),
        (_moment(_a, _p - _half, _q - _half, 1), _moment(_a, _p - _half, _q - _half, 2)),
        (_half, _half, _half),
        Fraction(3, 4),
        1,
        "Truth Bin(3, ½): two moments of p − ½ and q − ½, as for the full normal mixture; the third follows.",
        density=lambda: families.binomial_mixture().density,
    ),
    Model(
        "multinomial mixture",
        r"(1-a)\,\mathrm{Mult}(3,p)+a\,\mathrm{Mult}(3,q)",
        (_a, _p1, _p2, _q1, _q2),
        (
            _moment(_a, _p1 - _third, _q1 - _third, 1),
            _moment(_a, _p2 - _third, _q2 - _third, 1),
            _moment(_a, _p1 - _third, _q1 - _third, 2),
            _moment(_a, _p2 - _third, _q2 - _third, 2),
            (1 - _a) * (_p1 - _third) * (_p2 - _third) + _a * (_q1 - _third) * (_q2 - _third),
        ),
        (_half, _third, _third, _third, _third),
        Fraction(3, 2),
        1,
        "Truth a fair die of three sides: two means are regular, 1/2 each; where they are 0 the second moments are "
        "those of one vector δ of two components, so K ~ |u|² + |δ|⁴: 2/2 + 2/4.",
        density=lambda: families.multinomial_mixture().density,
    ),
    Model(
        "mixture of statistical models",
        r"(1-a)\,\mathrm{Geo}(\tfrac12)+a\,\mathrm{Poisson}(\mu)",
        (_a, _mu),
        (_a,),
        (0, 1),
        Fraction(1, 2),
        1,
        "Truth Geometric(½): p − q = a(Poisson(μ) − Geometric(½)), and no Poisson model is geometric: K ~ a².",
        density=lambda: families.model_mixture().density,
    ),
)
