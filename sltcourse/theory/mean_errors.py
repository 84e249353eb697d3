"""Errors and choices of the models of a mean: averaged over all data sets, of one data set, and simulated.

Everything is for a `mean_models.MeanModel`, whose data enter through one number, the score t.
"""

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import ndtr

from sltcourse.theory.mean_models import PZ, MeanModel, Z, expected_error, normal_mean


def mean_complexity(model: MeanModel, n: float) -> float:
    """E[F_n − nL_n(ŵ)] over data from N(0, 1): what a MeanModel pays for its parameters, beyond its best fit.

    nL_n(0) − nL_n(ŵ) = n x̄²/2 has the mean 1/2 (the box around the weights left out of the best fit).
    """
    return normal_mean(lambda t: model.free_energy(n, t), n) + 0.5


def scaled_error(model: MeanModel, n: float) -> float:
    """n E[G_n], the mean Bayes generalization error times n, of a MeanModel at its truth; see ``expected_error``."""
    return n * expected_error(model, n)


def generalization_error(model: MeanModel, n: float, t: float | np.ndarray) -> np.ndarray:
    """G_n of data sets with the scores t, an array of t's shape: E_x[F_{n+1}(t + x)] − F_n(t), x ~ N(0, 1)."""
    t = np.asarray(t, float)
    after = np.sum(PZ * model.free_energy(n + 1, t[..., None] + Z), axis=-1)
    return after - model.free_energy(n, t)


def simulate_means(
    model: MeanModel, n: int, data_sets: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(G_n, T_n, V_n), each of shape (data_sets,), of simulated data sets of n samples x ~ N(θ₀, 1).

    T_n and V_n sum over the samples; the functions of t in them are tabulated and interpolated. The truth's own loss
    L_n(w₀) is subtracted from T_n.
    """
    x = rng.normal(size=(data_sets, n))
    t = x.sum(axis=1)
    reach = 6 * np.sqrt(n) + 9
    grid = np.linspace(-reach, reach, 301)
    p = model.posterior(n, grid)
    m1, m2, m3, m4 = (p @ model.delta**k for k in (1, 2, 3, 4))
    before, after = (CubicSpline(grid, model.free_energy(k, grid)) for k in (n, n + 1))
    G = after(t[:, None] + Z) @ PZ - before(t)
    T = after(t[:, None] + x).mean(axis=1) - before(t)
    var, cov, square = (CubicSpline(grid, f)(t) for f in (m2 - m1**2, m3 - m1 * m2, m4 - m2**2))
    return G, T, (x**2).sum(axis=1) * var - t * cov + n * square / 4


def chance_of_choice(model: MeanModel, n: float, mean: float) -> tuple[float, float]:
    """Chances (by BIC, by exact F_n) that ``model``, a MeanModel with truth 0, is chosen against N(0, 1).

    The data are n observations of N(mean, 1), z = √n x̄. BIC chooses the model if z² > d log n; the free energy, if
    F_n is below nL_n(0), which it is beyond some |z|. Raises ValueError unless n >= 2.
    """
    if not n >= 2:
        raise ValueError(f"n must be at least 2, not {n}")
    cutoffs = np.sqrt(model.d * np.log(n)), brentq(lambda z: model.free_energy(n, np.sqrt(n) * z), 0, 60)
    shift = np.sqrt(n) * mean
    by_bic, by_free_energy = (float(ndtr(shift - c) + ndtr(-shift - c)) for c in cutoffs)
    return by_bic, by_free_energy
