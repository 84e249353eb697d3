"""Eleven families of singular models, each as its smallest honest instance.

Lectures on singular learning theory name ten; binomial and multinomial mixtures are one of them, and two here.

Each function returns a `Family`: a `Density` with exact points, one where it is singular, and one where it is
regular if there is any. `FAMILIES` lists them in the order in which the lectures name them. What a null direction
means is said in words, and `cause` names what makes the model singular.
"""

from dataclasses import dataclass
from functools import cache

import sympy as sp

from sltcourse.theory.fisher import Density, normal, regression

BIT = sp.FiniteSet(0, 1)
UNIT = sp.Interval.open(0, 1)
HALF = sp.Rational(1, 2)


@dataclass(frozen=True)
class Family:
    """One instance: its density, a singular point, a regular one (None if there is none), and what they mean.

    `singular` and `regular` give the parameters' values in the density's order, `direction` one null direction at the
    singular point; `at` says that point in words, `meaning` what the direction does in the model, and `cause` the
    structure behind it. `name` is the family's, `instance` which of it this is.
    """

    name: str
    instance: str
    density: Density
    singular: tuple[sp.Expr | int, ...]
    regular: tuple[sp.Expr | int, ...] | None
    direction: tuple[int, ...]
    at: str
    meaning: str
    cause: str


@cache
def layered_network() -> Family:
    """y = a·tanh(b x) + noise: two layers, one hidden unit. d = 2."""
    x, a, b = sp.symbols("x a b", real=True)
    return Family(
        "layered neural network",
        "y = a·tanh(bx) + noise",
        regression(a * sp.tanh(b * x), {x: sp.FiniteSet(-2, -1, 1, 2)}, [a, b]),
        (1, 0),
        (1, sp.log(2)),
        (1, 0),
        "the inner weight b is 0",
        "the outer weight a multiplies a unit that is off",
        "layers",
    )


@cache
def radial_basis() -> Family:
    """Two bumps y = a₁ exp(−(x−b₁)²/2) + a₂ exp(−(x−b₂)²/2) + noise. d = 4."""
    x, a1, b1, a2, b2 = sp.symbols("x a1 b1 a2 b2", real=True)
    mean = a1 * sp.exp(-((x - b1) ** 2) / 2) + a2 * sp.exp(-((x - b2) ** 2) / 2)
    return Family(
        "radial basis functions",
        "two bumps of heights a₁, a₂ at b₁, b₂, plus noise",
        regression(mean, {x: sp.FiniteSet(-2, -1, 0, 1, 2)}, [a1, b1, a2, b2]),
        (1, 0, 2, 0),
        (1, -1, 2, 1),
        (1, 0, -1, 0),
        "both bumps sit in one place",
        "height passes from one bump to the other under it",
        "exchangeable parts",
    )


@cache
def normal_mixture() -> Family:
    """(1−a)·N(0,1) + a·N(b,1). d = 2."""
    x, a, b = sp.symbols("x a b", real=True)
    return Family(
        "normal mixture",
        "(1−a)·N(0,1) + a·N(b,1)",
        Density((1 - a) * normal(x, 0) + a * normal(x, b), {x: sp.S.Reals}, {a: sp.Interval(0, 1), b: sp.S.Reals}),
        (HALF, 0),
        (HALF, 1),
        (1, 0),
        "the two components coincide",
        "their shares a and 1−a do not matter",
        "hidden variable",
    )


@cache
def binomial_mixture() -> Family:
    """(1−a)·Bin(3,p) + a·Bin(3,q): which of two coins was tossed three times? d = 3."""
    x = sp.Symbol("x", integer=True, nonnegative=True)
    a, p, q = sp.symbols("a p q", positive=True)

    def binomial(r: sp.Symbol) -> sp.Expr:
        return sp.binomial(3, x) * r**x * (1 - r) ** (3 - x)

    return Family(
        "binomial mixture",
        "coin 1 with chance 1−a, else coin 2; heads with chance p or q; 3 tosses",
        Density((1 - a) * binomial(p) + a * binomial(q), {x: sp.FiniteSet(0, 1, 2, 3)}, dict.fromkeys((a, p, q), UNIT)),
        (HALF, HALF, HALF),
        (HALF, sp.Rational(1, 4), sp.Rational(3, 4)),
        (0, 1, -1),
        "the two coins are alike",
        "one coin’s bias goes up, the other’s down: the average stays",
        "hidden variable",
    )


