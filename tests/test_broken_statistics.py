import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.integrate import quad, quad_vec
from scipy.special import gamma, k0
from scipy.stats import chi2, norm

from sltcourse.lessons import broken_statistics as lesson
from sltcourse.theory.mean_models import deep_product, power_mean
from sltcourse.theory.quadrature import Posterior
from tests.exercises import exercise_tests
from tests.notebooks.lessons import prose

check = lesson.check
TEXT = prose("02_broken_statistics")


def test_it_quarrels_with_nobody():
    assert "slide deck" not in TEXT.lower()


def test_nothing_is_to_be_slid_that_has_no_slider():
    assert "Slide the truth away from 0 and look" not in TEXT and "each row of the table is one true w₀" in TEXT


# ---- what the text says in numbers ----------------------------------------------------------------------------


def test_the_averaged_posterior_fills_the_hole_and_a_typical_one_peaks_on_a_hump():
    u = np.linspace(-4, 4, 8001)
    average = quad_vec(lambda z: norm.pdf(z) * np.exp(-((z - u**3) ** 2) / 2) / np.trapezoid(
        np.exp(-((z - u**3) ** 2) / 2), u), -8, 8)[0]  # fmt: skip
    hole = np.abs(u) < 0.5
    assert np.trapezoid(average[hole], u[hole]) == pytest.approx(0.40, abs=0.005) and "40 % lies in the hole" in TEXT
    estimates = np.cbrt(np.random.default_rng(8).normal(size=400_000))
    assert np.mean(np.abs(estimates) < 0.5) == pytest.approx(0.10, abs=0.005) and "10 % of the estimates" in TEXT
    for z in (-1, 1):
        peak = u[np.argmax(-((z - u**3) ** 2))]
        assert peak == pytest.approx(np.cbrt(z), abs=1e-3), "with a flat prior the posterior peaks at the estimate"


def test_the_wider_wedge_has_more_best_fits():
    angle = np.arctan(3) - np.arctan(1)
    assert 1 - angle / np.pi == pytest.approx(0.85, abs=0.005) and "85 % of the data sets have no best fit" in TEXT
    assert 1 - np.arctan(1 / 3) / np.pi == pytest.approx(0.90, abs=0.005)
    assert TEXT.index("at x = ±1 and ±2") < TEXT.index("nine data sets out of ten")


@pytest.mark.parametrize("n, m", [(100, 0.48), (7, 0.3)])
def test_where_the_curvature_along_the_curve_comes_from(n, m):
    posterior = lesson.ProductPosterior(n, m)
    s2, along = posterior.modes[0] @ posterior.modes[0] / 2, np.array([-1, 1]) / np.sqrt(2)
    prior, misfit = 1, n * (m - s2)
    assert misfit == pytest.approx(1)
    assert along @ posterior.hessian @ along == pytest.approx(prior + misfit) == pytest.approx(2)
    assert "the 2 comes from the prior alone" not in TEXT and "adds n(m − s²) = 1" in TEXT


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
    assert "all priors that are positive and bounded" in TEXT


def test_the_three_weights_of_exercise_4_predict_better_than_two():
    A = 2 * lesson.scaled_error(lesson.MODELS["N(w, 1)"], 1000)
    B = lesson.scaled_error(deep_product(3), 1000)  # its second mean is known and costs nothing
    assert (A, B) == pytest.approx((1.00, 0.25), abs=0.005) and "it errs with 0.25, and model A, two" in TEXT


def test_bics_parabola_is_right_where_the_information_is_positive():
    n = 10**6  # minus log of the Gaussian integral, prior 1/2, I = 1
    laplace = np.log(n) / 2 - np.log(0.5 * np.sqrt(2 * np.pi))
    assert lesson.mean_complexity(lesson.MODELS["N(w, 1)"], n) == pytest.approx(laplace, abs=1e-4)
    assert r"\frac{1}{\sqrt{\det I}}" in TEXT, "the integral that BIC comes from"


def test_cramer_rao_before_the_division():
    n, w0, h = 50, 0.2, 1e-5  # for the estimator cbrt(x̄): slope² <= nI·variance, with any slope
    slope = (lesson.cubic_mle(w0 + h, n).mean - lesson.cubic_mle(w0 - h, n).mean) / (2 * h)
    mle, information = lesson.cubic_mle(w0, n), 9 * w0**4
    assert slope**2 <= n * information * mle.variance < 1, "an unbiased estimator would have slope 1"
    assert TEXT.index("Cauchy–Schwarz") < TEXT.index("Now the cubic model") and "one often reads" in TEXT.lower()


