"""Exact learning coefficients λ of models (real log canonical thresholds, RLCT), and their multiplicities m: formulas.

Linear networks and tanh networks of any size. `newton` and `blow_up` compute λ and m for a loss of your own.

For linear networks the λ is the *global* one of K(w) = ½ E‖(W_L ⋯ W_1 − A)x‖² with a true matrix A of rank r and
inputs of full covariance: the smallest local one over the parameters with W_L ⋯ W_1 = A. At rank 0 that is the λ at
the origin.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import ceil, isqrt
from numbers import Integral


def reduced_rank_regression(inputs: int, hidden: int, outputs: int, rank: int) -> tuple[Fraction, int]:
    """λ and m of y = W_2 W_1 x with ``hidden`` units and a true product of rank ``rank``.

    Source: Aoyagi & Watanabe 2005, "Stochastic complexities of reduced rank regression in Bayesian estimation",
    Neural Networks 18, main theorem. Raises ValueError for widths below 1 or a rank that the widths cannot have.
    ``inputs`` and ``outputs`` are the numbers of coordinates of x and y.

    >>> from sltcourse.theory.closed_forms import reduced_rank_regression
    >>> reduced_rank_regression(2, 2, 2, 0)
    (Fraction(3, 2), 1)
    >>> reduced_rank_regression(10, 20, 10, 10)
    (Fraction(50, 1), 1)
    """
    _check([inputs, hidden, outputs], rank)
    m_in, m_out, h, r = inputs, outputs, hidden, rank
    if h + r <= m_in + m_out and m_in + r <= h + m_out and m_out + r <= h + m_in:
        square = -((h + r) ** 2) - m_in**2 - m_out**2
        mixed = 2 * (h + r) * (m_in + m_out) + 2 * m_in * m_out
        odd = (h + r + m_in + m_out) % 2
        return Fraction(square + mixed + odd, 8), 1 + odd
    if m_in + m_out < h + r:
        return Fraction(m_in * m_out, 2), 1
    if h + m_out < m_in + r:
        return Fraction(h * m_out - h * r + m_in * r, 2), 1
    return Fraction(h * m_in - h * r + m_out * r, 2), 1


def deep_linear_network(widths: Sequence[int], rank: int) -> tuple[Fraction, int]:
    """λ and m of y = W_L ⋯ W_1 x with layer ``widths`` (H_1, …, H_{L+1}) and a true product of rank ``rank``.

    Source: Aoyagi 2024, "Consideration on the learning efficiency of multiple-layered neural networks with linear
    units", Neural Networks 172, main theorem, with M_i = H_i − r and the set Σ of the ℓ + 1 ≥ 2 smallest of them for
    which max Σ·ℓ ≤ ΣM < ℓ·(every other M). Raises ValueError for fewer than two widths, widths below 1 or a rank that
    the widths cannot have.

    >>> from sltcourse.theory.closed_forms import deep_linear_network
    >>> deep_linear_network([10, 20, 10], 10)
    (Fraction(50, 1), 1)
    >>> deep_linear_network([100] * 6, 0)
    (Fraction(3000, 1), 1)
    """
    _check(widths, rank)
    excess = sorted(width - rank for width in widths)
    chosen = next(
        excess[: count + 1]
        for count in range(1, len(excess))
        if count * excess[count] <= sum(excess[: count + 1])
        and (count + 1 == len(excess) or sum(excess[: count + 1]) < count * excess[count + 1])
    )
    ell, total = len(chosen) - 1, sum(chosen)
    a = total - (ceil(Fraction(total, ell)) - 1) * ell
    outer = Fraction(rank * (widths[0] + widths[-1]) - rank**2, 2)
    pairs = sum(x * y for x, y in combinations(chosen, 2))
    corank = Fraction(a * (ell - a), 4 * ell) - Fraction((ell - 1) * total**2, 4 * ell) + Fraction(pairs, 2)
    return outer + corank, a * (ell - a) + 1


def tanh_network(hidden: int) -> tuple[Fraction, int]:
    """λ and m of y = Σ a_i tanh(b_i x) + noise with ``hidden`` units, one input, and the true function 0.

    With i = ⌊√H⌋: λ = (H + i² + i)/(4i + 2), and m = 2 if H is a square, else 1. It is the smallest ratio of these
    blow-ups, one for each i: weight 1 for the b, weight 2i + 1 for the first i of the moments Σ a_j b_j^(2k+1), which
    are coordinates in place of i of the a. Source: Aoyagi & Watanabe 2005,
    "Resolution of singularities and the generalization error with Bayesian estimation for layered neural network",
    IEICE Transactions J88-D-II, 2112–2124. Raises ValueError for ``hidden`` below 1.

    >>> from sltcourse.theory.closed_forms import tanh_network
    >>> [tanh_network(hidden) for hidden in (1, 2, 4)]
    [(Fraction(1, 2), 2), (Fraction(2, 3), 1), (Fraction(1, 1), 2)]
    """
    if not isinstance(hidden, Integral) or hidden < 1:
        raise ValueError(f"a network has 1 or more hidden units, a whole number; got {hidden}.")
    hidden = int(hidden)
    i = isqrt(hidden)
    return Fraction(hidden + i**2 + i, 4 * i + 2), 1 + (hidden == i**2)


def _check(widths: Sequence[int], rank: int) -> None:
    try:
        few = len(widths) < 2
    except TypeError:
        raise ValueError(f"widths must be a list of whole numbers; got {widths!r}.") from None
    if few:
        raise ValueError(f"a linear network has at least an input and an output width; got {list(widths)}.")
    if any(not isinstance(width, Integral) or width < 1 for width in widths):
        raise ValueError(f"widths are whole numbers, 1 or more; got {list(widths)}.")
    if not isinstance(rank, Integral) or not 0 <= rank <= min(widths):
        raise ValueError(f"the rank of the true product lies between 0 and {min(widths)}; got {rank}.")
