"""Remakes the lesson's asset: ``python -m sltcourse.lessons.generalization.make network``, about three minutes.

For data sets of several sizes the network's n G and n (WAIC − S), from its posterior; and λ̂, lesson 07's estimate, of
networks trained on 10 000 rows. The file holds what is done so far, whenever the run is stopped.
"""

import json
import sys
from functools import partial
from typing import Any

import torch

from sltcourse.kit import assets
from sltcourse.lessons.generalization.tanh_network import (
    INPUTS,
    TEST_POINTS,
    D,
    draw,
    errors,
    half_square,
    posterior_draws,
    trained,
)
from sltcourse.llc import LLCResult, estimate_llc
from sltcourse.progress import progress

NAME, COMMAND = "generalization/network.json", "python -m sltcourse.lessons.generalization.make network"
SETS = {50: 32, 100: 32, 200: 32, 400: 24, 800: 24, 1600: 16, 3200: 8, 6400: 6}  # rows: how many data sets
LLC_ROWS, LLC_SEEDS = 10_000, (0, 1, 2)


def measured(n: int, sets: int) -> dict[str, Any]:
    """n G and n (WAIC − S) of ``sets`` data sets of n rows, and the largest R-hat of their chains."""
    generator = torch.Generator().manual_seed(n)
    u, y = draw(sets, n, generator)
    w = posterior_draws(u, y, chains=4, burnin=150, draws=200, leapfrog=20, generator=generator)
    G, W, rhat = errors(w, u, y, torch.randn(TEST_POINTS, INPUTS, generator=generator)).T
    return {"n": n, "G": G.round(4).tolist(), "W": W.round(4).tolist(), "rhat": round(float(rhat.max()), 3)}


def estimated(seed: int) -> dict[str, Any]:
    """λ̂ of a network trained on ``LLC_ROWS`` rows, with the estimator's defaults."""
    net, data = trained(LLC_ROWS, seed)
    result = estimate_llc(net, data, half_square, seed=seed)
    assert isinstance(result, LLCResult)  # one network, one result
    return {"llc": round(result.llc, 4), "std_error": round(result.std_error, 4), "verdict": result.verdict.word}


def main(arguments: list[str]) -> None:
    if arguments != ["network"]:
        sys.exit(f"usage: {COMMAND}")
    torch.set_num_threads(1)
    (assets.folder() / NAME).parent.mkdir(exist_ok=True)
    done: dict[str, Any] = {"d": D, "sizes": [], "llc_rows": LLC_ROWS, "llc": []}
    jobs = [("sizes", partial(measured, n, sets)) for n, sets in SETS.items()]
    jobs += [("llc", partial(estimated, seed)) for seed in LLC_SEEDS]
    for key, job in progress(jobs, "network"):
        done[key].append(job())
        (assets.folder() / NAME).write_text(json.dumps(done) + "\n", encoding="utf-8")
    assets.record(NAME, COMMAND, "CPU, 1 thread")


if __name__ == "__main__":
    main(sys.argv[1:])
