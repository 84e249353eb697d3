"""The estimator on the best device there is: `make gpu` runs these on CUDA; elsewhere they run on the CPU."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sltcourse.llc import (
    HMC,
    MALA,
    SGLD,
    SGNHT,
    LocalPosterior,
    RMSPropSGLD,
    WhitenedSGLD,
    best_device,
    estimate_llc,
    resume,
    sample,
)
from sltcourse.llc.evaluate import Evaluator

pytestmark = pytest.mark.gpu
DEVICE = best_device(float64=True)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


def regression(n=2000, d=3, dtype=torch.float32):
    """A linear regression at its least-squares solution: λ̂ = ½ Σ nβh/(nβh + γ), h twice the inputs' covariance."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    y = x.sum(1, keepdim=True) + torch.randn(n, 1, generator=generator, dtype=torch.float64)
    model = nn.Linear(d, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.linalg.lstsq(x, y).solution.T)
    nbeta = n / np.log(n)
    h = 2 * torch.linalg.eigvalsh(x.T @ x / n)
    exact = 0.5 * (nbeta * h / (nbeta * h + 1)).sum().item()
    return model.to(DEVICE, dtype), (x.to(DEVICE, dtype), y.to(DEVICE, dtype)), exact


SAMPLERS = [WhitenedSGLD(), SGLD(3e-4), RMSPropSGLD(3e-4, eps=1.0), SGNHT(3e-4), HMC(1e-4), MALA(1e-4)]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_every_sampler_finds_the_exact_value(sampler):
    model, data, exact = regression()
    result = estimate_llc(model, data, F.mse_loss, sampler=sampler, batch_size=None if sampler.exact else 500,
                          num_chains=16, num_draws=600, num_burnin_steps=600)  # fmt: skip
    assert torch.device(result.settings["device"]).type == DEVICE.type and result.notes == ()
    assert abs(result.llc - exact) < 4 * result.std_error + max(result.step_bias, 0) + 0.02 * exact


@pytest.mark.parametrize(
    "sampler",
    [SGLD(1e-5), WhitenedSGLD(), WhitenedSGLD(control_variate=True), RMSPropSGLD(1e-5), SGNHT(1e-5)],
    ids=["SGLD", "WhitenedSGLD", "WhitenedSGLD, relative to w*", "RMSPropSGLD", "SGNHT"],
)
def test_the_fast_step_is_the_plain_one(monkeypatch, sampler):
    """Captured on CUDA, recorded elsewhere; in float64, so that rounding stays small over the run."""
    model, data, _ = regression(dtype=torch.float64)
    settings = dict(sampler=sampler, batch_size=100, num_chains=3, num_draws=30, num_burnin_steps=30)
    fast = estimate_llc(model, data, F.mse_loss, **settings)
    start = Evaluator.__init__

    def looped(self, *args, **kwargs):
        start(self, *args, **kwargs)
        self.looped = True

    monkeypatch.setattr(Evaluator, "__init__", looped)
    slow = estimate_llc(model, data, F.mse_loss, **settings)
    np.testing.assert_allclose(fast.loss_trace, slow.loss_trace, rtol=1e-6)


def test_chains_in_groups_and_resumed():
    model, data, exact = regression()
    posterior = LocalPosterior(model, data, F.mse_loss)
    each = posterior.bytes_per_chain(100)
    small = posterior.replace(memory_gib=5.5 * each / 2**30)
    settings = dict(batch_size=100, num_chains=12, num_burnin_steps=200)
    whole = sample(small, num_draws=120, **settings)
    assert whole.attrs["chains_at_once"] < 12
    part = resume(sample(small, num_draws=60, **settings), num_draws=60)
    np.testing.assert_allclose(part.loss.values, whole.loss.values, rtol=1e-6)
    assert abs(exact - 1.5) < 0.1


def test_out_of_memory_halves_the_chains(monkeypatch):
    model, data, _ = regression()
    draw_batch, together = __import__("sltcourse.llc.target", fromlist=["Target"]).Target.draw_batch, []

    def full(self):
        together.append(len(self.center))
        if len(self.center) > 3:
            raise torch.OutOfMemoryError("out of memory")
        return draw_batch(self)

    monkeypatch.setattr("sltcourse.llc.target.Target.draw_batch", full)
    result = estimate_llc(model, data, F.mse_loss, batch_size=100, num_chains=8, num_draws=20, num_burnin_steps=20)
    assert sorted(set(together), reverse=True) == [8, 4, 2] and result.loss_trace.shape == (8, 20)
    assert any("did not fit the memory together: they ran 2 at a time" in note for note in result.notes)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_precisions(dtype):
    """bfloat16 has three digits; its λ̂ is the same within them."""
    torch.manual_seed(0)
    x = torch.randn(2000, 8)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)).to(DEVICE)
    y = (model(x.to(DEVICE)) + torch.randn(2000, 1, device=DEVICE)).detach()
    settings = dict(num_chains=8, num_draws=200, num_burnin_steps=300, localization=30.0)
    result = estimate_llc(model, (x, y), F.mse_loss, dtype=dtype, **settings)
    reference = estimate_llc(model, (x, y), F.mse_loss, **settings)
    assert result.llc == pytest.approx(reference.llc, rel=0.15, abs=4 * (result.std_error + reference.std_error))
