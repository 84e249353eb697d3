import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad, quad_vec
from scipy.optimize import brentq
from scipy.special import erf, gamma, k0, logsumexp, ndtr
from scipy.stats import chi2, kstest, norm

from sltcourse.kit import style
from sltcourse.lessons import broken_statistics as lesson
from sltcourse.lessons.broken_statistics import ours
from sltcourse.lessons.broken_statistics.models import TANH, ProductPosterior, Wedge, checked_mean, project, wedge
from sltcourse.theory.mean_models import deep_product, expected_error, normal_mean, power_mean
from tests.exercises import exercise_tests
from tests.notebooks.lessons import ROOT, prose, read

check, guess = lesson.check, lesson.guess
TEXT = prose("02_broken_statistics")


def cubic(w):
    return w**3


def mean_complexity(model, n):
    """E[F_n − nL_n(ŵ)] over data from N(0, 1)."""
    return normal_mean(lambda t: model.free_energy(n, t), n) + 0.5


def scaled_error(model, n):
    return n * expected_error(model, n)


def chance_of_choice(model, n, mean):
    """Chances (by BIC, by F_n) that a model is chosen against N(0, 1), from n data of N(mean, 1)."""
    cutoffs = np.sqrt(model.d * np.log(n)), brentq(lambda z: model.free_energy(n, np.sqrt(n) * z), 0, 60)
    shift = np.sqrt(n) * mean
    return tuple(ndtr(shift - c) + ndtr(-shift - c) for c in cutoffs)


def from_the_notebook(*names):
    """Functions that stand in cells of the lesson, run with ours in the place of the learner's."""
    cells = [c.source for c in read(ROOT / "notebooks" / "02_broken_statistics.ipynb").cells if c.cell_type == "code"]
    given = {"np": np, "sp": sp, "norm": norm, "logsumexp": logsumexp, **vars(lesson), **vars(ours), "style": style}
    given["print"] = lambda *texts: None
    given.update({s: sp.Symbol(s, positive=True) for s in "ab"})
    for name in names:
        (source,) = [c for c in cells if f"\ndef {name}(" in f"\n{c}"]
        exec(source, given)
    return [given[name] for name in names]


# ---- what the text says in numbers ----------------------------------------------------------------------------


def test_the_averaged_posterior_fills_the_hole_and_a_typical_one_peaks_on_a_hump():
    u = np.linspace(-4, 4, 8001)
    average = quad_vec(lambda z: norm.pdf(z) * np.exp(-((z - u**3) ** 2) / 2) / np.trapezoid(
        np.exp(-((z - u**3) ** 2) / 2), u), -8, 8)[0]  # fmt: skip
    hole = np.abs(u) < 0.5
    assert np.trapezoid(average[hole], u[hole]) == pytest.approx(0.40, abs=0.005) and "40 % of the posterior" in TEXT
    estimates = np.cbrt(np.random.default_rng(8).normal(size=400_000))
    assert np.mean(np.abs(estimates) < 0.5) == pytest.approx(0.10, abs=0.005) and "10 % of the fits" in TEXT
    for z in (-1, 1):
        peak = u[np.argmax(-((z - u**3) ** 2))]
        assert peak == pytest.approx(np.cbrt(z), abs=1e-3), "with a flat prior the posterior peaks at the estimate"


@pytest.mark.parametrize("far, share", [(2, 0.90), (3, 0.85)])
def test_how_many_data_sets_have_no_best_fit(far, share):
    cone = wedge(np.tanh, (1, far))
    angle = np.arctan(far) - np.arctan(1)
    assert (cone.high - cone.low, 1 - angle / np.pi) == pytest.approx((angle, share), abs=0.005)
    noise = np.random.default_rng(5).normal(size=(100_000, 2))
    assert np.mean(~project(noise, cone)[1]) == pytest.approx(1 - angle / np.pi, abs=0.005)
    assert TEXT.index("at x = 1 and x = 2") < TEXT.index("nine data sets out of ten")


@pytest.mark.parametrize("n, m", [(100, 0.48), (7, 0.3)])
def test_where_the_curvature_along_the_curve_comes_from(n, m):
    posterior = ProductPosterior(n, m)
    s2, along = posterior.modes[0] @ posterior.modes[0] / 2, np.array([-1, 1]) / np.sqrt(2)
    prior, misfit = 1, n * (m - s2)
    assert misfit == pytest.approx(1)
    assert along @ posterior.hessian @ along == pytest.approx(prior + misfit) == pytest.approx(2)
    assert "adds n(m − s²) = 1" in TEXT


