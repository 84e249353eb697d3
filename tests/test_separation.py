"""Germs that fall apart in other linear coordinates, products, and hyperplane arrangements: λ and m known by hand."""

from fractions import Fraction

import pytest
import sympy as sp

from sltcourse.theory import arrangements, separation
from sltcourse.theory.arrangements import arrangement
from sltcourse.theory.germ import germ
from sltcourse.theory.newton import search_coordinates
from sltcourse.theory.separation import common_factors, echelon, product, separated

x, y, z, t = w = sp.symbols("x y z t")
a, b, c = sp.symbols("a b c")
p, q, s = x + 2 * y + 2 * z, 2 * x + y - 2 * z, 2 * x - 2 * y + z  # at right angles


def decided(K, variables):
    found = search_coordinates(K if isinstance(K, list) else sp.expand(K), variables)
    assert found.exact, found
    return found.value, found.multiplicity


@pytest.mark.parametrize(
    "K, lam, m",
    [
        ((x**3 + y**3 + z**3 - 3 * x * y * z) ** 2, "1/2", 2),  # a plane times a line: u (v² + w²)
        ((x * y * (x - y)) ** 2 * (z * t * (z + t)) ** 2, "1/3", 2),  # 1/3 twice
        ((x * y * (x - y)) ** 2 * (z**2 - t**3) ** 2, "1/3", 1),  # 1/3 and 5/12
        (p**4 * q**2 + s**6, "5/12", 1),  # 1/4 + 1/6
        ((3 * x + 4 * y) ** 4 + (4 * x - 3 * y) ** 6, "5/12", 1),
        (
            [p * (q**2 + q * s), p * (q - s) ** 3 + p * q * s],
            "1/2",
            3,
        ),  # p, and (q (q + s), q s + …): s² (u, s) after q = s u, so 1 and m = 2
        ((x * y * z * (x - y) * (y - z) * (x - z)) ** 2, "1/4", 1),  # six planes through 0
        ((x - sp.sqrt(2) * y) ** 2 * (x + sp.sqrt(3) * y) ** 4, "1/4", 1),
        ([(a**3 + b**3 + c**3) * (y + z) * y, (a**3 + b**3 + c**3) * (y + z) * z], "1/2", 4),  # 1/2 with m = 2, twice
    ],
    ids=str,
)
def test_losses_that_fall_apart(K, lam, m):
    variables = sorted({v for f in (K if isinstance(K, list) else [K]) for v in f.free_symbols}, key=str)
    assert decided(K, variables) == (Fraction(lam), m)


def test_mixed_entries_of_a_product_of_matrices():
    """An invertible mixture of the four entries generates their ideal: λ = 3/2, m = 1 (Aoyagi & Watanabe 2005)."""
    a, b = (sp.Matrix(2, 2, sp.symbols(f"{name}1:5")) for name in "ab")
    entries = list(a * b)
    mixed = [entries[0] + 2 * entries[1] - entries[3], entries[1] + entries[2], entries[2] - 3 * entries[0],
             entries[3] + entries[0] + entries[1]]  # fmt: skip
    assert decided([sp.expand(f) for f in mixed], [*a, *b]) == (Fraction(3, 2), 1)


# ---- arrangements ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f, lam, m",
    [
        (x * y, "1/2", 2),
        (x * y**2 * z, "1/4", 1),
        (x * y * (x + y), "1/3", 1),  # 2/(2·3) for the point
        (x * y * (x + y) * (x - y), "1/4", 1),
        (x**2 * y * (x + y), "1/4", 2),  # 1/4 for the double line, 2/(2·4) for the point
        (x * y * z * (x + y + z), "3/8", 1),
        (x * y * (x + y) * z, "1/3", 1),
        (x * y * (x + y) * z * t * (z - t), "1/3", 2),  # two lines in 4-space, and what they span: 4/12
        (x * y * (x + y) * z**2 * (x + z) ** 3, "1/6", 2),  # the triple plane, and the line in it with 2/12
    ],
    ids=str,
)
def test_arrangements(f, lam, m):
    variables = sorted(f.free_symbols, key=str)
    assert arrangement(germ([f], variables)) == (Fraction(lam), m)


