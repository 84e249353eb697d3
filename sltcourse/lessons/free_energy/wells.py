"""Two wells on a line, the lesson's own or the learner's: their free energies, exactly, and where they change over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import sympy as sp
from scipy.optimize import brentq, minimize_scalar

from sltcourse.theory.asymptotics import critical_n
from sltcourse.theory.numeric_input import array_function

LINE = (-1.0, 1.0)  # the prior of a learner's wells is uniform here
PLACES = (-0.5, 0.5)  # of two wells given by (λ, depth, width)
Well: TypeAlias = tuple[float, float, float] | sp.Expr
"""(λ, depth, width), or a sympy expression in one symbol."""
_PANELS = 24  # on each side of a well's bottom, each half as long as the next
_ORDERS = (10, 14)  # of two Gauss–Legendre rules on each panel
_AGREE = 1e-6  # of the two rules, in F


@dataclass(frozen=True)
class TwoWellLoss:
    """A loss on a line with two wells, under a uniform prior on ``box``.

    ``K`` maps points (N, 1) to losses (N,). ``places`` are the bottoms of the simple and the accurate well, ``ridge``
    is where their regions meet, ``lam`` their λ, or None where it is not known.
    """

    K: Callable[[np.ndarray], np.ndarray]
    box: tuple[float, float]
    places: tuple[float, float]
    ridge: float
    lam: tuple[float, float] | None = None

    @property
    def depths(self) -> tuple[float, float]:
        """The lowest loss of the simple and of the accurate well."""
        simple, accurate = self.K(np.array(self.places)[:, None])
        return float(simple), float(accurate)

    def simple_side(self, w: np.ndarray) -> np.ndarray:
        """Whether coordinates w lie on the simple well's side of the ridge: booleans of the shape of ``w``."""
        return (w < self.ridge) == (self.places[0] < self.ridge)

    def free_energies(self, n: np.ndarray, checked: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """(F of the simple region, F of the accurate one) at n, shape (k,), in nats; each of shape (k,).

        Gauss–Legendre rules on panels that halve towards a well's bottom. Raises ArithmeticError where two rules differ
        by more than 1e-6: the loss has a structure that they do not resolve. With ``checked`` false the first alone is
        used, three times as fast: for a loss like one that was checked.
        """
        if not checked:
            return self._region(0, n, _ORDERS[0]), self._region(1, n, _ORDERS[0])
        found = [np.array([self._region(well, n, order) for well in (0, 1)]) for order in _ORDERS]
        apart = np.abs(found[0] - found[1]).max()
        if not apart < _AGREE:
            raise ArithmeticError(
                f"the two rules of integration differ by {apart:.1g} in F: this loss is rougher than they resolve. "
                "Give each well one bottom, without steps or fast oscillations"
            )
        return found[1][0], found[1][1]

    def critical_n(self, low: float = 1.0, high: float = 1e6) -> float:
        """The last n in [low, high] at which the accurate well takes over, by integration. ValueError if there is none.

        Raises ArithmeticError as ``free_energies`` does.
        """

        def advantage(n: np.ndarray) -> np.ndarray:
            simple, accurate = self.free_energies(n)
            return simple - accurate

        return critical_n(advantage, low, high)

    def _region(self, well: int, n: np.ndarray, order: int) -> np.ndarray:
        w, weight = _nodes(self, well, order)
        exponent = -np.asarray(n, float)[:, None] * self.K(w[:, None]) + np.log(weight / (self.box[1] - self.box[0]))
        top = exponent.max(axis=1, keepdims=True)
        return -(top[:, 0] + np.log(np.exp(exponent - top).sum(axis=1)))


def _nodes(loss: TwoWellLoss, well: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights over a well's region, dense at its bottom, each of shape (nodes,)."""
    place = loss.places[well]
    low, high = (loss.box[0], loss.ridge) if place < loss.ridge else (loss.ridge, loss.box[1])
    x, weight = np.polynomial.legendre.leggauss(order)
    halves = np.r_[0.0, 0.5 ** np.arange(_PANELS, -1, -1.0)]
    nodes, weights = [], []
    for end in (low, high):
        edges = place + (end - place) * halves
        middle, half = (edges[1:] + edges[:-1]) / 2, np.abs(np.diff(edges)) / 2
        nodes.append((middle[:, None] + half[:, None] * x).ravel())
        weights.append((half[:, None] * weight).ravel())
    kept = np.concatenate(weights) > 0
    return np.concatenate(nodes)[kept], np.concatenate(weights)[kept]


@dataclass(frozen=True)
class Shape:
    """One well as a learner gives it: ``f`` maps coordinates to losses; its bottom ``place`` and ``depth``, and λ."""

    f: Callable[[np.ndarray], np.ndarray]
    place: float
    depth: float
    lam: float | None
    width: float | None

    def changed(self, depth: float, factor: float) -> "Shape":
        """The same well at another depth, and ``factor`` times as wide."""
        a, f, d = self.place, self.f, self.depth
        width = None if self.width is None else self.width * factor
        return Shape(lambda w: f(a + (w - a) / factor) - d + depth, a, depth, self.lam, width)


def shape(well: Well, place: float, which: str) -> Shape:
    """A well of the learner's on LINE; ``place`` is where a triple stands, ``which`` what it is called in a sentence.

    Raises TypeError for what is neither a triple nor an expression, ValueError for one that makes no well.
    """
    if isinstance(well, sp.Expr):
        return _expressed(well, which)
    if not isinstance(well, (tuple, list)) or len(well) != 3:
        raise TypeError(f"{which} must be (λ, depth, width) or a sympy expression in one symbol, not {well!r}")
    try:
        lam, depth, width = map(float, well)
    except (TypeError, ValueError):
        raise TypeError(f"{which} must hold three numbers, (λ, depth, width), not {well!r}") from None
    power = 1 / lam if lam > 0 else np.nan
    if not (np.isclose(power, round(power) if np.isfinite(power) else 0) and round(power) % 2 == 0 and power < 41):
        raise ValueError(
            f"{which} has λ = {lam:g}. On a line an analytic loss rises like w², w⁴, w⁶, …: take 1/2, 1/4, 1/6, …"
        )
    if not 0 <= depth < np.inf:
        raise ValueError(f"{which} has the depth {depth:g}: it is the lowest loss, a number from 0 on")
    if not 1e-3 <= width <= 10:
        raise ValueError(
            f"{which} has the width {width:g}: it is how far from the bottom the loss has risen by 1; take 0.001 to 10"
        )
    return Shape(lambda w: depth + np.abs((w - place) / width) ** round(power), place, depth, lam, width)


def _expressed(expression: sp.Expr, which: str) -> Shape:
    if len(expression.free_symbols) != 1:
        names = ", ".join(sorted(map(str, expression.free_symbols))) or "none"
        raise ValueError(f"{which} must have one symbol, the parameter; {expression} has {names}")
    function = array_function(expression, 1)

    def f(w: np.ndarray) -> np.ndarray:
        w = np.asarray(w, float)
        with np.errstate(all="ignore"):
            return np.asarray(function(w.reshape(-1, 1)), float).reshape(w.shape)

    w = np.linspace(*LINE, 4001)
    values = f(w)
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{which} is not finite at w = {w[~np.isfinite(values)][0]:g}; it has to be on all of [−1, 1]")
    if values.min() < -1e-12:
        raise ValueError(f"{which} is {values.min():.3g} at w = {w[values.argmin()]:g}: a divergence is never negative")
    i = int(values.argmin())
    if i in (0, len(w) - 1):
        raise ValueError(f"{which} is lowest at the edge w = {w[i]:g}: its bottom must lie inside [−1, 1]")
    refined = minimize_scalar(f, bounds=(w[i - 1], w[i + 1]), method="bounded", options={"xatol": 1e-12})
    place = float(refined.x if refined.fun < values[i] else w[i])
    return Shape(f, place, float(f(np.array(place))), None, None)


def joined(simple: Shape, accurate: Shape) -> TwoWellLoss:
    """Two shapes as one loss on LINE: each on its own side of the ridge, where the two are equal.

    Raises ValueError where the first is not the worse one, and where there is no ridge between them.
    """
    if not simple.depth > accurate.depth:
        raise ValueError(
            f"the first well must be the worse one: its depth is {simple.depth:g}, the second's {accurate.depth:g}"
        )
    a, b = simple.place, accurate.place
    w = np.linspace(a, b, 501)
    ahead = simple.f(w) - accurate.f(w)
    if np.isclose(a, b) or ahead[0] >= 0 or ahead[-1] <= 0:
        raise ValueError("no ridge lies between the two wells: at one's bottom the other is as low. Make them narrower")
    i = int(np.flatnonzero(ahead > 0)[0])
    ridge = float(brentq(lambda x: float(simple.f(np.array(x)) - accurate.f(np.array(x))), w[i - 1], w[i]))

    def K(points: np.ndarray) -> np.ndarray:
        x = points[:, 0]
        return np.where((x < ridge) == (a < ridge), simple.f(x), accurate.f(x))

    lam = None if simple.lam is None or accurate.lam is None else (simple.lam, accurate.lam)
    return TwoWellLoss(K, LINE, (a, b), ridge, lam)


def shapes(simple: Well, accurate: Well) -> tuple[Shape, Shape]:
    """The learner's two wells; errors as ``shape``."""
    return shape(simple, PLACES[0], "the first well"), shape(accurate, PLACES[1], "the second well")


def two_wells(simple: Well, accurate: Well) -> TwoWellLoss:
    """A loss on [−1, 1] with two wells of your own, the worse one first, under the uniform prior.

    A well is (λ, depth, width), K = depth + |(w ∓ ½)/width|^(1/λ), the first at −½ and the second at ½; or a sympy
    expression in one symbol. Raises TypeError and ValueError, in a sentence, for what makes no two wells.
    """
    return joined(*shapes(simple, accurate))


def told(error: Exception) -> str:
    """An error's text with a full stop, as a check replies."""
    text = str(error).rstrip(".")
    return text[:1].upper() + text[1:] + "."
