"""Minibatch gradients relative to w*: their mean, their noise, when they are used, and what that gives."""

import math

import numpy as np
import pytest
import torch

from sltcourse.llc import HMC, LocalPosterior, WhitenedSGLD, estimate_llc, resume, sample
from sltcourse.llc.control import relative_to
from tests.llc_models import ToyModel, kgon, summed_square, toy_data

N = 2000


def line(noise, n=N):
    """Rows x, y of a line in four coordinates with so much noise, and the least squares' w*."""
    rng = torch.Generator().manual_seed(0)
    x = torch.cat([torch.randn(n, 3, generator=rng), torch.ones(n, 1)], 1)
    y = x[:, :3].sum(1) + noise * torch.randn(n, generator=rng)
    return (x, y), torch.linalg.lstsq(x, y[:, None]).solution[:, 0]


def square(w, x, y):
    return (x @ w - y).square().mean()


def bent(w, x, y):
    return (torch.tanh(x @ w) - y).square().mean()


def anchored(posterior, chains, **options):
    points = torch.zeros(chains, dtype=torch.long)
    target = posterior.target(points, batch_size=10, generator=torch.Generator().manual_seed(0), **options)
    target.anchor(posterior.init_loss[points], posterior.init_grad[points])
    return target


def test_the_mean_is_that_of_all_the_data_and_the_noise_is_less():
    """Of 4000 minibatches, a little beside w*, where the loss is no quadratic; the penalty is in both."""
    data, at = line(0.5, 100)
    posterior = LocalPosterior(bent, data, at=0.3 * at, nbeta=10.0, penalty=0.1)
    target = anchored(posterior, 4000)
    w = target.center + 0.05 * torch.tensor([1.0, -1.0, 0.5, 2.0])
    batch = target.draw_batch()
    loss, grad = target.loss_and_grad(w, batch)
    exact_loss, exact_grad = target.full_loss_and_grad(w[:1])
    plain_loss, plain_grad = target.evaluator.on_batches("grad", w, batch)
    for found, plain, exact in ((loss[:, None], plain_loss[:, None], exact_loss), (grad, plain_grad, exact_grad)):
        error = found.std(0) / math.sqrt(len(found))
        assert ((found.mean(0) - exact[0]).abs() < 4 * error).all()
        assert (found.std(0) < 0.3 * plain.std(0)).all()
    at_center = target.loss_and_grad(target.center, batch)
    torch.testing.assert_close(at_center[0], posterior.init_loss.expand(4000))
    torch.testing.assert_close(at_center[1], posterior.init_grad.expand(4000, -1), atol=1e-6, rtol=1e-5)


def test_a_loss_that_is_not_finite_says_where():
    one, bad = torch.ones(1), torch.tensor([math.nan])
    anchor, away = (one, torch.ones(1, 2)), torch.ones(1, 2)
    for base, loss, wanted in ((one, 3 * one, 3.0), (bad, one, math.nan), (one, bad, math.inf), (bad, bad, math.nan)):
        value, _ = relative_to(anchor, (base, torch.ones(1, 2)), loss, torch.ones(1, 2), away)
        assert value.item() == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize(("noise", "batch_size", "used"), [(1.0, 8, 1), (1.0, 128, 1), (0.0, 8, 0), (1.0, N, 0)],
                         ids=["noisy", "noisy, large batch", "every row fitted", "all rows"])  # fmt: skip
def test_it_is_used_where_it_pays(noise, batch_size, used):
    data, at = line(noise)
    draws = sample(LocalPosterior(square, data, at=at), num_chains=4, num_draws=10, batch_size=batch_size)
    assert draws.attrs["control_variate"] == used


