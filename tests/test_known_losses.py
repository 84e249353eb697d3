"""The forty-six losses with proved or published λ and m, and linear networks that are recognised as such."""

import random
from fractions import Fraction
from functools import reduce
from itertools import pairwise

import pytest
import sympy as sp

from sltcourse.theory.closed_forms import deep_linear_network
from sltcourse.theory.germ import germ
from sltcourse.theory.linear_networks import linear_network as recognised
from sltcourse.theory.newton import search_coordinates
from tests.known_losses import KNOWN, linear_network


def test_there_are_forty_six():
    assert len(KNOWN) == 46


@pytest.mark.parametrize("name", KNOWN)
def test_each_known_loss_is_decided(name):
    """λ and m are exact and right."""
    known = KNOWN[name]
    found = search_coordinates(known.K, known.variables, known.point or None, known.prior or None)
    assert found.lower <= Fraction(known.lam) <= found.value
    assert found.exact and (found.value, found.multiplicity) == (Fraction(known.lam), known.m)


# ---- linear networks, whatever the variables are called and however K is written -------------------------------------


def shuffled(rng, items):
    items = list(items)
    rng.shuffle(items)
    return items


def deepest_point(widths, rank, rng):
    """Weights of rank ``rank`` in every layer: the diagonal ones after a change of basis in every layer."""

    def basis(size):
        lower, upper = (sp.Matrix(size, size, lambda i, j: int(bool(i == j))) for _ in range(2))
        for i in range(size):
            for j in range(i):
                lower[i, j], upper[j, i] = rng.randint(-1, 1), sp.Rational(rng.randint(-2, 2), 2)
        return lower * upper

    bases = [basis(size) for size in widths]
    return [
        bases[k + 1] * sp.Matrix(rows, columns, lambda i, j: int(bool(i == j and i < rank))) * bases[k].inv()
        for k, (columns, rows) in enumerate(pairwise(widths))
    ]


@pytest.mark.parametrize(
    ("widths", "rank"),
    [((2, 2, 2), 1), ((2, 3, 2), 1), ((3, 2, 2), 0), ((2, 1, 3), 1), ((2, 2, 2, 2), 1), ((2, 2, 3), 2)],
    ids=str,
)
@pytest.mark.parametrize("expanded", [False, True], ids=["list", "expanded"])
def test_a_network_is_recognised_under_other_names_and_in_other_bases(widths, rank, expanded):
    rng = random.Random(f"{widths} {rank}")
    product, weights, _ = linear_network(*widths)
    layers = deepest_point(widths, rank, rng)
    truth = reduce(lambda below, layer: layer * below, layers)
    entries = [f - c for f, c in zip(product, truth, strict=True)]
    point = dict(zip(weights, [x for W in layers for x in W], strict=True))
    if expanded:
        K = sp.expand(sp.Rational(3, 2) * sum(f**2 for f in entries))
    else:
        K = [rng.choice((-2, 1, 3)) * f for f in shuffled(rng, entries)]
    found = recognised(germ(K, shuffled(rng, weights), point))
    assert sorted(found.widths) == sorted(widths) and found.rank == rank and set(found.ranks) == {rank}
    assert found.known == deep_linear_network(widths, rank)


def test_what_is_no_network_is_not_taken_for_one():
    entries, weights, point = linear_network(2, 2, 2, rank=1)
    K = sp.expand(sum(f**2 for f in entries))
    for other in (
        [entries[0] + weights[1] ** 2, *entries[1:]],
        [entries[0] + weights[1], *entries[1:]],
        entries[:3],
        [f**2 for f in entries],
        K + weights[1] ** 4,
        K + weights[1] ** 2,
        -K,
    ):
        assert recognised(germ(other, weights, point)) is None
    assert recognised(germ(entries, weights, point, {weights[1]: 1})) is None
    assert recognised(germ(entries, weights, point)) is not None


def test_where_a_layer_has_more_rank_than_the_product_the_formula_is_not_used():
    """W_2 = 0 and W_1 = 1: K compares with |W_2|² there, so λ = 4/2, while the formula's λ = 3/2 belongs to 0."""
    entries, weights, _ = linear_network(2, 2, 2)
    point = (1, 0, 0, 1, 0, 0, 0, 0)
    found = recognised(germ(entries, weights, point))
    assert found.ranks == (2, 0) and found.rank == 0 and found.known is None
    answer = search_coordinates(entries, weights, point)
    assert answer.exact and (answer.value, answer.multiplicity) == (2, 1)


@pytest.mark.parametrize(
    ("widths", "rank", "expanded"),
    [
        ((3, 2, 2, 2), 1, False),
        ((3, 2, 3, 2), 1, False),
        ((2, 2, 2), 1, True),
        ((3, 2, 2), 0, True),
    ],
    ids=str,
)
def test_larger_and_expanded_networks_are_decided(widths, rank, expanded):
    entries, weights, point = linear_network(*widths, rank=rank)
    K = sp.expand(sum(f**2 for f in entries)) if expanded else entries
    found = search_coordinates(K, weights, point)
    assert found.exact and (found.value, found.multiplicity) == deep_linear_network(widths, rank)
