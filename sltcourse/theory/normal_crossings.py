"""V(ε) exactly, for normal crossings K = Π w_i^(2k_i): the volume scaling exponent λ and its multiplicity m.

λ, the learning coefficient or real log canonical threshold (RLCT), and m are read off the exponents k and those of
the prior, h (Watanabe 2009, ch. 4).
"""

from fractions import Fraction

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from sltcourse.theory.numeric_input import positive, reals


def normal_crossing(k: ArrayLike, h: ArrayLike | None = None) -> tuple[Fraction, int]:
    """(λ, m) of K = Π w_i^(2k_i) with prior density ∝ Π |w_i|^(h_i) on [−1, 1]^d: λ = min (h_i + 1)/(2k_i).

    ``k`` and ``h`` are d numbers each; ``h`` is 0 (the uniform prior) when left out. m is how many coordinates attain
    the minimum. Raises ValueError for an exponent k < 0, for no k > 0, and for h ≤ −1.

    >>> from sltcourse.theory.normal_crossings import normal_crossing
    >>> normal_crossing([1, 2])
    (Fraction(1, 4), 1)
    >>> normal_crossing([1, 1])
    (Fraction(1, 2), 2)
    >>> normal_crossing([1, 2], h=[0, 1])
    (Fraction(1, 2), 2)
    """
    rates = _rates(k, h)
    return min(rates), rates.count(min(rates))


def normal_crossing_log_volume(eps: ArrayLike, k: ArrayLike, h: ArrayLike | None = None) -> np.ndarray:
    """log V(ε), exact, for K = Π w_i^(2k_i) with prior density ∝ Π |w_i|^(h_i) on [−1, 1]^d; the shape of ``eps``.

    −log |w_i| is exponential with rate h_i + 1, so −log K is a sum of independent exponentials with rates
    r_i = (h_i + 1)/(2k_i), and V(ε) = Prob{−log K ≥ T}, T = −log ε, is its survival function: the time that a chain of
    stages left at rates r_1, r_2, … takes. With the slowest stage last, V = ε^λ Σ_j [exp(T A)]_1j for the chain's
    bidiagonal generator plus λ, A. The exponential is computed from A + c ≥ 0 by a Taylor series and squarings of
    nonnegative matrices. So nothing cancels: equal and nearly equal rates need no case of their own, and the
    relative error of V stays near 1e-12 down to ε = 1e-300. Raises ValueError as ``normal_crossing``, and for ε ≤ 0.
    ``k`` and ``h``: d numbers each, as there.

    >>> import numpy as np
    >>> from sltcourse.theory.normal_crossings import normal_crossing_log_volume
    >>> volume = np.exp(normal_crossing_log_volume([1e-4, 1e-8], [1, 1]))
    >>> [f"{v:.4e}" for v in volume]
    ['5.6052e-02', '1.0210e-03']
    """
    eps = positive(eps)
    time = np.maximum(-np.log(eps), 0.0).ravel()
    rates = np.sort([float(rate) for rate in _rates(k, h)])[::-1]
    lam, c, one = rates[-1], rates[0] - rates[-1], np.eye(len(rates))
    nonnegative = np.diag(rates[0] - rates) + np.diag(rates[:-1], 1)
    squarings = max(0, int(np.ceil(np.log2(1e-300 + time.max(initial=0) * nonnegative.sum(1).max()))))
    step = time[:, None, None] / 2**squarings
    power = one
    for j in range(18, 0, -1):
        power = one + step * nonnegative @ power / j
    power = power * np.exp(-c * step)
    for _ in range(squarings):
        power = power @ power
    return (np.log(power[:, 0].sum(-1)) - lam * time).reshape(eps.shape)[()]


def normal_crossing_formula(k: ArrayLike, h: ArrayLike | None = None, eps: sp.Symbol | None = None) -> sp.Expr:
    """V(ε) for 0 < ε ≤ 1 as a sympy expression in ``eps``: powers of ε times polynomials in log ε.

    The zeta function ζ(z) = ∫ K^z φ dw = Π r_i/(z + r_i) has poles at −r_i, and
    V(ε) = −Σ_poles Res_z ζ(z) ε^(−z)/z: the largest pole −λ, of order m, gives ε^λ (log ε)^(m−1).
    Raises ValueError as ``normal_crossing``. ``k`` and ``h``: d numbers each, as there.

    >>> from sltcourse.theory.normal_crossings import normal_crossing_formula
    >>> normal_crossing_formula([1, 1])
    -sqrt(epsilon)*log(epsilon)/2 + sqrt(epsilon)
    """
    eps = sp.Symbol("epsilon", positive=True) if eps is None else eps
    z = sp.Symbol("z")
    rates = [sp.Rational(rate.numerator, rate.denominator) for rate in _rates(k, h)]
    zeta = sp.prod([rate / (z + rate) for rate in rates])
    volume = 0
    for rate in set(rates):
        order = rates.count(rate)
        regular = sp.cancel(zeta * (z + rate) ** order) / z * eps ** (-z)
        volume -= sp.diff(regular, z, order - 1).subs(z, -rate) / sp.factorial(order - 1)
    return sp.expand(volume)


def _row(values: ArrayLike, name: str) -> list[float]:
    """The exponents of all coordinates. Raises ValueError for what is no row of numbers."""
    row = np.atleast_1d(reals(values, name))
    if row.ndim > 1:
        raise ValueError(f"{name} must have one number for each coordinate, not the shape {row.shape}")
    return row.tolist()


def _rates(k: ArrayLike, h: ArrayLike | None) -> list[Fraction]:
    """The rates (h_i + 1)/(2k_i) of the coordinates with k_i > 0, as Fractions."""
    k = _row(k, "k")
    h = [0.0] * len(k) if h is None else _row(h, "h")
    if len(h) != len(k):
        raise ValueError(f"k has {len(k)} exponents and h has {len(h)}; give one of each for every coordinate")
    if any(not np.isfinite(k_i) or k_i < 0 for k_i in k) or not any(k_i > 0 for k_i in k):
        raise ValueError("the exponents k must be ≥ 0 and one of them > 0: K = Π w_i^(2k_i) would not vanish anywhere")
    if any(not np.isfinite(h_i) or h_i <= -1 for h_i in h):
        raise ValueError("the prior exponents h must be > −1: Π |w_i|^(h_i) could not be normalised")
    return [(Fraction(h_i) + 1) / (2 * Fraction(k_i)) for k_i, h_i in zip(k, h, strict=True) if k_i > 0]