@cache
def multinomial_mixture() -> Family:
    """One of two three-sided dice, thrown three times; counts x1, x2 of the first two sides. d = 5."""
    draws = 3
    x1, x2 = sp.symbols("x1 x2", integer=True, nonnegative=True)
    a, p1, p2, q1, q2 = sp.symbols("a p1 p2 q1 q2", positive=True)
    counts = sp.FiniteSet(*range(draws + 1))

    def multinomial(r1: sp.Symbol, r2: sp.Symbol) -> sp.Expr:
        x3 = draws - x1 - x2
        ways = sp.factorial(draws) / (sp.factorial(x1) * sp.factorial(x2) * sp.factorial(x3))
        return sp.Piecewise((0, x3 < 0), (ways * r1**x1 * r2**x2 * (1 - r1 - r2) ** x3, True))

    third = sp.Rational(1, 3)
    return Family(
        "multinomial mixture",
        "die p with chance 1−a, else die q; 3 throws; p₁, p₂, q₁, q₂ the chances of sides 1 and 2",
        Density(
            (1 - a) * multinomial(p1, p2) + a * multinomial(q1, q2),
            {x1: counts, x2: counts},
            {a: UNIT, **dict.fromkeys((p1, p2, q1, q2), sp.Interval.open(0, HALF))},
        ),
        (HALF, third, third, third, third),
        (HALF, third / 2, third, third, third / 2),
        (0, 1, 0, -1, 0),
        "the two dice are alike",
        "the dice change in opposite ways: the average stays",
        "hidden variable",
    )


@cache
def model_mixture() -> Family:
    """(1−a)·Geometric(1/2) + a·Poisson(μ): two different models, superposed. d = 2."""
    x = sp.Symbol("x", integer=True, nonnegative=True)
    a, mu = sp.symbols("a mu", positive=True)
    poisson = sp.exp(-mu) * mu**x / sp.factorial(x)
    return Family(
        "mixture of statistical models",
        "(1−a)·Geometric(½) + a·Poisson(μ)",
        Density(
            (1 - a) * HALF ** (x + 1) + a * poisson,
            {x: sp.S.Naturals0},
            {a: sp.Interval(0, 1), mu: sp.Interval.open(0, sp.oo)},
        ),
        (0, 1),
        (HALF, 1),
        (0, 1),
        "the Poisson model has weight a = 0",
        "the parameter μ belongs to a model that is not in use",
        "superposition",
    )


@cache
def reduced_rank_regression() -> Family:
    """y = A B x + noise in two dimensions, with A a column and B a row. d = 4; singular everywhere."""
    x1, x2, a1, a2, b1, b2 = sp.symbols("x1 x2 a1 a2 b1 b2", real=True)
    hidden = b1 * x1 + b2 * x2
    return Family(
        "reduced rank regression",
        "y = ABx + noise, A a column, B a row",
        regression([a1 * hidden, a2 * hidden], {x1: BIT, x2: BIT}, [a1, a2, b1, b2]),
        (1, 2, 3, 4),
        None,
        (1, 2, -3, -4),
        "anywhere, as (tA, B/t) is the same map",
        "A grows as B shrinks, and their product stays",
        "continuous symmetry",
    )


@cache
def boltzmann_machine() -> Family:
    """Three visible units v ∈ {−1,1}³ and one hidden unit h: p(v) ∝ Σ_h exp(h·(w₁v₁ + w₂v₂ + w₃v₃)). d = 3."""
    v = sp.symbols("v1:4", real=True)
    w = sp.symbols("w1:4", real=True)
    pdf = sp.cosh(sum(a * b for a, b in zip(v, w, strict=True))) / (8 * sp.prod([sp.cosh(k) for k in w]))
    spin = sp.FiniteSet(-1, 1)
    return Family(
        "Boltzmann machine",
        "p(v) ∝ Σₕ exp(h(w₁v₁ + w₂v₂ + w₃v₃)), v and h = ±1",
        Density(pdf, dict.fromkeys(v, spin), dict.fromkeys(w, sp.S.Reals)),
        (sp.log(2), sp.log(2), 0),
        (sp.log(2), sp.log(2), sp.log(2)),
        (1, -1, 0),
        "the third spin is cut off, w₃ = 0",
        "w₁ up and w₂ down: only the correlation of v₁ and v₂ is seen",
        "hidden variable",
    )


