"""Free energies and posterior expectations by quadrature, in log space.

The tempered posterior of a loss L and a prior φ on a box W in at most three dimensions is

    p(w) = exp(−nβ L(w)) φ(w) / Z,    Z = ∫_W exp(−nβ L(w)) φ(w) dw,    F = −log Z

(Watanabe, Algebraic Geometry and Statistical Learning Theory, 2009, ch. 1). L may be the population loss, the
divergence K(w), or the empirical loss L_n of a data set. What makes the integral hard is that for large n its
mass sits on a thin set of unknown shape: a point, a cross, a sheet. Here each axis is cut into panels that
shrink geometrically towards *breakpoints*, the coordinates of the singular set, down to the length 1/√(nβ),
and each panel carries Gauss–Legendre nodes. The number of nodes per panel grows until two successive rules
agree; a rule that never gets there is refused. Sums are taken as log Σ exp, so nothing under- or overflows.
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sltcourse.kit.progress import progress

_RATIO = 3.0  # of the lengths of neighbouring panels
_ORDERS = (8, 12, 18, 27, 40, 60, 90, 135, 200)  # nodes per panel, one rule after another
_MOST_NODES = 1e7  # 8 bytes each for the loss and for the weight
_SLAB = 2**16  # nodes handled at once


class Value(NamedTuple):
    """A number or an array, and the estimated absolute error of each entry: the change from the last rule."""

    value: np.ndarray
    error: np.ndarray


class Posterior:
    """The tempered posterior ∝ exp(−nβ L(w)) φ(w) on a box: free energy, expectations, masses, density.

    Parameters
    ----------
    loss : function of w, an array of shape (N, d), a point a row (w[:, 0] is w1); returns L(w), shape (N,).
    bounds : d pairs (low, high), d <= 3.
    n : sample size(s), a number >= 1 or an array of shape (k,).
    beta : inverse temperature(s) > 0, a number or an array of shape (k,).
    prior : density φ(w) with respect to dw, same shapes as ``loss``; uniform on the box if left out.
    breakpoints : where L is singular or smallest, and the edges of regions whose mass is asked for: d lists of
        coordinates, or one list for every axis. The origin if left out. Minima away from all breakpoints
        have to be wider than the panels there; a minimum that no rule sees is not found.
    tolerance : the largest relative error of Z, hence absolute error of F, that is accepted (above the rounding
        of nβ L itself).

    Attributes
    ----------
    free_energy : Value, F for each n, of the shape of ``n`` and ``beta`` broadcast together.
    n, beta : those arrays. dimension : d.
    partial : True if the computation was interrupted; then ``n``, ``beta`` and all results stop short.

    Raises
    ------
    TypeError, ValueError : for bad arguments, and for a loss or prior that returns NaN, infinities, the wrong
        shape, or a prior that does not integrate to 1.
    ArithmeticError : if successive rules do not agree to ``tolerance``.
    """

    def __init__(self, loss, bounds, n, *, beta=1.0, prior=None, breakpoints=(0.0,), tolerance=1e-9):
        if not callable(loss):
            raise TypeError("loss must be a function of w, an array of shape (N, d)")
        self._loss, self._prior, self._tolerance = loss, prior, tolerance
        self._bounds = _check_bounds(bounds)
        self.dimension = len(self._bounds)
        self._breakpoints = _check_breakpoints(breakpoints, self._bounds)
        self.n, self.beta = _check_n_beta(n, beta)
        self.partial = False
        self._rules, self._level = {}, 1
        nb = np.atleast_1d(self.n * self.beta)
        self._finest = 0.5 / np.sqrt(nb.max() + 1.0)
        found = []
        advice = "put breakpoints at the minima of the loss, or take coordinates with its singular set along the axes"
        try:
            for x in progress(nb, "free energy") if nb.size > 1 else nb:
                found.append(self._settle(lambda level, x=x: self._minus_log_integral(x, level), advice))
        except KeyboardInterrupt:
            if not found:
                raise
            self.partial = True
            self.n, self.beta = np.atleast_1d(self.n)[: len(found)], np.atleast_1d(self.beta)[: len(found)]
        value, error = np.array(found).T
        self.free_energy = Value(value.reshape(self.n.shape)[()], error.reshape(self.n.shape)[()])

    def expectation(self, f):
        """E[f(w)] under the posterior, a Value of shape (k, …): k as in ``n``, … as in what ``f`` returns.

        ``f`` maps w of shape (N, d) to an array of shape (N, …). Raises ArithmeticError if no two successive rules
        agree to ``tolerance`` times E|f|.
        """
        if not callable(f):
            raise TypeError("f must be a function of w, an array of shape (N, d)")
        return Value(*self._settle(lambda level: self._average(f, level), "put breakpoints where the function jumps"))

    def region_free_energy(self, region):
        """F of a region alone, −log ∫_region exp(−nβ L) φ dw, a Value of the shape of ``n``.

        ``region`` maps w of shape (N, d) to booleans of shape (N,). Its edges have to lie on breakpoints, else
        ArithmeticError; a region without prior mass raises ValueError.
        """

        def compute(level):
            inside = np.concatenate([_inside(region, w) for _, w, _ in self._slabs(level)])
            if not np.any(np.isfinite(self._rule(level)[1][inside])):
                raise ValueError("the region is empty: no point of the box that the prior allows lies in it")
            nb = np.atleast_1d(self.n * self.beta)
            F, allowed = np.array([self._minus_log_integral(x, level, inside) for x in nb]).T
            return F.reshape(self.n.shape)[()], allowed.reshape(self.n.shape)[()]

        return Value(*self._settle(compute, "put breakpoints at the edges of the region"))

    def mass(self, region):
        """Posterior probability exp(F − F_region) of a region, a Value of the shape of ``n``; as region_free_energy."""
        F, part = self.free_energy, self.region_free_energy(region)
        value = np.exp(F.value - part.value)
        return Value(value, value * (F.error + part.error))

    def log_density(self, w):
        """log p(w) at points w of shape (N, d), an array of shape (k, N) (or (N,) for one n)."""
        w = np.asarray(w, float)
        if w.ndim != 2 or w.shape[1] != self.dimension:
            raise ValueError(f"w must have the shape (N, {self.dimension}), not {w.shape}")
        loss, log_prior = self._evaluate(w)
        nb, free_energy = np.asarray(self.n * self.beta), np.asarray(self.free_energy.value)
        return log_prior - nb[..., None] * loss + free_energy[..., None]

    # ------------------------------------------------------------------ the rules

    def _settle(self, compute, advice):
        """compute(level) -> (value, allowed change): the value of the first rule that agrees with the one before."""
        coarse, _ = compute(self._level - 1)
        while True:
            fine, allowed = compute(self._level)
            change = np.abs(fine - coarse)
            if np.all(change <= allowed):
                return fine, change
            if self._level + 1 == len(_ORDERS) or self._size(self._level + 1) > _MOST_NODES:
                worst = np.max(change / np.maximum(allowed, np.finfo(float).tiny))
                raise ArithmeticError(
                    f"the integral is not resolved: with {self._size(self._level)} nodes the last change is "
                    f"{worst:.1e} times the tolerance; {advice}"
                )
            self._level, coarse = self._level + 1, fine

    def _minus_log_integral(self, nb, level, inside=slice(None)):
        """−log Z with one rule, and the change between rules to allow: the tolerance and the rounding of nβ L."""
        loss, log_weight = (x[inside] for x in self._rule(level))
        rounding = 4 * np.finfo(float).eps * nb * abs(loss.min())
        return -_log_sum_exp(log_weight - nb * loss), self._tolerance + rounding

    def _average(self, f, level):
        """E[f] with one rule, and the change between rules to allow: the tolerance times E|f|."""
        loss, log_weight = self._rule(level)
        nb = np.atleast_1d(self.n * self.beta)
        total = np.array([_log_sum_exp(log_weight - x * loss) for x in nb])
        mean = size = 0.0
        for start, w, _ in self._slabs(level):
            part = slice(start, start + len(w))
            values = np.asarray(f(w), float)
            if values.ndim == 0 or len(values) != len(w):
                raise ValueError(
                    f"f must return an array of shape ({len(w)}, …) for w of shape {w.shape}, not {values.shape}"
                )
            if not np.all(np.isfinite(values)):
                raise ValueError("f returned NaN or infinite values on the box")
            p = np.exp(log_weight[part] - nb[:, None] * loss[part] - total[:, None])
            mean = mean + np.tensordot(p, values, 1)
            size = size + np.tensordot(p, np.abs(values), 1)
        shape = self.n.shape + mean.shape[1:]
        return mean.reshape(shape)[()], self._tolerance * size.reshape(shape)[()]

    def _rule(self, level):
        """(loss, log of weight times prior) at all nodes of a rule, computed once; the prior is checked here."""
        if level not in self._rules:
            parts = []
            for _, w, log_weight in self._slabs(level):
                loss, log_prior = self._evaluate(w)
                parts.append((loss, log_weight + log_prior))
            loss, log_weight = (np.concatenate(p) for p in zip(*parts, strict=True))
            total = np.exp(_log_sum_exp(log_weight))
            if level == 1 and abs(total - 1) > max(1e-6, self._tolerance):
                raise ValueError(f"the prior integrates to {total:.6g} over the box, not to 1: divide it by that")
            self._rules = {k: v for k, v in self._rules.items() if k >= level - 1}
            self._rules[level] = loss, log_weight
        return self._rules[level]

    def _evaluate(self, w):
        """Loss and log prior at points w, checked."""
        loss = _column(self._loss(w), w, "loss")
        if not np.all(np.isfinite(loss)):
            at = ", ".join(f"{x:.6g}" for x in w[~np.isfinite(loss)][0])
            raise ValueError(f"the loss is NaN or infinite at w = ({at}): shrink the box or mend the loss there")
        if self._prior is None:
            volume = np.prod([high - low for low, high in self._bounds])
            return loss, np.full(loss.shape, -np.log(volume))
        prior = _column(self._prior(w), w, "prior")
        if not np.all(np.isfinite(prior) & (prior >= 0)):
            raise ValueError("the prior is NaN, infinite or negative somewhere in the box: it must be a density")
        with np.errstate(divide="ignore"):
            return loss, np.log(prior)

    def _axes(self, level):
        """Nodes and log weights of every axis."""
        x, weight = _gauss_legendre(_ORDERS[level])
        for (low, high), points in zip(self._bounds, self._breakpoints, strict=True):
            edges = graded_edges(low, high, points, self._finest)
            half, middle = np.diff(edges)[:, None] / 2, (edges[:-1] + edges[1:])[:, None] / 2
            yield (middle + half * x).ravel(), np.log(half * weight).ravel()

    def _size(self, level):
        return int(np.prod([len(x) for x, _ in self._axes(level)], dtype=float))

    def _slabs(self, level):
        """The product rule, some nodes at a time: (index of the first, nodes of shape (N, d), log weights)."""
        nodes, log_weights = zip(*self._axes(level), strict=True)
        rest = int(np.prod([len(x) for x in nodes[1:]], dtype=int))
        step = max(1, _SLAB // rest)
        for i in range(0, len(nodes[0]), step):
            w = np.meshgrid(nodes[0][i : i + step], *nodes[1:], indexing="ij")
            logs = np.meshgrid(log_weights[0][i : i + step], *log_weights[1:], indexing="ij")
            yield i * rest, np.stack([x.ravel() for x in w], axis=1), sum(logs).ravel()


def graded_edges(low, high, breakpoints, finest):
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


def _log_sum_exp(x):
    """log Σ exp(x), the largest term taken out; scipy's costs several times as much on arrays of this size."""
    top = x.max()
    return top + np.log(np.exp(x - top).sum())


