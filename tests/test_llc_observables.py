"""Observables against the plain module, moments against numpy, thinning, joining, bounded memory."""

import importlib

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from sltcourse.llc import HMC, LocalPosterior, resume, sample
from sltcourse.llc import observables as kinds
from sltcourse.llc import recorder as recording
from sltcourse.llc.model import make_objective
from sltcourse.llc.observables import Chains, LossOn, OfOutputs, OfParameters, PerSample, PerToken
from sltcourse.llc.readings import covariance, influence, loss_kernel, susceptibility
from sltcourse.llc.recorder import Recorder, joined

torch.manual_seed(0)
X, Y = torch.randn(50, 3), torch.randn(50, 2)
OTHER = torch.randn(20, 3), torch.randn(20, 2)


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def objective_of(model=None, data=(X, Y), loss=mse_loss, **options):
    return make_objective(network() if model is None else model, data, loss, **options)


def some_w(objective, chains=5, seed=1, points=None):
    center = objective.centers[0 if points is None else points]
    noise = torch.randn(chains, objective.dim, generator=torch.Generator().manual_seed(seed), dtype=objective.dtype)
    return center + 0.1 * noise


def chains_of(objective, count=5, points=None, **options):
    return Chains(objective, torch.zeros(count, dtype=torch.long) if points is None else points, **options)


def measured(observable, objective, w, chains=None):
    chains = chains_of(objective, len(w)) if chains is None else chains
    return observable.bind("it", chains).measure(w), chains


def outputs(objective, w, data, point=0):
    """The plain outputs of each chain, by writing w into a fresh module: nothing of what is tested."""
    model, out = network(), []
    for one in w:
        nn.utils.vector_to_parameters(one, model.parameters())
        out.append(model(data.double()).detach())
    return torch.stack(out)


def test_every_kind_is_what_the_module_gives():
    objective = objective_of()
    w = some_w(objective)
    own, other = outputs(objective, w, X), outputs(objective, w, OTHER[0])
    squared = (own - Y.double()).square().mean(-1)
    found, chains = measured(PerSample(), objective, w)
    torch.testing.assert_close(found, squared)
    found, _ = measured(PerSample(loss=lambda out, y: (out - y).square().mean(-1), block=7), objective, w)
    torch.testing.assert_close(found, squared)
    found, _ = measured(PerSample(OTHER), objective, w)
    torch.testing.assert_close(found, (other - OTHER[1].double()).square().mean(-1))
    found, _ = measured(PerToken(lambda out, y: (out - y).abs()), objective, w)
    torch.testing.assert_close(found, (own - Y.double()).abs())
    found, _ = measured(LossOn(), objective, w)
    torch.testing.assert_close(found, squared.mean(-1))
    found, _ = measured(LossOn(OTHER), objective, w)
    torch.testing.assert_close(found, (other - OTHER[1].double()).square().mean((1, 2)))
    found, _ = measured(OfOutputs(lambda out: out.square().sum(-1)), objective, w)
    torch.testing.assert_close(found, own.square().sum(-1))
    found, _ = measured(OfOutputs(lambda out: out, OTHER, mean=True, block=6), objective, w)
    torch.testing.assert_close(found, other.mean(1))
    found, _ = measured(OfParameters(lambda named: named["0.weight"].sum(0)), objective, w)
    torch.testing.assert_close(found, w[:, :12].view(5, 4, 3).sum(1))
    found, _ = measured(OfParameters(lambda named: (named["0.bias"] > 0).sum()), objective, w)
    torch.testing.assert_close(found, (w[:, 12:16] > 0).sum(1).double())
    assert not chains.notes


def test_penalty_and_memory():
    objective = objective_of()
    w = some_w(objective)
    plain, _ = measured(LossOn(), objective, w)
    with_penalty, _ = measured(LossOn(), objective, w, chains_of(objective, penalty=0.3))
    torch.testing.assert_close(with_penalty, plain + 0.15 * w.square().sum(1))
    small = chains_of(objective, memory_bytes=5 * 3 * objective.bytes_per_row)
    assert small.rows_at_once(objective.rows) == 3
    torch.testing.assert_close(measured(PerSample(), objective, w, small)[0], measured(PerSample(), objective, w)[0])