@cache
def bayes_network() -> Family:
    """A hidden bit h with three visible children: naive Bayes. d = 7."""
    x = sp.symbols("x1:4", integer=True, nonnegative=True)
    a = sp.Symbol("a", positive=True)
    p, q = sp.symbols("p1:4", positive=True), sp.symbols("q1:4", positive=True)

    def child(r: tuple[sp.Symbol, ...]) -> sp.Expr:
        return sp.prod([s**k * (1 - s) ** (1 - k) for s, k in zip(r, x, strict=True)])

    return Family(
        "Bayes network",
        "hidden bit 1 with chance a; child i is 1 with chance pᵢ if it is 0, qᵢ if it is 1",
        Density((1 - a) * child(p) + a * child(q), dict.fromkeys(x, BIT), dict.fromkeys((a, *p, *q), UNIT)),
        (HALF,) * 7,
        (HALF, *[sp.Rational(1, 4)] * 3, *[sp.Rational(3, 4)] * 3),
        (1, 0, 0, 0, 0, 0, 0),
        "the children do not heed the hidden bit",
        "how often the hidden bit is 1 no longer matters",
        "hidden variable",
    )


@cache
def hidden_markov() -> Family:
    """Two hidden states with a uniform start, three visible bits; s, t switch the state, e, f emit a 1. d = 4."""
    x = sp.symbols("x1:4", integer=True, nonnegative=True)
    s, t, e, f = sp.symbols("s t e f", positive=True)
    switch = sp.Matrix([[1 - s, s], [t, 1 - t]])
    row = sp.Matrix([[HALF, HALF]])
    for step, bit in enumerate(x):
        emit = sp.diag(e**bit * (1 - e) ** (1 - bit), f**bit * (1 - f) ** (1 - bit))
        row = row * emit if step == 0 else row * switch * emit
    return Family(
        "hidden Markov model",
        "2 hidden states, equal start; s, t: chance to leave state 1, 2; e, f: chance to emit 1 there; 3 bits",
        Density(sum(row), dict.fromkeys(x, BIT), dict.fromkeys((s, t, e, f), UNIT)),
        (sp.Rational(1, 3), HALF, HALF, HALF),
        (sp.Rational(1, 3), HALF, sp.Rational(1, 4), sp.Rational(3, 4)),
        (1, 0, 0, 0),
        "both states emit alike, e = f",
        "how often the chain switches cannot be heard",
        "hidden variable",
    )


@cache
def context_free_grammar() -> Family:
    """S → x S y (p) | x T y (t) | xy, and T → x T y (q) | xy: the language xⁿyⁿ, with a hidden change of rules. d = 3.

    The word xⁿyⁿ has n − 1 nested rules above its core; after j of them as S, the nonterminal becomes T.
    The formula is written for p ≠ q; at p = q take the limit.
    """
    n = sp.Symbol("n", integer=True, positive=True)
    p, t, q = sp.symbols("p t q", positive=True)
    stays = p ** (n - 1) * (1 - p - t)
    changes = t * (1 - q) * (p ** (n - 1) - q ** (n - 1)) / (p - q)
    quarter = sp.Interval.open(0, HALF)
    return Family(
        "stochastic context-free grammar",
        "S → xSy (p) | xTy (t) | xy,  T → xTy (q) | xy",
        Density(stays + changes, {n: sp.S.Naturals}, {p: quarter, t: quarter, q: UNIT}),
        (sp.Rational(1, 4), sp.Rational(1, 4), HALF),
        (sp.Rational(1, 4), sp.Rational(1, 4), sp.Rational(3, 4)),
        (1, -1, 0),
        "T nests as often as S does, q = p + t",
        "when the grammar changed from S to T leaves no trace in the word",
        "grammatical rules",
    )


FAMILIES = (
    layered_network,
    radial_basis,
    normal_mixture,
    binomial_mixture,
    multinomial_mixture,
    model_mixture,
    reduced_rank_regression,
    boltzmann_machine,
    bayes_network,
    hidden_markov,
    context_free_grammar,
)