def test_the_prediction_of_the_next_point_is_a_ratio_of_evidences():
    w = np.linspace(-1, 1, 20_001)
    data, new = np.array([0.3, -1.1, 0.8]), 0.4
    likelihood = np.prod(norm.pdf(data[:, None] - w**3), axis=0)
    predicted = np.trapezoid(likelihood * norm.pdf(new - w**3), w) / np.trapezoid(likelihood, w)  # over the posterior
    z = [np.trapezoid(np.prod(norm.pdf(x[:, None] - w**3), axis=0) / 2, w) for x in (data, np.append(data, new))]
    assert predicted == pytest.approx(z[1] / z[0]) and "p*(xₙ₊₁) = Zₙ₊₁/Zₙ" in TEXT


# ---- the estimator --------------------------------------------------------------------------------------------


def test_the_cubic_estimator_at_the_singular_point_has_its_closed_form():
    for n in (1, 1000, 10**6):
        mle = lesson.cubic_mle(0, n)
        assert mle.mean == pytest.approx(0, abs=1e-12)
        assert mle.variance == pytest.approx(2 ** (1 / 3) * gamma(5 / 6) / np.sqrt(np.pi) * n ** (-1 / 3))
        assert mle.bound == pytest.approx((2 ** (2 / 3) * gamma(7 / 6) / np.sqrt(np.pi)) ** 2 * n ** (-1 / 3))


@pytest.mark.parametrize("w0", [0.1, 0.3, 0.5])
def test_the_cubic_estimator_is_that_of_a_simulation_and_respects_its_bound(w0):
    w = np.cbrt(w0**3 + np.random.default_rng(1).normal(size=1_000_000) / np.sqrt(1000))
    mle = lesson.cubic_mle(w0, 1000)
    assert mle.mean == pytest.approx(w.mean(), abs=4e-3 * np.sqrt(mle.variance))
    assert mle.variance == pytest.approx(w.var(), rel=0.01)
    slope = (lesson.cubic_mle(w0 + 1e-4, 1000).mean - lesson.cubic_mle(w0 - 1e-4, 1000).mean) / 2e-4
    assert mle.bound == pytest.approx(slope**2 / (1000 * 9 * w0**4), rel=1e-4)
    assert mle.bound < mle.variance


def test_far_from_the_singular_point_the_estimator_is_efficient():
    assert lesson.cubic_mle(1, 10**6).variance == pytest.approx(1 / (9 * 10**6), rel=1e-3)
    with pytest.raises(ValueError, match="n must be"):
        lesson.cubic_mle(0, 0)


# ---- evidence, error, choice ----------------------------------------------------------------------------------

MEANS = {
    1: lambda w: w[:, 0],
    2: lambda w: w[:, 0] * w[:, 1],
    3: lambda w: w[:, 0] * w[:, 1] * w[:, 2],
}


@pytest.mark.parametrize("depth", MEANS)
@pytest.mark.parametrize("z", [0.0, 1.7])
def test_the_free_energy_of_a_deep_product_is_that_of_quadrature_over_w(depth, z):
    n, mean = 40, MEANS[depth]
    loss = lambda w: (z / np.sqrt(n) - mean(w)) ** 2 / 2 - z**2 / (2 * n)  # noqa: E731
    F = Posterior(loss, [(-1, 1)] * depth, n, tolerance=1e-7).free_energy.value
    assert deep_product(depth).free_energy(n, np.sqrt(n) * z) == pytest.approx(F, abs=1e-6)


def test_a_product_without_factors_and_a_choice_without_data_are_refused():
    with pytest.raises(ValueError, match="depth must be at least 1"):
        deep_product(0)
    with pytest.raises(ValueError, match="n must be at least 2"):
        lesson.chance_of_choice(lesson.MODELS["N(ab, 1)"], 1, 0.1)


def test_the_regular_error_has_its_closed_form():
    for n in (100, 10_000):
        for model in (lesson.MODELS["N(w, 1)"], deep_product(1)):
            assert lesson.scaled_error(model, n) == pytest.approx(n / 2 * np.log1p(1 / n), abs=1e-7)


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
    assert lesson.scaled_error(power_mean(3, w0), n) == pytest.approx(n * weight @ kl / weight.sum(), rel=5e-3)


