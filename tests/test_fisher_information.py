"""Lesson 01: the numbers behind its live figures, its table of families, and its checks on right and wrong answers."""

import re

import numpy as np
import pytest
import sympy as sp
from matplotlib.path import Path as Outline

from sltcourse.kit import style
from sltcourse.lessons import fisher_information as lesson
from sltcourse.lessons.fisher_information import check
from sltcourse.theory.fisher import Density, certify, fisher_matrix, normal, prove_null, regression
from sltcourse.theory.models import families
from tests.exercises import exercise_tests
from tests.notebooks.lessons import prose

R = sp.Rational
w = sp.Symbol("w", real=True)
x, a, b = sp.symbols("x a b", real=True)


TEXT = prose("01_fisher_information")


def test_it_quarrels_with_nobody():
    assert "deck" not in TEXT.lower()


# ---- what the text says -----------------------------------------------------------------------------------------


def test_the_cross_is_all_that_is_singular():
    for amplitude, t in np.random.default_rng(0).uniform(-0.95, 0.95, (30, 2)):
        exact = 4 * amplitude**2 * t**6 * (1 - t**2) ** 2 / (1 + t**2) ** 4
        matrix = lesson.models.network_information(amplitude, np.arctanh(t))
        assert np.linalg.det(matrix) == pytest.approx(exact, rel=1e-6, abs=1e-15)
        growth = np.tanh(2 * np.arctanh(t)) / t, 2 * (np.cosh(np.arctanh(t)) / np.cosh(2 * np.arctanh(t))) ** 2
        assert growth[0] == pytest.approx(np.cosh(2 * np.arctanh(t)) * growth[1])
    assert "It is 0 only where a = 0 or t = 0" in TEXT


def test_why_there_is_no_linear_term_and_why_i():
    for log_p in (-((x - a**3) ** 2) / 2, sp.log((1 - b) * normal(x, 0) + b * normal(x, a))):
        p = sp.exp(log_p)
        for s, t in ((a, a), (a, b)):
            left = -sp.diff(log_p, s, t) - sp.diff(log_p, s) * sp.diff(log_p, t) + sp.diff(p, s, t) / p
            assert abs(sp.N(left.subs({x: R(1, 3), a: R(2, 5), b: R(1, 4)}))) < 1e-12
    assert r"\frac{\partial_i\partial_j\, p}{p}" in TEXT and "its slope there is 0" in TEXT


def test_the_two_scores_done_by_hand():
    log2 = sp.log(2)
    rows = [[sp.tanh(log2 * k), k / sp.cosh(log2 * k) ** 2] for k in (1, 2)]  # ∂f/∂a and ∂f/∂b at (1, log 2)
    matrix = sp.Matrix(rows).applyfunc(lambda c: sp.nsimplify(sp.simplify(c.rewrite(sp.exp))))
    assert matrix == sp.Matrix([[R(3, 5), R(16, 25)], [R(15, 17), R(128, 289)]])
    assert matrix.det() == R(-432, 1445) and r"\frac{432}{1445}" in TEXT


def test_how_much_a_thousand_data_notice():
    outputs = np.tanh(0.3 * lesson.models.INPUTS)
    assert 1000 * np.mean(outputs**2) / 2 == pytest.approx(93, abs=0.5) and "1000·K = 93" in TEXT


def test_the_continuous_symmetry_does_nothing_at_its_fixed_point():
    model = families.reduced_rank_regression().density
    with pytest.raises(ValueError, match="zero vector"):
        prove_null(model, (0, 0, 0, 0), (0, 0, 0, 0))  # (A, −B) at A = B = 0
    assert certify(model, (0, 0, 0, 0)).rank == 0
    product = Density(normal(x, a * b), {x: sp.S.Reals}, [a, b])
    assert certify(product, (0, 0)).rank == 0 and certify(product, (2, 3)).rank == 1
    for too_wide in ("through *every* point", "is null at every w", "At every point v = (a, −b) is null"):
        assert too_wide not in TEXT


