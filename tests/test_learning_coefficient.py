import itertools
import re
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from sltcourse.lessons import learning_coefficient as lesson
from sltcourse.lessons.learning_coefficient import blow_ups, drawings, ours
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
w1, w2, w3 = sp.symbols("w1 w2 w3")
u, v, s = sp.symbols("u v s")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@pytest.fixture(scope="module")
def polygon():
    return lesson.live_polygon()


@pytest.mark.parametrize("a, b, c, d", list(itertools.product((0, 2, 8, 12), (0, 2, 6), (2, 4, 8), (0, 4, 12)))[::3])
def test_the_polygon_says_what_exact_arithmetic_says(polygon, a, b, c, d):
    K = w1**b * w2**c + (w1**a if a else 0) + (w2**d if d else 0)
    found, numbers = learning_coefficient(K, [w1, w2]), polygon.at(a=a, b=b, c=c, d=d)
    assert f"λ = {found.value}, m = {found.multiplicity}." in numbers["caption"]
    assert numbers["hit"] == (1 / found.value, 1 / found.value)
    (x1, y1), (x2, y2) = np.transpose(numbers["side"])[[0, -1]]
    t = float(1 / found.value)
    assert x1 <= t <= x2 and y1 >= t >= y2, "the gold side is the one that the ray enters"
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


@pytest.mark.parametrize(
    "K, h, words",
    [
        (w1**6 + w1**2 * w2**4, (0, 0), "The cheapest plan costs 1/3. λ = 1/3, m = 1."),
        (w1**6 + w1**2 * w2**4, (2, 0), "Prior |w₁|²: the ray enters at (9/2, 3/2). The cheapest plan costs 2/3."),
        ((w1**2 - w2**3) ** 2, (0, 0), "λ = 5/12, m = 1."),
        (sp.expand((w1 - w2) ** 2 * (w1 + w2) ** 4), (0, 0), "only a bound, for terms cancel: 1/4 ≤ λ ≤ 1/3"),
        ((w1**2 - w2**3) ** 2, (2, 1), "costs 13/12. That is only a bound, for terms cancel: λ = 1/2, m = 1"),
        (w1**40 + w2**60, (3, 0), "λ = 7/60, m = 1."),
    ],
)
def test_the_polygon_of_ones_own_loss(K, h, words):
    live = lesson.live_polygon(K)
    numbers = live.at(h1=h[0], h2=h[1])
    assert words in numbers["caption"]
    x, y = np.array(numbers["hit"], float)
    (low, high), (dx, dy) = live.fig.axes[0].get_xlim(), numbers["dots"]
    assert low < x < high and low < y < high and max(*dx, *dy) < high, "what is spoken of is in the picture"
    plan = np.array(numbers["best"], float)[:, 0]
    assert x * plan[0] + y * plan[1] == pytest.approx(1), "the ray enters on the plan's line"
    a, b = numbers["cost"][0][1], numbers["cost"][1][0]
    assert plan[0] / a + plan[1] / b == pytest.approx(1), "the cheapest plan lies on the line of equal cost"


@pytest.mark.parametrize(
    "K, error, words",
    [
        (lambda w: w[:, 0] ** 2, TypeError, "sympy expression of two symbols"),
        ("w1**2 + w2**2", TypeError, "sympy expression of two symbols"),
        (w1**2, ValueError, "two parameters, and this K has 1"),
        (w1**2 + w2**2 + w3**2, ValueError, "this K has 3"),
        (w1**2 + w2**2 + 1, ValueError, "not 0 at"),
        (w1**2 + w2**3, ValueError, "negative near"),
        (sp.sin(w1) ** 2 + w2**2, ValueError, "not a polynomial"),
        (0.5 * w1**2 + w2**2, TypeError, "rounded number"),
    ],
)
def test_what_has_no_polygon_is_refused(K, error, words):
    with pytest.raises(error, match=words):
        lesson.live_polygon(K)


def test_a_polygon_of_a_loss_that_does_not_vanish_is_refused():
    with pytest.raises(ValueError, match="no ray to follow"):
        lesson.models.polygon((0, 0), (2, 2))


