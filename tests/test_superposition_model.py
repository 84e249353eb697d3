"""The toy model of superposition: losses against Monte Carlo, the published table, λ, free energies, training."""

import numpy as np
import pytest
from scipy.optimize import minimize

from sltcourse.theory import superposition_model as model
from sltcourse.theory.superposition_model import (
    COEFFICIENTS,
    POLYGONS,
    PUBLISHED,
    SHAPES,
    free_energy,
    pack,
    population_loss,
    sample,
    sample_loss,
    unpack,
)


def brute_force(w, x):
    """Mean and standard error of ‖x − f(x)‖² over the rows of x, straight from the definition."""
    W, b = unpack(w)
    errors = ((x - np.maximum(x @ W.T @ W + b, 0)) ** 2).sum(1)
    return errors.mean(), errors.std() / np.sqrt(len(x))


def numerical_gradient(loss, w, step=1e-6):
    return np.array([(loss(w + e)[0] - loss(w - e)[0]) / (2 * step) for e in step * np.eye(len(w))])


@pytest.fixture(scope="module")
def inputs():
    return sample(200_000, np.random.default_rng(0))


# ---- the losses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_the_closed_form_agrees_with_monte_carlo(seed, inputs):
    w = np.random.default_rng(seed).standard_normal(18) * 0.8
    mean, error = brute_force(w, inputs)
    assert abs(population_loss(w)[0] - mean) < 4 * error


def test_the_closed_form_agrees_with_quadrature_for_any_number_of_features():
    rng = np.random.default_rng(1)
    mu = (np.arange(40_000) + 0.5) / 40_000
    for c in (2, 3, 8):
        w = rng.standard_normal(3 * c)
        x = np.concatenate([np.eye(c)[[i]] * mu[:, None] for i in range(c)])
        assert population_loss(w)[0] == pytest.approx(brute_force(w, x)[0], abs=1e-7)


def test_the_gradient_is_the_loss_s_slope():
    w = np.random.default_rng(2).standard_normal(18)
    np.testing.assert_allclose(population_loss(w)[1], numerical_gradient(population_loss, w), atol=1e-8)


def test_columns_at_right_angles_and_zero_biases_are_no_trouble():
    w = pack(np.array([[1.0, 0, 0], [0, 1.0, 0]]), np.zeros(3))
    value, slope = population_loss(w)
    assert value == pytest.approx(1 / 9) and np.isfinite(slope).all()


def test_a_batch_is_its_rows():
    w = np.random.default_rng(3).standard_normal((2, 5, 18))
    value, slope = population_loss(w)
    assert value.shape == (2, 5) and slope.shape == (2, 5, 18)
    one_value, one_slope = population_loss(w[1, 3])
    assert value[1, 3] == pytest.approx(one_value) and slope[1, 3] == pytest.approx(one_slope)


def test_the_loss_of_a_sample_is_exact_and_so_is_its_gradient():
    rng = np.random.default_rng(4)
    x, w = np.stack([sample(300, rng) for _ in range(3)]), rng.standard_normal((3, 2, 18))
    value, slope = sample_loss(x)(w)
    for s in range(3):
        alone, alone_slope = sample_loss(x[s])(w[s])
        np.testing.assert_allclose(value[s], alone, atol=1e-13)
        np.testing.assert_allclose(slope[s], alone_slope, atol=1e-13)
        assert value[s, 0] == pytest.approx(brute_force(w[s, 0], x[s])[0], abs=1e-12)
    np.testing.assert_allclose(alone_slope[0], numerical_gradient(sample_loss(x[2]), w[2, 0]), atol=1e-6)


def test_a_row_that_is_no_parameter_is_refused():
    with pytest.raises(ValueError, match="3c numbers"):
        population_loss(np.zeros(17))


# ---- the polygons ---------------------------------------------------------------------------------------------


TABLE = {"4": 0.11111, "4⁺": 0.10417, "4⁺⁺": 0.09722, "5": 0.06874, "5⁺": 0.06180, "6": 0.04819}  # Chen et al. 2023


@pytest.mark.parametrize("name", TABLE)
def test_the_published_table(name):
    k, plus = SHAPES[name]
    length, bias, h = PUBLISHED[k]
    assert model.best_polygon(k) == pytest.approx((length, bias), abs=6e-6)
    loss = population_loss(POLYGONS[name])[0]
    assert loss == pytest.approx(TABLE[name], abs=6e-6)
    assert loss == pytest.approx((h + 6 - k) / 18 - plus / 144, abs=1e-6)


