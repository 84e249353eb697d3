import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import gamma, hyp1f1

from sltcourse.theory.mean_models import (
    MeanModel,
    deep_product,
    expected_error,
    normal_mean,
    own_mean,
    panel_rule,
    power_mean,
    product_mean,
)
from sltcourse.theory.quadrature import Posterior

MEANS = {"regular": power_mean(1), "cubic": power_mean(3), "product": product_mean()}
FULL = {  # the same models in their own parameters, for the adaptive quadrature
    "regular": (lambda w: w[:, 0], [(-1, 1)]),
    "cubic": (lambda w: w[:, 0] ** 3, [(-1, 1)]),
    "product": (lambda w: w[:, 0] * w[:, 1], [(-1, 1), (-1, 1)]),
}


@pytest.mark.parametrize("name", MEANS)
def test_free_energy_and_posterior_are_those_of_the_full_model(name):
    theta, box = FULL[name]
    model = MEANS[name]
    for n, t, beta in ((50, 3.0, 1.0), (1000, -40.0, 1.0), (1000, 20.0, 0.15)):
        post = Posterior(lambda w, n=n, t=t: theta(w) ** 2 / 2 - t / n * theta(w), box, n, beta=beta)
        p = model.posterior(n, t, beta)
        for k in (1, 2, 3, 4):
            full = post.expectation(lambda w, k=k: theta(w) ** k).value
            assert p @ model.delta**k == pytest.approx(full, rel=1e-5, abs=1e-12)
        if beta == 1:
            assert model.free_energy(n, t) == pytest.approx(post.free_energy.value, abs=1e-7)


@pytest.mark.parametrize("n", [1e2, 1e6, 1e10])
def test_free_energy_of_the_cubic_in_closed_form(n):
    z = np.array([0.0, 1.0, 2.5])
    Z = gamma(1 / 6) * 2 ** (1 / 6) / 6 * n ** (-1 / 6) * hyp1f1(1 / 6, 1 / 2, z**2 / 2)
    np.testing.assert_allclose(MEANS["cubic"].free_energy(n, np.sqrt(n) * z), -np.log(Z), atol=2e-6)


def test_a_truth_beside_the_singularity():
    model, n = power_mean(3, w0=0.3), 3000
    w = np.linspace(-1, 1, 2_000_001)
    delta = w**3 - 0.027
    for t in (-60.0, 0.0, 90.0):
        Z = np.trapezoid(np.exp(t * delta - n * delta**2 / 2), w) / 2
        assert model.free_energy(n, t) == pytest.approx(-np.log(Z), abs=1e-7)
    assert model.lam == 0.5


def test_normal_means():
    assert normal_mean(lambda t: t**4, 3.0) == pytest.approx(27)
    assert normal_mean(np.cos, 2.0) == pytest.approx(np.exp(-1))
    f = MEANS["product"].free_energy
    exact, _ = integrate.quad(lambda z: stats.norm.pdf(z) * f(100, 10 * z), -9, 9, epsabs=1e-12)
    assert normal_mean(lambda t: f(100, t), 100) == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize("k, w0", [(2, 0), (0, 0), (-1, 0), (3, 1.0), (3, -2)])
def test_power_mean_refuses(k, w0):
    with pytest.raises(ValueError, match="odd power"):
        power_mean(k, w0)


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="greater than 0"):
        MEANS["cubic"].free_energy(0, 1.0)
    with pytest.raises(ValueError, match="greater than 0"):
        MEANS["cubic"].posterior(10, 1.0, beta=0)
    for variance in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match="variance"):
            normal_mean(np.cos, variance)
    for n in (np.inf, np.nan, -1):
        with pytest.raises(ValueError, match="finite and greater than 0"):
            expected_error(MEANS["cubic"], n)
    with pytest.raises(ValueError, match="scores t must be finite"):
        MEANS["cubic"].free_energy(10, [1.0, np.nan])
    with pytest.raises(ValueError, match="f is NaN or infinite"), np.errstate(invalid="ignore"):
        normal_mean(np.sqrt, 1.0)


def test_the_product_has_the_density_of_a_product():
    model = product_mean()
    ab = np.abs(np.prod(np.random.default_rng(0).uniform(-1, 1, (2, 400_000)), axis=0))
    for r in (0.01, 0.2, 0.7):
        share = model.prior[np.abs(model.delta) <= r].sum()
        assert share == pytest.approx((ab <= r).mean(), abs=0.02)


def test_panels_integrate_a_singular_function():
    x, weight = panel_rule(-1, 1, [0.0], 1e-12)
    assert weight.sum() == pytest.approx(2)
    assert weight @ -np.log(np.abs(x)) == pytest.approx(2, abs=1e-10)


