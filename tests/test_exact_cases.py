"""Known λ and m, each found by exact routes that share no code, and measured from V(ε) by one that knows no algebra."""

import random
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
import sympy as sp

from sltcourse.theory.blow_up import resolve
from sltcourse.theory.closed_forms import deep_linear_network, reduced_rank_regression, tanh_network
from sltcourse.theory.newton import learning_coefficient, search_coordinates
from sltcourse.theory.volume import fit, splitting
from sltcourse.theory.zeta import monomial_zeta
from tests.known_losses import linear_network

x, y, z, a, b, c = sp.symbols("x y z a b c", real=True)
R = sp.Rational


class Case(NamedTuple):
    """K, or f_i for K = Σ f_i², at a point (the origin if empty) under a prior Π|w|^h; the routes that settle it."""

    K: object
    variables: list
    lam: str
    m: int
    routes: str  # z: zeta function, p: polyhedron as given, s: in searched coordinates, b: blow-ups, f: closed formula
    point: tuple = ()
    prior: dict = {}  # noqa: RUF012 - never changed
    formula: tuple = ()


def network_case(*widths, lam, m, rank=0, routes="f"):
    entries, weights, point = linear_network(*widths, rank=rank)
    return Case(entries, weights, lam, m, routes, point, formula=deep_linear_network(list(widths), rank))


def units(count):
    """Σ a_i b_i^(2k+1), k < count: what Σ a_i tanh(b_i x) near 0 comes down to, with the Taylor series of tanh."""
    weights = sp.symbols([f"{letter}{i}" for i in range(1, count + 1) for letter in "ab"], real=True)
    pairs = list(zip(weights[::2], weights[1::2], strict=True))
    return [sum(s * t ** (2 * k + 1) for s, t in pairs) for k in range(count)], list(weights)


b1, b2, c1, c2 = sp.symbols("b1 b2 c1 c2", real=True)
means = [(1 - a) * b + a * c, (1 - a) * b**2 + a * c**2]
hidden_bit = [(1 - a) * b1 + a * c1, (1 - a) * b2 + a * c2, (1 - a) * b1 * b2 + a * c1 * c2]

