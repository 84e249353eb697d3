import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import gamma, hyp1f1

from sltcourse.lessons import generalization as lesson
from sltcourse.lessons.generalization import GRIDS, MEANS
from sltcourse.theory.mean_models import expected_error, normal_mean, power_mean
from tests.cells import shared_names, told
from tests.cells import text as prose
from tests.exercises import exercise_tests

check = lesson.check


def expected_F(model, n, variance=None):
    return normal_mean(lambda t: model.free_energy(n, t), variance or n)


def expected_G(model, n):
    return expected_F(model, n + 1) - expected_F(model, n)


def expected_T(model, n):
    return expected_F(model, n + 1, n + 3) - expected_F(model, n)


# ---- the lesson's claims ----------------------------------------------------------------------------------------


def test_expected_bayes_errors_settle_as_the_lesson_says():
    for n in (100, 1000):
        for name, lam in (("regular", 1 / 2), ("cubic", 1 / 6)):
            assert expected_G(MEANS[name], n) == pytest.approx(lam * np.log(1 + 1 / n), rel=2e-4)
    found = [n * expected_G(MEANS["product"], n) for n in (10**2, 10**3, 10**4, 10**6)]
    np.testing.assert_allclose(found, [0.3005, 0.3647, 0.3972, 0.4303], atol=6e-5)
    for n, value in zip((10**3, 10**4, 10**6), found[1:], strict=True):
        x = np.log(n) + np.euler_gamma
        z = np.linspace(-8, 8, 1601)
        psi = np.array([np.mean(np.log(np.abs(v + stats.norm.ppf((np.arange(4000) + 0.5) / 4000)))) for v in z[::20]])
        variance = np.trapezoid(stats.norm.pdf(z[::20]) * (psi + np.euler_gamma / 2) ** 2, z[::20])
        assert value == pytest.approx(0.5 - 1 / x - 4 * variance / x**3, abs=2e-3 / np.log10(n))


@pytest.mark.parametrize("name", MEANS)
def test_bayes_error_is_the_divergence_of_the_predictive(name):
    model, n, t = MEANS[name], 40, 9.0
    p = model.posterior(n, t)

    def integrand(x):
        return -stats.norm.pdf(x) * np.log(p @ np.exp(x * model.delta - model.delta**2 / 2))

    exact, _ = integrate.quad(integrand, -9, 9, epsabs=1e-12)
    assert lesson.generalization_error(model, n, t) == pytest.approx(exact, abs=1e-10)
    assert normal_mean(lambda t: lesson.generalization_error(model, n, t), n) == pytest.approx(
        expected_G(model, n), abs=1e-10
    )
    assert 2e4 * expected_error(model, 2e4) == pytest.approx(2e4 * expected_G(model, 2e4), rel=1e-4)


@pytest.mark.parametrize("name", MEANS)
def test_simulated_errors_by_brute_force_and_on_average(name):
    model, n = MEANS[name], 30
    G, T, V = lesson.simulate_means(model, n, 3, np.random.default_rng(5))
    x = np.random.default_rng(5).normal(size=(3, n))
    for i in range(3):
        A = np.outer(x[i], model.delta) - model.delta**2 / 2
        p = model.prior * np.exp(A.sum(axis=0))
        p /= p.sum()
        assert T[i] == pytest.approx(-np.mean(np.log(np.exp(A) @ p)), abs=1e-6)
        assert V[i] == pytest.approx(np.sum(A**2 @ p - (A @ p) ** 2), abs=1e-5)
        assert G[i] == pytest.approx(lesson.generalization_error(model, n, x[i].sum()), abs=1e-6)
    G, T, _ = lesson.simulate_means(model, n, 4000, np.random.default_rng(1))
    assert G.mean() == pytest.approx(expected_G(model, n), abs=4 * G.std() / np.sqrt(4000))
    assert T.mean() == pytest.approx(expected_T(model, n), abs=4 * T.std() / np.sqrt(4000))


def fluctuation(lam):
    """ν = E[Var(s)]/2 with p(s) ∝ exp(zs − s²/2)|s|^(2λ−1): moments from Kummer's functions."""

    def variance(z):
        M = hyp1f1(lam, 1 / 2, z**2 / 2)
        first = 2 * lam * z * hyp1f1(lam + 1, 3 / 2, z**2 / 2) / M  # d log M / dz
        return 2 * lam + z * first - first**2  # ⟨s²⟩ = 2λ + z⟨s⟩

    return integrate.quad(lambda z: stats.norm.pdf(z) * variance(z) / 2, -12, 12)[0]


