"""The errors of the models of a mean: of one data set by brute force, and on average."""

import numpy as np
import pytest
from scipy import integrate, stats

from sltcourse.theory.mean_errors import generalization_error, simulate_means
from sltcourse.theory.mean_models import expected_error, normal_mean, power_mean, product_mean

MEANS = {"regular": power_mean(1), "cubic": power_mean(3), "product": product_mean()}


def expected_F(model, n, variance=None):
    return normal_mean(lambda t: model.free_energy(n, t), variance or n)


def expected_G(model, n):
    return expected_F(model, n + 1) - expected_F(model, n)


def expected_T(model, n):
    return expected_F(model, n + 1, n + 3) - expected_F(model, n)


@pytest.mark.parametrize("name", MEANS)
def test_bayes_error_is_the_divergence_of_the_predictive(name):
    model, n, t = MEANS[name], 40, 9.0
    p = model.posterior(n, t)

    def integrand(x):
        return -stats.norm.pdf(x) * np.log(p @ np.exp(x * model.delta - model.delta**2 / 2))

    exact, _ = integrate.quad(integrand, -9, 9, epsabs=1e-12)
    assert generalization_error(model, n, t) == pytest.approx(exact, abs=1e-10)
    assert normal_mean(lambda t: generalization_error(model, n, t), n) == pytest.approx(expected_G(model, n), abs=1e-10)
    assert 2e4 * expected_error(model, 2e4) == pytest.approx(2e4 * expected_G(model, 2e4), rel=1e-4)


@pytest.mark.parametrize("name", MEANS)
def test_simulated_errors_by_brute_force_and_on_average(name):
    model, n = MEANS[name], 30
    G, T, V = simulate_means(model, n, 3, np.random.default_rng(5))
    x = np.random.default_rng(5).normal(size=(3, n))
    for i in range(3):
        A = np.outer(x[i], model.delta) - model.delta**2 / 2
        p = model.prior * np.exp(A.sum(axis=0))
        p /= p.sum()
        assert T[i] == pytest.approx(-np.mean(np.log(np.exp(A) @ p)), abs=1e-6)
        assert V[i] == pytest.approx(np.sum(A**2 @ p - (A @ p) ** 2), abs=1e-5)
        assert G[i] == pytest.approx(generalization_error(model, n, x[i].sum()), abs=1e-6)
    G, T, _ = simulate_means(model, n, 4000, np.random.default_rng(1))
    assert G.mean() == pytest.approx(expected_G(model, n), abs=4 * G.std() / np.sqrt(4000))
    assert T.mean() == pytest.approx(expected_T(model, n), abs=4 * T.std() / np.sqrt(4000))
