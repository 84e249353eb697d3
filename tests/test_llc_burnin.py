"""Burn-in goes on until equipartition holds, or its limit; and it takes smaller steps where the chains run hot."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sltcourse.llc import SGLD, LocalPosterior, WhitenedSGLD, estimate_llc, resume, sample
from sltcourse.llc.chains import RECORDED, Group
from sltcourse.llc.sample import BURNIN, MOST_BURNIN
from sltcourse.llc.samplers.whitened import PATIENCE
from sltcourse.llc.verdict import overspread, settled
from tests.llc_models import linear_network_loss
from tests.test_llc_coverage import tanh_unit

ROUND = dict(nbeta=1e3, num_chains=4, num_draws=20)


def slow(w):
    """Pairs of coordinates with a steep sum and a flat difference, which no step size of a coordinate reconciles."""
    return 0.25 * (w[::2] + w[1::2]).square().sum()


def bowl(w):
    return 0.5 * w.square().sum()


def slope(w):
    return w.sum() + 0.5 * w.square().sum()


def test_burn_in_goes_on_until_equipartition_holds():
    result = estimate_llc(slow, at=torch.zeros(200), nbeta=300.0)
    steps = result.settings["num_burnin_steps"]
    assert BURNIN < steps < MOST_BURNIN and steps % BURNIN == 0
    assert result.burnin_trace.shape == (8, steps) and (result.draws.burnin_steps == steps).all()
    assert result.equipartition > 0.97 and result.llc == pytest.approx(49.83, abs=4 * result.std_error)
    assert f"burn-in went on to {steps} steps, until the chains were in equilibrium." in result.notes
    again = estimate_llc(slow, at=torch.zeros(200), nbeta=300.0, num_burnin_steps=steps)
    np.testing.assert_array_equal(again.loss_trace, result.loss_trace)
    brief = estimate_llc(slow, at=torch.zeros(200), nbeta=300.0, num_burnin_steps=BURNIN, num_draws=200)
    assert brief.equipartition < 0.97 and "not spread yet" in str(brief.verdict)
    assert brief.burnin_trace.shape == (8, BURNIN) and not brief.notes


def test_it_ends_at_its_limit():
    result = estimate_llc(bowl, at=torch.zeros(50), **ROUND, sampler=SGLD(1e-7))
    assert result.settings["num_burnin_steps"] == MOST_BURNIN
    assert f"burn-in went on to {MOST_BURNIN} steps, and the chains are not yet in equilibrium." in result.notes


@pytest.mark.parametrize("loss", [bowl, slope], ids=["in equilibrium at once", "no minimum"])
def test_no_step_more_than_is_needed(loss):
    """Chains that run down a slope have no equilibrium near w*: waiting is no help."""
    result = estimate_llc(loss, at=torch.zeros(50), **ROUND)
    assert result.settings["num_burnin_steps"] == BURNIN and not result.notes


def test_each_point_and_each_group_has_its_own_burn_in_and_goes_on_bit_for_bit():
    """Two w*, one of which needs more rounds: in groups of their own, and together."""

    def either(w):  # near −5 it is slow, near 5 a bowl
        return torch.where(w.mean() > 0, bowl(w - 5), slow(w + 5))

    at = [torch.full((200,), 5.0), torch.full((200,), -5.0)]
    one_group = LocalPosterior(either, at=at[0], nbeta=300.0).bytes_per_chain(None) * 8.5 / 2**30
    posterior = LocalPosterior(either, at=at, nbeta=300.0, memory_gib=one_group)
    first, second = sample(posterior, num_chains=8, num_draws=30)
    assert first.attrs["chains_at_once"] == 8
    assert first.attrs["num_burnin_steps"] == BURNIN < second.attrs["num_burnin_steps"]
    assert np.isnan(first.burnin_loss[:, BURNIN:]).all() and (first.first_bad < 0).all()
    longer = resume([first, second], posterior, num_draws=10)
    for found, wanted in zip(longer, sample(posterior, num_chains=8, num_draws=40), strict=True):
        np.testing.assert_array_equal(found.loss, wanted.loss)
        assert found.attrs["num_burnin_steps"] == wanted.attrs["num_burnin_steps"]
        assert found.attrs["notes"] == wanted.attrs["notes"]
    together = sample(LocalPosterior(either, at=at, nbeta=300.0), num_chains=8, num_draws=10)
    assert together[0].attrs["num_burnin_steps"] == together[1].attrs["num_burnin_steps"] > BURNIN


def test_hot_chains_take_smaller_steps():
    """A product of three matrices near 0: at the first step size burn-in loses chains, and the draws would too."""
    widths = [14, 27, 12, 16]
    result = estimate_llc(linear_network_loss(widths, torch.zeros(16, 14)), at=torch.zeros(894), nbeta=72_000,
                          localization=100.0, num_draws=400)  # fmt: skip
    assert not result.diverged and result.verdict.word != "don't"
    assert result.llc == pytest.approx(57.4, abs=4 * np.hypot(result.std_error, 0.23))  # HMC: 57.4 ± 0.23


def test_a_lost_chain_halves_the_step():
    posterior = LocalPosterior(bowl, at=torch.zeros(50), nbeta=1e3)
    sampler, generator = WhitenedSGLD(), torch.Generator().manual_seed(0)
    target = posterior.target(torch.zeros(4, dtype=torch.long))
    state, noise = sampler.init(target, generator), torch.zeros(4, 50)
    for adapted, wanted in ((0, 1.0), (PATIENCE, 0.35)):
        state.adapted.fill_(adapted)
        state.w[1] = 100.0
        sampler.step(state, target, (), noise.clone(), True)
        assert state.most.item() == pytest.approx(wanted) and (state.w[1].abs() < 1).all()
    state.w[1] = 100.0
    sampler.step(state, target, (), noise.clone(), False)
    assert state.most.item() == pytest.approx(0.35)


@pytest.mark.parametrize(("bias", "change", "halvings"), [
    (0.0399, {}, 0), (0.0401, {}, 1), (0.079, {}, 1), (0.081, {}, 2), (0.159, {}, 2), (0.161, {}, 3),
    (5.0, {}, 3), (math.nan, {}, 0), (0.081, {"judged": 1}, 0), (0.081, {"judged": 3}, 0), (0.081, {"calms": False}, 0),
    (0.081, {"full_batch": True}, 0), (0.081, {"estimate": -2.0}, 0), (0.081, {"estimate": math.nan}, 0),
])  # fmt: skip
def test_so_many_halvings_for_what_minibatches_add(bias, change, halvings):
    """2 % of an estimate of 2 are allowed."""
    known = dict(judged=2, calms=True, full_batch=False, estimate=2.0) | change
    looks = np.zeros((6, 8, 30))
    looks[RECORDED.index("step_bias"), :4] = bias
    looks[RECORDED.index("step_bias"), 3:] = math.nan
    group = SimpleNamespace(target=SimpleNamespace(full_batch=known["full_batch"]), _judged=known["judged"],
                            sampler=SimpleNamespace(calms=known["calms"]), _looks=looks)  # fmt: skip
    assert Group._halvings(group, np.arange(8) < 4, known["estimate"]) == halvings


def test_uneven_minibatch_noise_makes_the_steps_smaller():
    """At the first step size λ̂ is 13 % too large."""
    found = {}
    for name, batch_size in (("even", 2000), ("uneven", 256)):
        case = tanh_unit(batch_size)
        found[name] = estimate_llc(case.loss, case.data, at=case.at, **case.settings, num_draws=4, num_burnin_steps=400)
    assert found["even"].draws.state_most.max() == 1.0 and found["uneven"].draws.state_most.max() < 0.3


@pytest.mark.parametrize(("whole", "blocks", "points", "is_settled", "is_hot"), [
    ((0.981, 0.001), [], 1, True, False),
    ((0.979, 0.001), [], 1, False, False),
    ((0.95, 0.026), [], 1, True, False),
    ((0.95, 0.024), [], 1, False, False),
    ((0.95, 0.024), [], 10, True, False),
    ((1.049, 0.001), [], 1, True, False),
    ((1.051, 0.001), [], 1, False, True),
    ((1.2, 0.049), [], 1, False, True),
    ((1.2, 0.051), [], 1, False, False),
    ((1.0, 0.001), [(0.89, 0.02), (1.0, 0.01)], 1, False, False),
    ((1.0, 0.001), [(0.91, 0.02), (1.0, 0.01)], 1, True, False),
    ((1.0, 0.001), [(0.85, 0.04)], 1, True, False),
])  # fmt: skip
def test_the_limits_of_equilibrium(whole, blocks, points, is_settled, is_hot):
    assert settled(whole, blocks, points) is is_settled
    assert overspread(*whole) is is_hot
