"""sltcourse.llc where the question is bad, the run is cut short, or the machine is small."""

import math

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from sltcourse.llc import (
    HMC,
    SGLD,
    SGNHT,
    Importance,
    LocalPosterior,
    NothingTrustworthy,
    PerSample,
    RMSPropSGLD,
    WhitenedSGLD,
    calibrate,
    default_nbeta,
    estimate_llc,
    llc,
    llc_map,
    resume,
    sample,
)
from sltcourse.llc.draws import undefined
from sltcourse.llc.parameters import Parameters


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


def bowl(w):
    return 0.5 * (w**2).sum()


def posterior_at(w):
    return LocalPosterior(bowl, at=w, nbeta=1.0)


def mapped(**odd):
    return llc_map(posterior_at(torch.zeros(2)), **{"nbetas": [1], "localizations": [1], **odd})


def mse(outputs, targets):
    return (outputs - targets).square().mean()


def regression(n=50, seed=0):
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, generator=rng)
    model = nn.Linear(3, 1)
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(0.5)
        return model, (x, model(x))


SHORT = dict(num_chains=4, num_draws=50, num_burnin_steps=50)
MODEL, DATA = regression()


def state(changed):
    """A checkpoint of MODEL whose tensors are changed."""
    return {name: changed(value) for name, value in MODEL.state_dict().items()}


