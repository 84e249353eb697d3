"""Replica exchange (parallel tempering): draws from posteriors with wells too far apart for one chain."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from sltcourse.kit.progress import progress
from sltcourse.theory.numeric_input import whole


def replica_exchange(
    n: ArrayLike,
    replicas: int,
    sweeps: int,
    loss: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    dim: int,
    sets: int = 1,
    keep: int = 20,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws of exp(−n L(w)) φ(w) for a rising row of n at once, φ the standard normal prior on ``dim`` parameters.

    ``loss``: w of shape (…, dim) -> L, shape (…,), and its gradient, shape (…, dim). Each n has ``replicas`` chains of
    Hamiltonian Monte Carlo; neighbours in n offer each other their states after every sweep (Swendsen & Wang 1986;
    Geyer 1991), so a chain that is stuck in a well at large n can leave through small n. With ``sets`` > 1, L is one
    of several losses, those of ``sets`` data sets, and takes w of shape (sets, …, dim).
    Returns the states every ``keep`` sweeps after a fifth of them, (kept, sets, len(n), replicas, dim), and the rate
    at which the exchanges were accepted, (len(n) − 1,). ``loss`` sees a read-only array. Raises ValueError if n is no
    rising row of finite numbers, for counts below 1 (two sweeps are the least, so that each pair of neighbours is
    tried), and for a loss that is NaN at a draw of the prior.
    """
    n = np.asarray(n, float)
    if n.ndim != 1 or len(n) < 2 or not (np.isfinite(n).all() and (np.diff(n) > 0).all() and n[0] >= 0):
        raise ValueError("n must be a rising row of at least two finite numbers, none negative")
    counts = {"replicas": (replicas, 1), "sweeps": (sweeps, 2), "dim": (dim, 1), "sets": (sets, 1), "keep": (keep, 1)}
    replicas, sweeps, dim, sets, keep = (whole(value, least, name) for name, (value, least) in counts.items())
    rng = np.random.default_rng(seed)

    def at(w):
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
    return np.array(kept), exchanged[0] / exchanged[1]