def test_lambda_is_the_same_for_all_positive_bounded_priors():
    def exponent(density, low, high):  # of Z(n) = ∫ exp(−n s²/2) density(s) ds over s > 0, between two n
        z = [quad(lambda v, n=n: np.exp(-n * np.exp(2 * v) / 2 + v) * density(np.exp(v)), -60, 3, limit=400,
                  points=[-np.log(n) / 2, 0])[0] for n in (low, high)]  # fmt: skip
        return -np.log(z[1] / z[0]) / np.log(high / low)

    cubic = {  # densities of the mean m = w³
        "uniform w": lambda m: m ** (-2 / 3) / 6 if m < 1 else 0,
        "w ~ N(0, 1)": lambda m: norm.pdf(m ** (1 / 3)) * m ** (-2 / 3) / 3,
    }
    assert [exponent(d, 1e8, 1e10) for d in cubic.values()] == pytest.approx([1 / 6, 1 / 6], abs=2e-3)
    assert exponent(lambda m: 0.5 if m < 1 else 0, 1e8, 1e10) == pytest.approx(1 / 2, abs=1e-3), "flat in the mean"
    product = {"uniform": lambda s: -np.log(s) / 2 if s < 1 else 0, "N(0, 1)": lambda s: k0(s) / np.pi}
    slopes = [exponent(d, 1e14, 1e16) for d in product.values()]
    assert slopes == pytest.approx([0.5 - 1 / np.log(1e15)] * 2, abs=5e-3), "λ = 1/2, m = 2 under both"
    assert "positive and bounded" in TEXT


def test_the_three_weights_of_exercise_5_predict_better_than_two():
    A = 2 * scaled_error(lesson.MODELS["N(w, 1)"], 1000)
    B = scaled_error(deep_product(3), 1000)  # its second mean is known and costs nothing
    assert (A, B) == pytest.approx((1.00, 0.25), abs=0.005) and "errs with 0.25 and model A" in TEXT


def test_laplaces_integral_is_right_where_the_information_is_positive_and_infinite_where_it_is_not():
    paid = mean_complexity(lesson.MODELS["N(w, 1)"], 10**6)
    assert ours.laplace(0, np.eye(1), 1 / 2, 10**6) == pytest.approx(paid, abs=1e-4)
    assert ours.laplace(0, np.zeros((1, 1)), 1 / 2, 10**6) == -np.inf
    assert np.isfinite(mean_complexity(lesson.MODELS["N(w³, 1)"], 10**6))


def test_laplaces_integral_is_that_of_quadrature():
    H, n = np.array([[2.0, 0.5], [0.5, 1.0]]), 7.0
    side = np.linspace(-8, 8, 1601)
    a, b = np.meshgrid(side, side)
    whole = np.sum(np.exp(-n * (0.1 + (2 * a * a + a * b + b * b) / 2)) * 0.25) * (side[1] - side[0]) ** 2
    assert ours.laplace(0.1, H, 0.25, n) == pytest.approx(-np.log(whole), rel=1e-9)


def mean_of_the_fit(w0, n):
    """(mean, variance) of the cube root of the average, by quadrature over its density 3w²√n φ(√n(w³ − w0³))."""
    w = np.linspace(*np.cbrt(w0**3 + np.array([-12, 12]) / np.sqrt(n)), 4001)
    p = 3 * w**2 * norm.pdf(np.sqrt(n) * (w**3 - w0**3))
    p /= p.sum()
    return p @ w, p @ (w - p @ w) ** 2


@pytest.mark.parametrize("w0, n", [(0.2, 50), (0.1, 1000), (0.3, 1000), (1.0, 1000)])
def test_cramer_rao_before_the_division(w0, n):
    h, information = 1e-5, 9 * w0**4
    slope = (mean_of_the_fit(w0 + h, n)[0] - mean_of_the_fit(w0 - h, n)[0]) / (2 * h)
    left, right = ours.cramer_rao(np.cbrt, w0**3, 3 * w0**2, n)
    assert left == pytest.approx(slope**2, rel=1e-3)
    assert right == pytest.approx(n * information * mean_of_the_fit(w0, n)[1], rel=1e-3)
    assert left <= right


def test_an_estimator_of_slope_one_pays_the_promise():
    left, right = ours.cramer_rao(lambda x: x / 0.03, 0.1**3, 0.03, 1000)
    assert (left, right) == pytest.approx((1, 1), rel=1e-6)