def test_several_points_and_a_mask():
    states = [network(seed).state_dict() for seed in (3, 4)]
    objective = objective_of(points=states, mask={"2.weight": True})
    points = torch.tensor([0, 0, 1, 1])
    w = some_w(objective, 4, points=points)
    found, _ = measured(PerSample(), objective, w, chains_of(objective, points=points))
    for k, point in enumerate(points):
        model = network()
        model.load_state_dict(states[point])
        model[2].weight.data = w[k].view(2, 4)
        torch.testing.assert_close(found[k], (model(X.double()) - Y.double()).square().mean(-1).detach())
    norms, _ = measured(OfParameters(lambda p: p["0.weight"].norm()), objective, w, chains_of(objective, points=points))
    exact = torch.stack([states[k]["0.weight"].norm() for k in points])
    torch.testing.assert_close(norms, exact)  # what the mask holds is there, at its own w*


def test_tokens_are_weighted_as_the_posteriors_are():
    torch.manual_seed(2)
    model = nn.Sequential(nn.Embedding(7, 5), nn.Linear(5, 7)).double()
    x, y = torch.randint(7, (30, 6)), torch.randint(7, (30, 6))
    for row in range(30):
        y[row, 1 + row % 6 :] = -100

    def loss(logits, y):
        return cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=-100)

    objective = objective_of(model, (x, y), loss)
    w = objective.centers.expand(3, -1).contiguous()
    assert measured(LossOn(), objective, w)[0][0].item() == pytest.approx(loss(model(x), y).item())
    part = (x[4:15], y[4:15])
    found = measured(LossOn(part), objective, w, chains_of(objective, 3, memory_bytes=3 * 2 * objective.bytes_per_row))
    assert found[0][1].item() == pytest.approx(loss(model(part[0]), part[1]).item())
    tokens, _ = measured(
        PerToken(lambda logits, y: cross_entropy(logits.transpose(1, 2), y, ignore_index=-100, reduction="none")),
        objective,
        w,
    )
    assert tokens.shape == (3, 30, 6)
    assert tokens[0].sum().item() / (y >= 0).sum().item() == pytest.approx(loss(model(x), y).item())


def test_weighted_rows_dicts_and_functions():
    weights = torch.rand(50)
    objective = objective_of(weights=weights)
    w = some_w(objective)
    squared = (outputs(objective, w, X) - Y.double()).square().mean(-1)
    share = weights.double() / weights.double().sum()
    torch.testing.assert_close(measured(LossOn(), objective, w)[0], squared @ share, rtol=1e-6, atol=0)

    def f(w, x, y):
        return (x @ w - y[:, 0]).square().mean()

    objective = make_objective(f, (X.double(), Y.double()), points=[torch.ones(3, dtype=torch.float64)])
    w = some_w(objective)
    exact = (X.double() @ w.T - Y.double()[:, :1]).T.square()
    torch.testing.assert_close(measured(PerSample(), objective, w)[0], exact)
    torch.testing.assert_close(measured(OfParameters(lambda p: p["w"].sum()), objective, w)[0], w.sum(1))
    with pytest.raises(TypeError, match="no outputs"):
        PerSample(loss=lambda a, b: a).bind("it", chains_of(objective))
    alone = make_objective(lambda w: w.square().sum(), points=[torch.ones(2)])
    torch.testing.assert_close(measured(LossOn(), alone, some_w(alone))[0], some_w(alone).square().sum(1))
    with pytest.raises(ValueError, match="has none"):
        PerSample().bind("it", chains_of(alone))


class Branches(nn.Module):
    """Which torch.func cannot batch."""

    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(3, 2).double()

    def forward(self, x):
        h = self.lin(x)
        return h if self.lin.weight.sum() > 0 else 2 * h


def test_what_cannot_be_batched_is_measured_chain_by_chain_and_said():
    torch.manual_seed(0)
    model = Branches()
    objective = objective_of(model)
    w = some_w(objective)
    found, chains = measured(OfOutputs(lambda out: out), objective, w)
    for k in range(5):
        nn.utils.vector_to_parameters(w[k], model.parameters())
        torch.testing.assert_close(found[k], model(X.double()).detach())
    assert len(chains.notes) == 1 and "chain by chain" in chains.notes[0]


