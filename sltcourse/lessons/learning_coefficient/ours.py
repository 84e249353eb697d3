"""Our own versions of the three functions that the learner of lesson 04 writes."""

from collections.abc import Mapping, Sequence

import numpy as np
import sympy as sp
from scipy.optimize import linprog


def chart(K: sp.Expr, jacobian: sp.Expr | int, step: Mapping[sp.Symbol, sp.Expr]) -> tuple[sp.Expr, sp.Expr]:
    """K and the Jacobian in the coordinates of a chart, both factored (the Jacobian up to sign).

    ``K`` and ``jacobian`` are expressions in the old symbols; ``step`` maps each of them to an expression in as many
    new symbols, which may have the old names. dw = |det ∂w/∂u| du: the step's own determinant comes as a factor.
    """
    new = sorted(set().union(*(e.free_symbols for e in step.values())), key=str)
    own = sp.Matrix(list(step.values())).jacobian(new).det()
    return (
        sp.factor(K.subs(step, simultaneous=True)),
        sp.factor(sp.sympify(jacobian).subs(step, simultaneous=True) * own),
    )


def read_off(K: sp.Expr, jacobian: sp.Expr | int, point: Mapping[sp.Symbol, sp.Expr]) -> tuple[sp.Rational, int]:
    """(λ, m) at a point {symbol: number} of a chart where the factors of K that vanish are like coordinates.

    λ is the least (h + 1)/(2k) over these factors, with their powers 2k in K and h in ``jacobian``, and m the number of
    factors that attain it (Watanabe 2009, normal crossings). Raises ValueError where K is not 0.
    """
    h = dict(sp.factor_list(jacobian)[1])
    ratios = [
        sp.Rational(h.get(factor, 0) + 1, power)
        for factor, power in sp.factor_list(K)[1]
        if factor.subs(point) == 0
    ]  # fmt: skip
    return min(ratios), ratios.count(min(ratios))


def ray(dots: Sequence[Sequence[int]] | np.ndarray) -> tuple[float, np.ndarray]:
    """The cheapest plan: the least x₁ + … + x_d with x ≥ 0 and α·x ≥ 1 for all exponents α in ``dots``, shape (N, d).

    Returns its cost, a float, and the plan x, shape (d,). The cost is 1/t, where the diagonal enters the Newton
    polyhedron of the dots at (t, …, t): the dual linear program (Varchenko 1976).
    """
    alpha = np.array(dots)
    found = linprog(np.ones(alpha.shape[1]), A_ub=-alpha, b_ub=-np.ones(len(alpha)))
    return float(found.fun), found.x
