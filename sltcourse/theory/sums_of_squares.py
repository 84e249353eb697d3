"""A proof that a polynomial is positive: f = mᵀ G m with monomials m and an exact, positive definite G.

G is found in floating point, by an interior point method for the largest t with G − t·1 ⪰ 0, then rounded to fractions
that give f exactly, and checked by LDLᵀ in exact arithmetic. Nothing depends on the rounding errors but whether a proof
is found. Only sums of squares in the interior of their cone are recognised: where f has a real zero at which some of
the m are not 0, no such G exists.

Source: Parrilo 2003; Peyrl & Parrilo 2008.
"""

import itertools

import numpy as np
import sympy as sp
from scipy.optimize import linprog
from sympy.polys.rings import PolyElement

from sltcourse.theory.polyhedron import Exponent

_MOST_MONOMIALS, _MOST_UNKNOWNS = 30, 400
_STEPS = 60  # of Newton's method

_Pairs = dict[Exponent, list[tuple[int, int]]]
"""For each monomial of f, the places (i, j), i ≤ j, of the Gram matrix with m_i m_j equal to it."""


def is_positive(f: PolyElement) -> bool:
    """True if f = mᵀ G m is proved with G positive definite: f ≥ 0, and f > 0 off the coordinate planes. Rational f."""
    ring = f.ring
    if not f or not ring.domain.is_QQ:
        return False
    monomials = _half(f.monoms())
    if monomials is None:
        return False
    pairs: _Pairs = {}
    for i, j in itertools.combinations_with_replacement(range(len(monomials)), 2):
        m = tuple(a + b for a, b in zip(monomials[i], monomials[j], strict=True))
        pairs.setdefault(m, []).append((i, j))
    if not set(f.monoms()) <= set(pairs):
        return False
    size, scale = len(monomials), _balance(f)
    start, free = np.zeros((size, size)), []
    for m, places in pairs.items():
        total = float(f.get(m, 0)) * np.prod(scale ** -np.array(m, float))
        for i, j in places:  # the same share to each place, as close to the diagonal as that allows
            start[i, j] = start[j, i] = total / sum(1 + (a != b) for a, b in places)
        (p, q), *others = places
        free += [((p, q), other) for other in others]
    if len(free) > _MOST_UNKNOWNS:
        return False
    directions = np.zeros((len(free), size, size))
    for direction, ((p, q), (i, j)) in zip(directions, free, strict=True):
        direction[i, j] = direction[j, i] = 1.0
        direction[p, q] = direction[q, p] = -(1 + (i != j)) / (1 + (p != q))
    gram = _largest_shift(start, directions)
    return gram is not None and _proved(f, monomials, pairs, gram, scale)


def _half(exponents: list[Exponent]) -> list[Exponent] | None:
    """The exponents in half the convex hull of these: what can occur in the squares. None if they are too many."""
    alpha = np.array(exponents)
    low, high = alpha.min(0), alpha.max(0)
    degrees = alpha.sum(1)
    ranges = [range(-(-a // 2), b // 2 + 1) for a, b in zip(low, high, strict=True)]
    if np.prod([float(len(r)) for r in ranges]) > 20_000:
        return None
    kept = [m for m in itertools.product(*ranges) if degrees.min() <= 2 * sum(m) <= degrees.max()]
    if len(kept) > 4 * _MOST_MONOMIALS:
        return None
    columns, inside = np.vstack([alpha.T, np.ones(len(alpha))]), []
    present = set(exponents)
    for m in kept:
        double = tuple(2 * e for e in m)
        right = [*double, 1]
        if double in present or linprog(np.zeros(len(alpha)), A_eq=columns, b_eq=right).status == 0:
            inside.append(m)
    return inside if 0 < len(inside) <= _MOST_MONOMIALS else None


def _balance(f: PolyElement) -> np.ndarray:
    """Positive scales s_j, w_j → w_j / s_j, that bring the coefficients of the squares near one another."""
    squares = [(m, float(c)) for m, c in f.terms() if c > 0 and not any(e % 2 for e in m)]
    if len(squares) < 2:
        return np.ones(f.ring.ngens)
    rows = np.array([[*m, 1] for m, _ in squares], float)
    logs = np.linalg.lstsq(rows, np.log([c for _, c in squares]), rcond=None)[0][:-1]
    return np.exp(np.clip(logs, -20, 20))


def _largest_shift(start: np.ndarray, directions: np.ndarray) -> np.ndarray | None:
    """A positive definite start + Σ x_k directions_k with a smallest eigenvalue near the largest possible; or None."""
    one, scale = np.eye(len(start)), max(1.0, np.abs(start).max())
    start = start / scale
    family = np.concatenate([directions, -one[None]])  # the last unknown is t
    x = np.zeros(len(family))
    x[-1] = np.linalg.eigvalsh(start)[0] - 1
    best, weight = None, 1.0
    for _ in range(_STEPS):
        matrix = start + np.tensordot(x, family, 1)
        inverse = np.linalg.inv(matrix)
        products = inverse @ family
        gradient = -np.einsum("kii->k", products)
        gradient[-1] -= weight
        flat = products.reshape(len(family), -1)
        hessian = flat @ products.transpose(0, 2, 1).reshape(len(family), -1).T
        try:
            step = -np.linalg.solve(hessian + 1e-12 * np.eye(len(x)), gradient)
        except np.linalg.LinAlgError:
            return best
        decrement, length = float(-gradient @ step), 1.0
        while length > 1e-9 and np.linalg.eigvalsh(start + np.tensordot(x + length * step, family, 1))[0] <= 0:
            length /= 2
        x = x + (0.9 * length if length < 1 else 1 / (1 + max(decrement, 0.0) ** 0.5)) * step
        if x[-1] > 1e-7:
            best = scale * (start + np.tensordot(x[:-1], directions, 1))
            if x[-1] > 1e-3 or weight > 1e6:
                return best
        if decrement < 0.1:
            weight *= 4
            if weight > 1e10:
                break
    return best


def _proved(f: PolyElement, monomials: list[Exponent], pairs: _Pairs, gram: np.ndarray, scale: np.ndarray) -> bool:
    """Exact arithmetic: the Gram matrix rounded so that it gives f, and its LDLᵀ."""
    size = len(monomials)
    weights = np.array([np.prod(scale ** np.array(m, float)) for m in monomials])
    gram = gram * np.outer(weights, weights)
    rows = [[sp.QQ(0)] * size for _ in range(size)]
    for m, places in pairs.items():
        (p, q), *others = places
        rest = f.get(m, sp.QQ(0))
        for i, j in others:
            rows[i][j] = rows[j][i] = sp.QQ.from_sympy(sp.Rational(*float(gram[i, j]).as_integer_ratio()))
            rest -= (1 + (i != j)) * rows[i][j]
        rows[p][q] = rows[q][p] = rest / (1 + (p != q))
    for k in range(size):  # LDLᵀ: all pivots are positive
        pivot = rows[k][k]
        if pivot <= 0:
            return False
        for i in range(k + 1, size):
            times = rows[i][k] / pivot
            if times:
                rows[i] = [a - times * b for a, b in zip(rows[i], rows[k], strict=True)]
    return True
