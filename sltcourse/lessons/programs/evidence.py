"""Exact posteriors of two small models: a lamp that may toggle, and OR against LAST.

All integrals are over probabilities between 0 and 1, by Gauss–Legendre rules on intervals that shrink by halves towards
0 and towards 1: a posterior of n data lies within about 1/n of a side, and the intervals reach down to 10⁻⁹.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

_HALVINGS = 30


class Nodes(NamedTuple):
    """A posterior as weighted nodes, all arrays of one shape (N,): ``weight`` adds up to 1, ``log_Z`` is a number.

    ``a`` and ``b`` are the chances of the symbol 0 to lead to state 1 from state 0 and from state 1; ``rule`` and
    ``shortcut`` are 1 at the nodes of their quarter or half of the square, else 0; ``log_p`` is the log probability
    of the right label of a telling example.
    """

    a: np.ndarray
    b: np.ndarray
    weight: np.ndarray
    rule: np.ndarray
    shortcut: np.ndarray
    log_p: np.ndarray
    log_Z: float

    def log_evidence(self, where: np.ndarray) -> float:
        """log ∫ likelihood · prior over the nodes at which ``where`` is 1."""
        return float(self.log_Z + np.log(self.weight @ where))


def _axis(order: int, cuts: ArrayLike = ()) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes x in [0, 1], 1 − x without rounding, and weights; the intervals end at ``cuts`` below ½ too."""
    edges = np.unique(np.r_[0, 0.5 ** np.arange(_HALVINGS, 0, -1), cuts])
    u, w = np.polynomial.legendre.leggauss(order)
    half = np.diff(edges)[:, None] / 2
    t, weights = (edges[:-1, None] + half * (1 + u)).ravel(), (half * w).ravel()
    return np.r_[t, 1 - t], np.r_[1 - t, t], np.r_[weights, weights]


def lamp(plain: float, telling: float, order: int = 6, cuts: ArrayLike = ()) -> Nodes:
    """The posterior of a two-state program that reads zeros: ``plain`` times 00 → 0, ``telling`` times 000 → 1.

    Two parameters, uniform on the square: a, the chance that 0 leads from state 0 to 1, and b, that it stays in
    state 1. At a = 0 the answer is always 0 (the *shortcut*, a < ½); at a = 1, b = 0 it says whether the number of
    zeros is odd (the *rule*, a > ½ and b < ½). Numbers of examples may be fractions: then the population loss is meant.
    ``order`` is that of the Gauss rules, ``cuts`` are further ends of their intervals between 0 and ½, mirrored at ½.
    Raises ValueError for negative numbers.
    """
    if min(plain, telling) < 0:
        raise ValueError("numbers of examples are not negative")
    x, rest, w = _axis(order, cuts)
    a, a_rest = (v[:, None] for v in (x, rest))
    b = x[None]
    on = a * (a_rest + b)  # in state 1 after two zeros
    off = a_rest**2 + a * rest[None]
    lit = on * b + off * a  # after three
    log_p = np.log(np.maximum(lit, 1e-300))
    log_likelihood = plain * np.log(np.maximum(off, 1e-300)) + telling * log_p
    top = log_likelihood.max()
    mass = np.exp(log_likelihood - top) * w[:, None] * w
    flat = [np.broadcast_to(v, mass.shape).ravel() for v in (a, b, mass / mass.sum())]
    rule, shortcut = ((a > 0.5) & (b < 0.5)).ravel().astype(float), np.broadcast_to(a < 0.5, mass.shape).ravel() * 1.0
    return Nodes(*flat, rule, shortcut, log_p.ravel(), float(top + np.log(mass.sum())))


def or_against_last(same: float, telling: float, order: int = 3) -> float:
    """The posterior share of OR, of OR and LAST together, after ``same`` examples of each of 00 → 0 and 11 → 1, and
    ``telling`` of 10 → 1.

    The two-state program has four parameters, uniform: a and b as in ``lamp``, and c and d, the chances of the symbol 1
    to lead to state 1 from state 0 and 1. Both programs have a < ½ and c > ½; OR has b > ½. d is integrated by hand.
    Raises ValueError for negative numbers.
    """
    if min(same, telling) < 0:
        raise ValueError("numbers of examples are not negative")
    x, rest, w = _axis(order)
    half = len(x) // 2
    a, b = x[:half, None, None], x[None, :, None]
    c, e = x[None, None, half:], rest[None, None, half:]  # c near 1, e = 1 − c
    log_zeros = same * np.log1p(-a * (1 - a + b))
    power = same + 1
    ones = ((1 - e**2) ** power - (c * e) ** power) / (c * power)  # ∫ (c(1 − c) + c d)^same dd
    log_told = telling * np.log(np.maximum(e * a + c * b, 1e-300))
    total = log_zeros + np.log(np.maximum(ones, 1e-300)) + log_told
    mass = np.exp(total - total.max()) * w[:half, None, None] * w[None, :, None] * w[None, None, half:]
    by_b = mass.sum((0, 2))
    return float(by_b[half:].sum() / by_b.sum())
