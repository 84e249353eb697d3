"""The volume V(ε) = Prob{K(w) ≤ ε} of prior mass below a loss, and the λ and m it hides.

V(ε) ~ c ε^λ (−log ε)^(m−1) as ε → 0 (Watanabe 2009). Three routes to V: exactly, for normal crossings; by plain
Monte Carlo, which dies at V ≈ 1/n; by multilevel splitting, which does not. One route back, ``fit``: from a curve V(ε)
to λ with an error bar and to the probability of each m.

ε is always a loss. A prior is uniform on a box, a sequence of (low, high), one pair a coordinate.
"""

import itertools
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import sympy as sp
from scipy.special import logsumexp

from sltcourse.kit.progress import progress

# --- exact: normal crossings -------------------------------------------------------------------------


def _rates(k, h):
    """The rates (h_i + 1)/(2k_i) of the coordinates with k_i > 0, as Fractions."""
    k = list(np.atleast_1d(k))
    h = [0] * len(k) if h is None else list(np.atleast_1d(h))
    if len(h) != len(k):
        raise ValueError(f"k has {len(k)} exponents and h has {len(h)}; give one of each for every coordinate")
    if any(not np.isfinite(k_i) or k_i < 0 for k_i in k) or not any(k_i > 0 for k_i in k):
        raise ValueError("the exponents k must be ≥ 0 and one of them > 0: K = Π w_i^(2k_i) would not vanish anywhere")
    if any(not np.isfinite(h_i) or h_i <= -1 for h_i in h):
        raise ValueError("the prior exponents h must be > −1: Π |w_i|^(h_i) could not be normalised")
    return [(Fraction(float(h_i)) + 1) / (2 * Fraction(float(k_i))) for k_i, h_i in zip(k, h, strict=True) if k_i > 0]


def _positive(eps):
    """ε as a float array, or an error that says what is wrong."""
    eps = np.asarray(eps, dtype=float)
    if not np.all(eps > 0):
        raise ValueError(f"ε must be positive, got {eps.min() if eps.size else 'nothing'}: V(ε) is studied as ε ↓ 0")
    return eps


def normal_crossing(k, h=None):
    """(λ, m) of K = Π w_i^(2k_i) with prior density ∝ Π |w_i|^(h_i) on [−1, 1]^d: λ = min (h_i + 1)/(2k_i).

    m is how many coordinates attain the minimum. ``h`` is 0 (the uniform prior) when left out. λ is a Fraction.
    """
    rates = _rates(k, h)
    return min(rates), rates.count(min(rates))


def normal_crossing_log_volume(eps, k, h=None):
    """log V(ε), exact, for K = Π w_i^(2k_i) with prior density ∝ Π |w_i|^(h_i) on [−1, 1]^d; the shape of ``eps``.

    −log |w_i| is exponential with rate h_i + 1, so −log K is a sum of independent exponentials with rates
    r_i = (h_i + 1)/(2k_i), and V(ε) = Prob{−log K ≥ T}, T = −log ε, is its survival function: the time that a chain of
    stages left at rates r_1, r_2, … takes. With the slowest stage last, V = ε^λ Σ_j [exp(T A)]_1j for the chain's
    bidiagonal generator plus λ, A. The exponential is computed from A + c ≥ 0 by a Taylor series and squarings of
    nonnegative matrices. So nothing cancels: equal and nearly equal rates need no case of their own, and the
    relative error of V stays near 1e-12 down to ε = 1e-300.
    """
    eps = _positive(eps)
    time = np.maximum(-np.log(eps), 0.0).ravel()
    rates = np.sort([float(rate) for rate in _rates(k, h)])[::-1]
    lam, c, one = rates[-1], rates[0] - rates[-1], np.eye(len(rates))
    nonnegative = np.diag(rates[0] - rates) + np.diag(rates[:-1], 1)
    squarings = max(0, int(np.ceil(np.log2(1e-300 + time.max() * nonnegative.sum(1).max()))))
    step = time[:, None, None] / 2**squarings
    power = one
    for j in range(18, 0, -1):
        power = one + step * nonnegative @ power / j
    power = power * np.exp(-c * step)
    for _ in range(squarings):
        power = power @ power
    return (np.log(power[:, 0].sum(-1)) - lam * time).reshape(eps.shape)[()]