# ---- the expansion and the estimator ----------------------------------------------------------------------------


@pytest.mark.parametrize("coin", [(1, 1), (1, 3)])
def test_the_expansion_is_that_of_the_divergence(coin):
    w, (scale, power) = sp.Symbol("w"), coin
    heads = (1 + scale * w**power) / 2
    K = -sp.log(4 * heads * (1 - heads)) / 2
    series = sp.series(K, w, 0, 3).removeO()
    slope, curvature = ours.expansion([heads, 1 - heads], w, 0)
    assert sp.expand(series - slope * w - curvature * w**2 / 2) == 0


@pytest.mark.parametrize("w0", [0.0, 0.1, 0.5])
def test_the_fits_have_their_exact_law(w0):
    n, grid = 1000, np.linspace(-2, 2, 8001)
    found = ours.estimates(cubic, grid, w0, n, 2000, np.random.default_rng(1))
    assert kstest(found, lambda w: norm.cdf(np.sqrt(n) * (w**3 - w0**3))).pvalue > 1e-3
    mean, variance = mean_of_the_fit(w0, n)
    assert found.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / 2000))
    assert found.var() == pytest.approx(variance, rel=0.15)


def test_the_singular_fits_have_their_closed_form():
    for n in (100, 6400):
        exact = 2 ** (1 / 3) * gamma(5 / 6) / np.sqrt(np.pi) * n ** (-1 / 3)
        assert mean_of_the_fit(0, n)[1] == pytest.approx(exact)
    assert guess.rate.spec["answered"].startswith("64")
    assert mean_of_the_fit(0, 100)[1] / mean_of_the_fit(0, 6400)[1] == pytest.approx(4)


# ---- evidence, error, choice ----------------------------------------------------------------------------------


def test_the_notebooks_free_energy_price_and_error_are_exact():
    free_energy, price, error = from_the_notebook("free_energy", "price", "scaled_error")
    for name, model in lesson.MODELS.items():
        z = np.array([-1.3, 0.0, 2.0])
        assert free_energy(model, 50, z) == pytest.approx(model.free_energy(50, np.sqrt(50) * z), abs=1e-9), name
        assert price(model, 10**4) == pytest.approx(mean_complexity(model, 10**4), abs=1e-8)
        assert error(model, 1000) == pytest.approx(scaled_error(model, 1000), rel=1e-5)


def test_the_notebooks_ratios_and_lengths():
    ratios, length = from_the_notebook("ratios", "fisher_length")
    noise = np.random.default_rng(6).normal(size=(2000, 2))
    nearest = project(noise, wedge(np.tanh, (1, 3)))[0]
    assert ratios(np.tanh, (1, 3), noise) == pytest.approx(np.sum(nearest**2, axis=1), abs=2e-3)
    t = sp.Symbol("t", positive=True)
    assert length((t, 3 / t), 1, 5) == 0 and length((t, t), 1, 3) == 8


def test_the_regular_error_has_its_closed_form():
    for n in (100, 10_000):
        for model in (lesson.MODELS["N(w, 1)"], deep_product(1)):
            assert scaled_error(model, n) == pytest.approx(n / 2 * np.log1p(1 / n), abs=1e-7)


@pytest.mark.parametrize("w0", [0.0, 0.7])
def test_the_cubic_error_is_that_of_the_predictive_density(w0):
    n, w = 20, np.linspace(-1, 1, 801)
    x = np.linspace(-8, 8, 401)
    z, weight = np.polynomial.hermite_e.hermegauss(30)
    kl = []
    for average in w0**3 + z / np.sqrt(n):
        p = np.exp(-n * (average - w**3) ** 2 / 2)
        predictive = norm.pdf(x[:, None] - w**3) @ (p / p.sum())
        kl.append(np.trapezoid(norm.pdf(x - w0**3) * np.log(norm.pdf(x - w0**3) / predictive), x))
    assert scaled_error(power_mean(3, w0), n) == pytest.approx(n * weight @ kl / weight.sum(), rel=5e-3)


