"""The losses of lesson 03: those in the plane with their exact volumes, the line and the pit, and those it measures."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from scipy.special import gamma

from sltcourse.kit import style
from sltcourse.theory.numeric_input import ArrayFunction, array_function
from sltcourse.theory.volume import normal_crossing_log_volume

SQUARE = [(-1, 1), (-1, 1)]
PIT_BOX = [(-2, 2), (-2, 2)]
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Plane(NamedTuple):
    """A loss on [−1, 1]²: √K of points (N, 2), V(ε) for ε ≤ 1, λ as text, m, the codimension of {K = 0}, and a C
    with K ≤ C dist² to that set."""

    root: ArrayFunction
    volume: Callable[[Any], Any]
    lam: str
    m: int
    codimension: int
    steep: float


def _parabola_volume(eps: np.ndarray) -> np.ndarray:
    """V(ε) of (w₂ − w₁²)² on [−1, 1]², exact: the area within s = √ε of the parabola, above or below, over 4."""
    s = np.sqrt(eps)
    edge = np.sqrt(1 - s)
    return s * edge + ((1 + s) * (1 - edge) - (1 - edge**3) / 3) / 2


def _crossing_volume(*k: int) -> ArrayFunction:
    return lambda eps: np.exp(normal_crossing_log_volume(eps, k))


_FOURTH = np.sqrt(np.pi) * gamma(5 / 4) / (2 * gamma(7 / 4))  # ∫₀¹ √(1 − t⁴) dt
DISC, VALLEY, BOWL, PARABOLA, CROSS, UNEVEN = (
    "w₁² + w₂²",
    "w₁² + w₂⁴",
    "(w₁² + w₂²)²",
    "(w₂ − w₁²)²",
    "w₁² w₂²",
    "w₁² w₂⁴",
)
LOSSES = {
    DISC: Plane(lambda w: np.hypot(w[:, 0], w[:, 1]), lambda e: np.pi * e / 4, "1", 1, 2, 1.0),
    VALLEY: Plane(lambda w: np.hypot(w[:, 0], w[:, 1] ** 2), lambda e: _FOURTH * e**0.75, "3/4", 1, 2, 1.0),
    BOWL: Plane(lambda w: w[:, 0] ** 2 + w[:, 1] ** 2, lambda e: np.pi * np.sqrt(e) / 4, "1/2", 1, 2, 2.0),
    PARABOLA: Plane(lambda w: np.abs(w[:, 1] - w[:, 0] ** 2), _parabola_volume, "1/2", 1, 1, 5.0),
    CROSS: Plane(lambda w: np.abs(w[:, 0] * w[:, 1]), _crossing_volume(1, 1), "1/2", 2, 1, 1.0),
    UNEVEN: Plane(lambda w: np.abs(w[:, 0] * w[:, 1] ** 2), _crossing_volume(1, 2), "1/4", 1, 1, 1.0),
}
PLANE = {name: LOSSES[name] for name in (DISC, VALLEY, PARABOLA, CROSS, UNEVEN)}  # those of the shrinking set


def grid(points: int, box: Sequence[tuple[float, float]] = SQUARE) -> np.ndarray:
    """The points of a grid on a box in the plane, points² rows (w₁, w₂): w₂ grows from row to row of the picture."""
    sides = [np.linspace(low, high, points) for low, high in box]
    return np.column_stack([side.ravel() for side in np.meshgrid(*sides)])


def zeros(root: ArrayFunction, box: Sequence[tuple[float, float]] = SQUARE) -> np.ndarray:
    """Points (N, 2) of {K = 0}, for a picture: a grid's points, taken downhill by Newton's method for √K.

    ``root`` maps points (N, 2) to √K. A step is √K over its slope, so it ends on the zero set where √K grows like the
    distance, and nears it by a constant factor where it grows like a power of it. Points that do not come to
    √K < 1e-6 in sixty steps, or leave the box, are dropped; of those within 1/400 of a side one is kept: drawn as
    dots they run together to a line.
    """
    low, high = np.transpose(np.asarray(box, float))
    w, h = grid(161, box), 1e-6 * (high - low)
    with np.errstate(all="ignore"):
        for _ in range(60):
            s = root(w)
            slope = np.column_stack([(root(w + d) - root(w - d)) / (2 * d.sum()) for d in np.diag(h)])
            length = np.sqrt((slope**2).sum(1))
            step = np.minimum(s / length, 0.3) * (s > 1e-9)
            w = w - np.nan_to_num((step / length)[:, None] * slope, posinf=0, neginf=0)
    found = w[(root(w) < 1e-6) & np.all((low <= w) & (w <= high), axis=1)]
    return found[np.unique(np.round(400 * found / (high - low)), axis=0, return_index=True)[1]]


def root_of(K: ArrayFunction | sp.Expr) -> ArrayFunction:
    """√K as a function of points (N, 2); ``K`` is a function of such points or a sympy expression of two symbols."""
    function = array_function(K, 2)

    def root(w: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(np.broadcast_to(np.asarray(function(w), float), len(w)), 0.0))

    return root


def written(K: ArrayFunction | sp.Expr) -> str:
    """A loss for a caption: a sympy expression with raised powers, or the name of a function."""
    if not isinstance(K, sp.Expr):
        name = getattr(K, "__name__", "K")
        return "your K" if name == "<lambda>" else name
    text = re.sub(r"\*\*(\d+)", lambda found: style.superscript(found[1]), str(K)).replace("*", " ").replace("-", "−")
    return re.sub(r"(?<=[a-z])\d+", lambda found: found[0].translate(SUBSCRIPTS), text)


def line_and_pit(w: np.ndarray) -> np.ndarray:
    """K of points (N, 2), shape (N,): zero on the line w₁ = 1, like w², and in a small pit at the origin, like r⁸."""
    return (w[:, 0] - 1) ** 2 * (-np.expm1(-10 * (w[:, 0] ** 2 + w[:, 1] ** 2))) ** 4


_LENGTH = np.sqrt(5) + np.arcsinh(2) / 2  # of the parabola w₂ = w₁² in the square


def tube_share(name: str, r: np.ndarray) -> np.ndarray:
    """The share of the square within distance ``r`` of {K = 0}, for a loss of LOSSES; r ≤ 0.4.

    Exact but for the parabola, for which it is the length times 2r, less the parts beyond the square's edge at the two
    ends (found by counting, to 1 % of the share).
    """
    if name == PARABOLA:
        return (2 * r * _LENGTH - 2.35 * r**2) / 4
    return np.pi * r**2 / 4 if LOSSES[name].codimension == 2 else 2 * r - r**2


def distance(name: str, w: np.ndarray) -> np.ndarray:
    """The distance of points (N, 2) to {K = 0}, for a loss of LOSSES, shape (N,)."""
    if LOSSES[name].codimension == 2:
        return np.hypot(w[:, 0], w[:, 1])
    if name != PARABOLA:
        return np.abs(w).min(axis=1)
    x = np.linspace(-1, 1, 401)
    return np.array([np.hypot(w[:, 0] - a, w[:, 1] - a**2) for a in x]).min(axis=0)


TRIAL = (
    "disc",
    "flat valley",
    "cusp",
    "three planes",
    "tanh unit",
    "normal mixture",
    "Boltzmann machine",
    "reduced rank regression",
)  # of the catalogue: the losses that the lesson measures