def _column(values, w, name):
    values = np.asarray(values)
    if values.shape != (len(w),) or values.dtype.kind not in "fiub":
        raise ValueError(
            f"the {name} must return one real number for each of the N rows of w: for w of shape {w.shape} it "
            f"returned shape {values.shape}, type {values.dtype} (write w[:, 0] for the first coordinate)"
        )
    return values.astype(float)


def _inside(region, w):
    inside = np.asarray(region(w))
    if inside.dtype != bool or inside.shape != (len(w),):
        raise ValueError(
            f"a region must return True or False for each of the N rows of w: for w of shape {w.shape} it "
            f"returned shape {inside.shape}, type {inside.dtype}"
        )
    return inside


def _check_bounds(bounds):
    try:
        bounds = [(float(low), float(high)) for low, high in bounds]
    except (TypeError, ValueError):
        raise ValueError(f"bounds must be a list of pairs (low, high), one a coordinate, not {bounds!r}") from None
    if not 1 <= len(bounds) <= 3:
        raise ValueError(
            f"quadrature works in 1, 2 or 3 dimensions, not {len(bounds)}: integrate coordinates out by hand, "
            "or use a Monte Carlo method"
        )
    for low, high in bounds:
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ValueError(f"the interval ({low:g}, {high:g}) is empty or unbounded: low < high, both finite")
    return bounds


