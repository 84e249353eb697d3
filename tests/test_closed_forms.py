from fractions import Fraction as F
from itertools import pairwise

import numpy as np
import pytest

from sltcourse.theory.closed_forms import deep_linear_network, reduced_rank_regression, tanh_network


@pytest.mark.parametrize(
    ("widths", "rank", "expected"),
    [
        ([5, 3, 5], 0, (F(13, 2), 2)),
        ([5, 4, 5], 0, (F(8), 1)),
        ([4, 3, 8], 0, (F(6), 1)),
        ([8, 3, 4], 0, (F(6), 1)),
        ([3, 8, 4], 0, (F(6), 1)),
        ([10, 10, 10], 0, (F(75, 2), 1)),
        ([100] * 6, 0, (F(3000), 1)),
        ([10, 20, 10], 10, (F(50), 1)),
        ([1, 1, 1], 0, (F(1, 2), 2)),  # w1²w2²
        ([1, 1, 1, 1], 0, (F(1, 2), 3)),  # w1²w2²w3²
        ([7, 3], 0, (F(21, 2), 1)),  # one layer: regular, d/2
        ([7, 3], 2, (F(21, 2), 1)),
    ],
)
def test_published_and_elementary_values(widths, rank, expected):
    assert deep_linear_network(widths, rank) == expected


def test_the_two_formulas_agree_wherever_both_apply():
    cases = 0
    for inputs in range(1, 10):
        for hidden in range(1, 10):
            for outputs in range(1, 10):
                for rank in range(min(inputs, hidden, outputs) + 1):
                    two_layers = deep_linear_network([inputs, hidden, outputs], rank)
                    assert two_layers == reduced_rank_regression(inputs, hidden, outputs, rank), (
                        inputs, hidden, outputs, rank)  # fmt: skip
                    cases += 1
    assert cases > 2500


@pytest.mark.parametrize("widths", [[4, 2, 3, 5], [3, 3, 6, 2], [6, 4, 5, 4, 6]])
def test_symmetries_and_bounds(widths):
    """Transposing the network changes nothing; rank 0 is symmetric in all widths; λ ≤ d/2."""
    for rank in range(min(widths) + 1):
        value, multiplicity = deep_linear_network(widths, rank)
        assert (value, multiplicity) == deep_linear_network(widths[::-1], rank)
        assert 0 < value <= F(sum(a * b for a, b in pairwise(widths)), 2)
    assert deep_linear_network(widths, 0) == deep_linear_network(sorted(widths), 0)


def test_learning_coefficient_of_the_smallest_network_from_its_volume():
    """[1, 2, 1] at rank 0 is K = (a·b)² with a, b ∈ ℝ²: V(ε) ∝ √ε, λ = 1/2, by Monte Carlo."""
    rng = np.random.default_rng(0)
    w = rng.uniform(-1, 1, (4_000_000, 4))
    k = (w[:, 0] * w[:, 2] + w[:, 1] * w[:, 3]) ** 2
    eps = np.array([1e-5, 1e-3])
    volume = [(k < e).mean() for e in eps]
    slope = np.diff(np.log(volume))[0] / np.diff(np.log(eps))[0]
    assert deep_linear_network([1, 2, 1], 0) == (F(1, 2), 1)
    assert abs(slope - 0.5) < 0.02


@pytest.mark.parametrize(
    ("widths", "rank", "words"),
    [([5], 0, "at least an input"), ([5, 0, 5], 0, "whole numbers"), ([5, 2.5, 5], 0, "whole numbers"),
     ([5, 3, 5], 4, "lies between 0 and 3"), ([5, 3, 5], -1, "lies between 0 and 3")],
)  # fmt: skip
def test_bad_input(widths, rank, words):
    with pytest.raises(ValueError, match=words):
        deep_linear_network(widths, rank)


def test_bad_rank_in_reduced_rank_regression():
    with pytest.raises(ValueError, match="lies between 0 and 3"):
        reduced_rank_regression(5, 3, 5, 4)


@pytest.mark.parametrize("hidden", range(1, 30))
def test_tanh_network_is_the_best_of_its_weighted_blow_ups(hidden):
    """K has order 2(2i + 1) in them, and the Jacobian adds up to H + Σ_{k≤i} (2i + 1 − (2k − 1)); ties give m = 2."""
    ratios = [
        F(hidden + sum(2 * i + 1 - (2 * k - 1) for k in range(1, i + 1)), 2 * (2 * i + 1)) for i in range(hidden + 1)
    ]
    assert tanh_network(hidden) == (min(ratios), ratios.count(min(ratios)))
    assert tanh_network(hidden)[0] <= F(2 * hidden, 2)


@pytest.mark.parametrize("hidden", [0, -1, 2.0])
def test_bad_number_of_units(hidden):
    with pytest.raises(ValueError, match="1 or more hidden units"):
        tanh_network(hidden)
