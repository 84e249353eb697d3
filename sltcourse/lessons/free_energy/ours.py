"""Our own versions of the three functions that the learner of lesson 06 writes."""

import math

import numpy as np


def free_energy(loss: np.ndarray, prior: np.ndarray, cell: float, n: float) -> float:
    """F = −log Σ exp(−n loss) prior cell, the free energy on a grid, in nats.

    ``loss`` and ``prior``, shape (N,), are taken at the midpoints of N cells of size ``cell``; the prior is a density.
    The largest term is taken out before exp, so that nothing underflows. Source: Watanabe 2009, ch. 1.
    """
    with np.errstate(divide="ignore"):
        terms = -n * loss + np.log(prior * cell)
    top = terms.max()
    return float(-top - np.log(np.exp(terms - top).sum()))


def bill(loss: np.ndarray, prior: np.ndarray, cell: float, n: float) -> tuple[float, float]:
    """(misfit, complexity) of the posterior p on a grid: E_p[n loss] and KL(p‖prior), in nats; arguments as above.

    Their sum is F. Source: the Gibbs variational principle, F = min over q of E_q[nL] + KL(q‖prior).
    """
    F = free_energy(loss, prior, cell, n)
    p = np.exp(F - n * loss) * prior * cell
    misfit = float(np.sum(p * n * loss))
    return misfit, F - misfit


def critical_size(L1: float, lam1: float, L2: float, lam2: float) -> float:
    """The n > e at which n L1 + lam1 log n = n L2 + lam2 log n, or nan where there is none.

    With r = (lam2 − lam1)/(L1 − L2) it is the larger solution of n = r log n, which exists for r > e.
    """
    if L1 == L2 or (lam2 - lam1) / (L1 - L2) <= math.e:
        return float("nan")
    ratio = (lam2 - lam1) / (L1 - L2)
    n = ratio**2  # above the solution, since 2 log r < r
    for _ in range(200):
        n = ratio * np.log(n)
    return float(n)