def test_errors_and_complexities_known_to_the_course():
    straight, cubic, ab = lesson.MODELS.values()
    assert scaled_error(cubic, 1000) == pytest.approx(0.16658, abs=1e-5)
    for model in (ab, deep_product(2)):
        errors = [round(scaled_error(model, n), 4) for n in (100, 1000, 10**4, 10**6)]
        assert errors == [0.3005, 0.3647, 0.3972, 0.4303]
    paid = [mean_complexity(k, 10**6) - mean_complexity(k, 10**4) for k in (straight, cubic, ab)]
    assert np.array(paid) / np.log(100) == pytest.approx([0.5, 1 / 6, 0.416], abs=1e-3)
    errors = [scaled_error(deep_product(d), 1000) for d in range(1, 9)]
    assert np.all(np.diff(errors) < 0) and errors[-1] == pytest.approx(0.005, abs=5e-4)


def test_the_gain_at_the_singular_point_is_paid_nearby_at_every_n():
    for n in (1000, 10**6):
        errors = [scaled_error(power_mean(3, (c / np.sqrt(n)) ** (1 / 3)), n) for c in (0, 2.7, 20)]
        assert errors == pytest.approx([1 / 6, 0.766, 0.5], abs=0.005)


def test_the_choice_of_a_model_is_that_of_simulated_data():
    z = np.sqrt(1000) * 0.1 + np.random.default_rng(2).normal(size=4000)
    straight, _, ab = lesson.MODELS.values()
    for model, chances in ((straight, (0.703, 0.733)), (ab, (0.290, 0.860))):
        bic, exact = chance_of_choice(model, 1000, 0.1)
        assert (bic, exact) == pytest.approx(chances, abs=1e-3)
        assert np.mean(z**2 / 2 > model.d / 2 * np.log(1000)) == pytest.approx(bic, abs=0.03)
        assert np.mean(model.free_energy(1000, np.sqrt(1000) * z) < 0) == pytest.approx(exact, abs=0.025)
    assert chance_of_choice(ab, 1000, 0) == pytest.approx((0.0002, 0.037), abs=5e-4)


def test_the_evidence_of_two_models_that_bic_never_ranks_so():
    z = np.random.default_rng(3).normal(size=(500, 2))
    straight, triple = lesson.MODELS["N(w, 1)"], deep_product(3)
    for n, least in ((1000, 0.9), (10**6, 0.98)):
        t = np.sqrt(n) * z
        A = straight.free_energy(n, t[:, 0]) + straight.free_energy(n, t[:, 1])
        assert np.mean(triple.free_energy(n, t[:, 0]) < A) > least


# ---- the wedge ------------------------------------------------------------------------------------------------


def test_the_nearest_point_of_the_wedge_is_that_of_a_search_over_the_network():
    z = np.random.default_rng(4).normal(size=(300, 2))
    b = np.geomspace(1e-5, 12, 6000)
    direction = np.stack([np.tanh(b), np.tanh(2 * b)])
    direction /= np.linalg.norm(direction, axis=0)
    best, inside = project(z)
    gains = (z @ direction) ** 2
    assert np.sum(best**2, axis=1) == pytest.approx(gains.max(axis=1), abs=1e-5)
    place = gains.argmax(axis=1)
    np.testing.assert_array_equal(inside, (0 < place) & (b[place] < 9))  # tanh is 1 to rounding beyond


def test_the_likelihood_ratio_in_the_knot():
    angle = np.arctan(1 / 3)
    best, inside = project(np.random.default_rng(5).normal(size=(1_000_000, 2)))
    ratio = np.sum(best**2, axis=1)
    assert ratio.mean() == pytest.approx(1 + (angle + np.sin(angle)) / np.pi, abs=0.006)
    assert inside.mean() == pytest.approx(angle / np.pi, abs=0.0015)
    t = chi2.ppf(0.95, 2)
    outside = quad(lambda u: np.exp(-t / 2 / np.cos(u) ** 2), 0, (np.pi - angle) / 2)[0]
    assert np.mean(ratio > t) == pytest.approx(angle / np.pi * np.exp(-t / 2) + 2 / np.pi * outside, abs=6e-4)


# ---- the product's posterior ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n, m", [(30, 0.48), (30, 0.0), (10, 0.08), (30, -0.48)])
def test_the_products_posterior_is_that_of_quadrature_in_the_plane(n, m):
    posterior = ProductPosterior(n, m)
    side = np.linspace(-6, 6, 1501)
    a, b = np.meshgrid(side, side)
    p = np.exp(-n * (m - a * b) ** 2 / 2 - (a**2 + b**2) / 2)
    p /= p.sum()
    inside = np.zeros(a.shape, bool)
    for mode in posterior.modes:
        d = np.stack([a - mode[0], b - mode[1]])
        inside |= np.einsum("ikl,ij,jkl->kl", d, posterior.hessian, d) < chi2.ppf(0.9, 2)
    assert posterior.mass_in_ellipse() == pytest.approx(p[inside].sum(), abs=3e-3)
    assert posterior.nK()[0] == pytest.approx(np.sum(p * n * (m - a * b) ** 2 / 2), rel=1e-4)