CASES = {
    # regular, and one coordinate at a time
    "parabola in one variable": Case(x**2, [x], "1/2", 1, "zpsb"),
    "cubic mean": Case(x**6, [x], "1/6", 1, "zpsb"),
    "cubic mean, away from 0": Case((x**3 - 1) ** 2, [x], "1/2", 1, "psb", point=(1,)),
    "ball": Case(x**2 + y**2 + z**2, [x, y, z], "3/2", 1, "psb"),
    "correlated": Case(x**2 + y**2 + sp.Rational(6, 5) * x * y, [x, y], "1", 1, "psb"),
    "flat valley": Case(x**2 + y**4, [x, y], "3/4", 1, "psb"),
    "three flat directions": Case(x**2 + y**4 + z**6, [x, y, z], "11/12", 1, "psb"),
    # monomials, with and without a prior that vanishes
    "cross": Case(x**2 * y**2, [x, y], "1/2", 2, "zpsb"),
    "cross, beside its middle": Case(x**2 * y**2, [x, y], "1/2", 1, "psb", point=(0, 1)),
    "uneven cross": Case(x**2 * y**4, [x, y], "1/4", 1, "zpsb"),
    "flat cross": Case(x**4 * y**4, [x, y], "1/4", 2, "zpsb"),
    "three planes": Case(x**2 * y**2 * z**2, [x, y, z], "1/2", 3, "zpsb"),
    "crossing, two of three": Case(x**2 * y**4 * z**4, [x, y, z], "1/4", 2, "zpsb"),
    "prior that vanishes": Case(x**2 * y**4, [x, y], "1/2", 2, "zpsb", prior={y: 1}),
    "prior 1/sqrt": Case(x**2 * y**2, [x, y], "1/4", 1, "zpsb", prior={x: sp.Rational(-1, 2)}),
    "boundary, as w = u²": Case(x**2 + y**2, [x, y], "3/2", 1, "psb", prior={x: 1}),
    # sums of monomials
    "rounded cross": Case(x**2 * y**2 + x**6 + y**6, [x, y], "1/2", 2, "psb"),
    "Newton edge": Case(x**2 * y**4 + x**6, [x, y], "1/3", 1, "psb"),
    "line plus cross": Case(x**2 + y**2 * z**2, [x, y, z], "1", 2, "psb"),
    "pairwise products": Case([x * y, y * z, z * x], [x, y, z], "3/4", 1, "psb"),
    "quartic form": Case(x**4 + y**4, [x, y], "1/2", 1, "psb"),
    # other coordinates
    "turned cross": Case((x**2 - y**2) ** 2, [x, y], "1/2", 2, "psb"),
    "turned uneven cross": Case((x - y) ** 2 * (x + y) ** 4, [x, y], "1/4", 1, "sb"),
    "parabola": Case((y - x**2) ** 2, [x, y], "1/2", 1, "psb"),
    "bent valley": Case((y - x**2) ** 2 + x**6, [x, y], "2/3", 1, "sb"),
    "cusp": Case((x**2 - y**3) ** 2, [x, y], "5/12", 1, "psb"),
    "cusp, smooth point": Case((x**2 - y**3) ** 2, [x, y], "1/2", 1, "psb", point=(1, 1)),
    "sharper cusp": Case((x**2 - y**5) ** 2, [x, y], "7/20", 1, "psb"),
    "three lines": Case((x * y * (x - y)) ** 2, [x, y], "1/3", 1, "psb"),
    "power sums": Case([x + y + z, x**2 + y**2 + z**2], [x, y, z], "1", 1, "sb"),
    "cone": Case((x**2 + y**2 - z**2) ** 2, [x, y, z], "1/2", 1, "psb"),
    # models
    "tanh unit": Case(units(1)[0], units(1)[1], "1/2", 2, "psbf", formula=tanh_network(1)),
    "tanh unit with bias": Case(a**2 * (b**2 / 3 + c**2), [a, b, c], "1/2", 1, "psb"),
    "two tanh units": Case(*units(2), "2/3", 1, "bf", formula=tanh_network(2)),
    "normal mixture, one mean known": Case([a * b, a * b**2], [a, b], "1/2", 2, "psb"),
    "normal mixture at a = 0": Case(means, [a, b, c], "3/4", 1, "sb"),
    "normal mixture at a = 1/2": Case(means, [a, b, c], "3/4", 1, "s", point=(sp.Rational(1, 2), 0, 0)),
    "naive Bayes": Case(hidden_bit, [a, b1, b2, c1, c2], "3/2", 3, "sb"),
    "regression 1-1-1": network_case(1, 1, 1, lam="1/2", m=2, routes="psbf"),
    "regression 2-1-2": network_case(2, 1, 2, lam="1", m=2, routes="psbf"),
    "regression 2-2-2": network_case(2, 2, 2, lam="3/2", m=1, routes="bf"),
    "regression 1-3-1": network_case(1, 3, 1, lam="1/2", m=1, routes="psbf"),
    "regression 2-1-3, rank 1": network_case(2, 1, 3, lam="2", m=1, rank=1, routes="sf"),
    "deep 1-1-1-1": network_case(1, 1, 1, 1, lam="1/2", m=3, routes="psbf"),
}  # fmt: skip


def ids(letter):
    return [name for name, case in CASES.items() if letter in case.routes]


def expected(case):
    return Fraction(case.lam), case.m


def arguments(case):
    return case.K, case.variables, case.point or None, case.prior or None


@pytest.mark.parametrize("name", ids("z"))
def test_pole_of_the_zeta_function(name):
    case = CASES[name]
    zeta = monomial_zeta(case.K, case.variables, case.prior)
    assert (zeta.learning_coefficient, zeta.multiplicity) == expected(case)


@pytest.mark.parametrize("name", ids("p"))
def test_newton_polyhedron(name):
    found = learning_coefficient(*arguments(CASES[name]))
    assert found.exact and (found.value, found.multiplicity) == expected(CASES[name])


@pytest.mark.parametrize("name", ids("s"))
def test_newton_polyhedron_in_searched_coordinates(name):
    found = search_coordinates(*arguments(CASES[name]))
    assert found.exact and (found.value, found.multiplicity) == expected(CASES[name])


@pytest.mark.parametrize("name", ids("b"))
def test_blow_ups(name):
    found = resolve(*arguments(CASES[name]))
    assert found.complete and (found.learning_coefficient, found.multiplicity) == expected(CASES[name])


@pytest.mark.parametrize(
    ("widths", "rank"),
    [
        ((3, 2, 2), 0),
        ((2, 2, 2), 1),
        ((1, 2, 4), 0),
        ((2, 5, 2), 0),
        ((3, 3, 3), 0),
        ((1, 2, 2, 1), 0),
        ((1, 2, 2, 2), 0),
        ((2, 1, 2, 2), 0),
        ((2, 2, 2, 2), 0),
        ((2, 2, 2, 2), 1),
        ((2, 2, 2, 2), 2),
        ((2, 2, 3, 2), 0),
        ((2, 2, 2, 3), 0),
        ((3, 2, 2, 2), 1),
        ((1, 2, 2, 2, 1), 0),
        ((2, 2, 2, 2, 2), 0),
    ],
    ids=str,
)
def test_linear_networks_are_decided_and_agree_with_the_closed_formula(widths, rank):
    found = search_coordinates(*linear_network(*widths, rank=rank), seconds=20)
    assert found.exact and (found.value, found.multiplicity) == deep_linear_network(list(widths), rank)


