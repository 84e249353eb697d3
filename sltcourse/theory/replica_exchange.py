"""Replica exchange (parallel tempering): draws from posteriors with wells too far apart for one chain."""

import reprlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sltcourse.progress import progress
from sltcourse.theory.numeric_input import reals, seeded, whole

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
    loss: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
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

    def at(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w = w.view()
        w.flags.writeable = False
        return loss(w)

    shape = (sets, len(n), replicas)
    lead = shape if sets > 1 else shape[1:]
    size = np.broadcast_to(n[:, None], shape).reshape(lead)
    w = rng.standard_normal((*lead, dim))
    value, slope = at(w)
    if np.isnan(value).any() or np.isnan(slope).any():
        raise ValueError("the loss or its gradient is NaN at a draw of the standard normal prior")
    log_step, kept, exchanged = np.log(0.3 / np.sqrt(1 + size)), [], np.zeros((2, len(n) - 1))
    stopped = ""
    try:
        for sweep in progress(range(sweeps), "replica exchange"):
            step = np.exp(log_step)[..., None] * rng.uniform(0.5, 1, (*lead, 1))
            p = rng.standard_normal(w.shape)
            energy = size * value + (w**2).sum(-1) / 2 + (p**2).sum(-1) / 2
            new, new_slope = w, slope
            p = p - step / 2 * (size[..., None] * slope + w)
            with np.errstate(over="ignore", invalid="ignore"):  # a step far too large is refused below
                for leap in range(8):
                    new = new + step * p
                    new_value, new_slope = at(new)
                    p = p - (step if leap < 7 else step / 2) * (size[..., None] * new_slope + new)
                change = energy - size * new_value - (new**2).sum(-1) / 2 - (p**2).sum(-1) / 2
            chance = np.exp(np.minimum(np.nan_to_num(change, nan=-np.inf), 0))
            take = rng.random(lead) < chance
            value = np.where(take, new_value, value)
            w, slope = (np.where(take[..., None], a, b) for a, b in ((new, w), (new_slope, slope)))
            if sweep < sweeps / 5:
                log_step += 0.5 * (chance - 0.8) / (1 + sweep / 50) ** 0.6
            low = np.arange(sweep % 2, len(n) - 1, 2)
            losses = value.reshape(shape)
            chance = np.exp(np.minimum((n[low + 1] - n[low])[:, None] * (losses[:, low + 1] - losses[:, low]), 0))
            swap = rng.random(chance.shape) < chance
            exchanged[:, low] += np.stack([chance.mean((0, 2)), np.ones(len(low))])
            for array in (value, w, slope):
                a = array.reshape(*shape, -1)
                a[:, low], a[:, low + 1] = (
                    np.where(swap[..., None], a[:, low + 1], a[:, low]),
                    np.where(swap[..., None], a[:, low], a[:, low + 1]),
                )
            if sweep >= sweeps / 5 and sweep % keep == 0:
                kept.append(w.reshape(*shape, -1).copy())
    except KeyboardInterrupt:
        if not kept:
            raise
        stopped = f"interrupted after {sweep} of {sweeps} sweeps"
    with np.errstate(invalid="ignore"):
        return Exchanged(np.array(kept), exchanged[0] / exchanged[1], stopped)
