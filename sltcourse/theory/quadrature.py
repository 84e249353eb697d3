"""Free energies and posterior expectations by quadrature, in log space.

The tempered posterior of a loss L and a prior φ on a box W in at most three dimensions is

    p(w) = exp(−nβ L(w)) φ(w) / Z,    Z = ∫_W exp(−nβ L(w)) φ(w) dw,    F = −log Z

(Watanabe 2009, ch. 1). L may be the population loss, the
divergence K(w), or the empirical loss L_n of a data set. What makes the integral hard is that for large n its
mass sits on a thin set of unknown shape: a point, a cross, a sheet. Here the box is cut into cells, each with a coarse
and a fine Gauss–Legendre rule; where these disagree a cell is halved, first for small nβ and then for larger and
larger, so that the cells follow the mass as it contracts (``theory.cubature``). A grid of points is searched for narrow
wells before. An integral that is not resolved with ten million nodes is refused. Sums are taken as log Σ exp, so
nothing under- or overflows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypedDict, Unpack

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from sltcourse.progress import progress
from sltcourse.theory import cubature
from sltcourse.theory.cubature import Cells, Rule, log_sum_exp
from sltcourse.theory.numeric_input import ArrayFunction, array_function, real_column, reals, where

_CAUTION = 2.0  # times the difference of the two rules is the error: at a kink the finer one is not much better
_LADDER = 10.0  # ratio of the nβ at which the cells are refined on the way up
_LADDER_TOLERANCE = {1: 1e-6, 2: 1e-4, 3: 1e-3}  # by dimension

_Some = slice | np.ndarray
"""Some of the cells."""
_Integrand = Callable[..., np.ndarray]
"""A function of a rule and some of its cells (all, if left out) to logs of weight × integrand, (cells, nodes)."""


class Value(NamedTuple):
    """``value``, a number or an array, and its estimated absolute ``error``: twice what the two rules differ by."""

    value: np.ndarray
    error: np.ndarray


class Cubature(TypedDict, total=False):
    """How the integrals of a `Posterior` are computed.

    breakpoints : where cells are to end, because L is singular or smallest there, or for the edges of regions whose
        mass is asked for: d lists of coordinates, or one list for every axis. The origin, if in the box, when left out.
        They save time, and are needed only where the cells cannot find such places by themselves: a well is seen if it
        is wider than 1/16 000 of the box in one dimension, 1/256 in two, 1/48 in three, or if the loss slopes towards
        it from such a width.
    tolerance : the largest relative error of Z, hence absolute error of F, that is accepted (above the rounding
        of nβ L itself); 1e-9 if left out.
    """

    breakpoints: Sequence[float] | Sequence[Sequence[float]] | None
    tolerance: float


class Posterior:
    """The tempered posterior ∝ exp(−nβ L(w)) φ(w) on a box: free energy, expectations, masses, density.

    loss : function of w, an array of shape (N, d), a point a row (w[:, 0] is w1; the array is read-only); returns L(w),
        shape (N,). Or a sympy expression.
    bounds : d pairs (low, high), d <= 3.
    n : sample size(s), a number >= 1 or an array of shape (k,).
    beta : inverse temperature(s) > 0, a number or an array of shape (k,).
    prior : density φ(w) with respect to dw, as ``loss``; uniform on the box if left out.
    variables : for a sympy loss or prior, which symbol is which coordinate; sorted by name if left out.
    rule : breakpoints=… and tolerance=1e-9: where cells end, and how exact Z is to be; see `Cubature`.

    It has
    free_energy : Value, F for each n, of the shape of ``n`` and ``beta`` broadcast together.
    n, beta : those arrays. dimension : d.
    partial : True if the computation was interrupted; then ``n``, ``beta`` and all results stop short.

    Raises TypeError and ValueError for bad arguments, and for a loss or prior that returns NaN, infinities, complex
    numbers, the wrong shape, or a prior that does not integrate to 1; ArithmeticError if the rules do not agree to
    ``tolerance`` with ten million nodes.

    >>> import numpy as np
    >>> from sltcourse.theory.quadrature import Posterior
    >>> posterior = Posterior(lambda w: w[:, 0]**4, [(-1, 1)], n=np.array([1e2, 1e4, 1e6]))
    >>> print(np.round(np.diff(posterior.free_energy.value) / np.log(100), 4))
    [0.25 0.25]
    """

    def __init__(
        self,
        loss: ArrayFunction | sp.Expr,
        bounds: Sequence[tuple[float, float]],
        n: ArrayLike,
        *,
        beta: ArrayLike = 1.0,
        prior: ArrayFunction | sp.Expr | None = None,
        variables: Sequence[sp.Symbol] | None = None,
        **rule: Unpack[Cubature],
    ):
        if unknown := sorted(set(rule) - {"breakpoints", "tolerance"}):
            raise TypeError(f"Posterior takes breakpoints, tolerance, beta, prior, variables, no {', '.join(unknown)}")
        self._bounds = _check_bounds(bounds)
        self.dimension = len(self._bounds)
        self._loss = array_function(loss, self.dimension, variables)
        if isinstance(prior, sp.Expr) and variables is None and isinstance(loss, sp.Expr):
            variables = sorted(loss.free_symbols | prior.free_symbols, key=str)
        self._prior = None
        if prior is not None:
            self._prior = array_function(
                prior, self.dimension, variables if isinstance(prior, sp.Expr) else None, "prior"
            )
        tolerance = rule.get("tolerance", 1e-9)
        given = reals(tolerance, "tolerance")
        if given.ndim or not 0 < given < 1:
            raise ValueError(f"tolerance is a relative error, between 0 and 1, not {tolerance!r}")
        self._tolerance = float(given)
        self.n, self.beta = _check_n_beta(n, beta)
        self.partial = False
        nb = np.atleast_1d(self.n * self.beta)
        self._cells = Cells(self._bounds, _check_breakpoints(rule.get("breakpoints"), self._bounds), self._evaluate)
        found, reached = [], 0.0
        first = 1 / max(1.0, np.ptp(self._cells.coarse.values[0]))
        advice = "put breakpoints at the minima of the loss, or take coordinates with its singular set along the axes"
        try:
            for i, x in enumerate(progress(nb, "free energy") if nb.size > 1 else nb):
                if i == 0:
                    self._check_prior()
                for step in _ladder(reached, x, first):
                    rough = max(self._tolerance, _LADDER_TOLERANCE[self.dimension]) + self._rounding(step)
                    self._resolve(self._log_integrand(step), rough, advice)
                reached = max(reached, x)
                found.append(self._resolve(self._log_integrand(x), self._tolerance + self._rounding(x), advice))
        except KeyboardInterrupt:
            if not found:
                raise
            self.partial = True
            self.n, self.beta = np.atleast_1d(self.n)[: len(found)], np.atleast_1d(self.beta)[: len(found)]
        value, error = np.array(found).T
        self.free_energy = Value(value.reshape(self.n.shape)[()], error.reshape(self.n.shape)[()])

    def expectation(self, f: ArrayFunction) -> Value:
        """E[f(w)] under the posterior, a Value of shape (k, …): k as in ``n``, … as in what ``f`` returns.

        ``f`` maps w of shape (N, d) to an array of shape (N, …). Raises ArithmeticError if the rules do not agree to
        ``tolerance`` times E|f|.
        """
        if not callable(f):
            raise TypeError("f must be a function of w, an array of shape (N, d)")
        held = _Held(array_function(f, self.dimension, name="function"), self._cells)
        advice = "put breakpoints where the function jumps"
        found = [self._expect(held, x, advice) for x in np.atleast_1d(self.n * self.beta)]
        return Value(*(np.array(part).reshape(self.n.shape + held.shape)[()] for part in zip(*found, strict=True)))

    def region_free_energy(self, region: ArrayFunction) -> Value:
        """F of a region alone, −log ∫_region exp(−nβ L) φ dw, a Value of the shape of ``n``.

        ``region`` maps w of shape (N, d) to booleans of shape (N,). Edges that are neither on breakpoints nor along the
        axes may be too hard to follow: then ArithmeticError. A region without prior mass raises ValueError.
        """
        region = array_function(region, self.dimension, name="region")
        advice = "put breakpoints at the edges of the region"
        found = [
            self._resolve(self._log_integrand(x, region), self._tolerance + self._rounding(x), advice)
            for x in np.atleast_1d(self.n * self.beta)
        ]
        return Value(*(np.array(part).reshape(self.n.shape)[()] for part in zip(*found, strict=True)))

    def mass(self, region: ArrayFunction) -> Value:
        """Posterior probability exp(F − F_region) of a region, a Value of the shape of ``n``; as region_free_energy."""
        F, part = self.free_energy, self.region_free_energy(region)
        value = np.exp(F.value - part.value)
        return Value(value, value * (F.error + part.error))

    def log_density(self, w: ArrayLike) -> np.ndarray:
        """log p(w) at points w of shape (N, d), an array of shape (k, N) (or (N,) for one n)."""
        w = np.asarray(w, float)
        if w.ndim != 2 or w.shape[1] != self.dimension:
            raise ValueError(f"w must have the shape (N, {self.dimension}), not {w.shape}")
        loss, log_prior = self._evaluate(w)
        nb, free_energy = np.asarray(self.n * self.beta), np.asarray(self.free_energy.value)
        return log_prior - nb[..., None] * loss + free_energy[..., None]

    # ------------------------------------------------------------------ the integrals

    def _log_integrand(self, x: float, region: ArrayFunction | None = None) -> _Integrand:
        """A function of a rule and some of its cells: the log of weight × φ exp(−x L), −∞ outside the region."""

        def integrand(rule: Rule, some: _Some = slice(None)) -> np.ndarray:
            loss, log_weight = (values[some] for values in rule.values)
            log_integrand = log_weight - x * loss
            if region is not None:
                w = self._cells.nodes(rule, some)
                inside = _inside(region, w.reshape(-1, self.dimension))
                log_integrand = np.where(inside.reshape(w.shape[:-1]), log_integrand, -np.inf)
            return log_integrand

        return integrand

    def _resolve(self, integrand: _Integrand, tolerance: float, advice: str) -> tuple[float, float]:
        """(−log of the integral, the estimated error): cells are halved until the two rules agree to ``tolerance``."""
        cells = self._cells
        coarse, fine = (log_sum_exp(integrand(rule), 1) for rule in (cells.coarse, cells.fine))
        while True:
            total = log_sum_exp(fine, 0)
            if not np.isfinite(total):
                raise ValueError("the region is empty: no point of the box that the prior allows lies in it")
            change = _CAUTION * np.abs(np.exp(coarse - total) - np.exp(fine - total))
            if change.sum() <= tolerance:
                return -float(total), float(change.sum())
            worst = self._worst(change / tolerance, advice)
            log_integrand = integrand(cells.fine, worst)
            top = log_integrand.max(1, keepdims=True)
            keep = cells.halve(worst, cells.roughest_axis(np.exp(log_integrand - np.where(np.isfinite(top), top, 0))))
            new = slice(int(keep.sum()), None)
            coarse, fine = (
                np.concatenate([old[keep], log_sum_exp(integrand(rule, new), 1)])
                for old, rule in ((coarse, cells.coarse), (fine, cells.fine))
            )

    def _worst(self, change: np.ndarray, advice: str) -> np.ndarray:
        """The fewest cells without which the changes, in units of the tolerance, would sum to half of it."""
        cells = self._cells
        order = np.argsort(-change)
        rest = change.sum() - np.cumsum(change[order])
        worst = order[: int(np.searchsorted(-rest, -0.5)) + 1]
        worst = worst[cells.can_halve()[worst]]
        if not len(worst) or cells.size + len(worst) * len(cells.fine.x) > cubature.MOST_NODES:
            raise ArithmeticError(
                f"the integral is not resolved: with {cells.size} nodes the two rules differ by "
                f"{change.sum():.1e} times the tolerance; {advice}"
            )
        return worst

    def _expect(self, held: "_Held", x: float, advice: str) -> tuple[np.ndarray, np.ndarray]:
        """(E[f], its estimated error) at nβ = x, for the values of f that are held for both rules."""
        cells = self._cells
        total = log_sum_exp(log_sum_exp(self._log_integrand(x)(cells.fine), 1), 0)

        def sums(rule: Rule, values: np.ndarray, some: _Some = slice(None)) -> tuple[np.ndarray, np.ndarray]:
            p = np.exp(self._log_integrand(x)(rule, some) - total)
            return np.einsum("cn,cnf->cf", p, values[some]), np.einsum("cn,cnf->f", p, np.abs(values[some]))

        (coarse, _), (fine, size) = (sums(rule, values) for rule, values in held.pairs())
        while True:
            change, allowed = _CAUTION * np.abs(coarse - fine), self._tolerance * size
            if np.all(change.sum(0) <= allowed):
                return fine.sum(0), change.sum(0)
            ratio = (change / np.where(allowed > 0, allowed, np.inf)).max(1)
            worst = self._worst(ratio, advice)
            p = np.exp(self._log_integrand(x)(cells.fine, worst) - total)
            keep = cells.halve(worst, cells.roughest_axis(p * np.abs(held.fine[worst]).sum(2)))
            held.update(keep)
            new = slice(int(keep.sum()), None)
            (new_coarse, _), (new_fine, _) = (sums(rule, values, new) for rule, values in held.pairs())
            coarse, fine = np.concatenate([coarse[keep], new_coarse]), np.concatenate([fine[keep], new_fine])

    def _rounding(self, x: float) -> float:
        """What rounding in nβL, at nβ = x, may change F by."""
        return 4 * np.finfo(float).eps * x * np.abs(self._cells.fine.values[0].min())

    def _check_prior(self) -> None:
        """ValueError where the prior does not integrate to 1."""
        if self._prior is None:
            return

        def density(rule: Rule, some: _Some = slice(None)) -> np.ndarray:
            return rule.values[1][some]

        tolerance = max(1e-6, self._tolerance)
        log_total, _ = self._resolve(
            density, tolerance / 2, "the prior is too rough: take a smoother one, or put breakpoints"
        )
        mass = np.exp(min(-log_total, 700.0))
        if abs(mass - 1) > tolerance:
            raise ValueError(f"the prior integrates to {mass:.6g} over the box, not to 1: divide it by that")

    def _evaluate(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loss and log prior at points w, checked."""
        loss = real_column(self._loss(w), w, "loss")
        if not np.all(np.isfinite(loss)):
            at = where(w[~np.isfinite(loss)][0])
            raise ValueError(f"the loss is NaN or infinite at w = {at}: shrink the box or mend the loss there")
        if self._prior is None:
            volume = np.prod([high - low for low, high in self._bounds])
            return loss, np.full(loss.shape, -np.log(volume))
        prior = real_column(self._prior(w), w, "prior")
        if not np.all(np.isfinite(prior) & (prior >= 0)):
            raise ValueError("the prior is NaN, infinite or negative somewhere in the box: it must be a density")
        with np.errstate(divide="ignore"):
            return loss, np.log(prior)


