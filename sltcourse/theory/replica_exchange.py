"""Replica exchange (parallel tempering): draws from posteriors with wells too far apart for one chain."""

import numpy as np

from sltcourse.kit.progress import progress


def replica_exchange(n, replicas, sweeps, loss, dim, sets=1, keep=20, seed=0):
    """Draws of exp(−n L(w)) φ(w) for a rising row of n at once, φ the standard normal prior on ``dim`` parameters.

    ``loss``: w of shape (…, dim) -> L, shape (…,), and its gradient, shape (…, dim). Each n has ``replicas`` chains of
    Hamiltonian Monte Carlo; neighbours in n offer each other their states after every sweep (Swendsen & Wang 1986;
    Geyer 1991), so a chain that is stuck in a well at large n can leave through small n. With ``sets`` > 1, L is one
    of several losses, those of ``sets`` data sets, and takes w of shape (sets, …, dim).
    Returns the states every ``keep`` sweeps after a fifth of them, (kept, sets, len(n), replicas, dim), and the rate
    at which the exchanges were accepted, (len(n) − 1,). Raises ValueError if n is no rising row.
    """
    rng = np.random.default_rng(seed)
    n = np.asarray(n, float)
    if n.ndim != 1 or len(n) < 2 or not (np.diff(n) > 0).all() or n[0] < 0:
        raise ValueError("n must be a rising row of at least two numbers, none negative")
    shape = (sets, len(n), replicas)
    lead = shape if sets > 1 else shape[1:]
    size = np.broadcast_to(n[:, None], shape).reshape(lead)
    w = rng.standard_normal((*lead, dim))
    value, slope = loss(w)
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
                new_value, new_slope = loss(new)
                p = p - (step if leap < 7 else step / 2) * (size[..., None] * new_slope + new)
            change = energy - size * new_value - (new**2).sum(-1) / 2 - (p**2).sum(-1) / 2
        chance = np.exp(np.minimum(np.nan_to_num(change, nan=-np.inf), 0))
        take = rng.random(lead) < chance
        value = np.where(take, new_value, value)
        w, slope = (np.where(take[..., None], a, b) for a, b in ((new, w), (new_slope, slope)))
        if sweep < sweeps / 5:
            log_step += 0.5 * (chance - 0.8) / (1 + sweep / 50) ** 0.6
        low = np.arange(sweep % 2, len(n) - 1, 2)
        at = value.reshape(shape)
        chance = np.exp(np.minimum((n[low + 1] - n[low])[:, None] * (at[:, low + 1] - at[:, low]), 0))
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
