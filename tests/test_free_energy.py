"""Lesson 06: its models against integrals done another way, its live figures' numbers, its checks' verdicts."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, optimize

from sltcourse.lessons import free_energy as lesson
from sltcourse.lessons.free_energy import MODELS, POLYGONS, K, check
from sltcourse.theory import asymptotics
from sltcourse.theory.quadrature import Posterior
from tests.cells import shared_names, told
from tests.cells import text as prose

LESSON = "06_free_energy"


def z(loss, n, low, high, points):
    """∫ exp(−n loss) over a line, by scipy's adaptive rule."""
    value, _ = integrate.quad(
        lambda w: np.exp(-n * loss(w)), low, high, points=points, epsabs=0, epsrel=1e-11, limit=400
    )
    return value


# ---- the models -----------------------------------------------------------------------------------------------


def test_the_curve_is_singular_at_0_and_true_at_1():
    w = sp.Symbol("w")
    mu = sp.Matrix([sp.Rational(3, 25) * (1 - w**8), 6 * w**3 * (1 - w)])
    loss = sp.expand(mu.dot(mu) / 2)
    speed = sp.diff(mu, w)
    assert speed.subs(w, 0) == sp.zeros(2, 1) and mu.subs(w, 1) == sp.zeros(2, 1)
    series = sp.series(loss - sp.Rational(9, 1250), w, 0, 8).removeO()
    assert sp.Poly(series, w).as_dict() == {(6,): 18, (7,): -36}  # a minimum of order 6: λ = 1/6
    assert sp.diff(loss, w, 2).subs(w, 1) == pytest.approx(lesson.models.SPEED**2 + 64 * lesson.models.HEIGHT**2)
    points = np.linspace(-1, 1.2, 7)
    assert K(points[:, None]) == pytest.approx([float(loss.subs(w, x)) for x in points], rel=1e-12)


@pytest.mark.parametrize("n", [1.0, 30.0, 424.0, 3000.0])
def test_wells_of_the_curve(n):
    def one(w):
        return K(np.array([[w]]))[0]

    simple, accurate = (z(one, n, *side) / 2.2 for side in ((-1, 0.75, [0, 0.3]), (0.75, 1.2, [1, 1.02])))
    exact = MODELS["curve"].exact(np.array([n]))
    assert np.ravel(exact) == pytest.approx(-np.log([simple, accurate]), rel=1e-8)
    share = lesson.curve_posterior(n).mass(lambda w: w[:, 0] > lesson.RIDGE).value
    assert share == pytest.approx(accurate / (simple + accurate), rel=1e-8)


def test_shares_told_in_the_text():
    n = np.array([1.0, 30.0, 50.0])
    share = lesson.curve_posterior(n).mass(lambda w: w[:, 0] > lesson.RIDGE).value
    assert 100 * share == pytest.approx([22.8, 12.5, 12.1], abs=0.06)


def test_two_charts_against_one_dimensional_integrals():
    n = 700.0
    simple, accurate = (float(F[0]) for F in MODELS["two charts"].exact(np.array([n])))
    cross, _ = integrate.dblquad(lambda a, b: np.exp(-n * (a * b) ** 2 / 2), 0, 1, 0, 1, epsabs=1e-10)
    assert simple == pytest.approx(n * 0.002 - np.log(cross), rel=1e-6)
    assert accurate == pytest.approx(-2 * np.log(z(lambda w: w * w / 2, n, 0, 1, [0.1])), rel=1e-9)


