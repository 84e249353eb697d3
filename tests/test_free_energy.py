"""Lesson 06: its models against integrals done another way, its live figures' numbers, its checks' verdicts."""

import time
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from scipy import integrate
from scipy.special import expit, gamma

from sltcourse.lessons import free_energy as lesson
from sltcourse.lessons.free_energy import MODELS, check, guess, models, ours, two_wells
from sltcourse.lessons.free_energy.models import CURVE, K
from sltcourse.theory import asymptotics, superposition_model
from sltcourse.theory.quadrature import Posterior
from tests.cells import shared_names
from tests.cells import text as prose
from tests.exercises import exercise_tests

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
    assert sp.diff(loss, w, 2).subs(w, 1) == pytest.approx(models.SPEED**2 + 64 * models.HEIGHT**2)
    points = np.linspace(-1, 1.2, 7)
    assert K(points[:, None]) == pytest.approx([float(loss.subs(w, x)) for x in points], rel=1e-12)


@pytest.mark.parametrize("n", [1.0, 30.0, 424.0, 3000.0])
def test_wells_of_the_curve(n):
    def one(w):
        return K(np.array([[w]]))[0]

    simple, accurate = (z(one, n, *side) / 2.2 for side in ((-1, 0.75, [0, 0.3]), (0.75, 1.2, [1, 1.02])))
    exact = MODELS["curve"].exact(np.array([n]))
    assert np.ravel(exact) == pytest.approx(-np.log([simple, accurate]), rel=1e-8)
    share = models.curve_posterior(n).mass(lambda w: w[:, 0] > models.RIDGE).value
    assert share == pytest.approx(accurate / (simple + accurate), rel=1e-8)


def test_shares_told_in_the_text():
    n = np.array([1.0, 30.0, 50.0])
    share = models.curve_posterior(n).mass(lambda w: w[:, 0] > models.RIDGE).value
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
    gap, beta = models.GAP, 1 / np.log(2000)  # of section 8: nβΔL times the wrong well's share, and the wells'
    left = 1 - models.curve_posterior(2000, beta=beta).mass(lambda w: w[:, 0] > models.RIDGE).value
    found = 2000 * beta * models.curve_posterior(2000, beta=beta).expectation(K).value
    assert found == pytest.approx(left * (2000 * beta * gap + 1 / 6) + (1 - left) / 2, abs=0.05)


def test_the_accurate_well_gains_first_loses_then_and_wins_at_last():
    n, beta = np.array([1, 1, 1, 50, 1000]), np.array([1e-6, 0.3, 1, 1, 1])
    share = 100 * models.curve_posterior(n, beta=beta).mass(lambda w: w[:, 0] > models.RIDGE).value
    assert share[:4] == pytest.approx([20.45, 23.6, 22.7, 12.1], abs=0.06) and share[4] > 50
    assert K(np.array([[-1.0]]))[0] == pytest.approx(72)


def test_losses_that_were_once_refused_are_integrated_without_breakpoints():
    """The lesson hands over the edge of a region only."""
    n = np.array([30.0, 1e6])
    bare = Posterior(K, [(-1, 1.2)], n).free_energy.value
    assert bare == pytest.approx(models.curve_posterior(n).free_energy.value, abs=1e-9)
    parabola = Posterior(lambda w: (w[:, 0] - 0.33) ** 2, [(-1, 1)], [1e6]).free_energy.value[0]
    assert parabola == pytest.approx(np.log(2) + np.log(1e6 / np.pi) / 2, abs=1e-8)


def test_single_data_sets_jump_more_steeply_than_the_population():
    """Between sizes a factor 1.33 apart: 97 % of data sets rise more in one step than the population's 0.21."""
    w = np.unique(np.r_[np.linspace(-1, models.RIDGE, 400), np.linspace(models.RIDGE, 1.2, 700)])
    loss, mean, steps = K(w[:, None]), models.mean(w), np.geomspace(10, 1e4, 25).round()

    def rise(x_bar):
        exponent = -steps[:, None] * (loss - x_bar @ mean)
        p = np.gradient(w) * np.exp(exponent - exponent.max(axis=1, keepdims=True))
        return np.diff(p[:, w > models.RIDGE].sum(axis=1) / p.sum(axis=1)).max()

    rng, population = np.random.default_rng(7), rise(np.zeros((25, 2)))
    new = rng.normal(size=(300, 25, 2)) * np.sqrt(np.diff(steps, prepend=0))[:, None]
    rises = np.array([rise(x_bar) for x_bar in new.cumsum(axis=1) / steps[:, None]])
    assert population == pytest.approx(0.21, abs=0.01)
    assert np.median(rises) > 1.5 * population and (rises > population).mean() > 0.9


