"""Replica exchange (parallel tempering): draws from posteriors with wells too far apart for one chain."""

import reprlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sltcourse.progress import progress
from sltcourse.theory.numeric_input import reals, seeded, whole

_Loss = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

MOST = 10**8  # numbers in the states of all chains


class Chains(NamedTuple):
    """How much is sampled: ``replicas`` chains at each n, ``sweeps`` of all, of which every ``keep``-th is kept."""

    replicas: int
    sweeps: int
    keep: int = 20


class Exchanged(NamedTuple):
    """What `replica_exchange` found.

    draws : the states every ``keep`` sweeps, after a fifth of them, shape (kept, sets, len(n), replicas, dim).
    accepted : the rate at which the exchanges between neighbours in n were accepted, shape (len(n) − 1,); NaN where
        none was tried.
    stopped : empty for a complete run; otherwise says where it ended. partial : whether it did.
    """

    draws: np.ndarray
    accepted: np.ndarray
    stopped: str = ""

    @property
    def partial(self) -> bool:
        """Whether the run was interrupted before its last sweep."""
        return bool(self.stopped)

    def __repr__(self) -> str:
        note = f", {self.stopped}" if self.stopped else ""
        return f"Exchanged(draws of shape {self.draws.shape}, accepted at least {np.nanmin(self.accepted):.2f}{note})"


def replica_exchange(
    n: ArrayLike,
    chains: Chains | tuple[int, ...],
    loss: _Loss,
    dim: int,
    *,
    sets: int = 1,
    seed: int = 0,
) -> Exchanged:
    """Draws of exp(−n L(w)) φ(w) for a rising row of n at once, φ the standard normal prior on ``dim`` parameters.

    ``loss``: w of shape (…, dim) -> L, shape (…,), and its gradient, shape (…, dim). Each n has as many chains of
    Hamiltonian Monte Carlo as ``chains`` says; neighbours in n offer each other their states after every sweep
    (Swendsen & Wang 1986; Geyer 1991), so a chain that is stuck in a well at large n can leave through small n. With
    ``sets`` > 1, L is one of several losses, those of ``sets`` data sets, and takes w of shape (sets, …, dim).
    ``loss`` sees a read-only array.

    An interrupt (KeyboardInterrupt) returns the draws kept so far, and says so in ``stopped``; before the first one is
    kept there is nothing to return, and it is raised again. Raises TypeError for a loss that is no function; ValueError
    if n is no rising row of finite numbers, for counts below 1 (two sweeps are the least, so that each pair of
    neighbours is tried), and for a loss that is NaN at a draw of the prior. ``seed`` fixes the draws.
    """
    n = reals(n, "n")
    if n.ndim != 1 or len(n) < 2 or not (np.isfinite(n).all() and (np.diff(n) > 0).all() and n[0] >= 0):
        raise ValueError("n must be a rising row of at least two finite numbers, none negative")
    if not isinstance(chains, (tuple, list)) or len(chains) > 3:
        raise ValueError(f"chains must be (replicas, sweeps, keep), whole numbers, not {reprlib.repr(chains)}")
    chains = Chains(*chains)
    replicas, sweeps, keep = map(whole, chains, (1, 2, 1), Chains._fields)
    dim, sets = whole(dim, 1, "dim"), whole(sets, 1, "sets")
    rng = seeded(seed)
    if not callable(loss):
        raise TypeError(f"loss is a {type(loss).__name__}; it must be a function: w -> its loss and its gradient")
    if sets * len(n) * replicas * dim > MOST:
        raise ValueError(
            f"{sets} sets × {len(n)} n × {replicas} replicas × {dim} parameters are too many: {MOST} at most"
        )

    walk = _Walk(loss, n, (sets, len(n), replicas), dim, rng)
    kept, exchanged, stopped = [], np.zeros((2, len(n) - 1)), ""
    try:
        for sweep in progress(range(sweeps), "replica exchange"):
            chance = walk.move()
            if sweep < sweeps / 5:
                walk.log_step += 0.5 * (chance - 0.8) / (1 + sweep / 50) ** 0.6
            low, rate = walk.exchange(sweep % 2)
            exchanged[:, low] += np.stack([rate, np.ones(len(low))])
            if sweep >= sweeps / 5 and sweep % keep == 0:
                kept.append(walk.w.reshape(*walk.shape, -1).copy())
    except KeyboardInterrupt:
        if not kept:
            raise
        stopped = f"interrupted after {sweep} of {sweeps} sweeps"
    with np.errstate(invalid="ignore"):
        return Exchanged(np.array(kept), exchanged[0] / exchanged[1], stopped)