def test_weight_decay_does_not_bend_every_point():
    u = 100 * (R(48, 100) - a * b) ** 2 / 2 + (a**2 + b**2) / 2
    hessian = sp.hessian(u, (a, b))
    assert (
        sorted(hessian.subs({a: 0, b: 0}).eigenvals()) == [-47, 49] and "eigenvalues at (0, 0) are 49 and −47" in TEXT
    )
    minimum = sp.sqrt(R(47, 100))
    assert min(hessian.subs({a: minimum, b: minimum}).eigenvals()) == 2
    assert "is positive definite everywhere" not in TEXT


def test_the_fourth_order_change_is_that_of_the_coins_of_section_4():
    equal, unequal = (certify(families.binomial_mixture().density, point).rank
                      for point in ((R(1, 2), R(1, 2), R(1, 2)), (R(1, 3), R(1, 4), R(3, 4))))  # fmt: skip
    assert (equal, unequal) == (1, 3) and "the coins of section 4 show" in TEXT
    section = dict(re.findall(r"^## (\d)\. .*?$(.*?)(?=^## )", TEXT, re.M | re.S))
    assert "Binomial mixtures" in section["4"] and "a = 1/3, p = 1/4, q = 3/4" in section["5"]


WORDS = {
    "layered neural network": "networks",
    "binomial mixture": "coins",
    "multinomial mixture": "dice",
    "mixture of statistical models": "all mixtures",
    "stochastic context-free grammar": "grammars",
    "hidden Markov model": "Markov models",
}


@pytest.mark.parametrize("make", families.FAMILIES, ids=lambda make: make.__name__)
def test_a_card_and_the_table_of_causes_agree(make):
    family = make()
    rows = re.findall(r"^\| \*\*(.+?)\*\*.*\| (.+?) \|$", TEXT, re.M)
    (families_shown,) = [shown for cause, shown in rows if cause.startswith(family.cause)]
    assert WORDS.get(family.name, family.name).lower() in families_shown.lower()


def test_the_coins_have_two_causes():
    coins = families.binomial_mixture().density
    for direction in ((1, 0, 0), (0, 1, -1)):
        assert prove_null(coins, (R(1, 2),) * 3, direction).holds


# ---- live figures -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network():
    return lesson.live_network()


@pytest.fixture(scope="module")
def walk():
    return lesson.live_families()


def test_the_cubic_band_vanishes_at_zero_and_the_straight_one_does_not():
    live = lesson.live_cubic()

    def moved(name, at):
        _, before, after = live.at(w=at)[f"moved {name}"]
        return np.max(np.abs(before - after))

    assert moved("N(w³, 1)", 0.0) < 0.01 < 0.05 < moved("N(w, 1)", 0.0)
    assert np.isclose(moved("N(w, 1)", 0.0), moved("N(w, 1)", 0.8), rtol=0.01)
    assert moved("N(w³, 1)", -0.14) < 0.005
    assert np.isclose(live.at(w=0.5)["information"][1], 9 / 16)
    assert "N(w³, 1) by 0.027. I(w) = 1 and 0." in live.at(w=0.0)["caption"]


def test_the_networks_information_is_the_exact_one():
    model = regression(a * sp.tanh(b * x), {x: sp.FiniteSet(-2, -1, 1, 2)}, [a, b])
    for point in [(1, 0), (R(1, 2), sp.log(2)), (0, R(3, 2))]:
        exact = np.array(fisher_matrix(model, point).evalf(), float)
        assert np.allclose(lesson.models.network_information(*map(float, point)), exact)


