"""From a curve V(ε) to the learning coefficient λ (RLCT) with an error bar, and to the probability of each m.

Source: the law of V(ε) is in Watanabe 2009; the fit is our own.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammainccinv, logsumexp

from sltcourse.theory.numeric_input import positive
from sltcourse.theory.splitting import KINSHIP, VolumeCurve

_START = 0.1  # the fit uses the levels with V below this
_FEWEST = 8  # levels
_OFFSETS = np.geomspace(0.5, 1.6, 12)  # of a + T where V = _START, in units of what it is for m equal exponents
_GAPS = 0.2, 2.0  # of δ, from and to, in units of λ
_LEAST_GAP = 0.25  # δ may be as small as this where λ is large: poles of the zeta function are seldom closer
_CORRECTION = 0.3  # prior standard deviation of the correction's size where V = _START; times λ if that is above 1
_LATER = (0.0, 0.1, 0.15, 0.2, 0.27, 0.35, 0.5, 0.65)  # parts of the curve that may come before the law holds
_SLOW = 0.05  # kinship of a curve above which it is said that its chains mix slowly
_TWICE = 0.06  # kinship at which the errors are taken twice as large
_STUCK = 0.07  # kinship of a part of the curve above which it is said that chains mix slowly there
_AROUND = 9  # levels over which kinship is averaged
_BEND = 1.5  # times the mean kinship of a curve: what is more belongs to a bend of the valley
_EXCEPTION = 4.0  # of the log prior probability of each later beginning, below that of the first
_QUARTERS = 4  # parts of the curve over which the spread of the populations is taken
_SURE = 0.9  # the probability above which m is said without a doubt


@dataclass(frozen=True, repr=False)
class Fit:
    """λ and m of a VolumeCurve: V(ε) ≈ c ε^λ (a − log ε)^(m−1) exp(b ε^δ), and how sure that is.

    ``probability[i]``, ``lam_given[i]`` and ``se_given[i]``, each of shape (d,), belong to m = i + 1; ``m`` is the most
    probable one and ``lam`` its λ; ``se`` is the root mean square error of ``lam``, the doubt about m included.
    ``log_c``, ``a``, ``b`` and ``delta`` are the best values for this m. ``doubt`` says in words what speaks
    against believing it, and is empty where nothing does.
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
    doubt: str = ""

    def log_V(self, eps: ArrayLike) -> np.ndarray:
        """The fitted log V at ``eps``, in its shape. Raises ValueError unless ε > 0."""
        log_eps = np.log(positive(eps))
        logs = (self.m - 1) * np.log(self.a - log_eps) if self.m > 1 else 0.0
        return self.log_c + self.lam * log_eps + logs + self.b * np.exp(self.delta * log_eps)

    def __repr__(self) -> str:
        digits = max(1 - int(np.floor(np.log10(self.se))), 0) if 0 < self.se < np.inf else 4
        chance = f"{100 * self.probability[self.m - 1]:.0f} %"
        doubt = f"; doubtful: {self.doubt}" if self.doubt else ""
        return f"λ = {self.lam:.{digits}f} ± {self.se:.{digits}f}, m = {self.m} ({chance}){doubt}"