# ---- blow-ups --------------------------------------------------------------------------------------------------------


def chain(name):
    """(K, jacobian) of a view of the live figure, by our own function."""
    first = ours.chart((w1**2 - w2**3) ** 2, 1, {w1: u * v, w2: u})
    second = ours.chart(*first, {u: u * v, v: v})
    return {
        "1: w₁ = u v, w₂ = u": first,
        "1, other chart: w₁ = u, w₂ = u v": ours.chart((w1**2 - w2**3) ** 2, 1, {w1: u, w2: u * v}),
        "2: u → u v": second,
        "2, other chart: v → u v": ours.chart(*first, {u: u, v: u * v}),
        "3: v → u s": ours.chart(*second, {u: u, v: u * s}),
        "3, other chart: u → v s": ours.chart(*second, {u: v * s, v: v}),
    }[name]


@pytest.mark.parametrize("name", blow_ups.VIEWS)
def test_each_view_draws_the_zeros_of_its_chart_with_their_fractions(name):
    K, jacobian = chain(name)
    view = blow_ups.VIEWS[name]
    across, up = (sp.Symbol(letter) for letter in view.axes)
    powers = dict(sp.factor_list(jacobian)[1])
    fractions = []
    for factor, power in sp.factor_list(K)[1]:
        zero = sp.lambdify((across, up), factor)
        (color,) = [
            c
            for c, (x, y) in view.after.items()
            if np.nanmax(np.abs(np.where(np.hypot(x, y) < 3, zero(x, y), 0))) < 1e-6
        ]
        ratio = sp.Rational(powers.get(factor, 0) + 1, power)
        assert sp.Rational(view.ratios[color][2]) == ratio
        fractions.append(ratio)
    assert len(fractions) == len(view.after) == len(view.ratios)
    told_K, told_jacobian = re.match(r"K = (.+), Jacobian (.+?)\.", view.says).groups()
    assert sp.expand(formula(told_K) - K) == 0
    assert sp.expand(formula(told_jacobian) ** 2 - jacobian**2) == 0


def formula(text):
    """A formula of a caption, with raised digits and spaces for products, as a sympy expression."""
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "**" + found[0].translate(RAISED), text.replace(" − ", "-"))
    return sp.sympify(text.replace(" ", "*"), locals={"u": u, "v": v, "s": s})


def test_the_cusp_opens_into_one_point_of_the_circle_and_the_dashed_line_is_one_direction_in_both_panels():
    live = lesson.live_blow_up()
    for open in live.controls["open"].values[1:]:
        shown = live.at(step="1: w₁ = u v, w₂ = u", open=open, angle=60)
        x, y = shown["curve before"]
        nearest = np.argsort(np.hypot(x, y))[:2]
        assert np.hypot(x, y)[nearest] == pytest.approx(open, abs=1e-3)
        assert x[nearest] == pytest.approx(0, abs=1e-3) and (y[nearest] > 0).all()
        assert np.hypot(*shown["blue circle"]) == pytest.approx(open)
    assert np.isnan(live.at(step="1: w₁ = u v, w₂ = u", open=0)["blue circle"][0]).all()
    assert live.at(step="1: w₁ = u v, w₂ = u", angle=60)["line in the chart"][0] == pytest.approx(1 / np.sqrt(3))
    other = live.at(step="1, other chart: w₁ = u, w₂ = u v", angle=45)["line in the chart"]
    assert other[0] == pytest.approx(1) and np.ptp(other[1]) > 2
    lying = live.at(step="2: u → u v", angle=45)["line in the chart"]
    assert lying[1] == pytest.approx(1) and np.ptp(lying[0]) > 2
    spec, tables = live.encode()
    assert not any("ask" in part for part in spec["parts"]), "the browser draws all of it"
    assert len(tables) < 2_000_000


# ---- networks --------------------------------------------------------------------------------------------------------