def observed(what):
    return sample(LocalPosterior(MODEL, DATA, mse), observe={"a": what}, **SHORT)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: estimate_llc("model", DATA, mse), TypeError, "nn.Module or a function"),
        (lambda: estimate_llc(MODEL, DATA), TypeError, "loss must be a function"),
        (lambda: estimate_llc(MODEL, None, mse), ValueError, "needs data"),
        (lambda: estimate_llc(MODEL, (*DATA, DATA[0]), mse), ValueError, "takes 2 positional arguments but 3"),
        (lambda: estimate_llc(MODEL, "data.npz", mse), TypeError, "a tuple .inputs, targets. or dict"),
        (lambda: estimate_llc(MODEL, (DATA[0], DATA[1][:7]), mse), ValueError, "rows"),
        (lambda: estimate_llc(MODEL, (DATA[0][:0], DATA[1][:0]), mse), ValueError, "empty"),
        (lambda: estimate_llc(MODEL, (DATA[0][:1], DATA[1][:1]), mse), ValueError, "n ≥ 2"),
        (lambda: estimate_llc(MODEL, DATA, lambda o, t: (o - t) ** 2), ValueError, "add .mean"),
        (lambda: estimate_llc(MODEL, DATA, lambda o, t: ((o - t) ** 2).sum()), ValueError, "must be the mean"),
        (lambda: estimate_llc(MODEL, DATA, lambda o, t: mse(o, t) + math.nan), ValueError, "loss at w. is nan"),
        (lambda: estimate_llc(MODEL, DATA, lambda o, t: mse(o, t) + torch.rand(())), ValueError, "randomness"),
        (lambda: estimate_llc(MODEL, DATA, mse, batch_size=51), ValueError, "n = 50"),
        (lambda: estimate_llc(MODEL, DATA, mse, batch_size=10, sampler=HMC()), ValueError, "full batch"),
        (lambda: estimate_llc(MODEL, DATA, mse, nbeta=-1.0), ValueError, "nbeta"),
        (lambda: estimate_llc(MODEL, DATA, mse, localization=-1.0), ValueError, "localization"),
        (lambda: estimate_llc(MODEL, DATA, mse, num_chains=0), ValueError, "num_chains"),
        (lambda: estimate_llc(MODEL, DATA, mse, num_burnin_steps=0), ValueError, "adapts during burn-in"),
        (lambda: estimate_llc(MODEL, DATA, mse, at=[]), ValueError, "empty list"),
        (lambda: estimate_llc(MODEL, DATA, mse, at={"weight": DATA[0]}), ValueError, "lacks"),
        (lambda: estimate_llc(MODEL, DATA, mse, at=3.0), TypeError, "state dict"),
        (lambda: estimate_llc(MODEL, DATA, mse, mask={"wieght": True}), ValueError, "does not have"),
        (lambda: estimate_llc(MODEL, DATA, mse, mask={"bias": torch.ones(2, dtype=bool)}), ValueError, "shape"),
        (lambda: estimate_llc(MODEL, DATA, mse, mask={}), ValueError, "no parameter is free"),
        (lambda: estimate_llc(nn.ReLU(), DATA, mse), ValueError, "no parameters"),
        (lambda: estimate_llc(bowl, nbeta=10.0), ValueError, "give at"),
        (lambda: estimate_llc(bowl, at=torch.zeros(2, 2), nbeta=10.0), ValueError, "vector"),
        (lambda: estimate_llc(bowl, at=torch.zeros(2)), ValueError, "give nbeta"),
        (lambda: estimate_llc(bowl, loss=mse, at=torch.zeros(2), nbeta=1.0), TypeError, "leave loss=None"),
        (lambda: estimate_llc(bowl, at=torch.zeros(2), nbeta=1.0, batch_size=5), ValueError, "no data"),
        (lambda: estimate_llc(nn.Sequential(nn.Linear(3, 1), nn.Dropout()), DATA, mse), ValueError, "training mode"),
        (lambda: estimate_llc(nn.Sequential(nn.Linear(3, 1), nn.BatchNorm1d(1)), DATA, mse), ValueError, "eval"),
        (lambda: estimate_llc(MODEL, DATA, mse, memory_gib=1e-9), ValueError, "GiB"),
        (lambda: calibrate(posterior_at(torch.zeros(2)), HMC()), TypeError, "SGLD and WhitenedSGLD"),
        (lambda: calibrate(MODEL), TypeError, "calibrate takes a LocalPosterior"),
        (lambda: llc_map(posterior_at([torch.zeros(2)]), nbetas=[1], localizations=[1]), TypeError, "takes one w"),
        (lambda: llc_map(posterior_at(torch.zeros(2)), "sgld", nbetas=[1], localizations=[1]), TypeError, "is a str"),
        (lambda: mapped(nbetas=None), ValueError, "nbetas is None; a list of numbers"),
        (lambda: mapped(nbetas=[]), ValueError, "nbetas must hold at least one"),
        (lambda: mapped(nbetas=[0]), ValueError, "nbetas holds 0; positive"),
        (lambda: mapped(localizations=[1, "0"]), ValueError, "localizations holds '0'; positive"),
        (lambda: mapped(seed=None), ValueError, "seed is None; it must be a whole number"),
        (lambda: calibrate(posterior_at(torch.zeros(2)), seed=0.5), ValueError, "seed is 0.5"),
        (lambda: default_nbeta(1), ValueError, "n ≥ 2"),
        (lambda: estimate_llc(MODEL, DATA, nn.MSELoss), TypeError, "class MSELoss: write MSELoss"),
        (lambda: SGNHT(friction=-1), ValueError, "friction of SGNHT is -1; it must be a number above 0 and below 1"),
        (lambda: RMSPropSGLD(decay=1.0), ValueError, "decay of RMSPropSGLD is 1.0"),
        (lambda: RMSPropSGLD(eps=math.inf), ValueError, "eps of RMSPropSGLD is inf"),
        (lambda: WhitenedSGLD(stable="large"), ValueError, "stable of WhitenedSGLD is 'large'; .* below 4"),
        (lambda: estimate_llc(MODEL, DATA, mse, sampler="sgld"), TypeError, "sampler is a str"),
        (lambda: estimate_llc(MODEL, DATA, mse, sampler=SGLD), TypeError, "write SGLD"),
        (lambda: estimate_llc(MODEL, DATA, mse, target_error="5%"), ValueError, "share of the estimate"),
        (lambda: estimate_llc(MODEL, DATA, mse, batch_size=8.0), ValueError, "batch_size is 8.0"),
        (lambda: estimate_llc(MODEL, DATA, mse, seed=2**70), ValueError, "below 2⁶³"),
        (lambda: calibrate(posterior_at(torch.zeros(2)), seed=-1), ValueError, "seed is -1; .* 0 or more"),
        (lambda: llc_map(posterior_at(torch.zeros(2)), nbetas=[1], localizations=[1], seed=0.5), ValueError, "seed is"),
        (lambda: Importance().draw(posterior_at(torch.zeros(2)), seed=-1), ValueError, "seed is -1"),
        (lambda: estimate_llc(MODEL, DATA, mse, device="gpu"), ValueError, "device is 'gpu'"),
        (lambda: estimate_llc(MODEL, DATA, mse, device="meta"), ValueError, "device is 'meta'"),
        (lambda: estimate_llc(MODEL, DATA, mse, weights="balanced"), TypeError, "weights is a str"),
        (lambda: estimate_llc(MODEL, DATA, mse, weights=torch.ones(50) * 1j), ValueError, "must be real"),
        (lambda: estimate_llc(MODEL, DATA, mse, at=state(torch.Tensor.int)), ValueError, "torch.int32 in the check"),
        (lambda: estimate_llc(MODEL, DATA, mse, at=state(torch.Tensor.to_sparse)), ValueError, "sparse or quantized"),
        (lambda: estimate_llc(MODEL, DATA, mse, at=state(lambda x: x * math.nan)), ValueError, "loss at w. is nan"),
        (lambda: estimate_llc(bowl, at={"w": DATA[0]}, nbeta=10.0), TypeError, "at is a dict; for a function"),
        (lambda: estimate_llc(MODEL, DATA, mse, mask={"bias": torch.ones(1).bool().to_sparse()}), ValueError, "dense"),
        (lambda: estimate_llc(MODEL, (DATA[0].long(), DATA[1]), mse), ValueError, "The batch: int64 .4, 3., float32"),
        (lambda: estimate_llc(MODEL, (DATA[0], DATA[1][:, 0]), mse), ValueError, "pairs every row with every other"),
        (lambda: observed(lambda p: p["w"]), ValueError, "observe.'a'. fails: KeyError: 'w'"),
        (lambda: observed(lambda p: p["weight"] * 1j), ValueError, "complex numbers: take .real"),
        (lambda: observed(PerSample(loss=lambda o, y: o.view(7, -1))), ValueError, "fails on a batch of 50 rows"),
    ],
)  # fmt: skip
def test_bad_input_says_what_is_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_diverging_step_is_named():
    result = estimate_llc(bowl, at=torch.zeros(5), nbeta=1e4, sampler=SGLD(1.0), **SHORT)
    assert result.verdict.word == "don't"
    assert sorted(result.diverged) == [0, 1, 2, 3] and all(1 <= step <= 100 for step in result.diverged.values())
    assert "diverged" in str(result.verdict) and "lower lr" in str(result.verdict)


