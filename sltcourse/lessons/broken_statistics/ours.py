"""Our own versions of the four functions that the learner of lesson 02 writes."""

from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp
from scipy.stats import norm

Z = np.linspace(-8, 8, 4001)  # standard normal nodes, and their probabilities:
PZ = norm.pdf(Z) / norm.pdf(Z).sum()


def expansion(p: Sequence[sp.Expr], w: sp.Symbol, w0: sp.Expr | float) -> tuple[sp.Expr, sp.Expr]:
    """(slope, curvature) of the Kullback–Leibler divergence K(w0 + h) = slope h + curvature h²/2 + O(h³).

    ``p`` are the probabilities of finitely many outcomes, expressions in ``w``, positive at ``w0``. With the scores
    s = ∂ log p, slope = −E[s] = −∂ Σp = 0 and curvature = −E[∂s] = E[s²] − Σ∂²p = E[s²], the Fisher information.
    Source: Watanabe 2009, ch. 1.
    """
    scores = [sp.diff(sp.log(q), w) for q in p]
    slope = -sum((q * s for q, s in zip(p, scores, strict=True)), sp.Integer(0))
    curvature = sum((q * s**2 for q, s in zip(p, scores, strict=True)), sp.Integer(0))
    return sp.simplify(slope.subs(w, w0)), sp.simplify(curvature.subs(w, w0))


def estimates(
    mean: Callable[[np.ndarray], np.ndarray],
    grid: np.ndarray,
    w0: float,
    n: float,
    size: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """The maximum likelihood estimates of ``size`` data sets of n observations of N(mean(w0), 1): shape (size,).

    The average of a data set is normal around mean(w0) with variance 1/n, and the likelihood is largest at the w of
    ``grid``, shape (J,), whose mean is nearest to it. ``mean`` maps arrays of w to arrays of means.
    """
    averages = mean(np.float64(w0)) + rng.normal(size=size) / np.sqrt(n)
    gaps = np.abs(averages[:, None] - mean(grid))
    return grid[gaps.argmin(axis=1)]


def cramer_rao(T: Callable[[np.ndarray], np.ndarray], level: float, rise: float, n: float) -> tuple[float, float]:
    """Both sides of (dE[T]/dw)² ≤ n I(w) Var(T), for N(m(w), 1) at a point with m = ``level`` and m′ = ``rise``.

    ``T`` maps averages x̄ (an array) to estimates. The score of n observations is m′ n (x̄ − m), its mean square nI =
    n m′². dE[T]/dw = Cov(T, score), and Cauchy–Schwarz does the rest (Lehmann & Casella 1998, sec. 2.5).
    """
    t, score = T(level + Z / np.sqrt(n)), rise * np.sqrt(n) * Z
    slope = PZ @ (t * score)
    variance = PZ @ (t - PZ @ t) ** 2
    return float(slope**2), float(n * rise**2 * variance)


def laplace(loss: float, hessian: np.ndarray, prior: float, n: float) -> float:
    """−log of the Gaussian integral ∫ exp(−n(loss + u·H u/2)) prior du over all of R^d, in nats.

    ``hessian`` is H, shape (d, d); ``loss`` and ``prior`` (a density) are the values at the peak. −∞ if det H = 0.
    Source: Schwarz 1978.
    """
    d = len(hessian)
    log_det = np.linalg.slogdet(hessian)[1]
    return float(n * loss - np.log(prior) + d / 2 * np.log(n / (2 * np.pi)) + log_det / 2)
