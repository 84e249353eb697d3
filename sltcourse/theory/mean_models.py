"""Models of a mean, x ~ N(θ(w), 1): one number of the data is enough, and averages over data sets are integrals.

The log likelihood ratio of n samples to the truth N(θ₀, 1) is tδ − nδ²/2, with δ = θ(w) − θ₀ and the score
t = Σ(xᵢ − θ₀) ~ N(0, n). So a model is a prior on δ, held here as nodes with probabilities, and the mean over all data
sets of anything that the posterior says is an integral over the normal variable t.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sltcourse.theory.cubature import panel_rule
from sltcourse.theory.numeric_input import above_zero, real, reals, whole

DEEPEST = 20  # the Gamma(20) law has 6e-10 of its mass beyond 60, where the tables of deep_product end


class MeanModel:
    """x ~ N(θ(w), 1) with the truth N(θ₀, 1), as nodes in δ = θ(w) − θ₀ and their prior probabilities.

    The log likelihood ratio of n samples to the truth is tδ − nδ²/2 with the score t = Σ(xᵢ − θ₀) ~ N(0, n).

    delta, prior : nodes δ and prior probabilities, shape (J,).
    d, lam, m : number of parameters, learning coefficient, multiplicity.
    """

    def __init__(self, delta: np.ndarray, prior: np.ndarray, d: int, lam: float, m: int):
        self.delta, self.prior, self.d, self.lam, self.m = delta, prior / prior.sum(), d, lam, m

    def free_energy(self, n: float, t: ArrayLike) -> np.ndarray:
        """F_n − nL_n(w₀) = −log ∫ exp(tδ − nδ²/2) φ dw for scores t, an array of t's shape. n > 0 is a number.

        Raises ValueError unless n and t are finite and n > 0.
        """
        top, weights = self._weights(n, t, 1.0)
        return -(top + np.log(weights.sum(axis=-1)))

    def posterior(self, n: float, t: ArrayLike, beta: float = 1.0) -> np.ndarray:
        """Probabilities of the nodes under the posterior at inverse temperature ``beta``, shape (*t.shape, J).

        Raises ValueError unless n, t and β are finite and n and β > 0.
        """
        _, weights = self._weights(n, t, beta)
        return weights / weights.sum(axis=-1, keepdims=True)

    def _weights(self, n: float, t: ArrayLike, beta: float) -> tuple[np.ndarray, np.ndarray]:
        """The largest log weight of a node, (*t.shape), and the weights over e to that power, (*t.shape, J)."""
        n, beta, t = above_zero(n, "n"), above_zero(beta, "beta"), reals(t, "t")
        if not np.isfinite(t).all():
            raise ValueError("the scores t must be finite numbers")
        exponent = beta * (t[..., None] * self.delta - n * self.delta**2 / 2)
        top = exponent.max(axis=-1)
        return top, self.prior * np.exp(exponent - top[..., None])


def checked_model(model: MeanModel) -> MeanModel:
    """``model``. Raises TypeError if it is none."""
    if not isinstance(model, MeanModel):
        raise TypeError(f"model must be a MeanModel, say power_mean(3), not a {type(model).__name__}")
    return model


def power_mean(k: int, w0: float = 0.0) -> MeanModel:
    """The model N(wᵏ, 1), k odd, with w uniform on [−1, 1] and the truth w = w0: λ = 1/(2k) at w0 = 0, else 1/2.

    Good for n up to 10¹². Raises ValueError for an even k and for a truth outside the box.

    >>> from sltcourse.theory.mean_models import power_mean
    >>> cubic = power_mean(3)
    >>> cubic.lam, cubic.m, power_mean(3, w0=0.5).lam
    (0.16666666666666666, 1, 0.5)
    >>> round(float(cubic.free_energy(1000, 0.0)), 3)
    1.111
    """
    k, w0 = whole(k, 1, "the odd power k"), real(w0, "w0")
    if k % 2 != 1 or not -1 < w0 < 1:
        raise ValueError(f"an odd power k ≥ 1 and a truth inside (−1, 1) are needed, not k = {k}, w0 = {w0}")
    w, weight = panel_rule(-1, 1, sorted({0.0, w0}), 1e-7 if k == 1 else 1e-5)
    return MeanModel(w**k - w0**k, weight, 1, 1 / (2 * k) if w0 == 0 else 1 / 2, 1)


def product_mean() -> MeanModel:
    """The model N(ab, 1), a and b uniform on [−1, 1], truth ab = 0: θ = ab has the density −½ log |θ|; λ = ½, m = 2."""
    theta, weight = panel_rule(-1, 1, [0.0], 1e-13)
    return MeanModel(theta, -weight * np.log(np.abs(theta)) / 2, 2, 1 / 2, 2)


def deep_product(depth: int) -> MeanModel:
    """The model N(w₁⋯w_d, 1) of d = ``depth`` weights, uniform on [−1, 1], with the truth at mean 0.

    −log|wᵢ| is an exponential variable, so s = −log|mean| has the Gamma(d) density. λ = 1/2 and m = d. Raises
    ValueError for a depth below 1 or above ``DEEPEST``.
    """
    depth = whole(depth, 1, "depth")
    if depth > DEEPEST:
        raise ValueError(
            f"depth is {depth}, and {DEEPEST} is the most: the tables of the mean end before its mass does"
        )
    s, weight = panel_rule(0, 60, list(range(61)), 0.5, order=12)
    prior = weight * s ** (depth - 1) * np.exp(-s)
    return MeanModel(np.r_[np.exp(-s), -np.exp(-s)], np.r_[prior, prior], depth, 1 / 2, depth)


Theta = Callable[..., Any]
_CELLS = 1500  # an axis of [−1, 1]²; a cell is 4/3 of 1/√n at n = 10⁶
_PER_E = 60  # bins for a factor e in |δ|
_LEAST = 1e-9  # below it |δ| counts as 0
_GRID = 4001  # points of [−1, 1] between which a mean of one parameter is looked at for zeros of δ
_MOST_ZEROS = 200


def own_mean(theta: Theta, truth: float | Sequence[float] | None = None) -> MeanModel:
    """The model N(θ(w), 1) of a learner's θ, of one or two parameters that are uniform on [−1, 1].

    ``theta`` is a function that takes arrays, ``truth`` w₀ (a number, or one for each parameter; 0 if not given). With
    one parameter the nodes crowd around the zeros of δ = θ(w) − θ(w₀), 200 at most, good for n up to about 10⁸ where θ
    is smooth in between. With two, the prior's mass is collected in bins of δ, good for n up to 10⁶: against quadrature
    n E[G_n] is right to 1 %. λ and m are not known: they are NaN and 0. Raises ValueError, in a sentence, for what is
    no such function.
    """
    if not callable(theta):
        raise ValueError("a mean is wanted as a function, for example lambda w: w**3")
    try:
        count = len(inspect.signature(theta).parameters)
    except (TypeError, ValueError):  # some of numpy's own functions have no signature
        count = 1
    if count not in (1, 2):
        raise ValueError(f"the mean must have one or two parameters, for example lambda a, b: a * b, not {count}")
    at = np.zeros(count) if truth is None else np.ravel(reals(truth, "the truth"))
    if at.shape != (count,) or not (np.abs(at) <= 1).all():
        raise ValueError(f"the truth must be {count} number{'s' if count > 1 else ''} from −1 to 1, not {truth}")
    level = _values(theta, [np.array([a]) for a in at])

    def delta(*w: np.ndarray) -> np.ndarray:
        return _values(theta, list(w)) - level

    if count == 1:
        w, weight = panel_rule(-1, 1, _zeros(delta, float(at[0])), 1e-6)
        return MeanModel(delta(w), weight, 1, math.nan, 0)
    middle = (np.arange(_CELLS) + 0.5) * 2 / _CELLS - 1
    values = delta(*(a.ravel() for a in np.meshgrid(middle, middle)))
    size = np.maximum(np.abs(values), _LEAST)
    place = np.where(size == _LEAST, 0, np.sign(values) * np.ceil(_PER_E * np.log(size / _LEAST)))
    place = (place - place.min()).astype(int)
    mass = np.bincount(place)
    mean = np.bincount(place, values)[mass > 0] / mass[mass > 0]
    return MeanModel(mean, mass[mass > 0] / len(values), count, math.nan, 0)


def _zeros(delta: Callable[[np.ndarray], np.ndarray], truth: float) -> list[float]:
    """0, the truth, and the places where δ crosses 0 or comes near it, by a grid and a finer one; at most so many.

    The two ends of the interval may be such places, and so are those of a piece on which |δ| is least.
    """
    found = {0.0, truth}
    grid = np.linspace(-1, 1, _GRID)
    size = np.abs(delta(grid))
    before, after = np.r_[np.inf, size[:-1]], np.r_[size[1:], np.inf]
    low = np.flatnonzero((size <= before) & (size <= after) & ((size < before) | (size < after)))
    for i in low[np.argsort(size[low], kind="stable")][:_MOST_ZEROS]:
        left, right = grid[max(i - 1, 0)], grid[min(i + 1, _GRID - 1)]
        for _ in range(4):
            fine = np.linspace(left, right, 101)
            values = np.abs(delta(fine))
            best = 100 - int(values[::-1].argmin()) if size[i] == before[i] else int(values.argmin())
            left, right = fine[max(best - 1, 0)], fine[min(best + 1, 100)]
        if min(abs(fine[best] - z) for z in found) > 2 / _GRID:
            found.add(float(fine[best]))
    return sorted(found)


def _values(theta: Theta, w: list[np.ndarray]) -> np.ndarray:
    """θ at points, one array an axis. Raises ValueError, in a sentence, where it gives no finite numbers for them."""
    try:
        with np.errstate(all="ignore"):
            values = np.broadcast_to(np.asarray(theta(*w), float), w[0].shape)
    except Exception as error:
        raise ValueError(
            f"the mean must take arrays and give numbers, and it stops with {type(error).__name__}: {error}"
        ) from None
    if not np.isfinite(values).all():
        raise ValueError("the mean is not finite everywhere on [−1, 1]")
    return values


Z = np.linspace(-8.6, 8.6, 87)  # standard normal nodes, and their weights:
PZ = np.exp(-(Z**2) / 2) / np.exp(-(Z**2) / 2).sum()


def normal_mean(f: Callable[[np.ndarray], np.ndarray], variance: float) -> float:
    """E[f(t)] for t ~ N(0, variance), by the trapezoidal rule, exact to rounding for functions as smooth as F_n.

    ``f`` maps an array of shape (87,) to one of that shape. Raises ValueError for a variance that is not finite and
    above 0, and for an f that is not finite.

    >>> from sltcourse.theory.mean_models import normal_mean
    >>> round(normal_mean(lambda t: t**4, 2.0), 6)
    12.0
    """
    variance = above_zero(variance, "variance")
    mean = float(PZ @ f(np.sqrt(variance) * Z))
    if not np.isfinite(mean):
        raise ValueError(
            f"f is NaN or infinite somewhere within 8.6 standard deviations of 0, at a variance of {variance:g}"
        )
    return mean


def expected_error(model: MeanModel, n: float) -> float:
    """E[G_n], the mean Bayes generalization error of ``model`` at its truth, from n and n + 1 samples' free energies.

    E[G_n] = E[F_(n+1)] − E[F_n] minus the entropy of the truth (Watanabe 2009, ch. 1): exact at finite n. Above n =
    10⁴, where that difference loses digits, E[(E_w δ)²]/2 is returned, whose relative error is of order 1/n. Raises
    ValueError unless n is finite and > 0, TypeError for what is no MeanModel.

    >>> from sltcourse.theory.mean_models import expected_error, power_mean, product_mean
    >>> n = 1000
    >>> round(n * expected_error(power_mean(3), n), 3), round(n * expected_error(power_mean(1), n), 3)
    (0.167, 0.5)
    >>> round(n * expected_error(product_mean(), n), 3)
    0.365
    """
    model, n = checked_model(model), above_zero(n, "n")
    if n > 1e4:
        return normal_mean(lambda t: (model.posterior(n, t) @ model.delta) ** 2, n) / 2

    def mean_free_energy(k: float) -> float:
        return normal_mean(lambda t: model.free_energy(k, t), k)

    return mean_free_energy(n + 1) - mean_free_energy(n)