def test_what_the_lesson_calls_its_terms():
    said = prose(LESSON)
    assert "deck" not in said and said.count("accuracy") <= 1  # what the literature calls minus the misfit
    assert shared_names(LESSON) == ({}, set())


def test_the_polygons_of_the_text_cross_at_445():
    loss = {k: (superposition_model.PUBLISHED[k][2] + 6 - k) / 18 for k in (5, 6)}
    n = ours.critical_size(loss[5], 7, loss[6], 8.5)
    assert n == pytest.approx(445, abs=0.5) and "critical_size(0.06874, 7, 0.04819, 8.5)" in code()
    assert loss == pytest.approx({5: 0.06874, 6: 0.04819}, abs=1e-5)


# ---- two wells of one's own ------------------------------------------------------------------------------------

w = sp.Symbol("w")
OWN = [
    ((1 / 4, 0.01, 0.3), (1 / 2, 0.0, 0.1)),
    ((1 / 6, 0.004, 0.5), (1 / 2, 0.001, 0.2)),
    (sp.Rational(1, 500) + 40 * (w + 0.4) ** 6 * (1 + w**2), 10 * (sp.exp(w - 0.5) - 1) ** 2),
    (0.01 + 300 * (w - 0.4) ** 4, (1 / 2, 0.0, 0.1)),
]


def test_the_curve_is_integrated_as_by_the_adaptive_rule():
    n = np.geomspace(1, 1e6, 13)
    assert np.array(CURVE.free_energies(n)) == pytest.approx(np.array(MODELS["curve"].exact(n)), abs=1e-7)
    quick = CURVE.free_energies(n, checked=False)
    assert np.array(quick) == pytest.approx(np.array(CURVE.free_energies(n)), abs=1e-6)
    assert CURVE.critical_n() == pytest.approx(424.11, abs=0.01) and CURVE.depths == pytest.approx((0.0072, 0))


@pytest.mark.parametrize("pair", OWN[:3])
def test_own_wells_are_integrated_as_by_the_adaptive_rule(pair):
    wells, n = two_wells(*pair), np.array([3.0, 1e3, 1e5])
    post = Posterior(wells.K, [wells.box], n, breakpoints=[*wells.places, wells.ridge])
    for F, side in zip(wells.free_energies(n), (True, False), strict=True):
        exact = post.region_free_energy(lambda x, side=side: wells.simple_side(x[:, 0]) == side)
        assert pytest.approx(exact.value, abs=1e-6) == F
    turn = wells.critical_n()
    simple, accurate = wells.free_energies(np.array([turn]))
    assert simple == pytest.approx(accurate, abs=1e-8)


def test_a_width_is_the_constant_of_the_law():
    (lam, depth, width), n = (1 / 4, 0.01, 0.3), np.array([1e3, 1e5])
    simple, _ = two_wells((lam, depth, width), (1 / 2, 0, 0.1)).free_energies(n)
    assert simple == pytest.approx(n * depth + lam * np.log(n) - np.log(width * gamma(lam + 1)), abs=1e-6)


def test_a_ridge_joins_the_wells_and_the_sides_may_be_exchanged():
    pair = OWN[0]
    wells = two_wells(*pair)
    around = wells.ridge + np.array([-1e-9, 1e-9])
    assert wells.K(around[:, None]) == pytest.approx(wells.K(around[::-1, None]), abs=1e-5)
    mirror = two_wells(0.01 + ((w - 0.5) / 0.3) ** 4, ((w + 0.5) / 0.1) ** 2)
    assert mirror.places == pytest.approx((0.5, -0.5), abs=1e-3) and mirror.lam is None
    assert mirror.critical_n() == pytest.approx(wells.critical_n(), rel=1e-6)


@pytest.mark.parametrize(
    ("simple", "accurate", "said"),
    [
        ((0.3, 0.01, 1), (1 / 2, 0, 0.1), "1/2, 1/4, 1/6"),
        ((0, 0.01, 1), (1 / 2, 0, 0.1), "λ = 0"),
        ((1 / 4, -0.1, 1), (1 / 2, -0.2, 0.1), "from 0 on"),
        ((1 / 4, 0.1, 1e-5), (1 / 2, 0, 0.1), "0.001 to 10"),
        ((1 / 4, 0, 0.3), (1 / 2, 0, 0.1), "must be the worse one"),
        ((1 / 4, 0.1, 10), (1 / 2, 0, 10), "no ridge"),
        (w**2 + sp.Symbol("u"), (1 / 2, 0, 1), "one symbol"),
        (w**2 - 1, (1 / 2, 0, 1), "never negative"),
        (1 / w**2, (1 / 2, 0, 1), "not finite"),
        (2 + w, (1 / 2, 0, 1), "at the edge"),
    ],
)
def test_what_makes_no_two_wells_is_refused(simple, accurate, said):
    for build in (two_wells, lesson.live_jump, lesson.live_wells):
        with pytest.raises(ValueError, match=said):
            build(simple, accurate)
    assert said.lower() in check.design(simple, accurate).reason.lower()


