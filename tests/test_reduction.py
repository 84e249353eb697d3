"""How a germ is taken apart, step by step, and what the proofs of K ≥ 0 rest on: each step on a case known by hand."""

from fractions import Fraction

import pytest
import sympy as sp

from sltcourse.theory import reduction, signs
from sltcourse.theory.analysis import LearningCoefficient
from sltcourse.theory.closed_forms import deep_linear_network
from sltcourse.theory.germ import Germ, germ
from sltcourse.theory.limits import Budget
from sltcourse.theory.signs import NegativeLoss, is_nonnegative
from tests.known_losses import linear_network

x, y, z, t = w = sp.symbols("x y z t")


def ideal(*generators, prior=None):
    return germ(list(generators), w, prior=prior)


def expressions(found):
    return [f.as_expr() for f in found.generators]


@pytest.mark.parametrize("widths, rank", [((2, 2, 2), 0), ((2, 3, 2), 0), ((3, 2, 2), 0)], ids=str)
def test_products_of_matrices_are_decided_by_blow_ups_alone(widths, rank):
    """Without the formula that `search_coordinates` knows for linear networks."""
    entries, weights, point = linear_network(*widths, rank=rank)
    found = reduction.reduce(germ(entries, weights, point), True, Budget(20))
    assert "blow-up of {" in found.why
    assert found.exact and (found.value, found.multiplicity) == deep_linear_network(list(widths), rank)


def test_a_shorter_generator_of_the_same_ideal():
    """6xy² + 3yz³ + t⁴ less 3y times 2xy + z³ is t⁴."""
    found = reduction._shorter(ideal(2 * x * y + z**3, 6 * x * y**2 + 3 * y * z**3 + t**4))
    assert set(expressions(found)) == {t**4, 2 * x * y + z**3}
    assert reduction._shorter(ideal(2 * x * y + z**3, 6 * x * y**2 + t**4)) is None


def test_the_coefficient_of_a_variable_becomes_a_coordinate():
    """x in place of 2x + 3y² in t z (2x + 3y²), a common monomial put aside; not under a prior, nor away from 0."""
    assert expressions(reduction._sheared(ideal(t * z * (2 * x + 3 * y**2)))) == [t * x * z]
    assert reduction._sheared(ideal(t * z * (2 * x + 3 * y**2), prior={x: 1})) is None
    assert reduction._sheared(ideal(t * z * (2 * x + 3 * y**2 + 1) + t * x)) is None


def test_centres_are_where_all_generators_have_one_degree():
    assert list(reduction._centres(ideal(x * z, y * z, x * t + y * t))) == [[0, 1], [2, 3]]
    assert list(reduction._centres(ideal(x * y, z**2 * t))) == [[0, 3], [1, 3], [0, 1, 2]]
    assert list(reduction._centres(ideal(x * y + z**3))) == []


@pytest.mark.parametrize(
    "generators, moving, flows",
    [
        ([x * (y + z)], [1], True),
        ([x * (1 + y)], [1], False),
        ([x * (y + z**2), x * y * t], [1, 2], True),
        ([x * y**3 + z], [1], True),
        ([x - y, y - x**2], [1], False),
        ([x * y], [0, 1], True),
    ],
    ids=str,
)
def test_weights_that_take_a_fibre_into_the_origin(generators, moving, flows):
    ring = sp.ring(w, sp.QQ)[0]
    chart = Germ(tuple(ring.from_expr(sp.expand(f)) for f in generators), True, (Fraction(0),) * 4)
    assert reduction._flows_to_origin(chart, moving) is flows


def test_a_linear_form_is_put_into_the_others():
    found = reduction._linear(ideal(x + y * z, x * y + t**2))
    assert expressions(found) == [t**2 - y**2 * z] and found.ring.symbols == (y, z, t)
    assert expressions(reduction._linear(ideal((2 + z) * x + y**2, x * t + z**3))) == [-(y**2) * t + z**4 + 2 * z**3]
    assert reduction._linear(ideal(x + y * z, x * y + t**2, prior={x: 1})) is None
    assert reduction._linear(ideal(x * y + z**2)) is None
    assert reduction._linear(ideal(x - y**2)).generators == ()


def test_a_square_is_completed():
    """4ac − b² of 2x² + 4xy² + 3y⁴ + z⁴, less the variable."""
    K = 2 * x**2 + 4 * x * y**2 + 3 * y**4 + z**4
    ring = sp.ring(w, sp.QQ)[0]
    loss = Germ((ring.from_expr(K),), False, (Fraction(0),) * 4)
    found = reduction._square(loss)
    assert expressions(found) == [8 * y**4 + 8 * z**4] and found.ring.symbols == (y, z, t)
    assert reduction._square(loss._replace(prior=(Fraction(1), *loss.prior[1:]))) is None
    assert reduction._square(loss._replace(generators=(ring.from_expr(K - 4 * x**2),))) is None


