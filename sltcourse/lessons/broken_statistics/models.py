"""The exact finite-n numbers of lesson 02.

Every model of the lesson has a normal law of unit variance around a mean that depends on w. So a data set enters
through one average or two, and each number is a sum or an integral in one dimension, at any n. The models of sections
5 and 6 are those of ``sltcourse.theory.mean_models``.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr
from scipy.stats import chi2

from sltcourse.theory.mean_models import PZ, MeanModel, Z, own_mean, power_mean, product_mean

NINETY = chi2.ppf(0.9, 2)  # squared Mahalanobis radius of the ellipse that holds 90 % of a normal law in the plane


# ---- a mean of the learner's own -------------------------------------------------------------------------------------


def checked_mean(mean: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """The values of a learner's mean m(w) at 1001 points of [low, high]. Raises ValueError where it is no such thing.

    ``mean`` maps arrays of w to arrays of means.
    """
    if not callable(mean):
        raise ValueError(f"the mean must be a function of w, say lambda w: w**5, not {mean!r}")
    w = np.linspace(low, high, 1001)
    with np.errstate(all="ignore"):
        values = np.asarray(mean(w))
    if values.shape != w.shape or values.dtype.kind not in "fi":
        raise ValueError("the mean must map an array of w to an array of as many real numbers: use numpy's functions")
    if not np.isfinite(values).all():
        raise ValueError(f"the mean is not finite at w = {w[~np.isfinite(values)][0]:.3g}; choose one that is")
    if np.ptp(values) < 1e-9:
        raise ValueError("this mean is the same for all w: let it depend on w")
    return values.astype(float)


def own_model(mean: Callable[[np.ndarray], np.ndarray], w0: float = 0.0) -> MeanModel:
    """``mean_models.own_mean`` of one parameter, whose mean must depend on it; the truth w0 lies in (−1, 1).

    Raises ValueError for what is no mean, and for a truth elsewhere.
    """
    if not -1 < w0 < 1:
        raise ValueError(f"the prior is uniform on [−1, 1], so w0 must lie inside, not at {w0}")
    checked_mean(mean, -1, 1)
    return own_mean(mean, w0)


# ---- the network's double wedge --------------------------------------------------------------------------------------


class Wedge(NamedTuple):
    """All (f(x₁), f(x₂)) of the network a·activation(bx): a double wedge between two angles, in radians.

    ``reached`` says for the low and the high edge whether a weight b attains it. A line has low = high; where high −
    low is π the network makes every point.
    """

    low: float
    high: float
    reached: tuple[bool, bool]


def wedge(activation: Callable[[np.ndarray], np.ndarray] = np.tanh, inputs: Sequence[float] = (1, 2)) -> Wedge:
    """The double wedge of the network a·activation(bx) at two inputs, found by following b from −60 to 60.

    ``activation`` maps arrays to arrays. Raises ValueError unless it does so with finite numbers and ``inputs`` are
    two different numbers other than 0, and for an activation that is 0 everywhere.
    """
    if len(inputs) != 2 or inputs[0] == inputs[1] or 0 in inputs:
        raise ValueError(f"two different inputs are needed, neither of them 0, say (1, 3), not {inputs}")
    half = np.r_[np.geomspace(1e-4, 0.02, 60), np.linspace(0.02, 60, 12_000)]
    b = np.r_[-half[::-1], half]
    with np.errstate(all="ignore"):
        f = np.stack([np.asarray(activation(b * x), float) for x in inputs])
    if f.shape != (2, len(b)) or not np.isfinite(f).all():
        raise ValueError(f"the activation must map arrays to finite arrays, also at ±{60 * max(map(abs, inputs)):g}")
    size = np.hypot(*f)
    there = size > 0
    if not there.any():
        raise ValueError("this activation is 0 everywhere: the network has one function only")
    b, f = b[there], f[:, there]
    angle = np.unwrap(np.arctan2(f[1], f[0]), period=np.pi)
    low, high = float(angle.min()), float(angle.max())
    if high - low >= np.pi - 1e-6:
        return Wedge(0.0, np.pi, (True, True))
    shift = np.pi * np.floor(low / np.pi)
    ends = [np.abs(b) < 2e-3, b < 0.8 * b.min(), b > 0.8 * b.max()]  # b → 0 and b → ±∞: there an edge is a limit
    zeros = b[:-1][np.sum(f[:, 1:] * f[:, :-1], axis=0) < 0]  # there f = 0 has no angle: another limit
    inner = ~np.any(ends, axis=0) & (np.abs(b - zeros[:, None]).min(axis=0, initial=9) > 0.1)

    def attained(edge: float) -> bool:
        near = np.abs(angle - edge) < 1e-4
        return bool(near[inner].any() and not any(end.any() and near[end].all() for end in ends))

    reached = tuple(high - low < 1e-9 or attained(edge) for edge in (low, high))
    return Wedge(low - shift, high - shift, (reached[0], reached[1]))


TANH = wedge()


def project(points: np.ndarray, cone: Wedge = TANH) -> tuple[np.ndarray, np.ndarray]:
    """Nearest points of a closed double wedge, and which of them the network attains.

    ``points`` has shape (N, 2). Returns arrays of shape (N, 2) and (N,), bool.
    """
    width = cone.high - cone.low
    above = np.mod(np.arctan2(points[:, 1], points[:, 0]) - cone.low, np.pi)  # the angle over the lower edge
    inside = (0 < above) & (above < width)
    at_high = above - width < np.pi - above
    angle = cone.low + np.where(inside, above, np.where(at_high, width, 0))
    line = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    attained = inside | np.where(at_high, cone.reached[1], cone.reached[0])
    return line * np.sum(points * line, axis=1, keepdims=True), attained


# ---- the product's posterior -----------------------------------------------------------------------------------------


class ProductPosterior:
    """The posterior of N(ab, 1), prior a, b ~ N(0, 1), after n data of average x̄ = m; and its Laplace approximation.

    Given a, b is normal with mean nma/(1 + na²) and variance 1/(1 + na²); the density of a is proportional to
    exp(−a²/2 − m²/(2v))/√v, v = a² + 1/n. So everything is an integral over a. ``modes`` has shape (1, 2) or (2, 2);
    ``hessian``, of −log posterior there, has shape (2, 2). Raises ValueError if n < 1, or |m| = 1/n, where the
    Hessian is singular.
    """

    def __init__(self, n: float, m: float):
        if not n >= 1 or np.isclose(n * abs(m), 1):
            raise ValueError(f"n >= 1 and |m| != 1/n are needed, not n = {n}, m = {m}")
        self.n, self.m = n, m
        log_a = np.linspace(-18, np.log(9), 3000)
        self._a = np.r_[-np.exp(log_a[::-1]), np.exp(log_a)]
        v = self._a**2 + 1 / n
        p = np.abs(self._a) * np.exp(-(self._a**2) / 2 - m**2 / (2 * v)) / np.sqrt(v)
        self._p = p / p.sum()  # the trapezoidal rule in log|a|
        self._mean, self._sd = n * m * self._a / (1 + n * self._a**2), 1 / np.sqrt(1 + n * self._a**2)
        s = np.sqrt(max(abs(m) - 1 / n, 0))
        mode = np.array([s, np.sign(m) * s])
        self.modes = np.array([mode, -mode] if s > 0 else [mode])
        off = n * (2 * mode[0] * mode[1] - m)
        self.hessian = np.array([[n * mode[1] ** 2 + 1, off], [off, n * mode[0] ** 2 + 1]])

    def draw(self, u: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Exact draws, shape (N, 2), from N uniform and N normal numbers."""
        a = np.interp(u, np.cumsum(self._p) - self._p / 2, self._a)
        return np.stack([a, (self.n * self.m * a + normals * np.sqrt(1 + self.n * a**2)) / (1 + self.n * a**2)], axis=1)

    def ellipse(self) -> np.ndarray:
        """Outlines of Laplace's 90 % ellipses, one at each mode: shape (modes, 100, 2)."""
        turn = np.linspace(0, 2 * np.pi, 100)
        root = np.linalg.cholesky(np.linalg.inv(self.hessian))
        return self.modes[:, None] + np.sqrt(NINETY) * np.stack([np.cos(turn), np.sin(turn)], axis=1) @ root.T

    def mass_in_ellipse(self) -> float:
        """The posterior probability of Laplace's 90 % ellipses (of their union)."""
        H = self.hessian
        ends = []
        for mode in self.modes:
            da = self._a - mode[0]
            disc = (H[0, 1] * da) ** 2 - H[1, 1] * (H[0, 0] * da**2 - NINETY)
            reach = np.where(disc > 0, np.sqrt(np.maximum(disc, 0)), 0) / H[1, 1]
            middle = mode[1] - H[0, 1] * da / H[1, 1]
            ends.append(((middle - reach - self._mean) / self._sd, (middle + reach - self._mean) / self._sd))
        mass = sum(ndtr(high) - ndtr(low) for low, high in ends)
        if len(ends) == 2:
            low, high = np.maximum(ends[0][0], ends[1][0]), np.minimum(ends[0][1], ends[1][1])
            mass = mass - np.where(high > low, ndtr(high) - ndtr(low), 0)
        return float(self._p @ mass)

    def nK(self) -> tuple[float, float]:
        """Means of nK = n(m − ab)²/2 under the posterior and under Laplace's normal law at a mode."""
        gap = (self.m - self._a * self._mean) ** 2 + (self._a * self._sd) ** 2
        root = np.linalg.cholesky(np.linalg.inv(self.hessian))
        a, b = self.modes[0][:, None, None] + np.einsum("ij,jkl->ikl", root, np.stack(np.meshgrid(Z, Z)))
        return float(self.n / 2 * self._p @ gap), float(self.n / 2 * PZ @ (self.m - a * b) ** 2 @ PZ)


MODELS = {"N(w, 1)": power_mean(1), "N(w³, 1)": power_mean(3), "N(ab, 1)": product_mean()}
