"""The theory room's Fisher information, against brute force: enumeration, quadrature and finite differences."""

import itertools
import math
import time

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from sltcourse.theory import integrals
from sltcourse.theory.fisher import (
    Density,
    InfiniteInformation,
    Undecided,
    certify,
    fisher_matrix,
    normal,
    prove_null,
    regression,
    reparametrise,
)
from sltcourse.theory.models import families

R = sp.Rational
x, w, a, b, u, v = sp.symbols("x w a b u v", real=True)
k = sp.Symbol("k", integer=True, nonnegative=True)
r = sp.Symbol("r", positive=True)
POISSON = sp.exp(-1) / sp.factorial(k)
GEOMETRIC = (1 - r) * r**k


@pytest.fixture(scope="module")
def family():
    return {make.__name__: make() for make in families.FAMILIES}


# ------------------------------------------------------------------------------------------ closed formulas


def test_the_two_first_examples_and_the_missing_factor():
    line, cubic = (Density(normal(x, m), {x: sp.S.Reals}, [w]) for m in (w, w**3))
    deck = Density(sp.exp(-((x - w**3) ** 2)) / sp.sqrt(sp.pi), {x: sp.S.Reals}, [w])
    assert fisher_matrix(line) == sp.Matrix([[1]])
    assert fisher_matrix(cubic) == sp.Matrix([[9 * w**4]])
    assert fisher_matrix(deck) == sp.Matrix([[18 * w**4]])
    assert fisher_matrix(deck.__class__(deck.pdf.subs(w**3, w), deck.variables, [w])) == sp.Matrix([[2]])
    assert certify(cubic, [0]).singular and not certify(cubic, [R(1, 10)]).singular and not certify(line, [0]).singular


def test_textbook_matrices():
    s, m, q = sp.symbols("s mu q", positive=True)
    naturals, positive = {k: sp.S.Naturals0}, sp.Interval.open(0, sp.oo)
    gauss = Density(normal((x - w) / s, 0) / s, {x: sp.S.Reals}, {w: sp.S.Reals, s: positive})
    assert fisher_matrix(gauss) == sp.diag(1 / s**2, 2 / s**2)
    assert fisher_matrix(Density(sp.exp(-x / s) / s, {x: sp.Interval(0, sp.oo)}, {s: positive})) == sp.Matrix([[s**-2]])
    poisson = Density(sp.exp(-m) * m**k / sp.factorial(k), naturals, {m: positive})
    assert fisher_matrix(poisson) == sp.Matrix([[1 / m]])
    geometric = fisher_matrix(Density(GEOMETRIC, naturals, {r: sp.Interval.open(0, 1)}))
    assert sp.simplify(geometric[0] - 1 / (r * (1 - r) ** 2)) == 0
    angle = Density((1 + w * sp.cos(x)) / (2 * sp.pi), {x: sp.Interval(0, 2 * sp.pi)}, {w: sp.Interval(-1, 1)})
    assert fisher_matrix(angle, [0]) == sp.Matrix([[R(1, 2)]]) and not certify(angle, [R(1, 2)]).singular
    coin = Density(q**k * (1 - q) ** (1 - k), {k: sp.FiniteSet(0, 1)}, {q: sp.Interval.open(0, 1)})
    assert sp.simplify(fisher_matrix(coin)[0] - 1 / (q * (1 - q))) == 0


def test_inputs_may_be_continuous():
    model = regression(a * x + b, {x: sp.S.Reals}, [a, b], normal(x, 0))
    assert fisher_matrix(model) == sp.eye(2)
    uniform = regression(a * x + b * x**2, {x: sp.Interval(0, 1)}, [a, b], sp.S.One)
    assert fisher_matrix(uniform) == sp.Matrix([[R(1, 3), R(1, 4)], [R(1, 4), R(1, 5)]])


def test_mixture_at_its_singular_points_by_quadrature(family):
    model = family["normal_mixture"].density
    for point, score in (
        ((R(1, 2), 0), lambda z: np.array([0 * z, z / 2])),
        ((0, R(3, 2)), lambda z: np.array([np.exp(1.5 * z - 1.125) - 1, 0 * z])),
    ):
        z = np.linspace(-12, 14, 20001)
        s = score(z)
        brute = integrate.trapezoid(s[:, None] * s[None] * stats.norm.pdf(z), z)
        assert np.allclose(np.array(fisher_matrix(model, point), float), brute, rtol=1e-8)