@pytest.mark.parametrize("name, lam", [("regular", 1 / 2), ("cubic", 1 / 6)])
def test_the_four_errors(name, lam):
    model, n, nu = MEANS[name], 10**4, fluctuation(lam)
    assert nu == pytest.approx({"regular": 0.5, "cubic": 0.2784}[name], abs=5e-5)

    def gibbs(t):
        return model.posterior(n, t) @ (model.delta**2 / 2)

    def gibbs_training(t):
        return gibbs(t) - t / n * (model.posterior(n, t) @ model.delta)

    assert n * expected_G(model, n) == pytest.approx(lam, abs=1e-4)
    assert n * expected_T(model, n) == pytest.approx(lam - 2 * nu, abs=2e-4)
    assert n * normal_mean(gibbs, n) == pytest.approx(lam + nu, abs=2e-4)
    assert n * normal_mean(gibbs_training, n) == pytest.approx(lam - nu, abs=2e-4)


def test_error_and_waic_add_to_two_lambda_on_each_data_set():
    for name, n in (("regular", 3000), ("cubic", 3000)):
        G, T, V = lesson.simulate_means(MEANS[name], n, 200, np.random.default_rng(2))
        total = n * (G + T) + V
        assert np.std(total) < 0.03 < 0.2 < np.std(n * G)
        assert total.mean() == pytest.approx(2 * MEANS[name].lam, abs=0.01)
        assert np.corrcoef(n * G, n * T + V)[0, 1] < -0.95


def test_wbic_of_the_regular_model_against_the_exact_free_energy():
    n = 10**4
    t = np.sqrt(n) * np.array([-2.0, 0.0, 1.0])
    model = MEANS["regular"]
    p = model.posterior(n, t, beta=1 / np.log(n))
    wbic = n * (p @ model.delta**2) / 2 - t * (p @ model.delta)
    np.testing.assert_allclose(wbic - model.free_energy(n, t), np.log(np.pi / 2) / 2, atol=1e-6)


@pytest.mark.parametrize("name, low, high", [("cubic", 0.0, 0.1), ("product", 0.2, 1.2)])
def test_wbic_of_singular_models_against_the_exact_free_energy(name, low, high):
    model = MEANS[name]
    gaps = []
    for n in (10**2, 10**4, 10**6):

        def energy(t, n=n):
            p = model.posterior(n, t, beta=1 / np.log(n))
            return n * (p @ model.delta**2) / 2 - t * (p @ model.delta)

        gaps.append(normal_mean(energy, n) - expected_F(model, n))
    assert low < gaps[0] < gaps[1] < gaps[2] < high
    if name == "product":
        assert gaps[2] - gaps[1] == pytest.approx(np.log(6 / 4), abs=0.1), "log log n is what WBIC leaves out"


# ---- the small models -------------------------------------------------------------------------------------------

DENSITY = {  # p(x|w) itself and draws of w from the prior, for Monte Carlo
    "tanh unit": (
        lambda x, w: stats.norm.pdf(x[1] - w[0] * np.tanh(w[1] * x[0])) / stats.norm.pdf(x[1]),
        lambda rng, k: rng.uniform(-2, 2, (2, k)),
    ),
    "normal mixture": (
        lambda x, w: ((1 - w[0]) * stats.norm.pdf(x[0]) + w[0] * stats.norm.pdf(x[0] - w[1])) / stats.norm.pdf(x[0]),
        lambda rng, k: np.array([rng.uniform(0, 1, k), rng.uniform(-2, 2, k)]),
    ),
    "linear network": (
        lambda x, w: stats.norm.pdf(x[2] - w[2] * (w[0] * x[0] + w[1] * x[1])) / stats.norm.pdf(x[2]),
        lambda rng, k: rng.normal(size=(3, k)),
    ),
}


@pytest.mark.parametrize("name", GRIDS)
def test_grids_give_the_evidence_of_the_full_model(name):
    model, (ratio, draw) = GRIDS[name](), DENSITY[name]
    rng = np.random.default_rng(3)
    assert model.prior.sum() == pytest.approx(1) and model.test_weight.sum() == pytest.approx(1)
    x = model.sample(rng, 25)
    exact = np.log(model.prior @ np.exp(model.log_ratio(x).sum(axis=0)))
    w = draw(rng, 200_000)
    likelihood = np.exp(sum(np.log(ratio(row, w)) for row in x))
    se = likelihood.std() / likelihood.mean() / np.sqrt(200_000)
    assert exact == pytest.approx(np.log(likelihood.mean()), abs=4 * se) and se < 0.01


