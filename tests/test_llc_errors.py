"""The mean of a trace and its error, on traces whose truth is known: a slow signal under white noise."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from sltcourse.llc.errors import Summary, stats, summary
from sltcourse.llc.verdict import limit


def slow_signal(rng, chains, draws, time, noise, power=1):
    """AR(1) of variance 1 and autocorrelation time ``time``, started in equilibrium, plus white noise of a variance.

    With ``power`` 2 it is the square of that, which has heavy tails, as a loss has; its mean is 0 too.
    """
    rho = math.exp(-1 / time)
    steps = rng.standard_normal((chains, draws)) * math.sqrt(1 - rho**2)
    x = lfilter([1], [1, -rho], steps, axis=1, zi=rho * rng.standard_normal((chains, 1)))[0]
    if power == 2:
        x = (x**2 - 1) / math.sqrt(2)
    return x + math.sqrt(noise) * rng.standard_normal((chains, draws))


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize(
    ("chains", "draws", "time", "noise"),
    [(8, 1000, 1, 0), (8, 1000, 10, 3), (8, 1000, 30, 30), (8, 4000, 100, 30), (4, 1000, 10, 0), (16, 1000, 30, 3),
     (8, 200, 10, 30), (40, 300, 10, 10), (100, 50, 3, 1)],
)  # fmt: skip
def test_the_claimed_error_is_the_spread(chains, draws, time, noise, power):
    """Within 20 % on average over 300 traces, and the truth within 3 errors."""
    rng = np.random.default_rng(0)
    found = [summary(slow_signal(rng, chains, draws, time, noise, power)) for _ in range(300)]
    mean, error = np.array([s.mean for s in found]), np.array([s.std_error for s in found])
    spread = math.sqrt(np.mean(mean**2))
    assert 0.8 < error.mean() / spread < 1.2
    assert np.mean(np.abs(mean) > 3 * error) < 0.03


def test_neighbouring_draws_give_too_small_an_error():
    """What is mended: ArviZ's error of the draws themselves is two thirds of the spread here, and its R-hat is 1.00."""
    rng = np.random.default_rng(1)
    traces = [slow_signal(rng, 8, 1000, 100, 30) for _ in range(150)]
    spread = np.std([x.mean() for x in traces])
    ours, theirs = np.mean([(summary(x).std_error, float(stats.mcse(x, method="mean"))) for x in traces], axis=0)
    assert theirs < 0.75 * spread and 0.8 * spread < ours < 1.2 * spread
    rhats = np.array([(summary(x).rhat, float(stats.rhat(x, method="rank"))) for x in traces])
    assert np.median(rhats[:, 1]) < 1.01 and np.median(rhats[:, 0]) > 1.04


def test_rhat_of_chains_that_mix_and_of_chains_that_do_not():
    rng = np.random.default_rng(2)
    good = [summary(slow_signal(rng, chains, 1000, 1, 3)).rhat for chains in (4, 8, 8, 8, 16) for _ in range(40)]
    assert np.mean(np.array(good) > 1.05) < 0.01
    offset = rng.standard_normal((8, 1))
    assert summary(slow_signal(rng, 8, 1000, 1, 3) + offset).rhat > 1.5
    same = [np.abs(summary(x).rhat - float(stats.rhat(x, method="rank"))) for x in
            (slow_signal(rng, 8, 2000, time, 0) for time in (30, 100, 200) for _ in range(10))]  # fmt: skip
    assert np.max(same) < 0.02  # without noise it is the R-hat of the draws


def test_where_rhat_allows_trust_the_error_bar_holds():
    """AR(1) signals from quick to hopelessly slow: the claimed error over the true one, by the verdict's limits."""
    rng, rows = np.random.default_rng(8), []
    for draws in (200, 1000):
        for time in (3, 10, 30, 60, 100, 200, 400):
            for noise in (0, 3):
                found = [summary(slow_signal(rng, 8, draws, time, noise)) for _ in range(60)]
                spread = math.sqrt(np.mean([s.mean**2 for s in found]))
                rows += [(s.rhat, s.std_error / spread, abs(s.mean) > 3 * s.std_error) for s in found]
    rhat, claimed, off = np.array(rows).T
    trust, doubtful = rhat < limit("R-hat"), (rhat >= limit("R-hat")) & (rhat < limit("R-hat, don't"))
    assert trust.sum() > 400 and 0.95 < claimed[trust].mean() < 1.2 and off[trust].mean() < 0.01
    assert doubtful.sum() > 400 and 0.8 < claimed[doubtful].mean() < 1 and off[doubtful].mean() > 0.02
    assert claimed[rhat > 1.8].mean() < 0.75  # what is worse than doubtful


def test_ess_counts_independent_draws():
    rng = np.random.default_rng(3)
    white = np.mean([summary(rng.standard_normal((8, 1000))).ess for _ in range(50)])
    slow = np.mean([summary(slow_signal(rng, 8, 2000, 10, 0)).ess for _ in range(50)])
    assert white == pytest.approx(8000, rel=0.25) and slow == pytest.approx(16000 / 20, rel=0.25)


def test_the_units_are_the_traces():
    x = np.random.default_rng(4).standard_normal((8, 500))
    one, other = summary(x), summary(5 - 100 * x)
    assert other.mean == pytest.approx(5 - 100 * one.mean) and other.std_error == pytest.approx(100 * one.std_error)
    assert other.ess == pytest.approx(one.ess) and one.mean == pytest.approx(x.mean())


def test_a_single_chain_has_an_error_and_no_rhat():
    rng = np.random.default_rng(5)
    found = [summary(slow_signal(rng, 1, 4000, 10, 3)) for _ in range(100)]
    assert all(s.rhat is None for s in found)
    assert np.mean([s.std_error for s in found]) == pytest.approx(np.std([s.mean for s in found]), rel=0.2)


@pytest.mark.parametrize(("chains", "draws"), [(1, 4), (2, 4), (8, 4), (3, 5), (50, 4), (1, 130), (41, 7), (8, 51)])
def test_any_shape_with_four_draws_has_an_error(chains, draws):
    x = np.random.default_rng(6).standard_normal((200, chains, draws))
    found = [summary(trace) for trace in x]
    claimed = np.sqrt(np.mean([s.std_error**2 for s in found])) * math.sqrt(chains * draws)
    assert 0.85 < claimed < 1.6  # of two or three stretches it is rather too large
    assert all(s.ess > 0 for s in found)


@pytest.mark.parametrize(
    "trace", [np.zeros((4, 100)), np.ones((2, 3)), np.arange(3.0)[None]], ids=["still", "3", "1×3"]
)
def test_where_there_is_no_error_bar_it_says_nan(trace):
    found = summary(trace)
    assert found.mean == trace.mean() and math.isnan(found.std_error) and math.isnan(found.ess) and found.rhat is None


@pytest.mark.parametrize(
    ("trace", "said"),
    [(np.zeros(5), "shape (5,)"), (np.zeros((0, 5)), "shape (0, 5)"), (np.full((2, 9), np.nan), "diverged"),
     (np.array([[1.0, np.inf, 0.0, 2.0]]), "not finite")],
)  # fmt: skip
def test_what_is_no_trace_is_refused(trace, said):
    with pytest.raises(ValueError, match="trace") as error:
        summary(trace)
    assert said in str(error.value)


def test_a_summary_is_plain_numbers():
    found = summary(np.random.default_rng(7).standard_normal((4, 100)).astype(np.float32))
    assert isinstance(found, Summary) and all(type(x) is float for x in vars(found).values())
