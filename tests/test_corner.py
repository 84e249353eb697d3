import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import linprog

from sltcourse.theory.corner import monomials_on_the_corner
from sltcourse.theory.newton import learning_coefficient
from sltcourse.theory.volume import fit, splitting

VOTES = [(1, 1, 0), (1, 0, 1), (0, 1, 1)]
KNOWN = [
    ([(1,)], Fraction(1), 1),
    ([(2,)], Fraction(1, 2), 1),
    ([(1, 1)], Fraction(1), 2),
    ([(1, 2)], Fraction(1, 2), 1),
    ([(1, 0), (0, 1)], Fraction(2), 1),
    (VOTES, Fraction(3, 2), 1),
    ([(1, 1, 0), (0, 1, 1)], Fraction(1), 1),
    ([(1, 1, 0, 0), (0, 0, 1, 1)], Fraction(2), 3),
    ([(1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 2, 0)], Fraction(5, 2), 1),
]


def random_monomials(seed, rows=5, d=4):
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 3, (rows, d)) * (rng.random((rows, d)) < 0.6)
    found[~found.any(1), 0] = 1
    return [tuple(map(int, alpha)) for alpha in found]


def face_dimension(A, lam, rng):
    """The dimension of {u ≥ 0 : A u ≥ 1, Σ u = λ}: the rank of the differences of its points that random aims find."""
    d = A.shape[1]
    found = [
        linprog(rng.normal(size=d), A_ub=-A, b_ub=-np.ones(len(A)), A_eq=np.ones((1, d)), b_eq=[float(lam)]).x
        for _ in range(30)
    ]
    return np.linalg.matrix_rank(np.array(found[1:]) - found[0], tol=1e-6)


@pytest.mark.parametrize(("exponents", "lam", "m"), KNOWN)
def test_known_corners(exponents, lam, m):
    found = monomials_on_the_corner(exponents)
    assert (found.lam, found.m) == (lam, m)


@pytest.mark.parametrize("seed", range(8))
def test_guard_and_packing_prove_each_other_and_m_is_the_dimension_of_the_face_of_guards(seed):
    found = monomials_on_the_corner(random_monomials(seed))
    A = np.array(found.monomials)
    assert sum(found.guard) == sum(found.packing) == found.lam
    assert min(found.guard) >= 0 and min(found.packing) >= 0
    assert min(A @ np.array(found.guard)) >= 1 and max(A.T @ np.array(found.packing)) <= 1
    assert found.m == 1 + face_dimension(A, found.lam, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(8))
def test_it_is_lambda_of_the_squares_under_the_prior_of_squares(seed):
    exponents = random_monomials(seed)
    theta = sp.symbols("t0:4")
    K = sum(sp.prod(t ** (2 * a) for t, a in zip(theta, alpha, strict=True)) for alpha in exponents)
    exact = learning_coefficient(K, theta, prior={t: 1 for t in theta})
    found = monomials_on_the_corner(exponents)
    assert exact.exact and (found.lam, found.m) == (exact.value, exact.multiplicity)


def measured(exponents, **effort):
    A = np.array(exponents)

    def K(h):
        return np.prod(h[:, None, :] ** A, axis=2).sum(1)

    return fit(splitting(K, [(0, 1)] * A.shape[1], seed=0, **effort))


def test_splitting_measures_the_corner_of_three_votes():
    found = measured(VOTES, eps=1e-20, particles=128)
    assert found.lam_given[0] == pytest.approx(1.5, abs=4 * found.se_given[0]) and found.se_given[0] < 0.03


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_splitting_measures_random_corners(seed):
    exact = monomials_on_the_corner(random_monomials(seed))
    found = measured(exact.monomials, eps=1e-20, particles=128)
    i = exact.m - 1
    assert found.lam_given[i] == pytest.approx(float(exact.lam), abs=4 * found.se_given[i])
    assert found.probability[i] > 0.01


def test_what_is_no_sum_of_monomials_that_vanishes_is_refused():
    with pytest.raises(ValueError, match="exponent 0"):
        monomials_on_the_corner([(0, 0)])
    with pytest.raises(ValueError, match="tuples"):
        monomials_on_the_corner([])
    with pytest.raises(ValueError, match="tuples"):
        monomials_on_the_corner([(1, -1)])


def test_more_monomials_never_lower_lambda():
    for seed in range(5):
        exponents = random_monomials(seed, rows=6)
        lams = [monomials_on_the_corner(exponents[:k]).lam for k in range(1, 7)]
        assert all(a <= b for a, b in itertools.pairwise(lams))
