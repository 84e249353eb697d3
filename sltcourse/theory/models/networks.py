"""Small neural networks and linear networks, with λ and m; the true function is 0 unless the name says otherwise."""

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from itertools import pairwise

import numpy as np
import sympy as sp

from sltcourse.theory.models import families
from sltcourse.theory.models.record import Model, cube

_a, _b, _c = sp.symbols("a b c", real=True)
_a1, _b1, _a2, _b2 = sp.symbols("a1 b1 a2 b2", real=True)
_x, _weight = np.polynomial.legendre.leggauss(12)  # inputs x, uniform on [−1, 1]; the weights add up to 2


def _network_loss(outputs: np.ndarray) -> np.ndarray:
    """½ E_x[f(x)²] for outputs f of shape (N, nodes): regression with unit noise where the true function is 0."""
    return outputs**2 @ (_weight / 4)


def _hidden_unit(a: np.ndarray, b: np.ndarray, c: float | np.ndarray = 0.0) -> np.ndarray:
    """a tanh(b x + c) at the nodes, shape (N, nodes), for a, b, c of shape (N,) (or c = 0)."""
    return a[:, None] * np.tanh(b[:, None] * _x + np.reshape(c, (-1, 1)))


def matrix_product(*widths: int) -> Callable[[np.ndarray], np.ndarray]:
    """‖W_L ⋯ W_1‖² (sum of squared entries) as a function of (N, d), W_i of shape widths[i] × widths[i−1].

    Two layers are reduced rank regression, more a deep linear network, with the truth of rank 0.
    """
    shapes = list(zip(widths[1:], widths[:-1], strict=True))

    def K(w: np.ndarray) -> np.ndarray:
        layers, start = [], 0
        for rows, columns in shapes:
            layers.append(w[:, start : start + rows * columns].reshape(-1, rows, columns))
            start += rows * columns
        product = reduce(lambda below, layer: layer @ below, layers)
        return np.einsum("nij,nij->n", product, product)

    return K


def _linear_network(name: str, latex: str, widths: tuple[int, ...], found: tuple[Fraction, int], source: str) -> Model:
    """The `Model` of a linear network with layer ``widths`` and truth 0; ``found`` is (λ, m)."""
    layers = [
        sp.Matrix(rows, columns, lambda i, j, k=k: sp.Symbol(f"W{k}_{i + 1}{j + 1}", real=True))
        for k, (columns, rows) in enumerate(pairwise(widths), 1)
    ]
    variables = tuple(w for layer in layers for w in layer)
    product = reduce(lambda below, layer: layer * below, layers)
    lam, m = found
    d = len(variables)
    return Model(name, latex, variables, tuple(product), (0,) * d, lam, m, source, cube(d),
                 matrix_product(*widths))  # fmt: skip


TANH = (
    Model(
        "tanh unit",
        r"\frac{1}{2}E_x[(a\tanh bx)^2]",
        (_a, _b),
        (_a * _b,),
        (0, 0),
        Fraction(1, 2),
        2,
        "K = a²b² times a positive function.",
        cube(2),
        lambda w: _network_loss(_hidden_unit(w[:, 0], w[:, 1])),
        lambda: families.layered_network().density,
    ),
    Model(
        "tanh unit with bias",
        r"\frac{1}{2}E_x[(a\tanh(bx+c))^2]",
        (_a, _b, _c),
        (_a * _b, _a * _c),
        (0, 0, 0),
        Fraction(1, 2),
        1,
        "K is between two multiples of a²(b² + c²): the smaller of 1/2 (from a) and 2/2 (from b, c).",
        cube(3),
        lambda w: _network_loss(_hidden_unit(w[:, 0], w[:, 1], w[:, 2])),
    ),
    Model(
        "two tanh units",
        r"\frac{1}{2}E_x[(a_1\tanh b_1x+a_2\tanh b_2x)^2]",
        (_a1, _b1, _a2, _b2),
        (_a1 * _b1 + _a2 * _b2, _a1 * _b1**3 + _a2 * _b2**3),
        (0, 0, 0, 0),
        Fraction(2, 3),
        1,
        "K compares with (a₁b₁ + a₂b₂)² + (a₁b₁³ + a₂b₂³)²; with H hidden units and i = ⌊√H⌋, "
        "λ = (H + i² + i)/(4i + 2) (Aoyagi & Watanabe, three-layer networks, true function 0).",
        cube(4),
        lambda w: _network_loss(_hidden_unit(w[:, 0], w[:, 1]) + _hidden_unit(w[:, 2], w[:, 3])),
    ),
)

LINEAR = (
    _linear_network(
        "rank one regression",
        r"\|BA\|^2,\ A:1\times2,\ B:2\times1",
        (2, 1, 2),
        (Fraction(1), 2),
        "‖BA‖² = |A|²|B|², and {|A| small} has λ = 2/2, {|B| small} too.",
    ),
    _linear_network(
        "reduced rank regression",
        r"\|BA\|^2,\ A,B:2\times2",
        (2, 2, 2),
        (Fraction(3, 2), 1),
        "Aoyagi & Watanabe 2005 with 2 inputs, 2 hidden units, 2 outputs, true rank 0.",
    ),
    _linear_network(
        "wide reduced rank regression",
        r"\|BA\|^2,\ A:2\times3,\ B:2\times2",
        (3, 2, 2),
        (Fraction(2), 2),
        "Aoyagi & Watanabe 2005 with 3 inputs, 2 hidden units, 2 outputs, true rank 0.",
    ),
    _linear_network(
        "deep linear network",
        r"\|W_3W_2W_1\|^2,\ \text{widths }1,2,2,1",
        (1, 2, 2, 1),
        (Fraction(1, 2), 1),
        "K is the square of one polynomial: 1/2 on the smooth part of its zero set, and no singular point of it has "
        "less (Aoyagi's formula for deep linear networks, widths 1, 2, 2, 1, true rank 0).",
    ),
)

TRUTH_NOT_ZERO = (
    Model(
        "radial basis functions",
        r"y=a_1e^{-(x-b_1)^2/2}+a_2e^{-(x-b_2)^2/2}+\text{noise}",
        (_a1, _b1, _a2, _b2),
        (_a1 + _a2 - 3, _a1 * _b1 + _a2 * _b2, _a1 * _b1**2 + _a2 * _b2**2),
        (1, 0, 2, 0),
        Fraction(5, 4),
        1,
        "Truth one bump of height 3 at 0. Height and first moment are regular, 1/2 each; where the first moment is 0 "
        "the second is b₂² times a unit, and the higher ones follow: 1/4.",
        density=lambda: families.radial_basis().density,
    ),
    Model(
        "reduced rank regression at rank one",
        r"\|AB-A_0B_0\|^2,\ A:2\times1,\ B:1\times2",
        (_a1, _a2, _b1, _b2),
        (_a1 * _b1 - 3, _a1 * _b2 - 4, _a2 * _b1 - 6, _a2 * _b2 - 8),
        (1, 2, 3, 4),
        Fraction(3, 2),
        1,
        "The matrices AB of rank one are a manifold of dimension 3, and (tA, B/t) gives the same one: "
        "3/2 (Aoyagi & Watanabe 2005 with 2 inputs, 1 hidden unit, 2 outputs, true rank 1).",
        density=lambda: families.reduced_rank_regression().density,
    ),
)