@pytest.mark.parametrize("name", TABLE)
def test_every_polygon_is_a_critical_point_and_keeps_its_name(name):
    assert np.abs(population_loss(POLYGONS[name])[1]).max() < 1e-8
    assert model.name_of(POLYGONS[name]) == name


@pytest.mark.parametrize(("name", "rank"), [("5", 14), ("5⁺", 17), ("6", 17)])
def test_hessian_ranks(name, rank):
    eigenvalues = np.linalg.eigvalsh(model.hessian(POLYGONS[name]))
    assert (np.abs(eigenvalues) > 1e-6).sum() == rank == 2 * COEFFICIENTS[name]
    assert eigenvalues.min() > -1e-6


@pytest.mark.parametrize("name", ["5", "5⁺", "6"])
def test_the_hessian_gives_the_loss_s_second_differences(name):
    w, H = POLYGONS[name], model.hessian(POLYGONS[name])
    for u in np.random.default_rng(0).standard_normal((5, 18)):
        ahead, here, back = (population_loss(w + t * u)[0] for t in (1e-3, 0, -1e-3))
        assert (ahead - 2 * here + back) / 1e-6 == pytest.approx(u @ H @ u, rel=2e-2)


def test_relabelling_the_features_changes_nothing():
    rng = np.random.default_rng(6)
    order = rng.permutation(6)
    for w in (rng.standard_normal(18), POLYGONS["5⁺"]):
        W, b = unpack(w)
        relabelled = pack(W[:, order], b[order])
        assert population_loss(relabelled)[0] == pytest.approx(population_loss(w)[0], abs=1e-14)
        spectra = (np.linalg.eigvalsh(model.hessian(v)) for v in (w, relabelled))
        np.testing.assert_allclose(*spectra, atol=1e-6)


@pytest.mark.parametrize(("name", "D"), [("4", 15), ("4⁺", 16), ("4⁺⁺", 17)])
def test_the_squares_rise_at_second_order_in_every_direction(name, D):
    found = [model.smallest_rise(name, radius, starts=4) for radius in (1e-2, 1e-3)]
    assert all(count == D == 2 * COEFFICIENTS[name] for count, _ in found)
    (_, wide), (_, near) = found
    assert near > 0.002 and near == pytest.approx(wide, rel=0.05)


def test_the_origin_is_a_saddle():
    origin = pack(np.zeros((2, 6)), np.full(6, 1 / 12))
    value, slope = population_loss(origin)
    assert value == pytest.approx(7 / 24) and np.abs(slope).max() < 1e-12
    assert np.linalg.eigvalsh(model.hessian(origin)).min() < -0.1


def test_two_or_three_corners_make_a_saddle_and_one_corner_is_no_critical_point():
    for k, lowest in ((2, -0.05), (3, -0.03)):
        w = model.polygon(k, 1, 0, plus=6 - k)
        floor, slope = population_loss(w)
        assert np.abs(slope).max() < 1e-12
        below = model.descend(w + 1e-4 * np.random.default_rng(0).standard_normal((20, 18)), 2_000)
        assert population_loss(below)[0].max() < floor + lowest
    assert np.abs(population_loss(model.polygon(1, 1, 0, plus=5))[1]).max() > 0.01


def least_rise(w, moving, radius=1e-3):
    """The least (L(w + u) − L(w))/‖u‖² found over u in the coordinates ``moving``, ‖u‖ = radius."""
    floor, rng, moving = population_loss(w)[0], np.random.default_rng(0), np.array(moving)

    def rise(v):
        u, size = np.zeros(len(w)), np.linalg.norm(v)
        u[moving] = v / size
        value, slope = population_loss(w + radius * u)
        slope = slope[moving] / radius
        return (value - floor) / radius**2, (slope - (slope @ u[moving]) * u[moving]) / size

    starts = rng.standard_normal((20, len(moving)))
    return min(minimize(rise, v, jac=True, method="L-BFGS-B").fun for v in starts)


