"""Losses that are polynomials: regular ones, crossings, curves such as the cusp, sums of powers; with λ and m.

Each is the normal form of a model's loss near a point. Where K = Σ f_i² the f_i alone are written down.
"""

from fractions import Fraction

import numpy as np
import sympy as sp

from sltcourse.theory.models.record import Model, cube, squares

_w = sp.symbols("w1:5", real=True)
_w1, _w2, _w3, _ = _w
_half, _quarter = Fraction(1, 2), Fraction(1, 4)
_ball = "Hessian positive definite: {K ≤ ε} is an ellipsoid of half-axes ∝ √ε, so λ = d/2."
_crossing = "Normal crossing: λ = min 1/(2k_i), m = how many i attain it."


def _polynomial(
    name: str,
    latex: str,
    ideal: tuple[sp.Expr, ...],
    found: tuple[Fraction | int, int],
    source: str,
    box: tuple[tuple[float, float], ...] = cube(2),
) -> Model:
    """The `Model` with K = Σ f_i² whose smallest λ in the box is at the origin; ``found`` is (λ, m)."""
    lam, m = found
    d = len(box)
    return Model(name, latex, _w[:d], ideal, (0,) * d, Fraction(lam), m, source, box, squares(_w[:d], ideal))


REGULAR = (
    _polynomial("line", "w^2", (_w1,), (_half, 1), _ball, box=cube(1)),
    _polynomial("disc", "w_1^2+w_2^2", (_w1, _w2), (1, 1), _ball),
    _polynomial("ball", "w_1^2+w_2^2+w_3^2", (_w1, _w2, _w3), (Fraction(3, 2), 1), _ball, box=cube(3)),
    Model(
        "ellipsoid",
        r"w^\top H w,\ H_{ii}=1,\ H_{ij}=0.6\ (d=4)",
        _w,
        _w,  # K lies between the smallest and the largest eigenvalue of H times |w|²
        (0,) * 4,
        Fraction(2),
        1,
        _ball,
        cube(4),
        lambda w: np.einsum("ni,ij,nj->n", w, np.full((4, 4), 0.6) + 0.4 * np.eye(4), w),
    ),
)

ONE_COORDINATE_AT_A_TIME = (
    _polynomial(
        "cubic mean",
        "w^6",
        (_w1**3,),
        (Fraction(1, 6), 1),
        "Mean w³ of a normal density, truth 0: w⁶ ≤ ε is |w| ≤ ε^(1/6).",
        box=cube(1),
    ),
    _polynomial(
        "flat valley",
        "w_1^2+w_2^4",
        (_w1, _w2**2),
        (Fraction(3, 4), 1),
        "λ adds over independent coordinates: 1/2 + 1/4.",
    ),
)

CROSSINGS = (
    _polynomial("cross", "w_1^2w_2^2", (_w1 * _w2,), (_half, 2), _crossing),
    _polynomial("uneven cross", "w_1^2w_2^4", (_w1 * _w2**2,), (_quarter, 1), _crossing),
    _polynomial("flat cross", "w_1^4w_2^4", (_w1**2 * _w2**2,), (_quarter, 2), _crossing),
    _polynomial("three planes", "w_1^2w_2^2w_3^2", (_w1 * _w2 * _w3,), (_half, 3), _crossing, box=cube(3)),
)

CURVES = (
    _polynomial(
        "turned cross",
        "(w_1^2-w_2^2)^2",
        ((_w1 - _w2) * (_w1 + _w2),),
        (_half, 2),
        "u = w₁ − w₂, v = w₁ + w₂ turns it into u²v².",
    ),
    _polynomial(
        "turned uneven cross",
        "(w_1-w_2)^2(w_1+w_2)^4",
        ((_w1 - _w2) * (_w1 + _w2) ** 2,),
        (_quarter, 1),
        "u = w₁ − w₂, v = w₁ + w₂ turns it into u²v⁴.",
    ),
    _polynomial(
        "parabola",
        "(w_2-w_1^2)^2",
        (_w2 - _w1**2,),
        (_half, 1),
        "u = w₂ − w₁² has Jacobian 1 and turns it into u².",
    ),
    _polynomial(
        "bent valley",
        "(w_2-w_1^2)^2+w_1^6",
        (_w2 - _w1**2, _w1**3),
        (Fraction(2, 3), 1),
        "u = w₂ − w₁² (Jacobian 1) turns it into u² + w₁⁶: 1/2 + 1/6.",
    ),
    _polynomial(
        "cusp",
        "(w_1^2+w_2^3)^2",
        (_w1**2 + _w2**3,),
        (Fraction(5, 12), 1),
        "Weights (3, 2) make K homogeneous of degree 12, so the origin gives (3 + 2)/12; the smooth part of the "
        "curve gives 1/2, which is more.",
    ),
)

SUMS = (
    _polynomial(
        "rounded cross",
        "w_1^2w_2^2+w_1^6+w_2^6",
        (_w1 * _w2, _w1**3, _w2**3),
        (_half, 2),
        "Newton polyhedron (exact for sums of squares of monomials): the diagonal meets it at the vertex (2, 2).",
    ),
    _polynomial(
        "Newton edge",
        "w_1^2w_2^4+w_1^6",
        (_w1 * _w2**2, _w1**3),
        (Fraction(1, 3), 1),
        "Newton polyhedron: the diagonal meets the edge from (2, 4) to (6, 0) at (3, 3).",
    ),
    _polynomial(
        "line plus cross",
        "w_1^2+w_2^2w_3^2",
        (_w1, _w2 * _w3),
        (1, 2),
        "Independent parts: λ adds (1/2 + 1/2) and so does m − 1 (0 + 1).",
        box=cube(3),
    ),
    _polynomial(
        "power sums",
        r"(\sum w_i)^2+(\sum w_i^2)^2\ (d=3)",
        (_w1 + _w2 + _w3, _w1**2 + _w2**2 + _w3**2),
        (1, 1),
        "On Σw_i = 0 the second term is the square of a positive definite form in two variables: 1/2 + 2/4.",
        box=cube(3),
    ),
)

CAUTIONS = (
    _polynomial(
        "two components",
        "(w_1-1)^2(w_1^2+w_2^2)^4",
        ((_w1 - 1) * (_w1**2 + _w2**2) ** 2,),
        (_quarter, 1),
        "The line w₁ = 1 has λ = 1/2; at the origin K ~ |w|⁸, so λ = 2/8. The smaller one wins.",
        box=cube(2, 2.0),
    ),
    Model(
        "boundary",
        "w_1+w_2^2",
        _w[:2],
        (),
        (0, 0),
        Fraction(3, 2),
        1,
        "The minimum lies on the edge w₁ = 0 of the box: ∫(ε − w₂²)₊ dw₂ = (4/3) ε^(3/2). Here λ > d/2.",
        ((0.0, 1.0), (-1.0, 1.0)),
        lambda w: w[:, 0] + w[:, 1] ** 2,
    ),
)