@pytest.mark.parametrize(
    ("at", "rank", "along"), [((1, 0), 1, 0), ((0, 0.8), 1, 1), ((0, 0), 0, None), ((1, 0.8), 2, None)]
)
def test_the_ellipse_collapses_on_the_cross(network, at, rank, along):
    shown = network.at(a=at[0], b=at[1])
    extent = np.array([np.ptp(shown["ellipse"][0]), np.ptp(shown["ellipse"][1])])
    assert np.sum(extent > 1e-9) == (rank if rank < 2 else 2)
    strip = [np.ptp(c) for c in shown["strip"]]
    if along is not None:  # an endless strip along the null axis
        assert strip[along] > 20 and strip[1 - along] < 1
    still = lesson.models.network(*at, shown["weak"][0])
    assert np.allclose(shown["weak"][1], still) == (rank < 2)
    assert np.allclose(shown["strong"][1], still) == (rank == 0)
    assert f"rank {rank}" in shown["caption"]


def by_hand(n, w, other):
    """nK of the network between w and another point, input by input."""
    f = [[a * np.tanh(b * x) for x in (-2, -1, 1, 2)] for a, b in (w, other)]
    return n * np.mean([(u - v) ** 2 / 2 for u, v in zip(*f, strict=True)])


@pytest.mark.parametrize("at", [(1, 0.8), (0.5, 0.5), (1, 0), (0, 0), (0, -1.2), (0.05, -0.1), (-1.2, 1.2)])
@pytest.mark.parametrize("n", [20, 200])
def test_the_shaded_set_is_where_nk_is_at_most_one(at, n):
    outline = lesson.models.almost_as_good(*at, n, reach=2.8).T
    path, rng = Outline(outline), np.random.default_rng(0)
    for point in rng.uniform(-2.6, 2.6, (600, 2)):
        if abs(by_hand(n, at, point) - 1) > 0.1:
            assert path.contains_point(point) == (by_hand(n, at, point) <= 1), point
    for other in (at, (-at[0], -at[1])):  # two weights, one function
        assert path.contains_point(np.add(other, 1e-3)) and by_hand(n, at, np.add(other, 1e-3)) < 1


def test_the_figure_shades_the_set_and_not_the_quadratic_form(network):
    def inside(at, point):
        return Outline(np.array(network.at(a=at[0], b=at[1])["set"]).T).contains_point(point)

    def form(at, point):
        v = np.subtract(point, at)
        return 20 * v @ lesson.models.network_information(*at) @ v / 2

    assert form((0, 0), (1, 1)) == 0 and by_hand(20, (0, 0), (1, 1)) == pytest.approx(7.547, abs=1e-3)
    assert not inside((0, 0), (1, 1)) and inside((0, 0), (0, 2)) and inside((0, 0), (2, 0)), "a cross"
    ellipse = np.array(network.at(a=1, b=0.8)["strip"])
    far = np.linalg.norm(ellipse - [[1], [0.8]], axis=0)
    lower = ellipse[:, np.argmax(np.where(ellipse[1] < 0.8, far, 0))]
    assert form((1, 0.8), lower) == pytest.approx(1) and by_hand(20, (1, 0.8), lower) == pytest.approx(52.3, abs=0.1)
    assert not inside((1, 0.8), lower) and inside((1, 0.8), (0.75, 2)) and form((1, 0.8), (0.75, 2)) > 1, "a banana"
    for at, most in (((1, 0.8), "52"), ((1, 0), "6.2"), ((0, 0), "67")):
        assert f"nK goes up to {most} in this plane" in network.at(a=at[0], b=at[1])["caption"]
    assert by_hand(20, (1, 0), (2.6, 0.2)) == pytest.approx(6.2, abs=0.1)


@pytest.mark.parametrize("make", [lesson.live_cubic, lesson.live_network, lesson.live_families])
def test_every_part_is_looked_up_in_the_browser(make):
    live = make()
    spec, blob = live.encode()
    assert not [part for part in spec["parts"] if "ask" in part] and len(blob) < 4_000_000