def test_cube_and_cubic_against_the_three_dimensional_rule():
    n = 300.0
    simple, accurate = (float(F[0]) for F in MODELS["cube and cubic"].exact(np.array([n])))
    cube = Posterior(lambda w: np.sum(w**2, axis=1) / 2, [(0, 1)] * 3, n).free_energy.value
    assert accurate == pytest.approx(cube, rel=1e-9)
    assert simple == pytest.approx(n * 0.005 - np.log(z(lambda w: w**6 / 2, n, 0, 1, [0.3])), rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_formulas_tend_to_the_exact_free_energies(name):
    model, n = MODELS[name], np.array([1e3, 1e5])
    for well, exact in zip((model.simple, model.accurate), model.exact(n), strict=True):
        error = np.abs(well.whole_pole(n) - exact)
        assert error[1] < 0.02 and error[1] <= error[0] + 1e-9
        rough = np.abs(well.with_constant(n) - exact)
        assert rough[1] < 0.15


CRITICAL = {  # leading, − (m − 1) log log n, + constant, whole pole, exact
    "curve": (256.88, 256.88, 421.76, 421.76, 424.11),
    "two charts": (1885.49, 3046.52, 2528.73, 2613.96, 2613.96),
    "cube and cubic": (2031.01, 2031.01, 1883.53, 1883.53, 1883.53),
}
FORMS = ("leading", "with_multiplicity", "with_constant", "whole_pole", "exact")


@pytest.mark.parametrize("name", MODELS)
def test_critical_n(name):
    assert [MODELS[name].critical_n(form) for form in FORMS] == pytest.approx(CRITICAL[name], abs=0.01)


def test_shares_around_the_critical_n_of_the_two_charts():
    model = MODELS["two charts"]
    n = model.critical_n("exact") * np.array([0.25, 0.5, 1, 2, 4])
    shares = 1 / (1 + np.exp(-model.advantage(n, "exact")))
    assert shares == pytest.approx([0.0446, 0.1008, 0.5, 0.9919, 1.0], abs=6e-5)


def test_an_unknown_form_is_refused():
    assert asymptotics.FORMS == FORMS
    with pytest.raises(ValueError, match="'constant' is no form.*with_constant"):
        MODELS["curve"].advantage(np.array([100.0]), "constant")


def test_constants_make_a_transition_of_their_own():
    """ΔL/Δλ = 0.6 exceeds 1/e, and yet 0.2 + w⁶ and 200 w² change places; so do two wells of equal λ."""
    n = np.array([1.0, 1000.0])
    for simple, accurate in (
        (lambda w: 0.2 + w[:, 0] ** 6, lambda w: 200 * w[:, 0] ** 2),
        (lambda w: 0.01 + w[:, 0] ** 2 / 200, lambda w: 50 * w[:, 0] ** 2),
    ):
        lead = Posterior(simple, [(-1, 1)], n).free_energy.value - Posterior(accurate, [(-1, 1)], n).free_energy.value
        assert lead[0] < 0 < lead[1]


def test_the_estimate_at_temperature_1_is_lost_in_the_noise_of_the_data():
    """Regular mean, n = 1000: nβ(E_β[L_n] − L_n(w0)) is 0.0 ± 0.7 at β = 1 and 0.43 ± 0.10 at β = 1/log n."""
    n, rng = 1000, np.random.default_rng(0)
    for beta, expected, deviation in ((1.0, 0.0, 0.71), (1 / np.log(n), 0.43, 0.10)):
        estimates = []
        for x_bar in rng.normal(size=200) / np.sqrt(n):

            def loss(w, x_bar=x_bar):
                return w[:, 0] ** 2 / 2 - x_bar * w[:, 0]  # L_n(w) − L_n(0)

            post = Posterior(loss, [(-1, 1)], n, beta=beta, breakpoints=[x_bar])
            estimates.append(n * beta * post.expectation(loss).value)
        assert np.mean(estimates) == pytest.approx(expected, abs=3 * deviation / np.sqrt(200))
        assert np.std(estimates) == pytest.approx(deviation, rel=0.4)


def test_the_baseline_at_the_trained_point_has_no_bias_and_the_true_one_has():
    """Regular mean: from L_n(w0) the estimate is ½ − βz²/2, a bias of −βd/2; from L_n(ŵ) it is ½ for every data set."""
    n, x_bar = 1000, 0.04
    for beta in (1.0, 1 / np.log(n), 0.03):

        def loss(w):
            return w[:, 0] ** 2 / 2 - x_bar * w[:, 0]

        energy = Posterior(loss, [(-3, 3)], n, beta=beta, breakpoints=[x_bar]).expectation(loss).value
        assert n * beta * energy == pytest.approx(0.5 - beta * n * x_bar**2 / 2, abs=1e-6)
        assert n * beta * (energy + x_bar**2 / 2) == pytest.approx(0.5, abs=1e-6)
    told(LESSON, "a bias of −βd/2", "From Lₙ(ŵ) it is right on every data set and at every β", "15 % too low")
    assert (0.5 - 1 / np.log(n) / 2) / 0.5 == pytest.approx(0.855, abs=5e-3)


def test_the_bump_of_the_shadow_is_the_second_well():
    """λ(n) less n w0⁶/2 times the plateau's share rises from 1/6 to 1/2 without the bump; one well has no bump."""
    n = 10.0 ** np.arange(4, 9.01, 0.05)

    def loss(w):
        return (w[:, 0] ** 3 - 0.1**3) ** 2 / 2

    post = Posterior(loss, [(-1, 1)], n, breakpoints=[0.0, 0.05, 0.1])
    slope = n * post.expectation(loss).value
    share = post.mass(lambda w: w[:, 0] < 0.05).value
    assert slope.max() == pytest.approx(0.865, abs=0.006)
    assert (slope - n * 0.1**6 / 2 * share).max() < 0.56
    for one_well in (lambda w: w[:, 0] ** 6 + 1e-4 * w[:, 0] ** 2, lambda w: w[:, 0] ** 4 + 1e-3 * w[:, 0] ** 2):
        wide = 10.0 ** np.arange(0, 12.1, 0.5)
        assert (wide * Posterior(one_well, [(-1, 1)], wide).expectation(one_well).value).max() < 0.5
    told(LESSON, "up to 0.86", "acts as a second well", "It is the bump of section 7 again")
    gap, beta = lesson.models.GAP, 1 / np.log(2000)  # of section 8: nβΔL times the wrong well's share, and the wells'
    left = 1 - lesson.curve_posterior(2000, beta=beta).mass(lambda w: w[:, 0] > lesson.RIDGE).value
    found = 2000 * beta * lesson.curve_posterior(2000, beta=beta).expectation(K).value
    assert found == pytest.approx(left * (2000 * beta * gap + 1 / 6) + (1 - left) / 2, abs=0.05)


def test_the_accurate_well_gains_first_loses_then_and_wins_at_last():
    n, beta = np.array([1, 1, 1, 50, 1000]), np.array([1e-6, 0.3, 1, 1, 1])
    share = 100 * lesson.curve_posterior(n, beta=beta).mass(lambda w: w[:, 0] > lesson.RIDGE).value
    assert share[:4] == pytest.approx([20.45, 23.6, 22.7, 12.1], abs=0.06) and share[4] > 50
    told(LESSON, "The very first sample does help it, from 20 % to 23 %", "goes up to 72")
    assert K(np.array([[-1.0]]))[0] == pytest.approx(72)


def test_losses_that_were_once_refused_are_integrated_without_breakpoints():
    """The lesson hands over the edge of a region only."""
    n = np.array([30.0, 1e6])
    bare = Posterior(K, [(-1, 1.2)], n).free_energy.value
    assert bare == pytest.approx(lesson.curve_posterior(n).free_energy.value, abs=1e-9)
    parabola = Posterior(lambda w: (w[:, 0] - 0.33) ** 2, [(-1, 1)], [1e6]).free_energy.value[0]
    assert parabola == pytest.approx(np.log(2) + np.log(1e6 / np.pi) / 2, abs=1e-8)


def test_single_data_sets_jump_more_steeply_than_the_population():
    """Between sizes a factor 1.33 apart: 97 % of data sets rise more in one step than the population's 0.21."""
    w = np.unique(np.r_[np.linspace(-1, lesson.RIDGE, 400), np.linspace(lesson.RIDGE, 1.2, 700)])
    loss, mean, steps = K(w[:, None]), lesson.mean(w), np.geomspace(10, 1e4, 25).round()

    def rise(x_bar):
        exponent = -steps[:, None] * (loss - x_bar @ mean)
        p = np.gradient(w) * np.exp(exponent - exponent.max(axis=1, keepdims=True))
        return np.diff(p[:, w > lesson.RIDGE].sum(axis=1) / p.sum(axis=1)).max()

    rng, population = np.random.default_rng(7), rise(np.zeros((25, 2)))
    new = rng.normal(size=(300, 25, 2)) * np.sqrt(np.diff(steps, prepend=0))[:, None]
    rises = np.array([rise(x_bar) for x_bar in new.cumsum(axis=1) / steps[:, None]])
    assert population == pytest.approx(0.21, abs=0.01)
    assert np.median(rises) > 1.5 * population and (rises > population).mean() > 0.9
    told(LESSON, "With real data, every data set jumps elsewhere", "the data do not soften the jump")


def test_what_the_lesson_calls_its_terms():
    said = prose(LESSON)
    assert "deck" not in said and said.count("accuracy") <= 2  # "the literature calls it accuracy"
    assert "**charts**" in said and said.index("**charts**") < said.index("Drag n over the two charts")
    told(LESSON, "Do not take that for a confirmation", "middle four fifths of the data sets between 280 and 620")
    assert shared_names(LESSON) == ({}, set())


def test_critical_n_takes_the_last_crossing_and_refuses_none():
    assert lesson.critical_n(lambda n: n * 0.2 - 18 * np.log(n)) == pytest.approx(571.31, abs=0.01)
    with pytest.raises(ValueError, match="exceeds 1/e"):
        lesson.critical_n(lambda n: n * 0.0 + 1)
    with pytest.raises(ValueError, match="never wins"):
        lesson.critical_n(lambda n: -np.log(n))


def test_lambert_crossings():
    for d_lambda, d_loss in ((18, 0.2), (1.5, 0.02), (1, 0.36)):
        low, high = lesson.lambert_crossings(d_lambda, d_loss)
        assert 1 < low < np.e < high
        for n in (low, high):
            assert n * d_loss == pytest.approx(d_lambda * np.log(n), rel=1e-9)
    assert lesson.lambert_crossings(1, np.exp(-1)) == (np.e, np.e)
    with pytest.raises(ValueError, match="exceeds 1/e"):
        lesson.lambert_crossings(1, 0.5)
    for bad in ((0, 1), (1, 0), (-1, 0.1), (1, -0.1)):
        with pytest.raises(ValueError, match="needs Δλ > 0 and ΔL > 0"):
            lesson.lambert_crossings(*bad)


# ---- the toy model of superposition ---------------------------------------------------------------------------


def test_superposition_loss_against_quadrature_over_inputs():
    x = (np.arange(20000) + 0.5) / 20000
    rng = np.random.default_rng(1)
    for W, b in [(rng.normal(size=(2, 6)), rng.normal(size=6) / 3) for _ in range(3)] + [lesson.polygon(5)]:
        total = 0.0
        for i in range(6):
            inputs = np.outer(x, np.eye(6)[i])
            total += np.mean(np.sum((inputs - np.maximum(inputs @ W.T @ W + b, 0)) ** 2, axis=1)) / 6
        assert lesson.superposition_loss(W, b) == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("k", POLYGONS)
def test_polygons_are_critical_and_have_the_loss_of_the_table(k):
    W, b = lesson.polygon(k)

    def loss(free):
        return lesson.superposition_loss(
            np.column_stack([free[: 2 * k].reshape(2, k), W[:, k:]]), np.r_[free[2 * k :], b[k:]]
        )

    free = np.r_[W[:, :k].ravel(), b[:k]]
    assert np.max(np.abs(optimize.approx_fprime(free, loss, 1e-6))) < 1e-5
    assert loss(free) == pytest.approx((POLYGONS[k][2] + 6 - k) / 18, abs=1e-6)


def test_polygons_cross_at_601():
    L = {k: lesson.superposition_loss(*lesson.polygon(k)) for k in POLYGONS}
    norm = {k: sum((p**2).sum() for p in lesson.polygon(k)) for k in POLYGONS}
    for price, critical in (((norm[6] - norm[5]) / 2, 601), (0.0, 445)):
        n = lesson.critical_n(lambda n, price=price: n * (L[5] - L[6]) - 1.5 * np.log(n) - price)
        assert n == pytest.approx(critical, abs=0.5)


# ---- live figures and pictures ---------------------------------------------------------------------------------


def test_live_jump_moves_the_posterior():
    live = lesson.live_jump()
    for n in (1, 32, 10000):
        now = live.at(n=n)
        assert f"n = {n:,}".replace(",", "\u202f") in now["caption"]
        balls = [np.isfinite(now[f"{side} draws"][0]).sum() for side in ("simple", "accurate")]
        heights = np.r_[now["simple draws"][1], now["accurate draws"][1]]
        assert np.nanmax(heights) < 0, "no draw stands where a loss is read off"
        assert sum(balls) == 80
        w, p = now["simple density"]
        area = np.trapezoid(p, w) + np.trapezoid(*now["accurate density"][::-1])
        assert area == pytest.approx(1, abs=0.02)
        assert np.trapezoid(p, w) == pytest.approx(balls[0] / 80, abs=0.02)
    assert "> 99 %" in now["caption"] and balls[1] == 80


def test_live_charts_fade_into_each_other():
    live = lesson.live_charts()
    first, early, late = live.at(n=1), live.at(n=501), live.at(n=10000)
    assert early["cross"].max() > 0.9 > 0.25 > early["point"].max() > 0.15  # 4 %, and can be seen
    assert late["cross"].max() < 0.01 and late["point"].max() > 0.99
    assert early["cross"].max() ** 2 + early["point"].max() ** 2 == pytest.approx(1, abs=1e-6)  # the shares
    n, share = first["so far"]
    assert np.isfinite(share).sum() == 1 and share[0] == pytest.approx(0.5, abs=0.1)  # the rest is not told yet
    assert np.isfinite(late["so far"][1]).all() and len(n) == len(share)


def test_live_phases_finds_the_crossings():
    live = lesson.live_phases()
    d_loss = live.controls["d_loss"].values
    now = live.at(d_lambda=4, d_loss=d_loss[0])
    n, y = now["critical"]
    assert y == pytest.approx(4 * np.log(n)) and n > 1e5
    gone = live.at(d_lambda=1, d_loss=d_loss[-1])
    assert np.isnan(gone["critical"][0]) and "do not meet" in gone["caption"]
    left = live.fig.axes[0]
    for complexity in live.controls["d_lambda"].values:
        n, y = live.at(d_lambda=complexity, d_loss=d_loss[0])["critical"]
        assert left.get_xlim()[0] < n < left.get_xlim()[1] and left.get_ylim()[0] < y < left.get_ylim()[1]
    start = live.controls["d_loss"].start
    assert d_loss[start - 8] == pytest.approx(d_loss[start] / 10)  # "ten times smaller" is on the slider


def test_live_shadow_reads_one_sixth_then_one_half():
    live = lesson.live_shadow()
    assert live.at(w0=0.1, n=1e3)["now"][1] == pytest.approx(1 / 6, abs=0.003)
    assert live.at(w0=0.1, n=1e10)["now"][1] == pytest.approx(1 / 2, abs=0.003)
    assert live.at(w0=0.0, n=1e10)["now"][1] == pytest.approx(1 / 6, abs=1e-6)
    w, height = live.at(w0=0.325, n=1e10)["posterior"]
    assert height.max() == 1 and w[height.argmax()] == 0.325  # the spike is drawn, however narrow
    n, slope = live.at(w0=0.1)["slope"]
    assert slope.max() > 0.8
    assert np.interp(1 / 3, slope[slope.argmax() - 24 : slope.argmax()], n[slope.argmax() - 24 : slope.argmax()]) == (
        pytest.approx(lesson.checks.SHADOW_END, rel=0.03)
    )


def test_pictures_are_drawn():
    import matplotlib.pyplot as plt

    fig = lesson.draw_curve()
    lesson.draw_polygon(fig.axes[0], 5, "black")
    assert fig.axes[0].get_title(loc="left") == "5-gon"
    plt.close(fig)


def test_without_the_shift_the_constant_alone_is_left():
    well = MODELS["two charts"].simple
    n = np.array([1e3, 1e4])
    assert replace(well, shift=0.0).whole_pole(n) == pytest.approx(well.with_constant(n))


# ---- the checks ------------------------------------------------------------------------------------------------

n = sp.Symbol("n", positive=True)
ANSWERS = {
    "odds": (
        np.exp(-6.4) / (np.exp(-6.4) + np.exp(-8.1)),
        {
            0.1545: "share of the simple well",
            np.exp(1.7): "odds",
            0.00166: "divide it by the sum",
            84.55: "between 0 and 1",
            0.83: "three digits",
            0.84: "three digits",
            0.85: "three digits",
            1.7: "difference of the two",
        },
    ),
    "slope": (
        0.75,
        {
            1.0: "d/2",
            0.5: "only w1's share",
            0.7667: "not the slope",
            1.727: "divide by log 10",
            0.3257: "base 10",
            1.333: "one over the slope",
            -0.75: "sign",
        },
    ),
    "best_radius": (
        (7 / (6 * n)) ** sp.Rational(1, 6),
        {
            (6 * n / 7) ** sp.Rational(1, 6): "other way up",
            n ** -sp.Rational(1, 6): "constant is not",
            "0.3": "expression",
            (1 / (6 * n / 7) ** sp.Rational(1, 6),) * 2: "a tuple",
            (7 / (6 * n)) ** 0.1667: "sp.Rational",
        },
    ),
    "critical_sample_size": (
        571.3,
        {
            90 * np.log(90): "first step",
            1.0113: "spurious",
            90: "Solve for n",
            110: "not sums",
            (1.0113, 571.3): "one n is wanted",
        },
    ),
    "shadow": (
        64 * 5.33e5,
        {
            5.33e5 / 64: "multiply",
            8 * 5.33e5: "square",
            2 * 5.33e5: "higher power",
            16 * 5.33e5: "higher power",
            32 * 5.33e5: "power 6, not 5",
            5.33e5: "w0 = 0.1",
            6.4e7: "factor in front is in `end`",
        },
    ),
    "critical_temperature": (
        0.10603,
        {9.43: "give β", 0.1206: "WBIC", 424.1: "asks for β", 0.212: "n = 2000", 0.11: "within 1 %"},
    ),
}


def test_decimals_that_python_makes_of_a_right_formula_are_right():
    for answer in (
        (7 / (6 * n)) ** (1 / 6),
        1 / (6 * n / 7) ** (1 / 6),
        (sp.Float(7) / (6 * sp.Symbol("n"))) ** (1 / 6),
    ):
        assert check.best_radius(answer).state == "Right"
    assert check.odds(0.845).state == check.odds(0.846).state == "Right"


def test_every_check_is_tested():
    assert set(check.names) == set(ANSWERS)


@pytest.mark.parametrize("name", ANSWERS)
def test_checks(name):
    verdict = getattr(check, name)
    right, wrong = ANSWERS[name]
    assert verdict(right).state == "Right"
    assert verdict(...).state == "Not answered"
    for answer, says in wrong.items():
        said = verdict(answer)
        assert said.state == "Not yet" and says in said.reason, (answer, said)
    for nonsense in ("a text", [1, 2], None, np.ones(3)):
        assert verdict(nonsense).state == "Not yet"


def test_the_shadow_of_a_nearer_truth_is_64_times_longer():
    def slope(n, w0):
        def loss(w):
            return (w[:, 0] ** 3 - w0**3) ** 2 / 2

        return n * Posterior(loss, [(-1, 1)], n, breakpoints=[0, w0]).expectation(loss).value

    assert slope(lesson.checks.SHADOW_END, 0.1) == pytest.approx(1 / 3, abs=1e-3)
    assert slope(64 * lesson.checks.SHADOW_END, 0.05) == pytest.approx(1 / 3, abs=2e-3)


def test_exercise_two_has_the_answer_it_checks():
    F = Posterior(lambda w: w[:, 0] ** 2 + w[:, 1] ** 4, [(-1, 1)] * 2, [1e5, 1e6]).free_energy.value
    assert check.slope((F[1] - F[0]) / np.log(10)).state == "Right"
    assert "not the slope" in check.slope(F[1] / np.log(1e6)).reason
