"""Sums of squares whose terms meet transversally off the coordinate planes: known values, and refusals."""

import itertools
import random
from fractions import Fraction

import pytest
import sympy as sp

from sltcourse.theory.blow_up import resolve
from sltcourse.theory.germ import germ
from sltcourse.theory.intersections import Intersection, intersection
from sltcourse.theory.newton import learning_coefficient
from tests.test_exact_cases import scaled_units

x, y, z, t, u = sp.symbols("x y z t u")


@pytest.mark.parametrize(
    "K, lam, m",
    [
        ([x**2 + y**2 - z**2 - t**2, x * z - y * t], "1", 2),  # two quadrics: min(r/2, d/4), and m = 2 where equal
        ([x**2 - 2 * y**2 + z**2, x * y + 3 * y * z - 2 * x * z], "3/4", 1),
        ([x**2 - y**3, z**2 - x * y], "17/24", 1),  # weights 6, 4, 5 over 12, and 1 − 10/12 for the second
        ([x**2 - y * z, y * z - t**3], "11/12", 2),  # weights 1/2, 1/3, and 1 for y and z together
        ([x**2 - y**2, (x - 2 * y) * (x + 3 * y) + z**3], "2/3", 1),
    ],
    ids=str,
)
def test_transversal_intersections(K, lam, m):
    variables = sorted({w for f in K for w in f.free_symbols}, key=str)
    found = learning_coefficient(K, variables)
    assert (found.value, found.multiplicity, found.exact) == (Fraction(lam), m, True)
    assert "transversally" in found.why


@pytest.mark.parametrize("K", [[x**2 - y**3, z**2 - x * y], [x**2 - y * z, z**2 + x * y]], ids=str)
def test_blow_ups_agree(K):
    found, charts = learning_coefficient(K, [x, y, z]), resolve(K, [x, y, z])
    assert found.exact and charts.complete and not charts.why
    assert (found.value, found.multiplicity) == (charts.learning_coefficient, charts.multiplicity)


@pytest.mark.parametrize(
    "K",
    [
        [x**2 - y**2, (x - y) * (x + 2 * y)],  # a common line
        [(x - y) ** 2, x**3 + y**3 - 2 * z**3],  # a double line
        [x**2 - y**2, x**2 - z**2, y**2 - z**2],  # three equations in two coordinates of the torus
    ],
    ids=str,
)
def test_what_is_not_transversal_is_not_taken_for_it(K):
    assert intersection(germ(K, [x, y, z])) is None


def test_a_definite_form_takes_no_part():
    """x² + y² + z² vanishes nowhere: it has no y_i of its own, and 3/2 is d/2 of both."""
    found = intersection(germ([x**2 + y**2 - 3 * z**2, x**2 + y**2 + z**2], [x, y, z]))
    assert found == Intersection(Fraction(3, 2), 1, True, True)


def test_too_many_generators_or_faces_are_refused():
    w = sp.symbols("w1:8")
    with pytest.raises(ArithmeticError, match="generators"):
        intersection(germ([a - b for a, b in itertools.pairwise(w)], w))
    rng = random.Random(0)
    dense = [sum(rng.randint(1, 9) * a * b for a in w for b in w) for _ in range(2)]
    with pytest.raises(ArithmeticError, match="faces|sums"):
        intersection(germ(dense, w))


@pytest.mark.parametrize("at", [(sp.Rational(1, 2), 0), (0, 0)], ids=str)
def test_three_tanh_units_where_their_second_moment_is_a_quadratic_form(at):
    """The point of the blow-up b = (u, u v) where P = Σ a_j p_j(v_j) and its gradient vanish: still 5/6, 1."""
    (first, second, _), (a1, b1, *others) = scaled_units([[1] * 3, [1, 4, 4], [1, -3, 2]])
    pairs = list(zip(others[::2], others[1::2], strict=True))
    images = {v: b1 * v for _, v in pairs} | {a1: a1 - sum(a * v for a, v in pairs)}
    first, second = (f.subs(images, simultaneous=True) for f in (first, second))
    pulled = [sp.expand(first), sp.expand(second - b1**2 * first)]
    point = [0, 0, *(c for v in at for c in (0, v))]
    found = learning_coefficient(pulled, [a1, b1, *others], point, {b1: 2})
    assert found.exact and (found.value, found.multiplicity) == (Fraction(5, 6), 1)