@pytest.mark.parametrize("n, m", [(30, 0.48), (1000, 0.0), (10, 0.08)])
def test_laplace_stands_at_a_mode_with_its_hessian(n, m):
    U = lambda w: n * (m - w[0] * w[1]) ** 2 / 2 + (w[0] ** 2 + w[1] ** 2) / 2  # noqa: E731
    posterior, h = ProductPosterior(n, m), 1e-4
    step = h * np.eye(2)
    for mode in posterior.modes:
        gradient = [(U(mode + e) - U(mode - e)) / (2 * h) for e in step]
        hessian = [[(U(mode + e + f) - U(mode + e - f) - U(mode - e + f) + U(mode - e - f)) / (4 * h**2) for e in step]
                   for f in step]  # fmt: skip
        assert gradient == pytest.approx([0, 0], abs=1e-5)
        np.testing.assert_allclose(hessian, posterior.hessian, atol=1e-3 * n)
        outline = posterior.ellipse()[0] - posterior.modes[0]
        assert np.einsum("ki,ij,kj->k", outline, posterior.hessian, outline) == pytest.approx(chi2.ppf(0.9, 2))
    normals = np.random.default_rng(6).multivariate_normal(
        posterior.modes[0], np.linalg.inv(posterior.hessian), 400_000
    )
    assert posterior.nK()[1] == pytest.approx(np.mean(n / 2 * (m - normals[:, 0] * normals[:, 1]) ** 2), rel=0.03)


def test_the_mass_in_the_ellipse_falls_like_the_fourth_root_and_the_disc_learns_nothing():
    mass = [ProductPosterior(n, 0.48).mass_in_ellipse() for n in (10**4, 10**6)]
    assert mass == pytest.approx([0.257, 0.083], abs=1e-3)
    assert mass[0] / mass[1] == pytest.approx(100**0.25, rel=0.03)
    np.testing.assert_array_equal(ProductPosterior(10**6, 0.0).hessian, np.eye(2))
    assert ProductPosterior(10**4, 0.0).nK()[1] == pytest.approx(5000)


def test_the_draws_are_from_the_posterior():
    rng, posterior = np.random.default_rng(7), ProductPosterior(100, 0.48)
    a, b = posterior.draw(rng.uniform(size=100_000), rng.normal(size=100_000)).T
    assert np.mean(50 * (0.48 - a * b) ** 2) == pytest.approx(posterior.nK()[0], rel=0.03)
    assert np.mean(a**2) == pytest.approx(np.mean(b**2), rel=0.02)


def test_a_posterior_without_a_laplace_approximation_is_refused():
    for n, m in ((0.5, 0.0), (10, 0.1)):
        with pytest.raises(ValueError, match="are needed"):
            ProductPosterior(n, m)


# ---- a model of the learner's own ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "activation, slopes, reached",
    [
        (np.tanh, (1, 2), (False, False)),
        (lambda t: t**3, (8, 8), (True, True)),
        (lambda t: np.maximum(t, 0), (2, 2), (True, True)),
        (lambda t: t * np.exp(-(t**2) / 9), (0, 2), (False, False)),
        (lambda t: t * (1 + erf(t / 2**0.5)) / 2, (0, 2.4393), (False, True)),
        (lambda t: np.logaddexp(0, t), (0, 2), (False, False)),
    ],
)
def test_the_wedge_of_an_activation(activation, slopes, reached):
    cone = wedge(activation)
    assert (np.tan(cone.low), np.tan(cone.high)) == pytest.approx(slopes, abs=1e-3)
    assert cone.reached == reached


def test_a_sine_reaches_the_edge_to_which_it_comes_back_for_ever():
    """sin 3b / sin b = 3 − 4 sin²b: −1 at b = π/2 and at each odd multiple, 3 only in the limit b → 0."""
    cone = wedge(np.sin, (1, 3))
    assert (np.tan(cone.low), np.tan(cone.high)) == pytest.approx((-1, 3), abs=1e-3)
    assert cone.reached == (True, False)
    assert wedge(np.sin, (1, 2)).reached == (False, False), "2 cos b is ±2 only where sin b is 0"
    without = np.mean(~project(np.random.default_rng(4).normal(size=(20_000, 2)), cone)[1])
    assert without == pytest.approx((np.pi - cone.high + cone.low) / (2 * np.pi), abs=0.01), "one side of two"