# ----------------------------------------------------------------------- the ten families, by brute force


def numerical_jacobian(f, at, h=1e-5):
    """∂f/∂w by central differences, shape (values, d)."""
    at = np.array(at, float)
    steps = h * np.eye(len(at))
    return np.array([(f(at + e) - f(at - e)) / (2 * h) for e in steps]).T


def hidden_markov(w):
    s, t, e, f = w
    switch, emit = [[1 - s, s], [t, 1 - t]], [[1 - e, e], [1 - f, f]]
    p = []
    for bits in itertools.product([0, 1], repeat=3):
        p.append(0.0)
        for path in itertools.product([0, 1], repeat=3):
            weight = 0.5 * emit[path[0]][bits[0]]
            for i in (1, 2):
                weight *= switch[path[i - 1]][path[i]] * emit[path[i]][bits[i]]
            p[-1] += weight
    return np.array(p)


def grammar(w, longest=80):
    """P(xⁿyⁿ) for n = 1 … longest by following the derivations, one nest at a time."""
    p, t, q = w
    as_s, as_t, words = 1.0, 0.0, []
    for _ in range(longest):
        words.append(as_s * (1 - p - t) + as_t * (1 - q))
        as_s, as_t = as_s * p, as_s * t + as_t * q
    return np.array(words)


def boltzmann(w):
    weights = [sum(math.exp(h * np.dot(w, spins)) for h in (-1, 1)) for spins in itertools.product([-1, 1], repeat=3)]
    return np.array(weights) / sum(weights)


def binomial(w):
    share, p, q = w
    return (1 - share) * stats.binom.pmf(range(4), 3, p) + share * stats.binom.pmf(range(4), 3, q)


def multinomial(w):
    share, p1, p2, q1, q2 = w
    counts = [(i, j, 3 - i - j) for i in range(4) for j in range(4 - i)]
    p, q = (stats.multinomial(3, [r1, r2, 1 - r1 - r2]) for r1, r2 in ((p1, p2), (q1, q2)))
    return np.array([(1 - share) * p.pmf(c) + share * q.pmf(c) for c in counts])


def naive_bayes(w):
    share, p, q = w[0], w[1:4], w[4:]
    bits = np.array(list(itertools.product([0, 1], repeat=3)))
    return (1 - share) * np.prod(np.where(bits, p, 1 - p), 1) + share * np.prod(np.where(bits, q, 1 - q), 1)


def superposed(w):
    share, mu = w
    n = np.arange(60)
    return (1 - share) * 0.5 ** (n + 1) + share * stats.poisson.pmf(n, mu)


DISCRETE = {
    "hidden_markov": hidden_markov,
    "context_free_grammar": grammar,
    "boltzmann_machine": boltzmann,
    "binomial_mixture": binomial,
    "multinomial_mixture": multinomial,
    "bayes_network": naive_bayes,
    "model_mixture": superposed,
}

MEANS = {
    "layered_network": ([-2, -1, 1, 2], lambda w, z: w[0] * np.tanh(w[1] * z)),
    "radial_basis": (
        [-2, -1, 0, 1, 2],
        lambda w, z: w[0] * np.exp(-((z - w[1]) ** 2) / 2) + w[2] * np.exp(-((z - w[3]) ** 2) / 2),
    ),
    "reduced_rank_regression": (
        [(0, 0), (0, 1), (1, 0), (1, 1)],
        lambda w, z: np.outer(w[:2], w[2:]) @ np.array(z, float),
    ),
}


def brute_force(name, point):
    """The Fisher matrix without sympy: outcomes enumerated, or inputs averaged, and derivatives by differences."""
    point = np.array([float(c) for c in point])
    if name in DISCRETE:
        p, jacobian = DISCRETE[name](point), numerical_jacobian(DISCRETE[name], point)
        return (jacobian / p[:, None]).T @ jacobian
    inputs, mean = MEANS[name]
    jacobians = [numerical_jacobian(lambda w, z=z: np.atleast_1d(mean(w, z)), point) for z in inputs]
    return sum(j.T @ j for j in jacobians) / len(inputs)


