"""Linear response where it is exact: least squares with a Gaussian posterior.

The samples' losses are ℓ_i(w) = ½ (y_i − x_i·w)², L_n = Σ p_i ℓ_i with weights p_i (1/n if none are given), and the
posterior is exp(−nβ L_n − γ/2 ‖w − w*‖²). It is Gaussian, N(m, S), and every ℓ_i is a quadratic of it, so that all
means and covariances are finite sums (Isserlis 1918).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sltcourse.theory.numeric_input import real, reals

Array = NDArray[np.float64]


def gaussian_posterior(
    X: ArrayLike,
    y: ArrayLike,
    nbeta: float,
    localization: float,
    w_star: ArrayLike,
    weights: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """Mean m (d,) and covariance S (d, d) of the posterior.

    ``X`` (n, d), ``y`` (n,), ``w_star`` (d,); ``weights`` (n,), the p_i, which may be negative as long as the posterior
    exists. S = (nβ Σ p_i x_i x_iᵀ + γ)⁻¹. Raises ValueError where shapes do not suit, a number is not finite, or the
    precision is not positive.

    >>> from sltcourse.theory.linear_response import gaussian_posterior
    >>> mean, cov = gaussian_posterior([[1.0], [1.0]], [0.0, 2.0], nbeta=8.0, localization=2.0, w_star=[1.0])
    >>> print(mean, cov)
    [1.] [[0.1]]
    """
    X, y, w_star = reals(X, "X"), reals(y, "y"), reals(w_star, "w_star")
    nbeta, localization = real(nbeta, "nbeta"), real(localization, "localization")
    if X.ndim != 2 or y.shape != X.shape[:1] or w_star.shape != X.shape[1:]:
        raise ValueError(f"X (n, d), y (n,) and w_star (d,) do not suit: {X.shape}, {y.shape}, {w_star.shape}.")
    p = np.full(len(y), 1 / len(y)) if weights is None else reals(weights, "weights")
    if p.shape != y.shape:
        raise ValueError(f"weights have the shape {p.shape}; give one for each of the {len(y)} samples.")
    if not all(np.isfinite(a).all() for a in (X, y, w_star, p)) or not len(w_star):
        raise ValueError("X, y, w_star and weights must be finite, and d at least 1.")
    with np.errstate(over="ignore", invalid="ignore"):
        precision = nbeta * (X.T * p) @ X + localization * np.eye(len(w_star))
    if not np.isfinite(precision).all():
        raise ValueError("the precision overflows: X, weights, nbeta or localization are too large.")
    least = float(np.linalg.eigvalsh(precision)[0])
    if not least > 0:
        raise ValueError(f"this is no posterior: its precision has the eigenvalue {least:.3g}, which must be positive.")
    S = np.linalg.inv(precision)
    return S @ (nbeta * (X.T * p) @ y + localization * w_star), S


def mean_losses(X: ArrayLike, y: ArrayLike, mean: ArrayLike, cov: ArrayLike) -> Array:
    """E[ℓ_i] = ½ (y_i − x_i·m)² + ½ x_iᵀ S x_i (n,) under w ~ N(m, S), for ``X`` (n, d) and ``y`` (n,).

    Raises ValueError where shapes do not suit, and for numbers that are not finite, or too large.

    >>> from sltcourse.theory.linear_response import mean_losses
    >>> print(mean_losses([[1.0], [2.0]], [1.0, 0.0], mean=[1.0], cov=[[0.5]]))
    [0.25 3.  ]
    """
    X, y, mean, cov = _checked(X, y, mean, cov)
    with np.errstate(over="ignore", invalid="ignore"):
        residual = y - X @ mean
        return _finite(residual**2 / 2 + np.einsum("ij,jk,ik->i", X, cov, X) / 2)


def loss_covariance(X: ArrayLike, y: ArrayLike, mean: ArrayLike, cov: ArrayLike) -> Array:
    """Cov(ℓ_i, ℓ_j) = r_i r_j s_ij + ½ s_ij² (n, n) under w ~ N(m, S), with r = y − Xm and s = X S Xᵀ.

    With u = w − m, ℓ_i = ½ (r_i − x_i·u)². The linear terms give r_i r_j s_ij, the squares ¼ · 2 s_ij² (Isserlis), and
    a linear with a quadratic term gives a third moment of u, which is 0. Raises ValueError as ``mean_losses``.

    >>> from sltcourse.theory.linear_response import loss_covariance
    >>> print(loss_covariance([[1.0], [2.0]], [1.0, 0.0], mean=[1.0], cov=[[0.5]]))
    [[ 0.125  0.5  ]
     [ 0.5   10.   ]]
    """
    X, y, mean, cov = _checked(X, y, mean, cov)
    with np.errstate(over="ignore", invalid="ignore"):
        residual, spread = y - X @ mean, X @ cov @ X.T
        return _finite(np.outer(residual, residual) * spread + spread**2 / 2)


def _checked(X: ArrayLike, y: ArrayLike, mean: ArrayLike, cov: ArrayLike) -> tuple[Array, Array, Array, Array]:
    """What belongs to a Gaussian law of w, as arrays. Raises ValueError where shapes do not suit, or for NaN."""
    X, y, mean, cov = reals(X, "X"), reals(y, "y"), reals(mean, "mean"), reals(cov, "cov")
    if X.ndim != 2 or y.shape != X.shape[:1] or mean.shape != X.shape[1:] or cov.shape != 2 * X.shape[1:]:
        raise ValueError(
            f"X (n, d), y (n,), mean (d,) and cov (d, d) do not suit: {X.shape}, {y.shape}, {mean.shape}, {cov.shape}."
        )
    if not all(np.isfinite(a).all() for a in (X, y, mean, cov)):
        raise ValueError("X, y, mean and cov must be finite.")
    return X, y, mean, cov


def _finite(values: Array) -> Array:
    if not np.isfinite(values).all():
        raise ValueError("the losses overflow: X, y, mean or cov are too large.")
    return values