def normal_crossing_formula(k, h=None, eps=None):
    """V(ε) for 0 < ε ≤ 1 as a sympy expression: powers of ε times polynomials in log ε.

    The zeta function ζ(z) = ∫ K^z φ dw = Π r_i/(z + r_i) has poles at −r_i, and
    V(ε) = −Σ_poles Res_z ζ(z) ε^(−z)/z: the largest pole −λ, of order m, gives ε^λ (log ε)^(m−1).
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


# --- a loss and a box that can be trusted ------------------------------------------------------------


def _checked_box(box):
    box = np.asarray(box, dtype=float)
    if box.ndim != 2 or box.shape[1] != 2 or not np.all(np.isfinite(box)) or not np.all(box[:, 0] < box[:, 1]):
        raise ValueError("box must be a sequence of finite (low, high) with low < high, one pair a coordinate")
    return box[:, 0], box[:, 1]


def _checked_loss(K):
    """K, with an error at once where it returns the wrong shape, NaN or a negative number."""

    def checked(w):
        values = np.asarray(K(w), dtype=float)
        if values.shape != (len(w),):
            raise ValueError(
                f"the loss returned shape {values.shape} for w of shape {w.shape}; it must return one number a row, "
                f"shape {(len(w),)}: write w[:, 0] for the first coordinate"
            )
        wrong = ~(values >= 0)
        if wrong.any():
            point = "(" + ", ".join(f"{x:.6g}" for x in w[wrong][0]) + ")"
            if np.isnan(values).any():
                raise ValueError(f"the loss is NaN at w = {point}; make it finite (or +inf) on the whole box")
            raise ValueError(
                f"the loss is negative ({values[wrong][0]:.3g}) at w = {point}; V(ε) needs K ≥ 0: subtract its minimum"
            )
        return values

    return checked


# --- plain Monte Carlo -------------------------------------------------------------------------------


class MonteCarlo(NamedTuple):
    """V(ε) as the share of ``n`` prior draws with K ≤ ε, and a one-sigma interval from ``low`` to ``high``."""

    eps: np.ndarray
    V: np.ndarray
    low: np.ndarray
    high: np.ndarray
    hits: np.ndarray
    n: int


def monte_carlo(K, box, eps, n=100_000, seed=0):
    """V at each of ``eps`` from ``n`` draws of the uniform prior on ``box``; K maps (N, d) to (N,).

    The interval is Wilson's for a binomial share, so it is not empty where nothing was hit: V is then somewhere
    below about 1/n and that is all plain Monte Carlo can say. Draws are made in blocks, so n may be large.
    """
    eps = np.atleast_1d(_positive(eps))
    low, high = _checked_box(box)
    K = _checked_loss(K)
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    rng = np.random.default_rng(seed)
    hits = np.zeros(len(eps), dtype=int)
    for start in progress(range(0, n, 100_000), "Monte Carlo"):
        loss = np.sort(K(low + (high - low) * rng.random((min(100_000, n - start), len(low)))))
        hits += np.searchsorted(loss, eps, side="right")
    share = hits / n
    middle = (share + 0.5 / n) / (1 + 1 / n)
    half = np.sqrt(share * (1 - share) / n + 0.25 / n**2) / (1 + 1 / n)
    return MonteCarlo(eps, share, np.minimum(middle - half, share), np.maximum(middle + half, share), hits, n)


# --- multilevel splitting ----------------------------------------------------------------------------


@dataclass(frozen=True)
class VolumeCurve:
    """V(ε) on falling levels ε_1 > ε_2 > … from R independent populations.

    ``eps`` has shape (J,); ``shares``, shape (R, J), holds for each population the share of its particles below
    ε_j among those below ε_{j−1} (below ε_1 among all, for j = 1). ``stopped`` is empty for a complete run
    and otherwise says why the curve ends early.
    """

    eps: np.ndarray
    shares: np.ndarray
    particles: int
    d: int
    stopped: str = ""

    @property
    def partial(self):
        """Whether the curve ends before the ε that was asked for."""
        return bool(self.stopped)

    @property
    def log_V(self):
        """log V at ``eps``: the running sum of the logarithms of the mean shares."""
        return np.cumsum(np.log(self.shares.mean(0)))

    @property
    def se(self):
        """Standard error of ``log_V``, from the spread of the populations: correlations along a run are in it."""
        drift = np.cumsum(self.shares / self.shares.mean(0) - 1, axis=1)
        return drift.std(0, ddof=1) / np.sqrt(len(self.shares))


_EDGES = np.arange(-18.0, 1.01, 0.5)


class _StepSizes:
    """How far each kind of straight move should go: for every population a range of log10(step), from its own record.

    The range reaches from steps that are nearly always accepted to steps that nearly never are. On a cross or a
    cusp that is many decades: what is a small step in the middle of an arm is a huge one near its end.
    """

    def __init__(self, kinds, populations, particles):
        self.population = np.repeat(np.arange(populations), particles)
        self.tried = np.zeros((kinds, populations, len(_EDGES) - 1))
        self.taken = np.zeros_like(self.tried)
        self.low, self.high = np.full((kinds, populations), -3.0), np.zeros((kinds, populations))

    def draw(self, kind, rng):
        """log10(step) for every particle: log-uniform over the range, a fifth of them up to four decades smaller."""
        n = len(self.population)
        low, high = self.low[kind, self.population], self.high[kind, self.population]
        return low + (high - low) * rng.random(n) - 4 * np.where(rng.random(n) < 0.2, rng.random(n), 0)

    def record(self, kind, size, taken):
        bins = self.tried.shape[-1]
        cell = self.population * bins + np.clip(((size - _EDGES[0]) / 0.5).astype(int), 0, bins - 1)
        self.tried[kind] += np.bincount(cell, minlength=self.tried[kind].size).reshape(-1, bins)
        self.taken[kind] += np.bincount(cell[taken], minlength=self.tried[kind].size).reshape(-1, bins)

    def learn(self):
        rate, known = (self.taken + 0.5) / (self.tried + 1), self.tried >= 8
        high = np.where(known & (rate > 0.04), _EDGES[1:], -np.inf).max(-1) + 0.25
        low = np.where(known & (rate < 0.9), _EDGES[:-1], np.inf).min(-1) - 0.25
        self.high = np.clip(np.where(np.isfinite(high), high, self.low), -17, 0.3)
        self.low = np.clip(np.minimum(np.where(np.isfinite(low), low, self.high), self.high - 1), -18, None)
        self.tried *= 0.3
        self.taken *= 0.3


def _resample(inside, particles, rng):
    """For each population, a row of ``inside``, the columns of its survivors, repeated until they are ``particles``."""
    order = np.argsort(np.where(inside, rng.random(inside.shape), 2.0), axis=1)
    slot = np.arange(particles) % inside.sum(1)[:, None]
    return np.take_along_axis(order, slot, 1)


def _sweep(w, loss, level, K, low, high, pilots, steps, rng):
    """Move all particles (columns of w, in place) by steps that leave the uniform law on {K ≤ level} as it is.

    Degenerate sets are thin and multi-scale, so each sweep mixes: a step along each coordinate; steps along
    the difference of two pilot particles; and steps in log |w|, along such a difference there and along random
    signed sets of coordinates, which slide along the arms of a crossing and through all its scales. The
    first two are symmetric. A step log |w| → log |w| + z has Jacobian e^{Σz} and is allowed with that probability.
    """
    d, n = w.shape
    directions = w[:, :pilots].copy()
    log_directions = np.log(np.maximum(np.abs(directions), 1e-300))

    def accept(proposal, allowed):
        """Take the allowed proposals that stay in the box and below the level; return which were taken."""
        allowed = allowed & ((proposal >= low) & (proposal <= high)).all(0)
        proposal = np.where(allowed, proposal, w)
        values = K(proposal.T)
        allowed &= values <= level
        np.copyto(w, proposal, where=allowed)
        np.copyto(loss, values, where=allowed)
        return allowed

    def difference(points):
        one, other = rng.integers(0, pilots, (2, n))
        return points[:, one] - points[:, other]

    def scale(z, signs=1.0):
        accept(w * signs * np.exp(z), np.log(rng.random(n)) < z.sum(0))

    for i in range(d):
        size = steps.draw(i, rng)
        proposal = w.copy()
        proposal[i] += (high - low)[i] * 10**size * rng.standard_normal(n)
        steps.record(i, size, accept(proposal, True))
    for _ in range(2):
        size = steps.draw(d, rng)
        steps.record(d, size, accept(w + 10**size * difference(directions), True))
        scale(np.clip(10 ** rng.uniform(-1.0, 0.3, n) * difference(log_directions), -600, 600))
    for same_sign in (True, False):
        chosen = rng.random((d, n)) < rng.random(n)
        signs = np.ones((d, n)) if same_sign else rng.choice([-1.0, 1.0], (d, n))
        length = 10 ** rng.uniform(-1.0, 1.2, n) * rng.choice([-1.0, 1.0], n)
        scale(length * chosen * signs, signs=np.where(rng.random((d, n)) < 0.1, -1.0, 1.0))


def splitting(K, box, eps=1e-30, *, particles=256, populations=8, sweeps=4, seed=0):
    """Follow V down to ``eps`` by multilevel splitting (the idea of nested sampling); returns a VolumeCurve.

    K maps (N, d) to (N,) and is ≥ 0; the prior is uniform on ``box``. Start from prior draws. Lower the level until
    about 40 % of the particles lie below it: the share that does is one factor of V. Put copies of survivors in
    the place of the others, stir all of them inside {K ≤ level} by Markov chain moves, and go on. V is a product
    of moderate shares, so 1e-30 costs thirty times what 1e-1 costs, and not 1e30 times as much.

    Each population has ``particles`` chains, and every one of its ``sweeps`` at a level counts as a sample there
    (waste-free SMC, Dau & Chopin, arXiv:2011.02328). One extra population, the pilot, chooses the levels and
    lends directions to the others. For these the levels are thus given, their products of shares are
    independent estimates of V, and their spread is an honest error (``VolumeCurve.se``).

    An interrupt (KeyboardInterrupt) returns the levels done so far, with ``stopped`` saying so. Raises ValueError
    if ε ≤ 0, if the loss is NaN, negative or of the wrong shape, or if no particle can get below ε (empty region).

    float64 resolves w to 16 digits. If the zeros of K lie away from w = 0, pass K as a function of the
    displacement u = w − w* (and the box of u), written so that it does not cancel.
    """
    if np.ndim(eps) != 0:
        raise ValueError("eps is one number, the smallest level to reach; the curve has all levels above it")
    eps = float(_positive(eps))
    low, high = _checked_box(box)
    K = _checked_loss(K)
    if particles < 32 or populations < 2 or sweeps < 1:
        raise ValueError("splitting needs particles ≥ 32, populations ≥ 2 (their spread is the error) and sweeps ≥ 1")
    rng = np.random.default_rng(seed)
    d, low, high = len(low), low[:, None], high[:, None]
    steps, done, level, steep, stopped = _StepSizes(d + 1, populations + 1, particles), [], np.inf, 0, ""
    w = low[..., None] + (high - low)[..., None] * rng.random((d, populations + 1, particles * sweeps))
    loss = K(w.reshape(d, -1).T).reshape(w.shape[1:])
    try:
        for _ in progress(itertools.count(), f"splitting down to ε = {eps:.0e}, levels"):
            previous, level = level, _next_level(loss[0], level, eps)
            inside = loss <= level
            share = inside[1:].mean(1)
            steep = steep + 1 if inside[0].mean() < (level / previous) ** (50 * d) else 0
            if level >= previous or steep == 20:
                raise ValueError(
                    f"the region K ≤ {eps:.3g} looks empty: after {len(done)} levels the smallest loss found is "
                    f"{loss.min():.6g}. Subtract the minimum of the loss, widen the box, or ask for a larger ε"
                )
            if not share.all():
                stopped = f"a population lost the region near ε = {level:.1e}; use more particles or sweeps"
                break
            done.append((level, share))
            if level == eps:
                break
            rows = _resample(inside, particles, rng)
            now = np.take_along_axis(w, rows[None], 2).reshape(d, -1)
            loss_now = np.take_along_axis(loss, rows, 1).ravel()
            for sweep in range(sweeps):
                _sweep(now, loss_now, level, K, low, high, particles, steps, rng)
                part = slice(sweep * particles, (sweep + 1) * particles)
                w[:, :, part] = now.reshape(d, -1, particles)
                loss[:, part] = loss_now.reshape(-1, particles)
            steps.learn()
    except KeyboardInterrupt:
        stopped = "interrupted"
    levels, shares = [level for level, _ in done], [share for _, share in done]
    return VolumeCurve(np.array(levels), np.reshape(shares, (-1, populations)).T, particles, d, stopped)


def _next_level(loss, previous, eps):
    """The 40 % quantile of the pilot's losses; below a plateau the largest loss under it; never under ε."""
    level = np.quantile(loss, 0.4, method="lower")
    if level >= previous and (loss < previous).any():
        level = loss[loss < previous].max()
    return max(float(level), eps)