def test_a_wrong_recording_is_caught(monkeypatch):
    real = kinds.trace
    monkeypatch.setattr(kinds, "trace", lambda f, *args: lambda *now: real(f, *args)(*now) * 1.01)
    objective = objective_of()
    w = some_w(objective)
    found, chains = measured(PerSample(), objective, w)
    torch.testing.assert_close(found, (outputs(objective, w, X) - Y.double()).square().mean(-1))
    assert "differs from the plain module" in chains.notes[0]


def run(observe, objective, draws, first=0, count=4, total=None, seed=0):
    """``draws`` random points recorded as a sampler would; (recorder, all w, loss, distance)."""
    generator = torch.Generator().manual_seed(seed)
    w = objective.centers[0] + 0.2 * torch.randn(
        total or draws, count, objective.dim, generator=generator, dtype=objective.dtype
    )
    w = w[first : first + draws]
    recorder = Recorder(observe, chains_of(objective, count), draws, first=first)
    chains = chains_of(objective, count)
    own = LossOn().bind("loss", chains)
    loss = torch.stack([own.measure(one) for one in w])
    distance = (w - objective.centers[0]).norm(dim=-1)
    for one, a, b in zip(w, loss, distance, strict=True):
        recorder.look(one)
        recorder.keep({"loss": a, "distance": b})
    return recorder, w, loss.T.numpy(), distance.T.numpy()


