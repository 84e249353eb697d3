"""Our own versions of the three functions that the learner of lesson 03 writes, and what joins several runs of one."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from sltcourse.theory.numeric_input import ArrayFunction
from sltcourse.theory.volume import VolumeCurve

STIRS = 30  # moves of each particle at each level


def count(
    K: ArrayFunction, box: Sequence[tuple[float, float]], eps: float, n: int, rng: np.random.Generator
) -> tuple[float, float]:
    """V(ε) by counting: the share of ``n`` prior draws with K ≤ ε, and its standard error, two floats.

    ``K`` maps points (N, d) to (N,); ``box`` is d pairs (low, high), and the prior is uniform on it.
    """
    low, high = np.transpose(box)
    w = rng.uniform(low, high, (n, len(box)))
    share = float(np.mean(K(w) <= eps))
    return share, np.sqrt(share * (1 - share) / n)


def crossing(k: Sequence[int], h: Sequence[int]) -> tuple[Fraction, int]:
    """(λ, m) of K = Π w_i^(2k_i) with the prior ∝ Π |w_i|^(h_i), a Fraction and an int; ``k`` and ``h`` have d ints."""
    rates = [Fraction(h_i + 1, 2 * k_i) for k_i, h_i in zip(k, h, strict=True) if k_i > 0]
    return min(rates), rates.count(min(rates))


def split(
    K: ArrayFunction, box: Sequence[tuple[float, float]], eps: float, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """V(ε) = Prob{K ≤ ε} down to ``eps`` by splitting, with n particles: (levels, log_V, clouds).

    ``levels`` and ``log_V`` have shape (J,), ``clouds`` (J, n, d): clouds[j] is a sample of {K ≤ levels[j]}. ``K`` and
    ``box`` as in ``count``. The method is multilevel splitting (Kahn & Harris 1951). A step goes along one coordinate;
    its size is log-uniform between 1 and √level: the set is at least about √(level/C) thick where K ≤ C dist².
    """
    low, high = np.transpose(box)
    w = rng.uniform(low, high, (n, len(box)))
    level, total, levels, log_V, clouds = np.inf, 0.0, [], [], []
    while level > eps:
        loss = K(w)
        level = max(np.quantile(loss, 0.4), eps)
        alive = w[loss <= level]
        total += np.log(len(alive) / n)
        w = alive[rng.integers(len(alive), size=n)]
        for _ in range(STIRS):
            new, i = w.copy(), rng.integers(len(box), size=n)
            new[np.arange(n), i] += level ** rng.uniform(0, 0.5, n) * rng.normal(size=n)
            stays = (K(new) <= level) & np.all((low <= new) & (new <= high), axis=1)
            w[stays] = new[stays]
        levels.append(level)
        log_V.append(total)
        clouds.append(w)
    return np.array(levels), np.array(log_V), np.array(clouds)


def as_curve(runs: Sequence[tuple[np.ndarray, np.ndarray, *tuple[Any, ...]]], n: int, d: int) -> VolumeCurve:
    """Several runs of ``split`` with ``n`` particles as one VolumeCurve, whose error is their spread.

    ``runs`` is a list of (levels, log_V, …). Each run has levels of its own: log V is read off between them, on a
    straight line in log ε, at as many levels as the runs have in the middle. Raises ValueError for a single run.
    """
    if len(runs) < 2:
        raise ValueError("as_curve needs at least two runs: their spread is the error")
    first, last = max(run[0][0] for run in runs), max(run[0][-1] for run in runs)
    eps = np.geomspace(first, last, int(np.median([len(run[0]) for run in runs])))
    log_V = [np.interp(-np.log(eps), -np.log(run[0]), run[1]) for run in runs]
    return VolumeCurve(eps, np.exp(np.diff(log_V, axis=1, prepend=0.0)), n, d)