# --- from a curve to λ and m -------------------------------------------------------------------------

_START = 0.1  # the fit uses the levels with V below this
_OFFSETS = np.geomspace(2.0, 8.0, 12)  # of a + T, in units of 1/λ, where V = _START
_GAPS = np.geomspace(0.2, 2.0, 8)  # of δ, in units of λ
_CORRECTION = 0.3  # prior standard deviation of the correction's size where V = _START


@dataclass(frozen=True)
class Fit:
    """λ and m of a VolumeCurve: V(ε) ≈ c ε^λ (a − log ε)^(m−1) exp(b ε^δ), and how sure that is.

    ``probability[i]``, ``lam_given[i]`` and ``se_given[i]`` belong to m = i + 1; ``m`` is the most probable one and
    ``lam`` its λ; ``se`` is the root mean square error of ``lam``, the doubt about m included. ``log_c``, ``a``, ``b``
    and ``delta`` are the best values for this m.
    """

    lam: float
    se: float
    m: int
    probability: np.ndarray
    lam_given: np.ndarray
    se_given: np.ndarray
    log_c: float
    a: float
    b: float
    delta: float

    def log_V(self, eps):
        """The fitted log V at ``eps``."""
        log_eps = np.log(_positive(eps))
        logs = (self.m - 1) * np.log(self.a - log_eps) if self.m > 1 else 0.0
        return self.log_c + self.lam * log_eps + logs + self.b * np.exp(self.delta * log_eps)