def test_errors_and_complexities_known_to_the_course():
    straight, cubic, ab = lesson.MODELS.values()
    assert lesson.scaled_error(cubic, 1000) == pytest.approx(0.16658, abs=1e-5)
    for model in (ab, deep_product(2)):
        errors = [round(lesson.scaled_error(model, n), 4) for n in (100, 1000, 10**4, 10**6)]
        assert errors == [0.3005, 0.3647, 0.3972, 0.4303]
    paid = [lesson.mean_complexity(k, 10**6) - lesson.mean_complexity(k, 10**4) for k in (straight, cubic, ab)]
    assert np.array(paid) / np.log(100) == pytest.approx([0.5, 1 / 6, 0.416], abs=1e-3)
    errors = [lesson.scaled_error(deep_product(d), 1000) for d in range(1, 9)]
    assert np.all(np.diff(errors) < 0) and errors[-1] == pytest.approx(0.005, abs=5e-4)


def test_the_gain_at_the_singular_point_is_paid_nearby_at_every_n():
    for n in (1000, 10**6):
        errors = [lesson.scaled_error(power_mean(3, (c / np.sqrt(n)) ** (1 / 3)), n) for c in (0, 2.7, 20)]
        assert errors == pytest.approx([1 / 6, 0.766, 0.5], abs=0.005)


def test_the_choice_of_a_model_is_that_of_simulated_data():
    z = np.sqrt(1000) * 0.1 + np.random.default_rng(2).normal(size=4000)
    straight, _, ab = lesson.MODELS.values()
    for model, chances in ((straight, (0.703, 0.733)), (ab, (0.290, 0.860))):
        bic, exact = lesson.chance_of_choice(model, 1000, 0.1)
        assert (bic, exact) == pytest.approx(chances, abs=1e-3)
        assert np.mean(z**2 / 2 > model.d / 2 * np.log(1000)) == pytest.approx(bic, abs=0.03)
        assert np.mean(model.free_energy(1000, np.sqrt(1000) * z) < 0) == pytest.approx(exact, abs=0.025)
    assert lesson.chance_of_choice(ab, 1000, 0) == pytest.approx((0.0002, 0.037), abs=5e-4)


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
    best, inside = lesson.project(z)
    gains = (z @ direction) ** 2
    assert np.sum(best**2, axis=1) == pytest.approx(gains.max(axis=1), abs=1e-5)
    place = gains.argmax(axis=1)
    np.testing.assert_array_equal(inside, (0 < place) & (b[place] < 9))  # tanh is 1 to rounding beyond


def test_the_likelihood_ratio_in_the_knot():
    angle = np.arctan(1 / 3)
    best, inside = lesson.project(np.random.default_rng(5).normal(size=(1_000_000, 2)))
    ratio = np.sum(best**2, axis=1)
    assert ratio.mean() == pytest.approx(1 + (angle + np.sin(angle)) / np.pi, abs=0.006)
    assert inside.mean() == pytest.approx(angle / np.pi, abs=0.0015)
    t = chi2.ppf(0.95, 2)
    outside = quad(lambda u: np.exp(-t / 2 / np.cos(u) ** 2), 0, (np.pi - angle) / 2)[0]
    assert np.mean(ratio > t) == pytest.approx(angle / np.pi * np.exp(-t / 2) + 2 / np.pi * outside, abs=6e-4)


# ---- the product's posterior ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n, m", [(30, 0.48), (30, 0.0), (10, 0.08), (30, -0.48)])
def test_the_products_posterior_is_that_of_quadrature_in_the_plane(n, m):
    posterior = lesson.ProductPosterior(n, m)
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
    posterior, h = lesson.ProductPosterior(n, m), 1e-4
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
    mass = [lesson.ProductPosterior(n, 0.48).mass_in_ellipse() for n in (10**4, 10**6)]
    assert mass == pytest.approx([0.257, 0.083], abs=1e-3)
    assert mass[0] / mass[1] == pytest.approx(100**0.25, rel=0.03)
    np.testing.assert_array_equal(lesson.ProductPosterior(10**6, 0.0).hessian, np.eye(2))
    assert lesson.ProductPosterior(10**4, 0.0).nK()[1] == pytest.approx(5000)


def test_the_draws_are_from_the_posterior():
    rng, posterior = np.random.default_rng(7), lesson.ProductPosterior(100, 0.48)
    a, b = posterior.draw(rng.uniform(size=100_000), rng.normal(size=100_000)).T
    assert np.mean(50 * (0.48 - a * b) ** 2) == pytest.approx(posterior.nK()[0], rel=0.03)
    assert np.mean(a**2) == pytest.approx(np.mean(b**2), rel=0.02)


