"""sltcourse.llc against exact values: closed forms, quadrature, Aoyagi's formulas, published numbers."""

import importlib
import math
import shutil
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from sltcourse.llc import (
    HMC,
    MALA,
    SGLD,
    SGNHT,
    LocalPosterior,
    RMSPropSGLD,
    WhitenedSGLD,
    calibrate,
    default_nbeta,
    estimate_llc,
    sample,
)
from sltcourse.llc.noise import LARGE, Noise, table_of
from sltcourse.theory.closed_forms import deep_linear_network

from .benchmarks.llc_speed import memory
from .llc_models import (
    ToyModel,
    UntiedToyModel,
    expected_excess,
    kgon,
    linear_network_loss,
    summed_square,
    toy_data,
    toy_population_loss,
)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


def close(result, exact, slack=0.0):
    """Within four standard errors, what the step is known to add, and ``slack`` of a known bias."""
    error = result.llc - exact
    return -4 * result.std_error - slack <= error <= 4 * result.std_error + result.step_bias + slack


def quadratic(curvature):
    return lambda w: 0.5 * (curvature * w**2).sum()


@pytest.mark.parametrize("dim", [1, 3, 10, 50])
def test_quadratic_loss_gives_half_the_dimension(dim):
    """λ = d/2; at finite nβ exactly ½ Σ nβh/(nβh + γ)."""
    curvature = torch.logspace(-1, 1, dim) if dim > 1 else torch.ones(1)
    result = estimate_llc(quadratic(curvature), at=torch.zeros(dim), nbeta=1e5, num_chains=16)
    exact = 0.5 * (1e5 * curvature / (1e5 * curvature + 1)).sum().item()
    assert abs(exact - dim / 2) < 0.01
    assert close(result, exact)
    assert result.std_error < 0.05 * exact + 0.05
    assert result.dim == dim and result.init_loss == 0


@pytest.mark.parametrize(
    "sampler",
    [SGLD(0.02), WhitenedSGLD(), RMSPropSGLD(0.01, eps=1.0), SGNHT(0.005), MALA(0.01), HMC(0.01)],
    ids=lambda s: type(s).__name__,
)
def test_every_sampler_has_the_same_stationary_law(sampler):
    """Quadratic with localization that matters: ½ Σ nβh/(nβh + γ), and E‖w − w*‖² = Σ 1/(nβh + γ)."""
    curvature, nbeta, pull = torch.tensor([0.01, 0.1, 0.5, 1.0]), 20.0, 2.0
    result = estimate_llc(
        quadratic(curvature), at=torch.zeros(4), nbeta=nbeta, localization=pull, sampler=sampler, num_chains=32,
        num_draws=600, num_burnin_steps=400, num_steps_bw_draws=1 if isinstance(sampler, HMC) else 4)  # fmt: skip
    stiffness = nbeta * curvature + pull
    exact = 0.5 * (nbeta * curvature / stiffness).sum().item()
    assert close(result, exact, slack=0.02)
    assert (result.distance**2).mean() == pytest.approx((1 / stiffness).sum().item(), rel=0.08)
    assert result.equipartition == pytest.approx(1, abs=0.08)
    assert (result.acceptance is None) != isinstance(sampler, (MALA, HMC))


@pytest.mark.parametrize("sampler", [SGLD(1e-3), WhitenedSGLD(), WhitenedSGLD(control_variate=True)], ids=str)
@pytest.mark.parametrize("points", [1, 2])
def test_a_step_in_parts_of_the_coordinates_gives_the_same_numbers(monkeypatch, sampler, points):
    """Large ones are cut so that they stay in the cache; here d = 31 in parts of 3 or more."""
    torch.manual_seed(0)
    model, x = nn.Linear(30, 1), torch.randn(40, 30)
    posterior = LocalPosterior(model, (x, x[:, :1]), nn.functional.mse_loss, at=[model.state_dict()] * points,
                               localization=3.0, prior_precision=0.5)  # fmt: skip
    options = dict(num_chains=4, num_draws=5, num_burnin_steps=30, batch_size=8)
    room, cuts = importlib.import_module("sltcourse.llc.target"), []
    whole = sample(posterior, sampler, **options)
    parts = room.Target.parts
    monkeypatch.setattr(room, "LARGE", 1)
    monkeypatch.setattr(room, "PART", 12)
    monkeypatch.setattr(room.Target, "parts", lambda *a: (found := list(parts(*a)), cuts.append(len(found)))[0])
    in_parts = sample(posterior, sampler, **options)
    assert max(cuts) > 1, "cut into several"
    for one, other in zip(whole, in_parts, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in ("loss", "virial", "step_bias", "state_w"))