def fit(curve: VolumeCurve) -> Fit:
    """λ with its standard error, and the probability of each multiplicity m = 1 … d, from a VolumeCurve.

    The model is V = c ε^λ (a − log ε)^(m−1) exp(b ε^δ). The power of the logarithm is exact for a normal crossing
    with m = 2 and right to relative order 1/log² ε for any m; the last factor stands for the next pole of
    the zeta function, at −λ − δ. Without the logarithm the slope would be near λ − (m − 1)/log(1/ε), which
    is not λ at any ε one can reach.

    The data are the increments log V(ε_j) − log V(ε_{j−1}), not the values: their errors are nearly independent,
    while those of the values add up. Their variance is that of a share, times factors that the spread of the
    populations over quarters of the curve gives; where chains mix slowly, errors last over many levels and are taken
    larger. For each m, λ and b are integrated out exactly (a Gaussian integral, flat prior for λ), a and δ over a grid
    of plausible values in units of λ, so that no scale of ε is preferred; and so is the place from which on the law
    holds, in eight steps from V = 0.1 to the last third of the curve: before it, as where the box still cuts the set,
    the slope may be any parabola in log ε, at the price of its three coefficients (BIC). The marginal likelihoods,
    with equal prior weight for each m, are the probabilities of m.

    They are honest as an average over losses: in 128 fits of the 32 losses of the catalogue (four seeds, 256 particles,
    down to 10⁻³⁰) m had more than 95 % in 77 and was right in all of these, and λ lay within two ``se`` in 127. In 104
    fits of thirteen bent valleys with coefficients from 10⁶ to 10¹² m had more than 90 % in 16, and was right in all of
    these. A second pole near the first looks like a logarithm, as that of the cusp does, 1/12 beside it.

    Levels where the populations disagree by a factor e or more are not used, and the fit says so (``doubt``); nor is a
    fit of chains that mix badly given the error bar that their noise alone would have. Raises ValueError if fewer than
    eight levels have V < 0.1, and says what would help. Raises TypeError for what is no VolumeCurve.

    >>> from sltcourse.theory.splitting import splitting
    >>> from sltcourse.theory.volume_fit import fit
    >>> found = fit(splitting(lambda w: w[:, 0]**2, [(-1, 1)], particles=64))
    >>> found.m, bool(abs(found.lam - 0.5) < 4 * found.se)
    (1, True)
    """
    if not isinstance(curve, VolumeCurve):
        raise TypeError(f"fit takes what splitting returns, a VolumeCurve, not {type(curve).__name__}")
    data = _Data.of(curve)
    scale = data.scale
    d, gaps = curve.d, np.geomspace(min(_GAPS[0] * scale, _LEAST_GAP), _GAPS[1] * scale, 9)
    size = _CORRECTION * max(1.0, scale)
    cuts = [int(part * len(data.increment)) for part in _LATER]
    evidence, lam, se, best = np.zeros(d), np.zeros(d), np.zeros(d), []
    for m in range(1, d + 1):
        offsets = _OFFSETS * (gammainccinv(m, _START) + 1) / data.slope(m) if m > 1 else np.ones(1)
        grids = [_integrated(data, m, offsets, (gaps, size), cut) for cut in cuts]
        log_likelihood, lams, variances, bs = (np.array(x) for x in zip(*grids, strict=True))
        evidence[m - 1] = logsumexp(log_likelihood) - np.log(log_likelihood.size)
        weight = np.exp(log_likelihood - logsumexp(log_likelihood))
        lam[m - 1] = (weight * lams).sum()
        se[m - 1] = np.sqrt((weight * ((lams - lam[m - 1]) ** 2 + variances)).sum())
        at = k, i, j = np.unravel_index(log_likelihood.argmax(), log_likelihood.shape)
        best.append((offsets[i] + data.log_start, size * bs[at], gaps[j], cuts[k]))
    probability = np.exp(evidence - logsumexp(evidence))
    m = int(probability.argmax()) + 1
    a, b, delta, cut = best[m - 1]
    error = np.sqrt(probability @ (se**2 + (lam - lam[m - 1]) ** 2))
    b = b * np.exp(-delta * data.log_start)
    doubts = [data.doubt] if data.doubt else []
    if probability[m - 1] < _SURE:
        others = [f"{i + 1} ({p:.2f})" for i, p in enumerate(probability) if p > 0.01]
        doubts.append("m may be " + " or ".join(others))
    found = Fit(lam[m - 1], error, m, probability, lam, se, 0.0, a, b, delta, "; ".join(doubts))
    return replace(found, log_c=float(np.mean((data.log_V - found.log_V(data.eps))[cut:])))


