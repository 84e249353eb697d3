"""Forty-six losses whose λ and m are proved or published, as the exact room takes them: K, or f_i with K ~ Σ f_i².

``python -m tests.known_losses`` prints what `search_coordinates` says of each, and how long it thinks. An entry that
is no polynomial (a network with tanh, a divergence) stands here with the ideal that its Taylor series generates at the
point; a boundary w ≥ 0 as w = u² with the prior |u|.
"""

import time
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import sympy as sp

from sltcourse.theory.newton import search_coordinates

w1, w2, w3, w4 = w = sp.symbols("w1:5", real=True)
a, b, c, b1, b2, c1, c2, a1, a2 = sp.symbols("a b c b1 b2 c1 c2 a1 a2", real=True)
half = sp.Rational(1, 2)


class Known(NamedTuple):
    """K or [f_i], its variables, λ, m, a point (the origin if empty), a prior Π|w|^h, and where λ comes from."""

    K: object
    variables: list
    lam: str
    m: int
    source: str
    point: tuple = ()
    prior: dict = {}  # noqa: RUF012 - never changed


def linear_network(*widths, rank=0):
    """The entries of W_L ⋯ W_1 − A, the weights, and a point with W_L ⋯ W_1 = A of that rank."""
    layers = [
        sp.Matrix(rows, columns, lambda i, j, k=k: sp.Symbol(f"w{k}_{i}_{j}", real=True))
        for k, (columns, rows) in enumerate(pairwise(widths))
    ]
    product = reduce(lambda below, layer: layer * below, layers)
    truth = sp.Matrix(widths[-1], widths[0], lambda i, j: int(bool(i == j and i < rank)))
    point = [int(bool(i == j and i < rank)) for W in layers for i in range(W.rows) for j in range(W.cols)]
    return list(product - truth), [weight for W in layers for weight in W], tuple(point)


def _network(widths, lam, m, rank=0):
    entries, weights, point = linear_network(*widths, rank=rank)
    paper = "Aoyagi & Watanabe 2005" if len(widths) == 3 else "Aoyagi 2024"
    return Known(entries, weights, lam, m, paper, point)


def _moments(count, first=b, second=c):
    return [(1 - a) * first**k + a * second**k for k in range(1, count + 1)]


_form = sum((1 if i == j else sp.Rational(3, 5)) * s * t for i, s in enumerate(w) for j, t in enumerate(w))
_hidden_bit = [(1 - a) * b1 + a * c1, (1 - a) * b2 + a * c2, (1 - a) * b1 * b2 + a * c1 * c2]
_additive = "λ adds up over parts that share no variable, and so does m − 1"
_crossing = "normal crossing: min (h + 1)/(2k), and how many attain it"
_polyhedron = "sum of squares of monomials: Newton polyhedron"
_linear = "a linear change of coordinates"

