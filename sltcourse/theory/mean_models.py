"""Models of a mean, x ~ N(θ(w), 1): one number of the data is enough, and averages over data sets are integrals.

The log likelihood ratio of n samples to the truth N(θ₀, 1) is tδ − nδ²/2, with δ = θ(w) − θ₀ and the score
t = Σ(xᵢ − θ₀) ~ N(0, n). So a model is a prior on δ, held here as nodes with probabilities, and the mean over all data
sets of anything that the posterior says is an integral over the normal variable t.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from sltcourse.theory.cubature import panel_rule
from sltcourse.theory.numeric_input import real, reals, whole

DEEPEST = 20  # the Gamma(20) law has 6e-10 of its mass beyond 60, where the tables of deep_product end


class MeanModel:
    """x ~ N(θ(w), 1) with the truth N(θ₀, 1), as nodes in δ = θ(w) − θ₀ and their prior probabilities.

    The log likelihood ratio of n samples to the truth is tδ − nδ²/2 with the score t = Σ(xᵢ − θ₀) ~ N(0, n).

    delta, prior : nodes δ and prior probabilities, shape (J,).
    d, lam, m : number of parameters, learning coefficient, multiplicity.
    """

    def __init__(self, delta: np.ndarray, prior: np.ndarray, d: int, lam: float, m: int):
        self.delta, self.prior, self.d, self.lam, self.m = delta, prior / prior.sum(), d, lam, m

    def free_energy(self, n: float, t: ArrayLike) -> np.ndarray:
        """F_n − nL_n(w₀) = −log ∫ exp(tδ − nδ²/2) φ dw for scores t, an array of t's shape. n > 0 is a number.

        Raises ValueError unless n and t are finite and n > 0.
        """
        top, weights = self._weights(n, t, 1.0)
        return -(top + np.log(weights.sum(axis=-1)))

    def posterior(self, n: float, t: ArrayLike, beta: float = 1.0) -> np.ndarray:
        """Probabilities of the nodes under the posterior at inverse temperature β, shape (*t.shape, J).

        Raises ValueError unless n, t and β are finite and n and β > 0.
        """
        _, weights = self._weights(n, t, beta)
        return weights / weights.sum(axis=-1, keepdims=True)

    def _weights(self, n: float, t: ArrayLike, beta: float) -> tuple[np.ndarray, np.ndarray]:
        """The largest log weight of a node, (*t.shape), and the weights over e to that power, (*t.shape, J)."""
        n, beta = (np.nan if x.ndim else float(x) for x in (reals(n, "n"), reals(beta, "beta")))
        if not (0 < n < np.inf and 0 < beta < np.inf):
            raise ValueError(f"n and beta must be finite and greater than 0, not {n} and {beta}")
        t = reals(t, "t")
        if not np.isfinite(t).all():
            raise ValueError("the scores t must be finite numbers")
        exponent = beta * (t[..., None] * self.delta - n * self.delta**2 / 2)
        top = exponent.max(axis=-1)
        return top, self.prior * np.exp(exponent - top[..., None])


def checked_model(model: MeanModel) -> MeanModel:
    """``model``. Raises TypeError if it is none."""
    if not isinstance(model, MeanModel):
        raise TypeError(f"model must be a MeanModel, say power_mean(3), not a {type(model).__name__}")
    return model


def power_mean(k: int, w0: float = 0.0) -> MeanModel:
    """The model N(wᵏ, 1), k odd, with w uniform on [−1, 1] and the truth w = w0: λ = 1/(2k) at w0 = 0, else 1/2.

    Good for n up to 10¹². Raises ValueError for an even k and for a truth outside the box.
    """
    k, w0 = whole(k, 1, "the odd power k"), real(w0, "w0")
    if k % 2 != 1 or not -1 < w0 < 1:
        raise ValueError(f"an odd power k ≥ 1 and a truth inside (−1, 1) are needed, not k = {k}, w0 = {w0}")
    w, weight = panel_rule(-1, 1, sorted({0.0, w0}), 1e-7 if k == 1 else 1e-5)
    return MeanModel(w**k - w0**k, weight, 1, 1 / (2 * k) if w0 == 0 else 1 / 2, 1)


def product_mean() -> MeanModel:
    """The model N(ab, 1), a and b uniform on [−1, 1], truth ab = 0: θ = ab has the density −½ log |θ|; λ = ½, m = 2."""
    theta, weight = panel_rule(-1, 1, [0.0], 1e-13)
    return MeanModel(theta, -weight * np.log(np.abs(theta)) / 2, 2, 1 / 2, 2)


def deep_product(depth: int) -> MeanModel:
    """The model N(w₁⋯w_d, 1) of d = ``depth`` weights, uniform on [−1, 1], with the truth at mean 0.

    −log|wᵢ| is an exponential variable, so s = −log|mean| has the Gamma(d) density. λ = 1/2 and m = d. Raises
    ValueError for a depth below 1 or above ``DEEPEST``.
    """
    depth = whole(depth, 1, "depth")
    if depth > DEEPEST:
        raise ValueError(
            f"depth is {depth}, and {DEEPEST} is the most: the tables of the mean end before its mass does"
        )
    s, weight = panel_rule(0, 60, list(range(61)), 0.5, order=12)
    prior = weight * s ** (depth - 1) * np.exp(-s)
    return MeanModel(np.r_[np.exp(-s), -np.exp(-s)], np.r_[prior, prior], depth, 1 / 2, depth)


Z = np.linspace(-8.6, 8.6, 87)  # standard normal nodes, and their weights:
PZ = np.exp(-(Z**2) / 2) / np.exp(-(Z**2) / 2).sum()


def normal_mean(f: Callable[[np.ndarray], np.ndarray], variance: float) -> float:
    """E[f(t)] for t ~ N(0, variance), by the trapezoidal rule, exact to rounding for functions as smooth as F_n.

    ``f`` maps an array of shape (87,) to one of that shape. Raises ValueError for a variance that is not finite and
    above 0, and for an f that is not finite.
    """
    given = reals(variance, "variance")
    variance = np.nan if given.ndim else float(given)
    if not 0 < variance < np.inf:
        raise ValueError(f"the variance must be finite and greater than 0, not {variance}")
    mean = float(PZ @ f(np.sqrt(variance) * Z))
    if not np.isfinite(mean):
        raise ValueError(
            f"f is NaN or infinite somewhere within 8.6 standard deviations of 0, at a variance of {variance:g}"
        )
    return mean


def expected_error(model: MeanModel, n: float) -> float:
    """E[G_n], the mean Bayes generalization error of a MeanModel at its truth, from n and n + 1 samples' free energies.

    E[G_n] = E[F_(n+1)] − E[F_n] minus the entropy of the truth (Watanabe 2009, ch. 1): exact at finite n. Above n =
    10⁴, where that difference loses digits, E[(E_w δ)²]/2 is returned, whose relative error is of order 1/n. Raises
    ValueError unless n is finite and > 0, TypeError for what is no MeanModel.
    """
    model, given = checked_model(model), reals(n, "n")
    n = np.nan if given.ndim else float(given)  # which is refused below
    if n > 1e4:
        return normal_mean(lambda t: (model.posterior(n, t) @ model.delta) ** 2, n) / 2

    def mean_free_energy(k: float) -> float:
        return normal_mean(lambda t: model.free_energy(k, t), k)

    return mean_free_energy(n + 1) - mean_free_energy(n)
