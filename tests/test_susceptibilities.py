import numpy as np
import pytest
import sympy as sp
from scipy.integrate import dblquad

from sltcourse.lessons import susceptibilities as lesson
from sltcourse.lessons.susceptibilities import models
from sltcourse.theory.linear_response import gaussian_posterior, loss_covariance, mean_losses
from tests.exercises import exercise_tests

POSTERIOR = models.posterior()


def test_the_covariances_are_those_of_many_gaussian_draws():
    w = np.random.default_rng(0).multivariate_normal(*POSTERIOR, size=400_000)
    losses = (models.Y - w @ models.X.T) ** 2 / 2
    exact = loss_covariance(models.X, models.Y, *POSTERIOR)
    centred = losses - losses.mean(0)
    error = np.array([[(centred[:, i] * centred[:, j]).std() for j in range(6)] for i in range(6)]) / np.sqrt(len(w))
    assert np.abs((np.cov(losses.T) - exact) / error).max() < 4
    assert losses.mean(0) == pytest.approx(mean_losses(models.X, models.Y, *POSTERIOR), rel=0.01)


@pytest.mark.parametrize("point", range(6))
def test_the_tangent_is_the_derivative_of_the_true_response(point):
    h = 1e-5
    slope = (models.perturbed(point, h) - models.perturbed(point, -h)) / (2 * h)
    assert slope == pytest.approx(models.tangents(point), rel=1e-5, abs=1e-7)


def test_the_susceptibilities_to_all_training_points_add_up_to_nothing():
    assert sum(models.tangents(k) for k in range(6)) == pytest.approx(np.zeros(6), abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.ones(5)}, "one for each of the 6 samples"),
        ({"weights": -np.ones(6)}, "no posterior"),
        ({"nbeta": np.nan}, "finite"),
        ({"w_star": np.zeros(3)}, "do not suit"),
    ],
)
def test_a_posterior_that_is_none_is_refused(change, message):
    given = dict(X=models.X, y=models.Y, nbeta=30, localization=1, w_star=models.W_STAR) | change
    with pytest.raises(ValueError, match=message):
        gaussian_posterior(**given)


def test_the_tangent_of_a_single_loss_reaches_further_than_that_of_the_mean():
    change, tangent = models.perturbed(4, 0.1) - models.perturbed(4, 0), 0.1 * models.tangents(4)
    assert change[4] == pytest.approx(tangent[4], rel=0.2)
    assert abs(change.mean() / tangent.mean() - 1) > 3


def test_the_influence_at_the_crossing_is_that_of_the_plane():
    x, y, nbeta, gamma = np.array([1.0, 1, 2]), np.array([1.0, -1, 0]), 30, 5

    def mean(f):
        def density(b, a):
            s = a * b
            rise = (((y - s * x) ** 2).sum() - (y**2).sum()) / 6
            return f(((y - s * x) ** 2 - y**2) / 2) * np.exp(-nbeta * rise - gamma / 2 * (a**2 + b**2))

        return dblquad(density, -3, 3, -3, 3, epsabs=1e-7)[0]

    total = mean(lambda losses: 1.0)
    first, second, both = (mean(f) / total for f in (lambda e: e[0], lambda e: e[1], lambda e: e[0] * e[1]))
    assert models.cross_influence(x, y, nbeta, gamma)[0, 1] == pytest.approx(nbeta * (both - first * second), rel=1e-4)


def test_a_mechanism_by_a_finer_sum():
    mean, variance = models.mechanism(0.3, 100, 5)
    t = np.linspace(-3, 5, 1601)
    a, b = np.meshgrid(t, t)
    loss = (a * b - 1) ** 2 / 2
    density = np.exp(-30 * loss - 2.5 * ((a - 1) ** 2 + (b - 1) ** 2))
    exact = (density * loss).sum() / density.sum()
    assert mean == pytest.approx(exact, rel=1e-6)
    assert variance == pytest.approx((density * loss**2).sum() / density.sum() - exact**2, rel=1e-6)


def test_the_live_figure():
    live = lesson.live_response(tangent=True)
    assert "tangent -0.064" in live.at(point="point 5", h=0.03)["caption"]
    assert "Nothing has moved" in live.at(point="point 1", h=0.0)["caption"]


p, v = sp.symbols("p v", positive=True)


def negative(phi, delta):
    value, error = models.susceptibility(phi, delta)
    return -value, error


test_right, test_wrong, test_untouched = exercise_tests(
    lesson.check,
    [
        ("susceptibility", (models.susceptibility,)),
        ("loss_covariance", (models.loss_covariance,)),
        ("bystander", (p * v,)),
    ],
    [
        ("susceptibility", (negative,), "The sign"),
        (
            "loss_covariance",
            (lambda X, y, m, S: np.outer(y - X @ m, y - X @ m) * (X @ S @ X.T),),
            "squares are missing",
        ),
        ("bystander", (0,), "does not vanish"),
    ],
)