def fit(curve):
    """λ with its standard error, and the probability of each m = 1 … d, from a VolumeCurve.

    The model is V = c ε^λ (a − log ε)^(m−1) exp(b ε^δ). The power of the logarithm is exact for a normal crossing
    with m = 2 and right to relative order 1/log² ε for any m; the last factor stands for the next pole of
    the zeta function, at −λ − δ. Without the logarithm the slope would be near λ − (m − 1)/log(1/ε), which
    is not λ at any ε one can reach.

    The data are the increments log V(ε_j) − log V(ε_{j−1}), not the values: their errors are nearly independent,
    while those of the values add up. Their variance is that of a share, times one factor that the spread of
    the populations over quarters of the curve gives. For each m, λ and b are integrated out exactly (a Gaussian
    integral, flat prior for λ), a and δ over a grid of plausible values in units of λ, so that no scale of ε is
    preferred. The marginal likelihoods, with equal prior weight for each m, are the probabilities of m.
    Raises ValueError if fewer than eight levels have V < 0.1.
    """
    shares, d = curve.shares, curve.d
    share = shares.mean(0) if shares.size else np.zeros(0)
    start = int(np.searchsorted(-np.cumsum(np.log(share)), -np.log(_START)))
    if len(share) - start < 8:
        raise ValueError(
            f"only {max(len(share) - start, 0)} levels have V < {_START}, too few to tell a power from a logarithm: "
            "run splitting to a smaller ε"
        )
    time = np.log(curve.eps[start]) - np.log(curve.eps[start:])
    share, shares = share[start + 1 :], shares[:, start + 1 :]
    increment = np.log(share)
    variance = np.maximum((1 - share) / share, 0.05) / curve.particles
    spread = [
        (shares[:, part] / share[part] - 1).sum(1).var(ddof=1) / variance[part].sum()
        for part in np.array_split(np.arange(len(share)), 4)
    ]
    sigma = np.sqrt(np.mean(spread) * variance / len(shares))

    scale = -increment.sum() / time[-1]  # the mean slope: the unit of λ
    gaps = _GAPS * scale
    slope = -np.diff(time) / sigma
    correction = _CORRECTION * np.diff(np.exp(-np.outer(gaps, time)), axis=1) / sigma
    # Normal equations of increment/sigma = λ slope + b correction + noise, with b ~ N(0, 1), for every a and δ.
    ss, sc, cc = slope @ slope, correction @ slope, (correction**2).sum(1) + 1
    det = ss * cc - sc**2
    evidence, lam, se, best = np.zeros(d), np.zeros(d), np.zeros(d), []
    for m in range(1, d + 1):
        offsets = _OFFSETS / scale if m > 1 else np.ones(1)
        logs = (m - 1) * np.log(offsets[:, None] + time)
        rest = (increment - np.diff(logs, axis=1)) / sigma
        sr, cr = (rest @ slope)[:, None], rest @ correction.T
        lams, bs = (cc * sr - sc * cr) / det, (ss * cr - sc * sr) / det
        log_likelihood = -((rest**2).sum(1)[:, None] - lams * sr - bs * cr + np.log(det)) / 2
        evidence[m - 1] = logsumexp(log_likelihood) - np.log(log_likelihood.size)
        weight = np.exp(log_likelihood - logsumexp(log_likelihood))
        lam[m - 1] = (weight * lams).sum()
        se[m - 1] = np.sqrt((weight * ((lams - lam[m - 1]) ** 2 + cc / det)).sum())
        i, j = np.unravel_index(log_likelihood.argmax(), log_likelihood.shape)
        best.append((offsets[i] + np.log(curve.eps[start]), _CORRECTION * bs[i, j], gaps[j]))
    probability = np.exp(evidence - logsumexp(evidence))
    m = int(probability.argmax()) + 1
    a, b, delta = best[m - 1]
    error = np.sqrt(probability @ (se**2 + (lam - lam[m - 1]) ** 2))
    result = Fit(lam[m - 1], error, m, probability, lam, se, 0.0, a, b * curve.eps[start] ** -delta, delta)
    log_c = np.mean(curve.log_V[start:] - result.log_V(curve.eps[start:]))
    return replace(result, log_c=float(log_c))
