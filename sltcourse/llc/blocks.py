"""Covariances of what was recorded along the chains, with standard errors.

The draws are cut into blocks (stretches of a chain, long against its autocorrelation time). With the global means ā, b̄
taken off, each block gives one matrix, its mean of (a − ā)(b − b̄)ᵀ; their mean is the covariance, their spread its
standard error (batch means, Glynn and Whitt 1991; it is the linearised jackknife over blocks). The same arithmetic
serves weighted draws, correlations, and moments that were streamed, where a block is a whole chain.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from sltcourse.llc.errors import stats

BLOCK = 3  # a block's length in autocorrelation times of the slowest trace: errors were 0.94 to 1.02 of the true ones
MOST_BLOCKS = 128  # more would cost time; a standard error from 128 blocks is itself known to 6 %
ENTRIES_AT_ONCE = 2**22  # matrix entries worked on together: some 200 MB
PAIRS = 16  # products of columns whose autocorrelation time is looked at


Moved = tuple[float, np.ndarray, np.ndarray, np.ndarray]
"""Of one block: its weight and, about some level, its mean of a (p,), of b (q,), and of a bᵀ (p, q)."""


@dataclass(frozen=True)
class Series:
    """Two sets of recorded columns, ``first`` (chain, draw, p) and ``second`` (chain, draw, q).

    ``minus`` (chain, draw) is taken off every column of ``second``. ``weight`` (chain, draw), with maximum 1, belongs
    to independent, weighted draws (``Importance``); None: all alike. ``watched``: further traces (chain, draw) whose
    autocorrelation a block has to outlast.
    """

    first: np.ndarray
    second: np.ndarray
    minus: np.ndarray | None = None
    weight: np.ndarray | None = None
    watched: tuple[np.ndarray, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(p, q): how many columns the two sets have."""
        return self.first.shape[2], self.second.shape[2]

    def read(self, chain: int, draws: slice, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray]:
        """The two sets in one stretch of one chain, (draws, rows) and (draws, columns), in float64."""
        a = self.first[chain, draws, rows].astype(np.float64)
        b = self.second[chain, draws, columns].astype(np.float64)
        return a, b if self.minus is None else b - self.minus[chain, draws, None]

    def weight_of(self, chain: int, draws: slice) -> np.ndarray:
        """The weights of one stretch of one chain, (draws,)."""
        return np.ones(draws.stop - draws.start) if self.weight is None else self.weight[chain, draws]

    def stretches(self, length: int) -> list[tuple[int, slice]]:
        """Each chain cut into stretches of about ``length`` draws."""
        chains, draws = self.first.shape[:2]
        edges = np.linspace(0, draws, max(1, draws // length) + 1).astype(int)
        return [(c, slice(i, j)) for c in range(chains) for i, j in pairwise(edges)]

    def blocks(self, length: int, rows: slice, columns: slice) -> Iterator[Moved]:
        """For each stretch its weight and, about the global means, its mean of a, of b, and of a bᵀ."""
        means = self.means(rows, columns)
        for chain, draws in self.stretches(length):
            a, b = self.read(chain, draws, rows, columns)
            a, b, weight = a - means[0], b - means[1], self.weight_of(chain, draws)
            total = weight.sum()
            weighted = a * (weight / (total or 1.0))[:, None]
            yield total, weighted.sum(0), weight @ b / (total or 1.0), weighted.T @ b

    def means(self, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray]:
        """The means of the two sets over all draws and chains, (rows,) and (columns,)."""
        chains, draws = self.first.shape[:2]
        a: Any = 0.0
        b: Any = 0.0
        total = 0.0
        for chain in range(chains):
            x, y = self.read(chain, slice(0, draws), rows, columns)
            weight = self.weight_of(chain, slice(0, draws))
            a, b, total = a + weight @ x, b + weight @ y, total + weight.sum()
        return a / total, b / total

    def traces(self) -> list[np.ndarray]:
        """A few columns, and a few products of two columns about their means: what a block has to outlast."""
        random = np.random.default_rng(0)
        p, q = self.shape
        picked = [(i, j) for i, j in zip(_spread(p, PAIRS), _spread(q, PAIRS), strict=True)]
        picked += list(zip(random.integers(p, size=PAIRS), random.integers(q, size=PAIRS), strict=True))
        found = [(i, j, *self._pair(i, j)) for i, j in sorted(set(picked))]
        traces = [a for _, _, a, _ in found] + [b for _, _, _, b in found]
        traces += [(a - a.mean()) * (b - b.mean()) for _, _, a, b in found]
        return traces + list(self.watched)

    def _pair(self, i: int, j: int) -> tuple[np.ndarray, np.ndarray]:
        """Column i of the first set and column j of the second, (chain, draw) each, in float64."""
        a, b = self.first[:, :, i].astype(np.float64), self.second[:, :, j].astype(np.float64)
        return a, b if self.minus is None else b - self.minus


@dataclass(frozen=True)
class ChainMoments:
    """What streaming leaves of each chain: ``count`` (chain,), means (chain, p) and (chain, q), covariance.

    The covariances (chain, p, q) are divided by the count, not by the count less one.
    """

    count: np.ndarray
    first: np.ndarray
    second: np.ndarray
    covariance: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(p, q): how many columns the two sets have."""
        return self.first.shape[1], self.second.shape[1]

    def blocks(self, length: int, rows: slice, columns: slice) -> Iterator[Moved]:
        """As ``Series.blocks``, each chain being a block; ``length`` is not used."""
        a, b = self.first[:, rows], self.second[:, columns]
        a, b = a - self.count @ a / self.count.sum(), b - self.count @ b / self.count.sum()
        for chain, count in enumerate(self.count):
            yield count, a[chain], b[chain], self.covariance[chain, rows, columns] + np.outer(a[chain], b[chain])


@dataclass(frozen=True)
class Mixing:
    """How the chains have mixed: ``ess`` independent draws are worth as much; ``rhat`` is the largest of those looked
    at (nan for one chain); ``length`` is the block's, in draws."""

    ess: float
    rhat: float
    length: int


def mixing(series: Series) -> Mixing:
    """Choose the block's length from the autocorrelation of the series' traces.

    The slowest of them counts, and not the product's own alone: where minibatch noise drowns the chain, the product
    looks white and is not.
    """
    chains, draws = series.first.shape[:2]
    least = max(1, math.ceil(chains * draws / MOST_BLOCKS))
    if series.weight is not None:
        weight = series.weight.ravel()
        return Mixing(float(weight.sum() ** 2 / np.square(weight).sum()), math.nan, least)
    ess, rhat = float(chains * draws), math.nan
    if draws >= 4:
        moving = [t for t in series.traces() if np.ptp(t) > 1e-12 * np.abs(t).max()]
        ess = min([ess, *(float(stats.ess(t, method="mean")) for t in moving)])
        if chains > 1:
            rhat = max((float(stats.rhat(t, method="split")) for t in moving), default=math.nan)
    length = max(least, math.ceil(BLOCK * chains * draws / ess))
    return Mixing(ess, rhat, min(length, draws))


def covariance_matrix(
    source: Series | ChainMoments, length: int, correlation: bool = False
) -> tuple[np.ndarray, np.ndarray, int]:
    """The covariance (p, q) of ``source`` (Series or ChainMoments), its standard errors, and the number of blocks.

    ``correlation``: of one set with itself, divided by the standard deviations (both sets of ``source`` are the same);
    nan where one of them does not move. One block gives no error: nan.
    """
    p, q = source.shape
    value, error, count = np.empty((p, q)), np.empty((p, q)), 0
    if correlation:
        variance = variances(source, length)
    width = min(q, ENTRIES_AT_ONCE)
    height = max(1, ENTRIES_AT_ONCE // width)
    for top in range(0, p, height):
        rows = slice(top, min(top + height, p))
        for left in range(0, q, width):
            columns = slice(left, min(left + width, q))
            scale = None
            if correlation:
                with np.errstate(divide="ignore"):
                    scale = 1 / np.sqrt(variance[0][rows, None] * variance[0][None, columns])
                scale[~np.isfinite(scale)] = np.nan
            value[rows, columns], error[rows, columns], count = _pooled(
                source.blocks(length, rows, columns),
                scale,
                None if scale is None else (_share(variance, rows), _share(variance, columns)),
            )
    return value, error, count


def variances(source: Series | ChainMoments, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The variance (p,) of each column of the first set, and its mean square about the global mean by block (K, p)."""
    p = source.shape[0]
    out: list[tuple[np.ndarray, np.ndarray]] = []
    for at in range(0, p, 1024):
        part = slice(at, min(at + 1024, p))
        found = [(weight, a, np.diagonal(product)) for weight, a, _, product in source.blocks(length, part, part)]
        weights, means, squares = map(np.array, zip(*found, strict=True))
        share = weights / weights.sum()
        out.append((share @ squares + _slack(len(weights)) * (share**2 @ means**2), squares))
    return np.concatenate([v for v, _ in out]), np.concatenate([s for _, s in out], axis=1)


def mean_and_error(source: Series, length: int, about: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """E[a (b − about)] for ``about`` (q,), no means taken off: value (p, q), standard error, number of blocks."""
    whole = slice(0, source.shape[0]), slice(0, source.shape[1])
    centre = source.means(*whole)
    shift = centre[1] - about

    def blocks() -> Iterator[Moved]:
        for weight, a, b, product in source.blocks(length, *whole):
            yield weight, 0 * a, 0 * b, product + np.outer(a, shift) + np.outer(centre[0], b + shift)

    return _pooled(blocks())


def _pooled(
    blocks: Iterable[Moved],
    scale: np.ndarray | None = None,
    shares: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, int]:
    """The mean of the blocks' matrices with its standard error.

    Taking off the estimated means makes the mean product too small by the covariance of those means, which the blocks'
    own means give: for independent draws that is the factor N/(N − 1). ``scale``: see ``covariance_matrix``; a
    correlation r moves with its variances too, by −r/2 times the sum of their relative changes.
    """
    total: Any = 0.0
    square = cross = own = outer = weights = total
    count = 0
    for weight, a, b, product in blocks:
        product = product if scale is None else product * scale
        base: Any = weight
        if shares is not None:
            base = 0.5 * weight * (shares[0][count][:, None] + shares[1][count][None, :])
        total, square = total + weight * product, square + (weight * product) ** 2
        cross, own = cross + weight * product * base, own + base * base
        outer, weights, count = outer + weight**2 * np.outer(a, b), weights + weight, count + 1
    value = total / weights + _slack(count) * outer / weights**2 * (1.0 if scale is None else scale)
    if count < 2:
        return value, np.full(np.shape(value), np.nan), count
    spread = np.maximum(square - 2 * value * cross + value**2 * own, 0.0)
    return value, np.sqrt(_slack(count) * spread) / weights, count


def _slack(count: int) -> float:
    """N/(N − 1), what a variance is too small by that is taken about the mean of N; 0 for one."""
    return count / (count - 1) if count > 1 else 0.0


def _share(variance: tuple[np.ndarray, np.ndarray], part: slice) -> np.ndarray:
    """Each block's mean square over the variance, (K, part)."""
    whole, by_block = variance
    with np.errstate(divide="ignore", invalid="ignore"):
        return by_block[:, part] / whole[part]


def _spread(size: int, count: int) -> list[int]:
    """``count`` numbers from 0 to size − 1, evenly spread."""
    return [int(i) for i in np.linspace(0, size - 1, count)]