def test_outcomes_without_an_order_are_not_joined(walk):
    dice, bump = (walk.at(family=name, step=1.0) for name in ("multinomial mixture", "normal mixture"))
    assert np.isnan(dice["null"][1]).all() and np.isfinite(dice["dots null"][1]).all()
    assert np.isfinite(bump["null"][1]).all() and np.isnan(bump["dots null"][1]).all()


def test_the_ellipses_are_inverse_to_each_other(network):
    shown = network.at(a=-0.7, b=1.2)
    matrix = lesson.models.network_information(-0.7, 1.2)
    steps = np.array(shown["strip"]) - [[-0.7], [1.2]]
    assert np.allclose(20 * np.einsum("ik,ij,jk->k", steps, matrix, steps) / 2, 1)
    root = np.linalg.cholesky(np.linalg.inv(matrix))
    assert np.allclose(np.linalg.norm(root.T @ np.array(shown["ellipse"]), axis=0), 1)


def test_every_family_stands_still_to_first_order(walk):
    for family, _, _ in lesson.models.certified():
        steps = np.array(walk.controls["step"].values)
        shown = [walk.at(family=family.name, step=s) for s in steps]
        k = {which: np.array([state[f"K {which}"][1] for state in shown]) for which in ("null", "fast")}
        slope = np.polyfit(np.log(steps[:30]), np.log(k["fast"][:30]), 1)[0]
        assert abs(slope - 2) < 0.1, family.name
        if np.isfinite(k["null"]).any():
            assert np.polyfit(np.log(steps[:30]), np.log(k["null"][:30]), 1)[0] > 3.8, family.name
            assert "grows with slope 4" in walk.at(family=family.name)["verdict"][2]
        else:  # then p is constant on the whole line, not only to first order
            t = sp.Symbol("t")
            where = zip(family.density.parameters, family.singular, family.direction, strict=True)
            line = {p: start + t * v for p, start, v in where}
            change = sp.diff(family.density.pdf.subs(line, simultaneous=True), t)
            if sp.S.Naturals in family.density.variables.values():
                (n,) = family.density.variables
                assert all(sp.simplify(change.subs(n, i)) == 0 for i in range(1, 8))
            else:
                assert sp.simplify(change) == 0, family.name


def test_the_scale_of_what_a_model_says():
    journey = lesson.models.Journey(families.binomial_mixture(), [1.0])
    shown = journey.low + (journey.high - journey.low) * journey.still
    assert shown == pytest.approx([1 / 8, 3 / 8, 3 / 8, 1 / 8])


def test_divergences_against_closed_forms():
    shares = [0.1, 1.0]
    neuron = lesson.models.Journey(families.layered_network(), shares)
    assert np.isclose(neuron.divergence("fast", 1.0), np.mean(np.tanh(lesson.models.INPUTS) ** 2) / 2)
    coins = lesson.models.Journey(families.binomial_mixture(), shares)
    p = 0.5 + 0.35 * 0.1  # both biases move by 0.7·0.5 at the longest step
    assert np.isclose(coins.divergence("fast", 0.1), 1.5 * (np.log(0.5 / p) + np.log(0.5 / (1 - p))))


def test_the_normal_mixtures_divergence_by_monte_carlo():
    view = lesson.models.View(families.normal_mixture().density)
    z = np.random.default_rng(0).normal(size=400_000)
    log_ratio = -np.log(0.5 + 0.5 * np.exp(z - 0.5))  # p(x|½, 0) is N(0, 1)
    exact = view.divergence(np.array([0.5, 0.0]), np.array([0.5, 1.0]))
    assert abs(exact - log_ratio.mean()) < 5 * log_ratio.std() / 632


def test_the_wedge_holds_the_networks_functions():
    amplitude, speed = np.random.default_rng(0).normal(size=(2, 100))
    slopes = lesson.models.network(amplitude, speed, 2) / lesson.models.network(amplitude, speed, 1)
    assert np.all((slopes > 1) & (slopes < 2))
    style.plt.close(lesson.draw_wedge())