def test_lambda_and_multiplicity():
    assert [(m.d, m.lam, m.m) for m in MEANS.values()] == [(1, 1 / 2, 1), (1, 1 / 6, 1), (2, 1 / 2, 2)]
    n = 1e10
    for model in MEANS.values():  # the slope of F at t = 0, by the law λ log n − (m − 1) log log n
        slope = (model.free_energy(100 * n, 0.0) - model.free_energy(n, 0.0)) / np.log(100)
        loglog = (model.m - 1) * np.log(np.log(100 * n) / np.log(n)) / np.log(100)
        assert slope == pytest.approx(model.lam - loglog, abs=5e-3)


def test_the_error_of_the_mean_by_two_formulas_meets_where_they_change():
    """Below n = 10⁴ a difference of free energies, above it E[(E_w δ)²]/2: they agree to order 1/n on both sides."""
    for model in MEANS.values():
        below, above = expected_error(model, 1e4), expected_error(model, 10_001)
        assert below == pytest.approx(above, rel=5e-4)
        assert 1e4 * below == pytest.approx(model.lam, rel=0.25)  # n E[G_n] → λ, slowly where m = 2
    regular = [n * expected_error(MEANS["regular"], n) for n in (11, 1000)]
    assert regular[1] == pytest.approx(0.5, abs=1e-3) and abs(regular[0] - 0.5) > 5e-3


# ---- a mean of one's own -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theta", "truth", "exact"),
    [
        (lambda w: w, None, MEANS["regular"]),
        (lambda w: w**3, 0, MEANS["cubic"]),
        (lambda w: w**3, 0.3, power_mean(3, 0.3)),
        (lambda a, b: a * b, (0, 0.7), MEANS["product"]),
    ],
)
def test_ones_own_mean_against_quadrature(theta, truth, exact):
    own = own_mean(theta, truth)
    assert own.d == exact.d
    for n in (10, 1e3, 1e5, 1e6):
        assert expected_error(own, n) == pytest.approx(expected_error(exact, n), rel=2e-3), n


@pytest.mark.parametrize(
    ("theta", "truth", "words"),
    [
        (3, None, "as a function"),
        (lambda a, b, c: a, None, "one or two parameters"),
        (lambda w: 1 / (w - w), None, "not finite"),
        (lambda w: w[0, 0, 0], None, "stops with"),
        (lambda w: "w", None, "stops with"),
        (lambda w: w, 2, "from −1 to 1"),
        (lambda a, b: a, 0.5, "2 numbers"),
    ],
)
def test_what_is_no_mean_is_refused_in_a_sentence(theta, truth, words):
    with pytest.raises(ValueError, match=words):
        own_mean(theta, truth)


@pytest.mark.parametrize(
    "theta, truth",
    [
        (lambda w: w**2, 0.5),
        (lambda w: np.abs(w), 0.5),
        (lambda w: np.sin(20 * w), 0.5),
        (lambda w: w**2, 1.0),
        (lambda w: (w**2 - 1) * (w - 0.5), 0.5),
        (lambda w: np.sin(150 * w), 0.5),
    ],
)
def test_a_mean_that_is_the_truth_at_many_places(theta, truth):
    """The nodes of one parameter find them all, the ends too: at n = 10⁶ each costs what a regular model does."""
    assert 1e6 * expected_error(own_mean(theta, truth), 1e6) == pytest.approx(0.5, rel=2e-3)


@pytest.mark.parametrize("n", [1e4, 1e6])
def test_a_mean_that_is_the_truth_on_a_piece_that_ends_anywhere(n):
    """The nodes crowd around its end: 1.3 of w, as one node, and the rest by a rule that begins there."""
    w, weight = panel_rule(0, 0.7, [0.0], 1e-7)
    exact = expected_error(MeanModel(np.r_[0.0, w], np.r_[1.3, weight], 1, np.nan, 0), n)
    for theta in (lambda w: np.maximum(w - 0.3, 0), lambda w: np.maximum(-w - 0.3, 0)):
        assert expected_error(own_mean(theta, 0.0), n) == pytest.approx(exact, rel=1e-3)


def test_a_mean_that_does_not_move_costs_nothing():
    assert expected_error(own_mean(lambda w: 0 * w), 100) == pytest.approx(0, abs=1e-12)


# ---- a product of many weights -----------------------------------------------------------------------------------

DEEP = {
    1: lambda w: w[:, 0],
    2: lambda w: w[:, 0] * w[:, 1],
    3: lambda w: w[:, 0] * w[:, 1] * w[:, 2],
}


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize("z", [0.0, 1.7])
def test_the_free_energy_of_a_deep_product_is_that_of_quadrature_over_w(depth, z):
    n, mean = 40, DEEP[depth]
    loss = lambda w: (z / np.sqrt(n) - mean(w)) ** 2 / 2 - z**2 / (2 * n)  # noqa: E731
    F = Posterior(loss, [(-1, 1)] * depth, n, tolerance=1e-7).free_energy.value
    assert deep_product(depth).free_energy(n, np.sqrt(n) * z) == pytest.approx(F, abs=1e-6)


def test_a_product_without_factors_is_refused():
    with pytest.raises(ValueError, match="depth must be a whole number, at least 1"):
        deep_product(0)