@pytest.mark.parametrize("name", GRIDS)
def test_free_energy_differences_are_bayes_errors(name):
    """Mean of F_{n+1} − F_n over new samples is G_n: the test quadrature against fresh draws from the truth."""
    model, rng = GRIDS[name](), np.random.default_rng(4)
    p = model.prior * np.exp(model.log_ratio(model.sample(rng, 40)).sum(axis=0))
    p /= p.sum()
    G = -model.test_weight @ np.log(np.exp(model.log_ratio(model.test)) @ p)
    draws = np.concatenate([-np.log(np.exp(model.log_ratio(model.sample(rng, 2000))) @ p) for _ in range(10)])
    assert pytest.approx(draws.mean(), abs=4 * draws.std() / np.sqrt(draws.size)) == G


def simulated(model, n, data_sets, rng):
    """F_n, n G_n, and n times the leave-one-out error of n + 1 samples, shape (data_sets, 3): one posterior each."""
    found, test_ratio = [], np.exp(model.log_ratio(model.test))
    for _ in range(data_sets):
        A = model.log_ratio(model.sample(rng, n + 1))
        evidence = model.prior @ np.exp(A[:-1].sum(axis=0))
        G = -model.test_weight @ np.log(test_ratio @ (model.prior * np.exp(A[:-1].sum(axis=0))) / evidence)
        full = model.prior @ np.exp(A.sum(axis=0))
        left_out = [np.log(model.prior @ np.exp(np.delete(A, i, axis=0).sum(axis=0)) / full) for i in range(n + 1)]
        found.append((-np.log(evidence), n * G, n * np.mean(left_out)))
    return np.array(found)


@pytest.mark.parametrize("name", GRIDS)
def test_leave_one_out_has_the_mean_of_the_bayes_error(name):
    _, G, left_out = simulated(GRIDS[name](), 15, 300, np.random.default_rng(6)).T
    difference = G - left_out
    assert difference.mean() == pytest.approx(0, abs=3.5 * difference.std() / np.sqrt(300))
    assert np.std(G + left_out) < G.std(), "the noise cancels"


@pytest.mark.long
@pytest.mark.parametrize("name, expected", [("tanh unit", 0.404), ("normal mixture", 0.362), ("linear network", 0.459)])
def test_the_expected_errors_at_200_samples_that_the_lesson_quotes(name, expected):
    model, n, rng = GRIDS[name](), 200, np.random.default_rng(11)
    test_ratio, half = np.exp(model.log_ratio(model.test)), []
    for _ in range(6000):
        A = model.log_ratio(model.sample(rng, n + 1))
        p, full = (model.prior * np.exp(rows.sum(axis=0)) for rows in (A[:-1], A))
        G = -model.test_weight @ np.log(test_ratio @ p / p.sum())
        seen = full > 0
        half.append(n * (G + np.mean(np.log(np.exp(-A[:, seen]) @ full[seen] / full.sum()))) / 2)
    assert np.mean(half) == pytest.approx(expected, abs=3e-3) and np.std(half) / np.sqrt(6000) < 1e-3


def test_free_energy_of_the_linear_network_against_simulation():
    n = 15
    F, G, left_out = simulated(GRIDS["linear network"](), n, 600, np.random.default_rng(7)).T
    half, here = (G + left_out) / 2, lesson.network_free_energy(n)
    assert F.mean() == pytest.approx(here, abs=3.5 * F.std() / np.sqrt(600))
    assert half.mean() == pytest.approx(n * (lesson.network_free_energy(n + 1) - here), abs=0.02)
    assert half.std() / np.sqrt(600) < 0.01


def test_expected_error_of_the_linear_network():
    def excess(n):  # the prior's factor exp(−r) costs a term of order 1/√n
        return (0.5 - n * (lesson.network_free_energy(n + 1) - lesson.network_free_energy(n))) * np.sqrt(n)

    assert 0.5 - excess(200) / np.sqrt(200) == pytest.approx(0.45908, abs=1e-5)
    assert excess(10**4) == pytest.approx(excess(10**3), rel=0.03)
    with pytest.raises(ValueError, match="two samples"):
        lesson.network_free_energy(1)


# ---- live figures and pictures ----------------------------------------------------------------------------------