KNOWN = {
    "line": Known(w1**2, [w1], "1/2", 1, _crossing),
    "ball": Known(w1**2 + w2**2 + w3**2, [w1, w2, w3], "3/2", 1, "V = (4/3)π ε^(3/2)"),
    "correlated form in four": Known(_form, list(w), "2", 1, "an ellipsoid"),
    "boundary": Known(w1**2 + w2**2, [w1, w2], "3/2", 1, "V = (4/3) ε^(3/2)", prior={w1: 1}),
    "cubic mean": Known(w1**6, [w1], "1/6", 1, _crossing),
    "cross": Known(w1**2 * w2**2, [w1, w2], "1/2", 2, _crossing),
    "uneven cross": Known(w1**2 * w2**4, [w1, w2], "1/4", 1, _crossing),
    "flat cross": Known(w1**4 * w2**4, [w1, w2], "1/4", 2, _crossing),
    "three planes": Known(w1**2 * w2**2 * w3**2, [w1, w2, w3], "1/2", 3, _crossing),
    "prior that vanishes": Known(w1**2 * w2**4, [w1, w2], "1/2", 2, _crossing, prior={w2: 1}),
    "flat valley": Known(w1**2 + w2**4, [w1, w2], "3/4", 1, _additive),
    "cusp": Known((w1**2 + w2**3) ** 2, [w1, w2], "5/12", 1, "weights (3, 2)"),
    "rounded cross": Known(w1**2 * w2**2 + w1**6 + w2**6, [w1, w2], "1/2", 2, _polyhedron),
    "Newton edge": Known(w1**2 * w2**4 + w1**6, [w1, w2], "1/3", 1, _polyhedron),
    "line plus cross": Known(w1**2 + w2**2 * w3**2, [w1, w2, w3], "1", 2, _additive),
    "turned uneven cross": Known((w1 - w2) ** 2 * (w1 + w2) ** 4, [w1, w2], "1/4", 1, _linear),
    "turned cross": Known((w1 - w2) ** 2 * (w1 + w2) ** 2, [w1, w2], "1/2", 2, _linear),
    "bent valley": Known((w2 - w1**2) ** 2 + w1**6, [w1, w2], "2/3", 1, "u = w2 − w1²"),
    "parabola": Known((w2 - w1**2) ** 2, [w1, w2], "1/2", 1, "u = w2 − w1²"),
    "power sums": Known([w1 + w2 + w3, w1**2 + w2**2 + w3**2], [w1, w2, w3], "1", 1, "1/2 + 2/4 on Σw = 0"),
    "product of three": Known((w1 * w2 * w3) ** 2 / 2, [w1, w2, w3], "1/2", 3, _crossing),
    "tanh unit": Known([a * b], [a, b], "1/2", 2, "a² b² times a unit"),
    "tanh unit at b = 1": Known([a * b], [a, b], "1/2", 1, "a² times a unit", (0, 1)),
    "tanh unit with bias": Known([a * b, a * c], [a, b, c], "1/2", 1, "a² (b² + c²)"),
    "ReLU unit": Known((w1 * w2) ** 2 / 12, [w1, w2], "1/2", 2, _crossing),
    "two tanh units": Known([a1 * b1 + a2 * b2, a1 * b1**3 + a2 * b2**3], [a1, b1, a2, b2], "2/3", 1,
                            "Aoyagi & Watanabe 2005, IEICE"),
    "normal mixture": Known([a * b, a * b**2], [a, b], "1/2", 2, "p/q − 1 = ab times a unit"),
    "full normal mixture": Known(_moments(3), [a, b, c], "3/4", 1, "Aoyagi 2010", (half, 0, 0)),
    "binomial mixture, one known": Known([a * c, a * c**2], [a, c], "1/2", 2, "the ideal (ac)"),
    "binomial mixture": Known(_moments(2), [a, b, c], "3/4", 1, "two moments: 1/2 + 1/4", (half, 0, 0)),
    "Bernoulli mixture": Known(_moments(1), [a, b, c], "1/2", 1, "one mean", (half, 0, 0)),
    "naive Bayes": Known(_hidden_bit, [a, b1, b2, c1, c2], "3/2", 3, "Rusakov & Geiger 2005, theorem 4"),
    "Boltzmann machine": Known([w1 * w2], [w1, w2], "1/2", 2, "p/q − 1 = v₁v₂ tanh w₁ tanh w₂"),
    "regression 1-1-1": _network((1, 1, 1), "1/2", 2),
    "regression 2-1-2": _network((2, 1, 2), "1", 2),
    "regression 2-2-2": _network((2, 2, 2), "3/2", 1),
    "regression 3-2-2": _network((3, 2, 2), "2", 2),
    "regression 3-3-3": _network((3, 3, 3), "7/2", 2),
    "regression 2-2-2, rank 1": _network((2, 2, 2), "2", 2, rank=1),
    "regression 1-2-4": _network((1, 2, 4), "1", 1),
    "regression 2-1-3, rank 1": _network((2, 1, 3), "2", 1, rank=1),
    "regression 2-5-2": _network((2, 5, 2), "2", 1),
    "regression 1-3-1": _network((1, 3, 1), "1/2", 1),
    "deep 1-1-1-1": _network((1, 1, 1, 1), "1/2", 3),
    "deep 1-2-2-1": _network((1, 2, 2, 1), "1/2", 1),
    "deep 2-2-2-2, rank 1": _network((2, 2, 2, 2), "2", 3, rank=1),
}  # fmt: skip


def main():
    """A table: what is decided, what is bounded, and the seconds of processor time."""
    for name, known in KNOWN.items():
        start = time.process_time()
        found = search_coordinates(known.K, known.variables, known.point or None, known.prior or None)
        seconds = time.process_time() - start
        right = found.exact and (found.value, found.multiplicity) == (Fraction(known.lam), known.m)
        verdict = "decided" if right else "WRONG" if found.exact else "bounded"
        print(f"{name:28s} λ = {known.lam:5s} m = {known.m}   {verdict:8s} {found!s:32s} {seconds:6.2f} s", flush=True)


if __name__ == "__main__":
    main()