def test_other_refusals():
    for wrong in (3, "a well", (1, 2), ("a", 0, 1), lambda x: x):
        with pytest.raises(TypeError, match="the first well"):
            two_wells(wrong, (1 / 2, 0, 0.1))
    with pytest.raises(TypeError, match="give both"):
        lesson.live_jump((1 / 2, 0, 0.1))
    rough = two_wells((1 / 4, 0.2, 0.3), sp.sin(200 * w) ** 2 + (w - 0.5) ** 2)
    with pytest.raises(ArithmeticError, match="rougher than they resolve"):
        rough.free_energies(np.array([1e4]))
    with pytest.raises(ArithmeticError, match="rougher"):
        lesson.live_wells((1 / 4, 0.2, 0.3), sp.sin(200 * w) ** 2 + (w - 0.5) ** 2)


@pytest.mark.parametrize("pair", [OWN[0], OWN[2]])
def test_live_wells_moves_the_jump(pair):
    live = lesson.live_wells(*pair)
    gaps = live.controls["gap"].values
    start = live.at()
    assert start["turn"][0] == pytest.approx(two_wells(*pair).critical_n(), rel=0.002)
    n, share = start["share"]
    assert np.interp(np.log(start["turn"][0]), np.log(n), share) == pytest.approx(0.5, abs=0.02)
    assert live.at(gap=gaps[4])["turn"][0] > 1.5 * start["turn"][0] > live.at(gap=gaps[8])["turn"][0]
    wider, narrower = live.at(s=2.0)["turn"][0], live.at(a=2.0)["turn"][0]
    assert wider > start["turn"][0] > narrower
    gap, s, a = gaps[3], 0.5, 2**0.5
    if isinstance(pair[0], tuple):
        (lam, _, width), (lam2, low, width2) = pair
        exact = two_wells((lam, low + gap, width * s), (lam2, low, width2 * a)).critical_n()
        assert live.at(gap=gap, s=s, a=a)["turn"][0] == pytest.approx(exact, rel=0.002)


def test_live_wells_says_what_cannot_be_drawn():
    live = lesson.live_wells((1 / 4, 0.1, 0.6), (1 / 2, 0.0, 0.6))
    gone = live.at(gap=live.controls["gap"].values[-1], s=2.0**1.5, a=2.0**1.5)
    assert "no ridge" in gone["caption"] and np.isnan(gone["turn"][0]) and np.isnan(gone["share"][1]).all()
    always = live.at(gap=live.controls["gap"].values[-1], s=2.0**-1.5, a=1.0)
    assert "the accurate well leads" in always["caption"]


@pytest.mark.parametrize("pair", OWN)
def test_live_jump_takes_own_wells(pair):
    live, wells = lesson.live_jump(*pair), two_wells(*pair)
    for n in (1, live.controls["n"].values[40], 100_000):
        now = live.at(n=n)
        x, p = now["simple density"]
        simple, accurate = wells.free_energies(np.array([float(n)]))
        share = expit(accurate - simple)[0]
        assert np.trapezoid(p, x) == pytest.approx(share, abs=0.02)
        assert np.isfinite(now["simple draws"][0]).sum() == pytest.approx(80 * share, abs=2)
    assert "guess" not in repr(live) and "guess" in repr(lesson.live_jump())


def test_the_live_figures_are_ready_soon_and_are_tables():
    yard = time.process_time()
    np.linalg.eigvalsh(np.random.default_rng(0).normal(size=(600, 600)))
    yard = time.process_time() - yard
    begin = time.process_time()
    live = lesson.live_wells(*OWN[0])
    spec, blob = live.encode()
    assert time.process_time() - begin < 200 * yard + 6  # measured: 2 s beside 0.04
    assert not any("ask" in part for part in spec["parts"]) and len(blob) < 2_000_000


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


def test_the_first_jump_hides_its_answer():
    live = lesson.live_jump()
    spec, _ = live.encode()
    shown = [part for i, part in enumerate(spec["parts"]) if i not in spec["guess"]["hides"]]
    assert len(shown) == 1 and shown[0]["kind"] == "line"  # the place of n
    assert "424" not in repr(live) and "424" not in live.alt


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