def test_the_step_bias_is_what_a_large_step_adds():
    """SGLD on a quadratic: the variance is 1/(h(1 − εh/4)), so λ̂ − d/2 is known, and step_bias finds it."""
    h, dim = 1.0, 20
    result = estimate_llc(quadratic(torch.full((dim,), h)), at=torch.zeros(dim), nbeta=1.0, localization=0.0,
                          sampler=SGLD(1.0), num_chains=64, num_draws=1000)  # fmt: skip
    exact = 0.5 * dim / (1 - 1.0 * h / 4)
    assert result.llc == pytest.approx(exact, rel=0.01)
    assert result.llc - result.step_bias == pytest.approx(dim / 2, rel=0.01)
    assert result.verdict.word == "don't" and "lower lr" in str(result.verdict)


def cross(w):
    return w[0] ** 2 * w[1] ** 2


def uneven(w):
    return w[0] ** 4 * w[1] ** 2


def two_component(w):
    return ((w[0] - 1) * (w[0] ** 2 + w[1] ** 2) ** 2) ** 2


@pytest.mark.parametrize(
    ("loss", "at", "nbeta", "coefficient"),
    [(cross, (0.0, 0.0), 1e3, 0.5), (uneven, (0.0, 0.0), 1e3, 0.25), (two_component, (0.0, 0.0), 1e5, 0.25),
     (two_component, (1.0, 1.0), 1e5, 0.5)],
    ids=["w1²w2²", "w1⁴w2²", "two-component, origin", "two-component, line"],
)  # fmt: skip
def test_singular_losses_at_finite_temperature(loss, at, nbeta, coefficient):
    """Against quadrature of the same posterior; the asymptotic λ is another matter."""
    exact = expected_excess(loss, nbeta, 10.0, at)
    assert exact == pytest.approx(expected_excess(loss, nbeta, 10.0, at, points=901), rel=1e-3)
    result = estimate_llc(loss, at=torch.tensor(at), nbeta=nbeta, localization=10.0, num_chains=64, num_draws=1000,
                          num_steps_bw_draws=3, sampler=WhitenedSGLD(0.05))  # fmt: skip
    assert close(result, exact, slack=0.01)
    assert result.std_error < 0.05 * coefficient + 0.01


def test_the_exact_value_approaches_the_learning_coefficient():
    """λ = 1/2 for w1²w2² with m = 2: nβE[K] = λ − (m − 1)/log n + …, from below and slowly."""
    values = [expected_excess(cross, 10.0**k, 10.0, points=3001) for k in (3, 5, 7, 9)]
    assert all(a < b < 0.5 for a, b in pairwise(values))
    increments = [(0.5 - v) * math.log(10.0**k) for v, k in zip(values, (3, 5, 7, 9), strict=True)]
    assert 0.5 < increments[-1] < 2.0
    assert expected_excess(two_component, 1e9, 10.0) == pytest.approx(0.25, abs=0.01)
    assert expected_excess(two_component, 1e6, 10.0, (1.0, 1.0)) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("sampler", [MALA(1e-3), HMC(1e-2)], ids=["MALA", "HMC"])