class _Walk:
    """The chains: where they stand, ``w`` (sets, len(n), replicas, dim), and how they move.

    ``shape`` is (sets, len(n), replicas); in ``w`` there is no ``sets`` where that is 1. ``log_step``: the logarithm of
    each chain's step size, of the shape of ``w`` without ``dim``.
    """

    def __init__(self, loss: _Loss, n: np.ndarray, shape: tuple[int, int, int], dim: int, rng: np.random.Generator):
        self.loss, self.n, self.shape, self.rng = loss, n, shape, rng
        lead = shape if shape[0] > 1 else shape[1:]
        self.size = np.broadcast_to(n[:, None], shape).reshape(lead)
        self.w = rng.standard_normal((*lead, dim))
        self.value, self.slope = self.at(self.w)
        if np.isnan(self.value).any() or np.isnan(self.slope).any():
            raise ValueError("the loss or its gradient is NaN at a draw of the standard normal prior")
        self.log_step = np.log(0.3 / np.sqrt(1 + self.size))

    def at(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The loss and its gradient, from a read-only view of ``w``."""
        w = w.view()
        w.flags.writeable = False
        return self.loss(w)

    def move(self) -> np.ndarray:
        """Move each chain by Hamiltonian Monte Carlo, or leave it; each one's chance to be moved, as ``log_step``."""
        w, size, lead = self.w, self.size, self.size.shape
        step = np.exp(self.log_step)[..., None] * self.rng.uniform(0.5, 1, (*lead, 1))
        p = self.rng.standard_normal(w.shape)
        energy = size * self.value + (w**2).sum(-1) / 2 + (p**2).sum(-1) / 2
        new, new_slope = w, self.slope
        p = p - step / 2 * (size[..., None] * new_slope + w)
        with np.errstate(over="ignore", invalid="ignore"):  # a step far too large is refused below
            for leap in range(8):
                new = new + step * p
                new_value, new_slope = self.at(new)
                p = p - (step if leap < 7 else step / 2) * (size[..., None] * new_slope + new)
            change = energy - size * new_value - (new**2).sum(-1) / 2 - (p**2).sum(-1) / 2
        chance = np.exp(np.minimum(np.nan_to_num(change, nan=-np.inf), 0))
        take = self.rng.random(lead) < chance
        self.value = np.where(take, new_value, self.value)
        self.w, self.slope = (np.where(take[..., None], a, b) for a, b in ((new, self.w), (new_slope, self.slope)))
        return chance

    def exchange(self, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Neighbours in n, the pairs (first, first + 1), (first + 2, …), …, offer each other their states.

        Returns the lower index of each pair, and the mean chance of its exchanges, of shape (pairs,) both.
        """
        n, low = self.n, np.arange(first, len(self.n) - 1, 2)
        losses = self.value.reshape(self.shape)
        chance = np.exp(np.minimum((n[low + 1] - n[low])[:, None] * (losses[:, low + 1] - losses[:, low]), 0))
        swap = self.rng.random(chance.shape) < chance
        for array in (self.value, self.w, self.slope):
            a = array.reshape(*self.shape, -1)
            a[:, low], a[:, low + 1] = (
                np.where(swap[..., None], a[:, low + 1], a[:, low]),
                np.where(swap[..., None], a[:, low], a[:, low + 1]),
            )
        return low, chance.mean((0, 2))