class _Held:
    """The values of a function at all nodes of both rules, (cells, nodes, entries), kept in step with the cells."""

    def __init__(self, f: ArrayFunction, cells: Cells):
        self.f, self.cells = f, cells
        self.shape: tuple[int, ...] = ()
        self.coarse, self.fine = (self._at(rule, slice(None)) for rule in (cells.coarse, cells.fine))

    def pairs(self) -> tuple[tuple[Rule, np.ndarray], tuple[Rule, np.ndarray]]:
        """Each rule with the values at its nodes."""
        return (self.cells.coarse, self.coarse), (self.cells.fine, self.fine)

    def update(self, keep: np.ndarray) -> None:
        """After cells were halved: ``keep`` says which of the old ones are left, the new ones come last."""
        new = slice(int(keep.sum()), None)
        self.coarse, self.fine = (np.concatenate([values[keep], self._at(rule, new)]) for rule, values in self.pairs())

    def _at(self, rule: Rule, some: slice) -> np.ndarray:
        """The values at the nodes of some cells, (cells, nodes, entries), checked; ValueError for what is no number."""
        parts = []
        for w in self.cells.slabs(rule, some):
            values = np.asarray(self.f(w))
            if values.ndim == 0 or len(values) != len(w):
                raise ValueError(
                    f"f must return an array of shape ({len(w)}, …) for w of shape {w.shape}, not {values.shape}"
                )
            if values.dtype.kind not in "fiub":
                raise ValueError(f"f must return real numbers, not {values.dtype}")
            if not np.all(np.isfinite(values)):
                raise ValueError("f returned NaN or infinite values on the box")
            self.shape = values.shape[1:]
            parts.append(values.astype(float).reshape(-1, len(rule.x), int(np.prod(self.shape, dtype=int))))
        return np.concatenate(parts)


