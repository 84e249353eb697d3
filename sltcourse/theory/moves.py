"""Markov chain moves that leave the uniform law on {K ≤ level} as it is, for sets that are thin, bent and multi-scale.

The chains are the columns of ``w``, an array of shape (d, chains). Four kinds of moves, each for what the others miss:

- *straight*: a step along one coordinate, of a size learned for that coordinate, and along the difference of two pilots
  (differential evolution, ter Braak 2006): for round and for turned sets;
- *scale*: a step in log |w| along differences of two pilots' log |w|, and along random signed sets of coordinates: for
  the arms of a crossing, through all their scales. A step log |w| → log |w| + z has Jacobian e^{Σz} and is allowed with
  that probability;
- *valley*: one coordinate jumps far, another is solved for again on the line that it is left with. It crosses a bent
  valley at one stroke, however thin, where a straight step has to be as short as the root of the valley's width.

A pilot is a chain of the pilot population, whose state at the beginning of the sweep lends directions to the others.
"""

import numpy as np
from numpy.typing import ArrayLike

from sltcourse.theory.numeric_input import ArrayFunction

_EDGES = np.arange(-18.0, 1.01, 0.5)
_REACH = 1.25  # half-widths of a valley, as a parabola gives them, in which a valley move looks


class StepSizes:
    """How far each kind of straight move should go: for every population a range of log10(step), from its own record.

    The range reaches from steps that are nearly always accepted to steps that nearly never are, over ``widest`` decades
    at most. On a cross or a cusp that is many decades: what is a small step in the middle of an arm is a huge one near
    its end.
    """

    def __init__(self, widest: ArrayLike, populations: int, chains: int):
        self.population = np.repeat(np.arange(populations), chains)
        self.widest = np.asarray(widest, float)[:, None]
        self.tried = np.zeros((len(self.widest), populations, len(_EDGES) - 1))
        self.taken = np.zeros_like(self.tried)
        self.low, self.high = np.full(self.tried.shape[:2], -3.0), np.zeros(self.tried.shape[:2])

    def draw(self, kind: int | np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """log10(step) for every chain: log-uniform over the range, a fifth of them up to four decades smaller.

        ``kind`` is one number, or one for each chain.
        """
        n = len(self.population)
        low, high = self.low[kind, self.population], self.high[kind, self.population]
        return low + (high - low) * rng.random(n) - 4 * np.where(rng.random(n) < 0.2, rng.random(n), 0)

    def record(
        self, kind: int | np.ndarray, size: np.ndarray, taken: np.ndarray, tried: np.ndarray | None = None
    ) -> None:
        """Note for each chain's population whether a step of that size was taken; ``tried`` picks the chains."""
        bins = self.tried.shape[-1]
        row = np.asarray(kind) * self.tried.shape[1] + self.population
        cell = row * bins + np.clip(((size - _EDGES[0]) / 0.5).astype(int), 0, bins - 1)
        cell, taken = (cell, taken) if tried is None else (cell[tried], taken[tried])
        self.tried += np.bincount(cell, minlength=self.tried.size).reshape(self.tried.shape)
        self.taken += np.bincount(cell[taken], minlength=self.taken.size).reshape(self.taken.shape)

    def adapt(self) -> None:
        """New ranges from the record, which then fades."""
        rate, known = (self.taken + 0.5) / (self.tried + 1), self.tried >= 8
        high = np.where(known & (rate > 0.04), _EDGES[1:], -np.inf).max(-1) + 0.25
        low = np.where(known & (rate < 0.9), _EDGES[:-1], np.inf).min(-1) - 0.25
        self.high = np.clip(np.where(np.isfinite(high), high, self.low), -17, 0.3)
        self.low = np.clip(np.minimum(np.where(np.isfinite(low), low, self.high), self.high - 1), -18, None)
        self.low = np.maximum(self.low, self.high - self.widest)
        self.tried *= 0.3
        self.taken *= 0.3


class Moves:
    """All the moves for one loss and box.

    K : maps (N, d) to (N,). low, high : the box, arrays of shape (d, 1).
    populations, chains : chains of a population are neighbours in ``w``, the pilot population first.
    rng : numpy's random generator.
    """

    def __init__(
        self,
        K: ArrayFunction,
        low: np.ndarray,
        high: np.ndarray,
        populations: int,
        chains: int,
        rng: np.random.Generator,
    ):
        self.K, self.low, self.high, self.pilots, self.rng = K, low, high, chains, rng
        d = len(low)
        self.steps = StepSizes([np.inf] * (d + 1) + [1.0] * d, populations, chains)

    def adapt(self) -> None:
        """Learn step sizes from the sweeps since the last call: between levels, so that a sweep is a fixed kernel."""
        self.steps.adapt()

    def sweep(self, w: np.ndarray, loss: np.ndarray, level: float, valley: bool = True) -> None:
        """Move every chain, in place, by each kind of move; ``loss`` (chains,) is K of the columns of ``w``."""
        self.w, self.loss, self.level = w, loss, level
        d, n = w.shape
        rng, pilots = self.rng, w[:, : self.pilots].copy()
        log_pilots = np.log(np.maximum(np.abs(pilots), 1e-300))

        def difference(points: np.ndarray) -> np.ndarray:
            one, other = rng.integers(0, self.pilots, (2, n))
            return points[:, one] - points[:, other]

        for i in range(d):
            size = self.steps.draw(i, rng)
            proposal = w.copy()
            proposal[i] += (self.high - self.low)[i] * 10**size * rng.standard_normal(n)
            self.steps.record(i, size, self._accept(proposal))
        for _ in range(2):
            size = self.steps.draw(d, rng)
            self.steps.record(d, size, self._accept(w + 10**size * difference(pilots)))
            self._scale(np.clip(10 ** rng.uniform(-1.0, 0.3, n) * difference(log_pilots), -600, 600))
        for same_sign in (True, False):
            chosen = rng.random((d, n)) < rng.random(n)
            signs = np.ones((d, n)) if same_sign else rng.choice([-1.0, 1.0], (d, n))
            length = 10 ** rng.uniform(-1.0, 1.2, n) * rng.choice([-1.0, 1.0], n)
            self._scale(length * chosen * signs, signs=np.where(rng.random((d, n)) < 0.1, -1.0, 1.0))
        if valley and d > 1:
            self._valley()

    def _inside(self, proposal: np.ndarray) -> np.ndarray:
        """Which columns of ``proposal`` (d, n) lie in the box, (n,)."""
        return np.all((proposal >= self.low) & (proposal <= self.high), axis=0)

    def _accept(self, proposal: np.ndarray, allowed: np.ndarray | None = None) -> np.ndarray:
        """Take the proposals that stay in the box and below the level, and are ``allowed``; return which (n,)."""
        taken = self._inside(proposal) if allowed is None else allowed & self._inside(proposal)
        proposal = np.where(taken, proposal, self.w)
        values = self.K(proposal.T)
        taken &= values <= self.level
        np.copyto(self.w, proposal, where=taken)
        np.copyto(self.loss, values, where=taken)
        return taken

    def _scale(self, z: np.ndarray, signs: float | np.ndarray = 1.0) -> None:
        """Multiply coordinates by ``signs`` · e^z, (d, n), with the Metropolis–Hastings chance e^Σz of that map."""
        self._accept(self.w * signs * np.exp(z), np.log(self.rng.random(self.w.shape[1])) < z.sum(0))

    def _valley(self) -> None:
        """Coordinate i jumps, coordinate j is drawn anew from the valley on its line; a Metropolis–Hastings move.

        The valley on a line is an interval (centre ± radius) that depends on the line and on where the search for it
        starts. Forward the search starts from the old w_j on the new line, backward from the new w_j on the old line;
        the move is allowed with the ratio of the two radii, if the old w_j lies in the interval found backward.
        """
        w, rng = self.w, self.rng
        d, n = len(w), len(self.loss)
        i = rng.integers(d, size=n)
        j = (i + rng.integers(1, d, size=n)) % d
        columns = np.arange(n)
        straight = rng.random(n) < 0.5
        size = self.steps.draw(d + 1 + i, rng)
        z = np.where(straight, 0.0, 10 ** rng.uniform(-0.7, 0.7, n) * rng.choice([-1.0, 1.0], n))
        jump = np.where(straight, (self.high - self.low)[i, 0] * 10**size * rng.standard_normal(n), 0.0)
        proposal = w.copy()
        proposal[i, columns] = w[i, columns] * np.exp(z) + jump
        start = np.flatnonzero(self._inside(proposal) & (np.log(rng.random(n)) < z))
        centre, radius = self._line_valley(proposal[:, start], j[start])
        new = centre + _REACH * radius * rng.uniform(-1, 1, len(start))
        found = (radius > 0) & (new >= self.low[j[start], 0]) & (new <= self.high[j[start], 0])
        start, radius, new = start[found], radius[found], new[found]
        proposal[j[start], start] = new
        values = self.K(proposal[:, start].T) if len(start) else np.zeros(0)
        below = values <= self.level
        start, radius, values = start[below], radius[below], values[below]
        back = proposal[:, start]
        back[i[start], np.arange(len(start))] = w[i[start], start]
        centre, radius_back = self._line_valley(back, j[start])
        with np.errstate(divide="ignore", invalid="ignore"):
            reached = np.abs(w[j[start], start] - centre) <= _REACH * radius_back
            taken = reached & (rng.random(len(start)) * radius_back < radius)
        start = start[taken]
        w[:, start], self.loss[start] = proposal[:, start], values[taken]
        moved = np.zeros(n, bool)
        moved[start] = True
        self.steps.record(d + 1 + i, size, moved, tried=straight)

    def _line_valley(self, points: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centre and half-width of {K ≤ level} along coordinate j, found from the points (d, n) given; 0 if none.

        √K is near a straight line beside a valley and K near a parabola in it: one secant step, then two minima of
        parabolas through three points, then a parabola over the valley's own width.
        """
        n, line = points.shape[1], np.arange(points.shape[1])
        if n == 0:
            return np.zeros(0), np.zeros(0)
        low, high = self.low[j, 0], self.high[j, 0]
        points = points.copy()

        def values(t: np.ndarray) -> np.ndarray:
            points[j, line] = t
            return self.K(points.T)

        with np.errstate(all="ignore"):
            a = points[j, line].copy()
            fa = values(a)
            root = np.sqrt(fa)
            b = _clip(a + 0.1 * np.minimum(root, high - low), a, low, high)
            fb = values(b)
            c = _clip(a - root * (b - a) / (np.sqrt(fb) - root), a, low, high)
            fc = values(c)
            curvature = np.full(n, np.nan)
            for _ in range(2):
                centre, bend, _ = _parabola((a, b, c), (fa, fb, fc))
                curvature = np.where(np.isfinite(bend), bend, curvature)
                centre = _clip(centre, c, low, high)
                a, fa, b, fb, c, fc = b, fb, c, fc, centre, values(centre)
            width = np.sqrt(self.level / curvature)
            left, right = _clip(c - width, c, low, high), _clip(c + width, c, low, high)
            centre, curvature, lowest = _parabola((left, right, c), (values(left), values(right), fc))
            radius = np.sqrt((self.level - lowest) / curvature)
        good = np.isfinite(centre) & np.isfinite(radius)
        return np.where(good, centre, 0.0), np.where(good, radius, 0.0)


def _clip(t: np.ndarray, otherwise: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """t in the box; where it is no number, the other."""
    return np.clip(np.where(np.isfinite(t), t, otherwise), low, high)


def _parabola(
    t: tuple[np.ndarray, np.ndarray, np.ndarray], f: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place of the minimum, half the second derivative and least value of the parabola through three points."""
    (a, b, c), (fa, fb, fc) = t, f
    slope_ab, slope_bc = (fb - fa) / (b - a), (fc - fb) / (c - b)
    curvature = (slope_bc - slope_ab) / (c - a)
    slope = slope_bc + curvature * (c - b)  # at c
    centre = c - slope / (2 * curvature)
    return centre, np.where(curvature > 0, curvature, np.nan), fc - slope**2 / (4 * curvature)
