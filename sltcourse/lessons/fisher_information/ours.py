"""Our versions of what the learner of lesson 01 writes, and the network that lesson takes apart."""

from collections.abc import Sequence

import numpy as np
import sympy as sp


def fisher(p: sp.Expr, x: sp.Symbol, parameters: Sequence[sp.Symbol]) -> sp.Matrix:
    """The exact Fisher matrix E[∂ᵢ log p · ∂ⱼ log p] of a density p(x|w), x over the whole line: a d×d matrix."""
    scores = [sp.simplify(sp.diff(sp.log(p), w)) for w in parameters]

    def mean(g: sp.Expr) -> sp.Expr:
        return sp.simplify(sp.integrate(g * p, (x, -sp.oo, sp.oo)))

    return sp.Matrix([[mean(s * t) for t in scores] for s in scores])


def predict(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """f(x) = Σⱼ aⱼ tanh(bⱼx + cⱼ), shape (N,), at inputs x (N,); w (3H,) holds all a, then all b, then all c."""
    a, b, c = w.reshape(3, -1)
    f: np.ndarray = np.tanh(np.outer(x, b) + c) @ a
    return f


def jacobian(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """∂f(xₙ)/∂wᵢ of ``predict``, shape (N, 3H): the columns of the a's, then of the b's, then of the c's."""
    a, b, c = w.reshape(3, -1)
    h = np.tanh(np.outer(x, b) + c)
    slope = a * (1 - h**2)
    return np.hstack([h, slope * x[:, None], slope])


def weights_of(y1: float, y2: float) -> tuple[float, float]:
    """The weights (a, b), b > 0, of a·tanh(bx) with f(1) = y1 ≠ 0 and f(2) = y2; (nan, nan) if there are none.

    With t = tanh b the slope y2/y1 is tanh 2b / tanh b = 2/(1 + t²): strictly between 1 and 2.
    """
    if y1 == 0 or not 1 < y2 / y1 < 2:
        return np.nan, np.nan
    t = float(np.sqrt(2 * y1 / y2 - 1))
    return y1 / t, float(np.arctanh(t))
