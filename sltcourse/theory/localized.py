"""The tempered, localized posterior p(w) ∝ exp(−nβ K(w) − γ/2 ‖w − w*‖²): its exact mean loss, and Langevin chains."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from sltcourse.progress import progress
from sltcourse.theory.numeric_input import ArrayFunction, array_function, reals
from sltcourse.theory.quadrature import Posterior


def exact_llc(
    K: ArrayFunction | sp.Expr, nbeta: ArrayLike, localization: float, w_star: ArrayLike = (0.0,)
) -> np.ndarray:
    """nβ (E[K(w)] − K(w*)) under p(w) ∝ exp(−nβ K(w) − γ/2 ‖w − w*‖²), by quadrature: what perfect chains would read.

    The local learning coefficient at finite nβ (Lau et al. 2023, arXiv:2308.12108, without their sampler's errors).
    ``K`` maps (N, d) to (N,), d ≤ 3, or is a sympy expression; ``nbeta`` is a number ≥ 1 or an array, the result
    has its shape; ``localization`` is γ > 0; ``w_star`` is a point of d numbers. Raises ValueError if γ is not
    positive, and as ``quadrature.Posterior``.

    >>> import numpy as np
    >>> from sltcourse.theory.localized import exact_llc
    >>> print(np.round(exact_llc(lambda w: w[:, 0]**4, [1e2, 1e4, 1e6], localization=1.0), 3))
    [0.242 0.249 0.25 ]
    """
    pull, w_star = reals(localization, "localization"), np.atleast_1d(reals(w_star, "w_star"))
    if pull.ndim or not 1e-100 < pull < 1e100:
        raise ValueError(f"localization is {localization}; the exact value needs γ > 0, or p is not confined.")
    if w_star.ndim > 1 or not w_star.size or not np.isfinite(w_star).all():
        raise ValueError(f"w_star must be a row of finite numbers, one for each coordinate, not {w_star}")
    nbeta, localization, reach = reals(nbeta, "nbeta"), float(pull), 9 / math.sqrt(pull)
    K = array_function(K, len(w_star))

    def spring(w: np.ndarray) -> np.ndarray:
        density = np.exp(-localization / 2 * ((w - w_star) ** 2).sum(1))
        return density * (localization / (2 * math.pi)) ** (len(w_star) / 2)

    bounds = [(c - reach, c + reach) for c in w_star]
    points = [[0.0, c] if abs(c) < reach else [c] for c in w_star]
    posterior = Posterior(K, bounds, nbeta, prior=spring, breakpoints=points)
    return np.asarray(nbeta) * (posterior.expectation(K).value - K(w_star[None])[0])


def langevin(
    gradient: Callable[[np.ndarray], np.ndarray],
    w_star: ArrayLike,
    nbeta: np.ndarray,
    localization: np.ndarray,
    lr: np.ndarray,
    noise: np.ndarray,
) -> np.ndarray:
    """Langevin chains at many settings at once, all driven by the same noise.

    ``gradient`` maps w of shape (settings, chains, d) to that shape; ``nbeta``, ``localization`` and ``lr`` have shape
    (settings, 1, 1); ``noise`` (steps, chains, d) is standard normal. Returns w after each step, (steps, settings,
    chains, d); a chain that overflows ends as NaN. They start at ``w_star`` (d,).
    """
    w = np.broadcast_to(np.asarray(w_star, float), (len(lr), *noise.shape[1:]))
    path = np.empty((len(noise), *w.shape), np.float32)
    with np.errstate(all="ignore"):
        for t, z in enumerate(progress(noise, "Langevin steps")):
            w = w - lr / 2 * (nbeta * gradient(w) + localization * (w - w_star)) + np.sqrt(lr) * z
            path[t] = w
    return path


@dataclass(frozen=True)
class Volume:
    """V(ε) = ε^λ (1 − λ log ε)^(m − 1) on (0, 1], for m = 1 or 2 (m = 2, λ = ½ is K = w₁²w₂² on [−1, 1]² exactly).

    ``lam`` is λ.

    >>> from sltcourse.theory.localized import Volume
    >>> [round(float(Volume(0.5, m).reading(nbeta=1e4)), 3) for m in (1, 2)]
    [0.5, 0.411]
    """

    lam: float
    m: int = 1

    def log_density(self, t: np.ndarray) -> np.ndarray:
        """The log of dV/dt at t = log ε <= 0: how much volume has its loss near ε = e^t."""
        return self.lam * t + np.log(self.lam if self.m == 1 else -(self.lam**2) * t)

    def hill(self, t: np.ndarray, nbeta: float) -> np.ndarray:
        """exp(−nβε) dV/dt at t, on an even grid, divided by its integral: the density of log ε in the posterior."""
        log = self.log_density(t) - nbeta * np.exp(t)
        density = np.exp(log - log.max())
        return density / (density.sum() * (t[1] - t[0]))

    def reading(self, nbeta: float, points: int = 4000) -> float:
        """nβ E[ε] under the posterior of the losses: what an estimate of λ reads at nβ, ``nbeta`` > 0.

        ``points`` of the grid. Raises ValueError unless nβ is finite and above 0.
        """
        if not (nbeta > 0 and math.isfinite(nbeta)):
            raise ValueError(f"nβ must be a finite number greater than 0, not {nbeta}")
        t = np.linspace(-np.log(nbeta) - 30 / self.lam, -1e-9, points)
        return nbeta * np.sum(self.hill(t, nbeta) * np.exp(t)) * (t[1] - t[0])