def test_networks():
    live = lesson.live_networks()
    assert "d = 200, d/2 = 100, λ = 37.5, m = 1" in live.at(H=10, L=2, r=0)["caption"]
    assert "λ = 27.5" in live.at(H=10, L=10, r=0)["caption"] and "λ = 50" in live.at(H=24, L=2, r=0)["caption"]
    assert "cannot represent" in live.at(H=3, L=2, r=4)["caption"]
    low, high = live.fig.axes[0].get_ylim()
    for H, L, r in itertools.product((1, 2, 24), (2, 3, 10), (0, 10)):
        for curve in ("λ width", "λ depth"):
            _, values = live.at(H=H, L=L, r=r)[curve]
            assert np.all(np.isnan(values) | ((low < values) & (values < high))), "no λ leaves the picture"
    widths, lam = live.at(H=10, L=3, r=4)["λ width"]
    assert np.isnan(lam[widths < 4]).all() and np.isfinite(lam[widths >= 4]).all()
    _, half = live.at(H=10, L=3, r=4)["d/2 width"]
    assert (lam[3:] <= half[3:]).all()
    assert "λ" not in repr(live).split("]", 1)[1].replace("How high is λ", ""), "the answer is hidden until the guess"


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


def test_the_pictures_that_stand_still():
    found = Fit(0.5, 0.01, 1, np.ones(1), np.ones(1), np.ones(1), 0.0, 0.0, 0.0, 1.0)
    fig = lesson.draw_four_ways({"cross": (Fraction(1, 2), found, 0.51)})
    assert [text.get_text() for text in fig.axes[0].get_yticklabels()] == ["cross,  λ = 1/2"]
    assert "2.0 %" in fig.get_label() and "0.0 standard errors" in fig.get_label()
    x, y, z = drawings.umbrella()
    assert np.abs(x**2 - y**2 * z).max() < 1e-12 and np.ptp(z) == 1
    assert "origin" in lesson.draw_umbrella().get_label()


def test_charts_are_typeset_on_a_line_each():
    shown = lesson.show_chart((w1**2, w1), (w2**4, sp.Integer(1))).data
    assert shown.count("Jacobian") == 2 and shown.count(r"\\") == 1 and "w_{2}^{4}" in shown


# ---- what the lesson says -------------------------------------------------------------------------------------------

LESSON = "04_learning_coefficient"


def test_a_monomial_that_is_not_even_lowers_the_coefficient_and_an_even_one_does_not():
    flat = w1**2 + w2**4
    lam = [search_coordinates(K, [w1, w2]).value for K in (flat, flat + 2 * w1 * w2**2, flat + 2 * w1**2 * w2**2)]
    assert lam == [Fraction(3, 4), Fraction(1, 2), Fraction(3, 4)]
    told(
        LESSON,
        "with positive coefficients",
        "λ falls from 3/4 to 1/2",
        "A monomial with an odd power or a negative coefficient may lower it",
    )


def test_blowing_up_points_need_not_end():
    """Whitney's umbrella, squared, comes back in a chart of the origin's blow-up; a line's blow-up resolves it."""
    K = (w1**2 - w2**2 * w3) ** 2
    chart = {w1: w1 * w3, w2: w2 * w3}
    assert sp.expand(K.subs(chart, simultaneous=True) - w3**4 * K) == 0
    *_, third = start(K, [w1, w2, w3]).blow_up([w1, w2, w3])
    assert "no normal crossings" in str(third)
    found = resolve(K, [w1, w2, w3])
    assert (found.learning_coefficient, found.multiplicity, len(found.charts)) == (Fraction(1, 2), 2, 3)
    told(LESSON, "Blowing up *points* need not end", "with well chosen centres, blow-ups end")


def test_weights_and_plan_are_the_same():
    lam, plan = ours.ray([(4, 0), (2, 3), (0, 6)])
    assert (lam, *(12 * plan)) == pytest.approx((5 / 12, 3, 2))
    told(LESSON, "The cusp's plan is (1/4, 1/6): your weights 3 and 2, over 12.")


