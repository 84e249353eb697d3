"""What free energies tend to as n grows, and where one well of a posterior takes over from another.

F_n ≈ nL_n + λ log n − (m − 1) log log n + a constant: the terms of a well one by one, the n at which two wells change
over, exactly and by formula, and λ read off exact free energies. Source: Watanabe 2009, ch. 4.
"""

import contextlib
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, curve_fit
from scipy.special import gammaln, lambertw

from sltcourse.theory.numeric_input import above_zero, real, reals, whole


@dataclass(frozen=True)
class Well:
    """What the free energy of a well tends to: Z(n) ≈ constant · e^(−n loss) n^(−λ) (log n + shift)^(m − 1).

    ``lam`` is λ, ``m`` its multiplicity; ``constant`` and ``shift`` come from the Laplace integral, that is from
    the leading pole of the zeta function (Watanabe 2009, ch. 4).
    """

    loss: float
    lam: float
    m: int = 1
    constant: float = 1.0
    shift: float = 0.0

    def leading(self, n: float | np.ndarray) -> float | np.ndarray:
        """n·loss + λ log n."""
        return n * self.loss + self.lam * np.log(n)

    def with_multiplicity(self, n: float | np.ndarray) -> float | np.ndarray:
        """n·loss + λ log n − (m − 1) log log n, for n > 1."""
        return self.leading(n) - (self.m - 1) * np.log(np.log(n))

    def with_constant(self, n: float | np.ndarray) -> float | np.ndarray:
        """All that does not vanish as n grows: the error is O(1/log n) for m > 1, else a power of 1/n."""
        return self.with_multiplicity(n) - np.log(self.constant)

    def whole_pole(self, n: float | np.ndarray) -> float | np.ndarray:
        """The whole contribution of the leading pole: log n + shift in place of log n."""
        return self.leading(n) - (self.m - 1) * np.log(np.log(n) + self.shift) - np.log(self.constant)


FORMS = ("leading", "with_multiplicity", "with_constant", "whole_pole", "exact")  # each closer than the one before


@dataclass(frozen=True)
class TwoWells:
    """A model with two wells, ``simple`` and ``accurate``: what each tends to.

    ``exact``: n, shape (k,) -> their two free energies.

    >>> from sltcourse.theory.asymptotics import TwoWells, Well
    >>> wells = TwoWells(Well(loss=0.01, lam=0.5), Well(loss=0.0, lam=1.0), exact=lambda n: (n, n))
    >>> round(wells.critical_n("leading"), 1)
    282.1
    """

    simple: Well
    accurate: Well
    exact: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

    def advantage(self, n: np.ndarray, form: str) -> np.ndarray:
        """F of the simple well minus F of the accurate one at n, an array; ValueError if ``form`` is none of FORMS."""
        if form not in FORMS:
            raise ValueError(f"{form!r} is no form of the free energy: use one of {', '.join(FORMS)}")
        if form == "exact":
            simple, accurate = self.exact(n)
            return simple - accurate
        return getattr(self.simple, form)(n) - getattr(self.accurate, form)(n)

    def critical_n(self, form: str) -> float:
        """The n at which the accurate well takes over, from the exact free energies or a formula, ``form``."""
        return critical_n(lambda n: self.advantage(n, form))


def critical_n(advantage: Callable[[np.ndarray], np.ndarray], low: float = 20.0, high: float = 1e5) -> float:
    """The last n in [low, high] at which the accurate well takes over: ``advantage(n)`` turns positive.

    ``advantage``: n, of shape (k,), read-only -> F of the simple well minus F of the accurate one, (k,). Raises
    ValueError if it never turns positive there.

    >>> import numpy as np
    >>> from sltcourse.theory.asymptotics import critical_n
    >>> round(critical_n(lambda n: 0.01 * n - 0.5 * np.log(n)), 1)
    282.1
    """
    n = np.geomspace(low, high, 41)
    n.flags.writeable = False
    lead = advantage(n)
    (ups,) = np.nonzero((lead[:-1] <= 0) & (lead[1:] > 0))
    if not len(ups):
        raise ValueError(
            f"no crossing between n = {low:g} and {high:g}: the accurate well "
            + (
                "wins already at the smallest (to leading order it always does if ΔL/Δλ exceeds 1/e)"
                if lead[0] > 0
                else "never wins there"
            )
        )
    ends = np.log(n[ups[-1] : ups[-1] + 2])
    return float(np.exp(brentq(lambda t: advantage(np.exp([t]))[0], *ends, rtol=1e-12)))


