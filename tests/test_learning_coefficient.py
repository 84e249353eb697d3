import itertools
import re
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from sltcourse.lessons import learning_coefficient as lesson
from sltcourse.theory.blow_up import resolve, start
from sltcourse.theory.models import CATALOGUE
from sltcourse.theory.newton import learning_coefficient, search_coordinates
from sltcourse.theory.quadrature import Posterior
from sltcourse.theory.volume import Fit
from sltcourse.theory.zeta import monomial_zeta
from tests.cells import shared_names, told
from tests.cells import text as prose
from tests.exercises import exercise_tests
from tests.notebooks.lessons import ROOT, read

check = lesson.check
w1, w2 = sp.symbols("w1 w2")


@pytest.fixture(scope="module")
def polygon():
    return lesson.live_polygon()


@pytest.mark.parametrize("a, b, c, d", list(itertools.product((0, 2, 8, 12), (0, 2, 6), (2, 4, 8), (0, 4, 12)))[::3])
def test_the_polygon_says_what_exact_arithmetic_says(polygon, a, b, c, d):
    K = w1**b * w2**c + (w1**a if a else 0) + (w2**d if d else 0)
    found, numbers = learning_coefficient(K, [w1, w2]), polygon.at(a=a, b=b, c=c, d=d)
    assert f"λ = {found.value}, m = {found.multiplicity}." in numbers["caption"]
    assert numbers["hit"] == (1 / found.value, 1 / found.value)
    x = np.array(numbers["best"], float)
    assert x.sum(0) == pytest.approx(float(found.value))
    dots = np.array([alpha for alpha in ((a, 0), (b, c), (0, d)) if any(alpha)])
    assert (dots @ x >= 1 - 1e-12).all(), "the cheapest plan makes all monomials small"
    assert (len({tuple(plan) for plan in x.T}) == 2) == (found.multiplicity == 2)


def test_corners_of_polygon_and_region(polygon):
    numbers = polygon.at(a=12, b=2, c=2, d=12)
    x, y = numbers["polygon"]
    assert {(0, 12), (2, 2), (12, 0)} <= set(zip(x, y, strict=True))
    x, y = numbers["region"]
    corners = np.unique(np.round([x, y], 6), axis=1).T
    assert [0.083333, 0.416667] in corners.tolist() and [0.416667, 0.083333] in corners.tolist()


def test_networks():
    live = lesson.live_networks()
    assert "d = 200, d/2 = 100, λ = 37.5, m = 1" in live.at(H=10, L=2, r=0)["caption"]
    assert "λ = 27.5" in live.at(H=10, L=10, r=0)["caption"] and "λ = 50" in live.at(H=24, L=2, r=0)["caption"]
    assert "cannot represent" in live.at(H=3, L=2, r=4)["caption"]
    low, high = live.fig.axes[0].get_ylim()
    for H, L, r in itertools.product((1, 2, 24), (2, 3, 10), (0, 10)):
        for curve in ("λ width", "λ depth", "d/2 width", "d/2 depth"):
            _, values = live.at(H=H, L=L, r=r)[curve]
            assert np.all(np.isnan(values) | ((low < values) & (values < high))), "nothing leaves the picture"
    widths, lam = live.at(H=10, L=3, r=4)["λ width"]
    assert np.isnan(lam[widths < 4]).all() and np.isfinite(lam[widths >= 4]).all()
    _, half = live.at(H=10, L=3, r=4)["d/2 width"]
    assert (lam[3:] <= half[3:]).all()


@pytest.mark.parametrize("name", lesson.FOUR_WAYS)
def test_polynomials_are_those_of_the_catalogue(name):
    """Equal as functions, or (for the tanh unit) between two multiples near 0; and λ, m are the catalogue's."""
    K, loss = lesson.FOUR_WAYS[name], CATALOGUE[name]
    variables = sorted(K.free_symbols, key=str)
    w = np.random.default_rng(0).uniform(-1, 1, (200, loss.d))
    ratio = loss.K(w) / sp.lambdify(variables, K)(*w.T)
    assert np.allclose(ratio, 1) if name != "tanh unit" else 0.05 < ratio.min() < ratio.max() < 1
    found = search_coordinates(K, variables)
    assert (found.exact, found.value, found.multiplicity) == (True, loss.lam, loss.m)