def test_one_more_column_pays_at_once_at_2_and_only_with_turning_corners_or_another_at_3():
    two, three = (model.polygon(k, 1, 0, plus=6 - k) for k in (2, 3))
    assert population_loss(np.stack([two, three]))[0] == pytest.approx([7 / 36, 7 / 48], abs=1e-12)
    assert least_rise(two, [2, 8]) == pytest.approx(-0.0972, abs=1e-3)
    alone, corners, biases = [3, 9], [0, 1, 2, 6, 7, 8], list(range(12, 18))
    assert least_rise(three, alone) == pytest.approx(1 / 72, abs=1e-3)
    assert least_rise(three, alone + biases) > 0.002
    assert least_rise(three, alone + corners) < -0.003
    assert least_rise(three, [3, 4, 9, 10, *biases]) < -0.006


def test_eight_features_around_a_pentagon():
    """Three dead features: rank 14. Three ⁺: rank 23. A ⁺ beside a dead feature: no minimum."""
    for plus, rank in ((0, 14), (3, 23)):
        eigenvalues = np.linalg.eigvalsh(model.hessian(model.polygon(5, *model.best_polygon(5), plus=plus, c=8)))
        assert (eigenvalues > 1e-6).sum() == rank and eigenvalues.min() > -1e-8
    mixed = model.polygon(5, *model.best_polygon(5), plus=1, c=8)
    assert np.abs(population_loss(mixed)[1]).max() < 1e-8
    assert np.linalg.eigvalsh(model.hessian(mixed)).min() < -5e-4


def lowest_beside_a_column(name, column, angle, lengths):
    """The lowest loss at every length of one column of a polygon, held at an angle; and where the last one is."""
    w, held = POLYGONS[name].copy(), [column, column + 6]
    free = np.delete(np.arange(18), held)
    profile = []
    for length in lengths:
        w[held] = length * np.cos(angle), length * np.sin(angle)

        def rest(part, w=w):
            v = w.copy()
            v[free] = part
            loss, slope = population_loss(v)
            return loss, slope[free]

        found = minimize(rest, w[free], jac=True, method="BFGS", options={"gtol": 1e-8})
        w[free] = found.x
        profile.append(found.fun)
    return np.array(profile), w


@pytest.mark.parametrize(("name", "height"), [("4⁺", 0.00023), ("4⁺⁺", 0.00046)])
def test_the_ridge_between_a_square_and_the_pentagon(name, height):
    """With a fifth column, on its best side, up by the height of the ridge, then down."""
    profile, _ = lowest_beside_a_column(name, 4, np.pi / 4, np.arange(0.01, 0.35, 0.02))
    rise = profile - population_loss(POLYGONS[name])[0]
    assert rise.max() == pytest.approx(height, abs=2e-5) and rise[-1] < 0


def test_the_ridge_between_5_plus_and_the_hexagon():
    """With a sixth column between two corners up by 0.0075, then down to the 6-gon."""
    profile, w = lowest_beside_a_column("5⁺", 5, np.pi / 5, np.arange(0.02, 1.35, 0.04))
    assert profile.max() - population_loss(POLYGONS["5⁺"])[0] == pytest.approx(0.0075, abs=5e-5)
    assert model.name_of(w) == "6"


def test_the_best_pentagon_of_a_sample_gives_up_the_weakest_feature():
    for seed in (0, 1):
        x = sample(400, np.random.default_rng(seed))
        assert model.given_up(x) == (x**2).sum(0).argmin()


def test_the_expected_llc_is_that_of_a_random_walk():
    """Metropolis on the exact loss, in the well of the 6-gon at nβ = 5000; near λ, and nearer at larger nβ."""
    rng, w, nbeta = np.random.default_rng(0), np.tile(POLYGONS["6"], (400, 1)), 5_000
    values, vectors = np.linalg.eigh(model.hessian(POLYGONS["6"]))
    spread = 0.5 / np.sqrt(nbeta * np.maximum(values, 0.02)) * vectors
    loss, kept = population_loss(w)[0], []
    for step in range(2_000):
        new = w + rng.standard_normal(w.shape) @ spread.T
        value = population_loss(new)[0]
        take = rng.random(400) < np.exp(np.minimum(nbeta * (loss - value), 0))
        w, loss = np.where(take[:, None], new, w), np.where(take, value, loss)
        if step >= 500:
            kept.append(loss)
    excess = nbeta * (np.mean(kept, 0) - population_loss(POLYGONS["6"])[0])
    assert abs(excess.mean() - model.expected_llc("6", nbeta)) < 4 * excess.std() / 20 + 0.01
    assert model.expected_llc("6", 1e5) == pytest.approx(8.5, abs=0.01)
    assert model.expected_llc("6", 3_000) > model.expected_llc("6", 1e4) + 0.05


