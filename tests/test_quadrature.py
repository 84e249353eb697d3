"""The quadrature against closed forms, mpmath at high precision and scipy's adaptive rule."""

from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from scipy import integrate
from scipy.special import erf, gammainc, gammaln, logsumexp

from sltcourse.theory import cubature, quadrature
from sltcourse.theory.quadrature import Posterior

N = np.logspace(0, 6, 25)
LINE, SQUARE, CUBE = [(-1, 1)], [(-1, 1)] * 2, [(0, 1)] * 3


def power_free_energy(n, k):
    """F of K = w^(2k) on [-1, 1] with the uniform prior: Z = γ(1/2k, n) n^(-1/2k) / (2k)."""
    a = 1 / (2 * k)
    return a * np.log(n) - gammaln(a) - np.log(gammainc(a, n) * a)


def crossing_free_energy(n, density):
    """F of a normal crossing on [-1, 1]^d from the prior density of s = −log K, by mpmath with 40 digits."""
    with mp.workdps(40):
        cuts = [0, 1, 3, 6, 9, 12, 15, 18, 22, 30, 50, 100, 200, 400]
        return -float(mp.log(mp.quad(lambda s: density(s) * mp.exp(-mp.mpf(n) * mp.exp(-s)), cuts)))


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_one_dimension_against_the_incomplete_gamma_function(k):
    F = Posterior(lambda w: w[:, 0] ** (2 * k), LINE, N).free_energy
    exact = power_free_energy(N, k)
    assert np.max(np.abs(F.value - exact)) < 1e-11
    assert np.max(np.abs(F.value / exact - 1)) < 1e-8
    assert np.all(np.abs(F.value - exact) <= F.error + 1e-12)


# s = −log K is a sum of exponential variables with rates 1/(2k_j): ties give gamma densities
CROSSINGS = {
    "w1²w2²": (lambda w: (w[:, 0] * w[:, 1]) ** 2, SQUARE, lambda s: s / 4 * mp.exp(-s / 2)),
    "w1²w2⁴": (lambda w: w[:, 0] ** 2 * w[:, 1] ** 4, SQUARE, lambda s: (mp.exp(-s / 4) - mp.exp(-s / 2)) / 2),
    "w1⁴w2⁴": (lambda w: (w[:, 0] * w[:, 1]) ** 4, SQUARE, lambda s: s / 16 * mp.exp(-s / 4)),
    "w1²w2²w3²": (lambda w: (w[:, 0] * w[:, 1] * w[:, 2]) ** 2, CUBE, lambda s: s**2 / 16 * mp.exp(-s / 2)),
}


@pytest.mark.parametrize("name", CROSSINGS)
def test_ridges_against_mpmath(name):
    loss, bounds, density = CROSSINGS[name]
    n = np.array([1.0, 37.0, 1e3, 1e6])
    F = Posterior(loss, bounds, n).free_energy
    exact = np.array([crossing_free_energy(x, density) for x in n])
    assert np.max(np.abs(F.value - exact)) < 1e-9
    assert np.max(np.abs(F.value / exact - 1)) < 1e-8


def test_ridge_leading_terms():
    n = 1e6  # ∫ exp(−n x²y⁴) over [−1, 1]² ~ 2 Γ(1/4) n^(−1/4); the next term is of order n^(−1/2)
    F = Posterior(lambda w: w[:, 0] ** 2 * w[:, 1] ** 4, SQUARE, n).free_energy.value
    leading = 2 * np.exp(gammaln(0.25)) * n**-0.25 / 4
    assert np.exp(-F) == pytest.approx(leading, rel=0.05)


def test_empirical_loss_and_a_prior_of_ones_own():
    def prior(w):
        return 0.75 * (1 - w[:, 0] ** 2)

    def loss(w):
        return 1.4 + (w[:, 0] - 0.3) ** 2 / 2 + np.sin(w[:, 0]) / 10

    n = np.array([1.0, 100.0, 1e4])
    F = Posterior(loss, LINE, n, beta=0.5, prior=prior, breakpoints=[0.3]).free_energy.value
    for x, value in zip(n, F, strict=True):

        def weight(w, x=x):
            w = np.array([[w]])
            return (np.exp(-0.5 * x * (loss(w) - 1.4)) * prior(w))[0]

        z, _ = integrate.quad(weight, -1, 1, points=[0.2, 0.21], epsabs=0, epsrel=1e-12, limit=400)
        assert value == pytest.approx(0.5 * x * 1.4 - np.log(z), rel=1e-10)


