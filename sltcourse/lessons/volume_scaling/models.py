"""The losses of lesson 03: five in the plane, with their exact volumes, and those that it measures."""

import numpy as np
from scipy.special import gamma

from sltcourse.theory.volume import normal_crossing_log_volume


def square_grid(points: int) -> tuple[np.ndarray, ...]:
    """The coordinates (w₁, w₂) of a grid of points × points on [−1, 1]²."""
    side = np.linspace(-1, 1, points)
    return np.meshgrid(side, side)


def _parabola_volume(eps):
    """V(ε) of (w₂ − w₁²)² on [−1, 1]², exact: the area within s = √ε of the parabola, above or below, over 4."""
    s = np.sqrt(eps)
    edge = np.sqrt(1 - s)
    return s * edge + ((1 + s) * (1 - edge) - (1 - edge**3) / 3) / 2


_w1, _w2 = square_grid(201)
_FOURTH = np.sqrt(np.pi) * gamma(5 / 4) / (2 * gamma(7 / 4))  # ∫₀¹ √(1 − t⁴) dt
PLANE = {  # name: √K on a grid of [−1, 1]², V(ε) for ε ≤ 1, λ, m
    "w₁² + w₂²": (np.hypot(_w1, _w2), lambda e: np.pi * e / 4, "1", 1),
    "w₁² + w₂⁴": (np.hypot(_w1, _w2**2), lambda e: _FOURTH * e**0.75, "3/4", 1),
    "(w₂ − w₁²)²": (np.abs(_w2 - _w1**2), _parabola_volume, "1/2", 1),
    "w₁² w₂²": (np.abs(_w1 * _w2), lambda e: np.exp(normal_crossing_log_volume(e, (1, 1))), "1/2", 2),
    "w₁² w₂⁴": (np.abs(_w1 * _w2**2), lambda e: np.exp(normal_crossing_log_volume(e, (1, 2))), "1/4", 1),
}
TRIAL = (
    "disc",
    "ball",
    "flat valley",
    "parabola",
    "cusp",
    "cross",
    "uneven cross",
    "three planes",
    "line plus cross",
    "tanh unit",
    "normal mixture",
    "Boltzmann machine",
    "reduced rank regression",
    "wide reduced rank regression",
)  # of the catalogue: the losses that the lesson measures