@pytest.mark.parametrize("sampler", [WhitenedSGLD(), SGLD(0.1)])
def test_a_loss_that_is_undefined_near_w_star_is_said_to_be(sampler):
    """−log w₀ + w₀ + w₁², a minimum at (1, 0), has no value at w₀ < 0, where the prior's spring lets the chains go."""
    settings = dict(at=torch.tensor([1.0, 0.0]), nbeta=3.0, localization=0.1, num_chains=4, num_draws=200)
    result = estimate_llc(
        lambda w: w[0] - torch.log(w[0]) + w[1] ** 2, sampler=sampler, num_burnin_steps=200, **settings
    )
    assert result.verdict.word == "don't" and "undefined near w*" in result.verdict.reasons[0]
    assert "diverged, first chain" not in str(result.verdict)


def test_only_a_loss_that_is_gone_at_once_is_undefined():
    """Three chains explode, are gone at once, and come back; behind ``burnin_steps`` there is nan for want of steps."""
    traces = np.array([[1.0, 1e9, math.inf, math.nan], [1.0, 2.0, math.nan, math.nan], [1.0, math.nan, 1.0, 2.0]])
    burnin = np.full((3, 5), math.nan)
    burnin[:, :2] = 1.0
    coords = {"first_bad": ("chain", [4, 5, 4]), "burnin_steps": ("chain", [2, 2, 2])}
    draws = xr.Dataset({"loss": (("chain", "draw"), traces), "burnin_loss": (("chain", "step"), burnin)}, coords)
    draws.attrs = dict(num_steps_bw_draws=1, init_loss=0.0, nbeta=10.0, dim=1)
    assert undefined(draws) == 2
    draws.attrs["num_steps_bw_draws"], draws["burnin_steps"] = 2, ("chain", [4, 4, 4])
    assert undefined(draws) == 1