def test_no_underflow_and_no_overflow():
    for level in (-1e6, 1e6):
        F = Posterior(lambda w: w[:, 0] ** 2 + level, LINE, 1e6).free_energy.value  # noqa: B023
        assert F == pytest.approx(1e6 * level + power_free_energy(1e6, 1), abs=2e-3)
    far = Posterior(lambda w: (w[:, 0] - 3) ** 2, LINE, 1e6, breakpoints=[1]).free_energy.value
    assert far == pytest.approx(4e6 + np.log(2 * 4e6), abs=1e-5)  # mass at the edge: Z ~ e^(−4n) / (2·4n)


def test_n_and_beta_enter_as_their_product():
    beta = np.array([0.1, 1.0, 3.0])
    a = Posterior(lambda w: w[:, 0] ** 6, LINE, 100, beta=beta)
    b = Posterior(lambda w: w[:, 0] ** 6, LINE, 100 * beta)
    assert a.free_energy.value.shape == (3,)
    assert np.allclose(a.free_energy.value, b.free_energy.value, atol=1e-9)
    assert isinstance(Posterior(lambda w: w[:, 0] ** 2, LINE, 10).free_energy.value, float)


def test_expectations_against_closed_forms():
    n = np.array([10.0, 1e3, 1e6])
    post = Posterior(lambda w: w[:, 0] ** 6 + w[:, 1] ** 2, SQUARE, n)
    # E[w^2k] n = a γ(a + 1, n) / (a γ(a, n)) in units of the complete functions, a = 1/2k
    for f, a in ((lambda w: w[:, 0] ** 6, 1 / 6), (lambda w: w[:, 1] ** 2, 1 / 2)):
        value, error = post.expectation(f)
        assert value == pytest.approx(a * gammainc(a + 1, n) / gammainc(a, n) / n, rel=1e-9)
        assert np.all(error <= 1e-9 * value)
    both = post.expectation(lambda w: w**2).value
    assert both.shape == (3, 2) and both[-1, 0] > 100 * both[-1, 1]
    assert np.max(np.abs(post.expectation(lambda w: w[:, 0]).value)) < 1e-12


def test_expected_loss_is_the_derivative_of_F():
    beta = np.array([0.999, 1.0, 1.001])
    post = Posterior(lambda w: (w[:, 0] * w[:, 1]) ** 2, SQUARE, 500, beta=beta)
    F = post.free_energy.value
    slope = (F[2] - F[0]) / 0.002
    assert 500 * post.expectation(lambda w: (w[:, 0] * w[:, 1]) ** 2).value[1] == pytest.approx(slope, rel=1e-6)


def two_wells(w):
    return np.where(w[:, 0] < 0, 0.01 + 20 * (w[:, 0] + 0.5) ** 4, 8 * (w[:, 0] - 0.5) ** 2)


def test_masses_oftwo_wells():
    n = np.array([1.0, 30.0, 300.0, 3000.0])
    post = Posterior(two_wells, LINE, n, breakpoints=[-0.5, 0.0, 0.5])
    mass = post.mass(lambda w: w[:, 0] > 0)

    def weight(x, low, middle, high):
        options = {"points": [middle], "epsabs": 0, "epsrel": 1e-11}
        return integrate.quad(lambda w: np.exp(-x * two_wells(np.array([[w]]))[0]), low, high, **options)[0]

    z = [(weight(x, -1, -0.5, 0), weight(x, 0, 0.5, 1)) for x in n]
    left, right = np.array(z).T
    assert mass.value == pytest.approx(right / (left + right), rel=1e-8)
    assert post.free_energy.value == pytest.approx(-np.log((left + right) / 2), rel=1e-8)
    assert mass.value[0] < 0.5 < mass.value[-1]
    far = Posterior(two_wells, LINE, 1e6, breakpoints=[-0.5, 0.0, 0.5]).region_free_energy(lambda w: w[:, 0] < 0)
    assert far.value == pytest.approx(1e4 + np.log(2e7) / 4 - np.log(np.exp(gammaln(0.25)) / 4), abs=1e-3)


def test_log_density_integrates_to_one():
    post = Posterior(two_wells, LINE, [3.0, 300.0], breakpoints=[-0.5, 0.0, 0.5])
    w = np.linspace(-1, 1, 20001)
    density = np.exp(post.log_density(w[:, None]))
    assert density.shape == (2, 20001)
    assert np.trapezoid(density, w) == pytest.approx(1, abs=1e-3)
    single = Posterior(lambda w: w[:, 0] ** 2, LINE, 5).log_density(w[:, None])
    assert single.shape == (20001,) and logsumexp(single) + np.log(w[1] - w[0]) == pytest.approx(0, abs=1e-3)
    with pytest.raises(ValueError, match=r"shape \(N, 1\)"):
        post.log_density(w)


