"""Least squares with a Gaussian posterior, against least squares with one more row for w* and Gauss–Hermite sums."""

import numpy as np
import pytest

from sltcourse.theory.linear_response import gaussian_posterior, loss_covariance, mean_losses

X = np.array([[1.0, 0.5], [-0.3, 2.0], [0.8, -1.1], [0.0, 0.4]])
Y = np.array([0.7, -1.2, 0.1, 2.0])
W_STAR = np.array([0.4, -0.6])


@pytest.mark.parametrize("weights", [None, [0.1, 0.6, 0.0, 0.3], [0.5, -0.05, 0.3, 0.2]])
def test_mean_and_covariance(weights):
    """Where the potential has its least value, by its slope, and the inverse of its second derivative."""
    nbeta, spring = 12.0, 3.0
    mean, cov = gaussian_posterior(X, Y, nbeta, spring, W_STAR, weights)
    p = np.full(4, 0.25) if weights is None else np.array(weights)
    slope = -nbeta * (p * (Y - X @ mean)) @ X + spring * (mean - W_STAR)
    np.testing.assert_allclose(slope, 0, atol=1e-12)
    hessian = nbeta * sum(q * np.outer(x, x) for q, x in zip(p, X, strict=True)) + spring * np.eye(2)
    np.testing.assert_allclose(cov @ hessian, np.eye(2), atol=1e-12)


def test_means_and_covariances_of_losses_are_sums_over_a_grid():
    """The losses are quadratic, their products of degree 4: four nodes an axis make the sums exact."""
    mean, cov = gaussian_posterior(X, Y, 2.0, 0.5, W_STAR)
    z, weight = np.polynomial.hermite_e.hermegauss(4)
    nodes = np.stack(np.meshgrid(z, z), -1).reshape(-1, 2)
    weight = np.outer(weight, weight).ravel() / weight.sum() ** 2
    losses = (Y - (mean + nodes @ np.linalg.cholesky(cov).T) @ X.T) ** 2 / 2
    exact = weight @ losses
    np.testing.assert_allclose(mean_losses(X, Y, mean, cov), exact)
    centred = losses - exact
    np.testing.assert_allclose(loss_covariance(X, Y, mean, cov), (centred * weight[:, None]).T @ centred)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.ones(3)}, "one for each of the 4 samples"),
        ({"weights": -np.ones(4)}, "no posterior: its precision has the eigenvalue -"),
        ({"weights": np.zeros(4), "localization": 0}, "the eigenvalue 0, which must be positive"),
        ({"nbeta": np.nan}, "finite"),
        ({"y": [np.inf, 0, 0, 0]}, "must be finite"),
        ({"X": np.zeros((4, 0)), "w_star": np.zeros(0)}, "d at least 1"),
        ({"w_star": np.zeros(3)}, "do not suit"),
        ({"y": np.zeros(5)}, "do not suit"),
        ({"X": np.zeros(4)}, "do not suit"),
        ({"X": 1e200 * X}, "the precision overflows"),
    ],
)
def test_a_posterior_that_is_none_is_refused(change, message):
    given = dict(X=X, y=Y, nbeta=30, localization=1, w_star=W_STAR) | change
    with pytest.raises(ValueError, match=message):
        gaussian_posterior(**given)


@pytest.mark.parametrize("of", [mean_losses, loss_covariance])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros(4)}, "do not suit"),
        ({"y": np.zeros(3)}, "do not suit"),
        ({"mean": np.zeros(3)}, "do not suit"),
        ({"cov": np.zeros((2, 3))}, "do not suit"),
        ({"cov": np.full((2, 2), np.nan)}, "must be finite"),
        ({"X": 1e200 * X}, "the losses overflow"),
    ],
)
def test_losses_of_what_is_no_gaussian_law_are_refused(of, change, message):
    with pytest.raises(ValueError, match=message):
        of(**dict(X=X, y=Y, mean=W_STAR, cov=np.eye(2)) | change)
