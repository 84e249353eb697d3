"""Adaptive Gauss–Legendre cubature in up to three dimensions: cells that are halved where two rules disagree."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

_RATIO = 3.0  # of the lengths of neighbouring panels
_ORDERS = {1: (10, 15), 2: (8, 12), 3: (6, 9)}  # nodes an axis of the coarse and of the fine rule, by dimension
_CELLS = {1: 64, 2: 16, 3: 4}  # an axis, to begin with
_SCAN = {1: 2**14, 2: 2**8, 3: 48}  # points an axis that are searched for wells
_WELLS = 64  # of those found, the deepest are kept
MOST_NODES = 10_000_000  # 8 bytes each for the loss and for the weight
_SLAB = 2**16  # nodes handled at once


def panel_rule(
    low: float, high: float, points: list[float], finest: float, order: int = 24
) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre nodes and weights on [low, high], on panels that shrink towards ``points`` down to ``finest``.

    ``order`` nodes a panel; ``points`` are sorted and lie in [low, high]. Returns two arrays of equal length.
    """
    x, weight = _gauss_legendre(order)
    edges = graded_edges(low, high, points, finest)
    half, middle = np.diff(edges)[:, None] / 2, (edges[:-1] + edges[1:])[:, None] / 2
    return (middle + half * x).ravel(), (half * weight).ravel()


def graded_edges(low: float, high: float, breakpoints: list[float], finest: float) -> np.ndarray:
    """Edges of panels on [low, high] that shrink by a factor 3 towards each breakpoint, down to ``finest``.

    ``breakpoints`` are sorted and lie in [low, high]; without any, the panels are equal. Returns a sorted array.
    """
    if not len(breakpoints):
        return np.linspace(low, high, 9)
    edges = {low, high, *breakpoints}
    stops = [low, *((a + b) / 2 for a, b in pairwise(breakpoints)), high]
    for point, left, right in zip(breakpoints, stops, stops[1:], strict=False):
        edges |= {left, right}
        for side, reach in ((-1, point - left), (1, right - point)):
            steps = int(np.ceil(np.log(max(reach / finest, 1.0)) / np.log(_RATIO)))
            edges |= {point + side * reach * _RATIO**-k for k in range(1, steps + 1) if reach > 0}
    return np.array(sorted(edges))


_gauss_legendre = cache(np.polynomial.legendre.leggauss)


@dataclass
class Rule:
    """Gauss–Legendre nodes of one order in every cell of a tree, and what was computed there.

    ``x`` (nodes, d) and ``log_weight`` (nodes,) are for the cell [−1, 1]^d; ``values``: arrays (cells, nodes).
    """

    order: int
    d: int
    values: list[np.ndarray]

    def __post_init__(self) -> None:
        x, weight = _gauss_legendre(self.order)
        self.x = np.stack([a.ravel() for a in np.meshgrid(*[x] * self.d, indexing="ij")], axis=1)
        self.log_weight = sum(np.log(a).ravel() for a in np.meshgrid(*[weight] * self.d, indexing="ij"))


