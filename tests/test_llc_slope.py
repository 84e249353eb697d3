"""A gradient that is not the slope of its loss is seen; one that is, kinks included, is not blamed."""

import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sltcourse.llc import HMC, SGLD, LocalPosterior, estimate_llc, sample
from sltcourse.llc.slope import _slope_error, slope_error
from tests.llc_zoo import StraightThrough, mlp, vectors


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


def behind_a_detach(w):
    return w[0] ** 2 * (1 + 8 * w[0] ** 2).detach()


def test_another_gradient_is_not_trusted_and_the_exact_sampler_is_right():
    w = np.linspace(-2, 2, 40001)
    weight = np.exp(-30 * w**2 * (1 + 8 * w**2) - w**2 / 2)
    exact = (30 * w**2 * (1 + 8 * w**2) * weight).sum() / weight.sum()  # 0.416; the wrong drift gives 0.49
    settings = dict(at=torch.zeros(1), nbeta=30.0, num_chains=8)
    wrong = estimate_llc(behind_a_detach, sampler=SGLD(3e-3), num_draws=2000, num_burnin_steps=100, **settings)
    assert wrong.llc > exact + 3 * wrong.std_error
    assert wrong.verdict.word == "don't" and "otherwise than its gradient says" in str(wrong.verdict)
    right = estimate_llc(behind_a_detach, sampler=HMC(), num_draws=100, num_burnin_steps=50, **settings)
    assert abs(right.llc - exact) < 4 * right.std_error and "gradient" not in str(right.verdict)


def test_an_interrupt_meanwhile_keeps_the_draws_and_is_heard(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules[sample.__module__], "slope_error", interrupted)
    result = estimate_llc(behind_a_detach, at=torch.zeros(1), nbeta=30.0, sampler=SGLD(1e-3), num_chains=2,
                          num_draws=20, num_burnin_steps=1, target_error=0.01)  # fmt: skip
    assert result.partial and result.loss_trace.shape == (2, 20)


def moved(posterior, scale=0.1, chains=4):
    noise = torch.randn(chains, posterior.dim, generator=torch.Generator().manual_seed(0))
    return (posterior.centers[0] + scale * noise).double().numpy()


class Kinked(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return x @ self.w


class Rounded(Kinked):
    def forward(self, x):
        return x @ StraightThrough.apply(4 * self.w)


@pytest.mark.parametrize("model, loss", [(mlp(), F.mse_loss), (Kinked(), F.l1_loss), (Kinked(), F.mse_loss)])
def test_a_slope_with_kinks_is_one(model, loss):
    x, y = vectors()
    y = y if isinstance(model, nn.Sequential) else torch.zeros(len(x))
    posterior = LocalPosterior(model, (x, y), loss)
    assert _slope_error(posterior.objective, moved(posterior), 0) < 0.02  # where it fails, slope_error is 0


def test_a_rounding_is_none():
    x, _ = vectors()
    posterior = LocalPosterior(Rounded(), (x, torch.zeros(len(x))), F.mse_loss)
    assert slope_error(posterior.objective, moved(posterior), 0) > 0.3
    assert slope_error(posterior.objective, np.full((2, 3), np.nan), 0) == 0  # no chain is left


def test_a_loss_in_steps_is_refused():
    with pytest.raises(ValueError, match="not flat there"):
        LocalPosterior(lambda w: (w.sign() - 1).square().mean() + 0 * w.sum(), at=torch.ones(3), nbeta=10.0)
    LocalPosterior(lambda w: 0 * w.sum(), at=torch.ones(3), nbeta=10.0)  # flat, and λ = 0


def test_a_loss_that_rounds_its_changes_away():
    """Of 10⁵ + w² float32 keeps 2⁻⁷ = 1/128, which is 8 in nβL; in float64 λ̂ is ½ within its error."""
    settings = dict(at=torch.zeros(1), nbeta=1000.0, sampler=SGLD(1e-4), num_draws=1000, num_burnin_steps=100)
    lost = estimate_llc(lambda w: 1e5 + w[0] ** 2, **settings)
    assert lost.llc < 0.2 and lost.verdict.word == "don't" and "dtype=torch.float64" in str(lost.verdict)
    kept = estimate_llc(lambda w: 1e5 + w[0] ** 2, dtype=torch.float64, **settings)
    assert abs(kept.llc - 0.5) < 4 * kept.std_error and "rounding" not in str(kept.verdict)
