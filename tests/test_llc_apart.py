"""Large models run chain by chain, each by the recorded function of one chain: the draws are those of the batch."""

import json
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import xarray as xr

from sltcourse.llc import HMC, SGLD, LocalPosterior, WhitenedSGLD, apart, resume, sample
from sltcourse.llc import trace as tracing
from tests.llc_zoo import made

SHORT = dict(num_chains=3, num_draws=6, num_burnin_steps=8)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def large(monkeypatch):
    """Every model counts as large."""
    monkeypatch.setattr(apart, "LARGE", 1)


def posterior_of(name, **options):
    model, data, loss = made(name)
    return LocalPosterior(model, data, loss, **options)


def drawn(posterior, way, sampler, monkeypatch, **settings):
    with monkeypatch.context() as patch:
        patch.setattr(apart, "LARGE", 1 if way == "apart" else 2**60)
        draws = sample(posterior, sampler, **SHORT, **settings)
    for one in draws if isinstance(draws, list) else [draws]:
        assert one.attrs["way"] == way
    return draws


CASES = [
    ("attention, split", WhitenedSGLD(), 9, 2), ("lstm", SGLD(1e-5), 8, 2), ("counting", SGLD(1e-5), 8, 2),
    ("tied, transposed", WhitenedSGLD(control_variate=True), 8, 1), ("tied, transposed", HMC(1e-4), None, 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sampler", "batch_size", "threads"), CASES, ids=[f"{case[0]}, {type(case[1]).__name__}" for case in CASES]
)
def test_the_draws_are_those_of_the_batch(monkeypatch, name, sampler, batch_size, threads):
    before = torch.get_num_threads()
    posterior = posterior_of(name, dtype=torch.float64)
    batched = drawn(posterior, "batched", sampler, monkeypatch, batch_size=batch_size)
    monkeypatch.setattr("sltcourse.llc.threads.SMALL", 0)  # so that the number of threads is the one that is set
    torch.set_num_threads(threads)
    try:
        alone = drawn(posterior, "apart", sampler, monkeypatch, batch_size=batch_size)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert json.loads(alone.attrs["notes"]) == json.loads(batched.attrs["notes"]) == []
    for what in ("loss", "distance", "virial"):
        np.testing.assert_allclose(alone[what], batched[what], rtol=1e-6)


def test_several_points_a_mask_and_a_penalty(monkeypatch):
    model, data, loss = made("convolutional")
    points = [model.state_dict(), {k: v * 1.1 if v.is_floating_point() else v for k, v in model.state_dict().items()}]
    posterior = LocalPosterior(model, data, loss, at=points, mask={"0": True, "8.bias": True}, penalty=0.1,
                               dtype=torch.float64)  # fmt: skip
    found = {way: drawn(posterior, way, SGLD(1e-4), monkeypatch, batch_size=8) for way in ("batched", "apart")}
    for one, other in zip(*found.values(), strict=True):
        np.testing.assert_allclose(one.loss, other.loss, rtol=1e-6)
    assert not np.allclose(*(one.loss for one in found["apart"]))


def test_rows_of_uneven_weights_at_full_batch(monkeypatch):
    posterior = posterior_of("tied, transposed", weights=torch.linspace(0.5, 1.5, 24), dtype=torch.float64)
    found = [drawn(posterior, way, HMC(1e-4), monkeypatch).loss for way in ("batched", "apart")]
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_the_rule_is_one_of_size(monkeypatch):
    """So the same seed gives the same draws, bit for bit, however busy the machine is."""
    posterior = posterior_of("tied, transposed")
    kept = posterior.objective.bytes_per_row * 8 + posterior.objective.bytes_at_rest
    for border, way in ((kept, "apart"), (kept + 1, "batched")):
        monkeypatch.setattr(apart, "LARGE", border)
        one, two = (sample(posterior, SGLD(1e-5), batch_size=8, **SHORT) for _ in range(2))
        assert one.attrs["way"] == way and np.array_equal(one.loss, two.loss)


@pytest.mark.parametrize("begun", ["apart", "batched"])
def test_a_run_goes_on_the_way_it_began(tmp_path, monkeypatch, begun):
    """From a file, bit for bit, though by now the rule says otherwise."""
    posterior, settings = posterior_of("tied, transposed"), dict(num_chains=3, num_burnin_steps=8, batch_size=8)
    monkeypatch.setattr(apart, "LARGE", 1 if begun == "apart" else 2**60)
    whole = sample(posterior, WhitenedSGLD(), num_draws=9, **settings)
    sample(posterior, WhitenedSGLD(), num_draws=4, **settings).to_netcdf(tmp_path / "draws.nc")
    monkeypatch.setattr(apart, "LARGE", 2**60 if begun == "apart" else 1)
    longer = resume(xr.load_dataset(tmp_path / "draws.nc"), posterior, num_draws=5)
    assert longer.attrs["way"] == whole.attrs["way"] == begun
    np.testing.assert_array_equal(longer.loss, whole.loss)


@pytest.mark.parametrize(("apart", "batch_size", "in_parts"), [(False, 8, False), (True, 8, True), (False, None, True)])
def test_what_is_not_compiled_of_a_compiled_run_goes_part_by_part(monkeypatch, apart, batch_size, in_parts):
    """Compilation fuses a batched step. Apart, and at full batch, only the gradient is compiled: the step is cut."""
    for name in ("LARGE", "PART"):
        monkeypatch.setattr(f"sltcourse.llc.target.{name}", 8)
    points, generator = torch.zeros(4, dtype=torch.long), torch.Generator()
    target = posterior_of("convolutional").target(points, batch_size=batch_size, generator=generator, seed=0,
                                                  compiled=True)  # fmt: skip
    target.evaluator.apart = apart
    assert (len(list(target.parts(target.center))) > 1) == in_parts


def test_fused_attention_stays_fused(large, monkeypatch):
    kept, whole = [], tracing.make_fx

    def watched(function):
        def record(*args):
            recorded = whole(function)(*args)
            kept.append({str(node.target) for node in recorded.graph.nodes})
            return recorded

        return record

    monkeypatch.setattr(tracing, "make_fx", watched)
    draws = sample(posterior_of("attention, split"), SGLD(1e-5), batch_size=8, **SHORT)
    assert any("_scaled_dot_product_flash_attention_for_cpu_backward" in name for names in kept for name in names)
    assert draws.attrs["notes"] == "[]"


def test_what_torch_cannot_trace_runs_by_the_plain_module(large):
    draws = sample(posterior_of("branch"), SGLD(1e-5), batch_size=8, **SHORT)
    assert draws.attrs["way"] == "plain" and "one by one" in draws.attrs["notes"]
    assert "cannot trace" in draws.attrs["notes"]


def test_a_wrong_recording_is_seen_and_the_plain_way_runs(large, monkeypatch):
    posterior = posterior_of("convolutional")
    sound = sample(posterior, SGLD(1e-5), batch_size=8, **SHORT)
    make_fx = tracing.make_fx

    def wrong(function):
        def record(*args):
            recorded = make_fx(function)(*args)
            for node in recorded.graph.find_nodes(op="call_function", target=torch.ops.aten.relu.default):
                node.target = torch.ops.aten.tanh.default
            recorded.recompile()
            return recorded

        return record

    monkeypatch.setattr(tracing, "make_fx", wrong)
    draws = sample(posterior, SGLD(1e-5), batch_size=8, **SHORT)
    assert draws.attrs["way"] == "plain" and "where the model's own is" in draws.attrs["notes"]
    np.testing.assert_allclose(draws.loss, sound.loss, rtol=1e-4)


@pytest.fixture
def two_threads(monkeypatch):
    """Torch is set to two threads, for whatever size of model."""
    before = torch.get_num_threads()
    monkeypatch.setattr("sltcourse.llc.threads.SMALL", 0)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_a_thread_raises_comes_out_and_the_number_of_threads_is_as_before(large, two_threads, monkeypatch, error):
    alone, calls = apart._alone, []

    def fails(recorded, job):
        calls.append(threading.current_thread().name)
        if len(calls) > 5:
            raise error("at the sixth")
        return alone(recorded, job)

    monkeypatch.setattr(apart, "_alone", fails)
    with pytest.raises(error):
        sample(posterior_of("tied, transposed"), SGLD(1e-5), batch_size=8, **{**SHORT, "num_chains": 1})
    assert len(calls) > 5 and all(name.startswith("chains") for name in calls)
    assert torch.get_num_threads() == 2


def test_any_number_of_threads_gives_the_same_draws_and_leaves_the_model(large, two_threads):
    model, data, loss = made("convolutional")
    before, found = {name: x.clone() for name, x in model.state_dict().items()}, []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(sample(LocalPosterior(model, data, loss), WhitenedSGLD(), batch_size=8, **SHORT))
        assert torch.get_num_threads() == threads and found[-1].attrs["way"] == "apart"
    assert all(np.array_equal(one.loss, found[0].loss) for one in found)
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())


def test_loss_of_all_rows_without_a_gradient():
    """LSTM has no batching rule in a pass without gradient; what is observed on other data needs one."""
    model, (x, y), loss = made("lstm")
    posterior = LocalPosterior(model, (x, y), F.mse_loss)
    draws = sample(posterior, SGLD(1e-5), observe={"other": (x[:6], y[:6])}, batch_size=8, **SHORT)
    assert draws.attrs["notes"] == "[]" and np.isfinite(draws.other).all() and loss is F.mse_loss
