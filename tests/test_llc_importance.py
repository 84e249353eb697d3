"""Independent draws: exact on Gaussian posteriors, honest error bars, and the referee of a chain that is hot."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr

from sltcourse.llc import SGLD, LocalPosterior, diagnostics, estimate_llc, llc, pictures, resume, sample
from sltcourse.llc import importance as room
from sltcourse.llc.errors import summary
from sltcourse.llc.importance import Importance, effective, tail_of
from sltcourse.llc.model import make_objective
from sltcourse.llc.observables import LossOn, PerSample
from sltcourse.llc.readings import expectation, heat, loss_kernel, susceptibility

X = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 2]], dtype=torch.float64)
Y = torch.tensor([1, -1, 2, 1, 0, 3], dtype=torch.float64)
W_STAR = torch.linalg.lstsq(X, Y[:, None]).solution[:, 0]


def squared(w, x, y):
    return ((y - x @ w) ** 2).mean() / 2


def posterior(nbeta=30.0, localization=60.0, prior_precision=0.0, penalty=0.0, at=W_STAR, data=(X, Y), loss=squared):
    """What ``Importance`` needs of a LocalPosterior, for a function of w."""
    objective = make_objective(loss, data, points=[at])
    centers = objective.centers
    value = objective.plain(centers[0], 0, data, True, 1.0)
    return SimpleNamespace(
        objective=objective, centers=centers, nbeta=nbeta, localization=localization, prior_precision=prior_precision,
        penalty=penalty, memory_bytes=2**32, several=False, notes=[], dim=objective.dim, num_samples=len(data[0]),
        init_loss=value[0][None] + 0.5 * penalty * centers.square().sum(1),
        init_grad=value[1][None] + penalty * centers,
        device=torch.device("cpu"), dtype=objective.dtype,
    )  # fmt: skip


def exact(nbeta=30.0, localization=60.0, prior_precision=0.0, penalty=0.0):
    """The Gaussian posterior: mean, covariance, E[losses], Cov(losses)."""
    precision = nbeta * X.T @ X / 6 + (localization + prior_precision + nbeta * penalty) * torch.eye(3)
    cov = torch.linalg.inv(precision)
    mean = cov @ (nbeta * X.T @ Y / 6 + localization * W_STAR)
    r, s = Y - X @ mean, X @ cov @ X.T
    return mean.numpy(), cov.numpy(), (r**2 / 2 + s.diagonal() / 2).numpy(), (torch.outer(r, r) * s + s**2 / 2).numpy()


@pytest.mark.parametrize(
    "options", [{}, {"prior_precision": 20.0}, {"penalty": 0.5}, {"prior_precision": 20.0, "penalty": 0.5}]
)
def test_a_gaussian_posterior_comes_out_right(options):
    draws = Importance().draw(
        posterior(**options), num_draws=2000, observe={"losses": PerSample(), "w": lambda p: p["w"]}
    )
    mean, cov, losses, kernel = exact(**options)
    for name, value in (("w", mean), ("losses", losses)):
        found = expectation(draws, name)
        assert float((np.abs(found.value - value) / found.std_error).max()) < 3.5
    for name, value in (("losses", kernel), ("w", cov)):
        found = loss_kernel(draws, name)
        assert float((np.abs(found.value - value) / found.std_error).max()) < 3.5
    assert found.attrs["ess"] == pytest.approx(draws.attrs["ess"])
    level = expectation(draws)
    penalty = options.get("penalty", 0.0)
    of_penalty = 0.5 * penalty * (np.trace(cov) + mean @ mean)
    assert abs(float(level.value) - losses.mean() - of_penalty) < 3.5 * float(level.std_error)
    if not penalty:
        second = heat(draws)
        assert abs(float(second.value) - 900 * kernel.mean()) < 3.5 * float(second.std_error)
        chi = susceptibility(draws)
        assert float((np.abs(chi.value + kernel.mean(0) - kernel.mean()) / chi.std_error).max()) < 3.5


def test_the_effective_sample_size_is_the_exact_one():
    draws = Importance().draw(posterior(), num_draws=5000)
    # E[v]²/E[v²] for v = exp(−u h u/2), u ~ N(0, 1/γ), one factor for each eigenvalue h of nβ XᵀX/n
    h = torch.linalg.eigvalsh(30 * X.T @ X / 6).numpy() / 60
    share = np.prod((1 + 2 * h) ** 0.5 / (1 + h))
    assert draws.attrs["ess"] / 40000 == pytest.approx(share, rel=0.01)
    assert effective(np.zeros((3, 4))) == 12
    assert draws.attrs["pareto_k"] < 0.5
    assert float(draws.distance.mean()) == pytest.approx((3 / 60) ** 0.5 * 0.921, rel=0.02)  # before the weights


def test_the_error_bars_are_those_between_seeds():
    values, errors, one_posterior = [], [], posterior(localization=30.0)
    for seed in range(40):
        draws = Importance().draw(one_posterior, num_draws=100, seed=seed, observe={"l": PerSample()})
        one = [expectation(draws), loss_kernel(draws, "l")]
        values.append(np.concatenate([part.value.values.ravel() for part in one]))
        errors.append(np.concatenate([part.std_error.values.ravel() for part in one]))
    spread, claimed = np.std(values, axis=0, ddof=1), np.sqrt(np.mean(np.square(errors), axis=0))
    assert np.median(claimed / spread) == pytest.approx(1, abs=0.2)
    assert np.abs(np.mean(values, axis=0)[0] - exact(localization=30.0)[2].mean()) < 4 * spread[0] / 40**0.5


def test_draws_are_complete_and_repeatable():
    one, two = (Importance().draw(posterior(), num_draws=50, seed=3) for _ in range(2))
    xr.testing.assert_equal(one, two)
    assert not Importance().draw(posterior(), num_draws=50, seed=4).equals(one)
    assert set(one.data_vars) == {"loss", "distance", "tilt", "log_weight"}
    assert json.loads(one.attrs["sampler"]) == {"name": "Importance"} and one.attrs["batch_size"] == 0
    at_center = float(squared(W_STAR, X, Y))
    assert one.attrs["init_loss"] == pytest.approx(at_center)
    np.testing.assert_allclose(one.log_weight, -30 * (one.loss - at_center), rtol=1e-9)
    assert np.abs(one.tilt).max() < 1e-12  # w* is a minimum


def test_a_spring_that_is_too_weak_is_refused_or_said():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(200, 30, generator=rng, dtype=torch.float64)
    y = x.sum(1)
    at = torch.ones(30, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"leave .* of 800 draws.*Raise localization"):
        Importance().draw(posterior(300.0, 1.0, at=at, data=(x, y)), num_draws=100)
    with pytest.raises(ValueError, match="give localization"):
        Importance().draw(posterior(localization=0.0))
    with pytest.raises(ValueError, match="num_draws is 0"):
        Importance().draw(posterior(), num_draws=0)
    with pytest.warns(UserWarning, match=r"worth .* independent ones.*a stronger spring"):
        expectation(Importance().draw(posterior(localization=2.0), num_draws=50))

    def breaks(w, x, y):
        return squared(w, x, y) + (1.5 - (w - W_STAR).norm() / 0.1).log().clamp(max=0)

    with pytest.raises(ValueError, match="not finite at"):
        Importance().draw(posterior(loss=breaks), num_draws=100)


def test_a_heavy_tail_of_the_weights_is_seen():
    random = np.random.default_rng(0)
    assert tail_of(np.log(random.pareto(1 / 0.9, 4000) + 1)) == pytest.approx(0.9, abs=0.25)
    assert tail_of(np.log(random.pareto(1 / 0.3, 4000) + 1)) == pytest.approx(0.3, abs=0.15)
    assert tail_of(-random.gamma(2, 1, 4000)) < 0.3  # bounded weights
    assert tail_of(np.zeros(100)) == -np.inf


def test_an_interrupt_keeps_what_was_drawn(monkeypatch):
    calls = []

    class Interrupting(room.Recorder):
        def keep(self, scalars):
            super().keep(scalars)
            calls.append(1)
            if len(calls) == 30:
                raise KeyboardInterrupt

    monkeypatch.setattr(room, "Recorder", Interrupting)
    draws = Importance().draw(posterior(), num_draws=100, observe={"losses": PerSample()})
    assert draws.attrs["partial"] == 1 and draws.attrs["num_draws"] == draws.sizes["draw"] == 29
    assert np.isfinite(draws.losses).all()


@pytest.fixture(scope="module")
def stiff():
    """A linear regression with directions of curvature 1 to 50 under the published spring and temperature."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(512, 6, generator=rng) * torch.tensor([50.0, 50, 25, 5, 1, 1]).sqrt()
    y = x.sum(1) + torch.randn(512, generator=rng)
    at = torch.linalg.lstsq(x, y[:, None]).solution[:, 0]
    h = 30 * torch.linalg.eigvalsh(x.double().T @ x.double() / 512).numpy()
    share = h / (h + 300)
    return LocalPosterior(squared, (x, y), at=at, nbeta=30.0, localization=300.0), share.sum() / 2, (share**2).sum() / 2