def test_a_slope_is_no_minimum():
    result = estimate_llc(lambda w: 0.5 * ((w - 1) ** 2).sum(), at=torch.zeros(3), nbeta=100.0, num_chains=4,
                          num_draws=50, num_burnin_steps=400)  # fmt: skip
    assert result.verdict.word == "don't" and "no local minimum" in str(result.verdict)
    assert result.llc < 0 and result.tilt < -10 and result.share_below > 0.9


def test_a_saddle_is_no_minimum():
    result = estimate_llc(lambda w: w[0] ** 2 - w[1] ** 2 + w[1] ** 4, at=torch.zeros(2), nbeta=1000.0, **SHORT)
    assert result.verdict.word == "don't" and "negative" in str(result.verdict)


def test_short_and_single_chains_are_not_trusted():
    few = estimate_llc(bowl, at=torch.zeros(3), nbeta=100.0, sampler=SGLD(1e-4), num_chains=4, num_draws=20,
                       num_burnin_steps=0)  # fmt: skip
    one = estimate_llc(bowl, at=torch.zeros(3), nbeta=100.0, num_chains=1, num_draws=3)
    assert few.verdict.word == "don't" and "ESS" in str(few.verdict)
    assert one.rhat is None and "run four or more" in str(one.verdict) and "error bar" in str(one.verdict)
    with pytest.warns(UserWarning, match="3 draws give no error bar"):
        assert llc(one.draws)[0] == one.llc
    gone = estimate_llc(bowl, at=torch.zeros(5), nbeta=1e4, sampler=SGLD(10.0), **SHORT)
    with pytest.warns(UserWarning, match=r"λ̂ = nan ± nan: 4 chain\(s\) diverged"):
        assert math.isnan(llc(gone.draws)[0])


def test_calibration_refuses_a_saddle():
    with pytest.raises(NothingTrustworthy, match="λ̂") as refusal:
        calibrate(LocalPosterior(lambda w: -(w**2).sum() + (w**4).sum(), at=torch.zeros(2), nbeta=1e3), num_chains=4)
    assert refusal.value.trials


def test_same_seed_same_numbers_and_the_model_is_untouched():
    before = {name: p.clone() for name, p in MODEL.named_parameters()}
    first, second, third = (estimate_llc(MODEL, DATA, mse, batch_size=10, seed=seed, **SHORT) for seed in (0, 0, 1))
    assert np.array_equal(first.loss_trace, second.loss_trace)
    assert not np.array_equal(first.loss_trace, third.loss_trace)
    assert all(torch.equal(p, before[name]) and p.grad is None for name, p in MODEL.named_parameters())


def test_traces_baseline_and_burnin():
    result = estimate_llc(MODEL, DATA, mse, num_chains=3, num_draws=7, num_burnin_steps=20, num_steps_bw_draws=5)
    assert result.loss_trace.shape == result.distance.shape == (3, 7)
    assert result.burnin_trace.shape == (3, 4) and result.llc_per_chain.shape == (3,)
    assert result.init_loss == mse(MODEL(DATA[0]), DATA[1]).item()
    assert result.nbeta == 50 / math.log(50)
    assert result.llc == pytest.approx(result.nbeta * (result.loss_trace.mean() - result.init_loss), rel=1e-6, abs=1e-9)
    assert result.wbic == pytest.approx(50 * result.loss_trace.mean(), rel=1e-6)
    with pytest.raises(ValueError, match="n/log n"):
        _ = estimate_llc(MODEL, DATA, mse, nbeta=3.0, **SHORT).wbic