def test_read_off_is_wrong_where_factors_are_no_coordinates():
    """As the lesson tells of the cusp's sharp point: 1/2 is what it says, and 5/12 is right."""
    cusp = (w1**2 - w2**3) ** 2
    assert ours.read_off(cusp, sp.Integer(1), {w1: 0, w2: 0}) == (sp.Rational(1, 2), 1)
    assert resolve(cusp, [w1, w2]).learning_coefficient == Fraction(5, 12)
    told(LESSON, "It says 1/2, and that is wrong.")


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
    assert found.sides == [(2, 4), (6, 0)]
    told(LESSON, "A gold side of the polygon is a gold point", "its coefficients are the plan (1/6, 1/6)")


def test_the_four_ways_show_what_was_measured():
    """The volume has its own errors, not numbers rounded to the grid of the right answers."""
    (shown,) = [
        output.text
        for cell in read(ROOT / "notebooks" / f"{LESSON}.ipynb").cells if cell.cell_type == "code"
        for output in cell.outputs if output.get("text", "").count(", volume ")
    ]  # fmt: skip
    rows = re.findall(r"pole (\d+)/(\d+), ray (\S+), volume (\S+) ± (\S+), m = (\d), F (\S+)", shown)
    assert [row[:2] for row in rows] == [("3", "4"), ("1", "2"), ("1", "3"), ("5", "12")]
    for over, under, ray, lam, se, m, slope in rows:
        exact = int(over) / int(under)
        assert float(ray) == pytest.approx(exact, abs=1e-4) and float(slope) == pytest.approx(exact, abs=0.01)
        assert 0 < float(se) < 0.02 and abs(float(lam) - exact) < 4 * float(se)
        assert m == ("2" if exact == 1 / 2 else "1")


def test_the_lesson_names_no_absent_deck_and_its_cells_can_be_run_in_any_order():
    assert "deck" not in prose(LESSON)
    assert shared_names(LESSON) == ({}, set())


# ---- the exercises ---------------------------------------------------------------------------------------------------


def forgets_the_determinant(K, jacobian, step):
    return sp.factor(K.subs(step, simultaneous=True)), sp.factor(sp.sympify(jacobian).subs(step, simultaneous=True))


def forgets_the_earlier_steps(K, jacobian, step):
    return ours.chart(K, 1, step)


def keeps_the_old_letters(K, jacobian, step):
    return ours.chart(K, 1, step)[0], sp.factor(jacobian * ours.chart(K, 1, step)[1])


def one_symbol_after_the_other(K, jacobian, step):
    return sp.factor(K.subs(step)), ours.chart(K, jacobian, step)[1]


def in_another_order(K, jacobian, step):
    new = sorted({x for e in step.values() for x in e.free_symbols}, key=str, reverse=True)
    own = sp.Matrix(list(step.values())).jacobian(new).det()
    jacobian = sp.sympify(jacobian).subs(step, simultaneous=True)
    return [sp.factor(K.subs(step, simultaneous=True)), sp.factor(own * jacobian)]


def pairs(K, jacobian, point):
    """(h, power in K, whether it vanishes at the point) of each factor of K."""
    h = dict(sp.factor_list(jacobian)[1])
    return [(h.get(f, 0), k, f.subs(point) == 0) for f, k in sp.factor_list(K)[1]]


def best(ratios):
    return min(ratios), ratios.count(min(ratios))


def highest(dots):
    alpha = np.array(dots)
    from scipy.optimize import linprog

    found = linprog(np.ones(alpha.shape[1]), A_ub=alpha, b_ub=np.ones(len(alpha)))
    return found.fun, found.x