def test_pictures_have_their_words_and_tell_no_answer():
    import matplotlib.pyplot as plt

    n = np.geomspace(10, 1e5, 5)
    figures = [
        lesson.draw_curve(),
        lesson.draw_remainders(n, {"w²": n, "w⁶": n, "w₁² w₂²": n}, {"w²": n, "w⁶": n, "w₁² w₂²": n}),
        lesson.draw_bills(n, {"w²": np.ones((5, 2)), "w⁶": np.ones((5, 2))}),
        lesson.draw_data_sets(n, np.ones((3, 5)), np.ones(5)),
        lesson.draw_heat(np.geomspace(0.02, 1, 5), np.ones(5), np.ones(5), np.ones(5), 0.13),
    ]
    labels = [fig.get_label() for fig in figures]
    assert all(len(label) > 40 for label in labels) and len(set(labels)) == 5
    assert not any(answer in label for label in labels[1:] for answer in ("0.81", "1/6", "1.65", "steep"))
    plt.close("all")


def test_without_the_shift_the_constant_alone_is_left():
    well = MODELS["two charts"].simple
    n = np.array([1e3, 1e4])
    assert replace(well, shift=0.0).whole_pole(n) == pytest.approx(well.with_constant(n))


# ---- what the learner writes ------------------------------------------------------------------------------------


def code():
    from tests.notebooks.lessons import ROOT, read

    cells = read(ROOT / "notebooks" / f"{LESSON}.ipynb").cells
    return "\n".join(c.source for c in cells if c.cell_type == "code")


def test_our_free_energy_and_bill_against_quadrature():
    line = np.linspace(-1, 1, 20_001)
    line, flat, cell = (line[1:] + line[:-1]) / 2, np.full(20_000, 1 / 2), 1e-4
    for power in (2, 6):
        post = Posterior(lambda x, power=power: 0.01 + x[:, 0] ** power, [(-1, 1)], 3e4)
        assert ours.free_energy(0.01 + line**power, flat, cell, 3e4) == pytest.approx(post.free_energy.value, abs=1e-6)
        misfit, complexity = ours.bill(0.01 + line**power, flat, cell, 3e4)
        energy = 3e4 * post.expectation(lambda x, power=power: 0.01 + x[:, 0] ** power).value
        assert misfit == pytest.approx(energy, rel=1e-6) == pytest.approx(300 + 1 / power, rel=1e-6)
        p = np.exp(post.log_density(line[:, None]))
        assert complexity == pytest.approx(np.sum(p * np.log(np.maximum(p, 1e-300) / flat) * cell), abs=1e-5)
    half = np.where(line > 0, 1.0, 0.0)
    assert np.isfinite(ours.bill(line**2, half, cell, 100)).all()


def test_our_critical_size_is_lamberts():
    for d_lambda, d_loss in ((18, 0.2), (1.5, 0.02), (1, 0.36), (1, 0.3)):
        assert ours.critical_size(d_loss, 0, 0, d_lambda) == pytest.approx(
            asymptotics.lambert_crossings(d_lambda, d_loss)[1], rel=1e-4
        )
    for none in ((0.3, 1, 0.3, 2), (0.5, 3, 0.3, 1), (1, 0, 0, 2), (1, 2, 0.5, 2)):
        assert np.isnan(ours.critical_size(*none))


def plain(loss, prior, cell, n):
    return -np.log(np.sum(np.exp(-n * loss) * prior * cell))


def keep_top(loss, prior, cell, n):
    terms = -n * loss + np.log(prior * cell)
    return -np.log(np.exp(terms - terms.max()).sum())


def no_prior(loss, prior, cell, n):
    terms = -n * loss
    return -terms.max() - np.log(np.exp(terms - terms.max()).sum() * cell)


def log_z(*grid):
    return -ours.free_energy(*grid)


def by_definition(loss, prior, cell, n):
    p = np.exp(ours.free_energy(loss, prior, cell, n) - n * loss) * prior
    there = p > 0
    return np.sum(p * n * loss) * cell, np.sum(p[there] * np.log(p[there] / prior[there])) * cell


def no_n(loss, prior, cell, n):
    F = ours.free_energy(loss, prior, cell, n)
    misfit = np.sum(np.exp(F - n * loss) * prior * cell * loss)
    return misfit, F - n * misfit


def first_step(L1, lam1, L2, lam2):
    r = (lam2 - lam1) / (L1 - L2) if L1 != L2 else 0
    return r * np.log(r) if r > np.e else np.nan