@pytest.mark.parametrize("name", ["flat valley", "cross", "uneven cross", "Newton edge", "cusp"])
def test_coefficient_of_log_n(name):
    loss, n = CATALOGUE[name], np.geomspace(1e2, 1e5, 13)
    F = Posterior(loss.K, loss.box, n, tolerance=1e-6).free_energy.value
    assert lesson.log_n_coefficient(n, F, loss.m) == pytest.approx(float(loss.lam), rel=0.02)


def test_coefficient_of_log_n_of_a_known_curve():
    s = np.log(n := np.geomspace(1e3, 1e6, 12))
    assert lesson.log_n_coefficient(n, 0.4 * s - 2 * np.log(s + 3) + 7, 3) == pytest.approx(0.4, abs=2e-3)


def test_the_pictures_that_stand_still():
    assert len(lesson.draw_blow_ups().axes) == 4
    found = Fit(0.5, 0.01, 1, np.ones(1), np.ones(1), np.ones(1), 0.0, 0.0, 0.0, 1.0)
    (ax,) = lesson.draw_four_ways({"cross": (Fraction(1, 2), found, 0.51)}).axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["cross,  λ = 1/2"]


# ---- what the lesson says -------------------------------------------------------------------------------------------

LESSON = "04_learning_coefficient"


def test_a_monomial_that_is_not_even_lowers_the_coefficient_and_an_even_one_does_not():
    flat = w1**2 + w2**4
    lam = [search_coordinates(K, [w1, w2]).value for K in (flat, flat + 2 * w1 * w2**2, flat + 2 * w1**2 * w2**2)]
    assert lam == [Fraction(3, 4), Fraction(1, 2), Fraction(3, 4)]
    told(LESSON, "with positive coefficients", "λ falls from 3/4 to 1/2", "an odd power or a negative coefficient may")


def test_blowing_up_points_need_not_end():
    """Whitney's umbrella, squared, comes back in a chart of the origin's blow-up; a line's blow-up resolves it."""
    w3 = sp.Symbol("w3")
    K = (w1**2 - w2**2 * w3) ** 2
    chart = {w1: w1 * w3, w2: w2 * w3}
    assert sp.expand(K.subs(chart, simultaneous=True) - w3**4 * K) == 0
    *_, third = start(K, [w1, w2, w3]).blow_up([w1, w2, w3])
    assert "no normal crossings" in str(third)
    found = resolve(K, [w1, w2, w3])
    assert (found.learning_coefficient, found.multiplicity, len(found.charts)) == (Fraction(1, 2), 2, 3)
    told(LESSON, "Not if one blows up nothing but points", "with well chosen centres, blow-ups end")


def test_three_charts_of_the_weights_cover_the_cusp():
    u, v = sp.symbols("u v")
    bracket = w1**2 - w2**3
    for (first, second), left in (((u**3 * v, u**2), v**2 - 1), ((u**3 * v, -(u**2)), v**2 + 1),
                                  ((u**3, u**2 * v), 1 - v**3)):  # fmt: skip
        assert sp.expand(bracket.subs({w1: first, w2: second}, simultaneous=True) - u**6 * left) == 0
        assert sp.Matrix([first, second]).jacobian([u, v]).det() / u**4 in (-2, 2, 3, -3)


def test_the_coefficient_is_the_rlct_of_the_loss_and_half_that_of_the_ideal():
    """K = f² has its pole at −λ, |f|^z at −2λ: w has 1, w² has 1/2, and they are told apart."""
    assert monomial_zeta(w1**2, [w1]).poles[0].location == Fraction(-1, 2)
    z = sp.Symbol("z", positive=True)
    assert sp.integrate(sp.Symbol("x", positive=True) ** z, (sp.Symbol("x", positive=True), 0, 1)) == 1 / (z + 1)
    told(LESSON, "It is the same number.", "λ of K is half of *their* number")