WRONG = [
    ("chart", (forgets_the_determinant,), "lacks the determinant"),
    ("chart", (forgets_the_earlier_steps,), "earlier steps is lost"),
    ("chart", (keeps_the_old_letters,), "still written in the old symbols"),
    ("chart", (one_symbol_after_the_other,), "simultaneous=True"),
    ("chart", (lambda K, jacobian, step: ours.chart(K, jacobian, step)[0],), "two expressions are wanted"),
    ("chart", (lambda K, jacobian, step: (sp.expand(ours.chart(K, jacobian, step)[0]), u),), "sp.factor"),
    ("chart", (lambda K, jacobian, step: (ours.chart(K, jacobian, step)[0], sp.Abs(u)),), "leave its sign"),
    ("chart", (lambda K, jacobian, step: (K, jacobian),), "is wanted"),
    ("chart", (lambda K, step: K,), "it must take (K, jacobian, step)"),
    ("read_off", (lambda K, J, p: best([sp.Rational(h + 1, k) for h, k, _ in pairs(K, J, p)]),), "vanish at the point"),
    ("read_off", (lambda K, J, p: best([sp.Rational(h, k) for h, k, z in pairs(K, J, p) if z]),), "one more"),
    ("read_off", (lambda K, J, p: best([sp.Rational(1, k) for _, k, z in pairs(K, J, p) if z]),), "does not come in"),
    ("read_off", (lambda K, J, p: (ours.read_off(K, J, p)[0] * 2, ours.read_off(K, J, p)[1]),), "2k already"),
    (
        "read_off",
        (lambda K, J, p: (ours.read_off(K, J, p)[0], len([1 for *_, z in pairs(K, J, p) if z])),),
        "not of all",
    ),
    ("read_off", (lambda K, J, p: ours.read_off(K, J, p)[0],), "2 results are wanted"),
    ("umbrella", ({w1: w1 * w3, w2: w2 * w3, w3: w3},), "It is back"),
    ("umbrella", ({w1: w1, w2: w1 * w2, w3: w3},), "Look into the other"),
    ("umbrella", ({w1: w1, w2: w2, w3: w3},), "nothing has been blown up"),
    ("umbrella", ({w1: w1, w2: w1, w3: w3},), "flattens"),
    ("umbrella", ({w1: w1 * w2, w2: w2},), "a symbol that stays stands for itself"),
    ("umbrella", ({w1: u * v, w2: u, w3: w3},), "polynomials in w1, w2 and w3"),
    ("umbrella", ((w1 * w2, w2, w3),), "A dict is wanted"),
    ("umbrella", ({w1: w1 * w2, w2: w2, w3: w2 * w3},), "not yet like coordinates"),
    ("ray", (highest,), "turn both signs"),
    ("ray", (lambda dots: (1 / ours.ray(dots)[0], ours.ray(dots)[1]),), "that is t"),
    ("ray", (lambda dots: ours.ray(dots)[0],), "two results are wanted"),
    ("ray", (lambda dots: (1.0, np.full(len(dots[0]), 0.5)),), "there is one for"),
    ("ray", (lambda dots: (0.1, np.full(len(dots[0]), 0.01)),), "< 1 for one of the dots"),
    ("ray", (lambda dots: (9.0, ours.ray(dots)[1]),), "Its cost is"),
    ("ray", (lambda dots: (9.0, np.ones(7)),), "shape (7,)"),
    ("weights", (3, 2, 0.35), "should be the same"),
    ("weights", (5, 2, 0.7), "square"),
    ("weights", (5, 2, 0.3), "one more"),
    ("weights", (-5, -2, 0.35), "positive"),
    ("weights", (2.5, 1, 0.35), "whole numbers"),
    ("weights", ([5], 2, 0.35), "whole numbers"),
    ("weights", ("5", 2, [1]), "A number is wanted"),
    ("weights", (5, 2, sp.Rational(5, 12)), "text's cusp"),
    ("coordinates", (5 / 8,), "Which power"),
    ("coordinates", (0.75,), "only a bound"),
    ("coordinates", (0.5,), "still there"),
]

RIGHT = [
    ("chart", (ours.chart,)),
    ("chart", (in_another_order,)),
    ("read_off", (ours.read_off,)),
    ("read_off", (lambda K, J, p: best([Fraction(int(h) + 1, k) for h, k, z in pairs(K, J, p) if z]),)),
    ("umbrella", ({w1: w1 * w2, w2: w2, w3: w3},)),
    ("umbrella", ({w1: -w1 * w2, w2: w2, w3: 2 * w3},)),
    ("ray", (ours.ray,)),
    ("ray", (lambda dots: (sp.nsimplify(ours.ray(dots)[0], rational=True), list(ours.ray(dots)[1])),)),
    ("weights", (5, 2, 0.35)),
    ("weights", (10, 4, sp.Rational(7, 20))),
    ("coordinates", (0.6,)),
]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