@dataclass(frozen=True)
class _Data:
    """The part of a curve that is fitted: levels with V < 0.1 where the populations agree.

    ``increment``, ``sigma`` and the steps of ``time`` have shape (J − 1,); ``time`` = log ε_1 − log ε, ``eps`` and
    ``log_V`` have shape (J,). ``spare`` (J − 1,): the share of σ² that is there only because chains mix slowly.
    """

    eps: np.ndarray
    log_V: np.ndarray
    increment: np.ndarray
    sigma: np.ndarray
    spare: np.ndarray
    populations: int
    doubt: str

    @property
    def time(self) -> np.ndarray:
        """log ε_1 − log ε, shape (J,)."""
        return self.log_start - np.log(self.eps)

    @property
    def log_start(self) -> float:
        """log ε_1."""
        return np.log(self.eps[0])

    @property
    def scale(self) -> float:
        """The mean slope: the unit of λ."""
        return (self.log_V[0] - self.log_V[-1]) / self.time[-1]

    def slope(self, m: int) -> float:
        """About λ, if m is the multiplicity."""
        return self.scale + (m - 1) / ((gammainccinv(m, _START) + 1) / self.scale + self.time[-1] / 2)

    @classmethod
    def of(cls, curve: VolumeCurve) -> "_Data":
        """The part of ``curve`` that is fitted, with its doubts; ValueError if that is too little."""
        log_V = curve.log_V if curve.eps.size else np.zeros(0)
        start = int(np.searchsorted(-log_V, -np.log(_START)))
        apart = np.flatnonzero(curve.disagree) if curve.eps.size else np.zeros(0, int)
        end = int(apart[0]) if apart.size else len(log_V)
        if end - start < _FEWEST:
            raise ValueError(_too_few(curve, start, end))
        doubt = []
        if end < len(log_V):
            doubt.append(
                f"used down to ε = {curve.eps[end - 1]:.1e} only: below it the populations disagree by a factor e"
            )
        wider, close = _wider(curve.kinship[-len(log_V) :][start:end])
        if close > _SLOW:
            how = "badly" if close > KINSHIP else "slowly"
            doubt.append(
                f"the chains mix {how} (correlation of relatives {close:.2f}), errors taken {wider.max():.1f} times as "
                "large" + (" there" if 1.01 * wider.min() < wider.max() else "")
            )
        shares = curve.shares[:, start + 1 : end]
        weight = np.exp(curve.log_V_each[:, start : end - 1])
        weight /= weight.sum(0)
        share = shares.mean(0)
        variance = np.maximum((1 - share) / share, 0.05) / curve.particles
        excess = _excess(shares / share - 1, variance) * curve.remembered
        sigma = np.sqrt(excess * variance * (weight**2).sum(0)) * wider
        return cls(
            curve.eps[start:end], log_V[start:end], np.diff(log_V[start:end]), sigma, 1 - wider**-2.0, len(shares),
            "; ".join(doubt),
        )  # fmt: skip


def _wider(kinship: np.ndarray) -> tuple[np.ndarray, float]:
    """How many times as large errors are taken, a factor for each level but the first; and the kinship that says so.

    The kinship of a level is the mean of the curve, or of the levels around it where that is far more: chains may be
    stuck at a bend of the valley, which the mean would hide.
    """
    known = np.isfinite(kinship)
    if not known.any():
        return np.ones(max(len(kinship) - 1, 1)), 0.0
    window = np.ones(min(_AROUND, len(kinship)))
    total, count = (np.convolve(x, window, "same") for x in (np.where(known, kinship, 0.0), known))
    close, around = float(kinship[known].mean()), total / np.maximum(count, 1)
    worst = float(around.max())
    at_a_bend = worst > max(_BEND * close, _STUCK)
    levels = np.maximum(around, close) if at_a_bend else np.full(len(kinship), close)
    wider = 1 + (np.maximum(levels, 0.0) / _TWICE) ** 2
    return wider[1:], worst if worst > _STUCK else close