def test_sgld_agrees_with_the_exact_samplers(sampler):
    """The same posterior of a small regression, minibatches on one side and full batch in float64 on the other."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(400, 3, generator=rng)
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=rng))
        y = model(x)
    settings = dict(localization=10.0, nbeta=1000.0, num_chains=16)
    cheap = estimate_llc(model, (x, y), nn.functional.mse_loss, batch_size=200, num_draws=1500,
                         num_steps_bw_draws=2, **settings)  # fmt: skip
    exact = estimate_llc(model, (x, y), nn.functional.mse_loss, sampler=sampler, num_draws=800, **settings)
    error = math.hypot(cheap.std_error, exact.std_error)
    assert cheap.std_error < 0.05 * cheap.llc
    assert -3 * error <= cheap.llc - exact.llc <= 3 * error + cheap.step_bias


@pytest.mark.parametrize("sampler", [MALA(1e-3), HMC(1e-2)], ids=["MALA", "HMC"])
@pytest.mark.parametrize("power", [4, 8])
def test_the_exact_samplers_leave_steep_wells(sampler, power):
    """K = w⁴ and w⁸, λ = 1/4 and 1/8; MALA with one step size reads up to 12 standard errors low here."""
    exact = expected_excess(lambda w: w[0] ** power, 1e3, 1.0)
    results = [
        estimate_llc(lambda w: w[0] ** power, at=torch.zeros(1), nbeta=1e3, sampler=sampler, num_chains=16,
                     num_draws=800, num_burnin_steps=400, seed=seed) for seed in range(2)
    ]  # fmt: skip
    mean, error = np.mean([r.llc for r in results]), math.hypot(*(r.std_error for r in results)) / 2
    assert error < 0.1 * exact
    assert abs(mean - exact) < 4 * error


@pytest.mark.parametrize(
    ("widths", "rank"),
    [([5, 3, 5], 0), ([5, 4, 5], 0), ([4, 3, 8], 0), ([8, 3, 4], 0), ([3, 8, 4], 0), ([10, 20, 10], 10)],
    ids=str,
)
def test_linear_networks_against_aoyagi(widths, rank):
    """Global λ equals the local one at the origin for rank 0, and at any true parameter of full rank."""
    exact, _ = deep_linear_network(widths, rank)
    result = linear_network_estimate(widths, rank)
    assert result.llc - result.step_bias == pytest.approx(float(exact), rel=0.1)


def linear_network_estimate(widths, rank, steps=4000):
    rng = torch.Generator().manual_seed(1)
    layers = [torch.randn(b, a, generator=rng) / a**0.5 for a, b in pairwise(widths)]
    if rank == 0:
        layers = [torch.zeros_like(layer) for layer in layers]
    target = layers[0]
    for layer in layers[1:]:
        target = layer @ target
    return estimate_llc(linear_network_loss(widths, target), at=torch.cat([layer.flatten() for layer in layers]),
                        nbeta=1e5, num_chains=16, num_burnin_steps=steps, num_draws=steps // 4,
                        num_steps_bw_draws=4)  # fmt: skip


@pytest.mark.long
def test_forty_random_linear_networks():
    """Rank 0 at the origin, 1 to 4 layers: median relative error under 10 %."""
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(40):
        widths = [int(width) for width in rng.integers(2, 9, rng.integers(2, 6))]
        exact, _ = deep_linear_network(widths, 0)
        result = linear_network_estimate(widths, 0)
        errors.append(abs(result.llc - result.step_bias - float(exact)) / float(exact))
    assert np.median(errors) < 0.1


@pytest.mark.parametrize(("k", "plus", "loss", "coefficient"),
                         [(5, 0, 0.06874, 7.0), (5, 1, 0.06180, 8.5), (6, 0, 0.04819, 8.5)])  # fmt: skip
def test_toy_model_of_superposition(k, plus, loss, coefficient):
    """The published λ at n = 5·10⁵, on the exact population loss; localization 10 takes off under 0.1."""
    weight, bias = kgon(k, plus)
    result = estimate_llc(toy_population_loss, at=torch.cat([weight.flatten(), bias]), nbeta=default_nbeta(500_000),
                          localization=10.0, sampler=WhitenedSGLD(0.1), num_chains=64, num_burnin_steps=1500,
                          num_draws=500, num_steps_bw_draws=5)  # fmt: skip
    assert result.init_loss == pytest.approx(loss, abs=6e-6)
    assert abs(result.llc - result.step_bias - coefficient) < 2 * result.std_error + 0.2
    assert result.std_error < 0.25
    assert result.share_below < 0.01


def test_toy_model_bias_at_small_n_vanishes():
    """The 6-gon with localization 1: 10.7, 9.0 and 8.5 at nβ = 10², 10³, 10⁵."""
    weight, bias = kgon(6)
    values = [
        estimate_llc(toy_population_loss, at=torch.cat([weight.flatten(), bias]), nbeta=nbeta, num_chains=64,
                     sampler=WhitenedSGLD(0.1), num_draws=400, num_steps_bw_draws=5)
        for nbeta in (1e2, 1e3, 1e5)
    ]  # fmt: skip
    for result, expected in zip(values, (10.7, 8.99, 8.48), strict=True):
        assert abs(result.llc - result.step_bias - expected) < 3 * result.std_error + 0.15


@pytest.fixture(scope="module")
def small_data():
    return toy_data(5000)


HEXAGON = dict(batch_size=100, localization=10.0, num_chains=64, num_burnin_steps=800, num_draws=300,
               num_steps_bw_draws=4)  # fmt: skip


@pytest.fixture(scope="module")
def tied(small_data):
    return estimate_llc(ToyModel(*kgon(6)), small_data, summed_square, **HEXAGON)


def test_tied_weights_are_one_parameter(tied, small_data):
    untied = estimate_llc(UntiedToyModel(*kgon(6)), small_data, summed_square, **HEXAGON)
    assert tied.dim == untied.dim == 18
    assert tied.init_loss == pytest.approx(untied.init_loss)
    assert abs(tied.llc - untied.llc) < 4 * math.hypot(tied.std_error, untied.std_error)
    assert untied.llc < 9.5  # 13.1 where the noise comes twice


def test_permuting_the_hidden_units_changes_nothing(tied, small_data):
    weight, bias = kgon(6)
    other = estimate_llc(ToyModel(weight.flip(0), bias), small_data, summed_square, **HEXAGON)
    assert abs(tied.llc - other.llc) < 4 * math.hypot(tied.std_error, other.std_error)


def rescaled_network(a):
    """λ̂ of a ReLU network whose layers (W1, W2) are (aW1, W2/a)."""
    x = torch.randn(1000, 4, generator=torch.Generator().manual_seed(0))
    rng = torch.Generator().manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False))
    with torch.no_grad():
        for p, scale in zip(model.parameters(), (a, 1 / a), strict=True):
            p.copy_(torch.randn(p.shape, generator=rng) * scale)
        y = model(x)
    return estimate_llc(model, (x, y), nn.functional.mse_loss, nbeta=1e5, localization=1e-5, num_chains=32,
                        num_burnin_steps=2500, num_draws=400, num_steps_bw_draws=4, batch_size=200)  # fmt: skip


@pytest.fixture(scope="module")
def unscaled():
    return rescaled_network(1.0)


@pytest.mark.parametrize("factor", [1e-2, 1e2, 1e3])
def test_rescaling_relu_layers_changes_nothing(unscaled, factor):
    """(W1, W2) → (aW1, W2/a) is the same function; with the coordinates' own step sizes it is the same λ̂."""
    scaled = rescaled_network(factor)
    assert abs(unscaled.llc - scaled.llc) < 4 * math.hypot(unscaled.std_error, scaled.std_error) + 0.05 * unscaled.llc
    assert unscaled.llc == pytest.approx(7.5, rel=0.15)  # 18 parameters, 3 of them scale symmetries: 15/2


