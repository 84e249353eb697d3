"""V(ε) of any loss: by plain Monte Carlo, and by multilevel splitting (as in nested sampling), down to 1e-30."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypedDict, Unpack

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from scipy.stats import binomtest, chi2

from sltcourse.progress import progress
from sltcourse.theory.moves import Moves
from sltcourse.theory.numeric_input import ArrayFunction, checked_box, nonnegative_loss, positive, seeded, whole

SPREAD = 1.0  # of the populations' log V: above it their mean is believed only where the noise of shares explains it
KINSHIP = 0.12  # the correlation of relatives' survival above which the chains are said not to mix
_MEMORY = 5  # levels after which a chain should have forgotten where it was
_STRANGERS = 0.015  # kinship above which every sweep has a valley move, which costs as much as all the others
_REMEMBERED = 3  # levels over which the errors of shares are correlated, where chains mix
_MOST = 10**11  # draws of plain Monte Carlo: an hour or more
_UNIT = 0.5  # of the level: a change of K by the last digit of w that makes the float grid too coarse


class MonteCarlo(NamedTuple):
    """V(ε) as the share of ``n`` prior draws with K ≤ ε, and a one-sigma interval from ``low`` to ``high``.

    ``eps``, ``V``, ``low``, ``high`` and ``hits`` have shape (levels,); ``hits`` are counts.
    """

    eps: np.ndarray
    V: np.ndarray
    low: np.ndarray
    high: np.ndarray
    hits: np.ndarray
    n: int


def monte_carlo(
    K: ArrayFunction | sp.Expr,
    box: Sequence[tuple[float, float]],
    eps: ArrayLike,
    n: int = 100_000,
    seed: int = 0,
    variables: Sequence[sp.Symbol] | None = None,
) -> MonteCarlo:
    """V at each of ``eps`` from ``n`` draws (``seed``) of the uniform prior on ``box``.

    ``K`` maps (N, d) to (N,), or is a sympy expression (``variables`` as in ``splitting``); ``eps`` is a number or an
    array of shape (levels,). The interval is Wilson's for a binomial share, so it is not empty where nothing was hit: V
    is then somewhere below about 1/n and that is all plain Monte Carlo can say. Draws are made in blocks, so n may be
    large. Raises ValueError and TypeError as ``splitting``, and for an ``eps`` of two dimensions.
    """
    eps = np.atleast_1d(positive(eps))
    if eps.ndim > 1:
        raise ValueError(f"eps must be a number or a row of numbers, not of the shape {eps.shape}: use eps.ravel()")
    low, high = checked_box(box)
    K = nonnegative_loss(K, len(low), variables)
    n = whole(n, 1, "n")
    if n > _MOST:
        raise ValueError(f"n is {n:.3g}, and {_MOST:.0e} draws are the most: splitting() reaches smaller V in seconds")
    rng, hits = seeded(seed), np.zeros(len(eps), dtype=int)
    for start in progress(range(0, n, 100_000), "Monte Carlo"):
        loss = np.sort(K(low + (high - low) * rng.random((min(100_000, n - start), len(low)))))
        hits += np.searchsorted(loss, eps, side="right")
    intervals = [binomtest(int(h), n).proportion_ci(0.682689492, "wilson") for h in hits]
    share, (low, high) = hits / n, np.transpose(intervals)
    return MonteCarlo(eps, share, np.minimum(low, share), np.maximum(high, share), hits, n)


@dataclass(frozen=True)
class VolumeCurve:
    """V(ε) on falling levels ε_1 > ε_2 > … from R independent populations.

    eps : the levels, shape (J,).
    shares : shape (R, J), for each population the share of its particles below ε_j among those below ε_{j−1} (below
        ε_1 among all, for j = 1).
    particles, d : chains of a population; number of coordinates.
    stopped : empty for a complete run; otherwise says why the curve ends early.
    kinship : shape (J,), the correlation, from 0 to 1, between the survival of chains that had a common ancestor five
        levels before. Chains that move freely have forgotten it: 0. NaN on the first levels.
    ancestors : shape (J,), how many of the particles that a population began with still have descendants, a mean.
    vanishing : the share of the particles below the last level where K is exactly 0.
    """

    eps: np.ndarray
    shares: np.ndarray
    particles: int
    d: int
    stopped: str = ""
    kinship: np.ndarray = field(default_factory=lambda: np.zeros(0))
    ancestors: np.ndarray = field(default_factory=lambda: np.zeros(0))
    vanishing: float = 0.0

    @property
    def partial(self) -> bool:
        """Whether the curve ends before the ε that was asked for."""
        return bool(self.stopped)

    @property
    def log_V(self) -> np.ndarray:
        """log V at ``eps``, shape (J,): of the mean over the populations of their V, each a product of its shares."""
        return logsumexp(self.log_V_each, axis=0) - np.log(len(self.shares))

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation of log V from population to population, shape (J,). Above about 1 the mean is biased."""
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(self.log_V_each.std(0, ddof=1), nan=np.inf)

    @property
    def se(self) -> np.ndarray:
        """Standard error of ``log_V``, shape (J,): the variances of the shares, added up, times one factor.

        The variance of a share is its spread over the populations, and errors of levels that follow each other are
        correlated: the factor is 1 + 2 Σ correlations over three levels, pooled over the whole curve. So eight
        populations know it within a tenth, where their spread of log V itself is known within a quarter only. That
        spread is taken where it is larger than such noise allows, which is so if errors last longer than three levels.
        """
        pooled, direct = self._pooled, self.spread**2
        return np.sqrt(np.where(direct > self._allowed(0.95) * pooled, direct, pooled) / len(self.shares))

    @property
    def disagree(self) -> np.ndarray:
        """Whether the populations disagree about V, shape (J,): by a factor e or more, and by more than the noise of
        their shares allows; or by a factor e^1.5 or more."""
        unexplained = self.spread**2 > self._allowed(0.999) * self._pooled
        return (self.spread > SPREAD) & unexplained | (self.spread > 1.5 * SPREAD)

    @property
    def _pooled(self) -> np.ndarray:
        """The variance of a population's log V from the noise of its shares."""
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = self.shares.var(0, ddof=1) / self.shares.mean(0) ** 2
        return self.remembered * np.cumsum(variance)

    def _allowed(self, share: float) -> float:
        """How many times the true variance that over the populations is at most, in this share of all curves."""
        return chi2.ppf(share, len(self.shares) - 1) / (len(self.shares) - 1)

    @property
    def remembered(self) -> float:
        """1 + 2 Σ correlations of the errors of shares over some levels, pooled over the curve; 1 at least."""
        deviation = self.shares / self.shares.mean(0) - 1
        lags = range(1, min(_REMEMBERED + 1, deviation.shape[1]))
        later = sum((deviation[:, lag:] * deviation[:, :-lag]).sum() for lag in lags)
        return 1 + max(2 * later / max((deviation**2).sum(), 1e-300), 0.0)

    @property
    def log_V_each(self) -> np.ndarray:
        """log V of each population, shape (R, J)."""
        with np.errstate(divide="ignore"):
            return np.cumsum(np.log(self.shares), axis=1)

    @property
    def doubt(self) -> str:
        """Why V should not be believed, in words; empty where nothing was found.

        Two signs of chains that do not get everywhere: the populations disagree by a factor e or more, and relatives
        share their fate more than strangers do.
        """
        found = []
        if self.eps.size and self.disagree.any():
            first = self.eps[np.argmax(self.disagree)]
            found.append(f"below ε = {first:.1e} the populations disagree about V by more than a factor e")
        close = np.nanmean(self.kinship) if np.isfinite(self.kinship).any() else 0.0
        if close > KINSHIP:
            found.append(
                f"the chains mix badly: five levels on, relatives still share their fate (correlation {close:.2f}; "
                f"{self.ancestors[-1]:.0f} of {self.particles} ancestors have descendants)"
            )
        return "; ".join(found)

    def __repr__(self) -> str:
        if not self.eps.size:
            return f"VolumeCurve(no levels, d = {self.d}, {self.stopped})"
        end = f"log V({self.eps[-1]:.1e}) = {self.log_V[-1]:.2f} ± {self.se[-1]:.2f}"
        notes = "".join(f", {note}" for note in (self.stopped, self.doubt) if note)
        return f"VolumeCurve({len(self.eps)} levels, {end}, d = {self.d}{notes})"