def dataset(recorder, loss, distance):
    data, coords = recorder.variables()
    both = ("chain", "draw")
    attrs = dict(nbeta=10.0, localization=1.0, init_loss=0.0, batch_size=0)
    draws = np.arange(recorder.first, recorder.number)
    return xr.Dataset({"loss": (both, loss), "distance": (both, distance), **data}, {"draw": draws, **coords}, attrs)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_moments_are_those_of_the_draws():
    objective = objective_of()
    observe = {
        "losses": PerSample(),
        "streamed": PerSample(moments=True),
        "crossed": PerSample(moments="cross"),
        "test_loss": OTHER,
        "norm": lambda p: p["0.weight"].norm(),
    }
    recorder, _, loss, distance = run(observe, objective, 70)
    draws = dataset(recorder, loss, distance)
    assert draws["scalar"].values.tolist() == ["loss", "distance", "test_loss", "norm"]
    assert draws.losses.dims == ("chain", "draw", "sample") and "streamed" not in draws
    columns = np.concatenate([draws.losses.values, *(draws[s].values[..., None] for s in draws["scalar"].values)], -1)
    for chain in range(4):
        exact = np.cov(columns[chain].T, ddof=0)
        np.testing.assert_allclose(draws.streamed_cov[chain], exact[:50, :50], rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(draws.streamed_cross[chain], exact[:50, 50:], rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(draws.crossed_cross[chain], exact[:50, 50:], rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(draws.crossed_scalar_cov[chain], exact[50:, 50:], rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(draws.streamed_mean[chain], columns[chain, :, :50].mean(0))
    assert "crossed_cov" not in draws and int(draws.streamed_count[0]) == 70
    # and the readings read them: the same numbers but for how the means' own covariance is taken off
    whole, streamed = loss_kernel(draws), loss_kernel(draws, "streamed")
    np.testing.assert_allclose(streamed.value, whole.value, atol=0.03 * float(whole.value.max()))
    np.testing.assert_allclose(
        susceptibility(draws, ["loss", "norm"], "crossed").value,
        susceptibility(draws, ["loss", "norm"], "losses").value,
        atol=0.03 * float(whole.value.max()),
    )
    assert influence(draws, "crossed", "test_loss").value.dims == ("sample",)
    with pytest.raises(KeyError, match="moments=True"):
        loss_kernel(draws, "crossed")


def test_moments_of_numbers_far_from_zero():
    torch.manual_seed(0)
    moments = recording.Moments(2, 3, 1, True, "cpu")
    values = 1e6 + 1e-3 * torch.randn(200, 2, 4, dtype=torch.float64)
    for one in values:
        moments.add(one[:, :3], one[:, 3:])
    found = moments.coordinates("x", ("sample",), (3,))["x_cov"][1]
    for chain in range(2):
        exact = np.cov((values[:, chain] - 1e6).T.numpy(), ddof=0)[:3, :3]
        np.testing.assert_allclose(found[chain], exact, rtol=1e-4, atol=1e-10)


def test_thinning_and_going_on():
    observe = {
        "losses": PerSample(every=3),
        "streamed": PerSample(every=3, moments=True),
        "norm": lambda p: p["0.weight"].norm(),
    }
    objective = objective_of()
    once, w, loss, distance = run(observe, objective, 20)
    whole = dataset(once, loss, distance)
    assert whole.draw_every_3.values.tolist() == [0, 3, 6, 9, 12, 15, 18]
    assert set(whole.data_vars) == {"loss", "distance", "norm"}  # the rest are coordinates, for ArviZ
    exact = torch.stack([measured(PerSample(), objective, one)[0] for one in w[::3]], 1)
    np.testing.assert_allclose(whole.losses, exact)
    parts = []
    for first, count in ((0, 8), (8, 12)):
        recorder, _, a, b = run(observe, objective, count, first=first, total=20)
        parts.append(dataset(recorder, a, b))
    assert parts[1].draw_every_3.values.tolist() == [9, 12, 15, 18]
    found = xr.Dataset(coords=joined(*parts))
    for name in ("losses", "streamed_mean", "streamed_cov", "streamed_cross", "streamed_scalar_cov", "streamed_count"):
        np.testing.assert_allclose(found[name], whole[name], rtol=1e-9, atol=1e-14)
        assert found[name].dims == whole[name].dims
    assert found.draw_every_3.values.tolist() == whole.draw_every_3.values.tolist()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_moments_of_a_run_that_went_on_are_read_by_name():
    """The names of the scalars, too, go on."""
    posterior = LocalPosterior(lambda w: w.square().sum(), at=torch.zeros(3), nbeta=10.0)
    observe = {"w": OfParameters(lambda p: p["w"], moments="cross")}
    settings = dict(observe=observe, num_chains=4, num_burnin_steps=20)
    whole = covariance(sample(posterior, HMC(), num_draws=40, **settings), "w", "loss")
    longer = covariance(resume(sample(posterior, HMC(), num_draws=15, **settings), num_draws=25), "w", "loss")
    np.testing.assert_allclose(longer.value, whole.value, rtol=1e-9)


def test_memory_is_bounded(monkeypatch):
    objective = objective_of()
    monkeypatch.setattr(recording, "BLOCK_BYTES", 3 * 4 * 50 * 8)
    recorder, w, *_ = run({"losses": PerSample()}, objective, 10)
    store = recorder._stores["losses"]
    assert store.at_once == 3  # draws on the device, of 4 chains and 50 numbers
    np.testing.assert_allclose(recorder.variables()[0]["losses"][1][:, 9], measured(PerSample(), objective, w[9])[0])
    late = recorder.variables(draws=10, rows=slice(1, 3))[0]["losses"][1]
    assert late.shape == (2, 10, 50)
    with pytest.raises(ValueError, match=r"every=k.*moments=True"):
        Recorder({"losses": PerSample()}, chains_of(objective), 10**12)


def test_what_was_not_reached_is_nan():
    recorder, *_ = run({"losses": PerSample()}, objective_of(), 4)
    recorder = Recorder({"losses": PerSample()}, recorder.chains, 9)
    assert np.isnan(recorder.variables(draws=9)[0]["losses"][1]).all()
    w = some_w(recorder.chains.objective, 4)
    for _ in range(3):
        recorder.look(w)
        recorder.keep({"loss": w[:, 0], "distance": w[:, 0]})
    values = recorder.variables(draws=9)[0]["losses"][1]
    assert np.isfinite(values[:, :3]).all() and np.isnan(values[:, 3:]).all()
    assert recorder.variables()[0]["losses"][1].shape == (4, 3, 50)


@pytest.mark.parametrize(
    ("observe", "error", "words"),
    [
        ([1], TypeError, "must be a dict"),
        ({"loss": OTHER}, ValueError, "draws use themselves"),
        ({"my loss": OTHER}, ValueError, "Python identifier"),
        ({"a": PerSample}, TypeError, r"write PerSample\(...\)"),
        ({"a": network()}, TypeError, "is a module"),
        ({"a": (X, Y, Y)}, ValueError, "the same form"),
        ({"a": PerSample(loss=mse_loss)}, ValueError, "one number per row"),
        ({"a": PerToken(lambda out, y: (out - y).sum(-1))}, ValueError, "row and token"),
        ({"a": PerSample(block=0)}, ValueError, "whole number of rows"),
        ({"a": OfParameters(lambda p: p["0.bias"], dims=("x", "y"))}, ValueError, "names of dimensions"),
        ({"a": PerSample(), "b": PerSample(OTHER)}, ValueError, "dim='b_sample'"),
        ({"a": PerSample(), "b": PerSample((X.clone(), Y))}, ValueError, "different data"),
    ],
)
def test_what_cannot_be_recorded_is_said_before_anything_runs(observe, error, words):
    with pytest.raises(error, match=words):
        Recorder(observe, chains_of(objective_of()), 5)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="every is 0"):
        PerSample(every=0)
    with pytest.raises(ValueError, match="moments is 'full'"):
        PerSample(moments="full")
    assert PerSample(every=np.int64(2)).every == 2
    names = Recorder({"a": PerSample(), "b": PerSample(OTHER, dim="other")}, chains_of(objective_of()), 5).dims
    assert names == {"a": ("sample",), "b": ("other",)}


def complete(seed=0):
    """Draws with everything that a recorder leaves in them, and a diverged chain."""
    observe = {
        "losses": PerSample(),
        "thin": PerSample(every=4),
        "streamed": PerSample(moments=True),
        "norm": lambda p: p["0.weight"].norm(),
        "bias": OfParameters(lambda p: p["0.bias"], dims=("unit",)),
    }
    recorder, _, loss, distance = run(observe, objective_of(), 40, seed=seed)
    draws = dataset(recorder, loss, distance)
    return draws.assign_coords(first_bad=("chain", np.array([-1, -1, 7, -1], np.int32)))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_keeps_everything(tmp_path):
    draws = complete().assign_attrs(notes='["nβ = 10, λ̂"]', sampler='{"name": "SGLD"}', seed=3)
    draws["single"] = draws.losses.astype("float32")
    draws.to_netcdf(tmp_path / "draws.nc", engine="scipy")
    for read in (xr.load_dataset, xr.open_dataset):
        with read(tmp_path / "draws.nc", engine="scipy") as back:
            assert back.equals(draws)  # values and coordinates
            assert back.attrs == draws.attrs
            for name, value in draws.variables.items():
                assert back[name].dims == value.dims
                if value.dtype.kind == "f":
                    assert back[name].dtype == value.dtype
            for reading in (loss_kernel, susceptibility, influence):
                np.testing.assert_array_equal(reading(back).value, reading(draws).value)
            np.testing.assert_array_equal(
                loss_kernel(back, "streamed").std_error, loss_kernel(draws, "streamed").std_error
            )
            np.testing.assert_array_equal(loss_kernel(back, "thin").value, loss_kernel(draws, "thin").value)


def arviz():
    """ArviZ's summary: of arviz-stats with its xarray part, or of ArviZ 0.22, as on Colab."""
    for name in ("arviz_stats", "arviz"):
        try:
            return importlib.import_module(name).summary
        except (ImportError, AttributeError):
            continue
    pytest.skip("neither arviz-stats with arviz-base nor arviz is installed")


def test_arviz_reads_draws_as_they_are():
    draws = complete()
    table = arviz()(draws)
    assert {"loss", "distance", "norm", "losses[0]", "losses[49]", "bias[3]"} <= set(table.index)
    assert not [name for name in table.index if name.startswith(("thin", "streamed"))]  # coordinates are passed over
    assert float(table.loc["loss", "mean"]) == pytest.approx(float(draws.loss.mean()), rel=0.02)
    assert len(arviz()(draws, var_names=["loss"])) == 1