class Cells:
    """Boxes that tile a box, with a coarse and a fine Gauss–Legendre rule in each, and values at all nodes.

    bounds : d pairs (low, high), d ≤ 3. breakpoints : d sorted lists of coordinates where cells are to end.
    evaluate : maps points w of shape (N, d) to two arrays of shape (N,), the loss and the log of the prior density.

    ``coarse`` and ``fine`` have for every cell and node ``values`` = [loss, log of weight × prior].
    """

    def __init__(
        self,
        bounds: Sequence[tuple[float, float]],
        breakpoints: Sequence[Sequence[float]],
        evaluate: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    ):
        self.d, self.evaluate = len(bounds), evaluate
        edges = []
        for (low, high), points in zip(bounds, breakpoints, strict=True):
            edges.append(np.unique([*np.linspace(low, high, _CELLS[self.d] + 1), *points]))
        pairs = [np.stack([e[:-1], e[1:]], axis=1) for e in edges]
        grid = np.stack(np.meshgrid(*[np.arange(len(p)) for p in pairs], indexing="ij"), axis=-1).reshape(-1, self.d)
        ends = np.stack([pair[grid[:, k]] for k, pair in enumerate(pairs)], axis=1)
        self.low, self.high = ends[..., 0], ends[..., 1]
        self.coarse, self.fine = (Rule(order, self.d, []) for order in _ORDERS[self.d])
        self._split_at(self._wells(np.array(bounds)), np.diff(np.array(bounds), axis=1)[:, 0] / _SCAN[self.d])
        for rule in (self.coarse, self.fine):
            rule.values = self._at_nodes(rule, self.low, self.high)

    @property
    def size(self) -> int:
        """Nodes of the fine rule."""
        return len(self.low) * len(self.fine.x)

    def nodes(self, rule: Rule, some: slice | np.ndarray = slice(None)) -> np.ndarray:
        """The points of a rule in some cells, shape (cells, nodes, d)."""
        low, high = self.low[some, None], self.high[some, None]
        return (low + high) / 2 + (high - low) / 2 * rule.x

    def slabs(self, rule: Rule, some: slice) -> Iterator[np.ndarray]:
        """The points of a rule in some cells, as arrays (N, d) of whole cells and some thousand points each."""
        step = max(1, _SLAB // len(rule.x))
        for i in range(some.start or 0, len(self.low), step):
            yield self.nodes(rule, slice(i, i + step)).reshape(-1, self.d)

    def halve(self, cells: np.ndarray, axis: np.ndarray) -> np.ndarray:
        """Put two halves, cut across ``axis`` (one number a cell), in the place of the cells with these numbers.

        Returns which of the old cells are kept, an array of bools: they come first now, and the halves after them.
        """
        low, high = self.low[cells], self.high[cells]
        row, middle = np.arange(len(cells)), (low + high) / 2
        new_high, new_low = high.copy(), low.copy()
        new_high[row, axis], new_low[row, axis] = middle[row, axis], middle[row, axis]
        low, high = np.concatenate([low, new_low]), np.concatenate([new_high, high])
        keep = np.ones(len(self.low), bool)
        keep[cells] = False
        self.low, self.high = np.concatenate([self.low[keep], low]), np.concatenate([self.high[keep], high])
        for rule in (self.coarse, self.fine):
            if rule.values:
                new = self._at_nodes(rule, low, high)
                rule.values = [np.concatenate([a[keep], b]) for a, b in zip(rule.values, new, strict=True)]
        return keep

    def roughest_axis(self, integrand: np.ndarray) -> np.ndarray:
        """For each cell the axis along which the integrand is least like a polynomial.

        ``integrand`` (cells, fine nodes) has the weights of the rule in it, up to a factor for each cell.
        """
        if self.d == 1:
            return np.zeros(len(integrand), int)
        q = self.fine.order
        x, weight = _gauss_legendre(q)
        last = np.polynomial.legendre.legvander(x, q - 1)[:, -2:] * weight[:, None]
        tensor = (integrand * np.exp(-self.fine.log_weight)).reshape(-1, *[q] * self.d)
        rough = [
            np.abs(np.tensordot(tensor, last, (axis + 1, 0))).sum(tuple(range(1, self.d + 1))) for axis in range(self.d)
        ]
        return np.argmax(rough, axis=0)

    def can_halve(self) -> np.ndarray:
        """Which cells are still wider than the float grid, along every axis."""
        return (self.high - self.low > 1e-13 * np.maximum(np.abs(self.low), np.abs(self.high))).all(1)

    def _at_nodes(self, rule: Rule, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
        """The loss and the log of weight × prior, each (cells, nodes), in the cells from ``low`` to ``high``."""
        half, middle = (high - low)[:, None] / 2, (high + low)[:, None] / 2
        log_volume = np.log(half[:, 0]).sum(1)
        step, parts = max(1, _SLAB // len(rule.x)), []
        for i in range(0, len(low), step):
            some = slice(i, i + step)
            w = (middle[some] + half[some] * rule.x).reshape(-1, self.d)
            loss, log_prior = (a.reshape(-1, len(rule.x)) for a in self.evaluate(w))
            parts.append((loss, log_prior + rule.log_weight + log_volume[some, None]))
        return [np.concatenate(p) for p in zip(*parts, strict=True)]

    def _wells(self, bounds: np.ndarray) -> np.ndarray:
        """Local minima of the loss on a grid of points, the deepest of them walked down to the bottom."""
        n, width = _SCAN[self.d], bounds[:, 1] - bounds[:, 0]
        axis = (np.arange(n) + 0.5) / n
        grid = np.stack([a.ravel() for a in np.meshgrid(*[axis] * self.d, indexing="ij")], axis=1)
        points = bounds[:, 0] + width * grid
        loss = np.concatenate([self.evaluate(points[i : i + _SLAB])[0] for i in range(0, len(points), _SLAB)])
        field, lowest = loss.reshape([n] * self.d), np.ones([n] * self.d, bool)
        for k in range(self.d):
            step = np.diff(field, axis=k)
            inner = [slice(None)] * self.d
            inner[k] = slice(1, None)
            lowest[tuple(inner)] &= step < 0
            inner[k] = slice(None, -1)
            lowest[tuple(inner)] &= step > 0
        found = np.flatnonzero(lowest.ravel())
        found = found[np.argsort(loss[found])][:_WELLS]
        w, value, size = points[found], loss[found], np.ones((len(found), 1)) / n
        for _ in range(30):
            for k in range(self.d):
                for sign in (-1, 1):
                    tried = np.clip(w + sign * size * width * (np.arange(self.d) == k), bounds[:, 0], bounds[:, 1])
                    new = self.evaluate(tried)[0] if len(tried) else value
                    better = new < value
                    w, value = np.where(better[:, None], tried, w), np.where(better, new, value)
            size = size / 2
        return w

    def _split_at(self, points: np.ndarray, width: np.ndarray) -> None:
        """Halve the cells that hold the points until they are no wider than ``width``, an array (d,)."""
        for _ in range(20 * self.d):
            inside = (self.low[:, None] <= points) & (points <= self.high[:, None])
            too_wide = (self.high - self.low) / width
            cells = np.flatnonzero(np.any(inside.all(2), 1) & (too_wide.max(1) > 4))
            if not len(cells):
                return
            self.halve(cells, too_wide[cells].argmax(1))


def log_sum_exp(x: np.ndarray, axis: int | tuple[int, ...] | None = None) -> np.ndarray:
    """log Σ exp(x), the largest term taken out; scipy's costs several times as much on arrays of this size."""
    top = x.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.squeeze(top, axis=axis) + np.log(np.exp(x - top).sum(axis=axis))