@pytest.mark.parametrize("name", [*DISCRETE, *MEANS])
def test_fisher_matrix_of_each_family(family, name):
    exact = np.array(fisher_matrix(family[name].density, family[name].singular), float)
    assert np.allclose(exact, brute_force(name, family[name].singular), atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(DISCRETE) - {"context_free_grammar", "model_mixture"} | set(MEANS)))
def test_fisher_matrix_at_the_regular_points(family, name):
    if family[name].regular is None:
        return
    exact = np.array(fisher_matrix(family[name].density, family[name].regular), float)
    assert np.allclose(exact, brute_force(name, family[name].regular), rtol=1e-5, atol=1e-6)


RANKS = {  # at the singular point, and d
    "layered_network": (1, 2),
    "radial_basis": (2, 4),
    "normal_mixture": (1, 2),
    "binomial_mixture": (1, 3),
    "multinomial_mixture": (2, 5),
    "model_mixture": (1, 2),
    "reduced_rank_regression": (3, 4),
    "boltzmann_machine": (2, 3),
    "bayes_network": (3, 7),
    "hidden_markov": (2, 4),
    "context_free_grammar": (2, 3),
}


@pytest.mark.parametrize("make", families.FAMILIES, ids=lambda make: make.__name__)
def test_each_family_is_certified(family, make):
    f = family[make.__name__]
    found = certify(f.density, f.singular)
    assert (found.rank, found.dimension) == RANKS[make.__name__] and found.singular
    assert len(found.null) == found.dimension - found.rank == sp.Matrix(found.null).rank()
    matrix = fisher_matrix(f.density, f.singular)  # the equivalence: the null space of I is that of ∇p
    assert matrix.rank() == found.rank
    assert all(matrix * sp.Matrix(direction) == sp.zeros(len(direction), 1) for direction in found.null)
    if f.regular:
        regular = certify(f.density, f.regular)
        assert regular.rank == regular.dimension and abs(regular.minor) > 1e-3 and not regular.null


def test_reduced_rank_regression_is_singular_everywhere(family):
    model = family["reduced_rank_regression"].density
    a1, a2, b1, b2 = model.parameters
    assert prove_null(model, {}, (a1, a2, -b1, -b2)).holds  # at every (A, B); at 0 all directions are null
    assert certify(model, (0, 0, 0, 0)).rank == 0
    assert certify(model, (1, 0, 0, 0)).rank == 2


# --------------------------------------------------------------------------------- proofs and certificates


def test_proofs_hold_on_whole_lines(family):
    neuron, mixture = family["layered_network"].density, family["normal_mixture"].density
    for model in (neuron, mixture):
        first, second = model.parameters
        assert prove_null(model, {second: 0}, {first: 1}).holds
        assert prove_null(model, {first: 0}, {second: 1}).holds
        assert not prove_null(model, {second: 0}, {second: 1}).holds
        assert not prove_null(model, {}, {first: 1}).holds
    coins = family["binomial_mixture"].density
    share, p, q = coins.parameters
    proof = prove_null(coins, {q: p}, (0, share, share - 1))
    assert proof.holds and proof.simplified == 0 and proof.derivative != 0
    cfg = family["context_free_grammar"].density
    p, t, q = cfg.parameters
    assert prove_null(cfg, {q: p + t}, (1, -1, 0)).holds


def test_a_refused_direction_shows_what_is_left():
    model = Density(normal(x, w**3), {x: sp.S.Reals}, [w])
    proof = prove_null(model, [1], [1])
    assert not proof.holds
    assert sp.simplify(proof.simplified - 3 * (x - 1) * normal(x, 1)) == 0


def test_label_switching_alone_is_not_singular(family):
    """Two points with the same density, and full rank at both."""
    model = family["binomial_mixture"].density
    share, p, q = model.parameters
    here, there = (R(1, 3), R(1, 4), R(3, 4)), (R(2, 3), R(3, 4), R(1, 4))
    at_here, at_there = (model.pdf.subs(dict(zip((share, p, q), point, strict=True))) for point in (here, there))
    (count,) = model.variables
    assert all(sp.simplify((at_here - at_there).subs(count, i)) == 0 for i in range(4))
    assert certify(model, here).rank == certify(model, there).rank == 3