def always(L1, lam1, L2, lam2):
    n = 100.0
    for _ in range(100):
        n = abs((lam2 - lam1) / (L1 - L2)) * np.log(n)
    return n


GOOD = (1 / 4, (np.log(1000) / 4 + np.log(3 * gamma(1.25) / gamma(1.5))) / 1000, 0.3), (1 / 2, 0, 0.1)
test_right_answers, test_wrong_answers, test_untouched = exercise_tests(
    check,
    right=[
        ("free_energy", (ours.free_energy,)),
        ("bill", (ours.bill,)),
        ("bill", (by_definition,)),
        ("critical_size", (ours.critical_size,)),
        ("design", GOOD),
        ("design", (GOOD[0], (1 / 2, 0, 0.098))),
        ("design", (0.00285 + (w / 0.3 + 0.5 / 0.3) ** 4, GOOD[1])),
        ("shadow", (64 * 5.33e5,)),
    ],
    wrong=[
        ("free_energy", (plain,), "underflows"),
        ("free_energy", (keep_top,), "not put back"),
        ("free_energy", (no_prior,), "prior is missing"),
        ("free_energy", (log_z,), "minus it"),
        ("free_energy", (lambda loss, prior, cell, n: loss,), "shape"),
        ("free_energy", (3,), "A function is wanted"),
        ("bill", (no_n,), "n is missing"),
        ("bill", (lambda *grid: ours.bill(*grid)[::-1],), "misfit first"),
        ("bill", (lambda *grid: ours.free_energy(*grid),), "2 results"),
        ("critical_size", (first_step,), "first step"),
        ("critical_size", (always,), "no change-over"),
        ("critical_size", (lambda L1, lam1, L2, lam2: 571.31,), "no change-over"),
        ("design", ((1 / 4, 0.01, 0.3), (1 / 2, 0, 0.1)), "n = 250"),
        ("design", ((1 / 4, 0.001, 0.3), (1 / 2, 0, 0.1)), "earlier"),
        ("design", ((1 / 2, 0.005, 0.3), (1 / 2, 0, 0.05)), "have no say"),
        ("design", ((1 / 2, 0.01, 0.1), (1 / 4, 0, 0.5)), "wins already"),
        ("design", (0.01, 0.1), "expression"),
        ("shadow", (5.33e5 / 64,), "multiply"),
        ("shadow", (8 * 5.33e5,), "square"),
        ("shadow", (2 * 5.33e5,), "higher power"),
        ("shadow", (16 * 5.33e5,), "higher power"),
        ("shadow", (32 * 5.33e5,), "power 6, not 5"),
        ("shadow", (5.33e5,), "w0 = 0.1"),
        ("shadow", (6.4e7,), "factor in front is in `end`"),
    ],
)


def test_every_case_of_the_checks_is_needed():
    """A wrong function for each kind of case is not taken."""
    for name in ("free_energy", "bill", "critical_size"):
        verdict = getattr(check, name)
        assert verdict(lambda *arguments: None).state == "Not yet"
        assert verdict(lambda *arguments: np.nan).state == "Not yet"


# ---- the guesses -------------------------------------------------------------------------------------------------


def test_the_answers_of_the_guesses():
    one = CURVE.free_energies(np.array([30.0]))
    assert 100 / (1 + np.exp(one[1] - one[0]))[0] == pytest.approx(12.5, abs=0.05) and guess.share.answer == "12.5 %"
    hot, beta = 2000 / np.log(2000), 1 / np.log(2000)
    assert beta == pytest.approx(0.13, abs=0.002)
    assert hot * models.curve_posterior(hot).expectation(K).value == pytest.approx(1.65, abs=0.005)
    assert guess.trap.answer == "1.65" and guess.shadow.answer == "0.167"
    for ratio in (3, 30, 3000):
        n, more = (ours.critical_size(1, 0, 0, r) for r in (ratio, 10 * ratio))
        assert more > 10 * n
    assert guess.factor.answer == "more than 10" and guess.remainder.answer == "w₁² w₂²"


def test_the_shadow_of_a_nearer_truth_is_64_times_longer():
    def slope(n, w0):
        def loss(w):
            return (w[:, 0] ** 3 - w0**3) ** 2 / 2

        return n * Posterior(loss, [(-1, 1)], n, breakpoints=[0, w0]).expectation(loss).value

    assert slope(lesson.checks.SHADOW_END, 0.1) == pytest.approx(1 / 3, abs=1e-3)
    assert slope(64 * lesson.checks.SHADOW_END, 0.05) == pytest.approx(1 / 3, abs=2e-3)
