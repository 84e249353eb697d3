"""Rules without a verdict: how `calibrate` chooses, when gradients relative to w* pay, what a standard error is."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sltcourse.llc.calibrate import _agree, _draws, _largest_sound_step, _smallest_plateau
from sltcourse.llc.control import pays
from sltcourse.llc.errors import summary


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