def _ladder(reached: float, x: float, first: float) -> Iterator[float]:
    """Values of nβ on the way up from ``reached`` (0: from ``first``) to x, each ten times the one before."""
    step = reached * _LADDER if reached else first
    while step < x / 2:
        yield step
        step *= _LADDER


def _inside(region: ArrayFunction, w: np.ndarray) -> np.ndarray:
    """Which of the points w (N, d) lie in the region, (N,); ValueError for what is no region."""
    inside = np.asarray(region(w))
    if inside.dtype != bool or inside.shape != (len(w),):
        raise ValueError(
            f"a region must return True or False for each of the N rows of w: for w of shape {w.shape} it "
            f"returned shape {inside.shape}, type {inside.dtype}"
        )
    return inside


def _check_bounds(bounds: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The box as pairs of floats; ValueError for what is none, of one to three coordinates."""
    try:
        pairs = [(reals(low, "low").item(), reals(high, "high").item()) for low, high in bounds]
    except (TypeError, ValueError):
        raise ValueError(f"bounds must be a list of pairs (low, high), one a coordinate, not {bounds!r}") from None
    if not 1 <= len(pairs) <= 3:
        raise ValueError(
            f"quadrature works in 1, 2 or 3 dimensions, not {len(pairs)}: integrate coordinates out by hand, "
            "or use a Monte Carlo method"
        )
    for low, high in pairs:
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ValueError(f"the interval ({low:g}, {high:g}) is empty or unbounded: low < high, both finite")
    return pairs


def _check_breakpoints(breakpoints: Any, bounds: Sequence[tuple[float, float]]) -> list[list[float]]:
    """A sorted list of breakpoints for each coordinate; TypeError and ValueError for what is none in the box."""
    if breakpoints is None:
        return [[0.0] if low <= 0 <= high else [] for low, high in bounds]
    try:
        if all(np.ndim(b) == 0 for b in breakpoints):
            breakpoints = [breakpoints] * len(bounds)
        found = [sorted({reals(p, "a breakpoint").item() for p in points}) for points in breakpoints]
    except (TypeError, ValueError):
        raise TypeError(
            f"breakpoints must be a list of numbers, or one such list a coordinate: {breakpoints!r}"
        ) from None
    if len(found) != len(bounds):
        raise ValueError(f"{len(found)} lists of breakpoints for {len(bounds)} coordinates: give one for each")
    for points, (low, high) in zip(found, bounds, strict=True):
        if points and not (low <= points[0] and points[-1] <= high):
            raise ValueError(
                f"the breakpoints {points} are not all inside [{low:g}, {high:g}]: leave them out, or say where in "
                "the box the loss is singular or smallest"
            )
    return found


def _check_n_beta(n: ArrayLike, beta: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """n and β as arrays of one shape, () or (k,); ValueError for what is no sample size or inverse temperature."""
    try:
        n, beta = np.broadcast_arrays(reals(n, "n"), reals(beta, "beta"))
    except ValueError:
        raise ValueError("n and beta must be numbers or arrays of one common length") from None
    if n.ndim > 1 or n.size == 0:
        raise ValueError(f"n and beta must be numbers or arrays of shape (k,) with k >= 1, not {n.shape}")
    if not np.all(np.isfinite(n) & (n >= 1)):
        raise ValueError("n is a number of samples: every n must be finite and at least 1")
    if not np.all(np.isfinite(beta) & (beta > 0)):
        raise ValueError("beta is an inverse temperature: every beta must be finite and greater than 0")
    return n, beta