class Effort(TypedDict, total=False):
    """How much work `splitting` does; the time it takes is in proportion to each of them.

    particles : chains of a population, 256 if left out, 32 at least.
    populations : 8 if left out, 2 at least; their spread is the error. One more, the pilot, leads them.
    sweeps : of moves, each through all kinds of moves, at a level; 4 if left out.
    """

    particles: int
    populations: int
    sweeps: int


def splitting(
    K: ArrayFunction | sp.Expr,
    box: Sequence[tuple[float, float]],
    eps: float = 1e-30,
    *,
    variables: Sequence[sp.Symbol] | None = None,
    seed: int = 0,
    **effort: Unpack[Effort],
) -> VolumeCurve:
    """Follow V(ε) = Prob{K(w) ≤ ε} down to ``eps`` by multilevel splitting, for the volume scaling exponent λ.

    K : the loss, ≥ 0: a function that maps points (N, d) to (N,) (it sees a read-only array), or a sympy expression.
    box : d pairs (low, high); the prior is uniform on it.
    eps : the smallest level to reach, one number in the units of K.
    variables : for a sympy expression, which symbol is which coordinate; sorted by name if left out.
    seed : for numpy's random generator.
    effort : particles=256, populations=8, sweeps=4: chains a population, populations, sweeps a level; see `Effort`.

    Returns a VolumeCurve; its ``doubt`` says in words where it should not be believed.

    Start from prior draws. Lower the level until about 40 % of the particles lie below it: the share that does is one
    factor of V. Put copies of survivors in the place of the others, stir all of them inside {K ≤ level} by Markov
    chain moves (``theory.moves``), and go on. V is a product of moderate shares, so 1e-30 costs thirty times what 1e-1
    costs, and not 1e30 times as much. Every sweep counts as a sample at its level (waste-free SMC, Dau & Chopin 2020,
    arXiv:2011.02328). One extra population, the pilot, chooses the levels and lends directions to the others. For
    these the levels are thus given, their products of shares are independent unbiased estimates of V, and their
    spread is an honest error (``VolumeCurve.se``). Sources: Kahn & Harris 1951; near to it, Skilling 2006.

    What no sign can show: a well that holds less than about 10⁻⁵ of the box when ε is large, and most of V when it is
    small, may not be found by any population. A second seed then often disagrees by several errors; a run with another
    kind of moves does so no more often.

    An interrupt (KeyboardInterrupt) returns the levels done so far, with ``stopped`` saying so. So does a float grid
    that is too coarse: float64 resolves w to 16 digits, and if an isolated zero of K lies away from w = 0, pass K as a
    function of the displacement u = w − w* (and the box of u), written so that it does not cancel.

    Raises TypeError for a loss that is text or neither function nor expression; ValueError if ε ≤ 0, if the loss is
    NaN, negative, complex or of the wrong shape, or if no particle can get below ε (empty region).

    >>> import numpy as np
    >>> from sltcourse.theory.splitting import splitting
    >>> curve = splitting(lambda w: w[:, 0]**2, [(-1, 1)], particles=64)  # V = √ε
    >>> round(float(curve.log_V[-1] / np.log(curve.eps[-1])), 1)
    0.5
    """
    lowest = positive(eps)
    if lowest.ndim != 0:
        raise ValueError("eps is one number, the smallest level to reach; the curve has all levels above it")
    eps = float(lowest)
    low, high = checked_box(box)
    K = nonnegative_loss(K, len(low), variables)
    particles, populations, sweeps = _checked(effort)
    run = _Run(K, low, high, (populations + 1, particles, sweeps), seeded(seed))
    found: list[tuple[float, np.ndarray, float, float]] = []  # of each level, as the curve has them
    stopped = ""
    try:
        for _ in progress(itertools.count(), f"splitting down to ε = {eps:.0e}, levels"):
            share = run.lower(eps)
            if not share.all():
                stopped = f"a population lost the region near ε = {run.level:.1e}; use more particles or sweeps"
                break
            found.append((run.level, share, run.kinship(), run.ancestors()))
            if run.level == eps:
                break
            if run.too_coarse():
                stopped = (
                    f"w has too few digits below ε = {run.level:.1e}: there K changes with the last digit of w. Pass K "
                    "as a function of the displacement u = w − w* from its zero"
                )
                break
            run.stir()
    except KeyboardInterrupt:
        stopped = "interrupted"
    levels, shares, kinship, ancestors = zip(*found, strict=True) if found else ((), (), (), ())
    return VolumeCurve(
        np.array(levels),
        np.reshape(shares, (-1, populations)).T,
        particles,
        len(low),
        stopped=stopped,
        kinship=np.array(kinship),
        ancestors=np.array(ancestors),
        vanishing=run.vanishing(),
    )