def test_a_network_that_makes_every_point_has_a_best_fit_always():
    cone = wedge(lambda t: np.sin(t) + t * np.cos(9 * t))
    assert cone.high - cone.low == pytest.approx(np.pi)
    noise = np.random.default_rng(1).normal(size=(1000, 2))
    best, attained = project(noise, cone)
    assert attained.all() and best == pytest.approx(noise)


def test_on_a_line_the_ratio_has_one_degree_of_freedom():
    noise = np.random.default_rng(2).normal(size=(4000, 2))
    best, attained = project(noise, wedge(lambda t: t**3))
    assert attained.all() and kstest(np.sum(best**2, axis=1), chi2(1).cdf).pvalue > 1e-3


def test_the_edges_that_are_reached_are_best_fits():
    noise = np.random.default_rng(3).normal(size=(1000, 2))
    inside = project(noise)[1]
    low = project(noise, TANH._replace(reached=(True, False)))[1]
    assert project(noise, Wedge(TANH.low, TANH.high, (True, True)))[1].all()
    assert inside.sum() < low.sum() < 1000 and (low | ~inside).all()


@pytest.mark.parametrize(
    "activation, inputs, said",
    [
        (np.tanh, (1, 1), "two different inputs"),
        (np.tanh, (0, 2), "two different inputs"),
        (np.exp, (1, 20), "finite"),
        (lambda t: 0 * t, (1, 2), "0 everywhere"),
        (lambda t: 1.0, (1, 2), "finite arrays"),
    ],
)
def test_what_makes_no_wedge_is_refused(activation, inputs, said):
    with pytest.raises(ValueError, match=said):
        lesson.live_wedge(activation, inputs)


@pytest.mark.parametrize(
    "mean, said",
    [
        ("w**3", "a function of w"),
        (lambda w: 1.0, "as many real numbers"),
        (lambda w: 1 / w, "not finite at w = 0"),
        (lambda w: 0 * w, "the same for all w"),
        (lambda w: np.sqrt(w + 0j), "as many real numbers"),
    ],
)
def test_what_is_no_mean_is_refused(mean, said):
    for taker in (lesson.own_model, lambda m: lesson.live_estimator(mean=m)):
        with pytest.raises(ValueError, match=said):
            taker(mean)
    assert checked_mean(cubic, -1, 1).shape == (1001,)


def test_an_own_model_is_the_lessons_where_they_are_the_same():
    for w0 in (0.0, 0.44):
        mine, theirs = lesson.own_model(cubic, w0), power_mean(3, w0)
        assert scaled_error(mine, 1000) == pytest.approx(scaled_error(theirs, 1000), rel=1e-6)
    with pytest.raises(ValueError, match="inside"):
        lesson.own_model(cubic, 1.0)


# ---- figures, guesses and checks ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fits():
    return lesson.live_estimator()


def test_the_estimators_figure(fits):
    x, y = fits.at(n=1000, w0=0.0)["estimates curved"]
    assert y[np.abs(x) < 0.05].max() < 0.1 and y.max() == 1, "a hole at the truth"
    assert "promised 1/0" in fits.at(n=1000, w0=0.0)["caption"]
    x, y = fits.at(n=1000, w0=0.0)["averaged curved"]
    assert y[np.abs(x) < 0.1].min() > 0.95 * np.nanmax(y), "the averaged posterior has no hole"
    for n, w0 in ((100, 0.0), (100, 0.5), (1000, 0.8)):  # all are shares of one, on one scale
        shown = fits.at(n=n, w0=w0)
        for k in ("straight", "curved"):
            (x, y), (edges, bars) = shown[f"averaged {k}"], shown[f"estimates {k}"]
            assert np.trapezoid(np.nan_to_num(y, nan=0), x) == pytest.approx(np.trapezoid(bars, edges), rel=0.02)
        (x, y), (edges, bars) = shown["normal straight"], shown["estimates straight"]
        assert np.trapezoid(np.nan_to_num(y, nan=0), x) == pytest.approx(np.trapezoid(bars, edges), rel=0.03)
    x, y = fits.at(n=300, w0=0.5)["estimates straight"]
    assert x[y.argmax()] == pytest.approx(0.5, abs=0.1)


