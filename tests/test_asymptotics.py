"""What free energies tend to, where two wells change over, and λ read off a curve."""

import math

import numpy as np
import pytest
from scipy import integrate
from scipy.special import gamma

from sltcourse.theory.asymptotics import (
    TwoWells,
    Well,
    critical_n,
    lambert_crossings,
    log_n_coefficient,
    power_integral,
)


def test_each_form_of_a_well_has_one_term_more():
    well, n = Well(loss=0.2, lam=0.75, m=3, constant=2.5, shift=4.0), math.e**2
    leading = 0.2 * n + 1.5
    assert well.leading(n) == pytest.approx(leading)
    assert well.with_multiplicity(n) == pytest.approx(leading - 2 * math.log(2))
    assert well.with_constant(n) == pytest.approx(leading - 2 * math.log(2) - math.log(2.5))
    assert well.whole_pole(n) == pytest.approx(leading - 2 * math.log(6) - math.log(2.5))
    plain = Well(loss=0.2, lam=0.75)
    assert plain.leading(n) == plain.with_multiplicity(n) == plain.with_constant(n) == plain.whole_pole(n)


def test_the_forms_of_two_wells_are_differences():
    n = np.array([50.0, 400.0])
    wells = TwoWells(Well(0.03, 0.5, constant=2.0), Well(0.0, 1.5, m=2), exact=lambda n: (3 * n, n))
    np.testing.assert_allclose(wells.advantage(n, "leading"), 0.03 * n - np.log(n))
    np.testing.assert_allclose(wells.advantage(n, "with_multiplicity"), 0.03 * n - np.log(n / np.log(n)))
    np.testing.assert_allclose(wells.advantage(n, "with_constant"), 0.03 * n - np.log(2 * n / np.log(n)))
    np.testing.assert_allclose(wells.advantage(n, "exact"), 2 * n)
    found = wells.critical_n("with_constant")
    assert 0.03 * found == pytest.approx(math.log(2 * found / math.log(found)))
    with pytest.raises(ValueError, match="'constant' is no form of the free energy: use one of leading, with_mult"):
        wells.advantage(n, "constant")


@pytest.mark.parametrize(("k", "c", "length"), [(1, 0.5, 2.0), (2, 3.0, 0.7), (3, 0.1, 5.0)])
def test_the_constant_of_a_power(k, c, length):
    exact = 2 * integrate.quad(lambda w: np.exp(-c * w ** (2 * k)), 0, np.inf)[0] / length
    assert power_integral(k, c, length) == pytest.approx(exact)
    assert power_integral(k, c, length) == pytest.approx(gamma(1 / (2 * k)) / (k * c ** (1 / (2 * k)) * length))


def test_a_constant_that_is_no_number_is_refused():
    assert power_integral(1, 1e-100, 1e-250) == pytest.approx(math.sqrt(math.pi) * 1e300)
    for c, length in ((1e-200, 1e-250), (1e300, 1e300)):
        with pytest.raises(ValueError, match="e to the power -?[0-9]+, which is no number of a computer"):
            power_integral(1, c, length)


def test_critical_n_takes_the_last_crossing_and_refuses_none():
    assert critical_n(lambda n: n * 0.2 - 18 * np.log(n)) == pytest.approx(571.31, abs=0.01)
    with pytest.raises(ValueError, match="exceeds 1/e"):
        critical_n(lambda n: n * 0.0 + 1)
    with pytest.raises(ValueError, match="never wins"):
        critical_n(lambda n: -np.log(n))
    with pytest.raises(ValueError, match="read-only"):  # what it writes into would be the n that is returned
        critical_n(lambda n: np.multiply(n, 0.2, out=n) - 18 * np.log(n))


def test_lambert_crossings():
    for d_lambda, d_loss in ((18, 0.2), (1.5, 0.02), (1, 0.36)):
        low, high = lambert_crossings(d_lambda, d_loss)
        assert 1 < low < np.e < high
        for n in (low, high):
            assert n * d_loss == pytest.approx(d_lambda * np.log(n), rel=1e-9)
    assert lambert_crossings(1, np.exp(-1)) == (np.e, np.e)
    with pytest.raises(ValueError, match="exceeds 1/e"):
        lambert_crossings(1, 0.5)
    assert lambert_crossings(1.0, 1e-304)[1] == pytest.approx(7.0655e306, rel=1e-4)
    with pytest.raises(ValueError, match="no number of a computer"):
        lambert_crossings(1.0, 1e-306)
    for bad in ((0, 1), (1, 0), (-1, 0.1), (1, -0.1)):
        with pytest.raises(ValueError, match="needs Δλ > 0 and ΔL > 0"):
            lambert_crossings(*bad)


def test_coefficient_of_log_n_of_a_known_curve():
    s = np.log(n := np.geomspace(1e3, 1e6, 12))
    assert log_n_coefficient(n, 0.4 * s - 2 * np.log(s + 3) + 7, 3) == pytest.approx(0.4, abs=2e-3)


@pytest.mark.parametrize("n", [np.geomspace(1, 1e6, 20), np.geomspace(0.5, 1e6, 20), np.geomspace(1e6, 10, 20)])
def test_coefficient_of_log_n_from_one_sample_on_and_in_any_order(n):
    F = 0.25 * np.log(n) - np.log(np.log(n) + 1) + 3
    assert log_n_coefficient(n, F, 2) == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize("n", [np.arange(8.0), np.full(9, 5.0), np.r_[1:9, np.inf]])
def test_no_coefficient_of_log_n_without_eight_sample_sizes(n):
    with pytest.raises(ValueError, match="8 or more different numbers above 0"):
        log_n_coefficient(n, np.log(np.maximum(n, 1)).clip(0, 9), 1)


@pytest.mark.parametrize("change", [{"n": np.arange(1.0, 8)}, {"F": np.arange(9.0)}, {"n": np.ones((2, 4))}])
def test_no_coefficient_of_log_n_of_what_is_no_two_rows(change):
    with pytest.raises(ValueError, match="rows of the same 8 or more numbers"):
        log_n_coefficient(**dict(n=np.arange(1.0, 9), F=np.arange(8.0), m=1) | change)


@pytest.mark.parametrize("change", [{"n": np.r_[0.0, 1:8]}, {"F": np.r_[0.0:7, 1e101]}, {"F": np.r_[0.0:7, np.nan]}])
def test_no_coefficient_of_log_n_of_what_is_no_curve(change):
    with pytest.raises(ValueError, match="above 0, and n and F must be finite"):
        log_n_coefficient(**dict(n=np.arange(1.0, 9), F=np.arange(8.0), m=1) | change)
