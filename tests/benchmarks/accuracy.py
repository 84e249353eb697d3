"""CPU seconds that each library takes to an error of 5 %, where the exact value is known.

One run of each setting gives, for every length it might have had, the value λ̂ of each chain and the time. A run of
C chains, stopped there, has an error of about √((mean − exact)² + spread²/C), the spread being that between its chains;
the seconds are those from which on this stays below 5 % of the exact value. Set-up and burn-in count.

Both run SGLD on one thread at step sizes of a grid, four apart; the best of them counts, and for each length the best
of three shares of it as burn-in, as if somebody had told them beforehand. Ours tries the whole grid. devinterp tries
the step sizes at which ours got there, for ten times as long: the scheme is the same, and at a step too coarse its bias
and a burn-in that is not over may cancel for a while, and look like the right value. devinterp's λ̂ is taken from its
own trace with the exact L_n(w*), which it does not compute by itself. sltcourse runs once more at its defaults, which
are told no step size and burn in as they see fit: that is another row of numbers, not the one compared. Both have the
same w*, data, nβ, γ, batch, number of chains and threads, and both have been called once before, so that imports do not
count. One thread's CPU seconds are its seconds on a quiet machine.
"""

import contextlib
import io
import math
import time
import warnings

import numpy as np
import torch
from torch import nn

from tests.benchmarks.problems import ToyModel, squared

SHARE = 0.05
CHAINS = 8
BUDGET, THEIRS = 8.0, 80.0  # CPU seconds for each setting, ours and devinterp's
GRID = [4.0**-k for k in range(6)]  # of the step size, times 1/(nβ·the largest curvature of the loss)
FIRST = 25  # draws of ours before the clock is looked at
BURNINS = (0.0, 0.25, 0.5)


def regression():
    """Least squares in 50 coordinates, whitened: every curvature is 2, and λ̂ = ½ Σ h/(h + γ) with h = 2nβ."""
    torch.manual_seed(0)
    n, d = 5000, 50
    x = _white(torch.randn(n, d))
    y = x.sum(1, keepdim=True) + torch.randn(n, 1)
    model = nn.Linear(d, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.linalg.lstsq(x, y).solution.T)
    nbeta = n / math.log(n)
    settings = dict(nbeta=nbeta, localization=1.0, batch_size=100)
    return (model, x, y), settings, 0.5 * d * 2 * nbeta / (2 * nbeta + 1), 0.5 / nbeta


def deep_linear():
    """Lesson 07's linear network 10-7-10 at a parameter of rank 3, on whitened data: the loss is the population's."""
    from sltcourse.lessons.llc_estimation import deepest_point
    from sltcourse.theory.closed_forms import deep_linear_network

    torch.manual_seed(0)
    widths, rank = [10, 7, 10], 3
    layers = deepest_point(widths, rank, np.random.default_rng(0))
    model = nn.Sequential(nn.Linear(10, 7, bias=False), nn.Linear(7, 10, bias=False))
    with torch.no_grad():
        for layer, value in zip(model, layers, strict=True):
            layer.weight.copy_(torch.tensor(value))
    x = _white(torch.randn(5000, 10))
    nbeta = 5000 / math.log(5000)  # here λ̂ of the exact posterior is 1 % below λ, by HMC
    settings = dict(nbeta=nbeta, localization=1.0, batch_size=100)
    exact = float(deep_linear_network(widths, rank)[0])
    return (model, x, model(x).detach()), settings, exact, 0.25 / nbeta


def hexagon():
    """The toy model of superposition at its 6-gon, on 1000 data points; the exact value is HMC's."""
    from sltcourse.llc import HMC, LocalPosterior, llc, sample
    from tests.llc_models import kgon, toy_data

    weight, bias = kgon(6)
    model, x = ToyModel(), toy_data(1000)
    with torch.no_grad():
        model.W.copy_(weight)
        model.b.copy_(bias)
    nbeta = 1000 / math.log(1000)
    settings = dict(nbeta=nbeta, localization=10.0, batch_size=100)
    exact, _ = llc(sample(LocalPosterior(model, (x, x), squared, nbeta=nbeta, localization=10.0), HMC(1e-3),
                          num_chains=32, num_draws=400, num_burnin_steps=200))  # fmt: skip
    return (model, x, x), settings, exact, 1 / nbeta


KNOWN = {
    "linear regression (50), exact": regression,
    "deep linear network 10-7-10, rank 3 (140), λ": deep_linear,
    "toy model at the 6-gon (18), by HMC": hexagon,
}


def seconds_to_error(name: str) -> dict:
    """The row of one problem: each library's seconds (None: not within those it was given), and their ratio."""
    problem, settings, exact, scale = KNOWN[name]()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        defaults = _defaults(problem, settings, exact)
        ours = [_sltcourse(problem, settings, exact, lr * scale) for lr in GRID]
        there = [one["lr"] for one in ours if one["seconds"] is not None]
        theirs = [_devinterp(problem, settings, exact, lr) for lr in there]
    finally:
        torch.set_num_threads(threads)
    fast, slow = _best(ours), _best(theirs) if theirs else None
    ratio = None
    if slow:
        more = "" if slow["seconds"] else "> "
        ratio = f"{more}{(slow['seconds'] or slow['spent']) / fast['seconds']:.1f}"
    return {"problem": name, "value": exact, "share": SHARE, "chains": CHAINS, "settings": settings, "sltcourse": fast,
            "sltcourse_at_defaults": defaults, "sltcourse_by_lr": ours, "devinterp": slow, "devinterp_by_lr": theirs,
            "ratio": ratio}  # fmt: skip


