"""Replica exchange against laws that are known."""

import numpy as np
import pytest

from sltcourse.theory.replica_exchange import replica_exchange


def test_replica_exchange_samples_the_prior_and_a_gaussian():
    def bowl(w):
        return (w**2).sum(-1) / 2, w.copy()

    draws, exchanged = replica_exchange([0, 1, 3], replicas=40, sweeps=400, loss=bowl, dim=18, keep=5)
    assert draws.shape[1:] == (1, 3, 40, 18)
    variance = draws.var((0, 1, 3, 4))
    np.testing.assert_allclose(variance, [1, 1 / 2, 1 / 4], rtol=0.06)
    assert (exchanged > 0.05).all()


def test_replica_exchange_wants_rising_n():
    with pytest.raises(ValueError, match="rising row"):
        replica_exchange([3, 1], 2, 10, None, 1)


def test_replicas_cross_between_wells_that_one_chain_would_never_leave():
    """Two narrow wells, one twice as wide as the other: at n = 3000 their shares are 2 to 1."""

    def wells(w):
        x, slope = w[..., 0], np.zeros_like(w)
        left, right = (x + 1) ** 2 / 8, (x - 1) ** 2 / 2
        slope[..., 0] = np.where(left < right, (x + 1) / 4, x - 1)
        return np.minimum(left, right), slope

    draws, _ = replica_exchange(np.r_[0, np.geomspace(1, 3_000, 12)], 20, 1_500, wells, dim=1, keep=10)
    x = draws[:, 0, -1, :, 0]
    assert (x < 0.3).mean() == pytest.approx(2 / 3, abs=0.08)