def bowl(w):
    return np.sum(w**2, axis=1)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"n": 0.5}, ValueError, "at least 1"),
        ({"n": [1, np.nan]}, ValueError, "at least 1"),
        ({"n": []}, ValueError, "k >= 1"),
        ({"n": [[1, 2]]}, ValueError, "shape"),
        ({"n": "many"}, ValueError, "numbers"),
        ({"n": [1, 2, 3], "beta": [1, 2]}, ValueError, "common length"),
        ({"beta": 0}, ValueError, "beta is an inverse temperature"),
        ({"beta": -1}, ValueError, "beta is an inverse temperature"),
        ({"bounds": [(-1, 1)] * 4}, ValueError, "1, 2 or 3 dimensions, not 4"),
        ({"bounds": [(1, 1)]}, ValueError, "empty"),
        ({"bounds": [(1, -1)]}, ValueError, "empty"),
        ({"bounds": [(-np.inf, 1)]}, ValueError, "unbounded"),
        ({"bounds": (-1, 1)}, ValueError, "list of pairs"),
        ({"breakpoints": [2.0]}, ValueError, "not all inside"),
        ({"tolerance": 0}, ValueError, "tolerance is a relative error"),
        ({"tolerance": np.nan}, ValueError, "tolerance is a relative error"),
        ({"loss": "w1**2"}, TypeError, "never evaluated"),
        ({"loss": sp.Symbol("w1") ** 2}, ValueError, "say with variables="),
        ({"variables": sp.symbols("a b")}, TypeError, "is a function of w already"),
        ({"breakpoints": 0.0}, TypeError, "list of numbers"),
        ({"breakpoints": [[0.0], 0.5]}, TypeError, "list of numbers"),
        ({"breakpoints": [[0.0], ["middle"]]}, TypeError, "list of numbers"),
        ({"breakpoints": [np.nan]}, ValueError, "not all inside"),
        ({"breakpoints": [[0.0]]}, ValueError, "1 lists of breakpoints for 2"),
        ({"loss": 3.0}, TypeError, "the loss must be a function of w"),
        ({"loss": lambda w: np.log(w[:, 0])}, ValueError, "NaN or infinite at w = "),
        ({"loss": lambda w: w**2}, ValueError, "one real number for each"),
        ({"loss": lambda w: 1.0}, ValueError, "one real number for each"),
        ({"loss": lambda w: w[:, 0] + 0j}, ValueError, "complex"),
        ({"prior": lambda w: 0 * w[:, 0] + 0.5}, ValueError, "integrates to 2 over the box"),
        ({"prior": lambda w: w[:, 0]}, ValueError, "must be a density"),
        ({"prior": lambda w: np.full(w.shape, 0.25)}, ValueError, "the prior must return one real number"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_bad_input(change, error, says):
    arguments = {"loss": bowl, "bounds": SQUARE, "n": 10} | change
    with pytest.raises(error, match=says.replace("(", r"\(")):
        Posterior(**arguments)


def test_places_that_nobody_named_are_found():
    """A well, a diagonal, a cusp and the edge of a region, without breakpoints at any of them."""
    away = Posterior(lambda w: (w[:, 0] - 0.737) ** 2, LINE, 1e12, breakpoints=[-0.7]).free_energy
    edge = 1 - gammainc(0.5, 1e12 * 0.263**2)
    assert edge == 0 and away.value == pytest.approx(power_free_energy(1e12, 1), abs=1e-9)
    diagonal = Posterior(lambda w: (w[:, 0] - w[:, 1]) ** 2, SQUARE, 1e6).free_energy.value
    # w1 − w2 = u has density (2 − |u|)/4: Z = ∫ exp(−n u²)(2 − |u|)/4 du
    assert np.exp(-diagonal) == pytest.approx(np.sqrt(np.pi / 1e6) / 2 - 1 / 4e6, rel=1e-9)
    bent = Posterior(lambda w: (w[:, 0] - w[:, 1] ** 2 + 0.1) ** 2, SQUARE, 1e4).free_energy.value
    z, _ = integrate.quad(
        lambda y: gaussian_part(y**2 - 0.1, 1e4), -1, 1, points=[0.0], epsabs=0, epsrel=1e-12, limit=400
    )
    assert np.exp(-bent) == pytest.approx(z / 4, rel=1e-8)
    post = Posterior(bowl, LINE, 10)
    inside = post.mass(lambda w: w[:, 0] > 0.1234)
    exact = (erf(np.sqrt(10)) - erf(np.sqrt(10) * 0.1234)) / (2 * erf(np.sqrt(10)))
    assert inside.value == pytest.approx(exact, abs=2e-9)
    assert post.expectation(lambda w: np.sign(w[:, 0] - 0.1234)).value == pytest.approx(2 * exact - 1, abs=2e-9)
    aside = Posterior(bowl, [(1, 2)], 10).free_energy.value  # no breakpoint, and the minimum at the end of the box
    z, _ = integrate.quad(lambda x: np.exp(-10 * x * x), 1, 2, epsabs=0, epsrel=1e-12)
    assert aside == pytest.approx(-np.log(z), abs=1e-9)


def gaussian_part(centre, n):
    """∫ exp(−n (x − centre)²) dx over [−1, 1]."""
    return np.sqrt(np.pi / n) / 2 * (erf(np.sqrt(n) * (1 - centre)) + erf(np.sqrt(n) * (1 + centre)))


@pytest.mark.parametrize("steep", [1e3, 1e5, 1e7])
@pytest.mark.parametrize("place", [0.77777, -0.31831, 0.99995])
def test_a_narrow_well_beside_a_wide_one(place, steep):
    """min(0.01 + w², s (w − c)²): at large n only the narrow well counts, and no slope leads to it from afar."""

    def loss(w):
        return np.minimum(0.01 + w[:, 0] ** 2, steep * (w[:, 0] - place) ** 2)

    n = np.array([1.0, 1e3, 1e10])
    F = Posterior(loss, LINE, n).free_energy
    kinks = np.roots([steep - 1, -2 * steep * place, steep * place**2 - 0.01])
    for x, value, error in zip(n, F.value, F.error, strict=True):
        width = 6 / np.sqrt(x * steep)
        cuts = [-1, *sorted(c for c in (0.0, *kinks, place - width, place, place + width) if -1 < c < 1), 1]
        u, weight = np.polynomial.legendre.leggauss(100)
        z = 0.0
        for a, b in pairwise(cuts):  # on each piece the integrand is analytic, and no narrower than a sixth of it
            fine = np.linspace(a, b, 41)
            half, middle = np.diff(fine)[:, None] / 2, (fine[:-1] + fine[1:])[:, None] / 2
            z += (half * weight * np.exp(-x * loss((middle + half * u).reshape(-1, 1)).reshape(40, -1))).sum()
        assert abs(value + np.log(z / 2)) < error + 1e-10 < 2e-9


def by_adaptive_rule(weight, cuts):
    """∫ weight over consecutive pieces, each smooth."""
    return sum(integrate.quad(weight, a, b, epsabs=0, epsrel=1e-12, limit=400)[0] for a, b in pairwise(cuts))


def test_losses_that_learners_try_need_no_breakpoints():
    """A minimum off the middle, two wells with kinks at their bottoms and between them, and a bent sheet in space."""
    aside = Posterior(lambda w: (w[:, 0] - 0.33) ** 2, LINE, 1e6).free_energy
    assert aside.value == pytest.approx(-np.log(np.sqrt(np.pi / 1e6) / 2), abs=1e-9)

    def kinked(w):
        return np.where(w[:, 0] < 0.1, 0.02 + np.abs(w[:, 0] + 0.5), 3 * np.abs(w[:, 0] - 0.6))

    n = np.array([1e2, 1e4, 1e6])
    left = np.exp(-0.02 * n) * (2 - np.exp(-0.5 * n) - np.exp(-0.6 * n)) / n
    right = (2 - np.exp(-1.5 * n) - np.exp(-1.2 * n)) / (3 * n)
    assert Posterior(kinked, LINE, n).free_energy.value == pytest.approx(-np.log((left + right) / 2), abs=1e-9)
    # w3 integrated by hand: an error function of the product t = w1 w2, whose density on [0, 1] is −log t
    sheet = Posterior(lambda w: (w[:, 0] * w[:, 1] - w[:, 2]) ** 2, [(-1, 1)] * 3, 1000).free_energy
    z = by_adaptive_rule(lambda t: -np.log(t) * gaussian_part(t, 1000) / 2, [1e-30, 1e-6, 1e-2, 0.8, 0.95, 1])
    assert abs(sheet.value + np.log(z)) < sheet.error + 1e-10 < 2e-9


def test_two_narrow_wells_in_the_plane():
    def loss(w):
        return np.minimum(0.01 + (w**2).sum(1), 1e3 * ((w - 0.77777) ** 2).sum(1))

    F = Posterior(loss, SQUARE, [1e2, 1e8], tolerance=1e-6).free_energy
    assert F.value[1] == pytest.approx(-np.log(np.pi / 1e11 / 4), abs=1e-6)
    part, _ = integrate.dblquad(lambda y, x: np.exp(-100 * (0.01 + x * x + y * y)), -1, 1, -1, 1)
    well = np.pi / 1e5
    assert F.value[0] == pytest.approx(-np.log((part + well) / 4), abs=1e-4)


def test_an_expression_is_the_function_it_stands_for():
    a, b = sp.symbols("a b")
    post = Posterior(a**2 * b**4, SQUARE, 1e3, prior=sp.Rational(3, 8) * (1 - a**2), variables=[a, b])
    same = Posterior(lambda w: w[:, 0] ** 2 * w[:, 1] ** 4, SQUARE, 1e3, prior=lambda w: 0.375 * (1 - w[:, 0] ** 2))
    swapped = Posterior(a**2 * b**4, SQUARE, 1e3, prior=sp.Rational(3, 8) * (1 - b**2), variables=[b, a])
    assert post.free_energy.value == pytest.approx(same.free_energy.value, abs=1e-9)
    assert abs(post.free_energy.value - swapped.free_energy.value) > 0.01


def test_what_is_not_resolved_is_refused(monkeypatch):
    monkeypatch.setattr(cubature, "MOST_NODES", 100_000)
    with pytest.raises(ArithmeticError, match="breakpoints at the minima.*singular set along the axes"):
        Posterior(lambda w: (w[:, 0] - w[:, 1]) ** 2, SQUARE, 1e6)
    post = Posterior(bowl, SQUARE, 10)
    with pytest.raises(ArithmeticError, match="edges of the region"):
        post.mass(lambda w: w[:, 0] > w[:, 1] ** 2)
    with pytest.raises(ArithmeticError, match="where the function jumps"):
        post.expectation(lambda w: np.sign(w[:, 0] - w[:, 1]))


def lowers_its_argument(w):
    w -= 0.3
    return (w**2).sum(1)


def test_a_function_that_writes_into_its_argument_fails_at_once():
    post = Posterior(bowl, SQUARE, 10)
    for call in (
        lambda: Posterior(lowers_its_argument, SQUARE, 10),
        lambda: Posterior(bowl, SQUARE, 10, prior=lowers_its_argument),
        lambda: post.expectation(lowers_its_argument),
        lambda: post.mass(lowers_its_argument),
    ):
        with pytest.raises(ValueError, match="read-only"):
            call()
    with pytest.raises(ValueError, match="real numbers, not complex"):
        post.expectation(lambda w: w * 1j)


def test_bad_functions_of_w():
    post = Posterior(bowl, SQUARE, 10)
    with pytest.raises(TypeError, match="must be a function"):
        post.expectation(1.0)
    with pytest.raises(ValueError, match="must return an array"):
        post.expectation(lambda w: 1.0)
    with pytest.raises(ValueError, match="NaN or infinite"), np.errstate(invalid="ignore"):
        post.expectation(lambda w: np.sqrt(w[:, 0]))
    with pytest.raises(ValueError, match="True or False"):
        post.mass(lambda w: w[:, 0])
    with pytest.raises(ValueError, match="True or False"):
        post.mass(lambda w: w > 0)
    with pytest.raises(ValueError, match="the region is empty"):
        post.mass(lambda w: w[:, 0] > 2)


def test_an_interrupt_keeps_what_is_there(monkeypatch):
    def stops(iterable, description):
        for i, x in enumerate(iterable):
            if i == 2:
                raise KeyboardInterrupt
            yield x

    whole = Posterior(bowl, LINE, [1.0, 10.0, 100.0])
    monkeypatch.setattr(quadrature, "progress", stops)
    part = Posterior(bowl, LINE, [1.0, 10.0, 100.0])
    assert part.partial and not whole.partial
    assert np.array_equal(part.n, [1.0, 10.0])
    assert np.allclose(part.free_energy.value, whole.free_energy.value[:2], atol=1e-9)
    assert part.expectation(bowl).value.shape == (2,)