def test_an_arrangement_with_a_prior():
    """The line x = 0 has (1 + 1)/2, the point (2 + 1)/(2·3); with h = 2 for y, which is no factor, (2 + 2)/(2·2)."""
    assert arrangement(germ([x * y * (x + y)], [x, y], prior={x: 1})) == (Fraction(1, 2), 2)
    assert arrangement(germ([x * (x + y)], [x, y], prior={y: 2})) == (Fraction(1, 2), 1)
    assert arrangement(germ([(x + y) ** 2 * (x - y)], [x, y], prior={y: sp.Rational(-1, 2)})) == (Fraction(1, 4), 2)


def test_what_is_no_arrangement(monkeypatch):
    assert arrangement(germ([x * (y - x**2)], [x, y])) is None
    assert arrangement(germ([x * y, x + y], [x, y])) is None
    assert arrangement(germ([x * y * (1 + x)], [x, y])) == (Fraction(1, 2), 2)
    monkeypatch.setattr(arrangements, "_MOST_FLATS", 3)
    with pytest.raises(ArithmeticError, match="more than 3 flats"):
        arrangement(germ([x * y * z], [x, y, z]))


# ---- the steps -------------------------------------------------------------------------------------------------------


def generators(found):
    return [f.as_expr() for f in found.generators]


def test_generators_in_echelon_form():
    found = echelon(germ([x * y + y**2 + z**3, x * y - y**2 + z**3], w))
    assert {sp.expand(f) for f in generators(found)} == {x * y + z**3, y**2}
    assert echelon(germ([x * y + y**2, z**2], w)) is None and echelon(germ([x**2 - y**3], w)) is None


def test_factors_of_all_generators():
    factors, rest = common_factors(germ([x * (1 + z) * (y**2 + t), x * (1 + z) * t**3], w))
    assert [(f.as_expr(), power) for f, power in factors] == [(x, 1)]
    assert [sp.expand(f.as_expr()) for f in rest] == [y**2 + t, t**3]
    assert common_factors(germ([x * y, x * (y + 1)], w))[1] == []


def test_a_product_is_taken_apart():
    parts = product(germ([x * (z - t**2), x * t**3], w))
    assert sorted(map(str, map(generators, parts))) == ["[-t**2 + z, t**3]", "[x]"]
    parts = product(germ([(x**2 + t**3) * (y + z) * y, (x**2 + t**3) * (y + z) * z], w))  # y + z: the sum of the others
    found = [{sp.factor(f) for f in generators(part)} for part in parts]
    assert sorted(found, key=len) == [{x**2 + t**3}, {y * (y + z), z * (y + z)}]
    assert product(germ([x * y * t, x**2 * z], w)) is None
    [alone] = product(germ([(1 + x) * (x**2 - y**3)], w))
    assert generators(alone) == [x**2 - y**3]


def test_each_part_of_a_product_has_a_sign():
    """(−x² − y⁴)(−z² − t⁴): both parts are made positive."""
    K = germ(sp.expand((x**2 + y**4) * (z**2 + t**4)), w)
    K = K._replace(generators=(K.generators[0],), squares=False)
    assert {f.as_expr() for part in product(K) for f in part.generators} == {x**2 + y**4, z**2 + t**4}
    assert product(K._replace(generators=(-K.generators[0],))) is None


def test_coordinates_in_which_it_falls_apart():
    found = separated(germ([sp.expand((x + y) ** 3 + (z - t) ** 3)], w))
    assert {len(f.monoms()) for f in found.generators} == {2} and len(found.generators) == 1
    found = separated(germ(sp.expand((x + 2 * y) ** 4 + (x - y) ** 6), [x, y]))
    assert sorted(sum(m) for m in found.generators[0].monoms()) == [4, 6]
    assert separated(germ([x**2 + y**2 * z], [x, y, z])) is None
    assert separated(germ([x**2 * y], [x, y])) is None  # X = (0 0; 1 0) makes H X symmetric
    unit = 1 + t  # a variable of its own does not go on taking the germ to coordinates without it
    assert separated(germ([unit * (y**2 - z**3), unit * (y * z**2 + y**2 * z)], [y, z, t])) is None
    assert separated(germ([sp.expand((x + y) ** 3)], [x, y], prior={x: 1})) is None


def test_what_is_too_large_is_not_looked_at(monkeypatch):
    K = germ(sp.expand((x + 2 * y) ** 4 + (x - y) ** 6), [x, y])
    monkeypatch.setattr(separation, "_MOST_TERMS", 5)
    assert separated(K) is None