# ---- the families ---- -------------------------------------------------------------------------------------------


def test_the_table_of_families():
    rows = lesson.families_table().rows
    ranks = "1 of 2, 2 of 4, 1 of 2, 1 of 3, 2 of 5, 1 of 2, 3 of 4, 2 of 3, 3 of 7, 2 of 4, 2 of 3"
    assert ", ".join(row[2] for row in rows).replace("\u00a0", " ") == ranks
    assert [row[0] for row in rows if row[5] == "none"] == ["reduced rank regression"]
    for family, found, _ in lesson.models.certified():  # the direction whose meaning is told is among the null ones
        assert sp.Matrix([*found.null, family.direction]).rank() == len(found.null), family.name


def test_a_card_tells_point_rank_and_directions():
    rows = dict(lesson.card(families.radial_basis()).rows)
    assert rows["rank there"] == "2 of 4" and rows["null directions, proved"] == "(1, 0, −1, 0), (0, 2, 0, −1)"
    assert dict(lesson.card(families.reduced_rank_regression()).rows)["regular points"] == "none"


# ---- checks -----------------------------------------------------------------------------------------------------

MIXTURE = Density((1 - a) * normal(x, 0) + a * normal(x, b), {x: sp.S.Reals}, {a: sp.Interval(0, 1), b: sp.S.Reals})

C = sp.Symbol("c", real=True)  # the spread |a + 2c|: two parameters that enter as one
SPREAD = Density(
    sp.exp(-(x**2) / (2 * (a + 2 * C) ** 2)) / (sp.sqrt(2 * sp.pi) * sp.Abs(a + 2 * C)), {x: sp.S.Reals}, [a, C]
)

RIGHT = [
    ("narrow_information", (18 * w**4,)),
    ("narrow_information", (18 * sp.Symbol("w") ** 4,)),
    ("narrow_information", (sp.Matrix([18 * w**4]),)),
    ("notions", ({"cubic": (True, False), "coins": (False, True)},)),
    ("mixture_ranks", (np.array([2, 1, 1, 0]),)),
    ("mixture_ranks", ([sp.Integer(2), 1.0, 1, 0],)),
    ("own_model", (MIXTURE, np.array([0.5, 0]), np.array([1, 0]))),
    ("product_direction", ((2, -3),)),
    ("product_direction", (np.array([-4.0, 6.0]),)),
    ("mixture_ranks", ([2, 1, 1, 0],)),
    ("coins", ((0, 1, -2),)),
    ("coins", ((R(7, 3), -1, 2),)),
    ("notions", ({"cubic": ("yes", "no"), "coins": ("No", "yes")},)),
    ("own_model", (MIXTURE, (R(1, 2), 0), (1, 0))),
    ("own_model", (SPREAD, (1, 2), (2, -1))),
]

