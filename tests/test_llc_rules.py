"""Rules and what they say: verdicts at the limit itself, how `calibrate` chooses, when gradients relative to w* pay,
what a standard error is, and what is said of a reading."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr

from sltcourse.llc import LocalPosterior
from sltcourse.llc.calibrate import _agree, _draws, _largest_sound_step, _smallest_plateau
from sltcourse.llc.control import pays
from sltcourse.llc.errors import summary
from sltcourse.llc.estimate import _wants_more
from sltcourse.llc.readings import _heated, _notes
from sltcourse.llc.verdict import judge, limit
from tests.test_llc_verdict import SOUND


def run(**change):
    """A short run that passes every rule."""
    sound = dict(llc=2.0, std_error=0.01, rhat=1.0, equipartition=1.0, diverged={}, ess=2000.0)
    return SimpleNamespace(**sound | change)


# what is changed in a run that then just passes, and in one that just fails
BOTH = {
    "R-hat": (dict(rhat=1.199), dict(rhat=1.201)),
    "one chain": ({}, dict(rhat=None)),
    "divergence": ({}, dict(diverged={2: 30})),
    "agreement within 10 %": (dict(llc=2.22), dict(llc=2.23)),
    "agreement within 10 %, below": (dict(llc=1.82), dict(llc=1.81)),
    "agreement within two errors": (dict(llc=2.49, std_error=0.25), dict(llc=2.51, std_error=0.25)),
    "agreement within two errors, below": (dict(llc=1.51, std_error=0.25), dict(llc=1.49, std_error=0.25)),
}
STEP = BOTH | {
    "equipartition above 1": (dict(equipartition=1.049), dict(equipartition=1.051)),
    "equipartition below 1": (dict(equipartition=0.951), dict(equipartition=0.949)),
}
PLATEAU = BOTH | {
    "equipartition above 1": (dict(equipartition=1.099), dict(equipartition=1.101)),
    "equipartition below 1": (dict(equipartition=0.901), dict(equipartition=0.899)),
    "more than two errors above 0": (dict(std_error=0.99), dict(std_error=1.01)),
}


@pytest.mark.parametrize("name", STEP)
def test_the_largest_step_that_passes_is_taken(name):
    passes, fails = STEP[name]
    assert _largest_sound_step([run(), run(), run(**passes)]) == 2
    assert _largest_sound_step([run(), run(), run(**fails)]) == 1


@pytest.mark.parametrize("name", PLATEAU)
def test_the_smallest_localization_that_passes_is_taken(name):
    passes, fails = PLATEAU[name]
    assert _smallest_plateau([run(**passes), run(), run()]) == 0
    assert _smallest_plateau([run(**fails), run(), run()]) == 1


def test_what_has_nothing_beside_it_to_agree_with_is_not_taken():
    bad = run(rhat=2.0)
    assert _largest_sound_step([run(), bad, bad]) is None
    assert _smallest_plateau([bad, bad, run()]) is None


def test_both_errors_count_where_two_runs_are_compared():
    """Twice √(0.15² + 0.2²) is 0.5."""
    assert _agree(run(llc=2.49, std_error=0.15), run(std_error=0.2))
    assert not _agree(run(llc=2.51, std_error=0.15), run(std_error=0.2))


@pytest.mark.parametrize(
    "change, draws",
    [
        (dict(std_error=0.1), 600),  # as precise as is asked for: as many draws again
        (dict(std_error=0.2), 2400),
        (dict(std_error=0.01, ess=600.0), 1200),
        (dict(std_error=0.01, rhat=1.0499), 1500),
        (dict(std_error=0.01, rhat=None, ess=1200.0), 600),
        (dict(std_error=0.001, ess=1e6), 200),
        (dict(std_error=0.01, ess=1200 / 1.01), 700),
    ],
    ids=str,
)
def test_so_many_draws(change, draws):
    assert _draws(run(**change)) == draws


@pytest.mark.parametrize(
    "change, more",
    [
        (dict(std_error=0.099), False),  # of 2.0, where 5 % are asked for
        (dict(std_error=0.101), True),
        (dict(llc=-2.0, std_error=0.099), False),
        (dict(std_error=np.nan), True),
        (dict(std_error=0.5, draws=159), True),
        (dict(std_error=0.5, draws=160), False),
        (dict(std_error=0.5, partial=True), False),
        (dict(std_error=0.5, llc=np.nan), False),
    ],
    ids=str,
)
def test_draws_are_added_until_the_error_is_small_or_there_are_sixteen_times_as_many(change, more):
    result = run(**dict(partial=False, draws=10) | change)
    result.loss_trace = np.zeros((4, result.draws))
    assert _wants_more(result, 0.05, 10) is more


# ---- gradients relative to w* ----------------------------------------------------------------------------------------


def target(mean, noise, at_center):
    """Two chains in pools of their own; minibatches whose gradients are mean ± noise at w, ± at_center at w*.

    ``mean``, ``noise``, ``at_center``: a number for each pool.
    """
    center, signs = torch.zeros(2, 1), itertools.cycle((1.0, -1.0))

    def on_batches(what, w, batch):
        column = torch.tensor([at_center if w is center else noise]).T
        return None, batch * column + (0 if w is center else torch.tensor([mean]).T)

    return SimpleNamespace(
        draw_batch=lambda: next(signs),
        evaluator=SimpleNamespace(on_batches=on_batches),
        nbeta=7.0,
        center=center,
        mean_over_chains=lambda x: x,
    )


@pytest.mark.parametrize(
    "mean, noise, at_center, worth",
    [
        ([6.2, 99.0], [1.0, 1.0], [1.0, 1.0], True),  # plain/power = 2/(m² + 1): 0.05 at m = √39 = 6.24
        ([6.3, 99.0], [1.0, 1.0], [1.0, 1.0], False),
        ([1.0, 1.0], [1.0, 1.0], [0.3, 0.0], True),  # (1 − c)² of the noise is left: a half at c = 0.293
        ([1.0, 1.0], [1.0, 1.0], [0.28, 0.0], False),
        ([1.0, 99.0], [1.0, 1.0], [0.0, 1.0], False),  # felt in one pool, small in the other only
    ],
)
def test_gradients_relative_to_w_star_pay(mean, noise, at_center, worth):
    w = torch.ones(2, 1)
    assert pays(target(mean, noise, at_center), w, torch.full((2, 1), 0.3)) is worth


def test_the_potential_of_each_chain_by_hand():
    """U = nβ L + γ/2 |w − w*|² + p/2 |w|², for each chain by itself."""
    posterior = LocalPosterior(
        lambda w: (w**2).sum(), at=torch.ones(2), nbeta=10.0, localization=3.0, prior_precision=4.0
    )
    w = torch.tensor([[1.0, 2.0], [0.0, 3.0]])
    found = posterior.target(torch.zeros(2, dtype=torch.long)).potential(w, torch.tensor([5.0, 7.0]))
    assert found.tolist() == [[50 + 1.5 + 10], [70 + 1.5 * 5 + 18]]


# ---- standard errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chains, draws, stretches", [(4, 60, 10), (3, 100, 13), (8, 6, 2), (1, 7, 2), (2, 4, 1), (90, 30, 1)]
)
def test_the_standard_error_by_hand(chains, draws, stretches):
    """Twice the squared error of the stretches' means less that of their thirds', and no less than the first."""
    x = np.random.default_rng(draws).normal(size=(chains, draws)).cumsum(1)
    length = draws // (3 * stretches)
    kept = x[:, draws - 3 * stretches * length :]
    squared = []
    for size in (3 * length, length):
        means = [chain[k : k + size].mean() for chain in kept for k in range(0, kept.shape[1], size)]
        squared.append(np.var(means, ddof=1) / len(means))
    wanted = max(2 * squared[0] - squared[1], squared[0]) ** 0.5
    found = summary(x)
    assert found.std_error == pytest.approx(wanted) and found.mean == pytest.approx(x.mean())
    assert found.ess == pytest.approx(x.var(ddof=1) / wanted**2)
    assert (found.rhat is None) is (chains == 1)


# ---- what is said of a reading ---------------------------------------------------------------------------------------

GOOD = dict(ess=400.0, rhat=1.05, blocks=10, streamed=False, of_a_mean=False)


@pytest.mark.parametrize(
    "change, said",
    [
        ({}, ""),
        (dict(ess=399.0), "worth 399 independent ones, so that a variance is known to about 7%: more draws."),
        (dict(ess=200.0), "about 10%"),
        (dict(ess=100.0, of_a_mean=True), ""),
        (dict(ess=99.0, of_a_mean=True), "worth 99 independent ones: more draws."),
        (dict(rhat=1.0501), "R-hat is 1.050: the chains disagree"),
        (dict(blocks=9), "from 9 blocks, so it is itself uncertain by 25%: more draws or more chains."),
        (dict(blocks=9, streamed=True), "uncertain by 25%: more chains."),
        (dict(blocks=2), "from 2 blocks, so it is itself uncertain by 71%"),
        (dict(blocks=1), "one block of draws gives no error bar"),
    ],
    ids=str,
)
def test_the_thresholds_of_a_readings_notes(change, said):
    notes = _notes(xr.Dataset(), **GOOD | change)
    assert len(notes) == (said != "") and said in " ".join(notes)


def test_weighted_draws_that_are_few_ask_for_a_stronger_spring():
    (note,) = _notes(xr.Dataset({"log_weight": 0.0}), **GOOD | dict(ess=399.0))
    assert note.endswith("more draws, or a stronger spring.")


@pytest.mark.parametrize(
    "bias, virial, init_loss, said",
    [
        (0.249, 1.099, 1.0, None),  # of nβ (E L − L(w*)) = 10 · 0.5
        (0.251, 1.0, 1.0, "about 5% of its excess loss"),
        (0.0, 1.101, 1.0, "equipartition is 1.10"),
        (9.0, 1.0, 1.5, None),  # no excess, of which there could be a share
        (9.0, 1.0, 2.0, None),
    ],
)
def test_the_thresholds_of_heat(bias, virial, init_loss, said):
    each = ("chain", "draw"), np.ones((2, 3))
    draws = xr.Dataset({"loss": each, "step_bias": each, "virial": each}, attrs={"nbeta": 10.0, "init_loss": init_loss})
    found = _heated(draws.assign(loss=draws.loss * 1.5, step_bias=draws.step_bias * bias, virial=draws.virial * virial))
    assert found is said is None or said in found


def test_where_nothing_was_recorded_nothing_is_said_of_heat():
    assert _heated(xr.Dataset({"loss": 1.0})) is None


# ---- verdicts: each fault is said once, and at the limit itself ------------------------------------------------------


@pytest.mark.parametrize(
    "change, said",
    [
        (dict(llc=-2.0, step_bias=0.05, tilt=-0.2), "Raise nbeta or localization"),  # shares are shares of |λ̂|
        (dict(tilt=-2.5), "it takes 2.5 off the estimate"),
        (dict(tilt=-1.5), "it takes 1.5 off the estimate"),
        (dict(equipartition=0.9, blocks={"bias": (0.7, 0.01)}), "some directions have not spread"),
        (dict(equipartition=1.2, blocks={"bias": (1.4, 0.01)}), "the chains spread too far"),
        (dict(llc=-0.08, std_error=0.05), "the Monte-Carlo error is 62% of the estimate"),
    ],
    ids=str,
)
def test_one_fault_has_one_reason(change, said):
    (reason,) = judge(replace(SOUND, **change)).reasons
    assert said in reason


@pytest.mark.parametrize(
    "change, word",
    [
        (dict(ess=limit("ESS")), "trust"),
        (dict(ess=limit("ESS, don't")), "doubtful"),
        (dict(rhat=limit("R-hat")), "doubtful"),
        (dict(rhat=limit("R-hat, don't")), "don't"),
        (dict(acceptance=limit("acceptance")), "trust"),
        (dict(acceptance=limit("acceptance, don't")), "doubtful"),
        (dict(share_below=limit("below L(w*)")), "trust"),
        (dict(tilt=-limit("slope, share") * 2.0), "trust"),
        (dict(tilt=-2.0), "doubtful"),
        (dict(std_error=0.15, step_bias=0.1999), "trust"),
        (dict(std_error=0.15, step_bias=0.2001), "doubtful"),
    ],
    ids=str,
)
def test_the_limit_itself(change, word):
    found = judge(replace(SOUND, **change))
    assert found.word == word and len(found.reasons) == 1