def test_minibatch_draws_are_measured_against_their_own_baseline():
    """A noise floor common to w and w* cancels: without that, λ̂'s error would be nβ·sd(L_B) ≈ 5."""
    x = torch.randn(2000, 3, generator=torch.Generator().manual_seed(0))
    y = 0.5 * x.sum(1, keepdim=True) + 0.5 + torch.randn(2000, 1, generator=torch.Generator().manual_seed(1))
    weight = torch.linalg.lstsq(torch.cat([x, torch.ones(2000, 1)], 1), y).solution
    model = nn.Linear(3, 1)
    with torch.no_grad():
        model.weight.copy_(weight[:3].T)
        model.bias.copy_(weight[3])
    result = estimate_llc(model, (x, y), mse, batch_size=200, num_chains=8, num_draws=500, num_burnin_steps=300)
    assert result.std_error < 0.3
    assert abs(result.llc - result.step_bias - 2) < 4 * result.std_error


def test_interrupt_returns_what_is_there(monkeypatch):
    step, calls = SGLD.step, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) > 80:
            raise KeyboardInterrupt
        return step(self, *args)

    monkeypatch.setattr(SGLD, "step", interrupted)
    result = estimate_llc(bowl, at=torch.zeros(3), nbeta=10.0, sampler=SGLD(0.01), **SHORT)
    assert result.partial and result.loss_trace.shape == (4, 30)
    assert result.verdict.word != "trust" and "interrupted" in str(result.verdict)
    calls[:] = [1] * 60
    with pytest.raises(KeyboardInterrupt):  # nothing was drawn yet
        estimate_llc(bowl, at=torch.zeros(3), nbeta=10.0, sampler=SGLD(0.01), **SHORT)