def test_calibration_finds_settings_to_trust(small_data):
    posterior = LocalPosterior(ToyModel(*kgon(6)), small_data, summed_square)
    found = calibrate(posterior, batch_size=100, num_chains=16)
    again = [estimate_llc(ToyModel(*kgon(6)), small_data, summed_square, **found.settings, seed=s) for s in (0, 1, 2)]
    assert again[0].verdict.word == "trust"
    assert sorted(result.verdict.word for result in again)[1:] == ["trust", "trust"]
    assert all(7.5 < result.llc < 10.5 for result in again)
    assert len(found.reasons) == 3 and len(found.step_sizes) == 3


@pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("c++") is None,  # on Windows torch takes Microsoft's alone
    reason="compile=True needs a C++ compiler: apt install g++",
)
@pytest.mark.parametrize(
    "sampler",
    [SGLD(1e-5), WhitenedSGLD(), RMSPropSGLD(1e-5), SGNHT(1e-5)],
    ids=lambda s: type(s).__name__,
)
def test_compiling_changes_only_the_speed(sampler, small_data):
    """The same random numbers; a short run, since rounding errors grow."""
    settings = dict(batch_size=100, num_chains=4, num_draws=20, num_burnin_steps=20, sampler=sampler)
    plain, fused = (
        estimate_llc(ToyModel(*kgon(6)), small_data, summed_square, compile=compile, **settings)
        for compile in (False, True)
    )
    np.testing.assert_allclose(fused.loss_trace, plain.loss_trace, rtol=1e-3)


