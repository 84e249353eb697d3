"""What the loss at w* on each minibatch buys, and which thinning is best: spread² × CPU-seconds, the less the better.

    python -m tests.benchmarks.thinning              about ten minutes of one core; prints a table, keeps nothing

At a draw on a minibatch B the chain records L_B(w) − L_B(w*) + L_n(w*): the loss at w* on the same rows is a control
variate. It costs a forward pass a draw. Three ways are compared: ``with`` it; ``without`` it, when L_B(w) is recorded;
and gradients ``relative`` to w* (``llc.control``), whose second gradient has the loss at w* already.

The first two share their chains, since what is recorded moves nothing: spread² is the variance of λ̂ over the chains of
all seeds, divided by the chains of a run. CPU-seconds are those of the draws alone, after burn-in, on one thread.
"""

import math
import sys
import time
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import nn

from sltcourse.llc import LocalPosterior, WhitenedSGLD, resume, sample
from sltcourse.llc.chains import Group
from tests.benchmarks import problems
from tests.benchmarks.accuracy import deep_linear, hexagon
from tests.benchmarks.problems import cross_entropy, squared

SEEDS, CHAINS, STEPS, BURNIN = 12, 8, 2000, 1000
THINNINGS = (1, 5, 10, 20)


def regression():
    """Least squares in 4 coordinates with noise 1, on minibatches of 32: λ̂ = ½ Σ h/(h + γ), h of nβ times the loss."""
    torch.manual_seed(0)
    n, nbeta = 2000, 2000 / math.log(2000)
    x = torch.randn(n, 4)
    y = x.sum(1, keepdim=True) + torch.randn(n, 1)
    model = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.linalg.lstsq(x, y).solution.T)
    h = nbeta * 2 * torch.linalg.eigvalsh((x.T @ x / n).double())
    return (model, x, y), dict(nbeta=nbeta, localization=1.0, batch_size=32), (0.5 * h / (h + 1)).sum().item()


def digits():
    """The digits network, trained for a moment; its λ is not known, and the spread does not ask for it."""
    torch.manual_seed(0)
    model, x, y = problems.digits()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(300):
        optimizer.zero_grad()
        cross_entropy(model(x), y).backward()
        optimizer.step()
    return (model, x, y), dict(nbeta=1797 / math.log(1797), localization=10.0, batch_size=128), math.nan


PROBLEMS = {
    "linear regression (4)": (regression, squared),
    "deep linear network 10-7-10 (140)": (deep_linear, squared),
    "toy model at the 6-gon (18)": (hexagon, squared),
    "digits network (2 410)": (digits, cross_entropy),
}


@contextmanager
def groups(change):
    """``change`` every Group that is made inside."""
    init = Group.__init__

    def changed(self, *args, **options):
        init(self, *args, **options)
        change(self)

    Group.__init__ = changed
    try:
        yield
    finally:
        Group.__init__ = init


def without_base(group):
    """Record the minibatch's own loss, less L_n(w*)."""
    if group.base is None:
        group.base = group.anchor[0]


def keep_base(kept, group):
    """Note, for each draw, how much the loss at w* on its minibatch is above L_n(w*)."""
    observe = group.observe

    def noted(w, loss, base, force):
        kept.append((base - group.anchor[0]).clone())
        return observe(w, loss, base, force)

    group.observe = noted


def measured(posterior, batch_size, way):
    """(estimates, seconds): of each thinning λ̂ of all chains of all seeds, and CPU-seconds of the draws of a run."""
    options = dict(sampler=WhitenedSGLD(control_variate=way == "relative"), num_chains=CHAINS,
                   num_burnin_steps=BURNIN, batch_size=batch_size)  # fmt: skip
    estimates = {every: [] for every in THINNINGS}
    for seed in range(SEEDS):
        kept: list[torch.Tensor] = []
        with groups(partial(keep_base, kept)):
            draws = sample(posterior, num_draws=STEPS, seed=seed, **options)
        excess = draws.loss.values - draws.attrs["init_loss"]
        if way == "without":
            excess = excess + torch.stack(kept[-STEPS:], 1).double().numpy()
        for every in THINNINGS:
            estimates[every].append(posterior.nbeta * excess[:, ::every].mean(1))
    seconds = {}
    for every in THINNINGS:
        with groups(without_base if way == "without" else lambda group: None):
            draws = sample(posterior, num_draws=4, num_steps_bw_draws=every, **options)
            took = []
            for _ in range(3):
                began = time.process_time()
                draws = resume(draws, num_draws=STEPS // every)
                took.append(time.process_time() - began)
        seconds[every] = min(took)
    return {every: np.concatenate(found) for every, found in estimates.items()}, seconds


def main() -> None:
    torch.set_num_threads(1)
    error = math.sqrt(2 / (SEEDS * CHAINS - 1))
    print(f"{SEEDS} seeds × {CHAINS} chains × {STEPS} steps; a spread² has an error of {error:.0%}")
    print("cost = spread² × CPU-seconds, in units of the first row's")
    for name, (make, loss) in PROBLEMS.items():
        if not any(name.startswith(start) for start in sys.argv[1:] or [""]):
            continue
        (model, x, y), settings, exact, *_ = make()
        posterior = LocalPosterior(model, (x, y), loss, nbeta=settings["nbeta"], localization=settings["localization"])
        print(f"{name}, λ̂ = {exact:.4g}, minibatches of {settings['batch_size']}", flush=True)
        unit = None
        for way in ("with", "without", "relative"):
            estimates, seconds = measured(posterior, settings["batch_size"], way)
            for every in THINNINGS:
                each = estimates[every]
                spread = each.std(ddof=1) / math.sqrt(CHAINS)
                cost = spread**2 * seconds[every]
                unit = unit or cost
                print(f"  {way:8} every {every:2}: λ̂ {each.mean():.4g} ± {spread / math.sqrt(SEEDS):.2g}, spread "
                      f"{spread:.3g}, {seconds[every]:.2f} s, cost {cost / unit:.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
