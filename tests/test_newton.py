from fractions import Fraction

import pytest
import sympy as sp

from sltcourse.theory.newton import learning_coefficient, search_coordinates

x, y, z = sp.symbols("x y z", real=True)


@pytest.mark.parametrize(
    "K, variables, lam, m",
    [
        (x**2 + y**2, [x, y], Fraction(1), 1),
        (x**2 * y**2, [x, y], Fraction(1, 2), 2),
        (x**2 * y**4, [x, y], Fraction(1, 4), 1),
        (x**2 + y**4, [x, y], Fraction(3, 4), 1),
        (x**2 * y**2 * z**2, [x, y, z], Fraction(1, 2), 3),
        (x**2 + y**2 * z**2, [x, y, z], Fraction(1), 2),
        (x**2 * y**4 + x**6, [x, y], Fraction(1, 3), 1),
        (x**2 * y**2 + x**6 + y**6, [x, y], Fraction(1, 2), 2),
        (x**4 + y**4, [x, y], Fraction(1, 2), 1),
    ],
)
def test_polyhedra_that_decide(K, variables, lam, m):
    found = learning_coefficient(K, variables)
    assert found.exact and (found.value, found.multiplicity) == (lam, m)
    assert found.lower == lam


def test_a_degenerate_polyhedron_bounds_from_above():
    found = learning_coefficient((y - x**2) ** 2, [x, y])  # λ = 1/2: a smooth curve
    assert found.lower <= Fraction(1, 2) <= found.value


def test_other_coordinates_decide_what_these_do_not():
    K = (x - y) ** 2 * (x + y) ** 4
    found = search_coordinates(sp.expand(K), [x, y])
    assert found.exact and (found.value, found.multiplicity) == (Fraction(1, 4), 1)


def test_another_point():
    found = learning_coefficient((x - 1) ** 2 * y**2, [x, y], point=(1, 0))
    assert found.exact and (found.value, found.multiplicity) == (Fraction(1, 2), 2)


@pytest.mark.parametrize(
    "K, variables, point",
    [
        (sp.sin(x), [x], None),
        (x**2 + 1, [x], None),
        (x, [x], None),
        (x**2 * y, [x, y], None),
        (x**2 + z**2, [x, y], None),
    ],
)
def test_what_has_no_such_lambda_is_refused(K, variables, point):
    with pytest.raises((ValueError, TypeError)):
        learning_coefficient(K, variables, point)
