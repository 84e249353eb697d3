"""The exact finite-n numbers of lesson 02.

Every model of the lesson has a normal law of unit variance around a mean that depends on w. So a data set enters
through one average or two, and each number is a sum or an integral in one dimension, at any n. The models of sections
5 and 6 are those of ``sltcourse.theory.mean_models``.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr
from scipy.stats import chi2, norm

from sltcourse.theory.mean_models import (
    PZ,
    Z,
    power_mean,
    product_mean,
)

NINETY = chi2.ppf(0.9, 2)  # squared Mahalanobis radius of the ellipse that holds 90 % of a normal law in the plane


# ---- the estimator of the cubic model --------------------------------------------------------------------------------


class Estimator(NamedTuple):
    """Exact mean and variance of an estimator, and the least variance that Cramér–Rao allows with its bias."""

    mean: float
    variance: float
    bound: float


def cubic_mle(w0: float, n: float) -> Estimator:
    """The maximum likelihood estimator ŵ = x̄^(1/3) of N(w³, 1) from n observations at the true w0: an Estimator.

    ŵ has the density 3ŵ²√n φ(√n(ŵ³ − w0³)), which is smooth and vanishes at both ends of its range, so the trapezoidal
    rule gives its moments to rounding. With E[ŵ] = h(w0³), the bound for an estimator of this bias,
    (dE[ŵ]/dw)²/(n I(w)) (Lehmann & Casella, Theory of Point Estimation, 1998, sec. 2.5), is h′(w0³)²/n, also in the
    limit w0 → 0. Raises ValueError unless n >= 1.
    """
    if not n >= 1:
        raise ValueError(f"n must be at least 1, not {n}")
    w = np.linspace(*np.cbrt(w0**3 + np.array([-12, 12]) / np.sqrt(n)), 2001)
    z = np.sqrt(n) * (w**3 - w0**3)
    p = 3 * w**2 * norm.pdf(z)
    p /= p.sum()
    mean = p @ w
    return Estimator(float(mean), float(p @ (w - mean) ** 2), float((p @ (z * w)) ** 2))


# ---- means: evidence, generalization error, choice of model ----------------------------------------------------------


# ---- the network's double wedge --------------------------------------------------------------------------------------


LOW, HIGH = np.arctan([1, 2])  # the angles of the wedge's edges in the plane (f(1), f(2))


def project(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest points of the closed double wedge between the slopes 1 and 2, and which points lie in its inside.

    ``points`` has shape (N, 2). Returns arrays of shape (N, 2) and (N,), bool.
    """
    angle = np.mod(np.arctan2(points[:, 1], points[:, 0]), np.pi)
    inside = (LOW < angle) & (angle < HIGH)
    to_low, to_high = (np.abs(np.mod(angle - edge + np.pi / 2, np.pi) - np.pi / 2) for edge in (LOW, HIGH))
    nearest = np.where(inside, angle, np.where(to_low < to_high, LOW, HIGH))
    line = np.stack([np.cos(nearest), np.sin(nearest)], axis=1)
    return line * np.sum(points * line, axis=1, keepdims=True), inside


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

    def ellipse(self, points: int = 100) -> np.ndarray:
        """Outlines of Laplace's 90 % ellipses, one at each mode: shape (modes, points, 2)."""
        turn = np.linspace(0, 2 * np.pi, points)
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