def test_the_figure_shows_the_learners_own_function_and_mean():
    seen = []

    def spy(mean, grid, w0, n, size, rng):
        seen.append((n, w0))
        return np.full(size, grid[500])

    live = lesson.live_estimator(spy, np.sin)
    assert len(set(seen)) == 6 * 21
    x, y = live.at(n=10, w0=0.5)["estimates curved"]
    assert set(x[y == 1]) == {x[y == 1].min(), x[y == 1].max()} and x[y == 1].min() <= 0.5 <= x[y == 1].max()


@pytest.fixture(scope="module")
def wedges():
    return lesson.live_wedge()


def test_the_wedges_figure(wedges):
    knot, far = wedges.at(n=200, r=0.0), wedges.at(n=2000, r=1.0)
    mean = float(knot["caption"].split("Mean of Λ: ")[1].split(" ")[0])
    assert mean == pytest.approx(1.2031, abs=0.03)
    without = float(knot["caption"].split("exists in ")[1].split(" ")[0])
    assert without == pytest.approx(100 - 100 * np.arctan(1 / 3) / np.pi, abs=0.5)
    assert float(far["caption"].split("Mean of Λ: ")[1].split(" ")[0]) == pytest.approx(2, abs=0.05)
    assert "exists in 0.000" in far["caption"]
    np.testing.assert_allclose(knot["ratios"][1], wedges.at(n=20, r=0.0)["ratios"][1])
    (t, law), (edges, bars) = knot["law"], knot["ratios"]
    middle = (edges[1:-2:2] + edges[2:-1:2]) / 2
    assert np.interp(middle[4:], t, law) == pytest.approx(bars[1:-1:2][4:], abs=0.03)
    assert np.isnan(far["law"][1]).all()


def test_a_point_on_an_edge_is_not_shown_as_a_best_fit(wedges):
    shown = wedges.at(n=200, r=0.0)
    (x, y), (edge_x, edge_y) = shown["fits"], shown["edge"]
    assert (np.isfinite(x) != np.isfinite(edge_x)).all(), "each data set has one point, of one of the two kinds"
    slopes, edges = (y / x)[np.isfinite(x)], (edge_y / edge_x)[np.isfinite(edge_x)]
    assert (slopes > 1 + 1e-6).all() and (slopes < 2 - 1e-6).all()
    assert np.minimum(np.abs(edges - 1), np.abs(edges - 2)).max() < 1e-6
    assert len(edges) / 100 == pytest.approx(0.9, abs=0.06)


def test_the_posteriors_figure():
    live = lesson.live_posterior()
    shares = {n: live.at(n=n, m=0.48)["now"] for n in (100, 10_000, 10**6)}
    assert shares == {n: (n, pytest.approx(s, abs=0.005)) for n, s in {100: 0.68, 10_000: 0.26, 10**6: 0.083}.items()}
    spec = live.encode()[0]
    assert len(spec["guess"]["hides"]) == 2, "the curve and its point"
    a, b = live.at(n=10_000, m=0.48)["draws"]
    assert np.abs(a * b - 0.48).max() < 0.05
    assert "000 (Laplace)" in live.at(n=10_000, m=0.0)["caption"] and "99 %" in live.at(n=10_000, m=0.0)["caption"]


def test_the_pictures_that_stand_still():
    n, d = np.array([30.0, 300.0]), [1, 2, 3]
    for fig in (
        lesson.draw_prices(n, {"one": n / 100}, {"one": 0.5}),
        lesson.draw_bump(n, {"one": n / 100}, 1000),
        lesson.draw_errors(d, [0.5, 0.3, 0.1], 1000),
    ):
        assert len(fig.axes) == 1 and fig.get_label()
        plt.close(fig)


def test_the_answers_of_the_guesses():
    answers = {name: g.answer for name, g in vars(guess).items()}
    cubic_slope = mean_complexity(lesson.MODELS["N(w³, 1)"], 10**6) - mean_complexity(lesson.MODELS["N(w³, 1)"], 10**4)
    angle = np.arctan(2) - np.arctan(1)
    wanted = {
        "variance": mean_of_the_fit(0.1, 1000)[1],
        "ratio": 1 + (angle + np.sin(angle)) / np.pi,
        "price": cubic_slope / np.log(100),
        "chance": 100 * chance_of_choice(lesson.MODELS["N(ab, 1)"], 1000, 0.1)[0],
        "bump": scaled_error(power_mean(3, 0.44), 1000) / 0.5,
    }
    for name, number in wanted.items():
        assert float(answers[name].split()[0]) == pytest.approx(number, rel=0.005), name
    assert answers["depth"] == "falls" and "hole" in answers["shape"]