def _checked(effort: Effort) -> tuple[int, int, int]:
    """Particles, populations and sweeps; TypeError for another word, ValueError for what is no count."""
    least = {"particles": (256, 32, ""), "populations": (8, 2, " (their spread is the error)"), "sweeps": (4, 1, "")}
    if unknown := sorted(set(effort) - set(least)):
        raise TypeError(f"splitting takes {', '.join(least)}, variables and seed, and no {', '.join(unknown)}")
    particles, populations, sweeps = (
        whole(effort.get(k, usual), low, f"splitting's {k}", why) for k, (usual, low, why) in least.items()
    )
    return particles, populations, sweeps


class _Run:
    """The particles of all populations, the pilot first: a sample of {K ≤ level} and where each chain comes from."""

    def __init__(
        self,
        K: ArrayFunction,
        low: np.ndarray,
        high: np.ndarray,
        shape: tuple[int, int, int],
        rng: np.random.Generator,
    ):
        self.K, self.rng, self.d = K, rng, len(low)
        self.populations, self.particles, self.sweeps = shape
        self.low, self.high = low[:, None], high[:, None]
        self.moves = Moves(K, self.low, self.high, self.populations, self.particles, rng)
        draws = rng.random((self.d, self.populations, self.particles * self.sweeps))
        self.w = self.low[..., None] + (self.high - self.low)[..., None] * draws
        self.loss = K(self.w.reshape(self.d, -1).T).reshape(self.w.shape[1:])
        self.level, self.count, self.steep, self.inside = np.inf, 0, 0, np.ones(self.loss.shape, bool)
        self.first = self._everyone()
        self.relatives = 0.0  # the kinship of late
        self.families = [self._everyone()]  # by the ancestor 0, 1, 2, … levels back, the oldest first

    def _everyone(self) -> np.ndarray:
        """The numbers of the particles, (populations, particles)."""
        return np.tile(np.arange(self.particles), (self.populations, 1))

    def lower(self, eps: float) -> np.ndarray:
        """Choose the next level; the share of each population but the pilot below it."""
        previous, self.level = self.level, _next_level(self.loss[0], self.level, eps)
        self.inside = self.loss <= self.level
        falls = self.inside[0].mean() < (self.level / previous) ** (50 * self.d)
        self.steep = self.steep + 1 if falls else 0
        if self.level >= previous or self.steep == 20:
            raise ValueError(
                f"the region K ≤ {eps:.3g} looks empty: after {self.count} levels the smallest loss found is "
                f"{self.loss.min():.6g}. Subtract the minimum of the loss, widen the box, or ask for a larger ε"
            )
        self.count += 1
        return self.inside[1:].mean(1)

    def stir(self) -> None:
        """Put survivors in the place of the others and move all chains."""
        rows = _resample(self.inside, self.particles, self.rng)
        parent = rows % self.particles
        self.first = np.take_along_axis(self.first, parent, 1)
        self.families = [np.take_along_axis(f, parent, 1) for f in self.families][-_MEMORY + 1 :]
        self.families.append(self._everyone())
        now = np.take_along_axis(self.w, rows[None], 2).reshape(self.d, -1)
        loss_now = np.take_along_axis(self.loss, rows, 1).ravel()
        for sweep in range(self.sweeps):
            self.moves.sweep(now, loss_now, self.level, valley=sweep == 0 or self.relatives > _STRANGERS)
            part = slice(sweep * self.particles, (sweep + 1) * self.particles)
            self.w[:, :, part] = now.reshape(self.d, -1, self.particles)
            self.loss[:, part] = loss_now.reshape(-1, self.particles)
        self.moves.adapt()

    def vanishing(self) -> float:
        """The share of the particles below the level where K is exactly 0."""
        return float((self.loss[1:] == 0).sum() / max((self.loss[1:] <= self.level).sum(), 1))

    def ancestors(self) -> float:
        """How many particles of the beginning have descendants, a mean over the populations."""
        return float(np.mean([len(np.unique(first)) for first in self.first]))

    def kinship(self) -> float:
        """The correlation of survival between different chains with a common ancestor; NaN before there is a past."""
        if len(self.families) < _MEMORY:
            return np.nan
        survived = self.inside.reshape(self.populations, self.sweeps, -1).sum(1)[1:]
        together = pairs = alone = 0.0
        for x, family in zip(survived - survived.mean(1, keepdims=True), self.families[0][1:], strict=True):
            size, total = np.bincount(family), np.bincount(family, weights=x)
            together += (total**2).sum() - (x**2).sum()
            pairs += (size * (size - 1.0)).sum()
            alone += (x**2).mean() / len(survived)
        kinship = together / pairs / alone if pairs and alone else 0.0
        self.relatives += (kinship - self.relatives) / _MEMORY
        return kinship

    def too_coarse(self) -> bool:
        """Whether for most particles the last digit of a coordinate changes K by half the level."""
        w, loss = self.w[:, 1:, -8:].reshape(self.d, -1), self.loss[1:, -8:].ravel()
        change = np.zeros(len(loss))
        for i in range(self.d):
            moved = w.copy()
            moved[i] = np.clip(np.nextafter(w[i], np.inf), self.low[i], self.high[i])
            with np.errstate(invalid="ignore"):  # a loss that overflows, ∞ − ∞
                change = np.maximum(change, np.nan_to_num(np.abs(self.K(moved.T) - loss), nan=0.0, posinf=np.inf))
        with np.errstate(invalid="ignore"):
            return bool(np.median(np.nan_to_num(change / np.maximum(loss, self.level))) > _UNIT)


def _resample(inside: np.ndarray, particles: int, rng: np.random.Generator) -> np.ndarray:
    """For each population, a row of ``inside``, the columns of its survivors, repeated until they are ``particles``."""
    order = np.argsort(np.where(inside, rng.random(inside.shape), 2.0), axis=1)
    slot = np.arange(particles) % inside.sum(1)[:, None]
    return np.take_along_axis(order, slot, 1)


def _next_level(loss: np.ndarray, previous: float, eps: float) -> float:
    """The 40 % quantile of the pilot's losses; below a plateau the largest loss under it; never under ε."""
    k = int(0.4 * (len(loss) - 1))
    level = np.partition(loss, k)[k]  # not np.quantile, which subtracts one infinite loss from another
    if level >= previous and (loss < previous).any():
        level = loss[loss < previous].max()
    return max(float(level), eps)