def test_no_more_noise_is_left_in_the_estimate_than_at_full_batch():
    """Exact 1.996. Without it the same draws in batches of 8 have an error bar over three times as wide."""
    data, at = line(1.0)
    exact = 0.5 * sum(h / (h + 1) for h in torch.linalg.eigvalsh(2 * (data[0].T @ data[0]).double() / math.log(N)))
    settings = dict(at=at, batch_size=8, num_draws=1000)
    found = estimate_llc(square, data, **settings)
    plain = estimate_llc(square, data, **settings, sampler=WhitenedSGLD(control_variate=False))
    assert found.settings["control_variate"] and not plain.settings["control_variate"]
    assert abs(found.llc - exact) < 3 * found.std_error and found.std_error < plain.std_error / 3
    assert found.verdict.word == "trust"


@pytest.mark.parametrize("given", [None, True])
def test_it_goes_on_bit_for_bit_from_a_file(given, tmp_path):
    data, at = line(1.0)
    posterior = LocalPosterior(square, data, at=at)
    settings = dict(sampler=WhitenedSGLD(control_variate=given), num_chains=4, batch_size=8)
    whole = sample(posterior, **settings, num_draws=30)
    sample(posterior, **settings, num_draws=20).to_netcdf(tmp_path / "draws.nc")
    import xarray as xr

    longer = resume(xr.load_dataset(tmp_path / "draws.nc"), posterior, num_draws=10)
    assert whole.attrs["control_variate"] == longer.attrs["control_variate"] == 1
    np.testing.assert_array_equal(longer.loss, whole.loss)


def test_chain_by_chain_it_is_the_same():
    """A model that torch.func cannot batch: the plain module gives the same draws, but for rounding."""

    class Branching(torch.nn.Linear):
        def forward(self, x):
            return super().forward(x) if self.looped is False or float(x.sum()) < math.inf else x

    data, at = line(1.0)
    data = data[0].double(), data[1][:, None].double()
    found = []
    for looped in (False, True):
        model = Branching(4, 1, bias=False).double()
        model.looped, model.weight.data = looped, at[None].double()
        found.append(sample(LocalPosterior(model, data, torch.nn.functional.mse_loss), num_chains=2, num_draws=5,
                            num_burnin_steps=300, batch_size=8))  # fmt: skip
        assert ("one by one" in found[-1].notes) is looped and found[-1].attrs["control_variate"] == 1
    np.testing.assert_allclose(found[0].loss, found[1].loss, rtol=1e-6)


@pytest.mark.parametrize("given", [True, False])
def test_a_minibatch_without_a_loss_is_not_a_chain_that_diverged(given):
    """Minibatches with row 0 in them have no loss, at w* neither."""
    (x, y), at = line(1.0, 50)

    def loss(w, x, y, first):
        return square(w, x, y) + (torch.where(first.max() > 0, torch.nan, 0.0) if len(x) == 2 else 0.0)

    found = estimate_llc(loss, (x, y, torch.eye(50)[0]), at=at, batch_size=2, num_draws=300, num_burnin_steps=300,
                         sampler=WhitenedSGLD(control_variate=given), localization=10.0)  # fmt: skip
    assert found.verdict.word == "don't" and "not finite at w* itself" in found.verdict.reasons[0]


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_pentagon_in_minibatches_is_that_of_all_the_data():
    """n = 5·10⁵ in batches of 512: without it λ̂ is 7.15 to 7.3, by the minibatches' heat."""
    from sltcourse.lessons.superposition.models import exact_sample_loss

    x, (weight, bias) = toy_data(500_000), kgon(5)
    nbeta = len(x) / math.log(len(x))
    exact = estimate_llc(exact_sample_loss(x.double().numpy()), at=torch.cat([weight.flatten(), bias]).double(),
                         nbeta=nbeta, localization=10.0, sampler=HMC(0.1 / nbeta, num_leapfrog=12), num_chains=32,
                         num_draws=1200, num_burnin_steps=300)  # fmt: skip
    found = estimate_llc(ToyModel(weight, bias), x, summed_square, localization=10.0, num_chains=16, num_draws=4000)
    assert found.settings["control_variate"] and found.std_error < 0.05 and exact.std_error < 0.04
    assert abs(found.llc - exact.llc) < 3 * math.hypot(found.std_error, exact.std_error)
    assert found.step_bias < 0.02