def test_a_recorded_step_is_the_formula():
    """Three steps of SGLD on minibatches, by hand with the same random numbers; the first draw is w* itself."""
    x, lr, nbeta, gamma, w_star = torch.linspace(-1, 1, 50), 1e-3, 40.0, 3.0, 0.2
    draws = estimate_llc(lambda w, x: (w[0] - x).square().mean(), (x,), at=torch.tensor([w_star]), sampler=SGLD(lr),
                         nbeta=nbeta, localization=gamma, num_chains=2, num_draws=3, num_burnin_steps=0,
                         batch_size=10).loss_trace  # fmt: skip
    generator, w, by_hand = torch.Generator().manual_seed(0), torch.full((2,), w_star), []
    for _ in range(3):
        batch = x[torch.zeros(2, 10, dtype=torch.long).random_(0, 50, generator=generator)]
        excess = (w[:, None] - batch).square().mean(1) - (w_star - batch).square().mean(1)
        by_hand.append(excess + (w_star - x).square().mean())
        force = nbeta * 2 * (w[:, None] - batch).mean(1) + gamma * (w - w_star)
        noise = torch.zeros(2, 1).normal_(generator=generator)[:, 0]
        w = w - lr / 2 * force + lr**0.5 * noise
    np.testing.assert_allclose(draws, torch.stack(by_hand, 1), rtol=1e-5)


def test_an_autoencoders_data_may_be_given_once_or_twice(small_data):
    x = small_data
    settings = dict(batch_size=100, num_chains=2, num_draws=5, num_burnin_steps=5, sampler=SGLD(1e-5))
    once, twice, copied = (
        estimate_llc(ToyModel(*kgon(6)), data, summed_square, **settings).loss_trace
        for data in (x, (x, x), (x, x.clone()))
    )
    np.testing.assert_array_equal(once, twice)
    np.testing.assert_allclose(copied, once, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_noise_has_the_moments_of_normal_noise_on_any_number_of_threads(dtype):
    like, threads, drawn = torch.empty(5, LARGE // 4 + 1, dtype=dtype), torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)
        noise = Noise(like, torch.Generator().manual_seed(0))
        drawn.append([noise.draw().clone() for _ in range(4)])
    torch.set_num_threads(threads)
    for one, two in zip(*drawn, strict=True):
        assert torch.equal(one, two)
    z = torch.stack(drawn[0]).double()
    assert z.shape == (4, *like.shape)
    exact = table_of(torch.float64).flatten()
    for order, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (5, 0)):
        assert (exact**order).mean().item() == pytest.approx(moment, abs=1e-12)
    flat, values = z.view(-1), exact.to(dtype).double().unique()
    found = torch.stack([(flat == value).double().mean() for value in values])
    wanted = torch.tensor([1, 7, 7, 1]) / 16
    assert found.sum() == 1 and ((found - wanted).abs() < 4 * (wanted / len(flat)).sqrt()).all()
    for rows in (z.view(20, -1), z.square().view(20, -1)):  # of one draw and of different ones
        assert (torch.corrcoef(rows) - torch.eye(20)).abs().max() < 5 / rows.shape[1] ** 0.5
    for shift in (1, 2, 3, 15, 16, 17):  # neighbours share a byte, a word
        assert abs((flat[shift:] * flat[:-shift]).mean()) < 5 / len(flat) ** 0.5
        assert abs(((flat[shift:] ** 2 - 1) * (flat[:-shift] ** 2 - 1)).mean()) < 10 / len(flat) ** 0.5


def test_small_noise_is_normal():
    like = torch.empty(4, LARGE // 4 - 1, dtype=torch.float64)
    flat = Noise(like, torch.Generator().manual_seed(0)).draw().view(-1).sort().values
    below = torch.special.ndtr(flat)  # uniform on [0, 1]: the test of Kolmogorov and Smirnov
    assert (below - torch.linspace(0, 1, len(flat), dtype=torch.float64)).abs().max() < 1.95 / len(flat) ** 0.5


def test_a_model_of_a_million_parameters_fits_in_eight_gib():
    peak = memory()
    assert 0.3 < peak["peak_GiB"] < 8 and peak["parameters"] == 10**6 and peak["chains"] == 8