def test_the_referee_sees_what_r_hat_does_not(stiff):
    """SGLD as published (nβ = 30, γ = 300, ε = .001, batch 32): R-hat 1.00, and Var L several times too large."""
    posterior, mean, variance = stiff
    independent = sample(posterior, Importance(), num_draws=500)
    assert independent.attrs["ess"] > 600
    assert abs(llc(independent)[0] - mean) < 3.5 * llc(independent)[1]
    referee = heat(independent)
    assert abs(float(referee.value) - variance) < 3.5 * float(referee.std_error)

    settings = dict(num_chains=4, num_draws=800, num_burnin_steps=300, batch_size=32, observe={"full_loss": LossOn()})
    chain = sample(posterior, SGLD(lr=0.001), **settings)
    assert summary(chain.full_loss.values).rhat < 1.02
    with pytest.warns(UserWarning, match="heat the chain: about .*% of its excess loss is theirs"):
        hot = heat(chain, "full_loss")
    assert float(hot.value) > 2.5 * float(referee.value)
    assert float(hot.value) - float(referee.value) > 5 * np.hypot(float(hot.std_error), float(referee.std_error))


def test_sample_takes_it_as_a_sampler(stiff):
    posterior, *_ = stiff
    draws = sample(posterior, Importance(), num_chains=4, num_draws=60, seed=5, observe={"losses": PerSample()})
    xr.testing.assert_equal(
        draws, Importance().draw(posterior, num_chains=4, num_draws=60, seed=5, observe={"losses": PerSample()})
    )
    assert draws.losses.shape == (4, 60, 512)
    np.testing.assert_allclose(draws.losses.mean("sample"), draws.loss, rtol=1e-4)
    with pytest.raises(ValueError, match="leave batch_size out"):
        sample(posterior, Importance(), batch_size=32)
    several = LocalPosterior(squared, (X, Y), at=[W_STAR, W_STAR + 0.1], nbeta=30.0, localization=60.0)
    both = sample(several, Importance(), num_draws=30)
    assert len(both) == 2 and both[1].attrs["init_loss"] > both[0].attrs["init_loss"]
    assert np.abs(both[1].tilt).max() > 0.1


def test_the_picture_of_weighted_draws_shows_the_weighted_mean(stiff):
    draws = sample(stiff[0], Importance(), num_chains=4, num_draws=200)
    run = pictures._Run(draws)
    assert (run.llc, run.error) == pytest.approx(llc(draws))


def test_what_is_of_chains_is_refused_in_a_sentence(stiff):
    draws = sample(stiff[0], Importance(), num_chains=4, num_draws=100)
    with pytest.raises(ValueError, match="ess and pareto_k"):
        diagnostics(draws)
    with pytest.raises(ValueError, match="another seed"):
        resume(draws)
    other = sample(stiff[0], Importance(), num_chains=4, num_draws=100, seed=1)
    both = expectation([draws, other])
    assert both.attrs["ess"] == pytest.approx(draws.attrs["ess"] + other.attrs["ess"], rel=0.1)
    with pytest.raises(ValueError, match="independent draws are none"):
        estimate_llc(squared, (X, Y), at=W_STAR, sampler=Importance())
