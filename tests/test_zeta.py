from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import integrate

from sltcourse.theory.volume import normal_crossing, normal_crossing_formula
from sltcourse.theory.zeta import epsilon, monomial_zeta, z

x, y, w = sp.symbols("x y w", real=True)


@pytest.mark.parametrize("at", [0.7, -0.1, 1.3 + 2j])
def test_zeta_is_the_integral(at):
    """K = 3 x² y⁴ on |x| ≤ 2, |y| ≤ 1/2 with φ ∝ |y|, against mpmath's double integral (four quadrants alike)."""
    zeta = monomial_zeta(3 * x**2 * y**4, [x, y], prior={y: 1}, box=[2, sp.Rational(1, 2)])
    value = complex(zeta.expression.subs(z, at))
    mass = mpmath.quad(lambda s, t: t, [0, 2], [0, 0.5])
    exact = mpmath.quad(lambda s, t: (3 * s**2 * t**4) ** at * t, [0, 2], [0, 0.5]) / mass
    assert value == pytest.approx(complex(exact), rel=1e-4)


@pytest.mark.parametrize(
    "K, prior, poles",
    [
        (x**2 * y**2, None, [("-1/2", 2)]),
        (x**2 * y**4, None, [("-1/4", 1), ("-1/2", 1)]),
        (x**2 * y**4, {y: 1}, [("-1/2", 2)]),
        (x**2 * y**4 * w**4, None, [("-1/4", 2), ("-1/2", 1)]),
        (x**2 * y**6, {x: sp.Rational(-1, 2)}, [("-1/6", 1), ("-1/4", 1)]),
        (5 * w**6, None, [("-1/6", 1)]),
    ],
)
def test_poles(K, prior, poles):
    zeta = monomial_zeta(K, [x, y, w], prior)
    assert [(p.location, p.order) for p in zeta.poles] == [(Fraction(where), order) for where, order in poles]
    powers = [sp.degree(K, s) for s in (x, y, w)]
    h = [float((prior or {}).get(s, 0)) for s in (x, y, w)]
    assert (zeta.learning_coefficient, zeta.multiplicity) == normal_crossing([int(k) / 2 for k in powers], h)


def test_laurent_coefficients_against_a_contour():
    """c_k = (1/2πi)∮ ζ (z − z₀)^(−k−1) dz on a small circle, by the trapezoidal rule."""
    zeta = monomial_zeta(2 * x**2 * y**4 * w**4, [x, y, w])
    function = sp.lambdify(z, zeta.expression)
    turn = np.exp(2j * np.pi * np.arange(64) / 64) * 0.1
    for pole in zeta.poles:
        around = function(float(pole.location) + turn)
        for power, exact in zip(range(-pole.order, 0), pole.laurent, strict=True):
            assert complex(exact) == pytest.approx((around * turn**-power).mean(), abs=1e-10)


@pytest.mark.parametrize(
    "K, box", [(x**2 * y**4, 1), (x**2 * y**2, 1), (2 * x**2 * y**4, [1, 3]), (3 * x**4 * y**4, 2)]
)
@pytest.mark.parametrize("level", [0.5, 1e-3])
def test_volume_against_an_integral(K, box, level):
    """V(ε) = E_x Prob{|y| ≤ (ε/K(x, 1))^(1/2k)}, one dimension by scipy."""
    zeta = monomial_zeta(K, [x, y], box=box)
    first, second = box if isinstance(box, list) else (box, box)
    power = int(sp.degree(K, y))
    leading = sp.lambdify(x, K.subs(y, 1))

    def reach(s):
        return min(second, (level / leading(s)) ** (1 / power)) / second / first

    corner = float((level / leading(1) / second**power) ** (1 / int(sp.degree(K, x))))
    exact = sum(integrate.quad(reach, *ends, epsabs=1e-12)[0] for ends in ((0, min(corner, first)), (corner, first)))
    assert float(zeta.volume.subs(epsilon, level)) == pytest.approx(exact, rel=1e-6)


def test_volume_against_the_other_formula():
    for powers, prior in ([(2, 4, 4), (0, 0, 1)], [(2, 2, 2), (0, 0, 0)], [(4, 2, 6), (1, 0, 2)]):
        zeta = monomial_zeta(x ** powers[0] * y ** powers[1] * w ** powers[2], [x, y, w],
                             dict(zip((x, y, w), prior, strict=True)))  # fmt: skip
        other = normal_crossing_formula([k // 2 for k in powers], prior, epsilon)
        assert sp.expand(sp.expand_log(zeta.volume - other)) == 0
        assert zeta.volume.subs(epsilon, 1) == 1


@pytest.mark.parametrize(
    "K, options, error, words",
    [
        (x**2 + y**2, {}, ValueError, "no monomial"),
        (x**2 * y, {}, ValueError, "no monomial"),
        (-(x**2), {}, ValueError, "no monomial"),
        (sp.Integer(3), {}, ValueError, "no monomial"),
        (sp.Integer(0), {}, ValueError, "no monomial"),
        (sp.exp(x), {}, ValueError, "not a polynomial"),
        (x**2, {"box": 0}, ValueError, "positive"),
        (x**2, {"box": [1]}, ValueError, "or 2 of them"),
        (x**2, {"box": 0.5}, TypeError, "Rational"),
        (x**2, {"box": "1"}, TypeError, "exact real number"),
        ("x**2", {}, TypeError, "text is not evaluated"),
        (x**2, {"prior": {x: "1"}}, TypeError, "exact real number"),
        (x**2, {"prior": {x: -1}}, ValueError, "h > −1"),
        (x**2, {"prior": {w: 1}}, ValueError, "some of the variables"),
    ],
)
def test_bad_input(K, options, error, words):
    with pytest.raises(error, match=words):
        monomial_zeta(K, [x, y], **options)