def test_what_happens_on_the_border():
    """More than d/2 needs a truth outside the model or a narrow corner; with the truth in the model the slope is 0."""
    eps = sp.Symbol("epsilon", positive=True)
    x = sp.Symbol("x", positive=True)
    volume = sp.integrate(2 * sp.sqrt(eps - x), (x, 0, eps))  # w1 + w2² <= eps, w1 >= 0
    assert sp.simplify(volume / eps ** sp.Rational(3, 2)) == sp.Rational(4, 3)  # λ = 3/2
    found = []
    for level in (1e-6, 1e-8):  # 0 <= w2 <= w1², w1² + w2² <= level
        w = np.linspace(0, np.sqrt(level), 200_001)
        found.append(np.trapezoid(np.minimum(w**2, np.sqrt(np.maximum(level - w**2, 0))), w))
    assert np.log(found[0] / found[1]) / np.log(100) == pytest.approx(3 / 2, abs=1e-3)
    x = np.linspace(-10, 11, 40_001)
    normal, other = stats.norm.pdf(x), stats.norm.pdf(x - 1)
    for a in (1e-3, 1e-4):
        K = -np.trapezoid(normal * np.log1p(a * (other / normal - 1)), x)
        assert a**2 * 0.85 < K < a**2 * 0.86  # (e − 1)/2 = 0.859
    told(LESSON, "on $0 \\le w_2 \\le w_1^2$ the regular loss $w_1^2 + w_2^2$ has λ = 3/2", "K ≈ 0.86 a²")


def test_a_line_on_the_left_is_a_point_on_the_right():
    """The side's equation x·α = 1 is a plan that obeys all constraints and costs λ."""
    found = lesson.models.polygon((6, 0), (2, 4))
    assert found.best == [(Fraction(1, 6), Fraction(1, 6))] and found.lam == Fraction(1, 3)
    told(LESSON, "a line on the left is a point on the right", "the plan is (1/6, 1/6)")


def test_the_table_shows_what_was_measured():
    """The column of V(ε) has its own errors, not numbers rounded to the grid of the right answers."""
    (table,) = [
        output.data["text/html"]
        for cell in read(ROOT / "notebooks" / f"{LESSON}.ipynb").cells if cell.cell_type == "code"
        for output in cell.outputs if "log n in F" in output.get("data", {}).get("text/html", "")
    ]  # fmt: skip
    found = re.findall(r"(\d\.\d{3}) ± (\d\.\d{3})", table)
    assert len(found) == len(lesson.FOUR_WAYS)
    for (lam, se), name in zip(found, lesson.FOUR_WAYS, strict=True):
        assert 0 < float(se) < 0.03 and abs(float(lam) - float(CATALOGUE[name].lam)) < 4 * float(se) + 0.002


def test_the_lesson_names_no_absent_deck_and_its_cells_can_be_run_in_any_order():
    assert "deck" not in prose(LESSON)
    assert shared_names(LESSON) == ({}, set())


# ---- the exercises ---------------------------------------------------------------------------------------------------

WRONG = [
    ("design", (w1**6 * w2**4,), "m = 2 needs a tie"),
    ("design", (w1**2 * w2**2,), "largest power"),
    ("design", (w1**6 + 1,), "not 0 at"),
    ("design", (w1**6 * sp.Symbol("w3") ** 6,), "w1 and w2 only"),
    ("design", (w1**3,), "negative near"),
    ("design", (w1**3 * w2**3,), "every power has to be even"),
    ("design", (sp.Rational(1, 6),), "not 0 at"),
    ("weights", (3, 2, 0.35), "should be the same"),
    ("weights", (5, 2, 0.7), "square"),
    ("weights", (5, 2, 0.3), "one more"),
    ("weights", (-5, -2, 0.35), "positive"),
    ("weights", (2.5, 1, 0.35), "whole numbers"),
    ("weights", ([5], 2, 0.35), "whole numbers"),
    ("weights", ("5", 2, [1]), "A number is wanted"),
    ("by_hand", (3.2, 1), "λ = 1/t"),
    ("by_hand", (0.25, 1), "passes below"),
    ("by_hand", (1 / 3, 1), "text's example"),
    ("weights", (5, 2, sp.Rational(5, 12)), "text's cusp"),
    ("coordinates", (5 / 8,), "Which power"),
    ("by_hand", (5 / 16, 2), "corner"),
    ("coordinates", (0.75,), "only a bound"),
    ("coordinates", (0.5,), "still there"),
    ("wide", (6000,), "d/2"),
    ("wide", (35,), "half"),
]

RIGHT = [
    ("design", (w1**6 * w2**6,)),
    ("design", (3 * (w1 - w2) ** 6 * w2**6,)),
    ("weights", (5, 2, 0.35)),
    ("weights", (10, 4, sp.Rational(7, 20))),
    ("by_hand", (sp.Rational(5, 16), 1)),
    ("coordinates", (0.6,)),
    ("wide", (Fraction(35, 2),)),
]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