def _best(tried: list[dict]) -> dict:
    """The setting that was there first; if none was, that of the least error."""
    return min(tried, key=lambda one: (one["seconds"] is None, one["seconds"] or one["error"]))


def _defaults(problem, settings, exact) -> dict:
    """sltcourse at its defaults."""
    draws, at = _drawn(problem, settings, None)
    return {**_reached(_excess(draws), at, exact, (0.0,)), "burnin_steps": int(draws.attrs["num_burnin_steps"])}


def _sltcourse(problem, settings, exact, lr) -> dict:
    """SGLD at one step size."""
    from sltcourse.llc import SGLD

    draws, at = _drawn(problem, settings, SGLD(lr), num_burnin_steps=0)
    steps = CHAINS * draws.sizes["draw"] * draws.attrs["num_steps_bw_draws"]
    reached = _reached(_excess(draws), at, exact, BURNINS)
    return {**reached, "lr": lr, "chain_steps_per_second": round(steps / at[-1])}


def _drawn(problem, settings, sampler, **options):
    """Draws, twice as many each time until the budget is spent, and the seconds after which each was there."""
    from sltcourse.llc import resume, sample

    sample(_posterior(problem, settings), sampler, num_draws=2, num_burnin_steps=2, batch_size=10)  # imports
    began = time.process_time()
    draws = sample(_posterior(problem, settings), sampler, num_chains=CHAINS, num_draws=FIRST,
                   batch_size=settings["batch_size"], **options)  # fmt: skip
    times = [time.process_time() - began]
    while times[-1] < BUDGET and np.isfinite(draws.loss).all():
        draws = resume(draws, num_draws=draws.sizes["draw"])
        times.append(time.process_time() - began)
    length = draws.sizes["draw"]
    return draws, np.interp(np.arange(1, length + 1), [FIRST * 2**k for k in range(len(times))], times)


def _posterior(problem, settings):
    from sltcourse.llc import LocalPosterior

    model, x, y = problem
    return LocalPosterior(model, (x, y), squared, nbeta=settings["nbeta"], localization=settings["localization"])


def _excess(draws):
    """nβ(L − L(w*)), (chains, draws)."""
    return draws.attrs["nbeta"] * (draws.loss.values - draws.attrs["init_loss"])


def _devinterp(problem, settings, exact, lr) -> dict:
    """SGLD at one step size, for as many draws as the budget allows."""
    from devinterp.optim.sgld import SGLD
    from devinterp.slt.sampler import estimate_learning_coeff_with_summary
    from torch.utils.data import DataLoader, TensorDataset

    model, x, y = problem
    loader = DataLoader(TensorDataset(x, y), batch_size=settings["batch_size"], shuffle=True)
    with torch.no_grad():
        at_center = squared(model(x), y).item()

    def run(draws):
        began = time.process_time()
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            found = estimate_learning_coeff_with_summary(
                model, loader, evaluate=lambda model, data: squared(model(data[0]), data[1]), sampling_method=SGLD,
                optimizer_kwargs=dict(lr=lr, localization=settings["localization"], nbeta=settings["nbeta"]),
                num_chains=CHAINS, num_draws=draws, init_loss=1.0, verbose=False)  # fmt: skip
        return time.process_time() - began, np.asarray(found["loss/trace"], float)

    run(2)
    short, long = run(2)[0], run(22)[0]
    each = max((long - short) / 20, 1e-6)
    draws = max(20, int(THEIRS / each))
    spent, trace = run(draws)
    at = spent * np.arange(1, draws + 1) / draws
    with np.errstate(all="ignore"):
        found = _reached(settings["nbeta"] * (trace - at_center), at, exact, BURNINS)
    return {**found, "lr": lr, "chain_steps_per_second": round(CHAINS * draws / spent)}


def _reached(value, at, exact, burnins) -> dict:
    """From which time on the error stays below its share, of ``value`` (chains, draws) made at ``at`` (draws,)."""
    sums = np.concatenate([np.zeros((len(value), 1)), np.cumsum(value, 1)], 1)
    lengths = np.unique(np.geomspace(2, value.shape[1], 200).astype(int))
    error = np.full(len(lengths), np.inf)
    means = np.full(len(lengths), np.nan)
    for share in burnins:
        first = (share * lengths).astype(int)
        each = (sums[:, lengths] - sums[:, first]) / (lengths - first)
        found = np.hypot(each.mean(0) - exact, each.std(0, ddof=1) / math.sqrt(len(each)))
        better = np.nan_to_num(found, nan=np.inf) < error
        error, means = np.where(better, found, error), np.where(better, each.mean(0), means)
    below = error < SHARE * exact
    outside = np.flatnonzero(~below)
    first = 0 if not outside.size else outside[-1] + 1
    seconds = float(at[lengths[first] - 1]) if first < len(lengths) else None
    last = float(means[-1]) if np.isfinite(means[-1]) else None
    return {"seconds": seconds, "spent": float(at[-1]), "estimate": last,
            "error": float(error[-1]) if np.isfinite(error[-1]) else 1e30}  # fmt: skip


def _white(x):
    """x (n, d) turned so that its mean square is the identity."""
    return x @ torch.linalg.inv(torch.linalg.cholesky((x.T @ x / len(x)).double())).T.to(x.dtype)