def lambert_crossings(d_lambda: float, d_loss: float) -> tuple[float, float]:
    """The two solutions n of n ΔL = Δλ log n, smaller first: −W(−r)/r on the branches 0 and −1.

    r = ΔL/Δλ = ``d_loss``/``d_lambda``. To leading order in n the second is the critical n; the first is spurious. At r
    = 1/e both are e. Raises ValueError for r > 1/e (there is none), for ΔL or Δλ not greater than 0, and where n
    is above 10³⁰⁸.

    >>> from sltcourse.theory.asymptotics import lambert_crossings
    >>> [round(n, 3) for n in lambert_crossings(0.5, 0.01)]
    [1.021, 282.116]
    """
    d_lambda, d_loss = real(d_lambda, "Δλ"), real(d_loss, "ΔL")
    if not (d_lambda > 0 and d_loss > 0):
        raise ValueError("a transition needs Δλ > 0 and ΔL > 0: one well simpler, the other more accurate")
    with np.errstate(over="ignore", under="ignore"):
        r = float(np.divide(d_loss, d_lambda))
    if r < 4e-306:
        raise ValueError(f"ΔL/Δλ = {r:.3g} is so small that the critical n is no number of a computer")
    if np.isclose(r, np.exp(-1), rtol=1e-12):
        return math.e, math.e
    if r > np.exp(-1):
        raise ValueError(
            f"ΔL/Δλ = {r:.3g} exceeds 1/e = 0.368: to this order the accurate well wins at every n, no transition"
        )
    first, last = (float((-lambertw(-r, branch) / r).real) for branch in (0, -1))
    return first, last


def power_integral(k: int, c: float, length: float) -> float:
    """The constant of ∫ exp(−n c w^2k) dw / length over a line: Γ(1/2k) / (k c^(1/2k) length).

    Raises ValueError unless k is a whole number ≥ 1, and c and length are finite and > 0.

    >>> from sltcourse.theory.asymptotics import power_integral
    >>> round(float(power_integral(1, 0.5, 2.0)), 6)  # √(2π)/2
    1.253314
    """
    k, c, length = whole(k, 1, "k"), above_zero(c, "c"), above_zero(length, "length")
    a = 1 / (2 * k)
    log = gammaln(a) - np.log(k) - a * np.log(c) - np.log(length)
    if abs(log) > 700:
        raise ValueError(f"the constant is e to the power {log:.0f}, which is no number of a computer")
    return float(np.exp(log))


def log_n_coefficient(n: np.ndarray, F: np.ndarray, m: int) -> float:
    """The coefficient λ of log n in free energies F(n), fitted with the multiplicity m given.

    F is modelled as λ log n − (m − 1) log(a + log n) + c − log(1 + b n^−δ): the leading terms, a constant for the scale
    of the logarithm, and the next pole. ``n`` and ``F`` have shape (k,), k ≥ 8, without noise. Raises ValueError for
    other shapes, for fewer than 8 different n, for n ≤ 0, and where no such curve is found.

    >>> import numpy as np
    >>> from sltcourse.theory.asymptotics import log_n_coefficient
    >>> n = np.geomspace(10, 1e6, 20)
    >>> round(float(log_n_coefficient(n, 0.25 * np.log(n) - np.log(np.log(n) + 1) + 3, m=2)), 3)
    0.25
    """
    n, F, m = reals(n, "n"), reals(F, "F"), whole(m, 1, "m")
    if n.ndim != 1 or n.shape != F.shape or len(n) < 8:
        raise ValueError(
            f"n and F must be rows of the same 8 or more numbers, not of the shapes {n.shape} and {F.shape}"
        )
    if not (len(np.unique(n)) >= 8 and (n > 0).all() and np.isfinite(n).all() and (np.abs(F) < 1e100).all()):
        raise ValueError("n must be 8 or more different numbers above 0, and n and F must be finite")
    s = np.log(n)
    s0 = s.min()

    def model(s: np.ndarray, lam: float, c: float, a: float, b: float, delta: float) -> np.ndarray:
        return lam * s - (m - 1) * np.log(s + a) + c - np.log1p(b * np.exp(-delta * (s - s0)))

    bounds = ([0, -50, -2, -0.9, 0.05], [5, 50, 50, 5, 2])
    fits = []
    for d in (0.1, 0.3, 0.6):
        with contextlib.suppress(RuntimeError, ValueError), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of a covariance that nobody asks for
            fits.append(curve_fit(model, s, F, [0.5, 1, 1, 0, d], bounds=bounds, max_nfev=4000)[0])
    if not fits:
        raise ValueError(f"no curve with the multiplicity {m} fits these free energies")
    return min(fits, key=lambda fitted: np.sum((model(s, *fitted) - F) ** 2))[0]
