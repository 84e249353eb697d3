"""What the learner writes in lesson 07, as we would write it: the sampler, the estimate, R-hat."""

import numpy as np
from numpy.typing import ArrayLike

from sltcourse.theory.numeric_input import ArrayFunction


def sgld(
    grad: ArrayFunction, w_star: ArrayLike, nbeta: float, localization: float, lr: float, noise: np.ndarray
) -> np.ndarray:
    """Langevin chains from w_star: where each chain is after each step, shaped like ``noise``.

    ``grad`` maps w (chains, d) to ∇L at each, ``w_star`` (d,), ``noise`` (chains, steps, d) is standard normal. The
    potential is nβ L(w) + γ/2 ‖w − w*‖² with γ = ``localization``; ``lr`` is the step size ε. Source: Welling & Teh
    2011; with the spring Lau et al. 2023 (arXiv:2308.12108).
    """
    w_star = np.asarray(w_star, float)
    w = np.tile(w_star, (len(noise), 1))
    path = np.empty(noise.shape)
    for t in range(noise.shape[1]):
        force = nbeta * grad(w) + localization * (w - w_star)
        w = w - lr / 2 * force + np.sqrt(lr) * noise[:, t]
        path[:, t] = w
    return path


def llc_hat(losses: np.ndarray, loss_star: float, nbeta: float, burnin: int) -> tuple[float, float]:
    """(λ̂, its standard error): nβ (mean loss − loss_star), the error from the spread of the chains' own means.

    ``losses`` (chains, steps), of which the first ``burnin`` steps are left out. One chain has no error: nan.
    """
    means = nbeta * (losses[:, burnin:].mean(1) - loss_star)
    if len(means) == 1:
        return means[0], np.nan
    return means.mean(), means.std(ddof=1) / np.sqrt(len(means))


def r_hat(x: np.ndarray) -> float:
    """Split R-hat of ``x`` (chains, draws): 1 where all halves of all chains tell the same. Gelman et al. 2013, 11.4.

    Of an odd number of draws the last is left out.
    """
    half = x.shape[1] // 2
    halves = np.concatenate([x[:, :half], x[:, half : 2 * half]])
    within = halves.var(axis=1, ddof=1).mean()
    between = half * halves.mean(axis=1).var(ddof=1)
    return np.sqrt(((half - 1) * within + between) / (half * within))