def test_powers_that_all_generators_share():
    power, rest = reduction._common_power(ideal(x**2 * t * y, x**2 * t * z**2, prior={x: 1}))
    assert (power.value, power.multiplicity, power.exact) == (Fraction(1, 2), 2, True)
    assert set(expressions(rest)) == {y, z**2}
    power, _ = reduction._common_power(ideal(x**2 * t * y, x**2 * t * z))
    assert (power.value, power.multiplicity) == (Fraction(1, 4), 1)
    assert reduction._common_power(ideal(x**2 * y, x * z)) is None


@pytest.mark.parametrize(
    "K, squares",
    [
        ((x - y) ** 2 + 3 * (x * y + z**2) ** 2, [x - y, x * y + z**2]),
        (2 * (x**2 - y**3) ** 2, [x**2 - y**3]),
        ((x - y) ** 2 - z**4, []),
        ((x - y) ** 2 + z**4 + t**4, []),
    ],
    ids=str,
)
def test_squares_of_each_degree(K, squares):
    roots = reduction._square_roots(sp.ring(w, sp.QQ)[0].from_expr(sp.expand(K)))
    assert {f.monic() for f in roots} == {f.monic() for f in ideal(*squares).generators} if squares else roots == ()


# --- putting together -------------------------------------------------------------------------------------------------


def answer(value, m=1, lower=None, assumes=""):
    """An exact answer, or bounds."""
    exact = lower is None and not assumes
    return LearningCoefficient(Fraction(value), m, Fraction(lower or value), exact, "so", {}, (), assumes)


@pytest.mark.parametrize(
    "how, parts, value, m, lower, exact",
    [
        ("_sum", [answer("1/2"), answer("1/2", 2), answer("3/4", 3)], "7/4", 4, "7/4", True),
        ("_sum", [answer("1/2"), answer("1", 2, "3/4")], "3/2", 2, "5/4", False),
        ("_sum", [answer("1/2"), answer("1", assumes="K ≥ 0")], "3/2", 1, "3/2", False),
        ("_smaller", [answer("1/2"), answer("1/2", 2), answer("3/4", 3)], "1/2", 3, "1/2", True),
        ("_smaller", [answer("1/2"), answer("1", 2, "3/4")], "1/2", 1, "1/2", True),
        ("_smaller", [answer("1/2"), answer("1", 2, "1/2")], "1/2", 1, "1/2", False),
        ("_smaller", [answer("1/2"), answer("1", 2, "1/4")], "1/2", 1, "1/4", False),
        ("_smaller", [answer("1/2"), answer("1/2", 1, "1/2")], "1/2", 2, "1/2", False),
        ("_smaller", [answer("1/2"), answer("1", assumes="K ≥ 0")], "1/2", 1, "1/2", False),
        ("charts", [answer("1/2"), answer("1/2", 2), answer("3/4", 3)], "1/2", 2, "1/2", True),
        ("charts", [answer("1/2"), answer("1", 2, "3/4")], "1/2", 1, "1/2", True),
        ("charts", [answer("1/2"), answer("1", 2, "1/2")], "1/2", 1, "1/2", False),
        ("charts", [answer("1/2"), answer("1/2", 3, "1/4")], "1/2", 3, "1/4", False),
        ("charts", [answer("1/2"), answer("1", assumes="K ≥ 0")], "1/2", 1, "1/2", False),
    ],
)
def test_answers_are_put_together(how, parts, value, m, lower, exact):
    """λ adds up, or the smallest decides; and nothing is exact that rests on an open question."""
    found = reduction._over_charts(parts, ["x", "y"]) if how == "charts" else getattr(reduction, how)(parts)
    assert (found.value, found.multiplicity, found.lower) == (Fraction(value), m, Fraction(lower))
    assert found.exact is exact and found.assumes == next((part.assumes for part in parts if part.assumes), "")


# --- K ≥ 0 ------------------------------------------------------------------------------------------------------------


def nonnegative(K):
    return is_nonnegative(sp.ring(w, sp.QQ)[0].from_expr(sp.expand(K)))


@pytest.mark.parametrize(
    "K",
    [
        (y * x + z**2) ** 2 + z**6,  # the square in x, whose coefficient y² vanishes at 0
        ((x - y) ** 2 + z**4) * (x**2 + t**2),
        (x - y**2) ** 2 * (1 + x) * (2 - y) ** 3,
    ],
    ids=str,
)
def test_proofs_that_a_loss_is_nonnegative(K):
    assert nonnegative(K) is True


def test_a_definite_lowest_form_is_enough(monkeypatch):
    """The faces, which are many in many variables, are not looked at."""
    monkeypatch.setattr(signs, "_by_faces", lambda f: None)
    assert nonnegative(x**4 + y**4 + z**4 + t**4 + x**3 * y**2) is True


@pytest.mark.parametrize("K", [x * (x + y**2), x**3 * (x - z**4), y * (x**2 + y**3 + y * z**2)], ids=str)
def test_a_factor_of_odd_power_changes_the_sign(K):
    """A coordinate is one, and the form of lowest degree does not show it."""
    with pytest.raises(NegativeLoss, match="negative near the point"):
        nonnegative(K)