def test_one_data_set():
    live = lesson.live_one_data_set()
    here = live.at(model="cubic", z=1.0)
    assert "0.500 regular, 0.085 cubic" in here["caption"]
    far, (_, right) = live.at(model="cubic", z=3.0), live.fig.axes
    assert 3 < far["singular now"][1] < far["regular now"][1] < right.get_ylim()[1], "both dots are in the picture"
    s, density = here["regular"]
    np.testing.assert_allclose(density, stats.norm.pdf(s, 1), atol=1e-6)
    s, density = live.at(model="product", z=-2.0)["singular"]
    assert np.trapezoid(density, s) == pytest.approx(1, abs=0.02)


def test_settling():
    live = lesson.live_settle()
    assert "0.397 product" in live.at(n=1e4)["caption"]
    assert live.at(n=1e12)["product now left"][1] == pytest.approx(0.5 - 1 / (np.log(1e12) + np.euler_gamma), abs=1e-3)
    assert live.at(n=1e6)["cubic now right"] == pytest.approx((1 / np.log(1e6), 1 / 6), abs=1e-4)


def test_the_truth_slid_away():
    live = lesson.live_truth()
    assert live.at(w0=0.1, n=1e4)["left now"][1] == pytest.approx(1 / 6, abs=0.003)
    assert live.at(w0=0.3, n=1e4)["right now"][1] == pytest.approx(1e4 * expected_G(power_mean(3, 0.3), 1e4), abs=1e-6)
    assert live.at(w0=0.5, n=1e9)["right now"][1] == pytest.approx(1 / 2, abs=1e-3)
    assert max(live.at(w0=0.1)["along n"][1]) < 0.78
    assert all(0.72 < max(live.at(n=n)["along w0"][1]) < 0.78 for n in (1e4, 1e6, 1e9)), "the bump is not cut off"


def test_the_seesaw():
    live = lesson.live_seesaw()
    x, y = live.at(n=1000)["cubic"]
    np.testing.assert_allclose(x + y, 1 / 3, atol=0.15)
    assert "1\u202f000" in live.at(n=1000)["caption"]


def test_the_picture_of_the_small_models():
    models = {name: make() for name, make in GRIDS.items()}
    found = {name: np.random.default_rng(0).uniform(0, 1, (20, 3)) for name in GRIDS}
    (ax,) = lesson.draw_small_models(found, models, 200, dict.fromkeys(GRIDS, 0.4)).axes
    assert [t.get_text() for t in ax.get_yticklabels()] == list(reversed(GRIDS))


# ---- the exercises ----------------------------------------------------------------------------------------------


def plain(A, p):
    return -np.mean(np.log(np.exp(A) @ p))


def variance(A, p):
    return A**2 @ p - (A @ p) ** 2


# ---- what the lesson says ---------------------------------------------------------------------------------------

LESSON = "05_generalization"


def test_the_volume_gives_the_free_energy():
    """Z = ∫ exp(−nε) dV with V = cε^λ(−log ε)^(m−1) is cΓ(λ+1) n^−λ (log n)^(m−1) to leading order."""
    for lam, m in ((0.5, 1), (1 / 6, 1), (0.5, 2), (0.25, 3)):
        ratio = []
        for n in (1e8, 1e300):

            def integrand(x, n=n, lam=lam, m=m):  # of the text's second line, with ε = s/n and s = exp(x)
                return np.exp(lam * x - np.exp(x)) * (np.log(n) - x) ** (m - 1)

            found, _ = integrate.quad(integrand, -150, 4.5, limit=400)
            ratio.append(lam * found / (gamma(lam + 1) * np.log(n) ** (m - 1)))
        assert abs(ratio[1] - 1) < 0.02 and abs(ratio[1] - 1) <= abs(ratio[0] - 1) + 1e-6
    told(LESSON, "F(n) = −log Z(n) = λ log n − (m − 1) log log n + constant")


def test_a_data_set_changes_the_constant_only():
    """For m = 1 F_n(z√n) − λ log n is a function of z alone."""
    for name in ("regular", "cubic"):
        model, z = MEANS[name], np.array([-1.0, 0.0, 2.0])
        constants = [model.free_energy(n, z * np.sqrt(n)) - model.lam * np.log(n) for n in (1e4, 1e6)]
        np.testing.assert_allclose(*constants, atol=2e-3)