def test_a_posterior_without_a_laplace_approximation_is_refused():
    for n, m in ((0.5, 0.0), (10, 0.1)):
        with pytest.raises(ValueError, match="are needed"):
            lesson.ProductPosterior(n, m)


# ---- figures and checks ---------------------------------------------------------------------------------------


def test_the_estimators_figure():
    live = lesson.live_estimator()
    x, y = live.at(n=1000, w0=0.0)["estimates3"]
    assert y[np.abs(x) < 0.05].max() < 0.1 and y.max() == 1, "a hole at the truth"
    assert "0.08, and 1/(nI) = 1/0" in live.at(n=1000, w0=0.0)["caption"]
    x, y = live.at(n=1000, w0=0.0)["averaged3"]
    assert y[x == 0] > 0.3 and y[np.abs(x) < 0.1].min() > 0.95 * y.max(), "the averaged posterior has no hole"
    for n, w0 in ((100, 0.0), (100, 0.5), (1000, 0.8)):  # both are shares of one, on one scale
        shown = live.at(n=n, w0=w0)
        for k in "13":
            (x, y), (edges, bars) = shown[f"averaged{k}"], shown[f"estimates{k}"]
            assert np.trapezoid(np.nan_to_num(y, nan=0), x) == pytest.approx(np.trapezoid(bars, edges), rel=0.02)
    x, y = live.at(n=200, w0=0.5)["estimates1"]
    assert x[y.argmax()] == pytest.approx(0.5, abs=0.1)


def test_the_wedges_figure():
    live = lesson.live_wedge()
    knot, far = live.at(n=200, r=0.0), live.at(n=2000, r=1.0)
    assert "mean of Λ 1.2" in knot["caption"] and "exists in 90 %" in knot["caption"]
    assert "mean of Λ 2.0" in far["caption"] and "exists in 0 %" in far["caption"]
    np.testing.assert_allclose(knot["ratios"][1], live.at(n=20, r=0.0)["ratios"][1])


def test_a_point_on_an_edge_is_not_shown_as_a_best_fit():
    shown = lesson.live_wedge().at(n=200, r=0.0)
    (x, y), (edge_x, edge_y) = shown["fits"], shown["edge"]
    assert (np.isfinite(x) != np.isfinite(edge_x)).all(), "each data set has one point, of one of the two kinds"
    slopes, edges = (y / x)[np.isfinite(x)], (edge_y / edge_x)[np.isfinite(edge_x)]
    assert (slopes > 1 + 1e-6).all() and (slopes < 2 - 1e-6).all()
    assert np.minimum(np.abs(edges - 1), np.abs(edges - 2)).max() < 1e-9
    assert len(edges) / 150 == pytest.approx(0.9, abs=0.06)


def test_the_posteriors_figure():
    live = lesson.live_posterior()
    assert "Product: 68 %" in live.at(n=100, m=0.48)["caption"]
    a, b = live.at(n=10_000, m=0.48)["draws"]
    assert np.abs(a * b - 0.48).max() < 0.05
    assert "000 (Laplace)" in live.at(n=10_000, m=0.0)["caption"]


def test_the_pictures_that_stand_still():
    for fig, panels in ((lesson.draw_bic(), 2), (lesson.draw_price(), 1), (lesson.draw_errors(), 1)):
        assert len(fig.axes) == panels
        plt.close(fig)


WRONG = [
    ("rate", (1,), "regular rate"),
    ("rate", (0.1,), "standard deviation"),
    ("rate", ("1/5",), "a text"),
    ("rate", (0.4,), "x̄ itself"),
    ("wedge_mean", (1 + np.arctan(0.5) / np.pi,), "add sin α"),
    ("wedge_mean", (2,), "do not fill"),
    ("wedge_mean", (1.203,), "which slopes"),
    ("wedge_mean", (1.22,), "which slopes"),
    ("laplace_variance", (1e-6,), "regular answer"),
    ("laplace_variance", (0.5,), "m > 0"),
    ("two_models", ("B", "B"), "BIC: "),
    ("two_models", ("A", "A"), "Fₙ: "),
    ("two_models", ("A", 3), "Choose one of"),
    ("path_length", (0,), "ab stays 1"),
    ("path_length", (8**0.5,), "Euclidean"),
]

RIGHT = [
    ("rate", (0.2,)),
    ("wedge_mean", (1.29,)),
    ("laplace_variance", (1,)),
    ("two_models", ("A", "B")),
    ("path_length", (2,)),
]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