def test_irrational_points_are_certified(family):
    machine = family["boltzmann_machine"].density
    found = certify(machine, (sp.log(2), sp.log(3), 0))
    (direction,) = found.null
    assert direction[2] == 0 and direction[0] * R(40, 9) + direction[1] * R(15, 8) == 0  # sinh(2 log 3), sinh(2 log 2)
    assert [certify(machine, point).rank for point in ((1, 0, 0), (0, 0, 0))] == [2, 0]
    with pytest.raises(Undecided, match="not recognised"):
        certify(machine, (R(1, 2), 1, 0))  # sinh 2 / sinh 1
    assert prove_null(machine, (R(1, 2), 1, 0), (sp.sinh(1), -sp.sinh(2), 0)).holds
    (direction,) = certify(family["reduced_rank_regression"].density, (1, sp.sqrt(2), 3, 4)).null
    assert sp.Matrix([direction, (1, sp.sqrt(2), -3, -4)]).rank() == 1


# ------------------------------------------------------------------------------------- no Fisher matrix there


@pytest.mark.parametrize("ratio", [R(1, 100), R(1, 2), R(99, 100)])
def test_poisson_and_geometric_have_infinite_information(ratio):
    model = Density(
        (1 - a) * POISSON + a * GEOMETRIC, {k: sp.S.Naturals0}, {a: sp.Interval(0, 1), r: sp.Interval.open(0, 1)}
    )
    with pytest.raises(InfiniteInformation, match="score ∂ log p/∂a is not square integrable"):
        fisher_matrix(model, (0, ratio))
    found = certify(model, (0, ratio))
    assert found.rank == 1 and found.null == ((0, 1),)


def test_geometric_and_poisson_the_other_way_round_is_finite():
    model = Density((1 - a) * GEOMETRIC.subs(r, R(1, 2)) + a * POISSON, {k: sp.S.Naturals0}, {a: sp.Interval(0, 1)})
    n = np.arange(100)
    brute = np.sum(stats.poisson.pmf(n, 1) ** 2 / 0.5 ** (n + 1)) - 1
    assert math.isclose(float(fisher_matrix(model, [0])[0]), brute, rel_tol=1e-12)


