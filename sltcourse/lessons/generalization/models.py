"""The models of a mean that lesson 05 computes its errors for, a learner's own, and ArviZ's word on a posterior."""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sltcourse.theory.mean_models import MeanModel, power_mean, product_mean

MEANS = {"regular": power_mean(1), "cubic": power_mean(3), "product": product_mean()}

_CELLS = {1: 500_000, 2: 1500}  # an axis of [−1, 1]; with two a cell is 4/3 of 1/√n at n = 10⁶
_PER_E = 60  # bins for a factor e in |δ|
_LEAST = 1e-9  # below it |δ| counts as 0

Theta = Callable[..., Any]


def own_mean(theta: Theta, truth: float | Sequence[float] | None = None) -> MeanModel:
    """The model N(θ(w), 1) of a learner's θ, of one or two parameters that are uniform on [−1, 1].

    ``theta`` is a function that takes arrays, ``truth`` w₀ (a number, or one for each parameter; 0 if not given). The
    prior's mass is collected in bins of δ = θ(w) − θ(w₀), good for n up to 10⁶: against quadrature n E[G_n] is right
    to 1 %. λ and m are not known: they are NaN and 0. Raises ValueError, in a sentence, for what is no such function.
    """
    if not callable(theta):
        raise ValueError("a mean is wanted as a function, for example lambda w: w**3")
    try:
        count = len(inspect.signature(theta).parameters)
    except (TypeError, ValueError):  # some of numpy's own functions have no signature
        count = 1
    if count not in _CELLS:
        raise ValueError(f"the mean must have one or two parameters, for example lambda a, b: a * b, not {count}")
    at = np.zeros(count) if truth is None else np.ravel(np.asarray(truth, float))
    if at.shape != (count,) or not (np.abs(at) <= 1).all():
        raise ValueError(f"the truth must be {count} number{'s' if count > 1 else ''} from −1 to 1, not {truth}")
    middle = (np.arange(_CELLS[count]) + 0.5) * 2 / _CELLS[count] - 1
    w = [middle] if count == 1 else [a.ravel() for a in np.meshgrid(middle, middle)]
    delta = _values(theta, w) - _values(theta, [np.array([a]) for a in at])
    place = np.where(
        np.abs(delta) < _LEAST, 0, np.sign(delta) * np.ceil(_PER_E * np.log(np.maximum(np.abs(delta), _LEAST) / _LEAST))
    )
    place = (place - place.min()).astype(int)
    mass = np.bincount(place)
    mean = np.bincount(place, delta)[mass > 0] / mass[mass > 0]
    return MeanModel(mean, mass[mass > 0] / len(delta), count, math.nan, 0)


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


def arviz_loo(log_p: np.ndarray) -> tuple[float, float]:
    """ArviZ's elpd_loo and its standard error: leave-one-out by Pareto-smoothed weights (Vehtari et al. 2017).

    log_p: (n, draws), log p(xᵢ|wⱼ). elpd is a sum over the n samples, larger is better: −n times a loss per sample.
    """
    try:
        from arviz_stats.base import array_stats  # type: ignore[attr-defined]  # it is public, but not annotated

        weights = array_stats.psislw(log_p)[0]  # it takes the logarithm of 1/weight
    except ImportError:  # Colab has ArviZ 0.22
        import arviz

        weights = arviz.psislw(-log_p)[0]
    weights = np.asarray(weights)
    parts = np.log(np.exp(weights + log_p).sum(axis=-1) / np.exp(weights).sum(axis=-1))
    return float(parts.sum()), float(np.sqrt(len(parts)) * parts.std())