@pytest.mark.parametrize(
    ("K", "variables", "point", "lam", "m"),
    [
        (
            x**2 + y**2 + z**2 + a**2 + R(6, 5) * (x * y + x * z + x * a + y * z + y * a + z * a),
            [x, y, z, a],
            None,
            2,
            1,
        ),
        ([a * b], [a, b], (0, 1), R(1, 2), 1),
        ([(1 - a) * b + a * c], [a, b, c], (R(1, 2), 0, 0), R(1, 2), 1),
        ([(1 - a) * b + a * c], [a, b, c], (0, 0, 0), R(1, 2), 1),
        ([a * c, a * c**2], [a, c], (0, 0), R(1, 2), 2),
        ([a * b, a * c], [a, b, c], (0, 0, 0), R(1, 2), 1),
    ],
    ids=["correlated in four", "tanh unit at b = 1", "Bernoulli mixture", "its corner", "binomial", "tanh with bias"],
)
def test_small_models_are_decided(K, variables, point, lam, m):
    found = search_coordinates(K, variables, point)
    assert found.exact and (found.value, found.multiplicity) == (Fraction(str(lam)), m)


def scaled_units(scales):
    """Moments of tanh units, Σ c_ki a_i b_i^(2k+1): ``scales`` is the matrix (c_ki)."""
    weights = units(len(scales[0]))[1]
    pairs = list(zip(weights[::2], weights[1::2], strict=True))
    moments = [
        sum(c * s * t ** (2 * k + 1) for c, (s, t) in zip(row, pairs, strict=True)) for k, row in enumerate(scales)
    ]
    return moments, weights


@pytest.mark.parametrize("scales", [[[2, 3], [5, 7]], [[2, 1], [8, 1]], [[1, 1], [1, -1]], [[1, -1], [1, -1]]], ids=str)
def test_two_tanh_units_with_rescaled_weights(scales):
    """λ = 2/3, m = 1 whatever the scales are, also multiplied out; the blow-ups, which know no formula, agree."""
    moments, weights = scaled_units(scales)
    for K in (moments, sp.expand(sum(f**2 for f in moments))):
        found = search_coordinates(K, weights)
        assert found.exact and (found.value, found.multiplicity) == tanh_network(2)
    blown_up = resolve(moments, weights)
    assert blown_up.complete and (blown_up.learning_coefficient, blown_up.multiplicity) == tanh_network(2)


@pytest.mark.parametrize("hidden", [3, 4])
def test_up_to_four_tanh_units_are_decided_whatever_their_scales(hidden):
    """Also with two moments only, and multiplied out."""
    rng = random.Random(hidden)
    moments, weights = scaled_units([[rng.choice((-3, -1, 1, 2, 5)) for _ in range(hidden)] for _ in range(hidden)])
    for K in (moments[: 6 - hidden], sp.expand(sum(f**2 for f in moments)))[: 5 - hidden]:
        found = search_coordinates(K, weights)
        assert found.exact and (found.value, found.multiplicity) == tanh_network(hidden)


@pytest.mark.parametrize("at", [(R(1, 3),), (R(1, 2),), (0,), (0, 1)], ids=str)
def test_tanh_units_by_their_blow_up(at):
    """In the chart b_1 = u, b_j = u v_j, at points v = ``at`` of u = 0, the polyhedron says what the formula says."""
    hidden = 1 + len(at)
    moments, weights = scaled_units([[1] * hidden, [1, 4, 4][:hidden], [1, -3, 2][:hidden]])
    a1, u, *others = weights
    pairs = list(zip(others[::2], others[1::2], strict=True))
    images = {v: u * v for _, v in pairs} | {a1: a1 - sum(a * v for a, v in pairs)}
    first, second, third = (f.subs(images, simultaneous=True) for f in moments)
    for pulled in ([first, second - u**2 * first], [first, second, third])[: 4 - hidden]:
        point = [0, 0, *(c for v in at for c in (0, v))]
        found = search_coordinates(list(map(sp.expand, pulled)), weights, point, {u: hidden - 1})
        assert found.exact and (found.value, found.multiplicity) == tanh_network(hidden)