# ---- what the learner writes ----------------------------------------------------------------------------------------


def halved(p, w, w0):
    slope, curvature = ours.expansion(p, w, w0)
    return slope, curvature / 2


def exactly(p, w, w0):  # another right way: differentiate K itself
    K = sum(q.subs(w, w0) * sp.log(q.subs(w, w0) / q) for q in p)
    return tuple(sp.simplify(sp.diff(K, w, k).subs(w, w0)) for k in (1, 2))


def unweighted(p, w, w0):
    return 0, sum(sp.diff(sp.log(q), w) ** 2 for q in p).subs(w, w0)


def scattered(mean, grid, w0, n, size, rng):
    return ours.estimates(mean, grid, w0, 1, size, rng)


def too_still(mean, grid, w0, n, size, rng):
    return ours.estimates(mean, grid, w0, n**2, size, rng)


def averages(mean, grid, w0, n, size, rng):
    return mean(w0) + rng.normal(size=size) / np.sqrt(n)


def every_observation(mean, grid, w0, n, size, rng):  # another right way: draw the data themselves
    x = rng.normal(mean(w0), 1, size=(size, n)).mean(axis=1)
    return np.array([grid[np.argmin((mean(grid) - one) ** 2)] for one in x])


def not_centred(mean, grid, w0, n, size, rng):
    return ours.estimates(mean, grid, 0.0, n, size, rng)


def no_information(T, level, rise, n):
    t = T(level + ours.Z / np.sqrt(n))
    return ours.cramer_rao(T, level, rise, n)[0], n * (ours.PZ @ (t - ours.PZ @ t) ** 2)


def not_squared(T, level, rise, n):
    _, right = ours.cramer_rao(T, level, rise, n)
    t = T(level + ours.Z / np.sqrt(n))
    return ours.PZ @ (t * rise * np.sqrt(n) * ours.Z), right


def short_score(T, level, rise, n):
    left, right = ours.cramer_rao(T, level, rise, n)
    return left / n, right


def no_two_pi(loss, hessian, prior, n):
    return ours.laplace(loss, hessian, prior, n) + len(hessian) / 2 * np.log(2 * np.pi)


def evidence(loss, hessian, prior, n):
    return -ours.laplace(loss, hessian, prior, n)


def turned(loss, hessian, prior, n):
    h = np.linalg.slogdet(hessian)[1]
    return n * loss - np.log(prior) + len(hessian) / 2 * np.log(n / (2 * np.pi)) - h / 2


WRONG = [
    ("expansion", (halved,), "the ½ is there"),
    ("expansion", (unweighted,), "weighs each outcome"),
    ("estimates", (scattered,), "too much"),
    ("estimates", (too_still,), "too little"),
    ("estimates", (averages,), "not in the grid"),
    ("estimates", (not_centred,), "the average"),
    ("cramer_rao", (no_information,), "I = rise²"),
    ("cramer_rao", (not_squared,), "slope squared"),
    ("cramer_rao", (short_score,), "√n"),
    ("laplace", (no_two_pi,), "√(2π)"),
    ("laplace", (evidence,), "log Z"),
    ("laplace", (turned,), "stiffer bowl"),
    ("two_models", ("B", "B", "R"), "BIC: "),
    ("two_models", ("A", "A", "R"), "Fₙ: "),
    ("two_models", ("A", "B", "P"), "never better"),
    ("two_models", ("A", "B", "Q"), "three parameters"),
    ("two_models", ("A", "B", "S"), "stays bounded"),
    ("two_models", ("A", 3, "R"), "Choose one of"),
    ("path_length", (0,), "ab stays 1"),
    ("path_length", (8**0.5,), "Euclidean"),
]

RIGHT = [
    ("expansion", (ours.expansion,)),
    ("expansion", (exactly,)),
    ("estimates", (ours.estimates,)),
    ("estimates", (every_observation,)),
    ("cramer_rao", (ours.cramer_rao,)),
    ("laplace", (ours.laplace,)),
    ("two_models", ("A", "B", "R")),
    ("two_models", ("model A", "b", "r")),
    ("path_length", (2,)),
]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
