"""Our versions of what the learner writes in lesson 05."""

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from sltcourse.theory.mean_models import MeanModel, normal_mean


def predictive(x: np.ndarray, data: np.ndarray, theta: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """p*(x) = E_w[p(x|w)] of the model N(θ, 1), its prior held as nodes.

    x: (k,), new points. data: (n,). theta, prior: (J,), the nodes' means and prior probabilities. Returns (k,).
    """
    with np.errstate(divide="ignore"):  # a node may have the prior 0
        log_post = np.log(prior) - ((data[:, None] - theta) ** 2).sum(axis=0) / 2
    post = np.exp(log_post - log_post.max())
    density: np.ndarray = norm.pdf(x[:, None] - theta) @ (post / post.sum())
    return density


def predictive_from_F(F: Callable[[np.ndarray], float], data: np.ndarray, x: float) -> float:
    """p*(x) = Z_{n+1}(data, x)/Z_n(data) with F = −log Z, a function of a data set (n,)."""
    return float(np.exp(F(data) - F(np.append(data, x))))


def expected_G(model: MeanModel, n: float) -> float:
    """E[G_n] = E[F_{n+1}] − E[F_n] of a MeanModel, F less the truth's own nL_n(w₀) (Watanabe 2009, ch. 1)."""
    before = normal_mean(lambda t: model.free_energy(n, t), variance=n)
    return normal_mean(lambda t: model.free_energy(n + 1, t), variance=n + 1) - before


def waic(log_p: np.ndarray, weights: np.ndarray) -> float:
    """WAIC = −(1/n) Σ log p*(xᵢ) + V_n/n (Watanabe 2010), a loss per sample.

    log_p: (n, J), log p(xᵢ|wⱼ) at J draws or nodes. weights: (J,), their posterior weights, which add up to 1.
    """
    training = -np.mean(np.log(np.exp(log_p) @ weights))
    return float(training + np.mean(log_p**2 @ weights - (log_p @ weights) ** 2))
