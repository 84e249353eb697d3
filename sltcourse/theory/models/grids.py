"""Models with their prior as weighted nodes, so that a posterior is a sum, exact up to the quadrature."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from sltcourse.theory.closed_forms import reduced_rank_regression
from sltcourse.theory.cubature import panel_rule
from sltcourse.theory.models import MODELS


@dataclass(frozen=True)
class GridModel:
    """A small model, its prior as J weighted nodes, and the truth as K weighted test points.

    ``log_ratio(x)`` maps data of shape (n, …) to log p(xᵢ|wⱼ)/q(xᵢ), shape (n, J). ``sample(rng, n)`` draws data from
    the truth q. ``test``, ``test_weight``: points of the data's shape and weights, Σ weight f ≈ E_q[f].
    ``prior``: the nodes' weights, shape (J,). ``d``, ``lam``, ``m``: number of parameters, λ and its multiplicity.
    """

    d: int
    lam: float
    m: int
    prior: np.ndarray
    log_ratio: Callable[[np.ndarray], np.ndarray]
    sample: Callable[[np.random.Generator, int], np.ndarray]
    test: np.ndarray
    test_weight: np.ndarray


def normal_rule(order: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Hermite nodes, shape (order^dimension, dimension), and weights for independent standard normals."""
    x, weight = np.polynomial.hermite_e.hermegauss(order)
    grids = np.meshgrid(*[x] * dimension, indexing="ij")
    weights = np.prod(np.meshgrid(*[weight / weight.sum()] * dimension, indexing="ij"), axis=0)
    return np.stack([g.ravel() for g in grids], axis=1), weights.ravel()


def product_rule(*axes: tuple[np.ndarray, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """The nodes, a list of coordinates (J,), and the weights (J,), which add up to 1, of a product of ``axes``."""
    nodes = np.meshgrid(*[a[0] for a in axes], indexing="ij")
    weights = np.prod(np.meshgrid(*[a[1] for a in axes], indexing="ij"), axis=0).ravel()
    return [x.ravel() for x in nodes], weights / weights.sum()


def _normals(columns: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """The sampler of n rows of so many standard normal variables."""
    return lambda rng, n: rng.normal(size=(n, columns))


def tanh_unit() -> GridModel:
    """y = a tanh(bu) + noise, u ~ N(0, 1), a and b uniform on [−2, 2], truth 0; a row of data is (u, y)."""
    a, b = panel_rule(-2, 2, [0.0], 0.06, 6), panel_rule(0, 2, [0.0], 0.06, 6)
    _, prior = product_rule(a, b)  # b ≥ 0 is enough: (a, b) and (−a, −b) agree

    def log_ratio(x: np.ndarray) -> np.ndarray:
        f = (a[0][:, None] * np.tanh(x[:, :1] * b[0])[:, None, :]).reshape(len(x), -1)
        return x[:, 1:] * f - f**2 / 2

    known = MODELS["tanh unit"]
    return GridModel(known.d, float(known.lam), known.m, prior, log_ratio, _normals(2), *normal_rule(20, 2))


def normal_mixture() -> GridModel:
    """(1 − a) N(0, 1) + a N(b, 1), a uniform on [0, 1], b on [−2, 2], truth N(0, 1); a row of data is (x,)."""
    (a, b), prior = product_rule(panel_rule(0, 1, [0.0], 0.03, 6), panel_rule(-2, 2, [0.0], 0.06, 6))

    def log_ratio(x: np.ndarray) -> np.ndarray:
        return np.log1p(a * np.expm1(x * b - b**2 / 2))

    known = MODELS["normal mixture"]
    return GridModel(known.d, float(known.lam), known.m, prior, log_ratio, _normals(1), *normal_rule(60, 1))


def linear_network() -> GridModel:
    """y = b (a₁u₁ + a₂u₂) + noise, u ~ N(0, I₂), a₁, a₂, b ~ N(0, 1), truth 0; a row of data is (u₁, u₂, y).

    The coefficient vector ba has a uniform direction and a length with density exp(−r): those are the nodes.
    """
    r, weight = panel_rule(0, 24, [0.0], 0.04, 6)
    angle = 2 * np.pi * np.arange(32) / 32
    (r, angle), prior = product_rule((r, weight * np.exp(-r)), (angle, np.ones(32)))

    def log_ratio(x: np.ndarray) -> np.ndarray:
        f = x[:, :2] @ np.array([r * np.cos(angle), r * np.sin(angle)])
        return x[:, 2:] * f - f**2 / 2

    lam, m = reduced_rank_regression(2, 1, 1, 0)
    return GridModel(3, float(lam), m, prior, log_ratio, _normals(3), *normal_rule(12, 3))


def network_free_energy(n: int) -> float:
    """E[F_n], the truth's own loss subtracted, of the linear network over all data sets of n ≥ 2 samples: quadrature.

    With S = Σ uuᵀ = LLᵀ and Σ yu = Lξ the evidence is the prior's mean of exp(r (Lξ)·e − r² eᵀSe/2), in closed form
    along the length r. ξ is normal, and so is L₂₁; L₁₁² and L₂₂² are χ² with n and n − 1 degrees of freedom (Bartlett).
    Raises ValueError for n below 2.
    """
    if n < 2:
        raise ValueError(f"at least two samples are needed for two inputs, not n = {n}")
    nodes, weight = normal_rule(4, 3)
    squares = stats.chi2.ppf(special.ndtr(nodes[:, :2]), [n, n - 1])
    (first, last), between = np.sqrt(squares.T), nodes[:, 2]
    angle = 2 * np.pi * np.arange(32) / 32
    across = np.array(
        [np.outer(first, np.cos(angle)) + np.outer(between, np.sin(angle)), np.outer(last, np.sin(angle))]
    )
    length = np.sqrt(2 * (across**2).sum(axis=0))[:, None]  # √(2 eᵀSe), shape (S, 1, angle)
    xi, xi_weight = normal_rule(20, 2)
    slope = np.einsum("xk,ksa->sxa", xi, across) - 1
    evidence = (np.sqrt(np.pi) / length * special.erfcx(-slope / length)).mean(axis=-1)
    return -float(weight @ np.log(evidence) @ xi_weight)


GRIDS = {"tanh unit": tanh_unit, "normal mixture": normal_mixture, "linear network": linear_network}