def _check_breakpoints(breakpoints, bounds):
    try:
        if all(np.ndim(b) == 0 for b in breakpoints):
            breakpoints = [breakpoints] * len(bounds)
        breakpoints = [sorted({float(p) for p in points}) for points in breakpoints]
    except (TypeError, ValueError):
        raise TypeError(
            f"breakpoints must be a list of numbers, or one such list a coordinate: {breakpoints!r}"
        ) from None
    if len(breakpoints) != len(bounds):
        raise ValueError(f"{len(breakpoints)} lists of breakpoints for {len(bounds)} coordinates: give one for each")
    for points, (low, high) in zip(breakpoints, bounds, strict=True):
        if points and not (low <= points[0] and points[-1] <= high):
            raise ValueError(
                f"the breakpoints {points} are not all inside [{low:g}, {high:g}]: say with breakpoints= where the "
                "loss is singular or smallest"
            )
    return breakpoints


def _check_n_beta(n, beta):
    try:
        n, beta = np.broadcast_arrays(np.asarray(n, float), np.asarray(beta, float))
    except (TypeError, ValueError):
        raise ValueError("n and beta must be numbers or arrays of one common length") from None
    if n.ndim > 1 or n.size == 0:
        raise ValueError(f"n and beta must be numbers or arrays of shape (k,) with k >= 1, not {n.shape}")
    if not np.all(np.isfinite(n) & (n >= 1)):
        raise ValueError("n is a number of samples: every n must be finite and at least 1")
    if not np.all(np.isfinite(beta) & (beta > 0)):
        raise ValueError("beta is an inverse temperature: every beta must be finite and greater than 0")
    return n, beta
