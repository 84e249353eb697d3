"""The exact cases of lesson 11, and our versions of what the learner writes (``loss_covariance`` is the theory's)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.special import k0

from sltcourse.theory.linear_response import gaussian_posterior, loss_covariance, mean_losses

Array = NDArray[np.float64]

X = np.c_[np.ones(6), np.arange(-2.0, 4)]  # six points on a line, (1, x)
Y = np.array([-1.5, -0.2, -0.4, 1.2, 0.6, 3.3])
X.setflags(write=False)
Y.setflags(write=False)
NBETA, GAMMA = 30.0, 1.0
W_STAR = np.linalg.lstsq(X, Y, rcond=None)[0]


def susceptibility(phi: ArrayLike, delta: ArrayLike) -> tuple[Array, Array]:
    """(χ, its standard error), two arrays (k,): −Cov(φ, ΔL) from chains.

    ``phi`` (chains, draws), ``delta`` (chains, draws, k). The error is from the spread of the chains' own values.
    """
    phi, delta = np.asarray(phi, float), np.asarray(delta, float)
    product = -(phi - phi.mean())[..., None] * (delta - delta.mean((0, 1)))
    by_chain = product.mean(1)
    return by_chain.mean(0), by_chain.std(0, ddof=1) / np.sqrt(len(by_chain))


def components(chi: ArrayLike) -> tuple[Array, Array, Array]:
    """U (heads, k), s (k,) and Vᵀ (k, tokens) of estimates ``chi`` (heads, tokens), k the smaller of the two.

    Of each row its mean is taken off, and what is left is divided by its standard deviation.
    """
    z = np.asarray(chi, float) - np.mean(chi, 1, keepdims=True)
    loadings, size, scores = np.linalg.svd(z / z.std(1, keepdims=True), full_matrices=False)
    return loadings, size, scores


def agreement(first: ArrayLike, second: ArrayLike, k: int) -> float:
    """|cos| between the k-th principal ``components`` (k from 0) over the tokens of two estimates (heads, tokens)."""
    return float(abs(components(first)[2][k] @ components(second)[2][k]))


def posterior(point: int = 0, h: float = 0.0) -> tuple[Array, Array]:
    """Mean (2,) and covariance (2, 2) of the posterior of the six points when h (ℓ_point − L) is added to the loss."""
    p = np.full(6, (1 - h) / 6)
    p[point] += h
    return gaussian_posterior(X, Y, NBETA, GAMMA, W_STAR, weights=p)


def perturbed(point: int, h: float) -> Array:
    """E_h[ℓ_i] (6,) of the six points when h (ℓ_point − L) is added to the loss."""
    return mean_losses(X, Y, *posterior(point, h))


def tangents(point: int) -> Array:
    """∂E_h[ℓ_i]/∂h (6,) at h = 0: −nβ Cov(ℓ_i, ℓ_point − L)."""
    kernel = loss_covariance(X, Y, *posterior())
    return -NBETA * (kernel[:, point] - kernel.mean(1))


def mechanism(share: float, nbeta: float, localization: float) -> tuple[float, float]:
    """(E[ℓ], Var ℓ) of ℓ = (ab − 1)²/2 under exp(−nβ share ℓ − γ/2 ((a − 1)² + (b − 1)²)), on a fine grid."""
    t = np.linspace(-4, 5, 901)
    a, b = np.meshgrid(t, t)
    loss = (a * b - 1) ** 2 / 2
    density = np.exp(-nbeta * share * loss - localization / 2 * ((a - 1) ** 2 + (b - 1) ** 2))
    density /= density.sum()
    mean = float((density * loss).sum())
    return mean, float((density * (loss - mean) ** 2).sum())


def cross_influence(x: ArrayLike, y: ArrayLike, nbeta: float, localization: float) -> Array:
    """nβ Cov(ℓ_i, ℓ_j) (n, n) at the crossing (0, 0) of f(x) = ab·x, ℓ_i = (y_i − ab·x_i)²/2, by integrals over s = ab.

    With a and b from N(0, 1/γ), s has the density (γ/π) K₀(γ|s|). With s = t³ the logarithm at s = 0 is harmless.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)

    def moment(f) -> float:
        def integrand(t: float) -> float:
            s = np.array([-(t**3), t**3])
            rise = ((y[:, None] - s * x[:, None]) ** 2 - y[:, None] ** 2).mean(0) / 2
            return float((f(s) * np.exp(-nbeta * rise)).sum() * k0(localization * t**3) * 3 * t**2)

        return quad(integrand, 0, (40 / localization) ** (1 / 3), limit=200)[0]

    powers = [moment(lambda s, k=k: s**k) for k in range(5)]
    m = np.array(powers) / powers[0]
    # ℓ_i − y_i²/2 = −x_i y_i s + x_i² s²/2
    lin, square = -x * y, x**2 / 2
    cov = [[m[j + k] - m[j] * m[k] for k in (1, 2)] for j in (1, 2)]
    both = np.stack([lin, square], 1)
    return nbeta * both @ np.array(cov) @ both.T
