"""Errors of the models of a mean: of one data set, and simulated.

Everything is for a `mean_models.MeanModel`, whose data enter through one number, the score t.

Source: Watanabe 2009, ch. 1.
"""

import numpy as np
from scipy.interpolate import CubicSpline

from sltcourse.theory.mean_models import PZ, MeanModel, Z, checked_model
from sltcourse.theory.numeric_input import real, reals


def generalization_error(model: MeanModel, n: float, t: float | np.ndarray) -> np.ndarray:
    """G_n of ``model`` on data sets with the scores t, in t's shape: E_x[F_{n+1}(t + x)] − F_n(t), x ~ N(0, 1).

    Raises ValueError unless n > 0 and t are finite, TypeError for what is no MeanModel.

    >>> from sltcourse.theory.mean_errors import generalization_error
    >>> from sltcourse.theory.mean_models import power_mean
    >>> print(generalization_error(power_mean(3), 100, [0.0, 10.0]).round(4))
    [0.     0.0009]
    """
    model, n, t = checked_model(model), real(n, "n"), reals(t, "t")
    after = np.sum(PZ * model.free_energy(n + 1, t[..., None] + Z), axis=-1)
    return after - model.free_energy(n, t)


def simulate_means(
    model: MeanModel, n: int, data_sets: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(G_n, T_n, V_n), each of shape (data_sets,), of simulated data sets of n samples x ~ N(θ₀, 1).

    T_n and V_n sum over the samples; the functions of t in them are tabulated and interpolated. The truth's own loss
    L_n(w₀) is subtracted from T_n. ``model``: a `MeanModel`; ``rng`` draws.

    >>> import numpy as np
    >>> from sltcourse.theory.mean_errors import simulate_means
    >>> from sltcourse.theory.mean_models import power_mean
    >>> G, T, V = simulate_means(power_mean(1), n=100, data_sets=500, rng=np.random.default_rng(0))
    >>> G.shape, bool(abs(100 * G.mean() - 0.5) < 0.1)
    ((500,), True)
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