def test_maximum_likelihood_notices_the_singularity_elsewhere():
    """Its mean gain over the truth, d/2 in a regular model, is about two thirds of that in section 7's models."""
    for name, make in GRIDS.items():
        model, rng = make(), np.random.default_rng(5)
        gain = np.array([model.log_ratio(model.sample(rng, 200)).sum(axis=0).max() for _ in range(300)])
        half, error = model.d / 2, gain.std() / np.sqrt(300)
        assert half / 2 < gain.mean() < half - 4 * error, name
    told(LESSON, "*here* only Bayes notices the singularity", "Elsewhere maximum likelihood notices it too")


def test_waic_as_boxed_needs_no_truth():
    """−mean log p* + V/n less S_n is T_n + V_n/n, which the check wants: one definition, not two."""
    rng = np.random.default_rng(0)
    A, p, log_q = rng.normal(size=(6, 4)), np.full(4, 0.25), rng.normal(size=6)
    log_p = A + log_q[:, None]
    boxed = -np.mean(np.log(np.exp(log_p) @ p)) + variance(log_p, p).mean()
    assert boxed + log_q.mean() == pytest.approx(plain(A, p) + variance(A, p).mean())
    told(LESSON, "Return Tₙ + Vₙ/n, which is WAIC − Sₙ", "\\mathbb{E}[\\mathrm{WAIC} - S_n]")


def test_the_free_energy_is_the_sum_of_the_predictions():
    model = power_mean(3, w0=0.3)
    assert sum(expected_G(model, k) for k in range(1, 40)) + expected_F(model, 1) == pytest.approx(
        expected_F(model, 40)
    )


def test_the_lesson_stands_on_what_comes_before_it():
    """It leans on lesson 06 nowhere before its last cells, names no absent deck, and its cells run in any order."""
    said = prose(LESSON)
    assert "esson 06" not in said[: said.index("## Where this comes from")]
    assert "deck" not in said and "ow I see it" not in said
    assert shared_names(LESSON) == ({}, set())
    assert "Mathematical Theory of Bayesian Statistics" in said  # Watanabe 2018, which the text cites


WRONG = [
    ("fifth_power", (0.5,), "d/2"),
    ("fifth_power", (0.2,), "square of the mean"),
    ("fifth_power", (1e-4,), "asks for n·G"),
    ("far", (np.exp(20),), "within 0.05"),
    ("far", (39.42,), "log n"),
    ("far", (40,), "log n"),
    ("far", (17,), "power of ten"),
    ("far", (100,), "100 is too small"),
    ("far", (1e10,), "too small"),
    ("far", (1e16,), "too small"),
    ("far", (1e18,), "too large"),
    ("far", ("10¹⁷",), "A number is wanted"),
    ("relations", (-0.6, 0.4, 0.6), "λ: The training error"),
    ("relations", (0.2, 0.8, 1.0), "ν: The gap"),
    ("relations", (0.2, 0.2, 0.4), "regular models"),
    ("relations", (0.2, 0.4, -0.2), "training"),
    ("waic", (plain,), "T alone"),
    ("waic", (lambda A, p: plain(A, p) + variance(A, p).sum(),), "V/n"),
    ("waic", (lambda A, p: np.mean(-A @ p + variance(A, p)),), "Gibbs"),
    ("waic", (lambda A, p: plain(A, p) + A.var(axis=1).mean(),), "weights p"),
    ("waic", (lambda A, p: len(A) * (plain(A, p) + variance(A, p).mean()),), "n·WAIC, a sum"),
    ("waic", (lambda A, p: -len(A) * (plain(A, p) + variance(A, p).mean()),), "ArviZ"),
    ("waic", (lambda A, p: 2 * len(A) * (plain(A, p) + variance(A, p).mean()),), "deviance"),
    ("waic", (lambda A, p: A @ A,), "could not read"),
    ("waic", (3.0,), "A function"),
    ("two_temperatures", (3.8,), "1/β"),
    ("two_temperatures", (-38.0,), "temperature"),
    ("two_temperatures", (-0.76,), "sign"),
]

RIGHT = [
    ("fifth_power", (1000 * expected_G(power_mean(5), 1000),)),
    ("far", (1e17,)),
    ("far", (np.exp(40),)),
    ("far", (4e17,)),
    ("far", (10**17,)),
    ("relations", (0.2, 0.4, 0.6)),
    ("waic", (lambda A, p: plain(A, p) + variance(A, p).mean(),)),
    ("two_temperatures", (0.76,)),
]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
