"""What the learner writes in lesson 10, as we would write it."""

import numpy as np


def bigram_loss(table: np.ndarray, unigram: np.ndarray) -> float:
    """The mean loss in nats of who knows how often each symbol comes, (V,), and what follows it, ``table`` (V, V)."""
    logs = np.log(np.where(table > 0, table, 1))
    return float(-(unigram[:, None] * table * logs).sum())


def induction_score(attention: np.ndarray, text: np.ndarray) -> float:
    """The mean share of attention that goes right behind earlier occurrences of the present symbol.

    ``attention`` (T, T) of one head, row t is who place t looks at; ``text`` (T,). The mean is over the places whose
    symbol was there before; nan where there is none. Olsson et al. 2022 (arXiv:2209.11895).
    """
    shares = []
    for t in range(len(text)):
        earlier = np.flatnonzero(text[:t] == text[t])
        if len(earlier):
            shares.append(attention[t, earlier + 1].sum())
    return float(np.mean(shares)) if shares else float("nan")


def ridge(x: np.ndarray, y: np.ndarray, x_new: np.ndarray, noise: float) -> float:
    """E[t·x_new | pairs] for t ~ N(0, 1) and noise of that variance: ``x`` (k, D), ``y`` (k,), ``x_new`` (D,)."""
    t = np.linalg.solve(x.T @ x + noise * np.eye(x.shape[1]), x.T @ y)
    return float(t @ x_new)


def dmmse(x: np.ndarray, y: np.ndarray, x_new: np.ndarray, noise: float, tasks: np.ndarray) -> float:
    """E[t·x_new | pairs] for t one of ``tasks`` (M, D), all alike: the discrete minimum mean squared error predictor.

    Raventós et al. 2023 (arXiv:2306.15063). ``x`` (k, D), ``y`` (k,), ``x_new`` (D,), ``noise`` the variance.
    """
    misfit = ((y[:, None] - x @ tasks.T) ** 2).sum(0) / (2 * noise)
    weight = np.exp(-(misfit - misfit.min()))
    return float(weight @ (tasks @ x_new) / weight.sum())


def apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    """By how many standard errors of the difference the estimate ``a`` lies above ``b``: (value, error) each."""
    return float((a[0] - b[0]) / np.hypot(a[1], b[1]))


def along(predictor, x: np.ndarray, y: np.ndarray, *known) -> np.ndarray:
    """(n, K): what a predictor says at each x_k after the pairs before it; ``x`` (n, K, D), ``y`` (n, K)."""
    return np.array([[predictor(a[:k], b[:k], a[k], *known) for k in range(len(b))] for a, b in zip(x, y, strict=True)])