WRONG = [
    ("narrow_information", (9 * w**4,), "variance is ½"),
    ("narrow_information", (36 * w**4,), r"E\[\(x − w³\)²\]"),
    ("narrow_information", (6 * w**2,), "mean of the squared score"),
    ("narrow_information", (2,), "chain rule"),
    ("narrow_information", ("18 w^4",), "a text"),
    ("narrow_information", (18 * sp.Symbol("u") ** 4,), "own symbols"),
    ("narrow_information", (None,), "this is None"),
    ("product_direction", ((3, 2),), "gradient"),
    ("product_direction", ((2, 3),), "at the speed .* = 12"),
    ("product_direction", ((0, 0),), "zero vector"),
    ("product_direction", (sp.Matrix([[9, 6], [6, 4]]).nullspace(),), r"take its element \[0\]"),
    ("narrow_information", (sp.Matrix([9 * w**4]),), "variance is ½"),
    ("notions", ({"cubic": (True, True), "coins": (False, True)},), "9w⁴ is 0"),
    ("own_model", (Density(normal(x, a * b), {x: sp.S.Reals}, [a, b]), (2, 3), (2, -3)), r"N\(ab, 1\) is the lesson"),
    ("own_model", (Density(normal(x, b**3), {x: sp.S.Reals}, [b]), (0,), (1,)), r"N\(w³, 1\) is the lesson"),
    ("product_direction", ((1, 2, 3),), "2 components"),
    ("product_direction", (5,), "2 numbers"),
    ("product_direction", ((sp.I, 1),), "real"),
    ("product_direction", ((a, 1),), "real"),
    ("product_direction", ("2,-3",), "^A direction is wanted here: 2 numbers"),
    ("product_direction", ("23",), "^A direction is wanted here: 2 numbers"),
    ("product_direction", (("2", "-3"),), "^A direction is wanted here: 2 numbers"),
    ("product_direction", ((None, 1),), "^A direction is wanted here: 2 numbers"),
    ("product_direction", ({a: 2, b: -3},), "^A direction is wanted here: 2 numbers"),
    ("product_direction", ({"a": 2, "b": -3},), "^A direction is wanted here: 2 numbers"),
    ("mixture_ranks", ([2.5, 1, 1, 0],), "^Four whole numbers"),
    ("mixture_ranks", ("2110",), "^Four whole numbers"),
    ("mixture_ranks", (list("2110"),), "^Four whole numbers"),
    ("mixture_ranks", ([2, 1, 1, None],), "^Four whole numbers"),
    ("notions", ({"cubic": 5, "coins": ("no", "yes")},), "Two answers"),
    ("own_model", (MIXTURE, (R(1, 2), 0), 1), "^A direction has 2 components"),
    ("own_model", (MIXTURE, (R(1, 2), 0), "10"), "^A direction has 2 components"),
    ("own_model", (MIXTURE, (R(1, 2), 0), (None, 1)), "^What is given for a is no real number"),
    ("own_model", (MIXTURE, "10", (1, 0)), "^A point has 2 coordinates"),
    ("own_model", (MIXTURE, None, (1, 0)), "^A point has 2 coordinates"),
    ("mixture_ranks", ([2, 1, 1, 1],), r"At \(0, 0\) the rank is not 1"),
    ("mixture_ranks", ([2, 2, 1, 0],), r"At \(½, 0\)"),
    ("mixture_ranks", ([2, 1],), "Four ranks"),
    ("mixture_ranks", (2,), "Four whole numbers"),
    ("coins", ((0, 1, -1),), "right for a = 1/2"),
    ("coins", ((1, 0, 0),), "v_p ≠ 0"),
    ("coins", ((0, 1, 1),), "chance of heads"),
    ("coins", ((0, 2, -1),), "chance of heads"),
    ("notions", ({"cubic": ("no", "no"), "coins": ("no", "yes")},), "cubic: .* one-to-one"),
    ("notions", ({"cubic": ("yes", "no"), "coins": ("no", "no")},), "coins: .* rank 3"),
    ("notions", ({"cubic": ("yes", "no"), "coins": ("yes", "yes")},), "Swap"),
    ("notions", ({"cubic": ("perhaps", "no"), "coins": ("no", "yes")},), "Choose one of"),
    ("notions", ({"cubic": "yes", "coins": ("no", "yes")},), "Two answers"),
    ("notions", (("yes", "no"),), "dict"),
    ("own_model", (normal(x, a), (0,), (1,)), "Density"),
    ("own_model", (MIXTURE, (R(1, 2), 1), (1, 0)), "p moves"),
    ("own_model", (MIXTURE, (R(1, 2), 0), (0, 0)), "zero vector"),
    ("own_model", (MIXTURE, (2, 0), (1, 0)), "outside its range"),
]
WRONG = [(name, answers, re.compile(words)) for name, answers, words in WRONG]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
