import numpy as np
import pytest
import sympy as sp
from scipy.special import gammainc

from sltcourse.theory.localized import Volume, exact_llc, langevin

X, Y = sp.symbols("x y")
VALLEY, CROSS = X**2 + Y**4, X**2 * Y**2


@pytest.mark.parametrize(("K", "at"), [(VALLEY, (0, 0)), (CROSS, (0, 0)), (VALLEY, (0, 0.2))], ids=str)
@pytest.mark.parametrize(("nbeta", "pull"), [(100.0, 1.0), (1e4, 100.0)])
def test_the_exact_reading_against_brute_force(K, at, nbeta, pull):
    side = np.linspace(-5, 5, 1201) / np.sqrt(pull)
    x, y = np.meshgrid(side + at[0], side + at[1], indexing="ij")
    loss = sp.lambdify((X, Y), K)
    energy = -nbeta * loss(x, y) - pull / 2 * ((x - at[0]) ** 2 + (y - at[1]) ** 2)
    weight = np.exp(energy - energy.max())
    brute = nbeta * ((loss(x, y) * weight).sum() / weight.sum() - loss(*at))
    assert exact_llc(K, nbeta, pull, at) == pytest.approx(brute, rel=0.01)


def test_the_exact_reading_of_a_regular_direction_is_the_springs():
    value = exact_llc(lambda w: 3 * w[:, 0] ** 2 / 2, np.array([1.0, 100.0]), 2.0)
    np.testing.assert_allclose(value, [3 / (2 * 5), 300 / (2 * 302)], rtol=1e-6)
    for localization in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="γ > 0"):
            exact_llc(lambda w: w[:, 0] ** 2, 100.0, localization)
    w = sp.Symbol("w")
    assert exact_llc(3 * w**2 / 2, 100.0, 2.0) == pytest.approx(300 / (2 * 302), rel=1e-6)


@pytest.mark.parametrize("lam", [0.25, 0.75, 1.5])
def test_the_thermometer_is_a_ratio_of_incomplete_gamma_functions(lam):
    for nbeta in (1.0, 31.6, 1e6):
        exact = lam * gammainc(lam + 1, nbeta) / gammainc(lam, nbeta)
        assert Volume(lam).reading(nbeta) == pytest.approx(exact, rel=0.01)
    for nbeta in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="nβ must be"):
            Volume(lam).reading(nbeta)


def test_a_langevin_chain_has_the_variance_of_its_step():
    """On h w²/2 a step is linear: variance 1/(a (1 − εa/4)) with a = nβh + γ; none at εa > 4."""
    noise = np.random.default_rng(0).normal(size=(4000, 64, 1))
    lr = np.array([0.1, 1.0, 5.0]).reshape(-1, 1, 1)
    ones = np.ones_like(lr)
    path = langevin(lambda w: 0.5 * w, [0.0], ones, 0.5 * ones, lr, noise)
    np.testing.assert_allclose(path[200:, :2].astype(float).var((0, 2, 3)), [1 / 0.975, 1 / 0.75], rtol=0.05)
    assert not np.abs(path[-1, 2]).max() < 1e6
