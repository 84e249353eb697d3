"""Our own versions of the functions that the learner of lesson 08 writes."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from sltcourse.theory.superposition_model import LossAndGradient

Terms = tuple[float, float, float]  # (L, λ, ½‖w*‖²) of a polygon


def loss(W: np.ndarray, b: np.ndarray) -> float:
    """L = E‖x − ReLU(WᵀWx + b)‖² of W (2, c) and b (c,), for x = μ e_i, i uniform on c features, μ ~ U[0, 1].

    Chen et al. (2023, arXiv:2310.06301), with P and Q of the lesson. Where |g| < 10⁻⁶ it takes 10⁻⁶ for g.
    """
    g = W.T @ W
    g = np.where(np.abs(g) < 1e-6, 1e-6, g)
    low, high = np.maximum(b, 0), np.maximum(g + b, 0)
    P = (high**3 - low**3) / (3 * g)
    R = (high**2 - low**2) / (2 * g)
    Q = (P - b * R) / g
    return float((len(b) / 3 - 2 * np.trace(Q) + P.sum()) / len(b))


def train(w: np.ndarray, loss: LossAndGradient, steps: int, rate: float, keep: Sequence[int]) -> np.ndarray:
    """Gradient descent of all rows of w (networks, d) at once: the states after the steps named in ``keep``.

    ``loss(w)`` returns the losses (networks,) and the gradients (networks, d). Step 0 is the start; w stays as it is.
    Returns an array (len(keep), networks, d).
    """
    w, kept = w.copy(), []
    for step in range(steps + 1):
        if step in keep:
            kept.append(w.copy())
        w -= rate * loss(w)[1]
    return np.array(kept)


def crossing(a: Terms, b: Terms) -> float:
    """The n > 0 at which F = nL + λ log n + ½‖w*‖² of polygon ``a`` and of ``b`` are equal, for the last time.

    Each is (L, λ, ½‖w*‖²), and b has the lower L, so that it has the lower F from this n on. nan: they never are.
    """

    def ahead(n: float) -> float:
        return n * (a[0] - b[0]) + (a[1] - b[1]) * float(np.log(n)) + a[2] - b[2]

    turn = max((b[1] - a[1]) / (a[0] - b[0]), 1e-9)  # from here on F(a) − F(b) grows
    return float(brentq(ahead, turn, 1e12)) if ahead(turn) < 0 else np.nan
