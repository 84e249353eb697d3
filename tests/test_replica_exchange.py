"""Replica exchange against laws that are known."""

import numpy as np
import pytest

from sltcourse.theory.replica_exchange import Chains, replica_exchange


def test_replica_exchange_samples_the_prior_and_a_gaussian():
    def bowl(w):
        return (w**2).sum(-1) / 2, w.copy()

    draws, exchanged, _ = replica_exchange([0, 1, 3], Chains(40, 400, keep=5), bowl, dim=18)
    assert draws.shape[1:] == (1, 3, 40, 18)
    variance = draws.var((0, 1, 3, 4))
    np.testing.assert_allclose(variance, [1, 1 / 2, 1 / 4], rtol=0.06)
    assert (exchanged > 0.05).all()


def test_replica_exchange_wants_rising_n():
    for n in ([3, 1], [1], [0, np.nan], [0, np.inf], [-1, 1]):
        with pytest.raises(ValueError, match="rising row"):
            replica_exchange(n, Chains(2, 10), None, 1)


@pytest.mark.parametrize(
    "change",
    [{"sweeps": 0}, {"sweeps": -1}, {"sweeps": 1}, {"replicas": 0}, {"dim": 0}, {"keep": 0}, {"sets": 1.5}],
    ids=str,
)
def test_counts_have_to_be_counts(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be a whole number"):
        sizes = {"replicas": 2, "sweeps": 10, "keep": 20, "dim": 1, "sets": 1} | change
        chains = Chains(*(sizes.pop(name) for name in Chains._fields))
        replica_exchange([0, 1], chains, None, **sizes)


def test_a_loss_that_is_nan_or_writes_into_its_argument_is_refused():
    def nan(w):
        return np.full(w.shape[:-1], np.nan), w.copy()

    def writes(w):
        w += 1
        return (w**2).sum(-1), 2 * w

    for loss, says in ((nan, "NaN at a draw"), (writes, "read-only")):
        with pytest.raises(ValueError, match=says):
            replica_exchange([0, 1], Chains(2, 10), loss, 1)


def test_replicas_cross_between_wells_that_one_chain_would_never_leave():
    """Two narrow wells, one twice as wide as the other: at n = 3000 their shares are 2 to 1."""

    def wells(w):
        x, slope = w[..., 0], np.zeros_like(w)
        left, right = (x + 1) ** 2 / 8, (x - 1) ** 2 / 2
        slope[..., 0] = np.where(left < right, (x + 1) / 4, x - 1)
        return np.minimum(left, right), slope

    found = replica_exchange(np.r_[0, np.geomspace(1, 3_000, 12)], Chains(20, 1_500, keep=10), wells, dim=1)
    assert not found.partial and repr(found).startswith("Exchanged(draws of shape (120, 1, 13, 20, 1)")
    x = found.draws[:, 0, -1, :, 0]
    assert (x < 0.3).mean() == pytest.approx(2 / 3, abs=0.08)


def test_an_interrupt_returns_the_draws_kept_so_far():
    calls = 0

    def bowl(w, last):
        nonlocal calls
        calls += 1
        if calls > last:
            raise KeyboardInterrupt
        return (w**2).sum(-1) / 2, w.copy()

    whole = replica_exchange([0, 1], Chains(3, 40, keep=2), lambda w: bowl(w, np.inf), dim=2)
    calls = 0
    some = replica_exchange([0, 1], Chains(3, 40, keep=2), lambda w: bowl(w, 8 * 20), dim=2)
    assert some.partial and some.stopped == "interrupted after 19 of 40 sweeps" and some.stopped in repr(some)
    assert 0 < len(some.draws) < len(whole.draws) and np.array_equal(some.draws, whole.draws[: len(some.draws)])
    assert not whole.partial and some.accepted.shape == whole.accepted.shape == (1,)
    calls = 0
    with pytest.raises(KeyboardInterrupt):
        replica_exchange([0, 1], Chains(3, 40), lambda w: bowl(w, 20), dim=2)