def _excess(deviation: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """How many times the variance of a share the populations vary, over quarters of the curve; a factor for each level.

    Each quarter is known from few populations: it is given the mean of all unless it is far above.
    """
    parts = np.array_split(np.arange(len(variance)), _QUARTERS)
    spread = np.array([deviation[:, part].var(0, ddof=1).sum() / variance[part].sum() for part in parts])
    return np.repeat(np.maximum(spread.mean(), 0.8 * spread), [len(part) for part in parts])


def _integrated(
    data: _Data, m: int, offsets: np.ndarray, corrections: tuple[np.ndarray, float], cut: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Log likelihood, λ, its variance and b/size on the grid of offsets × gaps, λ and b integrated out.

    Normal equations of increment/σ = λ slope + b correction + noise, with b ~ N(0, 1) and a flat λ. The first ``cut``
    increments are not bound to the law, but to a slope that is some parabola. σ is known up to a common factor, from
    the spread of the populations and from the misfit: hence Student's t in place of the normal law. Errors of chains
    that mix slowly last over many levels and scatter little from one to the next, so that a small misfit does not speak
    against them: the share ``spare`` of σ² counts as found.
    """
    time, (gaps, size) = data.time, corrections
    known = _QUARTERS * (data.populations - 1)
    misfit, penalty = _lawless(data, cut)
    increment, sigma = data.increment[cut:], data.sigma[cut:]
    slope = -np.diff(time)[cut:] / sigma
    correction = size * np.diff(np.exp(-np.outer(gaps, time)), axis=1)[:, cut:] / sigma
    ss, sc, cc = slope @ slope, correction @ slope, (correction**2).sum(1) + 1
    det = ss * cc - sc**2
    logs = (m - 1) * np.log(offsets[:, None] + time)
    rest = (increment - np.diff(logs, axis=1)[:, cut:]) / sigma
    sr, cr = (rest @ slope)[:, None], rest @ correction.T
    lam, b = (cc * sr - sc * cr) / det, (ss * cr - sc * sr) / det
    misfit = misfit + (rest**2).sum(1)[:, None] - lam * sr - b * cr
    misfit, total = misfit + data.spare.sum(), known + len(data.sigma)
    log_likelihood = -total / 2 * np.log1p(misfit / known) - np.log(det) / 2 - penalty
    return log_likelihood, lam, (known + misfit) / total * cc / det, b


def _lawless(data: _Data, cut: int) -> tuple[float, float]:
    """The misfit of the first ``cut`` increments to any parabola as a slope, and what that freedom costs."""
    if cut == 0:
        return 0.0, 0.0
    time, sigma = data.time[: cut + 1], data.sigma[:cut]
    columns = np.diff(np.vander(time / time[-1], 4, increasing=True)[:, 1:], axis=0) / sigma[:, None]
    observed = data.increment[:cut] / sigma
    _, _, rank, _ = found = np.linalg.lstsq(columns, observed, rcond=None)
    return ((observed - columns @ found[0]) ** 2).sum(), rank * np.log(cut) / 2 + _EXCEPTION


def _too_few(curve: VolumeCurve, start: int, end: int) -> str:
    """Why there is nothing to fit, and what helps."""
    if not curve.eps.size:
        return "the curve has no levels: run splitting again"
    decades, log_V = -np.log10(curve.eps[-1]), curve.log_V[-1]
    if end < len(curve.eps):
        return (
            f"below ε = {curve.eps[end]:.1e} the populations disagree about V by a factor e or more, and above it only "
            f"{max(end - start, 0)} levels have V < {_START}: run splitting with more particles or sweeps, or on a "
            "smaller box"
        )
    if curve.vanishing > 0.9:
        return (
            f"V stays at {np.exp(log_V):.3g}: there K is exactly 0, on a set of positive volume, so λ = 0 and no "
            "smaller ε will change it (or K underflows: then write it so that it does not)"
        )
    if not curve.partial and decades > 12:
        return (
            f"V falls only to {np.exp(log_V):.3g} over {decades:.0f} decades of ε: K vanishes faster than a power (as "
            f"exp(−1/w²): then λ = 0 and no smaller ε helps), or λ is below about {-log_V / decades / np.log(10):.2g} "
            "(then run splitting on a smaller box round the zeros, or to a far smaller ε)"
        )
    return (
        f"only {max(end - start, 0)} levels have V < {_START}, too few to tell a power from a logarithm: "
        "run splitting to a smaller ε"
    )