@pytest.mark.parametrize("hidden", [2, 3, 4])
def test_the_poles_of_few_tanh_units(hidden):
    """(uα, u³P, u⁵a_j) where P is a coordinate; without the last, (uα, u³t²P) after Σ a_j V_j is blown up as well."""
    u, t, first, second, *others = sp.symbols(f"u t α P a3:{hidden + 1}")
    moments = [u * first, u**3 * second, *(u**5 * a for a in others)]
    for K in (moments, moments[:2]):
        found = learning_coefficient(K, [u, first, second, *others], prior={u: hidden - 1})
        assert found.exact and (found.value, found.multiplicity) == tanh_network(hidden)
    if hidden > 2:  # a V is a normal crossing
        K, prior = [u * first, u**3 * t**2 * second], {u: hidden - 1, t: 2 * hidden - 3}
        found = learning_coefficient(K, [u, t, first, second], prior=prior)
        assert found.exact and (found.value, found.multiplicity) == tanh_network(hidden)


def test_five_tanh_units_are_known_where_one_scale_of_each_weight_makes_them_equal():
    """And bounded where not: two moments give λ ≥ 1, a blow-up that is good for all scales λ ≤ 11/10."""
    g = (4, 1, 9, 25, 16)  # b_i² is rescaled by g_i
    scales = [[c * s**k for c, s in zip((2, 3, 1, 5, 1), g, strict=True)] for k in range(5)]
    found = search_coordinates(*scaled_units(scales))
    assert found.exact and (found.value, found.multiplicity) == tanh_network(5)
    for k, i in ((1, 0), (2, 2)):
        other = [list(row) for row in scales]
        other[k][i] *= -1 if k == 1 else 2
        found = search_coordinates(*scaled_units(other), seconds=0.5)
        assert not found.exact and (found.lower, found.value) == (1, tanh_network(5)[0]), (k, i)
    moments, weights = scaled_units(scales)
    assert not search_coordinates(moments[:4], weights, seconds=0.5).exact


@pytest.mark.parametrize("name", ids("f"))
def test_closed_formula(name):
    assert CASES[name].formula == expected(CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_bounds_hold_whatever_is_decided(name):
    """The polyhedron in the given coordinates is never wrong, only sometimes undecided; λ ≤ d/2 for a flat prior."""
    case, found = CASES[name], learning_coefficient(*arguments(CASES[name]))
    assert found.lower <= Fraction(case.lam) <= found.value
    if not case.prior:
        assert Fraction(case.lam) <= Fraction(len(case.variables), 2)


def displaced(case):
    """K as a function of u, w = point + u, drawn uniformly: where φ ∝ |w|^h, w = ±|u|^(1/(h+1)) is put for u."""
    terms = case.K if isinstance(case.K, list) else [sp.sqrt(sp.factor(case.K))] if _square(case.K) else [case.K]
    shift = dict(zip(case.variables, case.point, strict=False))
    terms = [sp.expand(f.subs({w: w + p for w, p in shift.items()}, simultaneous=True)) for f in terms]
    functions = [sp.lambdify(case.variables, f, "numpy") for f in terms]
    squared = isinstance(case.K, list) or _square(case.K)
    powers = np.array([1 / (1 + float(case.prior.get(w, 0))) for w in case.variables])

    def K(u):
        w = np.sign(u) * np.abs(u) ** powers
        return sum(f(*w.T) ** (1 + squared) + np.zeros(len(u)) for f in functions)

    return K


def _square(K):
    return all(e % 2 == 0 for _, e in sp.factor_list(K)[1])


@pytest.mark.parametrize("name", CASES)
def test_volume_measured_by_splitting(name):
    """V(ε) followed to 10⁻²⁴: λ, and m, or that m is not sure."""
    case = CASES[name]
    box = [(-0.5, 0.5)] * len(case.variables)
    found = fit(splitting(displaced(case), box, 1e-24, particles=256, seed=1))
    assert found.m == case.m or "m may be" in found.doubt
    assert found.probability[case.m - 1] > 0.05
    for measured, se in (
        (found.lam, found.se),
        (found.lam_given[case.m - 1], found.se_given[case.m - 1]),
    ):
        assert abs(measured - Fraction(case.lam)) < max(3 * se, 0.03 * Fraction(case.lam))


@pytest.mark.long
@pytest.mark.parametrize(
    "widths, rank, lam, m",
    [
        ((3, 2, 2), 0, "2", 2),
        ((2, 5, 2), 0, "2", 1),
        ((1, 2, 4), 0, "1", 1),
        ((2, 2, 2), 1, "2", 2),
        ((3, 3, 3), 0, "7/2", 2),
    ],
    ids=str,
)
def test_larger_regressions_from_their_volume(widths, rank, lam, m):
    case = network_case(*widths, lam=lam, m=m, rank=rank)
    assert reduced_rank_regression(*widths, rank) == case.formula == expected(case)
    found = fit(splitting(displaced(case), [(-0.5, 0.5)] * len(case.variables), 1e-24, seed=1))
    assert abs(found.lam - Fraction(case.lam)) < max(3 * found.se, 0.03 * Fraction(case.lam))
    assert found.m == case.m or "m may be" in found.doubt
