"""λ̂ of regression networks: ``python -m sltcourse.lessons.developmental_stages.tried``, for lesson 10's last section.

First by independent draws: it trains the network of M = 4 for 800 steps and prints λ̂ at nβ = 100, γ = 10 000, with its
error and what 400 draws are worth. 20 seconds of one CPU core.

Then by HMC along the training of 1 600 steps, as ``ALONG`` has it: λ̂, its tilt, R-hat, effective draws and verdict at
each step. 6 minutes more. The step starts small: from w* a step that suits later on is refused at once, in 17 000
directions, and burn-in then makes it far too small.
"""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sltcourse.lessons.developmental_stages import models
from sltcourse.llc import HMC, Importance, LocalPosterior, estimate_llc, llc, sample

ALONG: dict[str, Any] = {
    "training": 1600,
    "steps": (20, 80, 160, 320, 800, 1599),
    "rows": 96,
    "nbeta": 30.0,
    "spring": 1000.0,
    "chains": 4,
    "draws": 120,
    "burnin": 80,
    "leapfrog": 8,
    "lr": 6e-6,
}


def rows(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """(x, y, y): rows of the four tasks on which λ̂ is read, and their targets."""
    x, y = (torch.from_numpy(a).float() for a in models.examples(count, 4, np.random.default_rng(123)))
    return x, y, y


def independent() -> None:
    """Train, draw, print."""
    model = models.train_regressor(models.new_regressor(), 4, range(800))
    posterior = LocalPosterior(model, rows(256), models.squared_error, nbeta=100.0, localization=10_000.0)
    draws = sample(posterior, Importance(), num_chains=4, num_draws=100, seed=0)
    value, error = llc(draws)
    print(f"λ̂ = {value:.3f} ± {error:.3f}, 400 draws are worth {draws.attrs['ess']:.0f}", flush=True)


def along(chosen: dict[str, Any]) -> None:
    """λ̂ by HMC at the steps of ``chosen``: a line for each."""
    kept, model = dict[int, torch.nn.Module](), models.new_regressor()

    def look(step: int) -> None:
        if step in chosen["steps"]:
            kept[step] = copy.deepcopy(model)

    models.train_regressor(model, 4, range(chosen["training"]), look)
    for step, one in kept.items():
        run = estimate_llc(
            one, rows(chosen["rows"]), models.squared_error, sampler=HMC(chosen["lr"], chosen["leapfrog"]),
            num_chains=chosen["chains"], num_draws=chosen["draws"], num_burnin_steps=chosen["burnin"],
            nbeta=chosen["nbeta"], localization=chosen["spring"], dtype=torch.float32, seed=0,
        )  # fmt: skip
        print(f"step {step}: λ̂ = {run.llc:.2f} ± {run.std_error:.2f}, tilt {run.tilt:.2f}, R-hat {run.rhat:.2f}, "
              f"{run.draws.sizes['chain'] * run.draws.sizes['draw']} draws are worth {run.ess:.0f}; "
              f"{run.verdict}", flush=True)  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    independent()
    along(ALONG)