def test_the_expected_llc_does_not_depend_on_the_eigenvectors_a_machine_chooses(monkeypatch):
    here, eigh = model.expected_llc("6", 1e4, draws=5_000), np.linalg.eigh

    def elsewhere(matrix):
        values, vectors = eigh(matrix)
        for i in np.flatnonzero(np.diff(values[1:]) < 1e-6) + 1:  # turn the pairs of equal eigenvalues
            vectors[:, [i, i + 1]] = vectors[:, [i, i + 1]] @ np.array([[0.6, -0.8], [0.8, 0.6]])
        return values, -vectors

    monkeypatch.setattr(model.np.linalg, "eigh", elsewhere)
    assert model.expected_llc("6", 1e4, draws=5_000) == pytest.approx(here, abs=1e-6)


def test_the_excess_of_the_six_gon_is_400_over_nbeta():
    for nbeta in (1e4, 1e5):
        assert nbeta * (model.expected_llc("6", nbeta) - 8.5) == pytest.approx(385, abs=30)


def test_the_expected_llc_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="wells of 5⁺ and 6"):
        model.expected_llc("4", 1e4)
    with pytest.raises(ValueError, match="3000 or more"):
        model.expected_llc("6", 100)


def test_a_polygon_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="leaves 1 without a column"):
        model.polygon(5, 1, 0, plus=2)


# ---- free energies and training --------------------------------------------------------------------------------------


def test_the_transition_at_601_and_without_the_prior_at_445():
    n = np.arange(90, 2_000)
    for prior, critical in ((True, 601), (False, 445)):
        gap = free_energy("5", n, prior) - free_energy("6", n, prior)
        assert n[np.flatnonzero(gap > 0)[0]] == pytest.approx(critical, abs=1)


def test_the_constants_against_a_gaussian_integral_by_importance_sampling():
    """Z of one circle of 6-gons at n = 10⁶, by sampling around w*, against Laplace's method without the copies."""
    n, w = 1e6, POLYGONS["6"]
    H = model.hessian(w)
    values, vectors = np.linalg.eigh(H)
    across = vectors[:, values > 1e-6]
    spread = 1 / np.sqrt(n * values[values > 1e-6])
    z = np.random.default_rng(0).standard_normal((20_000, 17))
    excess = population_loss(w + z * spread @ across.T)[0] - population_loss(w)[0]
    weight = np.exp(-n * excess + (z**2).sum(1) / 2)
    radius = np.linalg.norm(unpack(w)[0])
    log_z = np.log(weight.mean() * np.prod(np.sqrt(2 * np.pi) * spread) * 2 * np.pi * radius)
    log_z -= 9 * np.log(2 * np.pi) + (w**2).sum() / 2
    terms = model.constants("6")
    laplace = -8.5 * np.log(n) - model.half_norm("6") - sum(terms.values()) + terms["copies"]
    assert log_z == pytest.approx(laplace, abs=0.03)


def test_constants_need_a_hessian():
    with pytest.raises(ValueError, match="needs a Hessian"):
        model.constants("4")


def test_descent_goes_downhill_and_ends_on_polygons():
    w = 0.01 * np.random.default_rng(0).standard_normal((40, 18))
    w[:, 12:] = 0
    path = model.descend(w, 1500, keep={0, 100, 1500})
    loss = population_loss(path)[0]
    assert (np.diff(loss, axis=0) < 0).all()
    assert {model.name_of(state) for state in path[-1]} <= {"4⁺⁺", "5⁺", "6"}


def test_stochastic_descent_lowers_the_loss_of_its_own_data():
    rng = np.random.default_rng(0)
    x = np.stack([sample(200, rng) for _ in range(3)])
    w = 0.1 * rng.standard_normal((3, 18))
    w[:, 12:] = 0.05  # no output is dead
    path = model.stochastic_descent(w, x, epochs=40, rate=0.05, keep=20)
    loss = np.stack([sample_loss(x)(state)[0] for state in path])
    assert path.shape == (3, 3, 18) and (np.diff(loss, axis=0) < 0).all()