def test_heavy_and_light_tails():
    def wider(variance):
        wide = sp.exp(-(x**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)
        return Density((1 - a) * normal(x, 0) + a * wide, {x: sp.S.Reals}, {a: sp.Interval(0, 1)})

    z = np.linspace(-60, 60, 200001)
    brute = integrate.trapezoid(stats.norm.pdf(z, scale=math.sqrt(1.5)) ** 2 / stats.norm.pdf(np.clip(z, -37, 37)), z)
    assert math.isclose(float(fisher_matrix(wider(R(3, 2)), [0])[0]), brute - 1, rel_tol=1e-6)
    for variance in (2, 4):
        with pytest.raises(InfiniteInformation):
            fisher_matrix(wider(variance), [0])


@pytest.mark.parametrize("rate", [R(1, 4), R(1, 2), 1, 3])
def test_mixed_waiting_times(rate):
    s = sp.Symbol("s", positive=True)
    pdf = (1 - a) * sp.exp(-x) + a * s * sp.exp(-s * x)
    model = Density(pdf, {x: sp.Interval(0, sp.oo)}, {a: sp.Interval(0, 1), s: sp.Interval.open(0, sp.oo)})
    if rate <= R(1, 2):  # s² e^{−2sx} against e^{−x}
        with pytest.raises(InfiniteInformation):
            fisher_matrix(model, (0, rate))
    else:
        assert fisher_matrix(model, (0, rate)) == sp.diag(sp.Integer(rate) ** 2 / (2 * sp.Integer(rate) - 1) - 1, 0)


def test_an_impossible_outcome_that_becomes_possible():
    q = sp.Symbol("q", nonnegative=True)
    coin = Density(q * k + (1 - q) * (1 - k), {k: sp.FiniteSet(0, 1)}, {q: sp.Interval(0, 1)})
    with pytest.raises(InfiniteInformation, match="k = 1 has probability 0"):
        fisher_matrix(coin, [0])
    powers = Density(q**k * (1 - q) ** (1 - k), {k: sp.FiniteSet(0, 1)}, {q: sp.Interval(0, 1)})
    with pytest.raises(InfiniteInformation, match="k = 1 has probability 0"):
        fisher_matrix(powers, [0])
    with pytest.raises(ValueError, match="q = 0 the density has no derivative at the outcome k = "):
        certify(powers, [0])
    with pytest.raises(ValueError, match="q = 0 the density has no derivative"):
        prove_null(powers, [0], [1])


def test_no_closed_form_is_said_in_time():
    mixture = families.normal_mixture().density
    start = time.process_time()
    with pytest.raises(Undecided, match="certify"):
        fisher_matrix(mixture, (R(1, 2), 1))
    assert time.process_time() - start < 1.5 * integrals.SECONDS


# --------------------------------------------------------------------------------------- other coordinates


def test_fisher_is_a_metric_under_smooth_changes(family):
    neuron = family["layered_network"].density
    first, second = neuron.parameters
    maps = {first: u + v**3 + v, second: u - v}  # Jacobian determinant −(2 + 3v²): invertible everywhere
    moved = reparametrise(neuron, maps, [u, v])
    jacobian = sp.Matrix([maps[first], maps[second]]).jacobian([u, v])
    difference = fisher_matrix(moved) - jacobian.T * fisher_matrix(neuron).subs(maps) * jacobian
    assert difference.applyfunc(sp.expand) == sp.zeros(2, 2)
    assert certify(moved, (R(1, 2), R(1, 2))).rank == certify(neuron, (R(9, 8), 0)).rank == 1
    assert certify(moved, (1, 0)).rank == certify(neuron, (1, 1)).rank == 2


def test_a_map_with_vanishing_derivative_changes_the_rank():
    line = Density(normal(x, w), {x: sp.S.Reals}, [w])
    cubed = reparametrise(line, {w: u**3}, [u])
    assert certify(line, [0]).rank == 1 and certify(cubed, [0]).rank == 0
    with pytest.raises(ValueError, match="each of the parameters w"):
        reparametrise(line, {}, [u])


# ------------------------------------------------------------------------------------------------- bad input


REALS, HALF_LINE = {x: sp.S.Reals}, {x: sp.Interval(0, sp.oo)}


@pytest.mark.parametrize(
    ("error", "words", "make"),
    [
        (ValueError, "total mass.* is 1.41421", lambda: Density(normal(x / sp.sqrt(2), w), REALS, [w])),
        (ValueError, "total mass at w", lambda: Density(sp.exp(-w * x), HALF_LINE, {w: sp.Interval(2, 3)})),
        (ValueError, "not normalised", lambda: Density((1 + w**2) / (4 + k), {k: sp.FiniteSet(0, 1)}, [w])),
        (ValueError, "not normalised", lambda: Density(2 * sp.sin(x**2) ** 2, {x: sp.Interval(0, 1)}, [w])),
        (ValueError, "q is not normalised", lambda: regression(a * x, {x: sp.FiniteSet(1, 2)}, [a], R(1, 3))),
        (ValueError, "negative at", lambda: Density(normal(x, 0) * x * w, REALS, [w])),
        (ValueError, "no finite real number", lambda: Density(sp.sqrt(x) * w, REALS, [w])),
        (ValueError, "Unknown symbol b in the density", lambda: Density(normal(x, w * b), REALS, [w])),
        (ValueError, "different symbols", lambda: Density(normal(sp.Symbol("x"), w), REALS, [w])),
        (ValueError, "Unknown symbol u in input_pdf", lambda: regression(a * x, {x: sp.FiniteSet(1, 2)}, [a], u)),
        (ValueError, "two things", lambda: Density(normal(x, w), REALS, [w, x])),
        (ValueError, "two things", lambda: Density(normal(x, w), {x: sp.S.Reals, sp.Symbol("x"): sp.S.Reals}, [w])),
        (ValueError, "given twice: w, w", lambda: Density(normal(x, w), REALS, [w, w])),
        (ValueError, "at least one parameter", lambda: Density(normal(x, 0), REALS, [])),
        (ValueError, "at least one variable", lambda: Density(normal(x, w), {}, [w])),
        (ValueError, "how x is drawn", lambda: regression(a * x, REALS, [a])),
        (TypeError, "must be a mapping", lambda: Density(normal(x, w), x, [w])),
        (TypeError, "no sympy symbol", lambda: Density(normal(x, w), REALS, ["w"])),
        (TypeError, "support of x must be", lambda: Density(normal(x, w), {x: (-1, 1)}, [w])),
        (TypeError, "sympy expression", lambda: Density(lambda x: x, REALS, [w])),
        (TypeError, "pdf must be a sympy expression", lambda: Density("exp(-x)", REALS, [w])),
        (TypeError, "input_pdf must be a sympy", lambda: regression(a * x, REALS, [a], "1/2")),
        (TypeError, "mean must be a sympy", lambda: regression(["a*x"], {x: sp.FiniteSet(1, 2)}, [a])),
        (
            TypeError,
            "the map of w must be a sympy",
            lambda: reparametrise(Density(normal(x, w), REALS, [w]), {w: "u"}, [u]),
        ),
    ],
)
def test_a_bad_density_is_refused_at_once(error, words, make):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    ("pdf", "information"),
    [
        (normal(x / sp.Abs(u), 0) / sp.Abs(u), 2 / u**2),
        (normal(x / u, 0) / sp.sqrt(u**2), 2 / u**2),
        (sp.exp(-sp.Abs(x) / sp.Abs(u)) / (2 * sp.Abs(u)), 1 / u**2),
        (sp.Abs(u) / (sp.pi * (u**2 + x**2)), 1 / (2 * u**2)),
    ],
    ids=["normal, |u|", "normal, √u²", "Laplace", "Cauchy"],
)
def test_a_scale_may_be_negative_where_its_absolute_value_counts(pdf, information):
    """sympy integrates √(u²) as u: a mass of −1 where u < 0. Of each the information is known for u < 0 and u > 0."""
    model = Density(pdf, REALS, [u])
    for value in (-2, 3):
        assert fisher_matrix(model, {u: value}) == sp.Matrix([[information.subs(u, value)]])
    with pytest.raises(ValueError, match="total mass at u = .* is 2.00000, not 1"):
        Density(2 * pdf, REALS, [u])


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("lies outside its range", lambda m: certify(m, (2, 0))),
        ("2 coordinates here, in the order a, b", lambda m: certify(m, (1,))),
        ("2 coordinates", lambda m: fisher_matrix(m, 1)),
        ("2 coordinates", lambda m: certify(m, "10")),
        ("1 coordinate here", lambda m: certify(Density(normal(x, w), REALS, [w]), (1, 2))),
        ("^What is given for b is no real number", lambda m: certify(m, (R(1, 2), "0"))),
        ("^What is given for b is no real number", lambda m: certify(m, (R(1, 2), None))),
        ("2 components", lambda m: prove_null(m, (R(1, 2), 0), 1)),
        ("2 components", lambda m: prove_null(m, (R(1, 2), 0), "10")),
        ("^What is given for a is no real number", lambda m: prove_null(m, (R(1, 2), 0), (None, 1))),
        ("missing", lambda m: certify(m, {next(iter(m.parameters)): 0})),
        ("unknown", lambda m: fisher_matrix(m, {w: 0})),
        ("no real number", lambda m: certify(m, (R(1, 2), sp.I))),
        ("no real number", lambda m: certify(m, (R(1, 2), float("nan")))),
        ("no real number", lambda m: certify(m, (R(1, 2), u))),
        ("2 components", lambda m: prove_null(m, (R(1, 2), 0), (1, 0, 0))),
        ("no parameter", lambda m: prove_null(m, (R(1, 2), 0), {w: 1})),
        ("zero vector", lambda m: prove_null(m, (R(1, 2), 0), (0, 0))),
    ],
)
def test_a_bad_point_or_direction_is_refused(family, words, call):
    with pytest.raises(ValueError, match=words):
        call(family["normal_mixture"].density)


def test_floats_are_read_as_typed(family):
    model = family["normal_mixture"].density
    assert list(certify(model, (0.1, 0)).point.values()) == [R(1, 10), 0]
    assert list(certify(model, np.array([0.1, 0])).point.values()) == [R(1, 10), 0]