def test_an_interrupt_between_two_rounds_of_target_error_loses_no_draw(monkeypatch):
    def interrupted(draws, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("sltcourse.llc.estimate.resume", interrupted)
    result = estimate_llc(bowl, at=torch.zeros(3), nbeta=10.0, sampler=SGLD(0.01), target_error=1e-3, **SHORT)
    assert result.partial and result.loss_trace.shape == (4, 50) and "interrupted" in str(result.verdict)


def test_a_trajectory_in_one_call():
    """Checkpoints × chains in one batch, each with its own w*, baseline and buffers."""
    model = nn.Sequential(nn.Linear(3, 1), nn.BatchNorm1d(1)).eval()
    states = []
    for scale in (0.5, 1.0, 2.0):
        state = {name: value.clone() for name, value in model.state_dict().items()}
        state["1.running_mean"] += scale
        states.append(state)
    results = estimate_llc(model, DATA, mse, at=states, **SHORT)
    assert len(results) == 3
    for state, result in zip(states, results, strict=True):
        model.load_state_dict(state)
        assert result.init_loss == pytest.approx(mse(model(DATA[0]), DATA[1]).item(), rel=1e-5)
        assert result.loss_trace.shape == (4, 50)


def test_groups_that_fit_the_memory(monkeypatch):
    """The same chains one group after another: fewer at a time, none lost."""
    each = LocalPosterior(MODEL, DATA, mse).bytes_per_chain(None)
    result = estimate_llc(MODEL, DATA, mse, memory_gib=2.5 * each / 2**30, num_chains=7, num_draws=20,
                          num_burnin_steps=20)  # fmt: skip
    assert result.loss_trace.shape == (7, 20) and np.isfinite(result.llc)


def test_a_million_parameters_times_eight_chains_fit_in_8_gib():
    model = nn.Sequential(nn.Linear(500, 1000), nn.ReLU(), nn.Linear(1000, 500))
    x = torch.zeros(1000, 500)
    posterior = LocalPosterior(model, (x, x), mse)
    assert posterior.dim > 1e6
    assert 8 * posterior.bytes_per_chain(100) < 2**30


def test_masks_restrict_the_coordinates():
    """Refined LLC of a quadratic: half the number of free coordinates."""
    free = torch.tensor([True, False, True, True])
    result = estimate_llc(bowl, at=torch.zeros(4), nbeta=1e5, mask=free, num_chains=16, num_draws=500)
    assert result.dim == 3
    assert abs(result.llc - result.step_bias - 1.5) < 4 * result.std_error
    head = estimate_llc(MODEL, DATA, mse, mask={"bias": True}, **SHORT)
    assert head.dim == 1
    MODEL.bias.requires_grad_(False)
    try:
        assert estimate_llc(MODEL, DATA, mse, **SHORT).dim == 3
    finally:
        MODEL.bias.requires_grad_(True)


class Shared(nn.Module):
    """Two Parameters on overlapping parts of one storage, and one that is the same object twice."""

    def __init__(self):
        super().__init__()
        storage = torch.arange(10.0)
        self.first, self.second = nn.Parameter(storage[:6].view(2, 3)), nn.Parameter(storage[4:])
        self.square = nn.Parameter(torch.arange(4.0).view(2, 2))
        self.again, self.turned = self.square, nn.Parameter(self.square.data.T)


def test_shared_storage_is_counted_once():
    model = Shared()
    layout = Parameters(model)
    state = dict(model.named_parameters())
    assert layout.dim == 14
    vectors = layout.values(state)
    rebuilt = layout.tensors(layout.split(layout.join(vectors)), vectors)
    assert all(torch.equal(rebuilt[name], p) for name, p in state.items())
    with pytest.raises(ValueError, match="move together"):
        Parameters(model, {"square": True})


def test_exact_chains_from_a_file_go_on_in_float64(tmp_path):
    """The posterior that a user gives again is in float32: it is doubled as it was for the first draws."""
    posterior, settings = LocalPosterior(MODEL, DATA, mse), dict(num_chains=2, num_burnin_steps=10, seed=3)
    whole = sample(posterior, HMC(), num_draws=8, **settings)
    assert whole.sizes["block"] == 2  # the doubled copy's parameters lie in one storage and are still told apart
    sample(posterior, HMC(), num_draws=3, **settings).to_netcdf(tmp_path / "draws.nc")
    longer = resume(xr.load_dataset(tmp_path / "draws.nc"), posterior, num_draws=5)
    for name in whole.data_vars:
        assert np.array_equal(longer[name], whole[name])


def test_settings_survive_in_the_result():
    result = estimate_llc(bowl, at=torch.zeros(3), nbeta=10.0, sampler=WhitenedSGLD(0.02), **SHORT)
    assert result.settings["sampler"] == WhitenedSGLD(0.02) and result.localization == 1.0
    assert result.chain_steps_per_second > 0 and "λ̂" in str(result)


def test_draws_do_not_go_on_with_another_posterior():
    """Whatever of its size: other data, another w*, another loss."""
    model, (x, y) = regression()
    posterior = LocalPosterior(model, (x, y), mse)
    draws = sample(posterior, SGLD(1e-6), num_chains=1, num_draws=2, num_burnin_steps=1)
    torch.manual_seed(0)
    other = nn.Linear(3, 1)
    for changed in ((other, (x, y), mse), (model, (x, y + 1), mse), (model, (x, y), lambda o, t: mse(o, t) + 1)):
        with pytest.raises(ValueError, match="another model"):
            resume(draws, LocalPosterior(*changed), num_draws=1)
    assert resume(draws, LocalPosterior(model, (x, y), mse), num_draws=1).sizes["draw"] == 3


@pytest.mark.parametrize("run", [
    lambda posterior, *given: estimate_llc(*given, **SHORT),
    lambda posterior, *given: sample(posterior, **SHORT),
    lambda posterior, *given: sample(posterior, Importance()),
    lambda posterior, *given: llc_map(posterior, nbetas=[1], localizations=[1]),
])  # fmt: skip
def test_autocast_around_the_chains_is_refused(run):
    """It keeps the weights that it has cast, so that every draw would have the loss of the first."""
    model, data = regression()
    posterior = LocalPosterior(model, data, mse)
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(ValueError, match="autocast is on"):
        run(posterior, model, data, mse)
