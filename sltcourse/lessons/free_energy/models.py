"""The two-well models of lesson 06, where they change over, and the polygons of its last section."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, gamma, lambertw

from sltcourse.theory import superposition_model
from sltcourse.theory.quadrature import Posterior

# ---- the curve: one parameter, two wells -----------------------------------------------------------------------------


BOX = (-1.0, 1.2)  # the prior is uniform here
HEIGHT, SPEED = 0.12, 6.0  # of the curve below
GAP = HEIGHT**2 / 2  # ΔL, the loss of the simple well above that of the accurate one


def mean(w):
    """The mean (h(1 − w⁸), c w³(1 − w)) of the curve model x ~ N(mean(w), I₂), h = 0.12, c = 6; shape (2, …).

    At w = 1 it is the truth, (0, 0), passed at speed 6.08. At w = 0 it stops at (0.12, 0): a singular point.
    """
    w = np.asarray(w, float)
    return np.array([HEIGHT * (1 - w**8), SPEED * w**3 * (1 - w)])


def K(w):
    """The divergence ½|mean(w)|² of the truth N(0, I₂) from the curve model, for w of shape (N, 1); shape (N,)."""
    return np.sum(mean(w[:, 0]) ** 2, axis=0) / 2


RIDGE = 0.75  # between the wells, where w³(1 − w) is largest: here the two regions meet
WELLS = (0.0, RIDGE, 1.0)  # breakpoints for the quadrature


def curve_posterior(n, beta=1.0, loss=K):
    """The posterior of the curve model for one or many n (and β); ``loss`` may be the L_n of a data set."""
    return Posterior(loss, [BOX], n, beta=beta, breakpoints=WELLS)


def well_free_energies(posterior):
    """(F of the simple well, F of the accurate well) of the curve model; the two meet at the ridge."""
    simple = posterior.region_free_energy(lambda w: w[:, 0] < RIDGE)
    accurate = posterior.region_free_energy(lambda w: w[:, 0] > RIDGE)
    return simple.value, accurate.value


# ---- two wells in general --------------------------------------------------------------------------------------------


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

    def leading(self, n):
        """n·loss + λ log n."""
        return n * self.loss + self.lam * np.log(n)

    def with_multiplicity(self, n):
        """n·loss + λ log n − (m − 1) log log n, for n > 1."""
        return self.leading(n) - (self.m - 1) * np.log(np.log(n))

    def with_constant(self, n):
        """All that does not vanish as n grows: the error is O(1/log n) for m > 1, else a power of 1/n."""
        return self.with_multiplicity(n) - np.log(self.constant)

    def whole_pole(self, n):
        """The whole contribution of the leading pole: log n + shift in place of log n."""
        return self.leading(n) - (self.m - 1) * np.log(np.log(n) + self.shift) - np.log(self.constant)


FORMS = ("leading", "with_multiplicity", "with_constant", "whole_pole", "exact")  # each closer than the one before


@dataclass(frozen=True)
class TwoWells:
    """A model with two wells: what each tends to; ``exact``: n, shape (k,) -> their two free energies."""

    simple: Well
    accurate: Well
    exact: Callable

    def advantage(self, n, form):
        """F of the simple well minus F of the accurate one at n, an array; ValueError if ``form`` is none of FORMS."""
        if form not in FORMS:
            raise ValueError(f"{form!r} is no form of the free energy: use one of {', '.join(FORMS)}")
        if form == "exact":
            simple, accurate = self.exact(n)
            return simple - accurate
        return getattr(self.simple, form)(n) - getattr(self.accurate, form)(n)

    def critical_n(self, form):
        """The n at which the accurate well takes over, from the exact free energies or from one of the formulas."""
        return critical_n(lambda n: self.advantage(n, form))


def critical_n(advantage, low=20.0, high=1e5):
    """The last n in [low, high] at which the accurate well takes over: ``advantage(n)`` turns positive.

    ``advantage``: n, an array, -> F of the simple well minus F of the accurate one. Raises ValueError if it never
    turns positive there.
    """
    n = np.geomspace(low, high, 41)
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


def _power_integral(k, c, length):
    """The constant of ∫ exp(−n c w^2k) dw / length over a line: Γ(1/2k) / (k c^(1/2k) length)."""
    a = 1 / (2 * k)
    return gamma(a) / (k * c**a * length)


CHARTS_GAP, CUBE_GAP = 0.002, 0.005  # ΔL of the two models below


def _charts_exact(n):
    # both losses are even in either coordinate, so the quarter [0, 1]² has the averages of the square [−1, 1]²
    simple = Posterior(lambda w: CHARTS_GAP + (w[:, 0] * w[:, 1]) ** 2 / 2, [(0, 1)] * 2, n)
    accurate = Posterior(lambda w: (w[:, 0] ** 2 + w[:, 1] ** 2) / 2, [(0, 1)] * 2, n)
    return simple.free_energy.value, accurate.free_energy.value


def _cube_exact(n):
    simple = Posterior(lambda w: CUBE_GAP + w[:, 0] ** 6 / 2, [(-1, 1)], n)
    accurate = Posterior(lambda w: w[:, 0] ** 2 / 2, [(-1, 1)], n)
    return simple.free_energy.value, 3 * accurate.free_energy.value  # three independent coordinates


MODELS = {
    "curve": TwoWells(
        Well(GAP, 1 / 6, constant=_power_integral(3, SPEED**2 / 2, BOX[1] - BOX[0])),
        Well(0.0, 1 / 2, constant=_power_integral(1, (SPEED**2 + 64 * HEIGHT**2) / 2, BOX[1] - BOX[0])),
        lambda n: well_free_energies(curve_posterior(n)),
    ),
    "two charts": TwoWells(
        Well(CHARTS_GAP, 1 / 2, m=2, constant=np.sqrt(2 * np.pi) / 4, shift=-np.log(2) - digamma(1 / 2)),
        Well(0.0, 1.0, constant=_power_integral(1, 1 / 2, 2) ** 2),
        _charts_exact,
    ),
    "cube and cubic": TwoWells(
        Well(CUBE_GAP, 1 / 6, constant=_power_integral(3, 1 / 2, 2)),
        Well(0.0, 3 / 2, constant=_power_integral(1, 1 / 2, 2) ** 3),
        _cube_exact,
    ),
}


def lambert_crossings(d_lambda, d_loss):
    """The two solutions n of n ΔL = Δλ log n, smaller first: −W(−r)/r on the branches 0 and −1, r = ΔL/Δλ.

    To leading order in n the second is the critical n; the first is spurious. At r = 1/e both are e.
    Raises ValueError for r > 1/e (there is none) and for ΔL or Δλ not greater than 0.
    """
    if not (d_lambda > 0 and d_loss > 0):
        raise ValueError("a transition needs Δλ > 0 and ΔL > 0: one well simpler, the other more accurate")
    r = d_loss / d_lambda
    if np.isclose(r, np.exp(-1), rtol=1e-12):
        return np.e, np.e
    if r > np.exp(-1):
        raise ValueError(
            f"ΔL/Δλ = {r:.3g} exceeds 1/e = 0.368: to this order the accurate well wins at every n, no transition"
        )
    return tuple(float((-lambertw(-r, branch) / r).real) for branch in (0, -1))


# ---- the toy model of superposition (Chen et al. 2023, arXiv 2310.06301) ---------------------------------------------


POLYGONS = {k: superposition_model.PUBLISHED[k] for k in (5, 6)}  # k: length l*, bias b*, h_k


def polygon(k):
    """(W, b) of the k-gon among 6 features: W of shape (2, 6), b of shape (6,). Unused features have W = 0, b = 0."""
    length, bias, _ = POLYGONS[k]
    return superposition_model.unpack(superposition_model.polygon(k, length, bias, dead=0))


def superposition_loss(W, b):
    """Exact E‖x − relu(WᵀWx + b)‖² for x = μ e_i, i uniform, μ ~ U[0, 1]; W of shape (2, c), b of shape (c,)."""
    return float(superposition_model.population_loss(superposition_model.pack(W, b))[0])
