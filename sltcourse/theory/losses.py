"""A catalogue of losses K(w) ≥ 0 whose learning coefficient λ and multiplicity m are known exactly.

Each entry is the population loss of a model (or a normal form of one) together with a uniform prior on a box:

    V(ε) = Prob{K(w) ≤ ε}  ~  c ε^λ (−log ε)^(m−1)        as ε → 0.

λ and m are *global*: the smallest λ over the zeros of K in the box, and the largest m among those zeros.
Every K takes an array of shape (N, d) and returns shape (N,). All are written so that float64 keeps their
relative accuracy where K is as small as 1e-30: a tiny K is never a difference of large numbers unless the
zero set itself runs through points that float64 cannot tell apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np


@dataclass(frozen=True)
class Loss:
    """A loss K, the box its uniform prior lives on, and what is known about it.

    ``K`` maps (N, d) to (N,). ``box`` is ((low, high), …), one pair a coordinate. ``lam`` and ``m`` are exact and
    global over the box; ``source`` derives them or says where the derivation is.
    """

    name: str
    latex: str
    K: Callable[[np.ndarray], np.ndarray]
    box: tuple[tuple[float, float], ...]
    lam: Fraction
    m: int
    source: str

    @property
    def d(self):
        """The number of parameters."""
        return len(self.box)


def cube(d, side=1.0):
    """The box [−side, side]^d."""
    return ((-side, side),) * d


# Expectations over x ~ U[−1, 1] and x ~ N(0, 1): nodes and weights that sum to 1.
_x_uniform, _weight_uniform = np.polynomial.legendre.leggauss(12)
_weight_uniform = _weight_uniform / 2
_x_normal, _weight_normal = np.polynomial.hermite_e.hermegauss(16)
_weight_normal = _weight_normal / np.sqrt(2 * np.pi)


def _network_loss(outputs):
    """½ E_x[f(x)²] for outputs f of shape (N, nodes): regression with unit noise where the true function is 0."""
    return outputs**2 @ (_weight_uniform / 2)


def _hidden_unit(a, b, c=0.0):
    """a tanh(b x + c) at the nodes, shape (N, nodes), for a, b, c of shape (N,) (or c = 0)."""
    return a[:, None] * np.tanh(b[:, None] * _x_uniform + np.reshape(c, (-1, 1)))


def _kl(ratio, weights):
    """KL(q‖p) = E_q[r − log(1 + r)] for p = q (1 + r) with E_q[r] = 0; ratio r has shape (N, outcomes).

    Below |r| = 10⁻³ the Taylor series replaces the difference, which would cancel.
    """
    series = ratio**2 * (1 / 2 - ratio * (1 / 3 - ratio * (1 / 4 - ratio * (1 / 5 - ratio / 6))))
    return np.where(np.abs(ratio) < 1e-3, series, ratio - np.log1p(ratio)) @ weights


def _normal_shift(b):
    """N(b, 1)/N(0, 1) − 1 at the Gauss–Hermite nodes, shape (N, nodes)."""
    return np.expm1(b[:, None] * _x_normal - b[:, None] ** 2 / 2)


def _naive_bayes(w):
    """Two bits that depend on a hidden bit; w = (a, b₁, b₂, c₁, c₂) with P(bit i = 1) = ½ + b_i or ½ + c_i."""
    a, b1, b2, c1, c2 = w.T
    mean1, mean2 = (1 - a) * b1 + a * c1, (1 - a) * b2 + a * c2
    product = (1 - a) * b1 * b2 + a * c1 * c2
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    ratio = 2 * np.outer(mean1, signs[:, 0]) + 2 * np.outer(mean2, signs[:, 1])
    return _kl(ratio + 4 * np.outer(product, signs.prod(1)), np.full(4, 1 / 4))


def matrix_product(*widths):
    """‖W_L ⋯ W_1‖² (sum of squared entries) as a function of (N, d), W_i of shape widths[i] × widths[i−1].

    Two layers are reduced rank regression, more a deep linear network, with the truth of rank 0.
    """
    shapes = list(zip(widths[1:], widths[:-1], strict=True))

    def K(w):
        product, start = None, 0
        for rows, columns in shapes:
            layer = w[:, start : start + rows * columns].reshape(-1, rows, columns)
            product = layer if product is None else layer @ product
            start += rows * columns
        return np.einsum("nij,nij->n", product, product)

    return K


_correlated = np.full((4, 4), 0.6) + 0.4 * np.eye(4)
_half, _quarter = Fraction(1, 2), Fraction(1, 4)
_ball = "Hessian positive definite: {K ≤ ε} is an ellipsoid of half-axes ∝ √ε, so λ = d/2."
_crossing = "Normal crossing: λ = min 1/(2k_i), m = how many i attain it."

_ENTRIES = [
    # --- regular ---------------------------------------------------------------------------------
    Loss("line", "w^2", lambda w: w[:, 0] ** 2, cube(1), _half, 1, _ball),
    Loss("disc", "w_1^2+w_2^2", lambda w: (w**2).sum(1), cube(2), Fraction(1), 1, _ball),
    Loss("ball", "w_1^2+w_2^2+w_3^2", lambda w: (w**2).sum(1), cube(3), Fraction(3, 2), 1, _ball),
    Loss(
        "ellipsoid",
        r"w^\top H w,\ H_{ii}=1,\ H_{ij}=0.6\ (d=4)",
        lambda w: np.einsum("ni,ij,nj->n", w, _correlated, w),
        cube(4),
        Fraction(2),
        1,
        _ball,
    ),
    # --- singular: one coordinate at a time ------------------------------------------------------
    Loss(
        "cubic mean",
        "w^6",
        lambda w: (w[:, 0] ** 2) ** 3,
        cube(1),
        Fraction(1, 6),
        1,
        "Mean w³ of a normal density, truth 0: w⁶ ≤ ε is |w| ≤ ε^(1/6).",
    ),
    Loss(
        "flat valley",
        "w_1^2+w_2^4",
        lambda w: w[:, 0] ** 2 + (w[:, 1] ** 2) ** 2,
        cube(2),
        Fraction(3, 4),
        1,
        "λ adds over independent coordinates: 1/2 + 1/4.",
    ),
    # --- normal crossings ------------------------------------------------------------------------
    Loss("cross", "w_1^2w_2^2", lambda w: (w[:, 0] * w[:, 1]) ** 2, cube(2), _half, 2, _crossing),
    Loss("uneven cross", "w_1^2w_2^4", lambda w: (w[:, 0] * w[:, 1] ** 2) ** 2, cube(2), _quarter, 1, _crossing),
    Loss("flat cross", "w_1^4w_2^4", lambda w: ((w[:, 0] * w[:, 1]) ** 2) ** 2, cube(2), _quarter, 2, _crossing),
    Loss("three planes", "w_1^2w_2^2w_3^2", lambda w: w.prod(1) ** 2, cube(3), _half, 3, _crossing),
    # --- crossings and curves in other coordinates -----------------------------------------------
    Loss(
        "turned cross",
        "(w_1^2-w_2^2)^2",
        lambda w: ((w[:, 0] - w[:, 1]) * (w[:, 0] + w[:, 1])) ** 2,
        cube(2),
        _half,
        2,
        "u = w₁ − w₂, v = w₁ + w₂ turns it into u²v².",
    ),
    Loss(
        "turned uneven cross",
        "(w_1-w_2)^2(w_1+w_2)^4",
        lambda w: ((w[:, 0] - w[:, 1]) * (w[:, 0] + w[:, 1]) ** 2) ** 2,
        cube(2),
        _quarter,
        1,
        "u = w₁ − w₂, v = w₁ + w₂ turns it into u²v⁴.",
    ),
    Loss(
        "parabola",
        "(w_2-w_1^2)^2",
        lambda w: (w[:, 1] - w[:, 0] ** 2) ** 2,
        cube(2),
        _half,
        1,
        "u = w₂ − w₁² has Jacobian 1 and turns it into u².",
    ),
    Loss(
        "bent valley",
        "(w_2-w_1^2)^2+w_1^6",
        lambda w: (w[:, 1] - w[:, 0] ** 2) ** 2 + (w[:, 0] ** 2) ** 3,
        cube(2),
        Fraction(2, 3),
        1,
        "u = w₂ − w₁² (Jacobian 1) turns it into u² + w₁⁶: 1/2 + 1/6.",
    ),
    Loss(
        "cusp",
        "(w_1^2+w_2^3)^2",
        lambda w: (w[:, 0] ** 2 + w[:, 1] * w[:, 1] ** 2) ** 2,
        cube(2),
        Fraction(5, 12),
        1,
        "Weights (3, 2) make K homogeneous of degree 12, so the origin gives (3 + 2)/12; the smooth part of the "
        "curve gives 1/2, which is more.",
    ),
    # --- sums of monomials -----------------------------------------------------------------------
    Loss(
        "rounded cross",
        "w_1^2w_2^2+w_1^6+w_2^6",
        lambda w: (w[:, 0] * w[:, 1]) ** 2 + (w[:, 0] ** 2) ** 3 + (w[:, 1] ** 2) ** 3,
        cube(2),
        _half,
        2,
        "Newton polyhedron (exact for sums of squares of monomials): the diagonal meets it at the vertex (2, 2).",
    ),
    Loss(
        "Newton edge",
        "w_1^2w_2^4+w_1^6",
        lambda w: (w[:, 0] * w[:, 1] ** 2) ** 2 + (w[:, 0] ** 2) ** 3,
        cube(2),
        Fraction(1, 3),
        1,
        "Newton polyhedron: the diagonal meets the edge from (2, 4) to (6, 0) at (3, 3).",
    ),
    Loss(
        "line plus cross",
        "w_1^2+w_2^2w_3^2",
        lambda w: w[:, 0] ** 2 + (w[:, 1] * w[:, 2]) ** 2,
        cube(3),
        Fraction(1),
        2,
        "Independent parts: λ adds (1/2 + 1/2) and so does m − 1 (0 + 1).",
    ),
    Loss(
        "power sums",
        r"(\sum w_i)^2+(\sum w_i^2)^2\ (d=3)",
        lambda w: w.sum(1) ** 2 + (w**2).sum(1) ** 2,
        cube(3),
        Fraction(1),
        1,
        "On Σw_i = 0 the second term is the square of a positive definite form in two variables: 1/2 + 2/4.",
    ),
    # --- models ----------------------------------------------------------------------------------
    Loss(
        "tanh unit",
        r"\frac{1}{2}E_x[(a\tanh bx)^2]",
        lambda w: _network_loss(_hidden_unit(w[:, 0], w[:, 1])),
        cube(2),
        _half,
        2,
        "K = a²b² times a positive function.",
    ),
    Loss(
        "tanh unit with bias",
        r"\frac{1}{2}E_x[(a\tanh(bx+c))^2]",
        lambda w: _network_loss(_hidden_unit(w[:, 0], w[:, 1], w[:, 2])),
        cube(3),
        _half,
        1,
        "K is between two multiples of a²(b² + c²): the smaller of 1/2 (from a) and 2/2 (from b, c).",
    ),
    Loss(
        "two tanh units",
        r"\frac{1}{2}E_x[(a_1\tanh b_1x+a_2\tanh b_2x)^2]",
        lambda w: _network_loss(_hidden_unit(w[:, 0], w[:, 1]) + _hidden_unit(w[:, 2], w[:, 3])),
        cube(4),
        Fraction(2, 3),
        1,
        "K compares with (a₁b₁ + a₂b₂)² + (a₁b₁³ + a₂b₂³)²; with H hidden units and i = ⌊√H⌋, "
        "λ = (H + i² + i)/(4i + 2) (Aoyagi & Watanabe, three-layer networks, true function 0).",
    ),
    Loss(
        "normal mixture",
        r"\mathrm{KL}(N(0,1)\,\|\,(1-a)N(0,1)+aN(b,1))",
        lambda w: _kl(w[:, :1] * _normal_shift(w[:, 1]), _weight_normal),
        ((0.0, 1.0), (-1.0, 1.0)),
        _half,
        2,
        "p/q − 1 = a(e^(bx − b²/2) − 1) = ab times a function that vanishes nowhere identically: K ~ a²b².",
    ),
    Loss(
        "full normal mixture",
        r"\mathrm{KL}(N(0,1)\,\|\,(1-a)N(b,1)+aN(c,1))",
        lambda w: _kl((1 - w[:, :1]) * _normal_shift(w[:, 1]) + w[:, :1] * _normal_shift(w[:, 2]), _weight_normal),
        ((0.0, 1.0), (-1.0, 1.0), (-1.0, 1.0)),
        Fraction(3, 4),
        1,
        "With u = (1 − a)b + ac, K compares with u² + c⁴ at b = c = 0 for 0 < a < 1: 1/2 + 1/4.",
    ),
    Loss(
        "Boltzmann machine",
        r"-\frac{1}{2}\log(1-\tanh^2w_1\tanh^2w_2)",
        lambda w: -np.log1p(-((np.tanh(w[:, 0]) * np.tanh(w[:, 1])) ** 2)) / 2,
        cube(2),
        _half,
        2,
        "Two visible units, one hidden, no biases: p/q − 1 = v₁v₂ tanh w₁ tanh w₂, so K ~ w₁²w₂².",
    ),
    Loss(
        "naive Bayes",
        r"\mathrm{KL}(\text{two fair bits}\,\|\,\text{naive Bayes, hidden bit})",
        _naive_bayes,
        ((0.0, 1.0), *cube(4, 0.5)),
        Fraction(3, 2),
        3,
        "Two means (1/2 each) and the covariance a(1 − a)(b₁ − c₁)(b₂ − c₂), a crossing of three (λ = 1/2, m = 3).",
    ),
    Loss(
        "rank one regression",
        r"\|BA\|^2,\ A:1\times2,\ B:2\times1",
        matrix_product(2, 1, 2),
        cube(4),
        Fraction(1),
        2,
        "‖BA‖² = |A|²|B|², and {|A| small} has λ = 2/2, {|B| small} too.",
    ),
    Loss(
        "reduced rank regression",
        r"\|BA\|^2,\ A,B:2\times2",
        matrix_product(2, 2, 2),
        cube(8),
        Fraction(3, 2),
        1,
        "Aoyagi & Watanabe 2005 with 2 inputs, 2 hidden units, 2 outputs, true rank 0.",
    ),
    Loss(
        "wide reduced rank regression",
        r"\|BA\|^2,\ A:2\times3,\ B:2\times2",
        matrix_product(3, 2, 2),
        cube(10),
        Fraction(2),
        2,
        "Aoyagi & Watanabe 2005 with 3 inputs, 2 hidden units, 2 outputs, true rank 0.",
    ),
    Loss(
        "deep linear network",
        r"\|W_3W_2W_1\|^2,\ \text{widths }1,2,2,1",
        matrix_product(1, 2, 2, 1),
        cube(8),
        _half,
        1,
        "K is the square of one polynomial: 1/2 on the smooth part of its zero set, and no singular point of it has "
        "less (Aoyagi's formula for deep linear networks, widths 1, 2, 2, 1, true rank 0).",
    ),
    # --- cautions --------------------------------------------------------------------------------
    Loss(
        "two components",
        "(w_1-1)^2(w_1^2+w_2^2)^4",
        lambda w: ((w[:, 0] - 1) * ((w**2).sum(1)) ** 2) ** 2,
        cube(2, 2.0),
        _quarter,
        1,
        "The line w₁ = 1 has λ = 1/2; at the origin K ~ |w|⁸, so λ = 2/8. The smaller one wins.",
    ),
    Loss(
        "boundary",
        "w_1+w_2^2",
        lambda w: w[:, 0] + w[:, 1] ** 2,
        ((0.0, 1.0), (-1.0, 1.0)),
        Fraction(3, 2),
        1,
        "The minimum lies on the edge w₁ = 0 of the box: ∫(ε − w₂²)₊ dw₂ = (4/3) ε^(3/2). Here λ > d/2.",
    ),
]

CATALOGUE = {loss.name: loss for loss in _ENTRIES}
"""The losses by name, regular ones first, then crossings, other coordinates, sums, models, cautions."""
